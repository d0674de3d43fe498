"""Which properties may become coroutines: those whose every access is seen, and can be awaited.

`await account.balance` needs nothing but an `async def` below `@property`; but whoever reads the
attribute without `await` gets a coroutine, which is true, prints, and fails nowhere.  So one access
that is not certain, or that a text may mean, keeps the property sync, over a bridge.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from asyncshift.model import (
    THREADS,
    Certainty,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Project,
    Protocol,
    Site,
)

_BESIDE = frozenset({"abc.abstractmethod", "typing.final", "typing.override"})
"""Decorators that a property may have as well."""
CACHED = "functools.cached_property"
_ITSELF = frozenset({"property", "abc.abstractproperty"})


def kept_properties(graph: Graph, project: Project) -> dict[FunctionId, str]:
    """Every property getter, setter or deleter that has to stay sync, with the reason.  Those that
    reach nothing a table knows have no reason to turn, and are not looked at."""
    properties = [f for f in graph.functions.values() if f.is_property]
    above = _above_libraries(graph) if properties else frozenset()
    properties = [f for f in properties if not above.isdisjoint((f.id, *f.family))]
    found = {f.id: why for f, why in _alone(graph, properties)}
    open_ones = [f for f in properties if f.id not in found]
    found.update(_in_texts(graph, project, open_ones))
    for f in properties:
        if f.id not in found and (other := next((m for m in f.family if m in found), None)):
            found[f.id] = f"{graph.functions[other].name} stays one: {found[other]}"
    return found


def _above_libraries(graph: Graph) -> frozenset[FunctionId]:
    """The functions from which something async, or known to a table, may be reached."""
    callers: dict[FunctionId, list[FunctionId]] = defaultdict(list)
    todo = []
    for site in graph.sites:
        if site.wrapper or any(target.api is not None for target in site.targets):
            todo.append(site.caller)
        for target in site.targets:
            if target.function is not None:
                callers[target.function].append(site.caller)
                if graph.functions[target.function].is_async:
                    todo.append(site.caller)
    found: set[FunctionId] = set()
    while todo:
        fid = todo.pop()
        if fid not in found:
            found.add(fid)
            f = graph.functions[fid]
            todo += callers[fid]
            todo += f.family
            if f.kind is FunctionKind.GENEXP and f.parent is not None:
                todo.append(f.parent)
    return frozenset(found)


def _alone(graph: Graph, properties: Iterable[Function]) -> Iterator[tuple[Function, str]]:
    """What can be said of each property by itself and by its readers."""
    readers: dict[FunctionId, list[Site]] = defaultdict(list)
    for site in graph.sites:
        for target in site.targets:
            if target.function is not None:
                readers[target.function].append(site)
    names: dict[tuple[str, str], int] = defaultdict(int)
    for f in graph.functions.values():
        if f.kind is FunctionKind.FUNCTION:
            names[f.path, f.name] += 1
    mentioned = {mention.function: mention for mention in graph.mentions}
    for f in properties:
        family = [graph.functions[fid] for fid in f.family]
        sites = readers[f.id]
        everybody = [*sites, *(site for g in family for site in readers[g.id])]
        if f.decorators != (CACHED,) and (
            not _ITSELF.intersection(f.decorators) or set(f.decorators) - _BESIDE - _ITSELF
        ):
            yield f, f"@{', @'.join(f.decorators)} keeps or changes what it gives"
        elif f.is_generator:
            yield f, "it is a generator"
        elif names[f.path, f.name] > 1:
            yield f, "it has a setter or a deleter, or is defined twice"
        elif f.read_unseen:
            yield f, f.read_unseen
        elif f.id in mentioned:
            yield f, f"{mentioned[f.id].text} reaches it by its name"
        elif any(not g.is_property for g in family):
            yield f, "other classes have a method of this name"
        elif not everybody:
            yield f, "nothing that is seen reads it"
        elif why := next(filter(None, map(_why_not, sites)), ""):
            yield f, why


def _why_not(site: Site) -> str:
    place = f"`{site.text}` ({site.path}:{site.span[0]})"
    if site.protocol is not Protocol.ATTRIBUTE or (site.wrapper and site.wrapper not in THREADS):
        return f"{place} takes it in another way than by reading the attribute"
    if site.certainty is not Certainty.CERTAIN:
        return f"{place} may read something else as well"
    return ""


# ----------------------------------------------------------------------------- texts


def _in_texts(
    graph: Graph, project: Project, properties: Iterable[Function]
) -> Mapping[FunctionId, str]:
    """Properties that are asked for by a text or a pattern: `hasattr`, `attrgetter`, `case A(x=1)`.
    (What a template reads, it reads of objects that it was handed.)"""
    found: dict[FunctionId, str] = {}
    cached: dict[str, list[Function]] = defaultdict(list)
    for f in properties:
        name = f.name.rpartition(".")[2]
        if name in graph.texts:
            found[f.id] = f"{graph.texts[name]} asks for it by its name"
        elif CACHED in f.decorators:
            cached[name].append(f)
    for file in project.files:
        here = {name for name in cached if name in file.text}
        forgotten = dict(_forgotten(ast.parse(file.text))) if here else {}
        for name in sorted(here & forgotten.keys()):
            for f in cached[name]:
                text = f"{file.path}:{forgotten[name]} may make it forget what it keeps"
                found.setdefault(f.id, text)
    return found


def _forgotten(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names by which a cached value may be deleted: `del x.rates`, and all texts where the
    `__dict__` of something is used: `vars(x).pop("rates")`."""
    texts = False
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Del()):
                yield name, node.lineno
            case ast.Attribute(attr="__dict__") | ast.Name(id="vars"):
                texts = True
    for node in ast.walk(tree) if texts else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno
