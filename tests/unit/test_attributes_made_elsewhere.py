"""Attributes that no class body spells out: properties by call, descriptors, proxies, `__dict__`,
bases that a class method makes, names that a later `def` gives another meaning."""

from __future__ import annotations

from asyncshift.model import Certainty, Graph
from tests.unit.graphs import edges, graph, site


def runs(found: Graph) -> set[str]:
    """The edges by a call or by an attribute that is read or set."""
    return edges(found, "call") | edges(found, "attribute")


def test_a_property_by_call_runs_its_getter_and_its_setter() -> None:
    found = graph("""
        class Item:
            pass
        class Field:
            def _get(self):
                return Item()
            def _set(self, value):
                value.used()
            item = property(_get, _set)
        class Value:
            def used(self):
                pass
        def read(f: Field):
            return f.item
        def write(f: Field):
            f.item = Value()
    """)
    assert runs(found) == {"read -> Field._get", "write -> Field._set", "Field._set -> Value.used"}


def test_a_property_by_call_is_read_only_through_instances() -> None:
    found = graph("""
        class Field:
            def _get(self):
                pass
            item = property(_get)
            other = classmethod(_get)
        def f():
            return Field.item
    """)
    assert runs(found) == set()


def test_a_property_of_another_name_is_not_run() -> None:
    found = graph("""
        class Field:
            def _get(self):
                pass
            item = property(_get)
        def f(x: Field):
            x.items = 1
            return x.value
    """)
    assert runs(found) == set()


def test_a_descriptor_is_given_the_instance_and_what_is_stored() -> None:
    found = graph("""
        class Checked:
            def __get__(self, instance, owner):
                instance.check()
            def __set__(self, instance, value):
                value.used()
        class Plain:
            def __get__(self, instance, owner):
                pass
        class Value:
            def used(self):
                pass
        class Form:
            field = Checked()
            plain = Plain()
            def check(self):
                pass
        def read(x: Form):
            return x.field
        def write(x: Form):
            x.field = Value()
            x.plain = Value()
    """)
    assert runs(found) == {
        "read -> Checked.__get__",
        "write -> Checked.__set__",
        "Checked.__get__ -> Form.check",
        "Checked.__set__ -> Value.used",
    }


def test_a_proxy_reads_what_it_does_not_define_of_what_it_stands_for() -> None:
    found = graph("""
        class Real:
            def work(self):
                pass
            def own(self):
                pass
        class Proxy:
            def __init__(self, inner: Real):
                self._inner = inner
            def __getattr__(self, name):
                return getattr(self._inner, name)
            def own(self):
                pass
        def f(x: Proxy):
            x.work()
            x.own()
            x.unheard_of()
    """)
    reached = {edge for edge in edges(found, "call") if edge.startswith("f ")}
    assert reached == {"f -> Real.work", "f -> Proxy.own"}
    assert site(found, "x.work").certainty == Certainty.LIKELY


def test_a_getattr_of_another_name_is_no_proxy() -> None:
    found = graph("""
        class Real:
            def work(self):
                pass
        class Proxy:
            def __init__(self, inner: Real):
                self._inner = inner
            def __getattr__(self, name):
                return getattr(self._inner, f"_{name}")
        def f(x: Proxy):
            x.work()
    """)
    assert "f -> Real.work" not in edges(found)


def test_a_dict_of_an_instance_gives_its_attributes() -> None:
    found = graph("""
        class Part:
            def run(self):
                pass
        class Whole:
            def __init__(self):
                self.part = Part()
            def by_name(self):
                self.__dict__["part"].run()
            def by_vars(self):
                vars(self)["part"].run()
            def update(self):
                self.__dict__.update({})
            def other(self):
                self.__dict__["else"].run()
    """)
    assert runs(found) == {"Whole.by_name -> Part.run", "Whole.by_vars -> Part.run"}


MANAGER = """
    class QuerySet:
        pass
    class Base:
        def db(self):
            pass
        @classmethod
        def made(cls, queryset):
            return type("Made", (cls,), {"queryset": queryset})
        @classmethod
        def written(cls):
            class Inner(cls):
                pass
            return Inner
        @classmethod
        def other(cls):
            return type("Other", (object,), {})
        def plain(cls):
            return type("Plain", (cls,), {})
"""


def test_a_base_that_a_class_method_makes_derives_from_its_class() -> None:
    found = graph(
        MANAGER
        + """
    class Manager(Base.made(QuerySet)):
        def use(self):
            self.db()
    class Other(Base.written()):
        def use(self):
            self.db()
    """
    )
    assert edges(found) >= {"Manager.use -> Base.db", "Other.use -> Base.db"}


def test_a_base_that_something_else_makes_derives_from_nothing_known() -> None:
    found = graph(
        MANAGER
        + """
    class Manager(Base.other()):
        def use(self):
            self.db()
    class Plain(Base.plain(Base)):
        def use(self):
            self.db()
    """
    )
    assert not [edge for edge in edges(found) if edge.endswith("Base.db")]


def test_a_later_def_gives_its_name_another_meaning() -> None:
    found = graph("""
        def outer(items):
            for item in items:
                def inner():
                    return 1
                item.append(inner)
            def inner():
                return 2
            inner()
    """)
    (target,) = site(found, "inner").targets
    assert target.function == "mod.py:7"
    assert site(found, "inner").certainty == Certainty.CERTAIN


def test_a_def_in_a_branch_gives_its_name_a_meaning_more() -> None:
    found = graph("""
        def outer(flag):
            def inner():
                return 1
            if flag:
                def inner():
                    return 2
            inner()
    """)
    assert len(site(found, "inner").targets) == 2


def test_a_function_before_the_later_def_sees_each_meaning() -> None:
    found = graph("""
        def outer():
            def inner():
                return 1
            def before():
                inner()
            def inner():
                return 2
            inner = other
            before()
        def other():
            pass
    """)
    targets = {t.function for t in site(found, "inner").targets}
    assert targets == {"mod.py:3", "mod.py:7", "mod.py:11"}


DECLARED = """
    from typing import Callable
    class Item:
        def run(self):
            pass
    class Special(Item):
        def run(self):
            pass
    class Base:
        def work(self):
            pass
        item = Item()
"""


def test_a_name_that_a_mixin_only_declares_is_that_of_another_base() -> None:
    found = graph(
        DECLARED
        + """
    class Mixin:
        work: Callable[[], None]
        def use(self):
            self.work()
    class Both(Mixin, Base):
        pass
    """
    )
    assert runs(found) == {"Mixin.use -> Base.work"}


def test_a_declaration_keeps_what_it_says_of_the_type() -> None:
    found = graph(
        DECLARED
        + """
    class Below(Base):
        item: Special
        def use(self):
            self.item.run()
    """
    )
    assert "Below.use -> Special.run" in runs(found)


def test_a_name_with_a_value_is_no_declaration() -> None:
    found = graph(
        DECLARED
        + """
    class Mixin:
        work: Callable[[], None] = print
        def use(self):
            self.work()
    class Both(Mixin, Base):
        pass
    """
    )
    assert runs(found) == set()
