"""`requests.Session`: its construction, its attributes, and its cookie jar."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import Any

import libcst as cst

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Registry, Resolved
from asyncshift.codemods.requests_httpx import arguments, calls, parity
from asyncshift.model import Need, Protocol

CLIENT = (("follow_redirects", "True"), ("timeout", "None"))


def constructor(resolved: Resolved) -> Iterator[Outcome]:
    """`requests.Session()` -> a client that redirects and waits as a session does."""
    call = resolved.node
    if _makes_own(resolved):
        return
    if not isinstance(call, ast.Call) or not tb.mentions_import(resolved, call.func):
        yield tb.refuse(
            resolved,
            "through-a-variable",
            f"`{resolved.site.text}` makes a session through a variable",
            "call requests.Session by its name",
        )
        return
    strict = arguments.is_strict(resolved) or arguments.as_requests(resolved)
    if strict or tb.needed(resolved, "client") or outlives_loops(resolved):
        function = resolved.names.dotted("_http.Client", resolved.site.span)
        yield tb.edit(resolved, call, tb.retarget_call(function))
    else:
        name = resolved.names.dotted("httpx.AsyncClient", resolved.site.span)
        settings = [*CLIENT, *arguments.redirect_limit(resolved)]
        text = ", ".join(f"{key}={value}" for key, value in settings)
        yield tb.edit(resolved, call, partial(_client, f"{name}({text})"))
        yield from parity.of_client(resolved)
    if (owner := _unclosed(resolved)) is not None:
        yield tb.note(
            resolved, "client-not-closed", f"nothing closes {owner}; call `await {owner}.aclose()`"
        )


def _makes_own(resolved: Resolved) -> bool:
    """Whether a class of the project's own is called, which is below `Session`."""
    line, column, *_ = resolved.site.span
    here = f"{resolved.site.path}:{line}:{column}"
    origins = [o for target in resolved.site.targets for o in target.origins]
    return bool(origins) and here not in origins


def outlives_loops(resolved: Resolved) -> bool:
    """Whether the session is made at import, or kept in a global: then several event loops may
    use it one after the other."""
    if tb.runs_at_definition(resolved) != "":
        return True
    function = tb.function_of(resolved.parents)
    names = {
        name
        for node in ast.walk(function or tb.module_of(resolved))
        if isinstance(node, ast.Global)
        for name in node.names
    }
    match resolved.parents[0]:
        case ast.Assign(targets=targets):
            return any(tb.dotted_text(target) in names for target in targets)
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name in names
    return False


def base(resolved: Resolved) -> Iterator[Outcome]:
    """`class Api(requests.Session)`: methods of one's own and `request`, `get`, ... overridden."""
    cls = next(parent for parent in resolved.parents if isinstance(parent, ast.ClassDef))
    if found := _changed_within(cls):
        yield tb.refuse(
            resolved,
            "session-subclass",
            f"{cls.name} changes `{found}`, which a client of httpx has otherwise",
            "hold a session in an attribute instead of deriving from it",
        )
        return
    yield Need(arguments.SUBCLASS, everywhere=True)
    yield arguments.needed_part("attributes")
    function = resolved.names.dotted("_http.Client", resolved.site.span)
    yield tb.edit(resolved, resolved.node, tb.retarget(function))


def _changed_within(cls: ast.ClassDef) -> str:
    """A name of the class body or of `self` that the generated base class needs for itself."""
    own: set[str] = set()
    for statement in cls.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                own.add(name)
            case ast.Assign(targets=targets):
                own.update(map(tb.dotted_text, targets))
            case ast.AnnAssign(target=target):
                own.add(tb.dotted_text(target))
    stored = {
        node.attr
        for node in ast.walk(cls)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if tb.dotted_text(node.value) == "self"
    }
    deaf = {
        node.name
        for node in cls.body
        if isinstance(node, ast.FunctionDef) and node.name in calls.METHODS and not _sends(node)
    }
    return min((own & NOT_OVERRIDDEN) | ((own | stored) & TAKEN) | deaf, default="")


def _sends(function: ast.FunctionDef) -> bool:
    """Whether a method sends a request by another one, and so turns async."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                pass
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name)):
                pass
            case _:
                continue
        if name in calls.METHODS:
            return True
    return False


NOT_OVERRIDDEN = frozenset(
    {
        "__attrs__", "__enter__", "__exit__", "__getstate__", "__setstate__", "close",
        "get_adapter", "get_redirect_target", "merge_environment_settings", "mount",
        "prepare_request", "rebuild_auth", "rebuild_method", "rebuild_proxies",
        "resolve_redirects", "send", "should_strip_auth",
    }
)  # fmt: skip
"""What requests calls of a session, and httpx does not, or otherwise."""
TAKEN = frozenset(
    {
        "_auth", "_cookies", "_event_hooks", "_headers", "_mounts", "_state", "_transport",
        "_trust_env", "aclose", "build_request", "connections", "follow_redirects", "is_closed",
        "stream",
    }
)  # fmt: skip


def factory(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """`field(default_factory=requests.Session)` makes generated clients."""
    match resolved.parents[0]:
        case ast.keyword(arg="default_factory" | "factory"):
            function = resolved.names.dotted("_http.Client", resolved.site.span)
            yield tb.edit(resolved, resolved.node, tb.retarget(function))
        case _:
            yield from generic.rewrite(resolved, registry)


def closed(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """A session can be used after it was closed; a client of httpx by itself cannot."""
    match resolved.node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name)), lineno=line):
            function = tb.function_of(resolved.parents) or tb.module_of(resolved)
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and node.id == name and node.lineno > line:
                    yield Need("client")
                    break
    yield from generic.rewrite(resolved, registry)


def setting(resolved: Resolved) -> Iterator[Outcome]:
    """`session.verify`, `session.params`: attributes of the generated client as well."""
    yield Need("client")
    name = resolved.api.rpartition(".")[2]
    if name == "trust_env":
        yield arguments.needed_part("netrc")
    if name in OWN:
        yield arguments.needed_part("attributes")
    for part, wanted in arguments.PARTS.items():
        if name in wanted:
            yield arguments.needed_part(part)


OWN = frozenset({"base_url", "event_hooks", "timeout"})
"""Attributes that only a program gives a session, and that mean something in httpx."""


def mount(resolved: Resolved) -> Iterator[Outcome]:
    """`session.mount(prefix, HTTPAdapter(max_retries=...))`: retries of the generated client."""
    match resolved.node:
        case ast.Call(args=[_, adapter]):
            made = arguments.local_value(resolved, adapter)
            if isinstance(made, ast.Call) and tb.qualified(resolved, made.func) in ADAPTERS:
                yield Need("client")
                yield arguments.needed_part("retries")
                function = resolved.names.dotted("_http.HTTPAdapter", resolved.site.span)
                yield tb.edit(resolved, made, tb.retarget_call(function))
                return
    yield tb.refuse(
        resolved,
        "custom-adapter",
        "httpx has transports, which are other classes than the adapters of requests",
        "mount a plain HTTPAdapter, made in the same function",
    )


ADAPTERS = frozenset({"requests.adapters.HTTPAdapter"})


def send(resolved: Resolved) -> Iterator[Outcome]:
    """`session.send(prepared)` blocks, so it goes to a thread with its session."""
    yield tb.refuse(
        resolved,
        "prepared-request",
        "httpx sends requests that its own client has built",
        "call session.request with the same arguments",
    )


def _client(text: str, call: Any) -> Any:
    return tb.keep_parentheses(call, tb.expression(text))


def _unclosed(resolved: Resolved) -> str | None:
    """What holds the new session, where neither `with` nor `close()` ends it."""
    match resolved.parents[0]:
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            owner = tb.dotted_text(target)
        case _:
            return None
    scope: type[ast.AST] | tuple[type[ast.AST], ...] = (ast.FunctionDef, ast.AsyncFunctionDef)
    if "." in owner:
        scope = ast.ClassDef
    around = next((p for p in resolved.parents if isinstance(p, scope)), resolved.parents[-1])
    for node in ast.walk(around):
        match node:
            case ast.Attribute(value=value, attr="close") if tb.dotted_text(value) == owner:
                return None
            case ast.withitem(context_expr=value) if tb.dotted_text(value) == owner:
                return None
            case ast.Return(value=ast.Name(id=name)) | ast.Yield(value=ast.Name(id=name)) if (
                name == owner
            ):
                return None
    return owner or None


# ----------------------------------------------------------------------------- attributes


def attribute(name: str, resolved: Resolved) -> Iterator[Outcome]:
    """The same name in httpx; what is put into it must be something that httpx takes."""
    match name, *resolved.parents[:2]:
        case _, ast.Assign(value=value), *_ if value is not resolved.node:
            yield from _stored(name, resolved, value)
        case "headers", ast.Subscript(), ast.Assign(value=ast.Constant(value=None)):
            yield _none_header(resolved)
        case "headers", ast.Attribute(attr="update"), ast.Call(args=[ast.Dict(values=values)]):
            if any(isinstance(v, ast.Constant) and v.value is None for v in values):
                yield _none_header(resolved)
        case "cookies", *_:
            yield from cookies(resolved)


def cookies(resolved: Resolved) -> Iterator[Outcome]:
    """`for cookie in session.cookies` -> `... in session.cookies.jar`."""
    node = resolved.node
    match resolved.parents[0]:
        case ast.For(iter=iterable) | ast.comprehension(iter=iterable) if iterable is node:
            yield tb.edit(resolved, node, _jar, order=20)
        case ast.Call(func=func, args=[first, *rest]) as call if first is node:
            name = tb.qualified(resolved, func)
            if tb.dotted_text(func) in CONSUMERS:
                yield tb.edit(resolved, node, _jar, order=20)
            elif name == "requests.utils.dict_from_cookiejar" and not rest:
                yield tb.edit(resolved, call, tb.retarget_call("dict"))
            elif name and arguments.is_foreign(resolved, name):
                yield tb.refuse(
                    resolved,
                    "cookies-handed-on",
                    f"{name} is given the cookie jar, which is another class in httpx",
                    "give it `.jar` of the cookies, or a dictionary of them",
                )


CONSUMERS = frozenset({"any", "enumerate", "iter", "list", "set", "sorted", "tuple"})


def _none_header(resolved: Resolved) -> Outcome:
    return tb.refuse(
        resolved,
        "header-none",
        "a header of None removes a header in requests and is an error in httpx",
        "delete the header from the session instead",
    )


def _stored(name: str, resolved: Resolved, value: ast.expr) -> Iterator[Outcome]:
    match name, value:
        case "auth", ast.Constant(value=None) | ast.Tuple():
            return
        case "auth", ast.Call(func=func):
            name = tb.qualified(resolved, func)
            if name in arguments.AUTHS:
                yield from calls.auth_edits(resolved, value)
            elif arguments.is_foreign(resolved, name):
                yield arguments.refused_auth(resolved, name)
            else:
                yield Need("client")
                yield arguments.needed_part("auth")
        case "auth", _:
            yield Need("client")
            yield arguments.needed_part("auth")
        case "headers", _ if not isinstance(value, ast.Dict):
            yield Need("client")
        case "cookies", _ if not isinstance(value, ast.Dict):
            yield tb.refuse(
                resolved,
                "cookies-replaced",
                "the session's cookies are replaced by a jar that httpx may not take",
                "update the session's cookies instead",
            )


# ----------------------------------------------------------------------------- the cookie jar


def jar_method(name: str, resolved: Resolved) -> Iterator[Outcome]:
    """`jar.get_dict()` -> `dict(jar)`; `jar.set(name, value)` stays."""
    match name, resolved.node:
        case "get_dict", ast.Call(
            func=ast.Attribute(attr="get_dict"), args=[], keywords=[]
        ) as call:
            yield tb.edit(resolved, call, _as_dict)
        case "set", ast.Call(
            func=ast.Attribute(attr="set"), args=[_, value], keywords=keywords
        ) if not (isinstance(value, ast.Constant) and value.value is None) and all(
            k.arg in ("domain", "path") for k in keywords
        ):
            return
        case _:
            yield tb.refuse(
                resolved,
                "cookie-details",
                f"cookies of httpx have no such {name}()",
                "use `set(name, value, domain=, path=)`, `delete(name)` or `dict(cookies)`",
            )


def _as_dict(call: Any) -> Any:
    made = cst.Call(cst.Name("dict"), [cst.Arg(call.func.value)])
    return tb.keep_parentheses(call, made)


def jar_iterated(resolved: Resolved) -> Iterator[Outcome]:
    """Iterating over cookies gives names in httpx, cookies over its `.jar`."""
    node = resolved.node
    if resolved.site.protocol in (Protocol.CONSUME, Protocol.NEXT):
        match node:
            case ast.Call(func=func) if tb.dotted_text(func) in ("dict", "len"):
                return
            case ast.Call(args=[first, *_]):
                node = first
    yield tb.edit(resolved, node, _jar, order=20)


def _jar(node: Any) -> Any:
    return tb.member(node, "jar")
