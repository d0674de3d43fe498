"""References follow a function that has another name now: `fetch(x)` becomes `fetch_async(x)`.

While a facade stands, the new name is one more; when the facade goes, the old name goes with it.
What is not written by that name (a variable that holds the function) follows where it is assigned.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.handed import cleanup, handed
from asyncshift.model import THREADS, Action, Decision
from asyncshift.rewrite.context import AWAIT_ORDER, Context, FunctionNode, Step
from asyncshift.rewrite.names import Binding, same_module


@dataclass(frozen=True, slots=True)
class _Turn:
    """One function and its two names."""

    was: str
    name: str
    module: str
    scope: str
    """What it is defined in: `Client`, empty for a module."""

    @property
    def gone(self) -> bool:
        """The old name exists no more: it was that of a coroutine beside a facade."""
        return self.name in self.was


def retarget(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RETARGET: the callee at, or inside of, the decision's place."""
    detail = decision.detail
    module, _, qualified = detail["function"].partition(":")
    turn = _Turn(detail["was"], detail["name"], module, qualified.rpartition(".")[0])
    place = ctx.tree.place(decision.span)
    if isinstance(place, ast.alias):
        yield Edit("ImportAlias", decision.span, partial(_alias, name=turn.name), AWAIT_ORDER)
        return
    node = _reference(ctx, place, turn.was)
    match node:
        case ast.Attribute():
            yield from _attribute(ctx, node, turn)
        case ast.Name():
            yield from _name(ctx, node, turn)
        case _ if not turn.gone:
            yield _refused(ctx, place, turn)


def _alias(node: cst.ImportAlias, name: str) -> cst.ImportAlias:
    return node.with_changes(name=cst.Name(name))


def _refused(ctx: Context, node: ast.AST, turn: _Turn) -> Step:
    reason = f"{turn.was} is called {turn.name} now, and not reached by its own name here"
    return ctx.refuse(node, "retarget", reason, f"call {turn.was} by its name")


def _reference(ctx: Context, node: ast.AST, was: str) -> ast.Name | ast.Attribute | None:
    """The name or attribute by which a place reaches the function: outermost, left to right."""
    inside: list[ast.expr]
    match node:
        case ast.Name() | ast.Attribute():
            return node if _last(ctx, node) == was else None
        case ast.Call(func=ast.Name() | ast.Attribute() as func) if _last(ctx, func) == was:
            return func
        case ast.Call(func=func, args=args) as call:
            inside = [a for a in args if isinstance(a, (ast.Call, ast.Starred, ast.GeneratorExp))]
            index = 0 if cleanup(node) else handed(node)
            if index is not None:
                inside = [args[index], *inside]
            if (_last(ctx, func) or "") in {*THREADS, "partial"}:
                inside = [*args[:1], *inside]
            if ctx.decided(call, Action.MAPPED):
                inside = [*args[:1], *(k.value for k in call.keywords), *inside]
        case ast.YieldFrom(value=value) | ast.Starred(value=value) | ast.Await(value=value):
            inside = [value]
        case ast.GeneratorExp(generators=[first, *_]):
            inside = [first.iter]
        case _:
            return None
    found = (_reference(ctx, part, was) for part in inside)
    return next((reference for reference in found if reference is not None), None)


def _last(ctx: Context, node: ast.AST) -> str | None:
    """The last identifier of a reference, imported aliases under their real names."""
    match node:
        case ast.Attribute(attr=attr):
            return attr
        case ast.Name(id=name):
            return (ctx.names.resolve(node) or name).rpartition(".")[2]
    return None


# ----------------------------------------------------------------------------- attributes


def _attribute(ctx: Context, node: ast.Attribute, turn: _Turn) -> Iterator[Step]:
    full = ctx.names.resolve(node)
    if not turn.scope and full is None:
        yield _refused(ctx, node, turn)
        return
    if not turn.scope and full and not same_module(full.rpartition(".")[0], turn.module):
        text = ctx.names.dotted(f"{turn.module}:{turn.name}", ctx.tree.span(node))
        yield Edit("Attribute", ctx.tree.span(node), partial(_replaced, text=text), AWAIT_ORDER)
        return
    if _is_stored(ctx, node.attr):
        if not turn.gone:
            yield _refused(ctx, node, turn)
        return
    change = partial(_renamed, name=turn.name)
    yield Edit("Attribute", ctx.tree.span(node), change, AWAIT_ORDER)


def _is_stored(ctx: Context, name: str) -> bool:
    """`self.fetch = ...` somewhere in this file: then it is a variable like any other."""
    return any(
        isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Store)
        for node in ctx.tree.parents
    )


def _renamed(node: cst.Attribute, name: str) -> cst.Attribute:
    return node.with_changes(attr=node.attr.with_changes(value=name))


def _replaced(node: cst.BaseExpression, text: str) -> cst.BaseExpression:
    return cst.parse_expression(text).with_changes(lpar=node.lpar, rpar=node.rpar)


# ----------------------------------------------------------------------------- names


def _name(ctx: Context, node: ast.Name, turn: _Turn) -> Iterator[Step]:
    home = ctx.names.binder(node.id, node)
    meanings = ctx.names.meanings(node.id, node)
    imported = [b for b in ctx.names.bindings if b.name == node.id and b.full in meanings]
    text: str | None = None
    if home is None:
        text = ctx.names.dotted(f"{turn.module}:{turn.name}", ctx.tree.span(node))
    elif imported and len(meanings) == 1:
        text = _imported(ctx, node, imported, turn)
    elif not imported and _is_defined(ctx, home, node.id):
        text = turn.name if ctx.names.binder(turn.name, node) in (None, home) else None
    elif turn.gone:
        return
    if text is None:
        yield _refused(ctx, node, turn)
        return
    yield Edit("Name", ctx.tree.span(node), partial(_replaced, text=text), AWAIT_ORDER)


def _imported(ctx: Context, node: ast.Name, imported: list[Binding], turn: _Turn) -> str:
    """The name that its import gives it; several functions may each import it for themselves."""
    own = set(ctx.tree.ancestors(node))
    near = [b for b in imported if ctx.tree.scope(b.statement) in own]
    binding = near[-1] if near else imported[0]
    if turn.gone:
        ctx.names.gone.add(binding.full)
    return ctx.names.follow(binding, turn.name, turn.module, node)


def _is_defined(ctx: Context, scope: ast.AST, name: str) -> bool:
    """Whether a scope binds a name by `def` and in no other way."""
    defined = False
    for node in ctx.tree.own_nodes(scope):
        match node:
            case ast.Name(id=other, ctx=ast.Store() | ast.Del()) if other == name:
                return False
            case ast.FunctionDef(name=other) | ast.AsyncFunctionDef(name=other) if other == name:
                defined = True
    return defined and not _is_parameter(scope, name)


def _is_parameter(scope: ast.AST, name: str) -> bool:
    args = scope.args if isinstance(scope, FunctionNode | ast.Lambda) else None
    return args is not None and any(
        isinstance(node, ast.arg) and node.arg == name for node in ast.walk(args)
    )
