"""What belongs to one thread is used in one hop for a whole unit of work.

An insert on one worker and the commit on another lose the row, and SQLite refuses a connection of
another thread.  So a sync function that uses such a thing goes to a thread only where it holds
every use; otherwise its caller stays sync as well, and one hop further up covers both.
"""

from __future__ import annotations

from collections import deque

from asyncshift.groups import Groups, origins_of
from asyncshift.model import Cause, Certainty, FunctionId, FunctionKind, Protocol, Site
from asyncshift.world import REACHING, World, in_one_hop, pin, reaches


def settle_affinity(world: World) -> bool:
    """Keep functions sync that would part a unit of work; True when one is new."""
    users = _users(world)
    if not users:
        return False
    grew = False
    for fid in sorted(world.blocking):
        f = world.function(fid)
        hops = [site for site in world.incoming.get(fid, ()) if _is_hop(world, site)]
        hops = [site for site in hops if reaches(site, f)]
        if not hops:
            continue
        inside = _reached(world, fid)
        for name, callers in users.values():
            if callers & inside and callers - inside:
                text = f"{f.name} uses {name}, which belongs to a thread, and so does other code"
                for site in hops:
                    grew |= _keep(world, site, text)
    return grew


def _users(world: World) -> dict[str, tuple[str, set[FunctionId]]]:
    """For each thread-bound thing its name and the functions that use it."""
    bound = [use for use in world.uses if use[2].affine in ("instance", "contents")]
    groups = Groups()
    for site, target, _ in bound:
        groups.join(origins_of(site, target))
    found: dict[str, tuple[str, set[FunctionId]]] = {}
    for site, target, treatment in bound:
        made = site.protocol in (Protocol.CALL, Protocol.VALUE) and not target.origins[1:]
        at_import = world.function(site.caller).kind is not FunctionKind.FUNCTION
        if made and at_import and treatment.affine == "contents":
            continue  # a handle, which each thread finds something of its own behind
        entry = found.setdefault(groups.of(site, target), (target.api or "", set()))
        entry[1].add(site.caller)
    return found


def context_setters(world: World) -> frozenset[FunctionId]:
    """Functions that set a context variable for their callers: through a bridge or a thread these
    would not see it.  One that also resets it sets it for what it calls."""
    touched: dict[str, set[FunctionId]] = {"set": set(), "reset": set()}
    for site, target, treatment in world.uses:
        method = (target.api or "").rpartition(".")[2]
        if treatment.affine == "context" and method in touched:
            touched[method].add(site.caller)
    found: set[FunctionId] = set()
    queue = deque(touched["set"] - touched["reset"])
    while queue:
        fid = queue.popleft()
        if fid in found:
            continue
        found.add(fid)
        for site in world.incoming.get(fid, ()):
            if site.certainty is not Certainty.UNKNOWN and site.protocol in REACHING:
                queue.append(site.caller)
    return frozenset(found)


def _is_hop(world: World, site: Site) -> bool:
    return (
        site.certainty is not Certainty.UNKNOWN
        and world.in_async(site.caller)
        and not site.awaited
        and in_one_hop(site)
        and (site.path, site.span) not in world.unwritable
    )


def _reached(world: World, fid: FunctionId) -> set[FunctionId]:
    """All that one call of a sync function runs."""
    found: set[FunctionId] = set()
    queue = deque([fid])
    while queue:
        current = queue.popleft()
        if current in found:
            continue
        found.add(current)
        for site in world.outgoing.get(current, ()):
            if site.certainty is not Certainty.UNKNOWN and site.protocol in REACHING:
                queue.extend(t.function for t in site.targets if t.function)
    return found


def _keep(world: World, site: Site, text: str) -> bool:
    """The caller stays sync; one that was async before calls it on its own thread, as it did."""
    if world.function(site.caller).is_async:
        world.unwritable.add((site.path, site.span))
        return True
    return pin(world, site.caller, Cause("thread-affine", text, site.path, site.span[0]))
