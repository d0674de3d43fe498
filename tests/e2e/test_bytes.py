"""Untouched lines stay byte for byte, whatever a file looks like, through the whole tool.

A file is put together from a shape (line ends, byte-order mark, encoding, indentation, shebang,
form feeds, final newline) and parts, of which some must change.  Every line that carries a `keep`
mark must come out as it went in, in the same order.
"""

from __future__ import annotations

import ast
import codecs
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncshift.cli import run
from asyncshift.discover import source_file
from asyncshift.planfile import read_plan


@dataclass(frozen=True)
class Shape:
    """What a file looks like, apart from what it says."""

    newline: str
    bom: bool
    latin: bool
    indent: str
    shebang: bool
    form_feed: bool
    final_newline: bool

    def encode(self, lines: list[str]) -> bytes:
        head = ["#!/usr/bin/env python"] if self.shebang else []
        head += ["# -*- coding: latin-1 -*-"] if self.latin else []
        text = "\n".join([*head, *lines]) + "\n" * self.final_newline
        text = text.replace("    ", self.indent).replace("\n", self.newline)
        data = text.encode("latin-1" if self.latin else "utf-8")
        return codecs.BOM_UTF8 + data if self.bom else data


SHAPES = st.builds(
    Shape,
    newline=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    latin=st.booleans(),
    indent=st.sampled_from(["    ", "\t", "  "]),
    shebang=st.booleans(),
    form_feed=st.booleans(),
    final_newline=st.booleans(),
).filter(lambda shape: not (shape.bom and shape.latin))

CHANGING = [
    ["def nap():", "    time.sleep(1)", "    return 1"],
    [
        "def rest(n) :",
        "    # keep: é inside",
        "    for i in range( n ):",
        "        time.sleep( n )",
    ],
    ["def both():", "    x = nap()+1", "    return {'a':x}  # keep: odd  spacing"],
    ["def late(): time.sleep(2)"],
    [
        "class Robot:",
        "    def wait(self, s = 1):",
        "        '''keep: é'''",
        "        time.sleep(s)",
    ],
]
STAYING = [
    ["x={'a':1,", "   'b' : 2}  # keep: é ÿ"],
    ["def pure( a,b ):  # keep", "    if a :", "        return (a", "           + b)  # keep"],
    ["s = '''keep: a string", "  over lines \t  ", "    keep: end'''"],
    ["# keep: é trailing blanks   "],
    [""],
    ["y = 'keep \x0b \u00a0 not line ends'"],
]
PARTS = st.lists(st.sampled_from(CHANGING + STAYING), max_size=6)


def build(shape: Shape, before: list[list[str]], after: list[list[str]]) -> bytes:
    """A whole file: imports, parts, one function that surely changes, more parts."""
    lines = ["'''keep: docstring'''", "import os  # keep", "import time", "K = os.sep  # keep"]
    for part in [*before, CHANGING[0], *after]:
        lines += ["\x0c" if shape.form_feed else "", *part]
    return shape.encode([*lines, "END = 1  # keep"])


def kept_lines(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\n") if b"keep" in line]


def migrate(folder: Path, data: bytes) -> bytes:
    (folder / "m.py").write_bytes(data)
    assert run(["apply", "--yes", "--no-cache", "--jobs", "1", str(folder)]) == 0
    return (folder / "m.py").read_bytes()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shape=SHAPES, before=PARTS, after=PARTS)
def test_untouched_lines_stay(
    shape: Shape, before: list[list[str]], after: list[list[str]]
) -> None:
    old = build(shape, before, after)
    ast.parse(old)
    with tempfile.TemporaryDirectory() as name:
        new = migrate(Path(name), old)
        assert b"async def nap" in new
        assert kept_lines(new) == kept_lines(old)
        ast.parse(new)
        assert new.startswith(codecs.BOM_UTF8) is shape.bom
        assert source_file("m.py", "m", new).encoding == source_file("m.py", "m", old).encoding
        assert new.endswith(b"\n") is shape.final_newline
        if shape.newline == "\r\n":
            assert new.count(b"\n") == new.count(b"\r\n")
        else:
            assert b"\r" not in new
        assert run(["diff", "--exit-code", "--no-cache", name]) == 0
        assert run(["undo", "--project", name]) == 0
        assert Path(name, "m.py").read_bytes() == old


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shape=SHAPES, parts=PARTS)
def test_a_stored_plan_and_git_apply_write_the_same(shape: Shape, parts: list[list[str]]) -> None:
    old = build(shape, parts, [])
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as other:
        (Path(name) / "m.py").write_bytes(old)
        plan = Path(other, "plan.json")
        assert run(["diff", "--no-cache", "--out", str(plan), name]) == 0
        shown = read_plan(plan).diff
        (Path(other) / "m.py").write_bytes(old)
        subprocess.run(["git", "apply", "-"], cwd=other, input=shown, check=True)
        assert run(["apply", str(plan)]) == 0
        assert (Path(name) / "m.py").read_bytes() == (Path(other) / "m.py").read_bytes() != old


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shape=SHAPES, parts=st.lists(st.sampled_from(STAYING), max_size=6))
def test_a_file_without_anything_to_do_is_not_written(shape: Shape, parts: list[list[str]]) -> None:
    old = shape.encode(["'''keep'''", "import time", *(line for part in parts for line in part)])
    with tempfile.TemporaryDirectory() as name:
        assert migrate(Path(name), old) == old
        assert not Path(name, ".asyncshift").exists()
