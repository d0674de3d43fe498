"""What has a newer spelling is written in the older one where `requires-python` asks for it.

Each program is migrated for its oldest Python, and run with it where it is installed.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from asyncshift.cli import run

HEAD = """\
import contextlib
import threading
import time


def fetch(key):
    time.sleep(0)
    return key


def rows(count):
    for key in range(count):
        yield fetch(key)


"""
GUARD = '\n\nif __name__ == "__main__":\n    main()\n'


@dataclass(frozen=True)
class Case:
    """A program, the Pythons around the one that brought a spelling, and the spelling."""

    body: str
    older: tuple[int, int]
    newer: tuple[int, int]
    new: str
    """Stands in what is written for the newer one, and not for the older."""
    old: str
    """The other way round."""


CASES = {
    "asyncio.to_thread": Case(
        "def main():\n    print(len(subprocess.run(['true']).args), fetch(1))",
        (3, 8),
        (3, 9),
        "asyncio.to_thread(subprocess.run",
        "in_thread(subprocess.run",
    ),
    "anext": Case(
        "def main():\n    print(next(rows(2)))",
        (3, 9),
        (3, 10),
        "await anext(rows(2))",
        "await rows(2).__anext__()",
    ),
    "anext with a default": Case(
        "def main():\n    print(next(rows(0), None))",
        (3, 9),
        (3, 10),
        "await anext(rows(0), None)",
        "next(iter_sync(rows(0)), None)",
    ),
    "aiter": Case(
        "def main():\n    for row in iter(rows(2)):\n        print(row)",
        (3, 9),
        (3, 10),
        "aiter(rows(2))",
        "rows(2).__aiter__()",
    ),
    "any": Case(
        "def main():\n    print(any(row > 0 for row in rows(2)))",
        (3, 9),
        (3, 10),
        "anext(",
        "iter_sync(rows(2))",
    ),
    "in": Case(
        "def main():\n    print(1 in rows(2))",
        (3, 9),
        (3, 10),
        "anext(",
        "1 in iter_sync(rows(2))",
    ),
    "a lock made before the loop": Case(
        "LOCK = threading.Lock()\n\n\ndef main():\n    with LOCK:\n        print(fetch(1))",
        (3, 9),
        (3, 10),
        "asyncio.Lock()",
        "threading.Lock()",
    ),
    "nullcontext": Case(
        "class Open:\n    def __enter__(self):\n        return fetch(1)\n\n"
        "    def __exit__(self, *exc_info):\n        fetch(2)\n\n\n"
        "def main(quick=True):\n    manager = contextlib.nullcontext(3) if quick else Open()\n"
        "    with manager as value:\n        print(value, fetch(4))",
        (3, 9),
        (3, 10),
        "async with manager",
        "with manager",
    ),
    "a nested comprehension": Case(
        "def main():\n    print([[row for row in rows(n)] for n in range(3)])",
        (3, 10),
        (3, 11),
        "[[row async for row in rows(n)] for n in range(3)]",
        "iter_sync(rows(n))",
    ),
}


def migrated(root: Path, case: Case, oldest: tuple[int, int]) -> str:
    root.mkdir()
    text = f"[project]\nname = 'p'\nrequires-python = '>={oldest[0]}.{oldest[1]}'\n"
    (root / "pyproject.toml").write_text(text)
    (root / "main.py").write_text("import subprocess\n" + HEAD + case.body + GUARD)
    assert run(["apply", str(root), "--yes", "--jobs", "1"]) == 0
    return (root / "main.py").read_text()


def interpreter(version: tuple[int, int]) -> str | None:
    """Where a Python of this version is, if there is one."""
    name = f"python{version[0]}.{version[1]}"
    if version == sys.version_info[:2]:
        return sys.executable
    homes = sorted(Path.home().glob(f".pyenv/versions/{version[0]}.{version[1]}.*/bin/python"))
    return str(homes[-1]) if homes else shutil.which(name)


def output(root: Path, python: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [python, "-W", "error", "main.py"]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", CASES)
def test_the_spelling_fits_the_oldest_python(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    original = tmp_path / "original"
    original.mkdir()
    (original / "main.py").write_text("import subprocess\n" + HEAD + case.body + GUARD)
    for oldest, has, has_not in (
        (case.older, case.old, case.new),
        (case.newer, case.new, case.old),
    ):
        root = tmp_path / f"for{oldest[1]}"
        text = migrated(root, case, oldest)
        assert has in text
        if has_not not in has:
            assert has_not not in text
        ast.parse(text, feature_version=oldest)
        if (python := interpreter(oldest)) is not None:
            assert output(root, python) == output(original, sys.executable)
