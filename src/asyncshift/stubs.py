"""What a plan does to the functions of a module, told to the stub beside it."""

from __future__ import annotations

from collections.abc import Sequence

from asyncshift.facades import KEPT_BESIDE, simple_name
from asyncshift.model import Action, Decision, Function, Graph, SourceFile

_TOLD = frozenset({Action.MAKE_ASYNC, Action.RENAME, Action.DROP_FACADE})


def of_stub(graph: Graph, stub: SourceFile, decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions for a stub, of those for its module."""
    found = []
    for decision in decisions:
        f = graph.functions.get(f"{decision.path}:{decision.span[0]}")
        if f is None or decision.action not in _TOLD:
            continue
        detail = {**decision.detail, "action": str(decision.action), "function": f.name}
        if decision.action is Action.DROP_FACADE and f.facade_of is not None:
            detail |= _alone(graph.functions[f.facade_of])
        span = (decision.span[0], 0, decision.span[0], 0)
        cause, owner = decision.cause, decision.owner
        found.append(Decision(stub.path, span, Action.STUB, cause, owner, detail=detail))
    return found


def _alone(coroutine: Function) -> dict[str, str]:
    """What is left when a facade goes; the stub may have known nothing of it."""
    kind = "generator" if coroutine.is_generator else "function"
    found = {"coroutine": coroutine.name}
    found["kind"] = "contextmanager" if coroutine.is_contextmanager else kind
    if (last := simple_name(coroutine)) in KEPT_BESIDE.values():
        found["rename"] = last
    return found
