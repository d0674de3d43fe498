"""Which methods a class outside the project has: read from its source, never by importing it."""

from __future__ import annotations

import ast
import builtins
import contextlib
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_DEPTH = 12


class OutsideClasses:
    """Looks classes up in the standard library and, where given, in a site-packages folder."""

    def __init__(self, python: Path | None = None) -> None:
        self._roots = libraries_of(python)
        self._trees: dict[str, ast.Module | None] = {}
        self._members: dict[str, frozenset[str] | None] = {}

    def members(self, dotted: str, depth: int = 0) -> frozenset[str] | None:
        """Names that a class and its bases define; None when its source cannot be read."""
        if dotted not in self._members:
            self._members[dotted] = None  # a cycle of bases ends here
            self._members[dotted] = self._read(dotted, depth)
        return self._members[dotted]

    def _read(self, dotted: str, depth: int) -> frozenset[str] | None:
        module, _, name = dotted.rpartition(".")
        if module in ("builtins", ""):
            found = getattr(builtins, name, None)
            return frozenset(dir(found)) if isinstance(found, type) else None
        if depth > _DEPTH:
            return None
        tree = self._tree(module)
        if tree is None:
            return None
        imports: dict[str, str] = {}
        for statement in _top_level(tree.body):
            match statement:
                case ast.ClassDef(name=found_name) if found_name == name:
                    return self._class(statement, module, tree, depth)
                case ast.ImportFrom(module=source, names=names, level=level):
                    package = module if self._is_package(module) else module.rpartition(".")[0]
                    for _ in range(max(level - 1, 0)):
                        package = package.rpartition(".")[0]
                    full = f"{package}.{source or ''}".strip(".") if level else source or ""
                    for alias in names:
                        imports[alias.asname or alias.name] = f"{full}.{alias.name}"
        return self.members(imports[name], depth + 1) if name in imports else None

    def _class(
        self, node: ast.ClassDef, module: str, tree: ast.Module, depth: int
    ) -> frozenset[str] | None:
        names: set[str] = set()
        for statement in _top_level(node.body):
            match statement:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    names.add(name)
                case ast.Assign(targets=targets):
                    names.update(t.id for t in targets if isinstance(t, ast.Name))
                case ast.AnnAssign(target=ast.Name(id=name)):
                    names.add(name)
        for base in node.bases:
            inner = self._base(base, module, tree, depth)
            if inner is None:
                return None
            names |= inner
        return frozenset(names | set(dir(object)))

    def _base(
        self, base: ast.expr, module: str, tree: ast.Module, depth: int
    ) -> frozenset[str] | None:
        if isinstance(base, ast.Subscript):
            base = base.value
        match base:
            case ast.Name(id=name):
                found = self.members(f"{module}.{name}", depth + 1)
                return found if found is not None else self.members(f"builtins.{name}", depth + 1)
            case ast.Attribute(value=ast.Name(id=head), attr=attr):
                for statement in _top_level(tree.body):
                    if isinstance(statement, ast.Import):
                        for alias in statement.names:
                            if (alias.asname or alias.name) == head:
                                return self.members(f"{alias.name}.{attr}", depth + 1)
        return None

    def _tree(self, module: str) -> ast.Module | None:
        if module not in self._trees:
            self._trees[module] = None
            path = self._path(module)
            if path is not None:
                with contextlib.suppress(SyntaxError, ValueError, OSError):
                    self._trees[module] = ast.parse(path.read_bytes())
        return self._trees[module]

    def _path(self, module: str) -> Path | None:
        for root in self._roots:
            base = root.joinpath(*module.split("."))
            for path in (base / "__init__.py", base.with_name(base.name + ".py")):
                if path.is_file():
                    return path
        return None

    def _is_package(self, module: str) -> bool:
        path = self._path(module)
        return path is not None and path.name == "__init__.py"


def is_stdlib(dotted: str) -> bool:
    """The name belongs to the standard library."""
    top = dotted.partition(".")[0]
    return top == "builtins" or top in sys.stdlib_module_names


def libraries_of(python: Path | None) -> list[Path]:
    """The folders of the standard library and, where given, of an interpreter's libraries."""
    found = [Path(sysconfig.get_paths()["stdlib"])]
    return found if python is None else [*found, *_site_packages(python)]


def _site_packages(python: Path) -> list[Path]:
    """The site-packages of an interpreter or of a virtual environment."""
    prefix = python.parent.parent if not python.is_dir() else python
    return [*sorted(prefix.glob("lib/python3*/site-packages")), *prefix.glob("Lib/site-packages")]


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a block, those inside `if` and `try` included."""
    for statement in body:
        yield statement
        match statement:
            case ast.If(body=inner, orelse=other):
                yield from _top_level(inner)
                yield from _top_level(other)
            case ast.Try(body=inner, handlers=handlers, orelse=other):
                yield from _top_level(inner)
                for handler in handlers:
                    yield from _top_level(handler.body)
                yield from _top_level(other)
