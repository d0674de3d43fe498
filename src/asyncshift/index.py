"""Modules and classes of the project: which file an import means, and what a class inherits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from asyncshift.facts import ClassFacts, FileFacts
from asyncshift.model import Message, Severity

_NAMED_TUPLE = "typing.NamedTuple"

_PLAIN_METACLASSES = frozenset({"", "type", "abc.ABCMeta", "enum.EnumMeta", "enum.EnumType"})

Base = int | str
"""A class of the project by its number, any other by its dotted name."""


@dataclass(frozen=True, slots=True)
class Module:
    """What a dotted name means in an import: files of the project, or a namespace package."""

    name: str
    units: tuple[int, ...]


class ModuleIndex:
    """Dotted names to files.  Several files may share a name: the nearest to the importer wins.

    Generated modules (bridges, and what codemods bring along) are known by name: they have no
    facts."""

    def __init__(self, files: Sequence[FileFacts], bridges: Collection[str] = ()) -> None:
        self.files = files
        self.bridges = frozenset(bridges)
        self.messages: list[Message] = []
        self._units: dict[str, list[int]] = {}
        self._namespaces: set[str] = set()
        self._found: dict[tuple[int, str], Module | None] = {}
        self._told: set[tuple[int, str]] = set()
        for number, file in enumerate(files):
            self._units.setdefault(file.module, []).append(number)
        for name in (*self._units, *self.bridges):
            parts = name.split(".")
            for end in range(1, len(parts)):
                self._namespaces.add(".".join(parts[:end]))

    def resolve(self, importer: int, name: str) -> Module | None:
        """The module that an imported name means in a file; None outside the project."""
        module = self.mentioned(importer, name)
        if module is not None and len(module.units) > 1 and (importer, name) not in self._told:
            self._told.add((importer, name))
            self._tell(importer, module)
        return module

    def mentioned(self, importer: int, name: str) -> Module | None:
        """The same for a name in a string, which imports nothing and may well be ambiguous."""
        key = (importer, name)
        if key not in self._found:
            self._found[key] = self._resolve(importer, name)
        return self._found[key]

    def is_bridge(self, importer: int, name: str) -> bool:
        """Whether `name` means a generated module in a file."""
        return any(candidate in self.bridges for candidate in self._candidates(importer, name))

    def child(self, module: Module, name: str) -> Module | None:
        """A submodule."""
        importer = module.units[0] if module.units else 0
        dotted = f"{module.name}.{name}"
        if dotted in self._units or dotted in self._namespaces:
            return self.resolve(importer, dotted)
        return None

    def _resolve(self, importer: int, name: str) -> Module | None:
        if not name:
            return None
        for candidate in self._candidates(importer, name):
            if candidate in self._units:
                return Module(candidate, self._nearest(importer, candidate))
            if candidate in self._namespaces:
                return Module(candidate, ())
        return None

    def _candidates(self, importer: int, name: str) -> Iterator[str]:
        yield name
        # A script finds its neighbours through sys.path[0], unless its folder is a package.
        package = self.files[importer].module.rpartition(".")[0]
        if package and package not in self._units:
            yield f"{package}.{name}"

    def _nearest(self, importer: int, name: str) -> tuple[int, ...]:
        units = self._units[name]
        if len(units) == 1:
            return tuple(units)
        here = self.files[importer].path.split("/")[:-1]
        ranks = [_shared(here, self.files[unit].path.split("/")[:-1]) for unit in units]
        best = max(ranks)
        return tuple(u for u, rank in zip(units, ranks, strict=True) if rank == best)

    def _tell(self, importer: int, module: Module) -> None:
        paths = ", ".join(self.files[unit].path for unit in module.units[:4])
        paths += f" and {len(module.units) - 4} more" if len(module.units) > 4 else ""
        self.messages.append(
            Message(
                self.files[importer].path,
                1,
                "ambiguous-module",
                f"`{module.name}` is imported here and can mean any of {paths}",
                Severity.WARNING,
            )
        )


def _shared(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count, -len(other)


@dataclass(slots=True)
class Class:
    """A class of the project with its place in the hierarchy."""

    number: int
    unit: int
    facts: ClassFacts
    base: int
    """What to add to the nodes of its facts."""
    bases: list[Base] = field(default_factory=list)
    base_sites: dict[str, int] = field(default_factory=dict)
    """Dotted name of an outside base -> the global site of its mention."""
    unseen: bool = False
    """A base is computed: nobody knows what it is."""
    mro: tuple[Base, ...] = ()
    descendants: tuple[int, ...] = ()
    virtual: tuple[int, ...] = ()
    """Protocols whose methods it has without naming them."""
    straight: bool = False
    """Neither it nor any class above it has two bases."""
    attrs: dict[str, int] = field(default_factory=dict)


class ClassIndex:
    """The hierarchy.  `settle` is called once, when the bases are known."""

    def __init__(self) -> None:
        self.classes: list[Class] = []
        self._defining: dict[str, list[int]] = {}
        self._metaclasses: dict[str, list[int]] = {}

    def settle(self) -> None:
        """Linearise every class and collect the descendants."""
        done: dict[int, tuple[Base, ...]] = {}
        for one in self.classes:
            if one.number not in done:
                self._linear(one.number, done)
            one.mro = done[one.number]
            for attr in one.attrs:
                self._defining.setdefault(attr, []).append(one.number)
        below: dict[int, list[int]] = {}
        for one in self.classes:
            for other in one.mro[1:]:
                if isinstance(other, int):
                    below.setdefault(other, []).append(one.number)
        self._protocols(below)
        for one in self.classes:
            if self.is_metaclass(one.number):
                self._metaclasses.setdefault(one.facts.name, []).append(one.number)
        for one in self.classes:
            one.descendants = tuple(dict.fromkeys(below.get(one.number, ())))

    def _linear(self, number: int, done: dict[int, tuple[Base, ...]]) -> None:
        """C3, or depth first where C3 fails.  A base that closes a cycle is left out."""
        active = {number: self._bases(number, ())}
        pending = [iter(active[number])]
        while active:
            number, bases = next(reversed(active.items()))
            for base in pending[-1]:
                if isinstance(base, int) and base not in done:
                    active[base] = self._bases(base, active)
                    pending.append(iter(active[base]))
                    break
            else:
                tails = [done[base] if isinstance(base, int) else (base,) for base in bases]
                done[number] = (number, *_merge([*tails, bases] if len(tails) > 1 else tails))
                self.classes[number].straight = len(bases) < 2 and all(
                    isinstance(base, str) or self.classes[base].straight for base in bases
                )
                del active[number]
                pending.pop()

    def _bases(self, number: int, active: Collection[int]) -> tuple[Base, ...]:
        bases = self.classes[number].bases
        return tuple([b for b in bases if b != number and b not in active])

    def _protocols(self, below: dict[int, list[int]]) -> None:
        """A class that has every method of a Protocol counts as its subclass, unless classes say
        by name that they implement it: then those are meant, and others only look alike."""
        protocols = {one.number for one in self.classes if _is_protocol(one)}
        for number in sorted(protocols):
            one = self.classes[number]
            if not protocols.issuperset(below.get(number, ())):
                continue
            wanted = [name for name in self._all(one) if not name.startswith("__")]
            if not wanted:
                continue
            wanted.sort(key=lambda name: len(self._defining[name]))
            rarest = self._defining[wanted[0]]
            candidates = {*rarest, *(other for base in rarest for other in below.get(base, ()))}
            for candidate in sorted(candidates):
                other = self.classes[candidate]
                if other is one or number in other.mro or not self._has(other, wanted):
                    continue
                below.setdefault(number, []).append(candidate)
                other.virtual = (*other.virtual, number)

    def _all(self, one: Class) -> set[str]:
        return {name for base in one.mro if isinstance(base, int) for name in self.attrs(base)}

    def _has(self, one: Class, names: Iterable[str]) -> bool:
        return all(self.definer(one.mro, name) is not None for name in names)

    def tuple_fields(self, number: int) -> list[str]:
        """The fields of a NamedTuple, in their order; none for another class."""
        mro = self.classes[number].mro
        if _NAMED_TUPLE not in mro:
            return []
        classes = [self.classes[base] for base in mro if isinstance(base, int)]
        named = next((one for one in reversed(classes) if _NAMED_TUPLE in one.bases), None)
        return [] if named is None else [name for name, _ in named.facts.fields]

    def attrs(self, number: int) -> dict[str, int]:
        """Name in the class body -> global node."""
        return self.classes[number].attrs

    def defining(self, attr: str) -> list[int]:
        """Every class that defines an attribute in its body."""
        return self._defining.get(attr, [])

    def metaclasses(self, number: int) -> list[int]:
        """The project's metaclasses of a class, found by the name that it gives."""
        names = {
            self.classes[base].facts.metaclass.rpartition(".")[2]
            for base in self.classes[number].mro
            if isinstance(base, int)
        }
        return [meta for name in sorted(names) for meta in self._metaclasses.get(name, ())]

    def made_by(self, meta: int) -> list[int]:
        """The classes that a metaclass makes."""
        return [one.number for one in self.classes if meta in self.metaclasses(one.number)]

    def is_metaclass(self, number: int) -> bool:
        """Whether the instances of a class are classes."""
        return "builtins.type" in self.classes[number].mro

    def has_metaclass(self, number: int) -> bool:
        """A metaclass that may have a `__call__` of its own makes the instances."""
        return any(
            isinstance(base, int) and self.classes[base].facts.metaclass not in _PLAIN_METACLASSES
            for base in self.classes[number].mro
        )

    def definer(self, mro: Iterable[Base], attr: str) -> int | None:
        """The first class in a resolution order that defines an attribute in its body."""
        for base in mro:
            if isinstance(base, int) and attr in self.classes[base].attrs:
                return base
        return None

    def definers(self, mro: Iterable[Base], attr: str) -> list[int]:
        """That class, and before it those that only declare the attribute by an annotation."""
        found = []
        for base in mro:
            if isinstance(base, int) and attr in self.classes[base].attrs:
                found.append(base)
                if attr not in self.classes[base].facts.declared:
                    break
        return found


def _is_protocol(one: Class) -> bool:
    return any(isinstance(base, str) and base.endswith("Protocol") for base in one.bases)


def _merge(sequences: Sequence[Sequence[Base]]) -> Sequence[Base]:
    """What comes next is the head of the first sequence whose head stands further back in none;
    where there is no such head, the first of all."""
    if len(sequences) < 2:
        return sequences[0] if sequences else ()
    behind = Counter(base for sequence in sequences for base in sequence)
    rests = [iter(sequence) for sequence in sequences]
    heads: dict[int, Base] = {}
    alike: dict[Base, list[int]] = {}
    ready: list[int] = []
    taken: dict[Base, None] = {}

    def advance(number: int) -> None:
        for base in rests[number]:
            if base not in taken:
                break
        else:
            heads.pop(number, None)
            return
        heads[number] = base
        alike.setdefault(base, []).append(number)
        behind[base] -= 1
        if not behind[base]:
            for other in alike[base]:
                heappush(ready, other)

    for number in range(len(sequences)):
        advance(number)
    while heads:
        if ready:
            number = heappop(ready)
            if number not in heads or behind[heads[number]]:
                continue
        else:
            number = min(heads)
        head = heads[number]
        taken[head] = None
        for other in alike.pop(head):
            advance(other)
    return list(taken)
