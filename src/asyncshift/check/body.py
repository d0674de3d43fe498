"""The statements of one function, run over abstract values: branches join, loops run twice."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from asyncshift.check.calls import Calls
from asyncshift.check.expressions import Env, arguments
from asyncshift.check.unit import Definition, Unit
from asyncshift.check.values import (
    BOX,
    OTHER,
    PLAIN,
    How,
    Origin,
    Value,
    What,
    boxed,
    join,
    objects,
)
from asyncshift.model import FunctionId

if TYPE_CHECKING:
    from asyncshift.check.coroutines import Analysis


class Body(Calls):
    """Runs a whole function: `run` fills `uses` and `returns`."""

    def __init__(self, analysis: Analysis, unit: Unit, fid: FunctionId, node: Definition) -> None:
        super().__init__(analysis, unit, fid, node)
        self._loops: list[list[Env]] = []
        self._ended = False
        self.dynamic = False
        self._generator = analysis.graph.functions[fid].is_generator

    def run(self) -> None:
        """Evaluate the body once; loops twice."""
        node = self.node
        span = self.unit.span(node) if not isinstance(node, ast.Module) else (0, 0, 0, 0)
        for argument in arguments(node):
            origin = Origin(What.PARAMETER, self.unit.path, span, argument.arg, owner=self.fid)
            self.env[argument.arg] = frozenset({(origin, 0)})
            if argument.arg in self.scope.captured:
                self.use(self.env[argument.arg], How.GOOD, node)
        if isinstance(node, ast.Lambda):
            self._give(self.value(node.body), node.body)
            return
        self.block(node.body)
        if not self._ended:
            self.returns.add(OTHER)
        if self.scope.asks and OTHER in self.returns:
            self.dynamic = True

    def block(self, statements: list[ast.stmt]) -> None:
        """Statements one after the other, until one does not go on."""
        for statement in statements:
            if self._ended:
                return
            self.statement(statement)

    # ------------------------------------------------------------------ statements

    def statement(self, node: ast.stmt) -> None:
        """One statement."""
        match node:
            case ast.Expr(value=ast.Name()):
                pass
            case ast.Expr(value=value):
                self.use(self.value(value), How.DROPPED, value)
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.bind(target, self.value(value))
            case ast.AugAssign():
                self._augmented(node)
            case ast.Return(value=value):
                self._give(PLAIN if value is None else self.value(value), value or node)
                self._ended = True
            case ast.Raise(exc=exc, cause=cause):
                for part in (exc, cause):
                    if part is not None:
                        self.use(self.value(part), How.GOOD, part)
                self._ended = True
            case ast.If(test=test, body=body, orelse=orelse):
                self.test(test)
                self._branches(body, orelse)
            case ast.While():
                self._while(node)
            case ast.For() | ast.AsyncFor():
                self._for(node)
            case ast.With() | ast.AsyncWith():
                self._with(node)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.Match():
                self._match(node)
            case ast.Assert(test=test, msg=msg):
                self.test(test)
                if msg is not None:
                    self.use(self.value(msg), How.FORMATTED, msg)
            case ast.Break() | ast.Continue():
                if self._loops:
                    self._loops[-1].append(dict(self.env))
                self._ended = True
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for default in (*node.args.defaults, *node.args.kw_defaults):
                    if default is not None:
                        self.use(self.value(default), How.GOOD, default)
                self.env[node.name] = PLAIN
            case ast.ClassDef(name=name):
                self.env[name] = PLAIN

    def _assign(self, targets: list[ast.expr], value: ast.expr) -> None:
        for target in targets:
            match target, value:
                case (
                    (ast.Tuple(elts=parts) | ast.List(elts=parts)),
                    (ast.Tuple(elts=given) | ast.List(elts=given)),
                ) if len(parts) == len(given) and not any(
                    isinstance(part, ast.Starred) for part in (*parts, *given)
                ):
                    values = [self.value(one) for one in given]
                    for part, one in zip(parts, values, strict=True):
                        self.bind(part, one)
                    return
        found = self.value(value)
        for target in targets:
            self.bind(target, found)

    def _augmented(self, node: ast.AugAssign) -> None:
        value = self.value(node.value)
        match node.target:
            case ast.Name(id=name) if name in self.env:
                old = self.env[name]
                self.use(old, How.OPERATOR, node)
                self.use(value, How.OPERATOR, node)
                held = frozenset(a for a in old | value if a[1] > 0 or a in (BOX, OTHER))
                self.env[name] = held or PLAIN
            case _:
                self.use(value, How.OPERATOR, node)
                self.use(value, How.GOOD, node)

    def _give(self, value: Value, node: ast.AST) -> None:
        """`return`; in a generator nobody reads it."""
        self.use(value, How.GOOD if self._generator else How.RETURNED, node)
        self.returns |= value
        if OTHER in value and not isinstance(node, (ast.Constant, ast.Return)):
            self.dynamic = self.dynamic or not self._generator

    # ------------------------------------------------------------------ binding

    def bind(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self._bind_name(name, target, value)
            case ast.Attribute():
                self.use(self.value(target.value), How.ATTRIBUTE, target)
                key = self.place(target)
                if key is not None:
                    self.use(value, How.STORED, target)
                    self.analysis.store(key, value, self.fid)
                else:
                    self.use(value, How.GOOD, target)
            case ast.Subscript(value=holder, slice=key_node):
                self.use(self.value(key_node), How.OPERATOR, key_node)
                self._bind_item(holder, target, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                item = self.elements(value, target) | PLAIN
                for part in parts:
                    self.bind(part, item)
            case ast.Starred(value=inner):
                self.bind(inner, boxed(value))

    def _bind_name(self, name: str, target: ast.expr, value: Value) -> None:
        if name in self.scope.asked or name in self.scope.shared:
            self.use(value, How.GOOD, target)
            return
        self.env[name] = value
        if isinstance(self.node, (ast.Module, ast.ClassDef)):
            cls = self.fid if isinstance(self.node, ast.ClassDef) else ""
            self.use(value, How.STORED, target)
            self.analysis.store((cls, self.unit.path, name), value, self.fid)
        elif name in self.scope.captured:
            self.use(value, How.GOOD, target)

    def _bind_item(self, holder: ast.expr, target: ast.expr, value: Value) -> None:
        """`tasks[key] = fetch()`: a container of this function, a cache, or out of sight."""
        base = self.value(holder)
        self.use(base, How.SUBSCRIPTED, target)
        if not objects(value):
            return
        local = isinstance(holder, ast.Name) and holder.id in self.env
        if local and isinstance(holder, ast.Name) and holder.id not in self.scope.captured:
            if BOX in base:
                self.env[holder.id] = join([base, boxed(value)])
                return
        elif self._is_cache(holder):
            self.use(value, How.CACHED, target, self.unit.text(holder))
            return
        self.use(value, How.GOOD, target)

    def _is_cache(self, holder: ast.expr) -> bool:
        """Whether a dict that outlives the function is looked up, and nothing is taken out."""
        name = re.escape(self.unit.text(holder))
        text = "\n".join(self.unit.places.lines)
        if re.search(rf"{name}\.(pop|popitem|values|items|clear)\b|\bdel {name}\b", text):
            return False
        return bool(
            re.search(rf"\bin {name}\b(?!\.)|{name}\.get\(|{name}\[[^\]]+\](?!\s*=[^=])", text)
        )

    # ------------------------------------------------------------------ branches

    def _fork(self, body: list[ast.stmt], start: Env) -> tuple[Env, bool]:
        self.env, self._ended = dict(start), False
        self.block(body)
        return self.env, self._ended

    def _merge(self, ends: list[tuple[Env, bool]]) -> None:
        """Go on with everything that can be the case."""
        going = [env for env, ended in ends if not ended]
        self._ended = not going
        self.env = _joined(going) if going else ends[0][0]

    def _branches(self, *bodies: list[ast.stmt]) -> None:
        start = self.env
        self._merge([self._fork(body, start) for body in bodies])

    def _loop(self, body: list[ast.stmt]) -> None:
        """A loop's body: never, once, or after itself."""
        self._loops.append([])
        for _ in range(2):
            start = self.env
            end, ended = self._fork(body, start)
            breaks = self._loops[-1]
            self.env = _joined([start, *([] if ended else [end]), *breaks])
            self._ended = False
        self._loops.pop()

    def _while(self, node: ast.While) -> None:
        self.test(node.test)
        self._loop(node.body)
        self.block(node.orelse)
        if isinstance(node.test, ast.Constant) and node.test.value and not _breaks(node.body):
            self._ended = True

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        source = self.value(node.iter)
        awaited = isinstance(node, ast.AsyncFor)
        self.bind(node.target, self.elements(source, node.iter, awaited=awaited))
        self._loop(node.body)
        self.block(node.orelse)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self.value(item.context_expr)
            for origin, depth in objects(value):
                right = isinstance(node, ast.AsyncWith) and origin.what is not What.COROUTINE
                one: Value = frozenset({(origin, depth)} | ({OTHER} & value))
                self.use(one, How.GOOD if right else How.ENTERED, item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, PLAIN)
        self.block(node.body)

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        start = dict(self.env)
        states = [start]
        for statement in node.body:
            if not self._ended:
                self.statement(statement)
                states.append(dict(self.env))
        if not self._ended:
            self.block(node.orelse)
        ends = [(self.env, self._ended)]
        raised = _joined(states)
        for handler in node.handlers:
            self.env, self._ended = dict(raised), False
            if handler.name is not None:
                self.env[handler.name] = PLAIN
            self.block(handler.body)
            ends.append((self.env, self._ended))
        self._merge(ends)
        if node.finalbody:
            ended = self._ended
            if ended:
                self.env, self._ended = _joined([raised, *(env for env, _ in ends)]), False
            self.block(node.finalbody)
            self._ended = self._ended or ended

    def _match(self, node: ast.Match) -> None:
        self.use(self.value(node.subject), How.COMPARED, node.subject)
        start = self.env
        ends = [(start, False)]
        for case in node.cases:
            self.env, self._ended = dict(start), False
            if case.guard is not None:
                self.test(case.guard)
            self.block(case.body)
            ends.append((self.env, self._ended))
        self._merge(ends)


def _joined(states: list[Env]) -> Env:
    """A name that only some paths bind can be anything else on the others."""
    names = {name for env in states for name in env}
    return {name: join([env.get(name, PLAIN) for env in states]) for name in names}


def _breaks(body: list[ast.stmt]) -> bool:
    return any(isinstance(child, ast.Break) for part in body for child in ast.walk(part))
