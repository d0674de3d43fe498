"""`time.sleep` stops every coroutine of the event loop; `asyncio.sleep` stops only its own.

Bad:

    def poll(job):
        while not job.done():
            time.sleep(0.5)

Good:

    async def poll(job):
        while not job.done():
            await asyncio.sleep(0.5)

Every import form is followed, and a local variable that holds `time.sleep` and is only called.
`time.sleep` handed to other code stays: nobody there would await it.  A negative literal stays as
well, because only `time.sleep` raises ValueError for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Registry, Resolved, Rewriter
from asyncshift.model import Protocol


def rewriter(api: str, protocol: Protocol, registry: Registry) -> Rewriter | None:
    """A look at the argument of a call; everything else is what the table says."""
    if protocol is not Protocol.CALL:
        return None

    def call(resolved: Resolved) -> Iterator[Outcome]:
        match resolved.node:
            case ast.Call(args=[ast.UnaryOp(op=ast.USub(), operand=ast.Constant())]):
                yield tb.refuse(
                    resolved,
                    "negative-delay",
                    "time.sleep raises ValueError for a negative delay, asyncio.sleep does not",
                    "raise the ValueError where it is meant",
                )
            case _:
                yield from generic.rewrite(resolved, registry)

    return call
