"""The erasure check says yes to async and to nothing else."""

from __future__ import annotations

import ast
import random
import sysconfig
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncshift.codemod import Registry
from asyncshift.erasure import compare
from asyncshift.tables import parse_table

TABLE = b"""
[keywords]
allow_redirects = "follow_redirects"

[aliases]
"requests.sessions.Session" = "requests.Session"
"requests.exceptions.ConnectionError" = "requests.ConnectionError"

[functions."time.sleep"]
to = "asyncio.sleep"

[classes."requests.Session"]
to = "httpx.AsyncClient"
awaited = "*"
rename = { close = "aclose" }

[exceptions]
"requests.ConnectionError" = ["httpx.NetworkError", "httpx.ConnectTimeout"]
"requests.Timeout" = ["httpx.TimeoutException"]
"""
REGISTRY = Registry([parse_table(TABLE, "table.toml", "table")])


def verdicts(before: str, after: str) -> dict[str, bool]:
    return dict(compare(dedent(before), dedent(after), REGISTRY))


SAME = {
    "def and await": (
        "def f(x):\n    return g(x).json()",
        "async def f(x):\n    return (await g(x)).json()",
    ),
    "with": (
        "def f(x):\n    with x as y, x:\n        y()",
        "async def f(x):\n    async with x as y, x:\n        await y()",
    ),
    "for": (
        "def f(x):\n    for y in x:\n        print(y)\n    else:\n        pass",
        "async def f(x):\n    async for y in x:\n        print(y)\n    else:\n        pass",
    ),
    "renamed function, other import form": (
        "from time import sleep as nap\ndef f():\n    nap(1)",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
    ),
    "import inside the function": (
        "def f():\n    import time as t\n    t.sleep(1)",
        "async def f():\n    import asyncio\n    await asyncio.sleep(1)",
    ),
    "renamed class behind an alias": (
        "from requests.sessions import Session\ndef f(s: Session):\n    s.close()",
        "import httpx\nasync def f(s: httpx.AsyncClient):\n    await s.aclose()",
    ),
    "renamed keyword": (
        "def f(s):\n    return s.get('/', allow_redirects=False)",
        "async def f(s):\n    return await s.get('/', follow_redirects=False)",
    ),
    "one exception becomes two": (
        "import requests\ndef f():\n    try:\n        g()\n"
        "    except requests.ConnectionError:\n        pass",
        "import httpx\nasync def f():\n    try:\n        await g()\n"
        "    except (httpx.NetworkError, httpx.ConnectTimeout):\n        pass",
    ),
    "exceptions in a tuple, in another order": (
        "from requests.exceptions import ConnectionError as CE\nimport requests\n"
        "ERRORS = (CE, requests.Timeout)\ndef f():\n    pass",
        "import httpx\n"
        "ERRORS = (httpx.TimeoutException, httpx.ConnectTimeout, httpx.NetworkError)\n"
        "def f():\n    pass",
    ),
    "thread": (
        "def f(x):\n    return render(x, style='a4')",
        "import asyncio\nasync def f(x):\n"
        "    return await asyncio.to_thread(render, x, style='a4')",
    ),
    "attribute in a thread": (
        "def f(x):\n    return x.slow",
        "import asyncio\nasync def f(x):\n    return await asyncio.to_thread(getattr, x, 'slow')",
    ),
    "list of an async generator": (
        "def f():\n    return list(rows())",
        "async def f():\n    return [row async for row in rows()]",
    ),
    "tuple and sum of an async generator": (
        "def f():\n    return tuple(rows()), sum(x.n for x in rows())",
        "async def f():\n"
        "    return tuple([r async for r in rows()]), sum([x.n async for x in rows()])",
    ),
    "sum of awaited elements": (
        "def f(xs):\n    return sum(g(x) for x in xs if x)",
        "async def f(xs):\n    return sum([await g(x) for x in xs if x])",
    ),
    "dict comprehension": (
        "def f(xs):\n    return dict((x, g(x)) for x in xs)",
        "async def f(xs):\n    return {x: await g(x) for x in xs}",
    ),
    "joined": (
        "def f(xs):\n    return ','.join(g(x) for x in xs)",
        "async def f(xs):\n    return ','.join([await g(x) for x in xs])",
    ),
    "any": (
        "def f(xs):\n    return any(p(x) for x in xs)",
        "async def f(xs):\n    return await anext((True for x in xs if await p(x)), False)",
    ),
    "all": (
        "def f(xs):\n    return all(p(x) for x in xs)",
        "async def f(xs):\n    return not await anext((True for x in xs if not await p(x)), False)",
    ),
    "in": (
        "def f(xs, x):\n    return x in xs, 2 not in xs",
        "async def f(xs, x):\n"
        "    return (await anext((True async for item in xs if item == x), False),\n"
        "            not await anext((True async for item in xs if item == 2), False))",
    ),
    "next with a default": (
        "def f(xs):\n    try:\n        return next(xs)\n    except StopIteration:\n"
        "        return iter(xs)",
        "async def f(xs):\n    try:\n        return await anext(xs)\n"
        "    except StopAsyncIteration:\n        return aiter(xs)",
    ),
    "next, as Python 3.9 has it": (
        "def f(xs):\n    return next(xs)",
        "async def f(xs):\n    return await xs.__anext__()",
    ),
    "a with of two, one of them async": (
        "def f(a, b):\n    with a as x, b:\n        return x",
        "async def f(a, b):\n    async with a as x:\n        with b:\n            return x",
    ),
    "yield from": (
        "def f():\n    yield from g()",
        "async def f():\n    async for item in g():\n        yield item",
    ),
    "yield from something sync": (
        "def f(x):\n    yield from x.items()",
        "async def f(x):\n    for item in x.items():\n        yield item",
    ),
    "generator annotation": (
        "from typing import Generator\ndef f() -> Generator[int, str, None]:\n    yield 1",
        "from collections.abc import AsyncGenerator\n"
        "async def f() -> AsyncGenerator[int, str]:\n    yield 1",
    ),
    "quoted annotation": (
        "from typing import Iterator\ndef f() -> 'Iterator[int]':\n    yield 1",
        "from typing import AsyncIterator\nasync def f() -> 'AsyncIterator[int]':\n    yield 1",
    ),
    "callback annotation": (
        "from typing import Callable\ndef f(g: Callable[[int], str]):\n    return g(1)",
        "from collections.abc import Awaitable\nfrom typing import Callable\n"
        "async def f(g: Callable[[int], Awaitable[str]]):\n    return await g(1)",
    ),
    "context manager function": (
        "from contextlib import contextmanager\n@contextmanager\ndef f():\n    yield g()",
        "from contextlib import asynccontextmanager\n@asynccontextmanager\n"
        "async def f():\n    yield await g()",
    ),
    "exit stack": (
        "import contextlib\ndef f(x):\n    with contextlib.ExitStack() as s:\n"
        "        s.enter_context(x)",
        "import contextlib\nasync def f(x):\n    async with contextlib.AsyncExitStack() as s:\n"
        "        await s.enter_async_context(x)",
    ),
    "type-checking imports come": (
        "def f(x):\n    return x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import httpx\ndef f(x):\n"
        "    return x",
    ),
    "async code that stays": (
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(1)\n    await x.aclose()\n"
        "    return run(x)",
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(1)\n    await x.aclose()\n"
        "    return await run(x)",
    ),
    "run": (
        "import asyncio\ndef f(x):\n    return g(x)",
        "import asyncio\ndef f(x):\n    return asyncio.run(g(x))",
    ),
    "bridge": (
        "def f(x):\n    return g(x)",
        "from ._run_sync import run_sync\ndef f(x):\n    return run_sync(g(x))",
    ),
    "bridge of a package": (
        "def f(x):\n    for y in g(x):\n        h(y)",
        "from p._run_sync import iter_sync\ndef f(x):\n    for y in iter_sync(g(x)):\n        h(y)",
    ),
}

DIFFERENT = {
    "in, compared with something else": (
        "def f(xs, x, y):\n    return x in xs",
        "async def f(xs, x, y):\n"
        "    return await anext((True async for item in xs if item == y), False)",
    ),
    "in, the other way round": (
        "def f(xs, x):\n    return x in xs",
        "async def f(xs, x):\n"
        "    return not await anext((True async for item in xs if item == x), False)",
    ),
    "renamed local": (
        "def f(x):\n    y = g(x)\n    return y",
        "async def f(x):\n    z = await g(x)\n    return z",
    ),
    "bridge of one's own": (
        "def f(x):\n    return g(x)",
        "from ._tools import run_sync\ndef f(x):\n    return run_sync(g(x))",
    ),
    "bridge around something else": (
        "def f(x):\n    return g(x)",
        "from ._run_sync import run_sync\ndef f(x):\n    return run_sync(h(x))",
    ),
    "thread that nobody waits for": (
        "import asyncio\ndef f(x):\n    g(x)",
        "import asyncio\nasync def f(x):\n    asyncio.to_thread(g, x)",
    ),
    "added argument": (
        "def f(s):\n    return s.get('/')",
        "async def f(s):\n    return await s.get('/', timeout=None)",
    ),
    "client block": (
        "import requests\ndef f():\n    return requests.get('/')",
        "import httpx\nasync def f():\n    async with httpx.AsyncClient() as client:\n"
        "        return await client.get('/')",
    ),
    "the same name, imported from elsewhere": (
        "from json import loads\ndef f(x):\n    return loads(x)",
        "from pickle import loads\nasync def f(x):\n    return loads(x)",
    ),
    "the same text, imported from elsewhere": (
        "from json import loads\ndef f(x):\n    return loads(x)",
        "from pickle import loads\ndef f(x):\n    return loads(x)",
    ),
    "imported from elsewhere on one of two ways": (
        "try:\n    from json import loads\nexcept ImportError:\n    loads = eval\n"
        "def f(x):\n    return loads(x)",
        "try:\n    from pickle import loads\nexcept ImportError:\n    loads = eval\n"
        "def f(x):\n    return loads(x)",
    ),
    "any that no longer stops early": (
        "def f(xs):\n    return any(p(x) for x in xs)",
        "async def f(xs):\n    return any([await p(x) for x in xs])",
    ),
    "any for all": (
        "def f(xs):\n    return all(p(x) for x in xs)",
        "async def f(xs):\n    return await anext((True for x in xs if not await p(x)), False)",
    ),
    "loop variable that lives on": (
        "def f(xs):\n    item = None\n    yield from g(xs)\n    print(item)",
        "async def f(xs):\n    item = None\n    async for item in g(xs):\n        yield item\n"
        "    print(item)",
    ),
    "two withs in another order": (
        "def f(a, b):\n    with a as x, b:\n        return x",
        "async def f(a, b):\n    with b:\n        async with a as x:\n            return x",
    ),
    "more inside the with": (
        "def f(a, b):\n    with a as x:\n        x()\n    b()",
        "async def f(a, b):\n    async with a as x:\n        x()\n        b()",
    ),
    "lists compared, not their items": (
        "def f(a, b):\n    return min(list(a), list(b))",
        "async def f(a, b):\n    return min(a, b)",
    ),
    "part of a list after an exception": (
        "def f(a, b):\n    a.extend(g(b))",
        "async def f(a, b):\n    a.extend([x async for x in g(b)])",
    ),
    "an element changed on the way": (
        "def f(xs):\n    return list(g(xs))",
        "async def f(xs):\n    return [str(x) async for x in g(xs)]",
    ),
    "another exception": (
        "import requests\ndef f():\n    try:\n        g()\n    except requests.Timeout:\n"
        "        pass",
        "import httpx\nasync def f():\n    try:\n        await g()\n"
        "    except httpx.NetworkError:\n        pass",
    ),
    "part of an exception": (
        "import requests\ndef f():\n    try:\n        g()\n"
        "    except requests.ConnectionError:\n        pass",
        "import httpx\nasync def f():\n    try:\n        await g()\n"
        "    except httpx.NetworkError:\n        pass",
    ),
    "quotes around an annotation": (
        "def f(x: int):\n    return x",
        "async def f(x: 'int'):\n    return x",
    ),
    "value that a generator returned": (
        "from typing import Generator\ndef f() -> Generator[int, str, bool]:\n    yield 1",
        "from typing import AsyncGenerator\nasync def f() -> AsyncGenerator[int, str]:\n"
        "    yield 1",
    ),
    "docstring": (
        'def f(x):\n    """Says."""\n    return x',
        'async def f(x):\n    """Sings."""\n    return x',
    ),
    "decorator lost": ("@d\ndef f(x):\n    return x", "async def f(x):\n    return x"),
    "default value": ("def f(x=1):\n    return x", "async def f(x=2):\n    return x"),
}


@pytest.mark.parametrize("case", SAME)
def test_only_async(case: str) -> None:
    before, after = SAME[case]
    assert verdicts(before, after) == {"f": True, "<module>": True}


@pytest.mark.parametrize("case", DIFFERENT)
def test_something_else(case: str) -> None:
    before, after = DIFFERENT[case]
    assert verdicts(before, after)["f"] is False


@pytest.mark.parametrize("case", [*SAME, *DIFFERENT])
def test_a_text_equals_itself(case: str) -> None:
    for text in {**SAME, **DIFFERENT}[case]:
        assert all(verdicts(text, text).values())


# ----------------------------------------------------------------------------- keys


def test_keys_are_the_old_qualified_names() -> None:
    before = """
    class Client:
        def __enter__(self):
            def inner():
                return self
            return inner()
        @property
        def size(self):
            return 1
        @size.setter
        def size(self, value):
            self._size = value
    """
    after = """
    class Client:
        async def __aenter__(self):
            def inner():
                return self
            return inner()
        @property
        def size(self):
            return 1
        @size.setter
        def size(self, value):
            self._size = None
    """
    assert verdicts(before, after) == {
        "Client.__enter__": True,
        "Client.__enter__.inner": True,
        "Client.size": True,
        "Client.size#2": False,
        "<module>": True,
    }


def test_nested_functions_are_compared_for_themselves() -> None:
    before = "def outer():\n    def inner():\n        return 1\n    return inner()"
    after = "async def outer():\n    def inner():\n        return 2\n    return inner()"
    assert verdicts(before, after) == {"outer": True, "outer.inner": False, "<module>": True}


def test_new_and_lost_functions_are_no_difference_to_what_encloses_them() -> None:
    before = "class C:\n    def lost(self): ...\n    def stays(self): ...\nX = 1"
    after = "class C:\n    def stays(self): ...\n    async def aclose(self): ...\nX = 1"
    assert verdicts(before, after) == {
        "C.lost": False,
        "C.stays": True,
        "C.aclose": False,
        "<module>": True,
    }


def test_a_split_entry_point_is_something_to_read() -> None:
    before = "@command\ndef main(x):\n    work(x)"
    after = (
        "import asyncio\nasync def main_async(x):\n    await work(x)\n"
        "@command\ndef main(x):\n    return asyncio.run(main_async(x))"
    )
    assert verdicts(before, after) == {"main": False, "main_async": False, "<module>": True}


def test_a_class_with_both_protocols_keeps_both() -> None:
    before = "class C:\n    def __enter__(self): f()\n    async def __aenter__(self): g()"
    after = "class C:\n    def __enter__(self): f()\n    async def __aenter__(self): await g()"
    found = verdicts(before, after)
    assert found == {"C.__enter__": True, "C.__aenter__": True, "<module>": True}


def test_module_statements_and_class_bodies() -> None:
    before = "class C:\n    x = 1\n    def f(self): ..."
    assert verdicts(before, before.replace("1", "2")) == {"C.f": True, "<module>": False}


def test_imports_may_come_and_go() -> None:
    before = "import time, requests\nX = 1"
    assert verdicts(before, "from asyncio import sleep\nX = 1") == {"<module>": True}


def test_a_star_import_binds_nobody_knows_what() -> None:
    assert verdicts("from time import *\nX = 1", "X = 1") == {"<module>": False}


def test_deep_expressions_are_not_proved_and_do_not_crash() -> None:
    deep = "def f():\n    return " + "+".join(["x"] * 900)
    assert verdicts(f"{deep}\nX = 1", f"{deep}\nX = 2") == {"f": True, "<module>": False}
    assert verdicts(deep, f"async {deep}")["f"] in (True, False)


# ----------------------------------------------------------------------------- real files

CORPUS = (
    "argparse.py",
    "configparser.py",
    "http/client.py",
    "json/decoder.py",
    "shutil.py",
    "smtplib.py",
    "tempfile.py",
    "urllib/request.py",
    "zipfile.py",
)


@cache
def _source(name: str) -> str:
    path = Path(sysconfig.get_path("stdlib"), name)
    if not path.exists():  # zipfile became a package in 3.12
        path = path.with_suffix("") / "__init__.py"
    return path.read_text("utf-8")


class _Asyncify(ast.NodeTransformer):
    """Turns every function async and awaits every call, whether that runs or not."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        names = {"__enter__": "__aenter__", "__exit__": "__aexit__", "__iter__": "__aiter__"}
        body = [self.visit(statement) for statement in node.body]
        return ast.AsyncFunctionDef(
            **{
                **dict(ast.iter_fields(node)),
                "name": names.get(node.name, node.name),
                "body": body,
            },
            lineno=0,
        )

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return ast.Await(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        return ast.AsyncFor(**dict(ast.iter_fields(node)), lineno=0)

    def visit_With(self, node: ast.With) -> ast.AST:
        self.generic_visit(node)
        return ast.AsyncWith(**dict(ast.iter_fields(node)), lineno=0)


@cache
def _async_source(name: str) -> str:
    return ast.unparse(_Asyncify().visit(ast.parse(_source(name))))


@pytest.mark.parametrize("name", CORPUS)
def test_async_everywhere_is_only_async(name: str) -> None:
    found = compare(_source(name), _async_source(name), REGISTRY)
    assert [key for key, same in found.items() if not same] == []


Plant = Callable[[ast.AST], ast.AST | None]


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """What belongs to the function's own verdict."""
    work = list(ast.iter_child_nodes(function))
    while work:
        node = work.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
            work += ast.iter_child_nodes(node)


def _swap_arguments(node: ast.AST, _: random.Random) -> bool:
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return False
    first, second = node.args[:2]
    node.args[:2] = [second, first]
    return ast.dump(first) != ast.dump(second)


def _drop_statement(node: ast.AST, chance: random.Random) -> bool:
    body = getattr(node, "body", None)
    if not isinstance(body, list) or len(body) < 2:
        return False
    quiet = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef
    loud = [
        i
        for i, statement in enumerate(body)
        if not any(isinstance(inner, quiet) for inner in ast.walk(statement))
    ]
    if not loud:
        return False
    del body[chance.choice(loud)]
    return bool(body)


def _change_constant(node: ast.AST, _: random.Random) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, int):
        return False
    node.value = node.value + 41
    return True


def _change_method(node: ast.AST, _: random.Random) -> bool:
    if not isinstance(node, ast.Attribute):
        return False
    node.attr += "_other"
    return True


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(CORPUS),
    plant=st.sampled_from([_swap_arguments, _drop_statement, _change_constant, _change_method]),
    chance=st.randoms(use_true_random=False),
)
def test_a_planted_change_is_found_where_it_is(
    name: str, plant: Callable[[ast.AST, random.Random], bool], chance: random.Random
) -> None:
    tree = ast.parse(_async_source(name))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    chance.shuffle(functions)
    for function in functions:
        places = list(_own_nodes(function))
        chance.shuffle(places)
        if any(plant(place, chance) for place in places):
            break
    found = compare(_source(name), ast.unparse(tree), REGISTRY)
    wrong = [key for key, same in found.items() if not same]
    assert len(wrong) == 1
    assert wrong[0].partition("#")[0].rpartition(".")[2].strip("_") in function.name


# ----------------------------------------------------------------------------- facades

BRIDGES = "from pkg._run_sync import enter_sync, in_thread, iter_sync, run_sync\n"
FACADES = {
    "function": (
        "def f(a, b=1, *c, d, e=None, **g) -> int:\n    return h(a)",
        "async def f_async(a, b=1, *c, d, e=None, **g) -> int:\n    return await h(a)\n"
        "def f(a, b=1, *c, d, e=None, **g) -> int:\n    'For others.'\n"
        "    return run_sync(f_async(a, b, *c, d=d, e=e, **g))",
    ),
    "method": (
        "class C:\n    @final\n    @d\n    def f(this, a): return this.f(a)",
        "class C:\n    @final\n    @d\n"
        "    async def f_async(this, a): return await this.f_async(a)\n"
        "    @final\n    def f(this, a): return run_sync(this.f_async(a))",
    ),
    "static": (
        "class B:\n    class C:\n        @staticmethod\n        def f(a=[]): pass",
        "class B:\n    class C:\n        @staticmethod\n        async def f_async(a=[]): pass\n"
        "        @staticmethod\n        def f(a=f_async.__func__.__defaults__[0]):\n"
        "            return run_sync(B.C.f_async(a))",
    ),
    "class": (
        "class C:\n    @classmethod\n    def f(cls, *, a={}): pass",
        "class C:\n    @classmethod\n    async def f_async(cls, *, a={}): pass\n"
        "    @classmethod\n    def f(cls, *, a=f_async.__func__.__kwdefaults__['a']):\n"
        "        return run_sync(cls.f_async(a=a))",
    ),
    "generator": (
        "from typing import Iterator\ndef f(x) -> Iterator[int]:\n    yield 1",
        "from typing import AsyncIterator, Iterator\n"
        "async def f_async(x) -> AsyncIterator[int]:\n    yield 1\n"
        "def f(x) -> Iterator[int]:\n    return iter_sync(f_async(x))",
    ),
    "context manager": (
        "from typing import Iterator\nfrom contextlib import contextmanager\n"
        "@contextmanager\ndef f(x) -> Iterator[int]:\n    yield 1",
        "from typing import AsyncIterator\n"
        "from contextlib import AbstractContextManager, asynccontextmanager\n"
        "@asynccontextmanager\nasync def f_async(x) -> AsyncIterator[int]:\n    yield 1\n"
        "def f(x) -> AbstractContextManager[int]:\n    return enter_sync(f_async(x))",
    ),
    "dunder": (
        "class C:\n    def __exit__(self, *error): self.f()",
        "class C:\n    async def __aexit__(self, *error): await self.f()\n"
        "    def __exit__(self, *error): return run_sync(self.__aexit__(*error))",
    ),
    "nested": (
        "def o():\n    def f(x):\n        def inner(): pass\n        return inner\n    return f",
        "def o():\n    async def f_async(x):\n        def inner(): pass\n        return inner\n"
        "    def f(x): return run_sync(f_async(x))\n    return f",
    ),
    "with its callers": (
        "def f(x): return x\ndef g(): return f(1), C().f(2)",
        "async def f_async(x): return x\ndef f(x): return run_sync(f_async(x))\n"
        "async def g(): return await f_async(1), C().f(2)",
    ),
}
IMPORTS = "from typing import final\n" + BRIDGES


@pytest.mark.parametrize("case", FACADES)
def test_facades_come_and_go(case: str) -> None:
    before, after = (IMPORTS + text for text in FACADES[case])
    there = verdicts(before, after)
    assert all(there.values())
    assert set(there) == set(verdicts(before, before))
    assert all(verdicts(after, after).values())
    assert all(verdicts(after, before).values())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("f_async(a, b, *c, d=d, e=e, **g)", "f_async(b, a, *c, d=d, e=e, **g)"),
        ("f_async(a, b, *c, d=d, e=e, **g)", "f_async(a, b, *c, d=d, **g)"),
        ("f_async(a, b, *c, d=d, e=e, **g)", "f_async(a, b, *c, d=e, e=d, **g)"),
        ("f_async(a, b, *c, d=d, e=e, **g)", "f_async(a, b, d=d, e=e, **g)"),
        ("f_async(a, b, *c, d=d, e=e, **g)", "f_async(a, b, *c, d=d, e=e)"),
        ("f_async(a, b, *c, d=d, e=e, **g)", "f_async(a, 1, *c, d=d, e=e, **g)"),
        ("run_sync(f_async", "run_sync(other"),
        ("run_sync(f_async", "iter_sync(f_async"),
        ("run_sync(f_async", "print(f_async"),
        ("return run_sync(f", "run_sync(f"),
        ("def f(a, b=1", "def f(a, b=2"),
        ("def f(a, b=1, *c, d,", "def f(a, b=1, *c, d=0,"),
        ("e=None, **g) -> int:\n    'For", "e=None, **g) -> str:\n    'For"),
        ("    'For others.'\n", "    print(a)\n"),
        ("return await h(a)", "return await h(b)"),
        ("\ndef f(", "\n@cache\ndef f("),
    ],
)
def test_a_fault_in_a_facade(right: str, wrong: str) -> None:
    before, after = (IMPORTS + text for text in FACADES["function"])
    assert right in after
    other = f"async def other(*a, **k): pass\n{after}".replace(right, wrong)
    assert verdicts(before, other)["f"] is False
    gone = other.replace(wrong, right)
    assert verdicts(before, gone)["f"] is True


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("B.C.f_async(a)", "C.f_async(a)"),
        ("    @staticmethod\n        def f(", "    def f("),
        ("__defaults__[0]", "__defaults__[1]"),
        ("a=f_async.__func__", "a=g_async.__func__"),
    ],
)
def test_a_fault_in_a_static_facade(right: str, wrong: str) -> None:
    before, after = (IMPORTS + text for text in FACADES["static"])
    assert right in after
    assert verdicts(before, after.replace(right, wrong))["B.C.f"] is False


def test_a_facade_that_goes_leaves_its_name() -> None:
    before = IMPORTS + FACADES["function"][1]
    start = before.index("def f(")
    assert verdicts(before, before[:start])["f"] is False
    assert verdicts(before, before[:start].replace("f_async", "g"))["f"] is False


def test_names_of_other_files() -> None:
    before = "from .api import fetch as get\nimport m\ndef f(c): return get(1), c.run(2), m.run()"
    after = (
        "from .api import fetch_async as get_async\nimport m\n"
        "async def f(c): return await get_async(1), await c.run_async(2), await m.run_async()"
    )
    renames = {"fetch_async": "fetch", "run_async": "run"}
    assert all(compare(before, after, REGISTRY, renames).values())
    assert all(compare(after, before, REGISTRY, renames).values())
    assert verdicts(before, after)["f"] is False
    assert (
        compare(before, after.replace("get_async(1)", "c.run(1)"), REGISTRY, renames)["f"] is False
    )


def test_threads_of_ones_own_and_bridges() -> None:
    before = "def f(x):\n    g(x)\n    x.y\n    for z in h(): pass\n    with k(): pass"
    after = (
        "async def f(x):\n    await in_thread(g, x)\n    await in_thread(getattr, x, 'y')\n"
        "    for z in iter_sync(h()): pass\n    with enter_sync(k()): pass"
    )
    assert all(verdicts(before, BRIDGES + after).values())
    assert not all(verdicts(before, BRIDGES + after.replace("(g, x)", "(x, g)")).values())
