"""Places to look: what code that is not in sight has to know of a migration."""

from __future__ import annotations

from collections.abc import Iterator

from asyncshift.codemod import Registry
from asyncshift.endings import ended_elsewhere
from asyncshift.facades import calls_by_name, is_public, simple_name
from asyncshift.mocked import patched_calls
from asyncshift.model import Certainty, Function, Mention, Message, Severity
from asyncshift.pins import is_test_file
from asyncshift.world import ROOTS, World


def looks(world: World, registry: Registry) -> list[Message]:
    """What code that is not in sight has to know: places that only a name connects with a function
    that turned, and facades that give what is another library's from now on."""
    found = []
    for site in world.graph.sites:
        if site.certainty is not Certainty.UNKNOWN or site.awaited:
            continue
        reached = [t.function for t in site.targets if t.function]
        names = sorted(world.function(fid).name for fid in reached if world.is_coroutine(fid))
        if names:
            text = f"{site.text}(...) may reach {', '.join(names)}, which is async now"
            beside = sorted({world.facades[fid] for fid in reached if fid in world.facades})
            if calls_by_name(world, site) and beside:
                text = f"{site.text}(...) may reach {', '.join(names)}: the sync name stays beside "
                text += ", ".join(beside)
            found.append(Message(site.path, site.span[0], "unknown-call", text, Severity.LOOK))
    found += _handed_on(world)
    found += ended_elsewhere(world)
    found += _half_patched(world)
    found += (_by_name(world, m) for m in world.graph.mentions if m.function in world.turned)
    for fid in sorted(world.facades):
        found += _given(world, registry, world.function(fid))
    return found


def _handed_on(world: World) -> Iterator[Message]:
    """Objects whose methods are awaited from now on, in the hands of code that nobody sees."""
    moved = {
        world.groups.of(use[0], use[1])
        for use in world.uses
        if use[2].kind in ROOTS and use[2].grouped and not use[2].exclusive
        if world.converted(use) and world.in_async(use[0].caller)
    }
    for escape in world.graph.escapes:
        if any(world.groups.find(origin) in moved for origin in escape.origins):
            text = f"{escape.to} is handed an object whose methods are awaited now"
            yield Message(escape.path, escape.span[0], "handed-on", text, Severity.LOOK)
    for fid in sorted(world.turned & world.twins.keys()):
        for escape in world.twins[fid]:
            text = f"{escape.to} is handed {world.function(fid).name}, which it has to await now"
            yield Message(escape.path, escape.span[0], "handed-on", text, Severity.LOOK)


def _half_patched(world: World) -> Iterator[Message]:
    """Functions of a library that a test replaces, of whose calls only some go that way."""
    for one in world.graph.patched:
        calls = patched_calls(world, one)
        staying = [use[0] for use in calls if not world.converted(use)]
        if staying and len(staying) < len(calls):
            text = (
                f"{one.api} is replaced here: the call in {staying[0].path} goes that way, "
                "those that moved do not"
            )
            yield Message(one.path, one.line, "half-patched", text, Severity.LOOK)


def _given(world: World, registry: Registry, f: Function) -> Iterator[Message]:
    """A facade keeps the name of a function, not the library whose objects it returns."""
    if not is_public(world, f) or is_test_file(f.path):
        return
    for api in sorted({t.api or "" for t in f.gives if t.origins}):
        row = registry.class_row(api)
        groups = {world.groups.find(t.origins[0]) for t in f.gives if t.api == api and t.origins}
        if row is None or not row.to or not groups - world.groups.refused.keys():
            continue
        text = (
            f"{f.name} gives {row.to} from now on, no longer {api}: "
            "callers that are not in this tree may use what only the old one has"
        )
        yield Message(f.path, f.line, "gives-other", text, Severity.LOOK)


def _by_name(world: World, mention: Mention) -> Message:
    f = world.function(mention.function)
    text = f"{mention.text} reaches {f.name} by its name"
    if f.id in world.facades:
        text += f": the sync {simple_name(f)} stays beside {world.facades[f.id]}"
    else:
        text += ", which is async now"
    return Message(mention.path, mention.line, "reached-by-name", text, Severity.LOOK)
