"""Expressions of one file as constraints: what each evaluates to, and what it reaches."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from asyncshift.facts import (
    ATTR,
    AWAITED,
    BOX,
    CALL,
    CONSTANT,
    ENDED,
    EXCEPT,
    IMP,
    INTERRUPTED,
    ITER,
    KEPT,
    KEYED,
    KIND,
    LOAD,
    NAMING,
    SETSUB,
    STEP,
    STORE,
    SUB,
    TRUTH,
    UNKNOWN,
    YIELDS,
)
from asyncshift.model import Span
from asyncshift.resolution.doubles import Doubles, pattern
from asyncshift.resolution.scopes import Scope

OPERATORS = {
    ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__", ast.Div: "__truediv__",
    ast.FloorDiv: "__floordiv__", ast.Mod: "__mod__", ast.Pow: "__pow__", ast.MatMult: "__matmul__",
    ast.BitOr: "__or__", ast.BitAnd: "__and__", ast.BitXor: "__xor__", ast.LShift: "__lshift__",
    ast.RShift: "__rshift__", ast.Eq: "__eq__", ast.NotEq: "__ne__", ast.Lt: "__lt__",
    ast.LtE: "__le__", ast.Gt: "__gt__", ast.GtE: "__ge__",
}  # fmt: skip

_UNARY: dict[type[ast.unaryop], str] = {
    ast.USub: "__neg__", ast.UAdd: "__pos__", ast.Invert: "__invert__",
}  # fmt: skip
_REFLECTED = {name: f"__r{name[2:]}" for name in list(OPERATORS.values())[:13]}
"""What the right operand answers where the left one is a constant or unknown."""

_KINDS = {ast.ListComp: "list", ast.SetComp: "set", ast.DictComp: "dict"}
_DOTTED = re.compile(r"[^\W\d]\w*(?:[.:][^\W\d]\w*)+")
_RAISES = frozenset({"suppress", "raises", "assertRaises", "assertRaisesRegex"})

_TESTABLE = frozenset({ast.Name, ast.Attribute, ast.Call, ast.Await, ast.NamedExpr, ast.Subscript})
"""Expressions whose truth an object of the project may decide."""


def _bounds(node: ast.Slice) -> tuple[int | None, int | None]:
    """First index and end of a slice; (None, None) where they are not known."""
    match node:
        case ast.Slice(
            lower=None | ast.Constant(value=int()),
            upper=None | ast.Constant(value=int()),
            step=None,
        ):
            first = node.lower.value if isinstance(node.lower, ast.Constant) else 0
            end = node.upper.value if isinstance(node.upper, ast.Constant) else None
            if isinstance(first, int) and (end is None or isinstance(end, int)):
                return first, end
    return None, None


class Expressions(Doubles):
    """`value` gives the node of an expression; `quiet` does so where a name is only a step."""

    # ------------------------------------------------------------------ for subclasses

    def call(self, node: ast.Call) -> int:
        """A call."""
        raise NotImplementedError

    def function_expression(self, node: ast.Lambda) -> int:
        """A lambda: a function of its own."""
        raise NotImplementedError

    def generator_expression(self, node: ast.GeneratorExp) -> int:
        """A generator expression: a function of its own."""
        raise NotImplementedError

    def annotation(self, node: ast.expr, target: int, sites: bool = True) -> None:
        """Seed a node from a type expression."""
        raise NotImplementedError

    # ------------------------------------------------------------------ entry points

    def value(self, node: ast.expr) -> int:
        """The node of an expression in value position."""
        return VALUES[node.__class__](self, node)

    def quiet(self, node: ast.expr, flags: int = STEP) -> int:
        """The node of a callee or of the left side of a dot: its name is no mention."""
        if isinstance(node, ast.Name):
            return self.variable(node.id)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, flags)
        return self.value(node)

    def silent(self, node: ast.expr) -> int:
        """The node of a dotted name that is reported by somebody else."""
        if isinstance(node, ast.Name):
            return self.variable(node.id)
        if isinstance(node, ast.Attribute):
            return self.load(self.silent(node.value), node.attr)
        return UNKNOWN

    def test(self, node: ast.expr) -> int:
        """An expression whose truth is asked."""
        result = self.value(node)
        if result > 0 and node.__class__ in _TESTABLE:
            self.marks.append((TRUTH, result, self.site(node, "truth")))
        return result

    # ------------------------------------------------------------------ simple expressions

    def _constant(self, node: ast.Constant) -> int:
        text = node.value
        if text.__class__ is str and "." in text and _DOTTED.fullmatch(text):
            self.strings[text, node.lineno] = False
        return CONSTANT

    def _name(self, node: ast.Name) -> int:
        scope = self.scope
        scope.mentioned.append(node)
        return scope.names.get(node.id) or self.variable(node.id)

    def _attribute(self, node: ast.Attribute, flags: int = 0) -> int:
        inner = node.value
        kind = inner.__class__
        if kind is ast.Name:  # `quiet` spelled out, there are so many
            name = inner.id  # type: ignore[attr-defined]
            source = self.scope.names.get(name) or self.variable(name)
        else:
            source = self.quiet(inner)
            if source <= 0:
                return UNKNOWN
        attr = node.attr
        if attr[0] == "_":
            attr = self.private(attr)
            if attr in ("__name__", "__qualname__"):
                self.block_scope().flags |= NAMING
        loads = self.scope.loads
        key = (source, attr)
        target = loads.get(key)
        if target is None:  # `load` spelled out
            target = loads[key] = self.nodes
            self.nodes = target + 1
            self.ops.append((LOAD, target, source, attr))
        # Only the solver knows whether it matters that an attribute is read here.
        self.marks.append((ATTR, source, attr, target, self.site(node, "attribute", flags)))
        if attr == "__dict__":
            self._namespace(node, source, target)
        return target

    def _namespace(self, node: ast.Attribute, source: int, target: int) -> None:
        """`module.__dict__` looks like a call of what finds by name, as `vars(module)` is."""
        function = self.node()
        self.ops.append((IMP, function, "builtins", "__dict__", CONSTANT))
        site = self.site(node, "call")
        self.named[site] = (KEPT,)
        self.ops.append((CALL, target, function, (source,), (), site))

    def _children(self, node: ast.expr) -> int:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
        return UNKNOWN

    def _joined(self, node: ast.JoinedStr) -> int:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.value(part.value)
                if part.format_spec is not None:
                    self.value(part.format_spec)
        return CONSTANT

    def _boolean(self, node: ast.BoolOp) -> int:
        parts = [self.test(part) for part in node.values[:-1]]
        return self.join([*parts, self.value(node.values[-1])])

    def _unary(self, node: ast.UnaryOp) -> int:
        if isinstance(node.op, ast.Not):
            self.test(node.operand)
            return CONSTANT
        operand = self.value(node.operand)
        if operand <= 0:
            return operand
        return self.special(operand, _UNARY[type(node.op)], (), node)

    def _binary(self, node: ast.BinOp) -> int:
        # A loop over the left spine: `a + b + c ...` may have thousands of terms.
        spine = [node]
        while isinstance(inner := spine[-1].left, ast.BinOp):
            spine.append(inner)
        result = self.value(spine[-1].left)
        for step in reversed(spine):
            right = self.value(step.right)
            result = self.operated(step, OPERATORS[type(step.op)], result, right)
        return result

    def operated(self, node: ast.AST, name: str, left: int, right: int) -> int:
        if left <= 0 and right > 0 and (reflected := _REFLECTED.get(name)) is not None:
            result = self.special(right, reflected, (left,), node)
            self.copy(result, left)
            return result
        if left <= 0:
            return CONSTANT if left == right == CONSTANT else UNKNOWN
        target = self.special(left, name, (right,), node)
        if name in ("__add__", "__mul__", "__or__"):  # lists and sets keep their elements
            self.ops.append((KIND, target, left, "box"))
            if right > 0:
                self.ops.append((KIND, target, right, "box"))
        return target

    def special(self, source: int, name: str, args: tuple[int, ...], node: ast.AST) -> int:
        """What a special method gives."""
        target = self.node()
        bound = self.node()
        site = self.site(node, "operator")
        self.ops += (LOAD, bound, source, name), (CALL, target, bound, args, (), site)
        return target

    def _compare(self, node: ast.Compare) -> int:
        left = self.value(node.left)
        for operator, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator)
            name = OPERATORS.get(operator.__class__)
            if name is not None:
                if left > 0:
                    self.operated(node, name, left, right)
            elif right > 0 and isinstance(operator, (ast.In, ast.NotIn)):
                bound = self.node()
                self.ops.append((LOAD, bound, right, "__contains__"))
                site = self.site(comparator, "operator")
                self.ops.append((CALL, CONSTANT, bound, (left,), (), site))
                site = self.site(comparator, "consume")
                self.ops.append((ITER, CONSTANT, right, site, "in"))
            left = right
        return CONSTANT

    def _ternary(self, node: ast.IfExp) -> int:
        self.test(node.test)
        return self.join([self.value(node.body), self.value(node.orelse)])

    def _walrus(self, node: ast.NamedExpr) -> int:
        result = self.value(node.value)
        scope = self.scope
        while self.scope.kind == "comp" and self.scope.parent is not None:
            self.scope = self.scope.parent
        name = node.target.id
        target = self.weakly(name)
        self.scope = scope
        self.copy(target, result)
        return target

    def _await(self, node: ast.Await) -> int:
        first = len(self.sites)
        result = self.value(node.value)
        span = self.places.span(node.value)
        for site in range(len(self.sites) - 1, first - 1, -1):
            if self.sites[site][0] == span:
                self.flag(site, AWAITED)
        return result

    def _starred(self, node: ast.Starred) -> int:
        return self.element(node.value, "consume", "*")

    def element(self, node: ast.expr, protocol: str, consumer: str = "", flags: int = 0) -> int:
        """The elements that iterating over an expression gives."""
        return self.iterated(node, self.value(node), protocol, consumer, flags)

    def iterated(
        self, node: ast.expr, source: int, protocol: str, consumer: str = "", flags: int = 0
    ) -> int:
        """The elements of what was evaluated before, perhaps in an outer scope."""
        if source <= 0:
            return UNKNOWN
        target = self.node()
        self.ops.append((ITER, target, source, self.site(node, protocol, flags), consumer))
        return target

    # ------------------------------------------------------------------ generators

    def block_scope(self) -> Scope:
        """The function whose generator a `yield` belongs to."""
        scope = self.scope
        while scope.kind == "comp" and scope.parent is not None:
            scope = scope.parent
        return scope

    def statement_yield(self, node: ast.Yield | ast.YieldFrom) -> None:
        """A `yield` whose own value nobody reads."""
        scope = self.block_scope()
        sent = scope.sent
        self.value(node)
        scope.sent = sent

    def yields_here(self, scope: Scope) -> None:
        """Note what a `yield` says of the blocks around it."""
        if scope.held:
            scope.flags |= ENDED
        for site in scope.loops:
            if site >= 0:
                self.flag(site, YIELDS)

    def _yield(self, node: ast.Yield) -> int:
        scope = self.block_scope()
        scope.is_generator = scope.sent = True
        self.yields_here(scope)
        if node.value is not None:
            result = self.value(node.value)
            self.copy(scope.yielded, result)
        return UNKNOWN

    def _yield_from(self, node: ast.YieldFrom) -> int:
        scope = self.block_scope()
        scope.is_generator = scope.sent = True
        self.yields_here(scope)
        source = self.value(node.value)
        if source <= 0:
            self.copy(scope.yielded, UNKNOWN)
            return UNKNOWN
        site = self.site(node, "yield_from", label=self.text(node.value))
        self.ops.append((ITER, scope.yielded, source, site, ""))
        target = self.node()
        self.ops.append((KIND, target, source, "returned"))
        return target

    # ------------------------------------------------------------------ containers

    def box(self, kind: str) -> tuple[int, int]:
        """A new container: (node that holds it, node of its elements)."""
        target = self.nodes
        elements = target + 1
        self.nodes = target + 3  # the third: everything in it, whatever the key
        self.ops.append((BOX, target, elements, kind))
        return target, elements

    def _sequence(self, node: ast.Tuple | ast.List | ast.Set) -> int:
        keyed = not isinstance(node, ast.Set)
        kind = "list" if keyed else "set"
        parts: list[int] = []
        for part in node.elts:
            parts.append(VALUES[part.__class__](self, part))
            if part.__class__ is ast.Starred:
                keyed = False
        target, elements = self.box(kind)
        for index, item in enumerate(parts):
            if item == CONSTANT:
                continue
            if keyed and index < KEYED:
                self.ops.append((SETSUB, target, index, item, CONSTANT))
            else:
                self.copy(elements, item)
        return target

    def _dict(self, node: ast.Dict) -> int:
        value = self.value
        pairs = [
            (key, CONSTANT if key is None else value(key), value(item))
            for key, item in zip(node.keys, node.values, strict=True)
        ]
        target, elements = self.box("dict")
        for key, _, item in pairs:
            if key is None:
                if item > 0:
                    self.ops.append((KIND, elements, item, "values"))
            elif isinstance(key, ast.Constant) and isinstance(key.value, (str, int)):
                if item != CONSTANT:
                    self.ops.append((SETSUB, target, key.value, item, CONSTANT))
            else:
                self.copy(elements, item)
        return target

    def _subscript(self, node: ast.Subscript) -> int:
        source = self.quiet(node.value, 0)
        key = self.key(node.slice)
        match node:
            case ast.Subscript(ast.Attribute(ast.Name("sys"), "modules"), ast.Name("__name__")):
                target = self.node()
                self.ops.append((IMP, target, self.file.module, None, CONSTANT))
                return target
        if node.value.__class__ in (ast.Call, ast.Attribute):
            self.looked_up(node.value, pattern(node.slice))
        if source <= 0:
            return UNKNOWN
        target = self.node()
        self.ops.append((SUB, target, source, key, self.site(node, "operator")))
        if held := self.held(node.value, key):
            return self.join([target, held])
        return target

    def held(self, holder: ast.expr, key: object) -> int:
        """`local.__dict__` or `vars(local)` holds by a name what is stored as an attribute; 0 where
        something else is asked."""
        match holder, key:
            case (
                (
                    ast.Attribute(value=ast.Name() as base, attr="__dict__")
                    | ast.Call(func=ast.Name(id="vars"), args=[ast.Name() as base])
                ),
                str(),
            ):
                return self.load(self.quiet(base), key)
        return 0

    def looked_up(self, holder: ast.expr, name: str) -> None:
        """`globals()["do_" + name]`, `vars(module).get(name)`: by their names, like `getattr`."""
        match holder:
            case (
                ast.Call(func=ast.Name(id="globals" | "locals" | "vars"), args=[] | [_])
                | ast.Attribute(attr="__dict__")
            ):
                span = self.places.span(holder)
                sites = range(len(self.sites) - 1, -1, -1)
                found = (n for n in sites if self.sites[n][:2] == (span, "call"))
                if (site := next(found, None)) is not None:
                    self.named[site] = (name,)

    def key(self, node: ast.expr) -> object:
        """A constant key, ("slice", first, end) with bounds where they are constants, or None for
        one that is not known."""
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, int)):
            return node.value
        if isinstance(node, ast.Slice):
            for part in (node.lower, node.upper, node.step):
                if part is not None:
                    self.value(part)
            return ("slice", *_bounds(node))
        self.value(node)
        return None

    # ------------------------------------------------------------------ comprehensions

    def enter(self, scope: Scope) -> None:
        """Make a block inside the current function the current scope."""
        outer = self.scope
        scope.yielded, scope.returned = outer.yielded, outer.returned
        scope.first, scope.cls, scope.kwarg = outer.first, outer.cls, outer.kwarg
        scope.is_async, scope.flags, scope.guard = outer.is_async, outer.flags, outer.guard
        self.scope = scope

    def clauses(self, generators: list[ast.comprehension], first: int) -> None:
        """The `for` and `if` parts; the first iterable was evaluated outside already."""
        for index, clause in enumerate(generators):
            flags = AWAITED if clause.is_async else 0
            source = first if index == 0 else None
            if source is None:
                source = self.element(clause.iter, "comprehension", "", flags)
            self.assign(clause.target, source)
            for condition in clause.ifs:
                self.test(condition)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp) -> int:
        clause = node.generators[0]
        flags = AWAITED if clause.is_async else 0
        first = self.element(clause.iter, "comprehension", "", flags)
        scope = Scope("comp", self.scope, self.scope.owner, self.scope.path)
        self.enter(scope)
        self.clauses(node.generators, first)
        if isinstance(node, ast.DictComp):
            self.value(node.key)
            result = self.value(node.value)
        else:
            result = self.value(node.elt)
        self.close(scope)
        target, elements = self.box(_KINDS[node.__class__])
        self.copy(elements, result)
        return target

    # ------------------------------------------------------------------ assignment

    def assign(self, target: ast.expr, source: int) -> None:
        """Bind a target of an assignment, a loop, or a with item."""
        if isinstance(target, ast.Name):
            self.copy(self.bind(target.id), source)
        elif isinstance(target, ast.Attribute):
            base = self.quiet(target.value)
            if base > 0:
                self.store(base, target.attr, source, target)
        elif isinstance(target, ast.Subscript):
            base = self.quiet(target.value)
            key = self.key(target.slice)
            if base > 0:
                self.ops.append((SETSUB, base, key, source, self.site(target, "operator")))
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target, target.elts, source)
        elif isinstance(target, ast.Starred):
            holder, elements = self.box("list")
            self.copy(elements, source)
            self.assign(target.value, holder)

    def _unpack(self, target: ast.expr, parts: list[ast.expr], source: int) -> None:
        if source <= 0:
            for part in parts:
                self.assign(part, UNKNOWN)
            return
        every = self.node()
        site = self.site(target, "consume")
        self.ops.append((ITER, every, source, site, "unpack"))
        starred = any(isinstance(part, ast.Starred) for part in parts)
        for index, part in enumerate(parts):
            if starred:
                self.assign(part, every)
                continue
            item = self.node()
            self.ops.append((SUB, item, source, ("unpack", index), CONSTANT))
            self.assign(part, item)

    def store(self, base: int, attr: str, source: int, node: ast.AST) -> None:
        """`base.attr = source`."""
        attr = self.private(attr)
        self.ops.append((STORE, base, attr, source, self.site(node, "attribute")))

    # ------------------------------------------------------------------ exceptions

    def guard(self, node: ast.expr, region: Span) -> list[tuple[int, int]]:
        """Class expressions of an except clause, or of `suppress`, and what they guard.

        Gives (node, site) of each class.
        """
        if isinstance(node, ast.Tuple):
            return [found for part in node.elts for found in self.guard(part, region)]
        if isinstance(node, ast.Starred):
            return self.guard(node.value, region)
        if not isinstance(node, (ast.Name, ast.Attribute)):
            self.value(node)
            return []
        if isinstance(node, ast.Name) and node.id == "KeyboardInterrupt":
            self.scope.flags |= INTERRUPTED
        source = self.silent(node)
        site = self.site(node, "except")
        self.regions[site] = region
        self.marks.append((EXCEPT, source, site))
        if source <= 0:
            return [(source, site)]
        classes = self.node()  # of a tuple that a variable holds
        self.ops.append((SUB, classes, source, None, CONSTANT))
        self.marks.append((EXCEPT, classes, site))
        return [(source, site), (classes, site)]

    def is_guard(self, node: ast.expr) -> bool:
        """`suppress(X)`, `pytest.raises(X)`: a with item that takes exception classes."""
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                return name in _RAISES
        return False


VALUES: dict[type[ast.expr], Callable[[Any, Any], int]] = {
    **dict.fromkeys(ast.expr.__subclasses__(), Expressions._children),
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Call: lambda self, node: self.call(node),
    ast.Constant: Expressions._constant,
    ast.JoinedStr: Expressions._joined,
    ast.BoolOp: Expressions._boolean,
    ast.UnaryOp: Expressions._unary,
    ast.BinOp: Expressions._binary,
    ast.Compare: Expressions._compare,
    ast.IfExp: Expressions._ternary,
    ast.NamedExpr: Expressions._walrus,
    ast.Subscript: Expressions._subscript,
    ast.Tuple: Expressions._sequence,
    ast.List: Expressions._sequence,
    ast.Set: Expressions._sequence,
    ast.Dict: Expressions._dict,
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
    ast.GeneratorExp: lambda self, node: self.generator_expression(node),
    ast.Lambda: lambda self, node: self.function_expression(node),
    ast.Await: Expressions._await,
    ast.Yield: Expressions._yield,
    ast.YieldFrom: Expressions._yield_from,
    ast.Starred: Expressions._starred,
}
"""What each kind of expression means."""
