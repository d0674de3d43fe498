"""What builtins call, erased: `map(f, xs)` and the comprehension that awaits f are one."""

from __future__ import annotations

import pytest

from asyncshift.codemod import Registry
from asyncshift.erasure import compare

SAME = [
    ("list(map(f, xs))", "[await f(x) for x in xs]"),
    ("list(map(self.f, xs))", "[await self.f(item) for item in xs]"),
    ("set(map(f, xs))", "{await f(x) for x in xs}"),
    ("sum(map(f, xs), 3)", "sum([await f(x) for x in xs], 3)"),
    ("list(map(f, xs, ys))", "[await f(a, b) for a, b in zip(xs, ys)]"),
    ("list(map(lambda a: f(a, 1), xs))", "[await f(a, 1) for a in xs]"),
    ("list(filter(f, xs))", "[x for x in xs if await f(x)]"),
    ("list(filter(lambda x: not f(x), xs))", "[x for x in xs if not await f(x)]"),
    ("list(itertools.filterfalse(f, xs))", "[x for x in xs if not await f(x)]"),
    ("list(itertools.starmap(f, xs))", "[await f(*x) for x in xs]"),
    ("any(map(f, xs))", "await anext((True for x in xs if await f(x)), False)"),
    ("all(map(f, xs))", "not await anext((True for x in xs if not await f(x)), False)"),
    ("print(*map(f, xs))", "print(*[await f(x) for x in xs])"),
    (
        "[g(y) for y in map(f, xs)]",
        "[g(y) async for y in (await f(x) for x in xs)]",
    ),
    (
        "sorted(xs, key=f)",
        "[x for _, x in sorted([(await f(x), x) for x in list(xs)], key=lambda p: p[0])]",
    ),
    (
        "sorted(xs, reverse=True, key=lambda x: -f(x))",
        "[x for _, x in sorted([(-await f(x), x) for x in xs], key=lambda p: p[0], reverse=True)]",
    ),
    ("min(xs, key=f)", "min([(await f(x), x) for x in xs], key=lambda p: p[0])[1]"),
    ("max(a, b, key=f)", "max([(await f(x), x) for x in (a, b)], key=lambda p: p[0])[1]"),
    (
        "min(xs, key=f, default=a)",
        "min([(await f(x), x) for x in xs], key=lambda p: p[0], default=(None, a))[1]",
    ),
]
DIFFERENT = [
    ("list(map(f, xs))", "[await f(x) for x in ys]"),
    ("list(map(f, xs))", "[await f(x, 1) for x in xs]"),
    ("list(map(f, xs))", "[await g(x) for x in xs]"),
    ("list(map(f, xs))", "[await f(x) for x in xs if x]"),
    ("list(map(f, xs))", "{await f(x) for x in xs}"),
    ("list(map(f, xs, ys))", "[await f(a, b) for a, b in zip(ys, xs)]"),
    ("list(map(f, xs, ys))", "[await f(b, a) for a, b in zip(xs, ys)]"),
    ("list(map(f, xs))", "[await x(f) for x in xs]"),
    ("list(filter(f, xs))", "[x for x in xs if not await f(x)]"),
    ("list(filter(f, xs))", "[await f(x) for x in xs]"),
    ("list(filter(lambda x: f(x), xs))", "[x for x in xs if not await f(x)]"),
    ("list(itertools.starmap(f, xs))", "[await f(x) for x in xs]"),
    ("any(map(f, xs))", "any([await f(x) for x in xs])"),
    ("all(map(f, xs))", "await anext((True for x in xs if await f(x)), False)"),
    (
        "sorted(xs, key=f)",
        "[x for _, x in sorted([(await f(x), x) for x in xs])]",
    ),
    (
        "sorted(xs, key=f)",
        "[x for _, x in sorted([(await f(x), x) for x in xs], key=lambda p: p[1])]",
    ),
    (
        "sorted(xs, key=f)",
        "[k for k, x in sorted([(await f(x), x) for x in xs], key=lambda p: p[0])]",
    ),
    (
        "sorted(xs, key=f)",
        "[x for _, x in sorted([(await f(x), x) for x in xs], key=lambda p: p[0], reverse=True)]",
    ),
    ("min(xs, key=f)", "min([(await f(x), x) for x in xs], key=lambda p: p[0])[0]"),
    ("min(xs, key=f)", "max([(await f(x), x) for x in xs], key=lambda p: p[0])[1]"),
    (
        "min(xs, key=f, default=a)",
        "min([(await f(x), x) for x in xs], key=lambda p: p[0], default=a)[1]",
    ),
]
HEAD = "import itertools\n\n\n"


def is_same(before: str, after: str) -> bool:
    found = compare(
        f"{HEAD}def work(self, f, g, xs, ys, a, b):\n    return {before}\n",
        f"{HEAD}async def work(self, f, g, xs, ys, a, b):\n    return {after}\n",
        Registry([]),
    )
    return found["work"]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_only_async(before: str, after: str) -> None:
    assert is_same(before, after)


@pytest.mark.parametrize(("before", "after"), DIFFERENT)
def test_something_else(before: str, after: str) -> None:
    assert not is_same(before, after)
