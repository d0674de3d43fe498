"""Records which of a project's functions call which; loaded into a child interpreter.

`call_edges.py` puts this folder first on PYTHONPATH, so that `site` imports this module at start.
It stands alone and runs on Python 3.9 and later.  Environment variables steer it:

    CALL_EDGES_ROOTS   folders of the project's packages, separated by `os.pathsep`
    CALL_EDGES_OUT     folder that gets one JSON file for each process
    CALL_EDGES_WATCH   for `reach.py`: functions as `FILE|LINE`, separated by `os.pathsep`; whatever
                       of the project stands on the stack when one begins goes into a second file
    CALL_EDGES_STOP    one of the roots: above a frame of a file in there, no stack is followed

An edge is (caller code, instruction, callee code, notes): the direct caller where it lies in the
project, else the nearest project frame above it, with the note `foreign`.  Places in the source
are looked up at exit.
"""

from __future__ import annotations

import atexit
import dis
import importlib.machinery
import importlib.util
import json
import os
import sys
import threading
import time
from types import CodeType, FrameType
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
LOOKUPS = frozenset({"__getattr__", "__getattribute__"})
GENERATOR_FLAGS = 0x20 | 0x80 | 0x200
"""CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR."""

Key = tuple[int, int, int, str, bool, int]
"""(id of caller code, instruction, id of callee code, C function, foreign, lookup)."""


def code_start(code: CodeType) -> int | None:
    """The instruction at which a generator's frame begins; None for a plain function.

    From Python 3.11 on, this tells a first `next` from a generator that is closed before it began.
    """
    if not code.co_flags & GENERATOR_FLAGS:
        return None
    for instruction in dis.get_instructions(code):
        if instruction.opname == "RESUME":
            return instruction.offset
    return -1


class Recorder:
    """The edges of one process."""

    def __init__(self, roots: list[str], out: str, watch: list[str], stop: str) -> None:
        self.prefixes = tuple(os.path.join(os.path.realpath(root), "") for root in roots)
        self.watch = frozenset(watch)
        self.stop = os.path.join(os.path.realpath(stop), "") if stop else "\0"
        self.is_watched: dict[int, bool] = {}
        self.reached: dict[int, CodeType] = {}
        """Codes that were on the stack when a watched function began."""
        self.out = out
        self.realpath = os.path.realpath  # tests may patch `os.path`
        self.inside: dict[str, str] = {}
        """File name of a code object -> its real path inside the project, or an empty text."""
        self.codes: dict[int, tuple[CodeType, int | None]] = {}
        """Codes seen, kept alive so that their ids stay theirs, each with its `code_start`."""
        self.edges: dict[Key, int] = {}
        self.reset()

    def reset(self) -> None:
        """Forget what a parent process recorded: after a fork."""
        self.edges.clear()
        self.reached.clear()
        self.name = f"edges-{os.getpid()}-{time.time_ns()}.json"

    def start(self) -> None:
        callback = self.make_callback()
        threading.setprofile(callback)
        sys.setprofile(callback)

    def project_file(self, name: str) -> str:
        found = self.inside.get(name)
        if found is None:
            real = self.realpath(name)  # of `<frozen os>` this is a path in the current folder
            found = real if real.startswith(self.prefixes) and name[:1] != "<" else ""
            self.inside[name] = found
        return found

    def begins(self, frame: FrameType) -> bool:
        """Whether this is a call, not the resumption of a generator."""
        code = frame.f_code
        known = self.codes.get(id(code))
        if known is None:
            known = self.codes[id(code)] = (code, code_start(code))
        return known[1] is None or frame.f_lasti == known[1]

    def make_callback(self) -> Any:
        """The profile function; names are bound here because globals are gone at shutdown."""
        project_file, begins, enter = self.project_file, self.begins, self.enter
        inside, lookups = self.inside, LOOKUPS
        active: dict[int, str] = {}  # id of a frame -> name of the C function it waits for
        through: dict[int, int] = {}  # id of a frame -> instruction that ran a __getattr__

        def callback(frame: FrameType, event: str, argument: Any) -> None:
            name = frame.f_code.co_filename
            place = inside.get(name)
            if place is None:
                place = project_file(name)
            if not place:
                return
            if event == "call":
                if begins(frame):
                    enter(frame, active, through)
            elif event == "c_call":
                active[id(frame)] = getattr(argument, "__qualname__", "?")
            elif event == "return":
                active.pop(id(frame), None)
                through.pop(id(frame), None)
                if frame.f_code.co_name in lookups and argument is not None:
                    asking = frame.f_back
                    if asking is not None and project_file(asking.f_code.co_filename):
                        through[id(asking)] = asking.f_lasti
            else:
                active.pop(id(frame), None)

        return callback

    def enter(self, frame: FrameType, active: dict[int, str], through: dict[int, int]) -> None:
        """A function of the project was entered: note the edge to it, if there is one.

        A finaliser is called by the collector, wherever the program happens to be.
        """
        caller = frame.f_back
        foreign = False
        if frame.f_code.co_name == "__del__":
            return
        if self.watch and self.watched(frame.f_code):
            self.note_stack(frame)
        while caller is not None and not self.project_file(caller.f_code.co_filename):
            if caller.f_code.co_name == "__del__":
                return
            foreign = True
            caller = caller.f_back
        if caller is None:
            return
        code = caller.f_code
        if id(code) not in self.codes:
            self.codes[id(code)] = (code, code_start(code))
        between = active.get(id(caller), "")
        lookup = through.get(id(caller), -1)
        key = (id(code), caller.f_lasti, id(frame.f_code), between, foreign, lookup)
        self.edges[key] = self.edges.get(key, 0) + 1

    def watched(self, code: CodeType) -> bool:
        found = self.is_watched.get(id(code))
        if found is None:
            place = f"{self.project_file(code.co_filename)}|{code.co_firstlineno}"
            found = self.is_watched[id(code)] = place in self.watch
        return found

    def note_stack(self, frame: FrameType | None) -> None:
        while frame is not None:
            code = frame.f_code
            place = self.project_file(code.co_filename)
            if place.startswith(self.stop):
                return
            if place:
                self.reached[id(code)] = code
            frame = frame.f_back

    def dump(self) -> None:
        """Write what was recorded; called at exit, and before `os._exit`."""
        sys.setprofile(None)
        threading.setprofile(None)
        if not self.edges:
            return
        rows = [self.row(key, count) for key, count in list(self.edges.items())]
        with open(os.path.join(self.out, self.name), "w", encoding="utf-8") as file:
            json.dump(rows, file)
        if self.reached:
            codes = [self.described(code) for code in self.reached.values()]
            name = self.name.replace("edges", "stacks", 1)
            with open(os.path.join(self.out, name), "w", encoding="utf-8") as file:
                json.dump(codes, file)

    def row(self, key: Key, count: int) -> dict[str, Any]:
        caller_id, instruction, callee_id, between, foreign, lookup = key
        caller, callee = self.codes[caller_id][0], self.codes[callee_id][0]
        return {
            "caller": self.described(caller),
            "callee": self.described(callee),
            "at": position(caller, instruction),
            "c": between,
            "foreign": foreign,
            "lookup": position(caller, lookup) if lookup >= 0 else None,
            "generator": bool(callee.co_flags & GENERATOR_FLAGS),
            "count": count,
        }

    def described(self, code: CodeType) -> list[Any]:
        name = getattr(code, "co_qualname", code.co_name)
        return [self.project_file(code.co_filename), code.co_firstlineno, name]


def position(code: CodeType, instruction: int) -> list[int | None]:
    """[line, end line, column, end column] of an instruction; only the line before Python 3.11."""
    if hasattr(code, "co_positions"):
        for index, place in enumerate(code.co_positions()):
            if index == instruction // 2:
                return list(place)
    line = code.co_firstlineno
    for offset, number in dis.findlinestarts(code):
        if offset > instruction:
            break
        line = number
    return [line, None, None, None]


def chain() -> None:
    """Run the `sitecustomize` that this one hides, if there is one."""
    others = [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def install() -> None:
    """Start recording in this process and in its forks."""
    roots = os.environ.get("CALL_EDGES_ROOTS", "").split(os.pathsep)
    out = os.environ.get("CALL_EDGES_OUT", "")
    if not out or not roots[0]:
        return
    watch = os.environ.get("CALL_EDGES_WATCH", "").split(os.pathsep)
    recorder = Recorder(roots, out, [w for w in watch if w], os.environ.get("CALL_EDGES_STOP", ""))
    leave = os._exit

    def leave_after_dump(status: int) -> None:
        recorder.dump()
        leave(status)

    os._exit = leave_after_dump  # type: ignore[assignment]
    os.register_at_fork(after_in_child=recorder.reset)
    atexit.register(recorder.dump)
    recorder.start()


if __name__ == "sitecustomize":
    chain()
    install()
