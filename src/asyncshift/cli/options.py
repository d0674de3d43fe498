"""Options that commands share, and the step from them to a `Config`."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from asyncshift.cli.migrate import repair
from asyncshift.config import Config, load_config
from asyncshift.discover import project_root

PathList = Annotated[
    list[Path] | None,
    typer.Argument(help="Files and folders; the current folder without any.", show_default=False),
]


class Format(enum.StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"


class Direction(enum.StrEnum):
    """Where a migration begins."""

    UP = "up"
    DOWN = "down"


class Parity(enum.StrEnum):
    DEFAULT = "default"
    STRICT = "strict"


class Http(enum.StrEnum):
    HTTPX = "httpx"
    HTTPX2 = "httpx2"


class Postgres(enum.StrEnum):
    ASYNCPG = "asyncpg"
    PSYCOPG = "psycopg"


class Boundary(enum.StrEnum):
    """What stands at the border of a slice."""

    FACADE = "facade"
    BRIDGE = "bridge"


class Tests(enum.StrEnum):
    """Which tests turn with what they call."""

    AUTO = "auto"
    ASYNC = "async"
    SYNC = "sync"


FormatOption = Annotated[Format, typer.Option("--format", help="How to write the result.")]


TakenOption = Annotated[
    list[str] | None,
    typer.Option(
        "--change-set",
        help="Take this change-set with what it needs, by number or function; repeatable.",
    ),
]
WithoutOption = Annotated[
    list[str] | None,
    typer.Option(help="Leave this change-set out, by number or function; repeatable."),
]


def given(paths: list[Path] | None) -> list[Path]:
    """The paths of a command: the current folder when none were given."""
    return list(paths) if paths else [Path()]


def configured(command: Callable[..., None]) -> Callable[..., None]:
    """A Typer command out of one that takes a `config`: the shared options become parameters.

    The settings of the file are those of the project around the first path; what an interrupted
    command left there is repaired first.
    """

    def run(**arguments: Any) -> None:
        shared = {name: arguments.pop(name) for name in _SHARED}
        paths = arguments.get("paths")
        start = paths[0] if paths else Path()
        config = _config(start, shared)
        if "paths" in arguments:
            repair(project_root(given(paths)))
        command(**arguments, config=config)

    own = [
        parameter
        for name, parameter in inspect.signature(command).parameters.items()
        if name != "config"
    ]
    hints = get_type_hints(command, include_extras=True)
    parameters = [parameter.replace(annotation=hints[parameter.name]) for parameter in own]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _SHARED.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


_SHARED: dict[str, Any] = {
    "table": Annotated[
        list[Path] | None, typer.Option(help="A table of your own (TOML); repeatable.")
    ],
    "codemod": Annotated[
        list[Path] | None,
        typer.Option(help="A codemod's folder, whose code is run; repeatable.", file_okay=False),
    ],
    "only": Annotated[
        list[str] | None, typer.Option(help="Run only this codemod; repeatable.")
    ],
    "exclude": Annotated[
        list[str] | None, typer.Option(help="Do not run this codemod; repeatable.")
    ],
    "ignore": Annotated[
        list[str] | None,
        typer.Option(help="Do not read files of this pattern, as in .gitignore; repeatable."),
    ],
    "module": Annotated[
        list[str] | None,
        typer.Option(help="Migrate this module only: pkg.mod, or a pattern; repeatable."),
    ],
    "entry": Annotated[
        list[str] | None,
        typer.Option(help="Migrate what pkg.mod:function reaches, and nothing else; repeatable."),
    ],
    "direction": Annotated[
        Direction | None,
        typer.Option(help="up: from awaitable calls to callers; down: from callers, with threads."),
    ],
    "edit_callers": Annotated[
        bool | None,
        typer.Option(
            "--edit-callers/--keep-callers",
            help="Edit single lines of unselected code that use what changes.",
        ),
    ],
    "boundary": Annotated[
        Boundary | None,
        typer.Option(help="What stands where unselected code calls a function that turned."),
    ],
    "tests": Annotated[
        Tests | None,
        typer.Option(help="Whether tests turn: async adds pytest-asyncio, auto needs it there."),
    ],
    "parity": Annotated[
        Parity | None,
        typer.Option(help="strict: keep what nearly no server looks at as well (bytes of JSON)."),
    ],
    "http": Annotated[
        Http | None, typer.Option(help="The library that requests becomes.")
    ],
    "postgres": Annotated[
        Postgres | None, typer.Option(help="What psycopg2 and psycopg become.")
    ],
    "share_client": Annotated[
        bool | None,
        typer.Option(
            "--share-client/--client-each",
            help="Bare calls share one client, and with it cookies and connections.",
        ),
    ],
    "python": Annotated[
        Path | None,
        typer.Option(help="The project's interpreter or virtual environment, to read libraries."),
    ],
    "jobs": Annotated[int | None, typer.Option(min=0, help="Processes; 0: one per processor.")],
    "cache": Annotated[
        bool | None, typer.Option("--cache/--no-cache", help="Keep facts of unchanged files.")
    ],
}  # fmt: skip


def _config(start: Path, shared: dict[str, Any]) -> Config:
    """Settings of the file, overridden by what was given."""
    lists = {
        "tables": shared["table"],
        "codemods": shared["codemod"],
        "only": shared["only"],
        "exclude": shared["exclude"],
        "ignore": shared["ignore"],
        "modules": shared["module"],
        "entries": shared["entry"],
    }
    overrides = {name: tuple(value) for name, value in lists.items() if value}
    single = {
        name: shared[name] for name in ("python", "jobs", "cache", "edit_callers", "share_client")
    }
    single |= {
        name: str(shared[name])
        for name in ("direction", "boundary", "tests", "parity", "http", "postgres")
        if shared[name]
    }
    return load_config(start, {**overrides, **single})
