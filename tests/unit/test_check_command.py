"""`check` in CI: chains at any depth, a baseline, comments, SARIF and annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from asyncshift.cli import run
from asyncshift.comments import comments_in

Captured = pytest.CaptureFixture[str]

PROBE = {
    "shop/__init__.py": "",
    "shop/api.py": """\
from fastapi import FastAPI

from shop import orders, service

app = FastAPI()


@app.get("/report")
async def report():
    return {"rates": service.rates(), "user": service.user(1), "terms": service.terms()}


@app.post("/order")
async def order(item: str):
    return orders.place(item)
""",
    "shop/service.py": """\
from functools import lru_cache

from shop import net
from shop.client import Client

client = Client()


def rates():
    return net.table("rates")


def user(number):
    return client.user(number)


@lru_cache
def terms():
    return net.download("/terms")
""",
    "shop/net.py": """\
import requests as http
from urllib.request import urlopen


def table(name):
    return _get(f"https://example.org/{name}").json()


def _get(url):
    return http.get(url, timeout=5)


def download(path):
    with urlopen(f"https://example.org{path}") as response:
        return response.read()
""",
    "shop/client.py": """\
import requests


class Client:
    def __init__(self):
        self.session = requests.Session()

    def user(self, number):
        return self._fetch(f"https://example.org/users/{number}").json()

    def _fetch(self, url):
        return self.session.get(url)
""",
    "shop/orders.py": """\
from shop import store
from shop.retrying import retry


def place(item):
    number = store.insert(item)
    announce(number)
    return number


@retry(3)
def announce(number):
    print(number)
""",
    "shop/retrying.py": """\
import functools
import time


def retry(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            for attempt in range(times):
                try:
                    return function(*args, **kwargs)
                except OSError:
                    time.sleep(2**attempt)

        return wrapper

    return decorate
""",
    "shop/store.py": """\
from shop import database


def insert(item):
    return database.execute("insert into orders (item) values (%s) returning id", item)
""",
    "shop/database.py": """\
import psycopg


def execute(statement, *values):
    with psycopg.connect("dbname=shop") as connection:
        return connection.execute(statement, values).fetchone()[0]
""",
}
CHAINS = {
    "shop/net.py:10": ["report", "rates", "table", "_get"],
    "shop/client.py:12": ["report", "user", "Client.user", "Client._fetch"],
    "shop/database.py:5": ["order", "place", "insert", "execute"],
    "shop/database.py:6": ["order", "place", "insert", "execute"],
    "shop/net.py:14": ["report", "terms", "download"],
    "shop/retrying.py:13": ["order", "place", "retry.decorate.wrapper"],
}
QUIET = {
    "q.py": (
        "import asyncio\nimport time\n\n\ndef slow():\n    time.sleep(1)\n\n\n"
        "async def main():\n    await asyncio.to_thread(slow)\n    await asyncio.sleep(1)\n"
    )
}
BAD = "import time\n\n\nasync def f():\n    time.sleep(1)\n"


def made(root: Path, tree: Mapping[str, str]) -> None:
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made(tmp_path, {"pyproject.toml": "[project]\nname = 'p'\nrequires-python = '>=3.11'\n"})
    return tmp_path


def checked(capsys: Captured, status: int, *arguments: str) -> str:
    capsys.readouterr()
    assert run(["check", *arguments]) == status
    return capsys.readouterr().out


def listed(capsys: Captured, status: int, *arguments: str) -> list[dict[str, Any]]:
    content = json.loads(checked(capsys, status, "--format", "json", *arguments))
    findings: list[dict[str, Any]] = content["findings"]
    return findings


def test_five_groups_behind_two_endpoints(root: Path, capsys: Captured) -> None:
    made(root, PROBE)
    found = listed(capsys, 1)
    assert {f["rule"] for f in found} == {"blocks-loop"}
    chains = {f"{f['path']}:{f['line']}": [s["name"] for s in f["chain"]] for f in found}
    assert chains == CHAINS


def test_threads_and_awaits_are_fine(root: Path, capsys: Captured) -> None:
    made(root, QUIET)
    assert "nothing found" in checked(capsys, 0)


# ----------------------------------------------------------------------------- SARIF


def test_sarif_is_as_the_standard_wants_it(root: Path, capsys: Captured) -> None:
    made(root, PROBE)
    log = json.loads(checked(capsys, 1, "--format", "sarif"))
    assert log["version"] == "2.1.0"
    (one,) = log["runs"]
    rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
    assert one["columnKind"] == "unicodeCodePoints"
    (base,) = one["originalUriBaseIds"].items()
    assert base[1]["uri"].startswith("file:///")
    assert base[1]["uri"].endswith("/")
    chains = {}
    for result in one["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "note")
        assert result["message"]["text"]
        (location,) = result["locations"]
        steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
        places = [location, *(step["location"] for step in steps)]
        for place in places:
            physical = place["physicalLocation"]
            assert physical["artifactLocation"]["uriBaseId"] == base[0]
            assert physical["region"]["startLine"] >= 1
            assert physical["region"].get("startColumn", 1) >= 1
        physical = location["physicalLocation"]
        key = f"{physical['artifactLocation']['uri']}:{physical['region']['startLine']}"
        chains[key] = [step["location"]["message"]["text"] for step in steps]
    assert chains == CHAINS
    prints = [result["partialFingerprints"]["asyncshift/v1"] for result in one["results"]]
    assert len(set(prints)) == len(prints)


def test_fingerprints_outlive_other_edits(root: Path, capsys: Captured) -> None:
    made(root, {"m.py": BAD})

    def prints() -> list[str]:
        log = json.loads(checked(capsys, 1, "--format", "sarif"))
        return [r["partialFingerprints"]["asyncshift/v1"] for r in log["runs"][0]["results"]]

    before = prints()
    (root / "m.py").write_text("\n\n# moved\n" + BAD)
    assert prints() == before


def test_a_clean_tree_is_an_empty_run(root: Path, capsys: Captured) -> None:
    made(root, QUIET)
    log = json.loads(checked(capsys, 0, "--format", "sarif"))
    assert log["runs"][0]["results"] == []
    assert checked(capsys, 0, "--format", "github") == ""


def test_odd_names_of_files(root: Path, capsys: Captured) -> None:
    name = "a b\x1b[31m\u202e%:,ü.py"
    made(root, {name: BAD})
    log = json.loads(checked(capsys, 1, "--format", "sarif"))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert unquote(place["artifactLocation"]["uri"]) == name
    assert re.fullmatch(r"[\w%.\-~/]+", place["artifactLocation"]["uri"])
    for form in ("sarif", "github", "text", "json"):
        out = checked(capsys, 1, "--format", form)
        assert "\x1b" not in out
        assert "\u202e" not in out
    (line,) = checked(capsys, 1, "--format", "github").splitlines()
    assert line.startswith("::error file=a b\\x1b[31m\\u202e%25%3A%2Cü.py,line=5,col=5,title=bl")
    assert "%0A  a b" in line


# ----------------------------------------------------------------------------- baseline


def test_only_what_is_new_fails(root: Path, capsys: Captured) -> None:
    made(root, {"m.py": BAD})
    checked(capsys, 1)
    checked(capsys, 0, "--write-baseline")
    assert (root / ".asyncshift/baseline.json").is_file()
    (root / "m.py").write_text("# a line above\n" + BAD)
    assert listed(capsys, 0) == []
    (root / "m.py").write_text(BAD + "\n\nasync def g():\n    time.sleep(1)\n")
    found = listed(capsys, 1)
    assert [(f["rule"], f["line"]) for f in found] == [("blocks-loop", 9), ("more-blocking", 1)]


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        ("import time\n\n\ndef f():\n    time.sleep(1)\n",
         "import time\n\n\ndef f():\n    time.sleep(1)\n    time.sleep(2)\n", ["more-blocking"]),
        ("import time\n\n\ndef f():\n    time.sleep(1)\n    time.sleep(2)\n",
         "import time\n\n\ndef f():\n    time.sleep(1)\n", []),
        ("from _run_sync import run_sync\n\n\nasync def f(): ...\n\n\ndef g():\n    f()\n    return"
         " 1\n",
         "from _run_sync import run_sync\n\n\nasync def f(): ...\n\n\ndef g():\n    run_sync(f())\n"
         "    return 1\n", ["more-bridges"]),
        ("async def f_async(): ...\n\n\ndef f(): ...\n",
         "from _run_sync import run_sync\n\n\nasync def f_async(): ...\n\n\ndef f():\n"
         "    return run_sync(f_async())\n", ["more-facades"]),
    ],
)  # fmt: skip
def test_counts_may_shrink_and_not_grow(
    root: Path, capsys: Captured, old: str, new: str, rules: list[str]
) -> None:
    from asyncshift.rewrite import bridge_source

    made(root, {"m.py": old, "_run_sync.py": bridge_source()})
    run(["check", "--write-baseline"])
    (root / "m.py").write_text(new)
    found = listed(capsys, int(bool(rules)))
    assert [f["rule"] for f in found] == rules


def test_calls_that_move_to_another_file_are_no_more(root: Path, capsys: Captured) -> None:
    made(root, {"a.py": "import time\n\n\ndef f():\n    time.sleep(1)\n"})
    checked(capsys, 0, "--write-baseline")
    (root / "a.py").rename(root / "b.py")
    assert listed(capsys, 0) == []


def test_a_part_of_the_tree_against_the_whole_baseline(root: Path, capsys: Captured) -> None:
    made(root, {"a.py": BAD, "b.py": BAD})
    checked(capsys, 0, "--write-baseline")
    before = (root / ".asyncshift/baseline.json").read_text()
    assert listed(capsys, 0, "a.py") == []
    checked(capsys, 0, "--write-baseline", "a.py")
    assert (root / ".asyncshift/baseline.json").read_text() == before


@pytest.mark.parametrize("data", ["", "[]", '{"format": 2}', '{"format": 1, "counts": {}}'])
def test_a_damaged_baseline_is_an_error(root: Path, capsys: Captured, data: str) -> None:
    made(root, {**QUIET, "base.json": data})
    assert run(["check", "--baseline", "base.json"]) == 2
    assert "base.json" in capsys.readouterr().err


def test_without_a_baseline_nothing_is_forgiven(root: Path, capsys: Captured) -> None:
    made(root, {"m.py": BAD})
    checked(capsys, 1)
    assert not (root / ".asyncshift").exists()


# ----------------------------------------------------------------------------- comments


@pytest.mark.parametrize(
    "line",
    ["time.sleep(1)  # asyncshift: ignore (a test of the loop)",
     "# asyncshift: ignore (a test of the loop)\n    time.sleep(1)"],
)  # fmt: skip
def test_what_is_ignored_is_no_finding(root: Path, capsys: Captured, line: str) -> None:
    made(root, {"m.py": BAD.replace("time.sleep(1)", line)})
    assert listed(capsys, 0, "--strict") == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (BAD.replace("(1)", "(1)  # asyncshift: ignore"), "comment-without-reason"),
        ("x = 1  # asyncshift: ignore (nothing is here)\n", "comment-unused"),
        ("def f():  # asyncshift: keep-sync (why)\n    return 1\n", "comment-unused"),
        ("x = len('')  # asyncshift: thread (why)\n", "comment-unused"),
        ("x = 1  # asyncshift: keep-snyc (why)\n", "comment-unknown"),
    ],
)
def test_comments_that_are_no_use(root: Path, capsys: Captured, text: str, rule: str) -> None:
    made(root, {"m.py": text})
    (found,) = listed(capsys, 0)
    assert (found["rule"], found["listed"]) == (rule, True)
    listed(capsys, 1, "--strict")


@pytest.mark.parametrize(
    "text",
    [
        "import time\n\n\ndef f():  # asyncshift: keep-sync (at exit)\n    time.sleep(1)\n",
        "import time\n\n\ndef g():\n    time.sleep(1)\n\n\n"
        "def f():  # asyncshift: keep-sync (at exit)\n    return [g() for _ in '12']\n",
        "import time\n\n\ndef f():\n    time.sleep(1)  # asyncshift: thread (patched)\n",
        "x = '# asyncshift: ignore'\n",
        "def f():\n    '''Use `# asyncshift: ignore (why)`.'''\n",
    ],
)
def test_comments_that_say_something(root: Path, capsys: Captured, text: str) -> None:
    made(root, {"m.py": text})
    assert listed(capsys, 0, "--strict") == []


def test_a_call_whose_comment_wants_a_thread(root: Path, capsys: Captured) -> None:
    made(root, {"m.py": "import time\n\n\ndef f():\n    time.sleep(1)  # asyncshift: thread (it is"
                " patched)\n    time.sleep(2)\n"})  # fmt: skip
    capsys.readouterr()
    assert run(["diff"]) == 0
    out = capsys.readouterr().out
    assert "+    await asyncio.to_thread(time.sleep, 1)  # asyncshift: thread" in out
    assert "+    await asyncio.sleep(2)" in out


def test_comments_are_found_where_they_stand() -> None:
    text = "x = 1 # asyncshift: ignore (a (b))\r\n  # asyncshift:thread\r\ny = 2\r\n"
    found = [(c.line, c.about, c.word, c.reason) for c in comments_in("m.py", text)]
    assert found == [(1, 1, "ignore", "a (b)"), (2, 3, "thread", "")]
