"""What a dry run costs: CPU seconds of `scan`, `graph` and `diff` as multiples of `ast.parse`.

    python benchmarks/dry_run.py [FOLDER ...] [--runs N]

Without folders, a copy of the standard library is measured.  Each command runs in a process of its
own, start of the interpreter included; the lowest of N runs counts.
"""

from __future__ import annotations

import argparse
import ast
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

COMMANDS = (
    ("scan", "--no-cache"),
    ("graph", "--no-cache", "--format", "json"),
    ("diff", "--no-cache"),
    ("diff", "--no-cache", "--jobs", "1"),
    ("diff",),
)
"""The last one with facts from the cache, which a run before it has filled."""


def sources(folder: Path) -> list[bytes]:
    """The Python files that parse."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        try:
            ast.parse(content)
        except (SyntaxError, ValueError):
            continue
        found.append(content)
    return found


def lowest(runs: int, measured: Callable[[], float]) -> float:
    return min(measured() for _ in range(runs))


def parse_seconds(contents: list[bytes]) -> float:
    start = time.process_time()
    for content in contents:
        ast.parse(content)
    return time.process_time() - start


def command_seconds(folder: Path, arguments: tuple[str, ...], home: Path) -> float:
    """CPU seconds of one command with its workers; an error ends the benchmark."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "asyncshift", arguments[0], str(folder), *arguments[1:]],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "XDG_CACHE_HOME": str(home)},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def standard_library(to: Path) -> Path:
    """A copy without tests, installed packages and what is there twice."""
    unwanted = shutil.ignore_patterns("test", "tests", "*-packages", "__pycache__", "lib2to3")
    shutil.copytree(sysconfig.get_path("stdlib"), to, ignore=unwanted, symlinks=True)
    return to


def main() -> int:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary, "cache")
        folders = options.folders or [standard_library(Path(temporary, "stdlib"))]
        for folder in folders:
            contents = sources(folder)
            base = lowest(options.runs, lambda files=contents: parse_seconds(files))
            lines = sum(content.count(b"\n") for content in contents)
            print(f"{folder.name}: {len(contents)} files, {lines} lines, ast.parse {base:.2f} s")
            subprocess.run(
                [sys.executable, "-m", "asyncshift", "scan", str(folder)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "XDG_CACHE_HOME": str(home)},
                check=True,
            )
            for arguments in COMMANDS:
                cost = lowest(
                    options.runs,
                    lambda where=folder, what=arguments: command_seconds(where, what, home),
                )
                print(f"  {' '.join(arguments):28} {cost:7.2f} s  {cost / base:5.1f} x ast.parse")
    return 0


if __name__ == "__main__":
    sys.exit(main())
