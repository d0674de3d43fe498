"""Whatever Python's grammar allows, the engine does not crash, and gives the same again.

    python -m tests.fuzz.any_module [--seconds N] [--from SEED]

The modules are hypothesmith's; its first one takes a minute.
"""

from __future__ import annotations

import argparse
import sys
import time

import hypothesmith
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from asyncshift import callgraph, facts
from asyncshift.model import SourceFile
from tests.fuzz.edges import registry

AT_ONCE = 20


@settings(
    max_examples=AT_ONCE, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(st.lists(hypothesmith.from_node(auto_target=False), min_size=1, max_size=2))
def check(texts: list[str]) -> None:
    """Hypothesis shows the smallest modules for which this fails."""
    found = []
    for number, text in enumerate(texts):
        file = SourceFile(f"m{number}.py", f"m{number}", False, text, "utf-8", False, "")
        found.append(facts.extract(file))
    built = callgraph.build(found, registry())
    assert callgraph.build(found[::-1], registry()) == built


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long to look for failures")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed")
    args = parser.parse_args()
    until = time.monotonic() + args.seconds
    number = args.first
    while number == args.first or time.monotonic() < until:
        seed(number)(check)()
        number += 1
    print(f"{(number - args.first) * AT_ONCE} programs, no crash")
    return 0


if __name__ == "__main__":
    sys.exit(main())
