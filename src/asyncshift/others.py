"""Codemods of other tools, run over a project as text to text, with our checks, diff and journal.

A script for Bowler, or a `CodemodCommand` of LibCST, in a file or by the name of its module.  They
are code: they run because the user named them.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from asyncshift import bowler_bridge
from asyncshift.discover import encode
from asyncshift.errors import InputError
from asyncshift.model import FileChange, Project, Refusal, SourceFile

RULE = "codemod"
Transform = Callable[[Path, SourceFile, str], str]
"""Root of the project, a file, and its text with plain line ends -> its new text."""
_BOWLER = re.compile(r"^\s*(?:from|import)\s+bowler\b", re.MULTILINE)


class CannotError(Exception):
    """Why a codemod does not change a file that it is about."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a codemod would write, and the files that it could not do."""

    changes: tuple[FileChange, ...]
    refusals: tuple[Refusal, ...]


def load(name: str, settings: Mapping[str, str]) -> Transform:
    """The codemod of a file or of a module (`pkg.mod`, `pkg.mod:Class`); `InputError` for none."""
    place, _, wanted = name.rpartition(":") if ":" in name else (name, "", "")
    path = Path(place)
    if path.suffix == ".py" and path.is_file():
        if _BOWLER.search(path.read_text(encoding="utf-8")):
            if settings:
                raise InputError("a script for Bowler has no settings", path=str(path))
            return partial(_bowler, bowler_bridge.queries_of(path))
        return _libcst(_module_of(path), wanted, settings)
    if not all(part.isidentifier() for part in place.split(".")):
        raise InputError("is no file, and no name of a module", path=place)
    try:
        module = importlib.import_module(place)
    except ImportError as error:
        hint = "Name a file, or the module of a LibCST command."
        raise InputError(f"there is no codemod {name}: {error}", hint=hint) from error
    return _libcst(module, wanted, settings)


def _module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_codemod_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError("is no Python file", path=str(path))
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"fails: {type(error).__name__}: {error}", path=str(path)) from error
    return module


def _bowler(queries: Sequence[Any], root: Path, file: SourceFile, text: str) -> str:
    try:
        return bowler_bridge.transformed(queries, root, root / file.path, text)
    except bowler_bridge.UnparsableError as error:
        reason = str(error).partition(": ")[2] or str(error)
        raise CannotError(f"fissix cannot parse it: {reason}") from error


def _libcst(module: ModuleType, wanted: str, settings: Mapping[str, str]) -> Transform:
    from libcst.codemod import CodemodCommand

    found = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, CodemodCommand)
        and value.__module__ == module.__name__ and not inspect.isabstract(value)
    }  # fmt: skip
    if wanted:
        found = {name: value for name, value in found.items() if name == wanted}
    if len(found) != 1:
        told = f"has {len(found)} commands of LibCST{f' named {wanted}' if wanted else ''}"
        hint = f"Name one of them: {module.__name__}:{next(iter(found), 'Command')}"
        raise InputError(told, path=module.__name__, hint=hint)
    (command,) = found.values()
    known = inspect.signature(command.__init__).parameters
    if odd := sorted(settings.keys() - known.keys()):
        names = ", ".join(name for name in known if name not in ("self", "context"))
        raise InputError(f"{command.__name__} has no setting {odd[0]}", hint=f"It has: {names}.")
    missing = [n for n, p in known.items() if p.default is p.empty and n not in settings
               and n not in ("self", "context") and p.kind is p.KEYWORD_ONLY]  # fmt: skip
    if missing:
        raise InputError(
            f"{command.__name__} needs {', '.join(missing)}", hint=f"Give --set {missing[0]}=..."
        )
    return partial(_transformed, command, dict(settings))


def _transformed(
    command: Any, settings: dict[str, str], root: Path, file: SourceFile, text: str
) -> str:
    from libcst import ParserSyntaxError, parse_module
    from libcst.codemod import CodemodContext, SkipFile

    context = CodemodContext(filename=str(root / file.path), full_module_name=file.module)
    try:
        return str(command(context, **settings).transform_module(parse_module(text)).code)
    except SkipFile:
        return text
    except ParserSyntaxError as error:
        raise CannotError(f"LibCST cannot parse it: {error.message}") from error


# ----------------------------------------------------------------------------- over a project


def run(project: Project, transform: Transform) -> Changed:
    """What a codemod makes of the selected files.  A file is refused that it cannot do, and one
    whose new text is no Python or does not fit its encoding or its line ends."""
    changes, refusals = [], []
    for file in project.files:
        if not file.selected:
            continue
        try:
            new = _checked(file, transform, Path(project.root))
        except CannotError as error:
            way_out = "change this file by hand"
            refusals.append(Refusal(file.path, (1, 0, 1, 0), RULE, str(error), way_out))
            continue
        old = encode(file, file.text)
        if new != old:
            changes.append(FileChange(file.path, old, new))
    return Changed(tuple(changes), tuple(refusals))


def _checked(file: SourceFile, transform: Transform, root: Path) -> bytes:
    plain = file.text.replace("\r\n", "\n")
    mixed = "\r" in plain or plain.count("\n") != file.text.count("\r\n") > 0
    try:
        new = transform(root, file, plain)
    except CannotError:
        raise
    except Exception as error:
        raise CannotError(f"the codemod fails: {type(error).__name__}: {error}") from error
    if new == plain:
        return encode(file, file.text)
    if mixed:
        raise CannotError("its line ends are mixed, and the codemod would make them one kind")
    try:
        ast.parse(new)
        return encode(file, new.replace("\n", "\r\n") if "\r\n" in file.text else new)
    except (SyntaxError, ValueError) as error:
        raise CannotError(f"what the codemod makes of it is wrong: {error}") from error
