"""`verify`: the project's own tests before and after, and which change-set is guilty."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from asyncshift.cli import run
from asyncshift.verify import FAILED, PASSED, SKIPPED, Run, TestResult, compare, guilty, read_junit
from asyncshift.watch import Seen

Captured = pytest.CaptureFixture[str]
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
PROJECT = "[project]\nname = 'p'\nrequires-python = '>=3.11'\n"
TABLE = """\
[codemod]
name = "planted"
summary = "a codemod that is wrong"

[functions."lib.read"]
to = "lib.read_wrongly"
"""
LIB = "def read(key):\n    return key * 2\n\n\nasync def read_wrongly(key):\n    return key * 3\n"
GOOD = {
    "pkg/__init__.py": "",
    "pkg/nap.py": "import time\n\n\ndef nap(n):\n    time.sleep(0)\n    return n\n",
    "tests/test_nap.py": "from pkg.nap import nap\n\n\ndef test_nap():\n    assert nap(2) == 2\n",
}
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")


def made(root: Path, tree: Mapping[str, str], *, commit: bool = True) -> None:
    for name, text in {"pyproject.toml": PROJECT, **tree}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if commit:
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
            subprocess.run([*GIT, *command], cwd=root, check=True)


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and ".git" not in p.parts
    }


def verified(capsys: Captured, *options: str, command: tuple[str, ...] = PYTEST) -> dict[str, Any]:
    capsys.readouterr()
    status = run(["verify", "--format", "json", "--no-cache", *options, "--", *command])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    content: dict[str, Any] = json.loads(captured.out)
    assert status == bool(content["worse"])
    return content


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "p"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return folder


@pytest.mark.parametrize("commit", [True, False], ids=["git", "plain"])
def test_a_good_migration_passes_and_nothing_is_written(
    root: Path, capsys: Captured, commit: bool
) -> None:
    made(root, GOOD, commit=commit)
    (root / "pkg/nap.py").write_text(GOOD["pkg/nap.py"] + "\n# not committed\n")
    before = snapshot(root)
    found = verified(capsys)
    assert found["worse"] == []
    assert [test["outcome"] for test in found["after"]["tests"]] == [PASSED]
    assert found["sets"] == 2  # the function, and the test that calls it
    assert found["before"]["seconds"] > 0
    assert {one["kind"] for one in found["after"]["seen"]} == {"started"}
    assert snapshot(root) == before
    if commit:
        worktrees = subprocess.run(["git", "worktree", "list"], cwd=root, capture_output=True)
        assert len(worktrees.stdout.splitlines()) == 1


def test_a_test_that_failed_before_may_fail(root: Path, capsys: Captured) -> None:
    made(root, {**GOOD, "tests/test_bad.py": "def test_bad():\n    assert False\n"})
    assert verified(capsys)["worse"] == []


def test_any_command_counts_by_its_exit_status(root: Path, capsys: Captured) -> None:
    made(root, GOOD)
    code = "import pkg.nap, sys; sys.exit('run_sync' in open('pkg/nap.py').read())"
    found = verified(capsys, "--module", "pkg.nap", command=(sys.executable, "-c", code))
    assert [one["rule"] for one in found["worse"]] == ["status"]
    assert found["before"]["tests"] is None
    assert [blamed["title"] for blamed in found["blamed"]] == ["pkg.nap:nap"]


def test_a_command_that_is_not_there(root: Path, capsys: Captured) -> None:
    made(root, GOOD)
    assert run(["verify", "--", "no-such-command-at-all"]) == 2
    assert "cannot be started" in capsys.readouterr().err


def planted(root: Path, count: int, wrong: int) -> None:
    """`count` change-sets of which the `wrong`-th reads what a table maps wrongly."""
    tree = {"pkg/__init__.py": "", "lib/__init__.py": LIB, "planted.toml": TABLE}
    for number in range(count):
        call = "time.sleep(0)\n    return key * 2"
        if number == wrong:
            call = "return lib.read(key)"
        tree[f"pkg/m{number:02}.py"] = (
            f"import time\nimport lib\n\n\ndef get{number}(key):\n    {call}\n"
        )
    lines = [f"from pkg.m{n:02} import get{n}\n" for n in range(count)]
    lines += [f"\n\ndef test_{n}():\n    assert get{n}(2) == 4\n" for n in range(count)]
    tree["tests/test_all.py"] = "".join(lines)
    made(root, tree)


@pytest.mark.parametrize("wrong", [17])
def test_the_planted_change_set_is_found_and_set_aside(
    root: Path, capsys: Captured, wrong: int
) -> None:
    planted(root, 30, wrong)
    found = verified(
        capsys, "--table", "planted.toml", "--ignore", "lib/", "--module", "pkg.*", "--quarantine"
    )
    (blamed,) = found["blamed"]
    assert blamed["names"] == [f"pkg.m{wrong:02}:get{wrong}"]
    assert blamed["runs"] <= 6
    assert (found["worse"], found["sets"]) == ([], 29)
    ledger = root / f".asyncshift/ledger/pkg.m{wrong:02}.json"
    record = json.loads(ledger.read_text())
    assert record["declined"] == [f"get{wrong}"]
    assert f"test_{wrong} fails" in record["reasons"][f"get{wrong}"]
    assert run(["apply", "--yes", "--table", "planted.toml", "--ignore", "lib/"]) == 0
    assert "async def" not in (root / f"pkg/m{wrong:02}.py").read_text()
    assert "async def" in (root / "pkg/m00.py").read_text()
    assert json.loads(ledger.read_text())["reasons"] == record["reasons"]
    capsys.readouterr()
    assert run(["status"]) == 0
    assert f"test_{wrong} fails" in capsys.readouterr().out


def test_without_quarantine_nothing_is_set_aside(root: Path, capsys: Captured) -> None:
    planted(root, 3, 1)
    before = snapshot(root)
    options = ("--table", "planted.toml", "--ignore", "lib/")
    found = verified(capsys, *options)
    assert [blamed["names"] for blamed in found["blamed"]] == [["pkg.m01:get1"]]
    assert snapshot(root) == before


def hooked(root: Path, capsys: Captured, code: str) -> list[dict[str, Any]]:
    """What is seen of a program that does something bad once the tree is migrated."""
    made(root, {**GOOD, "check.py": "import pkg.nap\nold = 'def nap(' in open('pkg/nap.py').read()"
                f" and 'async' not in open('pkg/nap.py').read()\nif not old:\n{code}"})  # fmt: skip
    found = verified(capsys, "--module", "pkg.nap", command=(sys.executable, "check.py"))
    worse: list[dict[str, Any]] = found["worse"]
    return worse


def test_a_coroutine_that_nobody_awaits(root: Path, capsys: Captured) -> None:
    (one,) = hooked(root, capsys, "    async def lost(): pass\n    def make():\n"
                    "        lost()\n    make()\n")  # fmt: skip
    assert (one["rule"], one["path"], one["line"]) == ("unawaited", "check.py", 6)
    assert "lost was never awaited" in one["text"]


BLOCKED = "    import asyncio, time\n    async def main():\n        {}\n    asyncio.run(main())\n"


def test_a_loop_that_is_blocked(root: Path, capsys: Captured) -> None:
    (one,) = hooked(root, capsys, BLOCKED.format("time.sleep(1.2)"))
    assert (one["rule"], one["path"], one["line"]) == ("blocked", "check.py", 6)


@pytest.mark.parametrize(
    "line",
    ["await asyncio.sleep(1.2)", "await asyncio.to_thread(time.sleep, 1.2)",
     "end = time.monotonic() + 1.2\n        while time.monotonic() < end: pass"],
)  # fmt: skip
def test_what_blocks_no_loop(root: Path, capsys: Captured, line: str) -> None:
    assert hooked(root, capsys, BLOCKED.format(line)) == []


def test_the_original_in_place_of_the_copy_is_no_test(root: Path, capsys: Captured) -> None:
    made(root, GOOD)
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import pkg.nap"
    assert run(["verify", "--", sys.executable, "-c", code]) == 2
    assert "imported from the original tree" in capsys.readouterr().err


def test_a_sitecustomize_of_the_environment_is_loaded(
    root: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(root, {**GOOD, "site/sitecustomize.py": "import builtins\nbuiltins.mine = 1\n"})
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["site", os.environ.get("PYTHONPATH", "")]))
    command = (sys.executable, "-c", "assert mine == 1; import sys; sys.exit('asyncio' in"
               " sys.modules)")  # fmt: skip
    assert verified(capsys, command=command)["before"]["status"] == 0


# ----------------------------------------------------------------------------- comparing


def a_run(tests: Mapping[str, str] | None, *seen: Seen, status: int = 0) -> Run:
    results = None
    if tests is not None:
        results = {name: TestResult(name, outcome) for name, outcome in tests.items()}
    return Run(status, 1.0, results, seen, ())


def rules(before: Run, after: Run) -> list[str]:
    return [worse.rule for worse in compare(before, after)]


def test_tests_are_compared_one_by_one() -> None:
    before = a_run({"a": PASSED, "b": FAILED, "c": PASSED, "d": SKIPPED, "e": PASSED}, status=1)
    after = a_run({"a": FAILED, "b": FAILED, "d": PASSED, "e": SKIPPED, "new": PASSED}, status=1)
    assert sorted(rules(before, after)) == ["failed", "gone", "skipped"]


def test_the_same_again_is_not_worse() -> None:
    seen = Seen("blocked", "a.py", 3, "f")
    before = a_run({"a": PASSED, "b": FAILED}, seen, status=1)
    assert rules(before, before) == []
    moved = Seen("blocked", "a.py", 9, "f")
    assert rules(before, a_run({"a": PASSED, "b": PASSED}, moved)) == []


def test_a_report_that_is_missing_is_worse() -> None:
    assert rules(a_run({"a": PASSED}), a_run(None, status=3)) == ["no-report"]


@pytest.mark.parametrize("count", [1, 2, 3, 29, 30, 64])
def test_bisection_finds_the_first_and_asks_little(count: int) -> None:
    for wrong in range(1, count + 1):
        asked: list[int] = []

        def fails(number: int, wrong: int = wrong, asked: list[int] = asked) -> bool:
            asked.append(number)
            return number >= wrong

        assert guilty(count, fails) == wrong
        assert len(asked) <= 6
        assert len(set(asked)) == len(asked)


def test_a_report_that_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "j.xml").write_text("<testsuites><testcase")
    assert read_junit(tmp_path / "j.xml", tmp_path) is None
