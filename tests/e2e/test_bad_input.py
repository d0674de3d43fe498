"""Bad input: status 2, one clear message, nothing written; or a warning and status 0."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SLEEPS = "import time\n\n\ndef nap():\n    time.sleep(1)\n"
BROKEN = "import time\n\n\ndef broken(:\n    nap(\n"
ALL = ("scan", "diff", "apply", "graph")


@dataclass(frozen=True)
class Told:
    """What the command answered."""

    status: int
    output: str
    errors: str

    @property
    def complaints(self) -> list[str]:
        return [line for line in self.errors.splitlines() if line.startswith("error:")]


def asyncshift(*arguments: object, cwd: Path) -> Told:
    command = [sys.executable, "-m", "asyncshift", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    return Told(done.returncode, done.stdout, done.stderr)


def snapshot(folder: Path) -> dict[str, object]:
    """Every path below the folder with its bytes, link target or kind, and its mode."""
    return {
        str(path.relative_to(folder)): (
            os.readlink(path)
            if path.is_symlink()
            else path.read_bytes() if path.is_file() else "folder",
            path.lstat().st_mode,
        )
        for path in sorted(folder.rglob("*"))
    }  # fmt: skip


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, {"pyproject.toml": "[project]\nname = 'p'\n", "app.py": SLEEPS})
    return root


def refused(project: Path, *arguments: object, mentions: tuple[str, ...]) -> Told:
    """The command fails as a user wants it to fail, and leaves everything as it was."""
    before = snapshot(project)
    told = asyncshift(*arguments, cwd=project)
    assert told.status == 2, told.errors
    assert told.output == ""
    assert "Traceback" not in told.errors
    assert len(told.complaints) == 1, told.errors
    for mention in mentions:
        assert mention in told.errors
    assert snapshot(project) == before
    return told


def arguments_of(command: str, *paths: object) -> tuple[object, ...]:
    return (command, *paths, "--yes") if command == "apply" else (command, *paths)


# ----------------------------------------------------------------------------- paths


@pytest.mark.parametrize("command", ALL)
def test_a_path_that_does_not_exist(project: Path, command: str) -> None:
    refused(project, *arguments_of(command, "nowhere"), mentions=("nowhere", "does not exist"))


@pytest.mark.parametrize("command", ALL)
def test_a_folder_without_python_files(project: Path, command: str) -> None:
    write(project, {"notes/readme.txt": "none here"})
    refused(project, *arguments_of(command, "notes"), mentions=("no Python files", "notes"))


@pytest.mark.parametrize("command", ALL)
def test_a_named_file_that_does_not_parse(project: Path, command: str) -> None:
    write(project, {"bad.py": BROKEN})
    refused(project, *arguments_of(command, "bad.py"), mentions=("bad.py:4:", "does not parse"))


@pytest.mark.parametrize(
    "content",
    [b"name = 'caf\xe9'\n", b"# coding: klingon\n", b"x = 1\0\n"],
    ids=["not UTF-8", "unknown encoding", "null byte"],
)
def test_a_named_file_that_cannot_be_read_as_text(project: Path, content: bytes) -> None:
    write(project, {"bad.py": content})
    refused(project, "diff", "bad.py", mentions=("bad.py",))


def test_a_named_file_that_cannot_be_read(project: Path) -> None:
    write(project, {"secret.py": SLEEPS})
    (project / "secret.py").chmod(0)
    if os.access(project / "secret.py", os.R_OK):
        pytest.skip("this user may read everything")
    refused(project, "diff", "secret.py", mentions=("secret.py", "cannot be read"))


def test_a_named_file_that_is_not_python(project: Path) -> None:
    write(project, {"notes.txt": "none here"})
    refused(project, "diff", "notes.txt", mentions=("notes.txt", "not a Python file"))


@pytest.mark.parametrize("command", ALL)
def test_a_symlink_that_leads_nowhere(project: Path, command: str) -> None:
    (project / "link.py").symlink_to("gone.py")
    refused(project, *arguments_of(command, "link.py"), mentions=("link.py",))


@pytest.mark.parametrize("named", [".", "link.py"])
def test_a_file_symlink_that_leaves_the_tree(project: Path, tmp_path: Path, named: str) -> None:
    write(tmp_path, {"outside.py": SLEEPS})
    (project / "link.py").symlink_to(tmp_path / "outside.py")
    refused(project, "apply", "--yes", named, mentions=("link.py", "leaves the tree"))
    assert (tmp_path / "outside.py").read_text() == SLEEPS


@pytest.mark.parametrize("named", [".", "linked"])
def test_a_folder_symlink_that_leaves_the_tree(project: Path, tmp_path: Path, named: str) -> None:
    write(tmp_path, {"outside/code.py": SLEEPS})
    (project / "linked").symlink_to(tmp_path / "outside")
    refused(project, "apply", "--yes", named, mentions=("linked", "leaves the tree"))
    assert (tmp_path / "outside" / "code.py").read_text() == SLEEPS


def test_a_symlink_inside_the_tree_is_no_error(project: Path) -> None:
    (project / "link.py").symlink_to("app.py")
    told = asyncshift("apply", "--yes", ".", cwd=project)
    assert told.status == 0
    assert (project / "link.py").is_symlink()
    assert "await asyncio.sleep(1)" in (project / "app.py").read_text()


# ----------------------------------------------------------------------------- settings, tables


def test_an_unknown_setting(project: Path) -> None:
    write(project, {"pyproject.toml": "[tool.asyncshift]\nignroe = ['x']\n"})
    told = refused(project, "diff", ".", mentions=("pyproject.toml:2:", "ignroe"))
    assert "`ignore`" in told.complaints[0]


@pytest.mark.parametrize(
    ("line", "mention"),
    [
        ("jobs = 'two'", "number"),
        ("jobs = true", "number"),
        ("jobs = -1", "number"),
        ("cache = 1", "true or false"),
        ("ignore = 'build'", "list of strings"),
        ("only = [1]", "list of strings"),
    ],
)
def test_a_setting_of_the_wrong_type(project: Path, line: str, mention: str) -> None:
    write(project, {"pyproject.toml": f"[project]\nname = 'p'\n\n[tool.asyncshift]\n{line}\n"})
    refused(project, "diff", ".", mentions=("pyproject.toml:5:", line.partition(" ")[0], mention))


def test_settings_that_are_no_toml(project: Path) -> None:
    write(project, {"pyproject.toml": "[tool.asyncshift\n"})
    refused(project, "diff", ".", mentions=("pyproject.toml:1:", "TOML"))


@pytest.mark.parametrize(
    ("table", "mentions"),
    [
        ("[functoins.'lib.f']\n", ("functoins", "`functions`")),
        ("[functions.'lib.f']\nretruns = 'x'\n", ("lib.f", "retruns", "`returns`")),
        ("[functions.'lib.f']\nreturns = 1\n", ("lib.f", "returns", "string")),
        ("[classes.'lib.C']\nawaited = 'get'\n", ("lib.C", "awaited", "list")),
        ("[classes.'lib.C']\ntruth = 'no'\n", ("lib.C", "truth", "true or false")),
        ("[blocking]\nfunction = ['lib.g']\n", ("blocking", "`functions`")),
        ("[exceptions.'lib.E']\nbases = []\n", ("lib.E", "`to`")),
        ("functions = [\n", ("TOML",)),
    ],
)
def test_a_table_with_a_mistake(project: Path, table: str, mentions: tuple[str, ...]) -> None:
    write(project, {"mine.toml": table})
    refused(project, "diff", ".", "--table", "mine.toml", mentions=("mine.toml", *mentions))


def test_a_table_that_does_not_exist(project: Path) -> None:
    refused(project, "diff", ".", "--table", "none.toml", mentions=("none.toml", "does not exist"))


def test_an_unknown_codemod(project: Path) -> None:
    refused(project, "diff", ".", "--only", "time_slep", mentions=("time_slep", "time_sleep"))


def test_an_option_that_does_not_exist(project: Path) -> None:
    before = snapshot(project)
    told = asyncshift("diff", "--ony", "x", cwd=project)
    assert told.status == 2
    assert "--ony" in told.errors
    assert "Traceback" not in told.errors
    assert snapshot(project) == before


# ----------------------------------------------------------------------------- stored plans


@pytest.fixture
def plan(project: Path, tmp_path: Path) -> Path:
    path = tmp_path / "stored.plan"
    assert asyncshift("diff", ".", "--out", path, cwd=project).status == 0
    return path


def test_a_plan_whose_file_has_changed(project: Path, plan: Path) -> None:
    write(project, {"app.py": SLEEPS + "\n\nX = 1\n"})
    refused(project, "apply", plan, mentions=("app.py", "changed since"))


def test_a_plan_whose_file_is_gone(project: Path, plan: Path) -> None:
    (project / "app.py").unlink()
    refused(project, "apply", plan, mentions=("app.py", "gone"))


def test_one_changed_file_among_many_stops_all(project: Path, tmp_path: Path) -> None:
    write(project, {"other.py": SLEEPS})
    assert asyncshift("diff", ".", "--out", tmp_path / "p", cwd=project).status == 0
    write(project, {"other.py": SLEEPS + "\n"})
    refused(project, "apply", tmp_path / "p", mentions=("other.py", "changed since"))


def test_a_plan_that_was_edited(project: Path, plan: Path) -> None:
    content = json.loads(plan.read_text())
    content["asyncshift_plan"]["files"][0]["new"] = "import os\n"
    plan.write_text(json.dumps(content))
    refused(project, "apply", plan, mentions=("stored.plan", "damaged"))


def test_a_plan_that_is_none(project: Path, tmp_path: Path) -> None:
    write(tmp_path, {"stored.plan": "shopping list"})
    refused(project, "apply", tmp_path / "stored.plan", mentions=("stored.plan", "damaged"))


def test_a_plan_that_cannot_be_stored(project: Path) -> None:
    refused(project, "diff", ".", "--out", "no/such/folder/plan", mentions=("plan",))


# ----------------------------------------------------------------------------- writing


def test_a_read_only_target(project: Path) -> None:
    write(project, {"other.py": SLEEPS})
    (project / "app.py").chmod(0o444)
    before = snapshot(project)
    told = asyncshift("apply", "--yes", ".", cwd=project)
    assert told.status == 2
    assert len(told.complaints) == 1
    assert "app.py" in told.complaints[0]
    assert "read-only" in told.complaints[0]
    assert snapshot(project) == before


def test_apply_without_a_terminal_needs_a_word(project: Path) -> None:
    refused(project, "apply", ".", mentions=("--yes",))


# ----------------------------------------------------------------------------- what goes on


def test_one_unparsable_file_among_many_is_a_warning(project: Path) -> None:
    write(project, {"bad.py": BROKEN, "more.py": SLEEPS.replace("nap", "rest")})
    told = asyncshift("apply", "--yes", ".", cwd=project)
    assert told.status == 0, told.errors
    assert "bad.py:4" in told.errors
    assert (project / "bad.py").read_text() == BROKEN
    assert "async def rest()" in (project / "more.py").read_text()


def test_what_an_unparsable_file_mentions_is_not_turned_in_place(project: Path) -> None:
    write(project, {"bad.py": BROKEN})
    told = asyncshift("apply", "--yes", ".", cwd=project)
    assert told.status == 0, told.errors
    source = (project / "app.py").read_text()
    assert "async def nap()" not in source
    assert "\ndef nap()" in source


def test_modules_that_share_a_name_are_kept_apart(project: Path) -> None:
    write(project, {"one/util.py": SLEEPS, "two/util.py": "def nap():\n    return 1\n"})
    told = asyncshift("apply", "--yes", ".", cwd=project)
    assert told.status == 0, told.errors
    assert "async def nap()" in (project / "one" / "util.py").read_text()
    assert (project / "two" / "util.py").read_text() == "def nap():\n    return 1\n"


def test_a_script_means_the_module_beside_it(project: Path) -> None:
    script = "from util import nap\n\nnap()\n"
    write(project, {"one/util.py": SLEEPS, "one/run.py": script})
    write(project, {"two/util.py": "def nap():\n    return 1\n", "two/run.py": script})
    told = asyncshift("apply", "--yes", ".", cwd=project)
    assert told.status == 0, told.errors
    assert (project / "two" / "run.py").read_text() == script


def test_a_shared_name_that_somebody_imports_is_an_error(project: Path) -> None:
    write(project, {"one/util.py": SLEEPS, "two/util.py": SLEEPS})
    write(project, {"scripts/run.py": "import util\n\nutil.nap()\n"})
    refused(
        project,
        "apply",
        "--yes",
        ".",
        mentions=("scripts/run.py", "util", "one/util.py", "two/util.py"),
    )
