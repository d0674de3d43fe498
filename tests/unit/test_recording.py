"""What the ledger holds after a step, and after the next: made with the real pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from asyncshift import pipeline
from asyncshift.apply import apply_files
from asyncshift.config import Config
from asyncshift.ledger import WHOLE, Ledger, ModuleRecord, ledger_changes, read_ledger
from asyncshift.planfile import digest, planned
from asyncshift.recording import call_text, choice, records

TREE = {
    "pyproject.toml": "[project]\nname = 'p'\nrequires-python = '>=3.11'\n",
    "pkg/__init__.py": "",
    "pkg/api.py": (
        "import time\n\n\n"
        "def fetch():\n    time.sleep(1)\n    return 1\n\n\n"
        "class Client:\n    def get(self):\n        return fetch()\n"
    ),
    "pkg/app.py": (
        "from pkg.api import Client, fetch\n\n\n"
        "def main():\n    print(fetch(), Client().get())\n\n\n"
        "def other():\n    return 1\n"
    ),
    "pkg/plain.py": "def add(a, b):\n    return a + b\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def step(
    root: Path, *modules: str, entries: tuple[str, ...] = (), declined: tuple[str, ...] = ()
) -> Mapping[str, ModuleRecord]:
    """Apply one step with its ledger, as the commands do; the records afterwards."""
    config = Config(modules=modules, entries=entries, cache=False, jobs=1)
    before = read_ledger(root)
    survey = pipeline.survey([root], config)
    chosen = choice(before, survey.graph)
    chosen = replace(chosen, declined=chosen.declined | set(declined))
    analysis = pipeline.analyse([root], config, choice=chosen)
    outcome = pipeline.changes(analysis)
    found = records(
        analysis.project,
        analysis.graph,
        outcome.plan,
        analysis.scope,
        outcome.changes,
        before,
        declined,
    )
    ledger = ledger_changes(root, found)
    apply_files(root, planned([*outcome.changes, *ledger]), "apply")
    return read_ledger(root).records


def states(record: ModuleRecord) -> dict[str, str]:
    return {name: entry.state for name, entry in record.functions.items()}


def test_a_step_for_everything_records_what_changed(root: Path) -> None:
    found = step(root)
    assert set(found) == {"pkg/api.py", "pkg/app.py"}
    api = found["pkg/api.py"]
    assert states(api) == {"fetch": "async", "Client.get": "async"}
    assert api.functions["fetch"].cause == "calls time.sleep"
    assert (api.module, api.scope) == ("pkg.api", WHOLE)
    assert api.sha256 == digest((root / "pkg/api.py").read_bytes())
    assert "other" not in found["pkg/app.py"].functions


def test_a_slice_has_a_record_where_nothing_changes_yet(root: Path) -> None:
    """What `add` calls may turn in a later step."""
    found = step(root, "pkg.plain", "pkg.api")
    assert set(found) == {"pkg/api.py", "pkg/plain.py"}
    assert found["pkg/plain.py"].functions == {}


def test_a_facade_is_one_function_and_goes_with_a_later_step(root: Path) -> None:
    first = step(root, "pkg.api")
    assert states(first["pkg/api.py"]) == {"fetch": "facade", "Client.get": "facade"}
    assert "def fetch_async(" in (root / "pkg/api.py").read_text()
    second = step(root, "pkg.app")  # others, outside of what was migrated, may call it
    assert second["pkg/api.py"].functions == first["pkg/api.py"].functions
    assert "main" in second["pkg/app.py"].functions
    third = step(root, "pkg", "pkg.plain")
    assert states(third["pkg/api.py"]) == {"fetch": "async", "Client.get": "async"}
    assert third["pkg/api.py"].functions["fetch"].cause == "calls time.sleep"
    assert states(third["pkg/app.py"]) == {"main": "async"}
    assert "fetch_async" not in (root / "pkg/api.py").read_text()


def test_the_same_step_again_writes_nothing(root: Path) -> None:
    step(root, "pkg.api")
    before = {p: p.read_bytes() for p in root.rglob("*.json") if p.parent.name == "ledger"}
    step(root, "pkg.api")
    assert before == {p: p.read_bytes() for p in root.rglob("*.json") if p.parent.name == "ledger"}


def test_an_entry_point_of_an_earlier_step_stays_one(root: Path) -> None:
    scripts = "[project.scripts]\np = 'pkg.app:main'\n"
    (root / "pyproject.toml").write_text(TREE["pyproject.toml"] + scripts)
    first = step(root, "pkg.api", "pkg.app")
    assert first["pkg/app.py"].functions["main"].state == "entry"
    assert step(root, "pkg.api", "pkg.app") == first


def test_threads_that_stood_before_any_step_are_no_record(root: Path) -> None:
    own = "import asyncio\n\nfrom pkg.api import fetch\n\n\nasync def by_hand():\n"
    (root / "pkg/own.py").write_text(f"{own}    return await asyncio.to_thread(fetch)\n")
    (root / "pkg/new.py").write_text(f"{own}    return fetch()\n".replace("import asyncio\n\n", ""))
    first = step(root, "pkg.own", "pkg.new", entries=())
    assert states(first["pkg/own.py"]) == {}
    assert states(first["pkg/new.py"]) == {"by_hand": "threads"}
    assert step(root, "pkg.own", "pkg.new") == first


def test_a_module_of_an_earlier_step_stays_what_it_was(root: Path) -> None:
    first = step(root, "pkg.plain")
    second = step(root, "pkg.api")
    assert second["pkg/plain.py"] == first["pkg/plain.py"]


def test_an_entry_point_records_functions(root: Path) -> None:
    found = step(root, entries=("pkg.api:Client.get",))
    assert found["pkg/api.py"].scope == ("Client.get", "fetch")
    assert set(found) == {"pkg/api.py"}
    more = step(root, entries=("pkg.app:main",))
    assert more["pkg/app.py"].scope == ("main",)
    assert step(root, "pkg.app")["pkg/app.py"].scope == WHOLE


def test_what_was_refused_by_the_user_stays_refused(root: Path) -> None:
    found = step(root, declined=("pkg.api:fetch", "pkg.api:Client.get"))
    assert found["pkg/api.py"].declined == ("Client.get", "fetch")
    assert "async def fetch" not in (root / "pkg/api.py").read_text()
    again = step(root, "pkg.api")
    assert again["pkg/api.py"].declined == ("Client.get", "fetch")
    assert "async def fetch" not in (root / "pkg/api.py").read_text()


def test_a_function_is_left_out_by_its_plain_name(root: Path) -> None:
    """The next step's choice names the coroutine beside the facade as well."""
    step(root, "pkg.api")
    again = step(root, "pkg.api", declined=("pkg.api:fetch_async", "pkg.api:Client.put"))
    assert again["pkg/api.py"].declined == ("Client.put",)  # `fetch` has turned already


def test_refused_places_are_known_without_lines(root: Path) -> None:
    old = (
        "import requests\n\n\ndef get(url, s: requests.Session):\n"
        "    s.get(url, verify=False)\n"
        "    return s.mount('x', 1), s.mount(\n        'y', 2\n    )\n"
    )
    (root / "pkg/net.py").write_text(old)
    first = step(root, "pkg.net")["pkg/net.py"].refused
    assert first
    assert {one.function for one in first} == {"get"}
    assert not any(character in one.call for one in first for character in "()\n ")
    (root / "pkg/net.py").write_text(f"# moved\n\n{old}")
    assert step(root, "pkg.net")["pkg/net.py"].refused == first


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("self.session.get", "self.session.get"),
        ("self.session.get(url, data=[1])", "self.session.get"),
        ("session\n    .get(\n  url\n)", "session.get"),
        ("pool[key].get(f(x)).json()", "pool[].get().json"),
        ("fetch ()", "fetch"),
        ("", ""),
    ],
)
def test_a_call_without_its_arguments(written: str, known: str) -> None:
    assert call_text(written) == known


def test_coroutines_beside_facades_are_chosen_too(root: Path) -> None:
    step(root, entries=("pkg.api:Client.get",))
    graph = pipeline.survey([root], Config(cache=False, jobs=1)).graph
    assert {"pkg.api:fetch", "pkg.api:fetch_async"} <= choice(read_ledger(root), graph).migrated
    assert choice(Ledger(), graph).migrated == frozenset()
