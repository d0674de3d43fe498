"""The frozen types that flow between the steps, on one page.

Positions are `Span`s: `(start line, start column, end line, end column)`, lines counted from 1,
columns from 0 in code points (not bytes) of the decoded text, end exclusive.  Paths are relative
to the project's root, with forward slashes.  Everything here is frozen and picklable.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Span = tuple[int, int, int, int]
FunctionId = str
"""`path:line` of the `def` (or `class`) keyword, `path:line:column` for lambdas and generator
expressions, `path:0` for a module's body.  Never a name: a setter must not overwrite its getter."""


# ----------------------------------------------------------------------------- outcomes


class Severity(enum.StrEnum):
    """How a message weighs: a look is a place to look, a warning goes on.  Parity tells in what the
    libraries differ at a place, and its rule what was done (`Kept`)."""

    PARITY = "parity"
    NOTE = "note"
    LOOK = "look"
    WARNING = "warning"
    REFUSAL = "refusal"


class Kept(enum.StrEnum):
    """What was done about a difference of two libraries."""

    ARGUMENT = "kept-by-argument"
    CONSTRUCT = "kept-by-construct"
    UNSEEN = "not-observable"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell the user about one place: a parity note, a place to look, a warning.

    Made by every step; read by `report`.  `rule` is a short stable identifier (`kebab-case`).
    """

    path: str
    line: int
    rule: str
    text: str
    severity: Severity = Severity.NOTE


@dataclass(frozen=True, slots=True)
class Refusal:
    """What could not be done faithfully: where, why, and the smallest edit that would unblock it.

    Made by rewriters, the rewrite step and the solver; read by the solver (which re-solves with
    the place pinned) and by `report`.
    """

    path: str
    span: Span
    rule: str
    reason: str
    way_out: str


@dataclass(frozen=True, slots=True)
class Need:
    """What a site needs of the places where its value was made (`Target.origins`), or, with
    `everywhere`, of every place: their rewriters ask for it by `toolbox.needed`."""

    name: str
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Tie:
    """Places with one name move together: a function as a value, and its calls through variables.
    With a reason the place stays, and so do the others.  Made by `look` of what rewriters yield."""

    name: str
    reason: str = ""
    path: str = ""
    span: Span = (0, 0, 0, 0)
    weak: bool = False
    """It binds to places whose ties of this name are not weak, and not to others like itself."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What rewriters say of a file's library sites before anything is decided."""

    refusals: tuple[Refusal, ...] = ()
    needs: frozenset[str] = frozenset()
    ties: tuple[Tie, ...] = ()

    @staticmethod
    def of_all(files: Sequence[Looked]) -> Looked:
        """What they say of all files."""
        return Looked(
            tuple(refusal for looked in files for refusal in looked.refusals),
            frozenset(need for looked in files for need in looked.needs),
            tuple(tie for looked in files for tie in looked.ties),
        )


# ----------------------------------------------------------------------------- discover


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One Python file as found on disk.  Made by `discover`, read by every later step.

    `text` is decoded with line ends untouched and without the byte-order mark; `encode()` in
    `discover` turns an edited text back into bytes with the same mark and encoding.
    """

    path: str
    module: str
    is_package: bool
    text: str
    encoding: str
    has_bom: bool
    digest: str
    selected: bool = True
    """False for a file that is read for its definitions and callers but must not be edited."""


@dataclass(frozen=True, slots=True)
class TestSetup:
    """What can run tests that are async.  Made by `plugin_settings`, read by `testing`, the rewrite
    and the pipeline."""

    unittest: bool = False
    """Test cases may become `IsolatedAsyncioTestCase`."""
    pytest: str = ""
    """`auto`, `strict` (each test is marked) or `anyio`; empty where pytest's tests stay sync."""
    loop_scope: str = ""
    """How long the event loop of a fixture lasts, where the project says so."""
    configure: bool = False
    """The plugin is not configured yet."""
    __test__ = False


@dataclass(frozen=True, slots=True)
class Project:
    """What discover found.  `root` is absolute; `entry_points` maps `module:function` of console
    scripts to what declares it; `requires_python` is the lowest (major, minor)."""

    root: str
    files: tuple[SourceFile, ...]
    entry_points: Mapping[str, str] = field(default_factory=dict)
    requires_python: tuple[int, int] = (3, 11)
    messages: tuple[Message, ...] = ()
    unparsable_names: frozenset[str] = frozenset()
    """Every identifier found in files that do not parse: functions of these names stay in place."""
    bridges: Mapping[str, str] = field(default_factory=dict)
    """Generated bridge modules that stand already: dotted name -> path; they are not in `files`."""
    tests: TestSetup = TestSetup()
    helpers: Mapping[str, str] = field(default_factory=dict)
    """The same for the modules that codemods bring along (`Table.module`)."""

    @property
    def generated(self) -> dict[str, str]:
        """Bridges and helpers."""
        return {**self.bridges, **self.helpers}


# ----------------------------------------------------------------------------- call graph


class FunctionKind(enum.StrEnum):
    """What a node of the call graph is."""

    FUNCTION = "function"
    LAMBDA = "lambda"
    GENEXP = "genexp"
    MODULE = "module"
    CLASS = "class"


class Protocol(enum.StrEnum):
    """How a place reaches its target.

    CALL: `f()`.  WITH: a with item (target: `__enter__`/`__exit__`, or a contextmanager function).
    FOR / COMPREHENSION: iteration over what a generator (or `__iter__`) gives.  NEXT: `next(it)`.
    YIELD_FROM.  CONSUME: a builtin consumes an iterator (`list(rows())`; `Site.consumer` names it).
    MAPPED: a builtin is handed the target and calls it item by item (`map(f, rows)`,
    `sorted(rows, key=f)`; `Site.consumer` names it).
    ATTRIBUTE: a property of the project, or a member of a library's instance (`response.ok`).
    DECORATOR: `f` is decorated by target.  OPERATOR: subscript, `in`, `len`, `==`: dunders.
    VALUE: a function, class or library API is mentioned outside a call position.
    TRUTH: a library's instance is tested for truth.  ANNOTATION (also `Callable[...]` and the like
    with the functions that it describes) / EXCEPT / BASE: a library class in an annotation, in an
    `except` clause (or `contextlib.suppress`), as a base class.
    IMPORT: a library name bound by `from lib import name`.
    """

    CALL = "call"
    WITH = "with"
    FOR = "for"
    COMPREHENSION = "comprehension"
    NEXT = "next"
    YIELD_FROM = "yield_from"
    CONSUME = "consume"
    MAPPED = "mapped"
    ATTRIBUTE = "attribute"
    DECORATOR = "decorator"
    OPERATOR = "operator"
    VALUE = "value"
    TRUTH = "truth"
    ANNOTATION = "annotation"
    EXCEPT = "except"
    BASE = "base"
    IMPORT = "import"


class Certainty(enum.StrEnum):
    """CERTAIN: no other target in the tree that was read, unless attributes are patched at run time
    (`resolution.certainty` has the rule).  LIKELY: these were found, others may be missed.
    UNKNOWN: only the name fits; listed, never edited."""

    CERTAIN = "certain"
    LIKELY = "likely"
    UNKNOWN = "unknown"


BRIDGES = frozenset({"run_sync", "iter_sync", "enter_sync"})
"""Wrappers of the generated module by which sync code waits for async code (`Site.wrapper`)."""
THREADS = frozenset({"to_thread", "in_thread"})
"""Wrappers by which async code hands sync code to a thread."""


@dataclass(frozen=True, slots=True)
class Function:
    """A node of the call graph.  Made by `callgraph`, read by `solve`, `rewrite` and `report`."""

    id: FunctionId
    path: str
    line: int
    name: str
    """Qualified name inside the module: `Client.get`, `outer.inner`, `<module>`, `<lambda>`."""
    module: str
    kind: FunctionKind
    span: Span
    """From `def`/`async`/`lambda`/`class` to the end of the body; decorators not included."""
    parent: FunctionId | None
    """The lexically enclosing function, class body or module."""
    cls: FunctionId | None = None
    """For a method: the id of its class body."""
    is_async: bool = False
    is_generator: bool = False
    """Has `yield` in its own body (also a contextmanager), or is a generator expression, or a stub
    that is defined by generators only."""
    is_stub: bool = False
    """Declares what others of its family define, and stays a `def` where those are generators."""
    returns_value: bool = False
    """A generator with `return value`, or one whose `yield` is used as an expression's value."""
    catches_interrupt: bool = False
    named_by_decorator: bool = False
    """A decorator of the project reads its `__name__`."""
    """Has a handler of KeyboardInterrupt in its own body."""
    has_end: bool = False
    """A generator that does something when it is closed."""
    decorators: tuple[str, ...] = ()
    """Full dotted names where they resolve (`contextlib.contextmanager`), else as written."""
    is_property: bool = False
    read_unseen: str = ""
    """Why code that is not in sight may read this property, or make objects by this `__init__`;
    empty for what it cannot reach."""
    answered_by: str = ""
    """The `__getattribute__` of the project that stands between a method and its callers."""
    factory: str = ""
    """For an `__init__`: what an async factory of its class can be called."""
    is_contextmanager: bool = False
    family: tuple[FunctionId, ...] = ()
    """Overrides, overridden and protocol methods that must turn together (without itself)."""
    library_base: str = ""
    """For an override of a method of a class that a table moves: the place that names the class as
    a base, an origin like any other.  Where that stays, the library calls the method."""
    foreign_base: str | None = None
    """Dotted name of a base class outside the project and outside the tables that may call or
    declare this method; None when the class has only known bases."""
    overrides: str | None = None
    """Dotted name of the outside method that it is known to override, or that a known base calls
    by this name; None when the outside base could not be read."""
    pragma: str | None = None
    """Reason of `# asyncshift: keep-sync (reason)` on the def line; '' without a reason."""
    gives: tuple[Target, ...] = ()
    """The library instances that it returns: their class (`api`) and their origins."""
    twin: str | None = None
    """The awaited method of a class of the project's own tables that it overrides: the class has
    its async form elsewhere, and so have its overrides that do not turn themselves.  Or the async
    method beside it that takes its part, such as `__aenter__` for `__enter__`."""
    bases: tuple[Target, ...] = ()
    """For a class: what its bases are, classes of the project and dotted names of others."""
    facade_of: FunctionId | None = None
    """The coroutine that this sync function does nothing but run: an earlier step's facade."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a site reaches: a function of the project (`function`) or a library name (`api`)."""

    function: FunctionId | None = None
    api: str | None = None
    """Canonical dotted name from the tables: `time.sleep`, `requests.Session.get`,
    `requests.Response.ok`, `requests.Session` (its constructor, a class mention)."""
    origins: tuple[str, ...] = ()
    """For a member of a library instance: where the instances come from, as site keys
    `path:line:column` of the calls or annotations that made them, transitively (a Response has the
    origins of the Session it came from, or the bare call that returned it)."""
    arguments: tuple[int, ...] = ()
    """For CONSUME: the positions of the arguments that are iterated and hold it."""


@dataclass(frozen=True, slots=True)
class Site:
    """One place that reaches something.  Made by `callgraph`, read by everyone after."""

    path: str
    span: Span
    """CALL, NEXT, CONSUME, MAPPED: the call.  WITH: the item's context expression.  FOR,
    COMPREHENSION: the iterated expression.  YIELD_FROM: the `yield from` expression.  ATTRIBUTE:
    the attribute expression.  EXCEPT: the one class expression (inside a tuple: the element).
    IMPORT: the alias.  Otherwise the expression itself, always without its own parentheses,
    except tuples and generator expressions, as `ast` has them."""
    caller: FunctionId
    protocol: Protocol
    targets: tuple[Target, ...]
    certainty: Certainty
    text: str
    """Short label as written: `self.session.get`."""
    awaited: bool = False
    """Already under `await`, `async for` or `async with`."""
    in_main_guard: bool = False
    consumer: str = ""
    """For CONSUME, MAPPED: canonical name of the consumer (`list`, `itertools.islice`, `map`)."""
    region: Span | None = None
    """For EXCEPT and WITH: the span of the guarded body (try body or with body)."""
    keywords: tuple[str, ...] | None = ()
    """For a CALL: every keyword name that can reach it, followed through `**kwargs` parameters of
    project functions; None when a `**` argument could not be followed."""
    wrapper: str = ""
    """What directly wraps this place: `run_sync`, `iter_sync`, `enter_sync` (bridges), `to_thread`,
    `in_thread` (the span is then the wrapper's call), `run` and `asyncio.run` (runners)."""
    wrapper_span: Span | None = None
    """The wrapper's call expression."""
    more_wrappers: tuple[Span, ...] = ()
    """For CONSUME: the wrappers of the arguments behind that one."""
    ending: str = ""
    """What a handler around this place, in its function, does with StopIteration: `awaited` where
    it names it, `caught` where it catches everything."""
    leaves: bool = False
    """For FOR: the loop can end before what it iterates does, as far as its own statements tell, or
    a handler in its function goes on after an exception."""
    yields: bool = False
    """For FOR: a `yield` stands in the loop."""
    asked: bool = False
    """The code asked before whether it has a coroutine function: it does what either kind needs."""


MOCKS = frozenset({"unittest.mock.Mock", "unittest.mock.MagicMock", "mock.Mock", "mock.MagicMock"})


@dataclass(frozen=True, slots=True)
class Escape:
    """A function, generator or library instance that reaches code the analysis does not see."""

    path: str
    span: Span
    to: str
    """What it is handed to, as dotted as known: `concurrent.futures.Executor.map`."""
    function: FunctionId | None = None
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A function that is reached by its name in a text, or by a name that is computed.

    `how`: `patched` (`mock.patch("pkg.api.fetch")`, `monkeypatch.setattr(api, "fetch", ...)`),
    `getattr` (`getattr(api, name)`), `string` (a constant that is its dotted name)."""

    path: str
    line: int
    how: str
    text: str
    function: FunctionId


@dataclass(frozen=True, slots=True)
class Patched:
    """A function of a library that a test replaces by its name: `patch("pkg.requests.get")`."""

    path: str
    line: int
    """Where the call begins that replaces it."""
    api: str
    through: tuple[str, ...]
    """The files of the project by whose name of the library it is reached; empty for its own."""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A call that could reach a function of the project by its name, and nothing tells more.
    Made by `callgraph` when asked, read by `report`."""

    path: str
    span: Span
    caller: FunctionId
    text: str
    """The callee as written."""
    hints: tuple[tuple[str, str], ...] = ()
    """(place, class): places that hold nothing, on which it depends, the nearest first, and a class
    that has whatever is read of them."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole call graph."""

    functions: Mapping[FunctionId, Function]
    sites: tuple[Site, ...]
    escapes: tuple[Escape, ...] = ()
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """path -> paths of the project files it imports at module level."""
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """path -> name that an import gives by `as` -> the last part of what it stands for."""
    exported: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """path -> names that other project files import from it or reach through it."""
    mentions: tuple[Mention, ...] = ()
    patched: tuple[Patched, ...] = ()
    by_computed_name: Mapping[FunctionId, frozenset[FunctionId]] = field(default_factory=dict)
    """Who calls what a computed name gave -> what that can be: `getattr(api, "do_" + name)()`."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Attribute that is asked for without a dot, as by `hasattr(x, "name")` -> the first place."""
    ties: tuple[Tie, ...] = ()
    """Filled by the pipeline, with what the rewriters say."""
    doubled: frozenset[str | None] = frozenset()
    """Functions and names of libraries that are called where a mock can stand in their place."""
    unresolved: tuple[Unresolved, ...] = ()
    """Filled only when asked for."""
    messages: tuple[Message, ...] = ()


# ----------------------------------------------------------------------------- solve


class Action(enum.StrEnum):
    """What is done at a place.  `Decision.detail` holds what each needs."""

    MAKE_ASYNC = "make-async"  # span: Function.span; detail: rename (dunder), kind, facade
    DROP_FACADE = "drop-facade"  # span: Function.span of the facade
    RENAME = "rename"  # span: Function.span; detail: to (plain name)
    SPLIT_ENTRY = "split-entry"  # span: Function.span; detail: name (of the coroutine), runner
    RETARGET = "retarget"  # span: Site.span; detail: name, was, function (module:qualname)
    UNWRAP = "unwrap"  # span: Site.wrapper_span; detail: wrapper
    RERUN = "rerun"  # span: Site.wrapper_span; detail: to (`asyncio.run` or `bridge`)
    RETHREAD = "rethread"  # span: Site.wrapper_span; detail: to (`to_thread` or `in_thread`)
    CREATE = "create"  # span: call of a class, whose constructor is a factory
    AWAIT = "await"  # span: call
    ASYNC_WITH = "async-with"  # span: the item's context expression
    ASYNC_FOR = "async-for"  # span: iterated expression of a for statement; detail: close
    ASYNC_COMPREHENSION = "async-comprehension"  # span: iterated expression of a clause
    ANEXT = "anext"  # span: the next(...) call
    DELEGATE = "delegate"  # span: the yield from expression; detail: close
    CONSUME = "consume"  # span: consumer call; detail: consumer, arguments (positions)
    MAPPED = "mapped"  # span: the call that is handed a function; detail: consumer
    TO_THREAD = "to-thread"  # span: call, or an attribute (a property); detail: own
    BRIDGE = "bridge"  # span: call, or an iterated expression; detail: protocol
    RUN = "run"  # span: call at an entry point
    ANNOTATE = "annotate"  # span: the type's subscript; detail: kind of what it describes
    STUB = "stub"  # span: none; detail: function, and the action and detail of its decision
    TEST_CASE = "test-case"  # span: Function.span of a class of tests
    DOUBLE = "double"  # span: the line where a function is replaced by its name; detail: name
    LIBRARY = "library"  # span: the site; detail: codemod, api, protocol, way


@dataclass(frozen=True, slots=True)
class Cause:
    """Why: a rule, a sentence, a place, and the decision that forced this one."""

    rule: str
    text: str
    path: str
    line: int
    because: FunctionId | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One planned change at one place, with its cause.  Made by `solve`, read by `rewrite`."""

    path: str
    span: Span
    action: Action
    cause: Cause
    owner: FunctionId
    """The function whose text changes (for MAKE_ASYNC: the function itself)."""
    site: Site | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Forced decisions that are accepted or refused together; callees come before callers."""

    id: int
    title: str
    functions: tuple[FunctionId, ...]
    needs: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the solver decided.  `turned` holds the functions that will be async."""

    turned: frozenset[FunctionId]
    causes: Mapping[FunctionId, Cause]
    """For functions: why async, or (pinned ones) why not."""
    decisions: tuple[Decision, ...]
    refusals: tuple[Refusal, ...] = ()
    messages: tuple[Message, ...] = ()
    change_sets: tuple[ChangeSet, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


# ----------------------------------------------------------------------------- rewrite


@dataclass(frozen=True, slots=True)
class Style:
    """How newly built statements are laid out: the project's own Black or ruff settings."""

    line_length: int = 88
    quotes: str = "double"
    """`double`, `single` or `preserve`."""
    target_version: tuple[int, int] = (3, 11)
    widest: int = 0
    """Where the project says nothing: a file's own longest line of code counts, up to this."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines `old_start..old_end` (from 1, end exclusive) of the old text become `new_lines`."""

    old_start: int
    old_end: int
    new_lines: tuple[str, ...]
    """With their line ends."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The outcome for one file: the new text, or refusals for the solver and no text."""

    path: str
    text: str | None
    hunks: tuple[Hunk, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    messages: tuple[Message, ...] = ()
    bridged: bool = False
    """The text imports the generated bridge module."""
    helpers: tuple[str, ...] = ()
    """The modules of codemods that the text imports, by their dotted names."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a diff, as bytes.  `old` is None for a new file, `new` for one that goes.  Made
    by the pipeline, read by `diff`, `apply` and `journal`."""

    path: str
    old: bytes | None
    new: bytes | None
    mode: int | None = None
    hunks: tuple[Hunk, ...] | None = None
    headings: tuple[tuple[int, int, str], ...] = ()
    """Old lines `first..last` (from 1, inclusive) and the change-set that changes them."""
