"""The terminal: results go to stdout, progress and summaries to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from asyncshift.inert import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from asyncshift.pipeline import Progress


def show(lines: Iterable[Text], *, error: bool = False) -> None:
    """Write a result (or with `error` a summary), coloured on a terminal only."""
    console = _console(sys.stderr if error else sys.stdout)
    for line in lines:
        console.print(_inert(line), soft_wrap=True)


def rendered(lines: Iterable[Text], *, error: bool = False) -> str:
    """What `show` would write."""
    console = _console(sys.stderr if error else sys.stdout)
    with console.capture() as capture:
        for line in lines:
            console.print(_inert(line), soft_wrap=True)
    return capture.get()


def _inert(line: Text) -> Text:
    """The same line, with what a terminal would obey as escapes; line ends stay."""
    if all(part.isprintable() for part in line.plain.split("\n")):
        return line
    from rich.text import Text

    shown = Text(style=line.style)
    for index, character in enumerate(line.plain):
        whole = character == "\n" or character.isprintable()
        shown.append_text(
            line[index] if whole else Text(printable(character), line[index].style or "")
        )
    return shown


def write(text: str, *, error: bool = False) -> None:
    """Write what was rendered for this stream."""
    (sys.stderr if error else sys.stdout).write(text)


def colours() -> tuple[str, ...]:
    """What decides how lines are rendered."""
    names = ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE")
    streams = [str(stream.isatty()) for stream in (sys.stdout, sys.stderr)]
    return (*streams, *(os.environ.get(name, "") for name in names))


def show_diff(diff: bytes) -> None:
    """Write a diff: its very bytes, but for a terminal, where it is coloured."""
    if not diff:
        return
    console = _console(sys.stdout)
    if not console.is_terminal or console.no_color:
        sys.stdout.flush()
        sys.stdout.buffer.write(diff)
        sys.stdout.buffer.flush()
        return
    from asyncshift.report.diff_text import diff_text

    for line in diff_text(diff):
        console.print(line, soft_wrap=True)


def note(text: str) -> None:
    """One line for the user, on stderr."""
    print(printable(text), file=sys.stderr)


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> bool:
    """A yes-or-no question on the terminal; no answer is a no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def progress() -> Iterator[Progress]:
    """What reports progress: bars on a terminal, silence elsewhere."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bars = Bars(*columns, TimeElapsedColumn(), console=_console(sys.stderr), transient=True)
    tasks: dict[str, TaskID] = {}

    def report(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=total)
        bars.update(tasks[step], completed=done, total=total)

    with bars:
        yield report


def _silent(step: str, done: int, total: int) -> None:
    """Nobody watches."""


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)
