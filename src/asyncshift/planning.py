"""The solver's front door: graph in, plan out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asyncshift.changesets import change_sets
from asyncshift.codemod import Registry
from asyncshift.decide import counts, decide
from asyncshift.facades import settle_facades
from asyncshift.groups import QUIET
from asyncshift.looks import looks
from asyncshift.model import Graph, Message, Plan, Project, Refusal, Severity
from asyncshift.scope import Scope
from asyncshift.slices import narrow
from asyncshift.solve import run
from asyncshift.world import World, enclosing, prepare


def make_plan(
    graph: Graph,
    project: Project,
    registry: Registry,
    refusals: Sequence[Refusal] = (),
    failed: Sequence[Refusal] = (),
    scope: Scope | None = None,
) -> Plan:
    """Decide what turns async and what is done at each place, within `scope` (None: everywhere).

    `refusals` are library uses that no rewriter can do: they stay, or go to threads.  `failed` are
    places of an earlier plan that the rewrite step could not do: their functions stay sync.  So
    calling again with what failed ends in a plan that can be written.
    """
    return solved_plan(graph, project, registry, refusals, failed, scope)[1]


def solved_plan(
    graph: Graph,
    project: Project,
    registry: Registry,
    refusals: Sequence[Refusal] = (),
    failed: Sequence[Refusal] = (),
    scope: Scope | None = None,
) -> tuple[World, Plan]:
    """The same, with the world that it was read from."""
    world = prepare(graph, project, registry, refusals, failed)
    run(world)
    if scope is not None:
        narrow(world, registry, scope)
    for fid, cause in (*world.kept.items(), *world.held.items()):
        world.causes.setdefault(fid, cause)
    settle_facades(world)
    decisions = decide(world, registry, frozenset((r.path, r.span) for r in failed))
    kept = [*world.groups.refused.values(), *refusals, *failed, *world.border]
    unique = {
        (r.path, r.span, r.rule): r
        for r in kept
        if r.rule != QUIET and (r in world.border or _concerns(world, r))
    }
    figures = counts(world, decisions)
    figures["refused"] = len(unique)
    return world, Plan(
        turned=frozenset(fid for fid in world.turned),
        causes=world.causes,
        decisions=tuple(decisions),
        refusals=tuple(sorted(unique.values(), key=lambda r: (r.path, r.span))),
        messages=(
            *looks(world, registry),
            *_declared_notes(world),
            *_bridge_notes(decisions_count=figures["bridged"]),
        ),
        change_sets=change_sets(world, decisions),
        counts=figures,
    )


def _concerns(world: World, refusal: Refusal) -> bool:
    """Whether a refusal lies in what is selected; the rest is another step's."""
    if world.scope is None:
        return True
    owner = enclosing(world, refusal.path, refusal.span)
    if owner is not None:
        return owner in world.scope.functions
    return any(world.function(fid).path == refusal.path for fid in world.scope.functions)


def _declared_notes(world: World) -> Iterator[Message]:
    for fid, declared in world.declared.items():
        cause = world.kept.get(fid) or world.held.get(fid)
        if cause is not None and world.in_scope(fid):
            text = f"{declared.text}, but it stays sync: {cause.text}"
            yield Message(declared.path, declared.line, "declared", text, Severity.WARNING)


def _bridge_notes(decisions_count: int) -> tuple[Message, ...]:
    if not decisions_count:
        return ()
    text = (
        f"{decisions_count} calls in sync code wait for a coroutine through the generated bridge "
        "module; `explain` tells why each caller stays sync"
    )
    return (Message("", 0, "bridges", text, Severity.NOTE),)
