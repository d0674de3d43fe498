"""A variable that is bound more than once: each use sees what can be in it at that place."""

from __future__ import annotations

import pytest

from tests.unit.graphs import graph

CLASSES = """
class A:
    def go(self): ...
class B:
    def go(self): ...
class C:
    def go(self): ...
def maybe(): ...
"""
# The comment at the end of a line says which classes its call of `go` can reach.
PROGRAMS = {
    "one after the other": """
        def f():
            x = A()
            x.go()  # A
            x = B()
            x.go()  # B
        """,
    "a parameter that is given something else": """
        def f(x):
            x.go()  # A
            x = B()
            x.go()  # B
        f(A())
        """,
    "two loops over different things": """
        def f(xs, ys):
            for x in xs: x.go()  # A
            for x in ys: x.go()  # B
        f([A()], [B()])
        """,
    "a definition that is decorated by hand": """
        def deco(g):
            return B()
        def f():
            def x(): ...
            x = deco(x)
            x.go()  # B
        """,
    "branches": """
        def f(x):
            if maybe():
                x = B()
                x.go()  # B
            elif maybe():
                x = C()
            else:
                x.go()  # A
            x.go()  # A B C
        f(A())
        """,
    "a branch that leaves": """
        def f(x):
            if maybe():
                x = B()
                return x.go()  # B
            if maybe():
                x = C()
                raise ValueError(x)
            x.go()  # A
        f(A())
        """,
    "a loop begins again": """
        def f():
            x = A()
            for _ in maybe():
                x.go()  # A B
                x = B()
                x.go()  # B
            x.go()  # A B
        """,
    "break, continue and else": """
        def f():
            x = A()
            while maybe():
                x.go()  # A C
                if maybe():
                    x = B()
                    break
                if maybe():
                    x = C()
                    continue
                x.go()  # A C
            else:
                x.go()  # A C
                x = A()
            x.go()  # A B
        """,
    "a loop without an end": """
        def f():
            x = A()
            while True:
                x = B()
                if maybe():
                    break
                x = C()
            x.go()  # B
        """,
    "a name that only a loop binds": """
        def f():
            for _ in maybe():
                if maybe():
                    x.go()  # B
                x = A()
                x.go()  # A
                x = B()
        """,
    "an exception comes from anywhere": """
        def f():
            x = A()
            try:
                x = B()
                x = C()
                maybe()
            except ValueError:
                x.go()  # A B C
                return
            else:
                x.go()  # C
            x.go()  # C
        """,
    "finally sees everything, and what follows does not": """
        def f():
            x = A()
            try:
                x = B()
            finally:
                x.go()  # A B
            x.go()  # B
        """,
    "finally binds on the way of a break": """
        def f():
            x = A()
            for _ in maybe():
                try:
                    break
                finally:
                    x = B()
            x.go()  # A B
        """,
    "a block may keep an exception to itself": """
        def f(quietly):
            x = A()
            with quietly:
                x = B()
                x.go()  # B
            x.go()  # A B
        """,
    "a walrus that may not be reached": """
        def f():
            x = A()
            if maybe() and (x := B()):
                x.go()  # A B
            x.go()  # A B
        """,
    "match": """
        def f(x):
            match maybe():
                case 1:
                    x = B()
                case 2:
                    x = C()
                    return
            x.go()  # A B
        f(A())
        """,
    "an augmented value is still what it was": """
        def f():
            x = A()
            x += maybe()
            x.go()  # A
        """,
    "a function inside sees every value": """
        def f():
            x = A()
            def g():
                x.go()  # A B C
            x = B()
            h = lambda: x.go()  # A B C
            x = C()
            x.go()  # C
        """,
    "a function inside binds it": """
        def f():
            x = A()
            def g():
                nonlocal x
                x = B()
            x = C()
            g()
            x.go()  # A B C
        """,
    "a comprehension runs at once": """
        def f():
            x = A()
            [x.go() for _ in maybe()]  # A
            x = B()
            [x.go() for _ in maybe()]  # B
        """,
    "a module": """
        x = A()
        x.go()  # A
        x = B()
        x.go()  # B
        def f():
            x.go()  # A B
        """,
    "an annotation holds for every value": """
        def f():
            x: A | B = maybe()
            x.go()  # A B C
            x = C()
            x.go()  # A B C
        """,
    "a class body is not a function": """
        class D:
            x = A()
            x = B()
            def f(self):
                self.x.go()  # A B
        """,
    "bound once": """
        def f(y):
            if maybe():
                x = A()
            x.go()  # A
            y.go()  # B
        f(B())
        """,
}


def dedent(text: str) -> str:
    return "\n".join(line[8:] for line in text.splitlines())


@pytest.mark.parametrize("case", PROGRAMS)
def test_each_use_sees_what_can_be_there(case: str) -> None:
    text = CLASSES + dedent(PROGRAMS[case])
    found = graph(text + "\n")
    said: dict[int, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if "  # " in line:
            said[number] = line.rpartition("# ")[2].split()
    seen = {
        site.span[0]: sorted(
            found.functions[target.function].name.partition(".")[0]
            for target in site.targets
            if target.function
        )
        for site in found.sites
        if site.text.endswith(".go")
    }
    assert seen == said


@pytest.mark.parametrize(
    ("rest", "classes"),
    [
        ("", ["B"]),
        ("if maybe(): x = C()\n", ["B", "C"]),
        ("def set_it():\n    global x\n    x = C()\n", ["A", "B", "C"]),
    ],
)
def test_what_others_import_is_the_last_value(rest: str, classes: list[str]) -> None:
    text = CLASSES + "x = A()\nx.go()\nx = B()\n" + rest
    found = graph(text, n="import mod\nfrom mod import x\nx.go()\nmod.x.go()\n")
    for site in found.sites:
        if site.path == "n.py" and site.text.endswith("x.go"):
            reached = [found.functions[t.function or ""].name for t in site.targets]
            assert sorted(name.partition(".")[0] for name in reached) == classes
