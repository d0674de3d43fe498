"""What the `**` arguments of one file's calls can hold: the keys of local dicts, followed."""

from __future__ import annotations

import ast
import re

from asyncshift.model import SourceFile
from asyncshift.resolution.scopes import Scope
from asyncshift.resolution.ways import Ways


class Doubles(Ways):
    """Keeps account of dict displays that are assigned to local names and handed on with `**`."""

    def __init__(self, file: SourceFile) -> None:
        super().__init__(file)
        self._pending: list[tuple[int, Scope, str]] = []

    def double(self, node: ast.Call, site: int) -> None:
        """What the `**` arguments of a call can hold; names are settled when the scope ends."""
        names: set[str] = set()
        own, known = False, True
        for keyword in node.keywords:
            match keyword:
                case ast.keyword(arg=str() as name):
                    names.add(name)
                case ast.keyword(value=ast.Dict() as display):
                    found = constant_keys(display)
                    known = known and found is not None
                    names |= found or set()
                case ast.keyword(value=ast.Name(id=name)):
                    holder = self.dict_scope(name)
                    if holder is None:
                        known = False
                        continue
                    own = own or holder.kwarg == name
                    self._pending.append((site, holder, name))
                case _:
                    known = False
        self.doubles[site] = (tuple(sorted(names)), own, known)

    def dict_scope(self, name: str) -> Scope | None:
        """The function scope that keeps account of a local dict; None when it is not local."""
        scope = self.scope
        while scope.kind == "comp" and scope.parent is not None:
            scope = scope.parent
        return None if name in scope.redirect else scope

    def settle_doubles(self) -> None:
        """At the end of the file every assignment to the dicts is known."""
        for site, scope, name in self._pending:
            names, own, known = self.doubles[site]
            found = scope.dicts.get(name)
            if found is None and (scope.kwarg != name or name in scope.dicts):
                known = False
            self.doubles[site] = (tuple(sorted({*names, *(found or ())})), own, known)

    def note_dict(self, name: str, keys: set[str] | None) -> None:
        """Account for an assignment of a dict, or of one of its items; None: not followed."""
        scope = self.dict_scope(name)
        if scope is None:
            return
        if keys is None or (name in scope.dicts and scope.dicts[name] is None):
            scope.dicts[name] = None
        else:
            scope.dicts[name] = (scope.dicts.get(name) or set()) | keys

    def note_update(self, node: ast.Call) -> None:
        """`d.update(...)` and `d.setdefault(...)` add keys to a dict that is followed."""
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="setdefault"),
                args=[ast.Constant(value=str() as key), *_],
            ):
                self.note_dict(name, {key})
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="update")):
                keys = constant_keys(ast.Call(ast.Name("dict"), node.args, node.keywords))
                self.note_dict(name, keys)


_CONVERSION = re.compile(r"%(?:\(\w*\))?[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]")
_FIELD = re.compile(r"\{[^{}]*\}")


def pattern(node: ast.expr) -> str:
    """A computed name with a star for what is not known: `f"do_{x}"` is `do_*`."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(pattern(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return pattern(left) + pattern(right)
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod()):
            return _CONVERSION.sub("*", text)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")):
            return _FIELD.sub("*", text)
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str() as text), attr="join"),
            args=[ast.Tuple(elts=parts) | ast.List(elts=parts)],
        ) if not any(isinstance(part, ast.Starred) for part in parts):
            return text.join(map(pattern, parts))
    return "*"


def constant_keys(node: ast.expr) -> set[str] | None:
    """The keys of a dict display or a `dict(...)` call; None unless all are known."""
    if node.__class__ is not ast.Dict and node.__class__ is not ast.Call:
        return None
    match node:
        case ast.Dict(keys=keys, values=values):
            names: set[str] = set()
            for key, value in zip(keys, values, strict=True):
                match key:
                    case ast.Constant(value=str() as name):
                        names.add(name)
                    case None:
                        inner = constant_keys(value)
                        if inner is None:
                            return None
                        names |= inner
                    case _:
                        return None
            return names
        case ast.Call(func=ast.Name(id="dict"), args=args, keywords=keywords):
            names = set()
            for part in [*args, *(k.value for k in keywords if k.arg is None)]:
                inner = constant_keys(part)
                if inner is None:
                    return None
                names |= inner
            return names | {keyword.arg for keyword in keywords if keyword.arg is not None}
    return None
