"""`asyncshift review`: change-sets one by one, then apply."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asyncshift.cli import terminal
from asyncshift.cli.options import PathList, given
from asyncshift.config import Config
from asyncshift.errors import InputError

if TYPE_CHECKING:
    from asyncshift.drafts import Drafts
    from asyncshift.review import Question, Review


def review(
    paths: PathList = None,
    *,
    answers: Annotated[
        Path | None,
        typer.Option(help="Answers, one a line: y, or n pkg.mod:function.", dir_okay=False),
    ] = None,
    allow_dirty: Annotated[
        bool,
        typer.Option("--allow-dirty", help="Write files too whose changes are not committed."),
    ] = False,
    config: Config,
) -> None:
    """Take or refuse change-sets one by one, callees first, then write what was taken."""
    from asyncshift import review as engine
    from asyncshift.cli.migrate import open_drafts

    places = given(paths)

    def reopen() -> Drafts:
        with terminal.progress() as progress:
            return open_drafts(places, config, progress)

    drafts = reopen()
    root = drafts.root
    work = engine.Review(drafts, reopen, engine.load(root))
    if work.decided.accepted or work.decided.refused:
        kept = len(work.decided.accepted) + len(work.decided.refused)
        terminal.note(f"Going on: {kept} decided in the last review.")
    try:
        work.run(_asker(answers), lambda question: _edit(root, question))
    finally:
        engine.store(root, work.decided)
    if not work.write:
        terminal.note("Nothing was written; the decisions are kept for the next review.")
        return
    _write(work, allow_dirty)
    engine.forget(root)


def _write(work: Review, allow_dirty: bool) -> None:
    from asyncshift.apply import apply_files
    from asyncshift.cli.migrate import held_back
    from asyncshift.planfile import planned

    draft = work.result()
    if (wrong := held_back(draft.outcome)) is not None:
        raise wrong
    ledger = work.drafts.ledger(draft, work.declined())
    files = planned((*draft.outcome.changes, *ledger))
    entry = apply_files(work.drafts.root, files, "review", allow_dirty=allow_dirty)
    if entry is None:
        terminal.note("Nothing to change.")
        return
    taken, refused = len(draft.sets), len(work.decided.refused)
    terminal.note(
        f"Wrote {taken} change-sets, refused {refused} (step {entry.number}; `asyncshift undo` "
        "takes it back)."
    )


def _asker(answers: Path | None) -> Callable[[Question], str]:
    """Answers of a file, of a pipe, or of somebody at a terminal."""
    from asyncshift.review import Answers

    if answers is not None:
        try:
            lines = answers.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read: {error}", path=str(answers)) from error
        given = Answers(lines, str(answers))
    elif not sys.stdin.isatty():
        given = Answers(sys.stdin, "<stdin>")
    else:
        return _from_terminal

    def ask(question: Question) -> str:
        _show(question)
        answer = given(question)
        if answer == "?":
            _why(question)
        terminal.note(f"{_head(question)}: {answer}")
        return answer

    return ask


def _from_terminal(question: Question) -> str:
    from asyncshift.review import ANSWERS

    _show(question)
    while True:
        print(f"Take it? [{','.join(ANSWERS)}] ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        answer = line.strip().lower()[:1]
        if not line:
            return "q"
        if answer == "?":
            _why(question)
        elif answer in ANSWERS:
            return answer


def _head(question: Question) -> str:
    return f"[{question.number}/{question.total}] {question.change.title}"


def _show(question: Question) -> None:
    from asyncshift.report.review import question_text

    terminal.show(question_text(question), error=True)
    terminal.show_diff(question.text)


def _why(question: Question) -> None:
    from asyncshift.report.review import why_text

    terminal.show(why_text(question), error=True)


def _edit(root: Path, question: Question) -> bool:
    """Open the file of a change-set in the user's editor; whether that worked."""
    functions = question.draft.analysis.graph.functions
    first = functions[question.change.functions[0]]
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        terminal.note("Set EDITOR to the program that you edit with.")
        return False
    try:
        done = subprocess.run([*shlex.split(editor), str(root / first.path)], check=False)
    except OSError as error:
        terminal.note(f"{editor} cannot be started: {error.strerror}")
        return False
    return done.returncode == 0
