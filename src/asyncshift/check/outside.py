"""What code outside the project does with a coroutine that it is given: tables, no logic."""

from __future__ import annotations

import re

from asyncshift.check.values import How

COROUTINE_FUNCTIONS = frozenset(
    {"asyncio.sleep", "asyncio.wait", "asyncio.wait_for", "asyncio.to_thread",
     "asyncio.open_connection", "asyncio.open_unix_connection", "asyncio.start_server",
     "asyncio.start_unix_server", "asyncio.create_subprocess_exec",
     "asyncio.create_subprocess_shell", "anyio.sleep", "anyio.sleep_forever",
     "anyio.to_thread.run_sync", "anyio.run_process", "anyio.open_file", "trio.sleep",
     "asyncio.staggered.staggered_race", "asyncio.tasks.sleep"}
)  # fmt: skip
"""Functions of a library that give a coroutine, whatever the tables know."""

ASKING = re.compile(
    r"(^|[._])(iscoroutine|iscoroutinefunction|isawaitable|isasyncgen|isasyncgenfunction|"
    r"_?is_?(in_)?(async|coroutine|awaitable|coro)\w*|maybe_(await|async)\w*|get_running_loop)$"
)
"""Code that asks at run time what it has got is believed."""
ASYNC_CLASSES = re.compile(
    r"(^|\.)(Awaitable|Coroutine|AsyncIterator|AsyncIterable|AsyncGenerator|CoroutineType)$"
)

LOOKING = frozenset(
    {"isinstance", "issubclass", "hasattr", "getattr", "callable", "type", "id", "vars", "dir",
     "setattr", "delattr", "super"}
)  # fmt: skip
"""They only look; nothing follows from it."""

CONTAINERS = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "reversed", "iter", "collections.deque",
     "itertools.chain", "itertools.chain.from_iterable", "itertools.islice", "itertools.cycle",
     "itertools.tee", "copy.copy"}
)  # fmt: skip
PAIRING = frozenset({"enumerate", "zip", "itertools.zip_longest", "itertools.product"})

CONSUMERS = {
    "sum": How.OPERATOR, "any": How.TRUTH, "all": How.TRUTH, "sorted": How.COMPARED,
    "min": How.COMPARED, "max": How.COMPARED, "collections.Counter": How.COMPARED,
    "math.fsum": How.OPERATOR, "math.prod": How.OPERATOR, "statistics.mean": How.OPERATOR,
    "statistics.median": How.OPERATOR, "heapq.nlargest": How.COMPARED,
    "heapq.nsmallest": How.COMPARED, "bytes": How.OPERATOR, "bytearray": How.OPERATOR,
}  # fmt: skip
"""Builtins that iterate over their argument, and what they do with each element."""
KEYED = frozenset({"sorted", "min", "max", "heapq.nlargest", "heapq.nsmallest", "sort"})

DIRECT = {
    "str": How.FORMATTED, "repr": How.FORMATTED, "ascii": How.FORMATTED, "format": How.FORMATTED,
    "print": How.FORMATTED, "bool": How.TRUTH, "len": How.OPERATOR, "int": How.OPERATOR,
    "float": How.OPERATOR, "abs": How.OPERATOR, "round": How.OPERATOR, "hash": How.OPERATOR,
    "divmod": How.OPERATOR, "pow": How.OPERATOR, "ord": How.OPERATOR, "chr": How.OPERATOR,
    "next": How.ITERATED, "complex": How.OPERATOR, "hex": How.OPERATOR, "bin": How.OPERATOR,
    "open": How.HANDED, "exec": How.HANDED, "eval": How.HANDED,
}  # fmt: skip
"""Builtins and what they do with what they are given."""

_DATA = """
    json simplejson ujson orjson rapidjson yaml toml tomllib tomli_w msgpack pickle marshal csv
    configparser plistlib re math cmath statistics decimal fractions numbers datetime time calendar
    zoneinfo os posixpath ntpath pathlib shutil glob fnmatch tempfile io struct base64 binascii
    hashlib hmac secrets random string textwrap difflib html urllib uuid zlib gzip bz2 lzma zipfile
    tarfile subprocess socket ipaddress sqlite3 pprint shlex unicodedata locale getpass platform
    email mimetypes smtplib ftplib xml bisect operator webbrowser requests numpy pandas
"""
DATA_MODULES = frozenset(_DATA.split())
"""Top modules that work on data: they can do nothing with a coroutine."""

LOGGING = re.compile(r"(^|[._])(log|logger|logging|LOG|LOGGER)$")
LOG_METHODS = frozenset(
    {"debug", "info", "warning", "warn", "error", "exception", "critical", "log"}
)

OWN_ATTRIBUTES = re.compile(r"close|send|throw|__\w+__|(cr|ag|gi)_\w+|a(send|throw|close)$")
"""Attributes that coroutines and async generators have."""

PUTTING = frozenset({"append", "add", "appendleft", "insert", "put", "put_nowait", "push"})
SPREADING = frozenset({"extend", "extendleft", "update"})
TAKING = frozenset({"pop", "popleft", "get", "get_nowait", "popitem"})
GIVING = frozenset({"values", "copy", "items"})

OFF_LOOP = frozenset(
    {"submit", "map", "imap", "imap_unordered", "apply_async", "map_async", "starmap",
     "run_in_executor", "to_thread", "in_thread", "run_in_threadpool", "sync_to_async"}
)  # fmt: skip
"""Methods and functions that run their argument on another thread."""
HOPS = frozenset({"to_thread", "in_thread", "run_in_threadpool"})
"""Of those, the ones that are coroutine functions."""
CALLERS = frozenset(
    {"threading.Thread", "threading.Timer", "signal.signal", "atexit.register", "re.sub",
     "asyncio.to_thread", "anyio.to_thread.run_sync", "functools.reduce", "weakref.finalize",
     "collections.defaultdict"}
)  # fmt: skip
"""They call what they are given, now or later, and cannot await what it gives."""
CALLING_METHODS = frozenset(
    {"call_soon", "call_later", "call_at", "call_soon_threadsafe", "run_in_executor",
     "add_done_callback", "add_signal_handler", "add_reader", "add_writer", "in_thread"}
)  # fmt: skip

ON_LOOP = frozenset({"call_soon", "call_later", "call_at", "call_soon_threadsafe", "add_reader",
                     "add_done_callback", "add_signal_handler", "add_writer"})  # fmt: skip
"""Methods that run their argument on the event loop."""

CACHES = frozenset(
    {"functools.lru_cache", "functools.cache", "functools.cached_property", "cachetools.cached",
     "cachetools.cachedmethod", "cachetools.func.ttl_cache", "cachetools.func.lru_cache",
     "django.utils.functional.cached_property", "werkzeug.utils.cached_property",
     "cached_property.cached_property", "joblib.Memory.cache"}
)  # fmt: skip
"""Decorators that keep what the function gave: a coroutine that was awaited once raises."""

TRANSPARENT = re.compile(
    r"^((typing|typing_extensions|abc|functools|tenacity|backoff|stamina|deprecated|warnings|mock|"
    r"unittest\.mock)\..*|pytest\.mark\..*|property|staticmethod|classmethod|override|final|"
    r"contextlib\.(async)?contextmanager|.*\.(get|post|put|patch|delete|head|options|route|"
    r"websocket|api_route|on_event|middleware|exception_handler|setter|listens_for|"
    r"cached_property)|_cached\..*)$"
)
"""Decorators outside the project that leave an `async def` what it is."""
ROUTES = re.compile(
    r"\.(get|post|put|patch|delete|head|options|route|websocket|api_route|on_event)$"
)

SYNC_DUNDERS = frozenset(
    {"__init__", "__str__", "__repr__", "__bytes__", "__format__", "__bool__", "__len__",
     "__hash__", "__int__", "__float__", "__complex__", "__index__", "__eq__", "__ne__", "__lt__",
     "__le__", "__gt__", "__ge__", "__contains__", "__iter__", "__next__", "__enter__", "__exit__",
     "__del__", "__setattr__", "__setitem__", "__delitem__", "__delattr__", "__init_subclass__",
     "__set_name__", "__post_init__", "__sizeof__", "__reversed__", "__length_hint__"}
)  # fmt: skip
"""Methods that Python calls itself, and whose result it uses at once."""
