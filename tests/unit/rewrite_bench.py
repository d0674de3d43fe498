"""A bench for the rewrite step: decisions by the text they stand at, no solver, no codemod.

`migrated(before, do(Action.AWAIT, "f(1)"))` gives the new text and checks on the way that the hunks
lead to the same text and that it compiles.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from asyncshift.codemod import Outcome, Resolved, Treatment
from asyncshift.document import split_lines
from asyncshift.model import (
    Action,
    Cause,
    Certainty,
    Decision,
    Hunk,
    Protocol,
    Rewritten,
    Site,
    SourceFile,
    Style,
    Target,
)
from asyncshift.rewrite import rewrite_file
from asyncshift.rewrite.tree import Tree

A = Action
CAUSE = Cause("test", "a test says so", "m.py", 1)
WIDE = Style(line_length=100, quotes="preserve")


class Codemods:
    """A registry whose rewriter is one function."""

    tables = ()
    tops: frozenset[str] = frozenset()
    digest = ""

    def __init__(self, rewriter: Callable[[Resolved], Iterable[Outcome]] | None = None) -> None:
        self._rewriter = rewriter

    def canonical(self, name: str) -> str:
        return name

    def is_class(self, name: str) -> bool:
        return False

    def is_api(self, name: str) -> bool:
        return True

    def returns(self, api: str) -> str | None:
        return None

    def treatment(self, api: str, protocol: Protocol) -> Treatment | None:
        return None

    def targets(self, api: str) -> tuple[str, ...]:
        return ()

    def constant(self, api: str) -> object:
        return None

    def rewrite(self, resolved: Resolved) -> Sequence[Outcome]:
        return list(self._rewriter(resolved)) if self._rewriter else []


@dataclass(frozen=True)
class Todo:
    """An action at the n-th place (from 0) where a text stands; `def name` names a function."""

    action: Action
    text: str
    nth: int = 0
    detail: Mapping[str, str] = field(default_factory=dict)


def do(action: Action, text: str, nth: int = 0, **detail: str) -> Todo:
    return Todo(action, text, nth, detail)


def decisions(text: str, todo: Iterable[Todo]) -> list[Decision]:
    tree = Tree(text)
    return [_decision(tree, item) for item in todo]


def _decision(tree: Tree, item: Todo) -> Decision:
    found = {
        tree.span(node)
        for node in ast.walk(tree.module)
        if isinstance(node, (ast.expr, ast.FunctionDef, ast.AsyncFunctionDef, ast.alias))
        and item.text in (tree.source(node), f"def {getattr(node, 'name', '')}")
    }
    assert len(found) > item.nth, f"{item.text!r} does not stand in the text"
    span = sorted(found)[item.nth]
    site = None
    if item.action is Action.LIBRARY:
        targets = (Target(api=item.detail.get("api", "lib.f")),)
        protocol = Protocol(item.detail.get("protocol", "call"))
        site = Site("m.py", span, "m.py:1", protocol, targets, Certainty.CERTAIN, item.text)
    return Decision("m.py", span, item.action, CAUSE, "m.py:1", site, dict(item.detail))


def source(text: str, module: str = "pkg.mod", is_package: bool = False) -> SourceFile:
    return SourceFile("m.py", module, is_package, text, "utf-8", False, "")


def rewritten(
    text: str,
    *todo: Todo,
    style: Style = WIDE,
    codemods: Codemods | None = None,
    module: str = "pkg.mod",
    is_package: bool = False,
    **options: str,
) -> Rewritten:
    file = source(text, module, is_package)
    registry: Any = codemods or Codemods()
    result = rewrite_file(file, decisions(text, todo), registry, style, options)
    if result.text is not None:
        assert patched(text, result.hunks) == result.text
        assert in_order(result.hunks)
    return result


def migrated(before: str, *todo: Todo, **how: Any) -> str:
    """The new text of an indented literal; fails on a refusal."""
    result = rewritten(plain(before), *todo, **how)
    assert result.text is not None, result.refusals
    return result.text


def rules(before: str, *todo: Todo, **how: Any) -> set[str]:
    """The rules by which something is refused; then there is no text."""
    result = rewritten(plain(before), *todo, **how)
    assert (result.text is None) == bool(result.refusals)
    return {refusal.rule for refusal in result.refusals}


def plain(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def patched(old: str, hunks: Sequence[Hunk]) -> str:
    """The old text with the hunks applied."""
    lines, out, at = split_lines(old), list[str](), 0
    for hunk in hunks:
        out += [*lines[at : hunk.old_start - 1], *hunk.new_lines]
        at = hunk.old_end - 1
    return "".join([*out, *lines[at:]])


def in_order(hunks: Sequence[Hunk]) -> bool:
    """Sorted, and with at least one old line between them."""
    return all(one.old_end < other.old_start for one, other in pairwise(hunks))
