"""A site while it is being put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asyncshift.facts import TYPE, Op
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.members import HARMLESS_BASES
from asyncshift.resolution.values import BOUND, FUN, GEN, INST, LIB, NO_ORIGIN, SELF

if TYPE_CHECKING:
    from asyncshift.resolution.sites import Sites


@dataclass(slots=True)
class Found:
    """A site in the making."""

    targets: dict[tuple[int | None, str | None], set[int]] = field(default_factory=dict)
    nodes: set[int] = field(default_factory=set)
    """Where the values were seen that are called, iterated, entered."""
    arguments: dict[tuple[int | None, str | None], set[int]] = field(default_factory=dict)
    """Target -> the positions of the arguments that hold it."""
    likely: bool = False
    """Something unseen may run instead, whatever the values are."""
    unknown: bool = False


def holds_more(solver: Solver, mode: str, cls: int, attr: str, getters: int) -> bool:
    """Whether some of these objects have the attribute in another way than by a property."""
    definers = solver.definers(mode, cls, attr)
    return len(definers) > getters or solver.is_stored(mode, cls, attr)


def made_by_metaclass(solver: Solver, node: int) -> bool:
    return any(
        kind[0] in ("class", "subclass") and solver.hierarchy.has_metaclass(kind[1])
        for kind in solver.sees(node)
    )


def fields(solver: Solver) -> dict[int, tuple[int, str]]:
    """Node of a field in a class body -> (class, field)."""
    return {
        one.base + node: (one.number, name)
        for one in solver.hierarchy.classes
        for name, node in one.facts.fields
    }


def mentioned(sites: Sites, code: int, source: int) -> Iterator[tuple[Any, ...]]:
    """What a mark is of: that of a type in a class body is of what its instances hold as well."""
    yield from sites.solver.sees(source)
    if code == TYPE and (field := sites.fields.get(source)) is not None:
        yield from sites.solver.bound(SELF, *field)


def calls_of_metaclasses(solver: Solver, cls: int) -> Iterator[int]:
    """The `__call__` of the project's metaclasses that makes the instances of a class."""
    for meta in solver.hierarchy.metaclasses(cls):
        for kind in solver.bound(SELF, meta, "__call__"):
            if kind[0] in (FUN, BOUND):
                yield kind[1]


def is_mock(kind: tuple[Any, ...]) -> bool:
    """Whether a value is a mock of a test, or a member of one."""
    return kind[0] == "ext" and str(kind[1]).startswith(("unittest.mock.", "mock."))


def may_be_mock(kind: tuple[Any, ...]) -> bool:
    """Whether a value is a mock, or what its class made."""
    return is_mock(kind) or (is_mock(("ext", kind[1])) and kind[0] == "foreign")


def is_passed_over(solver: Solver, kind: tuple[Any, ...], consumer: str) -> bool:
    """Whether a value is not iterated there: `in` asks `__contains__`, or a library's own, and what
    is unpacked is no instance of a class that cannot be."""
    if consumer == "in":
        return not searched(solver, kind)
    return consumer == "unpack" and kind[0] == "lib" and not solver.registry.is_unpacked(kind[1])


def is_outside(sites: Sites, node: int) -> bool:
    """Whether a method is looked up on what comes from outside, where a hint says more."""
    receiver = sites.receiver(node)
    return receiver is not None and any(k[0] == "ext" for k in sites.solver.sees(receiver[0]))


def closed(kind: tuple[Any, ...]) -> tuple[int | None, str | None, int] | None:
    """What `contextlib.closing` closes: a generator, or an instance of a library's class."""
    if kind[0] == GEN:
        return kind[1], None, NO_ORIGIN
    return (None, f"{kind[1]}.close", kind[2]) if kind[0] == LIB else None


_Reached = tuple[int | None, str | None, int]


def by_arguments(solver: Solver, called: Iterable[_Reached], op: Op) -> list[_Reached]:
    """What a call of a library is with these arguments: they may choose another method, and where
    they are instances of the library, it goes where they go, as in `execute_values(cursor, ...)`.
    """
    return [each for one in called for each in _by_arguments(solver, one, op)]


def _by_arguments(solver: Solver, reached: _Reached, op: Op) -> Iterator[_Reached]:
    function, api, token = reached
    if api is None:
        yield reached
        return
    registry = solver.registry
    api = registry.called_as(api, len(op[3]), (name for name, _ in op[4]))
    yield function, api, token
    owner = registry.owner(api)
    for node in (*op[3], *(node for _, node in op[4])) if owner else ():
        for kind in solver.sees(node) if node > 0 else ():
            if kind[0] == LIB and kind[2] != NO_ORIGIN and registry.owner(kind[1]) == owner:
                yield None, api, kind[2]


_CALLABLE = frozenset({"ext", "boxed", "class", "subclass"})
"""Values that can be called, and give something at once where nothing of the project runs."""


def gives_at_once(kind: tuple[Any, ...]) -> bool:
    """Whether calling a value gives something and runs nothing of the project: no mock, which
    fits everything, and no result of a future, which a pool's own method gives."""
    return kind[0] in _CALLABLE and not is_mock(kind) and kind[2:3] != ("future",)


def searched(solver: Solver, kind: tuple[Any, ...]) -> bool:
    """Whether `in` iterates: there is no `__contains__`, nor a library that may have one."""
    if kind[0] not in (INST, SELF):
        return bool(kind[0] == GEN)
    mro = solver.hierarchy.classes[kind[1]].mro
    outside = any(isinstance(base, str) and base not in HARMLESS_BASES for base in mro)
    return not outside and not solver.definers(kind[0], kind[1], "__contains__")
