"""From the facts of all files to the call graph: functions, sites, escapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from asyncshift import facts as f
from asyncshift.codemod import Kind, Registry
from asyncshift.config import Hint
from asyncshift.facts import FileFacts
from asyncshift.index import Base, Class
from asyncshift.model import (
    BRIDGES,
    Function,
    FunctionId,
    FunctionKind,
    Graph,
    Message,
    Protocol,
    Severity,
    Target,
)
from asyncshift.pins import is_test_file
from asyncshift.resolution.answering import answered_by
from asyncshift.resolution.certainty import unsure_nodes
from asyncshift.resolution.constructors import factory_names, made_unseen
from asyncshift.resolution.escapes import Escapes
from asyncshift.resolution.fixpoint import Solver
from asyncshift.resolution.flow import Fn
from asyncshift.resolution.keywords import Keywords
from asyncshift.resolution.members import HARMLESS_BASES
from asyncshift.resolution.mentions import Mentions
from asyncshift.resolution.mixed import leave_mocks, settle_mixed
from asyncshift.resolution.outside import OutsideClasses, is_stdlib
from asyncshift.resolution.properties import read_unseen
from asyncshift.resolution.sites import Sites
from asyncshift.resolution.summaries import ITERATOR_BASES
from asyncshift.resolution.unresolved import OpenCalls
from asyncshift.resolution.values import NO_ORIGIN

_NO_FAMILY = frozenset(
    {"__init__", "__new__", "__post_init__", "__init_subclass__", "__del__", "__class_getitem__",
     "__repr__", "__str__", "__eq__", "__hash__", "__len__", "__bool__", "__getattr__"}
)  # fmt: skip
"""They never turn, or each class has its own."""

_ASYNC_FORMS = {
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
    "__iter__": "__aiter__",
    "__next__": "__anext__",
}
_BIG_FAMILY = 64
_SHARED = frozenset({"call", "with", "for", "comprehension", "yield_from", "next", "attribute"})


def build(
    facts: Sequence[FileFacts],
    registry: Registry,
    python: Path | None = None,
    bridges: Mapping[str, str] = MappingProxyType({}),
    hints: Sequence[Hint] = (),
    strict: bool = True,
    unresolved: bool = False,
) -> Graph:
    """The call graph of all files together; the same facts in any order give the same graph.

    `bridges` are the generated bridge modules by their dotted names (`Project.bridges`).  Raises
    `InputError` for a hint whose place or class is not there, unless it is not `strict`.  The calls
    that are not resolved are only collected when asked for."""
    facts = sorted(facts, key=lambda file: file.path)
    solver = Solver(facts, registry, bridges)
    solver.solve(hints, strict)
    ids = [_identifier(facts[fn.unit].path, fn) for fn in solver.functions]
    sites = Sites(solver)
    sites.collect()
    settle_mixed(sites)
    leave_mocks(sites, is_test_file)
    escapes = Escapes(sites)
    escapes.collect()
    mentions = Mentions(sites)
    escapes.add(mentions.of_named_classes())
    families = _families(solver, sites)
    keywords = Keywords(sites, escapes.functions, families).solve()
    given = {fn.number: _given(solver, fn) for fn in solver.functions if fn.number == fn.origin}
    tokens = set(solver.origin_tokens()) | escapes.tokens()
    tokens.update(token for found in given.values() for _, token in found if token != NO_ORIGIN)
    groups = solver.origins.groups(tokens)
    keys = {root: tuple(sorted({sites.key(t) for t in group})) for root, group in groups.items()}
    gives = {
        number: tuple(
            Target(api=api, origins=() if token == NO_ORIGIN else keys[solver.origins.find(token)])
            for api, token in found
        )
        for number, found in given.items()
        if found
    }
    unseen = {**read_unseen(sites, escapes), **made_unseen(sites, escapes)}
    functions = _functions(sites, ids, families, OutsideClasses(python), gives, unseen)
    mentions.collect()
    unsure = unsure_nodes(sites, escapes, mentions.functions())
    graph = Graph(
        functions={function.id: function for function in functions},
        sites=sites.build(ids, keywords, unsure),
        escapes=escapes.build(ids, keys),
        imports={file.path: _imports(solver, unit) for unit, file in enumerate(facts)},
        aliases={file.path: file.aliases for file in facts if file.aliases},
        exported=_exported(solver),
        mentions=mentions.build(ids),
        patched=mentions.of_libraries(),
        by_computed_name=mentions.callers(ids),
        texts={
            name: f"{file.path}:{line}" for file in reversed(facts) for name, line in file.texts
        },
        doubled=frozenset(ids[fn] if fn is not None else api for fn, api in sites.doubled),
        unresolved=OpenCalls(sites, ids, unsure).collect() if unresolved else (),
        messages=(*solver.modules.messages, *map(_missing, solver.own.missing())),
    )
    # Handlers are methods of the solver, and wrappers ask the sites: circles that would live on.
    solver.__dict__.clear()
    sites.__dict__.clear()
    return graph


def _missing(name: str) -> Message:
    text = f"a table names {name}, but no function or class of that name is defined there"
    return Message("", 0, "table", text, Severity.WARNING)


def _identifier(path: str, fn: Fn) -> FunctionId:
    facts = fn.facts
    if facts.kind in ("lambda", "genexp"):
        return f"{path}:{facts.line}:{facts.column}"
    return f"{path}:{facts.line}"


# ----------------------------------------------------------------------------- functions


def _given(solver: Solver, fn: Fn) -> list[tuple[str, int]]:
    """The library instances that a function returns: class and origin."""
    if fn.facts.returned <= 0 or fn.facts.kind != "function":
        return []
    return sorted({(k[1], k[2]) for k in solver.sees(fn.at(fn.facts.returned)) if k[0] == "lib"})


def _naming(solver: Solver) -> Iterator[str]:
    """Functions that read the name of something, and those they stand in, by their full names."""
    for file in solver.files:
        for facts in file.functions:
            if facts.flags & f.NAMING:
                parts = facts.name.split(".")
                yield from (
                    f"{file.module}.{'.'.join(parts[:n])}" for n in range(1, len(parts) + 1)
                )


def _functions(
    sites: Sites,
    ids: list[FunctionId],
    families: dict[int, list[int]],
    outside: OutsideClasses,
    gives: Mapping[int, tuple[Target, ...]],
    unseen: Mapping[int, str],
) -> Iterable[Function]:
    solver = sites.solver
    factories = factory_names(sites)
    stubs = _stubs_of_generators(solver, families)
    shared: dict[int, tuple[FunctionId, ...]] = {}
    beside = _bases_beside(solver)
    classes = {
        solver.unit_functions[one.unit] + one.facts.function: one
        for one in solver.hierarchy.classes
    }
    naming = frozenset(_naming(solver))
    for fn in solver.functions:
        if fn.number != fn.origin:
            continue
        facts, file = fn.facts, solver.files[fn.unit]
        base = solver.unit_functions[fn.unit]
        kind = FunctionKind(facts.kind)
        cls = None
        if fn.cls >= 0:
            cls = ids[base + solver.hierarchy.classes[fn.cls].facts.function]
        foreign, overrides = _foreign_base(solver, fn, outside, beside.get(fn.cls, ()))
        decorators = tuple(_decorator(solver, fn, text, node) for text, node in facts.decorators)
        facade = _facade(solver, fn, sites)
        yield Function(
            id=ids[fn.number],
            path=file.path,
            line=facts.line,
            name=facts.name,
            module=file.module,
            kind=kind,
            span=facts.span,
            parent=None if facts.parent < 0 else ids[base + facts.parent],
            cls=cls,
            is_async=stubs.get(fn.number, bool(facts.flags & f.ASYNC)),
            is_generator=fn.number in stubs or bool(facts.flags & f.GENERATOR),
            is_stub=fn.number in stubs,
            returns_value=bool(facts.flags & f.RETURNS),
            decorators=decorators,
            has_end=bool(facts.flags & f.ENDED),
            catches_interrupt=bool(facts.flags & f.INTERRUPTED),
            named_by_decorator=not naming.isdisjoint(decorators),
            is_property=bool(facts.flags & f.PROPERTY),
            read_unseen=unseen.get(fn.number, ""),
            factory=factories.get(fn.number, ""),
            answered_by=answered_by(solver.hierarchy, fn),
            is_contextmanager=bool(facts.flags & f.MANAGER),
            family=_family(fn.number, families, ids, shared),
            foreign_base=foreign,
            library_base=_library_base(solver, fn, sites),
            overrides=overrides or _called_by_parameters(facts),
            pragma=facts.pragma,
            gives=gives.get(fn.number, ()),
            twin=_twin(solver, fn),
            bases=_bases(solver, classes.get(fn.number), ids),
            facade_of=None if facade is None else ids[base + facade],
        )


def _bases(solver: Solver, one: Class | None, ids: list[FunctionId]) -> tuple[Target, ...]:
    """What a class names as its bases; an empty name for one that is computed."""
    found = [Target(api="")] if one is not None and one.unseen else []
    for base in one.bases if one is not None else ():
        if isinstance(base, str):
            found.append(Target(api=base))
        else:
            other = solver.hierarchy.classes[base]
            found.append(Target(ids[solver.unit_functions[other.unit] + other.facts.function]))
    return tuple(found)


def _bases_beside(solver: Solver) -> dict[int, tuple[str, ...]]:
    """For a class, the outside bases behind it in the classes that stand on it: what it has as a
    mixin, these may declare."""
    found: dict[int, dict[str, None]] = {}
    for one in solver.hierarchy.classes:
        if one.straight:
            continue
        for index, base in enumerate(one.mro):
            if isinstance(base, str) and base not in HARMLESS_BASES:
                for other in one.mro[:index]:
                    if isinstance(other, int) and base not in solver.hierarchy.classes[other].mro:
                        found.setdefault(other, {})[base] = None
    return {number: tuple(bases) for number, bases in found.items()}


def _called_by_parameters(facts: f.FunctionFacts) -> str | None:
    """What a server calls by its parameters: a WSGI callable."""
    names = [name for name, _ in facts.params if name != "self"]
    return "wsgiref.types.WSGIApplication" if names[:2] == ["environ", "start_response"] else None


def _twin(solver: Solver, fn: Fn) -> str | None:
    """The method of a class with a twin that a function overrides, or the async method of its own
    class that does the same for `async with` and `async for`."""
    if fn.cls < 0:
        return None
    name = fn.facts.name.rpartition(".")[2]
    beside = _ASYNC_FORMS.get(name)
    if beside in solver.hierarchy.classes[fn.cls].attrs and fn.facts.facade is None:
        return f"{solver.files[fn.unit].module}.{fn.facts.name.rpartition('.')[0]}.{beside}"
    if not solver.registry.standing:
        return None
    for base in solver.hierarchy.classes[fn.cls].mro:
        if isinstance(base, str) and base in solver.registry.standing:
            called = solver.registry.treatment(f"{base}.{name}", Protocol.CALL)
            if called is not None and called.kind is Kind.AWAITABLE:
                return f"{base}.{name}"
    return None


def _facade(solver: Solver, fn: Fn, sites: Sites) -> int | None:
    """The coroutine that a function only runs, through a bridge."""
    if fn.facts.facade is None:
        return None
    coroutine, site = fn.facts.facade
    wrapper = sites.wrappers.around(site + solver.unit_sites[fn.unit])
    return coroutine if wrapper in BRIDGES else None


def _family(
    number: int,
    families: dict[int, list[int]],
    ids: list[FunctionId],
    shared: dict[int, tuple[FunctionId, ...]],
) -> tuple[FunctionId, ...]:
    """The others of a family.  A big one is one shared tuple, itself included: n * n are many."""
    group = families.get(number, [])
    if len(group) <= _BIG_FAMILY:
        return tuple(ids[n] for n in group if n != number)
    if group[0] not in shared:
        shared[group[0]] = tuple(ids[n] for n in group)
    return shared[group[0]]


def _decorator(solver: Solver, fn: Fn, text: str, node: int) -> str:
    """The full name of a decorator where it resolves, else as it is written."""
    for kind in solver.sees(fn.at(node)) if node > 0 else ():
        match kind[0]:
            case "ext":
                name: str = kind[1]
                return name.removeprefix("builtins.")
            case "fun" | "bound":
                other = solver.functions[kind[1]]
                return f"{solver.files[other.unit].module}.{other.facts.name}"
            case "class":
                one = solver.hierarchy.classes[kind[1]]
                return f"{solver.files[one.unit].module}.{one.facts.name}"
    return text


def _foreign_base(
    solver: Solver, fn: Fn, outside: OutsideClasses, beside: Iterable[str]
) -> tuple[str | None, str | None]:
    """(a base outside project and tables that may declare or call this method, the outside method
    if it is known to)."""
    name = fn.facts.name.rpartition(".")[2]
    private = name.startswith("__") and not name.endswith("__")
    possible: str | None = None
    bases = (*solver.hierarchy.classes[fn.cls].mro, *beside) if fn.cls >= 0 else ()
    if name == "__call__" and fn.cls >= 0 and solver.hierarchy.is_metaclass(fn.cls):
        return None, "type.__call__"
    for base in bases if not private else ():
        if not isinstance(base, str) or base in HARMLESS_BASES or base in ITERATOR_BASES:
            continue
        known = _declares(solver, base, name, outside)
        if known:
            return base, f"{base.removeprefix('builtins.')}.{name}"
        if known is None and possible is None:
            possible = base
    return possible, None


def _library_base(solver: Solver, fn: Fn, sites: Sites) -> str:
    """The place that names the mapped library class whose method this one overrides."""
    found = solver.library_base(fn.cls) if fn.cls >= 0 else None
    if found is None or found[1] == NO_ORIGIN:
        return ""
    api, site = found
    if not solver.registry.is_named(f"{api}.{fn.facts.name.rpartition('.')[2]}"):
        return ""
    unit, facts = sites.facts_of(site)
    line, column, *_ = facts[0]
    return f"{solver.files[unit].path}:{line}:{column}"


def _declares(solver: Solver, base: str, name: str, outside: OutsideClasses) -> bool | None:
    """Whether an outside class declares or calls a method; None when nobody can tell."""
    api = solver.canonical(base)
    if api is not None and solver.registry.is_class(api) and not _only_followed(solver, api):
        # A class whose base stays what it is gets its methods called by the library.
        treatment = solver.registry.treatment(api, Protocol.BASE)
        if treatment is None or treatment.kind not in (Kind.REFUSED, Kind.MIGRATED):
            return False
        members = outside.members(base)
        listed = solver.registry.is_named(f"{api}.{name}")
        return True if listed else None if members is None else name in members
    members = outside.members(base)
    if members is None and is_stdlib(base) and _is_exception(base):
        return False
    if _called_by_name(base, name) or (members is not None and name in members):
        return True
    return None if members is None else False


def _only_followed(solver: Solver, api: str) -> bool:
    """A table names the class for what its methods do, and moves nothing of it."""
    made = solver.registry.treatment(api, Protocol.CALL)
    if made is None or made.kind is not Kind.SAME:
        return False
    stays = is_stdlib(api) and solver.registry.treatment(api, Protocol.BASE) is None
    return stays or not made.grouped  # `threading.Thread` calls its `run`


def _is_exception(base: str) -> bool:
    return base.endswith(("Error", "Exception", "Warning"))


def _called_by_name(base: str, name: str) -> bool:
    """Bases that call methods which they do not declare: tests, handlers, visitors."""
    prefixes = {
        "unittest": ("test", "setUp", "tearDown", "runTest"),
        "http.server": ("do_",),
        "ast": ("visit_", "generic_visit"),
        "cmd": ("do_", "help_", "complete_"),
        "html.parser": ("handle_",),
        "xmlrpc": ("export_",),
    }
    return any(
        base.startswith(module) and name.startswith(starts) for module, starts in prefixes.items()
    )


# ----------------------------------------------------------------------------- families


def _families(solver: Solver, sites: Sites) -> dict[int, list[int]]:
    """Functions that must turn together: overrides, and targets that share a call site."""
    parent: dict[int, int] = {}

    def find(number: int) -> int:
        while (above := parent.get(number, number)) != number:
            parent[number] = parent.get(above, above)
            number = above
        return number

    def unite(numbers: Iterable[int]) -> None:
        roots = sorted({find(number) for number in numbers})
        for other in roots[1:]:
            parent[other] = roots[0]

    methods = _methods(solver)
    for one in solver.hierarchy.classes:
        for name, numbers in _inherited(one, methods).items():
            if len(numbers) > 1 and not _own(name):
                unite(numbers)
    for numbers in _replaced(solver, methods):
        unite(numbers)
    for (_, protocol, _), found in sites.found.items():
        if protocol in _SHARED and not found.unknown and len(found.targets) > 1:
            unite(_siblings(sites, found.targets))
    groups: dict[int, list[int]] = {}
    for number in sorted(set(parent) | set(parent.values())):
        groups.setdefault(find(number), []).append(number)
    return {number: group for group in groups.values() for number in group}


def _stubs_of_generators(solver: Solver, families: dict[int, list[int]]) -> dict[int, bool]:
    """Stubs that declare what are generators in all classes that define it -> whether those are
    async already: `def rows(self): raise NotImplementedError`."""
    found = {}
    for number, group in families.items():
        flags = [solver.functions[other].facts.flags for other in group]
        defined = [one for one in flags if one & f.GENERATOR or not one & f.STUB]
        facts = solver.functions[number].facts
        if facts.flags & (f.GENERATOR | f.ASYNC | f.PROPERTY) or facts.name.endswith("__"):
            continue
        if defined and all(one & f.GENERATOR and not one & f.MANAGER for one in defined):
            found[number] = all(one & f.ASYNC for one in defined)
    return found


def _inherited(one: Class, methods: Mapping[Base, dict[str, list[int]]]) -> dict[str, list[int]]:
    """Name -> its definitions in a class and above; where each class has one base, down to the next
    above: that one has met the others."""
    shared = {name: list(numbers) for name, numbers in methods[one.number].items()}
    if one.straight and not one.virtual:
        for name in shared:
            found = next((b for b in islice(one.mro, 1, None) if name in methods.get(b, ())), None)
            shared[name] += methods[found][name] if found is not None else ()
        return shared
    for base in (*one.mro[1:], *one.virtual):
        for name, numbers in methods.get(base, {}).items():
            shared.setdefault(name, []).extend(numbers)
    return shared


def _replaced(solver: Solver, methods: Mapping[Base, dict[str, list[int]]]) -> Iterator[list[int]]:
    """A method with the functions of the program that are stored over it: `self.api.get = get`."""
    for cls, attrs in solver.stored_names().items():
        for attr in sorted(attrs):
            for base in solver.hierarchy.classes[cls].mro if cls >= 0 else ():
                numbers = methods.get(base, {}).get(attr, [])
                if not numbers or _own(attr):
                    continue
                stored = [
                    solver.functions[kind[1]].origin
                    for kind in solver.sees(solver.instance(cls, attr))
                    if kind[0] in ("fun", "bound")
                ]
                paths = {n: solver.files[solver.functions[n].unit].path for n in stored}
                yield [*numbers, *(n for n in stored if not is_test_file(paths[n]))]
                break


def _own(name: str) -> bool:
    return name in _NO_FAMILY or (name.startswith("__") and not name.endswith("__"))


def _methods(solver: Solver) -> dict[Base, dict[str, list[int]]]:
    found: dict[Base, dict[str, list[int]]] = {c.number: {} for c in solver.hierarchy.classes}
    for fn in solver.functions:
        facts = fn.facts
        if fn.number != fn.origin or fn.cls < 0 or facts.kind != "function":
            continue
        if not facts.flags & (f.SETTER | f.OVERLOAD):
            found[fn.cls].setdefault(facts.name.rpartition(".")[2], []).append(fn.number)
    return found


def _siblings(sites: Sites, targets: Iterable[tuple[int | None, str | None]]) -> list[int]:
    """Functions of one site, by their name: `__enter__` and `__exit__` are no siblings.  Nor are a
    facade and its coroutine: each has the family that it had as one function."""
    solver = sites.solver
    numbers = [n for n, _ in targets if n is not None]
    numbers = [n for n in numbers if solver.functions[n].facts.kind == "function"]
    numbers = [n for n in numbers if _twin(solver, solver.functions[n]) is None]
    if any(_facade(solver, solver.functions[n], sites) is not None for n in numbers):
        numbers = [n for n in numbers if not solver.functions[n].facts.flags & f.ASYNC]
    names = {solver.functions[n].facts.name.rpartition(".")[2] for n in numbers}
    return [] if any(name.startswith("__") and name != "__call__" for name in names) else numbers


# ----------------------------------------------------------------------------- imports


def _imports(solver: Solver, unit: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in solver.files[unit].imports:
        module = solver.modules.resolve(unit, name)
        for other in module.units if module is not None else ():
            if other != unit:
                found[solver.files[other].path] = None
    return tuple(sorted(found))


def _exported(solver: Solver) -> dict[str, tuple[str, ...]]:
    """path -> names that are imported from it, reached through it, or meant by a string."""
    found = {unit: set(names) for unit, names in solver.reached.items()}
    for unit, file in enumerate(solver.files):
        for text, _, _ in file.strings:
            parts = text.replace(":", ".").split(".")
            for end in range(len(parts) - 1, 0, -1):
                module = solver.modules.mentioned(unit, ".".join(parts[:end]))
                if module is not None:
                    for other in module.units:
                        found.setdefault(other, set()).add(parts[end])
                    break
    return {
        solver.files[unit].path: tuple(sorted(names & solver.files[unit].names.keys()))
        for unit, names in sorted(found.items())
        if names & solver.files[unit].names.keys()
    }
