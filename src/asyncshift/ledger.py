"""What was migrated, decided and refused, kept in the repository beside the code.

`.asyncshift/ledger/<module>.json`, one file per module, so that branches merge.  What it says is
keyed by names: qualified names of functions, calls as they are written with their ordinal.  The
digest of the text only tells that a file was edited since.  Nothing in it changes from step to step
unless the module does.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from asyncshift.errors import InputError
from asyncshift.journal import FOLDER
from asyncshift.model import (
    Action,
    FileChange,
    FunctionKind,
    Graph,
    Message,
    Plan,
    Project,
    Severity,
    SourceFile,
)
from asyncshift.scope import Choice, Scope

FORMAT = 1
_WAY_OUT = "Take it back from git, or delete it: what the code shows is found again without it."
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Refused:
    """One call that was not migrated; `ordinal` counts calls of this text in the function."""

    function: str
    call: str
    ordinal: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModuleRecord:
    """What is known of one module."""

    module: str
    path: str
    sha256: str
    """Of the text after the step that wrote this."""
    whole: bool
    """The module was selected as a whole; otherwise `functions` were."""
    functions: Mapping[str, str] = field(default_factory=dict)
    """Qualified name -> `async`, `facade`, `entry`, `bridges` or `threads`."""
    refused: tuple[Refused, ...] = ()
    declined: tuple[str, ...] = ()
    """Functions that the user left out."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """All records of a project, by module."""

    records: Mapping[str, ModuleRecord] = field(default_factory=dict)

    def choice(self) -> Choice:
        """What the records mean for the next step."""
        migrated: set[str] = set()
        declined: set[str] = set()
        for record in self.records.values():
            if record.whole:
                migrated.add(record.module)
            migrated |= {f"{record.module}:{name}" for name in record.functions}
            declined |= {f"{record.module}:{name}" for name in record.declined}
        return Choice(migrated=frozenset(migrated), declined=frozenset(declined))


# ----------------------------------------------------------------------------- reading


def folder(root: Path) -> Path:
    """Where a project's ledger is kept."""
    return root / FOLDER / "ledger"


def read_ledger(root: Path) -> Ledger:
    """The ledger as it stands; empty where there is none.  `InputError` when it is damaged."""
    place = folder(root)
    if not place.is_dir():
        return Ledger()
    records = {}
    for path in sorted(place.glob("*.json")):
        record = _load(path)
        records[record.module] = record
    return Ledger(records)


def _load(path: Path) -> ModuleRecord:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", path=str(path), hint=_WAY_OUT) from error
    if _CONFLICT.search(text):
        raise InputError("has conflicts of a merge in it", path=str(path), hint=_WAY_OUT)
    try:
        body = json.loads(text)
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", path=str(path), hint=_WAY_OUT) from error
    try:
        record = _record(body)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"is no ledger file: {error}", path=str(path), hint=_WAY_OUT) from error
    if path.name != _file_name(record.module):
        raise InputError(
            f"is the record of {record.module}, by another name", path=str(path), hint=_WAY_OUT
        )
    return record


def _record(body: Any) -> ModuleRecord:
    """A record out of JSON; ValueError, TypeError or KeyError where it is something else."""
    if not isinstance(body, dict):
        raise TypeError("an object is expected")
    if body.get("format") != FORMAT:
        raise ValueError(f"format {body.get('format')!r}, and this version writes {FORMAT}")
    path = _text(body, "path")
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path} is outside the project")
    functions = body["functions"]
    if not isinstance(functions, dict) or not all(isinstance(v, str) for v in functions.values()):
        raise TypeError("`functions` maps names to words")
    if not isinstance(body["whole"], bool):
        raise TypeError("`whole` is true or false")
    declined = body["declined"]
    if not isinstance(declined, list) or not all(isinstance(name, str) for name in declined):
        raise TypeError("`declined` is a list of names")
    return ModuleRecord(
        module=_text(body, "module"),
        path=path,
        sha256=_text(body, "sha256"),
        whole=body["whole"],
        functions=functions,
        refused=tuple(_refused(one) for one in body["refused"]),
        declined=tuple(declined),
    )


def _refused(body: Any) -> Refused:
    if not isinstance(body, dict) or not isinstance(body.get("ordinal"), int):
        raise TypeError("`refused` is a list of objects")
    words = {key: _text(body, key) for key in ("function", "call", "rule", "reason")}
    return Refused(ordinal=body["ordinal"], **words)


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body[key]
    if not isinstance(value, str):
        raise TypeError(f"`{key}` is a text")
    return value


# ----------------------------------------------------------------------------- renamed files


def adopt(ledger: Ledger, project: Project) -> tuple[Ledger, tuple[Message, ...]]:
    """The ledger with the records of files that were moved since under their new names: the same
    text, else most of its functions.  What fits no file is said, and left out."""
    present = {file.path for file in project.files}
    free = [f for f in project.files if f.module not in ledger.records]
    records: dict[str, ModuleRecord] = {}
    messages = []
    for record in ledger.records.values():
        if record.path in present:
            records[record.module] = record
            continue
        file = _moved(record, free)
        if file is None:
            text = f"the ledger knows {record.module}, and its file {record.path} is gone"
            messages.append(Message(record.path, 0, "ledger-stale", text, Severity.WARNING))
        else:
            records[file.module] = ModuleRecord(
                file.module,
                file.path,
                record.sha256,
                record.whole,
                record.functions,
                record.refused,
                record.declined,
            )
    return Ledger(records), tuple(messages)


def _moved(record: ModuleRecord, files: Sequence[SourceFile]) -> SourceFile | None:
    for file in files:
        if file.digest == record.sha256:
            return file
    names = {name.rpartition(".")[2] for name in record.functions}
    best, most = None, len(names) / 2
    for file in files:
        shared = len(names.intersection(re.findall(r"def (\w+)", file.text)))
        if shared > most:
            best, most = file, shared
    return best


# ----------------------------------------------------------------------------- writing


def records(
    project: Project,
    graph: Graph,
    plan: Plan,
    scope: Scope | None,
    changes: Iterable[FileChange],
    before: Ledger,
    declined: frozenset[str],
) -> list[ModuleRecord]:
    """The records of the modules that a step touches."""
    from asyncshift.planfile import digest

    texts = {change.path: change.new for change in changes if change.new is not None}
    files = {file.path: file for file in project.files}
    states = _states(graph, plan)
    refused = _refusals(graph, plan)
    touched = set(texts) & set(files)
    if scope is not None:
        touched |= {file.path for file in project.files if file.module in scope.modules}
    touched |= {files[path].path for path in refused if path in files and path in touched}
    found = []
    for path in sorted(touched):
        file = files[path]
        known = before.records.get(file.module)
        selected = scope is None or file.module in scope.modules
        functions = {**(known.functions if known else {}), **states.get(path, {})}
        left = {n.partition(":")[2] for n in declined if n.partition(":")[0] == file.module}
        if known is None and not states.get(path) and not refused.get(path) and not left:
            continue
        found.append(
            ModuleRecord(
                module=file.module,
                path=path,
                sha256=digest(texts[path]) if path in texts else file.digest,
                whole=selected or bool(known and known.whole),
                functions=dict(sorted(functions.items())),
                refused=tuple(refused.get(path, ())),
                declined=tuple(sorted(left)),
            )
        )
    return found


def _states(graph: Graph, plan: Plan) -> dict[str, dict[str, str]]:
    """What became of each function whose text a plan changes; the weightiest word wins."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for decision in plan.decisions:
        f = graph.functions[decision.owner]
        if f.kind is not FunctionKind.FUNCTION:
            continue
        match decision.action:
            case Action.MAKE_ASYNC:
                state = "facade" if "facade" in decision.detail else "async"
            case Action.SPLIT_ENTRY:
                state = "entry"
            case Action.DROP_FACADE:
                state = "async"
            case Action.BRIDGE:
                state = "bridges"
            case _:
                continue
        found[f.path][f.name] = state
    return found


def _refusals(graph: Graph, plan: Plan) -> dict[str, list[Refused]]:
    """The refused calls by file, keyed by function, text and ordinal."""
    texts = {(site.path, site.span): site for site in graph.sites}
    found: dict[str, list[Refused]] = defaultdict(list)
    seen: Counter[tuple[str, str, str]] = Counter()
    for refusal in plan.refusals:
        site = texts.get((refusal.path, refusal.span))
        name = graph.functions[site.caller].name if site is not None else ""
        call = site.text if site is not None else ""
        seen[refusal.path, name, call] += 1
        ordinal = seen[refusal.path, name, call]
        found[refusal.path].append(Refused(name, call, ordinal, refusal.rule, refusal.reason))
    return found


def ledger_changes(root: Path, found: Iterable[ModuleRecord]) -> tuple[FileChange, ...]:
    """The ledger's files as a step writes them, those that stay the same left out."""
    changes = []
    for record in found:
        path = folder(root) / _file_name(record.module)
        old = path.read_bytes() if path.is_file() else None
        body = {"format": FORMAT, **asdict(record)}
        new = (json.dumps(body, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()
        if new != old:
            changes.append(FileChange(path.relative_to(root).as_posix(), old, new))
    return tuple(changes)


def _file_name(module: str) -> str:
    """A module's file; what no file system takes is written as its code points."""
    return re.sub(r"[^\w.-]", lambda m: f"%{ord(m[0]):x}", module or "__root__") + ".json"
