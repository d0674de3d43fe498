"""How far a migration is: what the tree shows for each package, and what the ledger knows of it.

`status_report` is pure: a survey and a ledger in, a frozen report out.  A facade and its coroutine
count as one function.
"""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from asyncshift.codemod import Kind, Registry
from asyncshift.history import Point
from asyncshift.inert import markdown, printable
from asyncshift.ledger import Ledger, ModuleRecord
from asyncshift.model import (
    BRIDGES,
    THREADS,
    Certainty,
    FunctionId,
    FunctionKind,
    Graph,
    Message,
    Project,
    Protocol,
    Site,
    SourceFile,
    Span,
)
from asyncshift.pins import is_test_file

SHOWN = 25
_WAITS = frozenset({Kind.AWAITABLE, Kind.ENTERED, Kind.ITERATED, Kind.BLOCKING, Kind.REFUSED})
_CALLING = frozenset(Protocol) - {
    Protocol.ANNOTATION, Protocol.EXCEPT, Protocol.BASE, Protocol.IMPORT, Protocol.VALUE
}  # fmt: skip
BAR = 12
"""Characters of a bar."""
_COLUMNS = (
    "modules", "functions", "async", "waiting", "blocking", "facades", "bridges", "threads",
    "refused", "progress",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table: a package, or everything."""

    package: str
    modules: int = 0
    functions: int = 0
    is_async: int = 0
    blocking: int = 0
    facades: int = 0
    bridges: int = 0
    threads: int = 0
    refused: int = 0
    waiting: int = 0
    """Sync functions from which something that waits is reached without a thread."""

    @property
    def share(self) -> float | None:
        """How much of what waits is async; None where nothing waits."""
        total = self.is_async + self.waiting
        return self.is_async / total if total else None


@dataclass(frozen=True, slots=True)
class Place:
    """A line to look at, and what stands there."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class RefusedPlace:
    """A place that a step could not do, as the ledger has it."""

    module: str
    function: str
    call: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What `status` says."""

    root: str
    packages: tuple[Figures, ...]
    total: Figures
    migrated: tuple[str, ...]
    """Modules that were migrated as a whole."""
    partly: tuple[str, ...]
    """Modules of which some functions were."""
    bridges: tuple[Place, ...]
    refused: tuple[RefusedPlace, ...]
    declined: tuple[str, ...]
    changed: tuple[str, ...]
    """Files whose text was changed since the step that migrated them."""
    notes: tuple[str, ...]
    """Files of the ledger that moved or are gone."""
    history: tuple[Point, ...] = ()
    """How the ledger grew, oldest first."""


def status_report(
    project: Project,
    graph: Graph,
    registry: Registry,
    ledger: Ledger,
    notes: Sequence[Message] = (),
    history: Sequence[Point] = (),
) -> StatusReport:
    """The report for the selected files of a project; `notes` are what `adopt` had to say."""
    files = {file.path: file for file in project.files if file.selected}
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    packages = {path: _package(file) for path, file in files.items()}
    bridges = sorted(_bridges(graph, files), key=lambda place: (place.path, place.line))
    for path, column in (*counted(graph, registry, files), *_waiting(graph, registry, files)):
        counts[packages[path]][column] += 1
    records = [record for path, record in sorted(ledger.records.items()) if path in files]
    for record in records:
        counts[packages[record.path]]["refused"] += len(record.refused)
    lines = tuple(Figures(name, **found) for name, found in sorted(counts.items()))
    whole = [record.module for record in records if isinstance(record.scope, str)]
    return StatusReport(
        root=project.root,
        packages=lines,
        total=_total(lines),
        migrated=tuple(whole),
        partly=tuple(r.module for r in records if r.scope and not isinstance(r.scope, str)),
        bridges=tuple(bridges),
        refused=tuple(
            RefusedPlace(record.module, one.function, one.call, one.rule, one.reason)
            for record in records
            for one in record.refused
        ),
        declined=tuple(_declined(r, name) for r in records for name in r.declined),
        changed=tuple(r.path for r in records if files[r.path].digest != r.sha256),
        notes=tuple(f"{note.path}: {note.text}" for note in notes),
        history=tuple(history),
    )


def _declined(record: ModuleRecord, name: str) -> str:
    why = record.reasons.get(name)
    return f"{record.module}:{name}" + (f"  ({why})" if why else "")


def _package(file: SourceFile) -> str:
    """What a module counts for: its package, or the folder of a module that is in none."""
    if file.is_package:
        return file.module
    package = file.module.rpartition(".")[0]
    return package or f"{file.path.rpartition('/')[0] or '.'}/"


def counted(
    graph: Graph, registry: Registry, files: Mapping[str, SourceFile]
) -> Iterator[tuple[str, str]]:
    """The path of everything that counts, with its column."""
    yield from ((path, "modules") for path in files)
    yield from ((place.path, "bridges") for place in _bridges(graph, files))
    for f in graph.functions.values():
        if f.path not in files or f.kind is not FunctionKind.FUNCTION:
            continue
        if f.facade_of is not None:
            yield f.path, "facades"
            continue
        yield f.path, "functions"
        if f.is_async:
            yield f.path, "is_async"
    sites = [site for site in graph.sites if site.path in files]
    threads = {(s.path, s.wrapper_span) for s in sites if s.wrapper in THREADS}
    yield from ((path, "threads") for path, _ in threads)
    waits = {(site.path, site.span) for site in sites if _waits(site, registry)}
    yield from ((path, "blocking") for path, _ in waits)


def _waiting(
    graph: Graph, registry: Registry, files: Mapping[str, SourceFile]
) -> Iterator[tuple[str, str]]:
    """The sync functions that wait, tests aside: they make such a call, or reach it by calls."""
    above: dict[FunctionId, set[FunctionId]] = defaultdict(set)
    queue: list[FunctionId] = []
    for site in graph.sites:
        if site.certainty is Certainty.UNKNOWN or site.awaited or site.wrapper in THREADS:
            continue
        if _waits(site, registry) or site.wrapper in BRIDGES:
            queue.append(site.caller)
        for target in site.targets:
            if target.function is not None and site.protocol in _CALLING:
                above[target.function].add(site.caller)
    found: set[FunctionId] = set()
    while queue:
        fid = queue.pop()
        f = graph.functions[fid]
        if fid in found or f.is_async:
            continue
        found.add(fid)
        queue += above[fid]
        if f.kind in (FunctionKind.GENEXP, FunctionKind.LAMBDA) and f.parent is not None:
            queue.append(f.parent)
    for fid in sorted(found):
        f = graph.functions[fid]
        counts = f.kind is FunctionKind.FUNCTION and f.path in files and f.facade_of is None
        if counts and not is_test_file(f.path):
            yield f.path, "waiting"


def _waits(site: Site, registry: Registry) -> bool:
    """Whether a library call blocks here: nothing awaits it, and no thread runs it."""
    if site.awaited or site.wrapper or site.certainty is Certainty.UNKNOWN:
        return False
    found = [registry.treatment(t.api, site.protocol) for t in site.targets if t.api is not None]
    return any(one is not None and one.blocks and one.kind in _WAITS for one in found)


def _bridges(graph: Graph, files: Mapping[str, SourceFile]) -> Iterator[Place]:
    """Calls that wait for a coroutine in sync code, but for the facades, which are nothing else."""
    found: dict[tuple[str, Span | None], Site] = {}
    for site in graph.sites:
        if site.path not in files or site.wrapper not in BRIDGES:
            continue
        if graph.functions[site.caller].facade_of is None:
            key = site.path, site.wrapper_span
            if key not in found or site.protocol is Protocol.CALL:  # not the loop around it
                found[key] = site
    for site in found.values():
        name = graph.functions[site.caller].name
        text = site.text if site.text.startswith(site.wrapper) else f"{site.wrapper}({site.text})"
        yield Place(site.path, (site.wrapper_span or site.span)[0], f"{text} in {name}")


def _total(lines: Sequence[Figures]) -> Figures:
    numbers = [field.name for field in dataclasses.fields(Figures) if field.name != "package"]
    return Figures("total", **{name: sum(getattr(f, name) for f in lines) for name in numbers})


# ----------------------------------------------------------------------------- text, JSON


def status_json(report: StatusReport) -> str:
    """Everything, machine-readable."""
    return json.dumps(dataclasses.asdict(report), indent=1)


def status_text(report: StatusReport) -> Iterator[Text]:
    """The table first, then what the ledger has to say."""
    yield from _table(report)
    yield from _history(report)
    yield from _list("Migrated in part", report.partly, "")
    bridges = [f"{place.path}:{place.line}: {place.text}" for place in report.bridges]
    yield from _list("Bridges", bridges, "")
    refused = [
        f"{one.module}:{one.function}  {one.call}  ({one.rule}: {one.reason})"
        for one in report.refused
    ]
    yield from _list("Refused", refused, "bold red")
    yield from _list("Left as they are, by choice", report.declined, "")
    yield from _list("Changed since they were migrated", report.changed, "bold yellow")
    yield from _list("Moved, or gone", report.notes, "bold yellow")
    yield Text()
    count = len(report.migrated)
    modules = "1 module is" if count == 1 else f"{count} modules are"
    yield Text(f"{modules} in the ledger as a whole, of {report.total.modules} in {report.root}")


def _history(report: StatusReport) -> Iterator[Text]:
    """A line for each point, with a bar against the largest."""
    if len(report.history) < 2:
        return
    most = max(point.turned for point in report.history) or 1
    yield Text()
    yield Text("How the ledger grew", style="bold")
    for point in report.history[-SHOWN:]:
        full = int(point.turned / most * BAR)
        figures = f"{point.turned:5} async {point.facades:4} facades {point.bridges:4} bridges"
        when = point.date or "now"
        what = printable(point.subject) if point.commit else "the tree as it is"
        line = f"  {when:10}  [{'#' * full}{'.' * (BAR - full)}] {figures}  {what}"
        yield Text(line)


def status_markdown(report: StatusReport) -> str:
    """The table, the history and what is open, for an issue or a page of the project."""
    lines = ["# How far the migration is", ""]
    lines += _rows(("package", *_COLUMNS),
                   [_row(figures) for figures in (*report.packages, report.total)])  # fmt: skip
    if len(report.history) > 1:
        lines += ["", "## How the ledger grew", ""]
        head = ("date", "commit", "async", "facades", "bridges", "refused")
        rows = [
            (p.date or "now", p.commit, *map(str, (p.turned, p.facades, p.bridges, p.refused)))
            for p in report.history
        ]
        lines += _rows(head, rows)
    for title, found in (
        ("Bridges", [f"{p.path}:{p.line}: {p.text}" for p in report.bridges]),
        ("Refused", [f"{r.module}:{r.function} {r.call}: {r.reason}" for r in report.refused]),
        ("Left as they are, by choice", list(report.declined)),
        ("Changed since they were migrated", list(report.changed)),
    ):
        if found:
            lines += ["", f"## {title}", "", *(f"- {markdown(text)}" for text in found)]
    return "\n".join(lines) + "\n"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" + "|--:" * (len(head) - 1) + "|"
    for row in rows:
        yield f"| {' | '.join(map(markdown, row))} |"


def _table(report: StatusReport) -> Iterator[Text]:
    rows = [_row(figures) for figures in (*report.packages, report.total)]
    head = ("package", *_COLUMNS)
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    yield Text(_aligned(head, widths), style="bold")
    for number, row in enumerate(rows):
        yield Text(_aligned(row, widths), style="bold" if number == len(report.packages) else "")


def _row(figures: Figures) -> tuple[str, ...]:
    numbers = (
        figures.modules, figures.functions, figures.is_async, figures.waiting, figures.blocking,
        figures.facades, figures.bridges, figures.threads, figures.refused,
    )  # fmt: skip
    return (printable(figures.package), *map(str, numbers), bar(figures.share))


def bar(share: float | None) -> str:
    """A share as a bar with its percentage, readable without colour."""
    if share is None:
        return ""
    full = int(share * BAR)
    return f"[{'#' * full}{'.' * (BAR - full)}] {int(share * 100):3}%"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        text.ljust(width) if i == 0 else text.rjust(width)
        for i, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join((first, *rest)).rstrip()


def _list(title: str, lines: Sequence[str], style: str) -> Iterator[Text]:
    if not lines:
        return
    yield Text()
    yield Text(f"{title} ({len(lines)})", style=style or "bold")
    for line in lines[:SHOWN]:
        yield Text(f"  {printable(line)}")
    if len(lines) > SHOWN:
        yield Text(f"  ... and {len(lines) - SHOWN} more (--format json lists all)")
