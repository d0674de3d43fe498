"""psycopg and the module that stands for it over asyncpg, with the same words for both.

A scenario is written once: `now` awaits where there is something to await, `inside` enters and
`each` iterates in the way that the object has.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import psycopg
import psycopg.conninfo
import psycopg.errors
import psycopg.pq
import psycopg.rows
import psycopg.sql
import psycopg.types.json
import psycopg.types.multirange
import psycopg.types.numeric
import psycopg.types.range
import psycopg_pool

from asyncshift.codemods.psycopg_asyncpg import _psycopg

FIELDS = (
    *("severity", "severity_nonlocalized", "sqlstate", "message_primary", "message_detail"),
    *("message_hint", "statement_position", "internal_position", "internal_query", "context"),
    *("schema_name", "table_name", "column_name", "datatype_name", "constraint_name"),
)


class Side(NamedTuple):
    """One of the two: `lib.dict_row` is psycopg's or the module's."""

    name: str
    places: tuple[Any, ...]

    def __getattr__(self, name: str) -> Any:
        for place in self.places:
            if hasattr(place, name):
                return getattr(place, name)
        raise AttributeError(name)

    def named(self, conn: Any, name: str, **settings: Any) -> Any:
        """A cursor on the server."""
        make = conn.cursor if self is THEIRS else conn.named_cursor
        return make(name, **settings)


THEIRS = Side(
    "psycopg",
    (
        *(psycopg, psycopg_pool, psycopg.rows, psycopg.pq, psycopg.conninfo, psycopg.types.json),
        *(psycopg.types.range, psycopg.types.multirange, psycopg.types.numeric),
    ),
)
OURS = Side("_psycopg", (_psycopg,))


async def now(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found


class inside:  # noqa: N801
    """`async with inside(manager)`, which may be one of either kind."""

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    async def __aenter__(self) -> Any:
        if hasattr(self.manager, "__aenter__"):
            return await self.manager.__aenter__()
        return self.manager.__enter__()

    async def __aexit__(self, *error: Any) -> Any:
        if hasattr(self.manager, "__aexit__"):
            return await self.manager.__aexit__(*error)
        return self.manager.__exit__(*error)


async def each(items: Any) -> AsyncIterator[Any]:
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


async def attempted(do: Callable[[], Any]) -> Any:
    """What comes of it: the value, or all that can be seen of the error."""
    try:
        return shown(await now(do()))
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__[:3]]
        diag = getattr(error, "diag", None)
        fields = [] if diag is None else [(name, getattr(diag, name)) for name in FIELDS]
        return kinds, str(error), getattr(error, "sqlstate", None), fields


def shown(value: Any) -> Any:
    """A value with its types, so that `1` and `True` and `1.0` differ."""
    if isinstance(value, memoryview):
        return "memoryview", bytes(value)
    if type(value) in (list, tuple):
        return type(value).__name__, [shown(item) for item in value]
    if isinstance(value, dict):
        return "dict", [(key, shown(item)) for key, item in value.items()]
    name = type(value).__name__
    if name.endswith("Cursor"):
        return "a cursor"
    return name, repr(value)
