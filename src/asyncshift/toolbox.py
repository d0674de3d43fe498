"""What rewriters share: places, names as imported, what runs when, and small LibCST shapes.

A codemod's `rewriters.py` looks at `ast` nodes and yields edits; these are its words for both.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import libcst as cst

from asyncshift.codemod import Edit, Resolved
from asyncshift.document import split_lines
from asyncshift.edits import bound
from asyncshift.model import Kept, Message, Refusal, Severity, Span
from asyncshift.rewrite.awaits import awaited
from asyncshift.rewrite.blocks import ITEM_ORDER, enter_item, make_async
from asyncshift.rewrite.context import AWAIT_ORDER, BRIDGE_ORDER

__all__ = [
    "AWAIT_ORDER",
    "BRIDGE_ORDER",
    "ITEM_ORDER",
    "awaited",
    "bound",
    "enter_item",
    "make_async",
]

Function = ast.FunctionDef | ast.AsyncFunctionDef
FRAMES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
"""What has a frame of its own."""
Change = Callable[[Any], Any]


# ----------------------------------------------------------------------------- outcomes


def refuse(resolved: Resolved, rule: str, reason: str, way_out: str) -> Refusal:
    """A refusal of the site: the solver finds the group it belongs to by the site's place."""
    return Refusal(resolved.site.path, resolved.site.span, rule, reason, way_out)


def note(resolved: Resolved, rule: str, text: str, severity: Severity = Severity.NOTE) -> Message:
    """Something to tell about the site."""
    return Message(resolved.site.path, resolved.site.span[0], rule, text, severity)


def parity(resolved: Resolved, kept: Kept, text: str) -> Message:
    """What the libraries do differently at the site, and what was done about it."""
    path, line = resolved.site.path, resolved.site.span[0]
    return Message(path, line, str(kept), text, Severity.PARITY)


def needed(resolved: Resolved, name: str) -> bool:
    """Whether something that comes from the site, or any place, needs this of it (`Need`)."""
    line, column, *_ = resolved.site.span
    return name in resolved.needs or f"{name}@{line}:{column}" in resolved.needs


def runs_on(resolved: Resolved, version: tuple[int, int]) -> bool:
    """Whether the oldest Python that the project runs on is this one or a later one."""
    major, _, minor = resolved.options.get("python", "3.11").partition(".")
    return (int(major), int(minor)) >= version


# ----------------------------------------------------------------------------- places


@lru_cache(maxsize=8)
def _lines(source: str) -> tuple[str, ...]:
    return tuple(split_lines(source))


def span(resolved: Resolved, node: ast.AST) -> Span:
    """The place of a node of the file, columns in code points as everywhere but in `ast`."""
    line, end_line = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
    column, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
    if not resolved.source.isascii():
        column = _code_points(resolved.source, line, column)
        end = _code_points(resolved.source, end_line, end)
    return (line, column, end_line, end)


def _code_points(source: str, line: int, column: int) -> int:
    lines = _lines(source)
    if line > len(lines) or lines[line - 1].isascii():
        return column
    return len(lines[line - 1].encode()[:column].decode(errors="replace"))


def edit(
    resolved: Resolved, node: ast.AST, change: Change, *, order: int = 0, built: bool = False
) -> Edit:
    """An edit of a node, under the name that LibCST has for it."""
    name = type(node).__name__
    if isinstance(node, ast.stmt) and name in _LINES:
        name = "SimpleStatementLine"
    return Edit(_LIBCST.get(name, name), span(resolved, node), change, order, built)


def comprehension_edit(resolved: Resolved, clause: ast.comprehension, change: Change) -> Edit:
    """An edit of one `for` clause, which stands where its iterated expression stands."""
    return Edit("CompFor", span(resolved, clause.iter), change)


_LIBCST = {
    "AsyncFor": "For",
    "AsyncFunctionDef": "FunctionDef",
    "AsyncWith": "With",
    "BinOp": "BinaryOperation",
    "BoolOp": "BooleanOperation",
    "Compare": "Comparison",
    "ListComp": "ListComp",
    "UnaryOp": "UnaryOperation",
}
_LINES = frozenset(
    {"AnnAssign", "Assert", "Assign", "AugAssign", "Delete", "Expr", "Raise", "Return"}
)


# ----------------------------------------------------------------------------- names


@lru_cache(maxsize=8)
def imported_names(module: ast.Module) -> dict[str, str]:
    """Every name bound by an import anywhere in the file, with its full dotted name."""
    found: dict[str, str] = {}
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    if alias.asname:
                        found[alias.asname] = alias.name
                    else:
                        top = alias.name.partition(".")[0]
                        found[top] = top
            case ast.ImportFrom(module=source, names=names, level=level):
                for alias in names:
                    prefix = "." * level + (source or "")
                    dot = "" if prefix.endswith(".") else "."
                    found[alias.asname or alias.name] = f"{prefix}{dot}{alias.name}"
    return found


def module_of(resolved: Resolved) -> ast.Module:
    """The file's tree."""
    module = resolved.parents[-1] if resolved.parents else resolved.node
    assert isinstance(module, ast.Module)
    return module


def dotted_text(node: ast.AST) -> str:
    """`a.b.c` for names and attributes of names, else an empty string."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            head = dotted_text(value)
            return f"{head}.{attr}" if head else ""
    return ""


def qualified(resolved: Resolved, node: ast.AST) -> str:
    """The full name of an expression that starts with an imported name, else an empty string."""
    head, dot, tail = dotted_text(node).partition(".")
    full = imported_names(module_of(resolved)).get(head, "")
    return f"{full}{dot}{tail}" if full else ""


def mentions_import(resolved: Resolved, node: ast.AST) -> bool:
    """Whether the expression names the API itself, not a variable that holds it."""
    return bool(qualified(resolved, node))


# ----------------------------------------------------------------------------- structure


def statement_of(resolved: Resolved) -> tuple[ast.stmt, tuple[ast.AST, ...]]:
    """The innermost statement around the site, and its own ancestors."""
    for index, parent in enumerate((resolved.node, *resolved.parents)):
        if isinstance(parent, ast.stmt):
            return parent, resolved.parents[index:]
    raise AssertionError("a site stands inside a statement")


def function_of(parents: Sequence[ast.AST]) -> Function | None:
    """The innermost function around a node (lambdas and comprehensions run inside it)."""
    return next((p for p in parents if isinstance(p, Function)), None)


def chain(resolved: Resolved) -> Iterator[tuple[ast.AST, ast.AST]]:
    """(child, parent) pairs from the site outwards."""
    child = resolved.node
    for parent in resolved.parents:
        yield child, parent
        child = parent


def runs_at_definition(resolved: Resolved) -> str:
    """Where the site runs when a module is imported: `module`, `class`, or `` inside a function.

    Defaults and decorators belong to the scope around their function.
    """
    for child, parent in chain(resolved):
        match parent:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if child in parent.body:
                return ""
            case ast.Lambda() if child is parent.body:
                return ""
            case ast.ClassDef():
                return "class"
    return "module"


def repeats(resolved: Resolved) -> bool:
    """Whether the site may run more than once, or later, when its statement runs once."""
    for child, parent in chain(resolved):
        match parent:
            case ast.stmt():
                return False
            case ast.Lambda():
                return True
            case ast.comprehension(iter=first) if child is first:
                continue
            case ast.comprehension():
                return True
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                if child is not parent.generators[0]:
                    return True
    return False


def comes_first(resolved: Resolved, top: ast.AST) -> bool:
    """Whether nothing that could matter runs in `top` before the site, which surely runs."""
    for child, parent in chain(resolved):
        if child is top:
            return True
        before: list[ast.AST] = []
        match parent:
            case ast.BoolOp(values=values) if child is not values[0]:
                return False
            case ast.IfExp(test=test) if child is not test:
                return False
            case ast.Compare(left=left, comparators=others) if child is not left:
                if child is not others[0]:
                    return False
                before = [left]
            case ast.Dict(keys=keys, values=values):
                pairs = [part for pair in zip(keys, values, strict=True) for part in pair if part]
                before = list(pairs[: pairs.index(child)])  # type: ignore[arg-type]
            case ast.expr() | ast.keyword() | ast.comprehension():
                for part in ast.iter_child_nodes(parent):
                    if part is child:
                        break
                    before.append(part)
        if not all(_is_inert(part) for part in before):
            return False
    return False


def _is_inert(node: ast.AST) -> bool:
    """Reading it has no effect and cannot be affected by the call that now runs earlier."""
    match node:
        case ast.Constant() | ast.Name() | ast.expr_context() | ast.operator() | ast.unaryop():
            return True
        case ast.boolop() | ast.cmpop() | ast.Lambda():
            return True
        case ast.Attribute(value=value):
            return _is_inert(value)
        case ast.keyword(value=value) | ast.FormattedValue(value=value):
            return _is_inert(value)
        case ast.JoinedStr(values=values) | ast.Tuple(elts=values) | ast.List(elts=values):
            return all(_is_inert(value) for value in values)
    return False


# ----------------------------------------------------------------------------- LibCST shapes
#
# `edits` puts parentheses around a child that binds too loosely for the parent it stands in.  Only
# nodes that a change builds itself need care here.


def expression(text: str) -> cst.BaseExpression:
    """An expression from its text."""
    return cst.parse_expression(text)


def quote_at(resolved: Resolved, parents: Sequence[ast.AST]) -> str:
    """The quote for a new string below these ancestors: not the one of an f-string around it."""
    for parent in parents:
        if isinstance(parent, ast.JoinedStr):
            line, column, *_ = span(resolved, parent)
            opening = _lines(resolved.source)[line - 1][column:].lstrip("rRfFuUbBtT")
            return "'" if opening.startswith('"') else '"'
        if isinstance(parent, ast.stmt):
            break
    return '"'


def keep_parentheses(old: Any, new: Any) -> Any:
    """`new` inside the parentheses that `old` had."""
    return new.with_changes(lpar=old.lpar, rpar=old.rpar) if old.lpar else new


def bare(node: Any) -> Any:
    """The expression without its own parentheses."""
    return node.with_changes(lpar=[], rpar=[])


def member(value: Any, name: str) -> cst.Attribute:
    """`value.name`."""
    return cst.Attribute(value=bound(value, 15), attr=cst.Name(name))


def negated(value: Any) -> Any:
    """`not value`."""
    new = cst.UnaryOperation(operator=cst.Not(), expression=bound(bare(value), 4))
    return keep_parentheses(value, new)


def keyword(name: str, value: cst.BaseExpression) -> cst.Arg:
    """`name=value` as an argument."""
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Arg(value=value, keyword=cst.Name(name), equal=tight)


def arguments(old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    """The arguments of a call with commas between all and a trailing one only where one was."""
    trailing = old[-1].comma if old else cst.MaybeSentinel.DEFAULT
    spaced = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    found: list[Any] = []
    for index, arg in enumerate(new):
        comma: Any = arg.comma if isinstance(arg.comma, cst.Comma) else spaced
        if index == len(new) - 1:
            comma = trailing
        elif arg.comma is trailing:
            comma = spaced
        found.append(arg.with_changes(comma=comma))
    return found


def retarget(text: str) -> Change:
    """A change that puts a dotted name in the place of an expression."""
    return partial(_retarget, text)


def _retarget(text: str, node: Any) -> Any:
    return keep_parentheses(node, expression(text))


def retarget_call(text: str) -> Change:
    """A change that gives a call another function."""
    return partial(_retarget_call, text)


def _retarget_call(text: str, call: Any) -> Any:
    return call.with_changes(func=_retarget(text, call.func))


def rename_member(name: str) -> Change:
    """A change that gives an attribute, or the method that is called, another name."""
    return partial(_rename_member, name)


def _rename_member(name: str, node: Any) -> Any:
    if isinstance(node, cst.Call):
        return node.with_changes(func=_rename_member(name, node.func))
    return node.with_changes(attr=cst.Name(name))
