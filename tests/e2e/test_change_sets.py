"""Change-sets are taken and refused by number or name; the rest is worked out anew, and works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from asyncshift.cli import run
from tests.e2e.never_awaited import watching

CLOCK = """import time

TICKS = []


def tick():
    time.sleep(0)
    TICKS.append(len(TICKS))
    return TICKS[-1]


def tock():
    time.sleep(0)
    return -1
"""
MAIN = """from clock import tick, tock


def both():
    return tick() + tock()


def alone():
    return tock()


if __name__ == "__main__":
    print(both(), alone(), tick())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'clock'\n")
    (tmp_path / "clock.py").write_text(CLOCK)
    (tmp_path / "main.py").write_text(MAIN)
    return tmp_path


def output(project: Path) -> str:
    """What the program prints; it may leave no coroutine behind."""
    with watching() as watch:
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=project,
            env=watch.environment(os.environ),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert watch.seen() == []
    return done.stdout


def sets(project: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    """Title -> number of the change-sets that `diff` shows."""
    assert run(["diff", "--format", "json", str(project)]) == 0
    found = json.loads(capsys.readouterr().out)["change_sets"]
    return {one["title"]: one["id"] for one in found}


def turned(project: Path) -> set[str]:
    """The functions that are async, by name."""
    text = (project / "clock.py").read_text() + (project / "main.py").read_text()
    return set(re.findall(r"async def (\w+)", text))


def apply(project: Path, *options: str) -> None:
    assert run(["apply", "--yes", *options, str(project)]) == 0


def test_the_hunks_name_their_change_set(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    number = sets(project, capsys)["clock:tick"]
    assert run(["diff", str(project)]) == 0
    assert f"@@ [{number}] clock:tick" in capsys.readouterr().out


@pytest.mark.parametrize("by_number", [True, False], ids=["number", "name"])
def test_one_is_taken_with_what_it_needs(
    project: Path, capsys: pytest.CaptureFixture[str], by_number: bool
) -> None:
    before = output(project)
    known = sets(project, capsys)
    apply(project, "--change-set", str(known["main:alone"]) if by_number else "main:alone")
    assert turned(project) == {"tock_async", "alone_async"}
    assert output(project) == before


def test_one_is_left_out_and_stays_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = output(project)
    apply(project, "--without", "main:both")
    assert "both" not in {name.removesuffix("_async") for name in turned(project)}
    assert turned(project) >= {"tick_async", "tock_async"}
    assert output(project) == before
    text = (project / "main.py").read_text()
    apply(project)
    assert (project / "main.py").read_text() == text  # the ledger remembers


def test_what_was_left_out_can_be_taken_later(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = output(project)
    apply(project, "--without", "main:both")
    ledger = project / ".asyncshift" / "ledger" / "main.json"
    content = json.loads(ledger.read_text())
    assert content["declined"] == ["both"]
    ledger.write_text(json.dumps({**content, "declined": []}, indent=1) + "\n")
    apply(project)
    assert turned(project) >= {"tick", "tock", "both", "alone"}
    assert output(project) == before


def test_a_name_that_is_no_change_set_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["apply", "--yes", "--change-set", "main:nothing", str(project)]) == 2
    assert "there is no change-set main:nothing" in capsys.readouterr().err
    assert turned(project) == set()


def test_the_diff_can_be_read_set_by_set(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each under its title, in the order in which they need each other; `git apply` takes it."""
    assert run(["diff", str(project), "--jobs", "1", "--by-change-set"]) == 0
    shown = capsys.readouterr().out
    titles = re.findall(r"^# \[\d+\] (\S+) ", shown, re.MULTILINE)
    assert sorted(titles) == ["clock:tick", "clock:tock", "main:alone", "main:both"]
    assert set(titles[: titles.index("main:both")]) >= {"clock:tick", "clock:tock"}
    assert titles.index("clock:tock") < titles.index("main:alone")
    both, alone = (shown.partition(f"] {name} ")[2].partition("\n# [")[0] for name in titles[2:])
    assert ("return await tick()" in both, "async def alone" in alone) == (True, True)
    assert "async def alone" not in both
    copy = project / "copy"
    copy.mkdir()
    for name in ("clock.py", "main.py"):
        (copy / name).write_text((project / name).read_text())
    subprocess.run(["git", "apply", "-"], cwd=copy, input=shown.encode(), check=True)
    assert run(["apply", str(project), "--jobs", "1", "--yes", "--ignore", "copy"]) == 0
    for name in ("clock.py", "main.py", "_run_sync.py"):
        assert (copy / name).read_text() == (project / name).read_text()
