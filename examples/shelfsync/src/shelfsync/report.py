"""What an import found, for people and for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .models import Shelf


def lines(shelves: Iterable[Shelf]) -> Iterator[str]:
    for shelf in sorted(shelves, key=lambda shelf: shelf.category.slug):
        yield f"{shelf.category.title}: {len(shelf.prices)} products, {shelf.total} in all"
        for sku, price in sorted(shelf.prices.items()):
            yield f"  {sku:<10} {shelf.names[sku]:<22} {price.amount:>8} {price.currency}"
        for sku in sorted(shelf.missing):
            yield f"  {sku:<10} has no price"


def as_json(shelves: Iterable[Shelf]) -> dict[str, Any]:
    return {
        shelf.category.slug: {
            "title": shelf.category.title,
            "prices": {sku: str(price.amount) for sku, price in sorted(shelf.prices.items())},
            "missing": sorted(shelf.missing),
        }
        for shelf in shelves
    }


def write(path: Path, shelves: Iterable[Shelf]) -> None:
    path.write_text(json.dumps(as_json(shelves), indent=2) + "\n", encoding="utf-8")
