"""`_psycopg` does what psycopg does, on the same server: values, types, errors, final tables."""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import ipaddress
import math
import uuid
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.postgres.sides import OURS, THEIRS, Side, attempted, each, inside, now, shown
from tests.postgres_server import Server, dump

Scenario = Callable[[Side, str], Awaitable[list[Any]]]
UTC = dt.timezone.utc  # noqa: UP017
TABLES = """
CREATE TABLE w (a int PRIMARY KEY, b text, c numeric(8, 2), j jsonb,
    t timestamptz DEFAULT '2020-01-01 00:00+00');
INSERT INTO w (a, b, c) SELECT i, 'n' || i, i * 1.5 FROM generate_series(1, 5) i;
CREATE TABLE v (t text, i int, n numeric, d date, ts timestamp, tz timestamptz, j jsonb,
    b bytea, f float8, iv interval, u uuid, bo bool);
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
"""


class Color(enum.Enum):
    RED = 1


class Label(str, enum.Enum):  # noqa: UP042
    A = "x"


class Count(enum.IntEnum):
    ONE = 1


class Made:
    """A value of a class that both sides have."""

    def __init__(self, name: str, *args: Any, **settings: Any) -> None:
        self.name, self.args, self.settings = name, args, settings

    def __repr__(self) -> str:
        return f"{self.name}{self.args}{self.settings or ''}"


def on(side: Side, value: Any) -> Any:
    """The value with its own classes."""
    if isinstance(value, Made):
        args = [on(side, arg) for arg in value.args]
        return getattr(side, value.name)(*args, **value.settings)
    if type(value) in (list, tuple):
        return type(value)(on(side, item) for item in value)
    return value


def compared(scenario: Scenario, server: Server) -> None:
    """Run a scenario on both sides, each with a database of its own."""
    seen = []
    for side in (THEIRS, OURS):
        with server.database() as database:
            with psycopg.connect(database.uri, autocommit=True) as conn:
                conn.execute(TABLES)
            found = asyncio.run(asyncio.wait_for(scenario(side, database.uri), 60))
            seen.append((found, dump(database.uri)))
    (theirs, their_tables), (ours, our_tables) = seen
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert our == their
    assert our_tables == their_tables


# ---------------------------------------------------------------- values


VALUES = [
    *(None, True, False, 0, 1, -1, 32767, 32768, -32769, 2**31, -(2**31) - 1, 2**63, -(2**63)),
    *(10**30, 1.0, 0.1, 1.5, -2.5, 1e100, math.inf, -math.inf, math.nan, 1.005),
    *(Decimal("1.10"), Decimal("1E+20"), Decimal("NaN"), Decimal("-0.000"), Decimal("Infinity")),
    *("abc", "", 'it\'s \\ "q"', "üñ☃", "10", "10.0", "2020-01-02", "{1,2}", "a\0b", "infinity"),
    *(b"\x00\xff", bytearray(b"a"), memoryview(b"z"), b"", Made("Binary", b"ab")),
    *(dt.date(2020, 1, 2), dt.datetime(2020, 1, 2, 3, 4, 5, 6), dt.date(1, 1, 1)),
    *(dt.datetime(2020, 1, 2, tzinfo=UTC), dt.datetime(2020, 7, 2, tzinfo=ZoneInfo("Asia/Tokyo"))),
    *(dt.time(1, 2, 3), dt.time(1, 2, 3, 4, tzinfo=UTC), dt.time(1, tzinfo=ZoneInfo("Asia/Tokyo"))),
    *(dt.timedelta(days=3, seconds=4, microseconds=5), dt.timedelta(days=-1, seconds=1)),
    *(uuid.UUID(int=5), ipaddress.ip_address("1.2.3.4"), ipaddress.ip_interface("1.2.3.4/24")),
    *(ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_address("::1")),
    *(Made("Json", {"a": [1, None]}), Made("Jsonb", {"a": 1}), Made("Jsonb", None)),
    *([], [None], [1, 2], [1, 40000], [1, 2**40], [1, 10**30], [-1, None], [[1, 2], [3, 4]], [[]]),
    *(["a", "b,c", None, "NULL", "", " ", '"', "\\", "{"], [1.5, 2.0], [1.5, 2], [True, None]),
    *([True, 1], ["a", 1], [b"\x00"], [Decimal("1.1")], [dt.date(2020, 1, 1)], [uuid.UUID(int=1)]),
    *([dt.datetime(2020, 1, 1)], [dt.datetime(2020, 1, 1, tzinfo=UTC)], [dt.timedelta(1)]),
    *([Made("Jsonb", {"a": 'x"y'})], [ipaddress.ip_network("10.0.0.0/8")], [(1, 2)], [Color.RED]),
    *(Color.RED, Label.A, Count.ONE, (1, "a"), (1, None, ""), {"a": 1}, {1}, range(2)),
    *(Made("Range", 1, 5), Made("Range", Decimal(1), None), Made("Range", empty=True)),
    *(Made("Range", dt.date(2020, 1, 1), dt.date(2020, 2, 1), "[]"), Made("Range")),
    *(Made("Range", dt.datetime(2020, 1, 1), None), [Made("Range", dt.date(2020, 1, 1), None)]),
    *(Made("Int4Range", 1, 5), Made("Int4", 7), Made("Float4", 0.1), Made("Oid", 5)),
    Made("Multirange", [Made("Range", Decimal(1), Decimal(2))]),
]
PLACES = [
    *("SELECT %s", "SELECT %s, pg_typeof(%s)", "SELECT %s::text", "SELECT %t", "SELECT %s IS NULL"),
    *(f"INSERT INTO v ({name}) VALUES (%s) RETURNING {name}" for name in ("t", "i", "n", "d")),
    *(f"INSERT INTO v ({name}) VALUES (%s) RETURNING {name}" for name in ("ts", "tz", "j", "b")),
    *(f"INSERT INTO v ({name}) VALUES (%s) RETURNING {name}" for name in ("f", "iv", "u", "bo")),
    *("SELECT %s = 1", "SELECT 7 / %s", "SELECT a FROM w WHERE a = ANY(%s) ORDER BY 1"),
    *("SELECT * FROM generate_series(1, 3) LIMIT %s", "SELECT concat('a', %s)", "SELECT 'a' || %s"),
    *("SELECT a FROM w WHERE a > %s ORDER BY 1", "SELECT greatest(%s, %s)", "SELECT %s + %s"),
    *("SELECT date '2020-01-02' = %s", "SELECT now() - %s > now()", "SELECT array[%s, %s]"),
    *("SELECT coalesce(NULL, %s)", "SELECT '{\"a\": 1}'::jsonb -> %s", "SELECT round(%s, 1)"),
]


@pytest.mark.parametrize("statement", PLACES)
def test_values_go_as_psycopg_sends_them(statement: str, postgres: Server) -> None:
    async def scenario(lib: Side, uri: str) -> list[Any]:
        seen: list[Any] = []
        async with inside(await now(lib.connect(uri, autocommit=True))) as conn:
            for value in VALUES:
                values = [on(lib, value)] * statement.count("%")
                cur = conn.cursor()
                seen.append((repr(value), await attempted(lambda: cur.execute(statement, values))))  # noqa: B023
                if cur.description is not None:
                    columns = [(*column,) for column in cur.description]
                    seen.append((await attempted(cur.fetchall), columns, cur.statusmessage))
        return seen

    compared(scenario, postgres)


EXPRESSIONS = """
row(1,'a',null,'q"'); row(); array[row(1,2)]; ARRAY[[1,2],[3,4]]; '[0:1]={1,2}'::int[]
'{}'::text[]; point(1,2); box(point(1,2),point(3,4)); array[box(point(1,2),point(3,4))]; B'101'
'a'::"char"; 'x'::name; '1.1.1.1/32'::inet; '1.1.1.1/8'::inet; '10.0.0.0/8'::cidr
'08:00:2b:01:02:03'::macaddr; 'pg_class'::regclass; 12::oid; 'a b'::tsvector; 'a'::tsquery
1::money; '1 2'::int2vector; pg_sleep(0); pg_notify('a', 'b'); '1'::xid8; 'NaN'::float4
0.1::float4; 1e20::numeric; 'NaN'::numeric; '\\xdead'::bytea; 'a'::char(3); 'ab'::varchar(5)
interval '1 year 2 mons -3 days 04:05:06.5'; interval '-1 mon'; interval '-00:00:01'
time '24:00'; time '01:02:03.000004'; timetz '01:02:03+05:30'; date '2020-02-29'
numrange(1,null); daterange('2020-01-01','2020-02-01'); 'empty'::int4range
'{[1,3),[5,7)}'::int4multirange; '{}'::nummultirange; array[numrange(1,2)]
tstzrange('2020-01-01+00',null); tsrange('2020-01-01 10:00',null); json '{"a":[1,2.5]}'
jsonb '1'; jsonb 'null'; array[json '1']; json_agg(1); row_to_json(row(1, 'a'))
timestamptz '0001-01-01 00:00+00'; timestamptz '1880-01-01 00:00+00';
timestamptz '2020-07-01 00:00+00'
array[timestamptz '2020-07-01 00:00+00']; timestamp '2020-01-01 00:00:00.5'; 'glad'::mood
array['sad'::mood]; row(1, 'x y')::pair; array[row(1, 'x')::pair]; 3::positive; array[3::positive]
'infinity'::date; '-infinity'::timestamp; 'infinity'::timestamptz; '0044-03-15 BC'::date
'20000-01-01'::date; '20000-01-01'::timestamp; '5000000 years'::interval; uuid_in('{%032d}')
timestamptz '9999-12-31 23:59:59+00'; '{NULL,"NULL","a\\\\"}'::text[]; true; null; 1 AS "b c"
1 AS a, 2 AS a; 'a' AS "?column?"; 1::int2, 1::int8, 1.5::float8, 1.50
"""


FIRST_OWN = 16384
"""OIDs from here on are those of types that a database makes, in any order."""


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_results_come_as_psycopg_loads_them(zone: str, postgres: Server) -> None:
    expressions = [text.strip() for text in EXPRESSIONS.replace("\n", ";").split(";")]

    async def scenario(lib: Side, uri: str) -> list[Any]:
        seen: list[Any] = []
        async with inside(await now(lib.connect(uri, autocommit=True))) as conn:
            await now(conn.execute(f"SET TIME ZONE '{zone}'"))
            for text in filter(None, expressions):
                cur = await now(conn.execute(f"SELECT {text.replace('%032d', '0' * 32)}"))
                columns = [(c.name, min(c.type_code, FIRST_OWN)) for c in cur.description]
                seen.append((text, await attempted(cur.fetchone), columns))
        return seen

    compared(scenario, postgres)


# ---------------------------------------------------------------- statements


STATEMENTS: list[tuple[Any, Any]] = [
    *(("SELECT '%%', %s", (1,)), ("SELECT '%%'", ()), ("SELECT '%%'", None), ("SELECT '%%'", {})),
    *(("SELECT 5 %% %s", [3]), ("SELECT %(a)s, %(b)s, %(a)s", {"a": 1, "b": "x", "c": 2})),
    *(("SELECT %(a)s", {"b": 1}), ("SELECT %s", {"a": 1}), ("SELECT %(a)s", (1,))),
    *(("SELECT %s", ()), ("SELECT %s, %s", (1,)), ("SELECT % s", (1,)), ("SELECT 1 %", (1,))),
    *(
        ("SELECT 1 %", ()),
        ("SELECT %d", (1,)),
        ("SELECT %(a)d", {"a": 1}),
        ("SELECT %(a", {"a": 1}),
    ),
    *(("SELECT %s %(a)s", (1,)), ("SELECT %s", "a"), ("SELECT %s", 5), ("SELECT %s", {1})),
    *(("SELECT %(a)s %(a)b", {"a": 1}), ("SELECT 'a%sb'", (1,)), ("SELECT 1 -- %s", (1,))),
    *(("SELECT 1 -- %s", ("a",)), ("SELECT 1 /* %s */, %s", ("a", 2)), (b"SELECT %s", (1,))),
    *(("SELECT interval '%s days'", (3,)), ("SELECT %(q)s IS NULL OR a = %(q)s FROM w", {"q": 1})),
    *(("SELECT * FROM w WHERE a IN %s", ((1, 2),)), ("SELECT * FROM w WHERE a IN %s", ([1],))),
    *(("SET TIME ZONE %s", ("UTC",)), ("SELECT a, %s FROM w GROUP BY a / %s", (1, 2))),
    *(("SELECT a FROM w ORDER BY %s", (1,)), ("WITH x AS (SELECT %s AS y) SELECT * FROM x", (1,))),
    (
        "with recursive x(n) AS (SELECT %s UNION ALL SELECT n + 1 FROM x WHERE n < %s) TABLE x",
        (1, 3),
    ),
    *(("EXPLAIN (COSTS OFF) SELECT * FROM w WHERE a = %s", (1,)), ("VALUES (%s), (%s)", (1, 2))),
    *(("EXPLAIN VERBOSE SELECT nope WHERE 1 = %s", (1,)), ("SELECT nope, %s", (1,))),
    *(("(SELECT %s) UNION (SELECT %s) ORDER BY 1", (1, 2)), ("SELEC %s", (1,)), ("", None)),
    *(("SELECT (%s)[1]", ([1, 2],)), ("SELECT %s[1]", ([1, 2],)), ("SELECT -%s", (3,))),
    *(("SELECT %s::text, %s + 1", (-3, -3)), ("  /* c */ select %s", (1,)), ("-- only", None)),
    *(("CREATE TABLE q1 AS SELECT %s AS x", (1,)), ("CREATE TABLE q2 (a int DEFAULT %s)", (1,))),
    *(("TABLE w ORDER BY 1 LIMIT %s", (1,)), ("DECLARE cc CURSOR FOR SELECT %s", (1,))),
    ("INSERT INTO w (a) VALUES (%s) ON CONFLICT (a) DO UPDATE SET b = '' RETURNING a, b", (1,)),
    ("MERGE INTO w USING (VALUES (%s)) x(y) ON w.a = x.y WHEN MATCHED THEN DELETE", (4,)),
    *(("DELETE FROM w WHERE a = %s", (5,)), ("SELECT %s\n FROM nope", (1,)), ("SELECT $1", None)),
    *(("SELECT '{\"a\":1}'::jsonb ? 'a', %s", (1,)), ("SELECT '$1', %s", (1,))),
    *(("SELECT 1; SELECT %s", (1,)), ("SELECT 1;\nSELECT 1/0; SELECT nope", None)),
    *(("SELECT 1;\nSELECT 1; SELECT nope FROM w", None), ("SELECT %s FROM w; ", (1,))),
    ("DO $$ BEGIN RAISE EXCEPTION 'boo %', 1 USING HINT = 'h', DETAIL = 'd'; END $$", None),
    *(("INSERT INTO w (a) VALUES (1)", None), ("UPDATE w SET a = 1", None)),
    *(("SELECT 1::positive + %s::positive", (0,)), ("SELECT '%s'::int", ()), ("COMMIT", None)),
    *(("SELECT pg_terminate_backend(0), %s", (None,)), ("NOTIFY a, %s", ("b",))),
    *(("ROLLBACK", None), ("SAVEPOINT s", None), ("SHOW server_version_num", None)),
]


def test_statements_and_their_errors(postgres: Server) -> None:
    async def scenario(lib: Side, uri: str) -> list[Any]:
        seen: list[Any] = []
        conn = await now(lib.connect(uri))
        cur = conn.cursor()
        for query, values in STATEMENTS:
            seen.append((query, await attempted(lambda: cur.execute(query, values))))  # noqa: B023
            seen.append((cur.rowcount, cur.statusmessage, cur.rownumber))
            seen.append([column.name for column in cur.description or ()])
            seen.append(await attempted(cur.fetchall))
            seen.append(conn.info.transaction_status.name)
            await now(conn.rollback())
        await now(conn.close())
        return seen

    compared(scenario, postgres)


def test_statements_on_an_older_server(older_postgres: Server) -> None:
    test_statements_and_their_errors(older_postgres)


# ---------------------------------------------------------------- connections and transactions


def same(scenario: Scenario) -> Callable[[Server], None]:
    """A test that runs the scenario on both sides."""

    def test(postgres: Server) -> None:
        compared(scenario, postgres)

    test.__doc__ = scenario.__doc__
    return test


@same
async def test_a_transaction_begins_with_the_first_statement(lib: Side, uri: str) -> list[Any]:
    conn = await now(lib.connect(uri))
    seen: list[Any] = [conn.info.transaction_status.name]
    await now(conn.execute("SELECT 1"))
    seen.append(conn.info.transaction_status.name)
    await now(conn.commit())
    await now(conn.execute("INSERT INTO w (a) VALUES (10)"))
    seen.append(await attempted(lambda: conn.execute("INSERT INTO w (a) VALUES (10)")))
    seen.append(conn.info.transaction_status.name)
    seen.append(await attempted(lambda: conn.execute("SELECT 1")))
    await now(conn.commit())
    await now(conn.execute("INSERT INTO w (a) VALUES (11)"))
    await now(conn.commit())
    await now(conn.execute("INSERT INTO w (a) VALUES (12)"))
    await now(conn.close())
    seen.append((conn.closed, conn.broken, conn.info.transaction_status.name))
    for do in (
        lambda: conn.execute("SELECT 1"),
        conn.commit,
        conn.rollback,
        conn.cursor,
        conn.close,
        lambda: setattr(conn, "autocommit", True),
    ):
        seen.append(await attempted(do))
    return seen


@same
async def test_a_server_that_hangs_up_is_noticed_by_what_is_sent_next(lib: Side, uri: str) -> Any:
    seen: list[Any] = []
    for autocommit, begun in ((True, False), (False, False), (False, True)):
        conn = await now(lib.connect(uri, autocommit=autocommit))
        if begun:
            await now(conn.execute("SELECT 1"))
        async with inside(await now(lib.connect(uri, autocommit=True))) as other:
            pid = conn.info.backend_pid
            await now(other.execute("SELECT pg_terminate_backend(%s)", (pid,)))
        await asyncio.sleep(0.2)
        seen.append((conn.closed, conn.broken, conn.info.transaction_status.name))
        seen.append((await attempted(conn.commit)) if begun else None)
        for _ in range(2):
            seen.append(await attempted(lambda: conn.execute("SELECT 1")))  # noqa: B023
            seen.append((conn.closed, conn.broken, conn.info.transaction_status.name))
        await now(conn.close())
        seen.append((conn.closed, conn.broken))
    return seen


@same
async def test_with_a_connection(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []
    async with inside(await now(lib.connect(uri))) as conn:
        await now(conn.execute("INSERT INTO w (a) VALUES (20)"))
    seen.append(conn.closed)
    with pytest.raises(KeyError):
        async with inside(await now(lib.connect(uri))) as conn:
            await now(conn.execute("INSERT INTO w (a) VALUES (21)"))
            raise KeyError(1)
    seen.append(conn.closed)
    async with inside(await now(lib.connect(uri, autocommit=True))) as conn:
        await now(conn.execute("INSERT INTO w (a) VALUES (22)"))
        seen.append(conn.info.transaction_status.name)
        async with inside(conn.transaction()):
            await now(conn.execute("INSERT INTO w (a) VALUES (23)"))
            seen.append(conn.info.transaction_status.name)
        seen.append(conn.info.transaction_status.name)
        await now(conn.execute("BEGIN"))
        await now(conn.execute("INSERT INTO w (a) VALUES (24)"))
        seen.append(conn.info.transaction_status.name)
        await now(conn.rollback())
        await now(conn.execute("VACUUM w"))
    return seen


@same
async def test_transactions_inside_transactions(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []
    conn = await now(lib.connect(uri, autocommit=True))

    async def insert(number: int) -> None:
        await now(conn.execute("INSERT INTO w (a) VALUES (%s)", (number,)))

    async with inside(conn.transaction()) as outer:
        await insert(30)
        with pytest.raises(lib.Error):
            async with inside(conn.transaction()) as inner:
                seen.append((inner.savepoint_name, inner.status.name))
                await insert(31)
                await insert(31)
        seen.append((inner.status.name, outer.status.name, conn.info.transaction_status.name))
        async with inside(conn.transaction("a point")):
            await insert(32)
        async with inside(conn.transaction(force_rollback=True)):
            await insert(33)
        async with inside(conn.transaction()) as inner:
            await insert(34)
            raise lib.Rollback()
        seen.append(inner.status.name)
        seen.extend([await attempted(conn.commit), await attempted(conn.rollback)])
        seen.append(await attempted(lambda: setattr(conn, "autocommit", False)))
    async with inside(conn.transaction()) as outer:
        await insert(35)
        async with inside(conn.transaction()) as inner:
            await insert(36)
            raise lib.Rollback(outer)
    seen.append((outer.status.name, inner.status.name, repr(lib.Rollback())))
    conn.autocommit = False
    await now(conn.execute("SELECT 1"))
    async with inside(conn.transaction()):
        await insert(37)  # a savepoint only: lost
    seen.append(conn.info.transaction_status.name)
    await now(conn.close())
    return seen


@same
async def test_how_transactions_begin(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []
    conn = await now(lib.connect(uri))
    asked = "SELECT " + ", ".join(
        f"current_setting('transaction_{name}')"
        for name in ("isolation", "read_only", "deferrable")
    )
    conn.isolation_level = lib.IsolationLevel.SERIALIZABLE
    conn.read_only = conn.deferrable = True
    seen.append((await now(conn.execute(asked))).fetchone())
    seen.append(await attempted(lambda: conn.execute("INSERT INTO w (a) VALUES (1)")))
    seen.append(await attempted(lambda: setattr(conn, "autocommit", True)))
    seen.append(await attempted(lambda: setattr(conn, "isolation_level", None)))
    await now(conn.rollback())
    conn.isolation_level = conn.read_only = None
    conn.deferrable = False
    seen.append((conn.isolation_level, conn.read_only, conn.deferrable, conn.autocommit))
    seen.append(await attempted(lambda: setattr(conn, "isolation_level", 9)))
    seen.append((await now(conn.execute(asked))).fetchone())
    seen.append(await attempted(lambda: conn.execute("VACUUM w")))
    await now(conn.rollback())
    await now(conn.execute("SET TIME ZONE 'Asia/Tokyo'"))
    await now(conn.rollback())
    seen.append(shown((await now(conn.execute("SELECT t FROM w LIMIT 1"))).fetchone()))
    info = conn.info
    seen.append((repr(info.timezone), info.parameter_status("TimeZone"), info.user, info.host))
    seen.append((info.server_version, info.encoding, info.vendor, info.port, info.options))
    await now(conn.close())
    return seen


@same
async def test_where_to_connect(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []
    there = psycopg.conninfo.conninfo_to_dict(uri)
    host, port = there["host"], there["port"]
    place = {"host": host, "port": int(port or 0), "user": "postgres", "dbname": there["dbname"]}
    pairs = " ".join(f"{key}='{value}'" for key, value in place.items())
    ways: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((f"{pairs} application_name='my app'",), {}),
        ((), {**place, "options": "-c statement_timeout=5s -c search_path=pg_catalog"}),
        ((), {**place, "application_name": "x", "connect_timeout": 3, "autocommit": True}),
        ((f"{uri}?application_name=uri&options=-c%20statement_timeout%3D7s",), {}),
        ((uri,), {"connect_timeout": "4", "keepalives": 1, "client_encoding": "utf8"}),
        ((), {**place, "dbname": None, "database": "x"}),
        (("host",), {}),
        ((uri,), {"foo": 1}),
        ((uri,), {"connect_timeout": "x"}),
        ((f"{uri}?foo=1",), {}),
        ((f"host={host} port=1 dbname=x user=y",), {}),
        ((), {**place, "dbname": "nowhere"}),
        ((), {**place, "user": "nobody"}),
    ]
    for args, settings_ in ways:

        async def tried() -> Any:
            conn = await now(lib.connect(*args, **settings_))  # noqa: B023
            names = ("application_name", "statement_timeout", "search_path")
            asked = ", ".join(f"current_setting('{name}')" for name in names)
            row = (await now(conn.execute(f"SELECT {asked}"))).fetchone()
            info = conn.info
            await now(conn.close())
            return (*row, conn.autocommit, info.host, info.port, info.user)

        seen.append(await attempted(tried))
    return [
        [(kinds, text.replace(there["dbname"], "DB"), *rest) for kinds, text, *rest in [found]]
        if isinstance(found[0], list)
        else found
        for found in seen
    ]


@same
async def test_notices_reach_their_handlers(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []

    def noticed(diag: Any) -> None:
        seen.append((diag.severity, diag.message_primary, diag.message_hint, diag.sqlstate))

    async with inside(await now(lib.connect(uri))) as conn:
        conn.add_notice_handler(noticed)
        await now(conn.execute("DO $$ BEGIN RAISE NOTICE 'a %', 1 USING HINT = 'h'; END $$"))
        await asyncio.sleep(0)
        conn.remove_notice_handler(noticed)
        await now(conn.execute("DO $$ BEGIN RAISE WARNING 'b'; END $$"))
        await asyncio.sleep(0)
    return seen


# ---------------------------------------------------------------- cursors


@same
async def test_cursors_read_results_whole(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []
    conn = await now(lib.connect(uri))
    cur = conn.cursor()
    seen.append((cur.rowcount, cur.description, cur.statusmessage, cur.rownumber, cur.arraysize))
    seen.append(await attempted(cur.fetchone))
    seen.append(await now(cur.execute("SELECT a, b FROM w ORDER BY a")) is cur)
    seen.append((cur.rowcount, cur.rownumber, cur.statusmessage, repr(cur.description)))
    seen.append((cur.fetchone(), cur.rownumber, cur.fetchmany(), cur.fetchmany(2), cur.rownumber))
    seen.append((cur.fetchall(), cur.fetchone(), cur.fetchmany(3), cur.fetchall(), cur.rownumber))
    cur.scroll(0, "absolute")
    seen.append(cur.fetchone())
    cur.scroll(1)
    seen.append(cur.fetchone())
    for args in ((10,), (-1, "absolute"), (0, "sideways")):
        seen.append(await attempted(lambda: cur.scroll(*args)))  # noqa: B023
    seen.append(list(cur))
    cur.row_factory = lib.dict_row
    cur.scroll(0, "absolute")
    seen.append(cur.fetchone())
    await now(cur.execute("SELECT 1; SELECT 2, 3; UPDATE w SET c = 1; SELECT 4 AS x"))
    while True:
        seen.append((cur.rowcount, cur.statusmessage, await attempted(cur.fetchall)))
        if not cur.nextset():
            break
    seen.append((cur.set_result(0).fetchall(), cur.set_result(-1).fetchall()))
    seen.append(await attempted(lambda: cur.set_result(9)))
    cur.close()
    seen.append(cur.closed)
    seen.append(await attempted(lambda: cur.execute("SELECT 1")))
    seen.append(await attempted(cur.fetchone))
    with conn.cursor() as other:
        await now(other.execute("SELECT 1"))
    seen.append(other.closed)
    await now(conn.close())
    return seen


@pytest.mark.parametrize("autocommit", [False, True])
def test_many_sets_of_values(autocommit: bool, postgres: Server) -> None:
    async def scenario(lib: Side, uri: str) -> list[Any]:
        seen: list[Any] = []
        conn = await now(lib.connect(uri, autocommit=autocommit))
        cur = conn.cursor()

        async def many(query: str, rows: Any, returning: bool = False) -> None:
            do = lambda: cur.executemany(query, rows, returning=returning)  # noqa: E731
            seen.append((await attempted(do), cur.rowcount, cur.statusmessage))
            seen.append((await attempted(cur.fetchall), conn.info.transaction_status.name))

        insert = "INSERT INTO w (a, b) VALUES (%s, %s)"
        await many(insert, [(50, "a"), (51, None), (52, "c")])
        await many(
            "UPDATE w SET b = %(b)s WHERE a >= %(a)s", [{"a": 50, "b": "x"}, {"a": 52, "b": ""}]
        )
        await many(f"{insert} RETURNING a", [(53, "a"), (54, "b")], returning=True)
        seen.append((cur.nextset(), cur.fetchall(), cur.nextset()))
        await many(insert, [])
        await many("INSERT INTO w (a) VALUES (%s)", ((x,) for x in (60, 61)))
        await many("INSERT INTO w (a, c) VALUES (%s, %s)", [(80, 1), (81, 2.5), (82, "4")])
        await now(conn.commit())
        await many("INSERT INTO w (a) VALUES (%s)", [(70,), (1,), (71,)])
        await now(conn.rollback())
        await many("INSERT INTO w (a) VALUES (%s)", [(72,), (1, 2)])
        await now(conn.commit())
        await now(conn.close())
        return seen

    compared(scenario, postgres)


class Point:
    def __init__(self, a: Any, b: Any = "none") -> None:
        self.a, self.b = a, b

    def __repr__(self) -> str:
        return f"Point({self.a!r}, {self.b!r})"


FACTORIES: list[Callable[[Side], Any]] = [
    lambda lib: lib.tuple_row,
    lambda lib: lib.dict_row,
    lambda lib: lib.namedtuple_row,
    lambda lib: lib.scalar_row,
    lambda lib: lib.class_row(Point),
    lambda lib: lib.args_row(lambda *values: values[::-1]),
    lambda lib: lib.kwargs_row(lambda **values: sorted(values.items())),
    lambda lib: lambda cur: lambda row: [c.name for c in cur.description or ()] + list(row),
]


@same
async def test_rows_are_made_by_factories(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []
    for factory in FACTORIES:
        conn = await now(lib.connect(uri, row_factory=factory(lib)))
        cur = conn.cursor()
        for query in (
            "SELECT a, b FROM w ORDER BY a LIMIT 2",
            'SELECT 1 AS "b c", 2 AS _x, 3 AS "1a", 4 AS é',
            "SELECT 1 AS a, 2 AS a",
            "UPDATE w SET a = a",
            "SELECT 1 WHERE false",
        ):
            seen.append(await attempted(lambda: cur.execute(query)))  # noqa: B023
            seen.append(await attempted(lambda: [repr(row) for row in cur.fetchall()]))  # noqa: B023
        with conn.cursor(row_factory=lib.tuple_row) as other:
            seen.append((await now(other.execute("SELECT 1, 2"))).fetchone())
        await now(conn.close())
    return seen


@same
async def test_cursors_on_the_server(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []
    conn = await now(lib.connect(uri))
    async with inside(lib.named(conn, "one")) as cur:
        seen.append((cur.name, cur.itersize, cur.scrollable, cur.withhold, cur.rowcount))
        query = "SELECT a, b FROM w WHERE a > %s ORDER BY a"
        seen.append(await now(cur.execute(query, (1,))) is cur)
        seen.append((cur.rowcount, cur.rownumber, cur.statusmessage, repr(cur.description)))
        seen.append((await now(cur.fetchone()), cur.rownumber, await now(cur.fetchmany(2))))
        seen.append((await now(cur.fetchall()), await now(cur.fetchone()), cur.rownumber))
        await now(cur.execute("SELECT a FROM w ORDER BY a"))
        cur.itersize = 2
        seen.append(([row async for row in each(cur)], cur.rownumber))
        seen.append(await attempted(lambda: cur.execute("SELECT nope")))
    await now(conn.rollback())
    async with inside(lib.named(conn, 'o"d', scrollable=True, row_factory=lib.dict_row)) as cur:
        await now(cur.execute("SELECT a FROM w ORDER BY a"))
        await now(cur.scroll(2))
        seen.append(await now(cur.fetchone()))
        await now(cur.scroll(0, "absolute"))
        seen.append((await now(cur.fetchone()), cur.rownumber))
        seen.append(await attempted(lambda: cur.scroll(1, "sideways")))
        await now(conn.commit())
        seen.append(await attempted(cur.fetchone))
    await now(conn.rollback())
    cur = lib.named(conn, "held", withhold=True)
    await now(cur.execute("SELECT a FROM w ORDER BY a"))
    await now(conn.commit())
    seen.append(await now(cur.fetchmany(2)))
    await now(cur.close())
    seen.append((cur.closed, await attempted(cur.fetchone)))
    await now(conn.commit())
    conn.autocommit = True
    cur = lib.named(conn, "late")
    seen.append(await attempted(lambda: cur.execute("SELECT 1")))
    await now(cur.close())
    await now(conn.close())
    return seen


@pytest.mark.parametrize("autocommit", [False, True])
def test_rows_stream(autocommit: bool, postgres: Server) -> None:
    async def scenario(lib: Side, uri: str) -> list[Any]:
        seen: list[Any] = []
        conn = await now(lib.connect(uri, autocommit=autocommit))
        cur = conn.cursor()

        async def streamed(query: str, values: Any = None) -> list[Any]:
            return [row async for row in each(cur.stream(query, values))]

        for query, values in (
            ("SELECT a, b FROM w WHERE a > %s ORDER BY a", (2,)),
            ("SELECT 1 / (a - 3) FROM w", None),
            ("SELECT nope", None),
            ("UPDATE w SET b = ''", None),
            ("SELECT generate_series(1, 1000)", None),
        ):
            seen.append(await attempted(lambda: streamed(query, values)))  # noqa: B023
            seen.append(conn.info.transaction_status.name)
            await now(conn.rollback())
        await now(conn.close())
        return seen

    compared(scenario, postgres)


@same
async def test_copy(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []
    conn = await now(lib.connect(uri))
    cur = conn.cursor()
    async with inside(cur.copy("COPY w (a, b, c, j) FROM STDIN")) as copy:
        await now(copy.write_row((90, "x\ty\n\\N", Decimal("1.5"), lib.Jsonb({"a": 1}))))
        await now(copy.write_row([91, None, 2.25, None]))
        await now(copy.write_row((92, "", None, "[1]")))
    seen.append((cur.rowcount, cur.statusmessage, cur.description))
    async with inside(cur.copy("COPY w (a, b) FROM STDIN")) as copy:
        await now(copy.write("93\tfoo\n"))
        await now(copy.write(b"94\tb\\\\r\n"))
    async with inside(cur.copy("COPY w (a, b) FROM STDIN (FORMAT csv)")) as copy:
        await now(copy.write('95,"a,b\nc"\n'))
    async with inside(cur.copy("COPY w (a) FROM STDIN")) as copy:
        for number in range(20000, 30000):
            await now(copy.write_row((number,)))
    seen.append(cur.rowcount)
    await now(conn.commit())
    out = "COPY (SELECT a, b, c FROM w WHERE a BETWEEN %s AND 99 ORDER BY a) TO STDOUT"
    async with inside(cur.copy(out, (80,))) as copy:
        seen.append([shown(data) async for data in each(copy)])
    seen.append((cur.rowcount, cur.statusmessage))
    async with inside(cur.copy(out, (80,))) as copy:
        seen.append([row async for row in each(copy.rows())])
    async with inside(cur.copy(out, (80,))) as copy:
        copy.set_types(["int4", "text", "numeric"])
        seen.append([row async for row in each(copy.rows())])
    async with inside(cur.copy(f"{out} (FORMAT csv)", (80,))) as copy:
        while data := await now(copy.read()):
            seen.append(bytes(data))
    async with inside(cur.copy("COPY (SELECT a FROM w) TO STDOUT")) as copy:
        seen.append(len([row async for row in each(copy)]))
    await now(conn.commit())
    with pytest.raises(KeyError):
        async with inside(cur.copy("COPY w (a) FROM STDIN")) as copy:
            await now(copy.write_row((96,)))
            raise KeyError(1)
    seen.append(conn.info.transaction_status.name)
    await now(conn.rollback())
    for query in (
        *("COPY nope FROM STDIN", "COPY w (a) FROM STDIN", "COPY w (nope) FROM STDIN"),
        *("COPY nope TO STDOUT", "SELECT 1", "UPDATE w SET b = ''"),
    ):

        async def copied() -> None:
            async with inside(cur.copy(query)) as copy:  # noqa: B023
                await now(copy.write("zz\n"))

        seen.append((await attempted(copied), conn.info.transaction_status.name))
        await now(conn.rollback())
    await now(conn.close())
    return seen


# ---------------------------------------------------------------- compositions and pools


@same
async def test_compositions(lib: Side, uri: str) -> list[Any]:
    sql = lib.sql
    conn = await now(lib.connect(uri))
    query = sql.SQL("SELECT {f} FROM {t} WHERE {} > %s AND b LIKE {l} ORDER BY 1").format(
        sql.Identifier("a"),
        f=sql.SQL(", ").join(map(sql.Identifier, ["a", "b"])),
        t=sql.Identifier("public", "w"),
        l=sql.Literal("n%%"),
    )
    seen: list[Any] = [repr(query), query.as_string(conn), query.as_string(None)]
    seen.append((await now(conn.execute(query, (2,)))).fetchall())
    for value in VALUES:
        seen.append(await attempted(lambda: sql.Literal(on(lib, value)).as_string(conn)))  # noqa: B023
    three = sql.SQL(",").join([sql.Placeholder()] * 3)
    seen += [repr(three), three.as_string(conn), sql.Placeholder("x").as_string(conn)]
    seen += [(sql.SQL("x") * 3).join(", ").as_string(conn), sql.SQL("a") == sql.SQL("a")]
    seen.append((sql.SQL("a") + sql.Identifier('b"c')).as_string(conn))
    for wrong in (
        lambda: sql.SQL(1),
        sql.Identifier,
        lambda: sql.Identifier(1),
        lambda: sql.SQL("{:x}").format(1),
        lambda: sql.SQL("{} {0}").format(1),
        lambda: sql.Placeholder("a)"),
        lambda: sql.SQL("{}").format(),
    ):
        seen.append(await attempted(wrong))
    cur = lib.ClientCursor(conn)
    seen.append(cur.mogrify("SELECT %s, %s, '%%'", (1, "x'")))
    found = await now(cur.execute("SELECT %s, %s, %s", ("a", dt.date(2020, 1, 1), [1, 2])))
    seen.append(shown(found.fetchall()))
    await now(cur.execute("SET TIME ZONE %s", ("UTC",)))
    await now(conn.close())
    return seen


@same
async def test_pools(lib: Side, uri: str) -> list[Any]:
    seen: list[Any] = []
    pool = lib.ConnectionPool(uri, min_size=1, max_size=2, open=False, timeout=0.5, name="p")
    seen.append(await attempted(pool.getconn))
    await now(pool.open())
    await now(pool.wait())
    async with inside(pool.connection()) as conn:
        await now(conn.execute("INSERT INTO w (a) VALUES (300)"))
    with pytest.raises(KeyError):
        async with inside(pool.connection()) as conn:
            await now(conn.execute("INSERT INTO w (a) VALUES (301)"))
            raise KeyError(1)
    one, two = await now(pool.getconn()), await now(pool.getconn())
    seen.append(await attempted(pool.getconn))
    seen.append(await attempted(lambda: pool.getconn(timeout=0.2)))
    await now(one.execute("INSERT INTO w (a) VALUES (302)"))
    await now(pool.putconn(one))
    await now(two.close())
    await now(pool.putconn(two))
    async with inside(pool.connection()) as conn:
        seen.append((await now(conn.execute("SELECT count(*) FROM w"))).fetchone())
    seen.append(pool.closed)
    await now(pool.close())
    seen.append((pool.closed, await attempted(pool.getconn), await attempted(pool.open)))
    for sizes in ({"min_size": 3, "max_size": 2}, {"min_size": -1}, {"min_size": 0}):
        make = lambda: lib.ConnectionPool(uri, open=False, **sizes)  # noqa: E731, B023
        seen.append((await attempted(make))[:2])
    return seen


@same
async def test_a_pool_waits_for_a_server(lib: Side, uri: str) -> list[Any]:
    nowhere = "host=127.0.0.1 port=1 dbname=x user=y connect_timeout=2"
    pool = lib.ConnectionPool(nowhere, min_size=1, open=False, timeout=0.3, name="p")
    await now(pool.open())
    seen = [await attempted(pool.getconn), await attempted(lambda: pool.wait(timeout=0.3))]
    return [*seen, pool.closed]


# ---------------------------------------------------------------- any values


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.decimals(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.binary(max_size=8),
    st.dates(),
    st.datetimes(),
    st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1), timezones=st.just(UTC)),
    st.times(),
    st.timedeltas(dt.timedelta(-10000), dt.timedelta(10000)),
    st.uuids(),
    st.ip_addresses(),
)
ANY_VALUE = st.one_of(SCALARS, st.lists(SCALARS, max_size=4), st.lists(st.integers(), max_size=4))


@given(st.lists(st.tuples(st.sampled_from(PLACES), ANY_VALUE), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None)
def test_any_value_in_any_place(both: dict[str, Any], pairs: list[tuple[str, Any]]) -> None:
    async def scenario(lib: Side, uri: str) -> list[Any]:
        seen = []
        async with inside(await now(lib.connect(uri, autocommit=True))) as conn:
            await now(conn.execute("TRUNCATE v"))
            for statement, value in pairs:
                cur, values = conn.cursor(), [value] * statement.count("%")
                seen.append((statement, await attempted(lambda: cur.execute(statement, values))))  # noqa: B023
                if cur.description is not None:
                    seen.append((await attempted(cur.fetchall), cur.rowcount))
        return seen

    theirs = asyncio.run(scenario(THEIRS, both["theirs"]))
    ours = asyncio.run(scenario(OURS, both["ours"]))
    for our, their in zip(ours, theirs, strict=True):
        assert our == their
    assert dump(both["ours"]) == dump(both["theirs"])


@pytest.fixture(scope="module")
def both(postgres: Server) -> Iterator[dict[str, Any]]:
    with postgres.database() as theirs, postgres.database() as ours:
        for database in (theirs, ours):
            with psycopg.connect(database.uri, autocommit=True) as conn:
                conn.execute(TABLES)
        yield {"theirs": theirs.uri, "ours": ours.uri}
