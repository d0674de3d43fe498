"""A library's instance that an exit stack enters: the stack becomes an AsyncExitStack."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Resolved

ON_STACKS = frozenset({"callback", "enter_context", "push"})
"""Methods of an ExitStack that an AsyncExitStack has under the same name."""


def enter_on_stack(resolved: Resolved) -> Iterator[Outcome]:
    """`stack.enter_context(client)` as `await stack.enter_async_context(client)`, where the stack
    is made by a `with` around it, which makes an AsyncExitStack then."""
    match resolved.node:
        case ast.Call(func=ast.Attribute(attr="enter_async_context")):
            return
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name)), args=[_], keywords=[]):
            block = _block_of_stack(resolved, name)
        case _:
            block = None
    if block is None:
        yield tb.refuse(
            resolved,
            "exit-stack",
            "the exit stack is not made by a `with` statement of its own here",
            "make it with `with contextlib.ExitStack() as stack:` around its uses",
        )
        return
    if isinstance(block, ast.With):
        made = block.items[0].context_expr
        text = resolved.names.dotted("contextlib.AsyncExitStack", resolved.site.span)
        yield tb.edit(resolved, block, tb.make_async)
        yield tb.edit(resolved, made, tb.retarget_call(text))
    yield tb.edit(resolved, resolved.node, tb.rename_member("enter_async_context"))
    yield tb.edit(resolved, resolved.node, tb.awaited, order=tb.AWAIT_ORDER)


def _block_of_stack(resolved: Resolved, name: str) -> ast.With | ast.AsyncWith | None:
    """The `with ExitStack() as name:` around the site, where nothing else is done with the stack
    than what an AsyncExitStack does as well."""
    made = ("contextlib.ExitStack", "contextlib.AsyncExitStack")
    for _, parent in tb.chain(resolved):
        match parent:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.ClassDef():
                return None
            case (
                ast.With(items=[ast.withitem(ast.Call(func=func, args=[]), ast.Name(id=bound))])
                | ast.AsyncWith(
                    items=[ast.withitem(ast.Call(func=func, args=[]), ast.Name(id=bound))]
                )
            ) as block if bound == name and tb.qualified(resolved, func) in made:
                function = tb.function_of(resolved.parents)
                uses = _loads(function or block, name)
                known = {
                    id(node.value)
                    for node in ast.walk(block)
                    if isinstance(node, ast.Attribute) and node.attr in ON_STACKS
                }
                return block if all(id(use) in known for use in uses) else None
    return None


def _loads(function: ast.AST, name: str) -> list[ast.Name]:
    return [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
