"""The await check over inline sources, in one line for each finding."""

from __future__ import annotations

from functools import cache

from asyncshift.callgraph import build
from asyncshift.check import Finding, check_tree
from asyncshift.codemod import Registry
from asyncshift.facts import extract
from asyncshift.loading import load_registry
from asyncshift.model import Project
from tests.unit.graphs import source


@cache
def registry() -> Registry:
    return load_registry()


def findings(*texts: str, **modules: str) -> tuple[Finding, ...]:
    """The findings of inline files: a positional one is `mod`, keywords name theirs (`a__b`)."""
    files = [source(text) for text in texts]
    for name, text in modules.items():
        files.append(source(text, name.replace("__", ".")))
    graph = build([extract(file) for file in files], registry())
    return check_tree(Project("/", tuple(files)), graph, registry())


def found(*texts: str, **modules: str) -> list[str]:
    """`line rule` of every finding that fails."""
    return [
        f"{finding.line} {finding.rule.removeprefix('coroutine-')}"
        for finding in findings(*texts, **modules)
        if not finding.listed
    ]
