"""Migrates real packages, checks what must hold for each, and writes docs/real-code.md.

    python scripts/real_code.py [--only NAME ...] [--keep DIR] [--no-docs]

The source distributions are downloaded once by name and version into `.real-code`; nothing of
them is imported or run.  Exit status 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import ast
import json
import platform
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libcst

from asyncshift import __version__
from asyncshift.discover import source_file
from asyncshift.erasure import compare
from asyncshift.erasure_constructors import is_factory
from asyncshift.erasure_scopes import Scopes
from asyncshift.loading import load_registry

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "real-code.md"
MECHANICAL = 0.70
"""The share of change-sets in which nothing but async changed."""
DRIVERS = frozenset({"_psycopg.py", "_psycopg2.py"})
"""Generated modules that stand for a driver; they need the new one, and nothing of the project."""
OWN_FOLDER = ".asyncshift"
"""Where `apply` keeps what `undo` needs."""


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned source distribution."""

    name: str
    version: str
    about: str

    @property
    def pin(self) -> str:
        return f"{self.name}=={self.version}"


PACKAGES = (
    Package("spotipy", "2.26.0", "client of one API, retries through an adapter"),
    Package("prawcore", "2.4.0", "the core of a client: sessions, rate limits, tokens"),
    Package("PyGithub", "2.4.0", "client with lazy attributes and paginated lists"),
    Package("python-gitlab", "4.13.0", "client over an exchangeable backend"),
    Package("twilio", "9.13.0", "generated client with an async half of its own"),
    Package("apache-airflow", "2.10.5", "application: scheduler, command line, web, database"),
    Package("target-postgres", "1.1.3", "loader of streams, with psycopg2 and COPY"),
    Package("pipelinewise-target-postgres", "2.1.2", "the same, loading in parallel by joblib"),
    Package("pypgoutput", "0.0.3", "reader of logical replication, with psycopg2's cursor classes"),
    Package("pgdumplib", "4.0.0", "dumps and their fixtures, with psycopg 3"),
    Package("yoyo-migrations", "8.2.0", "migrations over any driver, which is found by name"),
    Package("pgcli", "4.7.1", "command line over psycopg 3, with adapters of its own"),
)


@dataclass(slots=True)
class Result:
    """What one package showed.  `missed` are the bars that it did not clear."""

    package: Package
    lines: int = 0
    files: int = 0
    summary: Mapping[str, Any] = field(default_factory=dict)
    recheck: int = 0
    """Change-sets in which this script's own comparison finds nothing but async."""
    changed: int = 0
    parse_seconds: float = 0.0
    diff_seconds: float = 0.0
    missed: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Mapping[str, int]:
        return dict(self.summary.get("counts", {}))

    @property
    def change_sets(self) -> list[dict[str, Any]]:
        return list(self.summary.get("change_sets", []))

    @property
    def mechanical(self) -> int:
        return sum(bool(change["mechanical"]) for change in self.change_sets)

    @property
    def share(self) -> float:
        return _share(self.change_sets)

    @property
    def own_share(self) -> float:
        """Without change-sets in the tests alone, where nearly all are bridges."""
        return _share([c for c in self.change_sets if not all(map(_is_test, c["functions"]))])


def _share(change_sets: list[dict[str, Any]]) -> float:
    if not change_sets:
        return 1.0
    return sum(bool(change["mechanical"]) for change in change_sets) / len(change_sets)


def _is_test(function: str) -> bool:
    folders = function.partition(":")[0].split("/")
    return "tests" in folders[:-1] or folders[-1].startswith(("test_", "conftest"))


# ----------------------------------------------------------------------------- getting them


def fetch(package: Package, cache: Path) -> Path:
    """The archive's path; downloaded without dependencies when it is not there yet."""
    folder = cache / package.pin
    found = [*folder.glob("*.tar.gz"), *folder.glob("*.zip")]
    if not found:
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-binary", ":all:", "--dest", str(folder)]
        subprocess.run([*command, package.pin], check=True)
        found = [*folder.glob("*.tar.gz"), *folder.glob("*.zip")]
    return found[0]


def unpack(archive: Path, to: Path) -> Path:
    """The archive's one folder, unpacked below `to`."""
    with tarfile.open(archive) as content:
        content.extractall(to, filter="data")
    (folder,) = to.iterdir()
    return folder


# ----------------------------------------------------------------------------- measuring


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but for what the tool keeps for itself."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and OWN_FOLDER not in path.relative_to(folder).parts
    }


def parse_cost(files: Mapping[str, bytes]) -> float:
    """CPU seconds of `ast.parse` over the Python files that parse: the lower of two runs."""
    sources = [data for path, data in files.items() if path.endswith(".py")]
    costs = []
    for _ in range(2):
        start = time.process_time()
        for source in sources:
            _parse(source)
        costs.append(time.process_time() - start)
    return min(costs)


def _parse(source: bytes) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError):
            return None


def asyncshift(*arguments: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run the command; what it says, and its CPU seconds with those of its workers."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "asyncshift", *arguments], capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


# ----------------------------------------------------------------------------- checking


def examine(package: Package, cache: Path, work: Path) -> Result:
    """Migrate one package and look at everything that must hold."""
    result = Result(package)
    folder = unpack(fetch(package, cache), work / package.name)
    before = contents(folder)
    python = [data for path, data in before.items() if path.endswith(".py")]
    result.files, result.lines = len(python), sum(data.count(b"\n") for data in python)
    result.parse_seconds = parse_cost(before)
    plan = work / f"{package.name}.plan"
    done, result.diff_seconds = asyncshift(
        "diff", "--no-cache", "--format", "json", "--out", str(plan), str(folder)
    )
    if done.returncode != 0:
        result.missed.append(f"diff ended with {done.returncode}: {_complaint(done.stderr)}")
        return result
    result.summary = json.loads(done.stdout)
    if contents(folder) != before:
        result.missed.append("diff wrote something")
    done, _ = asyncshift("apply", str(plan))
    if done.returncode != 0:
        result.missed.append(f"apply ended with {done.returncode}: {_complaint(done.stderr)}")
        return result
    after = contents(folder)
    result.missed += _written(result.summary, plan, folder, before, after)
    result.missed += _compiled(before, after)
    result.missed += _settled(folder, after)
    result.missed += _checked(folder, before, after)
    result.changed = sum(before.get(path) != data for path, data in after.items())
    result.missed += _proved(result, before, after)
    if result.share < MECHANICAL:
        result.missed.append(f"{result.share:.0%} of the change-sets are mechanical")
    return result


def _complaint(errors: str) -> str:
    """The line that says what went wrong: of a message its first, of a traceback its last."""
    lines = errors.strip().splitlines() or ["no message"]
    for line in lines:
        if line.startswith("error: ") or re.match(r"[\w.]+(Error|Exception): ", line):
            return line
    return lines[-1]


def _written(
    summary: Mapping[str, Any],
    plan: Path,
    root: Path,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
) -> Iterator[str]:
    """The stored plan is what was written, and the diff names every changed file."""
    named = {entry["path"] for entry in summary["files"]}
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    if changed != named:
        yield f"the diff names other files than were changed: {sorted(changed ^ named)[:3]}"
    stored = json.loads(plan.read_bytes())["asyncshift_plan"]["files"]
    for entry in stored:
        if (root / entry["path"]).read_bytes() != entry["new"].encode("utf-8", "surrogateescape"):
            yield f"{entry['path']} is not what the plan says"


def _compiled(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[str]:
    for path, data in after.items():
        if before.get(path) == data or not path.endswith(".py"):
            continue
        try:
            compile(data, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            yield f"{path} does not compile: {error}"


def _settled(folder: Path, after: Mapping[str, bytes]) -> Iterator[str]:
    """A second run finds nothing to change."""
    done, _ = asyncshift("diff", "--no-cache", "--format", "json", str(folder))
    if done.returncode != 0:
        yield f"the second diff ended with {done.returncode}"
    elif again := json.loads(done.stdout)["files"]:
        yield f"the second diff changes {[entry['path'] for entry in again][:3]}"
    elif contents(folder) != after:
        yield "the second diff wrote something"


def _checked(
    folder: Path, before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> Iterator[str]:
    """`check` finds nothing in the tree, and the generated drivers can be imported."""
    done, _ = asyncshift("check", str(folder))
    if done.returncode != 0:
        yield f"check ended with {done.returncode}: {_complaint(done.stdout)}"
    for path in after.keys() - before.keys():
        if Path(path).name in DRIVERS:
            done = subprocess.run(
                [sys.executable, str(folder / path)], capture_output=True, text=True
            )
            if done.returncode != 0:
                yield f"{path} cannot be imported: {_complaint(done.stderr)}"


def _proved(result: Result, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """Compare once more, without the pipeline: a change-set it calls mechanical has to be."""
    registry = load_registry()
    verdicts: dict[str, Mapping[str, bool]] = {}
    names: dict[str, Mapping[int, str]] = {}
    renames, created = _coroutines(after), _created(after)
    for path, data in before.items():
        if path.endswith(".py") and after.get(path, data) != data:
            old = source_file(path, "", data).text
            new = source_file(path, "", after[path]).text
            verdicts[path] = compare(old, new, registry, renames, created)
            names[path] = _names(old)
    missed = []
    for change in result.change_sets:
        holds = all(_holds(function, verdicts, names) for function in change["functions"])
        result.recheck += holds
        if change["mechanical"] and not holds:
            missed.append(f"change-set {change['id']} ({change['title']}) is not mechanical")
    return missed


def _coroutines(after: Mapping[str, bytes]) -> Mapping[str, str]:
    """Names of coroutines that stand beside a facade, each with the facade's."""
    found: dict[str, str] = {}
    for path, data in after.items():
        if path.endswith(".py"):
            names = set(re.findall(rb"def (\w+)", data))
            for name in names:
                plain = name.removesuffix(b"_async")
                if plain != name and plain in names:
                    found[name.decode()] = plain.decode()
    return found


def _created(after: Mapping[str, bytes]) -> frozenset[str]:
    """Classes whose objects an async factory makes."""
    return frozenset(
        node.name
        for path, data in after.items()
        if path.endswith(".py") and b"cls.__new__(cls)" in data
        for node in ast.walk(ast.parse(data))
        if isinstance(node, ast.ClassDef)
        if any(isinstance(one, ast.AsyncFunctionDef) and is_factory(one) for one in node.body)
    )


def _names(text: str) -> Mapping[int, str]:
    """The line of each `def` -> how the erasure check names the function."""
    counts: dict[str, int] = {}
    names: dict[int, str] = {}
    for name, node, _ in Scopes(ast.parse(text)).functions:
        counts[name] = counts.get(name, 0) + 1
        names[node.lineno] = name if counts[name] == 1 else f"{name}#{counts[name]}"
    return names


def _holds(
    function: str,
    verdicts: Mapping[str, Mapping[str, bool]],
    names: Mapping[str, Mapping[int, str]],
) -> bool:
    path, line, *_ = function.split(":")
    if path not in verdicts:
        return True
    return verdicts[path][names[path].get(int(line), "<module>")]


# ----------------------------------------------------------------------------- the page

HEAD = """# Real code

Generated by `make real-code` ({date}, asyncshift {version}, Python {python}, LibCST {libcst}).
Each package is the source distribution as its authors published it, migrated as a whole, tests and
tools included, with no setting changed:

    asyncshift diff --no-cache --format json --out PLAN FOLDER
    asyncshift apply PLAN

Checked for each: the commands end with 0; every changed file compiles; a second `diff` is empty;
files that the diff does not name are byte for byte as they were; what was written is what the plan
stored; `check` finds nothing afterwards, and a generated database driver can be imported; in every
change-set that is called mechanical, this script's own comparison finds nothing but async; at least
{bar:.0%} of the change-sets are mechanical.

*Sites* are the blocking library calls found.  *Rewritten* became calls of an async library, *in
threads* are kept as they are in `asyncio.to_thread`, *left* stay in functions that stay sync.
*Threaded*, *bridged* and *refused* count places in the project's own calls too.  *Mechanical* is
the share of change-sets in which nothing but async changed, *without tests* the same over those
that touch more than the package's tests; a bridge counts as a way of waiting, as `await` does, and
is listed under *bridged*.  *CPU* is the cost of the `diff` command, start of the interpreter
included, as a multiple of `ast.parse` over the same files in the same run.
"""

PREFIXES = """\

## Module by module

`make prefixes` (`scripts/prefixes.py`) takes the example, programs of `tests/fixtures/programs` and
pyserial 3.5 (8,500 lines, whose tests run offline) one module at a time: leaves first, top down,
and in ten random orders.  It checks that after each step the project's own tests pass and leave no
coroutine un-awaited, `asyncshift check` finds nothing new, what the diff does not name is byte for
byte as it was, and the same step again changes nothing; and that at the end the tree holds the same
statements as after one step.  It takes any project: `--source DIR --tests "-m pytest -q"`.
"""


def page(results: list[Result]) -> str:
    """The whole of docs/real-code.md."""
    head = HEAD.format(
        date=time.strftime("%Y-%m-%d"),
        version=__version__,
        python=platform.python_version(),
        libcst=libcst.LIBCST_VERSION,
        bar=MECHANICAL,
    )
    titles = (
        "package", "lines", "sites", "rewritten", "in threads", "left", "turned async",
        "threaded", "bridged", "refused", "files changed", "change-sets", "mechanical",
        "without tests", "CPU",
    )  # fmt: skip
    rows = [titles, ("---",) + ("---:",) * (len(titles) - 1)]
    rows += [_row(result) for result in results]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    about = "\n".join(f"- **{r.package.pin}**: {r.package.about}" for r in results)
    missed = [f"- {r.package.name}: {text}" for r in results for text in r.missed]
    tail = "\n## Missed\n\n" + "\n".join(missed) + "\n" if missed else ""
    return f"{head}\n{table}\n\n{about}\n{tail}{PREFIXES}"


def _row(result: Result) -> tuple[str, ...]:
    counts = result.counts
    keys = ("sites", "rewritten", "site_threads", "left", "functions", "threaded", "bridged")
    ratio = result.diff_seconds / result.parse_seconds if result.parse_seconds else 0.0
    return (
        f"{result.package.name} {result.package.version}",
        f"{result.lines:,}",
        *(f"{counts.get(key, 0):,}" for key in (*keys, "refused")),
        f"{result.changed:,}",
        f"{len(result.change_sets):,}",
        f"{result.share:.0%}" if result.change_sets else "-",
        f"{result.own_share:.0%}" if result.change_sets else "-",
        f"{ratio:.1f}",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--only", action="append", metavar="NAME", help="this package; repeatable")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the migrated trees here")
    parser.add_argument("--cache", type=Path, default=ROOT / ".real-code", metavar="DIR")
    parser.add_argument("--no-docs", action="store_true", help="do not write docs/real-code.md")
    options = parser.parse_args()
    wanted = {name.lower() for name in options.only or ()}
    packages = [p for p in PACKAGES if not wanted or p.name.lower() in wanted]
    if wanted - {p.name.lower() for p in packages}:
        parser.error(f"known packages: {', '.join(p.name for p in PACKAGES)}")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        if options.keep:
            work = options.keep.resolve()
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
        results = []
        for package in packages:
            results.append(examine(package, options.cache, work))
            _tell(results[-1])
    if not wanted and not options.no_docs:
        DOCS.write_text(page(results), encoding="utf-8")
    return int(any(result.missed for result in results))


def _tell(result: Result) -> None:
    counts = result.counts
    ratio = result.diff_seconds / result.parse_seconds
    print(
        f"{result.package.pin}: {counts.get('sites', 0)} sites, "
        f"{counts.get('functions', 0)} functions turned, {result.changed} files changed, "
        f"{result.mechanical} of {len(result.change_sets)} change-sets mechanical "
        f"({result.own_share:.0%} without tests, {result.recheck} without names in doubt), "
        f"{result.diff_seconds:.1f} s CPU = {ratio:.1f} x ast.parse",
        flush=True,
    )
    for text in result.missed:
        print(f"  missed: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
