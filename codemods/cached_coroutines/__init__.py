"""Caches of functions that turned async.

Bad: the cache keeps the coroutine, which can be awaited once.

    @functools.lru_cache(maxsize=64)
    async def rate(currency):
        return await fetch(currency)

Good: it keeps the result.

    @_cached.lru_cache(maxsize=64)
    async def rate(currency):
        return await fetch(currency)

Keys, order, `cache_info()`, `cache_clear()` and what happens to exceptions are those of the
standard library.  A function that stays sync keeps its decorator, and so does a generator.
"""
