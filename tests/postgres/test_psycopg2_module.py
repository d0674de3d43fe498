"""`_psycopg2.py`, over asyncpg and over psycopg, does what psycopg2 does.

The same calls on two fresh databases of one server; what is noted (values, their types, counts,
descriptions, errors with all their fields, the state of the transaction) and the tables that are
left are compared.  A case calls `wait` around what is awaited in one of the two.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import importlib.util
import inspect
import io
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import psycopg2.errorcodes
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras
import psycopg2.pool
import psycopg2.sql
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from asyncshift.bridge_modules import module_template
from asyncshift.loading import load_registry
from tests.postgres_server import Server, dump

OLD = SimpleNamespace(
    **{
        name: value
        for module in (psycopg2.extensions, psycopg2.sql, psycopg2.pool, psycopg2.extras, psycopg2)
        for name, value in vars(module).items()
    }
)
OLD.sql, OLD.errors, OLD.errorcodes = psycopg2.sql, psycopg2.errors, psycopg2.errorcodes
TRANSPORTS = ("asyncpg", "psycopg")
Note = Callable[..., None]
Case = Callable[[Any, str, Note], Awaitable[None]]


def loaded(transport: str, folder: Path) -> Any:
    """The module as a project gets it, with all its parts."""
    file = folder / f"_psycopg2_over_{transport}.py"
    file.write_text(module_template(load_registry(), "_psycopg2", {"postgres": transport}))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=TRANSPORTS)
def new(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return loaded(request.param, tmp_path_factory.mktemp("module"))


@pytest.fixture(autouse=True)
def own_adapters(new: Any) -> Iterator[None]:
    """What a test registers is gone after it, in both."""
    old = dict(psycopg2.extensions.adapters)
    yield
    new._ADAPTERS.clear()
    psycopg2.extensions.adapters.clear()
    psycopg2.extensions.adapters.update(old)


async def wait(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found


@asynccontextmanager
async def inside(conn: Any) -> Any:
    """`with conn` of psycopg2, `async with conn` of the module."""
    if hasattr(conn, "__aenter__"):
        async with conn as entered:
            yield entered
    else:
        with conn as entered:
            yield entered


async def rows_of(cursor: Any) -> list[Any]:
    if hasattr(cursor, "__aiter__"):
        return [row async for row in cursor]
    return list(cursor)


def shown(value: Any) -> Any:
    """A value, with the types of all that is in it, so that it can be compared."""
    if isinstance(value, memoryview):
        return "memoryview", bytes(value)
    if isinstance(value, BaseException):
        fields = ("pgcode", "pgerror")
        found = [type(value).__name__, str(value)]
        found += [str(getattr(value, name, None)) for name in fields]
        if hasattr(value, "diag"):
            found += [str(getattr(value.diag, name)) for name in DIAG]
        return tuple(found)
    if isinstance(value, dict):
        return type(value).__name__, [(shown(k), shown(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [shown(item) for item in value]
    return type(value).__name__, repr(value)


DIAG = [
    *("column_name", "constraint_name", "context", "datatype_name", "internal_position"),
    *("internal_query", "message_detail", "message_hint", "message_primary", "schema_name"),
    *("severity", "severity_nonlocalized", "sqlstate", "statement_position"),
    "table_name",
]


def observed(driver: Any, case: Case, uri: str) -> list[Any]:
    seen: list[Any] = []

    def note(*values: Any) -> None:
        seen.extend(shown(value) for value in values)

    async def run() -> None:
        await asyncio.wait_for(case(driver, uri, note), 60)

    asyncio.run(run())
    return seen


def compared(new: Any, case: Case, server: Server) -> list[Any]:
    """What is seen of a case, which is the same in both."""
    with server.database() as one, server.database() as other:
        old = observed(OLD, case, one.uri)
        found = observed(new, case, other.uri)
        name, place = one.uri.rpartition("/")[2], other.uri.rpartition("/")[2]
        assert json.loads(json.dumps(found, default=str).replace(place, name)) == json.loads(
            json.dumps(old, default=str)
        )
        assert dump(other.uri) == dump(one.uri)
    return old


# ---------------------------------------------------------------- statements


class Color(enum.Enum):
    RED = "red"


class Word(enum.StrEnum):
    HI = "hi"


class Number(enum.IntEnum):
    TWO = 2


SCHEMA = """
CREATE TABLE t (
    id serial PRIMARY KEY, name text UNIQUE, n int CHECK (n >= 0), big bigint, price numeric(10, 2),
    f float8, r real, d date, ts timestamp, tz timestamptz, iv interval, tm time, ok boolean,
    b bytea, j json, jb jsonb, a int[], ta text[], u uuid, ip inet, c char(4), v varchar(5)
);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (one int, two text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE child (t_id int REFERENCES t, m mood, p positive);
INSERT INTO t (name, n, price) VALUES ('a', 1, 1.5), ('b', 2, NULL), ('c%', 3, 3)
"""
UTC = dt.UTC
EAST = dt.timezone(dt.timedelta(hours=5, minutes=30))
STATEMENTS: list[tuple[Any, ...]] = [
    # placeholders
    ("SELECT %s, %s", (1, "a")),
    ("SELECT %s, %s", [1, "it's \\ % é"]),
    ("SELECT %(a)s, %(a)s + 1, %(b)s", {"a": 1, "b": None, "more": object}),
    ("SELECT '%%', %s", (1,)),
    ("SELECT '%%'", ()),
    ("SELECT '%%'", None),
    ("SELECT '%%'",),
    ("SELECT name FROM t WHERE name LIKE 'c%'",),
    ("SELECT name FROM t WHERE name LIKE 'c%%' AND n = %s", (3,)),
    ("SELECT %s", ()),
    ("SELECT %s, %s", (1,)),
    ("SELECT %s", (1, 2)),
    ("SELECT 1", (1,)),
    ("SELECT %(a)s", {}),
    ("SELECT %(a)s", (1,)),
    ("SELECT %s", {"a": 1}),
    ("SELECT %s", "a"),
    ("SELECT %s", 5),
    ("SELECT %s", {1}),
    ("SELECT %s, %(a)s", {"a": 1}),
    ("SELECT %(a)s, %s", (1,)),
    ("SELECT %(a", {"a": 1}),
    ("SELECT %d", (1,)),
    ("SELECT 100%", (1,)),
    ("SELECT 5 % 3",),
    ("SELECT '%s days'::text", (3,)),
    ("SELECT interval '%s days'", (3,)),
    ("SELECT 1 -- %s\n", (3,)),
    ("SELECT name FROM t WHERE n IN %s ORDER BY n", ((1, 3),)),
    ("SELECT name FROM t WHERE (n, name) IN %s", (((1, "a"), (2, "x")),)),
    ("SELECT name FROM t WHERE n IN %s", ((),)),
    ("SELECT name FROM t WHERE n = ANY(%s) ORDER BY n", ([1, 2],)),
    ("SELECT name FROM t WHERE n = ANY(%s)", ([],)),
    ("SELECT name FROM t ORDER BY %s DESC", (1,)),
    ("SELECT n / %s, count(*) FROM t GROUP BY n / %s ORDER BY 1", (2, 2)),
    ("SELECT -%s, %s::text", (-1, -3)),
    ("SELECT %s IS NULL, %s IS NOT NULL", (None, None)),
    ("SELECT jsonb '{\"a\": 1}' ? 'a', %s", (1,)),
    ("SELECT '$1', $$ %s $$", ("x",)),
    (b"SELECT %s", (b"x",)),
    (7,),
    # values
    ("SELECT %s, %s, %s, %s", (True, False, 2**31, 2**70)),
    ("SELECT %s, %s, %s, 7 / %s", (1.0, -2.5, 1e300, 2.0)),
    ("SELECT %s, %s, %s", (float("nan"), float("inf"), float("-inf"))),
    ("SELECT %s, %s, %s", (Decimal("1.10"), Decimal("-1E+5"), Decimal("NaN"))),
    ("SELECT %s, %s", (dt.date(2020, 2, 29), dt.date.max)),
    ("SELECT %s, %s", (dt.datetime(2020, 1, 2, 3, 4, 5, 6), dt.datetime(2020, 1, 2, tzinfo=EAST))),
    ("SELECT %s, %s", (dt.time(1, 2, 3, 4), dt.time(1, 2, tzinfo=EAST))),
    ("SELECT %s, %s", (dt.timedelta(1, 2, 3), dt.timedelta(-1, 2, 3))),
    ("SELECT %s, %s, %s", (b"\0\xff'", bytearray(b"x"), memoryview(b"y"))),
    ("SELECT %s, %s, %s", ([1, None], [[1, 2], [3, 4]], ["a", 'b"', "c,d", None, "NULL", ""])),
    ("SELECT %s::int[], %s::int[]", ([None], [[]])),
    ("SELECT %s", ([],)),
    ("SELECT %s::date[]", ([dt.date(2020, 1, 1)],)),
    ("SELECT %s", ({"a": 1},)),
    ("SELECT %s", (object,)),
    ("SELECT %s", (uuid.UUID(int=1),)),
    ("SELECT %s", (Color.RED,)),
    ("SELECT %s, %s", (Word.HI, Number.TWO)),
    ("SELECT %s", ("nul \0",)),
    ("SELECT %s::date, %s::int, %s::uuid", ("2020-01-01", "7", str(uuid.UUID(int=1)))),
    ("SELECT n FROM t WHERE n < %s ORDER BY 1", (2.5,)),
    ("SELECT n FROM t WHERE n = %s", ("2",)),
    ("SELECT n FROM t WHERE n < %s ORDER BY 1", (2**40,)),
    ("SELECT date '2020-01-01' < %s", (dt.datetime(2020, 1, 1, 5),)),
    ("SELECT %s || %s, 'a' || %s", ("x", "y", 5)),
    ("SELECT round(%s, 2)", (1.005,)),
    ("SELECT * FROM t LIMIT %s OFFSET %s", ("1", 10)),
    ("INSERT INTO t (n) VALUES (%s), (%s) RETURNING n", (5.7, Decimal("2.5"))),
    ("INSERT INTO t (price) VALUES (%s), (%s) RETURNING price", (1.005, 2.675)),
    ("INSERT INTO t (name) VALUES (%s) RETURNING name", (5,)),
    ("INSERT INTO t (n) VALUES (%s)", (True,)),
    ("INSERT INTO t (ok) VALUES (%s)", (1,)),
    ("INSERT INTO t (n) VALUES (%s)", (2**40,)),
    (
        "INSERT INTO t (ts, tz) VALUES (%s, %s) RETURNING ts, tz",
        (dt.datetime(2020, 1, 1, tzinfo=EAST),) * 2,
    ),
    ("INSERT INTO t (ts, tz) VALUES (%s, %s) RETURNING ts, tz", (dt.datetime(2020, 1, 1),) * 2),
    (
        "INSERT INTO t (iv, tm, d) VALUES (%s, %s, %s) RETURNING iv, tm, d",
        ("1 day", "10:00", "now"),
    ),
    ("SELECT now() - %s < now()", (dt.timedelta(1),)),
    # statements without placeholders of the server's
    ("SET statement_timeout TO %s", ("5s",)),
    ("CREATE TABLE x (a int DEFAULT %s)", (5,)),
    ("COMMENT ON TABLE t IS %s", ("it's",)),
    ("DO $$ BEGIN RAISE NOTICE '%%', %s; END $$", ("hi",)),
    ("NOTIFY c, %s", ("payload",)),
    ("SELECT interval %s, date %s", ("1 day", "2020-01-01")),
    # several statements, none, and texts
    ("SELECT 1; SELECT 2, 'a;b'",),
    ("SELECT 1; UPDATE t SET n = n",),
    ("UPDATE t SET n = n; SELECT %s", (4,)),
    ("SELECT 1;",),
    ("SELECT 1; SELECT 1 / 0",),
    ("SELECT 1; SELEC 2",),
    ("; ;",),
    ("",),
    ("  -- nothing\n",),
    ("/* a /* nested; */ comment */ SELECT ';' AS \"a;b\" -- ;",),
    (
        "CREATE FUNCTION f() RETURNS int AS $f$ BEGIN RETURN 1; END; $f$ LANGUAGE plpgsql; SELECT f()",
    ),
    (
        "CREATE FUNCTION g(a int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 END; END; SELECT g(1)",
    ),
    # results
    (
        "SELECT NULL, 1::int2, 2::int8, 3::oid, 1.5::float4, 0.1::float4, 1e20::numeric, 'NaN'::numeric",
    ),
    ("SELECT true, false, 'x'::text, 'x'::char(4), 'x'::varchar, 'x'::name, 'x'::\"char\"",),
    ("SELECT date '2020-01-01', date 'infinity', date '-infinity', date '0044-03-15'",),
    ("SELECT date '10000-01-01'",),
    ("SELECT date '0044-03-15 BC'",),
    ("SELECT timestamp '2020-01-01 24:00', timestamp 'infinity', timestamptz 'infinity'",),
    (
        "SET LOCAL timezone TO 'America/New_York'; SELECT timestamptz '2020-07-01 00:00Z', timestamptz '1890-01-01Z'",
    ),
    ("SELECT time '24:00'",),
    ("SELECT time '10:11:12.5', timetz '10:11:12+05:30', timetz '01:02:03-00:30'",),
    (
        "SELECT interval '1 year 2 mons -3 days +04:05:06.789', interval '-1 mon', interval '-00:00:01.5', interval '0'",
    ),
    ("SELECT json '{\"a\": [1, null]}', jsonb '7', 'null'::jsonb, NULL::jsonb, array['1'::json]",),
    ("SELECT '\\x00ff'::bytea, ''::bytea, array['\\x01'::bytea]",),
    (
        "SELECT array[1, NULL], '{}'::int[], '[0:1]={1,2}'::int[], array[[1], [2]], array['a', 'b\"c', NULL, '']",
    ),
    (
        "SELECT array[1.5], array[true], array[date '2020-01-01'], array[timestamp '2020-01-01'], array['x'::name]",
    ),
    (
        "SELECT uuid '00000000-0000-0000-0000-000000000001', array[uuid '00000000-0000-0000-0000-000000000001']",
    ),
    (
        "SELECT inet '1.2.3.4/32', cidr '10.0.0.0/8', macaddr '08:00:2b:01:02:03', array[inet '::1']",
    ),
    (
        "SELECT 'happy'::mood, array['sad'::mood], row(1, 'a')::pair, row(1, 'a'), array[row(1, 'a')::pair], 3::positive",
    ),
    (
        "SELECT int4range(1, 5), numrange(1.5, NULL), 'empty'::int8range, daterange('2020-01-01', '2020-02-01', '[]')",
    ),
    (
        "SELECT tsrange('2020-01-01', NULL), tstzrange('2020-01-01Z', '2020-01-02Z'), array[int4range(1, 2)], '{[1,2)}'::int4multirange",
    ),
    (
        "SELECT point '(1,2)', box '(1,2),(3,4)', B'101', '0/1'::pg_lsn, 't'::regclass, '<a/>'::xml, 'a b'::tsvector, 5::money",
    ),
    ("SELECT pg_notify('c', ''), pg_sleep(0)",),
    ('SELECT 1 AS a, 2 AS a, 3 AS "b c", 4 AS "_x", 5 AS "1"',),
    ("SELECT FROM t",),
    ("SELECT n, name FROM t WHERE false",),
    ("SELECT relname, relkind FROM pg_class WHERE relname = 't'",),
    ("EXPLAIN (COSTS off) SELECT 1",),
    ("SHOW datestyle",),
    ("VALUES (1), (2)",),
    ("WITH x AS (DELETE FROM t RETURNING n) SELECT count(*) FROM x",),
    # counts
    ("UPDATE t SET n = n + 1",),
    ("UPDATE t SET n = n WHERE false",),
    ("DELETE FROM t WHERE n > 1 RETURNING name, n",),
    ("INSERT INTO t (name) VALUES ('x'), ('y')",),
    ("INSERT INTO t (name) VALUES ('a') ON CONFLICT DO NOTHING RETURNING id",),
    ("TRUNCATE t CASCADE",),
    ("CREATE TABLE y AS SELECT 1 AS one",),
    ("SELECT 1 INTO z",),
    ("SAVEPOINT s",),
    ("LOCK TABLE t",),
    # errors
    ("SELEC 1",),
    ("SELECT 1 FROM",),
    ("SELECT *\nFROM\tnope\nWHERE a = 1",),
    (
        "SELECT 'a long text before the error', 'another one that goes on', nope, 'and what comes after it' FROM t",
    ),
    ("SELECT nope FROM t WHERE name = %s", ("x" * 80,)),
    ("SELECT 1 / %s", (0,)),
    ("SELECT 'x'::int",),
    ("SELECT ''::date",),
    ("INSERT INTO t (name) VALUES ('a')",),
    ("INSERT INTO t (n) VALUES (-1)",),
    ("INSERT INTO t (id) VALUES (NULL)",),
    ("INSERT INTO child (t_id) VALUES (99)",),
    ("INSERT INTO child (p) VALUES (0)",),
    ("INSERT INTO child (m) VALUES ('angry')",),
    ("INSERT INTO t (v) VALUES ('longer than five')",),
    ("DROP TABLE t",),
    ("SELECT f(1)",),
    ("SELECT %s + %s", ("a", "b")),
    ("VACUUM",),
    ("CREATE DATABASE nope",),
    ("ROLLBACK TO SAVEPOINT nope",),
    ("FETCH 1 FROM nope",),
    ("SET nope TO 1",),
    (
        "DO $$ BEGIN RAISE EXCEPTION 'boom' USING ERRCODE = '40001', DETAIL = 'd', HINT = 'h'; END $$",
    ),
    ("DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = 'ZZ999'; END $$",),
    ("DO $$ BEGIN RAISE EXCEPTION 'plain'; END $$",),
    ("DO $$ BEGIN PERFORM 1 / 0; END $$",),
    ("DO $$ BEGIN EXECUTE 'SELEC 1'; END $$",),
]


async def each_statement(db: Any, uri: str, note: Note) -> None:
    conn = await wait(db.connect(uri))
    cur = conn.cursor()
    await wait(cur.execute(SCHEMA))
    await wait(conn.commit())
    for autocommit in (False, True):
        conn.autocommit = autocommit
        for statement in STATEMENTS:
            if autocommit and statement[0] in ("VACUUM", "CREATE DATABASE nope", "DROP TABLE t"):
                continue
            note(repr(statement))
            try:
                await wait(cur.execute(*statement))
            except Exception as error:
                note(error, getattr(error, "cursor", None) is cur)
            note(cur.rowcount, cur.statusmessage, cur.query, cur.rownumber)
            note([(column.name, min(column.type_code, 16384)) for column in cur.description or ()])
            try:
                note(cur.fetchone(), cur.fetchmany(1), cur.fetchall(), cur.fetchone())
            except Exception as error:
                note(error)
            note(cur.rowcount, cur.rownumber, conn.get_transaction_status(), conn.status)
            if not autocommit:
                await wait(conn.rollback())
                note(conn.get_transaction_status(), conn.status)
    await wait(conn.close())


def test_statements(new: Any, postgres: Server) -> None:
    """Placeholders, values, results, counts and errors, one after the other."""
    seen = compared(new, each_statement, postgres)
    assert len(seen) > 10 * len(STATEMENTS)


def test_statements_on_an_older_server(new: Any, older_postgres: Server) -> None:
    compared(new, each_statement, older_postgres)


# ---------------------------------------------------------------- values


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.decimals(),
    st.text(max_size=8),
    st.sampled_from(["'", "\\", "%", "%s", "é'\\", '"', "\0", "{}", "NULL", "a,b"]),
    st.binary(max_size=6),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([UTC, EAST])),
    st.times(),
    st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999)),
    st.sampled_from([Word.HI, Number.TWO, Color.RED, object, {"a": 1}, {1}]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner), max_leaves=6
)
TEXTS = st.lists(
    st.sampled_from(["%s", "%%", "%(a)s", "%(b)s", " a ", "'", "%", "%d", "%(", "-- %s"]),
    max_size=5,
).map("".join)


def quoted(cursor: Any, statement: str, values: Any) -> Any:
    try:
        return cursor.mogrify(statement, values)
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.fixture(scope="module")
def cursors(new: Any, postgres: Server) -> Iterator[tuple[Any, Any]]:
    with postgres.database() as database:
        conn = psycopg2.connect(database.uri)
        made = new.connection("dbname=x")
        made.closed = 0
        yield conn.cursor(), made.cursor()
        conn.close()


@given(
    TEXTS,
    st.one_of(
        st.lists(VALUES, max_size=3).map(tuple),
        st.lists(VALUES, max_size=3),
        st.dictionaries(st.sampled_from("ab"), VALUES),
        st.none(),
        st.just("ab"),
    ),
)
@example("%s %s", ([[None]], [[[]]]))
@example("%(a)s", {"a": [["x", None], []]})
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mogrify(cursors: tuple[Any, Any], statement: str, values: Any) -> None:
    """Every value is written as psycopg2 writes it, and every mistake is the same."""
    old, mine = cursors
    assert quoted(mine, statement, values) == quoted(old, statement, values)


# ---------------------------------------------------------------- everything else

CASES: list[Case] = []


def case(function: Case) -> Case:
    CASES.append(function)
    return function


@asynccontextmanager
async def opened(db: Any, uri: str, *statements: str, **keywords: Any) -> Any:
    conn = await wait(db.connect(uri, **keywords))
    cur = conn.cursor()
    for statement in statements:
        await wait(cur.execute(statement))
    await wait(conn.commit())
    try:
        yield conn, cur
    finally:
        await wait(conn.close())


ITEMS = "CREATE TABLE items (id int PRIMARY KEY, name text DEFAULT 'x')"


@case
async def a_transaction_belongs_to_its_connection(db: Any, uri: str, note: Note) -> None:
    async with opened(db, uri, ITEMS) as (conn, cur), opened(db, uri) as (_, other):
        await wait(cur.execute("INSERT INTO items VALUES (1)"))
        await wait(other.execute("SELECT count(*) FROM items"))
        note(other.fetchone(), conn.status, conn.get_transaction_status())
        await wait(conn.rollback())
        await wait(conn.rollback())
        await wait(conn.commit())
        await wait(conn.cursor().execute("INSERT INTO items VALUES (2)"))
        await wait(conn.commit())
        await wait(cur.execute("INSERT INTO items VALUES (3)"))
    async with opened(db, uri) as (_, cur):
        await wait(cur.execute("SELECT * FROM items"))
        note(cur.fetchall())


@case
async def a_failed_transaction(db: Any, uri: str, note: Note) -> None:
    async with opened(db, uri, ITEMS) as (conn, cur):
        await wait(cur.execute("INSERT INTO items VALUES (1)"))
        for statement in ("INSERT INTO items VALUES (1)", "SELECT 1", "SELEC"):
            try:
                await wait(cur.execute(statement))
            except db.Error as error:
                note(error, conn.get_transaction_status())
        await wait(conn.commit())
        await wait(cur.execute("SELECT count(*) FROM items"))
        note(cur.fetchone(), conn.get_transaction_status())
        await wait(cur.execute("SAVEPOINT s"))
        try:
            await wait(cur.execute("SELECT 1 / 0"))
        except db.DataError as error:
            note(error, conn.get_transaction_status())
        await wait(cur.execute("ROLLBACK TO SAVEPOINT s"))
        note(conn.get_transaction_status())


@case
async def a_block_of_a_connection(db: Any, uri: str, note: Note) -> None:
    async with opened(db, uri, ITEMS) as (conn, cur):
        async with inside(conn) as entered:
            note(entered is conn)
            await wait(cur.execute("INSERT INTO items VALUES (1)"))
            try:
                async with inside(conn):
                    note("never")
            except db.ProgrammingError as error:
                note(error)
        note(conn.status, conn.closed)
        try:
            async with inside(conn):
                await wait(cur.execute("INSERT INTO items VALUES (2)"))
                raise LookupError("two")
        except LookupError as error:
            note(error)
        conn.autocommit = True
        try:
            async with inside(conn):
                await wait(cur.execute("INSERT INTO items VALUES (3)"))
                raise LookupError("three")
        except LookupError as error:
            note(error)
        async with inside(conn):
            await wait(cur.execute("INSERT INTO items VALUES (4)"))
        await wait(cur.execute("SELECT id FROM items ORDER BY id"))
        note(cur.fetchall(), conn.status)


@case
async def statements_that_control_the_transaction(db: Any, uri: str, note: Note) -> None:
    async with opened(db, uri, ITEMS) as (conn, cur):
        await wait(cur.execute("INSERT INTO items VALUES (1)"))
        await wait(cur.execute("COMMIT"))
        note(conn.status, conn.get_transaction_status())
        await wait(cur.execute("INSERT INTO items VALUES (2)"))
        note(conn.get_transaction_status())
        await wait(conn.rollback())
        await wait(cur.execute("BEGIN"))
        await wait(cur.execute("INSERT INTO items VALUES (3)"))
        await wait(conn.rollback())
        conn.autocommit = True
        await wait(cur.execute("BEGIN; INSERT INTO items VALUES (4); ROLLBACK"))
        await wait(cur.execute("BEGIN"))
        await wait(cur.execute("INSERT INTO items VALUES (5)"))
        note(conn.status, conn.get_transaction_status())
        await wait(cur.execute("COMMIT"))
        try:
            await wait(cur.execute("INSERT INTO items VALUES (6); INSERT INTO items VALUES (5)"))
        except db.IntegrityError as error:
            note(error)
        await wait(cur.execute("SELECT id FROM items ORDER BY id"))
        note(cur.fetchall())


@case
async def the_session(db: Any, uri: str, note: Note) -> None:
    shown_levels = "SHOW transaction_isolation", "SHOW transaction_read_only"
    async with opened(db, uri, ITEMS) as (conn, cur):

        async def state() -> None:
            note(conn.autocommit, conn.isolation_level, conn.readonly, conn.deferrable)
            for statement in shown_levels:
                await wait(cur.execute(statement))
                note(cur.fetchone())
            await wait(conn.rollback())

        await state()
        conn.set_session(isolation_level="SERIALIZABLE", readonly=True, deferrable=True)
        await state()
        conn.isolation_level = db.ISOLATION_LEVEL_REPEATABLE_READ
        conn.readonly = None
        await state()
        conn.autocommit = True
        await state()
        conn.set_session(readonly=True)
        await state()
        conn.autocommit = False
        await state()
        await wait(conn.set_isolation_level(db.ISOLATION_LEVEL_AUTOCOMMIT))
        await state()
        await wait(conn.set_isolation_level(db.ISOLATION_LEVEL_READ_COMMITTED))
        await state()
        for wrong in ("nonsense", 7):
            try:
                conn.set_session(isolation_level=wrong)
            except Exception as error:
                note(error)
        await wait(cur.execute("SELECT 1"))
        try:
            conn.autocommit = True
        except db.ProgrammingError as error:
            note(error)
        await wait(conn.reset())
        await state()


@case
async def many_statements(db: Any, uri: str, note: Note) -> None:
    async with opened(db, uri, ITEMS) as (conn, cur):
        await wait(
            cur.executemany("INSERT INTO items VALUES (%s, %s)", ((n, "x") for n in range(3)))
        )
        note(cur.rowcount, cur.statusmessage, cur.query)
        await wait(cur.executemany("UPDATE items SET name = %(n)s", [{"n": "a"}, {"n": "b"}]))
        note(cur.rowcount)
        await wait(cur.executemany("INSERT INTO items VALUES (%s)", []))
        note(cur.rowcount)
        await wait(cur.executemany("DELETE FROM items WHERE id = %s RETURNING id", [(0,), (9,)]))
        note(cur.rowcount, cur.description is None)
        try:
            note(cur.fetchall())
        except db.ProgrammingError as error:
            note(error)
        await wait(conn.commit())
        try:
            await wait(cur.executemany("INSERT INTO items VALUES (%s)", [(5,), (1,), (6,)]))
        except db.IntegrityError as error:
            note(error, cur.rowcount)
        await wait(conn.rollback())


@case
async def values_and_batches(db: Any, uri: str, note: Note) -> None:
    async with opened(db, uri, ITEMS) as (_, cur):
        insert = "INSERT INTO items (id, name) VALUES %s"
        note(
            await wait(
                db.execute_values(cur, insert, [(n, f"n%{n}") for n in range(5)], page_size=2)
            )
        )
        note(cur.rowcount, cur.query)
        rows = [{"i": 10, "n": "x"}, {"i": 11, "n": None}]
        note(
            await wait(
                db.execute_values(
                    cur, insert + " RETURNING id, '100%%'", rows, "(%(i)s, %(n)s)", fetch=True
                )
            )
        )
        update = "UPDATE items SET name = v.n FROM (VALUES %s) AS v (i, n) WHERE id = v.i"
        await wait(db.execute_values(cur, update, [(1, "one"), (2, "two")]))
        note(cur.rowcount)
        await wait(db.execute_values(cur, insert, []))
        for wrong in ("INSERT INTO items VALUES (1)", insert + ", %s", insert + " %d"):
            try:
                await wait(db.execute_values(cur, wrong, [(1, "a")]))
            except ValueError as error:
                note(error)
        batch = "UPDATE items SET name = %s WHERE id = %s"
        await wait(db.execute_batch(cur, batch, [("a", 1), ("b", 2), ("c", 3)], page_size=2))
        note(cur.rowcount, cur.query)


@case
async def copying(db: Any, uri: str, note: Note) -> None:
    async with opened(db, uri, ITEMS) as (conn, cur):
        await wait(cur.copy_from(io.StringIO("1\ta\n2\t\\N\n"), "items"))
        note(cur.rowcount, cur.statusmessage, cur.query)
        await wait(
            cur.copy_from(io.BytesIO(b"3,c\n4,-\n"), "items", ",", "-", columns=("id", "name"))
        )
        note(cur.rowcount)
        out = io.StringIO()
        await wait(cur.copy_to(out, "items", sep="|", null="?"))
        note(out.getvalue(), cur.rowcount)
        raw = io.BytesIO()
        await wait(
            cur.copy_expert("COPY (SELECT id FROM items ORDER BY 1) TO STDOUT WITH CSV", raw)
        )
        note(raw.getvalue(), cur.rowcount)
        await wait(
            cur.copy_expert("COPY items FROM STDIN WITH CSV HEADER", io.StringIO("id,n\n5,e\n"))
        )
        note(cur.rowcount)
        await wait(conn.commit())
        for source in ("x\ty\n", "1\tdup\n", "7\n"):
            try:
                await wait(cur.copy_from(io.StringIO(source), "items"))
            except db.Error as error:
                note(error, conn.get_transaction_status())
            await wait(conn.rollback())
        try:
            await wait(cur.copy_from(object(), "items"))
        except TypeError as error:
            note(error)
        try:
            await wait(cur.execute("COPY items FROM STDIN"))
        except db.ProgrammingError as error:
            note(type(error).__name__, str(error))


@case
async def rows_of_all_kinds(db: Any, uri: str, note: Note) -> None:
    query = 'SELECT 1 AS a, 2 AS a, NULL AS "b c", 4 AS _d, 5 AS "6"'
    async with opened(db, uri) as (conn, _):
        for factory in (db.RealDictCursor, db.DictCursor):
            with conn.cursor(cursor_factory=factory) as cur:
                await wait(cur.execute(query))
                row = cur.fetchone()
                note(row, str(row), list(row.keys()), list(row.values()), list(row.items()))
                note(row["a"], row.get("nope"), "a" in row, 1 in row, row.copy(), len(row))
                row["a"] = 7
                note(row, list(row), row == row.copy())
                await wait(cur.execute("SELECT 1 AS x WHERE false"))
                note(cur.fetchone(), cur.fetchall())
        with conn.cursor(cursor_factory=db.NamedTupleCursor) as cur:
            await wait(cur.execute('SELECT 1 AS a, NULL AS "b c", 4 AS _d, 5 AS "6"'))
            row = cur.fetchone()
            note(row, type(row).__name__, row._fields, row.a, row == (1, None, 4, 5))
            await wait(cur.execute("SELECT 1 AS x, 2 AS x"))
            try:
                cur.fetchall()
            except ValueError as error:
                note(error)
    async with opened(db, uri, cursor_factory=db.RealDictCursor) as (_, cur):
        await wait(cur.execute("SELECT generate_series(1, 3) AS n"))
        note(list(cur))


@case
async def reading_on(db: Any, uri: str, note: Note) -> None:
    async with opened(db, uri) as (conn, cur):
        await wait(cur.execute("SELECT generate_series(1, 6)"))
        note(cur.fetchone(), cur.fetchmany(), cur.fetchmany(2), next(cur), cur.rownumber)
        cur.scroll(-2)
        note(cur.fetchall(), cur.fetchone(), cur.fetchmany(3))
        cur.scroll(1, mode="absolute")
        note(cur.fetchone())
        for arguments in ((99,), (-99,), (6, "absolute"), (1, "nonsense")):
            try:
                cur.scroll(*arguments)
            except db.ProgrammingError as error:
                note(error)
        cur.arraysize = 2
        cur.scroll(0, mode="absolute")
        note(cur.fetchmany(), cur.fetchmany(-1))
        second = conn.cursor()
        await wait(second.execute("SELECT 1"))
        await wait(cur.execute("SELECT 2"))
        note(second.fetchone(), cur.fetchone())
        second.close()
        note(second.closed)
        for use in (second.fetchone, lambda: second.mogrify("SELECT 1"), lambda: list(second)):
            try:
                use()
            except db.InterfaceError as error:
                note(error)
        await wait(conn.close())
        note(conn.closed, cur.closed, conn.status)
        for late in (cur.fetchone, conn.cursor, conn.set_session):
            try:
                late()
            except db.InterfaceError as error:
                note(error)
        for coroutine in (lambda: cur.execute("SELECT 1"), conn.commit, conn.rollback, conn.reset):
            try:
                await wait(coroutine())
            except db.InterfaceError as error:
                note(error)
        await wait(conn.close())


@case
async def named_cursors(db: Any, uri: str, note: Note) -> None:
    def named(conn: Any, *arguments: Any, **keywords: Any) -> Any:
        return getattr(conn, "named_cursor", conn.cursor)(*arguments, **keywords)

    async with opened(db, uri, ITEMS, "INSERT INTO items SELECT generate_series(1, 10)") as (
        conn,
        cur,
    ):
        first = named(conn, "first")
        note(first.name, first.itersize, first.scrollable, first.withhold)
        await wait(first.execute("SELECT id FROM items WHERE id > %s ORDER BY id", (2,)))
        note(await wait(first.fetchone()), await wait(first.fetchmany(2)), first.rownumber)
        note([column.name for column in first.description or ()])
        first.itersize = 2
        note(await rows_of(first), await wait(first.fetchall()), await wait(first.fetchone()))
        try:
            await wait(first.execute("SELECT 1"))
        except db.ProgrammingError as error:
            note(error)
        await wait(first.close())
        second = named(conn, "second", scrollable=True, cursor_factory=db.RealDictCursor)
        await wait(second.execute("SELECT id FROM items ORDER BY id"))
        note(await wait(second.fetchmany(3)))
        await wait(second.scroll(-2))
        note(await wait(second.fetchone()))
        await wait(conn.commit())
        try:
            note(await wait(second.fetchone()))
        except db.ProgrammingError as error:
            note(error)
        third = named(conn, "third", withhold=True)
        await wait(third.execute("SELECT id FROM items ORDER BY id"))
        await wait(conn.commit())
        note(await wait(third.fetchmany(2)))
        await wait(third.close())
        conn.autocommit = True
        fourth = named(conn, "fourth")
        try:
            await wait(fourth.execute("SELECT 1"))
        except db.ProgrammingError as error:
            note(error)
        del cur


@case
async def pools(db: Any, uri: str, note: Note) -> None:
    made = getattr(db.ThreadedConnectionPool, "create", db.ThreadedConnectionPool)
    pool = await wait(made(1, 2, uri))
    one = await wait(pool.getconn())
    await wait(one.cursor().execute(ITEMS))
    await wait(one.commit())
    await wait(one.cursor().execute("INSERT INTO items VALUES (1)"))
    await wait(pool.putconn(one))
    again = await wait(pool.getconn("key"))
    note(again is one, again.get_transaction_status(), (await wait(pool.getconn("key"))) is again)
    other = await wait(pool.getconn())
    try:
        await wait(pool.getconn())
    except db.PoolError as error:
        note(error, isinstance(error, db.Error))
    await wait(pool.putconn(other, close=True))
    note(other.closed)
    try:
        await wait(pool.putconn(other))
    except db.PoolError as error:
        note(error)
    await wait(pool.putconn(again, "key"))
    await wait(pool.closeall())
    note(pool.closed, again.closed)
    try:
        await wait(pool.getconn())
    except db.PoolError as error:
        note(error)


@case
async def compositions(db: Any, uri: str, note: Note) -> None:
    sql = db.sql
    name = sql.Identifier('odd "name')
    query = sql.SQL(
        "SELECT {0}, {value} AS {0} FROM (SELECT %s AS {0}) AS x WHERE {0} = %s"
    ).format(name, value=sql.Literal("it's 5%%"))
    parts = [
        *(query, name, sql.Identifier("a", "b"), sql.Placeholder(), sql.Placeholder("p"), sql.NULL),
        *(sql.SQL(", ").join([sql.Literal(1), sql.Literal(None), sql.Literal([1, "x"])]),),
        *(sql.SQL("a") + sql.SQL("b"), sql.SQL("?") * 3, sql.Composed([name]) + name, sql.DEFAULT),
    ]
    async with opened(db, uri) as (conn, cur):
        for part in parts:
            note(repr(part), part.as_string(conn), part == part, part == sql.SQL("a"))
        await wait(cur.execute(query, (1, 1)))
        note(cur.fetchall(), cur.query)
        note(db.quote_ident('a"b', conn))
        for wrong in (
            lambda: sql.SQL("{} {0}").format(name, name),
            lambda: sql.SQL("{:x}").format(name),
            lambda: sql.SQL("{!r}").format(name),
            lambda: sql.SQL("{}").format(),
            lambda: sql.SQL("{}").format("x"),
            lambda: sql.SQL(1),
            lambda: sql.Identifier(1),
            lambda: sql.Identifier(),
            lambda: sql.Placeholder("a)"),
            lambda: sql.Literal(object).as_string(conn),
        ):
            try:
                wrong()
            except Exception as error:
                note(type(error).__name__, str(error))


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


@case
async def adapters_and_types(db: Any, uri: str, note: Note) -> None:
    db.register_adapter(Point, lambda point: db.AsIs(f"'({point.x}, {point.y})'"))
    db.register_adapter(Color, lambda color: db.adapt(color.value))
    async with opened(db, uri) as (conn, cur):
        await wait(cur.execute("SELECT %s::point, %s, %s", (Point(1, 2), Color.RED, [Color.RED])))
        note(cur.fetchone())
        note(db.adapt(5).getquoted(), db.adapt("x").getquoted(), db.AsIs("now()").getquoted())
        note(db.QuotedString("it's").getquoted())
        floats = db.new_type((1700,), "FLOATS", lambda value, cursor: value and float(value))
        db.register_type(floats, conn)
        await wait(cur.execute("SELECT 1.50, NULL::numeric, array[1.5]"))
        note(cur.fetchone(), cur.description[0][1] == floats, cur.description[0][1] == db.NUMBER)
        db.register_type(db.new_array_type((1231,), "FLOATS[]", floats), cur)
        await wait(cur.execute("SELECT array[1.5, NULL]"))
        note(cur.fetchone())
        db.register_default_jsonb(conn, loads=lambda text: ("loaded", text))
        await wait(
            cur.execute(
                "SELECT '[1]'::jsonb, '[1]'::json, %s, %s", (db.Json([1]), db.Json(1, dumps=repr))
            )
        )
        note(cur.fetchone())
        db.register_uuid(conn_or_curs=conn)
        await wait(cur.execute("SELECT %s, %s", (uuid.UUID(int=7), [uuid.UUID(int=8)])))
        note(cur.fetchone())
        for one in (
            db.NumericRange(1, 5),
            db.NumericRange(empty=True),
            db.NumericRange(None, -1, "(]"),
            db.DateRange(dt.date(2020, 1, 1), None),
            db.DateTimeTZRange(
                dt.datetime(2020, 1, 1, tzinfo=UTC), dt.datetime(2021, 1, 1, tzinfo=UTC)
            ),
        ):
            statement = "SELECT %s::int8range" if isinstance(one, db.NumericRange) else "SELECT %s"
            await wait(cur.execute(statement, (one,)))
            (found,) = cur.fetchone()
            note(
                found,
                str(found),
                cur.query,
                found == one,
                found.lower_inc,
                found.upper_inf,
                bool(found),
            )
            note(hash(found) == hash(one), found < one, found <= one, found.isempty)
        note(
            3 in db.NumericRange(1, 3), 1 in db.NumericRange(1, 3), 3 in db.NumericRange(1, 3, "[]")
        )


@case
async def functions_and_notices(db: Any, uri: str, note: Note) -> None:
    make = "CREATE FUNCTION f(a int, b text DEFAULT 'x') RETURNS TABLE (c int, d text) LANGUAGE sql AS 'SELECT a, b'"
    async with opened(db, uri, make) as (conn, cur):
        note(await wait(cur.callproc("f", [1, "y"])), cur.fetchall(), cur.query)
        note(await wait(cur.callproc("f", {"b": "z", "a": 2})), cur.fetchall(), cur.query)
        note(await wait(cur.callproc("now")) is None, cur.rowcount)
        await wait(cur.execute("DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END $$"))
        await asyncio.sleep(0)
        note(conn.notices)
        note(conn.encoding, conn.protocol_version, conn.get_parameter_status("TimeZone"))
        note(
            conn.get_parameter_status("nope"), conn.server_version, conn.info.dbname, conn.info.user
        )
        note(sorted(conn.get_dsn_parameters().keys() & {"user", "dbname", "host", "port"}))
        note(conn.info.transaction_status, conn.info.server_version == conn.server_version)
        await wait(cur.execute("SELECT pg_backend_pid()"))
        note(cur.fetchone() == (conn.get_backend_pid(),))


@case
async def connecting(db: Any, uri: str, note: Note) -> None:
    place, _, name = uri.rpartition("/")
    user, _, rest = place.partition("://")[2].partition("@")
    host, _, port = rest.partition(":")
    plain = {"host": host, "port": port, "user": user}
    for arguments, keywords in (
        ((f"host={host} port={port} user='{user}' dbname = {name}",), {}),
        ((), {**plain, "dbname": name}),
        ((), {**plain, "database": name, "port": int(port), "password": None}),
        ((uri,), {"application_name": "it's a test", "connect_timeout": 3}),
        ((f"{uri}?application_name=a%20b&options=-c%20statement_timeout%3D7s",), {}),
        ((uri,), {"options": "-c statement_timeout=5s -c search_path=a\\\\,b"}),
        ((uri,), {"sslmode": "disable", "keepalives": 1, "client_encoding": "utf8"}),
    ):
        conn = await wait(db.connect(*arguments, **keywords))
        cur = conn.cursor()
        found = []
        for setting in ("application_name", "statement_timeout", "search_path"):
            await wait(cur.execute(f"SHOW {setting}"))
            found += cur.fetchone()
        await wait(cur.execute("SELECT current_database() = %s", (name,)))
        note(found, cur.fetchone())
        await wait(conn.close())
    for arguments, keywords in (
        ((place + "/nope",), {}),
        (("host=127.0.0.1 port=1",), {}),
        (("host=no-such-host.invalid",), {}),
        ((uri,), {"nope": 1}),
        (("dbname",), {}),
        ((), {"dbname": "a", "database": "b"}),
    ):
        try:
            await wait(db.connect(*arguments, **keywords))
        except Exception as error:
            note(type(error).__name__, str(error), getattr(error, "pgcode", None))
    note(
        db.make_dsn("dbname=a", user="it's", password="p w"),
        sorted(db.parse_dsn("dbname='b c' user=\\'").items()),
    )
    note(sorted(db.parse_dsn("postgresql://u:p%40@h:5/d?sslmode=disable").items()))


@case
async def a_lock_and_a_timeout(db: Any, uri: str, note: Note) -> None:
    async with opened(db, uri, ITEMS, "INSERT INTO items VALUES (1)") as (conn, cur):
        async with opened(db, uri) as (second, other):
            await wait(cur.execute("SELECT * FROM items FOR UPDATE"))
            try:
                await wait(other.execute("SELECT * FROM items FOR UPDATE NOWAIT"))
            except db.errors.LockNotAvailable as error:
                note(
                    error,
                    db.errorcodes.lookup(error.pgcode),
                    db.errors.lookup(error.pgcode).__name__,
                )
            await wait(second.rollback())
            await wait(other.execute("SET LOCAL statement_timeout = 50"))
            try:
                await wait(other.execute("SELECT pg_sleep(5)"))
            except db.errors.QueryCanceled as error:
                note(error, isinstance(error, db.OperationalError))
            await wait(second.rollback())
            await wait(other.execute("SELECT pg_terminate_backend(%s)", (conn.get_backend_pid(),)))
            await asyncio.sleep(0.1)
        note(conn.closed)
        for _ in range(2):
            try:
                await wait(cur.execute("SELECT 1"))
            except db.Error as error:
                note(type(error).__name__, str(error), error.pgcode, conn.closed)
        try:
            await wait(conn.rollback())
        except db.InterfaceError as error:
            note(error)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_case(new: Any, case: Case, postgres: Server) -> None:
    assert len(compared(new, case, postgres)) > 2
