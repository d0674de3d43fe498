"""Facts of one file: flat, relocatable constraints over stdlib `ast`, without any table in sight.

A file becomes a list of *nodes* (places that hold values, numbered from 1; node 0 is "something
unknown", -1 is "a constant, nothing that can be called") and of *operations* between them.  The
solver adds a base to every number.  What only matters for reporting, the spans, lives in a second
table (`sites`), so that an edit that merely moves lines leaves the operations alone.

Operations, each a tuple that starts with its code:

    COPY(dst, src)                  FUNC(dst, function)         CLS(dst, class)
    BOX(dst, elem, kind)            SUPER(dst, class, bound)    IMP(dst, module, name, site)
    LOAD(dst, src, attr)            STORE(base, attr, src, site)
    CALL(dst, fn, args, keywords, site)      DEC(dst, decorator, src, site)
    ITER(dst, src, site, consumer)  WITH(dst, src, site)        SUB(dst, src, key, site)
    SETSUB(base, key, src, site)    SEED(dst, class, site)      KIND(dst, src, how)

Arguments are nodes; a starred one is `~node`.  Keywords are `(name, node)`, `**x` has no name.
A box has two nodes: `elem` holds what was put in by an unknown key, `elem + 1` everything.
"""

from __future__ import annotations

import ast
import re
import sys
import threading
import warnings
from operator import itemgetter
from typing import Any, NamedTuple

from asyncshift.model import SourceFile, Span

UNKNOWN = 0
CONSTANT = -1
KEYED = 16
"""So many elements of a list are told apart by their index."""

(COPY, FUNC, CLS, BOX, SUPER, IMP, LOAD, STORE, CALL, DEC, ITER, WITH, SUB, SETSUB, SEED, KIND) = (
    range(16)
)
(ATTR, MENTION, TRUTH, EXCEPT, BASE, TYPE, REBOUND) = range(32, 39)
"""Marks: reported, never solved.  ATTR(src, attr, dst, site), the others (src, site).  TYPE: an
annotation names what may have an async form, and src is what it describes.  REBOUND(variable, src):
one of several values that a variable is given one after the other."""

AWAITED, MAIN, CALLEE, VARIABLE, STEP, ASKED, CAUGHT, ENDING, LEAVES, YIELDS = (
    1 << bit for bit in range(10)
)
"""Flags of a site: under await, in the main guard, the callee of a call, called by the name of a
variable, a step of a longer dotted name, a call of what code asked for its kind before (`if
iscoroutinefunction(f)`), where StopIteration is caught by any handler, where one waits for it,
what a loop iterates that can end early, that yields."""

KEPT = "**"
"""The pattern of a namespace that is kept: what is looked up there is called later, if at all."""

PROPERTY, STATICMETHOD, CLASSMETHOD, MANAGER, ASYNC, GENERATOR, RETURNS, SETTER, OVERLOAD, FIXED = (
    1 << bit for bit in range(10)
)
INTERRUPTED = 1 << 10
"""It catches KeyboardInterrupt."""
NAMING = 1 << 12
"""It reads the `__name__` of something."""
ENDED = 1 << 11
"""A generator that does something when it is closed: a `yield` stands in `with`, or before
`finally`."""
STUB = 1 << 13
"""Its body does nothing, or says that nothing is implemented."""
"""Flags of a function.  FIXED: it uses `global`, `nonlocal` or a class, so it is never cloned."""

Op = tuple[Any, ...]


class FunctionFacts(NamedTuple):
    """One function, lambda, generator expression, module or class body.

    `params` are (name, node) of the positional ones, `kwonly` of the keyword-only ones.  The ranges
    (`nodes`, `ops`, `marks`, `inner`) hold everything inside, so that a body can be copied.
    """

    name: str
    kind: str
    line: int
    column: int
    span: Span
    parent: int
    cls: int
    flags: int
    params: tuple[tuple[str, int], ...] = ()
    kwonly: tuple[tuple[str, int], ...] = ()
    vararg: int = CONSTANT
    kwarg: int = CONSTANT
    positional_only: int = 0
    returned: int = CONSTANT
    yielded: int = CONSTANT
    decorators: tuple[tuple[str, int], ...] = ()
    """(as written or dotted by the imports, node of the decorator without its call)."""
    pragma: str | None = None
    facade: tuple[int, int] | None = None
    """It only runs a coroutine: (function, site of its call), if what it calls is a bridge."""
    nodes: tuple[int, int] = (0, 0)
    ops: tuple[int, int] = (0, 0)
    marks: tuple[int, int] = (0, 0)
    inner: tuple[int, int] = (0, 0)


class ClassFacts(NamedTuple):
    """One class: its bases as (node, text, site), its names, its fields in order of declaration,
    and those of its names that annotations only declare."""

    name: str
    function: int
    bases: tuple[tuple[int, str, int], ...]
    attrs: tuple[tuple[str, int], ...]
    fields: tuple[tuple[str, int], ...]
    setters: tuple[tuple[str, int], ...]
    decorators: tuple[str, ...]
    metaclass: str = ""
    """As written, dotted by the imports; empty without one."""
    declared: tuple[str, ...] = ()


class FileFacts(NamedTuple):
    """Everything the later steps know of one file.  Made by `extract`, read by the call graph."""

    path: str
    module: str
    is_package: bool
    nodes: int
    ops: tuple[Op, ...]
    marks: tuple[Op, ...]
    functions: tuple[FunctionFacts, ...]
    classes: tuple[ClassFacts, ...]
    sites: tuple[tuple[Span, str, int, str, int], ...]
    """(span, protocol, index of the enclosing function, label, flags): bare tuples, because there
    are two for every line."""
    regions: dict[int, Span]
    """Site of an except clause -> what it guards."""
    doubles: dict[int, tuple[tuple[str, ...], bool, bool]]
    """Site of a call with `**`: names seen, own `**` parameter flows in, all names known."""
    handed: dict[int, tuple[Span, str]]
    passing: dict[int, int]
    """Site of a call to something named `to_thread` -> the place of its first argument."""
    names: dict[str, int]
    """Name in the module -> its node."""
    aliases: dict[str, str]
    """Name that an import gives by `as`, anywhere in the file -> the last part of what it stands
    for."""
    exports: tuple[str, ...] | None
    stars: tuple[str, ...]
    free: tuple[tuple[str, int], ...]
    """Names bound nowhere in the file: builtins, or from a star import."""
    imports: tuple[str, ...]
    """Modules imported at module level, absolute."""
    named: dict[int, tuple[str, ...]]
    """Site of a call that reaches attributes of its first argument by their names, as
    `patch.object(api, "fetch")` does -> the names, with a star for what is computed."""
    strings: tuple[tuple[str, int, bool], ...]
    """(text, line, it is patched) of string constants that look like a dotted path:
    `mock.patch("pkg.client.requests.get")`."""
    texts: tuple[tuple[str, int], ...]
    """(name, line) of attributes that are asked for without a dot: `hasattr(x, "name")`,
    `case A(name=1)`."""


def extract(file: SourceFile) -> FileFacts:
    """Walk one file.  Raises SyntaxError for a file that this interpreter cannot parse."""
    try:
        return _extract(file)
    except RecursionError:
        return _extract_deep(file)


def _extract(file: SourceFile) -> FileFacts:
    from asyncshift.resolution.walk import Walker

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(file.text)
    except (ValueError, MemoryError) as error:
        raise SyntaxError(str(error) or "too deeply nested") from error
    return Walker(file).walk(tree)


def _extract_deep(file: SourceFile) -> FileFacts:
    """Once more with a deep stack: `a + b + ...` of thousands of terms is legal Python."""
    outcome: list[FileFacts | SyntaxError] = []

    def work() -> None:
        try:
            outcome.append(_extract(file))
        except SyntaxError as error:
            outcome.append(error)
        except RecursionError:
            outcome.append(SyntaxError("expressions are nested too deeply"))

    limit, size = sys.getrecursionlimit(), threading.stack_size(512 << 20)
    sys.setrecursionlimit(100_000)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    if isinstance(outcome[0], SyntaxError):
        raise outcome[0]
    return outcome[0]


LABEL = 80
"""The longest label that is an expression's whole text."""
SPAN = itemgetter("lineno", "col_offset", "end_lineno", "end_col_offset")
"""The span in the `__dict__` of an `ast` node: four look-ups for the price of two attributes."""
_LAST = re.compile(r"\.\s*\w+$")
_LINE_ENDS = re.compile("\r\n|\r|\n")
_PRAGMA = re.compile(r"#\s*asyncshift:\s*keep-sync\b\s*(?:\((?P<reason>.*)\))?")


class Places:
    """Spans in code points.  `ast` counts UTF-8 bytes, which differ on lines that are not ASCII."""

    __slots__ = ("lines", "wide")

    def __init__(self, text: str) -> None:
        self.lines = _LINE_ENDS.split(text) if "\r" in text else text.split("\n")
        lines = () if text.isascii() else enumerate(self.lines, 1)
        self.wide = frozenset(number for number, line in lines if not line.isascii())
        """Lines that are not ASCII."""

    def span(self, node: ast.AST) -> Span:
        """The span of an `ast` node."""
        span: Span = SPAN(node.__dict__)
        if self.wide:
            line, column, end, end_column = span
            span = (line, self.column(line, column), end, self.column(end, end_column))
        return span

    def column(self, line: int, column: int) -> int:
        """A byte column as code points."""
        if line not in self.wide:
            return column
        return len(self.lines[line - 1].encode()[:column].decode(errors="replace"))

    def label(self, span: Span) -> str:
        """A short text: the expression as written when it stands on one line and is not long.  The
        name at its end stays always: it tells what is called."""
        line, column, end, end_column = span
        if line == end and end_column - column <= LABEL:
            return sys.intern(self.lines[line - 1][column:end_column])
        start = self.lines[line - 1][column : end_column if line == end else None].strip()
        last = _LAST.search(self.lines[end - 1][column if line == end else 0 : end_column])
        return sys.intern(f"{start[:60]}...{last.group() if last else ''}")

    def pragma(self, line: int) -> str | None:
        """The reason of a keep-sync comment on the line; "" without one, None without a comment."""
        text = self.lines[line - 1]
        if "asyncshift" not in text:
            return None
        found = _PRAGMA.search(text)
        return (found["reason"] or "") if found else None
