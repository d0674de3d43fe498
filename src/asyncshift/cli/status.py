"""`asyncshift status`: how far the migration is."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from asyncshift.cli.options import PathList, given
from asyncshift.config import Config


class StatusFormat(enum.StrEnum):
    """How the status is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def status(
    paths: PathList = None,
    *,
    format: Annotated[
        StatusFormat, typer.Option("--format", help="How to write the status.")
    ] = StatusFormat.TEXT,
    config: Config,
) -> None:
    """Say for each package what is async, what still blocks, and what holds the two together."""
    from asyncshift import pipeline
    from asyncshift.cli import terminal
    from asyncshift.history import history
    from asyncshift.ledger import adopt, read_ledger
    from asyncshift.report import status as reports
    from asyncshift.report.warnings import warnings_text

    with terminal.progress() as progress:
        survey = pipeline.survey(given(paths), config, progress)
    root = Path(survey.project.root)
    ledger, notes = adopt(read_ledger(root), survey.project)
    points = history(root, ledger)
    report = reports.status_report(
        survey.project, survey.graph, survey.registry, ledger, notes, points
    )
    match format:
        case StatusFormat.JSON:
            print(reports.status_json(report))
        case StatusFormat.MARKDOWN:
            print(reports.status_markdown(report), end="")
        case StatusFormat.TEXT:
            terminal.show(reports.status_text(report))
    terminal.show(warnings_text(survey.messages), error=True)
