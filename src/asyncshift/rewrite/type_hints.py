"""Type hints follow what became async."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Decision
from asyncshift.rewrite.context import AWAIT_ORDER, BRIDGE_ORDER, Context, Step, kind_of

ASYNC_TYPES = {
    "Iterator": "AsyncIterator",
    "Iterable": "AsyncIterable",
    "Generator": "AsyncGenerator",
    "ContextManager": "AsyncContextManager",
    "AbstractContextManager": "AbstractAsyncContextManager",
}
_TYPE_MODULES = ("typing", "typing_extensions", "collections.abc", "contextlib")


def annotate(ctx: Context, decision: Decision) -> Iterator[Step]:
    """ANNOTATE: `Callable[..., T]` gives an awaitable, `Iterator[T]` is an async one."""
    node, kind = ctx.tree.find(decision.span, ast.Subscript), decision.detail["kind"]
    if not isinstance(node, ast.Subscript):
        line, column, end_line, end = decision.span
        quoted = ctx.tree.find((line, column - 1, end_line, end + 1), ast.Constant)
        if isinstance(quoted, ast.Constant):  # otherwise it is a part of what is quoted
            yield from _quoted(ctx, quoted) if kind != "function" else _quoted_callable(ctx, quoted)
        return
    full = ctx.names.resolve(node.value) or ""
    module, _, name = full.rpartition(".")
    if module not in _TYPE_MODULES:
        return
    if name in ASYNC_TYPES:
        if kind != "function":
            yield from _converted(ctx, node)
    elif name == "Callable" and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
        result = node.slice.elts[1]
        if kind != "function":
            yield from _converted(ctx, result)
        elif not _is_awaitable(ctx, result):
            new = ctx.text(f"{module}.Awaitable", result)
            change = partial(_as_awaitable, new=new)
            yield Edit(kind_of(result), ctx.tree.span(result), change, AWAIT_ORDER)


def _quoted_callable(ctx: Context, constant: ast.Constant) -> Iterator[Step]:
    text = str(constant.value)
    match ast.parse(text, mode="eval").body:
        case ast.Subscript(value=head, slice=ast.Tuple(elts=[_, result])):
            module, _, name = _name_in_string(ctx, head, constant).rpartition(".")
        case _:
            return
    start, end = result.col_offset, result.end_col_offset
    if module in _TYPE_MODULES and name == "Callable" and text.isascii() and "\n" not in text:
        new = ctx.names.dotted(f"{module}.Awaitable", ctx.tree.span(constant))
        text = f"{text[:start]}{new}[{text[start:end]}]{text[end:]}"
        change = partial(_new_string, text=text)
        yield Edit("SimpleString", ctx.tree.span(constant), change, AWAIT_ORDER)


def _is_awaitable(ctx: Context, node: ast.expr) -> bool:
    head = node.value if isinstance(node, ast.Subscript) else node
    last = (ctx.names.resolve(head) or "").rpartition(".")[2]
    return last in ("Any", "Awaitable", "Coroutine")


def _as_awaitable(node: cst.BaseExpression, new: cst.BaseExpression) -> cst.Subscript:
    return cst.Subscript(new, [cst.SubscriptElement(cst.Index(node))])


def retargeted(ctx: Context, node: ast.AST, new: str) -> Edit:
    """Another full name in the place of a name."""
    change = partial(_replaced, new=ctx.text(new, node))
    return Edit(kind_of(node), ctx.tree.span(node), change, AWAIT_ORDER)


def _replaced(node: cst.BaseExpression, new: cst.BaseExpression) -> cst.BaseExpression:
    return new.with_changes(lpar=node.lpar, rpar=node.rpar)


def return_annotation(ctx: Context, node: ast.FunctionDef) -> Iterator[Step]:
    """A generator's return annotation: the async type from the module that the sync one is from."""
    match node.returns:
        case ast.Constant(value=str()) as constant:
            yield from _quoted(ctx, constant)
        case ast.expr() as written:
            yield from _converted(ctx, written)


def _converted(ctx: Context, node: ast.expr) -> Iterator[Step]:
    match node:
        case ast.Subscript(value=base) as subscript:
            if (full := _async_type(ctx, base)) is None:
                return
            yield retargeted(ctx, base, full)
            if full.endswith(".AsyncGenerator") and _arity(subscript) == 3:
                yield Edit("Subscript", ctx.tree.span(subscript), _two_arguments, BRIDGE_ORDER)
        case ast.Name() | ast.Attribute() as base:
            if (full := _async_type(ctx, base)) is not None:
                yield retargeted(ctx, base, full)


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
