"""What was migrated, decided and refused, kept in the repository: `.asyncshift/ledger/`.

One file for each module, so that branches which migrate different modules merge; sorted, without
dates or numbers of lines, so that the same decisions are the same bytes.  Functions are known by
their qualified names, refused places by function, call and ordinal: the text may be moved and
reformatted.  A digest of the text only marks that it was changed since.

A facade and its coroutine are one function here, by the name that callers know.  `recording` makes
the records of a step.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from asyncshift.errors import InputError
from asyncshift.journal import FOLDER
from asyncshift.model import FileChange, Message, Project, Severity, SourceFile
from asyncshift.planfile import digest, is_inside
from asyncshift.scope import Choice

FORMAT = 1
STATES = ("async", "entry", "facade", "threads", "bridges")
"""How a function stands after a step: a coroutine; one that an entry point runs; one beside its
sync name; one that hands calls to threads; a sync function that waits for coroutines."""
WHOLE = "module"
LEDGER = f"{FOLDER}/ledger"
_LONGEST_NAME = 200
_DEFINED = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_CONFLICT = re.compile(rb"^(?:<{7}|>{7}|={7})(?: |\r?$)", re.MULTILINE)
_AGAIN = "Take it from git again, or delete it: then the module counts as not migrated."


@dataclass(frozen=True, slots=True)
class FunctionRecord:
    """How one function stands (`STATES`), and why."""

    state: str
    cause: str


@dataclass(frozen=True, slots=True, order=True)
class Refused:
    """One place that could not be done: the `ordinal`-th such call of its function, from 0."""

    function: str
    call: str
    ordinal: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModuleRecord:
    """What the steps so far did to one module.  Made by `recording`, read by the next step."""

    module: str
    path: str
    sha256: str
    """Digest of the file after the step."""
    scope: str | tuple[str, ...] = WHOLE
    """`WHOLE`, or the functions that were in the scope of the steps."""
    functions: Mapping[str, FunctionRecord] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    declined: tuple[str, ...] = ()
    """Functions that the user does not want to be changed."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why, for those of them that have a reason: a test that fails when they turn."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """All records of a project, by the paths of their files: modules may share a name."""

    records: Mapping[str, ModuleRecord] = field(default_factory=dict)

    def choice(self) -> Choice:
        """What the records mean for the next step (`recording.choice` adds the names of coroutines
        that stand beside facades)."""
        migrated: set[str] = set()
        declined: set[str] = set()
        for record in self.records.values():
            declined |= {f"{record.module}:{name}" for name in record.declined}
            if isinstance(record.scope, str):
                migrated.add(record.module)
            else:
                migrated |= {f"{record.module}:{name}" for name in record.scope}
        return Choice(migrated=frozenset(migrated), declined=frozenset(declined))


def is_ledger(path: str) -> bool:
    """Whether a path of a change is the ledger's own."""
    return path.startswith(f"{LEDGER}/")


# ----------------------------------------------------------------------------- reading


def read_ledger(root: Path) -> Ledger:
    """The ledger of a project, empty where there is none; `InputError` for nonsense in it."""
    records = {record.path: record for record in _read(root).values()}
    return Ledger(dict(sorted(records.items())))


def _read(root: Path) -> dict[str, ModuleRecord]:
    """Records by the names of their files."""
    folder = root / LEDGER
    for place in (root / FOLDER, folder):
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise InputError(
                "is no folder of this tree, and the ledger belongs there",
                path=str(place),
                hint="Move it away.",
            )
    if not folder.is_dir():
        return {}
    found: dict[str, ModuleRecord] = {}
    paths: dict[str, str] = {}
    for place in sorted(folder.iterdir()):
        if place.suffix != ".json":
            continue
        record = _load(place)
        if record.path in paths:
            text = f"is about {record.path}, as {paths[record.path]} is"
            raise _wrong(place, text, "Delete the one whose module is not there any more.")
        paths[record.path] = place.name
        found[place.name] = record
    return found


def _load(place: Path) -> ModuleRecord:
    if place.is_symlink() or not place.is_file():
        raise _wrong(place, "is no file of a ledger", "Delete it.")
    try:
        data = place.read_bytes()
    except OSError as error:
        raise _wrong(place, f"cannot be read: {error.strerror}", "Mend that.") from error
    if _CONFLICT.search(data):
        hint = "Keep one side (`git checkout --ours` or `--theirs`): the next step mends the rest."
        raise _wrong(place, "holds the conflict markers of a merge", hint)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _wrong(place, f"is not JSON: {error}", _AGAIN) from error
    match content:
        case {"format": int(number)} if number != FORMAT:
            text = f"has format {number}, and this version of asyncshift knows {FORMAT}"
            raise _wrong(place, text, "Use the version that wrote it, or a newer one.")
        case {"format": int()}:
            record = _record(place, content)
        case _:
            raise _wrong(place, "is no file of a ledger: it has no `format`", _AGAIN)
    names = _file_names(record)
    if place.name not in names:
        text = f"is about the module {record.module!r}, which does not fit its name"
        raise _wrong(place, text, f"Its name should be {names[0]}.")
    return record


def _record(place: Path, content: Mapping[str, Any]) -> ModuleRecord:
    """A record of a file's content, each part checked."""
    wanted = {"format", "module", "path", "sha256", "scope", "functions", "refused", "declined"}
    odd = sorted(wanted.symmetric_difference(content.keys() - {"reasons"}))
    if odd:
        what = "lacks" if odd[0] in wanted else "has an unknown part"
        raise _wrong(place, f"{what} `{odd[0]}`", _AGAIN)

    def checked(part: str, fits: bool, should: str) -> Any:
        if not fits:
            raise _wrong(place, f"`{part}` must be {should}", _AGAIN)
        return content[part]

    def text(part: str) -> bool:
        return isinstance(content[part], str) and content[part] != ""

    scope = content["scope"]
    return ModuleRecord(
        module=checked("module", text("module"), "a text"),
        path=checked(
            "path", text("path") and is_inside(content["path"]), "a path inside the project"
        ),
        sha256=checked("sha256", text("sha256"), "a text"),
        scope=WHOLE
        if scope == WHOLE
        else tuple(checked("scope", _are_texts(scope), f"`{WHOLE}` or a list of functions")),
        functions=_functions(place, content["functions"]),
        refused=_refused(place, content["refused"]),
        declined=tuple(checked("declined", _are_texts(content["declined"]), "a list of functions")),
        reasons=_reasons(place, content.get("reasons", {})),
    )


def _reasons(place: Path, content: object) -> dict[str, str]:
    match content:
        case dict() if _are_texts(list(content.values())):
            return dict(content)
    raise _wrong(place, "`reasons` must be a table of functions, each with a text", _AGAIN)


def _functions(place: Path, content: object) -> dict[str, FunctionRecord]:
    found = {}
    for name, entry in content.items() if isinstance(content, dict) else [("", content)]:
        match entry:
            case {"state": str(state), "cause": str(cause)} if state in STATES:
                found[name] = FunctionRecord(state, cause)
            case _:
                should = f"functions, each with `state` ({', '.join(STATES)}) and `cause`"
                raise _wrong(place, f"`functions` must be a table of {should}", _AGAIN)
    return found


def _refused(place: Path, content: object) -> tuple[Refused, ...]:
    found = []
    for entry in content if isinstance(content, list) else [content]:
        match entry:
            case {
                "function": str(function),
                "call": str(call),
                "ordinal": int(ordinal),
                "rule": str(rule),
                "reason": str(reason),
            }:
                found.append(Refused(function, call, ordinal, rule, reason))
            case _:
                should = "`function`, `call`, `ordinal`, `rule` and `reason`"
                raise _wrong(place, f"`refused` must be a list of places with {should}", _AGAIN)
    return tuple(found)


def _are_texts(content: object) -> bool:
    return isinstance(content, list) and all(isinstance(one, str) for one in content)


def _wrong(place: Path, text: str, hint: str) -> InputError:
    return InputError(text, path=f"{LEDGER}/{place.name}", hint=hint)


# ----------------------------------------------------------------------------- writing


def ledger_changes(root: Path, records: Iterable[ModuleRecord]) -> tuple[FileChange, ...]:
    """What is to be written so that these, and only these, are the records of the ledger."""
    known = _read(root)
    folder = root / LEDGER
    names = _names(records, known)
    found = []
    for name, record in names.items():
        old = (folder / name).read_bytes() if name in known else None
        if old != (new := to_text(record)):
            found.append(FileChange(f"{LEDGER}/{name}", old, new))
    for name in known.keys() - names.keys():
        found.append(FileChange(f"{LEDGER}/{name}", (folder / name).read_bytes(), None))
    return tuple(sorted(found, key=lambda change: change.path))


def to_text(record: ModuleRecord) -> bytes:
    """A record as its file holds it."""
    content = {
        "format": FORMAT,
        "module": record.module,
        "path": record.path,
        "sha256": record.sha256,
        "scope": record.scope if isinstance(record.scope, str) else sorted(record.scope),
        "functions": {name: asdict(entry) for name, entry in sorted(record.functions.items())},
        "refused": [asdict(one) for one in sorted(record.refused)],
        "declined": sorted(record.declined),
    }
    if record.reasons:
        content["reasons"] = dict(sorted(record.reasons.items()))
    return (json.dumps(content, indent=1) + "\n").encode("ascii")


def _names(
    records: Iterable[ModuleRecord], known: Mapping[str, ModuleRecord]
) -> dict[str, ModuleRecord]:
    """Names of files for records: those that they have, and one of its own for each other."""
    own = {(record.module, record.path): name for name, record in known.items()}
    found: dict[str, ModuleRecord] = {}
    new = []
    for record in sorted(records, key=lambda record: record.path):
        name = own.get((record.module, record.path))
        if name is None:
            new.append(record)
        else:
            found[name] = record
    for record in new:
        plain, marked = _file_names(record)
        found[marked if plain in found else plain] = record
    return found


def _file_names(record: ModuleRecord) -> tuple[str, str]:
    """The name for a module's file, and the one where several modules share a name: scripts in
    several folders do."""
    stem = record.module
    if len(os.fsencode(stem)) > _LONGEST_NAME:
        stem = f"{stem[: _LONGEST_NAME // 4]}@{digest(os.fsencode(stem))[:16]}"
    return f"{stem}.json", f"{stem}@{digest(os.fsencode(record.path))[:8]}.json"


# ----------------------------------------------------------------------------- files that moved


def adopt(ledger: Ledger, project: Project) -> tuple[Ledger, tuple[Message, ...]]:
    """The ledger with the records of renamed files at their new places: the file of the same text,
    else the one that has most of the functions.  What is nowhere is told, and its record goes."""
    present = {file.path: file for file in project.files}
    free = [file for file in project.files if file.path not in ledger.records]
    kept: dict[str, ModuleRecord] = {}
    messages: list[Message] = []
    for path, record in ledger.records.items():
        if path in present or Path(project.root, path).exists():
            kept[path] = _renamed(record, present.get(path))
            continue
        found = _moved(record, free)
        if found is None:
            text = (
                f"is gone, and no file has most of its functions: what the ledger knows of "
                f"{record.module} goes with the next step"
            )
            messages.append(Message(path, 1, "ledger-gone", text, Severity.WARNING))
            continue
        free.remove(found)
        text = f"was {path}, says the ledger: what is known of that goes on here"
        messages.append(Message(found.path, 1, "ledger-moved", text))
        kept[found.path] = _renamed(record, found)
    return Ledger(dict(sorted(kept.items()))), tuple(messages)


def _renamed(record: ModuleRecord, file: SourceFile | None) -> ModuleRecord:
    """The record with a file's names: a folder that becomes a package renames its modules too."""
    return record if file is None else replace(record, module=file.module, path=file.path)


def _moved(record: ModuleRecord, free: list[SourceFile]) -> SourceFile | None:
    """The file that a record is about now."""
    for file in free:
        if file.digest == record.sha256:
            return file
    names = {name.partition("#")[0].rpartition(".")[2] for name in _known_names(record)}
    shared = [(len(names.intersection(_DEFINED.findall(file.text))), file) for file in free]
    most = max((count for count, _ in shared), default=0)
    best = [file for count, file in shared if count == most]
    return best[0] if len(best) == 1 and 2 * most > len(names) else None


def _known_names(record: ModuleRecord) -> set[str]:
    named = set(record.functions) | {one.function for one in record.refused}
    named |= set() if isinstance(record.scope, str) else set(record.scope)
    return {name for name in named if not name.startswith("<")}
