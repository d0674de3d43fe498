"""Every fixture through the command line, as a user would: `apply`, compare, run, `apply` again.

`tests/fixtures/README.md` says what a case looks like.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from asyncshift import module_parts
from asyncshift.bridge_modules import module_template
from asyncshift.cli import run
from asyncshift.loading import load_registry
from asyncshift.rewrite import bridge_source
from tests.postgres_server import Database, Server, dump

from .echo_server import serving
from .never_awaited import watching

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
DOCS = FIXTURES.parent.parent / "docs"
CASES = sorted(path.parent for path in FIXTURES.glob("*/*/before"))
NOT_SOURCE = frozenset({".asyncshift", "__pycache__"})


@dataclass(frozen=True)
class Ran:
    """What a program did that anybody could see."""

    status: int
    output: str
    errors: str
    requests: list[dict[str, object]]
    never_awaited: list[str]
    blocked: list[str]
    """Blocking calls on the event loop."""
    tables: dict[str, list[str]]


def settings(case: Path) -> dict[str, list[str]]:
    file = case / "case.json"
    found: dict[str, list[str]] = json.loads(file.read_text()) if file.exists() else {}
    return found


def tree(root: Path) -> dict[str, bytes]:
    """Every file below `root` but what the tool and Python keep for themselves."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not NOT_SOURCE & set(path.relative_to(root).parts)
    }


def readable(files: dict[str, bytes]) -> dict[str, str]:
    """As text, so that pytest shows a difference line by line."""
    return {name: data.decode("latin-1") for name, data in files.items()}


def apply(project: Path, case: Path) -> None:
    arguments = ["apply", str(project), "--yes", "--jobs", "1", *settings(case).get("apply", [])]
    assert run(arguments) == 0


GENERATED = {
    "_run_sync.py": bridge_source(),
    "_aiter.py": module_template(load_registry(), "_aiter"),
    "_http.py": module_template(load_registry(), "_http"),
    "_psycopg.py": module_template(load_registry(), "_psycopg"),
    "_psycopg2.py": module_template(load_registry(), "_psycopg2"),
}
"""Modules with tests of their own, which fixtures leave out."""


def without_generated(files: dict[str, bytes]) -> dict[str, bytes]:
    """A tree without the generated modules."""
    found = {}
    for name, data in files.items():
        source = GENERATED.get(name.rpartition("/")[2])
        if source is None:
            found[name] = data
        else:
            text = data.decode().replace("SHARE_CLIENT = True", "SHARE_CLIENT = False")
            assert text == module_parts.assembled(source, module_parts.standing(source, text))
    return found


DATABASE_VARIABLE = "DATABASE_URL"


def asks_for_database(project: Path) -> bool:
    return any(DATABASE_VARIABLE in path.read_text() for path in project.rglob("*.py"))


def execute(
    project: Path, command: list[str], database: Database | None = None, loop: bool = False
) -> Ran:
    """Run a program; `loop`: blocking calls on its event loop raise, and are noted."""
    with serving() as server, watching(loop) as watch:
        environment = watch.environment(
            {
                **{name: value for name, value in os.environ.items() if name[:2] != "PG"},
                **({DATABASE_VARIABLE: database.uri} if database else {}),
                "BASE_URL": server.url,
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": str(project),
            }
        )
        done = subprocess.run(
            [sys.executable, "-W", "always", *command],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        here = (str(project), server.url)
        output = done.stdout.replace(here[0], "PROJECT").replace(here[1], "SERVER")
        tables = dump(database.uri) if database else {}
        seen = watch.seen(), watch.blocked()
        return Ran(done.returncode, output, done.stderr, server.log, *seen, tables)


def case_id(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_case(case: Path, tmp_path: Path, update_fixtures: bool) -> None:
    project = tmp_path / "project"
    shutil.copytree(case / "before", project, ignore=shutil.ignore_patterns("__pycache__"))
    before = tree(project)

    apply(project, case)
    migrated = without_generated(tree(project))
    expected = before if case.name.startswith("skip_") else None
    if expected is None and update_fixtures:
        shutil.rmtree(case / "after", ignore_errors=True)
        shutil.copytree(
            project,
            case / "after",
            ignore=shutil.ignore_patterns(*NOT_SOURCE, *GENERATED),
            dirs_exist_ok=True,
        )
    if expected is None:
        assert (case / "after").is_dir(), "no after/: write it, or run with --update-fixtures"
        expected = tree(case / "after")
        assert expected != before, "nothing changes here: name the case skip_..."
    assert readable(migrated) == readable(expected)

    for name, data in migrated.items():
        if name.endswith(".py"):
            compile(data, name, "exec")
    apply(project, case)
    assert readable(without_generated(tree(project))) == readable(migrated), (
        "a second run changes something"
    )


RUNNABLE = [
    (case, command)
    for case in CASES
    if (command := settings(case).get("run", ["main.py"]))
    and (case / "before" / command[0]).exists()
]


@pytest.mark.parametrize(("case", "command"), RUNNABLE, ids=[case_id(case) for case, _ in RUNNABLE])
def test_program_behaves_the_same(
    case: Path, command: list[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for module in settings(case).get("needs", ()):
        pytest.importorskip(module)
    migrated = case / ("before" if case.name.startswith("skip_") else "after")
    runs = []
    for name, source in (("before", case / "before"), ("after", migrated)):
        shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        if name == "after":  # what a fixture leaves out
            for file, text in GENERATED.items():
                for folder in {path.parent for path in (tmp_path / name).rglob("*.py")}:
                    (folder / file).write_text(text, encoding="utf-8")
        with contextlib.ExitStack() as stack:
            database = None
            if asks_for_database(case / "before"):
                server: Server = request.getfixturevalue("postgres")
                database = stack.enter_context(server.database())
            ours = name == "after" and not case.name.startswith("skip_")
            ours = ours and "blocks" not in settings(case)
            runs.append(execute(tmp_path / name, command, database, loop=ours))
    old, new = runs
    assert (new.status, new.output) == (old.status, old.output), new.errors
    assert not new.never_awaited
    assert not new.blocked
    assert new.requests == old.requests
    assert new.tables == old.tables


def test_what_a_program_left_in_its_database_is_seen(tmp_path: Path, database: Database) -> None:
    (tmp_path / "main.py").write_text(
        """import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute("CREATE TABLE kept (a int)")
    connection.execute("INSERT INTO kept VALUES (1), (2)")
    connection.commit()
    connection.execute("INSERT INTO kept VALUES (3)")
    connection.rollback()
"""
    )
    assert asks_for_database(tmp_path)
    ran = execute(tmp_path, ["main.py"], database)
    assert (ran.status, ran.errors) == (0, "")
    assert ran.tables == {"public.kept": ["a integer", "(1)", "(2)"]}


@pytest.mark.parametrize(
    "folder", sorted({case.parent for case in CASES}), ids=lambda path: path.name
)
def test_every_codemod_has_a_case_that_changes_nothing(folder: Path) -> None:
    cases = [case.name for case in CASES if case.parent == folder]
    assert any(name.startswith("skip_") for name in cases)
    assert not all(name.startswith("skip_") for name in cases)


@pytest.mark.parametrize("name", sorted(info.name for info in load_registry().codemods))
def test_every_codemod_has_cases_and_is_documented(name: str) -> None:
    assert any(case.parent.name == name for case in CASES)
    assert f"## {name}\n" in (DOCS / "codemods.md").read_text(encoding="utf-8")
    assert name in (DOCS.parent / "README.md").read_text(encoding="utf-8")
