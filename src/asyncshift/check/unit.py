"""One parsed file for the await check: where its functions stand, what its names mean."""

from __future__ import annotations

import ast
import builtins
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from asyncshift.check.outside import ASKING, ASYNC_CLASSES, COROUTINE_FUNCTIONS
from asyncshift.facts import Places
from asyncshift.handed import in_place
from asyncshift.model import FunctionId, Protocol, Site, SourceFile, Span

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.Module
_BUILTINS = frozenset(dir(builtins))
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(slots=True)
class Unit:
    """A file, its tree, and the sites of the graph by their place."""

    path: str
    places: Places
    tree: ast.Module
    calls: dict[Span, list[Site]] = field(default_factory=lambda: defaultdict(list))
    attributes: dict[Span, list[Site]] = field(default_factory=lambda: defaultdict(list))
    values: dict[Span, list[Site]] = field(default_factory=lambda: defaultdict(list))
    definitions: dict[FunctionId, Definition] = field(default_factory=dict)
    outer: dict[FunctionId, FunctionId] = field(default_factory=dict)
    """Function -> the function, class or module around it."""
    imports: dict[str, str] = field(default_factory=dict)
    readers: dict[str, set[FunctionId]] = field(default_factory=lambda: defaultdict(set))
    """`.attr` or a bare name -> functions that read it."""
    outside_calls: list[tuple[FunctionId, str]] = field(default_factory=list)
    """Calls that are not awaited at once, by the name as written."""
    writers: dict[str, set[FunctionId]] = field(default_factory=lambda: defaultdict(set))

    def span(self, node: ast.AST) -> Span:
        return self.places.span(node)

    def text(self, node: ast.AST) -> str:
        return self.places.label(self.span(node))


def parse(file: SourceFile, sites: Iterable[Site]) -> Unit:
    """Parse one file of the project; it parsed before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(file.text)
    unit = Unit(file.path, Places(file.text), tree)
    for site in sites:
        match site.protocol:
            case Protocol.CALL:
                unit.calls[site.span].append(site)
            case Protocol.ATTRIBUTE:
                unit.attributes[site.span].append(site)
            case Protocol.VALUE:
                unit.values[site.span].append(site)
    _index(unit)
    return unit


_SKIPPED = frozenset({"ctx", "op", "ops", "type_comment", "kind", "annotation", "type_params"})
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}


def children(node: ast.AST) -> list[ast.AST]:
    """The child nodes; a lot faster than `ast.iter_child_nodes`."""
    cls = type(node)
    fields = _FIELDS.get(cls)
    if fields is None:
        fields = _FIELDS[cls] = tuple(name for name in cls._fields if name not in _SKIPPED)
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif value.__class__ is list:
            found += [part for part in value if isinstance(part, ast.AST)]
    return found


def _index(unit: Unit) -> None:
    top = f"{unit.path}:0"
    unit.definitions[top] = unit.tree
    todo: list[tuple[ast.AST, FunctionId]] = [(unit.tree, top)]
    while todo:
        node, owner = todo.pop()
        for child in children(node):
            inside = owner
            match child:
                case ast.Lambda() if in_place(node) is child:
                    pass
                case ast.Lambda():
                    line, column = unit.span(child)[:2]
                    inside = f"{unit.path}:{line}:{column}"
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    inside = f"{unit.path}:{child.lineno}"
                case ast.Import(names=names):
                    for alias in names:
                        bound = alias.asname or alias.name.partition(".")[0]
                        unit.imports[bound] = alias.name if alias.asname else bound
                case ast.ImportFrom(module=str() as module, names=names, level=0):
                    for alias in names:
                        unit.imports[alias.asname or alias.name] = f"{module}.{alias.name}"
                case ast.Call(func=func) if not isinstance(node, ast.Await):
                    unit.outside_calls.append((owner, dotted(func)))
                case ast.Attribute(attr=attr, ctx=ast.Load()):
                    unit.readers[f".{attr}"].add(owner)
                case ast.Name(id=name, ctx=ast.Load()):
                    unit.readers[name].add(owner)
                case ast.Attribute(attr=attr, ctx=ast.Store()):
                    unit.writers[f".{attr}"].add(owner)
                case ast.Name(id=name, ctx=ast.Store()):
                    unit.writers[name].add(owner)
            if inside is not owner and isinstance(child, _SCOPES):
                unit.definitions[inside] = child
                unit.outer[inside] = owner
            todo.append((child, inside))


def coroutine_calls(unit: Unit) -> Iterator[FunctionId]:
    """Functions that call `asyncio.sleep` and the like without an `await`."""
    for owner, name in unit.outside_calls:
        head, dot, tail = name.partition(".")
        if unit.imports.get(head, "?") + dot + tail in COROUTINE_FUNCTIONS:
            yield owner


# ----------------------------------------------------------------------------- one scope


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of one function."""

    bound: frozenset[str]
    """Parameters and what is assigned, imports left out."""
    captured: frozenset[str]
    """Bound here, and read in a function, lambda or class inside."""
    shared: frozenset[str]
    """Declared `global` or `nonlocal`."""
    asked: frozenset[str]
    """Names that the code asks about at run time: `inspect.isawaitable(x)`."""
    asks: bool


def scope_of(node: Definition) -> Scope:
    """The names of a function's own body, without those of the functions inside."""
    bound: set[str] = set()
    inner: set[str] = set()
    shared: set[str] = set()
    asked: set[str] = set()
    narrowed: set[str] = set()
    awaited: set[str] = set()
    asks = False
    for child in own_nodes(node):
        match child:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                bound.add(name)
            case ast.arg(arg=name):
                bound.add(name)
            case ast.ExceptHandler(name=str() as name):
                bound.add(name)
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                bound.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                shared.update(names)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound.add(name)
                inner |= _read_inside(child)
            case ast.ClassDef(name=name):
                bound.add(name)
                inner |= _read_inside(child)
            case ast.Lambda():
                inner |= _read_inside(child)
            case ast.Await(value=value):
                awaited.add(_root(value))
            case ast.Call():
                if _last(child.func) == "isinstance" and child.args:
                    narrowed.update(_names(child.args[0]))
                names = list(_asked(child))
                asks = asks or bool(names)
                asked.update(names)
            case ast.Attribute(attr=attr) if ASKING.search(attr):
                asks = True
            case ast.Name(id=name, ctx=ast.Load()) if ASKING.search(name):
                asks = True
    return Scope(
        frozenset(bound - shared),
        frozenset(bound & inner),
        frozenset(shared),
        # `if isinstance(x, Async): await x.close()`, `else: x.close()`
        frozenset(asked | (narrowed & awaited)),
        asks or bool(narrowed & awaited),
    )


def own_nodes(node: Definition) -> Iterator[ast.AST]:
    """All nodes of a body; functions inside are given, but not entered."""
    todo: list[ast.AST] = []
    match node:
        case ast.Lambda(args=arguments, body=body):
            todo = [arguments, body]
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            todo = [node.args, *node.body]
        case ast.ClassDef() | ast.Module():
            todo = [*node.body]
    while todo:
        child = todo.pop()
        yield child
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            todo.extend([*child.decorator_list, *child.args.defaults])
        elif isinstance(child, ast.ClassDef):
            todo.extend([*child.decorator_list, *child.bases])
        elif not isinstance(child, ast.Lambda):
            todo.extend(children(child))


def _read_inside(node: ast.AST) -> set[str]:
    found: set[str] = set()
    todo = [node]
    while todo:
        child = todo.pop()
        if isinstance(child, ast.Name):
            if isinstance(child.ctx, ast.Load):
                found.add(child.id)
        else:
            todo += children(child)
    return found


def _asked(call: ast.Call) -> Iterator[str]:
    """The names that a call asks about, if it is a question whether something is async."""
    last = _last(call.func)
    names = [name for argument in call.args for name in _names(argument)]
    if ASKING.search(last):
        yield from names or ("",)
    elif last == "isinstance" and len(call.args) == 2:
        kinds = call.args[1]
        for kind in kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]:
            if ASYNC_CLASSES.search(dotted(kind)):
                yield from _names(call.args[0])
    elif last == "hasattr":
        match call.args:
            case [held, ast.Constant(value="__await__" | "__aiter__" | "__aenter__")]:
                yield from _names(held)


def _names(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            yield child.id


def _root(node: ast.expr) -> str:
    """The name that a chain of calls and attributes starts with."""
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
    return ""


def dotted(node: ast.expr) -> str:
    """`a.b.c` as written; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=attr):
            head = dotted(inner)
            return f"{head}.{attr}" if head else ""
    return ""


def outside_name(unit: Unit, scopes: Sequence[Scope], node: ast.expr) -> str:
    """The dotted name of something outside the file: an import, or a builtin."""
    written = dotted(node)
    if not written:
        return ""
    head, dot, tail = written.partition(".")
    if any(head in scope.bound for scope in scopes):
        return ""
    if head in unit.imports:
        return unit.imports[head] + dot + tail
    return written if head in _BUILTINS else ""
