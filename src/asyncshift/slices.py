"""One step of an incremental migration: the part of the goal that its scope allows.

The goal is what a migration of everything would decide on the tree as it is now.  A step turns the
functions of the goal that are in scope and that something in scope forces; it is closed over
provenance groups and families.  What is not, waits for a later step, and the lines that keep it
are named.  So steps in any order come to the goal.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from asyncshift.affinity import settle_affinity
from asyncshift.arrivals import find_arrivals, guarded
from asyncshift.codemod import Kind, Registry
from asyncshift.facades import is_public, unfit
from asyncshift.groups import QUIET, LibraryUse, classes_of, stays_quietly
from asyncshift.locks import settle_locks
from asyncshift.model import (
    Cause,
    Certainty,
    Escape,
    Function,
    FunctionId,
    FunctionKind,
    Protocol,
    Refusal,
    Site,
)
from asyncshift.pins import is_test_file
from asyncshift.pools import settle_pools
from asyncshift.scope import Scope
from asyncshift.solve import find_blocking, group_conflicts, spread, thread_conflicts
from asyncshift.world import (
    ROOTS,
    World,
    bridge_allowed,
    forces,
    in_decorator,
    is_implicit,
    may_wait,
    meant,
    names_around,
    reaches,
)

NO_INSTANCE = frozenset(
    {Protocol.EXCEPT, Protocol.ANNOTATION, Protocol.IMPORT, Protocol.VALUE, Protocol.BASE}
)
"""How a library's class is named where no instance is touched."""
_LIMIT = 50
"""Lines of one kind that are named; more help nobody to close a slice."""


def narrow(world: World, registry: Registry, scope: Scope) -> None:
    """Reduce a solved world to one step.  `world.turned` must hold the goal."""
    world.scope = scope
    _leave_tests(world)
    world.goal = goal = frozenset(world.turned)
    world.groups.moved_pools = set()
    world.allowed = frozenset(fid for fid in goal if world.in_scope(fid) or fid in world.pairs)
    settled = set(world.groups.refused)
    while True:
        while _close_groups(world, registry):
            pass
        world.open_groups |= world.groups.refused.keys() - settled
        spread(world)
        if settle_pools(world, _defer_handed):
            continue
        if settle_locks(world) or _close_functions(world, goal):
            continue
        if group_conflicts(world):
            continue
        find_blocking(world)
        if settle_affinity(world) or thread_conflicts(world) or _close_handlers(world, registry):
            continue
        if scope.down and _spread_down(world):
            continue
        break
    for fid, refusal in world.deferred.items():
        cause = Cause(refusal.rule, refusal.reason, refusal.path, refusal.span[0])
        world.causes.setdefault(fid, cause)
    for fid in goal - world.turned:
        f = world.function(fid)
        text = f"{f.name} turns in a later step: nothing that is selected forces it"
        if not world.in_scope(fid):
            text = f"{f.name} turns in a later step: {f.module} is not selected"
        world.causes.setdefault(fid, Cause("later", text, f.path, f.line))


def _leave_tests(world: World) -> None:
    """Tests follow what turns, but turn themselves only where they are selected."""
    assert world.scope is not None
    left = (world.tests & world.turned) - world.scope.functions
    for fid in sorted(left):
        f = world.function(fid)
        text = f"{f.name} turns when {f.module} is selected, or everything is"
        world.kept.setdefault(fid, Cause("test", text, f.path, f.line))
    if left:
        spread(world)


def _defer(world: World, fid: FunctionId, refusals: Iterable[Refusal]) -> bool:
    """Keep a function out of this step, with all that must turn together with it."""
    assert world.allowed is not None
    members = {fid, *world.classes.get(fid, ())} & world.allowed
    if not members:
        return False
    found = list(refusals)
    world.allowed -= members
    for member in members:
        world.deferred.setdefault(member, found[0])
    _note(world, found)
    return True


def _defer_handed(world: World, escape: Escape, why: str) -> bool:
    """What a pool runs waits for the step that moves the pool."""
    assert escape.function is not None
    if escape.function in world.pairs:
        return False  # its sync form goes on running in a thread
    text = f"{world.function(escape.function).name} is handed to {escape.to}: {why}"
    refusal = Refusal(escape.path, escape.span, "slice-pool", text, "select both, or everything")
    return _defer(world, escape.function, [refusal])


def _note(world: World, refusals: Iterable[Refusal]) -> None:
    for refusal in refusals:
        if refusal not in world.border and len(world.border) < _LIMIT:
            world.border.append(refusal)


def _add(world: World, path: str, fid: FunctionId, edited: bool = False) -> str:
    more = ", or let this line be edited with --edit-callers" if edited else ""
    option = "--entry" if ":" in (name := _unselected(world, fid)) else "--module"
    return f"add {option} {name}{more}" if path else ""


def _unselected(world: World, fid: FunctionId) -> str:
    """What is not selected of a function that is not: its module, or of a module of which an entry
    point selects a part, the function."""
    assert world.scope is not None
    f = world.function(fid)
    functions = (g for g in world.by_path[f.path] if g.kind is FunctionKind.FUNCTION)
    if f.kind is FunctionKind.FUNCTION and any(g.id in world.scope.functions for g in functions):
        return f"{f.module}:{f.name}"
    return f.module


# ----------------------------------------------------------------------------- groups


def _close_groups(world: World, registry: Registry) -> bool:
    """Clients and what flows from them move as a whole or not at all."""
    inside: dict[str, list[LibraryUse]] = defaultdict(list)
    outside: dict[str, list[LibraryUse]] = defaultdict(list)
    for use in world.uses:
        site, target, treatment = use
        if not treatment.grouped or stays_quietly(treatment) or treatment.kind is Kind.SAME:
            continue
        if site.protocol in NO_INSTANCE:
            continue
        group = world.groups.of(site, target)
        if world.chosen(site):
            inside[group].append(use)
        elif not is_test_file(site.path):
            outside[group].append(use)
        else:
            inside[group] += []
    grew = False
    for group in sorted({*inside, *outside}):
        if group in world.groups.refused:
            continue
        if not inside[group]:
            place = outside[group][0][0] if outside[group] else None
            grew |= _open(world, group, place, "nothing of it is selected", QUIET)
        elif outside[group]:
            grew |= _open_or_consent(world, group, inside[group][0][0], outside[group])
    return grew | _close_classes(world, registry, inside)


def _open(world: World, group: str, site: Site | None, why: str, rule: str) -> bool:
    path, span = (site.path, site.span) if site is not None else ("", (0, 0, 0, 0))
    world.open_groups.add(group)
    return world.groups.refuse(group, Refusal(path, span, rule, why, ""))


def _open_or_consent(world: World, group: str, inner: Site, uses: list[LibraryUse]) -> bool:
    assert world.scope is not None
    small = all(use[2].kind is Kind.PLAIN for use in uses)
    if small and world.scope.edit_callers:
        world.consented |= {(use[0].path, use[0].span) for use in uses}
        return True
    found = []
    for site, _, _ in uses:
        where = world.function(site.caller).module
        reason = (
            f"`{site.text}` uses the client or the response of `{inner.text}` "
            f"({inner.path}:{inner.span[0]}), and {where} is not selected"
        )
        way_out = _add(world, site.path, site.caller, small)
        found.append(Refusal(site.path, site.span, "slice-open", reason, way_out))
    _note(world, found)
    return _open(world, group, inner, found[0].reason, QUIET)


def _close_classes(world: World, registry: Registry, inside: dict[str, list[LibraryUse]]) -> bool:
    """`isinstance(x, requests.Response)` outside no longer holds for what moves."""
    assert world.scope is not None
    moving: dict[str, list[str]] = defaultdict(list)
    for group, uses in inside.items():
        if group not in world.groups.refused:
            for name in {n for use in uses for n in classes_of(registry, use[1].api or "")}:
                moving[name].append(group)
    grew = False
    for site, target, treatment in world.uses:
        if site.protocol is not Protocol.VALUE or treatment.kind is not Kind.PLAIN:
            continue
        groups = moving.get(target.api or "")
        if not groups or world.chosen(site) or is_test_file(site.path):
            continue
        if not registry.is_class(target.api or "") or (site.path, site.span) in world.consented:
            continue
        if world.scope.edit_callers:
            world.consented.add((site.path, site.span))
            grew = True
            continue
        where = world.function(site.caller).module
        reason = f"`{site.text}` no longer fits what moves, and {where} is not selected"
        way_out = _add(world, site.path, site.caller, edited=True)
        _note(world, [Refusal(site.path, site.span, "slice-open", reason, way_out)])
        for group in groups:
            grew |= _open(world, group, site, reason, QUIET)
    return grew


# ----------------------------------------------------------------------------- functions


def _close_functions(world: World, goal: frozenset[FunctionId]) -> bool:
    """Functions that cannot turn in this step: one of their family is outside, they use a client
    that cannot move yet, or sync code outside reaches them where nothing can wait for them."""
    grew = False
    for fid in sorted(world.turned - world.pairs.keys()):
        grew |= _defer(world, fid, found) if (found := list(_openings(world, goal, fid))) else False
    return grew


def _openings(world: World, goal: frozenset[FunctionId], fid: FunctionId) -> Iterator[Refusal]:
    f = world.function(fid)
    for other in world.classes.get(fid, ()):
        g = world.function(other)
        if other in goal and not world.in_scope(other):
            missing = _unselected(world, other)
            reason = f"{f.name} turns together with {g.name}, and {missing} is not selected"
            way_out = _add(world, g.path, other)
            yield Refusal(g.path, (g.line, 0, g.line, 0), "slice-family", reason, way_out)
    for site in world.outgoing.get(fid, ()):
        for use in world.uses_at.get((site.path, site.span), ()):
            group = world.groups.of(use[0], use[1])
            if use[2].grouped and use[2].blocks and group in world.open_groups:
                reason = f"{f.name} uses a client that cannot move in this step: {site.text}"
                yield Refusal(site.path, site.span, QUIET, reason, "")
    yield from _decorating(world, fid)
    if fid in world.entries:
        return  # it keeps its sync name anyway
    yield from _without_sync_form(world, f)
    for site in world.incoming.get(fid, ()):
        if site.certainty is Certainty.UNKNOWN or not forces(site, f):
            continue
        for named in meant(world, site, fid):
            yield from _without_facade(world, f, named, site)
            yield from _outside_caller(world, goal, named, site)


def _without_sync_form(world: World, f: Function) -> Iterator[Refusal]:
    """What code that is not seen may call keeps its sync form, or waits for the last step."""
    assert world.scope is not None
    if not world.scope.partial or world.scope.bridges or f.id in world.registered:
        return
    if f.kind is not FunctionKind.FUNCTION or not is_public(world, f) or is_test_file(f.path):
        return
    if (why := unfit(world, f.id)) is not None:
        reason = f"{f.name} is public and cannot keep a sync form beside: {why}"
        way_out = "leave it for the step over everything, or take --boundary bridge"
        yield Refusal(f.path, (f.line, 0, f.line, 0), "slice-no-facade", reason, way_out)


def _decorating(world: World, fid: FunctionId) -> Iterator[Refusal]:
    """A decorator's wrapper turns what it decorates: that has to be in scope, to get a facade."""
    f = world.function(fid)
    if f.parent is None or world.function(f.parent).kind is not FunctionKind.FUNCTION:
        return
    around = names_around(world, fid)
    for g in world.graph.functions.values():
        if not around.isdisjoint(g.decorators) and not world.in_scope(g.id):
            reason = (
                f"{f.name} is put around {g.name} by a decorator, and {g.module} is not selected"
            )
            place = (g.line, 0, g.line, 0)
            yield Refusal(g.path, place, "slice-decorator", reason, _add(world, g.path, g.id))


def _without_facade(world: World, f: Function, named: FunctionId, site: Site) -> Iterator[Refusal]:
    """A decorator's wrapper turns, what it is put around does not, and so keeps no sync form."""
    if named in (f.id, site.caller) or named in world.turned or world.in_async(site.caller):
        return
    caller, g = world.function(site.caller), world.function(named)
    if world.in_scope(site.caller) and (world.goal is None or site.caller not in world.goal):
        return
    reason = f"{caller.name} calls {g.name}, which a decorator makes async, but has no facade"
    way_out = _add(world, site.path, site.caller)
    yield Refusal(site.path, site.span, "slice-decorator", reason, way_out)


def _outside_caller(
    world: World, goal: frozenset[FunctionId], fid: FunctionId, site: Site
) -> Iterator[Refusal]:
    f, caller = world.function(fid), world.function(site.caller)
    if world.in_async(site.caller):
        if not world.in_scope(site.caller) and not site.awaited:
            reason = f"{caller.name} is async, calls {f.name}, and is not selected"
            way_out = _add(world, site.path, site.caller)
            yield Refusal(site.path, site.span, "slice-async-caller", reason, way_out)
        return
    if site.caller not in goal and world.in_scope(site.caller):
        return  # it stays sync for good, and was looked at when the goal was worked out
    if not may_wait(world, site) and not is_implicit(caller):
        place = "while a lock is held or a module is imported"
        if fid in world.setting:
            place = "which sets a context variable that it would not see through a facade"
        reason = f"{caller.name} calls {f.name}, {place}"
        way_out = _add(world, site.path, site.caller)
        yield Refusal(site.path, site.span, "slice-no-wait", reason, way_out)
    elif not world.in_scope(site.caller) and in_decorator(world, caller.id, (f.id,)):
        reason = f"{caller.name} is put around {f.name} by a decorator, and it calls what it gets"
        way_out = _add(world, site.path, site.caller)
        yield Refusal(site.path, site.span, "slice-decorator", reason, way_out)
    elif (why := unfit(world, fid)) is not None:
        reason = f"{caller.name} calls {f.name}, which cannot keep a sync form beside: {why}"
        way_out = _add(world, site.path, site.caller)
        yield Refusal(site.path, site.span, "slice-no-facade", reason, way_out)
    elif world.scope is not None and world.scope.bridges and not world.editable(site):
        if world.scope.edit_callers and site.certainty is Certainty.CERTAIN:
            world.consented.add((site.path, site.span))
            return
        reason = f"{caller.name} calls {f.name} and must not be edited"
        if world.scope.edit_callers:
            reason = f"{caller.name} seems to call {f.name}, and what is not certain is not edited"
        way_out = _add(world, site.path, site.caller, edited=not world.scope.edit_callers)
        way_out += ", or take facades"
        yield Refusal(site.path, site.span, "slice-bridge", reason, way_out)


# ----------------------------------------------------------------------------- exceptions


def _close_handlers(world: World, registry: Registry) -> bool:
    """Handlers outside that a new exception would pass by."""
    assert world.scope is not None
    arrivals = find_arrivals(world, registry)
    grew = False
    passed: list[tuple[Site, Refusal, set[str]]] = []
    for site, target, treatment in world.uses:
        if site.protocol is not Protocol.EXCEPT or treatment.kind is not Kind.PLAIN:
            continue
        if not arrivals[treatment.codemod].reached(site):
            continue
        if world.editable(site):
            for named in _named_outside(world, registry, site, target.api or ""):
                reason = (
                    f"`except {site.text}` reads {target.api} from "
                    f"{world.function(named.caller).module}, which is not selected"
                )
                way_out = _add(world, named.path, named.caller, edited=True)
                refusal = Refusal(site.path, site.span, "slice-handler", reason, way_out)
                if groups := raising(world, site, treatment.codemod):
                    passed.append((site, refusal, groups))
            continue
        if world.scope.edit_callers:
            world.consented.add((site.path, site.span))
            continue
        where = world.function(site.caller).module
        reason = (
            f"`except {site.text}` would not catch what is raised in place of {target.api} "
            f"from then on, and {where} is not selected"
        )
        way_out = _add(world, site.path, site.caller, edited=True)
        refusal = Refusal(site.path, site.span, "slice-handler", reason, way_out)
        if groups := raising(world, site, treatment.codemod):
            passed.append((site, refusal, groups))
    for site, refusal, groups in passed:  # all are named, the first that a group meets opens it
        _note(world, [refusal])
        for group in sorted(groups):
            grew |= _open(world, group, site, refusal.reason, QUIET)
    return grew


def _named_outside(world: World, registry: Registry, handler: Site, api: str) -> list[Site]:
    """Where the class that a variable brings to a handler is named, outside what is selected."""
    assert world.scope is not None
    last = api.rpartition(".")[2]
    if re.search(rf"\b{last}\b", handler.text):
        return []
    found = []
    for site, target, _ in world.uses:
        if (
            target.api == api
            and site.protocol is Protocol.VALUE
            and registry.names_exception(api, site.protocol)
            and not world.editable(site)
        ):
            if world.scope.edit_callers:
                world.consented.add((site.path, site.span))
            else:
                found.append(site)
    return found


def raising(world: World, handler: Site, codemod: str) -> set[str]:
    """The groups whose errors reach a handler in this step."""
    found: set[str] = set()
    seen: set[FunctionId] = set()
    queue = deque(guarded(world, handler))
    while queue:
        site = queue.popleft()
        for use in world.uses_at.get((site.path, site.span), ()):
            if use[2].codemod == codemod and use[2].kind in ROOTS and world.converted(use):
                found.add(world.groups.of(use[0], use[1]))
        for target in site.targets:
            if target.function is not None and target.function not in seen:
                seen.add(target.function)
                queue.extend(world.outgoing.get(target.function, ()))
    return found


# ----------------------------------------------------------------------------- downwards


def _is_waited_for(world: World, f: Function) -> bool:
    """Whether selected sync code calls it where no bridge can stand, as it makes an instance."""
    return any(
        forces(site, f)
        and world.in_scope(site.caller)
        and not world.in_async(site.caller)
        and not bridge_allowed(world, site)
        for site in world.incoming.get(f.id, ())
    )


def _spread_down(world: World) -> bool:
    """Selected functions turn async because they reach blocking code: they thread it."""
    assert world.scope is not None
    assert world.allowed is not None
    blocking_uses = {
        use[0].caller
        for use in world.uses
        if use[2].kind in ROOTS | {Kind.BLOCKING} and use[2].blocks and not use[0].awaited
    }
    grew = False
    for fid in sorted(world.scope.functions - world.turned - world.down.keys()):
        f = world.function(fid)
        if f.kind is not FunctionKind.FUNCTION or f.is_async or f.is_generator:
            continue
        if fid in world.kept or fid in world.held or fid in world.deferred or fid in world.pairs:
            continue
        if is_test_file(f.path):
            continue
        below = [
            site
            for site in world.outgoing.get(fid, ())
            for target in site.targets
            if site.protocol is Protocol.CALL
            and not site.awaited
            and target.function in world.blocking
            and reaches(site, world.function(target.function))
        ]
        if not below and fid not in blocking_uses:
            continue
        if unfit(world, fid) is not None and _is_waited_for(world, f):
            continue
        place = below[0] if below else None
        text = f"calls {place.text}, which blocks" if place else "makes a blocking call"
        line = place.span[0] if place else f.line
        world.down[fid] = Cause("down", text, f.path, line)
        world.allowed |= {fid, *world.classes.get(fid, ())} - world.kept.keys() - world.held.keys()
        grew = True
    return grew
