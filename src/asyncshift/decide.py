"""From what turns async to decisions: what is done at each place, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from asyncshift.arrivals import find_arrivals
from asyncshift.bridge_modules import bridged_after, reached_files
from asyncshift.closings import makes_generator
from asyncshift.codemod import Kind, Registry
from asyncshift.constructors import is_constructor
from asyncshift.endings import waits_above
from asyncshift.facades import KEPT_BESIDE, async_name, simple_name
from asyncshift.groups import LibraryUse, classes_of, moves, only_renamed, tests_class
from asyncshift.interrupts import interrupted
from asyncshift.mocked import bridged_in_test, loses_sync_name, mocked_members, patched_functions
from asyncshift.model import (
    BRIDGES,
    THREADS,
    Action,
    Cause,
    Certainty,
    Decision,
    Function,
    FunctionId,
    FunctionKind,
    Protocol,
    Site,
    Span,
)
from asyncshift.pins import is_next, is_test_file
from asyncshift.scripted import bridged_in_script, scripted_files
from asyncshift.standing import has_twin
from asyncshift.testing import run_classes, test_part
from asyncshift.world import (
    ROOTS,
    THREADABLE,
    World,
    bridge_allowed,
    enclosing,
    forces,
    gives_iterator,
    in_decorator,
    in_one_hop,
    meant,
    reaches,
)

BY_PROTOCOL = {
    Protocol.CALL: Action.AWAIT,
    Protocol.ATTRIBUTE: Action.AWAIT,
    Protocol.WITH: Action.ASYNC_WITH,
    Protocol.FOR: Action.ASYNC_FOR,
    Protocol.COMPREHENSION: Action.ASYNC_COMPREHENSION,
    Protocol.NEXT: Action.ANEXT,
    Protocol.YIELD_FROM: Action.DELEGATE,
    Protocol.CONSUME: Action.CONSUME,
    Protocol.MAPPED: Action.MAPPED,
}


_CLOSING = frozenset(
    {Action.ASYNC_FOR, Action.ASYNC_COMPREHENSION, Action.DELEGATE, Action.ANEXT, Action.CONSUME}
)


def decide(world: World, registry: Registry, no_run: frozenset[tuple[str, Span]]) -> list[Decision]:
    """All decisions in source order; `no_run` are entry calls where `asyncio.run` cannot stand."""
    found = [*_functions(world), *_library(world, registry), *_calls(world, no_run)]
    found += _doubles(world)
    found += mocked_members(world, found)
    found += patched_functions(world, registry, found)
    found += _reruns(world, found)
    unique: dict[tuple[str, Span, Action, str], Decision] = {}
    for decision in found:
        kind = "name" if decision.action is Action.DOUBLE else "protocol"
        which = decision.detail.get(kind, "")  # `with Session()` is a call and an entry
        unique.setdefault((decision.path, decision.span, decision.action, which), decision)
    return sorted(unique.values(), key=lambda d: (d.path, d.span, d.action))


def _functions(world: World) -> Iterator[Decision]:
    cases = run_classes(world.graph) if world.tests & world.turned else {}
    for fid in sorted(world.turned):
        f = world.function(fid)
        if f.kind is not FunctionKind.FUNCTION:
            continue
        cause = world.causes[fid]
        if gives_iterator(f):
            to = {"to": KEPT_BESIDE["__iter__"]}
            if _gives_another(world, f):
                to["gives"] = "another"
            yield Decision(f.path, f.span, Action.RENAME, cause, fid, detail=to)
            continue
        if fid in world.pairs:
            if fid in world.dropped:
                yield from _dissolved(world, f, world.function(world.pairs[fid]))
            continue
        if fid in world.entries:
            name = _free_name(world, f)
            detail = {"name": name, "runner": "asyncio.run", **interrupted(world, f)}
            yield Decision(f.path, f.span, Action.SPLIT_ENTRY, cause, fid, detail=detail)
            continue
        detail = {"kind": _kind(f), "factory": f.factory, **interrupted(world, f)}
        if fid in world.tests:
            yield from _test_case(world, cases, f, cause)
            detail["test"] = test_part(f)
        new = async_name(world, f)
        if new is not None:
            detail["rename"] = new
        if fid in world.facades:
            detail["facade"] = "keep" if new is not None else world.facades[fid]
        yield Decision(f.path, f.span, Action.MAKE_ASYNC, cause, fid, detail=detail)


def _test_case(
    world: World, cases: Mapping[FunctionId, Sequence[FunctionId]], f: Function, cause: Cause
) -> Iterator[Decision]:
    """The class of test cases that a test belongs to, so that it is awaited."""
    for cls in cases.get(f.cls or "", ()):
        one = world.function(cls)
        yield Decision(one.path, one.span, Action.TEST_CASE, cause, f.id)


def _gives_another(world: World, f: Function) -> bool:
    """Whether what an `__iter__` gives is seen to be an iterator that turns with it."""
    return any(
        is_next(world.graph, target.function) and target.function in world.turned
        for site in world.incoming.get(f.id, ())
        for target in site.targets
    )


def _kind(f: Function) -> str:
    if not f.is_generator:
        return "function"
    if f.is_stub:
        return "stub"
    return "contextmanager" if f.is_contextmanager else "generator"


def _dissolved(world: World, facade: Function, coroutine: Function) -> Iterator[Decision]:
    text = f"nobody needs {simple_name(facade)} as a sync function any more"
    cause = Cause("dissolved", text, facade.path, facade.line, coroutine.id)
    yield Decision(facade.path, facade.span, Action.DROP_FACADE, cause, facade.id)
    if simple_name(facade) not in KEPT_BESIDE:
        detail = {"to": simple_name(facade)}
        yield Decision(
            coroutine.path, coroutine.span, Action.RENAME, cause, facade.id, detail=detail
        )


def _free_name(world: World, f: Function) -> str:
    taken = {g.name for g in world.by_path[f.path]}
    name = f"{f.name}_async"
    while name in taken:
        name += "_"
    return name


def text_owner(world: World, fid: FunctionId) -> FunctionId:
    """The function whose text holds the code of a lambda or a generator expression."""
    f = world.function(fid)
    while f.kind in (FunctionKind.GENEXP, FunctionKind.LAMBDA) and f.parent is not None:
        f = world.function(f.parent)
    return f.id


# ----------------------------------------------------------------------------- project calls


def _calls(world: World, no_run: frozenset[tuple[str, Span]]) -> Iterator[Decision]:
    runs: dict[str, list[tuple[Site, Function]]] = defaultdict(list)
    old_names = {world.pairs[fid]: fid for fid in world.dropped}
    for site in world.graph.sites:
        if site.certainty is Certainty.UNKNOWN or not world.editable(site):
            continue
        if site.caller in world.pairs:
            continue
        reached = [world.function(t.function) for t in site.targets if t.function is not None]
        if site.protocol is Protocol.VALUE:
            yield from _mentioned(world, site, reached, old_names)
            continue
        if site.protocol is Protocol.ANNOTATION:
            yield from _annotated(world, site, reached)
            continue
        coroutines = [f for f in reached if _is_called(world, site, f)]
        in_async = world.in_async(site.caller)
        if coroutines and in_async and _through_sync_name(world, site, coroutines):
            yield from _threaded(world, site, coroutines[0])
            continue
        for f in coroutines:
            if in_async:
                yield from _awaited(world, site, f, old_names)
            elif any(g in old_names for g in meant(world, site, f.id)):
                yield from _retargeted(world, site, f, old_names)
            elif f.is_async or _has_facade(world, site, f) or _is_iterator(world, site, f):
                continue  # it waits through a bridge or a facade
            elif world.function(site.caller).kind is FunctionKind.MODULE:
                runs[site.path].append((site, f))
            else:
                yield _bridge(world, site, f)
        for f in reached:
            if _makes_renamed(world, site, f):
                yield _renamed(world, site, f, KEPT_BESIDE[simple_name(f)])
            twin = has_twin(site, f, world.is_coroutine)
            if f not in coroutines and f.id in world.blocking and not twin:
                yield from _threaded(world, site, f)
    scripts = scripted_files(world)
    for path, places in runs.items():
        calls = {site.span for site, _ in places}
        alone = len(calls) == 1 and places[0][0].protocol is Protocol.CALL and path not in scripts
        for site, f in places:
            if alone and (site.path, site.span) not in no_run:
                yield _at(world, site, Action.RUN, f"the program starts {f.name} here", f.id)
            else:
                yield _bridge(world, site, f)


def _reruns(world: World, decided: Sequence[Decision]) -> list[Decision]:
    """Entry points of earlier steps share the loop of the bridges, while there are bridges."""
    using = bridged_after(world.graph, decided)
    if not world.generated and not using:
        return []
    starts = [
        site
        for site in world.graph.sites
        if site.wrapper in ("run", "asyncio.run") and site.wrapper_span and _starts(world, site)
    ]
    reached = reached_files(world.graph, {site.path for site in starts})
    found = []
    for site in starts:
        bridged = bool(using & reached[site.path])
        coroutine = next((t.function for t in site.targets if t.function), None)
        if (site.wrapper == "run") != bridged and coroutine and site.protocol is Protocol.CALL:
            text = "the program and its bridges share one loop"
            to = "bridge" if bridged else "asyncio.run"
            made = _at(world, site, Action.RERUN, text, coroutine, {"to": to})
            found.append(replace(made, span=site.wrapper_span or site.span))
    return found


def _starts(world: World, site: Site) -> bool:
    """Whether a program starts here: a runner anywhere else has its own purpose."""
    at_top = world.function(site.caller).kind is FunctionKind.MODULE
    return world.editable(site) and (at_top or site.caller in world.entries)


def _is_called(world: World, site: Site, f: Function) -> bool:
    return (f.is_async or world.is_coroutine(f.id)) and forces(site, f)


def _is_iterator(world: World, site: Site, f: Function) -> bool:
    """Whether what a place iterates comes out of `iter(...)`, which has its own bridge."""

    def inside(inner: Site, outer: Site) -> bool:
        return outer.span[:2] <= inner.span[:2] and inner.span[2:] <= outer.span[2:]

    if not any(inside(other, site) for other in world.through_iter.get(site.caller, ())):
        return False
    near = [
        other
        for other in world.outgoing[site.caller]
        if other != site and inside(other, site) and any(t.function == f.id for t in other.targets)
    ]
    iters = [other for other in near if other.consumer == "iter"]
    calls = [other for other in near if other.protocol is Protocol.CALL]
    return bool(iters) and all(any(inside(call, one) for one in iters) for call in calls)


def _through_sync_name(world: World, site: Site, coroutines: Sequence[Function]) -> bool:
    """Whether an async caller keeps the sync name, on a thread: where the name may be patched, or
    is not the one that is written here (a function kept in a variable)."""
    if site.protocol not in THREADABLE or site.wrapper in BRIDGES:
        return False
    if not all(_has_facade(world, site, f) for f in coroutines):
        return False
    if len(coroutines) < len(site.targets):
        return False
    facades = [world.function(g) for f in coroutines for g in meant(world, site, f.id)]
    last = site.text.rpartition(".")[2]
    written = {simple_name(f) for f in facades}
    patched = world.patched.intersection(f.id for f in facades)
    return bool(patched) or written != {last} or len({world.facades[f.id] for f in facades}) > 1


def _has_facade(world: World, site: Site, f: Function) -> bool:
    """Whether the sync name of a function is what this place reaches: a decorator's wrapper gets
    the coroutine itself, because the decorator stands on the coroutine."""
    named = meant(world, site, f.id)
    if not all(g in world.facades for g in named):
        return False
    return named != [f.id] or not in_decorator(world, site.caller, named)


def _awaited(
    world: World, site: Site, f: Function, old_names: Mapping[FunctionId, FunctionId]
) -> Iterator[Decision]:
    """What becomes of a call of a coroutine in async code."""
    if site.wrapper in BRIDGES:
        yield _at(world, site, BY_PROTOCOL[site.protocol], f"{f.name} is async", f.id)
        one = _unwrapped(world, site, f)
        yield one
        for span in site.more_wrappers:
            yield replace(one, span=span)
    elif site.wrapper in THREADS and site.protocol is Protocol.CONSUME:
        if not f.is_async:
            detail = {"wrapper": site.wrapper}
            yield _at(world, site, Action.CONSUME, f"{f.name} is async", f.id, detail)
    elif site.wrapper in THREADS:
        if not f.is_async:
            yield _unwrapped(world, site, f)
    elif not site.awaited and not f.is_async:
        yield _at(world, site, BY_PROTOCOL[site.protocol], f"{f.name} is async", f.id)
        if site.protocol is Protocol.CALL and (name := async_name(world, f)):
            yield _renamed(world, site, f, name)  # `super().__enter__()`
    if is_constructor(f.name) and not site.awaited:
        detail = {"name": f.factory}
        yield _at(world, site, Action.CREATE, f"{f.name} is async", f.id, detail)
    yield from _retargeted(world, site, f, old_names)


def _unwrapped(world: World, site: Site, f: Function) -> Decision:
    detail = {"wrapper": site.wrapper}
    made = _at(world, site, Action.UNWRAP, f"{f.name} can be awaited here", f.id, detail)
    return replace(made, span=site.wrapper_span or site.span)


def _retargeted(
    world: World, site: Site, f: Function, old_names: Mapping[FunctionId, FunctionId]
) -> Iterator[Decision]:
    """The name that is called: the coroutine's own beside a facade, the plain one without."""
    if _has_facade(world, site, f) and world.in_async(site.caller):
        f = world.function(meant(world, site, f.id)[0])
        was, name = simple_name(f), world.facades[f.id]
    elif old := [g for g in meant(world, site, f.id) if g in old_names]:
        f = world.function(old[0])
        was, name = simple_name(f), simple_name(world.function(old_names[f.id]))
    else:
        return
    if was not in KEPT_BESIDE and name not in KEPT_BESIDE:
        yield _renamed(world, site, f, name)


def _makes_renamed(world: World, site: Site, f: Function) -> bool:
    """Whether `super().__iter__()` makes an async generator now: nothing waits there."""
    if site.protocol is not Protocol.CALL or not (f.is_generator or gives_iterator(f)):
        return False
    if simple_name(f) not in KEPT_BESIDE:
        return False
    stands = f.id in world.facades and not world.in_async(site.caller)
    return f.id in world.turned and f.id not in world.pairs and not stands


def _renamed(world: World, site: Site, f: Function, name: str) -> Decision:
    detail = {"name": name, "was": simple_name(f), "function": f"{f.module}:{f.name}"}
    return _at(world, site, Action.RETARGET, f"the coroutine is called {name}", f.id, detail)


def _mentioned(
    world: World,
    site: Site,
    reached: Sequence[Function],
    old_names: Mapping[FunctionId, FunctionId],
) -> Iterator[Decision]:
    for f in reached:
        if f.id in old_names and not _in_thread_call(world, site):
            yield from _retargeted(world, site, f, old_names)


def _annotated(world: World, site: Site, described: Sequence[Function]) -> Iterator[Decision]:
    """A type that describes nothing but what is async now."""
    gone = [f for f in described if loses_sync_name(world, f)]
    kinds = {_kind(f) for f in described}
    if gone and len(kinds) == 1 and all(f in gone or f.is_async for f in described):
        text = f"{gone[0].name} is async"
        yield _at(world, site, Action.ANNOTATE, text, gone[0].id, {"kind": kinds.pop()})


def _doubles(world: World) -> Iterator[Decision]:
    """Places where tests replace a function by its name, which is awaited from now on."""
    for mention in world.graph.mentions:
        f = world.function(mention.function)
        if mention.how != "patched" or f.is_generator or not loses_sync_name(world, f):
            continue
        span = (mention.line, 0, mention.line, 0)
        owner = enclosing(world, mention.path, span) or f"{mention.path}:0"
        if not is_test_file(mention.path) or not world.in_scope(owner):
            continue
        cause = Cause("double", f"{f.name} is async", mention.path, mention.line, f.id)
        detail = {"name": simple_name(f)}
        if f.cls is not None and "staticmethod" not in f.decorators:
            detail["bound"] = "1"
        yield Decision(mention.path, span, Action.DOUBLE, cause, owner, detail=detail)


def _in_thread_call(world: World, site: Site) -> bool:
    """The first argument of `to_thread` is renamed with its call."""
    return any(
        other.wrapper in THREADS
        and other.protocol is Protocol.CALL
        and other.span[:2] <= site.span[:2]
        and site.span[2:] <= other.span[2:]
        and {t.function for t in site.targets} & {t.function for t in other.targets}
        for other in world.outgoing[site.caller]
    )


def _threaded(world: World, site: Site, f: Function) -> Iterator[Decision]:
    """A sync call that blocks, in async code: a thread; its own where it may wait for the loop."""
    if not world.in_async(site.caller):
        return
    targets = [target.function for target in site.targets if target.function is not None]
    reached = {*targets, *(g for target in targets for g in meant(world, site, target))}
    own = not reached.isdisjoint(world.waiting) or not reached.isdisjoint(world.facades)
    own = own or not _has_to_thread(world) or not reached.isdisjoint(world.ending)
    if site.wrapper in THREADS:
        wanted = "in_thread" if own else "to_thread"
        if site.wrapper != wanted:
            text = f"{f.name} {'waits for the loop' if own else 'blocks'}"
            made = _at(world, site, Action.RETHREAD, text, f.id, {"to": wanted})
            yield replace(made, span=site.wrapper_span or site.span)
        return
    if _must_thread(world, site, f):
        detail = {"own": "1"} if own else {}
        text = f"{f.name} blocks and stays sync"
        yield _at(world, site, Action.TO_THREAD, text, f.id, detail)


def _has_to_thread(world: World) -> bool:
    """Whether `asyncio.to_thread` is there; otherwise the generated module's takes its part."""
    return world.target >= (3, 9)


def _must_thread(world: World, site: Site, f: Function) -> bool:
    return (
        not site.awaited
        and not waits_above(world, site, f.id)
        and (site.path, site.span) not in world.unwritable
        and reaches(site, f)
        and in_one_hop(site)
    )


def _bridge(world: World, site: Site, f: Function) -> Decision:
    assert bridge_allowed(world, site), site
    caller = world.function(site.caller)
    pinned = world.kept.get(site.caller)
    why = pinned.text if pinned else f"{caller.path} runs outside a coroutine"
    text = f"{f.name} is async and {caller.name} stays sync: {why}"
    detail = {"protocol": str(site.protocol)}
    if site.protocol is Protocol.CONSUME:
        detail["arguments"] = _arguments(world, site)
    return _at(world, site, Action.BRIDGE, text, f.id, detail)


def _arguments(world: World, site: Site) -> str:
    """The positions of a consumer's arguments that are async; empty where one can be either."""
    found: dict[bool, set[int]] = {True: set(), False: set()}
    for target in site.targets:
        called = target.function is not None and _is_called(
            world, site, world.function(target.function)
        )
        found[called or target.api is not None].update(target.arguments)
    return ",".join(map(str, sorted(found[True]))) if found[True].isdisjoint(found[False]) else ""


def _at(
    world: World,
    site: Site,
    action: Action,
    text: str,
    because: FunctionId | None,
    detail: Mapping[str, str] | None = None,
) -> Decision:
    cause = Cause(str(action), text, site.path, site.span[0], because)
    details = dict(detail or {})
    if action in (Action.CONSUME, Action.MAPPED):
        details["consumer"] = site.consumer
        details["arguments"] = _arguments(world, site)
    if action in _CLOSING and (site.path, site.span) in world.closing:
        details["close"] = "made" if makes_generator(world.outgoing[site.caller], site) else "kept"
    owner = text_owner(world, site.caller)
    return Decision(site.path, site.span, action, cause, owner, site, details)


# ----------------------------------------------------------------------------- library uses


def _library(world: World, registry: Registry) -> Iterator[Decision]:
    arrivals = find_arrivals(world, registry)
    scripts = scripted_files(world)
    moved: set[str] = set()
    staying: set[str] = set()
    for use in world.uses:
        if use[2].grouped and use[0].protocol is not Protocol.VALUE:
            known = moved if world.converted(use) or _goes_along(world, use) else staying
            known |= classes_of(registry, use[1].api or "")
    replaced = {
        treatment.codemod
        for site, target, treatment in world.uses
        if treatment.kind in ROOTS and world.converted((site, target, treatment))
    }
    for use in world.uses:
        site, target, treatment = use
        api = target.api or ""
        if site.awaited or site.certainty is Certainty.UNKNOWN:
            continue
        follows = treatment.grouped or (treatment.exception and is_test_file(site.path))
        if not world.editable(site) or not (follows or world.chosen(site)):
            continue
        in_async = world.in_async(site.caller)
        detail = {"codemod": treatment.codemod, "api": api, "protocol": str(site.protocol)}
        match treatment.kind:
            case Kind.REFUSED if treatment.exception and is_test_file(site.path):
                if site.protocol is Protocol.CALL and treatment.codemod in replaced:
                    yield _at(world, site, Action.LIBRARY, f"{api} has a new name", None, detail)
            case Kind.PLAIN if registry.names_exception(api, site.protocol):
                if (way := arrivals[treatment.codemod].way(site)) != "keep":
                    detail["way"] = way
                    yield _at(world, site, Action.LIBRARY, f"{api} has a new name", None, detail)
            case Kind.PLAIN if tests_class(registry, use):
                if api in moved and world.converted(use):  # `isinstance(x, Session)`
                    detail["way"] = "both" if api in staying else "convert"
                    yield _at(world, site, Action.LIBRARY, f"{api} has a new name", None, detail)
            case Kind.PLAIN if site.protocol is Protocol.BASE:
                if moves(registry, use, moved) and world.converted(use):
                    yield _at(world, site, Action.LIBRARY, f"{api} has a new name", None, detail)
            case Kind.PLAIN if only_renamed(registry, use) and not moves(registry, use, moved):
                pass
            case Kind.PLAIN | Kind.EXCLUSIVE if world.converted(use):
                detail["way"] = "convert"
                yield _at(world, site, Action.LIBRARY, f"{api} differs", None, detail)
            case Kind.ITERATED if registry.consumes(api, site.protocol) and in_async:
                if world.converted(use):
                    yield _at(world, site, BY_PROTOCOL[site.protocol], f"{api} is async", None)
            case Kind.AWAITABLE | Kind.ENTERED | Kind.ITERATED if in_async and world.converted(use):
                detail["way"] = "convert"
                yield _at(world, site, Action.LIBRARY, f"{api} has an async twin", None, detail)
            case Kind.AWAITABLE | Kind.ENTERED if bridged_in_script(world, use, scripts):
                detail |= {"way": "convert", "bridge": "1"}
                yield _at(world, site, Action.LIBRARY, f"{api} has an async twin", None, detail)
            case Kind.AWAITABLE if not in_async and treatment.later and world.converted(use):
                detail["way"] = "later"
                yield _at(world, site, Action.LIBRARY, f"{api} waits later", None, detail)
            case Kind.AWAITABLE | Kind.ENTERED if not in_async and bridged_in_test(world, use):
                detail |= {"way": "convert", "bridge": "1"}
                yield _at(world, site, Action.LIBRARY, f"{api} has an async twin", None, detail)
            case Kind.AWAITABLE | Kind.BLOCKING if (
                in_async and treatment.blocks and site.protocol is Protocol.CALL
            ):
                own = {} if _has_to_thread(world) else {"own": "1"}
                yield _at(world, site, Action.TO_THREAD, _thread_reason(world, use), None, own)


def _goes_along(world: World, use: LibraryUse) -> bool:
    """Whether a member that is the same in both libraries is one of a client that moves."""
    site, target, treatment = use
    if treatment.kind is not Kind.SAME or treatment.exclusive or treatment.pooled:
        return False
    return world.groups.of(site, target) not in world.groups.refused


def _thread_reason(world: World, use: LibraryUse) -> str:
    site, target, treatment = use
    if treatment.kind is Kind.BLOCKING:
        return f"{target.api} has no async twin"
    refusal = world.groups.refused.get(world.groups.of(site, target))
    return f"{target.api} stays: {refusal.reason}" if refusal else f"{target.api} stays"


# ----------------------------------------------------------------------------- what to tell


def counts(world: World, decisions: list[Decision]) -> dict[str, int]:
    """The summary's figures.  `sites` are the blocking library calls found in selected files."""
    by_action = Counter(decision.action for decision in decisions)
    sites = {
        (site.path, site.span)
        for site, _, treatment in world.uses
        if treatment.kind in ROOTS | {Kind.BLOCKING} and treatment.blocks and not site.awaited
        if world.chosen(site)
    }
    places = {(d.path, d.span) for d in decisions if d.action is Action.LIBRARY}
    threads = {(d.path, d.span) for d in decisions if d.action is Action.TO_THREAD}
    return {
        "sites": len(sites),
        "rewritten": len(sites & places),
        "site_threads": len(sites & threads),
        "left": len(sites - places - threads),
        "functions": by_action[Action.MAKE_ASYNC] + by_action[Action.SPLIT_ENTRY],
        "awaits": sum(by_action[action] for action in BY_PROTOCOL.values()),
        "threaded": by_action[Action.TO_THREAD],
        "bridged": by_action[Action.BRIDGE],
    }
