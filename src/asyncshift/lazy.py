"""Functions of the standard library that hand on items one by one, and their async forms."""

from __future__ import annotations

MODULE = "_aiter"
"""The generated module that has them all; asyncstdlib has them under the same names."""
_BUILTINS = ("enumerate", "filter", "map", "zip")
_ITERTOOLS = (
    *("accumulate", "batched", "chain", "chain.from_iterable", "compress", "cycle", "dropwhile"),
    *("filterfalse", "islice", "pairwise", "starmap", "takewhile", "zip_longest"),
)
CONSUMERS = frozenset(_BUILTINS) | {f"itertools.{name}" for name in _ITERTOOLS}
"""As the call graph names them."""
SYNC_FORMS = {
    **{f"asyncstdlib.{name}": f"builtins.{name}" for name in _BUILTINS},
    **{f"asyncstdlib.{name}": f"itertools.{name}" for name in _ITERTOOLS},
    **{f"{MODULE}.{name}": f"builtins.{name}" for name in _BUILTINS},
    **{f"{MODULE}.{name.replace('.', '_')}": f"itertools.{name}" for name in _ITERTOOLS},
}
"""What takes async iterables as well -> what takes sync ones only."""
