"""Many imports at once in one process: the sync version in threads, the async one on one loop.

Started by `demo.py` with the version to measure on PYTHONPATH; prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import inspect
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shelfsync import Importer, ShopClient, confirm, load_rates, report


class ThreadWatch(threading.Thread):
    """Notes the largest number of threads seen, itself not counted."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.005):
            self.most = max(self.most, threading.active_count() - 1)


def in_threads(url: str, runs: int) -> list[Any]:
    """As a service does it: one client for all, a thread for each import."""
    rates = load_rates(url, "EUR")

    def one(_: int) -> Any:
        shelves = Importer(shop, rates).run()
        confirm(shop, shelves)
        return shelves

    with ShopClient(url, "load") as shop, ThreadPoolExecutor(max_workers=runs) as pool:
        return list(pool.map(one, range(runs)))


async def on_one_loop(url: str, runs: int) -> list[Any]:
    """The same with a task for each import; line by line what it says above."""
    rates = await load_rates(url, "EUR")

    async def one() -> Any:
        shelves = await Importer(shop, rates).run()
        await confirm(shop, shelves)
        return shelves

    async with ShopClient(url, "load") as shop:
        return await asyncio.gather(*(one() for _ in range(runs)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--runs", type=int, required=True)
    args = parser.parse_args()
    is_async = inspect.iscoroutinefunction(Importer.run)
    watch = ThreadWatch()
    watch.start()
    started, cpu = time.perf_counter(), time.process_time()
    if is_async:
        results = asyncio.run(on_one_loop(args.url, args.runs))
    else:
        results = in_threads(args.url, args.runs)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    watch.stop.set()
    outputs = ["\n".join(report.lines(shelves)) for shelves in results]
    print(
        json.dumps(
            {
                "async": is_async,
                "seconds": seconds,
                "cpu": cpu,
                "threads": watch.most,
                "outputs": sorted({hashlib.sha256(text.encode()).hexdigest() for text in outputs}),
            }
        )
    )


if __name__ == "__main__":
    main()
