"""Programs that are migrated module by module, in several orders: each step leaves a working tree.

`scripts/prefixes.py` says what is looked at after each; here are a few orders, `make prefixes` has
all of them and a real package.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ROOT / "tests" / "fixtures" / "programs"
TESTS = "-m pytest -q -x -p no:cacheprovider -W error"


def walk(source: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "scripts" / "prefixes.py")
    command = [sys.executable, script, "--source", str(source), "--tests", TESTS, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("depot", ["--orders", "0"]),
        ("gazette", ["--orders", "0"]),
        ("depot", ["--orders", "0", "--edit-callers"]),
        ("sensors", ["--orders", "1"]),
    ],
)
def test_every_prefix_works(program: str, options: list[str]) -> None:
    done = walk(PROGRAMS / program, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok leaves first" in done.stdout
    assert "ok top down" in done.stdout


SHOP = {
    "api.py": "import time\n\n\ndef fetch(x):\n    time.sleep(0)\n    return x\n",
    "shop.py": "from api import fetch\n\n\ndef price(x):\n    return fetch(x) + 1\n",
}


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("assert not inspect.iscoroutinefunction(shop.price)", "the tests end with 1"),
        ("eval('shop.pri' + 'ce')(1)", "PytestUnraisableExceptionWarning"),
    ],
)
def test_a_migration_that_its_tests_can_see_is_told(tmp_path: Path, test: str, said: str) -> None:
    """The walk can fail: what these tests do is lost on purpose."""
    for name, text in SHOP.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    body = f"import inspect\n\nimport shop\n\n\ndef test_price():\n    {test}\n"
    (tmp_path / "test_shop.py").write_text(body)
    done = walk(tmp_path, "--orders", "0")
    assert done.returncode == 1
    assert said in done.stdout
