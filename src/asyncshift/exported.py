"""Names of a module that other files reach through it, as `mock.patch("pkg.requests.get")` does."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

from asyncshift.model import Action, Graph, Message, Plan, Project, Severity


def still_exported(project: Project, graph: Graph, plan: Plan) -> dict[str, tuple[str, ...]]:
    """path -> names that other files go on reaching through it: what a test has replaced there is
    replaced elsewhere from now on."""
    gone: dict[str, set[int]] = defaultdict(set)
    for decision in plan.decisions:
        if decision.action is Action.DOUBLE and "library" in decision.detail:
            gone[decision.path].add(decision.span[0])
    if not gone:
        return dict(graph.exported)
    kept = {}
    for path, names in graph.exported.items():
        module = next(file.module for file in project.files if file.path == path)
        last = module.rpartition(".")[2]
        libraries = {name for name in names if _is_patched(graph, path, name)}
        reaching = {name: _reaching(last, name) for name in libraries}
        still = {
            name
            for name, pattern in reaching.items()
            for file in project.files
            if file.path != path and _found(pattern, file.text, gone.get(file.path, set()))
        }
        if found := tuple(name for name in names if name not in libraries - still):
            kept[path] = found
    return kept


def _is_patched(graph: Graph, path: str, name: str) -> bool:
    """Whether tests replace functions of the library that a module calls so."""
    return any(
        one.api.partition(".")[0] == name and (not one.through or path in one.through)
        for one in graph.patched
    )


def _reaching(module: str, name: str) -> re.Pattern[str]:
    """What reaches a name through a module: `api.requests`, `from pkg.api import requests`."""
    last, wanted = re.escape(module), re.escape(name)
    imported = rf"from[ \t]+\S*\b{last}[ \t]+import[^\n]*\b{wanted}\b"
    return re.compile(rf"\.{wanted}\b|{imported}")


def _found(pattern: re.Pattern[str], text: str, replaced: set[int]) -> bool:
    """Whether a text has it outside of the patches that go elsewhere now."""
    lines = {text.count("\n", 0, found.start()) + 1 for found in pattern.finditer(text)}
    if lines and replaced:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and node.lineno in replaced:
                lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return bool(lines)


def reached_through(project: Project, graph: Graph, plan: Plan) -> tuple[Message, ...]:
    """Files whose library other files reach through them: the migrated code no longer goes that
    way."""
    moved: dict[str, set[str]] = defaultdict(set)
    for decision in plan.decisions:
        if decision.action is Action.LIBRARY:
            moved[decision.path].add(decision.detail["api"].partition(".")[0])
    found = []
    exported = still_exported(project, graph, plan)
    for path, libraries in sorted(moved.items()):
        for name in sorted(libraries.intersection(exported.get(path, ()))):
            text = (
                f"another file reaches `{name}` through this one, perhaps to patch it in a test: "
                "the migrated calls no longer go through it"
            )
            found.append(Message(path, 1, "reached-through", text, Severity.LOOK))
    return tuple(found)
