"""The arguments of one HTTP call: which stay, which get another name, which belong to the client.

Measured against requests 2.34 and httpx 0.28; what httpx may send differently goes through the
generated module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from asyncshift import toolbox as tb
from asyncshift.codemod import Resolved
from asyncshift.model import Need, Refusal

BODIES = ("data", "json", "files")
WITHOUT_BODY = ("get", "options", "head", "delete")
_VERB = ("url", "params")
_REQUEST = (
    "method", "url", "params", "data", "headers", "cookies", "files", "auth", "timeout",
    "allow_redirects", "proxies", "hooks", "stream", "verify", "cert", "json",
)  # fmt: skip
POSITIONAL: Mapping[str, tuple[str, ...]] = {
    "get": _VERB,
    "options": ("url",),
    "head": ("url",),
    "delete": ("url",),
    "post": ("url", "data", "json"),
    "put": ("url", "data"),
    "patch": ("url", "data"),
    "request": _REQUEST,
}
_TAKEN_BY_ALL = _REQUEST.index("cookies") + 1
"""So many arguments are never left out of the generated module, and can be positional."""
PARTS_OF_UNKNOWN = frozenset(_REQUEST)
UNPROVEN = frozenset(
    {
        "allow_redirects",
        "auth",
        "cert",
        "cookies",
        "data",
        "files",
        "hooks",
        "params",
        "proxies",
        "stream",
        "verify",
    }
)
"""Arguments that httpx takes otherwise, or only when a client is made."""
TEXT_MAKERS = frozenset({"json.dumps", "urllib.parse.urlencode"})
SIGNERS = frozenset({"hashlib", "hmac"})
"""Modules that make a signature of a body, whose bytes matter then."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """How one call is written.  `moved` names the keywords the client takes."""

    verb: str
    method: str = ""
    """For `request` and `stream`: the HTTP method to put first, quoted; empty when given."""
    positional: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    added: tuple[tuple[str, str], ...] = ()
    client: tuple[tuple[str, str], ...] = ()
    """Further arguments of the client, as text."""
    kept: tuple[str, ...] = ("method", "url")
    """What may stay positional."""
    streamed: bool = False
    reasons: tuple[str, ...] = ()
    """Why plain httpx may send something else: then the call goes through the generated module."""


def given_arguments(call: ast.Call, method: str) -> dict[str, ast.expr]:
    """Every argument by the name requests has for it."""
    found = dict(zip(POSITIONAL[method], call.args, strict=False))
    found |= {k.arg: k.value for k in call.keywords if k.arg is not None}
    return found


PARTS: Mapping[str, frozenset[str]] = {
    "auth": frozenset({"auth"}),
    "connections": frozenset({"cert", "proxies", "verify"}),
    "files": frozenset({"files"}),
    "hooks": frozenset({"hooks"}),
    "stream": frozenset({"stream"}),
    "upload": frozenset({"data"}),
}
"""Part of the generated module -> the arguments that need it."""


def parts(resolved: Resolved, call: ast.Call, method: str) -> Iterator[Need]:
    """The parts of the generated module that a call needs if it goes there."""
    given = given_arguments(call, method)
    names = {name for name, value in given.items() if not _has_no_part(resolved, name, value)}
    site = resolved.site
    if any(k.arg is None for k in call.keywords):
        names |= set(PARTS_OF_UNKNOWN if site.keywords is None else site.keywords) - set(given)
    if any(isinstance(arg, ast.Starred) for arg in call.args) or len(call.args) > _TAKEN_BY_ALL:
        names |= PARTS_OF_UNKNOWN
    yield from (needed_part(part) for part, wanted in PARTS.items() if not names.isdisjoint(wanted))
    if is_strict(resolved) or "netrc" in resolved.source.lower():
        yield needed_part("netrc")


def is_doubled(resolved: Resolved) -> bool:
    """Whether tests replace functions of requests, and with them the responses."""
    return any(need.startswith("patched:requests.") for need in resolved.needs)


def needed_part(name: str) -> Need:
    """A part of the generated module, which is made once for the project."""
    return Need(f"part:{name}", everywhere=True)


def _has_no_part(resolved: Resolved, name: str, value: ast.expr) -> bool:
    """Whether an argument is seen to be one that every generated module takes."""
    match name, local_value(resolved, value):
        case _, ast.Constant(value=None):
            return True
        case "auth", ast.Tuple():
            return True
        case "auth", ast.Call(func=func):
            return tb.qualified(resolved, func) in AUTHS
        case "stream" | "verify", ast.Constant(value=flag):
            return flag is (name == "verify")
        case "data", ast.Dict() | ast.List() | ast.Tuple():
            return True
        case "data", text:
            return is_text(text)
    return False


def read(resolved: Resolved, call: ast.Call, method: str, *, bare: bool) -> CallPlan | Refusal:
    """The plan for `requests.<method>(...)` (`bare`) or `session.<method>(...)`."""
    given = given_arguments(call, method)
    splat = any(k.arg is None for k in call.keywords)
    reachable: set[str] = set()
    if splat and resolved.site.keywords is not None:
        reachable = set(resolved.site.keywords) - set(given)
    if (name := _foreign_auth(resolved, given.get("auth"))) != "":
        return refused_auth(resolved, name)
    reasons = list(_reasons(resolved, given, bare=bare))
    if splat and resolved.site.keywords is None:
        reasons.append("a ** that cannot be followed")
    reasons += [f"{name}= can arrive through **" for name in sorted(reachable & UNPROVEN)]
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        reasons.append("positional arguments from a list")
    return _plan(resolved, method, given, reachable, tuple(reasons), bare=bare)


def _plan(
    resolved: Resolved,
    method: str,
    given: Mapping[str, ast.expr],
    reachable: set[str],
    reasons: tuple[str, ...],
    *,
    bare: bool,
) -> CallPlan:
    renamed: dict[str, str] = {}
    dropped, moved = set(), set()
    added: list[tuple[str, str]] = []
    if "data" in given and is_text(local_value(resolved, given["data"])):
        renamed["data"] = "content"
    if _is_none(given.get("auth")):
        dropped.add("auth")
    if isinstance(given.get("stream"), ast.Constant):
        dropped.add("stream")
    if bare:
        moved = {"cookies", "verify"} & set(given)
        if _is_true(given.get("verify")) or _is_none(given.get("verify")):
            moved.discard("verify")
            dropped.add("verify")
    follow = given.get("allow_redirects")
    client: list[tuple[str, str]] = []
    if follow is not None and not (bare and isinstance(follow, ast.Constant)):
        renamed["allow_redirects"] = "follow_redirects"
    elif follow is not None:
        dropped.add("allow_redirects")
        if _is_true(follow):
            client.append(("follow_redirects", "True"))
    elif bare and method != "head":
        client.append(("follow_redirects", "True"))
    elif not bare and method == "head" and "allow_redirects" not in reachable:
        added.append(("follow_redirects", "False"))
    if bare and "timeout" not in given:
        client.append(("timeout", "None"))
    if bare:
        client += redirect_limit(resolved)
    streamed = _is_true(given.get("stream"))
    needs_request = method in WITHOUT_BODY and any(
        name in given or name in reachable for name in BODIES
    )
    verb = "stream" if streamed else "request" if needs_request else method
    quote = tb.quote_at(resolved, resolved.parents)
    spelled = f"{quote}{method.upper()}{quote}" if verb != method != "request" else ""
    return CallPlan(
        verb=verb,
        method=spelled,
        positional=POSITIONAL[method],
        renamed=renamed,
        dropped=frozenset(dropped),
        moved=frozenset(moved),
        added=tuple(added),
        client=tuple(client),
        streamed=streamed,
        reasons=reasons,
    )


def through_module(call: ast.Call, method: str) -> CallPlan:
    """The same call for the generated module, whose functions take what requests takes."""
    renamed = {"allow_redirects": "follow_redirects"}
    positional = ("method", "url") if method == "request" else POSITIONAL[method]
    idle = {k.arg for k in call.keywords if isinstance(k.value, ast.Constant) and not k.value.value}
    dropped = frozenset({"auth", "hooks", "proxies", "stream"} & idle)
    return CallPlan(
        method, positional=POSITIONAL[method], renamed=renamed, dropped=dropped, kept=positional
    )


def redirect_limit(resolved: Resolved) -> list[tuple[str, str]]:
    """httpx gives up after 20 redirects, requests after 30: kept where the program looks at it."""
    return [("max_redirects", "30")] if _mentions(resolved, "TooManyRedirects") else []


def _mentions(resolved: Resolved, name: str) -> bool:
    for node in ast.walk(tb.module_of(resolved)):
        match node:
            case ast.Name(id=found) | ast.Attribute(attr=found) | ast.alias(name=found):
                if found == name:
                    return True
    return False


# ----------------------------------------------------------------------------- what may differ


def _reasons(resolved: Resolved, given: Mapping[str, ast.expr], *, bare: bool) -> Iterator[str]:
    """Why httpx by itself may send something else than requests."""
    yield from _url_and_params(resolved, given.get("url"), given.get("params"))
    data = local_value(resolved, given.get("data"))
    if data is not None and not is_text(data) and not _is_plain_form(resolved, data):
        yield "data= may be None, a file or a list, or hold None or booleans"
    if "files" in given and not _is_none(given["files"]):
        yield "httpx names and types the parts of files= otherwise"
    if "json" in given and not SIGNERS.isdisjoint(imported(resolved)):
        yield "a body may be signed, and httpx writes JSON without blanks"
    headers = local_value(resolved, given.get("headers"))
    if isinstance(headers, ast.Dict) and any(_is_none(value) for value in headers.values):
        yield "a header of None"
    auth = local_value(resolved, given.get("auth"))
    known = auth is None or _is_none(auth) or isinstance(auth, ast.Tuple)
    if isinstance(auth, ast.Call):
        known = tb.qualified(resolved, auth.func) in AUTHS
    if not known:
        yield "auth= may be None or a class of the project's own"
    stream = given.get("stream")
    if stream is not None and not isinstance(stream, ast.Constant):
        yield "whether the response is streamed is known only at run time"
    if bare and "verify" in given and not isinstance(given["verify"], ast.Constant):
        yield "verify= may be a path"
    on_client = ("cert", "proxies", "hooks") if bare else ("cert", "proxies", "hooks", "verify")
    for name in (*on_client, *(() if bare else ("cookies",))):
        if name in given and not _is_none(given[name]):
            yield f"httpx takes {name} only when a client is made"


SUBCLASS = "session-subclass"
"""The need of a project with classes below `Session`, whose methods see what a call is given."""


def as_requests(resolved: Resolved) -> bool:
    """Whether calls keep the arguments that requests has."""
    return tb.needed(resolved, SUBCLASS)


def is_strict(resolved: Resolved) -> bool:
    """Whether all that requests sends is to be kept."""
    return resolved.options.get("parity") == "strict"


def imported(resolved: Resolved) -> frozenset[str]:
    """The top-level modules that the file imports."""
    names = tb.imported_names(tb.module_of(resolved)).values()
    return frozenset(name.partition(".")[0] for name in names)


def _url_and_params(
    resolved: Resolved, url: ast.expr | None, params: ast.expr | None
) -> Iterator[str]:
    if isinstance(url, ast.Constant) and isinstance(url.value, bytes):
        yield "a URL of bytes"
    value = local_value(resolved, params)
    if value is None or _is_none(value):
        return
    if _may_hold_query(local_value(resolved, url)):
        yield "params= replaces a query that the URL has"
    elif not _is_plain_form(resolved, value):
        yield "params= may hold None or booleans"


def _foreign_auth(resolved: Resolved, auth: ast.expr | None) -> str:
    """The class of another library that an auth argument is made of."""
    match local_value(resolved, auth):
        case ast.Call(func=func):
            name = tb.qualified(resolved, func)
            return "" if name in AUTHS or not is_foreign(resolved, name) else name
    return ""


def is_foreign(resolved: Resolved, name: str) -> bool:
    """Whether a full name belongs to another library than the project's own modules."""
    top = name.partition(".")[0]
    return bool(top) and top not in resolved.options.get("first_party", top).split(",")


def refused_auth(resolved: Resolved, name: str) -> Refusal:
    """Authentication by a class that is made for requests."""
    return tb.refuse(
        resolved,
        "custom-auth",
        f"{name} is made for requests, and may use more of a request than httpx gives it",
        "use a (user, password) tuple, httpx.BasicAuth, or that library's class for httpx",
    )


AUTHS: Mapping[str, str] = {
    "requests.auth.HTTPBasicAuth": "httpx.BasicAuth",
    "requests.auth.HTTPDigestAuth": "httpx.DigestAuth",
}


# ----------------------------------------------------------------------------- reading values


def local_value(resolved: Resolved, node: ast.expr | None) -> ast.expr | None:
    """The expression a name holds, where it is bound exactly once; else the node itself."""
    if not isinstance(node, ast.Name):
        return node
    function = tb.function_of(resolved.parents)
    for scope in (function, tb.module_of(resolved)):
        if scope is None:
            continue
        if isinstance(scope, tb.Function) and any(
            arg.arg == node.id for arg in ast.walk(scope.args) if isinstance(arg, ast.arg)
        ):
            return node
        bound = list(_bindings(scope, node.id))
        if len(bound) == 1 and bound[0] is not None:
            return bound[0]
        if bound:
            return node
    return node


def _bindings(scope: ast.AST, name: str) -> Iterator[ast.expr | None]:
    """What is bound to a name; None for a binding without one expression (a loop, a part)."""
    whole: set[int] = set()
    for node in ast.walk(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=found) as target], value=value) if found == name:
                whole.add(id(target))
                yield value
            case ast.AnnAssign(target=ast.Name(id=found) as target, value=value) if found == name:
                whole.add(id(target))
                yield value
            case ast.withitem(context_expr=value, optional_vars=ast.Name(id=found) as target) if (
                found == name
            ):
                whole.add(id(target))
                yield value
            case ast.Name(id=found, ctx=ast.Store()) if found == name and id(node) not in whole:
                yield None
            case ast.Subscript(value=ast.Name(id=found), ctx=ast.Store()) if found == name:
                yield None


def is_text(node: ast.expr | None) -> bool:
    """Whether an expression is surely a str or bytes."""
    match node:
        case ast.Constant(value=str() | bytes()) | ast.JoinedStr():
            return True
        case ast.Call(func=ast.Attribute(attr="encode" | "format")):
            return True
        case ast.Call(func=func):
            return tb.dotted_text(func) in ("json.dumps", "dumps", "urlencode", *TEXT_MAKERS)
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod(), right=right):
            return is_text(left) or is_text(right)
    return False


def _is_plain_form(resolved: Resolved, node: ast.expr) -> bool:
    """Whether it is a dictionary whose values are surely texts or numbers."""
    match node:
        case ast.Constant(value=None):
            return True
        case ast.Dict(keys=keys, values=values):
            return all(k is not None for k in keys) and all(
                _is_plain_value(resolved, value) for value in values
            )
    return False


def _is_plain_value(resolved: Resolved, node: ast.expr) -> bool:
    value = local_value(resolved, node)
    match value:
        case ast.Constant(value=bool() | None | bytes()):
            return False
        case ast.Constant():
            return True
        case ast.Call(func=ast.Name(id="str" | "int" | "float" | "len")):
            return True
        case ast.Name(id=name):
            return _annotation(resolved, name) in ("str", "int", "float")
        case ast.BinOp(left=left, right=right):
            return _is_plain_value(resolved, left) and _is_plain_value(resolved, right)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return all(_is_plain_value(resolved, element) for element in elements)
    return is_text(value)


def _annotation(resolved: Resolved, name: str) -> str:
    """The annotation of a parameter that is never assigned and has no default of None."""
    function = tb.function_of(resolved.parents)
    if function is None or any(True for _ in _bindings(function, name)):
        return ""
    args = function.args
    defaults = [*args.defaults, *(d for d in args.kw_defaults if d is not None)]
    if any(_is_none(default) for default in defaults):
        return ""
    for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs):
        if arg.arg == name and arg.annotation is not None:
            return tb.dotted_text(arg.annotation)
    return ""


def _may_hold_query(node: ast.expr | None) -> bool:
    """Whether a URL may have a query: it has a `?`, or nothing of it is known."""
    match node:
        case None:
            return False
        case ast.Constant() | ast.JoinedStr() | ast.BinOp():
            return any(
                isinstance(part, ast.Constant) and isinstance(part.value, str) and "?" in part.value
                for part in ast.walk(node)
            )
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return "?" in text
    return True


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


# ----------------------------------------------------------------------------- writing


def written(plan: CallPlan, args: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """The call's new arguments, and the values that go to the client by keyword."""
    kept: list[Any] = []
    moved: dict[str, Any] = {}
    positional = iter(plan.positional)
    for arg in args:
        if arg.star:
            kept.append(arg)
            continue
        named = arg.keyword is not None
        name = arg.keyword.value if named else next(positional)
        if name in plan.moved:
            moved[name] = arg.value
        elif name not in plan.dropped:
            new = plan.renamed.get(name, name)
            if named and new != name:
                arg = arg.with_changes(keyword=cst.Name(new))
            elif not named and name not in plan.kept:
                arg = tb.keyword(new, arg.value).with_changes(comma=arg.comma)
            kept.append(arg)
    if plan.method:
        kept.insert(0, cst.Arg(cst.SimpleString(plan.method)))
    at = next((i for i, arg in enumerate(kept) if arg.star == "**"), len(kept))
    kept[at:at] = [tb.keyword(name, tb.expression(text)) for name, text in plan.added]
    return tb.arguments(args, kept), moved
