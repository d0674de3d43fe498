"""From followed objects to findings: which of them nobody awaits, and what happens instead."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from asyncshift.check import outside
from asyncshift.check.coroutines import Analysis, Key
from asyncshift.check.findings import (
    AWAITING,
    CACHED,
    DUNDER,
    PROPERTY,
    RETURNED,
    RULES,
    Finding,
)
from asyncshift.check.values import (
    FORGIVEN,
    NEUTRAL,
    How,
    Origin,
    Step,
    Use,
    Value,
    What,
    join,
    objects,
)
from asyncshift.model import Function, FunctionKind, Protocol

_ALIKE = frozenset(
    {How.DROPPED, How.UNUSED, How.TRUTH, How.FORMATTED, How.LOGGED, How.COMPARED, How.IDENTITY}
)
"""What says of a generator or a manager, sync or async, that nothing of it runs."""
_WAY = "make {name} async and await it, or keep it sync and run the coroutine through a bridge"


def coroutines(analysis: Analysis) -> Iterator[Finding]:
    """Every coroutine object of a solved analysis that goes astray."""
    seen_elsewhere = _escaping(analysis)
    wrong: dict[Origin, Use] = {}
    for origin, uses in analysis.objects():
        if origin in seen_elsewhere:
            uses = (*uses, Use(How.GOOD, origin.path, origin.span[0]))
        use = judged(uses)
        if use is not None:
            wrong[origin] = use
    known: dict[tuple[str, int], set[Origin]] = defaultdict(set)
    for origin in wrong:
        known[origin.path, origin.span[0]].add(origin)
    for origin, use in wrong.items():
        # A coroutine that goes wrong where it is made goes wrong again wherever it is handed on.
        before = [known.get((step.path, step.line), set()) - {origin} for step in origin.steps]
        if not any(before):
            yield _finding(analysis, origin, use)
    yield from _functions(analysis)


def judged(uses: tuple[Use, ...]) -> Use | None:
    """The use that is wrong, if any is; of several the first."""
    good = any(use.how is How.GOOD for use in uses)
    wrong = [
        use
        for use in sorted(uses, key=lambda use: (use.path, use.line, use.how))
        if use.how not in NEUTRAL
        and not (good and (use.weak or use.how in FORGIVEN))
        and not (use.how is How.UNUSED and any(u.how is not How.UNUSED for u in uses))
    ]
    strong = [use for use in wrong if not use.weak] or wrong
    if strong:
        return strong[0]
    if any(use.how in (How.GOOD, How.RETURNED) for use in uses):
        return None
    stored = next((use for use in uses if use.how is How.STORED), None)
    note = "" if stored is None else "kept where nothing reads it"
    return Use(How.UNUSED, "", 0, note=note)


def _finding(analysis: Analysis, origin: Origin, use: Use) -> Finding:
    rule, said = RULES[use.how]
    noun = f"the {origin.what} of" if origin.what is not What.COROUTINE else "the coroutine of"
    text = f"{noun} `{origin.text}` {said}"
    if use.how is How.THREAD:
        text = f"calling `{origin.text}` gives a coroutine, and {use.note or 'sync code'} calls it"
    elif use.note:
        text += f" ({use.note})"
    chain = list(origin.steps)
    if use.line and (use.path, use.line) != (origin.path, origin.span[0]):
        chain.append(Step(said.partition(",")[0], use.path, use.line))
    f = analysis.graph.functions[origin.owner]
    way = AWAITING[origin.what].format(text=origin.text)
    if use.how in (How.CACHED, How.THREAD):
        way = "keep the awaited result" if use.how is How.CACHED else "call it from async code"
    elif f.kind is FunctionKind.FUNCTION and not f.is_async:
        way = _WAY.format(name=f.name)
    line, column = origin.span[:2]
    alike = origin.what is not What.COROUTINE and use.how in _ALIKE
    return Finding(origin.path, line, column, rule, text, way, tuple(chain), alike=alike)


def _escaping(analysis: Analysis) -> set[Origin]:
    """What is kept in an attribute or a global name that code out of sight may read."""
    found: set[Origin] = set()
    for key, held in analysis.places.items():
        value: Value = join(held.values())
        if objects(value) and _read_elsewhere(analysis, key):
            found |= {origin for origin, _ in objects(value)}
    return found


def _read_elsewhere(analysis: Analysis, key: Key) -> bool:
    cls, path, name = key
    if not cls:
        return name in analysis.graph.exported.get(path, ())
    pattern = re.compile(rf"(?<!\bself)(?<!\bcls)\.{re.escape(name)}\b|[\"']{re.escape(name)}[\"']")
    anywhere = re.compile(rf"\.{re.escape(name)}\b")
    for file in analysis.project.files:
        if (anywhere if file.path != path else pattern).search(file.text):
            return True
    unit = analysis.unit(path)
    return any(analysis.class_of(unit, fid) != cls for fid in unit.readers.get(f".{name}", ()))


# ----------------------------------------------------------------------------- whole functions


def _functions(analysis: Analysis) -> Iterator[Finding]:
    """Functions whose result Python, a cache or a framework uses at once."""
    for f in analysis.graph.functions.values():
        if f.kind is not FunctionKind.FUNCTION:
            continue
        last = f.name.rpartition(".")[2]
        returned = _returned(analysis, f)
        gives = f.is_async and not f.is_generator and not f.is_contextmanager
        caches = outside.CACHES.intersection(f.decorators)
        if caches and (gives or returned is not None):
            text = f"@{min(caches)} keeps the coroutine of {f.name}: a second await of it raises"
            yield _of(f, CACHED, text, "cache the awaited result", returned)
        elif f.cls and last in outside.SYNC_DUNDERS and (gives or returned is not None):
            text = f"Python uses what {f.name} gives at once, and it gives a coroutine"
            yield _of(f, DUNDER, text, "await in a method of another name", returned)
        elif f.is_property and returned is not None and not gives:
            if not _is_read(analysis, f) and not _says_awaitable(analysis, f):
                text = f"the property {f.name} gives a coroutine to whatever reads it"
                way = "make it an async method, or read the value before"
                yield _of(f, PROPERTY, text, way, returned)
        elif f.is_async and returned is not None and _is_route(f):
            text = f"{f.name} returns a coroutine to the framework, which expects its result"
            yield _of(f, RETURNED, text, f"`return await {returned.text}`", returned)


def _of(f: Function, rule: str, text: str, way: str, origin: Origin | None) -> Finding:
    chain: tuple[Step, ...] = ()
    if origin is not None:
        step = Step(f"{f.name} returns `{origin.text}`", origin.path, origin.span[0])
        chain = (step, *origin.steps)
    return Finding(f.path, f.line, f.span[1], rule, text, way, chain)


def _returned(analysis: Analysis, f: Function) -> Origin | None:
    """The coroutine that a function's body returns."""
    summary = analysis.summaries.get(f.id)
    if summary is None or f.is_generator:
        return None
    found = [
        origin
        for origin, depth in objects(summary.returns)
        if origin.what is What.COROUTINE and depth == 0
    ]
    return min(found, key=lambda o: (o.path, o.span)) if found else None


def _is_route(f: Function) -> bool:
    return any(outside.ROUTES.search(name) for name in f.decorators)


def _is_read(analysis: Analysis, f: Function) -> bool:
    """Code of the project reads the property: what it does with the coroutine is judged there."""
    return any(
        target.function == f.id
        for site in analysis.graph.sites
        if site.protocol is Protocol.ATTRIBUTE
        for target in site.targets
    )


def _says_awaitable(analysis: Analysis, f: Function) -> bool:
    """The annotation says what it gives, so readers know."""
    node = analysis.definition(f.id)
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.returns is None:
        return False
    return re.search(r"Awaitable|Coroutine|Future|Task", ast.unparse(node.returns)) is not None
