"""Examples in docstrings that call what turned are places to look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asyncshift.cli import run

SOURCE = '''\
"""Prices.

>>> price("a")
1
>>> shop.price("b") + 1
2
>>> other("c")
3
"""

import time


def price(name):
    """Waits, then tells; see price(name).

    >>> import shop
    >>> asyncio.run(price_of("a"))
    1
    >>> for n in "ab":
    ...     print(price(n))
    """
    time.sleep(0)
    return len(name)


def other(name):
    """
    >>> other("a")
    """
    return name
'''


def looks(root: Path, source: str, capsys: pytest.CaptureFixture[str], *more: str) -> list[int]:
    (root / "pyproject.toml").write_text("")
    (root / "shop.py").write_text(source)
    (root / "use.py").write_text("import shop\n")
    command = ["diff", str(root), "--format", "json", "--jobs", "1", *more]
    assert run(command) == 0
    found = json.loads(capsys.readouterr().out)
    return [one["line"] for one in found["messages"] if one["rule"] == "docstring"]


def test_examples_that_call_what_turned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert looks(tmp_path, SOURCE, capsys) == [3, 5, 21]


def test_awaited_examples_and_a_facade_need_no_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    awaited = SOURCE.replace('>>> price("a")', '>>> await price("a")')
    assert looks(tmp_path, awaited, capsys) == [5, 21]
    assert looks(tmp_path, SOURCE, capsys, "--module", "shop") == []
