"""The diff: what `git apply` makes of it is the oracle, for every kind of bytes."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncshift.diff import by_change_set, changed_ranges, line_counts, split_lines, unified
from asyncshift.model import FileChange, Hunk

LINE = st.tuples(
    st.sampled_from(
        [b"x = 1", b"y = 2", b"", b"\ttab", b"\xe9 = '\xff'", b"\x0c", b"a\rb", b"-- x"]
    ),
    st.sampled_from([b"\n", b"\r\n", b"\n"]),
).map(b"".join)
CONTENT = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(LINE, max_size=30).map(b"".join),
    st.sampled_from([b"", b"end", b"end\r"]),
).map(b"".join)


def git_apply(folder: Path, diff: bytes) -> None:
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=diff, check=True,
        capture_output=True,
    )  # fmt: skip


def applied(change: FileChange) -> bytes:
    """What git makes of the old bytes and the diff."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, change.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if change.old is not None:
            path.write_bytes(change.old)
        git_apply(Path(name), unified([change]))
        return path.read_bytes()


@settings(max_examples=120, deadline=None)
@given(old=CONTENT, new=CONTENT)
def test_git_apply_gives_the_new_bytes(old: bytes, new: bytes) -> None:
    change = FileChange("pkg/m.py", old, new)
    if old == new:
        assert unified([change]) == b""
    else:
        assert applied(change) == new


@settings(max_examples=60, deadline=None)
@given(data=st.data(), old=CONTENT)
def test_known_edits_give_the_same_result(data: st.DataObject, old: bytes) -> None:
    lines = split_lines(old)
    start = data.draw(st.integers(0, len(lines)))
    end = data.draw(st.integers(start, len(lines)))
    added = data.draw(st.lists(LINE, max_size=3)) if end < len(lines) or old[-1:] == b"\n" else []
    new = b"".join([*lines[:start], *added, *lines[end:]])
    hunk = Hunk(start + 1, end + 1, tuple(line.decode("latin-1") for line in added))
    with_hunks = FileChange("m.py", old, new, hunks=(hunk,))
    assert unified([with_hunks]) == b"" if old == new else applied(with_hunks) == new


def test_a_small_edit_reads_as_git_writes_it() -> None:
    old = b"".join(b"line %d\n" % n for n in range(1, 11))
    change = FileChange("m.py", old, old.replace(b"line 5", b"five"))
    assert unified([change]) == (
        b"diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -2,7 +2,7 @@\n"
        b" line 2\n line 3\n line 4\n-line 5\n+five\n line 6\n line 7\n line 8\n"
    )


def test_edits_far_apart_get_a_hunk_each_and_near_ones_share() -> None:
    old = b"".join(b"line %d\n" % n for n in range(1, 31))
    far = old.replace(b"line 5\n", b"five\n").replace(b"line 25\n", b"x\n")
    near = old.replace(b"line 5\n", b"five\n").replace(b"line 11\n", b"x\n")
    assert unified([FileChange("m.py", old, far)]).count(b"@@ -") == 2
    assert unified([FileChange("m.py", old, near)]).count(b"@@ -") == 1


def test_a_heading_stays_on_its_line() -> None:
    """The module of a file whose name holds the end of a line."""
    change = FileChange("m.py", b"a\n", b"b\n", headings=((1, 1, "[1] new\nline:f"),))
    assert b"@@ -1 +1 @@ [1] new line:f\n" in unified([change])
    assert applied(change) == b"b\n"


def test_a_wide_hunk_shows_only_the_lines_that_differ() -> None:
    old, new = b"a\nb\nc\nd\n", b"a\nb\nC\nd\n"
    hunk = Hunk(1, 5, ("a\n", "b\n", "C\n", "d\n"))
    assert line_counts(FileChange("m.py", old, new, hunks=(hunk,))) == (1, 1)


def test_hunks_that_count_lines_otherwise_are_not_trusted() -> None:
    old = b"x = '\r'\ny = 2\n"
    hunk = Hunk(3, 4, ("y = 3\n",))
    change = FileChange("m.py", old, b"x = '\r'\ny = 3\n", hunks=(hunk,))
    (found,) = changed_ranges(change)
    assert (found.old_start, found.old_end) == (1, 2)
    assert applied(change) == change.new


# ------------------------------------------------------------------ by change-set

SETS = [(number, f"[{number}] f{number}") for number in (2, 1, 3)]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), contents=st.lists(st.tuples(CONTENT, CONTENT), min_size=1, max_size=2))
def test_git_apply_takes_the_diff_by_change_set(
    data: st.DataObject, contents: list[tuple[bytes, bytes]]
) -> None:
    changes = []
    for number, (old, new) in enumerate(contents):
        starts = sorted(data.draw(st.sets(st.integers(1, 31), max_size=6)))
        titles = [data.draw(st.sampled_from(SETS))[1] for _ in starts]
        headings = tuple(
            (first, last - 1, title)
            for first, last, title in zip(
                starts, [*starts[1:], 99][: len(starts)], titles, strict=True
            )
        )
        changes.append(FileChange(f"m{number}.py", old, new, headings=headings))
    shown = by_change_set(changes, SETS)
    with tempfile.TemporaryDirectory() as name:
        for change in changes:
            Path(name, change.path).write_bytes(change.old or b"")
        if shown:
            git_apply(Path(name), shown)
        assert [Path(name, c.path).read_bytes() for c in changes] == [c.new for c in changes]


def test_a_hunk_stands_under_the_title_of_its_change_set() -> None:
    old = b"import time\n\n\n" + b"".join(b"def f%d():\n    x\n\n\n" % n for n in range(3))
    new = old.replace(b"import time", b"import asyncio").replace(b"    x", b"    y")
    headings = ((4, 6, "[1] f0"), (8, 10, "[2] f1"), (12, 14, "[1] f0"))
    changes = [FileChange("m.py", old, new, headings=headings), FileChange("new.py", None, b"z\n")]
    shown = by_change_set(changes, [(2, "[2] f1  (to read)"), (1, "[1] f0")]).decode()
    assert [line for line in shown.splitlines() if line.startswith(("#", "@@", "+++"))] == [
        "# generated files",
        "+++ b/new.py",
        "@@ -0,0 +1 @@",
        "# [2] f1 (to read)",
        "+++ b/m.py",
        "@@ -1,4 +1,4 @@",
        "@@ -6,7 +6,7 @@ [2] f1",
        "# [1] f0",
        "+++ b/m.py",
        "@@ -2,7 +2,7 @@ [1] f0",
        "@@ -10,6 +10,6 @@ [1] f0",
    ]


def test_nothing_changed_has_no_titles() -> None:
    assert by_change_set([FileChange("m.py", b"a\n", b"a\n")], SETS) == b""
    assert by_change_set([], SETS) == b""


@pytest.mark.parametrize("content", [b"", b"x = 1\n", b"x = 1"])
def test_a_new_file(content: bytes) -> None:
    change = FileChange("pkg/_run_sync.py", None, content)
    assert b"new file mode 100644\n" in unified([change])
    assert applied(change) == content


@pytest.mark.parametrize("content", [b"", b"x = 1\n", b"x = 1", b"\xe9\r\ny\n"])
def test_a_file_that_goes(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.py").write_bytes(content)
    diff = unified([FileChange("m.py", content, None)])
    assert b"deleted file mode 100644\n" in diff
    git_apply(tmp_path, diff)
    assert not (tmp_path / "m.py").exists()


def test_a_file_that_goes_reads_as_git_writes_it() -> None:
    assert unified([FileChange("m.py", b"a\nb\n", None)]) == (
        b"diff --git a/m.py b/m.py\ndeleted file mode 100644\n"
        b"--- a/m.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n"
    )
    assert line_counts(FileChange("m.py", b"a\nb\n", None)) == (0, 2)


@pytest.mark.parametrize(
    "name", ["with space.py", "é.py", 'quote".py', "tab\t.py", "back\\slash.py"]
)
def test_names_are_quoted_as_git_does(name: str) -> None:
    assert applied(FileChange(name, b"x\n", b"y\n")) == b"y\n"
    assert applied(FileChange(name, None, b"y\n")) == b"y\n"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(b"y\n")
        git_apply(Path(folder), unified([FileChange(name, b"y\n", None)]))
        assert not list(Path(folder).iterdir())


def test_several_files_apply_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"1\n")
    (tmp_path / "b.py").write_bytes(b"1")
    changes = [FileChange("a.py", b"1\n", b"2\n"), FileChange("b.py", b"1", b"2")]
    git_apply(tmp_path, unified(changes))
    assert [(tmp_path / n).read_bytes() for n in ("a.py", "b.py")] == [b"2\n", b"2"]


def test_a_huge_replaced_range_does_not_take_for_ever() -> None:
    old = b"".join(b"a%d\n" % n for n in range(20_000))
    change = FileChange("m.py", old, old.replace(b"a", b"b"))
    assert line_counts(change) == (20_000, 20_000)
