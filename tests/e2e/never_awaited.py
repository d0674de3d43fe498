"""Coroutines that a child process left behind without awaiting them.

The warning of such a coroutine is raised in its destructor, so `-W error` ends with status 0, and a
program may throw its stderr away: here the warning becomes an exception that cannot be raised,
`sys.unraisablehook` gets it, and writes it into a file of ours.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LOG = "ASYNCSHIFT_NEVER_AWAITED"
_HOOK = f'''\
"""Loaded by every Python that a watched program starts."""

import os
import sys
import warnings


def record(unraisable, path=os.environ["{_LOG}"], kind=RuntimeWarning, default=sys.unraisablehook):
    if isinstance(unraisable.exc_value, kind):
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, f"{{unraisable.exc_value}}\\n".encode())
        os.close(log)
    default(unraisable)


sys.unraisablehook = record
warnings.filterwarnings("error", message="coroutine .* was never awaited", category=RuntimeWarning)
'''


@dataclass(frozen=True)
class Watch:
    """Environment variables that watch a child, and what was seen."""

    folder: Path

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """The variables of `base`, with the hook before everything in PYTHONPATH."""
        paths = [str(self.folder), *filter(None, [base.get("PYTHONPATH")])]
        log = str(self.folder / "log")
        return {**base, "PYTHONPATH": os.pathsep.join(paths), _LOG: log}

    def seen(self) -> list[str]:
        """`coroutine 'f' was never awaited`, once for each coroutine."""
        log = self.folder / "log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch the children that are started with its environment."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
        yield Watch(Path(folder))
