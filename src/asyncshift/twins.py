"""Names of the new libraries, read out of the tables: where migrated code stands already.

A table says what an old name becomes, so it also says what the new name is: a client class, a
member that has to be awaited, an exception.  A program that used the new library by itself has the
same names, and they mean the same there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from asyncshift.tables import ClassRow, Table


@dataclass(frozen=True, slots=True)
class Twins:
    """New name -> the old name it stands for.  `classes` are among the names, and `returns` has the
    new class of what a new name gives or holds."""

    names: Mapping[str, str]
    classes: Mapping[str, str]
    returns: Mapping[str, str]


def twins(tables: Iterable[Table]) -> Twins:
    """The new names of all tables; where several old names become one, the first tells."""
    tables = tuple(tables)
    names: dict[str, str] = {}
    classes: dict[str, str] = {}
    renamed: dict[str, str] = {}
    returns: dict[str, str] = {}
    for table in tables:
        for row in table.classes:
            if new := row.to or table.moved(row.name):
                renamed[row.name] = new
                classes.setdefault(new, row.name)
                for name, old in ((new, row.name), *_members(new, row)):
                    names.setdefault(name, old)
        for function in table.functions:
            if new := function.to or table.moved(function.name):
                names.setdefault(new, function.name)
        for exception in table.exceptions:
            for new in exception.to:
                if new.partition(".")[0] not in sys.stdlib_module_names | {"builtins"}:
                    names.setdefault(new, exception.name)
    for table in tables:
        for name, given in _given(table):
            if given in renamed:
                returns.setdefault(name, renamed[given])
        returns.update(table.migrated)
    return Twins(names, classes, returns)


def _members(new: str, row: ClassRow) -> Iterator[tuple[str, str]]:
    for member in row.members():
        if member not in row.refused and not member.startswith("__"):
            yield f"{new}.{row.rename.get(member, member)}", f"{row.name}.{member}"


def _given(table: Table) -> Iterator[tuple[str, str]]:
    """(new name, old class of what it gives)."""
    for function in table.functions:
        if new := function.to or table.moved(function.name):
            yield new, function.returns
    for row in table.classes:
        if new := row.to or table.moved(row.name):
            for member, given in (*row.returns.items(), *row.attributes.items()):
                yield f"{new}.{row.rename.get(member, member)}", given
