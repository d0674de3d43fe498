"""What git says of files that are about to be written: changes of the user's that no commit holds.

Git is asked in the repository that each file belongs to, so that submodules and worktrees answer
for themselves.  Where there is no repository, no git, or nothing committed yet, there is nothing
to compare with.
"""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from asyncshift.errors import InputError

_LONGEST = 20_000
"""Bytes of names in one call: what every platform can take."""
_STATUS = (
    "git", "--literal-pathspecs", "-c", "core.fsmonitor=false",
    "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames", "--",
)  # fmt: skip
_OF_A_HOOK = frozenset(
    {
        "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
        "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    }
)  # fmt: skip
"""Variables that lead git to the repository whose hook is running, wherever it is asked."""
_NO_COMMITS = b"# branch.oid (initial)"
_NO_REPOSITORY = "not a git repository (or any"
_FIELDS = {b"1": 8, b"u": 10}
"""Kind of a status entry -> fields before its path: changed ones, and conflicts of a merge."""


def uncommitted(root: Path, paths: Iterable[str]) -> list[str]:
    """Those of the paths that differ from the last commit, or that git does not know and does not
    ignore.  `InputError` where git is there and cannot answer."""
    by_repository: dict[Path, dict[str, str]] = defaultdict(dict)
    for path in paths:
        place = root / path
        repository = repository_of(place)
        if repository is not None:
            by_repository[repository][os.path.relpath(place, repository)] = path
    found: list[str] = []
    for repository, names in by_repository.items():
        for some in _portions(sorted(names)):
            found += [names[name] for name in _changed(repository, some) if name in names]
    return sorted(found)


def plain_environment() -> dict[str, str]:
    """The environment for git, without what leads it to another repository."""
    kept = {key: value for key, value in os.environ.items() if key not in _OF_A_HOOK}
    return kept | {"LC_ALL": "C"}


def repository_of(place: Path) -> Path | None:
    """The top of a file's repository.  In submodules and worktrees `.git` is a file; a folder of
    that name without `HEAD` is none, and git looks further up as well."""
    for folder in place.parents:
        own = folder / ".git"
        if own.is_file() or os.path.lexists(own / "HEAD"):
            return folder
    return None


def _portions(names: Sequence[str]) -> Iterator[list[str]]:
    portion: list[str] = []
    length = 0
    for name in names:
        length += len(os.fsencode(name))
        if portion and length > _LONGEST:
            yield portion
            portion, length = [], len(os.fsencode(name))
        portion.append(name)
    yield portion


def _changed(folder: Path, names: Sequence[str]) -> list[str]:
    """What `git status` lists, relative to the folder; nothing without a commit."""
    environment = plain_environment() | {"GIT_OPTIONAL_LOCKS": "0"}  # it only looks
    try:
        done = subprocess.run(
            [*_STATUS, *names],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except (FileNotFoundError, PermissionError):  # no git
        return []
    if done.returncode != 0:
        error = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        if error.startswith(_NO_REPOSITORY):
            return []
        raise InputError(
            f"git cannot tell whether the files are committed; nothing was written: {error}",
            path=str(folder),
            hint="Mend that, or give --allow-dirty to write without asking git.",
        )
    lines = iter(done.stdout.split(b"\0"))
    found = []
    for line in lines:
        kind = line[:1]
        if line == _NO_COMMITS:
            return []
        if kind == b"?":
            found.append(os.fsdecode(line[2:]))
        elif kind in _FIELDS:
            found.append(os.fsdecode(line.split(b" ", _FIELDS[kind])[-1]))
    return found


def commit(root: Path, paths: Sequence[str], message: str) -> None:
    """Commit these files of one repository, and nothing else that is staged."""
    repository = repository_of(root / "any")
    if repository is None:
        raise InputError("is in no git repository, so that nothing can be committed", str(root))
    names = [os.path.relpath(root / path, repository) for path in paths]
    kept = [name for name in names if not _is_ignored(repository, name)]
    for command in (
        ("add", "--all", "--", *kept),
        ("commit", "--quiet", "--only", "--file=-", "--", *kept),
    ):
        done = subprocess.run(
            ["git", "--literal-pathspecs", *command],
            cwd=repository,
            env=plain_environment(),
            input=os.fsencode(message),
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            error = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            raise InputError(
                f"was written, and git could not commit it: {error}",
                path=str(root),
                hint="Commit it yourself, or take it back with `asyncshift undo`.",
            )


def _is_ignored(repository: Path, name: str) -> bool:
    done = subprocess.run(
        ["git", "--literal-pathspecs", "check-ignore", "-q", "--", name],
        cwd=repository,
        env=plain_environment(),
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
