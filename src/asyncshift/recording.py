"""What a step does, as records of the ledger.

The graph is that of the tree before the step and the plan says what changes; so a function's state
afterwards is: turned by this step, or async from an earlier one, with what is left of its threads
and bridges.  What an earlier step said stays where it still holds, so that the text of a record
changes only with its meaning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from asyncshift.bridge_modules import taken_out
from asyncshift.facades import KEPT_BESIDE
from asyncshift.ledger import WHOLE, FunctionRecord, Ledger, ModuleRecord, Refused
from asyncshift.model import (
    BRIDGES,
    THREADS,
    Action,
    FileChange,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Plan,
    Project,
    Protocol,
    Refusal,
    SourceFile,
    Span,
)
from asyncshift.planfile import digest
from asyncshift.scope import Choice, Scope

BODY = "<module>"
_SYNC_FORM = {new: old for old, new in KEPT_BESIDE.items()}


def records(
    project: Project,
    graph: Graph,
    plan: Plan,
    scope: Scope | None,
    changes: Sequence[FileChange],
    earlier: Ledger,
    declined: Iterable[str] = (),
) -> tuple[ModuleRecord, ...]:
    """All records as they are after a step: those of its scope anew, the others as they were.

    `changes` are the step's files, `declined` the `module:function`s that the user refused now.
    """
    step = _Step(graph, plan)
    known = earlier.records
    texts = {c.path: c.new for c in changes if c.new is not None}
    refused = step.refused(project)
    for name in (*earlier.choice().declined, *declined):
        module, _, function = step.plain.get(name, name).partition(":")
        step.declined[module].add(function)
    found = dict(known)
    for file in project.files:
        new = digest(texts[file.path]) if file.path in texts else file.digest
        record = step.record(file, scope, known.get(file.path), new, refused[file.path])
        if (
            file.path in known
            or _has_record(file, step, scope)
            or (file.selected and (record.functions or record.refused or record.declined))
        ):
            found[file.path] = record
    return tuple(record for _, record in sorted(found.items()))


def declining(
    project: Project, graph: Graph, earlier: Ledger, why: Mapping[str, str]
) -> tuple[ModuleRecord, ...]:
    """The records with more functions that stay as they are; `why` has a reason for each
    `module:function`.  Nothing else changes."""
    names = plain_names(graph)
    functions = (f for f in graph.functions.values() if f"{f.module}:{f.name}" in why)
    found = dict(earlier.records)
    files = {file.path: file for file in project.files}
    for f in sorted(functions, key=lambda f: (f.path, f.span)):
        file = files[f.path]
        record = found.get(f.path) or ModuleRecord(file.module, file.path, file.digest, scope=())
        found[f.path] = replace(
            record,
            declined=tuple(sorted({*record.declined, names[f.id]})),
            reasons={**record.reasons, names[f.id]: why[f"{f.module}:{f.name}"]},
        )
    return tuple(record for _, record in sorted(found.items()))


def plain_names(graph: Graph) -> dict[FunctionId, str]:
    """How the ledger calls each function: a coroutine by the name of its facade, the second of
    one name in a file with `#2`."""
    coroutines = {f.facade_of: f for f in graph.functions.values() if f.facade_of}
    written = {(f.path, f.name) for f in graph.functions.values()}
    names: dict[FunctionId, str] = {}

    def plain(f: Function) -> str:
        if f.id in coroutines:
            return plain(coroutines[f.id])
        parent = graph.functions.get(f.parent or "")
        scope, dot, last = f.name.rpartition(".")
        old = scope + dot + _SYNC_FORM.get(last, last)
        name = f.name if (f.path, old) in written else old  # `__aenter__` was `__enter__`
        if parent is None or parent.kind is FunctionKind.MODULE:
            return name
        return name.replace(parent.name, plain(parent), 1)

    seen: dict[tuple[str, str], int] = defaultdict(int)
    for f in sorted(graph.functions.values(), key=lambda f: (f.path, f.span)):
        if f.kind is not FunctionKind.FUNCTION:
            names[f.id] = BODY if f.kind is FunctionKind.MODULE else f.name
            continue
        name = plain(f)
        if f.id not in coroutines:
            seen[f.path, name] += 1
            name = name if seen[f.path, name] == 1 else f"{name}#{seen[f.path, name]}"
        names[f.id] = name
    return names


def choice(ledger: Ledger, graph: Graph) -> Choice:
    """What the ledger means for the next step, in the names that the tree has now: a function that
    has a facade is there twice."""
    plain = ledger.choice()
    names = plain_names(graph)
    beside = {
        f"{f.module}:{names[f.id]}": f"{f.module}:{f.name}"
        for f in graph.functions.values()
        if f.kind is FunctionKind.FUNCTION and names[f.id] != f.name
    }
    return Choice(
        migrated=plain.migrated | {beside[name] for name in plain.migrated if name in beside},
        declined=plain.declined | {beside[name] for name in plain.declined if name in beside},
    )


def call_text(text: str) -> str:
    """A call as the ledger knows it: on one line, without its arguments."""
    depth, kept = 0, []
    for character in text:
        depth -= character in ")]}" and depth > 0
        if depth == 0 and not character.isspace():
            kept.append(character)
        depth += character in "([{"
    return "".join(kept).removesuffix("()")


def _has_record(file: SourceFile, step: _Step, scope: Scope | None) -> bool:
    """A module of a slice has one even when nothing changes yet: what it calls may turn in a later
    step.  Where everything is migrated at once, only what changed has one."""
    if scope is None:
        return False
    functions = [f.id for f in step.by_path[file.path]]
    return bool(functions) and (
        file.module in scope.modules or not scope.functions.isdisjoint(functions)
    )


@dataclass(slots=True)
class _Step:
    """A graph and a plan, indexed by function."""

    graph: Graph
    plan: Plan
    names: Mapping[FunctionId, str] = field(init=False)
    plain: Mapping[str, str] = field(init=False)
    """`module:function` in the tree -> as the ledger calls it."""
    by_path: Mapping[str, list[Function]] = field(init=False)
    threads: set[FunctionId] = field(default_factory=set)
    """Functions that hand calls to threads after the step."""
    threaded: frozenset[FunctionId] = frozenset()
    """Those of them that begin to with this step."""
    bridges: set[FunctionId] = field(default_factory=set)
    facades: set[FunctionId] = field(default_factory=set)
    entries: set[FunctionId] = field(default_factory=set)
    runners: set[FunctionId] = field(default_factory=set)
    """Sync functions that run a coroutine as the program's main, as earlier entry points do."""
    dropped: set[FunctionId] = field(default_factory=set)
    declined: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self.names = plain_names(self.graph)
        functions = [f for f in self.graph.functions.values() if f.kind is FunctionKind.FUNCTION]
        self.plain = {f"{f.module}:{f.name}": f"{f.module}:{self.names[f.id]}" for f in functions}
        by_path: defaultdict[str, list[Function]] = defaultdict(list)
        for f in functions:
            by_path[f.path].append(f)
        self.by_path = by_path
        self._index_plan()
        self._index_tree()

    def _index_plan(self) -> None:
        kinds = {
            Action.TO_THREAD: self.threads,
            Action.BRIDGE: self.bridges,
            Action.SPLIT_ENTRY: self.entries,
            Action.DROP_FACADE: self.dropped,
        }
        for decision in self.plan.decisions:
            if decision.action in kinds:
                kinds[decision.action].add(self._around(decision.owner))
            elif decision.action is Action.MAKE_ASYNC and "facade" in decision.detail:
                self.facades.add(decision.owner)
        self.threaded = frozenset(self.threads)

    def _index_tree(self) -> None:
        """What earlier steps left and this one does not take away."""
        unwrapped = taken_out(self.plan.decisions)
        for site in self.graph.sites:
            caller = self._around(site.caller)
            if site.wrapper_span and (site.path, site.wrapper_span) in unwrapped:
                continue
            if site.wrapper in THREADS:
                self.threads.add(caller)
            elif site.wrapper in BRIDGES and not self.graph.functions[caller].facade_of:
                self.bridges.add(caller)
            elif site.wrapper in ("run", "asyncio.run"):
                self.runners.add(caller)

    def _around(self, fid: FunctionId) -> FunctionId:
        """The function whose text holds a lambda or a generator expression."""
        f = self.graph.functions[fid]
        while f.kind in (FunctionKind.LAMBDA, FunctionKind.GENEXP) and f.parent is not None:
            f = self.graph.functions[f.parent]
        return f.id

    def record(
        self,
        file: SourceFile,
        scope: Scope | None,
        before: ModuleRecord | None,
        sha256: str,
        refused: Sequence[Refused],
    ) -> ModuleRecord:
        """One module after the step."""
        functions = {}
        earlier = before.functions if before is not None else {}
        for f in self.by_path[file.path]:
            name = self.names[f.id]
            state = self._state(f, name in earlier)
            if state:
                functions[name] = self._told(f, state, earlier.get(name))
        known = (
            {} if before is None else {(r.function, r.call, r.ordinal): r for r in before.refused}
        )
        # What could be done now would have been done; that its client went to threads is told once.
        told = {(r.function, r.call, r.ordinal) for r in refused}
        unchanged = before is not None and before.sha256 == sha256
        standing = [
            one
            for key, one in known.items()
            if unchanged and key not in told and not one.rule.startswith("slice-")
        ]
        declined = self.declined[file.module] - {
            name for name, entry in functions.items() if entry.state != "bridges"
        }
        return ModuleRecord(
            module=file.module,
            path=file.path,
            sha256=sha256,
            scope=self._scope(file, scope, before),
            functions=functions,
            refused=tuple(sorted((*(_same(known, one) for one in refused), *standing))),
            declined=tuple(sorted(declined)),
            reasons={
                name: why
                for name, why in (before.reasons if before is not None else {}).items()
                if name in declined
            },
        )

    def _told(self, f: Function, state: str, before: FunctionRecord | None) -> FunctionRecord:
        """The state with its cause: the one of the step that decided it."""
        if before is not None and (before.state == state or f.is_async or f.facade_of):
            return FunctionRecord(state, before.cause)
        cause = self.plan.causes.get(f.id)
        return FunctionRecord(state, cause.text if cause is not None else "")

    def _state(self, f: Function, known: bool) -> str:
        """How a function stands after the step; empty where no step had to do with it.  A facade
        speaks for its coroutine, which is passed over."""
        coroutine = f.facade_of or f.id
        if f.facade_of is None and f.is_async and self._has_facade(f):
            return ""
        if f.facade_of is not None or f.id in self.plan.turned:
            if f.id in self.entries:
                return "entry"
            if f.id in self.facades or (f.facade_of is not None and f.id not in self.dropped):
                return "facade"
            return "threads" if {f.id, coroutine} & self.threads else "async"
        if f.is_async and (known or f.id in self.threaded):
            return "threads" if f.id in self.threads else "async"
        if f.id in self.runners and known:
            return "entry"
        return "bridges" if f.id in self.bridges else ""

    def _has_facade(self, f: Function) -> bool:
        return any(other.facade_of == f.id for other in self.by_path[f.path])

    def _scope(
        self, file: SourceFile, scope: Scope | None, before: ModuleRecord | None
    ) -> str | tuple[str, ...]:
        if scope is None or file.module in scope.modules:
            if before is None or file.selected:
                return WHOLE
            return before.scope
        names = {self.names[f.id] for f in self.by_path[file.path] if f.id in scope.functions}
        if before is not None:
            if isinstance(before.scope, str):
                return before.scope
            names |= set(before.scope)
        return tuple(sorted(names))

    def refused(self, project: Project) -> Mapping[str, list[Refused]]:
        """The plan's refusals by path, known by function, call and ordinal."""
        texts = {file.path: file.text for file in project.files}
        calls = {(site.path, site.span): site.text for site in self.graph.sites}
        for site in self.graph.sites:
            if site.wrapper_span and site.protocol is Protocol.CALL:
                calls[site.path, site.wrapper_span] = (
                    site.text
                )  # `rows` also in `iter_sync(rows())`
        seen: dict[tuple[str, str, str], int] = defaultdict(int)
        found: defaultdict[str, list[Refused]] = defaultdict(list)
        for refusal in sorted(self.plan.refusals, key=lambda r: (r.path, r.span)):
            text = calls.get((refusal.path, refusal.span))
            if text is None and refusal.path in texts:
                text = _excerpt(texts[refusal.path], refusal.span)
            call = call_text(text or "")
            function = self._function_at(refusal)
            key = (refusal.path, function, call)
            found[refusal.path].append(
                Refused(function, call, seen[key], refusal.rule, refusal.reason)
            )
            seen[key] += 1
        return found

    def _function_at(self, refusal: Refusal) -> str:
        """The innermost function around a refused place."""
        start, end = refusal.span[:2], refusal.span[2:]
        around = [
            f
            for f in self.by_path.get(refusal.path, ())
            if f.span[:2] <= start and end <= f.span[2:]
        ]
        return self.names[max(around, key=lambda f: f.span[:2]).id] if around else BODY


def _same(known: Mapping[tuple[str, str, int], Refused], one: Refused) -> Refused:
    """As an earlier step told it, where the rule is the same."""
    before = known.get((one.function, one.call, one.ordinal))
    return before if before is not None and before.rule == one.rule else one


def _excerpt(text: str, span: Span) -> str:
    lines = text.splitlines(keepends=True)[span[0] - 1 : span[2]]
    if not lines:
        return ""
    cut = len(lines[-1]) - span[3]
    return "".join(lines)[span[1] : -cut or None]
