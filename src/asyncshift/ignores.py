"""Which files .gitignore and the `ignore` setting leave out, as git decides it.

The nearest .gitignore that says anything wins, and a file below an ignored folder cannot come back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asyncshift.errors import InputError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class Ignores:
    """The rules in force at one folder, outermost first, each with the prefix its paths drop."""

    rules: tuple[tuple[str, GitIgnoreSpec], ...]
    lead: str = ""
    """Folders between the repository's top and the root, for rules that stand above the root."""

    @classmethod
    def above(cls, root: Path, patterns: Sequence[str]) -> Ignores:
        """Rules of the repository around `root`, then the setting's own.

        When those rules ignore the root itself, they are dropped: the user named it.
        """
        top = next((p for p in (root, *root.parents) if (p / ".git").exists()), root)
        between = root.relative_to(top).parts
        lead = "/".join(between)
        outer = cls((), lead)
        folder = top
        for depth, part in enumerate(between):
            outer = outer._with(folder, "/".join(between[:depth]))
            if outer._decide("/".join(between[: depth + 1]) + "/"):
                outer = cls((), lead)
                break
            folder = folder / part
        if patterns:
            outer = cls((*outer.rules, (lead, _own_spec(patterns))), lead)
        return outer

    def below(self, folder: str, relative: str) -> Ignores:
        """The rules inside a folder of the tree: these, and its own .gitignore."""
        prefix = "/".join(part for part in (self.lead, relative) if part)
        return self._with(Path(folder), prefix)

    def match(self, path: str, *, folder: bool = False) -> bool:
        """Whether a path (relative to the root) is left out."""
        if not self.rules:
            return False
        full = f"{self.lead}/{path}" if self.lead else path
        return self._decide(full + "/" if folder else full)

    def _decide(self, full: str) -> bool:
        for prefix, spec in reversed(self.rules):
            found = spec.check_file(full[len(prefix) :].lstrip("/")).include
            if found is not None:
                return found
        return False

    def _with(self, folder: Path, prefix: str) -> Ignores:
        path = os.path.join(folder, ".gitignore")
        if not os.path.isfile(path):
            return self
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as stream:
                spec = _git_spec(stream.read().splitlines())
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", path=path) from error
        return Ignores((*self.rules, (prefix, spec)), self.lead)


def _own_spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise InputError(f"`ignore` has a pattern that makes no sense: {error}") from error


def _git_spec(lines: Sequence[str]) -> GitIgnoreSpec:
    """Git passes over a line that it cannot read, so a bad one must not stop a migration."""
    from pathspec import GitIgnoreSpec

    good = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        good.append(line)
    return GitIgnoreSpec.from_lines(good)
