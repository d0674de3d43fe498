"""What is not committed is not overwritten; where git has nothing to say, nothing stops."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from asyncshift import git
from asyncshift.apply import apply_files, undo
from asyncshift.errors import InputError
from asyncshift.model import FileChange
from asyncshift.planfile import PlannedFile, planned

NAMES = ["a.py", "pkg/b.py", "with space.py", "new\nline.py", 'quo"te.py', "caf\udce9.py", ":!x.py"]


def run(root: Path, *arguments: str) -> None:
    own = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "-c",
        "protocol.file.allow=always",
    ]
    subprocess.run(["git", *own, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, message: str = "more") -> None:
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "--message", message)


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gitconfig").write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository in which everything is committed."""
    folder = tmp_path / "project"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"old\n")
    run(tmp_path, "init", "--quiet", "--initial-branch=master", "project")
    commit(folder)
    return folder


def change(root: Path, *names: str, new: bytes | None = b"new\n") -> tuple[PlannedFile, ...]:
    old = {name: (root / name).read_bytes() if (root / name).exists() else None for name in names}
    return planned([FileChange(name, old[name], new) for name in names])


# ----------------------------------------------------------------------------- what is told


def test_a_clean_tree_is_written(root: Path) -> None:
    assert git.uncommitted(root, NAMES) == []
    assert apply_files(root, change(root, *NAMES), "apply") is not None


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_name_is_found(root: Path, name: str) -> None:
    (root / name).write_bytes(b"mine\n")
    assert git.uncommitted(root, NAMES) == [name]


def test_modified_staged_and_untracked_files_are_named(root: Path) -> None:
    (root / "a.py").write_bytes(b"modified\n")
    (root / "pkg/b.py").write_bytes(b"staged\n")
    run(root, "add", "pkg/b.py")
    (root / "c.py").write_bytes(b"untracked\n")
    files = change(root, "a.py", "pkg/b.py", "c.py", "with space.py")
    with pytest.raises(InputError, match=r"would be written: a\.py, c\.py, pkg/b\.py; nothing"):
        apply_files(root, files, "apply")
    assert not (root / ".asyncshift").exists()
    assert apply_files(root, files, "apply", allow_dirty=True) is not None


def test_a_file_that_would_go_counts_too(root: Path) -> None:
    (root / "a.py").write_bytes(b"mine\n")
    with pytest.raises(InputError, match=r"a\.py.*\n.*--allow-dirty"):
        apply_files(root, change(root, "a.py", new=None), "apply")
    assert (root / "a.py").read_bytes() == b"mine\n"


def test_other_files_may_be_dirty(root: Path) -> None:
    (root / "a.py").write_bytes(b"mine\n")
    (root / "notes.txt").write_bytes(b"mine\n")
    assert apply_files(root, change(root, "pkg/b.py"), "apply") is not None


def test_ignored_files_are_nobodys(root: Path) -> None:
    (root / ".gitignore").write_text("made.py\n")
    (root / "made.py").write_bytes(b"x\n")
    assert git.uncommitted(root, ["made.py"]) == []


def test_a_conflict_of_a_merge(root: Path) -> None:
    run(root, "branch", "other")
    (root / "a.py").write_bytes(b"one\n")
    commit(root)
    run(root, "switch", "--quiet", "other")
    (root / "a.py").write_bytes(b"two\n")
    commit(root)
    with pytest.raises(subprocess.CalledProcessError):
        run(root, "merge", "master")
    assert git.uncommitted(root, NAMES) == ["a.py"]


# ----------------------------------------------------------------------------- steps


def test_steps_follow_each_other_without_commits(root: Path) -> None:
    apply_files(root, change(root, "a.py", "made.py"), "first")
    apply_files(root, change(root, "a.py", "made.py", new=b"newer\n"), "second")
    apply_files(root, change(root, "made.py", new=None), "third")
    apply_files(root, change(root, "made.py", new=b"again\n"), "fourth")


def test_an_edit_between_steps_counts(root: Path) -> None:
    apply_files(root, change(root, "a.py"), "first")
    (root / "a.py").write_bytes(b"edited\n")
    with pytest.raises(InputError, match="not committed"):
        apply_files(root, change(root, "a.py"), "second")


def test_a_step_that_was_undone_vouches_for_nothing(root: Path) -> None:
    (root / "a.py").write_bytes(b"mine\n")
    apply_files(root, change(root, "a.py"), "first", allow_dirty=True)
    undo(root)
    (root / "a.py").write_bytes(b"new\n")
    with pytest.raises(InputError, match="not committed"):
        apply_files(root, change(root, "a.py", new=b"newer\n"), "second")


# ----------------------------------------------------------------------------- repositories


def test_a_submodule_answers_for_itself(root: Path, tmp_path: Path) -> None:
    run(tmp_path, "clone", "--quiet", "project", "library")
    run(root, "submodule", "--quiet", "add", str(tmp_path / "library"), "lib")
    commit(root)
    assert (root / "lib" / ".git").is_file()
    (root / "lib" / "a.py").write_bytes(b"mine\n")
    assert git.uncommitted(root, ["a.py", "lib/a.py", "lib/pkg/b.py"]) == ["lib/a.py"]


def test_a_worktree_answers_for_itself(root: Path, tmp_path: Path) -> None:
    run(root, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    (tmp_path / "tree" / "a.py").write_bytes(b"mine\n")
    assert git.uncommitted(tmp_path / "tree", NAMES) == ["a.py"]
    assert git.uncommitted(root, NAMES) == []


def test_a_project_below_the_top_of_a_repository(root: Path) -> None:
    (root / "pkg/b.py").write_bytes(b"mine\n")
    assert git.uncommitted(root / "pkg", ["b.py", "c.py"]) == ["b.py"]


def test_a_folder_that_only_has_the_name_of_a_repository(root: Path) -> None:
    (root / "pkg" / ".git").mkdir()
    (root / "pkg/b.py").write_bytes(b"mine\n")
    assert git.uncommitted(root, NAMES) == ["pkg/b.py"]


def test_without_a_commit_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    run(tmp_path, "init", "--quiet", ".")
    (tmp_path / "a.py").write_bytes(b"x\n")
    run(tmp_path, "add", "a.py")
    (tmp_path / "b.py").write_bytes(b"x\n")
    assert apply_files(tmp_path, change(tmp_path, "a.py", "b.py"), "apply") is not None


def test_no_repository_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x\n")
    assert apply_files(tmp_path, change(tmp_path, "a.py"), "apply") is not None


def test_no_git_at_all(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (root / "a.py").write_bytes(b"mine\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert apply_files(root, change(root, "a.py"), "apply") is not None


def test_a_hook_of_another_repository_does_not_mislead(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, "init", "--quiet", "other")
    (root / "a.py").write_bytes(b"mine\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert git.uncommitted(root, NAMES) == ["a.py"]


@pytest.mark.parametrize("content", ["shopping list", "gitdir: /nowhere/at/all"])
def test_a_git_file_that_leads_nowhere(tmp_path: Path, content: str) -> None:
    (tmp_path / ".git").write_text(content)
    (tmp_path / "a.py").write_bytes(b"x\n")
    with pytest.raises(InputError, match=r"git cannot tell(?s:.*)--allow-dirty"):
        apply_files(tmp_path, change(tmp_path, "a.py"), "apply")
    assert apply_files(tmp_path, change(tmp_path, "a.py"), "apply", allow_dirty=True) is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_repository_of_somebody_else(root: Path) -> None:
    for place in (root, root / ".git"):
        os.chown(place, 4242, 4242)
    with pytest.raises(InputError, match=r"dubious ownership(?s:.*)safe\.directory(?s:.*)--allow"):
        apply_files(root, change(root, "a.py"), "apply")


def test_many_names_do_not_fit_in_one_call(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "_LONGEST", 12)
    for name in ("a.py", ":!x.py"):
        (root / name).write_bytes(b"mine\n")
    assert git.uncommitted(root, NAMES) == [":!x.py", "a.py"]


def test_looking_writes_nothing(root: Path) -> None:
    os.utime(root / "a.py", (1, 1))
    before = (root / ".git" / "index").read_bytes()
    assert git.uncommitted(root, NAMES) == []
    assert (root / ".git" / "index").read_bytes() == before
