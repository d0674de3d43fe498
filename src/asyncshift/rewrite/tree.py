"""One file's `ast`, with places in code points, parents, and lookup by place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property

from asyncshift.document import split_lines
from asyncshift.model import Span

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Compound = (
    ast.FunctionDef
    | ast.AsyncFunctionDef
    | ast.ClassDef
    | ast.If
    | ast.For
    | ast.AsyncFor
    | ast.While
    | ast.With
    | ast.AsyncWith
    | ast.Try
    | ast.TryStar
    | ast.Match
)
_EXAMPLE = re.compile(r"\s*(?:>>>|\.\.\.) (.*)")
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DEBUG = re.compile(r"[\s)]*=\s*[}!:]")
"""What follows the expression in `f"{expression=}"`."""
_UNPLACED = (ast.FormattedValue, ast.keyword, ast.arg, ast.Expr)


class Tree:
    """A parsed file.  Raises what `ast.parse` raises."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = split_lines(text)
        self.module = ast.parse(text)
        self._ascii = text.isascii()
        self._statements: dict[ast.AST, ast.stmt | ast.ExceptHandler | ast.match_case] = {}
        self._scopes: dict[ast.AST, ast.AST] = {}

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Every node's parent.  Operators and contexts are shared by `ast` and left out."""
        found: dict[ast.AST, ast.AST] = {}
        stack: list[ast.AST] = [self.module]
        while stack:
            node = stack.pop()
            for child in ast.iter_child_nodes(node):
                if not isinstance(child, (ast.expr_context, ast.operator, ast.boolop, ast.cmpop)):
                    found[child] = node
                    stack.append(child)
        return found

    @cached_property
    def examples(self) -> tuple[tuple[int, str], ...]:
        """The lines of doctests in docstrings: their numbers, and the code without its prompt."""
        found = []
        for owner in (self.module, *self.parents):
            if not isinstance(owner, (ast.Module, ast.ClassDef, FunctionNode)):
                continue
            if ast.get_docstring(owner, clean=False) is not None:
                text = owner.body[0]
                rows = self.source(text).splitlines()
                for line, row in enumerate(rows, start=text.lineno):
                    if (example := _EXAMPLE.match(row)) is not None:
                        found.append((line, example[1]))
        return tuple(found)

    @cached_property
    def _by_span(self) -> dict[Span, list[ast.AST]]:
        found: dict[Span, list[ast.AST]] = {}
        for node in self.parents:
            if isinstance(node, (ast.expr, ast.stmt, ast.alias, ast.ExceptHandler, ast.keyword)):
                found.setdefault(self.span(node), []).append(node)
        return found

    @cached_property
    def printed(self) -> set[ast.AST]:
        """Everything inside of `f"{expression=}"`, where any change of the text shows."""
        found: set[ast.AST] = set()
        for node in self.parents:
            if isinstance(node, ast.FormattedValue) and node not in found:
                _, _, line, column = self.span(node.value)
                if _DEBUG.match(self.lines[line - 1][column:]):
                    found.update(ast.walk(node))
        return found

    def span(self, node: ast.AST) -> Span:
        """Where a node stands, columns in code points."""
        line: int = getattr(node, "lineno")  # noqa: B009 - only placed nodes get here
        end_line: int = getattr(node, "end_lineno")  # noqa: B009
        column: int = getattr(node, "col_offset")  # noqa: B009
        end: int = getattr(node, "end_col_offset")  # noqa: B009
        return (line, self._column(line, column), end_line, self._column(end_line, end))

    def _column(self, line: int, offset: int) -> int:
        if self._ascii or line > len(self.lines) or self.lines[line - 1].isascii():
            return offset
        return len(self.lines[line - 1].encode()[:offset].decode(errors="replace"))

    def find(self, span: Span, *kinds: type[ast.AST]) -> ast.AST | None:
        """The node at a place: of the given kinds, else an expression before a statement."""
        nodes = self._by_span.get(span, [])
        if kinds:
            return next((n for n in nodes if isinstance(n, kinds)), None)
        plain = [n for n in nodes if not isinstance(n, _UNPLACED)]
        return next((n for n in plain if isinstance(n, ast.expr)), plain[0] if plain else None)

    def find_function(self, span: Span) -> FunctionNode | None:
        """The `def` that starts at a place."""
        node = self.find(span, ast.FunctionDef, ast.AsyncFunctionDef)
        return node if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Innermost first, up to and including the module."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def statement(self, node: ast.AST) -> ast.stmt | ast.ExceptHandler | ast.match_case:
        """The innermost statement, except handler or match case whose own text holds `node`."""
        on_the_way = []
        while not isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            on_the_way.append(node)
            node = self._statements.get(node) or self.parents[node]
        self._statements.update(dict.fromkeys(on_the_way, node))
        return node

    def scope(self, node: ast.AST) -> ast.AST:
        """What evaluates `node`: a function, lambda, class or the module.

        Defaults, decorators and annotations belong to the scope around; so does the first iterable
        of a comprehension.  Comprehensions themselves do not count: they run in their function.
        """
        child, found = node, self._scopes.get(node)
        on_the_way = [node]
        while found is None:
            parent = self.parents.get(child, self.module)
            match parent:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    if isinstance(child, ast.stmt):
                        found = parent
                case ast.Lambda() if child is parent.body:
                    found = parent
                case ast.Module():
                    found = parent
            if found is None:
                on_the_way.append(parent)
                child, found = parent, self._scopes.get(parent)
        self._scopes.update(dict.fromkeys(on_the_way, found))
        return found

    def function_around(self, node: ast.AST) -> ast.AST:
        """The outermost function that holds `node`, or the module."""
        outermost: ast.AST = self.module
        for parent in self.ancestors(node):
            if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)):
                outermost = parent
        return outermost

    def own_nodes(self, function: ast.AST) -> Iterator[ast.AST]:
        """The nodes that run in a function's own frame, nested functions and classes left out."""
        match function:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Module() | ast.ClassDef():
                stack: list[ast.AST] = list(reversed(function.body))
            case ast.Lambda():
                stack = [function.body]
            case _:
                return
        while stack:
            node = stack.pop()
            yield node
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    inner: list[ast.AST] = [*node.decorator_list, *node.args.defaults]
                    inner += [d for d in node.args.kw_defaults if d is not None]
                case ast.ClassDef():
                    inner = [*node.decorator_list, *node.bases, *node.keywords]
                case ast.Lambda():
                    inner = [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
                case _:
                    inner = list(ast.iter_child_nodes(node))
            stack.extend(reversed(inner))

    def is_generator(self, function: ast.AST) -> bool:
        """True when the function's own body holds a `yield`."""
        return any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in self.own_nodes(function))

    def source(self, node: ast.AST) -> str:
        """The node's text as written."""
        line, column, end_line, end = self.span(node)
        rows = self.lines[line - 1 : end_line]
        rows[-1] = rows[-1][:end]
        rows[0] = rows[0][column:]
        return "".join(rows)

    def place(self, span: Span) -> ast.AST:
        """The innermost node that holds a place, for spans that no node has exactly."""
        found = self.find(span)
        if found is not None:
            return found
        best: ast.AST = self.module
        size: tuple[int, int] | None = None
        for inner, nodes in self._by_span.items():
            if inner[:2] <= span[:2] and span[2:] <= inner[2:]:
                extent = (inner[2] - inner[0], inner[3] - inner[1] if inner[2] == inner[0] else 0)
                if size is None or extent < size:
                    best, size = nodes[0], extent
        return best
