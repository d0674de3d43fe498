"""Reduced forms of single parts: quoted types, sets of classes, what a consumer takes."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from asyncshift.handed import handed, in_place


class Unquoted(ast.NodeTransformer):
    """Reads the quoted parts of an annotation; what stands in `Literal[...]` is a value."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, str):
            return node
        try:
            quoted = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return node
        return ast.Subscript(ast.Name("<quoted>", ast.Load()), quoted, ast.Load())

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        match node.value:
            case ast.Name(id="Literal" | "Annotated") | ast.Attribute(attr="Literal" | "Annotated"):
                return node
        return self.generic_visit(node)


def runs_async_tests(decorator: ast.expr) -> bool:
    """The mark by which pytest's plugin knows an async test says nothing else of it."""
    marks = ("@pytest.mark.asyncio", "@pytest.mark.anyio")
    return isinstance(decorator, ast.Name) and decorator.id in marks


def handed_block(value: ast.expr, name: ast.expr | None) -> ast.With | None:
    """The block that says the same as a call by which a function is called."""
    index = handed(value)
    if index is None or not isinstance(value, ast.Call):
        return None
    one = in_place(value)
    called = ast.Call(value.args[index], value.args[index + 1 :], value.keywords)
    head = ast.Call(value.func, value.args[:index], [])
    body = ast.Expr(called if one is None else one.body)
    return ast.With([ast.withitem(head, name)], [body])


def lets_cancellation_pass(handler: ast.ExceptHandler) -> bool:
    match handler:
        case ast.ExceptHandler(
            type=ast.Name(id="@asyncio.CancelledError"), body=[ast.Raise(exc=None)]
        ):
            return True
    return False


def interrupts(kind: ast.expr) -> ast.expr:
    """Ctrl-C cancels a task: who catches KeyboardInterrupt catches that with it."""
    parts = flat(kind)
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    if not {"KeyboardInterrupt", "@asyncio.CancelledError"} <= names:
        return kind
    cancelled = "@asyncio.CancelledError"
    left = [p for p in parts if not (isinstance(p, ast.Name) and p.id == cancelled)]
    return ast.Tuple(left, ast.Load())


def elements(argument: ast.expr) -> ast.expr:
    """What a consumer of everything sees: `list(g)` and `(x for x in g)` give what `g` gives."""
    while True:
        match argument:
            case ast.Call(func=ast.Name(id="list"), args=[inner], keywords=[]):
                argument = inner
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *rest]):
                return ast.Call(argument.func, [elements(inner), *rest], argument.keywords)
            case ast.GeneratorExp(
                elt=ast.Name(id=one),
                generators=[ast.comprehension(target=ast.Name(id=other), iter=inner, ifs=[])],
            ) if one == other:
                argument = inner
            case _:
                return argument


def flat(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.Tuple):
        return [part for element in node.elts for part in flat(element)]
    return [node]


def as_set(node: ast.expr) -> ast.expr:
    """Classes to be caught or tested: neither order nor repetition nor nesting matters."""
    if not isinstance(node, ast.Tuple):
        return node
    unique = {ast.dump(part): part for part in flat(node)}
    parts = [unique[text] for text in sorted(unique)]
    return parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())


def closing_loop(block: ast.With) -> tuple[ast.stmt, str] | None:
    """The loop of `with closing(rows()) as items: for x in items: ...`, and the name `items`."""
    match block:
        case ast.With(
            items=[
                ast.withitem(
                    context_expr=ast.Call(
                        func=ast.Name(id="@contextlib.closing"), args=[source], keywords=[]
                    ),
                    optional_vars=ast.Name(id=name),
                )
            ],
            body=[loop],
        ):
            return _loop_over(loop, name, source)
    return None


def closing_pair(statements: Sequence[ast.AST]) -> tuple[ast.stmt, str] | None:
    """The same of `items = rows()` before `try: for x in items: ...; finally: items.close()`."""
    match statements:
        case [
            ast.Assign(targets=[ast.Name(id=name)], value=source),
            ast.Try(
                body=[loop],
                handlers=[],
                orelse=[],
                finalbody=[
                    ast.Expr(
                        value=ast.Call(
                            func=ast.Attribute(value=ast.Name(id=closed), attr="close"), args=[]
                        )
                    )
                ],
            ),
        ] if name == closed:
            return _loop_over(loop, name, source)
    return None


def _loop_over(loop: ast.stmt, name: str, source: ast.expr) -> tuple[ast.stmt, str] | None:
    match loop:
        case ast.For(target=target, iter=ast.Name(id=over), body=body, orelse=orelse):
            same: ast.stmt = ast.For(target, source, body, orelse)
        case ast.Expr(value=ast.YieldFrom(value=ast.Name(id=over))):
            same = ast.Expr(ast.YieldFrom(source))
        case _:
            return None
    return (same, name) if over == name else None


def what_a_mock_does(node: ast.Call) -> ast.expr | None:
    """The function that `Mock(side_effect=f)` and `Mock(return_value=f)()` stand for."""
    match node:
        case ast.Call(
            func=ast.Name(id="@unittest.mock.Mock"),
            args=[],
            keywords=[ast.keyword(arg="side_effect", value=double)],
        ):
            return double
        case ast.Call(
            func=ast.Call(
                func=ast.Name(id="@unittest.mock.Mock"),
                args=[],
                keywords=[ast.keyword(arg="return_value", value=double)],
            ),
            args=[],
            keywords=[],
        ):
            return double
    return None
