"""The settings of pytest's plugin for async tests: read where they are, written where they miss.

`read_settings` reads, `configured` gives the new files.  Every text that is written is parsed again
and must differ by the new settings only; what cannot be edited so is left, and said.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from asyncshift.config import read_toml
from asyncshift.model import FileChange, Message, Severity, TestSetup

SETTINGS = {
    "asyncio_mode": "auto",
    "asyncio_default_fixture_loop_scope": "session",
    "asyncio_default_test_loop_scope": "session",
}
"""One loop for all tests and fixtures: what one test leaves open, another may use, as before."""
REQUIREMENT = "pytest-asyncio>=0.26"
"""The first with `asyncio_default_test_loop_scope`; it needs Python 3.9."""
_REQUIREMENTS = (
    "*requirements*.txt",
    "*requirements*.in",
    "requirements/*.txt",
    "requirements/*.in",
)
_PYTEST = r"pytest(?:\[[^\]]*\])?\s*(?:[<>=~!;@][^\"'\n]*)?"
_LISTED = re.compile(r"^[\"']?\s*pytest-asyncio\b|[\"']pytest-asyncio\b", re.M)


def read_settings(
    root: Path, choice: str, python: tuple[int, int], texts: Iterable[str]
) -> TestSetup:
    """What runs async tests, for `[tool.asyncshift] tests = choice`."""
    if choice == "sync":
        return TestSetup()
    _, options = _options(root)
    words = {
        word
        for text in texts
        for word in ("pytest.mark.asyncio", "pytest_asyncio", "pytest.mark.anyio")
        if word in text
    }
    loop = str(options.get("asyncio_default_fixture_loop_scope", ""))
    mode = str(options.get("asyncio_mode", ""))
    match mode, words, options.get("anyio_mode"):
        case (("auto" | "strict"), _, _):
            return TestSetup(True, mode, loop)
        case _ if "pytest.mark.asyncio" in words or "pytest_asyncio" in words:
            return TestSetup(True, "strict", loop)
        case _, _, "auto":
            return TestSetup(True, "auto")
        case _ if "pytest.mark.anyio" in words:
            return TestSetup(True, "anyio", "function")
    if "trio_mode" in options or python < (3, 9):
        return TestSetup(True)
    wanted = choice == "async" or any(_LISTED.search(text) for _, text in _dependencies(root))
    if wanted and _with_settings(root)[1] is not None:
        return TestSetup(True, "auto", configure=True)
    return TestSetup(True)


def _options(root: Path) -> tuple[Path | None, Mapping[str, Any]]:
    """The file that holds pytest's options, by pytest's own order, and the options."""
    for name in ("pytest.ini", ".pytest.ini"):
        if (root / name).is_file():
            return root / name, _section(root / name, "pytest") or {}
    table = read_toml(root / "pyproject.toml").get("tool", {})
    pytest = table.get("pytest") if isinstance(table, dict) else None
    if isinstance(pytest, dict):
        return root / "pyproject.toml", pytest.get("ini_options", pytest)
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if (found := _section(root / name, section)) is not None:
            return root / name, found
    return None, {}


def _section(path: Path, name: str) -> Mapping[str, str] | None:
    parser = _parsed(_text(path))
    return dict(parser[name]) if parser is not None and parser.has_section(name) else None


def _parsed(text: str) -> configparser.ConfigParser | None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return parser


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return ""


# ----------------------------------------------------------------------------- writing


def not_possible(choice: str, setup: TestSetup) -> Iterator[Message]:
    """What to say where tests should turn, and nothing would run them."""
    if choice == "async" and not setup.pytest:
        text = (
            "pytest's tests stay sync: pytest-asyncio is added from Python 3.9, where no other "
            "plugin is set, and where pytest's options stand in a section of their own"
        )
        yield Message("", 0, "test-settings", text, Severity.WARNING)


def configured(root: Path) -> tuple[list[FileChange], list[Message]]:
    """The files with pytest-asyncio's settings, and with it among the test dependencies."""
    new: dict[str, str] = {}
    path, text = _with_settings(root)
    if text is not None:
        new[path] = text
    found = list(_dependencies(root, new))
    listed = False
    for name, old in found:
        edited = _with_requirement(name, old)
        if edited is not None:
            new[name] = edited
            listed = True
    listed = listed or any(_LISTED.search(text) for _, text in found)
    said = f"the tests are async now and need {REQUIREMENT}: "
    said += "install it" if listed else "add it to what the tests need"
    return [_change(root, name, text) for name, text in sorted(new.items())], [
        Message("", 0, "dependencies", said)
    ]


def _change(root: Path, name: str, text: str) -> FileChange:
    path = root / name
    return FileChange(name, path.read_bytes() if path.exists() else None, text.encode())


def _with_settings(root: Path) -> tuple[str, str | None]:
    """The file of pytest's options with the plugin's; None where it cannot be edited safely."""
    path, options = _options(root)
    missing = {key: value for key, value in SETTINGS.items() if key not in options}
    if path is None and (root / "pyproject.toml").is_file():
        path = root / "pyproject.toml"
    if path is None:
        return "pytest.ini", "[pytest]\n" + _lines(missing, "{} = {}", "\n")
    text = _text(path)
    end = "\r\n" if "\r\n" in text else "\n"
    if path.name != "pyproject.toml":
        header = "tool:pytest" if path.name == "setup.cfg" else "pytest"
        new = _behind(
            text, rf"\[{header}\][ \t]*(?:[#;][^\n]*)?", _lines(missing, "{} = {}", end), end
        )
        old, parsed = _parsed(text), _parsed(new)
        if old is None or parsed is None or header not in parsed:
            return path.name, None
        return path.name, new if {**old[header], **missing} == dict(parsed[header]) else None
    lines = _lines(missing, '{} = "{}"', end)
    if not options and "pytest" not in read_toml(path).get("tool", {}):
        new = f"{text.rstrip()}{end}{end}[tool.pytest.ini_options]{end}{lines}"
    else:
        new = _behind(text, r"\[tool\.pytest(?:\.ini_options)?\][ \t]*(?:#[^\n]*)?", lines, end)
    return path.name, new if _only_adds(text, new, missing) else None


def _lines(settings: Mapping[str, str], form: str, end: str) -> str:
    return "".join(form.format(key, value) + end for key, value in settings.items())


def _behind(text: str, header: str, lines: str, end: str) -> str:
    """The lines directly behind the last line of this form."""
    found = list(re.finditer(rf"^{header}\r?$", text, re.M))
    if not found:
        return text
    at = found[-1].end()
    rest = text[at:].removeprefix(end[-1:])
    return f"{text[:at].rstrip(chr(13))}{end}{lines}{rest}"


def _only_adds(text: str, new: str, settings: Mapping[str, str]) -> bool:
    """Whether a TOML text differs by these pytest options only."""
    try:
        old, made = tomllib.loads(text), tomllib.loads(new)
    except tomllib.TOMLDecodeError:
        return False
    pytest = old.setdefault("tool", {}).setdefault("pytest", {})
    native = pytest and "ini_options" not in pytest
    table = pytest if native else pytest.setdefault("ini_options", {})
    table.update(settings)
    return old == made


# ----------------------------------------------------------------------------- dependencies


def _dependencies(
    root: Path, new: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, str]]:
    """The files that can list what the tests need, with their texts."""
    names = ["pyproject.toml", "setup.cfg", "tox.ini"]
    names += sorted({p.relative_to(root).as_posix() for g in _REQUIREMENTS for p in root.glob(g)})
    for name in names:
        if text := new.get(name) or _text(root / name):
            yield name, text


def _with_requirement(name: str, text: str) -> str | None:
    """The text with pytest-asyncio behind each pytest; None where there is none, or it has it."""
    if _LISTED.search(text) or "--hash=" in text:
        return None
    end = r"(?P<end>\r?\n|$)"
    if name == "pyproject.toml":
        quoted = rf"(?P<quote>[\"'])(?P<one>{_PYTEST})(?P=quote)"
        line = rf"^(?P<gap>[ \t]+){quoted}(?P<comma>,?)(?P<note>[ \t]*(?:#[^\n]*?)?){end}"
        new = re.sub(line, _next_line, text, flags=re.M)
        new = re.sub(rf"(?<=[\[,])(?P<gap>[ \t]*){quoted}(?=[ \t]*[\],])", _next_item, new)
        poetry = rf"^pytest\s*=\s*[\"'{{][^\n]*?{end}"
        made = f'pytest-asyncio = "{REQUIREMENT.removeprefix("pytest-asyncio")}"'
        new = re.sub(poetry, lambda m: f"{_ended(m)}{made}{m['end']}", new, flags=re.M)
        return new if new != text and _only_lists(text, new) else None
    gap = r"" if name.endswith((".txt", ".in")) else r"[ \t]+"
    line = rf"^(?P<gap>{gap}){_PYTEST}[ \t]*{end}"
    new = re.sub(line, lambda m: f"{_ended(m)}{m['gap']}{REQUIREMENT}{m['end']}", text, flags=re.M)
    return new if new != text else None


def _ended(found: re.Match[str]) -> str:
    return found[0] if found["end"] else f"{found[0]}\n"


def _next_line(found: re.Match[str]) -> str:
    quote, gap = found["quote"], found["gap"]
    first = f"{gap}{quote}{found['one']}{quote},{found['note']}"
    return f"{first}{found['end']}{gap}{quote}{REQUIREMENT}{quote}{found['comma']}{found['end']}"


def _next_item(found: re.Match[str]) -> str:
    quote = found["quote"]
    return f"{found['gap']}{quote}{found['one']}{quote}, {quote}{REQUIREMENT}{quote}"


def _only_lists(text: str, new: str) -> bool:
    """Whether a TOML text differs by the requirement only, each time beside pytest's."""
    try:
        return bool(_without(tomllib.loads(new), "") == tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return False


def _without(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        kept = value.keys() - ({"pytest-asyncio"} if key.endswith("dependencies") else set())
        return {name: _without(value[name], name) for name in kept}
    if isinstance(value, list):
        return [_without(item, "") for item in value if item != REQUIREMENT]
    return value
