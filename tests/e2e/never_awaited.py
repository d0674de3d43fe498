"""What a child process did wrong: coroutines that nobody awaited, and blocking calls on the loop.

The warning of such a coroutine is raised in its destructor, so `-W error` ends with status 0, and a
program may throw its stderr away: here the warning becomes an exception that cannot be raised,
`sys.unraisablehook` gets it, and writes it into a file of ours.

blockbuster sees the blocking calls that are Python's own (`time.sleep`, sockets, sqlite3); what
blocks in C shows in asyncio's debug mode, which logs callbacks that took long; on Linux, where the
kernel tells how long a thread waited for something else than the CPU.  Files are left out: reading
a short one on the loop is no mistake.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_LOG = "ASYNCSHIFT_NEVER_AWAITED"
_BLOCKED = "ASYNCSHIFT_BLOCKED"
SLOW = 0.3
"""So many seconds of one callback count, without those that it computed or waited for the CPU."""
_HOOK = f'''\
"""Loaded by every Python that a watched program starts."""

import os
import sys
import warnings


def record(unraisable, path=os.environ["{_LOG}"], kind=RuntimeWarning, default=sys.unraisablehook):
    if isinstance(unraisable.exc_value, kind):
        write(path, str(unraisable.exc_value).partition("\\n")[0])
    default(unraisable)


def write(path, text):
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{{text}}\\n".encode())
    os.close(log)


sys.unraisablehook = record
warnings.filterwarnings("error", message="coroutine .* was never awaited", category=RuntimeWarning)
if "{_BLOCKED}" in os.environ:
    import asyncio
    import logging
    import time

    import blockbuster

    waited = [0.0]

    def seconds():
        """That this thread neither computed nor waited for the CPU, from some time on."""
        with open("/proc/thread-self/schedstat") as file:
            computed, queued, _ = map(int, file.read().split())
        return time.perf_counter() - (computed + queued) / 1e9

    def run(handle, original=asyncio.Handle._run):
        start = seconds()
        original(handle)
        waited[:] = [seconds() - start]

    class Told(logging.Handler):
        def emit(self, record, path=os.environ["{_BLOCKED}"]):
            if record.getMessage().startswith("Executing") and waited[0] >= {SLOW}:
                write(path, record.getMessage())

    if os.path.exists("/proc/thread-self/schedstat"):
        asyncio.Handle._run = run

    def told(self, function, path=os.environ["{_BLOCKED}"]):
        write(path, f"blocking call of {{function}}")
        Exception.__init__(self, f"blocking call of {{function}}")

    logging.getLogger("asyncio").addHandler(Told())
    blockbuster.BlockingError.__init__ = told
    for name, function in blockbuster.BlockBuster().functions.items():
        if name.startswith(("time.", "socket.", "ssl.", "sqlite3.", "builtins.")):
            function.activate()
'''


@dataclass(frozen=True)
class Watch:
    """Environment variables that watch a child, and what was seen."""

    folder: Path
    loop: bool = False
    """Blocking calls on the event loop are watched too."""

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """The variables of `base`, with the hook before everything in PYTHONPATH."""
        paths = [str(self.folder), *filter(None, [base.get("PYTHONPATH")])]
        log = str(self.folder / "log")
        found = {**base, "PYTHONPATH": os.pathsep.join(paths), _LOG: log}
        if self.loop and find_spec("blockbuster"):
            found |= {_BLOCKED: str(self.folder / "blocked"), "PYTHONASYNCIODEBUG": "1"}
        return found

    def seen(self) -> list[str]:
        """`coroutine 'f' was never awaited`, once for each coroutine."""
        return self._lines("log")

    def blocked(self) -> list[str]:
        """`blocking call of time.sleep`, once for each call."""
        return self._lines("blocked")

    def _lines(self, name: str) -> list[str]:
        log = self.folder / name
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@contextmanager
def watching(loop: bool = False) -> Iterator[Watch]:
    """Watch the children that are started with its environment."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
        yield Watch(Path(folder), loop)
