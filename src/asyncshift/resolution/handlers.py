"""What handlers do with the exceptions by which iteration ends."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from asyncshift.facts import CAUGHT, ENDING


def stopped_by(handlers: list[ast.ExceptHandler]) -> int:
    """What the handlers of a `try` do with StopIteration: the flag of what stands in its body."""
    for handler in handlers:
        types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        caught = CAUGHT if handler.type is None else caught_by(types)
        if caught == ENDING or (caught and not _raises(handler)):
            return caught
    return 0


def sees_closing(handler: ast.ExceptHandler) -> bool:
    """Whether a handler runs where a generator is closed."""
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {kind.id for kind in types if isinstance(kind, ast.Name)}
    return handler.type is None or bool(names & {"BaseException", "GeneratorExit"})


def caught_by(types: Iterable[ast.expr | None]) -> int:
    names = {kind.id for kind in types if isinstance(kind, ast.Name)}
    if "StopIteration" in names:
        return ENDING
    return CAUGHT if names & {"Exception", "BaseException"} else 0


def _raises(handler: ast.ExceptHandler) -> bool:
    """Whether a handler may raise again what it caught."""
    raised = [n for part in handler.body for n in ast.walk(part) if isinstance(n, ast.Raise)]
    return any(
        one.exc is None or (isinstance(one.exc, ast.Name) and one.exc.id == handler.name)
        for one in raised
    )
