"""A bench for rewriters, without the engine.

`rewritten` finds the library names in a text by a small table of receivers (`s` is a session, `r` a
response, `jar` a cookie jar), asks the registry as the engine does, and applies the edits.
"""

from __future__ import annotations

import ast
import itertools
import textwrap
from collections.abc import Iterator, Mapping

from asyncshift.codemod import Edit, Kind, Registry, Resolved
from asyncshift.edits import Applied, apply_edits, conflicts
from asyncshift.loading import load_registry
from asyncshift.model import (
    Certainty,
    Message,
    Need,
    Protocol,
    Refusal,
    Severity,
    Site,
    Span,
    Target,
)
from asyncshift.toolbox import dotted_text, imported_names

REGISTRY = load_registry(only=["requests_httpx"])
PREAMBLE = "import contextlib, requests\n"
CONSUMERS = ("dict", "len", "list", "sorted")
Parents = tuple[ast.AST, ...]
Found = tuple[ast.AST, Parents, str, Protocol]
RECEIVERS = {
    "s": "requests.Session",
    "self.session": "requests.Session",
    "r": "requests.Response",
    "response": "requests.Response",
    "jar": "requests.cookies.RequestsCookieJar",
}


class PlainNames:
    """Writes full names, and hands out every wanted local name once."""

    def __init__(self) -> None:
        self.given: set[str] = set()

    def dotted(self, name: str, at: Span) -> str:
        return name

    def fresh(self, wanted: str, at: Span) -> str:
        names = itertools.chain([wanted], (f"{wanted}_{n}" for n in itertools.count(2)))
        name = next(n for n in names if n not in self.given)
        self.given.add(name)
        return name


class Finder:
    """Names of the library in a text: by its imports, and by what receivers are said to be."""

    def __init__(self, registry: Registry, receivers: Mapping[str, str], module: ast.Module):
        self.registry, self.receivers = registry, receivers
        self.imports = imported_names(module)

    def mention(self, node: ast.AST) -> str:
        """The full name of an expression that starts with an imported name."""
        head, dot, tail = dotted_text(node).partition(".")
        return f"{self.imports[head]}{dot}{tail}" if head in self.imports else ""

    def api(self, node: ast.AST) -> str:
        """The library name of an expression, as the call graph would know it."""
        if (name := self.receivers.get(dotted_text(node))) is not None:
            return name
        if (full := self.mention(node)) or not isinstance(node, ast.Attribute):
            return self.registry.canonical(full or dotted_text(node))
        returned = self.type(node.value)
        return f"{returned}.{node.attr}" if returned else ""

    def type(self, node: ast.AST) -> str:
        """The class of what an expression gives."""
        inner = node.func if isinstance(node, ast.Call) else node
        api = self.api(inner)
        return self.registry.returns(api) or ""

    def sites(self, module: ast.Module) -> Iterator[Found]:
        """Every place that reaches a library name, in source order."""
        stack: list[tuple[ast.AST, Parents]] = [(module, ())]
        while stack:
            node, parents = stack.pop()
            children = reversed(list(ast.iter_child_nodes(node)))
            stack += [(child, (node, *parents)) for child in children]
            if not parents or isinstance(node, (ast.Import, ast.ImportFrom, ast.alias)):
                continue
            for protocol, api in (*self._called(node, parents[0]), *self._named(node, parents)):
                if self.registry.is_api(api):
                    yield node, parents, api, protocol

    def _called(self, node: ast.AST, parent: ast.AST) -> Iterator[tuple[Protocol, str]]:
        if isinstance(node, ast.Call):
            yield Protocol.CALL, self.api(node.func)
            if isinstance(node.func, ast.Name) and node.func.id in CONSUMERS and node.args:
                yield Protocol.CONSUME, self.type(node.args[0])
        instance = self.type(node) if isinstance(node, (ast.Attribute, ast.Call, ast.Name)) else ""
        if not instance or self.mention(node):
            return
        match parent:
            case ast.withitem(context_expr=item) if item is node:
                yield Protocol.WITH, instance
            case ast.For(iter=iterable) if iterable is node:
                yield Protocol.FOR, instance
            case ast.If(test=test) if test is node:
                yield Protocol.TRUTH, instance
            case ast.UnaryOp(op=ast.Not()) | ast.BoolOp():
                yield Protocol.TRUTH, instance

    def _named(self, node: ast.AST, parents: Parents) -> Iterator[tuple[Protocol, str]]:
        parent = parents[0]
        if isinstance(parent, ast.Call) and parent.func is node:
            return
        if isinstance(parent, ast.Attribute) and self.mention(parent) and self._knows(parent):
            return
        api = self.api(node) if isinstance(node, (ast.Attribute, ast.Name)) else ""
        match node, parents:
            case ast.Attribute(), _ if not self.mention(node):
                if dotted_text(node) not in self.receivers:
                    yield Protocol.ATTRIBUTE, api
            case ((ast.Attribute() | ast.Name()), _) if not self.mention(node):
                return
            case ((ast.Attribute() | ast.Name()), (ast.ExceptHandler(), *_)):
                yield Protocol.EXCEPT, api
            case ((ast.Attribute() | ast.Name()), (ast.Tuple(), ast.ExceptHandler(), *_)):
                yield Protocol.EXCEPT, api
            case (
                (ast.Attribute() | ast.Name()),
                (ast.Call(func=ast.Attribute(attr="suppress")), *_),
            ):
                yield Protocol.EXCEPT, api
            case ((ast.Attribute() | ast.Name()), (ast.arg() | ast.AnnAssign(), *_)):
                yield Protocol.ANNOTATION, api
            case ((ast.Attribute() | ast.Name()), _):
                yield Protocol.VALUE, api

    def _knows(self, node: ast.AST) -> bool:
        return self.registry.is_api(self.api(node))


class Outcomes:
    """What the rewriters gave for a text."""

    def __init__(
        self,
        text: str,
        keywords: tuple[str, ...] | None = (),
        way: str = "convert",
        registry: Registry = REGISTRY,
        receivers: Mapping[str, str] = RECEIVERS,
        wanted: frozenset[str] = frozenset(),
    ):
        self.text = PREAMBLE + dedent(text)
        self.keywords, self.way, self.wanted = keywords, way, wanted
        self.edits: list[Edit] = []
        self.refusals: list[Refusal] = []
        self.messages: list[Message] = []
        self.needs: set[str] = set()
        names = PlainNames()
        module = ast.parse(self.text)
        for node, parents, api, protocol in Finder(registry, receivers, module).sites(module):
            treatment = registry.treatment(api, protocol)
            if treatment is None or treatment.kind in (Kind.SAME, Kind.BLOCKING, Kind.MIGRATED):
                continue
            if treatment.kind is Kind.REFUSED:
                refusal = (place(node), "table", treatment.reason, treatment.way_out)
                self.refusals.append(Refusal("m.py", *refusal))
                continue
            for outcome in registry.rewrite(self._resolved(node, parents, api, protocol, names)):
                match outcome:
                    case Edit():
                        self.edits.append(outcome)
                    case Refusal():
                        self.refusals.append(outcome)
                    case Message():
                        self.messages.append(outcome)
                    case Need():
                        self.needs.add(outcome.name)

    def _resolved(
        self, node: ast.AST, parents: Parents, api: str, protocol: Protocol, names: PlainNames
    ) -> Resolved:
        site = Site(
            path="m.py",
            span=place(node),
            caller="m.py:1",
            protocol=protocol,
            targets=(Target(api=api),),
            certainty=Certainty.CERTAIN,
            text=ast.unparse(getattr(node, "func", node)),
            keywords=self.keywords,
        )
        options = {"first_party": "m"}
        return Resolved(site, api, node, parents, names, self.way, options, self.text, self.wanted)

    @property
    def rules(self) -> set[str]:
        """The rules by which something is refused."""
        return {refusal.rule for refusal in self.refusals}

    @property
    def code(self) -> str:
        """The text after all edits; fails where something is refused."""
        assert not self.refusals, self.refusals
        assert not conflicts(self.edits)
        applied = apply_edits(self.text, self.edits)
        assert isinstance(applied, Applied)
        compile(applied.code, "m.py", "exec")
        return applied.code.removeprefix(PREAMBLE)


def place(node: ast.AST) -> Span:
    """A node's place in a text of ASCII characters."""
    assert isinstance(node, (ast.expr, ast.stmt))
    return (node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)


def rewritten(text: str, keywords: tuple[str, ...] | None = (), way: str = "convert") -> str:
    """The text after all edits; fails where something is refused."""
    return Outcomes(text, keywords, way).code


def refused(text: str, keywords: tuple[str, ...] | None = ()) -> set[str]:
    """The rules by which something in the text is refused."""
    return Outcomes(text, keywords).rules


def messages(text: str, keywords: tuple[str, ...] | None = ()) -> set[str]:
    """The rules of the notes that come with the edits, without those of the parity report."""
    found = Outcomes(text, keywords).messages
    return {m.rule for m in found if m.severity is not Severity.PARITY}


def needs(text: str) -> set[str]:
    """What sites of the text need of the places where their values were made."""
    return Outcomes(text).needs


def dedent(text: str) -> str:
    """An indented literal as a file's text."""
    return textwrap.dedent(text).lstrip("\n")
