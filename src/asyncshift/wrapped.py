"""The functions inside of decorators, and what these stand on; what builtins are handed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Set

from asyncshift.model import (
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Protocol,
    Site,
    Span,
)

AT_ONCE = frozenset(
    {"filter", "functools.reduce", "heapq.merge", "heapq.nlargest", "heapq.nsmallest", "iter"}
    | {"itertools.accumulate", "itertools.dropwhile", "itertools.filterfalse", "itertools.groupby"}
    | {"itertools.starmap", "itertools.takewhile", "map", "max", "min", "re.sub", "re.subn"}
    | {"sorted"}
)
"""What calls a function that it is given before it returns, or as it is iterated."""


def calls_at_once(name: str) -> bool:
    return name in AT_ONCE or name.endswith(".sort")


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


def applied_by_hand(graph: Graph, sites: Iterable[Site], fid: FunctionId) -> bool:
    """Whether one of these calls makes the inner function of a decorator: `wrapped = retried(f)`.
    What a variable holds there is that function, and nothing that is known by a name."""
    makers = set()
    above = graph.functions[fid].parent
    while above is not None and graph.functions[above].kind is FunctionKind.FUNCTION:
        makers.add(above)
        above = graph.functions[above].parent
    calls = [site for site in sites if site.protocol is Protocol.CALL]
    return any(target.function in makers for site in calls for target in site.targets)


def known_otherwise(graph: Graph) -> frozenset[FunctionId]:
    """Functions under a decorator of the project that are called by other names than their own."""
    own = {f"{f.module}.{f.name}" for f in graph.functions.values()}
    decorated = {f.id for f in graph.functions.values() if not own.isdisjoint(f.decorators)}
    return frozenset(
        target.function
        for site in graph.sites
        if site.protocol is Protocol.CALL and site.certainty is not Certainty.UNKNOWN
        for target in site.targets
        if target.function in decorated
        if not _is_named(graph, site, graph.functions[target.function])
    )


def _is_named(graph: Graph, site: Site, f: Function) -> bool:
    """Whether a call spells the function's name, or stands in one of its decorators."""
    last = site.text.rpartition(".")[2]
    names = (last, graph.aliases.get(site.path, {}).get(last))
    around: FunctionId | None = site.caller
    while around is not None:
        outer = graph.functions[around]
        if f"{outer.module}.{outer.name}" in f.decorators:
            return True
        around = outer.parent
    return f.name.rpartition(".")[2] in names
