"""The generated bridge module, executed: loops, threads, signals, forks."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import contextvars
import os
import subprocess
import sys
import textwrap
import threading
import types
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncshift.rewrite import bridge_source

KEY = "_home_loop_of_run_sync"
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


def load(name: str = "_run_sync") -> Any:
    module = types.ModuleType(name)
    exec(compile(bridge_source(), f"{name}.py", "exec"), module.__dict__)
    return module


@pytest.fixture
def bridge() -> Iterator[Any]:
    yield load()
    home = sys.__dict__.pop(KEY, None)
    for loop in home["loops"] if home else ():
        loop.call_soon_threadsafe(loop.stop)


async def double(x: int) -> int:
    await asyncio.sleep(0)
    return 2 * x


def test_it_is_self_contained_and_speaks_python_3_9() -> None:
    tree = ast.parse(bridge_source(), feature_version=(3, 9))
    tops = {
        (node.module or "").partition(".")[0] if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert tops <= sys.stdlib_module_names
    assert ast.get_docstring(tree)
    assert len(bridge_source().splitlines()) < 150


def test_results_and_exceptions_come_back(bridge: Any) -> None:
    async def fails() -> None:
        raise KeyError("no")

    assert bridge.run_sync(double(2)) == 4
    with pytest.raises(KeyError, match="no"):
        bridge.run_sync(fails())


def test_any_awaitable_will_do(bridge: Any) -> None:
    class Later:
        def __await__(self) -> Iterator[Any]:
            return double(3).__await__()

    assert bridge.run_sync(Later()) == 6


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_what_would_stop_the_loop_reaches_the_caller(
    bridge: Any, kind: type[BaseException]
) -> None:
    async def leave() -> None:
        raise kind

    with pytest.raises(kind):
        bridge.run_sync(leave())
    assert bridge.run_sync(double(1)) == 2


def test_all_modules_of_a_process_share_one_loop(bridge: Any) -> None:
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    first = bridge.run_sync(loop())
    assert load("another").run_sync(loop()) is first
    assert bridge.run_sync(loop()) is first


def test_the_entry_points_loop_is_preferred_while_it_runs(bridge: Any) -> None:
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def main() -> None:
        mine = asyncio.get_running_loop()
        assert await asyncio.to_thread(bridge.run_sync, loop()) is mine

    before = bridge.run_sync(loop())
    bridge.run(main())
    assert bridge.run_sync(loop()) is before


def test_on_the_loops_own_thread_it_raises_instead_of_hanging(bridge: Any) -> None:
    async def rows() -> AsyncIterator[int]:
        yield 1

    async def main() -> None:
        with pytest.raises(RuntimeError, match="await instead"):
            bridge.run_sync(double(1))
        with pytest.raises(RuntimeError, match="await instead"):
            list(bridge.iter_sync(rows()))
        with pytest.raises(RuntimeError, match="running already"):
            bridge.run(double(1))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bridge.run(main())


def test_context_variables_are_seen_and_not_changed(bridge: Any) -> None:
    async def swap() -> str:
        old = VARIABLE.get()
        VARIABLE.set("inside")
        return old

    token = VARIABLE.set("outside")
    try:
        assert bridge.run_sync(swap()) == "outside"
        assert VARIABLE.get() == "outside"
    finally:
        VARIABLE.reset(token)


def test_iteration_is_lazy_and_in_one_task(bridge: Any) -> None:
    log: list[object] = []

    async def rows() -> AsyncIterator[int]:
        token = VARIABLE.set("row")
        task = asyncio.current_task()
        try:
            for n in range(3):
                log.append(n)
                yield n
                assert asyncio.current_task() is task
        finally:
            VARIABLE.reset(token)
            log.append("closed")

    iterator = bridge.iter_sync(rows())
    assert log == []
    assert next(iterator) == 0
    assert log == [0]
    assert list(iterator) == [1, 2]
    assert log == [0, 1, 2, "closed"]


def test_leaving_an_iteration_early_closes_the_generator(bridge: Any) -> None:
    log: list[str] = []

    async def rows() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            log.append("closed")

    for _ in bridge.iter_sync(rows()):
        break
    assert log == ["closed"]


def test_an_exception_in_an_iteration(bridge: Any) -> None:
    async def rows() -> AsyncIterator[int]:
        yield 1
        raise KeyError("row")

    iterator = bridge.iter_sync(rows())
    assert next(iterator) == 1
    with pytest.raises(KeyError):
        next(iterator)


def test_a_block_is_held_open_in_one_task(bridge: Any) -> None:
    log: list[object] = []

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[int]:
        task = asyncio.current_task()
        try:
            yield 7
        except KeyError as error:
            log.append(repr(error))
        finally:
            assert asyncio.current_task() is task
            log.append("closed")

    with bridge.enter_sync(opened()) as value:
        assert (value, log) == (7, [])
    assert log == ["closed"]
    with bridge.enter_sync(opened()):
        raise KeyError("swallowed")
    assert log[1:] == ["KeyError('swallowed')", "closed"]
    with pytest.raises(ValueError, match="through"), bridge.enter_sync(opened()):
        raise ValueError("through")


def test_many_threads_at_once(bridge: Any) -> None:
    results: list[int] = []

    def work(n: int) -> None:
        results.append(bridge.run_sync(double(n)))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [2 * n for n in range(20)]
    assert sum(t.name.startswith("home") for t in threading.enumerate()) <= 1


@pytest.mark.parametrize("iterate", [False, True])
def test_a_loop_that_ends_leaves_nobody_waiting(bridge: Any, iterate: bool) -> None:
    ended: list[BaseException] = []

    async def rows() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(30)

    def work() -> None:
        try:
            list(bridge.iter_sync(rows())) if iterate else bridge.run_sync(asyncio.sleep(30))
        except BaseException as error:  # noqa: BLE001 - which one is what is asked
            ended.append(error)

    thread = threading.Thread(target=work, daemon=True)

    async def main() -> None:
        thread.start()
        await asyncio.sleep(0.1)

    bridge.run(main())
    thread.join(10)
    assert [type(error) for error in ended] == [asyncio.CancelledError]


def script(tmp_path: Path, body: str, **options: Any) -> subprocess.CompletedProcess[str]:
    (tmp_path / "_run_sync.py").write_text(bridge_source(), encoding="utf-8")
    head = "import asyncio, os, signal, sys, threading\nfrom _run_sync import *\n"
    text = head + textwrap.dedent(body)
    command = [sys.executable, "-W", "error", "-c", text]
    return subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False, **options
    )


def test_ctrl_c_cancels_the_coroutine_and_waits_for_it(tmp_path: Path) -> None:
    done = script(
        tmp_path,
        """
        # A background job starts with SIGINT ignored, and the tests may run in one.
        signal.signal(signal.SIGINT, signal.default_int_handler)

        async def main():
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                await asyncio.sleep(20)
            finally:
                await asyncio.sleep(0.1)
                print("cleaned", flush=True)
        try:
            run_sync(main())
        except KeyboardInterrupt:
            print("interrupted")
        """,
    )
    assert (done.stdout, done.stderr) == ("cleaned\ninterrupted\n", "")


def test_the_process_ends_by_itself(tmp_path: Path) -> None:
    done = script(tmp_path, "run_sync(asyncio.sleep(0)); sys.exit(3)\n")
    assert (done.returncode, done.stderr) == (3, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_starts_afresh(tmp_path: Path) -> None:
    done = script(
        tmp_path,
        """
        import warnings
        warnings.simplefilter("ignore")
        async def number(): return os.getpid()
        assert run_sync(number()) == os.getpid()
        child = os.fork()
        if not child:
            os._exit(0 if run_sync(number()) == os.getpid() else 1)
        print(os.waitpid(child, 0)[1])
        """,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
