"""Facts of files that have not changed, by content, in the user's cache folder.

One SQLite file: ten thousand small files would cost more to open than to recompute.  Whatever is
wrong with an entry or with the file, the answer is a miss.  The file's name holds a hash of the
engine's own code (a few milliseconds), so a changed extractor never meets old facts.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from asyncshift import __version__

if TYPE_CHECKING:
    import sqlite3

R = TypeVar("R")

MAX_BYTES = 512 * 1024 * 1024
"""A cache that outgrows this starts anew."""
_DAMAGED = (
    pickle.UnpicklingError, EOFError, AttributeError, ImportError,
    IndexError, KeyError, TypeError, ValueError,
)  # fmt: skip
"""What `pickle` raises on bytes that another version of a class wrote."""


class FactsCache(Generic[R]):
    """`get` and `put` by key; entries are written in one transaction when the cache is closed."""

    def __init__(self, enabled: bool, folder: Path | None = None) -> None:
        self._database = _open(folder or cache_folder()) if enabled else None
        self._pending: list[tuple[str, bytes]] = []
        self._closing = weakref.finalize(self, _store, self._database, self._pending)

    def get(self, key: str) -> R | None:
        """What is stored under a key, or None."""
        if self._database is None:
            return None
        import sqlite3

        try:
            row = self._database.execute("SELECT facts FROM facts WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return None
        if row is None or not isinstance(row[0], bytes):
            return None
        check, data = row[0][:16], row[0][16:]
        if _checksum(data) != check:
            return None
        try:
            facts: R = pickle.loads(data)
        except _DAMAGED:
            return None
        return facts

    def put(self, key: str, facts: R) -> None:
        """Remember it; what cannot be written is forgotten."""
        if self._database is not None:
            data = pickle.dumps(facts, protocol=pickle.HIGHEST_PROTOCOL)
            self._pending.append((key, _checksum(data) + data))

    def close(self) -> None:
        """Write what is pending.  Happens by itself at the latest when the process ends."""
        self._closing()
        self._database = None


def cache_folder() -> Path:
    """`ASYNCSHIFT_CACHE_DIR`, or the folder that the platform keeps for caches."""
    if place := os.environ.get("ASYNCSHIFT_CACHE_DIR"):
        return Path(place)
    from platformdirs import user_cache_path

    return user_cache_path("asyncshift", appauthor=False)


def _open(folder: Path) -> sqlite3.Connection | None:
    """The database, made when it is missing or damaged; None when that is impossible."""
    import sqlite3

    path = folder / f"facts-{_version()}.sqlite"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for other in folder.glob("facts-*.sqlite"):
            if other != path or other.stat().st_size > MAX_BYTES:
                other.unlink(missing_ok=True)
    except OSError:
        return None
    for _ in range(2):
        try:
            database = sqlite3.connect(path, timeout=5, check_same_thread=False)
        except sqlite3.OperationalError:
            return None
        try:
            database.execute("PRAGMA synchronous = OFF")
            database.execute("CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, facts BLOB)")
        except sqlite3.OperationalError:
            database.close()
            return None
        except sqlite3.DatabaseError:
            database.close()
            path.unlink(missing_ok=True)
        else:
            return database
    return None


def _store(database: sqlite3.Connection | None, pending: list[tuple[str, bytes]]) -> None:
    if database is None:
        return
    import sqlite3

    try:
        with database:
            database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", pending)
    except sqlite3.Error:
        pass  # a full disk or a locked cache costs time on the next run, nothing else
    finally:
        database.close()


def _version() -> str:
    """What decides whether stored facts can be read: the Python, and the code that made them."""
    digest = hashlib.sha256(f"{__version__} {sys.version_info[:3]}".encode())
    here = Path(__file__).parent
    for path in (here / "facts.py", here / "model.py", *sorted(here.glob("resolution/*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
