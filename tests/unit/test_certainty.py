"""Which edges are certain: the tree is the world, and what nobody can see makes an edge likely."""

from __future__ import annotations

import pytest

from tests.unit.graphs import graph

CLASSES = """
import other
from other import decorate, handle
class Base:
    def go(self): ...
class Special(Base):
    def go(self): ...
class Box:
    item = None
    def __init__(self, item): self.item = item
    def run(self): return self.item.go()
def use(u): return u.go()
def both(v, w: Base): return v.go(), w.go()
"""
CERTAIN = {
    "every call is seen": ("use(Base())", "u.go"),
    "through two calls": ("def more(x): return use(x)\nmore(Base())", "u.go"),
    "stored on self": ("Box(Base()).run()", "self.item.go"),
    "an annotation": ("def typed(x: Base): return x.go()", "x.go"),
    "a string annotation": ("def typed(x: 'Base'): return x.go()", "x.go"),
    "one of two classes": ("def typed(x: Base | Special | None): return x.go()", "x.go"),
    "an annotated attribute": (
        "class Other:\n    def __init__(self, x: Base): self.it = x\n"
        "    def run(self): return self.it.go()",
        "self.it.go",
    ),
    "an element of a list": ("for it in [Base(), Special()]: it.go()", "it.go"),
    "a value of a dict": ("{'a': Base()}['a'].go()", "{'a': Base()}['a'].go"),
    "what a function gives": ("def make(): return Base()\nmake().go()", "make().go"),
    "a variable": ("f = use\nf(Base())", "f"),
    "a partial": ("import functools\nfunctools.partial(use, Base())()", "u.go"),
    "a closure": (
        "def outer(x):\n    def inner(): return x.go()\n    return inner()\nouter(Base())",
        "x.go",
    ),
    "a decorator of the project": (
        "def again(f):\n    def wrapper(): return f()\n    return wrapper\n"
        "@again\ndef one(): ...\none()",
        "f",
    ),
    "super": (
        "class Low(Special):\n    def go(self): return super().go()",
        "super().go",
    ),
    "self": ("class Low(Special):\n    def run(self): return self.go()", "self.go"),
    "pickled": (
        "class P(Box):\n    def __setstate__(self, s): self.__dict__.update(s)\nP(Base()).run()",
        "self.item.go",
    ),
    "an ABC": (
        "from abc import ABCMeta\nclass P(metaclass=ABCMeta):\n    def __init__(self): ...\nP()",
        "P",
    ),
    "a library is handed something else": ("use(Base())\nhandle([1])", "u.go"),
    "a variable of two branches": (
        "def f(c):\n    if c: x = Base()\n    else: x = Special()\n    x.go()",
        "x.go",
    ),
    "a default first": ("def f(c):\n    x = Base()\n    if c: x = Special()\n    x.go()", "x.go"),
    "two loops over the same": (
        "def f(xs):\n    for x in xs: x.go()\n    for x in xs: x.go()\nf([Base(), Special()])",
        "x.go",
    ),
    "a variable that is given the same again": (
        "def f(x):\n    x.go()\n    x = Base()\n    x.go()\nf(Base())",
        "x.go",
    ),
    "two definitions": (
        "def f(c):\n    if c:\n        def g(): ...\n    else:\n        def g(): ...\n    g()",
        "g",
    ),
    "a base class gives self, and there is one method": (
        "class P:\n    def more(self): return self\n    def go(self): ...\n"
        "class Q(P): ...\nclass R(P): ...\nQ().more().go()",
        "Q().more().go",
    ),
    "read in between, and there is one method": (
        "class Low(Base): ...\ndef f():\n    x = Base()\n    x.go()\n    x = Low()\n    x.go()",
        "x.go",
    ),
    "self of its own class": (
        "class P:\n    def more(self): return self\n    def go(self): ...\n"
        "class Q(P): ...\nP().more().go()",
        "P().more().go",
    ),
    "overridden, and called by super": (
        "class P:\n    def run(self): return self.go()\n    def go(self): ...\n"
        "class Q(P):\n    def run(self): return super().run()\n    def go(self): ...",
        "self.go",
    ),
    "overridden, and called on the class": (
        "class P:\n    def run(self): return self.go()\n    def go(self): ...\n"
        "class Q(P):\n    def run(self): return P.run(self)\n    def go(self): ...",
        "self.go",
    ),
    "overridden, and a class between calls it by super": (
        "class P:\n    def run(self): return self.go()\n    def go(self): ...\n"
        "class M(P):\n    def run(self): return super().run()\n"
        "class Q(M):\n    def go(self): ...",
        "self.go",
    ),
    "overridden by another subclass": (
        "class P:\n    def run(self): return self.go()\n    def go(self): ...\n"
        "class Q(P):\n    def go(self): ...\n"
        "class R(P):\n    def run(self): ...",
        "self.go",
    ),
    "a key that is not known": (
        "TABLE = {'a': Base(), 'b': Special()}\ndef f(k): TABLE[k].go()\nf('a')",
        "TABLE[k].go",
    ),
    "a constant key, and all the same": (
        "TABLE = {'a': Base(), 'b': Base()}\nTABLE[other.KEY].go()",
        "TABLE[other.KEY].go",
    ),
    "self, and another class": (
        "class P:\n    def run(self): return use(self)\n    def go(self): ...\n"
        "use(Base())\nP().run()",
        "u.go",
    ),
    "an annotation, and a subclass": (
        "class Low(Base):\n    def go(self): ...\ndef typed(x: Base): return x.go()\ntyped(Low())",
        "x.go",
    ),
    "another object of the class": (
        "class P:\n    def more(self): return P()\n    def go(self): ...\n"
        "class Q(P):\n    def go(self): ...\nQ().more().go()",
        "Q().more().go",
    ),
}
LIKELY = {
    "a variable that a function inside reads in between": (
        "def f():\n    x = Base()\n    def g(): x.go()\n    g()\n    x = Special()\n    g()",
        "x.go",
    ),
    "an attribute that is read in between": (
        "def f(box: Box):\n    box.item = Base()\n    box.item.go()\n    box.item = Special()\n"
        "    box.item.go()",
        "box.item.go",
    ),
    "self of exactly one class": (
        "class P:\n    def more(self): return self\n    def go(self): ...\n"
        "class Q(P):\n    def go(self): ...\nP().more().go()",
        "P().more().go",
    ),
    "a base class gives self": (
        "class P:\n    def more(self): return self\n    def go(self): ...\n"
        "class Q(P):\n    def go(self): ...\nclass R(P):\n    def go(self): ...\n"
        "Q().more().go()",
        "Q().more().go",
    ),
    "overridden by the subclass that has the target": (
        "class P:\n    def run(self): return self.go()\n    def go(self): ...\n"
        "class Q(P):\n    def run(self): ...\n    def go(self): ...",
        "self.go",
    ),
    "a constant key": (
        "TABLE = {other.KEY: Base(), other.TWO: Special()}\nTABLE[other.KEY].go()",
        "TABLE[other.KEY].go",
    ),
    "self, and one of a subclass": (
        "class P:\n    def run(self): return use(self)\n    def go(self): ...\n"
        "class Q(P):\n    def go(self): ...\nuse(Q())\nP().run()",
        "u.go",
    ),
    "overridden, and another class calls it by super": (
        "class P:\n    def run(self): return self.go()\n    def go(self): ...\n"
        "class Q(P):\n    def run(self): ...\n    def go(self): ...\n"
        "class R(P):\n    def run(self): return super().run()",
        "self.go",
    ),
    "self by super": (
        "class P:\n    def more(self): return self\n    def go(self): ...\n"
        "class Q(P):\n    def more(self):\n        it = super().more()\n        it.go()\n"
        "    def go(self): ...\nclass R(P):\n    def go(self): ...",
        "it.go",
    ),
    "nobody calls it": ("def lone(x=Base()): return x.go()", "x.go"),
    "one argument is not known": ("use(Base())\nuse(other.thing())", "u.go"),
    "handed to a library": ("use(Base())\nhandle(use)", "u.go"),
    "decorated by a library": ("@decorate\ndef deco(x): return x.go()\ndeco(Base())", "x.go"),
    "named by a text": ("use(Base())\nhandle('mod.use')", "u.go"),
    "reached by a computed name": (
        "import mod\nuse(Base())\ndef pick(n): return getattr(mod, n)",
        "u.go",
    ),
    "a call on an unknown receiver has its name": (
        "class Tool:\n    def work(self, x): return x.go()\n"
        "Tool().work(Base())\nother.thing().work(1)\ndef f(q): q.work(2)",
        "x.go",
    ),
    "its class has an outside base": (
        "class Tool(other.Base):\n    def work(self, x): return x.go()\nTool().work(Base())",
        "x.go",
    ),
    "its class is handed to a library": ("Box(Base()).run()\nhandle(Box)", "self.item.go"),
    "stored from outside on something unknown": (
        "Box(Base()).run()\ndef put(q): q.item = other.thing()",
        "self.item.go",
    ),
    "stored by a computed name": (
        "class P(Box):\n    def fill(self, **k):\n        for n in k: setattr(self, n, k[n])\n"
        "P(Base()).run()\nclass Q(P):\n    def __init__(self, item): self.item = item\n"
        "    def run(self): return self.item.go()\nQ(Base()).run()",
        "self.item.go",
    ),
    "stored through its dict": (
        "class P(Box):\n    def __init__(self, item): self.item = item\n"
        "    def run(self): return self.item.go()\n"
        "    def fill(self, k): self.__dict__.update(k)\nP(Base()).run()",
        "self.item.go",
    ),
    "an element of a list that a library gets": (
        "xs = [Base()]\nhandle(xs)\nfor it in xs: it.go()",
        "it.go",
    ),
    "told apart by isinstance": (
        "def f(it):\n    if isinstance(it, Base): print(1)\n    it.go()",
        "it.go",
    ),
    "a type that is not known beside": ("def f(it: Base | T): return it.go()", "it.go"),
    "a metaclass of the project": (
        "class Meta(type):\n    def __call__(cls): ...\n"
        "class P(metaclass=Meta):\n    def __init__(self): ...\nP()",
        "P",
    ),
    "a metaclass above": (
        "class P(metaclass=other.Meta):\n    def __init__(self): ...\nclass Q(P): ...\nQ()",
        "Q",
    ),
    "a dunder that runs unseen": (
        "class P:\n    def __eq__(self, it): return it.go()\nP() == Base()",
        "it.go",
    ),
}


def certainties(text: str, call: str) -> set[str]:
    found = graph(CLASSES + text + "\n")
    calls = [s for s in found.sites if s.text == call and s.protocol == "call"]
    return {str(s.certainty) for s in calls if s.certainty != "unknown"}


@pytest.mark.parametrize("case", CERTAIN)
def test_certain(case: str) -> None:
    assert certainties(*CERTAIN[case]) == {"certain"}


@pytest.mark.parametrize("case", LIKELY)
def test_likely(case: str) -> None:
    assert "likely" in certainties(*LIKELY[case])


def test_only_what_is_unsure_is_likely() -> None:
    found = graph(CLASSES + "both(other.thing(), Base())\n")
    calls = {s.text: str(s.certainty) for s in found.sites if s.protocol == "call"}
    assert calls["w.go"] == "certain"
