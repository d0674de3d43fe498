"""The terminal: results go to stdout, progress and summaries to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from asyncshift.pipeline import Progress

_DIFF_STYLES = (
    (b"+++", "bold"),
    (b"---", "bold"),
    (b"diff ", "bold"),
    (b"new file", "bold"),
    (b"deleted file", "bold"),
    (b"@@", "cyan"),
    (b"+", "green"),
    (b"-", "red"),
)


def show(lines: Iterable[Text], *, error: bool = False) -> None:
    """Write a result (or with `error` a summary), coloured on a terminal only."""
    console = _console(sys.stderr if error else sys.stdout)
    for line in lines:
        console.print(line, soft_wrap=True)


def rendered(lines: Iterable[Text], *, error: bool = False) -> str:
    """What `show` would write."""
    console = _console(sys.stderr if error else sys.stdout)
    with console.capture() as capture:
        for line in lines:
            console.print(line, soft_wrap=True)
    return capture.get()


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
    from rich.text import Text

    for line in diff.removesuffix(b"\n").split(b"\n"):
        style = next((style for start, style in _DIFF_STYLES if line.startswith(start)), "")
        console.print(Text(line.decode("utf-8", "replace"), style=style), soft_wrap=True)


def note(text: str) -> None:
    """One line for the user, on stderr."""
    print(text, file=sys.stderr)


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
