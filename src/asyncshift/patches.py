"""A step as a series of patches that `git am` takes, and as the message of a commit.

Patches come in the order of the change-sets, callees first; each file of several sets is changed
as the sets before have left it.  Generated files stand in the first, the ledger in the last patch.
They have no date, so that the same step gives the same bytes.
"""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.header import Header

from asyncshift import __version__, diff
from asyncshift.inert import printable
from asyncshift.model import Action, ChangeSet, FileChange, FunctionKind, Graph, Plan

AUTHOR = "asyncshift <asyncshift@localhost>"
WIDTH = 72
_NAMES = 3


@dataclass(frozen=True, slots=True)
class Message:
    """What a commit says."""

    subject: str
    body: str

    def text(self) -> str:
        return f"{self.subject}\n\n{self.body}\n"


def series(
    graph: Graph, plan: Plan, changes: Sequence[FileChange], ledger: Sequence[FileChange]
) -> dict[str, bytes]:
    """Names of files and patches, in order."""
    sections = diff.sections(changes, [one.id for one in plan.change_sets])
    sets = {one.id: one for one in plan.change_sets}
    parts = [
        (_of_set(graph, sets[number]) if number in sets else _GENERATED, text)
        for number, text in sections.items()
        if text
    ]
    if records := diff.unified(ledger):
        parts.append((_LEDGER, records))
    found = {}
    for number, (message, text) in enumerate(parts, start=1):
        name = re.sub(r"[^A-Za-z0-9]+", "-", message.subject).strip("-")[:52]
        found[f"{number:04}-{name}.patch"] = _patch(message, text, number, len(parts))
    return found


_GENERATED = Message(
    "Add the generated modules of asyncshift", "They are used by what the next patches change."
)
_LEDGER = Message("Record the step in asyncshift's ledger", "What was migrated, refused and why.")


def _of_set(graph: Graph, change: ChangeSet) -> Message:
    functions = [graph.functions[fid] for fid in change.functions]
    named = [f"{f.module}:{f.name}" for f in functions if f.kind is FunctionKind.FUNCTION]
    lines = [f"Because it {change.reason}." if _is_verb(change.reason) else f"{change.reason}."]
    if len(named) > 1:
        lines.append(f"Together: {', '.join(named)}.")
    return _message(f"{change.title} goes to asyncio", lines)


def _is_verb(reason: str) -> bool:
    return reason.partition(" ")[0] in ("calls", "awaits", "waits", "runs", "iterates", "enters")


def _message(subject: str, paragraphs: Sequence[str]) -> Message:
    body = "\n\n".join(
        textwrap.fill(printable(text), WIDTH, break_long_words=False, break_on_hyphens=False)
        for text in paragraphs
    )
    return Message(printable(subject), body)


def _patch(message: Message, text: bytes, number: int, total: int) -> bytes:
    """One patch as mail.  Carriage returns only survive in a body that is encoded."""
    subject = Header(f"[PATCH {number}/{total}] {message.subject}", "utf-8" if not
                     message.subject.isascii() else "ascii", maxlinelen=78)  # fmt: skip
    body = f"{message.body}\n\n---\n\n".encode() + text + f"-- \n{__version__}\n".encode()
    encoding = "8bit"
    if b"\r" in body:
        encoding, body = "base64", base64.encodebytes(body)
    head = [
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001",
        f"From: {AUTHOR}",
        f"Subject: {subject.encode()}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        f"Content-Transfer-Encoding: {encoding}",
    ]
    return "\n".join(head).encode("ascii") + b"\n\n" + body + b"\n"


# ----------------------------------------------------------------------------- a commit


def commit_message(graph: Graph, plan: Plan, counts: Mapping[str, int], command: str) -> Message:
    """What a step does and why: its modules, its change-sets with their reasons, what is left."""
    paths = {d.path for d in plan.decisions if d.action is not Action.STUB}
    modules = sorted({f.module for f in graph.functions.values() if f.path in paths})
    if not modules:
        subject = "Record a step in asyncshift's ledger"
    elif len(modules) <= _NAMES:
        subject = f"Migrate {_listed(modules)} to asyncio"
    else:
        subject = f"Migrate {len(modules)} modules to asyncio"
    if len(subject) > WIDTH:
        subject = f"Migrate {_many(len(modules), 'module')} to asyncio"
    return _message(subject, list(_paragraphs(plan, counts, modules, command)))


def _paragraphs(
    plan: Plan, counts: Mapping[str, int], modules: Sequence[str], command: str
) -> Iterator[str]:
    if len(modules) > _NAMES:
        yield f"Modules: {', '.join(modules)}."
    parts = [_many(counts.get("functions", 0), "function") + " turned async"]
    for key, word in (("rewritten", "rewritten"), ("threaded", "threaded"), ("bridged", "bridged")):
        if counts.get(key):
            parts.append(f"{_many(counts[key], 'call')} {word}")
    facades = sum("facade" in d.detail for d in plan.decisions if d.action is Action.MAKE_ASYNC)
    if facades:
        parts.append(f"{_many(facades, 'facade')} for callers that are not async yet")
    if plan.refusals:
        parts.append(f"{_many(len(plan.refusals), 'place')} refused")
    yield f"{', '.join(parts)}."
    for change in plan.change_sets:
        yield f"- {change.title}: {change.reason}"
    yield f"Made by asyncshift {__version__}: {command}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
