"""Provenance groups: a client and everything that flows from it migrate together or not at all.

A `requests.Session` and the responses it gives are one unit: half of it in httpx would break.
Groups are the connected components of origins (`Target.origins`) over the sites that touch them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from asyncshift.codemod import Kind, Registry, Treatment
from asyncshift.model import (
    THREADS,
    Escape,
    Graph,
    Project,
    Protocol,
    Refusal,
    Site,
    Span,
    Target,
    Tie,
)
from asyncshift.pins import is_test_file
from asyncshift.pooled import handed_to_pools

QUIET = "quiet"
"""Rule of a refusal that nobody has to act on: a lock or an annotation stays as it is."""

_CALLED = frozenset({Kind.AWAITABLE, Kind.ENTERED, Kind.ITERATED})

LibraryUse = tuple[Site, Target, Treatment]


def site_key(path: str, span: Span) -> str:
    """The name of a place in `Target.origins`."""
    return f"{path}:{span[0]}:{span[1]}"


def origins_of(site: Site, target: Target) -> tuple[str, ...]:
    """Where the instance behind a use comes from; a constructor or bare call is its own origin."""
    return target.origins or (site_key(site.path, site.span),)


class Groups:
    """Union-find over origins, with the reason why a group cannot move to the new library."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self.refused: dict[str, Refusal] = {}
        self.left: set[tuple[str, Span]] = set()
        """Places of exceptions that keep the old class."""
        self.kinds: dict[str | None, str] = {}
        """Library name -> the kind of instances that it has to do with (`Registry.kind`)."""
        self.pools: dict[str, tuple[Escape, ...]] = {}
        """Groups of thread pools, with the functions that are handed to them."""
        self.moved_pools: set[str] = set()
        """Of these, what runs tasks instead."""

    def find(self, origin: str) -> str:
        root = origin
        while (parent := self._parent.get(root, root)) != root:
            root = parent
        while origin != root:
            origin, self._parent[origin] = self._parent.get(origin, origin), root
        return root

    def join(self, origins: Iterable[str]) -> None:
        first, *rest = [self.find(origin) for origin in origins]
        for other in rest:
            if other != first:
                low, high = sorted((first, other))
                self._parent[high] = low
                if (kept := self.refused.pop(high, None)) is not None:
                    self.refused.setdefault(low, kept)
                first = low

    def of(self, site: Site, target: Target) -> str:
        return self.find(origins_of(site, target)[0])

    def refuse_unmoored(self, uses: Iterable[LibraryUse], roots: frozenset[Kind]) -> bool:
        """Values whose client nobody saw being made follow what the project's own clients do.

        They stay where any client stays, and where no client moves and nothing is called on them
        (an annotation alone is no reason to change it).
        """
        grew = False
        grouped = [use for use in uses if use[2].grouped and not stays_quietly(use[2])]
        for codemod in sorted({use[2].codemod for use in grouped}):
            own = [use for use in grouped if use[2].codemod == codemod]
            grew |= self._refuse_unmoored(own, roots)
        return grew

    def _refuse_unmoored(self, uses: Sequence[LibraryUse], roots: frozenset[Kind]) -> bool:
        made: set[str] = set()
        called: set[str] = set()
        handed_on: set[str] = set()
        for site, target, treatment in uses:
            key = site_key(site.path, site.span)
            if site.protocol is Protocol.VALUE:
                handed_on.add(self.of(site, target))  # the class, to who makes clients unseen
            elif site.protocol is Protocol.CALL and key in origins_of(site, target):
                made.add(self.find(key))
            elif treatment.kind in roots:
                called.add(self.of(site, target))
        staying: dict[str, set[str]] = {}
        for site, target, _ in uses:
            group = self.of(site, target)
            if group in self.refused and (group in made or group in handed_on):
                staying.setdefault(self.kinds.get(target.api, ""), set()).add(group)
        grew = False
        for site, target, _ in uses:
            group = self.of(site, target)
            kept = staying.get(self.kinds.get(target.api, ""))
            if group not in made | handed_on and (kept or (not made and group not in called)):
                reason = "nothing in the project makes or calls such a client"
                if kept:
                    reason = self.refused[min(kept)].reason
                why = f"{site.text} comes from outside of the project's own clients: {reason}"
                way_out = "let the project's clients move first"
                rule = "unknown-origin" if group in called else QUIET
                refusal = Refusal(site.path, site.span, rule, why, way_out)
                grew |= self.refuse(group, refusal)
        return grew

    def refuse(self, origin: str, refusal: Refusal) -> bool:
        """Keep the first reason; True when the group was not refused before."""
        root = self.find(origin)
        if root in self.refused:
            return False
        self.refused[root] = refusal
        return True


def stays_quietly(treatment: Treatment) -> bool:
    """Locks and pools move where something makes them; that others stay is no news."""
    return treatment.exclusive or treatment.pooled


def join_waiting(groups: Groups, uses: Iterable[LibraryUse], registry: Registry) -> None:
    """`wait(futures)` belongs to the pools whose futures its function knows; where it knows none,
    it may be given those of any."""
    pooled = [use for use in uses if use[2].pooled]
    owned: dict[str, list[str]] = {}
    loose: list[LibraryUse] = []
    for use in pooled:
        api = use[1].api or ""
        if registry.is_class(api) or registry.is_class(api.rpartition(".")[0]):
            owned.setdefault(use[0].caller, []).extend(origins_of(use[0], use[1]))
        elif use[0].protocol is Protocol.CALL:
            loose.append(use)
    for site, target, _ in loose:
        own = [origin for origin in owned.get(site.caller, ()) if origin != site_key_of(site)]
        others = own or [origin for found in owned.values() for origin in found]
        groups.join((*origins_of(site, target), *others))


def site_key_of(site: Site) -> str:
    return site_key(site.path, site.span)


def classes_of(registry: Registry, api: str) -> set[str]:
    """The library's classes whose instances a use touches: its receiver and what it gives."""
    names = {api, api.rpartition(".")[0], registry.returns(api) or ""}
    return {name for name in names if registry.is_class(name)}


def tests_class(registry: Registry, use: LibraryUse) -> bool:
    """A class as a value that is no more than asked for: `isinstance(x, Session)`."""
    site, target, treatment = use
    is_class = site.protocol is Protocol.VALUE and registry.is_class(target.api or "")
    return is_class and not treatment.renamed


def only_renamed(registry: Registry, use: LibraryUse) -> bool:
    """A function that is no client's, of a library that has clients: it is the same elsewhere."""
    _, target, treatment = use
    api = target.api or ""
    if treatment.renamed:
        return True
    if not treatment.grouped or registry.kind(api) or registry.constant(api) is not None:
        return False
    tables = (table for table in registry.tables if table.name == treatment.codemod)
    return any(row.to for table in tables for row in table.classes)


def moves(registry: Registry, use: LibraryUse, moved: Iterable[str]) -> bool:
    """Whether some client of the use's library moves."""
    own = (cls for cls in moved if registry.owner(cls) == use[2].codemod)
    return any((row := registry.class_row(cls)) is None or row.waiting for cls in own)


def library_uses(graph: Graph, registry: Registry) -> list[LibraryUse]:
    """Every place that touches a library name the tables know, in source order."""
    uses = []
    for site in graph.sites:
        for target in site.targets:
            if target.api is None:
                continue
            treatment = registry.treatment(target.api, site.protocol)
            if treatment is not None:
                uses.append((site, target, treatment))
    return uses


def form_groups(
    graph: Graph, uses: Iterable[LibraryUse], refusals: Iterable[Refusal], registry: Registry
) -> Groups:
    """Join what belongs together, then refuse the groups that hold a place nothing can rewrite."""
    groups = Groups()
    groups.kinds = {use[1].api: registry.kind(use[1].api or "") for use in uses}
    quiet: set[str] = set()
    grouped = [use for use in uses if use[2].grouped]
    together: dict[tuple[str, Span, Protocol, str], str] = {}
    for site, target, treatment in grouped:
        groups.join(origins_of(site, target))
        place = (site.path, site.span, site.protocol, treatment.codemod)
        here = together.setdefault(place, groups.of(site, target))
        groups.join((here, groups.of(site, target)))  # `(session or requests).get(url)`
        if stays_quietly(treatment):
            quiet.update(origins_of(site, target))
    join_waiting(groups, grouped, registry)
    at: dict[tuple[str, Span], Refusal] = {(r.path, r.span): r for r in refusals}
    for site, target, treatment in grouped:
        if treatment.kind is Kind.REFUSED:
            if site.protocol is not Protocol.EXCEPT:
                rule = QUIET if stays_quietly(treatment) else "no-twin"
                why, way_out = treatment.reason, treatment.way_out
                refusal = Refusal(site.path, site.span, rule, why, way_out)
                groups.refuse(origins_of(site, target)[0], refusal)
        elif (given := at.get((site.path, site.span))) is not None:
            groups.refuse(origins_of(site, target)[0], given)
        elif site.wrapper in THREADS and treatment.kind in _CALLED:
            why = f"{site.text} runs in a thread already: that was decided before"
            refusal = Refusal(site.path, site.span, QUIET, why, "call it without the thread")
            groups.refuse(origins_of(site, target)[0], refusal)
    _keep_errors(groups, uses, at, registry)
    _tie(groups, graph, grouped)
    groups.pools = handed_to_pools(graph, grouped, groups.of, registry)
    replaced = {registry.kind(name) for name in registry.replaced}
    moving = {
        groups.find(origins_of(site, target)[0])
        for site, target, _ in grouped
        if not (kind := registry.kind(target.api or "")) or kind in replaced
    }
    for escape in graph.escapes:
        for origin in escape.origins:
            if groups.find(origin) not in moving:
                continue  # it stays what it is, and only its callers await
            if escape.to.endswith("]") and is_test_file(escape.path):
                continue  # kept in a container, to be compared
            rule = QUIET if origin in quiet else "escapes"
            why = f"the client or response is handed to {escape.to}, which expects the old one"
            way_out = "migrate that use by hand, or keep it away from this client"
            groups.refuse(origin, Refusal(escape.path, escape.span, rule, why, way_out))
    return groups


def _keep_errors(
    groups: Groups,
    uses: Iterable[LibraryUse],
    refusals: Mapping[tuple[str, Span], Refusal],
    registry: Registry,
) -> None:
    """Where an exception has to stay the old one, so has what raises it; a test only fails."""
    kept: dict[str, Refusal] = {}
    for site, target, treatment in uses:
        refusal = refusals.get((site.path, site.span))
        if refusal is None or treatment.kind is not Kind.PLAIN:
            continue
        if registry.names_exception(target.api or "", site.protocol):
            groups.left.add((site.path, site.span))
            if not is_test_file(site.path):
                kept.setdefault(treatment.codemod, refusal)
    for site, target, treatment in uses:
        if treatment.grouped and treatment.codemod in kept:
            groups.refuse(origins_of(site, target)[0], kept[treatment.codemod])


def _tie(groups: Groups, graph: Graph, uses: Iterable[LibraryUse]) -> None:
    """Join the places that only move together; one that stays keeps the others where they are."""
    names: dict[tuple[str, Span], list[Tie]] = {}
    for tie in graph.ties:
        names.setdefault((tie.path, tie.span), []).append(tie)
    strong = {tie.name for tie in graph.ties if not tie.weak}
    tied: dict[str, set[str]] = {}
    staying: dict[str, Tie] = {}
    for site, target, _ in uses:
        for tie in names.get((site.path, site.span), ()):
            if tie.reason:
                staying.setdefault(tie.name, tie)
            elif tie.name in strong:
                tied.setdefault(tie.name, set()).update(origins_of(site, target))
    for name, origins in sorted(tied.items()):
        groups.join(sorted(origins))
        if (kept := staying.get(name)) is not None:
            way_out = "name the function where it is called"
            refusal = Refusal(kept.path, kept.span, "handed-on", kept.reason, way_out)
            groups.refuse(min(origins), refusal)


def uses_in_scope(uses: Sequence[LibraryUse], groups: Groups, project: Project) -> list[LibraryUse]:
    """Tests that nobody selected follow what turns; their own library calls are no business of
    this run.  (Elsewhere unselected uses count: they can refuse a client.)"""
    chosen = {file.path for file in project.files if file.selected or not is_test_file(file.path)}
    touched = {
        groups.of(site, target)
        for site, target, treatment in uses
        if treatment.grouped and site.path in chosen
    }
    return [
        use
        for use in uses
        if use[0].path in chosen
        or not is_test_file(use[0].path)
        or use[2].exception
        or (use[2].grouped and groups.of(use[0], use[1]) in touched)
    ]
