"""Functions that are reached by their name in a text, or by a name that is computed.

Nothing of this is a call that could be edited, but all of it counts on the function being there
under its name: `mock.patch("shop.api.fetch")`, `getattr(handlers, name)`, `"shop.tasks:work"`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from asyncshift import facts as f
from asyncshift.facts import KEPT, Op
from asyncshift.index import Module
from asyncshift.model import FunctionId, Mention, Patched, Span
from asyncshift.resolution.sites import Sites

_NAMESPACES = frozenset(
    {"builtins.__dict__", "builtins.globals", "builtins.locals", "builtins.vars"}
)
_KEPT_IN = frozenset({f.SUB, f.ITER, f.LOAD})
_GIVING = frozenset({"get", "pop", "items", "values"})
_CALLED = frozenset({"fun", "bound", "class", "subclass"})
_CALLED_OUTSIDE = frozenset({"__call__", "__enter__", "__exit__", "__iter__", "__next__"})


class Mentions:
    """Collects the mentions of a solved graph."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self.solver = sites.solver
        self._inside: dict[tuple[int, int], list[tuple[str, int]]] = {}
        """(file, enclosing function, class or module) -> (name, function) of what stands there."""
        self._found: set[tuple[str, int, str, str, int]] = set()
        self._patched: set[tuple[str, int, str, tuple[str, ...]]] = set()
        """(path, line, library name, files it is reached through)"""
        self._computed: set[tuple[Any, ...]] = set()
        """(value, pattern), and functions: one computed name of each is enough to tell."""
        self._callers: dict[int, set[int]] = {}
        """Function that calls what a computed name gave -> what that can be."""
        self._meant: dict[tuple[Any, ...], tuple[int, ...]] = {}
        for fn in self.solver.functions:
            facts = fn.facts
            if facts.kind != "function" or fn.number != fn.origin:
                continue
            if not facts.flags & (f.SETTER | f.OVERLOAD):
                name = facts.name.rpartition(".")[2]
                self._inside.setdefault((fn.unit, facts.parent), []).append((name, fn.number))

    def collect(self) -> None:
        """Look at every text, every computed name and every assignment."""
        for unit, file in enumerate(self.solver.files):
            for text, line, patched in file.strings:
                how = "patched" if patched else "string"
                self._note(unit, line, how, text, self._dotted(unit, text))
            for site, patterns in file.named.items():
                self._by_name(unit, site + self.solver.unit_sites[unit], patterns)
        names = {name for inside in self._inside.values() for name, _ in inside}
        for op in self.solver.sited[f.STORE]:
            if op[4] >= 0 and op[2] in names:
                self._stored(op)

    def functions(self) -> set[int]:
        """What is mentioned."""
        return {found[4] for found in self._found}

    def build(self, ids: list[FunctionId]) -> tuple[Mention, ...]:
        """All mentions, by place."""
        found = sorted(
            (path, line, how, text, ids[number]) for path, line, how, text, number in self._found
        )
        return tuple(Mention(*one) for one in found)

    def of_libraries(self) -> tuple[Patched, ...]:
        """The functions of libraries that are replaced by their names, by place."""
        return tuple(Patched(*one) for one in sorted(self._patched))

    def callers(self, ids: list[FunctionId]) -> dict[FunctionId, frozenset[FunctionId]]:
        """Who calls what a computed name gave, with what that can be."""
        return {
            ids[caller]: frozenset(ids[number] for number in reached)
            for caller, reached in sorted(self._callers.items())
        }

    def _note(self, unit: int, line: int, how: str, text: str, numbers: Iterable[int]) -> None:
        path = self.solver.files[unit].path
        self._found.update((path, line, how, text, number) for number in numbers)

    # ------------------------------------------------------------------ strings

    def _dotted(self, unit: int, text: str) -> Iterator[int]:
        """What `pkg.module.function`, `pkg.module:function` or `pkg.module:Class.method` names."""
        parts = text.replace(":", ".").split(".")
        for end in range(len(parts) - 1, 0, -1):
            module = self.solver.modules.mentioned(unit, ".".join(parts[:end]))
            if module is not None:
                yield from self._inner(module, parts[end:])
                return

    def of_named_classes(self) -> Iterator[tuple[str, Span, str, int]]:
        """(path, place, reader, function): methods that only whoever reads a text can call, of the
        class that the text names.  `MIDDLEWARE = ["shop.middleware.Timing"]`."""
        solver = self.solver
        reached = {number for found in self.sites.found.values() for number, _ in found.targets}
        for unit, file in enumerate(solver.files):
            for text, line, patched in file.strings:
                for cls in () if patched else self._named_classes(unit, text):
                    for base in solver.hierarchy.classes[cls].mro:
                        for number in self._methods(base) if isinstance(base, int) else ():
                            if number not in reached:
                                place = (line, 0, line, 0)
                                yield file.path, place, f'whoever reads "{text}"', number

    def _named_classes(self, unit: int, text: str) -> Iterator[int]:
        parts = text.replace(":", ".").split(".")
        for end in range(len(parts) - 1, 0, -1):
            module = self.solver.modules.mentioned(unit, ".".join(parts[:end]))
            if module is not None:
                for inside in module.units:
                    yield from self._classes(inside, parts[end:])
                return

    def _methods(self, cls: int) -> Iterator[int]:
        one = self.solver.hierarchy.classes[cls]
        for name, number in self._inside.get((one.unit, one.facts.function), ()):
            if not name.startswith("_") or name in _CALLED_OUTSIDE:
                yield number

    def _inner(self, module: Module, names: list[str]) -> Iterator[int]:
        if len(names) == 1:
            yield from self._of_module(module, names[0])
            return
        *classes, name = names
        for unit in module.units:
            for cls in self._classes(unit, classes):
                yield from self._of_class(cls, name, descend=False)

    def _classes(self, unit: int, names: list[str]) -> Iterator[int]:
        node = self.solver.files[unit].names.get(names[0])
        for kind in self.solver.sees(self.solver.unit_nodes[unit] + node) if node else ():
            if kind[0] == "class":
                cls = kind[1]
                for name in names[1:]:
                    inner = self.solver.hierarchy.classes[cls].attrs.get(name, 0)
                    found = [k[1] for k in self.solver.sees(inner) if k[0] == "class"]
                    if not found:
                        return
                    cls = found[0]
                yield cls

    # ------------------------------------------------------------------ by name

    def _by_name(self, unit: int, site: int, patterns: tuple[str, ...]) -> None:
        """`patch.object(api, "fetch")`, `getattr(api, name)`: a pattern holds a star where the
        name is computed."""
        facts = self.solver.sites[site]
        for op in self.sites.calls.get(site, ()):
            kinds = self.solver.sees(op[2])
            if any(kind[0] in _CALLED for kind in kinds):
                continue
            namespace = any(kind[0] == "ext" and kind[1] in _NAMESPACES for kind in kinds)
            meant: set[int] = set()
            for pattern in patterns:
                how = "getattr" if "*" in pattern or namespace else "patched"
                text = f'{facts[3]}(..., "{pattern}")'
                if how == "patched" and not namespace:
                    self._of_library(unit, facts[0][0], op[3][:1], pattern)
                if pattern == KEPT:
                    if not self._is_called(op[1]):
                        continue  # it is read, not called
                    pattern = "*"
                if not op[3] and namespace:  # whatever a function calls so, its module's are meant
                    text = f'{facts[3]}()["{pattern}"]'
                    local = self._matching(unit, facts[2], pattern)
                    found = (*self._named_in(unit, pattern), *local)
                    self._note(unit, facts[0][0], how, text, found)
                    meant.update(found)
                for kind in self.solver.sees(op[3][0]) if op[3] else ():
                    if namespace and kind[0] in ("inst", "self"):
                        continue  # what is stored on it, not its methods
                    reached = self._reached(kind, pattern)
                    if how == "getattr":
                        if (kind, pattern) not in self._meant:
                            self._meant[kind, pattern] = tuple(self._reached(kind, pattern))
                        meant.update(self._meant[kind, pattern])
                        reached = self._first(kind, pattern, reached)
                    self._note(unit, facts[0][0], how, text, reached)
            self._called(op[1], meant)

    def _of_library(self, unit: int, line: int, first: Sequence[int], name: str) -> None:
        """`patch("pkg.api.requests.get")`, `patch.object(api.requests, "get")`."""
        solver = self.solver
        held: list[tuple[str, tuple[str, ...]]] = []
        if "." in name:
            held += self._held(unit, name.split("."))
        else:
            for kind in solver.sees(first[0]) if first else ():
                if kind[0] == "ext":
                    held.append((f"{kind[1]}.{name}", ()))
                elif kind[0] == "module":
                    held += self._held_by(kind[1], [name])
        for full, through in held:
            api = solver.canonical(full)
            if api is not None and solver.registry.is_api(api):
                self._patched.add((solver.files[unit].path, line, api, through))

    def _held(self, unit: int, parts: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(full name, files it is reached through) of a dotted text."""
        for end in range(len(parts) - 1, 0, -1):
            module = self.solver.modules.mentioned(unit, ".".join(parts[:end]))
            if module is not None:
                yield from self._held_by(module, parts[end:])
                return
        yield ".".join(parts), ()

    def _held_by(self, module: Module, names: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        solver = self.solver
        for unit in module.units:
            node = solver.files[unit].names.get(names[0])
            for kind in solver.sees(solver.unit_nodes[unit] + node) if node else ():
                if kind[0] == "ext":
                    yield ".".join([kind[1], *names[1:]]), (solver.files[unit].path,)

    def _called(self, node: int, reached: Collection[int]) -> None:
        """Who calls what comes out of a node can reach these."""
        if reached:
            for caller in self._calling(node):
                self._callers.setdefault(caller, set()).update(reached)

    def _is_called(self, node: int) -> bool:
        return next(self._calling(node), None) is not None

    def _calling(self, node: int) -> Iterator[int]:
        """Who calls what comes out of a node, kept in variables and containers."""
        if node <= 0:
            return
        solver, seen, todo = self.solver, {node}, [node]
        while todo:
            source = todo.pop()
            for entry in solver.uses[source] or ():
                target = entry if entry.__class__ is int else entry[1]
                if entry.__class__ is not int:
                    if entry[0] == f.CALL and entry[5] >= 0:
                        unit, facts = self.sites.facts_of(entry[5])
                        yield solver.unit_functions[unit] + facts[2]
                        continue
                    if entry[0] not in _KEPT_IN or (entry[0] == f.LOAD and entry[3] not in _GIVING):
                        continue
                if target > 0 and target not in seen:
                    seen.add(target)
                    todo.append(target)

    def _first(self, kind: tuple[Any, ...], pattern: str, reached: Iterator[int]) -> Iterator[int]:
        """Of a wide hierarchy every place would reach every method."""
        if (kind, pattern) in self._computed:
            return
        self._computed.add((kind, pattern))
        for number in reached:
            if (number,) not in self._computed:
                self._computed.add((number,))
                yield number

    def _reached(self, kind: tuple[Any, ...], pattern: str) -> Iterator[int]:
        match kind[0]:
            case "module":
                yield from self._of_module(kind[1], pattern)
            case "class" | "inst":
                yield from self._of_class(kind[1], pattern, descend=False)
            case "subclass" | "self":
                yield from self._of_class(kind[1], pattern, descend=True)

    def _named_in(self, unit: int, pattern: str) -> Iterator[int]:
        """The functions of one file."""
        yield from self._of_module(Module(self.solver.files[unit].module, (unit,)), pattern)

    def _of_module(self, module: Module, pattern: str) -> Iterator[int]:
        for unit in module.units:
            found = list(self._matching(unit, 0, pattern))
            yield from found
            node = self.solver.files[unit].names.get(pattern)
            if not found and node:
                for kind in self.solver.sees(self.solver.unit_nodes[unit] + node):
                    if kind[0] in ("fun", "bound"):
                        yield self.solver.functions[kind[1]].origin

    def _of_class(self, cls: int, pattern: str, *, descend: bool) -> Iterator[int]:
        classes = self.solver.hierarchy.classes
        related = [base for base in classes[cls].mro if isinstance(base, int)]
        for one in (*related, *(classes[cls].descendants if descend else ())):
            yield from self._matching(classes[one].unit, classes[one].facts.function, pattern)

    def _matching(self, unit: int, parent: int, pattern: str) -> Iterator[int]:
        """Functions of one block; a name of which nothing is known is taken for a public one."""
        for name, number in self._inside.get((unit, parent), ()):
            if name == pattern or (
                "*" in pattern
                and (pattern[0] != "*" or name[0] != "_")
                and fnmatchcase(name, pattern)
            ):
                yield number

    # ------------------------------------------------------------------ assignments

    def _stored(self, op: Op) -> None:
        """`api.fetch = fake` from outside of the module or the class."""
        _, base, attr, _, site = op
        unit, facts = self.sites.facts_of(site)
        own = self._own_classes(unit, facts[2])
        for kind in self.solver.sees(base):
            if kind[0] == "module" and unit in kind[1].units:
                continue
            if kind[0] != "module" and own and self._related(kind, own):
                continue
            self._note(unit, facts[0][0], "patched", facts[3], self._reached(kind, attr))

    def _own_classes(self, unit: int, owner: int) -> set[int]:
        """The classes around a place."""
        found: set[int] = set()
        first = self.solver.unit_classes[unit]
        functions = self.solver.files[unit].functions
        while owner >= 0:
            if functions[owner].cls >= 0:
                found.add(functions[owner].cls + first)
            owner = functions[owner].parent
        return found

    def _related(self, kind: tuple[Any, ...], own: set[int]) -> bool:
        if kind[0] not in ("class", "subclass", "inst", "self"):
            return False
        classes = self.solver.hierarchy.classes
        return any(kind[1] in classes[one].mro or one in classes[kind[1]].mro for one in own)


__all__ = ["Mentions"]
