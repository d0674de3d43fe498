"""Random programs that use PostgreSQL through psycopg2 or psycopg, as text.

Each is a function `case_N` with helpers of its own, which works in a schema of its own and notes
what it sees: rows with their types, counts, exceptions, and what another connection finds
committed.  Two runs are alike when they note the same and leave the same tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

T = TypeVar("T")
PSYCOPG2 = "psycopg2"
PSYCOPG = "psycopg"

NOTES = '''\
"""What every program uses."""

from collections import namedtuple
from dataclasses import dataclass


class Stop(Exception):
    """Raised on purpose."""


def shown(value):
    """A value with its type, and the same in every run."""
    if isinstance(value, memoryview):
        return f"memoryview {bytes(value)!r}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"{type(value).__name__} {value._fields} {[shown(part) for part in value]}"
    if isinstance(value, dict):
        return f"dict {[(name, shown(part)) for name, part in value.items()]}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} {[shown(part) for part in value]}"
    if hasattr(value, "tzinfo") and value.tzinfo is not None:
        return f"{type(value).__name__} {value.isoformat()}"
    return f"{type(value).__name__} {value!r}"


def note(case, *what):
    print(case, *(part if isinstance(part, str) else shown(part) for part in what), flush=True)


def failed(case, where, error):
    code = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
    print(case, where, "raised", type(error).__name__, code or "", flush=True)
'''

HEADS = {
    PSYCOPG2: """\
import datetime
import io
import json
import uuid
from datetime import date, timedelta
from decimal import Decimal

import psycopg2
import psycopg2.extras
from psycopg2 import errors, sql
from psycopg2.extras import Json, NamedTupleCursor, RealDictCursor

from notes import Stop, failed, note
""",
    PSYCOPG: """\
import datetime
import io
import json
import uuid
from datetime import date, timedelta
from decimal import Decimal

import psycopg
from psycopg import errors, sql
from psycopg.rows import dict_row, namedtuple_row
from psycopg.types.json import Json, Jsonb

from notes import Stop, failed, note
""",
}

INTS = ("0", "1", "-7", "42", "2147483647", "-2147483648", "3")
BIG = ("2**40", "-(2**33)", "5", "9223372036854775807")
FLOATS = ("1.5", "0.1", "-2.25", "1e10", "2.675", "7.0", "2.5")
DECIMALS = ("Decimal('1.10')", "Decimal('0')", "Decimal('-3.005')", "Decimal('12345.678')")
TEXTS = (
    "'a'",
    "''",
    '"it\'s"',
    "'100%'",
    "'%s'",
    "'a?b'",
    "'\\u00e9'",
    "'back\\\\slash'",
    "'line\\nbreak'",
    "'$1'",
    "'{\"x\"}'",
    "'12'",
    "'3.5'",
    "'true'",
)
BOOLS = ("True", "False")
DATES = ("date(2024, 2, 29)", "date(1999, 12, 31)", "'2024-01-02'")
STAMPS = (
    "datetime.datetime(2024, 3, 10, 2, 30)",
    "datetime.datetime(1999, 12, 31, 23, 59, 59, 999999)",
    "'2024-01-02 03:04:05'",
)
ZONED = (
    "datetime.datetime(2024, 3, 10, 2, 30, tzinfo=datetime.timezone.utc)",
    "datetime.datetime(2024, 7, 1, tzinfo=datetime.timezone(timedelta(hours=-5)))",
    "datetime.datetime(2024, 3, 10, 2, 30)",
    "'2024-01-02 03:04:05+02'",
)
SPANS = ("timedelta(days=1, seconds=5)", "timedelta(microseconds=-1)", "'2 hours'")
UUIDS = ("'0b0e4a60-7f0f-4a3c-9d57-5a3c0f5f2a11'", "str(uuid.UUID(int=5))")
BYTES = ("b'\\x00\\xff'", "b''", "b'abc'", "bytearray(b'xy')", "memoryview(b'zz')")
JSONS = ("Json({'k': [1, None, 'x']})", "Json([])", "Json('text')", "json.dumps({'k': 1.5})")
INT_LISTS = ("[1, 2, 3]", "[]", "[None, 4]", "[-1]")
TEXT_LISTS = ("['a', \"b'c\"]", "[]", "['x,y', '{}', None]", "['\"']")

COLUMNS: dict[str, tuple[str, Sequence[str]]] = {
    "n": ("int", INTS),
    "small": ("smallint", ("1", "-5", "32767", "0")),
    "big": ("bigint", (*INTS, *BIG)),
    "x": ("double precision", (*FLOATS, "3")),
    "r": ("real", ("0.5", "1.25", "0.1")),
    "d": ("numeric(12, 3)", (*DECIMALS, "3", "1.005", "'4.50'")),
    "q": ("numeric", (*DECIMALS, *FLOATS, "7")),
    "t": ("text", TEXTS),
    "v": ("varchar(6)", TEXTS),
    "c": ("char(4)", ("'ab'", "'abcd'", "''")),
    "f": ("boolean", BOOLS),
    "day": ("date", DATES),
    "at": ("timestamp", STAMPS),
    "tz": ("timestamptz", ZONED),
    "span": ("interval", SPANS),
    "u": ("uuid", UUIDS),
    "raw": ("bytea", BYTES),
    "j": ("jsonb", JSONS),
    "k": ("json", JSONS),
    "ns": ("int[]", INT_LISTS),
    "ts": ("text[]", TEXT_LISTS),
}
ANY_VALUE = (
    *(INTS + BIG + FLOATS + DECIMALS + TEXTS + BOOLS + DATES + STAMPS + ZONED + SPANS),
    *(UUIDS + BYTES + JSONS + INT_LISTS + TEXT_LISTS),
    "None",
)
UNTYPED = (
    ("%s", 1),
    ("%s, %s", 2),
    ("%s::text", 1),
    ("%s::int", 1),
    ("%s::numeric", 1),
    ("%s + 1", 1),
    ("%s + %s", 2),
    ("7 / %s", 1),
    ("coalesce(%s, 0)", 1),
    ("greatest(%s, %s)", 2),
    ("'x' || %s", 1),
    ("%s IS NULL", 1),
    ("%s = %s", 2),
    ("length(%s)", 1),
    ("upper(%s), lower('A%%')", 1),
    ("array[%s, %s]", 2),
    ("CASE WHEN %s THEN 1 ELSE 2 END", 1),
    ("to_json(%s::text)", 1),
    ("%s::date + 1", 1),
    ("abs(%s)", 1),
    ("pg_typeof(%s)::text", 1),
    ("row_to_json(r) FROM (SELECT %s::int AS a, 'b' AS b) AS r", 1),
)
CONDITIONS: tuple[tuple[str, tuple[Sequence[str], ...]], ...] = (
    ("n = %s", (INTS,)),
    ("n > %s", (FLOATS,)),
    ("n <= %s", (("'3'", "'many'", "True", "2**40"),)),
    ("big <> %s", ((*INTS, *BIG),)),
    ("x > %s", ((*FLOATS, *INTS, *DECIMALS),)),
    ("d = %s", ((*DECIMALS, "1.005", "3"),)),
    ("t = %s", (TEXTS,)),
    ("t LIKE %s", (("'a%'", "'%s%%'"),)),
    ("t LIKE 'a%%' AND n < %s", (INTS,)),
    ("t = %s /* 'it is' ? */ -- %% done\n", (TEXTS,)),
    ("f = %s", (BOOLS,)),
    ("f IS NOT %s", (("None",),)),
    ("day >= %s", ((*DATES, *STAMPS),)),
    ("at < %s", ((*STAMPS, *DATES, *ZONED),)),
    ("tz < %s", ((*ZONED, *DATES),)),
    ("span > %s", (SPANS,)),
    ("u = %s", (UUIDS,)),
    ("raw = %s", (BYTES,)),
    ("j @> %s", (("Json({'k': 1.5})", "'{}'"),)),
    ("j ->> 'k' = %s", (("'1.5'", "'x'"),)),
    ("j ? 'k' AND n > %s", (INTS,)),
    ("n = ANY(%s)", (INT_LISTS,)),
    ("t = ANY(%s)", (TEXT_LISTS,)),
    ("n IN (%s, %s)", (INTS, INTS)),
    ("(%s IS NULL OR n = %s)", (("None", "1"), INTS)),
    ("n BETWEEN %s AND %s", (INTS, INTS)),
)
TUPLES = ("(1, 42)", "('a', \"it's\")", "(1.5,)", "(None, 3)")
ERRORS = (
    "errors.UniqueViolation",
    "errors.NotNullViolation",
    "errors.CheckViolation",
    "errors.InvalidTextRepresentation",
    "errors.UndefinedTable",
    "errors.DivisionByZero",
    "{driver}.IntegrityError",
    "{driver}.DataError",
    "{driver}.ProgrammingError",
    "{driver}.OperationalError",
    "{driver}.DatabaseError",
    "{driver}.Error",
    "({driver}.IntegrityError, {driver}.DataError)",
    "(Stop, {driver}.Error)",
    "Exception",
)
BROKEN = (
    "SELECT 1 / (n - n) FROM {schema}.t LIMIT 1",
    "SELECT 1/0",
    "SELEC 1",
    "SELECT * FROM {schema}.missing",
    "SELECT nothing FROM {schema}.t",
    "INSERT INTO {schema}.t (id) VALUES (1), (1)",
    "INSERT INTO {schema}.t (v) VALUES ('longer than six')",
    "INSERT INTO {schema}.t (positive) VALUES (-1)",
    "INSERT INTO {schema}.t (needed) VALUES (NULL)",
    "INSERT INTO {schema}.parts (t_id) VALUES (-1)",
    "SELECT 'x'::int",
    "SELECT '{{'::json",
    "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$",
)


class Choices(Protocol):
    """Who decides: a seeded generator, or Hypothesis, which can make a failing program small."""

    def pick(self, found: Sequence[T]) -> T: ...


@dataclass
class Program:
    """One program in the making."""

    number: int
    driver: str
    choices: Choices
    functions: list[str] = field(default_factory=list)
    budget: int = 30
    """Steps that may still be written."""

    def chance(self, percent: int) -> bool:
        return self.choices.pick(range(100)) < percent

    def pick(self, found: Sequence[T]) -> T:
        return self.choices.pick(found)

    @property
    def schema(self) -> str:
        return f"g{self.number}"

    @property
    def is_psycopg(self) -> bool:
        return self.driver == PSYCOPG

    # -------------------------------------------------------------- statements and parameters

    def value(self, column: str) -> str:
        if self.chance(6):
            return "None"
        if self.chance(3):
            return self.pick(ANY_VALUE)
        return self.pick(COLUMNS[column][1])

    def arguments(self, sql: str, values: Sequence[str]) -> str:
        """`sql` with its arguments, in one of the ways to write them."""
        way = self.pick(("tuple", "tuple", "list", "named"))
        if not values:
            return repr(sql)
        if way == "named":
            names = [f"p{index}" for index in range(len(values))]
            parts = sql.split("%s")
            sql = parts[0] + "".join(
                f"%({name})s{part}" for name, part in zip(names, parts[1:], strict=True)
            )
            mapping = ", ".join(f"{n!r}: {v}" for n, v in zip(names, values, strict=True))
            return f"{sql!r}, {{{mapping}}}"
        if way == "list":
            return f"{sql!r}, [{', '.join(values)}]"
        return f"{sql!r}, ({', '.join(values)},)"

    def condition(self) -> tuple[str, list[str]]:
        if not self.is_psycopg and self.chance(8):
            return self.pick(("n IN %s", "t NOT IN %s")), [self.pick(TUPLES)]
        text, kinds = self.pick(CONDITIONS)
        return text, [self.pick(kind) for kind in kinds]

    def some_columns(self, most: int = 5) -> list[str]:
        count = self.pick(range(1, most + 1))
        found: list[str] = []
        for _ in range(count):
            column = self.pick(list(COLUMNS))
            if column not in found:
                found.append(column)
        return found

    def write(self) -> str:
        """A statement that changes rows, as the arguments of `execute`."""
        kind = self.pick(("insert", "insert", "insert", "update", "delete", "upsert", "returning"))
        columns = self.some_columns()
        values = [self.value(column) for column in columns]
        marks = ", ".join("%s" for _ in columns)
        insert = f"INSERT INTO {self.schema}.t ({', '.join(columns)}) VALUES ({marks})"
        if kind == "insert":
            return self.arguments(insert, values)
        if kind == "returning":
            return self.arguments(f"{insert} RETURNING id, {columns[0]}", values)
        if kind == "upsert":
            key = self.pick(("1", "2", "3"))
            return self.arguments(
                f"INSERT INTO {self.schema}.t (id, {', '.join(columns)}) VALUES (%s, {marks})"
                f" ON CONFLICT (id) DO UPDATE SET {columns[0]} = EXCLUDED.{columns[0]}",
                [key, *values],
            )
        where, found = self.condition()
        if kind == "update":
            return self.arguments(
                f"UPDATE {self.schema}.t SET {columns[0]} = %s WHERE {where}", [values[0], *found]
            )
        return self.arguments(f"DELETE FROM {self.schema}.t WHERE {where}", found)

    def query(self) -> str:
        """A statement that gives rows, as the arguments of `execute`."""
        if self.chance(25):
            text, count = self.pick(UNTYPED)
            return self.arguments(f"SELECT {text}", [self.pick(ANY_VALUE) for _ in range(count)])
        columns = ", ".join(self.some_columns())
        if self.chance(20):
            return repr(f"SELECT id, {columns} FROM {self.schema}.t ORDER BY id")
        where, values = self.condition()
        sql = f"SELECT id, {columns} FROM {self.schema}.t WHERE {where} ORDER BY id"
        if self.chance(15):
            return self.arguments(f"{sql} LIMIT %s OFFSET %s", [*values, "2", "0"])
        return self.arguments(sql, values)

    # -------------------------------------------------------------- steps

    def note(self, *what: str) -> str:
        return f"note({self.number}, {', '.join(what)})"

    def block(self, depth: int, in_cursor: bool = False) -> list[str]:
        lines: list[str] = []
        for _ in range(self.pick((2, 3, 4, 5))):
            if self.budget <= 0:
                break
            self.budget -= 1
            simple: list[Callable[[], list[str]]] = [
                *(self.do_write, self.do_write, self.do_write, self.do_query, self.do_query),
                *(self.do_query, self.do_commit, self.do_commit, self.do_rollback, self.do_many),
                *(self.do_peek, self.do_end, self.do_end, self.do_error, self.do_iterate),
                *(self.do_factory, self.do_chain, self.do_named, self.do_copy, self.do_composed),
            ]
            deep: list[Callable[[int], list[str]]] = [
                *(self.do_try, self.do_try, self.do_with, self.do_with_cursor, self.do_call),
                *(self.do_call, self.do_loop, self.do_early, self.do_savepoint, self.do_raise),
            ]
            if depth < 3 and self.chance(45):
                lines += self.pick(deep)(depth + 1)
            else:
                lines += self.pick(simple)()
        return lines or ["pass"]

    def guarded(self, lines: list[str], percent: int) -> list[str]:
        """Mostly in a `try` that ends the failed transaction, so that programs go on."""
        if not self.chance(percent):
            return lines
        error = self.pick((f"{self.driver}.Error", f"{self.driver}.DatabaseError"))
        return [
            "try:",
            *indented(lines),
            f"except {error} as error:",
            f"    failed({self.number}, 'guarded', error)",
            self.pick(("    conn.rollback()", "    conn.rollback()", "    cur = conn.cursor()")),
        ]

    def do_write(self) -> list[str]:
        lines = [f"cur.execute({self.write()})", self.note("'rows'", "cur.rowcount")]
        if self.chance(15):
            lines.append(self.note("'message'", "cur.statusmessage"))
        return self.guarded(lines, 50)

    def do_query(self) -> list[str]:
        return self.guarded(self.query_lines(), 50)

    def query_lines(self) -> list[str]:
        first = f"cur.execute({self.query()})"
        way = self.pick(("all", "all", "one", "value", "many", "names", "mixed", "unpack"))
        if way == "all":
            return [first, self.note("'all'", "cur.fetchall()", "cur.rowcount")]
        if way == "one":
            return [first, "row = cur.fetchone()", self.note("'one'", "row")]
        if way == "value":
            return [first, self.note("'value'", "cur.fetchone()[0]")]
        if way == "many":
            return [
                first,
                "while True:",
                "    batch = cur.fetchmany(2)",
                "    if not batch:",
                "        break",
                f"    {self.note(repr('batch'), 'len(batch)', 'batch')}",
            ]
        if way == "names":
            return [
                first,
                "names = [column[0] for column in cur.description]",
                self.note("'names'", "[dict(zip(names, row)) for row in cur.fetchall()]"),
            ]
        if way == "unpack":
            return [first, f"for first, *rest in cur.fetchall():\n    {self.note('first', 'rest')}"]
        return [
            first,
            self.note("'mixed'", "cur.fetchone()", "cur.fetchmany(1)", "cur.fetchall()"),
            self.note("'after'", "cur.fetchone()"),
        ]

    def do_chain(self) -> list[str]:
        if not self.is_psycopg:
            return self.do_query()
        how = self.pick(("conn.execute", "cur.execute", "conn.cursor().execute"))
        fetch = self.pick(("fetchall()", "fetchone()", "fetchmany(2)"))
        return [self.note("'chain'", f"{how}({self.query()}).{fetch}")]

    def do_commit(self) -> list[str]:
        return ["conn.commit()"]

    def do_rollback(self) -> list[str]:
        return ["conn.rollback()"]

    def do_end(self) -> list[str]:
        end = self.pick(("conn.commit()", "conn.rollback()"))
        return [*self.do_write(), end, *self.do_peek()]

    def do_peek(self) -> list[str]:
        return [f"peek_{self.number}(dsn)"]

    def do_error(self) -> list[str]:
        sql = self.pick(BROKEN).format(schema=self.schema)
        return self.guarded([f"cur.execute({sql!r})", self.note("'went'", "cur.rowcount")], 70)

    def do_many(self) -> list[str]:
        columns = self.some_columns(3)
        names = ", ".join(columns)
        rows = ", ".join(
            f"({', '.join(self.value(column) for column in columns)},)"
            for _ in range(self.pick((1, 2, 3)))
        )
        if not self.is_psycopg and self.chance(40):
            sql = f"INSERT INTO {self.schema}.t ({names}) VALUES %s"
            if self.chance(40):
                call = f"psycopg2.extras.execute_values(cur, {sql + ' RETURNING id'!r}, [{rows}]"
                return [self.note("'values'", f"{call}, fetch=True)")]
            return [
                f"psycopg2.extras.execute_values(cur, {sql!r}, [{rows}])",
                self.note("'values'", "cur.rowcount"),
            ]
        marks = ", ".join("%s" for _ in columns)
        sql = f"INSERT INTO {self.schema}.t ({names}) VALUES ({marks})"
        if not self.is_psycopg and self.chance(25):
            return [f"psycopg2.extras.execute_batch(cur, {sql!r}, [{rows}])"]
        return [f"cur.executemany({sql!r}, [{rows}])", self.note("'many'", "cur.rowcount")]

    def do_iterate(self) -> list[str]:
        lines = [f"cur.execute({self.query()})", "for row in cur:"]
        inside = [self.note("'row'", "row")]
        if self.chance(30):
            inside += ["inner = conn.cursor()", f"inner.execute({self.write()})"]
        if self.chance(25):
            inside.append(self.pick(("break", "continue")))
        return lines + [f"    {line}" for line in inside]

    def do_factory(self) -> list[str]:
        if self.is_psycopg:
            factory = self.pick(("row_factory=dict_row", "row_factory=namedtuple_row"))
        else:
            factory = self.pick(
                ("cursor_factory=RealDictCursor", "cursor_factory=NamedTupleCursor")
            )
        columns = ", ".join(self.some_columns(3))
        sql = f"SELECT id, {columns}, n + 1 AS more FROM {self.schema}.t ORDER BY id"
        return [
            f"with conn.cursor({factory}) as other:",
            f"    other.execute({sql!r})",
            f"    {self.note(repr('made'), 'other.fetchone()', 'other.fetchall()')}",
        ]

    def do_named(self) -> list[str]:
        """A cursor that the server keeps."""
        size = self.pick(("", "    kept.itersize = 2\n"))
        sql = f"SELECT id, {self.some_columns(2)[0]} FROM {self.schema}.t ORDER BY id"
        inside = self.pick(
            (
                f"for row in kept:\n        {self.note(repr('kept'), 'row')}",
                self.note("'kept'", "kept.fetchone()", "kept.fetchmany(2)", "kept.fetchall()"),
            )
        )
        lines = [
            f"with conn.cursor('kept_{self.number}') as kept:",
            f"{size}    kept.execute({sql!r})",
            f"    {inside}",
        ]
        return self.guarded(lines, 50)

    def do_copy(self) -> list[str]:
        """Rows in or out by COPY."""
        rows = self.pick(("7\ta\n8\t\\N\n", "9\tline\\nbreak\n", "x\ty\n", ""))
        table = f"{self.schema}.t"
        out = f"COPY (SELECT id, n, t FROM {table} ORDER BY id) TO STDOUT"
        into = f"COPY {table} (n, t) FROM STDIN"
        if self.is_psycopg:
            lines = self.pick(
                (
                    [f"with cur.copy({into!r}) as copy:", f"    copy.write({rows!r})"],
                    [
                        f"with cur.copy({into!r}) as copy:",
                        "    for number, text in ((5, 'five'), (None, 'a\\tb'), (6, None)):",
                        "        copy.write_row((number, text))",
                    ],
                    [
                        f"with cur.copy({out!r}) as copy:",
                        "    parts = [bytes(part) for part in copy]",
                        self.note("'out'", "sum(map(len, parts))", "sorted(parts)"),
                    ],
                )
            )
        else:
            lines = self.pick(
                (
                    [f"cur.copy_expert({into!r}, io.StringIO({rows!r}))"],
                    [
                        "out = io.StringIO()",
                        f"cur.copy_expert({out!r}, out)",
                        self.note("'out'", "[out.getvalue()]"),
                    ],
                    [
                        f"cur.execute('SET LOCAL search_path TO {self.schema}')",
                        f"cur.copy_from(io.StringIO({rows!r}), 't', columns=('n', 't'))",
                    ],
                )
            )
        return self.guarded([*lines, self.note("'copied'", "cur.rowcount")], 50)

    def do_composed(self) -> list[str]:
        column, *_ = self.some_columns(1)
        value = self.value(column)
        composed = (
            "sql.SQL('SELECT id, {} FROM {}.{} WHERE {} = %s ORDER BY id').format("
            f"sql.Identifier({column!r}), sql.Identifier({self.schema!r}), sql.Identifier('t'),"
            f" sql.Identifier({column!r}))"
        )
        lines = [
            f"cur.execute({composed}, ({value},))",
            self.note("'composed'", "cur.fetchall()"),
        ]
        return self.guarded(lines, 50)

    def do_try(self, depth: int) -> list[str]:
        lines = ["try:", *indented(self.block(depth))]
        error = self.pick(ERRORS).format(driver=self.driver)
        lines += [f"except {error} as error:", f"    failed({self.number}, 'inner', error)"]
        after = self.pick(("rollback", "rollback", "rollback", "go on", "raise", "return", "stop"))
        lines += {
            "rollback": ["    conn.rollback()"],
            "go on": [],
            "raise": ["    conn.rollback()", "    raise"],
            "return": ["    conn.rollback()", "    return None"],
            "stop": ["    raise Stop('handled') from error"],
        }[after]
        if self.chance(20):
            lines += ["else:", *indented(self.block(depth))]
        if self.chance(15):
            last = self.pick(("conn.commit()", "conn.rollback()"))
            lines += ["finally:", f"    {last}"]
        return lines

    def do_with(self, depth: int) -> list[str]:
        if self.is_psycopg:
            force = ", force_rollback=True" if self.chance(10) else ""
            head = f"with conn.transaction({force[2:]}):"
        else:
            head = "with conn:"
        return [head, *indented(self.block(depth))]

    def do_with_cursor(self, depth: int) -> list[str]:
        name = "cur"
        lines = [f"with conn.cursor() as {name}:", *indented(self.block(depth))]
        return [*lines, "cur = conn.cursor()"]

    def do_call(self, depth: int) -> list[str]:
        """A function, method or generator of the program does the next steps."""
        number = len(self.functions)
        name = f"part_{self.number}_{number}"
        self.functions.append("")
        kind = self.pick(("function", "function", "cursor", "class", "generator"))
        body = self.block(depth)
        result = self.pick(("None", "cur.rowcount", "len([cur])"))
        if kind == "generator":
            body = [re.sub(r"(?m)^( *return) .*", r"\1", line) for line in body]
            lines = [
                f"def {name}(conn, dsn):",
                "    cur = conn.cursor()",
                f"    cur.execute({self.query()})",
                "    for row in cur.fetchall():",
                "        yield row",
                *indented(body),
            ]
            body = [f"for row in {name}(conn, dsn):", f"    {self.note(repr('yielded'), 'row')}"]
            if self.chance(30):
                body.append("    break")
            self.functions[number] = "\n".join(lines)
            return body
        if kind == "class":
            text = [
                f"class {name.title().replace('_', '')}:",
                "    def __init__(self, conn, dsn):",
                "        self.conn = conn",
                "        self.dsn = dsn",
                "",
                "    def work(self):",
                "        conn, dsn = self.conn, self.dsn",
                "        cur = self.conn.cursor()",
                *indented(indented([*body, f"return {result}"])),
            ]
            self.functions[number] = "\n".join(text)
            made = f"{name.title().replace('_', '')}(conn, dsn)"
            return [self.note("'worked'", f"{made}.work()")]
        parameters = "conn, cur, dsn" if kind == "cursor" else "conn, dsn"
        first = [] if kind == "cursor" else ["cur = conn.cursor()"]
        text = [f"def {name}({parameters}):", *indented([*first, *body, f"return {result}"])]
        self.functions[number] = "\n".join(text)
        return [self.note("'called'", f"{name}({parameters})")]

    def do_loop(self, depth: int) -> list[str]:
        return [f"for turn in range({self.pick((1, 2, 3))}):", *indented(self.block(depth))]

    def do_early(self, depth: int) -> list[str]:
        """What stands in the loop may use its cursor, and so may go on for ever."""
        columns = self.some_columns(1)
        return [
            f"cur.execute('SELECT id, {columns[0]} FROM {self.schema}.t ORDER BY id')",
            "turns = 0",
            "for row in cur:",
            "    turns += 1",
            f"    if row[0] >= {self.pick((1, 2, 3, 9))} or turns > 9:",
            f"        {self.note(repr('early'), 'row')}",
            f"        {self.pick(('return row[0]', 'break'))}",
            *indented(self.block(depth) if self.chance(30) else []),
        ]

    def do_savepoint(self, depth: int) -> list[str]:
        if self.is_psycopg and self.chance(50):
            return [
                "with conn.transaction():",
                *indented(["with conn.transaction():", *indented(self.block(depth))]),
            ]
        end = self.pick(("ROLLBACK TO SAVEPOINT sp", "RELEASE SAVEPOINT sp"))
        return ["cur.execute('SAVEPOINT sp')", *self.block(depth), f"cur.execute({end!r})"]

    def do_raise(self, depth: int) -> list[str]:
        return ["if cur.rowcount >= 0:", f"    raise Stop('at {depth}')"]

    # -------------------------------------------------------------- the whole

    def text(self) -> str:
        number, schema, driver = self.number, self.schema, self.driver
        columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
        setup = (
            f"CREATE SCHEMA {schema};"
            f" CREATE TABLE {schema}.t (id serial PRIMARY KEY, positive int CHECK (positive > 0),"
            f" needed int NOT NULL DEFAULT 0, {columns});"
            f" CREATE TABLE {schema}.parts (id serial, t_id int REFERENCES {schema}.t)"
        )
        count = (
            f"SELECT count(*), sum(id), md5(string_agg(t::text, ';' ORDER BY id)) FROM {schema}.t"
        )
        body = [*self.block(0), *self.block(0)]
        ending = self.pick(("conn.commit()", "conn.commit()", "conn.rollback()", "pass"))
        autocommit = self.chance(15)
        work = [
            f"def work_{number}(conn, dsn):",
            *indented(["cur = conn.cursor()", *body, ending, "return 'done'"]),
        ]
        if self.is_psycopg:
            peek = [
                f"def peek_{number}(dsn):",
                f"    with {driver}.connect(dsn) as other:",
                f"        row = other.execute({count!r}).fetchone()",
                f"        {self.note(repr('committed'), 'row')}",
            ]
        else:
            peek = [
                f"def peek_{number}(dsn):",
                f"    other = {driver}.connect(dsn)",
                "    with other, other.cursor() as cur:",
                f"        cur.execute({count!r})",
                f"        {self.note(repr('committed'), 'cur.fetchone()')}",
                "    other.close()",
            ]
        manager = self.is_psycopg and self.chance(30)
        inner = [
            "cur = conn.cursor()",
            f"cur.execute({setup!r})",
            "conn.commit()",
            *([] if not autocommit else ["conn.autocommit = True"]),
            "try:",
            f"    cur.execute({self.write()})",
            "    conn.commit()",
            f"    cur.execute({self.write()})",
            "    conn.commit()",
            f"except {driver}.Error as error:",
            f"    failed({number}, 'seed', error)",
            "    conn.rollback()",
            self.note("'result'", f"work_{number}(conn, dsn)"),
        ]
        if manager:
            opened = [f"with {driver}.connect(dsn) as conn:", *indented(inner)]
        else:
            opened = [
                f"conn = {driver}.connect(dsn)",
                "try:",
                *indented(inner),
                "finally:",
                "    conn.close()",
            ]
        case = [
            f"def case_{number}(dsn):",
            "    try:",
            *indented(indented(opened)),
            "    except Exception as error:",
            f"        failed({number}, 'case', error)",
            f"    peek_{number}(dsn)",
        ]
        parts = ["\n".join(peek), *self.functions, "\n".join(work), "\n".join(case)]
        return "\n\n\n".join(parts)


def indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for text in lines for line in text.split("\n")]


def project(programs: Sequence[tuple[int, Choices]], driver: str, each: int = 25) -> dict[str, str]:
    """The files of a project: `main.py DSN` runs all programs, one after the other."""
    files = {"notes.py": NOTES}
    calls = []
    for start in range(0, len(programs), each):
        name = f"programs_{start // each}"
        some = programs[start : start + each]
        texts = [Program(number, driver, choices).text() for number, choices in some]
        files[f"{name}.py"] = "\n\n".join([HEADS[driver], *texts]).rstrip() + "\n"
        calls += [(name, number) for number, _ in some]
    imports = "\n".join(sorted({f"import {name}" for name, _ in calls}))
    lines = [f"    {name}.case_{number}(dsn)" for name, number in calls]
    files["main.py"] = (
        f"import sys\n\n{imports}\n\n\ndef main(dsn):\n"
        + "\n".join(lines)
        + '\n\n\nif __name__ == "__main__":\n    main(sys.argv[1])\n'
    )
    return files
