"""What goes wrong in a migrated program is told to its handlers as it was told to the original's.

Each program runs as it is and migrated, in a database of its own.  Afterwards the tables are equal
and nothing is connected any more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.fuzz.postgres import CLAIMED
from tests.postgres_server import VARIABLE, Database, Server, dump, hold

from .never_awaited import watching

PRELUDE = '''\
import os
import signal
import sys
import time


def kind(error, *bases):
    """The class of an exception, its code, and which of the driver's handlers would get it."""
    code = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
    found = [base.__name__ for base in bases if isinstance(error, base)]
    return " ".join([type(error).__name__, str(code or ""), *found])


def stop_server():
    pid = int(os.environ["POSTMASTER"])
    os.kill(pid, signal.SIGQUIT)
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)


'''

SERVER_STOPPED = """\
def work(dsn):
    conn = {driver}.connect(dsn)
    cur = conn.cursor()
    cur.execute("CREATE TABLE t (a int)")
    conn.commit()
    cur.execute("INSERT INTO t VALUES (%s)", (1,))
    stop_server()
    for turn in range(2):
        try:
            cur.execute("INSERT INTO t VALUES (%s)", (2,))
        except {driver}.OperationalError as error:
            print(turn, "operational", kind(error, {driver}.DatabaseError, {driver}.Error))
        except {driver}.InterfaceError as error:
            print(turn, "interface", kind(error, {driver}.Error))
    print("closed", bool(conn.closed))
    try:
        conn.commit()
    except {driver}.Error as error:
        print("commit", kind(error, {driver}.OperationalError, {driver}.InterfaceError))
    try:
        conn.rollback()
    except {driver}.Error as error:
        print("rollback", kind(error, {driver}.OperationalError, {driver}.InterfaceError))
    conn.close()
    for turn in range(2):
        try:
            conn = {driver}.connect(dsn)
        except {driver}.OperationalError as error:
            print("again", kind(error, {driver}.Error))


def main():
    work(sys.argv[1])


if __name__ == "__main__":
    main()
"""

WITH_STOPPED = """\
def work(dsn):
    conn = {driver}.connect(dsn)
    with conn.cursor() as cur:
        cur.execute("CREATE TABLE t (a int)")
    conn.commit()
    try:
        with {block}:
            with conn.cursor() as cur:
                cur.execute("INSERT INTO t VALUES (%s)", (1,))
                stop_server()
                cur.execute("SELECT %s::int", (2,))
    except {driver}.InterfaceError as error:
        print("interface", kind(error, {driver}.Error))
    except {driver}.OperationalError as error:
        print("operational", kind(error, {driver}.Error))
    finally:
        conn.close()


def main():
    try:
        work(sys.argv[1])
    except {driver}.Error as error:
        print("from close", kind(error))


if __name__ == "__main__":
    main()
"""

TIMEOUTS = """\
def sleeping(conn):
    with conn.cursor() as cur:
        cur.execute("INSERT INTO t VALUES (%s)", (1,))
        cur.execute("SET LOCAL statement_timeout = '150ms'")
        cur.execute("SELECT pg_sleep(%s)", (20,))
        return cur.fetchone()


def locked(dsn, conn):
    other = {driver}.connect(dsn)
    try:
        with other.cursor() as cur:
            cur.execute("SET lock_timeout = '150ms'")
            cur.execute("LOCK TABLE t")
    finally:
        other.close()


def terminated(dsn, conn):
    other = {driver}.connect(dsn)
    other.autocommit = True
    with conn.cursor() as cur:
        cur.execute("INSERT INTO t VALUES (%s)", (3,))
        cur.execute("SELECT pg_backend_pid()")
        pid = cur.fetchone()[0]
        with other.cursor() as killer:
            killer.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            print("terminated", killer.fetchone()[0])
        other.close()
        cur.execute("INSERT INTO t VALUES (%s)", (4,))


def conflict(dsn, conn):
    other = {driver}.connect(dsn)
    try:
        for one in (conn, other):
            with one.cursor() as cur:
                cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cur.execute("SELECT count(*) FROM t")
                print(cur.fetchone()[0])
        with other.cursor() as cur:
            cur.execute("UPDATE t SET a = a + 1")
        other.commit()
        with conn.cursor() as cur:
            cur.execute("UPDATE t SET a = a + 1")
    finally:
        other.close()


def main():
    dsn = sys.argv[1]
    conn = {driver}.connect(dsn)
    with conn.cursor() as cur:
        cur.execute("CREATE TABLE t (a int)")
        cur.execute("INSERT INTO t VALUES (0)")
    conn.commit()
    try:
        sleeping(conn)
    except {driver}.errors.QueryCanceled as error:
        print("canceled", kind(error, {driver}.OperationalError, {driver}.DatabaseError))
    try:
        sleeping(conn)
    except {driver}.Error as error:
        print("then", kind(error, {driver}.errors.InFailedSqlTransaction, {driver}.InternalError))
    conn.rollback()
    with conn.cursor() as cur:
        cur.execute("INSERT INTO t VALUES (%s)", (2,))
    try:
        locked(dsn, conn)
    except {driver}.OperationalError as error:
        print("locked", kind(error, {driver}.errors.LockNotAvailable))
    conn.commit()
    try:
        conflict(dsn, conn)
    except {driver}.OperationalError as error:
        print("conflict", kind(error, {driver}.errors.SerializationFailure))
    conn.rollback()
    try:
        terminated(dsn, conn)
    except {driver}.OperationalError as error:
        print("terminated", kind(error, {driver}.DatabaseError))
    except {driver}.InterfaceError as error:
        print("terminated, interface", kind(error))
    print("closed", bool(conn.closed))
    conn.close()


if __name__ == "__main__":
    main()
"""

POOLS = {
    "psycopg2": """\
from psycopg2 import pool


def use(connections):
    first = connections.getconn()
    second = connections.getconn()
    try:
        third = connections.getconn()
        print("no", third)
    except pool.PoolError as error:
        print("exhausted", kind(error, psycopg2.Error))
    with first.cursor() as cur:
        cur.execute("CREATE TABLE t (a int)")
    first.commit()
    with second.cursor() as cur:
        cur.execute("INSERT INTO t VALUES (%s)", (1,))
    connections.putconn(second)
    again = connections.getconn()
    with again.cursor() as cur:
        cur.execute("SELECT count(*) FROM t")
        print("not committed", cur.fetchone())
        cur.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND backend_type = 'client backend'")
        print("connected", cur.fetchone())
        try:
            cur.execute("SELECT 1/0")
        except psycopg2.DataError as error:
            print(kind(error))
    connections.putconn(again)
    connections.putconn(first)
    last = connections.getconn()
    with last, last.cursor() as cur:
        cur.execute("INSERT INTO t VALUES (%s)", (2,))
    connections.putconn(last)


def main():
    connections = pool.SimpleConnectionPool(1, 2, sys.argv[1])
    try:
        use(connections)
    finally:
        connections.closeall()


if __name__ == "__main__":
    main()
""",
    "psycopg": """\
from psycopg_pool import ConnectionPool, PoolTimeout


def use(connections):
    with connections.connection() as first:
        first.execute("CREATE TABLE t (a int)")
        with connections.connection() as second:
            second.execute("SELECT 1")
            try:
                with connections.connection(timeout=0.2) as third:
                    print("no", third)
            except PoolTimeout as error:
                print("exhausted", kind(error, psycopg.OperationalError, psycopg.Error))
    try:
        with connections.connection() as conn:
            conn.execute("INSERT INTO t VALUES (%s)", (1,))
            conn.execute("SELECT 1/0")
    except psycopg.DataError as error:
        print(kind(error))
    with connections.connection() as conn:
        print("rolled back", conn.execute("SELECT count(*) FROM t").fetchone())
        conn.execute("INSERT INTO t VALUES (%s)", (2,))
    with connections.connection() as conn:
        print("committed", conn.execute("SELECT a FROM t").fetchall())
        print(
            "connected",
            conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend'"
            ).fetchone(),
        )


def main():
    with ConnectionPool(sys.argv[1], min_size=1, max_size=2, timeout=5) as connections:
        use(connections)


if __name__ == "__main__":
    main()
""",
}

BLOCKS = {"psycopg2": "conn", "psycopg": "conn.transaction()"}


@dataclass(frozen=True)
class Ran:
    status: int
    output: str
    errors: str
    never_awaited: list[str]


def written(folder: Path, driver: str, text: str) -> Path:
    folder.mkdir()
    names = {"driver": driver, "block": BLOCKS[driver]}
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    extra = "import psycopg2.errors\n" if driver == "psycopg2" else ""
    (folder / "main.py").write_text(f"{PRELUDE}import {driver}\n{extra}\n\n{text}")
    return folder


def migrated(folder: Path, driver: str, target: str, text: str) -> Path:
    written(folder, driver, text)
    command = [sys.executable, "-m", "asyncshift", "apply", "--yes", *CLAIMED[driver, target]]
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "async def main" in (folder / "main.py").read_text(), done.stderr
    return folder


def run(folder: Path, uri: str, pid: int = 0, script: str = "main.py") -> Ran:
    with watching() as watch:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        done = subprocess.run(
            [sys.executable, "-W", "error", script, uri],
            cwd=folder,
            env=watch.environment({**kept, "PYTHONDONTWRITEBYTECODE": "1", "POSTMASTER": str(pid)}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr, watch.seen())


def connected(server: Server, database: Database) -> int:
    """Clients of a database that are still there after a moment."""
    with psycopg.connect(server.uri, autocommit=True) as connection:
        for _ in range(100):
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (database.name,)
            ).fetchone()
            assert row is not None
            if not row[0]:
                return 0
            time.sleep(0.02)
        return int(row[0])


@pytest.mark.parametrize(("driver", "target"), CLAIMED)
@pytest.mark.parametrize("text", [SERVER_STOPPED, WITH_STOPPED], ids=["statements", "block"])
def test_the_server_is_stopped(
    text: str, driver: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    runs = []
    for folder in (
        written(tmp_path / "before", driver, text),
        migrated(tmp_path / "after", driver, target, text),
    ):
        with hold() as server:
            runs.append(run(folder, server.uri, server.pid))
    same(*runs)


@pytest.mark.parametrize(("driver", "target"), CLAIMED)
@pytest.mark.parametrize("kind", ["timeouts", "pool"])
def test_what_the_server_refuses(
    driver: str, kind: str, target: str, tmp_path: Path, postgres: Server
) -> None:
    text = TIMEOUTS if kind == "timeouts" else POOLS[driver]
    runs, tables = [], []
    for folder in (
        written(tmp_path / "before", driver, text),
        migrated(tmp_path / "after", driver, target, text),
    ):
        with postgres.database() as database:
            runs.append(run(folder, database.uri))
            assert connected(postgres, database) == 0
            tables.append(dump(database.uri))
    same(*runs)
    assert tables[0] == tables[1]
    assert tables[0], "the original made no table"


def same(old: Ran, new: Ran) -> None:
    assert (old.status, old.errors) == (0, "")
    assert new.output == old.output, new.errors
    assert (new.status, new.errors) == (0, "")
    assert not new.never_awaited


CANCELLED = '''\
def transfer(conn, amount):
    """Two rows or none."""
    with {block}:
        with conn.cursor() as cur:
            cur.execute("INSERT INTO t VALUES (%s)", (amount,))
            cur.execute("SELECT count(*) FROM t")
            cur.fetchone()
            cur.execute("INSERT INTO t VALUES (%s)", (-amount,))
    return amount


def by_hand(conn, amount):
    cur = conn.cursor()
    try:
        cur.execute("INSERT INTO t VALUES (%s)", (amount,))
        cur.execute("SELECT pg_sleep(%s)", (0.001,))
        cur.execute("INSERT INTO t VALUES (%s)", (-amount,))
    except BaseException:
        conn.rollback()
        raise
    conn.commit()
    return amount


def opened(dsn):
    return {driver}.connect(dsn)


def closed(conn):
    conn.close()


def main():
    conn = opened(sys.argv[1])
    transfer(conn, 1)
    by_hand(conn, 2)
    closed(conn)


if __name__ == "__main__":
    main()
'''

CANCELS = '''\
import asyncio
import sys

import main


async def cancelled(work, conn, amount, turns):
    """Whether the task was cancelled, after some turns of the loop."""
    task = asyncio.create_task(work(conn, amount))
    for _ in range(turns):
        await asyncio.sleep(0.0002 if turns % 2 else 0)
    task.cancel()
    try:
        assert await task == amount
    except asyncio.CancelledError:
        return True
    return False


async def run(dsn):
    conn = await main.opened(dsn)
    await main.transfer(conn, 1)
    kept, gone = [1], []
    for number, turns in enumerate(range(0, 60), 2):
        for work, amount in ((main.transfer, number), (main.by_hand, number + 1000)):
            (gone if await cancelled(work, conn, amount, turns) else kept).append(amount)
            await main.by_hand(conn, amount + 10000)  # the connection goes on
            kept.append(amount + 10000)
    await main.closed(conn)
    print(sorted(kept), sorted(gone), sep="\\n")


asyncio.run(run(sys.argv[1]))
'''


@pytest.mark.parametrize(("driver", "target"), CLAIMED)
def test_a_cancelled_task_leaves_nothing_of_its_transaction(
    driver: str, target: str, tmp_path: Path, database: Database, postgres: Server
) -> None:
    folder = migrated(tmp_path / "after", driver, target, CANCELLED)
    (folder / "cancels.py").write_text(CANCELS)
    with psycopg.connect(database.uri) as connection:
        connection.execute("CREATE TABLE t (a int)")
    ran = run(folder, database.uri, script="cancels.py")
    assert (ran.status, ran.errors, ran.never_awaited) == (0, "", [])
    assert connected(postgres, database) == 0
    kept, gone = (
        [int(word) for word in line.strip("[]").split(", ") if word]
        for line in ran.output.splitlines()
    )
    with psycopg.connect(database.uri) as connection:
        rows = sorted(row[0] for row in connection.execute("SELECT a FROM t").fetchall())
    assert len(gone) > 10, "hardly a task was cancelled"
    whole = {abs(row) for row in rows}
    assert rows == sorted([*whole, *(-amount for amount in whole)]), "a half, or one twice"
    assert set(kept) <= whole, "a commit is lost"
