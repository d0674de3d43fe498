"""Hints: what the user says a place holds, where the analysis cannot see it.

    [tool.asyncshift.hints]
    "django.db.connections[]" = "django.db.backends.sqlite3.base.DatabaseWrapper"

A place is a dotted name, from its module on, and what is done with it:

    pkg.mod.name            a variable of a module
    pkg.mod.Class.attr      an attribute of a class or of its instances
    pkg.mod.f()             what a function or a method gives
    pkg.mod.Class.m(x)      a parameter
    ...[]                   after any of these: what a subscript or a loop takes out of it
    pkg.mod.Class           instances of it have the attributes of the other class as well, where it
                            does not define them: a proxy, or methods that are made at run time

It holds instances of a class of the project, or of subclasses of it.  What comes from a hint is
likely, never certain.  A library's class cannot be named: where its objects come from has to be
edited, and a hint does not say where that is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from asyncshift import facts as f
from asyncshift.config import PLACE, Hint
from asyncshift.errors import InputError
from asyncshift.resolution.values import CLASS, SELF

if TYPE_CHECKING:
    from asyncshift.resolution.fixpoint import Solver
    from asyncshift.resolution.flow import Fn


class Hints:
    """Puts the hints of the configuration into a solver whose classes are settled."""

    def __init__(self, solver: Solver) -> None:
        self._solver = solver
        self._units: dict[str, list[int]] = {}
        for unit, file in enumerate(solver.files):
            self._units.setdefault(file.module, []).append(unit)
        self._yielded: set[int] = set()
        """What generators give is an element already."""

    def apply(self, hints: Iterable[Hint], strict: bool) -> None:
        """Give each place its instances; `InputError` when a place or a class is not there, unless
        it is not `strict`: a tree that is migrated may have lost a name."""
        for hint in hints:
            try:
                self._apply(hint)
            except InputError:
                if strict:
                    raise

    def _apply(self, hint: Hint) -> None:
        solver = self._solver
        number = self._named(hint)
        values = solver.pool.of(SELF, number)
        parts = PLACE.fullmatch(hint.place)
        assert parts is not None
        if parts["parameter"] is None and not parts["element"]:
            unit, names = self._split(parts["path"])
            cls = None if unit is None else self._class(unit, names)
            if cls is not None:
                solver.stands_for.setdefault(cls, set()).add(number)
                return
        for node in self._nodes(hint, parts["path"], parts["parameter"]):
            solver.unknown.add(node)
            if not parts["element"] or node in self._yielded:
                solver.push(node, values)
                continue
            elements = solver.new_box(("hint", node), node, "hinted")
            solver.push(elements, values)
            solver.add((f.KIND, elements, node, "fill"), node)

    # ------------------------------------------------------------------ classes

    def _named(self, hint: Hint) -> int:
        """The class that a hint says is there."""
        unit, names = self._split(hint.cls)
        number = None if unit is None else self._class(unit, names)
        if number is None:
            raise hint.error(
                f"the project has no class `{hint.cls}`",
                "What holds an object of a library is annotated in the code: the migration has to "
                "edit it."
                if unit is None
                else None,
            )
        return number

    def _split(self, dotted: str) -> tuple[int | None, list[str]]:
        """The file of the longest module that a name begins with, and the names after it."""
        parts = dotted.split(".")
        for end in range(len(parts) - 1, 0, -1):
            units = self._units.get(".".join(parts[:end]))
            if units is not None:
                return units[0], parts[end:]
        return None, parts

    def _class(self, unit: int, names: list[str]) -> int | None:
        """The class that names mean in a file, also one that it only imports."""
        solver = self._solver
        name, *inner = names
        if name not in solver.files[unit].names:
            return None
        for kind in solver.sees(solver.module_name(unit, name)):
            if kind[0] == CLASS:
                return self._nested(kind[1], inner)
        return None

    def _nested(self, number: int, names: list[str]) -> int | None:
        classes = self._solver.hierarchy.classes
        for name in names:
            node = classes[number].attrs.get(name, 0)
            found = [kind[1] for kind in self._solver.sees(node) if kind[0] == CLASS]
            if not found:
                return None
            number = found[0]
        return number

    # ------------------------------------------------------------------ places

    def _nodes(self, hint: Hint, path: str, parameter: str | None) -> list[int]:
        unit, names = self._split(path)
        if unit is None:
            raise hint.error(f"the project has no module that `{path}` is in")
        if parameter is not None:
            return self._of_functions(hint, unit, names, parameter)
        if len(names) == 1:
            if names[0] not in self._solver.files[unit].names:
                module = self._solver.files[unit].module
                raise hint.error(f"there is no `{names[0]}` in {module}")
            return [self._solver.module_name(unit, names[0])]
        cls = self._class(unit, names[:-1])
        if cls is None:
            raise hint.error(f"there is no class `{path.rpartition('.')[0]}`")
        if not self._has(cls, names[-1]):
            raise hint.error(f"`{names[-1]}` is no attribute of {path.rpartition('.')[0]}")
        return [self._solver.instance(cls, names[-1])]

    def _has(self, cls: int, attr: str) -> bool:
        """The class, or one above or below it, defines the attribute, or something stores it."""
        hierarchy = self._solver.hierarchy
        one = hierarchy.classes[cls]
        related = [base for base in (*one.mro, *one.descendants) if isinstance(base, int)]
        if any(attr in hierarchy.classes[base].attrs for base in related):
            return True
        return any(op[2] == attr for op in self._solver.sited[f.STORE])

    def _of_functions(self, hint: Hint, unit: int, names: list[str], parameter: str) -> list[int]:
        """What the functions of this name give, or their parameter."""
        found = self._functions(unit, names)
        if not found:
            raise hint.error(f"there is no function `{'.'.join(names)}` in this module or class")
        if not parameter:
            yielding = [fn for fn in found if fn.facts.flags & f.GENERATOR]
            self._yielded.update(fn.at(fn.facts.yielded) for fn in yielding)
            return [
                fn.at(fn.facts.yielded if fn in yielding else fn.facts.returned) for fn in found
            ]
        nodes = [node for fn in found for n, node in (*fn.params, *fn.kwonly) if n == parameter]
        if not nodes:
            raise hint.error(f"`{names[-1]}` has no parameter `{parameter}`")
        return nodes

    def _functions(self, unit: int, names: list[str]) -> list[Fn]:
        """All functions of this name where the names lead: a module, or a class."""
        solver = self._solver
        qualified = ".".join(names)
        if len(names) > 1:
            cls = self._class(unit, names[:-1])
            if cls is None:
                return []
            one = solver.hierarchy.classes[cls]
            unit = one.unit
            holder = solver.functions[solver.unit_functions[unit] + one.facts.function]
            qualified = f"{holder.facts.name}.{names[-1]}"
        return [
            fn
            for fn in solver.functions
            if fn.unit == unit and fn.facts.name == qualified and fn.facts.kind == "function"
        ]
