"""Profiles of cProfile and pyinstrument, in the terms of a project."""

from __future__ import annotations

import json
import marshal
from pathlib import Path

import pytest

from asyncshift.callgraph import build
from asyncshift.errors import InputError
from asyncshift.facts import extract
from asyncshift.model import Graph
from asyncshift.profiles import Waits, read_profile
from tests.unit.checking import registry
from tests.unit.graphs import source

TEXT = "import time\n\n\ndef cached(f):\n    return f\n\n\n@cached\ndef nap():\n    time.sleep(1)\n"
SLEEP = ("~", 0, "<built-in method time.sleep>")


def graph() -> Graph:
    return build([extract(source(TEXT, "pkg.mod"))], registry())


def read(path: Path, root: str = "/home/me/p") -> Waits:
    return read_profile(path, graph(), root)


def stored(path: Path, *callers: tuple[str, int, str]) -> Path:
    own = dict.fromkeys(callers, (1, 1, 2.0, 2.0))
    path.write_bytes(marshal.dumps({SLEEP: (1, 1, 2.0 * len(own), 2.0, own)}))
    return path


def nap_of(waits: Waits) -> float:
    names = frozenset({"sleep"})
    return sum(waits.within(fid, names) for fid in waits.by_function)


@pytest.mark.parametrize(
    "file",
    ["/home/me/p/pkg/mod.py", "pkg/mod.py", "/venv/site-packages/pkg/mod.py", "C:\\x\\pkg\\mod.py"],
)
def test_a_decorated_function_wherever_it_ran(tmp_path: Path, file: str) -> None:
    waits = read(stored(tmp_path / "p", (file, 8, "nap")))
    assert nap_of(waits) == 2.0
    assert list(waits.by_function) == ["pkg/mod.py:9"]


@pytest.mark.parametrize("file", ["/other/mod.py", "/home/me/p/lib/pkg/mod.py", "mod.py"])
def test_a_file_of_the_same_name_elsewhere_is_another(tmp_path: Path, file: str) -> None:
    assert read(stored(tmp_path / "p", (file, 8, "nap"))).by_function == {}


def test_a_function_that_is_not_there_any_more(tmp_path: Path) -> None:
    path = stored(tmp_path / "p", ("pkg/mod.py", 8, "doze"), ("pkg/mod.py", 30, "nap"))
    assert read(path).by_function == {}


def test_calls_inside_of_the_project_are_no_waits(tmp_path: Path) -> None:
    caller = {("pkg/mod.py", 1, "<module>"): (1, 1, 1.0, 1.0)}
    path = tmp_path / "p"
    path.write_bytes(marshal.dumps({("pkg/mod.py", 8, "nap"): (1, 1, 1.0, 1.0, caller)}))
    assert read(path).by_function == {}


def frame(function: str, file: str, line: int, time: float, *children: object) -> object:
    return {
        "function": function,
        "file_path": file,
        "file_path_short": file,
        "line_no": line,
        "time": time,
        "children": list(children),
    }


def test_the_tree_of_pyinstrument(tmp_path: Path) -> None:
    sleep = frame("sleep", "<built-in>", 0, 1.5)
    root = frame("<module>", "run.py", 1, 2.0, frame("nap", "/x/pkg/mod.py", 8, 1.6, sleep))
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"duration": 2.0, "root_frame": root}))
    waits = read(path)
    assert (waits.total, nap_of(waits)) == (2.0, 1.5)


@pytest.mark.parametrize(
    "data",
    [b"", b"nonsense", b"{}", b"{", b'{"duration": 1, "root_frame": {"function": 1}}',
     marshal.dumps([1]), marshal.dumps({1: 2})],
)  # fmt: skip
def test_what_is_no_profile(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "p"
    path.write_bytes(data)
    with pytest.raises(InputError):
        read(path)


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "p")
