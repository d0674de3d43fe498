"""`asyncshift explain`: why a function turns async, or why it stays."""

from __future__ import annotations

from typing import Annotated

import typer

from asyncshift.cli.options import Format, FormatOption, PathList, given
from asyncshift.config import Config


def explain(
    target: Annotated[str, typer.Argument(help="pkg.mod:function, path:line, or a name.")],
    paths: PathList = None,
    *,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """Tell why a function turns async or stays sync, with the whole chain of causes."""
    from asyncshift import pipeline
    from asyncshift.cli import terminal
    from asyncshift.cli.migrate import analyse
    from asyncshift.report import explain as report

    with terminal.progress() as progress:
        analysis, _, _ = analyse(given(paths), config, progress)
        outcome = pipeline.changes(analysis, progress)
    function = report.find_target(analysis.graph, target)
    explanation = report.explain(analysis, outcome.plan, function, target)
    if format is Format.JSON:
        print(report.explain_json(explanation))
    else:
        terminal.show(report.explain_text(explanation))
