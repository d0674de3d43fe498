"""psycopg 3 to asyncpg, with connections, cursors and transactions as psycopg has them.

Bad:

    def rename(conn, account, name):
        with conn.transaction():
            row = conn.execute("SELECT 1 FROM accounts WHERE id = %s", (account,)).fetchone()
            if row is None:
                raise LookupError(account)
            conn.execute("UPDATE accounts SET name = %s WHERE id = %s", (name, account))

Good:

    async def rename(conn, account, name):
        async with conn.transaction():
            row = (
                await conn.execute("SELECT 1 FROM accounts WHERE id = %s", (account,))
            ).fetchone()
            if row is None:
                raise LookupError(account)
            await conn.execute("UPDATE accounts SET name = %s WHERE id = %s", (name, account))

The names come from a module that is generated into the project (`_psycopg.py`), over asyncpg.
Values are bound by the server with the types that psycopg gives them, the result of a statement is
kept in the cursor, and a transaction begins before the first one, as in psycopg.  So what waits for
the server is awaited, and the rest stays: fetching, `with conn.cursor()`, `conn.autocommit = True`.

A named cursor fetches from the server: `conn.cursor("rows")` becomes `conn.named_cursor("rows")`,
which is iterated and fetched from asynchronously.  A `ConnectionPool` opens on the event loop with
its first connection.  `cursor.description` tells no length of `varchar(n)` and no precision of
`numeric(p, s)`, for asyncpg does not.  Pipelines, notifications, two-phase commit, adapters and
results in binary format, classes of one's own below psycopg's, and connections that go to another
library keep psycopg: the connection and all that came from it wait in threads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.bridge_modules import PART
from asyncshift.codemod import Outcome, Registry, Resolved, Rewriter
from asyncshift.model import Need, Protocol, Tie

CONNECTION = "psycopg.Connection"
POOL = "psycopg_pool.ConnectionPool"
CURSORS = frozenset({"psycopg.ClientCursor", "psycopg.Cursor"})
"""Classes of cursors that a connection can be told to make."""
FACTORIES = frozenset(
    f"psycopg.rows.{name}_row"
    for name in ("args", "class", "dict", "kwargs", "namedtuple", "scalar", "tuple")
)
"""What makes rows: it is handed to a connection or a cursor."""
VALUES = frozenset(
    {
        "psycopg.Binary",
        "psycopg.conninfo.conninfo_to_dict",
        "psycopg.conninfo.make_conninfo",
        "psycopg.sql.Composed",
        "psycopg.sql.Identifier",
        "psycopg.sql.Literal",
        "psycopg.sql.Placeholder",
        "psycopg.sql.SQL",
        "psycopg.types.json.Json",
        "psycopg.types.json.Jsonb",
        "psycopg.types.json.set_json_dumps",
        "psycopg.types.json.set_json_loads",
        "psycopg.types.multirange.Multirange",
        *(f"psycopg.types.numeric.{name}" for name in ("Int2", "Int4", "Int8", "IntNumeric")),
        *(f"psycopg.types.numeric.{name}" for name in ("Float4", "Float8", "Oid")),
        *(f"psycopg.types.range.{name}Range" for name in ("", "Int4", "Int8", "Numeric")),
        *(f"psycopg.types.range.{name}Range" for name in ("Date", "Timestamp", "Timestamptz")),
    }
)
"""Classes of what is handed to a statement: a connection of the other library cannot use it."""
PARTS = {
    "add_notice_handler": "notices",
    "copy": "copy",
    "remove_notice_handler": "notices",
    "stream": "stream",
}
"""Methods with the part of the module that they are in."""
NOT_TAKEN = {
    "binary": "results in binary format are libpq's",
    "connection_class": "connections are made by a class of the program's choice",
    "configure": "what is called with a connection is not known to wait for it",
    "context": "adapters of one's own are libpq's",
    "reconnect_failed": "the pool calls nobody when it gives up",
    "reset": "what is called with a connection is not known to wait for it",
    "writer": "the data of a COPY go to the server",
}
"""Keywords that the module's functions do not have, or not as a program may mean them."""
TOGETHER = "psycopg"
"""The tie of all connections with what is handed to any of them."""


def rewriter(api: str, protocol: Protocol, registry: Registry) -> Rewriter | None:
    """The rewriter for one library name under one protocol; None where the table says enough."""
    match api, protocol:
        case "psycopg.connect" | "psycopg_pool.ConnectionPool", Protocol.CALL:
            return partial(_connect, registry)
        case name, Protocol.CALL if name == f"{CONNECTION}.cursor":
            return partial(_cursor, registry)
        case name, Protocol.CALL if name == f"{CONNECTION}.named_cursor":
            return partial(_named_cursor, registry)
        case name, _ if name.startswith("psycopg.") and (
            name.endswith(".execute") or name.rpartition(".")[2] in PARTS
        ):
            return partial(_method, registry)
        case name, Protocol.CONSUME if name.endswith(".close"):
            return partial(_closing, registry)
        case name, Protocol.CALL if "register_" in name.rpartition(".")[2]:
            return _own_adapters
        case name, Protocol.VALUE if name in CURSORS:
            return partial(_value, registry)
        case name, Protocol.CALL | Protocol.VALUE if name in VALUES | FACTORIES:
            return partial(_value, registry)
    return None


def _connect(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    yield Tie(TOGETHER, weak=True)
    yield from generic.rewrite(resolved, registry)
    yield from _not_taken(resolved)
    if not isinstance(resolved.node, ast.Call):
        return
    for keyword in resolved.node.keywords:
        named = registry.canonical(tb.qualified(resolved, keyword.value))
        if keyword.arg in ("cursor_factory", "server_cursor_factory") and named not in CURSORS:
            yield tb.refuse(
                resolved,
                "own-cursors",
                f"`{keyword.arg}` is no cursor class of psycopg that has an async form",
                "make the connection without it",
            )
        if keyword.arg == "check" and named != f"{POOL}.check_connection":
            yield tb.refuse(
                resolved,
                "pool-callbacks",
                f"`check`: {NOT_TAKEN['configure']}",
                "give it `ConnectionPool.check_connection`, or check where connections are used",
            )


def _not_taken(resolved: Resolved) -> Iterator[Outcome]:
    """Arguments that change what psycopg does, and would not here."""
    if not isinstance(resolved.node, ast.Call):
        return
    for keyword in resolved.node.keywords:
        why = NOT_TAKEN.get(keyword.arg or "")
        match keyword.value:
            case ast.Constant(value=None | False):
                continue
        if why is not None:
            yield tb.refuse(resolved, "not-taken", f"`{keyword.arg}`: {why}", "do without it")


def _closing(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """`with closing(conn)`: the module says how to close it then."""
    yield Need(f"{PART}closing", everywhere=True)
    yield from generic.rewrite(resolved, registry)


def _method(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """A method whose arguments matter, or that not every project uses."""
    part = PARTS.get(resolved.api.rpartition(".")[2])
    if part is not None:
        yield Need(f"{PART}{part}", everywhere=True)
    yield from generic.rewrite(resolved, registry)
    yield from _not_taken(resolved)


# ----------------------------------------------------------------------------- cursors


def _cursor(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """`conn.cursor()` stays; of `conn.cursor(**settings)` nobody knows whether it has a name."""
    match resolved.node:
        case ast.Call(args=args, keywords=keywords):
            if any(isinstance(arg, ast.Starred) for arg in args) or None in {
                keyword.arg for keyword in keywords
            }:
                yield tb.refuse(
                    resolved,
                    "cursor-name",
                    f"`{ast.unparse(resolved.node)}` may be given a name, and then fetching waits",
                    "write the arguments out",
                )
    yield from generic.rewrite(resolved, registry)
    yield from _not_taken(resolved)


def _named_cursor(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """`conn.cursor("rows")`: what fetches from it is awaited."""
    given = None
    match resolved.node:
        case ast.Call(args=[first, *_]):
            given = first
        case ast.Call(keywords=keywords):
            given = next((k.value for k in keywords if k.arg == "name"), None)
    if given is None or not _is_text(resolved, given):
        yield tb.refuse(
            resolved,
            "cursor-name",
            f"`{ast.unparse(resolved.node)}` may be given no name, and then fetching does not wait",
            "make a cursor with a name apart from one without",
        )
        return
    yield Need(f"{PART}named", everywhere=True)
    yield from generic.rewrite(resolved, registry)
    yield from _not_taken(resolved)


def _is_text(resolved: Resolved, node: ast.expr, follow: bool = True) -> bool:
    """Whether an expression is a text whatever happens."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod()):
            return _is_text(resolved, left)
        case ast.Call(func=ast.Name(id="str")):
            return True
        case ast.Call(func=ast.Attribute(value=value, attr="format" | "join" | "lower" | "upper")):
            return _is_text(resolved, value)
        case ast.Name(id=name) if follow:
            return _holds_text(resolved, name)
    return False


def _holds_text(resolved: Resolved, name: str) -> bool:
    """Whether a variable holds texts only."""
    for scope in (tb.function_of(resolved.parents), tb.module_of(resolved)):
        if scope is None:
            continue
        stored = [n for n in ast.walk(scope) if _stores(n, name)]
        given = [
            node.value
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and any(_stores(t, name) for t in node.targets)
        ]
        annotated = [n for n in stored if isinstance(n, ast.arg) and _says_text(n.annotation)]
        if stored:
            texts = [value for value in given if _is_text(resolved, value, follow=False)]
            return len(texts) + len(annotated) == len(stored)
    return False


def _stores(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Name(id=other, ctx=ast.Store()) | ast.arg(arg=other):
            return other == name
    return False


def _says_text(annotation: ast.expr | None) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "str"


# ----------------------------------------------------------------------------- what is handed over


def _own_adapters(resolved: Resolved) -> Iterator[Outcome]:
    """What is told to psycopg's adapters counts for all connections."""
    yield Tie(TOGETHER)
    yield tb.refuse(
        resolved,
        "own-adapters",
        f"`{ast.unparse(resolved.node)}` changes psycopg's adapters for all connections",
        "convert the values where they are handed over and fetched",
    )


def _value(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """A row factory, a wrapper or a composition: no statement of another library takes it."""
    yield Tie(TOGETHER)
    if resolved.site.protocol is Protocol.CALL:
        yield from generic.rewrite(resolved, registry)
        return
    [new] = registry.targets(resolved.api)
    text = resolved.names.dotted(new, resolved.site.span)
    yield tb.edit(resolved, resolved.node, tb.retarget(text))
