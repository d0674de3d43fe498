"""Comments by which people tell asyncshift what to do: `# asyncshift: ignore (reason)`.

`keep-sync` stands on the line of a `def`, whose function does not turn; `thread` where a library is
called, which goes to a thread; `ignore` where `check` finds something that is meant so.  A comment
that has a line for itself is about the next one.
"""

from __future__ import annotations

import difflib
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

KEEP_SYNC, THREAD, IGNORE = WORDS = ("keep-sync", "thread", "ignore")
_COMMENT = re.compile(r"#\s*asyncshift:\s*(?P<word>[\w-]+)\s*(?:\((?P<reason>.*)\))?")
_MARKER = "asyncshift:"


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment: where it stands, the line that it is about, its word and its reason."""

    path: str
    line: int
    about: int
    word: str
    reason: str

    @property
    def nearest(self) -> str:
        """The word that was meant, where this is none."""
        return next(iter(difflib.get_close_matches(self.word, WORDS, n=1, cutoff=0.0)))


def comments_in(path: str, text: str) -> Iterator[Comment]:
    """The comments of a file, in order; strings that look like them are none."""
    if _MARKER not in text:
        return
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text, newline="").readline))
    except (tokenize.TokenError, SyntaxError):
        return  # nothing that parses ends here
    for token in tokens:
        found = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if found is not None:
            alone = not token.line[: token.start[1]].strip()
            line = token.start[0]
            reason = (found["reason"] or "").strip()
            yield Comment(path, line, line + alone, found["word"], reason)
