"""The whole-tree await check on what a plan would write: what is wrong now and was not before."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from asyncshift.check import Finding, check_tree
from asyncshift.check.findings import BLOCKS, BRIDGE, UNKNOWN
from asyncshift.codemod import Registry
from asyncshift.model import (
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Message,
    Project,
    Refusal,
    Severity,
)
from asyncshift.standing import name_in_table

RULE = "await-check"
LEFT = "left-as-it-stands"
"""Rule of what is found inside of what a table names besides its async twin."""
_ONLY_LISTED = frozenset({BLOCKS, UNKNOWN, LEFT})
"""What slows the loop down or is a place to look; everything else is wrong."""


def with_texts(project: Project, texts: Mapping[str, str]) -> Project:
    """The project as it would be with these new texts."""
    return replace(
        project,
        files=tuple(
            replace(
                file,
                text=texts[file.path],
                digest=hashlib.sha256(
                    texts[file.path].encode("utf-8", "surrogatepass")
                ).hexdigest(),
            )
            if file.path in texts
            else file
            for file in project.files
        ),
    )


def new_findings(
    before: tuple[Project, Graph], after: tuple[Project, Graph], registry: Registry
) -> list[Finding]:
    """Findings of the tree as it would be that the tree as it is does not have; an object that was
    a generator is used as before where nothing of it runs."""
    known = Counter(map(_key, check_tree(*before, registry)))
    found = []
    for finding in check_tree(*after, registry):
        if known[_key(finding)] > 0:
            known[_key(finding)] -= 1
        elif not finding.listed and not finding.alike:
            found.append(_judged(finding, after[1], registry))
    return found


def _judged(finding: Finding, graph: Graph, registry: Registry) -> Finding:
    """A table says of some code that it stays, and that its twin takes its part."""
    if not registry.standing:
        return finding
    inside = _around(graph, finding.path, finding.line)
    name = name_in_table(inside, registry) if inside is not None else ""
    if not name:
        return finding
    way_out = f"a table says that the uses of {name} move to its twin: see that nobody calls it"
    return replace(finding, rule=LEFT, way_out=way_out)


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.path, finding.rule, finding.text


def refused(findings: Iterable[Finding], before: Graph, after: Graph) -> list[Refusal]:
    """The functions of the original in which something would be wrong, as refusals."""
    originals = {(f.path, f.name): f for f in before.functions.values() if _is_def(f)}
    found = []
    for finding in findings:
        if finding.rule in _ONLY_LISTED:
            continue
        old = None
        for path, line in _places(finding):
            inside = _around(after, path, line)
            old = originals.get((path, inside.name)) if inside is not None else None
            if old is not None and not old.is_async:
                break
        if old is not None:
            reason = f"after the change, {finding.text}"
            found.append(Refusal(old.path, old.span, RULE, reason, finding.way_out))
    return found


def _places(finding: Finding) -> list[tuple[str, int]]:
    """Where something can be kept as it was: the end of a chain, where a facade waits, before its
    beginning, in code that may have been async before."""
    chain = [(step.path, step.line) for step in reversed(finding.chain)]
    return (
        [*chain, (finding.path, finding.line)]
        if finding.rule == BRIDGE
        else [(finding.path, finding.line)]
    )


def messages(findings: Iterable[Finding]) -> tuple[Message, ...]:
    """What is left of the findings, to be told with the diff."""
    return tuple(
        Message(
            finding.path,
            finding.line,
            RULE if finding.rule not in _ONLY_LISTED else finding.rule,
            f"after the change, {finding.text}; {finding.way_out}",
            Severity.LOOK if finding.rule in _ONLY_LISTED else Severity.WARNING,
        )
        for finding in findings
    )


def touched(findings: Iterable[Finding], before: Graph, after: Graph) -> set[FunctionId]:
    """The functions of the original in which something is found."""
    originals = {(f.path, f.name): f.id for f in before.functions.values()}
    inside = (_around(after, finding.path, finding.line) for finding in findings)
    return {originals[f.path, f.name] for f in inside if f and (f.path, f.name) in originals}


def _is_def(f: Function) -> bool:
    return f.kind is FunctionKind.FUNCTION


def _around(graph: Graph, path: str, line: int) -> Function | None:
    """The innermost function around a line."""
    around = [
        f
        for f in graph.functions.values()
        if f.path == path and _is_def(f) and f.span[0] <= line <= f.span[2]
    ]
    return max(around, key=lambda f: f.span[0], default=None)
