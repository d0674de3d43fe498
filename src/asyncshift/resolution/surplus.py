"""Which values lead to too many functions: what makes an edge *likely*, though nothing is missed.

A variable that is given different values one after the other holds all of them everywhere; a method
that gives its own `self` gives any subclass of its class, also where objects of one subclass are
given besides; `self` is none of a subclass that has the method itself and never calls it by
`super`; a constant key means one element, not all.  Where such a value leads to several functions,
each edge is one that may never run.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Container, Iterable

from asyncshift import facts as f
from asyncshift.facts import FileFacts, Op
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.flow import Fn
from asyncshift.resolution.found import Found
from asyncshift.resolution.sites import Sites
from asyncshift.resolution.values import BOUND, CLASS, FUN, INST, SELF, SUBCLASS

_CONSTANT_KEY = re.compile(r"\[(?:\w+\.)*[A-Z][A-Z0-9_]*\]$")
_OBJECTS = frozenset({INST, SELF, CLASS, SUBCLASS})


def wide_nodes(sites: Sites) -> set[int]:
    """Nodes that get more values than they can have."""
    solver = sites.solver
    wide = set(_rebound(solver))
    wide.update(op[1] for op in solver.sited[f.SUB] if _one_of_many(solver, op))
    wide.update(op[1] for op in solver.sited[f.CALL] if _gives_any_self(sites, op[2]))
    return wide


def surplus(sites: Sites, wide: set[int], declared: set[int]) -> Iterable[int]:
    """What is called where several functions are found and not all of them can run; `wide` is all
    that the nodes above flow to, `declared` is bounded by annotations."""
    for (site, _, _), found in sites.found.items():
        if len(found.targets) > 1:
            yield from wide.intersection(found.nodes)
            yield from _any_and_one(sites, (site, found), declared)
    yield from _overridden(sites)


def _one_of_many(solver: Solver, op: Op) -> bool:
    """`TABLE[KEY]` with a constant by its name is one element, and which of them is not known."""
    return op[3] is None and op[4] >= 0 and bool(_CONSTANT_KEY.search(solver.sites[op[4]][3]))


def _gives_any_self(sites: Sites, callee: int) -> bool:
    """A method that gives `self` gives what it was called on, and no other subclass."""
    receiver = sites.receiver(callee)
    if receiver is None:
        return False
    solver = sites.solver
    for kind in solver.sees(callee):
        if kind[0] != BOUND:
            continue
        fn = solver.functions[kind[1]]
        if (SELF, fn.cls) not in solver.sees(fn.at(fn.facts.returned)):
            continue
        for on in solver.sees(receiver[0]):
            exact = on[0] in (INST, CLASS) and bool(solver.hierarchy.classes[on[1]].descendants)
            if exact or on[0] == "super" or (on[0] in _OBJECTS and on[1] != fn.cls):
                return True
    return False


def _rebound(solver: Solver) -> Iterable[int]:
    """Variables that hold different values one after the other, and are read in between."""
    found: dict[int, set[int]] = {}
    for variable, source in solver.rebound:
        held = solver.held[variable]
        if held is None or len(held) < 2:
            continue
        given = _meant(solver, source)
        if given and given != _meant(solver, variable):
            unit = bisect_left(solver.unit_nodes, variable) - 1
            found.setdefault(unit, set()).add(variable)
    for unit, variables in found.items():
        base, file = solver.unit_nodes[unit], solver.files[unit]
        written = {variable - base for variable in variables if variable - base <= file.nodes}
        late = written - _read_early(file, written)
        yield from (variable for variable in variables if variable - base not in late)


def _read_early(file: FileFacts, variables: set[int]) -> set[int]:
    """Variables that are read before they are given the last of their values."""
    read: set[int] = set()
    early: set[int] = set()
    for op in file.ops:
        if op[0] == f.COPY:
            if op[1] in read:
                early.add(op[1])
            if op[2] in variables:
                read.add(op[2])
        elif op[0] == f.CALL:
            arguments = [a if a >= f.CONSTANT else ~a for a in op[3]]
            read.update(variables.intersection((op[2], *arguments, *(n for _, n in op[4]))))
        else:
            read.update(variables.intersection(op[1:]))
    return early


def _overridden(sites: Sites) -> Iterable[int]:
    """`self.f` in a method that a class with another `f` overrides, and never calls."""
    solver = sites.solver
    doubtful: list[tuple[int, Fn, int]] = []
    for (site, _, _), found in sites.found.items():
        if len(found.targets) < 2 or (method := _method(sites, site)) is None:
            continue
        for node in found.nodes:
            receiver = sites.receiver(node)
            if receiver is None or receiver[0] != method.params[0][1]:
                continue
            if solver.sees(receiver[0]) == ((SELF, method.cls),):
                doubtful += [
                    (node, method, target)
                    for target, _ in found.targets
                    if target is not None and not _runs(solver, method, target, ())
                ]
    if doubtful:
        above = _called_above(sites, {_plain(method) for _, method, _ in doubtful})
        for node, method, target in doubtful:
            if not _runs(solver, method, target, above.get(method.number, ())):
                yield node


def _called_above(sites: Sites, names: Container[str]) -> dict[int, set[int]]:
    """Method of one of these names -> the classes that call it by `super` or by its class."""
    solver = sites.solver
    found: dict[int, set[int]] = {}
    for mark in solver.attributes:
        if mark[2] not in names:
            continue
        if any(kind[0] in ("super", "class", "subclass") for kind in solver.sees(mark[1])):
            unit, facts = sites.facts_of(mark[4])
            caller = solver.functions[solver.unit_functions[unit] + facts[2]]
            for kind in solver.sees(mark[3]):
                if kind[0] in (FUN, BOUND):
                    found.setdefault(solver.functions[kind[1]].origin, set()).add(caller.cls)
    return found


def _plain(fn: Fn) -> str:
    """The name of a function in its own block."""
    return fn.facts.name.rpartition(".")[2]


def _method(sites: Sites, site: int) -> Fn | None:
    """The method with a `self` in which a site stands."""
    unit, facts = sites.facts_of(site)
    found = sites.solver.functions[sites.solver.unit_functions[unit] + facts[2]]
    return found if found.cls >= 0 and found.params else None


def _any_and_one(sites: Sites, found: tuple[int, Found], declared: set[int]) -> Iterable[int]:
    """What is called on any object of a class and on one of a subclass: nothing says which objects
    of the class they are."""
    solver = sites.solver
    method = _method(sites, found[0])
    own = -1 if method is None else method.params[0][1]
    for node in found[1].nodes:
        receiver = sites.receiver(node)
        if receiver is None or receiver[0] == own or receiver[0] in declared:
            continue
        kinds = solver.sees(receiver[0])
        given = {kind[1] for kind in kinds if kind[0] in (INST, SELF)}
        if len(given) > 1 and any(
            kind[0] == SELF and not given.isdisjoint(solver.hierarchy.classes[kind[1]].descendants)
            for kind in kinds
        ):
            yield node


def _runs(solver: Solver, method: Fn, target: int, above: Collection[int]) -> bool:
    """Some object that has the target runs the method: as its own, or because one of the classes
    `above` calls it."""
    classes = solver.hierarchy.classes
    owner = solver.functions[target].cls
    if owner < 0 or owner == method.cls or owner not in classes[method.cls].descendants:
        return True
    if -1 in above:  # from no class at all: a function inside a method, or one of a module
        return True
    name = _plain(method)
    return any(
        solver.hierarchy.definer(classes[cls].mro, name) == method.cls
        or any(caller in classes[cls].mro for caller in above)
        for cls in (owner, *classes[owner].descendants)
    )


def _meant(solver: Solver, node: int) -> set[object]:
    """What decides which functions of the project run, of the values of a node."""
    found: set[object] = set()
    for kind in solver.sees(node):
        match kind[0]:
            case "inst" | "self":
                found.add((INST, kind[1]))
            case "class" | "subclass":
                found.add((CLASS, kind[1]))
            case "ext" | "foreign" | "lib" | "member" | "result" | "module" | "boxed":
                pass
            case _:
                found.add(kind)
    return found
