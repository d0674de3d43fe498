"""What a project says that it needs: the libraries that the migrated code uses come in beside those
that they replace, and these go when nothing of the project uses them any more.

pyproject.toml (PEP 621, dependency groups, Poetry, PDM, Hatch), Pipfile, setup.cfg, setup.py and
requirements files are edited as texts, so that comments and order stay.  A new TOML text is parsed
again, and must differ by these requirements only; what cannot be edited so is left, and said.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncshift.codemod import Registry
from asyncshift.config import Config
from asyncshift.model import Action, FileChange, Message, Plan, Project

_FILES = (
    "pyproject.toml",
    "Pipfile",
    "setup.cfg",
    "setup.py",
    "*requirements*.txt",
    "*requirements*.in",
    "requirements/*.txt",
    "requirements/*.in",
)
_LOCKS = {
    "poetry.lock": "poetry lock",
    "uv.lock": "uv lock",
    "pdm.lock": "pdm lock",
    "Pipfile.lock": "pipenv lock",
    "pixi.lock": "pixi lock",
}
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?=$|[\[<>=~!;@ ,(])")
_ITEM = re.compile(r"(?P<quote>[\"'])(?P<text>(?:(?!(?P=quote))[^\n])*)(?P=quote)")
_LISTS = re.compile(
    r"project(\.optional-dependencies)?$|dependency-groups$|tool\.pdm\.dev-dependencies$"
    r"|tool\.hatch\.envs\.[^.]+$"
)
"""Tables of pyproject.toml with lists of requirements."""
_TABLES = re.compile(r"tool\.poetry\.([^\n]*\.)?(dev-)?dependencies$|packages$|dev-packages$")
"""Tables whose keys are requirements."""
_SETUP = frozenset({"install_requires", "extras_require", "tests_require", "setup_requires"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A requirement that comes, the distributions that it stands for, and whether these go."""

    new: str
    old: tuple[str, ...]
    gone: bool

    @property
    def name(self) -> str:
        return _name(self.new)

    def replaces(self, requirement: str) -> bool:
        return _name(requirement) in map(_plain, self.old)


def needed(
    project: Project, plan: Plan, registry: Registry, config: Config, written: Iterable[FileChange]
) -> list[Wanted]:
    """What the project has to install for the code that changes, and what it needs no more."""
    http = config.http
    used = {d.detail["codemod"] for d in plan.decisions if d.action is Action.LIBRARY}
    texts = {file.path: file.text for file in project.files}
    new = {c.path: (c.new or b"").decode(errors="replace") for c in written}
    code = [text for path, text in {**texts, **new}.items() if path.endswith((".py", ".pyi"))]
    found = []
    for table in registry.tables:
        rows = [(row.name, row.to or table.moved(row.name)) for row in table.functions]
        rows += [(row.name, row.to or table.moved(row.name)) for row in table.classes]
        before = {old.partition(".")[0] for old, _ in rows}
        after = {to.partition(".")[0] for _, to in rows if to} | {http}
        if table.name in used and is_used(after - before or after, new.values()):
            gone = not is_used(before, code)
            for name in table.requires_with.get(config.postgres, table.requires):
                name = http if http != "httpx" and "httpx" in name else name
                found.append(Wanted(name, table.replaces, gone))
    return found


def renewed(
    root: Path, wanted: Sequence[Wanted], written: Sequence[FileChange]
) -> tuple[list[FileChange], list[Message]]:
    """The changes together with those of the dependencies, and what to say of these."""
    changes = {change.path: change for change in written}
    touched: dict[str, list[str]] = {}
    listed: set[str] = set()
    for path in _files(root):
        change = changes.get(path)
        data = change.new if change is not None else (root / path).read_bytes()
        try:
            old = (data or b"").decode()
        except UnicodeDecodeError:
            continue
        text = old
        for one in wanted:
            new = _edited(path, text, one)
            if new is not None and new != text:
                touched.setdefault(one.new, []).append(path)
                text = new
            if one.name in _listed(path, text):
                listed.add(one.new)
        if text != old:
            before = (root / path).read_bytes()
            changes[path] = FileChange(path, before, text.encode())
    return list(changes.values()), list(_said(root, wanted, touched, listed))


def _said(
    root: Path, wanted: Iterable[Wanted], touched: Mapping[str, list[str]], listed: set[str]
) -> Iterator[Message]:
    for one in wanted:
        if one.new not in listed:
            text = f"the migrated code needs {one.new}: add it to the project's dependencies"
            yield Message("", 0, "dependencies", text)
        elif one.new in touched:
            files = ", ".join(touched[one.new])
            text = f"{files}: {one.new} stands for {', '.join(one.old)} now"
            if not one.gone:
                text = f"{files}: {one.new} is listed now, beside {one.old[0]}, which is still used"
            yield Message("", 0, "dependencies", text)
    locks = [f"{name} (`{how}`)" for name, how in _LOCKS.items() if (root / name).exists()]
    if touched and locks:
        yield Message("", 0, "dependencies", f"renew the lock file: {', '.join(locks)}")


def is_used(tops: Iterable[str], texts: Iterable[str]) -> bool:
    """Whether some of these texts imports one of the packages."""
    names = "|".join(map(re.escape, sorted(tops)))
    imported = re.compile(rf"^[ \t]*(?:from|import)[ \t][^\n#]*\b(?:{names})\b", re.M)
    return any(imported.search(text) for text in texts)


def _files(root: Path) -> list[str]:
    found = {p.relative_to(root).as_posix() for form in _FILES for p in root.glob(form)}
    return sorted(name for name in found if (root / name).is_file())


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _name(requirement: str) -> str:
    """The name of a requirement; empty for a text that is none."""
    found = _NAME.match(requirement)
    return _plain(found[1]) if found else ""


def _edited(path: str, text: str, one: Wanted) -> str | None:
    """The text with one requirement settled; None where it cannot be edited safely."""
    if path.endswith((".txt", ".in")):
        return None if "--hash=" in text else _lines_edited(text, one, "")
    if path == "setup.cfg":
        return _lines_edited(text, one, r"[ \t]+")
    if path == "setup.py":
        return _spans_edited(text, _setup_lists(text), one)
    new = _spans_edited(text, _toml_lists(text), one)
    new = _tables_edited(new, one)
    return new if new == text or _only_requirements(text, new, one) else None


def _listed(path: str, text: str) -> set[str]:
    """The names of all that a file requires."""
    if path.endswith((".txt", ".in", ".cfg")):
        return {_name(line) for line in text.splitlines()}
    spans = _setup_lists(text) if path == "setup.py" else _toml_lists(text)
    found = {_name(m["text"]) for a, b in spans for m in _ITEM.finditer(text[a:b])}
    if path != "setup.py":
        found |= {_plain(key) for _, key in _toml_keys(text)}
    return found


# ----------------------------------------------------------------------------- lines


def _lines_edited(text: str, one: Wanted, gap: str) -> str:
    """A requirement a line, as in requirements files and setup.cfg."""
    lines = text.splitlines(keepends=True)
    indented = re.compile(rf"({gap})(\S.*)")
    blocks: list[list[str]] = [[]]
    for line in lines:
        if gap and not re.match(gap, line) and line.strip():
            blocks.append([])  # another option of setup.cfg begins
        blocks[-1].append(line)
    return "".join(line for block in blocks for line in _block_edited(block, one, indented))


def _block_edited(block: list[str], one: Wanted, form: re.Pattern[str]) -> Iterator[str]:
    has = any((m := form.match(line)) and _name(m[2]) == one.name for line in block)
    for line in block:
        found = form.match(line)
        if found is None or not one.replaces(found[2]):
            yield line
            continue
        if not has:
            end = line[len(line.rstrip("\r\n")) :] or "\n"
            yield f"{found[1]}{one.new}{end if not one.gone else line[len(line.rstrip()) :]}"
            has = True
        if not one.gone:
            yield line


# ----------------------------------------------------------------------------- lists


def _spans_edited(text: str, spans: Sequence[tuple[int, int]], one: Wanted) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + _list_edited(text[start:end], one) + text[end:]
    return text


def _list_edited(text: str, one: Wanted) -> str:
    """The new one in front of the old one, in a line of its own where that has one, or in its
    place."""
    items = [m for m in _ITEM.finditer(text) if not _in_comment(text, m.start())]
    old = next((m for m in items if one.replaces(m["text"])), None)
    if old is None:
        return text
    if not any(_name(m["text"]) == one.name for m in items):
        made = f"{old['quote']}{one.new}{old['quote']}"
        if not one.gone:
            line = text.rfind("\n", 0, old.start()) + 1
            before = text[line : old.start()]
            end = "\r\n" if "\r\n" in text else "\n"
            alone = line and not before.strip()
            made = f"{made},{f'{end}{before}' if alone else ' '}{old[0]}"
        return text[: old.start()] + made + text[old.end() :]
    if not one.gone:
        return text
    rest = re.compile(r"[ \t]*,?[ \t]*(?:#[^\n]*)?\r?\n").match(text, old.end())
    line = text.rfind("\n", 0, old.start()) + 1
    if rest is not None and line and not text[line : old.start()].strip():
        return text[:line] + text[rest.end() :]
    after = re.compile(r"\s*,\s*").match(text, old.end())
    if after is not None:
        return text[: old.start()] + text[after.end() :]
    return re.sub(r",\s*$", "", text[: old.start()]) + text[old.end() :]


def _in_comment(text: str, at: int) -> bool:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return "#" in _ITEM.sub("", line)


def _setup_lists(text: str) -> list[tuple[int, int]]:
    """Where the lists of requirements stand in a setup.py."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    named = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    data = text.encode()
    found = []
    for call in ast.walk(tree):
        for keyword in call.keywords if isinstance(call, ast.Call) else ():
            value = keyword.value
            if keyword.arg not in _SETUP:
                continue
            if isinstance(value, ast.Name):
                value = named.get(value.id, value)
            for inner in value.values if isinstance(value, ast.Dict) else (value,):
                if isinstance(inner, (ast.List, ast.Tuple)) and inner.end_lineno is not None:
                    a = starts[inner.lineno - 1] + inner.col_offset
                    b = starts[inner.end_lineno - 1] + (inner.end_col_offset or 0)
                    found.append((len(data[:a].decode()), len(data[:b].decode())))
    return found


# ----------------------------------------------------------------------------- TOML


def _toml_lists(text: str) -> list[tuple[int, int]]:
    """Where the lists of requirements stand in a pyproject.toml."""
    found = []
    for table, start in _toml_tables(text):
        end = _table_end(text, start)
        for key in re.compile(r"^([\w.\"'-]+)[ \t]*=[ \t]*(?=\[)", re.M).finditer(text, start, end):
            name = key[1].strip("\"'")
            listing = "dependencies" in name if table != "dependency-groups" else True
            if table in ("project.optional-dependencies", "tool.pdm.dev-dependencies"):
                listing = True
            if _LISTS.match(table) and listing:
                found.append((key.end(), _array_end(text, key.end())))
    return found


def _toml_tables(text: str) -> list[tuple[str, int]]:
    headers = re.finditer(r"^\[([^\[\]\n]+)\][ \t]*(?:#[^\n]*)?$", text, re.M)
    return [(m[1].strip().replace('"', ""), m.end()) for m in headers]


def _table_end(text: str, start: int) -> int:
    found = re.compile(r"^\[[^\n]*\][ \t]*(?:#[^\n]*)?$", re.M).search(text, start)
    return found.start() if found else len(text)


def _array_end(text: str, start: int) -> int:
    depth = 0
    for found in re.compile(r"#[^\n]*|\"[^\"\n]*\"|'[^'\n]*'|[\[\]]").finditer(text, start):
        depth += {"[": 1, "]": -1}.get(found[0], 0)
        if not depth and found[0] == "]":
            return found.end()
    return start


def _toml_keys(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """The lines of tables whose keys are requirements."""
    line = re.compile(r"^(?P<key>[\w.\"'-]+)[ \t]*=[^\n]*(?:\n|$)", re.M)
    for table, start in _toml_tables(text):
        if _TABLES.match(table):
            for found in line.finditer(text, start, _table_end(text, start)):
                yield found, found["key"].strip("\"'")


def _tables_edited(text: str, one: Wanted) -> str:
    """A requirement a key, as Poetry has them."""
    for table, start in reversed(_toml_tables(text)):
        if not _TABLES.match(table):
            continue
        keys = [(m, k) for m, k in _toml_keys(text) if start <= m.start() < _table_end(text, start)]
        old = [m for m, key in keys if one.replaces(key)]
        if not old or not _is_whole(old[0][0]):
            continue
        end = "\r\n" if "\r\n" in text else "\n"
        version = one.new[len(_NAME.match(one.new)[0]) :]  # type: ignore[index]
        made = f'{one.name} = "{version or "*"}"{end}'
        if any(_plain(key) == one.name for _, key in keys):
            made = ""
        kept = "" if one.gone else old[0][0]
        text = text[: old[0].start()] + made + kept + text[old[0].end() :]
    return text


def _is_whole(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _only_requirements(text: str, new: str, one: Wanted) -> bool:
    """Whether two TOML texts are the same but for these requirements."""
    try:
        return bool(_without(tomllib.loads(text), one) == _without(tomllib.loads(new), one))
    except tomllib.TOMLDecodeError:
        return False


def _without(value: Any, one: Wanted, inside: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            key: _without(inner, one, inside or "dependenc" in key or key.endswith("packages"))
            for key, inner in value.items()
            if not (inside and (_plain(key) == one.name or one.replaces(key)))
        }
    if isinstance(value, list) and inside:
        return [
            item
            for item in value
            if not (isinstance(item, str) and (_name(item) == one.name or one.replaces(item)))
        ]
    return value
