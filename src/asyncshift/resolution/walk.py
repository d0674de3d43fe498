"""Statements of one file as constraints: classes, imports, blocks; `Walker` gives the facts."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asyncshift.facts import (
    AWAITED,
    BASE,
    CALL,
    CAUGHT,
    CLS,
    CONSTANT,
    COPY,
    DEC,
    ENDING,
    IMP,
    LEAVES,
    MAIN,
    SEED,
    UNKNOWN,
    WITH,
    ClassFacts,
    FileFacts,
    FunctionFacts,
)
from asyncshift.model import Span
from asyncshift.resolution.annotations import is_class_variable
from asyncshift.resolution.doubles import constant_keys
from asyncshift.resolution.expressions import OPERATORS
from asyncshift.resolution.handlers import caught_by, sees_closing, stopped_by
from asyncshift.resolution.patterns import Patterns
from asyncshift.resolution.scopes import GUARD, WHILE, Scope


class Walker(Patterns):
    """Walks one module; `walk` gives its facts."""

    def walk(self, tree: ast.Module) -> FileFacts:
        """The facts of a parsed module."""
        file, scope = self.file, self.module
        self.open("<module>")
        scope.returned, scope.yielded = self.node(), self.node()
        self.begin(scope, tree.body)
        self.body(tree.body)
        self.finish(scope)
        self.close(scope)
        self.settle_doubles()
        self.settle_facades()
        last = len(self.places.lines)
        span = (1, 0, last, len(self.places.lines[-1]))
        self.functions[0] = FunctionFacts(
            "<module>", "module", 0, 0, span, CONSTANT, CONSTANT, 0,
            returned=scope.returned, yielded=scope.yielded,
        )  # fmt: skip
        bound = scope.bound
        free = tuple([(name, n) for name, n in scope.names.items() if name not in bound])
        return FileFacts(
            path=file.path,
            module=file.module,
            is_package=file.is_package,
            nodes=self.nodes,
            ops=tuple(self.ops),
            marks=tuple(self.marks),
            functions=tuple([f for f in self.functions if f is not None]),
            classes=tuple([c for c in self.classes if c is not None]),
            sites=tuple(self.sites),
            regions=self.regions,
            doubles=self.doubles,
            handed=self.handed,
            passing=self.passing,
            names={name: n for name, n in scope.names.items() if name in bound},
            exports=_exports(tree.body) if "__all__" in scope.bound else None,
            stars=tuple(self.stars),
            free=free,
            imports=tuple(dict.fromkeys(self.imports)),
            named=self.named,
            aliases={
                alias: plain
                for alias, dotted in self.dotted.items()
                if alias in self.renamed and (plain := dotted.rpartition(".")[2]) != alias
            },
            strings=tuple((*place, patched) for place, patched in self.strings.items()),
            texts=tuple(self.texts.items()),
        )

    def body(self, statements: list[ast.stmt]) -> None:
        """Walk a block."""
        for statement in statements:
            _STATEMENTS[statement.__class__](self, statement)

    # ------------------------------------------------------------------ classes

    def _class(self, node: ast.ClassDef) -> None:
        outer = self.scope
        decorators: list[str] = []
        made_by: list[tuple[int, int]] = []
        for decorator in node.decorator_list:
            callee = decorator.func if isinstance(decorator, ast.Call) else decorator
            decorators.append(self.dotted_name(callee))
            made = self.value(decorator) if callee is not decorator else self.quiet(callee)
            applied = (max(made, UNKNOWN), self.site(decorator, "decorator", 0, decorators[-1]))
            made_by.append(applied)
        bases = tuple(self._base(base) for base in node.bases)
        for keyword in node.keywords:
            self.value(keyword.value)
        index = self.open(node.name)
        cls = len(self.classes)
        self.classes.append(None)
        scope = Scope("class", outer, index, f"{outer.path}{node.name}.")
        scope.cls = cls
        starts = (self.nodes, len(self.ops), len(self.marks), index + 1)
        scope.start = starts[1]
        scope.returned, scope.yielded = self.node(), self.node()
        outside, self.class_name = self.class_name, node.name.lstrip("_")
        self.scope = scope
        self.body(node.body)
        self.close(scope)
        self.class_name = outside
        span = self.places.span(node)
        self.functions[index] = FunctionFacts(
            name=outer.path + node.name,
            kind="class",
            line=node.lineno,
            column=span[1],
            span=span,
            parent=outer.owner,
            cls=cls,
            flags=0,
            returned=scope.returned,
            yielded=scope.yielded,
            decorators=tuple((name, CONSTANT) for name in decorators),
            pragma=self.places.pragma(node.lineno),
            nodes=(starts[0], self.nodes),
            ops=(starts[1], len(self.ops)),
            marks=(starts[2], len(self.marks)),
            inner=(starts[3], len(self.functions)),
        )
        self.classes[cls] = ClassFacts(
            name=node.name,
            function=index,
            bases=bases,
            attrs=tuple((n, scope.names[n]) for n in scope.bound if n in scope.names),
            fields=tuple(scope.fields),
            setters=tuple(scope.setters.items()),
            decorators=tuple(decorators),
            metaclass=next(
                (self.dotted_name(k.value) for k in node.keywords if k.arg == "metaclass"), ""
            ),
            declared=tuple(_declared(node.body)),
        )
        result = self.node()
        self.ops.append((CLS, result, cls))
        for made, site in made_by:
            self.ops.append((DEC, self.node(), made, result, site))
        self.copy(self.define(node.name), result)

    def _base(self, node: ast.expr) -> tuple[int, str, int]:
        """(node, text, site) of a base class; `Base[T]` counts as `Base`."""
        while isinstance(node, ast.Subscript):
            self.annotation(node.slice, self.node())
            node = node.value
        if isinstance(node, (ast.Name, ast.Attribute)):
            source = self.silent(node)
            site = self.site(node, "base")
            self.marks.append((BASE, source, site))
            return source, self.dotted_name(node), site
        return max(self.value(node), UNKNOWN), self.dotted_name(node), CONSTANT

    # ------------------------------------------------------------------ imports

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            if self.scope.kind == "module":
                self.imports.append(alias.name)
            name = alias.asname or alias.name.partition(".")[0]
            module = alias.name if alias.asname else name
            if alias.asname:
                self.renamed.add(name)
            self.dotted[name] = module
            self.ops.append((IMP, self.define(name), module, None, CONSTANT))
            if not alias.asname and "." in alias.name:
                self.ops.append((IMP, self.node(), alias.name, None, CONSTANT))

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = self._absolute(node)
        at_module_level = self.scope.kind == "module"
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(module)
                self.imports.append(module)
                continue
            name = alias.name
            dotted = f"{module}.{name}"
            if at_module_level:
                self.imports += (module, dotted)
            known_as, label = name, None if self._wide else name
            if alias.asname is not None:
                known_as, label = alias.asname, None
                self.renamed.add(known_as)
            self.dotted[known_as] = dotted
            target = self.define(known_as)
            site = self.site(alias, "import", 0, label)
            self.ops.append((IMP, target, module, name, site))

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.file.module.split(".")
        drop = node.level - (1 if self.file.is_package else 0)
        parts = parts[: len(parts) - drop] if drop else parts
        return ".".join([*parts, *([node.module] if node.module else [])])

    def _global(self, node: ast.Global) -> None:
        for name in node.names:
            if self.scope is not self.module:
                self._redirect(name, self.module)

    def _nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            scope = self.scope.parent
            while scope is not None and (scope.kind != "function" or name not in scope.bound):
                scope = scope.parent
            if scope is not None:
                self._redirect(name, scope)

    def _redirect(self, name: str, target: Scope) -> None:
        scope = self.scope
        scope.redirect[name] = target
        early = scope.names.pop(name, None)
        if target.flow is not None:
            target.names[name] = self.capture(target, name)
            target.flow.whole.add(name)
        if early is not None:  # an inner function above has named it already
            self.copy(early, self.variable(name))

    # ------------------------------------------------------------------ plain statements

    def _expr(self, node: ast.Expr) -> None:
        value = node.value
        if isinstance(value, ast.Call):  # nine in ten that are no docstring
            self.call(value)
        elif isinstance(value, (ast.Yield, ast.YieldFrom)):
            self.statement_yield(value)
        elif not isinstance(value, ast.Constant):
            self.value(value)

    def _assign(self, node: ast.Assign) -> None:
        source = self.value(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                name = target.id
                number = self.bind(name)
                if source != CONSTANT:
                    if source != number:
                        self.ops.append((COPY, number, source))
                    self.note_dict(name, constant_keys(node.value))
                continue
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                key = target.slice.value if isinstance(target.slice, ast.Constant) else None
                self.note_dict(target.value.id, {key} if isinstance(key, str) else None)
            self.assign(target, source)

    def _ann_assign(self, node: ast.AnnAssign) -> None:
        match node.target:
            case ast.Name(id=name):
                target = self.bind(name) if node.value or self.scope.kind != "function" else None
                target = self.variable(name) if target is None else target
                if self.scope.kind == "class" and not is_class_variable(node.annotation):
                    self.scope.fields.append((name, target))
                if node.value is not None:
                    self.copy(target, self.value(node.value))
                    self.note_dict(name, constant_keys(node.value))
                self.annotation(node.annotation, target)
            case ast.Attribute() as attribute:
                seeded = self.node()
                self.annotation(node.annotation, seeded)
                if node.value is not None:
                    self.copy(seeded, self.value(node.value))
                self.assign(attribute, seeded)
            case other if node.value is not None:
                self.assign(other, self.value(node.value))

    def _aug_assign(self, node: ast.AugAssign) -> None:
        left, right = self.value(node.target), self.value(node.value)
        name = OPERATORS[type(node.op)]
        result = self.operated(node, name, left, right)
        if left > 0 and right > 0:
            result = self.join([result, self.special(left, f"__i{name[2:]}", (right,), node)])
        if isinstance(node.target, ast.Name):
            self.note_dict(node.target.id, None)
            self.copy(self.weakly(node.target.id), result)
        else:
            self.assign(node.target, result)

    def _return(self, node: ast.Return) -> None:
        self._leave(CONSTANT)
        if node.value is not None:
            scope = self.scope
            result = self.value(node.value)
            self.copy(scope.returned, result)
            if not (isinstance(node.value, ast.Constant) and node.value.value is None):
                scope.returns = True
        self.leave()

    def _raise(self, node: ast.Raise) -> None:
        self._leave(GUARD)
        if isinstance(node.exc, (ast.Name, ast.Attribute)):
            raised = self.value(node.exc)
            if raised > 0:  # a class is called, an instance is what it is
                site = self.site(node.exc, "operator")
                self.ops.append((CALL, CONSTANT, raised, (), (), site))
        elif node.exc is not None:
            self.value(node.exc)
        if node.cause is not None:
            self.value(node.cause)
        self.leave()

    def _continue(self, node: ast.Continue) -> None:
        self.repeat()

    def _other(self, node: ast.stmt) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)

    def _assert(self, node: ast.Assert) -> None:
        self.test(node.test)
        if node.msg is not None:
            self.value(node.msg)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                base = self.quiet(target.value)
                self.key(target.slice)
                if base > 0:
                    self.special(base, "__delitem__", (UNKNOWN,), target)
            elif isinstance(target, ast.Attribute):
                self.quiet(target.value)

    # ------------------------------------------------------------------ blocks

    def _if(self, node: ast.If) -> None:
        self.test(node.test)
        scope, mark = self.scope, self.mark()
        if scope.kind == "module" and _is_main_guard(node.test):
            guard = scope.guard
            scope.end_run()
            scope.guard = MAIN
            self.body(node.body)
            scope.end_run()
            scope.guard = guard
        else:
            self._ask(node)
            self.body(node.body)
        then = self.turn_back(mark)
        self.body(node.orelse)
        self.meet([then, self.turn_back(mark)])

    def _ask(self, node: ast.If) -> None:
        """Where code asks whether `x` is a coroutine function, it knows what to do with either
        kind: in both branches, and below them where the first one leaves the block."""
        asked = _asked(node.test)
        if asked is None:
            return
        rest: list[ast.stmt] = []
        if isinstance(node.body[-1], (ast.Return, ast.Raise)):
            end = node.end_lineno or node.lineno
            rest = [one for one in self.scope.block or () if one.lineno > end]
        for statement in (*node.body, *node.orelse, *rest):
            for call in ast.walk(statement):
                if isinstance(call, ast.Call) and any(
                    ast.unparse(part) == asked
                    for part in (call.func, *call.args, *(k.value for k in call.keywords))
                ):
                    self.asked[self.places.span(call)] = self.scope.owner

    def _while(self, node: ast.While) -> None:
        self.enter_loop(node)
        self.test(node.test)
        self._looped(WHILE, node.body)
        self.end_body(endless=isinstance(node.test, ast.Constant) and bool(node.test.value))
        self.body(node.orelse)
        self.end_loop()

    def _looped(self, kind: int, body: list[ast.stmt]) -> None:
        """A block in the list of those around."""
        loops = self.scope.loops
        loops.append(kind)
        self.body(body)
        loops.pop()

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        flags = AWAITED if isinstance(node, ast.AsyncFor) else 0
        if GUARD in self.scope.loops:
            flags |= LEAVES
        source = self.element(node.iter, "for", "", flags)
        site = len(self.sites) - 1 if source > 0 else WHILE
        self.enter_loop(node)
        self.assign(node.target, source)
        self._looped(site, node.body)
        self.end_body(endless=False)
        self.body(node.orelse)
        self.end_loop()

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        flags = AWAITED if isinstance(node, ast.AsyncWith) else 0
        stopped, guarded, mark = 0, False, self.mark()
        for item in node.items:
            expression = item.context_expr
            if isinstance(expression, ast.Call) and self.is_guard(expression):
                stopped, guarded = caught_by(expression.args) or stopped, True
                self.quiet(expression.func)
                for argument in expression.args:
                    self.guard(argument, self._region(node.body))
                entered = UNKNOWN
            else:
                source = self.value(expression)
                entered = UNKNOWN
                if source > 0:
                    entered = self.node()
                    site = self.site(expression, "with", flags)
                    self.regions[site] = self._region(node.body)
                    self.ops.append((WITH, entered, source, site))
            if item.optional_vars is not None:
                self.assign(item.optional_vars, entered)
        self.scope.held += 1
        with self._stopping(stopped):
            if guarded:
                self._looped(GUARD, node.body)
            else:
                self.body(node.body)
        self.scope.held -= 1
        self.any_of(mark)  # it may keep an exception to itself

    def _break(self, node: ast.Break) -> None:
        for site in reversed(self.scope.loops):
            if site >= 0:
                self.flag(site, LEAVES)
            if site > GUARD:
                break
        self.break_off()

    def _leave(self, within: int) -> None:
        """Flag the loops around, within a block of this kind, as ones that can end early."""
        for site in reversed(self.scope.loops):
            if site == within:
                return
            if site >= 0:
                self.flag(site, LEAVES)

    @contextmanager
    def _stopping(self, how: int) -> Iterator[None]:
        """A block where StopIteration is caught."""
        scope = self.scope
        guard = scope.guard
        if how:
            scope.end_run()
            scope.guard = guard & ~(CAUGHT | ENDING) | how
        yield
        if how:
            scope.end_run()
            scope.guard = guard

    def _region(self, statements: list[ast.stmt]) -> Span:
        start, end = self.places.span(statements[0]), self.places.span(statements[-1])
        return (*start[:2], *end[2:])

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        held = bool(node.finalbody) or any(map(sees_closing, node.handlers))
        self.scope.held += held
        mark = self.mark()
        with self._stopping(stopped_by(node.handlers)):
            if node.handlers:
                self._looped(GUARD, node.body)
            else:
                self.body(node.body)
        guarded = self.mark()
        self.body(node.orelse)
        ends = [self.turn_back(mark)]
        for handler in node.handlers:
            self.any_of(mark, guarded)
            self._handler(node, handler)
            ends.append(self.turn_back(mark))
        self.meet(ends)
        self.scope.held -= held
        if node.finalbody:
            normal = self.enter_finally(mark)
            begun = self.mark()
            self.body(node.finalbody)
            self.leave_finally(begun, normal)

    def _handler(self, node: ast.Try | ast.TryStar, handler: ast.ExceptHandler) -> None:
        name = CONSTANT if handler.name is None else self.bind(handler.name)
        if handler.type is not None:
            for source, site in self.guard(handler.type, self._region(node.body)):
                if name != CONSTANT:
                    self.ops.append((SEED, name, source, site))
        self.body(handler.body)


_STATEMENTS: dict[type[ast.stmt], Callable[[Any, Any], None]] = {
    **dict.fromkeys(ast.stmt.__subclasses__(), Walker._other),
    ast.Expr: Walker._expr,
    ast.Assign: Walker._assign,
    ast.AnnAssign: Walker._ann_assign,
    ast.AugAssign: Walker._aug_assign,
    ast.Return: Walker._return,
    ast.If: Walker._if,
    ast.While: Walker._while,
    ast.Break: Walker._break,
    ast.For: Walker._for,
    ast.AsyncFor: Walker._for,
    ast.With: Walker._with,
    ast.AsyncWith: Walker._with,
    ast.Try: Walker._try,
    ast.TryStar: Walker._try,
    ast.FunctionDef: Walker.function_definition,
    ast.AsyncFunctionDef: Walker.function_definition,
    ast.ClassDef: Walker._class,
    ast.Import: Walker._import,
    ast.ImportFrom: Walker._import_from,
    ast.Global: Walker._global,
    ast.Nonlocal: Walker._nonlocal,
    ast.Raise: Walker._raise,
    ast.Assert: Walker._assert,
    ast.Delete: Walker._delete,
    ast.Continue: Walker._continue,
    ast.Match: Walker.match,
}
"""What each kind of statement means."""


def _declared(body: list[ast.stmt]) -> set[str]:
    """Names that a class body annotates and gives no value, also where only type checkers look."""
    declared: set[str] = set()
    valued: set[str] = set()
    todo = list(body)
    for statement in todo:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                (declared if value is None else valued).add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                valued.add(name)
            case ast.Assign(targets=targets):
                valued.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.If(body=inner, orelse=other):
                todo += [*inner, *other]
    return declared - valued


def _asked(test: ast.expr) -> str | None:
    """What a test asks whether it is a coroutine function."""
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test = test.operand
    match test:
        case ast.Call(
            func=ast.Name(id="iscoroutinefunction") | ast.Attribute(attr="iscoroutinefunction"),
            args=[ast.expr() as asked],
        ):
            return ast.unparse(asked)
    return None


def _is_main_guard(test: ast.expr) -> bool:
    match test:
        case (
            ast.Compare(
                left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant("__main__")]
            )
            | ast.Compare(
                left=ast.Constant("__main__"), ops=[ast.Eq()], comparators=[ast.Name(id="__name__")]
            )
        ):
            return True
    return False


def _exports(body: list[ast.stmt]) -> tuple[str, ...] | None:
    """The names of a literal `__all__`, if there is one."""
    names: list[str] | None = None
    for statement in body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                | ast.AugAssign(target=ast.Name(id="__all__"), value=value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
            ):
                if not isinstance(value, (ast.List, ast.Tuple)):
                    return None
                names = names or []
                for part in value.elts:
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        names.append(part.value)
    return None if names is None else tuple(names)
