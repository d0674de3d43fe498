"""What tables rename, as the erasure check undoes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from asyncshift.tables import Table


@dataclass(frozen=True, slots=True)
class Rename:
    """One name the tables change; the erasure check undoes it.

    `kind` is `function`, `class`, `attribute`, `exception`, `keyword`, `module` or `name`.
    Attributes and keywords are bare, all other names dotted.
    """

    kind: str
    old: str
    new: str


def renames(tables: Iterable[Table]) -> Iterator[Rename]:
    """Every rename of every table, old to new."""
    for table in tables:
        for old, new in table.modules.items():
            yield Rename("module", old, new)
        for old, new in table.keywords.items():
            yield Rename("keyword", old, new)
        for function in table.functions:
            if function.to:
                yield Rename("function", function.name, function.to)
        for cls in table.classes:
            if cls.to:
                yield Rename("class", cls.name, cls.to)
            for old, new in cls.rename.items():
                yield Rename("attribute", old, new)
            for method, (_, other) in cls.variants.items():
                yield Rename("attribute", other, method)
        for exception in table.exceptions:
            for new in exception.to:
                yield Rename("exception", exception.name, new)
        for old, new in table.names.items():
            yield Rename("name", old, new)
