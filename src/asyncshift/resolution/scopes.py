"""Scopes of one file, and the lists that its facts are collected in."""

from __future__ import annotations

import ast
from sys import intern
from typing import Any

from asyncshift.facts import (
    ATTR,
    CONSTANT,
    COPY,
    LABEL,
    LOAD,
    MAIN,
    MENTION,
    UNKNOWN,
    VARIABLE,
    ClassFacts,
    FunctionFacts,
    Op,
    Places,
)
from asyncshift.model import SourceFile, Span

VARIABLE_BINDING, DEFINITION = 1, 2
"""How a scope binds a name: by assignment, or by `def`, `class` or `import`."""

_RAISED = frozenset({"StopIteration"})
"""Builtins whose mention counts (`raise StopIteration`); of the others only calls do."""


class Scope:
    """One block's names.  `kind` is function, module, class, or comp for a comprehension."""

    __slots__ = (
        "kind", "parent", "owner", "names", "bound", "redirect", "loads", "mentions", "callees",
        "dicts", "kwarg", "first", "cls", "yielded", "returned", "is_generator", "is_async",
        "flags", "setters", "fields", "sent", "returns",
    )  # fmt: skip

    def __init__(self, kind: str, parent: Scope | None, owner: int) -> None:
        self.kind = kind
        self.parent = parent
        self.owner = owner
        self.names: dict[str, int] = {}
        self.bound: dict[str, int] = {}
        self.redirect: dict[str, Scope] = {}
        self.loads: dict[tuple[int, str], int] = {}
        self.mentions: dict[str, list[tuple[Any, int, int]]] = {}
        self.callees: dict[str, list[int]] = {}
        self.dicts: dict[str, set[str] | None] = {}
        self.kwarg: str | None = None
        self.first: str | None = None
        self.cls = CONSTANT
        self.yielded = CONSTANT
        self.returned = CONSTANT
        self.is_generator = False
        self.is_async = False
        self.sent = False
        self.returns = False
        self.flags = 0
        self.setters: dict[str, int] = {}
        self.fields: list[tuple[str, int]] = []


class Emitter:
    """Allocates nodes, sites and operations, and keeps the current scope."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.places = Places(file.text)
        self.nodes = 1
        self.ops: list[Op] = []
        self.marks: list[Op] = []
        self.sites: list[tuple[Span, str, int, str, int]] = []
        self.functions: list[FunctionFacts | None] = []
        self.classes: list[ClassFacts | None] = []
        self.regions: dict[int, Span] = {}
        self.doubles: dict[int, tuple[tuple[str, ...], bool, bool]] = {}
        self.handed: dict[int, tuple[Span, str]] = {}
        self.stars: list[str] = []
        self.imports: list[str] = []
        self.named: dict[int, tuple[str, ...]] = {}
        self.strings: dict[tuple[str, int], bool] = {}
        self.dotted: dict[str, str] = {}
        self.main_guard = 0
        self.class_name = ""
        self.module = Scope("module", None, 0)
        self.scope = self.module

    # ------------------------------------------------------------------ nodes and operations

    def node(self) -> int:
        """A new node."""
        number = self.nodes
        self.nodes = number + 1
        return number

    def copy(self, target: int, source: int) -> None:
        """Values flow from `source` to `target`; constants carry none."""
        if source != CONSTANT and target > 0 and source != target:
            self.ops.append((COPY, target, source))

    def join(self, sources: list[int]) -> int:
        """One node for several expressions of which one is the value."""
        real = {source for source in sources if source != CONSTANT}
        if len(real) < 2:
            return real.pop() if real else CONSTANT
        target = self.node()
        for source in sources:
            self.copy(target, source)
        return target

    def private(self, name: str) -> str:
        """`__name` inside a class is `_Class__name`."""
        if not self.class_name or not name.startswith("__") or name.endswith("__"):
            return name
        return f"_{self.class_name}{name}"

    def load(self, source: int, attr: str) -> int:
        """The attribute of a node, shared within a scope."""
        if source <= 0:
            return UNKNOWN
        if attr[:2] == "__":
            attr = self.private(attr)
        loads = self.scope.loads
        key = (source, attr)
        target = loads.get(key)
        if target is None:
            target = loads[key] = self.node()
            self.ops.append((LOAD, target, source, attr))
        return target

    def site(
        self, node: ast.AST, protocol: str, flags: int = 0, label: ast.AST | str | None = None
    ) -> int:
        """A new site; `label` names it, or is the node whose text does."""
        places = self.places
        span = places.span(node)
        if label is None:
            line, column, end, end_column = span
            # `places.label` spelled out: there is a site for every expression that matters.
            text = (
                intern(places.lines[line - 1][column:end_column])
                if line == end and end_column - column <= LABEL
                else places.label(span)
            )
        else:
            text = label if isinstance(label, str) else places.label(places.span(label))
        if self.main_guard:
            flags |= MAIN
        self.sites.append((span, protocol, self.scope.owner, text, flags))
        return len(self.sites) - 1

    def flag(self, site: int, flags: int) -> None:
        """Add flags to a site that was made before."""
        span, protocol, owner, label, old = self.sites[site]
        self.sites[site] = (span, protocol, owner, label, old | flags)

    def attribute_site(self, node: ast.Attribute, source: int, target: int, flags: int) -> None:
        """Remember where an attribute is read; only the solver knows whether it matters."""
        if source > 0:
            site = self.site(node, "attribute", flags)
            self.marks.append((ATTR, source, self.private(node.attr), target, site))

    # ------------------------------------------------------------------ names

    def variable(self, name: str) -> int:
        """The node of a name in the current scope (`global` and `nonlocal` lead elsewhere)."""
        scope = self.scope
        while name in scope.redirect:
            scope = scope.redirect[name]
        number = scope.names.get(name)
        if number is None:
            number = scope.names[name] = self.node()
        return number

    def bind(self, name: str, how: int = VARIABLE_BINDING) -> int:
        """The node of a name that the current scope binds."""
        scope = self.scope
        while name in scope.redirect:
            scope = scope.redirect[name]
        scope.bound[name] = scope.bound.get(name, 0) | how
        number = scope.names.get(name)
        if number is None:
            number = scope.names[name] = self.node()
        return number

    def mention(self, node: ast.Name) -> None:
        """Remember a name in value position; it is a site only if it names a definition."""
        self.scope.mentions.setdefault(node.id, []).append(
            (node, self.scope.owner, self.main_guard)
        )

    def close(self, scope: Scope) -> None:
        """Link the free names of a finished scope to the enclosing one and leave it."""
        outer = scope.parent
        self.scope = scope
        self._settle(scope)
        if outer is None:
            for name in _RAISED & scope.mentions.keys():
                self._mention_all(scope.names[name], scope.mentions[name])
            return
        while outer.kind == "class" and outer.parent is not None and scope.kind != "comp":
            outer = outer.parent
        self.scope = outer
        free = [name for name in scope.names if name not in scope.bound]
        for name in free:
            self.ops.append((COPY, scope.names[name], self.variable(name)))
        for name, places in scope.mentions.items():
            outer.mentions.setdefault(name, []).extend(places)
        for name, sites in scope.callees.items():
            outer.callees.setdefault(name, []).extend(sites)
        self.scope = scope.parent or scope

    def _settle(self, scope: Scope) -> None:
        """Decide on the mentions of the names that this scope binds; free ones are left over."""
        for name in scope.redirect:
            target = scope.redirect[name]
            target.mentions.setdefault(name, []).extend(scope.mentions.pop(name, ()))
            target.callees.setdefault(name, []).extend(scope.callees.pop(name, ()))
        for name, how in scope.bound.items():
            places = scope.mentions.pop(name, None)
            if places and how & DEFINITION:
                self._mention_all(scope.names[name], places)
            callees = scope.callees.pop(name, None)
            if callees and not how & DEFINITION:
                for site in callees:
                    self.flag(site, VARIABLE)

    def _mention_all(self, node: int, places: list[tuple[Any, int, int]]) -> None:
        for place, owner, guard in places:
            site = self.site(place, "value", MAIN if guard else 0)
            span, protocol, _, label, flags = self.sites[site]
            self.sites[site] = (span, protocol, owner, label, flags)
            self.marks.append((MENTION, node, site))
