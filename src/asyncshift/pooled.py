"""What is handed to pools of threads, and which pool that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import replace

from asyncshift.codemod import Registry, Treatment
from asyncshift.model import Escape, Graph, Protocol, Site, Span, Target


def is_pooled(registry: Registry, api: str | None) -> bool:
    """Whether a library name belongs to a pool."""
    treatment = registry.treatment(api, Protocol.CALL) if api is not None else None
    return treatment is not None and treatment.pooled


def _places(graph: Graph, registry: Registry) -> Set[tuple[str, Span]]:
    """The calls that have to do with a pool."""
    return {
        (site.path, site.span)
        for site in graph.sites
        if site.protocol is Protocol.CALL
        if any(is_pooled(registry, target.api) for target in site.targets)
    }


def without_handed(graph: Graph, registry: Registry) -> Graph:
    """The graph in which `pool.submit(f)` calls the pool only: f runs by itself."""
    places = _places(graph, registry)
    if not places:
        return graph
    sites = tuple(
        replace(site, targets=tuple(t for t in site.targets if t.function is None))
        if site.protocol is Protocol.CALL and (site.path, site.span) in places
        else site
        for site in graph.sites
    )
    return replace(graph, sites=sites)


def handed_to_pools(
    graph: Graph,
    uses: Iterable[tuple[Site, Target, Treatment]],
    group_of: Callable[[Site, Target], str],
    registry: Registry,
) -> dict[str, tuple[Escape, ...]]:
    """Group -> the functions that its pools are handed, and where."""
    at: dict[tuple[str, Span], set[str]] = {}
    for site, target, treatment in uses:
        if treatment.pooled and site.protocol is Protocol.CALL:
            at.setdefault((site.path, site.span), set()).add(group_of(site, target))
    found: dict[str, tuple[Escape, ...]] = {}
    for escape in graph.escapes:
        for group in sorted(at.get((escape.path, escape.span), ())):
            if escape.function is not None and is_pooled(registry, escape.to):
                found[group] = (*found.get(group, ()), escape)
    return found
