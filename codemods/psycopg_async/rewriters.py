"""psycopg 3 to its own asyncio API, which has the same methods, rows, types and errors.

Bad:

    def names(dsn):
        with psycopg.connect(dsn) as conn:
            return [row[0] for row in conn.execute("SELECT name FROM users")]

Good:

    async def names(dsn):
        async with await psycopg.AsyncConnection.connect(dsn) as conn:
            return [row[0] async for row in await conn.execute("SELECT name FROM users")]

Transactions, cursors and COPY are entered with `async with`; `conn.autocommit = True` becomes
`await conn.set_autocommit(True)`.  A pool opens on the event loop with its first connection: its
class comes from a generated module (`_psycopg_pool.py`).  A connection that is handed to another
library or derives from `psycopg.Connection` stays as it is, with its cursors, and waits in threads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import partial

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Registry, Resolved, Rewriter
from asyncshift.model import Protocol

FACTORIES = frozenset({"cursor_factory", "server_cursor_factory"})
CURSORS = {
    "psycopg.ClientCursor": "psycopg.AsyncClientCursor",
    "psycopg.Cursor": "psycopg.AsyncCursor",
    "psycopg.RawCursor": "psycopg.AsyncRawCursor",
    "psycopg.ServerCursor": "psycopg.AsyncServerCursor",
}
CALLED = frozenset({"check", "configure", "connection_class", "reconnect_failed", "reset"})
"""What a pool is given to call with its connections."""
CHECK = "psycopg_pool.ConnectionPool.check_connection"


def rewriter(api: str, protocol: Protocol, registry: Registry) -> Rewriter | None:
    """The classes of cursors that a connection is told to use; the table says the rest."""
    match api, protocol:
        case "psycopg.connect", Protocol.CALL:
            return partial(_connect, registry)
        case "psycopg_pool.ConnectionPool", Protocol.CALL:
            return partial(_pool, registry)
        case name, Protocol.VALUE if name in CURSORS:
            return partial(_cursor_class, registry)
    return None


def _connect(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    yield from generic.rewrite(resolved, registry)
    if not isinstance(resolved.node, ast.Call):
        return
    for keyword in resolved.node.keywords:
        if keyword.arg not in FACTORIES:
            continue
        old = registry.canonical(tb.qualified(resolved, keyword.value))
        if (new := CURSORS.get(old)) is not None:
            text = resolved.names.dotted(new, resolved.site.span)
            yield tb.edit(resolved, keyword.value, tb.retarget(text))
        else:
            yield tb.refuse(
                resolved,
                "own-cursors",
                f"`{keyword.arg}` is no cursor class of psycopg",
                "derive it from the async cursor, and connect by hand",
            )


def _pool(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    yield from generic.rewrite(resolved, registry)
    for keyword in resolved.node.keywords if isinstance(resolved.node, ast.Call) else ():
        if keyword.arg in CALLED and (
            keyword.arg != "check"
            or registry.canonical(tb.qualified(resolved, keyword.value)) != CHECK
        ):
            yield tb.refuse(
                resolved,
                "pool-callbacks",
                f"`{keyword.arg}`: what is called with a connection is not known to wait for it",
                "do it where connections are used",
            )


def _cursor_class(registry: Registry, resolved: Resolved) -> Iterable[Outcome]:
    match resolved.parents:
        case (ast.keyword(arg=str(name)), ast.Call(func=func), *_) if (
            name in FACTORIES
            and registry.canonical(tb.qualified(resolved, func)) == "psycopg.connect"
        ):
            return ()
    return generic.rewrite(resolved, registry)
