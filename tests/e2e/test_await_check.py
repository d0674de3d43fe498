"""`asyncshift check` on the migrated demo: clean as it is, and every planted kind is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import pytest

from asyncshift.cli import run

DEMO = Path(__file__).resolve().parent.parent.parent / "examples" / "shelfsync"
CHECK = ("check", "--jobs", "1", "--no-cache")


@dataclass(frozen=True)
class Plant:
    """Text `old` of a file becomes `new`; then `rule` is found there on the line of `at`."""

    file: str
    old: str
    new: str
    rule: str
    at: str
    chain: Sequence[str] = ()


def appended(file: str, text: str, rule: str, at: str, chain: Sequence[str] = ()) -> Plant:
    return Plant(file, "", text, rule, at, chain)


PAUSE = """
import functools, random
import time as clock

def retrying(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            for _ in range(times):
                try:
                    return function(*args)
                except OSError:
                    pass
        return wrapper
    return decorate

@retrying(3)
def settle(): clock.sleep(random.random())

@functools.lru_cache(maxsize=None)
def settled(): return settle()

def prepare(): return settled()

def begin(): return prepare()

async def import_slowly(url, token):
    begin()
    return await run_import(url, token)
"""

OLD_SESSION = """
import requests

class Legacy:
    def __init__(self):
        self.session = requests.Session()

    def ping(self, url):
        return self.session.get(url)

def ping_all(urls):
    legacy = Legacy()
    return [legacy.ping(url) for url in urls]

async def health(urls):
    return ping_all(urls)
"""

PLANTS = {
    "dropped": Plant(
        "client.py", "await asyncio.sleep(interval)", "asyncio.sleep(interval)",
        "coroutine-dropped", "asyncio.sleep(interval)",
    ),
    "dropped, of the program": Plant(
        "importer.py", "        await confirm(shop", "        confirm(shop",
        "coroutine-dropped", "        confirm(shop",
    ),
    "tested for truth": Plant(
        "importer.py", "    if state != \"done\":", "    if not shop.wait_for('x'):",
        "coroutine-truth", "if not shop.wait_for('x'):",
    ),
    "in an f-string": Plant(
        "cli.py", 'print(f"{category.slug:<12} {category.title}")',
        'print(f"{category.slug} {shop.price(category.slug)}")',
        "coroutine-formatted", "shop.price(category.slug)",
    ),
    "in a comparison": Plant(
        "importer.py", "state = await shop.wait_for(await", "state = shop.wait_for(await",
        "coroutine-compared", "state = shop.wait_for(await",
    ),
    "in a cache": Plant(
        "rates.py", "async def load_rates", "import functools\n\n\n@functools.lru_cache\n"
        "async def load_rates", "coroutine-cached", "async def load_rates",
    ),
    "in a cache of its own": appended(
        "importer.py",
        "\nPRICES = {}\n\nasync def price_of(shop: ShopClient, sku: str):\n"
        "    if sku not in PRICES:\n        PRICES[sku] = shop.price(sku)\n"
        "    return await PRICES[sku]\n",
        "coroutine-cached", "PRICES[sku] = shop.price(sku)",
    ),
    "in map": appended(
        "importer.py",
        "\nasync def total(shop: ShopClient, skus: list[str]):\n"
        "    return sum(map(shop.price, skus))\n",
        "coroutine-operator", "sum(map(shop.price, skus))",
    ),
    "in json.dumps": appended(
        "importer.py",
        "\nimport json\n\nasync def dump(shop: ShopClient):\n"
        "    return json.dumps({'all': shop.categories()})\n",
        "coroutine-handed-over", "json.dumps({'all'",
    ),
    "a property that a template reads": appended(
        "importer.py",
        "\n@dataclass\nclass Page:\n    shop: ShopClient\n    sku: str\n\n    @property\n"
        "    def price(self):\n        return self.shop.price(self.sku)\n",
        "coroutine-property", "def price(self)",
    ),
    "assigned and never used": Plant(
        "importer.py", "    rates = await load_rates(base_url, currency)",
        "    rates = {}\n    loading = load_rates(base_url, currency)",
        "coroutine-unused", "loading = load_rates(base_url",
    ),
    "a client's method": Plant(
        "client.py", "response = await self._session.request(", "response = self._session.request(",
        "coroutine-attribute", "response = self._session.request(",
    ),
    "async generator in a plain for": Plant(
        "importer.py", "async for product in", "for product in",
        "coroutine-iterated", "for product in",
    ),
    "blocking, four functions below": appended(
        "importer.py", PAUSE, "blocks-loop", "def settle(): clock.sleep",
        ("import_slowly", "begin", "prepare", "settled", "retrying.decorate.wrapper", "settle"),
    ),
    "blocking, the session of an object": appended(
        "importer.py", OLD_SESSION, "blocks-loop", "return self.session.get(url)",
        ("health", "ping_all", "Legacy.ping"),
    ),
    "a bridge": Plant(
        "cli.py", "        if args.command == \"categories\":",
        "        main([])\n        if args.command == \"categories\":",
        "nested-loop", "    return asyncio.run(main_async(argv))", ("main_async", "main"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo after `apply`."""
    root = tmp_path_factory.mktemp("demo") / "shelfsync"
    shutil.copytree(DEMO, root, ignore=shutil.ignore_patterns("__pycache__"))
    assert run(["apply", str(root), "--yes", "--jobs", "1", "--no-cache"]) == 0
    return root


@pytest.fixture
def demo(migrated: Path, tmp_path: Path) -> Path:
    root = tmp_path / "shelfsync"
    shutil.copytree(migrated, root)
    return root


def test_the_demo_is_clean(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*CHECK, str(demo)]) == 0
    assert capsys.readouterr().out.startswith("nothing found in ")


@pytest.mark.parametrize("name", PLANTS)
def test_planted(name: str, demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant = PLANTS[name]
    file = demo / "src" / "shelfsync" / plant.file
    text = file.read_text(encoding="utf-8")
    assert plant.old in text
    text = text.replace(plant.old, plant.new, 1) if plant.old else text + plant.new
    file.write_text(text, encoding="utf-8")
    line = 1 + next(i for i, part in enumerate(text.splitlines()) if plant.at in part)

    assert run([*CHECK, "--format", "json", str(demo)]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    place = (finding["path"], finding["line"], finding["rule"])
    assert place == (f"src/shelfsync/{plant.file}", line, plant.rule)
    if plant.chain:
        assert tuple(step["name"] for step in finding["chain"]) == tuple(plant.chain)


def test_text_has_the_place_the_chain_and_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.py").write_text(
        "import time\n\n\ndef wait():\n    time.sleep(1)\n\n\nasync def main():\n    wait()\n"
    )
    assert run([*CHECK, str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "main.py:5: blocks-loop: `time.sleep` blocks the event loop: the async main reaches it",
        *indent("main.py:9: main\nmain.py:5: wait", "    ").splitlines(),
        "    -> use an async twin, or put the call into a thread: `await asyncio.to_thread(...)`",
        "1 finding in 1 file",
    ]


def test_what_only_a_name_connects_fails_when_strict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.py").write_text(
        "class Api:\n    async def fetch_page(self): ...\n\n\n"
        "def main(api):\n    api.fetch_page()\n"
    )
    assert run([*CHECK, str(tmp_path)]) == 0
    assert "main.py:6: `api.fetch_page(...)` is not awaited" in capsys.readouterr().out
    assert run([*CHECK, "--strict", str(tmp_path)]) == 1


def test_only_the_given_files_are_judged(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (tmp_path / "good.py").write_text("async def fetch(): ...\n")
    (tmp_path / "bad.py").write_text("from good import fetch\nfetch()\n")
    assert run([*CHECK, str(tmp_path / "good.py")]) == 0
    assert run([*CHECK, str(tmp_path / "bad.py")]) == 1
