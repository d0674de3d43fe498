"""What the await check finds in the new texts is planned anew, and never written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncshift import proof, rewrite
from asyncshift.cli import run
from asyncshift.model import Action, Decision
from asyncshift.rewrite.context import Context, Step

API = (
    "import time\n\n\ndef pause():\n    time.sleep(0)\n\n\n"
    "def work():\n    pause()\n    print('done')\n"
)


def forgotten(ctx: Context, decision: Decision) -> Iterator[Step]:
    """A step that writes no `await`."""
    return iter(())


@pytest.fixture
def forgetting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A tool that forgets to await calls, and a program for it."""
    steps = {**rewrite._STEPS, Action.AWAIT: forgotten}
    monkeypatch.setattr(rewrite, "_STEPS", steps)
    (tmp_path / "api.py").write_text(API)
    return tmp_path


def apply(root: Path) -> int:
    return run(["apply", str(root), "--yes", "--jobs", "1"])


def test_what_the_check_finds_is_planned_anew(forgetting: Path) -> None:
    assert apply(forgetting) == 0
    after = (forgetting / "api.py").read_text()
    assert "async def pause():" in after
    assert "\ndef work():\n    run_sync(pause())\n" in after


def test_what_cannot_be_planned_otherwise_is_not_written(
    forgetting: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proof, "refused", lambda *_: [])
    assert apply(forgetting) == 2
    assert (forgetting / "api.py").read_text() == API
    assert not (forgetting / ".asyncshift").exists()
    said = capsys.readouterr()
    assert "api.py:9: after the change" in said.err
    assert "--without" in said.err
    assert "+async def work():" in said.out  # the diff is there to be looked at
    plan = forgetting.parent / "plan"
    assert run(["diff", str(forgetting), "--jobs", "1", "--out", str(plan)]) == 2
    assert not plan.exists()


def test_nothing_is_held_back_where_the_check_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "api.py").write_text(API)
    assert apply(tmp_path) == 0
    assert "    await pause()\n" in (tmp_path / "api.py").read_text()
