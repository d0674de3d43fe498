"""Which call edges really run while a project's own tests run, and which of them `graph` finds.

    python benchmarks/call_edges.py --source DIR --package NAME [--package NAME2]
        [--python VENV/bin/python] [--keep FILE] -- -m pytest -q tests/unit

What follows `--` are arguments for that Python, which runs in DIR with a recorder in it
(`edge_recorder/sitecustomize.py`); `--read FILE` takes the edges that an earlier run kept instead.

An edge is a pair of functions of the package: caller and callee, by file and line of the `def`.
A generator is called by the frame that takes its first item.  Lambdas, comprehensions and generator
expressions count as the function that holds them; module and class bodies are never callees.

Left out of the first figure, and counted: edges that came to pass through a `__getattr__` of the
project, through a `getattr` or import by a computed name, or under a C function that calls back
(`sorted(key=f)`).  Protocols do not count as such: `next`, `len`, or a generator that a C function
consumes.  Edges under foreign Python code come on top of the second figure, as a third.  Finalisers
are left out altogether: the collector calls them from anywhere.

Before Python 3.11 an instruction has no column, so that the last three are told from the line only.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncshift.config import Config
from asyncshift.model import Certainty, Function, FunctionKind, Graph, Protocol
from asyncshift.report.graph import MENTIONS

RECORDER = Path(__file__).resolve().parent / "edge_recorder"

Key = tuple[str, int]
"""A function: its file's real path and the line of its `def`; line 0 is the module's body."""
Pair = tuple[Key, Key]
Span = tuple[int, int, int, int]
"""(line, end line, column, end column), as `code.co_positions()` has them."""

FOREIGN = "through foreign code"
GETATTR = "through __getattr__"
COMPUTED = "computed name"
C_FRAME = "under a C function"
DYNAMIC = (GETATTR, COMPUTED, C_FRAME)
"""Left out of the main figure, in order of precedence after FOREIGN."""

PROTOCOL_BUILTINS = frozenset(
    {"next", "anext", "iter", "aiter", "len", "repr", "ascii", "hash", "abs", "round", "divmod"}
    | {"format", "getattr", "setattr", "delattr", "hasattr", "isinstance", "issubclass", "dir"}
    | {"__build_class__"}
)
"""C functions that only ask their argument to do what the syntax asks elsewhere."""
CONSUMING_TYPES = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "map", "filter", "zip", "enumerate", "bytes"}
)
"""Builtin classes, for which the profiler reports no C call."""
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
CODE_NAMES: dict[type[ast.AST], str] = {
    ast.Lambda: "<lambda>",
    ast.GeneratorExp: "<genexpr>",
    ast.ListComp: "<listcomp>",
    ast.SetComp: "<setcomp>",
    ast.DictComp: "<dictcomp>",
}


# ----------------------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True)
class Holder:
    """What a code object counts as: a function, a class body or a module body."""

    line: int
    name: str
    node: ast.AST


@dataclass(slots=True)
class Module:
    """One parsed file of the project."""

    lines: list[str]
    holders: dict[tuple[int, str], Holder] = field(default_factory=dict)
    """(first line of a code object, its plain name) -> what it counts as."""
    nodes: dict[Span, list[ast.expr | ast.stmt]] = field(default_factory=dict)
    ends: dict[tuple[int, int], list[ast.expr | ast.stmt]] = field(default_factory=dict)
    decorators: set[Span] = field(default_factory=set)
    iterated: set[Span] = field(default_factory=set)


def parsed(text: str | bytes) -> Module:
    """The tables of one file; a decorated function is found by its first decorator's line."""
    tree = ast.parse(text)
    source = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    module = Module(source.splitlines())
    top = Holder(0, "<module>", tree)
    module.holders[0, "<module>"] = top
    pending: list[tuple[ast.AST, Holder]] = [(tree, top)]
    while pending:
        node, holder = pending.pop()
        if isinstance(node, ast.expr | ast.stmt):
            _index(module, node)
        inner = _inner(module, node, holder)
        outside = {id(part) for part in _outside(node)}
        for child in ast.iter_child_nodes(node):
            pending.append((child, holder if id(child) in outside else inner))
    return module


def _inner(module: Module, node: ast.AST, holder: Holder) -> Holder:
    """The holder of a node's body, entered in the table when the node makes a code object."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
        prefix = "" if holder.line == 0 else f"{holder.name}."
        inner = Holder(node.lineno, prefix + node.name, node)
        module.holders[first, node.name] = inner
        module.decorators.update(span(part) for part in node.decorator_list)
        return inner
    if isinstance(node, (ast.Lambda, *COMPREHENSIONS)):
        module.holders[node.lineno, CODE_NAMES[type(node)]] = holder
    return holder


def _outside(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a definition that run outside of its body."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from node.decorator_list
        yield node.args
        if node.returns is not None:
            yield node.returns
    elif isinstance(node, ast.ClassDef):
        yield from (*node.decorator_list, *node.bases, *node.keywords)


def _index(module: Module, node: ast.expr | ast.stmt) -> None:
    where = span(node)
    module.nodes.setdefault(where, []).append(node)
    module.ends.setdefault((where[1], where[3]), []).append(node)
    if isinstance(node, ast.For | ast.AsyncFor):
        module.iterated.update((where, span(node.iter)))
    elif isinstance(node, COMPREHENSIONS):
        module.iterated.update((where, *(span(part.iter) for part in node.generators)))
    elif isinstance(node, ast.YieldFrom):
        module.iterated.update((where, span(node.value)))
    elif isinstance(node, ast.List | ast.Tuple | ast.Set) and _unpacks(node):
        module.iterated.add(where)


def _unpacks(node: ast.List | ast.Tuple | ast.Set) -> bool:
    """`a, b = items`, `[*items]`."""
    stored = not isinstance(node, ast.Set) and isinstance(node.ctx, ast.Store)
    return stored or any(isinstance(part, ast.Starred) for part in node.elts)


def span(node: ast.expr | ast.stmt) -> Span:
    end_line, end_column = node.end_lineno, node.end_col_offset
    return (node.lineno, end_line or node.lineno, node.col_offset, end_column or 0)


def node_at(module: Module, at: Sequence[int | None]) -> ast.expr | ast.stmt | None:
    """The node that an instruction belongs to: a call first, then an attribute.

    CPython moves the start of a method call to the line of the attribute, so that the end decides
    where the whole span fits nothing.
    """
    if None in at:
        return None
    line, end, column, end_column = (number or 0 for number in at)
    found = module.nodes.get((line, end, column, end_column))
    if found is None:
        found = [
            node
            for node in module.ends.get((end, end_column), ())
            if isinstance(node, ast.Call | ast.Attribute) and node.lineno <= line
        ]
    ranks = (ast.Call, ast.Attribute, ast.expr, ast.stmt)
    return min(found, key=lambda n: [isinstance(n, r) for r in ranks].index(True), default=None)


class Sources:
    """The project's files, parsed when first asked for."""

    def __init__(self) -> None:
        self.modules: dict[str, Module] = {}

    def module(self, path: str) -> Module:
        if path not in self.modules:
            self.modules[path] = parsed(Path(path).read_bytes())
        return self.modules[path]

    def holder(self, code: Sequence[Any]) -> Holder:
        """What a recorded code object [path, first line, qualified name] counts as."""
        path, first, qualname = code
        name = qualname.rpartition(".")[2]
        first = 0 if name == "<module>" else first  # Python 3.9: the first statement's line
        known = self.module(path).holders.get((first, name))
        return known or Holder(first, qualname, ast.Module([], []))


# ----------------------------------------------------------------------------- what ran


@dataclass(frozen=True, slots=True)
class Seen:
    """One way in which an edge came to pass."""

    path: str
    line: int
    kind: str
    left_out: str
    """Empty for the main figure."""
    caller: str
    callee: str
    code: str


def ran(rows: Iterable[dict[str, Any]], sources: Sources) -> dict[Pair, list[Seen]]:
    """The edges at function level, each with the ways in which it came to pass."""
    edges: dict[Pair, list[Seen]] = defaultdict(list)
    for row in rows:
        caller, callee = sources.holder(row["caller"]), sources.holder(row["callee"])
        pair = ((row["caller"][0], caller.line), (row["callee"][0], callee.line))
        folded = row["caller"] != row["callee"] and pair[0] == pair[1]
        if folded or isinstance(callee.node, ast.ClassDef) or callee.line == 0:
            continue
        edges[pair].append(_seen(row, caller, callee, sources))
    return dict(edges)


def _seen(row: dict[str, Any], caller: Holder, callee: Holder, sources: Sources) -> Seen:
    path = row["caller"][0]
    module = sources.module(path)
    line = row["at"][0] or 0
    node = node_at(module, row["at"])
    code = module.lines[line - 1].strip() if 0 < line <= len(module.lines) else ""
    left_out = left_out_kind(row, module, node, caller)
    kind = kind_of(row, module, node, caller)
    return Seen(path, line, kind, left_out, caller.name, callee.name, code)


def left_out_kind(
    row: dict[str, Any], module: Module, node: ast.expr | ast.stmt | None, caller: Holder
) -> str:
    """Why an edge does not count in the main figure; empty when it does."""
    if row["foreign"]:
        return FOREIGN
    if row["lookup"] is not None and _looked_up(row["lookup"], row["at"], node):
        return GETATTR
    if _computed(node, row["at"][0] or 0, module, caller):
        return COMPUTED
    return C_FRAME if _called_back(row, module, node) else ""


def _looked_up(
    lookup: Sequence[int | None], at: Sequence[int | None], node: ast.AST | None
) -> bool:
    """Whether the attribute that ran `__getattr__` is (part of) what is called here."""
    if None in lookup or node is None:
        return lookup[0] == at[0]
    if not isinstance(node, ast.Call):
        return list(lookup) == list(at)
    ends = (lookup[1], lookup[3])
    return any(
        isinstance(part, ast.Attribute | ast.Call)
        and (part.end_lineno, part.end_col_offset) == ends
        for part in ast.walk(node.func)
    )


def _computed(node: ast.AST | None, line: int, module: Module, caller: Holder) -> bool:
    """Whether the callee comes from a `getattr` or an import whose name is no literal."""
    if node is None:
        parts = [part for nodes in module.nodes.values() for part in nodes if part.lineno == line]
        return any(computes_name(part) for part in parts)
    if computes_name(node):
        return True
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        values = list(_values(caller.node, node.func.id))
        return bool(values) and all(any(map(computes_name, ast.walk(v))) for v in values)
    return any(computes_name(part) for part in ast.walk(node.func))


def computes_name(node: ast.AST) -> bool:
    """`getattr(x, name)`, `import_module(name)`, `__import__(name)` with no constant name."""
    if not isinstance(node, ast.Call):
        return False
    match node.func:
        case ast.Name(id="getattr"):
            at = 1
        case ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"):
            at = 0
        case _:
            return False
    return len(node.args) > at and not isinstance(node.args[at], ast.Constant)


def _values(body: ast.AST, name: str) -> Iterator[ast.expr]:
    """What a function assigns to a plain local name."""
    for node in ast.walk(body):
        match node:
            case ast.Assign(targets=targets, value=value):
                if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                    yield value
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                if target == name:
                    yield value
            case ast.NamedExpr(target=ast.Name(id=target), value=value):
                if target == name:
                    yield value


def _called_back(row: dict[str, Any], module: Module, node: ast.AST | None) -> bool:
    """Whether a C function, or an iterator written in C, called a plain function back."""
    name = plain_name(row)
    if row["generator"] or name in ("__iter__", "__next__", "__aiter__", "__anext__"):
        return False
    if row["c"]:
        return row["c"] not in PROTOCOL_BUILTINS
    if is_dunder(name) or not isinstance(node, ast.expr | ast.stmt):
        return False
    match node:
        case ast.Call(func=ast.Name(id=called)) if called in CONSUMING_TYPES:
            return True
        case ast.Call() | ast.Attribute():
            return False
    return span(node) in module.iterated


def plain_name(row: dict[str, Any]) -> str:
    return str(row["callee"][2]).rpartition(".")[2]


def is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


# ----------------------------------------------------------------------------- kinds


def kind_of(
    row: dict[str, Any], module: Module, node: ast.expr | ast.stmt | None, caller: Holder
) -> str:
    """What the place of a call looks like, to group misses by."""
    name = plain_name(row)
    if node is not None and span(node) in module.decorators:
        return "decorator"
    if name in ("__enter__", "__exit__", "__aenter__", "__aexit__"):
        return "with"
    if row["generator"] or name in ("__iter__", "__next__"):
        return "iteration" if not isinstance(node, ast.Await) else "await"
    if name in ("__getattr__", "__getattribute__"):
        return "attribute lookup"
    if is_dunder(name) and not _is_named(node, name):
        return f"implicit {name}"
    match node:
        case ast.Attribute(ctx=ast.Load()):
            return "property"
        case ast.Attribute():
            return "property set or deleted"
        case ast.Call(func=func):
            return _kind_of_call(func, name, caller)
        case None:
            return "unknown place"
    return f"{type(node).__name__} expression"


def _is_named(node: ast.AST | None, name: str) -> bool:
    """`super().__init__()`: a special method that is called by its name."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
    )


def _kind_of_call(func: ast.expr, name: str, caller: Holder) -> str:
    match func:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super"))):
            return "call on super()"
        case ast.Attribute(value=value, attr=attr):
            what = (
                "self" if isinstance(value, ast.Name) and value.id in ("self", "cls") else "a value"
            )
            return f"call on attribute of {what}" + _other(attr, name)
        case ast.Name(id=called):
            if called in _parameters(caller.node):
                return "call of a parameter"
            return "call on name" + _other(called, name)
    return f"call on {type(func).__name__.lower()}"


def _other(written: str, name: str) -> str:
    return "" if written == name else ", other name (alias, wrapper, callback)"


def _parameters(node: ast.AST) -> set[str]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return set()
    return {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}


# ----------------------------------------------------------------------------- what is predicted


def predicted(graph: Graph, root: str) -> dict[Pair, set[str]]:
    """The graph's edges at function level with their certainties."""
    base = os.path.realpath(root)
    edges: dict[Pair, set[str]] = defaultdict(set)
    for site in graph.sites:
        if site.protocol in MENTIONS:
            continue
        for target in site.targets:
            if target.function is None or target.function not in graph.functions:
                continue
            caller = held(graph, graph.functions[site.caller])
            callee = held(graph, graph.functions[target.function])
            folded = caller.id == callee.id and site.caller != target.function
            if folded or callee.kind in (FunctionKind.MODULE, FunctionKind.CLASS):
                continue
            pair = (function_key(caller, base), function_key(callee, base))
            edges[pair].add(str(site.certainty))
    return dict(edges)


def certain_calls(graph: Graph, root: str) -> dict[tuple[Key, int], set[str]]:
    """(caller, line) -> the last names of what is called there for certain."""
    base = os.path.realpath(root)
    found: dict[tuple[Key, int], set[str]] = defaultdict(set)
    for site in graph.sites:
        if site.protocol is Protocol.CALL and site.certainty is Certainty.CERTAIN:
            caller = held(graph, graph.functions[site.caller])
            for line in range(site.span[0], site.span[2] + 1):
                name = site.text.rpartition(".")[2]
                found[function_key(caller, base), line].add(name)
    return dict(found)


def refuted(
    edges: Mapping[Pair, Sequence[Seen]],
    graph: Container[Pair],
    calls: Mapping[tuple[Key, int], Container[str]],
) -> list[Pair]:
    """Edges that ran where a call by their name was certain to reach something else."""
    return [
        pair
        for pair, seen in edges.items()
        if pair not in graph
        and any(
            way.kind.startswith("call")
            and way.callee.rpartition(".")[2] in calls.get((pair[0], way.line), ())
            for way in seen
        )
    ]


def held(graph: Graph, function: Function) -> Function:
    """The function that holds a lambda or a generator expression."""
    while function.kind in (FunctionKind.LAMBDA, FunctionKind.GENEXP) and function.parent:
        function = graph.functions[function.parent]
    return function


def function_key(function: Function, base: str) -> Key:
    line = 0 if function.kind is FunctionKind.MODULE else function.line
    return (os.path.join(base, *function.path.split("/")), line)


def surveyed(
    folders: Sequence[Path], python: str
) -> tuple[dict[Pair, set[str]], dict[tuple[Key, int], set[str]]]:
    """The edges that `asyncshift graph` prints for these folders, and the certain calls."""
    from asyncshift import pipeline

    config = Config(cache=False, jobs=1, python=Path(python))
    survey = pipeline.survey(list(folders), config)
    root = survey.project.root
    return predicted(survey.graph, root), certain_calls(survey.graph, root)


# ----------------------------------------------------------------------------- running


def record(source: Path, folders: Sequence[Path], python: str, command: Sequence[str]) -> list[Any]:
    """Run the command with the recorder in it; the rows of all its processes."""
    with tempfile.TemporaryDirectory() as out:
        above = dict.fromkeys(str(folder.parent) for folder in folders)
        paths = [str(RECORDER), *above, os.environ.get("PYTHONPATH", "")]
        settings = {
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CALL_EDGES_ROOTS": os.pathsep.join(map(str, folders)),
            "CALL_EDGES_OUT": out,
        }
        done = subprocess.run(
            [python, *command],
            cwd=source,
            env={**os.environ, **settings},
            stdout=2,  # the report alone goes to standard output
            check=False,
        )
        if done.returncode:
            print(f"the command ended with status {done.returncode}", file=sys.stderr)
        rows = []
        for path in sorted(Path(out).glob("*.json")):
            rows += json.loads(path.read_text(encoding="utf-8"))
        return rows


def package_folder(source: Path, name: str) -> Path:
    """The folder of a dotted package in DIR or DIR/src; `SystemExit` when there is none."""
    relative = Path(*name.split("."))
    for base in (source, source / "src"):
        if (base / relative).is_dir():
            return (base / relative).resolve()
    raise SystemExit(f"no package {name} in {source} or {source / 'src'}")


# ----------------------------------------------------------------------------- report


@dataclass(frozen=True, slots=True)
class Score:
    """Run edges and those found among them."""

    edges: int
    found: int

    def __str__(self) -> str:
        share = self.found / self.edges if self.edges else 1.0
        return f"{self.found} of {self.edges} ({share:.3f})"


def score(edges: Iterable[Pair], found: Iterable[Pair]) -> Score:
    wanted = set(edges)
    return Score(len(wanted), len(wanted.intersection(found)))


def why_left_out(seen: Iterable[Seen]) -> str:
    """An edge counts as soon as one of its ways does; else the mildest reason holds."""
    reasons = {way.left_out for way in seen}
    return next(reason for reason in ("", *reversed(DYNAMIC), FOREIGN) if reason in reasons)


def report(edges: dict[Pair, list[Seen]], graph: dict[Pair, set[str]], examples: int) -> list[str]:
    """The lines to print."""
    reasons = {pair: why_left_out(seen) for pair, seen in edges.items()}
    main = [pair for pair, reason in reasons.items() if not reason]
    direct = [pair for pair, reason in reasons.items() if reason != FOREIGN]
    certain = [pair for pair, kinds in graph.items() if "certain" in kinds]
    by_name = [pair for pair, kinds in graph.items() if kinds == {"unknown"}]
    callers = {caller for caller, _ in edges}
    from_these = [pair for pair in graph if pair[0] in callers]
    lines = [
        f"edges that ran: {len(edges)}; edges of the graph: {len(graph)}",
        f"recall, without what is left out:     {score(main, graph)}",
        f"recall, with dynamic edges:           {score(direct, graph)}",
        f"recall, with foreign callers as well: {score(edges, graph)}",
        f"found as certain, of the first:       {score(main, certain)}",
        f"found only by name, of the first:     {score(main, by_name).found}",
        f"predicted from these callers and ran: {score(from_these, edges)}",
    ]
    for reason in (*DYNAMIC, FOREIGN):
        group = [pair for pair, why in reasons.items() if why == reason]
        lines.append(f"{reason}: {score(group, graph)} found")
        lines += _examples([pair for pair in group if pair not in graph], edges, examples)
    lines.append("found in the first figure, but not as certain:")
    lines += _by_kind(set(main).intersection(graph).difference(certain), edges, examples)
    lines.append("misses in the first figure:")
    return lines + _by_kind(set(main).difference(graph), edges, examples)


def _by_kind(pairs: Iterable[Pair], edges: dict[Pair, list[Seen]], examples: int) -> list[str]:
    """The most frequent kinds first, each with some examples."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[_counted(edges[pair]).kind].append(pair)
    lines = []
    for kind, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        lines.append(f"  {len(group):4} {kind}")
        lines += _examples(group, edges, examples)
    return lines


def _counted(seen: Sequence[Seen]) -> Seen:
    return next((way for way in seen if not way.left_out), seen[0])


def _examples(pairs: Sequence[Pair], edges: dict[Pair, list[Seen]], limit: int) -> list[str]:
    shown = [_counted(edges[pair]) for pair in sorted(pairs)[:limit]]
    return [
        f"       {os.path.relpath(way.path)}:{way.line} {way.caller} -> {way.callee}    {way.code}"
        for way in shown
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--source", type=Path, required=True, metavar="DIR")
    parser.add_argument("--package", action="append", required=True, metavar="NAME")
    parser.add_argument("--python", default=sys.executable, metavar="VENV/bin/python")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write what was recorded")
    parser.add_argument("--read", type=Path, metavar="FILE", help="what --keep wrote; nothing runs")
    parser.add_argument("--examples", type=int, default=5, metavar="N", help="misses of each kind")
    parser.add_argument("command", nargs="*", help="arguments for the Python, after --")
    options = parser.parse_args(arguments)
    folders = [package_folder(options.source, name) for name in options.package]
    python = os.path.abspath(options.python) if os.sep in options.python else options.python
    if options.read is not None:
        rows = json.loads(options.read.read_text(encoding="utf-8"))
    else:
        rows = record(options.source, folders, python, options.command)
    if options.keep is not None:
        options.keep.write_text(json.dumps(rows), encoding="utf-8")
    edges = ran(rows, Sources())
    graph, calls = surveyed(folders, python)
    for line in report(edges, graph, options.examples):
        print(line)
    wrong = refuted(edges, graph, calls)
    print(f"certain calls that reached something else: {len(wrong)}")
    for line in _examples(wrong, edges, len(wrong)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
