"""Handlers that catch everything, around what is awaited now.

A task is cancelled by an exception that its `await` raises.  `except:` and `except BaseException:`
could never see one before; where they do not let it pass, a handler above them does.

Ctrl-C cancels the program's main task, once: `except KeyboardInterrupt` catches that as well where
the program ends by it, and where something is awaited that can be cancelled.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit, Kind
from asyncshift.model import Action, Decision
from asyncshift.rewrite.context import AWAIT_ORDER, Context, FunctionNode, Planned, Step

_AWAITING = frozenset(
    {
        Action.AWAIT,
        Action.ASYNC_WITH,
        Action.ASYNC_FOR,
        Action.ASYNC_COMPREHENSION,
        Action.ANEXT,
        Action.DELEGATE,
        Action.CONSUME,
        Action.TO_THREAD,
    }
)
_AWAITED = frozenset({Kind.AWAITABLE, Kind.ENTERED, Kind.ITERATED})
_CATCHING = frozenset({"BaseException", "builtins.BaseException"})
_INTERRUPT = frozenset({"KeyboardInterrupt", "builtins.KeyboardInterrupt"})
_CANCELLED = frozenset({"asyncio.CancelledError", "asyncio.exceptions.CancelledError"})


def let_cancellation_pass(ctx: Context, decision: Decision) -> Iterator[Step]:
    """The handlers around a place that will be awaited, of the function that awaits it."""
    if not _awaits(ctx, decision):
        return
    child = ctx.tree.place(decision.span)
    for parent in ctx.tree.ancestors(child):
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            return
        if isinstance(parent, ast.Try | ast.TryStar) and child in parent.body:
            yield from _of_one(ctx, parent)
        if isinstance(parent, ast.With | ast.AsyncWith) and child in parent.body:
            yield from _suppressed(ctx, parent)
        child = parent


def catch_interrupts(ctx: Context, decision: Decision) -> Iterator[Step]:
    """The handlers of KeyboardInterrupt of a function that turns async."""
    if decision.action not in (Action.MAKE_ASYNC, Action.SPLIT_ENTRY):
        return
    node = ctx.tree.find_function(decision.span)
    if not isinstance(node, ast.FunctionDef):
        return
    for attempt in ctx.tree.own_nodes(node):
        if not isinstance(attempt, ast.Try | ast.TryStar):
            continue
        for handler in attempt.handlers:
            if not _INTERRUPT & _names(ctx, handler):
                continue
            once = decision.detail.get("interrupted") == "once"
            if (reason := _not_cancelled(ctx, node, attempt, handler, once)) is not None:
                way = "end the program there, or catch it where the program starts"
                yield ctx.refuse(handler, "interrupt", f"{node.name} {reason}", way)
                continue
            change = partial(_or_cancelled, cancelled=ctx.text("asyncio.CancelledError", handler))
            edit = Edit("ExceptHandler", ctx.tree.span(handler), change, AWAIT_ORDER)
            yield Planned(edit, header=True)


def _not_cancelled(
    ctx: Context,
    function: FunctionNode,
    attempt: ast.Try | ast.TryStar,
    handler: ast.ExceptHandler,
    once: bool,
) -> str | None:
    """Why the cancellation of a task is no KeyboardInterrupt here."""
    caught = "catches KeyboardInterrupt"
    start, end = ctx.tree.span(attempt.body[0])[:2], ctx.tree.span(attempt.body[-1])[2:]
    inside = [d for d in ctx.decisions if start <= d.span[:2] and d.span[2:] <= end]
    above = list(ctx.tree.ancestors(attempt))
    above = above[: above.index(function)]
    looped = any(isinstance(one, ast.For | ast.While | ast.AsyncFor) for one in above)
    if isinstance(attempt, ast.TryStar) or handler.name is not None:
        return f"{caught} and looks at it, which is another exception in a coroutine"
    if any(decision.action is Action.TO_THREAD for decision in inside):
        return f"{caught} around what runs in a thread, which goes on"
    if not any(_awaits(ctx, decision) for decision in inside):
        return f"{caught} where nothing is awaited: in a coroutine it would never see one"
    if not _raises_on(handler) and (looped or not once):
        return f"{caught} and goes on: only the first Ctrl-C reaches a coroutine"
    return None


def _or_cancelled(node: cst.ExceptHandler, cancelled: cst.BaseExpression) -> cst.ExceptHandler:
    """`except KeyboardInterrupt:` as `except (KeyboardInterrupt, asyncio.CancelledError):`."""
    match node.type:
        case cst.Tuple(elements=elements):
            kinds = [element.value for element in elements]
        case kind:
            kinds = [kind] if kind is not None else []
    both = cst.Tuple([cst.Element(kind) for kind in (*kinds, cancelled)])
    return node.with_changes(type=both)


def _awaits(ctx: Context, decision: Decision) -> bool:
    if decision.action is not Action.LIBRARY:
        return decision.action in _AWAITING
    site, api = decision.site, decision.detail.get("api", "")
    treatment = ctx.registry.treatment(api, site.protocol) if site is not None else None
    return treatment is not None and treatment.kind in _AWAITED


def _of_one(ctx: Context, attempt: ast.Try | ast.TryStar) -> Iterator[Step]:
    span = ctx.tree.span(attempt)
    if ("Try", span) in ctx.done:
        return
    ctx.done.add(("Try", span))
    caught = [_names(ctx, handler) for handler in attempt.handlers]
    if _awaited_before(attempt) or any(_CANCELLED & names for names in caught):
        return  # the author has seen cancellation
    if any(_INTERRUPT & names for names in caught) and _turns(ctx, attempt):
        return
    for handler, names in zip(attempt.handlers, caught, strict=True):
        if handler.type is not None and not _CATCHING & names:
            continue
        if _raises_on(handler):
            return
        if isinstance(attempt, ast.TryStar):
            text = "`except*` catches the cancellation of a task, which could not happen before"
            yield ctx.look(handler, "cancellation", text)
            return
        change = partial(_with_cancelled, cancelled=ctx.text("asyncio.CancelledError", handler))
        edit = Edit("ExceptHandler", ctx.tree.span(handler), change, AWAIT_ORDER)
        yield Planned(edit, header=True)
        return


def _turns(ctx: Context, node: ast.AST) -> bool:
    """Whether a place belongs to a function that turns async."""
    return isinstance(ctx.tree.scope(node), ast.FunctionDef)


def _suppressed(ctx: Context, block: ast.With | ast.AsyncWith) -> Iterator[Step]:
    """`with suppress(BaseException):` has no form that lets one exception pass."""
    span = ctx.tree.span(block)
    if ("Suppressed", span) in ctx.done or _awaited_before(block):
        return
    ctx.done.add(("Suppressed", span))
    for item in block.items:
        match item.context_expr:
            case ast.Call(func=func, args=args) if ctx.names.resolve(
                func
            ) == "contextlib.suppress" and _CATCHING & _full_names(ctx, args):
                text = "`suppress(BaseException)` swallows the cancellation of a task"
                if isinstance(ctx.tree.scope(block), ast.AsyncFunctionDef):
                    yield ctx.look(item.context_expr, "cancellation", text)
                else:
                    way = "suppress Exception, or the exceptions that are meant"
                    yield ctx.refuse(item.context_expr, "cancellation", text, way)


def _names(ctx: Context, handler: ast.ExceptHandler) -> set[str]:
    """The full names of what a handler catches."""
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return _full_names(ctx, types)


def _full_names(ctx: Context, types: Sequence[ast.expr | None]) -> set[str]:
    return {ctx.names.resolve(kind) or ast.unparse(kind) for kind in types if kind is not None}


def _awaited_before(attempt: ast.Try | ast.TryStar | ast.With | ast.AsyncWith) -> bool:
    asynchronous = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    return any(isinstance(node, asynchronous) for part in attempt.body for node in ast.walk(part))


def _raises_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler always raises what it caught again."""
    match handler.body[-1]:
        case ast.Raise(exc=None):
            pass
        case ast.Raise(exc=ast.Name(id=name), cause=None) if name == handler.name:
            pass
        case _:
            return False
    leaving = (ast.Return, ast.Break, ast.Continue)
    return not any(isinstance(node, leaving) for part in handler.body for node in ast.walk(part))


def _with_cancelled(
    node: cst.ExceptHandler, cancelled: cst.BaseExpression
) -> cst.FlattenSentinel[cst.ExceptHandler]:
    raised = cst.IndentedBlock([cst.SimpleStatementLine([cst.Raise()])])
    first = cst.ExceptHandler(raised, cancelled, leading_lines=node.leading_lines)
    return cst.FlattenSentinel([first, node.with_changes(leading_lines=())])
