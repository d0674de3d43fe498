"""Which functions keep their sync name beside the coroutine, and which facades have had their day.

A facade stands where something calls the sync name that this step does not turn: code outside the
scope, code that nobody sees (a computed name, a string, another repository), a sync function.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

from asyncshift.caches import CACHES
from asyncshift.constructors import is_constructor
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
from asyncshift.testing import ASYNC_SETUP
from asyncshift.world import (
    World,
    bridge_allowed,
    forces,
    gives_iterator,
    in_decorator,
    may_wait,
    meant,
)

KEPT_BESIDE = {
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
    "__iter__": "__aiter__",
    "__next__": "__anext__",
}
"""Sync methods whose async form has another name anyway."""
_PUBLIC = frozenset({*KEPT_BESIDE, "__call__"})
"""Names with an underscore that code outside relies on."""


def settle_facades(world: World) -> None:
    """Fill `world.facades` and `world.dropped` for what has turned."""
    mentions: dict[FunctionId, list[Mention]] = defaultdict(list)
    for mention in world.graph.mentions:
        for function in _alike(world, mention.function):
            mentions[function].append(mention)
    values: dict[FunctionId, list[Site]] = defaultdict(list)
    for site in world.graph.sites:
        if site.protocol is Protocol.VALUE:
            for target in site.targets:
                if target.function is not None:
                    values[target.function].append(site)
    reached = _sites_by_name(world)
    groups: dict[FunctionId, tuple[FunctionId, ...]] = {}
    for fid in sorted(world.turned):
        if fid not in groups and _is_candidate(world, fid):
            group = _namesakes(world, fid)
            groups.update(dict.fromkeys(group, group))
    needed = {
        group
        for group in groups.values()
        if any(_is_needed(world, m, mentions, values, reached) for m in group)
    }
    while more := _beside_others(world, groups, needed) - needed:
        needed |= more
    world.facades, world.dropped = {}, set()
    for group in dict.fromkeys(groups.values()):
        for member, name in _names(world, group):
            if group in needed:
                world.facades[member] = name
            elif member in world.pairs:
                world.dropped.add(member)


def _namesakes(world: World, fid: FunctionId) -> tuple[FunctionId, ...]:
    """The functions of a family that have one name: they have facades together."""
    name = simple_name(world.function(fid))
    group = [m for m in world.classes.get(fid, (fid,)) if _is_candidate(world, m)]
    return tuple(m for m in group if simple_name(world.function(m)) == name)


def _beside_others(
    world: World,
    groups: Mapping[FunctionId, tuple[FunctionId, ...]],
    needed: Set[tuple[FunctionId, ...]],
) -> set[tuple[FunctionId, ...]]:
    """What one call reaches beside a function with a facade, as `f(x)` does for a parameter `f`:
    no form of the call fits both a facade and a coroutine."""
    found: set[tuple[FunctionId, ...]] = set()
    for site in world.graph.sites:
        if site.protocol is not Protocol.CALL or len(site.targets) < 2:
            continue
        members = [t.function for t in site.targets if t.function in groups]
        names = {simple_name(world.function(m)) for m in members if m is not None}
        if len(names) < 2 or in_decorator(world, site.caller, (m for m in members if m)):
            continue
        beside = {groups[m] for m in members if m is not None}
        if beside & needed:
            found |= beside
    return found


def _alike(world: World, fid: FunctionId) -> Iterable[FunctionId]:
    """A function with those of its name under the same decorators: one wrapper stands for all."""
    name = simple_name(world.function(fid))
    own = world.pairs.get(fid, fid)
    found = {fid}
    facades = {coroutine: facade for facade, coroutine in world.pairs.items()}
    for names in world.wrapped.values():
        group = names.get(simple_name(world.function(own)), [])
        if own in group:
            found.update(group)
            found.update(facades[g] for g in group if g in facades)
    return [g for g in found if g == fid or simple_name(world.function(g)) == name]


def _sites_by_name(world: World) -> dict[FunctionId, list[Site]]:
    """The sites that reach a function by its own name, through decorators' wrappers too."""
    found: dict[FunctionId, list[Site]] = defaultdict(list)
    for fid in world.turned | world.wrapped.keys():
        for site in world.incoming.get(fid, ()):
            for named in meant(world, site, fid):
                found[named].append(site)
    return found


def _is_candidate(world: World, fid: FunctionId) -> bool:
    f = world.function(fid)
    if f.kind is not FunctionKind.FUNCTION or fid in world.entries or fid not in world.turned:
        return False
    return fid in world.pairs or not (is_nested(world, fid) or _has_a_wrapper(world, fid))


def _has_a_wrapper(world: World, fid: FunctionId) -> bool:
    """Whether a decorator's wrapper calls it that does not turn in this step: its name is what the
    wrapper is, sync or async, before and after."""
    return any(
        site.caller in world.wrapped
        and site.caller not in world.turned
        and in_decorator(world, site.caller, (fid,))
        for site in world.incoming.get(fid, ())
    )


def is_nested(world: World, fid: FunctionId) -> bool:
    """Whether a function is a local of another one: it is reached as a value, as a decorator's
    wrapper is, and never by a name that somebody outside knows."""
    parent = world.function(fid).parent
    return parent is not None and world.function(parent).kind is FunctionKind.FUNCTION


def simple_name(f: Function) -> str:
    """The last part of a qualified name."""
    return f.name.rpartition(".")[2]


def async_name(world: World, f: Function) -> str | None:
    """The name that the async form of a function has in any case."""
    if f.id in world.tests and f.cls is not None and f.overrides is not None:
        return ASYNC_SETUP.get(simple_name(f))
    return KEPT_BESIDE.get(simple_name(f))


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
    reached: Mapping[FunctionId, Sequence[Site]],
) -> bool:
    f = world.function(fid)
    partial = world.scope is not None and world.scope.partial and not world.scope.bridges
    if partial and is_public(world, f) and unfit(world, fid) is None and not is_test_file(f.path):
        return True
    if unfit(world, fid) is not None and fid not in world.pairs:
        return False
    for mention in mentions[fid]:
        looked_at = mention.how == "getattr" and is_test_file(mention.path) and not partial
        if looked_at and not _calls_by_computed_name(world, mention):
            continue
        if mention.how != "patched" or (partial and not is_test_file(f.path)):
            return True
    if any(_keeps_sync_name(world, f, site) for site in reached.get(fid, ())):
        return True
    if any(not world.in_scope(site.caller) for site in values[fid]):
        return True
    if (coroutine := world.pairs.get(fid)) is None:
        return False
    if not world.in_scope(fid) or not world.in_scope(coroutine) or mentions[coroutine]:
        return True
    users = (*world.incoming.get(coroutine, ()), *reached.get(coroutine, ()), *values[coroutine])
    return any(site.caller != fid and not world.in_scope(site.caller) for site in users)


def _calls_by_computed_name(world: World, mention: Mention) -> bool:
    return any(
        world.function(caller).path == mention.path and mention.function in reached
        for caller, reached in world.graph.by_computed_name.items()
    )


def is_public(world: World, f: Function) -> bool:
    """Whether code that is not seen may call it by its name."""
    parts = f.name.split(".")
    if any(part.startswith("_") and part not in _PUBLIC for part in parts):
        return False
    return not is_nested(world, f.id)


def _keeps_sync_name(world: World, f: Function, site: Site) -> bool:
    """Whether a call will still be a sync one after this step, with nothing to bridge it."""
    if calls_by_name(world, site):
        return True
    if not forces(site, f):
        return False
    if world.in_async(site.caller) or site.caller in world.pairs:
        return False
    if bridge_allowed(world, site):
        turns_later = world.goal is not None and site.caller in world.goal
        return turns_later and not (world.scope is not None and world.scope.bridges)
    return True


def calls_by_name(world: World, site: Site) -> bool:
    """Whether sync code calls something on an unknown receiver, where it may wait: whatever has the
    name keeps it, as a facade.  (Tests that forget an await fail, and tell.)"""
    if site.certainty is not Certainty.UNKNOWN or site.protocol is not Protocol.CALL:
        return False
    if site.awaited or is_test_file(site.path) or world.in_async(site.caller):
        return False
    return may_wait(world, site)


def can_be_called(world: World, f: Function) -> bool:
    """Whether a facade does for every call of a function.  (A generator may be made in one place
    and iterated in another, where no name tells which of the two forms it is.)"""
    return not f.is_generator and unfit(world, f.id) is None


def unfit(world: World, fid: FunctionId) -> str | None:
    """Why a function cannot have a facade; None where it can."""
    f = world.function(fid)
    if f.kind is not FunctionKind.FUNCTION:
        return "it has no name"
    if is_nested(world, fid) and fid not in world.pairs:
        return "it is local to a function"
    if f.is_property:
        return "an attribute has one form"
    if is_constructor(f.name):
        return "a class has one constructor"
    if simple_name(f) == "__call__":
        return "an instance has one way to be called"
    if gives_iterator(f) or simple_name(f) == "__next__":
        return "the end of an iterator has another exception in async code"
    if any(_is_overload(world.function(m), f) for m in (fid, *world.classes.get(fid, ()))):
        return "its overloads describe one form only"
    if fid in world.entries:
        return "it is an entry point"
    if CACHES.intersection(f.decorators) and not f.is_property:
        return "its cache has one form"
    if f.named_by_decorator:
        return "a decorator reads its name"
    if fid in world.elsewhere:
        return "it has a decorator, and is called by another name than its own"
    if fid in world.registered:
        return "a framework knows it by its decorator"
    return None


def _is_overload(one: Function, f: Function) -> bool:
    """Whether a definition is one of the overloads of `f`, or `f` is one itself."""
    if (one.path, one.name) != (f.path, f.name):
        return False
    return any(d.rpartition(".")[2] == "overload" for d in one.decorators)
