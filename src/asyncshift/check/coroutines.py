"""Part A of the await check: every coroutine object is followed to what is done with it.

Each function that can hold a coroutine is run over abstract values (`body`); its summary, what it
returns and what it does with its parameters, is applied at its callers until nothing changes.
"""

from __future__ import annotations

import ast
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from asyncshift.check import outside
from asyncshift.check.body import Body
from asyncshift.check.calls import Given
from asyncshift.check.expressions import Expressions
from asyncshift.check.unit import Definition, Scope, Unit, coroutine_calls, parse, scope_of
from asyncshift.check.values import (
    DEEPEST,
    OTHER,
    PLAIN,
    How,
    Origin,
    Step,
    Use,
    Value,
    What,
    join,
    objects,
)
from asyncshift.codemod import Kind, Registry
from asyncshift.model import (
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Project,
    Protocol,
    Site,
)

Key = tuple[str, str, str]
"""(class or "", path, name) of an attribute of `self`, or of a global name."""
ROUNDS = 12
"""So often at most a function is run again: recursion through containers would never end."""
LONGEST = 6
"""Steps of an explanation."""


@dataclass(slots=True)
class Summary:
    """What one function does, as its callers see it."""

    returns: Value = frozenset()
    uses: Mapping[Origin, tuple[Use, ...]] = field(default_factory=dict)
    parameters: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    dynamic: bool = False
    """It gives a coroutine in some cases and a result in others: its callers know which."""

    def shape(self) -> object:
        return self.returns, self.parameters, self.dynamic


class Analysis:
    """The fixpoint over all functions that a coroutine can come to."""

    def __init__(self, project: Project, graph: Graph, registry: Registry) -> None:
        self.project, self.graph, self.registry = project, graph, registry
        self.files = {file.path: file for file in project.files}
        self.tops = {file.module.partition(".")[0] for file in project.files}
        self.summaries: dict[FunctionId, Summary] = {}
        self.places: dict[Key, dict[FunctionId, Value]] = defaultdict(dict)
        self._sites: dict[str, list[Site]] = defaultdict(list)
        self._callers: dict[FunctionId, set[FunctionId]] = defaultdict(set)
        self._units: dict[str, Unit] = {}
        self._scopes: dict[FunctionId, Scope] = {}
        self._readers: dict[FunctionId, set[FunctionId]] = defaultdict(set)
        self._rounds: dict[FunctionId, int] = defaultdict(int)
        self._queue: deque[FunctionId] = deque()
        self._queued: set[FunctionId] = set()
        self._hot: set[FunctionId] = set()
        """Functions that are handed coroutines: what they do with parameters matters."""
        for site in graph.sites:
            if not site.asked:
                self._sites[site.path].append(site)

    # ------------------------------------------------------------------ the fixpoint

    def solve(self) -> None:
        """Run every function that a coroutine comes to until nothing changes."""
        for site in self.graph.sites:
            if site.certainty is Certainty.UNKNOWN or site.asked:
                continue
            for target in site.targets:
                if target.function is not None:
                    self._callers[target.function].add(self.holder(site.caller))
            if (not site.awaited or site.wrapper) and self._makes(site):
                self.enqueue(self.holder(site.caller))
        for file in self.project.files:
            if "asyncio" in file.text or "anyio" in file.text:
                for fid in coroutine_calls(self.unit(file.path)):
                    self.enqueue(fid)
        while self._queue:
            fid = self._queue.popleft()
            self._queued.discard(fid)
            self._run(fid)

    def _makes(self, site: Site) -> bool:
        """Whether a coroutine can come into being at a place."""
        if site.protocol not in (Protocol.CALL, Protocol.ATTRIBUTE, Protocol.VALUE):
            return False
        return any(
            self.graph.functions[target.function].is_async
            if target.function is not None
            else self.is_coroutine_api(target.api or "", Protocol.CALL)
            for target in site.targets
        )

    def is_coroutine_api(self, api: str, protocol: Protocol) -> bool:
        """Whether the tables say that calling a library name gives a coroutine."""
        found = self.registry.treatment(api, protocol) if api else None
        return found is not None and found.kind is Kind.MIGRATED and found.coroutine

    def awaits_calls(self, api: str | None) -> bool:
        """Whether a pool of tasks awaits what it is handed."""
        found = self.registry.treatment(api, Protocol.CALL) if api else None
        return found is not None and found.kind is Kind.MIGRATED and found.pooled

    def _is_sync(self, api: str) -> bool:
        """A library function that waits by itself can do nothing with a coroutine."""
        found = self.registry.treatment(api, Protocol.CALL)
        return found is not None and found.kind in (Kind.AWAITABLE, Kind.BLOCKING)

    def enqueue(self, fid: FunctionId) -> None:
        """Run a function, now or again."""
        if fid not in self._queued and self._rounds[fid] < ROUNDS:
            self._queued.add(fid)
            self._queue.append(fid)

    def _run(self, fid: FunctionId) -> None:
        f = self.graph.functions[fid]
        unit = self.unit(f.path)
        node = unit.definitions.get(fid)
        if node is None:
            return
        self._rounds[fid] += 1
        body = Body(self, unit, fid, node)
        body.run()
        uses = {origin: tuple(found) for origin, found in body.uses.items()}
        parameters = {o.name: found for o, found in uses.items() if o.owner == fid and o.name}
        old = self.summaries.get(fid)
        new = Summary(frozenset(body.returns), uses, parameters, body.dynamic)
        self.summaries[fid] = new
        if old is None or old.shape() != new.shape():
            for reader in self._readers[fid]:
                self.enqueue(reader)
            if objects(new.returns):
                for caller in self._callers[fid]:
                    self.enqueue(caller)
                if isinstance(node, ast.Lambda):
                    self.enqueue(unit.outer[fid])  # which may hand it to `map`

    # ------------------------------------------------------------------ files and scopes

    def unit(self, path: str) -> Unit:
        """A file, parsed once."""
        found = self._units.get(path)
        if found is None:
            found = self._units[path] = parse(self.files[path], self._sites[path])
        return found

    def holder(self, fid: FunctionId) -> FunctionId:
        """The function whose body a generator expression is part of."""
        f = self.graph.functions[fid]
        while f.kind is FunctionKind.GENEXP and f.parent is not None:
            f = self.graph.functions[f.parent]
        return f.id

    def scopes(self, unit: Unit, fid: FunctionId) -> list[Scope]:
        """The scopes that names are looked up in, the innermost first."""
        found: list[Scope] = []
        at: FunctionId | None = fid
        while at is not None:
            node = unit.definitions[at]
            if at == fid or not isinstance(node, ast.ClassDef):
                if at not in self._scopes:
                    self._scopes[at] = scope_of(node)
                found.append(self._scopes[at])
            at = unit.outer.get(at)
        return found

    def class_of(self, unit: Unit, fid: FunctionId) -> FunctionId | None:
        """The class whose `self` a function sees."""
        at: FunctionId | None = fid
        while at is not None:
            if isinstance(unit.definitions[at], ast.ClassDef):
                return at
            at = unit.outer.get(at)
        return None

    # ------------------------------------------------------------------ attributes and globals

    def store(self, key: Key, value: Value, fid: FunctionId) -> None:
        """A function puts a value into an attribute or a global name."""
        value = frozenset(atom for atom in value if atom[0].what is not What.PARAMETER)
        held = self.places[key]
        before = join(held.values()) if held else frozenset()
        held[fid] = held.get(fid, frozenset()) | value
        after = join(held.values())
        if before != after and objects(after):
            unit = self.unit(key[1])
            name = f".{key[2]}" if key[0] else key[2]
            for reader in unit.readers.get(name, ()):
                self.enqueue(self.holder(reader))
            if not objects(before):
                for writer in unit.writers.get(name, ()):
                    self.enqueue(self.holder(writer))

    def read(self, key: Key, fid: FunctionId) -> Value:
        """What an attribute or a global name holds."""
        held = self.places.get(key)
        return join(held.values()) if held else PLAIN

    # ------------------------------------------------------------------ what calls give

    def given(
        self,
        reader: Expressions,
        sites: Sequence[Site],
        node: ast.expr,
        given: Given | None = None,
    ) -> Value | None:
        """What the call (or property) at a place gives; None where the graph knows no target."""
        targets = [t for s in sites if s.certainty is not Certainty.UNKNOWN for t in s.targets]
        functions = list(dict.fromkeys(t.function for t in targets if t.function is not None))
        apis = [t.api for t in targets if t.api is not None]
        if not functions and not apis:
            return None
        found = [self.made_by(reader, fid, node, given) for fid in functions]
        if apis and given is not None:
            awaited = all(self.is_coroutine_api(api, Protocol.CALL) for api in apis)
            found.append(reader.new(What.COROUTINE, node) if awaited else PLAIN)
            how = How.HANDED if any(self._is_sync(api) for api in apis) else How.GOOD
            for argument, value in given.all():
                reader.use(value, how, argument, apis[0])
        elif apis:
            found.append(PLAIN)
        if given is not None:
            self._hand_over(reader, functions, node, given)
        if any(not objects(value) for value in found):
            return PLAIN  # which of them is called is not known here
        return reader.register(join(found))

    def _hand_over(
        self, reader: Expressions, functions: list[FunctionId], node: ast.expr, given: Given
    ) -> None:
        assert isinstance(reader, Body)
        if not self._matters(reader, given):
            reader.escape(given)
            return
        for fid in functions:
            self._heat(fid)
            definition = self.definition(fid)
            skip = self._skipped(self.graph.functions[fid], node)
            if definition is None:
                reader.escape(given)
            else:
                reader.hand_over(fid, definition, skip, given, only=len(functions) == 1)

    def _matters(self, reader: Expressions, given: Given) -> bool:
        """Whether an argument is a coroutine, or a parameter that may be one."""
        hot = reader.fid in self._hot
        return any(
            hot or origin.what is not What.PARAMETER
            for _, value in given.all()
            for origin, _ in objects(value)
        )

    def _heat(self, fid: FunctionId) -> None:
        if fid not in self._hot:
            self._hot.add(fid)
            self.enqueue(fid)

    def definition(self, fid: FunctionId) -> Definition | None:
        """The syntax tree of a function."""
        return self.unit(self.graph.functions[fid].path).definitions.get(fid)

    def _skipped(self, f: Function, node: ast.expr) -> int:
        """Whether the first parameter is bound already."""
        if f.cls is None or "staticmethod" in f.decorators:
            return 0
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            holder = node.func.value
            last = holder.attr if isinstance(holder, ast.Attribute) else ""
            last = holder.id if isinstance(holder, ast.Name) else last
            own = self.graph.functions[f.cls].name.rpartition(".")[2]
            if last == own and "classmethod" not in f.decorators:
                return 0
        return 1

    def made_by(
        self,
        reader: Expressions,
        fid: FunctionId,
        node: ast.expr,
        given: Given | None = None,
    ) -> Value:
        """What calling one project function gives."""
        f = self.graph.functions[fid]
        if f.kind not in (FunctionKind.FUNCTION, FunctionKind.LAMBDA) or self.opaque(f):
            return PLAIN
        if f.is_async:
            what = What.GENERATOR if f.is_generator else What.COROUTINE
            what = What.MANAGER if f.is_contextmanager else what
            results = (fid,) if what is What.COROUTINE else ()
            return reader.new(what, node, results=results)
        if f.is_generator or f.name.endswith("__init__"):
            return PLAIN
        if given is not None and self._matters(reader, given):
            self._heat(fid)
        elif fid not in self.summaries and f.kind is FunctionKind.LAMBDA:
            self.enqueue(fid)
        self._readers[fid].add(reader.fid)
        summary = self.summaries.get(fid)
        if summary is None or summary.dynamic:
            return PLAIN
        return self._carried(reader, f, summary.returns, node, given)

    def _carried(
        self,
        reader: Expressions,
        f: Function,
        returns: Value,
        node: ast.expr,
        given: Given | None,
    ) -> Value:
        """What a sync function returns, as a new object of the caller."""
        found: list[Value] = [PLAIN] if OTHER in returns else []
        for origin, depth in objects(returns):
            if origin.what is What.PARAMETER:
                held = self._bound(f, origin.name, node, given)
                for inner, at in held:
                    if (inner, at) == OTHER or at + depth >= 0 or inner.what is What.PARAMETER:
                        deeper = at + depth if inner != OTHER[0] else 0
                        found.append(frozenset({(inner, min(deeper, DEEPEST))}))
            elif depth >= 0:
                step = Step(f"{f.name} returns `{origin.text}`", origin.path, origin.span[0])
                steps = (step, *origin.steps)[:LONGEST]
                made = reader.new(origin.what, node, results=origin.results, steps=steps)
                found.append(frozenset((new, depth) for new, _ in made))
        return join(found)

    def _bound(self, f: Function, name: str, node: ast.expr, given: Given | None) -> Value:
        """The argument that a parameter gets."""
        definition = self.definition(f.id)
        if given is None or not isinstance(
            definition, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        ):
            return PLAIN
        if name in given.named:
            return given.named[name][1]
        names = [a.arg for a in (*definition.args.posonlyargs, *definition.args.args)]
        names = names[self._skipped(f, node) :]
        if name in names and names.index(name) < len(given.plain):
            return given.plain[names.index(name)][1]
        return PLAIN

    def result_of_await(self, reader: Expressions, origin: Origin, node: ast.Await) -> Value:
        """What awaiting a coroutine gives: another one, where its function returns one."""
        found: list[Value] = []
        for fid in origin.results:
            self._readers[fid].add(reader.fid)
            summary = self.summaries.get(fid)
            f = self.graph.functions[fid]
            for inner, depth in objects(summary.returns) if summary is not None else ():
                if inner.what is What.PARAMETER or depth < 0:
                    found.append(PLAIN)
                    continue
                step = Step(f"{f.name} returns `{inner.text}`", inner.path, inner.span[0])
                steps = (step, *inner.steps)[:LONGEST]
                made = reader.new(inner.what, node, results=inner.results, steps=steps)
                found.append(frozenset((new, depth) for new, _ in made))
            if summary is None or OTHER in summary.returns:
                found.append(PLAIN)
        return reader.register(join(found))

    def opaque(self, f: Function) -> bool:
        """Whether a decorator of a library may make something else of the function."""
        return any(
            not outside.TRANSPARENT.match(name)
            and name not in outside.CACHES
            and name.partition(".")[0] not in self.tops
            for name in f.decorators
        )

    def parameter(self, reader: FunctionId, fid: FunctionId, name: str) -> tuple[Use, ...] | None:
        """What a function does with a parameter; None where nobody can tell."""
        definition = self.definition(fid)
        if definition is None or _is_stub(definition):
            return None
        self._readers[fid].add(reader)
        summary = self.summaries.get(fid)
        if summary is None:
            self.enqueue(fid)
            return None
        return summary.parameters.get(name, ())

    # ------------------------------------------------------------------ results

    def gives_coroutine(self, fid: FunctionId) -> bool:
        """A sync function whose result can be awaited."""
        summary = self.summaries.get(fid)
        return summary is not None and not summary.dynamic and bool(objects(summary.returns))

    def asks(self, fid: FunctionId) -> bool:
        """The function asks whether it, or what it has got, is async."""
        unit = self.unit(self.graph.functions[fid].path)
        return fid in unit.definitions and self.scopes(unit, fid)[0].asks

    def objects(self) -> Iterator[tuple[Origin, tuple[Use, ...]]]:
        """Every object that was made, with everything that is done with it anywhere."""
        found: dict[Origin, dict[Use, None]] = {}
        for fid in sorted(self.summaries):
            for origin, uses in self.summaries[fid].uses.items():
                if origin.what is not What.PARAMETER:
                    found.setdefault(origin, {}).update(dict.fromkeys(uses))
        for origin in sorted(found, key=lambda o: (o.path, o.span, o.what)):
            yield origin, tuple(found[origin])


def _is_stub(node: Definition) -> bool:
    """A body that says nothing: a protocol, an abstract method."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    return all(
        isinstance(part, (ast.Pass, ast.Raise))
        or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        for part in node.body
    )
