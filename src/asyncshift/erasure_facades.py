"""Facades in one text: sync functions that do nothing but run a coroutine of the same block.

Recognised only where everything is passed on, in its own way, to the right function through the
right bridge; any other function is compared like all functions, and differs.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Mapping

from asyncshift.erasure_forms import Names, Normaliser
from asyncshift.erasure_scopes import FunctionNode, Scopes

_BRIDGE = re.compile(r"^@(.*\.)?_run_sync\.(run_sync|iter_sync|enter_sync)$")
_KEPT = re.compile(r"^(staticmethod|classmethod|@typing(_extensions)?\.(final|override))$")
_MANAGER = "@contextlib.contextmanager"
"""Also the async one, in its reduced form."""
_YIELDING = frozenset({"@typing.Iterator", "@typing.Iterable", "@typing.Generator"})


class Facades:
    """The facades of a text.  `functions` has every function by its key."""

    def __init__(self, functions: Mapping[str, FunctionNode], scopes: Scopes, names: Names) -> None:
        self._functions, self._scopes, self._names = functions, scopes, names
        self.of: dict[str, str] = {}
        """Key of the facade -> key of its coroutine."""
        for key, node in functions.items():
            if isinstance(node, ast.FunctionDef) and (coroutine := self._coroutine(key, node)):
                self.of[key] = coroutine

    @property
    def renames(self) -> dict[str, str]:
        """The coroutines' names, with those of their facades."""
        pairs = ((_last(new), _last(old)) for old, new in self.of.items())
        return {new: old for new, old in pairs if not new.startswith("__")}

    def _coroutine(self, key: str, node: ast.FunctionDef) -> str:
        """The key of what a facade runs; empty for any other function."""
        match node.body:
            case [*docstring, ast.Return(ast.Call(bridge, [ast.Call() as call], []))]:
                pass
            case _:
                return ""
        name = self._called(node, call.func)
        other = f"{key.rpartition('.')[0]}.{name}".removeprefix(".")
        coroutine = self._functions.get(other)
        if not name or not isinstance(coroutine, ast.AsyncFunctionDef):
            return ""
        if len(docstring) > 1 or not all(_is_text(statement) for statement in docstring):
            return ""
        through = _BRIDGE.match(self._reduced(node, bridge))
        whole = (
            through is not None
            and through.group(2) == self._bridge_for(coroutine)
            and _passes_all(call, node.args, bound=self._is_bound(node))
            and self._same_head(node, coroutine)
        )
        return other if whole else ""

    def _class(self, node: FunctionNode) -> ast.ClassDef | None:
        scope = self._scopes.of[id(node)].parent
        return scope.node if scope and isinstance(scope.node, ast.ClassDef) else None

    def _is_bound(self, node: FunctionNode) -> bool:
        static = "staticmethod" in self._decorators(node)
        return self._class(node) is not None and not static

    def _called(self, node: ast.FunctionDef, func: ast.expr) -> str:
        """The name of the function in the same block that is called; empty for any other."""
        cls = self._class(node)
        positional = [*node.args.posonlyargs, *node.args.args]
        match func:
            case ast.Name(id=name) if cls is None:
                return name
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if self._is_bound(node):
                return name if positional and positional[0].arg == owner else ""
            case ast.Attribute(value=value, attr=name) if cls is not None:
                return name if ast.unparse(value) == self._path(cls) else ""
        return ""

    def _path(self, cls: ast.ClassDef) -> str:
        outer = self._scopes.of[id(cls)].parent
        if outer is not None and isinstance(outer.node, ast.ClassDef):
            return f"{self._path(outer.node)}.{cls.name}"
        return cls.name

    # ------------------------------------------------------------------ heads

    def _bridge_for(self, coroutine: FunctionNode) -> str:
        if _MANAGER in self._decorators(coroutine):
            return "enter_sync"
        return "iter_sync" if _yields(coroutine) else "run_sync"

    def _same_head(self, facade: FunctionNode, coroutine: FunctionNode) -> bool:
        kept = [one for one in self._decorators(coroutine) if _KEPT.match(one)]
        mine = _with_shared_defaults(facade.args, coroutine)
        return (
            self._decorators(facade) == kept
            and self._reduced(facade, mine) == self._reduced(coroutine, coroutine.args)
            and self._gives(facade) in (self._gives(coroutine), self._enters(coroutine))
        )

    def _decorators(self, node: FunctionNode) -> list[str]:
        return [self._reduced(node, decorator) for decorator in node.decorator_list]

    def _gives(self, node: FunctionNode) -> str:
        return "" if node.returns is None else self._reduced(node, node.returns)

    def _enters(self, node: FunctionNode) -> str:
        """The reduced type of the manager that a context manager's generator makes."""
        if node.returns is None or _MANAGER not in self._decorators(node):
            return ""
        match self._part(node, node.returns):
            case ast.Subscript(value=ast.Name(id=name), slice=given) if name in _YIELDING:
                item = given.elts[0] if isinstance(given, ast.Tuple) else given
                manager = ast.Name("@typing.ContextManager", ast.Load())
                return ast.dump(ast.Subscript(manager, item, ast.Load()))
        return ""

    def _reduced(self, node: FunctionNode, part: ast.AST) -> str:
        """A part of a function's head in its reduced form; a name alone as that name."""
        found = self._part(node, part)
        return found.id if isinstance(found, ast.Name) else ast.dump(found)

    def _part(self, node: FunctionNode, part: ast.AST) -> ast.AST:
        scope = self._scopes.of[id(node)]
        normaliser = Normaliser(self._scopes, self._names, {})
        return normaliser.part(copy.deepcopy(part), scope.parent or scope)


def _last(key: str) -> str:
    return key.partition("#")[0].rpartition(".")[2]


def _is_text(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def _yields(node: FunctionNode) -> bool:
    work: list[ast.AST] = list(node.body)
    while work:
        inner = work.pop()
        if isinstance(inner, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(inner, FunctionNode | ast.Lambda | ast.ClassDef):
            work += ast.iter_child_nodes(inner)
    return False


def _passes_all(call: ast.Call, args: ast.arguments, *, bound: bool) -> bool:
    """Every parameter once, in its own way: by place, by name, as a star or as two."""
    positional = [a.arg for a in [*args.posonlyargs, *args.args]][1 if bound else 0 :]
    stars = [f"*{args.vararg.arg}"] if args.vararg else []
    named = [f"{a.arg}={a.arg}" for a in args.kwonlyargs]
    named += [f"**{args.kwarg.arg}"] if args.kwarg else []
    given = [ast.unparse(one) for one in (*call.args, *call.keywords)]
    return given == [*positional, *stars, *named]


def _with_shared_defaults(args: ast.arguments, coroutine: FunctionNode) -> ast.arguments:
    """A facade's parameters with its coroutine's defaults where it refers to them."""
    mine, own = copy.deepcopy(args), coroutine.args
    for n, (default, computed) in enumerate(zip(mine.defaults, own.defaults, strict=False)):
        if _refers(default, coroutine.name, f"__defaults__[{n}]"):
            mine.defaults[n] = computed
    pairs = zip(mine.kw_defaults, own.kw_defaults, own.kwonlyargs, strict=False)
    for n, (named, kept, parameter) in enumerate(pairs):
        key = f"__kwdefaults__[{parameter.arg!r}]"
        if named is not None and _refers(named, coroutine.name, key):
            mine.kw_defaults[n] = kept
    return mine


def _refers(default: ast.expr, name: str, key: str) -> bool:
    """`fetch_async.__defaults__[0]`, or that of the function inside of a decorated one."""
    path = rf"{name}(\.__(func|wrapped)__)*\.{re.escape(key)}"
    return re.fullmatch(path, ast.unparse(default)) is not None
