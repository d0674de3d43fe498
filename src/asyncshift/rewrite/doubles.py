"""What tests put in the place of a function that is async now must be awaitable as well.

`patch("shop.api.fetch")` makes an AsyncMock by itself; a function, a lambda or a Mock that is
handed over is put behind one: `AsyncMock(side_effect=lambda x: 5)`.  What takes the place of a
method stays a function, because a mock is not bound to an instance: it gives what one gives.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import MOCKS, Decision
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Step, kind_of


def double(ctx: Context, decision: Decision) -> Iterator[Step]:
    """DOUBLE: what the function is replaced with, on the line where it is replaced by its name."""
    if "members" in decision.detail:
        yield from _with_members(ctx, decision)
        return
    name = decision.detail["name"]
    if "library" in decision.detail:
        yield from _of_library(ctx, decision.span[0], name, decision.detail["library"])
        return
    for value in _replacements(ctx, decision.span[0], name):
        span = ctx.tree.span(value)
        if ("double", span) in ctx.done:
            continue
        ctx.done.add(("double", span))
        match value:
            case ast.Lambda() if "bound" in decision.detail:
                made = partial(_gives, new=ctx.text("unittest.mock.AsyncMock", value))
                yield Edit("Lambda", span, made, AWAIT_ORDER)
            case ast.Name() if "bound" in decision.detail and _is_sync_function(ctx, value):
                named = partial(_bound, new=ctx.text("unittest.mock.AsyncMock", value))
                yield Edit("Name", span, named, AWAIT_ORDER)
            case ast.Lambda():
                yield _behind_mock(ctx, value)
            case ast.Name() if _is_sync_function(ctx, value):
                yield _behind_mock(ctx, value)
            case ast.Call(func=made) if ctx.names.resolve(made) in MOCKS:
                change = partial(_other_call, new=ctx.text("unittest.mock.AsyncMock", value))
                yield Edit("Call", span, change, AWAIT_ORDER)


def _of_library(ctx: Context, line: int, name: str, new: str) -> Iterator[Step]:
    """`patch("pkg.requests.get")` as `patch("pkg._http.get", return_value=MagicMock())`: what an
    AsyncMock gives would be one, too."""
    for node in ast.walk(ctx.tree.module):
        match node:
            case ast.Call(args=[ast.Constant(value=str() as text), *rest]) if (
                node.lineno == line and text.rpartition(".")[2] == name
            ):
                changed = ctx.names.full(new)
                span = ctx.tree.span(node.args[0])
                yield Edit("SimpleString", span, partial(_other_text, new=changed), AWAIT_ORDER)
            case ast.Call(args=[target, ast.Constant(value=str() as text), *rest]) if (
                node.lineno == line and text == name
            ):
                holder = ctx.names.dotted(new, ctx.tree.span(target)).rpartition(".")[0]
                changed_to = cst.parse_expression(holder)
                exchange = partial(_exchange, new=changed_to)
                yield Edit(kind_of(target), ctx.tree.span(target), exchange, AWAIT_ORDER)
            case _:
                continue
        given = {k.arg: k.value for k in node.keywords}
        value = next(iter(rest), None) or given.get("new") or given.get("value")
        if value is not None:
            yield from _awaitable(ctx, value)
        elif "new_callable" in given and ctx.names.resolve(given["new_callable"]) in MOCKS:
            span = ctx.tree.span(given["new_callable"])
            exchange = partial(_exchange, new=ctx.text("unittest.mock.AsyncMock", node))
            yield Edit(kind_of(given["new_callable"]), span, exchange, AWAIT_ORDER)
        if value is None and given.keys().isdisjoint({"return_value", "side_effect"}):
            mock = ctx.text("unittest.mock.MagicMock", node)
            add = partial(_with_keyword, name="return_value", value=cst.Call(mock))
            yield Edit("Call", ctx.tree.span(node), add, AWAIT_ORDER)


def _awaitable(ctx: Context, value: ast.expr) -> Iterator[Step]:
    """What is put in the place of a coroutine function: `AsyncMock(side_effect=fake)`."""
    match value:
        case ast.Call(func=made, args=[], keywords=given) if ctx.names.resolve(made) in MOCKS:
            span = ctx.tree.span(value)
            new = ctx.text("unittest.mock.AsyncMock", value)
            yield Edit("Call", span, partial(_other_call, new=new), AWAIT_ORDER)
            if {k.arg for k in given}.isdisjoint({"return_value", "side_effect"}):
                mock = cst.Call(cst.parse_expression(ctx.tree.source(made)))
                add = partial(_with_keyword, name="return_value", value=mock)
                yield Edit("Call", span, add, AWAIT_ORDER + 1)
        case ast.Name() if _is_async_function(ctx, value):
            pass
        case _:
            yield _behind_mock(ctx, value)


def _is_async_function(ctx: Context, node: ast.Name) -> bool:
    """Whether a name stands for a coroutine function of the file, as it is or will be."""
    return any(
        inner.name == node.id and (isinstance(inner, ast.AsyncFunctionDef) or inner in ctx.turned)
        for inner in ast.walk(ctx.tree.module)
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def _other_text(node: cst.SimpleString, new: str) -> cst.SimpleString:
    return node.with_changes(value=f"{node.prefix}{node.quote}{new}{node.quote}")


def _exchange(node: cst.BaseExpression, new: cst.BaseExpression) -> cst.BaseExpression:
    return new


def _with_keyword(node: cst.Call, name: str, value: cst.BaseExpression) -> cst.Call:
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    arg = cst.Arg(value, keyword=cst.Name(name), equal=equal)
    *others, last = node.args
    if isinstance(last.comma, cst.Comma):  # a trailing comma goes on being the last
        return node.with_changes(args=[*others, last, arg.with_changes(comma=last.comma)])
    between = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return node.with_changes(args=[*others, last.with_changes(comma=between), arg])


def _with_members(ctx: Context, decision: Decision) -> Iterator[Step]:
    """`client = Mock()` -> `client = Mock(get=AsyncMock())`; where the sync name stays as well,
    the coroutine's calls on to it: `get_async=AsyncMock(side_effect=lambda ...: client.get(...))`.
    """
    lists = {key: text.split(",") if text else [] for key, text in decision.detail.items()}
    for node in ast.walk(ctx.tree.module):
        match node:
            case ast.Assign(targets=[target], value=ast.Call(func=made, args=[]) as call) if (
                node.lineno == decision.span[0] and ctx.names.resolve(made) in MOCKS
            ):
                mock = ctx.names.dotted("unittest.mock.AsyncMock", ctx.tree.span(call))
                new = {
                    name: f"{mock}()"
                    if name in lists["answered"]
                    else f"{mock}(return_value={ctx.tree.source(made)}())"
                    for name in lists["members"]
                }
                for pair in lists["beside"]:
                    name, _, sync = pair.partition("=")
                    on = f"{ctx.tree.source(target)}.{sync}(*a, **k)"
                    new[name] = f"{mock}(side_effect=lambda *a, **k: {on})"
                change = partial(_given, tuple(new.items()), tuple(lists["gone"]))
                yield Edit("Call", ctx.tree.span(call), change, AWAIT_ORDER)


def _given(new: tuple[tuple[str, str], ...], gone: tuple[str, ...], node: cst.Call) -> cst.Call:
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    kept = {
        arg.keyword.value: arg.value
        for arg in node.args
        if arg.keyword is not None and arg.keyword.value not in gone
    }
    kept |= {name: cst.parse_expression(text) for name, text in new}
    made = [
        cst.Arg(value, keyword=cst.Name(name), equal=equal) for name, value in sorted(kept.items())
    ]
    return node.with_changes(args=made)


def _replacements(ctx: Context, line: int, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(ctx.tree.module):
        match node:
            case ast.Assign(targets=[ast.Attribute(attr=attr)], value=value):
                if attr == name and node.lineno == line:
                    yield value
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=args):
                by = next((i for i, arg in enumerate(args) if _names(arg, name)), None)
                if by is None or line not in (node.lineno, args[by].lineno):
                    continue
                if called in ("setattr", "patch", "object") and len(args) > by + 1:
                    yield args[by + 1]
                yield from (k.value for k in node.keywords if k.arg in ("new", "value"))


def _names(node: ast.expr, name: str) -> bool:
    match node:
        case ast.Constant(value=str() as text):
            return text.replace(":", ".").rpartition(".")[2] == name
    return False


def _is_sync_function(ctx: Context, node: ast.Name) -> bool:
    """Whether a name stands for a plain function that is defined around, and stays as it is."""
    scope = ctx.tree.scope(node)
    while True:
        for inner in ctx.tree.own_nodes(scope):
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner.name == node.id:
                plain = isinstance(inner, ast.FunctionDef) and not ctx.tree.is_generator(inner)
                return plain and inner not in ctx.turned and not inner.decorator_list
        if isinstance(scope, ast.Module):
            return False
        scope = ctx.tree.scope(scope)


def _behind_mock(ctx: Context, value: ast.expr) -> Edit:
    change = partial(_as_side_effect, new=ctx.text("unittest.mock.AsyncMock", value))
    return Edit(kind_of(value), ctx.tree.span(value), change, AWAIT_ORDER)


def _as_side_effect(node: cst.BaseExpression, new: cst.BaseExpression) -> cst.Call:
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    bare = node.with_changes(lpar=(), rpar=())
    return cst.Call(new, [cst.Arg(bare, keyword=cst.Name("side_effect"), equal=equal)])


def _gives(node: cst.Lambda, new: cst.BaseExpression) -> cst.Lambda:
    """A mock is no function, and is not bound to an instance: a lambda that gives a coroutine."""
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    mock = cst.Call(new, [cst.Arg(node.body, keyword=cst.Name("return_value"), equal=equal)])
    return node.with_changes(body=cst.Call(mock))


def _bound(node: cst.Name, new: cst.BaseExpression) -> cst.BaseExpression:
    mock = _as_side_effect(node, new)
    text = f"lambda *args, **kwargs: {cst.Module([]).code_for_node(mock)}(*args, **kwargs)"
    return cst.parse_expression(text)


def _other_call(node: cst.Call, new: cst.BaseExpression) -> cst.Call:
    return node.with_changes(func=new)
