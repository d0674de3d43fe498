"""Calls that are not resolved, and the places behind them that hold what nobody could see.

A call counts when its last name is that of a function or a class of the project and nothing tells
what it reaches.  From its receiver the flow is followed backwards, through everything that holds
nothing, to named places: variables of modules, attributes, parameters, what functions give.  A hint
for one of them (`hints.py`) may resolve the call.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asyncshift import facts as f
from asyncshift.facts import Op
from asyncshift.model import FunctionId, Unresolved
from asyncshift.resolution.by_name import BUILTIN_NAMES
from asyncshift.resolution.escapes import LITERAL
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.flow import Fn
from asyncshift.resolution.foreign import Foreign
from asyncshift.resolution.members import HARMLESS_BASES
from asyncshift.resolution.sites import Sites

_FAR = 400
"""So many nodes are looked at behind one call, and in front of one place."""
_ITSELF = frozenset({"class", "subclass", "partial"})
_FOREIGN = frozenset({"ext", "boxed", "drive", "foreign", "gen", "manager", "lib", "result"})
_MAKING = frozenset({f.LOAD, f.CALL, f.SUB, f.ITER, f.WITH})


class Known:
    """Tells for one call how its target is known."""

    def __init__(self, sites: Sites, unsure: set[int]) -> None:
        self._sites = sites
        self._unsure = unsure
        self._solver = sites.solver
        self._foreign = Foreign(sites.solver)
        self._into: dict[int, list[int]] = {}

    def kind(self, op: Op, site: int) -> str:
        """`project`, `library` (of a table), `foreign`, `constant`; or `by name`, `unknown`."""
        found = self._sites.found.get((site, "call", ""))
        if found is not None and not found.unknown:
            inside = any(function is not None for function, _ in found.targets)
            return "project" if inside else "library"
        kinds = {kind[0] for kind in self._solver.sees(op[2])}
        if kinds & _ITSELF:
            return "project"
        if kinds & _FOREIGN:
            return "foreign"
        receiver = self._sites.receiver(op[2])
        if receiver is not None and self._outside(*receiver):
            return "foreign"
        label = self._sites.facts_of(site)[1][3]
        if LITERAL.match(label) or (receiver is not None and self._constant(receiver[0])):
            return "constant"
        return "unknown" if found is None else "by name"

    def _constant(self, node: int) -> bool:
        """Nothing but literals and what is made of them can be there."""
        return node < 0 or (
            node > 0 and self._solver.held[node] is None and node not in self._unsure
        )

    def _outside(self, node: int, attr: str) -> bool:
        """Whatever is there, the attribute is another library's."""
        if self._foreign.only(node) or self._of_table(node):
            return True
        kinds = self._solver.sees(node)
        return bool(kinds) and all(self._is_outside(kind, attr) for kind in kinds)

    def _of_table(self, node: int) -> bool:
        """Nothing is there but what comes out of a library call that a table knows."""
        if node <= 0 or self._solver.held[node] is not None:
            return False
        if not self._into:
            self._into = sources(self._solver)
        seen, todo, found = {node}, [node], False
        for current in todo:
            if current in self._solver.unknown:
                return False
            kinds = self._solver.sees(current)
            if kinds:
                found = True
                if any(kind[0] not in ("result", "member") for kind in kinds):
                    return False
                continue
            behind = self._into.get(current, ())
            if not behind and current in self._unsure:
                return False
            for source in behind:
                if source not in seen:
                    seen.add(source)
                    todo.append(source)
            if len(seen) > _FAR:
                return False
        return found

    def _is_outside(self, kind: tuple[Any, ...], attr: str) -> bool:
        match kind[0]:
            case "member" | "result" | "lib" | "foreign" | "ext" | "box" | "gen" | "namespace":
                return True
            case "super":
                return self._inherited(f"super{kind[2]}", kind[1], attr)
            case "inst" | "self" | "class" | "subclass":
                return self._inherited(kind[0], kind[1], attr)
        return False

    def _inherited(self, mode: str, cls: int, attr: str) -> bool:
        """No class of the project has the attribute, and a base outside may."""
        solver = self._solver
        if solver.definers(mode, cls, attr) or has_unseen_base(solver, cls):
            return False
        if not mode.startswith("super"):
            if solver.definers(mode, cls, "__getattr__") or solver.is_stored(mode, cls, attr):
                return False
        elif not _is_dunder(attr) and solver.definers("self", cls, "__getattr__"):
            return False
        mro = solver.hierarchy.classes[cls].mro
        return any(isinstance(base, str) and base not in HARMLESS_BASES for base in mro) or (
            _is_dunder(attr)
        )


def sources(solver: Solver) -> dict[int, list[int]]:
    """Node -> the nodes that its values come from, by a copy or out of what they hold."""
    found: dict[int, list[int]] = {}
    for node, uses in enumerate(solver.uses):
        for entry in uses or ():
            if entry.__class__ is int:
                found.setdefault(entry, []).append(node)
            elif entry[0] in _MAKING and entry[1] > 0:
                found.setdefault(entry[1], []).append(node)
    return found


def has_unseen_base(solver: Solver, cls: int) -> bool:
    """A class in the order of this one has a base that is computed."""
    classes = solver.hierarchy.classes
    return any(isinstance(base, int) and classes[base].unseen for base in classes[cls].mro)


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


class Places:
    """Names of nodes, and what flows into each."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._solver = sites.solver
        self.names: dict[int, str] = {}
        self._into: dict[int, list[int]] = {}
        self._made: dict[int, list[Op]] = {}
        self._taken: dict[str, list[int]] = {}
        """`place[]` -> nodes of what is taken out of it."""
        self._nodes_of: dict[str, list[int]] = {}
        self._lacking: dict[str, set[str]] = {}
        """Class -> attributes that are read of its instances and that it does not define."""
        self._name_all()
        self._reverse()

    def behind(self, node: int) -> Iterator[str]:
        """The named places without a value that a node depends on, nearest first."""
        seen, todo = {node}, [node] if node > 0 else []
        for current in todo:
            name = self.names.get(current)
            if name is not None:
                yield name
            for source in self._sources(current):
                if source not in seen and len(seen) < _FAR:
                    seen.add(source)
                    todo.append(source)
            for op in self._made.get(current, ()):
                if self._solver.held[op[2]] is None:
                    continue
                if op[0] == f.LOAD:
                    yield from self._proxies(op)
                holder = self._holder(op[2]) if op[0] in (f.SUB, f.ITER) else None
                if holder is not None:
                    self._taken.setdefault(f"{holder}[]", []).append(op[1])
                    yield f"{holder}[]"

    def read(self, place: str) -> set[str]:
        """The attributes that are read of what is in a place, wherever it is handed on."""
        if place in self._lacking:
            return self._lacking[place]
        if not self._nodes_of:
            for node, name in self.names.items():
                self._nodes_of.setdefault(name, []).append(node)
        todo = [*self._nodes_of.get(place, ()), *self._taken.get(place, ())]
        seen, attrs = set(todo), set()
        for current in todo:
            for entry in self._solver.uses[current] or ():
                if entry.__class__ is not int:
                    if entry[0] == f.LOAD and not entry[3].startswith("__"):
                        attrs.add(entry[3])
                elif entry not in seen and len(seen) < _FAR:
                    seen.add(entry)
                    todo.append(entry)
        return attrs

    def _proxies(self, op: Op) -> Iterator[str]:
        """Classes that may have an attribute without defining it: a base is computed, or
        `__getattr__` answers."""
        for kind in self._solver.sees(op[2]):
            if kind[0] not in ("inst", "self", "super"):
                continue
            classes = self._solver.hierarchy.classes
            for base in classes[kind[1]].mro:
                if isinstance(base, str) or not self._is_named(base):
                    continue
                if classes[base].unseen or "__getattr__" in classes[base].attrs:
                    name = self.cls(base)
                    self._lacking.setdefault(name, set()).add(op[3])
                    yield name
                    break

    # ------------------------------------------------------------------ backwards

    def _sources(self, node: int) -> Iterator[int]:
        """What holds nothing and is all that a node's values could come from."""
        held = self._solver.held
        for source in self._into.get(node, ()):
            if held[source] is None:
                yield source
        for op in self._made.get(node, ()):
            if held[op[2]] is None:
                yield op[2]

    def _holder(self, node: int) -> str | None:
        """The name of a node that holds something: its own, or that of the place it comes from."""
        seen, todo = {node}, [node]
        found = None
        for current in todo:
            found = self.names.get(current, found)
            for source in self._into.get(current, ()):
                known = self._solver.held[source] is not None and len(seen) < _FAR
                if source not in seen and known:
                    seen.add(source)
                    todo.append(source)
        return found

    def _reverse(self) -> None:
        for node, uses in enumerate(self._solver.uses):
            for entry in uses or ():
                if entry.__class__ is int:
                    self._into.setdefault(entry, []).append(node)
                elif entry[0] in _MAKING and entry[1] > 0:
                    self._made.setdefault(entry[1], []).append(entry)

    # ------------------------------------------------------------------ names

    def _name_all(self) -> None:
        solver = self._solver
        imported = {op[1] for op in solver.sited[f.IMP]}
        for unit, file in enumerate(solver.files):
            for name, number in file.names.items():
                node = solver.unit_nodes[unit] + number
                if node not in imported:
                    self.names[node] = f"{file.module}.{name}"
        for one in solver.hierarchy.classes:
            for attr, node in one.attrs.items():
                self.names[node] = f"{self.cls(one.number)}.{attr}"
        for (cls, attr), node in solver.stored():
            self.names[node] = f"{self.cls(cls)}.{attr}"
        for fn in solver.functions:
            if fn.number == fn.origin and fn.facts.kind == "function" and self._reachable(fn):
                name = f"{solver.files[fn.unit].module}.{fn.facts.name}"
                given = fn.facts.yielded if fn.facts.flags & f.GENERATOR else fn.facts.returned
                self.names[fn.at(given)] = f"{name}()"
                skipped = 1 if fn.cls >= 0 and not fn.facts.flags & f.STATICMETHOD else 0
                for parameter, node in (*fn.params[skipped:], *fn.kwonly):
                    self.names[node] = f"{name}({parameter})"

    def _reachable(self, fn: Fn) -> bool:
        """A function of a module or a class, not one inside a function."""
        parent = fn.facts.parent
        while parent > 0:
            above = self._solver.functions[self._solver.unit_functions[fn.unit] + parent].facts
            if above.kind != "class":
                return False
            parent = above.parent
        return True

    def _is_named(self, cls: int) -> bool:
        one = self._solver.hierarchy.classes[cls]
        holder = self._solver.functions[self._solver.unit_functions[one.unit] + one.facts.function]
        return self._reachable(holder)

    def cls(self, number: int) -> str:
        """The dotted name of a class."""
        solver = self._solver
        one = solver.hierarchy.classes[number]
        name = solver.functions[solver.unit_functions[one.unit] + one.facts.function].facts.name
        return f"{solver.files[one.unit].module}.{name}"


class Candidates:
    """Which class the project has for what is read of a place."""

    def __init__(self, sites: Sites, places: Places) -> None:
        self._solver = sites.solver
        self._places = places
        self._having: dict[str, set[int]] = {}
        """Attribute -> classes whose instances have it."""
        self._below: dict[str, set[int]] = {}
        """Attribute -> those, and the classes above them."""
        self._found: dict[str, str] = {}
        self._collect()

    def of(self, place: str) -> str:
        """The class, by its dotted name, that has all that is read there; empty without one.  Of
        several it is the one that the others derive from."""
        found = self._found.get(place)
        if found is None:
            found = self._found[place] = self._of(place)
        return found

    def _of(self, place: str) -> str:
        attrs = self._places.read(place)
        if not attrs:
            return ""
        classes = self._solver.hierarchy.classes
        for having in (self._having, self._below):
            fitting = set.intersection(*(having.get(attr, set()) for attr in attrs))
            tops = [n for n in fitting if not any(b in fitting for b in classes[n].mro[1:])]
            if fitting:
                return self._places.cls(tops[0]) if len(tops) == 1 else ""
        return ""

    def _collect(self) -> None:
        solver = self._solver
        stored = solver.stored_names()
        for one in solver.hierarchy.classes:
            names = {*one.attrs, *(name for name, _ in one.facts.fields)}
            names |= stored.get(one.number, set())
            above = [base for base in one.mro if isinstance(base, int)]
            for name in names:
                self._having.setdefault(name, set()).update((one.number, *one.descendants))
                self._below.setdefault(name, set()).update((*above, *one.descendants))


class OpenCalls:
    """Collects the calls that are not resolved."""

    def __init__(self, sites: Sites, ids: list[FunctionId], unsure: set[int]) -> None:
        self._sites = sites
        self._solver = sites.solver
        self._ids = ids
        self._known = Known(sites, unsure)
        self._names = self._project_names()

    def collect(self) -> tuple[Unresolved, ...]:
        """All of them, by place."""
        places = Places(self._sites)
        behind = {
            site: tuple(dict.fromkeys(name for op in ops for name in places.behind(op[2])))
            for site, ops in sorted(self._sites.calls.items())
            if self._is_open(site, ops)
        }
        candidates = Candidates(self._sites, places)  # once it is known what is read of each place
        found = []
        for site, names in behind.items():
            unit, (span, _, owner, label, _) = self._sites.facts_of(site)
            hints = [(name, cls) for name in names if (cls := candidates.of(name))]
            if not hints and label.rpartition(".")[2] in BUILTIN_NAMES:
                continue  # `text.lower()`: a guess at best
            found.append(
                Unresolved(
                    path=self._solver.files[unit].path,
                    span=span,
                    caller=self._ids[self._solver.unit_functions[unit] + owner],
                    text=label,
                    hints=tuple(hints),
                )
            )
        return tuple(found)

    def _is_open(self, site: int, ops: list[Op]) -> bool:
        label = self._sites.facts_of(site)[1][3]
        return label.rpartition(".")[2] in self._names and all(
            self._known.kind(op, site) in ("unknown", "by name") for op in ops
        )

    def _project_names(self) -> set[str]:
        names = set()
        for fn in self._solver.functions:
            if fn.facts.kind in ("function", "class"):
                names.add(fn.facts.name.rpartition(".")[2])
        return names
