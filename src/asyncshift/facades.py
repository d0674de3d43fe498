"""Which functions keep their sync name beside the coroutine, and which facades have had their day.

A facade stands where something calls the sync name that this step does not turn: code outside the
scope, code that nobody sees (a computed name, a string, another repository), a sync function.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from asyncshift.model import (
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Mention,
    Protocol,
    Site,
)
from asyncshift.pins import is_test_file
from asyncshift.world import World, bridge_allowed, forces

KEPT_BESIDE = {"__enter__": "__aenter__", "__exit__": "__aexit__"}
"""Sync methods whose async form has another name anyway."""


def settle_facades(world: World) -> None:
    """Fill `world.facades` and `world.dropped` for what has turned."""
    mentions: dict[FunctionId, list[Mention]] = defaultdict(list)
    for mention in world.graph.mentions:
        mentions[mention.function].append(mention)
    values: dict[FunctionId, list[Site]] = defaultdict(list)
    for site in world.graph.sites:
        if site.protocol is Protocol.VALUE:
            for target in site.targets:
                if target.function is not None:
                    values[target.function].append(site)
    world.facades, world.dropped = {}, set()
    seen: set[FunctionId] = set()
    for fid in sorted(world.turned):
        if fid in seen or not _is_candidate(world, fid):
            continue
        group = [m for m in world.classes.get(fid, (fid,)) if m in world.turned]
        group = [m for m in group if _is_candidate(world, m)]
        seen.update(group)
        needed = any(_is_needed(world, m, mentions, values) for m in group)
        for member, name in _names(world, group):
            if needed:
                world.facades[member] = name
            elif member in world.pairs:
                world.dropped.add(member)


def _is_candidate(world: World, fid: FunctionId) -> bool:
    f = world.function(fid)
    return f.kind is FunctionKind.FUNCTION and fid not in world.entries


def simple_name(f: Function) -> str:
    """The last part of a qualified name."""
    return f.name.rpartition(".")[2]


def _names(world: World, group: Iterable[FunctionId]) -> list[tuple[FunctionId, str]]:
    """The coroutines' names; one suffix for the whole family."""
    pattern = world.scope.facade_name if world.scope is not None else "{name}_async"
    fresh = [world.function(fid) for fid in group if fid not in world.pairs]
    while any(_is_taken(world, f, pattern) for f in fresh):
        pattern += "_"
    named = []
    for fid in group:
        f = world.function(fid)
        name = simple_name(f)
        if fid in world.pairs:
            new = simple_name(world.function(world.pairs[fid]))
        else:
            new = KEPT_BESIDE.get(name) or pattern.format(name=name)
        named.append((fid, new))
    return named


def _is_taken(world: World, f: Function, pattern: str) -> bool:
    scope, _, name = f.name.rpartition(".")
    new = pattern.format(name=name)
    full = f"{scope}.{new}" if scope else new
    return any(g.name == full for g in world.by_path[f.path])


def _is_needed(
    world: World,
    fid: FunctionId,
    mentions: dict[FunctionId, list[Mention]],
    values: dict[FunctionId, list[Site]],
) -> bool:
    f = world.function(fid)
    partial = world.scope is not None and world.scope.partial and not world.scope.bridges
    if partial and is_public(world, f) and unfit(world, fid) is None and not is_test_file(f.path):
        return True
    if unfit(world, fid) is not None and fid not in world.pairs:
        return False
    for mention in mentions[fid]:
        if mention.how != "patched" or (partial and not is_test_file(f.path)):
            return True
    if any(_keeps_sync_name(world, f, site) for site in world.incoming.get(fid, ())):
        return True
    if any(not world.in_scope(site.caller) for site in values[fid]):
        return True
    if (coroutine := world.pairs.get(fid)) is None:
        return False
    if not world.in_scope(fid) or not world.in_scope(coroutine) or mentions[coroutine]:
        return True
    reached = (*world.incoming.get(coroutine, ()), *values[coroutine])
    return any(site.caller != fid and not world.in_scope(site.caller) for site in reached)


def is_public(world: World, f: Function) -> bool:
    """Whether code that is not seen may call it by its name."""
    parts = f.name.split(".")
    if any(part.startswith("_") and part not in KEPT_BESIDE for part in parts):
        return False
    parent = world.function(f.parent) if f.parent is not None else None
    return parent is None or parent.kind in (FunctionKind.MODULE, FunctionKind.CLASS)


def _keeps_sync_name(world: World, f: Function, site: Site) -> bool:
    """Whether a call will still be a sync one after this step, with nothing to bridge it."""
    if not forces(site, f) or site.certainty is Certainty.UNKNOWN:
        return False
    if world.in_async(site.caller) or site.caller in world.pairs:
        return False
    if bridge_allowed(world, site):
        turns_later = world.goal is not None and site.caller in world.goal
        return turns_later and not (world.scope is not None and world.scope.bridges)
    return True


def unfit(world: World, fid: FunctionId) -> str | None:
    """Why a function cannot have a facade; None where it can."""
    f = world.function(fid)
    if f.kind is not FunctionKind.FUNCTION:
        return "it has no name"
    if simple_name(f) == "__call__":
        return "an instance has one way to be called"
    if any(d.endswith("overload") for d in f.decorators):
        return "its overloads describe one form only"
    if fid in world.entries:
        return "it is an entry point"
    if fid in world.registered:
        return "a framework knows it by its decorator"
    return None
