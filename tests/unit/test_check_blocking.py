"""What blocks the event loop, through how many functions ever, and what only looks as if."""

from __future__ import annotations

import pytest

from tests.unit.checking import findings, found
from tests.unit.graphs import source

CHAINS = {
    "aliased import": """
        import time as clock
        def wait(): clock.sleep(1)
        """,
    "from import": """
        from time import sleep as nap
        def wait(): nap(1)
        """,
    "session of an object": """
        import requests
        class Api:
            def __init__(self): self.session = requests.Session()
            def get(self): return self.session.get("u")
        def wait(): return Api().get()
        """,
    "cached function": """
        import functools, time
        @functools.lru_cache(maxsize=None)
        def slow(): time.sleep(1)
        def wait(): slow()
        """,
    "retry decorator of the project": """
        import functools, time
        def retry(times):
            def decorate(f):
                @functools.wraps(f)
                def wrapper(*args):
                    return f(*args)
                return wrapper
            return decorate
        @retry(3)
        def slow(): time.sleep(1)
        def wait(): slow()
        """,
    "retry decorator of a library": """
        import tenacity, time
        @tenacity.retry(stop=3)
        def slow(): time.sleep(1)
        def wait(): slow()
        """,
    "partial": """
        import functools, time
        def slow(n): time.sleep(n)
        def wait(): functools.partial(slow, 1)()
        """,
    "lambda": """
        import time
        def wait():
            f = lambda: time.sleep(1)
            f()
        """,
    "property": """
        import time
        class A:
            @property
            def slow(self): time.sleep(1)
        def wait(): return A().slow
        """,
    "context manager": """
        import contextlib, time
        @contextlib.contextmanager
        def slow():
            time.sleep(1)
            yield
        def wait():
            with slow(): pass
        """,
    "generator": """
        import time
        def slow():
            time.sleep(1)
            yield 1
        def wait(): return list(slow())
        """,
    "callback": """
        import time
        def apply(f): return f()
        def slow(): time.sleep(1)
        def wait(): apply(slow)
        """,
    "sort key": """
        import time
        def slow(x): time.sleep(1)
        def wait(): return sorted([1], key=slow)
        """,
    "subprocess": """
        import subprocess
        def wait(): subprocess.run(["ls"])
        """,
    "urllib": """
        from urllib.request import urlopen
        def wait(): return urlopen("u")
        """,
    "input": """
        def wait(): return input()
        """,
    "a process": """
        import subprocess
        def wait():
            process = subprocess.Popen(["ls"])
            return process.communicate()
        """,
    "a database": """
        import sqlite3
        def wait(): return sqlite3.connect("x")
        """,
    "a statement": """
        import sqlite3
        class Store:
            def __init__(self, db: sqlite3.Connection): self.db = db
            def wait(self): return self.db.execute("select 1")
        def wait(store: Store): return store.wait()
        """,
    "mail": """
        import smtplib
        def wait(): return smtplib.SMTP("host")
        """,
    "sockets": """
        import socket
        def wait(): return socket.create_connection(("a", 1))
        """,
}


@pytest.mark.parametrize("case", CHAINS)
def test_blocking_four_functions_below(case: str) -> None:
    text = source(CHAINS[case]).text + (
        "def two(*args): return wait(*args)\n"
        "def three(): return two()\n"
        "async def main(): return three()\n"
    )
    (finding,) = findings(text)
    assert finding.rule == "blocks-loop"
    assert [step.name for step in finding.chain][:3] == ["main", "three", "two"]


THREADS = {
    "to_thread": "await asyncio.to_thread(slow)",
    "executor": "await asyncio.get_running_loop().run_in_executor(None, slow)",
    "pool": "with ThreadPoolExecutor() as pool: pool.submit(slow)",
    "pool map": "with ThreadPoolExecutor() as pool: list(pool.map(slow, [1]))",
    "thread": "threading.Thread(target=slow).start()",
    "lambda in a thread": "await asyncio.to_thread(lambda: slow(1))",
    "mentioned": "return slow",
    "another async function": "await inner()",
}


@pytest.mark.parametrize("case", THREADS)
def test_a_thread_in_between(case: str) -> None:
    body = THREADS[case]
    assert not found(
        f"""
        import asyncio, threading, time
        from concurrent.futures import ThreadPoolExecutor
        def slow(n=1): time.sleep(n)
        async def inner(): await asyncio.sleep(1)
        async def main():
            {body}
        """
    )


QUICK = {
    "httpx, async": "await httpx.AsyncClient().get('u')",
    "a process, started and left": "subprocess.Popen(['ls'])",
    "a response's json": "httpx.Response(200).json()",
    "a thread-local": "threading.local()",
    "pure": "shutil.which('ls')",
}


@pytest.mark.parametrize("case", QUICK)
def test_what_does_not_wait(case: str) -> None:
    body = QUICK[case]
    assert not found(
        f"""
        import httpx, shutil, subprocess, threading
        async def main():
            {body}
        """
    )


def test_sync_programs_may_block() -> None:
    assert not found("import time\ndef main(): time.sleep(1)\nmain()\n")


def test_an_awaited_twin_is_meant() -> None:
    assert not found(
        """
        import time
        class Sync:
            def get(self): time.sleep(1)
        class Async:
            async def get(self): ...
        async def main(flag):
            client = Sync() if flag else Async()
            await client.get()
        """
    )


def test_one_place_is_one_finding_whoever_reaches_it() -> None:
    callers = "\n".join(f"async def main{n}(): hub()" for n in range(30))
    (finding,) = findings(f"import time\ndef hub(): time.sleep(1)\n{callers}\n")
    assert (finding.line, len(finding.also)) == (2, 29)


def test_the_nearest_async_function_is_named() -> None:
    (finding,) = findings(
        """
        import time
        def slow(): time.sleep(1)
        async def near(): slow()
        async def far(): await near()
        """
    )
    assert [step.name for step in finding.chain] == ["near", "slow"]
    assert not finding.also


def test_a_runner_inside_a_running_loop() -> None:
    assert found(
        """
        import asyncio
        async def fetch(): ...
        def sync(): return asyncio.run(fetch())
        async def main(): return sync()
        def plain(): return sync()
        """
    ) == ["4 nested-loop"]


BRIDGES = """
        import asyncio
        from _run_sync import enter_sync, in_thread, iter_sync, run_sync
        from contextlib import asynccontextmanager
        async def fetch_async(u): ...
        async def rows_async():
            yield 1
        @asynccontextmanager
        async def opened_async():
            yield 1
        def fetch(u):
            'Get one.'
            return run_sync(fetch_async(u))
        def rows():
            return iter_sync(rows_async())
        def opened():
            return enter_sync(opened_async())
        def below(u): return fetch(u)
        def looped():
            for row in iter_sync(rows_async()): print(row)
        def entered():
            with enter_sync(opened_async()) as one: print(one)
        """

IN_ASYNC = {
    "facade": ("fetch(1)", "13 bridge-in-async"),
    "facade, deeper": ("below(1)", "13 bridge-in-async"),
    "facade of a generator": ("for row in rows(): print(row)", "15 bridge-in-async"),
    "facade of a context manager": ("with opened(): pass", "17 bridge-in-async"),
    "bridge": ("run_sync(fetch_async(1))", "24 bridge-in-async"),
    "loop": ("looped()", "20 bridge-in-async"),
    "with": ("entered()", "22 bridge-in-async"),
}


@pytest.mark.parametrize("case", IN_ASYNC)
def test_a_bridge_below_async_code(case: str) -> None:
    body, expected = IN_ASYNC[case]
    assert found(f"{BRIDGES}async def main():\n            {body}\n") == [expected]


OFF_LOOP = (
    "await asyncio.to_thread(below, 1)",
    "await in_thread(fetch, 1)",
    "await fetch_async(1)",
)


@pytest.mark.parametrize("body", OFF_LOOP)
def test_a_bridge_in_a_thread_is_right(body: str) -> None:
    assert not found(f"{BRIDGES}async def main():\n            {body}\n")


def test_bridges_in_sync_code_are_right() -> None:
    assert not found(BRIDGES)
