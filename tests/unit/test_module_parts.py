"""A codemod's module is made with the parts that a project uses, and grows with a later step."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from asyncshift import module_parts
from asyncshift.bridge_modules import module_template
from asyncshift.cli import run
from asyncshift.loading import load_registry

TEMPLATE = module_template(load_registry(), "_http")
ASYNCPG, PSYCOPG = (
    module_template(load_registry(), "_psycopg2", {"postgres": target})
    for target in ("asyncpg", "psycopg")
)
USES = {
    "_http": (TEMPLATE, "Client()"),
    "_psycopg2": (ASYNCPG, 'connection("dbname=x")'),
    "_psycopg2_": (PSYCOPG, 'connection("dbname=x")'),
}
PARTS = sorted(module_parts.standing(TEMPLATE, TEMPLATE))
SMALL = """\
import os
import re


# [a]
def a():
    return os.name


# [/a]
# [b: a]
def b():
    # [c]
    re.compile("")
    # [/c]
    return a()
# [/b]
"""


def defined(text: str) -> set[str]:
    tree = ast.parse(text)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {n.name for n in tree.body if isinstance(n, kinds)}


def test_only_what_is_wanted_and_what_that_needs() -> None:
    assert module_parts.assembled(SMALL, {"a"}) == "import os\n\n\ndef a():\n    return os.name\n"
    with_b = module_parts.assembled(SMALL, {"b"})
    assert defined(with_b) == {"a", "b"}
    assert "import re" not in with_b
    assert "re.compile" in module_parts.assembled(SMALL, {"b", "c"})


def test_what_is_no_part_adds_nothing() -> None:
    assert module_parts.assembled(SMALL, {"d"}) == "\n"
    assert module_parts.defining(SMALL, {"os", "c"}) == frozenset()


def test_members_come_with_the_attributes_that_anything_has() -> None:
    small = "class A:\n    # [.b]\n    def b(self): ...\n    # [/.b]\n"
    assert module_parts.members(small, {"b", "c"}) == {".b"}
    assert module_parts.members(small, {"c"}) == frozenset()
    assert module_parts.members(small.replace(".b]", "b]").replace("/.b", "/b"), {"b"}) == set()


@pytest.mark.parametrize("template", [template for template, _ in USES.values()], ids=USES)
def test_the_parts_of_a_module_are_read_back_from_it(template: str) -> None:
    known = sorted(module_parts.standing(template, template))
    for wanted in itertools.chain([()], ((part,) for part in known), itertools.pairwise(known)):
        parts = module_parts.with_needed(template, set(wanted))
        text = module_parts.assembled(template, set(wanted))
        assert module_parts.standing(template, text) == parts
        assert module_parts.assembled(template, parts) == text


@pytest.mark.parametrize(
    ("module", "part"),
    [
        (module, part)
        for module in USES
        for part in sorted(module_parts.standing(*[USES[module][0]] * 2))
    ]
    + [(module, "") for module in USES],
)
def test_each_part_is_a_module_that_works(module: str, part: str, tmp_path: Path) -> None:
    """No name is missing, none is imported in vain, and a client can be made."""
    template, use = USES[module]
    file = tmp_path / f"{module}.py"
    file.write_text(module_parts.assembled(template, {part}))
    rules = ["--isolated", "--select", "F,E1,E2,E3,W", "--preview", "--line-length", "100"]
    subprocess.run([sys.executable, "-m", "ruff", "check", *rules, str(file)], check=True)
    made = [sys.executable, "-c", f"import {module}; {module}.{use}"]
    subprocess.run(made, cwd=tmp_path, check=True)


def test_all_parts_are_the_whole() -> None:
    text = module_parts.assembled(TEMPLATE, set(PARTS))
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(TEMPLATE))


def project(root: Path) -> Path:
    (root / "pyproject.toml").write_text("[project]\nname = 'shop'\nversion = '1'\n")
    (root / "one.py").write_text(
        "import requests\n\n\ndef one(url):\n    return requests.get(url, params={'a': None})\n"
    )
    (root / "two.py").write_text(
        "import requests\n\n\n"
        "def two(url, file):\n    response = requests.post(url, files={'f': file})\n"
        "    return [line for line in response.iter_lines()]\n"
    )
    return root


def apply(root: Path, *more: str) -> str:
    assert run(["apply", str(root), "--yes", "--no-cache", *more]) == 0
    return (root / "_http.py").read_text()


def test_a_later_step_adds_its_parts_and_ends_as_one_step_does(tmp_path: Path) -> None:
    for name in ("steps", "whole"):
        (tmp_path / name).mkdir()
        project(tmp_path / name)
    first = apply(tmp_path / "steps", "--module", "one")
    assert "iter_lines" not in defined(first)
    second = apply(tmp_path / "steps", "--module", "two")
    assert "iter_lines" in defined(second)
    assert second == apply(tmp_path / "whole")


def test_a_module_that_was_edited_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = apply(project(tmp_path), "--module", "one") + "# ours\n"
    (tmp_path / "_http.py").write_text(first)
    assert apply(tmp_path, "--module", "two") == first
    assert "_http was edited: it lacks iter_lines" in capsys.readouterr().err
