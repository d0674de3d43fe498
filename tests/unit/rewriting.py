"""A bench for the rewriters of requests_httpx, without the engine.

`rewritten` finds the library names in a text by a small table of receivers (`s` is a session, `r` a
response, `jar` a cookie jar), asks the registry as the engine does, and applies the edits.
"""

from __future__ import annotations

import ast
import itertools
import textwrap
from collections.abc import Iterator

from asyncshift.codemod import Edit, Resolved, load_registry
from asyncshift.edits import Applied, apply_edits, conflicts
from asyncshift.model import Certainty, Message, Protocol, Refusal, Site, Span, Target

REGISTRY = load_registry(only=["requests_httpx"])
PREAMBLE = "import requests\n"
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


class Outcomes:
    """What the rewriters gave for a text."""

    def __init__(self, text: str, keywords: tuple[str, ...] | None = (), way: str = "convert"):
        self.text = PREAMBLE + dedent(text)
        self.keywords, self.way = keywords, way
        self.edits: list[Edit] = []
        self.refusals: list[Refusal] = []
        self.messages: list[Message] = []
        names = PlainNames()
        for node, parents, api, protocol in sites(ast.parse(self.text)):
            treatment = REGISTRY.treatment(api, protocol)
            if treatment is None or treatment.kind in ("same", "blocking", "refused"):
                if treatment is not None and treatment.kind == "refused":
                    span = place(node)
                    refusal = Refusal("m.py", span, "table", treatment.reason, treatment.way_out)
                    self.refusals.append(refusal)
                continue
            for outcome in REGISTRY.rewrite(self._resolved(node, parents, api, protocol, names)):
                match outcome:
                    case Edit():
                        self.edits.append(outcome)
                    case Refusal():
                        self.refusals.append(outcome)
                    case Message():
                        self.messages.append(outcome)

    def _resolved(
        self,
        node: ast.AST,
        parents: tuple[ast.AST, ...],
        api: str,
        protocol: Protocol,
        names: PlainNames,
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
        return Resolved(site, api, node, parents, names, self.way, {}, self.text)

    @property
    def code(self) -> str:
        assert not self.refusals, self.refusals
        assert not conflicts(self.edits)
        applied = apply_edits(self.text, self.edits)
        assert isinstance(applied, Applied)
        compile(applied.code, "m.py", "exec")
        return applied.code.removeprefix(PREAMBLE)


def place(node: ast.AST) -> Span:
    assert isinstance(node, (ast.expr, ast.stmt))
    return (node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)


def dotted(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value)}.{attr}"
        case ast.Call(func=func):
            return f"{api_of(func)}()"
    return "?"


def is_dotted(name: str) -> bool:
    return name.startswith("requests.") and "(" not in name


def api_of(node: ast.AST) -> str:
    """The library name of an expression, as the call graph would know it."""
    name = dotted(node)
    if name in RECEIVERS:
        return RECEIVERS[name]
    if isinstance(node, ast.Attribute) and not is_dotted(name):
        returned = type_of(node.value)
        return f"{returned}.{node.attr}" if returned else ""
    return REGISTRY.canonical(name)


def type_of(node: ast.AST) -> str:
    inner = node.func if isinstance(node, ast.Call) else node
    return REGISTRY.returns(api_of(inner)) or ""


def sites(
    module: ast.Module,
) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...], str, Protocol]]:
    stack: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(module, ())]
    while stack:
        node, parents = stack.pop()
        children = reversed(list(ast.iter_child_nodes(node)))
        stack += [(child, (node, *parents)) for child in children]
        for protocol, api in reached(node, parents):
            if REGISTRY.is_api(api):
                yield node, parents, api, protocol


def reached(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[tuple[Protocol, str]]:
    if not parents or isinstance(node, (ast.Import, ast.ImportFrom, ast.alias)):
        return
    parent = parents[0]
    instance = type_of(node) if isinstance(node, (ast.Call, ast.Attribute)) else api_of(node)
    instance = instance or api_of(node)
    instance = instance if REGISTRY.is_class(instance) else ""
    mentioned = isinstance(node, ast.Attribute) and is_dotted(dotted(node))
    if isinstance(node, ast.Call):
        yield Protocol.CALL, api_of(node.func)
        if isinstance(node.func, ast.Name) and node.func.id in ("list", "sorted", "dict", "len"):
            yield Protocol.CONSUME, type_of(node.args[0]) or api_of(node.args[0])
    elif isinstance(node, ast.Attribute) and not mentioned:
        called = isinstance(parent, ast.Call) and parent.func is node
        if not called and dotted(node) not in RECEIVERS:
            yield Protocol.ATTRIBUTE, api_of(node)
    elif mentioned:
        match parent:
            case ast.ExceptHandler():
                yield Protocol.EXCEPT, api_of(node)
            case ast.Tuple() if isinstance(parents[1], ast.ExceptHandler):
                yield Protocol.EXCEPT, api_of(node)
            case ast.Call() if dotted(parent.func) == "contextlib.suppress":
                yield Protocol.EXCEPT, api_of(node)
            case ast.arg() | ast.AnnAssign():
                yield Protocol.ANNOTATION, api_of(node)
            case ast.Call() if parent.func is node:
                pass
            case _:
                yield Protocol.VALUE, api_of(node)
    if instance and not mentioned:
        match parent:
            case ast.withitem(context_expr=item) if item is node:
                yield Protocol.WITH, instance
            case ast.For(iter=iterable) if iterable is node:
                yield Protocol.FOR, instance
            case ast.If(test=test) if test is node:
                yield Protocol.TRUTH, instance
            case ast.UnaryOp(op=ast.Not()) | ast.BoolOp():
                yield Protocol.TRUTH, instance


def rewritten(text: str, keywords: tuple[str, ...] | None = (), way: str = "convert") -> str:
    """The text after all edits; fails where something is refused."""
    return Outcomes(text, keywords, way).code


def refused(text: str, keywords: tuple[str, ...] | None = ()) -> set[str]:
    """The rules by which something in the text is refused."""
    return {r.rule for r in Outcomes(text, keywords).refusals}


def messages(text: str, keywords: tuple[str, ...] | None = ()) -> set[str]:
    """The rules of the notes that come with the edits."""
    return {m.rule for m in Outcomes(text, keywords).messages}


def dedent(text: str) -> str:
    """An indented literal as a file's text."""
    return textwrap.dedent(text).lstrip("\n")
