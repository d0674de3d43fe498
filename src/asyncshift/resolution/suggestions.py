"""What an annotation says where the code says otherwise.

An annotation that names a project class is wrong if some code that its value reaches reads an
attribute which neither the class nor a subclass has, and at that place an instance of something
else really arrives (`session: Session` that names the wrong `Session`, with a `requests.Session`
and its `headers`).  Several classes in one annotation, `isinstance`, `hasattr` and the like tell
instances apart, and then none is wrong; nor is a class that may have attributes which nobody sees.

Nothing can be taken back from a solved graph, so it is solved once more without what was wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncshift import facts as f

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
        self._attributes: dict[int, frozenset[str] | None] = {}
        self._stored: dict[int, set[str]] = {}
        self.open_nodes: list[int] = []
        """What `setattr` and `vars` are called with: instances there can have any attribute."""

    def add(self, target: int, cls: int) -> None:
        """An annotation says that `target` holds instances of a class."""
        self._given.setdefault(target, {})[cls] = None

    def wrong(self) -> frozenset[tuple[int, int]]:
        """(node, class) of what the code contradicts."""
        opened = {
            kind[1]
            for node in self.open_nodes
            for kind in self._solver.sees(node)
            if kind[0] in ("inst", "self")
        }
        opened.update(cls for _, cls, attr in self._solver.lookups if attr == "__dict__")
        self._stored = self._solver.stored_names()
        files = self._solver.unit_nodes[-1] + self._solver.files[-1].nodes if self._given else 0
        return frozenset(
            (target, cls)
            for target, classes in self._given.items()
            for cls in classes
            # Copies of decorators have other numbers in the next run.
            if len(classes) == 1 and target <= files and self._impossible(target, cls, opened)
        )

    def _impossible(self, target: int, cls: int, opened: set[int]) -> bool:
        solver = self._solver
        seen, todo, wrong = {target}, [target], False
        while todo:
            node = todo.pop()
            for entry in solver.uses[node] or ():
                if isinstance(entry, int):
                    if entry not in seen and len(seen) < _FAR:
                        seen.add(entry)
                        todo.append(entry)
                elif entry[0] == f.KIND and entry[3] == "tested":
                    return False
                elif entry[0] == f.LOAD and not wrong and solver.held[node] is not None:
                    wrong = self._lacks(cls, entry[3], opened) and self._other(node, cls)
        return wrong

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
