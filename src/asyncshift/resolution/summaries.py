"""What builtins and the standard library do with what they are given: small tables, no code."""

from __future__ import annotations

ELEMENTS = {
    "list": "all", "tuple": "all", "set": "all", "frozenset": "all", "sorted": "all",
    "reversed": "all", "dict": "all", "collections.deque": "all", "itertools.chain": "all",
    "itertools.islice": "all", "itertools.cycle": "all", "itertools.takewhile": "all",
    "itertools.dropwhile": "all", "itertools.filterfalse": "all", "collections.OrderedDict": "all",
    "collections.defaultdict": "all", "concurrent.futures.as_completed": "all",
    "asyncio.as_completed": "all", "_tasks.as_completed": "all",
    "enumerate": "tuples", "zip": "tuples", "itertools.zip_longest": "tuples",
    "max": "bare", "min": "bare",
}  # fmt: skip
"""Builtin -> its result holds the elements of its arguments, tuples of them, or is one of them."""

GENERICS = {
    "typing.Deque": "collections.deque", "collections.deque": "collections.deque",
    "typing.DefaultDict": "collections.defaultdict",
    "collections.defaultdict": "collections.defaultdict",
    "typing.OrderedDict": "collections.OrderedDict",
    "collections.OrderedDict": "collections.OrderedDict",
    "typing.List": "builtins.list", "builtins.list": "builtins.list",
    "typing.Dict": "builtins.dict", "builtins.dict": "builtins.dict",
    "typing.Set": "builtins.set", "builtins.set": "builtins.set",
}  # fmt: skip
"""Container that may be called with its parameters, `deque[Job]()` -> what makes it."""

SHAPES = {"set": "set", "frozenset": "set", "dict": "dict", "collections.OrderedDict": "dict",
          "collections.defaultdict": "dict", "concurrent.futures.as_completed": "pooled",
          "_tasks.as_completed": "pooled"}  # fmt: skip

POOLED = "pooled"
"""What holds the results of a pool, beside what a table says of it."""

THREADED = {
    "concurrent.futures.ThreadPoolExecutor.submit": "future",
    "concurrent.futures.ThreadPoolExecutor.map": "map",
    "concurrent.futures.Executor.submit": "future",
    "concurrent.futures.Executor.map": "map",
    "concurrent.futures.thread.ThreadPoolExecutor.submit": "future",
    "concurrent.futures.thread.ThreadPoolExecutor.map": "map",
    "multiprocessing.pool.ThreadPool.map": "map",
    "multiprocessing.pool.ThreadPool.imap": "map",
    "multiprocessing.pool.ThreadPool.imap_unordered": "map",
    "multiprocessing.dummy.Pool.map": "map",
    "_tasks.TaskPool.submit": "future",
    "_tasks.TaskPool.map": "map",
    "asyncio.to_thread": "bare",
    "_run_sync.in_thread": "bare",
}
"""They call their first argument: the result is in a future, in a list, or bare."""

WRAPPERS = {
    "_run_sync.run_sync": "run_sync", "_run_sync.iter_sync": "iter_sync",
    "_run_sync.enter_sync": "enter_sync", "_run_sync.run": "run", "asyncio.run": "asyncio.run",
}  # fmt: skip
"""They run what they are given in an event loop -> `Site.wrapper`."""

HOPS = {"asyncio.to_thread": "to_thread", "_run_sync.in_thread": "in_thread"}
"""They call what they are given in a thread, and are awaited for it -> `Site.wrapper`."""

AWAITING = frozenset(
    {"asyncio.wait_for", "asyncio.create_task", "asyncio.ensure_future", "asyncio.shield",
     "asyncio.TaskGroup.create_task", "asyncio.taskgroups.TaskGroup.create_task", *WRAPPERS}
)  # fmt: skip
"""They wait for what they are given and give it.  A coroutine counts as what it returns."""

IDENTITY = (
    frozenset({"copy.copy", "copy.deepcopy", "weakref.proxy", "typing.cast"})
    | frozenset({"typing.get_origin", "typing_extensions.get_origin"})
    | AWAITING
)
"""They give what they are given."""

PARSED = "argparse.Namespace"
DEFAULTS = "argparse.ArgumentParser.set_defaults"
"""It stores its keywords on the namespace that parsing gives: `args.func(args)`."""

GIVEN = {"re.compile": "re.Pattern", "datetime.datetime.now": "datetime.datetime",
         "datetime.datetime.utcnow": "datetime.datetime",
         "argparse.ArgumentParser.add_subparsers": "argparse.Subparsers",
         "argparse.Subparsers.add_parser": "argparse.ArgumentParser",
         "argparse.ArgumentParser.parse_args": PARSED}  # fmt: skip
"""They give instances of these classes."""

HOLDERS = frozenset({"contextlib.nullcontext", "contextlib.closing", "contextlib.aclosing"})
"""Entering what they give, gives what they were given, without entering that."""

CLOSING = "contextlib.closing"
"""It closes what it is given: of generators that is their own `close`."""

LEAVING = {"contextlib.closing": ("close",), "contextlib.ExitStack.push": ("__exit__",),
           "contextlib.AsyncExitStack.push": ("__exit__",)}  # fmt: skip
"""They call these methods of what they are given, some time later."""

ENTERING = frozenset({"enter_context", "enterContext"})
"""Methods by these names enter what they are given, as `with` does."""

CONSUMERS = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "sorted", "reversed", "sum", "min", "max", "any",
     "all", "enumerate", "zip", "map", "filter", "iter", "collections.deque", "collections.Counter",
     "collections.OrderedDict", "functools.reduce", "bytes", "bytearray",
     "itertools.chain", "itertools.chain.from_iterable", "itertools.islice", "itertools.cycle",
     "itertools.takewhile", "itertools.dropwhile", "itertools.filterfalse", "itertools.starmap",
     "itertools.zip_longest", "itertools.accumulate", "itertools.groupby", "itertools.tee",
     "itertools.batched", "itertools.pairwise", "itertools.product", "itertools.permutations",
     "itertools.combinations", "itertools.compress", "heapq.merge", "heapq.nlargest",
     "heapq.nsmallest", "statistics.mean", "statistics.median", "math.fsum", "math.prod"}
)  # fmt: skip
"""They iterate over their arguments and keep nothing else."""

MAPPED = {"map": "", "filter": "", "itertools.starmap": "", "itertools.filterfalse": "",
          "sorted": "key", "min": "key", "max": "key"}  # fmt: skip
"""They call a function with one item after the other -> its keyword, or it comes first."""

METHOD_CONSUMERS = {
    "join": "str.join", "extend": "list.extend", "extendleft": "collections.deque.extendleft",
    "update": "set.update", "writelines": "io.writelines", "union": "set.union",
    "intersection": "set.intersection", "difference": "set.difference",
}  # fmt: skip
"""Methods of builtin types that iterate over their argument."""

HARMLESS = frozenset(
    {"print", "isinstance", "issubclass", "str", "repr", "type", "id", "bool", "hasattr", "len",
     "callable", "format", "staticmethod", "ascii", "hash", "dir", "iter", "next", "super",
     "inspect.signature", "inspect.isgenerator", "inspect.iscoroutinefunction",
     "inspect.isclass", "inspect.isfunction", "inspect.isgeneratorfunction",
     "inspect.isasyncgenfunction", "inspect.isasyncgen", "inspect.iscoroutine", "inspect.ismethod",
     "inspect.getdoc", "inspect.getsource", "inspect.unwrap", "functools.update_wrapper",
     "functools.wraps",
     "functools.partial", "functools.partialmethod", "typing.cast", "asyncio.run",
     "contextlib.ExitStack.enter_context",
     "contextlib.AsyncExitStack.enter_context", "contextlib.nullcontext", "warnings.warn",
     "contextlib.aclosing", "aiter", "anext", "asyncio.gather", "asyncio.as_completed",
     "asyncio.iscoroutine", "asyncio.iscoroutinefunction", *AWAITING}
)  # fmt: skip
"""They neither call nor keep what they are given."""

GIVEN_BACK = {"dataclasses.field": "default", "typing.TypeVar": "bound",
              "typing_extensions.TypeVar": "bound"}  # fmt: skip
"""The keyword argument that stands for what a call gives."""

PLAIN_BASES = frozenset(
    {"builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol"}
    | {"typing_extensions.Protocol"}
)
"""Base classes that take no part in making an object."""

ITERATOR_BASES = frozenset(
    {"collections.abc.Iterable", "collections.abc.Iterator", "typing.Iterable", "typing.Iterator"}
)
"""Base classes that only say which protocol a class has, and have an async twin."""

ITERATOR_CLASSES = ITERATOR_BASES | frozenset(
    {"collections.abc.Generator", "typing.Generator", "types.GeneratorType"}
)
"""What `isinstance` asks for where an async iterator is none."""

ASKING = frozenset({"isinstance", "inspect.isgenerator"})
