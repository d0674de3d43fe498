"""What each expression of a function gives, and what it does with the coroutines it is given."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from asyncshift.check.outside import OWN_ATTRIBUTES
from asyncshift.check.unit import Definition, Scope, Unit, scope_of
from asyncshift.check.values import (
    BOX,
    OTHER,
    PLAIN,
    SURE,
    How,
    Origin,
    Step,
    Use,
    Value,
    What,
    applies,
    boxed,
    is_definite,
    join,
    objects,
)
from asyncshift.model import FunctionId

if TYPE_CHECKING:
    from asyncshift.check.coroutines import Analysis

Env = dict[str, Value]


class Expressions:
    """`value` gives what an expression evaluates to; uses of coroutines are noted on the way."""

    def __init__(self, analysis: Analysis, unit: Unit, fid: FunctionId, node: Definition) -> None:
        self.analysis, self.unit, self.fid, self.node = analysis, unit, fid, node
        self.scopes = analysis.scopes(unit, fid)
        self.scope: Scope = self.scopes[0]
        self.uses: dict[Origin, dict[Use, None]] = {}
        self.returns: set[tuple[Origin, int]] = set()
        self.env: Env = {}
        self._values: dict[type[ast.AST], Callable[[Any], Value]] = {
            ast.Name: self._name,
            ast.Constant: lambda node: PLAIN,
            ast.Attribute: self._attribute,
            ast.Call: self.call,
            ast.Await: self._await,
            ast.Yield: self._yield,
            ast.YieldFrom: self._yield,
            ast.BoolOp: self._boolean,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._binary,
            ast.Compare: self._compare,
            ast.IfExp: self._ternary,
            ast.NamedExpr: self._walrus,
            ast.JoinedStr: self._joined,
            ast.Subscript: self._subscript,
            ast.Tuple: self._sequence,
            ast.List: self._sequence,
            ast.Set: self._sequence,
            ast.Dict: self._dict,
            ast.ListComp: self._comprehension,
            ast.SetComp: self._comprehension,
            ast.DictComp: self._comprehension,
            ast.GeneratorExp: self._comprehension,
            ast.Lambda: lambda node: PLAIN,
            ast.Starred: lambda node: self.elements(self.value(node.value), node),
        }

    # ------------------------------------------------------------------ for subclasses

    def call(self, node: ast.Call) -> Value:
        """A call."""
        raise NotImplementedError

    def bind(self, target: ast.expr, value: Value) -> None:
        """Bind a target of an assignment, a loop, or a with item."""
        raise NotImplementedError

    # ------------------------------------------------------------------ entry points

    def value(self, node: ast.expr) -> Value:
        """What an expression gives."""
        handler = self._values.get(type(node))
        if handler is not None:
            return handler(node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.use(self.value(child), How.GOOD, child)
        return PLAIN

    def use(self, value: Value, how: How, node: ast.AST, note: str = "") -> None:
        """Note what is done with every object of a value."""
        line = getattr(node, "lineno", 1)
        for origin, depth in objects(value):
            if origin.what is What.PARAMETER or applies(how, depth):
                weak = how not in SURE and not is_definite(value)
                self.note(origin, Use(how, self.unit.path, line, depth, weak, note))

    def note(self, origin: Origin, use: Use) -> None:
        """One use of one object."""
        self.uses.setdefault(origin, {})[use] = None

    def test(self, node: ast.expr) -> None:
        """An expression whose truth is asked."""
        self.use(self.value(node), How.TRUTH, node)

    def elements(self, value: Value, node: ast.AST, *, awaited: bool = False) -> Value:
        """What iterating over a value gives."""
        found = set()
        for origin, depth in objects(value):
            if awaited and depth == 0 and origin.what is What.GENERATOR:
                self.note(origin, Use(How.GOOD, self.unit.path, getattr(node, "lineno", 1)))
            elif depth <= 0:
                one: Value = frozenset({(origin, depth)} | ({OTHER} & value))
                # What a parameter gets may be an async generator.
                good = awaited and (depth < 0 or origin.what is What.PARAMETER)
                self.use(one, How.GOOD if good else How.ITERATED, node)
            if depth > 0 or origin.what is What.PARAMETER:
                found.add((origin, depth - 1))
        return frozenset(found | ({OTHER} & value)) or PLAIN

    def made(self, what: What, node: ast.AST) -> Value:
        """A new object that is made here."""
        return self.register(self.new(what, node))

    def new(
        self,
        what: What,
        node: ast.AST,
        results: tuple[FunctionId, ...] = (),
        steps: tuple[Step, ...] = (),
    ) -> Value:
        """A new object of this place, not counted as made yet."""
        span, text = self.unit.span(node), self.unit.text(node)
        origin = Origin(what, self.unit.path, span, "", text, self.fid, results, steps)
        return frozenset({(origin, 0)})

    def register(self, value: Value) -> Value:
        """What is made here has to be used."""
        for origin, _ in objects(value):
            if origin.owner == self.fid:
                self.uses.setdefault(origin, {})
        return value

    # ------------------------------------------------------------------ names and attributes

    def _name(self, node: ast.Name) -> Value:
        name = node.id
        if name in self.scope.asked:
            if name in self.env:
                self.use(self.env[name], How.GOOD, node)
            return PLAIN
        if name in self.env:
            return self.env[name]
        if name in self.scope.bound or any(name in s.bound for s in self.scopes[1:-1]):
            return PLAIN
        return self.analysis.read(("", self.unit.path, name), self.fid)

    def _attribute(self, node: ast.Attribute) -> Value:
        base = self.value(node.value)
        own = OWN_ATTRIBUTES.fullmatch(node.attr)
        for atom in objects(base):
            if atom[0].what in (What.COROUTINE, What.PARAMETER) and not own:
                self.use(frozenset({atom} | ({OTHER} & base)), How.ATTRIBUTE, node, node.attr)
            elif atom[1] == 0:
                self.use(frozenset({atom}), How.GOOD, node)
        sites = self.unit.attributes.get(self.unit.span(node), ())
        found = self.analysis.given(self, sites, node)
        if found is not None:
            return found
        key = self.place(node)
        return PLAIN if key is None else self.analysis.read(key, self.fid)

    def place(self, node: ast.Attribute) -> tuple[str, str, str] | None:
        """The key of `self.attr`; None for an attribute of anything else."""
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            cls = self.analysis.class_of(self.unit, self.fid)
            if cls is not None:
                return (cls, self.unit.path, node.attr)
        return None

    # ------------------------------------------------------------------ operators

    def _await(self, node: ast.Await) -> Value:
        value = self.value(node.value)
        self.use(value, How.GOOD, node)
        found: list[Value] = []
        for origin, depth in objects(value):
            if depth == 0 and origin.results:
                found.append(self.analysis.result_of_await(self, origin, node))
        return join(found)

    def _yield(self, node: ast.Yield | ast.YieldFrom) -> Value:
        if node.value is not None:
            self.use(self.value(node.value), How.GOOD, node)
        return PLAIN

    def _boolean(self, node: ast.BoolOp) -> Value:
        found = []
        for part in node.values[:-1]:
            value = self.value(part)
            self.use(value, How.TRUTH, part)
            found.append(value)
        found.append(self.value(node.values[-1]) | PLAIN)
        return join(found)

    def _unary(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        self.use(value, How.TRUTH if isinstance(node.op, ast.Not) else How.OPERATOR, node)
        return PLAIN

    def _binary(self, node: ast.BinOp) -> Value:
        spine = [node]
        while isinstance(inner := spine[-1].left, ast.BinOp):
            spine.append(inner)
        result = self.value(spine[-1].left)
        for step in reversed(spine):
            right = self.value(step.right)
            text = isinstance(step.left, (ast.Constant, ast.JoinedStr))
            if isinstance(step.op, ast.Mod) and text:
                self.use(right, How.FORMATTED, step)
                result = PLAIN
                continue
            for side in (result, right):
                self.use(side, How.OPERATOR, step)
            result = join([result, right])
            result = frozenset(atom for atom in result if atom[1] > 0 or atom == BOX) or PLAIN
        return result

    def _compare(self, node: ast.Compare) -> Value:
        left = self.value(node.left)
        for operator, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator)
            match operator:
                case ast.Is() | ast.IsNot():
                    self.use(left, How.IDENTITY, node)
                    self.use(right, How.IDENTITY, node)
                case ast.In() | ast.NotIn():
                    self.use(left, How.COMPARED, node)
                    self.use(right, How.ITERATED, node)
                case _:
                    self.use(left, How.COMPARED, node)
                    self.use(right, How.COMPARED, node)
            left = right
        return PLAIN

    def _ternary(self, node: ast.IfExp) -> Value:
        self.test(node.test)
        return join([self.value(node.body), self.value(node.orelse)])

    def _walrus(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.bind(node.target, value)
        return value

    def _joined(self, node: ast.JoinedStr) -> Value:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.use(self.value(part.value), How.FORMATTED, part.value)
                if part.format_spec is not None:
                    self.value(part.format_spec)
        return PLAIN

    # ------------------------------------------------------------------ containers

    def _subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        self.use(self.value(node.slice), How.OPERATOR, node.slice)
        self.use(base, How.SUBSCRIPTED, node)
        if isinstance(node.slice, ast.Slice):
            return frozenset(atom for atom in base if atom[1] != 0 or atom == BOX) or PLAIN
        return self.inside(base)

    def inside(self, value: Value) -> Value:
        """What a container holds."""
        found = {
            (origin, depth - 1)
            for origin, depth in objects(value)
            if depth > 0 or origin.what is What.PARAMETER
        }
        return frozenset(found | ({OTHER} & value)) or PLAIN

    def _sequence(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        return join([boxed(PLAIN), *(boxed(self.value(part)) for part in node.elts)])

    def _dict(self, node: ast.Dict) -> Value:
        found = [boxed(PLAIN)]
        for key, part in zip(node.keys, node.values, strict=True):
            if key is None:
                found.append(self.value(part))
            else:
                self.use(self.value(key), How.OPERATOR, key)
                found.append(boxed(self.value(part)))
        return join(found)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> Value:
        outside = dict(self.env)
        for clause in node.generators:
            source = self.value(clause.iter)
            item = self.elements(source, clause.iter, awaited=bool(clause.is_async))
            self.bind(clause.target, item)
            for condition in clause.ifs:
                self.test(condition)
        if isinstance(node, ast.DictComp):
            self.use(self.value(node.key), How.OPERATOR, node.key)
            value = self.value(node.value)
        else:
            value = self.value(node.elt)
        self.env = outside
        return boxed(value)


def arguments(node: Definition) -> Iterable[ast.arg]:
    """Every parameter of a function."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        given = node.args
        yield from (*given.posonlyargs, *given.args, *given.kwonlyargs)
        for rest in (given.vararg, given.kwarg):
            if rest is not None:
                yield rest


__all__ = ["Env", "Expressions", "arguments", "scope_of"]
