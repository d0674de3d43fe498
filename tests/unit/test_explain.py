"""`explain` leaves nothing out: all roots, all that keeps a function sync, every call of a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asyncshift.cli import run
from asyncshift.config import load_config
from asyncshift.model import FunctionKind
from asyncshift.pipeline import analyse, changes
from asyncshift.report.explain import explain, find_target
from asyncshift.report.roots import roots

PROGRAMS = Path(__file__).resolve().parent.parent / "fixtures" / "programs"
SOURCE = """\
import time
import requests


def fetch(url):
    time.sleep(1)
    return requests.get(url).text


def both(url):
    return fetch(url) + slow()


def slow():
    time.sleep(2)
    return "s"


class Sized:
    def __len__(self):  # asyncshift: keep-sync
        return len(low())

    def __str__(self):
        return low()


def low():
    time.sleep(3)
    return "x"


def hand():
    found = [1]
    found.sort(key=key)
    return found


def key(x):
    return x + len(slow())


def main():
    print(both("a"), hand(), plain("x"), unknown.both("b"))


def plain(text):
    return text.upper()


if __name__ == "__main__":
    main()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "m.py").write_text(SOURCE)
    return tmp_path


def line_of(text: str) -> int:
    return SOURCE[: SOURCE.index(text)].count("\n") + 1


def explained(project: Path, target: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert run(["explain", target, str(project), "--format", "json", "--jobs", "1"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_every_root_with_the_way_to_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(project, "m:both", capsys)["roots"]
    assert isinstance(found, list)
    ways = [[(step["text"], step["line"]) for step in way] for way in found]
    waits = line_of("    return fetch(url) + slow()")
    assert ways == [
        [("waits for fetch", waits), ("calls time.sleep", line_of("    time.sleep(1)"))],
        [("waits for fetch", waits), ("calls requests.get", line_of("    return requests"))],
        [("waits for slow", waits), ("calls time.sleep", line_of("    time.sleep(2)"))],
    ]


def test_every_reason_of_what_stays(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = explained(project, "m:Sized.__len__", capsys)["kept"]
    assert isinstance(kept, list)
    assert [reason["rule"] for reason in kept] == ["keep-sync", "dunder"]
    kept = explained(project, "m:low", capsys)["kept"]
    assert isinstance(kept, list)
    assert [reason["rule"] for reason in kept] == ["held", "keep-sync", "dunder"]


def test_what_would_unblock(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "m:Sized.__len__", str(project), "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "way out: move what waits into a method of another name" in out
    assert "way out: remove the comment" in out


def test_the_calls_of_a_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = line_of("    print(both")
    calls = explained(project, f"m.py:{line}", capsys)["calls"]
    assert isinstance(calls, list)
    said = {call["call"]: (call["verdict"], call["reason"]) for call in calls}
    assert said["both"] == ("awaited", "both is async")
    assert said["hand"] == ("threaded", "hand blocks and stays sync")
    assert said["plain"] == ("left", "plain reaches nothing that becomes awaitable")
    calls = explained(project, f"m.py:{line_of('    return x + len')}", capsys)["calls"]
    assert isinstance(calls, list)
    assert [call["verdict"] for call in calls] == ["bridged"]
    assert "key stays sync" in calls[0]["reason"]


def test_what_turns_keeps_nothing_and_what_stays_has_no_roots(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explained(project, "m:both", capsys)["kept"] == []
    assert explained(project, "m:key", capsys)["roots"] == []
    plain = explained(project, "m:plain", capsys)
    assert (plain["roots"], plain["kept"], plain["calls"]) == ([], [], [])


@pytest.mark.parametrize("program", ["depot", "gazette", "sensors"])
def test_nothing_turns_or_stays_without_a_reason(program: str) -> None:
    source = PROGRAMS / program
    analysis = analyse([source], load_config(source, {"jobs": 1, "cache": False}))
    plan = changes(analysis).plan
    assert plan.turned
    for fid in plan.turned:
        assert roots(analysis.graph, plan, analysis.registry, fid), fid
    for f in analysis.graph.functions.values():
        if f.kind is FunctionKind.FUNCTION:
            target = find_target(analysis.graph, f"{f.path}:{f.line}")
            found = explain(analysis, plan, target)
            stays = found.verdict == "stays sync"
            assert bool(found.kept) == stays, f.id
