"""Random programs are migrated module by module in random orders; every state prints the same.

    python -m tests.fuzz.walks [--seconds N] [--from SEED] [--reduce SECONDS]
    python -m tests.fuzz.walks --seed SEED

`scripts/prefixes.py` says what else is looked at after each step.  A failing program is made small
by leaving out statements, as long as the sync original runs and the failure stays what it was.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.prefixes import BrokenError, Order, Target, Walk
from tests.e2e.never_awaited import watching
from tests.fuzz.programs import is_loose, program

ORDERS = 3
RUN_SECONDS = 20
STEP_SECONDS = 60
LINES = 40
"""Of a failure that are shown."""


@dataclass(slots=True)
class Printed(Walk):
    """A walk whose test is what `main.py` prints, and how it ends."""

    expected: tuple[int, str] | None = None
    checking: bool = True
    """Whether `asyncshift check` is asked too; without, a program is made small sooner."""

    def _findings(self) -> Counter[str]:
        return Walk._findings(self) if self.checking else Counter()

    def _run_tests(self) -> None:
        with watching() as watch:
            environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
            environment.pop("PYTHONPATH", None)
            try:
                done = subprocess.run(
                    [sys.executable, "-W", "error", "main.py"],
                    cwd=self.folder,
                    env=watch.environment(environment),
                    capture_output=True,
                    text=True,
                    timeout=RUN_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise BrokenError("the program hangs") from None
            seen = watch.seen()
        if seen:
            raise BrokenError("never awaited:\n" + "\n".join(seen))
        if done.stderr:
            raise BrokenError(f"the program fails:\n{done.stderr}")
        if self.expected is None:
            self.expected = done.returncode, done.stdout
        elif self.expected != (done.returncode, done.stdout):
            raise BrokenError(f"the program prints otherwise ({done.returncode}):\n{done.stdout}")

    def steps_only(self, order: Sequence[str]) -> None:
        """The steps of an order, without one of everything."""
        tree, done = self.original, list[str]()
        for module in order:
            done.append(module)
            try:
                tree = self.step(tree, done if self.name_earlier else [module])
            except BrokenError as broken:
                raise BrokenError(f"after {' '.join(done[:-1])}\n  in {module}: {broken}") from None


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a program breaks: in which order (None: in one step), and how."""

    order: tuple[str, ...] | None
    text: str
    options: tuple[str, ...] = ()
    name_earlier: bool = False
    partial: bool = False

    def kind(self) -> str:
        """What stays the same while the program gets smaller."""
        text = re.sub(r"^after .*\n  in .*?: |^.*\n(?=end elsewhere)", "", self.text)
        last = self.text.splitlines()[-1] if "fails" in text else ""
        first = text.splitlines()[0]
        return re.sub(r"\d+|'.*?'|\S+\.py|\{.*", "", f"{first} {last.partition(':')[0]}")


@contextlib.contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise BrokenError(f"more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _tree(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}


def start(
    files: Mapping[str, str],
    folder: Path,
    options: Sequence[str] = (),
    name_earlier: bool = False,
    checking: bool = True,
) -> Printed:
    """A walk over a program whose sync original runs; `BrokenError` when it does not."""
    walk = Printed(Target("program", "", folder), folder, name_earlier, tuple(options))
    walk.checking = checking
    walk.start(_tree(files))
    return walk


@dataclass(slots=True)
class Try:
    """One program with one way to migrate it."""

    files: Mapping[str, str]
    folder: Path
    options: tuple[str, ...] = ()
    name_earlier: bool = False
    partial: bool = False
    """`main` is never selected."""
    checking: bool = True

    def fails(
        self, orders: Sequence[tuple[str, ...]] | None = None, seed: int = 0
    ) -> Failure | None:
        """The first failure in some orders, or in random ones; None when all is well."""
        walk = start(self.files, self.folder, self.options, self.name_earlier, self.checking)
        order: tuple[str, ...] | None = None
        partial = self.partial
        try:
            with _limit(STEP_SECONDS * 10):
                one_step = walk.original if partial else walk.step(walk.original, ())
                if orders is None:
                    modules = [m for m in walk.modules() if m != "main" or not partial]
                    chance = random.Random(seed)
                    orders = [tuple(chance.sample(modules, len(modules))) for _ in range(ORDERS)]
                for order in orders:
                    if partial:
                        walk.steps_only(order)
                    else:
                        walk.whole_order(Order("random", [(m,) for m in order]), one_step)
        except BrokenError as broken:
            return Failure(order, str(broken), self.options, self.name_earlier, partial)
        except Exception:  # noqa: BLE001  # a crash is what this looks for
            return Failure(order, traceback.format_exc(), self.options, self.name_earlier, partial)
        return None


def ways(seed: int) -> tuple[tuple[str, ...], bool]:
    """Options of the steps that belong to a seed, and whether each names the earlier modules."""
    chance = random.Random(f"ways {seed}")
    options = chance.choice(
        [(), (), ("--edit-callers",), ("--boundary", "bridge", "--edit-callers")]
    )
    return options, chance.random() < 0.25


# ----------------------------------------------------------------------------- making it small


def smaller(
    files: Mapping[str, str], failure: Failure, folder: Path, seconds: float
) -> dict[str, str]:
    """The program with as many statements left out as the failure allows."""
    until = time.monotonic() + seconds
    found = dict(files)
    for deep in (False, True, True):
        for name in ["main.py", *sorted((n for n in files if n != "main.py"), reverse=True)]:
            left = len(_spans(found[name], deep))
            while left > 0 and time.monotonic() < until:
                left -= 1
                shorter = _without(found[name], _spans(found[name], deep)[left])
                if shorter is not None and _still({**found, name: shorter}, failure, folder):
                    found[name] = shorter
                    if _still(tidied := _tidied(found), failure, folder):
                        found = tidied
                left = min(left, len(_spans(found[name], deep)))
    return found


def _tidied(files: Mapping[str, str]) -> dict[str, str]:
    """Without the functions, classes and imports that nobody mentions any more."""
    found = dict(files)
    while True:
        words = Counter(re.findall(r"\w+", "\n".join(found.values())))
        for name, text in found.items():
            lines = text.splitlines(keepends=True)
            for node in reversed(ast.parse(text).body):
                own = Counter(
                    re.findall(r"\w+", "".join(lines[_first(node) - 1 : node.end_lineno]))
                )
                match node:
                    case ast.FunctionDef() | ast.ClassDef():
                        names = [node.name]
                    case ast.Import() | ast.ImportFrom():
                        names = [a.asname or a.name.rpartition(".")[2] for a in node.names]
                        own = Counter(re.findall(r"\w+", text)) if len(names) > 1 else own
                    case _:
                        continue
                here = Counter(re.findall(r"\w+", "".join(lines)))
                alone = here if isinstance(node, ast.Import | ast.ImportFrom) else words
                if all(alone[n] == own[n] for n in names):
                    del lines[_first(node) - 1 : node.end_lineno]
            found[name] = "".join(lines)
        if Counter(re.findall(r"\w+", "\n".join(found.values()))) == words:
            return found


def _first(node: ast.stmt) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


def _spans(text: str, deep: bool) -> list[tuple[int, int]]:
    """First and last lines of the statements: those of the module, or all of them."""
    tree = ast.parse(text)
    nodes = ast.walk(tree) if deep else tree.body
    return sorted(
        (_first(node), node.end_lineno or 0) for node in nodes if isinstance(node, ast.stmt)
    )


def _without(text: str, span: tuple[int, int]) -> str | None:
    lines = text.splitlines(keepends=True)
    left = "".join([*lines[: span[0] - 1], *lines[span[1] :]])
    try:
        ast.parse(left)
    except SyntaxError:
        return None
    return left


def _still(files: Mapping[str, str], failure: Failure, folder: Path) -> bool:
    orders = [] if failure.order is None else [failure.order]
    try:
        checking = "check finds" in failure.text
        found = Try(
            files, folder, failure.options, failure.name_earlier, failure.partial, checking
        ).fails(orders)
    except BrokenError:
        return False
    return found is not None and found.kind() == failure.kind()


def show(files: Mapping[str, str]) -> str:
    return "\n".join(
        f"# {'-' * 20} {name}\n{re.sub(chr(10) + '{3,}', chr(10) * 3, text)}"
        for name, text in files.items()
        if text.strip()
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long to look for failures")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--reduce", type=float, default=120, help="seconds for each failure")
    parser.add_argument("--keep", type=Path, help="write failing programs into this folder")
    args = parser.parse_args()
    until = time.monotonic() + args.seconds
    seed, seeds, failures = args.seed or args.first, 0, 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as work:
        os.environ["XDG_CACHE_HOME"] = str(Path(work, "cache"))
        folder = Path(work, "program")
        while seeds == 0 or (args.seed is None and time.monotonic() < until):
            files, (options, name_earlier) = program(seed), ways(seed)
            failure = Try(files, folder, options, name_earlier, is_loose(seed)).fails(seed=seed)
            if failure is not None:
                failures += 1
                text = "\n".join(failure.text.splitlines()[:LINES])
                print(f"\nseed {seed} {options} {failure.order}\n{text}", flush=True)
                files = smaller(files, failure, folder, args.reduce)
                print(f"\n{show(files)}\n", flush=True)
                if args.keep:
                    for name, text in files.items():
                        path = args.keep / str(seed) / name
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_text(text)
            seed, seeds = seed + 1, seeds + 1
    print(f"{seeds} seeds, {failures} failures")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
