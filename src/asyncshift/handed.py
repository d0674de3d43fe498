"""Calls by which tests have a function called: `self.assertRaises(E, f, x)`, `pytest.raises(E, f)`.

They are calls of `f`: the same can be said with a block, `with self.assertRaises(E): f(x)`, and a
lambda without parameters stands for its body.  Read by the facts, the rewrite and the checks, which
all go by how the call is written.
"""

from __future__ import annotations

import ast

_METHODS = {"assertRaises": 1, "assertRaisesRegex": 2, "assertWarns": 1, "assertWarnsRegex": 2}
_FUNCTIONS = {"raises": 1, "warns": 1, "deprecated_call": 0}
CLEANUP = "addCleanup"
NAMES = frozenset({*_METHODS, *_FUNCTIONS, CLEANUP})
"""Last names of such calls."""


def handed(node: ast.AST) -> int | None:
    """Which argument of a call is called there with those behind it; None for any other call."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="pytest"), attr=name), args=args):
            index = _FUNCTIONS.get(name)
        case ast.Call(func=ast.Attribute(attr=name), args=args):
            index = _METHODS.get(name)
        case _:
            return None
    if index is None or len(args) <= index:
        return None
    if any(isinstance(argument, ast.Starred) for argument in args[: index + 1]):
        return None
    return None if isinstance(args[index], ast.Constant) else index


def cleanup(node: ast.AST) -> bool:
    """Whether `self.addCleanup(f, x)` has a function called when the test is over."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name), args=[first, *_]) if name == CLEANUP:
            return not isinstance(first, ast.Starred | ast.Lambda)
    return False


def in_place(node: ast.AST) -> ast.Lambda | None:
    """The lambda whose body such a call runs where it stands."""
    if (index := handed(node)) is None or not isinstance(node, ast.Call):
        return None
    match node.args[index:], node.keywords:
        case [ast.Lambda(args=ast.arguments(posonlyargs=[], args=[], kwonlyargs=[])) as it], []:
            return it if it.args.vararg is None and it.args.kwarg is None else None
    return None
