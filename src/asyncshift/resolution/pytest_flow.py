"""What pytest does behind a test's back: a parameter gets the value of the fixture of its name.

Without this, `shop.price()` in a test whose `shop` comes from a conftest would be a call that only
the name connects: seen, not edited, and broken by the migration.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncshift import facts as f
from asyncshift.resolution.flow import Core, Fn

_FIXTURE = frozenset({"pytest.fixture", "pytest_asyncio.fixture", "pytest.yield_fixture"})


def link_fixtures(core: Core) -> None:
    """Let what each fixture returns or yields flow into the parameters that ask for it."""
    given: dict[str, list[Fn]] = {}
    for fn in core.functions:
        if _is_fixture(fn):
            given.setdefault(_plain(fn), []).append(fn)
    for fn in core.functions if given else ():
        if not (_is_fixture(fn) or _plain(fn).startswith("test")):
            continue
        for name, node in (*fn.params, *fn.kwonly):
            # A fixture that asks for its own name gets the one further out.
            found = [one for one in given.get(name, ()) if one is not fn]
            for fixture in _nearest(core, fn, found):
                is_generator = fixture.facts.flags & f.GENERATOR
                facts = fixture.facts
                core.link(fixture.at(facts.yielded if is_generator else facts.returned), node)


def _plain(fn: Fn) -> str:
    return fn.facts.name.rpartition(".")[2]


def _is_fixture(fn: Fn) -> bool:
    return any(name in _FIXTURE for name, _ in fn.facts.decorators)


def _nearest(core: Core, asking: Fn, fixtures: list[Fn]) -> Iterator[Fn]:
    """Those of the same file, else those of the nearest conftest.py above, else of any plugin."""
    here = core.files[asking.unit].path

    def distance(fixture: Fn) -> int:
        path = core.files[fixture.unit].path
        folder, _, name = path.rpartition("/")
        if path == here:
            return -1
        if name == "conftest.py" and (not folder or here.startswith(f"{folder}/")):
            return here.count("/") - path.count("/")
        return 1000

    distances = [distance(fixture) for fixture in fixtures]
    for fixture, far in zip(fixtures, distances, strict=True):
        if far == min(distances):
            yield fixture
