"""A module that a codemod brings along, with only the parts that a project uses.

In the codemod's own file a part stands between `# [name]` and `# [/name]`, as often as it has lines
somewhere; `# [name: other]` says that it needs another one.  A dot before the name says that the
part has members of a class, and is there where the project has an attribute of such a name.
Without any of its parts, and with all of them, the file is a module that works.

Where it is made for another library, the lines between `# <name>` and `# </name>` are those of a
second file, which has as many such blocks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Set

_BEGIN = re.compile(r"\s*# \[(\.?\w+)(?:: ([\w. ]+))?\]")
_END = re.compile(r"\s*# \[/(\.?\w+)\]")
_DEFINED = re.compile(r"(?:async def|def|class) (\w+)")
_ASSIGNED = re.compile(r"(\w+)(?:: \w+)? = ")
_HEADING = "# -----"
WIDTH = 100


_BLOCK = re.compile(r"^# <(\w+)>\n(.*?)^# </\1>\n", re.M | re.S)


def with_blocks(template: str, other: str | None) -> str:
    """The module with its own blocks, or with those of another file; without the marks."""
    own = [found[2] for found in _BLOCK.finditer(template)]
    blocks = own if other is None else [found[2] for found in _BLOCK.finditer(other)]
    if len(blocks) != len(own):
        raise AssertionError(f"{len(blocks)} blocks stand for {len(own)}")
    given = iter(blocks)
    return _BLOCK.sub(lambda found: next(given), template)


def assembled(template: str, wanted: Set[str]) -> str:
    """The module with these parts and those that they need."""
    parts = with_needed(template, wanted)
    kept = [line for line, inside in _lines(template) if inside <= parts]
    return _tidied(_without_unused_imports(kept))


def with_needed(template: str, wanted: Set[str]) -> frozenset[str]:
    """Parts, and what they need in turn; names that are none are left out."""
    needs: dict[str, set[str]] = {}
    for line in template.splitlines():
        if found := _BEGIN.fullmatch(line):
            needs.setdefault(found[1], set()).update((found[2] or "").split())
    parts: set[str] = set()
    queue = sorted(wanted & needs.keys())
    while queue:
        part = queue.pop()
        if part not in parts:
            parts.add(part)
            queue += sorted(needs[part])
    return frozenset(parts)


def defining(template: str, names: Set[str]) -> frozenset[str]:
    """The parts that define these names of the module."""
    return frozenset(
        part
        for line, inside in _lines(template)
        if (found := _DEFINED.match(line) or _ASSIGNED.match(line)) and found[1] in names
        for part in inside
    )


def members(template: str, attributes: Set[str]) -> frozenset[str]:
    """The parts with a dot that define a member with one of these names."""
    return frozenset(
        part
        for line, inside in _lines(template)
        if (found := _DEFINED.match(line.strip())) and found[1] in attributes
        for part in inside
        if part.startswith(".")
    )


def standing(template: str, text: str) -> frozenset[str]:
    """The parts that a module has already: those whose definitions, or first lines, it holds."""
    lines = {line.strip() for line in text.splitlines()}
    signs: dict[str, str] = {}
    for line, inside in _lines(template):
        for part in inside:
            known = signs.setdefault(part, line.strip())
            if _DEFINED.match(line.strip()) and not _DEFINED.match(known):
                signs[part] = line.strip()
    return frozenset(part for part, sign in signs.items() if sign in lines)


def _lines(template: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Every line but the marks, with the parts that it belongs to."""
    inside: list[str] = []
    for line in template.splitlines():
        if found := _BEGIN.fullmatch(line):
            inside.append(found[1])
        elif found := _END.fullmatch(line):
            if inside.pop() != found[1]:
                raise AssertionError(f"[{found[1]}] ends where another part is open")
        else:
            yield line, frozenset(inside)


def _without_unused_imports(lines: list[str]) -> list[str]:
    tree = ast.parse("\n".join(lines))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found = dict(enumerate(lines, 1))
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        kept = [a for a in node.names if (a.asname or a.name.partition(".")[0]) in used]
        if len(kept) == len(node.names):
            continue
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            del found[number]
        if kept:
            node.names = kept
            found[node.lineno] = _import(node)
    return [found[number] for number in sorted(found)]


def _import(node: ast.Import | ast.ImportFrom) -> str:
    """The text of an import, in parentheses where the line would be long."""
    text = ast.unparse(node)
    if len(text) <= WIDTH:
        return text
    head, names = text.split(" import ", 1)
    return f"{head} import (\n    {names.replace(', ', f',{chr(10)}    ')},\n)"


def _tidied(lines: list[str]) -> str:
    """Two blank lines between definitions, one inside, and no heading of nothing."""
    found: list[str] = []
    for line in lines:
        if line.startswith(_HEADING):
            while found and (not found[-1] or found[-1].startswith(_HEADING)):
                found.pop()
            found += ["", ""]
        elif line:
            wanted = 2 if not line.startswith(" ") else 1
            while len(found) > wanted and not any(found[-wanted - 1 :]):
                found.pop()
        found.append(line)
    while found and (not found[-1] or found[-1].startswith(_HEADING)):
        found.pop()
    return "\n".join(found) + "\n"
