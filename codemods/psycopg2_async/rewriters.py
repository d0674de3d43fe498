"""psycopg2 to asyncpg, with connections, cursors and transactions as psycopg2 has them.

Bad:

    def rename(conn, user, name):
        with conn.cursor() as cur:
            cur.execute("UPDATE users SET name = %s WHERE id = %s RETURNING *", (name, user))
            row = cur.fetchone()
        conn.commit()
        return row

Good:

    async def rename(conn, user, name):
        with conn.cursor() as cur:
            await cur.execute("UPDATE users SET name = %s WHERE id = %s RETURNING *", (name, user))
            row = cur.fetchone()
        await conn.commit()
        return row

The names come from a module that is generated into the project (`_psycopg2.py`), over asyncpg, or
with `--postgres psycopg` over psycopg.  It binds values on the client, keeps the result of a
statement in the cursor, and opens a transaction before the first one, as psycopg2 does.  So what
waits for the server is awaited, and the rest stays: fetching, `with conn.cursor()`, settings.

A named cursor fetches from the server: `conn.cursor("rows")` becomes `conn.named_cursor("rows")`,
which is iterated and fetched from asynchronously.  What a script does at its top level, outside of
functions, runs through the bridge: `run_sync(cur.execute(...))`.  Exceptions, SQL compositions,
adapters, pools and constants keep their names.  Large objects, two-phase commit, polling, classes
of one's own below psycopg2's, and connections that go to another library keep psycopg2: the
connection and all that came from it wait in threads.
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

CONNECTION = "psycopg2.extensions.connection"
FACTORIES = frozenset(
    {
        "psycopg2.extensions.cursor",
        "psycopg2.extras.DictCursor",
        "psycopg2.extras.NamedTupleCursor",
        "psycopg2.extras.RealDictCursor",
    }
)
"""Classes of cursors that a connection can be told to make."""
VALUES = frozenset(
    {
        "psycopg2.Binary",
        "psycopg2.extensions.AsIs",
        "psycopg2.extensions.QuotedString",
        "psycopg2.extras.DateRange",
        "psycopg2.extras.DateTimeRange",
        "psycopg2.extras.DateTimeTZRange",
        "psycopg2.extras.Json",
        "psycopg2.extras.NumericRange",
        "psycopg2.sql.Composed",
        "psycopg2.sql.Identifier",
        "psycopg2.sql.Literal",
        "psycopg2.sql.Placeholder",
        "psycopg2.sql.SQL",
    }
)
"""Classes of what is handed to a statement: a connection of the other library cannot use it."""
REGISTERED = frozenset(
    {
        "psycopg2.extensions.register_adapter",
        "psycopg2.extensions.register_type",
        "psycopg2.extras.register_default_json",
        "psycopg2.extras.register_default_jsonb",
        "psycopg2.extras.register_json",
        "psycopg2.extras.register_uuid",
    }
)
"""What is told to all connections of one library."""
PARTS = {"callproc": "callproc", "copy_expert": "copy", "copy_from": "copy", "copy_to": "copy"}
"""Methods of cursors with the part of the module that they are in."""
TOGETHER = "psycopg2"
"""The tie of all connections with what is handed to any of them."""


def rewriter(api: str, protocol: Protocol, registry: Registry) -> Rewriter | None:
    """The rewriter for one library name under one protocol; None where the table says enough."""
    match api, protocol:
        case "psycopg2.connect", Protocol.CALL:
            return partial(_connect, registry)
        case name, Protocol.CALL if name == f"{CONNECTION}.cursor":
            return _cursor
        case name, Protocol.CALL if name == f"{CONNECTION}.named_cursor":
            return partial(_named_cursor, registry)
        case name, Protocol.CONSUME if name.endswith(".close"):
            return partial(_with_part, "closing", registry)
        case name, Protocol.CALL if part := PARTS.get(name.rpartition(".")[2], ""):
            return partial(_with_part, part, registry)
        case name, Protocol.VALUE if name in FACTORIES:
            return partial(_factory, registry)
        case name, Protocol.BASE if name in FACTORIES:
            return _derived
        case name, Protocol.CALL if name in FACTORIES:
            return partial(_constructed, registry)
        case name, Protocol.CALL | Protocol.VALUE if name in VALUES | REGISTERED:
            return partial(_value, registry)
    return None


def _connect(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    yield Tie(TOGETHER, weak=True)
    yield from generic.rewrite(resolved, registry)
    if not isinstance(resolved.node, ast.Call):
        return
    for keyword in resolved.node.keywords:
        match keyword.arg:
            case "async" | "async_":
                yield tb.refuse(
                    resolved,
                    "own-async-mode",
                    "the connection is one of psycopg2's own async mode",
                    "make a plain connection",
                )
            case "connection_factory":
                yield tb.refuse(
                    resolved,
                    "own-connections",
                    "connections are made by a class of the program's choice",
                    "tell the connection its `cursor_factory` instead",
                )


# ----------------------------------------------------------------------------- cursors


def _cursor(resolved: Resolved) -> Iterator[Outcome]:
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
    yield from _with_part("named", registry, resolved)


def _with_part(part: str, registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """A method that not every project uses."""
    yield Need(f"{PART}{part}", everywhere=True)
    yield from generic.rewrite(resolved, registry)


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


def _factory(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """A class of cursors that is named for a connection or a cursor to be made."""
    yield Tie(TOGETHER)
    yield from _renamed(registry, resolved)


def _derived(resolved: Resolved) -> Iterator[Outcome]:
    """A class of cursors of one's own stays, and so do the connections that may make them."""
    yield Tie(TOGETHER)


def _constructed(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """`DictCursor(conn)`, as `conn.cursor(cursor_factory=DictCursor)` makes it."""
    match resolved.node:
        case ast.Call(args=[ast.Name() | ast.Attribute() | ast.Call()], keywords=[]):
            yield from _value(registry, resolved)
        case _:
            yield Tie(TOGETHER)
            yield tb.refuse(
                resolved,
                "cursor-name",
                f"`{ast.unparse(resolved.node)}` may be given a name, and then fetching waits",
                "have the connection make it",
            )


def _value(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """An adapter, a range or a composition: no statement of another library takes it."""
    yield Tie(TOGETHER)
    if resolved.site.protocol is Protocol.CALL:
        yield from generic.rewrite(resolved, registry)
    else:
        yield from _renamed(registry, resolved)


def _renamed(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    [new] = registry.targets(resolved.api)
    text = resolved.names.dotted(new, resolved.site.span)
    yield tb.edit(resolved, resolved.node, tb.retarget(text))
