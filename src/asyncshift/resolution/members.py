"""Attributes: along the resolution order of classes, of modules, and of library instances."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from asyncshift.facts import (
    CALL,
    CLASSMETHOD,
    CONSTANT,
    KEYED,
    KIND,
    LOAD,
    PROPERTY,
    SETSUB,
    STATICMETHOD,
    UNKNOWN,
    Op,
)
from asyncshift.index import Base, Module
from asyncshift.model import Protocol
from asyncshift.resolution.answering import ANSWERING, NAMESPACES, delegated, kept
from asyncshift.resolution.flow import BIND, Core, Values
from asyncshift.resolution.summaries import GENERICS, PARSED, PLAIN_BASES
from asyncshift.resolution.values import (
    BOUND,
    BOX,
    BOXED,
    CLASS,
    DRIVE,
    EXT,
    FOREIGN,
    FUN,
    GEN,
    INST,
    LIB,
    MANAGER,
    MEMBER,
    MODULE,
    NAMESPACE,
    NO_ORIGIN,
    PROP,
    SELF,
    SUBCLASS,
    SUPER,
)

HARMLESS_BASES = frozenset(
    {"builtins.object", "abc.ABC", "typing.Protocol", "typing.Generic", "typing.NamedTuple",
     "typing.TypedDict", "typing_extensions.Protocol", "typing_extensions.TypedDict", "enum.Enum",
     "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag", "builtins.Exception",
     "builtins.BaseException", "builtins.type"}
)  # fmt: skip
_DEPTH = 6
_BOX_METHODS = frozenset(
    {"append", "add", "insert", "appendleft", "extend", "extendleft", "update", "setdefault", "put",
     "put_nowait", "push", "get", "pop", "popleft", "popitem", "get_nowait", "values", "items",
     "copy", "__getitem__", "__iter__", "__next__", "remove", "discard", "union", "difference",
     "intersection", "keys", "clear", "sort", "reverse", "index", "count", "result"}
)  # fmt: skip
_DRIVES = frozenset({"send", "throw", "close", "__next__", "__iter__"})


class Members(Core):
    """`load` answers `x.attr` for one value of `x`."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._sliced: dict[tuple[int, int], int] = {}
        """(node of a slice, elements of the list) -> elements of the slice."""
        self._loaded: dict[tuple[int, str], int | Values] = {}
        """(value, attribute) -> its node, or what it always is."""
        self.lookups: dict[tuple[str, int, str], int] = {}
        self.properties: dict[int, dict[int, None]] = {}
        """Lookup node -> getters (and `__getattr__`) that reading it runs."""
        self._instance: dict[tuple[int, str], int] = {}
        self._storing: dict[str, list[int]] = {}
        """Attribute -> classes on whose instances it is stored."""
        self._relatives: dict[int, frozenset[Base]] = {}
        self._definers: dict[tuple[str, int, str], list[int]] = {}
        self._watchers: dict[str, list[tuple[str, int, int]]] = {}
        self._undefined: list[tuple[str, int, str, int]] = []
        self.answered: set[int] = set()
        """Lookup nodes that only a `__getattr__` answers for."""
        self.kept: dict[tuple[int, str], int] = {}
        self._holders: dict[int, int] = {}
        self.computed: dict[int, list[int]] = {}
        """Node of a name -> what `getattr` reads the attribute of that name of."""
        self.stands_for: dict[int, set[int]] = {}
        """Class -> classes whose attributes its instances have as well: the user's hints."""
        self._module_names: dict[tuple[int, str], int] = {}
        self._awaited: dict[tuple[int, str], list[int]] = {}
        """(file, name that it does not have) -> nodes that read it."""
        self._parsed: dict[str, int] = {}
        self.read_defaults: set[str] = set()
        """Names that are read of the namespace of parsed arguments."""
        self.reached: dict[int, set[str]] = {}
        """File -> names of it that others import or reach through it."""

    # ------------------------------------------------------------------ reading

    def load(self, op: Op, value: int) -> None:
        """LOAD(dst, src, attr) for one value of src."""
        attr = op[3]
        found = self._loaded.get((value, attr))
        if found is None:
            found = self._read(self.values[value], attr)
            if found is None:
                self.unknown.add(op[1])
                for unit in self.values[value][1].units:
                    self.await_name(unit, attr, op[1])
                return
            self._loaded[value, attr] = found
        if isinstance(found, int):
            self.link(found, op[1])
        elif found:
            self.push(op[1], found)

    def _read(self, kind: tuple[Any, ...], attr: str) -> Any:
        """The node of an attribute, or its values; None for a name that a module does not have."""
        match kind[0]:
            case "self" | "inst" if attr == "__class__":
                return self.pool.of(SUBCLASS if kind[0] == SELF else CLASS, kind[1])
            case "class" | "subclass" if attr == "__new__" and not self._makes(kind[1]):
                return self.pool.of(EXT, "builtins.object.__new__")
            case "self" | "inst" | "class" | "subclass":
                return self.lookup(kind[0], kind[1], attr)
            case "super":
                return self.lookup(SUPER + kind[2], kind[1], attr)
            case "module":
                return self._module_attr(kind[1], attr)
            case "ext" if kind[1].count(".") < _DEPTH:
                return self.pool.of(EXT, f"{kind[1]}.{attr}")
            case "foreign":
                if kind[1] != PARSED:
                    return self.pool.of(EXT, f"{kind[1]}.{attr}")
                self.read_defaults.add(attr)
                return self.parsed(attr)
            case "lib":
                return self._library_member(kind, attr)
            case "member":
                instance = self.member_instance(kind)
                if instance is not None:
                    return self._read(self.values[next(iter(instance))], attr)
            case "box" if attr in _BOX_METHODS:
                return self.pool.of(BOXED, kind[1], kind[2], attr)
            case "gen" if attr in _DRIVES:
                return self.pool.of(DRIVE, kind[1], attr)
            case "namespace":
                return self.pool.of(EXT, f"builtins.dict.{attr}")
            case "fun" | "bound" if attr in ("__wrapped__", "__func__", "__call__"):
                return self.pool.of(*kind)
        return frozenset()

    def _library_member(self, kind: tuple[Any, ...], attr: str) -> int | Values:
        """An attribute of a library instance.  A class of the project's own has what its row does
        not name as any other class has it."""
        _, api, token = kind
        cls = self.own.defined.get(api)
        if cls is not None and not self.registry.is_named(f"{api}.{attr}"):
            treated = self.registry.treatment(f"{api}.{attr}", Protocol.CALL) is not None
            if not treated or not self.definers(SELF, cls, attr):
                return self.lookup(SELF, cls, attr)
        held = self.pool.of(MEMBER, api, attr, token)
        return kept(self, token, attr, held) if api in NAMESPACES else held

    def _makes(self, cls: int) -> bool:
        """Whether a class has a `__new__` of its own, or from outside."""
        mro = self.hierarchy.classes[cls].mro
        outside = any(isinstance(base, str) and base not in PLAIN_BASES for base in mro)
        return outside or self.hierarchy.definer(mro, "__new__") is not None

    def parsed(self, name: str) -> int:
        """What the namespace of parsed arguments holds by a name."""
        if name not in self._parsed:
            self._parsed[name] = self.node()
            self.unknown.add(self._parsed[name])
        return self._parsed[name]

    def attribute_values(self, member: tuple[Any, ...], op: Op) -> None:
        """A library attribute that is read on: what the tables say it holds."""
        instance = self.member_instance(member)
        if instance is not None:
            self.apply(op, next(iter(instance)))

    def member_instance(self, member: tuple[Any, ...]) -> Values | None:
        """The instance that a library attribute (not called) holds."""
        found = self.returned(f"{member[1]}.{member[2]}")
        return None if found is None else self.pool.of(LIB, found, member[3])

    def store(self, op: Op, value: int) -> None:
        """STORE(base, attr, src, site) for one value of base."""
        _, _, attr, source, _ = op
        kind = self.values[value]
        match kind[0]:
            case "self" | "inst" | "class" | "subclass":
                self.link(source, self.instance(kind[1], attr))
                for setter in self.setters(kind, attr):
                    if len(self.functions[setter].params) > 1:
                        self.link(source, self.functions[setter].params[1][1])
                for cls in self.definers(kind[0], kind[1], attr) if kind[0] in (INST, SELF) else ():
                    held = self.hierarchy.classes[cls].attrs[attr]
                    self.add((KIND, CONSTANT, held, ("stored", kind[1], source)), held)
            case "lib" if kind[1] in NAMESPACES:
                self.link(source, kept(self, kind[2], attr))
            case "module":
                for unit in kind[1].units:
                    self.link(source, self.module_name(unit, attr))

    def setters(self, kind: tuple[Any, ...], attr: str) -> list[int]:
        """Property setters that an assignment through an instance runs."""
        if kind[0] not in (INST, SELF):
            return []
        found = []
        for cls in self.definers(kind[0], kind[1], attr):
            one = self.hierarchy.classes[cls]
            for name, index in one.facts.setters:
                if name == attr:
                    found.append(self.unit_functions[one.unit] + index)
        return found

    def set_functions(self, kind: tuple[Any, ...], attr: str) -> list[int]:
        """All that an assignment through an instance runs: property setters, `__set__`."""
        found = self.setters(kind, attr)
        for cls in self.definers(kind[0], kind[1], attr) if kind[0] in (INST, SELF) else ():
            for held in self.sees(self.hierarchy.classes[cls].attrs[attr]):
                functions = self.sees(held[2]) if held[0] == PROP else ()
                if held[0] == INST and self.definers(INST, held[1], "__set__"):
                    functions = self.bound(INST, held[1], "__set__")
                found.extend(inner[1] for inner in functions if inner[0] in (FUN, BOUND))
        return found

    def stored_through(self, cls: int, source: int, value: int) -> None:
        """What a class body holds is assigned to through an instance: a property, a descriptor."""
        kind = self.values[value]
        given = (self.holder(cls), source)
        if kind[0] == PROP:
            self.add((CALL, CONSTANT, kind[2], given, (), -1), kind[2])
        elif kind[0] == INST and self.definers(INST, kind[1], "__set__"):
            setter = self.lookup(INST, kind[1], "__set__")
            self.add((CALL, CONSTANT, setter, given, (), -1), setter)

    def holder(self, cls: int) -> int:
        """A node that holds an instance of a class, as a descriptor is given it."""
        if cls not in self._holders:
            self._holders[cls] = self.node()
            self.push(self._holders[cls], self.pool.of(SELF, cls))
        return self._holders[cls]

    def stored(self) -> Iterator[tuple[tuple[int, str], int]]:
        """((class, attribute), node) of what is stored on instances."""
        yield from ((key, node) for key, node in self._instance.items() if key[0] >= 0)

    def is_stored(self, mode: str, cls: int, attr: str) -> bool:
        """Something stores the attribute on instances of a class."""
        return any(self._concerns(mode, cls, other) for other in self._storing.get(attr, ()))

    def stored_names(self) -> dict[int, set[str]]:
        """Class -> attributes that are stored on its instances."""
        found: dict[int, set[str]] = {}
        for cls, attr in self._instance:
            found.setdefault(cls, set()).add(attr)
        return found

    # ------------------------------------------------------------------ modules

    def module_name(self, unit: int, name: str) -> int:
        """The node of a name of a module; made when nobody defined it."""
        number = self.files[unit].names.get(name)
        if number is not None:
            return self.unit_nodes[unit] + number
        key = (unit, name)
        if key not in self._module_names:
            made = self._module_names[key] = self.node()
            for reader in self._awaited.pop(key, ()):
                self.link(made, reader)
        return self._module_names[key]

    def await_name(self, unit: int, name: str, target: int) -> None:
        """A node reads a name that nobody has defined in a file so far."""
        self.unknown.add(target)
        self._awaited.setdefault((unit, name), []).append(target)

    def _module_attr(self, module: Module, attr: str) -> int | Values | None:
        if f"{module.name}.{attr}" in self.modules.bridges:
            return self.pool.of(EXT, attr)
        # `from . import errors` binds what is a submodule as well.
        child = self.modules.child(module, attr)
        node = self.node()
        found = [unit for unit in module.units if self.exported(unit, attr, node)]
        if not found:
            self.drop(node)
            return None if child is None else self.pool.of(MODULE, child)
        if child is not None:
            self.push(node, self.pool.of(MODULE, child))
        return node

    def exported(self, unit: int, name: str, target: int) -> bool:
        """Link a name of a module, its star imports included, to a node.  Where several of these
        give it, the last one does, if it is reached: any of them can be meant."""
        found = False
        seen, pending = {unit}, [unit]
        while pending:
            unit = pending.pop()
            file = self.files[unit]
            if (named := self.own.names.get((unit, name))) is not None:
                self.push(target, self.pool.of(EXT, named))
                found = True
                continue
            if name in file.names or (unit, name) in self._module_names:
                self.reached.setdefault(unit, set()).add(name)
                self.link(self.module_name(unit, name), target)
                found = True
                continue
            for star in file.stars:
                module = self.modules.resolve(unit, star)
                if module is None:
                    api = self.canonical(f"{star}.{name}")
                    if api is not None and self.registry.is_api(api):
                        self.push(target, self.pool.of(EXT, f"{star}.{name}"))
                        found = True
                    continue
                for other in module.units:
                    if other not in seen and not self._hidden(other, name):
                        seen.add(other)
                        pending.append(other)
        return found

    def _hidden(self, unit: int, name: str) -> bool:
        exports = self.files[unit].exports
        return name.startswith("_") if exports is None else name not in exports

    # ------------------------------------------------------------------ classes

    def instance(self, cls: int, attr: str) -> int:
        """The node of an attribute that is stored on instances of a class."""
        key = (cls, attr)
        number = self._instance.get(key)
        if number is None:
            number = self._instance[key] = self.node()
            self._storing.setdefault(attr, []).append(cls)
            for mode, other, lookup in self._watchers.get(attr, ()):
                if self._concerns(mode, other, cls):
                    self.link(number, lookup)
        return number

    def _concerns(self, mode: str, cls: int, stored: int) -> bool:
        if mode in (SELF, SUBCLASS):
            return stored in self._related(cls)
        return stored in self.hierarchy.classes[cls].mro

    def _related(self, cls: int) -> frozenset[Base]:
        """Every class that an instance of the class or of a subclass can have in its order."""
        found = self._relatives.get(cls)
        if found is None:
            one = self.hierarchy.classes[cls]
            related: set[Base] = set(one.mro)
            for below in one.descendants:
                related.update(self.hierarchy.classes[below].mro)
            found = self._relatives[cls] = frozenset(related)
        return found

    def lookup(self, mode: str, cls: int, attr: str) -> int:
        """The node that holds `attr` of a class or its instances, bound as `mode` says."""
        key = (mode, cls, attr)
        number = self.lookups.get(key)
        if number is None:
            number = self.lookups[key] = self.node()
            self._fill(mode, cls, attr, number)
        return number

    def bound(self, mode: str, cls: int, attr: str) -> tuple[tuple[Any, ...], ...]:
        """The values of an attribute, also of one that nothing in the program reads."""
        number = self.lookup(mode, cls, attr)
        self.run()
        return self.sees(number)

    def definers(self, mode: str, cls: int, attr: str) -> list[int]:
        """Classes whose own definition of an attribute an access can reach."""
        defining = self.hierarchy.defining(attr)
        if not defining:
            return []
        key = (mode, cls, attr)
        found = self._definers.get(key)
        if found is None:
            found = self._definers[key] = self._find_definers(mode, cls, attr, defining)
        return found

    def _find_definers(
        self, mode: str, cls: int, attr: str, defining: Collection[int]
    ) -> list[int]:
        classes, one = self.hierarchy.classes, self.hierarchy.classes[cls]
        own = self.hierarchy.definer(one.mro, attr)
        if mode in (INST, CLASS):
            return self.hierarchy.definers(one.mro, attr)
        if not mode.startswith(SUPER):
            candidates = self._related(cls) & frozenset(defining)
            if not candidates or candidates == {own}:
                return [] if own is None else [own]
            if candidates.issubset((cls, *one.descendants)):
                return [d for d in dict.fromkeys((own, *one.descendants)) if d in candidates]
        found: dict[int, None] = {}
        after = self.hierarchy.definer(one.mro[1:], attr)
        for start in (cls, *one.descendants):
            mro = classes[start].mro
            if not mode.startswith(SUPER):
                found.update(dict.fromkeys(self.hierarchy.definers(mro, attr)))
                continue
            if cls in classes[start].virtual:
                continue
            if classes[start].straight:
                definer = after
            else:
                definer = self.hierarchy.definer(mro[mro.index(cls) + 1 :], attr)
            if definer is not None:
                found[definer] = None
        return list(found)

    def _fill(self, mode: str, cls: int, attr: str, number: int) -> None:
        one = self.hierarchy.classes[cls]
        found = self.definers(mode, cls, attr)
        for definer in found:
            if mode in (CLASS, SUBCLASS) and self._is_enum(definer):
                self.push(number, self.pool.of(INST, definer))
            bind = (BIND, number, mode, definer)
            self.add(bind, self.hierarchy.classes[definer].attrs[attr])
        self._watchers.setdefault(attr, []).append((mode, cls, number))
        if attr == "__dict__" and mode in (INST, SELF) and not found:
            self.push(number, self.pool.of(NAMESPACE, cls))
        stored = False
        for base in one.mro if self.own.callbacks else ():
            if (named := self.own.callbacks.get((base, attr))) is not None:
                self.push(number, self.pool.of(EXT, named))
        if not mode.startswith(SUPER):
            for other in self._storing.get(attr, ()):
                if self._concerns(mode, cls, other):
                    self.link(self._instance[other, attr], number)
                    stored = True
        order = one.mro[1:] if mode.startswith(SUPER) else one.mro
        if self.hierarchy.definer(order, attr) is not None:
            return
        if mode.startswith(SUPER) and attr == "__new__" and self.hierarchy.is_metaclass(cls):
            self.push(number, self.pool.of(EXT, "builtins.type.__new__"))
            return
        if mode in (CLASS, SUBCLASS):
            for meta in self.hierarchy.metaclasses(cls):
                self.link(self.lookup(SELF, meta, attr), number)
        if self._outside(mode, cls, attr, number):
            return
        if mode == SELF or not (found or stored):
            self._undefined.append((mode, cls, attr, number))

    def _is_enum(self, cls: int) -> bool:
        """Names in the body of an Enum are its instances."""
        mro = self.hierarchy.classes[cls].mro
        return any(isinstance(base, str) and base.startswith("enum.") for base in mro)

    def _outside(self, mode: str, cls: int, attr: str, number: int) -> bool:
        """The member of a mapped library class among the bases."""
        if attr == "__init__" and not mode.startswith(SUPER):
            return False
        known = True
        for base in self.hierarchy.classes[cls].mro:
            if not isinstance(base, str):
                continue
            api = self.canonical(base)
            if api is not None and self.registry.is_class(api):
                token = self.base_token(cls, base)
                if mode in (CLASS, SUBCLASS):
                    self.push(number, self.pool.of(EXT, f"{api}.{attr}"))
                else:
                    self.push(number, self.pool.of(MEMBER, api, attr, token))
                return True
            known = known and base in HARMLESS_BASES
        if not known:
            self.unknown.add(number)
        return False

    def base_token(self, cls: int, base: str) -> int:
        """The site that names an outside base class."""
        for one in self.hierarchy.classes[cls].mro:
            if isinstance(one, int):
                sites = self.hierarchy.classes[one].base_sites
                if base in sites:
                    return sites[base]
        return NO_ORIGIN

    def library_base(self, cls: int) -> tuple[str, int] | None:
        """(canonical name, origin) of the mapped library class that a class inherits from."""
        for base in self.hierarchy.classes[cls].mro:
            if isinstance(base, str):
                api = self.canonical(base)
                if api is not None and self.registry.is_class(api):
                    return api, self.base_token(cls, base)
        return None

    def dynamic(self) -> bool:
        """`__getattr__` answers for what nobody defined or stored; true if it did anywhere."""
        waiting, self._undefined = self._undefined, []
        found = False
        for mode, cls, attr, number in waiting:
            if number not in self.saturated and not self._answered(mode, cls, attr, number):
                found = True
                self._dynamic(mode, cls, attr, number)
        return found

    def _answered(self, mode: str, cls: int, attr: str, number: int) -> bool:
        """The attribute was found; what only subclasses have does not answer for the class."""
        if mode != SELF and self.held[number] is not None:
            return True
        return any((base, attr) in self._instance for base in self.hierarchy.classes[cls].mro)

    def _dynamic(self, mode: str, cls: int, attr: str, number: int) -> None:
        if attr.startswith("__") or mode in (CLASS, SUBCLASS):
            return
        for base in self.hierarchy.classes[cls].mro if self.stands_for else ():
            for other in sorted(self.stands_for.get(base, ())) if isinstance(base, int) else ():
                self.link(self.lookup(SELF, other, attr), number)
                self.unknown.add(number)
        for name in ANSWERING if mode in (INST, SELF) else ():
            for definer in self.definers(mode, cls, name):
                self.answered.add(number)
                delegated(self, definer, name, attr, number)
                bound = self.lookup(mode, cls, name)
                result = self.node()
                self.add((CALL, result, bound, (-1,), (), -1), bound)
                self.link(result, number)
                self.unknown.add(number)
                self._getter(number, self.hierarchy.classes[definer].attrs[name])

    def _getter(self, number: int, node: int) -> None:
        for kind in self.sees(node):
            if kind[0] == FUN:
                self.properties.setdefault(number, {})[kind[1]] = None

    def bind(self, op: Op, value: int) -> None:
        """BIND(dst, mode, class): what a class body holds, read through an instance or class."""
        _, target, mode, cls = op
        kind = self.values[value]
        instance = mode in (INST, SELF, SUPER + "self")
        match kind[0]:
            case "fun":
                function = self.functions[kind[1]]
                flags = function.facts.flags
                if function.cls < 0 and function.facts.kind == "function" and not instance:
                    self.push(target, self.pool.of(FUN, kind[1]))
                elif flags & PROPERTY and instance:
                    self.properties.setdefault(target, {})[kind[1]] = None
                    self.link(function.at(function.facts.returned), target)
                elif flags & STATICMETHOD or not (instance or flags & CLASSMETHOD):
                    self.push(target, self.pool.of(FUN, kind[1]))
                else:
                    if function.cls < 0 and function.params:  # a decorator's wrapper
                        self.push(function.params[0][1], self.pool.of(SELF, cls))
                    self.push(target, self.pool.of(BOUND, kind[1]))
            case "inst" if instance and self.definers(INST, kind[1], "__get__"):
                getter = self.lookup(INST, kind[1], "__get__")
                result = self.node()
                self.add((CALL, result, getter, (self.holder(cls), UNKNOWN), (), -1), getter)
                self.link(result, target)
                for definer in self.definers(INST, kind[1], "__get__"):
                    self._getter(target, self.hierarchy.classes[definer].attrs["__get__"])
            case "prop" if instance:
                self.add((CALL, target, kind[1], (self.holder(cls),), (), -1), kind[1])
                self.add((KIND, target, kind[1], "getter"), kind[1])
            case _:
                self.push(target, frozenset((value,)))

    # ------------------------------------------------------------------ containers

    def keyed(self, elements: int, key: object) -> int:
        """The node of a constant key of a container."""
        found = self._instance.get((-elements, repr(key)))
        if found is None:
            found = self._instance[-elements, repr(key)] = self.node()
            self.link(found, elements + 1)
        return found

    def subscript(self, op: Op, value: int) -> None:
        """SUB(dst, src, key, site) for one value of src."""
        _, target, _, key, _ = op
        kind = self.values[value]
        match kind[0]:
            case "box" if isinstance(key, tuple) and key[0] == "slice":
                self._slice(op, value)
            case "box":
                elements, how = kind[1], kind[2]
                if isinstance(key, tuple):
                    key = key[1] if how == "list" else None
                if key is None or (isinstance(key, int) and key < 0):
                    self.link(elements + 1, target)
                else:
                    self.link(self.keyed(elements, key), target)
                    self.link(elements, target)
            case "namespace" if isinstance(key, str):
                self.link(self.lookup(SELF, kind[1], key), target)
            case "inst" | "self" if fields := self.hierarchy.tuple_fields(kind[1]):
                index = key[1] if isinstance(key, tuple) and key[0] == "unpack" else key
                for name in fields[index : index + 1] if isinstance(index, int) else fields:
                    self.link(self.lookup(kind[0], kind[1], name), target)
            case "inst" | "self" if not isinstance(key, tuple):
                bound = self.lookup(kind[0], kind[1], "__getitem__")
                self.add((CALL, target, bound, (UNKNOWN,), (), -1), bound)
            case "class" | "subclass":
                self.push(target, frozenset((value,)))  # Generic[T]
            case "ext" if kind[1] in GENERICS:
                self.push(target, self.pool.of(EXT, GENERICS[kind[1]]))
            case "ext" if (api := self.canonical(kind[1])) and self.registry.is_class(api):
                self.push(target, frozenset((value,)))
            case "member":
                self.attribute_values(kind, op)

    def _slice(self, op: Op, value: int) -> None:
        """`xs[1:3]`: a list of its own; what is at which place is known where the bounds are."""
        _, target, _, (_, first, end), _ = op
        _, elements, how = self.values[value]
        if how != "list":
            self.push(target, frozenset((value,)))
            return
        made = self._sliced.get((op[1], elements))
        if made is None:
            made = self._sliced[op[1], elements] = self.node()
            self.link(made, self.node())
            if first is None or first < 0 or (end is not None and end < 0):
                self.link(elements + 1, made)
            else:
                for index in range(first, KEYED if end is None else min(end, KEYED)):
                    self.link(self.keyed(elements, index), self.keyed(made, index - first))
                self.link(elements, made)
        self.push(target, self.pool.of(BOX, made, how))

    def set_subscript(self, op: Op, value: int) -> None:
        """SETSUB(base, key, src, site) for one value of base."""
        _, _, key, source, _ = op
        kind = self.values[value]
        match kind[0]:
            case "box" if key is None or isinstance(key, tuple):
                self.link(source, kind[1])
            case "box":
                self.link(source, self.keyed(kind[1], key))
            case "namespace" if isinstance(key, str):
                self.link(source, self.instance(kind[1], key))
            case "inst" | "self":
                bound = self.lookup(kind[0], kind[1], "__setitem__")
                self.add((CALL, -1, bound, (UNKNOWN, source), (), -1), bound)


__all__ = ["BOX", "FOREIGN", "GEN", "LOAD", "MANAGER", "SETSUB", "Members"]
