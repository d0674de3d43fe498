"""A process that dies, or whose disk fails, at a chosen touch of the disk; driven by
test_crash_safety.

It is a program of its own and not part of the test process, because it forks a child for every
touch: what is killed must not hold the threads and files of a test run.  `os` functions are counted
in the child; everything that asyncshift does to a disk goes through them.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asyncshift import journal
from asyncshift.apply import apply_files, undo
from asyncshift.errors import InputError
from asyncshift.model import FileChange
from asyncshift.planfile import planned

COUNTED = (
    "open", "write", "fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "chmod"
)  # fmt: skip
Tree = dict[str, tuple[bytes | None, int]]
Fault = Callable[[str, Callable[..., Any], tuple[Any, ...]], None]


def old_tree(root: Path, count: int) -> None:
    """Files in ten folders, of several modes and kinds of bytes."""
    for number in range(count):
        path = root / f"pkg{number % 10}" / f"mod {number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"# old %d\r\nx = '\xe9'\n" % number * (number % 7))
        path.chmod((0o644, 0o755, 0o600, 0o664)[number % 4])
    (root / "kept.py").write_bytes(b"untouched\n")


def changes(root: Path, count: int) -> list[FileChange]:
    """Most files change, one in ten goes, two are made, one of them in new folders."""
    found = []
    for number in range(count):
        name = f"pkg{number % 10}/mod {number}.py"
        new = None if number % 10 == 3 else b"# new %d\nawait x\n" % number
        found.append(FileChange(name, (root / name).read_bytes(), new))
    found.append(FileChange("pkg0/_run_sync.py", None, b"generated\n"))
    found.append(FileChange(".asyncshift/ledger/pkg.json", None, b"{}\n"))
    return found


def tree(root: Path) -> Tree:
    """Everything but the journal, with modes."""
    found: Tree = {}
    for place in sorted(root.rglob("*")):
        parts = place.relative_to(root).parts
        if parts[0] != journal.FOLDER or parts[1:2] == ("ledger",):
            mode = place.lstat().st_mode
            found["/".join(parts)] = (place.read_bytes() if place.is_file() else None, mode)
    return found


@contextmanager
def faulty(moment: int, fault: Fault) -> Iterator[list[str]]:
    """At the n-th touch of the disk, the fault comes instead; a full disk stays full.  Gives the
    names of the touches."""
    touches: list[str] = []
    originals = {name: getattr(os, name) for name in COUNTED}

    def counted(name: str) -> Callable[..., Any]:
        def touch(*args: Any, **kwargs: Any) -> Any:
            if name == "open" and not args[1] & os.O_CREAT:
                return originals[name](*args, **kwargs)
            touches.append(name)
            if len(touches) == moment or (fault is disk_full and 0 < moment < len(touches)):
                fault(name, originals[name], args)
            if name == "fsync":  # a killed process loses nothing that the kernel has
                return None
            return originals[name](*args, **kwargs)

        return touch

    for name in COUNTED:
        setattr(os, name, counted(name))
    try:
        yield touches
    finally:
        for name, original in originals.items():
            setattr(os, name, original)


def die(name: str, original: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """As a power cut: half of a write arrives, nothing else of the touch."""
    if name == "write":
        original(args[0], bytes(args[1])[: len(args[1]) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def disk_full(name: str, original: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """What needs room fails from now on; names can still be moved and removed."""
    if name in ("open", "write", "fsync", "mkdir"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_access(name: str, original: Callable[..., Any], args: tuple[Any, ...]) -> None:
    raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def in_child(moment: int, fault: Fault, action: Callable[[], object]) -> bool:
    """Run in a child that the fault ends; whether it ended by itself instead."""
    child = os.fork()
    if child == 0:
        with faulty(moment, fault):
            action()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL, status
    return status == 0


def repaired(root: Path) -> None:
    with faulty(0, die):  # counts nothing, but spares the waiting for the disk
        journal.recover(root)


def forth(root: Path) -> None:
    with faulty(0, die):
        assert apply_files(root, PLANNED, "apply .") is not None


def back(root: Path) -> None:
    with faulty(0, die):
        undo(root)
    shutil.rmtree(journal.journal_folder(root))  # or each step would be read again and again


def killed_in_apply(root: Path, old: Tree, new: Tree, fault: Fault) -> dict[str, int]:
    """At every touch: the tree is old or new after the next command, and undo gives it back."""
    seen = {"old": 0, "new": 0}
    moment = 0
    ended = False
    while not ended:
        moment += 1
        ended = in_child(moment, fault, lambda: apply_files(root, PLANNED, "apply ."))
        repaired(root)
        found = tree(root)
        assert found in (old, new), f"neither old nor new after touch {moment}"
        seen["old" if found == old else "new"] += 1
        if found == new:
            back(root)
            assert tree(root) == old, f"undo after touch {moment}"
        elif moment % 25 == 0:
            forth(root)
            assert tree(root) == new, f"apply after touch {moment}"
            back(root)
    return {**seen, "touches": moment - 1}


def killed_in_undo(root: Path, old: Tree, new: Tree, fault: Fault) -> dict[str, int]:
    """At every touch: the tree is old or new after the next command."""
    seen = {"old": 0, "new": 0}
    moment = 0
    ended = False
    found = old
    while not ended:
        moment += 1
        if found == old:
            shutil.rmtree(journal.journal_folder(root), ignore_errors=True)
            forth(root)
        ended = in_child(moment, fault, lambda: undo(root))
        repaired(root)
        found = tree(root)
        assert found in (old, new), f"neither old nor new after touch {moment}"
        seen["old" if found == old else "new"] += 1
    return {**seen, "touches": moment - 1}


def killed_in_repair(root: Path, old: Tree, new: Tree, fault: Fault) -> dict[str, int]:
    """At every touch of the repair of a half written tree: the one after makes it old."""
    with faulty(0, fault) as touches:
        apply_files(root, PLANNED, "apply .")
    back(root)
    most = 9 * len(touches) // 10
    seen = {"half": 0}
    moment = 0
    ended = False
    while not ended:
        moment += 1
        assert not in_child(most, fault, lambda: apply_files(root, PLANNED, "apply ."))
        assert tree(root) not in (old, new)
        ended = in_child(moment, fault, lambda: journal.recover(root))
        seen["half"] += tree(root) not in (old, new)
        repaired(root)
        assert tree(root) == old, f"not repaired after touch {moment}"
        assert not journal.entries(root)
    return {**seen, "touches": moment - 1}


def failing(root: Path, old: Tree, new: Tree, fault: Fault) -> dict[str, int]:
    """At every touch of apply: it says which file, and everything is as it was."""
    seen = {"refused": 0, "written": 0}
    known = {change.path for change in CHANGES}
    moment = 0
    while True:
        moment += 1
        with faulty(moment, fault) as touches:
            try:
                apply_files(root, PLANNED, "apply .")
            except InputError as error:
                path = error.path or "no path"
                assert tree(root) == old, f"not rolled back after touch {moment}"
                assert path in known or journal.FOLDER in path or Path(path).is_dir(), path
                assert not journal.entries(root), "the failed step is still in the journal"
                seen["refused"] += 1
                seen["by name"] = seen.get("by name", 0) + (path in known)
                continue
            assert tree(root) == new, f"touch {moment}"
            seen["written"] += 1
        if len(touches) < moment:
            return {**seen, "touches": len(touches)}
        back(root)
        assert tree(root) == old


CHANGES: list[FileChange] = []
PLANNED = planned(CHANGES)
STORIES = {
    "apply": (killed_in_apply, die),
    "undo": (killed_in_undo, die),
    "repair": (killed_in_repair, die),
    "full": (failing, disk_full),
    "denied": (failing, no_access),
}

if __name__ == "__main__":
    place, wanted, files = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    assert "libcst" not in sys.modules
    old_tree(place, files)
    CHANGES = changes(place, files)
    PLANNED = planned(CHANGES)
    (place / journal.FOLDER).mkdir()
    before = tree(place)
    forth(place)
    after = tree(place)
    back(place)
    assert tree(place) == before != after
    gc.disable()  # a child that collects garbage copies the memory it shares
    story, kind = STORIES[wanted]
    print(json.dumps(story(place, before, after, kind)))
