"""Write changes, all or nothing, and take them back.

Everything is checked before the first byte is written; `journal` keeps what is needed to go back.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from asyncshift import git, journal
from asyncshift.errors import InputError
from asyncshift.journal import Entry, SavedFile
from asyncshift.planfile import PlannedFile, digest, is_inside

_CHANGED = "Run the command again: it reads the file as it is now."
SHOWN = 10
"""Names in one message; more are counted."""


def apply_files(
    root: Path, files: Sequence[PlannedFile], command: str, *, allow_dirty: bool = False
) -> Entry | None:
    """Write planned files below `root` and journal them; None when there is nothing to do.

    `InputError`, with nothing written, when any file changed since it was analysed, cannot be
    written, or (unless `allow_dirty`) holds what nobody committed.
    """
    if not files:
        return None
    check(root, files, allow_dirty=allow_dirty)
    with journal.locked(root):
        journal.recover_locked(root)
        entry = None
        try:
            saved = [(file, _saved(root, file)) for file in files]
            folders = _missing_folders(root, files)
            entry = journal.begin(root, command, [pair for _, pair in saved], folders)
            for folder in folders:
                (root / folder).mkdir()
            for file, (known, _) in saved:
                with journal.naming(file.path):
                    _write(root / file.path, file, known)
            return journal.store(root, replace(entry, state="committed"))
        except (OSError, KeyboardInterrupt) as error:
            if entry is not None:
                _roll_back(root, entry)
            if isinstance(error, KeyboardInterrupt):
                raise
            raise InputError(
                f"cannot be written ({error.strerror}); everything was put back",
                path=str(error.filename or root),
            ) from error


def check(root: Path, files: Sequence[PlannedFile], *, allow_dirty: bool = False) -> None:
    """`InputError` unless all files can be written as planned."""
    if not root.is_dir():
        raise InputError("the plan's project is not there", path=str(root))
    if not os.access(root, os.W_OK):
        raise _folder_error(root, str(root))
    for file in files:
        if not is_inside(file.path):
            raise InputError("is outside the project", path=file.path)
    for path in sorted(journal.astray(root, [file.path for file in files])):
        if (root / path).resolve().is_relative_to(root.resolve()):
            raise InputError("is a symlink now; nothing was written", path, hint=_CHANGED)
        raise InputError("is a symlink that leaves the tree; nothing was written", path=path)
    for file in files:
        _check(root, file)
    if not allow_dirty:
        _check_committed(root, files)


def _check_committed(root: Path, files: Sequence[PlannedFile]) -> None:
    """`InputError` where git could not give back what is there now.  What an earlier step left
    there does: steps may follow each other without commits."""
    dirty = git.uncommitted(root, [file.path for file in files])
    if not dirty:
        return
    left = journal.left_behind(root)
    lost = [
        path
        for path in dirty
        if path not in left or journal.current_digest(root / path) != left[path]
    ]
    if lost:
        raise InputError(
            f"not committed, and would be written: {_some(lost)}; nothing was written",
            path=str(root),
            hint="Commit or stash first, or give --allow-dirty (`undo` restores these bytes too).",
        )


def _write(path: Path, file: PlannedFile, known: SavedFile) -> None:
    if file.new is None:
        journal.remove_file(path)
    else:
        journal.replace_file(path, file.new, known.mode or file.mode or 0o644)


def _roll_back(root: Path, entry: Entry) -> None:
    """Take back what a failed step wrote.  One that was interrupted after its end stands."""
    try:
        if journal.stored(root, entry).state == "prepared":
            journal.put_back(root, entry)
            journal.forget(root, entry)
    except OSError as error:
        raise InputError(
            f"cannot be put back ({error.strerror}) after step {entry.number:04} failed",
            path=str(error.filename or root),
            hint="Mend that, and run any command of asyncshift here: it puts the old files back.",
        ) from error


def undo(root: Path, number: int | None = None) -> Entry:
    """Take back one step (the last by default), down to bytes and modes."""
    with journal.locked(root):
        journal.recover_locked(root)
        entry = _chosen(root, number)
        _check_undo(root, entry)
        try:
            entry = journal.store(root, replace(entry, state="undoing"))
            journal.put_back(root, entry)
            return journal.store(root, replace(entry, state="undone"))
        except OSError as error:
            raise InputError(
                f"cannot be put back ({error.strerror}); step {entry.number:04} is partly undone",
                path=str(error.filename or root),
                hint="Mend that, and run any command of asyncshift here: it goes on.",
            ) from error


def _check_undo(root: Path, entry: Entry) -> None:
    """`InputError` where taking a step back would lose what later steps or the user did."""
    paths = {file.path for file in entry.files}
    later = {
        step.number: sorted(paths.intersection(file.path for file in step.files))
        for step in journal.entries(root)
        if step.number > entry.number and step.state == "committed"
    }
    over = {number: names for number, names in later.items() if names}
    if over:
        told = ", ".join(f"step {number:04} ({_some(names)})" for number, names in over.items())
        raise InputError(
            f"step {entry.number:04} cannot be undone: written again by {told}",
            path=str(root),
            hint=f"Undo first, in this order: {', '.join(map(str, reversed(over)))}.",
        )
    if edited := journal.edited_since(root, entry):
        raise InputError(
            f"step {entry.number:04} cannot be undone: edited since: {', '.join(edited)}",
            path=str(root),
            hint="Put those files back as the step left them, or keep the step.",
        )
    for file in entry.files:
        place = root / file.path
        if place.exists():
            _check_writable(place, file.path, goes=file.old_digest is None)
        else:
            _check_parent(place, file.path)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _chosen(root: Path, number: int | None) -> Entry:
    done = [entry for entry in journal.entries(root) if entry.state == "committed"]
    if not done:
        raise InputError("there is nothing to undo", path=str(root))
    if number is None:
        return done[-1]
    for entry in done:
        if entry.number == number:
            return entry
    known = ", ".join(str(entry.number) for entry in done)
    raise InputError(
        f"there is no step {number} to undo", path=str(root), hint=f"There is: {known}."
    )


# ----------------------------------------------------------------------------- checks


def _check(root: Path, file: PlannedFile) -> None:
    """Whether one file can be written as planned."""
    path = root / file.path
    if file.old_digest is None:
        if path.exists():
            raise InputError("was made meanwhile; nothing was written", file.path, hint=_CHANGED)
        _check_parent(path, file.path)
        return
    current = journal.current_digest(path)
    if current is None:
        raise InputError("is gone; nothing was written", file.path, hint=_CHANGED)
    if current != file.old_digest:
        raise InputError(
            "has changed since it was analysed; nothing was written", file.path, hint=_CHANGED
        )
    _check_writable(path, file.path, goes=file.new is None)


def _check_parent(path: Path, name: str) -> None:
    """Whether a file that is not there can be made."""
    parent = next(place for place in path.parents if place.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise _folder_error(parent, name)


def _check_writable(path: Path, name: str, goes: bool) -> None:
    """A file that somebody made read-only must not change, not even by root, who could write it.

    Where its folder is read-only as well, the modes single nothing out (a copy of a read-only
    mount has them everywhere): then it counts whether this user can write.  A file that `goes` was
    made in its folder by an earlier step, so that whoever could make it may take it away.
    """
    if not os.access(path, os.W_OK) or (_is_read_only(path) and not _is_read_only(path.parent)):
        raise InputError("is read-only; nothing was written", name, hint="Make it writable first.")
    if not _is_read_only(path) and not goes:
        _check_folder(path.parent, name)
    elif not os.access(path.parent, os.W_OK):
        raise _folder_error(path.parent, name)


def _check_folder(folder: Path, name: str) -> None:
    if _is_read_only(folder) or not os.access(folder, os.W_OK):
        raise _folder_error(folder, name)


def _is_read_only(path: Path) -> bool:
    return not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def _folder_error(folder: Path, name: str) -> InputError:
    return InputError(
        f"its folder {folder} is read-only; nothing was written",
        name,
        hint="Make it writable first.",
    )


def _saved(root: Path, file: PlannedFile) -> tuple[SavedFile, bytes | None]:
    """What the journal keeps of a file, read again under the lock: it may have changed."""
    new = None if file.new is None else digest(file.new)
    if file.old_digest is None:
        return SavedFile(file.path, None, new, None), None
    path = root / file.path
    old = path.read_bytes()
    if digest(old) != file.old_digest:
        raise InputError(
            "has changed since it was analysed; nothing was written", file.path, hint=_CHANGED
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    return SavedFile(file.path, file.old_digest, new, mode), old


def _missing_folders(root: Path, files: Sequence[PlannedFile]) -> list[str]:
    """Folders that new files need, outermost first."""
    missing: dict[str, None] = {}
    for file in files:
        for parent in reversed(PurePosixPath(file.path).parents):
            if not (root / parent).exists():
                missing[str(parent)] = None
    return list(missing)
