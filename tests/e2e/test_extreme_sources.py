"""Sources that nobody writes: no crash, the calls in them are seen, and nothing takes for ever.

`make crash-corpus` has the large sizes, and the standard library's own source.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asyncshift.cli import run
from tests.fuzz.extremes import MAKERS, Tree

SMALL = 10
NO_NAP = {"attributes", "clients", "import_cycle", "star_cycle", "strings", "subscripts"}
"""There `nap` is not called, or not by that name."""

STAYS = {"encodings"}
"""A file that does not parse mentions `nap`."""

Tell = Callable[..., dict[str, Any]]


@pytest.fixture
def tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Tell:
    """What a command says of a tree, as JSON."""

    def told(tree: Tree, *arguments: str) -> dict[str, Any]:
        for name, content in {**tree, "pyproject.toml": b"[project]\nname = 'p'\n"}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        status = run([*arguments, "--format", "json", "--no-cache", "."])
        output, errors = capsysbinary.readouterr()
        assert status == 0, errors.decode()
        assert b"Traceback" not in errors, errors.decode()
        found: dict[str, Any] = json.loads(output)
        return found

    monkeypatch.chdir(tmp_path)
    return told


def callers_of_nap(graph: dict[str, Any]) -> set[str]:
    """Functions from which a call of `nap` is found."""
    napping = {f["id"] for f in graph["functions"] if f["name"] == "nap"}
    assert napping
    return {call["caller"] for call in graph["calls"] if call["callee"] in napping}


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_call_graph_of_an_extreme(name: str, tell: Tell) -> None:
    graph = tell(MAKERS[name](SMALL), "graph")
    if name not in NO_NAP:
        assert callers_of_nap(graph)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_migration_of_an_extreme(name: str, tell: Tell) -> None:
    assert bool(tell(MAKERS[name](SMALL), "diff")["files"]) == (name not in STAYS)


def test_files_that_are_no_text_are_named(tell: Tell) -> None:
    graph = tell(MAKERS["encodings"](SMALL), "graph")
    read = {f["path"] for f in graph["functions"] if f["name"] == "nap"}
    unread = {"nul.py", "only_nul.py", "latin.py", "wrong_cookie.py", "utf16.py", "cut.py"}
    unread |= {"cut_bytes.py", "empty.py", "one_feed.py"}
    assert read == set(MAKERS["encodings"](SMALL)) - unread
    calls = {(call["path"], call["line"]) for call in graph["calls"]}
    assert {("feeds.py", 10), ("crlf.py", 9), ("cr.py", 9), ("bom.py", 9), ("wide.py", 9)} <= calls


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("terms", 3_000),
        ("attributes", 3_000),
        ("star_chain", 1_200),
        ("name_chain", 1_200),
        ("backward_chain", 1_200),
    ],
)
def test_deeper_than_the_stack(name: str, size: int, tell: Tell) -> None:
    """The last name of a chain that is longer than Python's own limit of recursion is found."""
    assert bool(callers_of_nap(tell(MAKERS[name](size), "graph"))) == (name not in NO_NAP)


@pytest.mark.parametrize(
    "name",
    ["overriding_chain", "diamond", "subclasses", "protocols"],
)
def test_large_hierarchies_take_no_longer_for_each_class(name: str, tell: Tell) -> None:
    """Seen: 1,000 classes one below the other took 400 times as long as 200.

    Five times as many may take 25 times as long, and as much again on a busy machine.
    """
    took = []
    for size in (80, 80, 400):
        start = time.process_time()
        tell(MAKERS[name](size), "graph")
        took.append(time.process_time() - start)
    assert took[2] < 50 * min(took[:2])
