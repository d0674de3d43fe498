"""`self.assertRaises(E, f, x)` as a block in which `f(x)` can be awaited, or bridged."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.handed import cleanup, handed, in_place
from asyncshift.model import Action, Decision
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Step

Waited = Callable[[cst.Call], cst.BaseExpression]
_SYNC = frozenset({Action.BRIDGE, Action.RETARGET, Action.ANNOTATE, Action.DOUBLE, Action.STUB})


def block(ctx: Context, node: ast.Call, wait: Waited) -> Iterator[Step]:
    """The statement that such a call is, as `with`; `wait` is put around what is called."""
    statement, span = ctx.tree.parents[node], ctx.tree.span(ctx.tree.statement(node))
    match statement:
        case ast.Expr() | ast.Assign(targets=[ast.Name()]) if _is_alone(ctx, statement):
            index = handed(node)
            assert index is not None
            change = partial(_as_block, index=index, wait=wait)
            yield Edit("SimpleStatementLine", span, change, AWAIT_ORDER, built=True)
        case _:
            reason = f"`{ast.unparse(node.func)}` calls it, and its result is used"
            way = f"write `with {ast.unparse(node.func)}(...):` around the call"
            yield ctx.refuse(node, "bridge-handed", reason, way)


def _is_alone(ctx: Context, statement: ast.stmt) -> bool:
    """Whether no other statement shares its lines."""
    line, column, end_line, end = ctx.tree.span(statement)
    rest = ctx.tree.lines[end_line - 1][end:].strip()
    return not ctx.tree.lines[line - 1][:column].strip() and (not rest or rest.startswith("#"))


def leave_lambda(ctx: Context, decision: Decision) -> Iterator[Step]:
    """`self.assertRaises(E, lambda: f(x))`: what is awaited in the lambda stands in a block."""
    if decision.action in _SYNC:
        return
    for parent in ctx.tree.ancestors(ctx.tree.place(decision.span)):
        if isinstance(parent, (ast.stmt, ast.FunctionDef)):
            return
        if isinstance(parent, ast.Call) and in_place(parent) is not None:
            if ("handed", ctx.tree.span(parent)) not in ctx.done:
                ctx.done.add(("handed", ctx.tree.span(parent)))
                yield from block(ctx, parent, lambda call: call)
            return


def is_handed(node: ast.AST) -> bool:
    """Whether a call has a function called, now or when the test is over."""
    return handed(node) is not None or cleanup(node)


def waited(ctx: Context, node: ast.Call, wait: Waited, action: Action) -> Iterator[Step]:
    """AWAIT, BRIDGE or TO_THREAD of what such a call has called."""
    if not cleanup(node):
        yield from block(ctx, node, wait)
    elif action is Action.BRIDGE and _are_constant(node):
        first = node.args[0]
        name = first.attr if isinstance(first, ast.Attribute) else "call"
        yield Edit("Call", ctx.tree.span(node), partial(_later, name=name, wait=wait), AWAIT_ORDER)
    elif action is Action.BRIDGE:
        reason = "it is called when the test is over, with arguments that are made now"
        way = "add the cleanup of a function without arguments"
        yield ctx.refuse(node, "bridge-handed", reason, way)
    elif action is Action.AWAIT:
        yield Edit("Call", ctx.tree.span(node), _async_cleanup, AWAIT_ORDER)


def _are_constant(node: ast.Call) -> bool:
    """Whether the arguments of a cleanup are the same when the test is over."""
    given = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
    return all(isinstance(argument, ast.Constant) for argument in given)


def _later(node: cst.Call, name: str, wait: Waited) -> cst.Call:
    """`self.addCleanup(x.close)` as `self.addCleanup(lambda close=x.close: run_sync(close()))`."""
    default = cst.Param(
        cst.Name(name),
        default=node.args[0].value,
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )
    body = wait(cst.Call(cst.Name(name), [_plain(arg) for arg in node.args[1:]]))
    given = cst.Lambda(cst.Parameters([default]), body)
    return node.with_changes(args=[_plain(node.args[0]).with_changes(value=given)])


def _async_cleanup(node: cst.Call) -> cst.Call:
    assert isinstance(node.func, cst.Attribute), node
    return node.with_changes(func=node.func.with_changes(attr=cst.Name("addAsyncCleanup")))


def _as_block(node: cst.SimpleStatementLine, index: int, wait: Waited) -> cst.With:
    match node.body[0]:
        case cst.Expr(value=cst.Call() as call):
            name = None
        case cst.Assign(
            value=cst.Call() as call, targets=[cst.AssignTarget(target=cst.Name() as target)]
        ):
            space = cst.SimpleWhitespace(" ")
            name = cst.AsName(target, space, space)
        case _:
            raise AssertionError(f"not a call by itself: {node}")
    first = [arg.with_changes(comma=cst.MaybeSentinel.DEFAULT) for arg in call.args[:index]]
    given, rest = call.args[index].value, call.args[index + 1 :]
    if isinstance(given, cst.Lambda):
        inner: cst.BaseExpression = given.body
    else:
        inner = wait(cst.Call(given, [_plain(arg) for arg in rest]))
    head = cst.Call(call.func, first)
    body = cst.SimpleStatementLine([cst.Expr(inner)])
    return cst.With(
        items=[cst.WithItem(head, name)],
        body=cst.IndentedBlock([body], header=node.trailing_whitespace),
        leading_lines=node.leading_lines,
    )


def _plain(arg: cst.Arg) -> cst.Arg:
    return arg.with_changes(
        comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=cst.SimpleWhitespace("")
    )
