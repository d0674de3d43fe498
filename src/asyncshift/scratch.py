"""Scratch copies of a project, in which a command may run and write as it likes.

In a git repository a copy is a detached worktree, so that what asks git gets answers; it holds the
files as they are now, committed or not.  What git ignores is left out, but for single files (a
generated version, a compiled module) and virtual environments, which are linked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from asyncshift.errors import InputError
from asyncshift.git import plain_environment, repository_of
from asyncshift.model import FileChange

_CACHES = frozenset({"__pycache__", ".git", ".hg", ".tox", ".nox", ".pytest_cache", ".mypy_cache",
                     ".ruff_cache", ".hypothesis", "node_modules"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy: of which folder (the repository's, or the project's), where, and its project."""

    original: Path
    folder: Path
    root: Path

    def place(self, path: Path) -> Path:
        """Where a path of the original is in the copy; the project's root for one outside."""
        if path.is_relative_to(self.original):
            return self.folder / path.relative_to(self.original)
        return self.root


@contextmanager
def scratch(root: Path, changes: Iterable[FileChange] = ()) -> Iterator[Copy]:
    """A copy of the project at `root` with these changes; it goes when the block ends."""
    root = root.resolve()
    repository = repository_of(root / "any")
    with tempfile.TemporaryDirectory(prefix="asyncshift-") as name:
        folder = Path(name).resolve() / (repository or root).name
        if repository is None:
            _copy_plain(root, folder)
            copy = Copy(root, folder, folder)
            _write(copy, changes)
            yield copy
            return
        try:
            _worktree(repository, folder)
            copy = Copy(repository, folder, folder / root.relative_to(repository))
            _write(copy, changes)
            yield copy
        finally:
            _git(repository, "worktree", "remove", "--force", str(folder), check=False)
            shutil.rmtree(folder, ignore_errors=True)
            _git(repository, "worktree", "prune", check=False)


def _copy_plain(root: Path, folder: Path) -> None:
    def skipped(place: str, names: list[str]) -> set[str]:
        environments = {n for n in names if Path(place, n, "pyvenv.cfg").is_file()}
        return {*_CACHES.intersection(names), *environments}

    shutil.copytree(root, folder, symlinks=True, ignore=skipped)
    for place in sorted(root.rglob("pyvenv.cfg")):
        _link(place.parent, folder / place.parent.relative_to(root))


def _worktree(repository: Path, folder: Path) -> None:
    """A worktree of the last commit, with the files of the working tree."""
    if _git(repository, "rev-parse", "--verify", "-q", "HEAD", check=False).returncode == 0:
        _git(repository, "worktree", "add", "--detach", "--no-checkout", str(folder), "HEAD")
        _git(folder, "reset", "--mixed", "-q")
    else:
        folder.mkdir()
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    ignored = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    for name in (*_names(repository, listed), *_names(repository, ignored)):
        source, target = repository / name, folder / name
        if name.endswith("/"):
            for place in (source, *source.glob("*")):
                if (place / "pyvenv.cfg").is_file():
                    _link(place, folder / place.relative_to(repository))
        elif source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
        elif source.is_dir():  # a submodule
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def _link(source: Path, target: Path) -> None:
    if not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source, target_is_directory=True)


def _write(copy: Copy, changes: Iterable[FileChange]) -> None:
    for change in changes:
        place = copy.root / PurePosixPath(change.path)
        if change.new is None:
            place.unlink(missing_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(change.new)


def _names(repository: Path, command: Sequence[str]) -> list[str]:
    done = _git(repository, *command)
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def _git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if check and done.returncode != 0:
        error = done.stderr.decode("utf-8", "replace").strip()
        raise InputError(f"git cannot make a scratch copy: {error}", path=str(folder))
    return done
