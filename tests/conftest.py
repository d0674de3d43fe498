"""What every test stands on: no test reads or writes the user's cache, or her configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import postgres_server
from .postgres_server import Database, Server, hold, installations


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-fixtures",
        action="store_true",
        help="rewrite the after/ trees of tests/fixtures from what the tool does now",
    )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many fixtures there are, how many of them change nothing, and how many were executed."""
    counted: dict[str, list[int]] = {"migrated": [0, 0], "executed": [0, 0]}
    for report in terminalreporter.getreports("passed"):
        if report.when != "call" or "test_fixtures.py::test_" not in report.nodeid:
            continue
        for test, name in (("test_case", "migrated"), ("test_program_behaves", "executed")):
            if f"::{test}" in report.nodeid:
                counted[name][0] += 1
                counted[name][1] += "/skip_" in report.nodeid
    for name, (all_of_them, noops) in counted.items():
        if all_of_them:
            how = " before and after" if name == "executed" else ""
            terminalreporter.write_line(
                f"fixtures {name}{how}: {all_of_them} cases, {noops} of them no-ops"
            )


@pytest.fixture(scope="session")
def update_fixtures(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-fixtures"))


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache-home")


@pytest.fixture(autouse=True)
def own_cache_folder(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One PostgreSQL for the whole session: the workers of pytest-xdist share it."""
    with hold(shared_folder(tmp_path_factory)) as server:
        yield server


@pytest.fixture(scope="session")
def older_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The oldest PostgreSQL that is installed; the wheel in the extra `dev` has two."""
    shared = shared_folder(tmp_path_factory)
    if shared is not None:
        shared /= "older"
        shared.mkdir(exist_ok=True)
    oldest = min(installations(), key=postgres_server.version, default=None)
    with hold(shared, oldest) as server:
        yield server


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """What the workers of pytest-xdist have in common, if this is one."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    return tmp_path_factory.getbasetemp().parent if is_worker else None


@pytest.fixture
def database(postgres: Server) -> Iterator[Database]:
    """An empty database for one test."""
    with postgres.database() as database:
        yield database
