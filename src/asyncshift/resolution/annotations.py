"""Type expressions of one file as seeds."""

from __future__ import annotations

import ast

from asyncshift.facts import CONSTANT, KIND, SEED, SETSUB, SUB, TYPE
from asyncshift.resolution.call_expressions import CallExpressions

_PEELED = frozenset(
    {"Optional", "Union", "Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly",
     "Awaitable", "Coroutine", "Self", "InitVar"}
)  # fmt: skip
_ITERATORS = frozenset(
    {"Iterator", "Iterable", "Generator", "AsyncIterator", "AsyncIterable", "AsyncGenerator"}
)
_LISTS = _ITERATORS | frozenset(
    {"list", "List", "Sequence", "MutableSequence", "Collection", "Container", "Reversible",
     "deque", "Deque", "set", "Set", "FrozenSet", "frozenset", "MutableSet", "AbstractSet"}
)  # fmt: skip
_DICTS = frozenset(
    {"dict", "Dict", "Mapping", "MutableMapping", "DefaultDict", "defaultdict", "OrderedDict"}
)
_MANAGERS = frozenset({"ContextManager", "AbstractContextManager"})
_ONCE = frozenset({"Iterator", "Iterable", "Generator"})
"""No list can be one of these."""
_TURNING = _ITERATORS | _MANAGERS | {"Callable"}
"""Types with another form for what became async."""
_PLAIN = frozenset(
    {"str", "int", "float", "bool", "bytes", "None", "object", "Any", "complex", "bytearray"}
)


class Annotations(CallExpressions):
    """`annotation` seeds a node: instances of a class, containers of them, or the class itself."""

    def annotation(self, node: ast.expr, target: int, sites: bool = True) -> None:
        """Seed `target` from a type expression; `sites` is false where its place is not known."""
        if isinstance(node, ast.Name):
            name = node.id
            if name not in _PLAIN or name in self.module.bound:
                site = self.site(node, "annotation") if sites else CONSTANT
                self.ops.append((SEED, target, self.variable(name), site))
        elif isinstance(node, ast.Attribute):
            site = self.site(node, "annotation") if sites else CONSTANT
            self.ops.append((SEED, target, self.silent(node), site))
        elif isinstance(node, ast.Subscript):
            self._described(node, target, sites)
            self._generic(node.value, node.slice, target, sites)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            self.annotation(node.left, target, sites)
            self.annotation(node.right, target, sites)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._string(node, node.value, target, sites)

    def _described(self, node: ast.Subscript, target: int, sites: bool) -> None:
        """Mark a type that has an async form, with what it describes."""
        if sites and _last(node.value) in _TURNING:
            self.marks.append((TYPE, target, self.site(node, "annotation")))

    def _held(self, node: ast.expr, holder: int, sites: bool) -> None:
        """The same for what a container holds."""
        if isinstance(node, ast.Subscript) and sites and _last(node.value) in _TURNING:
            held = self.node()
            self.ops.append((SUB, held, holder, None, CONSTANT))
            self._described(node, held, sites)

    def yields(self, node: ast.expr, yielded: int, sites: bool = True) -> None:
        """Seed what a generator yields from its return annotation."""
        match node:
            case ast.Subscript(value=head, slice=part) if _last(head) in _ITERATORS:
                parts = _parts(part)
                self.annotation(parts[0], yielded, sites)
                for other in parts[1:]:
                    self.annotation(other, self.node(), sites)
            case ast.Constant(value=str() as text):
                parsed, placed = self._parsed(node, text)
                if parsed is not None:
                    self.yields(parsed, yielded, sites and placed)

    def _generic(self, head: ast.expr, part: ast.expr, target: int, sites: bool) -> None:
        parts = _parts(part)
        match _last(head):
            case "Literal":
                pass
            case name if name in _PEELED:
                for one in parts:
                    self.annotation(one, target, sites)
            case name if name in _LISTS or name in _MANAGERS:
                kind = "iterator" if name in _ONCE else "list"
                _, elements = self._seeded_box(target, kind)
                for one in parts:
                    self.annotation(one, elements, sites)
                    self._held(one, target, sites)
            case name if name in _DICTS:
                _, elements = self._seeded_box(target, "dict")
                for one in parts[1:]:
                    self.annotation(one, elements, sites)
                    self._held(one, target, sites)
            case "tuple" | "Tuple":
                self._tuple(parts, target, sites)
            case "type" | "Type":
                for one in parts:
                    found = self.node()
                    self.annotation(one, found, sites)
                    self.ops.append((KIND, target, found, "class"))
            case "Callable":
                for one in parts:
                    for inner in one.elts if isinstance(one, ast.List) else [one]:
                        self.annotation(inner, self.node(), sites)
            case _:
                self.annotation(head, target, sites)
                for one in parts:
                    self.annotation(one, self.node(), sites)

    def _tuple(self, parts: list[ast.expr], target: int, sites: bool) -> None:
        holder, elements = self._seeded_box(target, "list")
        match parts:
            case [one, ast.Constant(value=rest)] if rest is ...:
                self.annotation(one, elements, sites)
            case _:
                for index, one in enumerate(parts):
                    item = self.node()
                    self.annotation(one, item, sites)
                    self.ops.append((SETSUB, holder, index, item, CONSTANT))

    def _seeded_box(self, target: int, kind: str) -> tuple[int, int]:
        holder, elements = self.box(kind)
        self.ops.append((KIND, target, holder, "seed"))
        return holder, elements

    def _string(self, node: ast.Constant, text: str, target: int, sites: bool) -> None:
        parsed, placed = self._parsed(node, text)
        if parsed is not None:
            self.annotation(parsed, target, sites and placed)

    def _parsed(self, node: ast.Constant, text: str) -> tuple[ast.expr | None, bool]:
        """A string annotation as an expression, and whether its columns are those of the file."""
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            return None, False
        line, column, end, end_column = self.places.span(node)
        written = self.places.lines[line - 1][column:end_column]
        if line != end or written not in (f"'{text}'", f'"{text}"') or not text.isascii():
            return tree, False
        shift = node.col_offset + 1 + len(text) - len(text.lstrip())
        for part in ast.walk(tree):
            if isinstance(part, ast.expr):
                part.lineno = part.end_lineno = line
                part.col_offset += shift
                part.end_col_offset = (part.end_col_offset or 0) + shift
        return tree, True


def is_class_variable(node: ast.expr) -> bool:
    """`ClassVar`, `typing.ClassVar[int]`, `"ClassVar[int]"`: no field of a dataclass."""
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and "ClassVar" in node.value
    return _last(node) == "ClassVar"


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]
