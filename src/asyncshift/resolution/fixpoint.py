"""The whole-program solve: load the facts, settle the classes, propagate."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from asyncshift import facts as f
from asyncshift.config import Hint
from asyncshift.facts import FileFacts, Op
from asyncshift.index import Class
from asyncshift.resolution.calls import Calls
from asyncshift.resolution.factories import made_from
from asyncshift.resolution.flow import BIND, FORWARD, SPREAD, Fn, Table, relocated
from asyncshift.resolution.hints import Hints
from asyncshift.resolution.pytest_flow import link_fixtures
from asyncshift.resolution.values import (
    BOX,
    CLASS,
    EXT,
    FUN,
    GEN,
    MODULE,
    SELF,
    SUBCLASS,
    SUPER,
)

_BUILTINS = frozenset(dir(builtins))
_SITED = (f.IMP, f.STORE, f.CALL, f.DEC, f.ITER, f.WITH, f.SUB, f.SETSUB, f.SEED)
_CLONED_OPS = 400
_CLONES = 2000


@dataclass(slots=True)
class _Shift:
    """The nodes of a file stand one after the other."""

    base: int

    def at(self, node: int) -> int:
        return node + self.base if node > 0 else node


class _Moved(dict[int, int]):
    """The nodes of a function's copy: those inside are new, those around it are shared."""

    def __init__(
        self, low: int, high: int, shift: int, shared: Container[int], outside: Callable[[int], int]
    ) -> None:
        super().__init__()
        self._range, self._shift, self._shared = range(low, high), shift, shared
        self._outside = outside

    def __missing__(self, node: int) -> int:
        inside = node in self._range and node not in self._shared
        found = self[node] = node + self._shift if inside else self._outside(node)
        return found


class Solver(Calls):
    """`solve` brings every node to its values."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sited: dict[int, list[Op]] = {code: [] for code in _SITED}
        """Operations with a site by their code, relocated, copies of functions included."""
        self.attributes: list[Op] = []
        """The ATTR marks."""
        self.marks: list[Op] = []
        """All others."""
        self.rebound: list[tuple[int, int]] = []
        """(variable, one of the values that it is given one after the other)."""
        self.parameters: list[tuple[int, list[int]]] = []
        """Function -> the nodes of its parameters, without `self`."""
        self._seeds: list[tuple[int, frozenset[int]]] = []
        self._settled_handlers: dict[int, Callable[[Op, int], None]] = {
            f.LOAD: self.load,
            f.STORE: self.store,
            f.CALL: self.call,
            f.DEC: self.decorate,
            f.ITER: self.iterate,
            f.WITH: self.enter,
            f.SUB: self.subscript,
            f.SETSUB: self.set_subscript,
            f.SEED: self.seed,
            f.KIND: self.special,
            BIND: self.bind,
            SPREAD: self.spread,
        }
        self.handlers.update(dict.fromkeys(self._settled_handlers, self._defer))
        self.handlers[f.LOAD] = self._early_load

    def solve(self, hints: Sequence[Hint] = (), strict: bool = True) -> None:
        """Load, settle the hierarchy, propagate to the fixpoint.  Raises `InputError` for a hint
        that means nothing; where it is not `strict`, it is passed over."""
        for number, file in enumerate(self.files):
            self._load_file(number, file)
        for number in range(len(self.files)):
            self._link_free(number)
        link_fixtures(self)
        self.run()
        self._nested_classes()
        self._settle()
        self._seed_metaclasses()
        self.settled = True
        self.handlers.update(self._settled_handlers)
        deferred, self.deferred = self.deferred, []
        for op, value in deferred:
            self.apply(op, value)
        for node, values in self._seeds:
            self.push(node, values)
        if hints:
            Hints(self).apply(hints, strict)
        self._propagate()
        for target, cls in self.suggestions.release():
            self.push(target, self.pool.of(SELF, cls))
        self._propagate()

    def _propagate(self) -> None:
        self.run()
        self._plain_decorators()
        while self.dynamic():
            self.run()

    def _early_load(self, op: Op, value: int) -> None:
        """Names of modules can be read before the hierarchy is settled."""
        if self.values[value][0] in (MODULE, EXT):
            self.load(op, value)
        else:
            self.deferred.append((op, value))

    def _defer(self, op: Op, value: int) -> None:
        self.deferred.append((op, value))

    # ------------------------------------------------------------------ loading

    def _load_file(self, number: int, file: FileFacts) -> None:
        base = len(self.held) - 1
        self.unit_nodes.append(base)
        self.unit_functions.append(len(self.functions))
        self.unit_classes.append(len(self.hierarchy.classes))
        self.unit_sites.append(len(self.sites))
        self.sites.extend(file.sites)
        self.held.extend([None] * file.nodes)
        self.uses.extend([None] * file.nodes)

        table = [0, *range(base + 1, base + file.nodes + 1), -1]
        at = _Shift(base).at
        classes = len(self.hierarchy.classes)
        for index, facts in enumerate(file.functions):
            fn = self._new_function(number, index, facts, at, table, len(self.functions))
            fn.cls = facts.cls + classes if facts.cls >= 0 and facts.kind != "class" else -1
        for index, cls in enumerate(file.classes):
            one = Class(classes + index, number, cls, base)
            one.attrs = {name: table[node] for name, node in cls.attrs}
            self.hierarchy.classes.append(one)
        self.own.add(number, file, self.unit_functions[number], classes)
        self._load_ops(number, file.ops, table, {})
        self._load_marks(number, file.marks, table)
        for fn in self.functions[self.unit_functions[number] :]:
            self._seed_self(fn)
        for index, name, api in self.own.parameters(file, self.unit_functions[number]):
            params = dict((*self.functions[index].params, *self.functions[index].kwonly))
            self._seeds.append((params[name], self.pool.of(EXT, api)))

    def _new_function(
        self,
        unit: int,
        index: int,
        facts: f.FunctionFacts,
        at: Callable[[int], int],
        table: Table,
        origin: int,
    ) -> Fn:
        fn = Fn(len(self.functions), unit, index, facts, at, origin)
        if facts.params:
            fn.params = tuple([(name, table[node]) for name, node in facts.params])
        if facts.kwonly:
            fn.kwonly = tuple([(name, table[node]) for name, node in facts.kwonly])
        self.functions.append(fn)
        return fn

    def _seed_self(self, fn: Fn) -> None:
        """The first parameter of a method is the class or an instance, of it or a subclass."""
        params = fn.params
        if fn.cls >= 0 and params and not fn.facts.flags & f.STATICMETHOD:
            kind = SUBCLASS if fn.facts.flags & f.CLASSMETHOD else SELF
            self._seeds.append((params[0][1], self.pool.of(kind, fn.cls)))
        skipped = 1 if fn.cls >= 0 and not fn.facts.flags & f.STATICMETHOD else 0
        nodes = [node for _, node in (*params[skipped:], *fn.kwonly)]
        nodes += [node for node in map(fn.at, (fn.facts.vararg, fn.facts.kwarg)) if node > 0]
        if nodes:
            self.parameters.append((fn.number, nodes))

    def _load_marks(self, unit: int, marks: Iterable[Op], at: Table) -> None:
        site = self.unit_sites[unit]
        for mark in marks:
            if mark[0] == f.ATTR:
                moved = (f.ATTR, at[mark[1]], mark[2], at[mark[3]], mark[4] + site)
                self.attributes.append(moved)
            elif mark[0] == f.REBOUND:
                self.rebound.append((at[mark[1]], at[mark[2]]))
            else:
                self.marks.append((mark[0], at[mark[1]], mark[2] + site))

    def _load_ops(self, unit: int, ops: Iterable[Op], at: Table, renamed: dict[int, int]) -> None:
        fun = self.unit_functions[unit]
        cls, site = self.unit_classes[unit], self.unit_sites[unit]
        settled, uses, called = self.settled, self.uses, self.sited[f.CALL]
        entry: Any
        for op in ops:
            code = op[0]
            # Four of five are one of these; they are inlined, because calls are what costs here.
            if code == f.COPY or code == f.LOAD or code == f.CALL:
                target, source = at[op[1]], at[op[2]]
                if code == f.COPY:
                    entry = target
                elif code == f.LOAD:
                    entry = (code, target, source, op[3])
                else:
                    entry = relocated(op, at, fun, cls, site)
                    called.append(entry)
                if source <= 0:
                    if source == 0:
                        self.unknown.add(target)
                elif not settled:
                    if (used := uses[source]) is None:
                        uses[source] = [entry]
                    else:
                        used.append(entry)
                elif code == f.COPY:
                    self.link(source, target)
                else:
                    self.add(entry, source)
                continue
            op = relocated(op, at, fun, cls, site)
            if code == f.FUNC:
                made = renamed[op[2]] if op[2] in renamed else op[2]
                if (named := self.own.functions.get(made)) is not None:
                    self._source(op[1], self.pool.of(EXT, named))
                    continue
                kind = GEN if self.functions[made].facts.kind == "genexp" else FUN
                self._source(op[1], self.pool.of(kind, made))
            elif code == f.CLS:
                named = self.own.classes.get(op[2])
                self.push(
                    op[1], self.pool.of(CLASS, op[2]) if named is None else self.pool.of(EXT, named)
                )
            elif code == f.BOX:
                self._load_box(op)
            elif code == f.SUPER:
                self._source(op[1], self.pool.of(SUPER, op[2], op[3]))
            elif code == f.IMP:
                self._load_import(unit, op)
            else:
                self._load_use(op)

    def _load_use(self, op: Op) -> None:
        code = op[0]
        source = op[1] if code in (f.STORE, f.SETSUB) else op[2]
        if code != f.KIND:
            self.sited[code].append(op)
        if source == 0:
            if code not in (f.STORE, f.SETSUB):
                self.unknown.add(op[1])
        elif source > 0:
            if self.settled:
                self.add(op, source)
            else:
                self.use(source, op)

    def _load_box(self, op: Op) -> None:
        _, target, elements, kind = op
        if self.settled:
            self.link(elements, elements + 1)
        else:
            self.use(elements, elements + 1)
        self._source(target, self.pool.of(BOX, elements, kind))

    def _source(self, node: int, values: frozenset[int]) -> None:
        if self.settled:
            self.push(node, values)
        else:
            self._seeds.append((node, values))

    def _load_import(self, unit: int, op: Op) -> None:
        _, target, name, attr, _ = op
        self.sited[f.IMP].append(op)
        module = self.modules.resolve(unit, name)
        if self.modules.bridges and self.modules.is_bridge(unit, name):
            short = name.rpartition(".")[2]  # wherever it lies: `_run_sync.run_sync`
            self.push(target, self.pool.of(EXT, f"{short}.{attr}" if attr else short))
        elif module is None:
            if name:
                self.push(target, self.pool.of(EXT, f"{name}.{attr}" if attr else name))
        elif attr is None:
            self.push(target, self.pool.of(MODULE, module))
        else:
            holder = self.node()
            self.push(holder, self.pool.of(MODULE, module))
            self.use(holder, (f.LOAD, target, holder, attr))

    def _link_free(self, unit: int) -> None:
        """Names that no scope binds: from a star import, else builtins."""
        file = self.files[unit]
        for name, number in file.free:
            target = self.unit_nodes[unit] + number
            if self.exported(unit, name, target):
                continue
            if name in _BUILTINS:
                self.push(target, self.pool.of(EXT, f"builtins.{name}"))
            else:
                self.await_name(unit, name, target)

    # ------------------------------------------------------------------ classes

    def _nested_classes(self) -> None:
        """`Outer.Inner` may be a base: what an own body binds to a class is known without any."""
        for op, value in self.deferred:  # grows while it is gone through
            kind = self.values[value]
            if op[0] != f.LOAD or kind[0] != CLASS:
                continue
            node = self.hierarchy.classes[kind[1]].attrs.get(op[3], 0)
            for inner in self.sees(node):
                if inner[0] == CLASS:
                    self.push(op[1], self.pool.of(*inner))
                    self.run()

    def _settle(self) -> None:
        for one in self.hierarchy.classes:
            for node, text, site in one.facts.bases:
                found = self.sees(one.base + node if node > 0 else node)
                for kind in found:
                    if kind[0] == CLASS:
                        if kind[1] != one.number:
                            one.bases.append(kind[1])
                    elif kind[0] == EXT:
                        one.bases.append(kind[1])
                        if site >= 0:
                            one.base_sites[kind[1]] = site + self.unit_sites[one.unit]
                if not found:
                    one.bases.extend(made_from(self, one.unit, node))
                    one.bases.append(text)
                    one.unseen = True
            one.bases = list(dict.fromkeys(one.bases))
        self.hierarchy.settle()

    def _seed_metaclasses(self) -> None:
        """The first parameter of a metaclass's method is also a class that it makes."""
        for fn in self.functions:
            if fn.cls < 0 or not fn.params or not self.hierarchy.is_metaclass(fn.cls):
                continue
            if not fn.facts.flags & (f.STATICMETHOD | f.CLASSMETHOD):
                for made in self.hierarchy.made_by(fn.cls):
                    self._seeds.append((fn.params[0][1], self.pool.of(CLASS, made)))

    # ------------------------------------------------------------------ decorators

    def decorate(self, op: Op, value: int) -> None:
        """DEC(dst, decorator, src, site): the body of a decorator is copied for each use."""
        _, target, _, source, site = op
        kind = self.values[value]
        if kind[0] in ("fun", "bound"):
            fn = self._clone(self.functions[kind[1]], op)
            self.invoke(fn, (source,), (), target, 1 if kind[0] == "bound" else 0)
        elif kind[0] == EXT:
            self.link(source, target)
        else:
            self.call((f.CALL, target, op[2], (source,), (), site), value)

    def _plain_decorators(self) -> None:
        """A decorator that gave nothing: what it decorates is called by its name as before."""
        for op in self.sited[f.DEC]:
            if self.held[op[1]] is None:
                self.unknown.add(op[1])
                self.link(op[3], op[1])
        self.run()

    def _clone(self, fn: Fn, op: Op) -> Fn:
        facts = fn.facts
        first, last = facts.ops
        if facts.flags & (f.FIXED | f.GENERATOR) or last - first > _CLONED_OPS:
            return fn
        key = (op[3], op[4])
        found = fn.clones.get(key)
        if found is not None:
            return self.functions[found]
        if len(fn.clones) >= _CLONES:
            return fn
        file = self.files[fn.unit]
        low, high = facts.nodes
        shared = set(file.names.values())
        shift = len(self.held) - low
        self.held.extend([None] * (high - low))
        self.uses.extend([None] * (high - low))
        table = _Moved(low, high, shift, shared, fn.at)
        at = table.__getitem__
        base = self.unit_functions[fn.unit]
        renamed: dict[int, int] = {}
        for index in (fn.index, *range(*facts.inner)):
            original = self.functions[base + index]
            clone = self._new_function(fn.unit, index, original.facts, at, table, original.origin)
            clone.cls = original.cls
            renamed[base + index] = clone.number
            self._seed_clone(clone)
        fn.clones[key] = renamed[base + fn.index]
        self._load_ops(fn.unit, file.ops[first:last], table, renamed)
        self._load_marks(fn.unit, file.marks[facts.marks[0] : facts.marks[1]], table)
        return self.functions[fn.clones[key]]

    def _seed_clone(self, clone: Fn) -> None:
        start = len(self._seeds)
        self._seed_self(clone)
        for node, values in self._seeds[start:]:
            self.push(node, values)


__all__ = ["FORWARD", "Solver"]
