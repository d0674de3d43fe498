"""Facades: the sync name stays beside the coroutine, and goes when nobody calls it any more.

    async def fetch_async(url, timeout=5):
        ...

    def fetch(url, timeout=5):
        return run_sync(fetch_async(url, timeout))

A facade is whole lines below the coroutine and nothing else, so that taking it away again leaves
what was there before.  Both steps come after all edits, on the new text.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.document import Document, body_of
from asyncshift.edits import Applied, apply_edits
from asyncshift.layout import lay_out
from asyncshift.model import Action, Decision
from asyncshift.rewrite.context import (
    AWAIT_ORDER,
    Added,
    Context,
    Dropped,
    FunctionNode,
    Step,
    kind_of,
)
from asyncshift.rewrite.regions import indent_unit
from asyncshift.rewrite.tree import Tree

_HELPERS = {"function": "run_sync", "generator": "iter_sync", "contextmanager": "enter_sync"}
_UNWRAPPED = {
    "staticmethod": ".__func__",
    "classmethod": ".__func__",
    "contextlib.contextmanager": ".__wrapped__",
    "contextlib.asynccontextmanager": ".__wrapped__",
    "typing.final": "",
    "typing.override": "",
    "typing_extensions.final": "",
    "typing_extensions.override": "",
    "abc.abstractmethod": "",
}
"""Decorators whose result leads back to the function, and how."""
_KEPT = frozenset(_UNWRAPPED) - {
    "contextlib.contextmanager",
    "contextlib.asynccontextmanager",
    "abc.abstractmethod",
}
"""Decorators that a facade has as well; all others belong to the coroutine."""
_FOR_TOOLS = re.compile(r"#\s*(noqa|type:|pragma|pylint|mypy|pyright|ruff|nosec|fmt)")
_YIELDING = frozenset({"Iterator", "Iterable", "Generator"})
_TYPE_MODULES = frozenset({"typing", "typing_extensions", "collections.abc"})


# ----------------------------------------------------------------------------- what it says


def facade_of(ctx: Context, decision: Decision, node: FunctionNode) -> Step:
    """The facade of a function that becomes a coroutine of another name."""
    name, sync = _coroutine(decision, node), node.name
    cls = ctx.tree.scope(node)
    call = _called(ctx, node, name, cls if isinstance(cls, ast.ClassDef) else None)
    if call is None:
        return ctx.refuse(
            node,
            "facade-call",
            f"a parameter of {sync} hides what {name} is called by, or there is no `self`",
            "rename the parameter, or give the method a plain first parameter",
        )
    kind = decision.detail.get("kind", "function")
    changes: list[Edit] = []
    for at, default in enumerate(_defaults(node)):
        if default is None or is_plain(default):
            continue
        shared = _shared(ctx, node, name, at)
        if shared is None:
            return ctx.refuse(
                default,
                "facade-default",
                f"{sync} and {name} must share this default, and a decorator hides it",
                "assign the default to a name above the function",
            )
        changes.append(_replaced(ctx, default, shared))
    if kind == "contextmanager":
        changes += _entered(ctx, node)
    inner = _indent(ctx.tree.lines[node.lineno - 1]) + indent_unit(ctx.tree)
    helper = ctx.names.dotted(f"{ctx.bridge}.{_HELPERS[kind]}", ctx.tree.span(node.body[0]))
    body = (
        f'{inner}"""`{name}`, for callers that are not async."""',
        *_laid_out(ctx, [f"{inner}pass"], [f"{inner}return {helper}({call})"]),
    )
    return Added(node, tuple(_decorators(ctx, node)), tuple(changes), body)


def _coroutine(decision: Decision, node: FunctionNode) -> str:
    name = decision.detail["facade"]
    return decision.detail.get("rename", node.name) if name == "keep" else name


def _called(ctx: Context, node: FunctionNode, name: str, cls: ast.ClassDef | None) -> str | None:
    """The call that hands every parameter on, each in its own way."""
    parameters = node.args
    positional = [a.arg for a in (*parameters.posonlyargs, *parameters.args)]
    named = [a.arg for a in parameters.kwonlyargs]
    stars = [a.arg for a in (parameters.vararg, parameters.kwarg) if a is not None]
    if cls is None:
        receiver = name
    elif _is_static(ctx, node):
        receiver = f"{_dotted_class(ctx, cls)}.{name}"
    elif positional:
        receiver = f"{positional.pop(0)}.{name}"
    else:
        return None
    if receiver.partition(".")[0] in {*positional, *named, *stars}:
        return None
    args = [*positional]
    args += [f"*{parameters.vararg.arg}"] if parameters.vararg else []
    args += [f"{one}={one}" for one in named]
    args += [f"**{parameters.kwarg.arg}"] if parameters.kwarg else []
    return f"{receiver}({', '.join(args)})"


def _is_static(ctx: Context, node: FunctionNode) -> bool:
    return any(_decorator(ctx, d) == "staticmethod" for d in node.decorator_list)


def _dotted_class(ctx: Context, cls: ast.ClassDef) -> str:
    """How a class is reached from inside its methods: `Outer.Inner`."""
    outer = ctx.tree.scope(cls)
    return (
        f"{_dotted_class(ctx, outer)}.{cls.name}" if isinstance(outer, ast.ClassDef) else cls.name
    )


def _decorator(ctx: Context, node: ast.expr) -> str:
    """The full name of a decorator; a builtin's bare name."""
    if isinstance(node, ast.Name) and not ctx.names.meanings(node.id, node):
        return node.id
    return ctx.names.resolve(node) or ""


def _decorators(ctx: Context, node: FunctionNode) -> Iterator[str]:
    indent = _indent(ctx.tree.lines[node.lineno - 1])
    for decorator in node.decorator_list:
        if _decorator(ctx, decorator) in _KEPT:
            yield f"{indent}@{ctx.tree.source(decorator)}"


# ----------------------------------------------------------------------------- defaults


def _defaults(node: FunctionNode) -> list[ast.expr | None]:
    """Positional defaults, then those of keyword-only parameters."""
    return [*node.args.defaults, *node.args.kw_defaults]


def is_plain(default: ast.expr) -> bool:
    """Whether it may be written twice: evaluated twice, it gives the same object or an equal one
    that nobody can change."""
    match default:
        case ast.Constant() | ast.Name():
            return True
        case ast.UnaryOp(operand=operand):
            return is_plain(operand)
        case ast.Attribute(value=value):
            return is_plain(value)
        case ast.Tuple(elts=elements):
            return all(map(is_plain, elements))
        case ast.BinOp(left=left, right=right):
            return all(
                isinstance(n, (ast.Constant, ast.BinOp)) and is_plain(n) for n in (left, right)
            )
    return False


def _shared(ctx: Context, node: FunctionNode, name: str, at: int) -> str | None:
    """Where the coroutine keeps a default, so that both have one and the same object."""
    path = name
    for decorator in node.decorator_list:
        way = _UNWRAPPED.get(_decorator(ctx, decorator))
        if way is None:
            return None
        path += way
    count = len(node.args.defaults)
    if at < count:
        return f"{path}.__defaults__[{at}]"
    quote = "'" if ctx.style.quotes == "single" else '"'
    return f"{path}.__kwdefaults__[{quote}{node.args.kwonlyargs[at - count].arg}{quote}]"


def _entered(ctx: Context, node: FunctionNode) -> Iterator[Edit]:
    """A facade of a context manager is no generator: `Iterator[T]` says what entering gives."""
    match node.returns:
        case ast.Subscript(value=base):
            module, _, name = (ctx.names.resolve(base) or "").rpartition(".")
            if module in _TYPE_MODULES and name in _YIELDING:
                manager = ctx.text("contextlib.AbstractContextManager", node.returns)
                change = partial(_manager, name=manager)
                yield Edit("Subscript", ctx.tree.span(node.returns), change, AWAIT_ORDER)


def _manager(node: cst.Subscript, name: cst.BaseExpression) -> cst.Subscript:
    first = node.slice[0].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return node.with_changes(value=name, slice=[first])


def _replaced(ctx: Context, node: ast.expr, text: str) -> Edit:
    new = cst.parse_expression(text)
    return Edit(kind_of(node), ctx.tree.span(node), lambda _: new, AWAIT_ORDER)


# ----------------------------------------------------------------------------- its header


def _header(ctx: Context, step: Added, edits: Sequence[Edit]) -> list[str]:
    """The sync function's own header as it is laid out there, with the edits of its annotations
    and defaults."""
    node = step.node
    rows, rest = _header_rows(ctx.tree, node)
    indent, unit = _indent(rows[0]), indent_unit(ctx.tree)
    first, last = node.lineno, node.lineno + len(rows) - 1
    end = (last, len(rows[-1]))
    inside = [
        replace(
            edit,
            span=(
                edit.span[0] - first + 3,
                *edit.span[1:2],
                edit.span[2] - first + 3,
                edit.span[3],
            ),
        )
        for edit in (*edits, *step.changes)
        if (first, 0) <= edit.span[:2] and edit.span[2:] <= end
    ]
    new = rows
    if inside:
        before = ["if 1:", f"{indent or unit}pass"]
        old = [*before, *rows, f"{indent}{unit}pass"]
        result = apply_edits("\n".join(old) + "\n", inside)
        assert isinstance(result, Applied), result
        new = _laid_out(ctx, [*rows, f"{indent}{unit}pass"], result.code.split("\n")[2:-2], 1)
    if (comment := _FOR_TOOLS.search(rest)) is not None:
        return [*new[:-1], f"{new[-1]}  {rest[comment.start() :].rstrip()}"]
    return new


def _header_rows(tree: Tree, node: FunctionNode) -> tuple[list[str], str]:
    """The lines from `def` to the colon, and what follows on the colon's line."""
    start = node.lineno - 1
    rows = [body_of(line) for line in tree.lines[start : node.end_lineno]]
    rows[0] = rows[0].rpartition("\f")[2]
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO("\n".join([*rows, ""])).readline):
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
            if token.string == ":" and not depth:
                row, column = token.end
                return [*rows[: row - 1], rows[row - 1][:column]], rows[row - 1][column:]
    raise AssertionError(f"no colon after the head of {node.name}")


def _laid_out(ctx: Context, old: list[str], new: list[str], after: int = 0) -> list[str]:
    """New lines in the place of old ones but the last `after`, broken where they are too long."""
    unit = indent_unit(ctx.tree)
    outer = ["if 1:"] if _indent(old[0]) else []
    document = Document("\n".join([*outer, *old]) + "\n")
    document.splice(len(outer), len(outer) + len(old) - after, new)
    lay_out(document, ctx.style, unit=unit)
    lines = [body_of(line) for line in document.lines]
    return lines[len(outer) : len(lines) - after]


def _indent(row: str) -> str:
    row = row.rpartition("\f")[2]
    return row[: len(row) - len(row.lstrip())]


# ----------------------------------------------------------------------------- in and out


def passed_on(ctx: Context) -> set[str]:
    """Names that only stand for parameters of facades that go: nothing imported was used there."""
    spans = [d.span for d in ctx.decisions if d.action is Action.DROP_FACADE]
    dropped = [node for span in spans if (node := ctx.tree.find_function(span)) is not None]
    found: set[str] = set()
    inside: set[ast.AST] = set()
    for node in dropped:
        found |= {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}
        inside.update(inner for statement in node.body for inner in ast.walk(statement))
    names = (n for n in ctx.tree.parents if isinstance(n, ast.Name) and n not in inside)
    return found - {name.id for name in names if not isinstance(name.ctx, ast.Store)}


def drop_facade(ctx: Context, decision: Decision) -> Iterator[Step]:
    """DROP_FACADE: the facade's definition."""
    node = ctx.tree.find_function(decision.span)
    assert node is not None, decision
    yield Dropped(node)


def settle_facades(
    document: Document, ctx: Context, steps: Sequence[Added | Dropped], edits: Sequence[Edit]
) -> None:
    """Put facades below their coroutines and take others away, in the text after all edits.

    `edits` are those of the file's codemods: what a header's annotations become, they become in
    the facade as well.
    """
    if not steps:
        return
    tree = Tree(document.text)
    found = (
        ctx.tree.find_function(d.span) for d in ctx.decisions if d.action is Action.SPLIT_ENTRY
    )
    split = frozenset(node for node in found if node is not None)
    pairs = zip(_in_order(ctx.tree, split), _in_order(tree, frozenset()), strict=True)
    now = {old: new for (old, _), (_, new) in pairs}
    placed = [(now[step.node], step) for step in steps]
    for node, step in sorted(placed, key=lambda pair: pair[0].lineno, reverse=True):
        if isinstance(step, Added):
            lines = [*step.decorators, *_header(ctx, step, edits), *step.body]
            _insert(document, node, lines)
        else:
            _remove(document, tree, node)


def restore_headers(document: Document, ctx: Context) -> None:
    """A coroutine that takes its facade's name takes its facade's layout as well.

    The longer name may have broken a header that the plain one does not.  Only where the header is
    what the step that wrote the facade made of it.
    """
    old = [d for d in ctx.decisions if d.action is Action.RENAME]
    gone = [d for d in ctx.decisions if d.action is Action.DROP_FACADE]
    for rename in old:
        coroutine = ctx.tree.find_function(rename.span)
        for drop in gone:
            facade = ctx.tree.find_function(drop.span)
            assert coroutine is not None, rename
            assert facade is not None, drop
            same_block = ctx.tree.parents[coroutine] is ctx.tree.parents[facade]
            if same_block and facade.name == rename.detail["to"]:
                _restore(document, ctx, coroutine, facade)


def _restore(
    document: Document, ctx: Context, coroutine: FunctionNode, facade: FunctionNode
) -> None:
    rows, _ = _header_rows(ctx.tree, coroutine)
    sync, _ = _header_rows(ctx.tree, facade)
    if len(rows) == len(sync):
        return
    body = f"{_indent(sync[0])}{indent_unit(ctx.tree)}pass"
    before, after = (
        _laid_out(ctx, [*sync, body], _as_coroutine(ctx.tree, sync, facade, coroutine, name), 1)
        for name in (coroutine.name, facade.name)
    )
    if before != rows:
        return
    tree = Tree(document.text)
    for node in ast.walk(tree.module):
        if isinstance(node, ast.AsyncFunctionDef) and node.name == facade.name:
            now, rest = _header_rows(tree, node)
            if _words(now) == _words(after):
                start = node.lineno - 1
                new = [*after[:-1], after[-1] + rest]
                document.splice(start, start + len(now), new)
                return


def _as_coroutine(
    tree: Tree, sync: list[str], facade: FunctionNode, coroutine: FunctionNode, name: str
) -> list[str]:
    """The facade's header as that of a coroutine, with what the coroutine says."""
    old, new = ([*_defaults(node), node.returns] for node in (facade, coroutine))
    rows = list(sync)
    for one, other in zip(reversed(old), reversed(new), strict=True):
        if one is None or other is None or ast.dump(one) == ast.dump(other):
            continue
        line, column, end_line, end = tree.span(one)
        first, last = line - facade.lineno, end_line - facade.lineno
        text = rows[first][:column] + ast.unparse(other) + rows[last][end:]
        rows[first : last + 1] = [text]
    first_row = re.sub(r"def(\s+)\w+", rf"async def\g<1>{name}", rows[0], count=1)
    return [first_row, *rows[1:]]


def _words(rows: Sequence[str]) -> str:
    """What a header says, however it is laid out."""
    return re.sub(r"\s|,(?=\s*[)\]])", "", "\n".join(rows))


def _in_order(
    tree: Tree, split: frozenset[ast.AST]
) -> list[tuple[FunctionNode | None, FunctionNode]]:
    """All functions by their place; for a split one first its coroutine, which has no old node,
    and below its inner functions what is left of it."""
    found: list[tuple[int, int, FunctionNode | None, FunctionNode]] = []
    for node in ast.walk(tree.module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if node in split:
                found.append((node.lineno, 0, None, node))
                found.append((node.end_lineno or node.lineno, 1, node, node))
            else:
                found.append((node.lineno, 0, node, node))
    return [(old, node) for _, _, old, node in sorted(found, key=lambda one: one[:2])]


def _insert(document: Document, node: FunctionNode, lines: Sequence[str]) -> None:
    end = _end(document, node)
    gap = [""] if _indent(document.lines[node.lineno - 1]) else ["", ""]
    last = body_of(document.lines[end - 1])
    document.splice(end - 1, end, [last, *gap, *lines])


def _end(document: Document, node: FunctionNode) -> int:
    """The line after a function (from 0), and after comments that are indented like its body."""
    end = node.end_lineno or node.lineno
    indent = len(_indent(document.lines[node.lineno - 1]))
    for at in range(end, len(document.lines)):
        row = document.lines[at]
        if not row.strip():
            continue
        if not row.lstrip().startswith("#") or len(_indent(row)) <= indent:
            break
        end = at + 1
    return end


def _remove(document: Document, tree: Tree, node: FunctionNode) -> None:
    """The definition with what stands directly above it and the blank lines before that."""
    start = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
    end = node.end_lineno or node.lineno
    lines = document.lines
    indent = _indent(lines[start])
    block = _block(tree, node)
    if len(block) == 1:
        document.splice(start, end, [f"{indent}pass"])
        return
    while start and lines[start - 1].startswith(f"{indent}#"):
        start -= 1
    above = start
    while above and not lines[above - 1].strip():
        above -= 1
    if above == start:
        while end < len(lines) and not lines[end].strip():
            end += 1
    document.splice(above, end, [])


def _block(tree: Tree, node: FunctionNode) -> list[ast.stmt]:
    parent = tree.parents[node]
    blocks = (getattr(parent, name, []) for name in ("body", "orelse", "finalbody"))
    return next(block for block in blocks if node in block)
