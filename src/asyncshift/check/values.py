"""What flows through the await check: coroutine objects, containers of them, and their uses.

A value is a set of atoms, (origin, depth): depth 0 is the object itself, 1 a container that holds
it.  `OTHER` among the atoms says that the place can hold something else as well.  A parameter is an
origin too; what is done with it is kept relative to its own depth and applied at the calls.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from asyncshift.model import FunctionId, Span


class What(enum.StrEnum):
    """What an origin makes."""

    COROUTINE = "coroutine"
    GENERATOR = "async generator"
    MANAGER = "async context manager"
    PARAMETER = "parameter"
    OTHER = "other"
    BOX = "box"


class How(enum.StrEnum):
    """What is done with an object.  GOOD: awaited, or out of sight.  STORED, RETURNED: neither
    good nor bad, the uses come elsewhere."""

    GOOD = "good"
    STORED = "stored"
    RETURNED = "returned"
    DROPPED = "dropped"
    UNUSED = "unused"
    TRUTH = "truth"
    FORMATTED = "formatted"
    LOGGED = "logged"
    COMPARED = "compared"
    IDENTITY = "identity"
    ITERATED = "iterated"
    SUBSCRIPTED = "subscripted"
    ATTRIBUTE = "attribute"
    OPERATOR = "operator"
    HANDED = "handed-over"
    ENTERED = "entered"
    CACHED = "cached"
    THREAD = "thread"


NEUTRAL = frozenset({How.GOOD, How.STORED, How.RETURNED})
OF_CONTAINERS = frozenset(
    {How.GOOD, How.STORED, How.RETURNED, How.DROPPED, How.FORMATTED, How.LOGGED, How.HANDED}
    | {How.UNUSED}
)
"""What means the same for a container as for what it holds."""
SURE = frozenset({How.DROPPED, How.CACHED, How.THREAD})
"""Wrong even where the object is only one of several things that can be there."""
FORGIVEN = frozenset({How.LOGGED, How.FORMATTED, How.IDENTITY, How.UNUSED, How.COMPARED})
"""Right where the object is awaited elsewhere: `log.debug("starting %r", task)`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line on the way, and what happens there."""

    name: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object is made: a call, an attribute, an `await` that gives another coroutine."""

    what: What
    path: str
    span: Span
    name: str = ""
    text: str = field(default="", compare=False)
    owner: FunctionId = field(default="", compare=False)
    """The function that the place stands in."""
    results: tuple[FunctionId, ...] = field(default=(), compare=False)
    """The async functions whose result an `await` gives."""
    steps: tuple[Step, ...] = field(default=(), compare=False)
    """How the call comes to give a coroutine, where what is called is no `async def`."""


Atom = tuple[Origin, int]
Value = frozenset[Atom]

_NOWHERE: Span = (0, 0, 0, 0)
OTHER: Atom = (Origin(What.OTHER, "", _NOWHERE), 0)
BOX: Atom = (Origin(What.BOX, "", _NOWHERE), 0)
PLAIN: Value = frozenset({OTHER})
"""Nothing that has to be awaited."""
DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Use:
    """What is done with an object at a place.  `depth`: how deep in a container it was then.
    `weak`: something else may be there instead."""

    how: How
    path: str
    line: int
    depth: int = 0
    weak: bool = False
    note: str = ""


def join(values: Iterable[Value]) -> Value:
    """All atoms of several values."""
    found: Value = frozenset().union(*values)
    return found or PLAIN


def objects(value: Value) -> list[Atom]:
    """The atoms that are real: coroutines and parameters."""
    return [atom for atom in value if atom[0].what not in (What.OTHER, What.BOX)]


def boxed(value: Value) -> Value:
    """A container that holds the value."""
    deeper = {(o, d + 1) for o, d in objects(value) if d < DEEPEST}
    return frozenset({BOX, *deeper})


def is_definite(value: Value) -> bool:
    """Nothing but coroutines can be there."""
    return OTHER not in value


def applies(how: How, depth: int) -> bool:
    """Whether a use means something at this depth: a list of coroutines may be tested for truth."""
    return depth == 0 or (depth > 0 and how in OF_CONTAINERS)
