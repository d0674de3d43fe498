"""What was written, so that it can be taken back, and so that a crash leaves nothing half done.

`<root>/.asyncshift/journal/NNNN/` holds one step: `entry.json` and the old bytes of every file.
Its state says what a later command does with it:

    prepared   the files may be partly written: put the old bytes back, forget the step
    committed  done; `undo` takes it back
    undoing    partly taken back: go on taking it back
    undone     nothing left to do

Old bytes are on disk before the first file is touched, and each file is replaced in one step, so
that every file holds its old or its new bytes at any moment.  Putting old bytes back is therefore
right from any point, as often as needed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from asyncshift.errors import InputError
from asyncshift.planfile import digest

FOLDER = ".asyncshift"


@dataclass(frozen=True, slots=True)
class SavedFile:
    """One file of a step.  `old_digest` and `mode` are None for a file that the step made."""

    path: str
    old_digest: str | None
    new_digest: str
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
    """Where the steps of a project are kept."""
    return root / FOLDER / "journal"


def entries(root: Path) -> list[Entry]:
    """All whole steps, oldest first.  A folder without `entry.json` was never begun."""
    folder = journal_folder(root)
    if not folder.is_dir():
        return []
    places = sorted(folder.glob("[0-9]*/entry.json"), key=lambda place: int(place.parent.name))
    return [_load(place) for place in places]


def begin(
    root: Path,
    command: str,
    saved: Sequence[tuple[SavedFile, bytes | None]],
    folders: Sequence[str],
) -> Entry:
    """Write a step with the old bytes of its files, as `prepared`; it is on disk on return."""
    folder = journal_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    write_synced(root / FOLDER / ".gitignore", b"*\n")
    number = max((int(p.name) for p in folder.glob("[0-9]*") if p.name.isdigit()), default=0) + 1
    place = folder / f"{number:04}"
    (place / "old").mkdir(parents=True)
    for index, (_, old) in enumerate(saved):
        if old is not None:
            write_synced(place / "old" / str(index), old)
    sync_folder(place / "old")
    entry = Entry(number, "prepared", command, tuple(file for file, _ in saved), tuple(folders))
    store(root, entry)
    sync_folder(folder)
    return entry


def store(root: Path, entry: Entry) -> Entry:
    """Write a step's entry, in one step."""
    place = _place(root, entry)
    replace_file(place / "entry.json", json.dumps(asdict(entry), indent=1).encode())
    return entry


def forget(root: Path, entry: Entry) -> None:
    """Remove a step that left nothing behind."""
    place = _place(root, entry)
    (place / "entry.json").unlink()
    shutil.rmtree(place)


def put_back(root: Path, entry: Entry) -> None:
    """Give every file of a step its old bytes and mode, and remove what the step made."""
    for index, file in enumerate(entry.files):
        target = root / file.path
        temporary_name(target).unlink(missing_ok=True)
        if file.old_digest is None:
            target.unlink(missing_ok=True)
        elif current_digest(target) != file.old_digest:
            old = (_place(root, entry) / "old" / str(index)).read_bytes()
            replace_file(target, old, file.mode)
    for folder in reversed(entry.folders):
        place = root / folder
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def edited_since(root: Path, entry: Entry) -> list[str]:
    """Files of a step that hold neither its old nor its new bytes."""
    found = []
    for file in entry.files:
        current = current_digest(root / file.path)
        if current not in (file.old_digest, file.new_digest):
            found.append(file.path)
    return found


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
    for entry in entries(root):
        if entry.state in ("committed", "undone"):
            continue
        if edited := edited_since(root, entry):
            raise InputError(
                f"an interrupted step {entry.number:04} cannot be repaired: "
                f"edited since: {', '.join(edited)}",
                path=str(_place(root, entry)),
                hint="Its folder `old` holds the old files; mend by hand, then delete the folder.",
            )
        put_back(root, entry)
        if entry.state == "prepared":
            forget(root, entry)
        else:
            store(root, replace(entry, state="undone"))
        repaired.append(entry)
    return repaired


def _place(root: Path, entry: Entry) -> Path:
    return journal_folder(root) / f"{entry.number:04}"


def _load(place: Path) -> Entry:
    try:
        body = json.loads(place.read_bytes())
        files = tuple(SavedFile(**file) for file in body.pop("files"))
        return Entry(files=files, folders=tuple(body.pop("folders")), **body)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            "is damaged, so the journal cannot be used",
            path=str(place),
            hint="Its folder `old` holds the old files; delete the step's folder to go on.",
        ) from error


# ----------------------------------------------------------------------------- files


def current_digest(path: Path) -> str | None:
    """The digest of what a file holds now, None where there is no file."""
    try:
        return digest(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def temporary_name(path: Path) -> Path:
    """Where a file's next bytes wait: beside it, so that the replacement is one step."""
    return path.with_name(f".{path.name}.asyncshift-tmp")


def replace_file(path: Path, data: bytes, mode: int | None = None) -> None:
    """Give a file new bytes in one step, with a mode where given."""
    temporary = temporary_name(path)
    write_synced(temporary, data)
    if mode is not None:
        temporary.chmod(mode)
    temporary.replace(path)
    sync_folder(path.parent)


def write_synced(path: Path, data: bytes) -> None:
    """Write bytes and wait until they are on disk."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until a folder's names are on disk, where the platform can."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep other asyncshift processes from writing to this project meanwhile."""
    place = root / FOLDER / "lock"
    place.parent.mkdir(exist_ok=True)
    with place.open("a+b") as stream:
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
