"""A stub beside a module follows it, in one step and in several."""

from __future__ import annotations

from pathlib import Path

from asyncshift.cli import run

SHOP = """\
import time


def price(name, digits=None):
    time.sleep(0)
    return len(name)


def rows():
    yield price("a")
"""
STUB = """\
from typing import Iterator

def price(name: str, digits: int | None = ...) -> int: ...
def rows() -> Iterator[int]: ...
"""
OVERLOADS = """\
from typing import overload

@overload
def price(name: str) -> int: ...
@overload
def price(name: str, digits: int) -> float: ...
"""
USE = "import shop\n\n\ndef use():\n    print(shop.price('a'), list(shop.rows()))\n"


def project(root: Path, stub: str) -> None:
    files = {"shop.py": SHOP, "shop.pyi": stub, "use.py": USE, "pyproject.toml": ""}
    for name, text in files.items():
        (root / name).write_text(text)


def apply(root: Path, *options: str) -> str:
    assert run(["apply", str(root), "--yes", "--jobs", "1", *options]) == 0
    return (root / "shop.pyi").read_text()


ASYNC = """\
from typing import AsyncIterator

async def price(name: str, digits: int | None = ...) -> int: ...
def rows() -> AsyncIterator[int]: ...
"""


def test_one_step(tmp_path: Path) -> None:
    project(tmp_path, STUB)
    assert apply(tmp_path) == ASYNC
    assert apply(tmp_path) == ASYNC


def test_both_forms_while_a_facade_stands(tmp_path: Path) -> None:
    project(tmp_path, STUB)
    both = apply(tmp_path, "--module", "shop")
    for line in (
        "async def price_async(name: str, digits: int | None = ...) -> int: ...",
        "def price(name: str, digits: int | None = ...) -> int:",
        "def rows_async() -> AsyncIterator[int]: ...",
        "def rows() -> Iterator[int]:",
    ):
        assert f"\n{line}\n" in both
    assert apply(tmp_path) == ASYNC


def test_overloads_wait_for_the_last_step(tmp_path: Path) -> None:
    project(tmp_path, OVERLOADS)
    assert apply(tmp_path, "--module", "shop") == OVERLOADS
    assert apply(tmp_path) == OVERLOADS.replace("\ndef", "\nasync def")


def test_a_stub_that_is_ahead_stays(tmp_path: Path) -> None:
    project(tmp_path, ASYNC)
    assert apply(tmp_path) == ASYNC


def test_a_damaged_stub_stays(tmp_path: Path) -> None:
    project(tmp_path, "def price(:\n")
    assert apply(tmp_path) == "def price(:\n"
