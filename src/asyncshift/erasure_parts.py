"""Reduced forms of single parts: quoted types, sets of classes, what a consumer takes."""

from __future__ import annotations

import ast

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
