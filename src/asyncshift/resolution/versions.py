"""Local variables that are bound more than once: what each of their uses can see.

    response = session.get(url)
    response = response.json()
    return response.get("name")

Each binding in a function makes a new node, a version.  Where ways through the code meet, a version
takes those of all ways.  Functions inside see every version, because nobody knows when they run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Env = dict[str, int | None]
"""Version of each variable at one place; None where it was not mentioned yet."""


@dataclass(slots=True)
class Loop:
    """A loop around the place that is walked: the versions at its head, and those at its breaks."""

    heads: dict[str, int]
    left: list[Env] = field(default_factory=list)


class Flow:
    """The versions of one function's variables.  `names` is the scope's own: the current ones."""

    __slots__ = ("dead", "every", "loops", "names", "several", "trail", "versions", "whole")

    def __init__(self, names: dict[str, int], several: set[str]) -> None:
        self.names = names
        self.several = several
        """Variables that are bound more than once."""
        self.trail: list[tuple[str, int | None, int]] = []
        """Every change so far: (name, version before, version after)."""
        self.versions: dict[str, list[int]] = {}
        self.every: dict[str, int] = {}
        """Variable that a function inside uses -> the node of all its versions."""
        self.whole: set[str] = set()
        """Variables that a function inside binds: they have one version from then on."""
        self.loops: list[Loop] = []
        self.dead = False
        """Whether what is walked cannot be reached: it stands behind a `return`."""

    def set(self, name: str, number: int) -> None:
        """Another version is the current one from now on."""
        self.trail.append((name, self.names.get(name), number))
        self.names[name] = number

    def before(self, mark: int) -> Env:
        """What has changed since, as it was then."""
        found: Env = {}
        for name, old, _ in self.trail[mark:]:
            found.setdefault(name, old)
        return found

    def restore(self, env: Env) -> None:
        for name, number in env.items():
            if name in self.whole:
                continue
            if number is None:
                self.names.pop(name, None)
            else:
                self.names[name] = number

    def seen(self, names: Iterable[str]) -> Env:
        """The current versions of some variables."""
        return {name: self.names.get(name) for name in names}


def bound_again(parameters: Iterable[str], block: list[ast.stmt]) -> set[str]:
    """The variables of a function that its statements bind more than once."""
    once, again, declared = set(parameters), set[str](), set[str]()
    for name in bindings(block, declared):
        (again if name in once else once).add(name)
    return again - declared


def bindings(block: Iterable[ast.stmt], declared: set[str] | None = None) -> Iterator[str]:
    """The names that statements bind, also those inside, without functions and expressions.
    `declared` gets those whose type is annotated: that holds for all their versions."""
    todo = [*block]
    for node in todo:
        if node.__class__ in _SIMPLE:
            continue
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id
                else:
                    yield from _targets(target)
        elif isinstance(node, ast.If):
            todo += node.body
            todo += node.orelse
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            yield from _targets(node.target)
            todo += node.body
            todo += node.orelse
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None:
                    yield from _targets(item.optional_vars)
            todo += node.body
        elif isinstance(node, (ast.Try, ast.TryStar)):
            todo += node.body
            for handler in node.handlers:
                if handler.name is not None:
                    yield handler.name
                todo += handler.body
            todo += node.orelse
            todo += node.finalbody
        elif isinstance(node, ast.AugAssign):
            yield from _targets(node.target)
        elif isinstance(node, ast.AnnAssign):
            yield from _targets(node.target)
            if declared is not None:
                declared.update(_targets(node.target))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (one.asname or one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.While):
            todo += node.body
            todo += node.orelse
        elif isinstance(node, ast.Match):
            for case in node.cases:
                yield from _captures(case.pattern)
                todo += case.body


_SIMPLE = frozenset({ast.Expr, ast.Return, ast.Raise, ast.Pass, ast.Assert, ast.Delete})
"""Statements that bind nothing."""


def _targets(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _targets(part)
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value)


def _captures(pattern: ast.pattern) -> Iterator[str]:
    for part in ast.walk(pattern):
        match part:
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                yield name
            case ast.MatchMapping(rest=str() as name):
                yield name
