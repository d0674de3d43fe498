"""Which functions turn async: a least fixpoint over the call graph, with the cause of every step.

ASYNC spreads from library roots to callers and through families.  Three kinds of conflict send it
round again with more functions kept sync, and the sets of kept functions only grow, so it ends:

- *held*: a place that can neither await nor bridge (import time, `__del__`) needs the function;
- *refused group*: a client is used where nothing can be awaited, so it stays with its library;
- *pinned late*: an async body would block the loop in a way no thread hop can cure.

`slices` takes one step of what this decides.  Knows no files and no syntax trees.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from asyncshift.affinity import context_setters, settle_affinity
from asyncshift.codemod import Kind
from asyncshift.constructors import is_constructor
from asyncshift.endings import settle_endings, waits_above
from asyncshift.facades import calls_by_name, can_be_called, unfit
from asyncshift.groups import LibraryUse, origins_of
from asyncshift.interrupts import interrupt_conflicts
from asyncshift.locks import settle_locks
from asyncshift.mocked import bridged_in_test
from asyncshift.model import (
    BRIDGES,
    Cause,
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Protocol,
    Refusal,
    Site,
)
from asyncshift.pins import is_test_file
from asyncshift.pools import callers, in_moved_pool, keep_in_threads, settle_pools
from asyncshift.reasons import why_sync
from asyncshift.scripted import bridged_in_script, scripted_files
from asyncshift.standing import has_twin
from asyncshift.testing import is_test_part
from asyncshift.world import (
    BRIDGEABLE,
    DRIVING,
    ENTERING,
    ITERATING,
    OWN_THREAD,
    ROOTS,
    THREADABLE,
    World,
    bridge_allowed,
    enclosing,
    forces,
    hold,
    in_one_hop,
    may_wait,
    pin,
    reaches,
)
from asyncshift.wrapped import calls_at_once


def run(world: World) -> None:
    """Spread and mend until nothing conflicts; leaves the result, the goal, in the world."""
    world.setting = context_setters(world)
    settle_endings(world)
    while True:
        spread(world)
        if settle_pools(world, keep_in_threads):
            continue
        if settle_locks(world) or _hold_conflicts(world) or _computed_names(world):
            continue
        if group_conflicts(world) or _overrides_of_what_stays(world):
            continue
        find_blocking(world)
        if settle_affinity(world) or thread_conflicts(world) or interrupt_conflicts(world):
            continue
        if _lower_bridges(world):
            continue
        break


def _lower_bridges(world: World) -> bool:
    """Move bridges down to where fewer are needed: a coroutine that only sync code waits for
    stays sync itself and bridges inside, once, instead of in each of its callers.

    One function is moved at a time, the one that saves most: the next count depends on it.
    """
    best: tuple[int, FunctionId] | None = None
    direct = {use[0].caller for use in world.uses if use[2].kind in ROOTS and world.converted(use)}
    clients = {use[0].caller for use in world.uses if use[2].kind in ROOTS and use[1].origins}
    for fid in sorted(world.turned):
        together = world.classes.get(fid, (fid,))
        if fid != min(together):
            continue
        if not all(_may_bridge_itself(world, member, direct, clients) for member in together):
            continue
        callers = {
            (site.path, site.span): site
            for member in together
            for site in world.incoming.get(member, ())
            if forces(site, world.function(member))
        }
        above = [site for site in callers.values() if _waits_sync(world, site)]
        if not above or any(world.in_async(site.caller) for site in callers.values()):
            continue
        below = [
            site
            for member in together
            for site in world.outgoing.get(member, ())
            for target in site.targets
            if target.function
            if world.is_coroutine(target.function) or site.wrapper in BRIDGES
        ]
        saved = len(above) - len(below)
        if saved > 0 and (best is None or saved > best[0]):
            best = (saved, fid)
    if best is None:
        return False
    f = world.function(best[1])
    text = f"only sync code waits for {f.name}, so it bridges itself, once for all of its callers"
    cause = Cause("only-sync-callers", text, f.path, f.line)
    pinned = [pin(world, member, cause) for member in world.classes.get(f.id, (f.id,))]
    return any(pinned)


def _may_bridge_itself(
    world: World, fid: FunctionId, direct: set[FunctionId], clients: set[FunctionId]
) -> bool:
    """Whether a coroutine can stay sync: no client would stay for it, and nobody else may wait."""
    f = world.function(fid)
    if f.kind is not FunctionKind.FUNCTION or not world.is_coroutine(fid):
        return False
    if fid in world.pairs or fid in world.declared:
        return False  # an earlier step or a table decided
    if f.is_contextmanager:
        return fid not in direct
    return not f.is_generator and fid not in (clients if _is_private(f) else direct)


def _is_private(f: Function) -> bool:
    """Whether only this project can call it, by its name."""
    return f.name.rpartition(".")[2].startswith("_")


def _waits_sync(world: World, site: Site) -> bool:
    """A bridge in the program itself; in tests and at entry points one more is no loss."""
    caller = world.function(site.caller)
    return (
        not world.in_async(site.caller)
        and caller.kind is not FunctionKind.MODULE
        and not is_test_file(site.path)
    )


def _stuck(world: World) -> dict[FunctionId, Cause]:
    """All that cannot turn: pinned, held, and whatever must turn together with such a function."""
    stuck = {**world.kept, **world.held}
    for fid, cause in list(stuck.items()):
        for other in world.classes.get(fid, ()):
            if other not in stuck and not world.function(other).is_async:
                f = world.function(other)
                stuck[other] = Cause(
                    "family",
                    f"{f.name} turns together with {world.function(fid).name}, which stays sync: "
                    f"{cause.text}",
                    f.path,
                    f.line,
                    fid,
                )
    return stuck


def spread(world: World) -> None:
    stuck = _stuck(world)
    world.kept.update((k, v) for k, v in stuck.items() if k not in world.held)
    world.turned, world.causes = set(), {}
    queue: deque[FunctionId] = deque()

    def push(fid: FunctionId, cause: Cause) -> None:
        f = world.function(fid)
        if fid in world.turned or fid in stuck or f.is_async:
            return
        if world.allowed is not None and fid not in world.allowed:
            return
        if f.kind is FunctionKind.GENEXP or fid in world.inlined:
            if not _can_await(world, f.parent, stuck):
                return
        elif f.kind is not FunctionKind.FUNCTION:
            return
        world.turned.add(fid)
        world.causes[fid] = cause
        queue.append(fid)

    for use in world.uses:
        site, target, treatment = use
        if treatment.kind in ROOTS and not site.awaited and _seeds(world, use):
            if is_test_part(world.function(site.caller)):
                continue  # tests only follow the program
            push(
                site.caller,
                Cause("root", f"calls {target.api}", site.path, site.span[0]),
            )
            for beside in site.targets if world.converted(use) else ():
                if beside.function is not None and world.function(beside.function).twin is None:
                    text = f"`{site.text}` can also reach {target.api}, which is async"
                    push(beside.function, Cause("sibling", text, site.path, site.span[0]))
    for site in world.graph.sites:
        if site.wrapper in BRIDGES and site.caller not in world.pairs and not site.awaited:
            text = f"waits for {site.text} through a bridge"
            push(site.caller, Cause("bridged", text, site.path, site.span[0]))
    for fid, cause in (*world.declared.items(), *world.down.items(), *callers(world)):
        push(fid, cause)
    for fid, coroutine in world.pairs.items():
        f = world.function(fid)
        text = f"runs {world.function(coroutine).name}, which is async already"
        world.turned.add(fid)
        world.causes[fid] = Cause("facade", text, f.path, f.line, coroutine)
        queue.append(fid)
    while queue:
        f = world.function(queue.popleft())
        if f.id in world.entries:
            continue
        for other in world.classes.get(f.id, ()):
            g = world.function(other)
            push(other, Cause("family", f"turns together with {f.name}", g.path, g.line, f.id))
        if f.kind is FunctionKind.GENEXP and f.parent is not None:
            text = "awaits in a generator expression"
            push(f.parent, Cause("genexp", text, f.path, f.line, f.id))
        for site in world.incoming.get(f.id, ()):
            if forces(site, f):
                word = "awaits" if site.protocol in THREADABLE else f"uses ({site.protocol})"
                push(
                    site.caller,
                    Cause("calls", f"{word} {f.name}", site.path, site.span[0], f.id),
                )


def _seeds(world: World, use: LibraryUse) -> bool:
    """A use turns its function async when it is converted, or when it blocks and has a twin that
    only this client cannot use: then it goes to a thread and the callers still become async.  (A
    client that only waits for a later step does not go to a thread first.)"""
    if world.converted(use) or use[2].pooled:
        return world.converted(use)
    waits = world.groups.of(use[0], use[1]) in world.open_groups
    return use[2].kind is Kind.AWAITABLE and use[2].blocks and not waits


def _can_await(world: World, fid: FunctionId | None, stuck: Mapping[FunctionId, Cause]) -> bool:
    while fid is not None:
        f = world.function(fid)
        if f.kind is not FunctionKind.GENEXP and (fid not in world.inlined or fid in stuck):
            break
        fid = f.parent
    if fid is None:
        return False
    f = world.function(fid)
    return f.is_async or (f.kind is FunctionKind.FUNCTION and fid not in stuck)


def _hold_conflicts(world: World) -> bool:
    grew = False
    for fid in sorted(world.turned):
        f = world.function(fid)
        if fid in world.entries:
            continue
        for site in world.incoming.get(fid, ()):
            if site.certainty is Certainty.UNKNOWN:
                grew |= _pin_called_by_name(world, f, site)
            elif not _can_reach(world, site, f):
                if site.protocol is Protocol.MAPPED:
                    grew |= _pin_mapped(world, f, site)
                else:
                    grew |= _pin_bridging(world, f, site) or hold(world, fid, site)
        for escape in world.twins.get(fid, ()):
            holder = enclosing(world, escape.path, escape.span)
            if holder is None or not world.in_async(holder):
                text = f"{f.name} is handed to {escape.to} in sync code, which calls it there"
                grew |= pin(world, fid, Cause("escapes", text, escape.path, escape.span[0]))
    return grew


def _computed_names(world: World) -> bool:
    """`getattr(api, name)()` waits through a facade, so it stands in sync code."""
    grew = False
    for caller, reached in world.graph.by_computed_name.items():
        waiting = sorted(fid for fid in reached if world.is_coroutine(fid))
        alone = [fid for fid in waiting if fid not in world.pairs and unfit(world, fid)]
        f = world.function(caller)
        if is_test_file(f.path) or not (alone or (waiting and world.in_async(caller))):
            continue
        stays = waiting if f.is_async or caller not in world.turned else [caller]
        stays = alone or stays
        name = world.function(stays[0] if alone else waiting[0]).name
        text = f"{f.name} calls {name} by a computed name, where no `await` can be written"
        for fid in stays:
            grew |= pin(world, fid, Cause("computed-name", text, f.path, f.line, caller))
    return grew


def _pin_bridging(world: World, f: Function, site: Site) -> bool:
    """What has no form at a place of sync code bridges itself: a property, a generator that is
    closed.  True where this settles it."""
    caller = world.function(site.caller)
    if f.is_property:
        text = f"{f.name} is a property, and {caller.name}, which stays sync, reads it"
    elif is_constructor(f.name):
        text = f"{f.name} stays what Python calls: {caller.name}, which stays sync, needs it"
    elif site.consumer in DRIVING:
        text = f"{caller.name} closes or drives {f.name} by `{site.text}`"
    else:
        return False
    cause = Cause("protocol", text, site.path, site.span[0], caller.id)
    return pin(world, f.id, cause)


def _pin_mapped(world: World, f: Function, site: Site) -> bool:
    """What a builtin calls where nothing can be awaited bridges itself."""
    text = f"{f.name} is handed to {site.consumer}, which calls it synchronously"
    if not world.in_async(site.caller):
        text += f" in {world.function(site.caller).name}"
    return pin(world, f.id, Cause("escapes", text, site.path, site.span[0], site.caller))


def _pin_called_by_name(world: World, f: Function, site: Site) -> bool:
    """A call that only its name connects is never edited.  Where it waits in sync code, what it may
    reach keeps its name as a facade; else it stays sync: the alternative is a coroutine that nobody
    awaits.  In tests such a call is only listed: there a forgotten await is found when the tests
    run, and never in production."""
    if site.awaited or site.asked or site.caller == f.id:
        return False
    if site.protocol not in ITERATING | {Protocol.CALL, Protocol.WITH}:
        return False
    if is_test_file(site.path) or (calls_by_name(world, site) and can_be_called(world, f)):
        return False
    caller = world.function(site.caller)
    if site.protocol is Protocol.CALL:
        text = f"{caller.name} may call {f.name} through `{site.text}`, whose receiver is not known"
    elif site.protocol is Protocol.WITH or site.consumer.endswith(ENTERING):
        text = f"{caller.name} enters `{site.text}`, which may be a library's manager as well"
    else:
        text = f"{caller.name} iterates over what {f.name} gives, which may be a list as well"
    return pin(world, f.id, Cause("unknown-caller", text, site.path, site.span[0], caller.id))


def _can_reach(world: World, site: Site, f: Function) -> bool:
    """Whether the way to coroutine `f` that this site takes can be kept working."""
    if site.protocol is Protocol.DECORATOR:
        return False
    if not forces(site, f):
        return True
    if site.consumer in DRIVING and site.certainty is not Certainty.CERTAIN:
        return False
    if not world.in_async(site.caller):
        return bridge_allowed(world, site) or _keeps_facade(world, site, f)
    if (site.path, site.span) in world.unwritable:
        return False
    return all(world.converted(use) for use in world.uses_at.get((site.path, site.span), ()))


def _keeps_facade(world: World, site: Site, f: Function) -> bool:
    """Where no bridge can be written, the sync name is called as before, if it may wait there."""
    written = (site.path, site.span) in world.unwritable and site.protocol in BRIDGEABLE
    return written and can_be_called(world, f) and may_wait(world, site)


def group_conflicts(world: World) -> bool:
    """A converted client in a function that cannot await stays with its library as a whole."""
    grew = False
    scripts = scripted_files(world)
    for use in world.uses:
        site, target, treatment = use
        if treatment.kind not in ROOTS or not treatment.grouped or not world.converted(use):
            continue
        if site.awaited or bridged_in_script(world, use, scripts):
            continue
        caller = world.function(site.caller)
        others = [t.function for t in site.targets if t.function]
        others = [fid for fid in others if world.function(fid).twin is None]
        if not world.in_async(site.caller):
            if bridged_in_test(world, use) or (treatment.later and not _given_out(world, use)):
                continue
            why = why_sync(world, site.caller)
            rule, way_out = "sync-user", f"move the call out of {caller.name}"
            why = f"{site.text} is called in {caller.name}, which stays sync: {why}"
        elif sync := [fid for fid in others if not world.is_coroutine(fid)]:
            name = world.function(sync[0]).name
            rule, way_out = "mixed-targets", f"make {name} async by hand"
            why = f"{site.text} can also reach {name}, which stays sync: no await fits both"
        else:
            continue
        refusal = Refusal(site.path, site.span, rule, why, way_out)
        grew |= world.groups.refuse(origins_of(site, target)[0], refusal)
    return grew or world.groups.refuse_unmoored(world.uses, ROOTS)


def _given_out(world: World, use: LibraryUse) -> bool:
    """Whether a function that stays sync for callers out of sight gives them what is made here."""
    site, target, _ = use
    given = {origin for one in world.function(site.caller).gives for origin in one.origins}
    return site.caller in world.kept and not given.isdisjoint(origins_of(site, target))


def _overrides_of_what_stays(world: World) -> bool:
    """A class below a library's that stays has its methods called by the library, in threads."""
    grew = False
    for fid in sorted(world.turned):
        f = world.function(fid)
        if f.library_base and world.groups.find(f.library_base) in world.groups.refused:
            refusal = world.groups.refused[world.groups.find(f.library_base)]
            text = f"{f.name} overrides a method that its library calls: {refusal.reason}"
            grew |= pin(world, fid, Cause("library-base", text, f.path, f.line))
    return grew


def find_blocking(world: World) -> None:
    """Sync functions that reach a blocking call, and those that reach a bridge or a facade."""
    world.bridging = {
        site.caller
        for fid in world.turned
        if world.is_coroutine(fid)
        for site in world.incoming.get(fid, ())
        if forces(site, world.function(fid)) or calls_by_name(world, site)
        if not world.in_async(site.caller)
    }
    world.bridging |= {
        site.caller
        for site in world.graph.sites
        if site.wrapper in BRIDGES and not world.in_async(site.caller)
    }
    world.bridging |= {
        caller
        for caller, reached in world.graph.by_computed_name.items()
        if not world.in_async(caller) and any(map(world.is_coroutine, reached))
    }
    split = {fid for fid in world.entries if fid in world.turned}
    world.waiting = _reaching_up(world, world.bridging | split)
    start = set(world.waiting)
    for use in world.uses:
        site, _, treatment = use
        blocks = treatment.kind in ROOTS | {Kind.BLOCKING} and treatment.blocks
        if blocks and not site.awaited and not world.in_async(site.caller):
            start.add(site.caller)
    world.blocking = _reaching_up(world, start | world.left)


def _reaching_up(world: World, start: set[FunctionId]) -> set[FunctionId]:
    """Sync functions from which some of `start` are reached by calls in sync code."""
    found: set[FunctionId] = set()
    queue = deque(sorted(start))
    while queue:
        fid = queue.popleft()
        if fid in found:
            continue
        found.add(fid)
        f = world.function(fid)
        if f.kind is FunctionKind.GENEXP and f.parent and not world.in_async(f.parent):
            queue.append(f.parent)
        for site in world.incoming.get(fid, ()):
            if reaches(site, f) and not world.in_async(site.caller):
                queue.append(site.caller)
        queue += [holder for holder in world.handing[fid] if not world.in_async(holder)]
    return found


def _hold_awaited_endings(world: World) -> bool:
    """Code that was async before waits for the StopIteration of a sync call: no thread can do that
    call, so nothing in it may bridge."""
    queue = [
        (fid, site)
        for fid in sorted(world.waiting & world.ending)
        for site in world.incoming.get(fid, ())
        if world.function(site.caller).is_async and waits_above(world, site, fid)
    ]
    grew = False
    seen = set()
    while queue:
        fid, site = queue.pop()
        if fid not in seen:
            seen.add(fid)
            caller = world.function(site.caller).name
            grew |= hold(world, fid, site, f"{caller} waits for the StopIteration of a call")
            below = {t.function for s in world.outgoing[fid] for t in s.targets}
            queue += [(g, site) for g in sorted(below & world.waiting, key=str) if g is not None]
    return grew


def thread_conflicts(world: World) -> bool:
    """Async functions that would block the loop where no thread hop is possible stay sync."""
    grew = _hold_awaited_endings(world)
    for fid in sorted(world.blocking):
        f = world.function(fid)
        for site in world.incoming.get(fid, ()):
            if site.caller not in world.turned or not reaches(site, f):
                continue
            waits = waits_above(world, site, fid)
            if in_one_hop(site) and fid not in world.setting and not waits:
                continue
            if has_twin(site, f, world.is_coroutine):
                continue
            if site.certainty is Certainty.UNKNOWN:
                continue
            caller = world.function(site.caller)
            text = (
                f"{caller.name} reaches {f.name}, which blocks, by {site.protocol}: "
                "no thread hop is possible there"
            )
            grew |= pin(
                world, site.caller, Cause("blocking-protocol", text, site.path, site.span[0], fid)
            )
    for use in world.uses:
        site, target, treatment = use
        if treatment.kind is Kind.ITERATED and not world.converted(use):
            text = f"iterates {target.api}, which stays with its library and blocks"
            grew |= pin(world, site.caller, Cause("streams", text, site.path, site.span[0]))
    for fid in sorted(world.bridging):
        f = world.function(fid)
        if f.kind is FunctionKind.LAMBDA and f.parent and not world.incoming.get(fid):
            text = "a lambda that waits for a coroutine is called nobody knows where"
            grew |= pin(world, f.parent, Cause("lambda", text, f.path, f.line, fid))
    for escape in world.graph.escapes:
        if escape.to in OWN_THREAD or escape.function is None:
            continue
        if escape in world.twins.get(escape.function, ()):
            continue
        place = escape.path, escape.span, escape.function
        if escape.function in world.turned and place in world.mapped:
            continue  # it is awaited there
        if in_moved_pool(world, escape):
            continue
        at_once = escape.function in world.blocking and calls_at_once(escape.to)
        waits = escape.function in world.waiting or escape.function in world.pairs
        if not waits and not at_once:
            continue
        holder = enclosing(world, escape.path, escape.span)
        if holder is not None and holder in world.turned:
            name = world.function(escape.function).name
            text = f"hands {name} to {escape.to}, which would call it on the event loop"
            grew |= pin(
                world,
                holder,
                Cause("callback", text, escape.path, escape.span[0], escape.function),
            )
    return grew
