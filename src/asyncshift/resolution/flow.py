"""The core of the solver: nodes, sets of values, copy edges, and difference propagation.

A node sends only its new values, each (operation, value) pair is handled once, and a node that
would hold more than `CAP` values is dropped as unknown instead of being truncated: what it held is
noise.  Library instances never count against the cap, their origins are united instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncshift import facts as f
from asyncshift.codemod import Registry
from asyncshift.facts import FileFacts, FunctionFacts, Op
from asyncshift.index import ClassIndex, ModuleIndex
from asyncshift.model import Span
from asyncshift.resolution.outside import is_stdlib
from asyncshift.resolution.own_names import OwnNames
from asyncshift.resolution.values import (
    BOUND,
    FUN,
    GEN,
    LIB,
    MANAGER,
    MEMBER,
    RESULT,
    Origins,
    Pool,
)

CAP = 16
FAMILY = 64
"""So many classes below one base count as one: they are made and called alike."""
ORIGINS = 6
"""So many origins of one class may meet in a node before they are united."""

BIND, SPREAD, FORWARD = 64, 65, 66
"""Operations that only the solver makes: BIND(dst, mode, class) binds what a class body holds,
SPREAD(dst, function, skip) hands `**` or `*` arguments on, FORWARD(dst, partial) ends a partial."""

Values = frozenset[int]
Table = list[int] | dict[int, int]
"""Local node -> global node; "unknown" and "a constant" stay what they are."""


@dataclass(slots=True)
class Fn:
    """A function of the whole program, or a copy of one made for one use as a decorator."""

    number: int
    unit: int
    index: int
    facts: FunctionFacts
    at: Callable[[int], int]
    """Local node -> global node."""
    origin: int
    cls: int = -1
    clones: dict[Any, int] = field(default_factory=dict)
    params: tuple[tuple[str, int], ...] = ()
    kwonly: tuple[tuple[str, int], ...] = ()


class Core:
    """Nodes and the propagation between them."""

    def __init__(
        self, files: Sequence[FileFacts], registry: Registry, bridges: Collection[str] = ()
    ) -> None:
        self.files = files
        self.registry = registry
        self.modules = ModuleIndex(files, bridges)
        self.hierarchy = ClassIndex()
        self.pool = Pool()
        self.values = self.pool.values
        self.origins = Origins()
        self.own = OwnNames(registry)
        self.held: list[Values | None] = [None]
        self.uses: list[list[Any] | None] = [None]
        self.unknown: set[int] = set()
        self.saturated: dict[int, set[int]] = {}
        """Node -> callables and instances that were lost there."""
        self.delta: dict[int, Values] = {}
        self.queue: deque[int] = deque()
        self.waiting: deque[tuple[Op, int]] = deque()
        self.made: set[tuple[int, Op]] = set()
        self.edges: set[int] = set()
        self.functions: list[Fn] = []
        self.unit_nodes: list[int] = []
        self.unit_functions: list[int] = []
        self.unit_classes: list[int] = []
        self.unit_sites: list[int] = []
        self.sites: list[tuple[Span, str, int, str, int]] = []
        """The places of all files, one after the other."""
        self.settled = False
        self.deferred: list[tuple[Op, int]] = []
        self.handlers: dict[int, Callable[[Op, int], None]] = {}
        """Code of an operation -> what one new value at it does."""
        self._canonical: dict[str, str] = {}
        self._tallies: dict[Values, set[object]] = {}
        """What counts in a large set: the overrides of one method come one by one."""
        self._seen: dict[Values, tuple[tuple[Any, ...], ...]] = {}
        """What `sees` gave for a set of values."""

    # ------------------------------------------------------------------ nodes

    def node(self) -> int:
        """A new node."""
        self.held.append(None)
        self.uses.append(None)
        return len(self.held) - 1

    def drop(self, node: int) -> None:
        """Take back the node that was made last."""
        assert node == len(self.held) - 1
        self.held.pop()
        self.uses.pop()

    def use(self, node: int, entry: Any) -> None:
        """Register a copy edge (an int) or an operation at the node that feeds it."""
        uses = self.uses[node]
        if uses is None:
            self.uses[node] = [entry]
        else:
            uses.append(entry)

    def add(self, op: Op, node: int) -> None:
        """A new operation on a node which may hold values already."""
        if node <= 0:
            if node == 0 and isinstance(op[1], int):
                self.unknown.add(op[1])
            return
        if (node, op) in self.made:
            return
        self.made.add((node, op))
        self.use(node, op)
        held = self.held[node]
        if held is not None:
            # Later, not at once: an object whose `__call__` is an object would recurse for ever.
            pending = self.delta.get(node)
            for value in sorted(held if pending is None else held - pending):
                self.waiting.append((op, value))

    def link(self, source: int, target: int) -> None:
        """Values flow from one node to another."""
        if source <= 0 or target <= 0 or source == target:
            if source == 0 and target > 0:
                self.unknown.add(target)
            return
        edge = source << 32 | target
        if edge in self.edges:
            return
        self.edges.add(edge)
        self.use(source, target)
        held = self.held[source]
        if held is not None:
            self.push(target, held)

    def push(self, node: int, values: Values) -> None:
        """Add values to a node."""
        if node <= 0:
            return
        old = self.held[node]
        if old is None:
            if node in self.saturated:
                self._lose(node, values)
            elif len(values) <= ORIGINS:
                self.held[node] = self.delta[node] = values
                self.queue.append(node)
            else:
                self._push_many(node, values, None)
        elif not values <= old:
            self._push_many(node, values - old, old)

    def _push_many(self, node: int, values: Values, old: Values | None) -> None:
        total = len(values) + (len(old) if old else 0)
        if total > CAP or (total > ORIGINS and not self.pool.plain.issuperset(values)):
            values, total = self._unite(values, old)
            if not values:
                return
        if total > CAP:
            self.saturated[node] = set()
            self._lose(node, values | (old or frozenset()))
            self.held[node] = None
            self.delta.pop(node, None)
            return
        self.held[node] = values if old is None else self.pool.intern(old | values)
        pending = self.delta.get(node)
        if pending is None:
            self.delta[node] = values
            self.queue.append(node)
        else:
            self.delta[node] = pending | values

    def _lose(self, node: int, values: Values) -> None:
        kept = (FUN, BOUND, GEN, MANAGER, LIB)
        self.saturated[node].update(v for v in values if self.values[v][0] in kept)

    def _unite(self, new: Values, old: Values | None) -> tuple[Values, int]:
        """Library values beyond a few per class are united with those present.

        Gives the values that are still new, and how many values count against the cap.
        """
        tally = self._tallies.pop(old, None) if old and self.pool.plain.issuperset(new) else None
        if tally is not None and old is not None:
            tally.update(self._counted(self.values[value]) for value in new)
            self._tallies[self.pool.intern(old | new)] = tally
            return new, len(tally)
        groups: dict[tuple[Any, ...], list[int]] = {}
        counted: set[object] = set()
        kept: list[int] = []
        for value in sorted(old or ()):
            kind = self.values[value]
            if kind[0] in (LIB, MEMBER, RESULT):
                groups.setdefault(kind[:-1], []).append(value)
            else:
                counted.add(self._counted(kind))
        for value in sorted(new):
            kind = self.values[value]
            if kind[0] not in (LIB, MEMBER, RESULT):
                counted.add(self._counted(kind))
                kept.append(value)
                continue
            group = groups.setdefault(kind[:-1], [])
            if len(group) < ORIGINS:
                group.append(value)
                kept.append(value)
                continue
            for other in group:
                self.origins.unite(self.values[other][-1], kind[-1])
        if not groups and len(counted) <= CAP:
            self._tallies[self.pool.intern(new if old is None else old | new)] = counted
        return self.pool.intern(frozenset(kept)), len(counted) + min(len(groups), ORIGINS)

    def _counted(self, kind: tuple[Any, ...]) -> object:
        """What counts against the cap: all overrides of one method count as one, and so do the
        functions of one file, which a table may hold all together, and the classes below one base
        of the project, or their instances, where these are not too many."""
        match kind[0]:
            case "fun":
                return FUN, self.functions[kind[1]].unit
            case "bound":
                return BOUND, self.functions[kind[1]].facts.name.rpartition(".")[2]
            case "class" | "inst":
                return kind[0], self._family(kind[1])
        return kind

    def _family(self, cls: int) -> int:
        """The class at the top of a family of up to `FAMILY` classes, else the class itself."""
        classes = self.hierarchy.classes
        top = next((b for b in reversed(classes[cls].mro) if isinstance(b, int)), cls)
        return top if len(classes[top].descendants) <= FAMILY else cls

    # ------------------------------------------------------------------ the fixpoint

    def apply(self, op: Op, value: int) -> None:
        """One new value at an operation."""
        self.handlers[op[0]](op, value)

    def run(self) -> None:
        """Propagate until nothing is new."""
        queue, delta, waiting = self.queue, self.delta, self.waiting
        all_uses, push, handlers = self.uses, self.push, self.handlers
        while queue or waiting:
            while waiting:
                op, value = waiting.popleft()
                handlers[op[0]](op, value)
            if not queue:
                break
            node = queue.popleft()
            values = delta.pop(node, None)
            if values is None:
                continue
            uses = all_uses[node]
            if uses is None:
                continue
            ordered = values if len(values) == 1 else sorted(values)
            for entry in tuple(uses):
                if entry.__class__ is int:
                    push(entry, values)
                else:
                    handler = handlers[entry[0]]
                    for value in ordered:
                        handler(entry, value)

    # ------------------------------------------------------------------ names

    def canonical(self, dotted: str) -> str | None:
        """The table's name of an outside name; None when no table maps its package."""
        found = self._canonical.get(dotted)
        if found is None:
            top = dotted.partition(".")[0]
            mapped = top in self.registry.tops
            found = self.registry.canonical(dotted) if mapped else dotted
            # Of the standard library a table maps a few names; of a library of its own, everything;
            # of the libraries that code moves to, what it moves to.
            if (is_stdlib(found) or not mapped) and not self.registry.is_api(found):
                found = ""
            self._canonical[dotted] = found
        return found or None

    def returned(self, api: str) -> str | None:
        """The class of what a library name gives, by its canonical name."""
        found = self.registry.returns(api)
        return None if found is None else self.registry.canonical(found)

    def origin_tokens(self) -> list[int]:
        """Every place that a library value comes from."""
        kept = (LIB, MEMBER, RESULT)
        tokens = {v[-1] for v in self.values if v[0] in kept and v[-1] >= 0}
        return sorted(tokens)

    def sees(self, node: int) -> tuple[tuple[Any, ...], ...]:
        """The values of a node in a fixed order."""
        held = self.held[node] if node > 0 else None
        if not held:
            return ()
        found = self._seen.get(held)
        if found is None:
            values = self.values
            found = self._seen[held] = tuple([values[value] for value in sorted(held)])
        return found


def relocated(op: Op, at: Table, fun: int, cls: int, site: int) -> Op:
    """An operation of a file as one of the whole program."""
    code = op[0]
    if code == f.CALL:
        args, keywords = op[3], op[4]
        if args:
            args = tuple([at[a] if a >= -1 else ~at[~a] for a in args])
        if keywords:
            keywords = tuple([(name, at[node]) for name, node in keywords])
        return (code, at[op[1]], at[op[2]], args, keywords, op[5] + site)
    if code == f.LOAD:
        return (code, at[op[1]], at[op[2]], op[3])
    if code == f.ITER:
        return (code, at[op[1]], at[op[2]], op[3] + site, op[4])
    if code in (f.WITH, f.SEED):
        return (code, at[op[1]], at[op[2]], op[3] + site if op[3] >= 0 else -1)
    if code == f.SUB:
        return (code, at[op[1]], at[op[2]], op[3], op[4] + site if op[4] >= 0 else -1)
    if code in (f.STORE, f.SETSUB):
        return (code, at[op[1]], op[2], at[op[3]], op[4] + site if op[4] >= 0 else -1)
    if code == f.FUNC:
        return (code, at[op[1]], op[2] + fun)
    if code == f.CLS:
        return (code, at[op[1]], op[2] + cls)
    if code == f.BOX:
        return (code, at[op[1]], at[op[2]], op[3])
    if code == f.SUPER:
        return (code, at[op[1]], op[2] + cls, op[3])
    if code == f.IMP:
        return (code, at[op[1]], op[2], op[3], op[4] + site if op[4] >= 0 else -1)
    if code == f.DEC:
        return (code, at[op[1]], at[op[2]], at[op[3]], op[4] + site)
    return (code, at[op[1]], at[op[2]], op[3])  # KIND
