"""What every construct's rewriting needs to know of the file, and how it answers."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import libcst as cst

from asyncshift.codemod import Edit, Registry
from asyncshift.handed import in_place
from asyncshift.model import (
    Action,
    Decision,
    Message,
    Need,
    Refusal,
    Severity,
    SourceFile,
    Span,
    Style,
    Tie,
)
from asyncshift.rewrite.names import FileNames
from asyncshift.rewrite.regions import Planned
from asyncshift.rewrite.tree import COMPREHENSIONS, FunctionNode, Tree


@dataclass(frozen=True, slots=True)
class Added:
    """A facade to put below a coroutine, which is named by its old definition."""

    node: FunctionNode
    decorators: tuple[str, ...]
    changes: tuple[Edit, ...]
    """What differs in its header from that of the sync function."""
    body: tuple[str, ...]
    """Lines without ends, as `decorators`."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A facade that goes."""

    node: FunctionNode


Step = Edit | Planned | Added | Dropped | Refusal | Message | Need | Tie
"""What a construct's rewriting yields."""

AWAIT_ORDER, BRIDGE_ORDER = 10, 20
"""Behind the edits of codemods, whose order is 0."""


@dataclass(frozen=True)
class Context:
    """One file under rewriting.  Made by `rewrite_file`, read by the construct modules."""

    file: SourceFile
    tree: Tree
    names: FileNames
    registry: Registry
    style: Style
    options: Mapping[str, str]
    decisions: Sequence[Decision]
    done: set[tuple[str, Span]] = field(default_factory=set)
    """Statements and handlers whose edit, made of several decisions, was already given."""

    @property
    def target(self) -> tuple[int, int]:
        """The oldest Python that the result must run on."""
        return self.style.target_version

    @property
    def bridge(self) -> str:
        """The generated bridge module's dotted name; empty when the project has none."""
        return self.options.get("bridge", "")

    @cached_property
    def places(self) -> Mapping[tuple[Action, Span], Decision]:
        """The decisions by what is done where."""
        return {(d.action, d.span): d for d in self.decisions}

    def decided(self, node: ast.AST, *actions: Action) -> bool:
        """True when one of these actions is planned exactly at a node."""
        span = self.tree.span(node)
        return any((action, span) in self.places for action in actions)

    @cached_property
    def turned(self) -> frozenset[ast.AST]:
        """The functions of this file that become async."""
        found = [
            self.tree.find_function(d.span)
            for d in self.decisions
            if d.action in (Action.MAKE_ASYNC, Action.SPLIT_ENTRY)
        ]
        return frozenset(f for f in found if f is not None)

    def refuse(self, node: ast.AST, rule: str, reason: str, way_out: str) -> Refusal:
        """A refusal at a node."""
        return Refusal(self.file.path, self.tree.span(node), rule, reason, way_out)

    def look(self, node: ast.AST, rule: str, text: str) -> Message:
        """A message that asks the user to look at a place."""
        line: int = getattr(node, "lineno", 1)
        return self.look_at(line, rule, text)

    def look_at(self, line: int, rule: str, text: str) -> Message:
        """A message that asks the user to look at a line."""
        return Message(self.file.path, line, rule, text, Severity.LOOK)

    def text(self, name: str, node: ast.AST) -> cst.BaseExpression:
        """A full name as an expression that works where `node` stands."""
        return cst.parse_expression(self.names.dotted(name, self.tree.span(node)))

    def cannot_await(self, node: ast.AST) -> Refusal | None:
        """A refusal where `await` at `node` would be a syntax error or be printed, else None."""
        if self.prints_itself(node):
            reason = '`f"{call()=}"` prints its own text, and would print the `await`'
            way_out = "write the text out before the braces"
            return self.refuse(node, "f-string-debug", reason, way_out)
        scope = self.tree.scope(node)
        while isinstance(scope, ast.Lambda) and (
            in_place(self.tree.parents[scope]) is scope or self.is_inlined(scope)
        ):
            scope = self.tree.scope(scope)
        way = "move the call into a function of its own, before this expression"
        match scope:
            case ast.AsyncFunctionDef():
                return self._nested_comprehension(node)
            case ast.FunctionDef() if scope in self.turned:
                return self._nested_comprehension(node)
            case ast.FunctionDef():
                reason = f"{scope.name} stays sync, so nothing in it can be awaited"
            case ast.Lambda():
                reason = "a lambda cannot await"
            case ast.ClassDef():
                reason = "a class body cannot await"
            case _:
                reason = "a module's body cannot await"
        return self.refuse(node, "await-outside-async", reason, way)

    def is_inlined(self, node: ast.Lambda) -> bool:
        """Whether the lambda's body takes its place: `map(lambda x: f(x, 1), rows)`."""
        parent = self.tree.parents[node]
        if isinstance(parent, ast.keyword):
            parent = self.tree.parents[parent]
        return self.decided(parent, Action.MAPPED)

    def prints_itself(self, node: ast.AST) -> bool:
        """True inside of `f"{expression=}"`, where any change of the text shows."""
        return node in self.tree.printed

    def _nested_comprehension(self, node: ast.AST) -> Refusal | None:
        """Before 3.11 an async comprehension could not stand inside a sync one."""
        if self.target >= (3, 11):
            return None
        inside = 0
        around = [node]
        for above in (node, *self.tree.ancestors(node)):
            if isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef)):
                break
            if isinstance(above, COMPREHENSIONS) and above.generators[0].iter not in around:
                inside += 1
            around.append(above)
        if inside < 2:
            return None
        reason = "an async comprehension inside another one needs Python 3.11"
        return self.refuse(node, "nested-comprehension", reason, "write the outer one as a loop")


def kind_of(node: ast.AST) -> str:
    """The LibCST class that parses what this `ast` expression is."""
    match node:
        case ast.BinOp():
            return "BinaryOperation"
        case ast.BoolOp():
            return "BooleanOperation"
        case ast.UnaryOp():
            return "UnaryOperation"
        case ast.Compare():
            return "Comparison"
        case ast.Constant(value=str() | bytes()):
            return "SimpleString"
        case ast.JoinedStr():
            return "FormattedString"
        case ast.Constant(value=bool() | None):
            return "Name"
        case ast.Constant(value=int()):
            return "Integer"
        case ast.Constant(value=value) if value is ...:
            return "Ellipsis"
        case ast.YieldFrom():
            return "Yield"
        case ast.With() | ast.AsyncWith():
            return "With"
        case ast.For() | ast.AsyncFor():
            return "For"
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return "FunctionDef"
    return type(node).__name__


__all__ = ["Added", "Context", "Dropped", "FunctionNode", "Planned", "Step", "kind_of"]
