"""The only reader of the tree: paths in, source files with their module names out.

What is below the given paths is selected; the rest of the project is read too, so that callers are
known, but is not edited.  Line ends, byte-order marks and encodings are kept as they are.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
import tempfile
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asyncshift.config import Config
from asyncshift.errors import InputError
from asyncshift.ignores import Ignores
from asyncshift.metadata import entry_points, requires_python
from asyncshift.model import Message, Project, Severity, SourceFile
from asyncshift.modules import module_names

MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
SUFFIXES = (".py", ".pyw")
SKIPPED = frozenset(
    {
        "__pycache__", "node_modules", "site-packages", "__pypackages__", ".git", ".hg", ".svn",
        ".tox", ".nox", ".eggs", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache",
        ".ipynb_checkpoints", ".asyncshift",
    }
)  # fmt: skip
"""Folders that hold no source of the project, wherever they are."""
BUILT = frozenset({"build", "dist", "venv", "env"})
"""Folders that hold no source unless they are packages themselves."""
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


# ----------------------------------------------------------------------------- entry


def discover(paths: Sequence[Path], config: Config) -> Project:
    """Read the project around `paths`; `InputError` when they cannot be what was meant.

    Files that cannot be decoded are left out with a warning, and their identifiers are kept, unless
    the user named the file itself.
    """
    root = project_root(paths)
    walk = _Walk(root, Ignores.above(root, config.ignore))
    walk.folder(str(root), "", walk.ignores, selected=False)
    for path in paths:
        _select(walk, path)
    named = {str(_inside(root, path)) for path in paths if path.is_file()}
    files, messages, lost = _read(root, walk, named)
    if not any(file.selected for file in files):
        raise InputError(
            "no Python files in " + ", ".join(str(path) for path in paths),
            hint="Files that .gitignore or `ignore` leave out are not read.",
        )
    return Project(
        root=str(root),
        files=files,
        entry_points=entry_points(root),
        requires_python=requires_python(root),
        messages=tuple(walk.messages) + messages,
        unparsable_names=lost,
    )


def project_root(paths: Sequence[Path]) -> Path:
    """The nearest folder upwards with a project's marker, else the outermost package or the folder.

    The home folder, the one for temporary files and what is above them count only when named: a
    stray `.git` there would make everything in it one project.
    """
    for path in paths:
        if not path.exists():
            reason = "is a broken symlink" if path.is_symlink() else "does not exist"
            raise InputError(reason, path=str(path), hint="Give a file or a folder of Python code.")
    roots = {_root_of(_lexical(path)) for path in paths or [Path()]}
    return roots.pop() if len(roots) == 1 else Path(os.path.commonpath(roots))


def encode(file: SourceFile, text: str) -> bytes:
    """An edited text as bytes, with the file's own encoding and byte-order mark."""
    data = text.encode(file.encoding)
    return codecs.BOM_UTF8 + data if file.has_bom else data


def unparsable(file: SourceFile, error: SyntaxError) -> Message:
    """The warning for one file that does not parse, among many."""
    return Message(
        file.path,
        error.lineno or 1,
        "unparsable-file",
        f"does not parse ({error.msg}) and is left alone; functions it mentions stay as they are",
        Severity.WARNING,
    )


def identifiers(text: str) -> frozenset[str]:
    """Every name in a text that no parser reads."""
    return frozenset(_IDENTIFIER.findall(text))


def source_file(path: str, module: str, data: bytes, *, selected: bool = True) -> SourceFile:
    """One file from its bytes; `SyntaxError` or `UnicodeDecodeError` when they cannot be text."""
    encoding = "utf-8"
    has_bom = data.startswith(codecs.BOM_UTF8)
    if has_bom or b"coding" in data[:400] or not data.isascii():
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    text = data[3:].decode(encoding) if has_bom else data.decode(encoding)
    if "\0" in text:
        raise SyntaxError("source code cannot contain null bytes")
    if text.encode(encoding) != (data[3:] if has_bom else data):
        raise SyntaxError(f"its bytes are ambiguous in {encoding} and could not be kept")
    return SourceFile(
        path=path,
        module=module,
        is_package=path.rpartition("/")[2] == "__init__.py",
        text=text,
        encoding=encoding,
        has_bom=has_bom,
        digest=hashlib.sha256(data).hexdigest(),
        selected=selected,
    )


# ----------------------------------------------------------------------------- walking


@dataclass(slots=True)
class _Walk:
    """What a walk has found so far: relative path -> selected."""

    root: Path
    ignores: Ignores
    found: dict[str, bool] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    outside: dict[str, str] = field(default_factory=dict)
    """Symlinks that leave the tree, with where they lead."""

    def folder(self, folder: str, relative: str, ignores: Ignores, *, selected: bool) -> None:
        """Collect the Python files below one folder; an unreadable folder is a warning."""
        ignores = ignores.below(folder, relative)
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self._warn(relative, "unreadable-folder", f"cannot be read: {error.strerror}")
            return
        for entry in entries:
            path = f"{relative}/{entry.name}" if relative else entry.name
            if entry.is_symlink():
                if not ignores.match(path, folder=entry.is_dir()):
                    self._symlink(entry, path)
            elif entry.is_dir():
                if not _skipped(entry) and not ignores.match(path, folder=True):
                    self.folder(entry.path, path, ignores, selected=selected)
            elif entry.name.endswith(SUFFIXES) and not ignores.match(path):
                self.found[path] = selected

    def _symlink(self, entry: os.DirEntry[str], path: str) -> None:
        """Links are not followed: inside the tree the file is read where it is."""
        target = os.path.realpath(entry.path)
        inside = Path(target).is_relative_to(os.path.realpath(self.root))
        if entry.is_dir():
            if not inside and not _skipped(entry) and _holds_python(target):
                self.outside[path] = target
        elif entry.name.endswith(SUFFIXES) and entry.is_file():
            if inside:
                self._warn(path, "symlink", "is a symlink and is read only where it leads")
            else:
                self.outside[path] = target

    def _warn(self, path: str, rule: str, text: str) -> None:
        self.messages.append(Message(path or ".", 1, rule, text, Severity.WARNING))


def _select(walk: _Walk, path: Path) -> None:
    """Mark what is below one given path; an ignored one is read because it was named."""
    place = _inside(walk.root, path)
    relative = "" if str(place) == "." else place.as_posix()
    if path.is_file():
        _check_named_file(path)
        walk.found[relative] = True
        return
    prefix = f"{relative}/" if relative else ""
    below = [found for found in walk.found if found.startswith(prefix)]
    if not below:
        walk.folder(str(walk.root / place), relative, Ignores(()), selected=True)
    walk.found.update(dict.fromkeys(below, True))
    for link, target in walk.outside.items():
        if link.startswith(prefix):
            raise InputError(
                f"is a symlink that leaves the tree (to {target})",
                path=link,
                hint="Name its target as a path of its own, or leave the link out with `ignore`.",
            )


def _inside(root: Path, path: Path) -> Path:
    """The given path relative to the root; `InputError` for a symlink that leads out of it."""
    lexical = _lexical(path)
    if not lexical.resolve().is_relative_to(root.resolve()):
        raise InputError(
            f"is a symlink that leaves the tree (to {lexical.resolve()})",
            path=str(path),
            hint="Name its target instead.",
        )
    return lexical.resolve().relative_to(root.resolve())


def _check_named_file(path: Path) -> None:
    if path.suffix == ".pyi":
        raise InputError("is a stub file; asyncshift does not edit stubs", path=str(path))
    if path.suffix not in SUFFIXES:
        with _readable(path) as stream:
            if not re.match(rb"#!.*python", stream.readline(200)):
                raise InputError("is not a Python file", path=str(path))


def _skipped(entry: os.DirEntry[str]) -> bool:
    """Whether a folder holds no source of the project."""
    name = entry.name
    if name in SKIPPED or name.endswith((".egg-info", ".dist-info")):
        return True
    if name in BUILT and not os.path.exists(os.path.join(entry.path, "__init__.py")):
        return True
    return os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))


def _holds_python(folder: str) -> bool:
    """Whether a linked folder has Python files at its top or in packages just below."""
    place = Path(folder)
    return any(place.glob("*.py")) or any(place.glob("*/__init__.py"))


def _root_of(path: Path) -> Path:
    folder = path if path.is_dir() else path.parent
    shared = [Path.home(), Path(tempfile.gettempdir()).resolve()]
    too_high = {place for end in shared for place in (end, *end.parents)}
    for place in (folder, *folder.parents):
        if place != folder and place in too_high:
            break
        if any((place / marker).exists() for marker in MARKERS):
            return place.resolve()
    while (folder / "__init__.py").exists() and (folder.parent / "__init__.py").exists():
        folder = folder.parent
    return folder.resolve()


def _lexical(path: Path) -> Path:
    """Absolute without following the last link: a named symlink belongs where it stands."""
    return path.parent.resolve() / path.name if path.is_symlink() else path.resolve()


# ----------------------------------------------------------------------------- reading


def _read(
    root: Path, walk: _Walk, named: set[str]
) -> tuple[tuple[SourceFile, ...], tuple[Message, ...], frozenset[str]]:
    """The files' contents; what cannot be text becomes a message and its identifiers."""
    contents: dict[str, bytes] = {}
    messages: list[Message] = []
    lost: set[str] = set()
    for path in sorted(walk.found):
        try:
            with _readable(root / path) as stream:
                contents[path] = stream.read()
        except InputError as error:
            if path in named:
                raise
            messages.append(Message(path, 1, "unreadable-file", error.message, Severity.WARNING))
    modules = module_names(root, contents)
    files: list[SourceFile] = []
    for path, data in contents.items():
        try:
            files.append(source_file(path, modules[path], data, selected=walk.found[path]))
        except (SyntaxError, UnicodeDecodeError, LookupError) as error:
            text = f"cannot be decoded: {error}"
            if path in named:
                raise InputError(text, path=path, line=_line_of(error, data)) from error
            text += "; it is left alone, and functions it mentions stay as they are"
            line = _line_of(error, data)
            messages.append(Message(path, line, "unparsable-file", text, Severity.WARNING))
            lost |= identifiers(data.decode("latin-1"))
    return tuple(files), tuple(messages), frozenset(lost)


def _line_of(error: Exception, data: bytes) -> int:
    at = error.start if isinstance(error, UnicodeDecodeError) else 0
    return data.count(b"\n", 0, at) + 1


def _readable(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path)) from error
