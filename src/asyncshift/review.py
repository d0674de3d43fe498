"""A review: change-sets are taken or refused one after the other, callees first.

The engine knows no terminal: it asks through a function, and tells through another.  Decisions are
known by the functions of a change-set and by what its lines say; so they outlive other edits, and
an accepted set whose text is another one by a later refusal is asked about again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asyncshift import diff
from asyncshift.drafts import Draft, Drafts
from asyncshift.errors import InputError
from asyncshift.journal import folder_of
from asyncshift.model import ChangeSet

ANSWERS = {
    "y": "yes: take this change-set",
    "n": "no: leave its functions as they are; the rest is worked out anew",
    "a": "all: take this one and all that follow",
    "d": "done: write what was taken so far, leave the rest undecided",
    "q": "quit: write nothing; the next review goes on from here",
    "s": "skip: decide later",
    "e": "edit: change the file by hand, and work everything out anew",
    "u": "undo: take the last answer back",
    "?": "why: the reasons, and these answers",
}
PLACE = "review.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Question:
    """One change-set as it is asked about."""

    change: ChangeSet
    names: frozenset[str]
    text: bytes
    """Its part of the diff."""
    mechanical: bool
    number: int
    """How many are decided, with this one."""
    total: int
    again: bool
    """It was taken before, and its text is another one since."""
    draft: Draft


Ask = Callable[[Question], str]
"""Gives one of `ANSWERS`; `q` when nobody answers any more."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions: accepted sets with the digests of their texts, and refused ones."""

    accepted: Mapping[frozenset[str], str] = field(default_factory=dict)
    refused: frozenset[frozenset[str]] = frozenset()

    @property
    def declined(self) -> frozenset[str]:
        return frozenset(name for names in self.refused for name in names)


@dataclass(slots=True)
class Review:
    """A review in progress.  `decided` has what was answered so far, `done` whether to write it."""

    drafts: Drafts
    reopen: Callable[[], Drafts]
    """The drafts of the tree as it is now."""
    decided: Decided = field(default_factory=Decided)
    write: bool = False
    _skipped: set[frozenset[str]] = field(default_factory=set)
    _later: frozenset[str] = frozenset()
    """Functions that are left out of what is written now, and stay undecided."""
    _before: list[tuple[Decided, frozenset[frozenset[str]]]] = field(default_factory=list)
    _all: bool = False

    def run(self, ask: Ask, edit: Callable[[Question], bool]) -> None:
        """Ask until all is decided, or somebody has enough; `edit` says whether a file changed."""
        while True:
            question = self._next()
            if question is None:
                if self._leave_out_the_rest():
                    continue
                self.write = bool(self.decided.accepted or self.decided.refused)
                return
            answer = "y" if self._all else ask(question)
            match answer:
                case "y" | "a":
                    self._all = self._all or answer == "a"
                    self._remember()
                    accepted = {**self.decided.accepted, question.names: digest(question.text)}
                    self.decided = Decided(accepted, self.decided.refused)
                case "n":
                    self._remember()
                    accepted = dict(self.decided.accepted)
                    accepted.pop(question.names, None)
                    self.decided = Decided(accepted, self.decided.refused | {question.names})
                case "s":
                    self._remember()
                    self._skipped.add(question.names)
                case "u":
                    if self._before:
                        self.decided, skipped = self._before.pop()
                        self._skipped = set(skipped)
                case "e":
                    if edit(question):
                        self.drafts = self.reopen()
                case "d":
                    self._leave_out_the_rest()
                case "q":
                    return

    def _leave_out_the_rest(self) -> bool:
        """Work out what is left without the undecided sets; whether there were any.  What was taken
        may have another text then, and is asked about again."""
        draft = self.result()
        open_ = [one for one in draft.sets if draft.names(one) not in self.decided.accepted]
        self._later |= frozenset(name for one in open_ for name in draft.names(one))
        return bool(open_)

    def _remember(self) -> None:
        self._before.append((self.decided, frozenset(self._skipped)))

    def _next(self) -> Question | None:
        """The first change-set that is undecided and needs nothing undecided."""
        draft = self.result()
        texts = diff.sections(draft.outcome.changes, [one.id for one in draft.sets])
        left: set[int] = set()
        first: Question | None = None
        decided = 0
        for change in draft.sets:
            names, text = draft.names(change), texts.get(change.id, b"")
            known = self.decided.accepted.get(names)
            if known == digest(text):
                decided += 1
            elif names in self._skipped or left.intersection(change.needs):
                left.add(change.id)
            elif first is None:
                first = Question(
                    change, names, text, draft.outcome.mechanical.get(change.id, False),
                    decided + 1, len(draft.sets), known is not None, draft,
                )  # fmt: skip
        return first

    def result(self) -> Draft:
        """The tree without what was refused or left out."""
        return self.drafts.without(self.declined() | self._later)

    def declined(self) -> frozenset[str]:
        """What was refused, as far as the tree still has it."""
        functions = self.drafts.analysis.graph.functions.values()
        return self.decided.declined & {f"{f.module}:{f.name}" for f in functions}


def digest(text: bytes) -> str:
    """What a part of a diff says: its lines without their places and context."""
    lines = [line for line in text.split(b"\n") if line[:1] in (b"+", b"-")]
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


# ----------------------------------------------------------------------------- kept decisions


def load(root: Path) -> Decided:
    """The decisions that the last review kept; none without a file, `InputError` for nonsense."""
    path = root / ".asyncshift" / PLACE
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Decided()
    except (OSError, ValueError, RecursionError) as error:
        raise _wrong(path) from error
    match content:
        case {"format": 1, "accepted": list(accepted), "refused": list(refused)}:
            return Decided(
                dict(_accepted(path, one) for one in accepted),
                frozenset(_names(path, one) for one in refused),
            )
    raise _wrong(path)


def _accepted(path: Path, entry: object) -> tuple[frozenset[str], str]:
    match entry:
        case {"functions": list(names), "sha256": str(known)}:
            return _names(path, names), known
    raise _wrong(path)


def _names(path: Path, entry: object) -> frozenset[str]:
    if isinstance(entry, list) and all(isinstance(name, str) for name in entry):
        return frozenset(entry)
    raise _wrong(path)


def _wrong(path: Path) -> InputError:
    hint = "Delete it: then the review begins anew."
    return InputError("is damaged: it is not what a review wrote", path=str(path), hint=hint)


def store(root: Path, decided: Decided) -> None:
    """Keep decisions for the next review."""
    folder = folder_of(root)
    content = {
        "format": FORMAT,
        "accepted": [
            {"functions": sorted(names), "sha256": known}
            for names, known in sorted(decided.accepted.items(), key=lambda item: sorted(item[0]))
        ],
        "refused": sorted(map(sorted, decided.refused)),
    }
    temporary = folder / f"{PLACE}.{os.getpid()}.asyncshift-tmp"
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")
    temporary.replace(folder / PLACE)


def forget(root: Path) -> None:
    """The review is over."""
    (root / ".asyncshift" / PLACE).unlink(missing_ok=True)


# ----------------------------------------------------------------------------- answers in a file


class Answers:
    """Answers line by line: `y`, or `n pkg.mod:function` for the change-set of that function,
    whenever it is asked about; `#` begins a comment.  After the last line comes `q`."""

    def __init__(self, lines: Iterable[str], name: str) -> None:
        self.named: dict[str, str] = {}
        plain = []
        for number, line in enumerate(lines, start=1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            if words[0] not in ANSWERS or len(words) > 2:
                known = ", ".join(ANSWERS)
                raise InputError(
                    f"{line.strip()!r} is no answer", name, number, f"Answers are {known}."
                )
            if len(words) == 2:
                self.named[words[1]] = words[0]
            else:
                plain.append(words[0])
        self.plain: Iterator[str] = iter(plain)

    def __call__(self, question: Question) -> str:
        for name in sorted(question.names):
            if name in self.named:
                return self.named.pop(name)
        return next(self.plain, "q")
