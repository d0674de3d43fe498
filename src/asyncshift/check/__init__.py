"""The whole-tree await check: coroutines that nobody awaits, what blocks the loop, bridges in
async code.  It needs a call graph and the texts, and no migration: any tree can be checked."""

from __future__ import annotations

from asyncshift.check.blocking import blocking, unknown_calls
from asyncshift.check.coroutines import Analysis
from asyncshift.check.findings import Finding, order
from asyncshift.check.misuse import coroutines
from asyncshift.check.values import Step
from asyncshift.codemod import Registry
from asyncshift.collector import no_gc
from asyncshift.model import Graph, Project

__all__ = ["Finding", "Step", "check_tree"]


def check_tree(project: Project, graph: Graph, registry: Registry) -> tuple[Finding, ...]:
    """Everything found in the selected files, by place; `listed` ones are places to look."""
    with no_gc():
        found = _findings(project, graph, registry)
    selected = {file.path for file in project.files if file.selected}
    inside = [
        finding
        for finding in found
        if finding.path in selected or any(step.path in selected for step in finding.chain)
    ]
    return tuple(sorted(dict.fromkeys(inside), key=order))


def _findings(project: Project, graph: Graph, registry: Registry) -> list[Finding]:
    analysis = Analysis(project, graph, registry)
    analysis.solve()
    return [*coroutines(analysis), *blocking(analysis), *unknown_calls(graph)]
