"""Locks that are held across an await.

Bad: the second coroutine that enters the lock stops the event loop, and so the first one never
gets on to leave it.

    async def refresh(self):
        with self._lock:
            self._token = await self._fetch()

Good:

    async def refresh(self):
        async with self._lock:
            self._token = await self._fetch()

A lock moves to its asyncio form only where an await stands below it and all its users turned async;
where one of them stays sync, the functions that would await below it stay sync as well.  Locks that
are never held across an await are left alone.
"""
