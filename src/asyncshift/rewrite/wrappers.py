"""What waits for a coroutine, or runs a function elsewhere: taken away, or exchanged.

`run_sync(f(x))` becomes `f(x)`, `to_thread(f, x)` becomes `f(x)`; what is awaited is not decided
here.  Done before anything else at the same place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.edits import parenthesize
from asyncshift.model import (
    THREADS,
    Decision,
)
from asyncshift.rewrite.context import Context, Step
from asyncshift.rewrite.names import BRIDGE

UNWRAP_ORDER = -10


def unwrap(ctx: Context, decision: Decision) -> Iterator[Step]:
    """UNWRAP: a wrapper's call becomes what it wraps."""
    node = _call(ctx, decision)
    threaded = decision.detail["wrapper"] in THREADS
    match node:
        case ast.Call(args=[ast.Starred(), *_]) | ast.Call(args=[], keywords=[]):
            yield _not_plain(ctx, node)
        case ast.Call(args=[]) if threaded:
            yield _not_plain(ctx, node)
        case ast.Call(args=[ast.Name(id="getattr"), _, ast.Constant()]) if threaded:
            yield Edit("Call", decision.span, _read, UNWRAP_ORDER)
        case _:
            change = _called if threaded else _bare
            yield Edit("Call", decision.span, change, UNWRAP_ORDER)


def rerun(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RERUN: the program's start with the bridge's loop, or without it again."""
    node = _call(ctx, decision)
    if decision.detail["to"] != "bridge":
        yield from _exchanged(ctx, node, "asyncio.run", "asyncio.run")
    elif len(node.args) == 1 and not node.keywords:
        yield from _exchanged(ctx, node, f"{ctx.bridge}.run", f"{BRIDGE}.run")
    else:
        text = "asyncio.run has options here, so this loop is not that of the bridges"
        yield ctx.look(node, "run-options", text)


def rethread(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RETHREAD: a thread of the default executor, or one of the bridge's own."""
    node = _call(ctx, decision)
    if decision.detail["to"] == "in_thread":
        yield from _exchanged(ctx, node, f"{ctx.bridge}.in_thread", f"{BRIDGE}.in_thread")
    else:
        yield from _exchanged(ctx, node, "asyncio.to_thread", "asyncio.to_thread")


def _call(ctx: Context, decision: Decision) -> ast.Call:
    node = ctx.tree.find(decision.span, ast.Call)
    assert isinstance(node, ast.Call), decision
    return node


def _not_plain(ctx: Context, node: ast.AST) -> Step:
    reason = "what is wrapped here does not stand as the first argument"
    return ctx.refuse(node, "unwrap", reason, "write what is called as the first argument")


# ----------------------------------------------------------------------------- taken away


def _bare(node: cst.Call) -> cst.BaseExpression:
    """`run_sync(f(x))` as `f(x)`.  A comment inside, or a line break that the wrapper's parentheses
    allowed, keeps a pair of them."""
    first = node.args[0]
    value = first.value
    gaps = (node.whitespace_before_args, first.whitespace_after_arg, _after(first))
    if any(_has_comment(gap) for gap in gaps):
        closing = gaps[2] if isinstance(gaps[2], cst.ParenthesizedWhitespace) else gaps[1]
        value = value.with_changes(
            lpar=[cst.LeftParen(whitespace_after=gaps[0]), *value.lpar],
            rpar=[*value.rpar, cst.RightParen(whitespace_before=closing)],
        )
    elif not value.lpar and not _stands_alone(value):
        value = parenthesize(value)
    return _in_its_parentheses(node, value)


def _after(arg: cst.Arg) -> cst.BaseParenthesizableWhitespace:
    if isinstance(arg.comma, cst.Comma):
        return arg.comma.whitespace_after
    return cst.SimpleWhitespace("")


def _has_comment(gap: cst.BaseParenthesizableWhitespace) -> bool:
    match gap:
        case cst.ParenthesizedWhitespace(first_line=line, empty_lines=lines):
            return line.comment is not None or any(row.comment is not None for row in lines)
    return False


def _stands_alone(value: cst.BaseExpression) -> bool:
    """Whether a value means the same without the parentheses around it."""
    if isinstance(value, cst.GeneratorExp):
        return False
    try:
        ast.parse(cst.Module([]).code_for_node(value).strip(), mode="eval")
    except SyntaxError:
        return False
    return True


def _in_its_parentheses(node: cst.Call, value: cst.BaseExpression) -> cst.BaseExpression:
    if node.lpar:
        value = value.with_changes(lpar=node.lpar, rpar=node.rpar)
    return value


def _read(node: cst.Call) -> cst.BaseExpression:
    """`to_thread(getattr, x, "name")` as `x.name`."""
    owner = node.args[1].value
    name = ast.literal_eval(cst.ensure_type(node.args[2].value, cst.SimpleString).value)
    if not isinstance(owner, (cst.Name, cst.Attribute, cst.Call, cst.Subscript)) and not owner.lpar:
        owner = parenthesize(owner)
    return cst.Attribute(owner, cst.Name(name), lpar=node.lpar, rpar=node.rpar)


def _called(node: cst.Call) -> cst.BaseExpression:
    """`to_thread(f, x)` as `f(x)`; the layout of the arguments stays."""
    first, *rest = node.args
    gap = node.whitespace_before_args
    between = _after(first)
    if rest and isinstance(between, cst.ParenthesizedWhitespace):
        comments = isinstance(gap, cst.ParenthesizedWhitespace) and not _has_comment(between)
        gap = gap if comments else between
    func = first.value
    if not isinstance(func, (cst.Name, cst.Attribute, cst.Call, cst.Subscript)) and not func.lpar:
        func = parenthesize(func)
    return node.with_changes(
        func=func, args=rest, whitespace_before_args=gap if rest else cst.SimpleWhitespace("")
    )


# ----------------------------------------------------------------------------- exchanged


def _exchanged(ctx: Context, node: ast.Call, new: str, known: str) -> Iterator[Step]:
    if ctx.names.resolve(node.func) == known:
        return
    if new.startswith("."):
        raise AssertionError("a bridge was planned, and no bridge module was named")
    text = ctx.names.dotted(new, ctx.tree.span(node))
    yield Edit("Call", ctx.tree.span(node), partial(_with_function, text=text), UNWRAP_ORDER)


def _with_function(node: cst.Call, text: str) -> cst.Call:
    return node.with_changes(func=cst.parse_expression(text))
