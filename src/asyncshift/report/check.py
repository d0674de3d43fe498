"""The await check as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.text import Text

from asyncshift.check import Finding
from asyncshift.check.findings import UNKNOWN
from asyncshift.model import Project
from asyncshift.report.baseline import Compared

SHOWN = 5
"""Other async functions that are named where many reach one place."""


def check_text(project: Project, findings: Sequence[Finding]) -> Iterator[Text]:
    """`path:line: rule: sentence`, with the chain and the way out indented below."""
    failing = [finding for finding in findings if not finding.listed]
    listed = [finding for finding in findings if finding.listed]
    for finding in failing:
        yield from _finding(finding)
    if listed:
        unknown = [finding for finding in listed if finding.rule == UNKNOWN]
        if unknown:
            yield Text("Places to look, where only a name tells what is called:", style="bold")
        for finding in unknown:
            yield Text(f"  {finding.path}:{finding.line}: {finding.text}")
        comments = [finding for finding in listed if finding.rule != UNKNOWN]
        if comments:
            yield Text("Comments to look at:", style="bold")
        for finding in comments:
            yield Text(f"  {finding.path}:{finding.line}: {finding.text}; {finding.way_out}")
    count = sum(file.selected for file in project.files)
    files = "1 file" if count == 1 else f"{count} files"
    found = "1 finding" if len(failing) == 1 else f"{len(failing)} findings"
    yield Text(f"{found} in {files}" if failing else f"nothing found in {files}")


def _finding(finding: Finding) -> Iterator[Text]:
    place = f"{finding.path}:{finding.line}: "
    yield Text.assemble(place, (finding.rule, "bold"), f": {finding.text}")
    for step in finding.chain:
        yield Text(f"    {step.path}:{step.line}: {step.name}", style="dim")
    if finding.also:
        names = ", ".join(f"{step.name} ({step.path}:{step.line})" for step in finding.also[:SHOWN])
        rest = len(finding.also) - SHOWN
        more = f" and {rest} more" if rest > 0 else ""
        yield Text(f"    also reached by {names}{more}", style="dim")
    yield Text(f"    -> {finding.way_out}", style="green")


def less_text(compared: Compared) -> Iterator[Text]:
    """What the baseline knows, and what was won since."""
    if compared.known:
        found = "1 finding is" if compared.known == 1 else f"{compared.known} findings are"
        yield Text(f"{found} in the baseline and not listed")
    if compared.less:
        parts = ", ".join(f"{count} {name}" for name, count in compared.less.items())
        yield Text(f"{parts} less than in the baseline: keep that with --write-baseline")


def check_json(project: Project, findings: Sequence[Finding]) -> str:
    """Everything, machine-readable."""
    found = {"root": project.root, "findings": [asdict(finding) for finding in findings]}
    return json.dumps(found, indent=2)
