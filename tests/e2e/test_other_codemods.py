"""`codemods run`: scripts for Bowler and commands of LibCST, with our checks, diff and journal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from asyncshift.cli import run

Captured = pytest.CaptureFixture[bytes]
TREE = {
    "pkg/__init__.py": b"",
    "pkg/old.py": b"def greet(name):\n    return 'hi ' + name\n",
    "pkg/user.py": b"from pkg.old import greet\n\n\ndef main():\n"
    b"    return greet('x')  # a  note\n",
    "pkg/crlf.py": b"from pkg.old import greet\r\n\r\nX = greet( 'y' )\r\n",
    "pkg/latin.py": b"# coding: latin-1\nfrom pkg.old import greet\n\nX = greet('\xe9')",
    "pkg/matching.py": b"from pkg.old import greet\n\n\ndef f(x):\n    match x:\n"
    b"        case [y]:\n            return greet(y)\n",
    "pkg/other.py": b"GREET =   'greet'  \n",
}
FUNCTION = "from bowler import Query\n\nQuery().select_function('greet').rename('hello').diff()\n"
MODULE = (
    "from bowler import Query\n\n\ndef main():\n"
    "    Query().select_module('pkg.old').rename('pkg.new').write()\n\n\n"
    "if __name__ == '__main__':\n    main()\n"
)
ARGUMENT = (
    "from bowler import Query\n\n(\n    Query('pkg')\n    .select_function('greet')\n"
    "    .add_argument('loud', 'False')\n    .idiff()\n)\n"
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, data in TREE.items():
        path = tmp_path / "p" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.chdir(tmp_path / "p")
    return tmp_path / "p"


def changed(root: Path) -> dict[str, bytes]:
    found = {name: (root / name).read_bytes() for name in TREE}
    return {name: data for name, data in found.items() if data != TREE[name]}


def script(root: Path, text: str) -> str:
    path = root.parent / "query.py"
    path.write_text(text)
    return str(path)


def test_a_function_is_renamed(root: Path, capsysbinary: Captured) -> None:
    assert run(["codemods", "run", script(root, FUNCTION), "--yes"]) == 1  # one file is refused
    captured = capsysbinary.readouterr()
    assert b"pkg/matching.py: fissix cannot parse it" in captured.err
    assert changed(root) == {
        "pkg/old.py": TREE["pkg/old.py"].replace(b"greet", b"hello"),
        "pkg/user.py": TREE["pkg/user.py"].replace(b"greet", b"hello"),
        "pkg/crlf.py": TREE["pkg/crlf.py"].replace(b"greet", b"hello"),
        "pkg/latin.py": TREE["pkg/latin.py"].replace(b"greet", b"hello"),
    }
    assert run(["undo"]) == 0
    assert changed(root) == {}


def test_a_module_is_renamed_by_a_script_with_main(root: Path, capsysbinary: Captured) -> None:
    (root / "pkg/matching.py").unlink()
    arguments = ["codemods", "run", script(root, MODULE), "--yes"]
    assert run(arguments) == 0
    assert (root / "pkg/crlf.py").read_bytes() == TREE["pkg/crlf.py"].replace(b"old", b"new")
    assert (root / "pkg/latin.py").read_bytes() == TREE["pkg/latin.py"].replace(b"old", b"new")
    assert (root / "pkg/other.py").read_bytes() == TREE["pkg/other.py"]


def test_an_argument_is_added(root: Path, capsysbinary: Captured) -> None:
    assert run(["codemods", "run", script(root, ARGUMENT), "--yes"]) == 1
    assert b"def greet(name, loud=False):" in (root / "pkg/old.py").read_bytes()
    assert (root / "pkg/user.py").read_bytes().endswith(b"greet('x')  # a  note\n")
    assert (root / "pkg/matching.py").read_bytes() == TREE["pkg/matching.py"]


@pytest.mark.parametrize("text", [FUNCTION, MODULE])
def test_a_dry_run_writes_nothing(root: Path, capsysbinary: Captured, text: str) -> None:
    run(["codemods", "run", script(root, text), "--dry-run"])
    assert capsysbinary.readouterr().out.startswith(b"diff --git a/pkg/")
    assert changed(root) == {}
    assert not (root / ".asyncshift").exists()


def test_a_query_about_other_files(root: Path, capsysbinary: Captured) -> None:
    text = FUNCTION.replace("Query()", "Query('elsewhere')")
    assert run(["codemods", "run", script(root, text), "--yes"]) == 0
    assert changed(root) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from bowler import Query\n", b"runs no query"),
        ("from bowler import Query\n1 / 0\n", b"fails: ZeroDivisionError"),
        ("x = 1\n", b"has 0 commands of LibCST"),
    ],
)
def test_scripts_that_are_none(root: Path, capsysbinary: Captured, text: str, told: bytes) -> None:
    assert run(["codemods", "run", script(root, text), "--yes"]) == 2
    assert told in capsysbinary.readouterr().err
    assert changed(root) == {}


def test_a_query_that_fails_on_a_file(root: Path, capsysbinary: Captured) -> None:
    text = FUNCTION.replace(".rename('hello')", ".modify(lambda n, c, f: 1 / 0)")
    assert run(["codemods", "run", script(root, text), "--yes"]) == 1
    assert b"the codemod fails: ZeroDivisionError" in capsysbinary.readouterr().err
    assert changed(root) == {}


def test_a_result_that_is_no_python(root: Path, capsysbinary: Captured) -> None:
    text = FUNCTION.replace("'hello'", "'is not'")
    assert run(["codemods", "run", script(root, text), "--yes"]) == 1
    assert b"what the codemod makes of it is wrong" in capsysbinary.readouterr().err
    assert changed(root) == {}


def test_without_bowler_there_is_one_message(root: Path) -> None:
    program = (
        "import sys; sys.modules['bowler'] = None\n"
        "from asyncshift.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "codemods", "run", script(root, FUNCTION), "--yes"],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert done.returncode == 2
    assert "asyncshift[bowler]" in done.stderr
    assert "Traceback" not in done.stderr


# ----------------------------------------------------------------------------- LibCST


def test_a_command_of_libcst(root: Path, capsysbinary: Captured) -> None:
    (root / "pkg/other.py").write_bytes(b"NAME = 'x'\r\nTEXT = 'hi {}'.format(NAME)\r\n")
    name = "libcst.codemod.commands.convert_format_to_fstring"
    assert run(["codemods", "run", name, "--yes"]) == 0
    data = (root / "pkg/other.py").read_bytes()
    assert data == b"NAME = 'x'\r\nTEXT = f'hi {NAME}'\r\n"
    assert set(changed(root)) == {"pkg/other.py"}


RENAME = "libcst.codemod.commands.rename:RenameCommand"


def test_settings_of_a_command(root: Path, capsysbinary: Captured) -> None:
    settings = ["--set", "old_name=pkg.old.greet", "--set", "new_name=pkg.old.hello"]
    assert run(["codemods", "run", RENAME, *settings, "--yes"]) == 0
    assert b"return hello(y)" in (root / "pkg/matching.py").read_bytes()


@pytest.mark.parametrize("settings", [["--set", "nonsense=1"], ["--set", "old_name"]])
def test_settings_that_are_none(root: Path, capsysbinary: Captured, settings: list[str]) -> None:
    assert run(["codemods", "run", RENAME, *settings, "--yes"]) == 2
    assert changed(root) == {}


def test_a_command_in_a_file(root: Path, capsysbinary: Captured) -> None:
    text = (
        "import libcst as cst\nfrom libcst.codemod import CodemodCommand\n\n\n"
        "class Nicer(CodemodCommand):\n    def transform_module_impl(self, tree):\n"
        "        return tree.with_changes(header=[cst.EmptyLine(comment=cst.Comment('# hi'))])\n"
    )
    assert run(["codemods", "run", script(root, text), "pkg/other.py", "--yes"]) == 0
    assert set(changed(root)) == {"pkg/other.py"}


@pytest.mark.parametrize("name", ["no.such.module", "./missing.py", "json"])
def test_a_codemod_that_is_not_there(root: Path, capsysbinary: Captured, name: str) -> None:
    assert run(["codemods", "run", name, "--yes"]) == 2
    assert b"error:" in capsysbinary.readouterr().err
