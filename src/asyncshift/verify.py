"""The project's own tests on the original and on the migrated tree, compared test by test.

`run_in` runs a command in a scratch copy, `compare` says what is worse than before, `guilty` finds
the first change-set with which it is, by bisection over prefixes: callees come first, so that every
prefix is a tree that works.
"""

from __future__ import annotations

import os
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from asyncshift.drafts import Draft, Drafts
from asyncshift.errors import InputError
from asyncshift.model import FileChange, Project
from asyncshift.scratch import Copy, scratch
from asyncshift.watch import Seen, watching

PASSED, SKIPPED, FAILED, GONE = "passed", "skipped", "failed", "gone"
_KEPT = 40
"""Lines of output that are kept of a run."""
_FAILING = frozenset({FAILED, GONE})


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test: how it ended, its place and what it said."""

    name: str
    outcome: str
    path: str = ""
    line: int = 0
    message: str = ""
    __test__ = False


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command."""

    status: int
    seconds: float
    tests: Mapping[str, TestResult] | None
    """None where the command wrote no JUnit report."""
    seen: tuple[Seen, ...]
    output: tuple[str, ...]
    """The last lines of what it wrote."""

    def of(self, kind: str) -> tuple[Seen, ...]:
        return tuple(one for one in self.seen if one.kind == kind)


@dataclass(frozen=True, slots=True)
class Worse:
    """Something that is worse than before: a test, a coroutine, a blocked loop, or the exit."""

    rule: str
    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """What to run for a project, from which of its folders, and how long a loop may stand still."""

    arguments: tuple[str, ...]
    project: Project
    folder: Path
    limit: float = 0.5
    timeout: float | None = None


# ----------------------------------------------------------------------------- one run


def run_on(command: Command, changes: Iterable[FileChange] = ()) -> Run:
    """Run the command in a fresh copy of the project with these changes."""
    with scratch(Path(command.project.root), changes) as copy:
        return run_in(command, copy)


def run_in(command: Command, copy: Copy) -> Run:
    """Run the command in a copy; `InputError` when it cannot be started."""
    original = Path(command.project.root).resolve()
    with watching(copy.root, original) as watch:
        report = watch.folder / "junit.xml"
        base = {key: _moved(value, copy) for key, value in os.environ.items()}
        environment = watch.environment(base, _sources(command.project, copy), command.limit)
        options = f"--junitxml='{report}' -o junit_family=xunit1"
        environment["PYTEST_ADDOPTS"] = f"{base.get('PYTEST_ADDOPTS', '')} {options}".strip()
        begun = time.monotonic()
        try:
            done = subprocess.run(
                command.arguments,
                cwd=copy.place(command.folder.resolve()),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=command.timeout,
                check=False,
            )
        except OSError as error:
            name = command.arguments[0]
            raise InputError(f"{name} cannot be started: {error.strerror}") from error
        except subprocess.TimeoutExpired as expired:
            lines = (*_last(expired.stdout or b""), f"(ended after {expired.timeout:g} s)")
            return Run(124, expired.timeout, None, watch.seen(), lines)
        seconds = time.monotonic() - begun
        tests = read_junit(report, copy.root) if report.exists() else None
        return Run(done.returncode, seconds, tests, watch.seen(), tuple(_last(done.stdout)))


def _moved(value: str, copy: Copy) -> str:
    """Paths of the original in a variable such as PYTHONPATH, as those of the copy; virtual
    environments stay where they are."""
    parts = value.split(os.pathsep)
    original = str(copy.original)
    moved = [
        str(copy.place(Path(part)))
        if part == original or (part.startswith(original + os.sep) and _is_source(Path(part)))
        else part
        for part in parts
    ]
    return os.pathsep.join(moved)


def _is_source(path: Path) -> bool:
    return not any((place / "pyvenv.cfg").is_file() for place in (path, *path.parents))


def _sources(project: Project, copy: Copy) -> list[Path]:
    """The folders from which the project's modules are imported, most modules first."""
    counts: dict[str, int] = {}
    for file in project.files:
        inside = file.module.replace(".", "/") + ("/__init__.py" if file.is_package else ".py")
        if file.path.endswith(inside) and "." in f"{file.module}{'.' * file.is_package}":
            top = file.path[: -len(inside)].rstrip("/")
            counts[top] = counts.get(top, 0) + 1
    return [copy.root / top for top, _ in sorted(counts.items(), key=lambda item: -item[1])]


def _last(output: bytes) -> list[str]:
    return output.decode("utf-8", "replace").splitlines()[-_KEPT:]


def read_junit(path: Path, root: Path) -> dict[str, TestResult] | None:
    """The tests of a JUnit report by name; None when it is not whole."""
    try:
        tree = ET.parse(path)
    except (ET.ParseError, OSError):
        return None
    found: dict[str, TestResult] = {}
    for case in tree.iter("testcase"):
        name = "::".join(filter(None, [case.get("classname", ""), case.get("name", "")]))
        bad = [part for part in case if part.tag in ("failure", "error")]
        outcome = FAILED if bad else SKIPPED if case.find("skipped") is not None else PASSED
        message = (bad[0].get("message") or "") if bad else ""
        file, line = case.get("file", ""), case.get("line", "")
        result = TestResult(name, outcome, file, int(line) + 1 if line.isdigit() else 0, message)
        if name not in found or found[name].outcome != FAILED:
            found[name] = result
    return found


# ----------------------------------------------------------------------------- comparing


def compare(before: Run, after: Run) -> tuple[Worse, ...]:
    """What is worse after; a test that failed before may fail."""
    found: list[Worse] = []
    if before.tests is not None and after.tests is not None:
        found += _tests(before.tests, after.tests)
    elif before.tests is not None:
        text = f"the command wrote no report of its tests, and ended with {after.status}"
        found.append(Worse("no-report", "", 0, text))
    known = {(one.kind, one.path, one.name) for one in before.seen}
    for one in after.seen:
        if one.kind in _SEEN and (one.kind, one.path, one.name) not in known:
            found.append(Worse(one.kind, one.path, one.line, _SEEN[one.kind].format(one.name)))
    if not found and after.status != before.status and after.status != 0:
        text = f"the command ended with {after.status}, and with {before.status} on the original"
        found.append(Worse("status", "", 0, text))
    return tuple(found)


_SEEN = {
    "unawaited": "the coroutine of {} was never awaited",
    "blocked": "{} blocks the event loop",
}


def _tests(before: Mapping[str, TestResult], after: Mapping[str, TestResult]) -> Iterable[Worse]:
    for name, old in before.items():
        new = after.get(name)
        if old.outcome == FAILED or (new is not None and new.outcome not in _FAILING):
            if old.outcome == PASSED and new is not None and new.outcome == SKIPPED:
                yield Worse("skipped", new.path, new.line, f"{name} is skipped: {new.message}")
            continue
        if new is None:
            yield Worse("gone", old.path, old.line, f"{name} is not run any more")
        else:
            first = new.message.partition("\n")[0]
            yield Worse("failed", new.path, new.line, f"{name} fails: {first}")
    for name, new in after.items():
        if name not in before and new.outcome == FAILED:
            yield Worse("failed", new.path, new.line, f"{name} fails, and was not there before")


# ----------------------------------------------------------------------------- the guilty one


def guilty(count: int, fails: Callable[[int], bool]) -> int:
    """The smallest number of change-sets, of 1 to `count`, with which it fails.  All are known to
    fail and none to pass; `fails` is asked ceil(log2(count)) times at most."""
    passing, failing = 0, count
    while failing - passing > 1:
        middle = (passing + failing) // 2
        if fails(middle):
            failing = middle
        else:
            passing = middle
    return failing


@dataclass(frozen=True, slots=True)
class Blamed:
    """A change-set with which something is worse: its number and title, and its functions."""

    number: int
    title: str
    names: frozenset[str]
    worse: tuple[Worse, ...]
    runs: int
    """Runs of the command that the search took."""

    @property
    def reason(self) -> str:
        """The first thing that is worse, in a line for the ledger."""
        first = self.worse[0]
        more = f" (and {len(self.worse) - 1} more)" if len(self.worse) > 1 else ""
        return f"verify: {first.text}{more}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found out; `worse` is what is left after setting aside."""

    before: Run
    after: Run
    worse: tuple[Worse, ...]
    blamed: tuple[Blamed, ...]
    sets: int
    """Change-sets that were verified at last."""


Tell = Callable[[str], None]


def verify(drafts: Drafts, command: Command, quarantine: bool, tell: Tell) -> Verdict:
    """Run the command before and after; look for the guilty change-set where something is worse,
    and with `quarantine` set it aside and go on."""
    tell("running the command on the original")
    before = _checked(run_on(command))
    blamed: list[Blamed] = []
    while True:
        declined = frozenset(name for one in blamed for name in one.names)
        draft = drafts.without(declined)
        tell(f"running it on the migrated tree ({len(draft.sets)} change-sets)")
        after = _checked(run_on(command, draft.outcome.changes))
        worse = compare(before, after)
        if worse and draft.sets:
            blamed.append(_blame(drafts, draft, command, (before, worse), tell))
        if not worse or not draft.sets or not quarantine:
            return Verdict(before, after, worse, tuple(blamed), len(draft.sets))
        tell(f"setting aside {blamed[-1].title}")


def _blame(
    drafts: Drafts, draft: Draft, command: Command, known: tuple[Run, tuple[Worse, ...]], tell: Tell
) -> Blamed:
    before, worse = known
    found = {len(draft.sets): worse}
    runs = 0

    def fails(count: int) -> bool:
        nonlocal runs
        runs += 1
        later = frozenset(name for one in draft.sets[count:] for name in draft.names(one))
        prefix = drafts.without(draft.declined | later)
        tell(f"looking for the change-set: run {runs}, with the first {count}")
        found[count] = compare(before, run_on(command, prefix.outcome.changes))
        return bool(found[count])

    number = guilty(len(draft.sets), fails)
    change = draft.sets[number - 1]
    return Blamed(change.id, change.title, draft.names(change), found[number], runs)


def _checked(run: Run) -> Run:
    """`InputError` where the original was imported in place of the copy."""
    stray = run.of("stray")
    if stray:
        raise InputError(
            "was imported from the original tree, so that its copy was not tested",
            path=stray[0].path,
            hint="Let the command find the project by its folder or by PYTHONPATH, which verify "
            "sets, and not by an absolute path.",
        )
    return run
