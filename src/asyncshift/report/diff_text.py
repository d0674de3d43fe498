"""A unified diff for a terminal: coloured lines, and within changed lines the words that differ."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from rich.text import Text

from asyncshift.inert import printable

_STYLES = (
    ("+++", "bold"),
    ("---", "bold"),
    ("diff ", "bold"),
    ("new file", "bold"),
    ("deleted file", "bold"),
    ("@@", "cyan"),
    ("# ", "bold"),
    ("+", "green"),
    ("-", "red"),
)
_WORD = re.compile(r"\w+|\s+|.")
LONGEST = 2000
"""Characters of a line above which its words are not compared."""


def diff_text(diff: bytes) -> Iterator[Text]:
    """Every line of a diff.  Where as many lines go as come, each pair is compared by words."""
    lines = [
        "\t".join(map(printable, line.removesuffix("\r").split("\t")))
        for line in diff.decode("utf-8", "replace").removesuffix("\n").split("\n")
    ]
    at = 0
    while at < len(lines):
        old = _run(lines, at, "-")
        new = _run(lines, at + len(old), "+")
        if old and len(old) == len(new) and not old[0].startswith("--- "):
            pairs = [_pair(one, other) for one, other in zip(old, new, strict=True)]
            yield from (pair[0] for pair in pairs)
            yield from (pair[1] for pair in pairs)
            at += 2 * len(old)
            continue
        line = lines[at]
        style = next((style for start, style in _STYLES if line.startswith(start)), "")
        yield Text(line, style=style)
        at += 1


def _run(lines: Sequence[str], start: int, sign: str) -> list[str]:
    end = start
    while end < len(lines) and lines[end].startswith(sign):
        end += 1
    return list(lines[start:end])


def _pair(old: str, new: str) -> tuple[Text, Text]:
    """Two lines with the words that differ in bold and underlined: readable without colour, too."""
    texts = Text(old, style="red"), Text(new, style="green")
    if len(old) + len(new) > LONGEST:
        return texts
    words = _WORD.findall(old[1:]), _WORD.findall(new[1:])
    matcher = difflib.SequenceMatcher(None, *words, autojunk=False)
    if matcher.ratio() < 0.5:
        return texts  # nothing but emphasis is none
    for tag, *places in matcher.get_opcodes():
        if tag != "equal":
            for text, row, (start, end) in zip(texts, words, (places[:2], places[2:]), strict=True):
                first = 1 + sum(map(len, row[:start]))
                if start < end:
                    text.stylize("bold underline", first, first + len("".join(row[start:end])))
    return texts
