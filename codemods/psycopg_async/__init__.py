"""psycopg 3 to its own async API: the same rows, types, errors and transactions.

Bad:

    def rename(conn, account, name):
        with conn.transaction():
            row = conn.execute("SELECT 1 FROM accounts WHERE id = %s", (account,)).fetchone()
            if row is None:
                raise LookupError(account)
            conn.execute("UPDATE accounts SET name = %s WHERE id = %s", (name, account))

Good:

    async def rename(conn, account, name):
        async with conn.transaction():
            row = await (
                await conn.execute("SELECT 1 FROM accounts WHERE id = %s", (account,))
            ).fetchone()
            if row is None:
                raise LookupError(account)
            await conn.execute("UPDATE accounts SET name = %s WHERE id = %s", (name, account))

`psycopg.connect` becomes `psycopg.AsyncConnection.connect`, cursors are entered and iterated
asynchronously, and an assignment to `autocommit` and the like becomes the call that awaits it.
Connections of a `psycopg_pool.ConnectionPool` stay as they are: an async pool has to be opened on
the event loop.
"""
