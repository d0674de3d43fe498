"""Which codemods take part in a run: installed ones, folders, and the user's own tables."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

from asyncshift.codemod import Registry
from asyncshift.codemod_info import PACKAGE
from asyncshift.errors import InputError
from asyncshift.tables import Table, parse_table


def load_registry(
    tables: Sequence[Path] = (),
    codemods: Sequence[Path] = (),
    only: Sequence[str] = (),
    exclude: Sequence[str] = (),
    postgres: str = "",
) -> Registry:
    """The installed codemods, codemods from folders, and the user's own tables.

    `only` and `exclude` name codemods; a user's own table takes part whatever `only` says, as it
    was named just as explicitly.  Raises InputError for anything that cannot be used.
    """
    found = {table.name: table for table in _installed()}
    for folder in codemods:
        found |= {(table := _from_folder(folder)).name: table}
    own: dict[str, Table] = {}
    for path in tables:
        own |= {(table := parse_table(_read(path), str(path), path.stem)).name: table}
    known = [*found, *own]
    wanted = {_known(name, known, "--only") for name in only}
    dropped = {_known(name, known, "--exclude") for name in exclude}
    chosen = [t for t in found.values() if (not wanted or t.name in wanted)]
    chosen += own.values()
    chosen = [t for t in chosen if postgres in ("", t.settings.get("postgres", postgres))]
    return Registry([table for table in chosen if table.name not in dropped])


def _known(name: str, known: Sequence[str], option: str) -> str:
    wanted = name.replace("-", "_")
    if wanted in known:
        return wanted
    near = difflib.get_close_matches(wanted, known, 1, 0.4)
    hint = f"Did you mean `{near[0]}`?" if near else f"Known codemods: {', '.join(sorted(known))}."
    raise InputError(f"{option}: there is no codemod named `{name}`", hint=hint)


def _installed() -> Iterator[Table]:
    for folder in sorted(resources.files(PACKAGE).iterdir(), key=lambda entry: entry.name):
        if not folder.is_dir():
            continue
        table = folder.joinpath("table.toml")
        if table.is_file():
            place = f"{PACKAGE}.{folder.name}/table.toml"
            yield parse_table(table.read_bytes(), place, folder.name, installed=True)


def _from_folder(folder: Path) -> Table:
    path = folder / "table.toml"
    if not path.is_file():
        raise InputError(
            "a codemod is a folder with a table.toml", path=str(folder), hint="Check --codemod."
        )
    return parse_table(_read(path), str(path), folder.name, code=str(folder.resolve()))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path)) from error
