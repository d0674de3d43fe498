"""`make demo` on a small scale: the whole way on a realistic application, before against after."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .never_awaited import watching

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_demo_finds_no_difference(tmp_path: Path) -> None:
    with watching(loop=True) as watch:
        done = subprocess.run(
            [
                *(sys.executable, str(ROOT / "scripts" / "demo.py")),
                *("--runs", "5", "--latency", "0.002", "--keep", str(tmp_path / "work")),
            ],
            cwd=tmp_path,
            env=watch.environment(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (watch.seen(), watch.blocked()) == ([], [])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 do not" in done.stdout
    assert "never awaited" not in done.stdout + done.stderr

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sample = readme.partition("```diff\n")[2].partition("```")[0].splitlines()
    assert len(sample) > 10
    assert set(sample) <= set(done.stdout.splitlines()), "the README shows what is not so any more"
