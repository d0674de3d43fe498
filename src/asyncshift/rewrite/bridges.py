"""Calls from code that stays sync into async code: `run_sync(f(x))`, `iter_sync(rows())`,
`enter_sync(opened())`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Action, Decision, Protocol
from asyncshift.rewrite.awaits import awaited
from asyncshift.rewrite.consumers import SPREADING, spread_source
from asyncshift.rewrite.context import BRIDGE_ORDER, Context, Step, kind_of
from asyncshift.rewrite.exit_stacks import is_enter_context
from asyncshift.rewrite.handed import is_handed, waited

_AROUND = BRIDGE_ORDER + 1
"""What a coroutine gives is iterated or entered: `iter_sync(run_sync(f()))`."""
_ITERATED = frozenset(
    {Protocol.FOR, Protocol.COMPREHENSION, Protocol.YIELD_FROM, Protocol.CONSUME, Protocol.NEXT}
)


def bridge(ctx: Context, decision: Decision) -> Iterator[Step]:
    """BRIDGE: a call is run to its end, what is iterated is iterated step by step, what is entered
    is held open for the block."""
    node = ctx.tree.place(decision.span)
    protocol = decision.detail.get("protocol", Protocol.CALL)
    if not ctx.bridge:
        raise AssertionError("a bridge was planned, and no bridge module was named")
    if ctx.prints_itself(node):
        reason = '`f"{call()=}"` prints its own text, and would print the bridge'
        yield ctx.refuse(node, "bridge-f-string-debug", reason, "write the text out")
        return
    if protocol in _ITERATED:
        yield from _iterated(ctx, decision, str(protocol))
        return
    helper = "enter_sync" if protocol == Protocol.WITH else "run_sync"
    function = ctx.text(f"{ctx.bridge}.{helper}", node)
    change = partial(wrapped, function=function)
    if isinstance(node, ast.Call) and is_handed(node):
        yield from waited(ctx, node, change, Action.BRIDGE)
        return
    order = BRIDGE_ORDER if helper == "run_sync" else _AROUND
    yield Edit(kind_of(node), decision.span, change, order)


def run_here(ctx: Context, node: ast.AST, outcomes: Iterable[Step]) -> Iterator[Step]:
    """What a codemod would await, in code that stays sync."""
    function = ctx.text(f"{ctx.bridge}.run_sync", node)
    for outcome in outcomes:
        match outcome:
            case Edit(change=change) if change is awaited:
                run = partial(wrapped, function=function)
                yield replace(outcome, change=run, order=BRIDGE_ORDER)
            case Edit(kind="With"):
                enter = ctx.text(f"{ctx.bridge}.enter_sync", node)
                change = partial(wrapped, function=enter)
                yield Edit(kind_of(node), ctx.tree.span(node), change, _AROUND)
            case _:
                yield outcome


def wrapped(node: cst.BaseExpression, function: cst.BaseExpression) -> cst.Call:
    """`function(node)`; the node's own parentheses stay around the whole."""
    bare = node.with_changes(lpar=(), rpar=())
    return cst.Call(function, [cst.Arg(bare)], lpar=node.lpar, rpar=node.rpar)


def _iterated(ctx: Context, decision: Decision, protocol: str) -> Iterator[Step]:
    node = ctx.tree.place(decision.span)
    consumer = _consumer(decision)
    match protocol, node:
        case _, _ if consumer in SPREADING:
            if (source := spread_source(ctx, decision)) is None:
                yield _not_plain(ctx, node, consumer)
                return
            node = source
        case Protocol.CONSUME, _ if consumer == "in":
            pass  # the place is what is searched, and no call of a consumer
        case Protocol.YIELD_FROM, ast.YieldFrom(value=value):
            node = value
        case Protocol.NEXT, ast.Call(args=[ast.Name() | ast.Attribute(), _]):
            yield from _next_of(ctx, decision)
            return
        case Protocol.NEXT, ast.Call(args=[ast.Name() | ast.Attribute()]):
            yield ctx.refuse(
                node,
                "bridge-next",
                "`next` on an async generator that is kept in a variable",
                "give `next` a default, or loop over the generator",
            )
            return
        case Protocol.NEXT, ast.Call(args=[first, *_]):
            node = first
        case Protocol.CONSUME, ast.Call(args=arguments):
            yield from _arguments_bridged(ctx, decision, consumer, arguments)
            return
    function = ctx.text(f"{ctx.bridge}.iter_sync", node)
    if isinstance(node, ast.GeneratorExp) and protocol == Protocol.NEXT:
        change = partial(_wrapped_argument, function=function)
        yield Edit("Call", decision.span, change, BRIDGE_ORDER)
        return
    yield Edit(kind_of(node), ctx.tree.span(node), partial(wrapped, function=function), _AROUND)


def _arguments_bridged(
    ctx: Context, decision: Decision, consumer: str, arguments: Sequence[ast.expr]
) -> Iterator[Step]:
    """Each argument of a consumer that is async is bridged by itself."""
    helper = "enter_sync" if is_enter_context(consumer) else "iter_sync"
    places = [int(place) for place in decision.detail.get("arguments", "").split(",") if place]
    if is_enter_context(consumer):
        places = [0]
    chosen = [arguments[place] for place in places]
    starred = any(isinstance(one, ast.Starred) for one in arguments[: max(places, default=0) + 1])
    if not chosen or starred:
        node = ctx.tree.place(decision.span)
        yield _not_plain(ctx, node, consumer or ast.unparse(node))
        return
    function = ctx.text(f"{ctx.bridge}.{helper}", chosen[0])
    for argument in chosen:
        change = partial(wrapped, function=function)
        if isinstance(argument, ast.GeneratorExp) and len(arguments) == 1:
            change = partial(_wrapped_argument, function=function)
            yield Edit("Call", decision.span, change, BRIDGE_ORDER)
        else:
            yield Edit(kind_of(argument), ctx.tree.span(argument), change, BRIDGE_ORDER)


def _consumer(decision: Decision) -> str:
    """What takes the items; the solver names it in the site only."""
    written = decision.site.consumer if decision.site is not None else ""
    return decision.detail.get("consumer", written)


def _not_plain(ctx: Context, node: ast.AST, consumer: str) -> Step:
    return ctx.refuse(
        node,
        "bridge-consumer",
        f"which part of {consumer} is the async generator is not plain here",
        "assign the generator's items to a name first",
    )


def _wrapped_argument(node: cst.Call, function: cst.BaseExpression) -> cst.Call:
    first, *rest = node.args
    return node.with_changes(args=[first.with_changes(value=wrapped(first.value, function)), *rest])


def _next_of(ctx: Context, decision: Decision) -> Iterator[Step]:
    """`next(rows, None)` as `run_sync(anext(rows, None))`."""
    node = ctx.tree.place(decision.span)
    if ctx.target < (3, 10):
        reason = "`anext` needs Python 3.10"
        yield ctx.refuse(node, "bridge-next", reason, "loop over the generator")
        return
    change = partial(
        _run_anext,
        function=ctx.text(f"{ctx.bridge}.run_sync", node),
        anext=ctx.text("anext", node),
    )
    yield Edit("Call", decision.span, change, BRIDGE_ORDER)


def _run_anext(node: cst.Call, function: cst.BaseExpression, anext: cst.BaseExpression) -> cst.Call:
    return wrapped(node.with_changes(func=anext), function)


def bridge_source() -> str:
    """The text of the generated bridge module."""
    return Path(__file__).with_name("bridge_template.py").read_text(encoding="utf-8")
