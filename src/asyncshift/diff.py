"""A unified diff that `git apply` accepts, made of bytes: encodings and line ends stay true.

Lines end at `\\n` only, as git has it.  The ranges come from the edits that are known; within one
range, and where none are given, difflib finds what really differs.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from asyncshift.model import FileChange, Hunk

CONTEXT = 3
MAX_REFINED = 4_000_000
"""Product of line counts above which a range is shown as replaced: difflib is quadratic."""
_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


@dataclass(frozen=True, slots=True)
class Range:
    """Old lines `old_start:old_end` become new lines `new_start:new_end`; counted from 0."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def unified(changes: Sequence[FileChange]) -> bytes:
    """The diff of all changes, in their order; files that do not differ leave no trace."""
    return b"".join(_file_diff(change) for change in changes)


def by_change_set(
    changes: Sequence[FileChange],
    sets: Sequence[tuple[int, str]],
    folded: Collection[int] = (),
) -> bytes:
    """The same diff in the order of the change-sets, (number, title) each, under their titles.

    What belongs to no set (an import) stands with the first set of its file, a generated file at
    the beginning.  A file of several sets is there several times, each time as the sets before have
    left it: so `git apply` takes the whole like the plain diff.  Of `folded` sets only the title is
    shown, with the numbers of lines.
    """
    found = sections(changes, [number for number, _ in sets])
    titles = {-1: "generated files", **dict(sets)}
    return b"\n".join(
        f"# {_one_line(titles[number])}\n".encode("utf-8", "surrogateescape")
        + (_folded(text) if number in folded else text)
        for number, text in found.items()
    )


def _folded(text: bytes) -> bytes:
    """How many lines come and go in a part of a diff."""
    lines = [line for line in text.split(b"\n") if not line.startswith((b"+++ ", b"--- "))]
    come, go = (sum(line.startswith(sign) for line in lines) for sign in (b"+", b"-"))
    return f"#   folded: +{come} -{go} lines\n".encode()


def sections(changes: Sequence[FileChange], sets: Sequence[int]) -> dict[int, bytes]:
    """The parts of the diff by number of change-set, in this order; -1 for generated files."""
    order = {number: place for place, number in enumerate(sets)}
    found: dict[int, list[bytes]] = defaultdict(list)
    for change in changes:
        for place, text in _file_by_place(change, order):
            found[place].append(text)
    numbers = {-1: -1, **dict(enumerate(sets))}
    return {numbers[place]: b"".join(texts) for place, texts in sorted(found.items())}


def _file_by_place(change: FileChange, order: Mapping[int, int]) -> Iterator[tuple[int, bytes]]:
    """A file's diff in parts, by the place of the change-set that each belongs to."""
    ranges = changed_ranges(change)
    if not ranges or change.old is None or change.new is None:
        if text := _file_diff(change):
            yield -1, text
        return
    old, new = split_lines(change.old), split_lines(change.new)
    places = [
        min((order[n] for n in map(_number, _headings(change, [one])) if n in order), default=None)
        for one in ranges
    ]
    first = min((place for place in places if place is not None), default=-1)
    known = [first if place is None else place for place in places]
    groups: list[tuple[int, list[int]]] = []
    for index, place in enumerate(known):
        gap = ranges[index].old_start - ranges[index - 1].old_end if index else 0
        if groups and (gap == 0 or (groups[-1][0] == place and gap <= 2 * CONTEXT)):
            groups[-1][1].append(index)
        else:
            groups.append((place, [index]))
    header = _header(change, ranges)
    done: list[Range] = []
    for place in sorted({place for place, _ in groups}):
        text, now = header, list[Range]()
        for _, indexes in (group for group in groups if group[0] == place):
            group = [ranges[i] for i in indexes]
            low = ranges[indexes[0] - 1].old_end if indexes[0] else 0
            high = ranges[indexes[-1] + 1].old_start if indexes[-1] + 1 < len(ranges) else len(old)
            before = sum(map(_growth, (r for r in done if r.old_start < group[0].old_start)))
            after = before + sum(map(_growth, now))
            heading = _heading(_headings(change, group))
            text += _hunk(group, old, new, heading, (low, high), (before, after))
            now += group
        done += now
        yield place, text


def _growth(one: Range) -> int:
    return (one.new_end - one.new_start) - (one.old_end - one.old_start)


def _number(heading: str) -> int:
    """The change-set that a heading like `[3] pkg.shop:total` names."""
    return int(heading[1 : heading.index("]")])


def line_counts(change: FileChange) -> tuple[int, int]:
    """How many lines a change adds and removes."""
    ranges = changed_ranges(change)
    added = sum(r.new_end - r.new_start for r in ranges)
    return added, sum(r.old_end - r.old_start for r in ranges)


def changed_ranges(change: FileChange) -> list[Range]:
    """What differs, as small as difflib finds it, in order."""
    old, new = split_lines(change.old or b""), split_lines(change.new or b"")
    coarse = _from_hunks(change.hunks, old, new) if change.hunks else None
    if coarse is None:
        coarse = [Range(0, len(old), 0, len(new))]
    return [fine for one in coarse for fine in _refined(one, old, new)]


def split_lines(data: bytes) -> list[bytes]:
    """Lines with their ends, split at `\\n` alone (never at `\\r` or a form feed)."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


# ----------------------------------------------------------------------------- ranges


def _from_hunks(
    hunks: Iterable[Hunk], old: Sequence[bytes], new: Sequence[bytes]
) -> list[Range] | None:
    """The known edits as ranges; None where they count lines otherwise than git (a lone `\\r`)."""
    ranges: list[Range] = []
    shift = old_done = new_done = 0
    for hunk in sorted(hunks, key=lambda hunk: (hunk.old_start, hunk.old_end)):
        start, end = hunk.old_start - 1, hunk.old_end - 1
        text = "".join(hunk.new_lines)
        count = text.count("\n") + (not text.endswith("\n") and text != "")
        found = Range(start, end, start + shift, start + shift + count)
        if start < old_done or old[old_done:start] != new[new_done : found.new_start]:
            return None
        ranges.append(found)
        old_done, new_done = end, found.new_end
        shift += count - (end - start)
    return ranges if old[old_done:] == new[new_done:] else None


def _refined(one: Range, old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[Range]:
    """The parts of a range that really differ."""
    i, j, i_end, j_end = one.old_start, one.new_start, one.old_end, one.new_end
    while i < i_end and j < j_end and old[i] == new[j]:
        i, j = i + 1, j + 1
    while i_end > i and j_end > j and old[i_end - 1] == new[j_end - 1]:
        i_end, j_end = i_end - 1, j_end - 1
    if i == i_end or j == j_end or (i_end - i) * (j_end - j) > MAX_REFINED:
        if i < i_end or j < j_end:
            yield Range(i, i_end, j, j_end)
        return
    matcher = difflib.SequenceMatcher(None, old[i:i_end], new[j:j_end], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            yield Range(i + i1, i + i2, j + j1, j + j2)


# ----------------------------------------------------------------------------- text


def _file_diff(change: FileChange) -> bytes:
    if change.old == change.new:
        return b""
    old, new = split_lines(change.old or b""), split_lines(change.new or b"")
    ranges = changed_ranges(change)
    text = [_header(change, ranges)]
    for group in _grouped(ranges):
        heading = _heading(_headings(change, group))
        moved = group[0].new_start - group[0].old_start
        text.append(_hunk(group, old, new, heading, (0, len(old)), (0, moved)))
    return b"".join(text)


def _header(change: FileChange, ranges: Sequence[Range]) -> bytes:
    before, after = _quoted("a/" + change.path), _quoted("b/" + change.path)
    header = f"diff --git {before} {after}\n"
    if change.old is None:
        header += f"new file mode {0o100000 | (change.mode or 0o644):o}\n"
        before = "/dev/null"
    if change.new is None:
        header += f"deleted file mode {0o100000 | (change.mode or 0o644):o}\n"
        after = "/dev/null"
    if ranges:
        header += f"--- {before}{_tab(before)}\n+++ {after}{_tab(after)}\n"
    return header.encode("utf-8", "surrogateescape")


def _grouped(ranges: Sequence[Range]) -> Iterator[list[Range]]:
    """Ranges whose context would touch share a hunk."""
    group: list[Range] = []
    for one in ranges:
        if group and one.old_start - group[-1].old_end > 2 * CONTEXT:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _headings(change: FileChange, group: Sequence[Range]) -> list[str]:
    """The change-sets of a hunk: the innermost for each range."""
    names: dict[str, None] = {}
    for one in group:
        around = [
            (last - first, text)
            for first, last, text in change.headings
            if first <= one.old_start + 1 and max(one.old_end, one.old_start) <= last
        ]
        if around:
            names[min(around)[1]] = None
    return list(names)


def _heading(names: Sequence[str]) -> bytes:
    """The change-sets where git shows the function."""
    shown = _one_line(", ".join(names))
    return f" {shown}".encode("utf-8", "surrogateescape") if shown else b""


def _one_line(text: str) -> str:
    """A file's name may hold the end of a line."""
    return " ".join(text.split())


def _hunk(
    group: Sequence[Range],
    old: Sequence[bytes],
    new: Sequence[bytes],
    heading: bytes,
    room: tuple[int, int],
    moved: tuple[int, int],
) -> bytes:
    """Ranges with their context, which must lie inside of `room`; `moved` is by how many lines its
    old and its new side lie further down than in the old file."""
    first, last = group[0], group[-1]
    start, end = max(room[0], first.old_start - CONTEXT), min(room[1], last.old_end + CONTEXT)
    count = end - start + sum(map(_growth, group))
    old_place = _place(start + moved[0], end - start)
    new_place = _place(start + moved[1], count)
    lines: list[bytes] = [f"@@ -{old_place} +{new_place} @@".encode() + heading + b"\n"]
    for one in group:
        lines += [_line(b" ", line) for line in old[start : one.old_start]]
        lines += [_line(b"-", line) for line in old[one.old_start : one.old_end]]
        lines += [_line(b"+", line) for line in new[one.new_start : one.new_end]]
        start = one.old_end
    lines += [_line(b" ", line) for line in old[start:end]]
    return b"".join(lines)


def _line(sign: bytes, line: bytes) -> bytes:
    end = b"" if line.endswith(b"\n") else b"\n\\ No newline at end of file\n"
    return sign + line + end


def _place(start: int, count: int) -> str:
    """`line,count` as diff writes it: an empty side names the line before it."""
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _quoted(path: str) -> str:
    """A path as git writes it: quoted in C style where it holds more than plain characters."""
    data = path.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in (34, 92) for byte in data):
        return path
    parts = []
    for byte in data:
        if byte in _ESCAPES:
            parts.append("\\" + _ESCAPES[byte])
        elif 32 <= byte < 127:
            parts.append(chr(byte))
        else:
            parts.append(f"\\{byte:03o}")
    return f'"{"".join(parts)}"'


def _tab(path: str) -> str:
    """Git ends a name that holds a space with a tab, so that it cannot be taken for a date."""
    return "\t" if " " in path and not path.startswith('"') else ""
