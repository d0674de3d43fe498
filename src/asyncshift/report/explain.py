"""Why a function turns async or stays: the whole chain of causes, and what is done in it."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rich.text import Text

from asyncshift.codemod import Registry
from asyncshift.errors import InputError
from asyncshift.model import (
    Cause,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Plan,
    Project,
    Refusal,
)
from asyncshift.pins import every_reason
from asyncshift.report.roots import Call, Step, calls_at, roots, sync_callers
from asyncshift.rules import own_rules

_LINE = re.compile(r"(.+):(\d+)(?::\d+)?")
_SHOWN = 20
"""Roots that the text lists; JSON has all."""


class Survey(Protocol):
    """What is needed of a `pipeline.Survey`, or of an analysis."""

    @property
    def graph(self) -> Graph: ...
    @property
    def project(self) -> Project: ...
    @property
    def registry(self) -> Registry: ...


@dataclass(frozen=True, slots=True)
class Reason:
    """One link of a chain: whom it concerns, and the sentence with its place."""

    function: str
    rule: str
    text: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Place:
    """What is done at one place of the function, and why."""

    line: int
    column: int
    action: str
    call: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to `explain TARGET`."""

    name: str
    path: str
    line: int
    verdict: str
    chain: tuple[Reason, ...]
    roots: tuple[tuple[Step, ...], ...]
    """For one that turns: every place that makes it async, behind the way to it."""
    kept: tuple[Reason, ...]
    """For one that stays: every reason, and what would unblock it."""
    calls: tuple[Call, ...]
    """What becomes of the calls of the line that was asked for."""
    places: tuple[Place, ...]
    refusals: tuple[Reason, ...]


def find_target(graph: Graph, target: str) -> Function:
    """The one function that `pkg.mod:func`, `path:line` or a name means; `InputError` otherwise."""
    functions = [f for f in graph.functions.values() if f.kind is not FunctionKind.CLASS]
    at = _LINE.fullmatch(target)
    found = _at_line(functions, at[1], int(at[2])) if at else _named(functions, target)
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{target} can mean {len(found)} functions",
            hint="Say which: " + ", ".join(f"{f.path}:{f.line}" for f in found[:10]),
        )
    known = {key for f in functions for key in (_full(f), f.name, _last(f))}
    near = difflib.get_close_matches(target, sorted(known), n=5, cutoff=0.4)
    hint = f"The nearest: {', '.join(near)}." if near else "Give pkg.mod:function, or path:line."
    raise InputError(f"there is no function {target}", hint=hint)


def explain(seen: Survey, plan: Plan, function: Function, target: str = "") -> Explanation:
    """The chain of causes for the yes or for the no, down to the library call or the pin; where the
    target is a line, what becomes of its calls."""
    graph = seen.graph
    places = [
        Place(d.span[0], d.span[1], str(d.action), d.site.text if d.site else "", d.cause.text)
        for d in plan.decisions
        if d.owner == function.id
    ]
    at = _LINE.fullmatch(target)
    refusals = [_refusal(function, r) for r in plan.refusals if _inside(function, r)]
    return Explanation(
        name=_full(function),
        path=function.path,
        line=function.line,
        verdict=_verdict(plan, function),
        chain=tuple(_chain(graph, plan, function.id)),
        roots=roots(graph, plan, seen.registry, function.id),
        kept=tuple(_kept(seen, plan, function)),
        calls=tuple(calls_at(graph, plan, function.path, int(at[2]))) if at else (),
        places=tuple(sorted(places, key=lambda p: (p.line, p.column))),
        refusals=tuple(refusals),
    )


def explain_json(explanation: Explanation) -> str:
    """Everything, as JSON."""
    return json.dumps(dataclasses.asdict(explanation), indent=1)


def explain_text(explanation: Explanation) -> Iterator[Text]:
    """The verdict, then the chain from the function down."""
    head = f"{explanation.name}  ({explanation.path}:{explanation.line})"
    yield Text.assemble((head, "bold"), f" {explanation.verdict}")
    for depth, link in enumerate(explanation.chain):
        lead = "  because" if depth == 0 else "  " + "  " * depth + "which"
        yield Text(f"{lead} {link.text}  [{link.path}:{link.line}, {link.rule}]")
    yield from _behind(explanation)
    if explanation.places:
        yield Text("\nWhat is done in it", style="bold")
    for place in explanation.places:
        call = f" {place.call}" if place.call else ""
        yield Text(f"  line {place.line}: {place.action}{call}  ({place.reason})")
    if explanation.refusals:
        yield Text("\nRefused in it", style="bold red")
    for refusal in explanation.refusals:
        yield Text(f"  line {refusal.line}: {refusal.text}")


def _behind(explanation: Explanation) -> Iterator[Text]:
    """All roots, all that keeps it, and the calls of the line."""
    ways = explanation.roots if len(explanation.roots) > 1 else ()
    if ways:
        yield Text(f"\nEverything behind it ({len(ways)})", style="bold")
    for way in ways[:_SHOWN]:
        steps = (f"{step.text}  [{step.path}:{step.line}]" for step in way)
        yield Text("  " + ", which ".join(steps))
    if len(ways) > _SHOWN:
        yield Text(f"  and {len(ways) - _SHOWN} more: --format json has them")
    if explanation.kept:
        yield Text("\nWhat keeps it sync", style="bold")
    for reason in explanation.kept:
        yield Text(f"  {reason.text}  [{reason.path}:{reason.line}, {reason.rule}]")
        if out := _way_out(explanation, reason):
            yield Text(f"    way out: {out[:1].lower()}{out[1:].rstrip('.')}")
    for call in explanation.calls:
        said = f": {call.reason}"
        yield Text.assemble(f"\nline {call.line}: {call.call} is ", (call.verdict, "bold"), said)


def _way_out(explanation: Explanation, reason: Reason) -> str:
    """What would let the function turn: where the reason is that of another one, of its end."""
    rules = [own_rules().get(link.rule) for link in (reason, *explanation.chain[1:])]
    keeping = [rule for rule in rules if rule is not None and rule.group in ("stays", "step")]
    if not keeping:
        return ""
    return keeping[-1 if reason == explanation.chain[0] else 0].do


def _chain(graph: Graph, plan: Plan, start: FunctionId) -> Iterator[Reason]:
    """Causes from one function to the last one known; a ring is walked once."""
    seen: set[FunctionId] = set()
    here: FunctionId | None = start
    while here is not None and here not in seen:
        seen.add(here)
        cause: Cause | None = plan.causes.get(here)
        if cause is None:
            return
        name = _full(graph.functions[here]) if here in graph.functions else here
        yield Reason(name, cause.rule, cause.text, cause.path, cause.line)
        here = cause.because


def _kept(seen: Survey, plan: Plan, function: Function) -> Iterator[Reason]:
    """All that keeps a function sync which something would turn."""
    first = plan.causes.get(function.id)
    if function.id in plan.turned or function.is_async or first is None:
        return
    found = [first, *every_reason(seen.graph, seen.project, seen.registry, function)]
    if first.rule == "held":
        found += sync_callers(seen.graph, plan, function)
    for cause in dict.fromkeys(found):
        yield Reason(_full(function), cause.rule, cause.text, cause.path, cause.line)


def _verdict(plan: Plan, function: Function) -> str:
    if function.id in plan.turned:
        return "turns async"
    if function.is_async:
        return "is async already"
    if function.id in plan.causes:
        return "stays sync"
    return "stays as it is: it reaches nothing that becomes awaitable"


def _inside(function: Function, refusal: Refusal) -> bool:
    if function.kind is FunctionKind.MODULE:
        return False
    return refusal.path == function.path and (
        function.span[:2] <= refusal.span[:2] <= function.span[2:]
    )


def _refusal(function: Function, refusal: Refusal) -> Reason:
    text = f"{refusal.reason}; way out: {refusal.way_out}"
    return Reason(_full(function), refusal.rule, text, refusal.path, refusal.span[0])


def _at_line(functions: list[Function], path: str, line: int) -> list[Function]:
    """The innermost function around a line; the module where no function is."""
    path = path.replace("\\", "/").removeprefix("./")
    here = [f for f in functions if f.path == path]
    here = here or [f for f in functions if f.path.endswith("/" + path)]
    here = here or [f for f in functions if path.endswith("/" + f.path)]
    if len({f.path for f in here}) > 1:
        return [f for f in here if f.kind is FunctionKind.MODULE]
    inside = [f for f in here if f.kind is FunctionKind.FUNCTION and f.span[0] <= line <= f.span[2]]
    if inside:
        return [max(inside, key=lambda f: f.span[:2])]
    return [f for f in here if f.kind is FunctionKind.MODULE]


def _named(functions: list[Function], target: str) -> list[Function]:
    """By full name, by qualified name, by last name: the first that fits anything."""
    named = [f for f in functions if f.kind is FunctionKind.FUNCTION]
    for name in (_full, _dotted, _qualified, _last):
        if found := [f for f in named if name(f) == target]:
            return found
    return []


def _full(f: Function) -> str:
    return f"{f.module}:{f.name}"


def _dotted(f: Function) -> str:
    return f"{f.module}.{f.name}"


def _qualified(f: Function) -> str:
    return f.name


def _last(f: Function) -> str:
    return f.name.rpartition(".")[2]
