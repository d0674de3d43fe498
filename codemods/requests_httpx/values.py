"""Functions and methods as values, the module itself as a session, and calls through these.

The generated module has the functions of requests with their arguments, and its `Client` has the
methods of a session, so a value of either kind is called as before, and awaited.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Resolved
from asyncshift.codemods.requests_httpx import arguments, handlers
from asyncshift.model import Need, Tie

MODULES = frozenset({"requests", "requests.api"})
_LOOKING_UP = frozenset({"get", "items", "pop", "values"})


# ----------------------------------------------------------------------------- calls


def is_through_variable(resolved: Resolved, call: ast.Call, method: str) -> bool:
    """Whether a call does not name its function, or may reach the module as well as a session."""
    if tb.mentions_import(resolved, call.func):
        return False
    match call.func:
        case ast.Attribute(attr=attr) if attr == method:
            return any(_is_function(target.api) for target in resolved.site.targets)
    return True


def _is_function(api: str | None) -> bool:
    return (api or "").rpartition(".")[0] in MODULES


def called(resolved: Resolved, call: ast.Call, method: str) -> Iterator[Outcome]:
    """`call(url)`, `getattr(session, verb)(url)`, `(session or requests).get(url)`: awaited."""
    in_with = isinstance(resolved.parents[0], ast.withitem)
    if in_with or not _is_followed(resolved, call.func, method):
        yield tb.refuse(
            resolved,
            "through-a-variable",
            f"`{resolved.site.text}` calls {resolved.api} through a variable",
            f"call {method} by its name",
        )
        return
    yield from arguments.parts(resolved, call, method)
    if _is_function(resolved.api):
        yield Tie("requests")
        yield Tie(f"requests.{method}")
    yield Need("client")
    yield tb.edit(resolved, call, tb.awaited, order=tb.AWAIT_ORDER)
    yield from handlers.widened(resolved)


def _is_followed(resolved: Resolved, func: ast.expr, method: str) -> bool:
    """Whether what is called is written here, or comes out of variables of the function."""
    match func:
        case ast.Attribute(attr=attr):
            return attr == method
        case ast.Call(func=ast.Name(id="getattr"), args=[_, _]):
            return True
        case ast.IfExp(body=body, orelse=other):
            return all(_is_followed(resolved, part, method) for part in (body, other))
        case ast.Subscript(value=value):
            return isinstance(value, (ast.Dict, ast.Name))
        case ast.Call(func=ast.Attribute(value=ast.Dict() | ast.Name(), attr="get" | "pop")):
            return True
        case ast.Name(id=name):
            scope = tb.function_of(resolved.parents)
            return scope is not None and name not in _parameters(scope)
    return False


def _parameters(function: tb.Function) -> set[str]:
    return {arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)}


# ----------------------------------------------------------------------------- values


def function(resolved: Resolved) -> Iterator[Outcome]:
    """`requests.get` in a table or a variable: the function of the generated module."""
    name = f"requests.{resolved.api.rpartition('.')[2]}"
    if not _stays_near(resolved):
        yield Tie(name, f"{name} is handed on as a value, and whoever calls it would have to wait")
        yield _handed_on(resolved, name)
        return
    yield Tie(name)
    yield arguments.needed_part("functions")
    text = resolved.names.dotted(f"_http.{name.rpartition('.')[2]}", resolved.site.span)
    yield tb.edit(resolved, resolved.node, tb.retarget(text))


def method(resolved: Resolved) -> Iterator[Outcome]:
    """`session.get` in a table or a variable: the client's method of that name."""
    if _stays_near(resolved):
        yield Need("client")
    else:
        yield _handed_on(resolved, resolved.api)


def _handed_on(resolved: Resolved, name: str) -> Outcome:
    return tb.refuse(
        resolved,
        "handed-on",
        f"{name} is handed on as a value, and whoever calls it would have to await it",
        "call it here, or hand on a function that calls it",
    )


def module(resolved: Resolved) -> Iterator[Outcome]:
    """`session or requests`, `self.session = requests`: the generated module is used so as well."""
    if tb.qualified(resolved, resolved.node) not in MODULES:
        return
    if not _is_kept(resolved):
        yield Tie("requests", f"{resolved.site.text} is handed on as a value")
        return
    yield Tie("requests")
    yield arguments.needed_part("functions")
    text = resolved.names.dotted("_http.request", resolved.site.span).rpartition(".")[0]
    yield tb.edit(resolved, resolved.node, tb.retarget(text))


def _is_kept(resolved: Resolved) -> bool:
    """Whether the module goes into a variable, or to a function of the project."""
    for child, parent in tb.chain(resolved):
        match parent:
            case ast.BoolOp() | ast.NamedExpr():
                continue
            case ast.IfExp(test=test) if test is not child:
                continue
            case ast.Attribute() | ast.Return() | ast.Assign() | ast.AnnAssign():
                return True
            case ast.arguments(defaults=defaults, kw_defaults=others):
                return child in defaults or child in others
            case ast.Call(func=ast.Name(id="getattr"), args=[first, *_]):
                return first is child
            case _:
                return False
    return False


def _stays_near(resolved: Resolved) -> bool:
    """Whether the value goes into variables of its function, or of the file, that are only called
    and looked up in."""
    scope = tb.function_of(resolved.parents) or tb.module_of(resolved)
    place = None
    for child, parent in tb.chain(resolved):
        match parent:
            case ast.Dict(values=values) if child in values:
                continue
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                place = elements.index(child) if place is None else place  # type: ignore[arg-type]
            case ast.IfExp(test=test) if test is not child:
                continue
            case ast.Subscript(value=value) if value is child:
                continue
            case ast.Call(func=func) if func is child:
                return True
            case ast.Assign(targets=[target]):
                return _Near(scope, place).holds(target)
            case ast.AnnAssign(target=target):
                return _Near(scope, place).holds(target)
            case _:
                return False
    return False


class _Near:
    """Follows a value through the variables of one scope.  `place`: its place in a tuple."""

    def __init__(self, scope: tb.Function | ast.Module, place: int | None) -> None:
        self._scope, self._place = scope, place
        self._parents = {
            child: parent for parent in ast.walk(scope) for child in ast.iter_child_nodes(parent)
        }

    def holds(self, target: ast.expr) -> bool:
        """Whether what is bound here, and what is taken out of it, is only called and looked up
        in."""
        queue = self._names_in(target)
        known: set[str] = set()
        if not queue:
            return False
        while queue:
            name = queue.pop()
            if name in known:
                continue
            known.add(name)
            for node in ast.walk(self._scope):
                match node:
                    case ast.Global(names=outer) | ast.Nonlocal(names=outer) if name in outer:
                        return False
                    case ast.Name(id=found, ctx=ast.Load()) if found == name:
                        taken = self._taken(node)
                        if taken is None:
                            return False
                        queue += taken
        return True

    def _names_in(self, target: ast.expr) -> list[str]:
        """The names that are bound; an attribute or a place in a container is not followed."""
        match target:
            case ast.Name(id=name):
                return [name]
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                if self._place is not None and self._place < len(elements):
                    elements = [elements[self._place]]
                found = [self._names_in(element) for element in elements]
                return [name for names in found for name in names] if all(found) else []
        return []

    def _taken(self, node: ast.expr) -> list[str] | None:
        """The names that get what is read here; None where it goes elsewhere."""
        parent = self._parents.get(node)
        match parent:
            case ast.Call(func=func) if func is node:
                return []
            case ast.Subscript(value=value, ctx=ast.Load()) if value is node:
                return self._taken(parent)
            case ast.Attribute(value=value, attr=attr) if value is node and attr in _LOOKING_UP:
                match self._parents.get(parent):
                    case ast.Call(func=func) as call if func is parent:
                        return self._taken(call)
                return None
            case ast.Assign(targets=[target], value=value) if value is node:
                return self._names_in(target) or None
            case ast.For(target=target, iter=iterated) if iterated is node:
                return self._names_in(target) or None
            case ast.Compare(comparators=others) if node in others:
                return []
            case ast.If(test=test) | ast.While(test=test) if test is node:
                return []
            case ast.UnaryOp(op=ast.Not()):
                return []
            case ast.IfExp(test=test) if test is not node:
                return self._taken(parent)
        return None
