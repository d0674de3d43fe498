"""Warnings of a survey, for stderr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from asyncshift.model import Message, Severity


def warnings_text(messages: Iterable[Message]) -> Iterator[Text]:
    """One line for each warning; other messages belong to the summary of a migration."""
    for message in messages:
        if message.severity is Severity.WARNING:
            yield Text(f"warning: {message.path}:{message.line}: {message.text}", style="yellow")
