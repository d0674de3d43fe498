"""Where an exception class stands as a value, and whether several can stand there."""

from __future__ import annotations

import ast
import builtins
import enum
import re
from collections.abc import Sequence

from asyncshift import toolbox as tb
from asyncshift.codemod import Registry, Resolved

_CLASS = re.compile(r"[A-Z]+[a-z]")
"""How the name of a class begins, in the company of exceptions; a constant's does not."""
TESTS = frozenset({"isinstance", "issubclass"})


class Place(enum.Enum):
    """Where a class stands: RAISED.  MOCKED: what a mock raises.  TESTED: asked for by
    `isinstance`.  AMONG: among others, of which it does not matter how many there are.  GROUP: a
    tuple can stand there as well.  ONE: one class.  CALLED: one class, of which more is used than
    whether an error is one of it."""

    RAISED = enum.auto()
    MOCKED = enum.auto()
    TESTED = enum.auto()
    AMONG = enum.auto()
    GROUP = enum.auto()
    ONE = enum.auto()
    CALLED = enum.auto()


def place_of(resolved: Resolved, registry: Registry) -> Place:
    """Where the class at the site stands."""
    node = resolved.node
    if is_mocked(resolved.parents):
        return Place.MOCKED
    match resolved.parents:
        case (ast.Raise(), *_):
            return Place.RAISED
        case (ast.Tuple() as group, ast.Call(func=func, args=[_, kinds]), *_) if kinds is group:
            if tb.dotted_text(func) in TESTS:
                return Place.TESTED
        case (ast.Call(func=func, args=[_, kinds]), *_) if (
            kinds is node and tb.dotted_text(func) in TESTS
        ):
            return Place.GROUP
    match resolved.parents:
        case (ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts), above, *_):
            if isinstance(above, ast.Assign) and _unpacks(above):
                return Place.GROUP
            if isinstance(above, ast.Compare):  # `type(error) in (...)` asks for the very class
                return Place.ONE
            paired = isinstance(above, (ast.Tuple, ast.List, ast.Set, ast.Dict))
            alike = all(_is_exception(resolved, registry, one) for one in parts)
            return Place.AMONG if alike and not paired else Place.GROUP
        case (ast.Dict(values=values), *_):
            return Place.GROUP if any(one is node for one in values) else Place.ONE
        case (ast.arguments(), *_):
            return Place.GROUP
        case (
            ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)),
            *_,
        ):
            return _use_of(resolved, name)
        case (ast.Assign(targets=[ast.Attribute()]), *_):
            return Place.GROUP
        case (ast.keyword(arg="return_value"), *_):
            return Place.CALLED
        case (ast.keyword(), *_):
            return Place.GROUP
        case (ast.Call(args=args) as call, *_) if node in args:
            return _argument(resolved, call)
    return Place.ONE


def is_mocked(parents: Sequence[ast.AST]) -> bool:
    """Whether it is what a mock raises when it is called, alone or as one of several results."""
    match parents:
        case ((ast.List() | ast.Tuple()), *above):
            parents = above
    match parents:
        case (ast.keyword(arg="side_effect"), *_):
            return True
        case (ast.Assign(targets=[ast.Attribute(attr="side_effect")]), *_):
            return True
    return False


def _unpacks(statement: ast.Assign) -> bool:
    return any(isinstance(target, (ast.Tuple, ast.List)) for target in statement.targets)


def _is_exception(resolved: Resolved, registry: Registry, node: ast.expr) -> bool:
    """Whether an element of a tuple is an exception, or several."""
    if isinstance(node, ast.Starred):
        return True
    full = tb.qualified(resolved, node) or tb.dotted_text(node)
    known = getattr(builtins, full, None)
    return (
        registry.exception(full) is not None
        or (isinstance(known, type) and issubclass(known, BaseException))
        or _CLASS.match(full.rpartition(".")[2]) is not None
    )


def _use_of(resolved: Resolved, name: str) -> Place:
    """What the file does with a variable that holds a class."""
    for node in ast.walk(tb.module_of(resolved)):
        match node:
            case (
                ast.Call(func=ast.Name(id=used))
                | ast.Attribute(value=ast.Name(id=used))
                | ast.Raise(exc=ast.Name(id=used))
            ) if used == name:
                return Place.CALLED
            case ast.ClassDef(bases=bases) if name in map(tb.dotted_text, bases):
                return Place.CALLED
    return Place.GROUP


def _argument(resolved: Resolved, call: ast.Call) -> Place:
    """A positional argument: one of those that `*errors` takes, or one that a tuple can be."""
    name = tb.dotted_text(call.func)
    position = call.args.index(resolved.node)  # type: ignore[arg-type]
    defined = [
        node
        for node in ast.walk(tb.module_of(resolved))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name
    ]
    if len(defined) == 1:
        args = defined[0].args
        taken = len(args.posonlyargs) + len(args.args)
        return Place.AMONG if args.vararg and position >= taken else Place.GROUP
    top = tb.qualified(resolved, call.func).partition(".")[0]
    own = resolved.options.get("first_party", "").split(",")
    return Place.ONE if not top or top in own else Place.GROUP
