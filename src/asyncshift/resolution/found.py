"""A site while it is being put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from asyncshift.resolution.fixpoint import Solver


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
