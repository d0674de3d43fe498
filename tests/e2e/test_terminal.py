"""On a terminal `apply` shows the diff and asks; elsewhere it never waits for an answer."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

SLEEPS = "import time\n\n\ndef nap():\n    time.sleep(1)\n"


def on_a_terminal(folder: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command on a pseudo-terminal, type an answer, return its status and what was seen."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "asyncshift", *arguments],
        cwd=folder,
        stdin=other,
        stdout=other,
        stderr=other,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(other)
    os.write(main, answer.encode())
    seen = b""
    while True:
        try:
            chunk = os.read(main, 10_000)
        except OSError:  # Linux says so when the last writer is gone
            break
        if not chunk:
            break
        seen += chunk
    os.close(main)
    return process.wait(), seen.decode()


@pytest.mark.parametrize(
    ("answer", "written"), [("y\n", True), ("n\n", False), ("\n", False), ("what?\n", False)]
)
def test_apply_asks(tmp_path: Path, answer: str, written: bool) -> None:
    (tmp_path / "m.py").write_text(SLEEPS)
    status, seen = on_a_terminal(tmp_path, answer, "apply", ".")
    assert status == 0
    assert "\x1b[32m+" in seen
    assert "+async def nap():" in re.sub(r"\x1b\[[\d;]*m", "", seen)
    assert "Write 1 file and the ledger? [y/N]" in seen
    assert ("async def" in (tmp_path / "m.py").read_text()) is written


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    many = "".join(f"def nap{n}():\n    time.sleep({n})\n\n\n" for n in range(2000))
    (tmp_path / "m.py").write_text(f"import time\n\n\n{many}")
    with subprocess.Popen(
        [sys.executable, "-m", "asyncshift", "diff", "."],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait() == 0
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
