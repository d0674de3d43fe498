"""Copies a shop's catalogue with prices into a file."""

from .client import ShopClient
from .errors import NotFound, ShopError, ShopUnavailable
from .importer import Importer, run_import

__all__ = ["Importer", "NotFound", "ShopClient", "ShopError", "ShopUnavailable", "run_import"]
