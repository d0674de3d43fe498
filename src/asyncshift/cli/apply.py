"""`asyncshift apply`: write a stored plan, or what `diff` shows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asyncshift.cli import terminal
from asyncshift.cli.migrate import held_back, migrate, repair, tell_ledger, waves
from asyncshift.cli.options import PathList, TakenOption, WithoutOption, given
from asyncshift.config import Config
from asyncshift.errors import InputError

if TYPE_CHECKING:
    from asyncshift.planfile import PlannedFile


def apply(
    paths: PathList = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    allow_dirty: Annotated[
        bool,
        typer.Option("--allow-dirty", help="Write files too whose changes are not committed."),
    ] = False,
    commit: Annotated[
        bool,
        typer.Option(
            "--commit",
            help="Commit each step with what and why; without --module and --entry, wave by wave.",
        ),
    ] = False,
    change_set: TakenOption = None,
    without: WithoutOption = None,
    config: Config,
) -> None:
    """Write the changes: of files and folders, or of a plan that `diff --out` stored."""
    from asyncshift.planfile import is_plan

    wanted = given(paths)
    if any(is_plan(path) for path in wanted):
        if change_set or without or commit:
            raise InputError(
                "a stored plan is applied as it is",
                path=str(wanted[0]),
                hint="Give --change-set and --without to `asyncshift diff --out`, and commit it "
                "yourself.",
            )
        _apply_plan(wanted, allow_dirty)
        return
    if not yes and not terminal.can_ask():
        raise InputError(
            "apply asks before it writes, and there is no terminal to ask on",
            hint="Give --yes, or store a plan with `diff --out PLAN` and apply that.",
        )
    asked = _Asked(yes, allow_dirty, commit)
    if commit and not (config.modules or config.entries or change_set or without):
        for modules in waves(wanted, config):
            if not _step(wanted, replace(config, modules=modules), asked):
                return
    _step(wanted, config, asked, change_set or (), without or ())


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a step is written."""

    yes: bool
    allow_dirty: bool
    commit: bool


def _step(
    paths: Sequence[Path],
    config: Config,
    asked: _Asked,
    taken: Sequence[str] = (),
    without: Sequence[str] = (),
) -> bool:
    """Show one step, ask, write it, and commit it where that is wanted; False for a no."""
    from asyncshift import git, patches
    from asyncshift.apply import check
    from asyncshift.diff import unified
    from asyncshift.planfile import planned
    from asyncshift.report.summary import summary_text

    step = migrate(paths, config, taken, without)
    terminal.show_diff(unified(step.outcome.changes))
    terminal.show(summary_text(step.outcome), error=True)
    tell_ledger(step)
    files, root = planned(step.changes), step.root
    if not files:
        return True
    if (wrong := held_back(step.outcome)) is not None:
        raise wrong
    check(root, files, allow_dirty=asked.allow_dirty)
    if asked.commit and git.repository_of(root / "any") is None:
        raise InputError("is in no git repository: nothing was written", path=str(root))
    if not asked.yes and not terminal.ask(f"Write {_files(files)}?"):
        terminal.note("Nothing was written.")
        return False
    chosen = [part for name in config.modules for part in ("--module", name)]
    command = shlex.join(["apply", *chosen, *map(str, paths)])
    _write(root, files, command, asked.allow_dirty)
    if asked.commit:
        outcome = step.outcome
        message = patches.commit_message(
            step.graph, outcome.plan, outcome.counts, f"asyncshift {command}"
        )
        git.commit(root, [file.path for file in files], message.text())
        terminal.note(f"Committed: {message.subject}")
    return True


def _apply_plan(paths: Sequence[Path], allow_dirty: bool) -> None:
    from asyncshift.planfile import read_plan

    if len(paths) > 1:
        raise InputError("a stored plan is applied alone", path=str(paths[0]))
    plan = read_plan(paths[0])
    if plan.root.is_dir():
        repair(plan.root)
    _write(plan.root, plan.files, f"apply {paths[0]}", allow_dirty)


def _write(root: Path, files: Sequence[PlannedFile], command: str, allow_dirty: bool) -> None:
    from asyncshift.apply import apply_files

    entry = apply_files(root, files, command, allow_dirty=allow_dirty)
    if entry is None:
        terminal.note("Nothing to change.")
    else:
        terminal.note(
            f"Wrote {_files(files)} below {root} (step {entry.number}; `asyncshift undo` "
            "takes it back)."
        )


def _files(files: Sequence[PlannedFile]) -> str:
    from asyncshift.ledger import is_ledger

    code = [file for file in files if not is_ledger(file.path)]
    if not code:
        return "the ledger"
    count = "1 file" if len(code) == 1 else f"{len(code)} files"
    return count if len(code) == len(files) else f"{count} and the ledger"
