"""Places that iterate or enter what may be an object of the project or of a library.

`for x in (rows() if wanted else range(3))`, `with (open(path) if path else Connection())`: no one
form fits both once the project's is async.  What a library gives is followed along the variables
that it is assigned to; a mock fits everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from asyncshift import facts as f
from asyncshift.model import Protocol
from asyncshift.resolution.certainty import declared_nodes
from asyncshift.resolution.found import may_be_mock
from asyncshift.resolution.members import HARMLESS_BASES
from asyncshift.resolution.sites import Sites
from asyncshift.resolution.values import GEN, INST, MANAGER, SELF

_PROTOCOLS = frozenset(
    {Protocol.WITH, Protocol.FOR, Protocol.COMPREHENSION, Protocol.NEXT}
    | {Protocol.YIELD_FROM, Protocol.CONSUME}
)
_OWN = frozenset({GEN, MANAGER, INST, SELF})
_ENTERING = (".enter_context", ".enter_async_context")
_DOUBLES = ("unittest.mock.", "mock.")
_ABSTRACT = ("contextlib.", "types.")
"""Annotations by these say what an object can, not whose it is."""
_LIKE_BESIDE = frozenset({"iterator", "hinted", "holder"})
"""Kinds of containers that are used like the objects beside them."""


def settle_mixed(sites: Sites) -> None:
    """Mark the places where no one form fits all that can be there."""
    given = _given(sites)
    for (site, protocol, consumer), found in sites.found.items():
        if protocol not in _PROTOCOLS or found.unknown or sites.solver.sites[site][4] & f.AWAITED:
            continue
        if any(function is not None for function, _ in found.targets):
            entered = protocol == Protocol.WITH or consumer.endswith(_ENTERING)
            found.unknown = any(
                _is_mixed(sites, node, given, entered) for node in found.nodes if node > 0
            )


def leave_mocks(sites: Sites, is_test: Callable[[str], bool]) -> None:
    """In a test, `client.session.get.return_value` is a mock's: nothing of a library."""
    solver = sites.solver
    mocked = {mark[4] for mark in solver.attributes if any(map(may_be_mock, solver.sees(mark[1])))}
    for (site, protocol, consumer), entry in list(sites.found.items()):
        if site in mocked and is_test(solver.files[sites.unit_of(site)].path):
            entry.targets = {
                target: tokens for target, tokens in entry.targets.items() if target[1] is None
            }
            if not entry.targets:
                del sites.found[site, protocol, consumer]


def _is_mixed(sites: Sites, node: int, given: set[int], entered: bool) -> bool:
    kinds = sites.solver.sees(node)
    if not any(kind[0] in _OWN for kind in kinds):
        return False
    return node in given or any(_is_others(sites, kind, entered) for kind in kinds)


def _is_others(sites: Sites, kind: tuple[object, ...], entered: bool) -> bool:
    """Whether a value is entered and iterated by code that stays as it is."""
    match kind:
        case ("box", _, how):
            return not entered and how not in _LIKE_BESIDE
        case ("foreign", str() as dotted):
            return not dotted.startswith(_DOUBLES + _ABSTRACT)
        case (("inst" | "self"), int() as cls):
            mro = sites.solver.hierarchy.classes[cls].mro
            outside = any(isinstance(b, str) and b not in HARMLESS_BASES for b in mro)
            reached = (*sites.iterated(kind, False), *sites.entered(kind, False))
            return outside and not reached
    return False


def _given(sites: Sites) -> set[int]:
    """Where the result of a library's function is, unless an annotation says otherwise."""
    solver = sites.solver
    declared = declared_nodes(solver)
    todo = sorted(set(sites.receivers.made_outside()) - declared)
    found = set(todo)
    while todo:
        for target in _copies(sites, todo.pop()):
            if target > 0 and target not in found and target not in declared:
                found.add(target)
                todo.append(target)
    return found


def _copies(sites: Sites, node: int) -> Iterator[int]:
    for entry in sites.solver.uses[node] or ():
        if entry.__class__ is int:
            yield entry
