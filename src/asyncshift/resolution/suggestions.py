"""What an annotation says where the code says otherwise.

An annotation that names a project class is wrong if some code that its value reaches reads an
attribute which neither the class nor a subclass has, and at that place an instance of something
else really arrives (`session: Session` that names the wrong `Session`, with a `requests.Session`
and its `headers`).  Several classes in one annotation, `isinstance`, `hasattr` and the like tell
instances apart, and then none is wrong; nor is a class that may have attributes which nobody sees.

Nothing can be taken back from a solved graph, so an annotation that looks wrong where it stands (in
its function, and through attributes of `self` in its class) is held back until all else is solved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncshift import facts as f
from asyncshift.facts import Op

if TYPE_CHECKING:
    from asyncshift.resolution.calls import Calls

_FAR = 48
"""So many nodes are looked at for one annotation."""
_CLOSED_BASES = frozenset(
    {"builtins.object", "abc.ABC", "typing.Protocol", "typing.Generic",
     "typing_extensions.Protocol"}
)  # fmt: skip
_OPEN_NAMES = ("__getattr__", "__getattribute__")
_INSTANCES = frozenset({"inst", "lib", "foreign"})


class Suggestions:
    """Collects what annotations suggest; once all is solved, tells what cannot be meant."""

    def __init__(self, solver: Calls) -> None:
        self._solver = solver
        self._given: dict[int, dict[int, None]] = {}
        """Node -> classes that an annotation suggests there."""
        self._late: dict[tuple[int, int], list[tuple[int, str]]] = {}
        """(node, class) of what is held back -> (place, attribute) of what makes it look wrong."""
        self.refused: set[int] = set()
        """Nodes with an annotation that is wrong."""
        self._attributes: dict[int, frozenset[str] | None] = {}
        self._stored: dict[int, set[str]] = {}
        self.open_nodes: list[int] = []
        """What `setattr` and `vars` are called with: instances there can have any attribute."""
        self._own_stores: dict[int, list[tuple[int, str]]] | None = None
        """Node -> (class, attribute) that its values are stored as, on `self`."""
        self._own_loads: dict[tuple[int, str], list[int]] = {}
        """(class, attribute) -> nodes of `self.attribute`."""

    def holds_back(self, target: int, cls: int) -> bool:
        """An annotation says that `target` holds instances of a class, and it looks wrong."""
        classes = self._given.setdefault(target, {})
        classes[cls] = None
        if len(classes) > 1:
            return False
        reads = self._odd_reads(target, cls)
        if reads:
            self._late[target, cls] = reads
        return bool(reads)

    def release(self) -> list[tuple[int, int]]:
        """(node, class) of what was held back and may be right after all."""
        late, self._late = self._late, {}
        if not late:
            return []
        solver = self._solver
        opened = {
            kind[1]
            for node in self.open_nodes
            for kind in solver.sees(node)
            if kind[0] in ("inst", "self")
        }
        opened.update(cls for _, cls, attr in solver.lookups if attr == "__dict__")
        self._stored = solver.stored_names()
        self._attributes = {}
        right = [
            (target, cls)
            for (target, cls), reads in late.items()
            if len(self._given[target]) > 1
            or not any(
                self._lacks(cls, attr, opened) and self._other(node, cls) for node, attr in reads
            )
        ]
        self.refused = {target for target, _ in late.keys() - set(right)}
        return right

    # ------------------------------------------------------------------ what is read

    def _odd_reads(self, target: int, cls: int) -> list[tuple[int, str]]:
        """(place, attribute) of what the class is not seen to have; none if it is told apart."""
        self._index()
        reads = []
        for node, entry in self._reached(target):
            if entry[0] == f.KIND and entry[3] == "tested":
                return []
            if entry[0] == f.LOAD and self._lacks(cls, entry[3], set()):
                reads.append((node, entry[3]))
        return reads

    def _reached(self, target: int) -> Iterator[tuple[int, Op]]:
        """(node, operation) of what a value reaches in its function and class."""
        assert self._own_stores is not None
        seen, todo = {target}, [target]
        while todo and len(seen) < _FAR:
            node = todo.pop()
            further = [
                load
                for key in self._own_stores.get(node, ())
                for load in self._own_loads.get(key, ())
            ]
            for entry in self._solver.uses[node] or ():
                if isinstance(entry, int):
                    further.append(entry)
                else:
                    yield node, entry
            for other in further:
                if other not in seen:
                    seen.add(other)
                    todo.append(other)

    def _index(self) -> None:
        """Stores and loads of attributes on the first parameters of methods."""
        if self._own_stores is not None:
            return
        self._own_stores = {}
        for fn in self._solver.functions:
            if fn.cls < 0 or not fn.params:
                continue
            for entry in self._solver.uses[fn.params[0][1]] or ():
                if isinstance(entry, int):
                    continue
                if entry[0] == f.STORE:
                    self._own_stores.setdefault(entry[3], []).append((fn.cls, entry[2]))
                    self._stored.setdefault(fn.cls, set()).add(entry[2])
                elif entry[0] == f.LOAD:
                    self._own_loads.setdefault((fn.cls, entry[3]), []).append(entry[1])

    def _other(self, node: int, cls: int) -> bool:
        """An instance of something else than the class arrives at a node."""
        related = {cls, *self._solver.hierarchy.classes[cls].descendants}
        return any(
            kind[0] in _INSTANCES and not (kind[0] == "inst" and kind[1] in related)
            for kind in self._solver.sees(node)
        )

    def _lacks(self, cls: int, attr: str, opened: set[int]) -> bool:
        if attr.startswith("__"):
            return False
        if cls not in self._attributes:
            self._attributes[cls] = self._all_attributes(cls, opened)
        known = self._attributes[cls]
        return known is not None and attr not in known

    def _all_attributes(self, cls: int, opened: set[int]) -> frozenset[str] | None:
        """Every attribute of a class and its subclasses; None unless all can be seen."""
        classes = self._solver.hierarchy.classes
        related = {
            base
            for one in (cls, *classes[cls].descendants)
            for base in (one, *classes[one].mro)
            if base not in _CLOSED_BASES
        }
        names: set[str] = set()
        for base in related:
            if isinstance(base, str) or base in opened:
                return None
            one = classes[base]
            if any(name in one.attrs for name in _OPEN_NAMES) or not all(
                text.rpartition(".")[2] == "dataclass" for text in one.facts.decorators
            ):
                return None
            names.update(one.attrs)
            names.update(name for name, _ in one.facts.fields)
            names.update(self._stored.get(base, ()))
        return frozenset(names)
