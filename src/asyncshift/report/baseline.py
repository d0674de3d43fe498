"""What a tree had when its baseline was written, so that only what is new fails.

One JSON file in the repository: how many blocking calls, facades and bridges each file has, and the
findings that were there.  No numbers of lines, so that edits above do not matter.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncshift.check import Finding
from asyncshift.codemod import Registry
from asyncshift.errors import InputError
from asyncshift.model import Graph, Project
from asyncshift.report.status import counted

PLACE = ".asyncshift/baseline.json"
FORMAT = 1
KINDS = {"blocking": "blocking calls", "facades": "facades", "bridges": "bridges"}
_AGAIN = "Write a new one with `asyncshift check --write-baseline`."

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Counts by file, and how often each finding was there."""

    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    findings: Mapping[Key, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """Findings that are new, and how many less there are of what the baseline counts."""

    findings: tuple[Finding, ...]
    known: int
    less: Mapping[str, int]


def take(
    project: Project, graph: Graph, registry: Registry, findings: Sequence[Finding]
) -> Baseline:
    """The baseline of the selected files as they are."""
    files = {file.path: file for file in project.files if file.selected}
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for path, column in counted(graph, registry, files):
        if column in KINDS:
            counts[path][column] += 1
    known = Counter(_key(finding) for finding in findings if not finding.listed)
    return Baseline({path: dict(found) for path, found in counts.items()}, dict(known))


def compare(
    now: Baseline, before: Baseline, project: Project, findings: Sequence[Finding]
) -> Compared:
    """What is there now and was not; more of something is a finding in each file that has more."""
    left = Counter(before.findings)
    fresh = []
    for finding in findings:
        if not finding.listed and left[_key(finding)] > 0:
            left[_key(finding)] -= 1
        else:
            fresh.append(finding)
    known = len(findings) - len(fresh)
    selected = {file.path for file in project.files if file.selected}
    gone = before.counts.keys() - {file.path for file in project.files}
    less = {}
    for kind, name in KINDS.items():
        was = {p: c.get(kind, 0) for p, c in before.counts.items() if p in selected | gone}
        has = {p: c.get(kind, 0) for p, c in now.counts.items()}
        total = sum(has.values()) - sum(was.values())
        if total < 0:
            less[name] = -total
        for path, count in sorted(has.items()) if total > 0 else ():
            if count > was.get(path, 0):
                text = (
                    f"{count} {name}, and {was.get(path, 0)} in the baseline; in all "
                    f"{sum(has.values())} instead of {sum(was.values())}"
                )
                way = "undo that, or write a new baseline with --write-baseline"
                fresh.append(Finding(path, 1, 0, f"more-{kind}", text, way))
    return Compared(tuple(fresh), known, less)


def _key(finding: Finding) -> Key:
    return finding.path, finding.rule, finding.text


# ----------------------------------------------------------------------------- the file


def to_text(baseline: Baseline) -> str:
    """A baseline as its file holds it."""
    content = {
        "format": FORMAT,
        "counts": {path: dict(sorted(c.items())) for path, c in sorted(baseline.counts.items())},
        "findings": [
            {"path": path, "rule": rule, "text": text, "count": count}
            for (path, rule, text), count in sorted(baseline.findings.items())
        ],
    }
    return json.dumps(content, indent=1) + "\n"


def merged(now: Baseline, before: Baseline, project: Project) -> Baseline:
    """The new baseline, with what the old one has of files that were not selected this time."""
    other = {file.path for file in project.files if not file.selected}
    counts = {path: c for path, c in before.counts.items() if path in other}
    findings = {key: count for key, count in before.findings.items() if key[0] in other}
    return Baseline({**counts, **now.counts}, {**findings, **now.findings})


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Store a baseline, in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(to_text(baseline), encoding="ascii")
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=str(path)) from error


def read_baseline(path: Path) -> Baseline | None:
    """The baseline of a file; None where there is none, `InputError` for nonsense."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path)) from error
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON: {error}", path=str(path), hint=_AGAIN) from error
    match content:
        case {"format": 1, "counts": dict(counts), "findings": list(findings)}:
            return Baseline(_counts(path, counts), dict(_finding(path, one) for one in findings))
    raise InputError("is no baseline of this version", path=str(path), hint=_AGAIN)


def _counts(path: Path, content: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    for found in content.values():
        if not isinstance(found, dict) or not all(isinstance(n, int) for n in found.values()):
            raise InputError("has counts that are none", path=str(path), hint=_AGAIN)
    return dict(content)


def _finding(path: Path, content: object) -> tuple[Key, int]:
    match content:
        case {"path": str(place), "rule": str(rule), "text": str(text), "count": int(count)}:
            return (place, rule, text), count
    raise InputError("has a finding that is none", path=str(path), hint=_AGAIN)
