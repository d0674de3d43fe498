"""What a script does with a connection at its top level runs on the home loop.

There is no function around it that could turn, and a connection belongs to one loop: so all that a
script waits for there goes through the bridge, its own coroutines as well.
"""

from __future__ import annotations

from asyncshift.codemod import Kind
from asyncshift.groups import LibraryUse
from asyncshift.model import FunctionKind
from asyncshift.world import World, bridge_allowed

_WAITED = (Kind.AWAITABLE, Kind.ENTERED)


def scripted_files(world: World) -> frozenset[str]:
    """Scripts that wait at their top level for what moves and has no form that waits later."""
    return frozenset(
        use[0].path for use in world.uses if not use[2].later and _waits_at_top(world, use)
    )


def bridged_in_script(world: World, use: LibraryUse, files: frozenset[str]) -> bool:
    """Whether a place at the top level of one of these files is bridged."""
    return use[0].path in files and _waits_at_top(world, use)


def _waits_at_top(world: World, use: LibraryUse) -> bool:
    site, _, treatment = use
    return (
        treatment.scripted
        and treatment.kind in _WAITED
        and world.function(site.caller).kind is FunctionKind.MODULE
        and not site.awaited
        and world.converted(use)
        and bridge_allowed(world, site)
    )
