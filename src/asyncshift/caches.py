"""Decorators of the standard library that keep what a function gives."""

from __future__ import annotations

from collections.abc import Mapping

CACHED_PROPERTY = "functools.cached_property"
MODULE = "_cached"
"""The generated module with the caches that keep what a coroutine gives."""
RESULTS_CACHED: Mapping[str, str] = {
    "functools.lru_cache": f"{MODULE}.lru_cache",
    "functools.cache": f"{MODULE}.cache",
}
CACHES = frozenset({*RESULTS_CACHED, CACHED_PROPERTY})
