"""Which functions turn async: a least fixpoint over the call graph, with the cause of every step.

ASYNC spreads from library roots to callers and through families.  Three kinds of conflict send it
round again with more functions kept sync, and the sets of kept functions only grow, so it ends:

- *held*: a place that can neither await nor bridge (import time, `__del__`) needs the function;
- *refused group*: a client is used where nothing can be awaited, so it stays with its library;
- *pinned late*: an async body would block the loop in a way no thread hop can cure.

Knows no files and no syntax trees.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from asyncshift.codemod import Kind, Registry
from asyncshift.groups import Groups, LibraryUse, form_groups, library_uses, origins_of
from asyncshift.model import (
    Cause,
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Project,
    Protocol,
    Refusal,
    Site,
    Span,
)
from asyncshift.pins import entry_functions, is_test_file, pins

ITERATING = frozenset(
    {
        Protocol.FOR,
        Protocol.COMPREHENSION,
        Protocol.NEXT,
        Protocol.YIELD_FROM,
        Protocol.CONSUME,
    }
)
REACHING = ITERATING | {Protocol.CALL, Protocol.WITH, Protocol.ATTRIBUTE, Protocol.OPERATOR}
BRIDGEABLE = (ITERATING | {Protocol.CALL, Protocol.WITH}) - {Protocol.YIELD_FROM}
THREADABLE = frozenset({Protocol.CALL, Protocol.ATTRIBUTE})
ROOTS = frozenset({Kind.AWAITABLE, Kind.ENTERED, Kind.ITERATED})
OWN_THREAD = frozenset({"asyncio.to_thread", "threading.Thread", "threading.Timer"})
"""What runs a callback in a thread of its own, so that it may bridge while the loop goes on."""


@dataclass(slots=True)
class World:
    """Everything the fixpoint reads, indexed once, and the growing sets of what stays sync."""

    graph: Graph
    uses: Sequence[LibraryUse]
    groups: Groups
    entries: Mapping[FunctionId, str]
    selected: frozenset[str]
    kept: dict[FunctionId, Cause]
    """Pinned functions: they stay sync and may bridge."""
    held: dict[FunctionId, Cause] = field(default_factory=dict)
    """Functions that stay sync and may not bridge either."""
    incoming: dict[FunctionId, list[Site]] = field(default_factory=lambda: defaultdict(list))
    outgoing: dict[FunctionId, list[Site]] = field(default_factory=lambda: defaultdict(list))
    uses_at: dict[tuple[str, Span], list[LibraryUse]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """The library calls that a place can reach."""
    by_path: dict[str, list[Function]] = field(default_factory=lambda: defaultdict(list))
    classes: dict[FunctionId, tuple[FunctionId, ...]] = field(default_factory=dict)
    """Functions that turn together: families, and targets of one call site."""
    scripts: frozenset[str] = frozenset()
    """Files outside packages that no file imports: their module body is a program."""
    turned: set[FunctionId] = field(default_factory=set)
    causes: dict[FunctionId, Cause] = field(default_factory=dict)
    blocking: set[FunctionId] = field(default_factory=set)
    bridging: set[FunctionId] = field(default_factory=set)

    def function(self, fid: FunctionId) -> Function:
        return self.graph.functions[fid]

    def in_async(self, fid: FunctionId) -> bool:
        """Whether code of this function may await after the migration."""
        return fid in self.turned or self.function(fid).is_async

    def is_coroutine(self, fid: FunctionId) -> bool:
        """Whether callers must await it: turned, and not split into a sync entry point."""
        return fid in self.turned and fid not in self.entries

    def converted(self, use: LibraryUse) -> bool:
        """Whether the use moves to the new library (False: it stays, or goes to a thread)."""
        site, target, treatment = use
        if treatment.kind in (Kind.REFUSED, Kind.BLOCKING, Kind.SAME):
            return False
        if not treatment.grouped:
            return True
        return self.groups.of(site, target) not in self.groups.refused


def forces(site: Site, f: Function) -> bool:
    """Whether this way of reaching `f` needs an await once `f` is async.  Calling a generator
    function or a context manager only makes an object; iterating or entering it does the work."""
    if site.certainty is Certainty.UNKNOWN:
        return False
    last = f.name.rpartition(".")[2]
    if f.is_contextmanager or last in ("__enter__", "__exit__"):
        return site.protocol is Protocol.WITH
    if f.is_generator:
        return site.protocol in ITERATING
    return site.protocol is Protocol.CALL


def prepare(
    graph: Graph,
    project: Project,
    registry: Registry,
    refusals: Sequence[Refusal],
    failed: Sequence[Refusal],
) -> World:
    """Index the graph; `refusals` are library uses that rewriters cannot do, `failed` are places
    of an earlier plan that the rewrite could not do."""
    uses = library_uses(graph, registry)
    groups = form_groups(graph, uses, (*refusals, *failed))
    selected = frozenset(
        file.path for file in project.files if file.selected or is_test_file(file.path)
    )
    packages = {file.path.rpartition("/")[0] for file in project.files if file.is_package}
    imported = {target for targets in graph.imports.values() for target in targets}
    world = World(
        graph=graph,
        uses=uses,
        groups=groups,
        entries=entry_functions(graph, project),
        selected=selected,
        kept=pins(graph, project),
        scripts=frozenset(
            file.path
            for file in project.files
            if file.path not in imported and file.path.rpartition("/")[0] not in packages
        ),
    )
    for fid in world.entries:
        if world.kept.get(fid, Cause("", "", "", 0)).rule in ("escapes", "foreign-base"):
            del world.kept[fid]
    for site in graph.sites:
        world.outgoing[site.caller].append(site)
        for target in site.targets:
            if target.function is not None:
                world.incoming[target.function].append(site)
    for use in uses:
        if use[0].protocol is Protocol.CALL:
            world.uses_at[use[0].path, use[0].span].append(use)
    for f in graph.functions.values():
        if f.kind is FunctionKind.FUNCTION:
            world.by_path[f.path].append(f)
    world.classes = _classes(graph)
    _refuse_unselected(world)
    _pin_failed(world, failed)
    return world


def _classes(graph: Graph) -> dict[FunctionId, tuple[FunctionId, ...]]:
    parent: dict[FunctionId, FunctionId] = {}

    def find(x: FunctionId) -> FunctionId:
        while (up := parent.get(x, x)) != x:
            parent[x] = x = parent.get(up, up)
        return x

    def join(items: Sequence[FunctionId]) -> None:
        for other in items[1:]:
            a, b = sorted((find(items[0]), find(other)))
            parent[b] = a

    for f in graph.functions.values():
        if f.family:
            join([f.id, *f.family])
    for site in graph.sites:
        if site.protocol is Protocol.CALL and site.certainty is not Certainty.UNKNOWN:
            shared = [t.function for t in site.targets if t.function]
            if len(shared) > 1:
                join([fid for fid in shared if not graph.functions[fid].is_async] or shared[:1])
    _join_pairs(graph, join)
    members: dict[FunctionId, list[FunctionId]] = defaultdict(list)
    for fid in graph.functions:
        members[find(fid)].append(fid)
    return {fid: tuple(group) for group in members.values() if len(group) > 1 for fid in group}


def _join_pairs(graph: Graph, join: object) -> None:
    """`__enter__` with `__exit__`, and overloads with the function they describe."""
    assert callable(join)
    pairs: dict[tuple[str, str, str], list[FunctionId]] = defaultdict(list)
    for f in graph.functions.values():
        if f.kind is not FunctionKind.FUNCTION:
            continue
        scope, _, last = f.name.rpartition(".")
        if last in ("__enter__", "__exit__"):
            pairs[f.path, scope, "with"].append(f.id)
        elif not f.is_property:
            pairs[f.path, f.name, f.parent or ""].append(f.id)
    for key, group in pairs.items():
        if len(group) > 1 and (
            key[2] == "with"
            or any("typing.overload" in graph.functions[fid].decorators for fid in group)
        ):
            join(group)


def _refuse_unselected(world: World) -> None:
    """Values cross borders as calls do: a client that unselected code touches cannot move."""
    for site, target, treatment in world.uses:
        if site.path in world.selected or treatment.kind is Kind.SAME:
            continue
        if treatment.grouped:
            world.groups.refuse(
                origins_of(site, target)[0],
                Refusal(
                    site.path,
                    site.span,
                    "not-selected",
                    f"{site.text} in {site.path} uses the same client and is not selected",
                    f"add {site.path} to the paths",
                ),
            )


def _pin_failed(world: World, failed: Iterable[Refusal]) -> None:
    """A place that could not be rewritten keeps the function around it sync."""
    for refusal in failed:
        owner = enclosing(world, refusal.path, refusal.span)
        if owner is not None and not world.function(owner).is_async:
            world.kept.setdefault(
                owner, Cause(refusal.rule, refusal.reason, refusal.path, refusal.span[0])
            )


def enclosing(world: World, path: str, span: Span) -> FunctionId | None:
    """The innermost function that contains a place (generator expressions and lambdas count as
    part of the function around them)."""
    best: Function | None = None
    for f in world.by_path.get(path, ()):
        inside = f.span[:2] <= span[:2] and span[2:] <= f.span[2:]
        if inside and (best is None or best.span[:2] <= f.span[:2]):
            best = f
    return best.id if best else None


# ----------------------------------------------------------------------------- the fixpoint


def run(world: World) -> None:
    """Spread and mend until nothing conflicts; leaves the result in the world."""
    while True:
        _spread(world)
        if _hold_conflicts(world) or _group_conflicts(world):
            continue
        _find_blocking(world)
        if not _thread_conflicts(world) and not _lower_bridges(world):
            break
    for fid, cause in (*world.kept.items(), *world.held.items()):
        world.causes.setdefault(fid, cause)


def _lower_bridges(world: World) -> bool:
    """Move bridges down to where fewer are needed: a coroutine that only sync code waits for
    stays sync itself and bridges inside, once, instead of in each of its callers.

    One function is moved at a time, the one that saves most: the next count depends on it.
    """
    best: tuple[int, FunctionId] | None = None
    direct = {use[0].caller for use in world.uses if use[2].kind in ROOTS and world.converted(use)}
    for fid in sorted(world.turned):
        f = world.function(fid)
        if f.kind is not FunctionKind.FUNCTION or fid in direct or not world.is_coroutine(fid):
            continue
        if f.is_generator or fid in world.classes:
            continue
        callers = [site for site in world.incoming.get(fid, ()) if forces(site, f)]
        above = [site for site in callers if _waits_sync(world, site)]
        if not above or any(world.in_async(site.caller) for site in callers):
            continue
        below = [
            site
            for site in world.outgoing.get(fid, ())
            for target in site.targets
            if target.function and world.is_coroutine(target.function)
        ]
        saved = len(above) - len(below)
        if saved > 0 and (best is None or saved > best[0]):
            best = (saved, fid)
    if best is None:
        return False
    f = world.function(best[1])
    text = f"only sync code waits for {f.name}, so it bridges itself, once for all of its callers"
    return _pin(world, f.id, Cause("only-sync-callers", text, f.path, f.line))


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


def _spread(world: World) -> None:
    stuck = _stuck(world)
    world.kept.update((k, v) for k, v in stuck.items() if k not in world.held)
    world.turned, world.causes = set(), {}
    queue: deque[FunctionId] = deque()

    def push(fid: FunctionId, cause: Cause) -> None:
        f = world.function(fid)
        if fid in world.turned or fid in stuck or f.is_async:
            return
        if f.kind not in (FunctionKind.FUNCTION, FunctionKind.GENEXP):
            return
        if f.kind is FunctionKind.GENEXP and not _can_await(world, f.parent, stuck):
            return
        world.turned.add(fid)
        world.causes[fid] = cause
        queue.append(fid)

    for use in world.uses:
        site, target, treatment = use
        if treatment.kind in ROOTS and not site.awaited and _seeds(world, use):
            push(
                site.caller,
                Cause("root", f"calls {target.api}", site.path, site.span[0]),
            )
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
                word = "awaits" if site.protocol is Protocol.CALL else f"uses ({site.protocol})"
                push(
                    site.caller,
                    Cause("calls", f"{word} {f.name}", site.path, site.span[0], f.id),
                )


def _seeds(world: World, use: LibraryUse) -> bool:
    """A use turns its function async when it is converted, or when it blocks and has a twin that
    only this client cannot use: then it goes to a thread and the callers still become async."""
    return world.converted(use) or (use[2].kind is Kind.AWAITABLE and use[2].blocks)


def _can_await(world: World, fid: FunctionId | None, stuck: Mapping[FunctionId, Cause]) -> bool:
    while fid is not None and world.function(fid).kind is FunctionKind.GENEXP:
        fid = world.function(fid).parent
    if fid is None:
        return False
    f = world.function(fid)
    return f.is_async or (f.kind is FunctionKind.FUNCTION and fid not in stuck)


def bridge_allowed(world: World, site: Site) -> bool:
    """Whether sync code at this place may wait for a coroutine."""
    caller = world.function(site.caller)
    if site.caller in world.held or site.path not in world.selected:
        return False
    if caller.kind is FunctionKind.CLASS or caller.name.endswith("__del__"):
        return False
    if site.protocol not in BRIDGEABLE:
        return False
    if caller.kind is FunctionKind.MODULE:
        return site.in_main_guard or site.path in world.scripts
    return True


def _hold(world: World, fid: FunctionId, site: Site) -> bool:
    f = world.function(fid)
    caller = world.function(site.caller)
    if caller.kind in (FunctionKind.MODULE, FunctionKind.CLASS):
        why = f"{caller.path} calls it while it is imported"
    elif site.path not in world.selected:
        why = f"{caller.name} in {site.path} calls it and is not selected"
    elif caller.name.endswith("__del__"):
        why = f"{caller.name} calls it, and no loop may run there"
    elif world.in_async(site.caller):
        why = f"`{site.text}` in {caller.name} can also reach a library call that stays sync"
    elif site.protocol not in BRIDGEABLE:
        why = f"{caller.name} reaches it by {site.protocol} and stays sync"
    else:
        why = f"{caller.name} needs it and stays sync"
    grew = False
    for member in world.classes.get(fid, (fid,)):
        if member not in world.held and not world.function(member).is_async:
            text = f"{f.name} stays sync: {why}"
            world.held[member] = Cause("held", text, site.path, site.span[0], site.caller)
            grew = True
    return grew


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
                grew |= _hold(world, fid, site)
    return grew


def _pin_called_by_name(world: World, f: Function, site: Site) -> bool:
    """A call that only its name connects is never edited, so what it may reach stays sync: the
    alternative is a coroutine that nobody awaits.  In tests such a call is only listed: there a
    forgotten await is found when the tests run, and never in production."""
    if site.awaited or site.protocol is not Protocol.CALL or site.caller == f.id:
        return False
    if is_test_file(site.path):
        return False
    caller = world.function(site.caller)
    text = f"{caller.name} may call {f.name} through `{site.text}`, whose receiver is not known"
    return _pin(world, f.id, Cause("unknown-caller", text, site.path, site.span[0], caller.id))


def _can_reach(world: World, site: Site, f: Function) -> bool:
    """Whether the way to coroutine `f` that this site takes can be kept working."""
    if site.protocol is Protocol.DECORATOR:
        return False
    if not forces(site, f):
        return True
    if not world.in_async(site.caller):
        return bridge_allowed(world, site)
    return all(world.converted(use) for use in world.uses_at.get((site.path, site.span), ()))


def _group_conflicts(world: World) -> bool:
    """A converted client in a function that cannot await stays with its library as a whole."""
    grew = False
    for use in world.uses:
        site, target, treatment = use
        if treatment.kind not in ROOTS or not treatment.grouped or not world.converted(use):
            continue
        if site.awaited:
            continue
        caller = world.function(site.caller)
        others = [t.function for t in site.targets if t.function]
        if not world.in_async(site.caller):
            cause = world.kept.get(site.caller) or world.held.get(site.caller)
            why = cause.text if cause else "it runs when the module is imported"
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


def _find_blocking(world: World) -> None:
    """Sync functions that reach a blocking call or a bridge."""
    world.bridging = {
        site.caller
        for fid in world.turned
        if world.is_coroutine(fid)
        for site in world.incoming.get(fid, ())
        if forces(site, world.function(fid)) and not world.in_async(site.caller)
    }
    split = {fid for fid in world.entries if fid in world.turned}
    start = world.bridging | split
    for use in world.uses:
        site, _, treatment = use
        blocks = treatment.kind in ROOTS | {Kind.BLOCKING} and treatment.blocks
        if blocks and not site.awaited and not world.in_async(site.caller):
            start.add(site.caller)
    world.blocking = set()
    queue = deque(sorted(start))
    while queue:
        fid = queue.popleft()
        if fid in world.blocking:
            continue
        world.blocking.add(fid)
        f = world.function(fid)
        if f.kind is FunctionKind.GENEXP and f.parent and not world.in_async(f.parent):
            queue.append(f.parent)
        for site in world.incoming.get(fid, ()):
            if reaches(site, f) and not world.in_async(site.caller):
                queue.append(site.caller)


def reaches(site: Site, f: Function) -> bool:
    """Whether this site runs the body of sync function `f`."""
    if site.protocol not in REACHING:
        return False
    if f.is_generator and not f.is_contextmanager:
        return site.protocol in ITERATING
    return True


def _pin(world: World, fid: FunctionId, cause: Cause) -> bool:
    while world.function(fid).kind is FunctionKind.GENEXP:
        parent = world.function(fid).parent
        if parent is None:
            break
        fid = parent
    if fid in world.kept or fid not in world.turned:
        return False
    world.kept[fid] = cause
    return True


def _thread_conflicts(world: World) -> bool:
    """Async functions that would block the loop where no thread hop is possible stay sync."""
    grew = False
    for fid in sorted(world.blocking):
        f = world.function(fid)
        for site in world.incoming.get(fid, ()):
            if site.caller not in world.turned or not reaches(site, f):
                continue
            if site.protocol in THREADABLE or site.protocol is Protocol.CONSUME:
                continue
            if site.certainty is Certainty.UNKNOWN:
                continue
            caller = world.function(site.caller)
            text = (
                f"{caller.name} reaches {f.name}, which blocks, by {site.protocol}: "
                "no thread hop is possible there"
            )
            grew |= _pin(
                world, site.caller, Cause("blocking-protocol", text, site.path, site.span[0], fid)
            )
    for use in world.uses:
        site, target, treatment = use
        if treatment.kind is Kind.ITERATED and not world.converted(use):
            text = f"iterates {target.api}, which stays with its library and blocks"
            grew |= _pin(world, site.caller, Cause("streams", text, site.path, site.span[0]))
    for escape in world.graph.escapes:
        if escape.function not in world.bridging or escape.to in OWN_THREAD:
            continue
        holder = enclosing(world, escape.path, escape.span)
        if holder is not None and holder in world.turned:
            name = world.function(escape.function or holder).name
            text = f"hands {name} to {escape.to}, which would call it on the event loop"
            grew |= _pin(
                world,
                holder,
                Cause("callback", text, escape.path, escape.span[0], escape.function),
            )
    return grew
