"""Functions that stay sync for a reason that is known before solving."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set

from asyncshift.caches import CACHED_PROPERTY, CACHES, MODULE, RESULTS_CACHED
from asyncshift.codemod import Registry
from asyncshift.constructors import is_constructor, kept_constructors
from asyncshift.model import (
    MOCKS,
    Cause,
    Certainty,
    Escape,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Project,
    Protocol,
    Site,
)
from asyncshift.pooled import is_pooled
from asyncshift.properties import kept_properties
from asyncshift.standing import handed_to_twins, has_both, name_in_table
from asyncshift.wrapped import mapped_places

TURNING_DUNDERS = frozenset({"__call__", "__enter__", "__exit__", "__next__"})
"""Dunders that have an async form which the caller can be rewritten to."""

ENTRY_DECORATOR = re.compile(r"^(click|typer)\.|\.(command|callback|group)$")
"""Click and Typer commands, `@app.command()` and `@cli.group()` included."""

ASYNC_AWARE_DECORATORS = frozenset(
    {
        "abc.abstractmethod",
        "classmethod",
        "contextlib.contextmanager",
        "functools.wraps",
        "staticmethod",
        "typing.final",
        "typing.override",
        "typing.overload",
        "typing_extensions.override",
    }
)
"""Decorators that treat an `async def` as they treat a `def`."""

_RUN_BY_NAME = re.compile(r"(setup|teardown)(_(method|function|class|module))?|pytest_[a-z_]+")
"""What pytest calls by its name and never awaits: the ways of nose, and its hooks."""
_TEST_FILE = re.compile(r"(^|/)((test_[^/]*|[^/]*_test|conftest)\.py$|tests?/)")


def is_test_file(path: str) -> bool:
    """Whether a file holds tests by the names pytest and unittest go by."""
    return _TEST_FILE.search(path) is not None


def entry_functions(graph: Graph, project: Project) -> dict[FunctionId, str]:
    """Functions that are started from outside as the program's main, with what starts them."""
    by_name = {
        f"{f.module}:{f.name}": f.id
        for f in graph.functions.values()
        if f.kind is FunctionKind.FUNCTION
    }
    entries = {}
    for dotted, declared in project.entry_points.items():
        if dotted in by_name:
            entries[by_name[dotted]] = f"the console script {declared}"
    for f in graph.functions.values():
        for decorator in f.decorators:
            if ENTRY_DECORATOR.search(decorator) and f.cls is None:
                entries[f.id] = f"@{decorator}"
    return {
        i: why
        for i, why in entries.items()
        if not graph.functions[i].is_generator and not graph.functions[i].is_async
    }


def pins(
    graph: Graph, project: Project, registry: Registry, tests: Set[FunctionId] = frozenset()
) -> dict[FunctionId, Cause]:
    """The pinned functions with the reason of each; the first reason found is the one given.
    `tests` may turn although a test runner calls them."""
    escaped: dict[FunctionId, Escape] = {}
    to_twins = handed_to_twins(graph, registry)
    mapped = mapped_places(graph)
    for escape in graph.escapes:
        if escape.function is None or escape in to_twins.get(escape.function, ()):
            continue
        if (escape.path, escape.span, escape.function) in mapped:
            continue
        if is_pooled(registry, escape.to):
            continue
        if not _is_awaited(graph, registry, escape):
            escaped.setdefault(escape.function, escape)
    inlined = {function for _, _, function in mapped}
    iterators = _iterators(graph)
    called_here = {
        target.function
        for site in graph.sites
        if site.certainty is not Certainty.UNKNOWN and site.protocol is Protocol.CALL
        for target in site.targets
        if target.function
    }
    found: dict[FunctionId, Cause] = dict(_managers_as_decorators(graph))
    properties = {**kept_properties(graph, project), **kept_constructors(graph)}
    for f in graph.functions.values():
        if f.is_async or f.kind is FunctionKind.MODULE or f.id in found:
            continue
        if f.kind is FunctionKind.LAMBDA and f.id in inlined and f.id not in escaped:
            continue
        for rule, text in (
            *_declared(f, registry),
            *_cached(f, registry),
            *_reasons(f, project, called_here, iterators, properties),
        ):
            if f.id in tests and rule in ("test", "foreign-base"):
                continue
            found[f.id] = Cause(rule, text, f.path, f.line)
            break
        else:
            given = escaped.get(f.id)
            aware = ASYNC_AWARE_DECORATORS | _decorating(f, tests) | RESULTS_CACHED.keys()
            if given is not None and given.to not in aware:
                text = f"{f.name} is handed to {given.to}, which calls it synchronously"
                found[f.id] = Cause("escapes", text, given.path, given.span[0])
    for f in graph.functions.values():
        parent = f.parent
        if f.kind is FunctionKind.GENEXP and parent is not None and f.id not in found:
            kind = graph.functions[parent].kind
            if parent in found or kind in (FunctionKind.MODULE, FunctionKind.CLASS):
                found[f.id] = Cause(
                    "enclosing", "the generator expression stands in sync code", f.path, f.line
                )
    return found


def every_reason(
    graph: Graph, project: Project, registry: Registry, f: Function
) -> Iterator[Cause]:
    """All reasons why a function would be pinned, of which `pins` gives the first."""
    called = {
        target.function
        for site in graph.sites
        if site.certainty is not Certainty.UNKNOWN and site.protocol is Protocol.CALL
        for target in site.targets
        if target.function
    }
    iterators, properties = _iterators(graph), kept_properties(graph, project)
    for rule, text in (
        *_declared(f, registry),
        *_cached(f, registry),
        *_reasons(f, project, called, iterators, properties),
    ):
        yield Cause(rule, text, f.path, f.line)
    for fid, cause in _managers_as_decorators(graph):
        if fid == f.id:
            yield cause
    to_twins = handed_to_twins(graph, registry).get(f.id, ())
    for escape in graph.escapes:
        if is_pooled(registry, escape.to):
            continue
        if escape.function != f.id or escape.to in ASYNC_AWARE_DECORATORS or escape in to_twins:
            continue
        if not _is_awaited(graph, registry, escape):
            text = f"{f.name} is handed to {escape.to}, which calls it synchronously"
            yield Cause("escapes", text, escape.path, escape.span[0])


def _decorating(f: Function, tests: Set[FunctionId]) -> Set[str]:
    """The decorators of a test that may turn: its runner knows what they make of it."""
    return frozenset(f.decorators) if f.id in tests else frozenset()


def _managers_as_decorators(graph: Graph) -> Iterator[tuple[FunctionId, Cause]]:
    """`@timed()`, where `timed` is a context manager, holds its block open for a call: around a
    coroutine function that is until the coroutine is made, and an async one makes coroutines."""
    managers: dict[str, list[Function]] = {}
    for f in graph.functions.values():
        scope, _, last = f.name.rpartition(".")
        if last in ("__enter__", "__exit__"):
            managers.setdefault(f"{f.module}.{scope}", []).append(f)
        elif f.is_contextmanager:
            managers.setdefault(f"{f.module}.{f.name}", []).append(f)
    for name, inherited in _inherited_managers(graph, managers).items():
        managers.setdefault(name, []).extend(inherited)
    for f in graph.functions.values():
        for name in sorted(managers.keys() & set(f.decorators)):
            if not f.is_async and not f.is_generator:
                text = f"{f.name} is decorated with the context manager {name}, which ends at the "
                text += "return of a call, before a coroutine runs"
                yield f.id, Cause("managed", text, f.path, f.line)
            for manager in managers[name]:
                if not manager.is_async:
                    text = f"{manager.name} is a decorator too: that of {f.name}"
                    yield manager.id, Cause("managed", text, f.path, f.line)


def _inherited_managers(
    graph: Graph, managers: Mapping[str, Sequence[Function]]
) -> dict[str, list[Function]]:
    """Class -> the `__enter__` and `__exit__` of the classes above it."""
    found: dict[str, list[Function]] = {}
    for cls in graph.functions.values():
        above = [base.function for base in cls.bases]
        seen = {cls.id}
        for fid in above:
            if fid is not None and fid not in seen:
                seen.add(fid)
                one = graph.functions[fid]
                found.setdefault(f"{cls.module}.{cls.name}", []).extend(
                    managers.get(f"{one.module}.{one.name}", ())
                )
                above += [base.function for base in one.bases]
    return found


def _iterators(graph: Graph) -> frozenset[FunctionId]:
    """The `__iter__` methods that have an async form: generators, and those that only give what
    has `__next__` without doing anything else."""
    plain = {f.id for f in graph.functions.values() if f.name.endswith(".__iter__")}
    generators = {fid for fid in plain if graph.functions[fid].is_generator}
    beside = {
        target.function
        for site in graph.sites
        if any(is_next(graph, t.function) for t in site.targets)
        for target in site.targets
    }
    own = {f.id.rpartition(":")[0] + f.name for f in graph.functions.values()}
    beside |= {
        fid
        for fid in plain
        if fid.rpartition(":")[0] + graph.functions[fid].name[: -len("__iter__")] + "__next__"
        in own
    }
    busy = {site.caller for site in graph.sites if not _only_makes(graph, site)}
    return frozenset(generators | ((plain & beside) - busy))


def _only_makes(graph: Graph, site: Site) -> bool:
    """Whether a place does no more than make an object of the project."""
    names = [graph.functions[t.function].name for t in site.targets if t.function is not None]
    if site.protocol is Protocol.ANNOTATION:
        return True
    return site.protocol is Protocol.CALL and bool(names) and all(map(is_constructor, names))


def is_next(graph: Graph, fid: FunctionId | None) -> bool:
    """Whether a function is a class's `__next__`."""
    return fid is not None and graph.functions[fid].name.endswith(".__next__")


def _is_awaited(graph: Graph, registry: Registry, escape: Escape) -> bool:
    """Whether what gets the function awaits it where it is async, as FastAPI's routes do."""
    if escape.to in MOCKS and _stands_in(graph, escape):
        return True
    if registry.async_aware(escape.to) or registry.keeps_async(escape.to):
        return True
    last = escape.to.rpartition(".")[2]
    return any(
        (registry.async_aware(name) or registry.keeps_async(name))
        and name.rpartition(".")[2] == last
        for name in graph.functions[escape.function or ""].decorators
    )


def _stands_in(graph: Graph, escape: Escape) -> bool:
    """Whether a mock with the function inside takes the place of one of its name on these lines,
    where the callers await it: `patch.object(api, "fetch", Mock(wraps=Api.fetch))`."""
    name = graph.functions[escape.function or ""].name.rpartition(".")[2]
    return any(
        mention.how == "patched"
        and mention.path == escape.path
        and mention.line <= escape.span[0] <= mention.line + 2
        and graph.functions[mention.function].name.rpartition(".")[2] == name
        for mention in graph.mentions
    )


def _declared(f: Function, registry: Registry) -> Iterator[tuple[str, str]]:
    """What a table names besides its twin is left as it stands, with all that is inside."""
    if registry.standing and (name := name_in_table(f, registry)):
        yield "declared", f"a table says what becomes of the uses of {name}"


def _cached(f: Function, registry: Registry) -> Iterator[tuple[str, str]]:
    """A cache keeps the coroutine, unless it has a form that keeps the result."""
    caches = CACHES.intersection(f.decorators) - {CACHED_PROPERTY if f.is_property else ""}
    if not caches:
        return
    if f.is_generator or not any(table.module == MODULE for table in registry.tables):
        yield "cached", f"@{min(caches)} would cache the coroutine: its second await fails"


def _reasons(
    f: Function,
    project: Project,
    called_here: set[FunctionId],
    iterators: Set[FunctionId],
    properties: Mapping[FunctionId, str],
) -> Iterator[tuple[str, str]]:
    last = f.name.rpartition(".")[2]
    if f.kind is FunctionKind.LAMBDA:
        yield "lambda", "a lambda cannot be async"
    if f.kind is FunctionKind.CLASS:
        yield "class-body", "a class body runs when it is imported"
    if f.pragma is not None:
        reason = f.pragma or "no reason given"
        yield "keep-sync", f"the author asked to keep {f.name} sync: {reason}"
    if f.kind is not FunctionKind.FUNCTION:
        return
    turns = last in TURNING_DUNDERS or f.id in iterators
    if is_constructor(f.name):
        turns = True
        if f.id in properties:
            yield "constructor", f"{f.name} stays what Python calls: {properties[f.id]}"
    if last.startswith("__") and last.endswith("__") and not turns:
        yield "dunder", f"Python calls {last} synchronously"
    if f.answered_by and not last.startswith("__"):
        text = f"{f.answered_by} stands between {f.name} and its callers, and may call or keep it"
        yield "answered", text
    if has_both(f):
        yield "beside", f"{f.name} has {f.twin} beside it already"
    if f.is_property and (why := properties.get(f.id)):
        yield "property", f"{f.name} is a property, and stays one: {why}"
    if f.is_generator and f.returns_value:
        yield "generator-return", f"{f.name} is a generator that returns or receives a value"
    if last in project.unparsable_names:
        yield "unparsable-caller", f"a file that does not parse mentions {last}"
    if last.startswith("test") and is_test_file(f.path):
        yield "test", "the test runner calls it synchronously"
    elif _RUN_BY_NAME.fullmatch(last) and is_test_file(f.path):
        yield "test", f"pytest calls {last} synchronously"
    if f.overrides:
        yield "foreign-base", f"{f.name} overrides {f.overrides}, which outside code calls"
    if f.foreign_base and (f.is_property or f.id not in called_here):
        yield "foreign-base", f"{f.name} may override a method of {f.foreign_base}"
