"""Functions, lambdas, generator expressions and their decorators as constraints."""

from __future__ import annotations

import ast
from typing import Any

from asyncshift.facts import (
    ASYNC,
    AWAITED,
    CALLEE,
    CLASSMETHOD,
    CONSTANT,
    DEC,
    ENDED,
    FIXED,
    FUNC,
    GENERATOR,
    INTERRUPTED,
    MANAGER,
    NAMING,
    OVERLOAD,
    PROPERTY,
    RETURNS,
    SETSUB,
    SETTER,
    STATICMETHOD,
    STUB,
    UNKNOWN,
    FunctionFacts,
)
from asyncshift.model import SourceFile
from asyncshift.resolution.annotations import Annotations
from asyncshift.resolution.facades import (
    Candidate,
    gives_what_it_runs,
    inner_call,
    same_parameters,
)
from asyncshift.resolution.scopes import Scope

_MANAGERS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
_PROPERTIES = frozenset({"property", "abc.abstractproperty", "functools.cached_property"})
_TRANSPARENT = frozenset(
    {"staticmethod", "classmethod", "abc.abstractmethod", "functools.lru_cache", "functools.cache",
     "functools.wraps", "typing.override", "typing_extensions.override", "typing.final",
     "typing.no_type_check", "abc.abstractclassmethod", "abc.abstractstaticmethod"}
) | _MANAGERS  # fmt: skip
"""What these give is called like what they are given."""


class Definitions(Annotations):
    """Adds what a `def`, a `lambda` and a generator expression mean."""

    def __init__(self, file: SourceFile) -> None:
        super().__init__(file)
        self._plain_names: list[str] = []
        self.coroutines: dict[tuple[int, str], tuple[int, ast.arguments] | None] = {}
        """(enclosing function, name) -> the async function there; None where it is not alone."""
        self.candidates: list[Candidate] = []

    def body(self, statements: list[ast.stmt]) -> None:
        """Walk a block."""
        raise NotImplementedError

    def open(self, name: str) -> int:
        """The index of a new function; its record follows when it is complete."""
        self.functions.append(None)
        self._plain_names.append(name)
        return len(self.functions) - 1

    # ------------------------------------------------------------------ functions

    def function_definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        flags = ASYNC if isinstance(node, ast.AsyncFunctionDef) else 0
        decorators: list[tuple[str, int]] = []
        applied: list[tuple[int, int]] = []
        for decorator in node.decorator_list:
            dotted, made, called = self._decorator(node.name, decorator)
            decorators.append((dotted, called))
            flags |= _decorator_flags(node.name, dotted)
            if made != CONSTANT:
                applied.append((made, self.site(decorator, "decorator", 0, dotted)))
        first = len(self.sites)
        index = self._define(node, node.name, "function", node.args, flags, decorators, node.body)
        if flags & ASYNC:
            key = (self.scope.owner, node.name)
            self.coroutines[key] = None if key in self.coroutines else (index, node.args)
        elif isinstance(node.body[-1], ast.Return) and len(node.body) < 3:
            self._facade(node, index, decorators, first)
        if flags & SETTER:
            self.scope.setters[self.private(node.name)] = index
            return
        result = self.node()
        self.ops.append((FUNC, result, index))
        for made, site in reversed(applied):
            decorated = self.node()
            self.ops.append((DEC, decorated, made, result, site))
            result = decorated
        if flags & OVERLOAD:
            return
        self.copy(self.define(self.private(node.name)), result)

    def _facade(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        index: int,
        decorators: list[tuple[str, int]],
        first: int,
    ) -> None:
        """Remember a function that does nothing but hand its parameters on, through two calls."""
        assert isinstance(node, ast.FunctionDef)
        cls = self._plain_names[self.scope.owner] if self.scope.kind == "class" else ""
        found = inner_call(node, decorators, cls)
        if found is None:
            return
        name, call = found
        span = self.places.span(call)
        for site in range(first, len(self.sites)):
            if self.sites[site][:2] == (span, "call"):
                owner = self.scope.owner
                self.candidates.append(Candidate(index, owner, name, site, node.args))

    def settle_facades(self) -> None:
        """At the end of the file every coroutine is known."""
        for one in self.candidates:
            found = self.coroutines.get((one.owner, one.coroutine))
            facts = self.functions[one.function]
            if found is not None and facts is not None and same_parameters(one.args, found[1]):
                self.functions[one.function] = facts._replace(facade=(found[0], one.call))

    def _decorator(self, name: str, node: ast.expr) -> tuple[str, int, int]:
        """(dotted name, node of what is applied or CONSTANT if it changes nothing, its callee)."""
        callee = node.func if isinstance(node, ast.Call) else node
        dotted = self.dotted_name(callee)
        if _decorator_flags(name, dotted) & (PROPERTY | SETTER) or dotted in _TRANSPARENT:
            if isinstance(node, ast.Call):
                for argument in node.args:
                    self.value(argument)
            return dotted, CONSTANT, CONSTANT
        if isinstance(node, ast.Call):
            made = self.value(node)
            called = self.silent(callee)
        else:
            made = called = self.quiet(node, CALLEE)
        return dotted, max(made, UNKNOWN), called

    def dotted_name(self, node: ast.expr) -> str:
        """A dotted expression with its first name resolved through the imports seen so far."""
        match node:
            case ast.Name(id=name):
                return self.dotted.get(name, name)
            case ast.Attribute(value=inner, attr=attr):
                return f"{self.dotted_name(inner)}.{attr}"
        return ast.unparse(node)[:60]

    def _define(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        name: str,
        kind: str,
        args: ast.arguments,
        flags: int,
        decorators: list[tuple[str, int]],
        body: list[ast.stmt] | ast.expr,
    ) -> int:
        outer = self.scope
        positional = args.posonlyargs + args.args
        kwonlyargs, star, double = args.kwonlyargs, args.vararg, args.kwarg
        defaults = self._defaults(positional, args)
        index = self.open(name)
        scope = Scope("function", outer, index, f"{outer.path}{name}.")
        cls = outer.cls if outer.kind == "class" else CONSTANT
        starts = (self.nodes, len(self.ops), len(self.marks), index + 1)
        classes = len(self.classes)
        scope.returned, scope.yielded = self.nodes, self.nodes + 1
        self.nodes += 2
        scope.start = starts[1]
        scope.is_async = bool(flags & ASYNC)
        self.scope = scope
        params = tuple([(arg.arg, self.bind(arg.arg)) for arg in positional])
        kwonly = tuple([(arg.arg, self.bind(arg.arg)) for arg in kwonlyargs]) if kwonlyargs else ()
        vararg = CONSTANT if star is None else self._star(star, "list")
        kwarg = CONSTANT if double is None else self._star(double, "dict")
        if double is not None:
            scope.kwarg = double.arg
        for parameter, source in defaults:
            self.copy(scope.names[parameter], source)
        if cls != CONSTANT and params and not flags & STATICMETHOD:
            scope.cls, scope.first = cls, params[0][0]
            if name in ("__new__", "__init_subclass__", "__class_getitem__"):
                flags |= CLASSMETHOD
            scope.flags = flags & CLASSMETHOD
        # Annotations are evaluated outside, but their seeds belong to the parameters.
        for argument in positional + kwonlyargs if kwonlyargs else positional:
            if (annotation := argument.annotation) is not None:
                self.annotation(annotation, scope.names[argument.arg])
        self._annotate_star(star, vararg)
        self._annotate_star(double, kwarg)
        if isinstance(body, list):
            scope.block = body
            self.begin(scope, body)
            self.body(body)
            self._returns(node, scope)
        else:
            self.copy(scope.returned, self.value(body))
        self.finish(scope)
        nodes = (starts[0], self.nodes)
        self.close(scope)
        if scope.is_generator:
            flags |= GENERATOR | (RETURNS if scope.sent or scope.returns else 0)
        flags |= scope.flags & (NAMING | INTERRUPTED | ENDED)
        if isinstance(body, list) and len(body) < 3 and all(map(_does_nothing, body)):
            flags |= STUB
        if scope.redirect or len(self.classes) > classes:
            flags |= FIXED
        line = node.lineno
        span = self.places.span(node)
        self.functions[index] = FunctionFacts(
            name=outer.path + name,
            kind=kind,
            line=line,
            column=span[1],
            span=span,
            parent=outer.owner,
            cls=cls,
            flags=flags,
            params=params,
            kwonly=kwonly,
            vararg=vararg,
            kwarg=kwarg,
            positional_only=len(args.posonlyargs),
            returned=scope.returned,
            yielded=scope.yielded,
            decorators=tuple(decorators),
            pragma=self.places.pragma(line),
            nodes=nodes,
            ops=(starts[1], len(self.ops)),
            marks=(starts[2], len(self.marks)),
            inner=(starts[3], len(self.functions)),
        )
        return index

    def _defaults(self, positional: list[ast.arg], args: ast.arguments) -> list[tuple[str, int]]:
        """(parameter, node of its default), evaluated outside of the function."""
        found: list[tuple[str, int]] = []
        if args.defaults:
            for argument, value in zip(positional[::-1], args.defaults[::-1], strict=False):
                found.append((argument.arg, self.value(value)))
        if args.kw_defaults:
            for argument, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
                if default is not None:
                    found.append((argument.arg, self.value(default)))
        return found

    def _star(self, argument: ast.arg, kind: str) -> int:
        """The node of `*args` or `**kwargs`."""
        number = self.bind(argument.arg)
        holder, _ = self.box(kind)
        self.copy(number, holder)
        return number

    def _annotate_star(self, argument: ast.arg | None, number: int) -> None:
        if argument is not None and argument.annotation is not None:
            elements = self.node()
            self.annotation(argument.annotation, elements)
            self.ops.append((SETSUB, number, None, elements, CONSTANT))

    def _returns(self, node: Any, scope: Scope) -> None:
        returns = node.returns
        if returns is None or gives_what_it_runs(node):
            return  # a facade's result is what its coroutine says it is
        if scope.is_generator:
            self.yields(returns, scope.yielded)
        else:
            self.annotation(returns, scope.returned)

    def function_expression(self, node: ast.Lambda) -> int:
        index = self._define(node, "<lambda>", "lambda", node.args, 0, [], node.body)
        result = self.node()
        self.ops.append((FUNC, result, index))
        return result

    def generator_expression(self, node: ast.GeneratorExp) -> int:
        clause = node.generators[0]
        flags = AWAITED if clause.is_async else 0
        source = self.value(clause.iter)  # in the outer scope; it is iterated in the inner one
        outer = self.scope
        index = self.open("<genexpr>")
        starts = (self.nodes, len(self.ops), len(self.marks), index + 1)
        scope = Scope("function", outer, index, f"{outer.path}<genexpr>.")
        scope.returned, scope.yielded = self.nodes, self.nodes + 1
        self.nodes += 2
        scope.start = starts[1]
        self.scope = scope
        self.clauses(
            node.generators, self.iterated(clause.iter, source, "comprehension", "", flags)
        )
        self.copy(scope.yielded, self.value(node.elt))
        nodes = (starts[0], self.nodes)
        self.close(scope)
        span = self.places.span(node)
        self.functions[index] = FunctionFacts(
            name=outer.path + "<genexpr>",
            kind="genexp",
            line=span[0],
            column=span[1],
            span=span,
            parent=outer.owner,
            cls=CONSTANT,
            flags=GENERATOR | (ASYNC if any(g.is_async for g in node.generators) else 0),
            returned=scope.returned,
            yielded=scope.yielded,
            nodes=nodes,
            ops=(starts[1], len(self.ops)),
            marks=(starts[2], len(self.marks)),
            inner=(starts[3], len(self.functions)),
        )
        result = self.node()
        self.ops.append((FUNC, result, index))
        return result


def _does_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(
            exc=ast.Name(id="NotImplementedError")
            | ast.Call(func=ast.Name(id="NotImplementedError"))
        ):
            return True
    return False


def _decorator_flags(name: str, dotted: str) -> int:
    """What a decorator says of the function called `name`."""
    if dotted in _PROPERTIES or dotted.rpartition(".")[2] == "cached_property":
        return PROPERTY
    if dotted in _MANAGERS:
        return MANAGER
    if dotted in ("staticmethod", "abc.abstractstaticmethod"):
        return STATICMETHOD
    if dotted in ("classmethod", "abc.abstractclassmethod"):
        return CLASSMETHOD
    if dotted in ("typing.overload", "typing_extensions.overload"):
        return OVERLOAD
    head, _, last = dotted.rpartition(".")
    if last in ("setter", "deleter") and head.rpartition(".")[2] == name:
        return SETTER | PROPERTY
    return PROPERTY if last == "getter" and head.rpartition(".")[2] == name else 0
