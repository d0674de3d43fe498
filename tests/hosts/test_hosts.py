"""Hosts: small real programs, migrated in part, then run where such programs run.

Each folder holds a sync program and a `host.toml`:

about     what it shows
steps     the modules of each `apply --module ...`, one step after the other; the program runs
          after each of them
runs      `command` (after the interpreter), the `status` that the original ends with,
          `interrupt_after` (send SIGINT once this is on stdout), `drop` (a pattern that is not
          compared)
requests  how the requests that a server got are compared: "ordered", "unordered" (threads), or
          "kinds" (each kind once: a loop that is interrupted polls a while longer or shorter)
waits_for why the test is expected to fail today
refused   for places where no bridge may stand: files that `diff` has to name; nothing is applied
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.echo_server import serving
from tests.e2e.never_awaited import watching

HERE = Path(__file__).parent
SECONDS = 60
"""A program that takes longer hangs."""

Request = tuple[str, str, str, str]


@dataclass(frozen=True)
class Run:
    """How a program is started, and what must not differ."""

    command: list[str]
    status: int
    interrupt_after: str = ""
    drop: str = ""


@dataclass(frozen=True)
class Host:
    name: str
    about: str
    steps: list[list[str]]
    runs: list[Run]
    requests: str = "ordered"
    refused: list[str] = field(default_factory=list)
    waits_for: str = ""

    @classmethod
    def read(cls, file: Path) -> Host:
        settings: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        runs = [Run(**run) for run in settings.pop("runs")]
        return cls(name=file.parent.name, runs=runs, **settings)


@dataclass(frozen=True)
class Outcome:
    """What a user, her shell and the servers of others see of a run."""

    status: int
    output: str
    requests: list[Request]


def parameters(*, refused: bool) -> list[Any]:
    return [
        pytest.param(
            host,
            id=host.name,
            marks=pytest.mark.xfail(reason=host.waits_for) if host.waits_for else (),
        )
        for host in HOSTS
        if bool(host.refused) is refused
    ]


HOSTS = [Host.read(file) for file in sorted(HERE.glob("*/host.toml"))]


def copied(host: Host, target: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", "host.toml")
    shutil.copytree(HERE / host.name, target, ignore=ignored)
    return target


def asyncshift(project: Path, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "asyncshift", command, *options, "."],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def migrate(project: Path, modules: list[str]) -> None:
    options = [option for module in modules for option in ("--module", module)]
    done = asyncshift(project, "apply", "--yes", *options)
    assert done.returncode == 0, done.stdout + done.stderr


def execute(project: Path, host: Host, run: Run) -> tuple[Outcome, str]:
    """Run a program to its end.  The second result is for those who look for a reason."""
    with serving() as server, watching() as watch:
        environment = watch.environment(
            {
                **os.environ,
                "BASE_URL": server.url,
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": str(project),
            }
        )
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore::ResourceWarning", *run.command],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        output, errors = ended(process, run)
        assert not watch.seen(), errors
        requests = [
            (str(asked["method"]), str(asked["path"]), str(asked["args"]), str(asked["body"]))
            for asked in server.log
        ]
    match host.requests:
        case "unordered":
            requests.sort()
        case "kinds":
            requests = sorted(set(requests))
    output = re.sub(run.drop, "", output) if run.drop else output
    return Outcome(process.returncode, output, requests), errors


def ended(process: subprocess.Popen[str], run: Run) -> tuple[str, str]:
    """What a process wrote, once it and all its children have ended; interrupted where wanted."""
    overdue = threading.Timer(SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    overdue.start()
    try:
        assert process.stdout is not None
        begin = list(until(process.stdout, run.interrupt_after)) if run.interrupt_after else []
        if run.interrupt_after:
            threading.Event().wait(0.3)  # so that it is in the midst of its loop
            process.send_signal(signal.SIGINT)
        rest, errors = process.communicate()
    finally:
        overdue.cancel()
    assert process.returncode != -signal.SIGKILL, f"it hangs: {errors}"
    return "".join(begin) + rest, errors


def until(lines: Iterator[str], wanted: str) -> Iterator[str]:
    for line in lines:
        yield line
        if wanted in line:
            return


@pytest.fixture(autouse=True)
def children_heed_ctrl_c() -> Iterator[None]:
    """A job in the background ignores SIGINT, and so would its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals, fork and gunicorn")
@pytest.mark.parametrize("host", parameters(refused=False))
def test_host(host: Host, tmp_path: Path) -> None:
    original = copied(host, tmp_path / "original")
    expected = [execute(original, host, run) for run in host.runs]
    for run, (outcome, errors) in zip(host.runs, expected, strict=True):
        assert outcome.status == run.status, errors
    project = copied(host, tmp_path / "migrated")
    for step in host.steps:
        before = texts(project)
        migrate(project, step)
        changed = {path for path, text in texts(project).items() if before.get(path) != text}
        assert [path for path in changed if "_run_sync" not in path], f"{step} changed nothing"
        for run, (outcome, _) in zip(host.runs, expected, strict=True):
            found, errors = execute(project, host, run)
            assert found == outcome, f"after {step}: {errors}"


@pytest.mark.parametrize("host", parameters(refused=True))
def test_host_is_refused(host: Host, tmp_path: Path) -> None:
    original = copied(host, tmp_path / "original")
    expected = [execute(original, host, run) for run in host.runs]
    project = copied(host, tmp_path / "migrated")
    for step in host.steps:
        options = [option for module in step for option in ("--module", module)]
        said = asyncshift(project, "diff", *options)
        for place in host.refused:
            assert place in said.stderr, f"{place} is not named:\n{said.stderr}"
        asyncshift(project, "apply", "--yes", *options)
        for run, (outcome, _) in zip(host.runs, expected, strict=True):
            found, errors = execute(project, host, run)
            assert found == outcome, f"after {step}: {errors}"


def texts(project: Path) -> dict[str, str]:
    return {
        str(path.relative_to(project)): path.read_text(encoding="utf-8")
        for path in sorted(project.rglob("*.py"))
    }
