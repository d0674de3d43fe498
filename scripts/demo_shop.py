"""The example's small shop in a process of its own, with a network between.

Prints its address and serves until it is stopped; GET /_log gives what was asked since the last.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "shelfsync"
sys.path.insert(0, str(EXAMPLE / "tests"))

from fake_shop import Handler, Shop  # noqa: E402


class FarHandler(Handler):
    """Answers as late as a server in the next town."""

    latency = 0.0

    def answer(self, body: Any) -> None:
        if self.path == "/_log":
            with self.server.lock:
                self.send_json(200, self.server.log)
                self.server.log = []
        else:
            time.sleep(self.latency)
            super().answer(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds for each answer")
    FarHandler.latency = parser.parse_args().latency
    shop = Shop()
    shop.RequestHandlerClass = FarHandler
    print(shop.url, flush=True)
    shop.serve_forever()


if __name__ == "__main__":
    main()
