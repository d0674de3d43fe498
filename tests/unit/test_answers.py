"""What the rewriters said is asked again only where the question is another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from asyncshift.answers import asked
from asyncshift.config import Config
from asyncshift.model import SourceFile

FILE = SourceFile("api.py", "api", False, "x = 1\n", "utf-8", False, "abc")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASYNCSHIFT_CACHE_DIR", str(tmp_path / "cache"))


def questions(config: Config, *items: str, file: SourceFile = FILE, kind: str = "k") -> list[str]:
    """What had to be asked; the answers are looked at on the way."""
    seen: list[str] = []

    def ask(missing: list[str]) -> list[tuple[str, ...]]:
        seen.extend(missing)
        return [(item,) if item else () for item in missing]

    answers = asked(ask, items, lambda item: (file, item), config, kind)
    assert answers == [(item,) if item else () for item in items]
    return seen


def test_an_answer_is_remembered_and_so_is_an_empty_one() -> None:
    assert questions(Config(), "a", "", "b") == ["a", "", "b"]
    assert questions(Config(), "b", "c", "") == ["c"]


def test_what_is_selected_is_no_part_of_a_question() -> None:
    questions(Config(modules=("a",)), "a")
    assert questions(Config(modules=("b",), direction="down", jobs=1), "a") == []


@pytest.mark.parametrize(
    "other",
    [replace(FILE, digest="other"), replace(FILE, path="b.py"), replace(FILE, is_package=True)],
)
def test_another_file_is_another_question(other: SourceFile) -> None:
    questions(Config(), "a")
    assert questions(Config(), "a", file=other) == ["a"]


def test_another_table_or_codemod_is_another_question(tmp_path: Path) -> None:
    table = tmp_path / "ours.toml"
    table.write_text("[blocking]\nfunctions = ['lib.f']\n")
    questions(Config(), "a")
    assert questions(Config(tables=(table,)), "a") == ["a"]
    assert questions(Config(tables=(table,)), "a") == []
    table.write_text("[blocking]\nfunctions = ['lib.g']\n")
    assert questions(Config(tables=(table,)), "a") == ["a"]
    assert questions(Config(exclude=("time_sleep",)), "a") == ["a"]


def test_nothing_is_remembered_without_a_cache() -> None:
    questions(Config(cache=False), "a")
    assert questions(Config(cache=False), "a") == ["a"]
    assert questions(Config(), "a", kind="other") == ["a"]
