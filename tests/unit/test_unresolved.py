"""Calls that are not resolved: which are listed, the hints for them, and their order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asyncshift.callgraph import build
from asyncshift.cli import run
from asyncshift.config import Hint
from asyncshift.facts import extract
from asyncshift.model import Graph
from asyncshift.report.unresolved import hubs, unresolved_json, unresolved_text
from tests.unit.graphs import TinyRegistry, source

BACKEND = """
    import pool
    class Base:
        def savepoint(self):
            pass
        def rollback(self):
            pass
    class Fast(Base):
        def savepoint(self):
            pass
    class Other:
        def savepoint(self):
            pass
    pool.register(Base)
"""


def listed(text: str, *hints: Hint) -> Graph:
    files = [source(text), source(BACKEND, "backend")]
    found = [extract(file) for file in files]
    return build(found, TinyRegistry(), hints=hints, unresolved=True)


def calls(text: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    return [(call.text, call.hints) for call in listed(text).unresolved]


def test_a_variable_that_nobody_knows() -> None:
    text = """
        import pool
        handler = pool.make()
        def f():
            handler.savepoint()
            handler.rollback()
    """
    hint = (("mod.handler", "backend.Base"),)
    assert calls(text) == [("handler.savepoint", hint), ("handler.rollback", hint)]


def test_what_a_project_object_gives_by_a_subscript() -> None:
    text = """
        import pool
        class Handler:
            def __getitem__(self, key):
                return pool.make(key)
        handlers = Handler()
        def f(key):
            connection = handlers[key]
            connection.savepoint()
            connection.rollback()
    """
    places = dict(hint for _, hints in calls(text) for hint in hints)
    assert places == {"mod.handlers[]": "backend.Base", "mod.Handler.__getitem__()": "backend.Base"}


def test_parameters_attributes_and_results_on_the_way() -> None:
    text = """
        import pool
        def make():
            return pool.make()
        class Holder:
            def __init__(self, given):
                self.kept = given
            def use(self):
                self.kept.savepoint()
                self.kept.rollback()
        def main():
            Holder(make()).use()
    """
    (first, hints), _ = calls(text)
    assert first == "self.kept.savepoint"
    assert [place for place, _ in hints] == [
        "mod.Holder.kept",
        "mod.Holder.__init__(given)",
        "mod.make()",
    ]


def test_a_base_that_is_computed() -> None:
    text = """
        import pool
        class Made(pool.make(object)):
            def use(self):
                self.savepoint()
                self.rollback()
    """
    assert dict(calls(text))["self.savepoint"] == (("mod.Made", "backend.Base"),)


def test_nothing_is_suggested_where_no_one_class_has_all_that_is_read() -> None:
    text = """
        import pool
        handler = pool.make()
        def f():
            handler.savepoint()
            handler.something_else()
    """
    assert calls(text) == [("handler.savepoint", ())]


def test_two_classes_that_fit_are_no_suggestion() -> None:
    text = "import pool\nhandler = pool.make()\ndef f():\n    handler.savepoint()\n"
    assert calls(text) == [("handler.savepoint", ())]


def test_what_is_known_is_not_listed() -> None:
    text = """
        import os
        from backend import Fast
        class Error(Exception):
            def __init__(self):
                super().__init__("text")
            def savepoint(self):
                self.__dict__.update({})
        def update(): pass
        def join(): pass
        def f():
            Fast().savepoint()
            os.path.join("a", "b")
            ", ".join(["a"])
            {}.update({})
            Error()
    """
    assert calls(text) == []


def test_a_library_that_never_saw_the_project_gives_nothing_of_it() -> None:
    assert calls("import other\nx = other.make()\ndef f():\n    x.savepoint()\n") == []


def test_what_a_table_call_gave_is_no_object_of_the_project() -> None:
    text = """
        import requests
        class Cache:
            def get(self): pass
            def warm(self): pass
        def f(given):
            data = requests.get("/").json()
            data.get("a").get("b")
            for one in data["c"]:
                one.get("d")
            (given or data["e"]).warm()
    """
    assert [text for text, _ in calls(text)] == ['(given or data["e"]).warm']


def test_a_compiled_pattern_is_known() -> None:
    text = "import re\nclass Cache:\n    def special(self): pass\n    def sub(self): pass\n"
    text += "pattern = re.compile('a')\ndef f():\n    pattern.special()\n"
    assert calls(text) == []


def test_names_that_no_function_of_the_project_has_are_not_listed() -> None:
    assert calls("import pool\nx = pool.make()\ndef f():\n    x.unheard_of()\n") == []


def test_methods_of_builtins_are_listed_only_with_a_hint() -> None:
    text = """
        import pool
        class Cache:
            def get(self): pass
            def warm(self): pass
        cache = pool.make()
        text = pool.text()
        def f():
            cache.get()
            cache.warm()
            text.get()
            text.lower()
    """
    assert [text for text, _ in calls(text)] == ["cache.get", "cache.warm"]


def test_they_come_by_what_stands_above_them() -> None:
    text = """
        import pool
        low = pool.make()
        high = pool.make()
        def deep():
            low.savepoint()
            low.rollback()
        def middle():
            deep()
        def top():
            middle()
            high.savepoint()
            high.rollback()
            unknown = pool.make()
            unknown.savepoint()
    """
    found = listed(text)
    assert [(hub.place, hub.above, len(hub.calls)) for hub in hubs(found)] == [
        ("mod.low", 3, 2),
        ("mod.high", 1, 2),
        ("", 1, 1),
    ]
    lines = list(unresolved_text(found))
    assert lines[0] == '   1  "mod.low" = "backend.Base"  (2 calls, 3 functions above)'
    assert lines[1] == "        mod.py:6:4  low.savepoint"
    data = json.loads(unresolved_json(found))["hubs"]
    assert [hub["hint"] for hub in data] == [
        {"mod.low": "backend.Base"},
        {"mod.high": "backend.Base"},
        None,
    ]
    assert data[0]["calls"][0]["line"] == 6


def test_the_hint_that_is_suggested_resolves_the_call() -> None:
    text = "import pool\nlow = pool.make()\ndef f():\n    low.savepoint()\n    low.rollback()\n"
    (hub,) = hubs(listed(text))
    assert hubs(listed(text, Hint(hub.place, hub.cls))) == []


# ----------------------------------------------------------------------------- the command


def project(folder: Path, hints: str = "") -> None:
    text = "import pool\n\nclass Base:\n    def savepoint(self):\n        pass\n\n"
    text += "pool.register(Base)\nlow = pool.make()\n\ndef f():\n    low.savepoint()\n"
    (folder / "mod.py").write_text(text)
    (folder / "pyproject.toml").write_text(f"[tool.asyncshift.hints]\n{hints}")


def test_the_command_lists_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["graph", "--unresolved", "--no-cache"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        '   1  "mod.low" = "mod.Base"  (1 call, 1 function above)',
        "        mod.py:11:4  low.savepoint",
    ]
    assert run(["graph", "--unresolved", "--no-cache", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["hubs"]) == 1


def test_the_line_it_shows_is_one_for_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, '"mod.low" = "mod.Base"')
    monkeypatch.chdir(tmp_path)
    assert run(["graph", "--unresolved", "--no-cache"]) == 0
    assert capsys.readouterr().out == ""
    assert run(["graph", "--no-cache"]) == 0
    assert "mod:f -> mod:Base.savepoint  [call, likely]" in capsys.readouterr().out


def test_a_hint_that_means_nothing_ends_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, '"mod.lou" = "mod.Base"')
    monkeypatch.chdir(tmp_path)
    assert run(["graph", "--no-cache"]) == 2
    captured = capsys.readouterr()
    assert "pyproject.toml:2: [tool.asyncshift.hints] `mod.lou`: there is no `lou` in mod" in (
        captured.err
    )
    assert captured.out == ""
