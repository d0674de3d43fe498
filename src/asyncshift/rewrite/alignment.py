"""Keeps continuation lines under the bracket that they were aligned with.

`await` in front of a call moves its opening bracket to the right; lines that the author had put
exactly below the first argument move with it, as an editor would do.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass

_LAYOUT = frozenset({tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT})


@dataclass(frozen=True, slots=True)
class _Bracket:
    """An open bracket: its row (from 0), its column, and that of what follows it on its row."""

    row: int
    column: int
    inside: int | None


def realigned(old: Sequence[str], new: Sequence[str], limit: int) -> list[str]:
    """The new lines with the alignment that the old ones had.

    Nothing moves where lines were added or taken away, or where a line would become too long.
    """
    before, after = _open_brackets(old), _open_brackets(new)
    if len(old) != len(new) or before is None or after is None:
        return list(new)
    lines = list(new)
    moved = [0] * len(new)
    for row in range(1, len(new)):
        if row not in before or row not in after:
            continue
        indent = len(new[row]) - len(new[row].lstrip(" "))
        if indent != len(old[row]) - len(old[row].lstrip(" ")):
            continue
        column = _column(new[row].lstrip(), indent, before[row], after[row], moved)
        if column is not None and column >= 0:
            moved[row] = column - indent
            lines[row] = " " * column + new[row].lstrip(" ")
            if moved[row] and len(lines[row]) > max(limit, len(new[row])):
                return list(new)
    return lines


def _column(
    text: str,
    indent: int,
    before: Sequence[_Bracket],
    after: Sequence[_Bracket],
    moved: Sequence[int],
) -> int | None:
    """Where a line goes that stood below a bracket or what followed it; None for any other."""
    for bracket in reversed(before):
        closes = text[:1] in tuple(")]}") and indent == bracket.column
        if indent != bracket.inside and not closes:
            continue
        rank = sum(other.row == bracket.row for other in before[before.index(bracket) :])
        twins = [other for other in after if other.row == bracket.row]
        if rank > len(twins):
            return None
        twin = twins[-rank]
        place = twin.column if closes and indent != bracket.inside else twin.inside
        return None if place is None else place + moved[bracket.row]
    return None


def _open_brackets(rows: Sequence[str]) -> dict[int, tuple[_Bracket, ...]] | None:
    """For each row that starts outside of a string: the brackets open there, outermost first."""
    found: dict[int, tuple[_Bracket, ...]] = {}
    stack: list[_Bracket] = []
    text: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(rows) + "\n").readline):
            row, column = token.start[0] - 1, token.start[1]
            new = bool(stack) and stack[-1].inside is None and stack[-1].row == row
            if new and token.type not in _LAYOUT:
                stack[-1] = _Bracket(row, stack[-1].column, column)
            found.setdefault(row, tuple(stack))
            text.update(range(row + 1, token.end[0]))
            if token.type == tokenize.OP and token.string in tuple("([{"):
                stack.append(_Bracket(row, column, None))
            elif token.type == tokenize.OP and token.string in tuple(")]}") and stack:
                stack.pop()
    except (tokenize.TokenError, SyntaxError):
        return None
    return {row: brackets for row, brackets in found.items() if row not in text}
