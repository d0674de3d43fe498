"""What tests do with clients of the program: mocks of them, and calls of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asyncshift.codemod import Kind, Registry
from asyncshift.groups import Groups, LibraryUse
from asyncshift.model import Project, Protocol, Span
from asyncshift.pins import is_test_file

_GIVEN = r"\w+=(?:\w+\.)*AsyncMock\((?:[^()]|\([^()]*\))*\)"
_FAKE = re.compile(
    r"^(?P<indent>[ \t]*)(?P<target>\w+(?:\.\w+)*)[ \t]*=[ \t]*(?:\w+\.)*(?:Magic)?Mock"
    rf"\(\s*(?P<given>(?:{_GIVEN},?\s*)*)\)",
    re.M,
)
_ON = re.compile(rf"(?P<name>\w+)(?==(?:\w+\.)*AsyncMock\(\s*side_effect=lambda)|{_GIVEN}")


@dataclass(frozen=True, slots=True)
class Fake:
    """`client = Mock()` in a test.  Made here, read by the decisions."""

    path: str
    line: int
    members: frozenset[str]
    """What the file mentions of it."""
    answered: frozenset[str]
    """Members that the file gives a result."""
    handed: bool
    """It is an argument, or what a function gives: others may ask it for anything."""
    given: frozenset[str]
    """Members that an earlier step has made awaitable."""
    beside: frozenset[str]
    """Of these, those that call on to the member of the sync name."""


def find_fakes(project: Project) -> Iterator[Fake]:
    """The mocks without a specification that tests assign to a name."""
    for file in project.files:
        if not is_test_file(file.path) or "Mock(" not in file.text:
            continue
        for found in _FAKE.finditer(file.text):
            target, within = re.escape(found["target"]), file.text
            if "." not in found["target"]:
                rest = file.text[found.end() :]
                outer = re.search(rf"^(?!{found['indent']})[ \t]*\S", rest, re.M)
                within = rest[: outer.start()] if outer else rest
            member = rf"(?<![\w.]){target}\.(\w+)"
            handed = rf"(?:[(,=]\s*|\b(?:return|yield)[ ]+){target}(?![\w.(\[]|\s*=[^=])"
            line = file.text.count("\n", 0, found.start("target")) + 1
            yield Fake(
                file.path,
                line,
                frozenset(re.findall(member, within)),
                frozenset(re.findall(rf"{member}\.(?:return_value|side_effect)\s*=", within)),
                re.search(handed, within) is not None,
                frozenset(re.findall(r"(\w+)=(?:\w+\.)*AsyncMock\(", found["given"])),
                frozenset(one["name"] for one in _ON.finditer(found["given"]) if one["name"]),
            )


def called_in_tests(
    uses: Sequence[LibraryUse], groups: Groups, registry: Registry
) -> Iterator[tuple[str, Span, str | None]]:
    """Where tests call awaitable methods of clients that other code uses as well, or enter them."""
    shared = {
        groups.of(site, target)
        for site, target, treatment in uses
        if treatment.grouped and not is_test_file(site.path)
    }
    for site, target, treatment in uses:
        api = target.api or ""
        match treatment.kind, site.protocol:
            case Kind.AWAITABLE, Protocol.CALL if registry.is_class(api.rpartition(".")[0]):
                pass
            case Kind.ENTERED, Protocol.WITH if registry.is_class(api):
                pass
            case _:
                continue
        if is_test_file(site.path) and groups.of(site, target) in shared:
            yield site.path, site.span, target.api
