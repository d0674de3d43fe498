"""`def` becomes `async def`: name, decorators, `yield from`; and new names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import Any

import libcst as cst

from asyncshift.caches import RESULTS_CACHED
from asyncshift.codemod import Edit
from asyncshift.model import Action, Decision
from asyncshift.rewrite.blocks import aclosing_at, closing_loop, make_async
from asyncshift.rewrite.cached_properties import cached_decorator, keep_result
from asyncshift.rewrite.constructors import factory
from asyncshift.rewrite.context import (
    AWAIT_ORDER,
    Context,
    FunctionNode,
    Planned,
    Step,
)
from asyncshift.rewrite.docstrings import examples
from asyncshift.rewrite.facades import facade_of
from asyncshift.rewrite.iterators import async_bases, end_of_iterator, returns_self
from asyncshift.rewrite.lazy_consumers import becomes_async
from asyncshift.rewrite.tests import mark_of, run_by_plugin
from asyncshift.rewrite.type_hints import retargeted, return_annotation

ASYNC_DECORATORS = {"contextlib.contextmanager": "contextlib.asynccontextmanager"}


def make_function_async(ctx: Context, decision: Decision) -> Iterator[Step]:
    """MAKE_ASYNC: the `def` itself and what of its header and body must follow."""
    node = ctx.tree.find_function(decision.span)
    assert node is not None, decision
    if decision.detail.get("kind") == "stub":
        if isinstance(node, ast.FunctionDef):
            yield from return_annotation(ctx, node)
        return
    rename = decision.detail.get("rename")
    if isinstance(node, ast.FunctionDef) and (facade := decision.detail.get("facade")):
        rename = rename if facade == "keep" else facade
        yield facade_of(ctx, decision, node)
    if isinstance(node, ast.FunctionDef):
        generator = ctx.tree.is_generator(node)
        if generator:
            yield from _generator(ctx, node)
        if (refusal := _cannot_turn(ctx, node, generator)) is not None:
            yield refusal
            return
    elif rename is None:
        return
    if rename == "__anext__":
        yield from end_of_iterator(ctx, node)
    if rename in ("__anext__", "__aiter__"):
        yield from async_bases(ctx, node)
    if node.name == "__init__" and isinstance(node, ast.FunctionDef):
        yield from factory(ctx, node, decision.detail["factory"])
        return
    if (decorator := cached_decorator(ctx, node)) is not None:
        yield from keep_result(ctx, node, decorator)
        return
    if isinstance(node, ast.FunctionDef) and (part := decision.detail.get("test")):
        yield from run_by_plugin(ctx, node, part)
    for decorator in node.decorator_list:
        callee = decorator.func if isinstance(decorator, ast.Call) else decorator
        cache = RESULTS_CACHED.get(ctx.names.resolve(callee) or "")
        if isinstance(node, ast.FunctionDef) and cache is not None:
            yield retargeted(ctx, callee, cache)
    if "facade" not in decision.detail:
        yield from examples(ctx, node)
    mark = mark_of(ctx, node, decision.detail.get("test", ""))
    change = partial(_turn, rename=rename, mark=mark)
    edit = Edit("FunctionDef", ctx.tree.span(node), change, AWAIT_ORDER)
    yield Planned(edit, header=True)


def _turn(
    node: cst.FunctionDef, rename: str | None, mark: cst.BaseExpression | None
) -> cst.CSTNode:
    if mark is not None:
        node = node.with_changes(decorators=[cst.Decorator(mark), *node.decorators])
    return make_async(_named(node, rename) if rename else node)


def _cannot_turn(ctx: Context, node: ast.FunctionDef, generator: bool) -> Step | None:
    if not generator:
        return None
    for inner in ctx.tree.own_nodes(node):
        if isinstance(inner, ast.Return) and inner.value is not None:
            return ctx.refuse(
                inner,
                "generator-return",
                "an async generator cannot return a value",
                "hand the value out in another way, for example as the last item",
            )
    return None


def _generator(ctx: Context, node: ast.FunctionDef) -> Iterator[Step]:
    yield from return_annotation(ctx, node)
    yield from delegated_statements(ctx, node)
    for decorator in node.decorator_list:
        full = ctx.names.resolve(decorator)
        if full in ASYNC_DECORATORS:
            yield retargeted(ctx, decorator, ASYNC_DECORATORS[full])


def rename(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RENAME: the coroutine takes the name that its facade had."""
    node = ctx.tree.find_function(decision.span)
    assert node is not None, decision
    if node.name == "__iter__" and isinstance(node, ast.FunctionDef):
        yield from return_annotation(ctx, node)
        yield from returns_self(ctx, node, decision.detail.get("gives") == "another")
        yield from async_bases(ctx, node)
    change = partial(_named, name=decision.detail["to"])
    yield Planned(Edit("FunctionDef", ctx.tree.span(node), change, AWAIT_ORDER), header=True)


def _named(node: cst.FunctionDef, name: str) -> cst.FunctionDef:
    return node.with_changes(name=node.name.with_changes(value=name))


# ----------------------------------------------------------------------------- yield from


def delegated_statements(ctx: Context, node: FunctionNode) -> Iterator[Step]:
    """`yield from` cannot stand in an async function: over something sync it becomes a loop."""
    for inner in ctx.tree.own_nodes(node):
        if not isinstance(inner, ast.YieldFrom) or ctx.decided(inner, Action.DELEGATE):
            continue
        if not becomes_async(ctx, inner.value):
            yield from delegated(ctx, inner, asynchronous=False)


def delegated(
    ctx: Context, node: ast.YieldFrom, asynchronous: bool, closing: bool = False
) -> Iterator[Step]:
    """A `yield from` statement as a loop that yields each item."""
    statement = ctx.tree.parents[node]
    if not isinstance(statement, ast.Expr):
        yield ctx.refuse(
            node,
            "yield-from-value",
            "the value of `yield from` is used, and an async generator has none",
            "loop over the generator and yield its items in a statement of their own",
        )
        return
    name = ctx.names.fresh("item", ctx.tree.span(node))
    change: partial[Any] = partial(_loop, name=name, asynchronous=asynchronous)
    if closing:
        held = ctx.names.fresh("items", ctx.tree.span(node))
        how = aclosing_at(ctx, node)
        change = partial(_closing_loop, name=name, held=held, aclosing=how)
    span = ctx.tree.span(statement)
    yield Edit("SimpleStatementLine", span, change, AWAIT_ORDER, built=True)


def _closing_loop(
    node: cst.SimpleStatementLine, name: str, held: str, aclosing: cst.BaseExpression | None
) -> Any:
    return closing_loop(_loop(node, name, asynchronous=True), held, aclosing)


def _loop(node: cst.SimpleStatementLine, name: str, asynchronous: bool) -> cst.For:
    match node.body[0]:
        case cst.Expr(value=cst.Yield(value=cst.From(item=source))):
            pass
        case _:
            raise AssertionError(f"not a `yield from` statement: {node}")
    item = cst.SimpleStatementLine([cst.Expr(cst.Yield(cst.Name(name)))])
    return cst.For(
        target=cst.Name(name),
        iter=source,
        body=cst.IndentedBlock([item], header=node.trailing_whitespace),
        asynchronous=cst.Asynchronous() if asynchronous else None,
        leading_lines=node.leading_lines,
    )
