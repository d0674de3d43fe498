"""The benchmark of published pairs: its tables, its verdicts, what must be importable."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import pairs, pairs_page

ROOTS = [
    {"kind": "call", "sync": "outer.client.connect"},
    {"kind": "call", "sync": "outer.client.Connection.send"},
    {"kind": "call", "sync": "outer.http.post"},
    {"kind": "cm", "sync": "pkg.shared.Lock", "async": "pkg.shared.AsyncLock"},
    {"kind": "call", "sync": "pkg.shared.wait", "async": "pkg.shared.await_it"},
    {"kind": "call", "sync": "pkg.shared.Stream.close", "async": "pkg.shared.AsyncStream.aclose"},
    {"kind": "call", "sync": "pkg._sync.store.Store.get"},
    {"kind": "callback", "sync": "pkg._sync.store.Store._hook"},
    {"kind": "call", "sync": "the threads of the pool"},
]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    (tmp_path / "sync" / "pkg" / "_sync").mkdir(parents=True)
    for name in ("shared", "_sync/store"):
        (tmp_path / "sync" / "pkg" / f"{name}.py").write_text("")
    (tmp_path / "renames.json").write_text('{"files": [["pkg/_sync/", "pkg/_async/"]]}')
    (tmp_path / "roots.json").write_text(json.dumps(ROOTS))
    return tmp_path


def test_roots_become_rows(pair: Path) -> None:
    rows = pairs.rows(pair)
    assert rows.functions == {
        "outer.client.connect": {"returns": "outer.client.Connection"},
        "outer.http.post": {},
        "pkg.shared.wait": {"to": "pkg.shared.await_it"},
        "pkg._sync.store.Store.get": {},
    }
    assert rows.classes == {
        "outer.client.Connection": {"awaited": ["send"]},
        "pkg.shared.Lock": {"async_with": True},
        "pkg.shared.Stream": {"awaited": ["close"], "rename": {"close": "aclose"}},
        "pkg._sync.store.Store": {"callbacks": ["_hook"]},
    }
    assert '[classes."pkg.shared.Lock"]\n\nasync_with = true' in rows.toml("pair")


def test_a_module_that_no_longer_imports_is_found(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("from pkg.good import x\n")
    (package / "good.py").write_text("x = 1\n")
    (package / "bad.py").write_text("from pkg.good import y\n")
    (package / "worse.py").write_text("import pkg.nothing\n")
    found = pairs.unimportable(tmp_path, Path(sys.executable))
    assert sorted(found) == ["pkg.bad", "pkg.worse"]
    assert found["pkg.bad"].startswith("ImportError: cannot import name 'y'")
    assert list(pairs.broken(tmp_path)) == []
    (package / "bad.py").write_text("def f():\n    await g()\n")
    assert [line.partition(":")[0] for line in pairs.broken(tmp_path)] == ["pkg/bad.py"]


def result(*disagreements: tuple[str, str, list[str], list[str]]) -> dict[str, Any]:
    """What the scorer gives, as far as the page reads it."""
    return {
        "measures": {name: {"f1": 0.5} for name in pairs_page.MEASURES},
        "fully_right_changed": 0.25,
        "disagreements": [
            {"function": name, "kind": kind, "missing": missing, "extra": extra}
            | {"want": "async", "got": "sync"}
            for name, kind, missing, extra in disagreements
        ],
    }


VERDICTS = """
[[verdict]]
pair = "one"
kind = "Another design"
verdict = "right"
reason = "It is a matter of taste."
functions = ["A.f [await]", "A.g.inner [async_def]"]
"""


def test_the_page_has_every_disagreement_and_tells_the_new_ones() -> None:
    results = {
        "one": result(
            ("A.f", "await", ["x"], []),
            ("A.g.<locals>.inner", "async_def", [], []),
            ("A.h", "await", [], ["y"]),
        )
    }
    verdicts = pairs_page.read_verdicts(VERDICTS)
    found = pairs_page.disagreements(results)
    assert pairs_page.unjudged(found, verdicts) == ([("one", "A.h", "await")], [], [])
    text = pairs_page.page(results, verdicts)
    assert "| ours is right too | 2 |" in text
    assert "- `A.f` (await): only theirs x\n" in text
    assert "- `A.g.inner` (async def): theirs is async, ours sync\n" in text
    assert "## Without a verdict\n\n- `A.h` (await): only ours y\n" in text


def test_a_verdict_without_a_disagreement_and_one_given_twice_are_told() -> None:
    verdicts = pairs_page.read_verdicts(VERDICTS + VERDICTS)
    found = pairs_page.disagreements({"one": result(("A.f", "await", ["x"], []))})
    stale, twice = pairs_page.unjudged(found, verdicts)[1:]
    assert stale == [("one", "A.g.inner", "async_def")]
    assert twice == [("one", "A.f", "await"), ("one", "A.g.inner", "async_def")]


def test_all_verdicts_of_the_project_are_complete_and_on_the_page() -> None:
    verdicts = pairs_page.read_verdicts(pairs_page.VERDICTS.read_text(encoding="utf-8"))
    text = pairs_page.PAGE.read_text(encoding="utf-8")
    assert all(one.reason.strip() and one.places for one in verdicts)
    assert not pairs_page.unjudged((), verdicts)[2]
    assert {
        key[1] for one in verdicts for key in one.judged() if f"`{key[1]}`" not in text
    } == set()
    assert "Without a verdict" not in text


def test_an_unknown_verdict_is_refused() -> None:
    with pytest.raises(ValueError, match="no verdict: perhaps"):
        pairs_page.read_verdicts(VERDICTS.replace('"right"', '"perhaps"'))
