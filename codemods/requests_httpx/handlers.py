"""Except clauses: the classes that arrive instead, and handlers of OSError and ValueError.

Every exception of requests is an OSError, some are ValueErrors; those of httpx are neither, so a
handler of a builtin class around a call is widened by what it would have caught.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from functools import partial
from typing import Any

import libcst as cst

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Edit, Outcome, Registry, Resolved
from asyncshift.exception_places import is_mocked
from asyncshift.model import Need, Severity
from asyncshift.pins import is_test_file

WIDER = {
    "OSError": ("httpx.HTTPError", "httpx.InvalidURL"),
    "IOError": ("httpx.HTTPError", "httpx.InvalidURL"),
    "EnvironmentError": ("httpx.HTTPError", "httpx.InvalidURL"),
    "ValueError": ("httpx.InvalidURL", "httpx.UnsupportedProtocol"),
}
CATCHES_ALL = frozenset(
    {
        "BaseException",
        "Exception",
        "requests.RequestException",
        "requests.exceptions.RequestException",
    }
)
WITH_RESPONSE = frozenset({"requests.HTTPError"})
"""Errors that have a response in httpx as well."""
RAISED = {
    "requests.ConnectionError": "httpx.ConnectError",
    "requests.RequestException": "httpx.RequestError",
    "requests.Timeout": "httpx.ReadTimeout",
}
"""What stands for a class in whose place several can arrive, where one is raised."""
TEXTS = frozenset({"requests.HTTPError", "requests.RequestException"})
"""What catches the error of `raise_for_status`, whose text differs."""


def except_clause(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """One class of an except clause, and what the handler reads from the error."""
    api = registry.canonical(resolved.api)
    extra = []
    if api == "requests.RequestException" and _may_parse_json(resolved):
        extra += ["json.JSONDecodeError", "builtins.UnicodeDecodeError"]
    yield from generic.except_class(resolved, registry, extra)
    handler = next((p for p in resolved.parents[:3] if isinstance(p, ast.ExceptHandler)), None)
    if api == "requests.SSLError":
        yield Need("client", everywhere=True)
    if handler is not None:
        if api in TEXTS and _uses_text(handler):
            yield Need("error-text", everywhere=True)
        yield from _reads(resolved, handler, always=api in WITH_RESPONSE)


def exception_value(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """A class as a value: handlers elsewhere may be given it, and read from what they catch."""
    api = registry.canonical(resolved.api)
    yield from raised(registry, resolved)
    row = registry.exception(resolved.api)
    if row is not None and row.to and _is_parameter(resolved):
        new = resolved.names.dotted(RAISED.get(api, row.to[0]), resolved.site.span)
        yield tb.edit(resolved, resolved.node, tb.retarget(new))
        return
    extra = []
    if api == "requests.RequestException" and tb.needed(resolved, "json-errors"):
        extra = ["json.JSONDecodeError", "builtins.UnicodeDecodeError"]
    yield from generic.exception_value(resolved, registry, extra)
    if api == "requests.SSLError":
        yield Need("client", everywhere=True)


def raised(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """`requests.ConnectionError("down")` in a test, or the bare class where a mock raises it."""
    call = resolved.node if isinstance(resolved.node, ast.Call) else None
    parents = resolved.parents
    mocked = is_mocked(parents) or isinstance(parents[0], ast.Raise)
    row = registry.exception(resolved.api)
    if row is None or not row.to or not mocked or not is_test_file(resolved.site.path):
        return
    api = registry.canonical(resolved.api)
    new = RAISED.get(api, row.to[0])
    name = resolved.names.dotted(new, resolved.site.span)
    if new.startswith("json."):
        if call is not None:
            yield tb.edit(resolved, call, tb.retarget_call(name))
        return
    more = ("request", "response") if api in WITH_RESPONSE else ()
    yield tb.edit(resolved, resolved.node, partial(_made, name, more))


def _is_parameter(resolved: Resolved) -> bool:
    """Whether a test is run for the class: one class in its place keeps the names of the tests."""
    if not is_test_file(resolved.site.path) or isinstance(resolved.parents[0], ast.Call):
        return False
    calls = [parent for parent in resolved.parents if isinstance(parent, ast.Call)]
    return any(tb.dotted_text(call.func).endswith(".parametrize") for call in calls)


def _made(name: str, more: tuple[str, ...], node: Any) -> Any:
    """Errors of httpx need a text, and those of a response both sides of it."""
    given = list(node.args) if isinstance(node, cst.Call) else []
    texts = [arg for arg in given if arg.keyword is None and not arg.star]
    named = {arg.keyword.value: arg.value for arg in given if arg.keyword is not None}
    args = [cst.Arg(texts[0].value if texts else tb.expression('""'))]
    for key in more:
        args.append(tb.keyword(key, named.get(key, tb.expression("None"))))
    return tb.keep_parentheses(node, cst.Call(tb.expression(name), args))


def _uses_text(handler: ast.ExceptHandler) -> bool:
    """Whether a handler does more with its error than to raise it or to read its members."""
    for node, parents in _with_parents(handler):
        if isinstance(node, ast.Name) and node.id == handler.name:
            match parents[0]:
                case ast.Attribute(attr="response" | "request") | ast.Raise():
                    continue
                case ast.Call(func=ast.Name(id="isinstance" | "type")):
                    continue
            return True
    return False


def text_is_used(resolved: Resolved) -> bool:
    """Whether a handler of any class around the site uses the text of what it catches."""
    for child, parent in tb.chain(resolved):
        match parent:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                return False
            case ast.Try(body=body, handlers=found) if child in body:
                if any(map(_uses_text, found)):
                    return True
    return False


def _guarded(resolved: Resolved) -> Iterator[ast.AST]:
    """Everything inside the guarded body."""
    for parent in resolved.parents:
        match parent:
            case ast.Try(body=body) | ast.TryStar(body=body) | ast.With(body=body):
                for statement in body:
                    yield from ast.walk(statement)
                return


def _may_parse_json(resolved: Resolved) -> bool:
    """Whether the guarded body parses JSON, or calls a function of the project's own that may."""
    elsewhere = tb.needed(resolved, "json-errors")
    return any(_parses_json(n) or (elsewhere and _is_own(resolved, n)) for n in _guarded(resolved))


def _is_own(resolved: Resolved, node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name) as func):
            top = tb.qualified(resolved, func).partition(".")[0]
            return name not in vars(builtins) and (not top or top in _own(resolved))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="self" | "cls"))):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))):
            full = tb.imported_names(tb.module_of(resolved)).get(name, "")
            return bool(full) and full.partition(".")[0] in ("", *_own(resolved))
    return False


def _own(resolved: Resolved) -> list[str]:
    return [top for top in resolved.options.get("first_party", "").split(",") if top]


def _parses_json(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="json")):
            return True
    return False


# ----------------------------------------------------------------------------- e.response


def _reads(resolved: Resolved, handler: ast.ExceptHandler, *, always: bool) -> Iterator[Outcome]:
    """`e.response` is None in requests, and missing in httpx, when no response came."""
    if not handler.name or always:
        return
    for node, parents in _with_parents(handler):
        parent = parents[0]
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="response", ctx=ast.Load()) if (
                name == handler.name
            ):
                if _is_tested(node, parent):
                    yield tb.note(
                        resolved,
                        "error-response-truth",
                        f"`{name}.response` is tested for truth: a response with an error "
                        "status is false in requests and true in httpx; write `is not None`",
                        Severity.WARNING,
                    )
                if not isinstance(parent, (ast.Attribute, ast.Subscript)):
                    quote = tb.quote_at(resolved, parents)
                    yield tb.edit(resolved, node, partial(_getattr, quote))


def _with_parents(root: ast.AST) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    stack: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(root, ())]
    while stack:
        node, parents = stack.pop()
        if parents:
            yield node, parents
        stack += [(child, (node, *parents)) for child in ast.iter_child_nodes(node)]


def _is_tested(node: ast.AST, parent: ast.AST) -> bool:
    match parent:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            return test is node
        case ast.UnaryOp(op=ast.Not()) | ast.BoolOp():
            return True
    return False


def _getattr(quote: str, node: Any) -> Any:
    """`e.response` -> `getattr(e, "response", None)`."""
    new = cst.parse_expression(f"getattr(e, {quote}response{quote}, None)")
    assert isinstance(new, cst.Call)
    first, *rest = new.args
    return tb.keep_parentheses(
        node, new.with_changes(args=[first.with_changes(value=node.value), *rest])
    )


# ----------------------------------------------------------------------------- builtin classes


def widened(resolved: Resolved) -> Iterator[Outcome]:
    """Edits of the handlers of builtin classes around a converted call.

    Several calls in one body yield the same edits, which count once.
    """
    for child, parent in tb.chain(resolved):
        match parent:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                return
            case ast.Try(body=body, handlers=found) | ast.TryStar(body=body, handlers=found) if any(
                child is statement for statement in body
            ):
                for handler in found:
                    classes = _classes_of(handler)
                    names = [tb.qualified(resolved, c) or tb.dotted_text(c) for c in classes]
                    if not classes or CATCHES_ALL.intersection(names):
                        return
                    yield from _widened_handler(resolved, handler, classes)


def _classes_of(handler: ast.ExceptHandler) -> list[ast.expr]:
    match handler.type:
        case None:
            return []
        case ast.Tuple(elts=elements):
            return elements
        case one:
            return [one]


def _widened_handler(
    resolved: Resolved, handler: ast.ExceptHandler, classes: list[ast.expr]
) -> Iterator[Outcome]:
    touched = changed = False
    named = {tb.qualified(resolved, other) for other in classes}
    for one in classes:
        wider = WIDER.get(one.id) if isinstance(one, ast.Name) else None
        if wider is None:
            continue
        touched = True
        if all(name in named for name in wider):
            continue
        names = tuple(resolved.names.dotted(name, resolved.site.span) for name in wider)
        changed = True
        yield tb.edit(resolved, one, partial(_with_more, names), order=20, built=True)
    if not touched:
        return
    if changed and isinstance(handler.type, ast.Tuple):
        yield _flattened(resolved, handler.type)
    yield from _reads(resolved, handler, always=False)


def _flattened(resolved: Resolved, group: ast.Tuple) -> Edit:
    return tb.edit(resolved, group, generic.flatten_tuple, order=20, built=True)


def _with_more(names: tuple[str, ...], node: Any) -> Any:
    return generic.class_tuple([tb.bare(node), *(tb.expression(name) for name in names)])
