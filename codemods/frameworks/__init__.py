"""Frameworks that call the project: they await a handler that is async, or bind things to threads.

Nothing of them is rewritten.  A FastAPI endpoint may turn async, because FastAPI awaits it then.
What belongs to one thread (a scoped session, Django's connection) is used in one thread for a
whole unit of work: never an insert in one `to_thread` and the commit in another.

    Bad:
        @app.get("/price")
        def price(name: str):
            return shop.price(name)

    Good:
        @app.get("/price")
        async def price(name: str):
            return await shop.price(name)
"""
