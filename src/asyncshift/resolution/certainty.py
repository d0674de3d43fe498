"""Which values can come from where nobody looked: what makes an edge *likely* instead of *certain*.

The files that are read are the world.  A parameter holds what its function is called with, and that
is all there is if the function is *closed*: it is called somewhere in the tree; no foreign code
was handed it; no text and no computed name means it; no call on an unknown receiver has its name;
no outside base class may call it.  An annotation that names a class of the project, and that
nothing contradicts, bounds what it stands at: the class or a subclass.  An attribute holds what is
stored on it, unless its name is stored on an unknown receiver or the object is opened to `setattr`,
`vars` and the like.  A container holds what was put into it, unless foreign code was handed it.

What is unsure spreads with the values: along copies, through attributes, calls and elements.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from asyncshift import facts as f
from asyncshift.resolution.escapes import Escapes
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.members import HARMLESS_BASES
from asyncshift.resolution.sites import Sites
from asyncshift.resolution.surplus import surplus, wide_nodes
from asyncshift.resolution.values import BOX, GEN

_CLOSED_DUNDERS = frozenset(
    {"__init__", "__call__", "__enter__", "__exit__", "__aenter__", "__aexit__"}
)
"""Dunders whose every call is a site; the others run where nothing is written."""
_HARMLESS_DICTS = frozenset(
    {"__getstate__", "__setstate__", "__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__",
     "__repr__", "__str__", "__eq__", "__ne__", "__hash__", "__dir__"}
)  # fmt: skip
_GIVING_NOTHING = frozenset({f.STORE, f.SETSUB, f.SEED})
"""Stores; nor does a type that is not known make a value less sure."""
_KNOWN = frozenset({"class", "subclass"})


def unsure_nodes(sites: Sites, escapes: Escapes, named: Iterable[int]) -> set[int]:
    """Nodes that something unseen can reach; `named` are functions that a text or a computed name
    means."""
    solver = sites.solver
    declared = declared_nodes(solver)
    unsure = {node for node in solver.unknown if node > 0}
    unsure.update(solver.saturated)
    unsure.update(_open_parameters(sites, escapes, set(named)))
    unsure.update(_open_attributes(solver))
    unsure.update(node for box in escapes.boxes for node in (box, box + 1))
    unsure.update(_from_unknown(solver))
    for number in solver.lookups.values():
        if solver.held[number] is None:
            unsure.add(number)
    unsure -= declared
    unsure.discard(-1)
    _spread(solver, unsure, declared)
    wide = wide_nodes(sites)
    _spread(solver, wide, declared)
    unsure.update(surplus(sites, wide, declared))
    return unsure


def _spread(solver: Solver, nodes: set[int], declared: set[int]) -> None:
    """Add all that these nodes flow to."""
    todo = sorted(nodes)
    while todo:
        for entry in solver.uses[todo.pop()] or ():
            if entry.__class__ is int:
                target = entry
            elif entry[0] in _GIVING_NOTHING:
                continue
            else:
                target = entry[1]
            if target > 0 and target not in nodes and target not in declared:
                nodes.add(target)
                todo.append(target)


def _from_unknown(solver: Solver) -> Iterator[int]:
    """Where what an operation gives may be something else, whatever its source is."""
    held, sees = solver.held, solver.sees
    for op in solver.sited[f.CALL]:
        if op[2] <= 0 or not held[op[2]]:
            yield op[1]
    for op in solver.sited[f.SUB]:
        kinds = sees(op[2])
        if not kinds or any(kind[0] != BOX for kind in kinds):
            yield op[1]
    for op in solver.sited[f.ITER]:
        kinds = sees(op[2])
        if not kinds or any(kind[0] not in (GEN, BOX, "inst", "self") for kind in kinds):
            yield op[1]


def declared_nodes(solver: Solver) -> set[int]:
    """Places whose annotation names classes of the project, and nothing that is not known."""
    known: set[int] = set()
    open_types: set[int] = set(solver.suggestions.refused)
    for op in solver.sited[f.SEED]:
        kinds = solver.sees(op[2])
        if op[3] < 0 or solver.sites[op[3]][1] != "annotation" or not kinds:
            open_types.add(op[1])  # `isinstance` says nothing of the rest of the function
        elif any(kind[0] in _KNOWN for kind in kinds):
            known.add(op[1])
    return known - open_types


# ----------------------------------------------------------------------------- parameters


def _open_parameters(sites: Sites, escapes: Escapes, named: set[int]) -> Iterable[int]:
    """The parameters of functions whose callers are not all known."""
    solver = sites.solver
    called = {
        function
        for found in sites.found.values()
        if not found.unknown
        for function, _ in found.targets
        if function is not None
    }
    unresolved = sites.receivers.unresolved_names
    foreign = _with_foreign_base(solver)
    for number, nodes in solver.parameters:
        fn = solver.functions[number]
        origin = fn.origin
        name = fn.facts.name.rpartition(".")[2]
        if (
            origin not in called
            or origin in escapes.functions
            or origin in named
            or name in unresolved
            or (name[:2] == "__" == name[-2:] and name not in _CLOSED_DUNDERS)
            or (fn.cls >= 0 and (fn.cls in foreign or fn.cls in escapes.classes))
        ):
            yield from nodes


def _with_foreign_base(solver: Solver) -> set[int]:
    """Classes with a base that may call methods which it does not define."""
    return {
        one.number
        for one in solver.hierarchy.classes
        if any(isinstance(base, str) and base not in HARMLESS_BASES for base in one.mro)
    }


# ----------------------------------------------------------------------------- attributes


def _open_attributes(solver: Solver) -> Iterable[int]:
    """Attributes that may be set from where nobody sees on what."""
    names = {op[2] for op in solver.sited[f.STORE] if op[1] > 0 and not solver.held[op[1]]}
    opened = _opened(solver)
    for (cls, attr), node in solver.stored():
        if attr in names or cls in opened:
            yield node


def _opened(solver: Solver) -> set[int]:
    """Classes whose instances get attributes by computed names.  Who pickles and copies, and who
    only shows or compares, puts back what was there."""
    nodes = list(solver.suggestions.open_nodes)
    for mark in solver.attributes:
        if mark[2] == "__dict__":
            unit = bisect_right(solver.unit_sites, mark[4]) - 1
            owner = solver.files[unit].functions[solver.sites[mark[4]][2]]
            if owner.name.rpartition(".")[2] not in _HARMLESS_DICTS:
                nodes.append(mark[1])
    classes = solver.hierarchy.classes
    opened: set[int] = set()
    for kind in {kind for node in nodes for kind in solver.sees(node)}:
        if kind[0] in ("inst", "self"):
            below = classes[kind[1]].descendants if kind[0] == "self" else ()
            for cls in (kind[1], *below):
                opened.update(base for base in classes[cls].mro if isinstance(base, int))
    return opened
