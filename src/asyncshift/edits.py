"""The one transformer: takes a cut-out text and edits, and applies each at its place.

Places are `(LibCST kind, span)`, spans as `ast` gives them.  LibCST's own position metadata copies
the tree and walks it several times, so places are noted here while the code is generated once; the
same pass proves that LibCST gives the text back unchanged.

Edits are functions from the updated node to its replacement, applied inner places first and by
ascending order on one place, so that they compose when they nest.  Two different edits of one place
and order are a conflict; an edit whose place does not exist is a bug and raises.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import libcst as cst
from libcst._nodes.internal import CodegenState

from asyncshift.codemod import Edit
from asyncshift.model import Span

Expression = TypeVar("Expression", bound=cst.BaseExpression)
Key = tuple[str, Span]
_STATEMENT = "SimpleStatementLine"


class RewriteBug(Exception):  # noqa: N818 - it says whose fault it is
    """An internal error of the rewrite step: the tool is wrong, not its input."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The text after the edits, and the line ranges (from 1, inclusive) that were newly built."""

    code: str
    built: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """LibCST cannot read the text, or would not give it back as it was."""

    reason: str


def conflicts(edits: Iterable[Edit]) -> list[tuple[Edit, Edit]]:
    """Pairs of different edits that want the same place in the same order."""
    seen: dict[tuple[str, Span, int], Edit] = {}
    found = []
    for edit in edits:
        first = seen.setdefault((edit.kind, edit.span, edit.order), edit)
        if not same(first, edit):
            found.append((first, edit))
    return found


def same(one: Edit, other: Edit) -> bool:
    """True when two edits do the same: `functools.partial` objects are compared by their parts."""
    if one == other:
        return True
    a, b = one.change, other.change
    if isinstance(a, functools.partial) and isinstance(b, functools.partial):
        alike = (a.func, a.args, a.keywords) == (b.func, b.args, b.keywords)
        return alike and replace(one, change=b) == other
    return False


def unique(edits: Iterable[Edit]) -> list[Edit]:
    """Each edit once, in the order they came."""
    found: list[Edit] = []
    places: dict[tuple[str, Span, int], Edit] = {}
    for edit in edits:
        place = (edit.kind, edit.span, edit.order)
        if place not in places:
            places[place] = edit
            found.append(edit)
    return found


def apply_edits(code: str, edits: Sequence[Edit]) -> Applied | Unreadable:
    """Apply edits to a text whose lines end with `\\n`; spans count from the text's first line.

    Raises RewriteBug where an edit's place is not in the text.
    """
    try:
        module = cst.parse_module(code)
        places = _Places(module.default_indent)
        module._codegen(places)
        if "".join(places.tokens) != code:
            return Unreadable("LibCST does not give this text back as it was")
        wanted: dict[Key, list[Edit]] = {}
        for edit in unique(edits):
            wanted.setdefault((edit.kind, edit.span), []).append(edit)
        transformer = _Transformer(places, wanted)
        changed = module.visit(transformer)
        state = _BuiltLines(module.default_indent, transformer.built)
        changed._codegen(state)
    except cst.ParserSyntaxError as error:
        return Unreadable(f"LibCST cannot parse this: {error.message}")
    except cst.CSTValidationError as error:
        return Unreadable(f"the result would need other white space: {error}")
    except RecursionError:
        return Unreadable("the code is nested too deeply")
    return Applied("".join(state.tokens), tuple(state.found))


class _Counting(CodegenState):
    """Generates code and knows the current line (from 1) and column (from 0)."""

    line = 1
    column = 0

    def add_indent_tokens(self) -> None:
        for token in self.indent_tokens:
            self.add_token(token)

    def add_token(self, value: str) -> None:
        self.tokens.append(value)
        if "\n" in value:
            self.line += value.count("\n")
            self.column = len(value) - value.rindex("\n") - 1
        else:
            self.column += len(value)


class _Recording:
    """The context in which a node writes its own text, without parentheses and white space."""

    __slots__ = ("end_node", "node", "start", "start_node", "state")

    def __init__(
        self,
        state: _Places,
        node: cst.CSTNode,
        start_node: cst.CSTNode | None,
        end_node: cst.CSTNode | None,
    ) -> None:
        self.state, self.node = state, node
        self.start_node, self.end_node = start_node, end_node
        self.start = (0, 0)

    def __enter__(self) -> None:
        self.start = (self.state.line, self.state.column)

    def __exit__(self, *exc_info: object) -> None:
        spans = self.state.spans
        start, end = self.start, (self.state.line, self.state.column)
        if self.start_node is not None and self.start_node in spans:
            start = spans[self.start_node][:2]
        if self.end_node is not None and self.end_node in spans:
            end = spans[self.end_node][2:]
        spans[self.node] = (*start, *end)


class _Places(_Counting):
    """Notes where every node stands, and its parent.  Nodes hash by identity."""

    def __init__(self, indent: str) -> None:
        super().__init__(default_indent=indent, default_newline="\n")
        self.spans: dict[cst.CSTNode, Span] = {}
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self._stack: list[cst.CSTNode] = []
        self._starts: list[tuple[int, int]] = []

    def before_codegen(self, node: cst.CSTNode) -> None:
        if self._stack:
            self.parents[node] = self._stack[-1]
        self._stack.append(node)
        self._starts.append((self.line, self.column))

    def after_codegen(self, node: cst.CSTNode) -> None:
        self._stack.pop()
        start = self._starts.pop()
        if node not in self.spans:
            self.spans[node] = (*start, self.line, self.column)

    def record_syntactic_position(  # type: ignore[override]
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> _Recording:
        return _Recording(self, node, start_node, end_node)

    def keys(self, wanted: Set[Key]) -> Iterable[tuple[Key, cst.CSTNode]]:
        """Places as `ast` would give them: of small statements and of the nodes of some kinds."""
        kinds = {kind for kind, _ in wanted}
        brackets = [span for kind, span in wanted if kind in ("Tuple", "GeneratorExp", "CompFor")]
        lines = "".join(self.tokens).split("\n")
        for node, span in self.spans.items():
            if type(node).__name__ not in kinds and not isinstance(node, cst.BaseSmallStatement):
                continue
            placed = node.iter if isinstance(node, cst.CompFor) else node
            span = self.spans[placed]
            if isinstance(placed, (cst.Tuple, cst.GeneratorExp)):
                span = _with_brackets(lines, span, brackets)
            yield (type(node).__name__, span), node


def _with_brackets(lines: list[str], inner: Span, wanted: Iterable[Span]) -> Span:
    """A wanted span that holds the node and nothing else but brackets, or the node's own.

    `ast` counts a tuple's or generator expression's innermost parentheses as its own.
    """
    for outer in wanted:
        if outer[:2] < inner[:2] and inner[2:] < outer[2:]:
            before = _text(lines, (outer[0], outer[1], *inner[:2]))
            after = _text(lines, (*inner[2:], outer[2], outer[3]))
            if _OPENING.fullmatch(before) and _CLOSING.fullmatch(after):
                return outer
    return inner


def _text(lines: list[str], span: Span) -> str:
    rows = lines[span[0] - 1 : span[2]]
    rows[-1] = rows[-1][: span[3]]
    rows[0] = rows[0][span[1] :]
    return "\n".join(rows)


_SPACE = r"(?:\s|\\|#[^\n]*\n)*"
_OPENING = re.compile(rf"\({_SPACE}")
_CLOSING = re.compile(rf"{_SPACE},?{_SPACE}\)")


class _BuiltLines(_Counting):
    """Generates the new code and notes the lines of newly built nodes."""

    def __init__(self, indent: str, built: set[cst.CSTNode]) -> None:
        super().__init__(default_indent=indent, default_newline="\n")
        self._built = built
        self._starts: list[int] = []
        self.found: list[tuple[int, int]] = []

    def before_codegen(self, node: cst.CSTNode) -> None:
        if node in self._built:
            self._starts.append(self.line)

    def after_codegen(self, node: cst.CSTNode) -> None:
        if node in self._built:
            end = self.line if self.column else self.line - 1
            start = self._starts.pop()
            self.found.append((start, max(start, end)))


class _Transformer(cst.CSTTransformer):
    """Visits only the way to the wanted places and applies their edits on leaving them."""

    def __init__(self, places: _Places, wanted: Mapping[Key, list[Edit]]) -> None:
        super().__init__()
        self.built: set[cst.CSTNode] = set()
        self._edits: dict[cst.CSTNode, list[Edit]] = {}
        self._alone: dict[cst.CSTNode, dict[int, list[Edit]]] = {}
        missing = set(wanted)
        for key, node in places.keys(wanted.keys()):
            if key in wanted:
                self._edits[node] = wanted[key]
                missing.discard(key)
            elif isinstance(node, cst.BaseSmallStatement) and (_STATEMENT, key[1]) in wanted:
                missing.discard((_STATEMENT, key[1]))
                self._take_alone(places.parents[node], node, wanted[_STATEMENT, key[1]])
        if missing:
            raise RewriteBug(f"no such place for an edit: {sorted(missing)}")
        self._path: set[cst.CSTNode] = set()
        for node in (*self._edits, *self._alone):
            at: cst.CSTNode | None = node
            while at is not None and at not in self._path:
                self._path.add(at)
                at = places.parents.get(at)

    def _take_alone(self, parent: cst.CSTNode, node: cst.CSTNode, edits: list[Edit]) -> None:
        """A statement that shares its line with others is taken out before it is edited."""
        match parent:
            case cst.SimpleStatementSuite(body=body):
                pass
            case cst.SimpleStatementLine(body=body) if len(body) > 1:
                pass
            case _:
                return
        index = next(i for i, statement in enumerate(body) if statement is node)
        self._alone.setdefault(parent, {})[index] = edits

    def on_visit(self, node: cst.CSTNode) -> bool:
        return node in self._path

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        pass

    def on_leave_attribute(self, original_node: cst.CSTNode, attribute: str) -> None:
        pass

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        if original_node not in self._path:
            return updated_node
        node: Any = parenthesized_children(original_node, updated_node)
        if original_node in self._alone:
            return self._split_line(node, self._alone[original_node])
        return self._apply(node, self._edits.get(original_node, []))

    def _apply(self, node: Any, edits: list[Edit]) -> Any:
        for edit in sorted(edits, key=lambda e: e.order):
            node = edit.change(node)
            if edit.built:
                self.built.update(_nodes(node))
        return node

    def _split_line(self, node: Any, edits: Mapping[int, list[Edit]]) -> Any:
        statements: list[Any] = []
        changed = False
        for index, small in enumerate(node.body):
            alone = cst.SimpleStatementLine(
                [small.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)]
            )
            if index == 0 and isinstance(node, cst.SimpleStatementLine):
                alone = alone.with_changes(leading_lines=node.leading_lines)
            if index == len(node.body) - 1:
                alone = alone.with_changes(trailing_whitespace=node.trailing_whitespace)
            result = self._apply(alone, edits.get(index, []))
            changed = changed or result is not alone
            statements += _nodes(result)
        if not changed:
            return node
        if isinstance(node, cst.SimpleStatementSuite):
            return cst.IndentedBlock(statements)
        return cst.FlattenSentinel(statements)


def _nodes(result: Any) -> list[cst.CSTNode]:
    match result:
        case cst.FlattenSentinel():
            return list(result)
        case cst.CSTNode():
            return [result]
        case _:
            return []


# ----------------------------------------------------------------------------- parentheses

_PRIMARY = 15
_AWAIT = 14
_BINARY: dict[type[cst.BaseBinaryOp], int] = {
    cst.BitOr: 6,
    cst.BitXor: 7,
    cst.BitAnd: 8,
    cst.LeftShift: 9,
    cst.RightShift: 9,
    cst.Add: 10,
    cst.Subtract: 10,
    cst.Power: 13,
}


def strength(node: cst.BaseExpression) -> int:
    """How tightly an expression binds as it is written: 15 stands anywhere, 0 almost nowhere."""
    if node.lpar:
        return _PRIMARY
    match node:
        case cst.NamedExpr() | cst.Yield() | cst.GeneratorExp():
            return 0
        case cst.Lambda() | cst.IfExp():
            return 1
        case cst.Tuple():
            return 0
        case cst.BooleanOperation(operator=operator):
            return 2 if isinstance(operator, cst.Or) else 3
        case cst.UnaryOperation(operator=cst.Not()):
            return 4
        case cst.Comparison():
            return 5
        case cst.BinaryOperation(operator=operator):
            return _BINARY.get(type(operator), 11)
        case cst.UnaryOperation():
            return 12
        case cst.Await():
            return _AWAIT
    return _PRIMARY


def parenthesize(node: Expression) -> Expression:
    """The expression in one more pair of parentheses."""
    return node.with_changes(
        lpar=[cst.LeftParen(), *node.lpar], rpar=[*node.rpar, cst.RightParen()]
    )


def bound(node: Expression, least: int) -> Expression:
    """The expression, in parentheses if it binds less tightly than its new place needs."""
    return node if strength(node) >= least else parenthesize(node)


def parenthesized_children(original: cst.CSTNode, node: cst.CSTNode) -> cst.CSTNode:
    """The node with parentheses around those replaced children that need them."""
    changes: dict[str, Any] = {}
    for name, least in _needs(node):
        child = getattr(node, name)
        if child is getattr(original, name):
            continue
        if isinstance(child, cst.BaseExpression) and strength(child) < least:
            changes[name] = parenthesize(child)
    match node:
        case cst.Call(args=[_, _, *_] as args):
            loose = [a for a in args if isinstance(a.value, cst.GeneratorExp) and not a.value.lpar]
            if loose:
                changes["args"] = [
                    a.with_changes(value=parenthesize(a.value)) if a in loose else a for a in args
                ]
    return node.with_changes(**changes) if changes else node


def _needs(node: cst.CSTNode) -> list[tuple[str, int]]:
    match node:
        case cst.Attribute() | cst.Subscript():
            return [("value", _PRIMARY)]
        case cst.Call():
            return [("func", _PRIMARY)]
        case cst.Await():
            return [("expression", _PRIMARY)]
        case cst.BinaryOperation(operator=cst.Power()):
            return [("left", _AWAIT), ("right", 12)]
        case cst.BinaryOperation(operator=operator):
            level = _BINARY.get(type(operator), 11)
            return [("left", level), ("right", level + 1)]
        case cst.UnaryOperation(operator=cst.Not()):
            return [("expression", 4)]
        case cst.UnaryOperation():
            return [("expression", 12)]
        case cst.Comparison():
            return [("left", 6)]
        case cst.ComparisonTarget():
            return [("comparator", 6)]
        case cst.BooleanOperation(operator=operator):
            level = 2 if isinstance(operator, cst.Or) else 3
            return [("left", level), ("right", level + 1)]
        case cst.IfExp():
            return [("body", 2), ("test", 2), ("orelse", 1)]
        case cst.CompFor():
            return [("iter", 2)]
        case cst.CompIf():
            return [("test", 2)]
        case cst.StarredElement() | cst.StarredDictElement():
            return [("value", 6)]
    return []
