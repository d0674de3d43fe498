"""What outside libraries gave: places whose receiver is known to be none of the project's objects.

A call that only its name connects keeps what it may reach synchronous, so it must not be assumed
for `template.render()` where the template came out of `jinja2`.  The results of calls that no table
maps are labelled with their library, and the labels spread over the solved graph: attributes,
elements and calls of such a value are the library's as well.

A library that was never handed anything of the project's cannot hand it back.  So a library counts
as *clean* unless, anywhere in the program, an instance or a class of the project (also inside a
container, or given by a function that is handed over) is passed to it or stored on it, one of its
classes is a base of the project's, it decorates something, or it was handed something of a library
that is not clean.  Modules that hold what others made or that look the program up by names are
never clean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from asyncshift import facts as f
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.flow import Values
from asyncshift.resolution.outside import is_stdlib

_DEPTH = 3
_STORES = frozenset({f.STORE, f.SETSUB})
"""They give nothing."""
_NEVER_CLEAN = frozenset(
    {"builtins", "queue", "multiprocessing", "concurrent", "threading", "asyncio", "contextvars",
     "contextlib", "weakref", "collections", "copy", "copyreg", "pickle", "shelve", "itertools",
     "functools", "operator", "heapq", "types", "typing", "typing_extensions", "enum", "abc",
     "dataclasses", "attr", "attrs", "inspect", "importlib", "importlib_metadata", "pkgutil",
     "pkg_resources", "runpy", "stevedore", "pluggy", "sys", "gc", "ctypes", "unittest", "mock",
     "pytest", "dill", "cloudpickle", "joblib", "gevent", "eventlet", "celery", "rq"}
)  # fmt: skip
"""They keep what they are given, or find the program's objects by themselves."""
_MAKING = frozenset(
    {"builtins.open", "builtins.range", "contextlib.redirect_stderr", "contextlib.redirect_stdout",
     "contextlib.suppress", "itertools.count"}
)  # fmt: skip
"""Of these, what gives objects of its own."""


class Foreign:
    """`only` tells whether a node holds nothing but what clean libraries gave."""

    def __init__(self, solver: Solver) -> None:
        self._solver = solver
        self._tops: dict[str, int] = {}
        self._labels: dict[int, int] = {}
        """Node -> one bit for each library."""
        self._named: dict[Values, int] = {}
        """Libraries that the values of a node name."""
        self._targets: dict[int, list[int]] = {}
        self._spread()
        self._targets.clear()
        self._dirty = 0
        self._handed: dict[int, int] = {}
        """Library -> other libraries whose values it was handed."""
        if self._labels:
            self._taint()

    def only(self, node: int) -> bool:
        """Nothing else is seen there, and no library among them can hold the project's objects."""
        return self.clean(node) and not self._solver.sees(node)

    def clean(self, node: int) -> bool:
        """A library gave what is there that cannot hold the project's objects."""
        labels = self._labels.get(node, 0)
        return bool(labels) and not labels & self._dirty

    # ------------------------------------------------------------------ labels

    def _bit(self, dotted: str) -> int:
        top = dotted if dotted in _MAKING else dotted.partition(".")[0]
        return 1 << self._tops.setdefault(top, len(self._tops))

    def _spread(self) -> None:
        """Along all edges, each taken once: what flows in a circle has one label."""
        given: dict[int, int] = {}
        for node, names in sorted(self._solver.foreign.items()):
            for dotted in sorted(names) if node > 0 else ():
                given[node] = given.get(node, 0) | self._bit(dotted)
        circles = list(self._circles(given))
        for circle in reversed(circles):  # what feeds a circle comes before it
            label = 0
            for node in circle:
                label |= given.get(node, 0)
            for node in circle:
                self._labels[node] = label
                for target in self._fed(node):
                    given[target] = given.get(target, 0) | label

    def _fed(self, node: int) -> list[int]:
        """The nodes that values of a node flow to, or that hold what comes out of them."""
        found = self._targets.get(node)
        if found is None:
            uses = self._solver.uses[node] or ()
            found = self._targets[node] = []
            for entry in uses:
                if entry.__class__ is int:
                    found.append(entry)
                elif entry[0] not in _STORES and entry[1] > 0:
                    found.append(entry[1])
        return found

    def _circles(self, starts: Iterable[int]) -> Iterator[list[int]]:
        """The strongly connected components below some nodes, the last ones first (Tarjan)."""
        order: dict[int, int] = {}
        lowest: dict[int, int] = {}
        path: list[int] = []
        open_nodes: set[int] = set()
        for start in starts:
            if start in order:
                continue
            stack = [(start, iter(self._fed(start)))]
            order[start] = lowest[start] = len(order)
            path.append(start)
            open_nodes.add(start)
            while stack:
                node, targets = stack[-1]
                for target in targets:
                    if target not in order:
                        order[target] = lowest[target] = len(order)
                        path.append(target)
                        open_nodes.add(target)
                        stack.append((target, iter(self._fed(target))))
                        break
                    if target in open_nodes:
                        lowest[node] = min(lowest[node], order[target])
                else:
                    stack.pop()
                    if stack:
                        above = stack[-1][0]
                        lowest[above] = min(lowest[above], lowest[node])
                    if lowest[node] == order[node]:
                        circle = [path.pop()]
                        while circle[-1] != node:
                            circle.append(path.pop())
                        open_nodes.difference_update(circle)
                        yield circle

    # ------------------------------------------------------------------ what libraries were handed

    def _taint(self) -> None:
        """Find the libraries that are not clean."""
        self._look_at_calls()
        for one in self._solver.hierarchy.classes:
            for base in one.bases:
                if isinstance(base, str):
                    self._dirty |= self._bit(base)
        # The standard library's values are data; what it keeps or finds is named above.
        plain = sum(self._bit(top) for top in list(self._tops) if is_stdlib(top))
        grew = True
        while grew:
            grew = False
            for into, others in self._handed.items():
                if others & self._dirty & ~plain and into & self._dirty != into:
                    self._dirty |= into
                    grew = True
        self._dirty |= sum(self._bit(top) for top in _NEVER_CLEAN)

    def _look_at_calls(self) -> None:
        sited = self._solver.sited
        for op in sited[f.CALL]:
            if (op[3] or op[4]) and (into := self._libraries(op[2])):
                self._hand(into, [a if a >= -1 else ~a for a in op[3]] + [n for _, n in op[4]])
        for op in sited[f.DEC]:
            if into := self._libraries(op[2]):
                self._hand(into, (op[3],))
        for op in chain(sited[f.STORE], sited[f.SETSUB]):
            if into := self._libraries(op[1]):
                self._hand(into, (op[3],))

    def _hand(self, into: int, nodes: Iterable[int]) -> None:
        if into & self._dirty == into:
            return
        for node in nodes:
            self._handed[into] = self._handed.get(into, 0) | self._libraries(node)
        if any(self._holds_project(node) for node in nodes):
            self._dirty |= into

    def _libraries(self, node: int) -> int:
        """The libraries that a node's values belong to, outside names and instances included."""
        found = self._labels.get(node, 0)
        held = self._solver.held[node] if node > 0 else None
        if held is None:
            return found
        named = self._named.get(held)
        if named is None:
            named = 0
            for kind in self._solver.sees(node):
                if kind[0] in ("ext", "foreign"):
                    named |= self._bit(kind[1])
            self._named[held] = named
        return found | named

    def _holds_project(self, node: int, depth: int = 0) -> bool:
        """An instance or a class of the project is there, in a container, or comes from there."""
        if node <= 0 or depth > _DEPTH:
            return False
        solver = self._solver
        for kind in solver.sees(node):
            match kind[0]:
                case "inst" | "self" | "class" | "subclass" | "super" | "module":
                    return True
                case "fun" | "bound" | "gen" | "manager":
                    fn = solver.functions[kind[1]]
                    for inner in (fn.facts.returned, fn.facts.yielded):
                        if self._holds_project(fn.at(inner), depth + 1):
                            return True
                case "box" if self._holds_project(kind[1] + 1, depth + 1):
                    return True
                case "partial" if self._holds_project(solver.partials[kind[1]][0], depth + 1):
                    return True
        return False
