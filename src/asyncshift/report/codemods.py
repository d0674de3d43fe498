"""The list of codemods with the rows of their tables."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from asyncshift.cases import CaseResult
from asyncshift.codemod_info import CodemodInfo
from asyncshift.lint import Complaint
from asyncshift.others import Changed


def codemods_json(infos: Sequence[CodemodInfo]) -> str:
    """Everything, as JSON."""
    return json.dumps([dataclasses.asdict(info) for info in infos], indent=1)


def codemods_text(infos: Sequence[CodemodInfo], *, rows: bool) -> Iterator[Text]:
    """Each codemod, with its rows when asked."""
    for info in infos:
        yield Text.assemble((info.name, "bold"), f"  {info.summary}")
        if info.requires:
            yield Text(f"  requires {', '.join(info.requires)}")
        if info.docs:
            yield Text(f"  {info.docs}", style="dim")
        if not rows:
            yield Text(f"  {len(info.rows)} rows", style="dim")
            continue
        width = max((len(row.name) for row in info.rows), default=0)
        for row in info.rows:
            yield Text(f"    {row.name:{width}}  {row.kind:10}  {row.becomes}".rstrip())
        if info.text:
            yield Text(f"\n{info.text}\n")


def case_text(result: CaseResult) -> Iterator[Text]:
    """One case: passed, or what is wrong."""
    if not result.wrong:
        yield Text.assemble(("passed  ", "green"), result.name)
        return
    yield Text.assemble(("failed  ", "bold red"), result.name, ": ", result.wrong)


def lint_text(info: CodemodInfo, complaints: Sequence[Complaint]) -> Iterator[Text]:
    """What is wrong with a table, and what could not be read."""
    faults = [one for one in complaints if not one.unread]
    for fault in faults:
        yield Text.assemble((fault.name, "bold"), f": {fault.text}", style="red")
    unread = sorted({one.name for one in complaints if one.unread})
    if unread:
        yield Text(f"could not be read: {', '.join(unread)}", style="yellow")
    yield Text(f"{len(faults)} faults in {len(info.rows)} rows of {info.name}", style="bold")


def refused_text(changed: Changed) -> Iterator[Text]:
    """How many files change, and those that could not be done, with the reason."""
    yield Text(f"{len(changed.changes)} files change, {len(changed.refusals)} are refused")
    for refusal in changed.refusals:
        yield Text(f"  {refusal.path}: {refusal.reason}", style="red")
