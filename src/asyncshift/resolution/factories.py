"""Bases that a class method makes: `class Manager(BaseManager.from_queryset(QuerySet))`.

A class method that gives a class derived from its own first parameter, by a `class` statement or
by `type(name, (cls, ...), {...})`, gives a subclass of what it is called on.  What else such a
class has is not known, so its base counts as computed all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncshift import facts as f
from asyncshift.facts import FileFacts, FunctionFacts, Op
from asyncshift.resolution.values import CLASS

if TYPE_CHECKING:
    from asyncshift.resolution.fixpoint import Solver


def made_from(solver: Solver, unit: int, node: int) -> list[int]:
    """The classes whose class methods gave what is in a node of a file, as its subclass."""
    file, base = solver.files[unit], solver.unit_nodes[unit]
    found = []
    for call in _makers(file.ops, node):
        for load in _makers(file.ops, call[2]) if call[0] == f.CALL else ():
            if load[0] != f.LOAD or load[2] <= 0:
                continue
            for kind in solver.sees(base + load[2]):
                if kind[0] == CLASS and _derives(solver, kind[1], load[3]):
                    found.append(kind[1])
    return found


def _makers(ops: tuple[Op, ...], node: int) -> list[Op]:
    return [op for op in ops if op[0] in (f.CALL, f.LOAD) and op[1] == node]


def _derives(solver: Solver, cls: int, method: str) -> bool:
    """The class has a class method of this name that gives a subclass of its first parameter."""
    one = solver.hierarchy.classes[cls]
    file = solver.files[one.unit]
    return any(
        facts.cls == cls - solver.unit_classes[one.unit]
        and facts.name.rpartition(".")[2] == method
        and facts.flags & f.CLASSMETHOD
        and _gives_subclass(file, facts)
        for facts in file.functions
    )


def _gives_subclass(file: FileFacts, facts: FunctionFacts) -> bool:
    first = facts.params[0][1] if facts.params else f.CONSTANT
    ops = file.ops[slice(*facts.ops)]
    copies = [(op[1], op[2]) for op in ops if op[0] == f.COPY]
    given = {source for target, source in copies if target == facts.returned}
    types = {node for name, node in file.free if name == "type"}
    types |= {target for target, source in copies if source in types}
    firsts = {first} | {target for target, source in copies if source == first}
    kept = any(op[0] == f.SETSUB and op[3] in firsts for op in ops)
    for op in ops:
        if op[0] == f.CALL and op[1] in given and op[2] in types and len(op[3]) == 3 and kept:
            return True
        if op[0] == f.CLS and any(node in firsts for node, _, _ in file.classes[op[2]].bases):
            return True
    return False
