"""Facades: the sync name stays beside the coroutine and runs it; later it goes, and the coroutine
gets the plain name.

    async def fetch_async(url, timeout=5):
        ...

    def fetch(url, timeout=5):
        \"\"\"`fetch_async`, for callers that are not async.\"\"\"
        return run_sync(fetch_async(url, timeout))

A facade is written below its coroutine and taken out again as whole lines, so that what stands
between is untouched and the two undo each other exactly.  This runs on the text with all edits.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from asyncshift.document import Document, body_of
from asyncshift.model import Action, Decision, Refusal
from asyncshift.rewrite.context import Context, FunctionNode
from asyncshift.rewrite.regions import indent_unit
from asyncshift.rewrite.tree import Tree

_RUNNERS = {"generator": "iter_sync", "contextmanager": "enter_sync"}
_KEPT = frozenset({"staticmethod", "classmethod", "typing.final", "typing.override"}) | {
    "typing_extensions.override"
}
"""Decorators that stand on the facade as well."""
_CHANGING = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"}
    | {"reverse", "setdefault", "sort", "update"}
)
"""Methods that change a default for the next call."""


@dataclass(frozen=True, slots=True)
class _Facade:
    """What is written for one function: its lines, and the name of its coroutine (empty: same)."""

    key: tuple[str, int]
    coroutine: str
    lines: tuple[str, ...]


def refusals(ctx: Context) -> Iterator[Refusal]:
    """The facades that cannot be written faithfully."""
    for decision in _split(ctx):
        node = ctx.tree.find_function(decision.span)
        assert node is not None, decision
        for default in _shared_defaults(node):
            yield ctx.refuse(
                default,
                "facade-default",
                f"the default of {node.name} would be made twice, for the coroutine and its facade",
                "give the default a name at module level, or use None",
            )


def write_facades(document: Document, ctx: Context) -> None:
    """Give every split function its facade, and take out those that are dropped."""
    keys = {node: key for key, node in _functions(ctx.tree).items()}
    facades = [_facade(ctx, decision, keys) for decision in _split(ctx)]
    dropped = [
        keys[node]
        for decision in ctx.decisions
        if decision.action is Action.DROP_FACADE
        if (node := ctx.tree.find_function(decision.span)) is not None
    ]
    if not facades and not dropped:
        return
    tree = Tree(document.text)
    now = _functions(tree, _new_names(ctx, keys))
    changes = [(now[facade.key], facade) for facade in facades]
    gone: list[tuple[FunctionNode, _Facade | None]] = [(now[key], None) for key in dropped]
    for node, facade in sorted([*changes, *gone], key=lambda c: -c[0].lineno):
        if facade is None:
            _take_out(document, tree, node)
        else:
            _put_below(document, tree, node, facade)


def _split(ctx: Context) -> list[Decision]:
    return [
        d for d in ctx.decisions if d.action is Action.MAKE_ASYNC and d.detail.get("facade", "")
    ]


def _functions(
    tree: Tree, renamed: Mapping[tuple[str, int], str] | None = None
) -> dict[tuple[str, int], FunctionNode]:
    """Functions by their qualified name in the old text and which of that name they are."""
    found: dict[tuple[str, int], FunctionNode] = {}
    counts: dict[str, int] = defaultdict(int)
    old_names = {(new, number): name for (name, number), new in (renamed or {}).items()}
    nodes = [n for n in ast.walk(tree.module) if isinstance(n, FunctionNode)]
    for node in sorted(nodes, key=lambda n: (n.lineno, n.col_offset)):
        name = _qualified(tree, node)
        counts[name] += 1
        key = (name, counts[name])
        found[old_names.get(key, name), key[1]] = node
    return found


def _new_names(
    ctx: Context, keys: Mapping[FunctionNode, tuple[str, int]]
) -> dict[tuple[str, int], str]:
    """Functions whose `def` has another name by now: dunders, and coroutines that got the plain
    name (and are then the first of that name, before the facade that goes)."""
    found: dict[tuple[str, int], str] = {}
    for decision in ctx.decisions:
        name = decision.detail.get("rename") if decision.action is Action.MAKE_ASYNC else None
        if decision.action is Action.RENAME:
            name = decision.detail["to"]
        node = ctx.tree.find_function(decision.span) if name else None
        if node is not None and name:
            scope = keys[node][0].rpartition(".")[0]
            found[keys[node]] = f"{scope}.{name}" if scope else name
    return found


def _qualified(tree: Tree, node: FunctionNode) -> str:
    names = [node.name]
    for parent in tree.ancestors(node):
        if isinstance(parent, (FunctionNode, ast.ClassDef)):
            names.append(parent.name)
    return ".".join(reversed(names))


# ----------------------------------------------------------------------------- one facade


def _facade(
    ctx: Context, decision: Decision, keys: Mapping[FunctionNode, tuple[str, int]]
) -> _Facade:
    node = ctx.tree.find_function(decision.span)
    assert node is not None, decision
    span = ctx.tree.span(node)
    kept_beside = decision.detail["facade"] == "keep"
    name = decision.detail["rename"] if kept_beside else decision.detail["facade"]
    runner = _RUNNERS.get(decision.detail.get("kind", ""), "run_sync")
    function = ctx.names.dotted(f"{ctx.bridge}.{runner}", span)
    indent = " " * 0 + body_of(ctx.tree.lines[node.lineno - 1])[: node.col_offset]
    inner = indent + indent_unit(ctx.tree)
    lines = [f"{indent}@{ctx.tree.source(d)}" for d in node.decorator_list if _stays(ctx, d)]
    lines += _header(ctx, node, runner, indent)
    if not kept_beside:
        lines.append(f'{inner}"""`{name}`, for callers that are not async."""')
    call = f"{_receiver(ctx, node)}{name}({_arguments(node, ctx, bound=_is_bound(ctx, node))})"
    lines.append(f"{inner}return {function}({call})")
    return _Facade(keys[node], "" if kept_beside else name, tuple(lines))


def _header(ctx: Context, node: FunctionNode, runner: str, indent: str) -> list[str]:
    """The `def` as it is written, up to its colon; a context manager's says what it gives."""
    first = ctx.tree.span(node)[:2]
    child = node.body[0]
    last = (child.lineno, ctx.tree.span(child)[1])
    if isinstance(child, (FunctionNode, ast.ClassDef)) and child.decorator_list:
        last = (child.decorator_list[0].lineno, 0)
    end = last if node.returns is None else ctx.tree.span(node.returns)[2:]
    rows = [body_of(line) for line in ctx.tree.lines[first[0] - 1 : last[0]]]
    start = ctx.tree.span(node.returns)[:2] if node.returns is not None else end
    before = _cut(rows, first, start)
    annotation = _annotation(ctx, node, runner)
    if annotation is not None:
        text = before + annotation
    else:
        text = _cut(rows, first, end)
    if node.returns is None:
        text = text[: _colon(text)]
    return [
        indent + line if not n else line for n, line in enumerate(f"{text.rstrip()}:".split("\n"))
    ]


def _cut(rows: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """The text between two places; `rows` begins with the line of `start`."""
    lines = rows[: end[0] - start[0] + 1]
    lines[-1] = lines[-1][: end[1]]
    lines[0] = lines[0][start[1] :]
    return "\n".join(lines)


def _colon(text: str) -> int:
    """Where the header ends: the colon at depth 0, outside of strings and comments."""
    depth, quote, index = 0, "", 0
    while index < len(text):
        char = text[index]
        if quote:
            if char == "\\":
                index += 1
            elif text.startswith(quote, index):
                index += len(quote) - 1
                quote = ""
        elif char == "#":
            index = text.find("\n", index)
            if index < 0:
                break
        elif char in "\"'":
            quote = char * 3 if text.startswith(char * 3, index) else char
            index += len(quote) - 1
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == ":" and not depth:
            return index
        index += 1
    return len(text)


def _annotation(ctx: Context, node: FunctionNode, runner: str) -> str | None:
    """`Iterator[X]` of a context manager's generator is what it yields; the facade gives the
    manager itself."""
    if runner != "enter_sync" or not isinstance(node.returns, ast.Subscript):
        return None
    given = node.returns.slice
    item = given.elts[0] if isinstance(given, ast.Tuple) else given
    manager = ctx.names.dotted("contextlib.AbstractContextManager", ctx.tree.span(node))
    return f"{manager}[{ctx.tree.source(item)}]"


def _stays(ctx: Context, decorator: ast.expr) -> bool:
    full = ctx.names.resolve(decorator) or ctx.tree.source(decorator)
    return full.removeprefix("builtins.") in _KEPT


def _is_bound(ctx: Context, node: FunctionNode) -> bool:
    """Whether its first parameter is `self` or `cls`."""
    in_class = isinstance(ctx.tree.parents[node], ast.ClassDef)
    return in_class and not any(_named(d, "staticmethod") for d in node.decorator_list)


def _named(decorator: ast.expr, name: str) -> bool:
    return isinstance(decorator, ast.Name) and decorator.id == name


def _receiver(ctx: Context, node: FunctionNode) -> str:
    parent = ctx.tree.parents[node]
    if not isinstance(parent, ast.ClassDef):
        return ""
    if not _is_bound(ctx, node):
        return f"{parent.name}."
    first = [*node.args.posonlyargs, *node.args.args]
    return f"{first[0].arg}." if first else "self."


def _arguments(node: FunctionNode, ctx: Context, *, bound: bool) -> str:
    """Every parameter, passed on in its own way."""
    args = node.args
    names = [a.arg for a in (*args.posonlyargs, *args.args)][1 if bound else 0 :]
    passed = list(names)
    if args.vararg:
        passed.append(f"*{args.vararg.arg}")
    passed += [f"{a.arg}={a.arg}" for a in args.kwonlyargs]
    if args.kwarg:
        passed.append(f"**{args.kwarg.arg}")
    return ", ".join(passed)


def _shared_defaults(node: FunctionNode) -> Iterator[ast.expr]:
    """Defaults that the coroutine and its facade cannot both have: computed ones, and containers
    that the function changes."""
    args = node.args
    named = [*args.posonlyargs, *args.args]
    pairs = list(zip(named[len(named) - len(args.defaults) :], args.defaults, strict=True))
    pairs += [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d]
    for parameter, default in pairs:
        if isinstance(default, (ast.List, ast.Dict, ast.Set)):
            if _is_changed(node, parameter.arg) or not _is_constant(default):
                yield default
        elif not _is_constant(default):
            yield default


def _is_constant(node: ast.expr) -> bool:
    """Equal and harmless however often it is evaluated."""
    match node:
        case ast.Constant() | ast.Name():
            return True
        case ast.Attribute(value=value) | ast.UnaryOp(operand=value):
            return _is_constant(value)
        case ast.BinOp(left=left, right=right):
            return _is_constant(left) and _is_constant(right)
        case ast.Tuple(elts=elts) | ast.List(elts=elts) | ast.Set(elts=elts):
            return all(map(_is_constant, elts))
        case ast.Dict(keys=keys, values=values):
            return all(map(_is_constant, [*(k for k in keys if k), *values]))
    return False


def _is_changed(node: FunctionNode, name: str) -> bool:
    for inner in ast.walk(node):
        match inner:
            case ast.Subscript(value=ast.Name(id=used), ctx=ast.Store() | ast.Del()):
                changed = used == name
            case ast.AugAssign(target=ast.Name(id=used)):
                changed = used == name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=used), attr=attr)):
                changed = used == name and attr in _CHANGING
            case _:
                changed = False
        if changed:
            return True
    return False


# ----------------------------------------------------------------------------- lines


def _put_below(document: Document, tree: Tree, node: FunctionNode, facade: _Facade) -> None:
    """The coroutine under its own name, and the facade below it."""
    end = _end(tree, node)
    gap = 1 if not isinstance(tree.parents[node], ast.Module) else 2
    document.splice(end, end, [*[""] * gap, *facade.lines])
    if facade.coroutine:
        index = node.lineno - 1
        line = body_of(document.lines[index])
        head, _, tail = line.partition(f"def {node.name}")
        if not _:
            head, tail = _spaced(line, node.name)
        document.splice(index, index + 1, [f"{head}def {facade.coroutine}{tail}"])


def _spaced(line: str, name: str) -> tuple[str, str]:
    """A header with other white space than one blank: `async  def   fetch`."""
    before, _, after = line.partition(name)
    return before.rstrip().removesuffix("def"), after


def _end(tree: Tree, node: FunctionNode) -> int:
    """The line behind a function (from 0): its last comment lines belong to it."""
    end = node.end_lineno or node.lineno
    own = end
    for number in range(end, len(tree.lines)):
        line = body_of(tree.lines[number])
        if line.strip() and not (
            line.lstrip().startswith("#") and len(line) - len(line.lstrip()) > node.col_offset
        ):
            break
        if line.strip():
            own = number + 1
    return own


def _take_out(document: Document, tree: Tree, node: FunctionNode) -> None:
    """A facade's lines with the blank ones above it."""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
    while first > 0 and not body_of(tree.lines[first - 1]).strip():
        first -= 1
    document.splice(first, node.end_lineno or node.lineno, [])
