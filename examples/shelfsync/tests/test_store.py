import os
from collections.abc import Iterator
from decimal import Decimal

import pytest

from shelfsync.cli import main
from shelfsync.errors import StoreError
from shelfsync.models import Category, Price, Product, Shelf
from shelfsync.store import Store, Stored, opened

DSN = os.environ.get("SHELFSYNC_TEST_DSN", "")
pytestmark = pytest.mark.skipif(not DSN, reason="SHELFSYNC_TEST_DSN names no database")


@pytest.fixture
def store() -> Iterator[Store]:
    with opened(DSN) as store:
        store.drop()
        store.prepare()
        yield store


def shelf(**amounts: str) -> Shelf:
    found = Shelf(Category("tea", "Tea"))
    for sku, amount in amounts.items():
        found.put(Product(sku, f"Tea {sku}", "tea"), Price(Decimal(amount), "EUR"))
    return found


def test_save(store):
    assert store.save([shelf(A="1.10", B="2")], "EUR") == 1
    assert store.save([], "USD") == 2
    assert list(store.imports()) == [
        Stored(2, "USD", 0, Decimal(0)),
        Stored(1, "EUR", 2, Decimal("3.10")),
    ]


def test_all_or_nothing(store):
    with pytest.raises(StoreError, match="not stored: prices_amount_check"):
        store.save([shelf(A="1"), shelf(B="0")], "EUR")
    with pytest.raises(StoreError, match="not stored: prices_pkey"):
        store.save([shelf(A="1"), shelf(A="2")], "EUR")
    assert list(store.imports()) == []


def test_find(store):
    store.save([shelf(A="9"), shelf(B="1", C="5")], "EUR")
    assert [row[0] for row in store.find("tea")] == ["B", "C", "A"]
    assert store.find("TEA", Decimal("5")) == [("B", "Tea B", Decimal("1.00"))]
    assert store.find("100%") == []


def test_keep(store):
    for _ in range(4):
        store.save([shelf(A="1")], "EUR")
    assert store.keep(3) == 1
    assert store.keep(3) == 0
    assert [one.number for one in store.imports()] == [4, 3, 2]


def test_command_line(server, store, capsys):
    common = ["--url", server.url, "--token", "t"]
    assert main([*common, "import", "--database", DSN]) == 0
    assert "stored as import 1, 0 forgotten" in capsys.readouterr().out
    assert main([*common, "stored", "--database", DSN, "--find", "cup", "--below", "6"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "  1    15 products     97.42 EUR",
        "  C01        Espresso-cup               3.91",
    ]


def test_an_empty_database(server, store, capsys):
    store.drop()
    assert main(["--url", server.url, "--token", "t", "stored", "--database", DSN]) == 1
    assert "nothing is stored in this database (42P01)" in capsys.readouterr().err
