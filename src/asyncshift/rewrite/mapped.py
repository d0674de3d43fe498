"""Builtins that call what they are handed, over a coroutine function.

`map(f, rows)` is `(await f(item) for item in rows)`: an async generator expression, which gives its
items as late as `map` did.  What takes all of them gets a list.  `sorted(rows, key=f)` works out
every key first, as it always did, and then compares keys alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.edits import bound
from asyncshift.model import Action, Decision
from asyncshift.rewrite.awaits import awaited
from asyncshift.rewrite.blocks import make_async
from asyncshift.rewrite.consumers import WHOLE, eager, list_of, negated, short_circuit
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Planned, Step

_KEYED = frozenset({"sorted", "min", "max"})
_LAZY = "{} gives its items one by one to code that cannot await"
_OPAQUE = "{} is handed a function that is worked out here, and would be worked out for every item"


def apart(ctx: Context, decision: Decision) -> Iterator[Step]:
    """MAPPED: the builtin's call at the decision's place."""
    node = ctx.tree.find(decision.span, ast.Call)
    assert isinstance(node, ast.Call), decision
    name = decision.detail["consumer"]
    if (refusal := ctx.cannot_await(node)) is not None:
        yield refusal
        return
    function = _function_of(node, name)
    if function is None or not _is_plain(function, len(node.args) - 1):
        yield _refused(ctx, node, "mapped-function", _OPAQUE.format(name))
    elif name in _KEYED:
        yield from _keyed(ctx, node, name)
    elif any(isinstance(argument, ast.Starred) for argument in node.args) or node.keywords:
        yield _refused(ctx, node, "mapped-star", f"{name} is handed nobody knows how much")
    else:
        yield from _mapped(ctx, node, name)


def _refused(ctx: Context, node: ast.Call, rule: str, reason: str) -> Step:
    return ctx.refuse(node, rule, reason, "write the loop out, or collect the items in a list")


def _function_of(node: ast.Call, name: str) -> ast.expr | None:
    if name in _KEYED:
        return next((k.value for k in node.keywords if k.arg == "key"), None)
    return node.args[0] if len(node.args) > 1 else None


def _is_plain(function: ast.expr, items: int) -> bool:
    """A name, a chain of attributes, or a lambda whose body can stand in a comprehension."""
    match function:
        case ast.Lambda(args=ast.arguments(args=names, vararg=None, kwarg=None) as arguments):
            more = arguments.posonlyargs or arguments.kwonlyargs or arguments.defaults
            return not more and bool(names) and not any(map(_has_a_scope, ast.walk(function.body)))
        case ast.Attribute(value=value):
            return _is_plain(value, items) and not isinstance(value, ast.Lambda)
    return isinstance(function, ast.Name)


def _has_a_scope(node: ast.AST) -> bool:
    """What would see the variable of a comprehension later, or bind a name outside of it."""
    return isinstance(node, (ast.Lambda, ast.GeneratorExp, ast.NamedExpr, ast.Yield, ast.YieldFrom))


# ----------------------------------------------------------------------------- item by item


@dataclass(frozen=True, slots=True)
class _Form:
    """How a call becomes a generator expression."""

    name: str
    item: tuple[str, ...]
    zipped: cst.BaseExpression
    asynchronous: bool
    awaits: bool = True


def _mapped(ctx: Context, node: ast.Call, name: str) -> Iterator[Step]:
    several = len(node.args) - 1
    if several > 1 and name != "map":
        yield _refused(ctx, node, "mapped-star", f"{name} takes one iterable")
        return
    asynchronous = ctx.decided(node, Action.CONSUME) or any(
        ctx.decided(source, Action.MAPPED) and not _gives_list(ctx, source)
        for source in node.args[1:]
    )
    if asynchronous and several > 1:
        yield _refused(ctx, node, "mapped-zip", "zip takes no async generator")
        return
    function = node.args[0]
    if isinstance(function, ast.Lambda) and (
        name == "itertools.starmap" or len(function.args.args) != several
    ):
        yield _refused(ctx, node, "mapped-function", f"{name} takes the lambda's items apart")
        return
    form = _Form(name, _items(node, several), ctx.text("zip", node), asynchronous)
    steps = _taken(ctx, node, form)
    if steps is None:
        yield _refused(ctx, node, "mapped-lazy", _LAZY.format(name))
        return
    yield from steps


def _gives_list(ctx: Context, node: ast.expr) -> bool:
    """Whether what stands there afterwards is no async generator: `sorted(rows, key=f)`."""
    decision = ctx.places[Action.MAPPED, ctx.tree.span(node)]
    return decision.detail["consumer"] in _KEYED


def _items(node: ast.Call, several: int) -> tuple[str, ...]:
    """Names of items; a comprehension has its own scope, so they must only differ from those in
    the call."""
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    base = next(name for name in ("item", "entry", "value_", "item_") if name not in used)
    if several == 1:
        return (base,)
    return tuple(f"{base}{number}" for number in range(1, several + 1))


def _taken(ctx: Context, node: ast.Call, form: _Form) -> list[Step] | None:
    """The edits of a call and of what takes its items; None where the items go to code that cannot
    await."""
    change = partial(_generator, form=form)
    here: list[Step] = [Edit("Call", ctx.tree.span(node), change, AWAIT_ORDER)]
    parent = ctx.tree.parents[node]
    match parent:
        case ast.Call() if ctx.decided(parent, Action.MAPPED):
            return here if parent.args[1:] == [node] else None
        case ast.Call(args=[first, *_]) if first is node and (taker := _taker(ctx, parent)):
            if taker in ("any", "all"):
                return [*here, *short_circuit(ctx, parent, taker)]
            return [*here, *eager(ctx, parent, taker)]
        case ast.Call(args=[ast.Name() | ast.Attribute(), inner], keywords=[]) if (
            inner is node and (name := _builtin(ctx, parent)) in ("map", "filter")
        ):
            form = _Form(name, _items(parent, 1), form.zipped, asynchronous=True, awaits=False)
            around = _taken(ctx, parent, form)
            return None if around is None else [*here, *around]
        case ast.For(iter=iterated) if iterated is node:
            return [
                *here,
                Planned(Edit("For", ctx.tree.span(parent), make_async, AWAIT_ORDER), header=True),
            ]
        case ast.comprehension(iter=iterated) if iterated is node:
            built = ctx.tree.parents[parent]
            if isinstance(built, ast.GeneratorExp):
                return None
            clause = Edit("CompFor", ctx.tree.span(node), make_async, AWAIT_ORDER)
            return [*here, ctx.cannot_await(built) or clause]
        case (
            ast.Starred(value=value) | ast.Assign(targets=[ast.Tuple() | ast.List()], value=value)
        ) if value is node:
            listed = partial(_list, form=form)
            return [Edit("Call", ctx.tree.span(node), listed, AWAIT_ORDER)]
    return None


def _builtin(ctx: Context, node: ast.Call) -> str:
    """The full name of what is called, also of a builtin; empty where it is not known."""
    full = ctx.names.resolve(node.func)
    if full is None and isinstance(node.func, ast.Name):
        full = node.func.id if not ctx.names.meanings(node.func.id, node.func) else ""
    return full or ""


def _taker(ctx: Context, node: ast.Call) -> str:
    """What takes every item, or stops as `any` does; empty for everything else."""
    alone = len(node.args) == 1
    match node.func:
        case ast.Attribute(attr="join", value=ast.Constant(value=str())) if alone:
            return "str.join"
    name = _builtin(ctx, node)
    if name in ("any", "all", "min", "max") and not alone:
        return ""
    return name if name in WHOLE or name in ("any", "all") else ""


def _generator(node: cst.Call, form: _Form) -> cst.GeneratorExp:
    function, *sources = (argument.value for argument in node.args)
    names, result = _applied(function, form)
    source = sources[0]
    if len(sources) > 1:
        source = cst.Call(form.zipped, [cst.Arg(one) for one in sources])
    clause = cst.CompFor(
        _target(names),
        bound(source, 2),
        asynchronous=cst.Asynchronous() if form.asynchronous else None,
    )
    if form.name == "map" or form.name == "itertools.starmap":
        return cst.GeneratorExp(result, clause)
    test = result if form.name == "filter" else negated(result)
    chosen = clause.with_changes(ifs=[cst.CompIf(bound(test, 2))])
    return cst.GeneratorExp(_target(names), chosen)


def _list(node: cst.Call, form: _Form) -> cst.ListComp:
    return list_of(_generator(node, form), "item")


def _applied(function: cst.BaseExpression, form: _Form) -> tuple[Sequence[str], cst.BaseExpression]:
    """The variables, and what the function gives for them."""
    if isinstance(function, cst.Lambda):
        return [parameter.name.value for parameter in function.params.params], function.body
    given = [cst.Arg(cst.Name(name)) for name in form.item]
    if form.name == "itertools.starmap":
        given = [argument.with_changes(star="*") for argument in given]
    called = cst.Call(function, given)
    return form.item, awaited(called) if form.awaits else called


def _target(names: Sequence[str]) -> cst.BaseAssignTargetExpression:
    if len(names) == 1:
        return cst.Name(names[0])
    return cst.Tuple([cst.Element(cst.Name(name)) for name in names], lpar=(), rpar=())


# ----------------------------------------------------------------------------- keys


def _keyed(ctx: Context, node: ast.Call, name: str) -> Iterator[Step]:
    """`sorted(rows, key=f)`: pairs of key and item, compared by their keys alone."""
    function = _function_of(node, name)
    if isinstance(function, ast.Lambda) and len(function.args.args) != 1:
        yield _refused(ctx, node, "mapped-function", f"{name} hands the lambda one item")
        return
    others = [k for k in node.keywords if k.arg != "key"]
    known = {"reverse"} if name == "sorted" else {"default"}
    plain = all(k.arg in known and isinstance(k.value, (ast.Constant, ast.Name)) for k in others)
    starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    if not plain or starred or not node.args or ctx.decided(node, Action.CONSUME):
        yield _refused(ctx, node, "mapped-key", f"{name} has more arguments than its items and key")
        return
    copied = name == "sorted" and not _is_new(node.args[0])
    change = partial(
        _by_key,
        item=_items(node, 1)[0],
        copied=ctx.text("list", node) if copied else None,
        first=name != "sorted",
    )
    yield Edit("Call", ctx.tree.span(node), change, AWAIT_ORDER)


def _is_new(node: ast.expr) -> bool:
    """Whether nobody else can see, or change, what is sorted."""
    return isinstance(node, (ast.List, ast.Tuple, ast.ListComp, ast.Constant))


def _by_key(
    node: cst.Call, item: str, copied: cst.BaseExpression | None, first: bool
) -> cst.BaseExpression:
    sources = [argument.value for argument in node.args if argument.keyword is None]
    key = next(a.value for a in node.args if a.keyword is not None and a.keyword.value == "key")
    names, result = _applied(key, _Form("map", (item,), cst.Name("zip"), False))
    item = names[0]
    source = sources[0]
    if len(sources) > 1:
        source = cst.Tuple([cst.Element(one) for one in sources])
    elif copied is not None:
        source = cst.Call(copied, [cst.Arg(source)])
    pair = cst.Tuple([cst.Element(result), cst.Element(cst.Name(item))])
    pairs = cst.ListComp(pair, cst.CompFor(cst.Name(item), bound(source, 2)))
    by_key = cst.parse_expression("lambda pair: pair[0]")
    arguments = [cst.Arg(pairs), cst.Arg(by_key, cst.Name("key"), equal=_EQUAL)]
    for argument in node.args:
        if argument.keyword is not None and argument.keyword.value != "key":
            arguments.append(_paired(argument).with_changes(comma=cst.MaybeSentinel.DEFAULT))
    call = cst.Call(node.func, arguments)
    if first:
        index = cst.SubscriptElement(cst.Index(cst.Integer("1")))
        return cst.Subscript(call, [index], lpar=node.lpar, rpar=node.rpar)
    both = cst.Tuple([cst.Element(cst.Name("_")), cst.Element(cst.Name(item))], lpar=(), rpar=())
    return cst.ListComp(cst.Name(item), cst.CompFor(both, call), lpar=node.lpar, rpar=node.rpar)


_EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def _paired(argument: cst.Arg) -> cst.Arg:
    """The default of `min` stands in the place of a pair."""
    if argument.keyword is None or argument.keyword.value != "default":
        return argument
    pair = cst.Tuple([cst.Element(cst.Name("None")), cst.Element(argument.value)])
    return argument.with_changes(value=pair)
