"""Calls of one file as constraints, and what a call's last name says of its arguments."""

from __future__ import annotations

import ast

from asyncshift.facts import (
    ASKED,
    ATTR,
    CALL,
    CALLEE,
    CLASSMETHOD,
    CONSTANT,
    IMP,
    KEPT,
    KIND,
    MENTION,
    SEED,
    STORE,
    SUPER,
    UNKNOWN,
)
from asyncshift.handed import NAMES as HANDING
from asyncshift.handed import cleanup, handed, in_place
from asyncshift.resolution.doubles import pattern
from asyncshift.resolution.expressions import VALUES, Expressions
from asyncshift.resolution.scopes import Scope

_TELLING = frozenset(
    {"to_thread", "in_thread", "getattr", "setattr", "delattr", "patch", "object", "multiple",
     "spy"}
)  # fmt: skip
"""Last names of calls whose arguments tell a function, or the name of one."""
_HOPPING = frozenset({"to_thread", "in_thread"})
_KEYED = frozenset({"update", "setdefault"})
_ASKING = frozenset({"attrgetter", "delattr", "getattr", "hasattr", "methodcaller", "setattr"})
"""What takes an attribute by its name."""
_FOLDED = frozenset({"super", "getattr", "cast", "isinstance", "bool"})
_TESTS = frozenset({"isinstance", "hasattr", "callable", "type", "issubclass"})
_PASSING_BY = frozenset({"__getattribute__", "__setattr__"})
"""How an attribute is reached past the class's own `__setattr__` and `__getattr__`."""
_SPECIAL = _TELLING | _HOPPING | _KEYED | _FOLDED | _TESTS | _ASKING | _PASSING_BY
"""Any name that says more."""


_ENDING = frozenset({"next", "__next__"})
_NAMESPACES = frozenset({"globals", "locals", "vars"})
_LOOKING_UP = frozenset({"get", "pop", "items", "values"})
"""Methods of a dictionary that give what is in it."""


class CallExpressions(Expressions):
    """Adds what a call means."""

    def call(self, node: ast.Call) -> int:
        """A call; `super()`, `cast` and `getattr` with a constant name are folded."""
        func = node.func
        kind = func.__class__
        name = func.id if kind is ast.Name else func.attr if kind is ast.Attribute else ""  # type: ignore[attr-defined]
        special = name in _SPECIAL  # one call in ten
        if special and name in _ASKING:
            self._asked_for(node)
        if special and (name in _FOLDED or name in _PASSING_BY):
            folded = self._folded(node)
            if folded is not None:
                return folded
        if name in HANDING:
            index = 0 if cleanup(node) else handed(node)
            if index is not None:
                return self._called_there(node, index)
        function, label = self._callee(func)
        args: list[int] = []
        for argument in node.args:
            if argument.__class__ is ast.Starred:
                args.append(~self.value(argument))
            else:
                args.append(VALUES[argument.__class__](self, argument))
        keywords: tuple[tuple[str | None, int], ...] = ()
        if node.keywords:
            keywords = tuple([(part.arg, self.value(part.value)) for part in node.keywords])
            if name == "TypeVar":
                keywords = (*keywords, *self._bounds(node.keywords))
        if name in _LOOKING_UP and kind is ast.Attribute:
            self.looked_up(func.value, pattern(node.args[0]) if node.args else "*")  # type: ignore[attr-defined]
        site = self.site(node, "call", 0, label)
        if kind is ast.Name:
            self.scope.callees.append((name, site))
            if name in _NAMESPACES:
                self.named[site] = (KEPT,)
        for keyword in keywords:
            if keyword[0] is None:
                self.double(node, site)
                break
        if self.asked and self.sites[site][0] in self.asked:
            self.flag(site, ASKED)
            if self.asked[self.sites[site][0]] != self.scope.owner and kind is ast.Name:
                self.passing[self.scope.owner] = function
        if name in _ENDING and len(args) == (name == "next") and not keywords:
            self._may_end(node)
        if special:
            self._special(node, name, args, site)
        target = self.nodes
        self.nodes = target + 1
        self.ops.append((CALL, target, function, tuple(args), keywords, site))
        if name in _LOOKING_UP and (found := self._taken(node)):
            return self.join([target, found])
        if special and name in _HOPPING:
            match node.args:
                case [ast.Name(id="getattr"), _, ast.Constant(value=str() as attr)]:
                    return self.join([target, self._read_there(args[1], attr, site)])
        return target

    def _may_end(self, node: ast.Call) -> None:
        """`next(it)` raises StopIteration, as a statement does that names it."""
        ending = self.node()
        self.ops.append((IMP, ending, "builtins", "StopIteration", CONSTANT))
        self.marks.append((MENTION, ending, self.site(node, "value")))

    def _called_there(self, node: ast.Call, index: int) -> int:
        """`self.assertRaises(E, f, x)` is a call of `f`."""
        for argument in (node.func, *node.args[:index]):
            self.quiet(argument)
        if (one := in_place(node)) is not None:
            self.value(one.body)
            return CONSTANT
        function, label = self._callee(node.args[index])
        args = [
            ~self.value(part) if isinstance(part, ast.Starred) else self.value(part)
            for part in node.args[index + 1 :]
        ]
        keywords = tuple([(part.arg, self.value(part.value)) for part in node.keywords])
        site = self.site(node, "call", 0, label)
        if any(part.arg is None for part in node.keywords):
            self.double(node, site)
        self.ops.append((CALL, self.node(), function, tuple(args), keywords, site))
        return CONSTANT

    def _bounds(self, keywords: list[ast.keyword]) -> list[tuple[str, int]]:
        """The class that a type variable is bound to, where a string names it."""
        found = []
        for keyword in keywords:
            match keyword:
                case ast.keyword(arg="bound", value=ast.Constant(value=str() as text)):
                    try:
                        named = ast.parse(text.strip(), mode="eval").body
                    except (SyntaxError, ValueError):
                        continue
                    head = named.value if isinstance(named, ast.Subscript) else named
                    found.append(("bound", self.silent(head)))
        return found

    def _folded(self, node: ast.Call) -> int | None:
        match node:
            case ast.Call(func=ast.Name(id="super"), args=args) if len(args) in (0, 2):
                return self._super(args)
            case ast.Call(
                func=ast.Name(id="getattr"),
                args=[base, ast.expr() as computed, *default],
                keywords=[],
            ) if "*" not in (attr := pattern(computed)):
                return self._getattr(node, base, attr, default)
            case ast.Call(
                func=ast.Name(id="cast") | ast.Attribute(attr="cast"), args=[kind, inner]
            ) if not isinstance(kind, ast.Starred):
                target = self.node()
                self.annotation(kind, target)
                self.copy(target, self.value(inner))
                return target
            case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), kind]):
                self._isinstance(name, kind)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="object"), attr="__getattribute__"),
                args=[base, ast.Constant(value=str() as attr)],
            ):
                return self._getattr(node, base, attr, [])
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="object"), attr="__setattr__"),
                args=[base, ast.Constant(value=str() as attr), stored],
            ):
                return self._stored_past(self.quiet(base), attr, stored)
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__setattr__"),
                args=[ast.Constant(value=str() as attr), stored],
            ) if self.scope.first is not None:
                return self._stored_past(self.variable(self.scope.first), attr, stored)
            case ast.Call(func=ast.Name(id="bool"), args=[tested], keywords=[]):
                self.test(tested)
                return CONSTANT
        return None

    def _special(self, node: ast.Call, name: str, args: list[int], site: int) -> None:
        """What the last name of a call says of its arguments."""
        if name in _TESTS and args and isinstance(node.func, ast.Name):
            self.tested(args[0])
        if name in _KEYED and site not in self.doubles:
            self.note_update(node)
        if name in _TELLING and args:
            self._told(node, name, args, site)
        match node:
            case ast.Call(
                func=ast.Name(id="setattr"),
                args=[ast.Name(id=own), ast.Constant(value=str() as attr), _],
            ) if own == self.scope.first and args[0] > 0:
                self.ops.append((STORE, args[0], attr, args[2], CONSTANT))

    def _callee(self, func: ast.expr) -> tuple[int, str | None]:
        """(node, label) of what a call calls."""
        if isinstance(func, ast.Name):
            name = func.id
            number = self.scope.names.get(name) or self.variable(name)
            return number, self.text(func) if self.places.wide else name
        if isinstance(func, ast.Attribute):
            function = self._attribute(func, CALLEE)
            # Where it is a node, its own site is the last one.
            return function, self.sites[-1][3] if function > 0 else self.text(func)
        function = self.value(func)
        if isinstance(func, ast.Call) and self.marks and self.marks[-1][0] == ATTR:
            site = self.marks[-1][4]
            if self.sites[site][0] == self.places.span(func):  # getattr(x, "name")(...)
                self.flag(site, CALLEE)
        return max(function, UNKNOWN), self.text(func)

    def _taken(self, node: ast.Call) -> int:
        """`local.__dict__.pop("conn", None)` gives what is stored as `local.conn`; 0 for others."""
        match node:
            case ast.Call(func=ast.Attribute(value=holder), args=[ast.Constant(value=key), *_]):
                return self.held(holder, key)
        return 0

    def _read_there(self, source: int, attr: str, site: int) -> int:
        """`to_thread(getattr, x, "name")` reads a property in a thread."""
        read = self.load(source, attr)
        if source > 0:
            self.marks.append((ATTR, source, attr, read, site))
        return read

    def _told(self, node: ast.Call, name: str, args: list[int], site: int) -> None:
        """`to_thread(f)`, `getattr(api, name)`, `patch("pkg.api.f")`, `patch.object(api, "f")`."""
        first = node.args[0]
        given = tuple(keyword.arg for keyword in node.keywords if keyword.arg)
        match name, node.args:
            case (("to_thread" | "in_thread"), _):
                span = self.places.span(first)
                self.handed[site] = span, self.places.label(span)
            case "getattr", [_, computed, *_]:
                self.named[site] = (pattern(computed),)
            case "multiple", [ast.Constant(value=str() as text), *_]:
                for attr in given:
                    self.strings[f"{text}.{attr}", node.lineno] = True
            case "multiple", _:
                self.named[site] = given
            case (
                ("setattr" | "delattr" | "object" | "spy"),
                [
                    _,
                    ast.Constant(value=str() as attr),
                    *_,
                ],
            ):
                self.load(args[0], attr)  # what is replaced was there
                self.named[site] = (attr,)
            case (("patch" | "setattr" | "delattr"), [ast.Constant(value=str() as text), *_]):
                if (text, first.lineno) in self.strings:
                    self.strings[text, first.lineno] = True
                    self.named[site] = (text,)

    def _asked_for(self, node: ast.Call) -> None:
        for given in node.args:
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                for part in given.value.split("."):
                    self.texts.setdefault(part, node.lineno)

    def tested(self, node: int) -> None:
        """Code asks what a value is before it uses it."""
        if node > 0:
            self.ops.append((KIND, CONSTANT, node, "tested"))

    def _super(self, args: list[ast.expr]) -> int | None:
        scope: Scope | None = self.scope
        while scope is not None and (scope.cls == CONSTANT or scope.first is None):
            scope = scope.parent
        if scope is None:
            return None
        target = self.node()
        self.ops.append((SUPER, target, scope.cls, "cls" if scope.flags & CLASSMETHOD else "self"))
        return target

    def _getattr(self, node: ast.Call, base: ast.expr, attr: str, default: list[ast.expr]) -> int:
        source = self.quiet(base)
        results = [self.load(source, attr), *(self.value(other) for other in default)]
        if default:
            self.tested(source)
        if source > 0:
            site = self.site(node, "attribute")
            self.marks.append((ATTR, source, attr, results[0], site))
        return self.join(results)

    def _stored_past(self, base: int, attr: str, stored: ast.expr) -> int:
        """`object.__setattr__(self, "_inner", inner)` runs no setter."""
        value = self.value(stored)
        if base > 0:
            self.ops.append((STORE, base, attr, value, CONSTANT))
        return CONSTANT

    def _isinstance(self, name: str, kind: ast.expr) -> None:
        kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
        target = self.variable(name)
        for one in kinds:
            if isinstance(one, (ast.Name, ast.Attribute)):
                self.ops.append((SEED, target, self.silent(one), self.site(one, "value")))
