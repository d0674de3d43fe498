"""The rules: names that stand behind a reason, what each means, and what to do about it.

Those of the tool itself are in `rules.toml`, a codemod's in the section `rules` of its table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from asyncshift.tables import Table

GROUPS: Mapping[str, str] = {
    "turns": "Why a function turns async",
    "stays": "Why a function stays sync",
    "place": "Places without a faithful form",
    "client": "Why a client or connection stays with its library",
    "step": "What this step cannot do, and a later one can",
    "look": "Places to look at, and notes",
    "check": "What `asyncshift check` finds",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One name, such as `slice-open`."""

    name: str
    group: str
    """A key of `GROUPS`, or the name of the codemod that it belongs to."""
    means: str
    do: str
    """Empty where nothing needs to be done."""


@cache
def own_rules() -> Mapping[str, Rule]:
    """The rules of the tool itself, by name."""
    text = resources.files("asyncshift").joinpath("rules.toml").read_text(encoding="utf-8")
    return {name: Rule(name, **row) for name, row in tomllib.loads(text).items()}


def known_rules(tables: Iterable[Table]) -> Mapping[str, Rule]:
    """The rules of the tool and those of codemods.  A name that both have means the tool's."""
    found = {
        name: Rule(name, table.name, *told)
        for table in tables
        for name, told in table.rules.items()
    }
    return {**found, **own_rules()}
