"""`asyncshift graph`: the call graph."""

from __future__ import annotations

from asyncshift.cli.options import Format, FormatOption, PathList, given
from asyncshift.config import Config


def graph(
    paths: PathList = None,
    *,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """Print which function calls which, by what protocol, and how sure that is."""
    from asyncshift import pipeline
    from asyncshift.cli import terminal
    from asyncshift.report.graph import graph_json, graph_text
    from asyncshift.report.warnings import warnings_text

    with terminal.progress() as progress:
        survey = pipeline.survey(given(paths), config, progress)
    if format is Format.JSON:
        print(graph_json(survey.graph))
    else:
        for line in graph_text(survey.graph):
            print(line)
    terminal.show(warnings_text(survey.messages), error=True)
