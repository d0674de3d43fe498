"""Calls that change their callee or lose their wrapper: `fetch` becomes `fetch_async` or the other
way round, `run_sync(f(x))` and `to_thread(f, x)` become `f(x)`, runners and threads change kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Decision
from asyncshift.rewrite.context import BRIDGE_ORDER, Context, Planned, Step, kind_of

_FIRST, _LAST = 5, BRIDGE_ORDER + 10
_THREADS = ("to_thread", "in_thread")


def rename(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RENAME: the coroutine of a facade that went gets the plain name."""
    node = ctx.tree.find_function(decision.span)
    assert node is not None, decision
    change = partial(_renamed_def, name=decision.detail["to"])
    yield Planned(Edit("FunctionDef", ctx.tree.span(node), change, _FIRST), header=True)


def _renamed_def(node: cst.FunctionDef, name: str) -> cst.FunctionDef:
    return node.with_changes(name=node.name.with_changes(value=name))


def retarget(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RETARGET: the name in callee position at the decision's place."""
    was, name = decision.detail["was"], decision.detail["name"]
    place = ctx.tree.place(decision.span)
    callee = _callee(place, was)
    match callee:
        case ast.Attribute():
            change = partial(_renamed_attribute, name=name)
            yield Edit("Attribute", ctx.tree.span(callee), change, _FIRST)
        case ast.Name():
            yield _renamed_name(ctx, callee, decision)
        case _:
            yield ctx.refuse(
                place,
                "retarget",
                f"`{was}` is not called by its name here, and the coroutine is `{name}`",
                f"call {was} directly",
            )


def _callee(place: ast.AST, was: str) -> ast.expr | None:
    """What is called at a place: directly, through a wrapper, or the one call inside it."""
    if isinstance(place, ast.Call):
        if _is_called(place.func, was):
            return place.func
        if place.args and _is_called(place.args[0], was):
            return place.args[0]
    if isinstance(place, (ast.Name, ast.Attribute)) and _is_called(place, was):
        return place
    inside = [
        inner.func
        for inner in ast.walk(place)
        if isinstance(inner, ast.Call) and _is_called(inner.func, was)
    ]
    return inside[0] if len(inside) == 1 else None


def _is_called(node: ast.expr, was: str) -> bool:
    match node:
        case ast.Attribute(attr=attr):
            return attr == was
        case ast.Name():
            return True
    return False


def _renamed_attribute(node: cst.Attribute, name: str) -> cst.Attribute:
    return node.with_changes(attr=node.attr.with_changes(value=name))


def _renamed_name(ctx: Context, callee: ast.Name, decision: Decision) -> Step:
    name, was = decision.detail["name"], decision.detail["was"]
    full = ctx.names.resolve(callee)
    if full is not None and full.rpartition(".")[2] == was:
        module = full.rpartition(".")[0]
        new = ctx.names.dotted(f"{module}:{name}", ctx.tree.span(callee))
    elif callee.id == was:
        new = name
    else:
        return ctx.refuse(
            callee,
            "retarget",
            f"`{callee.id}` is kept in a variable, and the coroutine is `{name}`",
            f"call {was} directly",
        )
    change = partial(_replaced, new=cst.parse_expression(new))
    return Edit("Name", ctx.tree.span(callee), change, _FIRST)


def _replaced(node: cst.Name, new: cst.BaseExpression) -> cst.BaseExpression:
    return new.with_changes(lpar=node.lpar, rpar=node.rpar)


# ----------------------------------------------------------------------------- wrappers


def unwrap(ctx: Context, decision: Decision) -> Iterator[Step]:
    """UNWRAP: what a bridge or a thread hop wraps, by itself."""
    node = ctx.tree.find(decision.span, ast.Call)
    if not isinstance(node, ast.Call) or not node.args:
        place = ctx.tree.place(decision.span)
        yield ctx.refuse(place, "unwrap", "the bridge is not a plain call", "await it by hand")
        return
    threads = decision.detail["wrapper"] in _THREADS
    yield Edit("Call", decision.span, _called if threads else _wrapped, _LAST)


def _wrapped(node: cst.Call) -> cst.BaseExpression:
    value = node.args[0].value
    if not node.lpar:
        return value
    return value.with_changes(lpar=[*node.lpar, *value.lpar], rpar=[*value.rpar, *node.rpar])


def _called(node: cst.Call) -> cst.Call:
    """`to_thread(f, a)` as `f(a)`; the layout of the arguments stays."""
    first, *rest = node.args
    function = first.value
    if not isinstance(function, (cst.Name, cst.Attribute, cst.Call, cst.Subscript)):
        function = function.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    before: cst.BaseParenthesizableWhitespace = node.whitespace_before_args
    if not rest and not isinstance(before, cst.SimpleWhitespace):
        before = cst.SimpleWhitespace("")
    return node.with_changes(func=function, args=rest, whitespace_before_args=before)


def rerun(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RERUN: `asyncio.run(main())` and the bridge's `run(main())` change places."""
    bridged = decision.detail["to"] == "bridge"
    wanted = f"{ctx.bridge}.run" if bridged else "asyncio.run"
    yield from _with_function(ctx, decision, wanted)


def rethread(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RETHREAD: `asyncio.to_thread` and the bridge's `in_thread` change places."""
    own = decision.detail["to"] == "in_thread"
    wanted = f"{ctx.bridge}.in_thread" if own else "asyncio.to_thread"
    yield from _with_function(ctx, decision, wanted)


def _with_function(ctx: Context, decision: Decision, wanted: str) -> Iterator[Step]:
    node = ctx.tree.find(decision.span, ast.Call)
    if not isinstance(node, ast.Call):
        return
    if ctx.names.resolve(node.func) == wanted:
        return
    change = partial(_replaced_function, new=ctx.text(wanted, node))
    yield Edit(kind_of(node.func), ctx.tree.span(node.func), change, _FIRST)


def _replaced_function(node: cst.BaseExpression, new: cst.BaseExpression) -> cst.BaseExpression:
    return new.with_changes(lpar=node.lpar, rpar=node.rpar)
