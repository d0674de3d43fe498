"""Properties that code out of sight may read: there nothing could await what they give.

Foreign code that is handed an object (a template, a serialiser, a framework that gets what a
function returns) may read whatever the object has, and go on from there: the objects in its
attributes, and those that its methods give.  A read on an unknown receiver may mean any property of
the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from asyncshift import facts as f
from asyncshift.resolution.escapes import Escapes, only_looks
from asyncshift.resolution.outside import is_stdlib
from asyncshift.resolution.sites import Sites
from asyncshift.resolution.values import BRIDGE

_DEPTH = 3
_OPEN = "what is read of it by a name, or where it raises AttributeError, goes through `{}`"


def read_unseen(sites: Sites, escapes: Escapes) -> Mapping[int, str]:
    """Property getter -> why code that is not in sight may read it."""
    solver = sites.solver
    getters = [
        fn
        for fn in solver.functions
        if fn.number == fn.origin and fn.cls >= 0 and fn.facts.flags & f.PROPERTY
    ]
    if not getters:
        return {}
    names = sites.receivers.unresolved_names
    stored = {op[2] for op in solver.sited[f.STORE] if op[1] > 0 and not solver.held[op[1]]}
    exposed = _Exposed(sites, escapes).classes
    found = {}
    for fn in getters:
        name = fn.facts.name.rpartition(".")[2]
        classes = solver.hierarchy.classes[fn.cls]
        hidden = [g for g in ("__getattr__", "__getattribute__") if _defines(sites, fn.cls, g)]
        handed = [exposed[cls] for cls in (fn.cls, *classes.descendants) if cls in exposed]
        if hidden:
            found[fn.number] = _OPEN.format(hidden[0])
        elif handed:
            found[fn.number] = f"{handed[0]} gets such objects, and may read it"
        elif name in stored and any(d.endswith("cached_property") for d, _ in fn.facts.decorators):
            found[fn.number] = f"`.{name}` is set on objects that are not known"
        elif name in names:
            found[fn.number] = f"`.{name}` is read of objects that are not known"
    return found


def _is_clean(dotted: str) -> bool:
    """The standard library reads no attributes, nor does the generated bridge module."""
    top = dotted.partition(".")[0]
    return top == BRIDGE or (is_stdlib(dotted) and top != "inspect")


def _defines(sites: Sites, cls: int, name: str) -> bool:
    hierarchy = sites.solver.hierarchy
    one = hierarchy.classes[cls]
    return any(
        hierarchy.definer(hierarchy.classes[c].mro, name) is not None
        for c in (cls, *one.descendants)
    )


class _Exposed:
    """The classes whose instances foreign code may get: each with who gets them."""

    def __init__(self, sites: Sites, escapes: Escapes) -> None:
        self._sites, self._solver = sites, sites.solver
        self.classes: dict[int, str] = {}
        self._exposed: set[tuple[Any, ...]] = set()
        self._todo: list[int] = []
        for node, to in self._handed():
            self._give(node, to)
        for cls in sorted(escapes.classes):
            self._expose(cls, "code out of sight")
        for number in sorted(escapes.functions):
            self._give_results(number, f"what calls {self._solver.functions[number].facts.name}")
        self._spread()

    def _handed(self) -> Iterator[tuple[int, str]]:
        """(node, who) of everything that foreign code is handed."""
        sited = self._solver.sited
        for op in sited[f.CALL]:
            if op[5] < 0 or not (op[3] or op[4]):
                continue
            _, protocol, _, label, _ = self._solver.sites[op[5]]
            if protocol == "call":
                nodes = [a if a >= -1 else ~a for a in op[3]] + [n for _, n in op[4]]
                if self._is_foreign(op[2]) and not only_looks(label):
                    yield from ((node, label) for node in nodes)
        for op in chain(sited[f.STORE], sited[f.SETSUB]):
            if op[4] >= 0 and self._is_foreign(op[1]):
                yield op[3], self._solver.sites[op[4]][3]

    def _is_foreign(self, node: int) -> bool:
        """Nothing is known of what is there, or it belongs to a library of somebody else."""
        kinds = self._solver.sees(node)
        return not kinds or any(
            kind[0] in ("lib", "member", "result")
            or (kind[0] in ("ext", "foreign") and not _is_clean(kind[1]))
            for kind in kinds
        )

    def _give(self, node: int, to: str, depth: int = 0) -> None:
        if node <= 0 or depth > _DEPTH:
            return
        for kind in self._solver.sees(node):
            match kind[0]:
                case "inst" | "self":
                    self._expose_kind(kind, to)
                case "box":
                    self._give(kind[1] + 1, to, depth + 1)
                case "fun" | "bound" | "gen":
                    self._give_results(kind[1], to, depth + 1)

    def _give_results(self, number: int, to: str, depth: int = 0) -> None:
        fn = self._solver.functions[number]
        for inner in (fn.facts.returned, fn.facts.yielded):
            if inner > 0:
                self._give(fn.at(inner), to, depth)

    def _expose_kind(self, kind: tuple[Any, ...], to: str) -> None:
        if kind in self._exposed:
            return
        self._exposed.add(kind)
        below: Iterable[int] = ()
        if kind[0] == "self":
            below = self._solver.hierarchy.classes[kind[1]].descendants
        for cls in (kind[1], *below):
            self._expose(cls, to)

    def _expose(self, cls: int, to: str) -> None:
        classes = self._solver.hierarchy.classes
        for one in (cls, *(base for base in classes[cls].mro if isinstance(base, int))):
            if one not in self.classes:
                self.classes[one] = to
                self._todo.append(one)

    def _spread(self) -> None:
        """On to what the objects hold, and what their methods give."""
        if not self._todo:
            return
        held: dict[int, list[int]] = {}
        for (cls, _), node in self._solver.stored():
            held.setdefault(cls, []).append(node)
        methods: dict[int, list[int]] = {}
        for fn in self._solver.functions:
            if fn.number == fn.origin and fn.cls >= 0:
                methods.setdefault(fn.cls, []).append(fn.number)
        while self._todo:
            cls = self._todo.pop()
            to = self.classes[cls]
            for node in held.get(cls, ()):
                self._give(node, to)
            for number in methods.get(cls, ()):
                self._give_results(number, to)


__all__ = ["read_unseen"]
