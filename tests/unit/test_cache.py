"""The cache of facts: a hit is what was stored, and whatever is wrong is a miss."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from asyncshift import cache
from asyncshift.cache import FactsCache

FACTS: Any = ("facts", 1)


def stored(folder: Path) -> FactsCache:
    """A cache that holds FACTS under `key`, opened again."""
    first = FactsCache(True, folder)
    first.put("key", FACTS)
    first.close()
    return FactsCache(True, folder)


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    again = stored(tmp_path)
    assert again.get("key") == FACTS
    assert again.get("other") is None
    again.close()


def test_a_disabled_cache_touches_nothing(tmp_path: Path) -> None:
    off = FactsCache(False, tmp_path / "none")
    off.put("key", FACTS)
    assert off.get("key") is None
    off.close()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 100, "text", None])
def test_a_corrupt_entry_is_a_miss(tmp_path: Path, data: object) -> None:
    stored(tmp_path).close()
    (path,) = tmp_path.glob("*.sqlite")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE facts SET facts = ?", (data,))
    database.close()
    again = FactsCache(True, tmp_path)
    assert again.get("key") is None
    again.close()


def test_a_corrupt_file_is_made_anew(tmp_path: Path) -> None:
    stored(tmp_path).close()
    (path,) = tmp_path.glob("*.sqlite")
    path.write_bytes(b"not a database at all, and long enough to be read as one" * 20)
    again = stored(tmp_path)
    assert again.get("key") == FACTS
    again.close()


def test_a_changed_extractor_does_not_meet_old_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(tmp_path).close()
    monkeypatch.setattr(cache, "__version__", "9.9.9")
    newer = FactsCache(True, tmp_path)
    assert newer.get("key") is None
    newer.close()
    assert len(list(tmp_path.glob("*.sqlite"))) == 1


def test_a_folder_that_cannot_be_made_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    none = FactsCache(True, tmp_path / "file" / "cache")
    none.put("key", FACTS)
    assert none.get("key") is None
    none.close()
