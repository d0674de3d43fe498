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
    for loop in home["own"] if home else ():
        loop.call_soon_threadsafe(loop.stop)


async def double(x: int) -> int:
    await asyncio.sleep(0)
    return 2 * x


async def loop_of_its_own() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_it_is_self_contained_and_speaks_python_3_8() -> None:
    tree = ast.parse(bridge_source(), feature_version=(3, 8))
    tops = {
        (node.module or "").partition(".")[0] if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert tops <= sys.stdlib_module_names
    assert ast.get_docstring(tree)
    assert len(bridge_source().splitlines()) < 160


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
    first = bridge.run_sync(loop_of_its_own())
    assert load("another").run_sync(loop_of_its_own()) is first
    assert bridge.run_sync(loop_of_its_own()) is first


def test_the_entry_points_loop_is_preferred_while_it_runs(bridge: Any) -> None:
    async def main() -> None:
        mine = asyncio.get_running_loop()
        assert await asyncio.to_thread(bridge.run_sync, loop_of_its_own()) is mine

    before = bridge.run_sync(loop_of_its_own())
    bridge.run(main())
    assert bridge.run_sync(loop_of_its_own()) is before


def test_on_the_loops_own_thread_it_raises_instead_of_hanging(bridge: Any) -> None:
    async def rows() -> AsyncIterator[int]:
        yield 1

    async def main() -> None:
        with pytest.raises(RuntimeError, match="await instead"):
            bridge.run_sync(double(1))
        with pytest.raises(RuntimeError, match="await instead"):
            list(bridge.iter_sync(rows()))

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


def test_what_a_generator_raises_when_it_is_closed(bridge: Any) -> None:
    async def rows() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise KeyError("closing")

    iterator = bridge.iter_sync(rows())
    next(iterator)
    with pytest.raises(KeyError, match="closing"):
        iterator.close()


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


def test_a_function_that_reaches_a_bridge_runs_in_a_thread(bridge: Any) -> None:
    def quadruple(x: int, *, plus: int) -> int:
        return int(bridge.run_sync(nested(x))) + plus

    async def nested(x: int) -> int:
        loops.append(asyncio.get_running_loop())
        return int(await bridge.in_thread(lambda: bridge.run_sync(double(x)))) * 2

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        assert await bridge.in_thread(quadruple, 3, plus=1) == 13

    loops: list[object] = []
    bridge.run_sync(main())
    asyncio.run(main())
    bridge.run(main())
    assert [len(set(loops[n : n + 2])) for n in (0, 2, 4)] == [1, 1, 1]
    assert len(set(loops)) == 3


def test_the_threads_are_as_many_as_needed_and_not_the_loops_own(bridge: Any) -> None:
    together = threading.Barrier(40)

    def work(n: int) -> int:
        together.wait(20)
        return int(bridge.run_sync(resolved(n)))

    async def resolved(n: int) -> int:
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)
        return n

    async def main() -> None:
        work_of_40 = (bridge.in_thread(work, n) for n in range(40))
        assert await asyncio.gather(*work_of_40) == list(range(40))

    asyncio.run(main())


@pytest.mark.parametrize("kind", [KeyError, SystemExit, KeyboardInterrupt])
def test_what_a_thread_raises_reaches_the_coroutine(bridge: Any, kind: type[BaseException]) -> None:
    def leave() -> None:
        raise kind(7)

    async def main() -> None:
        with pytest.raises(kind):
            await bridge.in_thread(leave)

    asyncio.run(main())
    with pytest.raises(kind):
        bridge.run_sync(bridge.in_thread(leave))


def test_stop_iteration_in_a_thread_does_not_hang(bridge: Any) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(bridge.in_thread(next, iter(())), 10)

    asyncio.run(main())


def test_a_hop_that_was_cancelled_before_its_thread_waits_cancels_what_it_starts(
    bridge: Any,
) -> None:
    log: list[str] = []
    begun, cancelled, ended = threading.Event(), threading.Event(), threading.Event()

    async def forever() -> None:
        log.append("started")
        await asyncio.sleep(30)

    def work() -> None:
        begun.set()
        cancelled.wait(10)
        try:
            bridge.run_sync(forever())
        finally:
            ended.set()

    async def main() -> None:
        task = asyncio.create_task(bridge.in_thread(work))
        assert await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        cancelled.set()
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(main())


def test_a_thread_sees_context_variables(bridge: Any) -> None:
    async def main() -> None:
        VARIABLE.set("of the task")
        assert await bridge.in_thread(VARIABLE.get) == "of the task"
        assert await bridge.in_thread(bridge.run_sync, swap()) == "of the task"
        assert VARIABLE.get() == "of the task"

    async def swap() -> str:
        old = VARIABLE.get()
        VARIABLE.set("inside")
        return old

    asyncio.run(main())


def test_cancelling_reaches_the_coroutine_that_a_thread_waits_for(bridge: Any) -> None:
    log: list[str] = []
    begun, ended = threading.Event(), threading.Event()

    async def forever() -> None:
        begun.set()
        try:
            await asyncio.sleep(30)
        finally:
            log.append("cancelled")

    def work() -> None:
        try:
            bridge.run_sync(forever())
        finally:
            ended.set()

    async def main() -> None:
        task = asyncio.create_task(bridge.in_thread(work))
        assert await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(main())
    assert log == ["cancelled"]


def test_a_host_registers_its_loop(bridge: Any) -> None:
    async def host() -> None:
        before = await asyncio.to_thread(bridge.run_sync, loop_of_its_own())
        assert before is own
        await bridge.register()
        await bridge.register()
        assert await asyncio.to_thread(bridge.run_sync, loop_of_its_own()) is (
            asyncio.get_running_loop()
        )

    own = bridge.run_sync(loop_of_its_own())
    asyncio.run(host())
    assert bridge.run_sync(loop_of_its_own()) is own


def test_a_loop_with_a_thread_is_known_to_all_threads(bridge: Any) -> None:
    async def host() -> None:
        await bridge.in_thread(int)
        assert await asyncio.to_thread(bridge.run_sync, loop_of_its_own()) is (
            asyncio.get_running_loop()
        )

    asyncio.run(host())


def test_a_thread_of_another_loop_does_not_change_the_home_loop(bridge: Any) -> None:
    async def host() -> None:
        await bridge.register()
        assert await asyncio.to_thread(asyncio.run, guest()) is not asyncio.get_running_loop()
        assert await asyncio.to_thread(bridge.run_sync, loop_of_its_own()) is (
            asyncio.get_running_loop()
        )

    async def guest() -> object:
        assert await bridge.in_thread(bridge.run_sync, loop_of_its_own()) is (
            asyncio.get_running_loop()
        )
        return asyncio.get_running_loop()

    asyncio.run(host())


def test_a_registered_loop_that_only_stopped_is_skipped(bridge: Any) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(bridge.register())
    assert bridge.run_sync(loop_of_its_own()) is not loop

    async def again() -> object:
        return await asyncio.to_thread(bridge.run_sync, loop_of_its_own())

    assert loop.run_until_complete(again()) is loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_ended_loops_are_forgotten(bridge: Any) -> None:
    for _ in range(5):
        bridge.run(double(1))
    assert len(sys.__dict__[KEY]["loops"]) <= 1


@pytest.mark.parametrize("known", [{}, {"loops": [], "of a newer one": 1}])
def test_modules_of_other_versions_share_what_they_know(known: dict[str, Any]) -> None:
    sys.__dict__.pop(KEY, None)
    sys.__dict__[KEY] = dict(known)
    try:
        bridge = load()
        own = bridge.run_sync(loop_of_its_own())
        assert load().run_sync(loop_of_its_own()) is own
        assert known.items() <= sys.__dict__[KEY].items()
    finally:
        for loop in sys.__dict__.pop(KEY)["own"]:
            loop.call_soon_threadsafe(loop.stop)


def test_many_threads_at_once(bridge: Any) -> None:
    together = threading.Barrier(40)
    loops: list[asyncio.AbstractEventLoop] = []

    def work() -> None:
        together.wait(20)
        loops.append(bridge.run_sync(loop_of_its_own()))

    threads = [threading.Thread(target=work) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loops) == 40
    assert len(set(loops)) == 1


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


def test_ctrl_c_while_the_task_is_handed_over(tmp_path: Path) -> None:
    done = script(
        tmp_path,
        """
        hand_over = asyncio.run_coroutine_threadsafe

        def interrupted(*given):
            hand_over(*given)
            threading.Event().wait(0.1)
            raise KeyboardInterrupt

        async def main():
            try:
                await asyncio.sleep(20)
            finally:
                print("cleaned", flush=True)

        asyncio.run_coroutine_threadsafe = interrupted
        try:
            run_sync(main())
        except KeyboardInterrupt:
            print("interrupted")
        """,
    )
    assert (done.stdout, done.stderr) == ("cleaned\ninterrupted\n", "")


@pytest.mark.parametrize("start", ["run_sync", "run", "asyncio.run"])
def test_ctrl_c_passes_through_threads(tmp_path: Path, start: str) -> None:
    done = script(
        tmp_path,
        f"""
        signal.signal(signal.SIGINT, signal.default_int_handler)

        async def poll():
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                while True:
                    await asyncio.sleep(0.01)
            finally:
                print("cleaned", flush=True)

        def facade():
            try:
                run_sync(poll())
            finally:
                print("left", flush=True)

        async def main():
            await in_thread(facade)

        try:
            {start}(main())
        except KeyboardInterrupt:
            pass
        """,
    )
    assert (done.stdout, done.stderr) == ("cleaned\nleft\n", "")


def test_sys_exit_of_another_task_does_not_end_the_home_loop(tmp_path: Path) -> None:
    done = script(
        tmp_path,
        """
        async def leave(): sys.exit(4)
        async def main(): await asyncio.gather(leave())
        try:
            run_sync(main())
        except SystemExit as error:
            sys.exit(run_sync(asyncio.sleep(0, error.code)))
        """,
    )
    assert (done.returncode, done.stderr) == (4, "")


def test_while_python_shuts_down_it_raises_instead_of_hanging(tmp_path: Path) -> None:
    done = script(
        tmp_path,
        """
        class Late:
            run_sync, sleep = staticmethod(run_sync), staticmethod(asyncio.sleep)
            def __del__(self):
                self.run_sync(self.sleep(0))
        run_sync(asyncio.sleep(0))
        async def rows():
            for n in range(3):
                yield n
        kept = iter_sync(rows())
        next(kept)
        late = Late()
        late.itself = late
        """,
    )
    assert "while Python shuts down" in done.stderr
    assert "never awaited" not in done.stderr
    assert done.returncode == 0


def test_what_is_raised_while_ctrl_c_cleans_up_is_not_lost(tmp_path: Path) -> None:
    done = script(
        tmp_path,
        """
        signal.signal(signal.SIGINT, signal.default_int_handler)

        async def main():
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                await asyncio.sleep(20)
            finally:
                await asyncio.sleep(0)
                sys.exit(4)
        run_sync(main())
        """,
    )
    assert (done.returncode, done.stderr) == (4, "")


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
        async def main(): return await in_thread(run_sync, number())
        assert run_sync(main()) == os.getpid()
        child = os.fork()
        if not child:
            os._exit(0 if run_sync(main()) == os.getpid() else 1)
        print(os.waitpid(child, 0)[1])
        """,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
