"""Scopes of one file, and the lists that its facts are collected in."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from sys import intern

from asyncshift.facts import (
    CONSTANT,
    COPY,
    LABEL,
    LOAD,
    MENTION,
    REBOUND,
    SPAN,
    UNKNOWN,
    VARIABLE,
    ClassFacts,
    FunctionFacts,
    Op,
    Places,
)
from asyncshift.model import SourceFile, Span
from asyncshift.resolution.versions import Flow

_RAISED = frozenset({"StopIteration"})
"""Builtins whose mention counts (`raise StopIteration`); of the others only calls do."""


Run = tuple[list[ast.Name], int, int]
"""Names in value position in a row: (names, enclosing function, in the main guard)."""


WHILE, GUARD = -2, -3
"""Blocks that `break` leaves, and that handlers guard."""


class Scope:
    """One block's names.  `kind` is function, module, class, or comp for a comprehension."""

    __slots__ = (
        "kind", "parent", "owner", "path", "names", "bound", "defined", "redirect", "loads",
        "mentioned", "runs", "callees", "dicts", "kwarg", "first", "guard", "cls", "yielded",
        "returned", "is_generator", "is_async", "flags", "setters", "fields", "sent", "returns",
        "block", "flow", "early", "rebound", "loops", "held",
        "start",
    )  # fmt: skip

    def __init__(self, kind: str, parent: Scope | None, owner: int, path: str = "") -> None:
        self.kind = kind
        self.parent = parent
        self.owner = owner
        self.path = path
        """`Client.get.`: the names of the definitions around and its own, each with a dot."""
        self.names: dict[str, int] = {}
        self.bound: dict[str, None] = {}
        self.defined: set[str] = set()
        """Names that it binds by `def`, `class` or `import`."""
        self.rebound: dict[str, None] = {}
        """Names that are bound again, not only by `def`, `class` and `import`."""
        self.loops: list[int] = []
        """The blocks around: sites of what `for` loops iterate, or WHILE, or GUARD."""
        self.held = 0
        """How many blocks around have something to do at their end."""
        self.start = 0
        """The first of its operations."""
        self.redirect: dict[str, Scope] = {}
        """Names that `global` and `nonlocal` lead elsewhere; they never stand in `names`."""
        self.loads: dict[tuple[int, str], int] = {}
        self.mentioned: list[ast.Name] = []
        """Names in value position since the last of `runs`."""
        self.runs: list[Run] = []
        self.callees: list[tuple[str, int]] = []
        """(name that is called, site)."""
        self.dicts: dict[str, set[str] | None] = {}
        self.kwarg: str | None = None
        self.first: str | None = None
        self.guard = 0
        """MAIN in the main guard of a module."""
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
        self.block: list[ast.stmt] | None = None
        """The statements of a function, without those inside of others."""
        self.flow: Flow | None = None
        """For a function that binds some of its variables more than once."""
        self.early: list[tuple[str, int]] = []
        """Names that a class body reads before it binds them: `settings = settings()`."""

    def end_run(self) -> None:
        """What is mentioned from now on is mentioned somewhere else."""
        if self.mentioned:
            self.runs.append((self.mentioned, self.owner, self.guard))
            self.mentioned = []


class Emitter:
    """Allocates nodes, sites and operations, and keeps the current scope."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.places = Places(file.text)
        self._lines = ["", *self.places.lines]
        """Counted from 1, as `ast` does."""
        self._wide = bool(self.places.wide)
        self.nodes = 1
        self.ops: list[Op] = []
        self.marks: list[Op] = []
        self.sites: list[tuple[Span, str, int, str, int]] = []
        self.functions: list[FunctionFacts | None] = []
        self.classes: list[ClassFacts | None] = []
        self.regions: dict[int, Span] = {}
        self.doubles: dict[int, tuple[tuple[str, ...], bool, bool]] = {}
        self.handed: dict[int, tuple[Span, str]] = {}
        self.asked: dict[Span, int] = {}
        """Calls where code asked before whether it has a coroutine function -> the function that
        asked."""
        self.passing: dict[int, int] = {}
        """Function -> the node of what it calls, which its maker asked for its kind."""
        self.stars: list[str] = []
        self.imports: list[str] = []
        self.named: dict[int, tuple[str, ...]] = {}
        self.strings: dict[tuple[str, int], bool] = {}
        self.texts: dict[str, int] = {}
        self.dotted: dict[str, str] = {}
        """Name that an import gives -> what it stands for."""
        self.renamed: set[str] = set()
        """Those that an import gives by `as`."""
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
        if name[:2] != "__" or not self.class_name or name.endswith("__"):
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
            target = loads[key] = self.nodes
            self.nodes = target + 1
            self.ops.append((LOAD, target, source, attr))
        return target

    def site(self, node: ast.AST, protocol: str, flags: int = 0, label: str | None = None) -> int:
        """A new site; its label is the text of the node if none is given."""
        # There are two sites for every three lines, so `span` and `label` are spelled out here.
        span: Span = SPAN(node.__dict__)
        if self._wide:
            span = self.places.span(node)
        if label is None:
            line, column, end, end_column = span
            if line == end and end_column - column <= LABEL:
                label = intern(self._lines[line][column:end_column])
            else:
                label = self.places.label(span)
        sites, scope = self.sites, self.scope
        sites.append((span, protocol, scope.owner, label, flags | scope.guard))
        return len(sites) - 1

    def text(self, node: ast.AST) -> str:
        """A node as written, shortened."""
        return self.places.label(self.places.span(node))

    def flag(self, site: int, flags: int) -> None:
        """Add flags to a site that was made before."""
        span, protocol, owner, label, old = self.sites[site]
        self.sites[site] = (span, protocol, owner, label, old | flags)

    # ------------------------------------------------------------------ names

    def variable(self, name: str) -> int:
        """The node of a name in the current scope (`global` and `nonlocal` lead elsewhere)."""
        scope = self.scope
        number = scope.names.get(name)
        if number is None:
            while name in scope.redirect:
                scope = scope.redirect[name]
                number = scope.names.get(name)
            if number is None:
                number = scope.names[name] = self.nodes
                self.nodes = number + 1
        return number

    def bind(self, name: str) -> int:
        """The node of a name that the current scope binds."""
        scope = self.scope
        while scope.redirect and name in scope.redirect:
            scope = scope.redirect[name]
        number = scope.names.get(name)
        if number is not None and scope.kind == "class" and name not in scope.bound:
            scope.early.append((name, number))
            number = None
        if name in scope.bound:
            scope.rebound[name] = None
        else:
            scope.bound[name] = None
        if number is None:
            number = scope.names[name] = self.nodes
            self.nodes = number + 1
        elif (flow := scope.flow) is not None and name in flow.several and name not in flow.whole:
            number = self.version(flow, name)
        return number

    def version(self, flow: Flow, name: str) -> int:
        """A new version of a variable."""
        number, old = self.node(), flow.names.get(name)
        flow.versions.setdefault(name, [] if old is None else [old]).append(number)
        if (every := flow.every.get(name)) is not None:
            self.copy(every, number)
        flow.set(name, number)
        return number

    def capture(self, scope: Scope, name: str) -> int:
        """The node of a name for a function inside, which sees all versions, also later ones."""
        flow, inner = scope.flow, self.scope
        self.scope = scope
        current = self.variable(name)
        self.scope = inner
        if flow is None or name not in flow.several:
            return current
        every = flow.every.get(name)
        if every is None:
            versions = flow.versions.get(name, ())
            every = self.node() if versions else current
            for number in versions:
                self.copy(every, number)
            flow.every[name] = every
        return every

    def define(self, name: str) -> int:
        """The node of a name that the current scope binds by `def`, `class` or `import`."""
        scope = self.scope
        while scope.redirect and name in scope.redirect:
            scope = scope.redirect[name]
        again = name in scope.defined and name not in scope.rebound
        scope.defined.add(name)
        number = self.bind(name)
        if again:
            del scope.rebound[name]
        return number

    def close(self, scope: Scope) -> None:
        """Link the free names of a finished scope to the enclosing one and leave it."""
        self.scope = scope
        if scope.mentioned:
            scope.end_run()
        if scope.rebound:
            self._mark_rebound(scope)
        if scope.redirect:
            _redirect(scope)
        bound, outer = scope.bound, scope.parent
        if scope.defined:
            self._mention_defined(scope)
        if outer is None:
            self._mention_raised(scope)
        while outer is not None and outer.kind == "class" and scope.kind != "comp":
            outer = outer.parent
        for called in scope.callees:
            if called[0] in bound:
                if called[0] not in scope.defined:
                    self.flag(called[1], VARIABLE)
            elif outer is not None:
                outer.callees.append(called)
        if outer is None:
            return
        self.scope = outer
        names = outer.names
        for name, number in scope.early:
            self.ops.append((COPY, number, names.get(name) or self.variable(name)))
        inside = outer.flow is not None and scope.kind == "function"
        for name, number in scope.names.items():
            if name not in bound:
                source = self.capture(outer, name) if inside else names.get(name)
                self.ops.append((COPY, number, source or self.variable(name)))
        if outer.mentioned:
            outer.end_run()
        for mentioned, owner, guard in scope.runs:
            if free := [node for node in mentioned if node.id not in bound]:
                outer.runs.append((free, owner, guard))
        self.scope = scope.parent or scope

    def _mark_rebound(self, scope: Scope) -> None:
        """What the variables are given that are bound more than once."""
        names = scope.names  # only the compiler refuses a `global` that comes too late
        rebound = {name for name in scope.rebound if name in names}
        if scope.flow is not None:  # a version is bound once
            rebound -= scope.flow.versions.keys() - scope.flow.every.keys()
            names = {**names, **scope.flow.every}
        numbers = {names[name] for name in rebound}
        for index in range(scope.start, len(self.ops)):
            op = self.ops[index]
            if op[0] == COPY and op[1] in numbers:
                self.marks.append((REBOUND, op[1], op[2]))

    def _mention_defined(self, scope: Scope) -> None:
        """Names in value position are sites where they name a definition."""
        defined = scope.defined
        places: dict[str, list[tuple[ast.Name, int, int]]] = {}
        for mentioned, owner, guard in scope.runs:
            for node in mentioned:
                if node.id in defined:
                    places.setdefault(node.id, []).append((node, owner, guard))
        names = scope.names if scope.flow is None else {**scope.names, **scope.flow.every}
        for name in scope.bound if places else ():
            if name in places:
                self._mention(names[name], places[name])

    def _mention_raised(self, scope: Scope) -> None:
        """Of the builtins, some are sites as well."""
        for name in _RAISED & scope.names.keys() - scope.bound.keys():
            for names, owner, guard in scope.runs:
                places = [(node, owner, guard) for node in names if node.id == name]
                self._mention(scope.names[name], places)

    def _mention(self, target: int, places: Iterable[tuple[ast.Name, int, int]]) -> None:
        for node, owner, guard in places:
            site = self.site(node, "value", guard)
            span, protocol, _, label, flags = self.sites[site]
            self.sites[site] = (span, protocol, owner, label, flags)
            self.marks.append((MENTION, target, site))


def _redirect(scope: Scope) -> None:
    """Hand what `global` and `nonlocal` lead elsewhere to where they lead."""
    for name, target in scope.redirect.items():
        target.end_run()
        for mentioned, owner, guard in scope.runs:
            moved = [node for node in mentioned if node.id == name]
            if moved:
                target.runs.append((moved, owner, guard))
        target.callees += [called for called in scope.callees if called[0] == name]
    runs, redirect = scope.runs, scope.redirect
    scope.runs = [([n for n in names if n.id not in redirect], o, g) for names, o, g in runs]
    scope.callees = [called for called in scope.callees if called[0] not in redirect]
