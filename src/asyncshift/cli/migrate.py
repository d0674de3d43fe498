"""The step that `diff` and `apply` share: repair what a crash left, then work out the changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asyncshift.cli import terminal
from asyncshift.config import Config
from asyncshift.discover import project_root
from asyncshift.journal import recover

if TYPE_CHECKING:
    from asyncshift.pipeline import Outcome


def migrate(
    paths: Sequence[Path],
    config: Config,
    taken: Sequence[str] = (),
    without: Sequence[str] = (),
) -> tuple[Path, Outcome]:
    """The project's root and everything that would be written there: all change-sets, or those
    taken, and none of those refused."""
    from asyncshift import pipeline
    from asyncshift.scope import ALL
    from asyncshift.selection import choose

    repair(project_root(paths))
    with terminal.progress() as progress:
        analysis = pipeline.analyse(paths, config, progress, ALL)
        outcome = pipeline.changes(analysis, progress)
        if taken or without:
            choice = choose(analysis.graph, outcome.plan, taken, without, ALL)
            analysis = pipeline.narrowed(analysis, choice)
            outcome = pipeline.changes(analysis, progress)
    return Path(analysis.project.root), outcome


def repair(root: Path) -> None:
    """Put back what an interrupted command left, and say so."""
    for entry in recover(root):
        terminal.note(
            f"step {entry.number:04} was interrupted ({entry.command}): it was taken back"
        )
