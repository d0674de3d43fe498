"""Code that a table leaves as it stands: what it names besides a twin, and the twin.

Who uses it moves to the twin; what is written inside is nobody's business any more: neither what it
does with a library, nor what it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from asyncshift.codemod import Kind, Registry
from asyncshift.model import Escape, Function, FunctionId, Graph, Protocol, Site


def name_in_table(f: Function, registry: Registry) -> str:
    """The name in a table of a function or of what it stands in; empty without one."""
    return next((name for name in _names_around(f) if name in registry.standing), "")


def _names_around(f: Function) -> Iterator[str]:
    name = f.name
    while name:
        yield f"{f.module}.{name}"
        name = name.rpartition(".")[0]


def left_alone(graph: Graph, registry: Registry) -> tuple[Graph, frozenset[FunctionId]]:
    """The graph without what is done inside of such code, and which of it blocks."""
    if not registry.standing:
        return graph, frozenset()
    twins = {target for name in registry.standing for target in registry.targets(name)}
    left = {
        f.id
        for f in graph.functions.values()
        if name_in_table(f, registry) or not twins.isdisjoint(_names_around(f))
    }
    inside = [site for site in graph.sites if site.caller in left]
    blocking: set[FunctionId] = set()
    found = {
        site.caller
        for site in inside
        for target in site.targets
        if target.api is not None and not site.awaited
        if (treatment := registry.treatment(target.api, site.protocol)) and treatment.blocks
    }
    while found:
        blocking |= found
        found = {
            site.caller
            for site in inside
            if site.protocol is Protocol.CALL and not site.awaited
            if any(target.function in blocking for target in site.targets)
        } - blocking
    waiting = frozenset(fid for fid in blocking if not graph.functions[fid].is_async)
    sites = tuple(site for site in graph.sites if site.caller not in left)
    return replace(graph, sites=sites), waiting


def handed_to_twins(graph: Graph, registry: Registry) -> dict[FunctionId, tuple[Escape, ...]]:
    """Function -> where it is handed to a function of the project that a table awaits: its async
    form calls coroutine functions, too."""
    if not registry.standing:
        return {}
    inside = {f"{f.module}.{f.name}" for f in graph.functions.values()}
    found: dict[FunctionId, tuple[Escape, ...]] = {}
    for escape in graph.escapes:
        if escape.function is None or escape.to not in inside:
            continue
        treatment = registry.treatment(escape.to, Protocol.CALL)
        if treatment is not None and treatment.kind is Kind.AWAITABLE:
            found[escape.function] = (*found.get(escape.function, ()), escape)
    return found


def has_both(f: Function) -> bool:
    """Whether its class has the async form of a protocol's method beside it."""
    return f.twin is not None and f.twin.rpartition(".")[2].startswith("__a")


def has_twin(site: Site, f: Function, is_coroutine: Callable[[FunctionId], bool]) -> bool:
    """Whether what a place awaits, or iterates asynchronously, takes the function's part."""
    both = has_both(f)
    return f.twin is not None and any(
        t.function is None or (both and is_coroutine(t.function)) for t in site.targets
    )
