"""The call graph as JSON and as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from asyncshift.model import (
    Certainty,
    Escape,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Protocol,
)
from asyncshift.wrapped import calls_at_once

MENTIONS = frozenset(
    {Protocol.VALUE, Protocol.ANNOTATION, Protocol.EXCEPT, Protocol.BASE, Protocol.IMPORT}
    | {Protocol.MAPPED}
)
"""Places that name something without calling it."""


def graph_json(graph: Graph) -> str:
    """`{"functions": [...], "calls": [...]}`; a callee is a function's id or a library name."""
    functions = [
        {"id": f.id, "path": f.path, "line": f.line, "name": f.name}
        for f in graph.functions.values()
    ]
    return json.dumps({"functions": functions, "calls": list(_calls(graph))}, indent=1)


def graph_text(graph: Graph) -> Iterator[str]:
    """One line for each call: where, from, to, how, how sure."""
    names = {f.id: f"{f.module}:{f.name}" for f in graph.functions.values()}
    for call in _calls(graph):
        callee = names.get(call["callee"], call["callee"])
        place = f"{call['path']}:{call['line']}:{call['column']}"
        how = f"[{call['protocol']}, {call['certainty']}]"
        yield f"{place}  {names[call['caller']]} -> {callee}  {how}"


def called_back(graph: Graph) -> Iterator[tuple[FunctionId, FunctionId, Escape]]:
    """(caller, function) of what is handed to something that calls it at once: `map(f, xs)`."""
    by_path: dict[str, list[Function]] = {}
    for f in graph.functions.values():
        by_path.setdefault(f.path, []).append(f)
    for escape in graph.escapes:
        if escape.function is None or not calls_at_once(escape.to):
            continue
        around = [
            f
            for f in by_path[escape.path]
            if f.kind is FunctionKind.MODULE
            or (f.span[:2] <= escape.span[:2] and escape.span[2:] <= f.span[2:])
        ]
        yield max(around, key=lambda f: f.span[:2]).id, escape.function, escape


def _calls(graph: Graph) -> Iterator[dict[str, Any]]:
    for caller, function, escape in called_back(graph):
        yield {
            "caller": caller,
            "callee": function,
            "path": escape.path,
            "line": escape.span[0],
            "column": escape.span[1],
            "protocol": "callback",
            "certainty": str(Certainty.LIKELY),
        }
    for site in graph.sites:
        if site.protocol in MENTIONS:
            continue
        for callee in dict.fromkeys(t.function or t.api for t in site.targets):
            if callee is not None:
                yield {
                    "caller": site.caller,
                    "callee": callee,
                    "path": site.path,
                    "line": site.span[0],
                    "column": site.span[1],
                    "protocol": str(site.protocol),
                    "certainty": str(site.certainty),
                }
