"""A crash at any moment leaves a state that the next command repairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from asyncshift import journal
from asyncshift.apply import apply_files, undo
from asyncshift.errors import InputError
from asyncshift.model import FileChange
from asyncshift.planfile import planned

OLD = {"a.py": b"a\n", "b.py": b"b\n"}
FILES = planned(
    [
        FileChange("a.py", b"a\n", b"A\n"),
        FileChange("b.py", b"b\n", b"B\n"),
        FileChange("pkg/new.py", None, b"N\n"),
    ]
)
NEW = {file.path: file.new for file in FILES}


class Crash(BaseException):
    """As good as a power cut: nothing in the code may catch it."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, data in OLD.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and journal.FOLDER not in path.parts
    }


def crash_at(monkeypatch: pytest.MonkeyPatch, moment: int, action: Callable[[], object]) -> int:
    """Run an action that dies at its n-th touch of the disk; returns how many there were."""
    touches = 0

    def counted(name: str) -> None:
        original = getattr(journal, name)

        def touch(*args: object, **kwargs: object) -> object:
            nonlocal touches
            touches += 1
            if touches == moment:
                raise Crash
            return original(*args, **kwargs)

        monkeypatch.setattr(journal, name, touch)

    for name in ("write_synced", "sync_folder"):
        counted(name)
    original_replace = Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal touches
        touches += 1
        if touches == moment:
            raise Crash
        return original_replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    try:
        action()
    except Crash:
        pass
    finally:
        monkeypatch.undo()
    return touches


@pytest.mark.parametrize("moment", range(1, 40))
def test_a_crash_in_apply(root: Path, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    crash_at(monkeypatch, moment, lambda: apply_files(root, FILES, "apply ."))
    journal.recover(root)
    after = contents(root)
    assert after in (OLD, NEW)
    assert journal.recover(root) == []
    if after == OLD:
        assert not (root / "pkg").exists()
        apply_files(root, FILES, "again")
    assert contents(root) == NEW
    undo(root)
    assert contents(root) == OLD


@pytest.mark.parametrize("moment", range(1, 20))
def test_a_crash_in_undo(root: Path, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    apply_files(root, FILES, "apply .")
    crash_at(monkeypatch, moment, lambda: undo(root))
    journal.recover(root)
    assert contents(root) in (OLD, NEW)
    if contents(root) == NEW:
        undo(root)
    assert contents(root) == OLD


def test_the_moments_cover_the_whole_of_apply(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = crash_at(monkeypatch, 0, lambda: apply_files(root, FILES, "apply ."))
    assert 15 < count < 40
    assert contents(root) == NEW


def test_a_full_disk_puts_everything_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = journal.replace_file

    def fail(path: Path, data: bytes, mode: int | None = None) -> None:
        if path.name == "b.py" and data == b"B\n":
            raise OSError(28, "No space left on device", str(path))
        original(path, data, mode)

    monkeypatch.setattr(journal, "replace_file", fail)
    with pytest.raises(InputError, match=r"No space left.*everything was put back"):
        apply_files(root, FILES, "apply .")
    assert contents(root) == OLD
    assert journal.entries(root) == []


def test_an_interrupt_puts_everything_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = journal.replace_file

    def interrupt(path: Path, data: bytes, mode: int | None = None) -> None:
        if path.name == "b.py" and data == b"B\n":
            raise KeyboardInterrupt
        original(path, data, mode)

    monkeypatch.setattr(journal, "replace_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        apply_files(root, FILES, "apply .")
    assert contents(root) == OLD
    assert journal.entries(root) == []


def test_an_edit_after_a_crash_is_not_overwritten(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash_at(monkeypatch, 14, lambda: apply_files(root, FILES, "apply ."))
    (root / "a.py").write_bytes(b"mine\n")
    with pytest.raises(InputError, match=r"cannot be repaired: edited since: a\.py"):
        journal.recover(root)
    assert (root / "a.py").read_bytes() == b"mine\n"


def test_a_committed_step_is_left_alone(root: Path) -> None:
    apply_files(root, FILES, "apply .")
    assert journal.recover(root) == []
    assert contents(root) == NEW


def test_a_tree_without_a_journal_gets_none(root: Path) -> None:
    assert journal.recover(root) == []
    assert not (root / journal.FOLDER).exists()


def test_a_damaged_entry_is_told(root: Path) -> None:
    apply_files(root, FILES, "apply .")
    (root / journal.FOLDER / "journal" / "0001" / "entry.json").write_text("{}")
    with pytest.raises(InputError, match="is damaged"):
        undo(root)
