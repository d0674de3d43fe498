"""psycopg 3 to its own async API: the same rows, types, errors and transactions."""
