"""Tables of a codemod: reading TOML strictly and turning its rows into treatments.

A row says what an API is in the words of its library's own migration guide.  An unknown key or a
value of the wrong type is an error that names the nearest known key: a row that is silently
ignored is found only after the migration.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from asyncshift.errors import InputError

Value = str | int


# ----------------------------------------------------------------------------- the parsed form


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """`[functions."lib.f"]`: awaitable when called, unless it is entered or iterated."""

    name: str
    to: str = ""
    returns: str = ""
    awaited: bool = True
    async_with: bool = False
    async_for: bool = False
    callbacks: tuple[str, ...] = ()
    """Parameters whose call becomes awaitable."""
    handed_on: bool = False
    """The codemod's rewriters look at places where it is a value."""
    pooled: bool = False
    """As for a class: it takes or gives what belongs to such a pool."""
    later: str = ""
    """What is called where nothing can be awaited: it does its work when what it gives is used."""

    @property
    def turns_in_place(self) -> bool:
        """A function of the project: there is no twin of it to go to, so it turns itself."""
        told = self.to or self.returns or self.async_with or self.async_for or self.callbacks
        return self.awaited and not told

    @property
    def only_callbacks(self) -> bool:
        """It says which parameters are awaited when called, and nothing of the function itself."""
        return bool(self.callbacks) and replace(self, callbacks=(), awaited=True) == FunctionRow(
            self.name
        )


@dataclass(frozen=True, slots=True)
class ClassRow:
    """`[classes."lib.C"]`: what becomes of the class and of each of its members."""

    name: str
    to: str = ""
    awaited: tuple[str, ...] = ()
    awaits_all: bool = False
    """`awaited = "*"`: every method but those that another key names."""
    quick: tuple[str, ...] = ()
    """Awaited, but harmless for a moment on the event loop (closing): no thread is needed."""
    plain: tuple[str, ...] = ()
    """Edited or looked at by the codemod's rewriters, not awaited."""
    same: tuple[str, ...] = ()
    async_with: bool = False
    enters: tuple[str, ...] = ()
    """Methods whose result is entered with `async with`."""
    async_for: bool = False
    iterates: tuple[str, ...] = ()
    """Methods and attributes that are iterated with `async for`."""
    truth: bool = False
    """The truth value of an instance differs."""
    exclusive: bool = False
    pooled: bool = False
    """Runs functions in threads: it moves where these turned async, and else keeps them sync."""
    waits: tuple[str, ...] = ()
    """Methods that block and that no codemod moves (`__init__`: making one does): `check` names
    them where they run on the event loop."""
    threaded: tuple[str, ...] = ()
    """Methods that block and may run in any thread."""
    thread_affine: str = ""
    """`instance`: belongs to the thread that made it; `contents`: holds something else in each;
    `context`: what is set in another task or thread is not seen here."""
    """A lock: `with` around an await would stop the loop, so it moves to its async form where all
    its users turned async, and else keeps them sync."""
    constructed: bool = True
    """Calling the class is looked at by the rewriters (False: the call stays as it is)."""
    handed_on: tuple[str, ...] = ()
    """Awaited methods whose use as a value is looked at by the codemod's rewriters."""
    complete: bool = False
    """Every member is listed: where another one is read, there is no instance of this class."""
    rename: Mapping[str, str] = field(default_factory=dict)
    returns: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    setters: Mapping[str, str] = field(default_factory=dict)
    """Attribute -> the method that is awaited where it was assigned."""
    variants: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Method -> (its first parameter, what a call that gives it is a call of)."""
    as_value: bool = False
    """The class may be handed on: its instances go only where others of its library go."""
    aclosing: bool = False
    """Instances can be closed by `contextlib.aclosing`."""
    made_by: str = ""
    """The method that is awaited where the class was called."""
    later: bool = False
    """Where nothing can be awaited, the class is called instead."""
    callbacks: tuple[str, ...] = ()

    @property
    def only_callbacks(self) -> bool:
        """It says which attributes are awaited when called, and nothing of the class itself."""
        return bool(self.callbacks) and replace(self, callbacks=()) == ClassRow(self.name)

    @property
    def closes(self) -> str:
        """How `contextlib.closing` closes an instance: `aclosing`, as before (`same`), or not."""
        if self.aclosing or self.rename.get("close") == "aclose":
            return "aclosing"
        return "same" if "close" in self.same else ""

    @property
    def waiting(self) -> bool:
        """Whether something of it is awaited: there is more to it than its name."""
        return bool(self.awaited or self.awaits_all or self.quick)

    def members(self) -> tuple[str, ...]:
        """Every member that some key names, once, in order."""
        named = (
            *self.awaited,
            *self.quick,
            *self.plain,
            *self.same,
            *self.enters,
            *self.iterates,
            *self.rename,
            *self.returns,
            *self.attributes,
            *self.refused,
            *self.callbacks,
        )
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """`[exceptions]`: the classes that stand for an old one in an `except` clause.

    `bases` are the library's own classes above it: beside one of them in a tuple the row adds
    nothing.  `refused` tells why there is no faithful class.
    """

    name: str
    to: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table file, validated.  Made here, read by `codemod.Registry`."""

    name: str
    path: str
    digest: str
    summary: str = ""
    requires: tuple[str, ...] = ()
    docs: str = ""
    modules: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, str] = field(default_factory=dict)
    """Renamed keyword arguments; the erasure check undoes them."""
    classes: tuple[ClassRow, ...] = ()
    functions: tuple[FunctionRow, ...] = ()
    exceptions: tuple[ExceptionRow, ...] = ()
    constants: Mapping[str, Value] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
    """Classes that matter only as bases of the project's own."""
    blocking: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """Functions that block as well, but what they give belongs to its thread or its caller: the
    migration leaves them, and `check` names them."""
    main_thread: tuple[str, ...] = ()
    """Functions that only the main thread may call: who reaches one stays sync, on its thread."""
    stop_iteration: tuple[str, ...] = ()
    """Exceptions that no coroutine and no future can carry: who raises one stays sync."""
    async_aware: tuple[str, ...] = ()
    """What awaits a coroutine function that it is given, as a decorator or an argument."""
    async_decorators: tuple[str, ...] = ()
    """Decorators that make a coroutine function of a coroutine function."""
    module: str = ""
    """A module that migrated code needs and that the project gets: `_http` for `_http.py`, which
    lies beside the table."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """Class or module -> what a computed name of it stands for: `getattr(session, verb)`."""
    replaces: tuple[str, ...] = ()
    """Distributions that a project no longer needs where nothing of it uses them any more."""
    doubles: tuple[str, ...] = ()
    """Libraries by which tests stand in for the old library."""
    double_module: str = ""
    """A module for the tests, with which those doubles stand in for the new library as well."""
    migrated: Mapping[str, str] = field(default_factory=dict)
    """New name that no row has -> the new class of what it gives."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What only has another name, with all that is in it, wherever it is used: constants,
    functions, exceptions, and modules of these."""
    rules: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What stands in brackets behind a refusal or a note of the codemod -> what it means, and what
    to do about it."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Setting -> the only value with which the codemod takes part."""
    scripted: bool = False
    """Scripts may wait at their top level, through the bridge."""
    requires_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Value of the setting `postgres` -> what the project must install then."""
    code: str = ""
    """The codemod's folder when it came from a path; empty for installed ones and bare tables."""
    installed: bool = False

    @property
    def replaced(self) -> tuple[str, ...]:
        """The functions and classes whose instances become those of another class."""
        rows = [(row.name, row.to) for row in self.functions]
        rows += [(row.name, row.to) for row in self.classes]
        return tuple(name for name, to in rows if to or self.moved(name))

    def pools(self, name: str) -> bool:
        """Whether a name, or the class that it is a member of, belongs to a pool of threads."""
        pooled = {row.name for row in self.classes if row.pooled}
        pooled |= {row.name for row in self.functions if row.pooled}
        return bool(pooled) and (name in pooled or name.rpartition(".")[0] in pooled)

    def moved(self, name: str) -> str:
        """The new name where only the module changes (`[modules]`)."""
        head, tail = name, ""
        while head:
            if (new := self.modules.get(head)) is not None:
                return new + tail
            head, _, last = head.rpartition(".")
            tail = f".{last}{tail}"
        return ""


# ----------------------------------------------------------------------------- reading


class _Reader:
    """Checked access to one TOML table; every complaint names the file and the key path."""

    def __init__(self, file: str, place: str, data: Any, keys: tuple[str, ...] | None) -> None:
        self.file, self.place = file, place
        if not isinstance(data, dict):
            self.fail(f"must be a table, not {_kind(data)}")
        self.data: dict[str, Any] = data
        if keys is not None:
            for key in data:
                if key not in keys:
                    self.unknown(key, keys)

    def fail(self, text: str, key: str = "", hint: str | None = None) -> Any:
        place = ".".join(part for part in (self.place, key) if part)
        raise InputError(f"{place} {text}" if place else text, path=self.file, hint=hint)

    def unknown(self, key: str, known: tuple[str, ...]) -> None:
        near = difflib.get_close_matches(key, known, 1, 0.5)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(known)}."
        self.fail("is not a known key", key, hint)

    def of(self, key: str, kind: type, default: Any) -> Any:
        value = self.data.get(key, default)
        if type(value) is not kind:
            self.fail(f"must be {_WORDS[kind]}, not {_kind(value)}", key)
        return value

    def text(self, key: str, default: str = "") -> str:
        return str(self.of(key, str, default))

    def one_of(self, key: str, known: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in known:
            self.fail(f"must be one of {', '.join(filter(None, known))}, not {value!r}", key)
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        return bool(self.of(key, bool, default))

    def names(self, key: str) -> tuple[str, ...]:
        value = self.of(key, list, [])
        if not all(isinstance(item, str) for item in value):
            self.fail("must hold strings only", key)
        return tuple(value)

    def texts(self, key: str) -> dict[str, str]:
        value = self.of(key, dict, {})
        for name, item in value.items():
            if not isinstance(item, str):
                self.fail(f"must be a string, not {_kind(item)}", f"{key}.{name}")
        return dict(value)

    def either(self, key: str) -> tuple[bool, tuple[str, ...]]:
        """A key that is `true` for the thing itself or lists members."""
        if isinstance(self.data.get(key, []), bool):
            return self.flag(key), ()
        return False, self.names(key)

    def rows(self, key: str) -> Iterator[tuple[str, Any]]:
        yield from self.of(key, dict, {}).items()

    def below(self, key: str, name: str, data: Any, keys: tuple[str, ...]) -> _Reader:
        return _Reader(self.file, f'{key}."{name}"', data, keys)


_WORDS: Mapping[type, str] = {
    str: "a string",
    bool: "true or false",
    list: "a list of strings",
    dict: "a table",
    int: "a number",
}


def _kind(value: object) -> str:
    return _WORDS.get(type(value), f"a {type(value).__name__}")


_SECTIONS = (
    "codemod",
    "modules",
    "aliases",
    "keywords",
    "classes",
    "functions",
    "exceptions",
    "constants",
    "bases",
    "blocking",
    "waiting",
    "main_thread",
    "stop_iteration",
    "async_aware",
    "async_decorators",
    "computed",
    "migrated",
    "names",
    "rules",
)
_CODEMOD = (
    "name",
    "summary",
    "requires",
    "replaces",
    "docs",
    "module",
    "doubles",
    "double_module",
    "settings",
    "scripted",
    "requires_with",
)
_FUNCTION = (
    "to",
    "returns",
    "awaited",
    "async_with",
    "async_for",
    "callbacks",
    "handed_on",
    "pooled",
    "later",
)
_CLASS = (
    "to",
    "awaited",
    "quick",
    "plain",
    "same",
    "async_with",
    "async_for",
    "truth",
    "exclusive",
    "pooled",
    "waits",
    "threaded",
    "thread_affine",
    "constructed",
    "complete",
    "handed_on",
    "rename",
    "returns",
    "attributes",
    "refused",
    "setters",
    "variants",
    "made_by",
    "later",
    "aclosing",
    "as_value",
    "callbacks",
)
_EXCEPTION = ("to", "bases", "refused")


def parse_table(
    content: bytes, file: str, name: str, *, code: str = "", installed: bool = False
) -> Table:
    """The table in `content`; `name` is what the codemod is called when the table does not say."""
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError("the table is not UTF-8 text", path=file) from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not valid TOML: {error}", path=file) from error
    top = _Reader(file, "", data, _SECTIONS)
    head = _Reader(file, "codemod", data.get("codemod", {}), _CODEMOD)
    return Table(
        name=head.text("name", name),
        path=file,
        digest=hashlib.sha256(content).hexdigest(),
        summary=head.text("summary"),
        requires=head.names("requires"),
        docs=head.text("docs"),
        module=head.text("module"),
        replaces=head.names("replaces"),
        doubles=head.names("doubles"),
        double_module=head.text("double_module"),
        settings=head.texts("settings"),
        scripted=head.flag("scripted"),
        requires_with=dict(_requires_with(head)),
        modules=top.texts("modules"),
        aliases=top.texts("aliases"),
        keywords=top.texts("keywords"),
        classes=tuple(_class_row(top, *row) for row in top.rows("classes")),
        functions=tuple(_function_row(top, *row) for row in top.rows("functions")),
        exceptions=tuple(_exception_row(top, *row) for row in top.rows("exceptions")),
        constants=dict(_constants(top)),
        names=top.texts("names"),
        rules=dict(_rules(top)),
        bases=top.texts("bases"),
        blocking=_functions(file, "blocking", data),
        waiting=_functions(file, "waiting", data),
        main_thread=_functions(file, "main_thread", data),
        stop_iteration=_functions(file, "stop_iteration", data),
        async_aware=_functions(file, "async_aware", data),
        async_decorators=_functions(file, "async_decorators", data),
        computed=top.texts("computed"),
        migrated=_Reader(file, "migrated", data.get("migrated", {}), ("returns",)).texts("returns"),
        code=code,
        installed=installed,
    )


def _functions(file: str, section: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    return _Reader(file, section, data.get(section, {}), ("functions",)).names("functions")


def _function_row(top: _Reader, name: str, data: Any) -> FunctionRow:
    row = top.below("functions", name, data, _FUNCTION)
    entered, iterated = row.flag("async_with"), row.flag("async_for")
    return FunctionRow(
        name=name,
        to=row.text("to"),
        returns=row.text("returns"),
        awaited=row.flag("awaited", not (entered or iterated)),
        async_with=entered,
        async_for=iterated,
        callbacks=row.names("callbacks"),
        handed_on=row.flag("handed_on"),
        pooled=row.flag("pooled"),
        later=row.text("later"),
    )


def _class_row(top: _Reader, name: str, data: Any) -> ClassRow:
    row = top.below("classes", name, data, _CLASS)
    everything = row.data.get("awaited") == "*"
    async_with, enters = row.either("async_with")
    async_for, iterates = row.either("async_for")
    return ClassRow(
        name=name,
        to=row.text("to"),
        awaited=() if everything else row.names("awaited"),
        awaits_all=everything,
        quick=row.names("quick"),
        plain=row.names("plain"),
        same=row.names("same"),
        async_with=async_with,
        enters=enters,
        async_for=async_for,
        iterates=iterates,
        truth=row.flag("truth"),
        exclusive=row.flag("exclusive"),
        pooled=row.flag("pooled"),
        waits=row.names("waits"),
        threaded=row.names("threaded"),
        thread_affine=row.one_of("thread_affine", ("", "instance", "contents", "context")),
        constructed=row.flag("constructed", True),
        complete=row.flag("complete"),
        handed_on=row.names("handed_on"),
        rename=row.texts("rename"),
        returns=row.texts("returns"),
        attributes=row.texts("attributes"),
        refused=row.texts("refused"),
        setters=row.texts("setters"),
        variants=dict(_variants(row)),
        made_by=row.text("made_by"),
        later=row.flag("later"),
        aclosing=row.flag("aclosing"),
        as_value=row.flag("as_value"),
        callbacks=row.names("callbacks"),
    )


def _rules(top: _Reader) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, data in top.rows("rules"):
        row = top.below("rules", name, data, ("means", "do"))
        yield name, (row.text("means"), row.text("do"))


_VARIANT = re.compile(r"(\w+)\((\w+)\)")


def _variants(row: _Reader) -> Iterator[tuple[str, tuple[str, str]]]:
    """`"cursor(name)" = "named_cursor"`."""
    for key, other in row.texts("variants").items():
        if (found := _VARIANT.fullmatch(key)) is None:
            row.fail("must be a method with its first parameter, as in `open(path)`", key)
        else:
            yield found[1], (found[2], other)


def _requires_with(head: _Reader) -> Iterator[tuple[str, tuple[str, ...]]]:
    values = head.of("requires_with", dict, {})
    below = _Reader(head.file, "codemod.requires_with", values, None)
    yield from ((value, below.names(value)) for value in values)


def _exception_row(top: _Reader, name: str, data: Any) -> ExceptionRow:
    if isinstance(data, str):
        data = {"to": [data]}
    elif isinstance(data, list):
        data = {"to": data}
    row = top.below("exceptions", name, data, _EXCEPTION)
    found = ExceptionRow(name, row.names("to"), row.names("bases"), row.text("refused"))
    if not found.to and not found.refused:
        row.fail("needs `to` or `refused`")
    return found


def _constants(top: _Reader) -> Iterator[tuple[str, Value]]:
    is_value: Callable[[object], bool] = lambda value: type(value) in (int, str)  # noqa: E731
    for name, data in top.rows("constants"):
        if isinstance(data, dict):
            for member, value in data.items():
                if not is_value(value):
                    top.fail("must be a number or a string", f'constants."{name}".{member}')
                yield f"{name}.{member}", value
        elif is_value(data):
            yield name, data
        else:
            top.fail("must be a number or a string", f'constants."{name}"')
