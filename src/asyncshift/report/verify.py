"""A verdict of `verify` as text and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from itertools import groupby

from rich.text import Text

from asyncshift.verify import FAILED, PASSED, Run, Verdict

SHOWN = 25
OUTPUT = 15


def verdict_json(verdict: Verdict) -> str:
    """Everything, machine-readable."""
    content = dataclasses.asdict(verdict)
    for blamed in content["blamed"]:
        blamed["names"] = sorted(blamed["names"])
    for run in ("before", "after"):
        tests = getattr(verdict, run).tests
        content[run]["tests"] = None if tests is None else [
            dataclasses.asdict(test) for test in tests.values()
        ]  # fmt: skip
    return json.dumps(content, indent=1)


def verdict_text(verdict: Verdict, quarantined: bool) -> Iterator[Text]:
    """The answer, what is worse with its places, who is guilty, and the run times."""
    if not verdict.worse:
        rest = f" without {_some(verdict)}" if verdict.blamed else ""
        yield Text(f"The migrated tree does as the original did{rest}.", style="bold green")
    else:
        yield Text("The migrated tree does not do as the original did.", style="bold red")
    for blamed in verdict.blamed:
        word = "set aside" if quarantined else "guilty"
        runs = f"found in {blamed.runs} runs" if blamed.runs != 1 else "found in 1 run"
        yield Text()
        head = f"[{blamed.number}] {blamed.title}"
        yield Text.assemble((f"{word}: ", "bold"), f"{head}  ({runs})")
        yield Text(f"  {', '.join(sorted(blamed.names))}", style="dim")
        for worse in blamed.worse[:SHOWN]:
            place = f"{worse.path}:{worse.line}: " if worse.path else ""
            yield Text(f"  {place}{worse.text}", style="red")
        if len(blamed.worse) > SHOWN:
            yield Text(f"  and {len(blamed.worse) - SHOWN} more (--format json lists all)")
    if verdict.worse and not verdict.blamed:
        for rule, found in groupby(verdict.worse, key=lambda worse: worse.rule):
            yield Text(f"  {rule}: {', '.join(worse.text for worse in found)}", style="red")
    if verdict.worse:
        yield Text("\nThe last lines of the run on the migrated tree:", style="bold")
        for line in verdict.after.output[-OUTPUT:]:
            yield Text(f"  {line}", style="dim")
    yield Text()
    yield Text(f"original  {_run(verdict.before)}")
    yield Text(f"migrated  {_run(verdict.after)}  ({verdict.sets} change-sets)")
    if not verdict.after.of("started"):
        text = "No Python of the command was seen to start: coroutines and loops were not watched."
        yield Text(text, style="yellow")


def _run(run: Run) -> str:
    seconds = f"{run.seconds:6.2f} s, exit {run.status}"
    if run.tests is None:
        return seconds
    outcomes = [test.outcome for test in run.tests.values()]
    return f"{seconds}, {outcomes.count(PASSED)} passed, {outcomes.count(FAILED)} failed"


def _some(verdict: Verdict) -> str:
    count = len(verdict.blamed)
    return "1 change-set" if count == 1 else f"{count} change-sets"
