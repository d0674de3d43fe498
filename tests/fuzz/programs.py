"""Random programs of several modules, made from a seed: what ordinary sync code is made of.

Functions are made in the order in which they may call each other, so that programs end, and a
module imports earlier ones at its top and later ones inside functions.  Everything that happens is
noted in one list, which `main.py` prints: two runs are alike when they print the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

BASE = '''\
"""What every module uses."""

LOG = []


class Oops(Exception):
    """Raised for some numbers."""


def note(*what):
    LOG.append(what)
    return len(LOG)
'''
MOST = 40
"""A function whose call sets off more calls than this is not called again."""
METHODS = ("get", "load", "send", "close", "refresh", "fetch_all")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that later code may use."""

    module: int
    name: str
    kind: str
    """function, generator, manager, class, decorator, caller, user."""
    cost: int
    methods: tuple[str, ...] = ()
    """For a class: methods with one number that give a number, and other ways to use it: `()`,
    `with`, `iter`, `.property`, `static.name`, `class.name`."""


@dataclass(slots=True)
class Module:
    number: int
    name: str
    imports: set[str] = field(default_factory=set)
    parts: list[str] = field(default_factory=list)

    def text(self) -> str:
        plain = sorted(line for line in self.imports if not line.startswith("from "))
        names: dict[str, list[str]] = {}
        for line in sorted(self.imports - {*plain}):
            source, _, name = line.partition(" import ")
            names.setdefault(source, []).append(name)
        named = [f"{source} import {', '.join(found)}" for source, found in names.items()]
        parts = ["\n".join([*plain, *named]), *self.parts]
        return "\n\n\n".join(part for part in parts if part) + "\n"


@dataclass(slots=True)
class Body:
    """The statements of one function."""

    module: Module
    lines: list[str] = field(default_factory=list)
    cost: int = 1
    values: int = 0
    head: list[str] = field(default_factory=list)
    """Imports inside the function."""

    def within(self) -> Body:
        """Statements that become a part of these."""
        return Body(self.module, values=self.values + 10, head=self.head)

    def fresh(self) -> str:
        self.values += 1
        return f"v{self.values}"

    def add(self, *lines: str) -> None:
        self.lines += lines

    def text(self, indent: int = 1) -> str:
        lines = [*dict.fromkeys(self.head), *self.lines]
        return "\n".join("    " * indent + line for line in lines)


class Maker:
    """Makes one program."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.count = 0
        self.things: list[Thing] = []
        names = self.chance.sample(["api", "shop", "stock", "mail", "users", "tax"], 6)
        self.modules = [Module(n, names[n]) for n in range(self.chance.randint(2, 5))]
        self.most = self.chance.choice([1, 2, 2, 3, 5])
        self.main = Module(len(self.modules), "main")
        self.loose = is_loose(seed)

    def files(self) -> dict[str, str]:
        for module in self.modules:
            makers: list[Callable[[Module], None]] = [self.leaf]
            for _ in range(self.chance.randint(1, self.most)):
                makers.append(self.chance.choices(*self._makers())[0])
            for make in makers:
                make(module)
        self._main()
        found = {f"pkg/{m.name}.py": m.text() for m in self.modules}
        found |= {"pkg/__init__.py": "", "pkg/base.py": BASE, "main.py": self.main.text()}
        return found

    def _makers(self) -> tuple[list[Callable[[Module], None]], list[int]]:
        weights: dict[Callable[[Module], None], int] = {
            self.leaf: 2,
            self.function: 7,
            self.generator: 3,
            self.manager: 2,
            self.class_: 4,
            self.abstract: 2,
            self.decorator: 1,
            self.caller: 1,
            self.user: 2,
            self.mutual: 1,
            self.locked: 1,
            self.at_import: 1,
        }
        if self.loose:
            weights |= {self.patching: 1}
        return list(weights), list(weights.values())

    # ------------------------------------------------------------------------- names

    def name(self, *words: str) -> str:
        self.count += 1
        return f"{self.chance.choice(words)}{self.count}"

    def pick(self, *kinds: str, most: int = MOST) -> Thing | None:
        fit = [t for t in self.things if t.kind in kinds and t.cost <= most]
        return self.chance.choice(fit[-12:]) if fit else None

    def refer(self, body: Body, thing: Thing, form: str = "") -> str:
        """How a module names a thing: any form of import."""
        module = body.module
        if thing.module == module.number:
            return thing.name
        other = self.modules[thing.module].name
        here = "pkg" if module is self.main else self.chance.choice(["pkg", ""])
        form = form or self.chance.choice(
            ["from", "from", "as", "module", "dotted", "local", "mas"]
        )
        match form:
            case "from":
                module.imports.add(f"from {here}.{other} import {thing.name}")
                return thing.name
            case "as":
                module.imports.add(f"from {here}.{other} import {thing.name} as other_{thing.name}")
                return f"other_{thing.name}"
            case "module":
                module.imports.add(f"from {here or '.'} import {other}")
                return f"{other}.{thing.name}"
            case "mas":
                module.imports.add(f"import pkg.{other} as the_{other}")
                return f"the_{other}.{thing.name}"
            case "dotted":
                module.imports.add(f"import pkg.{other}")
                return f"pkg.{other}.{thing.name}"
            case _:
                body.head.append(f"from {here}.{other} import {thing.name}")
                return thing.name

    def argument(self, names: list[str]) -> str:
        name = self.chance.choice(names)
        return self.chance.choice([name, name, f"{name} + 1", f"({name} * 3) % 7", "2"])

    def base(self, module: Module, *names: str) -> None:
        module.imports |= {f"from pkg.base import {name}" for name in names}

    # ------------------------------------------------------------------------- uses

    def use(self, body: Body, names: list[str]) -> str | None:
        """A statement or two that use something that is there; the variable of the value."""
        kinds = ["function"] * 4 + ["generator"] * 2 + ["class"] * 3 + ["manager", "user"]
        thing = self.pick(self.chance.choice(kinds), most=MOST - body.cost)
        if thing is None:
            return None
        argument = self.argument(names)
        value = body.fresh()
        lines = body.within()
        match thing.kind:
            case "function":
                factor = self._function(lines, thing, argument, value)
            case "generator":
                factor = self._generator(lines, self.refer(lines, thing), argument, value)
            case "manager":
                factor = self._manager(lines, self.refer(lines, thing), argument, value)
            case "user":
                factor = self._user(lines, thing, argument, value)
            case _:
                factor = self._class(lines, thing, argument, value)
        body.cost += thing.cost * factor
        if self.chance.random() < 0.15:
            self.base(body.module, "Oops", "note")
            lines.lines = ["try:", *("    " + line for line in lines.lines)]
            lines.add("except Oops as oops:", f"    {value} = len(oops.args)")
            if self.chance.random() < 0.5:
                lines.add("finally:", f'    note("done {value}")')
        body.values = lines.values
        body.lines += lines.lines
        return value

    def _function(self, body: Body, thing: Thing, argument: str, value: str) -> int:
        f = self.refer(body, thing)
        caller = self.pick("caller")
        simple = [
            f"{value} = {f}({argument})",
            f"{value} = {f}(x={argument})",
            f"{value} = {f}({argument}, 2)",
            f"{value} = {f}(*[{argument}], **{{'y': 1}})",
            f"{value} = {f}({argument}) if {argument} % 2 else 0",
            f"{value} = {f}({argument}) or 1",
            f"{value} = len(f'{{{f}({argument})}}')",
            f"{value} = 1 if 0 <= {f}({argument}) < 9 else 2",
            f"{value} = {f}({f}({argument}) % 5)",
        ]
        several = [
            f"{value} = sum({f}(i) for i in range(2))",
            f"{value} = sum([{f}(i) for i in range(2)])",
            f"{value} = sorted({f}(i) for i in ({argument}, 1))[0]",
            f"{value} = sorted([3, {argument}], key=lambda i: i)[0] + {f}(1)",
            f"{value} = int(any({f}(i) > 3 for i in range(3)))",
            f"{value} = max({f}(i) for i in range(2))",
            f"{value} = len({{k: {f}(k) for k in range(2)}})",
            f"{value} = sum(i for i in range(3) if {f}(i) % 2)",
            f"{value} = len([j for i in range(2) for j in [{f}(i)] * 2])",
        ]
        held = [
            [f"h = {f}", f"{value} = h({argument})"],
            [f"table = {{'a': {f}}}", f"{value} = table['a']({argument})"],
            [f"{value} = functools.partial({f}, {argument})()"],
            [f"{value} = (lambda q: {f}(q))({argument})"],
            [f"{value} = sum(map({f}, [{argument}, 1]))"],
            [f"{value} = sorted([{argument}, 1], key={f})[0]"],
            ["def inner(q):", f"    return {f}(q) + 1", f"{value} = inner({argument})"],
            [
                "def inner(q):",
                f"    return {f}({argument}) + q",
                f"{value} = sum(inner(i) for i in range(2))",
            ],
            [f"{value} = 0", f"while {f}({value}) < 3 and {value} < 2:", f"    {value} += 1"],
            [f"{value} = {argument}", f"{value} += {f}(1)"],
            [f"if (w := {f}({argument})) > 2:", f"    {value} = w", "else:", f"    {value} = 0"],
            [f"assert {f}({argument}) is not None", f"{value} = 1"],
        ]
        dice = self.chance.random()
        if caller is not None and dice < 0.1:
            body.add(f"{value} = {self.refer(body, caller)}({f}, {argument})")
            return 1
        if self.loose and dice < 0.2 and "." in f:
            module, _, name = f.rpartition(".")
            start, end = repr(name[:2]), repr(name[2:])
            computed = f"{start} + {end}" if len(name) % 2 else f"''.join(({start}, {end}))"
            body.add(f"{value} = getattr({module}, {computed})({argument})")
            return 1
        if dice < 0.6:
            body.add(self.chance.choice(simple))
            return 2
        if dice < 0.8:
            body.add(self.chance.choice(several))
            return 3
        lines = self.chance.choice(held)
        if "functools" in lines[0]:
            body.module.imports.add("import functools")
        body.add(*lines)
        return 3

    def _generator(self, body: Body, g: str, argument: str, value: str) -> int:
        call = f"{g}({argument})"
        forms = [
            [f"{value} = sum({call})"],
            [f"{value} = len(list({call}))"],
            [f"{value} = sorted({call})[0]"],
            [f"{value} = max({call}, default=0)"],
            [f"{value} = int(any(i > 2 for i in {call}))"],
            [f"{value} = len([i for i in {call} if i])"],
            [f"{value} = len({{i: 1 for i in {call}}})"],
            [f"{value} = len(','.join(str(i) for i in {call}))"],
            [f"{value} = next({call})"],
            [f"{value} = next(iter({call}), 0)"],
            [f"it = {call}", f"{value} = next(it) + len(list(it))"],
            [f"{value} = 0", f"for i in {call}:", f"    {value} += i"],
            [f"{value} = 0", f"for n, i in enumerate({call}):", f"    {value} += i * n"],
            [f"{value} = 0", f"for i, j in zip({call}, range(2)):", f"    {value} += i * j"],
            [f"{value} = 0", f"for i in {call}:", f"    {value} = i", "    break"],
            [f"first, *rest = {call}", f"{value} = len(rest)"],
            [f"{value} = len([*{call}])"],
            [f"{value} = int(2 in {call})"],
        ]
        body.add(*self.chance.choice(forms))
        return 2

    def _manager(self, body: Body, cm: str, argument: str, value: str) -> int:
        self.base(body.module, "note")
        inside = ["    note('in', c)", f"    {value} = c + 1"]
        forms = [
            [f"with {cm}({argument}) as c:", *inside],
            [f"with {cm}({argument}) as c, {cm}(1) as d:", *inside, "    note(d)"],
            [f"with {cm}({argument}) as c:", f"    with {cm}(c) as d:", f"        {value} = d"],
            [
                "with contextlib.ExitStack() as stack:",
                f"    c = stack.enter_context({cm}({argument}))",
                *inside,
            ],
            [f"m = {cm}({argument})", "with m as c:", *inside],
        ]
        lines = self.chance.choices(forms, [4, 2, 2, 1, 1])[0]
        if "contextlib" in lines[0]:
            body.module.imports.add("import contextlib")
        body.add(*lines)
        return 2

    def _user(self, body: Body, thing: Thing, argument: str, value: str) -> int:
        made = next(t for t in self.things if t.name == thing.methods[0])
        fit = [
            t for t in self.things if t is made or (t.kind == "class" and made.name in t.methods)
        ]
        chosen = self.chance.choice(fit)
        other = self.refer(body, chosen)
        body.add(f"{value} = {self.refer(body, thing)}({other}({argument}), 1)")
        return 1 + chosen.cost // max(1, thing.cost)

    def _class(self, body: Body, thing: Thing, argument: str, value: str) -> int:
        cls = self.refer(body, thing)
        how = self.chance.choice([m for m in thing.methods if not m[0].isupper()])
        made = self.chance.choice([True, False])
        obj = "obj" if made else f"{cls}({argument})"
        if how == "with":
            body.add(f"with {cls}({argument}) as c:", f"    {value} = c.x")
            return 1
        if made and not how.startswith(("static", "class")):
            body.add(f"obj = {cls}({argument})")
        if how == "()":
            body.add(f"{value} = {obj}(2)")
        elif how == "iter":
            body.add(f"{value} = sum({obj}.rows())")
        elif how.startswith("."):
            body.add(f"{value} = {obj}{how}")
        elif how.startswith("static."):
            body.add(f"{value} = {cls}.{how[7:]}({argument})")
        elif how.startswith("class."):
            body.add(f"{value} = {cls}.{how[6:]}({argument}).x")
        elif self.chance.random() < 0.15:
            body.add(f"bound = {obj}.{how}", f"{value} = bound(1)")
        else:
            body.add(f"{value} = {obj}.{how}({self.chance.choice(['1', argument])})")
        return 1

    def work(self, body: Body, names: list[str], least: int = 1) -> list[str]:
        """Some uses and a blocking call now and then; what they give."""
        values = []
        for _ in range(self.chance.randint(least, 3)):
            if (value := self.use(body, [*names, *values])) is not None:
                values.append(value)
        if not values or self.chance.random() < 0.2:
            self.pause(body, names[0])
        return values

    def pause(self, body: Body, name: str) -> None:
        body.module.imports.add("import time")
        self.base(body.module, "note")
        label = self.name("step")
        body.add("time.sleep(0)", f"note({label!r}, {name})")

    def result(self, values: list[str], names: list[str]) -> str:
        return f"({' + '.join([*values, names[0]])}) % 11"

    # ------------------------------------------------------------------------- makers

    def define(self, body: Body, name: str, kind: str, head: str = "", *above: str) -> None:
        head = head or f"def {name}(x, y=1):"
        decorators = "".join(f"{line}\n" for line in above)
        body.module.parts.append(f"{decorators}{head}\n{body.text()}")
        self.things.append(Thing(body.module.number, name, kind, body.cost))

    def decorated(self, body: Body) -> list[str]:
        """A decorator of the project, sometimes."""
        thing = self.pick("decorator")
        if thing is None or self.chance.random() > 0.25:
            return []
        form = self.chance.choice(["from", "as", "module", "dotted", "mas"])
        named = self.refer(body, thing, form)
        body.cost = body.cost * 2 + thing.cost
        return [f"@{named}(2)" if thing.methods else f"@{named}"]

    def leaf(self, module: Module) -> None:
        body = Body(module)
        self.pause(body, "x")
        if self.chance.random() < 0.3:
            self.base(module, "Oops")
            body.add("if x % 5 == 4:", "    raise Oops(x)")
        body.add("return (x + y) % 11")
        above = self.decorated(body)
        self.define(body, self.name("fetch", "read", "_ask"), "function", "", *above)

    def function(self, module: Module) -> None:
        body = Body(module)
        values = self.work(body, ["x"])
        dice = self.chance.random()
        name = self.name("price", "total", "_find", "order")
        if dice < 0.15:
            body.lines = ["if x <= 0:", "    return 0", *body.lines]
            body.add(f"note({name!r}, {name}(min(x, 2) - 1))")
            self.base(module, "note")
            body.cost *= 3
        body.add(f"return {self.result(values, ['x'])}")
        above = self.decorated(body)
        head = self.chance.choice(
            ["", "", f"def {name}(x: int, y: int = 1) -> int:", f"def {name}(x, *args, **kwargs):"]
        )
        self.define(body, name, "function", head, *above)

    def generator(self, module: Module) -> None:
        body = Body(module)
        values = self.work(body, ["x"])
        inner = self.pick("generator", most=MOST - body.cost)
        body.add(f"yield {self.result(values, ['x'])}")
        if inner is not None and self.chance.random() < 0.5:
            body.add(f"yield from {self.refer(body, inner)}(x)")
            body.cost += inner.cost
        elif (value := self.use(body, ["x"])) is not None:
            body.add(f"yield {value}")
        self.define(body, self.name("rows", "pages", "_lines"), "generator", "")

    def manager(self, module: Module) -> None:
        body = Body(module)
        module.imports.add("from contextlib import contextmanager")
        values = self.work(body, ["x"])
        self.base(module, "note")
        given = f"yield {self.result(values, ['x'])}"
        end = body.within()
        self.work(end, ["x"], 0)
        end.add("note('left', x)")
        body.cost += end.cost
        if self.chance.random() < 0.6:
            body.add("try:", f"    {given}", "finally:", *("    " + line for line in end.lines))
        else:
            body.add(given, *end.lines)
        self.define(body, self.name("opened", "session"), "manager", "", "@contextmanager")

    def decorator(self, module: Module) -> None:
        module.imports.add("import functools")
        self.base(module, "note")
        name = self.name("traced", "retry")
        body = Body(module)
        if self.chance.random() < 0.5:
            self.pause(body, f"'{name}'")
        arguments = self.chance.random() < 0.5
        inner = ["@functools.wraps(f)", "def wrapper(*args, **kwargs):"]
        inner += ["    " + line for line in body.lines]
        if arguments:
            inner += ["    for _ in range(times - 1):", f"        note({name!r})"]
        catching = self.chance.random() < 0.3
        if catching:
            self.base(module, "Oops")
            inner += ["    try:", "        return f(*args, **kwargs)", "    except Oops:"]
            inner += ["        note('caught')", "        return 1"]
        else:
            inner += ["    return f(*args, **kwargs)"]
        inner += ["return wrapper"]
        if arguments:
            inner = ["def around(f):", *("    " + line for line in inner), "return around"]
        text = "\n".join("    " + line for line in inner)
        head = f"def {name}({'times' if arguments else 'f'}):"
        module.parts.append(f"{head}\n{text}")
        args = ("times",) if arguments else ()
        self.things.append(Thing(module.number, name, "decorator", 1, args))

    def caller(self, module: Module) -> None:
        """A function that is given one."""
        name = self.name("apply", "attempt")
        body = Body(module)
        self.base(module, "note")
        body.add(f"note({name!r})", self.chance.choice(["return f(x)", "return f(x) + f(1)"]))
        self.define(body, name, "caller", f"def {name}(f, x):")

    def user(self, module: Module) -> None:
        """A function that is given an object."""
        cls = self.pick("class", most=MOST // 2)
        if cls is None:
            return
        methods = [m for m in cls.methods if m in METHODS]
        if not methods:
            return
        body = Body(module)
        name = self.name("use", "handle")
        head = f"def {name}(thing, x):"
        if self.chance.random() < 0.7:
            head = f"def {name}(thing: {self.refer(body, cls, 'from')}, x: int) -> int:"
        body.add(f"return thing.{self.chance.choice(methods)}(x)")
        module.parts.append(f"{head}\n{body.text()}")
        self.things.append(Thing(module.number, name, "user", cls.cost, (cls.name,)))

    def mutual(self, module: Module) -> None:
        """Two functions that call each other, over two modules."""
        if module.number == 0:
            return
        other = self.chance.choice(self.modules[: module.number])
        even, odd = self.name("even"), self.name("odd")
        local = self.chance.choice(
            [f"from pkg.{module.name} import {odd}", f"import pkg.{module.name}"]
        )
        call = odd if local.startswith("from") else f"pkg.{module.name}.{odd}"
        first = Body(other)
        first.add(local, "if x <= 0:", "    return 0")
        if self.chance.random() < 0.5:
            self.pause(first, "x")
        first.add(f"return 1 + {call}(min(x, 3) - 1)")
        first.cost = 6
        self.define(first, even, "function")
        second = Body(module)
        known = self.refer(second, self.things[-1])
        second.add("if x <= 0:", "    return 1")
        if self.chance.random() < 0.7:
            self.pause(second, "x")
        second.add(f"return 2 + {known}(min(x, 3) - 1)")
        second.cost = 6
        self.define(second, odd, "function")

    def locked(self, module: Module) -> None:
        module.imports.add("import threading")
        if "LOCK = threading.Lock()" not in module.parts:
            module.parts.append("LOCK = threading.Lock()")
        inside = Body(module)
        leaf = self.pick("function", most=3)
        if leaf is None or self.chance.random() < 0.5:
            self.pause(inside, "x")
        else:
            inside.add(f"{self.refer(inside, leaf, 'from')}(x)")
        body = Body(module, ["with LOCK:", *("    " + line for line in inside.lines)])
        body.add("return x")
        self.define(body, self.name("guarded"), "function")

    def patching(self, module: Module) -> None:
        """A function of another module is exchanged for a while."""
        fit = [t for t in self.things if t.kind == "function" and t.module != module.number]
        using = self.pick("function")
        if not fit or using is None:
            return
        body = Body(module)
        holder, _, name = self.refer(body, self.chance.choice(fit), "module").rpartition(".")
        self.base(module, "note")
        body.add(
            f"old = {holder}.{name}",
            f"{holder}.{name} = lambda *args, **kwargs: note('instead')",
            "try:",
            f"    value = {self.refer(body, using, 'from')}(x)",
            "finally:",
            f"    {holder}.{name} = old",
            "return value % 3",
        )
        body.cost += using.cost
        self.define(body, self.name("replaced"), "function")

    def at_import(self, module: Module) -> None:
        thing = self.pick("function", most=10)
        if thing is not None:
            body = Body(module)
            named = self.refer(body, thing, "from")
            module.parts.append(f"START{self.count} = {named}(1)")

    # ------------------------------------------------------------------------- classes

    def class_(self, module: Module) -> None:
        parent = self.pick("class")
        name = self.name("Client", "Store", "Item")
        if parent is not None and self.chance.random() < 0.5:
            self._subclass(module, parent, name)
            return
        cost = 1
        ways: list[str] = []
        parts = []
        dataclass_ = self.chance.random() < 0.25
        for way in self.chance.sample(
            ["method", "method", "method", "()", "with", "iter", "property", "static", "class"],
            self.chance.randint(1, 5),
        ):
            method = self.chance.choice(METHODS)
            body = Body(module)
            names = ["x"] if way == "static" else ["self.x", "x"]
            match way:
                case "method" if method not in ways:
                    own = [w for w in ways if w in METHODS]
                    values = self.work(body, names)
                    if own and self.chance.random() < 0.5:
                        values.append("w")
                        body.add(f"w = self.{self.chance.choice(own)}(1)")
                        body.cost += cost
                    body.add(f"return {self.result(values, names)}")
                    above = "".join(f"    {line}\n" for line in self.decorated(body))
                    parts.append(f"{above}    def {method}(self, x, y=1):\n{body.text(2)}")
                    ways.append(method)
                case "()":
                    values = self.work(body, names)
                    body.add(f"return {self.result(values, names)}")
                    parts.append(f"    def __call__(self, x):\n{body.text(2)}")
                    ways.append("()")
                case "with":
                    self.work(body, ["self.x"])
                    body.add("return self")
                    parts.append(f"    def __enter__(self):\n{body.text(2)}")
                    leave = Body(module)
                    self.base(module, "note")
                    self.work(leave, ["self.x"], 0)
                    leave.add("note('exit', exc_type)")
                    parts.append(f"    def __exit__(self, exc_type, exc, tb):\n{leave.text(2)}")
                    body.cost += leave.cost
                    ways.append("with")
                case "iter":
                    values = self.work(body, ["self.x"])
                    body.add(f"yield {self.result(values, ['self.x'])}", "yield 2")
                    parts.append(f"    def rows(self):\n{body.text(2)}")
                    ways.append("iter")
                case "property":
                    values = self.work(body, ["self.x"])
                    body.add(f"return {self.result(values, ['self.x'])}")
                    parts.append(f"    @property\n    def size(self):\n{body.text(2)}")
                    ways.append(".size")
                case "static":
                    values = self.work(body, names)
                    body.add(f"return {self.result(values, names)}")
                    parts.append(f"    @staticmethod\n    def plain(x):\n{body.text(2)}")
                    ways.append("static.plain")
                case "class":
                    values = self.work(body, ["x"])
                    body.add(f"return cls({self.result(values, ['x'])})")
                    parts.append(f"    @classmethod\n    def make(cls, x):\n{body.text(2)}")
                    ways.append("class.make")
                case _:
                    continue
            cost = max(cost, body.cost)
        if not ways:
            return
        if dataclass_:
            module.imports.add("from dataclasses import dataclass")
            head = f"@dataclass\nclass {name}:\n    x: int\n"
        else:
            head = f"class {name}:\n    def __init__(self, x):\n        self.x = x\n"
        module.parts.append(head + "\n" + "\n\n".join(parts))
        self.things.append(Thing(module.number, name, "class", cost, tuple(ways)))

    def _subclass(self, module: Module, parent: Thing, name: str) -> None:
        top = Body(module)
        form = self.chance.choice(["from", "as", "module", "dotted"])
        base = self.refer(top, parent, form)
        own = [m for m in parent.methods if m in METHODS]
        method = self.chance.choice(own or METHODS)
        body = Body(module)
        names = ["self.x", "x"]
        values = self.work(body, names, 0) if self.chance.random() < 0.7 else []
        if own and self.chance.random() < 0.6:
            values.append("w")
            body.add(f"w = super().{method}(x)")
        body.add(f"return {self.result(values, names)}")
        text = f"class {name}({base}):\n    def {method}(self, x, y=1):\n{body.text(2)}"
        module.parts.append(text)
        ways = tuple(dict.fromkeys([*parent.methods, method, parent.name]))
        cost = body.cost + parent.cost
        self.things.append(Thing(module.number, name, "class", cost, ways))

    def abstract(self, module: Module) -> None:
        """An abstract class, with one implementation here at least."""
        module.imports.add("from abc import ABC, abstractmethod")
        name, method = self.name("Source", "Task"), self.chance.choice(METHODS)
        run = self.chance.choice([m for m in METHODS if m != method])
        module.parts.append(
            f"class {name}(ABC):\n    def __init__(self, x):\n        self.x = x\n\n"
            f"    @abstractmethod\n    def {method}(self, x, y=1):\n"
            f'        """Do it."""\n\n    def {run}(self, x, y=1):\n'
            f"        return self.{method}(x) + 1"
        )
        parent = Thing(module.number, name, "abstract", 3, (method, run))
        place = self.chance.choice(self.modules[module.number :])
        top = Body(place)
        base = self.refer(top, parent, self.chance.choice(["from", "as", "module", "dotted"]))
        body = Body(place)
        values = self.work(body, ["self.x", "x"]) if place is module else []
        if not values:
            self.pause(body, "x")
        body.add(f"return {self.result(values, ['self.x', 'x'])}")
        child = self.name("File", "Web")
        place.parts.append(
            f"class {child}({base}):\n    def {method}(self, x, y=1):\n{body.text(2)}"
        )
        self.things.append(parent)
        things = Thing(place.number, child, "class", body.cost + 3, (method, run, name))
        if place is module:
            self.things.append(things)
        else:
            self.late(things)

    def late(self, thing: Thing) -> None:
        """A class in a module that is still to come: only the main program uses it."""
        self.things.append(Thing(thing.module, thing.name, "late", thing.cost, thing.methods))

    # ------------------------------------------------------------------------- main

    def _main(self) -> None:
        body = Body(self.main)
        self.main.imports |= {"import sys"}
        self.base(self.main, "LOG", "Oops", "note")
        steps = []
        for number in range(self.chance.randint(2, 5)):
            step = Body(self.main)
            values = self.work(step, ["x"])
            step.add(f"return {self.result(values, ['x'])}")
            self.main.parts.append(f"def step{number}(x):\n{step.text()}")
            steps.append(f"step{number}")
        for n, step_name in enumerate(steps):
            body.add("try:", f"    print({step_name}({n}))")
            body.add("except Oops as oops:", f"    print('{step_name}', oops.args)")
        body.add("for line in LOG:", "    print(*line)", "return len(LOG) % 5")
        start = self.chance.choice(
            ["sys.exit(main())", "sys.exit(main())", "raise SystemExit(main())"]
        )
        self.main.parts.append(f"def main():\n{body.text()}")
        self.main.parts.append(f'if __name__ == "__main__":\n    {start}')


def is_loose(seed: int) -> bool:
    """Whether functions are also replaced at run time, and reached by computed names: that works
    as long as the program is migrated in part."""
    return seed % 5 == 0


def program(seed: int) -> dict[str, str]:
    """Path -> text of the files of one program."""
    return Maker(seed).files()
