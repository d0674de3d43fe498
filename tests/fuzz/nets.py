"""Random call graphs around a blocking leaf, run before and after: the same output, all awaited.

    python -m tests.fuzz.nets [--programs N] [--batch N]

Hypothesis draws each program: functions, methods, generators, context managers, callbacks,
properties and decorators, each with ways to use those before it.  Many programs stand side by side
in one tree and are migrated together, because a migration costs more than a program; each is a
package of its own with a `main.py`, and what it says names it.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.e2e.never_awaited import watching

BATCH = 25
SECONDS = 900
HEAD = '''\
import contextlib
import functools
import itertools
import time

LOG = []


class Oops(Exception):
    """Raised for some numbers."""


def note(*what):
    LOG.append(what)
    return len(LOG)


def leaf(x):
    note("leaf", x)
    time.sleep(0)
    return x + 1
'''
RUNNER = '''\
"""Runs the main program of every package in a folder, and says which one speaks."""

import gc
import os
import runpy
import sys
import traceback

logs = [os.environ.get(f"ASYNCSHIFT_{what}", "") for what in ("NEVER_AWAITED", "BLOCKED")]
for name in sorted(os.listdir(".")):
    if not os.path.isdir(name) or not name.startswith("net"):
        continue
    print("----", name, flush=True)
    try:
        runpy.run_path(os.path.join(name, "main.py"), run_name="__main__")
    except BaseException as error:
        print("ended by", type(error).__name__, error)
        if os.environ.get("NETS_TRACEBACK"):
            traceback.print_exc(limit=-3)
    gc.collect()
    for log in filter(os.path.exists, logs):
        print(open(log).read())
        os.remove(log)
'''


@dataclass(frozen=True, slots=True)
class Node:
    """One definition: what it is, whether it blocks, raises or ends, and whom it uses how."""

    kind: str
    blocks: bool
    raises: bool
    ends: bool
    uses: tuple[tuple[int, int], ...]
    """(which of those before it, counted back; which of the ways that fit it)."""


KINDS = (
    "function", "function", "method", "static", "generator", "generator", "manager", "entered",
    "caller", "property", "iterator", "wrapped", "lister", "nested",
)  # fmt: skip

NODES = st.builds(
    Node,
    kind=st.sampled_from(KINDS),
    blocks=st.booleans(),
    raises=st.sampled_from([False, False, False, True]),
    ends=st.booleans(),
    uses=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 30)), min_size=1, max_size=3).map(
        tuple
    ),
)
NETS = st.lists(NODES, min_size=2, max_size=7)

CALLS = (
    "{v} = {f}(x)",
    "{v} = sum([{f}(i) for i in range(2)])",
    "{v} = {f}(x) if {f}(1) % 2 else x",
    "{v} = functools.partial({f}, x + 1)()",
    "{v} = {{'a': {f}, 'b': leaf}}['a' if x % 2 else 'b'](x)",
    "{v} = sum(map({f}, [x, x + 1]))",
    "{v} = sorted([3, x, 1], key={f})[0]",
    "{v} = len(f'{{{f}(x)!r:>4}}')",
    "{v} = ({w} := {f}(x)) + {w}",
    "{v} = 0\ntry:\n    {v} = {f}(x)\nexcept Oops as oops:\n    note(str(oops))\n"
    "finally:\n    note({f}(0))",
    "{v} = 0\nwhile {v} < 3 and {f}({v}) >= 0:\n    {v} += 2",
    "{v} = (lambda a: a + 1)({f}(x))",
    "{v} = max({f}(x), *[{f}(i) for i in (1, 2)])",
    "{v} = int({f}(x) in [{f}(1), 3])",
    "assert {f}(x) >= 0, {f}(1)\n{v} = 1",
    "{v} = next((i for i in range(3) if {f}(i) > 1), 7)",
    "{v} = sum({f}(i) for i in range(2))",
    "{v} = any({f}(i) > 2 for i in range(3)) + all({f}(i) for i in (1, 0))",
    "{v} = x\nwith contextlib.suppress(Oops):\n    {v} = {f}(x)",
    "def {w}():\n    return {f}(x)\n{v} = {w}()",
    "match {f}(x):\n    case 1:\n        {v} = 5\n    case {v}:\n        note({v})",
    "{v} = -{f}(x) + {{{f}(1): 4}}[{f}(1)]",
)
LOOPS = (
    "{v} = 0\nfor i in {f}(x):\n    {v} += i",
    "{v} = 0\nfor i in {f}(x):\n    {v} = i\n    if i > 1:\n        break\nelse:\n    note('all')",
    "{v} = sum({f}(x))",
    "{v} = len([i for i in {f}(x) if i])",
    "{v} = next({f}(x), 3)",
    "{v} = sum(i + n for n, i in enumerate({f}(x)))",
    "{v} = 0\nfor n, i in enumerate({f}(x), 1):\n    {v} += n * i",
    "{v} = int(2 in {f}(x))",
    "{v} = len({{i: 1 for i in {f}(x)}})",
    "{v} = max(*{f}(x), 0, 1)",
    "{v} = sum(i * 2 for i in {f}(x))",
    "{v} = sorted({f}(x), reverse=True)[0] if {f}(1) else 0",
    "{v} = 0\nit = {f}(x)\ntry:\n    {v} = next(it) + next(it)\n"
    "except StopIteration:\n    note('end')",
    "{v} = len(list(map(leaf, {f}(x))))",
    "{v} = sum(itertools.chain({f}(x), [1], {f}(1)))",
    "{v} = any({f}(x))",
    "{v} = len(tuple({f}(x))) + len(','.join(str(i) for i in {f}(1)))",
    "{v}, *_ = [0, *{f}(x)]",
    "{v} = len(list(filter(None, {f}(x))))",
)
LISTED = tuple(way for way in LOOPS if "next(" not in way)
ENDED = tuple(way for way in LOOPS if not re.search(r"next\(|any\(|int\(2 in", way))
"""Where the end of a generator comes as early in async code: `next` and its like are listed."""
MANAGERS = (
    "with {f}(x) as {v}:\n    note({v})",
    "{v} = 0\nwith {f}(x) as {w}, {f}(1):\n    {v} = {w}",
    "with contextlib.ExitStack() as stack:\n    {v} = stack.enter_context({f}(x))",
    "{v} = 0\ntry:\n    with {f}(x):\n        raise Oops('inside')\nexcept Oops:\n    {v} = 4",
    "for i in (1, 2):\n    with {f}(i) as {v}:\n        if i == x:\n            break",
)
FORMS = {"call": CALLS, "loop": LOOPS, "list": LISTED, "ended": ENDED, "with": MANAGERS}


def render(number: int, net: Sequence[Node]) -> dict[str, str]:
    """The files of one program."""
    package = f"net{number:04}"
    parts: list[str] = []
    made: list[tuple[str, str]] = []  # (how it is called, ways)
    for index, node in enumerate(net):
        body = _body(index, node, made)
        text, called, ways = _definition(f"n{index}", node, body)
        parts.append(text)
        made.append((called, ways))
    calls = []
    for called, ways in made[-3:]:
        way = FORMS[ways][0]
        calls.append(way.format(f=called, v=f"r{len(calls)}", w="w"))
        calls.append(f"print(r{len(calls) - 1})")
    lines = "\n".join(f"    {line}" for call in calls for line in call.split("\n"))
    main = f"def main():\n    x = 2\n{lines}\n    print(LOG)\n\n\n"
    main += 'if __name__ == "__main__":\n    main()\n'
    names = sorted({called.partition("(")[0].partition(".")[0] for called, _ in made})
    head = f"from {package}.net import LOG, {', '.join(names)}\n\n\n"
    net_text = "\n\n\n".join([HEAD.rstrip("\n"), *parts]) + "\n"
    return {
        f"{package}/__init__.py": "",
        f"{package}/net.py": net_text,
        f"{package}/main.py": head + main,
    }


def _body(index: int, node: Node, made: Sequence[tuple[str, str]]) -> list[str]:
    lines = [f"note('n{index}', x)"]
    if node.raises:
        lines += ["if x % 5 == 3:", f"    raise Oops('n{index}')"]
    if node.blocks or not made:
        lines.append("v = leaf(x)")
    else:
        lines.append("v = x")
    for place, (back, way) in enumerate(node.uses if made else ()):
        called, ways = made[-min(back, len(made))]
        forms = FORMS[ways]
        text = forms[way % len(forms)].format(f=called, v=f"v{place}", w=f"w{place}")
        lines += [*text.split("\n"), f"v += v{place}"]
    return lines


def _definition(name: str, node: Node, body: list[str]) -> tuple[str, str, str]:
    """(text, how it is called, the ways that fit)."""

    def block(lines: Sequence[str], depth: int) -> str:
        return "\n".join("    " * depth + line for line in lines)

    ended = [f"note('end of {name}')"]
    give = ["return v % 11"]
    match node.kind:
        case "method":
            head = f"class C{name}:\n    def __init__(self, n):\n        self.n = n\n\n"
            text = f"{head}    def get(self, x):\n{block([*body, *give], 2)}"
            return text, f"C{name}(3).get", "call"
        case "static":
            text = f"class C{name}:\n    @staticmethod\n    def {name}(x):\n"
            return text + block([*body, *give], 2), f"C{name}.{name}", "call"
        case "property":
            head = f"class C{name}:\n    def __init__(self, x):\n        self.x = x\n\n"
            inner = ["x = self.x", *body, *give]
            text = f"{head}    @property\n    def value(self):\n{block(inner, 2)}\n\n\n"
            text += f"def {name}(x):\n    return C{name}(x).value"
            return text, name, "call"
        case "caller":
            text = f"def call_{name}(f, x):\n    return f(x) + f(x + 1)\n\n\n"
            text += f"def one_{name}(x):\n{block([*body, *give], 1)}\n\n\n"
            text += f"def {name}(x):\n    return call_{name}(one_{name}, x)"
            return text, name, "call"
        case "wrapped":
            wrapper = "    @functools.wraps(f)\n    def wrapper(*args):\n"
            wrapper += (
                "        note('wrapped')\n        return f(*args)\n\n    return wrapper\n\n\n"
            )
            text = f"def deco_{name}(f):\n{wrapper}@deco_{name}\ndef {name}(x):\n"
            return text + block([*body, *give], 1), name, "call"
        case "nested":
            inner = ["def inner(y):", "    return leaf(y) + x", *body, "v += inner(x)", *give]
            return f"def {name}(x):\n{block(inner, 1)}", name, "call"
        case "lister":
            text = f"def one_{name}(x):\n{block([*body, *give], 1)}\n\n\n"
            text += f"def {name}(x):\n    return [one_{name}(i) for i in range(x % 3)]"
            return text, name, "list"
        case "generator":
            steps = [*body, "yield v % 11", "yield leaf(v) % 7"]
            if node.ends:
                steps = ["try:", *(f"    {s}" for s in steps), "finally:", f"    {ended[0]}"]
            return f"def {name}(x):\n{block(steps, 1)}", name, "ended" if node.ends else "loop"
        case "iterator":
            head = f"class I{name}:\n    def __init__(self, x):\n        self.x = x\n\n"
            head += "    def __iter__(self):\n        return self\n\n    def __next__(self):\n"
            steps = ["self.x += 1", "x = self.x", "if x > 4:", "    raise StopIteration"]
            return head + block([*steps, *body, *give], 2), f"I{name}", "loop"
        case "manager":
            steps = [*body, "try:", "    yield v", "finally:", f"    leaf(x); {ended[0]}"]
            text = f"@contextlib.contextmanager\ndef {name}(x):\n{block(steps, 1)}"
            return text, name, "with"
        case "entered":
            head = f"class M{name}:\n    def __init__(self, x):\n        self.x = x\n\n"
            steps = ["x = self.x", *body, "return v"]
            head += f"    def __enter__(self):\n{block(steps, 2)}\n\n"
            head += f"    def __exit__(self, *exc_info):\n{block(['leaf(0)', *ended], 2)}"
            return head, f"M{name}", "with"
    return f"def {name}(x):\n{block([*body, *give], 1)}", name, "call"


# ----------------------------------------------------------------------------- running


@dataclass(frozen=True, slots=True)
class Lost:
    """A program that does something else afterwards."""

    program: str
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.program}\n--- before\n{self.before}\n--- after\n{self.after}\n{self.source}"


def ran(root: Path) -> dict[str, str]:
    """What each program below a folder says."""
    (root / "run_all.py").write_text(RUNNER)
    with watching(loop=True) as watch:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, "-W", "always", "run_all.py"],
            cwd=root,
            env=watch.environment(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    (root / "run_all.py").unlink()
    parts = done.stdout.split("---- ")[1:]
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}


def lost(nets: Sequence[Sequence[Node]], root: Path) -> list[Lost]:
    """Migrate programs together in one step; those that say something else then.  A migration that
    is refused is tried again with halves of the programs, which are named from 0 on there."""
    root.mkdir()
    for number, net in enumerate(nets):
        for path, text in render(number, net).items():
            ast.parse(text)
            (root / path).parent.mkdir(exist_ok=True, parents=True)
            (root / path).write_text(text)
    sources = {p.parent.name: p.read_text() for p in root.glob("*/net.py")}
    before = ran(root)
    command = [sys.executable, "-m", "asyncshift", "apply", str(root), "--yes", "--jobs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode and len(nets) > 1:
        half = len(nets) // 2
        halves = (root / "first", nets[:half]), (root / "second", nets[half:])
        return [one for folder, part in halves for one in lost(part, folder)]
    if done.returncode:
        return [Lost("the migration", before["net0000"], done.stderr, sources["net0000"])]
    after = ran(root)
    return [
        Lost(name, text, after.get(name, "nothing"), sources[name])
        for name, text in before.items()
        if text != after.get(name)
    ]


def programs(batch: int) -> st.SearchStrategy[list[list[Node]]]:
    """So many programs at once."""
    return st.lists(NETS, min_size=batch, max_size=batch)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=BATCH)
    options = parser.parse_args()
    failures: list[Lost] = []
    count = 0

    @settings(
        max_examples=-(-options.programs // options.batch),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(programs(options.batch))
    def migrate(nets: list[list[Node]]) -> None:
        nonlocal count
        with tempfile.TemporaryDirectory() as folder:
            failures.extend(found := lost(nets, Path(folder, "nets")))
        count += len(nets)
        for one in found:
            print(one, flush=True)
        print(f"{count} programs, {len(failures)} lost", flush=True)

    migrate()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
