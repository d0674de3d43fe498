"""psycopg2 to asyncpg, or to psycopg's async API, behind the names of psycopg2."""
