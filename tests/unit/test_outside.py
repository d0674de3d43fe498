"""`--python VENV`: what outside classes define, read from its site-packages and never imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift.callgraph import build
from asyncshift.facts import extract
from asyncshift.model import Function
from asyncshift.resolution.outside import OutsideClasses
from tests.unit.graphs import TinyRegistry, source


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    package = tmp_path / "venv" / "lib" / "python3.11" / "site-packages" / "baselib"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from ._core import Handler as Handler\n")
    core = "raise SystemExit('imported')\nclass Root:\n    def close(self): ...\n"
    core += "class Handler(Root):\n    def handle(self): ...\n"
    (package / "_core.py").write_text(core)
    (package / "open.py").write_text("import unseen\nclass Base(unseen.Base):\n    pass\n")
    return tmp_path / "venv"


TEXT = """
    from baselib import Handler
    class Mine(Handler):
        def handle(self):
            pass
        def close(self):
            pass
        def own(self):
            pass
"""


def method(name: str, python: Path | None) -> Function:
    found = build([extract(source(TEXT))], TinyRegistry(), python)
    (only,) = [f for f in found.functions.values() if f.name == f"Mine.{name}"]
    return only


@pytest.mark.parametrize("name", ["handle", "close"])
def test_an_override_is_known_as_one(venv: Path, name: str) -> None:
    assert method(name, venv).overrides == f"baselib.Handler.{name}"


def test_a_method_of_its_own_is_none(venv: Path) -> None:
    assert method("own", venv).foreign_base is None


@pytest.mark.parametrize("name", ["handle", "own"])
def test_without_the_environment_each_method_may_be_one(name: str) -> None:
    assert (method(name, None).foreign_base, method(name, None).overrides) == (
        "baselib.Handler",
        None,
    )


def test_the_interpreter_of_the_environment_stands_for_it(venv: Path) -> None:
    (venv / "bin").mkdir()
    (venv / "bin" / "python").touch()
    assert method("handle", venv / "bin" / "python").overrides == "baselib.Handler.handle"


def test_a_class_with_a_base_that_is_not_there_is_not_known(venv: Path) -> None:
    assert OutsideClasses(venv).members("baselib.open.Base") is None
    assert OutsideClasses(venv).members("baselib.absent.Base") is None
