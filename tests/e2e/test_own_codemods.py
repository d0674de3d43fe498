"""Codemods of one's own: made, tested, checked against a library, and run by `--codemod`."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from asyncshift.cli import run

Captured = pytest.CaptureFixture[str]
OLD = """\
class Client:
    def get(self, url, timeout=1): ...
    def close(self): ...


def fetch(url, retries=0): ...
"""
NEW = """\
class Client:
    async def get(self, url, timeout=1): ...
    async def aclose(self): ...


async def fetch(url, *, retries=0): ...
"""


@pytest.fixture
def codemod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    monkeypatch.chdir(tmp_path)
    assert run(["codemods", "new", "cachelib"]) == 0
    assert "cachelib/table.toml" in capsys.readouterr().out
    return tmp_path / "cachelib"


def installed(tmp_path: Path, old: str = OLD, new: str = NEW) -> Path:
    """A virtual environment that holds the library."""
    site = tmp_path / "venv/lib/python3.11/site-packages/cachelib"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text("from ._sync import *\nfrom ._sync import Client, fetch\n")
    (site / "_sync.py").write_text(old)
    (site / "aio.py").write_text(new)
    return tmp_path / "venv"


# ----------------------------------------------------------------------------- new, test


def test_a_new_codemod_passes_untouched(codemod: Path, capsys: Captured) -> None:
    assert run(["codemods", "test", "cachelib"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["passed"] * 5
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(codemod), "-p", "no:cacheprovider"],
        capture_output=True,
        env=os.environ,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("name", ["", "a-b", "class", "1x", "ü", "../x"])
def test_names_that_are_none(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["codemods", "new", name]) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(codemod: Path) -> None:
    (codemod / "README.md").write_text("mine")
    assert run(["codemods", "new", "cachelib"]) == 2
    assert (codemod / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("case", "text", "told"),
    [
        ("function/after/main.py", "x = 1\n", "is migrated otherwise"),
        ("skip_own_name/before/main.py",
         "import cachelib\n\n\ndef f():\n    cachelib.fetch('')\n", "is migrated otherwise"),
        ("extra/before/main.py", "import cachelib\n\n\ndef f():\n    cachelib.fetch('')\n",
         "has no `after`"),
    ],
)  # fmt: skip
def test_a_case_that_fails(
    codemod: Path, capsys: Captured, case: str, text: str, told: str
) -> None:
    place = codemod / "fixtures" / case
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    assert run(["codemods", "test", "cachelib"]) == 1
    assert told in capsys.readouterr().out


def test_a_row_that_no_case_uses(codemod: Path, capsys: Captured) -> None:
    with (codemod / "table.toml").open("a") as stream:
        stream.write('\n[functions."cachelib.push"]\nto = "cachelib.aio.push"\n')
    assert run(["codemods", "test", "cachelib"]) == 1
    assert "no case uses cachelib.push" in capsys.readouterr().out


def test_update_writes_what_is_done_now(codemod: Path, capsys: Captured) -> None:
    place = codemod / "fixtures/function/after/main.py"
    wanted = place.read_bytes()
    place.write_text("x = 1\n")
    assert run(["codemods", "test", "cachelib", "--update"]) == 0
    assert place.read_bytes() == wanted
    assert not (codemod / "fixtures/skip_own_name/after").exists()


def test_a_folder_without_cases(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/table.toml").write_text("[codemod]\nname = 'x'\nsummary = 'x'\n")
    assert run(["codemods", "test", str(tmp_path / "x")]) == 2


# ----------------------------------------------------------------------------- --codemod


def test_a_codemod_is_run_where_it_is_named(codemod: Path, capsys: Captured) -> None:
    project = codemod.parent / "project"
    project.mkdir()
    (project / "m.py").write_text("import cachelib\n\n\ndef f():\n    return cachelib.fetch('')\n")
    assert run(["diff", "project", "--codemod", "cachelib", "--jobs", "2"]) == 0
    assert "+    return await cachelib.aio.fetch('')" in capsys.readouterr().out
    assert run(["diff", "project"]) == 0
    assert capsys.readouterr().out == ""


def test_no_file_of_the_tree_names_a_codemod(codemod: Path, capsys: Captured) -> None:
    project = codemod.parent / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[tool.asyncshift]\ncodemods = ["../cachelib"]\n')
    (project / "m.py").write_text("x = 1\n")
    assert run(["diff", "project"]) == 2
    assert "no option `codemods`" in capsys.readouterr().err


# ----------------------------------------------------------------------------- lint


def linted(tmp_path: Path, capsys: Captured, status: int, old: str = OLD, new: str = NEW) -> str:
    venv = installed(tmp_path, old, new)
    capsys.readouterr()
    assert run(["codemods", "lint", "cachelib", "--python", str(venv)]) == status
    return capsys.readouterr().out


def test_a_table_that_fits_the_library(codemod: Path, tmp_path: Path, capsys: Captured) -> None:
    assert linted(tmp_path, capsys, 0) == "0 faults in 4 rows of cachelib\n"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (OLD.replace("def fetch", "def get_it"), NEW, "cachelib.fetch: is not there"),
        (OLD, NEW.replace("aclose", "stop"), "becomes cachelib.aio.Client.aclose, which is not"),
        (OLD, NEW.replace("*, retries=0", "*, tries=0"), "cachelib.fetch: takes retries, and"),
        (OLD, NEW.replace("url, timeout=1", "url"), "cachelib.Client.get: takes timeout, and"),
    ],
)
def test_a_table_that_does_not(
    codemod: Path, tmp_path: Path, capsys: Captured, old: str, new: str, told: str
) -> None:
    out = linted(tmp_path, capsys, 1, old, new)
    assert told in out
    assert "1 faults" in out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, NEW.replace("*, retries=0", "**options")),
        (OLD, NEW.replace("class Client:", "class Client(Base):").replace("aclose", "other")),
        ("def __getattr__(name): ...\n", NEW),
    ],
)
def test_what_cannot_be_read_is_no_fault(
    codemod: Path, tmp_path: Path, capsys: Captured, old: str, new: str
) -> None:
    assert "0 faults" in linted(tmp_path, capsys, 0, old, new)


def test_a_library_that_is_not_installed(codemod: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "empty").mkdir()
    assert run(["codemods", "lint", "cachelib", "--python", str(tmp_path / "empty")]) == 0
    assert "could not be read: cachelib.Client" in capsys.readouterr().out


# ----------------------------------------------------------------------------- the tutorial


def test_the_tutorial_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Its commands run in their order, and its pieces are written where it says."""
    text = (Path(__file__).parents[2] / "docs/own-codemods.md").read_text()
    text = text.partition("## Codemods of other tools")[0]
    venv = installed(
        tmp_path, OLD + "\n\ndef push(value): ...\n", NEW + "\n\nasync def push(value): ...\n"
    )
    venv.rename(tmp_path / ".venv")
    monkeypatch.chdir(tmp_path)
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.S)
    (python,) = re.findall(r"```python\n(.*?)```", text, re.S)
    statuses = []
    for piece in re.split(r"(^    asyncshift .*$)", text, flags=re.M):
        if piece.startswith("    asyncshift "):
            statuses.append(run(shlex.split(piece)[1:]))
        if toml in piece:
            with (tmp_path / "cachelib/table.toml").open("a") as stream:
                stream.write(toml)
        if python in piece:
            place = tmp_path / "cachelib/fixtures/push/before/main.py"
            assert "`cachelib/fixtures/push/before/main.py`" in piece
            place.parent.mkdir(parents=True)
            place.write_text(python)
    assert statuses == [0, 0, 1, 0, 0, 0]
    after = (tmp_path / "cachelib/fixtures/push/after/main.py").read_text()
    assert "await cachelib.aio.push(value)" in after
