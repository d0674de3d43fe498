"""A property that keeps its result in an attribute of its own is a `cached_property`."""

from __future__ import annotations

import ast


def with_cached_result(head: ast.FunctionDef) -> ast.FunctionDef:
    """`if not hasattr(self, "_x"): ...; self._x = E` and `return self._x` below `@property` as
    `...; return E` below `@cached_property`."""
    match head.decorator_list, head.args.args, head.body:
        case (
            [ast.Name(id="property")],
            [ast.arg(arg=own)],
            [
                *before,
                ast.If(
                    test=ast.UnaryOp(
                        op=ast.Not(),
                        operand=ast.Call(
                            func=ast.Name(id="hasattr"),
                            args=[ast.Name(id=asked), ast.Constant(value=str(name))],
                        ),
                    ),
                    body=[
                        *lines,
                        ast.Assign(
                            targets=[ast.Attribute(value=ast.Name(id=stored), attr=kept)],
                            value=given,
                        ),
                    ],
                    orelse=[],
                ),
                ast.Return(value=ast.Attribute(value=ast.Name(id=read), attr=result)),
            ],
        ) if {asked, stored, read} == {own} and {kept, result} == {name}:
            head.decorator_list = [ast.Name("@functools.cached_property", ast.Load())]
            head.body = [*before, *lines, ast.Return(given)]
    return head
