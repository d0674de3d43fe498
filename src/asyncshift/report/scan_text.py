"""A scan report as text and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from asyncshift.report.scan import Blocking, Entry, Fate, ScanReport, Step, Worth

Place = tuple[str, int, int]

SHOWN_ENTRIES = 25
SHOWN_CALLS = 8
_WORTH = {Worth.YES: "bold green", Worth.MAYBE: "yellow", Worth.NO: "dim"}
_FATE = {
    Fate.ASYNC: ("has an async twin", "green"),
    Fate.THREAD: ("only a thread", "yellow"),
    Fate.STAYS: ("stays sync", "red"),
}


def scan_json(report: ScanReport) -> str:
    """Everything, as JSON."""
    entries = [{**_fields(e), "reached": [_blocking(b) for b in e.reached]} for e in report.entries]
    return json.dumps({**_fields(report), "entries": entries}, indent=1)


def _fields(one: ScanReport | Entry | Blocking) -> dict[str, object]:
    return {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}


def _blocking(blocking: Blocking) -> dict[str, object]:
    found = _fields(blocking)
    del found["steps"]
    return {**found, "chain": [dataclasses.asdict(step) for step in blocking.chain]}


def scan_text(report: ScanReport) -> Iterator[Text]:
    """The answer first, then each entry point with the calls it reaches."""
    yield Text("Is it worth it?", style="bold")
    for line in report.answer:
        yield Text(f"  {line}")
    shown: dict[frozenset[Place], str] = {}
    for entry in report.entries[:SHOWN_ENTRIES]:
        yield Text()
        yield from _head(entry)
        places = frozenset((b.path, b.line, b.column) for b in entry.reached)
        if places and places in shown:
            yield Text(f"    reaches the same {len(places)} as {shown[places]}", style="dim")
        else:
            shown[places] = entry.name
            yield from _calls(entry)
    hidden = len(report.entries) - SHOWN_ENTRIES
    if hidden > 0:
        yield Text(f"\n... and {hidden} more entry points (--format json lists all)")
    if report.libraries:
        yield Text()
        yield Text("What waits, by library call", style="bold")
        for api, count in list(report.libraries.items())[:SHOWN_ENTRIES]:
            yield Text(f"  {count:5}  {api}")
    yield Text()
    yield Text(f"{report.files} files, {report.functions} functions read in {report.root}")


def _head(entry: Entry) -> Iterator[Text]:
    place = f"  {entry.path}:{entry.line}  ({entry.kind}: {entry.why})"
    yield Text.assemble((entry.name, "bold"), place)
    yield Text(f"  {entry.verdict}", style=_WORTH[entry.worth])


def _calls(entry: Entry) -> Iterator[Text]:
    for blocking in entry.reached[:SHOWN_CALLS]:
        word, style = _FATE[blocking.fate]
        reason = f" ({blocking.reason})" if blocking.reason else ""
        place = f"{blocking.path}:{blocking.line}"
        yield Text.assemble(f"    {place}  {blocking.api}  ", (word, style), reason)
        if len(blocking.chain) > 1:
            yield Text(f"      through {_chain(blocking.chain)}", style="dim")
    if len(entry.reached) > SHOWN_CALLS:
        yield Text(f"    ... and {len(entry.reached) - SHOWN_CALLS} more")


def _chain(steps: Sequence[Step]) -> str:
    """`pkg.cli:main (49) -> show (32) -> pkg.api:Client.get (8)`: modules only where they change,
    and the line that goes on."""
    parts, module = [], ""
    for step in steps:
        here, _, name = step.name.partition(":")
        parts.append(f"{name if name and here == module else step.name} ({step.line})")
        module = here
    return " -> ".join(parts)
