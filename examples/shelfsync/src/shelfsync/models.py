"""What the shop sells."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Category:
    slug: str
    title: str

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Category:
        return cls(slug=data["slug"], title=data["title"])


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    category: str
    tags: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Product:
        return cls(
            sku=data["sku"],
            name=data["name"],
            category=data["category"],
            tags=tuple(data.get("tags", ())),
        )


@dataclass(frozen=True)
class Price:
    amount: Decimal
    currency: str

    def converted(self, rate: Decimal, currency: str) -> Price:
        return Price((self.amount * rate).quantize(Decimal("0.01")), currency)


@dataclass
class Shelf:
    """One category with what was found in it."""

    category: Category
    prices: dict[str, Price] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def put(self, product: Product, price: Price) -> None:
        self.names[product.sku] = product.name
        self.prices[product.sku] = price

    @property
    def total(self) -> Decimal:
        return sum((price.amount for price in self.prices.values()), Decimal(0))
