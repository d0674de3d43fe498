"""Every name in brackets is described, and no name is described that nothing uses."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncshift.check.findings import RULES
from asyncshift.cli import run
from asyncshift.loading import load_registry
from asyncshift.rules import GROUPS, known_rules, own_rules

ROOT = Path(__file__).resolve().parents[2]
AT = {"Refusal": 2, "Message": 2, "Cause": 0, "Finding": 3, "refuse": 1, "note": 1, "look": 1}
"""Which argument is the rule."""
NAME = re.compile(r"[a-z]+(-[a-z]+)*")
NOT_SHOWN = {"quiet"}
"""Refusals that nobody is told of."""


def _sources() -> Iterator[ast.Module]:
    for folder in (ROOT / "src" / "asyncshift", ROOT / "codemods"):
        for path in sorted(folder.rglob("*.py")):
            if "codemods" not in path.relative_to(folder).parts:
                yield ast.parse(path.read_text(encoding="utf-8"))


def _used() -> set[str]:
    """The rules in the code: as an argument, in a constant, or first in what is yielded."""
    found = {rule for rule, _ in RULES.values()}
    for tree in _sources():
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name) and isinstance(node.value.value, str)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
                    at = AT.get(name)
                    if at is None or len(args) <= at or ast.unparse(node.func) == "self.note":
                        continue
                    match args[at]:
                        case ast.Constant(value=str(rule)):
                            found.add(rule)
                        case ast.Name(id=constant) if constant in constants:
                            found.add(constants[constant])
                case ast.Yield(value=ast.Tuple(elts=[ast.Constant(value=str(rule)), _])):
                    found.add(rule)
                case ast.Assign(
                    targets=[ast.Name(id="rule") | ast.Tuple(elts=[ast.Name(id="rule"), *_])],
                    value=value,
                ):
                    first = value.elts[0] if isinstance(value, ast.Tuple) else value
                    for one in ast.walk(first):
                        if isinstance(one, ast.Constant) and isinstance(one.value, str):
                            found.add(one.value)
    return {rule for rule in found if NAME.fullmatch(rule)} - NOT_SHOWN


def test_every_rule_of_the_code_is_described() -> None:
    assert sorted(_used() - known_rules(load_registry().tables).keys()) == []


def test_no_rule_is_described_that_does_not_stand_in_the_code() -> None:
    texts = {
        node.value
        for tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(known_rules(load_registry().tables).keys() - texts) == []


def test_a_rule_says_what_it_means_and_what_to_do() -> None:
    for rule in known_rules(load_registry().tables).values():
        assert rule.means.endswith("."), rule.name
        assert rule.group == "turns" or rule.do.endswith("."), rule.name
    assert {rule.group for rule in own_rules().values()} == set(GROUPS)


def test_codemods_do_not_describe_what_the_tool_does() -> None:
    for table in load_registry().tables:
        assert not table.rules.keys() & own_rules().keys(), table.name


@pytest.mark.parametrize("name", ["slice-open", "[slice-open]"])
def test_one_rule(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", name]) == 0
    text = capsys.readouterr().out
    assert text.startswith("slice-open  ")
    assert "What to do: Select that module too" in text


def test_all_rules_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules"]) == 0
    text = capsys.readouterr().out
    assert text.index("Why a function stays sync") < text.index("  dunder")
    assert text.index("Codemod requests_httpx") < text.index("  custom-auth")


def test_rules_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "keep-sync", "--format", "json"]) == 0
    [rule] = json.loads(capsys.readouterr().out)
    assert (rule["name"], rule["group"]) == ("keep-sync", "stays")


def test_a_rule_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "slice-opened"]) == 2
    assert "The nearest: slice-open" in capsys.readouterr().err
