"""A library that another file reaches through a migrated module is named as a place to look."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift import pipeline
from asyncshift.config import Config

MODULE = "import time\n\n\ndef nap():\n    time.sleep(1)\n"


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("@mock.patch('naps.time')\ndef test_nap(time):\n    naps.nap()\n", True),
        ("@mock.patch('naps.time.sleep')\ndef test_nap(sleep):\n    naps.nap()\n", False),
        ("def test_nap():\n    naps.nap()\n", False),
    ],
)
def test_a_patched_library_is_a_place_to_look(tmp_path: Path, test: str, told: bool) -> None:
    (tmp_path / "naps.py").write_text(MODULE)
    (tmp_path / "test_naps.py").write_text(f"from unittest import mock\n\nimport naps\n\n\n{test}")
    outcome = pipeline.changes(pipeline.analyse([tmp_path], Config(cache=False)))
    assert outcome.changes
    assert any(message.rule == "reached-through" for message in outcome.messages) is told
