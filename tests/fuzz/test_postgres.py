"""Generated programs on PostgreSQL do the same when migrated; `make fuzz-postgres` runs more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fuzz.postgres import CLAIMED, compare, migrate, seeded
from tests.fuzz.postgres_programs import PSYCOPG, PSYCOPG2
from tests.postgres_server import Server

EACH = 200 // len(CLAIMED)


@pytest.mark.parametrize(("driver", "target"), CLAIMED)
def test_migrated_programs_do_the_same(driver: str, target: str, postgres: Server) -> None:
    """200 programs in all, others for each pair of driver and target."""
    first = list(CLAIMED).index((driver, target)) * EACH
    seeds = range(first, first + EACH)
    found = compare(seeded(seeds), driver, migrate(driver, target), postgres)
    assert [str(one) for one in found] == []


def nothing(folder: Path) -> None:
    """Sync programs do the same when they run again; also, all are seen to be sync."""


@dataclass(frozen=True)
class Edit:
    """A migration that gets one thing wrong."""

    pattern: str
    text: str

    def __call__(self, folder: Path) -> None:
        for path in folder.glob("programs_*.py"):
            path.write_text(re.sub(self.pattern, self.text, path.read_text()))


def test_programs_do_the_same_each_time(postgres: Server) -> None:
    for driver in (PSYCOPG2, PSYCOPG):
        (only,) = compare(seeded(range(5)), driver, nothing, postgres)
        assert only.text.startswith("not migrated: work_0, case_0,")


def test_what_goes_wrong_is_found(postgres: Server) -> None:
    for edit in (
        Edit(r"conn\.commit\(\)", "pass"),
        Edit(r"conn\.rollback\(\)", "conn.commit()"),
        Edit(r"( +)(cur\.execute\('INSERT.*\))\n", r"\1\2\n\1\2\n"),
        Edit(r"cur\.fetchall\(\)", "[list(row) for row in cur.fetchall()]"),
        Edit(r"errors\.\w+|psycopg2\.\w*Error", "KeyError"),
    ):
        found = compare(seeded(range(30)), PSYCOPG2, edit, postgres)
        assert len([one for one in found if one.number >= 0]) > 1, edit
