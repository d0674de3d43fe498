"""An `__init__` that turns becomes an async factory.

@classmethod
async def create(cls, url):
    self = cls.__new__(cls)
    self.token = await login(url)
    return self
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Decision
from asyncshift.rewrite.blocks import make_async
from asyncshift.rewrite.context import AWAIT_ORDER, Context, Planned, Step

_CREATE_ORDER = AWAIT_ORDER - 5


def create_call(ctx: Context, decision: Decision) -> Iterator[Step]:
    """CREATE: `Client(url)` as `Client.create(url)`."""
    node = ctx.tree.find(decision.span, ast.Call)
    assert isinstance(node, ast.Call), decision
    if not isinstance(node.func, (ast.Name, ast.Attribute)):
        reason = "the class is not called by its name"
        yield ctx.refuse(node, "constructor", reason, "call the class by its name")
        return
    change = partial(_created, factory=decision.detail["name"])
    yield Edit("Call", decision.span, change, _CREATE_ORDER)


def _created(node: cst.Call, factory: str) -> cst.Call:
    return node.with_changes(func=cst.Attribute(node.func, cst.Name(factory)))


def factory(ctx: Context, node: ast.FunctionDef, called: str) -> Iterator[Step]:
    """The definition, where everything in it means the same in a class method."""
    cls = ctx.tree.parents[node]
    assert isinstance(cls, ast.ClassDef), node
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    names |= {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    bound = {inner.id for one in cls.body for inner in ast.walk(one) if isinstance(inner, ast.Name)}
    given = [*node.args.posonlyargs, *node.args.args]
    if names & {"super", "cls", "__class__"} or called in bound or not given:
        yield ctx.refuse(
            node,
            "constructor",
            f"what {cls.name}.__init__ does has no other form in a class method",
            f"give {cls.name} an async class method `{called}` by hand",
        )
        return
    own = given[0].arg
    for inner in ctx.tree.own_nodes(node):
        if isinstance(inner, ast.Return):
            yield Edit("Return", ctx.tree.span(inner), partial(_returned, own=own), AWAIT_ORDER)
    change = partial(_factory, own=own, name=cls.name, called=called)
    yield Planned(Edit("FunctionDef", ctx.tree.span(node), change, AWAIT_ORDER, built=True))


def _returned(node: cst.Return, own: str) -> cst.Return:
    return node.with_changes(value=cst.Name(own), whitespace_after_return=cst.SimpleWhitespace(" "))


def _factory(node: cst.FunctionDef, own: str, name: str, called: str) -> cst.CSTNode:
    match node.body:
        case cst.IndentedBlock(body=lines):
            body = list(lines)
        case suite:
            small = cst.ensure_type(suite, cst.SimpleStatementSuite)
            body = [cst.SimpleStatementLine(small.body)]
    text = body[:1] if node.get_docstring() is not None else []
    new = cst.parse_statement(f"{own} = cls.__new__(cls)\n")
    made = [*text, new, *body[len(text) :]]
    match made[-1]:
        case cst.SimpleStatementLine(body=[*_, cst.Return()]):
            pass
        case _:
            made.append(cst.parse_statement(f"return {own}\n"))
    block = cst.IndentedBlock(made)
    if isinstance(node.body, cst.IndentedBlock):
        block = node.body.with_changes(body=made)
    parameters = node.params
    where = "posonly_params" if parameters.posonly_params else "params"
    first, *rest = getattr(parameters, where)
    taken = [first.with_changes(name=cst.Name("cls"), annotation=None), *rest]
    returns = node.returns
    if returns is not None:
        returns = returns.with_changes(annotation=cst.SimpleString(f'"{name}"'))
    return make_async(
        node.with_changes(
            name=cst.Name(called),
            params=parameters.with_changes(**{where: taken}),
            decorators=[cst.Decorator(cst.Name("classmethod"))],
            returns=returns,
            body=block,
        )
    )
