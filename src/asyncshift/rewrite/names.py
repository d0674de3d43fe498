"""How names can be written at a place: what is bound there, what to import, what is free."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from asyncshift.model import Span
from asyncshift.rewrite.tree import Tree

OTHER = "<other>"
"""The meaning of a name that something else than an import binds."""

BRIDGE = "_run_sync"
"""Stands for every generated bridge module."""

FROM_STYLE = frozenset({"typing", "typing_extensions", "collections.abc", "contextlib"})
"""Modules whose names are imported one by one where the file does not import the module."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An import that the rewrite needs: `import module` or `from module import attr`."""

    module: str
    attr: str | None
    alias: str | None
    beside: int = 0
    """Line of the old import statement that it belongs into, wherever that stands."""

    @property
    def bound(self) -> str:
        """The name that it binds in the file."""
        return self.alias or self.attr or self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Binding:
    """A name bound by an import statement, with what it stands for."""

    name: str
    full: str
    statement: ast.Import | ast.ImportFrom
    alias: ast.alias


def import_bindings(
    statement: ast.Import | ast.ImportFrom, module: str, is_package: bool
) -> Iterator[Binding]:
    """What one import statement binds; relative imports get their full names."""
    for alias in statement.names:
        if isinstance(statement, ast.Import):
            if alias.asname:
                yield Binding(alias.asname, alias.name, statement, alias)
            else:
                top = alias.name.partition(".")[0]
                yield Binding(top, top, statement, alias)
        elif alias.name != "*":
            base = absolute(statement, module, is_package)
            full = f"{base}.{alias.name}" if base else alias.name
            yield Binding(alias.asname or alias.name, full, statement, alias)


def absolute(statement: ast.ImportFrom, module: str, is_package: bool) -> str:
    """The full name of the module that a `from` import names."""
    if not statement.level:
        return statement.module or ""
    parts = module.split(".") if module else []
    drop = statement.level - (1 if is_package else 0)
    parts = parts[: len(parts) - drop] if drop else parts
    return ".".join([*parts, *((statement.module or "").split(".") if statement.module else ())])


class FileNames:
    """Implements `codemod.Names` for one file; `wanted` collects the imports to add."""

    def __init__(
        self,
        tree: Tree,
        module: str,
        is_package: bool,
        bridge: str = "",
        bridges: Iterable[str] = (),
        helpers: Iterable[str] = (),
    ) -> None:
        self._tree, self._module, self._is_package = tree, module, is_package
        self._bridge = bridge
        self.bridges = frozenset(filter(None, (bridge, *bridges)))
        self.helpers = {name.rpartition(".")[2]: name for name in helpers}
        """Modules that codemods bring along, by their last names."""
        self.libraries: Mapping[str, str] = {}
        """Libraries of the tables that the user wants another one for."""
        self.wanted: list[Wanted] = []
        self.gone: set[str] = set()
        """Full names that exist no more: who imports them imports something else."""
        self._given: dict[ast.AST, set[str]] = {}
        self._scopes: dict[ast.AST, dict[str, set[str]]] = {}

    # ------------------------------------------------------------- what the file binds

    @cached_property
    def bindings(self) -> list[Binding]:
        """Every import binding of the file, in source order."""
        return [
            binding
            for node in ast.walk(self._tree.module)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for binding in import_bindings(node, self._module, self._is_package)
        ]

    @cached_property
    def _modules(self) -> frozenset[str]:
        """Modules that a plain `import` names: `os.path` for `import os.path`."""
        return frozenset(
            alias.name
            for node in ast.walk(self._tree.module)
            if isinstance(node, ast.Import)
            for alias in node.names
        )

    @cached_property
    def _globals_stored(self) -> frozenset[str]:
        return frozenset(
            name
            for node in ast.walk(self._tree.module)
            if isinstance(node, ast.Global)
            for name in node.names
        )

    def scope_names(self, scope: ast.AST) -> dict[str, set[str]]:
        """The names that a function, class or module binds, each with its meanings."""
        if scope not in self._scopes:
            found: dict[str, set[str]] = {}
            for name, meaning in self._bound(scope):
                found.setdefault(name, set()).add(meaning)
            if isinstance(scope, ast.Module):
                for name in self._globals_stored:
                    found.setdefault(name, set()).add(OTHER)
            self._scopes[scope] = found
        return self._scopes[scope]

    def _bound(self, scope: ast.AST) -> Iterator[tuple[str, str]]:
        if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for arg in ast.walk(scope.args):
                if isinstance(arg, ast.arg):
                    yield arg.arg, OTHER
        outside: set[str] = set()
        found: list[tuple[str, str]] = []
        for node in self._tree.own_nodes(scope):
            match node:
                case ast.Global() | ast.Nonlocal():
                    outside.update(node.names)
                case ast.Name(ctx=ast.Store() | ast.Del()):
                    found.append((node.id, OTHER))
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    found.append((node.name, OTHER))
                case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                    found.append((name, OTHER))
                case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                    found.append((name, OTHER))
                case ast.Import() | ast.ImportFrom():
                    for binding in import_bindings(node, self._module, self._is_package):
                        found.append((binding.name, binding.full))
        yield from (pair for pair in found if pair[0] not in outside)

    def meanings(self, name: str, at: ast.AST) -> set[str]:
        """What a name can stand for at a node; empty for builtins and unknown names."""
        scope = self._tree.scope(at)
        innermost = True
        while not isinstance(scope, ast.Module):
            if innermost or not isinstance(scope, ast.ClassDef):
                names = self.scope_names(scope)
                if name in names:
                    return names[name]
            innermost = False
            scope = self._tree.scope(scope)
        return self.scope_names(scope).get(name, set())

    def resolve(self, node: ast.AST) -> str | None:
        """The full dotted name of a name or attribute expression, where imports say it.

        Functions of any generated bridge module have one name, as `_run_sync.run_sync`.
        """
        full = self._resolved(node)
        module, _, name = (full or "").rpartition(".")
        return f"{BRIDGE}.{name}" if module in self.bridges else full

    def _resolved(self, node: ast.AST) -> str | None:
        match node:
            case ast.Name(id=name):
                meanings = self.meanings(name, node)
                if len(meanings) == 1 and OTHER not in meanings:
                    return next(iter(meanings))
            case ast.Attribute(value=value, attr=attr):
                base = self._resolved(value)
                return f"{base}.{attr}" if base else None
        return None

    # ------------------------------------------------------------- Names

    def full(self, name: str) -> str:
        """A full name with the module of a codemod where it is generated: `pkg._http.get`."""
        head, _, member = name.partition(".")
        return f"{self.helpers.get(head, self.libraries.get(head, head))}.{member}"

    def dotted(self, name: str, at: Span) -> str:
        """Text for a full name at a place; `pkg.mod:attr.attr` says where the module ends."""
        node = self._tree.place(at)
        head, _, member = name.partition(".")
        if head in self.libraries:
            head = self.libraries[head]
            name = f"{head}.{member}"
        if (helper := self.helpers.get(head)) is not None:
            package = helper.rpartition(".")[0]
            name = f"{package}:{head}.{member}" if package else f"{head}:{member}"
        if "." not in name and ":" not in name:
            if not self.meanings(name, node):
                return name
            name = f"builtins:{name}"
        module, attrs = split(name, self._bridge)
        here = module == self._module and attrs
        if here and isinstance(self.binder(attrs[0], node), ast.Module):
            return ".".join(attrs)
        found = self._existing(module, attrs, node)
        return found if found is not None else self._added(module, attrs, node)

    def _existing(self, module: str, attrs: list[str], node: ast.AST) -> str | None:
        full = ".".join([module, *attrs])
        by_length = sorted(self.bindings, key=lambda b: -len(b.full))
        for binding in by_length:
            if not (full == binding.full or full.startswith(f"{binding.full}.")):
                continue
            if not self._reachable(binding, node):
                continue
            whole = len(binding.full) >= len(module) or module in self._modules
            if whole and (isinstance(binding.statement, ast.ImportFrom) or binding.full != full):
                return binding.name + full[len(binding.full) :]
        return None

    def binder(self, name: str, at: ast.AST) -> ast.AST | None:
        """The scope whose binding a name at a node refers to; None for builtins."""
        scope = self._tree.scope(at)
        innermost = True
        while not isinstance(scope, ast.Module):
            if (innermost or not isinstance(scope, ast.ClassDef)) and name in self.scope_names(
                scope
            ):
                return scope
            innermost = False
            scope = self._tree.scope(scope)
        return scope if name in self.scope_names(scope) else None

    def follow(self, binding: Binding, name: str, module: str, at: ast.AST) -> str:
        """What to write for `name`, which stands beside what `binding` imports or, where that is
        only handed on, in `module`."""
        was = binding.full.rpartition(".")[2]
        source = binding.full.rpartition(".")[0]
        direct = same_module(source, module)
        for known in self.bindings:
            home, _, last = known.full.rpartition(".")
            near = home == source or f"{source}.".startswith(f"{home}.")
            if last == name and near and self._reachable(known, at):
                return known.name
        local = _fitted(binding.name, was, name)
        beside = binding.statement.lineno if direct else 0
        wanted = Wanted(
            source if direct else module, name, None if local == name else local, beside
        )
        number = 2
        while not self._free(wanted, at):
            wanted = replace(wanted, alias=f"{local}_{number}")
            number += 1
        self.wanted.append(wanted)
        return wanted.bound

    def _reachable(self, binding: Binding, node: ast.AST) -> bool:
        """True when the import has run, for certain, where `node` stands."""
        if self.meanings(binding.name, node) != {binding.full}:
            return False
        parent = self._tree.parents[binding.statement]
        if isinstance(parent, ast.Module):
            return True
        if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)):
            before = binding.statement.lineno < getattr(node, "lineno", 0)
            return before and parent in set(self._tree.ancestors(node))
        return isinstance(parent, ast.Try) and binding.statement in parent.body

    def _added(self, module: str, attrs: list[str], node: ast.AST) -> str:
        for wanted in self.wanted:
            fits = wanted.module == module and wanted.attr in (None, attrs[0] if attrs else None)
            if fits and self._free(wanted, node):
                return _written(wanted, attrs)
        attr = attrs[0] if attrs and self._from_style(module) else None
        wanted = Wanted(module, attr, None)
        if not self._free(wanted, node):
            stem = alias = f"_{(attr or module).replace('.', '_').lstrip('_')}"
            number = 2
            while not self._free(Wanted(module, attr, alias), node):
                alias, number = f"{stem}_{number}", number + 1
            wanted = Wanted(module, attr, alias)
        self.wanted.append(wanted)
        return _written(wanted, attrs)

    def _from_style(self, module: str) -> bool:
        if module == self._bridge or module in FROM_STYLE:
            return True
        if any(helper.startswith(f"{module}.") for helper in self.helpers.values()):
            return True
        return any(
            isinstance(s, ast.ImportFrom) and absolute(s, self._module, self._is_package) == module
            for s in self._tree.module.body
        )

    def _free(self, wanted: Wanted, node: ast.AST) -> bool:
        """True when the name that an import would bind means nothing else here or at the top."""
        name = wanted.bound
        full = wanted.module if wanted.alias else wanted.module.partition(".")[0]
        if wanted.attr:
            full = f"{wanted.module}.{wanted.attr}"
        known = self.meanings(name, node) | self.scope_names(self._tree.module).get(name, set())
        clash = any(
            w.bound == name and (w.attr, w.alias) != (wanted.attr, wanted.alias)
            for w in self.wanted
        )
        return known <= {full} and not clash

    def fresh(self, wanted: str, at: Span) -> str:
        """`client`, else `client_2`, ...: a name that the function and the module do not use."""
        function = self._tree.function_around(self._tree.place(at))
        given = self._given.setdefault(function, set())
        taken = given | self._used_in(function) | set(self.scope_names(self._tree.module))
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        given.add(name)
        return name

    @lru_cache(maxsize=64)  # noqa: B019 - lives as long as the file's rewrite
    def _used_in(self, function: ast.AST) -> frozenset[str]:
        names = {w.bound for w in self.wanted}
        for node in ast.walk(function):
            match node:
                case ast.Name(id=name) | ast.arg(arg=name):
                    names.add(name)
                case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                    names.add(name)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    names.add(node.name)
                case ast.Import() | ast.ImportFrom():
                    names.update(a.asname or a.name.partition(".")[0] for a in node.names)
        return frozenset(names)


def same_module(imported: str, module: str) -> bool:
    """Whether a file's import names this module, perhaps from a folder inside the project."""
    return imported == module or f".{module}".endswith(f".{imported}")


def _fitted(local: str, was: str, name: str) -> str:
    """The local name for `name` where `was` was imported as `local`: `get` for `fetch` becomes
    `get_async` for `fetch_async`, and the other way round."""
    if local in (was, f"_{was}"):
        return name
    head, found, tail = name.partition(was)
    if found:
        return f"{head}{local}{tail}"
    head, found, tail = was.partition(name)
    if found and local.startswith(head) and local.endswith(tail):
        return local[len(head) : len(local) - len(tail)] or name
    return name


def split(name: str, bridge: str = "") -> tuple[str, list[str]]:
    """A full name's module and the attributes after it.

    Without a colon the module ends before the first capitalised part, or before the last one.
    """
    if ":" in name:
        module, _, rest = name.partition(":")
        return module, rest.split(".")
    if bridge and name.startswith(f"{bridge}."):
        return bridge, name[len(bridge) + 1 :].split(".")
    parts = name.split(".")
    end = next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    end = min(max(end, 1), len(parts) - 1)
    if parts[0] in sys.stdlib_module_names:
        while end > 1 and not _is_stdlib_module(".".join(parts[:end])):
            end -= 1
    return ".".join(parts[:end]), parts[end:]


@lru_cache(maxsize=256)
def _is_stdlib_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _written(wanted: Wanted, attrs: list[str]) -> str:
    if wanted.attr:
        return ".".join([wanted.bound, *attrs[1:]])
    head = wanted.alias or wanted.module
    return ".".join([head, *attrs])
