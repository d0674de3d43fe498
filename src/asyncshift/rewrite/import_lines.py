"""The lines of one import statement after names were taken out and put in."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence

from asyncshift.document import body_of
from asyncshift.rewrite.tree import Tree

Import = ast.Import | ast.ImportFrom


def shares_lines(tree: Tree, node: Import) -> bool:
    """True when something else stands on the statement's lines, as in `import a; import b`."""
    line, column, end_line, end = tree.span(node)
    tail = body_of(tree.lines[end_line - 1])[end:].strip()
    head = tree.lines[line - 1][:column].strip()
    return bool(head) or (bool(tail) and not tail.startswith("#"))


def edited(
    tree: Tree, node: Import, gone: Collection[ast.alias], more: Sequence[str]
) -> list[str] | None:
    """The statement's lines, without ends; None where comments between the names forbid it."""
    rows = [body_of(line) for line in tree.lines[node.lineno - 1 : node.end_lineno]]
    names = [(_text(alias), alias) for alias in node.names]
    if names[0][0] == "*":
        return None
    order = _order(
        [text for text, _ in names], [i for i, (_, a) in enumerate(names) if a in gone], more
    )
    starts = [alias.lineno for alias in node.names]
    own_lines = len(set(starts)) == len(starts) and starts[0] > node.lineno
    if own_lines and (node.end_lineno or 0) > starts[-1]:
        return _line_by_line(rows, node, order)
    first, last = tree.span(node.names[0]), tree.span(node.names[-1])
    inside = rows[first[0] - node.lineno : last[2] - node.lineno + 1]
    if len(inside) > 1 and any("#" in row for row in inside):
        return None
    head = rows[first[0] - node.lineno][: first[1]]
    tail = rows[last[2] - node.lineno][last[3] :]
    before = rows[: first[0] - node.lineno]
    after = rows[last[2] - node.lineno + 1 :]
    texts = [text for text, _ in order]
    if len(inside) > 1:
        return [*before, *_filled(head, texts, tail, inside), *after]
    return [*before, head + ", ".join(texts) + tail, *after]


def _filled(head: str, texts: list[str], tail: str, old: Sequence[str]) -> list[str]:
    """Names on as many lines as they need, as wide as the old lines and continued like them."""
    escape = " \\" if old[0].endswith("\\") else ""
    indent = old[1][: len(old[1]) - len(old[1].lstrip())]
    width = max(map(len, old))
    lines: list[str] = []
    line = head
    for text in texts:
        last = text is texts[-1]
        item = text + (tail if last else ",")
        longer = f"{line} {item}" if line.endswith(",") else line + item
        if line.endswith(",") and len(longer) + (0 if last else len(escape)) > width:
            lines.append(line + escape)
            longer = indent + item
        line = longer
    return [*lines, line]


def _text(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _order(
    names: list[str], gone: Sequence[int], more: Sequence[str]
) -> list[tuple[str, int | None]]:
    """The names to write, each with the place it had (None: new), in the order the old ones had."""
    kept: list[tuple[str, int | None]] = [
        (text, index) for index, text in enumerate(names) if index not in gone
    ]
    at = gone[0] if gone else len(names)
    keys: tuple[Callable[[str], str], ...] = (_by_type, str.casefold, str)
    for key in keys:
        if [*names] == sorted(names, key=key):
            return sorted([*kept, *((text, None) for text in more)], key=lambda pair: key(pair[0]))
    index = sum(1 for _, old in kept if old is not None and old < at)
    return [*kept[:index], *((text, None) for text in more), *kept[index:]]


def _by_type(name: str) -> str:
    """isort's order: constants, classes, then the rest, each by name."""
    rank = "0" if name.isupper() and len(name) > 1 else "1" if name[:1].isupper() else "2"
    return rank + name


def _line_by_line(
    rows: list[str], node: Import, order: Sequence[tuple[str, int | None]]
) -> list[str]:
    """One name per line, comments kept with their names."""
    first, last = node.names[0], node.names[-1]
    indent = rows[first.lineno - node.lineno][: first.col_offset]
    head = rows[: first.lineno - node.lineno]
    tail = rows[(last.end_lineno or last.lineno) - node.lineno + 1 :]
    found = list(head)
    for text, index in order:
        if index is None:
            found.append(f"{indent}{text},")
            continue
        start = node.names[index].lineno - node.lineno
        end = node.names[index + 1].lineno - node.lineno if index + 1 < len(node.names) else None
        stop = end if end is not None else (last.end_lineno or last.lineno) - node.lineno + 1
        lines = rows[start:stop]
        if "," not in lines[0].partition("#")[0]:
            code, mark, comment = lines[0].partition("#")
            lines[0] = f"{code.rstrip()}," + (f"  {mark}{comment}" if mark else "")
        found += lines
    return [*found, *tail]
