"""Loops that end before the generator they iterate, where its end can be seen.

A sync generator is closed as soon as nobody holds it, an async one when the event loop finds the
time.  What its `finally` and `with` blocks do then would come later, so the loop closes it.  A
generator that hands on what another gives passes its own end to that one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from asyncshift.model import Certainty, FunctionId, Graph, Protocol, Site, Span

_AT_ONCE = frozenset({"any", "all", "in", "enumerate"})
_LEAVING = frozenset(
    {"any", "all", "in", "zip", "contextlib.closing", "itertools.islice"}
    | {"itertools.takewhile", "generator.close", "generator.throw", "iter"}
)
"""Consumers that need not take all."""


def places_that_close(graph: Graph) -> frozenset[tuple[str, Span]]:
    """The loops and `yield from` that close what they iterate, by their places."""
    sites = [site for site in graph.sites if site.certainty is not Certainty.UNKNOWN]
    inside: dict[FunctionId, list[Site]] = defaultdict(list)
    for site in sites:
        if _hands_on(graph, site):
            inside[site.caller].append(site)
    ended = _ended(graph, inside)
    dropped = _dropped(graph, sites, inside)
    return frozenset(
        (site.path, site.span)
        for site in sites
        if (site.protocol is Protocol.FOR and site.leaves)
        or site.protocol is Protocol.NEXT
        or site.consumer in _AT_ONCE
        or (
            site.protocol is Protocol.COMPREHENSION
            and not graph.functions[site.caller].is_generator
        )
        or (_hands_on(graph, site) and site.caller in dropped)
        if not ended.isdisjoint(_generators(graph, site))
    )


def makes_generator(around: Sequence[Site], site: Site) -> bool:
    """Whether what is iterated is a call that makes the generator: nobody else holds it."""
    iterated = {target.function for target in site.targets}
    exact = site.protocol is Protocol.FOR and not site.wrapper
    return any(
        call.protocol is Protocol.CALL
        and (call.span == site.span if exact else _inside(call.span, site.span))
        and {target.function for target in call.targets} == iterated
        for call in around
    )


def _listed(graph: Graph, site: Site) -> bool:
    """Whether a comprehension iterates here that takes all, unless it raises."""
    makes = graph.functions[site.caller].is_generator
    return site.protocol is Protocol.COMPREHENSION and not makes


def _inside(inner: Span, outer: Span) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


def _hands_on(graph: Graph, site: Site) -> bool:
    """Whether the end of a generator becomes the end of what is iterated here."""
    if site.protocol is Protocol.FOR:
        return site.yields
    if site.protocol is Protocol.COMPREHENSION:
        return graph.functions[site.caller].is_generator
    return site.protocol is Protocol.YIELD_FROM


def _generators(graph: Graph, site: Site) -> Iterator[FunctionId]:
    for target in site.targets:
        if target.function is not None and graph.functions[target.function].is_generator:
            yield target.function


def _ended(graph: Graph, inside: dict[FunctionId, list[Site]]) -> set[FunctionId]:
    """The generators that do something at their end, or hand on what does."""
    found = {f.id for f in graph.functions.values() if f.has_end}
    above: dict[FunctionId, set[FunctionId]] = defaultdict(set)
    for caller, sites in inside.items():
        for site in sites:
            for generator in _generators(graph, site):
                above[generator].add(caller)
    queue = sorted(found)
    while queue:
        for caller in above[queue.pop()] - found:
            found.add(caller)
            queue.append(caller)
    return found


def _dropped(
    graph: Graph, sites: list[Site], inside: dict[FunctionId, list[Site]]
) -> set[FunctionId]:
    """The generators that somebody closes, or leaves before their end."""
    queue = [
        generator
        for site in sites
        if (site.protocol is Protocol.FOR and site.leaves)
        or site.protocol is Protocol.NEXT
        or site.consumer in _LEAVING
        for generator in _generators(graph, site)
    ]
    found: set[FunctionId] = set()
    while queue:
        generator = queue.pop()
        if generator not in found:
            found.add(generator)
            for site in inside[generator]:
                queue += _generators(graph, site)
    return found
