"""The reduced form of code in which sync and async versions of the same thing are equal.

Each rule of `Normaliser` says why the two spellings mean the same.  Rules are applied to the old
and the new text alike, so no rule has to know which of the two it looks at.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from asyncshift.erasure_constructors import as_constructor, is_factory, without_factory
from asyncshift.erasure_consumers import (
    SYNC_NAMES,
    chained,
    does_nothing,
    filtered,
    parameters_of,
    same_items,
    without_package,
)
from asyncshift.erasure_mapped import (
    as_call,
    first_by_key,
    sorted_by_key,
    with_key,
    without_lambda,
)
from asyncshift.erasure_parts import (
    Unquoted,
    as_set,
    closing_loop,
    closing_pair,
    elements,
    flat,
    handed_block,
    interrupts,
    lets_cancellation_pass,
    runs_async_tests,
    what_a_mock_does,
)
from asyncshift.erasure_properties import with_cached_result
from asyncshift.erasure_scopes import FunctionNode, Scope, Scopes, origin, sync_name

if TYPE_CHECKING:
    from asyncshift.erasure import Tables

Node = TypeVar("Node", bound=ast.AST)

IMPORTED = "@"
"""Starts a reduced name that comes from an import: `@time.sleep`."""

_BUILTINS = {
    "anext": "next",
    "aiter": "iter",
    "StopAsyncIteration": "StopIteration",
}

_ATTRIBUTES = {
    "aclose": "close",
    "asend": "send",
    "athrow": "throw",
    "enter_async_context": "enter_context",
    "push_async_exit": "push",
    "push_async_callback": "callback",
    "addAsyncCleanup": "addCleanup",
}
"""Methods of async generators and of AsyncExitStack, under their sync names."""

_STDLIB = {
    "contextlib.asynccontextmanager": "contextlib.contextmanager",
    "unittest.IsolatedAsyncioTestCase": "unittest.TestCase",
    "pytest_asyncio.fixture": "pytest.fixture",
    "unittest.mock.AsyncMock": "unittest.mock.Mock",
    "unittest.mock.MagicMock": "unittest.mock.Mock",
    "contextlib.aclosing": "contextlib.closing",
    "contextlib.AsyncExitStack": "contextlib.ExitStack",
    "contextlib.AsyncContextDecorator": "contextlib.ContextDecorator",
    "contextlib.AbstractAsyncContextManager": "typing.ContextManager",
    "contextlib.AbstractContextManager": "typing.ContextManager",
    "typing.AsyncContextManager": "typing.ContextManager",
    **SYNC_NAMES,
    **{
        f"{module}.{name}": f"typing.{name.removeprefix('Async')}"
        for module in ("typing", "collections.abc")
        for name in (
            "AsyncIterator",
            "AsyncIterable",
            "AsyncGenerator",
            "Iterator",
            "Iterable",
            "Generator",
            "Awaitable",
            "Coroutine",
        )
    },
}

_WAITS = re.compile(r"^@(asyncio\.run|(.*\.)?_run_sync\.(run|run_sync|iter_sync|enter_sync))$")
"""What waits for a coroutine in sync code: like `await`, it says how a call is waited for.  Every
bridge is counted and listed by itself."""

_HOPS = re.compile(r"^@(asyncio\.to_thread|(.*\.)?_run_sync\.in_thread)$")
"""What calls its first argument in another thread."""

_TOTAL = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "min", "max"}
    | {"@collections.Counter", "@collections.deque", "@statistics.mean"}
)
"""What takes all of its first argument before it gives anything.  `any` and `all` do not: they stop
early, so a list in place of a generator runs more of it.  Nor does `rows.extend`: what came before
an exception stays in `rows`."""


class Names:
    """The tables' renames, as a lookup from old names to new ones.

    Both texts are brought to the new names: an old exception may stand for several new ones, and
    the way back would have no single answer.
    """

    def __init__(
        self,
        tables: Tables,
        renames: Mapping[str, str] | None = None,
        created: Iterable[str] = (),
    ) -> None:
        self._tables = tables
        self.created = frozenset(created)
        """Classes whose objects an async factory makes."""
        self._renames = dict(renames or {})
        """Names of coroutines beside facades -> those of the facades."""
        self._dotted: dict[str, str] = {}
        self._modules: dict[str, str] = {}
        self._attributes: dict[str, str] = dict(_ATTRIBUTES)
        self._keywords: dict[str, str] = {}
        self._exceptions: dict[str, set[str]] = defaultdict(set)
        self._named: tuple[str, ...] = ()
        for rename in tables.erasures():
            match rename.kind:
                case "exception":
                    self._exceptions[rename.old].add(rename.new)
                case "attribute":
                    self._attributes.setdefault(rename.old, self.attribute(rename.new))
                case "keyword":
                    self._keywords[rename.old] = rename.new
                case "module":
                    self._modules[rename.old] = rename.new
                case kind:
                    self._dotted[rename.old] = rename.new
                    self._named += (rename.new,) if kind == "name" else ()
        self._known_exceptions = frozenset(
            {*self._exceptions, *(new for all_new in self._exceptions.values() for new in all_new)}
        )

    def function(self, name: str) -> str:
        """A function's name without async."""
        name = sync_name(name)
        return self._renames.get(name, name)

    def attribute(self, name: str) -> str:
        name = self.function(name)
        return self._attributes.get(name, name)

    def keyword(self, name: str) -> str:
        return self._keywords.get(name, name)

    def is_exception(self, name: str) -> bool:
        return name in self._known_exceptions or name.startswith(self._named)

    def dotted(self, name: str) -> tuple[str, ...]:
        """The new name of a full one; several where an exception became several."""
        module, dot, last = name.rpartition(".")
        name = without_package(f"{module}{dot}{self._renames.get(last, last)}")
        name = self._tables.canonical(_STDLIB.get(name, name))
        if found := self._exceptions.get(name):
            return tuple(sorted(found))
        head, tail = name, ""
        while head:
            if (new := self._dotted.get(head)) is not None:
                return (new + self._members(tail),)
            new = self._modules.get(head)
            if new is not None and not f"{name}.".startswith(f"{new}."):
                return (new + tail,)
            head, _, last = head.rpartition(".")
            tail = f".{last}{tail}"
        return (name,)

    def _members(self, tail: str) -> str:
        return ".".join(self.attribute(part) for part in tail.split("."))


class Normaliser(ast.NodeTransformer):
    """Reduces one function, or a module without its functions, in place.

    `known` has the placeholder for each function that both texts have, by the node's `id`; nested
    functions become their placeholder, new ones vanish (they are compared for themselves).
    """

    def __init__(self, scopes: Scopes, names: Names, known: Mapping[int, str]) -> None:
        self._scopes = scopes
        self._scope = scopes.module
        self._names = names
        self._known = known

    def reduce(self, node: FunctionNode | ast.Module) -> ast.AST:
        """The reduced form.  The definition's head is read in the scope around it."""
        if isinstance(node, ast.Module):
            return ast.Module(self._all(node.body), [])
        own = self._scopes.of[id(node)]
        self._scope = own.parent or own
        head = ast.FunctionDef(
            name=self._names.function(node.name),
            args=self._visit(node.args),
            decorator_list=[
                one for one in self._all(node.decorator_list) if not runs_async_tests(one)
            ],
            returns=None if node.returns is None else self._annotation(node.returns),
            body=[],
        )
        # `type_params` came with Python 3.12.
        parameters = ast.List(self._all(getattr(node, "type_params", [])), ast.Load())
        self._scope = own
        head.body = [ast.Expr(parameters), *self._all(node.body)]
        return as_constructor(head) if is_factory(node) else with_cached_result(head)

    def part(self, node: ast.AST, scope: Scope) -> ast.AST:
        """The reduced form of an annotation, a decorator or parameters, in place."""
        self._scope = scope
        return self._annotation(node) if isinstance(node, ast.expr) else self._visit(node)

    def _visit(self, node: Node) -> Node:
        found: Node = self.visit(node)
        return found

    def _all(self, nodes: Iterable[Node]) -> list[Node]:
        found: list[Any] = []
        for node in nodes:
            match self.visit(node):
                case None:
                    pass
                case list(several):
                    found += several
                case one:
                    found.append(one)
            if (loop := closing_pair(found[-2:])) is not None and self._uses(loop[1]) == 3:
                found[-2:] = [loop[0]]
        return found

    # ------------------------------------------------------------------ definitions, imports

    def visit_FunctionDef(self, node: FunctionNode) -> ast.AST | None:
        placeholder = self._known.get(id(node))
        return ast.Expr(ast.Name(placeholder, ast.Load())) if placeholder else None

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outer = self._scope
        bases, keywords = self._all(node.bases), self._all(node.keywords)
        decorators = self._all(node.decorator_list)
        self._scope = self._scopes.of[id(node)]
        body = self._all(node.body)
        self._scope = outer
        return ast.ClassDef(
            name=node.name, bases=bases, keywords=keywords, body=body, decorator_list=decorators
        )

    def visit_Import(self, node: ast.Import) -> None:
        """Not compared: every name is compared by what it is imported from."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        """`import *` binds nobody knows what, so it is compared as a statement."""
        if node.names[0].name == "*":
            return ast.Expr(ast.Name(f"{IMPORTED}{origin(node)}.*", ast.Load()))
        return None

    def visit_If(self, node: ast.If) -> ast.AST | None:
        """`if TYPE_CHECKING:` with imports alone may come and go with them."""
        if not node.orelse and all(isinstance(s, ast.Import | ast.ImportFrom) for s in node.body):
            test = self._visit(node.test)
            if isinstance(test, ast.Name) and test.id.endswith("TYPE_CHECKING"):
                return None
        return self.generic_visit(node)

    # ------------------------------------------------------------------ names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._named(node.id, [], node.ctx) or node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """`time.sleep` after `import time` and `sleep` after `from time import sleep` are one."""
        path: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            path.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            full = self._named(base.id, path, node.ctx)
            if full is not None:
                return full
        value = self.visit(node.value)
        return ast.Attribute(value, self._names.attribute(node.attr), node.ctx)

    def _named(self, name: str, path: Sequence[str], ctx: ast.expr_context) -> ast.expr | None:
        """The reduced name, or None where an attribute chain starts at something else."""
        found = self._scope.resolve(name)
        if len(found) == 1 and "" not in found:
            full = self._names.dotted(".".join([next(iter(found)), *path]))
            if full[0].startswith("builtins."):
                return ast.Name(full[0].removeprefix("builtins."), ctx)
            parts: list[ast.expr] = [ast.Name(IMPORTED + part, ctx) for part in full]
            return parts[0] if len(parts) == 1 else ast.Tuple(parts, ctx)
        if path:
            return None
        if not found:
            return ast.Name(_BUILTINS.get(name, name), ctx)
        if found == {""}:
            return ast.Name(self._names.function(name), ctx)
        several = sorted({to for one in found for to in self._names.dotted(one)})
        return ast.Name(f"{name}{IMPORTED}{'|'.join(several)}", ctx)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        name = None if node.arg is None else self._names.keyword(node.arg)
        return ast.keyword(name, self._visit(node.value))

    # ------------------------------------------------------------------ annotations

    def visit_arg(self, node: ast.arg) -> ast.AST:
        annotation = None if node.annotation is None else self._annotation(node.annotation)
        return ast.arg(node.arg, annotation)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        value = None if node.value is None else self._visit(node.value)
        return ast.AnnAssign(
            self._visit(node.target), self._annotation(node.annotation), value, node.simple
        )

    def _annotation(self, node: ast.expr) -> ast.expr:
        """Annotations in quotes name the same types, so they are read like the others."""
        unquoted: ast.expr = Unquoted().visit(node)
        return self._visit(unquoted)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """`AsyncGenerator[Y, S]` is `Generator[Y, S, None]`: it cannot return a value.
        `Awaitable[T]` and `Coroutine[Any, Any, T]` are what a call that gave T gives now."""
        node = ast.Subscript(self._visit(node.value), self._visit(node.slice), node.ctx)
        match node:
            case ast.Subscript(value=ast.Name(id="@typing.Generator"), slice=ast.Tuple(elts=parts)):
                missing = [ast.Constant(None) for _ in range(3 - len(parts))]
                node.slice = ast.Tuple([*parts, *missing], ast.Load())
            case ast.Subscript(value=ast.Name(id="@typing.Generator"), slice=only):
                node.slice = ast.Tuple([only, ast.Constant(None), ast.Constant(None)], ast.Load())
            case ast.Subscript(value=ast.Name(id="@typing.Awaitable"), slice=result):
                return result
            case ast.Subscript(
                value=ast.Name(id="@typing.Coroutine"), slice=ast.Tuple(elts=[_, _, result])
            ):
                return result
        return first_by_key(node)

    # ------------------------------------------------------------------ async statements

    def visit_For(self, node: ast.For | ast.AsyncFor) -> ast.AST:
        """A loop that only yields what it gets is `yield from`, which async generators lack (for a
        generator that is sent nothing).  Only when the loop's variable is of no other use."""
        loop = ast.For(
            self._visit(node.target),
            self._visit(node.iter),
            self._all(node.body),
            self._all(node.orelse),
        )
        match loop:
            case ast.For(
                target=ast.Name(id=one),
                body=[ast.Expr(value=ast.Yield(value=ast.Name(id=other)))],
                orelse=[],
            ) if one == other and self._uses(one) == 2:
                return ast.Expr(ast.YieldFrom(loop.iter))
        return loop

    visit_AsyncFor = visit_For  # noqa: N815

    def _uses(self, name: str) -> int:
        """How often the function around mentions a name, comprehensions of their own left out."""
        work: list[ast.AST] = [self._scope.node]
        count = 0
        while work:
            node = work.pop()
            count += isinstance(node, ast.Name) and node.id == name
            clauses = getattr(node, "generators", [])
            if any(isinstance(one.target, ast.Name) and one.target.id == name for one in clauses):
                work.append(clauses[0].iter)
            else:
                work += ast.iter_child_nodes(node)
        return count

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """`self.assertRaises(E, f, x)` is `with self.assertRaises(E): f(x)`."""
        block = handed_block(node.value, None)
        return ast.Expr(self._visit(node.value)) if block is None else self._visit(block)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        block = handed_block(node.value, node.targets[0]) if len(node.targets) == 1 else None
        if block is not None:
            return self._visit(block)
        return ast.Assign(self._all(node.targets), self._visit(node.value))

    def visit_With(self, node: ast.With | ast.AsyncWith) -> ast.AST:
        """`with a, b:` is `with a:` around `with b:`, where only one of them is async.  The end of
        a loop over what nobody else holds closes that; an async loop has to say so."""
        block = ast.With(self._all(node.items), self._all(node.body))
        if (loop := closing_loop(block)) is not None and self._uses(loop[1]) == 2:
            return loop[0]
        match block.body:
            case [ast.With(items=items, body=body)]:
                return ast.With([*block.items, *items], body)
        return block

    visit_AsyncWith = visit_With  # noqa: N815

    def visit_Try(self, node: ast.Try) -> ast.AST | list[ast.stmt]:
        """`except CancelledError: raise` lets pass what no sync code can meet."""
        handlers = [one for one in self._all(node.handlers) if not lets_cancellation_pass(one)]
        body, orelse = self._all(node.body), self._all(node.orelse)
        if not handlers and not node.finalbody:
            return [*body, *orelse]
        return ast.Try(body, handlers, orelse, self._all(node.finalbody))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        kind = None if node.type is None else as_set(interrupts(self._visit(node.type)))
        return ast.ExceptHandler(kind, node.name, self._all(node.body))

    # ------------------------------------------------------------------ async expressions

    def visit_Await(self, node: ast.Await) -> ast.AST:
        """`await to_thread(f, x)` is `f(x)` on another thread, waited for.  Without `await` it is
        not: nobody waits."""
        value = self._visit(node.value)
        match value:
            case ast.Call(
                func=ast.Name(id=hop),
                args=[ast.Name(id="getattr"), owner, ast.Constant(value=str(name))],
                keywords=[],
            ) if _HOPS.search(hop):
                return ast.Attribute(owner, self._names.attribute(name), ast.Load())
            case ast.Call(func=ast.Name(id=hop), args=[called, *arguments]) if _HOPS.search(hop):
                return self._call(ast.Call(called, arguments, value.keywords))
        return value

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        """A star takes all, as a list does; before a target it makes one."""
        value = self._visit(node.value)
        return ast.Starred(elements(value) if isinstance(node.ctx, ast.Load) else value, node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = without_factory(self._visit(node.func), self._names.created)
        return self._call(ast.Call(called, self._all(node.args), self._all(node.keywords)))

    def _call(self, node: ast.Call) -> ast.expr:
        if (double := what_a_mock_does(node)) is not None:
            return double
        match node:
            case ast.Call(func=ast.Name(id=name), args=[only], keywords=[]) if _WAITS.search(name):
                return only
            case ast.Call(
                func=ast.Attribute(attr="addCleanup"),
                args=[
                    ast.Lambda(
                        args=ast.arguments(
                            posonlyargs=[], args=[ast.arg(arg=name)], kwonlyargs=[], defaults=[one]
                        ),
                        body=ast.Call(func=ast.Name(id=called), args=rest, keywords=named),
                    )
                ],
                keywords=[],
            ) if name == called:
                node.args, node.keywords = [one, *rest], named
            case ast.Call(
                func=ast.Name(id="@itertools.starmap"),
                args=[ast.Lambda() as function, values],
                keywords=[],
            ) if (target := parameters_of(function)) is not None:
                # `starmap(lambda a, b: a + b, xs)` is `(a + b for a, b in xs)`.
                return self._expression(function.body, [ast.comprehension(target, values, [], 0)])
            case ast.Call(func=ast.Name(id="min" | "max"), args=[_, _, *_]):
                return with_key(node)  # the arguments are compared, not taken apart
            case ast.Call(func=ast.Name(id=name), args=[first, *rest]) if name in _TOTAL:
                node.args = [elements(first), *rest]
                return with_key(node)
            case ast.Call(
                func=ast.Attribute(value=values, attr=("__next__" | "__iter__") as method), args=[]
            ):
                return ast.Call(ast.Name(method.strip("_"), ast.Load()), [values], node.keywords)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str()), attr="join"), args=[only]
            ):
                node.args = [elements(only)]
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[value, classes]):
                node.args = [value, as_set(classes)]
            case ast.Call(func=ast.Name(id="@contextlib.suppress"), keywords=[]):
                both = as_set(ast.Tuple(node.args, ast.Load()))
                node.args = both.elts if isinstance(both, ast.Tuple) else [both]
            case ast.Call(
                func=ast.Name(id="next"),
                args=[
                    ast.GeneratorExp(elt=ast.Constant(value=True), generators=[*_, last]) as values,
                    ast.Constant(value=False),
                ],
                keywords=[],
            ) if last.ifs:
                # `next((True for x in xs if p(x)), False)` ends where `any(p(x) for x in xs)` does.
                test = last.ifs.pop()
                same = same_items(self._expression(test, values.generators))
                return self._call(ast.Call(ast.Name("any", ast.Load()), [same], []))
            case ast.Call(
                func=ast.Name(id="any"),
                args=[
                    ast.GeneratorExp(
                        elt=ast.Compare(
                            left=ast.Name(id=one),
                            ops=[ast.Eq()],
                            comparators=[ast.Constant() | ast.Name() as wanted],
                        ),
                        generators=[ast.comprehension(target=ast.Name(id=other), ifs=[]) as clause],
                    )
                ],
                keywords=[],
            ) if one == other and not (isinstance(wanted, ast.Name) and wanted.id == one):
                # `any(item == x for item in xs)` ends where `x in xs` does.
                return ast.Compare(wanted, [ast.In()], [clause.iter])
            case ast.Call(
                func=ast.Name(id="any"),
                args=[
                    ast.GeneratorExp(
                        elt=ast.Compare(
                            left=ast.Name(id=one),
                            ops=[ast.Eq()],
                            comparators=[ast.Name(id=once)],
                        ),
                        generators=[
                            ast.comprehension(
                                target=ast.Name(id=bound), iter=ast.List(elts=[wanted]), ifs=[]
                            ),
                            ast.comprehension(target=ast.Name(id=other), ifs=[]) as clause,
                        ],
                    )
                ],
                keywords=[],
            ) if one == other and once == bound:
                # `f() in xs` asks for one value: `any(item == w for w in [f()] for item in xs)`.
                return ast.Compare(wanted, [ast.In()], [clause.iter])
        plain = without_lambda(node)
        if isinstance(plain, ast.GeneratorExp):
            return self._expression(plain.elt, plain.generators)
        return plain

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """`lambda *args, **kwargs: f(*args, **kwargs)` is `f` that can be bound."""
        node = ast.Lambda(self._visit(node.args), self._visit(node.body))
        match node:
            case ast.Lambda(
                args=ast.arguments(
                    posonlyargs=[],
                    args=[],
                    vararg=ast.arg(arg=some),
                    kwonlyargs=[],
                    kwarg=ast.arg(arg=named),
                ),
                body=ast.Call(
                    func=ast.Name() as called,
                    args=[ast.Starred(value=ast.Name(id=one))],
                    keywords=[ast.keyword(arg=None, value=ast.Name(id=other))],
                ),
            ) if (some, named) == (one, other):
                return called
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """`not any(not p(x) for x in xs)` is `all(p(x) for x in xs)`, and stops where it does."""
        operand = self._visit(node.operand)
        match node.op, operand:
            case ast.Not(), ast.Compare(left=wanted, ops=[ast.In()], comparators=[values]):
                return ast.Compare(wanted, [ast.NotIn()], [values])
            case ast.Not(), ast.Call(
                func=ast.Name(id="any"),
                args=[ast.GeneratorExp(elt=ast.UnaryOp(op=ast.Not(), operand=test)) as values],
            ):
                same = same_items(self._expression(test, values.generators))
                return ast.Call(ast.Name("all", ast.Load()), [same], [])
        return ast.UnaryOp(node.op, operand)

    # A comprehension is the constructor called with a generator expression: the same elements in
    # the same order, all of them.

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._built("list", self._visit(node.elt), node.generators)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._built("set", self._visit(node.elt), node.generators)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        pair = ast.Tuple([self._visit(node.key), self._visit(node.value)], ast.Load())
        return self._built("dict", pair, node.generators)

    def _built(self, name: str, element: ast.expr, clauses: list[ast.comprehension]) -> ast.AST:
        reduced = self._all(clauses)
        if len(reduced) == 1 and does_nothing([element, *reduced[0].ifs]):
            reduced[0].iter = elements(reduced[0].iter)
        generator = ast.GeneratorExp(element, reduced)
        if name == "list" and (call := sorted_by_key(generator)) is not None:
            return call
        values = self._expression(element, reduced)
        return self._call(ast.Call(ast.Name(name, ast.Load()), [values], []))

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._expression(self._visit(node.elt), self._all(node.generators))

    def _expression(self, element: ast.expr, clauses: list[ast.comprehension]) -> ast.expr:
        """A generator expression; `map(f, xs)` and its like where it does no more than they do."""
        made = None
        match element, clauses:
            case ast.Name(id=one), [ast.comprehension(target=ast.Name(id=other), ifs=[test])]:
                made = filtered(other, test, clauses[0].iter) if one == other else None
            case ast.Name(id=one), [outer, inner]:
                made = chained(one, outer, inner)
        return made or as_call(ast.GeneratorExp(element, clauses))

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        return ast.comprehension(
            self._visit(node.target), self._visit(node.iter), self._all(node.ifs), 0
        )

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        """A tuple of exceptions that the tables know means the set of them."""
        both = ast.Tuple(self._all(node.elts), node.ctx)
        parts = flat(both)
        names = [name.id for name in parts if isinstance(name, ast.Name)]
        if len(names) == len(parts) and any(
            self._names.is_exception(name.removeprefix(IMPORTED)) for name in names
        ):
            return as_set(both)
        return both
