"""What `asyncshift codemods` and the generated docs say of a codemod."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from asyncshift.tables import Table

PACKAGE = "asyncshift.codemods"


@dataclass(frozen=True, slots=True)
class RowInfo:
    """One line of a codemod's generated documentation."""

    name: str
    kind: str
    becomes: str


@dataclass(frozen=True, slots=True)
class CodemodInfo:
    """What `asyncshift codemods` and the generated docs say of a codemod."""

    name: str
    summary: str
    docs: str
    requires: tuple[str, ...]
    rows: tuple[RowInfo, ...]
    text: str
    """The docstring of its rewriters, with Bad/Good examples; empty for a bare table."""


def describe(table: Table) -> CodemodInfo:
    """A codemod as documentation shows it."""
    return CodemodInfo(
        table.name,
        table.summary,
        table.docs,
        table.requires,
        tuple(_row_infos(table)),
        _docstring(table),
    )


def _docstring(table: Table) -> str:
    """Of the rewriters, else of the folder's `__init__.py`.  Read, not imported: listing codemods
    must not load LibCST."""
    home = resources.files(PACKAGE).joinpath(table.name) if table.installed else Path(table.code)
    for name in ("rewriters.py", "__init__.py") if table.installed or table.code else ():
        source = home.joinpath(name)
        if source.is_file() and (text := ast.get_docstring(ast.parse(source.read_bytes()))):
            return text
    return ""


def _row_infos(table: Table) -> Iterator[RowInfo]:
    for function in table.functions:
        kind = "awaited" if function.awaited else "plain"
        kind = "entered" if function.async_with else "iterated" if function.async_for else kind
        yield RowInfo(function.name, kind, function.to or table.moved(function.name))
    for cls in table.classes:
        yield RowInfo(cls.name, "class", cls.to or table.moved(cls.name))
        for member in cls.members():
            name, new = f"{cls.name}.{member}", cls.rename.get(member, "")
            if member in cls.refused:
                yield RowInfo(name, "stays in a thread", cls.refused[member])
            elif member in cls.awaited or member in cls.quick:
                yield RowInfo(name, "awaited", new)
            elif member in cls.iterates:
                yield RowInfo(name, "iterated", new)
            elif member in cls.enters:
                yield RowInfo(name, "entered", new)
            elif member in cls.plain or member in cls.rename:
                yield RowInfo(name, "rewritten", new)
            elif member in cls.callbacks:
                yield RowInfo(name, "callback", new)
            else:
                yield RowInfo(name, "same", new)
        for member in cls.threaded:
            yield RowInfo(f"{cls.name}.{member}", "thread", "asyncio.to_thread")
    for exception in table.exceptions:
        yield RowInfo(exception.name, "exception", ", ".join(exception.to) or exception.refused)
    for name, new in table.names.items():
        yield RowInfo(name, "renamed", new)
    for name, value in table.constants.items():
        yield RowInfo(name, "constant", repr(value))
    for name in table.blocking:
        yield RowInfo(name, "thread", "asyncio.to_thread")
    for name in table.main_thread:
        yield RowInfo(name, "main thread", "keeps its callers sync")
    for name in table.async_aware:
        yield RowInfo(name, "awaits", "handlers may turn async")
    for name in table.async_decorators:
        yield RowInfo(name, "decorates", "coroutine functions as well")
    for name in table.stop_iteration:
        yield RowInfo(name, "raised", "keeps who raises it sync")
