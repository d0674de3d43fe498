"""`diff --patch` writes what `git am` takes, `apply --commit` commits each wave."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from asyncshift.cli import run

Captured = pytest.CaptureFixture[bytes]
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
TREE = {
    "pyproject.toml": b"[project]\nname = 'p'\nrequires-python = '>=3.11'\n",
    "pkg/__init__.py": b"",
    "pkg/api.py": b"import time\n\n\ndef fetch():\n    time.sleep(1)\n    return 1\n",
    "pkg/shop.py": b"from pkg.api import fetch\n\n\ndef total():\n    return fetch() + fetch()\n",
}
ODD = {
    "pkg/crlf.py": b"import time\r\n\r\n\r\ndef crlf():\r\n    time.sleep(1)\r\n",
    "pkg/latin.py": b"# coding: latin-1\nimport time\n\n\ndef latin():\n    time.sleep(1)\n"
    b"    return '\xe9'",
    "pkg/ünï cödé.py": "import time\n\n\ndef naïve():\n    time.sleep(1)\n".encode(),
}


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run([*GIT, *arguments], cwd=root, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "replace")


def made(root: Path, tree: Mapping[str, bytes]) -> Path:
    for name, data in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    git(root, "init", "-q")
    git(root, "config", "user.name", "a")
    git(root, "config", "user.email", "a@example.com")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "all")
    return root


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and ".git" not in p.parts and "journal" not in p.parts
        if p.name not in (".gitignore", "lock")
    }


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "p"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("tree", [TREE, {**TREE, **ODD}], ids=["plain", "odd"])
def test_git_takes_the_series(
    root: Path, tmp_path: Path, capsysbinary: Captured, tree: Mapping[str, bytes]
) -> None:
    made(root, tree)
    before = snapshot(root)
    assert run(["diff", "--patch", str(tmp_path / "series")]) == 0
    assert snapshot(root) == before
    names = sorted(path.name for path in (tmp_path / "series").iterdir())
    git(root, "am", *(str(tmp_path / "series" / name) for name in names))
    taken = snapshot(root)
    git(root, "reset", "--hard", "-q", f"HEAD~{len(names)}")
    assert run(["apply", "--yes"]) == 0
    assert taken == snapshot(root)
    assert taken != before


def test_each_patch_says_what_and_why(root: Path, tmp_path: Path, capsysbinary: Captured) -> None:
    made(root, TREE)
    folder = tmp_path / "series"
    assert run(["diff", "--patch", str(folder), "--module", "pkg.*"]) == 0
    git(root, "am", *map(str, sorted(folder.iterdir())))
    subjects = git(root, "log", "--reverse", "--format=%s").splitlines()[1:]
    assert subjects == [
        "Add the generated modules of asyncshift",
        "pkg.api:fetch goes to asyncio",
        "pkg.shop:total goes to asyncio",
        "Record the step in asyncshift's ledger",
    ]
    assert "Because it calls time.sleep." in git(root, "log", "--format=%b")


def test_the_same_step_gives_the_same_patches(
    root: Path, tmp_path: Path, capsysbinary: Captured
) -> None:
    made(root, TREE)
    for name in ("one", "two"):
        assert run(["diff", "--patch", str(tmp_path / name)]) == 0
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")


def test_a_folder_that_holds_something_is_left_alone(
    root: Path, tmp_path: Path, capsysbinary: Captured
) -> None:
    made(root, TREE)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/note").write_text("mine")
    assert run(["diff", "--patch", str(tmp_path / "mine")]) == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["note"]


def test_nothing_to_change_makes_no_patch(
    root: Path, tmp_path: Path, capsysbinary: Captured
) -> None:
    made(root, {**TREE, "pkg/api.py": b"def fetch():\n    return 1\n"})
    assert run(["diff", "--patch", str(tmp_path / "none")]) == 0
    assert list((tmp_path / "none").iterdir()) == []


# ----------------------------------------------------------------------------- commits


def test_a_step_is_a_commit(root: Path, capsysbinary: Captured) -> None:
    made(root, TREE)
    (root / "mine.txt").write_text("not of the step")
    git(root, "add", "mine.txt")
    assert run(["apply", "--yes", "--commit", "--module", "pkg.api"]) == 0
    assert git(root, "log", "-1", "--format=%s").strip() == "Migrate pkg.api to asyncio"
    body = git(root, "log", "-1", "--format=%b")
    assert "1 function turned async, 1 call rewritten, 1 facade for callers" in body
    assert "- pkg.api:fetch: calls time.sleep" in body
    assert "asyncshift apply --module pkg.api" in body
    assert git(root, "status", "--porcelain", "-uall").splitlines() == ["A  mine.txt"]


def test_everything_goes_wave_by_wave(root: Path, capsysbinary: Captured) -> None:
    many = "".join(f"\n\ndef nap{n}():\n    time.sleep({n})\n" for n in range(90))
    made(root, {**TREE, "pkg/many.py": b"import time\n" + many.encode()})
    assert run(["apply", "--yes", "--commit"]) == 0
    subjects = git(root, "log", "--reverse", "--format=%s").splitlines()[1:]
    assert len(subjects) == 3  # two waves, and what is left
    assert subjects[0] == "Migrate pkg.many to asyncio"
    assert git(root, "status", "--porcelain", "-uall") == ""
    assert (root / "pkg/shop.py").read_text().count("await fetch()") == 2
    assert "run_sync" not in (root / "pkg/api.py").read_text()


def test_without_git_nothing_is_written(root: Path, capsysbinary: Captured) -> None:
    for name, data in TREE.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
    before = snapshot(root)
    assert run(["apply", "--yes", "--commit"]) == 2
    assert b"no git repository" in capsysbinary.readouterr().err
    assert snapshot(root) == before


def test_a_hook_that_says_no(root: Path, capsysbinary: Captured) -> None:
    made(root, TREE)
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    assert run(["apply", "--yes", "--commit", "--module", "pkg.api"]) == 2
    assert b"could not commit it: not today" in capsysbinary.readouterr().err
    assert run(["undo"]) == 0
    assert (root / "pkg/api.py").read_bytes() == TREE["pkg/api.py"]
