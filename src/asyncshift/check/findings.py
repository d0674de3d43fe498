"""What the whole-tree await check says of one place."""

from __future__ import annotations

from dataclasses import dataclass

from asyncshift.check.values import How, Step, What


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a place.  `chain` leads there, or tells where the object went; `also` are
    other async functions that reach the same place.  `listed`: a place to look, not a failure.
    `alike`: what is used so does no more where it is sync."""

    path: str
    line: int
    column: int
    rule: str
    text: str
    way_out: str
    chain: tuple[Step, ...] = ()
    also: tuple[Step, ...] = ()
    listed: bool = False
    alike: bool = False


BLOCKS = "blocks-loop"
BRIDGE = "bridge-in-async"
NESTED = "nested-loop"
UNKNOWN = "perhaps-not-awaited"

RULES = {
    How.DROPPED: ("coroutine-dropped", "is dropped, so nothing of it runs"),
    How.UNUSED: ("coroutine-unused", "is never awaited"),
    How.TRUTH: ("coroutine-truth", "is tested for truth, and is always true"),
    How.FORMATTED: ("coroutine-formatted", "is formatted into a text"),
    How.LOGGED: ("coroutine-formatted", "is handed to a logger"),
    How.COMPARED: ("coroutine-compared", "is compared, and equals nothing but itself"),
    How.IDENTITY: ("coroutine-compared", "is compared with `is`, and is never None"),
    How.ITERATED: ("coroutine-iterated", "is iterated"),
    How.SUBSCRIPTED: ("coroutine-subscripted", "is subscripted"),
    How.ATTRIBUTE: ("coroutine-attribute", "is asked for an attribute of its result"),
    How.OPERATOR: ("coroutine-operator", "is used as if it were its result"),
    How.HANDED: ("coroutine-handed-over", "is handed to sync code"),
    How.ENTERED: ("coroutine-entered", "is entered by the wrong kind of `with`"),
    How.CACHED: ("coroutine-cached", "is kept in a cache, and a second await of it raises"),
    How.THREAD: ("coroutine-called-by-sync", "is made by sync code, which cannot await it"),
}
"""Bad use -> its rule, and what it says after "the coroutine of `f()`"."""

CACHED = "coroutine-cached"
PROPERTY = "coroutine-property"
DUNDER = "coroutine-dunder"
RETURNED = "coroutine-returned"

AWAITING = {
    What.COROUTINE: "await it: `await {text}`",
    What.GENERATOR: "iterate it with `async for`",
    What.MANAGER: "enter it with `async with`",
}


def order(finding: Finding) -> tuple[object, ...]:
    """By place, then by rule."""
    return (finding.path, finding.line, finding.column, finding.rule, finding.text)
