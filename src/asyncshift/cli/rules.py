"""`asyncshift rules`: what the name in brackets behind a reason means."""

from __future__ import annotations

from typing import Annotated

import typer

from asyncshift.cli.options import Format, FormatOption
from asyncshift.config import Config


def rules(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="What stands in brackets behind a reason.", show_default=False),
    ] = None,
    *,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """Tell what a refusal, a note or a finding means, and what to do about it; without names, list
    them all."""
    from asyncshift.cli import terminal
    from asyncshift.loading import load_registry
    from asyncshift.report import rules as report
    from asyncshift.rules import known_rules

    registry = load_registry(config.tables, config.codemods)
    known = known_rules(registry.tables)
    found = report.named(known, names) if names else tuple(known.values())
    if format is Format.JSON:
        print(report.rules_json(found))
    else:
        terminal.show(report.rules_text(found) if names else report.rules_list(found))
