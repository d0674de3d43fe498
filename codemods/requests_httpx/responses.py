"""Members of a response, its truth value, and its streamed body."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import Any

import libcst as cst

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Registry, Resolved
from asyncshift.codemods.requests_httpx import arguments, calls, handlers, streams
from asyncshift.model import Kept, Need

_BARE = frozenset(f"requests.{method}" for method in calls.METHODS)
AS_TEXT = frozenset({"str", "print", "repr"})


# ----------------------------------------------------------------------------- ok, truth


def ok(resolved: Resolved) -> Iterator[Outcome]:
    """`r.ok` -> `not r.is_error`: httpx's is_success leaves 3xx out."""
    node = resolved.node
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        yield _stored(resolved, "ok")
        return
    if arguments.is_doubled(resolved):
        yield from _as_in_requests(resolved)
        return
    yield tb.edit(resolved, node, tb.rename_member("is_error"))
    yield from _negation(resolved)
    text = "`is_success` of httpx leaves 3xx out: `not ....is_error`"
    yield tb.parity(resolved, Kept.CONSTRUCT, text)


def truth(resolved: Resolved) -> Iterator[Outcome]:
    """`if r:` -> `if not r.is_error:`: every response of httpx is true."""
    node = resolved.node
    if arguments.is_doubled(resolved):
        yield from _as_in_requests(resolved)
        return
    if not isinstance(node, ast.expr) or not _is_only_tested(resolved):
        yield from _with_truth(resolved)
        return
    if _surely_response(resolved, node):
        yield tb.edit(resolved, node, partial(_member, "is_error"), order=20)
        yield from _negation(resolved)
    else:
        function = resolved.names.dotted("_http.is_true", resolved.site.span)
        yield tb.edit(resolved, node, partial(_argument_of, function), order=tb.BRIDGE_ORDER + 1)


def _as_in_requests(resolved: Resolved) -> Iterator[Outcome]:
    """What tests put in the place of a response has the members of requests, so the generated
    client's have them, too."""
    yield Need("client")
    yield arguments.needed_part("doubled")
    text = "tests give responses of their own: those of `_http` have what requests has"
    yield tb.parity(resolved, Kept.CONSTRUCT, text)


def reason(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """`r.reason`, by its new name or by that of requests."""
    if arguments.is_doubled(resolved):
        yield from _as_in_requests(resolved)
    else:
        yield from generic.rewrite(resolved, registry)


def _argument_of(function: str, node: Any) -> Any:
    return cst.Call(tb.expression(function), [cst.Arg(tb.bare(node))])


def _with_truth(resolved: Resolved) -> Iterator[Outcome]:
    """`self.get(url) or {}`: what the generated client gives is false for an error."""
    yield Need("client")
    yield arguments.needed_part("Response")
    text = "every response of httpx is true: those of `_http` are false for an error"
    yield tb.parity(resolved, Kept.CONSTRUCT, text)


def body_in_pieces(resolved: Resolved) -> Iterator[Outcome]:
    """`for piece in response`, or over what may be a response: of the generated client's, whose
    body is read."""
    match resolved.node:
        case ast.Name(id=name) if streams.is_streamed(resolved, name):
            yield tb.refuse(
                resolved,
                "stream-iterated",
                "a streamed response of httpx is iterated with `async for` only",
                "iterate over its iter_content(128)",
            )
            return
    yield Need("client")
    yield arguments.needed_part("Response")


def _negation(resolved: Resolved) -> Iterator[Outcome]:
    match resolved.parents[0]:
        case ast.UnaryOp(op=ast.Not()) as negation:
            yield tb.edit(resolved, negation, _without_not, order=20)
        case _:
            yield tb.edit(resolved, resolved.node, tb.negated, order=30)


def _member(name: str, node: Any) -> Any:
    return tb.member(node, name)


def _without_not(node: Any) -> Any:
    return tb.keep_parentheses(node, node.expression)


def _is_only_tested(resolved: Resolved) -> bool:
    """Whether only the truth value of the expression is used."""
    for child, parent in tb.chain(resolved):
        match parent:
            case ast.UnaryOp(op=ast.Not()):
                return True
            case ast.BoolOp():
                continue
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                return test is child
            case ast.Assert(test=test):
                return test is child
            case ast.comprehension(ifs=tests):
                return child in tests
            case ast.Call(func=ast.Name(id="bool"), args=[_]):
                return True
            case _:
                return False
    return False


def _surely_response(resolved: Resolved, node: ast.expr) -> bool:
    """Whether the expression is a call that gives a response, or a name bound only by such."""
    if isinstance(node, ast.NamedExpr):
        node = node.value
    if _is_http_call(node) or tb.qualified(resolved, getattr(node, "func", node)) in _BARE:
        return True
    function = tb.function_of(resolved.parents)
    if not isinstance(node, ast.Name) or function is None:
        return False
    whole: set[int] = set()
    stores = 0
    for part in ast.walk(function):
        match part:
            case ast.arg(arg=name) if name == node.id:
                return False
            case ast.Assign(targets=[ast.Name(id=name) as target], value=value) if name == node.id:
                if not _is_http_call(value):
                    return False
                whole.add(id(target))
            case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name) as target) if (
                name == node.id
            ):
                if not _is_http_call(value):
                    return False
                whole.add(id(target))
    for part in ast.walk(function):
        if isinstance(part, ast.Name) and part.id == node.id and isinstance(part.ctx, ast.Store):
            stores += 1
            if id(part) not in whole:
                return False
    return stores > 0


def _is_http_call(node: ast.expr) -> bool:
    """A method of the project's own class with such a name may give something else."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="self" | "cls"))):
            return False
        case ast.Call(func=ast.Attribute(attr=name)) if name in calls.METHODS:
            return True
    return False


# ----------------------------------------------------------------------------- url, status


def url(resolved: Resolved) -> Iterator[Outcome]:
    """`r.url` -> `str(r.url)`, but where an URL of httpx does as well."""
    node = resolved.node
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        yield _stored(resolved, "url")
        return
    match resolved.parents[0]:
        case ast.FormattedValue(conversion=-1 | 115, format_spec=None):
            return
        case ast.Call(func=ast.Name(id=name)) as call if name in AS_TEXT and name != "repr":
            if node in call.args:
                return
        case ast.Compare(ops=[ast.Eq() | ast.NotEq()]):
            return
    yield tb.edit(resolved, node, _as_text, order=10)
    yield tb.parity(resolved, Kept.CONSTRUCT, "`.url` is an object in httpx: `str(....url)`")


def _as_text(node: Any) -> Any:
    return tb.keep_parentheses(node, cst.Call(cst.Name("str"), [cst.Arg(tb.bare(node))]))


def raise_for_status(resolved: Resolved) -> Iterator[Outcome]:
    """The same name; the handlers around it may have to be widened.

    httpx raises for a redirect as well, which shows where redirects are not followed or a 304 is
    asked for, and its message differs, which shows where a handler uses it.
    """
    yield from handlers.widened(resolved)
    if arguments.is_doubled(resolved):
        yield from _as_in_requests(resolved)
        return
    match resolved.node, resolved.parents:
        case ast.Call(func=ast.Attribute()) as call, _ if (
            tb.needed(resolved, "error-text")
            or handlers.text_is_used(resolved)
            or _asks_304(resolved)
        ):
            function = resolved.names.dotted("_http.raise_for_status", resolved.site.span)
            yield tb.edit(resolved, call, partial(_given_to, function))
            text = "httpx raises for 3xx as well, with another message: `_http.raise_for_status`"
            yield tb.parity(resolved, Kept.CONSTRUCT, text)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))), (ast.Expr() as line, *_) if (
            _may_be_redirect(resolved, name)
        ):
            yield tb.edit(resolved, line, partial(_if_error, name))
            text = "httpx raises for 3xx as well: only an error is raised"
            yield tb.parity(resolved, Kept.CONSTRUCT, text)
        case _:
            text = "httpx words the error otherwise: no handler uses the text"
            yield tb.parity(resolved, Kept.UNSEEN, text)


def _given_to(function: str, call: Any) -> Any:
    """`r.method()` -> `function(r)`."""
    return call.with_changes(func=tb.expression(function), args=[cst.Arg(call.func.value)])


def _asks_304(resolved: Resolved) -> bool:
    text = resolved.source.lower()
    return "if-none-match" in text or "if-modified-since" in text


def _may_be_redirect(resolved: Resolved, name: str) -> bool:
    """Whether a call in the same function gives the response without following redirects."""
    function = tb.function_of(resolved.parents)
    for node in ast.walk(function or tb.module_of(resolved)):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=found)],
                value=ast.Call(func=ast.Attribute(attr=method), keywords=keywords),
            ) if found == name and method in calls.METHODS:
                given = [k.value for k in keywords if k.arg == "allow_redirects"]
                follows = [isinstance(v, ast.Constant) and v.value is True for v in given]
                if not all(follows or [method != "head"]):
                    return True
    return False


def _if_error(name: str, line: Any) -> Any:
    """`if r.is_error: r.raise_for_status()`."""
    return cst.If(
        test=cst.parse_expression(f"{name}.is_error"),
        body=cst.IndentedBlock([line.with_changes(leading_lines=[])]),
        leading_lines=line.leading_lines,
    )


def _stored(resolved: Resolved, name: str) -> Outcome:
    return tb.refuse(
        resolved,
        "response-changed",
        f"the program sets `{name}` of a response, which httpx computes",
        "build a response of its own where one is needed",
    )


# ----------------------------------------------------------------------------- the body


def entered(resolved: Resolved) -> Iterator[Outcome]:
    """`with response:`; a call that stands in the with item brings its own edits."""
    if isinstance(resolved.node, ast.Call) and _is_http_call_of_any_name(resolved.node):
        return
    yield tb.refuse(
        resolved,
        "response-entered",
        "a response of httpx is entered only where it is made",
        "make the request in the with statement, or assign the response to a name",
    )


def _is_http_call_of_any_name(node: ast.Call) -> bool:
    return tb.dotted_text(node.func) not in ("closing", "contextlib.closing")


def iterated(name: str, resolved: Resolved) -> Iterator[Outcome]:
    """`for chunk in r.iter_content(n)` -> `async for chunk in r.aiter_bytes(n)`; lines, and text,
    by the generated module, which splits and decodes as requests does."""
    match resolved.node:
        case ast.Call(func=ast.Attribute(attr=attr)) as call if attr == name:
            given = dict(zip(_PIECES[name], call.args, strict=False))
            given |= {k.arg: k.value for k in call.keywords if k.arg is not None}
            if name == "iter_content" and "decode_unicode" not in given:
                yield tb.edit(resolved, call, _as_bytes)
            else:
                function = resolved.names.dotted(f"_http.{name}", resolved.site.span)
                yield tb.edit(resolved, call, partial(_pieces, name, function))
            yield from generic.iterate(resolved)
        case _:
            yield tb.refuse(
                resolved,
                "stream-handed-on",
                f"{name} is not called right here",
                "iterate over it in a `for` statement",
            )


_PIECES = {
    "iter_content": ("chunk_size", "decode_unicode"),
    "iter_lines": ("chunk_size", "decode_unicode", "delimiter"),
}


def _as_bytes(call: Any) -> Any:
    """Pieces of one byte where no size is given."""
    args = call.args or [cst.Arg(cst.Integer("1"))]
    func = call.func.with_changes(attr=cst.Name("aiter_bytes"))
    return call.with_changes(func=func, args=args)


def _pieces(name: str, function: str, call: Any) -> Any:
    """`_http.iter_lines(r, ...)`: the same arguments, but for a chunk size of lines."""
    names = iter(_PIECES[name])
    args = [cst.Arg(call.func.value)]
    for arg in call.args:
        known = arg.keyword.value if arg.keyword else next(names)
        if known != "chunk_size" or name == "iter_content":
            args.append(tb.keyword(known, arg.value))
    return call.with_changes(func=tb.expression(function), args=tb.arguments((), args))


def body(name: str, resolved: Resolved) -> Iterator[Outcome]:
    """`r.text`, `r.content`, `r.json()`: what is streamed is read first, and a text is decoded
    as requests does where the client does so."""
    if name in ("text", "encoding"):
        yield Need("client")
    if name == "json":
        yield Need("json-errors", everywhere=True)
    node = resolved.node.func if isinstance(resolved.node, ast.Call) else resolved.node
    match node:
        case ast.Attribute(value=ast.Name(id=response) as receiver, ctx=ast.Load()) if (
            name != "encoding" and streams.is_streamed(resolved, response)
        ):
            function = resolved.names.dotted("_http.read", resolved.site.span)
            yield tb.edit(resolved, receiver, partial(_read, function))


def _read(function: str, node: Any) -> Any:
    return tb.awaited(cst.Call(tb.expression(function), [cst.Arg(node)]))


def apparent_encoding(resolved: Resolved) -> Iterator[Outcome]:
    """`r.apparent_encoding` -> `_http.apparent_encoding(r)`."""
    node = resolved.node
    if isinstance(node, ast.Attribute):
        function = resolved.names.dotted("_http.apparent_encoding", resolved.site.span)
        yield tb.edit(resolved, node, partial(_of_member, function))


def _of_member(function: str, node: Any) -> Any:
    call = cst.Call(tb.expression(function), [cst.Arg(node.value)])
    return tb.keep_parentheses(node, call)


def of_request(resolved: Resolved) -> Iterator[Outcome]:
    """`r.request.body` -> `_http.PreparedRequest(r.request).body`."""
    node = resolved.node
    if isinstance(node, ast.Attribute):
        function = resolved.names.dotted("_http.PreparedRequest", resolved.site.span)
        yield tb.edit(resolved, node, partial(_seen_as, function))


def _seen_as(function: str, node: Any) -> Any:
    return node.with_changes(value=cst.Call(tb.expression(function), [cst.Arg(node.value)]))


def history(resolved: Resolved) -> Iterator[Outcome]:
    """Members of the responses in a history: of one of them, or of all in a loop."""
    node, parents = resolved.node, resolved.parents
    members: list[ast.Attribute] = []
    match parents[:2]:
        case (ast.Subscript(value=value), ast.Attribute() as member) if value is node:
            members = [member]
        case (ast.For(iter=value, target=ast.Name(id=name)) as loop, _) if value is node:
            members = _members_of(name, loop)
        case (ast.comprehension(iter=value, target=ast.Name(id=name)), whole) if value is node:
            members = _members_of(name, whole)
    for member in members:
        if member.attr == "url":
            yield tb.edit(resolved, member, _as_text, order=10)
        elif member.attr == "reason":
            yield tb.edit(resolved, member, tb.rename_member("reason_phrase"))
        elif member.attr in ("ok", "is_redirect", "next", "raw"):
            yield tb.refuse(
                resolved,
                "history-member",
                f"`{member.attr}` of a response in a history is another thing in httpx",
                "look at its status_code",
            )


def _members_of(name: str, around: ast.AST) -> list[ast.Attribute]:
    return [
        node
        for node in ast.walk(around)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    ]


def headers(resolved: Resolved) -> Iterator[Outcome]:
    """Names of headers keep their case where they are listed: httpx lists them in lower case."""
    node = resolved.node
    listed = False
    match resolved.parents[0]:
        case ast.For(iter=iterable) | ast.comprehension(iter=iterable):
            listed = iterable is node
        case ast.Call(func=ast.Name(id="dict" | "list" | "sorted" | "set" | "tuple")):
            listed = True
        case ast.Attribute(attr="items" | "keys" | "copy"):
            listed = True
        case ast.Dict(keys=keys, values=values):
            listed = any(k is None and v is node for k, v in zip(keys, values, strict=True))
    if listed and isinstance(node, ast.Attribute):
        function = resolved.names.dotted("_http.headers", resolved.site.span)
        yield tb.edit(resolved, node, partial(_of_member, function))
