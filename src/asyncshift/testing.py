"""Which of a project's tests may turn async, and what would run them.

pytest runs an `async def` only with a plugin, pytest-asyncio's or anyio's; unittest has a class for
it.  Read by the pins, the decisions and the steps; the plugin's settings are read, and written,
by `plugin_settings`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from asyncshift.model import Function, FunctionId, FunctionKind, Graph, Plan, Project
from asyncshift.pins import is_test_file

TEST_CASES = frozenset[str | None]({"unittest.TestCase", "unittest.case.TestCase"})
ISOLATED = "unittest.IsolatedAsyncioTestCase"
_ISOLATED = frozenset[str | None]({ISOLATED, "unittest.async_case.IsolatedAsyncioTestCase"})
_BESIDE = frozenset[str | None]({"builtins.object", "abc.ABC", "typing.Protocol", "typing.Generic"})
ASYNC_SETUP = {"setUp": "asyncSetUp", "tearDown": "asyncTearDown"}
"""Methods of a test case whose async form has another name."""
_RUNNING = frozenset({"run", "debug", "__call__", "runTest", *ASYNC_SETUP.values()})
"""Methods that a test case must not have of its own, to be run by the class for async ones."""
FIXTURES = frozenset({"pytest.fixture", "pytest.yield_fixture"})
_TOLERANT = re.compile(
    r"pytest\.(mark\.|fixture$|yield_fixture$)|(unittest\.)?mock\.patch\b|patch(\.object|\.dict)?$"
    r"|unittest\.(skip\w*|expectedFailure)$|(unittest\.)?case\.(skip\w*|expectedFailure)$"
)
"""Decorators of tests that treat an `async def` as they treat a `def`."""


def tolerates(decorator: str) -> bool:
    """Whether a decorator of a test leaves a coroutine function one."""
    return _TOLERANT.match(decorator) is not None


def is_test_part(f: Function) -> bool:
    """Whether a test runner calls it: a test, a fixture, the `setUp` of a test case."""
    if f.kind is not FunctionKind.FUNCTION or not is_test_file(f.path):
        return False
    return test_part(f) != "test" or f.name.rpartition(".")[2].startswith("test")


def test_part(f: Function) -> str:
    """Whose it is: `case` for a test case's, `fixture`, or `test`."""
    if (f.overrides or "").rpartition(".")[0] in TEST_CASES | _ISOLATED:
        return "case"
    return "test" if FIXTURES.isdisjoint(f.decorators) else "fixture"


def async_tests(graph: Graph, project: Project) -> frozenset[FunctionId]:
    """The tests, fixtures and methods of test cases that may turn."""
    runs, (cases, plain) = project.tests, _test_classes(graph)
    own = {f"{f.module}.{f.name}" for f in graph.functions.values()}
    found = set()
    for f in graph.functions.values():
        if f.is_async or not is_test_part(f) or f.is_property or f.pragma is not None:
            continue
        if not all(tolerates(name) for name in f.decorators if name not in own):
            continue
        part = test_part(f)
        if part == "case":
            may = runs.unittest and f.cls in cases and _turns_in_case(f)
        else:
            may = bool(runs.pytest) and (f.cls is None or f.cls in plain)
            may = may and (part == "fixture" or not f.is_generator)
        if may:
            found.add(f.id)
    return frozenset(found)


def needs_plugin(plan: Plan, project: Project) -> bool:
    """Whether pytest's plugin for async tests has to be configured for what a plan turns."""
    return project.tests.configure and any(
        decision.detail.get("test", "case") != "case" for decision in plan.decisions
    )


def _turns_in_case(f: Function) -> bool:
    last = f.name.rpartition(".")[2]
    return not f.is_generator and (last in ASYNC_SETUP or last.startswith("test"))


def _test_classes(graph: Graph) -> tuple[set[FunctionId], set[FunctionId]]:
    """Classes of test cases all of whose relatives can be run by the class for async ones, in files
    of tests with no base from elsewhere; and classes without any base from elsewhere."""
    relatives: dict[FunctionId, set[FunctionId]] = defaultdict(set)
    classes = {f.id: f for f in graph.functions.values() if f.kind is FunctionKind.CLASS}
    methods = {f.cls for f in graph.functions.values() if f.name.rpartition(".")[2] in _RUNNING}
    for f in classes.values():
        for base in f.bases:
            if base.function is not None:
                relatives[f.id].add(base.function)
                relatives[base.function].add(f.id)
    cases: set[FunctionId] = set()
    plain: set[FunctionId] = set()
    seen: set[FunctionId] = set()
    for fid in sorted(classes):
        if fid in seen:
            continue
        group = _connected(fid, relatives)
        seen |= group
        outside = {b.api for one in group for b in classes[one].bases if b.function is None}
        outside -= _BESIDE
        if not outside:
            plain |= group
        elif (
            outside <= TEST_CASES | _ISOLATED
            and not methods & group
            and all(is_test_file(classes[one].path) for one in group)
        ):
            cases |= group
    return cases, plain


def _connected(
    start: FunctionId, relatives: Mapping[FunctionId, Iterable[FunctionId]]
) -> set[FunctionId]:
    found, queue = {start}, [start]
    while queue:
        fresh = set(relatives.get(queue.pop(), ())) - found
        found |= fresh
        queue += fresh
    return found


def run_classes(graph: Graph) -> dict[FunctionId, tuple[FunctionId, ...]]:
    """For the classes of test cases and their mixins: the classes that name `unittest.TestCase` as
    a base of what runs their methods."""
    classes = {f.id: f for f in graph.functions.values() if f.kind is FunctionKind.CLASS}
    above = {
        fid: [base.function for base in f.bases if base.function is not None]
        for fid, f in classes.items()
    }
    found: dict[FunctionId, set[FunctionId]] = defaultdict(set)
    for fid in classes:
        line = _connected(fid, above)
        named = {one for one in line if any(b.api in TEST_CASES for b in classes[one].bases)}
        for one in line if named else ():
            found[one] |= named
    return {fid: tuple(sorted(named)) for fid, named in found.items()}
