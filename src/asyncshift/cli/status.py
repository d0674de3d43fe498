"""`asyncshift status`: how far the migration is."""

from __future__ import annotations

from pathlib import Path

from asyncshift.cli.options import Format, FormatOption, PathList, given
from asyncshift.config import Config


def status(
    paths: PathList = None,
    *,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """Say for each package what is async, what still blocks, and what holds the two together."""
    from asyncshift import pipeline
    from asyncshift.cli import terminal
    from asyncshift.ledger import adopt, read_ledger
    from asyncshift.report.status import status_json, status_report, status_text
    from asyncshift.report.warnings import warnings_text

    with terminal.progress() as progress:
        survey = pipeline.survey(given(paths), config, progress)
    ledger, notes = adopt(read_ledger(Path(survey.project.root)), survey.project)
    report = status_report(survey.project, survey.graph, survey.registry, ledger, notes)
    if format is Format.JSON:
        print(status_json(report))
    else:
        terminal.show(status_text(report))
    terminal.show(warnings_text(survey.messages), error=True)
