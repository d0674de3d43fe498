"""What has no async twin runs in a thread: `f(a)` becomes `await asyncio.to_thread(f, a)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.edits import parenthesize
from asyncshift.model import Action, Decision
from asyncshift.rewrite.awaits import awaited
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Step
from asyncshift.rewrite.handed import is_handed, waited

_SPACE = cst.SimpleWhitespace(" ")


def to_thread(ctx: Context, decision: Decision) -> Iterator[Step]:
    """TO_THREAD: a call, or the attribute expression of a property."""
    node = ctx.tree.find(decision.span, ast.Call, ast.Attribute)
    if isinstance(ctx.tree.parents.get(node) if node else None, ast.Await):
        return
    if node is None or _is_assigned(node):
        place = ctx.tree.place(decision.span) if node is None else node
        way = "an operator, a loop or a `with`" if node is None else "an assignment"
        yield ctx.refuse(
            place,
            "thread-implicit",
            f"this blocks through {way}, which no thread can take over",
            "call the method by its name, or move the statement into a function",
        )
        return
    if (refusal := ctx.cannot_await(node)) is not None:
        yield refusal
        return
    own = "own" in decision.detail
    function = ctx.text(f"{ctx.bridge}.in_thread" if own else "asyncio.to_thread", node)
    if isinstance(node, ast.Call):
        yield from _call(ctx, node, function)
    elif isinstance(node, ast.Attribute):
        yield from _property(ctx, node, function)


def _call(ctx: Context, node: ast.Call, function: cst.BaseExpression) -> Iterator[Step]:
    if is_handed(node):
        yield from waited(ctx, node, partial(threaded_call, function=function), Action.TO_THREAD)
        return
    if _is_super(node.func):
        yield ctx.refuse(
            node,
            "thread-super",
            "`super()` without arguments is looked up before the thread starts",
            "assign the bound method to a name first",
        )
        return
    change = partial(threaded_call, function=function)
    yield Edit("Call", ctx.tree.span(node), change, AWAIT_ORDER)


def _is_assigned(node: ast.AST) -> bool:
    """`port.rate = 9600` and `del port.rate`, which run a property's setter or deleter."""
    return isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)


def _is_super(func: ast.expr) -> bool:
    """`super()(...)` itself; `super().method` is evaluated in place and is fine."""
    return isinstance(func, ast.Name) and func.id == "super"


def threaded_call(node: cst.Call, function: cst.BaseExpression) -> cst.BaseExpression:
    """The call with its function as first argument; the layout of the arguments stays."""
    gap = node.whitespace_before_args
    after: cst.BaseParenthesizableWhitespace = _SPACE
    if isinstance(gap, cst.ParenthesizedWhitespace):
        line = gap.first_line.with_changes(whitespace=cst.SimpleWhitespace(""), comment=None)
        after = gap.with_changes(first_line=line, empty_lines=())
    comma: cst.Comma | cst.MaybeSentinel = cst.MaybeSentinel.DEFAULT
    if node.args:
        comma = cst.Comma(whitespace_after=after)
    first = cst.Arg(without_parentheses(node.func), comma=comma)
    if not isinstance(gap, cst.ParenthesizedWhitespace):
        gap = cst.SimpleWhitespace("")
    args = [first, *(_separate(arg) for arg in node.args)]
    return awaited(node.with_changes(func=function, args=args, whitespace_before_args=gap))


def _separate(arg: cst.Arg) -> cst.Arg:
    """A generator expression that was the only argument now needs its own parentheses."""
    if isinstance(arg.value, cst.GeneratorExp) and not arg.value.lpar:
        return arg.with_changes(value=parenthesize(arg.value))
    return arg


def without_parentheses(node: cst.BaseExpression) -> cst.BaseExpression:
    """`(await f())` as `await f()` where it moves into an argument of its own."""
    match node:
        case cst.Await(lpar=[cst.LeftParen(whitespace_after=cst.SimpleWhitespace())]):
            return node.with_changes(lpar=(), rpar=())
    return node


def _property(ctx: Context, node: ast.Attribute, function: cst.BaseExpression) -> Iterator[Step]:
    quote = _quote(ctx, node)
    if quote is None:
        yield ctx.refuse(
            node,
            "f-string-quotes",
            "both quote characters are taken by the f-strings around this property",
            "assign the value to a name before the f-string",
        )
        return
    change = partial(
        threaded_property,
        function=function,
        getter=ctx.text("getattr", node),
        quote=quote,
    )
    yield Edit("Attribute", ctx.tree.span(node), change, AWAIT_ORDER)


def threaded_property(
    node: cst.Attribute, function: cst.BaseExpression, getter: cst.BaseExpression, quote: str
) -> cst.BaseExpression:
    """`self.url` as `await asyncio.to_thread(getattr, self, "url")`."""
    name = cst.SimpleString(f"{quote}{node.attr.value}{quote}")
    receiver = without_parentheses(node.value)
    call = cst.Call(
        function,
        [cst.Arg(getter), cst.Arg(receiver), cst.Arg(name)],
        lpar=node.lpar,
        rpar=node.rpar,
    )
    return awaited(call)


def _quote(ctx: Context, node: ast.AST) -> str | None:
    """A quote character that no f-string around uses; before 3.12 they must differ."""
    wanted = "'" if ctx.style.quotes == "single" else '"'
    taken: set[str] = set()
    for parent in ctx.tree.ancestors(node):
        if isinstance(parent, ast.JoinedStr):
            start = ctx.tree.source(parent)[:8].lower().lstrip("rfbu")
            taken.add(start[:1])
            if '"' in ctx.tree.source(parent) and "'" in ctx.tree.source(parent):
                inner = next((c for c in ('"', "'") if c not in taken), "")
                taken |= {inner} if _implicitly_joined(ctx, parent) else set()
    if wanted not in taken:
        return wanted
    other = "'" if wanted == '"' else '"'
    return other if other not in taken else None


def _implicitly_joined(ctx: Context, node: ast.AST) -> bool:
    """True for `f"..." f'...'`, whose parts may differ in their quotes."""
    source = ctx.tree.source(node)
    return source[-1:] != source.lower().lstrip("rfbu")[:1]
