"""Calls: arguments to parameters, results back, and what iteration and `with` give."""

from __future__ import annotations

from typing import Any

from asyncshift.facts import ASYNC as IS_ASYNC
from asyncshift.facts import (
    AWAITED,
    CALL,
    CONSTANT,
    GENERATOR,
    ITER,
    KIND,
    MANAGER,
    SETSUB,
    SUB,
    UNKNOWN,
    WITH,
    Op,
)
from asyncshift.model import Protocol
from asyncshift.resolution.flow import SPREAD, Fn
from asyncshift.resolution.futures import called_function, called_member
from asyncshift.resolution.members import Members
from asyncshift.resolution.suggestions import Suggestions
from asyncshift.resolution.summaries import (
    AWAITING,
    DEFAULTS,
    ELEMENTS,
    GIVEN,
    GIVEN_BACK,
    HOLDERS,
    IDENTITY,
    MAPPED,
    SHAPES,
    THREADED,
)
from asyncshift.resolution.values import (
    BOX,
    CLASS,
    EXT,
    FOREIGN,
    GEN,
    INST,
    LIB,
    MEMBER,
    NAMESPACE,
    PARTIAL,
    PROP,
    RESULT,
    SELF,
    SUBCLASS,
)
from asyncshift.resolution.values import (
    MANAGER as MANAGER_VALUE,
)

COMPUTED = "__computed__"
"""What `setattr` stores under names that are computed, and `getattr` finds under such names."""
_TYPING = ("typing.", "typing_extensions.", "collections.abc.")


def is_outside_class(dotted: str) -> bool:
    """The name looks like a class whose instances are worth following one step."""
    return dotted.rpartition(".")[2][:1].isupper() and not dotted.startswith(_TYPING)


class Calls(Members):
    """`call`, `iterate`, `enter` answer for one value."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.partials: list[
            tuple[int, tuple[int, ...], tuple[tuple[str | None, int], ...], int]
        ] = []
        self._partial_of: dict[tuple[int, int], int] = {}
        self.boxes: dict[object, int] = {}
        self.suggestions = Suggestions(self)
        self.foreign: dict[int, set[str]] = {}
        """Node -> outside names whose results are there, nothing else being known of them."""

    # ------------------------------------------------------------------ calls

    def call(self, op: Op, value: int) -> None:
        """CALL(dst, fn, args, keywords, site) for one value of fn."""
        _, target, _, args, keywords, site = op
        kind = self.values[value]
        match kind[0]:
            case "fun":
                self.invoke(self.functions[kind[1]], args, keywords, target, 0)
            case "bound":
                self.invoke(self.functions[kind[1]], args, keywords, target, 1)
            case "class" | "subclass":
                self._construct(kind, op)
            case "inst" | "self":
                bound = self.lookup(kind[0], kind[1], "__call__")
                self.add((CALL, target, bound, args, keywords, site), bound)
            case "partial":
                self._call_partial(kind[1], op)
            case "ext":
                self._external(kind[1], op)
            case "member":
                called_member(self, kind, op)
                if (cls := self.own.defined.get(kind[1])) is not None:
                    self._run(self.lookup(SELF, cls, kind[2]), op)
            case "boxed":
                self._container(kind, op)
            case "drive" if kind[2] in ("__next__", "send"):
                self.link(self.yielded(kind[1]), target)

    def yielded(self, function: int) -> int:
        """The node of what a generator yields."""
        fn = self.functions[function]
        return fn.at(fn.facts.yielded)

    def invoke(
        self,
        fn: Fn,
        args: tuple[int, ...],
        keywords: tuple[tuple[str | None, int], ...],
        target: int,
        skip: int,
    ) -> None:
        """Bind arguments, and give the result; `skip` parameters are bound already."""
        params = fn.params[skip:]
        rest = fn.at(fn.facts.vararg)
        for index, argument in enumerate(args):
            if argument < CONSTANT:
                for _, parameter in params[index:]:
                    self.link(~argument, parameter)
                if rest > 0:
                    self.add((SETSUB, rest, None, ~argument, -1), rest)
            elif index < len(params):
                self.link(argument, params[index][1])
            elif rest > 0 and argument > 0:
                self.add((SETSUB, rest, None, argument, -1), rest)
        for name, argument in keywords:
            if argument <= 0:
                continue
            if name is None:
                self.add((SPREAD, -1, fn.number, skip), argument)
            else:
                self.keyword(fn, name, argument, skip)
        flags = fn.facts.flags
        if flags & GENERATOR:
            kind = MANAGER_VALUE if flags & MANAGER else GEN
            self.push(target, self.pool.of(kind, fn.number))
        else:
            self.link(fn.at(fn.facts.returned), target)

    def keyword(self, fn: Fn, name: str, argument: int, skip: int) -> None:
        """One keyword argument to the parameter of its name, or into `**kwargs`."""
        for other, parameter in (*fn.params[skip:], *fn.kwonly):
            if other == name:
                self.link(argument, parameter)
                return
        holder = fn.at(fn.facts.kwarg)
        if holder > 0:
            self.add((SETSUB, holder, name, argument, -1), holder)

    def spread(self, op: Op, value: int) -> None:
        """SPREAD(-1, function, skip): a dict that is handed on with `**`."""
        _, _, number, skip = op
        kind = self.values[value]
        if kind[0] != BOX:
            return
        fn = self.functions[number]
        for name, parameter in (*fn.params[skip:], *fn.kwonly):
            self.link(self.keyed(kind[1], name), parameter)
            self.link(kind[1], parameter)
        holder = fn.at(fn.facts.kwarg)
        if holder > 0:
            self.add((KIND, holder, holder, ("spread", kind[1])), holder)

    def _construct(self, kind: tuple[Any, ...], op: Op) -> None:
        _, target, _, args, keywords, _ = op
        how = INST if kind[0] == "class" else SELF
        cls = kind[1]
        self.push(target, self.pool.of(how, cls))
        made = self.lookup(how, cls, "__init__")
        self.add((CALL, CONSTANT, made, args, keywords, -1), made)
        if self.hierarchy.definer(self.hierarchy.classes[cls].mro, "__new__") is not None:
            made = self.lookup(SUBCLASS if how == SELF else "class", cls, "__new__")
            self.add((CALL, target, made, (CONSTANT, *args), keywords, -1), made)
        if self.hierarchy.definer(self.hierarchy.classes[cls].mro, "__init__") is None:
            self._fields(cls, args, keywords)

    def _fields(
        self, cls: int, args: tuple[int, ...], keywords: tuple[tuple[str | None, int], ...]
    ) -> None:
        """A dataclass or a named tuple: arguments become attributes."""
        names: list[str] = []
        for base in reversed(self.hierarchy.classes[cls].mro):
            if isinstance(base, int):
                for name, _ in self.hierarchy.classes[base].facts.fields:
                    if name not in names:
                        names.append(name)
        for name, argument in zip(names, args, strict=False):
            if argument > 0:
                self.link(argument, self.instance(cls, name))
        for keyword, argument in keywords:
            if argument > 0 and keyword in names:
                self.link(argument, self.instance(cls, keyword))

    def passed_on(self, function: int) -> tuple[tuple[Any, ...], ...]:
        """What a decorator's wrapper stands for where the decorator asks for the kind of what it
        decorates: a call of the wrapper is one of that, sync or async."""
        fn = self.functions[function]
        node = self.files[fn.unit].passing.get(fn.index, 0)
        return self.sees(fn.at(node)) if fn.number != fn.origin and node > 0 else ()

    # ------------------------------------------------------------------ outside names

    def held_by(self, member: tuple[Any, ...], protocol: Protocol) -> str:
        """What a library attribute is where it is met by a protocol: an instance of the class that
        a table says it holds, if that has such a protocol."""
        api = self.registry.canonical(f"{member[1]}.{member[2]}")
        held = self.returned(api)
        treated = held is not None and self.registry.treatment(held, protocol) is not None
        return held if treated and held is not None else api

    def table_name(self, function: int, protocol: str) -> str:
        """The name by which a table treats a method of the project's; empty without a row."""
        name = self.own.members.get(self.functions[function].origin) if self.own.members else None
        if name is None:
            return ""
        api = name if protocol in ("call", "value") else name.rpartition(".")[0]
        return api if self.registry.treatment(api, Protocol(protocol)) is not None else ""

    def library(self, api: str, token: int, target: int) -> None:
        """The result of a library call: an instance where the tables know its class."""
        api = self.registry.canonical(api)
        found = self.returned(api)
        if found is not None:
            self.push(target, self.pool.of(LIB, found, token))
        else:
            self.push(target, self.pool.of(RESULT, api, token))

    def _run(self, body: int, op: Op) -> None:
        """What a table awaits and the project defines: arguments go in, the result comes out."""
        _, target, _, args, keywords, _ = op
        self.add((CALL, target, body, args, keywords, -1), body)

    def _external(self, dotted: str, op: Op) -> None:
        _, target, _, args, _, site = op
        if dotted in ("threading.Thread", "_threads.TaskThread"):
            self._thread(op)
        api = None if dotted in AWAITING else self.canonical(dotted)
        if api is not None:
            if self.registry.is_class(api):
                self.push(target, self.pool.of(LIB, self.returned(api) or api, site))
                if (cls := self.own.defined.get(api)) is not None:
                    self._construct((CLASS, cls), (CALL, CONSTANT, *op[2:]))
            else:
                called_function(self, api, op)
                if (number := self.own.bodies.get(api)) is not None:
                    self.invoke(self.functions[number], args, op[4], target, 0)
            return
        name = dotted.removeprefix("builtins.")
        if name in ELEMENTS:
            self.elements(name, op)
        elif name in ("iter", "aiter"):
            self.add((KIND, target, args[0] if args else -1, name), args[0] if args else -1)
        elif name in IDENTITY:
            for argument in args[:1]:
                self.link(argument, target)
        elif name in HOLDERS:
            elements = self.new_box((op[1], op[2], name), target, "holder")
            for argument in args[:1]:
                self.link(argument, elements)
        elif name in ("next", "anext"):
            for argument in args[:1]:
                self.add((ITER, target, argument, -1, ""), argument)
            for argument in args[1:]:
                self.link(argument, target)
        elif name == "property" and args:
            self.push(target, self.pool.of(PROP, args[0], args[1] if len(args) > 1 else CONSTANT))
        elif name == "getattr" and len(args) > 1:
            self.computed.setdefault(args[1], []).append(args[0])
            self.add((KIND, target, args[0], "computed"), args[0])
            self.unknown.add(target)
        elif name == "vars" and args:
            self.suggestions.open_nodes.append(args[0])
            self.add((KIND, target, args[0], "vars"), args[0])
            self.unknown.add(target)
        elif name == "__dict__":
            pass  # the attribute tells what is there
        elif name == "type" and len(args) == 1:
            self.add((KIND, target, args[0], "type"), args[0])
        elif name in ("object.__new__", "type.__new__") and args:
            self.add((KIND, target, args[0], f"{name[:-8]} new"), args[0])
        elif name == "asyncio.gather":
            self._gathered(op)
        elif name in ("functools.partial", "staticmethod") and args:
            self._make_partial(op)
        elif name == "functools.partialmethod" and args:
            self._make_partial((*op[:3], (args[0], UNKNOWN, *args[1:]), *op[4:]))
        elif name in ("map", "filter") and len(args) > 1:
            self._mapped(name, op)
        elif name in THREADED and args:
            self.threaded(THREADED[name], op)
        elif dotted.rpartition(".")[2] in ("enter_context", "enter_async_context") and args:
            self.add((WITH, target, args[0], -1), args[0])
        elif name in GIVEN_BACK:
            for keyword, given in op[4]:
                if keyword == GIVEN_BACK[name]:
                    self.link(given, target)
        elif name == DEFAULTS:
            for keyword, given in op[4]:
                if keyword is not None:
                    self.link(given, self.parsed(keyword))
        elif is_outside_class(dotted) or name in GIVEN:
            self.push(target, self.pool.of(FOREIGN, GIVEN.get(name, dotted)))
        else:
            if name == "setattr" and args:
                self.suggestions.open_nodes.append(args[0])
                if len(args) > 2:
                    self.add((KIND, args[2], args[0], "computed store"), args[0])
            self.unknown.add(target)
            self.foreign.setdefault(target, set()).add(dotted)

    def new_box(self, key: object, target: int, kind: str = "list") -> int:
        """The elements of a container that an operation makes; one per operation."""
        elements = self.boxes.get(key)
        if elements is None:
            elements = self.boxes[key] = self.node()
            self.link(elements, self.node())
        self.push(target, self.pool.of(BOX, elements, kind))
        return elements

    def elements(self, name: str, op: Op) -> None:
        """Builtins that give the elements of their arguments, in a container or bare."""
        _, target, _, args, keywords, _ = op
        shape = ELEMENTS[name]
        if name in MAPPED and (key := dict(keywords).get(MAPPED[name], -1)) > 0:
            item = self.node()
            for argument in args:
                if len(args) > 1 and shape == "bare":
                    self.link(argument, item)
                else:
                    self.into(item, argument)
            self.add((CALL, CONSTANT, key, (item,), (), -1), key)
        if shape == "bare":
            for argument in args:
                node = argument if len(args) > 1 else None
                if node is not None:
                    self.link(node, target)
                else:
                    self.add((ITER, target, argument, -1, ""), argument)
            return
        elements = self.new_box((op[1], op[2], name), target, SHAPES.get(name, "list"))
        if shape == "tuples":
            inner_target = self.node()
            inner = self.new_box((op[1], op[2], name, "inner"), inner_target)
            self.link(inner_target, elements)
            first = 1 if name == "enumerate" else 0
            for index, argument in enumerate(args):
                self.into(self.keyed(inner, index + first), argument)
            return
        if SHAPES.get(name) == "dict":
            if name == "collections.defaultdict" and args:
                self.add((CALL, elements, args[0], (), (), -1), args[0])
                args = args[1:]
            for argument in args:
                self.add((KIND, elements, argument, "values"), argument)
            for keyword, node in keywords:
                if keyword is not None:
                    self.link(node, self.keyed(elements, keyword))
            return
        for argument in args[-1:] if name == "filter" else args:
            self.into(elements, argument)

    def _gathered(self, op: Op) -> None:
        """`asyncio.gather(a(), b())`: a list of what they give, in their order."""
        _, target, _, args, _, _ = op
        elements = self.new_box((op[1], op[2], "gather"), target)
        for index, argument in enumerate(args):
            if argument < CONSTANT:
                self.link(~argument, elements)
                break
            self.link(argument, self.keyed(elements, index))
        else:
            return
        for argument in args[index + 1 :]:
            self.link(~argument if argument < CONSTANT else argument, elements)

    def into(self, elements: int, argument: int) -> None:
        if argument > 0:
            self.add((ITER, elements, argument, -1, ""), argument)
        elif argument < CONSTANT:
            self.link(~argument, elements)

    def _mapped(self, name: str, op: Op, kind: str = "list") -> None:
        _, target, _, args, _, site = op
        elements = self.new_box((op[1], op[2], name), target, kind)
        given = []
        for argument in args[1:]:
            item = self.node()
            self.into(item, argument)
            given.append(item)
        if name == "filter":
            self.link(given[0], elements)
            self.add((CALL, CONSTANT, args[0], tuple(given), (), site), args[0])
        else:
            self.add((CALL, elements, args[0], tuple(given), (), site), args[0])

    def threaded(self, shape: str, op: Op, kind: str = "list") -> None:
        """Executors call what they are given; the result comes back through a future, a list."""
        _, target, _, args, keywords, site = op
        if shape == "map":
            self._mapped("map", op, kind)
        elif shape == "future":
            elements = self.new_box((op[1], op[2], "future"), target, "future")
            self.add((CALL, elements, args[0], args[1:], keywords, site), args[0])
        else:
            self.add((CALL, target, args[0], args[1:], keywords, site), args[0])

    def _thread(self, op: Op) -> None:
        given = dict(op[4])
        body, handed = given.get("target", -1), given.get("args", -1)
        if body > 0:
            item = self.node()
            self.into(item, handed)
            self.add((CALL, CONSTANT, body, (~item,), (), -1), body)

    # ------------------------------------------------------------------ partial

    def _make_partial(self, op: Op) -> None:
        _, target, _, args, keywords, site = op
        key = (args[0], target)
        number = self._partial_of.get(key)
        if number is None:
            number = self._partial_of[key] = len(self.partials)
            self.partials.append((args[0], args[1:], keywords, site))
        self.push(target, self.pool.of(PARTIAL, number))

    def _call_partial(self, number: int, op: Op) -> None:
        _, target, node, args, keywords, site = op
        inner, first, named, _ = self.partials[number]
        if inner == node or inner <= 0 or len(first) + len(args) > 32:
            return  # a partial of itself
        given = {name for name, _ in keywords if name is not None}
        merged = (*[pair for pair in named if pair[0] not in given], *keywords)
        self.add((CALL, target, inner, (*first, *args), merged, site), inner)

    # ------------------------------------------------------------------ containers

    def _container(self, kind: tuple[Any, ...], op: Op) -> None:
        _, elements, how, method = kind
        _, target, _, args, keywords, _ = op
        match method:
            case "append" | "add" | "appendleft" | "put" | "put_nowait" | "push":
                for argument in args[:1]:
                    self.link(argument, elements)
            case "insert":
                for argument in args[1:]:
                    self.link(argument, elements)
            case "setdefault":
                for argument in args[1:]:
                    self.link(argument, elements)
                self.link(elements + 1, target)
            case "extend" | "extendleft" | "update":
                for argument in args:
                    if how == "dict":
                        if argument > 0:
                            self.add((KIND, elements, argument, "values"), argument)
                    else:
                        self.into(elements, argument)
                for name, argument in keywords:
                    if name is not None:
                        self.link(argument, self.keyed(elements, name))
            case "get" | "pop" | "popleft" | "get_nowait" | "__getitem__" | "__next__":
                self.link(elements + 1, target)
                for argument in args[1:]:
                    self.link(argument, target)
            case "values":
                self.link(elements + 1, self.new_box((op[1], op[2], "values"), target))
            case "items" | "popitem":
                outer = self.new_box((op[1], op[2], "items"), target)
                pair = self.node()
                inner = self.new_box((op[1], op[2], "items", "pair"), pair)
                self.link(elements + 1, self.keyed(inner, 1))
                self.link(pair, outer)
            case "result":
                self.link(elements + 1, target)
            case "copy" | "__iter__" | "union" | "difference" | "intersection":
                self.push(target, self.pool.of(BOX, elements, how))

    # ------------------------------------------------------------------ iteration and with

    def iterate(self, op: Op, value: int) -> None:
        """ITER(dst, src, site, consumer) for one value of src."""
        target = op[1]
        kind = self.values[value]
        match kind[0]:
            case "gen":
                self.link(self.yielded(kind[1]), target)
            case "box":
                if kind[2] != "dict":
                    self.link(kind[1] + 1, target)
            case "inst" | "self":
                self._iterate_instance(kind, target, op[3])
            case "member":
                self.attribute_values(kind, op)
            case "lib":
                found = self.returned(f"{kind[1]}.__iter__")
                if found is not None:
                    self.push(target, self.pool.of(LIB, found, kind[2]))
            case "class" if target > 0:
                self.push(target, self.pool.of(INST, kind[1]))  # an Enum

    def _iterate_instance(self, kind: tuple[Any, ...], target: int, site: int) -> None:
        if target <= 0:
            target = self.node()
        for name in self.hierarchy.tuple_fields(kind[1]):
            self.link(self.lookup(kind[0], kind[1], name), target)
        iterator = self.node()
        first = self.dunders(kind, ("__iter__",), ("__aiter__",), self.is_awaited(site))[0]
        made = self.lookup(kind[0], kind[1], first)
        self.add((CALL, iterator, made, (), (), -1), made)
        self.add((KIND, target, iterator, "next"), iterator)

    def dunders(
        self,
        kind: tuple[Any, ...],
        sync: tuple[str, ...],
        other: tuple[str, ...],
        is_async: bool,
    ) -> tuple[str, ...]:
        """Which of two protocols of an object is meant: its async one under `await`, `async for`
        and `async with`.  Where the object has only one, that one is."""
        wanted, rest = (other, sync) if is_async else (sync, other)
        if any(self.definers(kind[0], kind[1], name) for name in wanted):
            return wanted
        return rest if any(self.definers(kind[0], kind[1], name) for name in rest) else wanted

    def is_awaited(self, site: int) -> bool:
        """The place is under `await`, `async for` or `async with`."""
        return site >= 0 and bool(self.sites[site][4] & AWAITED)

    def enter(self, op: Op, value: int) -> None:
        """WITH(dst, src, site) for one value of src."""
        target = op[1]
        kind = self.values[value]
        match kind[0]:
            case "manager":
                self.link(self.yielded(kind[1]), target)
            case "inst" | "self":
                is_async = self.is_awaited(op[3])
                (name,) = self.dunders(kind, ("__enter__",), ("__aenter__",), is_async)
                if self.definers(kind[0], kind[1], name):
                    made = self.lookup(kind[0], kind[1], name)
                    self.add((CALL, target, made, (), (), -1), made)
                elif self.library_base(kind[1]) is not None:
                    self.push(target, frozenset((value,)))
            case "lib":
                found = self.returned(f"{kind[1]}.__enter__")
                self.push(target, self.pool.of(LIB, found or kind[1], kind[2]))
            case "member":
                self.attribute_values(kind, op)
            case "foreign":
                self.push(target, frozenset((value,)))
            case "box" if kind[2] == "holder":
                self.link(kind[1], target)
            case "result":
                self.push(target, frozenset((value,)))

    # ------------------------------------------------------------------ special kinds

    def special(self, op: Op, value: int) -> None:
        """KIND(dst, src, how) for one value of src."""
        _, target, _, how = op
        kind = self.values[value]
        match how, kind[0]:
            case "box", "box":
                self.push(target, frozenset((value,)))
            case "seed", _:
                self.push(target, frozenset((value,)))
            case "values", "box" if kind[2] == "dict":
                self.link(kind[1] + 1, target)
            case "values", "box":  # pairs of key and value
                self.add((SUB, target, kind[1] + 1, ("unpack", 1), -1), kind[1] + 1)
            case "fill", "box":
                self.link(target, kind[1])
            case "computed", ("inst" | "self"):
                self.link(self.lookup(kind[0], kind[1], COMPUTED), target)
            case "computed store", ("inst" | "self"):
                self.link(target, self.instance(kind[1], COMPUTED))
            case ("stored", cls, source), _:
                self.stored_through(cls, source, value)
            case "getter", ("fun" | "bound"):
                self.properties.setdefault(target, {})[kind[1]] = None
            case "returned", "gen":
                fn = self.functions[kind[1]]
                self.link(fn.at(fn.facts.returned), target)
            case "computed", "lib" if (name := self.registry.computed.get(kind[1])) is not None:
                self.push(target, self.pool.of(MEMBER, kind[1], name.rpartition(".")[2], kind[2]))
            case "computed", "ext" if (
                name := self.registry.computed.get(self.canonical(kind[1]) or "")
            ) is not None:
                self.push(target, self.pool.of(EXT, name))
            case "vars", ("inst" | "self"):
                self.push(target, self.pool.of(NAMESPACE, kind[1]))
            case "type", ("inst" | "self"):
                self.push(target, self.pool.of("class" if kind[0] == INST else SUBCLASS, kind[1]))
            case "object new", ("class" | "subclass"):
                self.push(target, self.pool.of(INST if kind[0] == "class" else SELF, kind[1]))
            case "type new", ("class" | "subclass"):
                for made in self.hierarchy.made_by(kind[1]):
                    self.push(target, self.pool.of(CLASS, made))
            case "class", ("inst" | "self"):
                self.push(target, self.pool.of(SUBCLASS, kind[1]))
            case "class", "lib":
                self.push(target, self.pool.of(EXT, kind[1]))
            case (("iter" | "aiter"), ("inst" | "self")):
                is_async = how == "aiter"
                (name,) = self.dunders(kind, ("__iter__",), ("__aiter__",), is_async)
                made = self.lookup(kind[0], kind[1], name)
                self.add((CALL, target, made, (), (), -1), made)
            case (("iter" | "aiter"), _):
                self.push(target, frozenset((value,)))
            case "next", ("inst" | "self"):
                (name,) = self.dunders(kind, ("__next__",), ("__anext__",), False)
                made = self.lookup(kind[0], kind[1], name)
                self.add((CALL, target, made, (), (), -1), made)
            case "next", ("gen" | "box"):
                self.iterate((ITER, target, -1, -1, ""), value)
            case ("spread", elements), "box":
                self.link(elements, kind[1])
                self.link(elements + 1, kind[1])

    def seed(self, op: Op, value: int) -> None:
        """SEED(dst, class, site): an annotation, `isinstance`, an except clause."""
        _, target, _, site = op
        kind = self.values[value]
        match kind[0]:
            case "class" | "subclass":
                if not self.suggestions.holds_back(target, kind[1]):
                    self.push(target, self.pool.of(SELF, kind[1]))
            case "ext":
                api = self.canonical(kind[1])
                if api is not None:
                    if self.registry.is_class(api):
                        self.push(target, self.pool.of(LIB, api, site))
                elif is_outside_class(kind[1]):
                    self.push(target, self.pool.of(FOREIGN, kind[1]))


__all__ = ["FOREIGN", "IS_ASYNC", "MEMBER", "SELF", "UNKNOWN", "Calls"]
