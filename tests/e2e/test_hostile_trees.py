"""Trees that nobody would make by hand: clear behaviour, and nothing is written outside of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from asyncshift.cli import run

SLEEPS = "import time\n\n\ndef nap():\n    time.sleep(1)\n"
READING = ("scan", "graph", "check", "status", "diff")
WRITING = ("apply", "--yes", ".")


@dataclass(frozen=True)
class Told:
    """What a command answered."""

    status: int
    output: bytes
    errors: str


@dataclass(frozen=True)
class Place:
    """A project, and all around it that must not change."""

    root: Path
    capture: pytest.CaptureFixture[bytes]

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def git(self, *arguments: str, inside: str = ".", data: bytes | None = None) -> str:
        own = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        own += ["-c", "protocol.file.allow=always"]
        command = ["git", *own, *arguments]
        folder = self.root / inside
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, input=data)
        return done.stdout.decode("utf-8", "surrogateescape")

    def commit(self, inside: str = ".") -> None:
        self.git("add", "--all", inside=inside)
        self.git("commit", "--quiet", "--message", "more", inside=inside)

    def run(self, *arguments: str) -> Told:
        self.capture.readouterr()
        status = run([*arguments, "--no-cache"] if arguments[0] != "undo" else arguments)
        output, errors = self.capture.readouterr()
        assert b"Traceback" not in errors, errors
        assert status in (0, 1, 2), errors
        return Told(status, output, errors.decode("utf-8", "backslashreplace"))

    def refused(self, *arguments: str, mentions: tuple[str, ...]) -> None:
        """Status 2, one complaint, and everything is as it was."""
        before = snapshot(self.root)
        told = self.run(*arguments)
        assert told.status == 2, told.errors
        assert told.errors.count("error:") == 1
        for mention in mentions:
            assert mention in told.errors
        assert snapshot(self.root) == before

    def nap_is(self, kind: str, name: str = "app.py") -> bool:
        return f"\n{kind} nap(" in (self.root / name).read_text()


def snapshot(folder: Path) -> dict[str, object]:
    """Every path below a folder with bytes or target, and mode; git's own files aside."""
    return {
        str(path): (
            os.readlink(path)
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else "folder",
            path.lstat().st_mode,
        )
        for path in sorted(folder.rglob("*"))
        if ".git" not in path.relative_to(folder).parts
    }


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "code.py").write_text(SLEEPS)
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def place(
    tmp_path: Path,
    outside: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Iterator[Place]:
    """A small project; whatever a test does to it, nothing around it may change."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    found = Place(tmp_path / "project", capsysbinary)
    found.write({"pyproject.toml": "[project]\nname = 'p'\n", "app.py": SLEEPS})
    monkeypatch.chdir(found.root)
    before = snapshot(outside)
    yield found
    assert snapshot(outside) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"project", "outside", "library"}


# ----------------------------------------------------------------------------- links


@pytest.mark.parametrize("target", ["empty", "code.py", "nowhere"])
def test_the_folder_of_the_journal_is_a_link(place: Place, outside: Path, target: str) -> None:
    (place.root / ".asyncshift").symlink_to(outside / target)
    for command in (WRITING, ("diff",), ("status",), ("undo",)):
        place.refused(*command, mentions=(".asyncshift", "no folder of this tree", "Move it away"))


@pytest.mark.parametrize("name", ["journal", "ledger"])
def test_a_folder_below_it_is_a_link(place: Place, outside: Path, name: str) -> None:
    (place.root / ".asyncshift").mkdir()
    (place.root / ".asyncshift" / name).symlink_to(outside / "empty")
    place.refused(*WRITING, mentions=(f".asyncshift/{name}", "no folder of this tree"))


@pytest.mark.parametrize("name", [".app.py.asyncshift-tmp", ".asyncshift/.gitignore"])
def test_nothing_is_written_through_a_link(place: Place, outside: Path, name: str) -> None:
    (place.root / ".asyncshift").mkdir()
    (place.root / name).symlink_to(outside / "code.py")
    assert place.run(*WRITING).status == 0
    assert place.nap_is("async def")
    assert not (place.root / ".app.py.asyncshift-tmp").exists()


def test_the_lock_is_a_link(place: Place, outside: Path) -> None:
    (place.root / ".asyncshift").mkdir()
    (place.root / ".asyncshift" / "lock").symlink_to(outside / "new")
    place.refused(*WRITING, mentions=(".asyncshift/lock", "cannot be written"))


def test_a_link_where_the_generated_module_would_be(place: Place, outside: Path) -> None:
    place.write(
        {"app.py": SLEEPS, "test_app.py": "from app import nap\n\n\ndef test():\n    nap()\n"}
    )
    told = place.run("diff")
    assert b"b/_run_sync.py" in told.output
    (place.root / "_run_sync.py").symlink_to(outside / "new.py")
    place.refused(*WRITING, mentions=("_run_sync.py", "leaves the tree"))


def test_a_link_elsewhere_in_the_tree_is_left_alone(place: Place, outside: Path) -> None:
    place.write({"pkg/__init__.py": "", "pkg/mod.py": SLEEPS})
    (place.root / "linked").symlink_to(outside)
    assert place.run("apply", "--yes", "pkg").status == 0
    assert place.nap_is("async def", "pkg/mod.py")
    assert (place.root / "linked").is_symlink()


def test_a_folder_becomes_a_link_before_it_is_undone(place: Place, outside: Path) -> None:
    place.write({"pkg/__init__.py": "", "pkg/code.py": SLEEPS})
    assert place.run(*WRITING).status == 0
    new = (place.root / "pkg/code.py").read_bytes()
    (outside / "code.py").write_bytes(new)
    (place.root / "pkg").rename(place.root / "was")
    (place.root / "pkg").symlink_to(outside)
    place.refused("undo", mentions=("edited since", "pkg/code.py"))
    (outside / "code.py").write_text(SLEEPS)


# ----------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("setting", "mention"),
    [
        ("facade_name = '../{name}'", "`facade_name` must be an identifier"),
        ("modules = ['../outside']", "there is no module ../outside"),
        ("entries = ['../outside/code.py:nap']", "there is no function ../outside"),
        ("tables = ['../outside/code.py']", "not valid TOML"),
        ("tables = ['../nowhere.toml']", "does not exist"),
    ],
)
def test_upwards_in_the_settings(place: Place, setting: str, mention: str) -> None:
    place.write({"pyproject.toml": f"[project]\nname = 'p'\n[tool.asyncshift]\n{setting}\n"})
    place.refused(*WRITING, mentions=(mention,))


@pytest.mark.parametrize("setting", ["ignore = ['../outside', '..']", "python = '../outside'"])
def test_upwards_where_it_is_only_read(place: Place, setting: str) -> None:
    place.write({"pyproject.toml": f"[project]\nname = 'p'\n[tool.asyncshift]\n{setting}\n"})
    told = place.run(*WRITING)
    assert told.status == 2 or place.nap_is("async def"), told.errors


def test_a_path_that_goes_up_and_comes_back(place: Place) -> None:
    assert place.run("apply", "--yes", "../project/../project/app.py").status == 0
    assert place.nap_is("async def")


# ----------------------------------------------------------------------------- ledger, journal


@pytest.mark.parametrize(
    ("content", "mention"),
    [
        ("shopping list", "is not JSON"),
        ("[]", "no `format`"),
        ("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> two\n", "conflict markers of a merge"),
        ('{"format": 99}', "has format 99"),
        ('{"format": 1, "path": "../outside/code.py"}', "lacks"),
    ],
)
@pytest.mark.parametrize("command", [("diff",), ("status",), WRITING])
def test_a_ledger_edited_into_nonsense(
    place: Place, content: str, mention: str, command: tuple[str, ...]
) -> None:
    place.write({".asyncshift/ledger/app.json": content})
    place.refused(*command, mentions=(".asyncshift/ledger/app.json", mention))


@pytest.mark.parametrize("path", ["../outside/code.py", "/etc/passwd", ".git/hooks/pre-commit"])
def test_a_ledger_that_points_outside(place: Place, path: str) -> None:
    place.run(*WRITING)
    name = ".asyncshift/ledger/app.json"
    record = json.loads((place.root / name).read_text())
    place.write({name: json.dumps({**record, "path": path})})
    place.refused("diff", mentions=(name, "`path` must be a path inside the project"))


def test_escapes_in_a_ledger_do_not_reach_the_terminal(place: Place) -> None:
    place.run(*WRITING)
    name = ".asyncshift/ledger/app.json"
    record = json.loads((place.root / name).read_text())
    place.write({name: json.dumps({**record, "declined": ["\x1b]0;mine\x07\x1b[2J"]})})
    told = place.run("status")
    assert b"\\x1b]0;mine" in told.output
    assert b"\x1b" not in told.output


@pytest.mark.parametrize(
    "path", ["../outside/new.py", "/etc/new", ".git/hooks/pre-commit", "a/../../outside/new.py"]
)
@pytest.mark.parametrize("state", ["prepared", "undoing", "committed"])
def test_a_journal_from_elsewhere(place: Place, path: str, state: str) -> None:
    """A repository may hold one, and the next command would put "back" what it says."""
    place.git("init", "--quiet")
    digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    entry = {
        "number": 1,
        "state": state,
        "command": "apply",
        "files": [{"path": path, "old_digest": digest, "new_digest": None, "mode": 0o755}],
        "folders": [],
    }
    journal = ".asyncshift/journal/0001"
    place.write({f"{journal}/entry.json": json.dumps(entry), f"{journal}/old/0": "foo"})
    place.refused("undo", mentions=("entry.json", "is damaged"))
    if state != "committed":
        place.refused("diff", mentions=("entry.json", "is damaged"))
    assert not (place.root / ".git" / "hooks" / "pre-commit").exists()


# ----------------------------------------------------------------------------- names

NAMES = [
    "with space.py",
    "new\nline.py",
    "caf\udce9.py",
    "été.py",
    'quo"te.py',
    "-dash.py",
    "a[1].py",
]


@pytest.fixture
def named(place: Place) -> Place:
    try:
        place.write(dict.fromkeys(NAMES, SLEEPS))
    except OSError:
        pytest.skip("this file system takes no such names")
    place.git("init", "--quiet", "--initial-branch=main")
    place.commit()
    return place


@pytest.mark.parametrize("command", READING)
def test_every_name_can_be_told(named: Place, command: str) -> None:
    before = snapshot(named.root)
    assert named.run(command).status == 0
    told = named.run(command, "--format", "json")
    assert told.status == 0
    json.loads(told.output)
    assert snapshot(named.root) == before


def test_every_name_is_written_and_comes_back(named: Place) -> None:
    before = snapshot(named.root)
    told = named.run("diff")
    assert named.run(*WRITING).status == 0
    after = {name: (named.root / name).read_bytes() for name in NAMES}
    assert all(b"async def nap" in data for data in after.values())
    assert named.run("diff", "--exit-code").status == 0
    assert named.run("undo").status == 0
    left = snapshot(named.root)
    assert {p: v for p, v in left.items() if ".asyncshift" not in p} == before
    named.git("apply", "--whitespace=nowarn", "-", data=told.output)
    assert {name: (named.root / name).read_bytes() for name in NAMES} == after


def test_a_stored_plan_with_every_name(named: Place) -> None:
    assert named.run("diff", "--out", "plan.json").status == 0
    assert named.run("apply", "plan.json").status == 0
    assert all(b"async def nap" in (named.root / name).read_bytes() for name in NAMES)


def test_every_name_that_is_dirty_is_told_on_its_own(named: Place) -> None:
    for name in NAMES:
        named.write({name: SLEEPS + "\nX = 1\n"})
    named.refused(*WRITING, mentions=("with space.py", "--allow-dirty", "Commit or stash"))
    assert named.run(*WRITING, "--allow-dirty").status == 0


# ----------------------------------------------------------------------------- repositories


def test_a_dirty_file_is_refused_and_a_clean_one_is_written(place: Place) -> None:
    place.write({"other.py": SLEEPS})
    place.git("init", "--quiet")
    place.commit()
    place.write({"app.py": SLEEPS + "\nX = 1\n"})
    place.refused(*WRITING, mentions=("not committed", "app.py", "Commit or stash"))
    assert place.run("apply", "--yes", "other.py").status == 0
    place.commit()
    assert place.run(*WRITING).status == 0


def test_steps_need_no_commits_between_them(place: Place) -> None:
    place.write({"other.py": "from app import nap\n\n\ndef rest():\n    nap()\n"})
    place.git("init", "--quiet")
    place.commit()
    assert place.run("apply", "--yes", "--module", "app", ".").status == 0
    told = place.run("apply", "--yes", "--module", "other", ".")
    assert told.status == 0, told.errors
    assert "await nap" in (place.root / "other.py").read_text()
    place.write({".asyncshift/ledger/app.json": (place.root / "app.py").read_text()})
    place.refused("diff", mentions=(".asyncshift/ledger/app.json", "is not JSON"))


def test_a_repository_without_commits(place: Place) -> None:
    place.git("init", "--quiet")
    place.git("add", "app.py")
    assert place.run(*WRITING).status == 0


def test_no_git_at_all(place: Place, monkeypatch: pytest.MonkeyPatch, outside: Path) -> None:
    place.git("init", "--quiet")
    place.commit()
    place.write({"app.py": SLEEPS + "\nX = 1\n"})
    monkeypatch.setenv("PATH", str(outside))
    assert place.run(*WRITING).status == 0
    assert place.nap_is("async def")


def test_git_cannot_answer(place: Place) -> None:
    place.write({".git": "gitdir: /nowhere/at/all\n"})
    place.refused(*WRITING, mentions=("git cannot tell", "--allow-dirty"))
    assert place.run(*WRITING, "--allow-dirty").status == 0


def test_a_submodule_is_asked_itself(place: Place, tmp_path: Path) -> None:
    library = Place(tmp_path / "library", place.capture)
    library.write({"lib.py": SLEEPS})
    library.git("init", "--quiet")
    library.commit()
    place.git("init", "--quiet")
    place.git("submodule", "--quiet", "add", str(tmp_path / "library"), "vendor")
    place.commit()
    place.write({"vendor/lib.py": SLEEPS + "\nX = 1\n"})
    place.refused(*WRITING, mentions=("not committed", "vendor/lib.py"))
    place.commit("vendor")
    assert place.run(*WRITING).status == 0
    assert place.nap_is("async def", "vendor/lib.py")


def test_branches_with_a_module_each_merge(place: Place) -> None:
    """Each migrates one module; the ledger merges, and the next step dissolves both facades."""
    place.write(
        {
            "pkg/__init__.py": "",
            "pkg/one.py": SLEEPS,
            "pkg/two.py": SLEEPS.replace("nap", "rest"),
            "pkg/app.py": (
                "from pkg.one import nap\nfrom pkg.two import rest\n\n\n"
                "def main():\n    nap()\n    rest()\n"
            ),
        }
    )
    (place.root / "app.py").unlink()
    place.git("init", "--quiet", "--initial-branch=main")
    place.commit()
    for name in ("one", "two"):
        place.git("switch", "--quiet", "--create", name, "main")
        assert place.run("apply", "--yes", "--module", f"pkg.{name}", ".").status == 0
        place.commit()
    place.git("merge", "--quiet", "--no-edit", "one")
    assert place.run("check").status == 0
    ledger = place.root / ".asyncshift" / "ledger"
    assert sorted(path.name for path in ledger.iterdir()) == ["pkg.one.json", "pkg.two.json"]
    told = place.run("apply", "--yes", "--module", "pkg*", ".")
    assert told.status == 0, told.errors
    assert "await nap()\n    await rest()" in (place.root / "pkg/app.py").read_text()
    assert "run_sync" not in (place.root / "pkg/one.py").read_text()
    assert "run_sync" not in (place.root / "pkg/two.py").read_text()
    assert not (place.root / "pkg/_run_sync.py").exists()
    assert place.run("check").status == 0


def test_a_file_is_renamed_reformatted_and_edited_between_steps(place: Place) -> None:
    """The ledger follows: the next step still dissolves the facade in it."""
    place.write(
        {
            "pkg/__init__.py": "",
            "pkg/one.py": SLEEPS,
            "pkg/app.py": "from pkg.one import nap\n\n\ndef main():\n    nap()\n",
        }
    )
    (place.root / "app.py").unlink()
    place.git("init", "--quiet")
    place.commit()
    assert place.run("apply", "--yes", "--module", "pkg.one", ".").status == 0
    place.commit()
    text = (place.root / "pkg/one.py").read_text()
    place.git("mv", "pkg/one.py", "pkg/uno.py")
    moved = text.replace("(1)", "(\n        1\n    )") + "\n\nX = 1\n"
    caller = (place.root / "pkg/app.py").read_text().replace("pkg.one", "pkg.uno")
    place.write({"pkg/uno.py": moved, "pkg/app.py": caller})
    assert b"pkg/uno.py: was pkg/one.py" in place.run("status").output
    place.commit()
    told = place.run("apply", "--yes", "--module", "pkg.app", "--module", "pkg", ".")
    assert told.status == 0, told.errors
    new = (place.root / "pkg/uno.py").read_text()
    assert "async def nap():\n    await asyncio.sleep(\n        1\n    )" in new
    assert "run_sync" not in new
    names = {path.name for path in (place.root / ".asyncshift/ledger").iterdir()}
    assert names == {"pkg.uno.json", "pkg.app.json"}
    assert b"Changed" not in place.run("status").output
