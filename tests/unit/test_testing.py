"""Which tests turn, in which run, and what of them stays sync."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from asyncshift.cli import run

SHOP = "import time\n\n\ndef price(name):\n    time.sleep(0)\n    return len(name)\n"


def migrated(root: Path, test: str, *options: str, name: str = "test_shop.py") -> str:
    (root / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    (root / "shop.py").write_text(SHOP)
    (root / name).write_text(dedent(test))
    assert run(["apply", str(root), "--yes", "--jobs", "1", *options]) == 0
    return (root / name).read_text()


CASE = """\
    import unittest

    import shop


    class TestShop(unittest.TestCase):
        def test_price(self):
            self.assertEqual(shop.price("a"), 1)
"""


def test_a_run_over_everything_turns_test_cases(tmp_path: Path) -> None:
    after = migrated(tmp_path, CASE)
    assert "class TestShop(unittest.IsolatedAsyncioTestCase):" in after
    assert "    async def test_price(self):\n        self.assertEqual(await shop.price" in after


def test_a_step_leaves_tests_that_are_not_selected(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("def name():\n    return 1\n")
    assert migrated(tmp_path, CASE, "--module", "shop") == dedent(CASE)
    assert "async def price_async(name):" in (tmp_path / "shop.py").read_text()
    after = migrated(tmp_path, CASE, "--module", "shop", "--module", "test_shop")
    assert "self.assertEqual(await shop.price_async" in after


@pytest.mark.parametrize(
    ("was", "is_", "why"),
    [
        ("unittest.TestCase", "Other", "a base from elsewhere"),
        (
            "unittest.TestCase):\n        def run",
            "unittest.TestCase):\n        def run",
            "its own run",
        ),
    ],
)
def test_test_cases_that_are_run_otherwise_stay(
    tmp_path: Path, was: str, is_: str, why: str
) -> None:
    source = CASE.replace("import shop\n", "import shop\n    from helpers import Other\n")
    if "run" in was:
        source += "\n        def run(self, result=None):\n            return super().run(result)\n"
    else:
        source = source.replace(was, is_)
    after = migrated(tmp_path, source)
    assert "Isolated" not in after, why
    assert "self.assertEqual(run_sync(shop.price(" in after


PYTEST = """\
    import pytest

    import shop


    @pytest.fixture
    def paid():
        return shop.price("ab")


    def test_price(paid):
        assert paid == 2
        assert shop.price("a") == 1
"""


def test_pytest_waits_through_bridges_where_no_plugin_is_known(tmp_path: Path) -> None:
    assert "async def" not in migrated(tmp_path, PYTEST)


def test_pytest_turns_where_that_is_wanted(tmp_path: Path) -> None:
    after = migrated(tmp_path, PYTEST, "--tests", "async")
    assert "async def paid():\n    return await shop.price" in after
    assert "async def test_price(paid):" in after
    assert 'asyncio_mode = "auto"' in (tmp_path / "pyproject.toml").read_text()


def test_marked_tests_are_not_marked_again(tmp_path: Path) -> None:
    marked = PYTEST.replace(
        "import shop\n", "import shop\n\n    pytestmark = pytest.mark.asyncio\n"
    )
    after = migrated(tmp_path, marked)
    assert "@pytest.mark.asyncio" not in after
    assert "@pytest_asyncio.fixture\nasync def paid():" in after
    assert "[tool.pytest" not in (tmp_path / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    "body",
    [
        "def setup_method(self):\n        self.price = shop.price('a')",
        "def setup_class(cls):\n        cls.price = shop.price('a')",
        "@unknown\n    def test_price(self):\n        shop.price('a')",
    ],
)
def test_what_pytest_never_awaits_stays(tmp_path: Path, body: str) -> None:
    text = f"import shop\nfrom helpers import unknown\n\n\nclass TestShop:\n    {body}\n"
    after = migrated(tmp_path, text, "--tests", "async")
    assert "async def" not in after
    assert "run_sync(shop.price('a'))" in after


def test_a_mixin_has_what_the_classes_behind_it_declare(tmp_path: Path) -> None:
    """`do_GET` is called by the server, although the mixin knows nothing of it."""
    text = """\
        import http.server

        import shop


        class Prices:
            def do_GET(self):
                self.show(shop.price(self.path))

            def show(self, value):
                print(value)


        class Handler(Prices, http.server.BaseHTTPRequestHandler):
            pass
    """
    after = migrated(tmp_path, text, name="server.py")
    assert "    def do_GET(self):\n        self.show(run_sync(shop.price(self.path)))" in after


def test_own_waits_of_tests_are_no_reason_to_turn(tmp_path: Path) -> None:
    text = "import time\nimport unittest\n\n\nclass T(unittest.TestCase):\n    def test_x(self):\n"
    text += "        time.sleep(0)\n"
    assert migrated(tmp_path, text) == text
