"""`asyncshift diff`: what would change, without changing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from asyncshift.cli.options import (
    Format,
    FormatOption,
    PathList,
    TakenOption,
    WithoutOption,
    given,
)
from asyncshift.config import Config


def diff(
    paths: PathList = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="Store what is shown, for `apply`.", dir_okay=False),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when there are changes.")
    ] = False,
    by_change_set: Annotated[
        bool,
        typer.Option("--by-change-set", help="Show the diff change-set by change-set."),
    ] = False,
    fold_mechanical: Annotated[
        bool,
        typer.Option(
            "--fold-mechanical",
            help="The same, and of sets in which nothing but async changes only the title.",
        ),
    ] = False,
    patch: Annotated[
        Path | None,
        typer.Option(help="Write a series of patches for `git am` here.", file_okay=False),
    ] = None,
    change_set: TakenOption = None,
    without: WithoutOption = None,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """Show the changes as a unified diff; the summary goes to stderr."""
    from asyncshift import diff as diffs
    from asyncshift.cli import terminal
    from asyncshift.cli.migrate import held_back, migrate, tell_ledger, write_patches
    from asyncshift.planfile import PlanFile, planned, write_plan
    from asyncshift.report.summary import change_set_text, summary_json, summary_text

    step = migrate(given(paths), config, change_set or (), without or ())
    outcome = step.outcome
    text = diffs.unified(outcome.changes)
    wrong = held_back(outcome) if out is not None or patch is not None else None
    if out is not None and wrong is None:
        write_plan(out, PlanFile(step.root, planned(step.changes), text, step.sets))
    if patch is not None and wrong is None:
        from asyncshift.patches import series

        write_patches(patch, series(step.graph, outcome.plan, outcome.changes, step.ledger))
    if format is Format.JSON:
        content = {"diff": text.decode("utf-8", "surrogateescape"), **summary_json(outcome)}
        print(json.dumps(content, indent=1))
    else:
        if by_change_set or fold_mechanical:
            folded = [n for n, plain in outcome.mechanical.items() if plain and fold_mechanical]
            sets = [(one.id, change_set_text(outcome, one)) for one in outcome.plan.change_sets]
            text = diffs.by_change_set(outcome.changes, sets, folded)
        terminal.show_diff(text)
        terminal.show(summary_text(outcome), error=True)
        tell_ledger(step)
    if wrong is not None:
        raise wrong
    if exit_code and outcome.changes:
        raise typer.Exit(1)
