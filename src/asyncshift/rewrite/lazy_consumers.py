"""Builtins that hand on one by one what they take from an async generator: `map`, `filter`, ...

What they give becomes async as well.  `map`, `filter`, `starmap` and `chain` are generator
expressions then; the others have an async form in a module that is generated into the project, or
in asyncstdlib, where that is allowed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial

import libcst as cst

from asyncshift.edits import bound
from asyncshift.lazy import CONSUMERS, MODULE
from asyncshift.model import Action
from asyncshift.rewrite.context import Context

Change = Callable[[cst.Call], cst.BaseExpression]

_ASYNC = cst.Asynchronous()


def async_form(ctx: Context, node: ast.Call, name: str, places: Sequence[int]) -> Change | None:
    """How a lazy consumer, whose arguments at some places became async, is written as an async
    iterator; None where there is no way."""
    starred = [place for place, one in enumerate(node.args) if isinstance(one, ast.Starred)]
    if not set(places).isdisjoint(starred):
        return None
    if starred or node.keywords:
        return _by_name(ctx, node, name)
    match name, node.args:
        case (("map" | "filter" | "itertools.starmap"), [function, _]) if list(places) == [1]:
            if (clause := _clause_of(ctx, function, name)) is not None:
                return clause
        case "itertools.chain", [_, *_] if list(places) == [*range(len(node.args))]:
            if len(node.args) > 1:
                names = _unused(ctx, node, "part"), _unused(ctx, node, "item")
                return partial(_chained, names=names)
    return _by_name(ctx, node, name)


def called_name(ctx: Context, node: ast.Call) -> str:
    """The full name of what is called, as the call graph names consumers."""
    match node.func:
        case ast.Attribute(value=ast.Constant(value=str()), attr="join"):
            return "str.join"
        case ast.Name(id=name) if not ctx.names.meanings(name, node):
            return name
    return ctx.names.resolve(node.func) or ""


def becomes_async(ctx: Context, node: ast.expr) -> bool:
    """Whether a lazy consumer, or one that it stands in, gives an async iterator from now on."""
    if not isinstance(node, ast.Call) or called_name(ctx, node) not in CONSUMERS:
        return False
    if ctx.decided(node, Action.CONSUME):
        return True
    return any(becomes_async(ctx, one) for one in node.args)


def _by_name(ctx: Context, node: ast.Call, name: str) -> Change | None:
    """The function of the same name of asyncstdlib, or of the module that is generated."""
    if name not in CONSUMERS or any(isinstance(one, ast.NamedExpr) for one in ast.walk(node)):
        return None  # no assignment may stand in what a comprehension iterates
    last = name.removeprefix("itertools.")
    new = f"{MODULE}.{last.replace('.', '_')}"
    if "asyncstdlib" in ctx.options.get("allow", "").split(","):
        new = f"asyncstdlib.{last}"
    return partial(_called, function=ctx.text(new, node))


def _called(node: cst.Call, function: cst.BaseExpression) -> cst.Call:
    return node.with_changes(func=function)


def _unused(ctx: Context, node: ast.AST, wanted: str) -> str:
    """A generator expression has its own scope, so only the names in the call matter."""
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return next(name for name in (wanted, f"{wanted}_", f"{wanted}_2") if name not in used)


# ----------------------------------------------------------------------------- map, filter


def _clause_of(ctx: Context, function: ast.expr, name: str) -> Change | None:
    """`map(f, xs)` as `(f(x) async for x in xs)`, for an `f` that costs nothing to look up again;
    a lambda's body stands there itself."""
    match function:
        case ast.Lambda() if not _is_plain(ctx, function):
            return None
        case ast.Lambda(args=ast.arguments(args=[_])) if name != "itertools.starmap":
            return partial(_inlined, name=name)
        case ast.Lambda() if name == "itertools.starmap" and len(function.args.args) > 1:
            return partial(_inlined, name=name)
        case ast.Constant(value=None) if name == "filter":
            pass
        case _ if not _is_name(function):
            return None
    return partial(_with_clause, name=name, item=_unused(ctx, function, "item"))


def _is_name(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _is_plain(ctx: Context, node: ast.Lambda) -> bool:
    """Whether a lambda's body means the same in a comprehension, and nothing in it is decided."""
    given = node.args
    if given.posonlyargs or given.kwonlyargs or given.vararg or given.kwarg or given.defaults:
        return False
    spans = {ctx.tree.span(inner) for inner in ast.walk(node.body) if isinstance(inner, ast.expr)}
    if any(decision.span in spans for decision in ctx.decisions):
        return False
    return not any(
        isinstance(inner, (ast.NamedExpr, ast.Yield, ast.YieldFrom)) for inner in ast.walk(node)
    )


def _with_clause(node: cst.Call, name: str, item: str) -> cst.GeneratorExp:
    function, source = (arg.value for arg in node.args)
    taken = cst.Arg(cst.Name(item), star="*" if name == "itertools.starmap" else "")
    if name != "filter":
        return _expression(node, cst.Call(bound(function, 15), [taken]), cst.Name(item), source)
    none = isinstance(function, cst.Name) and function.value == "None"
    test: cst.BaseExpression = cst.Name(item)
    if not none:
        test = cst.Call(bound(function, 15), [taken])
    return _expression(node, cst.Name(item), cst.Name(item), source, test)


def _inlined(node: cst.Call, name: str) -> cst.GeneratorExp:
    function, source = (arg.value for arg in node.args)
    given = cst.ensure_type(function, cst.Lambda)
    names = [param.name for param in given.params.params]
    target: cst.BaseAssignTargetExpression = names[0]
    if name == "itertools.starmap":
        target = cst.Tuple([cst.Element(one) for one in names], lpar=(), rpar=())
    if name == "filter":
        return _expression(node, names[0], names[0], source, given.body)
    return _expression(node, given.body, target, source)


def _expression(
    node: cst.Call,
    element: cst.BaseExpression,
    target: cst.BaseAssignTargetExpression,
    source: cst.BaseExpression,
    test: cst.BaseExpression | None = None,
) -> cst.GeneratorExp:
    tests = [cst.CompIf(bound(test, 2))] if test is not None else []
    clause = cst.CompFor(target, bound(source, 2), tests, asynchronous=_ASYNC)
    return _parenthesised(node, bound(element, 1), clause)


def _parenthesised(
    node: cst.Call, element: cst.BaseExpression, clause: cst.CompFor
) -> cst.GeneratorExp:
    lpar = [*node.lpar, cst.LeftParen()]
    return cst.GeneratorExp(element, clause, lpar=lpar, rpar=[cst.RightParen(), *node.rpar])


def _chained(node: cst.Call, names: tuple[str, str]) -> cst.GeneratorExp:
    """`chain(a, b)` as `(item for part in (a, b) async for item in part)`."""
    part, item = map(cst.Name, names)
    inner = cst.CompFor(item, part, asynchronous=_ASYNC)
    elements = [cst.Element(bound(arg.value, 1)) for arg in node.args]
    return _parenthesised(node, item, cst.CompFor(part, cst.Tuple(elements), inner_for_in=inner))
