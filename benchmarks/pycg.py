"""Recall and precision of `asyncshift graph` on PyCG's micro-benchmark.

    python benchmarks/pycg.py PyCG/micro-benchmark/snippets [-v]

Each snippet is a folder with `main.py`, perhaps more modules, and `callgraph.json`, which maps a
caller to its callees: `main`, `main.func`, `main.Class.method`, `main.<lambda1>`.  Only edges whose
callee is defined in the snippet count: not those to builtins and to modules that are not there.
Each snippet is read alone, from a copy in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asyncshift import pipeline
from asyncshift.config import Config
from asyncshift.model import Function, FunctionKind, Graph
from asyncshift.report.graph import MENTIONS, called_back

Edge = tuple[str, str]
BODIES = (FunctionKind.MODULE, FunctionKind.CLASS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The edges of one snippet."""

    name: str
    wanted: frozenset[Edge]
    found: frozenset[Edge]

    @property
    def category(self) -> str:
        return self.name.partition("/")[0]

    @property
    def misses(self) -> list[Edge]:
        return sorted(self.wanted - self.found)

    @property
    def wrong(self) -> list[Edge]:
        return sorted(self.found - self.wanted)


# ----------------------------------------------------------------------------- names


def module_name(path: str) -> str:
    """`nested/__init__.py` -> `nested`; paths are relative to the snippet."""
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def names(graph: Graph) -> dict[str, str]:
    """The benchmark's name of each function, by its id; lambdas are counted in their scope."""
    found: dict[str, str] = {}
    lambdas: Counter[str] = Counter()
    for function in sorted(graph.functions.values(), key=_order):
        found[function.id] = _name(function, found, lambdas)
    return found


def _order(function: Function) -> tuple[str, bool, int, int]:
    """What encloses comes first: a module's body, then by place."""
    line, column, *_ = function.span
    return (function.path, function.kind is not FunctionKind.MODULE, line, column)


def _name(function: Function, found: dict[str, str], lambdas: Counter[str]) -> str:
    if function.kind is FunctionKind.MODULE or function.parent is None:
        return module_name(function.path)
    parent = found[function.parent]
    if function.kind is FunctionKind.GENEXP:
        return parent
    if function.kind is FunctionKind.LAMBDA:
        lambdas[parent] += 1
        return f"{parent}.<lambda{lambdas[parent]}>"
    return f"{parent}.{function.name.rpartition('.')[2]}"


# ----------------------------------------------------------------------------- edges


def found_edges(graph: Graph) -> frozenset[Edge]:
    """The graph's edges between the snippet's own functions, under the benchmark's names."""
    return frozenset(_found(graph, names(graph)))


def _found(graph: Graph, named: dict[str, str]) -> Iterator[Edge]:
    for site in graph.sites:
        if site.protocol in MENTIONS:
            continue
        for target in site.targets:
            callee = graph.functions.get(target.function or "")
            if callee is None or callee.kind in BODIES or callee.kind is FunctionKind.GENEXP:
                continue
            yield named[site.caller], named[callee.id]
    for caller, function, _ in called_back(graph):
        yield named[caller], named[function]


def wanted_edges(truth: dict[str, list[str]], modules: Iterable[str]) -> frozenset[Edge]:
    """The edges of `callgraph.json` whose callee lies in one of the snippet's modules."""
    inside = tuple(f"{module}." for module in modules)
    return frozenset(
        (caller, callee)
        for caller, callees in truth.items()
        for callee in callees
        if callee.startswith(inside)
    )


def measured(folder: Path, name: str) -> Outcome:
    """One snippet, read from a copy so that nothing above it counts as its project."""
    truth = json.loads((folder / "callgraph.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(shutil.copytree(folder, Path(temporary, "snippet")))
        (copy / "setup.cfg").touch()
        modules = [module_name(p.relative_to(copy).as_posix()) for p in copy.rglob("*.py")]
        survey = pipeline.survey([copy], Config(cache=False, jobs=1))
    return Outcome(name, wanted_edges(truth, modules), found_edges(survey.graph))


# ----------------------------------------------------------------------------- report


def figures(outcomes: Iterable[Outcome]) -> str:
    """One line: recall and precision over these snippets."""
    right = wanted = found = 0
    for outcome in outcomes:
        right += len(outcome.wanted & outcome.found)
        wanted += len(outcome.wanted)
        found += len(outcome.found)
    recall = f"{right / wanted:.3f}" if wanted else "-"
    precision = f"{right / found:.3f}" if found else "-"
    return f"{wanted:4} edges  recall {recall:5}  precision {precision:5}"


def report(outcomes: Sequence[Outcome], *, verbose: bool) -> Iterator[str]:
    """Lines for each category and for the whole."""
    for category in sorted({outcome.category for outcome in outcomes}):
        group = [outcome for outcome in outcomes if outcome.category == category]
        yield f"{category:14} {figures(group)}"
    yield f"{'all':14} {figures(outcomes)}"
    if verbose:
        for outcome in outcomes:
            yield from (f"miss   {outcome.name}: {a} -> {b}" for a, b in outcome.misses)
            yield from (f"wrong  {outcome.name}: {a} -> {b}" for a, b in outcome.wrong)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="PyCG's snippets")
    parser.add_argument("-v", "--verbose", action="store_true", help="list misses and wrong edges")
    options = parser.parse_args(arguments)
    snippets = sorted(path.parent for path in options.folder.rglob("callgraph.json"))
    if not snippets:
        parser.error(f"no callgraph.json below {options.folder}")
    outcomes = [measured(path, path.relative_to(options.folder).as_posix()) for path in snippets]
    for line in report(outcomes, verbose=options.verbose):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
