"""`asyncshift graph`: the call graph."""

from __future__ import annotations

from typing import Annotated

import typer

from asyncshift.cli.options import Format, FormatOption, PathList, given
from asyncshift.config import Config


def graph(
    paths: PathList = None,
    *,
    unresolved: Annotated[
        bool,
        typer.Option(
            "--unresolved",
            help="List the calls that could reach a function by its name and are not resolved, "
            "below the hints that would resolve them.",
        ),
    ] = False,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """Print which function calls which, by what protocol, and how sure that is."""
    from asyncshift import pipeline
    from asyncshift.cli import terminal
    from asyncshift.report.graph import graph_json, graph_text
    from asyncshift.report.unresolved import unresolved_json, unresolved_text
    from asyncshift.report.warnings import warnings_text

    with terminal.progress() as progress:
        survey = pipeline.survey(given(paths), config, progress, unresolved)
    as_json, as_text = graph_json, graph_text
    if unresolved:
        as_json, as_text = unresolved_json, unresolved_text
    if format is Format.JSON:
        print(as_json(survey.graph))
    else:
        for line in as_text(survey.graph):
            print(line)
    terminal.show(warnings_text(survey.messages), error=True)
