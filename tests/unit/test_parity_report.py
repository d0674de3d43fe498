"""What the libraries do differently is told for each call, with what was done about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asyncshift.cli import run

PROGRAM = """\
import requests


class Api:
    def __init__(self, base):
        self.base = base
        self.session = requests.Session()

    def create(self, name):
        return self.session.post(self.base, json={"name": name}).ok

    def where(self):
        return self.session.head(self.base).url.split("/")


def one(url):
    return requests.get(url, params={"page": None}).json()
"""


def report(root: Path, capsys: pytest.CaptureFixture[str], text: str, *more: str) -> str:
    (root / "shop.py").write_text(text)
    assert run(["diff", str(root), "--no-cache", *more]) == 0
    return "".join(capsys.readouterr())


def kept(root: Path, capsys: pytest.CaptureFixture[str], text: str) -> set[tuple[int, str, str]]:
    (root / "shop.py").write_text(text)
    assert run(["diff", str(root), "--no-cache", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not [one for one in told["messages"] if one["severity"] == "parity"]
    return {(one["line"], one["kept"], one["difference"]) for one in told["parity"]}


def test_each_call_with_what_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = kept(tmp_path, capsys, PROGRAM)
    ways = {(line, way) for line, way, _ in found}
    assert ways == {
        (7, "kept-by-argument"),
        (7, "left"),
        (10, "kept-by-construct"),
        (10, "not-observable"),
        (13, "kept-by-argument"),
        (13, "kept-by-construct"),
        (17, "kept-by-construct"),
        (17, "left"),
    }
    assert (
        13,
        "kept-by-argument",
        "HEAD is not redirected in requests: `follow_redirects=False`",
    ) in (found)
    reason = "params= replaces a query that the URL has"
    assert (17, "kept-by-construct", f"{reason}: the call goes through `_http`") in found


def test_a_section_of_the_summary_with_what_is_left_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = report(tmp_path, capsys, PROGRAM)
    section = text[text.index("Parity: where the libraries differ") :]
    assert section.index("[LEFT] the User-Agent") < section.index("[not observable] shop.py:10:")
    assert "shop.py:7, shop.py:17" in section


def test_where_no_library_changes_there_is_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "import time\n\n\ndef nap():\n    time.sleep(1)\n"
    assert "Parity" not in report(tmp_path, capsys, text)
    assert not kept(tmp_path, capsys, text)


def test_what_stays_with_requests_has_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "import requests, pickle\n\n\ndef f(file):\n    pickle.dump(requests.Session(), file)\n"
    assert not kept(tmp_path, capsys, text)
