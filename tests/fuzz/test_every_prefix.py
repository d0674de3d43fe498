"""Every prefix of a migration works, for a few random programs; `make fuzz` has all the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.prefixes import BrokenError
from tests.fuzz.programs import is_loose, program
from tests.fuzz.walks import Try, smaller, start, ways


@pytest.mark.parametrize("seed", [4, 5, 7, 8])
def test_every_prefix_prints_the_same(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    options, name_earlier = ways(seed)
    one = Try(program(seed), tmp_path / "program", options, name_earlier, is_loose(seed))
    assert one.fails(seed=seed) is None


def test_a_seed_is_a_program() -> None:
    assert program(7) == program(7) != program(8)


BY_NAME = {
    "pkg/__init__.py": "",
    "pkg/api.py": "import time\n\n\ndef ask(x):\n    time.sleep(0)\n    return x\n",
    "main.py": (
        "from pkg import api\n\n\ndef idle():\n    return 2\n\n\n"
        'print(len("more"))\nprint(eval("api.a" + "sk")(1))\n'
    ),
}


def test_a_failure_is_found_and_made_small(tmp_path: Path) -> None:
    """What only `eval` reaches is lost on purpose."""
    failure = Try(BY_NAME, tmp_path).fails([])
    assert failure is not None
    assert "never awaited" in failure.text
    small = smaller(BY_NAME, failure, tmp_path, 10)
    assert small["main.py"].split("\n\n")[0] == "from pkg import api"
    assert small["main.py"].strip().endswith('print(eval("api.a" + "sk")(1))')
    assert "idle" not in small["main.py"]
    assert "more" not in small["main.py"]


def test_a_program_that_does_not_run_is_no_failure_of_ours(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match="the program fails"):
        start({"main.py": "1 / 0\n"}, tmp_path)
