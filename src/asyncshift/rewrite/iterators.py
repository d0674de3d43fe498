"""Iterator classes: `__iter__` that gives itself, and the end of `__next__`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from asyncshift.model import Action
from asyncshift.rewrite.context import Context, FunctionNode, Step
from asyncshift.rewrite.type_hints import retargeted

_BASES = frozenset(
    {"collections.abc.Iterable", "collections.abc.Iterator", "typing.Iterable", "typing.Iterator"}
)


def returns_self(ctx: Context, node: FunctionNode, another: bool) -> Iterator[Step]:
    """Refuses what `__aiter__` must not give: `return self` surely gives an async iterator, and so
    does `return Pages(self)` where what is made there is seen to be `another`."""
    own = node.args.args[0].arg if node.args.args else ""
    for inner in ctx.tree.own_nodes(node):
        match inner:
            case ast.Return(value=ast.Name(id=name)) if name == own:
                pass
            case ast.Return(value=ast.Call(func=ast.Name(id=name))) if another and name != "iter":
                pass
            case ast.Return():
                yield ctx.refuse(
                    inner,
                    "iterator-of-another",
                    "`__iter__` gives another object, which may be no async iterator",
                    "write `__iter__` as a generator",
                )


def async_bases(ctx: Context, node: FunctionNode) -> Iterator[Step]:
    """`class Pages(Iterator[str])` as `class Pages(AsyncIterator[str])`."""
    cls = ctx.tree.parents[node]
    assert isinstance(cls, ast.ClassDef), node
    span = ctx.tree.span(cls)
    if ("ClassDef", span) in ctx.done:
        return
    ctx.done.add(("ClassDef", span))
    for base in cls.bases:
        head = base.value if isinstance(base, ast.Subscript) else base
        full = ctx.names.resolve(head) or ""
        if full in _BASES:
            module, _, name = full.rpartition(".")
            yield retargeted(ctx, head, f"{module}.Async{name}")


def end_of_iterator(ctx: Context, node: FunctionNode) -> Iterator[Step]:
    """In `__anext__` an iterator ends with StopAsyncIteration; a coroutine cannot let StopIteration
    pass, wherever it comes from."""
    for inner in ctx.tree.own_nodes(node):
        match inner:
            case (
                ast.Raise(exc=ast.Name(id="StopIteration") as name)
                | ast.Raise(exc=ast.Call(func=ast.Name(id="StopIteration") as name))
            ):
                if _is_caught(ctx, inner):
                    yield _leaves(ctx, inner)
                else:
                    yield retargeted(ctx, name, "StopAsyncIteration")
            case ast.Raise(exc=None) if _in_handler(ctx, inner):
                yield _leaves(ctx, inner)
            case ast.Call(func=ast.Name(id="next"), args=[_]):
                if not ctx.decided(inner, Action.ANEXT) and not _is_caught(ctx, inner):
                    yield _leaves(ctx, inner)
            case ast.Call(func=ast.Attribute(attr="__next__")):
                yield _leaves(ctx, inner)


def _leaves(ctx: Context, node: ast.AST) -> Step:
    return ctx.refuse(
        node,
        "stop-iteration",
        "StopIteration can leave `__next__` here, and cannot leave a coroutine",
        "catch StopIteration, and raise it once, in a statement of its own",
    )


def _is_caught(ctx: Context, node: ast.AST) -> bool:
    """Whether a handler of this function waits for the StopIteration that is raised here."""
    child = node
    for above in ctx.tree.ancestors(node):
        match above:
            case ast.Try() if child in above.body:
                if any(_stops(handler) for handler in above.handlers):
                    return True
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return False
        child = above
    return False


def _in_handler(ctx: Context, node: ast.AST) -> bool:
    return any(
        isinstance(above, ast.ExceptHandler) and _stops(above) for above in ctx.tree.ancestors(node)
    )


def _stops(handler: ast.ExceptHandler) -> bool:
    kind = handler.type
    types = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    wide = ("StopIteration", "Exception", "BaseException")
    return any(t is None or (isinstance(t, ast.Name) and t.id in wide) for t in types)
