"""The one exception that means: the call or the input was wrong (exit status 2)."""

from __future__ import annotations


class InputError(Exception):
    """Something the user can mend: a path, an option, a table, a file.

    `cli` catches it in one place and prints `path:line: message` with the hint below it; nothing
    has been written when it is raised.
    """

    def __init__(
        self,
        message: str,
        path: str | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Worker processes hand it back to the main one, so it must survive pickling."""
        return (type(self), (self.message, self.path, self.line, self.hint))

    def __str__(self) -> str:
        place = ""
        if self.path is not None:
            place = f"{self.path}:{self.line}: " if self.line is not None else f"{self.path}: "
        tail = f"\n  {self.hint}" if self.hint else ""
        return f"{place}{self.message}{tail}"
