"""What runs is in the call graph, for generated programs; `make fuzz-graph` runs for longer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.constructs import BEYOND, CONSTRUCTS, Construct, Seeded, T, program, variants
from tests.fuzz.edges import compare, graph, shuffled, smaller

SEEDS = range(1, 21)


@dataclass(frozen=True)
class Drawn:
    """Choices that Hypothesis makes, and shrinks."""

    data: st.DataObject

    def pick(self, found: Sequence[T]) -> T:
        return self.data.draw(st.sampled_from(found))


@pytest.mark.parametrize("make", CONSTRUCTS, ids=lambda make: make.__name__)
def test_every_form_of_a_construct_alone(make: Construct, tmp_path: Path) -> None:
    assert [str(one) for files in variants(make) for one in compare(files, tmp_path)] == []


@pytest.mark.parametrize("make", BEYOND, ids=lambda make: make.__name__)
def test_what_is_said_to_be_beyond_the_graph_is(make: Construct, tmp_path: Path) -> None:
    """Else it moves to the others."""
    assert all(compare(files, tmp_path) for files in variants(make))


@pytest.mark.parametrize("seed", SEEDS)
def test_constructs_together(seed: int, tmp_path: Path) -> None:
    files = program(Seeded(random.Random(seed)))
    assert [str(one) for one in compare(files, tmp_path)] == []
    assert graph(shuffled(files, seed)) == graph(files)


@settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_constructs_that_hypothesis_chooses(data: st.DataObject, tmp_path: Path) -> None:
    assert [str(one) for one in compare(program(Drawn(data), 4), tmp_path)] == []


def test_a_miss_is_found_and_made_small(tmp_path: Path) -> None:
    """What `eval` gives is lost on purpose."""
    files = {
        "pkg/__init__.py": "",
        "pkg/base.py": "def f():\n    return 1\n\n\ndef idle():\n    return f()\n",
        "pkg/main.py": 'from pkg import base\n\nidle = 1\nprint(idle)\neval("base.f")()\n',
    }
    (failure,) = compare(files, tmp_path)
    assert str(failure).startswith("missing (call on call): <module> -> f")
    small = smaller(files, failure, tmp_path, 10)
    assert small["pkg/main.py"].split() == ["from", "pkg", "import", "base", 'eval("base.f")()']
    assert "idle" not in small["pkg/base.py"]
