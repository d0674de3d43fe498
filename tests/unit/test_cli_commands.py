"""The commands around a stand-in for the pipeline: what is written where, and exit statuses.

The stand-in turns the word `sync` into `async` in every file it is given.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import asyncshift
from asyncshift import discover
from asyncshift.cli import run
from asyncshift.config import Config
from asyncshift.model import (
    Cause,
    FileChange,
    Function,
    FunctionKind,
    Graph,
    Message,
    Plan,
    Project,
    Refusal,
    Severity,
)

FUNCTION = Function("a.py:1", "a.py", 1, "fetch", "a", FunctionKind.FUNCTION, (1, 0, 2, 4), None)
CALLER = Function("a.py:4", "a.py", 4, "Api.load", "a", FunctionKind.FUNCTION, (4, 0, 5, 4), None)
GRAPH = Graph({f.id: f for f in (FUNCTION, CALLER)}, ())
PLAN = Plan(
    turned=frozenset({"a.py:1", "a.py:4"}),
    causes={
        "a.py:1": Cause("root", "calls time.sleep", "a.py", 2),
        "a.py:4": Cause("calls", "awaits fetch", "a.py", 5, "a.py:1"),
    },
    decisions=(),
)
REFUSAL = Refusal("b.py", (7, 4, 7, 9), "no-twin", "there is no async one", "use another")
LOOK = Message("b.py", 9, "unknown-call", "x.run() may reach fetch", Severity.LOOK)
NOTES = tuple(Message("b.py", line, "parity", "redirects: 20 at most") for line in (3, 5))


@dataclass(frozen=True)
class Analysis:
    """As much of the pipeline's survey and analysis as the commands look at."""

    project: Project
    messages: tuple[Message, ...]
    graph: Graph = GRAPH
    plan: Plan = PLAN
    registry: object = None
    scope: object = None


def survey(
    paths: Sequence[Path], config: Config, progress: object, unresolved: bool = False
) -> Analysis:
    project = discover.discover(paths, config)
    return Analysis(project, project.messages)


def solved(seen: Analysis, config: Config, progress: object, choice: object) -> Analysis:
    return seen


def changes(analysis: Analysis, progress: object) -> SimpleNamespace:
    found = []
    for file in analysis.project.files:
        old = discover.encode(file, file.text)
        new = old.replace(b" sync", b" async")
        if new != old and file.selected:
            found.append(FileChange(file.path, old, new))
    return SimpleNamespace(
        changes=tuple(found),
        plan=PLAN,
        messages=(*analysis.messages, LOOK, *NOTES),
        refusals=(REFUSAL,),
        mechanical={1: True, 2: False},
        counts={"functions": 2, "rewritten": 3, "threaded": 1, "bridged": 0},
    )


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("asyncshift.pipeline")
    vars(module).update(analyse=survey, solved=solved, changes=changes, survey=survey)
    monkeypatch.setitem(sys.modules, "asyncshift.pipeline", module)
    monkeypatch.setattr(asyncshift, "pipeline", module, raising=False)
    return module


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_bytes(b"x = ' sync'\r\n")
    (folder / "b.py").write_bytes(b"# coding: latin-1\ny = '\xe9 sync'")
    monkeypatch.chdir(folder)
    return folder


AUTHOR = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
Captured = pytest.CaptureFixture[bytes]


# ----------------------------------------------------------------------------- diff


def test_diff_shows_and_writes_nothing(project: Path, capsysbinary: Captured) -> None:
    before = {path.name: path.read_bytes() for path in project.iterdir()}
    assert run(["diff"]) == 0
    out, err = capsysbinary.readouterr()
    assert b"-x = ' sync'\r\n+x = ' async'\r\n" in out
    assert b"+y = '\xe9 async'\n\\ No newline at end of file\n" in out
    assert b"2 files changed: 2 functions turned async, 3 calls rewritten, 1 threaded" in err
    assert before == {path.name: path.read_bytes() for path in project.iterdir()}


def test_the_summary_tells_places_reasons_and_ways_out(
    project: Path, capsysbinary: Captured
) -> None:
    run(["diff"])
    err = capsysbinary.readouterr().err.decode()
    assert "b.py:7: there is no async one [no-twin]\n    way out: use another" in err
    assert "b.py:9: x.run() may reach fetch" in err
    assert "redirects: 20 at most\n    b.py:3, b.py:5" in err
    assert "2 change-sets, 1 mechanical" in err


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--exit-code"], 1)])
def test_exit_code(project: Path, options: list[str], status: int) -> None:
    assert run(["diff", *options]) == status
    for path in project.glob("*.py"):
        path.write_bytes(b"nothing\n")
    assert run(["diff", *options]) == 0


def test_diff_as_json(project: Path, capsysbinary: Captured) -> None:
    assert run(["diff", "--format", "json"]) == 0
    content = json.loads(capsysbinary.readouterr().out)
    assert content["counts"]["rewritten"] == 3
    assert content["refused"][0]["way_out"] == "use another"
    assert [file["path"] for file in content["files"]] == ["a.py", "b.py"]


# ----------------------------------------------------------------------------- apply and undo


def test_a_stored_plan_is_written_byte_for_byte(project: Path, capsysbinary: Captured) -> None:
    assert run(["diff", "--out", "../plan.json"]) == 0
    assert run(["apply", "../plan.json"]) == 0
    assert (project / "a.py").read_bytes() == b"x = ' async'\r\n"
    assert (project / "b.py").read_bytes() == b"# coding: latin-1\ny = '\xe9 async'"
    assert run(["undo"]) == 0
    assert (project / "a.py").read_bytes() == b"x = ' sync'\r\n"


def test_a_stored_plan_is_refused_when_a_file_changed(
    project: Path, capsysbinary: Captured
) -> None:
    run(["diff", "--out", "../plan.json"])
    (project / "b.py").write_text("edited")
    capsysbinary.readouterr()
    assert run(["apply", "../plan.json"]) == 2
    err = capsysbinary.readouterr().err.decode()
    assert err.startswith("error: b.py: has changed since it was analysed")
    assert "Traceback" not in err
    assert (project / "a.py").read_bytes() == b"x = ' sync'\r\n"


def test_apply_needs_a_yes_where_nobody_can_be_asked(
    project: Path, capsysbinary: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncshift.cli.terminal.can_ask", lambda: False)
    assert run(["apply", "."]) == 2
    assert b"--yes" in capsysbinary.readouterr().err
    assert (project / "a.py").read_bytes() == b"x = ' sync'\r\n"


@pytest.mark.parametrize(("answer", "word"), [(True, b" async"), (False, b" sync")])
def test_apply_asks_on_a_terminal(
    project: Path,
    capsysbinary: Captured,
    monkeypatch: pytest.MonkeyPatch,
    answer: bool,
    word: bytes,
) -> None:
    monkeypatch.setattr("asyncshift.cli.terminal.can_ask", lambda: True)
    monkeypatch.setattr("asyncshift.cli.terminal.ask", lambda question: answer)
    assert run(["apply", "."]) == 0
    assert b"+x = ' async'" in capsysbinary.readouterr().out
    assert word in (project / "a.py").read_bytes()


def test_a_second_run_changes_nothing(project: Path) -> None:
    (project / "a.py").write_bytes(b"x = ' sync'\n")
    assert run(["apply", "--yes"]) == 0
    once = (project / "a.py").read_bytes()
    assert run(["diff", "--exit-code"]) == 0
    assert run(["apply", "--yes"]) == 0
    assert (project / "a.py").read_bytes() == once


def test_undo_without_a_journal(project: Path, capsysbinary: Captured) -> None:
    assert run(["undo"]) == 2
    assert b"no step of asyncshift" in capsysbinary.readouterr().err


def test_undo_from_elsewhere(project: Path, tmp_path: Path) -> None:
    run(["apply", "--yes"])
    os.chdir(tmp_path)
    assert run(["undo", "--project", "project"]) == 0
    assert (project / "a.py").read_bytes() == b"x = ' sync'\r\n"


def interrupted(project: Path, step: int, state: str) -> None:
    """The journal as a kill leaves it."""
    place = project / ".asyncshift" / "journal" / f"{step:04}" / "entry.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), "state": state}))


@pytest.mark.parametrize("command", ["scan", "status", "diff", "graph"])
def test_every_command_repairs_what_a_kill_left(
    project: Path, capsysbinary: Captured, command: str
) -> None:
    run(["apply", "--yes"])
    interrupted(project, 1, "prepared")
    run([command])
    assert b"step 0001 was interrupted (apply .): it was taken back" in (
        capsysbinary.readouterr().err
    )
    assert (project / "a.py").read_bytes() == b"x = ' sync'\r\n"


@pytest.mark.parametrize("state", ["prepared", "undoing"])
def test_undo_after_a_kill_takes_no_other_step_back(project: Path, state: str) -> None:
    run(["apply", "--yes", "a.py"])
    run(["apply", "--yes", "b.py"])
    interrupted(project, 2, state)
    assert run(["undo"]) == 0
    assert b" sync" in (project / "b.py").read_bytes()
    assert b" async" in (project / "a.py").read_bytes()
    assert run(["undo"]) == 0
    assert b" sync" in (project / "a.py").read_bytes()


def test_a_stored_plan_is_applied_as_it_is(project: Path, capsysbinary: Captured) -> None:
    run(["diff", "--out", "../plan.json"])
    assert run(["apply", "../plan.json", "--without", "1"]) == 2
    assert b"a stored plan is applied as it is" in capsysbinary.readouterr().err
    assert b" sync" in (project / "a.py").read_bytes()


def test_dirty_files_are_refused_before_anybody_is_asked(
    project: Path, capsysbinary: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (["init", "-q"], ["add", "."], [*AUTHOR, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], check=True)
    (project / "b.py").write_bytes(b"y = ' sync'\n")
    monkeypatch.setattr("asyncshift.cli.terminal.can_ask", lambda: True)
    monkeypatch.setattr("asyncshift.cli.terminal.ask", lambda question: pytest.fail(question))
    assert run(["apply", "."]) == 2
    assert b"not committed, and would be written: b.py" in capsysbinary.readouterr().err
    assert run(["apply", "--yes", "--allow-dirty", "."]) == 0
    assert b" async" in (project / "b.py").read_bytes()


# ----------------------------------------------------------------------------- explain


@pytest.mark.parametrize("target", ["a:Api.load", "a.Api.load", "Api.load", "load", "a.py:5"])
def test_explain_prints_the_whole_chain(project: Path, capsysbinary: Captured, target: str) -> None:
    assert run(["explain", target]) == 0
    out = capsysbinary.readouterr().out.decode()
    assert "a:Api.load  (a.py:4) turns async" in out
    assert "because awaits fetch  [a.py:5, calls]" in out
    assert "which calls time.sleep  [a.py:2, root]" in out


def test_explain_names_the_nearest(project: Path, capsysbinary: Captured) -> None:
    assert run(["explain", "fetsh"]) == 2
    assert b"The nearest: fetch" in capsysbinary.readouterr().err


# ----------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff", "nowhere"], "nowhere: does not exist"),
        (["diff", "--table", "nowhere.toml"], "nowhere.toml does not exist"),
        (["diff", "--jobs", "-1"], "--jobs"),
        (["diff", "--wrong"], "No such option"),
        (["wrong"], "No such command"),
        (["apply", "notes.json"], "is damaged"),
        (["undo", "first"], "integer"),
    ],
)
def test_bad_input_ends_with_two(
    project: Path, capsysbinary: Captured, arguments: list[str], message: str
) -> None:
    (project / "notes.json").write_text("{}")
    before = sorted(project.rglob("*"))
    assert run(arguments) == 2
    out, err = capsysbinary.readouterr()
    assert message in err.decode()
    assert b"Traceback" not in err
    assert out == b""
    assert sorted(project.rglob("*")) == before


def test_an_unknown_setting_is_told_with_its_place(project: Path, capsysbinary: Captured) -> None:
    (project / "pyproject.toml").write_text("[tool.asyncshift]\njob = 3\n")
    assert run(["scan"]) == 2
    assert (
        b"pyproject.toml:2: [tool.asyncshift] has no option `job`" in capsysbinary.readouterr().err
    )


def test_a_bug_ends_with_three_and_what_to_report(
    project: Path, capsysbinary: Captured, stand_in: ModuleType
) -> None:
    def bug(*_: object) -> None:
        raise KeyError("oops")

    vars(stand_in)["survey"] = bug
    assert run(["diff"]) == 3
    err = capsysbinary.readouterr().err.decode()
    assert "KeyError: 'oops'" in err
    assert "Please report the lines above" in err
    assert f"asyncshift {asyncshift.__version__}, Python 3." in err


@pytest.mark.parametrize(
    ("error", "status"), [(BrokenPipeError(32, "Broken pipe"), 0), (KeyboardInterrupt(), 130)]
)
def test_status_one_means_changes_and_nothing_else(
    project: Path, stand_in: ModuleType, error: BaseException, status: int
) -> None:
    def stop(*_: object) -> None:
        raise error

    vars(stand_in)["survey"] = stop
    streams = sys.stdout, sys.stderr
    try:
        assert run(["diff"]) == status
    finally:
        sys.stdout, sys.stderr = streams  # Typer wraps them after a broken pipe


# ----------------------------------------------------------------------------- whole processes


def asyncshift_process(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "asyncshift", *arguments]


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version(option: str) -> None:
    done = subprocess.run(asyncshift_process(option), capture_output=True, text=True, check=True)
    assert done.stdout == f"asyncshift {asyncshift.__version__}\n"


def test_help_lists_every_command() -> None:
    done = subprocess.run(asyncshift_process("--help"), capture_output=True, text=True, check=True)
    for command in ("scan", "diff", "apply", "undo", "status", "explain", "graph", "codemods"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize(("colours", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_diff_is_coloured_on_a_terminal_only(colours: dict[str, str], coloured: bool) -> None:
    program = (
        "from asyncshift.cli import terminal\n"
        "terminal.show_diff(b'--- a/m.py\\n+++ b/m.py\\n@@ -1 +1 @@\\n-old\\n+new\\n')"
    )
    main, other = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=other,
        env={**environment, "TERM": "xterm", **colours},
    ) as process:
        assert process.wait() == 0
    os.close(other)
    shown = os.read(main, 10_000)
    os.close(main)
    assert b"+new" in shown
    assert (b"\x1b[32m+new" in shown) is coloured
