"""What was written, so that it can be taken back, and so that a crash leaves nothing half done.

`<root>/.asyncshift/journal/NNNN/` holds one step: `entry.json` and the old bytes of every file.
Its state says what a later command does with it:

    prepared   the files may be partly written: put the old bytes back, forget the step
    committed  done; `undo` takes it back
    undoing    partly taken back: go on taking it back
    undone     nothing left to do

Old bytes are on disk before the first file is touched, and each file is replaced or removed in one
step, so that every file holds its old or its new bytes at any moment.  Putting old bytes back is
therefore right from any point, as often as needed; it renames the kept file into its place, so
that it works on a full disk.

The journal may come with a repository that somebody else made: no path in it, and no link in its
place, may lead out of the tree or into `.git`.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from asyncshift.errors import InputError
from asyncshift.planfile import digest, is_inside

FOLDER = ".asyncshift"
STATES = ("prepared", "committed", "undoing", "undone")
_IGNORED_BEFORE = b"/.gitignore\n/journal/\n/lock\n*.asyncshift-tmp\n"
_IGNORED = _IGNORED_BEFORE + b"/review.json\n"
"""What git must not see of the folder; the ledger beside it belongs into the repository."""
_IGNORED_ONCE = b"*\n"
"""What earlier versions wrote, when there was no ledger."""
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class SavedFile:
    """One file of a step.  `old_digest` and `mode` are None for a file that the step made,
    `new_digest` for one that it removed."""

    path: str
    old_digest: str | None
    new_digest: str | None
    mode: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of the journal."""

    number: int
    state: str
    command: str
    files: tuple[SavedFile, ...]
    folders: tuple[str, ...] = ()
    """Folders that the step made, outermost first."""


# ----------------------------------------------------------------------------- entries


def journal_folder(root: Path) -> Path:
    """Where the steps of a project are kept; `InputError` where something else is in its place."""
    for place in (root / FOLDER, root / FOLDER / "journal"):
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise InputError(
                "is no folder of this tree, and asyncshift keeps its journal there",
                path=str(place),
                hint="Move it away.",
            )
    return root / FOLDER / "journal"


def entries(root: Path) -> list[Entry]:
    """All whole steps, oldest first.  A folder without `entry.json` was never begun."""
    places = _steps(journal_folder(root))
    return [_load(place / "entry.json") for place in places if (place / "entry.json").exists()]


def begin(
    root: Path,
    command: str,
    saved: Sequence[tuple[SavedFile, bytes | None]],
    folders: Sequence[str],
) -> Entry:
    """Write a step with the old bytes of its files, as `prepared`; it is on disk on return."""
    folder = journal_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    _hide(root / FOLDER / ".gitignore")
    steps = _steps(folder)
    for place in steps:
        if not (place / "entry.json").exists():
            shutil.rmtree(place)
    number = max((int(place.name) for place in steps), default=0) + 1
    place = folder / f"{number:04}"
    try:
        (place / "old").mkdir(parents=True)
        for index, (_, old) in enumerate(saved):
            if old is not None:
                write_synced(place / "old" / str(index), old)
        sync_folder(place / "old")
        entry = Entry(number, "prepared", command, tuple(file for file, _ in saved), tuple(folders))
        store(root, entry)
    except (OSError, KeyboardInterrupt):
        shutil.rmtree(place, ignore_errors=True)
        raise
    sync_folder(folder)
    return entry


def folder_of(root: Path) -> Path:
    """The folder of asyncshift in a project, made where it is not there, with its ignore list."""
    folder = journal_folder(root).parent
    folder.mkdir(exist_ok=True)
    _hide(folder / ".gitignore")
    return folder


def store(root: Path, entry: Entry) -> Entry:
    """Write a step's entry, in one step."""
    place = _place(root, entry)
    replace_file(place / "entry.json", json.dumps(asdict(entry), indent=1).encode())
    return entry


def stored(root: Path, entry: Entry) -> Entry:
    """A step as it is on disk now."""
    return _load(_place(root, entry) / "entry.json")


def forget(root: Path, entry: Entry) -> None:
    """Remove a step that left nothing behind."""
    place = _place(root, entry)
    (place / "entry.json").unlink()
    shutil.rmtree(place)


def put_back(root: Path, entry: Entry) -> None:
    """Give every file of a step its old bytes and mode, and remove what the step made."""
    for index, file in enumerate(entry.files):
        target = root / file.path
        with naming(file.path):
            _remove_if_there(temporary_name(target))
            if file.old_digest is None:
                _remove_if_there(target)
            elif current_digest(target) != file.old_digest:
                _restore(_place(root, entry) / "old" / str(index), target, file)
    for folder in reversed(entry.folders):
        place = root / folder
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def _restore(kept: Path, target: Path, file: SavedFile) -> None:
    """Move the kept bytes to their place: that needs no room, and may be tried again."""
    if kept.is_symlink() or current_digest(kept) != file.old_digest:
        raise InputError("is damaged, so a file cannot be put back", path=str(kept))
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.mode is not None:
        kept.chmod(file.mode)
    try:
        kept.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        replace_file(target, kept.read_bytes(), file.mode)
    sync_folder(target.parent)


def edited_since(root: Path, entry: Entry) -> list[str]:
    """Files of a step that hold neither its old nor its new bytes, or are links now."""
    links = astray(root, [file.path for file in entry.files])
    return [
        file.path
        for file in entry.files
        if file.path in links
        or current_digest(root / file.path) not in (file.old_digest, file.new_digest)
    ]


def left_behind(root: Path) -> dict[str, str | None]:
    """What the last committed step that touched a file left there: path -> digest."""
    return {
        file.path: file.new_digest
        for entry in entries(root)
        if entry.state == "committed"
        for file in entry.files
    }


def recover(root: Path) -> list[Entry]:
    """Repair what a crash left: steps that were begun are put back.  Returns those steps."""
    if not journal_folder(root).is_dir():
        return []
    if all(entry.state in ("committed", "undone") for entry in entries(root)):
        return []
    with locked(root):
        return recover_locked(root)


def recover_locked(root: Path) -> list[Entry]:
    """The same for a caller that holds the lock."""
    repaired = []
    for entry in reversed(entries(root)):
        if entry.state in ("committed", "undone"):
            continue
        if edited := edited_since(root, entry):
            raise InputError(
                f"an interrupted step {entry.number:04} cannot be repaired: "
                f"edited since: {', '.join(edited)}",
                path=str(_place(root, entry)),
                hint="Its folder `old` holds the old files; mend by hand, then delete the folder.",
            )
        try:
            put_back(root, entry)
            if entry.state == "prepared":
                forget(root, entry)
            else:
                store(root, replace(entry, state="undone"))
        except OSError as error:
            raise InputError(
                f"an interrupted step {entry.number:04} cannot be repaired: {error.strerror}",
                path=str(error.filename or root),
                hint="Mend that, and run the command again.",
            ) from error
        repaired.append(entry)
    return repaired


def _steps(folder: Path) -> list[Path]:
    """The folders of all steps, oldest first."""
    if not folder.is_dir():
        return []
    found = [p for p in folder.iterdir() if p.name.isascii() and p.name.isdigit() and _is_real(p)]
    return sorted(found, key=lambda place: int(place.name))


def _is_real(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink()


def _place(root: Path, entry: Entry) -> Path:
    return journal_folder(root) / f"{entry.number:04}"


def _load(place: Path) -> Entry:
    try:
        match json.loads(place.read_bytes()):
            case {
                "number": int(number),
                "state": str(state),
                "command": str(command),
                "files": list(files),
                "folders": list(folders),
            } if f"{number:04}" == place.parent.name and state in STATES:
                saved = tuple(_saved_file(file) for file in files)
                if all(isinstance(folder, str) and is_inside(folder) for folder in folders):
                    return Entry(number, state, command, saved, tuple(folders))
        raise ValueError("no entry of a journal")
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            "is damaged, so the journal cannot be used",
            path=str(place),
            hint="Its folder `old` holds the old files; delete the step's folder to go on.",
        ) from error


def _saved_file(file: Any) -> SavedFile:
    match file:
        case {
            "path": str(path),
            "old_digest": str() | None as old,
            "new_digest": str() | None as new,
            "mode": int() | None as mode,
        } if is_inside(path):
            return SavedFile(path, old, new, None if mode is None else mode & 0o7777)
    raise ValueError("no file of a journal")


def _hide(ignore: Path) -> None:
    """Keep the journal out of git; a list that the user wrote stays."""
    earlier = (None, digest(_IGNORED_ONCE), digest(_IGNORED_BEFORE))
    if current_digest(ignore) in earlier:
        replace_file(ignore, _IGNORED)


# ----------------------------------------------------------------------------- files


def current_digest(path: Path) -> str | None:
    """The digest of what a file holds now, None where there is no file."""
    try:
        return digest(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        return "a folder"
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path)) from error


def astray(root: Path, paths: Iterable[str]) -> frozenset[str]:
    """Those of the paths that do not lead where they say: out of the tree through a link, or to
    a link, which would be replaced instead of what it leads to."""
    top = root.resolve()
    inside: dict[str, bool] = {}
    found = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder not in inside:
            inside[folder] = (root / folder).resolve().is_relative_to(top)
        if not inside[folder] or os.path.islink(root / path):
            found.add(path)
    return frozenset(found)


def temporary_name(path: Path) -> Path:
    """Where a file's next bytes wait: beside it, so that the replacement is one step."""
    name = f".{path.name}.asyncshift-tmp"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{digest(os.fsencode(path.name))}.asyncshift-tmp"
    return path.with_name(name)


def replace_file(path: Path, data: bytes, mode: int | None = None) -> None:
    """Give a file new bytes in one step, with a mode where given."""
    temporary = temporary_name(path)
    write_synced(temporary, data)
    if mode is not None:
        temporary.chmod(mode)
    temporary.replace(path)
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file, for good on return."""
    path.unlink()
    sync_folder(path.parent)


def _remove_if_there(path: Path) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()


def write_synced(path: Path, data: bytes) -> None:
    """Write bytes and wait until they are on disk.  What has that name goes first: bytes are never
    written through a link."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o666)
    try:
        with naming(str(path)):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Errors of the system tell which file they are about."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def sync_folder(folder: Path) -> None:
    """Wait until a folder's names are on disk, where platform and file system can."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep other asyncshift processes from writing to this project meanwhile."""
    place = journal_folder(root).parent / "lock"
    try:
        place.parent.mkdir(exist_ok=True)
        handle = os.open(place, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=str(place)) from error
    with open(handle, "r+b", buffering=0) as stream:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                "another asyncshift is writing to this project",
                path=str(root),
                hint="Wait until it is done.",
            ) from error
        yield
