"""`with`, `for`, comprehensions, `next`, `yield from`, and builtins over async generators."""

from __future__ import annotations

import asyncio
import textwrap
from typing import Any

import pytest

from asyncshift.closings import places_that_close
from asyncshift.model import Style
from tests.unit.graphs import graph
from tests.unit.rewrite_bench import (
    A,
    Todo,
    do,
    migrated,
    plain,
    rewritten,
    rules,
)

MAIN = do(A.MAKE_ASYNC, "def main")
OLD = Style(line_length=100, quotes="preserve", target_version=(3, 9))


def main_of(body: str) -> str:
    return "async def main():\n" + textwrap.indent(plain(body), "    ")


# ----------------------------------------------------------------------------- with


def test_one_item_changes_one_line() -> None:
    before = main_of("with a() as b:  # why\n    x\n\n    y")
    assert migrated(before, do(A.ASYNC_WITH, "a()")) == before.replace("with", "async with")


def test_items_that_are_all_async_stay_in_one_statement() -> None:
    before = main_of("with a() as b, c():\n    x\n")
    todo = [do(A.ASYNC_WITH, "a()"), do(A.ASYNC_WITH, "c()")]
    assert migrated(before, *todo) == before.replace("with", "async with")


@pytest.mark.parametrize(
    ("turned", "after"),
    [
        (["a()"], "async with a() as x:\n    with b(), c() as z:\n        body\n"),
        (["c()"], "with a() as x, b():\n    async with c() as z:\n        body\n"),
        (
            ["b()"],
            "with a() as x:\n    async with b():\n        with c() as z:\n            body\n",
        ),
        (["a()", "b()"], "async with a() as x, b():\n    with c() as z:\n        body\n"),
    ],
)
def test_mixed_items_are_nested_in_their_order(turned: list[str], after: str) -> None:
    before = main_of("with a() as x, b(), c() as z:\n    body\n")
    assert migrated(before, *(do(A.ASYNC_WITH, t) for t in turned)) == main_of(after)


def test_parenthesised_items_keep_their_comments() -> None:
    before = main_of("with (\n    a() as x,  # one\n    b(),  # two\n):\n    body\n")
    after = main_of("# one\n# two\nwith a() as x:\n    async with b():\n        body\n")
    assert migrated(before, do(A.ASYNC_WITH, "b()")) == after


def test_strings_in_a_nested_body_keep_their_lines() -> None:
    before = main_of('with a(), b():\n    """one\n  two"""\n    f(1,\n      2)\n')
    after = migrated(before, do(A.ASYNC_WITH, "b()"))
    assert '"""one\n      two"""' in before
    assert '"""one\n      two"""' in after


def test_a_with_in_sync_code_is_refused() -> None:
    assert rules("def f():\n    with a():\n        pass\n", do(A.ASYNC_WITH, "a()"))


# ----------------------------------------------------------------------------- for


def test_for_changes_one_line() -> None:
    before = main_of("for x in rows():\n    y\nelse:\n    z\n")
    assert migrated(before, do(A.ASYNC_FOR, "rows()")) == before.replace("for", "async for")


def test_one_clause_of_a_comprehension() -> None:
    before = main_of("return {x: y for x in a() for y in rows(x) if y}\n")
    after = main_of("return {x: y for x in a() async for y in rows(x) if y}\n")
    assert migrated(before, do(A.ASYNC_COMPREHENSION, "rows(x)")) == after


def test_a_tuple_in_parentheses_is_found() -> None:
    before = main_of("for x in (a(), b()):\n    y\n")
    assert "async for x in (" in migrated(before, do(A.ASYNC_FOR, "(a(), b())"))


# ----------------------------------------------------------------------------- next, yield from


def test_next_becomes_anext_with_its_handler() -> None:
    before = main_of("try:\n    x = next(it).a\nexcept StopIteration:\n    x = None\n")
    after = before.replace("next(it)", "(await anext(it))").replace("StopI", "StopAsyncI")
    assert migrated(before, do(A.ANEXT, "next(it)")) == after


def test_a_handler_that_also_waits_for_a_sync_next_takes_both() -> None:
    before = main_of(
        "try:\n    next(it)\n    next(other)\nexcept StopIteration:\n    pass\n"
        "try:\n    next(it)\n    next(other)\nexcept (StopIteration, KeyError):\n    pass\n"
    )
    after = migrated(before, do(A.ANEXT, "next(it)"), do(A.ANEXT, "next(it)", 1))
    assert "except (StopIteration, StopAsyncIteration):" in after
    assert "except (StopIteration, KeyError, StopAsyncIteration):" in after


def test_next_with_a_default_leaves_handlers_alone() -> None:
    before = main_of("try:\n    next(it, None)\nexcept StopIteration:\n    pass\n")
    after = before.replace("next(", "await anext(")
    assert migrated(before, do(A.ANEXT, "next(it, None)")) == after


def test_a_stop_that_leaves_the_function_is_told() -> None:
    result = rewritten(main_of("return next(it)\n"), do(A.ANEXT, "next(it)"))
    assert [m.rule for m in result.messages] == ["stop-async-iteration"]


def test_next_before_anext_existed() -> None:
    before = main_of("return next(a or b)\n")
    after = main_of("return await (a or b).__anext__()\n")
    assert migrated(before, do(A.ANEXT, "next(a or b)"), style=OLD) == after
    assert rules(main_of("next(it, 0)\n"), do(A.ANEXT, "next(it, 0)"), style=OLD) == {"anext"}


def test_iter_gives_the_async_iterator_and_awaits_nothing() -> None:
    before = main_of("return iter(a or b)\n")
    consumed = do(A.CONSUME, "iter(a or b)", consumer="builtins.iter")
    assert migrated(before, consumed) == main_of("return aiter(a or b)\n")
    assert migrated(before, consumed, style=OLD) == main_of("return (a or b).__aiter__()\n")


def test_iter_that_calls_until_a_value_comes_has_no_async_form() -> None:
    consumed = do(A.CONSUME, "iter(rows, 0)", consumer="builtins.iter")
    assert rules(main_of("iter(rows, 0)\n"), consumed) == {"async-consumer"}


def test_yield_from_an_async_generator_is_a_loop() -> None:
    before = "def main(item):\n    yield from rows()  # all\n    yield item\n"
    after = (
        "async def main(item):\n    async for item_2 in rows():  # all\n"
        "        yield item_2\n    yield item\n"
    )
    assert migrated(before, MAIN, do(A.DELEGATE, "yield from rows()")) == after


def test_yield_from_something_sync_is_a_plain_loop() -> None:
    before = "def main():\n    if x: yield from rows()\n"
    after = "async def main():\n    if x:\n        for item in rows():\n            yield item\n"
    assert migrated(before, MAIN) == after


def test_the_value_of_yield_from_is_refused() -> None:
    assert rules("def main():\n    x = yield from rows()\n", MAIN) == {"yield-from-value"}


# ----------------------------------------------------------------------------- consumers


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("list(rows())", "[item async for item in rows()]"),
        ("set(rows())", "{item async for item in rows()}"),
        ("tuple(rows())", "tuple([item async for item in rows()])"),
        ("sorted(rows(), reverse=True)", "sorted([item async for item in rows()], reverse=True)"),
        ("sum(rows(), 1)", "sum([item async for item in rows()], 1)"),
        ("list(rows(item))", "[entry async for entry in rows(item)]"),
        ("list(a if b else c)", "[item async for item in (a if b else c)]"),
        ("list(rows())[0]", "[item async for item in rows()][0]"),
        ("sum(await f(x) for x in y)", "sum([await f(x) for x in y])"),
        ("sum((await f(x) for x in y), 1)", "sum([await f(x) for x in y], 1)"),
        ("list(await f(x) for x in y)", "[await f(x) for x in y]"),
        ("set(await f(x) for x in y)", "{await f(x) for x in y}"),
        ("any(rows())", "await anext((True async for item in rows() if item), False)"),
        (
            "any(await f(x) for x in y if x)",
            "await anext((True for x in y if x if await f(x)), False)",
        ),
        (
            "all(await f(x) or x for x in y)",
            "not await anext((True for x in y if not (await f(x) or x)), False)",
        ),
        (
            "all(rows()) == 1",
            "(not await anext((True async for item in rows() if not item), False)) == 1",
        ),
        (
            "any((await f(x) if x else z) for x in y)",
            "await anext((True for x in y if (await f(x) if x else z)), False)",
        ),
    ],
)
def test_consumers(before: str, after: str) -> None:
    call = before.removesuffix("[0]").removesuffix(" == 1")
    todo = do(A.CONSUME, call, consumer=call.partition("(")[0])
    assert migrated(main_of(f"return {before}\n"), todo) == main_of(f"return {after}\n")


def test_a_join_collects() -> None:
    before = 'return ",".join(rows())\n'
    after = 'return ",".join([item async for item in rows()])\n'
    todo = do(A.CONSUME, '",".join(rows())', consumer="str.join")
    assert migrated(main_of(before), todo) == main_of(after)


@pytest.mark.parametrize(
    ("call", "consumer"),
    [
        ("zip(rows(), y)", "zip"),
        ("map(f, rows())", "map"),
        ("islice(rows(), 3)", "itertools.islice"),
        ("enumerate(rows())", "enumerate"),
        ("min(rows(), y)", "min"),
        ("list(*rows())", "list"),
    ],
)
def test_consumers_without_an_async_form_are_refused(call: str, consumer: str) -> None:
    assert rules(main_of(f"return {call}\n"), do(A.CONSUME, call, consumer=consumer)) == {
        "async-consumer"
    }


def test_any_needs_python_3_10() -> None:
    todo = do(A.CONSUME, "any(rows())", consumer="any")
    assert rules(main_of("return any(rows())\n"), todo, style=OLD) == {"anext"}


def test_enumerate_counts_beside_the_loop() -> None:
    before = main_of(
        """
        for n, row in enumerate(rows(), start=1):
            if row: continue
            use(n, row)
        """
    )
    after = "import itertools\n\n\n" + main_of(
        """
        counter = itertools.count(1)
        async for row in rows():
            n = next(counter)
            if row: continue
            use(n, row)
        """
    )
    todo = do(A.CONSUME, "enumerate(rows(), start=1)", consumer="enumerate")
    assert migrated(before, todo) == after


# ----------------------------------------------------------------------------- behaviour

PROGRAM = """
def main(log):
    def check(x):
        log.append(x)
        return x > 1

    def rows():
        for x in (3, 1, 2):
            log.append(x)
            yield x

    out = [
        any(check(x) for x in (0, 2, 5)),
        all(check(x) for x in (4, 1, 7)),
        sorted(rows()),
        sum(check(x) for x in (1, 2)),
        next(rows()),
        next((x for x in (1, 2, 3) if check(x)), None),
        dict((x, x) for x in rows()),
        max(rows(), key=lambda x: -x),
    ]
    for n, row in enumerate(rows(), start=1):
        if n == 2:
            continue
        out.append((n, row))
    else:
        out.append("end")
    return out, log
"""

TODO: list[Todo] = [
    MAIN,
    do(A.MAKE_ASYNC, "def check"),
    do(A.MAKE_ASYNC, "def rows"),
    *(do(A.AWAIT, "check(x)", n) for n in range(4)),
    do(A.CONSUME, "any(check(x) for x in (0, 2, 5))", consumer="any"),
    do(A.CONSUME, "all(check(x) for x in (4, 1, 7))", consumer="all"),
    do(A.CONSUME, "sorted(rows())", consumer="sorted"),
    do(A.CONSUME, "sum(check(x) for x in (1, 2))", consumer="sum"),
    do(A.ANEXT, "next(rows())"),
    do(A.ANEXT, "next((x for x in (1, 2, 3) if check(x)), None)"),
    do(A.CONSUME, "dict((x, x) for x in rows())", consumer="dict"),
    do(A.ASYNC_COMPREHENSION, "rows()", 2),
    do(A.CONSUME, "max(rows(), key=lambda x: -x)", consumer="max"),
    do(A.CONSUME, "enumerate(rows(), start=1)", consumer="enumerate"),
]


def test_the_result_does_what_the_original_did() -> None:
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    exec(PROGRAM, old)
    exec(migrated(PROGRAM, *TODO), new)
    assert asyncio.run(new["main"]([])) == old["main"]([])


def closing(loop: str, generator: str) -> bool:
    """Whether a loop over a generator of another file closes it."""
    found = graph(
        rows=f"def rows():\n{generator}\ndef passed_on():\n    yield from rows()\n",
        use=f"from rows import passed_on\ndef use(a):\n    for x in passed_on():\n{loop}\n",
    )
    places = places_that_close(found)
    assert ("rows.py" in {path for path, _ in places}) == bool(places), "the inner one as well"
    return bool(places)


ENDS = "    try:\n        yield 1\n    finally:\n        close()"


@pytest.mark.parametrize(
    ("loop", "generator", "closes"),
    [
        ("        break", ENDS, True),
        ("        if x:\n            return x", "    with a:\n        yield 1", True),
        ("        for y in x:\n            return y", ENDS, True),
        ("        print(x)", ENDS, False),
        ("        for y in x:\n            break", ENDS, False),
        ("        def f():\n            return x", ENDS, False),
        ("        break", "    yield 1", False),
    ],
)
def test_a_loop_that_ends_early_closes_a_generator_that_has_an_end(
    loop: str, generator: str, closes: bool
) -> None:
    assert closing(loop, generator) is closes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("list(map(g, f()))", "[g(item) async for item in f()]"),
        ("list(map(item.g, f()))", "[item.g(item_) async for item_ in f()]"),
        ("tuple(map(lambda a: a + 1, f()))", "tuple([a + 1 async for a in f()])"),
        ("any(map(g, f()))", "await anext((True async for item in f() if g(item)), False)"),
        ("[a for a in map(g, f())]", "[a async for a in (g(item) async for item in f())]"),
        ("h(*map(g, f()))", "h(*[g(item) async for item in f()])"),
        ("sum(a for a in map(g, f()))", "sum([a async for a in (g(item) async for item in f())])"),
    ],
)
def test_lazy_consumers(before: str, after: str) -> None:
    place = before[before.index("map(") :]
    place = place[: place.index("f())") + 4]
    consumed = do(A.CONSUME, place, consumer="map", arguments="1")
    assert migrated(main_of(f"return {before}\n"), consumed) == main_of(f"return {after}\n")


@pytest.mark.parametrize(
    ("place", "consumer", "argument"),
    [
        ("map(g(), f())", "map", "1"),
        ("map(g, f(), h())", "map", "1"),
        ("map(lambda a, b=1: a, f())", "map", "1"),
        ("map(g, f(), *h())", "map", "1"),
        ("zip(f(), h())", "zip", "0"),
    ],
)
def test_lazy_consumers_of_the_generated_module(place: str, consumer: str, argument: str) -> None:
    consumed = do(A.CONSUME, place, consumer=consumer, arguments=argument)
    after = "import _aiter\n\n\n" + main_of(f"return [item async for item in _aiter.{place}]\n")
    assert migrated(main_of(f"return list({place})\n"), consumed) == after


@pytest.mark.parametrize(
    ("statement", "place", "consumer", "arguments"),
    [
        ("x = map(g, f())", "map(g, f())", "map", "1"),
        ("return map(g, f())", "map(g, f())", "map", "1"),
        ("list(map(lambda a: (b := a), f()))", "map(lambda a: (b := a), f())", "map", "1"),
        ("k(map(g, f()))", "map(g, f())", "map", "1"),
        ("list(map(g, f()))", "map(g, f())", "map", ""),
        ("list(map(*f()))", "map(*f())", "map", "0"),
    ],
)
def test_lazy_consumers_that_are_refused(
    statement: str, place: str, consumer: str, arguments: str
) -> None:
    consumed = do(A.CONSUME, place, consumer=consumer, arguments=arguments)
    assert rules(main_of(f"{statement}\n"), consumed) == {"async-consumer"}
