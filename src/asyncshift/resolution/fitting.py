"""Which methods a call can mean, by nothing but its arguments."""

from __future__ import annotations

from asyncshift import facts as f
from asyncshift.facts import Op
from asyncshift.resolution.flow import Fn

_PLAIN_DECORATORS = frozenset({"staticmethod", "classmethod", "abc.abstractmethod"})


def fits(fn: Fn, op: Op) -> bool:
    """Whether a method can be called with such arguments at all."""
    _, _, _, args, keywords, _ = op
    facts = fn.facts
    if any(name not in _PLAIN_DECORATORS for name, _ in facts.decorators):
        return True  # a wrapper may take anything
    starred = any(argument < f.CONSTANT for argument in args)
    skipped = 0 if facts.flags & f.STATICMETHOD else 1
    if facts.vararg <= 0 and not starred and len(args) > len(fn.params) - skipped:
        return False
    if facts.kwarg > 0:
        return True
    known = {name for name, _ in (*fn.params[skipped:], *fn.kwonly)}
    return all(name is None or name in known for name, _ in keywords)
