"""The pairs of docs/constructs.md: what stands as `after` is what comes out of `before`.

`--update-fixtures` writes it anew: read the difference before you commit it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from asyncshift.cli import run

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "constructs.md"
PAIR = re.compile(
    r"^## (?P<title>[^\n]+)\n(?P<text>(?:(?!^## ).)*?)"
    r"^```python before(?P<kind>[^\n]*)\n(?P<before>.*?)^```\n\n"
    r"^```python after\n(?P<after>.*?)^```$",
    re.S | re.M,
)
API = re.compile(r"^```python api\n(.*?)^```$", re.S | re.M)


def module(found: re.Match[str]) -> str:
    name = re.sub(r"\W+", "_", found["title"].lower())
    return f"test_{name}.py" if found["kind"] else f"{name}.py"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All modules of the page in one project, after one run."""
    project = tmp_path_factory.mktemp("constructs") / "project"
    project.mkdir()
    page = PAGE.read_text(encoding="utf-8")
    (project / "pyproject.toml").write_text('[project]\nname = "constructs"\n')
    api = API.search(page)
    assert api is not None
    (project / "api.py").write_text(api[1])
    for found in PAIR.finditer(page):
        (project / module(found)).write_text(found["before"])
    assert run(["apply", str(project), "--yes", "--jobs", "1"]) == 0
    shutil.rmtree(project / ".asyncshift")
    return project


def pairs() -> list[re.Match[str]]:
    return list(PAIR.finditer(PAGE.read_text(encoding="utf-8")))


def test_update(migrated: Path, update_fixtures: bool) -> None:
    if update_fixtures:

        def renewed(found: re.Match[str]) -> str:
            start, end = (place - found.start() for place in found.span("after"))
            new = (migrated / module(found)).read_text()
            return found[0][:start] + new + found[0][end:]

        PAGE.write_text(PAIR.sub(renewed, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.mark.parametrize("found", pairs(), ids=lambda found: found["title"])
def test_the_page_says_what_comes_out(found: re.Match[str], migrated: Path) -> None:
    assert (migrated / module(found)).read_text() == found["after"]
    compile(found["after"], module(found), "exec")


def test_every_section_has_its_pair() -> None:
    titles = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.M)
    assert titles == [found["title"] for found in pairs()]
