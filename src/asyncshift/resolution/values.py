"""Values that flow through the graph, interned as integers; origins of library instances.

(FUN, function) (BOUND, function) (GEN, function) (MANAGER, function)
(CLASS, class) (SUBCLASS, class): exactly this class, or it or a subclass
(INST, class) (SELF, class): an instance of exactly this class, of it or a subclass
(SUPER, class, how) (BOX, elements, kind) (BOXED, elements, kind, method)
(MODULE, module) (EXT, dotted): a name outside the project
(FOREIGN, dotted): an instance of an outside class
(LIB, class, token) (MEMBER, class, attr, token): instance of a mapped library class, its member
(RESULT, api, token): what a library call gave, if the tables do not know its class
(PARTIAL, number) (DRIVE, function, method): `send` and the like of a generator
(PROP, getter, setter): `property(f, g)`, by nodes
(NAMESPACE, class): the `__dict__` of an instance
"""

from __future__ import annotations

FUN, BOUND, GEN, MANAGER, CLASS, SUBCLASS, INST, SELF, SUPER, BOX, BOXED, MODULE, EXT, FOREIGN = (
    "fun", "bound", "gen", "manager", "class", "subclass", "inst", "self", "super", "box", "boxed",
    "module", "ext", "foreign",
)  # fmt: skip
BRIDGE = "_run_sync"
"""What every generated bridge module is called, wherever it lies: `_run_sync.run_sync`."""
LIB, MEMBER, RESULT, PARTIAL, DRIVE = "lib", "member", "result", "partial", "drive"
PROP, NAMESPACE = "prop", "namespace"

Value = tuple[object, ...]
NO_ORIGIN = -1


class Pool:
    """Interns values and sets of them: four of five nodes that hold anything hold one value."""

    def __init__(self) -> None:
        self.values: list[tuple] = []  # type: ignore[type-arg]
        self._ids: dict[Value, int] = {}
        self._sets: dict[frozenset[int], frozenset[int]] = {}
        self._single: list[frozenset[int]] = []
        self.plain: set[int] = set()
        """Values without an origin: what a table knows nothing of."""

    def of(self, *value: object) -> frozenset[int]:
        """The set of just this value."""
        number = self._ids.get(value)
        if number is None:
            number = self._ids[value] = len(self.values)
            self.values.append(value)
            self._single.append(frozenset((number,)))
            if value[0] not in (LIB, MEMBER, RESULT):
                self.plain.add(number)
        return self._single[number]

    def intern(self, values: frozenset[int]) -> frozenset[int]:
        """The one shared object for an equal set."""
        return self._sets.setdefault(values, values)


class Origins:
    """Where library instances come from: sites, united where too many would meet in one node."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def find(self, token: int) -> int:
        """The representative of a token."""
        parent = self._parent
        while (above := parent.get(token, token)) != token:
            parent[token] = parent.get(above, above)
            token = above
        return token

    def unite(self, one: int, other: int) -> None:
        """Both tokens are one from now on."""
        one, other = self.find(one), self.find(other)
        if one != other:
            self._parent[max(one, other)] = min(one, other)

    def groups(self, tokens: set[int]) -> dict[int, list[int]]:
        """Representative -> all its tokens."""
        found: dict[int, list[int]] = {}
        for token in sorted(tokens):
            found.setdefault(self.find(token), []).append(token)
        return found
