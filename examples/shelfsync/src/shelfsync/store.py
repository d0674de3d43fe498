"""Imports kept in PostgreSQL, each in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import psycopg2
from psycopg2.extras import execute_values

from .errors import StoreError
from .models import Shelf

SCHEMA = """
CREATE TABLE IF NOT EXISTS imports (id serial PRIMARY KEY, currency text NOT NULL);
CREATE TABLE IF NOT EXISTS prices (
    import_id int REFERENCES imports ON DELETE CASCADE,
    sku text,
    category text NOT NULL,
    name text NOT NULL,
    amount numeric(9, 2) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (import_id, sku)
);
"""


@dataclass(frozen=True)
class Stored:
    """What is kept of one import."""

    number: int
    currency: str
    products: int
    total: Decimal


class Store:
    """The tables of one database."""

    def __init__(self, conn: psycopg2.extensions.connection) -> None:
        self._conn = conn

    def prepare(self) -> None:
        with self._conn, self._conn.cursor() as cur:
            cur.execute(SCHEMA)

    def drop(self) -> None:
        """Forget everything, and the tables."""
        with self._conn, self._conn.cursor() as cur:
            cur.execute("DROP TABLE IF EXISTS prices, imports")

    def save(self, shelves: Iterable[Shelf], currency: str) -> int:
        """All of an import or, if anything is wrong with it, nothing; gives its number."""
        try:
            with self._conn, self._conn.cursor() as cur:
                cur.execute("INSERT INTO imports (currency) VALUES (%s) RETURNING id", (currency,))
                (number,) = cur.fetchone()
                for shelf in shelves:
                    self._put(cur, number, shelf)
        except psycopg2.IntegrityError as error:
            raise StoreError(f"not stored: {error.diag.constraint_name}") from error
        return number

    def _put(self, cur: psycopg2.extensions.cursor, number: int, shelf: Shelf) -> None:
        rows = [
            (number, sku, shelf.category.slug, shelf.names[sku], price.amount)
            for sku, price in shelf.prices.items()
        ]
        execute_values(
            cur, "INSERT INTO prices (import_id, sku, category, name, amount) VALUES %s", rows
        )

    def imports(self) -> Iterator[Stored]:
        """What was imported, the last first."""
        with self._conn.cursor() as cur:
            cur.execute(
                "SELECT i.id, i.currency, count(p.sku), coalesce(sum(p.amount), 0)"
                " FROM imports AS i LEFT JOIN prices AS p ON p.import_id = i.id"
                " GROUP BY i.id ORDER BY i.id DESC"
            )
            for row in cur:
                yield Stored(*row)

    def find(self, text: str, below: Decimal | None = None) -> list[tuple[str, str, Decimal]]:
        """Products of the last import with `text` in their names, the cheapest first."""
        with self._conn.cursor() as cur:
            cur.execute(
                "SELECT sku, name, amount FROM prices"
                " WHERE import_id = (SELECT max(id) FROM imports)"
                " AND name ILIKE '%%' || %(text)s || '%%'"
                " AND (%(below)s IS NULL OR amount < %(below)s) ORDER BY amount, sku",
                {"text": text, "below": below},
            )
            return cur.fetchall()

    def keep(self, newest: int) -> int:
        """Forget all but the newest imports; gives how many were forgotten."""
        with self._conn, self._conn.cursor() as cur:
            cur.execute("SELECT id FROM imports ORDER BY id DESC OFFSET %s", (newest,))
            old = tuple(number for (number,) in cur.fetchall())
            if not old:
                return 0
            cur.execute("DELETE FROM imports WHERE id IN %s", (old,))
            return cur.rowcount


@contextmanager
def opened(database: str) -> Iterator[Store]:
    """The store in a database, on a connection of its own."""
    conn = psycopg2.connect(database)
    try:
        yield Store(conn)
    except psycopg2.ProgrammingError as error:
        raise StoreError(f"nothing is stored in this database ({error.pgcode})") from error
    finally:
        conn.close()
