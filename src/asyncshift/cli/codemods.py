"""`asyncshift codemods`: what can be migrated, and codemods of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from asyncshift.cli.options import Format, FormatOption, PathList, given
from asyncshift.config import Config
from asyncshift.errors import InputError

Folder = Annotated[Path, typer.Argument(help="The codemod's folder.", file_okay=False, exists=True)]


class Listing(TyperGroup):
    """`codemods NAME` is `codemods list NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


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
    from asyncshift.loading import load_registry
    from asyncshift.report.codemods import codemods_json, codemods_text

    only = tuple(names) if names else config.only
    registry = load_registry(config.tables, config.codemods, only=only, exclude=config.exclude)
    infos = registry.codemods
    if format is Format.JSON:
        print(codemods_json(infos))
    else:
        terminal.show(codemods_text(infos, rows=bool(names)))


def new(
    name: Annotated[str, typer.Argument(help="The codemod's name: that of the library.")],
    *,
    folder: Annotated[
        Path | None, typer.Option(help="Where to make it; a folder of its name here without.")
    ] = None,
) -> None:
    """Make the folder of a codemod: a table, cases, a test and a page, which pass as they are."""
    from asyncshift.cli import terminal
    from asyncshift.scaffold import new_codemod

    place = folder or Path(name)
    for path in new_codemod(name, place):
        print(path)
    terminal.note(f"Next: asyncshift codemods test {place}")


def try_cases(
    folder: Folder,
    *,
    update: Annotated[bool, typer.Option("--update", help="Write each `after` anew.")] = False,
    config: Config,
) -> None:
    """Run the before/after cases of a codemod's folder."""
    from asyncshift.cases import run_cases
    from asyncshift.cli import terminal
    from asyncshift.report.codemods import case_text

    failed = 0
    for result in run_cases(folder, config, update):
        terminal.show(case_text(result))
        failed += bool(result.wrong)
    if failed:
        raise typer.Exit(1)


def lint(
    folder: Folder,
    *,
    config: Config,
) -> None:
    """Check a codemod's table against the installed library (--python): names and signatures."""
    from asyncshift import lint as engine
    from asyncshift.cli import terminal
    from asyncshift.loading import load_registry
    from asyncshift.report.codemods import lint_text

    (info,) = load_registry((), (folder,), only=(folder.resolve().name,)).codemods
    complaints = tuple(engine.lint(info, config.python))
    terminal.show(lint_text(info, complaints))
    if any(not complaint.unread for complaint in complaints):
        raise typer.Exit(1)


def run_other(
    script: Annotated[
        str,
        typer.Argument(help="A script for Bowler, or a LibCST command: FILE or MODULE[:CLASS]."),
    ],
    paths: PathList = None,
    *,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of a LibCST command: name=value; repeatable."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the diff.")] = False,
    allow_dirty: Annotated[
        bool,
        typer.Option("--allow-dirty", help="Write files too whose changes are not committed."),
    ] = False,
    config: Config,
) -> None:
    """Run a codemod of Bowler or LibCST, with asyncshift's checks, diff and journal."""
    from asyncshift import others
    from asyncshift.apply import apply_files
    from asyncshift.cli import terminal
    from asyncshift.diff import unified
    from asyncshift.discover import discover
    from asyncshift.planfile import planned
    from asyncshift.report.codemods import refused_text

    if not (yes or dry_run or terminal.can_ask()):
        raise InputError("it asks before it writes", hint="Give --yes, or --dry-run.")
    settings = dict(_setting(text) for text in set_ or ())
    transform = others.load(script, settings)
    project = discover(given(paths), config)
    found = others.run(project, transform)
    terminal.show_diff(unified(found.changes))
    terminal.show(refused_text(found), error=True)
    files = planned(found.changes)
    if files and not dry_run and (yes or terminal.ask(f"Write {len(files)} files?")):
        entry = apply_files(
            Path(project.root), files, f"codemods run {script}", allow_dirty=allow_dirty
        )
        if entry is not None:
            terminal.note(f"Wrote {len(files)} files (step {entry.number}; `asyncshift undo`).")
    if found.refusals:
        raise typer.Exit(1)


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise InputError(f"--set {text}: a setting is name=value")
    return name, value
