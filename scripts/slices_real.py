"""Migrates real packages module by module, in random orders, and checks every step.

    python scripts/slices_real.py [--only NAME ...] [--orders N] [--steps N] [--seed N]

Each step is a `diff --module M` whose plan is applied.  Checked after it: the exit status, that
what was changed is what the plan names and compiles, that the same step again changes nothing,
that `check` finds nothing new.  At the end of an order: the tree equals that of the one-step
migration, and `undo` gives back every byte.  A failed check is printed with the command that shows
it; exit status 1 when there was one.  The packages are those of scripts/real_code.py and more.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from real_code import PACKAGES, ROOT, Package, asyncshift, contents, fetch, unpack

MORE = (
    Package("tweepy", "4.17.0", "client with a streaming half"),
    Package("stravalib", "0.10.4", "client with lazy result lists"),
    Package("simple-salesforce", "1.12.10", "client, classes that share a session"),
    Package("backoff", "2.2.1", "decorators around sync and async functions"),
    Package("pyserial", "3.5", "device driver: threads, locks, properties"),
    Package("hvac", "2.4.0", "client over exchangeable adapters"),
    Package("jira", "3.10.5", "client with resources that know their session"),
    Package("rq", "3.0.0", "workers that fork"),
)
HUGE = frozenset({"twilio", "apache-airflow"})
"""Too large for a whole walk within a coffee."""


@dataclass(slots=True)
class Walk:
    """One scratch copy of a package and what was found wrong on the way."""

    name: str
    folder: Path
    verbose: bool = False
    steps: int = 0
    missed: list[str] = field(default_factory=list)
    findings: Counter[str] = field(default_factory=Counter)
    """What `check` says of the tree as it is."""

    def miss(self, command: Sequence[str], text: str) -> None:
        self.missed.append(text)
        print(f"  missed: {self.name}: {' '.join(command)}: {text}", flush=True)

    def step(self, *options: str) -> bool:
        """Plan, write and check one step; whether it changed anything."""
        before = contents(self.folder)
        plan = self.folder.with_suffix(".plan")
        command = ("diff", "--format", "json", "--out", str(plan), *options, str(self.folder))
        done, _ = asyncshift(*command)
        if done.returncode != 0:
            self.miss(command, f"status {done.returncode}: {done.stderr[-400:]}")
            return False
        named = {entry["path"] for entry in json.loads(done.stdout)["files"]}
        done, _ = asyncshift("apply", "--yes", "--allow-dirty", str(plan))
        if done.returncode != 0:
            self.miss(command, f"apply, status {done.returncode}: {done.stderr[-400:]}")
            return False
        self.steps += 1
        after = contents(self.folder)
        changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
        if self.verbose:
            print(f"  {self.name}: {' '.join(options)}: {len(changed)} files", flush=True)
        if changed != named:
            self.miss(command, f"changed and named differ in {sorted(changed ^ named)[:3]}")
        for text in _broken(after, changed):
            self.miss(command, text)
        if changed:
            self.settled(command, options)
            self.checked(command)
        return bool(changed)

    def settled(self, command: Sequence[str], options: Sequence[str]) -> None:
        if {"--change-set", "--without"} & set(options):
            return  # numbers mean other sets now
        done, _ = asyncshift("diff", "--format", "json", *options, str(self.folder))
        if done.returncode != 0:
            self.miss(command, f"again, status {done.returncode}: {done.stderr[-400:]}")
        elif again := json.loads(done.stdout)["files"]:
            self.miss(command, f"again, changes {[entry['path'] for entry in again][:3]}")

    def checked(self, command: Sequence[str]) -> None:
        found = findings(self.folder)
        for text in sorted((found - self.findings).elements())[:5]:
            self.miss(command, f"check: {text}")
        self.findings = found


def _broken(files: Mapping[str, bytes], changed: set[str]) -> Iterator[str]:
    for path in sorted(changed & files.keys()):
        if path.endswith(".py"):
            try:
                compile(files[path], path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                yield f"{path} does not compile: {error}"


def findings(folder: Path) -> Counter[str]:
    """What `check` finds, without line numbers: a step moves lines."""
    done, _ = asyncshift("check", "--format", "json", str(folder))
    if done.returncode not in (0, 1):
        return Counter({f"status {done.returncode}: {done.stderr[-400:]}": 1})
    return Counter(
        f"{entry['path']}: {entry['rule']}: {entry['text']}"
        for entry in json.loads(done.stdout)["findings"]
    )


def differences(left: Path, right: Path) -> list[str]:
    """Files of two trees that do not say the same, by their syntax trees."""
    one, other = contents(left), contents(right)
    return [
        path
        for path in sorted({*one, *other})
        if one.get(path) != other.get(path) and _dump(one.get(path)) != _dump(other.get(path))
    ]


def _dump(source: bytes | None) -> str:
    return ast.dump(ast.parse(source)) if source is not None else ""


def migrated_modules(folder: Path) -> list[str]:
    """The modules that the ledger names: those that the migration of everything changes, but for
    tests, which change with what they test."""
    modules = (path.stem for path in (folder / ".asyncshift" / "ledger").glob("*.json"))
    return sorted(m for m in modules if not any(p.startswith("test") for p in m.split(".")))


def walk(package: Package, cache: Path, work: Path, options: argparse.Namespace) -> list[str]:
    """All orders of one package."""
    random_ = random.Random(f"{options.seed} {package.name}")
    origin = unpack(fetch(package, cache), work / package.name / "origin")
    whole = Walk(f"{package.name} at once", work / package.name / "whole")
    shutil.copytree(origin, whole.folder, symlinks=True)
    whole.findings = first = findings(origin)
    whole.step()
    modules = migrated_modules(whole.folder)
    missed, steps = list(whole.missed), 0
    for number in range(options.orders):
        step = Walk(f"{package.name} #{number}", work / package.name / str(number))
        step.verbose, step.findings = options.verbose, first
        shutil.copytree(origin, step.folder, symlinks=True)
        written = 0
        order = options.module or random_.sample(modules, min(len(modules), options.steps))
        for module in order:
            written += step.step("--module", module)
        written += step.step()
        for path in differences(whole.folder, step.folder):
            step.miss(order, f"{path} is not what one step makes of it")
        if not options.no_undo:
            for _ in range(written):
                asyncshift("undo", "--project", str(step.folder))
            if contents(step.folder) != contents(origin):
                step.miss(order, "undo leaves other bytes")
        missed += step.missed
        steps += step.steps
    print(f"{package.pin}: {len(modules)} modules, {steps} steps, {len(missed)} missed", flush=True)
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", metavar="NAME", help="this package; repeatable")
    parser.add_argument("--module", action="append", metavar="M", help="this order; repeatable")
    parser.add_argument("--orders", type=int, default=2, metavar="N", help="walks per package")
    parser.add_argument("--steps", type=int, default=6, metavar="N", help="single modules per walk")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the trees here")
    parser.add_argument("--cache", type=Path, default=ROOT / ".real-code", metavar="DIR")
    parser.add_argument("--no-undo", action="store_true", help="leave the migrated trees")
    parser.add_argument("--verbose", action="store_true", help="name every step")
    options = parser.parse_args()
    known = [package for package in (*PACKAGES, *MORE) if package.name not in HUGE]
    wanted = {name.lower() for name in options.only or ()}
    if wanted - {package.name.lower() for package in known}:
        parser.error(f"known packages: {', '.join(package.name for package in known)}")
    missed = []
    with tempfile.TemporaryDirectory() as temporary:
        work = options.keep.resolve() if options.keep else Path(temporary)
        for package in known:
            if not wanted or package.name.lower() in wanted:
                shutil.rmtree(work / package.name, ignore_errors=True)
                missed += walk(package, options.cache, work, options)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
