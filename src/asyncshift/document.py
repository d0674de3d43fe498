"""The lines of a file while it is edited: which are still the old ones, and which are new.

Every step that changes text goes through `Document.splice`, so untouched lines keep their bytes and
the hunks of the result are known without comparing whole files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from asyncshift.model import Hunk

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_END = re.compile(r"(?:\r\n|\r|\n)\Z")


def split_lines(text: str) -> list[str]:
    """Lines with their ends, as Python's tokenizer counts them: form feeds do not end a line."""
    return _LINE.findall(text)


def line_end(line: str) -> str:
    """The line end of one line; empty at the end of a file without a final newline."""
    found = _END.search(line)
    return found.group() if found else ""


def body_of(line: str) -> str:
    """The line without its end."""
    return line[: len(line) - len(line_end(line))]


def _opcodes(old: list[str], new: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """What stays and what changes; as many lines as before are compared one by one."""
    if len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            tag = "equal" if one == other else "replace"
            yield tag, index, index + 1, index, index + 1
        return
    limit, head, tail = min(len(old), len(new)), 0, 0
    while head < limit and old[head] == new[head]:
        head += 1
    while tail < limit - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    yield "equal", 0, head, 0, head
    middle = SequenceMatcher(
        None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False
    )
    for tag, i1, i2, j1, j2 in middle.get_opcodes():
        yield tag, i1 + head, i2 + head, j1 + head, j2 + head
    yield "equal", len(old) - tail, len(old), len(new) - tail, len(new)


class Document:
    """The current lines, each with the number of the old line it still is (from 0), or None."""

    def __init__(self, text: str) -> None:
        self._old = split_lines(text)
        self.lines = list(self._old)
        self._origins: list[int | None] = list(range(len(self._old)))

    @property
    def text(self) -> str:
        """The whole text as it is now."""
        return "".join(self.lines)

    def new_line_end(self, index: int) -> str:
        """What ends a new line at `index`: what its neighbours end with."""
        for line in (
            *self.lines[index : index + 1],
            *reversed(self.lines[max(0, index - 3) : index]),
        ):
            if end := line_end(line):
                return end
        return next((end for line in self.lines if (end := line_end(line))), "\n")

    def is_new(self, index: int) -> bool:
        """True when the line at `index` (from 0) is not one of the old lines."""
        return self._origins[index] is None

    def origin(self, index: int) -> int | None:
        """The number (from 0) of the old line that the line at `index` still is."""
        return self._origins[index]

    def replaced_lines(self, start: int, end: int) -> list[str]:
        """The old lines that stood where the lines `start..end` (from 0) stand now."""
        before = next((o for o in reversed(self._origins[:start]) if o is not None), -1)
        after = next((o for o in self._origins[end:] if o is not None), len(self._old))
        return self._old[before + 1 : after]

    def splice(self, start: int, end: int, bodies: Sequence[str]) -> None:
        """Put lines (given without line ends) in the place of the lines `start..end` (from 0).

        Lines that are the same before and after keep their own line end; new ones take their
        neighbours'.  A file that did not end with a newline still does not.
        """
        old = self.lines[start:end]
        old_bodies = [body_of(line) for line in old]
        default = self.new_line_end(start)
        lines: list[str] = []
        origins: list[int | None] = []
        for tag, i1, i2, j1, j2 in _opcodes(old_bodies, list(bodies)):
            if tag == "equal":
                lines += old[i1:i2]
                origins += self._origins[start + i1 : start + i2]
                continue
            for offset in range(j2 - j1):
                twin = old[i1 + offset] if i1 + offset < i2 else ""
                lines.append(bodies[j1 + offset] + (line_end(twin) or default))
                origins.append(None)
        at_end = end == len(self.lines)
        open_ended = bool(self.lines) and not line_end(self.lines[-1])
        self.lines[start:end] = lines
        self._origins[start:end] = origins
        if at_end and open_ended and self.lines:
            self._close(lines, start, default)

    def _close(self, lines: list[str], start: int, default: str) -> None:
        """Only the last line may lack its end, and it still must."""
        for index in range(start, len(self.lines) - 1):
            if not line_end(self.lines[index]):
                self.lines[index] += default
                self._origins[index] = None
        last = body_of(self.lines[-1])
        if self.lines[-1] != last:
            self.lines[-1] = last
            self._origins[-1] = None

    def hunks(self) -> tuple[Hunk, ...]:
        """The changes against the old text: sorted, apart from each other, old lines from 1."""
        found: list[Hunk] = []
        new: list[str] = []
        at = 0
        for line, origin in zip((*self.lines, ""), (*self._origins, len(self._old)), strict=True):
            if origin is None:
                new.append(line)
                continue
            if new or origin > at:
                found.append(Hunk(at + 1, origin + 1, tuple(new)))
                new = []
            at = origin + 1
        return tuple(found)
