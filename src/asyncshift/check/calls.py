"""Calls in the await check: project functions by their summaries, outside ones by the tables."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from asyncshift.check import outside
from asyncshift.check.expressions import Expressions
from asyncshift.check.unit import Definition, outside_name
from asyncshift.check.values import (
    BOX,
    OTHER,
    PLAIN,
    How,
    Use,
    Value,
    What,
    applies,
    boxed,
    is_definite,
    join,
    objects,
)
from asyncshift.handed import cleanup, handed, in_place
from asyncshift.model import Certainty, FunctionId, Site


@dataclass(slots=True)
class Given:
    """The arguments of a call."""

    plain: list[tuple[ast.expr, Value]] = field(default_factory=list)
    starred: list[tuple[ast.expr, Value]] = field(default_factory=list)
    named: dict[str, tuple[ast.expr, Value]] = field(default_factory=dict)

    def all(self) -> list[tuple[ast.expr, Value]]:
        return [*self.plain, *self.starred, *self.named.values()]


class Calls(Expressions):
    """Adds calls."""

    def call(self, node: ast.Call) -> Value:
        index = 0 if cleanup(node) else handed(node)
        if index is not None:
            return self._called_there(node, index)
        base = self._receiver(node)
        given = self._given(node)
        name = outside_name(self.unit, self.scopes, node.func)
        if base is not None and (found := self._method(node, base, given)) is not None:
            return found
        if name and (found := self._builtin(name, node, given)) is not None:
            return found
        sites = self.unit.calls.get(self.unit.span(node), [])
        last = node.func.attr if isinstance(node.func, ast.Attribute) else name.rpartition(".")[2]
        if last in outside.OFF_LOOP and self._hands_over(last, sites):
            self._called_elsewhere(node, given, "another thread")
            self.escape(given)
            return self.made(What.COROUTINE, node) if last in outside.HOPS else PLAIN
        if self._believed(node, sites):
            self.escape(given)
            return PLAIN
        if name in outside.CALLERS:
            self._called_elsewhere(node, given, f"`{self.unit.text(node.func)}`")
        arguments = self.analysis.given(self, sites, node, given)
        if arguments is not None:
            return arguments
        return self._unknown(name, last, node, given)

    def _called_there(self, node: ast.Call, index: int) -> Value:
        """`self.assertRaises(E, f, x)` calls `f(x)`, and drops what that gives."""
        for argument in (node.func, *node.args[:index]):
            self.value(argument)
        one = in_place(node)
        called = one.body if one is not None else None
        if called is None:
            made = ast.Call(node.args[index], node.args[index + 1 :], node.keywords)
            called = ast.copy_location(made, node)
        self.use(self.value(called), How.DROPPED, node)
        return PLAIN

    # ------------------------------------------------------------------ parts of a call

    def _receiver(self, node: ast.Call) -> Value | None:
        """What a method is called on, where that can hold coroutines; None otherwise."""
        func = node.func
        if not isinstance(func, ast.Attribute):
            if not isinstance(func, ast.Name):
                self.use(self.value(func), How.OPERATOR, func)
            return None
        own = outside.OWN_ATTRIBUTES.fullmatch(func.attr)
        base = self.value(func.value)
        if not objects(base) and BOX not in base:
            return None
        for atom in objects(base):
            one: Value = frozenset({atom} | ({OTHER} & base))
            if atom[0].what in (What.COROUTINE, What.PARAMETER) and not own:
                self.use(one, How.ATTRIBUTE, func, func.attr)
            elif atom[1] == 0:
                self.use(one, How.GOOD, func)
        return base

    def _given(self, node: ast.Call) -> Given:
        given = Given()
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                value = self.elements(self.value(argument.value), argument)
                given.starred.append((argument.value, value))
            else:
                given.plain.append((argument, self.value(argument)))
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg is None:
                given.starred.append((keyword.value, self.inside(value)))
            else:
                given.named[keyword.arg] = (keyword.value, value)
        return given

    def escape(self, given: Given) -> None:
        """The arguments are out of sight now."""
        for node, value in given.all():
            self.use(value, How.GOOD, node)

    def _hands_over(self, last: str, sites: list[Site]) -> bool:
        """The graph says what is called there: not the method of this name, but an argument."""
        functions = self.analysis.graph.functions
        if any(self.analysis.awaits_calls(t.api) for site in sites for t in site.targets):
            return False
        targets = [t.function for site in sites for t in site.targets if t.function]
        return all(functions[fid].name.rpartition(".")[2] != last for fid in targets)

    def _believed(self, node: ast.Call, sites: list[Site]) -> bool:
        """Code that asks at run time whether something is async knows what it calls."""
        if not self.scope.asks:
            return False
        root = node.func
        while isinstance(root, (ast.Attribute, ast.Subscript, ast.Call)):
            root = root.func if isinstance(root, ast.Call) else root.value
        if isinstance(root, ast.Name) and root.id in self.scope.asked:
            return True
        return any(site.certainty is not Certainty.CERTAIN for site in sites)

    # ------------------------------------------------------------------ methods of containers

    def _method(self, node: ast.Call, base: Value, given: Given) -> Value | None:
        """A method of a container that holds, or may hold, coroutines."""
        func = node.func
        assert isinstance(func, ast.Attribute)
        held = [atom for atom in objects(base) if atom[1] > 0]
        if not held and BOX not in base:
            return None
        if func.attr in outside.PUTTING or func.attr == "setdefault":
            self._put(func.value, [boxed(value) for _, value in given.all()], given)
            return PLAIN
        if func.attr in outside.SPREADING:
            self._put(func.value, [value for _, value in given.all()], given)
            return PLAIN
        if func.attr in outside.TAKING:
            return self.inside(base) | ({OTHER} if func.attr == "get" else set())
        if func.attr in outside.GIVING:
            return boxed(base) | PLAIN if func.attr == "items" else base
        if func.attr == "sort":
            self.use(self.inside(base), How.COMPARED, node)
            return PLAIN
        return None

    def _put(self, holder: ast.expr, values: list[Value], given: Given) -> None:
        """`tasks.append(fetch())`: a local container holds it; any other one is out of sight."""
        if isinstance(holder, ast.Name) and holder.id in self.env:
            if holder.id in self.scope.captured:
                self.escape(given)
            self.env[holder.id] = join([self.env[holder.id], *values])
            return
        self.escape(given)

    # ------------------------------------------------------------------ outside functions

    def _builtin(self, name: str, node: ast.Call, given: Given) -> Value | None:
        """A function whose doing the tables tell; None for any other."""
        first = [value for _, value in given.plain] + [value for _, value in given.starred]
        if name in outside.COROUTINE_FUNCTIONS:
            if name.endswith(("to_thread", "to_thread.run_sync")):
                self._called_elsewhere(node, given, "another thread")
            self.escape(given)
            return self.made(What.COROUTINE, node)
        if name in ("map", "filter") and given.plain:
            made = self.makes(given.plain[0][0])
            for argument, value in given.plain[1:]:
                self.elements(value, argument)
            if name == "map":
                return boxed(made or PLAIN)
            self.use(made or PLAIN, How.TRUTH, node)
            return first[1] if len(first) > 1 else PLAIN
        if name in outside.CONSUMERS:
            for argument, value in (*given.plain, *given.starred):
                if len(given.plain) > 1 and name in ("min", "max"):
                    self.use(value, How.COMPARED, argument)
                else:
                    self.use(self.elements(value, argument), outside.CONSUMERS[name], argument)
            if name in outside.KEYED and "key" in given.named:
                self.use(self.makes(given.named["key"][0]) or PLAIN, How.COMPARED, node)
            return PLAIN
        if name in outside.CONTAINERS:
            for argument, value in given.all():
                self.elements(value, argument)
            kept = [frozenset(a for a in v if a[1] > 0 or a == OTHER) for _, v in given.all()]
            return join([boxed(PLAIN), *kept])
        if name in outside.PAIRING:
            for argument, value in given.all():
                self.elements(value, argument)
            return join([boxed(PLAIN), *(boxed(value) for _, value in given.all())])
        if name in outside.DIRECT:
            for argument, value in given.all():
                self.use(value, outside.DIRECT[name], argument)
            return PLAIN
        if name == "typing.cast" and len(first) == 2:
            return first[1]
        if name in outside.LOOKING:
            self.escape(given)
            return PLAIN
        return None

    def _unknown(self, name: str, last: str, node: ast.Call, given: Given) -> Value:
        """A call that nobody resolved: data modules and formatting are known, the rest is not."""
        func = node.func
        if isinstance(func, ast.Attribute) and isinstance(
            func.value, (ast.Constant, ast.JoinedStr)
        ):
            for argument, value in given.all():
                if func.attr == "join":
                    value = self.elements(value, argument)
                self.use(value, How.FORMATTED, argument)
            return PLAIN
        if last in outside.CALLING_METHODS:
            self._called_elsewhere(node, given, f"`{self.unit.text(func)}`")
        if last == "enter_context":
            for argument, value in given.plain:
                self.use(value, How.ENTERED, argument)
            return PLAIN
        if name.partition(".")[0] in outside.DATA_MODULES and "." in name:
            for argument, value in given.all():
                self.use(value, How.HANDED, argument, name)
            return PLAIN
        holder = self.unit.text(func.value) if isinstance(func, ast.Attribute) else ""
        if last in outside.LOG_METHODS and outside.LOGGING.search(holder):
            for argument, value in given.all():
                self.use(value, How.LOGGED, argument)
            return PLAIN
        self.escape(given)
        return PLAIN

    def makes(self, node: ast.expr) -> Value | None:
        """What calling the value of an expression gives: `fetch`, a lambda, a partial."""
        if isinstance(node, ast.Lambda):
            line, column = self.unit.span(node)[:2]
            return self.register(
                self.analysis.made_by(self, f"{self.unit.path}:{line}:{column}", node)
            )
        if isinstance(node, ast.Call):
            partial = outside_name(self.unit, self.scopes, node.func) == "functools.partial"
            return self.makes(node.args[0]) if partial and node.args else None
        sites = self.unit.values.get(self.unit.span(node), [])
        return self.analysis.given(self, sites, node)

    def _called_elsewhere(self, node: ast.Call, given: Given, by: str) -> None:
        """Somebody calls the arguments who cannot await what that gives."""
        hops = [
            s for s in self.unit.calls.get(self.unit.span(node), ()) if s.wrapper in outside.HOPS
        ]
        for index, (argument, _) in enumerate(given.all()):
            made = self.makes(argument)
            if made is None and index == 0:
                made = self.analysis.given(self, hops, argument)
            if made is not None:
                self.use(made, How.THREAD, node, by)

    # ------------------------------------------------------------------ parameters

    def hand_over(
        self, fid: FunctionId, node: Definition, skip: int, given: Given, *, only: bool
    ) -> None:
        """Apply to the arguments what a project function does with its parameters."""
        if isinstance(node, (ast.ClassDef, ast.Module)):
            self.escape(given)
            return
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)][skip:]
        for index, (argument, value) in enumerate(given.plain):
            if index < len(names):
                self._argument(fid, names[index], argument, value, only)
            elif node.args.vararg is not None:
                self._argument(fid, node.args.vararg.arg, argument, boxed(value), only)
        for argument, value in given.starred:
            self.use(value, How.GOOD, argument)
        known = {a.arg for a in (*node.args.args, *node.args.kwonlyargs)}
        for name, (argument, value) in given.named.items():
            if name in known:
                self._argument(fid, name, argument, value, only)
            else:
                self.use(value, How.GOOD, argument)

    def _argument(
        self, fid: FunctionId, name: str, node: ast.expr, value: Value, only: bool
    ) -> None:
        if not objects(value):
            return
        uses = self.analysis.parameter(self.fid, fid, name)
        if uses is None:
            self.use(value, How.GOOD, node)
            return
        good = any(use.how in (How.GOOD, How.STORED) for use in uses)
        weak = good or not only or not is_definite(value)
        function = self.analysis.graph.functions[fid].name
        for origin, depth in objects(value):
            if not uses:
                line = getattr(node, "lineno", 1)
                note = f"handed to {function}, which does nothing with it"
                self.note(origin, Use(How.UNUSED, self.unit.path, line, depth, True, note))
            for use in uses:
                at = depth + use.depth
                if use.how is How.RETURNED:
                    continue  # the result of the call carries it on
                if use.how is How.STORED:
                    use = replace(use, how=How.GOOD)  # an object keeps it: out of sight
                if origin.what is What.PARAMETER or applies(use.how, at):
                    self.note(origin, replace(use, depth=at, weak=use.weak or weak))
