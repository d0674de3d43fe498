"""psycopg 3 to asyncpg, with psycopg's names, rows, types, errors and transactions."""
