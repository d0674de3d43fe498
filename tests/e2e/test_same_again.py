"""The same tree gives the same bytes: whatever the seed of hashes, the number of processes, the
state of the cache and the order in which the files were made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.extremes import MAKERS

SIZE = 12
TREES = ("import_cycle", "protocols", "star_cycle", "overriding_chain")


def told(tree: Path, seed: str, *arguments: str) -> bytes:
    """What a command prints in a process of its own."""
    env = {**os.environ, "PYTHONHASHSEED": seed, "ASYNCSHIFT_CACHE_DIR": str(tree / ".cache")}
    command = [sys.executable, "-m", "asyncshift", *arguments, "--format", "json", "."]
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, check=True).stdout


@pytest.mark.parametrize("command", ["graph", "diff"])
def test_the_same_bytes(command: str, tmp_path: Path) -> None:
    files = {"pyproject.toml": b"[project]\nname = 'p'\n"}
    for name in TREES:
        files |= {f"{name}_{path}": text for path, text in MAKERS[name](SIZE).items()}
    trees = tmp_path / "one", tmp_path / "other"
    for tree, paths in zip(trees, (sorted(files), sorted(files)[::-1]), strict=True):
        for path in paths:
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(files[path])
    one, other = trees
    first = told(one, "0", command, "--no-cache", "--jobs", "1")
    assert first
    assert told(other, "1", command, "--no-cache", "--jobs", "2") == first
    assert told(one, "2", command, "--jobs", "2") == first  # fills the cache
    assert told(one, "3", command, "--jobs", "1") == first
