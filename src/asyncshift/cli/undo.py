"""`asyncshift undo`: take an applied step back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asyncshift.cli import terminal
from asyncshift.cli.migrate import repair
from asyncshift.errors import InputError


def undo(
    step: Annotated[
        int | None,
        typer.Argument(help="Number of the step; the last one without it.", show_default=False),
    ] = None,
    *,
    project: Annotated[
        Path, typer.Option(help="A place in the project whose step is taken back.")
    ] = Path(),
) -> None:
    """Take back a step that `apply` wrote, down to bytes and modes."""
    from asyncshift import apply
    from asyncshift.journal import journal_folder

    here = project.resolve()
    for root in (here, *here.parents):
        if journal_folder(root).is_dir():
            if repair(root) and step is None:
                return  # that was the last step: another one is not meant
            entry = apply.undo(root, step)
            count = "1 file" if len(entry.files) == 1 else f"{len(entry.files)} files"
            terminal.note(f"Took back step {entry.number}: {count} below {root}.")
            return
    raise InputError(
        "no step of asyncshift was found here",
        path=str(here),
        hint="Run it in the migrated project, or name that with --project.",
    )
