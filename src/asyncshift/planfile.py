"""The stored plan of `diff --out PLAN`: what was shown, so that `apply PLAN` writes exactly that.

JSON a person can read.  Bytes are kept as UTF-8 with surrogate escapes, which gives every byte
string back.  A checksum over the whole says when it was damaged.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from asyncshift import __version__
from asyncshift.errors import InputError
from asyncshift.model import FileChange

FORMAT = 2
_DAMAGED = "is damaged: it is not the plan that `asyncshift diff --out` wrote"
_AGAIN = "Make a new one with `asyncshift diff --out`."


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file of a plan; `old_digest` is None for a new file, `new` for one that goes."""

    path: str
    old_digest: str | None
    new: bytes | None
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedSet:
    """A change-set of a plan, for who reads it: its functions as `pkg.mod:Class.method`."""

    id: int
    title: str
    functions: tuple[str, ...]
    needs: tuple[int, ...]
    mechanical: bool


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A stored plan: where it applies, what it writes, and the diff as it was shown."""

    root: Path
    files: tuple[PlannedFile, ...]
    diff: bytes
    sets: tuple[PlannedSet, ...] = ()


def planned(changes: Sequence[FileChange]) -> tuple[PlannedFile, ...]:
    """Changes as a plan holds them: the old bytes are known by their digest."""
    return tuple(
        PlannedFile(
            change.path,
            None if change.old is None else digest(change.old),
            change.new,
            change.mode,
        )
        for change in changes
        if change.old != change.new
    )


def digest(data: bytes) -> str:
    """How files are recognised: SHA-256, as hex digits."""
    return hashlib.sha256(data).hexdigest()


def is_inside(path: str) -> bool:
    """Whether a path may name a file of a project: relative, not upwards, and not git's own.

    Plans, journals and ledgers can come with a repository that somebody else made.
    """
    parts = PurePosixPath(path).parts
    wrong = path.startswith("/") or "\0" in path or not parts
    return not wrong and not any(part == ".." or part.lower() == ".git" for part in parts)


def write_plan(path: Path, plan: PlanFile) -> None:
    """Store a plan, in one step."""
    body = {
        "format": FORMAT,
        "version": __version__,
        "root": str(plan.root),
        "files": [
            {
                "path": file.path,
                "old_sha256": file.old_digest,
                "mode": file.mode,
                "new": None if file.new is None else _text(file.new),
            }
            for file in plan.files
        ],
        "change_sets": [asdict(change) for change in plan.sets],
        "diff": _text(plan.diff),
    }
    content = {"asyncshift_plan": body, "sha256": _checksum(body)}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot be written: {error.strerror}", path=str(path)) from error


def read_plan(path: Path) -> PlanFile:
    """The plan as stored; `InputError` when it is damaged or from another version."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path)) from error
    except ValueError as error:
        raise InputError(_DAMAGED, path=str(path), hint=_AGAIN) from error
    match content:
        case {"asyncshift_plan": dict(body), "sha256": str(checksum)}:
            if checksum != _checksum(body):
                raise InputError(_DAMAGED, path=str(path), hint=_AGAIN)
        case _:
            raise InputError(_DAMAGED, path=str(path), hint=_AGAIN)
    if (body.get("format"), body.get("version")) != (FORMAT, __version__):
        raise InputError(
            f"was made by asyncshift {body.get('version')}, and this is {__version__}",
            path=str(path),
            hint=_AGAIN,
        )
    files = tuple(_file(path, entry) for entry in body["files"])
    sets = tuple(_set(entry) for entry in body["change_sets"])
    return PlanFile(Path(body["root"]), files, _bytes(body["diff"]), sets)


def is_plan(path: Path) -> bool:
    """Whether a path given to `apply` is a stored plan rather than code."""
    return path.is_file() and path.suffix not in (".py", ".pyw", ".pyi") and not _is_script(path)


def _is_script(path: Path) -> bool:
    """A script without a suffix; whatever else is no Python file is taken for a (damaged) plan."""
    try:
        with path.open("rb") as stream:
            return stream.read(2) == b"#!"
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path)) from error


def _file(plan: Path, entry: dict[str, Any]) -> PlannedFile:
    path = entry["path"]
    if not is_inside(path):
        raise InputError(f"names a file outside its root: {path}", path=str(plan), hint=_AGAIN)
    new = None if entry["new"] is None else _bytes(entry["new"])
    return PlannedFile(path, entry["old_sha256"], new, entry["mode"])


def _set(entry: dict[str, Any]) -> PlannedSet:
    lists = {key: tuple(entry[key]) for key in ("functions", "needs")}
    return PlannedSet(entry["id"], entry["title"], mechanical=entry["mechanical"], **lists)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _checksum(body: dict[str, Any]) -> str:
    return digest(json.dumps(body, sort_keys=True).encode("ascii"))
