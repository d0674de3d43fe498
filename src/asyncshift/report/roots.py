"""Everything behind a decision: all roots of a function that turns, all reasons of one that stays,
and what becomes of the calls of one line."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from asyncshift.codemod import Registry
from asyncshift.model import (
    Action,
    Cause,
    Certainty,
    Decision,
    Function,
    FunctionId,
    Graph,
    Plan,
    Protocol,
    Site,
)
from asyncshift.world import ROOTS

_WAITING = frozenset(
    {
        Action.AWAIT,
        Action.ASYNC_WITH,
        Action.ASYNC_FOR,
        Action.ASYNC_COMPREHENSION,
        Action.ANEXT,
        Action.DELEGATE,
        Action.CONSUME,
        Action.UNWRAP,
    }
)
"""What makes a function wait for another one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One link on the way to a root: whose text, what it says, and where."""

    function: str
    text: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a line: what becomes of it, and why."""

    line: int
    column: int
    call: str
    verdict: str
    reason: str


def roots(
    graph: Graph, plan: Plan, registry: Registry, start: FunctionId
) -> tuple[tuple[Step, ...], ...]:
    """Every place that makes a function async, each with the shortest way to it."""
    if start not in plan.turned:
        return ()
    ends, ways = _reasons(graph, plan, registry)
    came: dict[FunctionId, tuple[FunctionId, Step] | None] = {start: None}
    queue = deque([start])
    found: list[tuple[Step, ...]] = []
    while queue:
        here = queue.popleft()
        found += [(*_way(came, here), end) for end in ends[here]]
        for step, below in ways[here]:
            if below not in came:
                came[below] = (here, step)
                queue.append(below)
    return tuple(found)


def _way(
    came: Mapping[FunctionId, tuple[FunctionId, Step] | None], here: FunctionId
) -> tuple[Step, ...]:
    steps: list[Step] = []
    while (link := came[here]) is not None:
        here, step = link
        steps.insert(0, step)
    return tuple(steps)


_Ways = Mapping[FunctionId, list[tuple[Step, FunctionId]]]


def _reasons(
    graph: Graph, plan: Plan, registry: Registry
) -> tuple[Mapping[FunctionId, list[Step]], _Ways]:
    """For each function that turns: what makes it async by itself, and which others do."""
    ends: dict[FunctionId, list[Step]] = defaultdict(list)
    ways: dict[FunctionId, list[tuple[Step, FunctionId]]] = defaultdict(list)
    for decision in plan.decisions:
        owner, below = decision.owner, decision.cause.because
        if owner not in plan.turned:
            continue
        if decision.action is Action.LIBRARY and _is_awaited(registry, decision):
            text = f"calls {decision.detail['api']}"
            ends[owner].append(_step(graph, owner, text, decision))
        elif decision.action in _WAITING and below is not None:
            name = graph.functions[below].name
            text = f"waits for {name}"
            if below in plan.turned:
                ways[owner].append((_step(graph, owner, text, decision), below))
            else:
                ends[owner].append(_step(graph, owner, f"{text}, which is async", decision))
    for fid in sorted(plan.turned):
        cause, f = plan.causes.get(fid), graph.functions[fid]
        if cause is None:
            continue
        here = Step(f.name, cause.text, cause.path, cause.line)
        if cause.because is None and not any(end.line == cause.line for end in ends[fid]):
            ends[fid].append(here)
        for other in f.family:
            if other in plan.turned:
                g = graph.functions[other]
                step = Step(f.name, f"turns together with {g.name}", g.path, g.line)
                ways[fid].append((step, other))
        if cause.because in plan.turned and not any(cause.because == b for _, b in ways[fid]):
            ways[fid].append((here, cause.because))
    return ends, ways


def _is_awaited(registry: Registry, decision: Decision) -> bool:
    if decision.site is None:
        return False
    found = registry.treatment(decision.detail["api"], decision.site.protocol)
    return found is not None and found.kind in ROOTS


def _step(graph: Graph, owner: FunctionId, text: str, decision: Decision) -> Step:
    return Step(graph.functions[owner].name, text, decision.path, decision.span[0])


def sync_callers(graph: Graph, plan: Plan, function: Function) -> Iterator[Cause]:
    """The calls of a function by code that stays sync, with what keeps that."""
    for site in graph.sites:
        caller = graph.functions[site.caller]
        why = plan.causes.get(caller.id)
        if why is None or caller.id in plan.turned or site.certainty is Certainty.UNKNOWN:
            continue
        if any(target.function == function.id for target in site.targets):
            text = f"{caller.name} needs it and stays sync: {why.text}"
            yield Cause(why.rule, text, site.path, site.span[0], caller.id)


# ----------------------------------------------------------------------------- one line


_DONE = {
    Action.AWAIT: "awaited",
    Action.ASYNC_WITH: "entered with `async with`",
    Action.ASYNC_FOR: "iterated with `async for`",
    Action.ASYNC_COMPREHENSION: "iterated with `async for`",
    Action.ANEXT: "awaited",
    Action.DELEGATE: "iterated with `async for`",
    Action.CONSUME: "iterated with `async for`",
    Action.TO_THREAD: "threaded",
    Action.BRIDGE: "bridged",
    Action.RUN: "run",
    Action.LIBRARY: "exchanged",
    Action.UNWRAP: "taken out of its wrapper",
    Action.RETARGET: "renamed",
}


def calls_at(graph: Graph, plan: Plan, path: str, line: int) -> Iterator[Call]:
    """What becomes of every call that starts in a line."""
    decided: dict[tuple[int, int, int, int], list[Decision]] = defaultdict(list)
    for decision in plan.decisions:
        if decision.path == path and decision.action in _DONE:
            decided[decision.span].append(decision)
    seen = set()
    for site in graph.sites:
        if site.path != path or site.span[0] != line or site.protocol in _NAMED_ONLY:
            continue
        if site.span in seen or not site.targets:
            continue
        seen.add(site.span)
        if done := decided.get(site.span):
            verdict = ", ".join(dict.fromkeys(_DONE[d.action] for d in done))
            reason = done[0].cause.text
        else:
            verdict, reason = "left", _why_left(graph, plan, site)
        yield Call(site.span[0], site.span[1], site.text, verdict, reason)


_NAMED_ONLY = frozenset(
    {Protocol.VALUE, Protocol.ANNOTATION, Protocol.IMPORT, Protocol.EXCEPT, Protocol.BASE}
)


def _why_left(graph: Graph, plan: Plan, site: Site) -> str:
    reached = [graph.functions[t.function] for t in site.targets if t.function is not None]
    names = ", ".join(dict.fromkeys(f.name for f in reached))
    if site.awaited:
        return "it is awaited already"
    if site.certainty is Certainty.UNKNOWN:
        return f"only the name connects it with {names}: nothing is edited that is not known"
    turned = [f for f in reached if f.id in plan.turned]
    if turned:
        return f"{turned[0].name} turns, and keeps the sync name that is called here beside"
    for f in reached:
        if (cause := plan.causes.get(f.id)) is not None:
            return f"{f.name} stays sync: {cause.text}"
    if reached:
        return f"{names} reaches nothing that becomes awaitable"
    caller = graph.functions[site.caller]
    api = next((t.api for t in site.targets if t.api), site.text)
    if (cause := plan.causes.get(caller.id)) is not None and caller.id not in plan.turned:
        return f"{api} stays in {caller.name}, which stays sync: {cause.text}"
    return f"nothing has to be done for {api} here"
