"""Streamed responses: `with session.get(url, stream=True) as response:`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Resolved


def on_session(resolved: Resolved) -> Iterator[Outcome]:
    """The session's part: the call is renamed to `stream` already, the block becomes async."""
    yield from generic.enter(resolved)


def is_streamed(resolved: Resolved, name: str) -> bool:
    """Whether the response of this name may be one that the same function streams: its body is
    not read yet."""
    function = tb.function_of(resolved.parents)
    for node in ast.walk(function or tb.module_of(resolved)):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=found)], value=ast.Call() as call)
                | ast.NamedExpr(target=ast.Name(id=found), value=ast.Call() as call)
                | ast.withitem(context_expr=ast.Call() as call, optional_vars=ast.Name(id=found))
            ) if found == name:
                if any(k.arg == "stream" and not _is_false(k.value) for k in call.keywords):
                    return True
    return False


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value
