"""The summary of a migration, for stderr: what turned, what did not and why, where to look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from asyncshift.diff import line_counts
from asyncshift.model import Action, ChangeSet, Decision, Kept, Message, Refusal, Severity

if TYPE_CHECKING:
    from asyncshift.pipeline import Outcome

SHOWN = 25
PLACES = 6
_TITLES = {
    Severity.WARNING: ("Warnings", "bold yellow"),
    Severity.REFUSAL: ("Refused", "bold red"),
    Severity.LOOK: ("Places to look", "bold yellow"),
    Severity.NOTE: ("Differences and notes", "bold"),
}
_KEPT = {
    Kept.ARGUMENT: "by an argument",
    Kept.CONSTRUCT: "by other code",
    Kept.UNSEEN: "not observable",
    Kept.LEFT: "LEFT",
}
"""What was done about a difference, most harmless first; shown the other way round."""


def summary_text(outcome: Outcome) -> Iterator[Text]:
    """Figures first, then each section that has something to say."""
    counts = _figures(outcome)
    if not outcome.changes:
        yield Text("Nothing to change.", style="bold")
    else:
        yield Text(
            f"{_many(counts['files'], 'file')} changed: "
            f"{_many(counts['functions'], 'function')} turned async, "
            f"{_many(counts['rewritten'], 'call')} rewritten, {counts['threaded']} threaded, "
            f"{counts['bridged']} bridged, {counts['refused']} refused, "
            f"{_many(counts['looks'], 'place')} to look at",
            style="bold",
        )
        sets = len(outcome.mechanical)
        yield Text(
            f"{_many(sets, 'change-set')}, {sum(outcome.mechanical.values())} mechanical "
            "(nothing but async changed)"
        )
    listed = [change_set_text(outcome, change) for change in outcome.plan.change_sets]
    yield from _section(f"Change-sets ({len(listed)})", "bold", listed)
    yield from _decided("Threaded", outcome, Action.TO_THREAD)
    yield from _decided("Bridged", outcome, Action.BRIDGE)
    refused = [_refusal(r) for r in outcome.refusals]
    yield from _section(f"Refused ({len(refused)})", "bold red", refused)
    for severity, (title, style) in _TITLES.items():
        found = [m for m in outcome.messages if m.severity is severity]
        yield from _section(f"{title} ({len(found)})", style, list(_grouped(found)))
    found = [m for m in outcome.messages if m.severity is Severity.PARITY]
    lines = [
        f"[{words}] {line}"
        for kept, words in reversed(_KEPT.items())
        for line in _grouped(m for m in found if m.rule == kept)
    ]
    title = f"Parity: where the libraries differ, and how it was kept ({len(found)})"
    yield from _section(title, "bold", lines)


def change_set_text(outcome: Outcome, change: ChangeSet) -> str:
    """Number and name, whether it has to be read, why it is there and what it needs."""
    kind = "mechanical" if outcome.mechanical.get(change.id) else "to read"
    needs = f"; needs {', '.join(map(str, change.needs))}" if change.needs else ""
    return f"[{change.id}] {change.title}  ({kind}: {change.reason}{needs})"


def summary_json(outcome: Outcome) -> dict[str, Any]:
    """The same, complete, as plain data."""
    return {
        "counts": _figures(outcome),
        "files": [_file(outcome, index) for index in range(len(outcome.changes))],
        "threaded": [_decision(d) for d in _decisions(outcome, Action.TO_THREAD)],
        "bridged": [_decision(d) for d in _decisions(outcome, Action.BRIDGE)],
        "refused": [
            {
                "path": r.path,
                "line": r.span[0],
                "column": r.span[1],
                "rule": r.rule,
                "reason": r.reason,
                "way_out": r.way_out,
            }
            for r in outcome.refusals
        ],
        "messages": [
            {
                "path": m.path,
                "line": m.line,
                "rule": m.rule,
                "text": m.text,
                "severity": str(m.severity),
            }
            for m in outcome.messages
            if m.severity is not Severity.PARITY
        ],
        "parity": [
            {"path": m.path, "line": m.line, "kept": m.rule, "difference": m.text}
            for m in outcome.messages
            if m.severity is Severity.PARITY
        ],
        "change_sets": [
            {
                "id": c.id,
                "title": c.title,
                "functions": list(c.functions),
                "needs": list(c.needs),
                "reason": c.reason,
                "mechanical": outcome.mechanical.get(c.id),
            }
            for c in outcome.plan.change_sets
        ],
    }


def _figures(outcome: Outcome) -> Mapping[str, int]:
    figures: defaultdict[str, int] = defaultdict(int, outcome.counts)
    figures["files"] = len(outcome.changes)
    figures["refused"] = len(outcome.refusals)
    figures["looks"] = sum(m.severity is Severity.LOOK for m in outcome.messages)
    for key in ("functions", "rewritten", "threaded", "bridged"):
        figures[key] += 0
    return figures


def _file(outcome: Outcome, index: int) -> dict[str, Any]:
    change = outcome.changes[index]
    added, removed = line_counts(change)
    return {
        "path": change.path,
        "new": change.old is None,
        "deleted": change.new is None,
        "added": added,
        "removed": removed,
    }


def _decisions(outcome: Outcome, action: Action) -> list[Decision]:
    return [d for d in outcome.plan.decisions if d.action is action]


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "path": decision.path,
        "line": decision.span[0],
        "column": decision.span[1],
        "call": decision.site.text if decision.site else "",
        "rule": decision.cause.rule,
        "reason": decision.cause.text,
    }


def _decided(title: str, outcome: Outcome, action: Action) -> Iterator[Text]:
    lines = [
        f"{d.path}:{d.span[0]}  {d.site.text + '  ' if d.site else ''}({d.cause.text})"
        for d in _decisions(outcome, action)
    ]
    yield from _section(f"{title} ({len(lines)})", "bold", lines)


def _refusal(refusal: Refusal) -> str:
    text = f"{refusal.path}:{refusal.span[0]}: {refusal.reason} [{refusal.rule}]"
    return f"{text}\n    way out: {refusal.way_out}" if refusal.way_out else text


def _grouped(messages: Iterable[Message]) -> Iterator[str]:
    """One line for one text, with the places it holds for."""
    groups: dict[str, list[str]] = defaultdict(list)
    for message in messages:
        place = f"{message.path}:{message.line}" if message.path else ""
        groups[message.text].append(place)
    for text, places in groups.items():
        named = [place for place in dict.fromkeys(places) if place]
        more = f", and {len(named) - PLACES} more" if len(named) > PLACES else ""
        if len(named) == 1:
            yield f"{named[0]}: {text}"
        elif named:
            yield f"{text}\n    {', '.join(named[:PLACES])}{more}"
        else:
            yield text


def _section(title: str, style: str, lines: Sequence[str]) -> Iterator[Text]:
    if not lines:
        return
    yield Text()
    yield Text(title, style=style)
    for line in lines[:SHOWN]:
        yield Text(f"  {line}")
    if len(lines) > SHOWN:
        yield Text(f"  ... and {len(lines) - SHOWN} more (--format json lists all)")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
