"""`asyncshift check`: coroutines that nobody awaits, and what blocks the event loop."""

from __future__ import annotations

from typing import Annotated

import typer

from asyncshift.cli.options import Format, FormatOption, PathList, given
from asyncshift.config import Config

Strict = Annotated[
    bool, typer.Option("--strict", help="Fail on calls that only a name connects, too.")
]


def check(
    paths: PathList = None,
    *,
    format: FormatOption = Format.TEXT,
    strict: Strict = False,
    config: Config,
) -> None:
    """Find coroutines that nobody awaits and calls that block the event loop, in any tree."""
    from asyncshift import pipeline
    from asyncshift.check import check_tree
    from asyncshift.cli import terminal
    from asyncshift.report.check import check_json, check_text
    from asyncshift.report.warnings import warnings_text

    with terminal.progress() as progress:
        survey = pipeline.survey(given(paths), config, progress)
    findings = check_tree(survey.project, survey.graph, survey.registry)
    if format is Format.JSON:
        print(check_json(survey.project, findings))
    else:
        terminal.show(check_text(survey.project, findings))
    terminal.show(warnings_text(survey.messages), error=True)
    if any(strict or not finding.listed for finding in findings):
        raise typer.Exit(1)
