"""Is it worth it?  For each entry point: which calls wait, through which chain, and what helps.

`scan_report` is pure: a call graph in, a frozen report out.  It follows the calls that are certain
or likely; what only a name connects is not counted as reached.
"""

from __future__ import annotations

import enum
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from asyncshift.codemod import Kind, Registry
from asyncshift.model import (
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Project,
    Protocol,
    Site,
    Span,
)
from asyncshift.pins import entry_functions, pins

NOT_REACHING = frozenset(
    {Protocol.ANNOTATION, Protocol.EXCEPT, Protocol.BASE, Protocol.IMPORT, Protocol.TRUTH}
)
FANS_OUT = re.compile(r"(concurrent\.futures|threading|multiprocessing)\b")
WEB = re.compile(
    r"\.(route|get|post|put|patch|delete|head|websocket|api_route|before_request|after_request)$"
)
TESTS = re.compile(r"(^|/)(tests?/|conftest\.py$|test_[^/]*\.py$|[^/]*_test\.py$)")


class Fate(enum.StrEnum):
    """What can become of a call that waits."""

    ASYNC = "async"
    THREAD = "thread"
    STAYS = "stays"


class EntryKind(enum.StrEnum):
    """How an entry point is started."""

    ASYNC = "async function"
    WEB = "web handler"
    SCRIPT = "script"
    COMMAND = "command"
    IMPORT = "module body"
    PUBLIC = "public function"


class Worth(enum.StrEnum):
    """The plain answer for one entry point."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Step:
    """One function on the way down, and the line in it that goes on."""

    name: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Blocking:
    """A call that waits, as one entry point reaches it."""

    api: str
    text: str
    path: str
    line: int
    column: int
    fate: Fate
    reason: str
    steps: Callable[[], tuple[Step, ...]] = field(repr=False, compare=False)

    @property
    def chain(self) -> tuple[Step, ...]:
        """The shortest way down from the entry point, walked only when it is shown."""
        return self.steps()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry point with everything it reaches."""

    kind: EntryKind
    name: str
    path: str
    line: int
    why: str
    worth: Worth
    verdict: str
    fans_out: bool
    reached: tuple[Blocking, ...]


Wait = tuple[str, Fate, str]
"""The library name that waits, its fate and why."""
Down = tuple[Site, Wait | None, tuple[FunctionId, ...]]
"""A place, what waits there, and the functions that it reaches and from which something that waits
is reached."""
_Came = dict[FunctionId, tuple[FunctionId, Site | None] | None]
"""How a walk came to each function: from which one, through which place."""


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What `scan` says.  `entries` are ranked: what gains most comes first."""

    root: str
    files: int
    functions: int
    answer: tuple[str, ...]
    entries: tuple[Entry, ...]
    sites: Mapping[str, int]
    """How many places wait, by fate."""
    libraries: Mapping[str, int]
    """How many places wait, by library name."""
    unreached: int
    """Places that wait and that no entry point was seen to reach."""


def scan_report(project: Project, graph: Graph, registry: Registry) -> ScanReport:
    """The report for the selected files of a project."""
    world = _World(project, graph, registry)
    entries = sorted(world.entries(), key=_rank)
    seen = {(b.path, b.line, b.column) for entry in entries for b in entry.reached}
    sites: dict[str, int] = {str(fate): 0 for fate in Fate}
    libraries: dict[str, int] = defaultdict(int)
    unreached = 0
    for place, found in world.blocking_places().items():
        sites[found[1]] += 1
        libraries[found[0]] += 1
        unreached += place not in seen
    return ScanReport(
        root=project.root,
        files=len(world.selected),
        functions=sum(
            f.kind is FunctionKind.FUNCTION and f.path in world.selected
            for f in graph.functions.values()
        ),
        answer=_answer(entries, sites, unreached),
        entries=tuple(entries),
        sites=sites,
        libraries=dict(sorted(libraries.items(), key=lambda item: (-item[1], item[0]))),
        unreached=unreached,
    )


# ----------------------------------------------------------------------------- the graph, indexed


class _World:
    """The graph as this report walks it."""

    def __init__(self, project: Project, graph: Graph, registry: Registry) -> None:
        self.graph, self.project, self.registry = graph, project, registry
        self.selected = {file.path for file in project.files if file.selected}
        self.pinned = pins(graph, project, registry)
        self.started = entry_functions(graph, project)
        self.out: dict[FunctionId, list[Site]] = defaultdict(list)
        self.inner: dict[FunctionId, list[FunctionId]] = defaultdict(list)
        self.called: set[FunctionId] = set()
        for site in graph.sites:
            if site.certainty is not Certainty.UNKNOWN and site.protocol not in NOT_REACHING:
                self.out[site.caller].append(site)
                if not TESTS.search(site.path):
                    own = {site.caller}
                    self.called |= {t.function for t in site.targets if t.function} - own
        for f in graph.functions.values():
            if f.kind is FunctionKind.GENEXP and f.parent is not None:
                self.inner[f.parent].append(f.id)
        self.waits: dict[tuple[str, Span], tuple[str, Fate, str]] = {}
        waiting: set[FunctionId] = set()
        for site in graph.sites:
            if (found := self._blocking(site)) is not None:
                self.waits.setdefault((site.path, site.span), found)
                waiting.add(site.caller)
        self.reaching = self._reaching(waiting)
        self.below: dict[FunctionId, list[Down]] = {}
        self.fanning = set(self._fanning())

    def _blocking(self, site: Site) -> tuple[str, Fate, str] | None:
        """The library name that waits at a place, its fate and why; None where nothing waits."""
        if site.awaited or site.certainty is Certainty.UNKNOWN:
            return None
        for target in site.targets:
            treatment = self.registry.treatment(target.api, site.protocol) if target.api else None
            if target.api is None or treatment is None or not treatment.blocks:
                continue
            match treatment.kind:
                case Kind.AWAITABLE | Kind.ENTERED | Kind.ITERATED:
                    pin = self.pinned.get(site.caller)
                    if pin is not None and site.caller not in self.started:
                        return target.api, Fate.STAYS, pin.text
                    return target.api, Fate.ASYNC, ""
                case Kind.BLOCKING:
                    return target.api, Fate.THREAD, treatment.reason
                case Kind.REFUSED:
                    return target.api, Fate.THREAD, treatment.reason
                case Kind.PLAIN | Kind.SAME:
                    continue
        return None

    def _reaching(self, waiting: set[FunctionId]) -> set[FunctionId]:
        """Functions from which any waiting call can be reached: the rest need no walk."""
        above: dict[FunctionId, set[FunctionId]] = defaultdict(set)
        for caller, sites in self.out.items():
            for site in sites:
                for target in site.targets:
                    if target.function:
                        above[target.function].add(caller)
        for parent, children in self.inner.items():
            for child in children:
                above[child].add(parent)
        found = set(waiting)
        queue = deque(found)
        while queue:
            for caller in above[queue.popleft()] - found:
                found.add(caller)
                queue.append(caller)
        return found

    def blocking_places(self) -> dict[tuple[str, int, int], tuple[str, Fate]]:
        """Every waiting place of the selected files, once."""
        return {
            (path, span[0], span[1]): (api, fate)
            for (path, span), (api, fate, _) in self.waits.items()
            if path in self.selected
        }

    def _fanning(self) -> Iterator[FunctionId]:
        """Functions that hand work to threads or processes."""
        lines: dict[str, list[int]] = defaultdict(list)
        for escape in self.graph.escapes:
            if FANS_OUT.match(escape.to):
                lines[escape.path].append(escape.span[0])
        inside: dict[str, list[Function]] = defaultdict(list)
        for f in self.graph.functions.values() if lines else ():
            if f.path in lines and f.kind is FunctionKind.FUNCTION:
                inside[f.path].append(f)
        for path, places in lines.items():
            for line in places:
                around = [f for f in inside[path] if f.span[0] <= line <= f.span[2]]
                yield max(around, key=lambda f: f.span).id if around else f"{path}:0"

    # ------------------------------------------------------------------------- entries

    def entries(self) -> Iterator[Entry]:
        """Every entry point of the selected files; public functions only where they wait."""
        for f in self.graph.functions.values():
            if f.path not in self.selected or TESTS.search(f.path):
                continue
            if f.kind is FunctionKind.MODULE:
                yield from self._module_entries(f)
            elif f.kind is FunctionKind.FUNCTION:
                kind, why = self._kind_of(f)
                if kind is None:
                    continue
                fans, reached = self._reach(f.id, self.out[f.id], stop_at_async=f.is_async)
                if reached or kind is EntryKind.COMMAND:
                    yield self._entry(kind, f, why, fans, reached)

    def _kind_of(self, f: Function) -> tuple[EntryKind | None, str]:
        if any(WEB.search(decorator) for decorator in f.decorators):
            return EntryKind.WEB, f"@{f.decorators[0]}"
        if f.is_async:
            return EntryKind.ASYNC, "is async already"
        if f.id in self.started:
            return EntryKind.COMMAND, self.started[f.id]
        private = any(part.startswith("_") for part in f.name.split("."))
        parent = self.graph.functions.get(f.parent or "")
        nested = parent is not None and parent.kind is FunctionKind.FUNCTION
        if private or nested or f.id in self.called:
            return None, ""
        return EntryKind.PUBLIC, "nothing in the project calls it"

    def _module_entries(self, module: Function) -> Iterator[Entry]:
        guarded = [site for site in self.out[module.id] if site.in_main_guard]
        plain = [
            site
            for site in self.out[module.id]
            if not site.in_main_guard and site.protocol is not Protocol.DECORATOR
        ]
        if guarded:
            fans, reached = self._reach(module.id, guarded)
            yield self._entry(
                EntryKind.SCRIPT, module, 'if __name__ == "__main__"', fans, reached, guarded[0]
            )
        if plain and module.id in self.reaching:
            fans, reached = self._reach(module.id, plain)
            if reached:
                why = "runs when the module is run or imported"
                yield self._entry(EntryKind.IMPORT, module, why, fans, reached, plain[0])

    def _entry(
        self,
        kind: EntryKind,
        f: Function,
        why: str,
        fans: bool,
        reached: tuple[Blocking, ...],
        site: Site | None = None,
    ) -> Entry:
        name = f.module if f.kind is FunctionKind.MODULE else f"{f.module}:{f.name}"
        line = site.span[0] if site else f.line
        worth, verdict = _verdict(kind, fans, reached)
        return Entry(kind, name, f.path, line, why, worth, verdict, fans, reached)

    def _reach(
        self, start: FunctionId, first: Iterable[Site], *, stop_at_async: bool = False
    ) -> tuple[bool, tuple[Blocking, ...]]:
        """Waiting calls below a function by the shortest chain, and whether work fans out."""
        came: _Came = {start: None}
        queue: deque[tuple[FunctionId, Iterable[Down]]] = deque([(start, self._down(first))])
        found: dict[tuple[str, int, int], Blocking] = {}
        fans = False
        while queue:
            fid, below = queue.popleft()
            fans = fans or fid in self.fanning
            for site, wait, targets in below:
                if wait is not None:
                    line, column = site.span[:2]
                    if (site.path, line, column) not in found:
                        api, fate, reason = wait
                        chain = partial(self._chain, came, fid, site)
                        found[site.path, line, column] = Blocking(
                            api, site.text, site.path, line, column, fate, reason, chain
                        )
                for target in targets:
                    if target not in came:
                        self._follow(target, (fid, site), came, queue, stop_at_async)
            for child in self.inner.get(fid, ()):
                if child in self.reaching and child not in came:
                    self._follow(child, (fid, None), came, queue, stop_at_async)
        return fans, tuple(found.values())

    def _down(self, sites: Iterable[Site]) -> list[Down]:
        """Of some places those that wait, or that lead to where something waits."""
        found = []
        for site in sites:
            reached = (target.function for target in site.targets)
            targets = tuple(fid for fid in reached if fid is not None and fid in self.reaching)
            wait = self.waits.get((site.path, site.span))
            if targets or wait is not None:
                found.append((site, wait, targets))
        return found

    def _follow(
        self,
        fid: FunctionId,
        through: tuple[FunctionId, Site | None],
        came: _Came,
        queue: deque[tuple[FunctionId, Iterable[Down]]],
        stop_at_async: bool,
    ) -> None:
        """Go down to a function once.  Other async functions are entry points of their own."""
        if stop_at_async and self.graph.functions[fid].is_async:
            return
        came[fid] = through
        if fid not in self.below:
            self.below[fid] = self._down(self.out[fid])
        queue.append((fid, self.below[fid]))

    def _chain(self, came: _Came, fid: FunctionId, site: Site) -> tuple[Step, ...]:
        """The steps from where a walk began to a place in a function that it reached."""
        steps = [Step(_name(self.graph.functions[fid]), site.path, site.span[0])]
        while (through := came[fid]) is not None:
            fid, passed = through
            if passed is not None:
                name = _name(self.graph.functions[fid])
                steps.append(Step(name, passed.path, passed.span[0]))
        return tuple(reversed(steps))


def _name(f: Function) -> str:
    return f.module if f.kind is FunctionKind.MODULE else f"{f.module}:{f.name}"


# ----------------------------------------------------------------------------- the answers


def _verdict(kind: EntryKind, fans: bool, reached: tuple[Blocking, ...]) -> tuple[Worth, str]:
    """The plain word for one entry point."""
    count = len(reached)
    twins = sum(b.fate is Fate.ASYNC for b in reached)
    threads = sum(b.fate is Fate.THREAD for b in reached)
    if not reached:
        return Worth.NO, "async brings nothing: it reaches no call that is known to wait"
    if kind is EntryKind.ASYNC:
        word = "a call that blocks" if count == 1 else f"{count} calls that block"
        return Worth.YES, f"worth it: {word} the event loop for every other task"
    if fans and threads < count:
        text = "worth it: it fans out into threads that wait; one event loop can carry them all"
        return Worth.YES, text + ", once the pool is replaced by asyncio.gather"
    if not twins and not threads:
        return Worth.NO, "async brings nothing: every call that waits has to stay as it is"
    if not twins:
        return Worth.NO, "async brings little: only threads help here, and those work without it"
    if kind is EntryKind.WEB:
        return Worth.YES, "worth it: one process can serve many requests while these calls wait"
    if kind in (EntryKind.SCRIPT, EntryKind.COMMAND, EntryKind.IMPORT):
        text = "not faster by itself: one call after the other takes the same time in async; "
        return Worth.MAYBE, text + "it pays once you let calls overlap (asyncio.gather, TaskGroup)"
    return Worth.MAYBE, "worth it where callers serve many at once; one call alone gains nothing"


def _answer(entries: list[Entry], sites: Mapping[str, int], unreached: int) -> tuple[str, ...]:
    """The first lines of the report."""
    total = sum(sites.values())
    if not total:
        return (
            "No: nothing here waits in a way asyncshift knows. What a library that it does not "
            "know does is a row in a table of your own (docs/tables.md).",
        )
    by_worth = {worth: [e for e in entries if e.worth is worth] for worth in Worth}
    if by_worth[Worth.YES]:
        names = _some([entry.name for entry in by_worth[Worth.YES]])
        first = f"Yes, for {names}."
    elif by_worth[Worth.MAYBE]:
        first = "It depends: the calls can wait together, but nothing here overlaps them yet."
    else:
        first = "Hardly: what waits here has no async twin, or nothing starts it."
    twins, threads, stays = (sites[fate] for fate in Fate)
    lines = [
        first,
        f"{_calls(total)} in these files: {twins} with an async twin, {threads} only in a "
        f"thread, {stays} staying sync.",
    ]
    if nothing := [entry.name for entry in by_worth[Worth.NO] if not entry.reached]:
        lines.append(f"Async brings nothing to {_some(nothing)}: only computing there.")
    if unreached:
        verb = "is" if unreached == 1 else "are"
        lines.append(f"{_calls(unreached)} {verb} reached from no entry point that was seen.")
    return tuple(lines)


def _calls(count: int) -> str:
    return "1 call that waits" if count == 1 else f"{count} calls that wait"


def _some(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - 3} more" if len(unique) > 3 else ""
    return ", ".join(unique[:3]) + more


def _rank(entry: Entry) -> tuple[int, int, int, str, int]:
    worth = list(Worth).index(entry.worth)
    kind = list(EntryKind).index(entry.kind)
    return worth, kind, -len(entry.reached), entry.path, entry.line
