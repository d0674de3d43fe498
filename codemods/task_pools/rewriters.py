"""Thread pools whose functions await.

Bad: the pool calls a coroutine function in a thread, where nobody awaits what it gives.

    with ThreadPoolExecutor(max_workers=8) as pool:
        for page in pool.map(fetch, urls):
            show(page)

Good:

    async with TaskPool(max_workers=8) as pool:
        async for page in pool.map(fetch, urls):
            show(page)

A pool moves where all that is seen to be handed to it turned async, all its users did, and
something waits for its end; it moves as a whole, with its futures.  Results keep their order,
exceptions their place, and no more calls run at a time than there were threads.  A pool whose
functions stay sync, a pool of processes, one with an `initializer` and one that other code gets
are left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import libcst as cst

from asyncshift import generic
from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Registry, Resolved, Rewriter
from asyncshift.groups import QUIET
from asyncshift.model import Protocol, Refusal

POOL = "concurrent.futures.ThreadPoolExecutor"
_TAKEN = frozenset({"max_workers", "thread_name_prefix"})
_WHOLE = frozenset(
    {"dict", "frozenset", "list", "max", "min", "set", "sorted", "sum", "tuple", "join"}
)
_PAIRING = {"enumerate": "_tasks.enumerated", "zip": "_tasks.zipped"}
_ASKED = frozenset({"as_completed", "len", "wait"})
"""Calls that take a dictionary whose keys are futures, and lose none of them."""


def rewriter(api: str, protocol: Protocol, registry: Registry) -> Rewriter | None:
    """The rewriter for one name under one protocol; None where its row says enough."""
    owner, _, name = api.rpartition(".")
    found: Rewriter = partial(_by_table, registry)
    match owner, name, protocol:
        case "concurrent.futures", "ThreadPoolExecutor", Protocol.CALL:
            found = partial(_made, registry)
        case "concurrent.futures.ThreadPoolExecutor", "submit", Protocol.CALL:
            found = _submitted
        case "concurrent.futures.ThreadPoolExecutor", "map", Protocol.CALL:
            found = _mapped
        case "concurrent.futures", "Results" | "Completed", Protocol.COMPREHENSION:
            found = partial(_comprehension, registry)
        case "concurrent.futures", "Results" | "Completed", Protocol.CONSUME:
            found = _consumed
        case "concurrent.futures", "Results" | "Completed", Protocol.NEXT:
            return None  # `await anext(results)`
        case "concurrent.futures", "Results" | "Completed", Protocol.YIELD_FROM:
            found = _one_by_one
    return partial(_quietly, found)


def _quietly(found: Rewriter, resolved: Resolved) -> Iterator[Outcome]:
    """Most pools stay for other reasons: what could not be written of them is no news."""
    for outcome in found(resolved):
        yield replace(outcome, rule=QUIET) if isinstance(outcome, Refusal) else outcome


def _by_table(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    yield from generic.rewrite(resolved, registry)


def _refuse(resolved: Resolved, reason: str) -> Outcome:
    return tb.refuse(resolved, QUIET, reason, "write this use in another way")


def _made(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    node = resolved.node
    if isinstance(node, ast.Call):
        names = {keyword.arg for keyword in node.keywords}
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        if starred or len(node.args) > len(_TAKEN) or not names <= _TAKEN:
            yield _refuse(resolved, "the pool prepares its threads, which tasks have none of")
            return
    yield from generic.rewrite(resolved, registry)


def _submitted(resolved: Resolved) -> Iterator[Outcome]:
    """Futures that are keys of a dictionary can be followed only where it is read in few ways."""
    if not _is_followed(resolved):
        yield _refuse(resolved, "the futures are keys of a dictionary that is read in other ways")


def _mapped(resolved: Resolved) -> Iterator[Outcome]:
    match resolved.parents[0]:
        case ast.Starred() | ast.YieldFrom():
            yield _refuse(resolved, "what `map` gives is spread where nothing can be awaited")


def _is_followed(resolved: Resolved) -> bool:
    function = tb.function_of(resolved.parents) or tb.module_of(resolved)
    match resolved.parents:
        case (ast.DictComp(key=key), ast.Assign(targets=[ast.Name(id=name)]), *_):
            return key is not resolved.node or _only_asked(function, name)
        case (ast.DictComp(key=key), *_) if key is resolved.node:
            return False
        case (ast.Dict(keys=keys), *rest) if resolved.node in keys:
            match rest:
                case [ast.Assign(targets=[ast.Name(id=name)]), *_]:
                    return _only_asked(function, name)
            return False
        case (ast.Subscript(value=ast.Name(id=name), slice=key), *_) if key is resolved.node:
            return _only_asked(function, name)
        case (ast.Subscript(slice=key), *_) if key is resolved.node:
            return False
        case (
            ast.Assign(targets=[ast.Name(id=future)]) | ast.NamedExpr(target=ast.Name(future)),
            *_,
        ):
            return all(
                name is not None and _only_asked(function, name)
                for name in _keyed_by(function, future)
            )
    return True


def _keyed_by(function: ast.AST, future: str) -> Iterator[str | None]:
    """The dictionaries that have a variable among their keys; None for one without a name."""
    for node in ast.walk(function):
        match node:
            case ast.Subscript(value=value, slice=ast.Name(id=key), ctx=ast.Store()):
                if key == future:
                    yield value.id if isinstance(value, ast.Name) else None
            case ast.Dict(keys=keys):
                if any(isinstance(key, ast.Name) and key.id == future for key in keys):
                    yield None
            case ast.DictComp(key=ast.Name(id=key)):
                if key == future:
                    yield None


def _only_asked(function: ast.AST, name: str) -> bool:
    """Whether a dictionary of futures is only given to what waits for them, and subscripted."""
    asked = set()
    for node in ast.walk(function):
        match node:
            case ast.Call(func=func, args=[ast.Name(id=one) as first, *_]) if one == name:
                if tb.dotted_text(func).rpartition(".")[2] in _ASKED:
                    asked.add(id(first))
            case ast.Subscript(value=ast.Name(id=one) as value) if one == name:
                asked.add(id(value))
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=one) as value, attr="pop" | "get" | "values")
            ) if one == name:
                asked.add(id(value))
    return all(
        id(node) in asked
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    )


# ----------------------------------------------------------------------------- what takes results


def _one_by_one(resolved: Resolved) -> Iterator[Outcome]:
    yield _refuse(resolved, "results are taken one by one where nothing can be awaited")


def _comprehension(registry: Registry, resolved: Resolved) -> Iterator[Outcome]:
    """A generator expression becomes an async one; its consumer's place says what takes it."""
    match resolved.parents:
        case (ast.comprehension(iter=source) as clause, ast.GeneratorExp(), *_):
            if source is resolved.node:
                yield tb.comprehension_edit(resolved, clause, tb.make_async)
        case _:
            yield from generic.rewrite(resolved, registry)


def _takes_all(call: ast.Call, first: ast.expr) -> bool:
    name = tb.dotted_text(call.func) or (
        call.func.attr if isinstance(call.func, ast.Attribute) else ""
    )
    return name.rpartition(".")[2] in _WHOLE and call.args == [first] and not call.keywords


def _consumed(resolved: Resolved) -> Iterator[Outcome]:
    """`list(pool.map(f, rows))` -> `[item async for item in pool.map(f, rows)]`."""
    node = resolved.node
    if not isinstance(node, ast.Call):
        yield from _one_by_one(resolved)
        return
    name = tb.dotted_text(node.func)
    if name in _PAIRING:
        yield from _paired(resolved, node, _PAIRING[name])
    elif len(node.args) == 1 and _takes_all(node, node.args[0]):
        if not _is_paired(node.args[0]):
            change = _as_list if name == "list" else _listed
            yield tb.edit(resolved, node, change, order=tb.AWAIT_ORDER)
    else:
        yield from _one_by_one(resolved)


def _is_paired(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and tb.dotted_text(node.func) in _PAIRING


def _paired(resolved: Resolved, node: ast.Call, new: str) -> Iterator[Outcome]:
    """`for row, page in zip(rows, pool.map(f, rows))`, in a loop or all at once."""
    if any(isinstance(argument, ast.Starred) for argument in node.args) or len(node.keywords) > 0:
        yield from _one_by_one(resolved)
        return
    text = resolved.names.dotted(new, resolved.site.span)
    retargeted = tb.edit(resolved, node, tb.retarget_call(text))
    match resolved.parents:
        case (ast.For(iter=iterable) as statement, *_) if iterable is node:
            yield retargeted
            yield tb.edit(resolved, statement, tb.make_async)
        case (
            ast.comprehension(iter=iterable) as clause,
            ast.ListComp() | ast.SetComp() | ast.DictComp(),
            *_,
        ) if iterable is node:
            yield retargeted
            yield tb.comprehension_edit(resolved, clause, tb.make_async)
        case (ast.Call() as call, *_) if _takes_all(call, node):
            change = _as_list if tb.dotted_text(call.func) == "list" else _listed
            yield retargeted
            yield tb.edit(resolved, call, change, order=tb.AWAIT_ORDER)
        case _:
            yield from _one_by_one(resolved)


def _list_of(value: Any) -> cst.ListComp:
    name = cst.Name("item")
    asynchronous = cst.Asynchronous(whitespace_after=cst.SimpleWhitespace(" "))
    return cst.ListComp(name, cst.CompFor(name, value, asynchronous=asynchronous))


def _as_list(call: Any) -> Any:
    return tb.keep_parentheses(call, _list_of(call.args[0].value))


def _listed(call: Any) -> Any:
    first, *rest = call.args
    return call.with_changes(args=[first.with_changes(value=_list_of(first.value)), *rest])
