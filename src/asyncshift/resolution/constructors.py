"""Classes that may be made where nobody sees it, or in another way than by their name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from asyncshift.resolution.escapes import Escapes
from asyncshift.resolution.sites import Sites
from asyncshift.resolution.summaries import PLAIN_BASES

FACTORIES = ("create", "make", "connected")
"""What an async factory may be called: the first of these that the class has not."""
_MAKING = ("__init__", "__new__", "__post_init__")


def made_unseen(sites: Sites, escapes: Escapes) -> Mapping[int, str]:
    """`__init__` -> why its class may be made in another way than by its name."""
    solver = sites.solver
    classes = solver.hierarchy.classes
    inits = {
        fn.number: fn
        for fn in solver.functions
        if fn.number == fn.origin and fn.cls >= 0 and fn.facts.name.endswith(".__init__")
    }
    if not inits:
        return {}
    strings = (text for file in solver.files for text, *_ in file.strings)
    texts = {text.replace(":", ".").rpartition(".")[2] for text in strings}
    called = _called_otherwise(sites, set(inits))
    found = {}
    for number, fn in inits.items():
        one = classes[fn.cls]
        family = (fn.cls, *one.descendants)
        others = [name for cls in family for name in _others(sites, cls, fn.cls)]
        outside = [b for c in family for b in classes[c].mro if isinstance(b, str)]
        outside = [base for base in outside if base not in PLAIN_BASES]
        handed = [cls for cls in family if cls in escapes.classes]
        names = {classes[cls].facts.name.rpartition(".")[2] for cls in family}
        if others:
            found[number] = f"{others[0]} makes such objects as well"
        elif outside:
            found[number] = f"{outside[0]}, outside of the project, makes such objects as well"
        elif any(solver.hierarchy.has_metaclass(cls) for cls in family):
            found[number] = "its class has a metaclass"
        elif handed:
            found[number] = "code out of sight gets the class, and may make such objects"
        elif not _factory(sites, family):
            found[number] = f"its class has {' and '.join(FACTORIES)} already"
        elif names & texts:
            found[number] = f"a text names {min(names & texts)}, and may replace it"
        elif number in called:
            found[number] = f"`{called[number]}` makes one through a variable"
    return found


def factory_names(sites: Sites) -> Mapping[int, str]:
    """`__init__` -> what an async factory of its class can be called."""
    solver = sites.solver
    found = {}
    for fn in solver.functions:
        if fn.number == fn.origin and fn.cls >= 0 and fn.facts.name.endswith(".__init__"):
            family = (fn.cls, *solver.hierarchy.classes[fn.cls].descendants)
            found[fn.number] = _factory(sites, family)
    return found


def _factory(sites: Sites, family: Sequence[int]) -> str:
    """The first name that no class of these has, empty without."""
    hierarchy = sites.solver.hierarchy
    for name in FACTORIES:
        if all(hierarchy.definer(hierarchy.classes[cls].mro, name) is None for cls in family):
            return name
    return ""


def _others(sites: Sites, cls: int, own: int) -> Iterator[str]:
    """Constructors beside that of a class, above it and below."""
    hierarchy = sites.solver.hierarchy
    for base in hierarchy.classes[cls].mro:
        if isinstance(base, int):
            for name in _MAKING:
                if name in hierarchy.classes[base].attrs and (base, name) != (own, "__init__"):
                    yield f"{hierarchy.classes[base].facts.name}.{name}"


def _called_otherwise(sites: Sites, inits: set[int]) -> Mapping[int, str]:
    """`__init__` -> a call of it that is not that of a class by its name."""
    solver = sites.solver
    found: dict[int, str] = {}
    for (site, protocol, _), one in sites.found.items():
        made = {number for number, _ in one.targets if number in inits}
        if not made:
            continue
        handed = sites.handed_label(site)  # to a thread
        text = handed or solver.sites[site][3]
        ops = sites.calls.get(site, ())
        kinds = [kind for op in ops for kind in solver.sees(op[3][0] if handed else op[2])]
        names = {
            solver.hierarchy.classes[kind[1]].facts.name.rpartition(".")[2]
            for kind in kinds
            if kind[0] == "class"
        }
        plain = all(kind[0] == "class" for kind in kinds) and len(names) == 1
        if protocol != "call" or not plain or text.rpartition(".")[2] not in names:
            found.update(dict.fromkeys(made, text))
    return found


__all__ = ["factory_names", "made_unseen"]
