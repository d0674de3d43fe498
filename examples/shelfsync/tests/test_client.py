from decimal import Decimal

import pytest

from shelfsync import NotFound, ShopClient, ShopError, ShopUnavailable
from shelfsync.models import Category


def test_categories(shop):
    assert [category.slug for category in shop.categories()] == ["tea", "cups", "spoons"]


def test_products_of_all_pages(shop, server):
    products = list(shop.products(Category("tea", "Tea")))
    assert [product.sku for product in products] == [f"T{n:02d}" for n in range(8)]
    assert [entry["query"] for entry in server.log] == [
        {"limit": "5"},
        {"limit": "5", "cursor": "5"},
    ]


def test_products_are_read_page_by_page(shop, server):
    assert next(shop.products(Category("tea", "Tea"))).name == "Assam"
    assert len(server.log) == 1


def test_a_flaky_price_is_asked_again(shop, server):
    assert shop.price("T03").amount == Decimal("6.75")
    assert len(server.log) == 2


def test_a_missing_price(shop):
    with pytest.raises(NotFound) as caught:
        shop.price("C04")
    assert caught.value.path == "/products/C04/price"


def test_another_status_is_an_error(server):
    with ShopClient(server.url, "wrong") as shop, pytest.raises(ShopError, match="status 401"):
        shop.categories()


def test_nobody_listens():
    shop = ShopClient("http://127.0.0.1:9", "secret", attempts=2, backoff=0.01)
    with pytest.raises(ShopUnavailable, match="gave up after 2 attempts"):
        shop.categories()
    shop.close()


def test_submit_and_wait(shop, server):
    job = shop.submit({"counts": {"tea": 8}})
    assert job == "job-secret"
    assert shop.wait_for(job, interval=0.01) == "done"
    assert server.log[0]["body"] == {"counts": {"tea": 8}}
