"""`with`, `for` and the clauses of comprehensions become their async forms."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Action, Decision, Message
from asyncshift.rewrite.awaits import awaited
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Planned, Step

_ASYNC = cst.Asynchronous()
ITEM_ORDER = 100
"""Behind all other edits: items of a `with` statement, entered one by one, the last one first."""


def async_for(ctx: Context, decision: Decision) -> Iterator[Step]:
    """ASYNC_FOR: the loop over the decision's place."""
    node = ctx.tree.place(decision.span)
    loop = ctx.tree.parents[node]
    if isinstance(loop, ast.AsyncFor):
        return
    assert isinstance(loop, ast.For), decision
    if (refusal := ctx.cannot_await(loop)) is not None:
        yield refusal
        return
    if close := decision.detail.get("close"):
        if close == "made":
            name = ctx.names.fresh("items", ctx.tree.span(loop))
            change = partial(_closing_loop, name=name, aclosing=aclosing_at(ctx, loop))
            yield Edit("For", ctx.tree.span(loop), change, ITEM_ORDER)
            return
        yield ends_later(ctx, loop)
    yield Planned(Edit("For", ctx.tree.span(loop), make_async, AWAIT_ORDER), header=True)


def ends_later(ctx: Context, node: ast.AST) -> Message:
    """What to tell of a place that leaves a generator before its end and cannot close it."""
    return ctx.look(
        node,
        "early-exit",
        "this can end early, and what the generator does at its end then comes later: an async "
        "generator is closed by contextlib.aclosing, or when the event loop ends",
    )


def leaves(node: ast.AST) -> bool:
    """Whether a statement of a loop's body can leave the loop by `break` or `return`."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return False
    if isinstance(node, ast.Return):
        return True
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        returns = any(isinstance(inner, ast.Return) for inner in ast.walk(node))
        return returns or any(map(leaves, node.orelse))
    return isinstance(node, ast.Break) or any(leaves(child) for child in ast.iter_child_nodes(node))


def aclosing_at(ctx: Context, node: ast.AST) -> cst.BaseExpression | None:
    """`contextlib.aclosing` as it is called where `node` stands; None before Python 3.10."""
    return ctx.text("contextlib.aclosing", node) if ctx.target >= (3, 10) else None


def _closing_loop(node: cst.For, name: str, aclosing: cst.BaseExpression | None) -> Any:
    loop = make_async(node)
    assert isinstance(loop, cst.For), node
    return closing_loop(loop, name, aclosing)


def closing_loop(
    loop: cst.For, name: str, aclosing: cst.BaseExpression | None
) -> cst.With | cst.FlattenSentinel[cst.BaseStatement]:
    """An async loop inside of what closes its generator however the loop ends."""
    source, lines = loop.iter, loop.leading_lines
    inner = loop.with_changes(iter=cst.Name(name), leading_lines=())
    if aclosing is not None:
        manager = cst.Call(aclosing, [cst.Arg(source)])
        item = cst.WithItem(manager, cst.AsName(cst.Name(name)))
        block = cst.IndentedBlock([inner])
        return cst.With([item], block, asynchronous=_ASYNC, leading_lines=lines)
    assign = cst.Assign([cst.AssignTarget(cst.Name(name))], source)
    close = awaited(cst.Call(cst.Attribute(cst.Name(name), cst.Name("aclose"))))
    ending = cst.Finally(cst.IndentedBlock([cst.SimpleStatementLine([cst.Expr(close)])]))
    return cst.FlattenSentinel(
        [
            cst.SimpleStatementLine([assign], leading_lines=lines),
            cst.Try(cst.IndentedBlock([inner]), finalbody=ending),
        ]
    )


def make_async(node: cst.For | cst.CompFor | cst.With | cst.FunctionDef) -> cst.CSTNode:
    """`async` in front of a loop, clause, block or function."""
    if node.asynchronous is not None:
        return node
    if isinstance(node, cst.CompFor) and node.whitespace_before.empty:
        node = node.with_changes(whitespace_before=cst.SimpleWhitespace(" "))
    return node.with_changes(asynchronous=_ASYNC)


def async_comprehension(ctx: Context, decision: Decision) -> Iterator[Step]:
    """ASYNC_COMPREHENSION: the clause over the decision's place."""
    node = ctx.tree.place(decision.span)
    clause = ctx.tree.parents[node]
    assert isinstance(clause, ast.comprehension), decision
    if clause.is_async:
        return
    if (refusal := ctx.cannot_await(ctx.tree.parents[clause])) is not None:
        yield refusal
        return
    if decision.detail.get("close") and _raises_inside(ctx, clause):
        yield ends_later(ctx, clause.iter)
    yield Edit("CompFor", decision.span, make_async, AWAIT_ORDER)


def _raises_inside(ctx: Context, clause: ast.comprehension) -> bool:
    """Whether a handler of the function goes on after what a comprehension may raise."""
    comprehension = ctx.tree.parents[clause]
    source = set(map(id, ast.walk(clause.iter)))
    parts = (part for part in ast.walk(comprehension) if id(part) not in source)
    if not any(isinstance(part, ast.Call | ast.BinOp) for part in parts):
        return False
    child: ast.AST = comprehension
    for parent in ctx.tree.ancestors(comprehension):
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return False
        if isinstance(parent, ast.Try) and child in parent.body and parent.handlers:
            return True
        child = parent
    return False


def async_with(ctx: Context, decision: Decision) -> Iterator[Step]:
    """ASYNC_WITH: one edit for all the items of a statement that are entered asynchronously."""
    node = ctx.tree.place(decision.span)
    block = next(a for a in ctx.tree.ancestors(node) if isinstance(a, (ast.With, ast.AsyncWith)))
    span = ctx.tree.span(block)
    if isinstance(block, ast.AsyncWith) or ("With", span) in ctx.done:
        return
    ctx.done.add(("With", span))
    if (refusal := ctx.cannot_await(block)) is not None:
        yield refusal
        return
    null = [item for item in block.items if _may_be_null(ctx, item)]
    if null and ctx.target < (3, 10):
        reason = "contextlib.nullcontext is no async manager before Python 3.10"
        way = "write a manager of your own that does both"
        yield ctx.refuse(null[0].context_expr, "bridge-nullcontext", reason, way)
        return
    flags = tuple(
        ctx.decided(item.context_expr, Action.ASYNC_WITH, Action.CONSUME) for item in block.items
    )
    if any(ctx.decided(item.context_expr, Action.LIBRARY) for item in block.items):
        # A codemod enters items of the same statement: each has its own edit, the last one first.
        for index in (number for number, flag in enumerate(flags) if flag):
            enter = partial(enter_item, index, len(flags))
            yield Planned(Edit("With", span, enter, ITEM_ORDER - index))
        return
    whole = not all(flags)
    change = partial(split_with, flags=flags) if whole else make_async
    yield Planned(Edit("With", span, change, AWAIT_ORDER), header=not whole)


def _may_be_null(ctx: Context, item: ast.withitem) -> bool:
    """Whether what is entered asynchronously can be a nullcontext, through a name as well."""
    if not ctx.decided(item.context_expr, Action.ASYNC_WITH):
        return False
    sources: list[ast.AST] = [item.context_expr]
    match item.context_expr:
        case ast.Name(id=name):
            for node in ctx.tree.own_nodes(ctx.tree.scope(item.context_expr)):
                match node:
                    case ast.Assign(targets=targets, value=value):
                        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                            sources.append(value)
    return any(
        isinstance(node, ast.Call) and ctx.names.resolve(node.func) == "contextlib.nullcontext"
        for source in sources
        for node in ast.walk(source)
    )


def closed_at_end(ctx: Context, decision: Decision) -> Iterator[Step]:
    """`with closing(rows()) as r` as `async with aclosing(rows()) as r`."""
    node = ctx.tree.place(decision.span)
    assert isinstance(node, ast.Call), decision
    if not isinstance(ctx.tree.parents[node], ast.withitem) or ctx.target < (3, 10):
        yield ctx.refuse(
            node,
            "closing",
            "an async generator is closed by `async with contextlib.aclosing(...)`, which needs "
            "Python 3.10 and a `with` statement of its own",
            "write it as a `with` statement, or close it in a `finally` block",
        )
        return
    change = partial(_aclosing, function=ctx.text("contextlib.aclosing", node))
    yield Edit("Call", decision.span, change, AWAIT_ORDER)
    yield from async_with(ctx, decision)


def _aclosing(node: cst.Call, function: cst.BaseExpression) -> cst.Call:
    return node.with_changes(func=function)


def split_with(node: cst.With, flags: Sequence[bool]) -> cst.With:
    """`with a, b:` as nested statements, in order: one per run of sync or of async items."""
    runs = [
        (flag, [item for item, _ in group])
        for flag, group in groupby(zip(node.items, flags, strict=True), key=lambda pair: pair[1])
    ]
    body: cst.BaseSuite = node.body
    result: cst.With | None = None
    for flag, items in reversed(runs):
        last = items[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        result = cst.With(
            items=[*(_on_one_line(item) for item in items[:-1]), last],
            body=body,
            asynchronous=_ASYNC if flag else None,
        )
        body = cst.IndentedBlock([result])
    assert result is not None
    lines = [*node.leading_lines, *(cst.EmptyLine(comment=c) for c in _comments(node))]
    return result.with_changes(leading_lines=lines)


def enter_item(index: int, total: int, node: Any, before: Sequence[cst.WithItem] = ()) -> Any:
    """Make item `index` of `total` asynchronous, in a block of its own where others are not.

    Later items are done first, so the statement still holds items up to `index`, and what follows
    stands in the body.  `before` are items to enter first.
    """
    if total == 1:
        return make_async(node.with_changes(items=[*before, *node.items]))
    items = [
        item.with_changes(comma=cst.MaybeSentinel.DEFAULT) if i in (index - 1, index) else item
        for i, item in enumerate(node.items)
    ]
    body = node.body
    if len(node.items) > index + 1:
        rest = cst.With(items=items[index + 1 :], body=body)
        body = cst.IndentedBlock(body=[rest])
    mine = [*before, items[index]]
    match body:
        case cst.IndentedBlock(body=[cst.With(asynchronous=cst.Asynchronous()) as below]) if (
            len(node.items) == index + 1 < total
        ):
            mine += below.items
            body = below.body
    block = cst.With(items=mine, body=body, asynchronous=cst.Asynchronous())
    if index == 0:
        return block.with_changes(leading_lines=node.leading_lines)
    return node.with_changes(
        items=items[:index],
        body=cst.IndentedBlock(body=[block]),
        lpar=cst.MaybeSentinel.DEFAULT,
        rpar=cst.MaybeSentinel.DEFAULT,
    )


def _comments(node: cst.With) -> list[cst.Comment]:
    """Comments between items that stood on lines of their own: they go above the statement."""
    found: list[cst.Comment] = []
    gaps: list[object] = [getattr(node.lpar, "whitespace_after", None)]
    gaps += [getattr(item.comma, "whitespace_after", None) for item in node.items]
    gaps.append(getattr(node.rpar, "whitespace_before", None))
    for gap in gaps:
        if isinstance(gap, cst.ParenthesizedWhitespace):
            lines = [gap.first_line.comment, *(line.comment for line in gap.empty_lines)]
            found += [comment for comment in lines if comment is not None]
    return found


def _on_one_line(item: cst.WithItem) -> cst.WithItem:
    return item.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
