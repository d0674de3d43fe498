import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from bank import accounts


@pytest.mark.parametrize("names", [("a", "bb"), ("ccc",), ()])
def test_total(client, names):
    assert accounts.total(client, names) == sum(len("/accounts/") + len(name) for name in names)


def test_richest_in_threads(client):
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(accounts.richest, client, ("a", "b" * n)) for n in range(2, 10)]
        assert [future.result() for future in futures] == ["b" * n for n in range(2, 10)]


def test_below_a_loop(client):
    async def main():
        return await asyncio.to_thread(accounts.total, client, ("a", "b"))

    assert asyncio.run(main()) == 22
    assert accounts.total(client, ("a",)) == 11
