"""Kept pages: a hit only while nothing that was read has changed, and a miss for each change."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from asyncshift import pages, pipeline
from asyncshift.cli import run
from asyncshift.config import Config, load_config
from asyncshift.discover import discover
from asyncshift.pages import Page, Pages

PAGE = Page("found\n", "warning\n")


@pytest.fixture(autouse=True)
def no_file_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "YOUNG", -(10**15))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "pkg").mkdir(parents=True)
    (root / "setup.cfg").write_text("[metadata]\nname = x\n")
    (root / "table.toml").write_text("")
    (root / "pkg" / "a.py").write_text("a = 1\n")
    (root / "pkg" / "b.py").write_text("b = 1\n")
    (root / "pkg" / "broken.py").write_text("b = (\n")
    (root / "pkg" / "lost.py").write_bytes(b"# \xff\n")
    return root


def opened(root: Path, config: Config | None = None, command: str = "scan") -> Pages:
    config = config or load_config(root, {"tables": (root / "table.toml",)})
    return Pages((command,), [root], config, root.parent / "cache")


def keep(root: Path) -> None:
    """As `scan` does it: the hashes of the files that could be read."""
    entry = opened(root)
    assert entry.get() is None
    found = discover([root], Config())
    entry.put(PAGE, [(file.path, file.digest) for file in found.files if "broken" not in file.path])
    assert opened(root).get() == PAGE


def same_size_and_time(root: Path) -> None:
    file = root / "pkg" / "a.py"
    before = file.stat()
    file.write_text("a = 2\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


CHANGES: dict[str, Callable[[Path], object]] = {
    "changed": lambda root: (root / "pkg/a.py").write_text("a = 11\n"),
    "same size and time": same_size_and_time,
    "unparsable changed": lambda root: (root / "pkg/broken.py").write_text("b = [\n"),
    "undecodable changed": lambda root: (root / "pkg/lost.py").write_bytes(b"# \xfe\n"),
    "added": lambda root: (root / "pkg/c.py").write_text(""),
    "removed": lambda root: (root / "pkg/b.py").unlink(),
    "renamed": lambda root: (root / "pkg/b.py").rename(root / "pkg/c.py"),
    "swapped": lambda root: (root / "pkg/b.py").replace(root / "pkg/a.py"),
    "package": lambda root: (root / "__init__.py").write_text(""),
    "package above": lambda root: [
        (folder / "__init__.py").write_text("") for folder in (root, root.parent)
    ],
    "ignored": lambda root: (root / ".gitignore").write_text("b.py\n"),
    "ignored below": lambda root: (root / "pkg/.gitignore").write_text("b.py\n"),
    "setup.cfg": lambda root: (root / "setup.cfg").write_text("[metadata]\nname = y\n"),
    "pyproject": lambda root: (root / "pyproject.toml").write_text("[project]\nname = 'x'\n"),
    "setup.py": lambda root: (root / "setup.py").write_text("setup()\n"),
    "setting": lambda root: (root / "pyproject.toml").write_text(
        "[tool.asyncshift]\nmodules = ['pkg.a']\n"
    ),
    "table": lambda root: (root / "table.toml").write_text("# new\n"),
    "link": lambda root: (root / "pkg/link.py").symlink_to(root / "pkg/a.py"),
}
NO_CHANGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda root: None,
    "touched": lambda root: os.utime(root / "pkg/a.py"),
    "written as it was": lambda root: (root / "pkg/a.py").write_text("a = 1\n"),
    "another mode": lambda root: (root / "pkg/a.py").chmod(0o600),
    "new inode": lambda root: [
        (root / "pkg/new").write_text("a = 1\n"),
        (root / "pkg/new").rename(root / "pkg/a.py"),
    ],
    "a text beside": lambda root: (root / "pkg/notes.txt").write_text("x"),
    "bytecode": lambda root: [
        (root / "pkg/__pycache__").mkdir(),
        (root / "pkg/__pycache__/a.py").write_text(""),
    ],
    "empty folder": lambda root: (root / "more").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_a_miss(project: Path, change: Callable[[Path], object]) -> None:
    keep(project)
    change(project)
    assert opened(project).get() is None


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES)
def test_no_change_is_a_hit(project: Path, change: Callable[[Path], object]) -> None:
    keep(project)
    change(project)
    assert opened(project).get() == PAGE


def hashed(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The source files that a look opens; it must be a hit."""
    names: list[str] = []
    digest = pages._digest
    entry = opened(project)
    monkeypatch.setattr(pages, "_digest", lambda path: names.append(path.name) or digest(path))
    assert entry.get() == PAGE
    monkeypatch.setattr(pages, "_digest", digest)
    return names


def test_only_what_looks_changed_is_hashed_and_only_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(project)
    assert hashed(project, monkeypatch) == []
    os.utime(project / "pkg" / "a.py")
    assert hashed(project, monkeypatch) == ["a.py"]
    assert hashed(project, monkeypatch) == []


def test_a_young_file_is_hashed_until_it_has_aged(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "YOUNG", 10**12)
    keep(project)
    assert len(hashed(project, monkeypatch)) == 4
    assert len(hashed(project, monkeypatch)) == 4
    monkeypatch.setattr(pages, "YOUNG", -(10**15))
    assert len(hashed(project, monkeypatch)) == 4
    assert hashed(project, monkeypatch) == []


def test_another_command_path_or_setting_is_another_page(project: Path) -> None:
    keep(project)
    config = load_config(project, {"tables": (project / "table.toml",)})
    assert opened(project, command="graph").get() is None
    assert opened(project, replace(config, only=("time_sleep",))).get() is None
    assert opened(project, replace(config, ignore=("b.py",))).get() is None
    assert opened(project, replace(config, jobs=7)).get() == PAGE
    other = Pages(("scan",), [project / "pkg"], config, project.parent / "cache")
    assert other.get() is None


def test_what_changed_while_it_was_read_is_not_kept(project: Path) -> None:
    entry = opened(project)
    (project / "pkg" / "a.py").write_text("a = 22\n")
    entry.put(PAGE, [])
    assert opened(project).get() is None


def test_a_file_that_came_while_others_were_read_is_not_kept(project: Path) -> None:
    entry = opened(project)
    (project / "pkg" / "new.py").write_text("")
    found = discover([project], Config())
    entry.put(PAGE, [(file.path, file.digest) for file in found.files])
    (project / "pkg" / "new.py").unlink()
    assert opened(project).get() is None


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 100])
def test_a_damaged_entry_is_a_miss(project: Path, data: bytes) -> None:
    keep(project)
    for path in (project.parent / "cache").iterdir():
        path.write_bytes(data)
    assert opened(project).get() is None


def test_old_entries_go(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "KEPT", 2)
    for command in ("a", "b", "c"):
        opened(project, command=command).put(PAGE, [])
    assert len(list((project.parent / "cache").iterdir())) == 2
    assert opened(project, command="c").get() == PAGE


@pytest.mark.parametrize("settings", [{"cache": False}, {"python": Path("venv")}])
def test_without_a_cache_or_with_an_environment_nothing_is_kept(settings: object) -> None:
    assert isinstance(settings, dict)
    assert Pages.for_command(("scan",), [Path()], Config(**settings)) is None


def test_a_second_scan_says_the_same_without_reading(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pkg" / "a.py").write_text("import time\n\n\ndef f():\n    time.sleep(1)\n")
    monkeypatch.setenv("ASYNCSHIFT_CACHE_DIR", str(project.parent / "cache"))
    for arguments in (["scan", str(project)], ["scan", str(project), "--format", "json"]):
        assert run(arguments) == 0
        first = capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.delattr(pipeline, "survey")
            assert run(arguments) == 0
        assert capsys.readouterr() == first
        assert "broken.py" in first.err
    assert json.loads(first.out)["libraries"] == {"time.sleep": 1}
