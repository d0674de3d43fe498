"""What directly wraps a place: `run_sync(f(x))`, `for x in iter_sync(rows())`, `to_thread(f, x)`.

A wrapper gives what it is given, so the node of its result tells where it is iterated or entered,
and the node of its argument which call stands directly inside of it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from asyncshift import facts as f
from asyncshift.facts import Op
from asyncshift.model import Span
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.summaries import HOPS, WRAPPERS

SiteFacts = tuple[Span, str, int, str, int]


class Wrappers:
    """Found once in a solved graph; `of` answers for one site."""

    def __init__(self, solver: Solver, facts_of: Callable[[int], tuple[int, SiteFacts]]) -> None:
        self._facts_of = facts_of
        self.results: dict[int, tuple[str, int]] = {}
        """Node of what `iter_sync`, `enter_sync` and the like give -> (wrapper, its site)."""
        self._at: dict[int, tuple[str, int]] = {}
        """Site -> the wrapper directly around it, or that it is itself."""
        self._consumed: dict[int, list[tuple[str, int]]] = {}
        """Site of a call -> the wrappers that its wrapped arguments are."""
        self._inside: dict[int, tuple[str, int]] = {}
        """Node of the argument -> the wrapper."""
        names = {**WRAPPERS, **HOPS}
        known = {
            value: names[kind[1]]
            for value, kind in enumerate(solver.values)
            if kind[0] == "ext" and kind[1] in names
        }
        if known:
            for op in solver.sited[f.CALL]:
                if op[5] >= 0 and op[2] > 0:
                    for value in known.keys() & (solver.held[op[2]] or ()):
                        self._found(known[value], op)
        if self._inside:
            self._through_iter(solver)
            self._place(solver)

    def _found(self, name: str, op: Op) -> None:
        if name in HOPS.values():
            self._at[op[5]] = (name, op[5])
            return
        if name in ("iter_sync", "enter_sync"):
            self.results[op[1]] = (name, op[5])
        for argument in op[3][:1]:
            self._inside[argument] = (name, op[5])

    def _through_iter(self, solver: Solver) -> None:
        """`iter(iter_sync(rows()))` gives what it is given."""
        for op in solver.sited[f.CALL]:
            wrapped = op[2] > 0 and len(op[3]) == 1 and op[3][0] in self.results
            if wrapped and ("ext", "builtins.iter") in solver.sees(op[2]):
                self.results[op[1]] = self.results[op[3][0]]

    def _place(self, solver: Solver) -> None:
        for op in solver.sited[f.CALL]:
            if op[5] >= 0:
                found = self._inside.get(op[1])
                if found is not None and not self._facts_of(op[5])[1][4] & f.AWAITED:
                    self._at.setdefault(op[5], found)
                for argument in op[3]:
                    if argument in self.results:
                        self._consumed.setdefault(op[5], []).append(self.results[argument])
        for op in chain(solver.sited[f.ITER], solver.sited[f.WITH]):
            if op[2] in self.results and op[3] >= 0:
                self._at.setdefault(op[3], self.results[op[2]])

    def around(self, site: int) -> str:
        """The wrapper directly around a call."""
        return self._at[site][0] if site in self._at else ""

    def of(self, site: int, protocol: str, consumer: str, span: Span) -> tuple[str, Span | None]:
        """(wrapper, its span) of a site."""
        found = self._at.get(site)
        if protocol in ("consume", "next") and site in self._consumed:
            found = self._consumed[site][0]
        if found is None:
            return "", None
        return found[0], self._facts_of(found[1])[1][0]

    def others(self, site: int, protocol: str) -> tuple[Span, ...]:
        """The spans of the wrappers behind the first one: `zip(iter_sync(a()), iter_sync(b()))`."""
        found = self._consumed.get(site, []) if protocol == "consume" else []
        return tuple(self._facts_of(inner)[1][0] for _, inner in found[1:])
