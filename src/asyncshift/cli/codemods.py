"""`asyncshift codemods`: what can be migrated."""

from __future__ import annotations

from typing import Annotated

import typer

from asyncshift.cli.options import Format, FormatOption
from asyncshift.config import Config


def codemods(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Show the rows of these codemods.", show_default=False),
    ] = None,
    *,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """List the codemods; with names, every row of their tables."""
    from asyncshift.cli import terminal
    from asyncshift.codemod import load_registry
    from asyncshift.report.codemods import codemods_json, codemods_text

    only = tuple(names) if names else config.only
    infos = load_registry(config.tables, only=only, exclude=config.exclude).codemods
    if format is Format.JSON:
        print(codemods_json(infos))
    else:
        terminal.show(codemods_text(infos, rows=bool(names)))
