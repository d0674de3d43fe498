"""The pairs of docs/psycopg-asyncpg.md: `after` is what comes out of `before`, and does the same.

`--update-fixtures` writes it anew: read the difference before you commit it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from asyncshift.cli import run
from tests.postgres_server import Database, Server, dump

from .never_awaited import watching

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "psycopg-asyncpg.md"
PAIR = re.compile(
    r"^```python before (?P<driver>\w+)\n(?P<before>.*?)^```\n\n"
    r"^```python after\n(?P<after>.*?)^```$",
    re.S | re.M,
)
DRIVERS = ("psycopg2", "psycopg")
TABLES = """
CREATE TABLE staff (id serial PRIMARY KEY, name text NOT NULL, boss text, pay numeric DEFAULT 10);
CREATE TABLE notes (id serial, text text);
INSERT INTO staff (name, boss) VALUES ('Ada', NULL), ('Bob', 'Ada'), ('Cyd', 'Ada'), ('Dan', 'Bob')
"""


def pairs(driver: str) -> list[re.Match[str]]:
    found = PAIR.finditer(PAGE.read_text(encoding="utf-8"))
    return [one for one in found if one["driver"] == driver]


def project(folder: Path, driver: str) -> Path:
    """The `before` sides of a driver, and a program that runs each on its own connection."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "pairs"\n')
    lines = ["import sys", "", f"import {driver}", ""]
    shows = []
    for number, one in enumerate(pairs(driver)):
        (folder / f"pair_{number}.py").write_text(one["before"])
        lines.append(f"import pair_{number}")
        shows += [f"    conn = {driver}.connect(dsn)", f"    pair_{number}.show(conn)"]
        shows += ["    conn.commit()", "    conn.close()"]
    lines += ["", "", "def main(dsn):", *shows, "", "", 'if __name__ == "__main__":']
    (folder / "main.py").write_text("\n".join([*lines, "    main(sys.argv[1])", ""]))
    return folder


@pytest.fixture(scope="module", params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def migrated(driver: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("pairs") / "project", driver)
    assert run(["apply", str(folder), "--yes", "--jobs", "1"]) == 0
    shutil.rmtree(folder / ".asyncshift")
    return folder


def test_pairs(driver: str, migrated: Path, update_fixtures: bool) -> None:
    if update_fixtures:
        numbers = iter(range(100))

        def renewed(found: re.Match[str]) -> str:
            if found["driver"] != driver:
                return found[0]
            start, end = (place - found.start() for place in found.span("after"))
            return found[0][:start] + text(migrated, next(numbers)) + found[0][end:]

        PAGE.write_text(PAIR.sub(renewed, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    assert len(pairs(driver)) > 3
    for number, one in enumerate(pairs(driver)):
        assert text(migrated, number) == one["after"]


def text(folder: Path, number: int) -> str:
    return (folder / f"pair_{number}.py").read_text(encoding="utf-8")


def shown(folder: Path, database: Database) -> tuple[str, str, dict[str, list[str]]]:
    with psycopg.connect(database.uri) as connection:
        connection.execute(TABLES)
    with watching() as watch:
        done = subprocess.run(
            [sys.executable, "-W", "error", "main.py", database.uri],
            cwd=folder,
            env=watch.environment({"PYTHONDONTWRITEBYTECODE": "1"}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert not watch.seen()
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr, dump(database.uri)


def test_both_sides_do_the_same(
    driver: str, migrated: Path, tmp_path: Path, postgres: Server
) -> None:
    seen = []
    for folder in (project(tmp_path / "before", driver), migrated):
        with postgres.database() as database:
            seen.append(shown(folder, database))
    assert seen[0] == seen[1]
    assert seen[0][0].count("\n") > 5
