"""The order of a migration: modules that go together, waves that fit one review, what each gains.

`roadmap` is pure: a goal and a scan in, a frozen report out.  Upwards a module comes after those
whose coroutines it awaits, downwards before them; either way the modules with async callers of what
turns come first, because nothing but a thread can stand between.  Modules in a circle go together.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from asyncshift.changesets import components
from asyncshift.codemod import Kind
from asyncshift.facades import is_nested, is_public, unfit
from asyncshift.goal import Goal
from asyncshift.model import (
    Action,
    Decision,
    Function,
    FunctionId,
    FunctionKind,
    Protocol,
    Severity,
)
from asyncshift.pins import is_test_file
from asyncshift.profiles import Waits
from asyncshift.report.scan import Blocking, Entry, EntryKind, Fate, ScanReport
from asyncshift.slices import NO_INSTANCE, raising

REVIEW = 120
"""Changed places that one review takes: half an hour of reading."""
_NO_CALL = frozenset({Action.MAKE_ASYNC, Action.RENAME, Action.SPLIT_ENTRY, Action.DROP_FACADE})
_TIDYING = frozenset({Action.DROP_FACADE, Action.RENAME, Action.RETARGET, Action.RUN})
"""What the last step does in files that are migrated."""
_SERVED = (EntryKind.WEB, EntryKind.ASYNC)


@dataclass(frozen=True, slots=True)
class Spot:
    """A line to look at, and why."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class ModulePlan:
    """What the step that selects a module does in it."""

    module: str
    path: str
    turns: tuple[str, ...]
    """Functions that become async."""
    places: int
    """Calls, loops, imports and other places that are edited."""
    facades: tuple[str, ...]
    """Functions that keep their sync name beside."""
    facades_gone: tuple[str, ...]
    """Facades of earlier steps, as `module:function`, whose last caller turns here."""
    threads: int
    """Calls that go to threads because what they reach turns in a later step."""
    threads_gone: int
    """Threads of earlier steps that this one takes away."""
    threads_kept: int
    """Calls that stay in threads: what they reach has no async form."""
    bridges: int
    """Calls by functions that stay sync for good."""
    public: tuple[str, ...]
    """Public functions that callers outside of the tree will have to await in the end."""
    looks: tuple[Spot, ...]
    refused: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class Gain:
    """An entry point whose calls leave the loop with a wave."""

    entry: str
    kind: EntryKind
    calls: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Wave:
    """Steps that fit one review."""

    number: int
    steps: tuple[tuple[ModulePlan, ...], ...]
    size: int
    """Functions that turn, and places that are edited."""
    awaitable: int
    """Blocking calls of its modules that are awaited afterwards."""
    gains: tuple[Gain, ...]
    seconds: float | None
    """What the profile saw the calls of its modules wait."""

    @property
    def modules(self) -> tuple[ModulePlan, ...]:
        return tuple(module for step in self.steps for module in step)


@dataclass(frozen=True, slots=True)
class Order:
    """One way through all modules."""

    direction: str
    waves: tuple[Wave, ...]


@dataclass(frozen=True, slots=True)
class Roadmap:
    """What `plan` says."""

    root: str
    proposed: str
    why: str
    orders: Mapping[str, Order]
    tests: int
    """Tests and fixtures that turn with the last step, over everything."""
    last: tuple[str, ...]
    """Functions, as `module:function`, that turn only then: nothing sync can stand beside them."""
    facades_left: int
    """Facades that the last step takes away, when no call in sight needs them."""
    looks: tuple[Spot, ...]
    """Places to look in files that do not turn."""
    refused: tuple[Spot, ...]
    seconds: float | None
    """Length of the profile."""

    @property
    def turns(self) -> int:
        return sum(len(m.turns) for w in self.orders["up"].waves for m in w.modules)


def roadmap(
    goal: Goal, scan: ScanReport, waits: Waits | None = None, size: int = REVIEW
) -> Roadmap:
    """Both orders of a goal, `size` places in a wave."""
    view = _View(goal, scan, waits)
    proposed, why = _proposal(scan)
    orders = {name: Order(name, tuple(_waves(view, name, size))) for name in ("up", "down")}
    planned = {m.path for order in orders.values() for w in order.waves for m in w.modules}
    return Roadmap(
        root=goal.project.root,
        proposed=proposed,
        why=why,
        orders=orders,
        tests=sum(is_test_file(view.path_of(fid)) for fid in view.turning | view.last),
        last=tuple(view.last_names()),
        facades_left=sum(len(names) for names in view.public.values())
        + sum(d.action is Action.DROP_FACADE for d in goal.plan.decisions),
        looks=tuple(s for path, found in sorted(view.looks.items()) if path not in planned
                    for s in found),
        refused=tuple(s for path, found in sorted(view.refused.items()) if path not in planned
                      for s in found),
        seconds=waits.total if waits is not None else None,
    )  # fmt: skip


def _proposal(scan: ScanReport) -> tuple[str, str]:
    served = [entry for entry in scan.entries if entry.kind in _SERVED and entry.reached]
    if not served:
        return (
            "up",
            "nothing here serves requests; leaves first, each step is complete in itself",
        )
    word = "1 handler waits" if len(served) == 1 else f"{len(served)} handlers wait"
    return (
        "down",
        f"{word} below an event loop or a web framework: from the handlers downwards "
        "each step frees the loop at once, with threads that the next steps dissolve",
    )


# ----------------------------------------------------------------------------- the goal, indexed


class _View:
    """A goal by modules."""

    def __init__(self, goal: Goal, scan: ScanReport, waits: Waits | None) -> None:
        self.goal, self.scan, self.waits = goal, scan, waits
        self.world, self.plan = goal.world, goal.plan
        self.functions = goal.graph.functions
        self.modules = {file.path: file.module for file in goal.project.files if file.selected}
        turning = {d.owner for d in goal.plan.decisions if _turns(d)}
        self.last = frozenset(self._last(turning))
        self.turning = frozenset(turning - self.last)
        self.threading = frozenset(self._threading())
        self.turning_in, self.threading_in = (
            self._by_path(found) for found in (self.turning, self.threading)
        )
        self.decisions: dict[str, list[Decision]] = defaultdict(list)
        for decision in goal.plan.decisions:
            self.decisions[decision.path].append(decision)
        turning = {p for p in self.modules if self._is_planned(p)}
        self.kept_in = {"up": turning, "down": turning | self.threading_in.keys()}
        self.kept = self.kept_in["down"]
        self.awaits = frozenset(self._awaits())
        self.callers: dict[FunctionId, set[str]] = defaultdict(set)
        for caller, callee in self.awaits:
            self.callers[callee].add(self.path_of(caller))
        self.borders = frozenset(self._borders())
        self.public = {path: names for path in self.kept if (names := self._public(path))}
        self.looks: dict[str, list[Spot]] = defaultdict(list)
        for message in goal.plan.messages:
            if message.severity in (Severity.LOOK, Severity.WARNING):
                self.looks[message.path].append(Spot(message.path, message.line, message.text))
        self.refused: dict[str, list[Spot]] = defaultdict(list)
        for refusal in goal.plan.refusals:
            spot = Spot(refusal.path, refusal.span[0], refusal.reason)
            self.refused[refusal.path].append(spot)
        self.waiting = {(b.path, b.line, b.column): b for e in scan.entries for b in e.reached}
        self.seconds = self._seconds()

    def path_of(self, fid: FunctionId) -> str:
        return self.functions[fid].path

    def _last(self, turning: Collection[FunctionId]) -> set[FunctionId]:
        """Functions that only the step over everything turns: public ones that cannot keep a sync
        form beside, and what turns for nothing else."""
        world, plan = self.world, self.plan
        held = {
            member
            for fid in turning
            for member in world.classes.get(fid, (fid,))
            if not self.keeps_form(self.functions[fid])
        }
        above: dict[FunctionId, set[FunctionId]] = defaultdict(set)
        found: set[FunctionId] = set()
        for decision in plan.decisions:
            owner, below = decision.owner, decision.cause.because
            if owner in turning and not _turns(decision) and decision.site is not None:
                if below in turning and below is not None:
                    above[below].add(owner)
                else:
                    found.add(owner)
        for fid in turning:
            for member in world.classes.get(fid, ()):
                above[member].add(fid)
        found -= held
        queue = sorted(found)
        while queue:
            for caller in above[queue.pop()] - found - held:
                found.add(caller)
                queue.append(caller)
        return set(turning) - found

    def keeps_form(self, f: Function) -> bool:
        """Whether a step may turn a function although code that is not seen may call it."""
        if f.id in self.world.registered or f.id in self.world.pairs or f.id in self.world.entries:
            return True
        if not is_public(self.world, f) or is_test_file(f.path):
            return True
        return unfit(self.world, f.id) is None

    def _by_path(self, found: Collection[FunctionId]) -> dict[str, list[Function]]:
        by_path: dict[str, list[Function]] = defaultdict(list)
        for f in sorted((self.functions[fid] for fid in found), key=lambda f: f.span):
            by_path[f.path].append(f)
        return dict(by_path)

    def _is_planned(self, path: str) -> bool:
        """Whether a step has something to do in a file before the last one tidies up."""
        found = self.decisions.get(path, ())
        return not is_test_file(path) and any(d.action not in _TIDYING for d in found)

    def _threading(self) -> Iterator[FunctionId]:
        """Functions that turn on the way down although nothing awaitable is below them: they hand
        what blocks to a thread."""
        world = self.world
        for fid in sorted(world.blocking - world.kept.keys() - world.held.keys()):
            f = world.function(fid)
            fits = f.kind is FunctionKind.FUNCTION and not f.is_async and not f.is_generator
            if fits and fid not in world.pairs and not is_test_file(f.path):
                yield fid

    def _awaits(self) -> Iterator[tuple[FunctionId, FunctionId]]:
        """Caller and callee in two modules, where the callee turns."""
        kept = self.kept_in["up"]
        for decision in self.plan.decisions:
            below = decision.cause.because
            if below is None or _turns(decision) or below not in self.turning:
                continue
            caller, callee = self.functions[decision.owner], self.functions[below]
            if caller.path != callee.path and {caller.path, callee.path} <= kept:
                yield caller.id, callee.id

    def last_names(self) -> Iterator[str]:
        for fid in sorted(self.last):
            f = self.functions[fid]
            if not is_test_file(f.path):
                yield f"{f.module}:{f.name}"

    def has_sync_form(self, caller: FunctionId, callee: FunctionId) -> bool:
        """Whether a caller can go on as it is when only the callee turns."""
        return not self.functions[caller].is_async and self.fits(self.functions[callee])

    def _borders(self) -> Iterator[tuple[str, str]]:
        """Files that must not be migrated before others: what flows from a client is used there,
        its errors are caught or its classes are named there."""
        kept, groups = self.kept_in["up"], self.world.groups
        users: dict[str, set[str]] = defaultdict(set)
        makers: dict[str, set[str]] = defaultdict(set)
        named: list[tuple[str, str]] = []
        for use in self.world.uses:
            site, target, treatment = use
            if site.path not in kept or not self.world.converted(use):
                continue
            if site.protocol is Protocol.EXCEPT:
                for group in raising(self.world, site, treatment.codemod):
                    named.append((group, site.path))
            elif site.protocol is Protocol.VALUE and treatment.kind is Kind.PLAIN:
                named.append((treatment.codemod, site.path))
            elif treatment.grouped and site.protocol not in NO_INSTANCE:
                users[groups.of(site, target)].add(site.path)
                makers[treatment.codemod].add(site.path)
        for found in users.values():
            for one in found:
                yield from ((one, other) for other in found if one != other)
        for name, outer in named:
            inside = users.get(name) or makers.get(name) or set()
            yield from ((inner, outer) for inner in inside if inner != outer)

    def _public(self, path: str) -> tuple[str, ...]:
        """Functions of a file that keep their sync name until everything is migrated."""
        return tuple(f.name for f in self.turning_in.get(path, ()) if self.keeps_name(f))

    def keeps_name(self, f: Function) -> bool:
        """Whether the sync form of a public function stands beside it in a step."""
        return is_public(self.world, f) and self.fits(f)

    def fits(self, f: Function) -> bool:
        if f.id in self.world.pairs or f.id in self.world.entries or is_nested(self.world, f.id):
            return False
        return unfit(self.world, f.id) is None

    def _seconds(self) -> dict[tuple[str, int, int], float]:
        """What the profile saw at each place that waits: a function's seconds in calls of a name,
        shared by its places of that name."""
        if self.waits is None:
            return {}
        owners: dict[tuple[FunctionId, str], list[tuple[str, int, int]]] = defaultdict(list)
        places = {(s.path, s.span[0], s.span[1]): s.caller for s in self.goal.graph.sites}
        for place, blocking in sorted(self.waiting.items()):
            if place in places:
                owners[places[place], blocking.api.rpartition(".")[2]].append(place)
        found = {}
        for (fid, name), shared in owners.items():
            seconds = self.waits.within(fid, frozenset({name}))
            found.update(dict.fromkeys(shared, seconds / len(shared)))
        return found

    def entry_turns(self, entry: Entry) -> bool:
        """Whether an entry point is async once its module is migrated."""
        fid = f"{entry.path}:{entry.line}"
        f = self.functions.get(fid)
        if entry.kind in (EntryKind.SCRIPT, EntryKind.IMPORT):
            return entry.kind is EntryKind.SCRIPT
        return f is not None and (f.is_async or fid in self.turning or fid in self.threading)


def _turns(decision: Decision) -> bool:
    if decision.action is Action.RENAME:
        return False
    return decision.action in (Action.MAKE_ASYNC, Action.SPLIT_ENTRY)


# ----------------------------------------------------------------------------- the order


def _steps(view: _View, direction: str) -> list[list[str]]:
    """Paths that are migrated together, in order.  Of what could be next, what waits longest in the
    profile comes first, then what has most calls that wait, then the name."""
    kept = view.kept_in[direction]
    needs: dict[str, set[str]] = {path: set() for path in sorted(kept)}
    for change in view.plan.change_sets:
        paths = sorted({view.functions[fid].path for fid in change.functions} & kept)
        for one, other in zip(paths, [*paths[1:], *paths[:1]], strict=True):
            if one != other:
                needs[one].add(other)
    for caller, callee in view.awaits:
        above, below = view.path_of(caller), view.path_of(callee)
        if direction == "up" and not view.functions[caller].is_async:
            needs[above].add(below)
        if direction == "down" or not view.has_sync_form(caller, callee):
            needs[below].add(above)
    for inner, outer in view.borders:
        needs[inner].add(outer)
    if direction == "down":
        for outer, inner in _threaded_calls(view):
            needs[inner].add(outer)
    graph = {path: sorted(found - {path}) for path, found in needs.items()}
    return list(_by_weight(view, direction, components(graph), graph))


def _threaded_calls(view: _View) -> Iterator[tuple[str, str]]:
    """Files of callers and callees between which threads are needed on the way down."""
    below = view.turning | view.threading
    for site in view.goal.graph.sites:
        if site.protocol is not Protocol.CALL or site.path not in view.kept or site.awaited:
            continue
        for target in site.targets:
            if target.function is not None and target.function in below:
                path = view.path_of(target.function)
                if path != site.path and path in view.kept:
                    yield site.path, path


def _by_weight(
    view: _View,
    direction: str,
    groups: Iterable[Collection[str]],
    needs: Mapping[str, Collection[str]],
) -> Iterator[list[str]]:
    found = [sorted(group) for group in groups]
    number = {path: i for i, group in enumerate(found) for path in group}
    missing = {
        i: {number[n] for path in group for n in needs[path]} - {i} for i, group in enumerate(found)
    }
    waiting_for: dict[int, list[int]] = defaultdict(list)
    for i, wanted in missing.items():
        for other in wanted:
            waiting_for[other].append(i)
    weights = _weights(view, direction)
    keys = {
        i: (-sum(weights[p][0] for p in group), -sum(weights[p][1] for p in group), group)
        for i, group in enumerate(found)
    }
    ready = [(keys[i], i) for i, wanted in missing.items() if not wanted]
    heapq.heapify(ready)
    while ready:
        _, i = heapq.heappop(ready)
        yield found[i]
        for other in waiting_for[i]:
            missing[other].discard(i)
            if not missing[other]:
                heapq.heappush(ready, (keys[other], other))


def _weights(view: _View, direction: str) -> Mapping[str, tuple[float, int]]:
    """Seconds and calls: upwards of the calls in a module, downwards of those below its entries."""
    seconds: dict[str, float] = defaultdict(float)
    calls: dict[str, int] = defaultdict(int)
    if direction == "up":
        for place in view.waiting:
            seconds[place[0]] += view.seconds.get(place, 0.0)
            calls[place[0]] += 1
    else:
        for entry in view.scan.entries:
            if entry.kind is not EntryKind.PUBLIC:
                seconds[entry.path] += _waited(view, entry.reached)
                calls[entry.path] += len(entry.reached)
    return {path: (round(seconds[path], 6), calls[path]) for path in view.kept}


def _waited(view: _View, reached: Iterable[Blocking]) -> float:
    return sum(view.seconds.get((b.path, b.line, b.column), 0.0) for b in reached)


# ----------------------------------------------------------------------------- waves


@dataclass(slots=True)
class _Making:
    """Waves in the making: steps are added while they fit."""

    size: int
    waves: list[list[tuple[ModulePlan, ...]]] = field(default_factory=list)
    room: int = 0

    def add(self, step: tuple[ModulePlan, ...]) -> None:
        cost = sum(map(_size, step))
        if not self.waves or cost > self.room:
            self.waves.append([])
            self.room = self.size
        self.waves[-1].append(step)
        self.room -= cost


def _size(module: ModulePlan) -> int:
    return len(module.turns) + module.places


def _waves(view: _View, direction: str, size: int) -> Iterator[Wave]:
    steps = _steps(view, direction)
    when = {path: i for i, step in enumerate(steps) for path in step}
    borders = _borders(view, when)
    making = _Making(size)
    for step in steps:
        making.add(tuple(_module(view, direction, path, borders[path]) for path in step))
    for number, made in enumerate(making.waves, start=1):
        paths = {module.path for step in made for module in step}
        places = [p for p in view.waiting if p[0] in paths]
        seconds = sum(view.seconds.get(p, 0.0) for p in places)
        yield Wave(
            number=number,
            steps=tuple(made),
            size=sum(_size(module) for step in made for module in step),
            awaitable=sum(view.waiting[p].fate is Fate.ASYNC for p in places),
            gains=tuple(_gains(view, paths)),
            seconds=None if view.waits is None else round(seconds, 3),
        )


def _gains(view: _View, paths: Collection[str]) -> Iterator[Gain]:
    """Entry points of these modules: with them the chain to each call is async, or in a thread."""
    found = []
    for entry in view.scan.entries:
        freed = [b for b in entry.reached if b.fate is not Fate.STAYS]
        if entry.path in paths and freed and view.entry_turns(entry):
            seconds = None if view.waits is None else round(_waited(view, freed), 3)
            found.append(Gain(entry.name, entry.kind, len(freed), seconds))
    yield from sorted(found, key=lambda g: (-(g.seconds or 0.0), -g.calls, g.entry))


@dataclass(slots=True)
class _Border:
    """What stands between the step of a file and those before and after."""

    facades: list[str] = field(default_factory=list)
    facades_gone: list[str] = field(default_factory=list)
    threads: int = 0
    threads_gone: int = 0


def _borders(view: _View, when: Mapping[str, int]) -> Mapping[str, _Border]:
    """A function needs a facade that is public, or that a later step calls; a private one loses it
    with the last of those.  A call waits in a thread for what a later step turns."""
    found = {path: _Border() for path in when}
    for path, functions in view.turning_in.items():
        for f in functions if path in when else ():
            if not view.fits(f):
                continue
            later = [p for p in view.callers.get(f.id, ()) if when[p] > when[path]]
            public = is_public(view.world, f)
            if public or later:
                found[path].facades.append(f.name)
            if later and not public:
                last = max(later, key=lambda p: (when[p], p))
                found[last].facades_gone.append(f"{f.module}:{f.name}")
    for caller, callee in view.awaits:
        above, below = view.path_of(caller), view.path_of(callee)
        if when[above] < when[below]:
            found[above].threads += 1
            found[below].threads_gone += 1
    return found


def _module(view: _View, direction: str, path: str, border: _Border) -> ModulePlan:
    turned = view.turning_in.get(path, [])
    if direction == "down":
        more = [f for f in view.threading_in.get(path, ()) if f.id not in view.turning]
        turned = sorted([*turned, *more], key=lambda f: f.span)
    decisions = view.decisions.get(path, ())
    public = (f for f in turned if f.id in view.turning and is_public(view.world, f))
    return ModulePlan(
        module=view.modules[path],
        path=path,
        turns=tuple(f.name for f in turned),
        places=len({(d.span, d.action) for d in decisions if d.action not in _NO_CALL}),
        facades=tuple(border.facades),
        facades_gone=tuple(sorted(border.facades_gone)),
        threads=border.threads,
        threads_gone=border.threads_gone,
        threads_kept=sum(d.action is Action.TO_THREAD for d in decisions),
        bridges=sum(d.action is Action.BRIDGE for d in decisions),
        public=tuple(f.name for f in public if f.id not in view.world.entries),
        looks=tuple(view.looks.get(path, ())),
        refused=tuple(view.refused.get(path, ())),
    )
