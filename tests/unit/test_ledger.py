"""The ledger: read strictly, written stably, merged by git, kept by files that move."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asyncshift.apply import apply_files, undo
from asyncshift.discover import source_file
from asyncshift.errors import InputError
from asyncshift.ledger import (
    FunctionRecord,
    Ledger,
    ModuleRecord,
    Refused,
    adopt,
    is_ledger,
    ledger_changes,
    read_ledger,
    to_text,
)
from asyncshift.model import FileChange, Message, Project
from asyncshift.planfile import digest, planned

API = b"def fetch(url):\n    return url\n\n\nclass Client:\n    def get(self):\n        pass\n"
RECORD = ModuleRecord(
    module="pkg.api",
    path="pkg/api.py",
    sha256=digest(API),
    functions={
        "fetch": FunctionRecord("facade", "calls requests.get"),
        "Client.get": FunctionRecord("async", "awaits fetch"),
    },
    refused=(
        Refused("Client.get", "self.session.get", 1, "no-twin", "there is none"),
        Refused("Client.get", "self.session.get", 0, "no-twin", "there is none"),
    ),
    declined=("slow", "Client.put"),
)
SLICE = ModuleRecord("other", "other.py", "0" * 64, scope=("main", "helper"))
FOLDER = ".asyncshift/ledger"


def write(root: Path, *records: ModuleRecord) -> None:
    apply_files(root, planned(ledger_changes(root, records)), "step")


def project(root: Path, **files: bytes) -> Project:
    for name, data in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    found = [
        source_file(f"{name.replace('__', '/')}.py", name.replace("__", "."), data)
        for name, data in files.items()
    ]
    return Project(str(root), tuple(found))


# ----------------------------------------------------------------------------- there and back


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path, RECORD, SLICE)
    read = read_ledger(tmp_path).records
    assert read["pkg/api.py"] == replace(
        RECORD, refused=tuple(sorted(RECORD.refused)), declined=("Client.put", "slow")
    )
    assert read["other.py"] == replace(SLICE, scope=("helper", "main"))
    assert sorted(p.name for p in (tmp_path / FOLDER).iterdir()) == ["other.json", "pkg.api.json"]


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert read_ledger(tmp_path) == Ledger({})
    assert ledger_changes(tmp_path, []) == ()


def test_what_stays_is_not_written_again_and_what_goes_is_removed(tmp_path: Path) -> None:
    write(tmp_path, RECORD, SLICE)
    assert ledger_changes(tmp_path, [SLICE, RECORD]) == ()
    (gone,) = ledger_changes(tmp_path, [RECORD])
    assert (gone.path, gone.new) == (f"{FOLDER}/other.json", None)
    assert gone.old == to_text(SLICE)


def test_a_step_takes_its_records_back(tmp_path: Path) -> None:
    write(tmp_path, RECORD)
    write(tmp_path, replace(RECORD, functions={}), SLICE)
    undo(tmp_path)
    assert list(read_ledger(tmp_path).records) == ["pkg/api.py"]
    assert "fetch" in read_ledger(tmp_path).records["pkg/api.py"].functions
    undo(tmp_path)
    assert not (tmp_path / FOLDER).exists()


def test_the_order_of_what_is_told_does_not_matter() -> None:
    turned = replace(
        RECORD,
        functions=dict(reversed(RECORD.functions.items())),
        refused=RECORD.refused[::-1],
        declined=RECORD.declined[::-1],
    )
    assert to_text(turned) == to_text(RECORD)


@pytest.mark.parametrize(
    "name", ["my script", "new\nline", "caf\udce9", "été", ".hidden", "deep." * 80 + "er"]
)
def test_every_module_gets_a_file(tmp_path: Path, name: str) -> None:
    record = replace(RECORD, module=name, path=f"{name[:80]}.py")
    write(tmp_path, record)
    assert read_ledger(tmp_path).records[record.path].module == name
    assert ledger_changes(tmp_path, read_ledger(tmp_path).records.values()) == ()


def test_scripts_of_one_name_have_a_file_each(tmp_path: Path) -> None:
    one, two = (replace(SLICE, module="run", path=f"{name}/run.py") for name in ("a", "b"))
    write(tmp_path, two)
    write(tmp_path, one, two)
    assert len(list((tmp_path / FOLDER).iterdir())) == 2
    assert set(read_ledger(tmp_path).records) == {"a/run.py", "b/run.py"}
    write(tmp_path, one)
    assert set(read_ledger(tmp_path).records) == {"a/run.py"}


def test_what_it_means_for_the_next_step() -> None:
    choice = Ledger({r.path: r for r in (RECORD, SLICE)}).choice()
    assert choice.migrated == {"pkg.api", "other:main", "other:helper"}
    assert choice.declined == {"pkg.api:slow", "pkg.api:Client.put"}


@pytest.mark.parametrize(
    ("path", "own"),
    [(f"{FOLDER}/pkg.json", True), ("pkg/api.py", False), (".asyncshift_ledger/x.py", False)],
)
def test_what_belongs_to_the_ledger(path: str, own: bool) -> None:
    assert is_ledger(path) is own


# ----------------------------------------------------------------------------- nonsense


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    content = json.loads(to_text(RECORD))
    change(content)
    return json.dumps(content).encode()


def put(key: str, value: object) -> bytes:
    return edited(lambda content: content.update({key: value}))


MERGED = to_text(RECORD).replace(
    b' "scope"', b"<<<<<<< ours\n \"scope\"", 1
)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is not JSON"),
        (b"shopping list", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "it has no `format`"),
        (b"{}", "it has no `format`"),
        (put("format", "1"), "it has no `format`"),
        (put("format", 7), "has format 7, and this version of asyncshift knows 1"),
        (edited(lambda content: content.pop("scope")), "lacks `scope`"),
        (put("colour", "blue"), "has an unknown part `colour`"),
        (put("module", 3), "`module` must be a text"),
        (put("module", "pkg.other"), "'pkg.other', which does not fit its name"),
        (put("module", "../../pkg.api"), "does not fit its name"),
        (put("path", "../pkg/api.py"), "`path` must be a path inside the project"),
        (put("path", "/etc/passwd"), "`path` must be a path inside the project"),
        (put("path", "pkg/../../api.py"), "`path` must be a path inside the project"),
        (put("path", ".git/config"), "`path` must be a path inside the project"),
        (put("path", ["pkg"]), "`path` must be a path inside the project"),
        (put("sha256", None), "`sha256` must be a text"),
        (put("scope", "everything"), "`scope` must be `module` or a list of functions"),
        (put("scope", [1]), "`scope` must be `module` or a list of functions"),
        (put("functions", ["fetch"]), "`functions` must be a table of functions"),
        (put("functions", {"fetch": "async"}), "`functions` must be a table of functions"),
        (put("functions", {"f": {"state": "tuned", "cause": ""}}), "`functions` must be a table"),
        (put("refused", {}), "`refused` must be a list of places"),
        (put("refused", [{"function": "f"}]), "`refused` must be a list of places"),
        (put("declined", "fetch"), "`declined` must be a list of functions"),
        (MERGED, "holds the conflict markers of a merge"),
    ],
)
def test_nonsense_is_told_with_its_file_and_a_way_out(
    tmp_path: Path, data: bytes, told: str
) -> None:
    write(tmp_path, RECORD)
    (tmp_path / FOLDER / "pkg.api.json").write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_ledger(tmp_path)
    assert caught.value.path == f"{FOLDER}/pkg.api.json"
    assert told in caught.value.message
    assert caught.value.hint


def test_two_records_of_one_file(tmp_path: Path) -> None:
    write(tmp_path, RECORD)
    (tmp_path / FOLDER / "api.json").write_bytes(put("module", "api"))
    with pytest.raises(InputError, match=r"is about pkg/api\.py, as api\.json is"):
        read_ledger(tmp_path)


def test_other_files_are_nobodys_business(tmp_path: Path) -> None:
    write(tmp_path, RECORD)
    (tmp_path / FOLDER / "pkg.api.json.orig").write_text("<<<<<<< ours\n")
    (tmp_path / FOLDER / "README").write_text("ours\n")
    assert list(read_ledger(tmp_path).records) == ["pkg/api.py"]


@pytest.mark.parametrize("link", [".asyncshift", ".asyncshift/ledger"])
def test_a_ledger_behind_a_link(tmp_path: Path, link: str) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside"
    (outside / "ledger").mkdir(parents=True)
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside)
    with pytest.raises(InputError, match="is no folder of this tree"):
        read_ledger(root)
    with pytest.raises(InputError, match=r"leaves the tree|is no folder of this tree"):
        apply_files(root, planned([FileChange(f"{FOLDER}/x.json", None, b"{}")]), "step")
    assert list(outside.rglob("*")) == [outside / "ledger"]


def test_a_record_behind_a_link(tmp_path: Path) -> None:
    write(tmp_path, RECORD)
    (tmp_path / FOLDER / "x.json").symlink_to("pkg.api.json")
    with pytest.raises(InputError, match="is no file of a ledger"):
        read_ledger(tmp_path)


# ----------------------------------------------------------------------------- files that move


def adopted(root: Path, record: ModuleRecord, **files: bytes) -> tuple[Ledger, list[Message]]:
    found, messages = adopt(Ledger({record.path: record}), project(root, **files))
    return found, list(messages)


def test_a_file_that_stays(tmp_path: Path) -> None:
    assert adopted(tmp_path, RECORD, pkg__api=b"x = 1\n") == (Ledger({RECORD.path: RECORD}), [])


def test_a_renamed_file_is_known_by_its_text(tmp_path: Path) -> None:
    found, (message,) = adopted(tmp_path, RECORD, pkg__web=API, pkg__copy=b"def fetch(): ...\n")
    assert found.records == {"pkg/web.py": replace(RECORD, module="pkg.web", path="pkg/web.py")}
    assert (message.path, message.rule) == ("pkg/web.py", "ledger-moved")


def test_a_renamed_and_edited_file_is_known_by_its_functions(tmp_path: Path) -> None:
    edited = API.replace(b"def fetch", b"async def fetch") + b"\nX = 1\n"
    found, _ = adopted(tmp_path, RECORD, pkg__web=edited, pkg__copy=b"def other(): ...\n")
    assert list(found.records) == ["pkg/web.py"]


@pytest.mark.parametrize(
    "files",
    [
        {"pkg__web": b"def other():\n    pass\n"},
        {"pkg__one": API + b"# 1\n", "pkg__two": API + b"# 2\n"},
        {"pkg__web": b"def fetch():\n    pass\n"},
    ],
    ids=["nothing alike", "two alike", "half of the functions"],
)
def test_what_is_gone_is_told(tmp_path: Path, files: dict[str, bytes]) -> None:
    found, (message,) = adopted(tmp_path, RECORD, **files)
    assert found.records == {}
    assert (message.path, message.rule) == ("pkg/api.py", "ledger-gone")


def test_a_file_that_is_not_read_now_is_not_gone(tmp_path: Path) -> None:
    project(tmp_path, pkg__api=b"def broken(:\n")
    found, messages = adopt(Ledger({RECORD.path: RECORD}), Project(str(tmp_path), ()))
    assert list(found.records) == ["pkg/api.py"]
    assert messages == ()


def test_a_folder_that_becomes_a_package_renames_its_modules(tmp_path: Path) -> None:
    read = project(tmp_path, pkg__api=API)
    moved = replace(read, files=tuple(replace(f, module=f"src.{f.module}") for f in read.files))
    found, _ = adopt(Ledger({RECORD.path: RECORD}), moved)
    assert found.records["pkg/api.py"].module == "src.pkg.api"


# ----------------------------------------------------------------------------- branches


def git(root: Path, *arguments: str) -> None:
    own = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *own, *arguments], cwd=root, check=True, capture_output=True)


def test_branches_that_migrate_different_modules_merge(tmp_path: Path) -> None:
    third = replace(SLICE, module="third", path="third.py")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, third)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    for branch, record in (("one", RECORD), ("two", SLICE)):
        git(tmp_path, "switch", "--quiet", "--create", branch, "main")
        write(tmp_path, third, record)
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "--quiet", "--message", branch)
    git(tmp_path, "merge", "--quiet", "one")
    assert sorted(read_ledger(tmp_path).records) == ["other.py", "pkg/api.py", "third.py"]
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert set(tracked.split()) == {
        f"{FOLDER}/{name}.json" for name in ("other", "pkg.api", "third")
    }
