"""The generated bridge for a `with` block in code that stays synchronous."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from asyncshift.rewrite.bridge_template import enter_sync, run_sync


class Manager:
    """Notes how it was entered and left, and that one task did both."""

    def __init__(self, *, swallow: bool = False) -> None:
        self.swallow = swallow
        self.left_with: list[object] = []

    async def __aenter__(self) -> Manager:
        self.task = asyncio.current_task()
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> bool:
        await asyncio.sleep(0)
        assert asyncio.current_task() is self.task
        self.left_with.append(kind)
        return self.swallow


def test_the_block_runs_between_enter_and_exit() -> None:
    manager = Manager()
    with enter_sync(manager) as entered:
        assert entered is manager
        assert run_sync(asyncio.sleep(0, 7)) == 7
        assert manager.left_with == []
    assert manager.left_with == [None]


@pytest.mark.parametrize("error", [KeyError(1), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_what_the_block_raises_passes_the_manager(error: BaseException) -> None:
    manager = Manager()
    with pytest.raises(type(error)) as caught, enter_sync(manager):
        raise error
    assert caught.value is error
    assert manager.left_with == [type(error)]


def test_a_manager_may_swallow() -> None:
    manager = Manager(swallow=True)
    with enter_sync(manager):
        raise KeyError
    assert manager.left_with == [KeyError]


def test_an_error_on_entering() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise ValueError("no")
        yield

    with pytest.raises(ValueError, match="no"), enter_sync(broken()):
        pytest.fail("the block must not run")


def test_leaving_by_return() -> None:
    manager = Manager()

    def value() -> int:
        with enter_sync(manager):
            return 5

    assert value() == 5
    assert manager.left_with == [None]
