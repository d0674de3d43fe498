"""Where tests keep the doubles of a library that the code no longer uses: the module of a codemod
that lets them answer the new one, and the line that imports it.

`responses` and `requests_mock` stand for requests, and nothing of the kind has their vocabulary for
httpx.  So tests stay as they are; the package (or the conftest.py) they lie in imports a generated
module, which asks the doubles while one is active.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from asyncshift.bridge_modules import module_template
from asyncshift.codemod import Registry
from asyncshift.discover import encode
from asyncshift.model import Action, Decision, FileChange, Plan, Project
from asyncshift.pins import is_test_file
from asyncshift.tables import Table


def with_doubles(
    project: Project,
    plan: Plan,
    registry: Registry,
    settings: Mapping[str, str],
    written: Iterable[FileChange],
) -> list[FileChange]:
    """The changes, with the modules that tests need for their doubles and the lines that import
    them."""
    found = {change.path: change for change in written}
    moved = {d.detail["codemod"] for d in plan.decisions if _converts(d)}
    for table in registry.tables:
        if table.name in moved and table.doubles:
            source = module_template(registry, table.double_module, settings)
            for folder in sorted(_folders(project, table)):
                for change in _changes(project, folder, (table.double_module, source), found):
                    found[change.path] = change
    return list(found.values())


def _converts(decision: Decision) -> bool:
    """Whether something of the program moves to another library."""
    if decision.action is not Action.LIBRARY or is_test_file(decision.path):
        return False
    return decision.detail.get("way", "convert") == "convert"


def _folders(project: Project, table: Table) -> set[str]:
    """The folders at the top of the tests that use such doubles."""
    names = "|".join(map(re.escape, table.doubles))
    imported = rf"(?:import|from)[ \t]+(?:{names})\b"
    given = rf"(?:async[ \t]+)?def[ \t][^:]*\b(?:{names})\b"
    used = re.compile(rf"^[ \t]*(?:{imported}|{given})", re.M)
    packages = {file.path.rpartition("/")[0] for file in project.files if file.is_package}
    return {
        _top(file.path.rpartition("/")[0], packages)
        for file in project.files
        if is_test_file(file.path) and used.search(file.text)
    }


def _top(folder: str, packages: set[str]) -> str:
    """The outermost folder of tests that holds a folder, as packages or beside one conftest.py."""
    while True:
        above = folder.rpartition("/")[0]
        if not above or not is_test_file(f"{above}/__init__.py"):
            return folder
        if (above in packages) != (folder in packages):
            return folder
        folder = above


def _changes(
    project: Project, folder: str, module: tuple[str, str], found: Mapping[str, FileChange]
) -> Iterator[FileChange]:
    """The module, and the line in the package of the tests, or in their conftest.py."""
    name, source = module
    root, beside = Path(project.root), f"{folder}/" if folder else ""
    if not (root / f"{beside}{name}.py").exists():
        yield FileChange(f"{beside}{name}.py", None, source.encode())
    files = {file.path: file for file in project.files}
    package = files.get(f"{beside}__init__.py")
    home = package or files.get(f"{beside}conftest.py")
    statement = f"from . import {name}" if package else f"import {name}"
    line = f"{statement}  # noqa: F401 - doubles of the old library answer the new one"
    if home is None:
        if not (root / f"{beside}conftest.py").exists():
            yield FileChange(f"{beside}conftest.py", None, f"{line}\n".encode())
    elif not re.search(rf"^{re.escape(statement)}\b", home.text, re.M):
        change = found.get(home.path)
        old = encode(home, home.text)
        text = home.text if change is None else (change.new or b"").decode(home.encoding)
        yield FileChange(home.path, old, encode(home, _with_line(text, line)))


def _with_line(text: str, line: str) -> str:
    """The text with the line behind its docstring and its `__future__` imports."""
    at = 0
    for statement in ast.parse(text).body:
        match statement:
            case ast.Expr(value=ast.Constant(value=str())) | ast.ImportFrom(module="__future__"):
                at = statement.end_lineno or at
            case _:
                break
    lines = text.splitlines(keepends=True)
    end = "\r\n" if "\r\n" in text else "\n"
    if at and at == len(lines) and not lines[-1].endswith(end):
        lines[-1] += end
    gap = [end] if at else []
    return "".join([*lines[:at], *gap, f"{line}{end}", *lines[at:]])
