"""Calls that are not resolved, below the hints that could resolve them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from asyncshift.changesets import components
from asyncshift.model import FunctionId, Graph, Span, Unresolved
from asyncshift.report.graph import MENTIONS

_CHUNK = 4096
"""Functions that are counted at a time: one bit each."""
_SHOWN = 5
"""So many calls are named in the text for each hint."""

_Hint = tuple[str, str]
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Hub:
    """A hint that could be given, the calls that wait for it, and what stands above those.

    Without a hint (`place` is empty) they are calls of one function that no hint is known for.
    """

    place: str
    cls: str
    above: int
    """So many functions lead to one of the calls, as far as the graph knows."""
    weight: int
    """The functions above each of the calls, added up."""
    calls: tuple[Unresolved, ...]


def hubs(graph: Graph) -> list[Hub]:
    """The hints with the most functions above their calls first, then calls without a hint; each
    call comes once."""
    above = _above(graph, {call.caller: (call.caller,) for call in graph.unresolved})
    groups = _groups(graph.unresolved, above)
    members = {number: {c.caller for c in calls} for number, (_, calls) in enumerate(groups)}
    every = _above(graph, members)
    found = [
        Hub(place, cls, every[number], sum(above[c.caller] for c in calls), tuple(calls))
        for number, ((place, cls), calls) in enumerate(groups)
    ]

    def rank(hub: Hub) -> tuple[bool, int, str, str, Span]:
        return not hub.place, -hub.weight, hub.place, hub.calls[0].path, hub.calls[0].span

    return sorted(found, key=rank)


def _groups(
    calls: Iterable[Unresolved], above: Mapping[FunctionId, int]
) -> list[tuple[_Hint, list[Unresolved]]]:
    """Each call below the heaviest hint that could resolve it; or those of one function."""
    waiting: dict[_Hint, dict[Unresolved, None]] = defaultdict(dict)
    without: dict[FunctionId, list[Unresolved]] = defaultdict(list)
    for call in calls:
        for hint in call.hints:
            waiting[hint][call] = None
        if not call.hints:
            without[call.caller].append(call)
    weights = {hint: sum(above[c.caller] for c in group) for hint, group in waiting.items()}
    groups: list[tuple[_Hint, list[Unresolved]]] = []
    while weights:
        best = min(weights, key=lambda hint: (-weights[hint], hint))
        taken = waiting[best]
        groups.append((best, list(taken)))
        for call in list(taken):
            for hint in call.hints:
                if waiting[hint].pop(call, False) is None:
                    weights[hint] -= above[call.caller]
                    if not waiting[hint]:
                        del weights[hint]
    return groups + [(("", ""), group) for group in without.values()]


def _above(graph: Graph, groups: Mapping[Key, Iterable[FunctionId]]) -> dict[Key, int]:
    """For each group of functions how many they are with all that lead to them."""
    calls: dict[FunctionId, set[FunctionId]] = {id_: set() for id_ in graph.functions}
    for site in graph.sites:
        if site.protocol not in MENTIONS:
            calls[site.caller].update(t.function for t in site.targets if t.function is not None)
    rings = components({id_: sorted(found) for id_, found in calls.items()})
    rings.reverse()  # callers first
    ring_of = {id_: number for number, ring in enumerate(rings) for id_ in ring}
    below = [sorted({ring_of[c] for id_ in ring for c in calls[id_]}) for ring in rings]
    members = {key: {ring_of[id_] for id_ in ids} for key, ids in groups.items()}
    counts = dict.fromkeys(groups, 0)
    functions = list(graph.functions)
    for start in range(0, len(functions), _CHUNK):
        masks = [0] * len(rings)
        for bit, id_ in enumerate(functions[start : start + _CHUNK]):
            masks[ring_of[id_]] |= 1 << bit
        for number, others in enumerate(below):
            for other in others:
                masks[other] |= masks[number]
        for key, numbers in members.items():
            mask = 0
            for number in numbers:
                mask |= masks[number]
            counts[key] += mask.bit_count()
    return counts


def unresolved_json(graph: Graph) -> str:
    """`{"hubs": [...]}`, each with its hint (or null) and its calls."""
    found = [
        {
            "hint": {hub.place: hub.cls} if hub.place else None,
            "above": hub.above,
            "calls": [
                {
                    "path": call.path,
                    "line": call.span[0],
                    "column": call.span[1],
                    "caller": call.caller,
                    "text": call.text,
                }
                for call in hub.calls
            ],
        }
        for hub in hubs(graph)
    ]
    return json.dumps({"hubs": found}, indent=1)


def unresolved_text(graph: Graph) -> Iterator[str]:
    """The line of configuration for each hint, with the first calls that wait for it."""
    for number, hub in enumerate(hubs(graph), start=1):
        calls = "1 call" if len(hub.calls) == 1 else f"{len(hub.calls)} calls"
        above = "1 function" if hub.above == 1 else f"{hub.above} functions"
        line = f'"{hub.place}" = "{hub.cls}"' if hub.place else "no hint known"
        yield f"{number:4}  {line}  ({calls}, {above} above)"
        for call in hub.calls[:_SHOWN]:
            yield f"        {call.path}:{call.span[0]}:{call.span[1]}  {call.text}"
        if len(hub.calls) > _SHOWN:
            yield f"        and {len(hub.calls) - _SHOWN} more"
