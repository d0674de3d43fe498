"""What leaves the analysis: functions, generators and library instances in foreign hands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from asyncshift import facts as f
from asyncshift.facts import Op
from asyncshift.model import Escape, FunctionId, Span
from asyncshift.resolution.outside import is_stdlib
from asyncshift.resolution.sites import Sites
from asyncshift.resolution.summaries import (
    ASKING,
    CLOSING,
    CONSUMERS,
    DEFAULTS,
    ENTERING,
    GIVEN_BACK,
    HARMLESS,
    HOPS,
    ITERATOR_CLASSES,
    LEAVING,
    METHOD_CONSUMERS,
    THREADED,
)
from asyncshift.resolution.values import NO_ORIGIN

_DEPTH = 3
_TRANSPARENT = frozenset({"functools.wraps", "dataclasses.dataclass", "functools.total_ordering",
                          "enum.unique", "typing.runtime_checkable", "typing.final"})  # fmt: skip

LITERAL = re.compile("""[a-zA-Z]{0,2}["']""")
"""A callee as written, `", ".join`, that is a method of a text."""
_MANY = "a place where more values meet than are followed"
_FOLLOWED = frozenset({"pytest", "mock", "map", "filter", "sorted", "min", "max"})
"""What these are given back is followed, or nothing calls it."""
_OWN = frozenset({"fun", "bound", "class", "subclass"})
_LOGGING = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})


def only_looks(name: str) -> bool:
    """Logging, assertions and methods of literals format or compare what they are given."""
    last = name.rpartition(".")[2]
    return last in _LOGGING or last.startswith("assert") or LITERAL.match(name) is not None


class Escapes:
    """Collects the escapes of a solved graph."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self.solver = sites.solver
        self.found: dict[tuple[str, Span, str, int | None], set[int]] = {}
        self._known: dict[int, frozenset[tuple[str, int]]] = {}
        self.functions: set[int] = set()
        """Functions whose callers are not all known."""
        self.classes: set[int] = set()
        """Classes that foreign code was handed: it may make instances."""
        self._resolved: set[int] = set()
        """Calls of which something is known, in one copy of their function at least."""
        self.boxes: set[int] = set()
        """Containers, by their elements, that foreign code may put something into."""

    def collect(self) -> None:
        """Look at every call, decorator and store."""
        sited = self.solver.sited
        held = self.solver.held
        self._resolved = {op[5] for op in sited[f.CALL] if op[2] > 0 and held[op[2]] is not None}
        for op in sited[f.CALL]:
            if op[5] >= 0 and (op[3] or op[4]):
                self._call(op)
        for op in sited[f.DEC]:
            self._decorator(op)
        for op in chain(sited[f.STORE], sited[f.SETSUB]):
            if op[4] >= 0:
                self._store(op)
        self._saturated()
        self._given_back()

    def _call(self, op: Op, hop: bool = False) -> None:
        _, _, node, args, keywords, site = op
        arguments = [a if a >= -1 else ~a for a in args] + [n for _, n in keywords]
        arguments = [a for a in arguments if a > 0 and self.solver.held[a] is not None]
        if not arguments:
            return
        facts = self.solver.sites[site]
        if facts[1] != "call":
            return
        kinds = self.solver.sees(node)
        if not kinds:
            seen = site in self._resolved and not hop
            if seen and node > 0 and node not in self.solver.unknown:
                return  # in the body of a decorator, which runs in its copies
            if facts[3].rpartition(".")[2] in ENTERING:
                self._called_later(args, ("__enter__", "__exit__"), site, facts[3])
            if facts[3].rpartition(".")[2] in METHOD_CONSUMERS:
                return
            self._hand_over(
                arguments, site, facts[3], generators=True, libraries=not only_looks(facts[3])
            )
        for kind in kinds:
            if kind[0] == "ext" and kind[1] in HOPS and args and self._keeps_nothing(args, site):
                continue
            if kind[0] == "ext" and kind[1] in HOPS and args and args[0] > 0:
                self._call((f.CALL, op[1], args[0], args[1:], keywords, site), hop=True)
            elif kind[0] == "ext":
                if kind[1] == DEFAULTS:
                    known = self.solver.read_defaults
                    arguments = [node for name, node in keywords if name not in known]
                if kind[1] in GIVEN_BACK:
                    held = [node for name, node in keywords if name == GIVEN_BACK[kind[1]]]
                    arguments = [node for node in arguments if node not in held]
                self._external(kind[1], arguments, site, any(one[0] in _OWN for one in kinds))
                name = kind[1].removeprefix("builtins.")
                self._called_outside(name, args, site)
                self._called_later(args, LEAVING.get(name, ()), site, name)
            elif kind[0] == "boxed" and facts[3].endswith(".sort"):
                called = [n for name, n in keywords if name == "key"]
                self._hand_over(called, site, "list.sort", generators=False, libraries=False)
            elif kind[0] == "result":
                self._hand_over(arguments, site, kind[1], generators=True, libraries=False)
            elif kind[0] == "member":
                api = self.solver.registry.canonical(f"{kind[1]}.{kind[2]}")
                self._hand_over(arguments, site, api, generators=True, libraries=False)

    def _keeps_nothing(self, args: tuple[int, ...], site: int) -> bool:
        """`to_thread(getattr, x, "name")`, which is an attribute, and `to_thread(",".join, x)`."""
        label = self.sites.handed_label(site)
        if args[0] <= 0 and label.rpartition(".")[2] in METHOD_CONSUMERS:
            return True
        names = {kind[1] for kind in self.solver.sees(args[0]) if kind[0] == "ext"}
        return names == {"builtins.getattr"} and args[2:] == (f.CONSTANT,)

    def _external(self, dotted: str, arguments: list[int], site: int, shown: bool) -> None:
        """`shown`: the project has a part of its own for the same place (a class beside its
        accelerator), which shows whether objects that are handed over are iterated."""
        name = dotted.removeprefix("builtins.")
        plain = name.rpartition(".")[2]
        if name in ASKING and self._is_asked(name, arguments):
            self._hand_over(arguments[:1], site, name, generators=True, libraries=False)
        if name in HARMLESS or plain in ("enter_context", "enter_async_context"):
            return
        if name == "getattr" and self._is_followed(arguments[:1]):
            return
        known = self.solver.canonical(dotted)
        library = known is not None and self.solver.registry.is_api(known)
        keeps = not library and name not in CONSUMERS and not only_looks(name)
        lends = name in CONSUMERS or name == CLOSING
        keeps = keeps and not (name == CLOSING and self._is_closed(arguments))
        self._hand_over(
            arguments, site, name, generators=not lends, libraries=keeps, objects=not shown
        )

    def _is_followed(self, nodes: list[int]) -> bool:
        """Whether a table says what a computed name of these values stands for."""
        kinds = [kind for node in nodes for kind in self.solver.sees(node)]
        known = self.solver.registry.computed
        return bool(kinds) and all(kind[0] == "lib" and kind[1] in known for kind in kinds)

    def _is_closed(self, nodes: list[int]) -> bool:
        """Whether a table says how `closing` closes these instances."""
        kinds = [kind for node in nodes for kind in self.solver.sees(node) if kind[0] == "lib"]
        rows = [self.solver.registry.class_row(kind[1]) for kind in kinds]
        return bool(rows) and all(row is not None and row.closes for row in rows)

    def _is_asked(self, name: str, arguments: list[int]) -> bool:
        """Whether `isinstance` and its like ask for the sync protocol of iterators."""
        if name == "inspect.isgenerator":
            return True
        classes = [kind for node in arguments[1:] for kind in self.solver.sees(node)]
        classes += [
            k for kind in classes if kind[0] == "box" for k in self.solver.sees(kind[1] + 1)
        ]
        return any(kind[0] == "ext" and kind[1] in ITERATOR_CLASSES for kind in classes)

    def _called_later(
        self, args: tuple[int, ...], names: Iterable[str], site: int, to: str
    ) -> None:
        """Methods of the first argument that outside code is known to call."""
        unit, facts = self.sites.facts_of(site)
        for kind in self.solver.sees(args[0]) if args else ():
            for name in names if kind[0] in ("inst", "self") else ():
                for inner in self.solver.bound(kind[0], kind[1], name):
                    if inner[0] in ("fun", "bound"):
                        number = self.solver.functions[inner[1]].origin
                        place = (self.solver.files[unit].path, facts[0], to, number)
                        self.found.setdefault(place, set())
                        self.functions.add(number)

    def _called_outside(self, name: str, args: tuple[int, ...], site: int) -> None:
        """What a library function gives when a thread pool or `map` calls it was out of sight."""
        if name not in THREADED and name != "map":
            return
        for kind in self.solver.sees(args[0]) if args else ():
            if kind[0] == "ext" and self.solver.canonical(kind[1]) is not None:
                unit, facts = self.sites.facts_of(site)
                place = (self.solver.files[unit].path, facts[0], name, None)
                self.found.setdefault(place, set()).add(site)

    def _decorator(self, op: Op) -> None:
        _, _, node, source, site = op
        kinds = self.solver.sees(node)
        if not kinds:
            label = self.solver.sites[site][3]
            self._hand_over([source], site, label, generators=True, libraries=True)
        for kind in kinds:
            to = kind[1] if kind[0] in ("ext", "lib", "result") else ""
            if kind[0] == "member":
                to = self.solver.registry.canonical(f"{kind[1]}.{kind[2]}")
            if to and to not in _TRANSPARENT:
                self._hand_over([source], site, to, generators=True, libraries=True)

    def _store(self, op: Op) -> None:
        base, source, site = op[1], op[3], op[4]
        if source <= 0 or self.solver.held[source] is None:
            return
        kinds = self.solver.sees(base)
        label = self.solver.sites[site][3]
        if not kinds or any(kind[0] in ("foreign", "ext") for kind in kinds):
            self._hand_over([source], site, label, generators=True, libraries=True)
        for kind in kinds if op[0] == f.STORE else ():
            if kind[0] == "lib":
                label = self.solver.registry.canonical(f"{kind[1]}.{op[2]}")
        if any(kind[0] in ("lib", "member") for kind in kinds):
            self._hand_over([source], site, label, generators=True, libraries=False)

    def _hand_over(
        self,
        nodes: list[int],
        site: int,
        to: str,
        *,
        generators: bool,
        libraries: bool,
        objects: bool = True,
    ) -> None:
        unit, facts = self.sites.facts_of(site)
        path = self.solver.files[unit].path
        asked = bool(facts[4] & f.ASKED)
        for node in nodes:
            for value in sorted(self.solver.held[node] or ()):
                handed = self.solver.values[value]
                if handed[0] in ("class", "subclass"):
                    self.classes.add(handed[1])
                elif handed[0] == "box" and libraries:
                    self.boxes.add(handed[1])
                for kind, number in sorted(self._leaves(value)):
                    if kind == "lib":
                        if libraries:
                            found = self.found.setdefault((path, facts[0], to, None), set())
                            if number != NO_ORIGIN:
                                found.add(number)
                    elif kind == "iterator" and not objects:
                        continue
                    elif kind == "function" or generators:
                        if not asked:
                            self.found.setdefault((path, facts[0], to, number), set())
                        if kind == "function":
                            self.functions.add(number)

    def _leaves(self, value: int) -> frozenset[tuple[str, int]]:
        """What a value hands over: (function, generator, iterator or lib, number or origin), also
        inside containers.  An iterator is a method of an object that may be iterated."""
        found = self._known.get(value)
        if found is None:
            leaves: set[tuple[str, int]] = set()
            self._gather(value, leaves, set(), 0)
            found = self._known[value] = frozenset(leaves)
        return found

    def _gather(self, value: int, leaves: set[tuple[str, int]], seen: set[int], depth: int) -> None:
        if value in seen:
            return
        seen.add(value)
        solver = self.solver
        kind = solver.values[value]
        match kind[0]:
            case "fun" | "bound":
                leaves.add(("function", solver.functions[kind[1]].origin))
            case "gen" | "manager":
                leaves.add(("generator", solver.functions[kind[1]].origin))
            case "lib":
                leaves.add(("lib", kind[2]))
            case "member":
                instance = solver.member_instance(kind)
                if instance is not None:
                    leaves.add(("lib", kind[3]))
            case "box" if depth < _DEPTH:
                self._gather_all(kind[1] + 1, leaves, seen, depth)
            case "partial" if depth < _DEPTH:
                self._gather_all(solver.partials[kind[1]][0], leaves, seen, depth)
            case "inst" | "self":
                for name in ("__call__", "__iter__", "__next__"):
                    if not solver.definers(kind[0], kind[1], name):
                        continue
                    how = "generator" if name == "__call__" else "iterator"
                    if how == "generator" and depth == 0:
                        how = "function"  # `reduce(Adder(), xs)` calls it
                    for inner in solver.bound(kind[0], kind[1], name):
                        if inner[0] in ("fun", "bound"):
                            leaves.add((how, solver.functions[inner[1]].origin))

    def _gather_all(
        self, node: int, leaves: set[tuple[str, int]], seen: set[int], depth: int
    ) -> None:
        for inner in sorted(self.solver.held[node] or ()):
            self._gather(inner, leaves, seen, depth + 1)

    def add(self, places: Iterable[tuple[str, Span, str, int]]) -> None:
        """Functions that code out of sight has in another way."""
        for place in places:
            self.found.setdefault(place, set())
            self.functions.add(place[3])

    def _given_back(self) -> None:
        """What a callback of a library gives, the library has: functions, also in containers."""
        solver = self.solver
        queue = [(to, number) for _, _, to, number in self.found if number is not None]
        seen: set[int] = set()
        while queue:
            to, number = queue.pop()
            fn = solver.functions[number]
            if number in seen or to == _MANY or to.partition(".")[0] in _FOLLOWED or is_stdlib(to):
                continue
            seen.add(number)
            if fn.facts.flags & f.GENERATOR:
                continue
            given = f"what calls {fn.facts.name.rpartition('.')[2]}"
            for value in sorted(solver.held[fn.at(fn.facts.returned)] or ()):
                for kind, other in sorted(self._leaves(value)):
                    if kind != "function":
                        continue
                    place = (solver.files[fn.unit].path, fn.facts.span, given, other)
                    self.found.setdefault(place, set())
                    self.functions.add(other)
                    queue.append((given, other))

    def _saturated(self) -> None:
        """Where too many values met, what was lost may be called from there."""
        solver = self.solver
        to = _MANY
        for node, lost in sorted(solver.saturated.items()):
            if solver.uses[node] is None:
                continue
            for value in sorted(lost):
                kind = solver.values[value]
                if kind[0] == "lib":
                    continue
                number = solver.functions[kind[1]].origin
                fn = solver.functions[number]
                self.functions.add(number)
                place = (solver.files[fn.unit].path, fn.facts.span, to, number)
                self.found.setdefault(place, set())

    def tokens(self) -> set[int]:
        """Every origin that escapes."""
        return {token for tokens in self.found.values() for token in tokens}

    def build(self, ids: list[FunctionId], keys: dict[int, tuple[str, ...]]) -> tuple[Escape, ...]:
        """The escapes, sorted by place."""
        escapes = [
            Escape(
                path,
                span,
                to,
                None if number is None else ids[number],
                tuple(sorted({k for t in tokens for k in keys[self.solver.origins.find(t)]})),
            )
            for (path, span, to, number), tokens in self.found.items()
        ]
        return tuple(sorted(escapes, key=lambda e: (e.path, e.span, e.to, e.function or "")))
