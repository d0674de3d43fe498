"""What a command that only reads has written, kept while everything that it read is as it was.

An entry holds the two texts, which files the walk found, and for each its stat and the hash of its
content.  The next run walks the tree and compares: a file whose stat is the same is not opened; one
whose stat differs, or was too young to be trusted when it was taken, is hashed.  Whatever is wrong
with an entry, the answer is a miss.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from asyncshift import __version__, codemods
from asyncshift.cache import cache_folder
from asyncshift.config import Config
from asyncshift.discover import walk
from asyncshift.modules import packages_above

KEPT = 50
"""Entries in the cache folder; the oldest go."""
LARGEST = 32 * 1024 * 1024
"""Longer texts are not kept."""
YOUNG = 2_000_000_000
"""Nanoseconds.  A file may change again without a new stat while its clock does not tick on."""
DECLARING = ("pyproject.toml", "setup.cfg", "setup.py")
"""Files at the root that are read for entry points and the lowest Python."""
_NO_MATTER = frozenset({"jobs", "cache"})

Stamp = tuple[int, ...]
"""Size, times of change in nanoseconds, inode; empty when it proves nothing."""


class Page(NamedTuple):
    """What goes to stdout and to stderr."""

    out: str
    error: str


@dataclass(frozen=True, slots=True)
class Tree:
    """What a walk sees without opening a source file."""

    root: str
    seen: tuple[Any, ...]
    """The files with whether they are selected, the messages of the walk, what is declared."""
    stamps: dict[str, Stamp]
    begun: int
    """When the first stat was taken."""

    def settled(self) -> dict[str, Stamp]:
        """The stamps that any later change must alter."""
        limit = self.begun - YOUNG
        return {path: s if s and max(s[1:3]) < limit else () for path, s in self.stamps.items()}


class Pages:
    """The entry of one command with its paths and settings."""

    def __init__(
        self, command: Sequence[str], paths: Sequence[Path], config: Config, folder: Path
    ) -> None:
        self.tree = _tree(paths, config)
        self._path = folder / f"page-{_key(command, paths, config)}.bin"

    @classmethod
    def for_command(
        cls, command: Sequence[str], paths: Sequence[Path], config: Config
    ) -> Pages | None:
        """None without a cache, and with `python`: nobody looks whether libraries changed."""
        if not config.cache or config.python is not None:
            return None
        return cls(command, paths, config, cache_folder())

    def get(self) -> Page | None:
        """The page, if it would be the same again."""
        entry = self._load()
        if entry is None:
            return None
        seen, stamps, digests, page = entry
        if seen != self.tree.seen:
            return None
        doubtful = [p for p, stamp in self.tree.stamps.items() if not stamp or stamp != stamps[p]]
        if any(_digest(Path(self.tree.root, path)) != digests[path] for path in doubtful):
            return None
        if doubtful:
            self._store(digests, page)
        return Page(*page)

    def put(self, page: Page, known: Iterable[tuple[str, str]]) -> None:
        """Keep a page.  `known` are hashes of contents as they were read, by path; a file that is
        not among them is hashed now, and must not have changed since the walk."""
        if len(page.out) + len(page.error) > LARGEST:
            return
        digests = dict(known)
        for path, stamp in self.tree.stamps.items():
            if path not in digests:
                place = Path(self.tree.root, path)
                digest = _digest(place)
                if digest is None or _stamp(place) != stamp:
                    return
                digests[path] = digest
        if digests.keys() == self.tree.stamps.keys():
            self._store(digests, tuple(page))

    def _load(self) -> tuple[Any, dict[str, Stamp], dict[str, str], tuple[str, str]] | None:
        try:
            data = self._path.read_bytes()
        except OSError:
            return None
        if data[:16] != _checksum(data[16:]):
            return None
        entry: tuple[Any, dict[str, Stamp], dict[str, str], tuple[str, str]]
        entry = marshal.loads(data[16:])
        return entry

    def _store(self, digests: dict[str, str], page: tuple[str, ...]) -> None:
        data = marshal.dumps((self.tree.seen, self.tree.settled(), digests, page))
        folder = self._path.parent
        new = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new.write_bytes(_checksum(data) + data)
            new.replace(self._path)
            entries = [(path.stat().st_mtime_ns, path) for path in folder.glob("page-*")]
            for _, path in sorted(entries)[:-KEPT]:
                path.unlink(missing_ok=True)
        except OSError:
            return  # a full disk costs time on the next run, nothing else


def _tree(paths: Sequence[Path], config: Config) -> Tree:
    begun = time.time_ns()
    found = walk(paths, config)
    root = found.root
    messages = tuple((m.path, m.line, m.rule, m.text, str(m.severity)) for m in found.messages)
    declared = tuple(_digest(root / name) for name in DECLARING)
    files = tuple(sorted(found.found.items()))
    seen = (str(root), files, messages, declared, packages_above(root))
    return Tree(str(root), seen, {path: _stamp(root / path) for path in found.found}, begun)


def _stamp(path: Path) -> Stamp:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def identity(config: Config) -> str:
    """What rewriters depend on beside what they are told: tables, and the tool's own code."""
    chosen = Config(
        only=config.only,
        exclude=config.exclude,
        tables=config.tables,
        codemods=config.codemods,
        postgres=config.postgres,
    )
    return _key(("answers",), (), chosen)


def _key(command: Sequence[str], paths: Sequence[Path], config: Config) -> str:
    settings = [
        (field.name, getattr(config, field.name))
        for field in fields(config)
        if field.name not in _NO_MATTER
    ]
    tables = [_digest(table) for table in config.tables]
    own = [path for folder in config.codemods for path in sorted(folder.rglob("*.*"))]
    tables += [_digest(path) for path in own if path.suffix in (".py", ".toml")]
    what = (command, os.getcwd(), [str(path) for path in paths], settings, tables)
    digest = hashlib.sha256(f"{__version__} {sys.version} {sys.base_prefix} {what}".encode())
    places = [Path(__file__).parent, *map(Path, codemods.__path__)]
    for place in places:
        for folder, folders, names in os.walk(place):
            folders.sort()
            for name in sorted(names):
                if name.endswith((".py", ".toml")):
                    digest.update(Path(folder, name).read_bytes())
    return digest.hexdigest()[:32]


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
