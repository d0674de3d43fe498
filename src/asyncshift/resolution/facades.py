"""Which functions of one file only run a coroutine beside them: the facades of an earlier step.

    def fetch(url, timeout=5):
        return run_sync(fetch_async(url, timeout))

Recognised by their text alone, so that one that was edited by hand is an ordinary function again.
Whether the outer call really is a bridge, only the solved graph knows.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from asyncshift.model import BRIDGES

_KEPT = frozenset(
    {"staticmethod", "classmethod", "typing.final", "typing.override", "typing_extensions.final",
     "typing_extensions.override"}
)  # fmt: skip
"""Decorators that a facade has as well; all others belong to its coroutine."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function that looks like a facade of the function `coroutine` in the same block."""

    function: int
    owner: int
    """The enclosing function, class or module."""
    coroutine: str
    call: int
    """Site of the call of the coroutine."""
    args: ast.arguments


def gives_what_it_runs(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the last statement returns what a bridge gives for a call."""
    last = node.body[-1]
    if not isinstance(last, ast.Return) or not isinstance(last.value, ast.Call):
        return False
    match last.value:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Call()]):
            return name in BRIDGES
    return False


def inner_call(
    node: ast.FunctionDef, decorators: list[tuple[str, int]], cls: str
) -> tuple[str, ast.Call] | None:
    """(name, call) of what the body returns, wrapped in one call, and hands its parameters to;
    `cls` is the name of the class around."""
    body = node.body
    last = body[-1]
    if not isinstance(last, ast.Return) or not isinstance(last.value, ast.Call):
        return None
    match last.value:
        case ast.Call(func=ast.Name() | ast.Attribute(), args=[ast.Call() as inner], keywords=[]):
            pass
        case _:
            return None
    if len(body) == 2 and not _is_docstring(body[0]):
        return None
    named = {name for name, _ in decorators}
    if not named <= _KEPT:
        return None
    bound = bool(cls) and "staticmethod" not in named
    name = _callee(inner.func, node.args, cls, bound)
    if name and _hands_on(inner, node.args, bound):
        return name, inner
    return None


def _is_docstring(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def _callee(func: ast.expr, args: ast.arguments, cls: str, bound: bool) -> str:
    """The name of the coroutine: `f`, `self.f` and `cls.f`, or `Class.f` in a static method."""
    positional = [*args.posonlyargs, *args.args]
    match func:
        case ast.Attribute(value=ast.Name(id=first), attr=attr) if bound:
            return attr if positional and positional[0].arg == first else ""
        case ast.Attribute(value=ast.Name(id=name), attr=attr) if cls and name == cls:
            return attr
        case ast.Attribute(value=ast.Attribute(attr=name), attr=attr) if cls and name == cls:
            return attr  # `Outer.Inner.fetch_async` in a static method
        case ast.Name(id=name) if not cls:
            return name
    return ""


def _hands_on(call: ast.Call, args: ast.arguments, bound: bool) -> bool:
    """Every parameter is handed on once, in its place or by its name."""
    positional = [a.arg for a in [*args.posonlyargs, *args.args]][1 if bound else 0 :]
    given: list[str] = []
    star = False
    for argument in call.args:
        match argument:
            case ast.Name(id=name) if not star:
                given.append(name)
            case ast.Starred(value=ast.Name(id=name)) if args.vararg and not star:
                star = name == args.vararg.arg
            case _:
                return False
    named: list[str] = []
    double = False
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg=str() as name, value=ast.Name(id=value)) if name == value:
                named.append(name)
            case ast.keyword(arg=None, value=ast.Name(id=name)) if args.kwarg and not double:
                double = name == args.kwarg.arg
            case _:
                return False
    rest = positional[len(given) :]
    return (
        given == positional[: len(given)]
        and star == (args.vararg is not None)
        and double == (args.kwarg is not None)
        and sorted(named) == sorted([*rest, *(a.arg for a in args.kwonlyargs)])
        and not (star and rest)
        and not any(a.arg in rest for a in args.posonlyargs)
    )


def same_parameters(one: ast.arguments, other: ast.arguments) -> bool:
    """Equal but for annotations: the same names in the same places with the same defaults.

    `one` is the facade's, which may refer to a computed default of its coroutine:
    `fetch_async.__defaults__[0]`, `fetch_async.__kwdefaults__["timeout"]`.
    """
    named = [a.arg for a in other.kwonlyargs]
    keys: list[int | str] = [*range(len(other.defaults)), *named]
    mine, theirs = ([*args.defaults, *args.kw_defaults] for args in (one, other))
    return _shape(one) == _shape(other) and all(
        _dump(default) == _dump(computed) or _refers(default, key)
        for default, computed, key in zip(mine, theirs, keys, strict=True)
    )


def _shape(args: ast.arguments) -> tuple[object, ...]:
    return (
        [a.arg for a in args.posonlyargs],
        [a.arg for a in args.args],
        args.vararg and args.vararg.arg,
        [a.arg for a in args.kwonlyargs],
        args.kwarg and args.kwarg.arg,
        [default is None for default in args.kw_defaults],
        len(args.defaults),
    )


def _dump(default: ast.expr | None) -> str:
    return "" if default is None else ast.dump(default)


def _refers(default: ast.expr | None, key: int | str) -> bool:
    """Whether a default is another function's, that of the same parameter."""
    where = "__defaults__" if isinstance(key, int) else "__kwdefaults__"
    match default:
        case ast.Subscript(value=ast.Attribute(attr=attr), slice=ast.Constant(value=value)):
            return (attr, value) == (where, key)
    return False
