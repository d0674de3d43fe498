"""An async class method that makes an object and fills it is the `__init__` of the class."""

from __future__ import annotations

import ast
from collections.abc import Set

from asyncshift.erasure_scopes import FunctionNode

_FACTORIES = frozenset({"create", "make", "connected"})
_MARK = "@"


def is_factory(node: FunctionNode) -> bool:
    """Whether a definition is `async def create(cls)` with `self = cls.__new__(cls)` at its top."""
    match node:
        case ast.AsyncFunctionDef(name=name, decorator_list=[ast.Name(id="classmethod")]) if (
            name in _FACTORIES
        ):
            return _own_name(node.body) != ""
    return False


def _own_name(body: list[ast.stmt]) -> str:
    """What the new object is called."""
    for statement in body[:3]:
        match statement:
            case ast.Expr():
                continue  # a docstring; type parameters in a reduced body
            case ast.Assign(
                targets=[ast.Name(id=own)],
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id="cls"), attr="__new__"),
                    args=[ast.Name(id="cls")],
                    keywords=[],
                ),
            ):
                return own
        break
    return ""


def as_constructor(head: ast.FunctionDef) -> ast.FunctionDef:
    """The reduced factory as the `__init__` that it was: with `self`, and without its result."""
    own = _own_name(head.body)
    first = next(one for one in (*head.args.posonlyargs, *head.args.args))
    first.arg = own
    at = next(n for n, one in enumerate(head.body) if isinstance(one, ast.Assign))
    body = [*head.body[:at], *head.body[at + 1 :]]
    work: list[ast.AST] = list(body)
    while work:
        node = work.pop()
        match node:
            case ast.Return(value=ast.Name(id=name)) if name == own:
                node.value = None
        work += ast.iter_child_nodes(node)
    match body:
        case [*before, ast.Return(value=None)]:
            body = before
    returns = None if head.returns is None else ast.Constant(None)
    return ast.FunctionDef(
        name="__init__", args=head.args, body=body, decorator_list=[], returns=returns
    )


def without_factory(called: ast.expr, classes: Set[str]) -> ast.expr:
    """`Client.create`, of a class that has an `__init__` no more, as `Client`."""
    match called:
        case ast.Attribute(value=cls, attr=attr) if attr in _FACTORIES:
            if _last(cls) in classes:
                return cls
        case ast.Name(id=name) if name.startswith(_MARK) and (
            name.rpartition(".")[2] in _FACTORIES
        ):
            made = name.rpartition(".")[0]
            if made.rpartition(".")[2].lstrip(_MARK) in classes:
                return ast.Name(made, ast.Load())
    return called


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name.rpartition(".")[2].lstrip(_MARK)
        case ast.Attribute(attr=name):
            return name
    return ""
