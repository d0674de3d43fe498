"""Category by category, product by product, price by price."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from decimal import Decimal

from .client import ShopClient
from .errors import ImportRejected, NotFound
from .models import Category, Price, Shelf
from .rates import load_rates

log = logging.getLogger(__name__)


@dataclass
class Importer:
    """Reads a shop's catalogue; prices come out in one currency."""

    shop: ShopClient
    rates: dict[str, Decimal]
    currency: str = "EUR"

    def run(self) -> list[Shelf]:
        shelves = [self.read_shelf(category) for category in self.shop.categories()]
        log.info("%d shelves", len(shelves))
        return shelves

    def read_shelf(self, category: Category) -> Shelf:
        shelf = Shelf(category)
        for product in self.shop.products(category):
            try:
                price = self.shop.price(product.sku)
            except NotFound:
                shelf.missing.append(product.sku)
                continue
            shelf.put(product, self.in_currency(price))
        return shelf

    def in_currency(self, price: Price) -> Price:
        return price.converted(self.rates[price.currency], self.currency)


def confirm(shop: ShopClient, shelves: list[Shelf]) -> str:
    """Tell the shop what was read and wait until it has taken it."""
    counts = {shelf.category.slug: len(shelf.prices) for shelf in shelves}
    state = shop.wait_for(shop.submit({"counts": counts}))
    if state != "done":
        raise ImportRejected(f"the shop says: {state}")
    return state


def run_import(base_url: str, token: str, currency: str = "EUR") -> list[Shelf]:
    """A whole import: read everything, confirm it."""
    rates = load_rates(base_url, currency)
    with ShopClient(base_url, token) as shop:
        shelves = Importer(shop, rates, currency).run()
        confirm(shop, shelves)
    return shelves
