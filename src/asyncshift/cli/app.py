"""The Typer application: every command with its options."""

from __future__ import annotations

from typing import Annotated

import typer

from asyncshift import __version__
from asyncshift.cli import (
    apply,
    check,
    codemods,
    diff,
    explain,
    graph,
    plan,
    review,
    rules,
    scan,
    status,
    undo,
    verify,
)
from asyncshift.cli.options import configured

_HELP = {"help_option_names": ["-h", "--help"]}


def build() -> typer.Typer:
    """The application, made anew for each run."""
    app = typer.Typer(
        name="asyncshift",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings=_HELP,
    )
    app.callback()(_top)
    work = (scan.scan, plan.plan, diff.diff, apply.apply, review.review, status.status)
    for command in (*work, explain.explain, rules.rules, graph.graph, check.check):
        app.command(context_settings=_HELP)(configured(command))
    app.command(context_settings=_HELP)(configured(verify.verify))
    app.add_typer(_codemods(), name="codemods")
    app.command(context_settings=_HELP)(undo.undo)
    return app


def _codemods() -> typer.Typer:
    """`codemods` with its own commands."""
    group = typer.Typer(cls=codemods.Listing, context_settings=_HELP, rich_markup_mode=None)
    group.callback()(_codemods_top)
    group.command("list", context_settings=_HELP)(configured(codemods.codemods))
    group.command("new", context_settings=_HELP)(codemods.new)
    group.command("test", context_settings=_HELP)(configured(codemods.try_cases))
    group.command("lint", context_settings=_HELP)(configured(codemods.lint))
    group.command("run", context_settings=_HELP)(configured(codemods.run_other))
    return group


def _codemods_top() -> None:
    """What can be migrated, and codemods of your own.  `codemods NAME` is `codemods list NAME`."""


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"asyncshift {__version__}")
        raise typer.Exit


def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Migrate synchronous Python code to asyncio.

    Nothing is written before it was seen: `scan` says whether it is worth it, `diff` shows what
    would change, `apply` writes it, `status` says how far it is, `undo` takes it back.
    """
