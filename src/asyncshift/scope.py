"""What a run may change: everything, some modules, or the paths below chosen entry points.

Text outside the scope stays as it is, byte for byte, but for tests and, with consent, for single
lines at the border.  Modules that an earlier step migrated stay in scope, so that this step can
dissolve what it makes unnecessary there.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from asyncshift.config import Config
from asyncshift.errors import InputError
from asyncshift.model import Certainty, FunctionId, FunctionKind, Graph, Project
from asyncshift.pins import is_test_file

_NOT_RUNTIME = re.compile(r"(^|/)(setup|noxfile|fabfile|conf)\.py$|^(docs?|doc_src|benchmarks?)/")
"""Files beside the program: they are no reason to keep a facade that nobody is seen to call."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The functions whose text may change, and how the border is kept working."""

    functions: frozenset[FunctionId]
    """Module and class bodies included."""
    partial: bool
    """Something of the program is outside, so that public functions keep their sync name."""
    down: bool = False
    """Functions of the scope turn async because they reach blocking code, and thread it."""
    edit_callers: bool = False
    """Lines outside that use the values which change may be edited."""
    bridges: bool = False
    """Bridges in the callers instead of facades, where the callers may be edited."""
    facade_name: str = "{name}_async"
    modules: frozenset[str] = frozenset()
    """Modules that are in scope as a whole."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user chose beside the settings: an earlier step's modules and functions, what she
    declined, and (of a plan that was shown) the only functions to take."""

    migrated: frozenset[str] = frozenset()
    """Modules, and `module:function`s, that earlier steps migrated."""
    declined: frozenset[str] = frozenset()
    """`module:function`s that stay as they are."""
    only: frozenset[str] = frozenset()
    """`module:function`s; empty for all."""


ALL = Choice()
"""Nothing was chosen."""


def make_scope(
    config: Config, project: Project, graph: Graph, choice: Choice = ALL
) -> Scope | None:
    """The scope of a run; None when everything is in it.  `InputError` when a module or an entry
    point that was named is not there."""
    given = {file.path for file in project.files if file.selected}
    chosen = _by_module(config.modules, project, given) if config.modules else given
    functions = graph.functions
    inside: set[FunctionId]
    whole: set[str] = set()
    if config.entries:
        inside = _below(graph, _entries(config.entries, graph))
        if config.modules:
            inside |= {f.id for f in functions.values() if f.path in chosen}
    else:
        inside = {f.id for f in functions.values() if f.path in chosen}
        whole = chosen
    names = {f.id: f"{f.module}:{f.name}" for f in functions.values()}
    sliced = bool(config.modules or config.entries)
    if sliced or len(given) < len(project.files):
        earlier = {f.path for f in functions.values() if f.module in choice.migrated}
        whole = whole | earlier
        inside |= {f.id for f in functions.values() if f.path in earlier}
        inside |= {fid for fid, name in names.items() if name in choice.migrated}
    if choice.only:
        inside = {fid for fid in inside if names[fid] in choice.only}
        whole = set()
    declined = {fid for fid, name in names.items() if name in choice.declined}
    inside -= _with_children(graph, declined)
    inside = _with_bodies(graph, inside)
    missing = {
        f.path
        for f in functions.values()
        if f.id not in inside and not is_test_file(f.path) and not _NOT_RUNTIME.search(f.path)
    }
    if not missing and not declined and not choice.only and config.direction == "up":
        return None
    return Scope(
        functions=frozenset(inside),
        partial=bool(missing) and (sliced or bool(choice.only)),
        down=config.direction == "down",
        edit_callers=config.edit_callers,
        bridges=config.boundary == "bridge",
        facade_name=config.facade_name,
        modules=frozenset(file.module for file in project.files if file.path in whole),
    )


def _by_module(patterns: Sequence[str], project: Project, given: set[str]) -> set[str]:
    modules = {file.module: file.path for file in project.files}
    found: set[str] = set()
    for pattern in patterns:
        hits = {
            file.path
            for file in project.files
            if file.path in given and fnmatch.fnmatchcase(file.module, pattern)
        }
        if not hits:
            raise InputError(
                f"there is no module {pattern} below the given paths",
                hint=_nearest(pattern, modules, "--module takes dotted names and patterns (pkg.*)"),
            )
        found |= hits
    return found


def _entries(entries: Sequence[str], graph: Graph) -> list[FunctionId]:
    names = {
        f"{f.module}:{f.name}": f.id
        for f in graph.functions.values()
        if f.kind is FunctionKind.FUNCTION
    }
    found = []
    for entry in entries:
        if entry not in names:
            raise InputError(
                f"there is no function {entry}",
                hint=_nearest(entry, names, "--entry takes pkg.module:function"),
            )
        found.append(names[entry])
    return found


def _nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"The nearest is {near[0]}." if near else f"{otherwise}."


def _below(graph: Graph, entries: Iterable[FunctionId]) -> set[FunctionId]:
    """All that the entry points reach, by calls that are seen, with what is defined inside."""
    targets: dict[FunctionId, set[FunctionId]] = defaultdict(set)
    for site in graph.sites:
        if site.certainty is not Certainty.UNKNOWN:
            targets[site.caller].update(t.function for t in site.targets if t.function)
    children = _children(graph)
    found: set[FunctionId] = set()
    queue = deque(entries)
    while queue:
        fid = queue.popleft()
        if fid in found:
            continue
        found.add(fid)
        queue.extend(sorted(targets[fid]))
        if graph.functions[fid].kind is not FunctionKind.CLASS:
            queue.extend(children.get(fid, ()))
    return found


def _children(graph: Graph) -> Mapping[FunctionId, list[FunctionId]]:
    children: dict[FunctionId, list[FunctionId]] = defaultdict(list)
    for f in graph.functions.values():
        if f.parent is not None and f.kind is not FunctionKind.MODULE:
            children[f.parent].append(f.id)
    return children


def _with_children(graph: Graph, functions: set[FunctionId]) -> set[FunctionId]:
    children = _children(graph)
    found: set[FunctionId] = set()
    queue = deque(functions)
    while queue:
        fid = queue.popleft()
        if fid not in found:
            found.add(fid)
            queue.extend(children.get(fid, ()))
    return found


def _with_bodies(graph: Graph, functions: set[FunctionId]) -> set[FunctionId]:
    """Lambdas and generator expressions go with their function; the bodies of modules and classes
    of what is in scope hold its imports and its clients."""
    paths = {graph.functions[fid].path for fid in functions}
    found = {
        f.id
        for f in graph.functions.values()
        if f.path in paths and f.kind in (FunctionKind.MODULE, FunctionKind.CLASS)
    }
    found |= functions
    for f in sorted(graph.functions.values(), key=lambda f: f.span):
        if f.kind in (FunctionKind.LAMBDA, FunctionKind.GENEXP) and f.parent in found:
            found.add(f.id)
    return found
