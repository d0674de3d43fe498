"""Attributes that only a `__getattr__` answers for: proxies, and what stands behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncshift.facts import LOAD
from asyncshift.resolution.values import FUN, INST, SELF

if TYPE_CHECKING:
    from asyncshift.index import ClassIndex
    from asyncshift.resolution.flow import Fn, Values
    from asyncshift.resolution.members import Members

ANSWERING = ("__getattr__", "__getattribute__")
"""Methods that Python asks for an attribute that a class does not define."""


NAMESPACES = frozenset({"threading.local"})
"""Classes of libraries whose objects hold what a program stores on them."""


def kept(members: Members, token: int, attr: str, held: Values = frozenset()) -> int:
    """The node of what is stored on such an object."""
    number = members.kept.get((token, attr))
    if number is None:
        number = members.kept[token, attr] = members.node()
    members.push(number, held)
    return number


def answered_by(classes: ClassIndex, fn: Fn) -> str:
    """The `__getattribute__` that gives a method to its callers, of its class or of one below."""
    if fn.cls < 0:
        return ""
    for cls in (fn.cls, *classes.classes[fn.cls].descendants):
        owner = classes.definer(classes.classes[cls].mro, "__getattribute__")
        if owner is not None:
            return f"{classes.classes[owner].facts.name}.__getattribute__"
    return ""


def delegated(members: Members, definer: int, name: str, attr: str, number: int) -> None:
    """`def __getattr__(self, name): return getattr(self.inner, name)`."""
    for kind in members.sees(members.hierarchy.classes[definer].attrs[name]):
        if kind[0] == FUN and len(members.functions[kind[1]].params) > 1:
            for source in members.computed.get(members.functions[kind[1]].params[1][1], ()):
                members.add((LOAD, number, source, attr), source)


def is_answered(members: Members, node: int, attr: str) -> bool:
    """Whether only a `__getattr__` says what an attribute is of some of the objects there."""
    return bool(members.answered) and any(
        members.lookups.get((kind[0], kind[1], attr)) in members.answered
        for kind in members.sees(node)
        if kind[0] in (INST, SELF)
    )
