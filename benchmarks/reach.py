"""Of the functions that really reached some roots while tests ran, how many the call graph finds.

    python benchmarks/reach.py --source DIR --package NAME --root MODULE:QUALNAME [--root ...]
        [--tests FOLDER] [--cwd FOLDER] [--hint 'PLACE = CLASS' ...] [--python VENV/bin/python]
        [--keep FILE] -- runtests.py label1 label2

What follows `--` are arguments for that Python, which runs with the recorder of `call_edges.py` in
it; `--read FILE` takes what an earlier run kept instead.  Whenever a root begins, the functions of
the package that stand on the stack have reached it.  Above a function of `--tests` no stack is
followed: what a test calls says nothing of the package's own calls.  What the package does through
other libraries counts (`contextlib` enters its context managers).

Compared with these are the functions of the package from which the edges of `asyncshift graph` lead
to a root: by edges that are certain or likely, and by all of them, those that only a name connects
included.  How many functions that are altogether is what the answer costs.  Only the package is
read, without its tests.  Lambdas, comprehensions and generator expressions count as the function
that holds them; module and class bodies do not count.

The list of unresolved calls follows, the first places with their hints; `--hint` is a line of
`[tool.asyncshift.hints]`.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from asyncshift import pipeline
from asyncshift.config import Config, Hint
from asyncshift.model import FunctionKind, Graph
from asyncshift.report.unresolved import hubs

if __package__:
    from benchmarks import call_edges as ce
else:
    import call_edges as ce

Key, Pair = ce.Key, ce.Pair


def reached(edges: Iterable[Pair], roots: Iterable[Key]) -> set[Key]:
    """The roots and everything from which edges lead to one."""
    callers: dict[Key, set[Key]] = defaultdict(set)
    for caller, callee in edges:
        callers[callee].add(caller)
    found = set(roots)
    todo = list(found)
    while todo:
        new = callers[todo.pop()] - found
        found |= new
        todo.extend(new)
    return found


# ----------------------------------------------------------------------------- what ran


def watched(folder: Path, root: str) -> str:
    """A root as the recorder knows it: file and first line; `SystemExit` if it is not there."""
    module, _, name = root.partition(":")
    base = folder.parent.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            for (first, _), holder in ce.parsed(path.read_bytes()).holders.items():
                if holder.name == name and isinstance(holder.node, ast.FunctionDef):
                    return f"{path.resolve()}|{first}"
    raise SystemExit(f"there is no function {root}")


def record(
    cwd: Path, folder: Path, tests: Path | None, roots: Sequence[str], command: Sequence[str]
) -> list[Key]:
    """Run the command; the functions of the package that stood above a root."""
    with tempfile.TemporaryDirectory() as out:
        paths = [str(ce.RECORDER), str(folder.parent), os.environ.get("PYTHONPATH", "")]
        folders = [folder] if tests is None else [folder, tests]
        settings = {
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CALL_EDGES_ROOTS": os.pathsep.join(map(str, folders)),
            "CALL_EDGES_OUT": out,
            "CALL_EDGES_WATCH": os.pathsep.join(watched(folder, root) for root in roots),
            "CALL_EDGES_STOP": "" if tests is None else str(tests),
        }
        done = subprocess.run(
            command, cwd=cwd, env={**os.environ, **settings}, stdout=2, check=False
        )
        if done.returncode:
            print(f"the command ended with status {done.returncode}", file=sys.stderr)
        sources, found = ce.Sources(), set()
        for path in sorted(Path(out).glob("stacks-*.json")):
            for code in json.loads(path.read_text(encoding="utf-8")):
                holder = sources.holder(code)
                if holder.line and not isinstance(holder.node, ast.ClassDef):
                    found.add((os.path.relpath(code[0], folder), holder.line))
        return sorted(key for key in found if not key[0].startswith(os.pardir))


# ----------------------------------------------------------------------------- what is found


def relative(key: Key, folder: Path) -> Key:
    return os.path.relpath(key[0], folder), key[1]


def report(
    graph: Graph, base: str, folder: Path, roots: Sequence[str], truth: set[Key]
) -> list[str]:
    """The lines to print."""
    real = os.path.realpath(base)
    folder = folder.resolve()
    functions = [f for f in graph.functions.values() if f.kind is FunctionKind.FUNCTION]
    keys = {f"{f.module}:{f.name}": relative(ce.function_key(f, real), folder) for f in functions}
    known = truth & {relative(ce.function_key(f, real), folder) for f in functions}
    edges = {
        (relative(caller, folder), relative(callee, folder)): kinds
        for (caller, callee), kinds in ce.predicted(graph, base).items()
    }
    starts = [keys[root] for root in roots]
    lines = [
        f"functions of the package: {len(functions)}; "
        f"on the stack when a root began: {len(known)} and {len(truth - known)} unknown ones"
    ]
    sure = [pair for pair, kinds in edges.items() if kinds != {"unknown"}]
    for name, chosen in (("certain and likely edges", sure), ("all edges", list(edges))):
        found = {key for key in reached(chosen, starts) if key[1]}
        hit = len(found & known)
        share = hit / len(known) if known else 1.0
        lines.append(f"{name}: {hit} found ({share:.3f}), {len(found)} functions coloured")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--source", type=Path, required=True, metavar="DIR")
    parser.add_argument("--package", required=True, metavar="NAME")
    parser.add_argument("--root", action="append", required=True, metavar="MODULE:QUALNAME")
    parser.add_argument("--tests", type=Path, metavar="FOLDER")
    parser.add_argument("--cwd", type=Path, metavar="FOLDER", help="where the command runs")
    parser.add_argument("--hint", action="append", default=[], metavar="'PLACE = CLASS'")
    parser.add_argument("--python", default=sys.executable, metavar="VENV/bin/python")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write what was recorded")
    parser.add_argument("--read", type=Path, metavar="FILE", help="what --keep wrote; nothing runs")
    parser.add_argument("--places", type=int, default=10, metavar="N", help="unresolved places")
    parser.add_argument("command", nargs="*", help="arguments for the Python, after --")
    options = parser.parse_args(arguments)
    folder = ce.package_folder(options.source, options.package)
    if options.read is not None:
        truth = [(path, line) for path, line in json.loads(options.read.read_text("utf-8"))]
    else:
        tests = None if options.tests is None else options.tests.resolve()
        command = [os.path.abspath(options.python), *options.command]
        truth = record(options.cwd or options.source, folder, tests, options.root, command)
    if options.keep is not None:
        options.keep.write_text(json.dumps(truth), encoding="utf-8")
    hints = tuple(Hint(*(part.strip() for part in text.split("="))) for text in options.hint)
    with tempfile.TemporaryDirectory() as alone:  # no tests and no configuration beside it
        copy = shutil.copytree(folder, Path(alone).resolve() / "alone" / folder.name)
        config = Config(cache=False, hints=hints)
        survey = pipeline.survey([copy], config, unresolved=options.places > 0)
        lines = report(survey.graph, str(survey.project.root), copy, options.root, set(truth))
    for line in lines:
        print(line)
    for number, hub in enumerate(hubs(survey.graph)[: options.places], start=1):
        print(f"{number:4}  {hub.place} = {hub.cls}  ({len(hub.calls)} calls, {hub.above} above)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
