"""Coroutines that nobody awaits: what is done with them instead, and what only looks alike."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from tests.unit.checking import findings, found

HEAD = """\
import asyncio, contextlib, functools, inspect, itertools, json, logging, threading
from typing import Awaitable, cast
import httpx
log = logging.getLogger(__name__)
async def fetch(url): return url
async def rows():
    yield 1
@contextlib.asynccontextmanager
async def opened():
    yield 1
def make(url): return fetch(url)
def relay(url): return make(url)
def same(value): return value
def ignore(value): return 1
def shown(value): print(value)
async def awaiting(value): return await value
async def nested(): return fetch(1)
CACHE = {}
async def use(flag, urls, client: httpx.AsyncClient):
"""
FIRST = HEAD.count("\n") + 1


def inside(body: str) -> list[str]:
    """What is found in the body of an async function; its first line counts as 1."""
    text = HEAD + indent(dedent(body).strip("\n"), "    ") + "\n"
    return [
        f"{int(line.split()[0]) - FIRST + 1} {line.split()[1]}"
        for line in found(text)
        if int(line.split()[0]) >= FIRST
    ]


WRONG = {
    "dropped": ("fetch(1)", "1 dropped"),
    "dropped, library": ("asyncio.sleep(1)", "1 dropped"),
    "dropped, client": ("client.get('u')", "1 dropped"),
    "dropped, alias": ("g = fetch\ng(1)", "2 dropped"),
    "dropped, partial": ("g = functools.partial(fetch, 1)\ng()", "2 dropped"),
    "dropped, lambda": ("g = lambda u: fetch(u)\ng(1)", "2 dropped"),
    "dropped, through two functions": ("relay(1)", "1 dropped"),
    "dropped, handed through": ("same(fetch(1))", "1 dropped"),
    "dropped, list": ("[fetch(u) for u in urls]", "1 dropped"),
    "dropped, wrapped": ("asyncio.wait_for(fetch(1), 3)", "1 dropped"),
    "dropped, thread hop": ("asyncio.to_thread(print)", "1 dropped"),
    "dropped, assertRaises": ("flag.assertRaises(OSError, fetch, 1)", "1 dropped"),
    "dropped, raises of a lambda": ("pytest.raises(OSError, lambda: fetch(1))", "1 dropped"),
    "dropped, cleanup": ("flag.addCleanup(fetch, 1)", "1 dropped"),
    "dropped, what await gives": ("await nested()", "1 dropped"),
    "dropped, one branch": ("flag and fetch(1)", "1 dropped"),
    "async generator dropped": ("rows()", "1 dropped"),
    "if": ("if fetch(1): pass", "1 truth"),
    "while": ("while fetch(1): break", "1 truth"),
    "not": ("x = not fetch(1)", "1 truth"),
    "or": ("x = fetch(1) or 3", "1 truth"),
    "and": ("x = fetch(1) and 3", "1 truth"),
    "assert": ("assert fetch(1)", "1 truth"),
    "ternary": ("x = 1 if fetch(1) else 2", "1 truth"),
    "comprehension condition": ("x = [u for u in urls if fetch(u)]", "1 truth"),
    "any": ("x = any(fetch(u) for u in urls)", "1 truth"),
    "filter": ("x = list(filter(fetch, urls))", "1 truth"),
    "variable tested": ("x = fetch(1)\nif x: print(3)", "1 truth"),
    "f-string": ("x = f'{fetch(1)}'", "1 formatted"),
    "percent": ("x = '%s' % fetch(1)", "1 formatted"),
    "percent tuple": ("x = '%s %s' % (fetch(1), 2)", "1 formatted"),
    "format": ("x = '{}'.format(fetch(1))", "1 formatted"),
    "str": ("x = str(fetch(1))", "1 formatted"),
    "print": ("print(fetch(1))", "1 formatted"),
    "print in a function": ("shown(fetch(1))", "1 formatted"),
    "join": ("x = ','.join([fetch(u) for u in urls])", "1 formatted"),
    "logged": ("log.info('%s', fetch(1))", "1 formatted"),
    "equal": ("x = fetch(1) == 2", "1 compared"),
    "is None": ("x = fetch(1)\nif x is None: pass", "1 compared"),
    "in": ("x = fetch(1) in urls", "1 compared"),
    "in it": ("x = 1 in fetch(1)", "1 iterated"),
    "match": ("match fetch(1):\n    case 1: pass", "1 compared"),
    "sorted": ("x = sorted(fetch(u) for u in urls)", "1 compared"),
    "sort key": ("x = sorted(urls, key=fetch)", "1 compared"),
    "sum": ("x = sum(map(fetch, urls))", "1 operator"),
    "plus": ("x = 1 + fetch(1)", "1 operator"),
    "augmented": ("x = 1\nx += fetch(1)", "2 operator"),
    "map": ("x = list(map(fetch, urls))\nprint(x)", "1 formatted"),
    "map with a lambda": ("x = sum(map(lambda u: fetch(u), urls))", "1 operator"),
    "sort key, lambda": ("x = sorted(urls, key=lambda u: fetch(u))", "1 compared"),
    "for": ("for x in fetch(1): pass", "1 iterated"),
    "list": ("x = list(fetch(1))", "1 iterated"),
    "unpacked": ("a, b = fetch(1)", "1 iterated"),
    "starred": ("print(*fetch(1))", "1 iterated"),
    "plain for over an async generator": ("for x in rows(): pass", "1 iterated"),
    "async for over a coroutine": ("async for x in fetch(1): pass", "1 iterated"),
    "plain with": ("with opened(): pass", "1 entered"),
    "exit stack": ("with contextlib.ExitStack() as s: s.enter_context(opened())", "1 entered"),
    "json.dumps": ("x = json.dumps(fetch(1))", "1 handed-over"),
    "json.dumps, inside": ("x = json.dumps({'a': [fetch(1)]})", "1 handed-over"),
    "subscript": ("x = fetch(1)['a']", "1 subscripted"),
    "attribute": ("x = fetch(1).json()", "1 attribute"),
    "attribute, client": ("x = client.get('u').json()", "1 attribute"),
    "attribute, later": ("x = client.get('u')\ny = x.status_code", "1 attribute"),
    "element tested": ("for c in [fetch(u) for u in urls]:\n    if c: pass", "1 truth"),
    "cached in a dict": ("if 1 not in CACHE: CACHE[1] = fetch(1)\nreturn CACHE[1]", "1 cached"),
    "never used": ("x = fetch(1)", "1 unused"),
    "never used, tuple": ("x, y = fetch(1), 2", "1 unused"),
    "never used by the function": ("ignore(fetch(1))", "1 unused"),
    "list never used": ("x = [fetch(u) for u in urls]", "1 unused"),
    "overwritten": ("x = fetch(1)\nx = 2\nprint(x)", "1 unused"),
    "thread": ("threading.Thread(target=fetch).start()", "1 called-by-sync"),
    "to_thread": ("await asyncio.to_thread(fetch, 1)", "1 called-by-sync"),
    "call_soon": ("asyncio.get_event_loop().call_soon(fetch, 1)", "1 called-by-sync"),
}


@pytest.mark.parametrize("case", WRONG)
def test_found(case: str) -> None:
    body, expected = WRONG[case]
    assert inside(body) == [expected]


RIGHT = {
    "awaited": "await fetch(1)",
    "awaited later": "t = fetch(1)\nawait t",
    "awaited in a branch": "t = fetch(1)\nif flag: await t\nelse: t.close()",
    "awaited, then tested": "x = await fetch(1)\nif x: print(x['a'])",
    "the same name": "x = fetch(1)\nx = await x\nif x: print(x)",
    "perhaps there": "c = None\nif flag: c = fetch(1)\nif c is not None: await c",
    "perhaps there, tested": "c = fetch(1) if flag else None\nif c: await c",
    "logged and awaited": "c = fetch(1)\nlog.debug('starting %r', c)\nawait c",
    "gathered": "await asyncio.gather(fetch(1), fetch(2))",
    "gathered list": "await asyncio.gather(*[fetch(u) for u in urls])",
    "gathered generator": "await asyncio.gather(*(fetch(u) for u in urls))",
    "gathered map": "await asyncio.gather(*map(fetch, urls))",
    "gathered by appending": "t = []\nfor u in urls: t.append(fetch(u))\nawait asyncio.gather(*t)",
    "gathered by adding": "t = []\nfor u in urls: t += [fetch(u)]\nawait asyncio.gather(*t)",
    "gathered values": "t = {u: fetch(u) for u in urls}\nawait asyncio.gather(*t.values())",
    "list tested": "t = [fetch(u) for u in urls]\nif t and len(t) > 1: pass\nfor c in t: await c",
    "pairs": "for u, c in zip(urls, [fetch(u) for u in urls]): print(u, await c)",
    "items": "t = {u: fetch(u) for u in urls}\nfor u, c in t.items(): print(u, await c)",
    "popped": "t = [fetch(u) for u in urls]\nwhile t: await t.pop()",
    "task": "t = asyncio.create_task(fetch(1))\nif t: print(t)\nawait t",
    "task dropped": "asyncio.create_task(fetch(1))",
    "ensure_future": "asyncio.ensure_future(fetch(1))",
    "wait_for": "x = await asyncio.wait_for(fetch(1), 2)\nif x: pass",
    "shield": "await asyncio.shield(fetch(1))",
    "as_completed": "for c in asyncio.as_completed([fetch(u) for u in urls]): await c",
    "task group": "async with asyncio.TaskGroup() as g:\n    g.create_task(fetch(1))",
    "own thread's loop": "await asyncio.to_thread(asyncio.run, fetch(1))",
    "threadsafe": "asyncio.run_coroutine_threadsafe(fetch(1), flag)",
    "returned": "return await awaiting(fetch(1))",
    "handed through": "await same(fetch(1))",
    "through two functions": "await relay(1)",
    "twice": "await (await nested())",
    "conditional": "await (fetch(1) if flag else fetch(2))",
    "walrus": "if flag and (c := fetch(1)): await c",
    "async for": "async for x in rows(): print(x)",
    "async comprehension": "x = [y async for y in rows()]\nprint(x)",
    "async for over a parameter": (
        "async def total(xs): return sum([x async for x in xs])\nprint(await total(rows()))"
    ),
    "async with": "async with opened() as x: print(x)",
    "exit stack": "async with contextlib.AsyncExitStack() as s:\n"
    "    await s.enter_async_context(opened())",
    "closed": "c = fetch(1)\nc.close()",
    "unknown function": "flag(fetch(1))",
    "unknown method": "flag.schedule(fetch(1))",
    "cast": "await cast(Awaitable, fetch(1))",
    "asked": "x = make(1)\nif inspect.isawaitable(x): x = await x\nif x: print(x)",
    "asked of an instance": "x = relay(1)\nif isinstance(x, Awaitable): x = await x\nprint(x['a'])",
    "captured": "c = fetch(1)\nasync def inner(): return await c\nawait inner()",
    "in a try": "try:\n    c = fetch(1)\nexcept ValueError:\n    raise\nelse:\n    await c",
    "in a finally": "c = fetch(1)\ntry:\n    print(1)\nfinally:\n    await c",
    "loop carried": "c = None\nfor u in urls:\n    if c: await c\n    c = fetch(u)\nif c: await c",
    "pending jobs": "CACHE[1] = fetch(1)\nawait CACHE.pop(1)",
    "client": "r = await client.get('u')\nprint(r.json(), r.status_code)",
    "shadowed": "def fetch(u): return u\nfetch(1)\nif fetch(2): pass",
    "shadowed json": "json = flag\njson.dumps(fetch(1))",
    "yield": "yield fetch(1)",
}


@pytest.mark.parametrize("case", RIGHT)
def test_right_uses_stay_silent(case: str) -> None:
    assert inside(RIGHT[case]) == []


# ----------------------------------------------------------------------------- whole programs


def test_cached_coroutines() -> None:
    assert found(
        """
        import functools
        async def fetch(u): ...
        @functools.lru_cache
        async def one(u): return await fetch(u)
        @functools.cache
        def two(u): return fetch(u)
        class A:
            @functools.cached_property
            async def three(self): return await fetch(1)
        @functools.cache
        def plain(u): return u
        """
    ) == ["5 cached", "7 cached", "10 cached"]


def test_a_memo_of_the_project_keeps_a_coroutine() -> None:
    assert found(
        """
        def memo(f):
            kept = {}
            def wrapper(key):
                if key not in kept:
                    kept[key] = f(key)
                return kept[key]
            return wrapper
        @memo
        async def fetch(u): return u
        async def main():
            print(await fetch(1))
        """
    ) == ["6 cached"]


def test_a_property_that_only_a_template_reads() -> None:
    text = """
        async def load(u): ...
        class Book:
            @property
            def title(self): return load(self)
            @property
            def awaited(self): return load(self)
            @property
            async def declared(self): return await load(self)
            @property
            def printed(self): return load(self)
            @property
            def size(self): return 3
        async def show(book: Book):
            await book.awaited
            print(book.printed)
        """
    assert found(text) == ["5 property", "16 formatted"]


def test_an_annotated_property_is_meant() -> None:
    assert not found(
        """
        from collections.abc import Awaitable
        async def load(u): ...
        class Book:
            @property
            def title(self) -> Awaitable[str]: return load(self)
        """
    )


def test_methods_that_python_calls_itself() -> None:
    assert found(
        """
        async def load(u): ...
        class A:
            def __str__(self): return load(self)
            async def __len__(self): return 3
            async def __aenter__(self): return self
            def __aiter__(self): return self
            def __call__(self): return load(self)
        """
    ) == ["4 dunder", "5 dunder"]


def test_attributes_are_followed_inside_their_class() -> None:
    assert found(
        """
        async def load(u): ...
        class A:
            def __init__(self):
                self.data = load(1)
                self.task = load(2)
                self.left = load(3)
            async def use(self):
                print(self.data["x"])
                await self.task
        """
    ) == ["5 subscripted", "7 unused"]


def test_attributes_that_others_read_are_out_of_sight() -> None:
    assert not found(
        a="""
        async def load(u): ...
        class A:
            def __init__(self): self.job = load(1)
        """,
        b="""
        from a import A
        async def main(): await A().job
        """,
    )


def test_a_class_that_wraps_a_coroutine() -> None:
    assert not found(
        """
        async def load(u): ...
        class Lazy:
            def __init__(self, aw): self.aw = aw
            def __await__(self): return self.aw.__await__()
        class Client:
            def get(self, u): return Lazy(load(u))
        """
    )


def test_a_function_of_another_module_through_an_import() -> None:
    assert found(
        api="async def fetch(u): return u\n",
        main="""
        import api as remote
        from api import fetch as load
        def main():
            remote.fetch(1)
            return load(1)["x"]
        """,
    ) == ["5 dropped", "6 subscripted"]


def test_sync_callers_say_the_way_out() -> None:
    (finding,) = findings(
        """
        async def fetch(u): ...
        def deep(): return fetch(1)
        def main():
            deep()
        """
    )
    assert "make main async" in finding.way_out
    assert [step.name for step in finding.chain] == ["deep returns `fetch(1)`"]


def test_a_route_that_returns_a_coroutine() -> None:
    assert found(
        """
        from fastapi import FastAPI
        app = FastAPI()
        async def load(): ...
        @app.get("/a")
        async def a(): return load()
        @app.get("/b")
        async def b(): return await load()
        """
    ) == ["6 returned"]


def test_unknown_decorators_may_make_anything_of_a_function() -> None:
    assert not found(
        """
        import click, some_library
        @click.command()
        @some_library.run_in_loop
        async def main(): ...
        if __name__ == "__main__":
            main()
        """
    )


def test_a_sync_and_an_async_twin_are_told_apart_by_nobody() -> None:
    assert not found(
        """
        class Sync:
            def get(self): return 1
        class Async:
            async def get(self): return 1
        def use(flag):
            client = Sync() if flag else Async()
            return client.get()["x"]
        """
    )


def test_functions_that_ask_are_believed() -> None:
    assert not found(
        """
        import inspect
        async def job(): ...
        async def run(f):
            if inspect.iscoroutinefunction(f):
                await f()
            else:
                f()
        async def main():
            await run(job)
        """
    )


def test_a_name_alone_is_listed_and_does_not_fail() -> None:
    text = """
        class Api:
            async def fetch_catalogue(self): ...
        def main(api):
            api.fetch_catalogue()
        """
    assert not found(text)
    (listed,) = findings(text)
    assert (listed.line, listed.rule, listed.listed) == (5, "perhaps-not-awaited", True)


def test_module_level() -> None:
    assert found(
        """
        import asyncio
        async def main(): ...
        asyncio.run(main())
        main()
        """
    ) == ["5 dropped"]


def test_recursion_ends() -> None:
    assert found(
        """
        async def fetch(u): ...
        def down(n, value):
            return down(n - 1, [value]) if n else value
        async def main():
            await down(3, fetch(1))
            down(3, fetch(1))
        """
    ) in (["7 dropped"], [])


def test_what_follows_from_a_finding_is_no_other() -> None:
    assert found(
        """
        async def fetch(u): ...
        async def load(u):
            answer = fetch(u)
            if answer == 3: pass
            return answer
        async def main():
            print((await load(1))["x"])
        """
    ) == ["4 compared"]
