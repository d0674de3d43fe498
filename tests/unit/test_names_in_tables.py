"""Rows for what only has another name, for variants of a method, and for values of a setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift.bridge_modules import module_template
from asyncshift.codemod import Kind, Registry
from asyncshift.errors import InputError
from asyncshift.loading import load_registry
from asyncshift.model import Protocol
from asyncshift.tables import parse_table

TABLE = b"""
[codemod]
name = "lib"
settings = { postgres = "asyncpg" }

[names]
"lib.errors" = "_lib.errors"
"lib.Error" = "_lib.Error"

[classes."lib.Connection"]
to = "_lib.Connection"
awaited = ["commit"]
rename = { named_cursor = "named_cursor" }
returns = { cursor = "lib.Cursor", named_cursor = "lib.Named" }
variants = { "cursor(name)" = "named_cursor" }

[classes."lib.Cursor"]
to = "_lib.Cursor"
as_value = true
constructed = false

[classes."lib.Named"]
to = "_lib.Named"
awaited = ["fetch"]

[classes."lib.Pool"]
to = "_lib.Pool"
made_by = "create"
awaited = ["get"]
"""


@pytest.fixture(name="registry")
def loaded() -> Registry:
    return Registry([parse_table(TABLE, "lib.toml", "lib")])


def test_names_are_renamed_with_what_is_in_them(registry: Registry) -> None:
    assert registry.targets("lib.errors.Missing") == ("_lib.errors.Missing",)
    assert registry.targets("lib.errors") == ("_lib.errors",)
    assert registry.targets("lib.Error") == ("_lib.Error",)
    assert registry.owner("lib.errors.Missing") == "lib"
    assert registry.targets("lib.errors.Missing.__name__") == ("_lib.errors.Missing.__name__",)
    assert registry.owner("lib.errors.Missing.__name__") == "lib"
    for protocol in (Protocol.EXCEPT, Protocol.BASE, Protocol.VALUE, Protocol.CALL):
        found = registry.treatment("lib.errors.Missing", protocol)
        assert found is not None
        assert (found.kind, found.renamed) == (Kind.PLAIN, True)
    row = registry.exception("lib.errors.Missing")
    assert row is not None
    assert row.to == ("_lib.errors.Missing",)


def test_what_is_not_named_is_nothing(registry: Registry) -> None:
    assert not registry.is_api("lib.other")
    assert registry.treatment("lib.other", Protocol.VALUE) is None
    assert registry.exception("lib.other.Missing") is None


def test_an_argument_chooses_the_method(registry: Registry) -> None:
    named, plain = "lib.Connection.named_cursor", "lib.Connection.cursor"
    assert registry.called_as(plain, 1, ()) == named
    assert registry.called_as(plain, 0, ("name",)) == named
    assert registry.called_as(plain, 0, ("scrollable",)) == plain
    assert registry.called_as(plain, 0, ()) == plain
    assert registry.called_as("lib.Connection.commit", 1, ()) == "lib.Connection.commit"


def test_a_class_is_awaited_where_a_method_makes_it(registry: Registry) -> None:
    made = registry.treatment("lib.Pool", Protocol.CALL)
    assert made is not None
    assert made.kind is Kind.AWAITABLE
    plain = registry.treatment("lib.Named", Protocol.CALL)
    assert plain is not None
    assert plain.kind is Kind.PLAIN


def test_a_variant_names_its_parameter() -> None:
    table = TABLE.replace(b"cursor(name)", b"cursor")
    with pytest.raises(InputError, match="must be a method with its first parameter"):
        parse_table(table, "lib.toml", "lib")


@pytest.mark.parametrize(("value", "taken"), [("", True), ("asyncpg", True), ("psycopg", False)])
def test_a_setting_chooses_the_codemods(tmp_path: Path, value: str, taken: bool) -> None:
    path = tmp_path / "lib.toml"
    path.write_bytes(TABLE)
    found = load_registry((path,), postgres=value)
    assert ("lib" in {table.name for table in found.tables}) is taken


def test_a_module_is_made_with_the_blocks_of_another_file(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "table.toml").write_bytes(TABLE.replace(b'name = "lib"', b'module = "_lib"'))
    own = "# <one>\nimport a\n# </one>\n\n\ndef shared(): ...\n\n\n# <one>\nX = a.x\n# </one>\n"
    other = "import z\n# <two>\nimport b\n# </two>\n# <two>\nX = b.x\n# </two>\n"
    (folder / "_lib.py").write_text(own)
    (folder / "_lib_over_psycopg.py").write_text(other)
    registry = load_registry((), (folder,))
    assert module_template(registry, "_lib") == "import a\n\n\ndef shared(): ...\n\n\nX = a.x\n"
    text = module_template(registry, "_lib", {"postgres": "psycopg"})
    assert text == "import b\n\n\ndef shared(): ...\n\n\nX = b.x\n"
    (folder / "_lib_over_psycopg.py").write_text("# <two>\nimport b\n# </two>\n")
    with pytest.raises(AssertionError, match="1 blocks stand for 2"):
        module_template(registry, "_lib", {"postgres": "psycopg"})
