"""`[tool.asyncshift]` in the analysed project's pyproject.toml, read strictly, into a `Config`.

An unknown key is an error that names the nearest known one: a setting that is silently ignored is
found only after the migration.  The command line overrides what the file says.  `--codemod` has no
key here on purpose: codemods are code, and no file in the analysed tree may name code to run.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncshift.errors import InputError

PLACE = re.compile(
    r"(?P<path>[^\W\d]\w*(?:\.[^\W\d]\w*)+)(?:\((?P<parameter>\w*)\))?(?P<element>\[\])?"
)
"""Where a hint says what is there; see `resolution/hints.py`."""
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")


@dataclass(frozen=True, slots=True)
class Hint:
    """One line of `[tool.asyncshift.hints]`: a place holds instances of a class."""

    place: str
    cls: str
    path: str | None = None
    line: int | None = None

    def error(self, text: str, hint: str | None = None) -> InputError:
        """What is wrong with the line."""
        message = f"[tool.asyncshift.hints] `{self.place}`: {text}"
        return InputError(message, path=self.path, line=self.line, hint=hint)


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting, from the file and the command line together."""

    only: tuple[str, ...] = ()
    """Names of the codemods to run; empty for all."""
    exclude: tuple[str, ...] = ()
    """Names of codemods that must not run."""
    tables: tuple[Path, ...] = ()
    """The user's own tables; relative ones in the file count from the file's folder."""
    codemods: tuple[Path, ...] = ()
    """Folders of codemods beside the installed ones; code, so that no file can name them."""
    ignore: tuple[str, ...] = ()
    """Patterns, written as in .gitignore, of files that are not read."""
    jobs: int = 0
    """Worker processes; 0 for one per processor."""
    cache: bool = True
    python: Path | None = None
    """Interpreter or virtual environment of the project, whose libraries' sources are read."""
    modules: tuple[str, ...] = ()
    """Dotted names, or patterns, of the modules to migrate; empty for all below the paths."""
    entries: tuple[str, ...] = ()
    """`pkg.module:function`: migrate what these reach, and nothing else."""
    direction: str = "up"
    """`up`: from awaitable calls to callers; `down`: from callers to blocking calls, in threads."""
    edit_callers: bool = False
    """Single lines outside the selection that use what changes may be edited."""
    boundary: str = "facade"
    """What stands where code outside calls a function that turned: `facade` or `bridge`."""
    facade_name: str = "{name}_async"
    """What the coroutine beside a facade is called."""
    tests: str = "auto"
    """`async`: tests of what turns turn as well, for pytest with pytest-asyncio, which is added to
    the project; `auto`: where the project has what runs them; `sync`: they wait through bridges."""
    parity: str = "default"
    """`strict`: what nearly no server looks at is kept as well (the bytes of JSON)."""
    http: str = "httpx"
    """The library that requests becomes: `httpx` or `httpx2`."""
    postgres: str = "asyncpg"
    """What psycopg2 and psycopg become: `asyncpg`, or psycopg's own async API."""
    share_client: bool = False
    """Bare calls share one client, and with it cookies and connections."""
    allow: tuple[str, ...] = ()
    """Libraries that the migrated code may depend on beside those of the codemods."""
    hints: tuple[Hint, ...] = ()
    """What places hold that the analysis cannot see."""


_CHOICES = {"direction": ("up", "down"), "boundary": ("facade", "bridge"),
            "tests": ("auto", "async", "sync"),
    "parity": ("default", "strict"), "http": ("httpx", "httpx2"),
    "postgres": ("asyncpg", "psycopg"),
}  # fmt: skip
ALLOWED = frozenset({"asyncstdlib"})
"""Libraries that rewriters know a use for."""

_FILE_KEYS = tuple(f.name for f in dataclasses.fields(Config) if f.name != "codemods")


def load_config(start: Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Settings for the project around `start`; `overrides`, by field name, win unless None."""
    settings: dict[str, Any] = {}
    found = _find_table(start)
    if found is not None:
        settings = _validated(*found)
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    config = Config(**{**settings, **given})
    for table in config.tables:
        if not table.is_file():
            raise InputError(f"table {table} does not exist", hint="Check --table and `tables`.")
    return config


def is_facade_name(pattern: str) -> bool:
    """Whether a pattern gives every function a new name that is an identifier."""
    name = pattern.replace("{name}", "f")
    return pattern.count("{name}") == 1 and name != "f" and name.isidentifier()


def read_toml(path: Path) -> dict[str, Any]:
    """The file's content, `{}` when there is none; `InputError` when it is damaged."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path)) from error
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        at = re.search(r"at line (\d+)", str(error))
        raise InputError(
            f"is not valid TOML: {error}", path=str(path), line=int(at[1]) if at else None
        ) from error


def _find_table(start: Path) -> tuple[Path, Mapping[str, Any]] | None:
    """The nearest pyproject.toml upwards that has the table, within the repository."""
    here = start.resolve()
    for folder in (here, *here.parents) if here.is_dir() else here.parents:
        path = folder / "pyproject.toml"
        if path.is_file():
            tools = read_toml(path).get("tool", {})
            if isinstance(tools, dict) and "asyncshift" in tools:
                if not isinstance(tools["asyncshift"], dict):
                    raise InputError("`tool.asyncshift` must be a table", path=str(path))
                return path, tools["asyncshift"]
        if (folder / ".git").exists():
            return None
    return None


def _validated(path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """The table's values as `Config` wants them; `InputError` where they do not fit."""
    settings: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _FILE_KEYS:
            near = difflib.get_close_matches(key, _FILE_KEYS, n=1, cutoff=0.0)
            raise InputError(
                f"[tool.asyncshift] has no option `{key}`; the nearest is `{near[0]}`",
                path=str(path),
                line=_line_of(path, key),
                hint=f"Known options: {', '.join(_FILE_KEYS)}.",
            )
        settings[key] = _checked(path, key, value)
    return settings


def _checked(path: Path, key: str, value: object) -> object:
    """One value in the type of its field."""
    match key, value:
        case "only" | "exclude" | "ignore" | "modules" | "entries", list() if all(
            isinstance(v, str) for v in value
        ):
            return tuple(value)
        case "tables", list() if all(isinstance(v, str) for v in value):
            return tuple(path.parent / v for v in value)
        case "allow", list() if set(map(str, value)) <= ALLOWED:
            return tuple(value)
        case "jobs", int() if not isinstance(value, bool) and value >= 0:
            return value
        case "cache" | "edit_callers" | "share_client", bool():
            return value
        case (str(), str()) if value in _CHOICES.get(key, ()):
            return value
        case "facade_name", str() if is_facade_name(value):
            return value
        case "python", str():
            return path.parent / value
        case "hints", dict():
            return tuple(_hint(path, place, cls) for place, cls in value.items())
    wanted = {
        "allow": f"a list of what can be allowed: {', '.join(sorted(ALLOWED))}",
        "jobs": "a number, 0 or more",
        "cache": "true or false",
        "edit_callers": "true or false",
        "direction": "`up` or `down`",
        "share_client": "true or false",
        "boundary": "`facade` or `bridge`",
        "parity": "`default` or `strict`",
        "http": "`httpx` or `httpx2`",
        "postgres": "`asyncpg` or `psycopg`",
        "tests": "`auto`, `async` or `sync`",
        "facade_name": "an identifier with `{name}` in it",
        "python": "a path",
        "hints": "a table of places and classes",
    }.get(key, "a list of strings")
    raise InputError(
        f"[tool.asyncshift] `{key}` must be {wanted}, not {value!r}",
        path=str(path),
        line=_line_of(path, key),
    )


def _hint(path: Path, place: str, cls: object) -> Hint:
    """One line of the hints; `InputError` for what cannot be a place or a class."""
    line = _line_of(path, place, "tool.asyncshift.hints")
    hint = Hint(place, str(cls), str(path), line)
    if not PLACE.fullmatch(place):
        raise hint.error(
            "this is no place",
            "Write pkg.mod.name, pkg.mod.Class.attr, pkg.mod.f() for what f gives, or "
            "pkg.mod.f(x) for its parameter, and [] behind it for what is in it; in quotes.",
        )
    if not isinstance(cls, str) or not _DOTTED.fullmatch(cls):
        raise hint.error(f"{cls!r} is no dotted name of a class")
    return hint


def _line_of(path: Path, key: str, table: str = "tool.asyncshift") -> int | None:
    """Where the key stands.  tomllib keeps no places; a key is written once, below its header."""
    inside = False
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([^\]]*?)\s*\]", line):
            inside = header[1].replace(" ", "").replace('"', "") == table
        elif inside and re.match(rf'\s*["\']?{re.escape(key)}["\']?\s*[=.]', line):
            return number
    return None
