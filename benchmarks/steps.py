"""What `plan`, `status` and a step on one module cost as multiples of a `scan`.

    python benchmarks/steps.py [--modules 1000] [--lines 200] [--rounds 3] [--keep FOLDER]

The tree is generated: packages of ten modules, one client of requests, one that waits, services
above them and modules that only compute.  In each round, as whole processes with the default
workers: `scan`, `plan` and `status` with an empty cache; then, after a step on another module, each
of the three and `diff --module` when a function was appended to one file.  The rewrite of a module
is what a `diff` of a tree with nothing but it costs more than a scan.  CPU is user and system time
of the process and its children; the table has the median of the rounds, and its ratio to the scan
beside it, for the step to twice that scan and the rewrite.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from perf import Cost, change, cost, median

CLIENT = '''import requests


class Client{n}:
    """Talks to service {n}."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()

    def get(self, path: str) -> dict:
        answer = self.session.get(self.base + path, timeout=5)
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        self.session.close()
'''
WAITING = """import time

from app.{package}.client import Client{n}


def poll{n}(client: Client{n}, path: str, times: int = 3) -> dict:
    for _ in range(times):
        found = client.get(path)
        if found.get("ready"):
            return found
        time.sleep(0.1)
    return {{}}
"""
SERVICE = """from app.{package}.client import Client{n}
from app.{package}.waiting import poll{n}
from app.{package}.{helper} import {helper}_0


class Service{n}_{at}:
    def __init__(self, client: Client{n}) -> None:
        self.client = client

    def load(self, key: str) -> int:
        found = poll{n}(self.client, "/" + key)
        return {helper}_0(len(found), 1)

    def all(self, keys: list) -> list:
        return [self.load(key) for key in keys]
"""
COMPUTED = '''

def {name}_{i}(first: int, second: int = {i}) -> int:
    """Adds up, {i} times."""
    total = first
    for number in range(second):
        if number % 2:
            total += number * first
        else:
            total -= number
    values = [total + one for one in range(3)]
    return sum(values) + {below}
'''


def texts(modules: int, lines: int) -> Iterator[tuple[str, str]]:
    """The files by their paths."""
    yield "app/__init__.py", ""
    yield "pyproject.toml", "[project]\nname = 'app'\nversion = '1'\ndependencies = ['requests']\n"
    for n in range(modules // 10):
        package = f"part{n}"
        yield f"app/{package}/__init__.py", ""
        heads = {"client": CLIENT.format(n=n), "waiting": WAITING.format(n=n, package=package)}
        for at in range(7):
            helper = f"compute{at % 2}"
            heads[f"compute{at}" if at < 2 else f"service{at}"] = (
                '"""Only computes."""\n'
                if at < 2
                else SERVICE.format(n=n, package=package, helper=helper, at=at)
            )
        for name, head in heads.items():
            text, i = head, 0
            while text.count("\n") < lines:
                below = f"{name}_{i - 1}(first)" if i else "0"
                text += COMPUTED.format(name=name, i=i, below=below)
                i += 1
            yield f"app/{package}/{name}.py", text


def asyncshift(*words: str) -> list[str]:
    return [sys.executable, "-m", "asyncshift", *words]


def one_round(tree: Path, number: int) -> dict[str, Cost]:
    """The commands of one round by their names."""
    found: dict[str, Cost] = {}
    module = "app.part3.client"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("scan", "plan", "status"):
            found[f"cold {name}"] = cost(asyncshift(name, str(tree)), Path(folder, name))
        cache = Path(folder, "scan")
        cost(asyncshift("plan", str(tree)), cache)
        cost(asyncshift("status", str(tree)), cache)
        cost(asyncshift("diff", str(tree), "--module", "app.part4.client"), cache)
        for name in ("scan", "plan", "status", "step"):
            change(tree / "app/part5/compute0.py", number * 10 + len(found))
            words = ("diff", str(tree), "--module", module) if name == "step" else (name, str(tree))
            found[f"changed {name}"] = cost(asyncshift(*words), cache)
        alone = Path(folder, "alone", "client.py")
        alone.parent.mkdir()
        alone.write_bytes((tree / "app/part3/client.py").read_bytes())
        scanned = cost(asyncshift("scan", str(alone.parent)), cache)
        rewritten = cost(asyncshift("diff", str(alone.parent)), cache)
        found["rewrite alone"] = Cost(
            rewritten.cpu - scanned.cpu, rewritten.wall - scanned.wall, rewritten.peak
        )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--modules", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="write the tree here and keep it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = args.keep or Path(folder)
        count = 0
        for name, text in texts(args.modules, args.lines):
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            count += text.count("\n")
        print(f"{args.modules} modules, {count:,} lines, {args.rounds} rounds")
        rounds = [one_round(tree, number) for number in range(args.rounds)]
    found = {name: median([one[name] for one in rounds]) for name in rounds[0]}
    rewrite = found["rewrite alone"].cpu
    for name, one in found.items():
        scan = found["cold scan" if name.startswith("cold") else "changed scan"].cpu
        limit = 2 * scan + rewrite if name == "changed step" else scan
        print(f"{name:16} {one.cpu:7.2f} s CPU {one.peak:6.0f} MB  {one.cpu / limit:5.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
