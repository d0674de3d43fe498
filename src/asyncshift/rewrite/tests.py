"""What runs the tests has to know that they are async: the class of a test case, the marks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import libcst as cst

from asyncshift.model import Decision
from asyncshift.rewrite.context import Context, Step
from asyncshift.rewrite.type_hints import retargeted
from asyncshift.testing import FIXTURES, ISOLATED, TEST_CASES


def test_case(ctx: Context, decision: Decision) -> Iterator[Step]:
    """TEST_CASE: `unittest.TestCase` among a class's bases."""
    node = ctx.tree.find(decision.span, ast.ClassDef)
    assert isinstance(node, ast.ClassDef), decision
    for base in node.bases:
        if ctx.names.resolve(base) in TEST_CASES:
            yield retargeted(ctx, base, ISOLATED)


_SCOPES = ("function", "class", "module", "package", "session")
_MARKS = {"strict": "pytest.mark.asyncio", "anyio": "pytest.mark.anyio"}


def mark_of(ctx: Context, node: ast.AST, part: str) -> cst.BaseExpression | None:
    """The mark by which the plugin knows an async test, where it has to be marked."""
    mark = _MARKS.get(ctx.options.get("tests", ""))
    if mark is None or part != "test" or _is_marked(ctx, node, mark):
        return None
    return ctx.text(mark.replace(".", ":", 1), node)


def _is_marked(ctx: Context, node: ast.AST, mark: str) -> bool:
    """Whether a test, its class or its module has the mark; test cases are run in another way."""
    for above in (node, *ctx.tree.ancestors(node)):
        match above:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _has(
                ctx, above.decorator_list, mark
            ):
                return True
            case ast.ClassDef():
                if _has(ctx, above.decorator_list, mark) or _has_own(ctx, above.body, mark):
                    return True
            case ast.Module() if _has_own(ctx, above.body, mark):
                return True
    return False


def _has(ctx: Context, nodes: Iterable[ast.expr], mark: str) -> bool:
    return any(
        ctx.names.resolve(node.func if isinstance(node, ast.Call) else node) == mark
        for node in nodes
    )


def _has_own(ctx: Context, body: Iterable[ast.stmt], mark: str) -> bool:
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=ast.List(elts=marks)):
                return _has(ctx, marks, mark)
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=one):
                return _has(ctx, [one], mark)
    return False


def run_by_plugin(ctx: Context, node: ast.FunctionDef, part: str) -> Iterator[Step]:
    """A fixture that pytest-asyncio knows only by its own decorator, and one that outlives the
    event loop it would run on."""
    if part != "fixture":
        return
    loop = ctx.options.get("loop_scope", "")
    for decorator in node.decorator_list:
        name = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ctx.names.resolve(name) not in FIXTURES:
            continue
        if loop and not _fits(decorator, loop):
            reason = f"its event loop would last for one {loop}, and this fixture lasts longer"
            yield ctx.refuse(node, "wide-fixture", reason, "let the fixture's loop last as long")
        elif ctx.options.get("tests") == "strict":
            yield retargeted(ctx, name, "pytest_asyncio.fixture")


def _fits(decorator: ast.expr, loop: str) -> bool:
    """Whether a fixture lasts no longer than its event loop."""
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    for keyword in keywords:
        match keyword:
            case ast.keyword(arg="scope", value=ast.Constant(value=str() as scope)):
                return scope in _SCOPES and _SCOPES.index(scope) <= _SCOPES.index(loop)
            case ast.keyword(arg="scope"):
                return loop == _SCOPES[-1]
    return True
