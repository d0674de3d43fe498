"""`def` becomes `async def`: name, return annotation, decorators, `yield from`; and new names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Action, Decision
from asyncshift.rewrite.blocks import make_async
from asyncshift.rewrite.context import (
    AWAIT_ORDER,
    BRIDGE_ORDER,
    Context,
    FunctionNode,
    Planned,
    Step,
    kind_of,
)
from asyncshift.rewrite.facades import facade_of

ASYNC_TYPES = {
    "Iterator": "AsyncIterator",
    "Iterable": "AsyncIterable",
    "Generator": "AsyncGenerator",
    "ContextManager": "AsyncContextManager",
    "AbstractContextManager": "AbstractAsyncContextManager",
}
_TYPE_MODULES = ("typing", "typing_extensions", "collections.abc", "contextlib")
ASYNC_DECORATORS = {"contextlib.contextmanager": "contextlib.asynccontextmanager"}


def make_function_async(ctx: Context, decision: Decision) -> Iterator[Step]:
    """MAKE_ASYNC: the `def` itself and what of its header and body must follow."""
    node = ctx.tree.find_function(decision.span)
    assert node is not None, decision
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
    change = partial(_turn, rename=rename)
    edit = Edit("FunctionDef", ctx.tree.span(node), change, AWAIT_ORDER)
    yield Planned(edit, header=True)


def _turn(node: cst.FunctionDef, rename: str | None) -> cst.CSTNode:
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
    yield from _annotation(ctx, node)
    yield from delegated_statements(ctx, node)
    for decorator in node.decorator_list:
        full = ctx.names.resolve(decorator)
        if full in ASYNC_DECORATORS:
            yield _retargeted(ctx, decorator, ASYNC_DECORATORS[full])


def rename(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RENAME: the coroutine takes the name that its facade had."""
    node = ctx.tree.find_function(decision.span)
    assert node is not None, decision
    change = partial(_named, name=decision.detail["to"])
    yield Planned(Edit("FunctionDef", ctx.tree.span(node), change, AWAIT_ORDER), header=True)


def _named(node: cst.FunctionDef, name: str) -> cst.FunctionDef:
    return node.with_changes(name=node.name.with_changes(value=name))


def _retargeted(ctx: Context, node: ast.AST, new: str) -> Edit:
    change = partial(_replaced, new=ctx.text(new, node))
    return Edit(kind_of(node), ctx.tree.span(node), change, AWAIT_ORDER)


def _replaced(node: cst.BaseExpression, new: cst.BaseExpression) -> cst.BaseExpression:
    return new.with_changes(lpar=node.lpar, rpar=node.rpar)


# ----------------------------------------------------------------------------- annotations


def _annotation(ctx: Context, node: ast.FunctionDef) -> Iterator[Step]:
    """A generator's return annotation: the async type from the module that the sync one is from."""
    match node.returns:
        case ast.Constant(value=str()) as constant:
            yield from _quoted(ctx, constant)
        case ast.Subscript(value=base) as subscript:
            if (full := _async_type(ctx, base)) is None:
                return
            yield _retargeted(ctx, base, full)
            if full.endswith(".AsyncGenerator") and _arity(subscript) == 3:
                yield Edit("Subscript", ctx.tree.span(subscript), _two_arguments, BRIDGE_ORDER)
        case ast.Name() | ast.Attribute() as base:
            if (full := _async_type(ctx, base)) is not None:
                yield _retargeted(ctx, base, full)


def _async_type(ctx: Context, node: ast.AST) -> str | None:
    full = ctx.names.resolve(node) or ""
    module, _, name = full.rpartition(".")
    return (
        f"{module}.{ASYNC_TYPES[name]}" if module in _TYPE_MODULES and name in ASYNC_TYPES else None
    )


def _arity(node: ast.Subscript) -> int:
    return len(node.slice.elts) if isinstance(node.slice, ast.Tuple) else 1


def _two_arguments(node: cst.Subscript) -> cst.Subscript:
    """`AsyncGenerator[Y, S, R]` has no third argument."""
    first, second = node.slice[0], node.slice[1]
    return node.with_changes(slice=[first, second.with_changes(comma=cst.MaybeSentinel.DEFAULT)])


def _quoted(ctx: Context, constant: ast.Constant) -> Iterator[Step]:
    """An annotation in quotes: its leading name is changed in the text."""
    try:
        inner = ast.parse(str(constant.value), mode="eval").body
    except SyntaxError:
        return
    base = inner.value if isinstance(inner, ast.Subscript) else inner
    meant = _name_in_string(ctx, base, constant)
    module, _, name = meant.rpartition(".")
    if module not in _TYPE_MODULES or name not in ASYNC_TYPES:
        return
    new = ctx.names.dotted(f"{module}.{ASYNC_TYPES[name]}", ctx.tree.span(constant))
    if isinstance(inner, ast.Subscript):
        arguments = inner.slice
        if name == "Generator" and isinstance(arguments, ast.Tuple) and len(arguments.elts) == 3:
            inner.slice = ast.Tuple(arguments.elts[:2], ast.Load())
        inner.value = ast.Name("_", ast.Load())
        new += ast.unparse(inner)[1:]
    yield Edit("SimpleString", ctx.tree.span(constant), partial(_new_string, text=new), AWAIT_ORDER)


def _name_in_string(ctx: Context, base: ast.AST, at: ast.AST) -> str:
    parts: list[str] = []
    while isinstance(base, ast.Attribute):
        parts.append(base.attr)
        base = base.value
    if not isinstance(base, ast.Name):
        return ""
    meanings = ctx.names.meanings(base.id, at)
    if len(meanings) != 1:
        return ""
    return ".".join([*meanings, *reversed(parts)])


def _new_string(node: cst.SimpleString, text: str) -> cst.SimpleString:
    """The same quotes around a new text (with the other quotes inside, if it has any)."""
    quote = node.quote
    other = "'" if quote.startswith('"') else '"'
    inside = text.replace(quote[0], other)
    return node.with_changes(value=f"{node.prefix}{quote}{inside}{quote}")


# ----------------------------------------------------------------------------- yield from


def delegated_statements(ctx: Context, node: FunctionNode) -> Iterator[Step]:
    """`yield from` cannot stand in an async function: over something sync it becomes a loop."""
    for inner in ctx.tree.own_nodes(node):
        if isinstance(inner, ast.YieldFrom) and not ctx.decided(inner, Action.DELEGATE):
            yield from delegated(ctx, inner, asynchronous=False)


def delegated(ctx: Context, node: ast.YieldFrom, asynchronous: bool) -> Iterator[Step]:
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
    change = partial(_loop, name=name, asynchronous=asynchronous)
    span = ctx.tree.span(statement)
    yield Edit("SimpleStatementLine", span, change, AWAIT_ORDER, built=True)


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
