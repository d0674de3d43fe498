"""`f()` becomes `await f()`, with exactly the parentheses that its place needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Action, Decision
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Step, kind_of
from asyncshift.rewrite.handed import is_handed, waited


def awaited(node: cst.BaseExpression) -> cst.BaseExpression:
    """`await` before an expression; its own parentheses stay around the whole.

    What needs new parentheses outside, as `(await f()).json()`, gets them from its parent.
    """
    if isinstance(node, cst.Await):
        return node
    bare = node.with_changes(lpar=(), rpar=())
    return cst.Await(bare, lpar=node.lpar, rpar=node.rpar)


def await_call(ctx: Context, decision: Decision) -> Iterator[Step]:
    """AWAIT: the call at the decision's place."""
    node = ctx.tree.place(decision.span)
    if isinstance(ctx.tree.parents.get(node), ast.Await):
        return
    if (refusal := ctx.cannot_await(node)) is not None:
        yield refusal
        return
    if isinstance(node, ast.Call) and is_handed(node):
        yield from waited(ctx, node, awaited, Action.AWAIT)
        return
    yield Edit(kind_of(node), decision.span, awaited, AWAIT_ORDER)
