"""Reading a tree: what is read, what is selected, what modules are called, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from asyncshift.config import Config
from asyncshift.discover import discover, encode, identifiers, project_root, source_file, unparsable
from asyncshift.errors import InputError
from asyncshift.metadata import lowest
from asyncshift.model import Project, Severity


def tree(root: Path, **files: str | bytes) -> Path:
    """Write files; `__` in a name stands for a slash, keys without a suffix get `.py`."""
    for name, content in files.items():
        write(root, name.replace("__", "/") + ("" if "." in name else ".py"), content)
    return root


def write(root: Path, name: str, content: str | bytes = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(*paths: Path, **settings: object) -> Project:
    return discover(paths, Config(**settings))  # type: ignore[arg-type]


def names(project: Project, *, selected: bool = True) -> list[str]:
    return [file.path for file in project.files if file.selected is selected]


def modules(project: Project) -> dict[str, str]:
    return {file.path: file.module for file in project.files}


# ----------------------------------------------------------------------------- what is read


def test_a_folder_is_read_with_everything_below(tmp_path: Path) -> None:
    tree(tmp_path, a="", pkg__b="", pkg__deep__c="")
    write(tmp_path, "notes.txt")
    write(tmp_path, "pkg/stub.pyi")
    assert names(read(tmp_path)) == ["a.py", "pkg/b.py", "pkg/deep/c.py"]


@pytest.mark.parametrize(
    "folder",
    [".git", "__pycache__", "node_modules", ".tox", "x.egg-info", "site-packages", "build", "dist"],
)
def test_folders_without_source_are_skipped(tmp_path: Path, folder: str) -> None:
    write(tmp_path, f"{folder}/generated.py")
    write(tmp_path, "kept.py")
    assert names(read(tmp_path)) == ["kept.py"]


def test_a_package_named_build_is_source(tmp_path: Path) -> None:
    write(tmp_path, "build/__init__.py")
    assert names(read(tmp_path)) == ["build/__init__.py"]


def test_a_virtual_environment_of_any_name_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "my-env/pyvenv.cfg")
    write(tmp_path, "my-env/lib/x.py")
    write(tmp_path, "kept.py")
    assert names(read(tmp_path)) == ["kept.py"]


def test_gitignore_counts_also_when_nested_and_negated(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "gen_*.py\n/out/\n")
    write(tmp_path, "pkg/.gitignore", "local.py\n!gen_kept.py\n")
    for name in ("gen_a.py", "out/x.py", "pkg/local.py", "pkg/gen_kept.py", "pkg/out/y.py", "m.py"):
        write(tmp_path, name)
    assert names(read(tmp_path)) == ["m.py", "pkg/gen_kept.py", "pkg/out/y.py"]


def test_gitignore_above_the_root_counts(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, ".gitignore", "service/gen.py\n")
    for name in ("service/pyproject.toml", "service/gen.py", "service/m.py"):
        write(tmp_path, name)
    assert names(read(tmp_path / "service")) == ["m.py"]


def test_an_ignored_folder_is_read_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, ".gitignore", "scratch/\n")
    write(tmp_path, "scratch/a.py")
    write(tmp_path, "main.py")
    project = read(tmp_path / "scratch")
    assert names(project) == ["scratch/a.py"]
    assert names(project, selected=False) == ["main.py"]


def test_the_ignore_setting_leaves_files_out(tmp_path: Path) -> None:
    tree(tmp_path, a="", legacy__b="")
    assert names(read(tmp_path, ignore=("legacy/",))) == ["a.py"]


def test_a_damaged_gitignore_line_is_passed_over_as_git_does(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "!\n/\ngen.py\n")
    tree(tmp_path, gen="", m="")
    assert names(read(tmp_path)) == ["m.py"]


def test_one_file_is_selected_and_the_project_around_it_is_known(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml")
    tree(tmp_path, app__a="", app__b="", other="")
    project = read(tmp_path / "app" / "a.py")
    assert project.root == str(tmp_path)
    assert names(project) == ["app/a.py"]
    assert names(project, selected=False) == ["app/b.py", "other.py"]


def test_several_paths_are_selected_together(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    tree(tmp_path, a__x="", b__y="", c__z="")
    assert names(read(tmp_path / "a", tmp_path / "b" / "y.py")) == ["a/x.py", "b/y.py"]


def test_paths_of_several_projects_share_the_common_parent(tmp_path: Path) -> None:
    tree(tmp_path, a__setup="", a__x="", b__setup="", b__y="")
    assert project_root([tmp_path / "a", tmp_path / "b"]) == tmp_path


@pytest.mark.parametrize("shared", ["HOME", "TMPDIR"])
def test_a_marker_in_a_shared_folder_makes_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    monkeypatch.setenv(shared, str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / ".git").mkdir()
    write(tmp_path, "scripts/a.py")
    assert project_root([tmp_path / "scripts"]) == tmp_path / "scripts"


# ----------------------------------------------------------------------------- module names


def test_packages_in_a_src_layout(tmp_path: Path) -> None:
    write(tmp_path, "src/pkg/__init__.py")
    write(tmp_path, "src/pkg/sub/__init__.py")
    write(tmp_path, "src/pkg/sub/m.py")
    write(tmp_path, "run.py")
    found = modules(read(tmp_path))
    assert found["src/pkg/__init__.py"] == "pkg"
    assert found["src/pkg/sub/m.py"] == "pkg.sub.m"
    assert found["run.py"] == "run"


def test_a_package_given_by_itself_keeps_its_full_name(tmp_path: Path) -> None:
    write(tmp_path, "outer/__init__.py")
    write(tmp_path, "outer/inner/__init__.py")
    write(tmp_path, "outer/inner/m.py")
    project = read(tmp_path / "outer" / "inner" / "m.py")
    assert project.root == str(tmp_path / "outer")
    assert modules(project)["inner/m.py"] == "outer.inner.m"


@pytest.mark.parametrize(
    "line",
    [
        "import ns.part.m",
        "from ns.part import m",
        "from ns import part",
        "    import ns.part",
        "from ns.part \\\n    import m",
    ],
)
def test_a_namespace_package_is_known_by_its_imports(tmp_path: Path, line: str) -> None:
    write(tmp_path, "ns/part/__init__.py")
    write(tmp_path, "ns/part/m.py")
    write(tmp_path, "run.py", f"if 1:\n    pass\n{'if 1:' if line[0] == ' ' else ''}\n{line}\n")
    assert modules(read(tmp_path))["ns/part/m.py"] == "ns.part.m"


@pytest.mark.parametrize("line", ["# import ns.part", "x = 'from ns import part'", "import part"])
def test_what_is_no_import_makes_no_namespace_package(tmp_path: Path, line: str) -> None:
    write(tmp_path, "ns/part/__init__.py")
    write(tmp_path, "ns/part/m.py")
    write(tmp_path, "run.py", f"{line}\n")
    assert modules(read(tmp_path))["ns/part/m.py"] == "part.m"


def test_a_folder_that_shares_a_librarys_name_is_no_package(tmp_path: Path) -> None:
    write(
        tmp_path,
        "examples/requests/demo.py",
        "from requests import get\nimport requests.adapters\n",
    )
    assert modules(read(tmp_path)) == {"examples/requests/demo.py": "demo"}


def test_relative_imports_make_a_package(tmp_path: Path) -> None:
    write(tmp_path, "ns/a.py", "from . import b\n")
    write(tmp_path, "ns/b.py")
    assert modules(read(tmp_path))["ns/b.py"] == "ns.b"


def test_modules_may_share_a_name(tmp_path: Path) -> None:
    tree(tmp_path, one__util="", two__util="")
    assert modules(read(tmp_path)) == {"one/util.py": "util", "two/util.py": "util"}


# ----------------------------------------------------------------------------- bytes


@pytest.mark.parametrize(
    "data",
    [
        b"x = 1\r\ny = 2\r\n",
        b"\xef\xbb\xbfx = 1\n",
        b"\xef\xbb\xbf# coding: utf-8\r\nx = '\xc3\xa9'",
        b"# -*- coding: latin-1 -*-\nname = '\xe9\xff'\n",
        b"#!/usr/bin/env python\n# coding: cp1252\nprice = '\x80'\n",
        b"\tx\x0c\n\ry = 1\r",
        b"",
    ],
)
def test_bytes_come_back(data: bytes) -> None:
    file = source_file("m.py", "m", data)
    assert encode(file, file.text) == data
    assert not file.text.startswith("\ufeff")


@pytest.mark.parametrize(
    "data",
    [b"x = '\xff'\n", b"# coding: nonsense\n", b"x = 1\0\n", b"\xef\xbb\xbf# coding: latin-1\n"],
)
def test_what_cannot_be_text_is_a_warning_among_many(tmp_path: Path, data: bytes) -> None:
    write(tmp_path, "good.py", "x = 1\n")
    write(tmp_path, "bad.py", data + b"fetch_all = other\n")
    project = read(tmp_path)
    assert names(project) == ["good.py"]
    (message,) = project.messages
    assert (message.path, message.severity) == ("bad.py", Severity.WARNING)
    assert "fetch_all" in project.unparsable_names


def test_what_cannot_be_text_is_an_error_when_named(tmp_path: Path) -> None:
    write(tmp_path, "good.py")
    bad = write(tmp_path, "bad.py", b"x = 1\ny = '\xff'\n")
    with pytest.raises(InputError, match=r"bad\.py:\d: cannot be decoded"):
        read(bad)


def test_the_helpers_for_files_that_do_not_parse() -> None:
    file = source_file("m.py", "m", b"def fetch(:\n  load()\n")
    message = unparsable(file, SyntaxError("invalid syntax", ("m.py", 1, 11, "def fetch(:")))
    assert (message.line, message.severity) == (1, Severity.WARNING)
    assert identifiers(file.text) == {"def", "fetch", "load"}


# ----------------------------------------------------------------------------- bad input


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: does not exist"):
        read(tmp_path / "nowhere")


def test_a_folder_without_python(tmp_path: Path) -> None:
    write(tmp_path, "readme.md")
    with pytest.raises(InputError, match="no Python files"):
        read(tmp_path)


@pytest.mark.parametrize(("name", "reason"), [("m.pyi", "stub"), ("m.txt", "not a Python file")])
def test_a_file_that_is_no_python_source(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read(write(tmp_path, name, "x"))


def test_a_script_without_a_suffix_is_read_when_named(tmp_path: Path) -> None:
    script = write(tmp_path, "tool", "#!/usr/bin/env python3\nx = 1\n")
    assert modules(read(script)) == {"tool": "tool"}


def test_a_symlink_that_leaves_the_tree(tmp_path: Path) -> None:
    outside = write(tmp_path, "outside/x.py")
    write(tmp_path, "project/m.py")
    (tmp_path / "project" / "link.py").symlink_to(outside)
    with pytest.raises(InputError, match=r"link\.py: is a symlink that leaves the tree"):
        read(tmp_path / "project")
    assert names(read(tmp_path / "project", ignore=("link.py",))) == ["m.py"]


def test_a_folder_symlink_that_leaves_the_tree(tmp_path: Path) -> None:
    write(tmp_path, "outside/x.py")
    (tmp_path / "data").mkdir()
    write(tmp_path, "project/m.py")
    (tmp_path / "project" / "assets").symlink_to(tmp_path / "data")
    assert names(read(tmp_path / "project")) == ["m.py"]
    (tmp_path / "project" / "vendored").symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match="vendored: is a symlink"):
        read(tmp_path / "project")


def test_a_symlink_inside_the_tree_is_read_once(tmp_path: Path) -> None:
    real = write(tmp_path, "m.py")
    (tmp_path / "again.py").symlink_to(real)
    project = read(tmp_path)
    assert names(project) == ["m.py"]
    assert [m.rule for m in project.messages] == ["symlink"]


def test_a_symlink_elsewhere_in_the_project_stops_nothing(tmp_path: Path) -> None:
    write(tmp_path, "outside/x.py")
    write(tmp_path, "project/pyproject.toml")
    write(tmp_path, "project/a/m.py")
    write(tmp_path, "project/b/n.py")
    (tmp_path / "project" / "b" / "link.py").symlink_to(tmp_path / "outside" / "x.py")
    assert names(read(tmp_path / "project" / "a")) == ["a/m.py"]


def test_a_ring_of_symlinks_ends(tmp_path: Path) -> None:
    write(tmp_path, "pkg/m.py")
    (tmp_path / "pkg" / "self").symlink_to(tmp_path / "pkg")
    (tmp_path / "broken.py").symlink_to(tmp_path / "nothing.py")
    assert names(read(tmp_path)) == ["pkg/m.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_a_warning_among_many(tmp_path: Path) -> None:
    write(tmp_path, "m.py")
    write(tmp_path, "secret.py").chmod(0)
    assert [m.rule for m in read(tmp_path).messages] == ["unreadable-file"]


# ----------------------------------------------------------------------------- metadata


@pytest.mark.parametrize(
    ("specifier", "version"),
    [
        (">=3.8", (3, 8)),
        (">=3.9.2,<4", (3, 9)),
        (">3.9", (3, 9)),
        ("^3.10", (3, 10)),
        ("~=3.7", (3, 7)),
        ("~3.12", (3, 12)),
        ("nonsense", (3, 11)),
    ],
)
def test_lowest(specifier: str, version: tuple[int, int]) -> None:
    assert lowest(specifier) == version


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "pyproject.toml",
            "[project]\nrequires-python='>=3.9'\n[project.scripts]\ntool='pkg.cli:main'",
        ),
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\npython='^3.9'\n[tool.poetry.scripts]\ntool='pkg.cli:main'",
        ),
        (
            "setup.cfg",
            "[options]\npython_requires = >=3.9\n[options.entry_points]\n"
            "console_scripts =\n    tool = pkg.cli:main [extra]\n",
        ),
        (
            "setup.py",
            "import setuptools\nraise SystemExit('never run')\n"
            "setuptools.setup(python_requires='>=3.9',"
            " entry_points={'console_scripts': ['tool = pkg.cli:main']})\n",
        ),
        (
            "setup.py",
            'from setuptools import setup\nsetup(python_requires=\'>=3.9\', entry_points="""\n'
            "    [other]\n    x = pkg.other:main\n\n"
            '    [console_scripts]\n    tool=pkg.cli:main\n""")\n',
        ),
        (
            "setup.cfg",
            "[options]\npython_requires = >=3.9\n[entry_points]\n"
            "console_scripts =\n    tool = pkg.cli:main\n",
        ),
    ],
)
def test_the_projects_own_words(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, name, text)
    write(tmp_path, "m.py")
    project = read(tmp_path)
    assert project.requires_python == (3, 9)
    assert project.entry_points == {"pkg.cli:main": f"{name}: tool"}


# ----------------------------------------------------------------------------- earlier steps


def test_generated_bridge_modules_are_no_code_of_the_project(tmp_path: Path) -> None:
    from asyncshift.rewrite import bridge_source

    write(tmp_path, "shop/__init__.py")
    write(tmp_path, "shop/_run_sync.py", bridge_source())
    write(tmp_path, "scripts/_run_sync.py", bridge_source())
    write(tmp_path, "other/_run_sync.py", "def run_sync(x): ...\n")
    write(tmp_path, "generated.py", bridge_source())
    project = read(tmp_path)
    assert names(project) == ["generated.py", "other/_run_sync.py", "shop/__init__.py"]
    assert project.bridges == {
        "shop._run_sync": "shop/_run_sync.py",
        "_run_sync": "scripts/_run_sync.py",
    }
