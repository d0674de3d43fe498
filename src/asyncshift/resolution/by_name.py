"""Which methods a call or an access can mean whose receiver is not known: those of the name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from asyncshift import facts as f
from asyncshift.facts import Op
from asyncshift.resolution.answering import is_answered
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.flow import Fn
from asyncshift.resolution.foreign import Foreign

FALLBACK_DEFINITIONS = 8
"""A name that more methods have says nothing."""
_DECOYS = """
    get put post patch delete head options run close open send recv read write readline flush seek
    start stop join next items update append connect execute commit rollback cursor fetch request
    submit map result cancel wait notify acquire release debug info warning error exception critical
    log group match search sub compile load loads dump dumps save name set reset call handle process
    apply main test setup filter all first last exists emit encode decode json parse login logout
    shutdown register create build make add done
"""
BUILTIN_NAMES = frozenset[str]().union(*map(dir, (str, bytes, dict, list, set, int)))
COMMON_NAMES = BUILTIN_NAMES.union(_DECOYS.split())
"""Decoys: what everybody calls this is never found by its name alone."""
_PLAIN_DECORATORS = frozenset({"staticmethod", "classmethod", "abc.abstractmethod"})


class ByName:
    """Methods and properties by their plain names; names that everything has are left out."""

    def __init__(self, functions: Collection[Fn]) -> None:
        self._called: dict[str, list[Fn]] = {}
        self._read: dict[str, list[int]] = {}
        self._fitting: dict[tuple[object, ...], tuple[int, ...]] = {}
        for fn in functions:
            if fn.number != fn.origin or fn.cls < 0 or fn.facts.kind != "function":
                continue
            name = fn.facts.name.rpartition(".")[2]
            if name in COMMON_NAMES or name.startswith("__"):
                continue
            if fn.facts.flags & f.PROPERTY:
                self._read.setdefault(name, []).append(fn.number)
            else:
                self._called.setdefault(name, []).append(fn)

    def called(self, name: str, op: Op) -> tuple[int, ...]:
        """The methods of a name that a CALL can mean, if they are few."""
        candidates = self._called.get(name)
        if candidates is None:
            return ()
        args, keywords = op[3], op[4]
        starred = bool(args) and min(args) < f.CONSTANT
        key = (name, len(args), starred, tuple([given for given, _ in keywords]))
        found = self._fitting.get(key)
        if found is None:
            fitting = tuple([fn.number for fn in candidates if fits(fn, op)])
            found = fitting if len(fitting) <= FALLBACK_DEFINITIONS else ()
            self._fitting[key] = found
        return found

    def read(self, name: str) -> Collection[int]:
        """The properties of a name, if they are few."""
        found = self._read.get(name, ())
        return found if len(found) <= FALLBACK_DEFINITIONS else ()


def fits(fn: Fn, op: Op) -> bool:
    """Whether a method can be called with such arguments at all."""
    _, _, _, args, keywords, _ = op
    facts = fn.facts
    if any(name not in _PLAIN_DECORATORS for name, _ in facts.decorators):
        return True  # a wrapper may take anything
    starred = any(argument < f.CONSTANT for argument in args)
    skipped = 0 if facts.flags & f.STATICMETHOD else 1
    if facts.vararg <= 0 and not starred and len(args) > len(fn.params) - skipped:
        return False
    if facts.kwarg > 0:
        return True
    known = {name for name, _ in (*fn.params[skipped:], *fn.kwonly)}
    return all(name is None or name in known for name, _ in keywords)


class Receivers:
    """What is known of the objects that are called and read; made when everything flows."""

    def __init__(
        self,
        solver: Solver,
        calls: Mapping[int, list[Op]],
        callees: Mapping[int, tuple[int, str, int]],
    ) -> None:
        self._solver, self._calls, self._callees = solver, calls, callees
        self._foreign = Foreign(solver)

    def is_unknown(self, node: int) -> bool:
        """Nothing is seen there, and it may be an object of the project."""
        return not self._solver.sees(node) and not self._foreign.only(node)

    def is_open(self, node: int, attr: str) -> bool:
        """Nothing is seen there, or a `__getattr__` answers for the attribute."""
        return self.is_unknown(node) or is_answered(self._solver, node, attr)

    def made_outside(self) -> Iterator[int]:
        """The results of calls of libraries that cannot be objects of the project."""
        return (node for node in self._solver.foreign if node > 0 and self._foreign.clean(node))

    @cached_property
    def unresolved_names(self) -> set[str]:
        """The names of calls and attributes whose receiver is not known."""
        solver = self._solver
        names: set[str] = set()
        for site, ops in self._calls.items():
            name = solver.sites[site][3].rpartition(".")[2]
            if name not in names and any(self._is_open(op[2]) for op in ops):
                names.add(name)
        for mark in solver.attributes:
            if mark[2] not in names and self.is_unknown(mark[1]):
                names.add(mark[2])
        return names

    def _is_open(self, callee: int) -> bool:
        """A call of which nothing is known."""
        receiver = self._callees.get(callee)
        return not self._solver.sees(callee) and (receiver is None or self.is_unknown(receiver[0]))
