"""Threads, bridges, entry points, library edits and their order on one call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import libcst as cst
import pytest

from asyncshift.codemod import Edit, Outcome, Resolved
from asyncshift.document import split_lines
from asyncshift.model import Certainty, Looked, Message, Protocol, Refusal, Site, Style
from asyncshift.rewrite import look
from tests.unit.rewrite_bench import A, Codemods, do, migrated, plain, rewritten, rules, source

IMPORT = "import asyncio\n\n"


def threaded(text: str, call: str, **options: Any) -> str:
    before = f"{IMPORT}async def main():\n    return {text}\n"
    after = migrated(before, do(A.TO_THREAD, call), **options)
    return after.partition("    return ")[2].removesuffix("\n")


@pytest.mark.parametrize(
    ("before", "call", "after"),
    [
        ("f()", "f()", "await asyncio.to_thread(f)"),
        ("f(a, k=v)", "f(a, k=v)", "await asyncio.to_thread(f, a, k=v)"),
        ("o.m(*a, **k)", "o.m(*a, **k)", "await asyncio.to_thread(o.m, *a, **k)"),
        ("f(func=1)", "f(func=1)", "await asyncio.to_thread(f, func=1)"),
        ("f(x for x in y)", "f(x for x in y)", "await asyncio.to_thread(f, (x for x in y))"),
        ("f(a).b + 1", "f(a)", "(await asyncio.to_thread(f, a)).b + 1"),
        ("(await g()).m()", "(await g()).m()", "await asyncio.to_thread((await g()).m)"),
        ("super().m(1)", "super().m(1)", "await asyncio.to_thread(super().m, 1)"),
        ("o.url", "o.url", 'await asyncio.to_thread(getattr, o, "url")'),
        ("o.url.x", "o.url", '(await asyncio.to_thread(getattr, o, "url")).x'),
        ("f'{o.url}'", "o.url", "f'{await asyncio.to_thread(getattr, o, \"url\")}'"),
        ('f"{o.url}"', "o.url", "f\"{await asyncio.to_thread(getattr, o, 'url')}\""),
    ],
)
def test_what_blocks_goes_to_a_thread(before: str, call: str, after: str) -> None:
    assert threaded(before, call) == after


def test_single_quotes_where_the_project_has_them() -> None:
    style = Style(quotes="single")
    assert threaded("o.url", "o.url", style=style) == "await asyncio.to_thread(getattr, o, 'url')"


def test_arguments_on_their_own_lines_stay_there() -> None:
    call = "f(\n        a,  # one\n        b=1,\n    )"
    expected = call.replace("f(\n", "await asyncio.to_thread(\n        f,\n")
    assert threaded(call, call) == expected


def test_a_shadowed_getattr_is_still_the_builtin() -> None:
    before = "import asyncio\n\nasync def main(getattr):\n    return o.url\n"
    assert "to_thread(builtins.getattr, o" in migrated(before, do(A.TO_THREAD, "o.url"))


def test_both_quotes_taken_is_refused() -> None:
    text = "async def main():\n    return f\"{f'{o.url}'}\"\n"
    assert rules(text, do(A.TO_THREAD, "o.url")) == {"f-string-quotes"}


def test_what_no_thread_can_take_is_refused() -> None:
    text = "async def main():\n    return a + b\n"
    assert rules(text, do(A.TO_THREAD, "a + b")) == {"thread-implicit"}


@pytest.mark.parametrize("statement", ["o.url = 1", "o.url += 1", "del o.url", "o.url, x = y"])
def test_a_setter_or_deleter_that_blocks_is_refused(statement: str) -> None:
    text = f"async def main():\n    {statement}\n"
    assert rules(text, do(A.TO_THREAD, "o.url")) == {"thread-implicit"}


# ----------------------------------------------------------------------------- bridges

BRIDGE: Any = {"bridge": "pkg._run_sync"}


@pytest.mark.parametrize(
    ("protocol", "before", "place", "after"),
    [
        ("call", "f(x).y", "f(x)", "run_sync(f(x)).y"),
        ("call", "(f(x)).y", "f(x)", "(run_sync(f(x))).y"),
        ("with", "f(x)", "f(x)", "enter_sync(f(x))"),
        ("comprehension", "[a for a in f()]", "f()", "[a for a in iter_sync(f())]"),
        ("consume", "list(f())", "list(f())", "list(iter_sync(f()))"),
        ("consume", "map(g, f())", "map(g, f())", "map(g, iter_sync(f()))"),
        (
            "consume",
            "zip(f(), g(), f())",
            "zip(f(), g(), f())",
            "zip(iter_sync(f()), g(), iter_sync(f()))",
        ),
        ("consume", "sum(x async for x in f())", None, "sum(iter_sync(x async for x in f()))"),
        ("next", "next(f())", "next(f())", "next(iter_sync(f()))"),
        ("next", "next(it, 0)", "next(it, 0)", "run_sync(anext(it, 0))"),
    ],
)
def test_bridges(protocol: str, before: str, place: str | None, after: str) -> None:
    text = f"def main():\n    return {before}\n"
    if place is None:
        place = before
        text = f"async {text}"
    consumer = before.partition("(")[0]
    arguments = {"map": "1", "zip": "0,2"}.get(consumer, "0")
    todo = do(A.BRIDGE, place, protocol=protocol, consumer=consumer, arguments=arguments)
    assert f"    return {after}\n" in migrated(text, todo, **BRIDGE)
    assert rewritten(text, todo, **BRIDGE).bridged


def test_bridged_loops_and_delegation() -> None:
    text = "def main():\n    for x in f():\n        yield from f()\n"
    todo = [
        do(A.BRIDGE, "f()", protocol="for"),
        do(A.BRIDGE, "yield from f()", protocol="yield_from"),
    ]
    result = migrated(text, *todo, **BRIDGE)
    assert "    for x in iter_sync(f()):\n        yield from iter_sync(f())\n" in result


@pytest.mark.parametrize(
    ("protocol", "place"),
    [("next", "next(it)"), ("consume", "zip(f(), g())")],
)
def test_bridges_that_are_refused(protocol: str, place: str) -> None:
    text = f"def main():\n    return {place}\n"
    assert rules(text, do(A.BRIDGE, place, protocol=protocol, consumer="zip"), **BRIDGE)


# ----------------------------------------------------------------------------- entry points


@pytest.mark.parametrize("call", ["main()", "sys.exit(main())", "exit(main() or 0)"])
def test_the_main_guard(call: str) -> None:
    text = f"import sys\n\nif __name__ == '__main__':\n    {call}\n"
    result = migrated(text, do(A.RUN, "main()"))
    assert result == "import asyncio\n" + text.replace("main()", "asyncio.run(main())")
    assert "import run\n" in migrated(text, do(A.RUN, "main()"), **BRIDGE)


def test_a_command_keeps_its_face() -> None:
    before = '''
        import click


        # The command.
        @click.command()
        @click.option("--name")
        def main(a, /, name, *rest, flag=False, **more) -> None:
            """Help text."""

            # greet
            hello(name)
    '''
    after = '''
        import asyncio

        import click


        async def main_async(a, /, name, *rest, flag=False, **more) -> None:
            # greet
            await hello(name)


        # The command.
        @click.command()
        @click.option("--name")
        def main(a, /, name, *rest, flag=False, **more) -> None:
            """Help text."""
            return asyncio.run(main_async(a, name, *rest, flag=flag, **more))
    '''
    split = do(A.SPLIT_ENTRY, "def main", name="main_async", runner="asyncio.run")
    assert migrated(before, split, do(A.AWAIT, "hello(name)")) == plain(after)


def test_computed_defaults_stay_with_the_command() -> None:
    before = "import asyncio\n\ndef main(a: int = Option(1), b: str = 'x'):\n    f(a)\n"
    split = do(A.SPLIT_ENTRY, "def main", name="main_async")
    result = migrated(before, split)
    assert "async def main_async(a: int, b: str):\n    f(a)\n" in result
    assert "def main(a: int = Option(1), b: str = 'x'):\n    return asyncio.run(" in result


def test_a_split_entry_passes_every_argument() -> None:
    before = (
        "def main(a, b, /, c, *d, e, f=6, **g):\n    'doc'\n    return slow(a, b, c, d, e, f, g)\n"
    )
    call = "slow(a, b, c, d, e, f, g)"
    result = migrated(before, do(A.SPLIT_ENTRY, "def main", name="go"), do(A.TO_THREAD, call))
    scope: dict[str, Any] = {"slow": lambda *args: args}
    exec(result, scope)
    assert scope["main"](1, 2, 3, 4, 5, e=6, h=7) == (1, 2, 3, (4, 5), 6, 6, {"h": 7})
    assert scope["main"].__doc__ == "doc"
    assert asyncio.iscoroutinefunction(scope["go"])


# ----------------------------------------------------------------------------- library edits


def wrap(resolved: Resolved) -> Iterator[Outcome]:
    """Puts the call's statement into a block, and renames the call."""

    def rename(node: Any) -> Any:
        return node.with_changes(func=cst.parse_expression("client.get"))

    def block(node: Any) -> Any:
        item = cst.WithItem(cst.parse_expression(resolved.names.dotted("lib.C", span) + "()"))
        return cst.With([item], cst.IndentedBlock([node]), asynchronous=cst.Asynchronous())

    span = resolved.site.span
    statement = next(p for p in resolved.parents if hasattr(p, "targets"))
    place = (
        getattr(statement, "lineno", 0),
        getattr(statement, "col_offset", 0),
        getattr(statement, "end_lineno", 0),
        getattr(statement, "end_col_offset", 0),
    )
    yield Edit("Call", span, rename)
    yield Edit("SimpleStatementLine", place, block, built=True)
    yield Message("m.py", span[0], "note", "said")


def test_library_edit_first_then_await() -> None:
    before = "async def main():\n    x = f(1)  # why\n    if x: y = f(2); z = 3\n"
    todo = [
        step
        for call in ("f(1)", "f(2)")
        for step in (do(A.AWAIT, call), do(A.LIBRARY, call, api="lib.f"))
    ]
    result = rewritten(before, *todo, codemods=Codemods(wrap))
    assert result.text == plain(
        """
        import lib


        async def main():
            async with lib.C():
                x = await client.get(1)  # why
            if x:
                async with lib.C():
                    y = await client.get(2)
                z = 3
        """
    )
    assert len(result.messages) == 2


def test_a_conflict_is_refused() -> None:
    def twice(resolved: Resolved) -> Iterator[Outcome]:
        yield Edit("Call", resolved.site.span, lambda node: node)
        yield Edit("Call", resolved.site.span, lambda node: node)

    text = "f()\n"
    assert rules(text, do(A.LIBRARY, "f()"), codemods=Codemods(twice)) == {"conflicting-edits"}


def test_a_refusal_of_the_codemod_leaves_no_text_and_look_asks_for_it() -> None:
    def never(resolved: Resolved) -> Iterator[Outcome]:
        yield Refusal("m.py", resolved.site.span, "never", resolved.source, "leave it")

    text = "f()\n"
    assert rules(text, do(A.LIBRARY, "f()"), codemods=Codemods(never)) == {"never"}
    site = Site("m.py", (1, 0, 1, 3), "m.py:0", Protocol.CALL, (), Certainty.CERTAIN, "f")
    asked: Any = Codemods(never)
    silent: Any = Codemods()
    looked = look(source(text), [(site, "lib.f")], asked, {})
    assert [r.reason for r in looked.refusals] == [text]
    assert look(source(text), [(site, "lib.f")], silent, {}) == Looked()


def test_nothing_to_do_changes_nothing() -> None:
    text = "x = 1\r\nif x:\n\ty\x0c"
    result = rewritten(text)
    assert (result.text, result.hunks) == (text, ())


# ----------------------------------------------------------------------------- layout


def test_a_statement_that_becomes_too_long_is_laid_out_alone() -> None:
    before = (
        "import asyncio\n\nasync def main():\n    x = {  'a' :1}\n"
        "    result = function_with_a_long_name(first_argument, second=second_argument)\n"
        "    y = [  1]\n"
    )
    call = "function_with_a_long_name(first_argument, second=second_argument)"
    style = Style(line_length=80, quotes="preserve")
    result = migrated(before, do(A.TO_THREAD, call), style=style)
    assert "    x = {  'a' :1}\n" in result
    assert "    y = [  1]\n" in result
    assert "    result = await asyncio.to_thread(\n        function_with_a_long_name," in result
    assert all(len(line) <= 81 for line in split_lines(result))


def test_a_statement_that_was_too_long_before_stays_as_it_is() -> None:
    line = f"    x = f({'a' * 100}, b = 1)\n"
    before = f"async def main():\n{line}"
    call = line.strip().removeprefix("x = ")
    assert migrated(before, do(A.AWAIT, call)) == before.replace("f(", "await f(")


def test_only_the_header_of_a_block_is_laid_out() -> None:
    call = "function_with_a_long_name(first_argument, second_argument_too)"
    before = f"async def main():\n\tfor x in {call}:\n\t\ty = [  1]\n"
    style = Style(line_length=80)
    result = migrated(before, do(A.ASYNC_FOR, call), style=style)
    assert result == (
        "async def main():\n\tasync for x in function_with_a_long_name(\n"
        "\t\tfirst_argument, second_argument_too\n\t):\n\t\ty = [  1]\n"
    )
