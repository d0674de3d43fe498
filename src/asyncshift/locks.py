"""Locks: a `threading.Lock` that is held across an await stops the event loop for ever.

The coroutine that holds it waits for the loop, and the loop waits in the second `with`.  So a lock
moves to its async form where all its users turned async; otherwise whoever would await below it
stays sync.
"""

from __future__ import annotations

from collections import defaultdict

from asyncshift.codemod import Kind
from asyncshift.groups import LibraryUse
from asyncshift.model import Cause, Certainty, FunctionId, FunctionKind, Protocol, Site
from asyncshift.world import ROOTS, World, forces, hold, pin


def settle_locks(world: World) -> bool:
    """Decide which locks move; True when a function had to be kept sync, so that the fixpoint
    goes round again."""
    world.moved_locks = set()
    entered: dict[str, list[LibraryUse]] = defaultdict(list)
    made: set[str] = set()
    for use in world.uses:
        site, target, treatment = use
        if treatment.kind is Kind.EXCLUSIVE and not site.awaited:
            entered[world.groups.of(site, target)].append(use)
        elif treatment.exclusive and treatment.kind is Kind.PLAIN:
            made.add(world.groups.of(site, target))
    grew = False
    for group, uses in sorted(entered.items()):
        waits = [(site, inner) for site, _, _ in uses for inner in _waits_below(world, site)]
        if not waits:
            continue
        # Before 3.10 a lock belonged to the loop of its making, which is none at import.
        may = world.target >= (3, 10) and group in made - set(world.groups.refused)
        if may and all(
            world.in_async(site.caller) and site.certainty is not Certainty.UNKNOWN
            for site, _, _ in uses
        ):
            world.moved_locks.add(group)
            continue
        for site, inner in waits:
            grew |= _keep_sync(world, site, inner)
    return grew


def _waits_below(world: World, lock: Site) -> list[Site]:
    """The sites in the body of the `with` that would await or bridge."""
    if lock.region is None:
        return []
    start, end = lock.region[:2], lock.region[2:]
    found = []
    for site in world.sites_in.get(lock.path, ()):
        if not (start <= site.span[:2] and site.span[2:] <= end):
            continue
        caller = world.function(site.caller)
        if site.caller != lock.caller and caller.kind is not FunctionKind.GENEXP:
            continue
        coroutines = _coroutines(world, site)
        if any(forces(site, world.function(fid)) for fid in coroutines):
            found.append(site)
        if world.in_async(lock.caller) and any(
            use[2].kind in ROOTS and use[2].blocks
            for use in world.uses_at.get((site.path, site.span), ())
        ):
            found.append(site)
    return found


def _keep_sync(world: World, lock: Site, inner: Site) -> bool:
    text = f"{inner.text} is called while `{lock.text}` is held: an await there can stop the loop"
    if lock.caller in world.turned:
        return pin(world, lock.caller, Cause("lock", text, lock.path, lock.span[0]))
    if world.function(lock.caller).is_async or inner.protocol is not Protocol.CALL:
        return False
    grew = False
    for fid in _coroutines(world, inner):
        grew |= hold(world, fid, inner, f"{text}, and so can a bridge")
    return grew


def _coroutines(world: World, site: Site) -> list[FunctionId]:
    return [t.function for t in site.targets if t.function and world.is_coroutine(t.function)]
