"""What comments in the code say of findings, and which of them say nothing any more."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence

from asyncshift.check.findings import Finding
from asyncshift.codemod import Registry
from asyncshift.comments import IGNORE, KEEP_SYNC, THREAD, WORDS, Comment, comments_in
from asyncshift.model import Certainty, FunctionId, FunctionKind, Graph, Project, Site

UNUSED, UNKNOWN, NO_REASON = "comment-unused", "comment-unknown", "comment-without-reason"


def marked(
    project: Project, graph: Graph, registry: Registry, findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    """The findings that no `ignore` is about, and as places to look comments that are no use."""
    comments = [
        comment
        for file in project.files
        if file.selected
        for comment in comments_in(file.path, file.text)
    ]
    if not comments:
        return tuple(findings)
    ignored = {(c.path, c.about): c for c in comments if c.word == IGNORE}
    kept, used = [], set()
    for finding in findings:
        comment = ignored.get((finding.path, finding.line))
        if comment is None:
            kept.append(finding)
        else:
            used.add(comment)
    used |= _useful(graph, registry, comments)
    return (*kept, *_told(comments, used))


def _told(comments: Sequence[Comment], used: set[Comment]) -> Iterator[Finding]:
    for comment in comments:
        rule, text, way = "", "", ""
        if comment.word not in WORDS:
            rule, text = UNKNOWN, f"`asyncshift: {comment.word}` is no comment that is known"
            way = f"the nearest is `asyncshift: {comment.nearest}`"
        elif comment not in used:
            rule, text = UNUSED, f"`asyncshift: {comment.word}` changes nothing here"
            way = "remove it, or put it on the line that it is about"
        elif not comment.reason:
            rule, text = NO_REASON, f"`asyncshift: {comment.word}` tells no reason"
            way = f"tell those who come after you: `asyncshift: {comment.word} (why)`"
        if rule:
            yield Finding(comment.path, comment.line, 0, rule, text, way, listed=True)


def _useful(graph: Graph, registry: Registry, comments: Sequence[Comment]) -> set[Comment]:
    """The `keep-sync` and `thread` comments without which something else would be done."""
    waiting = [site for site in graph.sites if _waits(site, graph, registry)]
    lines = {(site.path, line) for site in waiting for line in (site.span[0], site.span[2])}
    reaching = _reaching(graph, {site.caller for site in waiting})
    turning = {
        (f.path, f.line)
        for f in graph.functions.values()
        if f.kind is FunctionKind.FUNCTION and f.pragma is not None and f.id in reaching
    }
    places = {THREAD: lines, KEEP_SYNC: turning}
    return {c for c in comments if (c.path, c.about) in places.get(c.word, ())}


def _waits(site: Site, graph: Graph, registry: Registry) -> bool:
    if site.certainty is Certainty.UNKNOWN:
        return False
    for target in site.targets:
        if target.function is not None and graph.functions[target.function].is_async:
            return True
        treatment = registry.treatment(target.api, site.protocol) if target.api else None
        if treatment is not None and treatment.blocks:
            return True
    return False


def _reaching(graph: Graph, start: set[FunctionId]) -> set[FunctionId]:
    """Functions from which one of `start` is reached, as far as calls are seen."""
    above: dict[FunctionId, set[FunctionId]] = defaultdict(set)
    for site in graph.sites:
        if site.certainty is not Certainty.UNKNOWN:
            for target in site.targets:
                if target.function is not None:
                    above[target.function].add(site.caller)
    for f in graph.functions.values():
        if f.kind in (FunctionKind.GENEXP, FunctionKind.LAMBDA) and f.parent is not None:
            above[f.id].add(f.parent)
    found, queue = set(start), deque(sorted(start))
    while queue:
        for caller in sorted(above[queue.popleft()] - found):
            found.add(caller)
            queue.append(caller)
    return found
