"""asyncshift migrates synchronous Python code to asyncio."""

__version__ = "0.1.0"
