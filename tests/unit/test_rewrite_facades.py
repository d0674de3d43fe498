"""Facades: written, run, taken away again; and what follows from both in the calls."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncshift.codemod import Edit, Resolved
from asyncshift.model import Style
from tests.unit.rewrite_bench import A, Codemods, Todo, do, migrated, plain, rewritten, rules

BRIDGE = {"bridge": "pkg._run_sync", "bridges": "pkg._run_sync"}
STANDS = {"bridges": "pkg._run_sync"}


def split(name: str = "f", new: str = "f_async", **detail: str) -> Todo:
    return do(A.MAKE_ASYNC, f"def {name}", facade=new, **detail)


def dissolve(name: str = "f", new: str = "f_async") -> tuple[Todo, Todo]:
    return do(A.DROP_FACADE, f"def {name}"), do(A.RENAME, f"def {new}", to=name)


# ----------------------------------------------------------------------------- what it looks like


def test_a_function() -> None:
    before = '''
        import time


        # Pages.
        @retry(3)  # thrice
        def fetch(url: str, /, timeout=5, *rest, flag: bool = False, **more) -> bytes:
            """Get one page."""

            # slowly
            return get(url)


        x = 1
    '''
    after = '''
        import time

        from pkg._run_sync import run_sync


        # Pages.
        @retry(3)  # thrice
        async def fetch_async(url: str, /, timeout=5, *rest, flag: bool = False, **more) -> bytes:
            """Get one page."""

            # slowly
            return await get(url)


        def fetch(url: str, /, timeout=5, *rest, flag: bool = False, **more) -> bytes:
            """`fetch_async`, for callers that are not async."""
            return run_sync(fetch_async(url, timeout, *rest, flag=flag, **more))


        x = 1
    '''
    todo = [split("fetch", "fetch_async"), do(A.AWAIT, "get(url)")]
    assert migrated(before, *todo, **BRIDGE) == plain(after)
    assert rewritten(plain(before), *todo, **BRIDGE).bridged


def test_methods() -> None:
    before = """
        import typing

        class Outer:
            class Client:
                @typing.final
                @cached
                def get(this, url): return url
                @classmethod
                def make(cls): return cls()

                @staticmethod
                def parse(text, *, strict=True):
                    return text
                    # done
    """
    after = """
        import typing

        from pkg._run_sync import run_sync

        class Outer:
            class Client:
                @typing.final
                @cached
                async def get_async(this, url): return url

                @typing.final
                def get(this, url):
                    \"""`get_async`, for callers that are not async.\"""
                    return run_sync(this.get_async(url))
                @classmethod
                async def make_async(cls): return cls()

                @classmethod
                def make(cls):
                    \"""`make_async`, for callers that are not async.\"""
                    return run_sync(cls.make_async())

                @staticmethod
                async def parse_async(text, *, strict=True):
                    return text
                    # done

                @staticmethod
                def parse(text, *, strict=True):
                    \"""`parse_async`, for callers that are not async.\"""
                    return run_sync(Outer.Client.parse_async(text, strict=strict))
    """
    todo = [split(name, f"{name}_async") for name in ("get", "make", "parse")]
    assert migrated(before, *todo, **BRIDGE) == plain(after)


def test_generators_and_context_managers() -> None:
    before = """
        from collections.abc import Iterator
        from contextlib import contextmanager


        def rows(x) -> Iterator[int]:
            yield from inner(x)


        @contextmanager
        def opened() -> Iterator[int]:
            yield 1
    """
    after = """
        from collections.abc import AsyncIterator, Iterator
        from contextlib import AbstractContextManager, asynccontextmanager

        from pkg._run_sync import enter_sync, iter_sync


        async def rows_async(x) -> AsyncIterator[int]:
            async for item in inner(x):
                yield item


        def rows(x) -> Iterator[int]:
            \"""`rows_async`, for callers that are not async.\"""
            return iter_sync(rows_async(x))


        @asynccontextmanager
        async def opened_async() -> AsyncIterator[int]:
            yield 1


        def opened() -> AbstractContextManager[int]:
            \"""`opened_async`, for callers that are not async.\"""
            return enter_sync(opened_async())
    """
    todo = [
        split("rows", "rows_async", kind="generator"),
        split("opened", "opened_async", kind="contextmanager"),
        do(A.DELEGATE, "yield from inner(x)"),
    ]
    assert migrated(before, *todo, **BRIDGE) == plain(after)


def test_dunder_methods_that_have_an_async_name_anyway() -> None:
    before = """
        class A:
            def __enter__(self):
                return self

            def __exit__(self, *error: object) -> None:
                self.close()
    """
    after = """
        from pkg._run_sync import run_sync


        class A:
            async def __aenter__(self):
                return self

            def __enter__(self):
                \"""`__aenter__`, for callers that are not async.\"""
                return run_sync(self.__aenter__())

            async def __aexit__(self, *error: object) -> None:
                await self.close()

            def __exit__(self, *error: object) -> None:
                \"""`__aexit__`, for callers that are not async.\"""
                return run_sync(self.__aexit__(*error))
    """
    todo = [
        do(A.MAKE_ASYNC, "def __enter__", rename="__aenter__", facade="keep"),
        do(A.MAKE_ASYNC, "def __exit__", rename="__aexit__", facade="keep"),
        do(A.AWAIT, "self.close()"),
    ]
    assert migrated(before, *todo, **BRIDGE) == plain(after)


def test_the_header_stays_laid_out_as_it_was_with_what_tools_read() -> None:
    before = "def f(\n    a,  # first\n    b: str = ':',\n) -> set[int]:  # noqa: D1 so\n    pass\n"
    result = migrated(before, split(), **BRIDGE)
    facade = "def f(\n    a,  # first\n    b: str = ':',\n) -> set[int]:  # noqa: D1 so\n"
    assert facade + '    """`f_async`' in result
    assert "def f(a):\n" in migrated("def f(a):  # the best\n    pass\n", split(), **BRIDGE)


def test_a_long_call_is_laid_out() -> None:
    names = [f"a_parameter_{n}" for n in range(4)]
    before = f"def f({', '.join(names)}):\n    pass\n"
    result = migrated(before, split(), style=Style(line_length=70), **BRIDGE)
    assert "    return run_sync(\n        f_async(" in result
    assert before.splitlines()[0] in result


def test_annotations_follow_the_library_in_both() -> None:
    def renamed(resolved: Resolved) -> Iterator[Edit]:
        text = resolved.names.dotted("httpx.Client", resolved.site.span)
        change = lambda _: cst.parse_expression(text)  # noqa: E731
        yield Edit("Attribute", resolved.site.span, change)

    before = "import requests\n\ndef f(s: requests.Session, n=1) -> None:\n    pass\n"
    todo = do(A.LIBRARY, "requests.Session", protocol="annotation")
    result = migrated(before, split(), todo, codemods=Codemods(renamed), **BRIDGE)
    assert "async def f_async(s: httpx.Client, n=1) -> None:\n" in result
    assert "\ndef f(s: httpx.Client, n=1) -> None:\n" in result
    assert "requests" not in result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f():\n\tpass", "def f():\n\t"),
        ("if x:\n  def f():\n    pass\nelse:\n  f = None\n", "\n\n  def f():\n    "),
        ("def f(): pass\nf()\n", "\n\n\ndef f():\n    "),
        ("def g():\n    def f(): pass\n    f()\n", "\n\n    def f():\n        "),
    ],
)
def test_indentation(before: str, after: str) -> None:
    assert f'{after}"""`f_async`' in migrated(before, split(), **BRIDGE)


# ----------------------------------------------------------------------------- what it does


Executed = Callable[[str], dict[str, Any]]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Executed]:
    """Runs a text with a bridge that takes every step by itself."""
    module = types.ModuleType("pkg._run_sync")
    with asyncio.Runner() as runner:
        run: Any = runner.get_loop().run_until_complete

        def iter_sync(items: Any) -> Iterator[Any]:
            with contextlib.suppress(StopAsyncIteration):
                while True:
                    yield run(anext(items))

        @contextlib.contextmanager
        def enter_sync(manager: Any) -> Iterator[Any]:
            yield run(manager.__aenter__())
            run(manager.__aexit__(None, None, None))

        vars(module).update(run_sync=run, iter_sync=iter_sync, enter_sync=enter_sync)
        monkeypatch.setitem(sys.modules, "pkg", types.ModuleType("pkg"))
        monkeypatch.setitem(sys.modules, "pkg._run_sync", module)

        def execute(text: str) -> dict[str, Any]:
            scope: dict[str, Any] = {"__name__": "m", "run": run}
            exec(text, scope)
            return scope

        yield execute


def test_every_argument_arrives(executed: Executed) -> None:
    before = "def f(a, b=2, /, c=3, *d, e, g=7, **h):\n    return a, b, c, d, e, g, h\n"
    f = executed(migrated(before, split(), **BRIDGE))["f"]
    assert f(1, e=5) == (1, 2, 3, (), 5, 7, {})
    assert f(1, 4, 5, 6, e=5, g=0, i=1) == (1, 4, 5, (6,), 5, 0, {"i": 1})


@pytest.mark.parametrize(
    "head",
    [
        "def f(x={default}):",
        "def f(*, x={default}):",
        "def f(a=1, x={default}, *, b=2):",
        "class A:\n    @staticmethod\n    def f(x={default}):",
        "class A:\n    @classmethod\n    def f(cls, *, x={default}):",
        "class A:\n    @final\n    @staticmethod\n    def f(x={default}):",
    ],
)
@pytest.mark.parametrize("default", ["[]", "{'a': []}", "make(1)", "lambda: 1", "[*()] or []"])
def test_a_computed_default_is_one_object(head: str, default: str, executed: Executed) -> None:
    indent = "        " if head.startswith("class") else "    "
    text = "from typing import final\nmade = []\ndef make(x):\n    made.append(x)\n    return []\n"
    text += f"{head.format(default=default)}\n{indent}return x\n"
    scope = executed(migrated(text, split(), **BRIDGE))
    holder = types.SimpleNamespace(**scope) if "A" not in scope else scope["A"]
    assert holder.f() is scope["run"](holder.f_async())
    assert len(scope["made"]) == (default == "make(1)")


@pytest.mark.parametrize("default", ["1", "X", "m.X", "-1", "('a', None)", "60 * 60", "..."])
def test_a_plain_default_is_written_again(default: str) -> None:
    assert f"\ndef f(x={default}):\n" in migrated(f"def f(x={default}): pass\n", split(), **BRIDGE)


@pytest.mark.parametrize(
    ("before", "rule"),
    [
        ("@retry\ndef f(x=[]): pass\n", "facade-default"),
        ("def f(f_async): pass\n", "facade-call"),
        ("class A:\n    def f(*args): pass\n", "facade-call"),
        ("class A:\n    @staticmethod\n    def f(A): pass\n", "facade-call"),
    ],
)
def test_what_is_refused(before: str, rule: str) -> None:
    assert rules(before, split(), **BRIDGE) == {rule}


def test_generators_and_managers_run(executed: Executed) -> None:
    before = """
        from contextlib import contextmanager
        def rows(n):
            yield from range(n)
        @contextmanager
        def opened(x, *, y=[]):
            yield x, y
    """
    todo = [
        split("rows", "rows_async", kind="generator"),
        split("opened", "opened_async", kind="contextmanager"),
    ]
    scope = executed(migrated(before, *todo, **BRIDGE))
    assert list(scope["rows"](3)) == [0, 1, 2]
    with scope["opened"](1) as first, scope["opened"](2) as second:
        assert first[1] is second[1]
    assert inspect.isasyncgenfunction(scope["rows_async"])


# ----------------------------------------------------------------------------- there and back

HEADS = [
    "",
    '"""Doc."""\n',
    '"""Doc."""\n\n\n',
    "#!/usr/bin/env python\n# about\n\n",
    "import os\n",
    "import os\nimport sys\n\n\n",
    "from __future__ import annotations\n\n",
    "from __future__ import annotations\n\nimport os\n\nimport click\n\nfrom . import x\n\n\n",
    "from pkg.a import b\nfrom pkg.z import a\n\n\n",
    "from .z import a\n\n",
    "import click, os\n",
    "x = 1\n\n",
]
FUNCTIONS = [
    "def f(x, y=1):\n    return g()\n",
    "def f(x): return g()\n",
    "# above\n@deco\n@b(1)\ndef f(x, *, y: int = 1) -> int:  # why\n    'doc'\n\n    return g()\n",
    "def f(\n    x,  # one\n    y=(1, 2),\n):\n    # comment\n    return g()\n    # last\n",
    "def f(x=[], **k):\n\n    return g()\n\n    # last\n",
    "class A:\n    def f(self): return g()\n",
    "class A:\n    x = 1\n\n    @staticmethod\n    def f(x):\n        return g()\n\n    y = 2\n",
    "class A:\n    def e(self): pass\n    @classmethod\n    def f(cls, a): return g()\n    z = 1\n",
    "if x:\n    def f():\n        return g()\nelse:\n    f = None\n",
    "try:\n    a = 1\nfinally:\n    def f():\n        return g()\n",
    "def outer():\n    def f():\n        return g()\n\n    return f\n",
    "class A:\n    def f(self):\n        def inner():\n            pass\n        return g()\n",
    "def  f (x):\n\treturn g()\n",
    "def f(first_parameter, second_parameter, third_parameter, fourth) -> int:\n    return g()\n",
    "def f(first_parameter,second_parameter, third_parameter, fourth_param):\n    return g()\n",
    "def f(a_long_parameter,\n      another_one):\n    return g()\n",
]
TAILS = [
    "",
    "\n",
    "\n\nx = f\n",
    "x = f\n",
    "\n# end\n",
    "\n\n# end\n\n\ndef h(): pass\n",
    "\n\n\n\n",
]


def there_and_back(text: str, style: Style, kind: str = "function") -> None:
    inner = do(A.AWAIT, "g()") if "return g()" in text else do(A.AWAIT, "g(1)")
    mixed = migrated(text, split(kind=kind), inner, style=style, **BRIDGE)
    assert "async def" in mixed
    assert "run_sync" in mixed
    back = migrated(mixed, *dissolve(), style=style, **STANDS)
    assert back == migrated(text, do(A.MAKE_ASYNC, "def f"), inner, style=style)


@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from(HEADS),
    st.sampled_from(FUNCTIONS),
    st.sampled_from(TAILS),
    st.booleans(),
    st.sampled_from([60, 75, 80, 100]),
)
def test_a_dissolved_facade_leaves_no_trace(
    head: str, function: str, tail: str, final: bool, width: int
) -> None:
    text = head + function + tail
    text = text.rstrip("\n") if final else text
    there_and_back(text, Style(line_length=width, quotes="preserve"))


@pytest.mark.parametrize("width", [70, 80, 100])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_form_there_and_back(function: str, width: int) -> None:
    there_and_back(HEADS[4] + function + TAILS[2], Style(line_length=width, quotes="preserve"))
    there_and_back(function.replace("\n", "\r\n"), Style(line_length=width, quotes="preserve"))


@pytest.mark.parametrize("returns", ["Iterator[int]", "Generator[int, None, None]", "Iterable"])
@pytest.mark.parametrize(
    "head", ["from typing import {}\n", "from typing import Any, {}\n\n\n", "import typing\n"]
)
def test_generators_there_and_back(head: str, returns: str) -> None:
    name = returns.partition("[")[0]
    prefix = "" if "{}" in head else "typing."
    text = f"{head.format(name)}def f() -> {prefix}{returns}:\n    yield g(1)\n"
    there_and_back(text, Style(quotes="preserve"), "generator")
    text = text.replace("\ndef", "\n@contextmanager\ndef")
    text = f"from contextlib import contextmanager\n{text}"
    there_and_back(text, Style(quotes="preserve"), "contextmanager")


def test_dunders_there_and_back() -> None:
    text = "class A:\n    def __enter__(self):\n        return self\n\n    x = 1\n"
    turn = do(A.MAKE_ASYNC, "def __enter__", rename="__aenter__")
    kept = do(A.MAKE_ASYNC, "def __enter__", rename="__aenter__", facade="keep")
    mixed = migrated(text, kept, **BRIDGE)
    back = migrated(mixed, do(A.DROP_FACADE, "def __enter__"), **STANDS)
    assert back == migrated(text, turn)


def test_a_facade_that_was_moved_or_commented_goes_with_its_comments() -> None:
    before = """
        from pkg._run_sync import run_sync

        X = 1


        # For the old callers.
        @final
        def f(a):
            return run_sync(f_async(a))


        async def f_async(a):
            pass


        if X:
            def g():
                return run_sync(g_async())
    """
    after = """
        X = 1


        async def f(a):
            pass


        if X:
            pass
    """
    todo = [*dissolve(), do(A.DROP_FACADE, "def g")]
    assert migrated(before, *todo, **STANDS) == plain(after)


def test_split_entry_beside_a_facade() -> None:
    before = "def main():\n    def f(): pass\n    return f()\n\n\ndef f(): pass\n"
    todo = [do(A.SPLIT_ENTRY, "def main", name="go"), split(), do(A.AWAIT, "f()")]
    result = migrated(before, *todo, **BRIDGE)
    assert "    async def f_async(): pass\n\n    def f():\n" in result
    assert result.endswith("\n\ndef f(): pass\n")
