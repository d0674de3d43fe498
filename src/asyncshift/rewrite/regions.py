"""Cuts out what changes: LibCST must see as little text as possible.

A piece is a run of whole lines: one simple statement, the header of a compound statement, or a
whole statement where an edit needs its body.  It keeps its own indentation behind an `if 1:` line,
and a header gets a stub for its body.  Line ends are `\\n` inside; `Document` restores them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from asyncshift.codemod import Edit
from asyncshift.document import body_of
from asyncshift.edits import Applied, Unreadable, apply_edits
from asyncshift.model import Span
from asyncshift.rewrite.tree import Compound, Tree

_STATEMENTS = frozenset(
    {
        "SimpleStatementLine",
        "FunctionDef",
        "ClassDef",
        "With",
        "For",
        "While",
        "If",
        "Try",
        "TryStar",
    }
    | {"Match", "ExceptHandler"}
)
MAX_DEPTH = 400
"""LibCST recurses in native code where Python cannot catch it; deeper code than this is refused."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An edit with what the cutting must know.

    `header`: a statement's edit that touches its header only.  `comments`: the edit also moves the
    comment lines directly above.
    """

    edit: Edit
    header: bool = False
    comments: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines `first..last` (from 1, inclusive) with stubs around them, and the edits inside."""

    first: int
    last: int
    node: ast.AST
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = field(default=(), compare=False)

    def holds(self, other: Piece) -> bool:
        return self.first <= other.first and other.last <= self.last


@dataclass(frozen=True, slots=True)
class NewLines:
    """What became of a piece: its new lines without ends; built ranges count from its start (0)."""

    piece: Piece
    lines: tuple[str, ...]
    built: tuple[tuple[int, int], ...]


def pieces(tree: Tree, planned: Iterable[Planned]) -> list[Piece]:
    """The pieces of a file for the given edits, in order, none inside another."""
    cut: dict[tuple[int, int], Piece] = {}
    for plan in planned:
        piece = _piece(tree, plan)
        known = cut.get((piece.first, piece.last), piece)
        cut[piece.first, piece.last] = replace(known, edits=(*known.edits, *piece.edits))
    found: list[Piece] = []
    for piece in sorted(cut.values(), key=lambda p: (p.first, -p.last)):
        if found and found[-1].holds(piece):
            edits = (*found[-1].edits, *piece.edits)
            found[-1] = replace(found[-1], edits=edits)
        else:
            found.append(piece)
    return found


def rewrite_piece(tree: Tree, piece: Piece, indent: str) -> NewLines | Unreadable:
    """Apply a piece's edits.  Raises RewriteBug where a place is not found."""
    if _depth(piece) > MAX_DEPTH:
        return Unreadable("the code is nested too deeply")
    rows = [body_of(line) for line in tree.lines[piece.first - 1 : piece.last]]
    feed = rows[0].rfind("\f", 0, len(rows[0]) - len(rows[0].lstrip())) + 1
    lead, rows[0] = rows[0][:feed], rows[0][feed:]
    before = ("if 1:", f"{indent}pass", *piece.before)  # LibCST takes the first indent as default
    shift = len(before) - piece.first + 1
    edits = [
        replace(edit, span=_shifted(tree, piece, edit.span, shift, feed)) for edit in piece.edits
    ]
    code = "\n".join((*before, *rows, *piece.after)) + "\n"
    match apply_edits(code, edits):
        case Applied(code=new, built=built):
            lines = new.removesuffix("\n").split("\n")
            lines = lines[len(before) : len(lines) - len(piece.after)]
            if lines:
                lines[0] = lead + lines[0]
            ranges = [(a - len(before) - 1, b - len(before) - 1) for a, b in built]
            last = max(len(lines) - 1, 0)
            clipped = tuple((max(a, 0), min(b, last)) for a, b in ranges)
            return NewLines(piece, tuple(lines), clipped)
        case Unreadable() as reason:
            return reason


def indent_unit(tree: Tree) -> str:
    """One step of the file's indentation, as its first indented block has it."""
    for node in ast.walk(tree.module):
        if isinstance(node, Compound) and not isinstance(node, ast.Match):
            outer, inner = (
                _indent(tree, _first_line(node)),
                _indent(tree, _first_line(node.body[0])),
            )
            if inner.startswith(outer) and len(inner) > len(outer):
                return inner[len(outer) :]
    return "    "


def _piece(tree: Tree, plan: Planned) -> Piece:
    node = _node_of(tree, plan.edit)
    at = tree.statement(node)
    whole = node is at and plan.edit.kind in _STATEMENTS and not plan.header
    match at:
        case ast.match_case():
            match = tree.parents[at]
            return _whole(tree, match, plan) if isinstance(match, ast.stmt) else _bug(plan)
        case ast.ExceptHandler():
            outer = tree.parents[at]
            if whole or _shares_line(tree, at.body[0]):
                return _whole(tree, outer, plan) if isinstance(outer, ast.stmt) else _bug(plan)
            return _header(tree, at, plan)
        case ast.Try() | ast.TryStar():
            return _whole(tree, at, plan)
        case _ if isinstance(at, Compound):
            if whole or _shares_line(tree, _first_child(at)):
                return _whole(tree, at, plan)
            return _header(tree, at, plan)
    return _simple(tree, at, plan)


def _bug(plan: Planned) -> Piece:
    raise AssertionError(f"a statement without a statement around it: {plan}")


def _node_of(tree: Tree, edit: Edit) -> ast.AST:
    if edit.kind in _STATEMENTS:
        found = tree.find(edit.span, ast.stmt, ast.ExceptHandler)
        if found is not None:
            return found
    return tree.place(edit.span)


def _simple(tree: Tree, at: ast.stmt, plan: Planned) -> Piece:
    """A simple statement with those that share its lines."""
    siblings = _siblings(tree, at)
    index = siblings.index(at)
    low = high = index
    while low and siblings[low - 1].end_lineno == siblings[low].lineno:
        low -= 1
    while high + 1 < len(siblings) and siblings[high + 1].lineno == siblings[high].end_lineno:
        high += 1
    first = siblings[low]
    line, column = tree.span(first)[:2]
    parent = tree.parents[at]
    if tree.lines[line - 1][:column].strip() and isinstance(parent, ast.stmt):
        return _whole(tree, parent, plan)
    if tree.lines[line - 1][:column].strip():
        return _whole_around(tree, parent, plan)
    last = siblings[high].end_lineno or line
    return Piece(line, last, at, _stub(tree, line), (), (plan.edit,))


def _whole_around(tree: Tree, node: ast.AST, plan: Planned) -> Piece:
    """For one-line handlers and cases: the whole statement that they belong to."""
    outer = next(a for a in tree.ancestors(node) if isinstance(a, ast.stmt))
    return _whole(tree, outer, plan)


def _siblings(tree: Tree, at: ast.stmt) -> list[ast.stmt]:
    parent = tree.parents[at]
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and at in block:
            return block
    raise AssertionError(f"statement at line {at.lineno} is in no block")


def _whole(tree: Tree, at: ast.stmt, plan: Planned) -> Piece:
    first, last = _first_line(at), at.end_lineno or at.lineno
    if plan.comments:
        indent = _indent(tree, first)
        while first > 1 and tree.lines[first - 2].startswith(indent + "#"):
            first -= 1
    return Piece(first, last, at, _stub_of(tree, at, first), (), (plan.edit,))


def _header(tree: Tree, at: ast.stmt | ast.ExceptHandler, plan: Planned) -> Piece:
    first = _first_line(at)
    body = _first_child(at)
    last = _first_line(body) - 1
    inner = _indent(tree, _first_line(body))
    after = (f"{inner}case _: pass",) if isinstance(at, ast.Match) else (f"{inner}pass",)
    return Piece(first, last, at, _stub_of(tree, at, first), after, (plan.edit,))


def _stub_of(tree: Tree, at: ast.AST, line: int) -> tuple[str, ...]:
    """Stub lines that make a statement's own lines stand alone."""
    indent = _indent(tree, line)
    outer = ("if 1:",) if indent else ()
    match at:
        case ast.ExceptHandler():
            return (*outer, f"{indent}try:", f"{indent} pass")
        case ast.If() if tree.lines[line - 1].strip(" \t\f").startswith("elif"):
            return (*outer, f"{indent}if 1:", f"{indent} pass")
    return _stub(tree, line)


def _stub(tree: Tree, line: int) -> tuple[str, ...]:
    indent = _indent(tree, line)
    return ("if 1:", f"{indent}pass") if indent else ()


def _indent(tree: Tree, line: int) -> str:
    row = tree.lines[line - 1]
    return row[: len(row) - len(row.lstrip(" \t\f"))].rpartition("\f")[2]


def _first_line(node: ast.AST) -> int:
    lines: list[int] = [d.lineno for d in getattr(node, "decorator_list", ())]
    if isinstance(node, ast.match_case):  # `ast` gives it no place itself
        return int(node.pattern.lineno)
    assert isinstance(node, (ast.stmt, ast.ExceptHandler)), node
    return min([node.lineno, *lines])


def _first_child(at: ast.AST) -> ast.AST:
    child: ast.AST = at.cases[0] if isinstance(at, ast.Match) else at.body[0]  # type: ignore[attr-defined]
    return child


def _shares_line(tree: Tree, child: ast.AST) -> bool:
    """True when something stands before a block's first statement on its line."""
    line, column = _first_line(child), _first_column(tree, child)
    return bool(tree.lines[line - 1][:column].strip(" \t\f@"))


def _first_column(tree: Tree, node: ast.AST) -> int:
    if isinstance(node, ast.match_case):
        return 0
    first = min([node, *getattr(node, "decorator_list", ())], key=lambda n: n.lineno)
    return tree.span(first)[1]


def _depth(piece: Piece) -> int:
    """How deeply the code of a piece is nested."""
    skipped: set[ast.AST] = set()
    if piece.after:
        for name in ("body", "orelse", "handlers", "finalbody", "cases"):
            skipped.update(getattr(piece.node, name, ()))
    deepest, level = 0, [piece.node]
    while level:
        deepest += 1
        level = [c for n in level for c in ast.iter_child_nodes(n) if c not in skipped]
    return deepest


def _shifted(tree: Tree, piece: Piece, span: Span, shift: int, feed: int) -> Span:
    """A place in the piece's text; a header's statement ends with its stub."""
    line, column, end_line, end = span
    if piece.after and span == _span_of(tree, piece.node):
        end_line, end = piece.last + 1, len(piece.after[0])
    column -= feed if line == piece.first else 0
    end -= feed if end_line == piece.first else 0
    return (line + shift, column, end_line + shift, end)


def _span_of(tree: Tree, node: ast.AST) -> Span | None:
    return tree.span(node) if hasattr(node, "lineno") else None
