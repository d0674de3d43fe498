"""What Python programs do while a command runs: coroutines that nobody awaits, blocked loops.

A `sitecustomize` on PYTHONPATH, loaded by every Python that the command starts, writes lines of
JSON into a file of ours.  It changes nothing that a program can see: a sitecustomize of the
environment is loaded after it, asyncio is not imported before the program does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

_LOG = "ASYNCSHIFT_WATCH_LOG"
_HOOK = '''\
"""Loaded by every Python that a watched command starts."""

import importlib.machinery
import os
import sys

_LOG = os.environ.get("ASYNCSHIFT_WATCH_LOG", "")
_LIMIT = float(os.environ.get("ASYNCSHIFT_WATCH_LIMIT", "0.5"))
_ROOT = os.environ.get("ASYNCSHIFT_WATCH_ROOT", "")
_ORIGINAL = os.environ.get("ASYNCSHIFT_WATCH_ORIGINAL", "")
_HERE = os.path.dirname(os.path.abspath(__file__))


def _tell(**line):
    import json

    log = os.open(_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(log, json.dumps(line).encode() + b"\\n")
    finally:
        os.close(log)


def _watch_coroutines():
    import warnings

    told = warnings._warn_unawaited_coroutine

    def warn(coroutine):
        origin = getattr(coroutine, "cr_origin", None) or ()
        inside = [place for place in origin if place[0].startswith(_ROOT)]
        code = getattr(coroutine, "cr_code", None)
        if inside:
            path, number = inside[0][:2]
        elif code is not None:
            path, number = code.co_filename, code.co_firstlineno
        else:
            path, number = "", 0
        _tell(kind="unawaited", path=path, line=number, name=coroutine.__qualname__)
        told(coroutine)

    warnings._warn_unawaited_coroutine = warn
    sys.set_coroutine_origin_tracking_depth(8)


def _watch_loops(events):
    import threading
    import time

    running, told = {}, set()
    run = events.Handle._run

    def watched(handle):
        thread = threading.get_ident()
        before = running.get(thread)
        running[thread] = time.monotonic()
        try:
            return run(handle)
        finally:
            if before is None:
                running.pop(thread, None)
            else:
                running[thread] = before

    def used(thread):
        try:
            return time.clock_gettime(time.pthread_getcpuclockid(thread))
        except (AttributeError, OSError):
            return 0.0

    def place(thread):
        frame = sys._current_frames().get(thread)
        while frame is not None and not frame.f_code.co_filename.startswith(_ROOT):
            frame = frame.f_back
        if frame is not None:
            return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name

    def look():
        seen = {}
        while True:
            time.sleep(_LIMIT / 4)
            now = time.monotonic()
            for thread, since in list(running.items()):
                if now - since < _LIMIT / 4:
                    continue
                where, first = place(thread), seen.get(thread)
                if first is None or first[:2] != (since, where):
                    seen[thread] = (since, where, now, used(thread))
                    continue
                waited = now - first[2]
                computed = used(thread) - first[3]
                stood = waited >= _LIMIT * 0.7 and computed < waited / 10
                if where and stood and where not in told:
                    told.add(where)
                    _tell(kind="blocked", path=where[0], line=where[1], name=where[2])

    def begin():
        running.clear()
        threading.Thread(target=look, name="asyncshift watch", daemon=True).start()

    events.Handle._run = watched
    begin()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=begin)


class _Finder:
    """Watches loops as soon as the program imports asyncio."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "asyncio.events":
            return None
        sys.meta_path.remove(_Finder)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                _watch_loops(module)

            spec.loader.exec_module = exec_module
        return spec


def _at_exit():
    names = [
        module.__file__
        for module in list(sys.modules.values())
        if isinstance(getattr(module, "__file__", None), str)
    ]
    inside = [name for name in names if name.startswith(_ORIGINAL + os.sep)]
    stray = [name for name in inside if "site-packages" not in name and name.endswith(".py")]
    if stray:
        _tell(kind="stray", path=min(stray), line=0, name="")


def _load_next():
    rest = [place for place in sys.path if os.path.abspath(place or ".") != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if _LOG:
    import atexit

    _tell(kind="started", path="", line=0, name="")
    _watch_coroutines()
    sys.meta_path.insert(0, _Finder)
    atexit.register(_at_exit)
_load_next()
'''


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """One thing that happened: `unawaited`, `blocked`, `stray` (a module of the original tree was
    imported) or `started`, at a place of the copy."""

    kind: str
    path: str
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Watch:
    """Environment variables that watch a command in a copy, and what was seen."""

    folder: Path
    root: Path
    original: Path

    def environment(
        self, base: Mapping[str, str], sources: Sequence[Path], limit: float
    ) -> dict[str, str]:
        """`base` with the hook, and with the copy's source folders before everything else."""
        given = base.get("PYTHONPATH", "").split(os.pathsep)
        first = [str(self.folder), *map(str, sources)]
        paths = [*first, *(path for path in given if path and path not in first)]
        return {
            **base,
            "PYTHONPATH": os.pathsep.join(paths),
            _LOG: str(self.folder / "log"),
            "ASYNCSHIFT_WATCH_LIMIT": str(limit),
            "ASYNCSHIFT_WATCH_ROOT": str(self.root),
            "ASYNCSHIFT_WATCH_ORIGINAL": str(self.original),
        }

    def seen(self) -> tuple[Seen, ...]:
        """What happened, each once; paths below the copy are relative to it."""
        log = self.folder / "log"
        if not log.exists():
            return ()
        found: dict[Seen, None] = {}
        for line in log.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            path = Path(entry["path"])
            if path.is_relative_to(self.root):
                path = path.relative_to(self.root)
            found[Seen(entry["kind"], path.as_posix(), entry["line"], entry["name"])] = None
        return tuple(sorted(found))


@contextmanager
def watching(root: Path, original: Path) -> Iterator[Watch]:
    """Watch what runs in the copy at `root` of a project at `original`."""
    with TemporaryDirectory(prefix="asyncshift-watch-") as folder:
        Path(folder, "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
        yield Watch(Path(folder), root, original)
