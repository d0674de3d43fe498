"""What the solver knows: the indexed graph, the growing sets of what stays sync, and the rules
by which a site reaches a function."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from asyncshift.closings import places_that_close
from asyncshift.codemod import Kind, Registry
from asyncshift.constructors import is_constructor
from asyncshift.groups import Groups, LibraryUse, form_groups, library_uses, uses_in_scope
from asyncshift.mocks import Fake, called_in_tests, find_fakes
from asyncshift.model import (
    Cause,
    Certainty,
    Escape,
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
from asyncshift.pooled import without_handed
from asyncshift.scope import Scope
from asyncshift.standing import handed_to_twins, has_both, left_alone
from asyncshift.testing import async_tests
from asyncshift.wrapped import (
    applied_by_hand,
    calls_at_once,
    known_otherwise,
    mapped_places,
    wrapped_by_decorators,
)

ENTERING = (".enter_context", ".enter_async_context")
"""How the methods of an exit stack end that enter what they are handed."""
ITERATING = frozenset(
    {
        Protocol.FOR,
        Protocol.COMPREHENSION,
        Protocol.NEXT,
        Protocol.YIELD_FROM,
        Protocol.CONSUME,
    }
)
DRIVING = frozenset({"contextlib.closing", "generator.close", "generator.throw", "generator.send"})
"""Consumers that only fit one of a generator and an async one, and that no bridge stands before."""
REACHING = ITERATING | {Protocol.CALL, Protocol.WITH, Protocol.ATTRIBUTE, Protocol.OPERATOR}
BRIDGEABLE = (ITERATING | {Protocol.CALL, Protocol.WITH}) - {Protocol.YIELD_FROM}
THREADABLE = frozenset({Protocol.CALL, Protocol.ATTRIBUTE})
ROOTS = frozenset({Kind.AWAITABLE, Kind.ENTERED, Kind.ITERATED})
INTERRUPTING = frozenset({"signal.signal", "weakref.finalize", "atexit.register"})
IMPLICIT = frozenset(
    {"__del__", "__len__", "__str__", "__repr__", "__format__", "__bool__", "__hash__", "__int__"}
    | {"__bytes__", "__float__", "__complex__", "__index__", "__reversed__", "__sizeof__"}
    | {"__dir__", "__set_name__", "__init_subclass__"}
)
"""Dunders that run where no call and no operator is written: `print(x)`, `if x:`, a collection."""
EAGER = frozenset(
    {"all", "any", "dict", "frozenset", "list", "max", "min", "set", "sorted", "str.join", "sum"}
    | {"tuple", "list.extend"}
)
OWN_THREAD = frozenset(
    {"asyncio.to_thread", "_run_sync.in_thread", "threading.Thread", "threading.Timer"}
)
"""What runs a callback in a thread of its own, so that it may bridge while the loop goes on."""


@dataclass(slots=True)
class World:
    """Everything the fixpoint reads, indexed once, and the growing sets of what stays sync."""

    graph: Graph
    uses: Sequence[LibraryUse]
    groups: Groups
    entries: Mapping[FunctionId, str]
    kept: dict[FunctionId, Cause]
    """Pinned functions: they stay sync and may bridge."""
    held: dict[FunctionId, Cause] = field(default_factory=dict)
    """Functions that stay sync and may not bridge either."""
    incoming: dict[FunctionId, list[Site]] = field(default_factory=lambda: defaultdict(list))
    outgoing: dict[FunctionId, list[Site]] = field(default_factory=lambda: defaultdict(list))
    through_iter: dict[FunctionId, list[Site]] = field(default_factory=lambda: defaultdict(list))
    """Of these, what `iter(...)` is given."""
    uses_at: dict[tuple[str, Span], list[LibraryUse]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """The library calls that a place can reach."""
    sites_in: dict[str, list[Site]] = field(default_factory=lambda: defaultdict(list))
    by_path: dict[str, list[Function]] = field(default_factory=lambda: defaultdict(list))
    classes: dict[FunctionId, tuple[FunctionId, ...]] = field(default_factory=dict)
    """Functions that turn together: families, and targets of one call site."""
    unwritable: set[tuple[str, Span]] = field(default_factory=set)
    """Places of an earlier plan where no bridge could be written, or in a function that was async
    before no `await`: what is called there stays sync."""
    scripts: frozenset[str] = frozenset()
    """Files outside packages that no file imports: their module body is a program."""
    wrapped: Mapping[FunctionId, Mapping[str, list[FunctionId]]] = field(default_factory=dict)
    """A decorator's inner function -> by name, the functions that it stands for."""
    elsewhere: frozenset[FunctionId] = frozenset()
    """Decorated functions that something calls by another name: a decorator may have kept them."""
    handing: Mapping[FunctionId, list[FunctionId]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Function -> those that hand it to something that calls it at once: `sorted(names, key=f)`."""
    interrupting: frozenset[FunctionId] = frozenset()
    """Handlers that run in the middle of anything, the loop included: no bridge may stand there."""
    turned: set[FunctionId] = field(default_factory=set)
    causes: dict[FunctionId, Cause] = field(default_factory=dict)
    moved_locks: set[str] = field(default_factory=set)
    """Groups of locks that move to their async form."""
    blocking: set[FunctionId] = field(default_factory=set)
    bridging: set[FunctionId] = field(default_factory=set)
    waiting: set[FunctionId] = field(default_factory=set)
    """Sync functions that reach a bridge or a facade: they need a thread of their own."""
    left: frozenset[FunctionId] = frozenset()
    """Blocking functions that a table leaves as they stand."""
    twins: Mapping[FunctionId, tuple[Escape, ...]] = field(default_factory=dict)
    """Function -> where it is handed to what has an async twin."""
    pairs: Mapping[FunctionId, FunctionId] = field(default_factory=dict)
    """Facades of earlier steps with their coroutines.  Solved as if they were one function."""
    registered: frozenset[FunctionId] = frozenset()
    """Handlers that a framework knows by their decorator, and awaits."""
    target: tuple[int, int] = (3, 11)
    """The oldest Python that the result must run on."""
    tests: frozenset[FunctionId] = frozenset()
    """Tests and their fixtures that may turn."""
    generated: bool = False
    """A generated bridge module stands already."""
    called_in_tests: Set[tuple[str, Span, str | None]] = frozenset()
    """Where tests call what is awaited of the program's clients."""
    fakes: tuple[Fake, ...] = ()
    """Mocks without a specification that tests make."""
    patched: frozenset[FunctionId] = frozenset()
    """Functions that somebody replaces by their name: calls must go on using that name."""
    mapped: Set[tuple[str, Span, FunctionId]] = frozenset()
    """Where a builtin that has an async form is handed which function."""
    inlined: frozenset[FunctionId] = frozenset()
    """Lambdas whose body may stand in the place of a call: `map(lambda x: f(x, 1), rows)`."""
    setting: frozenset[FunctionId] = frozenset()
    """Functions that set a context variable which their callers read."""
    ending: frozenset[FunctionId] = frozenset()
    """Functions that StopIteration may leave, which a thread cannot carry."""
    closing: frozenset[tuple[str, Span]] = frozenset()
    """Places that close the generators which they iterate."""
    under_lock: frozenset[tuple[str, Span]] = frozenset()
    """Places that run while a lock is held."""
    scope: Scope | None = None
    """What may change; None for everything, and while the goal is worked out."""
    goal: frozenset[FunctionId] | None = None
    """What turns once everything is selected; None where everything is."""
    allowed: frozenset[FunctionId] | None = None
    """The functions that may turn in this step."""
    declared: dict[FunctionId, Cause] = field(default_factory=dict)
    """Functions that a table says are to turn."""
    down: dict[FunctionId, Cause] = field(default_factory=dict)
    """Functions that turn because they reach blocking code, which they hand to a thread."""
    deferred: dict[FunctionId, Refusal] = field(default_factory=dict)
    """Functions of the scope that turn in a later step, when more is selected."""
    border: list[Refusal] = field(default_factory=list)
    """Lines outside the scope that keep something inside from moving."""
    open_groups: set[str] = field(default_factory=set)
    """Provenance groups that cannot move in this step because they reach over the border."""
    consented: set[tuple[str, Span]] = field(default_factory=set)
    """Places outside the scope that may be edited because the user agreed."""
    facades: dict[FunctionId, str] = field(default_factory=dict)
    """Functions that keep their sync name beside the coroutine, with the coroutine's name."""
    dropped: set[FunctionId] = field(default_factory=set)
    """Facades of earlier steps that nobody needs any more."""

    def in_scope(self, fid: FunctionId) -> bool:
        """Whether the text of this function may change."""
        if self.scope is None or fid in self.scope.functions:
            return True
        return is_test_file(self.function(fid).path)

    def editable(self, site: Site) -> bool:
        """Whether this place may change."""
        return self.in_scope(site.caller) or (site.path, site.span) in self.consented

    def chosen(self, site: Site) -> bool:
        """Whether what this place does with a library is this step's business: a test follows what
        turns, its own library calls wait until it is selected."""
        if self.scope is None or site.caller in self.scope.functions:
            return True
        return (site.path, site.span) in self.consented

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
        if treatment.kind in (Kind.REFUSED, Kind.BLOCKING, Kind.SAME, Kind.MIGRATED):
            return False
        if not treatment.grouped:
            return self.chosen(site)
        if treatment.exclusive:
            return self.groups.of(site, target) in self.moved_locks
        if treatment.pooled:
            return self.groups.of(site, target) in self.groups.moved_pools
        return self.groups.of(site, target) not in self.groups.refused


def forces(site: Site, f: Function) -> bool:
    """Whether this way of reaching `f` needs an await once `f` is async.  Calling a generator
    function or a context manager only makes an object; iterating or entering it does the work."""
    if site.certainty is Certainty.UNKNOWN or site.asked:
        return False
    if enters(f) and site.protocol is Protocol.CALL:
        return True
    if gives_iterator(f):
        return False
    if f.name.endswith(".__next__"):
        return site.protocol in ITERATING or site.protocol is Protocol.CALL
    if f.is_contextmanager or enters(f):
        return site.protocol is Protocol.WITH or site.consumer.endswith(ENTERING)
    if f.is_generator:
        return site.protocol in ITERATING
    if f.is_property:
        return site.protocol is Protocol.ATTRIBUTE and not f.is_async
    return site.protocol in (Protocol.CALL, Protocol.MAPPED)


def enters(f: Function) -> bool:
    """Whether it is a method that `with` calls, whose async form has another name."""
    last = f.name.rpartition(".")[2]
    return last in ("__enter__", "__exit__", "__aenter__", "__aexit__")


def gives_iterator(f: Function) -> bool:
    """Whether it is an `__iter__` that is no generator: its async form, `__aiter__`, stays a `def`
    and is not awaited."""
    return f.name.endswith(".__iter__") and not f.is_generator


def prepare(
    graph: Graph,
    project: Project,
    registry: Registry,
    refusals: Sequence[Refusal],
    failed: Sequence[Refusal],
) -> World:
    """Index the graph; `refusals` are library uses that rewriters cannot do, `failed` are places
    of an earlier plan that the rewrite could not do."""
    graph, left = left_alone(without_handed(_through_facades(graph), registry), registry)
    tests = async_tests(graph, project)
    uses = library_uses(graph, registry)
    groups = form_groups(graph, uses, (*refusals, *failed), registry)
    uses = uses_in_scope(uses, groups, project)
    packages = {file.path.rpartition("/")[0] for file in project.files if file.is_package}
    mapped = mapped_places(graph)
    imported = {target for targets in graph.imports.values() for target in targets}
    world = World(
        graph=graph,
        uses=uses,
        groups=groups,
        entries=entry_functions(graph, project),
        left=left,
        twins=handed_to_twins(graph, registry),
        pairs={f.id: f.facade_of for f in graph.functions.values() if f.facade_of},
        registered=frozenset(
            f.id for f in graph.functions.values() if any(map(registry.async_aware, f.decorators))
        ),
        generated=bool(project.bridges),
        fakes=tuple(find_fakes(project)),
        called_in_tests=frozenset(called_in_tests(uses, groups, registry)),
        patched=frozenset(m.function for m in graph.mentions if m.how == "patched"),
        mapped=mapped,
        elsewhere=known_otherwise(graph),
        inlined=frozenset(
            f for _, _, f in mapped if graph.functions[f].kind is FunctionKind.LAMBDA
        ),
        kept=pins(graph, project, registry, tests),
        tests=tests,
        target=project.requires_python,
        declared={
            f.id: Cause("declared", f"a table says that {f.name} turns", f.path, f.line)
            for f in (graph.functions.values() if registry.turning else ())
            if f.kind is FunctionKind.FUNCTION and f"{f.module}.{f.name}" in registry.turning
        },
        interrupting=frozenset(
            escape.function
            for escape in graph.escapes
            if escape.function is not None and escape.to in INTERRUPTING
        ),
        scripts=frozenset(
            file.path
            for file in project.files
            if file.path not in imported and file.path.rpartition("/")[0] not in packages
        ),
    )
    world.closing = places_that_close(graph)
    _index(world, uses)
    _pin_failed(world, failed)
    _pin_bound(world)
    return world


def meant(world: World, site: Site, fid: FunctionId) -> list[FunctionId]:
    """The functions whose name a place uses to reach one: what a decorator's wrapper stands for,
    otherwise the function itself.  Where the name is a variable's, all that are decorated so."""
    names = world.wrapped.get(fid)
    if names is None:
        return [fid]
    last = site.text.rpartition(".")[2]
    known = names.get(last) or names.get(world.graph.aliases.get(site.path, {}).get(last, ""))
    if known:
        return known
    decorated = list(dict.fromkeys(g for group in names.values() for g in group))
    if applied_by_hand(world.graph, world.outgoing[site.caller], fid):
        return [fid]
    return [fid] if in_decorator(world, site.caller, decorated) else decorated


def in_decorator(world: World, caller: FunctionId, functions: Iterable[FunctionId]) -> bool:
    """Whether code lies in a decorator of one of these functions: it gets what the decorator
    stands on, the coroutine, and never its facade."""
    around = names_around(world, caller)
    return any(not around.isdisjoint(world.function(fid).decorators) for fid in functions)


def names_around(world: World, fid: FunctionId) -> set[str]:
    """The full names of a function and of all that it stands in."""
    found = set()
    around: FunctionId | None = fid
    while around is not None:
        outer = world.function(around)
        found.add(f"{outer.module}.{outer.name}")
        around = outer.parent
    return found


def _index(world: World, uses: Sequence[LibraryUse]) -> None:
    """Everything that is asked for by function, by file or by place."""
    graph = world.graph
    for fid in world.entries:
        if world.kept.get(fid, Cause("", "", "", 0)).rule in ("escapes", "foreign-base"):
            del world.kept[fid]
    for site in graph.sites:
        world.sites_in[site.path].append(site)
        world.outgoing[site.caller].append(site)
        if site.consumer == "iter":
            world.through_iter[site.caller].append(site)
        for target in site.targets:
            if target.function is not None:
                world.incoming[target.function].append(site)
    for use in uses:
        if use[0].protocol in BRIDGEABLE and use[2].kind is not Kind.MIGRATED:
            world.uses_at[use[0].path, use[0].span].append(use)
    for f in graph.functions.values():
        if f.kind is FunctionKind.FUNCTION:
            world.by_path[f.path].append(f)
    for escape in graph.escapes:
        if escape.function is not None and calls_at_once(escape.to):
            holder = enclosing(world, escape.path, escape.span)
            if holder is not None:
                world.handing[escape.function].append(holder)
    world.classes = _classes(graph)
    world.wrapped = wrapped_by_decorators(graph)
    world.under_lock = _under_locks(world)


def _through_facades(graph: Graph) -> Graph:
    """A facade counts as the function it was: what it gives is iterated or entered as a generator
    or a context manager is, and that is a use of the facade, not yet of the coroutine."""
    pairs = {f.id: f.facade_of for f in graph.functions.values() if f.facade_of}
    if not pairs:
        return graph
    functions = dict(graph.functions)
    for fid, coroutine in pairs.items():
        like = functions[coroutine]
        functions[fid] = replace(
            functions[fid],
            is_generator=like.is_generator,
            is_contextmanager=like.is_contextmanager,
            has_end=like.has_end,
        )
    facades = {coroutine: fid for fid, coroutine in pairs.items()}
    sites = tuple(
        _retold(site, facades)
        if site.protocol in ITERATING | {Protocol.WITH} and not site.awaited and not site.wrapper
        else site
        for site in graph.sites
    )
    return replace(graph, functions=functions, sites=sites)


def _retold(site: Site, facades: Mapping[FunctionId, FunctionId]) -> Site:
    if not any(t.function in facades for t in site.targets):
        return site
    targets = (replace(t, function=facades.get(t.function or "", t.function)) for t in site.targets)
    return replace(site, targets=tuple(dict.fromkeys(targets)))


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
        if _has_one_form(site) and site.certainty is not Certainty.UNKNOWN and not site.asked:
            shared = [t.function for t in site.targets if t.function]
            shared = [fid for fid in shared if not has_both(graph.functions[fid])]
            if len(shared) > 1:
                join([fid for fid in shared if not graph.functions[fid].is_async] or shared[:1])
    _join_pairs(graph, join)
    members: dict[FunctionId, list[FunctionId]] = defaultdict(list)
    for fid in graph.functions:
        members[find(fid)].append(fid)
    return {fid: tuple(group) for group in members.values() if len(group) > 1 for fid in group}


def _has_one_form(site: Site) -> bool:
    """Whether all that a place reaches is reached in one way, sync or async."""
    if site.protocol is Protocol.CONSUME:
        return site.consumer in EAGER or site.consumer == "iter"
    return site.protocol in ITERATING | {Protocol.CALL, Protocol.WITH, Protocol.MAPPED}


def _join_pairs(graph: Graph, join: object) -> None:
    """`__enter__` with `__exit__`, `__iter__` with `__next__`, overloads with what they say."""
    assert callable(join)
    pairs: dict[tuple[str, str, str], list[FunctionId]] = defaultdict(list)
    for f in graph.functions.values():
        if f.kind is not FunctionKind.FUNCTION:
            continue
        scope, _, last = f.name.rpartition(".")
        if last in ("__enter__", "__exit__"):
            pairs[f.path, scope, "with"].append(f.id)
        elif last == "__next__" or gives_iterator(f):
            pairs[f.path, scope, "iter"].append(f.id)
        elif not f.is_property:
            pairs[f.path, f.name, f.parent or ""].append(f.id)
    for key, group in pairs.items():
        if len(group) > 1 and (
            key[2] in ("with", "iter")
            or any("typing.overload" in graph.functions[fid].decorators for fid in group)
        ):
            join(group)


def _under_locks(world: World) -> frozenset[tuple[str, Span]]:
    """Places in the body of `with lock:`, and in every function that is called there."""
    held = [
        use[0]
        for use in world.uses
        if use[2].exclusive and use[0].protocol is Protocol.WITH and use[0].region is not None
    ]
    found: set[tuple[str, Span]] = set()
    seen: set[FunctionId] = set()
    queue: deque[Site] = deque()
    for lock in held:
        assert lock.region is not None
        start, end = lock.region[:2], lock.region[2:]
        for site in world.sites_in[lock.path]:
            if start <= site.span[:2] and site.span[2:] <= end:
                queue.append(site)
    while queue:
        site = queue.popleft()
        found.add((site.path, site.span))
        if site.certainty is Certainty.UNKNOWN or site.protocol not in REACHING:
            continue
        for target in site.targets:
            if target.function is not None and target.function not in seen:
                seen.add(target.function)
                queue.extend(world.outgoing[target.function])
    return frozenset(found)


def _pin_failed(world: World, failed: Iterable[Refusal]) -> None:
    """A place that could not be rewritten keeps the function around it sync; where that is not
    enough, it keeps what it calls sync."""
    pinned = set(world.kept)
    for refusal in failed:
        owner = enclosing(world, refusal.path, refusal.span)
        stays = owner is None or owner in pinned or world.function(owner).is_async
        if stays or refusal.rule.startswith(("bridge-", "mapped-")):
            world.unwritable.add((refusal.path, refusal.span))
        if refusal.rule.startswith("mapped-"):
            continue
        if owner is not None and not world.function(owner).is_async:
            world.kept.setdefault(
                owner, Cause(refusal.rule, refusal.reason, refusal.path, refusal.span[0])
            )


def _pin_bound(world: World) -> None:
    """Who reaches `signal.signal` stays on the main thread: no bridge's loop and no thread hop is
    possible around it."""
    queue = deque(
        (use[0].caller, Cause(str(use[2].kind), use[2].reason, use[0].path, use[0].span[0]))
        for use in world.uses
        if use[2].kind is Kind.MAIN_THREAD
    )
    seen = set()
    while queue:
        fid, cause = queue.popleft()
        f = world.function(fid)
        if fid in seen or f.is_async or f.kind is FunctionKind.MODULE:
            continue
        seen.add(fid)
        world.kept.setdefault(fid, cause)
        for site in world.incoming.get(fid, ()):
            if not reaches(site, f) or site.certainty is Certainty.UNKNOWN:
                continue
            text = f"calls {f.name}, which stays sync: {cause.text}"
            queue.append((site.caller, Cause(cause.rule, text, site.path, site.span[0], fid)))


def enclosing(world: World, path: str, span: Span) -> FunctionId | None:
    """The innermost function that contains a place (generator expressions and lambdas count as
    part of the function around them)."""
    best: Function | None = None
    for f in world.by_path.get(path, ()):
        inside = f.span[:2] <= span[:2] and span[2:] <= f.span[2:]
        if inside and (best is None or best.span[:2] <= f.span[:2]):
            best = f
    return best.id if best else None


def is_implicit(f: Function) -> bool:
    """Whether Python calls it where no call is written."""
    return f.name.rpartition(".")[2] in IMPLICIT


def _around(world: World, f: Function) -> Function:
    """What runs the elements of a generator expression: the function it stands in."""
    while f.kind is FunctionKind.GENEXP and f.parent is not None:
        f = world.function(f.parent)
    return f


def in_one_hop(site: Site) -> bool:
    """Whether a thread can do all that this site sets off: a lazy consumer would only start it."""
    if site.protocol is Protocol.CONSUME:
        return site.consumer in EAGER
    return site.protocol in THREADABLE


def bridge_allowed(world: World, site: Site) -> bool:
    """Whether a bridge may be written at this place of sync code."""
    if site.caller in world.held or not world.editable(site) or site.consumer in DRIVING:
        return False
    if site.protocol not in BRIDGEABLE or (site.path, site.span) in world.unwritable:
        return False
    reached = [world.function(t.function) for t in site.targets if t.function]
    if site.protocol is Protocol.CALL and any(is_constructor(f.name) for f in reached):
        return False
    if site.protocol is Protocol.CALL and not site.wrapper and any(map(enters, reached)):
        return False  # `x.__enter__()` has no such name any more
    return may_wait(world, site)


def may_wait(world: World, site: Site) -> bool:
    """Whether sync code at this place may wait for a coroutine, through a bridge or a facade."""
    caller = world.function(site.caller)
    if caller.kind is FunctionKind.CLASS or is_implicit(_around(world, caller)):
        return False
    if site.caller in world.interrupting or (site.path, site.span) in world.under_lock:
        return False
    if any(target.function in world.setting for target in site.targets):
        return False
    if caller.kind is FunctionKind.MODULE:
        return site.in_main_guard or site.path in world.scripts
    return True


def hold(world: World, fid: FunctionId, site: Site, why: str = "") -> bool:
    """Keep a function and its family sync, without bridges; True when that is new."""
    f = world.function(fid)
    text = f"{f.name} stays sync: {why or _why_held(world, site)}"
    grew = False
    for member in world.classes.get(fid, (fid,)):
        if member not in world.held and not world.function(member).is_async:
            world.held[member] = Cause("held", text, site.path, site.span[0], site.caller)
            grew = True
    return grew


def _why_held(world: World, site: Site) -> str:
    caller = world.function(site.caller)
    if site.protocol is Protocol.DECORATOR:
        return f"`@{site.text}` runs it where nothing is awaited"
    if caller.kind in (FunctionKind.MODULE, FunctionKind.CLASS):
        return f"{caller.path} calls it while it is imported"
    if any(t.function in world.setting for t in site.targets) and not world.in_async(site.caller):
        return f"it sets a context variable, which {caller.name} would not see through a bridge"
    if site.caller in world.interrupting:
        return f"{caller.name} is a handler that can run while the loop does"
    if is_implicit(_around(world, caller)):
        return f"{caller.name} calls it, which can run anywhere, on the event loop as well"
    if (site.path, site.span) in world.under_lock and not world.in_async(site.caller):
        return f"{caller.name} calls it while a lock is held: the loop may need that lock"
    if (site.path, site.span) in world.unwritable:
        return f"{caller.name} needs it where neither `await` nor a bridge can be written"
    if world.in_async(site.caller):
        return f"`{site.text}` in {caller.name} can also reach a library call that stays sync"
    if site.protocol not in BRIDGEABLE:
        return f"{caller.name} reaches it by {site.protocol} and stays sync"
    return f"{caller.name} needs it and stays sync"


def reaches(site: Site, f: Function) -> bool:
    """Whether this site runs the body of sync function `f`."""
    if site.protocol not in REACHING:
        return False
    if f.is_generator and not f.is_contextmanager:
        return site.protocol in ITERATING
    return True


def pin(world: World, fid: FunctionId, cause: Cause) -> bool:
    """Keep a function sync that had turned; it may bridge.  True when that is new."""
    while world.function(fid).kind is FunctionKind.GENEXP:
        parent = world.function(fid).parent
        if parent is None:
            break
        fid = parent
    if fid in world.kept or fid not in world.turned:
        return False
    world.kept[fid] = cause
    return True
