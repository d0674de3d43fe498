"""Seconds that functions of a project spent in calls of libraries, as a profiler saw them.

Read are what cProfile stores (`python -m cProfile -o FILE`) and the JSON of pyinstrument
(`pyinstrument -r json -o FILE`).  A profile is data: nothing in it is run.
"""

from __future__ import annotations

import json
import marshal
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncshift.errors import InputError
from asyncshift.model import Function, FunctionId, FunctionKind, Graph

_HINT = "Give what `python -m cProfile -o FILE` or `pyinstrument -r json -o FILE` wrote."
_JSON = re.compile(rb'\s*\{\s*["}]')
"""How JSON begins; a table of `marshal` begins with the same brace."""
_SCOPES = {"<module>": FunctionKind.MODULE, "<lambda>": FunctionKind.LAMBDA,
           "<genexpr>": FunctionKind.GENEXP}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frame:
    """A function as a profiler names it: where its code begins, decorators included."""

    file: str
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """All calls of one function by another, and the seconds from their begin to their end."""

    caller: Frame
    callee: Frame
    seconds: float


@dataclass(frozen=True, slots=True)
class Waits:
    """What a profile says of a project."""

    total: float
    """Seconds of the whole run."""
    by_function: Mapping[FunctionId, Mapping[str, float]]
    """Function -> name of what it calls outside of the project -> seconds."""

    def within(self, fid: FunctionId, names: frozenset[str]) -> float:
        """Seconds that a function spent in calls of these names."""
        found = self.by_function.get(fid, {})
        return sum(seconds for name, seconds in found.items() if name in names)


def read_profile(path: Path, graph: Graph, root: str) -> Waits:
    """A profile in the project's terms; `InputError` for what is none."""
    total, calls = _calls(path)
    known = _Known(graph, root)
    found: dict[FunctionId, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for call in calls:
        caller = known.find(call.caller)
        if caller is not None and known.find(call.callee) is None:
            found[caller][_plain(call.callee.name)] += call.seconds
    return Waits(total, {fid: dict(names) for fid, names in found.items()})


def _calls(path: Path) -> tuple[float, list[Call]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path)) from error
    if _JSON.match(data):
        return _pyinstrument(path, data)
    return _cprofile(path, data)


def _cprofile(path: Path, data: bytes) -> tuple[float, list[Call]]:
    """`{(file, line, name): (calls, calls, own, whole, {caller: (calls, calls, own, whole)})}`."""
    try:
        content = marshal.loads(data)
    except (ValueError, EOFError, TypeError) as error:
        raise InputError("is no profile", path=str(path), hint=_HINT) from error
    if not isinstance(content, dict):
        raise InputError("is no profile", path=str(path), hint=_HINT)
    total, calls = 0.0, []
    for key, entry in content.items():
        match key, entry:
            case (str(), int(), str()), (_, _, float(own), _, dict(callers)):
                total += own
                callee = Frame(*key)
                for caller, times in callers.items():
                    calls.append(Call(Frame(*caller), callee, float(times[3])))
            case _:
                raise InputError("is no profile of cProfile", path=str(path), hint=_HINT)
    return total, calls


def _pyinstrument(path: Path, data: bytes) -> tuple[float, list[Call]]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON: {error}", path=str(path), hint=_HINT) from error
    match content:
        case {"duration": int() | float() as total, "root_frame": dict(root)}:
            return float(total), list(_tree(path, root))
        case {"root_frame": None}:
            return 0.0, []
    raise InputError("is no profile of pyinstrument", path=str(path), hint=_HINT)


def _tree(path: Path, root: dict[str, Any]) -> Iterator[Call]:
    waiting: list[tuple[Frame | None, dict[str, Any]]] = [(None, root)]
    while waiting:
        caller, entry = waiting.pop()
        match entry:
            case {"function": str(name), "file_path": str() | None as file, "time": time}:
                frame = Frame(file or "", int(entry.get("line_no") or 0), name)
            case _:
                raise InputError("is no profile of pyinstrument", path=str(path), hint=_HINT)
        if caller is not None:
            yield Call(caller, frame, float(time))
        waiting += [(frame, child) for child in entry.get("children") or ()]


# ----------------------------------------------------------------------------- whose function


class _Known:
    """The functions of a project, as profilers name them."""

    def __init__(self, graph: Graph, root: str) -> None:
        self.root = root.replace("\\", "/").rstrip("/") + "/"
        self.by_name: dict[tuple[str, str], list[Function]] = defaultdict(list)
        self.paths: set[str] = set()
        self.modules: dict[str, set[str]] = defaultdict(set)
        self.places: dict[str, str | None] = {}
        names = {kind: name for name, kind in _SCOPES.items()}
        for f in graph.functions.values():
            if f.kind is FunctionKind.CLASS:
                continue
            name = names.get(f.kind, f.name.rpartition(".")[2])
            self.by_name[f.path, name].append(f)
            if f.path not in self.paths:
                self.paths.add(f.path)
                self.modules[f.path.rpartition("/")[2]].add(f.path)

    def find(self, frame: Frame) -> FunctionId | None:
        """The function of a frame; a profiler counts from the first decorator."""
        path = self.place(frame.file)
        if path is None:
            return None
        found = self.by_name.get((path, frame.name.rpartition(".")[2]), [])
        below = [f for f in found if f.line >= frame.line or f.kind is FunctionKind.MODULE]
        return min(below, key=lambda f: f.line).id if below else None

    def place(self, file: str) -> str | None:
        """The path in the project of a file.  The profile may be of another place, where the
        package is installed: then the one file counts whose dotted folders its name ends with."""
        if file not in self.places:
            self.places[file] = self._place(file.replace("\\", "/"))
        return self.places[file]

    def _place(self, file: str) -> str | None:
        inside = file.removeprefix(self.root)
        if inside in self.paths or file.startswith(self.root):
            return inside if inside in self.paths else None
        fits = [
            path
            for path in self.modules.get(file.rpartition("/")[2], ())
            for end in {path, path.removeprefix("src/")}
            if "/" in end and file.endswith(f"/{end}")
        ]
        return fits[0] if len(set(fits)) == 1 else None


def _plain(name: str) -> str:
    """`<built-in method time.sleep>` and `Session.get` as `sleep` and `get`."""
    words = name.strip("<>").split(" of ")[0].split()
    last = words[-1] if words else name
    return last.strip("'").rpartition(".")[2]
