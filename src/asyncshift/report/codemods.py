"""The list of codemods with the rows of their tables."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from asyncshift.codemod_info import CodemodInfo


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
