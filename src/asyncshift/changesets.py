"""Change-sets: the smallest groups of decisions that are accepted or refused together.

A change-set is a strongly connected component of the decisions: a function needs the functions it
now awaits; families and the users of one client need each other.  Callees come first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from asyncshift.model import Action, ChangeSet, Decision, FunctionId, FunctionKind
from asyncshift.world import World


def change_sets(world: World, decisions: Sequence[Decision]) -> tuple[ChangeSet, ...]:
    """The change-sets of a plan, callees first; `ChangeSet.id` counts from 1."""
    needs: dict[FunctionId, set[FunctionId]] = defaultdict(set)
    reasons: dict[FunctionId, str] = {}
    for decision in decisions:
        needs[decision.owner] |= set()
        reasons.setdefault(decision.owner, decision.cause.text)
        placed = decision.site is not None or decision.action is Action.DOUBLE
        if placed and decision.cause.because is not None:
            needs[decision.owner].add(decision.cause.because)
    for ring in _rings(world, decisions):
        for one, other in zip(ring, [*ring[1:], ring[0]], strict=True):
            needs[one].add(other)
    known = set(needs)
    graph = {fid: sorted(known.intersection(found)) for fid, found in sorted(needs.items())}
    number: dict[FunctionId, int] = {}
    found = []
    for id_, component in enumerate(components(graph), start=1):
        for fid in component:
            number[fid] = id_
        members = tuple(sorted(component))
        inner = {number[n] for fid in members for n in graph[fid] if n in number} - {id_}
        title, why = _title(world, members), _why(world, members, reasons)
        found.append(ChangeSet(id_, title, members, tuple(sorted(inner)), why))
    return tuple(found)


def _rings(world: World, decisions: Sequence[Decision]) -> Iterable[list[FunctionId]]:
    """Owners that only work together, as closed rings."""
    touched = {decision.owner for decision in decisions}
    seen: set[FunctionId] = set()
    for fid in sorted(touched):
        if fid in world.classes and fid not in seen:
            family = sorted(touched.intersection(world.classes[fid]))
            seen.update(family)
            yield family
    by_place = {(d.path, d.span): d.owner for d in decisions if d.site is not None}
    users: dict[str, set[FunctionId]] = defaultdict(set)
    for use in world.uses:
        site, target, treatment = use
        owner = by_place.get((site.path, site.span))
        if owner is not None and treatment.grouped and world.converted(use):
            users[world.groups.of(site, target)].add(owner)
    for owners in users.values():
        if len(owners) > 1:
            yield sorted(owners)


def components(graph: Mapping[FunctionId, Sequence[FunctionId]]) -> list[list[FunctionId]]:
    """Strongly connected components, callees first (Tarjan 1972, without recursion)."""
    index: dict[FunctionId, int] = {}
    low: dict[FunctionId, int] = {}
    stack: list[FunctionId] = []
    on_stack: set[FunctionId] = set()
    done: list[list[FunctionId]] = []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(graph[successor])))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: list[FunctionId] = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                    on_stack.difference_update(component)
                    done.append(component)
    return done


def _title(world: World, members: Sequence[FunctionId]) -> str:
    names = [world.function(fid) for fid in members]
    named = [f for f in names if f.kind is FunctionKind.FUNCTION] or names
    first = named[0]
    more = f" and {len(members) - 1} more" if len(members) > 1 else ""
    return f"{first.module}:{first.name}{more}" if first.name else f"{first.path}{more}"


def _why(world: World, members: Sequence[FunctionId], reasons: Mapping[FunctionId, str]) -> str:
    """Why the first of them turns; where none does, why its first place changes."""
    for fid in members:
        cause = world.causes.get(fid)
        if cause is not None:
            return cause.text
    return reasons[members[0]]
