"""Rewrites one file: its part of the plan becomes edits, and these a new text with its hunks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from asyncshift.codemod import Edit, Registry, Resolved
from asyncshift.comments import THREAD, comments_in
from asyncshift.document import Document, body_of
from asyncshift.edits import RewriteBug, Unreadable, conflicts
from asyncshift.layout import lay_out
from asyncshift.model import (
    Action,
    Decision,
    Looked,
    Message,
    Need,
    Protocol,
    Refusal,
    Rewritten,
    Site,
    SourceFile,
    Span,
    Style,
    Tie,
)
from asyncshift.rewrite import (
    awaits,
    blocks,
    bridges,
    constructors,
    consumers,
    doubles,
    entry_points,
    facades,
    functions,
    generators,
    handed,
    handlers,
    mapped,
    retarget,
    stubs,
    tests,
    threads,
    type_hints,
    wrappers,
)
from asyncshift.rewrite.alignment import realigned
from asyncshift.rewrite.bridges import bridge_source
from asyncshift.rewrite.context import Added, Context, Dropped, Planned, Step
from asyncshift.rewrite.imports import update_imports
from asyncshift.rewrite.names import FileNames
from asyncshift.rewrite.regions import NewLines, Piece, indent_unit, pieces, rewrite_piece
from asyncshift.rewrite.tree import Tree
from asyncshift.rewrite.width import style_in

__all__ = ["bridge_source", "look", "refusals_of", "rewrite_file"]

_TOO_DEEP = "nested too deeply for Python's own parser"


_STEPS: Mapping[Action, Callable[[Context, Decision], Iterator[Step]]] = {
    Action.MAKE_ASYNC: functions.make_function_async,
    Action.SPLIT_ENTRY: entry_points.split_entry,
    Action.DROP_FACADE: facades.drop_facade,
    Action.RENAME: functions.rename,
    Action.ANNOTATE: type_hints.annotate,
    Action.DOUBLE: doubles.double,
    Action.STUB: stubs.follow,
    Action.TEST_CASE: tests.test_case,
    Action.RETARGET: retarget.retarget,
    Action.UNWRAP: wrappers.unwrap,
    Action.RERUN: wrappers.rerun,
    Action.RETHREAD: wrappers.rethread,
    Action.CREATE: constructors.create_call,
    Action.AWAIT: awaits.await_call,
    Action.ASYNC_WITH: blocks.async_with,
    Action.ASYNC_FOR: blocks.async_for,
    Action.ASYNC_COMPREHENSION: blocks.async_comprehension,
    Action.ANEXT: generators.anext_call,
    Action.DELEGATE: generators.delegate,
    Action.CONSUME: consumers.consume,
    Action.MAPPED: mapped.apart,
    Action.TO_THREAD: threads.to_thread,
    Action.BRIDGE: bridges.bridge,
    Action.RUN: entry_points.run,
}


def rewrite_file(
    file: SourceFile,
    decisions: Sequence[Decision],
    registry: Registry,
    style: Style,
    options: Mapping[str, str],
) -> Rewritten:
    """Carry out one file's decisions.

    `options["bridge"]` names the generated bridge module to import from, `options["bridges"]`
    lists, with commas, all that there are; `options["keep_imports"]` lists the names of this file
    that other files import from it, and `options["first_party"]` the project's own top-level
    modules.  Raises RewriteBug when the result would not compile or a planned place does not exist.
    """
    if not decisions:
        return Rewritten(file.path, file.text)
    ctx = _context(file, decisions, registry, style, options)
    if isinstance(ctx, Refusal):
        return Rewritten(file.path, None, refusals=(ctx,))
    tree, names, style = ctx.tree, ctx.names, ctx.style
    planned, borders, refusals, messages = _plan(ctx)
    refusals += _conflicts(ctx, planned)
    if refusals:
        return Rewritten(file.path, None, refusals=tuple(refusals), messages=tuple(messages))
    document = Document(file.text)
    refusals = _apply(ctx, document, planned)
    if refusals:
        return Rewritten(file.path, None, refusals=tuple(refusals), messages=tuple(messages))
    edits = [plan.edit for plan, decision in planned if decision.action is Action.LIBRARY]
    facades.restore_headers(document, ctx)
    facades.settle_facades(document, ctx, borders, edits)
    update_imports(document, ctx)
    lay_out(document, style, imports_only=True, unit=indent_unit(tree))
    text = document.text
    _check(file, text)
    hunks = document.hunks()
    bridged = any(wanted.module == ctx.bridge for wanted in names.wanted) and bool(ctx.bridge)
    imported = {wanted.module for wanted in names.wanted}
    imported |= {f"{wanted.module}.{wanted.attr}" for wanted in names.wanted}
    helpers = tuple(module for module in names.helpers.values() if module in imported)
    return Rewritten(file.path, text, hunks, (), tuple(messages), bridged, helpers)


def refusals_of(
    file: SourceFile,
    decisions: Sequence[Decision],
    registry: Registry,
    style: Style,
    options: Mapping[str, str],
) -> tuple[Refusal, ...]:
    """What `rewrite_file` would refuse of one file's decisions; nothing is rewritten."""
    ctx = _context(file, decisions, registry, style, options, laid_out=False)
    if isinstance(ctx, Refusal):
        return (ctx,)
    planned, _, refusals, _ = _plan(ctx)
    return (*refusals, *_conflicts(ctx, planned))


def _context(
    file: SourceFile,
    decisions: Sequence[Decision],
    registry: Registry,
    style: Style,
    options: Mapping[str, str],
    laid_out: bool = True,
) -> Context | Refusal:
    try:
        tree = Tree(file.text)
    except (RecursionError, MemoryError):
        return _too_deep(file.path, decisions[0].span)
    names = _names(file, tree, options)
    style = style_in(style, tree) if laid_out else style
    return Context(file, tree, names, registry, style, options, decisions)


def look(
    file: SourceFile,
    sites: Sequence[tuple[Site, str]],
    registry: Registry,
    options: Mapping[str, str],
) -> Looked:
    """Ask the rewriters of library sites what they would refuse, what they need of other places
    (`toolbox.needed`), and what moves with them; nothing is rewritten."""
    if not sites:
        return Looked()
    needs: set[str] = set()
    refusals: list[Refusal] = []
    ties: list[Tie] = []
    try:
        tree = Tree(file.text)
        names = _names(file, tree, options)
        refusals += _in_threads(file, sites)
        for site, api in sites:
            resolved = _resolved(tree, names, site, api, "convert", options)
            for outcome in registry.rewrite(resolved):
                match outcome:
                    case Refusal():
                        refusals.append(outcome)
                    case Need():
                        needs.update(_told(outcome, file.path, site, api))
                    case Tie():
                        ties.append(replace(outcome, path=file.path, span=site.span))
    except (RecursionError, MemoryError):
        return Looked(tuple(_too_deep(file.path, site.span) for site, _ in sites))
    return Looked(tuple(refusals), frozenset(needs), tuple(ties))


def _in_threads(file: SourceFile, sites: Sequence[tuple[Site, str]]) -> Iterator[Refusal]:
    """The places for which a comment asks for a thread."""
    asked = {c.about: c.reason for c in comments_in(file.path, file.text) if c.word == THREAD}
    for site, api in sites:
        line = next((n for n in (site.span[0], site.span[2]) if n in asked), None)
        if line is not None:
            why = asked[line] or "no reason is given"
            text = f"the author asked for a thread for {api}: {why}"
            yield Refusal(file.path, site.span, "thread", text, "remove the comment")


def _told(need: Need, path: str, site: Site, api: str) -> Iterator[str]:
    """A need with the places that it is addressed to."""
    if need.everywhere:
        yield need.name
        return
    yield f"{need.name}@{path}:{site.span[0]}:{site.span[1]}"
    for target in site.targets:
        if target.api == api:
            yield from (f"{need.name}@{origin}" for origin in target.origins)


def _names(file: SourceFile, tree: Tree, options: Mapping[str, str]) -> FileNames:
    bridge, bridges = options.get("bridge", ""), options.get("bridges", "")
    helpers = filter(None, options.get("helpers", "").split(","))
    names = FileNames(tree, file.module, file.is_package, bridge, bridges.split(","), helpers)
    names.libraries = {"httpx": options.get("http", "httpx")}
    return names


def _too_deep(path: str, span: Span) -> Refusal:
    return Refusal(path, span, "too-deep", f"{path} is {_TOO_DEEP}", "split the long expression")


def _resolved(
    tree: Tree, names: FileNames, site: Site, api: str, way: str, options: Mapping[str, str]
) -> Resolved:
    if site.protocol is Protocol.IMPORT:
        node = tree.find(site.span, ast.alias) or tree.place(site.span)
    else:
        node = tree.place(site.span)
    needs = frozenset(options.get("needs", "").split(","))
    return Resolved(
        site, api, node, tuple(tree.ancestors(node)), names, way, options, tree.text, needs
    )


def _library(ctx: Context, decision: Decision) -> Iterable[Step]:
    """LIBRARY: what the site's codemod says."""
    assert decision.site is not None, decision
    detail = decision.detail
    api, way = detail.get("api", ""), detail.get("way", "convert")
    resolved = _resolved(ctx.tree, ctx.names, decision.site, api, way, ctx.options)
    outcomes = ctx.registry.rewrite(resolved)
    return bridges.run_here(ctx, resolved.node, outcomes) if "bridge" in detail else outcomes


def _plan(
    ctx: Context,
) -> tuple[list[tuple[Planned, Decision]], list[Added | Dropped], list[Refusal], list[Message]]:
    planned: list[tuple[Planned, Decision]] = []
    borders: list[Added | Dropped] = []
    refusals: list[Refusal] = []
    messages: list[Message] = []
    for decision in ctx.decisions:
        if decision.action is Action.LIBRARY:
            found: Iterable[Step] = _library(ctx, decision)
        else:
            found = _STEPS[decision.action](ctx, decision)
        beside = (
            *handed.leave_lambda(ctx, decision),
            *handlers.let_cancellation_pass(ctx, decision),
            *handlers.catch_interrupts(ctx, decision),
        )
        for step in (*found, *beside):
            match step:
                case Edit():
                    planned.append((Planned(step), decision))
                case Planned():
                    planned.append((step, decision))
                case Added() | Dropped():
                    borders.append(step)
                case Refusal():
                    refusals.append(step)
                case Message():
                    messages.append(step)
                case Need() | Tie():
                    pass  # known since `look`
    return planned, borders, refusals, messages


def _conflicts(ctx: Context, planned: Sequence[tuple[Planned, Decision]]) -> list[Refusal]:
    """Two different edits of one place: neither is guessed to be the right one."""
    by_edit = {id(plan.edit): decision for plan, decision in planned}
    found = []
    for first, second in conflicts(plan.edit for plan, _ in planned):
        one, other = by_edit[id(first)], by_edit[id(second)]
        text = f"two changes of this place exclude each other: {one.action} and {other.action}"
        way = "split the statement, so that each change has a place of its own"
        found.append(Refusal(ctx.file.path, other.span, "conflicting-edits", text, way))
    return found


def _apply(
    ctx: Context, document: Document, planned: Sequence[tuple[Planned, Decision]]
) -> list[Refusal]:
    """Rewrite the pieces in order; returns refusals for what LibCST cannot read."""
    unit = indent_unit(ctx.tree)
    delta = 0
    built: list[tuple[int, int]] = []
    refusals = []
    for piece in pieces(ctx.tree, [plan for plan, _ in planned]):
        match _piece_lines(ctx, piece, unit):
            case NewLines(lines=lines, built=ranges):
                old = [body_of(line) for line in ctx.tree.lines[piece.first - 1 : piece.last]]
                lines = tuple(realigned(old, lines, ctx.style.line_length))
                start = piece.first - 1 + delta
                document.splice(start, piece.last + delta, lines)
                built += [(start + a, start + b) for a, b in ranges]
                delta += len(lines) - (piece.last - piece.first + 1)
            case Unreadable(reason=reason):
                edits = set(map(id, piece.edits))
                refusals += [
                    Refusal(
                        ctx.file.path,
                        decision.span,
                        "unreadable",
                        reason,
                        "write the statement in simpler syntax",
                    )
                    for plan, decision in planned
                    if id(plan.edit) in edits
                ]
    if not refusals:
        lay_out(document, ctx.style, built, unit=unit)
    return refusals


def _piece_lines(ctx: Context, piece: Piece, unit: str) -> NewLines | Unreadable:
    try:
        return rewrite_piece(ctx.tree, piece, unit)
    except RewriteBug as bug:
        raise RewriteBug(f"{ctx.file.path}:{piece.first}-{piece.last}: {bug}") from bug


def _check(file: SourceFile, text: str) -> None:
    """The result must compile wherever the original did.  Raises RewriteBug."""
    try:
        compile(text, file.path, "exec", dont_inherit=True)
    except SyntaxError as error:
        try:
            compile(file.text, file.path, "exec", dont_inherit=True)
        except SyntaxError:
            ast.parse(text)
            return
        raise RewriteBug(
            f"{file.path}:{error.lineno}: the result is not valid: {error.msg}"
        ) from error
