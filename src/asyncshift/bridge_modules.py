"""Where the generated bridge module lives, which files use it, and when it goes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from asyncshift import module_parts
from asyncshift.caches import CACHES
from asyncshift.codemod import Registry
from asyncshift.codemod_info import PACKAGE
from asyncshift.config import Config
from asyncshift.lazy import CONSUMERS
from asyncshift.model import (
    BRIDGES,
    Action,
    Decision,
    FileChange,
    Graph,
    Message,
    Plan,
    Project,
    Severity,
    SourceFile,
    Span,
)
from asyncshift.pins import is_test_file

NAME = "_run_sync"
_WRAPPERS = BRIDGES | {"in_thread"}


@dataclass(frozen=True, slots=True)
class BridgeModule:
    """A generated bridge module: its dotted name and its path."""

    module: str
    path: str


def needs_bridge(decision: Decision) -> bool:
    """Whether what this decision writes uses the generated module."""
    match decision.action:
        case Action.BRIDGE:
            return True
        case Action.LIBRARY:
            return "bridge" in decision.detail
        case Action.MAKE_ASYNC:
            return "facade" in decision.detail
        case Action.TO_THREAD:
            return "own" in decision.detail
        case Action.RETHREAD:
            return decision.detail["to"] == "in_thread"
        case Action.RERUN:
            return decision.detail["to"] == "bridge"
    return False


def bridged_after(graph: Graph, decisions: Iterable[Decision]) -> frozenset[str]:
    """The files that use a bridge once these decisions are carried out, entry points aside."""
    decided = tuple(decisions)
    gone = taken_out(decided)
    gone |= {
        (d.path, d.span) for d in decided if d.action is Action.RETHREAD and not needs_bridge(d)
    }
    dropped = {d.owner for d in decided if d.action is Action.DROP_FACADE}
    standing = {
        site.path
        for site in graph.sites
        if site.wrapper in _WRAPPERS
        and (site.path, site.wrapper_span) not in gone
        and site.caller not in dropped
    }
    made = {d.path for d in decided if needs_bridge(d) and d.action is not Action.RERUN}
    return frozenset(standing | made)


def taken_out(decisions: Iterable[Decision]) -> set[tuple[str, Span]]:
    """The places where a wrapper of an earlier step goes."""
    return {
        (d.path, d.span)
        for d in decisions
        if d.action is Action.UNWRAP or (d.action is Action.CONSUME and "wrapper" in d.detail)
    }


def reached_files(graph: Graph, paths: Collection[str]) -> dict[str, frozenset[str]]:
    """For each of these files those that run with it: what is imported and called, and itself."""
    if not paths:
        return {}
    below: dict[str, set[str]] = defaultdict(set)
    for path, imported in graph.imports.items():
        below[path].update(imported)
    for site in graph.sites:
        below[site.path].update(
            graph.functions[t.function].path for t in site.targets if t.function
        )
    found = {}
    for path in paths:
        seen, queue = {path}, [path]
        while queue:
            fresh = below[queue.pop()] - seen
            seen |= fresh
            queue += fresh
        found[path] = frozenset(seen)
    return found


def place_bridges(project: Project, graph: Graph, plan: Plan) -> dict[str, BridgeModule]:
    """Which files import which bridge module.  It lives in the package of what is awaited, or
    beside a script; entry points use it too where they reach it, so that all share one loop."""
    files = {file.path: file for file in project.files}
    found: dict[str, BridgeModule] = {}
    # A facade goes again, and with it its reason for a module beside a script: it comes last.
    for decision in sorted(plan.decisions, key=lambda d: d.action is Action.MAKE_ASYNC):
        if decision.action is Action.RERUN or decision.path in found:
            continue
        if needs_bridge(decision):
            callee = decision.cause.because
            own = decision.action is Action.MAKE_ASYNC
            own = own and not is_test_file(decision.path)  # doubles use the program's
            home = graph.functions[callee].path if callee and not own else decision.path
            found[decision.path] = _module_for(project, graph, files[home])
    using = bridged_after(graph, plan.decisions)
    known = set(found.values())
    if using:
        known |= set(_standing(project))
    entries = {d.path: d for d in plan.decisions if _starts_with_bridge(d) and d.path not in found}
    reached = reached_files(graph, entries)
    for path, decision in entries.items():
        if below := sorted(using & reached[path]):
            callee = decision.cause.because
            home = graph.functions[callee].path if callee else path
            own_module = _module_for(project, graph, files[home])
            others = [found.get(p) or _module_for(project, graph, files[p]) for p in below]
            found[path] = next((m for m in (own_module, *others) if m in known), own_module)
    return found


def _starts_with_bridge(decision: Decision) -> bool:
    """Whether a program starts here, on the bridge's loop if there are bridges."""
    if decision.action is Action.RERUN:
        return needs_bridge(decision)
    return decision.action in (Action.RUN, Action.SPLIT_ENTRY)


def _standing(project: Project) -> Iterable[BridgeModule]:
    return (BridgeModule(module, path) for module, path in sorted(project.bridges.items()))


def _module_for(project: Project, graph: Graph, file: SourceFile) -> BridgeModule:
    """One of the same package that stands already, else the place for a new one.  A module of no
    package shares that of the package it imports: one loop for both, whichever migrates first."""
    beside = _beside(file)
    if beside.module == NAME and (package := _imported_package(project, graph, file)):
        beside = _beside(package)
    for standing in _standing(project):
        same = standing.module.partition(".")[0] == beside.module.partition(".")[0] != NAME
        if same or standing.path == beside.path:
            return standing
    return beside


def _imported_package(project: Project, graph: Graph, file: SourceFile) -> SourceFile | None:
    """A file of the project's nearest package that a module of no package imports."""
    files = {each.path: each for each in project.files}
    seen, level = {file.path}, [file.path]
    while level:
        level = sorted({path for each in level for path in graph.imports.get(each, ())} - seen)
        seen.update(level)
        for path in level:
            if not is_test_file(path) and _beside(files[path]).module != NAME:
                return files[path]
    return None


def _beside(file: SourceFile, name: str = NAME) -> BridgeModule:
    folders = file.path.split("/")[:-1]
    parts = file.module.split(".")
    inside = len(parts) if file.is_package else len(parts) - 1
    if not inside:
        return BridgeModule(name, "/".join([*folders, f"{name}.py"]))
    top = folders[: len(folders) - inside + 1]
    return BridgeModule(f"{parts[0]}.{name}", "/".join([*top, f"{name}.py"]))


def place_helpers(
    project: Project, graph: Graph, registry: Registry
) -> dict[str, list[BridgeModule]]:
    """For each file that uses a library the modules of codemods, as it would import them."""
    names = sorted({table.module for table in registry.tables if table.module})
    paths = {site.path for site in graph.sites if any(t.api for t in site.targets)}
    paths |= {site.path for site in graph.sites if site.consumer in CONSUMERS}
    paths |= {f.path for f in graph.functions.values() if CACHES.intersection(f.decorators)}
    return {
        file.path: [_place_helper(project, graph, file, name) for name in names]
        for file in project.files
        if names and file.path in paths
    }


def rewriter_settings(project: Project, config: Config) -> dict[str, str]:
    """What rewriters may ask for in every file."""
    tops = sorted({file.module.partition(".")[0] for file in project.files})
    return {
        "first_party": ",".join(tops),
        "parity": config.parity,
        "http": config.http,
        "postgres": config.postgres,
        "python": "{}.{}".format(*project.requires_python),
        "share_client": "yes" if config.share_client else "",
        "allow": ",".join(sorted(config.allow)),
    }


def used_by(
    project: Project, helpers: Mapping[str, Iterable[BridgeModule]], texts: Mapping[str, str]
) -> dict[str, list[str]]:
    """For the path of each module of a codemod, what may use it; `texts` are the new ones."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in project.files:
        for helper in helpers.get(file.path, ()):
            found[helper.path].append(texts.get(file.path, file.text))
    return found


def new_helpers(
    project: Project,
    used: Iterable[BridgeModule],
    registry: Registry,
    settings: Mapping[str, str],
    texts: Mapping[str, Iterable[str]],
    needs: Iterable[str],
) -> tuple[list[FileChange], list[Message]]:
    """The modules of codemods that new texts import, with what is used of them: new ones, and
    standing ones that get another part.  `texts`: what may use each of them, by its path."""
    told = {need.removeprefix(PART) for need in needs if need.startswith(PART)}
    changes: list[FileChange] = []
    messages: list[Message] = []
    for helper in sorted(set(used), key=lambda helper: helper.path):
        template = module_template(registry, helper.module, settings)
        name = helper.module.rpartition(".")[2]
        mentioned = re.compile(rf"\b{name}\.(\w+)")
        names = {found for text in texts[helper.path] for found in mentioned.findall(text)}
        parts = told | module_parts.defining(template, names)
        attributes = {found for text in texts[helper.path] for found in _ATTRIBUTE.findall(text)}
        attributes |= {found for file in project.files for found in _ATTRIBUTE.findall(file.text)}
        parts |= module_parts.members(template, attributes)
        if settings.get("share_client"):
            parts.add("shared")
        file = Path(project.root, helper.path)
        old = file.read_bytes() if file.exists() else None
        if old is not None:
            has = module_parts.standing(template, old.decode())
            if module_parts.with_needed(template, parts) <= has:
                continue
            if module_parts.assembled(template, has).encode() != old:
                text = f"{name} was edited: it lacks {', '.join(sorted(parts - has))}"
                messages.append(Message(helper.path, 1, "generated", text, Severity.WARNING))
                continue
            parts |= has
        new = module_parts.assembled(template, parts).encode()
        changes.append(FileChange(helper.path, old, new))
    return changes, messages


_ATTRIBUTE = re.compile(r"\.(\w+)")
PART = "part:"
"""What begins the `Need` of a part of a codemod's module."""


def module_template(
    registry: Registry, module: str, settings: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The text of a module that a codemod brings along, with all its parts, by these settings."""
    name = module.rpartition(".")[2]
    table = next(table for table in registry.tables if name in (table.module, table.double_module))
    folder = resources.files(PACKAGE) / table.name if table.installed else Path(table.code)
    text = (folder / f"{name}.py").read_text(encoding="utf-8")
    other = folder / f"{name}_over_{settings.get('postgres', '')}.py"
    blocks = other.read_text(encoding="utf-8") if other.is_file() else None
    text = module_parts.with_blocks(text, blocks)
    if settings.get("share_client"):
        text = text.replace("SHARE_CLIENT = False", "SHARE_CLIENT = True")
    if (library := settings.get("http", "httpx")) != "httpx":
        text = text.replace("import httpx\n", f"import {library} as httpx\n")
    return text


def _place_helper(project: Project, graph: Graph, file: SourceFile, name: str) -> BridgeModule:
    """Where a file finds the module that a codemod brings along: one for each package."""
    beside = _beside(file, name)
    if beside.module == name and (package := _imported_package(project, graph, file)):
        beside = _beside(package, name)
    for module, path in sorted(project.helpers.items()):
        if module == beside.module and (module != name or path == beside.path):
            return BridgeModule(module, path)
    return beside


def changed_modules(
    project: Project, wanted: Iterable[BridgeModule], texts: Mapping[str, str], source: str
) -> list[FileChange]:
    """New bridge modules, and those that go because no text names them any more.  `texts` are
    the new texts of the files that change."""
    root = Path(project.root)
    made = [
        FileChange(path, None, source.encode())
        for path in sorted({bridge.path for bridge in wanted})
        if not (root / path).exists()
    ]
    if not texts or not project.bridges:
        return made
    used = re.compile(rf"\b{NAME}\b")
    if any(used.search(texts.get(file.path, file.text)) for file in project.files):
        return made
    gone = [FileChange(path, (root / path).read_bytes(), None) for path in project.bridges.values()]
    return made + sorted(gone, key=lambda change: change.path)
