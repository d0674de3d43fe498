"""requests to the async client of httpx."""
