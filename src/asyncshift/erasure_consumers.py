"""`map`, `filter` and their like, and the generator expressions that do the same.

Both are reduced to one of the two, so that neither text has to say which it was.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from asyncshift.caches import RESULTS_CACHED
from asyncshift.lazy import MODULE, SYNC_FORMS

SYNC_NAMES = {
    **SYNC_FORMS,
    "_tasks.zipped": "builtins.zip",
    "_tasks.enumerated": "builtins.enumerate",
    **{new: old for old, new in RESULTS_CACHED.items()},
}
"""What takes async iterables as well -> what takes sync ones only; caches of results."""

_GENERATED = (MODULE, "_tasks", "_cached", "_threads")


def without_package(name: str) -> str:
    """A name of a generated module, wherever in the project that lies."""
    for module in _GENERATED:
        _, found, member = f".{name}".partition(f".{module}.")
        if found:
            return f"{module}.{member}"
    return name


def filtered(item: str, test: ast.expr, values: ast.expr) -> ast.expr | None:
    """`x for x in xs if x` as `filter(None, xs)`."""
    if isinstance(test, ast.Name) and test.id == item:
        return ast.Call(ast.Name("filter", ast.Load()), [ast.Constant(None), values], [])
    return None


def chained(item: str, outer: ast.comprehension, inner: ast.comprehension) -> ast.expr | None:
    """`x for part in (xs, ys) for x in part` as `chain(xs, ys)`."""
    match outer, inner:
        case (
            ast.comprehension(target=ast.Name(id=part), iter=ast.Tuple(elts=parts), ifs=[]),
            ast.comprehension(target=ast.Name(id=other), iter=ast.Name(id=source), ifs=[]),
        ) if item == other and part == source:
            return ast.Call(ast.Name("@itertools.chain", ast.Load()), parts, [])
    return None


def same_items(values: ast.expr) -> ast.expr:
    """What gives the same items one by one: `xs` for `(x for x in xs)`."""
    match values:
        case ast.GeneratorExp(
            elt=ast.Name(id=one),
            generators=[ast.comprehension(target=ast.Name(id=other), iter=inner, ifs=[])],
        ) if one == other:
            return inner
    return values


def does_nothing(nodes: Iterable[ast.expr]) -> bool:
    """Whether evaluating can neither be seen nor fail: so what is iterated may be taken at once."""
    plain = (ast.Name, ast.Constant, ast.Tuple, ast.List, ast.expr_context)
    return all(isinstance(inner, plain) for node in nodes for inner in ast.walk(node))


def parameters_of(function: ast.Lambda) -> ast.expr | None:
    """The target that the parameters of a lambda for `starmap` are; None where there is none."""
    given = function.args
    names: list[ast.expr] = [ast.Name(one.arg, ast.Store()) for one in given.args]
    plain = ast.arguments([], given.args, None, [], [], None, [])
    if ast.dump(given) != ast.dump(plain) or len(names) < 2:
        return None
    return ast.Tuple(names, ast.Store())
