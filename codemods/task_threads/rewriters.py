"""Threads that run what awaits.

Bad: the thread calls a coroutine function, and nobody awaits what it gives.

    thread = threading.Thread(target=refresh, args=(url,))
    thread.start()
    show(page)
    thread.join()

Good:

    thread = _threads.TaskThread(target=refresh, args=(url,))
    thread.start()
    show(page)
    await thread.join()

A thread moves where what it runs turned async, all who start it and wait for it can await, and
somebody waits for its end without a limit of time: a loop cancels what still runs when the program
ends.  It stays a thread where what it runs depends on other threads (queues, events, conditions),
asks which thread it is in, or stays sync; a class derived from `Thread` and a `Timer` do so always.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Registry, Resolved, Rewriter
from asyncshift.groups import QUIET
from asyncshift.model import Protocol, Refusal

_TARGET = 1
"""The position of what a thread runs."""


def rewriter(api: str, protocol: Protocol, registry: Registry) -> Rewriter | None:
    """The rewriter for one name under one protocol."""
    match api, protocol:
        case "threading.Thread", Protocol.CALL:
            return partial(_made, registry)
        case "threading.Thread.join", Protocol.CALL:
            return partial(_joined, registry)
        case "threading.Thread.is_alive", Protocol.CALL:
            return _asked
        case (("threading.current_thread" | "threading.get_ident"), _):
            return _unchanged
    return partial(_quietly, registry)


def _quietly(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """Most threads stay for other reasons: what could not be written of them is no news."""
    for outcome in generic.rewrite(resolved, registry):
        yield replace(outcome, rule=QUIET) if isinstance(outcome, Refusal) else outcome


def _refuse(resolved: Resolved, reason: str) -> Outcome:
    return tb.refuse(resolved, QUIET, reason, "write this use in another way")


def _made(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    node = resolved.node
    if isinstance(node, ast.Call):
        names = {keyword.arg for keyword in node.keywords}
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        if starred or None in names or (len(node.args) <= _TARGET and "target" not in names):
            yield _refuse(resolved, "what the thread runs is not written here")
            return
    yield from _quietly(registry, resolved)


def _joined(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    node = resolved.node
    if isinstance(node, ast.Call) and (node.args or node.keywords):
        yield _refuse(
            resolved, "it is only waited for a while, and may go on when the program ends"
        )
        return
    yield from _quietly(registry, resolved)


def _asked(resolved: Resolved) -> Iterator[Outcome]:
    """A loop that does nothing but ask gives a task no time to run."""
    inside: ast.AST = resolved.node
    for parent in resolved.parents:
        if isinstance(parent, ast.While) and inside is parent.test:
            yield _refuse(resolved, "a loop goes on until the thread has ended")
            return
        inside = parent


def _unchanged(resolved: Resolved) -> Iterator[Outcome]:
    yield from ()
