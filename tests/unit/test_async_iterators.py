"""The generated `_aiter` gives what `itertools` gives, and asks for its items at the same time."""

from __future__ import annotations

import asyncio
import builtins
import itertools
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncshift.bridge_modules import module_template
from asyncshift.lazy import CONSUMERS
from asyncshift.loading import load_registry


def generated() -> ModuleType:
    module = ModuleType("_aiter")
    text = module_template(load_registry(), "_aiter")
    exec(compile(text, "_aiter.py", "exec"), module.__dict__)
    return module


AITER = generated()
Log = list[Any]


def sync_source(name: int, items: Sequence[Any], log: Log) -> Iterator[Any]:
    for item in items:
        log.append((name, item))
        yield item
    log.append((name, "end"))


async def async_source(name: int, items: Sequence[Any], log: Log) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        log.append((name, item))
        yield item
    log.append((name, "end"))


def expected(make: Callable[..., Any], sources: Sequence[Sequence[Any]], take: int) -> Log:
    log: Log = []
    try:
        result = make(*(sync_source(n, items, log) for n, items in enumerate(sources)))
        for _, item in zip(range(take), result, strict=False):
            log.append(("got", item))
    except (ValueError, TypeError) as error:
        log.append((type(error).__name__, str(error)))
    return log


def seen(
    make: Callable[..., Any], sources: Sequence[Sequence[Any]], take: int, sync: Sequence[int]
) -> Log:
    log: Log = []

    async def run() -> None:
        given = [
            sync_source(n, items, log) if n in sync else async_source(n, items, log)
            for n, items in enumerate(sources)
        ]
        try:
            result = make(*given)
            for _ in range(take):
                try:
                    log.append(("got", await result.__anext__()))
                except StopAsyncIteration:
                    break
        except (ValueError, TypeError) as error:
            log.append((type(error).__name__, str(error)))

    asyncio.run(run())
    return log


def small(x: Any) -> bool:
    return bool(x < 3)


async def small_later(x: Any) -> bool:
    return bool(x < 3)


def old(name: str) -> Any:
    if name.startswith("chain_"):
        return itertools.chain.from_iterable
    return getattr(itertools, name, None) or getattr(builtins, name)


CASES: dict[str, Callable[[Any, Any], Callable[..., Any]]] = {
    "enumerate": lambda m, n: lambda a: m(a, n),
    "zip": lambda m, n: lambda *given: m(*given, strict=n > 2),
    "zip_longest": lambda m, n: lambda *given: m(*given, fillvalue=n),
    "map": lambda m, n: lambda *given: m(lambda *args: (n, *args), *given),
    "filter": lambda m, n: lambda a: m(small if n % 2 else None, a),
    "filterfalse": lambda m, n: lambda a: m(small if n % 2 else None, a),
    "takewhile": lambda m, n: lambda a: m(small, a),
    "dropwhile": lambda m, n: lambda a: m(small, a),
    "accumulate": lambda m, n: lambda a: m(a, initial=n if n % 2 else None),
    "pairwise": lambda m, n: lambda a: m(a),
    "batched": lambda m, n: lambda a: m(a, n),
    "chain": lambda m, n: lambda *given: m(*given),
    "chain_from_iterable": lambda m, n: lambda *given: m(given),
    "compress": lambda m, n: lambda a, b: m(a, b),
    "cycle": lambda m, n: lambda a: m(a),
    "islice": lambda m, n: lambda a: m(a, n),
}
ONE = {
    *("enumerate", "filter", "filterfalse", "takewhile", "dropwhile", "accumulate", "pairwise"),
    *("batched", "cycle", "islice"),
}


def test_every_consumer_is_there() -> None:
    names = {name.removeprefix("itertools.").replace(".", "_") for name in CONSUMERS}
    assert names == CASES.keys() | {"starmap"}
    assert all(callable(getattr(AITER, name)) for name in names)


_ITEMS = st.lists(st.integers(0, 5), max_size=6)


@pytest.mark.parametrize("name", sorted(CASES))
@given(
    st.lists(_ITEMS, min_size=2, max_size=3),
    st.integers(0, 5),
    st.integers(0, 9),
    st.sets(st.integers(0, 2)),
)
def test_as_in_the_standard_library(
    name: str, sources: list[list[int]], number: int, take: int, sync: set[int]
) -> None:
    if name == "batched" and sys.version_info < (3, 12):
        return
    if name in ONE:
        sources = sources[:1]
    if name == "compress":
        sources = sources[:2]
    case = CASES[name]
    before = expected(case(old(name), number), sources, take)
    assert seen(case(getattr(AITER, name), number), sources, take, [*sync]) == before


@given(_ITEMS, st.lists(st.one_of(st.none(), st.integers(-3, 7)), min_size=1, max_size=3))
def test_slices(items: list[int], args: list[int | None]) -> None:
    before = expected(lambda a: itertools.islice(a, *args), [items], 99)
    assert seen(lambda a: AITER.islice(a, *args), [items], 99, []) == before


def test_a_slice_takes_no_more_than_it_gives() -> None:
    async def run() -> list[int]:
        items = async_source(0, range(9), [])
        first = [item async for item in AITER.islice(items, 3)]
        return first + [item async for item in AITER.islice(items, 2)]

    assert asyncio.run(run()) == [0, 1, 2, 3, 4]


def test_functions_may_be_async() -> None:
    async def run() -> list[int]:
        return [item async for item in AITER.takewhile(small_later, async_source(0, range(9), []))]

    assert asyncio.run(run()) == [0, 1, 2]


def test_arguments_in_tuples() -> None:
    async def run() -> list[int]:
        return [n async for n in AITER.starmap(pow, async_source(0, [(2, 3), (3, 2)], []))]

    assert asyncio.run(run()) == [8, 9]
