"""`await` with exactly the parentheses that its place needs, and `async def`."""

from __future__ import annotations

import pytest

from asyncshift.model import Style
from tests.unit.rewrite_bench import A, do, migrated, plain, rewritten, rules

MAIN = do(A.MAKE_ASYNC, "def main")


def expression(text: str, call: str = "f()") -> str:
    """The expression after its call was awaited, inside an async function."""
    before = f"async def main():\n    return {text}\n"
    after = migrated(before, do(A.AWAIT, call))
    return after.removeprefix("async def main():\n    return ").removesuffix("\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f()", "await f()"),
        ("(f())", "(await f())"),
        ("f().json()", "(await f()).json()"),
        ("f().a.b", "(await f()).a.b"),
        ("(f()).json()", "(await f()).json()"),
        ("f()[0]", "(await f())[0]"),
        ("f()()", "(await f())()"),
        ("x[f()]", "x[await f()]"),
        ("x[f():f2()]", "x[await f():f2()]"),
        ("-f()", "-await f()"),
        ("not f()", "not await f()"),
        ("not(f())", "not(await f())"),
        ("f() ** 2", "await f() ** 2"),
        ("2 ** f()", "2 ** await f()"),
        ("f() + 1", "await f() + 1"),
        ("f() < 1 < 2", "await f() < 1 < 2"),
        ("f() in x", "await f() in x"),
        ("f() and x", "await f() and x"),
        ("1 if f() else 2", "1 if await f() else 2"),
        ("g(*f(), **k)", "g(*await f(), **k)"),
        ("g(a=f())", "g(a=await f())"),
        ("[*f()]", "[*await f()]"),
        ("{**f()}", "{**await f()}"),
        ("(x := f())", "(x := await f())"),
        ("[f() for x in y]", "[await f() for x in y]"),
        ("[x for x in y if f()]", "[x for x in y if await f()]"),
        ("lambda x=f(): x", "lambda x=await f(): x"),
        ("(yield f())", "(yield await f())"),
        ("f(), 1", "await f(), 1"),
        ('f"{f()}"', 'f"{await f()}"'),
        ('f"{f().a!r:>{w}}"', 'f"{(await f()).a!r:>{w}}"'),
        ('f"a{{}}é{f()}" "b"', 'f"a{{}}é{await f()}" "b"'),
    ],
)
def test_parentheses_where_the_place_needs_them(before: str, after: str) -> None:
    assert expression(before) == after


def test_nested_calls_compose() -> None:
    text = "async def main():\n    return f(f(f(1)).a)\n"
    todo = [do(A.AWAIT, c) for c in ("f(1)", "f(f(1))", "f(f(f(1)).a)")]
    todo[1] = do(A.AWAIT, "f(f(1))")
    expected = "async def main():\n    return await f((await f(await f(1))).a)\n"
    assert migrated(text, *todo) == expected
    assert migrated(text, *reversed(todo)) == expected


def test_a_call_over_several_lines_keeps_its_layout() -> None:
    before = """
        async def main():
            value = (
                f(
                    1,  # one
                )
                .json()
            )
    """
    after = """
        async def main():
            value = (
                (await f(
                    1,  # one
                ))
                .json()
            )
    """
    text = "f(\n            1,  # one\n        )"
    assert migrated(before, do(A.AWAIT, text)) == plain(after)


def test_a_call_that_is_awaited_already_stays() -> None:
    text = "async def main():\n    return await f()\n"
    assert rewritten(text, do(A.AWAIT, "f()")).text == text


@pytest.mark.parametrize(
    "text",
    [
        "async def main():\n    return lambda: f()\n",
        "async def main():\n    class A:\n        x = f()\n",
        "def main():\n    return f()\n",
        "x = f()\n",
        "async def main():\n    def inner():\n        return f()\n",
        'async def main():\n    return f"{f()=}"\n',
        'async def main():\n    return f"{(f()) = !r}"\n',
        "async def main():\n    return f()if x else 2\n",
    ],
)
def test_where_await_cannot_stand_it_is_refused(text: str) -> None:
    assert rules(text, do(A.AWAIT, "f()"))


def test_an_equals_sign_that_prints_nothing_is_no_obstacle() -> None:
    assert expression('f"{f():=^10}{f2() == 1}"') == 'f"{await f():=^10}{f2() == 1}"'


def test_nested_comprehensions_before_3_11() -> None:
    text = "async def main():\n    return [[f() for x in y] for z in w]\n"
    assert rules(text, do(A.AWAIT, "f()"), style=Style(target_version=(3, 10)))
    assert not rules(text, do(A.AWAIT, "f()"))


def test_async_def_touches_only_the_keyword() -> None:
    before = """
        class A:
            @deco  # why
            # because
            def  main( self , a:int=1 )->int :  # trailing
                '''doc'''
                return 1
    """
    assert migrated(before, MAIN) == plain(before).replace("def  main", "async def  main")


def test_a_function_on_one_line() -> None:
    assert migrated("def main(): return f()\n", MAIN, do(A.AWAIT, "f()")) == (
        "async def main(): return await f()\n"
    )


def test_dunder_methods_get_their_async_names() -> None:
    before = "class A:\n    def __enter__(self):\n        return self\n"
    after = "class A:\n    async def __aenter__(self):\n        return self\n"
    assert migrated(before, do(A.MAKE_ASYNC, "def __enter__", rename="__aenter__")) == after


def test_an_async_function_stays() -> None:
    text = "async def main():\n    pass\n"
    assert rewritten(text, MAIN).text == text
    assert rewritten(text, MAIN).hunks == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Iterator[int]", "AsyncIterator[int]"),
        ("Iterable[int]", "AsyncIterable[int]"),
        ("Iterator", "AsyncIterator"),
        ("Generator[int, None, None]", "AsyncGenerator[int, None]"),
        ("Generator[int, str, None]", "AsyncGenerator[int, str]"),
        ('"Iterator[int]"', '"AsyncIterator[int]"'),
        ('"Generator[int, None, None]"', '"AsyncGenerator[int, None]"'),
        ("Own[int]", "Own[int]"),
    ],
)
@pytest.mark.parametrize("module", ["typing", "collections.abc"])
def test_return_annotations_of_generators(before: str, after: str, module: str) -> None:
    name = before.strip('"').partition("[")[0]
    new = after.strip('"').partition("[")[0]
    source = "own" if name == "Own" else module
    text = f"from {source} import {name}\n\ndef main() -> {before}:\n    yield 1\n"
    expected = f"from {source} import {new}\n\nasync def main() -> {after}:\n    yield 1\n"
    assert migrated(text, MAIN) == expected


def test_annotations_of_functions_that_are_no_generators_stay() -> None:
    before = "from typing import Iterator\n\ndef main() -> Iterator[int]:\n    return iter(f())\n"
    assert migrated(before, MAIN, do(A.AWAIT, "f()")) == (
        "from typing import Iterator\n\nasync def main() -> Iterator[int]:\n"
        "    return iter(await f())\n"
    )


def test_contextmanager_follows_its_generator() -> None:
    before = """
        from contextlib import contextmanager

        @contextmanager
        def main():
            yield f()
    """
    after = """
        from contextlib import asynccontextmanager

        @asynccontextmanager
        async def main():
            yield await f()
    """
    assert migrated(before, MAIN, do(A.AWAIT, "f()")) == plain(after)


def test_a_generator_that_returns_a_value_is_refused() -> None:
    assert rules("def main():\n    yield 1\n    return 2\n", MAIN) == {"generator-return"}
    assert not rules("def main():\n    yield 1\n    return\n", MAIN)
