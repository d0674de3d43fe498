"""The stub beside a module says of its functions what has become of them there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import partial

import libcst as cst

from asyncshift.codemod import Edit
from asyncshift.model import Action, Decision
from asyncshift.rewrite.blocks import make_async
from asyncshift.rewrite.context import (
    AWAIT_ORDER,
    Added,
    Context,
    Dropped,
    FunctionNode,
    Planned,
    Step,
)
from asyncshift.rewrite.functions import ASYNC_DECORATORS
from asyncshift.rewrite.type_hints import retargeted, return_annotation


def follow(ctx: Context, decision: Decision) -> Iterator[Step]:
    """STUB: all definitions of a function's name, of which there are several where it is
    overloaded."""
    detail = decision.detail
    found = _named(ctx, detail["function"])
    if "facade" in detail and len(found) > 1:
        text = "the module has a sync and an async form now: the overloads of one are missing here"
        yield ctx.look(found[0], "stub-overloads", text)
        return
    for node in found:
        if detail["action"] == Action.RENAME:
            yield _edit(ctx, node, detail["to"], turns=False)
        elif detail["action"] == Action.DROP_FACADE and _named(ctx, detail["coroutine"]):
            yield Dropped(node)
        elif isinstance(node, ast.FunctionDef):
            yield from _turned(ctx, node, detail)


def _named(ctx: Context, function: str) -> list[FunctionNode]:
    return list(_definitions(ctx.tree.module, function.split(".")))


def _turned(ctx: Context, node: ast.FunctionDef, detail: Mapping[str, str]) -> Iterator[Step]:
    kind, facade = detail["kind"], detail.get("facade")
    name = detail.get("rename")
    if facade is not None:
        name = name if facade == "keep" else facade
        decorators = tuple(
            f"{_indent(ctx, node)}@{ctx.tree.source(d)}" for d in node.decorator_list
        )
        yield Added(node, decorators, (), (f"{_indent(ctx, node)}    ...",))
    if kind != "function":  # the stub of an async generator is a function that gives one
        yield from return_annotation(ctx, node)
        for decorator in node.decorator_list:
            full = ctx.names.resolve(decorator)
            if full in ASYNC_DECORATORS:
                yield retargeted(ctx, decorator, ASYNC_DECORATORS[full])
    if kind == "function" or name is not None:
        yield _edit(ctx, node, name, turns=kind == "function")


def _edit(ctx: Context, node: FunctionNode, name: str | None, *, turns: bool) -> Planned:
    change = partial(_changed, name=name, turns=turns)
    return Planned(Edit("FunctionDef", ctx.tree.span(node), change, AWAIT_ORDER), header=True)


def _changed(node: cst.FunctionDef, name: str | None, turns: bool) -> cst.CSTNode:
    if name is not None:
        node = node.with_changes(name=node.name.with_changes(value=name))
    return make_async(node) if turns else node


def _indent(ctx: Context, node: ast.AST) -> str:
    return " " * ctx.tree.span(node)[1]


def _definitions(body: ast.AST, names: list[str]) -> Iterator[FunctionNode]:
    for node in ast.iter_child_nodes(body):
        match node:
            case ast.ClassDef(name=name) if name == names[0] and len(names) > 1:
                yield from _definitions(node, names[1:])
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if names == [name]:
                    yield node
            case ast.If() | ast.Try():
                yield from _definitions(node, names)
