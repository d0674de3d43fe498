"""Change-sets that a user takes or refuses, by number or by the name of a function in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from asyncshift.errors import InputError
from asyncshift.model import ChangeSet, Graph, Plan
from asyncshift.scope import Choice


def choose(
    graph: Graph, plan: Plan, taken: Sequence[str], without: Sequence[str], choice: Choice
) -> Choice:
    """What is left of a plan: the change-sets taken (all without any) with what they need, but
    for the refused ones.  `InputError` where a name means no change-set."""
    if taken:
        wanted = _closed(plan.change_sets, [_find(graph, plan, name) for name in taken])
        only = frozenset(_names(graph, wanted))
        choice = replace(choice, only=only, declined=choice.declined - only)
    refused = [_find(graph, plan, name) for name in without]
    return replace(choice, declined=choice.declined | set(_names(graph, refused)))


def set_names(graph: Graph, change: ChangeSet) -> list[str]:
    """A set's functions as a user writes them: `pkg.mod:Class.method`."""
    return [
        f"{graph.functions[fid].module}:{graph.functions[fid].name}" for fid in change.functions
    ]


def _names(graph: Graph, sets: Iterable[ChangeSet]) -> Iterable[str]:
    return (name for change in sets for name in set_names(graph, change))


def _find(graph: Graph, plan: Plan, wanted: str) -> ChangeSet:
    for change in plan.change_sets:
        if wanted in (str(change.id), change.title, *set_names(graph, change)):
            return change
    known = ", ".join(f"{change.id} ({change.title})" for change in plan.change_sets[:10])
    more = ", ..." if len(plan.change_sets) > 10 else ""
    raise InputError(
        f"there is no change-set {wanted}",
        hint=f"There are: {known}{more}." if known else "There is nothing to change.",
    )


def _closed(sets: Sequence[ChangeSet], taken: Iterable[ChangeSet]) -> list[ChangeSet]:
    """The sets with all they need, callees first."""
    by_id = {change.id: change for change in sets}
    found: set[int] = set()
    queue = [change.id for change in taken]
    while queue:
        number = queue.pop()
        if number not in found:
            found.add(number)
            queue.extend(by_id[number].needs)
    return [change for change in sets if change.id in found]
