"""What a project says of itself: its lowest Python and its console scripts.  Read, never run."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asyncshift.config import read_toml

UNDECLARED = (3, 11)
"""What a project that declares nothing is taken to run on."""


def requires_python(root: Path) -> tuple[int, int]:
    """The lowest (major, minor) that the project says it supports."""
    toml = read_toml(root / "pyproject.toml")
    declared = _at(toml, "project", "requires-python")
    declared = declared or _at(toml, "tool", "poetry", "dependencies", "python")
    declared = declared or _setup_cfg(root).get("options", {}).get("python_requires")
    declared = declared or _literals(_setup_call(root)).get("python_requires")
    return lowest(declared) if isinstance(declared, str) else UNDECLARED


def lowest(specifier: str) -> tuple[int, int]:
    """The lowest minor version of Python 3 that a specifier allows; Poetry's `^` and `~` too."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    plain = re.sub(r"(?:\^|~(?!=))\s*(?=\d)", ">=", specifier).replace("||", ",")
    try:
        allowed = SpecifierSet(plain)
    except InvalidSpecifier:
        return UNDECLARED
    for minor in range(40):
        if any(allowed.contains(f"3.{minor}.{patch}") for patch in (0, 99)):
            return 3, minor
    return UNDECLARED


def entry_points(root: Path) -> dict[str, str]:
    """`module:function` of every console script -> the file and the name that declare it."""
    toml = read_toml(root / "pyproject.toml")
    found: dict[str, str] = {}
    for place in (
        ("project", "scripts"),
        ("project", "gui-scripts"),
        ("tool", "poetry", "scripts"),
    ):
        table = _at(toml, *place)
        if isinstance(table, dict):
            for name, value in table.items():
                _add(found, value, f"pyproject.toml: {name}")
    sections = _setup_cfg(root)
    text = sections.get("options.entry_points") or sections.get("entry_points", {})
    declared: Any = _literals(_setup_call(root)).get("entry_points", {})
    declared = _groups(declared) if isinstance(declared, str) else declared
    for source, groups in (("setup.cfg", text), ("setup.py", declared)):
        if isinstance(groups, Mapping):
            for group in ("console_scripts", "gui_scripts"):
                lines = groups.get(group) or ()
                lines = lines.splitlines() if isinstance(lines, str) else lines
                for line in lines:
                    name, _, value = str(line).partition("=")
                    _add(found, value, f"{source}: {name.strip()}")
    return found


def _groups(text: str) -> dict[str, list[str]]:
    """The entry points of a text as setup.py may give it: `[console_scripts]`, then its lines."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            lines = found.setdefault(line.strip("[] "), [])
        else:
            lines.append(line)
    return found


def _add(found: dict[str, str], value: object, declared: str) -> None:
    target = value.partition("[")[0].replace(" ", "") if isinstance(value, str) else ""
    if ":" in target:
        found.setdefault(target, declared)


def _at(table: object, *keys: str) -> Any:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def _setup_cfg(root: Path) -> Mapping[str, Mapping[str, str]]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(root / "setup.cfg", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}


def _setup_call(root: Path) -> ast.Call | None:
    """The `setup(...)` call of setup.py, found without running it."""
    try:
        tree = ast.parse((root / "setup.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="setup") | ast.Attribute(attr="setup")):
                return node
    return None


def _literals(call: ast.Call | None) -> dict[str, Any]:
    """The keyword arguments that are written out as literals."""
    found = {}
    for keyword in call.keywords if call else ():
        if keyword.arg:
            try:
                found[keyword.arg] = ast.literal_eval(keyword.value)
            except ValueError:
                continue
    return found
