"""Hints of the configuration: each kind of place, what they leave alone, and what is refused."""

from __future__ import annotations

from textwrap import dedent

import pytest

from asyncshift.callgraph import build
from asyncshift.config import Hint
from asyncshift.errors import InputError
from asyncshift.facts import extract
from asyncshift.model import Certainty, Graph
from tests.unit.graphs import TinyRegistry, edges, site, source

BACKEND = """
    class Cursor:
        def fetch(self):
            pass

    class Connection:
        def cursor(self):
            return Cursor()

    class Fast(Connection):
        def cursor(self):
            return Cursor()
"""


def hinted(text: str, *hints: str, backend: str = BACKEND, strict: bool = True) -> Graph:
    """The graph of `mod` (the text) and `backend`; a hint is `place = class`."""
    files = [source(text), source(backend, "backend")]
    told = [Hint(*hint.split(" = ")) for hint in hints]
    return build([extract(file) for file in files], TinyRegistry(), hints=told, strict=strict)


USE = """
    import pool
    connections = pool.make()
    class Holder:
        attribute = pool.attribute
        def __init__(self):
            self.stored = pool.stored
        def given(self, x, *, named):
            x.cursor()
            named.cursor()
        def made(self):
            return pool.make()
        def several(self):
            yield pool.make()
        def use(self):
            self.attribute.cursor()
            self.stored.cursor()
            self.made().cursor()
            for one in self.several():
                one.cursor()
    def variable():
        connections.cursor()
    def element(key):
        connections[key].cursor()
        for one in connections:
            one.cursor()
"""


@pytest.mark.parametrize(
    ("place", "caller", "text"),
    [
        ("mod.connections", "variable", "connections.cursor"),
        ("mod.connections[]", "element", "connections[key].cursor"),
        ("mod.connections[]", "element", "one.cursor"),
        ("mod.Holder.attribute", "Holder.use", "self.attribute.cursor"),
        ("mod.Holder.stored", "Holder.use", "self.stored.cursor"),
        ("mod.Holder.made()", "Holder.use", "self.made().cursor"),
        ("mod.Holder.several()[]", "Holder.use", "one.cursor"),
        ("mod.Holder.given(x)", "Holder.given", "x.cursor"),
        ("mod.Holder.given(named)", "Holder.given", "named.cursor"),
    ],
)
def test_a_place_holds_instances_of_the_class_or_of_a_subclass(
    place: str, caller: str, text: str
) -> None:
    found = hinted(USE, f"{place} = backend.Connection")
    reached = [s for s in found.sites if s.text == text and s.protocol == "call" and s.targets]
    assert [s.certainty for s in reached] == [Certainty.LIKELY]
    assert [found.functions[reached[0].caller].name] == [caller]
    names = sorted(edge for edge in edges(found) if edge.endswith("cursor"))
    assert names == [f"{caller} -> Connection.cursor", f"{caller} -> Fast.cursor"]


def test_what_comes_out_of_it_is_followed() -> None:
    text = "import pool\nconnection = pool.make()\ndef f():\n    connection.cursor().fetch()\n"
    assert "f -> Cursor.fetch" in edges(hinted(text, "mod.connection = backend.Fast"))
    assert "f -> Connection.cursor" not in edges(hinted(text, "mod.connection = backend.Fast"))


def test_without_a_hint_nothing_is_known() -> None:
    assert not [edge for edge in edges(hinted(USE)) if "cursor" in edge]


def test_an_element_is_not_the_container_and_the_other_way_round() -> None:
    container = hinted(USE, "mod.connections = backend.Connection")
    element = hinted(USE, "mod.connections[] = backend.Connection")
    assert not [edge for edge in edges(container) if edge.startswith("element")]
    assert not [edge for edge in edges(element) if edge.startswith("variable")]


def test_a_hint_fills_the_container_that_is_there() -> None:
    text = """
        registry = {}
        def f():
            for one in registry.values():
                one.cursor()
    """
    found = hinted(text, "mod.registry[] = backend.Fast")
    assert edges(found) == {"f -> Fast.cursor"}


def test_a_class_stands_for_another_where_it_defines_nothing() -> None:
    text = """
        import lazy
        class Proxy(lazy.make(object)):
            def cursor(self):
                pass
            def inside(self):
                self.fetch()
        class Below(Proxy):
            pass
        def f(x: Below):
            x.cursor()
            x.fetch()
    """
    found = hinted(text, "mod.Proxy = backend.Cursor")
    assert edges(found, "call") == {
        "Proxy.inside -> Cursor.fetch",
        "f -> Proxy.cursor",
        "f -> Cursor.fetch",
    }
    assert site(found, "x.fetch").certainty == Certainty.LIKELY


def test_a_class_stands_for_another_only_below_it() -> None:
    text = """
        class Proxy:
            pass
        class Other:
            pass
        def f():
            Other().fetch()
    """
    assert "f -> Cursor.fetch" not in edges(hinted(text, "mod.Proxy = backend.Cursor"))


def test_the_class_may_be_one_that_is_imported_and_nested() -> None:
    again = (
        "from backend import Connection as Renamed\nclass Outer:\n    class Inner:\n        pass\n"
    )
    text = "import pool\nfrom again import Renamed\nconnection = pool.make()\n"
    text += "def f():\n    connection.cursor()\n"
    files = [source(text), source(BACKEND, "backend"), source(again, "again")]
    found = [extract(file) for file in files]
    renamed = build(found, TinyRegistry(), hints=[Hint("mod.connection", "again.Renamed")])
    assert "f -> Connection.cursor" in edges(renamed)
    build(found, TinyRegistry(), hints=[Hint("mod.connection", "again.Outer.Inner")])


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        ("mod.conections = backend.Connection", "there is no `conections` in mod"),
        ("nowhere.x = backend.Connection", "no module that `nowhere.x` is in"),
        ("mod.Holder.absent = backend.Connection", "`absent` is no attribute of mod.Holder"),
        ("mod.Absent.x = backend.Connection", "there is no class `mod.Absent`"),
        ("mod.absent() = backend.Connection", "there is no function `absent`"),
        ("mod.Holder.absent() = backend.Connection", "there is no function `Holder.absent`"),
        ("mod.Holder.given(y) = backend.Connection", "`given` has no parameter `y`"),
        ("mod.connections = backend.Conection", "the project has no class `backend.Conection`"),
        ("mod.connections = requests.Session", "the project has no class `requests.Session`"),
        ("mod.connections = mod.variable", "the project has no class `mod.variable`"),
    ],
)
def test_a_place_or_class_that_is_not_there_is_an_error(hint: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        hinted(USE, hint)
    assert message in str(caught.value)
    assert f"`{hint.partition(' = ')[0]}`" in str(caught.value)


def test_a_tree_that_has_lost_the_place_is_read_without_the_hint() -> None:
    found = hinted(dedent(USE), "mod.gone = backend.Connection", strict=False)
    assert not [edge for edge in edges(found) if "cursor" in edge]
