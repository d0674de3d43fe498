"""Edges that ran in generated programs (`make fuzz-graph`) and that the graph did not have."""

from __future__ import annotations

from textwrap import dedent

import pytest

from asyncshift.model import Graph
from asyncshift.report.graph import MENTIONS
from tests.unit.graphs import edges, graph

F = """
def f(x=0): ...
def g(x=0): ...
"""
CASES = {
    "a property of the class above": (
        """
        class Top:
            @property
            def value(self): f()
        class Low(Top):
            @property
            def value(self): return super().value
        def main(): Low().value
        """,
        {"Low.value -> Top.value", "main -> Low.value", "Top.value -> f"},
    ),
    "property() by call": (
        """
        class C:
            def _get(self): f()
            def _put(self, x): g()
            value = property(_get)
        def main(): return C().value
        """,
        {"main -> C._get", "C._get -> f", "C._put -> g"},
    ),
    "staticmethod() by call": (
        """
        class C:
            call = staticmethod(f)
            def run(self): self.call(1)
        def main(): C().run()
        """,
        {"C.run -> f", "main -> C.run"},
    ),
    "the class of an object": (
        """
        class C:
            @classmethod
            def make(cls): return cls()
            def run(self): return self.__class__.make().end()
            def end(self): f()
        """,
        {"C.run -> C.make", "C.run -> C.end", "C.end -> f"},
    ),
    "fields of a named tuple by index": (
        """
        from typing import NamedTuple
        class N(NamedTuple):
            one: object
            two: object
        def first(): N(f, g)[0]()
        def last(): N(f, two=g)[1]()
        def unpacked():
            a, b = N(f, g)
            b()
        """,
        {"first -> f", "last -> g", "unpacked -> g"},
    ),
    "what a class pattern takes out": (
        """
        class C:
            def __init__(self, call, other):
                self.call = call
                self.other = other
        def main(x):
            match C(f, g):
                case C(call=h): h()
        """,
        {"main -> f", "main -> C.__init__"},
    ),
    "what the patterns of a list and a dict take out": (
        """
        def listed(x):
            match [f, g]:
                case [a, b]: b()
        def mapped(x):
            match {"k": f, "l": g}:
                case {"k": h}: h()
        """,
        {"listed -> g", "mapped -> f"},
    ),
    "dicts from pairs, by keywords, with a factory": (
        """
        import collections
        def pairs(k): dict([("a", f), (k, g)])["a"]()
        def zipped(k): dict(zip("ab", (f, g)))[k]()
        def ordered(): collections.OrderedDict(a=f, b=g)["a"]()
        def made(k): collections.defaultdict(lambda: g, a=f)[k]()
        def updated(k):
            table = {}
            table.update([(k, g)])
            table[k]()
        """,
        {
            "pairs -> f", "pairs -> g", "zipped -> f", "zipped -> g", "ordered -> f",
            "made -> f", "made -> g", "updated -> g",
        },
    ),
    "setattr with a constant name": (
        """
        class C:
            def __init__(self, call): setattr(self, "call", call)
            def run(self): self.call()
        def main(): C(g).run()
        """,
        {"main -> C.__init__", "main -> C.run", "C.run -> g"},
    ),
    "operators with one operand, del, a reflected one": (
        """
        class C:
            def __neg__(self): f()
            def __invert__(self): f()
            def __radd__(self, x): g()
            def __rsub__(self, x): g()
            def __delitem__(self, key): g()
        def negative(): -C()
        def inverse(): ~C()
        def added(): 1 + C()
        def deleted(c: C): del c[0]
        """,
        {
            "C.__neg__ -> f", "C.__invert__ -> f", "C.__radd__ -> g", "C.__rsub__ -> g",
            "C.__delitem__ -> g", "negative -> C.__neg__", "inverse -> C.__invert__",
            "added -> C.__radd__", "deleted -> C.__delitem__",
        },
    ),
}  # fmt: skip


def called(found: Graph) -> set[str]:
    """Edges of calls; mentions are none."""
    kinds = {site.protocol for site in found.sites} - MENTIONS
    return {edge for kind in kinds for edge in edges(found, kind)}


@pytest.mark.parametrize("name", CASES)
def test_what_runs_is_in_the_graph(name: str) -> None:
    text, wanted = CASES[name]
    assert called(graph(main=F + dedent(text))) == wanted


def test_setattr_on_something_else_is_a_patch() -> None:
    found = graph(
        a="def f(): ...\ndef main(): f()\n",
        b="import a\ndef g(): ...\nsetattr(a, 'f', g)\ndef main(): a.f()\n",
    )
    assert called(found) == {"main -> f"}


def test_a_name_that_another_module_puts_into_a_module() -> None:
    found = graph(
        a="def run(): hook()\n",
        b="import a\ndef f(): ...\ndef g(): ...\na.hook = f\ndef main(): a.hook()\n",
        c="import a\ndef early(): a.hook()\n",
    )
    assert called(found) == {"run -> f", "main -> f", "early -> f"}
