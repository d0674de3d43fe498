"""Plants every kind of defect in real packages and looks whether `asyncshift check` finds it.

    python scripts/check_real.py [--keep DIR]

The packages are downloaded by name and version through pip; nothing of them is imported or run.
Unplanted, each has exactly the findings that are listed here, all of them real.  Exit status 1 when
a plant is missed, or anything else is found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plant:
    """A file of a package in which `old` becomes `new` (or `new` comes at its end), and what is
    found then: the rule, on the line of `at`."""

    kind: str
    file: str
    old: str
    new: str
    rule: str
    at: str


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned wheel, the places where it does block its loop, and what is planted in it."""

    pin: str
    known: frozenset[tuple[str, str]]
    """(path, rule) of what is found without any plant."""
    plants: tuple[Plant, ...]


def appended(kind: str, file: str, new: str, rule: str, at: str) -> Plant:
    return Plant(kind, file, "", new, rule, at)


def templates(file: str, call: str, make: str) -> Iterator[Plant]:
    """The kinds that can stand at the end of any module: `call` makes a coroutine there."""

    def body(text: str) -> str:
        return f"\n\nasync def _planted(x):\n    {make}\n    {text}\n"

    rows = (
        ("dropped", f"{call}", "dropped"),
        ("truth", f"return 1 if {call} else 2", "truth"),
        ("f-string", f'return f"<{{{call}}}>"', "formatted"),
        ("comparison", f"return {call} == x", "compared"),
        ("map", f"return sum(map(lambda one: {call}, x))", "operator"),
        ("json", f"import json; return json.dumps([{call}])", "handed-over"),
        ("unused", f"left = {call}", "unused"),
        ("attribute", f"return {call}.text", "attribute"),
        ("alias", f"again = {call.partition('(')[0]}; again(x)", "dropped"),
    )
    for kind, text, rule in rows:
        yield appended(kind, file, body(text), f"coroutine-{rule}", text)
    cached = (
        "\n\nimport functools\n\n@functools.lru_cache\n"
        f"async def _kept(x):\n    {make}\n    return await {call}\n"
    )
    yield appended("cache", file, cached, "coroutine-cached", "async def _kept")
    shown = (
        "\n\nclass _Page:\n    @property\n    def title(self):\n        x = 1\n"
        f"        {make}\n        return {call}\n"
    )
    yield appended("property", file, shown, "coroutine-property", "def title(self)")


def blocking(file: str) -> Iterator[Plant]:
    """A blocking call four functions below an async one, in several disguises."""
    below = (
        "\ndef _one(x): return _two(x)\ndef _two(x): return _three(x)\n"
        "def _three(x): return _four(x)\nasync def _planted(x): return _one(x)\n"
    )
    disguises = {
        "aliased import": (
            "\nimport time as _clock\ndef _four(x): return _clock.sleep(x)\n",
            "_clock.sleep(x)",
        ),
        "session": (
            "\nimport requests\nclass _Old:\n    def __init__(self):\n"
            "        self.session = requests.Session()\n"
            "    def load(self, x): return self.session.get(x)\n"
            "def _four(x): return _Old().load(x)\n",
            "self.session.get(x)",
        ),
        "cached function": (
            "\nimport functools as _f, time as _t\n@_f.lru_cache(maxsize=None)\n"
            "def _four(x): return _t.sleep(x)\n",
            "_t.sleep(x)",
        ),
        "retry decorator": (
            "\nimport functools as _f, subprocess as _s\ndef _retry(f):\n    @_f.wraps(f)\n"
            "    def again(*args):\n        try:\n            return f(*args)\n"
            "        except OSError:\n            return f(*args)\n    return again\n"
            "@_retry\ndef _four(x): return _s.run(x)\n",
            "_s.run(x)",
        ),
    }
    for kind, (text, at) in disguises.items():
        yield appended(kind, file, "\n" + text + below, "blocks-loop", at)


HTTPX = (
    Plant(
        "own code",
        "httpx/_client.py",
        "            await response.aclose()",
        "            response.aclose()",
        "coroutine-dropped",
        "            response.aclose()",
    ),
    *templates("httpx/_client.py", "client.get(x)", "client = AsyncClient()"),
    *blocking("httpx/_client.py"),
)
ASYNCPG = (
    Plant(
        "own code",
        "asyncpg/pool.py",
        "            await self._con.close(timeout=timeout)",
        "            self._con.close(timeout=timeout)",
        "coroutine-dropped",
        "            self._con.close(timeout=timeout)",
    ),
    *templates("asyncpg/pool.py", "pool.fetch(x)", "pool = create_pool()"),
    *blocking("asyncpg/pool.py"),
)
PACKAGES = (
    Package("httpx==0.28.1", frozenset(), HTTPX),
    # Its helper for test clusters waits for processes inside `async def connect`.
    Package("asyncpg==0.30.0", frozenset({("asyncpg/cluster.py", "blocks-loop")}), ASYNCPG),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="download and plant here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = (arguments.keep or Path(folder)).resolve()
        missed = [text for package in PACKAGES for text in check(package, root)]
    for text in missed:
        print(text, file=sys.stderr)
    return 1 if missed else 0


def check(package: Package, root: Path) -> Iterator[str]:
    """What is wrong with the check of one package."""
    tree = fetch(package.pin, root)
    clean = findings(tree)
    for path, line, rule in clean:
        if (path, rule) not in package.known:
            yield f"{package.pin}: unexpected {rule} in {path}:{line}"
    print(f"{package.pin}: {len(clean)} findings as it is, all known")
    found = 0
    for plant in package.plants:
        file = tree / plant.file
        text = file.read_text(encoding="utf-8")
        if plant.old not in text:
            yield f"{package.pin}: nothing to plant {plant.kind} in"
            continue
        planted = text.replace(plant.old, plant.new, 1) if plant.old else text + plant.new
        line = 1 + next(i for i, one in enumerate(planted.splitlines()) if plant.at in one)
        file.write_text(planted, encoding="utf-8")
        new = [one for one in findings(tree) if one not in clean]
        file.write_text(text, encoding="utf-8")
        if new == [(plant.file, line, plant.rule)]:
            found += 1
        else:
            yield f"{package.pin}: {plant.kind}: wanted {plant.rule} in line {line}, found {new}"
    print(f"{package.pin}: {found} of {len(package.plants)} plants found, and nothing else")


def fetch(pin: str, root: Path) -> Path:
    """The files of a wheel, below `root`."""
    tree = root / pin
    if tree.exists():
        return tree
    wheels = root / "wheels" / pin
    command = ["pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", str(wheels)]
    subprocess.run([sys.executable, "-m", *command, pin], check=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tree)
    return tree


def findings(tree: Path) -> list[tuple[str, int, str]]:
    """(path, line, rule) of everything that fails."""
    command = [sys.executable, "-m", "asyncshift", "check", "--format", "json", "--jobs", "1"]
    done = subprocess.run([*command, str(tree)], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)["findings"]
    return [(one["path"], one["line"], one["rule"]) for one in found if not one["listed"]]


if __name__ == "__main__":
    sys.exit(main())
