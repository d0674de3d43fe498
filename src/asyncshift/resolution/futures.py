"""What calls of pools and futures give, beside what a table says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncshift.facts import Op
from asyncshift.resolution.summaries import ELEMENTS, POOLED, THREADED
from asyncshift.resolution.values import LIB

if TYPE_CHECKING:
    from asyncshift.resolution.calls import Calls

FUTURES = {
    "concurrent.futures.wait": "concurrent.futures.Future",
    "concurrent.futures.Future.result": "",
    "concurrent.futures.Future.exception": "",
    "_tasks.wait": "_tasks.TaskFuture",
    "_tasks.TaskFuture.result": "",
    "_tasks.TaskFuture.exception": "",
}
"""They give sets of such objects, or what a pool's function gave."""


def called_member(calls: Calls, kind: tuple[Any, ...], op: Op) -> None:
    """A method of a library's instance: what a pool is handed is called, in time."""
    api = calls.registry.canonical(f"{kind[1]}.{kind[2]}")
    api = calls.registry.called_as(api, len(op[3]), (name for name, _ in op[4]))
    if api not in FUTURES:
        calls.library(api, kind[3], op[1])
    if api in THREADED and op[3]:
        calls.threaded(THREADED[api], op, POOLED)


def called_function(calls: Calls, api: str, op: Op) -> None:
    """A library's function: some give what they are given."""
    if api in FUTURES:
        _futures(calls, api, op)
    else:
        calls.library(api, op[5], op[1])
    if api in ELEMENTS:
        calls.elements(api, op)


def _futures(calls: Calls, api: str, op: Op) -> None:
    """`wait(futures)` gives two sets of them."""
    _, target, _, args, _, site = op
    elements = calls.new_box((op[1], op[2], api), target)
    one = calls.node()
    calls.link(one, elements)
    inner = calls.new_box((op[1], op[2], api, "inner"), one, "set")
    calls.push(inner, calls.pool.of(LIB, FUTURES[api], site))
    for argument in args[:1]:
        calls.into(inner, argument)
