"""Random programs that use PostgreSQL are migrated: both note the same and leave the same tables.

    python -m tests.fuzz.postgres [--programs N] [--from SEED] [--driver NAME] [--target NAME]
    python -m tests.fuzz.postgres --seed SEED --driver NAME --target NAME [--reduce SECONDS]

Many programs make one project, which is migrated by the command line tool as it is.  Each run has a
database of its own; a program works in a schema of its own and begins its notes with its number.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.never_awaited import watching
from tests.fuzz.constructs import Seeded
from tests.fuzz.postgres_programs import PSYCOPG, PSYCOPG2, Choices, project
from tests.fuzz.walks import _spans, _without
from tests.postgres_server import Server, dump, hold

CLAIMED: dict[tuple[str, str], tuple[str, ...]] = {
    (PSYCOPG, "asyncpg"): (),
    (PSYCOPG, "psycopg"): ("--postgres", "psycopg"),
    (PSYCOPG2, "asyncpg"): (),
    (PSYCOPG2, "psycopg"): ("--postgres", "psycopg"),
}
"""Which driver is migrated to which target, and the options that ask for it."""
DRIVERS = sorted({driver for driver, _ in CLAIMED})
TARGETS = sorted({target for _, target in CLAIMED})
EACH = 100
"""Programs that are migrated together."""
SHOWN = 20
"""Differences of these that are printed."""
LEFT_BEHIND = ("Task was destroyed", "exception was never retrieved", "ResourceWarning")

Migration = Callable[[Path], None]


@dataclass(frozen=True)
class Difference:
    """What a program, or with the number -1 the whole run, does otherwise."""

    number: int
    text: str

    def __str__(self) -> str:
        return f"program {self.number}: {self.text}"


@dataclass(frozen=True)
class Ran:
    """What a project did, for each of its programs."""

    status: int
    errors: str
    notes: dict[int, list[str]]
    tables: dict[int, dict[str, list[str]]]
    never_awaited: list[str]


def run(folder: Path, server: Server) -> Ran:
    with server.database() as database, watching() as watch:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        kept.pop("PYTHONPATH", None)
        done = subprocess.run(
            [sys.executable, "-W", "error", "main.py", database.uri],
            cwd=folder,
            env=watch.environment({**kept, "PYTHONDONTWRITEBYTECODE": "1"}),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        notes = defaultdict[int, list[str]](list)
        number = -1
        for line in done.stdout.splitlines():
            first, _, rest = line.partition(" ")
            if first.isdigit():
                number = int(first)
            notes[number].append(rest if first.isdigit() else line)
        tables = defaultdict[int, dict[str, list[str]]](dict)
        for name, rows in dump(database.uri).items():
            tables[int(name.partition(".")[0].removeprefix("g"))][name] = rows
        return Ran(done.returncode, done.stderr, notes, tables, watch.seen())


def migrate(driver: str, target: str) -> Migration:
    def by_command_line(folder: Path) -> None:
        command = [sys.executable, "-m", "asyncshift", "apply", "--yes"]
        command += CLAIMED[driver, target]
        done = subprocess.run(
            [*command, str(folder)], capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")

    return by_command_line


def still_sync(folder: Path) -> list[str]:
    """Functions of the programs that were not migrated: there is no reason for any."""
    found = []
    for path in sorted(folder.glob("programs_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith(("case_", "work_")):
                found.append(node.name)
    return found


def compare(
    programs: Sequence[tuple[int, Choices]], driver: str, migration: Migration, server: Server
) -> list[Difference]:
    numbers = [number for number, _ in programs]
    return compared(project(programs, driver), numbers, migration, server)


def compared(
    files: Mapping[str, str], numbers: Sequence[int], migration: Migration, server: Server
) -> list[Difference]:
    with tempfile.TemporaryDirectory(prefix="asyncshift-programs-") as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        before = run(folder, server)
        if before.status:
            return [Difference(-1, f"the sync programs fail:\n{before.errors}")]
        migration(folder)
        left = still_sync(folder)
        after = run(folder, server)
    found = [Difference(-1, f"not migrated: {', '.join(left)}")] if left else []
    if after.status or any(text in after.errors for text in LEFT_BEHIND):
        found.append(Difference(-1, f"the migrated programs fail:\n{after.errors}"))
    if after.never_awaited:
        found.append(Difference(-1, "never awaited:\n" + "\n".join(after.never_awaited)))
    for number in numbers:
        old, new = before.notes[number], after.notes[number]
        if old != new:
            found.append(Difference(number, first_difference(old, new)))
        elif before.tables[number] != after.tables[number]:
            tables = (before.tables[number], after.tables[number])
            lines = ([f"{name}: {row}" for name in one for row in one[name]] for one in tables)
            found.append(Difference(number, first_difference(*lines)))
    return found


def smaller(
    files: Mapping[str, str], number: int, migration: Migration, server: Server, seconds: float
) -> dict[str, str]:
    """The programs with as many statements left out as lets them differ."""
    until = time.monotonic() + seconds
    found = dict(files)
    (name,) = (name for name in files if name.startswith("programs_"))
    for deep in (False, True, True):
        left = len(_spans(found[name], deep))
        while left > 0 and time.monotonic() < until:
            left -= 1
            shorter = _without(found[name], _spans(found[name], deep)[left])
            if shorter is not None:
                trial = {**found, name: shorter}
                if any(
                    one.number == number for one in compared(trial, [number], migration, server)
                ):
                    found = trial
            left = min(left, len(_spans(found[name], deep)))
    return found


def first_difference(old: Sequence[str], new: Sequence[str]) -> str:
    for index, line in enumerate(old):
        other = new[index] if index < len(new) else "nothing"
        if line != other:
            return f"line {index}\n  before: {line}\n  after:  {other}"
    return f"after, there is more: {new[len(old)]}"


def seeded(seeds: Sequence[int]) -> list[tuple[int, Choices]]:
    return [(seed, Seeded(random.Random(seed))) for seed in seeds]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=3000, help="how many, of all kinds")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--seed", type=int, help="show and run this one")
    parser.add_argument("--reduce", type=float, metavar="SECONDS", help="make --seed's small")
    parser.add_argument("--driver", choices=DRIVERS)
    parser.add_argument("--target", choices=TARGETS)
    args = parser.parse_args()
    kinds = [
        (driver, target)
        for driver, target in CLAIMED
        if args.driver in (None, driver) and args.target in (None, target)
    ]
    count, wrong = 0, 0
    with hold() as server:
        if args.seed is not None:
            files = project(seeded([args.seed]), kinds[0][0])
            if args.reduce:
                migration = migrate(*kinds[0])
                files = smaller(files, args.seed, migration, server, args.reduce)
                print(*compared(files, [args.seed], migration, server), sep="\n")
            print(files["programs_0.py"])
            if args.reduce:
                return 0
        for driver, target in kinds:
            last = args.first + args.programs // len(kinds)
            seeds = range(args.first, last) if args.seed is None else [args.seed]
            for start in range(0, len(seeds), EACH):
                some = seeds[start : start + EACH]
                found = compare(seeded(some), driver, migrate(driver, target), server)
                for difference in found[:SHOWN]:
                    print(f"{driver} to {target}, {difference}", flush=True)
                count += len(some)
                wrong += len(found)
    print(f"{count} programs, {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
