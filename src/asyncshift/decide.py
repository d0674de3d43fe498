"""From what turns async to decisions: what is done at each place, and why."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping

from asyncshift.codemod import Kind, Registry
from asyncshift.groups import LibraryUse
from asyncshift.model import (
    Action,
    Cause,
    Certainty,
    Decision,
    Function,
    FunctionId,
    FunctionKind,
    Message,
    Protocol,
    Severity,
    Site,
    Span,
)
from asyncshift.world import ROOTS, World, bridge_allowed, forces, in_one_hop, reaches

BY_PROTOCOL = {
    Protocol.CALL: Action.AWAIT,
    Protocol.WITH: Action.ASYNC_WITH,
    Protocol.FOR: Action.ASYNC_FOR,
    Protocol.COMPREHENSION: Action.ASYNC_COMPREHENSION,
    Protocol.NEXT: Action.ANEXT,
    Protocol.YIELD_FROM: Action.DELEGATE,
    Protocol.CONSUME: Action.CONSUME,
}
RENAMED = {"__enter__": "__aenter__", "__exit__": "__aexit__"}


def decide(world: World, registry: Registry, no_run: frozenset[tuple[str, Span]]) -> list[Decision]:
    """All decisions in source order; `no_run` are entry calls where `asyncio.run` cannot stand."""
    found = [*_functions(world), *_library(world, registry), *_calls(world, no_run)]
    unique: dict[tuple[str, Span, Action, str], Decision] = {}
    for decision in found:
        protocol = decision.detail.get("protocol", "")  # `with Session()` is a call and an entry
        unique.setdefault((decision.path, decision.span, decision.action, protocol), decision)
    return sorted(unique.values(), key=lambda d: (d.path, d.span, d.action))


def _functions(world: World) -> Iterator[Decision]:
    for fid in sorted(world.turned):
        f = world.function(fid)
        if f.kind is not FunctionKind.FUNCTION:
            continue
        cause = world.causes[fid]
        if fid in world.entries:
            name = _free_name(world, f)
            detail = {"name": name, "runner": "asyncio.run"}
            yield Decision(f.path, f.span, Action.SPLIT_ENTRY, cause, fid, detail=detail)
            continue
        kind = "function"
        if f.is_generator:
            kind = "contextmanager" if f.is_contextmanager else "generator"
        detail = {"kind": kind}
        if (new := RENAMED.get(f.name.rpartition(".")[2])) is not None:
            detail["rename"] = new
        yield Decision(f.path, f.span, Action.MAKE_ASYNC, cause, fid, detail=detail)


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
    for site in world.graph.sites:
        if site.certainty is Certainty.UNKNOWN or site.path not in world.selected:
            continue
        for target in site.targets:
            if target.function is None:
                continue
            f = world.function(target.function)
            if world.is_coroutine(f.id) and forces(site, f):
                if world.in_async(site.caller):
                    if not site.awaited:
                        action = BY_PROTOCOL[site.protocol]
                        yield _at(world, site, action, f"{f.name} is async", f.id)
                elif world.function(site.caller).kind is FunctionKind.MODULE:
                    runs[site.path].append((site, f))
                else:
                    yield _bridge(world, site, f)
            elif f.id in world.blocking and _must_thread(world, site, f):
                yield _at(world, site, Action.TO_THREAD, f"{f.name} blocks and stays sync", f.id)
    for places in runs.values():
        calls = {site.span for site, _ in places}
        alone = len(calls) == 1 and places[0][0].protocol is Protocol.CALL
        for site, f in places:
            if alone and (site.path, site.span) not in no_run:
                yield _at(world, site, Action.RUN, f"the program starts {f.name} here", f.id)
            else:
                yield _bridge(world, site, f)


def _must_thread(world: World, site: Site, f: Function) -> bool:
    return (
        world.in_async(site.caller)
        and not site.awaited
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
    return _at(world, site, Action.BRIDGE, text, f.id, {"protocol": str(site.protocol)})


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
    if action is Action.CONSUME:
        details["consumer"] = site.consumer
    owner = text_owner(world, site.caller)
    return Decision(site.path, site.span, action, cause, owner, site, details)


# ----------------------------------------------------------------------------- library uses


def _library(world: World, registry: Registry) -> Iterator[Decision]:
    arrivals = _arrivals(world, registry)
    moved = {
        target.api
        for use in world.uses
        for site, target, treatment in (use,)
        if treatment.grouped and site.protocol is not Protocol.VALUE and world.converted(use)
    }
    for use in world.uses:
        site, target, treatment = use
        api = target.api or ""
        if site.path not in world.selected or site.awaited or site.certainty is Certainty.UNKNOWN:
            continue
        in_async = world.in_async(site.caller)
        detail = {"codemod": treatment.codemod, "api": api, "protocol": str(site.protocol)}
        match treatment.kind:
            case Kind.PLAIN if site.protocol is Protocol.EXCEPT:
                if (way := arrivals.way(site)) != "keep":
                    detail["way"] = way
                    yield _at(world, site, Action.LIBRARY, f"{api} has a new name", None, detail)
            case Kind.PLAIN if site.protocol is Protocol.VALUE and registry.is_class(api):
                if api in moved and world.converted(
                    use
                ):  # `isinstance(x, Session)` where some sessions have moved
                    yield _at(world, site, Action.LIBRARY, f"{api} has a new name", None, detail)
            case Kind.PLAIN | Kind.EXCLUSIVE if world.converted(use):
                detail["way"] = "convert"
                yield _at(world, site, Action.LIBRARY, f"{api} differs", None, detail)
            case Kind.AWAITABLE | Kind.ENTERED | Kind.ITERATED if in_async and world.converted(use):
                detail["way"] = "convert"
                yield _at(world, site, Action.LIBRARY, f"{api} has an async twin", None, detail)
            case Kind.AWAITABLE | Kind.BLOCKING if (
                in_async and treatment.blocks and site.protocol is Protocol.CALL
            ):
                yield _at(world, site, Action.TO_THREAD, _thread_reason(world, use), None)


def _thread_reason(world: World, use: LibraryUse) -> str:
    site, target, treatment = use
    if treatment.kind is Kind.BLOCKING:
        return f"{target.api} has no async twin"
    refusal = world.groups.refused.get(world.groups.of(site, target))
    return f"{target.api} stays: {refusal.reason}" if refusal else f"{target.api} stays"


class _Arrivals:
    """Which library errors can arrive where: from converted code, from code that stays, or both."""

    def __init__(self, world: World, new: set[FunctionId], old: set[FunctionId]) -> None:
        self._new, self._old = new, old
        self._sites: dict[str, list[Site]] = defaultdict(list)
        for site in world.graph.sites:
            if site.targets and site.certainty is not Certainty.UNKNOWN:
                self._sites[site.path].append(site)
        self._uses: dict[tuple[str, Span, Protocol], bool] = {}
        for use in world.uses:
            if use[2].kind in ROOTS and use[2].grouped:
                self._uses[use[0].path, use[0].span, use[0].protocol] = world.converted(use)
        self._project_new, self._project_old = bool(new), bool(old)

    def way(self, handler: Site) -> str:
        """`convert`, `both` or `keep` for one class of an except clause."""
        new = old = False
        region = handler.region
        for site in self._sites[handler.path] if region else ():
            assert region is not None
            if not (region[:2] <= site.span[:2] and site.span[2:] <= region[2:]):
                continue
            match self._uses.get((site.path, site.span, site.protocol)):
                case True:
                    new = True
                case False:
                    old = True
            for target in site.targets:
                new |= target.function in self._new
                old |= target.function in self._old
        if not new and not old:
            new, old = self._project_new, self._project_old
        if new and old:
            return "both"
        return "convert" if new else "keep"


def _arrivals(world: World, registry: Registry) -> _Arrivals:
    new: set[FunctionId] = set()
    old: set[FunctionId] = set()
    for use in world.uses:
        site, target, treatment = use
        if treatment.kind in ROOTS and treatment.grouped:
            (new if world.converted(use) else old).add(site.caller)
        elif (
            site.protocol in (Protocol.CALL, Protocol.VALUE, Protocol.BASE)
            and registry.treatment(target.api or "", Protocol.EXCEPT) is not None
        ):
            old.add(site.caller)
    return _Arrivals(world, _up(world, new), _up(world, old))


def _up(world: World, start: set[FunctionId]) -> set[FunctionId]:
    seen: set[FunctionId] = set()
    queue = deque(start)
    while queue:
        fid = queue.popleft()
        if fid in seen:
            continue
        seen.add(fid)
        f = world.function(fid)
        if f.kind in (FunctionKind.GENEXP, FunctionKind.LAMBDA) and f.parent:
            queue.append(f.parent)
        for site in world.incoming.get(fid, ()):
            if site.certainty is not Certainty.UNKNOWN:
                queue.append(site.caller)
    return seen


# ----------------------------------------------------------------------------- what to tell


def looks(world: World) -> list[Message]:
    """Places that only a name connects with a function that turned: never edited or forgotten."""
    found = []
    for site in world.graph.sites:
        if site.certainty is not Certainty.UNKNOWN or site.awaited:
            continue
        names = sorted(
            world.function(t.function).name
            for t in site.targets
            if t.function and world.is_coroutine(t.function)
        )
        if names:
            text = f"{site.text}(...) may reach {', '.join(names)}, which is async now"
            found.append(Message(site.path, site.span[0], "unknown-call", text, Severity.LOOK))
    return found


def counts(world: World, decisions: list[Decision]) -> dict[str, int]:
    """The summary's figures.  `sites` are the blocking library calls found in selected files."""
    by_action = Counter(decision.action for decision in decisions)
    sites = {
        (site.path, site.span)
        for site, _, treatment in world.uses
        if treatment.kind in ROOTS | {Kind.BLOCKING} and treatment.blocks and not site.awaited
        if site.path in world.selected
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
