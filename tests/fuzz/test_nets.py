"""A hundred generated programs, migrated and run; `make fuzz-nets` takes two thousand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.nets import BATCH, Node, lost, programs, ran, render

pytest.importorskip("blockbuster")


def test_generated_programs_do_the_same(tmp_path: Path) -> None:
    made: set[str] = set()

    @settings(
        max_examples=4,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(programs(BATCH))
    def migrate(nets: list[list[Node]]) -> None:
        root = tmp_path / f"batch{len(made)}"
        found = lost(nets, root)
        made.update(path.read_text() for path in root.rglob("net.py"))
        assert not found, "\n\n".join(map(str, found))

    migrate()
    turned = [text for text in made if "async def" in text]
    assert len(turned) > 60, f"{len(turned)} of {len(made)} different programs were migrated"


PLANTED = {
    "nothing": ("await leaf(2)", ""),
    "an await": ("leaf(2)", "coroutine 'leaf' was never awaited"),
    "a thread": ("time.sleep(0)", "blocking call of time.sleep"),
}


@pytest.mark.parametrize(("call", "seen"), PLANTED.values(), ids=PLANTED)
def test_what_is_lost_is_seen(call: str, seen: str, tmp_path: Path) -> None:
    for path, text in render(0, [Node("function", True, False, False, ())]).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    main = "import asyncio\nimport time\n\n\nasync def leaf(x):\n    await asyncio.sleep(0)\n\n\n"
    main += f"async def main():\n    {call}\n\n\nasyncio.run(main())\n"
    (tmp_path / "net0000" / "main.py").write_text(main)
    said = ran(tmp_path)["net0000"]
    assert seen in said
    assert bool(seen) == bool(said.strip())
