"""Classes that may be made where nobody sees it, or in another way than by their name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from asyncshift.resolution.escapes import Escapes
from asyncshift.resolution.sites import Sites
from asyncshift.resolution.summaries import PLAIN_BASES

FACTORY = "create"
"""What an async factory is called."""
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
        taken = [cls for cls in family if _has_factory(sites, cls)]
        names = {classes[cls].facts.name.rpartition(".")[2] for cls in family}
        if others:
            found[number] = f"{others[0]} makes such objects as well"
        elif outside:
            found[number] = f"{outside[0]}, outside of the project, makes such objects as well"
        elif any(solver.hierarchy.has_metaclass(cls) for cls in family):
            found[number] = "its class has a metaclass"
        elif handed:
            found[number] = "code out of sight gets the class, and may make such objects"
        elif taken:
            found[number] = f"{classes[taken[0]].facts.name} has a {FACTORY} already"
        elif names & texts:
            found[number] = f"a text names {min(names & texts)}, and may replace it"
        elif number in called:
            found[number] = f"`{called[number]}` makes one through a variable"
    return found


def _has_factory(sites: Sites, cls: int) -> bool:
    hierarchy = sites.solver.hierarchy
    return hierarchy.definer(hierarchy.classes[cls].mro, FACTORY) is not None


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


__all__ = ["made_unseen"]
