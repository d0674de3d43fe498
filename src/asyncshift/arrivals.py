"""Which library errors can arrive at which handler: the new library's, the old one's, or both."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from asyncshift.codemod import Kind, Registry, Treatment
from asyncshift.model import Certainty, FunctionId, FunctionKind, Protocol, Site, Span
from asyncshift.pins import is_test_file
from asyncshift.world import ROOTS, World

_RAISING = frozenset({Protocol.CALL, Protocol.WITH, Protocol.FOR, Protocol.COMPREHENSION})
"""How a name of the new library is used where it can raise one of its errors."""


class Arrivals:
    """Where the errors of one codemod's libraries come from: converted code, code that stays."""

    def __init__(self, world: World, registry: Registry, codemod: str) -> None:
        self._world = world
        self._uses: dict[tuple[str, Span, Protocol], bool] = {}
        new: set[FunctionId] = set()
        old: set[FunctionId] = set()
        for use in world.uses:
            site, target, treatment = use
            if treatment.codemod != codemod:
                continue
            place = site.path, site.span, site.protocol
            if treatment.renamed:
                continue
            if treatment.grouped and (treatment.kind in ROOTS or _may_raise(site, treatment)):
                self._uses[place] = world.converted(use)
                (new if self._uses[place] else old).add(site.caller)
            elif treatment.kind is Kind.MIGRATED:
                if site.protocol in _RAISING:
                    self._uses[place] = True
                    new.add(site.caller)
            elif is_test_file(site.path):
                pass  # what a test raises in a mock is what the program would have met
            elif (
                site.protocol in (Protocol.CALL, Protocol.OPERATOR, Protocol.BASE)
                and registry.treatment(target.api or "", Protocol.EXCEPT) is not None
            ):
                old.add(site.caller)
        self._new, self._old = _callers(world, new), _callers(world, old)

    def way(self, handler: Site) -> str:
        """`convert`, `both` or `keep` for one class of an except clause.  Whatever is raised
        anywhere may meet one that is a value."""
        if (handler.path, handler.span) in self._world.groups.left:
            return "keep"
        new = old = False
        for site in guarded(self._world, handler):
            match self._uses.get((site.path, site.span, site.protocol)):
                case True:
                    new = True
                case False:
                    old = True
            for target in site.targets:
                new |= target.function in self._new
                old |= target.function in self._old
        if not new and not old:
            new, old = bool(self._new), bool(self._old)
        if new and old:
            return "both"
        return "convert" if new else "keep"

    def reached(self, handler: Site) -> bool:
        """Whether a new error is seen to arrive at a handler."""
        return any(
            self._uses.get((site.path, site.span, site.protocol), False)
            or any(target.function in self._new for target in site.targets)
            for site in guarded(self._world, handler)
        )


def _may_raise(site: Site, treatment: Treatment) -> bool:
    """`response.raise_for_status()` is not awaited, and raises all the same; so does what has no
    form in the new library."""
    return treatment.kind in (Kind.PLAIN, Kind.REFUSED) and site.protocol is Protocol.CALL


def guarded(world: World, handler: Site) -> Iterator[Site]:
    """The sites in the body that a handler guards."""
    if (region := handler.region) is None:
        return
    for site in world.sites_in[handler.path]:
        inside = region[:2] <= site.span[:2] and site.span[2:] <= region[2:]
        if inside and site.targets and site.certainty is not Certainty.UNKNOWN:
            yield site


def find_arrivals(world: World, registry: Registry) -> dict[str, Arrivals]:
    """For each codemod whose exceptions are named somewhere."""
    handled = {
        treatment.codemod
        for site, target, treatment in world.uses
        if registry.names_exception(target.api or "", site.protocol)
    }
    return {codemod: Arrivals(world, registry, codemod) for codemod in sorted(handled)}


def _callers(world: World, start: set[FunctionId]) -> set[FunctionId]:
    seen: set[FunctionId] = set()
    queue = deque(start)
    while queue:
        fid = queue.popleft()
        if fid in seen:
            continue
        seen.add(fid)
        f = world.function(fid)
        if f.kind in (FunctionKind.GENEXP, FunctionKind.LAMBDA) and f.parent:
            queue.append(f.parent)
        for site in world.incoming.get(fid, ()):
            if site.certainty is not Certainty.UNKNOWN:
                queue.append(site.caller)
    return seen
