"""`time.sleep` to `asyncio.sleep`."""
