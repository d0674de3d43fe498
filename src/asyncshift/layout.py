"""Formats with Black what the rewrite built or made too long; every other line stays as it is.

Only the statement itself is handed to Black, cut out of the file, because Black's line ranges
re-lay whole statements and their neighbours.  Of a compound statement only the header is formatted.
"""

from __future__ import annotations

import ast
import configparser
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import black
from black.mode import TargetVersion
from black.parsing import InvalidInput

from asyncshift.document import Document, body_of
from asyncshift.model import Style

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
DEFAULT_LENGTH = 88
BLACK_INDENT = "    "
WIDEST = 120
"""Longer lines than this are nobody's style, whatever a file without settings holds."""


def lay_out(
    document: Document,
    style: Style,
    built: Sequence[tuple[int, int]] = (),
    *,
    imports_only: bool = False,
    unit: str = BLACK_INDENT,
) -> None:
    """Format the statements of `built` line ranges (from 0) and those that became too long.

    A statement that was too long before, or that Black cannot read, stays as it is.  `unit` is one
    step of the file's own indentation.
    """
    if not built and not any(document.is_new(i) for i in range(len(document.lines))):
        return
    try:
        tree = ast.parse(document.text)
    except (SyntaxError, RecursionError, MemoryError):
        return
    for start, end, compound in sorted(_statements(tree, document.lines), reverse=True):
        rows = [body_of(line) for line in document.lines[start:end]]
        if imports_only and not rows[0].lstrip().startswith(("import ", "from ")):
            continue
        used: Style | None = style
        if not _wants_layout(document, style, start, end, built):
            used = _black_style(document, start, end, compound, style, unit)
        new = _formatted(rows, compound, used, unit) if used is not None else None
        if new is not None and new != rows:
            document.splice(start, end, new)


def _black_style(
    document: Document, start: int, end: int, compound: bool, style: Style, unit: str
) -> Style | None:
    """The style in which Black had laid out a changed statement of several lines, if it had."""
    if end - start < 2 or not any(document.is_new(i) for i in range(start, end)):
        return None
    old = [body_of(line) for line in document.replaced_lines(start, end)]
    if len(old) < 2 or not old[0].strip():
        return None
    for length in (DEFAULT_LENGTH, style.line_length) if style.widest else (style.line_length,):
        known = replace(style, line_length=length)
        if _formatted(old, compound, known, unit) == old:
            return known
    return None


def _wants_layout(
    document: Document, style: Style, start: int, end: int, built: Sequence[tuple[int, int]]
) -> bool:
    new = [i for i in range(start, end) if document.is_new(i)]
    if not new:
        return False
    old = document.replaced_lines(start, end)
    if any(a <= start <= b or start <= a < end for a, b in built):
        known = {line.strip() for line in old}
        if any(document.lines[i].strip() not in known for i in new):
            return True
    if not any(_width(document.lines[i]) > style.line_length for i in new):
        return False
    return all(_width(line) <= style.line_length for line in old)


def _width(line: str) -> int:
    return len(body_of(line).expandtabs(4))


def _statements(tree: ast.Module, lines: Sequence[str]) -> Iterator[tuple[int, int, bool]]:
    """Line ranges (from 0, end exclusive) of simple statements and of headers.

    Statements that share a line with others are left out.
    """
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        children = [
            c for name in _BLOCKS for c in getattr(node, name, ()) if isinstance(c, ast.AST)
        ]
        stack.extend(children)
        if not isinstance(node, (ast.stmt, ast.ExceptHandler)):
            continue
        start, end = node.lineno - 1, node.end_lineno or node.lineno
        if lines[start][: node.col_offset].strip():
            continue
        first = next((c for c in children if hasattr(c, "lineno")), None)
        if first is None:
            if not children and not _shares_end(node, lines):
                yield start, end, False
            continue
        line = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", ()))])
        header = lines[line - 1].encode()[: getattr(first, "col_offset", 0)]
        if header.strip() in (b"", b"@"):
            yield start, _header_end(lines, start, line - 1), True


def _header_end(lines: Sequence[str], start: int, end: int) -> int:
    """Comment and blank lines before a block's first statement do not belong to the header."""
    while end > start + 1 and (not (row := lines[end - 1].strip()) or row.startswith("#")):
        end -= 1
    return end


def _shares_end(node: ast.stmt | ast.ExceptHandler, lines: Sequence[str]) -> bool:
    tail = lines[(node.end_lineno or node.lineno) - 1].encode()[node.end_col_offset or 0 :].strip()
    return bool(tail) and not tail.startswith(b"#")


def _mode(style: Style) -> black.Mode:
    versions = {
        version for version in TargetVersion if _version_of(version) >= style.target_version
    }
    return black.Mode(
        target_versions=versions,
        line_length=style.line_length,
        string_normalization=False,  # new strings have the style's quotes, old ones keep theirs
    )


def _version_of(version: TargetVersion) -> tuple[int, int]:
    digits = version.name.removeprefix("PY")
    return int(digits[0]), int(digits[1:])


def _formatted(rows: list[str], compound: bool, style: Style, unit: str) -> list[str] | None:
    """The statement's lines as Black writes them, or None where it cannot."""
    indent = rows[0][: len(rows[0]) - len(rows[0].lstrip())]
    if "\f" in indent:
        return None
    width = len(indent.expandtabs(4))
    stubs = _stubs(rows[0].strip()) if compound else ((), ())
    source = _dedented(rows, indent)
    if source is None:
        return None
    before, after = stubs
    inner = replace(_mode(style), line_length=max(style.line_length - width, 1))
    try:
        text = black.format_str("\n".join([*before, *source, *after]) + "\n", mode=inner)
    except (InvalidInput, RecursionError):
        return None
    lines = text.removesuffix("\n").split("\n")[len(before) :]
    lines = lines[: len(lines) - len(after)] if after else lines
    return [_indented(line, indent, unit) for line in lines]


def _stubs(header: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lines that make a header alone a valid program, as Black writes them."""
    after = ("    pass",)
    word = header.split("(", maxsplit=1)[0].split(maxsplit=1)[0].rstrip(":")
    match word:
        case "except" | "except*":
            return ("try:", "    pass"), after
        case "elif":
            return ("if 1:", "    pass"), after
        case "match":
            return (), ("    case _:", "        pass")
    return (), after


def _dedented(rows: list[str], indent: str) -> list[str] | None:
    """Without the statement's indentation; None where a string's lines would be touched."""
    if any(quote in row for row in rows for quote in ('"""', "'''")) and len(rows) > 1:
        return None
    if any(row.endswith("\\") for row in rows[:-1]):
        return [rows[0].removeprefix(indent), *rows[1:]]
    return [row.removeprefix(indent) for row in rows]


def _indented(line: str, indent: str, unit: str) -> str:
    """Black indents with four spaces; a file with tabs or with two keeps its own."""
    if not line:
        return line
    steps, rest = divmod(len(line) - len(line.lstrip(" ")), len(BLACK_INDENT))
    return indent + unit * steps + " " * rest + line.lstrip(" ")


# ----------------------------------------------------------------------------- the project's style


def style_of(root: Path, target_version: tuple[int, int] = (3, 11)) -> Style:
    """The style of a project: Black's settings, then ruff's, then flake8's line length."""
    tool = _toml(root / "pyproject.toml").get("tool", {})
    if isinstance(settings := tool.get("black"), dict):
        quotes = "preserve" if settings.get("skip-string-normalization") else "double"
        return Style(_length(settings.get("line-length")), quotes, target_version)
    for settings in (_toml(root / "ruff.toml"), _toml(root / ".ruff.toml"), tool.get("ruff")):
        if isinstance(settings, dict) and settings:
            written = settings.get("format")
            quotes = (
                written.get("quote-style", "double") if isinstance(written, dict) else "preserve"
            )
            return Style(_length(settings.get("line-length")), str(quotes), target_version)
    if (length := _flake8_length(root)) is not None:
        return Style(_length(length), "preserve", target_version)
    return Style(DEFAULT_LENGTH, "preserve", target_version, WIDEST)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def _length(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else DEFAULT_LENGTH


def _flake8_length(root: Path) -> int | None:
    for name in (".flake8", "setup.cfg", "tox.ini"):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string((root / name).read_text(encoding="utf-8"))
            return parser.getint("flake8", "max-line-length")
        except (OSError, UnicodeDecodeError, configparser.Error, ValueError):
            continue
    return None
