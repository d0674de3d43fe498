"""Writing: all or nothing, exactly the stored bytes, and back again."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from asyncshift import journal
from asyncshift.apply import apply_files, undo
from asyncshift.errors import InputError
from asyncshift.model import FileChange
from asyncshift.planfile import PlanFile, PlannedSet, is_plan, planned, read_plan, write_plan

OLD = {"a.py": b"a = 1\r\n", "pkg/b.py": b"\xef\xbb\xbfb = '\xe9'", "c.py": b""}
NEW = {"a.py": b"a = 2\r\n", "pkg/b.py": b"\xef\xbb\xbfb = '\xff'", "c.py": b"c\x0c\n"}
ADDED = "pkg/deep/_run_sync.py"
LEDGER = ".asyncshift/ledger/pkg.b.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, data in OLD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "a.py").chmod(0o755)
    return folder


CHANGES = [
    *(FileChange(name, OLD[name], NEW[name]) for name in OLD),
    FileChange(ADDED, None, b"new\n"),
]
FILES = planned(CHANGES)
GOES = FileChange("gone.py", b"x", None)


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and journal.FOLDER not in path.parts
    }


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# ----------------------------------------------------------------------------- there and back


def test_apply_writes_and_undo_restores(root: Path) -> None:
    entry = apply_files(root, FILES, "apply .")
    assert contents(root) == {**NEW, ADDED: b"new\n"}
    assert mode(root / "a.py") == 0o755
    assert entry is not None
    assert undo(root).number == entry.number
    assert contents(root) == OLD
    assert mode(root / "a.py") == 0o755
    assert not (root / "pkg" / "deep").exists()


def test_undo_happens_once_and_leaves_nothing_behind(root: Path) -> None:
    apply_files(root, FILES, "apply .")
    undo(root)
    assert not list(root.rglob("*asyncshift-tmp"))
    with pytest.raises(InputError, match="nothing to undo"):
        undo(root)


def test_steps_are_undone_one_by_one(root: Path) -> None:
    apply_files(root, FILES, "first")
    apply_files(root, planned([FileChange("a.py", NEW["a.py"], b"a = 3\n")]), "second")
    with pytest.raises(InputError, match=r"written again by step 0002 \(a\.py\)\n.*order: 2\."):
        undo(root, 1)
    assert undo(root).command == "second"
    assert undo(root).command == "first"
    assert contents(root) == OLD


def test_a_step_that_does_not_exist(root: Path) -> None:
    apply_files(root, FILES, "apply .")
    with pytest.raises(InputError, match="no step 7"):
        undo(root, 7)


def test_nothing_to_do_leaves_no_trace(root: Path) -> None:
    assert apply_files(root, planned([FileChange("a.py", b"x", b"x")]), "apply .") is None
    assert not (root / journal.FOLDER).exists()


def test_undo_refuses_what_was_edited_since(root: Path) -> None:
    apply_files(root, FILES, "apply .")
    (root / "pkg" / "b.py").write_bytes(b"mine\n")
    before = contents(root)
    with pytest.raises(InputError, match=r"edited since: pkg/b\.py"):
        undo(root)
    assert contents(root) == before


def test_a_file_that_goes_comes_back(root: Path) -> None:
    apply_files(root, planned([FileChange("a.py", OLD["a.py"], None), *CHANGES[1:]]), "apply .")
    assert not (root / "a.py").exists()
    undo(root)
    assert contents(root) == OLD
    assert mode(root / "a.py") == 0o755


def test_a_file_comes_back_with_its_folder(root: Path) -> None:
    """git removes a folder with its last file when a branch is switched."""
    apply_files(root, planned([FileChange("pkg/b.py", OLD["pkg/b.py"], None)]), "apply .")
    (root / "pkg").rmdir()
    undo(root)
    assert contents(root) == OLD


def test_undo_refuses_where_a_removed_file_was_made_anew(root: Path) -> None:
    apply_files(root, planned([FileChange("a.py", OLD["a.py"], None)]), "apply .")
    (root / "a.py").write_bytes(b"mine\n")
    with pytest.raises(InputError, match=r"edited since: a\.py"):
        undo(root)
    assert (root / "a.py").read_bytes() == b"mine\n"


def test_undo_names_later_steps_even_where_they_went_back(root: Path) -> None:
    """Made by the first step and removed by the second: the file is as it was, and yet taking
    back the second one later would bring it back for ever."""
    apply_files(root, planned([FileChange(ADDED, None, b"new\n")]), "first")
    apply_files(root, planned([FileChange(ADDED, b"new\n", None)]), "second")
    apply_files(root, planned([FileChange("c.py", b"", b"c\n")]), "third")
    with pytest.raises(InputError, match=r"written again by step 0002 \(pkg/deep/_run_sync\.py\)"):
        undo(root, 1)
    undo(root, 2)
    assert (root / ADDED).read_bytes() == b"new\n"
    undo(root, 1)
    assert contents(root) == {**OLD, "c.py": b"c\n"}


def test_git_does_not_see_the_journal_but_the_ledger(root: Path) -> None:
    apply_files(root, [*FILES, *planned([FileChange(LEDGER, None, b"{}")])], "apply .")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    command = ["git", "ls-files", "--others", "--exclude-standard", journal.FOLDER]
    seen = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    assert seen.split() == [LEDGER]


@pytest.mark.parametrize(
    ("before", "after"), [("*\n", "/journal/"), ("*\n!ledger\n", "*\n!ledger\n")]
)
def test_the_old_list_of_ignored_files_is_renewed(root: Path, before: str, after: str) -> None:
    (root / journal.FOLDER).mkdir()
    (root / journal.FOLDER / ".gitignore").write_text(before)
    apply_files(root, FILES, "apply .")
    assert after in (root / journal.FOLDER / ".gitignore").read_text()


# ----------------------------------------------------------------------------- refusals


def _edit(root: Path) -> None:
    (root / "c.py").write_bytes(b"edited\n")


def _remove(root: Path) -> None:
    (root / "c.py").unlink()


def _make_folder(root: Path) -> None:
    (root / "c.py").unlink()
    (root / "c.py").mkdir()


def _protect(root: Path) -> None:
    (root / "c.py").chmod(0o444)


def _protect_folder(root: Path) -> None:
    (root / "pkg").chmod(0o555)


def _make_new_one(root: Path) -> None:
    (root / "pkg" / "deep").mkdir()
    (root / ADDED).touch()


def _link_inside(root: Path) -> None:
    (root / "c.py").rename(root / "d.py")
    (root / "c.py").symlink_to("d.py")


def _link_out(root: Path) -> None:
    outside = root.parent / "outside.py"
    outside.write_bytes(OLD["c.py"])
    (root / "c.py").unlink()
    (root / "c.py").symlink_to(outside)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_edit, r"c\.py: has changed since"),
        (_remove, r"c\.py: is gone"),
        (_make_folder, r"c\.py: has changed since"),
        (_protect, r"c\.py: is read-only"),
        (_protect_folder, r"pkg/b\.py: its folder .* is read-only"),
        (_make_new_one, r"_run_sync\.py: was made meanwhile"),
        (_link_inside, r"c\.py: is a symlink now"),
        (_link_out, r"c\.py: is a symlink that leaves the tree"),
    ],
)
def test_all_or_nothing(root: Path, spoil: object, reason: str) -> None:
    spoil(root)  # type: ignore[operator]
    before = contents(root)
    try:
        with pytest.raises(InputError, match=reason):
            apply_files(root, FILES, "apply .")
        assert contents(root) == before
        assert not (root / journal.FOLDER).exists()
    finally:
        (root / "pkg").chmod(0o755)


def test_a_second_process_is_kept_out(root: Path) -> None:
    with journal.locked(root), pytest.raises(InputError, match="another asyncshift"):
        apply_files(root, FILES, "apply .")
    assert contents(root) == OLD


# ----------------------------------------------------------------------------- stored plans


def test_a_plan_comes_back_byte_for_byte(root: Path, tmp_path: Path) -> None:
    sets = (PlannedSet(2, "pkg.b:f and 1 more", ("pkg.b:f", "pkg.b:C.g"), (1,), True),)
    plan = PlanFile(root, (*FILES, *planned([GOES])), bytes(range(256)), sets)
    write_plan(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    assert is_plan(tmp_path / "plan.json")


def _flip(text: str) -> str:
    return text.replace("c\\f", "d\\f")


def _cut(text: str) -> str:
    return text[: len(text) // 2]


def _other(text: str) -> str:
    return json.dumps({"something": "else"})


@pytest.mark.parametrize("spoil", [_flip, _cut, _other])
def test_a_damaged_plan(root: Path, tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, PlanFile(root, FILES, b""))
    path.write_text(spoil(path.read_text()))  # type: ignore[operator]
    with pytest.raises(InputError, match="is damaged"):
        read_plan(path)


def test_a_plan_of_another_version(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.json"
    monkeypatch.setattr("asyncshift.planfile.__version__", "0.0.7")
    write_plan(path, PlanFile(root, FILES, b""))
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"made by asyncshift 0\.0\.7"):
        read_plan(path)


@pytest.mark.parametrize(
    "name",
    ["../evil.py", "/etc/evil.py", "pkg/../../evil.py", ".git/hooks/post-commit", "a\0b", "."],
)
def test_a_plan_stays_in_its_root(root: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, PlanFile(root, planned([FileChange(name, None, b"x")]), b""))
    with pytest.raises(InputError, match="outside its root"):
        read_plan(path)
    with pytest.raises(InputError, match="outside the project"):
        apply_files(root, planned([FileChange(name, None, b"x")]), "apply")


def test_scripts_are_no_plans(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/usr/bin/env python\n")
    (tmp_path / "m.py").touch()
    assert not any(is_plan(tmp_path / name) for name in ("tool", "m.py", "nowhere", "."))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could write it anyway")
def test_a_read_only_file_is_respected_even_by_root(root: Path) -> None:
    (root / "a.py").chmod(0o444)
    with pytest.raises(InputError, match="is read-only"):
        apply_files(root, FILES, "apply .")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes into such a folder")
def test_what_was_made_in_a_read_only_folder_goes_from_it(tmp_path: Path) -> None:
    """A copy of a read-only mount: a generated module is made there, and goes again."""
    folder = tmp_path / "pkg"
    folder.mkdir()
    folder.chmod(0o555)
    apply_files(tmp_path, planned([FileChange("pkg/_run_sync.py", None, b"x")]), "apply .")
    apply_files(tmp_path, planned([FileChange("pkg/_run_sync.py", b"x", None)]), "apply .")
    assert not list(folder.iterdir())
    undo(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["_run_sync.py"]
    undo(tmp_path)
    assert not list(folder.iterdir())
