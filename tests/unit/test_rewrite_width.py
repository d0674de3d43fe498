"""How long a line may become where the project's own settings say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift.layout import style_of
from asyncshift.model import Style
from asyncshift.rewrite.tree import Tree
from asyncshift.rewrite.width import longest_code, style_in
from tests.unit.rewrite_bench import A, do, migrated

UNSET = Style(88, "preserve", (3, 11), 120)
CALL = "f(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbb, c)"
SHORT = f"async def main():\n    value = {CALL}\n"


def with_line_of(length: int) -> str:
    """A file whose longest line of code is as long as said."""
    return f"{SHORT}\n\nnumbers = {'1' * (length - len('numbers = '))}\n"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("x = 1\n", 88),
        (with_line_of(101), 101),
        (with_line_of(180), 120),
        (f"# {'long ' * 30}\nx = 1  # {'long ' * 30}\n", 88),
        (f'"""{"long " * 30}"""\nx = """\n{"long " * 30}"""\n', 88),
        (f'def f():\n    """{"long " * 30}"""\n', 88),
        (f'print("{"long " * 19}")\n', 103),
        ("x = f(\n    aé" + "a" * 90 + ",\n)\n", 96),
    ],
)
def test_a_file_shows_how_long_its_lines_may_be(text: str, length: int) -> None:
    assert style_in(UNSET, Tree(text)).line_length == length


def test_settings_count_more_than_the_file() -> None:
    text = with_line_of(110)
    assert longest_code(Tree(text)) == 110
    assert style_in(Style(79), Tree(text)).line_length == 79


@pytest.mark.parametrize(("length", "lines"), [(60, 3), (110, 1)])
def test_what_the_author_would_have_left_on_one_line(length: int, lines: int) -> None:
    text = with_line_of(length).replace("value = ", "value = xxxxxxx or ")
    after = migrated(text, do(A.AWAIT, CALL), style=UNSET)
    statement = after.partition("\n")[2].partition("\n\n")[0]
    assert len(statement.splitlines()) == lines
    assert "await f(" in statement


@pytest.mark.parametrize(
    ("name", "text", "widest"),
    [
        ("pyproject.toml", "[tool.black]\nline-length = 100\n", 0),
        ("pyproject.toml", "[tool.black]\n", 0),
        ("pyproject.toml", "[tool.ruff]\nsrc = ['src']\n", 0),
        ("ruff.toml", "line-length = 90\n", 0),
        ("setup.cfg", "[flake8]\nmax-line-length = 79\n", 0),
        ("setup.cfg", "[metadata]\nname = x\n", 120),
        ("pyproject.toml", "[project]\nname = 'x'\n", 120),
    ],
)
def test_only_a_project_without_settings_leaves_it_to_the_file(
    tmp_path: Path, name: str, text: str, widest: int
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert style_of(tmp_path).widest == widest


@pytest.mark.parametrize("unit", ["  ", "\t", "        "])
def test_new_lines_are_indented_as_the_file_is(unit: str) -> None:
    call = CALL.replace("c)", "c=[d])")
    text = f"async def main():\n{unit}if x:\n{unit}{unit}value = xxxxxxxxxxxxx or {call}\n"
    rows = migrated(text, do(A.AWAIT, call), style=UNSET).splitlines()
    assert rows[2] == f"{unit}{unit}value = xxxxxxxxxxxxx or await f("
    assert rows[3].startswith(f"{unit}{unit}{unit}a")
    assert rows[-1] == f"{unit}{unit})"


BLACK = "async def main():\n    value = f(\n        [aaaa, bbbb],\n        key=cccc,\n    )\n"
HUGGED = "async def main():\n    value = f([\n        aaaa, bbbb,\n    ], key=cccc)\n"


def test_a_statement_in_blacks_layout_stays_in_it() -> None:
    call = BLACK.partition(" = ")[2].strip()
    after = migrated(BLACK, do(A.BRIDGE, call), style=UNSET, bridge="pkg._run_sync")
    assert after.endswith(
        "    value = run_sync(\n        f(\n            [aaaa, bbbb],\n            key=cccc,\n"
        "        )\n    )\n"
    )
    assert migrated(BLACK, do(A.AWAIT, call), style=UNSET) == BLACK.replace("f(\n", "await f(\n")


def test_another_layout_stays_what_it_is() -> None:
    call = HUGGED.partition(" = ")[2].strip()
    after = migrated(HUGGED, do(A.BRIDGE, call), style=UNSET, bridge="pkg._run_sync")
    assert after.endswith("    value = run_sync(f([\n        aaaa, bbbb,\n    ], key=cccc))\n")


def test_a_statement_that_is_laid_out_keeps_its_quotes() -> None:
    before = "async def main():\n    def rows():\n        yield from f()['records']\n"
    after = migrated(before, do(A.MAKE_ASYNC, "def rows", kind="generator"), style=Style())
    assert "in f()['records']:" in after
