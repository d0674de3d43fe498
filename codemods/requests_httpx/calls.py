"""Calls: `session.get(...)`, and the bare `requests.get(...)` with a client block of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import libcst as cst

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Names, Outcome, Resolved
from asyncshift.codemods.requests_httpx import arguments, handlers, parity, streams, values
from asyncshift.codemods.requests_httpx.arguments import AUTHS, CallPlan
from asyncshift.model import Need, Refusal, Span

METHODS = ("get", "options", "head", "post", "put", "patch", "delete", "request")
HOISTED = (ast.Assign, ast.AnnAssign, ast.Return, ast.Expr)
"""Statements in front of which a first call can be made without changing the order of effects."""


# ----------------------------------------------------------------------------- on a session


def on_session(method: str, resolved: Resolved) -> Iterator[Outcome]:
    """`session.get(...)`: renamed arguments, awaited."""
    call = resolved.node
    if not isinstance(call, ast.Call):
        yield _no_call(resolved, method)
        return
    if values.is_through_variable(resolved, call, method):
        yield from values.called(resolved, call, method)
        return
    plan = arguments.read(resolved, call, method, bare=False)
    if isinstance(plan, Refusal):
        yield plan
        return
    yield from arguments.parts(resolved, call, method)
    in_with = isinstance(resolved.parents[0], ast.withitem)
    if arguments.as_requests(resolved) and not in_with:
        names = arguments.POSITIONAL[method]
        plan = CallPlan(method, positional=names, kept=names)
    if plan.reasons or (plan.streamed and not in_with):
        yield Need("client")
    if plan.streamed and not in_with:
        plan = replace(plan, verb=method, method="", dropped=plan.dropped - {"stream"})
    yield from parity.of_session_call(resolved, call, plan)
    yield from _auth_edits(resolved, call, method)
    yield tb.edit(resolved, call, partial(_on_client, plan))
    if in_with and plan.streamed:
        yield from streams.on_session(resolved)
    elif in_with:
        yield from _closing(resolved, call)
    else:
        yield tb.edit(resolved, call, tb.awaited, order=tb.AWAIT_ORDER)
    yield from handlers.widened(resolved)


def _closing(resolved: Resolved, call: ast.Call) -> Iterator[Outcome]:
    """`with session.get(...) as r:` -> `async with aclosing(await session.get(...)) as r:`."""
    function = resolved.names.dotted("contextlib.aclosing", resolved.site.span)
    yield tb.edit(resolved, call, tb.awaited, order=tb.AWAIT_ORDER)
    yield tb.edit(resolved, call, partial(_argument_of, function), order=tb.AWAIT_ORDER + 1)
    yield from generic.enter(resolved)


def _argument_of(function: str, node: Any) -> Any:
    return cst.Call(tb.expression(function), [cst.Arg(tb.bare(node))])


def _no_call(resolved: Resolved, method: str) -> Refusal:
    return tb.refuse(
        resolved,
        "no-call",
        f"{resolved.api} is reached without a call of its own",
        f"call {method} directly",
    )


def _on_client(plan: CallPlan, call: Any) -> Any:
    args, _ = arguments.written(plan, call.args)
    return call.with_changes(func=tb.member(call.func.value, plan.verb), args=args)


def _auth_edits(resolved: Resolved, call: ast.Call, method: str) -> Iterator[Outcome]:
    yield from auth_edits(resolved, arguments.given_arguments(call, method).get("auth"))


def auth_edits(resolved: Resolved, value: ast.expr | None) -> Iterator[Outcome]:
    """`HTTPBasicAuth(...)` written where it is used becomes httpx's own."""
    match value:
        case ast.Call(func=func) if (new := AUTHS.get(tb.qualified(resolved, func))) is not None:
            text = resolved.names.dotted(new, resolved.site.span)
            yield tb.edit(resolved, value, tb.retarget_call(text))


# ----------------------------------------------------------------------------- bare


class ClientBlock:
    """A client with one call, on the way from the call's edit to that of the statement around it.

    The call's edit comes first, as inner places do, and leaves here what the outer one needs.
    """

    def __init__(self, plan: CallPlan, client: str, constructor: str, response: str = "") -> None:
        self.plan, self.client, self.constructor = plan, client, constructor
        self.response = response
        self._moved: dict[str, Any] = {}
        self._hoisted: Any = None

    def call(self, call: Any) -> Any:
        """`client.get(...)` in the place of `requests.get(...)`."""
        args, self._moved = arguments.written(self.plan, call.args)
        func = cst.Attribute(value=cst.Name(self.client), attr=cst.Name(self.plan.verb))
        return call.with_changes(func=func, args=args)

    def hoist(self, call: Any) -> Any:
        """A name in the place of the call, which goes into the block."""
        self._hoisted = tb.bare(call)
        return tb.keep_parentheses(call, cst.Name(self.response))

    def item(self) -> cst.WithItem:
        """`httpx.AsyncClient(...) as client`."""
        args = [tb.keyword(name, tb.expression(text)) for name, text in self.plan.client]
        args += [tb.keyword(name, value) for name, value in self._moved.items()]
        made = cst.Call(func=tb.expression(self.constructor), args=args)
        name = cst.AsName(cst.Name(self.client), cst.SimpleWhitespace(" "))
        return cst.WithItem(made, name)

    def around(self, statement: Any) -> Any:
        """The statement inside the block; a block that another call made takes a second client."""
        if isinstance(statement, cst.With):
            comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
            first = self.item().with_changes(comma=comma)
            return statement.with_changes(items=[first, *statement.items])
        return cst.With(
            items=[self.item()],
            body=cst.IndentedBlock([statement.with_changes(leading_lines=[])]),
            asynchronous=cst.Asynchronous(),
            leading_lines=statement.leading_lines,
        )

    def above(self, statement: Any) -> Any:
        """The block with the call, then the statement."""
        target = cst.AssignTarget(cst.Name(self.response))
        line = cst.SimpleStatementLine([cst.Assign([target], cst.Await(self._hoisted))])
        block = self.around(line.with_changes(leading_lines=statement.leading_lines))
        return cst.FlattenSentinel([block, statement.with_changes(leading_lines=[])])

    def entered(self, index: int, total: int, statement: Any) -> Any:
        """The client and the streamed response in the place of the with item."""
        return tb.enter_item(index, total, statement, before=(self.item(),))


def bare(method: str, resolved: Resolved) -> Iterator[Outcome]:
    """`requests.get(...)`: a client block around the smallest statement, or, where httpx needs
    help or the file has several such calls, a function of the generated module."""
    call = resolved.node
    if not isinstance(call, ast.Call):
        yield _no_call(resolved, method)
        return
    if values.is_through_variable(resolved, call, method):
        yield from values.called(resolved, call, method)
        return
    plan = arguments.read(resolved, call, method, bare=True)
    if isinstance(plan, Refusal):
        yield plan
        return
    yield from arguments.parts(resolved, call, method)
    patched = tb.needed(resolved, f"patched:{resolved.api}")  # a test needs a name to replace
    if plan.reasons or patched or tb.needed(resolved, "client") or _by_module(resolved):
        outcomes = list(_by_function(resolved, call, method, plan))
    else:
        outcomes = [*_placed(resolved, call, plan), *parity.of_block(resolved, call, plan)]
        if any(isinstance(outcome, Refusal) for outcome in outcomes):
            outcomes = list(_by_function(resolved, call, method, plan))
    yield from outcomes
    yield from _auth_edits(resolved, call, method)
    yield from handlers.widened(resolved)


def _by_module(resolved: Resolved) -> bool:
    """Whether the file has several bare calls, or this one runs again and again: a client of its
    own would cost much time, and many blocks hide the program."""
    if resolved.options.get("share_client") or arguments.is_strict(resolved):
        return True
    for parent in resolved.parents:
        if isinstance(parent, (ast.For, ast.AsyncFor, ast.While)):
            return True
        if isinstance(parent, tb.Function):
            break
    module = tb.module_of(resolved)
    names = (tb.qualified(resolved, n.func) for n in ast.walk(module) if isinstance(n, ast.Call))
    known = tb.imported_names(module).values()
    return sum(map(_is_bare_name, names)) > 1 or any(n.endswith("_http") for n in known)


def _by_function(
    resolved: Resolved, call: ast.Call, method: str, known: CallPlan
) -> Iterator[Outcome]:
    """`await _http.get(...)`."""
    yield from parity.of_module(resolved, call, known)
    function = resolved.names.dotted(f"_http.{method}", resolved.site.span)
    yield arguments.needed_part("functions")
    plan = arguments.through_module(call, method)
    yield tb.edit(resolved, call, partial(_of_module, plan, function))
    if isinstance(resolved.parents[0], ast.withitem):
        yield from _closing(resolved, call)
    else:
        yield tb.edit(resolved, call, tb.awaited, order=tb.AWAIT_ORDER)


def _of_module(plan: CallPlan, function: str, call: Any) -> Any:
    args, _ = arguments.written(plan, call.args)
    return call.with_changes(func=tb.expression(function), args=args)


def _placed(resolved: Resolved, call: ast.Call, plan: CallPlan) -> Iterator[Outcome]:
    statement, parents = tb.statement_of(resolved)
    others = _bare_calls(resolved, statement)
    if isinstance(resolved.parents[0], ast.withitem) and isinstance(statement, ast.With):
        yield from _in_with(resolved, call, plan, statement, others)
        return
    if plan.streamed:
        yield _no_place(resolved)
        return
    if tb.repeats(resolved):
        yield _no_place(resolved)
        return
    header = not isinstance(statement, _SIMPLE)
    yields = any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(statement))
    first = len(others) == 1 and tb.comes_first(resolved, statement)
    if (header or yields) and not (first and _has_room_above(resolved, statement, parents)):
        yield _no_place(resolved)
        return
    whole = getattr(statement, "value", None) is call
    hoisted = header or yields or (first and not whole and isinstance(statement, HOISTED))
    block = _block(resolved, plan, others.index(call), hoisted=hoisted)
    yield tb.edit(resolved, call, block.call)
    order = tb.ITEM_ORDER - others.index(call)
    if hoisted:
        yield tb.edit(resolved, call, block.hoist, order=tb.AWAIT_ORDER)
        yield tb.edit(resolved, statement, block.above, order=order, built=not header)
    else:
        yield tb.edit(resolved, call, tb.awaited, order=tb.AWAIT_ORDER)
        yield tb.edit(resolved, statement, block.around, order=order, built=True)


def _no_place(resolved: Resolved) -> Refusal:
    return tb.refuse(
        resolved,
        "no-place-for-a-client",
        "no client block can be put around this call without changing when it runs",
        "assign the response to a name in a statement of its own",
    )


_SIMPLE = (
    ast.AnnAssign,
    ast.Assert,
    ast.Assign,
    ast.AugAssign,
    ast.Delete,
    ast.Expr,
    ast.Raise,
    ast.Return,
)


def _block(resolved: Resolved, plan: CallPlan, index: int, *, hoisted: bool) -> ClientBlock:
    at = resolved.site.span
    scope = tb.function_of(resolved.parents) or resolved.parents[-1]
    client = _local(resolved.names, scope, "client", index, at)
    response = _local(resolved.names, scope, "response", index, at) if hoisted else ""
    return ClientBlock(plan, client, resolved.names.dotted("httpx.AsyncClient", at), response)


_given: WeakKeyDictionary[Names, dict[tuple[ast.AST, str, int], str]] = WeakKeyDictionary()


def _local(names: Names, scope: ast.AST, wanted: str, index: int, at: Span) -> str:
    """One name for all clients of a function: their blocks do not overlap, but within a statement
    (`index` tells them apart there)."""
    known = _given.setdefault(names, {})
    key = (scope, wanted, index)
    if key not in known:
        known[key] = names.fresh(wanted, at)
    return known[key]


def _bare_calls(resolved: Resolved, statement: ast.stmt) -> list[ast.AST]:
    """Every bare call in the statement's own text, in source order; the site is one of them."""
    found: list[ast.AST] = []
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call):
            name = tb.qualified(resolved, node.func)
            if node is resolved.node or _is_bare_name(name):
                found.append(node)
        children = ast.iter_child_nodes(node)
        stack += [c for c in children if not isinstance(c, (ast.stmt, ast.ExceptHandler))]
    return sorted(found, key=lambda n: (getattr(n, "lineno", 0), getattr(n, "col_offset", 0)))


def _is_bare_name(name: str) -> bool:
    head, _, method = name.rpartition(".")
    return head in ("requests", "requests.api") and method in METHODS


def _has_room_above(resolved: Resolved, statement: ast.stmt, parents: tuple[ast.AST, ...]) -> bool:
    """Whether a statement can stand above this one and run exactly when its header does."""
    match statement:
        case ast.If():
            line, column, *_ = tb.span(resolved, statement)
            return not resolved.source.splitlines()[line - 1][column:].startswith("elif")
        case ast.For() | ast.AsyncFor() | ast.Match():
            return True
        case ast.With(items=[first, *_]) | ast.AsyncWith(items=[first, *_]):
            return any(node is resolved.node for node in ast.walk(first))
    return isinstance(statement, _SIMPLE) and bool(parents)


def _in_with(
    resolved: Resolved,
    call: ast.Call,
    plan: CallPlan,
    statement: ast.With,
    others: list[ast.AST],
) -> Iterator[Outcome]:
    """`with requests.get(...) as response:`."""
    item = resolved.parents[0]
    assert isinstance(item, ast.withitem)
    index = statement.items.index(item)
    block = _block(resolved, plan, others.index(call), hoisted=False)
    if plan.streamed:
        yield tb.edit(resolved, call, block.call)
        change = partial(block.entered, index, len(statement.items))
        yield tb.edit(resolved, statement, change, order=tb.ITEM_ORDER - index)
        return
    match statement.items:
        case [ast.withitem(optional_vars=ast.Name(id=name))]:
            block.response = name
            yield tb.edit(resolved, call, block.call)
            yield tb.edit(resolved, call, block.hoist, order=tb.AWAIT_ORDER)
            yield tb.edit(resolved, statement, partial(_read_inside, block), order=100)
        case _:
            yield _no_place(resolved)


def _read_inside(block: ClientBlock, statement: Any) -> Any:
    """The client in the place of the response, which is read by the body's first statement."""
    above = block.above(cst.SimpleStatementLine([cst.Pass()]))
    first = above[0].body.body[0]
    body = statement.body
    if isinstance(body, cst.SimpleStatementSuite):
        body = cst.IndentedBlock([cst.SimpleStatementLine(body.body)])
    return statement.with_changes(
        items=[block.item()],
        asynchronous=cst.Asynchronous(),
        body=body.with_changes(body=[first, *body.body]),
    )
