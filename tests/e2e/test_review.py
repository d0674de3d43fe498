"""`review`: change-sets are taken or refused one by one, in a file, in a pipe and on a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from asyncshift.cli import run
from asyncshift.cli.migrate import open_drafts
from asyncshift.config import load_config
from asyncshift.pipeline import silent
from asyncshift.review import ANSWERS, Question, Review
from tests.e2e.never_awaited import watching

Captured = pytest.CaptureFixture[str]

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
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\nname = 'p'\nrequires-python = '>=3.11'\n")
    (folder / "clock.py").write_text(CLOCK)
    (folder / "main.py").write_text(MAIN)
    monkeypatch.chdir(folder)
    return folder


def reviewed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> int:
    """A review with answers in a pipe."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(answers)))
    return run(["review", "--no-cache"])


def asynchronous(root: Path) -> set[str]:
    texts = [(root / name).read_text() for name in ("clock.py", "main.py")]
    return {name for text in texts for name in re.findall(r"async def (\w+)", text)}


def prints(root: Path) -> str:
    with watching() as watch:
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=root,
            env=watch.environment(os.environ),
            capture_output=True,
            text=True,
            check=True,
        )
        assert watch.seen() == []
    return done.stdout


def decisions(root: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((root / ".asyncshift/review.json").read_text())
    return content


def test_all_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = prints(root)
    assert reviewed(monkeypatch, "a") == 0
    assert asynchronous(root) == {"tick", "tock", "both", "alone"}
    assert prints(root) == before
    assert not (root / ".asyncshift/review.json").exists()


def test_callees_come_first(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert reviewed(monkeypatch, "s", "s") == 0
    asked = re.findall(r"^\[\d+/\d+\] (\S+)", capsys.readouterr().err, re.M)
    assert {name.strip(":") for name in asked} == {"clock:tick", "clock:tock"}  # others need them


def test_what_is_refused_stays_and_is_worked_around(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = prints(root)
    assert reviewed(monkeypatch, "n clock:tick", "y", "a") == 0
    assert asynchronous(root) == {"tock", "both", "alone"}
    assert "asyncio.to_thread(tick)" in (root / "main.py").read_text()
    assert prints(root) == before
    record = json.loads((root / ".asyncshift/ledger/clock.json").read_text())
    assert record["declined"] == ["tick"]


def test_quitting_writes_nothing_and_keeps_the_decisions(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    assert reviewed(monkeypatch, "n clock:tick", "y clock:tock", "q") == 0
    assert asynchronous(root) == set()
    kept = decisions(root)
    assert kept["refused"] == [["clock:tick"]]
    ignored = subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    assert ignored.returncode == 0
    status = subprocess.run(["git", "status", "--short", "-uall"], cwd=root, capture_output=True)
    assert b"review.json" not in status.stdout
    (root / "main.py").write_text("# an edit\n" + MAIN)
    capsys.readouterr()
    assert reviewed(monkeypatch, "a") == 0
    assert "2 decided in the last review" in capsys.readouterr().err
    assert asynchronous(root) == {"tock", "both", "alone"}


def test_the_end_of_a_pipe_is_a_quit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reviewed(monkeypatch, "y") == 0
    assert asynchronous(root) == set()
    assert len(decisions(root)["accepted"]) == 1  # type: ignore[arg-type]


def test_done_writes_what_was_taken_and_shows_again_what_it_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    before = prints(root)
    assert reviewed(monkeypatch, "s clock:tock", "y clock:tick", "d", "y") == 0
    assert "(again: its text is another one" in capsys.readouterr().err
    text = (root / "clock.py").read_text()
    assert "async def tick_async" in text
    assert "def tock():\n    time.sleep(0)" in text
    assert prints(root) == before
    record = json.loads((root / ".asyncshift/ledger/clock.json").read_text())
    assert record["declined"] == []  # the rest is undecided
    assert run(["apply", "--yes", "--no-cache"]) == 0
    assert asynchronous(root) == {"tick", "tock", "both", "alone"}


def test_undo_takes_the_last_answer_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reviewed(monkeypatch, "n", "u", "a") == 0
    assert asynchronous(root) == {"tick", "tock", "both", "alone"}


def test_nothing_to_undo_is_no_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reviewed(monkeypatch, "u", "u", "q") == 0


def test_why(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert reviewed(monkeypatch, "?", "q") == 0
    err = capsys.readouterr().err
    assert "calls time.sleep" in err
    assert all(f"  {letter}  {text}" in err for letter, text in ANSWERS.items())
    assert asynchronous(root) == set()


def test_edit_works_everything_out_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; p = sys.argv[1]; t = open(p).read(); open(p, 'w').write(t.replace("
    code += "'time.sleep(0)', 'len(str(time))', 1))"
    monkeypatch.setenv("EDITOR", f'{sys.executable} -c "{code}"')
    monkeypatch.delenv("VISUAL", raising=False)
    assert reviewed(monkeypatch, "e", "a") == 0
    assert asynchronous(root) == {"tock", "both", "alone"}


def test_an_editor_that_is_not_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor-at-all")
    assert reviewed(monkeypatch, "e", "q") == 0


def test_answers_in_a_file(root: Path, capsys: Captured) -> None:
    (root / "answers").write_text("# by name\nn clock:tock\na\n")
    assert run(["review", "--answers", "answers", "--no-cache"]) == 0
    assert asynchronous(root) == {"tick", "both"}


@pytest.mark.parametrize("text", ["x\n", "y a b\n", "yes\n"])
def test_answers_that_are_none(root: Path, capsys: Captured, text: str) -> None:
    (root / "answers").write_text(text)
    assert run(["review", "--answers", "answers", "--no-cache"]) == 2
    assert "answers:1: " in capsys.readouterr().err
    assert asynchronous(root) == set()


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1, "accepted": [1], "refused": []}'])
def test_damaged_decisions(root: Path, capsys: Captured, text: str) -> None:
    (root / ".asyncshift").mkdir()
    (root / ".asyncshift/review.json").write_text(text)
    assert run(["review", "--no-cache"]) == 2
    assert "review.json" in capsys.readouterr().err


def test_uncommitted_files_are_not_written_and_the_decisions_stay(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], cwd=root, check=True)
    (root / "clock.py").write_text(CLOCK + "\n# mine\n")
    assert reviewed(monkeypatch, "a") == 2
    assert asynchronous(root) == set()
    assert len(decisions(root)["accepted"]) >= 4  # type: ignore[arg-type]


# ----------------------------------------------------------------------------- a terminal


PROMPT = b"Take it? [y,n,a,d,q,s,e,u,?] "


def until(main: int, wanted: bytes) -> bytes:
    """What a terminal shows until it shows this."""
    seen = b""
    while not seen.endswith(wanted):
        seen += os.read(main, 1)
    return seen


def test_on_a_terminal(root: Path) -> None:
    main, other = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "asyncshift", "review", "--no-cache"],
        cwd=root,
        stdin=other,
        stdout=other,
        stderr=other,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    ) as process:
        os.close(other)
        seen = until(main, PROMPT)
        assert b"\x1b[32m+" in seen
        for answer, told in ((b"\n", b""), (b"what?\n", b""), (b"?\n", b"undo: take the last")):
            os.write(main, answer)
            assert told in until(main, PROMPT)
        while b"] clock:tick" not in seen:
            os.write(main, b"Y\n")
            seen = until(main, PROMPT)
        os.write(main, b"n\n")
        until(main, PROMPT)
        os.write(main, b"a\n")
        until(main, b"takes it back).")
        assert process.wait() == 0
    os.close(main)
    assert asynchronous(root) == {"tock", "both", "alone"}


# ----------------------------------------------------------------------------- forty sets


def forty(root: Path) -> None:
    """Forty functions in four modules that call each other downwards, and a program."""
    for level in range(4):
        lines = ["import time\n"] + [f"import m{level - 1}\n"] * bool(level)
        for n in range(10):
            below = f" + m{level - 1}.f{n}() + m{level - 1}.f{(n + 3) % 10}()" if level else ""
            lines.append(f"\n\ndef f{n}():\n    time.sleep(0)\n    return {n}{below}\n")
        (root / f"m{level}.py").write_text("".join(lines))
    calls = " + ".join(f"m3.f{n}()" for n in range(10))
    (root / "main.py").write_text(
        f"import m3\n\n\nif __name__ == '__main__':\n    print({calls})\n"
    )
    (root / "clock.py").unlink()


def test_a_session_of_forty_change_sets(root: Path, tmp_path: Path) -> None:
    """After each answer the tree that would result prints the same."""
    forty(root)
    before = prints(root)
    copy = tmp_path / "copy"
    config = load_config(root, {"cache": False, "jobs": 1})

    def drafts():  # type: ignore[no-untyped-def]
        return open_drafts([root], config, silent)

    work = Review(drafts(), drafts)
    chance = random.Random(8)
    refuse = set(chance.sample(range(36), 5))
    asked: list[int] = []

    def ask(question: Question) -> str:
        asked.append(question.total)
        shutil.copytree(root, copy)
        for change in work.result().outcome.changes:
            (copy / change.path).write_bytes(change.new or b"")
        assert prints(copy) == before
        shutil.rmtree(copy)
        return "n" if len(asked) - 1 in refuse else "y"

    work.run(ask, lambda _: False)
    assert work.write
    assert max(asked) >= 40
    assert len(work.decided.refused) == 5
    for change in work.result().outcome.changes:
        path = root / change.path
        path.write_bytes(change.new or b"")
    assert prints(root) == before
    texts = [p.read_text() for p in root.glob("m?.py")]
    assert 0 < sum(text.count("async def") for text in texts) <= 35


TITLE = re.compile(rb"\[\d+/(\d+)\] (\S+)")


class Terminal:
    """A review on a terminal of its own, answered one by one."""

    def __init__(self, root: Path, **environment: str) -> None:
        self.main, other = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "asyncshift", "review", "--no-cache"],
            cwd=root,
            stdin=other,
            stdout=other,
            stderr=other,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80", **environment},
        )
        os.close(other)

    def shown(self) -> tuple[str, int] | None:
        """The name of the change-set that is asked about, and how many there are; None at the
        end."""
        seen = b""
        while not seen.endswith(PROMPT):
            try:
                seen += os.read(self.main, 1)
            except OSError:  # the other end is closed
                assert self.process.wait() == 0, seen.decode()
                os.close(self.main)
                return None
        total, name = TITLE.findall(seen)[-1]
        return name.decode(), int(total)

    def answer(self, word: str) -> None:
        os.write(self.main, f"{word}\n".encode())


def test_forty_change_sets_on_a_terminal(root: Path) -> None:
    """Five are refused, the session is left, a file is edited by hand and one from within, and the
    rest is taken another day."""
    forty(root)
    before = prints(root)
    chance = random.Random(8)
    refuse = set(chance.sample(range(36), 5))
    refused: list[str] = []
    totals: list[int] = []
    first = Terminal(root)
    for number in range(20):
        shown = first.shown()
        assert shown is not None
        totals.append(shown[1])
        if number in refuse:
            refused.append(shown[0])
        first.answer("n" if number in refuse else "y")
    assert first.shown() is not None
    first.answer("q")
    assert first.shown() is None
    assert prints(root) == before
    assert max(totals) >= 40
    by_hand = root / "m3.py"
    by_hand.write_text(by_hand.read_text() + "\n\ndef more():\n    return f0()\n")
    code = "import sys; open(sys.argv[1], 'a').write('\\n# edited\\n')"
    second = Terminal(root, EDITOR=f'{sys.executable} -c "{code}"')
    number = 20
    again: list[str] = []
    while (shown := second.shown()) is not None:
        if number == 25 and not again:
            again.append(shown[0])
            second.answer("e")
            continue
        if number in refuse:
            refused.append(shown[0])
        second.answer("n" if number in refuse else "y")
        number += 1
    assert len(refused) == 5
    assert prints(root) == before
    for name in refused:
        module, _, function = name.partition(":")
        assert f"async def {function}(" not in (root / f"{module}.py").read_text()
    texts = [p.read_text() for p in root.glob("m?.py")]
    assert sum(text.count("# edited") for text in texts) == 1
    assert 0 < sum(text.count("async def") for text in texts) <= 36
