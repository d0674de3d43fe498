"""The arguments of one HTTP call: which stay, which get another name, which belong to the client.

Measured against requests 2.34 and httpx 0.28; what httpx would send differently is refused where it
can be seen, and noted where it cannot.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from asyncshift import toolbox as tb
from asyncshift.codemod import Resolved
from asyncshift.model import Message, Refusal

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
CLIENT_ONLY = ("verify", "cert", "proxies", "hooks")
NOT_THROUGH_SPLAT = ("allow_redirects", "stream", *CLIENT_ONLY)
TEXT_MAKERS = frozenset({"json.dumps", "urllib.parse.urlencode"})

Complaint = tuple[str, str, str]
"""Rule, reason, way out."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """How one call is written for httpx.  `moved` names the keywords the client takes."""

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
    streamed: bool = False
    messages: tuple[Message, ...] = ()


def given_arguments(call: ast.Call, method: str) -> dict[str, ast.expr]:
    """Every argument by the name requests has for it."""
    found = dict(zip(POSITIONAL[method], call.args, strict=False))
    found |= {k.arg: k.value for k in call.keywords if k.arg is not None}
    return found


def read(resolved: Resolved, call: ast.Call, method: str, *, bare: bool) -> CallPlan | Refusal:
    """The plan for `requests.<method>(...)` (`bare`) or `session.<method>(...)`."""
    given = given_arguments(call, method)
    splat = any(k.arg is None for k in call.keywords)
    reachable: set[str] = set()
    if splat and resolved.site.keywords is not None:
        reachable = set(resolved.site.keywords) - set(given)
    for complaint in _complaints(resolved, call, method, given, splat, reachable, bare=bare):
        return tb.refuse(resolved, *complaint)
    return _plan(resolved, call, method, given, reachable, bare=bare)


def _plan(
    resolved: Resolved,
    call: ast.Call,
    method: str,
    given: Mapping[str, ast.expr],
    reachable: set[str],
    *,
    bare: bool,
) -> CallPlan:
    renamed: dict[str, str] = {}
    dropped, moved = {"proxies", "stream", "hooks"} & set(given), set()
    added: list[tuple[str, str]] = []
    if "data" in given and is_text(local_value(resolved, given["data"])):
        renamed["data"] = "content"
    if _is_none(given.get("auth")):
        dropped.add("auth")
    if bare:
        moved = {"cert", "cookies", "verify"} & set(given)
        if _is_true(given.get("verify")) or _is_none(given.get("verify")):
            moved.discard("verify")
            dropped.add("verify")
    follow = given.get("allow_redirects")
    client: list[tuple[str, str]] = []
    if "allow_redirects" in reachable:
        default = method != "head"
        added.append(("follow_redirects", _popped(resolved, call, default=default)))
    elif follow is not None and not (bare and isinstance(follow, ast.Constant)):
        renamed["allow_redirects"] = "follow_redirects"
    elif follow is not None:
        dropped.add("allow_redirects")
        if _is_true(follow):
            client.append(("follow_redirects", "True"))
    elif bare and method != "head":
        client.append(("follow_redirects", "True"))
    elif not bare and method == "head":
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
        messages=tuple(_messages(resolved, given, reachable)),
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


def _messages(
    resolved: Resolved, given: Mapping[str, ast.expr], reachable: set[str]
) -> Iterator[Message]:
    data = local_value(resolved, given["data"]) if "data" in given else None
    if data is not None and not is_text(data) and not _is_plain_form(resolved, data):
        yield tb.note(
            resolved,
            "body-of-unknown-type",
            "data= stays: httpx takes a dictionary of strings and numbers as requests does, but "
            "sends None and booleans inside it otherwise and refuses lists of pairs",
        )
    elif "data" in reachable:
        yield tb.note(
            resolved,
            "body-of-unknown-type",
            "data= can arrive through ** and is passed on as it is",
        )
    if "files" in given or "files" in reachable:
        yield tb.note(
            resolved, "multipart", "httpx adds a content type to every part of a multipart body"
        )


# ----------------------------------------------------------------------------- what is refused


def _complaints(
    resolved: Resolved,
    call: ast.Call,
    method: str,
    given: Mapping[str, ast.expr],
    splat: bool,
    reachable: set[str],
    *,
    bare: bool,
) -> Iterator[Complaint]:
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        yield ("starred", "positional arguments come from a list", "write the arguments out")
    if splat and resolved.site.keywords is None:
        yield (
            "unknown-keywords",
            "keyword arguments come from a ** that cannot be followed",
            "write the arguments out, or give the function named parameters",
        )
    for name in NOT_THROUGH_SPLAT:
        if name in reachable and not (name == "allow_redirects" and _is_own_splat(resolved, call)):
            yield (
                "keyword-through-splat",
                f"{name}= can arrive through **, and httpx has no such argument of a call",
                f"pass {name}= by its name at the call",
            )
    for name in CLIENT_ONLY:
        if name in given and not _is_none(given[name]) and _not_on_client(name, bare=bare):
            yield (
                "client-argument",
                f"httpx takes {name} only when a client is made",
                f"leave {name}= out of the call" if not bare else "make a client for it by hand",
            )
    stream = given.get("stream")
    if stream is not None and not isinstance(stream, ast.Constant):
        yield ("stream-unknown", "whether the response is streamed is known only at run time",
               "write stream=True or stream=False")  # fmt: skip
    yield from _url_and_params(resolved, given)
    yield from _body(resolved, given)
    headers = local_value(resolved, given.get("headers"))
    if isinstance(headers, ast.Dict) and any(_is_none(value) for value in headers.values):
        yield (
            "header-none",
            "a header of None removes a header in requests and is an error in httpx",
            "leave the header out",
        )
    yield from _auth(resolved, given.get("auth"))


def _is_own_splat(resolved: Resolved, call: ast.Call) -> bool:
    """Whether the one `**` is the function's own keyword parameter and is used here only, once:
    then an argument may be taken out of it."""
    function = tb.function_of(resolved.parents)
    splats = [k.value for k in call.keywords if k.arg is None]
    if function is None or function.args.kwarg is None or len(splats) != 1:
        return False
    name = function.args.kwarg.arg
    uses = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name]
    around = resolved.parents[: resolved.parents.index(function)]
    return uses == splats and not any(isinstance(p, _REPEATING) for p in around)


_REPEATING = (ast.For, ast.AsyncFor, ast.While, ast.Lambda, ast.comprehension, ast.GeneratorExp)


def _popped(resolved: Resolved, call: ast.Call, *, default: bool) -> str:
    name = next(tb.dotted_text(k.value) for k in call.keywords if k.arg is None)
    quote = tb.quote_at(resolved, resolved.parents)
    return f"{name}.pop({quote}allow_redirects{quote}, {default})"


def _not_on_client(name: str, *, bare: bool) -> bool:
    return not bare or name in ("proxies", "hooks")


def _url_and_params(resolved: Resolved, given: Mapping[str, ast.expr]) -> Iterator[Complaint]:
    url, params = given.get("url"), given.get("params")
    if isinstance(url, ast.Constant) and isinstance(url.value, bytes):
        yield ("bytes-url", "httpx takes no URL of bytes", "write the URL as a string")
    value = local_value(resolved, params)
    if value is None or _is_none(value):
        return
    if url is not None and _may_hold_query(local_value(resolved, url)):
        yield (
            "params-and-query",
            "params= replaces the query that stands in the URL, requests adds to it",
            "put all parameters in one place",
        )
    if isinstance(value, ast.Dict) and any(_is_none_or_bool(v) for v in value.values):
        yield (
            "params-none-or-bool",
            "requests leaves parameters of None out and writes True, httpx sends `a=` and `true`",
            "leave the parameter out, or write it as a string",
        )
    if isinstance(value, (ast.Set, ast.SetComp)):
        yield ("params-set", "httpx does not take a set as params=", "pass a list")


def _body(resolved: Resolved, given: Mapping[str, ast.expr]) -> Iterator[Complaint]:
    value = local_value(resolved, given.get("data"))
    match value:
        case ast.Dict(values=values) if any(_is_none_or_bool(v) for v in values):
            yield (
                "form-none-or-bool",
                "requests leaves fields of None out and writes True, httpx sends `a=` and `true`",
                "leave the field out, or write it as a string",
            )
        case ast.List() | ast.Tuple() | ast.ListComp():
            yield (
                "form-pairs",
                "httpx takes no list of pairs as data=",
                "pass a dictionary, with lists for repeated fields",
            )
        case ast.GeneratorExp() | ast.Lambda():
            yield ("streamed-body", "httpx needs an async generator as a body",
                   "read the body into bytes first")  # fmt: skip
        case ast.Call(func=func) if tb.dotted_text(func) in ("open", "io.open", "io.BytesIO"):
            yield (
                "file-body",
                "an async client cannot read from a file object",
                "read the file into bytes and pass those",
            )
    files = local_value(resolved, given.get("files"))
    if files is not None and not isinstance(files, ast.Dict) and not _is_none(files):
        yield (
            "files-unknown",
            "httpx names and types parts otherwise, and what the parts are is not known here",
            "pass a dictionary of files opened for reading bytes",
        )


def _auth(resolved: Resolved, auth: ast.expr | None) -> Iterator[Complaint]:
    match local_value(resolved, auth):
        case ast.Call(func=func):
            name = tb.qualified(resolved, func)
            if name and name not in AUTHS:
                yield (
                    "custom-auth",
                    f"{name} may use more of a request than httpx gives it",
                    "use a (user, password) tuple or httpx.BasicAuth",
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
    match node:
        case ast.Constant(value=None):
            return True
        case ast.Dict(keys=keys, values=values):
            return all(k is not None for k in keys) and all(
                is_text(v) or (isinstance(v, ast.Constant) and v.value is not None) for v in values
            )
    return False


def _may_hold_query(node: ast.expr | None) -> bool:
    """Whether a `?` stands in the text of a URL."""
    if node is None:
        return False
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and "?" in part.value
        for part in ast.walk(node)
    )


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_none_or_bool(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


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
            elif not named and name not in ("method", "url"):
                arg = tb.keyword(new, arg.value).with_changes(comma=arg.comma)
            kept.append(arg)
    if plan.method:
        kept.insert(0, cst.Arg(cst.SimpleString(plan.method)))
    at = next((i for i, arg in enumerate(kept) if arg.star == "**"), len(kept))
    kept[at:at] = [tb.keyword(name, tb.expression(text)) for name, text in plan.added]
    return tb.arguments(args, kept), moved
