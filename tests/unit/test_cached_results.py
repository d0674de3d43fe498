"""The generated cache of results does what `functools.lru_cache` does."""

from __future__ import annotations

import asyncio
import functools
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncshift.bridge_modules import module_template
from asyncshift.loading import load_registry


@pytest.fixture(scope="module")
def cached() -> ModuleType:
    module = ModuleType("_cached")
    text = module_template(load_registry(), "_cached")
    exec(compile(text, "_cached.py", "exec"), module.__dict__)
    return module


Step = tuple[str, Any]
_KEYS = st.sampled_from([0, 1, 1.0, True, "1", ("1",), None, "fails", [1]])
_STEPS = st.lists(
    st.one_of(st.tuples(st.sampled_from(["call", "named"]), _KEYS), st.just(("clear", None))),
    max_size=30,
)
_SIZES = st.sampled_from([None, -1, 0, 1, 2, 128])


def compute(key: Any, made: list[Any], other: int = 0) -> tuple[Any, int]:
    made.append(key)
    if key == "fails":
        raise LookupError(key)
    return key, len(made)


def outcomes(steps: list[Step], size: int | None, typed: bool) -> list[Any]:
    made: list[Any] = []

    @functools.lru_cache(maxsize=size, typed=typed)
    def load(key: Any, other: int = 0) -> Any:
        return compute(key, made, other)

    found: list[Any] = []
    for how, key in steps:
        try:
            match how:
                case "call":
                    found.append(load(key))
                case "named":
                    found.append(load(key=key, other=1))
                case _:
                    load.cache_clear()
        except (LookupError, TypeError) as error:
            found.append((type(error), str(error)))
        found.append(tuple(load.cache_info()))
    return [*found, made, load.cache_parameters()]


async def outcomes_of_coroutines(
    module: ModuleType, steps: list[Step], size: int | None, typed: bool
) -> list[Any]:
    made: list[Any] = []

    @module.lru_cache(maxsize=size, typed=typed)  # type: ignore[untyped-decorator, unused-ignore]
    async def load(key: Any, other: int = 0) -> Any:
        await asyncio.sleep(0)
        return compute(key, made, other)

    found: list[Any] = []
    for how, key in steps:
        try:
            match how:
                case "call":
                    found.append(await load(key))
                case "named":
                    found.append(await load(key=key, other=1))
                case _:
                    load.cache_clear()
        except (LookupError, TypeError) as error:
            found.append((type(error), str(error)))
        found.append(tuple(load.cache_info()))
    return [*found, made, load.cache_parameters()]


@given(steps=_STEPS, size=_SIZES, typed=st.booleans())
def test_calls_one_after_the_other(
    cached: ModuleType, steps: list[Step], size: int | None, typed: bool
) -> None:
    expected = outcomes(steps, size, typed)
    assert asyncio.run(outcomes_of_coroutines(cached, steps, size, typed)) == expected


def test_at_the_same_time_each_computes_and_one_result_is_kept(cached: ModuleType) -> None:
    made = []

    @cached.cache  # type: ignore[untyped-decorator, unused-ignore]
    async def load(key: str) -> int:
        made.append(key)
        number = len(made)
        await asyncio.sleep(0)
        return number

    async def ask() -> tuple[list[int], int]:
        found = await asyncio.gather(load("a"), load("a"))
        return found, await load("a")

    assert asyncio.run(ask()) == ([1, 2], 1)
    assert tuple(load.cache_info()) == (1, 2, None, 1)


def test_a_cancelled_call_is_not_kept(cached: ModuleType) -> None:
    made = []

    @cached.lru_cache  # type: ignore[untyped-decorator, unused-ignore]
    async def load(key: str) -> str:
        made.append(key)
        await asyncio.sleep(0.01 if len(made) == 1 else 0)
        return key

    async def ask() -> str:
        first = asyncio.create_task(load("a"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        found: str = await load("a")
        return found

    assert asyncio.run(ask()) == "a"
    assert made == ["a", "a"]
