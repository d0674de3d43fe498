"""Where the program starts: `asyncio.run(main())`, and commands whose body moves to a coroutine."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import Any

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Decision
from asyncshift.rewrite.bridges import wrapped
from asyncshift.rewrite.context import AWAIT_ORDER, BRIDGE_ORDER, Context, Planned, Step, kind_of
from asyncshift.rewrite.functions import delegated_statements


def runner(ctx: Context, decision: Decision, node: ast.AST) -> cst.BaseExpression:
    """What runs a coroutine at an entry point: the bridge's `run` shares its loop."""
    name = decision.detail.get("runner", "asyncio.run")
    if ctx.bridge and name == "asyncio.run":
        name = f"{ctx.bridge}.run"
    return ctx.text(name, node)


def run(ctx: Context, decision: Decision) -> Iterator[Step]:
    """RUN: the call at an entry point."""
    node = ctx.tree.place(decision.span)
    change = partial(wrapped, function=runner(ctx, decision, node))
    yield Edit(kind_of(node), decision.span, change, BRIDGE_ORDER)


def split_entry(ctx: Context, decision: Decision) -> Iterator[Step]:
    """SPLIT_ENTRY: `main` keeps its decorators and runs `main_async`, which gets the body."""
    node = ctx.tree.find_function(decision.span)
    assert node is not None, decision
    if isinstance(node, ast.AsyncFunctionDef):
        return
    if ctx.tree.is_generator(node):
        yield ctx.refuse(
            node,
            "split-generator",
            f"{node.name} is a generator, and an entry point runs only once",
            "call the generator from a function of its own",
        )
        return
    yield from delegated_statements(ctx, node)
    change = partial(
        _split,
        name=decision.detail.get("name") or f"{node.name}_async",
        function=runner(ctx, decision, node.body[0]),
        gap=0 if isinstance(ctx.tree.parents[node], ast.ClassDef) else 1,
    )
    span = ctx.tree.span(node)
    yield Planned(Edit("FunctionDef", span, change, AWAIT_ORDER), comments=True)


def _split(
    node: cst.FunctionDef, name: str, function: cst.BaseExpression, gap: int
) -> cst.FlattenSentinel[cst.BaseStatement]:
    docstring, body = _without_docstring(node.body)
    call = cst.Call(cst.Name(name), arguments(node.params))
    result = cst.SimpleStatementLine([cst.Return(cst.Call(function, [cst.Arg(call)]))])
    blank = cst.EmptyLine(indent=False)
    coroutine = node.with_changes(
        name=cst.Name(name),
        params=without_calls(node.params),
        asynchronous=cst.Asynchronous(),
        decorators=(),
        body=body,
        leading_lines=(),
        lines_after_decorators=(),
    )
    entry = node.with_changes(
        body=cst.IndentedBlock([*docstring, result], indent=_indent_of(node.body)),
        leading_lines=[blank] * (gap + 1) + list(node.leading_lines),
    )
    return cst.FlattenSentinel([coroutine, entry])


def _indent_of(body: cst.BaseSuite) -> str | None:
    return body.indent if isinstance(body, cst.IndentedBlock) else None


def _without_docstring(
    body: cst.BaseSuite,
) -> tuple[list[cst.SimpleStatementLine], cst.BaseSuite]:
    match body:
        case cst.IndentedBlock(
            body=[cst.SimpleStatementLine(body=[cst.Expr(value=text)]) as first, *rest]
        ) if isinstance(text, (cst.SimpleString, cst.ConcatenatedString)):
            statements: list[Any] = list(rest)
            if statements:
                statements[0] = _without_blank_lines(statements[0])
            return [first], body.with_changes(
                body=statements or [cst.SimpleStatementLine([cst.Pass()])]
            )
    return [], body


def _without_blank_lines(statement: Any) -> Any:
    lines = list(statement.leading_lines)
    while lines and lines[0].comment is None:
        lines.pop(0)
    return statement.with_changes(leading_lines=lines)


def arguments(params: cst.Parameters) -> list[cst.Arg]:
    """The arguments that pass every parameter on, each in its own way."""
    args = [cst.Arg(p.name) for p in (*params.posonly_params, *params.params)]
    if isinstance(params.star_arg, cst.Param):
        args.append(cst.Arg(params.star_arg.name, star="*"))
    args += [cst.Arg(p.name, keyword=p.name, equal=_TIGHT_EQUAL) for p in params.kwonly_params]
    if params.star_kwarg is not None:
        args.append(cst.Arg(params.star_kwarg.name, star="**"))
    return args


_TIGHT_EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def without_calls(params: cst.Parameters) -> cst.Parameters:
    """Parameters without defaults where one of these is computed.

    All are passed on anyway, and `typer.Option(...)` means something only to the command.
    """
    groups = (params.posonly_params, params.params, params.kwonly_params)
    if all(_is_plain(p.default) for group in groups for p in group):
        return params
    changed = [[_without_default(p) for p in group] for group in groups]
    return params.with_changes(
        posonly_params=changed[0], params=changed[1], kwonly_params=changed[2]
    )


def _without_default(param: cst.Param) -> cst.Param:
    return param.with_changes(default=None, equal=cst.MaybeSentinel.DEFAULT)


def _is_plain(default: cst.BaseExpression | None) -> bool:
    match default:
        case None | cst.Name() | cst.Integer() | cst.Float() | cst.SimpleString():
            return True
        case cst.UnaryOperation(expression=expression):
            return _is_plain(expression)
        case cst.Attribute(value=value):
            return _is_plain(value)
        case cst.Tuple(elements=elements):
            return all(_is_plain(e.value) for e in elements)
    return False
