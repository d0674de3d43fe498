"""The watch can fail: planted coroutines and blocking calls are seen wherever they hide."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from .never_awaited import watching

HIDDEN = {
    "plain": "nap()",
    "stderr thrown away": "sys.stderr = open(os.devnull, 'w'); nap()",
    "warnings off": "warnings.simplefilter('ignore', DeprecationWarning); nap()",
    "kept until the end": "kept.append(nap())",
    "in a thread": "threading.Thread(target=nap).start()",
    "in a child of the child": "subprocess.run([sys.executable, __file__, 'child'], check=True)",
}
PROGRAM = """
import asyncio, os, subprocess, sys, threading, warnings

kept = []


async def nap():
    await asyncio.sleep(0)


def main():
    if sys.argv[1:] == ["child"]:
        nap()
        return
    asyncio.run(nap())
    PLANTED


main()
"""


def ran(text: str, folder: Path, *, pytest_too: bool = False) -> tuple[int, list[str]]:
    """Exit status, and what was never awaited."""
    program = folder / "test_program.py"
    program.write_text(dedent(text), encoding="utf-8")
    command = [str(program)]
    if pytest_too:
        strict = "error::pytest.PytestUnraisableExceptionWarning"
        command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", strict, *command]
    with watching() as watch:
        done = subprocess.run(
            [sys.executable, *command],
            env=watch.environment(os.environ),
            cwd=folder,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode, watch.seen()


@pytest.mark.parametrize("case", HIDDEN)
def test_a_planted_coroutine_is_seen(case: str, tmp_path: Path) -> None:
    status, seen = ran(PROGRAM.replace("PLANTED", HIDDEN[case]), tmp_path)
    assert (status, seen) == (0, ["coroutine 'nap' was never awaited"])


def test_a_clean_program_is_clean(tmp_path: Path) -> None:
    assert ran(PROGRAM.replace("PLANTED", "nap().close()"), tmp_path) == (0, [])


TEST = """
async def nap(): ...
def test_one():
    PLANTED
"""


@pytest.mark.parametrize(("planted", "status"), [("nap()", 1), ("nap().close()", 0)])
def test_pytest_fails_on_one(planted: str, status: int, tmp_path: Path) -> None:
    assert ran(TEST.replace("PLANTED", planted), tmp_path, pytest_too=True)[0] == status


ON_THE_LOOP = {
    "time.sleep": ("time.sleep(0)", ["blocking call of time.sleep"]),
    "a socket": (
        "one, other = socket.socketpair(); other.send(b'x'); one.close(); other.close()",
        ["blocking call of socket.socket.send"],
    ),
    "sqlite3": (
        "sqlite3.connect(':memory:').execute('SELECT 1')",
        ["blocking call of sqlite3.Connection.execute"],
    ),
    "below an import of the name": ("nap(0)", ["blocking call of time.sleep"]),
    "in a thread": ("await asyncio.to_thread(time.sleep, 0)", []),
    "a file": ("open(__file__).close()", []),
}
LOOP = """
import asyncio, ctypes, socket, sqlite3, time
from time import sleep as nap


async def main():
    try:
        PLANTED
    except Exception:
        print("caught")


asyncio.run(main())
time.sleep(0)
"""


def blocked(planted: str, folder: Path) -> list[str]:
    program = folder / "program.py"
    program.write_text(LOOP.replace("PLANTED", planted), encoding="utf-8")
    with watching(loop=True) as watch:
        command = [sys.executable, str(program)]
        subprocess.run(command, env=watch.environment(os.environ), timeout=60, check=True)
        return watch.blocked()


@pytest.mark.parametrize(("planted", "seen"), ON_THE_LOOP.values(), ids=ON_THE_LOOP)
def test_a_planted_blocking_call_is_seen(planted: str, seen: list[str], tmp_path: Path) -> None:
    """Also where the program catches what blockbuster raises."""
    pytest.importorskip("blockbuster")
    assert blocked(planted, tmp_path) == seen


def test_what_blocks_in_c_is_seen(tmp_path: Path) -> None:
    pytest.importorskip("blockbuster")
    if not Path("/proc/thread-self/schedstat").exists():
        pytest.skip("nothing tells what a thread waits for")
    (said,) = blocked("ctypes.CDLL(None).usleep(500_000)", tmp_path)
    assert said.startswith("Executing <Task")
    assert not blocked("sum(range(10**7))", tmp_path)
