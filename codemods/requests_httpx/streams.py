"""Streamed responses: `with session.get(url, stream=True) as response:`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Resolved
from asyncshift.model import Refusal

WITHOUT_BODY = frozenset(
    {
        "close",
        "cookies",
        "encoding",
        "headers",
        "history",
        "is_redirect",
        "iter_content",
        "iter_lines",
        "links",
        "ok",
        "raise_for_status",
        "reason",
        "status_code",
        "url",
    }
)
"""Members of a response that can be used while its body is still unread."""


def on_session(resolved: Resolved) -> Iterator[Outcome]:
    """The session's part: the call is renamed to `stream` already, the block becomes async."""
    if not isinstance(resolved.parents[0], ast.withitem):
        yield tb.refuse(
            resolved,
            "streamed-outside-with",
            "a streamed response of httpx lives only inside a with block",
            "enter it: `with session.get(url, stream=True) as response:`",
        )
        return
    yield from complaints(resolved)
    yield from generic.enter(resolved)


def complaints(resolved: Resolved) -> Iterator[Refusal]:
    """Uses of the response in the block that need its body, or hand it to code not seen here."""
    item, statement = resolved.parents[0], resolved.parents[1]
    assert isinstance(item, ast.withitem)
    assert isinstance(statement, (ast.With, ast.AsyncWith))
    name = item.optional_vars
    if not isinstance(name, ast.Name):
        return
    owners = {
        id(node.value): node.attr
        for part in statement.body
        for node in ast.walk(part)
        if isinstance(node, ast.Attribute)
    }
    for part in statement.body:
        for node in ast.walk(part):
            if isinstance(node, ast.Name) and node.id == name.id:
                used = owners.get(id(node))
                if used not in WITHOUT_BODY:
                    what = f"`{name.id}.{used}` needs" if used else f"`{name.id}` may need"
                    yield tb.refuse(
                        resolved,
                        "streamed-body-read",
                        f"{what} the body of a streamed response, which httpx has not read",
                        "leave stream=True out, or read the response in pieces",
                    )
                    return


def enclosing_stream(resolved: Resolved, name: str) -> bool:
    """Whether the site stands in a block that streams the response of this name."""
    for parent in resolved.parents:
        match parent:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                return False
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    match item:
                        case ast.withitem(
                            context_expr=ast.Call(keywords=keywords),
                            optional_vars=ast.Name(id=found),
                        ) if found == name:
                            return any(_is_streaming(keyword) for keyword in keywords)
    return False


def _is_streaming(keyword: ast.keyword) -> bool:
    match keyword:
        case ast.keyword(arg="stream", value=ast.Constant(value=True)):
            return True
    return False
