"""Ctrl-C: it raises KeyboardInterrupt in sync code, and cancels the main task of a running loop.

A handler in a coroutine has a form where the program ends by it (`rewrite.handlers`).  One in sync
code that runs on a loop is never reached: who calls it stays sync, with a bridge for the rest.
"""

from __future__ import annotations

from asyncshift.model import Cause, Certainty, Function, FunctionKind, Protocol
from asyncshift.pins import is_test_file
from asyncshift.world import World, pin, reaches

_SWALLOWED = (3, 11)
"""Since then, `asyncio.run` lets a main task that was interrupted go on to its end."""


def interrupted(world: World, f: Function) -> dict[str, str]:
    """What the rewrite has to know of a function that catches KeyboardInterrupt."""
    if not f.catches_interrupt:
        return {}
    starts = all(
        site.protocol is Protocol.CALL and world.function(site.caller).kind is FunctionKind.MODULE
        for site in world.incoming.get(f.id, ())
    )
    return {"interrupted": "once" if starts and world.target >= _SWALLOWED else "again"}


def interrupt_conflicts(world: World) -> bool:
    """Async functions that call sync code with such a handler stay sync."""
    catching = [f.id for f in world.graph.functions.values() if f.catches_interrupt]
    queue = [fid for fid in catching if not world.in_async(fid)]
    seen = set()
    grew = False
    while queue:
        fid = queue.pop()
        if fid in seen:
            continue
        seen.add(fid)
        f = world.function(fid)
        for site in world.incoming.get(fid, ()):
            if not reaches(site, f) or site.certainty is Certainty.UNKNOWN:
                continue
            caller = world.function(site.caller)
            if not world.in_async(caller.id):
                queue.append(caller.id)
            elif not is_test_file(site.path):
                text = f"{caller.name} calls {f.name}, which waits for a KeyboardInterrupt: "
                text += "on an event loop there is none"
                cause = Cause("interrupt", text, site.path, site.span[0], fid)
                grew |= pin(world, caller.id, cause)
    return grew
