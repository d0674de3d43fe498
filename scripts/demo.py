"""`make demo`: migrates the example, runs it before and after, compares and measures.

Everything happens in a temporary copy.  Exits with 1 when any output, file, exit status, request
or row in the database differs between the two versions, or when the tests of the example fail in
either.  The database is a throw-away PostgreSQL (`tests/postgres_server.py`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.postgres_server import Server, dump, hold  # noqa: E402

EXAMPLE = ROOT / "examples" / "shelfsync"
MODULES = (
    *("shelfsync.rates", "shelfsync.client", "shelfsync.importer", "shelfsync.store"),
    "shelfsync.cli",
)
# Not compared: who asks, and how many bytes a JSON body takes (httpx leaves out the spaces).
UNCOMPARED_HEADERS = frozenset({"user-agent", "content-length", "host"})


@dataclass
class Findings:
    """What was compared; any difference makes the demo fail."""

    same: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    def compare(self, what: str, before: object, after: object) -> None:
        if before == after:
            self.same.append(what)
            print(f"  same       {what}")
        else:
            self.different.append(what)
            print(f"  DIFFERENT  {what}\n    before: {before!r}\n    after:  {after!r}")

    def require(self, what: str, holds: bool) -> None:
        (self.same if holds else self.different).append(what)
        print(f"  {'ok' if holds else 'FAILED':<9}  {what}")


def heading(text: str) -> None:
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}{text}\n{'=' * len(text)}{plain}\n", flush=True)


def asyncshift(*arguments: str, cwd: Path) -> int:
    print(f"$ asyncshift {' '.join(arguments)}\n", flush=True)
    command = [sys.executable, "-m", "asyncshift", *arguments]
    return subprocess.run(command, cwd=cwd, check=False).returncode


@contextlib.contextmanager
def shop(latency: float) -> Iterator[str]:
    """The small shop in a process of its own; gives its address."""
    script = str(ROOT / "scripts" / "demo_shop.py")
    command = [sys.executable, script, "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def search_path(version: Path) -> str:
    """The version's sources, behind what watches the demo's programs, if anything does."""
    return os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(version / "src")]))


def python(version: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    own = {"PYTHONPATH": search_path(version), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-W", "always", *arguments],
        cwd=version,
        env={**os.environ, **own, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def requests_seen(url: str) -> list[dict[str, Any]]:
    """What reached the shop since the last call, in order."""
    with urllib.request.urlopen(f"{url}/_log") as response:
        entries: list[dict[str, Any]] = json.load(response)
    for entry in entries:
        entry["headers"] = {
            name: value
            for name, value in sorted(entry["headers"].items())
            if name not in UNCOMPARED_HEADERS
        }
    return entries


def command_lines(version: Path, latency: float, server: Server) -> dict[str, Any]:
    """Runs the application's commands against a fresh shop and database; all that can be seen."""
    seen: dict[str, Any] = {}
    out = version / "catalogue.json"
    with shop(latency) as url, server.database() as database:
        kept = ["--database", database.uri]
        for name, token, arguments in (
            ("import", "demo", ["import", "--out", str(out), *kept]),
            ("import, again", "demo", ["import", *kept, "--keep", "1"]),
            ("stored", "demo", ["stored", *kept, "--find", "cup", "--below", "6"]),
            ("categories", "demo", ["categories"]),
            ("a wrong token", "wrong", ["import", *kept]),
        ):
            done = python(version, "-m", "shelfsync", "--url", url, "--token", token, *arguments)
            seen[f"output of `{name}`"] = done.stdout
            seen[f"errors of `{name}`"] = done.stderr
            seen[f"exit status of `{name}`"] = done.returncode
            seen[f"requests of `{name}`"] = requests_seen(url)
        tables = dump(database.uri)
    seen["the file written"] = out.read_text(encoding="utf-8") if out.exists() else None
    seen["tables and sequences"] = sorted(tables)
    for name, rows in tables.items():
        seen[f"the rows of {name}"] = rows
    return seen


def run_tests(version: Path, server: Server) -> tuple[bool, str]:
    options = ["-q", "-p", "no:cacheprovider", "-W", "error"]
    with server.database() as database:
        done = python(version, "-m", "pytest", *options, SHELFSYNC_TEST_DSN=database.uri)
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    if done.returncode:
        print(done.stdout, done.stderr)
    return done.returncode == 0, lines[-1] if lines else "no output"


def load(version: Path, latency: float, runs: int) -> dict[str, Any]:
    script = str(ROOT / "scripts" / "demo_load.py")
    with shop(latency) as url:
        done = python(version, script, "--url", url, "--runs", str(runs))
    if done.returncode:
        sys.exit(f"the load run failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def table(rows: Sequence[tuple[str, dict[str, Any]]], runs: int) -> None:
    print(f"  {'':<30}{'seconds':>9}{'runs/s':>9}{'CPU s':>9}{'threads':>9}")
    for name, result in rows:
        print(
            f"  {name:<30}{result['seconds']:>9.2f}{runs / result['seconds']:>9.1f}"
            f"{result['cpu']:>9.2f}{result['threads']:>9}"
        )


def compare_behaviour(
    before: Path, after: Path, findings: Findings, latency: float, server: Server
) -> None:
    old, new = (command_lines(version, latency, server) for version in (before, after))
    for what in old:
        findings.compare(what, old[what], new.get(what))
    print("\nThe output of `import`, first lines:\n")
    for line in new["output of `import`"].splitlines()[:6]:
        print(f"    {line}")


def compare_load(before: Path, after: Path, findings: Findings, latency: float, runs: int) -> None:
    old, new = load(before, latency, runs), load(after, latency, runs)
    table([("before: requests in threads", old), ("after: one event loop", new)], runs)
    if runs > 1:
        print(
            f"\n  One loop on {new['threads']} thread{'s' * (new['threads'] > 1)} instead of "
            f"{old['threads']} threads.  CPU for each import: httpx "
            f"{1000 * new['cpu'] / runs:.0f} ms, requests {1000 * old['cpu'] / runs:.0f} ms."
        )
    print()
    findings.require("the version before is sync, the version after async", (
        old["async"], new["async"]) == (False, True))  # fmt: skip
    findings.compare(f"the result of {runs} run{'s' * (runs > 1)}", old["outputs"], new["outputs"])


def module_by_module(work: Path, after: Path, findings: Findings, server: Server) -> None:
    """Another copy, one module at a time: the tests pass after each step, and it ends the same."""
    steps = work / "steps"
    shutil.copytree(EXAMPLE, steps, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (*MODULES, ""):
        options = ["--module", module] if module else []
        command = [sys.executable, "-m", "asyncshift", "apply", "--yes", *options, "."]
        done = subprocess.run(command, cwd=steps, capture_output=True, text=True, check=False)
        said = next((line for line in done.stderr.splitlines() if "changed" in line), done.stderr)
        print(f"$ asyncshift apply {' '.join(options) or '(all that is left)'}\n  {said}")
        passed, line = run_tests(steps, server)
        findings.require(f"tests: {line}", passed and done.returncode == 0)
    asyncshift("status", ".", cwd=steps)
    trees = [
        {path.relative_to(tree): path.read_bytes() for path in sorted(tree.rglob("*.py"))}
        for tree in (after, steps)
    ]
    findings.require("the same files as in one step, byte for byte", trees[0] == trees[1])


def demo(work: Path, findings: Findings, latency: float, runs: int, server: Server) -> None:
    before, after = work / "before", work / "after"
    for version in (before, after):
        shutil.copytree(EXAMPLE, version, ignore=shutil.ignore_patterns("__pycache__"))

    heading("1. Where the application blocks, and whether async is worth it")
    findings.require("scan", asyncshift("scan", "src", cwd=before) == 0)
    heading("2. What would change: nothing is written yet")
    plan = str(work / "plan.json")
    findings.require("diff", asyncshift("diff", ".", "--out", plan, cwd=after) == 0)
    heading("3. Written to a copy, exactly as it was shown")
    findings.require("apply", asyncshift("apply", plan, cwd=after) == 0)
    again = asyncshift("diff", ".", "--exit-code", cwd=after)
    findings.require("a second run finds nothing to do", again == 0)

    heading("4. Both versions against a small local server and a PostgreSQL")
    compare_behaviour(before, after, findings, min(latency, 0.01), server)
    heading("5. The application's own tests")
    for name, version in (("before", before), ("after", after)):
        passed, line = run_tests(version, server)
        findings.require(f"{name}: {line}", passed)

    heading("6. The same, one module at a time")
    module_by_module(work, after, findings, server)

    heading(f"7. {runs} imports at once, {latency * 1000:.0f} ms for each answer of the server")
    compare_load(before, after, findings, latency, runs)
    heading("8. One import alone: async does not make sequential code faster")
    compare_load(before, after, findings, latency, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds for each answer")
    parser.add_argument("--runs", type=int, default=50, help="imports at once")
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it")
    args = parser.parse_args()
    findings = Findings()
    with contextlib.ExitStack() as stack:
        if args.keep:
            work = args.keep.resolve()
            work.mkdir(parents=True)
        else:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asyncshift-")))
        server = stack.enter_context(hold())
        demo(work, findings, args.latency, args.runs, server)
    heading("Result")
    print(f"  {len(findings.same)} comparisons hold, {len(findings.different)} do not")
    for what in findings.different:
        print(f"  different: {what}")
    return 1 if findings.different else 0


if __name__ == "__main__":
    sys.exit(main())
