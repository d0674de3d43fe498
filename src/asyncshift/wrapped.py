"""The functions inside of decorators, and what these stand on; what builtins are handed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set

from asyncshift.model import (
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Protocol,
    Span,
)


def wrapped_by_decorators(graph: Graph) -> dict[FunctionId, dict[str, list[FunctionId]]]:
    """For the functions inside the project's decorators: what is decorated by these."""
    decorated: dict[str, list[Function]] = defaultdict(list)
    for f in graph.functions.values():
        for name in f.decorators:
            decorated[name].append(f)
    found: dict[FunctionId, dict[str, list[FunctionId]]] = {}
    for f in graph.functions.values():
        above = f.parent
        while above is not None and f.kind is FunctionKind.FUNCTION:
            outer = graph.functions[above]
            for g in decorated.get(f"{outer.module}.{outer.name}", ()):
                names = found.setdefault(f.id, defaultdict(list))
                names[g.name.rpartition(".")[2]].append(g.id)
            above = outer.parent
    return found


def mapped_places(graph: Graph) -> Set[tuple[str, Span, FunctionId]]:
    """Where a builtin that has an async form is handed a function: the solver decides there."""
    return {
        (site.path, site.span, target.function)
        for site in graph.sites
        if site.protocol is Protocol.MAPPED and site.certainty is not Certainty.UNKNOWN
        for target in site.targets
        if target.function is not None
    }
