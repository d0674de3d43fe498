"""Names of a user's table that the project defines itself.

What has a twin, or is only to go to a thread, is treated as a library's from its definition on:
every use of it, however it is imported, means the name of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from asyncshift.codemod import Registry
from asyncshift.facts import FileFacts
from asyncshift.index import Base


class OwnNames:
    """Collected file by file while the facts are loaded."""

    def __init__(self, registry: Registry) -> None:
        self._standing = registry.standing
        self._packages = {
            name.partition(".")[0] for name in (*registry.standing, *registry.turning)
        }
        self._missing = {*registry.standing, *registry.turning}
        self._below: dict[str, list[str]] = {}
        for name in sorted(registry.standing):
            head, _, last = name.rpartition(".")
            self._below.setdefault(head, []).append(last)
        self._modules: set[str] = set()
        self.functions: dict[int, str] = {}
        """Function -> its name in a table."""
        self.classes: dict[int, str] = {}
        """Class -> its name in a table."""
        self.defined: dict[str, int] = {}
        """Name in a table -> the class that it means."""
        self.bodies: dict[str, int] = {}
        """Name in a table -> the function that it means."""
        self.members: dict[int, str] = {}
        """Method -> its name in a table that has its class."""
        self.names: dict[tuple[int, str], str] = {}
        """(file, name in the module) -> its name in a table."""
        self.callbacks: dict[tuple[Base, str], str] = {}
        """(class, attribute) that is awaited when it is called -> its name in a table."""

    def add(self, unit: int, file: FileFacts, functions: int, classes: int) -> None:
        """The definitions of one file; the numbers are those of its first function and class."""
        if file.module.partition(".")[0] not in self._packages:
            return
        self._modules.add(file.module)
        for name in file.names:
            dotted = f"{file.module}.{name}"
            if dotted in self._standing:
                self.names[unit, name] = dotted
                self._missing.discard(dotted)
        for index, one in enumerate(file.functions):
            dotted = f"{file.module}.{one.name}"
            self._missing.discard(dotted)
            if dotted in self._standing and one.kind == "function":
                self.functions[functions + index] = dotted
                self.bodies[dotted] = functions + index
            elif one.kind == "function" and dotted.rpartition(".")[0] in self._standing:
                self.members[functions + index] = dotted
            if one.kind == "class":
                if dotted in self._standing:
                    self.classes[classes + one.cls] = dotted
                    self.defined[dotted] = classes + one.cls
                for name in self._inside(dotted):
                    self.callbacks[classes + one.cls, name] = f"{dotted}.{name}"

    def parameters(self, file: FileFacts, functions: int) -> Iterator[tuple[int, str, str]]:
        """(function, parameter, name in a table) of parameters that are awaited when called."""
        if file.module not in self._modules:
            return
        for index, one in enumerate(file.functions):
            if one.kind == "function":
                dotted = f"{file.module}.{one.name}"
                known = {name for name, _ in (*one.params, *one.kwonly)}
                for name in self._inside(dotted):
                    if name in known:
                        yield functions + index, name, f"{dotted}.{name}"

    def _inside(self, dotted: str) -> list[str]:
        """The names of a table one level below a name."""
        names = self._below.get(dotted, [])
        self._missing.difference_update(f"{dotted}.{name}" for name in names)
        return names

    def missing(self) -> Iterable[str]:
        """Names that a table gives in a module of the project which does not define them."""
        return sorted(
            name
            for name in self._missing
            if any(name.startswith(f"{module}.") for module in self._modules if module)
        )
