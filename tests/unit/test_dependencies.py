"""Dependencies of a migrated project: what comes, what goes, and what stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift import pipeline
from asyncshift.config import Config
from asyncshift.dependencies import Wanted, is_used, renewed

GONE = Wanted("httpx>=0.27", ("requests",), gone=True)
KEPT = Wanted("httpx>=0.27", ("requests",), gone=False)


def after(root: Path, name: str, text: str, *wanted: Wanted) -> str:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(text.encode())
    changes, _ = renewed(root, wanted, [])
    return (changes[0].new or b"").decode() if changes else text


PEP_621 = """[project]
name = "client"
keywords = ["requests"]  # of the index
dependencies = [
    "click",
    "requests[socks]>=2.28 ; python_version > '3.8'",  # the wire
]

[project.optional-dependencies]
all = ["Requests", "rich"]
"""
POETRY = """[tool.poetry.dependencies]
python = "^3.8"
requests = "^2.27.1"  # the wire

[tool.poetry.group.dev.dependencies]
requests-mock = "^1.9.3"
"""
SETUP = """from setuptools import setup

needed = ["requests>=2", 'click']
setup(name="client", keywords=["requests"], install_requires=needed,
      extras_require={"all": ["requests"]})
"""
CFG = (
    "[metadata]\nkeywords = requests\n\n[options]\ninstall_requires =\n    requests>=2\n    click\n"
)


@pytest.mark.parametrize(
    ("name", "text", "wanted", "pairs"),
    [
        (
            "pyproject.toml",
            PEP_621,
            GONE,
            [
                ("\"requests[socks]>=2.28 ; python_version > '3.8'\"", '"httpx>=0.27"'),
                ('"Requests"', '"httpx>=0.27"'),
            ],
        ),
        (
            "pyproject.toml",
            PEP_621,
            KEPT,
            [
                ('    "requests[socks]', '    "httpx>=0.27",\n    "requests[socks]'),
                ('"Requests"', '"httpx>=0.27", "Requests"'),
            ],
        ),
        (
            "pyproject.toml",
            POETRY,
            GONE,
            [('requests = "^2.27.1"  # the wire', 'httpx = ">=0.27"')],
        ),
        ("pyproject.toml", POETRY, KEPT, [('requests = "^', 'httpx = ">=0.27"\nrequests = "^')]),
        (
            "setup.py",
            SETUP,
            GONE,
            [('"requests>=2"', '"httpx>=0.27"'), ('all": ["requests"', 'all": ["httpx>=0.27"')],
        ),
        ("setup.cfg", CFG, GONE, [("    requests>=2", "    httpx>=0.27")]),
        ("setup.cfg", CFG, KEPT, [("    requests>=2", "    httpx>=0.27\n    requests>=2")]),
        ("requirements.txt", "click\nrequests\n", GONE, [("requests", "httpx>=0.27")]),
        (
            "requirements/base.in",
            "# wire\r\nrequests==2.3  # pinned\r\n",
            KEPT,
            [("requests==", "httpx>=0.27\r\nrequests==")],
        ),
        (
            "Pipfile",
            '[packages]\nrequests = "*"\n',
            GONE,
            [('requests = "*"', 'httpx = ">=0.27"')],
        ),
    ],
)
def test_the_new_one_comes_beside_or_in_the_place_of_the_old_one(
    tmp_path: Path, name: str, text: str, wanted: Wanted, pairs: list[tuple[str, str]]
) -> None:
    new = text
    for old, made in pairs:
        assert new.count(old) == 1
        new = new.replace(old, made)
    assert after(tmp_path, name, text, wanted) == new
    assert after(tmp_path, name, new, wanted) == new  # once


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[project]\nname = "requests"\nkeywords = ["requests"]\n'),
        ("pyproject.toml", '[build-system]\nrequires = ["requests"]\n'),
        ("pyproject.toml", '[project]\ndependencies = ["requests-mock", "types-requests"]\n'),
        ("pyproject.toml", '[project]\ndependencies = ["requests"\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\nrequests = [\n  {version = "2"},\n]\n'),
        ("setup.py", 'from setuptools import setup\nsetup(keywords=["requests"])\n'),
        ("setup.py", "setup(install_requires=read('requirements.txt')\n"),
        ("setup.cfg", "[metadata]\nkeywords = requests\n"),
        ("requirements.txt", "requests==2.3 --hash=sha256:0\n"),
        ("requirements.txt", "# requests\nrequests-mock\n"),
        ("notes.txt", "requests\n"),
    ],
)
def test_what_is_no_requirement_stays(tmp_path: Path, name: str, text: str) -> None:
    assert after(tmp_path, name, text, GONE) == text
    assert after(tmp_path, name, text, KEPT) == text


@pytest.mark.parametrize(
    ("name", "text", "new"),
    [
        (
            "pyproject.toml",
            '[project]\ndependencies = [\n    "httpx",\n    "requests",  # old\n    "rich",\n]\n',
            '[project]\ndependencies = [\n    "httpx",\n    "rich",\n]\n',
        ),
        (
            "pyproject.toml",
            '[dependency-groups]\ndev = ["httpx", "requests"]\n',
            '[dependency-groups]\ndev = ["httpx"]\n',
        ),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nhttpx = "*"\nrequests = "*"\n',
            '[tool.poetry.dependencies]\nhttpx = "*"\n',
        ),
        ("requirements.txt", "httpx\nrequests\n", "httpx\n"),
    ],
)
def test_the_old_one_goes_where_the_new_one_is(
    tmp_path: Path, name: str, text: str, new: str
) -> None:
    assert after(tmp_path, name, text, GONE) == new
    assert after(tmp_path, name, text, KEPT) == text


def test_the_lock_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(POETRY)
    (tmp_path / "poetry.lock").write_text("")
    _, messages = renewed(tmp_path, [GONE], [])
    said = [message.text for message in messages]
    assert said == [
        "pyproject.toml: httpx>=0.27 stands for requests now",
        "renew the lock file: poetry.lock (`poetry lock`)",
    ]


def test_a_project_that_lists_nothing_is_told(tmp_path: Path) -> None:
    changes, messages = renewed(tmp_path, [GONE], [])
    assert not changes
    assert [m.text for m in messages] == [
        "the migrated code needs httpx>=0.27: add it to the project's dependencies"
    ]


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("import requests\n", True),
        ("import os, requests\n", True),
        ("    from requests.auth import AuthBase\n", True),
        ("import requests_mock\n", False),
        ("# import requests\n", False),
        ("x = 'requests'\n", False),
    ],
)
def test_who_uses_a_library(text: str, used: bool) -> None:
    assert is_used({"requests"}, [text]) is used


CLIENT = "import requests\n\n\ndef load(url):\n    return requests.get(url, timeout=5).json()\n"


@pytest.mark.parametrize(
    ("other", "expected"),
    [("", "httpx>=0.27\n"), ("import requests\n", "httpx>=0.27\nrequests\n")],
)
def test_a_migration_writes_them(tmp_path: Path, other: str, expected: str) -> None:
    (tmp_path / "client.py").write_text(CLIENT)
    (tmp_path / "other.py").write_text(f"{other}\nprint(requests)\n" if other else "")
    (tmp_path / "requirements.txt").write_text("requests\n")
    outcome = pipeline.changes(pipeline.analyse([tmp_path], Config(cache=False)))
    found = {change.path: (change.new or b"").decode() for change in outcome.changes}
    assert found["requirements.txt"] == expected


def test_no_migration_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text("import requests\n\nprint(requests.codes)\n")
    (tmp_path / "requirements.txt").write_text("requests\n")
    assert not pipeline.changes(pipeline.analyse([tmp_path], Config(cache=False))).changes
