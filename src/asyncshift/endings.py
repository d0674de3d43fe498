"""StopIteration that leaves a function: no coroutine and no future can carry it.

`next(it)` with nothing behind it, `raise StopIteration`: what calls such a function may wait for
the exception.  Where a handler names it, or the caller is a `__next__`, everything on the way there
stays sync.  Elsewhere nobody waits for it: in a coroutine it becomes a RuntimeError, as it does in
a generator.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncshift.codemod import Kind
from asyncshift.model import (
    Cause,
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Message,
    Protocol,
    Severity,
    Site,
)
from asyncshift.pins import is_next
from asyncshift.world import World

_CARRYING = frozenset({Protocol.CALL, Protocol.ATTRIBUTE, Protocol.OPERATOR, Protocol.WITH})


def settle_endings(world: World) -> None:
    """Fill `world.ending`, and pin what a handler above it waits for."""
    world.ending = _left(world)
    waited: dict[FunctionId, Cause] = {}
    queue = []
    for fid in sorted(world.ending):
        for site in world.incoming.get(fid, ()):
            if site.certainty is not Certainty.UNKNOWN and _waits(world, site, fid):
                queue.append((fid, site))
    while queue:
        fid, site = queue.pop()
        if fid in waited:
            continue
        f, caller = world.function(fid), world.function(site.caller)
        text = f"StopIteration may leave {f.name}, and {caller.name} waits for it: no coroutine "
        text += "and no future can carry it"
        waited[fid] = Cause("stop-iteration", text, site.path, site.span[0], caller.id)
        for below in world.outgoing.get(fid, ()):
            if below.ending or below.certainty is Certainty.UNKNOWN:
                continue
            queue += [(g, site) for g in _carried(world, below) if g in world.ending]
    for fid, cause in waited.items():
        world.kept.setdefault(fid, cause)


def waits_above(world: World, site: Site, fid: FunctionId) -> bool:
    """Whether code waits for the StopIteration that comes out of a call in a thread."""
    return fid in world.ending and _waits(world, site, fid)


def ended_elsewhere(world: World) -> Iterator[Message]:
    """StopIteration that nobody in sight waits for, and that a coroutine cannot carry."""
    for site, _, treatment in world.uses:
        f = world.function(site.caller)
        if treatment.kind is not Kind.STOP_ITERATION or site.ending or is_next(world.graph, f.id):
            continue
        if f.id not in world.turned or f.id not in world.ending:
            continue
        here = [s.protocol for s in world.outgoing[f.id] if s.span == site.span]
        if Protocol.NEXT not in here:
            text = f"StopIteration that leaves {f.name} here is a RuntimeError from now on"
            yield Message(site.path, site.span[0], "stop-iteration", text, Severity.LOOK)


def _left(world: World) -> frozenset[FunctionId]:
    """The functions that StopIteration may leave."""
    queue = [
        use[0].caller
        for use in world.uses
        if use[2].kind is Kind.STOP_ITERATION and not use[0].ending
    ]
    found: set[FunctionId] = set()
    while queue:
        fid = queue.pop()
        f = world.function(fid)
        if fid in found or f.is_async or not _passes(f):
            continue
        found.add(fid)
        queue += [
            site.caller
            for site in world.incoming.get(fid, ())
            if not site.ending and site.certainty is not Certainty.UNKNOWN
            if site.protocol in _CARRYING
        ]
    return frozenset(found)


def _passes(f: Function) -> bool:
    """Whether StopIteration can leave it: in a generator it is an error."""
    return f.kind in (FunctionKind.FUNCTION, FunctionKind.LAMBDA) and not f.is_generator


def _carried(world: World, site: Site) -> Iterator[FunctionId]:
    """The functions that run at a place, and whose StopIteration comes out there."""
    for target in site.targets if site.protocol in _CARRYING else ():
        if target.function is not None and _passes(world.function(target.function)):
            yield target.function


def _waits(world: World, site: Site, fid: FunctionId) -> bool:
    """Whether StopIteration from this place ends something: a handler names it, an iterator ends,
    a builtin stops calling.  The end of a loop over a `__next__` has an async form of its own."""
    if is_next(world.graph, fid) and site.protocol is not Protocol.CALL:
        return False
    if site.protocol is Protocol.MAPPED or is_next(world.graph, fid):
        return True
    if site.protocol not in _CARRYING:
        return False
    above = is_next(world.graph, site.caller) and not site.ending
    return above or site.ending == "awaited"
