"""What the rewriters said of a file in an earlier run: asked again, they would say the same.

An answer depends on the file, on what is asked of it, and on the settings, tables and code of the
tool; all of it is in the key.  A step on one module asks about the whole goal, and most of that
has not changed since the step before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TypeVar

from asyncshift.cache import FactsCache
from asyncshift.config import Config
from asyncshift.model import SourceFile
from asyncshift.pages import identity

T = TypeVar("T")
R = TypeVar("R")


def asked(
    ask: Callable[[list[T]], list[R]],
    items: Sequence[T],
    about: Callable[[T], tuple[SourceFile, object]],
    config: Config,
    kind: str,
) -> list[R]:
    """The answers about all items in order; `ask` is given those that nobody asked before.

    `about` tells an item's file and the rest of the question, whose `repr` says all of it.
    """
    if not config.cache:
        return ask(list(items))
    same = identity(config)
    keys = [f"{kind}:{same}:{_key(*about(item))}" for item in items]
    with closing(FactsCache[R](config.cache)) as cache:
        known = [cache.get(key) for key in keys]
        missing = [item for item, answer in zip(items, known, strict=True) if answer is None]
        fresh = iter(ask(missing))
        found: list[R] = []
        for key, answer in zip(keys, known, strict=True):
            if answer is None:
                answer = next(fresh)
                cache.put(key, answer)
            found.append(answer)
    return found


def _key(file: SourceFile, question: object) -> str:
    text = repr((file.path, file.module, file.is_package, file.digest, question))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
