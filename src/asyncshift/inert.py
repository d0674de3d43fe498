"""Names and texts of a project as inert text: what a terminal, Markdown or a log would obey is
shown as an escape."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")


def printable(text: str) -> str:
    """On one line, without what moves a cursor, colours, or turns the direction of writing."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def markdown(text: str) -> str:
    """The same as plain text of a Markdown page: no link, no markup, no HTML."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def code(text: str) -> str:
    """The same as code in a line of Markdown, whatever back-quotes it holds."""
    shown = printable(text)
    fence = "`"
    while fence in shown:
        fence += "`"
    space = " " if shown.startswith("`") or shown.endswith("`") or not shown else ""
    return f"{fence}{space}{shown}{space}{fence}"
