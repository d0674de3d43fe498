"""Generator expressions inside of others, and syntax that takes an iterator apart."""

from __future__ import annotations

import pytest

from tests.unit.rewrite_bench import A, do, migrated, rewritten, rules

MAIN = do(A.MAKE_ASYNC, "def main")
BRIDGE = {"bridge": "pkg._run_sync"}


def main_of(statement: str) -> str:
    return f"async def main():\n    {statement}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "{u.a: u.b for u in (f(i) for i in y)}",
            "{u.a: u.b async for u in (await f(i) for i in y)}",
        ),
        (
            "[u for u in ( f(i) for i in y ) if u]",
            "[u async for u in ( await f(i) for i in y ) if u]",
        ),
        (
            "[x for u in ((f(i) for i in y)) for x in u]",
            "[x async for u in ((await f(i) for i in y)) for x in u]",
        ),
        (
            "[a for z in y for a in (f(i) for i in z)]",
            "[a for z in y async for a in (await f(i) for i in z)]",
        ),
    ],
)
def test_a_generator_expression_as_what_a_clause_iterates(before: str, after: str) -> None:
    inner = next(t for t in ("f(i) for i in y", "f(i) for i in z") if t in before)
    start = before.index(inner)
    opening = before.rindex("(", 0, start)
    source = before[opening : before.index(")", start + len(inner)) + 1]
    todo = [do(A.AWAIT, "f(i)"), do(A.ASYNC_COMPREHENSION, source)]
    assert migrated(main_of(f"return {before}"), *todo) == main_of(f"return {after}")


def test_a_tuple_as_what_a_clause_iterates_keeps_its_place() -> None:
    before = main_of("return [g(a) for a in (1, 2) for b in (f(a), 3)]")
    after = main_of("return [g(a) for a in (1, 2) for b in (await f(a), 3)]")
    assert migrated(before, do(A.AWAIT, "f(a)")) == after


@pytest.mark.parametrize(
    ("statement", "place", "consumer", "after"),
    [
        ("g(*rows(1), 2)", "rows(1)", "*", "g(*[item async for item in rows(1)], 2)"),
        ("g(*(await f(x) for x in y))", None, "*", "g(*[await f(x) for x in y])"),
        ("x = {*rows(), 1}", "rows()", "*", "x = {*[item async for item in rows()], 1}"),
        ("a, *b = rows()", "a, *b", "unpack", "a, *b = [item async for item in rows()]"),
        (
            "[a, b] = rows(item)",
            "[a, b]",
            "unpack",
            "[a, b] = [entry async for entry in rows(item)]",
        ),
        ("a, b = (await f(x) for x in y)", "a, b", "unpack", "a, b = [await f(x) for x in y]"),
    ],
)
def test_what_is_taken_apart_becomes_a_list(
    statement: str, place: str | None, consumer: str, after: str
) -> None:
    todo = do(A.CONSUME, place or "(await f(x) for x in y)", consumer=consumer)
    assert migrated(main_of(statement), todo) == main_of(after)


@pytest.mark.parametrize(
    "statement", ["for a, b in x: pass", "(a, b), c = x", "(a, b) = c = x", "x = [1 for a, b in x]"]
)
def test_an_unpacking_without_an_expression_of_its_own_is_refused(statement: str) -> None:
    place = "(a, b)" if "(a, b)" in statement else "a, b"
    todo = do(A.CONSUME, place, consumer="unpack")
    assert rules(main_of(statement), todo) == {"async-consumer"}
    bridge = do(A.BRIDGE, place, consumer="unpack", protocol="consume")
    assert rules(f"def main():\n    {statement}\n", bridge, **BRIDGE) == {"bridge-consumer"}


@pytest.mark.parametrize(
    ("statement", "place", "consumer", "after"),
    [
        ("g(*rows(1))", "rows(1)", "*", "g(*iter_sync(rows(1)))"),
        ("a, *b = rows(1)", "a, *b", "unpack", "a, *b = iter_sync(rows(1))"),
        ("a, b = rows", "a, b", "unpack", "a, b = iter_sync(rows)"),
    ],
)
def test_bridges_where_something_is_taken_apart(
    statement: str, place: str, consumer: str, after: str
) -> None:
    todo = do(A.BRIDGE, place, consumer=consumer, protocol="consume")
    assert f"    {after}\n" in migrated(f"def main():\n    {statement}\n", todo, **BRIDGE)


def test_no_bridge_in_text_that_prints_itself() -> None:
    todo = do(A.BRIDGE, "f()", protocol="call")
    before = 'def main():\n    return f"{f()=}"\n'
    assert rules(before, todo, **BRIDGE) == {"bridge-f-string-debug"}


@pytest.mark.parametrize(
    ("call", "before", "after"),
    [
        ("all(rows())", "not all(rows())", "await anext(({T} if not item), False)"),
        ("all(rows())", "1 - all(rows())", "1 - (not await anext(({T} if not item), False))"),
        ("any(rows())", "not any(rows())", "not await anext(({T} if item), False)"),
        (
            "all(not x for x in y)",
            "all(not x for x in y)",
            "not await anext((True for x in y if x), False)",
        ),
    ],
)
def test_negations_are_not_doubled(call: str, before: str, after: str) -> None:
    after = after.replace("{T}", "True async for item in rows()")
    todo = do(A.CONSUME, call, consumer=call[:3])
    assert migrated(main_of(f"return {before}"), todo) == main_of(f"return {after}")


def test_enumerating_a_generator_expression() -> None:
    before = "async def main():\n    for n, u in enumerate(f(i) for i in y):\n        use(n, u)\n"
    after = (
        "import itertools\n\n\nasync def main():\n    counter = itertools.count()\n"
        "    async for u in (await f(i) for i in y):\n"
        "        n = next(counter)\n        use(n, u)\n"
    )
    todo = do(A.CONSUME, "enumerate(f(i) for i in y)", consumer="enumerate")
    assert migrated(before, do(A.AWAIT, "f(i)"), todo) == after


@pytest.mark.parametrize(
    ("body", "listed"),
    [
        ("try: return [1 // x for x in rows()]\n    except KeyError: pass", True),
        ("try: return {load(x) for x in rows() if x}\n    except KeyError: pass", True),
        ("try: return [x.name for x in rows()]\n    except KeyError: pass", False),
        ("try: pass\n    except KeyError: return [1 // x for x in rows()]", False),
        ("try: return [1 // x for x in rows()]\n    finally: pass", False),
        ("return [1 // x for x in rows()]", False),
    ],
)
def test_an_exception_that_leaves_a_generator_before_its_end_is_listed(
    body: str, listed: bool
) -> None:
    todo = do(A.ASYNC_COMPREHENSION, "rows()", close="made")
    result = rewritten(f"async def main():\n    {body}\n", todo)
    assert [message.rule for message in result.messages] == ["early-exit"] * listed
    assert "async for x in rows()" in (result.text or "")
