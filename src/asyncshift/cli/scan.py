"""`asyncshift scan`: is it worth it, and what waits where."""

from __future__ import annotations

from asyncshift.cli.options import Format, FormatOption, PathList, given
from asyncshift.config import Config


def scan(
    paths: PathList = None,
    *,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """Say whether async is worth it: what blocks, and from where it is reached."""
    from asyncshift import pipeline
    from asyncshift.cli import terminal
    from asyncshift.report.scan import scan_report
    from asyncshift.report.scan_text import scan_json, scan_text
    from asyncshift.report.warnings import warnings_text

    with terminal.progress() as progress:
        survey = pipeline.survey(given(paths), config, progress)
    report = scan_report(survey.project, survey.graph, survey.registry)
    if format is Format.JSON:
        print(scan_json(report))
    else:
        terminal.show(scan_text(report))
    terminal.show(warnings_text(survey.messages), error=True)
