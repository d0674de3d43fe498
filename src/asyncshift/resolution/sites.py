"""From solved values to sites: what every place reaches, by which protocol, and how surely."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from asyncshift import facts as f
from asyncshift.facts import Op
from asyncshift.model import Certainty, FunctionId, Protocol, Site, Span, Target
from asyncshift.resolution import found as of
from asyncshift.resolution.by_name import ByName, Receivers
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.found import Found, holds_more, made_by_metaclass
from asyncshift.resolution.members import Members
from asyncshift.resolution.summaries import (
    CLOSING,
    CONSUMERS,
    HOPS,
    MAPPED,
    METHOD_CONSUMERS,
)
from asyncshift.resolution.values import BOUND, BOX, FUN, GEN, INST, MANAGER, NO_ORIGIN, SUPER
from asyncshift.resolution.wrappers import Wrappers

Value = tuple[Any, ...]
Reached = tuple[int | None, str | None, int]
"""(function, library name, origin)."""

_ENTER, _AENTER = ("__enter__", "__exit__"), ("__aenter__", "__aexit__")

_ALONE = ("iterator", "hinted", "pooled")
"""Kinds of containers that are iterated like the objects beside them."""

_ENDINGS = {0: "", f.CAUGHT: "caught", f.ENDING: "awaited"}
_PROJECT = frozenset({"inst", "self", "class", "subclass", "super"})
_CALLED = frozenset({"call", "next"})
_HANDED = frozenset({FUN, BOUND, INST, "self", "partial"})


class Sites:
    """Collects the sites of a solved graph."""

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self.found: dict[tuple[int, str, str], Found] = {}
        self.calls: dict[int, list[Op]] = {}
        """Global site -> the calls there."""
        self._units: list[int] = solver.unit_sites
        self._callees: dict[int, tuple[int, str, int]] = {}
        self.wrappers = Wrappers(solver, self.facts_of)
        self._noise: set[int] = set()
        """Nodes of callees that say nothing."""
        self._handed: set[tuple[int, Span]] = set()
        """(file, place) of functions that are handed to a thread, which is a call of them."""
        self.receivers: Receivers
        self.doubled: set[tuple[int | None, str | None]] = set()
        """What is called where a mock can stand in its place."""
        self._labels: dict[int, str] = {}
        """Site of such a call -> how the function is written there."""
        self.fields = of.fields(solver)

    # ------------------------------------------------------------------ places

    def unit_of(self, site: int) -> int:
        """The file of a global site."""
        return bisect_right(self._units, site) - 1

    def facts_of(self, site: int) -> tuple[int, tuple[Span, str, int, str, int]]:
        """(file, facts of the site)."""
        return bisect_right(self._units, site) - 1, self.solver.sites[site]

    def receiver(self, callee: int) -> tuple[int, str] | None:
        """(node of x, "f") for the callee `x.f`."""
        found = self._callees.get(callee)
        return None if found is None else found[:2]

    def key(self, token: int) -> str:
        """`path:line:column` of an origin."""
        unit, facts = self.facts_of(token)
        return f"{self.solver.files[unit].path}:{facts[0][0]}:{facts[0][1]}"

    # ------------------------------------------------------------------ collecting

    def collect(self) -> None:
        """Look at every operation and mark that has a place."""
        solver = self.solver
        for mark in solver.attributes:
            self._callees[mark[3]] = (mark[1], mark[2], mark[4])
        self._noise = self._of_saturated()
        for op in solver.sited[f.CALL]:
            if op[5] >= 0:
                self._call(op, op[5])
        for code, handler in (
            (f.ITER, self._iteration),
            (f.WITH, self._with),
            (f.SUB, self._subscript),
            (f.SETSUB, self._subscript),
            (f.DEC, self._decorator),
            (f.STORE, self._store),
            (f.SEED, self._annotation),
            (f.IMP, self._import),
        ):
            for op in solver.sited[code]:
                if op[-1 if code != f.ITER else 3] >= 0:
                    handler(op, op[-1 if code != f.ITER else 3])
        for mark in solver.attributes:
            self._attribute(mark)
        for mark in solver.marks:
            self._mention(mark)
        self._fallback()

    def _of_saturated(self) -> set[int]:
        """Special methods of what was seen where too many values met, before they were dropped."""
        uses = self.solver.uses
        return {
            entry[1]
            for node in self.solver.saturated
            for entry in uses[node] or ()
            if entry.__class__ is tuple and entry[0] == f.LOAD and entry[3][:2] == "__"
        }

    def _mentioned(self, site: int, protocol: str, reached: Reached, node: int) -> None:
        """A mention, unless it stands where a thread is told what to call."""
        unit, facts = self.facts_of(site)
        if (unit, facts[0]) not in self._handed:
            self.note(site, protocol, reached, node)

    def note(
        self,
        site: int,
        protocol: str,
        reached: Reached,
        node: int,
        consumer: str = "",
        position: int = -1,
    ) -> None:
        """One target of a site; the value was seen at `node`, the argument of this `position`."""
        entry = self.found.setdefault((site, protocol, consumer), Found())
        function, api, token = reached
        if function is not None and (named := self.solver.table_name(function, protocol)):
            function, api = None, named
        if function is not None:
            function = self.solver.functions[function].origin
        tokens = entry.targets.setdefault((function, api), set())
        if token != NO_ORIGIN:
            tokens.add(token)
        entry.nodes.add(node)
        if position >= 0:
            entry.arguments.setdefault((function, api), set()).add(position)

    # ------------------------------------------------------------------ what a value is called as

    def called(self, kind: Value, site: int, seen: set[Value] | None = None) -> Iterator[Reached]:
        """What calling a value runs; `seen` are the wrappers and partials around it."""
        solver = self.solver
        match kind[0]:
            case "fun" | "bound":
                passed = list(self._inside(kind, solver.passed_on(kind[1]), site, seen))
                yield from passed or [(kind[1], None, NO_ORIGIN)]
            case "class" | "subclass":
                yield from self._constructed(kind, site)
            case "inst" | "self":
                for inner in solver.bound(kind[0], kind[1], "__call__"):
                    if inner[0] in (FUN, BOUND):
                        yield inner[1], None, NO_ORIGIN
            case "partial":
                yield from self._inside(kind, solver.sees(solver.partials[kind[1]][0]), site, seen)
            case "ext":
                api = solver.canonical(kind[1])
                if api is not None:
                    yield None, api, site
            case "member":
                api = solver.registry.canonical(f"{kind[1]}.{kind[2]}")
                yield None, api, kind[3]

    def _inside(
        self, kind: Value, values: Iterable[Value], site: int, seen: set[Value] | None
    ) -> Iterator[Reached]:
        seen = set() if seen is None else seen
        for inner in () if kind in seen else values:
            seen.add(kind)
            yield from self.called(inner, site, seen)

    def _constructed(self, kind: tuple[Any, ...], site: int) -> Iterator[Reached]:
        solver = self.solver
        how = INST if kind[0] == "class" else "self"
        mro = solver.hierarchy.classes[kind[1]].mro
        made = False
        for number in of.calls_of_metaclasses(solver, kind[1]):
            yield number, None, NO_ORIGIN
        filled = solver.hierarchy.definer(mro, "__init__") is not None
        for name in ("__init__" if filled else "__post_init__", "__new__"):
            if solver.hierarchy.definer(mro, name) is None:
                continue
            mode = kind[0] if name == "__new__" else how
            for inner in solver.bound(mode, kind[1], name):
                if inner[0] in (FUN, BOUND):
                    made = True
                    yield inner[1], None, NO_ORIGIN
        base = solver.library_base(kind[1])
        if not made and base is not None:
            yield None, base[0], base[1]

    def iterated(self, kind: tuple[Any, ...], is_async: bool) -> Iterator[Reached]:
        """What iterating over a value runs."""
        solver = self.solver
        match kind[0]:
            case "gen":
                yield kind[1], None, NO_ORIGIN
            case "inst" | "self":
                (name,) = solver.dunders(kind, ("__iter__",), ("__aiter__",), is_async)
                if not solver.definers(kind[0], kind[1], name):
                    yield from self._next(kind, is_async)  # collections.abc.Iterator gives itself
                for inner in solver.bound(kind[0], kind[1], name):
                    if inner[0] not in (FUN, BOUND):
                        continue
                    yield inner[1], None, NO_ORIGIN
                    fn = solver.functions[inner[1]]
                    for result in solver.sees(fn.at(fn.facts.returned)):
                        yield from self._next(result, name == "__aiter__")
            case "lib":
                yield None, kind[1], kind[2]
            case "member":
                yield None, solver.held_by(kind, Protocol.FOR), kind[3]
            case "result":
                yield None, kind[1], kind[2]

    def _next(self, kind: tuple[Any, ...], is_async: bool) -> Iterator[Reached]:
        match kind[0]:
            case "inst" | "self":
                (name,) = self.solver.dunders(kind, ("__next__",), ("__anext__",), is_async)
                for inner in self.solver.bound(kind[0], kind[1], name):
                    if inner[0] in (FUN, BOUND):
                        yield inner[1], None, NO_ORIGIN
            case "gen":
                yield kind[1], None, NO_ORIGIN

    def entered(self, kind: tuple[Any, ...], is_async: bool) -> Iterator[Reached]:
        """What entering a value runs."""
        solver = self.solver
        match kind[0]:
            case "manager":
                yield kind[1], None, NO_ORIGIN
            case "inst" | "self":
                made = False
                for name in solver.dunders(kind, _ENTER, _AENTER, is_async):
                    if not solver.definers(kind[0], kind[1], name):
                        continue
                    for inner in solver.bound(kind[0], kind[1], name):
                        if inner[0] in (FUN, BOUND):
                            made = True
                            yield inner[1], None, NO_ORIGIN
                base = solver.library_base(kind[1])
                if not made and base is not None:
                    yield None, base[0], base[1]
            case "lib":
                yield None, kind[1], kind[2]
            case "result":
                yield None, kind[1], kind[2]
            case "member":
                yield None, solver.held_by(kind, Protocol.WITH), kind[3]

    # ------------------------------------------------------------------ operations

    def _call(self, op: Op, site: int) -> None:
        _, _, node, args, _, _ = op
        _, protocol, _, label, _ = self.solver.sites[site]
        if protocol == "call":
            self.calls.setdefault(site, []).append(op)
        noise = protocol == "operator" and node in self._noise
        if node > 0 and self.solver.held[node] is not None and not noise:
            self._called(op, site, protocol)
        if args and (node <= 0 or node in self._callees):
            self._method_consumer(node, label, args, site)

    def _called(self, op: Op, site: int, protocol: str) -> None:
        _, _, node, args, _, _ = op
        inside = outside = False
        kinds = self.solver.sees(node)
        for kind in kinds:
            ran = of.by_arguments(self.solver, self.called(kind, site), op)
            inside = inside or bool(ran)
            outside |= not ran and of.gives_at_once(kind)
            for reached in ran:
                if protocol == "call" or reached[0] is not None:
                    self.note(site, protocol, reached, node)
            if protocol == "call":
                self._consumer(kind, args, site)
                self._mapping(kind, op)
                if kind[0] == "ext" and kind[1] in HOPS and args:
                    self._hop(args, site)
        if (driven := self.found.get((site, "consume", "generator.close"))) is not None:
            driven.unknown = any(kind[0] != "drive" for kind in kinds)  # a file's, for example
        if (found := self.found.get((site, protocol, ""))) is not None:
            found.likely = found.likely or made_by_metaclass(self.solver, node)
            # `log=print` or a function of the project: no `await` fits both.
            found.unknown = found.unknown or (inside and outside and not of.is_outside(self, node))
            if any(map(of.is_mock, kinds)):
                self.doubled.update(found.targets)

    def _hop(self, args: tuple[int, ...], site: int) -> None:
        """`to_thread(f, x)` calls f: its name there is no mention.  `to_thread(list, rows())`
        iterates."""
        function = args[0]
        unit = self.unit_of(site)
        handed = self.solver.files[unit].handed.get(site - self._units[unit])
        if handed is not None:
            self._handed.add((unit, handed[0]))
            self._labels[site] = handed[1]
            self._method_consumer(function, handed[1], args[1:], site)
        for kind in self.solver.sees(function):
            self._consumer(kind, args[1:], site)
            for reached in self.called(kind, site):
                self.note(site, "call", reached, function)

    def handed_label(self, site: int) -> str:
        """What a thread is given to call, as written."""
        unit = self.unit_of(site)
        handed = self.solver.files[unit].handed.get(site - self._units[unit])
        return handed[1] if handed is not None else ""

    def _consumer(self, kind: tuple[Any, ...], args: tuple[int, ...], site: int) -> None:
        """Builtins that iterate: `list(rows())`, `next(it)`, `stack.enter_context(cm())`."""
        if kind[0] == "drive":
            protocol = "next" if kind[2] == "__next__" else "consume"
            consumer = "" if protocol == "next" else f"generator.{kind[2]}"
            self.note(site, protocol, (kind[1], None, NO_ORIGIN), 0, consumer)
        if kind[0] != "ext":
            return
        name = kind[1].removeprefix("builtins.")
        if name in ("next", "anext"):
            for argument in args[:1]:
                for inner in self.solver.sees(argument):
                    for one in self._next(inner, name == "anext"):
                        self.note(site, "next", one, argument)
                    if inner[0] in ("lib", "result"):
                        self.note(site, "next", (None, inner[1], inner[2]), argument)
        elif name in CONSUMERS:
            skipped = 1 if name in ("map", "filter", "functools.reduce") else 0
            for position in range(skipped, len(args)):
                self._consume(args, position, site, name)
        elif name == CLOSING:
            for inner in self.solver.sees(args[0]) if args else ():
                if (ended := of.closed(inner)) is not None:
                    self.note(site, "consume", ended, args[0], name, 0)
        elif name.rpartition(".")[2] in ("enter_context", "enter_async_context"):
            is_async = name.endswith("enter_async_context")
            for argument in args[:1]:
                for inner in self.solver.sees(argument):
                    for one in self.entered(inner, is_async or argument in self.wrappers.results):
                        self.note(site, "with" if one[1] else "consume", one, argument, name)

    def _mapping(self, kind: tuple[Any, ...], op: Op) -> None:
        """Builtins that call what they are handed: `map(f, rows)`, `sorted(rows, key=f)`."""
        _, _, _, args, keywords, site = op
        name = kind[1].removeprefix("builtins.") if kind[0] == "ext" else ""
        if (keyword := MAPPED.get(name)) is None:
            return
        given = dict(keywords).get(keyword, -1) if keyword else next(iter(args), -1)
        handed = list(self.solver.sees(given)) if given > 0 else []
        ran = [list(self.called(one, site)) for one in handed if one[0] in _HANDED]
        reached = [one for several in ran for one in several]
        functions = [self.solver.functions[n].facts for n, _, _ in reached if n is not None]
        for one in reached:
            self.note(site, "mapped", one, given, name)
        if functions:  # what makes generators and managers, nobody knows who uses
            plain = not any(facts.flags & f.GENERATOR for facts in functions)
            sure = plain and all(ran) and len(ran) == len(handed) and len(functions) == len(reached)
            self.found[site, "mapped", name].unknown |= not sure

    def _consume(self, args: tuple[int, ...], position: int, site: int, consumer: str) -> None:
        argument = args[position]
        is_async = argument in self.wrappers.results
        for inner in self.solver.sees(argument):
            for one in self.iterated(inner, is_async):
                self.note(site, "consume", one, argument, consumer, position)

    def _method_consumer(self, node: int, label: str, args: tuple[int, ...], site: int) -> None:
        """`", ".join(rows())`, `items.extend(rows())` on builtin or unknown receivers."""
        consumer = METHOD_CONSUMERS.get(label.rpartition(".")[2])
        if consumer is None:
            return
        values = self.solver.sees(node)
        if all(kind[0] == "boxed" for kind in values):
            for position in range(len(args)):
                self._consume(args, position, site, consumer)

    def _iteration(self, op: Op, site: int) -> None:
        _, _, source, _, consumer = op
        facts = self.solver.sites[site]
        protocol, is_async = facts[1], self._is_async(facts[4], source)
        kinds = list(self.solver.sees(source))
        for kind in kinds:
            if of.is_passed_over(self.solver, kind, consumer):
                continue
            for reached in self.iterated(kind, is_async):
                self.note(site, protocol, reached, source, consumer)
        mixed = any(kind[0] == BOX and kind[2] not in _ALONE for kind in kinds)
        if mixed and (site, protocol, consumer) in self.found:
            # A list or a generator: no one way of iterating fits both.
            self.found[site, protocol, consumer].unknown = True

    def _with(self, op: Op, site: int) -> None:
        is_async = self._is_async(self.solver.sites[site][4], op[2])
        for kind in self.solver.sees(op[2]):
            for reached in self.entered(kind, is_async):
                self.note(site, "with", reached, op[2])

    def _is_async(self, flags: int, source: int) -> bool:
        """The async protocol of an object is meant: also where a bridge runs it."""
        return bool(flags & f.AWAITED) or source in self.wrappers.results

    def _subscript(self, op: Op, site: int) -> None:
        source = op[2] if op[0] == f.SUB else op[1]
        name = "__getitem__" if op[0] == f.SUB else "__setitem__"
        for kind in self.solver.sees(source):
            if kind[0] in ("inst", "self"):
                for inner in self.solver.bound(kind[0], kind[1], name):
                    if inner[0] in (FUN, BOUND):
                        self.note(site, "operator", (inner[1], None, NO_ORIGIN), source)

    def _decorator(self, op: Op, site: int) -> None:
        for kind in self.solver.sees(op[2]):
            ran = list(self.called(kind, site))
            if not ran and kind[0] in (MANAGER, INST):
                ran = list(self.entered(kind, False))  # a manager around every call
            for reached in ran:
                self.note(site, "decorator", reached, op[2])

    def _store(self, op: Op, site: int) -> None:
        """Assigning to a property runs its setter; to a library instance: its attribute."""
        _, base, attr, _, _ = op
        solver = self.solver
        for kind in solver.sees(base):
            match kind[0]:
                case "inst" | "self":
                    for number in solver.set_functions(kind, attr):
                        self.note(site, "attribute", (number, None, NO_ORIGIN), base)
                case "lib":
                    api = solver.registry.canonical(f"{kind[1]}.{attr}")
                    self.note(site, *solver.registry.stored(api, kind[2]), base)

    def _annotation(self, op: Op, site: int) -> None:
        if self.solver.sites[site][1] != "annotation":
            return
        for kind in self.solver.sees(op[2]):
            if kind[0] == "ext" and (api := self.solver.canonical(kind[1])) is not None:
                self.note(site, "annotation", (None, api, site), op[2])

    def _import(self, op: Op, site: int) -> None:
        _, _, module, name, _ = op
        if self.solver.modules.resolve(self.unit_of(site), module) is None:
            api = self.solver.canonical(f"{module}.{name}")
            if api is not None:
                self.note(site, "import", (None, api, NO_ORIGIN), 0)

    # ------------------------------------------------------------------ marks

    def _attribute(self, mark: Op) -> None:
        _, source, attr, target, site = mark
        solver = self.solver
        flags = self.solver.sites[site][4]
        callee = bool(flags & f.CALLEE)
        plain = project = False
        for kind in solver.sees(source):
            plain = plain or kind[0] not in _PROJECT
            match kind[0]:
                case "inst" | "self" | "class" | "subclass" | "super":
                    mode = SUPER + kind[2] if kind[0] == "super" else kind[0]
                    getters = solver.properties.get(solver.lookup(mode, kind[1], attr), ())
                    for getter in getters:
                        self.note(site, "attribute", (getter, None, NO_ORIGIN), source)
                    project = project or bool(getters)
                    plain = plain or holds_more(solver, mode, kind[1], attr, len(getters))
                case "lib" if not callee:
                    self._library_attribute(kind, attr, site, source)
                case "member":
                    instance = solver.member_instance(kind)
                    if instance is not None and not callee:
                        lib = solver.values[next(iter(instance))]
                        self._library_attribute(lib, attr, site, source)
        if plain and project:
            self.found[site, "attribute", ""].likely = True
        if flags & (f.CALLEE | f.STEP):
            return
        for kind in solver.sees(target):
            match kind[0]:
                case "fun" | "bound":
                    if not self._is_step(source, attr):
                        self._mentioned(site, "value", (kind[1], None, NO_ORIGIN), source)
                case "ext":
                    api = solver.canonical(kind[1])
                    if api is not None:
                        self._mentioned(site, "value", (None, api, NO_ORIGIN), source)
                case "member" if self._inherited(source, kind):
                    # A library member through an instance of a project class.
                    self._library_attribute(("lib", kind[1], kind[3]), attr, site, source)

    def _inherited(self, source: int, member: tuple[Any, ...]) -> bool:
        """A project class among the receivers has this member from its library base."""
        for kind in self.solver.sees(source):
            if kind[0] in ("inst", "self"):
                base = self.solver.library_base(kind[1])
                if base is not None and base[0] == member[1]:
                    return not self.solver.definers(kind[0], kind[1], member[2])
        return False

    def _is_step(self, source: int, attr: str) -> bool:
        """A data attribute that happens to hold functions is no mention of them."""
        for kind in self.solver.sees(source):
            match kind[0]:
                case "module":
                    return False
                case "inst" | "self" | "class" | "subclass" | "super":
                    if self.solver.definers(
                        kind[0] if kind[0] != "super" else "self", kind[1], attr
                    ):
                        return False
        return True

    def _library_attribute(self, kind: tuple[Any, ...], attr: str, site: int, node: int) -> None:
        registry = self.solver.registry
        api = registry.canonical(f"{kind[1]}.{attr}")
        method = (
            registry.treatment(api, Protocol.CALL) is not None
            and registry.treatment(api, Protocol.ATTRIBUTE) is None
        )
        self._mentioned(site, "value" if method else "attribute", (None, api, kind[2]), node)

    def _mention(self, mark: Op) -> None:
        code, source, site = mark
        solver = self.solver
        for kind in of.mentioned(self, code, source):
            api = solver.canonical(kind[1]) if kind[0] == "ext" else None
            match code:
                case f.TRUTH:
                    if kind[0] in ("lib", "result"):
                        self.note(site, "truth", (None, kind[1], kind[2]), source)
                case f.EXCEPT if api is not None:
                    self.note(site, "except", (None, api, site), source)
                case f.BASE if api is not None:
                    self.note(site, "base", (None, api, site), source)
                case f.TYPE:
                    self._described(site, kind, source)
                case f.MENTION:
                    if api is not None:
                        self._mentioned(site, "value", (None, api, NO_ORIGIN), source)
                    elif kind[0] == FUN:
                        self._mentioned(site, "value", (kind[1], None, NO_ORIGIN), source)

    def _described(self, site: int, kind: tuple[Any, ...], node: int) -> None:
        """What an annotation describes: functions, and what generators and managers give."""
        if kind[0] in (GEN, MANAGER):
            self.note(site, "annotation", (kind[1], None, NO_ORIGIN), node)
        elif kind[0] in (FUN, BOUND, INST, "self", "partial"):
            for reached in self.called(kind, site):
                if reached[0] is not None:
                    self.note(site, "annotation", reached, node)

    # ------------------------------------------------------------------ by name alone

    def _fallback(self) -> None:
        """Calls whose receiver got no value: every method of that name, if there are few."""
        solver = self.solver
        receivers = self.receivers = Receivers(solver, self.calls, self._callees)
        names = ByName(solver.functions)
        reached = {site for site, protocol, _ in self.found if protocol in _CALLED}
        for site, ops in self.calls.items():
            for op in ops if site not in reached else ():
                receiver = self._callees.get(op[2])
                if receiver is None or solver.sees(op[2]):
                    continue
                found = names.called(receiver[1], op)
                if found and receivers.is_open(receiver[0], receiver[1]):
                    self._by_name(site, "call", found)
        for mark in solver.attributes:
            getters = names.read(mark[2])
            if getters and not solver.sees(mark[3]) and receivers.is_open(mark[1], mark[2]):
                self._by_name(mark[4], "attribute", getters)

    def _by_name(self, site: int, protocol: str, numbers: Collection[int]) -> None:
        for number in numbers:
            self.note(site, protocol, (number, None, NO_ORIGIN), 0)
        self.found[site, protocol, ""].unknown = True

    # ------------------------------------------------------------------ result

    def build(
        self,
        ids: list[FunctionId],
        keywords: dict[int, tuple[str, ...] | None],
        unsure: set[int],
    ) -> tuple[Site, ...]:
        """The sites, sorted by place; `unsure` are the nodes that something unseen can reach."""
        tokens = {t for found in self.found.values() for ts in found.targets.values() for t in ts}
        tokens |= set(self.solver.origin_tokens())
        groups = self.solver.origins.groups(tokens)
        keys = {root: tuple(sorted({self.key(t) for t in group})) for root, group in groups.items()}
        sites = []
        for (number, protocol, consumer), found in self.found.items():
            unit, (span, _, owner, label, flags) = self.facts_of(number)
            file = self.solver.files[unit]
            sure = not found.likely and unsure.isdisjoint(found.nodes)
            certainty = Certainty.CERTAIN if sure else Certainty.LIKELY
            targets = [
                Target(
                    None if function is None else ids[function],
                    api,
                    tuple(sorted({k for t in ts for k in keys[self.solver.origins.find(t)]})),
                    tuple(sorted(found.arguments.get((function, api), ()))),
                )
                for (function, api), ts in found.targets.items()
            ]
            targets.sort(key=lambda t: (t.function or "", t.api or ""))
            if protocol == "call":
                label = self._labels.get(number, label)
            wrapper, wrapper_span = self.wrappers.of(number, protocol, consumer, span)
            sites.append(
                Site(
                    path=file.path,
                    span=span,
                    caller=ids[self._units_functions(unit) + owner],
                    protocol=Protocol(protocol),
                    targets=tuple(targets),
                    certainty=Certainty.UNKNOWN if found.unknown else certainty,
                    text=label,
                    awaited=bool(flags & f.AWAITED),
                    in_main_guard=bool(flags & f.MAIN),
                    consumer=consumer,
                    region=file.regions.get(number - self._units[unit]),
                    keywords=keywords.get(number, ()) if protocol == "call" else (),
                    wrapper=wrapper,
                    wrapper_span=wrapper_span,
                    more_wrappers=self.wrappers.others(number, protocol),
                    ending=_ENDINGS[flags & (f.CAUGHT | f.ENDING)],
                    leaves=bool(flags & f.LEAVES),
                    yields=bool(flags & f.YIELDS),
                    asked=bool(flags & f.ASKED),
                )
            )
        sites.sort(key=lambda s: (s.path, s.span, s.protocol, s.consumer))
        return tuple(sites)

    def _units_functions(self, unit: int) -> int:
        return self.solver.unit_functions[unit]


__all__ = ["Members", "Sites"]
