"""Which `__init__` may become an async factory: those of classes that are only made in sight.

`Client(url)` cannot be awaited, `await Client.create(url)` can.  Whoever still writes `Client(url)`
would get an object that nothing has filled, so all places have to be known.
"""

from __future__ import annotations

from collections import defaultdict

from asyncshift.model import Certainty, FunctionId, Graph, Protocol, Site


def is_constructor(name: str) -> bool:
    """Whether a function, by its qualified name, fills new objects."""
    return name.endswith(".__init__")


def kept_constructors(graph: Graph) -> dict[FunctionId, str]:
    """Every `__init__` that has to stay one, with the reason."""
    sites: dict[FunctionId, list[Site]] = defaultdict(list)
    for site in graph.sites:
        for target in site.targets:
            if target.function is not None and is_constructor(
                graph.functions[target.function].name
            ):
                sites[target.function].append(site)
    mentioned = {mention.function for mention in graph.mentions}
    found = {}
    for f in graph.functions.values():
        if not is_constructor(f.name):
            continue
        unsure = [s for s in sites[f.id] if s.certainty is not Certainty.CERTAIN]
        unsure += [s for s in sites[f.id] if s.protocol is not Protocol.CALL or len(s.targets) > 1]
        if f.read_unseen:
            found[f.id] = f.read_unseen
        elif not sites[f.id] or f.id in mentioned:
            found[f.id] = "nothing that is seen makes such an object"
        elif unsure:
            site = unsure[0]
            found[f.id] = f"`{site.text}` ({site.path}:{site.span[0]}) may make something else"
        elif f.decorators:
            found[f.id] = "it is decorated"
    return found
