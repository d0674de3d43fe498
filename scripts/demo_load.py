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

from shelfsync import report, run_import


class ThreadWatch(threading.Thread):
    """Notes the largest number of threads seen, itself not counted."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.005):
            self.most = max(self.most, threading.active_count() - 1)


def run_in_threads(url: str, tokens: list[str]) -> list[Any]:
    with ThreadPoolExecutor(max_workers=len(tokens)) as pool:
        return list(pool.map(lambda token: run_import(url, token), tokens))


def run_on_one_loop(url: str, tokens: list[str]) -> list[Any]:
    async def together() -> list[Any]:
        return await asyncio.gather(*(run_import(url, token) for token in tokens))

    return asyncio.run(together())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--prefix", required=True)
    args = parser.parse_args()
    tokens = [f"{args.prefix}-{number}" for number in range(args.runs)]
    is_async = inspect.iscoroutinefunction(run_import)
    watch = ThreadWatch()
    watch.start()
    started, cpu = time.perf_counter(), time.process_time()
    results = (run_on_one_loop if is_async else run_in_threads)(args.url, tokens)
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
