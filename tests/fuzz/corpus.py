"""Crashes and times of `graph` and `diff` on the standard library, its tests, and extreme sources.

    python -m tests.fuzz.corpus [--size N] [NAME ...]

The names are those of `extremes.MAKERS`, `stdlib` and `stdlib-tests`; without one, all.  For an
extreme, the CPU time of each command at N and at twice N is told: about twice is well.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz.extremes import MAKERS

COMMANDS = (("graph", "--format", "json"), ("diff",))
SECONDS = 900
AMBIGUOUS = "test/test_importlib/namespace_pkgs"
"""Three folders there have modules of the same names, which `asyncshift` refuses."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=2_000)
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    failed = 0
    for name, trees in _chosen(args.names, args.size):
        for command in COMMANDS:
            told = []
            for write in trees:
                with tempfile.TemporaryDirectory(prefix="corpus-") as work:
                    write(Path(work))
                    seconds, complaint = _run(command, Path(work))
                told.append(f"{seconds:.1f}")
                if complaint:
                    failed += 1
                    print(f"{name} {command[0]}: {complaint}", flush=True)
                    break
            print(f"{name} {command[0]}: {' '.join(told)} s", flush=True)
    print(f"{failed} failures")
    return min(failed, 1)


Writer = Callable[[Path], None]


def _chosen(names: list[str], size: int) -> Iterator[tuple[str, list[Writer]]]:
    library = Path(sysconfig.get_path("stdlib"))
    folders: dict[str, Writer] = {
        "stdlib": lambda work: _copied(library, work, "test", "site-packages"),
        "stdlib-tests": lambda work: _copied(library / "test", work / "test"),
    }
    for name in names or [*folders, *MAKERS]:
        if name in folders:
            yield name, [folders[name]]
        else:
            yield name, [_extreme(name, size), _extreme(name, 2 * size)]


def _copied(source: Path, target: Path, *left_out: str) -> None:
    """The Python files of a folder."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        here = left_out if Path(folder) == source else ()
        return {
            name
            for name in names
            if name in here
            or name == "__pycache__"
            or not (name.endswith(".py") or Path(folder, name).is_dir())
        }

    shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)


def _extreme(name: str, size: int) -> Writer:
    def write(work: Path) -> None:
        for path, content in MAKERS[name](size).items():
            target = work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    return write


def _run(command: tuple[str, ...], folder: Path) -> tuple[float, str]:
    """(seconds of CPU, what went wrong)."""
    settings = f"[project]\nname = 'p'\n[tool.asyncshift]\nignore = ['{AMBIGUOUS}']\n"
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "asyncshift", *command, "--no-cache", "."],
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return SECONDS, f"more than {SECONDS} seconds"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    errors = done.stderr.decode("utf-8", "replace")
    wrong = done.returncode != 0 or "Traceback" in errors
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, errors[-2_000:] if wrong else ""


if __name__ == "__main__":
    sys.exit(main())
