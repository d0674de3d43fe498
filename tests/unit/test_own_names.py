"""A user's table may name what the project defines itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift.cli import run

LEGACY = """
import time


def compute(n):
    time.sleep(0)
    return n


class Client:
    def __init__(self, url):
        self.url = url

    def fetch(self, n):
        time.sleep(0)
        return n

    def __len__(self):
        return 1


class AsyncClient:
    def __init__(self, url):
        self.url = url

    async def fetch(self, n):
        return n


def turned(n):
    return n + 1


class Step:
    def go(self):
        return 1


class Jump(Step):
    def go(self):
        return 2
"""
USE = """
from shop import legacy
from shop.legacy import Client, compute, turned


class Job:
    def __init__(self, hook):
        self.hook = hook
        self.other = hook

    def run(self):
        return self.hook(3)

    def plain(self):
        return self.other(3)


def main():
    c = Client("u")
    return {expression}


def each(step: legacy.Step):
    return step.go()
"""


def migrated(folder: Path, table: str, expression: str = "1") -> tuple[str, str]:
    """The two files after a step over everything with the table."""
    package = folder / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "legacy.py").write_text(LEGACY)
    (package / "use.py").write_text(USE.replace("{expression}", expression))
    (folder / "own.toml").write_text(f'[codemod]\nname = "own"\n{table}')
    options = ["--only", "own", "--table", str(folder / "own.toml"), "--jobs", "1", "--yes"]
    assert run(["apply", str(folder), *options]) == 0
    return (package / "legacy.py").read_text(), (package / "use.py").read_text()


CLIENT = '[classes."shop.legacy.Client"]\nto = "shop.legacy.AsyncClient"\nawaited = ["fetch"]\n'


def test_a_class_with_a_twin_is_used_as_its_twin_and_stays_itself(tmp_path: Path) -> None:
    legacy, use = migrated(tmp_path, CLIENT, "c.fetch(1)")
    assert legacy == LEGACY
    assert 'c = legacy.AsyncClient("u")' in use
    assert "return await c.fetch(1)" in use
    assert "async def main():" in use


def test_a_function_without_a_twin_goes_to_a_thread(tmp_path: Path) -> None:
    table = '[blocking]\nfunctions = ["shop.legacy.compute"]\n[functions."shop.legacy.turned"]\n'
    legacy, use = migrated(tmp_path, table, "turned(compute(2))")
    assert legacy == LEGACY.replace("def turned", "async def turned")
    assert "return await turned(await asyncio.to_thread(compute, 2))" in use


def test_a_function_turns_where_it_stands(tmp_path: Path) -> None:
    legacy, use = migrated(tmp_path, '[functions."shop.legacy.turned"]\n', "turned(4)")
    assert legacy == LEGACY.replace("def turned", "async def turned")
    assert "return await turned(4)" in use


def test_overrides_turn_with_it(tmp_path: Path) -> None:
    legacy, use = migrated(tmp_path, '[functions."shop.legacy.Step.go"]\n')
    assert legacy == LEGACY.replace("def go", "async def go")
    assert "return await step.go()" in use


def test_an_attribute_that_holds_a_callback_is_awaited(tmp_path: Path) -> None:
    legacy, use = migrated(tmp_path, '[classes."shop.use.Job"]\ncallbacks = ["hook"]\n')
    assert legacy == LEGACY
    assert "return await self.hook(3)" in use
    assert "return self.other(3)" in use


def test_a_parameter_that_is_a_callback_is_awaited(tmp_path: Path) -> None:
    text = LEGACY + "\n\ndef apply(f, g):\n    return f(1), g(1)\n"
    package = tmp_path / "lone"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "m.py").write_text(text)
    (tmp_path / "own.toml").write_text(
        '[codemod]\nname = "own"\n[functions."lone.m.apply"]\ncallbacks = ["f"]\n'
    )
    options = ["--only", "own", "--table", str(tmp_path / "own.toml"), "--jobs", "1", "--yes"]
    assert run(["apply", str(tmp_path), *options]) == 0
    assert "return await f(1), g(1)" in (package / "m.py").read_text()


@pytest.mark.parametrize(
    ("table", "expression"),
    [
        ("", "turned(compute(2))"),
        ('[functions."shop.other.turned"]\n', "turned(4)"),
        ('[functions."elsewhere.turned"]\n', "turned(4)"),
        (CLIENT, "c.url"),
        ('[blocking]\nfunctions = ["shop.legacy.compute"]\n', "compute(2)"),
    ],
    ids=["no row", "another module", "another package", "nothing awaited", "sync callers only"],
)
def test_nothing_changes(tmp_path: Path, table: str, expression: str) -> None:
    legacy, use = migrated(tmp_path, table, expression)
    assert (legacy, use) == (LEGACY, USE.replace("{expression}", expression))


def test_a_name_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    migrated(tmp_path, '[functions."shop.legacy.gone"]\n[functions."shop.legacy.turned"]\n')
    told = " ".join(capsys.readouterr().err.split())
    assert "a table names shop.legacy.gone, but no function or class of that name" in told
    assert "shop.legacy.turned" not in told


def test_a_function_that_cannot_turn_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    legacy, _ = migrated(tmp_path, '[functions."shop.legacy.Client.__len__"]\n')
    assert legacy == LEGACY
    told = " ".join(capsys.readouterr().err.split())
    assert "a table says that Client.__len__ turns, but it stays sync" in told


KINDS = """
[functions."outer.gather"]
to = "outer.agather"
[classes."outer.Conn"]
awaited = ["close"]
[classes."outer.Queue"]
awaited = ["get"]
[functions."outer.connect"]
to = "outer.aconnect"
returns = "outer.Conn"
"""


@pytest.mark.parametrize(
    ("kept", "moves"),
    [
        ("outer.gather()", True),
        ("hand_on(outer.Queue())", True),
        ("hand_on(outer.Conn())", False),
        ("hand_on(outer.connect())", False),
        ("outer.connect().close()", False),
    ],
)
def test_a_value_from_outside_follows_clients_of_its_own_kind(
    tmp_path: Path, kept: str, moves: bool
) -> None:
    """Somewhere a client of the table has to stay; is a connection given by others one of them?"""
    package = tmp_path / "lone"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "m.py").write_text(
        "import outer\nfrom elsewhere import hand_on\n\n\nclass Job:\n"
        f"    def __del__(self):\n        {kept}\n\n\n"
        "def end(conn: outer.Conn):\n    conn.close()\n"
    )
    (tmp_path / "own.toml").write_text(f'[codemod]\nname = "own"\n{KINDS}')
    options = ["--only", "own", "--table", str(tmp_path / "own.toml"), "--jobs", "1", "--yes"]
    assert run(["apply", str(tmp_path), *options]) == 0
    text = (package / "m.py").read_text()
    assert ("    await conn.close()" in text) is moves


REPLIES = """
class Stream:
    def read(self):
        return b""


class Reply:
    def __init__(self, extras=None):
        self.extras = {} if extras is None else extras

    def close(self):
        pass

    def stream(self):
        return self.extras["stream"]


def open_stream(n):
    return Stream()


async def aopen_stream(n):
    return Stream()


def handle():
    return Reply(extras={"stream": Stream(), "status": 200})


def by_key():
    return handle().extras["stream"].read()


def by_method():
    return handle().stream().read()


def by_function():
    return open_stream(3).read()


def by_another_key():
    return handle().extras["status"].read()


def done():
    handle().close()
"""


@pytest.mark.parametrize(
    ("name", "awaited"),
    [
        ("by_key", 'return await handle().extras["stream"].read()'),
        ("by_method", "return await handle().stream().read()"),
        ("by_function", "return await (await aopen_stream(3)).read()"),
        ("by_another_key", ""),
        ("done", "await handle().aclose()"),
    ],
)
def test_what_a_row_does_not_name_is_as_in_any_class(
    tmp_path: Path, name: str, awaited: str
) -> None:
    (tmp_path / "m.py").write_text(REPLIES)
    (tmp_path / "own.toml").write_text(
        '[codemod]\nname = "own"\n[functions."m.Stream.read"]\n'
        '[functions."m.open_stream"]\nto = "m.aopen_stream"\n'
        '[classes."m.Reply"]\nawaited = ["close"]\nrename = { close = "aclose" }\n'
    )
    options = ["--only", "own", "--table", str(tmp_path / "own.toml"), "--jobs", "1", "--yes"]
    assert run(["apply", str(tmp_path), *options]) == 0
    text = (tmp_path / "m.py").read_text()
    assert (f"async def {name}(" in text) is bool(awaited)
    assert awaited in text


TWINS = """
import threading


class Util:
    @staticmethod
    def callback(cb, n):
        return cb(n)


class Lock:
    def __init__(self):
        self._lock = threading.Lock()

    def __enter__(self):
        self._lock.acquire()
        return self

    def __exit__(self, *args):
        self._lock.release()


class Pipe:
    def __init__(self, conn):
        self.conn = conn

    def __enter__(self):
        with self.conn.lock:
            self.conn.wait(1)
        return self

    def __exit__(self, *args):
        self.conn.wait(2)
"""
CONN = """
import time

from pair.twins import Lock, Pipe, Util


def hook(n):
    time.sleep(n)
    return n


def other(n):
    time.sleep(n)
    return n


class Conn:
    def __init__(self):
        self.lock = Lock()

    def wait(self, n):
        time.sleep(n)
        with self.lock:
            return n

    def both(self):
        with Pipe(self):
            return Util.callback(hook, 3)

    def __len__(self):
        return Util.callback(other, 3)


class Rows:
    def __init__(self, stream):
        self.stream = stream


def plain_rows():
    yield 1


def read(rows: Rows):
    rows.stream = plain_rows()
    for row in rows.stream:
        print(row)
"""
TWIN_TABLE = """
[functions."time.sleep"]
to = "asyncio.sleep"
[classes."pair.twins.Util"]
awaited = ["callback"]
[classes."pair.twins.Lock"]
async_with = true
[classes."pair.twins.Pipe"]
async_with = true
"""


def test_what_stands_inside_of_a_twin_holds_nothing_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`Pipe` uses the lock and the connection in sync code: that is its twin's business."""
    package = tmp_path / "pair"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "twins.py").write_text(TWINS)
    (package / "conn.py").write_text(CONN)
    (tmp_path / "own.toml").write_text(f'[codemod]\nname = "own"\n{TWIN_TABLE}')
    options = ["--only", "own", "--table", str(tmp_path / "own.toml"), "--jobs", "1", "--yes"]
    assert run(["apply", str(tmp_path), *options]) == 0
    text = (package / "conn.py").read_text()
    assert (package / "twins.py").read_text() == TWINS
    assert "        async with self.lock:" in text
    assert "        async with Pipe(self):\n            return await Util.callback(hook, 3)" in text
    assert "async def hook(n):" in text
    assert "\ndef other(n):" in text, "its caller stays sync"
    told = " ".join(capsys.readouterr().err.split())
    assert "pair.twins.Util.callback is handed hook, which it has to await now" in told
    assert "is handed other" not in told
    assert "the uses of pair.twins.Pipe move to its twin" in told


@pytest.mark.parametrize(
    ("rename", "moves"), [("", True), ('to = "outer.AsyncConn"\n', False)], ids=["same", "another"]
)
def test_an_object_that_stays_itself_may_be_handed_on(
    tmp_path: Path, rename: str, moves: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.py").write_text(
        "import pickle\n\nimport outer\n\n\n"
        "def end():\n    conn = outer.Conn()\n    pickle.dumps(conn)\n    conn.close()\n"
    )
    (tmp_path / "own.toml").write_text(
        f'[codemod]\nname = "own"\n[classes."outer.Conn"]\n{rename}awaited = ["close"]\n'
    )
    options = ["--only", "own", "--table", str(tmp_path / "own.toml"), "--jobs", "1", "--yes"]
    assert run(["apply", str(tmp_path), *options]) == 0
    assert ("    await conn.close()" in (tmp_path / "m.py").read_text()) is moves
    told = capsys.readouterr().err
    assert ("pickle.dumps is handed an object whose methods are awaited now" in told) is moves


@pytest.mark.parametrize(
    ("body", "turns"),
    [
        ("    for row in reply.rows:\n        print(row)\n", True),
        ("    rows = [1]\n    for row in rows or reply.rows:\n        print(row)\n", False),
    ],
    ids=["generator", "list"],
)
def test_generators_at_a_place_that_iterates_asynchronously_turn(
    tmp_path: Path, body: str, turns: bool
) -> None:
    """A generator that does not block turns where the other thing there is an async iterator."""
    text = (
        "import outer\n\n\nclass Holder:\n    def __init__(self, reply: outer.Reply):\n"
        "        self.rows = fake() if reply is None else reply.rows\n\n\n"
        f"def fake():\n    yield 1\n\n\ndef read(reply: Holder):\n{body}\n\n"
        "def main():\n    read(Holder(outer.Reply()))\n"
    )
    (tmp_path / "m.py").write_text(text)
    (tmp_path / "own.toml").write_text(
        '[codemod]\nname = "own"\n[classes."outer.Reply"]\nawaited = ["close"]\n'
        'attributes = { rows = "outer.Rows" }\n[classes."outer.Rows"]\nasync_for = true\n'
    )
    options = ["--only", "own", "--table", str(tmp_path / "own.toml"), "--jobs", "1", "--yes"]
    assert run(["apply", str(tmp_path), *options]) == 0
    new = (tmp_path / "m.py").read_text()
    assert ("async def fake" in new) is turns
    assert ("async for row in reply.rows:" in new) is turns
    assert turns or new == text
