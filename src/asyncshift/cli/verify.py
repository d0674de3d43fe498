"""`asyncshift verify -- CMD`: the project's own tests, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asyncshift.cli.options import Format, FormatOption, given
from asyncshift.config import Config


def verify(
    command: Annotated[
        list[str], typer.Argument(help="What runs the tests: -- python -m pytest -q.")
    ],
    *,
    paths: Annotated[
        list[Path] | None,
        typer.Option("--path", help="A file or folder to migrate, as for diff; repeatable."),
    ] = None,
    quarantine: Annotated[
        bool,
        typer.Option(
            "--quarantine",
            help="Set guilty change-sets aside, in the ledger, and go on with the rest.",
        ),
    ] = False,
    blocked_after: Annotated[
        float, typer.Option(min=0.05, help="Seconds that a loop may stand still while it waits.")
    ] = 0.5,
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds after which a run counts as failed.")
    ] = None,
    format: FormatOption = Format.TEXT,
    config: Config,
) -> None:
    """Run a command on the original and on the migrated tree, in scratch copies, and compare."""
    from asyncshift import verify as engine
    from asyncshift.apply import apply_files
    from asyncshift.cli import terminal
    from asyncshift.cli.migrate import open_drafts
    from asyncshift.planfile import planned
    from asyncshift.report.verify import verdict_json, verdict_text

    places = given(paths)
    with terminal.progress() as progress:
        drafts = open_drafts(places, config, progress)
        drafts.without(())
    project = drafts.analysis.project
    wanted = engine.Command(tuple(command), project, Path.cwd(), blocked_after, timeout)
    verdict = engine.verify(drafts, wanted, quarantine, terminal.note)
    if format is Format.JSON:
        print(verdict_json(verdict))
    else:
        terminal.show(verdict_text(verdict, quarantine))
    if quarantine and verdict.blamed:
        why = {name: one.reason for one in verdict.blamed for name in one.names}
        files = planned(drafts.declining(why))
        apply_files(drafts.root, files, "verify --quarantine", allow_dirty=True)
        terminal.note(f"Set aside in the ledger: {', '.join(sorted(why))}.")
    if verdict.worse:
        raise typer.Exit(1)
