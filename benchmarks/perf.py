"""What `asyncshift scan` costs as a multiple of `ast.parse` of every file, as whole processes.

    python benchmarks/perf.py FOLDER... [--rounds 5]

Measured on a copy of each folder's Python files, in rounds: a cold scan with one worker and one
with the default workers, each with an empty cache; a warm scan; a scan after a function was
appended to one file.  Before each runs a process that parses every file that parses (collector
off), so that a busy machine slows both.  CPU is user and system time of the process and its
children, memory the largest of them.  The table gives the median of the rounds, and its ratio to
the median of the parsing processes.  Over two or more folders comes the exponent of cold CPU, by
least squares on logarithms.
"""

from __future__ import annotations

import argparse
import functools
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PARSE = """
import ast, gc, sys, warnings
gc.disable()
warnings.simplefilter("ignore")
lines = files = 0
for name in open(sys.argv[1], encoding="utf-8").read().split("\\0"):
    with open(name, "rb") as file:
        content = file.read()
    try:
        ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        continue
    files += 1
    lines += content.count(b"\\n")
    if len(sys.argv) > 2:
        print(name, end="\\0")
print(files, lines, file=sys.stderr)
"""
PARSING = "parsing"
SCANS = ("cold, one job", "cold", "warm", "one file changed")
KEPT = ("pyproject.toml", "setup.py", "setup.cfg", ".gitignore")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took."""

    cpu: float
    wall: float
    peak: float
    """Megabytes."""


@dataclass(frozen=True, slots=True)
class Table:
    """The medians for one folder."""

    name: str
    files: int
    lines: int
    parse: Cost
    scans: dict[str, Cost]


def cost(command: Sequence[str], cache: Path) -> Cost:
    """Run a process to its end; a failure ends the benchmark with what it wrote."""
    settings = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)}\n{errors.read().decode(errors='replace')}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / unit)


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(one.cpu for one in costs),
        statistics.median(one.wall for one in costs),
        statistics.median(one.peak for one in costs),
    )


def copied(folder: Path, to: Path) -> Path:
    """The Python files, and what tells a project's root, in a folder that ends the search."""
    (to / "setup.cfg").touch()
    target = to / folder.resolve().name
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in (".git", "node_modules")]
        for name in files:
            source = Path(place, name)
            if (name.endswith(".py") or name in KEPT) and source.is_file():
                destination = target / source.relative_to(folder)
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, destination)
    return target


def parsable(tree: Path, listing: Path) -> tuple[int, int]:
    """Write the list of files that parse; how many files and lines they are."""
    paths = sorted(str(path) for path in tree.rglob("*.py"))
    listing.write_text("\0".join(paths), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(listing), "list"], capture_output=True, check=True
    )
    listing.write_bytes(done.stdout.rstrip(b"\0"))
    files, lines = done.stderr.split()
    return int(files), int(lines)


def middle_file(listing: Path) -> Path:
    """The file of median size among those that parse."""
    paths = [Path(name) for name in listing.read_text(encoding="utf-8").split("\0")]
    return sorted(paths, key=lambda path: (path.stat().st_size, path))[len(paths) // 2]


def change(path: Path, number: int) -> None:
    """Append a function that no other round appended."""
    with path.open("ab") as file:
        file.write(f"\n\ndef appended_{number}():\n    return {number}\n".encode())


def one_round(
    parse: Sequence[str], tree: Path, caches: Path, before_change: Callable[[], None]
) -> dict[str, list[Cost]]:
    """The four scans, two of them on an empty cache, each after a parsing process."""
    scan = [sys.executable, "-m", "asyncshift", "scan", str(tree)]
    commands = dict.fromkeys(SCANS, (scan, caches / "shared"))
    commands["cold, one job"] = ([*scan, "--jobs", "1"], caches / "alone")
    costs: dict[str, list[Cost]] = {PARSING: []}
    for name, (command, cache) in commands.items():
        if name == "one file changed":
            before_change()
        costs[PARSING].append(cost(parse, caches))
        costs[name] = [cost(command, cache)]
    shutil.rmtree(caches, ignore_errors=True)
    return costs


def measured(folder: Path, rounds: int) -> Table:
    """All rounds on one folder."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary, "project")
        work.mkdir()
        tree, listing = copied(folder, work), Path(temporary, "listing")
        files, lines = parsable(tree, listing)
        target = middle_file(listing)
        parse = [sys.executable, "-c", PARSE, str(listing)]
        costs: dict[str, list[Cost]] = {}
        for number in range(rounds):
            changing = functools.partial(change, target, number)
            found = one_round(parse, tree, Path(temporary, "caches"), changing)
            costs = {name: costs.get(name, []) + more for name, more in found.items()}
    medians = {name: median(costs[name]) for name in SCANS}
    return Table(folder.resolve().name, files, lines, median(costs[PARSING]), medians)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of log y over log x, by least squares."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    return statistics.linear_regression(*zip(*logs, strict=True)).slope


def table_text(table: Table) -> list[str]:
    parse = table.parse
    lines = [
        f"{table.name}: {table.files} files, {table.lines} lines, ast.parse "
        f"{parse.cpu:.2f} s CPU, {parse.wall:.2f} s wall, {parse.peak:.0f} MB",
        f"  {'scan':18}{'CPU s':>8}{'ratio':>8}{'wall s':>9}{'ratio':>8}{'peak MB':>9}",
    ]
    for name, one in table.scans.items():
        lines.append(
            f"  {name:18}{one.cpu:8.2f}{one.cpu / parse.cpu:8.2f}"
            f"{one.wall:9.2f}{one.wall / parse.wall:8.2f}{one.peak:9.0f}"
        )
    return lines


def scaling_text(tables: Sequence[Table]) -> str:
    cold = [table.scans["cold, one job"].cpu for table in tables]
    over_lines = exponent([(table.lines, cpu) for table, cpu in zip(tables, cold, strict=True)])
    over_parse = exponent([(table.parse.cpu, cpu) for table, cpu in zip(tables, cold, strict=True)])
    return f"cold CPU grows as lines^{over_lines:.2f}, as parse CPU^{over_parse:.2f}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    tables = []
    for folder in options.folders:
        tables.append(measured(folder, options.rounds))
        print("\n".join(table_text(tables[-1])), flush=True)
    if len(tables) > 1:
        print(scaling_text(tables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
