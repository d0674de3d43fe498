"""Is it worth it?  One small graph, one plain answer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from asyncshift.codemod import Kind, Treatment
from asyncshift.model import (
    Certainty,
    Escape,
    Function,
    FunctionKind,
    Graph,
    Project,
    Protocol,
    Site,
    SourceFile,
    Target,
)
from asyncshift.report.graph import graph_json, graph_text
from asyncshift.report.scan import Entry, EntryKind, Fate, ScanReport, Worth, scan_report
from asyncshift.report.scan_text import scan_json, scan_text


class Tables:
    """One call with an async twin, one that only a thread helps, one that is quick."""

    kinds = {
        "time.sleep": Treatment(Kind.AWAITABLE, "t"),
        "render.pdf": Treatment(Kind.BLOCKING, "r", "no async twin"),
        "web.close": Treatment(Kind.AWAITABLE, "w", blocks=False),
        "web.Error": Treatment(Kind.PLAIN, "w"),
    }

    standing: frozenset[str] = frozenset()
    turning: frozenset[str] = frozenset()

    def keeps_async(self, name: str) -> bool:
        return False

    def async_aware(self, name: str) -> bool:
        return False

    def treatment(self, api: str, protocol: Protocol) -> Treatment | None:
        return self.kinds.get(api)


class Net:
    """Builds a graph of functions in `m.py`, ten lines each."""

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.sites: list[Site] = []
        self.escapes: list[Escape] = []
        self.scripts: dict[str, str] = {}
        self.add("<module>", kind=FunctionKind.MODULE)

    def add(self, name: str, path: str = "m.py", **more: Any) -> None:
        line = 10 * len(self.functions)
        kind = more.pop("kind", FunctionKind.FUNCTION)
        f = Function(
            f"{path}:{line}", path, line, name, "m", kind, (line, 0, line + 9, 0), "m.py:0"
        )
        self.functions[name] = replace(f, **more)

    def calls(self, caller: str, target: str, **more: Any) -> None:
        f = self.functions[caller]
        line = f.line + 1 + sum(site.caller == f.id for site in self.sites)
        found = self.functions.get(target)
        to = Target(function=found.id) if found else Target(api=target)
        site = Site(
            f.path, (line, 4, line, 9), f.id, Protocol.CALL, (to,), Certainty.CERTAIN, target
        )
        self.sites.append(replace(site, **more))

    def graph(self) -> Graph:
        functions = {f.id: f for f in self.functions.values()}
        return Graph(functions, tuple(self.sites), tuple(self.escapes))

    def report(self) -> ScanReport:
        paths = {f.path for f in self.functions.values()}
        files = tuple(SourceFile(path, "m", False, "", "utf-8", False, "") for path in paths)
        tables: Any = Tables()
        return scan_report(Project("/root", files, self.scripts), self.graph(), tables)


@pytest.fixture
def net() -> Net:
    return Net()


def only(report: ScanReport) -> Entry:
    (entry,) = report.entries
    return entry


def test_the_chain_from_the_main_guard_to_the_call(net: Net) -> None:
    for name in ("main", "load", "pause"):
        net.add(name)
    net.calls("<module>", "main", in_main_guard=True)
    net.calls("main", "load")
    net.calls("load", "pause")
    net.calls("pause", "time.sleep")
    entry = only(net.report())
    assert entry.kind is EntryKind.SCRIPT
    (found,) = entry.reached
    assert (found.api, found.fate, found.line) == ("time.sleep", Fate.ASYNC, 31)
    steps = [(step.name, step.line) for step in found.chain]
    assert steps == [("m", 1), ("m:main", 11), ("m:load", 21), ("m:pause", 31)]


def test_a_script_that_waits_one_by_one_is_not_faster(net: Net) -> None:
    net.add("main")
    net.calls("<module>", "main", in_main_guard=True)
    net.calls("main", "time.sleep")
    entry = only(net.report())
    assert entry.worth is Worth.MAYBE
    assert "one call after the other" in entry.verdict


def test_a_script_that_only_computes_gains_nothing(net: Net) -> None:
    net.add("main")
    net.add("fetch")
    net.calls("<module>", "main", in_main_guard=True)
    net.calls("fetch", "time.sleep")
    report = net.report()
    script = next(entry for entry in report.entries if entry.kind is EntryKind.SCRIPT)
    assert (script.worth, script.reached) == (Worth.NO, ())
    assert "async brings nothing" in script.verdict
    assert any("Async brings nothing to m" in line for line in report.answer)


def test_code_that_never_waits_gets_a_no(net: Net) -> None:
    net.add("compute")
    report = net.report()
    assert report.answer[0].startswith("No:")
    assert report.entries == ()


def test_work_that_fans_out_into_threads_is_worth_it(net: Net) -> None:
    net.add("main")
    net.add("fetch")
    net.calls("<module>", "main", in_main_guard=True)
    net.calls("main", "fetch", protocol=Protocol.VALUE)
    net.calls("fetch", "time.sleep")
    net.escapes.append(
        Escape("m.py", (12, 0, 12, 5), "concurrent.futures.Executor.map", net.functions["fetch"].id)
    )
    entry = only(net.report())
    assert (entry.worth, entry.fans_out) == (Worth.YES, True)


def test_async_code_that_blocks_comes_first(net: Net) -> None:
    net.add("endpoint", is_async=True)
    net.add("other", is_async=True)
    net.add("load")
    net.add("main")
    net.calls("<module>", "main", in_main_guard=True)
    net.calls("main", "time.sleep")
    net.calls("endpoint", "load")
    net.calls("endpoint", "other")
    net.calls("load", "time.sleep")
    net.calls("other", "time.sleep")
    endpoint, other, script = net.report().entries
    assert [endpoint.name, other.name, script.name] == ["m:endpoint", "m:other", "m"]
    assert len(endpoint.reached) == 1
    assert "block" in endpoint.verdict


def test_awaited_quick_and_plain_uses_do_not_count(net: Net) -> None:
    net.add("endpoint", is_async=True)
    net.calls("endpoint", "time.sleep", awaited=True)
    net.calls("endpoint", "web.close")
    net.calls("endpoint", "web.Error", protocol=Protocol.EXCEPT)
    net.calls("endpoint", "time.sleep", certainty=Certainty.UNKNOWN)
    assert net.report().entries == ()


def test_web_handlers_and_console_scripts_are_entry_points(net: Net) -> None:
    net.add("index", decorators=("app.get",))
    net.add("command")
    net.scripts["m:command"] = "pyproject.toml: tool"
    net.calls("index", "time.sleep")
    net.calls("command", "time.sleep")
    index, command = net.report().entries
    assert (index.kind, index.worth) == (EntryKind.WEB, Worth.YES)
    assert command.kind is EntryKind.COMMAND
    assert "pyproject.toml: tool" in command.why


def test_only_a_thread_helps(net: Net) -> None:
    net.add("export")
    net.calls("export", "render.pdf")
    entry = only(net.report())
    assert entry.worth is Worth.NO
    assert entry.reached[0].fate is Fate.THREAD
    assert entry.reached[0].reason == "no async twin"


def test_a_call_in_a_pinned_function_stays(net: Net) -> None:
    net.add("Client.__len__")
    net.add("size")
    net.calls("size", "Client.__len__", protocol=Protocol.OPERATOR)
    net.calls("Client.__len__", "time.sleep")
    (found,) = only(net.report()).reached
    assert found.fate is Fate.STAYS
    assert found.reason


def test_private_and_called_functions_are_no_entry_points_but_tests_do_not_call(net: Net) -> None:
    for name in ("_hidden", "called", "public"):
        net.add(name)
        net.calls(name, "time.sleep")
    net.add("test_public", path="tests/test_m.py")
    net.calls("test_public", "public")
    net.calls("public", "called")
    assert only(net.report()).name == "m:public"
    assert net.report().unreached == 1


def test_a_ring_of_calls_ends(net: Net) -> None:
    net.add("a")
    net.add("b")
    net.calls("<module>", "a")
    net.calls("a", "b")
    net.calls("b", "a")
    net.calls("b", "time.sleep")
    entry = only(net.report())
    assert entry.kind is EntryKind.IMPORT
    assert len(entry.reached) == 1


def test_text_begins_with_the_answer_and_json_is_complete(net: Net) -> None:
    net.add("main")
    net.calls("<module>", "main", in_main_guard=True)
    net.calls("main", "time.sleep")
    report = net.report()
    lines = [line.plain for line in scan_text(report)]
    assert lines[0] == "Is it worth it?"
    assert "      through m (1) -> main (11)" in lines
    content = json.loads(scan_json(report))
    assert content["entries"][0]["reached"][0]["fate"] == "async"
    assert content["sites"] == {"async": 1, "thread": 0, "stays": 0}


def test_the_graph_as_json_has_the_documented_keys(net: Net) -> None:
    net.add("main")
    net.calls("<module>", "main", in_main_guard=True)
    net.calls("main", "time.sleep")
    net.calls("main", "web.Error", protocol=Protocol.EXCEPT)
    content = json.loads(graph_json(net.graph()))
    assert content["functions"][1] == {"id": "m.py:10", "path": "m.py", "line": 10, "name": "main"}
    assert content["calls"] == [
        {
            "caller": "m.py:0",
            "callee": "m.py:10",
            "path": "m.py",
            "line": 1,
            "column": 4,
            "protocol": "call",
            "certainty": "certain",
        },
        {
            "caller": "m.py:10",
            "callee": "time.sleep",
            "path": "m.py",
            "line": 11,
            "column": 4,
            "protocol": "call",
            "certainty": "certain",
        },
    ]
    assert next(graph_text(net.graph())) == "m.py:1:4  m:<module> -> m:main  [call, certain]"
