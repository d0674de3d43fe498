"""What names mean in one file, as far as the erasure check asks: imported, and from where."""

from __future__ import annotations

import ast
from collections.abc import Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

LOCAL = ""
"""Stands, among the things a name is bound to, for everything that is not an import."""

_SYNC_NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "asyncSetUp": "setUp",
    "asyncTearDown": "tearDown",
}


def sync_name(name: str) -> str:
    """The sync twin of a protocol method's name; any other name as it is."""
    return _SYNC_NAMES.get(name, name)


class Scope:
    """The names bound in a module, class or function body: each with what it can be bound to."""

    def __init__(self, parent: Scope | None, node: ast.AST) -> None:
        self.parent = parent
        self.node = node
        self.names: dict[str, set[str]] = {}
        self.elsewhere: dict[str, str] = {}
        """Names declared `global` or `nonlocal`."""

    @property
    def parent_function(self) -> Scope | None:
        """The nearest enclosing function's scope."""
        scope = self.parent
        while scope is not None and not isinstance(scope.node, FunctionNode):
            scope = scope.parent
        return scope

    def bind(self, name: str, to: str = LOCAL) -> None:
        self.names.setdefault(name, set()).add(to)

    def resolve(self, name: str) -> frozenset[str]:
        """What the name can be bound to; empty for a builtin."""
        for scope in self.chain(name):
            if found := scope.names.get(name):
                return frozenset(found)
        return frozenset()

    def chain(self, name: str) -> Iterator[Scope]:
        """The scopes Python searches: class bodies are seen from directly inside only."""
        scope: Scope | None = self
        if self.elsewhere.get(name) == "global":
            while scope is not None and scope.parent is not None:
                scope = scope.parent
        elif name in self.elsewhere:
            scope = self.parent
        while scope is not None:
            if scope is self or not isinstance(scope.node, ast.ClassDef):
                yield scope
            scope = scope.parent


class Scopes:
    """All scopes of a module.  Lambda parameters and comprehension targets count for the function
    around them: names are only told apart more carefully than necessary by that."""

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope(None, tree)
        self.of: dict[int, Scope] = {id(tree): self.module}
        self.functions: list[tuple[str, FunctionNode, Scope]] = []
        """Qualified name, node and scope, in the order of the text."""
        self._collect(tree)
        self._settle()
        self.functions.sort(key=lambda found: (found[1].lineno, found[1].col_offset))

    def _collect(self, tree: ast.Module) -> None:
        work: list[tuple[ast.AST, Scope, str]] = [(tree, self.module, "")]
        while work:
            node, scope, prefix = work.pop()
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    scope.bind(node.name)
                    inner = self.of[id(node)] = Scope(scope, node)
                    name = prefix + node.name
                    if not isinstance(node, ast.ClassDef):
                        self.functions.append((name, node, inner))
                        work += [(item, inner, "") for item in _parameters(node.args)]
                    work += [(child, scope, prefix) for child in _outside(node)]
                    work += [(child, inner, f"{name}.") for child in node.body]
                case _:
                    _bind(node, scope)
                    work += [(child, scope, prefix) for child in ast.iter_child_nodes(node)]

    def _settle(self) -> None:
        """`global x` in a function: what it binds there is bound in the module."""
        for scope in self.of.values():
            for name in scope.elsewhere.keys() & scope.names.keys():
                bound = scope.names.pop(name)
                home = next((s for s in scope.chain(name) if name in s.names), self.module)
                home.names.setdefault(name, set()).update(bound)


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    """Parameters alone, without their annotations, which are evaluated outside."""
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    found += [item for item in (arguments.vararg, arguments.kwarg) if item is not None]
    return [ast.arg(item.arg) for item in found]


def _outside(node: FunctionNode | ast.ClassDef) -> Iterator[ast.AST]:
    """What belongs to the definition but is evaluated in the scope around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.arguments):
            yield from child.defaults
            yield from (item for item in child.kw_defaults if item is not None)
        elif not isinstance(child, ast.stmt):
            yield child


def _bind(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            scope.bind(name)
        case ast.arg(arg=name):
            scope.bind(name)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            scope.bind(name)
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            scope.bind(name)
        case ast.Import():
            for alias in node.names:
                if alias.asname:
                    scope.bind(alias.asname, alias.name)
                else:
                    top = alias.name.partition(".")[0]
                    scope.bind(top, top)
        case ast.ImportFrom():
            for alias in node.names:
                full = f"{origin(node)}.{alias.name}"
                scope.bind(alias.asname or alias.name, full)
        case ast.Global():
            scope.elsewhere.update(dict.fromkeys(node.names, "global"))
        case ast.Nonlocal():
            scope.elsewhere.update(dict.fromkeys(node.names, "nonlocal"))


def origin(node: ast.ImportFrom) -> str:
    """The module as written; one inside the own package keeps its leading dots."""
    return "." * node.level + (node.module or "")
