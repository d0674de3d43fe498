"""Thread pools: what they run turned async, so they run tasks; or it stays, and so do they.

A pool moves as a whole: with its futures, all functions that use either, and what waits for its
end.  A function that is handed to a pool that cannot move stays sync, in a thread.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator

from asyncshift.codemod import Kind
from asyncshift.groups import LibraryUse, site_key_of
from asyncshift.model import (
    BRIDGES,
    Cause,
    Certainty,
    Escape,
    FunctionId,
    FunctionKind,
    Protocol,
    Site,
)
from asyncshift.pins import is_test_file
from asyncshift.reasons import why_sync
from asyncshift.world import World, forces, pin, reaches

WAITING = (
    *("queue.Queue.get", "queue.Queue.put", "queue.Queue.join", "queue.SimpleQueue.get"),
    *("threading.Barrier.wait", "threading.Condition", "threading.Event.wait"),
    *("threading.RLock", "threading.current_thread", "threading.get_ident", "threading.local"),
)
"""They wait for another thread, or know one from another: in as many tasks as there were threads
they would hold up all the threads of the loop, or take one task for another."""
_ENDING = (".shutdown", ".join")
_MENTIONS = frozenset({Protocol.ANNOTATION, Protocol.IMPORT, Protocol.VALUE, Protocol.BASE})
Keep = Callable[[World, Escape, str], bool]


def settle_pools(world: World, keep: Keep) -> bool:
    """Decide which pools move; True when one more does, or a function has to stay."""
    grew = False
    uses: dict[str, list[LibraryUse]] = defaultdict(list)
    for use in world.uses if world.groups.pools else ():
        if use[2].pooled:
            uses[world.groups.of(use[0], use[1])].append(use)
    for group, escapes in sorted(world.groups.pools.items()):
        turned = [e for e in escapes if e.function and world.is_coroutine(e.function)]
        why = _why_it_stays(world, group, uses[group], escapes) if turned else ""
        if turned and not why:
            grew |= group not in world.groups.moved_pools
            world.groups.moved_pools.add(group)
            continue
        grew |= group in world.groups.moved_pools
        world.groups.moved_pools.discard(group)
        for escape in turned:
            grew |= keep(world, escape, why)
    return grew


def keep_in_threads(world: World, escape: Escape, why: str) -> bool:
    """The function stays sync: the pool calls it in a thread."""
    assert escape.function is not None
    text = f"{world.function(escape.function).name} is handed to {escape.to}, which calls it in a "
    return pin(
        world,
        escape.function,
        Cause("escapes", f"{text}thread: {why}", escape.path, escape.span[0]),
    )


def callers(world: World) -> Iterator[tuple[FunctionId, Cause]]:
    """Whoever hands something to a pool that moves runs on the loop, and nowhere else."""
    for site, target, treatment in world.uses:
        if treatment.pooled and _is_run(site) and world.converted((site, target, treatment)):
            text = f"hands what runs as a task to {target.api}"
            yield site.caller, Cause("pool", text, site.path, site.span[0])


def in_moved_pool(world: World, escape: Escape) -> bool:
    """Whether a function is handed to a pool that moves."""
    return any(escape in world.groups.pools[group] for group in world.groups.moved_pools)


def _is_run(site: Site) -> bool:
    """Whether something is done with a pool or a future, more than that it is made or named."""
    made = any(site_key_of(site) in t.origins or not t.origins for t in site.targets)
    return site.protocol not in _MENTIONS and not made


def _why_it_stays(
    world: World, group: str, uses: list[LibraryUse], escapes: tuple[Escape, ...]
) -> str:
    if (refusal := world.groups.refused.get(group)) is not None:
        return refusal.reason
    ends = False
    for site, target, treatment in uses:
        caller = world.function(site.caller)
        if site.certainty is Certainty.UNKNOWN:
            return f"`{site.text}` may be something else"
        if site.awaited:
            return f"`{site.text}` is awaited already"
        if not (world.editable(site) and world.chosen(site)) and not is_test_file(site.path):
            return f"{caller.name} uses the pool, and {caller.module} is not selected"
        if _is_run(site) and treatment.kind is not Kind.SAME and not _may_await(world, site.caller):
            reason = why_sync(world, site.caller)
            return f"`{site.text}` is used in {caller.name}, which stays sync: {reason}"
        ends |= site.protocol is Protocol.WITH or (target.api or "").endswith(_ENDING)
    if not ends:
        return "nothing waits for its end, and a loop cancels what it still runs"
    for escape in escapes:
        assert escape.function is not None
        if reason := _why_in_a_thread(world, escape.function):
            return reason
    return ""


def _may_await(world: World, fid: FunctionId) -> bool:
    f = world.function(fid)
    while f.kind is FunctionKind.GENEXP and f.parent is not None:
        f = world.function(f.parent)
    if f.is_async:
        return True
    return f.kind is FunctionKind.FUNCTION and f.id not in world.kept and f.id not in world.held


def _why_in_a_thread(world: World, fid: FunctionId) -> str:
    """What a function does, or calls, that only a thread can do."""
    stays = not world.is_coroutine(fid) and not world.function(fid).is_async
    name = world.function(fid).name
    seen = {fid}
    queue = deque([fid])
    while queue:
        for site in world.outgoing.get(queue.popleft(), ()):
            if stays and site.wrapper in BRIDGES:
                return f"{name} runs there as well, stays sync and bridges"
            used = world.uses_at.get((site.path, site.span), ())
            held = any(use[2].exclusive and use[2].kind is Kind.REFUSED for use in used)
            if held or any((target.api or "").startswith(WAITING) for target in site.targets):
                return f"{name} depends on the thread it runs in, or on another one: `{site.text}`"
            for target in site.targets:
                g = target.function
                if g is None or g in seen or site.certainty is Certainty.UNKNOWN:
                    continue
                waits = world.is_coroutine(g) or world.function(g).is_async
                if stays and waits and forces(site, world.function(g)):
                    return f"{name} runs there as well, stays sync and bridges"
                if reaches(site, world.function(g)):
                    seen.add(g)
                    queue.append(g)
    return ""
