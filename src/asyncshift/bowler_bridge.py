"""Queries of Bowler as text to text: its own runner and writer are not used.

They skip files that do not parse with exit status 0, turn CRLF into LF, and leave a run half
written when a file cannot be decoded.  Here a file that fissix cannot parse is refused.
"""

from __future__ import annotations

import io
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from asyncshift.errors import InputError


class UnparsableError(Exception):
    """Why fissix cannot parse a text."""


def queries_of(script: Path) -> list[Any]:
    """The queries that a script would run, in order; none of them is run.

    `InputError` where Bowler is not installed, or the script fails.
    """
    try:
        from bowler import query  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise InputError(
            f"is a script for Bowler, which cannot be imported: {error}",
            path=str(script),
            hint="Install it: pip install 'asyncshift[bowler]'.",
        ) from error
    with _recorded(query.Query) as found, redirect_stdout(io.StringIO()):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit:
            pass  # scripts end so
        except Exception as error:
            text = f"fails: {type(error).__name__}: {error}"
            raise InputError(text, path=str(script)) from error
    if not found:
        raise InputError("runs no query", path=str(script), hint="End a query with .diff().")
    return found


@contextmanager
def _recorded(kind: Any) -> Iterator[list[Any]]:
    """Every query that is executed, instead of its execution."""
    found: list[Any] = []

    def execute(query: Any, **_: Any) -> Any:
        found.append(query)
        return query

    before, arguments = kind.execute, sys.argv
    kind.execute = execute
    sys.argv = sys.argv[:1]
    try:
        yield found
    finally:
        kind.execute, sys.argv = before, arguments


def transformed(queries: Sequence[Any], root: Path, path: Path, text: str) -> str:
    """A file's text after all queries that are about it; `UnparsableError` where it cannot be.
    Paths of a query count from the project's root, or from the current folder."""
    for query in queries:
        matcher = query.filename_matcher
        if (matcher is None or matcher(str(path))) and _is_meant(query.paths, root, path):
            text = _transformed(query, path, text)
    return text


def _is_meant(places: Sequence[str], root: Path, path: Path) -> bool:
    if list(places) == ["."]:
        return True
    folders = [start / place for place in places for start in (root, Path.cwd())]
    return any(path.is_relative_to(folder.resolve()) for folder in folders)


def _transformed(query: Any, path: Path, text: str) -> str:
    from fissix.refactor import RefactoringTool  # type: ignore[import-untyped, unused-ignore]

    class Tool(RefactoringTool):  # type: ignore[misc, unused-ignore]
        def get_fixers(self) -> tuple[list[Any], list[Any]]:
            made = [fixer(self.options, self.fixer_log) for fixer in self.fixers]
            return [f for f in made if f.order == "pre"], [f for f in made if f.order == "post"]

        def log_error(self, message: str, *arguments: Any, **_: Any) -> None:
            raise UnparsableError(message % arguments)

    ended = text if text.endswith("\n") else f"{text}\n"
    tree = Tool(query.compile(), {"print_function": True}).refactor_string(ended, str(path))
    result = str(tree)
    return result if text.endswith("\n") else result.removesuffix("\n")
