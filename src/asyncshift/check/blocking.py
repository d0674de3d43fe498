"""Parts B, C and D of the await check: what blocks the loop, with the chain that leads there.

From each place that waits the search goes up through sync functions to the nearest async ones; a
thread in between ends it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from asyncshift.check import outside
from asyncshift.check.coroutines import Analysis
from asyncshift.check.findings import BLOCKS, BRIDGE, NESTED, UNKNOWN, Finding
from asyncshift.check.values import Step
from asyncshift.codemod import Kind, Registry
from asyncshift.model import (
    BRIDGES,
    THREADS,
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Protocol,
    Site,
    Span,
)
from asyncshift.world import reaches

WAITING = frozenset({Kind.AWAITABLE, Kind.ENTERED, Kind.ITERATED, Kind.BLOCKING})
NAMED = frozenset(
    {Protocol.VALUE, Protocol.ANNOTATION, Protocol.EXCEPT, Protocol.BASE, Protocol.IMPORT}
)
"""Ways to name a function that do not call it."""
CALLING_BUILTINS = frozenset(
    {"sorted", "min", "max", "functools.reduce", "re.sub", "re.subn", "list.sort", "map", "filter",
     "itertools.groupby", "itertools.takewhile", "itertools.dropwhile", "itertools.starmap"}
)  # fmt: skip
"""They call the function they are given on the spot."""
RUNNERS = frozenset({"asyncio.run", "asyncio.runners.run"})


@dataclass(slots=True)
class Reach:
    """The graph upwards: who runs the body of a function, and at which line."""

    analysis: Analysis
    graph: Graph
    registry: Registry
    above: dict[FunctionId, list[tuple[FunctionId, Step]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    below: set[FunctionId] = field(default_factory=set)
    """Functions that some async function reaches, and the async ones themselves."""


def blocking(analysis: Analysis) -> Iterator[Finding]:
    """Everything that waits below an async function without a thread in between."""
    graph = analysis.graph
    reach = _reach(analysis)
    places: dict[tuple[str, int, int, str], Site] = {}
    words: dict[tuple[str, int, int, str], str] = {}
    for site in graph.sites:
        found = _waits(site, reach)
        if found is not None:
            rule, word = found
            span = site.wrapper_span or site.span
            key = (site.path, span[0], span[1], rule)
            places.setdefault(key, site)
            words.setdefault(key, word)
    for key, site in places.items():
        yield from _finding(reach, site, key, words[key])


def unknown_calls(graph: Graph) -> Iterator[Finding]:
    """Calls that only a name connects with an async function, and that are not awaited."""
    for site in graph.sites:
        if site.certainty is not Certainty.UNKNOWN or site.awaited or site.wrapper:
            continue
        if site.asked:
            continue
        if site.protocol is not Protocol.CALL or not site.targets:
            continue
        targets = [graph.functions[t.function] for t in site.targets if t.function]
        if targets and all(f.is_async and not f.is_generator for f in targets):
            names = ", ".join(sorted({f.name for f in targets})[:3])
            text = f"`{site.text}(...)` is not awaited and may be the async {names}"
            line, column = site.span[:2]
            way = "say what the receiver is with an annotation, or await it"
            yield Finding(site.path, line, column, UNKNOWN, text, way, listed=True)


# ----------------------------------------------------------------------------- places that wait


def _waits(site: Site, reach: Reach) -> tuple[str, str] | None:
    """(rule, what waits) of a place; None for most."""
    if site.certainty is Certainty.UNKNOWN or site.protocol in NAMED:
        return None
    if site.wrapper in BRIDGES:
        return BRIDGE, f"{site.wrapper}({site.text}(...))"
    if site.wrapper in ("run", "asyncio.run"):
        return NESTED, f"asyncio.run({site.text}(...))"
    if site.awaited or site.wrapper:
        return None
    for target in site.targets:
        if target.api is None:
            continue
        if target.api.startswith("_run_sync.") and target.api.rpartition(".")[2] in BRIDGES:
            return BRIDGE, target.api.rpartition(".")[2]
        if target.api in RUNNERS and site.protocol is Protocol.CALL:
            return NESTED, target.api
        treatment = reach.registry.treatment(target.api, site.protocol)
        if (
            treatment is not None
            and not treatment.pooled
            and (
                treatment.waits
                or (treatment.affine == "instance" and not target.api.endswith(".close"))
                or (treatment.blocks and treatment.kind in WAITING)
            )
        ):
            return BLOCKS, target.api
    return None


def _finding(
    reach: Reach, site: Site, place: tuple[str, int, int, str], word: str
) -> Iterator[Finding]:
    _, line, column, rule = place
    found = _nearest(reach, site)
    if not found:
        return
    first, *others = found
    name = first[0].name
    between = len(first[1]) - 2
    through = f" through {between} more" if between > 0 else ""
    text = {
        BLOCKS: f"`{word}` blocks the event loop: the async {name} reaches it{through}",
        BRIDGE: f"a bridge, `{word}`, on the event loop: the async {name} reaches it{through}",
        NESTED: f"`{word}` raises on the event loop: the async {name} reaches it{through}",
    }[rule]
    way = {
        BLOCKS: "use an async twin, or put the call into a thread: `await asyncio.to_thread(...)`",
        BRIDGE: "await the coroutine itself, or put the sync function into a thread: "
        "`await in_thread(...)`",
        NESTED: "await the coroutine itself",
    }[rule]
    also = tuple(Step(f.name, f.path, f.line) for f, _ in others)
    yield Finding(site.path, line, column, rule, text, way, first[1], also)


def _nearest(reach: Reach, site: Site) -> list[tuple[Function, tuple[Step, ...]]]:
    """The async functions that reach a place through sync ones, each with its shortest chain."""
    graph = reach.graph
    start = site.caller
    if start not in reach.below:
        return []
    steps: dict[FunctionId, tuple[Step, ...]] = {
        start: (Step(_name(graph.functions[start]), site.path, site.span[0]),)
    }
    queue = deque([start])
    found = []
    while queue:
        fid = queue.popleft()
        f = graph.functions[fid]
        if f.is_async and f.kind is FunctionKind.FUNCTION:
            found.append((f, steps[fid]))
            continue
        if fid != start and f.kind is FunctionKind.FUNCTION and reach.analysis.asks(fid):
            continue  # it does this only where no loop runs
        for caller, step in reach.above.get(fid, ()):
            if caller not in steps and caller in reach.below:
                more = (step,) if step.name else ()
                steps[caller] = (*more, *steps[fid])
                queue.append(caller)
    return found


def _name(f: Function) -> str:
    return f.module if f.kind is FunctionKind.MODULE else f.name


# ----------------------------------------------------------------------------- the way up


def _reach(analysis: Analysis) -> Reach:
    graph = analysis.graph
    reach = Reach(analysis, graph, analysis.registry)
    for site in graph.sites:
        if site.certainty is Certainty.UNKNOWN or site.wrapper in THREADS:
            continue
        targets = [graph.functions[t.function] for t in site.targets if t.function]
        # Of a sync and an async twin, async code means the async one.
        twins = any(f.is_async for f in targets) and site.protocol is Protocol.CALL
        for f in targets:
            if f.is_async or twins or not reaches(site, f) or _off_loop(site, f):
                continue
            if site.awaited and not analysis.gives_coroutine(f.id):
                continue
            _link(reach, f.id, site.caller, site)
    threaded = {t.function for site in graph.sites if site.wrapper in THREADS for t in site.targets}
    for f in graph.functions.values():
        if f.kind is FunctionKind.GENEXP and f.parent is not None and f.id not in threaded:
            reach.above[f.id].append((f.parent, Step("", f.path, f.line)))
    _callbacks(reach)
    reach.below = _below(reach)
    return reach


def _below(reach: Reach) -> set[FunctionId]:
    """Everything whose way up can end at an async function."""
    down: dict[FunctionId, list[FunctionId]] = defaultdict(list)
    for fid, callers in reach.above.items():
        for caller, _ in callers:
            down[caller].append(fid)
    found = {f.id for f in reach.graph.functions.values() if f.is_async}
    queue = deque(found)
    while queue:
        for fid in down.get(queue.popleft(), ()):
            if fid not in found:
                found.add(fid)
                queue.append(fid)
    return found


def _link(reach: Reach, fid: FunctionId, caller: FunctionId, site: Site) -> None:
    step = Step(_name(reach.graph.functions[caller]), site.path, site.span[0])
    reach.above[fid].append((caller, step))


def _off_loop(site: Site, f: Function) -> bool:
    """`pool.submit(f)`: the graph says that f is called there, and it is, by another thread."""
    head, _, last = site.text.rpartition(".")
    if last not in outside.OFF_LOOP or f.name.rpartition(".")[2] == last:
        return False
    return bool(head) or last in outside.HOPS


def _callbacks(reach: Reach) -> None:
    """Functions handed to builtins that call them on the spot, or to the loop."""
    inside: dict[str, list[Function]] = defaultdict(list)
    for f in reach.graph.functions.values():
        if f.kind in (FunctionKind.FUNCTION, FunctionKind.LAMBDA):
            inside[f.path].append(f)
    for escape in reach.graph.escapes:
        last = escape.to.rpartition(".")[2]
        if escape.function is None or not (
            escape.to in CALLING_BUILTINS or last in outside.ON_LOOP
        ):
            continue
        caller = _innermost(inside[escape.path], escape.span)
        if caller is not None and not reach.graph.functions[escape.function].is_async:
            step = Step(caller.name, escape.path, escape.span[0])
            reach.above[escape.function].append((caller.id, step))


def _innermost(functions: list[Function], span: Span) -> Function | None:
    found = [f for f in functions if f.span[:2] <= span[:2] and span[2:] <= f.span[2:]]
    return max(found, key=lambda f: f.span[:2]) if found else None
