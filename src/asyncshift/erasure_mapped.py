"""Builtins that call what they are handed, and comprehensions that do it, as one form.

`(f(x) for x in rows)` gives what `map(f, rows)` gives, item by item, and a sorting of pairs by
their first parts is a sorting by key.  All functions take reduced expressions, of which nothing has
to be left intact.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

_LOAD = ast.Load()


def as_call(node: ast.GeneratorExp) -> ast.expr:
    """A generator expression that only calls, or asks, a function for every item."""
    match node:
        case ast.GeneratorExp(
            elt=ast.Call(func=function, args=given, keywords=[]),
            generators=[ast.comprehension(target=target, iter=source, ifs=[])],
        ):
            names = _names(target)
            if not names or _mentions(function, names):
                return node
            if len(names) == 1 and _is_starred(given, names[0]):
                return _called("@itertools.starmap", [function, source])
            if _plain(given) != names:
                return node
            sources = [source] if len(names) == 1 else _zipped(source, len(names))
            return _called("map", [function, *sources]) if sources else node
        case ast.GeneratorExp(
            elt=ast.Name(id=one),
            generators=[ast.comprehension(target=ast.Name(id=other), iter=source, ifs=[test])],
        ) if one == other:
            name = "filter"
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                name, test = "@itertools.filterfalse", test.operand
            match test:
                case ast.Call(func=function, args=given, keywords=[]):
                    if _plain(given) == [one] and not _mentions(function, [one]):
                        return _called(name, [function, source])
    return node


def without_lambda(node: ast.Call) -> ast.expr:
    """`map(lambda x: x + 1, rows)` as `(x + 1 for x in rows)`."""
    match node:
        case ast.Call(
            func=ast.Name(id="map"), args=[ast.Lambda() as given, *sources], keywords=[]
        ) if sources:
            names = _parameters(given)
            if len(names) != len(sources):
                return node
            return as_call(_generator(given.body, names, sources, []))
        case ast.Call(
            func=ast.Name(id="filter" | "@itertools.filterfalse" as name),
            args=[ast.Lambda() as given, source],
            keywords=[],
        ):
            names = _parameters(given)
            if len(names) != 1:
                return node
            test = given.body
            if name != "filter":
                negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
                test = test.operand if negated else ast.UnaryOp(ast.Not(), test)  # type: ignore[attr-defined]
            return as_call(_generator(ast.Name(names[0], _LOAD), names, [source], [test]))
    return node


def with_key(node: ast.Call) -> ast.Call:
    """`sorted`, `min`, `max` with their key first; a key that only calls is what it calls."""
    keys = [keyword for keyword in node.keywords if keyword.arg == "key"]
    for keyword in keys:
        match keyword.value:
            case ast.Lambda(body=ast.Call(func=function, args=given, keywords=[])) as key:
                names = _parameters(key)
                if len(names) == 1 and _plain(given) == names and not _mentions(function, names):
                    keyword.value = function
    node.keywords = [*keys, *(k for k in node.keywords if k.arg != "key")]
    return node


def sorted_by_key(node: ast.GeneratorExp) -> ast.Call | None:
    """`(x for _, x in sorted([(f(x), x) for x in rows], key=lambda p: p[0]))`, which all goes into
    a list, as `sorted(rows, key=f)`."""
    match node:
        case ast.GeneratorExp(
            elt=ast.Name(id=one),
            generators=[
                ast.comprehension(
                    target=ast.Tuple(elts=[ast.Name(id="_"), ast.Name(id=other)]),
                    iter=ast.Call(func=ast.Name(id="sorted"), args=[_]) as pairs,
                    ifs=[],
                )
            ],
        ) if one == other != "_":
            return _by_key(pairs)
    return None


def first_by_key(node: ast.Subscript) -> ast.expr:
    """`min([(f(x), x) for x in rows], key=lambda p: p[0])[1]` as `min(rows, key=f)`."""
    match node:
        case ast.Subscript(
            value=ast.Call(func=ast.Name(id="min" | "max"), args=[_]) as pairs,
            slice=ast.Constant(value=1),
        ):
            for keyword in pairs.keywords:
                match keyword:
                    case ast.keyword(
                        arg="default",
                        value=ast.Tuple(elts=[ast.Constant(value=None), default]),
                    ):
                        keyword.value = default
                    case ast.keyword(arg="default"):
                        return node
            return _by_key(pairs) or node
    return node


def _by_key(pairs: ast.Call) -> ast.Call | None:
    match pairs:
        case ast.Call(
            args=[
                ast.GeneratorExp(
                    elt=ast.Tuple(elts=[key, ast.Name(id=item)]),
                    generators=[ast.comprehension(target=ast.Name(id=other), iter=source, ifs=[])],
                )
            ],
            keywords=[
                ast.keyword(
                    arg="key",
                    value=ast.Lambda(
                        args=ast.arguments(args=[ast.arg(arg=pair)]),
                        body=ast.Subscript(
                            value=ast.Name(id=compared), slice=ast.Constant(value=0)
                        ),
                    ),
                ),
                *more,
            ],
        ) if item == other and pair == compared:
            match source:
                case ast.Call(func=ast.Name(id="list"), args=[inner], keywords=[]):
                    source = inner
            arguments = ast.arguments(
                posonlyargs=[], args=[ast.arg(item)], kwonlyargs=[], kw_defaults=[], defaults=[]
            )
            first = ast.keyword("key", ast.Lambda(arguments, key))
            sources = [source]
            if isinstance(source, ast.Tuple) and isinstance(pairs.func, ast.Name):
                sources = source.elts if pairs.func.id != "sorted" else sources
            return with_key(ast.Call(pairs.func, sources, [first, *more]))
    return None


# ----------------------------------------------------------------------------- parts


def _names(target: ast.expr) -> list[str]:
    """The variables of a clause; none where they are not plain."""
    elements = target.elts if isinstance(target, ast.Tuple) else [target]
    return _plain(elements)


def _plain(nodes: Sequence[ast.expr]) -> list[str]:
    names = [node.id for node in nodes if isinstance(node, ast.Name)]
    return names if len(names) == len(nodes) else []


def _parameters(node: ast.Lambda) -> list[str]:
    args = node.args
    more = args.posonlyargs or args.kwonlyargs or args.vararg or args.kwarg or args.defaults
    return [] if more else [argument.arg for argument in args.args]


def _is_starred(given: Sequence[ast.expr], name: str) -> bool:
    match given:
        case [ast.Starred(value=ast.Name(id=one))]:
            return one == name
    return False


def _mentions(node: ast.expr, names: Sequence[str]) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id in names for inner in ast.walk(node))


def _zipped(source: ast.expr, count: int) -> list[ast.expr]:
    match source:
        case ast.Call(func=ast.Name(id="zip"), args=sources, keywords=[]):
            return sources if len(sources) == count else []
    return []


def _called(name: str, args: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Name(name, _LOAD), args, [])


def _generator(
    element: ast.expr, names: Sequence[str], sources: list[ast.expr], tests: list[ast.expr]
) -> ast.GeneratorExp:
    targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name in names]
    target = targets[0] if len(targets) == 1 else ast.Tuple(targets, ast.Store())
    source = sources[0] if len(sources) == 1 else _called("zip", sources)
    return ast.GeneratorExp(element, [ast.comprehension(target, source, tests, 0)])
