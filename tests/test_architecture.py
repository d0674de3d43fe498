"""What a reviewer would have to remember: data flows down only, and start-up stays light."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import asyncshift
from asyncshift import module_parts

PACKAGE = Path(asyncshift.__file__).parent
ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "src" / "asyncshift").rglob("*.py")) + sorted(
    (ROOT / "codemods").rglob("*.py")
)
LONGEST = 650
"""Lines; the projects that this one learns from have no module above it."""
DRIVERS = {"_psycopg.py", "_psycopg2.py"}
"""Of these a project gets one file: a driver's cursors, types, errors and pools, cut to its use."""

TREES = {"libcst"}
TERMINAL = {"typer", "rich", "click"}
LATER = {
    "asyncshift.cli",
    "asyncshift.report",
    "asyncshift.pipeline",
}
# A module (or package) may not import these, whether at the top or inside a function.
FORBIDDEN: dict[str, set[str]] = {
    "asyncshift.model": {"asyncshift", "ast"} | TREES | TERMINAL,
    "asyncshift.discover": {"asyncshift.rewrite", "asyncshift.solve"} | LATER | TREES | TERMINAL,
    "asyncshift.facts": {
        "asyncshift.index",
        "asyncshift.callgraph",
        "asyncshift.codemods",
        "asyncshift.rewrite",
        "asyncshift.solve",
        *LATER,
        *TREES,
        *TERMINAL,
    },
    "asyncshift.index": {"asyncshift.callgraph", "asyncshift.rewrite", "asyncshift.solve"}
    | LATER
    | TREES
    | TERMINAL,
    "asyncshift.callgraph": {"asyncshift.rewrite", "asyncshift.solve"} | LATER | TREES | TERMINAL,
    "asyncshift.resolution": {"asyncshift.callgraph", "asyncshift.rewrite", "asyncshift.solve"}
    | LATER
    | TREES
    | TERMINAL,
    "asyncshift.check": {
        "asyncshift.callgraph",
        "asyncshift.discover",
        "asyncshift.index",
        "asyncshift.resolution",
        "asyncshift.rewrite",
        "asyncshift.solve",
        *LATER,
        *TREES,
        *TERMINAL,
    },
    "asyncshift.solve": {
        "ast",
        "asyncshift.callgraph",
        "asyncshift.discover",
        "asyncshift.facts",
        "asyncshift.index",
        "asyncshift.rewrite",
        "asyncshift.resolution",
        *LATER,
        *TREES,
        *TERMINAL,
    },
    "asyncshift.rewrite": {
        "asyncshift.callgraph",
        "asyncshift.facts",
        "asyncshift.index",
        "asyncshift.solve",
        "asyncshift.resolution",
        *LATER,
        *TERMINAL,
    },
    "asyncshift.codemods": {
        "asyncshift.callgraph",
        "asyncshift.discover",
        "asyncshift.index",
        "asyncshift.solve",
        "asyncshift.resolution",
        *LATER,
        *TERMINAL,
    },
    "asyncshift.diff": {"asyncshift.rewrite", "asyncshift.solve"} | LATER | TREES | TERMINAL,
    "asyncshift.apply": {"asyncshift.rewrite", "asyncshift.solve"} | LATER | TREES | TERMINAL,
    **{
        f"asyncshift.{name}": {"asyncshift.rewrite", "asyncshift.solve"} | LATER | TREES | TERMINAL
        for name in ("journal", "planfile", "git", "ledger", "recording")
    },
    "asyncshift.pipeline": {"asyncshift.cli", "asyncshift.report"} | TERMINAL,
    "asyncshift.report": {"asyncshift.cli", "typer", "click"} | TREES,
}


def module_name(path: Path) -> str:
    for root, prefix in ((ROOT / "src", ""), (ROOT, "asyncshift.")):
        if path.is_relative_to(root):
            parts = path.relative_to(root).with_suffix("").parts
            return prefix + ".".join(part for part in parts if part != "__init__")
    raise AssertionError(path)


def imported(path: Path) -> Iterator[str]:
    """Full names of what a module imports at run time, wherever the import stands."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package.pop()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = ".".join(package[: len(package) - level + 1]) if level else ""
                prefix = ".".join(part for part in (base, module) if part)
                yield prefix
                yield from (f"{prefix}.{alias.name}" for alias in names)


def belongs(name: str, to: str) -> bool:
    return name == to or name.startswith(f"{to}.")


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_data_flows_down_only(path: Path) -> None:
    name = module_name(path)
    forbidden = {
        target for rule, targets in FORBIDDEN.items() if belongs(name, rule) for target in targets
    }
    found = {
        target
        for target in imported(path)
        for wrong in forbidden
        # `model` may import nothing of the package, others only not the packages below.
        if belongs(target, wrong) and not belongs(target, name)
    }
    assert not found


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_only_the_command_line_knows_a_terminal(path: Path) -> None:
    name = module_name(path)
    allowed = (
        TERMINAL
        if belongs(name, "asyncshift.cli")
        else {"rich"}
        if belongs(name, "asyncshift.report")
        else set()
    )
    tops = {target.partition(".")[0] for target in imported(path)}
    assert not tops & TERMINAL - allowed


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name not in DRIVERS], ids=module_name
)
def test_no_module_grows_too_long(path: Path) -> None:
    """A module of parts is as long as what it makes with each of them."""
    text = path.read_text(encoding="utf-8")
    for part in module_parts.standing(text, text) or {""}:
        made = module_parts.assembled(text, {part}) if part else text
        assert len(made.splitlines()) <= LONGEST


def modules_after(arguments: list[str], folder: Path) -> set[str]:
    """Top-level modules that a command leaves in sys.modules."""
    program = (
        "import sys\n"
        "sys.argv = ['asyncshift', *sys.argv[1:]]\n"
        "from asyncshift.__main__ import main\n"
        "status = main()\n"
        "assert not status, status\n"
        "print('\\n' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "main.py").write_text(
        "import time\n\nimport requests\n\n\n"
        "def pause():\n    time.sleep(0.1)\n    return requests.get('http://localhost')\n\n\n"
        "if __name__ == '__main__':\n    pause()\n"
    )
    return tmp_path


def test_the_version_is_told_without_heavy_imports(tmp_path: Path) -> None:
    assert not modules_after(["--version"], tmp_path) & (TREES | TERMINAL | {"black"})


@pytest.mark.parametrize("arguments", [["scan", "."], ["graph", ".", "--format", "json"]])
def test_scan_and_graph_need_no_libcst(arguments: list[str], small_project: Path) -> None:
    assert not modules_after(arguments, small_project) & (TREES | {"black", "requests"})


@pytest.mark.skipif(
    not os.environ.get("ASYNCSHIFT_EXPECT_WHEEL"), reason="only `make test` builds the wheel"
)
def test_the_wheel_is_complete() -> None:
    """Every module and table of the two roots is in the package that is under test."""
    assert not PACKAGE.is_relative_to(ROOT / "src")
    wanted = [
        PACKAGE / prefix / path.relative_to(root)
        for root, prefix in ((ROOT / "src" / "asyncshift", ""), (ROOT / "codemods", "codemods"))
        for path in root.rglob("*")
        if path.suffix in {".py", ".toml"} or path.name == "py.typed"
    ]
    assert len(wanted) > 20
    assert [str(path) for path in wanted if not path.is_file()] == []
