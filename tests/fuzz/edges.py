"""Generated programs are run, and every edge that ran must be in the call graph.

    python -m tests.fuzz.edges [--seconds N] [--from SEED] [--reduce SECONDS]
    python -m tests.fuzz.edges --seed SEED

What else is looked at: an edge that ran at a `certain` site must be among its targets, and the
graph is the same whatever the order of the files.  A failing program is made small by leaving out
statements, as long as it runs and the failure stays what it was.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from asyncshift import callgraph, facts
from asyncshift.codemod import Registry
from asyncshift.loading import load_registry
from asyncshift.model import Certainty, Graph, Protocol, SourceFile
from asyncshift.report.graph import MENTIONS
from benchmarks.call_edges import (
    Pair,
    Seen,
    Sources,
    node_at,
    predicted,
    ran,
    span,
)
from benchmarks.edge_recorder.sitecustomize import Recorder
from tests.fuzz.constructs import Seeded, program
from tests.fuzz.walks import _spans, _tidied, _without, show

BY_CLASS_STATEMENTS = frozenset({"implicit __set_name__", "implicit __init_subclass__"})
"""Nobody writes a call of them.  `constructs.BEYOND` lists what else the graph does not claim."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """One disagreement."""

    what: str
    """missing, or not among certain targets."""
    kind: str
    caller: str
    callee: str
    code: str

    def same(self) -> tuple[str, ...]:
        """What stays as it is while the program gets smaller."""
        return (self.what, self.kind, self.caller, self.callee)

    def __str__(self) -> str:
        return f"{self.what} ({self.kind}): {self.caller} -> {self.callee}    {self.code}"


class NoProgramError(Exception):
    """The generated program fails by itself."""


@cache
def registry() -> Registry:
    return load_registry(())


# ----------------------------------------------------------------------------- run


def write(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def _fresh(folder: Path) -> Iterator[None]:
    """Modules of the program are imported anew, and forgotten."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [n for n in sys.modules if n == "pkg" or n.startswith("pkg.")]:
            del sys.modules[name]
        sys.path_importer_cache.clear()


def run(folder: Path) -> list[Row]:
    """What calls what when `pkg.main` is imported."""
    recorder = Recorder([str(folder)], "", [], "")
    callback = recorder.make_callback()
    before = sys.getprofile()
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    with _fresh(folder), contextlib.redirect_stdout(io.StringIO()):
        sys.setprofile(callback)
        try:
            __import__("pkg.main")
        except Exception as error:
            raise NoProgramError(f"{type(error).__name__}: {error}") from error
        finally:
            sys.setprofile(before)
            sys.dont_write_bytecode = wrote
    return [recorder.row(key, count) for key, count in recorder.edges.items()]


# ----------------------------------------------------------------------------- graph


def sources(files: Mapping[str, str]) -> list[SourceFile]:
    found = []
    for path, text in files.items():
        package = path.endswith("__init__.py")
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found.append(SourceFile(path, module, package, text, "utf-8", False, ""))
    return found


def graph(files: Mapping[str, str]) -> Graph:
    return callgraph.build([facts.extract(file) for file in sources(files)], registry())


def shuffled(files: Mapping[str, str], seed: int) -> dict[str, str]:
    """The same files in another order."""
    names = list(files)
    random.Random(seed).shuffle(names)
    return {name: files[name] for name in names}


# ----------------------------------------------------------------------------- compare


def compare(files: Mapping[str, str], folder: Path) -> list[Failure]:
    """Run a program and look for what the graph does not say; `NoProgramError` if it fails."""
    write(files, folder)
    rows = run(folder)
    found = graph(files)
    return [*missing(rows, found, folder), *wrong(rows, found, folder)]


def missing(rows: Iterable[Row], found: Graph, folder: Path) -> Iterator[Failure]:
    edges: dict[Pair, list[Seen]] = ran(rows, Sources())
    known = predicted(found, str(folder))
    for pair, ways in sorted(edges.items()):
        counted = [way for way in ways if not way.left_out and way.kind not in BY_CLASS_STATEMENTS]
        if counted and pair not in known:
            way = counted[0]
            yield Failure("missing", way.kind, way.caller, way.callee, way.code)


def wrong(rows: Iterable[Row], found: Graph, folder: Path) -> Iterator[Failure]:
    """Calls that ran at a place whose `certain` targets do not have what was called."""
    at: dict[tuple[str, tuple[int, int, int, int]], set[str]] = defaultdict(set)
    sure: set[tuple[str, tuple[int, int, int, int]]] = set()
    for site in found.sites:
        if site.protocol in MENTIONS:
            continue
        place = (site.path, site.span)
        at[place].update(t.function for t in site.targets if t.function)
        functions = [t.function for t in site.targets if t.function]
        if site.certainty is Certainty.CERTAIN and functions and site.protocol is Protocol.CALL:
            sure.add(place)
    read = Sources()
    for row in rows:
        caller, callee = read.holder(row["caller"]), read.holder(row["callee"])
        if row["foreign"] or row["c"] or row["generator"]:
            continue
        module = read.module(row["caller"][0])
        node = node_at(module, row["at"])
        if node is None:
            continue
        line, end, column, end_column = span(node)
        path = os.path.relpath(row["caller"][0], os.path.realpath(folder)).replace(os.sep, "/")
        place = (path, (line, column, end, end_column))
        if place not in sure:
            continue
        called = os.path.relpath(row["callee"][0], os.path.realpath(folder)).replace(os.sep, "/")
        names = {t for t in at[place] if t == f"{called}:{callee.line}"}
        names |= {t for t in at[place] if t.startswith(f"{called}:{row['callee'][1]}:")}
        if not names:
            code = module.lines[line - 1].strip()
            yield Failure("not among certain targets", "", caller.name, callee.name, code)


# ----------------------------------------------------------------------------- making it small


def smaller(
    files: Mapping[str, str], failure: Failure, folder: Path, seconds: float
) -> dict[str, str]:
    """The program with as many statements left out as the failure allows."""
    until = time.monotonic() + seconds
    found = dict(files)
    for deep in (False, True, True):
        for name in sorted(files, reverse=True):
            left = len(_spans(found[name], deep))
            while left > 0 and time.monotonic() < until:
                left -= 1
                shorter = _without(found[name], _spans(found[name], deep)[left])
                if shorter is not None and _still({**found, name: shorter}, failure, folder):
                    found[name] = shorter
                left = min(left, len(_spans(found[name], deep)))
        if _still(tidied := _tidied(found), failure, folder):
            found = tidied
    return found


def _still(files: Mapping[str, str], failure: Failure, folder: Path) -> bool:
    try:
        return any(one.same() == failure.same() for one in compare(files, folder))
    except NoProgramError:
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long to look for failures")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--reduce", type=float, default=20, help="seconds for each failure")
    args = parser.parse_args(arguments)
    until = time.monotonic() + args.seconds
    seed, seeds, broken = args.seed or args.first, 0, 0
    seen: dict[tuple[str, ...], int] = {}
    with tempfile.TemporaryDirectory(prefix="edges-") as work:
        folder = Path(work)
        while seeds == 0 or (args.seed is None and time.monotonic() < until):
            files = program(Seeded(random.Random(seed)))
            try:
                failures = compare(files, folder)
                if graph(shuffled(files, seed)) != graph(files):
                    failures.append(Failure("another graph in another order", "", "", "", ""))
            except NoProgramError as error:
                broken += 1
                print(f"seed {seed}: no program: {error}")
                failures = []
            for failure in failures:
                alike = tuple(
                    "".join(c for c in part if not c.isdigit()) for part in failure.same()
                )
                seen[alike] = seen.get(alike, 0) + 1
                if seen[alike] == 1:
                    print(f"\nseed {seed}: {failure}")
                    print(show(smaller(files, failure, folder, args.reduce)), flush=True)
            seed, seeds = seed + 1, seeds + 1
    print(f"{seeds} programs, {broken} did not run, {sum(seen.values())} failures")
    for alike, count in sorted(seen.items(), key=lambda item: -item[1]):
        print(f"  {count:4} {' | '.join(alike)}")
    return min(len(seen), 1)


if __name__ == "__main__":
    sys.exit(main())
