"""The generated pool of tasks does what `concurrent.futures` does."""

from __future__ import annotations

import asyncio
import concurrent.futures as threads
import importlib.util
import time
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any

import pytest

from asyncshift.bridge_modules import module_template
from asyncshift.loading import load_registry


@pytest.fixture(scope="module")
def tasks() -> ModuleType:
    spec = importlib.util.spec_from_loader("_tasks", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    exec(compile(module_template(load_registry(), "_tasks"), "_tasks.py", "exec"), module.__dict__)
    return module


def work(key: int) -> int:
    time.sleep(0.01 * key)
    if key == 3:
        raise ValueError(key)
    return key * 2


async def async_work(key: int) -> int:
    await asyncio.sleep(0.01 * key)
    if key == 3:
        raise ValueError(key)
    return key * 2


def outcome(call: Callable[[], Any]) -> str:
    try:
        return repr(call())
    except (ValueError, RuntimeError, threads.CancelledError, threads.TimeoutError) as error:
        return f"{type(error).__module__}.{type(error).__name__}"


async def async_outcome(coroutine: Coroutine[Any, Any, Any]) -> str:
    try:
        return repr(await coroutine)
    except (ValueError, RuntimeError, threads.CancelledError, threads.TimeoutError) as error:
        return f"{type(error).__module__}.{type(error).__name__}"


def in_threads() -> list[object]:
    seen: list[object] = []
    with threads.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(work, key) for key in (5, 3, 1)]
        seen += [outcome(f.result) for f in futures]
        seen += [outcome(f.exception) for f in futures]
        slow = [pool.submit(work, 9) for _ in range(4)]
        seen += [outcome(lambda: slow[0].result(timeout=0.01)), slow[3].cancel(), slow[0].cancel()]
        seen += [outcome(slow[3].result), slow[3].cancelled(), slow[0].running()]
        seen.append(outcome(lambda: list(pool.map(work, [1, 2, 3, 4]))))
        done, left = threads.wait(
            [pool.submit(work, key) for key in (3, 9)], return_when=threads.FIRST_EXCEPTION
        )
        seen += [len(done), len(left)]
        order = [pool.submit(work, key) for key in (6, 1)]
        seen.append([f.result() for f in threads.as_completed(order)])
        called: list[object] = []
        last = pool.submit(work, 1)
        last.add_done_callback(lambda f: called.append(f.done()))
        last.result()
    seen.append(called)
    seen.append(outcome(lambda: pool.submit(work, 1)))
    return seen


async def on_a_loop(tasks: ModuleType, function: Callable[..., Any]) -> list[object]:
    seen: list[object] = []
    async with tasks.TaskPool(2) as pool:
        futures = [pool.submit(function, key) for key in (5, 3, 1)]
        seen += [await async_outcome(f.result()) for f in futures]
        seen += [await async_outcome(f.exception()) for f in futures]
        slow = [pool.submit(function, 9) for _ in range(4)]
        seen.append(await async_outcome(slow[0].result(timeout=0.01)))
        seen += [slow[3].cancel(), slow[0].cancel()]
        seen += [await async_outcome(slow[3].result()), slow[3].cancelled(), slow[0].running()]

        async def all_of() -> list[int]:
            return [item async for item in pool.map(function, [1, 2, 3, 4])]

        seen.append(await async_outcome(all_of()))
        done, left = await tasks.wait(
            [pool.submit(function, key) for key in (3, 9)], return_when=threads.FIRST_EXCEPTION
        )
        seen += [len(done), len(left)]
        order = [pool.submit(function, key) for key in (6, 1)]
        seen.append([await f.result() async for f in tasks.as_completed(order)])
        called: list[object] = []
        last = pool.submit(function, 1)
        last.add_done_callback(lambda f: called.append(f.done()))
        await last.result()
    seen.append(called)
    seen.append(outcome(lambda: pool.submit(function, 1)))
    return seen


def without_identity(seen: list[object]) -> list[object]:
    return [str(one).replace("concurrent.futures._base.", "") for one in seen]


@pytest.mark.parametrize("function", [async_work, work])
def test_the_same_outcomes_as_threads(tasks: ModuleType, function: Callable[..., Any]) -> None:
    expected = in_threads()
    assert without_identity(asyncio.run(on_a_loop(tasks, function))) == without_identity(expected)


def test_no_more_at_a_time_than_workers(tasks: ModuleType) -> None:
    running: list[int] = [0, 0]

    async def counted() -> None:
        running[0] += 1
        running[1] = max(running)
        await asyncio.sleep(0.01)
        running[0] -= 1

    async def main() -> None:
        async with tasks.TaskPool(3) as pool:
            for _ in range(10):
                pool.submit(counted)

    asyncio.run(main())
    assert running == [0, 3]


def test_a_cancelled_block_leaves_nothing_running(tasks: ModuleType) -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("slow")

    async def main() -> None:
        async with tasks.TaskPool(1) as pool:
            futures = [pool.submit(slow), pool.submit(slow)]
            await futures[0].result()

    async def cancelling() -> None:
        task = asyncio.create_task(main())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelling())
    assert ended == ["slow"]


def test_the_first_results_come_before_a_later_error(tasks: ModuleType) -> None:
    seen: list[int] = []

    async def main() -> None:
        async with tasks.TaskPool(2) as pool:
            async for _, value in tasks.zipped("abc", pool.map(async_work, [1, 3, 2])):
                seen.append(value)

    with pytest.raises(ValueError, match="3"):
        asyncio.run(main())
    assert seen == [2]


def test_what_waits_for_the_pool_sees_its_context_variables_no_more_than_a_thread(
    tasks: ModuleType,
) -> None:
    from contextvars import ContextVar

    variable: ContextVar[str] = ContextVar("variable", default="none")

    async def read() -> str:
        return variable.get()

    async def main() -> str:
        variable.set("caller")
        async with tasks.TaskPool(1) as pool:
            result: str = await pool.submit(read).result()
            return result

    assert asyncio.run(main()) == "none"
