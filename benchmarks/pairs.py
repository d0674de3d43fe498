"""Migrate the sync half of published packages that carry the same code in async form, and score it.

    python benchmarks/pairs.py --pairs DIR --work DIR [--only httpcore,surrealdb] [--show N]
                               [--python PYTHON]

`--pairs` is a folder with `prepare.py`, which lays out `WORK/<pair>/sync`, `truth`, `roots.json`
and `renames.json`, and with `score.py`, which compares a migrated tree with the truth.  The roots
of a pair (what its authors replaced by hand: a socket, a lock, a client) become a table; nothing
else is told, but that a function gives what is the one class beside it among the roots.  A
whole-tree step with that table is applied to a copy of the sync half.  Every migrated file must
compile, and with `--python`, an interpreter that has what the packages need, every module that
could be imported before must be importable after.

A root is one of: `call` (awaited when called), `cm` (entered with `async with`), `iter` (iterated
with `async for`), `callback` (an attribute whose call is awaited).  A root that is defined in a
file of the sync half turns where it stands; one in a file that both halves share is used as a
library is.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

MEASURES = ("async_def", "await", "async_for", "async_with")


@dataclass(slots=True)
class Rows:
    """The rows of a pair's table, class by class."""

    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    iterating: set[str] = field(default_factory=set)
    """What iterates with `async for` over something that it is given."""

    def add(self, root: Mapping[str, str], turning: bool, shared: bool) -> None:
        """One root; `turning`: it is defined in the sync half, `shared`: in a file of both."""
        name, new = root["sync"], root.get("async", "")
        owner, _, last = name.rpartition(".")
        match root["kind"]:
            case "call" if turning or not _is_class(owner):
                self.functions[name] = {"to": new} if new and shared else {}
            case "call":
                row = self._class(owner)
                row.setdefault("awaited", []).append(last)
                if shared and new and new.rpartition(".")[2] != last:
                    row.setdefault("rename", {})[last] = new.rpartition(".")[2]
            case "cm":
                self._class(name)["async_with"] = True
            case "iter":
                self.iterating |= {owner, name}
                self._class(owner).setdefault("attributes", {})[last] = name
                self._class(name)["async_for"] = True
            case "callback":
                self._class(owner).setdefault("callbacks", []).append(last)

    def link(self) -> None:
        """A function gives instances of the class beside it, if there is just one: `connect` and
        `Connection`.  The roots do not say what a call gives."""
        for name, row in self.functions.items():
            module = name.rpartition(".")[0]
            beside = [other for other in self.classes if other.rpartition(".")[0] == module]
            if len(beside) == 1 and not _is_class(module):
                row["returns"] = beside[0]

    def _class(self, name: str) -> dict[str, Any]:
        return self.classes.setdefault(name, {})

    def toml(self, name: str) -> str:
        """The table's text."""
        parts = [f'[codemod]\nname = "{name}"\nsummary = "the roots of {name}"\n']
        if self.iterating:
            parts.append(f"[async_aware]\nfunctions = {_toml(sorted(self.iterating))}\n")
        for kind, rows in (("functions", self.functions), ("classes", self.classes)):
            for dotted, row in rows.items():
                parts.append(f'[{kind}."{dotted}"]\n')
                parts += [f"{key} = {_toml(value)}\n" for key, value in row.items()]
        return "\n".join(parts)


def _is_class(dotted: str) -> bool:
    return dotted.rpartition(".")[2][:1].isupper() or dotted == "socket.socket"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{k}" = {_toml(v)}' for k, v in value.items()) + " }"
    return json.dumps(value)


def rows(pair: Path) -> Rows:
    """The table of one pair, from its `roots.json`."""
    found = Rows()
    renamed = [old for old, _ in json.loads((pair / "renames.json").read_text())["files"]]
    for root in json.loads((pair / "roots.json").read_text()):
        if not all(part.isidentifier() for part in root["sync"].split(".")):
            continue  # prose
        path = _file(pair / "sync", root["sync"])
        inside = path is not None and any(path.startswith(old) for old in renamed)
        found.add(root, turning=inside, shared=path is not None and not inside)
    found.link()
    return found


def _file(tree: Path, dotted: str) -> str | None:
    """The file of the tree that defines a name, relative to the tree."""
    parts = dotted.split(".")
    for end in range(len(parts) - 1, 0, -1):
        path = tree.joinpath(*parts[:end]).with_suffix(".py")
        if path.is_file():
            return path.relative_to(tree).as_posix()
    return None


def migrate(pair: Path, out: Path) -> None:
    """A whole-tree step over a copy of the sync half; raises when the tool fails."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(pair / "sync", out)
    table = out.with_suffix(".toml")
    table.write_text(rows(pair).toml(pair.name))
    command = [sys.executable, "-m", "asyncshift", "apply", str(out), "--yes"]
    command += ["--only", pair.name, "--table", str(table)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    out.with_suffix(".log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise SystemExit(f"{pair.name}: the step failed\n{done.stdout[-3000:]}{done.stderr}")


def broken(tree: Path) -> Iterator[str]:
    """Files that do not compile."""
    for path in sorted(tree.rglob("*.py")):
        try:
            compile(path.read_bytes(), str(path), "exec")
        except SyntaxError as error:
            yield f"{path.relative_to(tree)}: {error}"


IMPORTS = """
import importlib, json, pathlib, sys
root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root))
failed = {}
for path in sorted(root.rglob("*.py")):
    name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
print(json.dumps(failed))
"""


def unimportable(tree: Path, python: Path) -> dict[str, str]:
    """The modules of a tree that cannot be imported, with the reason of each."""
    command = [str(python), "-I", "-c", IMPORTS, str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    failed: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return failed


def figures(result: Mapping[str, Any]) -> dict[str, float | None]:
    """F1 of each measure, and the share of changed functions that are entirely right."""
    found = {name: result["measures"][name]["f1"] for name in MEASURES}
    return {**found, "right": result["fully_right_changed"]}


def mean(all_figures: Sequence[Mapping[str, float | None]], name: str) -> float | None:
    """Over the pairs that have anything of the kind."""
    values = [value for one in all_figures if (value := one[name]) is not None]
    return sum(values) / len(values) if values else None


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _cells(name: str, found: Mapping[str, float | None]) -> str:
    values = ["-" if value is None else f"{value:.3f}" for value in found.values()]
    return f"{name:16}" + "".join(f"{value:>12}" for value in values)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--pairs", type=Path, required=True, help="folder with the pairs and the scorer"
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="where trees are laid out and kept"
    )
    parser.add_argument("--only", default="", help="names of pairs, separated by commas")
    parser.add_argument(
        "--show", type=int, default=0, help="print so many disagreements of each pair"
    )
    parser.add_argument("--python", type=Path, help="imports the trees, before and after")
    options = parser.parse_args(argv)
    score = _module(options.pairs / "score.py")
    names = [one["name"] for one in json.loads((options.pairs / "pairs.json").read_text())["pairs"]]
    wanted = [name for name in names if not options.only or name in options.only.split(",")]
    missing = [name for name in wanted if not (options.work / name / "sync").is_dir()]
    if missing:
        command = [sys.executable, str(options.pairs / "prepare.py"), str(options.work)]
        subprocess.run([*command, "--pairs", ",".join(missing)], check=True)
    found = []
    failed = 0
    print(_cells("", dict.fromkeys(())) + "".join(f"{name:>12}" for name in (*MEASURES, "right")))
    for name in wanted:
        pair, out = options.work / name, options.work / "_migrated" / name
        out.parent.mkdir(exist_ok=True)
        migrate(pair, out)
        renames = json.loads((pair / "renames.json").read_text())
        result = score.score(str(out), str(pair / "truth"), renames, str(pair / "sync"))
        out.with_suffix(".json").write_text(json.dumps(result, indent=1))
        found.append(figures(result))
        print(_cells(name, found[-1]))
        for line in broken(out):
            failed = 1
            print(f"  does not compile: {line}")
        if options.python:
            before = unimportable(pair / "sync", options.python)
            for module, error in unimportable(out, options.python).items():
                if module not in before:
                    failed = 1
                    print(f"  cannot be imported any more: {module}: {error}")
            for module, error in before.items():
                print(f"  could not be imported before: {module}: {error}")
        if options.show:
            print(score.text(result, options.show))
    print(_cells("mean", {name: mean(found, name) for name in (*MEASURES, "right")}))
    return failed


if __name__ == "__main__":
    sys.exit(main())
