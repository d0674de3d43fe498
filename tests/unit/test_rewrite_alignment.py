"""Continuation lines stay below what they were aligned with."""

from __future__ import annotations

import pytest

from asyncshift.model import Style
from asyncshift.rewrite.alignment import realigned
from tests.unit.rewrite_bench import A, do, migrated, plain

MAIN = "async def main():\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("x = f(a,\n      b)", "x = await f(a,\n      b)", "x = await f(a,\n            b)"),
        (
            "x = f(a,\n      b\n      )",
            "x = rr(f(a,\n      b\n      ))",
            "x = rr(f(a,\n         b\n         ))",
        ),
        (
            "f(a,\n  b={1: 2,\n     3: 4})",
            "gg(f(a,\n  b={1: 2,\n     3: 4}))",
            "gg(f(a,\n     b={1: 2,\n        3: 4}))",
        ),
        ("x = f(a\n     )", "x = await f(a\n     )", "x = await f(a\n           )"),
        ("x = (a or\n     f(b))", "x = (a or\n     await f(b))", "x = (a or\n     await f(b))"),
        ("x = f(\n    a,\n)", "x = await f(\n    a,\n)", "x = await f(\n    a,\n)"),
        ("x = f(a,\n    b)", "x = await f(a,\n    b)", "x = await f(a,\n    b)"),
        ('f(a, """\n  b""")', 'await f(a, """\n  b""")', 'await f(a, """\n  b""")'),
        ("f(a,\n\n  # why\n  b)", "g(f(a,\n\n  # why\n  b))", "g(f(a,\n\n    # why\n    b))"),
        ("f(a,\n  b)", "x = await f(\n  a,\n  b)", "x = await f(\n  a,\n  b)"),
    ],
)
def test_lines_move_with_their_bracket(old: str, new: str, expected: str) -> None:
    assert realigned(old.split("\n"), new.split("\n"), 88) == expected.split("\n")


def test_nothing_moves_where_a_line_would_become_too_long() -> None:
    old = ["x = f(a,", "      b,", "      " + "c" * 20 + ")"]
    new = ["x = await f(a,", *old[1:]]
    assert realigned(old, new, 30) == new
    assert realigned(old, new, 33) != new


def test_a_call_moves_with_its_await_and_its_thread() -> None:
    before = plain(
        """
        async def main():
            x = f(a,
                  k=[1,
                     2])
        """
    )
    awaited = migrated(before, do(A.AWAIT, before.partition(" = ")[2].strip()))
    assert awaited == before.replace("f(a", "await f(a").replace(
        "          k", "                k"
    ).replace("             2", "                   2")
    thread = migrated(before, do(A.TO_THREAD, before.partition(" = ")[2].strip()))
    row = next(line for line in thread.split("\n") if "to_thread" in line)
    assert thread.split("\n")[thread.split("\n").index(row) + 1].index("k=") == row.index("(") + 1


def test_a_comment_after_the_bracket_stays_once() -> None:
    before = f"import asyncio\n\n{MAIN}    x = f(  # why\n        a,\n    )\n"
    after = (
        f"import asyncio\n\n{MAIN}    x = await asyncio.to_thread(  # why\n"
        "        f,\n        a,\n    )\n"
    )
    call = before.partition(" = ")[2].strip()
    assert migrated(before, do(A.TO_THREAD, call), style=Style(88, "preserve")) == after
