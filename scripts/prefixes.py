"""Migrates a project module by module, in many orders, and looks after every step.

    python scripts/prefixes.py [NAME ...]                      the targets below; all without names
    python scripts/prefixes.py --source DIR --tests "-m pytest -q" [--modules GLOB]

Leaves first, then top down (with `--plan` in the two orders that `plan` proposes), then in random
orders (`--orders`), one `asyncshift apply --module` after another.  After each step: the program's
own tests pass and leave no coroutine un-awaited, `asyncshift check` finds nothing that it did not
find in the sync original, what the diff does not name is byte for byte as it was, and the same step
again changes nothing.  At the end of each order (and one `apply` of everything) the tree is that of
a migration in one step: the same statements, layout, docstrings and the names of imports aside.
Exit status 1 when any of it does not hold.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import fnmatch
import hashlib
import io
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from asyncshift.cli import run  # noqa: E402
from asyncshift.config import load_config  # noqa: E402
from asyncshift.pins import is_test_file  # noqa: E402
from asyncshift.pipeline import survey  # noqa: E402
from tests.e2e.never_awaited import watching  # noqa: E402

Tree = Mapping[str, bytes]
Step = tuple[str, ...]
"""The modules that are named together."""
NOT_SOURCE = frozenset({"__pycache__", ".pytest_cache", ".ruff_cache", ".git"})
OWN_FOLDER = ".asyncshift"
"""The tool's journal and ledger: part of a state, but no part of the program."""
SEED = 20261


@dataclass(frozen=True, slots=True)
class Target:
    """A project: a folder, or a pinned source distribution, with the command that runs its tests
    (arguments for Python, in the project's folder)."""

    name: str
    tests: str
    source: Path | None = None
    pin: str = ""
    modules: str = "*"
    paths: tuple[str, ...] = ()
    """What of a source distribution is taken; everything without any."""
    python_path: str = "."
    requirements: tuple[str, ...] = ()
    """What its tests need beside the development tools."""
    python: str = sys.executable
    """Runs its tests."""


PYTEST = (
    "-m pytest -q -x -p no:cacheprovider -W error::pytest.PytestUnraisableExceptionWarning "
    "-W 'error:coroutine:RuntimeWarning'"
)
TARGETS = (
    Target("shelfsync", f"{PYTEST} -W error", ROOT / "examples/shelfsync", python_path="src"),
    *(
        Target(name, f"{PYTEST} -W error", ROOT / "tests/fixtures/programs" / name)
        for name in ("depot", "gazette", "sensors")
    ),
    # 8,500 lines; its tests use `loop://`, which waits with `time.sleep` as a device would.
    Target("pyserial", f"{PYTEST} test", pin="pyserial==3.5", modules="serial*"),
)


class BrokenError(Exception):
    """Something that must hold does not; the text says what, and where."""


# ----------------------------------------------------------------------------- trees


def read_tree(root: Path) -> dict[str, bytes]:
    """Every file below `root` but caches; the journal's copies are no state."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_file() and not NOT_SOURCE.intersection(name.parts):
            found[name.as_posix()] = path.read_bytes()
    return found


def write_tree(root: Path, tree: Tree) -> None:
    """Make `root` hold exactly `tree`."""
    shutil.rmtree(root, ignore_errors=True)
    for name, data in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def program(tree: Tree) -> dict[str, bytes]:
    return {n: data for n, data in tree.items() if not n.startswith(f"{OWN_FOLDER}/")}


def digest(tree: Tree) -> str:
    total = hashlib.sha256()
    for name, data in sorted(tree.items()):
        total.update(f"{name}\0{len(data)}\0".encode() + data)
    return total.hexdigest()


def changed_names(old: Tree, new: Tree) -> set[str]:
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


class Origins(ast.NodeTransformer):
    """Imported names become what they stand for, and import statements one sorted list: under which
    of several names a module is imported, and in which line, is no part of what a program does."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.package = name.removesuffix(".py").split("/")[:-1]
        meanings: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            match node:
                case ast.Import() | ast.ImportFrom():
                    for alias in node.names:
                        local = alias.asname or alias.name.partition(".")[0]
                        meanings.setdefault(local, set()).add(self.origin(node, alias))
                case ast.Name(name, ast.Store() | ast.Del()) | ast.arg(name):
                    meanings.setdefault(name, set()).add("")
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    meanings.setdefault(node.name, set()).add("")
                case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                    meanings.setdefault(name, set()).add("")
        self.meant = {
            name: origin for name, (origin, *others) in meanings.items() if origin and not others
        }
        self.imported: set[str] = set()

    def origin(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
        if isinstance(node, ast.Import):
            return alias.name if alias.asname else alias.name.partition(".")[0]
        above = self.package[: len(self.package) - node.level + 1] if node.level else []
        return ".".join([*above, *filter(None, [node.module]), alias.name])

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> ast.AST | None:
        kept = []
        for alias in node.names:
            if (alias.asname or alias.name.partition(".")[0]) not in self.meant:
                kept.append(alias)
            elif isinstance(node, ast.Import):
                self.imported.add(alias.name)
            else:
                self.imported.add(self.origin(node, alias))
        node.names = kept
        return node if kept else None

    visit_ImportFrom = visit_Import  # noqa: N815 - the name that `ast.NodeVisitor` looks for

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.meant.get(node.id, node.id), node.ctx)


def statements(name: str, source: bytes) -> str:
    """A module's syntax tree without docstrings, positions and names of imports."""
    tree = ast.parse(source)
    origins = Origins(name, tree)
    origins.visit(tree)
    for node in ast.walk(tree):
        match node:
            case (
                ast.Module(body=[ast.Expr(ast.Constant(str())), *rest])
                | ast.ClassDef(body=[ast.Expr(ast.Constant(str())), *rest])
                | ast.FunctionDef(body=[ast.Expr(ast.Constant(str())), *rest])
                | ast.AsyncFunctionDef(body=[ast.Expr(ast.Constant(str())), *rest])
            ):
                node.body = rest or [ast.Pass()]
    return "\n".join([*sorted(origins.imported), ast.dump(tree, indent=1)])


def differences(reference: Tree, tree: Tree) -> str:
    """How a tree's code differs from the one-step migration's; empty when it does not."""
    found = []
    for name in sorted(n for n in {*reference, *tree} if n.endswith(".py")):
        old, new = reference.get(name), tree.get(name)
        if old is not None and new is not None and statements(name, old) == statements(name, new):
            continue
        if old is None or new is None:
            found.append(f"only after {'one step' if new is None else 'all steps'}: {name}")
            continue
        texts = [data.decode("utf-8", "replace").splitlines() for data in (old, new)]
        found += difflib.unified_diff(*texts, f"one step/{name}", f"steps/{name}", lineterm="")
    return "\n".join(found)


# ----------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    out: str
    err: str


def asyncshift(*arguments: str) -> Said:
    """One command in this process: an interpreter for each would cost more than the work."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in "oe")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(arguments)
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return Said(status, *texts)


def _changes(old: Tree, new: Tree, names: Iterable[str]) -> str:
    """What changed in the ledger."""
    found: list[str] = []
    for name in sorted(n for n in names if "/ledger/" in n):
        texts = [tree.get(name, b"").decode().splitlines() for tree in (old, new)]
        found += difflib.unified_diff(*texts, name, name, lineterm="")
    return "\n".join(found)


def _end(text: str, lines: int = 20) -> str:
    return "\n".join(text.splitlines()[-lines:])


def named_files(diff: str) -> set[str]:
    """The files that a unified diff names."""
    names = re.findall(r"^(?:---|\+\+\+) [ab]/(.*?)(?:\t.*)?$", diff, re.M)
    return set(names)


@dataclass(slots=True)
class Walk:
    """One project, and what was found out about each of its states."""

    target: Target
    folder: Path
    name_earlier: bool = False
    """Name the modules of earlier steps again."""
    options: tuple[str, ...] = ()
    """For every step."""
    original: Tree = field(default_factory=dict)
    steps: dict[tuple[str, tuple[str, ...]], Tree] = field(default_factory=dict)
    sound: set[str] = field(default_factory=set)
    listed: Counter[str] = field(default_factory=Counter)

    def start(self, tree: Tree) -> None:
        self.original = tree
        write_tree(self.folder, tree)
        self.listed = self._findings()
        self._run_tests()
        self.sound.add(digest(program(tree)))

    def modules(self) -> list[str]:
        """The modules that can be migrated, leaves first."""
        write_tree(self.folder, self.original)
        found = survey([self.folder], load_config(self.folder, {"jobs": 1}))
        names = {
            file.path: file.module
            for file in found.project.files
            if not is_test_file(file.path) and fnmatch.fnmatchcase(file.module, self.target.modules)
        }
        ordered: list[str] = []
        open_paths: set[str] = set()

        def visit(path: str) -> None:
            if path in open_paths:
                return
            open_paths.add(path)
            for other in sorted(found.graph.imports.get(path, ())):
                visit(other)
            if path in names:
                ordered.append(names[path])

        for path in sorted(names):
            visit(path)
        return ordered

    def planned(self, direction: str) -> list[Step]:
        """The steps of `plan` in one direction, those of one strongly connected group together."""
        write_tree(self.folder, self.original)
        said = asyncshift(
            "plan", str(self.folder), "--direction", direction, "--format", "json", "--jobs", "1"
        )
        if said.status:
            raise BrokenError(f"plan ended with {said.status}:\n{_end(said.err)}")
        waves = json.loads(said.out)["orders"][direction]["waves"]
        return [tuple(m["module"] for m in step) for wave in waves for step in wave["steps"]]

    def step(self, tree: Tree, modules: Sequence[str], *more: str) -> Tree:
        """Apply one step to a state, look at what came out, and give that."""
        key = digest(tree), (*modules, *more)
        if key in self.steps:
            return self.steps[key]
        write_tree(self.folder, tree)
        options = [*more, *(word for module in modules for word in ("--module", module))]
        said = self._apply(options)
        new = read_tree(self.folder)
        really = changed_names(program(tree), program(new))
        if really != named_files(said.out):
            raise BrokenError(f"the diff names {named_files(said.out)}, and {really} changed")
        for name in really:
            if name.endswith(".py") and name in new:
                compile(new[name], name, "exec")
        again = self._apply(options) if really else said
        if more := changed_names(new, read_tree(self.folder)):
            text = again.out or _changes(new, read_tree(self.folder), more)
            raise BrokenError(f"the same step again changes {more}:\n{text}")
        self._look(program(new))
        self.steps[key] = new
        return new

    def _apply(self, options: Sequence[str]) -> Said:
        always = ("--yes", "--jobs", "1", *self.options)
        said = asyncshift("apply", str(self.folder), *always, *options)
        if said.status:
            raise BrokenError(f"apply ended with {said.status}:\n{_end(said.err)}")
        return said

    def _look(self, tree: Tree) -> None:
        if (state := digest(tree)) in self.sound:
            return
        if fresh := self._findings() - self.listed:
            raise BrokenError("check finds what was not there before:\n" + "\n".join(fresh))
        self._run_tests()
        self.sound.add(state)

    def _findings(self) -> Counter[str]:
        """What `check` finds for certain: rule, file, and text without line numbers."""
        said = asyncshift("check", str(self.folder), "--format", "json", "--jobs", "1")
        if said.status not in (0, 1):
            raise BrokenError(f"check ended with {said.status}:\n{_end(said.err)}")
        found: Counter[str] = Counter()
        for one in json.loads(said.out)["findings"]:
            if not one["listed"]:
                text = re.sub(r":\d+", "", one["text"])
                found[f"{one['rule']} {one['path']} {text}"] += 1
        return found

    def _run_tests(self) -> None:
        with watching() as watch:
            environment = watch.environment(
                {
                    **os.environ,
                    "PYTHONPATH": str(self.folder / self.target.python_path),
                    "PYTHONDONTWRITEBYTECODE": "1",
                }
            )
            done = subprocess.run(
                [self.target.python, *shlex.split(self.target.tests)],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            seen = watch.seen()
        if done.returncode:
            text = _end(done.stdout + done.stderr, 60)
            raise BrokenError(f"the tests end with {done.returncode}:\n{text}")
        if seen:
            raise BrokenError("never awaited:\n" + "\n".join(seen))

    def whole_order(self, order: Order, one_step: Tree) -> int:
        """Every step of an order, and the last one that takes what is left; how many changed
        something."""
        tree, done, changed = self.original, [], 0
        for modules in (*order.steps, ()):
            before = " ".join(done) or "nothing"
            done += modules
            named = done if modules and self.name_earlier else modules
            try:
                new = self.step(tree, named, *(order.options if modules else ()))
            except BrokenError as broken:
                step = " ".join(modules) or "the last step, of everything"
                raise BrokenError(f"after {before}\n  in {step}: {broken}") from None
            changed += program(new) != program(tree)
            tree = new
        if found := differences(program(one_step), program(tree)):
            raise BrokenError(f"{' '.join(done)}\nend elsewhere than one step:\n{found}")
        return changed


# ----------------------------------------------------------------------------- projects


@dataclass(frozen=True, slots=True)
class Order:
    """Steps one after another, and the options of each."""

    name: str
    steps: Sequence[Step]
    options: tuple[str, ...] = ()


def orders(walk: Walk, leaves_first: Sequence[str], count: int, planned: bool) -> Iterator[Order]:
    each = [(module,) for module in leaves_first]
    if planned:
        yield Order("plan, upwards", walk.planned("up"))
        yield Order("plan, downwards", walk.planned("down"), ("--direction", "down"))
    else:
        yield Order("leaves first", each)
        yield Order("top down", each[::-1])
    chance = random.Random(SEED)
    for number in range(1, count + 1):
        yield Order(f"random {number}", chance.sample(each, len(each)))


def source_tree(target: Target) -> Tree:
    if target.source is not None:
        return read_tree(target.source)
    downloads = ROOT / ".real-code"
    downloads.mkdir(exist_ok=True)
    stem = target.pin.replace("==", "-")
    command = ["download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(downloads)]
    if not list(downloads.glob(f"{stem}.tar.gz")):
        subprocess.run([sys.executable, "-m", "pip", *command, target.pin], check=True)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(downloads / f"{stem}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        tree = read_tree(Path(folder, stem))
    if not target.paths:
        return tree
    return {n: d for n, d in tree.items() if n.startswith(target.paths)}


def walk_target(
    target: Target,
    folder: Path,
    count: int,
    name_earlier: bool,
    planned: bool,
    options: Sequence[str],
) -> bool:
    """Whether every order of one project holds."""

    def say(text: str) -> None:
        print(f"  {text}", flush=True)

    print(f"\n{target.name}", flush=True)
    walk = Walk(target, folder, name_earlier, tuple(options))
    walk.start(source_tree(target))
    modules = walk.modules()
    say(f"{len(modules)} modules: {' '.join(modules)}")
    holds = True
    try:
        one_step = walk.step(walk.original, ())
        say(f"one step: {len(changed_names(program(walk.original), program(one_step)))} files")
        for bridge in bridges_left(program(one_step)):
            say(f"  a bridge stays: {bridge}")
    except BrokenError as broken:
        say(f"BROKEN one step: {broken}")
        return False
    for order in orders(walk, modules, count, planned):
        try:
            changed = walk.whole_order(order, one_step)
            say(f"ok {order.name}: {changed} of {len(order.steps)} steps changed something")
        except BrokenError as broken:
            say(f"BROKEN {order.name}: {broken}")
            holds = False
    say(f"{len(walk.sound)} different trees, each tested")
    return holds


def bridges_left(tree: Tree) -> Iterator[str]:
    """The places that run a coroutine from sync code."""
    for name, data in tree.items():
        if name.endswith(".py") and not name.endswith("_run_sync.py"):
            for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
                if re.search(r"\b(run_sync|iter_sync|enter_sync)\(", line):
                    yield f"{name}:{number}: {line.strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="targets; all without any")
    parser.add_argument("--source", type=Path, help="a project of your own")
    parser.add_argument("--tests", default=PYTEST, help="arguments for Python that run its tests")
    parser.add_argument("--modules", default="*", help="migrate only modules of this pattern")
    parser.add_argument("--python-path", default=".", help="where the project's packages are")
    parser.add_argument("--orders", type=int, default=10, help="how many random orders")
    parser.add_argument(
        "--name-earlier", action="store_true", help="name the modules of earlier steps again"
    )
    parser.add_argument(
        "--edit-callers", action="store_true", help="let each step edit lines at its border"
    )
    parser.add_argument(
        "--plan", action="store_true", help="the two orders of `plan` in place of the first two"
    )
    parser.add_argument("--python", default=sys.executable, help="runs the tests of --source")
    parser.add_argument("--keep", type=Path, help="work in this folder and keep its last state")
    args = parser.parse_args()
    if args.source:
        source = args.source.resolve()
        chosen = [
            Target(
                source.name,
                args.tests,
                source,
                modules=args.modules,
                python_path=args.python_path,
                python=args.python,
            )
        ]
    else:
        chosen = [t for t in TARGETS if not args.names or t.name in args.names]
    holds = True
    with contextlib.ExitStack() as stack:
        if args.keep:
            work = args.keep.resolve()
        else:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prefixes-")))
        os.environ["XDG_CACHE_HOME"] = str(work / "cache")
        for target in chosen:
            folder = work / target.name
            options = ["--edit-callers"] if args.edit_callers else []
            holds &= walk_target(target, folder, args.orders, args.name_earlier, args.plan, options)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
