"""A process is killed at every touch of the disk, in the middle of apply and of undo: the next
command finds, or makes, a whole tree.  A full disk and a refused access are rolled back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("crash_driver.py")
MEMORY = Path("/dev/shm")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a child for every touch")


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a place: thousands of renames are slow on a disk."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as name:
        yield Path(name)


def driven(folder: Path, story: str, files: int) -> dict[str, int]:
    """What the driver counted; it fails when one of its trees is neither old nor new."""
    command = [sys.executable, DRIVER, folder, story, str(files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def test_killed_at_every_touch_of_an_apply_over_fifty_files(folder: Path) -> None:
    seen = driven(folder, "apply", 50)
    # At least a write, a sync and a rename for each file, and the journal's copy before.
    assert seen["touches"] > 50 * 8
    assert seen["old"] > 50 * 8
    assert seen["new"] == 2  # after the step was committed, and when nothing killed it


def test_killed_at_every_touch_of_an_undo(folder: Path) -> None:
    seen = driven(folder, "undo", 20)
    assert seen["touches"] > 20 * 3
    assert seen["old"] > 20 * 3
    assert 2 < seen["new"] < 15  # before the step was marked


def test_killed_at_every_touch_of_a_repair(folder: Path) -> None:
    seen = driven(folder, "repair", 12)
    assert seen["touches"] > 12 * 3
    assert seen["half"] > 12


@pytest.mark.parametrize("story", ["full", "denied"])
def test_what_fails_in_the_middle_is_rolled_back(folder: Path, story: str) -> None:
    seen = driven(folder, story, 12)
    assert seen["refused"] > 12 * 8
    assert seen["by name"] > 12 * 4
    assert seen["written"] < seen["refused"]


def test_the_driver_can_fail(folder: Path) -> None:
    """A tree that is half written is seen: the same story, without the repair."""
    program = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1]); sys.argv = ['x', sys.argv[2], 'apply', '12']\n"
        "import runpy; from asyncshift import journal; journal.recover = lambda root: []\n"
        "runpy.run_path(sys.path[0] + '/crash_driver.py', run_name='__main__')\n"
    )
    command = [sys.executable, "-c", program, DRIVER.parent, folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "neither old nor new after touch" in done.stderr
