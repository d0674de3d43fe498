"""The proof that a migration changed nothing but async: both texts in one reduced form, compared.

The reduced form has no `async` and no `await`, no protocol names (`__aenter__`, `anext`, ...), and
every name that a table renames under its new name.  It is made for both texts alike, so what is
equal before stays equal, and code that was async already is no exception.  What it cannot see is a
forgotten `await`; the whole-tree check looks for those.

`await`, `asyncio.to_thread`, `asyncio.run` and the bridges (`run_sync(f())`) only say how a call is
waited for; threads and bridges are counted and listed by themselves.

What is *not* erased, because a reader should see it: an added `async with` around a call, arguments
that keep an old default (`follow_redirects=True`), renamed locals, and everything that is new.
Imports are not compared, but every name is compared by what it is imported from.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from asyncshift.codemod import Rename
from asyncshift.erasure_forms import Names, Normaliser
from asyncshift.erasure_scopes import FunctionNode, Scope, Scopes, sync_name

MODULE = "<module>"


class Tables(Protocol):
    """What is needed of a `codemod.Registry`."""

    def canonical(self, name: str) -> str: ...
    def erasures(self) -> Sequence[Rename]: ...


def compare(old: str, new: str, registry: Tables) -> Mapping[str, bool]:
    """For every function of either text, whether nothing but async changed in it.

    Keys are qualified names as in `model.Function.name`, of the old text where the function is in
    both; the second of one name is `name#2`.  `<module>` stands for the statements and class bodies
    outside functions.  A nested function is compared for itself, not as a part of the outer one.  A
    function in one of the texts only is False, and no difference to what encloses it.
    Both texts must parse.
    """
    before, after = _File(old), _File(new)
    pairs, lone = _pair(before, after)
    names = Names(registry)
    changed = _differing(before.scopes.module, after.scopes.module)
    verdicts = dict.fromkeys(lone, False)
    known: dict[int, str] = {}
    for number, (left, right) in enumerate(pairs):
        known[id(left.node)] = known[id(right.node)] = f"<function {number}>"
    for left, right in pairs:
        verdicts[left.key] = _untouched(left, right, changed) or _same(
            _Side(before, left.node, known), _Side(after, right.node, known), names
        )
    verdicts[MODULE] = _same(
        _Side(before, before.tree, known), _Side(after, after.tree, known), names
    )
    return verdicts


# ----------------------------------------------------------------------------- the two texts


@dataclass(frozen=True, slots=True)
class _Function:
    key: str
    node: FunctionNode
    text: str
    """The lines of the definition with its decorators."""
    top: bool
    """Not inside another function."""


@dataclass(frozen=True, eq=False)
class _File:
    text: str
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.text))

    @cached_property
    def scopes(self) -> Scopes:
        return Scopes(self.tree)

    @cached_property
    def functions(self) -> Mapping[str, _Function]:
        """By key, in the order of the text."""
        lines = re.split(r"\r\n|\r|\n", self.text)
        counts: dict[str, int] = defaultdict(int)
        found: dict[str, _Function] = {}
        for name, node, scope in self.scopes.functions:
            counts[name] += 1
            key = name if counts[name] == 1 else f"{name}#{counts[name]}"
            start = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            text = "\n".join(lines[start - 1 : node.end_lineno])
            found[key] = _Function(key, node, text, scope.parent_function is None)
        return found


def _pair(before: _File, after: _File) -> tuple[list[tuple[_Function, _Function]], list[str]]:
    """Which function became which, and the keys of those that have no partner.

    Equal keys first: a class that had both `__enter__` and `__aenter__` keeps both.  What is left
    is paired by the name without async.
    """
    pairs = [
        (before.functions[key], after.functions[key])
        for key in before.functions
        if key in after.functions
    ]
    left: dict[str, list[_Function]] = defaultdict(list)
    for key, function in before.functions.items():
        if key not in after.functions:
            left[_sync_key(key)].append(function)
    lone = []
    for key, function in after.functions.items():
        if key in before.functions:
            continue
        if partners := left[_sync_key(key)]:
            pairs.append((partners.pop(0), function))
        else:
            lone.append(key)
    lone += [function.key for group in left.values() for function in group]
    return pairs, lone


def _sync_key(key: str) -> str:
    return ".".join(sync_name(part) for part in key.partition("#")[0].split("."))


# ----------------------------------------------------------------------------- comparing


def _differing(before: Scope, after: Scope) -> frozenset[str]:
    """Names that mean something else at module level than they did."""
    names = {*before.names, *after.names}
    return frozenset(n for n in names if before.names.get(n) != after.names.get(n))


def _untouched(left: _Function, right: _Function, changed: frozenset[str]) -> bool:
    """The cheap yes, for most functions of a changed file: the same text, and no name in it that
    is imported from elsewhere now.  Not for nested functions: names come from the outer one too."""
    return (
        left.top
        and right.top
        and left.text == right.text
        and changed.isdisjoint(re.findall(r"\w+", left.text))
    )


@dataclass(frozen=True, slots=True)
class _Side:
    file: _File
    node: FunctionNode | ast.Module
    known: Mapping[int, str]

    def reduced(self, names: Names) -> str:
        return ast.dump(Normaliser(self.file.scopes, names, self.known).reduce(self.node))


def _same(left: _Side, right: _Side, names: Names) -> bool:
    """Whether the reduced forms are equal.  Code too deeply nested to be walked is not proved."""
    try:
        return left.reduced(names) == right.reduced(names)
    except RecursionError:
        return False
