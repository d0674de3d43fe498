"""A `cached_property` that turns: a coroutine can be awaited once, so the property keeps the result
in an attribute of its own.

    @property
    async def rates(self):
        if not hasattr(self, "_cached_rates"):
            self._cached_rates = await fetch()
        return self._cached_rates
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.rewrite.blocks import make_async
from asyncshift.rewrite.context import AWAIT_ORDER, Context, FunctionNode, Planned, Step
from asyncshift.rewrite.type_hints import retargeted

CACHED = "functools.cached_property"


def cached_decorator(ctx: Context, node: FunctionNode) -> ast.expr | None:
    """The decorator that keeps what a property gives."""
    return next((one for one in node.decorator_list if ctx.names.resolve(one) == CACHED), None)


def keep_result(ctx: Context, node: FunctionNode, decorator: ast.expr) -> Iterator[Step]:
    """The property with a cache of its own, for one whose body ends with its only `return`."""
    returns = [inner for inner in ctx.tree.own_nodes(node) if isinstance(inner, ast.Return)]
    last = node.body[-1]
    if returns != [last] or returns[0].value is None or _shares_its_line(node):
        yield ctx.refuse(
            returns[0] if returns else node,
            "cached-property",
            f"{node.name} keeps what it gives, and does not end with its only `return`",
            "give it one `return`, at its end",
        )
        return
    name = f"_cached_{node.name.lstrip('_')}"
    while re.search(rf"\b{name}\b", ctx.file.text):
        name += "_"
    yield retargeted(ctx, decorator, "property")
    change = partial(_kept, own=node.args.args[0].arg, name=name)
    yield Planned(Edit("FunctionDef", ctx.tree.span(node), change, AWAIT_ORDER, built=True))


def _shares_its_line(node: FunctionNode) -> bool:
    """Whether the `return` follows something on the same line."""
    before = [node, *node.body[:-1]][-1]
    line = before.lineno if before is node else before.end_lineno
    return line == node.body[-1].lineno


def _kept(node: cst.FunctionDef, own: str, name: str) -> cst.CSTNode:
    body = cst.ensure_type(node.body, cst.IndentedBlock)
    *lines, last = body.body
    ending = cst.ensure_type(last, cst.SimpleStatementLine)
    given = cst.ensure_type(ending.body[0], cst.Return).value
    assert given is not None
    attribute = cst.Attribute(cst.Name(own), cst.Name(name))
    stored = ending.with_changes(body=[cst.Assign([cst.AssignTarget(attribute)], given)])
    text = lines[:1] if node.get_docstring() is not None else []
    asked = cst.Call(
        cst.Name("hasattr"), [cst.Arg(cst.Name(own)), cst.Arg(cst.SimpleString(f'"{name}"'))]
    )
    test = cst.UnaryOperation(cst.Not(), asked)
    block = cst.If(test, cst.IndentedBlock([*lines[len(text) :], stored]))
    result = cst.SimpleStatementLine([cst.Return(attribute)])
    made = node.with_changes(body=body.with_changes(body=[*text, block, result]))
    return make_async(made)
