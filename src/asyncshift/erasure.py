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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from asyncshift.erasure_constructors import is_factory
from asyncshift.erasure_facades import Facades
from asyncshift.erasure_forms import Names, Normaliser
from asyncshift.erasure_scopes import FunctionNode, Scope, Scopes, sync_name
from asyncshift.model import Action, Decision
from asyncshift.renames import Rename

MODULE = "<module>"


class Tables(Protocol):
    """What is needed of a `codemod.Registry`."""

    def canonical(self, name: str) -> str: ...
    def erasures(self) -> Sequence[Rename]: ...


def compare(
    old: str,
    new: str,
    registry: Tables,
    renames: Mapping[str, str] | None = None,
    created: Iterable[str] = (),
) -> Mapping[str, bool]:
    """For every function of either text, whether nothing but async changed in it.

    Keys are qualified names as in `model.Function.name`, of the old text where the function is in
    both; the second of one name is `name#2`.  `<module>` stands for the statements and class bodies
    outside functions.  A nested function is compared for itself, not as a part of the outer one.  A
    function in one of the texts only is False, and no difference to what encloses it.
    A facade stands for its coroutine: the coroutine is compared under the facade's name.
    `renames` has the names of coroutines of other files, each with its facade's; `created` the
    classes whose objects an async factory makes.
    Both texts must parse.
    """
    before, after = _File(old), _File(new)
    facades = [_facades(file, registry) for file in (before, after)]
    own = {**facades[0].renames, **facades[1].renames}
    names = Names(registry, {**(renames or {}), **own}, created)
    pairs, lone = _pair(before, after, facades[0].of, facades[1].of)
    changed = _differing(before.scopes.module, after.scopes.module)
    verdicts = dict.fromkeys(lone, False)
    known: dict[int, str] = {}
    for number, (left, right) in enumerate(pairs):
        known[id(left.node)] = known[id(right.node)] = f"<function {number}>"
    for left, right in pairs:
        verdicts[left.key] = _untouched(left, right, changed) or _same(
            _Side(before, left.node, known), _Side(after, right.node, known), names
        )
    for key, coroutine in facades[0].of.items():
        verdicts[key] = verdicts.get(coroutine, False)
    verdicts[MODULE] = _same(
        _Side(before, before.tree, known), _Side(after, after.tree, known), names
    )
    return verdicts


def created(decisions: Iterable[Decision]) -> frozenset[str]:
    """The classes whose objects an async factory makes, by what is written where they are made."""
    sites = [one.site for one in decisions if one.action is Action.CREATE]
    return frozenset(site.text.rpartition(".")[2] for site in sites if site is not None)


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
            if is_factory(node):
                name = f"{name.rpartition('.')[0]}.__init__"
            counts[name] += 1
            key = name if counts[name] == 1 else f"{name}#{counts[name]}"
            start = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            text = "\n".join(lines[start - 1 : node.end_lineno])
            found[key] = _Function(key, node, text, scope.parent_function is None)
        return found


def _facades(file: _File, registry: Tables) -> Facades:
    nodes = {key: function.node for key, function in file.functions.items()}
    return Facades(nodes, file.scopes, Names(registry))


def _pair(
    before: _File, after: _File, old: Mapping[str, str], new: Mapping[str, str]
) -> tuple[list[tuple[_Function, _Function]], list[str]]:
    """Which function became which, and the keys of those that have no partner.

    `old` and `new` are the facades of both texts, which are no functions of their own: a coroutine
    that gets or loses one is paired by the facade's key.  A facade that went without that is lone.
    Equal keys first: a class that had both `__enter__` and `__aenter__` keeps both.  What is left
    is paired by the name without async.
    """
    left, right = _by_facade(before, old), _by_facade(after, new)
    pairs = [(left[key], right[key]) for key in left if key in right]
    rest: dict[str, list[_Function]] = defaultdict(list)
    for key, function in left.items():
        if key not in right:
            rest[_sync_key(key)].append(function)
    lone = []
    for key, function in right.items():
        if key in left:
            continue
        if partners := rest[_sync_key(key)]:
            pairs.append((partners.pop(0), function))
        else:
            lone.append(function.key)
    lone += [function.key for group in rest.values() for function in group]
    return pairs, lone


def _by_facade(file: _File, facades: Mapping[str, str]) -> dict[str, _Function]:
    """The functions but the facades; a coroutine, and what is inside of it, under its facade's."""
    names = {coroutine: facade for facade, coroutine in facades.items()}
    found = {}
    for key, function in file.functions.items():
        if key not in facades:
            outer = next((c for c in names if key == c or key.startswith(f"{c}.")), None)
            found[key if outer is None else names[outer] + key[len(outer) :]] = function
    return found


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
