"""The before/after cases of a codemod's folder, each migrated in a scratch copy.

A case is `fixtures/<case>/before`, with `after` beside it; one named `skip_*` has no `after`.
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from asyncshift import pipeline
from asyncshift.config import Config
from asyncshift.errors import InputError
from asyncshift.journal import FOLDER
from asyncshift.loading import load_registry

Tree = dict[str, bytes]
_LEFT_OUT = frozenset({FOLDER, "__pycache__"})


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case, or the table's rows: what is wrong, empty for nothing."""

    name: str
    wrong: str = ""


def run_cases(folder: Path, config: Config, update: bool) -> Iterator[CaseResult]:
    """Every case of a folder, then the rows of its table that no case uses."""
    places = sorted(path.parent for path in (folder / "fixtures").glob("*/before"))
    if not places:
        hint = "A case is fixtures/<case>/before, with after beside it."
        raise InputError("has no cases", path=str(folder), hint=hint)
    config = replace(config, codemods=(*config.codemods, folder), cache=False, jobs=1)
    used: set[str] = set()
    for place in places:
        with TemporaryDirectory(prefix="asyncshift-case-") as scratch:
            root = Path(scratch).resolve() / "case"
            shutil.copytree(place / "before", root)
            yield CaseResult(place.name, _wrong(place, root, config, update, used))
    unused = [name for name in _rows(folder) if name not in used]
    told = f"no case uses {', '.join(unused)}" if unused else ""
    yield CaseResult("every row of the table", told)


def _wrong(place: Path, root: Path, config: Config, update: bool, used: set[str]) -> str:
    before = _tree(root)
    used |= _apis(root, config)
    _migrate(root, config)
    after = _tree(root)
    for name, data in after.items():
        if name.endswith(".py"):
            compile(data, name, "exec")
    skipped = place.name.startswith("skip_")
    if update and not skipped:
        _store(place / "after", after)
    wanted = before if skipped else _tree(place / "after")
    if not skipped and not wanted:
        return "has no `after`: write it with --update, and read it"
    if after != wanted:
        return _difference(wanted, after)
    if not skipped and after == before:
        return "changes nothing: call it skip_..., or mend the table"
    _migrate(root, config)
    if _tree(root) != after:
        return "a second run changes it again"
    return ""


def _migrate(root: Path, config: Config) -> None:
    outcome = pipeline.changes(pipeline.analyse([root], config))
    for change in outcome.changes:
        path = root / change.path
        if change.new is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(change.new)


def _apis(root: Path, config: Config) -> set[str]:
    """The names of libraries that a case reaches."""
    graph = pipeline.survey([root], config).graph
    return {target.api for site in graph.sites for target in site.targets if target.api}


def _rows(folder: Path) -> list[str]:
    (info,) = load_registry((), (folder,), only=(folder.name,)).codemods
    return [row.name for row in info.rows if row.kind != "constant" and "*" not in row.name]


def _tree(root: Path) -> Tree:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not _LEFT_OUT & set(path.relative_to(root).parts)
    }


def _store(folder: Path, tree: Tree) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _difference(wanted: Tree, found: Tree) -> str:
    lines: list[str] = ["is migrated otherwise:"]
    for name in sorted({*wanted, *found}):
        old, new = (
            tree.get(name, b"").decode("utf-8", "replace").splitlines() for tree in (wanted, found)
        )
        lines += difflib.unified_diff(old, new, f"after/{name}", f"now/{name}", lineterm="")
    return "\n".join(lines)
