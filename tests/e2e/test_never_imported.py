"""The code under migration is never imported or run, whatever it would do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TRAP = """\
import pathlib
import time

pathlib.Path({mark!r}).write_text("imported")
raise RuntimeError("imported")


def nap():
    time.sleep(1)
"""
PYPROJECT = """\
[project]
name = "trap"
version = "1"

[project.scripts]
trap = "trap.main:main"
"""
MAIN = """\
from trap.inner import nap


def main():
    nap()


raise SystemExit("imported")
"""
# What Python imports by itself, and what tools like to import: none of it may be touched.
BAITS = ("setup.py", "conftest.py", "sitecustomize.py", "asyncshift.py", "libcst.py", "typer.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    trap = TRAP.format(mark=str(tmp_path / "mark"))
    (root / "trap").mkdir(parents=True)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "trap" / "__init__.py").write_text(trap)
    (root / "trap" / "inner.py").write_text(trap)
    (root / "trap" / "main.py").write_text(MAIN)
    for bait in BAITS:
        (root / bait).write_text(trap)
    return root


@pytest.mark.parametrize(
    "command", [["scan"], ["diff"], ["graph"], ["explain", "trap/inner.py:8"], ["codemods"]]
)
def test_nothing_is_imported(command: list[str], project: Path, tmp_path: Path) -> None:
    name, *rest = command
    where = [] if name == "codemods" else ["."]
    arguments = [*where, *rest] if name != "explain" else [*rest, *where]
    done = _asyncshift(project, name, *arguments)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "mark").exists()


def test_a_package_that_raises_at_import_migrates_like_any_other(
    project: Path, tmp_path: Path
) -> None:
    done = _asyncshift(project, "apply", "--yes", "--jobs", "2", ".")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "mark").exists()
    inner = (project / "trap" / "inner.py").read_text()
    assert "async def nap():\n    await asyncio.sleep(1)\n" in inner
    assert inner.count('raise RuntimeError("imported")') == 1
    main = (project / "trap" / "main.py").read_text()
    assert "await nap()" in main
    compile(inner, "inner.py", "exec")
    compile(main, "main.py", "exec")


def _asyncshift(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As the installed command runs: the current folder is not on the module path."""
    script = Path(sys.executable).with_name("asyncshift")
    return subprocess.run(
        [script, *arguments], cwd=project, capture_output=True, text=True, timeout=120
    )
