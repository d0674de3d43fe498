"""`next` on an async generator, and `yield from` one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Action, Decision
from asyncshift.rewrite.awaits import awaited
from asyncshift.rewrite.blocks import ends_later
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Step
from asyncshift.rewrite.functions import delegated


def delegate(ctx: Context, decision: Decision) -> Iterator[Step]:
    """DELEGATE: `yield from rows()` as an `async for` that yields each item."""
    node = ctx.tree.find(decision.span, ast.YieldFrom)
    assert isinstance(node, ast.YieldFrom), decision
    refusal = ctx.cannot_await(node)
    if refusal is not None:
        yield refusal
        return
    yield from delegated(
        ctx, node, asynchronous=True, closing=decision.detail.get("close") == "made"
    )


def anext_call(ctx: Context, decision: Decision) -> Iterator[Step]:
    """ANEXT: `next(it)` as `await anext(it)`, and the handlers that wait for its end."""
    node = ctx.tree.find(decision.span, ast.Call)
    assert isinstance(node, ast.Call), decision
    if (refusal := ctx.cannot_await(node)) is not None:
        yield refusal
        return
    span = ctx.tree.span(node)
    if ctx.target >= (3, 10):
        change = partial(anext_of, anext=ctx.text("anext", node))
        yield Edit("Call", span, change, AWAIT_ORDER)
    elif len(node.args) == 1:
        yield Edit("Call", span, _dunder, AWAIT_ORDER)
    else:
        yield ctx.refuse(
            node,
            "anext",
            "`anext` with a default needs Python 3.10",
            "raise requires-python, or catch StopIteration around `next` without a default",
        )
        return
    if decision.detail.get("close") == "made":
        yield ends_later(ctx, node)
    if len(node.args) == 1:
        yield from _handlers(ctx, node)


def closed(ctx: Context, node: ast.Call) -> Iterator[Step]:
    """`g.close()` as `await g.aclose()`."""
    yield Edit("Call", ctx.tree.span(node), _closed, AWAIT_ORDER)


def _closed(node: cst.Call) -> cst.BaseExpression:
    func = cst.ensure_type(node.func, cst.Attribute)
    return awaited(node.with_changes(func=func.with_changes(attr=cst.Name("aclose"))))


def anext_of(node: cst.Call, anext: cst.BaseExpression) -> cst.BaseExpression:
    """`next(it, default)` as `await anext(it, default)`."""
    return awaited(node.with_changes(func=anext))


def aiter_call(ctx: Context, node: ast.Call) -> Iterator[Step]:
    """`iter(rows)` as `aiter(rows)`: nothing runs yet, so nothing is awaited."""
    if ctx.target >= (3, 10):
        change = partial(_called, function=ctx.text("aiter", node))
    else:
        change = partial(_method, name="__aiter__")
    yield Edit("Call", ctx.tree.span(node), change, AWAIT_ORDER)


def _called(node: cst.Call, function: cst.BaseExpression) -> cst.Call:
    return node.with_changes(func=function)


def _dunder(node: cst.Call) -> cst.BaseExpression:
    """`next(it)` as `await it.__anext__()`, for Python 3.9."""
    return awaited(_method(node, "__anext__"))


def _method(node: cst.Call, name: str) -> cst.Call:
    method = cst.Attribute(_receiver(node.args[0].value), cst.Name(name))
    return cst.Call(method, lpar=node.lpar, rpar=node.rpar)


def _receiver(node: cst.BaseExpression) -> cst.BaseExpression:
    match node:
        case cst.Name() | cst.Attribute() | cst.Call() | cst.Subscript():
            return node
    if node.lpar:
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _handlers(ctx: Context, node: ast.Call) -> Iterator[Step]:
    """The `except StopIteration` around a `next` whose end is now StopAsyncIteration."""
    for attempt in _tries_around(ctx, node):
        for handler in attempt.handlers:
            if not (names := _stop_names(handler)):
                continue
            both = _sync_next_inside(ctx, attempt)
            for name in names:
                yield _handler_edit(ctx, handler, name, both)
            return
    for name, block in _guards_around(ctx, node):
        if _sync_next_inside(ctx, block):
            reason = "this block waits for the end of sync iterators and of async ones"
            way = "use two blocks"
            yield ctx.refuse(name, "stop-iteration", reason, way)
        else:
            new = ctx.text("StopAsyncIteration", name)
            change = partial(_other_name, new=new)
            yield Edit("Name", ctx.tree.span(name), change, AWAIT_ORDER)
        return
    ctx_function = ctx.tree.scope(node)
    if not ctx.tree.is_generator(ctx_function):
        yield ctx.look(
            node,
            "stop-async-iteration",
            "where StopIteration left this function, StopAsyncIteration does now",
        )


def _tries_around(ctx: Context, node: ast.AST) -> Iterator[ast.Try | ast.TryStar]:
    child = node
    for parent in ctx.tree.ancestors(node):
        if isinstance(parent, (ast.Try, ast.TryStar)) and child in parent.body:
            yield parent
        if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return
        child = parent


def _guards_around(
    ctx: Context, node: ast.AST
) -> Iterator[tuple[ast.Name, ast.With | ast.AsyncWith]]:
    """`with suppress(StopIteration):` and `with pytest.raises(StopIteration):`."""
    child = node
    for parent in ctx.tree.ancestors(node):
        if isinstance(parent, (ast.With, ast.AsyncWith)) and child in parent.body:
            for item in parent.items:
                match item.context_expr:
                    case ast.Call(args=args):
                        for name in args:
                            if isinstance(name, ast.Name) and name.id == "StopIteration":
                                yield name, parent
        if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return
        child = parent


def _stop_names(handler: ast.ExceptHandler) -> list[ast.Name]:
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [t for t in types if isinstance(t, ast.Name) and t.id == "StopIteration"]


def _sync_next_inside(
    ctx: Context, attempt: ast.Try | ast.TryStar | ast.With | ast.AsyncWith
) -> bool:
    """True when another `next` in the same body still ends with StopIteration."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "next"
        and len(node.args) == 1
        and not ctx.decided(node, Action.ANEXT)
        for statement in attempt.body
        for node in ast.walk(statement)
    )


def _handler_edit(ctx: Context, handler: ast.ExceptHandler, name: ast.Name, both: bool) -> Edit:
    new = ctx.text("StopAsyncIteration", name)
    span = ctx.tree.span(name)
    if not both:
        return Edit("Name", span, partial(_other_name, new=new), AWAIT_ORDER)
    if isinstance(handler.type, ast.Tuple):
        kind = "Tuple"
        change = partial(_one_more, new=new)
        return Edit(kind, ctx.tree.span(handler.type), change, AWAIT_ORDER)
    return Edit("Name", span, partial(_pair, new=new), AWAIT_ORDER)


def _other_name(node: cst.Name, new: cst.BaseExpression) -> cst.BaseExpression:
    return new.with_changes(lpar=node.lpar, rpar=node.rpar)


def _pair(node: cst.Name, new: cst.BaseExpression) -> cst.Tuple:
    bare = node.with_changes(lpar=(), rpar=())
    return cst.Tuple(
        [cst.Element(bare), cst.Element(new)], lpar=[cst.LeftParen()], rpar=[cst.RightParen()]
    )


def _one_more(node: cst.Tuple, new: cst.BaseExpression) -> cst.Tuple:
    *head, last = node.elements
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    ending = cst.Element(new, comma=last.comma)
    return node.with_changes(elements=[*head, last.with_changes(comma=comma), ending])
