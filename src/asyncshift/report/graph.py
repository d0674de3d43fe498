"""The call graph as JSON and as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from asyncshift.model import Graph, Protocol

MENTIONS = frozenset(
    {Protocol.VALUE, Protocol.ANNOTATION, Protocol.EXCEPT, Protocol.BASE, Protocol.IMPORT}
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


def _calls(graph: Graph) -> Iterator[dict[str, Any]]:
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
