"""The story of a migration on one page.

    discover -> facts -> index -> call graph -> look -> solve -> rewrite -> check -> changes

`survey` goes as far as the call graph, `analyse` as far as the plan, `changes` to the bytes of a
diff.  Nothing here writes.
"""

from __future__ import annotations

import gc
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from asyncshift import callgraph, discover, erasure, facts
from asyncshift.answers import asked
from asyncshift.bridge_modules import (
    changed_modules,
    new_helpers,
    place_bridges,
    place_helpers,
    rewriter_settings,
    used_by,
)
from asyncshift.cache import FactsCache
from asyncshift.codemod import Kind, Registry
from asyncshift.collector import no_gc
from asyncshift.config import Config
from asyncshift.dependencies import needed, renewed
from asyncshift.double_modules import with_doubles
from asyncshift.errors import InputError
from asyncshift.exported import reached_through, still_exported
from asyncshift.loading import load_registry
from asyncshift.model import (
    THREADS,
    Action,
    Certainty,
    Decision,
    FileChange,
    FunctionId,
    FunctionKind,
    Graph,
    Looked,
    Message,
    Plan,
    Project,
    Protocol,
    Refusal,
    Rewritten,
    Site,
    SourceFile,
    Style,
)
from asyncshift.pins import is_test_file
from asyncshift.planning import make_plan
from asyncshift.plugin_settings import configured
from asyncshift.scope import ALL, Choice, Scope, make_scope
from asyncshift.stubs import of_stub
from asyncshift.testing import needs_plugin

Progress = Callable[[str, int, int], None]
"""Called with the step's name, what is done, and the total."""

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 16
"""Files handed to a worker at a time: enough to hide the cost of the hand-over."""
SMALL = 40
"""Below this many files a pool costs more than it saves."""


def silent(step: str, done: int, total: int) -> None:
    """The progress nobody watches."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What is there: the project, its call graph, and the tables it was read with."""

    project: Project
    graph: Graph
    registry: Registry
    messages: tuple[Message, ...] = ()
    needs: frozenset[str] = frozenset()
    """What places must give, as `name@path:line:column`, or a name alone (`codemod.Need`)."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What would be done: a survey with its plan."""

    project: Project
    graph: Graph
    registry: Registry
    plan: Plan
    config: Config
    refused: tuple[Refusal, ...] = ()
    """What the rewriters refused before anything was decided."""
    failed: tuple[Refusal, ...] = ()
    """What the rewrite of everything would refuse, where only a part is chosen."""
    scope: Scope | None = None
    """What may change; None for everything."""
    messages: tuple[Message, ...] = ()
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be written.  `mechanical` says for each change-set whether erasure holds."""

    changes: tuple[FileChange, ...]
    plan: Plan
    messages: tuple[Message, ...]
    refusals: tuple[Refusal, ...]
    mechanical: Mapping[int, bool]
    counts: Mapping[str, int]


# ----------------------------------------------------------------------------- survey, analyse


def survey(
    paths: Sequence[Path],
    config: Config,
    progress: Progress = silent,
    unresolved: bool = False,
) -> Survey:
    """Read the project around `paths` and build its call graph; `unresolved` asks for the calls
    that are not resolved as well."""
    registry = load_registry(
        config.tables, config.codemods, config.only, config.exclude, config.postgres
    )
    project = discover.discover(paths, config)
    found, broken = _facts(project, config, progress)
    if broken:
        project = _without(project, broken, paths)
    with no_gc():
        graph = callgraph.build(
            found,
            registry,
            config.python,
            bridges=project.generated,
            hints=config.hints,
            unresolved=unresolved,
        )
    _no_ambiguous_import(graph, {file.path for file in project.files if file.selected})
    return Survey(project, graph, registry, project.messages + graph.messages)


def _no_ambiguous_import(graph: Graph, selected: set[str]) -> None:
    """Modules may share a name, but not one that is imported: which is meant decides everything."""
    for message in graph.messages:
        if message.rule == "ambiguous-module" and message.path in selected:
            hint = "Name only one of their folders, or leave the others out with `ignore`."
            raise InputError(message.text, path=message.path, hint=hint)


def analyse(
    paths: Sequence[Path],
    config: Config,
    progress: Progress = silent,
    choice: Choice = ALL,
) -> Analysis:
    """Survey, ask the rewriters what they refuse, and solve within what was chosen."""
    return solved(survey(paths, config, progress), config, progress, choice)


def solved(
    seen: Survey, config: Config, progress: Progress = silent, choice: Choice = ALL
) -> Analysis:
    """A survey with its plan."""
    scope = make_scope(config, seen.project, seen.graph, choice)
    looked = ask_rewriters(seen, config, progress)
    refusals = looked.refusals
    seen = replace(seen, needs=looked.needs, graph=replace(seen.graph, ties=looked.ties))
    failed: tuple[Refusal, ...] = ()
    if scope is not None and scope.partial:
        failed = _look_ahead(seen, config, refusals, progress)
    plan = make_plan(seen.graph, seen.project, seen.registry, refusals, failed, scope)
    return Analysis(
        seen.project,
        seen.graph,
        seen.registry,
        plan,
        config,
        refusals,
        failed,
        scope,
        seen.messages,
        looked.needs,
    )


def narrowed(analysis: Analysis, choice: Choice) -> Analysis:
    """The same survey, solved anew within another choice."""
    project, graph, registry = analysis.project, analysis.graph, analysis.registry
    scope = make_scope(analysis.config, project, graph, choice)
    plan = make_plan(graph, project, registry, analysis.refused, analysis.failed, scope)
    return replace(analysis, plan=plan, scope=scope)


def _facts(
    project: Project, config: Config, progress: Progress
) -> tuple[list[facts.FileFacts], dict[str, SyntaxError]]:
    found: dict[str, facts.FileFacts] = {}
    missing: list[SourceFile] = []
    broken: dict[str, SyntaxError] = {}
    with closing(FactsCache[facts.FileFacts](config.cache)) as cache:
        for file in project.files:
            known = cache.get(f"{file.path}:{file.module}:{file.digest}")
            if known is None:
                missing.append(file)
            else:
                found[file.path] = known
        results = _each(_extract, missing, config, "reading", progress)
        for file, result in zip(missing, results, strict=True):
            if isinstance(result, SyntaxError):
                broken[file.path] = result
            else:
                found[file.path] = result
                cache.put(f"{file.path}:{file.module}:{file.digest}", result)
    return [found[file.path] for file in project.files if file.path in found], broken


def _extract(file: SourceFile) -> facts.FileFacts | SyntaxError:
    try:
        return facts.extract(file)
    except SyntaxError as error:
        return error


def _without(project: Project, broken: Mapping[str, SyntaxError], paths: Sequence[Path]) -> Project:
    """One unparsable file among many is a warning; a file that was named by itself is an error."""
    named = {path.resolve() for path in paths if path.is_file()}
    messages, names = [], set(project.unparsable_names)
    files = {file.path: file for file in project.files}
    for path, error in sorted(broken.items()):
        if Path(project.root, path) in named:
            raise InputError(
                f"does not parse: {error.msg}",
                path=path,
                line=error.lineno,
                hint="asyncshift reads what the Python it runs on can parse.",
            )
        messages.append(discover.unparsable(files[path], error))
        names |= discover.identifiers(files[path].text)
    return replace(
        project,
        files=tuple(file for file in project.files if file.path not in broken),
        messages=project.messages + tuple(messages),
        unparsable_names=frozenset(names),
    )


def ask_rewriters(seen: Survey, config: Config, progress: Progress) -> Looked:
    """What the rewriters cannot do faithfully, what they need of other places, and what moves
    together, asked before anything is decided."""
    by_path: dict[str, list[tuple[Site, str]]] = defaultdict(list)
    for site in seen.graph.sites:
        for target in site.targets:
            if target.api is None or site.wrapper in THREADS:
                continue
            treatment = seen.registry.treatment(target.api, site.protocol)
            if treatment is not None and (
                treatment.kind in (Kind.AWAITABLE, Kind.ENTERED, Kind.ITERATED, Kind.PLAIN)
                or site.protocol is Protocol.BASE  # what it may be tied to stays with it
            ):
                by_path[site.path].append((site, target.api))
    files = [file for file in seen.project.files if file.path in by_path]
    work = [(file, tuple(by_path[file.path])) for file in files]
    patched = {f"patched:{one.api}" for one in seen.graph.patched if is_test_file(one.path)}
    settings = rewriter_settings(seen.project, config) | {"needs": ",".join(sorted(patched))}
    each = partial(_each, partial(_look_at, seen.registry, settings))
    ask = partial(each, config=config, step="looking", progress=progress)
    looked = Looked.of_all(asked(ask, work, lambda w: (w[0], (w[1], settings)), config, "look"))
    return replace(looked, needs=looked.needs | patched)


def _look_at(
    registry: Registry,
    options: Mapping[str, str],
    work: tuple[SourceFile, tuple[tuple[Site, str], ...]],
) -> Looked:
    from asyncshift.rewrite import look

    file, sites = work
    return look(file, sites, registry, options)


def _look_ahead(
    seen: Survey, config: Config, refusals: Sequence[Refusal], progress: Progress
) -> tuple[Refusal, ...]:
    """What the rewrite of the whole goal would refuse.  A step must know: what will have to stay
    sync in the end would otherwise turn now, with bridges that nothing ever dissolves."""
    from asyncshift.layout import style_of

    style = style_of(Path(seen.project.root), seen.project.requires_python)
    each = partial(_each, partial(_refused_in, seen.registry, style))
    ask = partial(each, config=config, step="looking ahead", progress=progress)
    known: dict[_Work, tuple[Refusal, ...]] = {}
    failed: dict[Refusal, None] = {}
    while True:
        plan = make_plan(seen.graph, seen.project, seen.registry, refusals, tuple(failed))
        work = _work(seen, plan, config)
        missing = [item for item in work if item not in known]
        found = asked(
            ask, missing, lambda w: (w.file, (w.decisions, w.options, style)), config, "ahead"
        )
        known.update(zip(missing, found, strict=True))
        fresh = [r for item in work for r in known[item] if r not in failed]
        if not fresh:
            return tuple(failed)
        failed.update(dict.fromkeys(fresh))


def _refused_in(registry: Registry, style: Style, work: _Work) -> tuple[Refusal, ...]:
    from asyncshift.rewrite import refusals_of

    return refusals_of(work.file, work.decisions, registry, style, dict(work.options))


# ----------------------------------------------------------------------------- changes


def changes(analysis: Analysis, progress: Progress = silent) -> Outcome:
    """Rewrite every file of the plan; what the rewrite refuses is planned anew without it."""
    from asyncshift.layout import style_of

    plan = analysis.plan
    style = style_of(Path(analysis.project.root), analysis.project.requires_python)
    known: dict[_Work, _Done] = {}
    failed = list(analysis.failed)
    while True:
        work = _work(analysis, plan, analysis.config)
        missing = [item for item in work if item not in known]
        task = partial(_rewrite_one, analysis.registry, style)
        fresh_results = _each(task, missing, analysis.config, "rewriting", progress)
        known.update(zip(missing, fresh_results, strict=True))
        results = [known[item] for item in work]
        fresh = [refusal for done in results for refusal in done.result.refusals]
        if not fresh:
            findings, wrong = _proved(analysis, plan, work, results, progress)
            fresh = [refusal for refusal in wrong if refusal not in failed]
            if not fresh:
                return _outcome(analysis, plan, work, results, findings)
        if not set(fresh) - set(failed):
            raise AssertionError(f"planned again what cannot be written: {fresh[0]}")
        failed += fresh
        plan = make_plan(
            analysis.graph,
            analysis.project,
            analysis.registry,
            analysis.refused,
            failed,
            analysis.scope,
        )


@dataclass(frozen=True, slots=True)
class _Proof:
    """What the whole-tree await check says of the new texts: messages, and whose they are."""

    messages: tuple[Message, ...] = ()
    owners: frozenset[FunctionId] = frozenset()


def _proved(
    analysis: Analysis,
    plan: Plan,
    work: Sequence[_Work],
    results: Sequence[_Done],
    progress: Progress,
) -> tuple[_Proof, list[Refusal]]:
    """Check the tree as it would be; what is wrong there is refused, so that it is planned anew."""
    texts = _new_texts(work, results)
    if not texts:
        return _Proof(), []
    from asyncshift import proof

    project = proof.with_texts(analysis.project, texts)
    bridges = place_bridges(analysis.project, analysis.graph, plan).values()
    project = replace(project, bridges={**project.bridges, **{b.module: b.path for b in bridges}})
    placed = place_helpers(analysis.project, analysis.graph, analysis.registry).values()
    helpers = {h.module: h.path for found in placed for h in found}
    project = replace(project, helpers={**project.helpers, **helpers})
    found, broken = _facts(project, analysis.config, progress)
    if broken:
        raise AssertionError(f"a new text does not parse: {min(broken)}")
    with no_gc():
        graph = callgraph.build(
            found,
            analysis.registry,
            analysis.config.python,
            bridges=project.generated,
            hints=analysis.config.hints,
            strict=False,
        )
    before = analysis.project, analysis.graph
    findings = proof.new_findings(before, (project, graph), analysis.registry)
    owners = frozenset(proof.touched(findings, analysis.graph, graph))
    wrong = proof.refused(findings, analysis.graph, graph)
    return _Proof(proof.messages(findings), owners), wrong


def _new_texts(work: Sequence[_Work], results: Sequence[_Done]) -> dict[str, str]:
    return {
        done.result.path: done.result.text
        for item, done in zip(work, results, strict=True)
        if done.result.text is not None and done.result.text != item.file.text
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """One file's part of a plan.  Equal when the rewrite would do the same."""

    file: SourceFile
    decisions: tuple[Decision, ...]
    options: tuple[tuple[str, str], ...]

    def _key(self) -> tuple[object, ...]:
        places = tuple((d.span, d.action, tuple(sorted(d.detail.items()))) for d in self.decisions)
        return self.file.path, places, self.options

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Work) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.file.path, len(self.decisions), self.options))


def _work(analysis: Survey | Analysis, plan: Plan, config: Config) -> list[_Work]:
    by_path: dict[str, list[Decision]] = defaultdict(list)
    for decision in plan.decisions:
        by_path[decision.path].append(decision)
    files = {file.path: file for file in analysis.project.files}
    bridges = place_bridges(analysis.project, analysis.graph, plan)
    standing = ",".join(sorted({*analysis.project.bridges, *(b.module for b in bridges.values())}))
    helpers = place_helpers(analysis.project, analysis.graph, analysis.registry)
    settings = rewriter_settings(analysis.project, config)
    exported = still_exported(analysis.project, analysis.graph, plan)
    needs: dict[str, list[str]] = defaultdict(list)
    for need in sorted(analysis.needs):
        name, _, place = need.partition("@")
        path, _, column = place.rpartition(":")
        path, _, line = path.rpartition(":")
        needs[path].append(f"{name}@{line}:{column}" if place else name)
    work = []
    root = Path(analysis.project.root)
    for path in list(by_path):
        if (stub := discover.stub_beside(root, files[path])) is not None:
            files[stub.path] = stub
            by_path[stub.path] = of_stub(analysis.graph, stub, by_path[path])
    for path, decisions in sorted(by_path.items()):
        if not decisions:
            continue
        options = dict(settings)
        if path in bridges:
            options["bridge"] = bridges[path].module
        if kept := exported.get(path):
            options["keep_imports"] = ",".join(kept)
        if standing:
            options["bridges"] = standing
        options["tests"] = analysis.project.tests.pytest
        options["loop_scope"] = analysis.project.tests.loop_scope
        through = next((d.detail["through"] for d in decisions if "through" in d.detail), path)
        if through in helpers:
            options["helpers"] = ",".join(bridge.module for bridge in helpers[through])
        if wanted := (*needs[""], *needs[path]):
            options["needs"] = ",".join(wanted)
        work.append(_Work(files[path], tuple(decisions), tuple(sorted(options.items()))))
    return work


@dataclass(frozen=True, slots=True)
class _Done:
    """A rewritten file with the erasure verdict of each of its functions."""

    result: Rewritten
    verdicts: Mapping[str, bool]


def _rewrite_one(registry: Registry, style: Style, work: _Work) -> _Done:
    from asyncshift.rewrite import rewrite_file

    result = rewrite_file(work.file, work.decisions, registry, style, dict(work.options))
    if result.text is None or result.text == work.file.text:
        return _Done(result, {})
    named = {(d.detail["was"], d.detail["name"]) for d in work.decisions if "was" in d.detail}
    renames = {max(pair, key=len): min(pair, key=len) for pair in named}
    created = erasure.created(work.decisions)
    verdicts = erasure.compare(work.file.text, result.text, registry, renames, created)
    return _Done(result, verdicts)


def _outcome(
    analysis: Analysis,
    plan: Plan,
    work: Sequence[_Work],
    results: Sequence[_Done],
    proof: _Proof,
) -> Outcome:
    from asyncshift.rewrite import bridge_source

    written: list[FileChange] = []
    verdicts: dict[str, Mapping[str, bool]] = {}
    texts = _new_texts(work, results)
    sets = _headings(analysis.graph, plan)
    for item, done in zip(work, results, strict=True):
        result = done.result
        if result.text is None or result.path not in texts:
            continue
        path = result.path.removesuffix("i") if result.path.endswith(".pyi") else result.path
        known = verdicts.get(path, {})
        verdicts[path] = {
            name: known.get(name, True) and done.verdicts.get(name, True)
            for name in {*known, *done.verdicts}
        }
        old = discover.encode(item.file, item.file.text)
        new = discover.encode(item.file, result.text)
        headings = tuple(sets.get(result.path, ()))
        written.append(FileChange(result.path, old, new, None, result.hunks, headings))
    bridges = place_bridges(analysis.project, analysis.graph, plan)
    wanted = [bridge for path, bridge in bridges.items() if path in texts]
    written += changed_modules(analysis.project, wanted, texts, bridge_source())
    helpers = place_helpers(analysis.project, analysis.graph, analysis.registry)
    imported = {done.result.path: done.result.helpers for done in results}
    used = [h for path in texts for h in helpers.get(path, ()) if h.module in imported[path]]
    told = rewriter_settings(analysis.project, analysis.config)
    using = used_by(analysis.project, helpers, texts)
    made, said = new_helpers(analysis.project, used, analysis.registry, told, using, analysis.needs)
    written += made
    notes = (*said, *(message for done in results for message in done.result.messages))
    written = with_doubles(analysis.project, plan, analysis.registry, told, written)
    messages = analysis.messages + plan.messages + notes
    if needs_plugin(plan, analysis.project):
        settings, added = configured(Path(analysis.project.root))
        written += settings
        messages += tuple(added)
    needs = needed(analysis.project, plan, analysis.registry, analysis.config, written)
    written, told_needs = renewed(Path(analysis.project.root), needs, written)
    messages += (
        *told_needs,
        *reached_through(analysis.project, analysis.graph, plan),
        *proof.messages,
    )
    return Outcome(
        changes=tuple(sorted(written, key=lambda change: change.path)),
        plan=plan,
        messages=tuple(dict.fromkeys(messages)),
        refusals=plan.refusals,
        mechanical=_mechanical(analysis.graph, plan, verdicts, proof.owners),
        counts={**plan.counts, "files": len(written)},
    )


def _headings(graph: Graph, plan: Plan) -> dict[str, list[tuple[int, int, str]]]:
    """For each file, which lines belong to which change-set."""
    found: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for change in plan.change_sets:
        for fid in change.functions:
            f = graph.functions[fid]
            if f.kind is FunctionKind.FUNCTION:
                heading = f"[{change.id}] {change.title}"
                found[f.path].append((f.span[0], f.span[2], heading))
    return found


def _mechanical(
    graph: Graph,
    plan: Plan,
    verdicts: Mapping[str, Mapping[str, bool]],
    found: frozenset[FunctionId],
) -> dict[int, bool]:
    """For each change-set, whether erasure holds for all its functions, the await check finds
    nothing and every renamed receiver is certain: then a reviewer may skip it."""
    names = _erasure_names(graph)
    doubtful = found | {
        decision.owner
        for decision in plan.decisions
        if decision.action is Action.LIBRARY
        and decision.site is not None
        and decision.site.certainty is not Certainty.CERTAIN
    }
    return {
        change.id: all(
            fid not in doubtful
            and verdicts.get(graph.functions[fid].path, {}).get(names[fid], True)
            for fid in change.functions
        )
        for change in plan.change_sets
    }


def _erasure_names(graph: Graph) -> dict[FunctionId, str]:
    """How `erasure` names each function: qualified, with `#2` for the second of one name."""
    seen: dict[tuple[str, str], int] = defaultdict(int)
    names = {}
    for f in sorted(graph.functions.values(), key=lambda f: (f.path, f.span)):
        if f.kind is not FunctionKind.FUNCTION:
            names[f.id] = "<module>"
            continue
        seen[f.path, f.name] += 1
        count = seen[f.path, f.name]
        names[f.id] = f.name if count == 1 else f"{f.name}#{count}"
    return names


# ----------------------------------------------------------------------------- running


def _each(
    task: Callable[[T], R],
    items: Sequence[T],
    config: Config,
    step: str,
    progress: Progress,
) -> list[R]:
    """`task` over all items in order, in worker processes where that pays."""
    jobs = config.jobs or os.cpu_count() or 1
    results: list[R] = []
    with no_gc():
        if jobs == 1 or len(items) < SMALL:
            for item in items:
                results.append(task(item))
                progress(step, len(results), len(items))
            return results
        with ProcessPoolExecutor(jobs, initializer=gc.disable) as pool:
            for result in pool.map(task, items, chunksize=CHUNK):
                results.append(result)
                progress(step, len(results), len(items))
    return results
