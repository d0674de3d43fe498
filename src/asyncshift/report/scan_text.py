"""A scan report as text and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

from rich.text import Text

from asyncshift.report.scan import Blocking, Entry, Fate, ScanReport, Worth

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
    return json.dumps(dataclasses.asdict(report), indent=1)


def scan_text(report: ScanReport) -> Iterator[Text]:
    """The answer first, then each entry point with the calls it reaches."""
    yield Text("Is it worth it?", style="bold")
    for line in report.answer:
        yield Text(f"  {line}")
    for entry in report.entries[:SHOWN_ENTRIES]:
        yield Text()
        yield from _entry(entry)
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


def _entry(entry: Entry) -> Iterator[Text]:
    head = Text.assemble(
        (entry.name, "bold"), f"  {entry.path}:{entry.line}  ({entry.kind}: {entry.why})"
    )
    yield head
    yield Text(f"  {entry.verdict}", style=_WORTH[entry.worth])
    for blocking in entry.reached[:SHOWN_CALLS]:
        yield from _blocking(blocking)
    if len(entry.reached) > SHOWN_CALLS:
        yield Text(f"    ... and {len(entry.reached) - SHOWN_CALLS} more")


def _blocking(blocking: Blocking) -> Iterator[Text]:
    word, style = _FATE[blocking.fate]
    reason = f" ({blocking.reason})" if blocking.reason else ""
    place = f"{blocking.path}:{blocking.line}"
    yield Text.assemble(f"    {place}  {blocking.api}  ", (word, style), reason)
    if len(blocking.chain) > 1:
        chain = " -> ".join(f"{step.name} (line {step.line})" for step in blocking.chain)
        yield Text(f"      through {chain}", style="dim")
