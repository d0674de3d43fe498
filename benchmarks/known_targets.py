"""What share of the calls that could matter has a known target.

    python benchmarks/known_targets.py [--examples N] FOLDER [FOLDER ...]

A folder is a package; the project around it is read as well, as every command does.  Counted is
each call `f(...)`, `x.f(...)` in the package whose last name is that of a function or a class of
the package, or the last name of something that a table says blocks (`requests.get`, `time.sleep`):
as far as names go, it could reach one of these.  So `data.get("x")` counts, whatever `data` is.
Calls of what has no name (`handlers[key](...)`, `f()()`) do not.

A target is *known*, and how:

- `project`: the graph has an edge to a function of the project there, certain or likely; or what is
  called is a class or a partial of the project whose making runs no function of it
- `library`: the graph has an edge to a name of a table
- `foreign`: it is something of another library or of Python that is known by its name or by where
  it comes from, so that it can be none of the project's functions: `os.path.join`, a method of a
  dictionary that is made here, a method that no class of the project has and a base outside may
  have (`super().__init__` below an exception), what a library gave that never got hold of an object
  of the project, what a library call of a table gave
- `constant`: a method of a literal, or of a variable that holds nothing but literals

Everything else is missed:

- `by name`: only the name tells what it could be; the graph lists it as unknown
- `unknown`: nothing is known of it, and its name is too common to guess by
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asyncshift import discover, facts
from asyncshift.codemod import Registry
from asyncshift.collector import no_gc
from asyncshift.config import Config
from asyncshift.facts import Places
from asyncshift.loading import load_registry
from asyncshift.model import SourceFile, Span
from asyncshift.resolution.certainty import unsure_nodes
from asyncshift.resolution.escapes import Escapes
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.mentions import Mentions
from asyncshift.resolution.sites import Sites
from asyncshift.resolution.unresolved import Known

KNOWN = ("project", "library", "foreign", "constant")
MISSED = ("by name", "unknown")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is counted."""

    path: str
    line: int
    kind: str
    name: str
    receiver: str
    """What the receiver looks like, to group misses by."""
    text: str


def blocking_names(registry: Registry) -> set[str]:
    """The last names of everything that a table says blocks."""
    names: set[str] = set()
    for table in registry.tables:
        names.update((*table.blocking, *table.waiting))
        names.update(row.name for row in table.functions)
        for cls in table.classes:
            names.update((*cls.awaited, *cls.quick, *cls.enters, *cls.iterates))
            names.update(cls.name if member == "__init__" else member for member in cls.waits)
    return {name.rpartition(".")[2] for name in names}


def measured(folder: Path) -> Iterator[Call]:
    """Every counted call of the package in a folder."""
    registry = load_registry((), only=(), exclude=())
    project = discover.discover([folder], Config(cache=False, jobs=1))
    files = {file.path: file for file in project.files}
    found = sorted((facts.extract(file) for file in project.files), key=lambda one: one.path)
    with no_gc():
        solver = Solver(found, registry, project.bridges)
        solver.solve()
        sites = Sites(solver)
        sites.collect()
        escapes, mentions = Escapes(sites), Mentions(sites)
        escapes.collect()
        mentions.collect()
        known = Known(sites, unsure_nodes(sites, escapes, mentions.functions()))
    wanted = blocking_names(registry)
    selected = {file.path for file in project.files if file.selected}
    for fn in solver.functions:
        if fn.facts.kind in ("function", "class") and found[fn.unit].path in selected:
            wanted.add(fn.facts.name.rpartition(".")[2])
    places: dict[tuple[str, Span], list[int]] = defaultdict(list)
    for site in sites.calls:
        unit, one = sites.facts_of(site)
        places[found[unit].path, one[0]].append(site)
    for file in found:
        if file.path not in selected:
            continue
        yield from _calls(files[file.path], wanted, places, sites, known)


def _calls(
    file: SourceFile,
    wanted: set[str],
    places: dict[tuple[str, Span], list[int]],
    sites: Sites,
    known: Known,
) -> Iterator[Call]:
    spans = Places(file.text)
    for node in ast.walk(ast.parse(file.text)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in wanted:
                here = places.get((file.path, spans.span(node)), [])
                kind = kind_of(here, sites, known)
                receiver = shape(node.func)
                yield Call(file.path, node.lineno, kind, name, receiver, ast.unparse(node)[:90])


def kind_of(here: Sequence[int], sites: Sites, known: Known) -> str:
    """How the target of one call is known.  Copies of a decorator's body are one call: what is
    known of one of them is known."""
    kinds = [known.kind(op, site) for site in here for op in sites.calls[site]]
    return min(kinds, key=(*KNOWN, *MISSED).index, default="unknown")


def shape(node: ast.expr) -> str:
    """What a callee looks like."""
    match node:
        case ast.Name():
            return "name"
        case ast.Attribute(value=ast.Constant()) | ast.Attribute(value=ast.JoinedStr()):
            return "constant"
        case ast.Attribute(value=ast.Name(id=name)):
            return "self" if name in ("self", "cls") else "variable"
        case ast.Attribute(value=ast.Attribute()):
            return "attribute"
        case ast.Attribute(value=ast.Call()):
            return "call"
        case ast.Attribute(value=ast.Subscript()):
            return "subscript"
    return "other"


def report(calls: Sequence[Call], examples: int) -> Iterator[str]:
    """The lines to print."""
    counted = Counter(call.kind for call in calls)
    known = sum(counted[kind] for kind in KNOWN)
    share = known / len(calls) if calls else 1.0
    yield f"  {known} of {len(calls)} calls have a known target ({share:.3f})"
    yield "  " + ", ".join(f"{kind} {counted[kind]}" for kind in (*KNOWN, *MISSED))
    groups: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        if call.kind in MISSED:
            groups[call.kind, call.receiver].append(call)
    for (kind, receiver), group in sorted(
        groups.items(), key=lambda item: (-len(item[1]), item[0])
    ):
        yield f"  {len(group):5} {kind}, on {receiver}"
        for call in group[:examples]:
            yield f"          {call.path}:{call.line}  {call.text}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--examples", type=int, default=5, metavar="N", help="misses of each kind")
    options = parser.parse_args(arguments)
    for folder in options.folders:
        print(folder)
        for line in report(list(measured(folder)), options.examples):
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
