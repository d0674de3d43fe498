"""Which keyword names can reach a call, followed through `**kwargs` of the project's functions."""

from __future__ import annotations

from collections.abc import Iterator

from asyncshift.resolution.sites import Sites

_Names = tuple[str, ...] | None


class Keywords:
    """A fixpoint over (function, names that its `**` parameter can hold)."""

    def __init__(self, sites: Sites, escaped: set[int], families: dict[int, list[int]]) -> None:
        self.sites = sites
        self.solver = sites.solver
        self.escaped = escaped
        self.families = families
        self.extra: dict[int, set[str]] = {}
        """Function -> names its `**` parameter was given."""
        self.open: set[int] = set(escaped)
        """Functions whose `**` parameter can hold what nobody sees."""

    def solve(self) -> dict[int, _Names]:
        """Global site of a call -> its keyword names."""
        flows = self._flows()
        changed = True
        while changed:
            changed = False
            for site, callees in flows:
                names, known = self._at(site)
                for number in callees:
                    changed = self._give(number, names, known) or changed
        result: dict[int, _Names] = {}
        for site in self._with_names():
            names, known = self._at(site)
            if names or not known:
                result[site] = tuple(sorted(names)) if known else None
        return result

    def _with_names(self) -> Iterator[int]:
        """Calls that have keywords themselves, or by a partial that they call."""
        solver = self.solver
        partials = {n for n, kind in enumerate(solver.values) if kind[0] == "partial"}
        doubles = {
            site + solver.unit_sites[unit]
            for unit, file in enumerate(solver.files)
            for site in file.doubles
        }
        for site, ops in self.sites.calls.items():
            for op in ops:
                held = solver.held[op[2]] if op[2] > 0 else None
                if op[4] or (held and not partials.isdisjoint(held)) or site in doubles:
                    yield site
                    break

    def _double(self, site: int) -> tuple[tuple[str, ...], bool, bool] | None:
        unit = self.sites.unit_of(site)
        return self.solver.files[unit].doubles.get(site - self.solver.unit_sites[unit])

    def _flows(self) -> list[tuple[int, list[int]]]:
        """Calls that reach functions with a `**` parameter."""
        flows = []
        for (site, protocol, _), found in sorted(self.sites.found.items()):
            if protocol != "call":
                continue
            callees = [n for n, _ in found.targets if n is not None and self._takes(n)]
            if callees:
                flows.append((site, callees))
        return flows

    def _takes(self, number: int) -> bool:
        return self.solver.functions[number].facts.kwarg > 0

    def _at(self, site: int) -> tuple[set[str], bool]:
        """Names of one call, and whether they are all."""
        unit, facts = self.sites.facts_of(site)
        names: set[str] = set()
        for op in self.sites.calls.get(site, ()):
            names.update(name for name, _ in op[4] if name is not None)
            for kind in self.solver.sees(op[2]):
                if kind[0] == "partial":
                    named = self.solver.partials[kind[1]][2]
                    names.update(name for name, _ in named if name is not None)
        double = self._double(site)
        if double is None:
            return names, True
        more, own, known = double
        names.update(more)
        if own:
            owner = self._holder(self.solver.unit_functions[unit] + facts[2])
            names |= self.extra.get(owner, set())
            known = known and owner not in self.open
        return names, known

    def _holder(self, number: int) -> int:
        """The function whose `**` parameter a place sees: comprehensions and lambdas look out."""
        while self.solver.functions[number].facts.kwarg <= 0:
            fn = self.solver.functions[number]
            if fn.facts.parent < 0:
                break
            number = self.solver.unit_functions[fn.unit] + fn.facts.parent
        return number

    def _give(self, number: int, names: set[str], known: bool) -> bool:
        facts = self.solver.functions[number].facts
        named = {name for name, _ in (*facts.params[facts.positional_only :], *facts.kwonly)}
        have = self.extra.setdefault(number, set())
        more = names - named - have
        have |= more
        opened = not known and number not in self.open
        if opened:
            self.open.add(number)
        return bool(more) or opened
