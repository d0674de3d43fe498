"""Places that iterate or enter what may be an object of the project or of a library."""

from __future__ import annotations

import pytest

from asyncshift.model import Certainty, Protocol
from tests.unit.graphs import graph

OWN = """
import contextlib, io, itertools, queue, tempfile
from unittest.mock import Mock
def rows():
    yield 1
class Conn:
    def __enter__(self): ...
    def __exit__(self, *e): ...
class Handle(io.IOBase):
    pass
class Other:
    def __enter__(self): ...
    def __exit__(self, *e): ...
"""
MIXED = {
    "a file": ("with (open(p) if p else Conn()): ...", Protocol.WITH),
    "through a variable": ("c = Conn()\n    if p: c = open(p)\n    with c: ...", Protocol.WITH),
    "an outside object": ("with (io.StringIO() if p else Conn()): ...", Protocol.WITH),
    "a library's result": ("with (tempfile.mkstemp() if p else Conn()): ...", Protocol.WITH),
    "its own, of a library's base": ("with (Handle() if p else Conn()): ...", Protocol.WITH),
    "a range": ("for x in (rows() if p else range(3)): ...", Protocol.FOR),
    "a list": ("for x in (rows() if p else [3]): ...", Protocol.FOR),
    "a consumer": ("list(rows() if p else [3])", Protocol.CONSUME),
    "one of several": ("zip(p, rows() if p else [3])", Protocol.CONSUME),
    "next": ("next(rows() if p else itertools.count())", Protocol.NEXT),
    "a stack": (
        "contextlib.ExitStack().enter_context(open(p) if p else Conn())",
        Protocol.CONSUME,
    ),
}
PLAIN = {
    "alone": ("with Conn(): ...", Protocol.WITH),
    "two of the project": ("with (Conn() if p else Other()): ...", Protocol.WITH),
    "nullcontext": ("with (Conn() if p else contextlib.nullcontext()): ...", Protocol.WITH),
    "a mock": ("with (Conn() if p else Mock()): ...", Protocol.WITH),
    "out of a queue": (
        "c = Conn()\n    if p: c = queue.Queue().get()\n    with c: ...",
        Protocol.WITH,
    ),
    "declared": ("c: Conn = tempfile.mkstemp()\n    with c: ...", Protocol.WITH),
    "beside": ("list(zip([1], rows()))", Protocol.CONSUME),
    "another variable": ("d = open(p)\n    c = Conn()\n    with c: ...", Protocol.WITH),
}


def certainties(body: str, protocol: Protocol) -> set[Certainty]:
    found = graph(own=f"{OWN}def use(p):\n    {body}\n")
    names = {"rows", "Conn.__enter__", "Conn.__exit__"}
    return {
        site.certainty
        for site in found.sites
        if site.protocol is protocol
        and names & {found.functions[t.function].name for t in site.targets if t.function}
    }


@pytest.mark.parametrize(("body", "protocol"), MIXED.values(), ids=MIXED)
def test_no_form_fits_both(body: str, protocol: Protocol) -> None:
    assert certainties(body, protocol) == {Certainty.UNKNOWN}


@pytest.mark.parametrize(("body", "protocol"), PLAIN.values(), ids=PLAIN)
def test_one_form_fits_all(body: str, protocol: Protocol) -> None:
    found = certainties(body, protocol)
    assert found
    assert Certainty.UNKNOWN not in found
