"""What a codemod is: its table, its optional rewriters; loading and validation."""

from __future__ import annotations

import ast
import enum
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any
from typing import Protocol as TypingProtocol

from asyncshift.codemod_info import CodemodInfo, describe
from asyncshift.model import Message, Need, Protocol, Refusal, Site, Span, Tie
from asyncshift.renames import Rename, renames
from asyncshift.rewriter_modules import load_rewriters
from asyncshift.tables import ClassRow, ExceptionRow, FunctionRow, Table, Value
from asyncshift.twins import twins


class Kind(enum.StrEnum):
    """What becomes of a library name when it is met by some protocol.

    AWAITABLE: the call becomes awaited (a root: its function turns async).  ENTERED: the with item
    becomes `async with` (a root).  ITERATED: the loop becomes `async for` (a root).  PLAIN: edited,
    not awaited (constructor, renamed member, exception, annotation).  SAME: nothing changes.
    BLOCKING: no async twin, goes to a thread inside async functions; no root.  REFUSED: the target
    library has nothing faithful, so the whole provenance group goes to threads.
    EXCLUSIVE: a lock that is entered; see `Treatment.exclusive`.  MAIN_THREAD: may be called on the
    main thread only, where neither a bridge's loop nor a thread hop is.  STOP_ITERATION: an
    exception that neither a coroutine nor a future can carry.  MIGRATED: a name of the new library:
    nothing is rewritten, and new exceptions come from there.
    """

    AWAITABLE = "awaitable"
    ENTERED = "entered"
    ITERATED = "iterated"
    PLAIN = "plain"
    SAME = "same"
    BLOCKING = "blocking"
    REFUSED = "refused"
    EXCLUSIVE = "exclusive"
    MAIN_THREAD = "main-thread"
    STOP_ITERATION = "stop-iteration"
    MIGRATED = "migrated"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What the tables say of one library name under one protocol."""

    kind: Kind
    codemod: str
    reason: str = ""
    way_out: str = ""
    grouped: bool = False
    """True where the name belongs to a provenance group (a client and what flows from it)."""
    blocks: bool = True
    """False where the old call is quick enough to stay on the loop (`session.close`)."""
    waits: bool = False
    """Nothing is rewritten, but the call blocks: `check` says so on the event loop."""
    affine: str = ""
    """Bound to a thread: see `ClassRow.thread_affine`."""
    exclusive: bool = False
    """The name belongs to a lock, which moves only where it is held across an await."""
    pooled: bool = False
    """The name belongs to a pool of threads, which moves only where what it runs turned async."""
    coroutine: bool = False
    """For MIGRATED: the call gives a coroutine."""
    later: bool = False
    """For AWAITABLE: where nothing can be awaited it has a form that waits when it is used."""
    renamed: bool = False
    """For PLAIN: it has another name where something of its library moves, and that is all."""
    exception: bool = False
    """The name is an exception's."""
    scripted: bool = False
    """A script may wait for it at its top level, through the bridge."""


class Names(TypingProtocol):
    """How names can be written at a place of the file.  Implemented by `rewrite.names`."""

    def dotted(self, name: str, at: Span) -> str:
        """Text for the full name `httpx.AsyncClient` at a place; its import is added on use."""

    def fresh(self, wanted: str, at: Span) -> str:
        """A local name like `client` that nothing in the enclosing function or module uses."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one node: `change` gets the updated LibCST node and returns its replacement.

    `kind` is the LibCST class name (`Call`, `SimpleStatementLine`, `With`, `FunctionDef`), `span`
    the node's place as `ast` gives it (a statement: from its first to its last character; a
    FunctionDef: from `def`/`async`; a CompFor: that of its iterated expression).  Edits of one
    place run by ascending `order`; two different edits of one place with one order are a conflict.
    Inner places are changed before outer ones.
    """

    kind: str
    span: Span
    change: Callable[[Any], Any]
    order: int = 0
    built: bool = False
    """The statement around it is newly built: lay it out with Black."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A library site as a rewriter sees it.  `node` is the `ast` node at `site.span`, `parents` its
    ancestors, innermost first, up to and including the module."""

    site: Site
    api: str
    node: ast.AST
    parents: tuple[ast.AST, ...]
    names: Names
    way: str = "convert"
    """`convert`; for EXCEPT also `both` (the old and the new exception can arrive)."""
    options: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    """The file's text."""
    needs: frozenset[str] = frozenset()


Outcome = Edit | Refusal | Message | Need | Tie
Rewriter = Callable[[Resolved], Iterable[Outcome]]


DEFAULT_WAY_OUT = "leave it in a thread, or rewrite this use by hand first"
_ITERATING = (
    Protocol.FOR,
    Protocol.COMPREHENSION,
    Protocol.NEXT,
    Protocol.YIELD_FROM,
    Protocol.CONSUME,
)
_DUNDERS = {
    "__enter__": (Protocol.WITH,),
    "__exit__": (Protocol.WITH,),
    "__iter__": _ITERATING,
    "__next__": _ITERATING,
    "__bool__": (Protocol.TRUTH,),
    "__init__": (Protocol.CALL,),
}
_NAMED = (
    Protocol.ANNOTATION,
    Protocol.ATTRIBUTE,
    Protocol.BASE,
    Protocol.CALL,
    Protocol.EXCEPT,
    Protocol.VALUE,
)
"""How what only has another name can be met."""
_Treatments = dict[Protocol, Treatment]


class Registry:
    """The loaded tables, as every other step reads them.  Picklable (rewriters load by name)."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = tuple(tables)
        self._rows: dict[str, _Treatments] = {}
        self._unknown: dict[str, _Treatments] = {}
        self._returns: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._targets: dict[str, tuple[str, ...]] = {}
        self._exceptions: dict[str, ExceptionRow] = {}
        self._constants: dict[str, Value] = {}
        self._spaces: dict[str, str] = {}
        """What only has another name, with all that is in it -> its new name."""
        self._variants: dict[str, tuple[str, str]] = {}
        self._later: dict[str, str] = {}
        self._classes: dict[str, ClassRow] = {}
        self._async_aware: set[str] = set()
        self.computed: dict[str, str] = {}
        """Class or module -> what a name of it that is computed stands for."""
        self._kinds: dict[str, str] = {}
        for table in self.tables:
            self._load(table)
        self.turning = frozenset(
            row.name
            for table in self.tables
            if not table.installed
            for row in table.functions
            if row.turns_in_place
        )
        """Functions that turn async where they stand, if they are the project's own."""
        self.standing = frozenset(self._standing())
        """Names that count as a library's even where the project defines them."""
        self.replaced = frozenset(name for table in self.tables for name in table.replaced)
        names = (*self._rows, *self._classes, *self._aliases)
        self.tops = frozenset(name.partition(".")[0] for name in names)
        self._new_classes = self._load_twins()
        parts = sorted(f"{table.name}:{table.digest};" for table in self.tables)
        self.digest = hashlib.sha256("".join(parts).encode()).hexdigest()

    def __reduce__(self) -> tuple[object, ...]:
        return (Registry, (self.tables,))

    def stored(self, api: str, origin: int) -> tuple[str, tuple[None, str, int]]:
        """What assigning to an attribute is: a call, if the new library has a method for it."""
        how, name = ("call", f"{api}=") if f"{api}=" in self._rows else ("attribute", api)
        return how, (None, name, origin)

    def canonical(self, name: str) -> str:
        """The name the rows use: `requests.sessions.Session.get` -> `requests.Session.get`."""
        for _ in range(8):
            head, tail = name, ""
            while head not in self._aliases:
                head, dot, last = head.rpartition(".")
                if not dot:
                    return name
                tail = f".{last}{tail}"
            name = self._aliases[head] + tail
        return name

    def is_class(self, name: str) -> bool:
        """Whether instances of this name are followed (exceptions are not)."""
        return (name := self.canonical(name)) in self._classes or name in self._new_classes

    def is_unpacked(self, name: str) -> bool:
        """Whether an instance of the class can be meant by `a, b = value`; one of which a table
        lists every member and that has no twin of its iterator is none of them."""
        row = self._classes.get(self.canonical(name))
        return row is None or not row.complete or "__iter__" not in row.refused

    def is_api(self, name: str) -> bool:
        """Whether the tables say something of this name."""
        name = self.canonical(name)
        owner = name.rpartition(".")[0]
        return name in self._rows or owner in self._unknown or bool(self._space(name))

    def _space(self, name: str) -> str:
        """The name that only has another one, and that this one is in."""
        while name := name.rpartition(".")[0]:
            if name in self._spaces:
                return name
        return ""

    def is_named(self, name: str) -> bool:
        """Whether a table says something of exactly this name, not of its whole class."""
        return self.canonical(name) in self._rows

    def returns(self, api: str) -> str | None:
        """The class of what a call gives, or of what an attribute holds."""
        api = self.canonical(api)
        return api if self.is_class(api) else self._returns.get(api)

    def treatment(self, api: str, protocol: Protocol) -> Treatment | None:
        """What becomes of a name met by a protocol; None where nothing has to be done."""
        name = self.canonical(api)
        if (found := self._rows.get(name)) is not None:
            return found.get(protocol)
        owner, _, member = name.rpartition(".")
        if owner not in self._unknown and (space := self._space(name)):
            return self._rows[space].get(protocol)
        if owner not in self._unknown:
            return None
        if protocol in _DUNDERS.get(member, ()):
            return self._rows[owner].get(protocol)
        if member.startswith("__") and member.endswith("__") and protocol is not Protocol.CALL:
            return self._rows[owner].get(protocol)
        treatment = self._unknown[owner].get(protocol)
        if treatment is None or treatment.kind is not Kind.REFUSED:
            return treatment
        target = self._classes[owner].to.partition(".")[0] or "the target library"
        reason = f"{name} has no twin in {target}"
        return replace(treatment, reason=reason, way_out=DEFAULT_WAY_OUT)

    def kind(self, api: str) -> str:
        """One class for all that give each other; "" for a function that gives no instance."""
        found = self._touched(self.canonical(api))
        return self._kind_of(min(found)) if found else ""

    def _touched(self, name: str) -> set[str]:
        names = {name, name.rpartition(".")[0], self.returns(name) or ""}
        return {other for other in names if self.is_class(other)}

    def _kind_of(self, cls: str) -> str:
        if not self._kinds:
            for name in sorted({*self._rows, *self._classes, *self._new_classes}):
                roots = {self._root(other) for other in self._touched(name)}
                self._kinds.update(dict.fromkeys(roots, min(roots, default="")))
        return self._root(cls)

    def _root(self, cls: str) -> str:
        while (above := self._kinds.get(cls, cls)) != cls:
            cls = above
        return cls

    def called_as(self, api: str, positional: int, keywords: Iterable[str | None]) -> str:
        """The method that a call with these arguments is a call of: `cursor("name")` may be one of
        another method than `cursor()`."""
        name = self.canonical(api)
        if (variant := self._variants.get(name)) is None:
            return api
        return variant[1] if positional or variant[0] in keywords else api

    # ------------------------------------------------------------------ for rewriters

    def async_aware(self, name: str) -> bool:
        """Whether it awaits the coroutine function that it decorates or is given."""
        return name in self._async_aware

    def keeps_async(self, name: str) -> bool:
        """Whether a decorator makes a coroutine function of a coroutine function."""
        return any(name in table.async_decorators for table in self.tables)

    def owner(self, api: str) -> str:
        """The codemod whose table has the row (or the class of the member)."""
        name = self.canonical(api)
        above = name.rpartition(".")[0], self._space(name)
        return next((o for n in (name, *above) if (o := self._owners.get(n))), "")

    def targets(self, api: str) -> tuple[str, ...]:
        """The new names: dotted for functions, classes and exceptions, bare for members."""
        name = self.canonical(api)
        return (moved,) if (moved := self.moved(name)) else self._targets.get(name, ())

    def moved(self, name: str) -> str:
        """The new name of what only has another name."""
        if name in self._rows:
            return self._spaces.get(name, "")
        space = self._space(name)
        return f"{self._spaces[space]}{name[len(space) :]}" if space else ""

    def later(self, api: str) -> str:
        """What is called where nothing can be awaited."""
        name = self.canonical(api)
        return self._later.get(name, "") or next(iter(self.targets(name)), "")

    def exception(self, api: str) -> ExceptionRow | None:
        name = self.canonical(api)
        if new := self.moved(name):
            return ExceptionRow(name, (new,))
        return self._exceptions.get(name)

    def names_exception(self, api: str, protocol: Protocol) -> bool:
        """Whether it stands in an except clause, or is an exception as a value."""
        if protocol is Protocol.VALUE:
            return self.canonical(api) in self._exceptions
        return protocol is Protocol.EXCEPT

    def constant(self, api: str) -> Value | None:
        return self._constants.get(self.canonical(api))

    def class_row(self, api: str) -> ClassRow | None:
        return self._classes.get(self.canonical(api))

    def rewrite(self, resolved: Resolved) -> Sequence[Outcome]:
        """What to do at a library site: the codemod's own rewriter, else what its row says."""
        from asyncshift import generic  # lazily: LibCST costs more than a whole scan

        module = self._rewriters(self.owner(resolved.api))
        if module is not None:
            rewriter: Rewriter | None = module.rewriter(
                self.canonical(resolved.api), resolved.site.protocol, self
            )
            if rewriter is not None:
                return tuple(rewriter(resolved))
        return tuple(generic.rewrite(resolved, self))

    def consumes(self, api: str, protocol: Protocol) -> bool:
        """Whether a builtin takes an async iterator, and its codemod has no form of its own."""
        if protocol not in (Protocol.CONSUME, Protocol.NEXT, Protocol.YIELD_FROM):
            return False
        module = self._rewriters(self.owner(api))
        return module is None or module.rewriter(self.canonical(api), protocol, self) is None

    def erasures(self) -> tuple[Rename, ...]:
        """Every rename of every table, old to new."""
        return tuple(dict.fromkeys(renames(self.tables)))

    @property
    def codemods(self) -> tuple[CodemodInfo, ...]:
        """The loaded codemods in the order of their names, as documentation shows them."""
        return tuple(describe(table) for table in sorted(self.tables, key=lambda t: t.name))

    def _rewriters(self, codemod: str) -> ModuleType | None:
        for table in self.tables:
            if table.name == codemod:
                return load_rewriters(table)
        return None

    # ------------------------------------------------------------------ building

    def _standing(self) -> Iterator[str]:
        for table in self.tables:
            if table.installed:
                continue
            for function in table.functions:
                if not (function.turns_in_place or function.only_callbacks):
                    yield function.name
                yield from (f"{function.name}.{callback}" for callback in function.callbacks)
            for cls in table.classes:
                yield from (f"{cls.name}.{callback}" for callback in cls.callbacks)
                if not cls.only_callbacks:
                    yield cls.name
            yield from (*table.blocking, *table.waiting, *table.main_thread)

    def _load(self, table: Table) -> None:
        self._aliases.update(table.aliases)
        self._async_aware |= set(table.async_aware)
        for name in table.blocking:
            self._add(table, name, {Protocol.CALL: _blocking(table, name)})
        for name in table.waiting:
            self._add(table, name, {Protocol.CALL: _waiting(table)})
        for name in table.main_thread:
            reason = f"{name} has to stay in sync code, on its own thread"
            treatment = Treatment(Kind.MAIN_THREAD, table.name, reason)
            self._add(table, name, {Protocol.CALL: treatment})
        for name in table.stop_iteration:
            reason = f"no coroutine and no future can carry {name.rpartition('.')[2]}"
            raised = Treatment(Kind.STOP_ITERATION, table.name, reason)
            self._add(table, name, {Protocol.CALL: raised, Protocol.VALUE: raised})
        for function in table.functions:
            self._add_function(table, function)
        for cls in table.classes:
            self._add_class(table, cls)
        for exception in table.exceptions:
            self._add_exception(table, exception)
        for name, new in table.names.items():
            renamed = Treatment(Kind.PLAIN, table.name, grouped=True, blocks=False, renamed=True)
            self._add(table, name, dict.fromkeys(_NAMED, renamed), (new,))
            self._spaces[name] = new
        self.computed.update(table.computed)
        for name in table.computed:
            if name not in self._classes:  # a module
                handed_on = Treatment(Kind.PLAIN, table.name, grouped=True, blocks=False)
                self._add(table, name, {Protocol.VALUE: handed_on})
        for name, new in table.bases.items():
            if name in self._classes:  # the rewriters look at what derives from it
                looked_at = Treatment(Kind.PLAIN, table.name, grouped=True)
                self._rows[name] = {**self._rows[name], Protocol.BASE: looked_at}
                continue
            self._add(table, name, {Protocol.BASE: Treatment(Kind.PLAIN, table.name)}, (new,))
        for name, value in table.constants.items():
            self._constants[name] = value
            plain = Treatment(Kind.PLAIN, table.name)
            self._add(table, name, {Protocol.VALUE: plain, Protocol.ATTRIBUTE: plain})
            holder = name.rpartition(".")[0]
            if holder not in self._rows:
                self._add(table, holder, {Protocol.VALUE: plain, Protocol.OPERATOR: plain})

    def _load_twins(self) -> frozenset[str]:
        """Names of the new libraries, where no table says more of them; gives their classes."""
        found = twins(self.tables)
        new = {name: old for name, old in found.names.items() if name not in self._rows}
        for name, old in new.items():
            self._rows[name] = {p: _migrated(p, t) for p, t in self._rows[old].items()}
            self._owners[name] = self._owners[old]
        for name, given in found.returns.items():
            self._returns.setdefault(name, given)
        classes = {name: old for name, old in found.classes.items() if name in new}
        for name, old in classes.items():
            self._unknown[name] = {p: _migrated(p, t) for p, t in self._unknown[old].items()}
        return frozenset(classes)

    def _add(
        self, table: Table, name: str, treatments: _Treatments, to: tuple[str, ...] = ()
    ) -> None:
        pooled, scripted = table.pools(name), table.scripted
        told = {p: replace(t, pooled=pooled, scripted=scripted) for p, t in treatments.items()}
        self._rows[name] = told
        self._owners[name] = table.name
        if to:
            self._targets[name] = to

    def _add_function(self, table: Table, row: FunctionRow) -> None:
        called = Kind.PLAIN
        if row.awaited:
            called = Kind.AWAITABLE
        elif row.async_with:
            called = Kind.ENTERED
        elif row.async_for:
            called = Kind.ITERATED
        to = (row.to or table.moved(row.name),)
        call = Treatment(called, table.name, grouped=True, blocks=row.awaited)
        treatments = {
            Protocol.CALL: replace(call, later=bool(row.later)),
            Protocol.VALUE: Treatment(
                Kind.PLAIN if row.handed_on else called, table.name, grouped=True, blocks=False
            ),
        }
        self._add(table, row.name, treatments, to if to[0] else ())
        if row.later:
            self._later[row.name] = row.later
        if row.returns:
            self._returns[row.name] = row.returns
        self._add_callbacks(table, row.name, row.callbacks)

    def _add_callbacks(self, table: Table, name: str, callbacks: Iterable[str]) -> None:
        for callback in callbacks:
            awaited = Treatment(Kind.AWAITABLE, table.name, grouped=True, blocks=True)
            self._add(table, f"{name}.{callback}", {Protocol.CALL: awaited})

    def _add_class(self, table: Table, row: ClassRow) -> None:
        name, codemod = row.name, table.name
        self._classes[name] = row
        plain = Treatment(Kind.PLAIN, codemod, grouped=True)
        same = Treatment(Kind.SAME, codemod, grouped=True)
        reason = f"a class derives from {name}, whose methods it may override"
        way_out = "hold a client in an attribute instead of deriving from it"
        derived = Treatment(Kind.REFUSED, codemod, reason, way_out, grouped=True)
        treatments = {Protocol.CALL: plain if row.constructed and row.to else same}
        if row.made_by:
            made = replace(plain, kind=Kind.AWAITABLE, later=row.later)
            treatments[Protocol.CALL] = made
        if row.to:
            treatments |= {Protocol.ANNOTATION: plain, Protocol.VALUE: plain}
            if row.as_value:
                named = replace(plain, renamed=True)
                called = {Protocol.CALL: named} if row.constructed else {}
                treatments |= {Protocol.VALUE: named, **called}
            treatments[Protocol.BASE] = derived
        if row.async_with:
            treatments[Protocol.WITH] = Treatment(Kind.ENTERED, codemod, grouped=True, blocks=False)
        if row.async_for:
            iterated = Treatment(Kind.ITERATED, codemod, grouped=True, blocks=True)
            treatments |= dict.fromkeys(_ITERATING, iterated)
        if row.truth:
            treatments[Protocol.TRUTH] = plain
        if row.exclusive:
            treatments[Protocol.WITH] = Treatment(Kind.EXCLUSIVE, codemod, grouped=True)
        for protocol, key in (("__iter__", _ITERATING), ("__getitem__", (Protocol.OPERATOR,))):
            if protocol in row.plain:
                treatments |= dict.fromkeys(key, plain)
            elif protocol in row.refused:
                treatments |= dict.fromkeys(key, _refused(row, codemod, protocol))
        to = (row.to or table.moved(name),)
        unknown = _unknown_member(row, codemod)
        if row.waits or row.threaded:
            treatments, unknown = {Protocol.CALL: Treatment(Kind.SAME, codemod)}, {}
            for member in row.threaded:
                place = f"{name}.{member}"
                self._add(table, place, {Protocol.CALL: _blocking(table, place)})
            for member in row.waits:
                place = name if member == "__init__" else f"{name}.{member}"
                self._add(table, place, {Protocol.CALL: _waiting(table)})
            treatments |= self._rows.get(name, {})
        if row.thread_affine:
            bound = Treatment(Kind.SAME, codemod, affine=row.thread_affine)
            treatments = {Protocol.CALL: bound, Protocol.WITH: bound, Protocol.VALUE: bound}
            unknown = dict.fromkeys((Protocol.CALL, Protocol.ATTRIBUTE, Protocol.VALUE), bound)
        if row.exclusive:
            treatments = {p: replace(t, exclusive=True) for p, t in treatments.items()}
            unknown = {p: replace(t, exclusive=True) for p, t in unknown.items()}
        self._add(table, name, treatments, to if to[0] else ())
        self._unknown[name] = {p: replace(t, pooled=row.pooled) for p, t in unknown.items()}
        for member in row.members():
            if not member.startswith("__"):  # the class itself has those, by their protocols
                self._add_member(table, row, member)
        for attribute, method in row.setters.items():
            awaited = {
                Protocol.CALL: Treatment(Kind.AWAITABLE, codemod, grouped=True, blocks=False)
            }
            self._add(table, f"{name}.{attribute}=", awaited, (method,))
        for method, (parameter, other) in row.variants.items():
            self._variants[f"{name}.{method}"] = parameter, f"{name}.{other}"
        self._add_callbacks(table, name, row.callbacks)

    def _add_member(self, table: Table, row: ClassRow, member: str) -> None:
        name, codemod = f"{row.name}.{member}", table.name
        handed_on = Treatment(
            Kind.REFUSED,
            codemod,
            f"{name} is handed on as a value, and whoever calls it would have to await it",
            "call it here, or hand on a function that calls it",
            grouped=True,
        )
        awaited = Treatment(Kind.AWAITABLE, codemod, grouped=True, blocks=member not in row.quick)
        treatments: _Treatments
        if member in row.refused:
            refused = _refused(row, codemod, member)
            treatments = dict.fromkeys((Protocol.CALL, Protocol.ATTRIBUTE, Protocol.VALUE), refused)
        elif member in row.iterates or member in row.enters:
            kind = Kind.ITERATED if member in row.iterates else Kind.ENTERED
            done = Treatment(kind, codemod, grouped=True, blocks=kind is Kind.ITERATED)
            treatments = {Protocol.CALL: done, Protocol.ATTRIBUTE: done, Protocol.VALUE: handed_on}
        elif member in row.awaited or member in row.quick:
            if member in row.handed_on:
                handed_on = Treatment(Kind.PLAIN, codemod, grouped=True, blocks=False)
            treatments = {
                Protocol.CALL: awaited,
                Protocol.ATTRIBUTE: handed_on,
                Protocol.VALUE: handed_on,
            }
        elif member in row.plain or member in row.rename:
            plain = Treatment(Kind.PLAIN, codemod, grouped=True)
            treatments = dict.fromkeys((Protocol.CALL, Protocol.ATTRIBUTE, Protocol.VALUE), plain)
        elif row.awaits_all and member in row.returns and member not in row.same:
            treatments = {Protocol.CALL: awaited, Protocol.ATTRIBUTE: handed_on}
        else:
            same = Treatment(Kind.SAME, codemod, grouped=True)
            treatments = dict.fromkeys((Protocol.CALL, Protocol.ATTRIBUTE, Protocol.VALUE), same)
        if member == "close" and row.closes == "aclosing":
            entered = Treatment(Kind.ENTERED, codemod, grouped=True, blocks=False)
            treatments[Protocol.CONSUME] = entered
        renamed = row.rename.get(member)
        self._add(table, name, treatments, (renamed,) if renamed else ())
        if (returned := row.returns.get(member) or row.attributes.get(member)) is not None:
            self._returns[name] = returned

    def _add_exception(self, table: Table, row: ExceptionRow) -> None:
        self._exceptions[row.name] = row
        kept = Treatment(
            Kind.REFUSED,
            table.name,
            f"{row.name} is used outside an except clause and stays as it is",
            f"raise or derive from {' or '.join(row.to) or 'a class of your own'} instead",
            exception=True,
        )
        named = Treatment(Kind.PLAIN, table.name, row.refused, exception=True)
        treatments = {Protocol.EXCEPT: named, Protocol.VALUE: replace(named, blocks=False)}
        treatments |= dict.fromkeys((Protocol.CALL, Protocol.OPERATOR, Protocol.BASE), kept)
        self._add(table, row.name, treatments, row.to)


def _migrated(protocol: Protocol, old: Treatment) -> Treatment:
    awaited = protocol is Protocol.CALL and old.kind is Kind.AWAITABLE
    return Treatment(Kind.MIGRATED, old.codemod, blocks=False, coroutine=awaited, pooled=old.pooled)


def _blocking(table: Table, name: str) -> Treatment:
    return Treatment(Kind.BLOCKING, table.name, f"{name} has no async twin", blocks=True)


def _waiting(table: Table) -> Treatment:
    return Treatment(Kind.SAME, table.name, waits=True)


def _refused(row: ClassRow, codemod: str, member: str) -> Treatment:
    reason = f"{row.name}.{member}: {row.refused[member]}"
    return Treatment(Kind.REFUSED, codemod, reason, DEFAULT_WAY_OUT, grouped=True)


def _unknown_member(row: ClassRow, codemod: str) -> _Treatments:
    """What happens to a member without a row; the reason is filled in per name."""
    refused = Treatment(Kind.REFUSED, codemod, grouped=True)
    found = dict.fromkeys((Protocol.CALL, Protocol.ATTRIBUTE, Protocol.VALUE), refused)
    if row.awaits_all:
        found[Protocol.CALL] = Treatment(Kind.AWAITABLE, codemod, grouped=True, blocks=True)
    elif not row.to or row.complete:
        return {}
    return found
