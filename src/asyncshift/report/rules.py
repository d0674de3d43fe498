"""Rules as text and JSON."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.text import Text

from asyncshift.errors import InputError
from asyncshift.rules import GROUPS, Rule


def named(known: Mapping[str, Rule], names: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of these names, with or without brackets; `InputError` for one that is none."""
    found = []
    for name in names:
        wanted = name.strip("[]")
        if wanted not in known:
            near = difflib.get_close_matches(wanted, known, 3, 0.5)
            hint = f"The nearest: {', '.join(near)}." if near else "`asyncshift rules` lists them."
            raise InputError(f"there is no rule `{wanted}`", hint=hint)
        found.append(known[wanted])
    return tuple(found)


def rules_json(rules: Sequence[Rule]) -> str:
    """Everything, as JSON."""
    return json.dumps([dataclasses.asdict(rule) for rule in rules], indent=1)


def rules_text(rules: Sequence[Rule]) -> Iterator[Text]:
    """Each with what it means and what to do."""
    for rule in rules:
        yield Text.assemble((rule.name, "bold"), f"  {title(rule.group)}")
        yield Text(f"  {rule.means}")
        if rule.do:
            yield Text(f"  What to do: {rule.do}")


def rules_list(rules: Sequence[Rule]) -> Iterator[Text]:
    """A line each, in groups."""
    width = max(len(rule.name) for rule in rules)
    for group, members in groupby(in_groups(rules), lambda rule: rule.group):
        yield Text(f"\n{title(group)}", style="bold")
        for rule in members:
            yield Text(f"  {rule.name:{width}}  {rule.means}")


def in_groups(rules: Sequence[Rule]) -> list[Rule]:
    """In the order of `GROUPS`, then by codemod, then by name."""
    order = {name: index for index, name in enumerate(GROUPS)}
    return sorted(rules, key=lambda r: (order.get(r.group, len(order)), r.group, r.name))


def title(group: str) -> str:
    """The heading of a group."""
    return GROUPS.get(group, f"Codemod {group}")
