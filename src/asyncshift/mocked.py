"""What becomes of the mocks of tests, and of calls of clients in tests that stay sync."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from asyncshift.codemod import Kind, Registry
from asyncshift.facades import simple_name
from asyncshift.groups import LibraryUse
from asyncshift.mocks import Fake
from asyncshift.model import (
    Action,
    Cause,
    Decision,
    Function,
    FunctionId,
    Patched,
    Protocol,
)
from asyncshift.pins import is_test_file
from asyncshift.world import World, bridge_allowed, enclosing


def mocked_members(world: World, found: Sequence[Decision]) -> Iterator[Decision]:
    """Mocks in tests whose members are awaited from now on."""
    if not world.fakes:
        return
    doubled = world.graph.doubled
    moved = {
        d.detail["api"]
        for d in found
        if d.action is Action.LIBRARY and d.detail.get("way", "convert") == "convert"
    }
    moved &= {use[1].api for use in world.uses if use[2].kind is Kind.AWAITABLE}
    plain: dict[str, FunctionId | None] = {
        api.rpartition(".")[2]: None for api in moved.intersection(doubled)
    }
    beside: dict[str, str] = {}
    for f in (world.function(fid) for fid in sorted(world.turned)):
        if doubled.isdisjoint((f.id, world.pairs.get(f.id))):
            continue
        if loses_sync_name(world, f):
            plain[simple_name(f)] = f.id
        elif f.id in world.facades and _is_awaited(world, f.id):
            beside[simple_name(f)] = world.facades[f.id]
    gone = {simple_name(world.function(world.pairs[fid])) for fid in world.dropped}
    for fake in world.fakes:
        owner = enclosing(world, fake.path, (fake.line, 0, fake.line, 0)) or f"{fake.path}:0"
        if world.in_scope(owner):
            yield from _equipped(fake, owner, plain, beside, gone)


def patched_functions(
    world: World, registry: Registry, found: Sequence[Decision]
) -> Iterator[Decision]:
    """Functions of a library that tests replace, where all calls of them moved."""
    if not world.graph.patched:
        return
    moved = {
        (d.path, d.span)
        for d in found
        if d.action is Action.LIBRARY and d.detail.get("way") == "convert"
    }
    for one in world.graph.patched:
        calls = patched_calls(world, one)
        span = (one.line, 0, one.line, 0)
        owner = enclosing(world, one.path, span) or f"{one.path}:0"
        if not calls or not world.in_scope(owner) or not registry.targets(one.api):
            continue
        if all((site.path, site.span) in moved for site, _, _ in calls):
            cause = Cause("double", f"{one.api} has an async twin", one.path, one.line)
            detail = {
                "name": one.api.rpartition(".")[2],
                "library": registry.targets(one.api)[0],
                "through": calls[0][0].path,
            }
            yield Decision(one.path, span, Action.DOUBLE, cause, owner, detail=detail)


def patched_calls(world: World, one: Patched) -> list[LibraryUse]:
    """The calls of the program that a test means which replaces a library's function."""
    if not is_test_file(one.path):
        return []
    return [
        (site, target, treatment)
        for site, target, treatment in world.uses
        if target.api == one.api
        and treatment.kind is Kind.AWAITABLE
        and site.protocol is Protocol.CALL
        and not is_test_file(site.path)
        and (not one.through or site.path in one.through)
    ]


def _equipped(
    fake: Fake,
    owner: FunctionId,
    plain: Mapping[str, FunctionId | None],
    beside: Mapping[str, str],
    dropped: Set[str],
) -> Iterator[Decision]:
    """What a mock gets, and what it has no longer."""

    def asked(names: Iterable[str]) -> list[str]:
        return sorted(name for name in names if fake.handed or name in fake.members)

    members = [name for name in asked(plain) if name not in fake.given]
    both = {name: beside[name] for name in asked(beside) if beside[name] not in fake.given}
    gone = sorted(fake.beside & dropped)
    if not (members or both or gone):
        return
    because = next((plain[name] for name in members if plain[name] is not None), None)
    name = next(iter([*members, *both.values(), *gone]))
    text = f"{name} is awaited" if members or both else f"nothing asks for {name} any more"
    cause = Cause("double", text, fake.path, fake.line, because)
    detail = {
        "members": ",".join(members),
        "answered": ",".join(sorted(fake.answered.intersection(members))),
        "beside": ",".join(f"{new}={old}" for old, new in both.items()),
        "gone": ",".join(gone),
    }
    span = (fake.line, 0, fake.line, 0)
    yield Decision(fake.path, span, Action.DOUBLE, cause, owner, detail=detail)


def _is_awaited(world: World, fid: FunctionId) -> bool:
    """Whether code of the program awaits it by the name of its coroutine."""
    called = [*world.incoming.get(fid, ()), *world.incoming.get(world.pairs.get(fid, ""), ())]
    return any(world.in_async(s.caller) and not is_test_file(s.path) for s in called)


def loses_sync_name(world: World, f: Function) -> bool:
    if not world.is_coroutine(f.id) or f.id in world.facades:
        return False
    return f.id not in world.pairs or f.id in world.dropped


def bridged_in_test(world: World, use: LibraryUse) -> bool:
    """Whether a test that stays sync runs what a client of the program gives on the home loop."""
    site, target, _ = use
    known = (site.path, site.span, target.api) in world.called_in_tests
    return known and world.converted(use) and bridge_allowed(world, site)
