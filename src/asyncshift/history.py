"""How a ledger grew: what its files said at each commit that touched them.

Git is only asked to read.  A file of the ledger that cannot be read any more, of whatever version,
counts for nothing.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asyncshift.git import plain_environment, repository_of
from asyncshift.ledger import LEDGER, Ledger

LONGEST = 200
"""Commits that are looked at, the newest."""
_TURNED = frozenset({"async", "entry", "facade", "threads"})


@dataclass(frozen=True, slots=True)
class Point:
    """What the ledger said at one time.  `commit` is empty for the tree as it is."""

    commit: str
    date: str
    subject: str
    modules: int
    turned: int
    """Functions that are async, facades' coroutines included."""
    facades: int
    bridges: int
    refused: int
    declined: int


def history(root: Path, now: Ledger) -> tuple[Point, ...]:
    """The points of a project's ledger, oldest first; the last one is the tree as it is."""
    points = [*_committed(root), _point("", "", "now", _of_ledger(now))]
    unlike = [p for i, p in enumerate(points) if i == 0 or _figures(p) != _figures(points[i - 1])]
    return tuple(unlike)


def _figures(point: Point) -> tuple[int, ...]:
    return (
        point.modules, point.turned, point.facades, point.bridges, point.refused, point.declined
    )  # fmt: skip


def _point(commit: str, date: str, subject: str, counts: Mapping[str, int]) -> Point:
    turned = sum(counts.get(state, 0) for state in _TURNED)
    return Point(
        commit=commit,
        date=date,
        subject=subject,
        modules=counts.get("modules", 0),
        turned=turned,
        facades=counts.get("facade", 0),
        bridges=counts.get("bridges", 0),
        refused=counts.get("refused", 0),
        declined=counts.get("declined", 0),
    )


def _of_ledger(ledger: Ledger) -> Counter[str]:
    found: Counter[str] = Counter()
    for record in ledger.records.values():
        found["modules"] += record.scope != ()
        found["refused"] += len(record.refused)
        found["declined"] += len(record.declined)
        found.update(entry.state for entry in record.functions.values())
    return found


def _of_file(data: bytes) -> Counter[str]:
    found: Counter[str] = Counter()
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return found
    match content:
        case {"functions": dict(functions), "refused": list(refused), "declined": list(declined)}:
            found["modules"] += content.get("scope") != []
            found["refused"] += len(refused)
            found["declined"] += len(declined)
            for entry in functions.values():
                if isinstance(entry, dict):
                    found[str(entry.get("state"))] += 1
    return found


def _committed(root: Path) -> Iterator[Point]:
    """One point for each commit that touched the ledger."""
    repository = repository_of(root.resolve() / "any")
    if repository is None:
        return
    folder = (root.resolve() / LEDGER).relative_to(repository).as_posix()
    log = _git(repository, "log", f"--max-count={LONGEST}", "--format=%H - %ct %s", "--", folder)
    seen: dict[str, Counter[str]] = {}
    for line in reversed(log.decode("utf-8", "replace").splitlines()):
        commit, _, time, subject = (*line.split(" ", 3), "")[:4]
        counts: Counter[str] = Counter()
        for entry in _git(repository, "ls-tree", "-z", commit, f"{folder}/").split(b"\0"):
            head, _, name = entry.partition(b"\t")
            if name.endswith(b".json"):
                blob = head.split()[2].decode()
                if blob not in seen:
                    seen[blob] = _of_file(_git(repository, "cat-file", "blob", blob))
                counts += seen[blob]
        date = datetime.fromtimestamp(int(time), UTC).date().isoformat()
        yield _point(commit[:10], date, subject, counts)


def _git(repository: Path, *arguments: str) -> bytes:
    """What git says; nothing where it says no."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=repository,
            env=plain_environment() | {"GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except (FileNotFoundError, PermissionError):
        return b""
    return done.stdout if done.returncode == 0 else b""
