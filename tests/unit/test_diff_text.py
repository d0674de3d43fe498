"""The diff as a terminal shows it: whole lines in colour, words that differ underlined."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift.cli import run
from asyncshift.report.diff_text import diff_text


def underlined(diff: str) -> list[str]:
    """The emphasised parts, in order."""
    return [
        line.plain[span.start : span.end]
        for line in diff_text(diff.encode())
        for span in line.spans
        if "underline" in str(span.style)
    ]


def test_only_the_words_that_differ_are_emphasised() -> None:
    diff = "@@ -1 +1 @@\n-    return get(url)\n+    return await get(url)\n"
    assert [part.strip() for part in underlined(diff)] == ["await"]
    assert [line.plain for line in diff_text(diff.encode())] == diff.splitlines()


def test_pairs_are_compared_one_by_one() -> None:
    diff = "-a = f(1)\n-b = g(2)\n+a = await f(1)\n+b = await g(2)\n c\n"
    assert [part.strip() for part in underlined(diff)] == ["await", "await"]
    assert [line.plain for line in diff_text(diff.encode())] == diff.splitlines()


@pytest.mark.parametrize(
    "diff",
    [
        "--- a/x.py\n+++ b/x.py\n",
        "-import time\n+import asyncio\n+import sys\n",
        "-alpha beta gamma\n+one\n",
        "-gone\n",
        "+come\n",
        f"-{'x ' * 2000}\n+{'x ' * 2001}\n",
    ],
)
def test_where_nothing_is_to_be_compared(diff: str) -> None:
    assert underlined(diff) == []
    assert [line.plain for line in diff_text(diff.encode())] == diff.splitlines()


def test_what_a_terminal_would_obey_is_shown() -> None:
    lines = [line.plain for line in diff_text("+x = '\x1b[31m\u202e'\t# y\r\n".encode())]
    assert lines == ["+x = '\\x1b[31m\\u202e'\t# y"]


def test_mechanical_sets_are_folded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.py").write_text("import time\n\n\ndef nap():\n    time.sleep(1)\n")
    monkeypatch.chdir(tmp_path)
    assert run(["diff", "--fold-mechanical", "--no-cache"]) == 0
    out = capsys.readouterr().out
    assert "# [1] m:nap (mechanical" in out
    assert "#   folded: +3 -3 lines" in out
    assert "async def" not in out
    assert run(["diff", "--by-change-set", "--no-cache"]) == 0
    assert "+async def nap" in capsys.readouterr().out
