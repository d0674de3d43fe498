"""A program in which some modules were migrated has the graph of its sync original."""

from __future__ import annotations

import pytest

from asyncshift.callgraph import build
from asyncshift.facts import extract
from asyncshift.loading import load_registry
from asyncshift.model import Graph
from tests.unit.graphs import TinyRegistry, graph, names, site, source

BRIDGES = {"pkg._run_sync": "pkg/_run_sync.py"}


def mixed(**modules: str) -> Graph:
    """The graph of a package `pkg` that holds a generated bridge module."""
    files = [source("", "pkg", "pkg/__init__.py")]
    files += [source(text, f"pkg.{name}", f"pkg/{name}.py") for name, text in modules.items()]
    return build([extract(file) for file in files], TinyRegistry(), bridges=BRIDGES)


def plain(name: str) -> str:
    """The name in the sync original."""
    for new, old in (("__aenter__", "__enter__"), ("__aexit__", "__exit__")):
        name = name.replace(new, old)
    for new, old in (("__aiter__", "__iter__"), ("__anext__", "__next__")):
        name = name.replace(new, old)
    return name.removesuffix("_async")


def shape(found: Graph) -> set[str]:
    """`caller protocol target`, with facades and their coroutines as one function."""
    functions = found.functions
    return {
        f"{plain(functions[s.caller].name)} {s.protocol} {plain(name)}"
        for s in found.sites
        if functions[s.caller].facade_of is None and s.certainty != "unknown"
        for name in names(found, s)
        if s.protocol not in ("import", "annotation")
    }


def handed_on(found: Graph) -> set[tuple[str, str]]:
    """(who is handed on, to whom)."""
    return {
        (plain(found.functions[e.function].name) if e.function else str(e.origins), e.to)
        for e in found.escapes
    }


CLIENT = """
    import requests, time
    class Client:
        def __init__(self): self.session = requests.Session()
        def get(self, url, retries=3):
            for _ in range(retries):
                try: return self.session.get(url)
                except requests.HTTPError: time.sleep(1)
        def close(self): self.session.close()
    def make(): return Client()
"""
CLIENT_MIXED = """
    import asyncio, requests
    from ._run_sync import run_sync
    class Client:
        def __init__(self): self.session = requests.Session()
        async def get_async(self, url, retries=3):
            for _ in range(retries):
                try: return await asyncio.to_thread(self.session.get, url)
                except requests.HTTPError: await asyncio.to_thread(time.sleep, 1)
        def get(self, url, retries=3):
            '''`get_async`, for callers that are not async.'''
            return run_sync(self.get_async(url, retries))
        def close(self): self.session.close()
    def make(): return Client()
"""
CALLERS = """
    from pkg.client import make
    def main():
        client = make()
        print(client.get("u").json())
        client.close()
"""
CALLERS_MIXED = """
    import asyncio
    from pkg.client import make
    async def main():
        client = make()
        print((await client.get_async("u")).json())
        client.close()
"""


def test_client_class_in_one_module_and_callers_in_another() -> None:
    sync = mixed(client=CLIENT, callers=CALLERS)
    migrated_client = CLIENT_MIXED.replace(
        "import asyncio, requests", "import asyncio, requests, time"
    )
    assert "main call requests.Response.json" in shape(sync)
    assert shape(mixed(client=migrated_client, callers=CALLERS)) == shape(sync)
    assert shape(mixed(client=migrated_client, callers=CALLERS_MIXED)) == shape(sync)
    assert handed_on(mixed(client=migrated_client, callers=CALLERS_MIXED)) == handed_on(sync)


def test_generators() -> None:
    sync = mixed(
        rows="""
            import requests
            def rows(n): yield requests.get("u")
            def every():
                yield from rows(2)
            """,
        main="""
            from .rows import every, rows
            def main():
                for r in every(): r.json()
                first = next(rows(1), None)
                first.json()
                return [r.ok for r in rows(3)], list(rows(4))
            """,
    )
    migrated = """
        import asyncio, requests
        from pkg import _run_sync
        async def rows_async(n): yield await asyncio.to_thread(requests.get, "u")
        def rows(n): return _run_sync.iter_sync(rows_async(n))
        async def every_async():
            async for row in rows_async(2): yield row
        def every(): return _run_sync.iter_sync(every_async())
        """
    later = mixed(
        rows=migrated,
        main="""
            from .rows import every, rows
            def main():
                for r in every(): r.json()
                first = next(rows(1), None)
                first.json()
                return [r.ok for r in rows(3)], list(rows(4))
            """,
    )
    done = mixed(
        rows=migrated,
        main="""
            from .rows import every_async, rows_async
            async def main():
                async for r in every_async(): r.json()
                first = await anext(rows_async(1), None)
                first.json()
                return [r.ok async for r in rows_async(3)], [r async for r in rows_async(4)]
            """,
    )
    bridged = mixed(
        rows=migrated,
        main="""
            from ._run_sync import iter_sync
            from .rows import every_async, rows_async
            def main():
                for r in iter_sync(every_async()): r.json()
                first = next(iter_sync(rows_async(1)), None)
                first.json()
                return [r.ok for r in iter_sync(rows_async(3))], list(iter_sync(rows_async(4)))
            """,
    )
    wanted = {edge.replace("yield_from", "for") for edge in shape(sync)}
    assert shape(later) == shape(bridged) == wanted
    assert shape(done) == wanted - {"main consume rows"}
    assert {handed_on(g) == set() for g in (sync, later, done, bridged)} == {True}
    assert {(s.protocol, s.wrapper) for s in bridged.sites if s.path == "pkg/main.py"} == {
        ("for", "iter_sync"),
        ("next", "iter_sync"),
        ("comprehension", "iter_sync"),
        ("consume", "iter_sync"),
        ("call", "iter_sync"),
        ("call", ""),
        ("attribute", ""),
    }


def test_context_managers() -> None:
    user = """
        from .managers import Pool, opened
        def main():
            with opened(1) as session, Pool() as pool:
                session.get("u")
                pool.work()
        """
    sync = mixed(
        managers="""
            import contextlib, requests
            @contextlib.contextmanager
            def opened(n):
                with requests.Session() as session:
                    yield session
            class Pool:
                def __enter__(self): return self
                def __exit__(self, kind, error, trace): self.close()
                def close(self): ...
                def work(self): ...
            """,
        user=user,
    )
    migrated = """
        import contextlib, requests
        from ._run_sync import enter_sync, run_sync
        @contextlib.asynccontextmanager
        async def opened_async(n):
            with requests.Session() as session:
                yield session
        def opened(n): return enter_sync(opened_async(n))
        class Pool:
            async def __aenter__(self): return self
            def __enter__(self): return run_sync(self.__aenter__())
            async def __aexit__(self, kind, error, trace): self.close()
            def __exit__(self, kind, error, trace):
                return run_sync(self.__aexit__(kind, error, trace))
            def close(self): ...
            def work(self): ...
        """
    later = mixed(managers=migrated, user=user)
    done = mixed(
        managers=migrated,
        user="""
            from .managers import Pool, opened_async
            from contextlib import AsyncExitStack
            async def main():
                async with opened_async(1) as session, Pool() as pool:
                    session.get("u")
                    pool.work()
                async with AsyncExitStack() as stack:
                    await stack.enter_async_context(Pool())
            """,
    )
    bridged = mixed(
        managers=migrated,
        user="""
            from .managers import Pool, opened_async
            from ._run_sync import enter_sync
            def main():
                with enter_sync(opened_async(1)) as session, enter_sync(Pool()) as pool:
                    session.get("u")
                    pool.work()
            """,
    )
    assert shape(sync) == shape(later) == shape(bridged)
    entered = {"main consume Pool.__enter__", "main consume Pool.__exit__"}
    assert shape(done) == shape(sync) | entered
    assert names(done, site(done, "Pool()", "with")) == ["Pool.__aenter__", "Pool.__aexit__"]
    assert names(later, site(later, "Pool()", "with")) == ["Pool.__enter__", "Pool.__exit__"]
    reached = site(bridged, "enter_sync(Pool())", "with")
    assert names(bridged, reached) == ["Pool.__aenter__", "Pool.__aexit__"]
    facades = {f.name for f in done.functions.values() if f.facade_of}
    assert facades == {"opened", "Pool.__enter__", "Pool.__exit__"}


def test_iterators_and_coroutines_that_run_together() -> None:
    found = mixed(
        main="""
            import asyncio, requests
            from contextlib import aclosing
            class Pages:
                def __aiter__(self): return self
                async def __anext__(self): return requests.get("u")
            async def fetch(u): return requests.get(u)
            async def rows(): yield requests.get("u")
            async def main(urls):
                async for page in Pages(): page.json()
                one, two = await asyncio.gather(fetch("a"), fetch("b"))
                one.ok
                for many in await asyncio.gather(*[fetch(u) for u in urls]): many.text
                async with asyncio.TaskGroup() as group:
                    task = group.create_task(fetch("u"))
                (await task).url
                async with aclosing(rows()) as closed:
                    async for row in closed: row.content
            asyncio.run(main([]))
            """
    )
    assert {edge for edge in shape(found) if "requests.Response" in edge} == {
        "main call requests.Response.json",
        "main attribute requests.Response.ok",
        "main attribute requests.Response.text",
        "main attribute requests.Response.url",
        "main attribute requests.Response.content",
    }
    assert {"main for Pages.__iter__", "main for Pages.__next__"} <= shape(found)
    assert handed_on(found) == set()
    assert site(found, "Pages()", "for").awaited
    assert site(found, "main").wrapper == "asyncio.run"


# ----------------------------------------------------------------------------- wrappers

IMPORTS = {
    "absolute": ("from pkg._run_sync import run_sync", "run_sync"),
    "relative": ("from ._run_sync import run_sync", "run_sync"),
    "renamed": ("from ._run_sync import run_sync as wait", "wait"),
    "module": ("import pkg._run_sync", "pkg._run_sync.run_sync"),
    "module, renamed": ("import pkg._run_sync as b", "b.run_sync"),
    "module from the package": ("from . import _run_sync", "_run_sync.run_sync"),
}


@pytest.mark.parametrize("how", IMPORTS)
def test_the_bridge_however_it_is_imported(how: str) -> None:
    statement, name = IMPORTS[how]
    text = f"{statement}\nasync def f(): ...\ndef g(x): return {name}(f())\n"
    found = mixed(main=text)
    assert (site(found, "f").wrapper, site(found, "f").wrapper_span) == (
        "run_sync",
        (3, 17, 3, 22 + len(name)),
    )


def test_what_only_looks_like_a_bridge() -> None:
    found = mixed(
        own="def run_sync(x): return x\ndef to_thread(f): ...\n",
        main="""
            from .own import run_sync, to_thread
            from other._run_sync import iter_sync
            async def f(): ...
            def g():
                run_sync(f())
                for x in iter_sync(f()): ...
            to_thread(g)
            """,
    )
    assert {s.wrapper for s in found.sites} == {""}
    assert not any(f.facade_of for f in found.functions.values())
    assert [e.to for e in found.escapes] == []
    assert names(found, site(found, "g", "value")) == ["g"]


def test_only_what_stands_directly_inside_is_wrapped() -> None:
    found = mixed(
        main="""
            from ._run_sync import run_sync
            async def f(x): return 1
            def h(): ...
            def g():
                later = f(1)
                run_sync(later)
                run_sync(f(h()))
                run_sync(f(2)).real
            """
    )
    wrapped = {(s.span[0], s.text) for s in found.sites if s.wrapper}
    assert wrapped == {(8, "f"), (9, "f")}


def test_calls_that_a_thread_makes() -> None:
    found = mixed(
        main="""
            import asyncio, requests
            from ._run_sync import in_thread
            class C:
                def __init__(self): self.session = requests.Session()
                def work(self, n): return self.session
                async def go(self):
                    (await asyncio.to_thread(self.session.get, "u")).json()
                    (await in_thread(self.work, n=1)).post("u")
                    return asyncio.to_thread(unseen, self.work, self.session)
            """
    )
    first, *_ = [s for s in found.sites if s.wrapper == "to_thread"]
    assert (names(found, first), first.awaited) == (["requests.Session.get"], True)
    assert first.targets[0].origins == ("pkg/main.py:5:39",)
    hop = site(found, "self.work")
    assert (names(found, hop), hop.wrapper, hop.awaited) == (["C.work"], "in_thread", True)
    assert (hop.wrapper_span, hop.keywords) == (hop.span, ("n",))
    assert shape(found) >= {"C.go call requests.Response.json", "C.go call requests.Session.post"}
    values = [(s.span[0], names(found, s)) for s in found.sites if s.protocol == "value"]
    assert values == [(10, ["C.work"])]
    assert {e.to for e in found.escapes} == {"asyncio.to_thread"}


def test_a_property_that_a_thread_reads() -> None:
    found = mixed(
        main="""
            import asyncio, requests
            from ._run_sync import in_thread
            class C:
                def __init__(self): self.session = requests.Session()
                @property
                def link(self): return self.session
                async def go(self, name):
                    (await asyncio.to_thread(getattr, self, "link")).get("u")
                    await in_thread(getattr, self, name)
                    await asyncio.to_thread(other, self, "link")
            """
    )
    (hop,) = [s for s in found.sites if s.protocol == "attribute"]
    assert (names(found, hop), hop.wrapper, hop.awaited) == (["C.link"], "to_thread", True)
    assert (hop.wrapper_span, hop.span[0]) == (hop.span, 9)
    assert "C.go call requests.Session.get" in shape(found)


# ----------------------------------------------------------------------------- facades

FACADES = {
    "plain": "async def f_async(a, b=1): ...\ndef f(a, b=1): return run_sync(f_async(a, b))\n",
    "named": "async def g(a, *, b): ...\ndef f(a, *, b): return run_sync(g(a=a, b=b))\n",
    "all": """
async def g(*a, **k): yield 1
def f(*a, **k):
    'documented'
    return iter_sync(g(*a, **k))
""",
    "before": "def f(): return run_sync(g())\nasync def g(): ...\n",
    "class": """
class C:
    @classmethod
    @retried
    async def g(cls, a): ...
    @classmethod
    def f(cls, a): return run_sync(cls.g(a))
""",
    "static": """
class C:
    @staticmethod
    async def g(a): ...
    @staticmethod
    def f(a): return run_sync(C.g(a))
""",
    "shared defaults": """
async def g(a, b=1, c=[], *, d={}): ...
def f(a, b=1, c=g.__defaults__[1], *, d=g.__kwdefaults__["d"]): return run_sync(g(a, b, c, d=d))
""",
    "static, inside": """
class C:
    class D:
        @staticmethod
        async def g(a=[]): ...
        @staticmethod
        def f(a=g.__func__.__defaults__[0]): return run_sync(C.D.g(a))
""",
    "nested": "def o():\n    async def g(): ...\n    def f(): return run_sync(g())\n    return f\n",
}
NO_FACADES = {
    "more": "async def g(a): ...\ndef f(a):\n    print(a)\n    return run_sync(g(a))\n",
    "comment of code": "async def g(a): ...\ndef f(a): return run_sync(g(a)) or 1\n",
    "other order": "async def g(a, b): ...\ndef f(a, b): return run_sync(g(b, a))\n",
    "constant": "async def g(a): ...\ndef f(a): return run_sync(g(1))\n",
    "dropped": "async def g(a, b=1): ...\ndef f(a, b=1): return run_sync(g(a))\n",
    "other default": "async def g(a=1): ...\ndef f(a=2): return run_sync(g(a))\n",
    "default of another parameter": "async def g(a=[], b=[]): ...\n"
    "def f(a=g.__defaults__[1], b=g.__defaults__[1]): return run_sync(g(a, b))\n",
    "not returned": "async def g(): ...\ndef f(): run_sync(g())\n",
    "no coroutine": "def g(): ...\ndef f(): return run_sync(g())\n",
    "elsewhere": "from x import g\ndef f(): return run_sync(g())\n",
    "decorated": "async def g(): ...\n@cached\ndef f(): return run_sync(g())\n",
    "another object": "async def g(): ...\nx = object()\ndef f(): return run_sync(x.g())\n",
    "runs a loop": "import asyncio\nasync def g(): ...\ndef f(): return asyncio.run(g())\n",
    "is async": "async def g(): ...\nasync def f(): return run_sync(g())\n",
    "outer scope": "async def g(): ...\nclass C:\n    def f(self): return run_sync(g())\n",
}


def facades(text: str) -> dict[str, str]:
    text = f"from pkg._run_sync import run_sync, iter_sync, enter_sync\n{text}"
    functions = mixed(main=text).functions
    return {
        f.name: functions[f.facade_of].name for f in functions.values() if f.facade_of is not None
    }


@pytest.mark.parametrize("how", FACADES)
def test_facades(how: str) -> None:
    found = facades(FACADES[how])
    assert [name.rpartition(".")[2] for name in found] == ["f"]


@pytest.mark.parametrize("how", NO_FACADES)
def test_no_facades(how: str) -> None:
    assert facades(NO_FACADES[how]) == {}


def test_facades_and_coroutines_are_families_of_their_own() -> None:
    found = mixed(
        main="""
            from ._run_sync import run_sync
            class A:
                async def get_async(self): ...
                def get(self): return run_sync(self.get_async())
            class B(A):
                async def get_async(self): ...
                def get(self): return run_sync(self.get_async())
            class C(A):
                def get(self): ...
            def call(x): x.get()
            for one in (A(), B(), C()): call(one)
            def either(x, new): return (x.get_async if new else x.get)()
            either(A(), 1)
            """
    )
    families = {
        f.name: {found.functions[other].name for other in f.family}
        for f in found.functions.values()
        if f.family
    }
    assert families == {
        "A.get": {"B.get", "C.get"},
        "B.get": {"A.get", "C.get"},
        "C.get": {"A.get", "B.get"},
        "A.get_async": {"B.get_async"},
        "B.get_async": {"A.get_async"},
    }


# ----------------------------------------------------------------------------- the new library


def real(text: str) -> Graph:
    """With the installed tables."""
    return build([extract(source(text))], load_registry())


def test_the_new_library_flows_as_the_old_one() -> None:
    sync = real(
        """
        import requests, threading, time
        class Client:
            def __init__(self): self.session = requests.Session()
            def get(self, url):
                try:
                    reply = self.session.get(url)
                    reply.raise_for_status()
                except requests.HTTPError:
                    time.sleep(1)
                return reply.json()
            def download(self, url):
                with self.session.get(url, stream=True) as reply:
                    for chunk in reply.iter_content(9): yield chunk
            def close(self): self.session.close()
        def main():
            list(Client().download("u"))
            Client().get("u")
        """
    )
    done = real(
        """
        import asyncio, httpx
        class Client:
            def __init__(self): self.session = httpx.AsyncClient()
            async def get(self, url):
                try:
                    reply = await self.session.get(url)
                    reply.raise_for_status()
                except httpx.HTTPStatusError:
                    await asyncio.sleep(1)
                return reply.json()
            async def download(self, url):
                async with self.session.stream("GET", url) as reply:
                    async for chunk in reply.aiter_bytes(9): yield chunk
            async def close(self): await self.session.aclose()
        async def main():
            [chunk async for chunk in Client().download("u")]
            await Client().get("u")
        """
    )
    new = {
        "requests.Session": "httpx.AsyncClient",
        "requests.Response": "httpx.Response",
        "requests.HTTPError": "httpx.HTTPStatusError",
        "time.sleep": "asyncio.sleep",
        "iter_content": "aiter_bytes",
        "AsyncClient.close": "AsyncClient.aclose",
        "consume": "comprehension",
    }
    wanted = set()
    for edge in shape(sync):
        for old, now in new.items():
            edge = edge.replace(old, now)
        wanted.add(edge)
    wanted -= {"Client.download with httpx.Response"}
    streamed = {"Client.download call httpx.AsyncClient.stream"}
    wanted = wanted - {"Client.download call httpx.AsyncClient.get"} | streamed
    assert shape(done) - {"Client.download with httpx.Response"} == wanted
    assert handed_on(done) == handed_on(sync) == set()
    origins = site(done, "reply.json").targets[0].origins
    assert origins == ("mod.py:4:39",)


def test_a_method_that_a_thread_calls_is_not_handed_on() -> None:
    found = real(
        """
        import asyncio, requests
        session = requests.Session()
        async def main(): return await asyncio.to_thread(session.get, "u")
        def keep(): return use(session.get)
        """
    )
    reached = {(s.span[0], s.protocol) for s in found.sites if s.text != "requests.Session"}
    assert reached == {(4, "call"), (5, "attribute")}


def test_the_new_library_used_natively_stays_as_it_was() -> None:
    found = real(
        """
        import httpx
        class Strict(httpx.Client):
            def get(self, url): return super().get(url)
        def main():
            with httpx.Client() as client:
                client.get("u").json()
            return httpx.get("u").json()
        """
    )
    assert {s.protocol for s in found.sites} == set()
    (get,) = [f for f in found.functions.values() if f.name == "Strict.get"]
    assert get.foreign_base == "httpx.Client"


def test_regions_under_locks() -> None:
    found = real(
        """
        import threading
        class C:
            def __init__(self):
                self.one = threading.Lock()
                self.two = threading.RLock()
            def run(self):
                with self.one: work()
                with self.two:
                    work()
                with self.other: work()
        """
    )
    locked = {(*names(found, s), s.region) for s in found.sites if s.protocol == "with"}
    assert locked == {
        ("threading.Lock", (8, 23, 8, 29)),
        ("threading.RLock", (10, 12, 10, 18)),
    }


def test_without_bridge_modules_nothing_changes() -> None:
    found = graph("def f(): ...\ndef main(): f()\n")
    assert {(s.wrapper, s.wrapper_span) for s in found.sites} == {("", None)}
