"""`asyncshift check`: coroutines that nobody awaits, and what blocks the event loop."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from asyncshift.cli.options import PathList, given
from asyncshift.config import Config

Strict = Annotated[
    bool, typer.Option("--strict", help="Fail on places to look, too: calls that only a name "
                       "connects, and comments that are no use.")
]  # fmt: skip


class CheckFormat(enum.StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def check(
    paths: PathList = None,
    *,
    format: Annotated[
        CheckFormat, typer.Option("--format", help="How to write the findings.")
    ] = CheckFormat.TEXT,
    strict: Strict = False,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="Fail only on what this file does not have; .asyncshift/baseline.json where it "
            "is there.",
            dir_okay=False,
        ),
    ] = None,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Write what is there now as the baseline.")
    ] = False,
    config: Config,
) -> None:
    """Find coroutines that nobody awaits and calls that block the event loop, in any tree."""
    from asyncshift import pipeline
    from asyncshift.check import check_tree
    from asyncshift.check.marks import marked
    from asyncshift.cli import terminal
    from asyncshift.report import baseline as baselines
    from asyncshift.report import sarif
    from asyncshift.report.check import check_json, check_text, less_text
    from asyncshift.report.warnings import warnings_text

    with terminal.progress() as progress:
        survey = pipeline.survey(given(paths), config, progress)
    project, graph, registry = survey.project, survey.graph, survey.registry
    findings = marked(project, graph, registry, check_tree(project, graph, registry))
    place = baseline or Path(project.root, baselines.PLACE)
    now = baselines.take(project, graph, registry, findings)
    if write_baseline:
        before = baselines.read_baseline(place) or baselines.Baseline()
        baselines.write_baseline(place, baselines.merged(now, before, project))
        terminal.note(f"Wrote {place}: commit it.")
        return
    known = baselines.read_baseline(place)
    if known is not None:
        compared = baselines.compare(now, known, project, findings)
        findings = compared.findings
        terminal.show(less_text(compared), error=True)
    match format:
        case CheckFormat.JSON:
            print(check_json(project, findings))
        case CheckFormat.SARIF:
            print(sarif.sarif(project.root, findings))
        case CheckFormat.GITHUB:
            for line in sarif.github(findings):
                print(line)
        case CheckFormat.TEXT:
            terminal.show(check_text(project, findings))
    terminal.show(warnings_text(survey.messages), error=True)
    if any(strict or not finding.listed for finding in findings):
        raise typer.Exit(1)
