"""A codemod's table against the installed library: the names are there, the signatures fit.

The library's source is read, never imported.  What cannot be read (a C extension, names that are
made at run time) is told and is no fault.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asyncshift.codemod_info import CodemodInfo
from asyncshift.resolution.outside import libraries_of

_DEPTH = 12
_UNREAD = "cannot be read"
Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Complaint:
    """One name of a table, and what is wrong with it; `unread` is no fault."""

    name: str
    text: str
    unread: bool = False


def lint(info: CodemodInfo, python: Path | None) -> Iterator[Complaint]:
    """Every row of a table against what is installed."""
    library = _Library(python)
    classes = {row.name: row.becomes for row in info.rows if row.kind == "class" and row.becomes}
    for row in info.rows:
        old = library.find(row.name)
        if old is None:
            yield Complaint(row.name, "is not there")
            continue
        twin = _twin(row.name, row.kind, row.becomes, classes)
        if twin is None:
            continue
        new = library.find(twin)
        if new is None:
            yield Complaint(row.name, f"becomes {twin}, which is not there")
        elif isinstance(old, str) or isinstance(new, str):
            name = row.name if isinstance(old, str) else twin
            yield Complaint(name, _UNREAD, unread=True)
        else:
            yield from _signatures(row.name, twin, old, new)


def _twin(name: str, kind: str, becomes: str, classes: dict[str, str]) -> str | None:
    """The full name of what a row says; None where it says none."""
    if kind not in ("awaited", "iterated", "class", "exception", "same", "entered"):
        return None
    owner, _, member = name.rpartition(".")
    if owner in classes:
        return f"{classes[owner]}.{becomes or member}"
    return becomes if becomes and " " not in becomes and "," not in becomes else None


def _signatures(name: str, twin: str, old: Node, new: Node) -> Iterator[Complaint]:
    if isinstance(old, ast.ClassDef) or isinstance(new, ast.ClassDef):
        return
    if new.args.kwarg is not None:
        return
    known = {arg.arg for arg in _parameters(new)}
    missing = [arg.arg for arg in _parameters(old) if arg.arg not in known]
    if missing:
        yield Complaint(name, f"takes {', '.join(missing)}, and {twin} does not")


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    found = [*node.args.args, *node.args.kwonlyargs]
    return found[1:] if found and found[0].arg in ("self", "cls") else found


class _Library:
    """Looks up dotted names in the source of what is installed."""

    def __init__(self, python: Path | None) -> None:
        self._roots = libraries_of(python)
        self._trees: dict[Path, ast.Module | None] = {}

    def find(self, dotted: str, depth: int = 0) -> Node | str | None:
        """The definition of a name; `_UNREAD` where nobody can say; None where it is not."""
        if depth > _DEPTH:
            return _UNREAD
        parts = dotted.split(".")
        for count in range(len(parts) - 1, 0, -1):
            path = self._path(parts[:count])
            if path is None:
                continue
            tree = self._tree(path)
            if tree is None:
                return _UNREAD
            package = parts[:count] if path.name == "__init__.py" else parts[: count - 1]
            found = self._in_body(tree.body, parts[count], package, depth)
            if found is None and self._path(parts[: count + 1]) is not None:
                return _UNREAD
            for name in parts[count + 1 :]:
                found = self._member(found, name, ".".join(parts[:count]), depth)
            return found
        return _UNREAD

    def _in_body(
        self, body: list[ast.stmt], name: str, package: list[str], depth: int
    ) -> Node | str | None:
        found: Node | str | None = None
        for statement in _statements(body):
            match statement:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    if statement.name == "__getattr__":
                        found = found or _UNREAD
                    if statement.name == name:
                        found = statement
                case ast.ImportFrom(module=source, names=names, level=level):
                    top = package[: len(package) - level + 1] if level else []
                    full = ".".join([*top, *filter(None, [source])])
                    for alias in names:
                        if (alias.asname or alias.name) == name:
                            found = self.find(f"{full}.{alias.name}", depth + 1)
                        elif alias.name == "*":
                            found = found or self.find(f"{full}.{name}", depth + 1)
                case ast.Import(names=names):
                    if any((a.asname or a.name.partition(".")[0]) == name for a in names):
                        found = _UNREAD
                case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                    if any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(statement)):
                        found = found or _UNREAD
        return found

    def _member(self, owner: Node | str | None, name: str, module: str, depth: int
                ) -> Node | str | None:  # fmt: skip
        if not isinstance(owner, ast.ClassDef):
            return owner if owner in (None, _UNREAD) else None
        found = self._in_body(owner.body, name, module.split("."), depth)
        if found is not None:
            return found
        if any(ast.unparse(base) != "object" for base in owner.bases) or owner.keywords:
            return _UNREAD  # a base may have it
        assigned = {
            node.attr
            for node in ast.walk(owner)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        }
        return _UNREAD if name in assigned or hasattr(object, name) else None

    def _path(self, parts: list[str]) -> Path | None:
        for root in self._roots:
            base = root.joinpath(*parts)
            for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
                if path.is_file():
                    return path
        return None

    def _tree(self, path: Path) -> ast.Module | None:
        if path not in self._trees:
            self._trees[path] = None
            with contextlib.suppress(SyntaxError, ValueError, OSError):
                self._trees[path] = ast.parse(path.read_bytes())
        return self._trees[path]


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        for inner in ("body", "orelse", "handlers", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With):
                for part in getattr(statement, inner, []):
                    yield from _statements(
                        part.body if isinstance(part, ast.ExceptHandler) else [part]
                    )
