"""Where the generated bridge module lives, which files use it, and when it goes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asyncshift.model import (
    BRIDGES,
    Action,
    Decision,
    FileChange,
    Graph,
    Plan,
    Project,
    SourceFile,
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
        case Action.MAKE_ASYNC:
            return "facade" in decision.detail
        case Action.TO_THREAD:
            return "own" in decision.detail
        case Action.RETHREAD:
            return decision.detail["to"] == "in_thread"
        case Action.RERUN:
            return decision.detail["to"] == "bridge"
    return False


def stands_after(graph: Graph, decisions: Sequence[Decision]) -> bool:
    """Whether anything uses a bridge once these decisions are carried out."""
    if any(needs_bridge(decision) for decision in decisions):
        return True
    gone = {(d.path, d.span) for d in decisions if d.action is Action.UNWRAP}
    dropped = {d.owner for d in decisions if d.action is Action.DROP_FACADE}
    return any(
        site.wrapper in _WRAPPERS
        and (site.path, site.wrapper_span) not in gone
        and site.caller not in dropped
        for site in graph.sites
    )


def place_bridges(project: Project, graph: Graph, plan: Plan) -> dict[str, BridgeModule]:
    """Which files import which bridge module.  It lives in the package of what is awaited, or
    beside a script; entry points use it too where it exists, so that all share one loop."""
    files = {file.path: file for file in project.files}
    found: dict[str, BridgeModule] = {}
    for decision in plan.decisions:
        if needs_bridge(decision) and decision.path not in found:
            callee = decision.cause.because
            own = decision.action in (Action.MAKE_ASYNC, Action.RERUN)
            own = own and not is_test_file(decision.path)  # doubles use the program's
            home = graph.functions[callee].path if callee and not own else decision.path
            found[decision.path] = _module_for(project, files[home])
    known = set(found.values())
    if stands_after(graph, plan.decisions):
        known |= set(_standing(project))
    for decision in plan.decisions:
        if decision.action in (Action.RUN, Action.SPLIT_ENTRY) and decision.path not in found:
            callee = decision.cause.because
            home = graph.functions[callee].path if callee else decision.path
            if (bridge := _module_for(project, files[home])) in known:
                found[decision.path] = bridge
    return found


def _standing(project: Project) -> Iterable[BridgeModule]:
    return (BridgeModule(module, path) for module, path in sorted(project.bridges.items()))


def _module_for(project: Project, file: SourceFile) -> BridgeModule:
    """One of the same package that stands already, else the place for a new one."""
    beside = _beside(file)
    for standing in _standing(project):
        same = standing.module.partition(".")[0] == beside.module.partition(".")[0] != NAME
        if same or standing.path == beside.path:
            return standing
    return beside


def _beside(file: SourceFile) -> BridgeModule:
    folders = file.path.split("/")[:-1]
    parts = file.module.split(".")
    inside = len(parts) if file.is_package else len(parts) - 1
    if not inside:
        return BridgeModule(NAME, "/".join([*folders, f"{NAME}.py"]))
    top = folders[: len(folders) - inside + 1]
    return BridgeModule(f"{parts[0]}.{NAME}", "/".join([*top, f"{NAME}.py"]))


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
