"""What becomes of the mocks of tests, and of calls of clients in tests that stay sync."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asyncshift.facades import simple_name
from asyncshift.groups import LibraryUse
from asyncshift.model import Action, Cause, Decision, Function
from asyncshift.world import World, bridge_allowed, enclosing


def mocked_members(world: World, found: Sequence[Decision]) -> Iterator[Decision]:
    """Mocks in tests whose members are awaited from now on."""
    doubled = world.graph.doubled
    moved = {
        d.detail["api"]
        for d in found
        if d.action is Action.LIBRARY and d.detail.get("way", "convert") == "convert"
    }
    awaited = {
        simple_name(f): f.id
        for f in (world.function(fid) for fid in sorted(world.turned.intersection(doubled)))
        if loses_sync_name(world, f)
    }
    names = {*awaited, *(api.rpartition(".")[2] for api in moved.intersection(doubled))}
    for fake in world.fakes:
        members = sorted(names & fake.members)
        span = (fake.line, 0, fake.line, 0)
        owner = enclosing(world, fake.path, span) or f"{fake.path}:0"
        if members and world.in_scope(owner):
            because = next((awaited[name] for name in members if name in awaited), None)
            text = f"{members[0]} is awaited"
            cause = Cause("double", text, fake.path, fake.line, because)
            detail = {"members": ",".join(members)}
            yield Decision(fake.path, span, Action.DOUBLE, cause, owner, detail=detail)


def loses_sync_name(world: World, f: Function) -> bool:
    if not world.is_coroutine(f.id) or f.id in world.facades:
        return False
    return f.id not in world.pairs or f.id in world.dropped


def bridged_in_test(world: World, use: LibraryUse) -> bool:
    """Whether a test that stays sync runs what a client of the program gives on the home loop."""
    site, target, _ = use
    known = (site.path, site.span, target.api) in world.called_in_tests
    return known and world.converted(use) and bridge_allowed(world, site)
