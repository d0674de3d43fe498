"""Context managers that are entered or left by others than a `with` statement."""

from __future__ import annotations

import pytest

from tests.unit.graphs import graph, lines

CLASSES = """
import contextlib, outside
@contextlib.contextmanager
def opened(): yield 1
def rows(): yield 1
class Conn:
    def __enter__(self): return self
    def __exit__(self, *error): ...
    def close(self): ...
"""


def escapes(body: str) -> set[str]:
    found = graph(CLASSES + body)
    return {f"{found.functions[e.function].name} to {e.to}" for e in found.escapes if e.function}


def reached(body: str, *protocols: str) -> set[str]:
    return {line.partition(" ")[2] for line in lines(graph(CLASSES + body), *protocols)}


LATER = {
    "closing calls close": (
        "with contextlib.closing(Conn()) as c: pass\n",
        {"Conn.close to contextlib.closing"},
    ),
    "push calls __exit__": (
        "with contextlib.ExitStack() as s: s.push(Conn())\n",
        {"Conn.__exit__ to contextlib.ExitStack.push"},
    ),
    "a bound method as a callback": (
        "with contextlib.ExitStack() as s: s.callback(Conn().close)\n",
        {"Conn.close to contextlib.ExitStack.callback"},
    ),
    "a stack of unknown origin": (
        "def f(s): s.enter_context(Conn())\n",
        {"Conn.__enter__ to s.enter_context", "Conn.__exit__ to s.enter_context"},
    ),
    "a generator function on a stack of unknown origin": (
        "def f(s): s.enter_context(opened())\n",
        {"opened to s.enter_context"},
    ),
    "a test case": (
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test(self): self.enterContext(Conn())\n",
        {"Conn.__enter__ to self.enterContext", "Conn.__exit__ to self.enterContext"},
    ),
    "a generator in foreign hands": (
        "outside.take(rows())\noutside.take(x=[opened()])\n",
        {"rows to outside.take", "opened to outside.take"},
    ),
}


@pytest.mark.parametrize(("body", "found"), LATER.values(), ids=LATER)
def test_what_others_enter_or_leave_escapes(body: str, found: set[str]) -> None:
    assert escapes(body) == found


SEEN = {
    "a stack made here": "with contextlib.ExitStack() as s: s.enter_context(Conn())\n",
    "an empty context": "with contextlib.nullcontext(Conn()) as c: pass\n",
    "pushed on a list": "s = []\ns.append(Conn())\n",
    "pushed by a project class": (
        "class S:\n    def push(self, c): ...\n    def enter_context(self, c): ...\n"
        "S().push(Conn())\nS().enter_context(Conn())\n"
    ),
    "closing a generator": "with contextlib.closing(rows()) as r: pass\n",
    "a known consumer": "print(list(rows()), sum(rows()))\n",
    "run": "import asyncio\nasync def main(): ...\nasyncio.run(main())\n",
}


@pytest.mark.parametrize("body", SEEN.values(), ids=SEEN)
def test_what_is_entered_where_it_can_be_seen_does_not_escape(body: str) -> None:
    assert escapes(body) == set()


def test_an_exit_stack_that_is_known_enters_as_with_does() -> None:
    body = (
        "with contextlib.ExitStack() as s:\n"
        "    s.enter_context(Conn())\n    s.enter_context(opened())\n"
    )
    assert reached(body, "consume") == {
        "consume s.enter_context -> Conn.__enter__, Conn.__exit__",
        "consume s.enter_context -> opened",
    }


def test_closing_a_generator_is_a_use_of_it() -> None:
    body = "with contextlib.closing(rows()) as r:\n    r.close()\n"
    assert reached(body, "consume") == {
        "consume contextlib.closing -> rows",
        "consume r.close -> rows",
    }


HELD = {
    "nullcontext": "with contextlib.nullcontext(Conn()) as c:\n    c.close()\n",
    "closing": "with contextlib.closing(Conn()) as c:\n    c.close()\n",
}


@pytest.mark.parametrize("body", HELD.values(), ids=HELD)
def test_a_holder_gives_what_it_was_given_and_does_not_enter_it(body: str) -> None:
    assert reached(body, "with", "call") == {"call c.close -> Conn.close"}


def test_entering_one_of_several_managers_enters_them_all() -> None:
    body = "def f(x):\n    with opened() if x else contextlib.nullcontext(Conn()) as c: c.close()\n"
    assert {"call opened -> opened", "call c.close -> Conn.close"} <= reached(body)
    assert any(line.endswith("-> opened") for line in reached(body, "with"))
