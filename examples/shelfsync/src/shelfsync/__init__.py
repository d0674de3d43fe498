"""Copies a shop's catalogue with prices into a file."""

from .client import ShopClient
from .errors import NotFound, ShopError, ShopUnavailable
from .importer import Importer, confirm, run_import
from .rates import load_rates

__all__ = [
    "Importer",
    "NotFound",
    "ShopClient",
    "ShopError",
    "ShopUnavailable",
    "confirm",
    "load_rates",
    "run_import",
]
