"""The settings of pytest's plugin for async tests: what is read, and what is written, where."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift.model import TestSetup
from asyncshift.plugin_settings import configured, not_possible, read_settings

TOML = "[tool.pytest.ini_options]\n"
LOOPS = (
    'asyncio_default_fixture_loop_scope = "session"\nasyncio_default_test_loop_scope = "session"\n'
)
AUTO = f'asyncio_mode = "auto"\n{LOOPS}'
INI = AUTO.replace('"', "")


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / name.replace("__", "-").replace("_", ".")).write_text(text)


@pytest.mark.parametrize(
    ("choice", "options", "source", "expected"),
    [
        ("auto", "", "", TestSetup(True)),
        ("sync", f'{TOML}asyncio_mode = "auto"\n', "", TestSetup()),
        ("async", "", "", TestSetup(True, "auto", configure=True)),
        ("auto", f'{TOML}asyncio_mode = "auto"\n', "", TestSetup(True, "auto")),
        (
            "async",
            f'{TOML}asyncio_mode = "strict"\nasyncio_default_fixture_loop_scope = "module"\n',
            "",
            TestSetup(True, "strict", "module"),
        ),
        ("auto", "", "@pytest.mark.asyncio", TestSetup(True, "strict")),
        ("auto", "", "pytestmark = pytest.mark.anyio", TestSetup(True, "anyio", "function")),
        ("auto", f'{TOML}anyio_mode = "auto"\n', "", TestSetup(True, "auto")),
        ("async", f"{TOML}trio_mode = true\n", "", TestSetup(True)),
        (
            "auto",
            '[dependency-groups]\ndev = ["pytest-asyncio"]\n',
            "",
            TestSetup(True, "auto", configure=True),
        ),
    ],
)
def test_what_the_project_has_decides(
    tmp_path: Path, choice: str, options: str, source: str, expected: TestSetup
) -> None:
    write(tmp_path, pyproject_toml=options)
    assert read_settings(tmp_path, choice, (3, 11), [source]) == expected


def test_a_python_without_the_plugin_keeps_tests_sync(tmp_path: Path) -> None:
    assert read_settings(tmp_path, "async", (3, 8), []) == TestSetup(True)


def new_files(root: Path) -> dict[str, str]:
    return {change.path: (change.new or b"").decode() for change in configured(root)[0]}


def test_the_section_that_is_there_gets_the_settings(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml=f'{TOML}addopts = "-q"\n[tool.ruff]\n')
    wanted = f'{TOML}{AUTO}addopts = "-q"\n[tool.ruff]\n'
    assert new_files(tmp_path) == {"pyproject.toml": wanted}


def test_what_is_set_stays(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml=f'{TOML}asyncio_mode = "strict"\n')
    assert new_files(tmp_path) == {"pyproject.toml": f'{TOML}{LOOPS}asyncio_mode = "strict"\n'}


@pytest.mark.parametrize(
    ("name", "header"),
    [("pytest_ini", "[pytest]"), ("tox_ini", "[pytest]"), ("setup_cfg", "[tool:pytest]")],
)
def test_ini_files(tmp_path: Path, name: str, header: str) -> None:
    write(tmp_path, **{name: f"[other]\na = 1\n{header}\naddopts = -q\n"})
    path = name.replace("_", ".")
    assert new_files(tmp_path) == {path: f"[other]\na = 1\n{header}\n{INI}addopts = -q\n"}


def test_without_any_options_the_project_file_or_a_new_one(tmp_path: Path) -> None:
    assert new_files(tmp_path) == {"pytest.ini": f"[pytest]\n{INI}"}
    write(tmp_path, pyproject_toml='[project]\nname = "shop"\n')
    wanted = f'[project]\nname = "shop"\n\n{TOML}{AUTO}'
    assert new_files(tmp_path) == {"pyproject.toml": wanted}


def test_the_file_that_pytest_reads_first_counts(tmp_path: Path) -> None:
    write(tmp_path, pytest_ini="[pytest]\n", pyproject_toml=TOML, setup_cfg="[tool:pytest]\n")
    assert set(new_files(tmp_path)) == {"pytest.ini"}


def test_a_table_in_an_unusual_form_keeps_tests_sync(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml='[tool]\npytest = {ini_options = {addopts = "-q"}}\n')
    setup = read_settings(tmp_path, "async", (3, 11), [])
    assert setup == TestSetup(True)
    assert [message.rule for message in not_possible("async", setup)] == ["test-settings"]
    assert not list(not_possible("auto", setup))
    assert not configured(tmp_path)[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('t = ["pytest>=8", "x"]', 't = ["pytest>=8", "pytest-asyncio>=0.26", "x"]'),
        ('t = [\n  "pytest[x]>=8", # why\n]', None),
        ("t = [\n  'pytest'\n]", "t = [\n  'pytest',\n  'pytest-asyncio>=0.26'\n]"),
        ('t = ["pytest-cov", "mypytest"]', 't = ["pytest-cov", "mypytest"]'),
        ('t = ["pytest", "pytest-asyncio"]', 't = ["pytest", "pytest-asyncio"]'),
    ],
)
def test_requirements_in_lists(tmp_path: Path, old: str, new: str | None) -> None:
    head = "[dependency-groups]\n"
    if new is None:
        new = 't = [\n  "pytest[x]>=8", # why\n  "pytest-asyncio>=0.26",\n]'
    write(tmp_path, pyproject_toml=f"{head}{old}\n\n{TOML}")
    assert new_files(tmp_path)["pyproject.toml"] == f"{head}{new}\n\n{TOML}{AUTO}"


def test_requirements_of_poetry_and_in_files(tmp_path: Path) -> None:
    poetry = '[tool.poetry.group.dev.dependencies]\npytest = "^8"\n'
    write(tmp_path, pyproject_toml=poetry, requirements__dev_txt="pytest==8.0\r\nruff\n")
    (tmp_path / "requirements.txt").write_text("httpx\npytest-cov\n")
    files = new_files(tmp_path)
    assert 'pytest = "^8"\npytest-asyncio = ">=0.26"\n' in files["pyproject.toml"]
    assert "requirements.txt" not in files


def test_locked_requirements_stay(tmp_path: Path) -> None:
    write(tmp_path, pytest_ini="[pytest]\n")
    (tmp_path / "requirements.txt").write_text("pytest==8.0 \\\n    --hash=sha256:1\n")
    assert set(new_files(tmp_path)) == {"pytest.ini"}
    assert "add it to what the tests need" in configured(tmp_path)[1][0].text
