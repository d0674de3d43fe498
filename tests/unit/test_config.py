"""`[tool.asyncshift]`: read strictly, found upwards, overridden by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift.config import Config, Hint, load_config
from asyncshift.errors import InputError


def project(folder: Path, table: str) -> Path:
    (folder / "pyproject.toml").write_text(f"[project]\nname = 'x'\n\n[tool.asyncshift]\n{table}")
    return folder


def test_without_a_table_everything_is_default(tmp_path: Path) -> None:
    assert load_config(tmp_path) == Config()


def test_every_key(tmp_path: Path) -> None:
    (tmp_path / "own.toml").touch()
    table = """
only = ["time_sleep"]
exclude = ["requests_httpx"]
tables = ["own.toml"]
ignore = ["legacy/"]
jobs = 3
cache = false
python = ".venv"
"""
    assert load_config(project(tmp_path, table)) == Config(
        only=("time_sleep",),
        exclude=("requests_httpx",),
        tables=(tmp_path / "own.toml",),
        ignore=("legacy/",),
        jobs=3,
        cache=False,
        python=tmp_path / ".venv",
    )


def test_it_is_found_upwards_from_a_file(tmp_path: Path) -> None:
    project(tmp_path, "jobs = 2")
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "pkg" / "m.py").touch()
    assert load_config(tmp_path / "pkg" / "m.py").jobs == 2


def test_another_repositorys_table_does_not_count(tmp_path: Path) -> None:
    project(tmp_path, "jobs = 2")
    (tmp_path / "inner" / ".git").mkdir(parents=True)
    assert load_config(tmp_path / "inner").jobs == 0


def test_the_command_line_wins_where_it_says_something(tmp_path: Path) -> None:
    project(tmp_path, "jobs = 2\ncache = false")
    config = load_config(tmp_path, {"jobs": 5, "cache": None})
    assert (config.jobs, config.cache) == (5, False)


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pyproject\.toml:6: .*`exlude`.*nearest is `exclude`"):
        load_config(project(tmp_path, "jobs = 1\nexlude = ['x']"))


@pytest.mark.parametrize("codemod", ["codemod = ['x.py']", "codemods = ['x.py']"])
def test_the_file_cannot_name_code(tmp_path: Path, codemod: str) -> None:
    with pytest.raises(InputError, match="has no option"):
        load_config(project(tmp_path, codemod))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("only = 'x'", "a list of strings"),
        ("only = [1]", "a list of strings"),
        ("jobs = true", "a number"),
        ("jobs = -1", "a number"),
        ("cache = 'no'", "true or false"),
    ],
)
def test_a_wrong_type(tmp_path: Path, line: str, wanted: str) -> None:
    with pytest.raises(InputError, match=f"pyproject.toml:5: .*must be {wanted}"):
        load_config(project(tmp_path, line))


def test_damaged_toml_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.asyncshift]\njobs =\n")
    with pytest.raises(InputError, match=r"pyproject\.toml:2: is not valid TOML"):
        load_config(tmp_path)


def test_a_table_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own\.toml does not exist"):
        load_config(project(tmp_path, "tables = ['own.toml']"))


def test_hints_know_their_line(tmp_path: Path) -> None:
    table = """
jobs = 2

[tool.asyncshift.hints]
"pkg.mod.connections[]" = "pkg.db.Connection"
"pkg.mod.f(x)" = "pkg.db.Row"
"""
    folder = project(tmp_path, table)
    path = str(folder / "pyproject.toml")
    assert load_config(folder).hints == (
        Hint("pkg.mod.connections[]", "pkg.db.Connection", path, 9),
        Hint("pkg.mod.f(x)", "pkg.db.Row", path, 10),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('connections = "pkg.db.Connection"', "`connections`: this is no place"),
        ('"pkg.mod.f(x, y)" = "pkg.db.Row"', "`pkg.mod.f(x, y)`: this is no place"),
        ('"pkg.mod.f()()" = "pkg.db.Row"', "`pkg.mod.f()()`: this is no place"),
        ('"pkg.mod.x" = "Row"', "`pkg.mod.x`: 'Row' is no dotted name of a class"),
        ('"pkg.mod.x" = ["pkg.db.Row"]', "`pkg.mod.x`: ['pkg.db.Row'] is no dotted name"),
        ('pkg.mod = "pkg.db.Row"', "`pkg`: this is no place"),
    ],
)
def test_a_hint_that_cannot_be_one_is_an_error(tmp_path: Path, line: str, message: str) -> None:
    folder = project(tmp_path, f"[tool.asyncshift.hints]\n{line}\n")
    with pytest.raises(InputError, match=r"pyproject\.toml") as caught:
        load_config(folder)
    assert message in str(caught.value)


def test_hints_are_a_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`hints` must be a table of places and classes"):
        load_config(project(tmp_path, 'hints = ["pkg.mod.x"]'))


def test_only_what_rewriters_use_can_be_allowed(tmp_path: Path) -> None:
    settings = tmp_path / "pyproject.toml"
    settings.write_text('[tool.asyncshift]\nallow = ["asyncstdlib"]\n')
    assert load_config(tmp_path).allow == ("asyncstdlib",)
    settings.write_text('[tool.asyncshift]\nallow = ["left-pad"]\n')
    with pytest.raises(InputError, match="asyncstdlib"):
        load_config(tmp_path)
