"""Why a function stays sync, in the words of a refusal."""

from __future__ import annotations

from asyncshift.model import FunctionId, FunctionKind
from asyncshift.world import World


def why_sync(world: World, fid: FunctionId) -> str:
    """The reason that is known, or what else keeps it: its kind, or that nothing turns it."""
    if (cause := world.kept.get(fid) or world.held.get(fid)) is not None:
        return cause.text
    if (refusal := world.deferred.get(fid)) is not None:
        return refusal.reason
    if world.function(fid).kind in (FunctionKind.MODULE, FunctionKind.CLASS):
        return "it runs when the module is imported"
    return "nothing that turns it is part of this step" if world.scope else "nothing turns it"
