"""Small programs of several modules that use many constructs, to be run and looked at.

Every construct takes functions of one number that exist already and gives another such function, so
that they nest in every way: the callback of a partial in a registry of a subclass.  All choices come
from a `Chance`, so that a program is made from a seed or by Hypothesis.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

T = TypeVar("T")

MOST = 60
"""A function whose call sets off more calls than this is not used again."""
METHODS = ("get", "run", "load", "step", "handle", "fetch_all")
HEAD = """\
import abc, collections, contextlib, dataclasses, enum, functools, typing
"""


class Chance(Protocol):
    """Where choices come from."""

    def pick(self, found: Sequence[T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Seeded:
    """Choices that belong to a seed."""

    random: random.Random

    def pick(self, found: Sequence[T]) -> T:
        return self.random.choice(found)


@dataclass(frozen=True, slots=True)
class Made:
    """A function of one number: an expression that starts with a name of a module."""

    module: int
    name: str
    rest: str
    cost: int


@dataclass(slots=True)
class Program:
    """The modules so far; what a construct asks and tells."""

    chance: Chance
    modules: list[str]
    made: list[Made] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    imports: list[dict[str, None]] = field(default_factory=list)
    numbers: int = 0
    cost: int = 0
    stars: set[tuple[int, int]] = field(default_factory=set)

    def start(self) -> None:
        self.texts.append([])
        self.imports.append({})

    def name(self, start: str) -> str:
        self.numbers += 1
        return f"{start}{self.numbers}"

    def method(self) -> str:
        return self.chance.pick(METHODS)

    def add(self, text: str) -> None:
        self.texts[-1].append(text.strip("\n") + "\n")

    def function(self) -> str:
        """An expression for something made before, with the import that it needs."""
        found = self.chance.pick(
            [one for one in self.made[-25:] if one.cost < MOST] or self.made[:1]
        )
        self.cost += 2 * found.cost
        here = len(self.texts) - 1
        if found.module == here:
            return found.name + found.rest
        module = self.modules[found.module]
        how = self.chance.pick(("from", "from", "module", "as", "package", "star", "inside"))
        imports = self.imports[-1]
        if how == "star" or (here, found.module) in self.stars:
            self.stars.add((here, found.module))
            imports[f"from pkg.{module} import *"] = None
        elif how == "from":
            imports[f"from pkg.{module} import {found.name}"] = None
        elif how == "as":
            alias = self.name("other")
            imports[f"from pkg.{module} import {found.name} as {alias}"] = None
            return alias + found.rest
        elif how == "inside":
            again = self.name("later")
            self.add(
                f"def {again}(x):\n    from .{module} import {found.name}\n"
                f"    return {found.name}{found.rest}(x)\n"
            )
            return again
        elif how == "module":
            imports[f"import pkg.{module} as m{module}"] = None
            return f"m{module}.{found.name}{found.rest}"
        else:
            imports[f"from pkg import {module}"] = None
            return f"{module}.{found.name}{found.rest}"
        return found.name + found.rest

    def give(self, expression: str) -> None:
        """What later constructs can use; what names other things is bound to a name first."""
        if any(c.isalnum() for part in expression.split("(")[1:] for c in part.partition(")")[0]):
            bound = self.name("bound")
            self.add(
                self.chance.pick((
                    f"{bound} = {expression}\n",
                    f"def {bound}(x):\n    return {expression}(x)\n",
                ))
            )  # fmt: skip
            expression = bound
        end = next((i for i, c in enumerate(expression) if not (c.isalnum() or c == "_")), None)
        name, rest = (expression, "") if end is None else (expression[:end], expression[end:])
        self.made.append(Made(len(self.texts) - 1, name, rest, self.cost + 1))
        self.cost = 0

    def files(self) -> dict[str, str]:
        """Path -> text."""
        result = {"pkg/__init__.py": ""}
        for module, imports, texts in zip(self.modules, self.imports, self.texts, strict=True):
            result[f"pkg/{module}.py"] = HEAD + "\n".join([*imports, "", *texts])
        return result


Construct = Callable[[Program], None]
CONSTRUCTS: list[Construct] = []
BEYOND: dict[Construct, str] = {}
"""What the call graph does not see, and why.  Besides these: edges through a `__getattr__`, through
a computed name, under a C function that calls back, and through Python code of libraries."""


def construct(make: Construct) -> Construct:
    CONSTRUCTS.append(make)
    return make


def beyond(why: str) -> Callable[[Construct], Construct]:
    def mark(make: Construct) -> Construct:
        BEYOND[make] = why
        return make

    return mark


# ----------------------------------------------------------------------------- functions


@construct
def plain(p: Program) -> None:
    name = p.name("f")
    p.add(f"def {name}(x):\n    return {p.function()}(x) + 1\n")
    p.give(name)


@construct
def two_ways(p: Program) -> None:
    name, f, g = p.name("either"), p.function(), p.function()
    body = p.chance.pick((
        f"    return ({f} if x % 2 else {g})(x)\n",
        f"    call = {f}\n    if x > 2:\n        call = {g}\n    return call(x)\n",
        f"    call = None or {f}\n    return call(x) and {g}(x)\n",
        f"    try:\n        call = {f}\n    finally:\n        other = {g}\n    return call(other(x))\n",
        f"    return [{f}, {g}][x % 2](x)\n",
        f"    while True:\n        if (call := {f}) is not None:\n            break\n"
        f"    else:\n        call = {g}\n    return call(x)\n",
        f"    a, (b, *rest) = {f}, ({g}, {f})\n    return a(b(rest[0](x)))\n",
    ))  # fmt: skip
    p.add(f"def {name}(x):\n{body}")
    p.give(name)


@construct
def closure(p: Program) -> None:
    make, name, f = p.name("make"), p.name("closed"), p.function()
    p.add(p.chance.pick((
        f"def {make}(g):\n    def inner(x):\n        return g(x)\n\n    return inner\n",
        f"def {make}(g):\n    def inner(x):\n        nonlocal g\n        g = last\n        return g(x)\n\n"
        f"    last = g\n    return inner\n",
        f"def {make}(g):\n    return lambda x: g(x)\n",
        f"def {make}(g):\n    return [lambda x, h=h: h(x) for h in (g,)][0]\n",
        f"def {make}(g):\n    class Inner:\n        def call(self, x):\n            return g(x)\n\n"
        f"    return Inner().call\n",
    )))  # fmt: skip
    p.add(f"{name} = {make}({f})\n")
    p.give(name)


@construct
def decorated(p: Program) -> None:
    deco, name, f = p.name("deco"), p.name("marked"), p.function()
    how = p.chance.pick(("plain", "wraps", "arguments", "class", "method", "same", "optional"))
    wraps = "    @functools.wraps(g)\n" if how == "wraps" else ""
    use = deco
    if how in ("plain", "wraps"):
        p.add(
            f"def {deco}(g):\n{wraps}    def wrapper(*args, **kwargs):\n"
            f"        return g(*args, **kwargs)\n\n    return wrapper\n"
        )
    elif how == "arguments":
        p.add(
            f"def {deco}(more):\n    def mark(g):\n        @functools.wraps(g)\n"
            f"        def wrapper(x):\n            return more(g(x))\n\n        return wrapper\n\n"
            f"    return mark\n"
        )
        use = f"{deco}({p.function()})"
    elif how == "class":
        p.add(
            f"class {deco}:\n    def __init__(self, g):\n        self.g = g\n\n"
            f"    def __call__(self, x):\n        return self.g(x)\n"
        )
    elif how == "method":
        p.add(
            f"class {deco}App:\n    def __init__(self):\n        self.found = []\n\n"
            f"    def route(self, path):\n        def mark(g):\n            self.found.append(g)\n"
            f"            return g\n\n        return mark\n\n"
            f"    def call(self, x):\n        for g in self.found:\n            x = g(x)\n"
            f"        return x\n\n\n{deco} = {deco}App()\n"
        )
        use = f'{deco}.route("/")'
    elif how == "same":
        p.add(f"def {deco}(g):\n    g.marked = True\n    return g\n")
    else:
        p.add(
            f"def {deco}(g=None, *, more=1):\n    if g is None:\n"
            f"        return functools.partial({deco}, more=more)\n\n    @functools.wraps(g)\n"
            f"    def wrapper(x):\n        return g(x) + more\n\n    return wrapper\n"
        )
        use = p.chance.pick((deco, f"{deco}(more=2)"))
    p.add(f"@{use}\ndef {name}(x):\n    return {f}(x)\n")
    p.give(p.chance.pick((name, f"{deco}.call")) if how == "method" else name)


@construct
def stacked(p: Program) -> None:
    one, two, name, f = p.name("one"), p.name("two"), p.name("stacked"), p.function()
    for deco in (one, two):
        p.add(
            f"def {deco}(g):\n    @functools.wraps(g)\n    def wrapper(x):\n"
            f"        return g(x)\n\n    return wrapper\n"
        )
    p.add(
        f"@{one}\n@{two}\n@functools.lru_cache(maxsize=None)\ndef {name}(x):\n    return {f}(x)\n"
    )
    p.give(name)


@construct
def partial(p: Program) -> None:
    inner, name, f = p.name("inner"), p.name("part"), p.function()
    p.add(f"def {inner}(g, x=0, *, more=None):\n    return g(x) + (more(x) if more else 0)\n")
    p.add(
        f"{name} = "
        + p.chance.pick((
            f"functools.partial({inner}, {f})",
            f"functools.partial({inner}, {f}, more={p.function()})",
            f"functools.partial(functools.partial({inner}, more={p.function()}), {f})",
            f"functools.partial(functools.partial, {inner})({f})",
        ))
        + "\n"
    )  # fmt: skip
    p.give(name)


@construct
def callback(p: Program) -> None:
    take, name, f = p.name("take"), p.name("handed"), p.function()
    text, use = p.chance.pick((
        ("(g, x):\n    return g(x)\n", "{take}({f}, x)"),
        ("(x, g=None):\n    return g(x)\n", "{take}(x, g={f})"),
        ("(*gs, x):\n    for g in gs:\n        x = g(x)\n    return x\n", "{take}({f}, {f}, x=x)"),
        ("(x, **gs):\n    return gs['cb'](x)\n", "{take}(x, cb={f})"),
        ("(x, /, g, *, h):\n    return h(g(x))\n", "{take}(x, {f}, h={f})"),
        ("(g, x):\n    return g(x)\n", "{take}(*[{f}, x])"),
        ("(g, x):\n    return g(x)\n", "{take}(**{{'g': {f}, 'x': x}})"),
        ("(g, x):\n    return g(x)\n", "{take}(lambda y: {f}(y), x)"),
        ("(g, x):\n    return g(x) if x else {take}(g, 1)\n", "{take}({f}, 0)"),
        ("(g, x):\n    def again(n):\n        return g(x) if n == 0 else again(n - 1)\n\n"
         "    return again(2)\n", "{take}({f}, x)"),
    ))  # fmt: skip
    p.add(f"def {take}{text.replace('{take}', take)}")
    p.add(f"def {name}(x):\n    return {use.format(take=take, f=f)}\n")
    p.give(name)


@construct
def default(p: Program) -> None:
    name, f = p.name("fallback"), p.function()
    p.add(p.chance.pick((
        f"def {name}(x, g={f}):\n    return g(x)\n",
        f"def {name}(x, g=None):\n    g = g or {f}\n    return g(x)\n",
        f"def {name}(x, *, g=None):\n    if g is None:\n        g = {f}\n    return g(x)\n",
        f"{name} = lambda x, g={f}: g(x)\n",
    )))  # fmt: skip
    p.give(name)


@construct
def global_name(p: Program) -> None:
    var, set_, name, f = p.name("var"), p.name("set"), p.name("reads"), p.function()
    p.add(
        f"{var} = None\n\n\ndef {set_}(g):\n    global {var}\n    {var} = g\n\n\n{set_}({f})\n\n\n"
        f"def {name}(x):\n    return {var}(x)\n"
    )
    p.give(name)


# ----------------------------------------------------------------------------- classes


@construct
def stored(p: Program) -> None:
    cls, m, f = p.name("Stored"), p.method(), p.function()
    init, body = p.chance.pick((
        ("self.cb = cb", "self.cb(x)"),
        ("self.cbs = [cb]", "self.cbs[0](x)"),
        ("self.cbs = {'k': cb}", "self.cbs['k'](x)"),
        ("self.cb = lambda y: cb(y)", "self.cb(x)"),
        ("setattr(self, 'cb', cb)", "self.cb(x)"),
        ("self.cb = cb", "getattr(self, 'cb')(x)"),
        ("self.set(cb)", "self.cb(x)"),
        ("self.a, self.b = cb, cb", "self.a(self.b(x))"),
        ("self.inner = Holder(cb)", "self.inner.cb(x)"),
    ))  # fmt: skip
    init = init.replace("Holder", f"{cls}Holder")
    p.add(f"class {cls}Holder:\n    def __init__(self, cb):\n        self.cb = cb\n")
    p.add(
        f"class {cls}:\n    def __init__(self, cb):\n        {init}\n\n"
        f"    def set(self, cb):\n        self.cb = cb\n\n"
        f"    def {m}(self, x):\n        return {body}\n"
    )
    use = p.chance.pick(("inline", "module", "value", "factory", "unbound"))
    name = p.name("obj")
    if use == "inline":
        p.give(f"{cls}({f}).{m}")
    elif use == "module":
        p.add(f"{name} = {cls}({f})\n")
        p.give(f"{name}.{m}")
    elif use == "value":
        p.add(f"{name} = {cls}({f}).{m}\n")
        p.give(name)
    elif use == "factory":
        p.add(f"def {name}(kind={cls}):\n    return kind({f})\n")
        p.give(f"{name}().{m}")
    else:
        p.add(f"def {name}(x):\n    return {cls}.{m}({cls}({f}), x)\n")
        p.give(name)


@construct
def template_method(p: Program) -> None:
    base, cls, m, f = p.name("Base"), p.name("Sub"), p.method(), p.function()
    abstract = p.chance.pick((True, False))
    above = "(abc.ABC)" if abstract else ""
    mark = "    @abc.abstractmethod\n" if abstract else ""
    p.add(
        f"class {base}{above}:\n    def {m}(self, x):\n        return self.hook(x)\n\n"
        f"{mark}    def hook(self, x):\n        return x\n"
    )
    sup = p.chance.pick(
        ("", "super().hook(x) or ", f"super({cls}, self).hook(x) or ", f"{base}.hook(self, x) or ")
    )
    p.add(
        f"class {cls}({base}):\n    def hook(self, x):\n        return {sup if not abstract else ''}{f}(x)\n"
    )
    p.give(f"{cls}().{m}")


@construct
def mixins(p: Program) -> None:
    n, m, f, g = p.name(""), p.method(), p.function(), p.function()
    p.add(
        f"class Root{n}:\n    def {m}(self, x):\n        return {f}(x)\n\n\n"
        f"class Left{n}(Root{n}):\n    def {m}(self, x):\n        return super().{m}(x)\n\n\n"
        f"class Right{n}(Root{n}):\n    def {m}(self, x):\n        return {g}(super().{m}(x))\n\n\n"
        f"class Both{n}(Left{n}, Right{n}):\n    pass\n"
    )
    p.give(p.chance.pick((f"Both{n}().{m}", f"Left{n}().{m}")))


@construct
def mixin_needs(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Mixin{n}:\n    def {m}(self, x):\n        return self.needed{n}(x)\n\n\n"
        f"class Has{n}:\n    def needed{n}(self, x):\n        return {f}(x)\n\n\n"
        f"class Whole{n}(Mixin{n}, Has{n}):\n    pass\n"
    )
    p.give(f"Whole{n}().{m}")


@construct
def init_chain(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Parent{n}:\n    def __init__(self, cb, **more):\n        self.cb = cb\n\n"
        f"    def {m}(self, x):\n        return self.cb(x)\n\n\n"
        f"class Child{n}(Parent{n}):\n    def __init__(self, *args, **kwargs):\n"
        f"        super().__init__(*args, **kwargs)\n        self.other = kwargs.get('other')\n"
    )
    p.give(p.chance.pick((f"Child{n}({f}).{m}", f"Child{n}(cb={f}, other={f}).{m}")))


@construct
def class_and_static(p: Program) -> None:
    cls, m, f = p.name("Made"), p.method(), p.function()
    p.add(
        f"class {cls}:\n    cb = staticmethod({f})\n    table = {{'k': {f}}}\n\n"
        f"    def __init__(self, x=0):\n        self.x = x\n\n"
        f"    @classmethod\n    def build(cls, x):\n        return cls(x)\n\n"
        f"    @staticmethod\n    def plain(x):\n        return {f}(x)\n\n"
        f"    def {m}(self, x):\n        return self.cb(x)\n\n"
        f"    def copy(self, x):\n        return type(self)(x).plain(x)\n\n"
        f"    def again(self, x):\n        return self.__class__.build(x).{m}(x)\n\n"
        f"    def look(self, x):\n        return self.table['k'](x) + {cls}.table['k'](x)\n"
    )
    p.give(p.chance.pick((
        f"{cls}.build(1).{m}", f"{cls}.plain", f"{cls}().copy", f"{cls}().again", f"{cls}().look",
    )))  # fmt: skip


@construct
def property_(p: Program) -> None:
    cls, name, f = p.name("Prop"), p.name("reads"), p.function()
    body, use = p.chance.pick((
        ("    @property\n    def value(self):\n        return F(self.x)\n", "C(x).value"),
        ("    @functools.cached_property\n    def value(self):\n        return F(self.x)\n", "C(x).value"),
        ("    @property\n    def call(self):\n        return F\n", "C(x).call(x)"),
        ("    def _get(self):\n        return F(self.x)\n\n    value = property(_get)\n", "C(x).value"),
        ("    @property\n    def value(self):\n        return self.y\n\n    @value.setter\n"
         "    def value(self, y):\n        self.y = F(y)\n", "S(C(x))"),
        ("    value = property(lambda self: F(self.x))\n", "C(x).value"),
    ))  # fmt: skip
    p.add(f"class {cls}:\n    def __init__(self, x):\n        self.x = x\n\n{body.replace('F', f)}")
    if use.startswith("S"):
        p.add(f"def {name}(x):\n    obj = {cls}(x)\n    obj.value = x\n    return obj.value\n")
    else:
        p.add(f"def {name}(x):\n    return {use.replace('C', cls)}\n")
    p.give(name)


@construct
def inherited_property(p: Program) -> None:
    n, name, f = p.name(""), p.name("reads"), p.function()
    p.add(
        f"class Top{n}:\n    @property\n    def value{n}(self):\n        return self._value()\n\n"
        f"    def _value(self):\n        return 0\n\n\n"
        f"class Low{n}(Top{n}):\n    def _value(self):\n        return {f}(2)\n\n"
        f"    @property\n    def value{n}(self):\n        return super().value{n} + 1\n"
    )
    p.add(f"def {name}(x):\n    return x + Low{n}().value{n}\n")
    p.give(name)


@construct
def descriptor(p: Program) -> None:
    n, name, f = p.name(""), p.name("via"), p.function()
    p.add(
        f"class Desc{n}:\n    def __init__(self, cb):\n        self.cb = cb\n\n"
        f"    def __set_name__(self, owner, name):\n        self.name = name\n\n"
        f"    def __get__(self, obj, owner=None):\n        return self.cb(obj.x)\n\n"
        f"    def __set__(self, obj, value):\n        obj.x = self.cb(value)\n\n\n"
        f"class Owner{n}:\n    field = Desc{n}({f})\n\n    def __init__(self, x):\n        self.x = x\n"
    )
    p.add(f"def {name}(x):\n    return Owner{n}(x).field\n")
    p.give(name)


@construct
def set_descriptor(p: Program) -> None:
    n, name, f = p.name(""), p.name("via"), p.function()
    p.add(
        f"class Puts{n}:\n    def __set__(self, obj, value):\n        obj.x = {f}(value)\n\n\n"
        f"class Owner{n}:\n    field = Puts{n}()\n"
    )
    p.add(f"def {name}(x):\n    o = Owner{n}()\n    o.field = x\n    return o.x\n")
    p.give(name)


@construct
def callable_object(p: Program) -> None:
    cls, f = p.name("Callable"), p.function()
    p.add(
        f"class {cls}:\n    def __init__(self, cb):\n        self.cb = cb\n\n"
        f"    def __call__(self, x):\n        return self.cb(x)\n\n\n"
        f"{cls.lower()} = {cls}({f})\n"
    )
    p.give(p.chance.pick((cls.lower(), f"{cls}({f})", f"{cls.lower()}.__call__")))


@construct
def operators(p: Program) -> None:
    cls, name, f = p.name("Op"), p.name("uses"), p.function()
    dunder, args, result, use = p.chance.pick((
        ("__add__", "self, other", "F(self.x)", "C(x) + C(x)"),
        ("__radd__", "self, other", "F(self.x)", "1 + C(x)"),
        ("__neg__", "self", "F(self.x)", "-C(x)"),
        ("__lt__", "self, other", "F(self.x) > 0", "int(C(x) < C(x))"),
        ("__eq__", "self, other", "F(self.x) > 0", "int(C(x) == 1)"),
        ("__contains__", "self, other", "F(other) > 0", "int(x in C(x))"),
        ("__getitem__", "self, key", "F(key)", "C(x)[x]"),
        ("__invert__", "self", "F(self.x)", "~C(x)"),
        ("__matmul__", "self, other", "F(other)", "C(x) @ x"),
    ))  # fmt: skip
    p.add(
        f"class {cls}:\n    def __init__(self, x):\n        self.x = x\n\n"
        f"    def {dunder}({args}):\n        return {result.replace('F', f)}\n"
    )
    p.add(f"def {name}(x):\n    return {use.replace('C', cls)}\n")
    p.give(name)


@beyond("special methods that a builtin, a test of truth, an f-string or `+=` asks for")
def asked_by_builtins(p: Program) -> None:
    cls, name, f = p.name("Asked"), p.name("asks"), p.function()
    dunder, args, result, use = p.chance.pick((
        ("__len__", "self", "abs(F(self.x))", "len(C(x))"),
        ("__bool__", "self", "F(self.x) > 0", "1 if C(x) else 2"),
        ("__int__", "self", "F(self.x)", "int(C(x))"),
        ("__str__", "self", "str(F(self.x))", "len(str(C(x)))"),
        ("__str__", "self", "str(F(self.x))", "len(f'{C(x)}')"),
        ("__repr__", "self", "str(F(self.x))", "len(f'{C(x)!r}')"),
        ("__hash__", "self", "F(self.x)", "hash(C(x))"),
        ("__iadd__", "self, other", "F(self.x)", "A(C(x))"),
    ))  # fmt: skip
    p.add(
        f"class {cls}:\n    def __init__(self, x):\n        self.x = x\n\n"
        f"    def {dunder}({args}):\n        return {result.replace('F', f)}\n"
    )
    if use.startswith("A("):
        p.add(f"def {name}(x):\n    o = {cls}(x)\n    o += 1\n    return o\n")
    else:
        p.add(f"def {name}(x):\n    return {use.replace('C', cls)}\n")
    p.give(name)


@construct
def set_item(p: Program) -> None:
    cls, name, f = p.name("Items"), p.name("puts"), p.function()
    p.add(
        f"class {cls}:\n    def __init__(self):\n        self.data = {{}}\n\n"
        f"    def __setitem__(self, key, value):\n        self.data[key] = value({f}(key))\n\n"
        f"    def __delitem__(self, key):\n        {f}(key)\n\n"
        f"    def __getitem__(self, key):\n        return self.data[key]\n"
    )
    p.add(
        f"def {name}(x):\n    items = {cls}()\n    items[x] = {p.function()}\n    del items[x]\n"
        f"    return items[x]\n"
    )
    p.give(name)


@construct
def dataclass_(p: Program) -> None:
    cls, m, f = p.name("Data"), p.method(), p.function()
    how = p.chance.pick(("plain", "post", "factory", "inherited", "frozen"))
    text = f"@dataclasses.dataclass{'(frozen=True)' if how == 'frozen' else ''}\nclass {cls}:\n"
    text += "    cb: typing.Any\n    n: int = 0\n"
    if how == "factory":
        text += f"    more: list = dataclasses.field(default_factory=lambda: [{f}])\n"
    text += "\n"
    if how == "post":
        text += f"    def __post_init__(self):\n        self.other = {f}\n        {f}(self.n)\n\n"
    call = {"post": "self.other(self.cb(x))", "factory": "self.more[0](self.cb(x))"}
    text += f"    def {m}(self, x):\n        return {call.get(how, 'self.cb(x)')}\n"
    p.add(text)
    if how == "inherited":
        p.add(f"@dataclasses.dataclass\nclass {cls}Low({cls}):\n    last: typing.Any = None\n")
        p.give(p.chance.pick((f"{cls}Low({f}).{m}", f"{cls}Low(cb={f}, n=2).{m}")))
    else:
        p.give(p.chance.pick((f"{cls}({f}).{m}", f"{cls}(cb={f}).cb", f"{cls}({f}, 3).cb")))


@construct
def named_tuple(p: Program) -> None:
    cls, name, f = p.name("Named"), p.name("fields"), p.function()
    p.add(
        f"class {cls}(typing.NamedTuple):\n    cb: typing.Any\n    n: int = 1\n\n"
        f"    def call(self, x):\n        return self.cb(x)\n"
    )
    p.add(p.chance.pick((
        f"def {name}(x):\n    return {cls}({f}, 1).call(x)\n",
        f"def {name}(x):\n    cb, n = {cls}({f}, 1)\n    return cb(x) + n\n",
        f"def {name}(x):\n    return {cls}(cb={f}, n=2)[0](x)\n",
        f"def {name}(x):\n    return {cls}({f}, n=2).cb(x)\n",
    )))  # fmt: skip
    p.give(name)


@beyond("fields of a named tuple whose class is made by a call")
def made_named_tuple(p: Program) -> None:
    cls, name, f = p.name("Named"), p.name("fields"), p.function()
    p.add(
        f"{cls}Base = collections.namedtuple('{cls}Base', 'cb n')\n\n\n"
        f"class {cls}({cls}Base):\n    def call(self, x):\n        return self.cb(x)\n"
    )
    p.add(f"def {name}(x):\n    return {cls}({f}, 1).call(x)\n")
    p.give(name)


@construct
def protocol(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Proto{n}(typing.Protocol):\n    def {m}(self, x: int) -> int: ...\n\n\n"
        f"class Impl{n}:\n    def {m}(self, x):\n        return {f}(x)\n\n\n"
        f"def use{n}(x, p: Proto{n} | None = None):\n    p = p or Impl{n}()\n    return p.{m}(x)\n"
    )
    p.give(f"use{n}")


@construct
def narrowing(p: Program) -> None:
    n, m, f, g = p.name(""), p.method(), p.function(), p.function()
    p.add(
        f"class One{n}:\n    def {m}(self, x):\n        return {f}(x)\n\n\n"
        f"class Two{n}:\n    def {m}(self, x):\n        return {g}(x)\n\n\n"
        f"def many{n}(o, x):\n    if isinstance(o, One{n}):\n        return o.{m}(x)\n"
        f"    elif isinstance(o, (Two{n}, int)):\n        return o.{m}(x)\n    return x\n\n\n"
        f"def both{n}(x):\n    return many{n}(One{n}(), x) + many{n}(Two{n}(), x)\n"
    )
    p.give(f"both{n}")


@construct
def annotated(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    hint = p.chance.pick((f"Hint{n}", f'"Hint{n}"', f"typing.Optional[Hint{n}]", f"list[Hint{n}]"))
    got = f"o[0].{m}(x)" if hint.startswith("list") else f"o.{m}(x)"
    given = f"[Hint{n}()]" if hint.startswith("list") else f"Hint{n}()"
    p.add(
        f"class Hint{n}:\n    def {m}(self, x):\n        return {f}(x)\n\n\n"
        f"def hinted{n}(x, o: {hint} = None):\n    o = o or {given}\n    return {got}\n"
    )
    p.give(f"hinted{n}")


@construct
def enum_(p: Program) -> None:
    n, f = p.name(""), p.function()
    p.add(
        f"class Kind{n}(enum.Enum):\n    A = 1\n    B = 2\n\n"
        f"    def call(self, x):\n        return {f}(x) + self.value\n\n"
        f"    @classmethod\n    def first(cls):\n        return cls.A\n\n"
        f"    @property\n    def shown(self):\n        return {f}(self.value)\n\n\n"
        f"def enums{n}(x):\n    return sum(k.call(x) for k in Kind{n}) + Kind{n}.first().shown\n"
    )
    p.give(
        p.chance.pick((f"enums{n}", f"Kind{n}.A.call", f"Kind{n}(2).call", f"Kind{n}['B'].call"))
    )


@construct
def subclass_registry(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Plugin{n}:\n    found = []\n\n    def __init_subclass__(cls, **kwargs):\n"
        f"        super().__init_subclass__(**kwargs)\n        cls.found.append(cls)\n\n\n"
        f"class First{n}(Plugin{n}):\n    def {m}(self, x):\n        return {f}(x)\n\n\n"
        f"def plugins{n}(x):\n    for one in Plugin{n}.found:\n        x = one().{m}(x)\n    return x\n"
    )
    p.give(f"plugins{n}")


@construct
def delegate(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Real{n}:\n    def {m}(self, x):\n        return {f}(x)\n\n\n"
        f"class Proxy{n}:\n    def __init__(self, real):\n        self._real = real\n\n"
        f"    def __getattr__(self, name):\n        return getattr(self._real, name)\n"
    )
    p.add(f"def proxied{n}(x):\n    return Proxy{n}(Real{n}()).{m}(x)\n")
    p.give(f"proxied{n}")


@construct
def fluent(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Chain{n}:\n    def __init__(self):\n        self.steps = []\n\n"
        f"    def then(self, g):\n        self.steps.append(g)\n        return self\n\n"
        f"    def {m}(self, x):\n        for g in self.steps:\n            x = g(x)\n        return x\n"
    )
    p.give(f"Chain{n}().then({f}).then({p.function()}).{m}")


# ----------------------------------------------------------------------------- containers


@construct
def dispatch(p: Program) -> None:
    name, f, g = p.name("dispatch"), p.function(), p.function()
    table = p.name("TABLE")
    p.add(f"{table} = " + p.chance.pick((
        f"{{'a': {f}, 'b': {g}}}", f"dict(a={f}, b={g})", f"dict([('a', {f}), ('b', {g})])",
        f"{{**{{'a': {f}}}, 'b': {g}}}", f"{{'a': {f}}} | {{'b': {g}}}",
        f"collections.OrderedDict(a={f}, b={g})", f"dict(zip('ab', ({f}, {g})))",
        f"{{k: v for k, v in (('a', {f}), ('b', {g}))}}", f"{{}}\n{table}['a'] = {f}\n{table}['b'] = {g}",
        f"{{}}\n{table}.update(a={f})\n{table}.update({{'b': {g}}})",
        f"collections.defaultdict(lambda: {f}, b={g})",
        f"{{}}\n{table}.setdefault('a', {f})\n{table}.setdefault('b', {g})",
    )) + "\n")  # fmt: skip
    p.add(f"def {name}(x):\n    " + p.chance.pick((
        f"return {table}['a'](x)", f"return {table}['ab'[x % 2]](x)", f"return {table}.get('b')(x)",
        f"return {table}.get('z', {f})(x)",
        f"for g in {table}.values():\n        x = g(x)\n    return x",
        f"for k, g in {table}.items():\n        x = g(x)\n    return x",
        f"for k in {table}:\n        x = {table}[k](x)\n    return x",
        f"return sum(g(x) for g in {table}.values())",
        f"return sum([g(x) for _, g in sorted({table}.items(), key=lambda i: i[0])])",
        f"return dict({table}).pop('b')(x)", f"return {table}.copy()['b'](x)",
        f"match {table}:\n        case {{'b': g}}:\n            return g(x)\n        case _:\n            return x",
    )) + "\n")  # fmt: skip
    p.give(name)


@construct
def sequence(p: Program) -> None:
    name, f, g = p.name("sequence"), p.function(), p.function()
    items = p.name("ITEMS")
    p.add(f"{items} = " + p.chance.pick((
        f"[{f}, {g}]", f"({f}, {g})", f"[*[{f}], {g}]", f"[{f}] + [{g}]", f"collections.deque([{f}, {g}])",
        f"list(({f}, {g}))", f"[]\n{items}.append({f})\n{items}.insert(0, {g})",
        f"[{f}]\n{items}.extend([{g}])", f"[{f}]\n{items} += [{g}]", f"[h for h in ({f}, {g}) if h]",
        f"tuple(h for h in ({f}, {g}))", f"[None] * 2\n{items}[0] = {f}\n{items}[1] = {g}",
        f"[lambda y: {f}(y), {g}]", f"sorted([{f}, {g}], key=id)", f"list(reversed([{f}, {g}]))",
    )) + "\n")  # fmt: skip
    p.add(f"def {name}(x):\n    " + p.chance.pick((
        f"return {items}[0](x)", f"return {items}[-1](x)", f"return {items}[x % 2](x)",
        f"for h in {items}:\n        x = h(x)\n    return x",
        f"for i, h in enumerate({items}):\n        x = h(x)\n    return x",
        f"for h, n in zip({items}, (1, 2)):\n        x = h(n)\n    return x",
        f"a, b = {items}\n    return a(b(x))", f"a, *rest = {items}\n    return rest[0](x)",
        f"return sum(h(x) for h in {items})", f"return max([h(x) for h in list({items})])",
        f"return next(iter({items}))(x)", f"return len({{h(x) for h in {items}}})",
        f"return [h for h in {items} if h is not None][0](x)",
        f"return len({{h: h(x) for h in reversed({items})}})",
        f"it = iter({items})\n    return next(it)(next(it)(x))",
        f"match list({items}):\n        case [h, *_]:\n            return h(x)\n        case _:\n            return x",
        f"copy = list({items})\n    return copy.pop()(x)", f"return list({items})[:1][0](x)",
    )) + "\n")  # fmt: skip
    p.give(name)


@construct
def registry(p: Program) -> None:
    n, f, g = p.name(""), p.function(), p.function()
    how = p.chance.pick(("dict", "list", "nested", "class"))
    store = {"dict": "[key] = g", "list": ".append(g)", "nested": ".setdefault(key, []).append(g)",
             "class": "[key] = g"}[how]  # fmt: skip
    p.add(
        f"REG{n} = {'[]' if how == 'list' else '{}'}\n\n\ndef register{n}(key):\n    def mark(g):\n"
        f"        REG{n}{store}\n        return g\n\n    return mark\n"
    )
    if how == "class":
        p.add(
            f"@register{n}('a')\nclass Handler{n}:\n    def handle(self, x):\n        return {f}(x)\n\n\n"
            f"@register{n}('b')\nclass Other{n}:\n    def handle(self, x):\n        return {g}(x)\n"
        )
        p.add(
            f"def lookup{n}(x):\n    return REG{n}['a']().handle(x) + REG{n}['ab'[x % 2]]().handle(x)\n"
        )
    else:
        p.add(
            f"@register{n}('a')\ndef first{n}(x):\n    return {f}(x)\n\n\n"
            f"@register{n}('b')\ndef second{n}(x):\n    return {g}(x)\n"
        )
        body = {"dict": f"REG{n}['a'](x)", "list": f"sum(h(x) for h in REG{n})",
                "nested": f"sum(h(x) for hs in REG{n}.values() for h in hs)"}[how]  # fmt: skip
        p.add(f"def lookup{n}(x):\n    return {body}\n")
    p.give(f"lookup{n}")


@construct
def mapped(p: Program) -> None:
    name, f = p.name("mapped"), p.function()
    p.add(f"def {name}(x):\n    " + p.chance.pick((
        f"return sum(map({f}, [x]))", f"return list(map(lambda y: {f}(y), [x]))[0]",
        f"return len(list(filter({f}, [x])))", f"return functools.reduce(lambda a, b: {f}(a), [x, x])",
        f"return max([x, 1], key={f})", f"return min((x, 2), key=lambda y: {f}(y))",
        f"ys = [x, 1]\n    ys.sort(key={f})\n    return ys[0]", f"return any({f}(y) for y in [x]) + 0",
        f"return sum({f}(y) for y in [x] if {f}(y))", f"return [z for y in [x] for z in [{f}(y)]][0]",
        f"return int(all(map({f}, (x,))))", f"return dict([(1, {f}(x))])[1]",
    )) + "\n")  # fmt: skip
    p.give(name)


# ----------------------------------------------------------------------------- generators, with


@construct
def generator(p: Program) -> None:
    gen, name, f = p.name("gen"), p.name("drives"), p.function()
    p.add(p.chance.pick((
        f"def {gen}(x):\n    yield {f}(x)\n",
        f"def {gen}(x):\n    for y in (x, 1):\n        yield {f}(y)\n",
        f"def {gen}(x):\n    yield from [{f}(x)]\n",
        f"def {gen}_inner(x):\n    yield {f}(x)\n\n\ndef {gen}(x):\n    yield from {gen}_inner(x)\n",
        f"def {gen}(x):\n    return ({f}(y) for y in [x])\n",
        f"class {gen}:\n    def __init__(self, x):\n        self.x = x\n\n"
        f"    def __iter__(self):\n        yield {f}(self.x)\n",
        f"class {gen}:\n    def __init__(self, x):\n        self.x = [x]\n\n"
        f"    def __iter__(self):\n        return self\n\n"
        f"    def __next__(self):\n        if not self.x:\n            raise StopIteration\n"
        f"        return {f}(self.x.pop())\n",
    )))  # fmt: skip
    p.add(f"def {name}(x):\n    " + p.chance.pick((
        f"return sum({gen}(x))", f"return list({gen}(x))[0]", f"return next(iter({gen}(x)))",
        f"for y in {gen}(x):\n        x = y\n    return x", f"return [y for y in {gen}(x)][0]",
        f"a, *_ = {gen}(x)\n    return a", f"return sum([*{gen}(x)])", f"return max({gen}(x), default=0)",
        f"return {{y: y for y in {gen}(x)}} and x", f"g = {gen}(x)\n    return sum(y for y in g)",
        f"return sum(b for _, b in zip([1], {gen}(x)))",
        f"return list(enumerate({gen}(x)))[0][1]", f"return sorted({gen}(x))[0]",
        f"return len({{*{gen}(x)}})", f"return sum(map(abs, {gen}(x)))",
    )) + "\n")  # fmt: skip
    p.give(name)


@construct
def contained(p: Program) -> None:
    n, f = p.name(""), p.function()
    p.add(
        f"class Items{n}:\n    def __iter__(self):\n        yield {f}(1)\n\n\n"
        f"def within{n}(x):\n    return int(x in Items{n}())\n"
    )
    p.give(f"within{n}")


@construct
def sent(p: Program) -> None:
    n, f = p.name(""), p.function()
    p.add(
        f"def coro{n}():\n    x = yield\n    while True:\n        x = yield {f}(x)\n\n\n"
        f"def drive{n}(x):\n    c = coro{n}()\n    next(c)\n    y = c.send(x)\n    c.close()\n    return y\n"
    )
    p.give(f"drive{n}")


@construct
def yields_functions(p: Program) -> None:
    n, f, g = p.name(""), p.function(), p.function()
    p.add(
        f"def steps{n}():\n    yield {f}\n    yield {g}\n\n\n"
        f"def runs{n}(x):\n    for step in steps{n}():\n        x = step(x)\n    return x\n"
    )
    p.give(f"runs{n}")


@construct
def manager(p: Program) -> None:
    n, f = p.name(""), p.function()
    p.add(p.chance.pick((
        f"@contextlib.contextmanager\ndef man{n}(x):\n    yield {f}(x)\n",
        f"@contextlib.contextmanager\ndef man{n}(x):\n    try:\n        yield x\n    finally:\n        {f}(x)\n",
        f"class man{n}:\n    def __init__(self, x):\n        self.x = x\n\n    def __enter__(self):\n"
        f"        return {f}(self.x)\n\n    def __exit__(self, *args):\n        {f}(1)\n",
        f"class man{n}(contextlib.AbstractContextManager):\n    def __init__(self, x):\n        self.x = x\n\n"
        f"    def __enter__(self):\n        return self.x\n\n    def __exit__(self, *args):\n        {f}(1)\n",
        f"class man{n}(contextlib.ContextDecorator):\n    def __init__(self, x):\n        self.x = x\n\n"
        f"    def __enter__(self):\n        return self.x\n\n    def __exit__(self, *args):\n        {f}(1)\n",
    )))  # fmt: skip
    p.add(f"def enters{n}(x):\n    " + p.chance.pick((
        f"with man{n}(x) as y:\n        return y", f"m = man{n}(x)\n    with m:\n        return x",
        f"with man{n}(x) as y, man{n}(y) as z:\n        return z",
        f"with contextlib.ExitStack() as stack:\n        return stack.enter_context(man{n}(x))",
        f"with (man{n}(x), man{n}(1)):\n        return x",
    )) + "\n")  # fmt: skip
    p.give(f"enters{n}")


@construct
def manager_gives(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Given{n}:\n    def {m}(self, x):\n        return {f}(x)\n\n"
        f"    def __enter__(self):\n        return self\n\n"
        f"    def __exit__(self, kind, value, trace):\n        self.close()\n\n"
        f"    def close(self):\n        {f}(0)\n\n\n"
        f"@contextlib.contextmanager\ndef given{n}():\n    yield Given{n}()\n\n\n"
        f"def opened{n}(x):\n    with {p.chance.pick((f'given{n}()', f'Given{n}()', f'contextlib.closing(Given{n}())'))} as o:\n"
        f"        return o.{m}(x)\n"
    )
    p.give(f"opened{n}")


# ----------------------------------------------------------------------------- the rest


@construct
def single_dispatch(p: Program) -> None:
    n, f, g = p.name(""), p.function(), p.function()
    p.add(p.chance.pick((
        f"@functools.singledispatch\ndef by{n}(x):\n    return x\n\n\n@by{n}.register\n"
        f"def _(x: int):\n    return {f}(x)\n\n\n@by{n}.register(str)\ndef _(x):\n    return {g}(1)\n",
        f"class By{n}:\n    @functools.singledispatchmethod\n    def call(self, x):\n        return x\n\n"
        f"    @call.register\n    def _(self, x: int):\n        return {f}(x)\n\n\nby{n} = By{n}().call\n",
        f"@functools.singledispatch\ndef by{n}(x):\n    return x\n\n\n"
        f"def on_int{n}(x):\n    return {f}(x)\n\n\nby{n}.register(int, on_int{n})\n",
    )))  # fmt: skip
    p.give(f"by{n}")


@construct
def raised(p: Program) -> None:
    n, f = p.name(""), p.function()
    p.add(
        f"class Error{n}(Exception):\n    def __init__(self, cb):\n        super().__init__()\n"
        f"        self.cb = cb\n\n    def call(self, x):\n        return self.cb(x)\n\n\n"
        f"def raises{n}():\n    raise Error{n}({f})\n\n\n"
        f"def catches{n}(x):\n    try:\n        raises{n}()\n    except (ValueError, Error{n}) as error:\n"
        f"        return error.call(x)\n    finally:\n        {f}(1)\n"
    )
    p.give(f"catches{n}")


@construct
def matched(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Shape{n}:\n    __match_args__ = ('cb',)\n\n    def __init__(self, cb):\n        self.cb = cb\n\n"
        f"    def {m}(self, x):\n        return self.cb(x)\n"
    )
    case, result = p.chance.pick((
        (f"Shape{n}() as o", f"o.{m}(x)"), (f"Shape{n}(cb=g)", "g(x)"),
        (f"[Shape{n}() as o] | (Shape{n}() as o)", f"o.{m}(x)"), ("o if o", f"o.{m}(x)"),
        (f"int() | Shape{n}(cb=_)", f"given.{m}(x)"),
    ))  # fmt: skip
    p.add(
        f"def matches{n}(x):\n    given = Shape{n}({f})\n    match given:\n        case {case}:\n"
        f"            return {result}\n        case _:\n            return x\n"
    )
    p.give(f"matches{n}")


@beyond("what a class pattern takes out by its position")
def matched_by_position(p: Program) -> None:
    n, f = p.name(""), p.function()
    p.add(
        f"class Placed{n}:\n    __match_args__ = ('cb',)\n\n    def __init__(self, cb):\n"
        f"        self.cb = cb\n\n\n"
        f"def placed{n}(x):\n    match Placed{n}({f}):\n        case Placed{n}(g):\n"
        f"            return g(x)\n"
    )
    p.give(f"placed{n}")


@construct
def conditional_definition(p: Program) -> None:
    n, f, g = p.name(""), p.function(), p.function()
    p.add(p.chance.pick((
        f"if len('ab') > 1:\n    def maybe{n}(x):\n        return {f}(x)\nelse:\n"
        f"    def maybe{n}(x):\n        return {g}(x)\n",
        f"try:\n    from nowhere{n} import maybe{n}\nexcept ImportError:\n    def maybe{n}(x):\n"
        f"        return {f}(x)\n",
        f"def maybe{n}(x):\n    return {f}(x)\n\n\nif typing.TYPE_CHECKING:\n    maybe{n} = None\n",
        f"def maybe{n}(x):\n    return {f}(x)\n\n\nmaybe{n}_old = maybe{n}\n\n\n"
        f"def maybe{n}(x):\n    return maybe{n}_old({g}(x))\n",
        f"for maybe{n} in ({f}, {g}):\n    pass\n",
        f"maybe{n} = {f}\nmaybe{n}, other{n} = {g}, maybe{n}\n",
    )))  # fmt: skip
    p.give(f"maybe{n}")


@construct
def patched_class(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Late{n}:\n    pass\n\n\ndef _late{n}(self, x):\n    return {f}(x)\n\n\n"
        f"Late{n}.{m} = _late{n}\n"
    )
    p.give(f"Late{n}().{m}")


@construct
def class_decorator(p: Program) -> None:
    n, f = p.name(""), p.function()
    p.add(
        f"def grows{n}(cls):\n    cls.added{n} = lambda self, x: {f}(x)\n    return cls\n\n\n"
        f"@grows{n}\nclass Grown{n}:\n    pass\n"
    )
    p.give(f"Grown{n}().added{n}")


@beyond("a class that a decorator makes of the one that it is given")
def class_of_a_decorator(p: Program) -> None:
    n, f = p.name(""), p.function()
    p.add(
        f"def wraps{n}(cls):\n    class Wrapped(cls):\n        def added{n}(self, x):\n"
        f"            return {f}(x)\n\n    return Wrapped\n\n\n"
        f"@wraps{n}\nclass Plain{n}:\n    pass\n"
    )
    p.give(f"Plain{n}().added{n}")


@construct
def method_of_a_metaclass(p: Program) -> None:
    n, f = p.name(""), p.function()
    p.add(
        f"class Meta{n}(type):\n    def on_class{n}(cls, x):\n        return {f}(x)\n\n\n"
        f"class Typed{n}(metaclass=Meta{n}):\n    pass\n"
    )
    p.give(f"Typed{n}.on_class{n}")


@beyond("what `super().__call__` of a metaclass makes")
def call_of_a_metaclass(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Meta{n}(type):\n    def __call__(cls, *args):\n        {f}(0)\n"
        f"        return super().__call__(*args)\n\n\n"
        f"class Typed{n}(metaclass=Meta{n}):\n    def __init__(self, cb):\n        self.cb = cb\n\n"
        f"    def {m}(self, x):\n        return self.cb(x)\n"
    )
    p.give(f"Typed{n}({f}).{m}")


@construct
def new(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Single{n}:\n    _one = None\n\n    def __new__(cls, *args):\n        {f}(0)\n"
        f"        if cls._one is None:\n            cls._one = super().__new__(cls)\n        return cls._one\n\n"
        f"    def {m}(self, x):\n        return {f}(x)\n"
    )
    p.give(f"Single{n}().{m}")


@construct
def slots_and_private(p: Program) -> None:
    n, m, f = p.name(""), p.method(), p.function()
    p.add(
        f"class Slots{n}:\n    __slots__ = ('__cb',)\n\n    def __init__(self, cb):\n        self.__cb = cb\n\n"
        f"    def __call(self, x):\n        return self.__cb(x)\n\n"
        f"    def {m}(self, x):\n        return self.__call(x)\n"
    )
    p.give(f"Slots{n}({f}).{m}")


@construct
def module_attribute(p: Program) -> None:
    if not p.made or all(one.module == len(p.texts) - 1 for one in p.made):
        return plain(p)
    n, f = p.name(""), p.function()
    module = p.modules[0]
    p.imports[-1][f"from pkg import {module}"] = None
    p.add(f"{module}.hook{n} = {f}\n\n\ndef hooked{n}(x):\n    return {module}.hook{n}(x)\n")
    p.give(f"hooked{n}")
    return None


def program(chance: Chance, size: int = 12) -> dict[str, str]:
    """The files of a program; `main.py` calls what it made."""
    names = ["base", "one", "two", "three"]
    p = _started(chance, names)
    for module in range(len(names)):
        if module:
            p.start()
        for _ in range(size // len(names)):
            chance.pick(CONSTRUCTS)(p)
    return _finished(p, p.made[-size:])


def alone(chance: Chance, make: Construct) -> dict[str, str]:
    """The files of a program with one construct."""
    p = _started(chance, ["base"])
    make(p)
    return _finished(p, p.made[-1:])


def _started(chance: Chance, names: list[str]) -> Program:
    p = Program(chance, names)
    p.start()
    p.add("def leaf(x):\n    return x % 5\n")
    p.give("leaf")
    return p


def _finished(p: Program, used: Sequence[Made]) -> dict[str, str]:
    p.modules.append("main")
    p.start()
    for one in used:
        module = p.modules[one.module]
        p.imports[-1][f"from pkg import {module}"] = None
        p.add("".join(f"{module}.{one.name}{one.rest}({n})\n" for n in (2, 3)))
    return p.files()


@dataclass(slots=True)
class Listed:
    """Choices by their numbers; `counts` tells how many there were at each."""

    numbers: Sequence[int]
    counts: list[int] = field(default_factory=list)

    def pick(self, found: Sequence[T]) -> T:
        at = len(self.counts)
        self.counts.append(len(found))
        return found[self.numbers[at] if at < len(self.numbers) else 0]


def variants(make: Construct) -> Iterator[dict[str, str]]:
    """A construct alone, with each choice that it has taken once, the others being the first."""
    first = Listed(())
    yield alone(first, make)
    for at, count in enumerate(first.counts):
        for number in range(1, count):
            yield alone(Listed([*[0] * at, number]), make)
