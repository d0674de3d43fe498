"""`stack.enter_context(cm())` where `cm` became async: the stack becomes an AsyncExitStack."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Decision
from asyncshift.rewrite.awaits import awaited
from asyncshift.rewrite.blocks import make_async
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Planned, Step

_KEPT = frozenset({"enter_context", "callback", "push"})
"""Members that an AsyncExitStack has under the same name, for sync managers and callbacks."""


def is_enter_context(consumer: str) -> bool:
    """Whether a consumer enters what it is given, as `with` does."""
    return consumer.endswith(".enter_context")


def enter_async_context(ctx: Context, decision: Decision) -> Iterator[Step]:
    """`await stack.enter_async_context(cm())` in `async with AsyncExitStack() as stack`."""
    call = ctx.tree.find(decision.span, ast.Call)
    assert isinstance(call, ast.Call), decision
    block = _block(ctx, call)
    if block is None or not _only_known_uses(ctx, block):
        yield ctx.refuse(
            call,
            "exit-stack",
            "the exit stack is not made by a `with` statement of its own here",
            "make it with `with contextlib.ExitStack() as stack:` around its uses",
        )
        return
    if (refusal := ctx.cannot_await(call)) is not None:
        yield refusal
        return
    yield Edit("Call", decision.span, _entered, AWAIT_ORDER)
    span = ctx.tree.span(block)
    if ("With", span) not in ctx.done:
        ctx.done.add(("With", span))
        yield Planned(Edit("With", span, make_async, AWAIT_ORDER), header=True)
        made = block.items[0].context_expr
        new = ctx.text("contextlib.AsyncExitStack", made)
        yield Edit("Call", ctx.tree.span(made), partial(_made, new=new), AWAIT_ORDER)


def _entered(node: cst.Call) -> cst.CSTNode:
    func = cst.ensure_type(node.func, cst.Attribute)
    name = func.attr.with_changes(value="enter_async_context")
    return awaited(node.with_changes(func=func.with_changes(attr=name)))


def _made(node: cst.Call, new: cst.BaseExpression) -> cst.Call:
    return node.with_changes(func=new)


def _block(ctx: Context, call: ast.Call) -> ast.With | None:
    """The `with ExitStack() as stack:` around a use of the stack, in the same function."""
    match call.func:
        case ast.Attribute(value=ast.Name(id=name)):
            pass
        case _:
            return None
    function = ctx.tree.function_around(call)
    for ancestor in ctx.tree.ancestors(call):
        if ancestor is function:
            return None
        match ancestor:
            case ast.With(items=[ast.withitem(ast.Call(func=made), ast.Name(id=bound))]) if (
                bound == name and ctx.names.resolve(made) == "contextlib.ExitStack"
            ):
                return ancestor
    return None


def _only_known_uses(ctx: Context, block: ast.With) -> bool:
    name = block.items[0].optional_vars
    assert isinstance(name, ast.Name)
    for node in ast.walk(ctx.tree.function_around(block)):
        if isinstance(node, ast.Name) and node.id == name.id and node is not name:
            parent = ctx.tree.parents[node]
            if not (isinstance(parent, ast.Attribute) and parent.attr in _KEPT):
                return False
    return True
