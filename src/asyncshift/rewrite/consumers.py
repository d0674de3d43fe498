"""Builtins that take an iterator, over an async generator.

What takes everything (`list`, `sum`, `sorted`, ...) gets a list that an async comprehension makes;
`any` and `all` stop early, as they did; what hands items on one by one (`map`, `filter`, ...) gives
an async iterator, where whatever takes that is in sight and can follow.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.edits import bound
from asyncshift.model import Action, Decision, Refusal
from asyncshift.rewrite.awaits import awaited
from asyncshift.rewrite.blocks import (
    aclosing_at,
    closed_at_end,
    closing_loop,
    ends_later,
    leaves,
    make_async,
)
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Planned, Step, kind_of
from asyncshift.rewrite.exit_stacks import enter_async_context, is_enter_context
from asyncshift.rewrite.functions import delegated
from asyncshift.rewrite.generators import aiter_call, anext_call, closed
from asyncshift.rewrite.lazy_consumers import async_form, called_name

_SPACE = cst.SimpleWhitespace(" ")
WHOLE = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "min", "max", "str.join"}
    | {"bytes.join", "collections.Counter", "collections.deque", "statistics.mean"}
    | {"list.extend", "set.update", "dict.update", "dict.fromkeys"}
)
"""Consumers that take every item before they do anything else."""
SPREADING = frozenset({"*", "unpack"})
"""Consumers that are syntax: a star before an argument or element, an unpacking assignment."""


def consume(ctx: Context, decision: Decision) -> Iterator[Step]:
    """CONSUME: the consumer's call at the decision's place; for a star what it spreads, for an
    unpacking its target."""
    consumer = decision.detail.get("consumer", "")
    if decision.detail.get("close") and consumer != "enumerate":
        yield ends_later(ctx, ctx.tree.place(decision.span))
    if consumer in SPREADING:
        yield from _spread(ctx, decision, consumer)
        return
    if is_enter_context(consumer):
        yield from enter_async_context(ctx, decision)
        return
    if consumer == "in":
        yield from _contains(ctx, ctx.tree.place(decision.span))
        return
    node = ctx.tree.find(decision.span, ast.Call)
    if not isinstance(node, ast.Call):
        yield _no_form(ctx, ctx.tree.place(decision.span), consumer or "this")
        return
    if "wrapper" in decision.detail:
        yield from _out_of_thread(ctx, node, consumer.removeprefix("builtins."))
        return
    if ctx.decided(node, Action.MAPPED):
        return
    if (refusal := ctx.cannot_await(node)) is not None:
        yield refusal
        return
    match consumer.removeprefix("builtins."), node:
        case "next", _:
            yield from anext_call(ctx, decision)
        case ("any" | "all") as name, ast.Call(args=[_], keywords=[]):
            yield from short_circuit(ctx, node, name)
        case "generator.close", ast.Call(args=[], keywords=[]):
            yield from closed(ctx, node)
        case "generator.throw", _:
            yield ctx.refuse(
                node,
                "generator-throw",
                "`throw` raises in a generator that has ended, `athrow` of an async one does not",
                "raise the exception where the generator waits, or tell it by a flag",
            )
        case "contextlib.closing", ast.Call(args=[_], keywords=[]):
            yield from closed_at_end(ctx, decision)
        case "enumerate", _:
            yield from _enumerate(ctx, node, _places(decision), decision.detail.get("close"))
        case "iter", ast.Call(args=[value], keywords=[]) if not isinstance(value, ast.Starred):
            yield from aiter_call(ctx, node)
        case name, ast.Call(args=[first, *_]) if name in WHOLE and _takes(node, name):
            if not isinstance(first, ast.Starred):
                yield from eager(ctx, node, name)
                return
            yield _no_form(ctx, node, name)
        case name, _:
            yield from _lazy(ctx, node, name, _places(decision))


def _places(decision: Decision) -> list[int]:
    """The positions of the arguments that are async."""
    return [int(place) for place in decision.detail.get("arguments", "").split(",") if place]


def _out_of_thread(ctx: Context, node: ast.Call, name: str) -> Iterator[Step]:
    """`await to_thread(list, rows())` as `[item async for item in rows()]`, without the `await`."""
    waiting = ctx.tree.parents[node]
    plain = ast.copy_location(ast.Call(node.args[0], node.args[1:], node.keywords), node)
    match waiting, name:
        case ast.Await(), ("any" | "all") if len(plain.args) == 1:
            steps = short_circuit(ctx, plain, name, waiting)
        case ast.Await(), _ if name in WHOLE and _takes(plain, name):
            steps = eager(ctx, plain, name)
        case _:
            steps = iter([_no_form(ctx, node, name)])
    for step in steps:
        if isinstance(step, Edit) and step.span == ctx.tree.span(node):
            change = partial(_taken_out, change=step.change)
            step = Edit("Await", ctx.tree.span(waiting), change, AWAIT_ORDER)
        yield step


def _taken_out(
    node: cst.Await, change: Callable[[cst.Call], cst.BaseExpression]
) -> cst.BaseExpression:
    call = cst.ensure_type(node.expression, cst.Call)
    first, *rest = call.args
    made = change(call.with_changes(func=first.value, args=rest))
    return made.with_changes(lpar=node.lpar, rpar=node.rpar)


def _spread(ctx: Context, decision: Decision, consumer: str) -> Iterator[Step]:
    """`f(*rows())` and `a, b = rows()`: what is spread becomes a list."""
    source = spread_source(ctx, decision)
    if source is None:
        yield _no_form(ctx, ctx.tree.place(decision.span), consumer)
        return
    if (refusal := ctx.cannot_await(source)) is not None:
        yield refusal
        return
    change = partial(list_of, item=_item_name(source))
    yield Edit(kind_of(source), ctx.tree.span(source), change, AWAIT_ORDER + 1)


def spread_source(ctx: Context, decision: Decision) -> ast.expr | None:
    """What a star or an unpacking assignment takes apart; None where no expression is its own."""
    place = ctx.tree.place(decision.span)
    match ctx.tree.parents[place]:
        case ast.Starred(value=value) if value is place:
            return value
        case ast.Assign(targets=[target], value=value) if target is place:
            return value
    return None


def _takes(node: ast.Call, name: str) -> bool:
    """`min(a, b)` compares its arguments; only `min(items)` iterates."""
    return name not in ("min", "max") or len(node.args) == 1


def _no_form(ctx: Context, node: ast.AST, name: str) -> Step:
    return ctx.refuse(
        node,
        "async-consumer",
        f"{name} cannot take an async generator, and takes its items one by one",
        "collect the items in a list first, or write the loop out",
    )


# ----------------------------------------------------------------------------- all items


def eager(ctx: Context, node: ast.Call, name: str) -> Iterator[Step]:
    item = _item_name(node)
    alone = len(node.args) == 1 and not node.keywords
    change: Callable[..., cst.BaseExpression] = _with_list
    if alone and name == "list":
        change = _as_list
    elif alone and name == "set":
        change = _as_set
    yield Edit("Call", ctx.tree.span(node), partial(change, item=item), AWAIT_ORDER)


def _item_name(node: ast.expr) -> str:
    """A comprehension has its own scope, so the name must only differ from those in the call."""
    return _unused(node, ("item", "entry", "value_", "item_"))


def _unused(node: ast.expr, names: Sequence[str]) -> str:
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return next(name for name in names if name not in used)


def _as_list(node: cst.Call, item: str) -> cst.ListComp:
    made = list_of(node.args[0].value, item)
    return made.with_changes(lpar=node.lpar, rpar=node.rpar)


def _as_set(node: cst.Call, item: str) -> cst.SetComp:
    made = list_of(node.args[0].value, item)
    return cst.SetComp(made.elt, made.for_in, lpar=node.lpar, rpar=node.rpar)


def _with_list(node: cst.Call, item: str) -> cst.Call:
    first, *rest = node.args
    return node.with_changes(args=[first.with_changes(value=list_of(first.value, item)), *rest])


def list_of(source: cst.BaseExpression, item: str) -> cst.ListComp:
    """A generator expression's own parts in square brackets, or a comprehension over the source."""
    match source:
        case cst.GeneratorExp(elt=elt, for_in=for_in, lpar=[*_, parenthesis]):
            return cst.ListComp(
                elt,
                for_in,
                lbracket=cst.LeftSquareBracket(parenthesis.whitespace_after),
                rbracket=cst.RightSquareBracket(source.rpar[0].whitespace_before),
            )
        case cst.GeneratorExp(elt=elt, for_in=for_in):
            return cst.ListComp(elt, for_in)
    return cst.ListComp(cst.Name(item), _clause(item, source))


def _clause(item: str, source: cst.BaseExpression) -> cst.CompFor:
    return cst.CompFor(cst.Name(item), bound(source, 2), asynchronous=cst.Asynchronous())


# ----------------------------------------------------------------------------- any, all


def short_circuit(
    ctx: Context, node: ast.Call, name: str, whole: ast.expr | None = None
) -> Iterator[Step]:
    """`whole` is what is replaced, where that is more than the call."""
    if ctx.target < (3, 10):
        yield ctx.refuse(
            node,
            "anext",
            f"{name} over an async generator that stops early needs `anext`, so Python 3.10",
            "raise requires-python, or write the loop out",
        )
        return
    change = partial(_first, name=name, item=_item_name(node), anext=ctx.text("anext", node))
    yield Edit("Call", ctx.tree.span(node), change, AWAIT_ORDER)
    match ctx.tree.parents[whole or node]:
        case ast.UnaryOp(op=ast.Not()) as outer if name == "all":
            yield Edit("UnaryOperation", ctx.tree.span(outer), _single_not, AWAIT_ORDER)


def _single_not(node: cst.UnaryOperation) -> cst.BaseExpression:
    """`not not await anext(...)`, which gives a bool, as `await anext(...)`."""
    match node.expression:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner, lpar=[]):
            return inner.with_changes(lpar=node.lpar, rpar=node.rpar)
    return node


def _first(node: cst.Call, name: str, item: str, anext: cst.BaseExpression) -> cst.BaseExpression:
    """`any(P for x in xs)` as `await anext((True for x in xs if P), False)`."""
    match node.args[0].value:
        case cst.GeneratorExp(elt=elt, for_in=for_in):
            condition: cst.BaseExpression = elt
        case source:
            condition, for_in = cst.Name(item), _clause(item, source)
    if name == "all":
        condition = negated(condition)
    test = cst.CompIf(bound(condition, 2))
    found = cst.GeneratorExp(cst.Name("True"), _and_if(for_in, test))
    call = cst.Call(anext, [cst.Arg(found), cst.Arg(cst.Name("False"))])
    if name == "any":
        return awaited(call.with_changes(lpar=node.lpar, rpar=node.rpar))
    return cst.UnaryOperation(cst.Not(), awaited(call), lpar=node.lpar, rpar=node.rpar)


def negated(node: cst.BaseExpression) -> cst.BaseExpression:
    """`not node`, for where only its truth counts."""
    match node:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            return inner
    return cst.UnaryOperation(cst.Not(), bound(node, 4))


def _and_if(clause: cst.CompFor, test: cst.CompIf) -> cst.CompFor:
    """One more condition, after all those that the innermost clause has."""
    if clause.inner_for_in is not None:
        return clause.with_changes(inner_for_in=_and_if(clause.inner_for_in, test))
    return clause.with_changes(ifs=[*clause.ifs, test])


# ----------------------------------------------------------------------------- lazy ones


def _lazy(ctx: Context, node: ast.Call, name: str, places: Sequence[int]) -> Iterator[Step]:
    """What hands items on gives an async iterator, and what takes that follows."""
    change = async_form(ctx, node, name, places) if places else None
    around = _taken(ctx, node) if change is not None else None
    if change is None or around is None:
        yield _no_form(ctx, node, name)
        return
    yield Edit("Call", ctx.tree.span(node), change, AWAIT_ORDER)
    yield from around


def _taken(ctx: Context, node: ast.expr) -> list[Step] | None:
    """How what takes an expression follows when that is async; None where it cannot."""
    parent = ctx.tree.parents[node]
    span = ctx.tree.span(node)
    match parent:
        case ast.For(iter=source) if source is node:
            return [
                Planned(Edit("For", ctx.tree.span(parent), make_async, AWAIT_ORDER), header=True)
            ]
        case ast.comprehension(iter=source) if source is node and not parent.is_async:
            whole = ctx.tree.parents[parent]
            after: list[Step] | None = []
            if isinstance(whole, ast.GeneratorExp):
                after = _taken(ctx, whole)
            elif (refusal := ctx.cannot_await(whole)) is not None:
                return [refusal]
            first = Edit("CompFor", span, make_async, AWAIT_ORDER)
            return None if after is None else [first, *after]
        case ast.Starred() | ast.Assign(targets=[ast.Tuple() | ast.List()]):
            change: Callable[..., cst.BaseExpression] = partial(list_of, item=_item_name(node))
            return [Edit(kind_of(node), span, change, AWAIT_ORDER + 1)]
        case ast.YieldFrom():
            return list(delegated(ctx, parent, asynchronous=True))
        case ast.Call(args=[first, *_]) if first is node and not ctx.decided(
            parent, Action.CONSUME
        ):
            match called_name(ctx, parent):
                case name if name in WHOLE and _takes(parent, name):
                    return list(eager(ctx, parent, name))
                case ("any" | "all") as name if len(parent.args) == 1:
                    return list(short_circuit(ctx, parent, name))
                case "enumerate":
                    steps = list(_enumerate(ctx, parent, [0]))
                    return None if any(isinstance(s, Refusal) for s in steps) else steps
    if isinstance(parent, ast.Call) and node in parent.args:
        place = parent.args.index(node)
        change_of = async_form(ctx, parent, called_name(ctx, parent), [place])
        further = _taken(ctx, parent) if change_of is not None else None
        if change_of is not None and further is not None:
            return [Edit("Call", ctx.tree.span(parent), change_of, AWAIT_ORDER), *further]
    return None


def _is_taken_whole(ctx: Context, node: ast.Call) -> bool:
    """Whether all items are there before anything is done with the first one."""
    match parent := ctx.tree.parents[node]:
        case ast.Call(args=[first, *_]) if first is node:
            name = called_name(ctx, parent)
            return name in WHOLE and _takes(parent, name)
        case ast.comprehension(iter=source) if source is node:
            match ctx.tree.parents[parent]:
                case ast.ListComp(elt=elt, generators=[_]) | ast.SetComp(elt=elt, generators=[_]):
                    done = [elt, *parent.ifs]
                case ast.DictComp(key=key, value=value, generators=[_]):
                    done = [key, value, *parent.ifs]
                case _:
                    return False
            return all(map(_does_nothing, done))
        case ast.Starred():
            return True
    return False


def _does_nothing(node: ast.expr) -> bool:
    """Whether evaluating an expression can neither be seen nor fail."""
    return all(
        isinstance(inner, (ast.Name, ast.Constant, ast.Tuple, ast.List, ast.expr_context))
        for inner in ast.walk(node)
    )


# ----------------------------------------------------------------------------- in


def _contains(ctx: Context, node: ast.AST) -> Iterator[Step]:
    """`x in rows()` stops at the first item that is equal."""
    match ctx.tree.parents[node]:
        case ast.Compare(ops=[ast.In() | ast.NotIn() as operator]) as compare if (
            compare.comparators == [node] and ctx.target >= (3, 10)
        ):
            pass
        case _:
            yield _no_form(ctx, node, "in")
            return
    if (refusal := ctx.cannot_await(compare)) is not None:
        yield refusal
        return
    again = isinstance(compare.left, (ast.Constant, ast.Name))
    change = partial(
        _found,
        item=_item_name(compare),
        wanted="" if again else _unused(compare, ("wanted", "wanted_", "wanted_2")),
        anext=ctx.text("anext", compare),
        absent=isinstance(operator, ast.NotIn),
    )
    yield Edit("Comparison", ctx.tree.span(compare), change, AWAIT_ORDER)


def _found(
    node: cst.Comparison, item: str, wanted: str, anext: cst.BaseExpression, absent: bool
) -> cst.BaseExpression:
    """`x in xs` as `await anext((True async for item in xs if item == x), False)`; an `x` that is
    more than a name is evaluated once, before: `(True for wanted in [f()] async for ...)`."""
    equal = cst.ComparisonTarget(cst.Equal(), cst.Name(wanted) if wanted else node.left)
    test = cst.CompIf(cst.Comparison(cst.Name(item), [equal]))
    clause = _and_if(_clause(item, node.comparisons[0].comparator), test)
    if wanted:
        once = cst.List([cst.Element(bound(node.left, 1))])
        clause = cst.CompFor(cst.Name(wanted), once, inner_for_in=clause)
    call = cst.Call(
        anext,
        [cst.Arg(cst.GeneratorExp(cst.Name("True"), clause)), cst.Arg(cst.Name("False"))],
    )
    if not absent:
        return awaited(call.with_changes(lpar=node.lpar, rpar=node.rpar))
    return cst.UnaryOperation(cst.Not(), awaited(call), lpar=node.lpar, rpar=node.rpar)


# ----------------------------------------------------------------------------- enumerate


def _enumerate(
    ctx: Context, node: ast.Call, places: Sequence[int], close: str | None = None
) -> Iterator[Step]:
    """`for n, item in enumerate(items(), 1)` counts beside an `async for`; where all is taken
    before anything else is done, a list is counted."""
    loop = ctx.tree.parents[node]
    match loop:
        case ast.For(target=ast.Tuple(elts=[ast.Name(), target])) if loop.iter is node:
            plain = not isinstance(target, ast.Starred) and bool(node.args)
        case _:
            plain = False
    if not plain or isinstance(node.args[0], ast.Starred) or ctx.decided(node, Action.ASYNC_FOR):
        if places == [0] and _is_taken_whole(ctx, node):
            listed = partial(_with_list, item=_item_name(node))
            yield Edit("Call", ctx.tree.span(node), listed, AWAIT_ORDER)
        else:
            yield from _lazy(ctx, node, "enumerate", places)
        return
    assert isinstance(loop, ast.For)
    counter = ctx.names.fresh("counter", ctx.tree.span(node))
    items, aclosing = "", None
    if close == "made" and any(map(leaves, loop.body)):
        items, aclosing = ctx.names.fresh("items", ctx.tree.span(node)), aclosing_at(ctx, node)
    change = partial(
        _counted,
        counter=counter,
        count=ctx.text("itertools.count", node),
        advance=ctx.text("next", node),
        items=items,
        aclosing=aclosing,
    )
    yield Planned(Edit("For", ctx.tree.span(loop), change, AWAIT_ORDER))


def _counted(
    node: cst.For,
    counter: str,
    count: cst.BaseExpression,
    advance: cst.BaseExpression,
    items: str,
    aclosing: cst.BaseExpression | None,
) -> cst.FlattenSentinel[cst.BaseStatement]:
    match node:
        case cst.For(
            target=cst.Tuple(elements=[number, target]), iter=cst.Call(args=[source, *start])
        ):
            pass
        case _:
            raise AssertionError("not a loop over enumerate")
    first = [a.with_changes(keyword=None, equal=cst.MaybeSentinel.DEFAULT) for a in start]
    numbers = _assigned(cst.Name(counter), cst.Call(count, first))
    step = _assigned(number.value, cst.Call(advance, [cst.Arg(cst.Name(counter))]))
    loop = node.with_changes(
        target=target.value,
        iter=bound(source.value, 1),
        asynchronous=cst.Asynchronous(),
        leading_lines=(),
        body=_with_first(node.body, step),
    )
    numbers = numbers.with_changes(leading_lines=node.leading_lines)
    whole = closing_loop(loop, items, aclosing) if items else loop
    if isinstance(whole, cst.FlattenSentinel):
        return cst.FlattenSentinel([numbers, *whole.nodes])
    return cst.FlattenSentinel([numbers, whole])


def _assigned(target: cst.BaseExpression, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    assert isinstance(target, cst.BaseAssignTargetExpression)
    return cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(target)], value)])


def _with_first(body: cst.BaseSuite, step: cst.SimpleStatementLine) -> cst.BaseSuite:
    match body:
        case cst.IndentedBlock():
            return body.with_changes(body=[step, *body.body])
        case cst.SimpleStatementSuite():
            return cst.IndentedBlock([step, cst.SimpleStatementLine(body.body)])
    raise AssertionError(f"unknown block {type(body)}")
