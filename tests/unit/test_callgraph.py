"""Resolution: what each construct reaches; about half of these tests say what must not be found."""

from __future__ import annotations

import pytest

from asyncshift.callgraph import build
from asyncshift.facts import extract
from asyncshift.loading import load_registry
from tests.unit.graphs import TinyRegistry, edges, graph, lines, names, site, source

# ----------------------------------------------------------------------------- plain calls


def test_calls_across_modules_and_reexports() -> None:
    found = graph(
        pkg="from .client import Client as C, helper\n",
        pkg__client="""
            def helper(): ...
            class Client:
                def get(self): helper()
            """,
        main="""
            import pkg
            import pkg.client as pc
            from pkg import C
            def main():
                C().get()
                pkg.helper()
                pc.helper()
            """,
    )
    assert edges(found) == {
        "Client.get -> helper",
        "main -> Client.get",
        "main -> helper",
    }


def test_star_import_brings_public_names_only() -> None:
    found = graph(
        a="def shown(): ...\ndef _hidden(): ...\n",
        b="__all__ = ['listed']\ndef listed(): ...\ndef unlisted(): ...\n",
        main="from a import *\nfrom b import *\nshown()\n_hidden()\nlisted()\nunlisted()\n",
    )
    assert edges(found) == {"<module> -> shown", "<module> -> listed"}


def test_of_two_star_imports_the_later_gives_a_name_if_it_runs() -> None:
    found = graph(
        a="def f(): ...\ndef g(): ...\n",
        b="from c import *\ndef g(): ...\n",
        c="def f(): ...\n",
        main="from a import *\ntry:\n    from b import *\nexcept ImportError: ...\nf()\ng()\n",
    )
    assert [t.function for t in site(found, "f").targets] == ["a.py:1", "c.py:1"]
    assert [t.function for t in site(found, "g").targets] == ["a.py:2", "b.py:2"]


def test_a_star_import_does_not_replace_a_name_of_the_file() -> None:
    found = graph(
        a="def f(): ...\n",
        main="from a import *\ndef f(): ...\nf()\n",
    )
    assert [t.function for t in site(found, "f").targets] == ["main.py:2"]


def test_function_level_conditional_and_type_checking_imports() -> None:
    found = graph(
        a="def f(): ...\nclass K:\n    def m(self): ...\n",
        main="""
            from typing import TYPE_CHECKING
            if TYPE_CHECKING:
                from a import K
            try:
                from a import f as g
            except ImportError:
                g = None
            def one(k: "K"):
                from a import f
                f()
                k.m()
            def two():
                g()
            """,
    )
    assert edges(found, "call") == {"one -> f", "one -> K.m", "two -> f"}


def test_a_shadowed_name_is_not_the_import() -> None:
    found = graph(
        """
        import requests
        def f(requests):
            requests.get("u")
        def g():
            requests = object()
            requests.get("u")
        """
    )
    assert edges(found) == set()


def test_methods_through_self_attributes_parameters_and_returns() -> None:
    found = graph(
        """
        class Engine:
            def start(self): ...
        def make():
            return Engine()
        class Car:
            def __init__(self, engine=None):
                self.engine = engine or make()
                self.spare: "Engine | None" = None
            def go(self):
                self.engine.start()
                self.check()
                self.spare.start()
            def check(self): ...
        def drive(car):
            car.go()
        drive(Car())
        """
    )
    assert edges(found) == {
        "Car.__init__ -> make",
        "Car.go -> Engine.start",
        "Car.go -> Car.check",
        "drive -> Car.go",
        "<module> -> Car.__init__",
        "<module> -> drive",
    }
    assert site(found, "self.check").certainty == "certain"
    assert site(found, "self.engine.start").certainty == "certain"
    assert site(found, "car.go").certainty == "certain"


def test_same_method_name_of_another_class_is_not_reached() -> None:
    found = graph(
        """
        class A:
            def go(self): ...
        class B:
            def go(self): ...
        def f():
            a = A()
            a.go()
        """
    )
    assert edges(found) == {"f -> A.go"}


def test_instance_attributes_of_one_class_are_not_those_of_another() -> None:
    found = graph(
        """
        class X:
            def one(self): ...
        class A:
            def __init__(self): self.x = X()
        class B:
            def __init__(self): self.x = 3
            def f(self): self.x.one()
        """
    )
    assert "B.f -> X.one" not in edges(found)


def test_containers_and_their_elements() -> None:
    found = graph(
        """
        class A:
            def go(self): ...
        class B:
            def go(self): ...
        def f(others: "list[B]"):
            items = [A()]
            for item in items: item.go()
            {"b": B()}["b"].go()
            others[0].go()
            table = {}
            table["x"] = A()
            for key, value in table.items(): value.go()
            [value.go() for value in table.values()]
            first, second = A(), B()
            second.go()
        """
    )
    found_lines = lines(found, "call")
    assert {line for line in found_lines if ".go" in line} == {
        "8 call item.go -> A.go",
        '9 call {"b": B()}["b"].go -> B.go',
        "10 call others[0].go -> B.go",
        "13 call value.go -> A.go",
        "14 call value.go -> A.go",
        "16 call second.go -> B.go",
    }


def test_iterating_over_a_dict_gives_no_values() -> None:
    found = graph(
        """
        class A:
            def go(self): ...
        def f():
            for key in {"a": A()}: key.go()
        """
    )
    assert "f -> A.go" not in edges(found)


def test_closures_callbacks_and_lambdas() -> None:
    found = graph(
        """
        def apply(f, *args): return f(*args)
        def work(x): ...
        def outer():
            def inner(): work(1)
            return inner
        def main():
            apply(work, 1)
            apply(lambda: work(2))
            outer()()
        """
    )
    assert edges(found, "call") == {
        "apply -> work",
        "apply -> main.<lambda>",
        "main.<lambda> -> work",
        "outer.inner -> work",
        "main -> apply",
        "main -> outer",
        "main -> outer.inner",
    }


def test_passing_a_function_is_no_call() -> None:
    found = graph("def f(): ...\ndef g(x): ...\ng(f)\n")
    assert lines(found) == {"3 call g -> g", "3 value f -> f"}


def test_local_variables_are_no_mentions() -> None:
    found = graph("def f(): ...\ndef g(x): h = x; return h\n")
    assert lines(found, "value") == set()


def test_partial_binds_its_arguments() -> None:
    found = graph(
        """
        import functools
        class A:
            def go(self): ...
        def f(a, b): b.go()
        def main():
            g = functools.partial(f, 1)
            g(A())
        """
    )
    assert edges(found, "call") == {"f -> A.go", "main -> f"}
    assert found.escapes == ()


def test_or_defaults_ternaries_and_walrus() -> None:
    found = graph(
        """
        class A:
            def go(self): ...
        class B:
            def go(self): ...
        def f(x=None, y=0):
            (x or A()).go()
            (A() if y else B()).go()
            if (z := B()): z.go()
        """
    )
    assert {line for line in lines(found, "call") if ".go" in line} == {
        "7 call (x or A()).go -> A.go",
        "8 call (A() if y else B()).go -> A.go, B.go",
        "9 call z.go -> B.go",
    }


def test_keyword_star_and_double_star_arguments() -> None:
    found = graph(
        """
        class A:
            def go(self): ...
        def one(*, a): a.go()
        def two(*args): args[0].go()
        def three(**kw): kw["a"].go()
        def four(**kw): one(**kw)
        def main():
            one(a=A())
            two(A())
            four(a=A())
            three(a=A(), b=1)
        """
    )
    assert {"one -> A.go", "two -> A.go", "three -> A.go", "four -> one"} <= edges(found)


def test_cast_and_isinstance_are_seeds() -> None:
    found = graph(
        """
        from typing import cast
        class A:
            def go(self): ...
        class B:
            def went(self): ...
        def f(x, y):
            cast("A", x).go()
            if isinstance(y, B):
                y.went()
        """
    )
    assert edges(found, "call") == {"f -> A.go", "f -> B.went"}
    certainty = {s.text: s.certainty for s in found.sites if s.protocol == "call"}
    assert certainty['cast("A", x).go'] == "certain"
    assert certainty["y.went"] == "likely"


# ----------------------------------------------------------------------------- classes


def test_overrides_are_a_family_and_targets() -> None:
    found = graph(
        """
        import abc
        class Base(abc.ABC):
            def run_all(self): self.step()
            @abc.abstractmethod
            def step(self): ...
        class One(Base):
            def step(self): super().step()
        class Two(Base):
            def step(self): ...
        """
    )
    assert set(names(found, site(found, "self.step"))) == {"Base.step", "One.step", "Two.step"}
    assert names(found, site(found, "super().step")) == ["Base.step"]
    family = next(f for f in found.functions.values() if f.name == "Base.step").family
    assert {found.functions[i].name for i in family} == {"One.step", "Two.step"}


def test_constructors_and_private_names_are_no_family() -> None:
    found = graph(
        """
        class A:
            def __init__(self): self.__x()
            def __x(self): ...
        class B(A):
            def __init__(self):
                super().__init__()
                self.__x()
            def __x(self): ...
        """
    )
    assert all(f.family == () for f in found.functions.values())
    assert edges(found) == {
        "A.__init__ -> A.__x",
        "B.__init__ -> A.__init__",
        "B.__init__ -> B.__x",
    }


def test_exact_instances_reach_their_own_method_only() -> None:
    found = graph(
        """
        class A:
            def f(self): ...
        class B(A):
            def f(self): ...
        def main(): A().f()
        """
    )
    assert edges(found) == {"main -> A.f"}


def test_mixins_see_their_siblings() -> None:
    found = graph(
        """
        class Mixin:
            def save(self): self.store()
        class Store:
            def store(self): ...
        class Both(Mixin, Store): ...
        class Other:
            def store(self): ...
        """
    )
    assert edges(found) == {"Mixin.save -> Store.store"}


def test_protocol_members_reach_what_has_them_all() -> None:
    found = graph(
        """
        from typing import Protocol
        class Reader(Protocol):
            def read_page(self): ...
            def finish(self): ...
        class Real:
            def read_page(self): ...
            def finish(self): ...
        class Half:
            def read_page(self): ...
        def use(r: Reader): r.read_page()
        """
    )
    assert set(names(found, site(found, "r.read_page"))) == {"Reader.read_page", "Real.read_page"}
    half = next(f for f in found.functions.values() if f.name == "Half.read_page")
    assert half.family == ()


def test_duck_typed_siblings_share_a_call_site() -> None:
    found = graph(
        """
        class A:
            def go(self): ...
        class B:
            def go(self): ...
        class C:
            def go(self): ...
        for x in (A(), B()): x.go()
        C().go()
        """
    )
    families = {f.name: len(f.family) for f in found.functions.values() if ".go" in f.name}
    assert families == {"A.go": 1, "B.go": 1, "C.go": 0}


def test_properties_setters_and_cached_properties() -> None:
    found = graph(
        """
        from functools import cached_property
        class Inner:
            def go(self): ...
        class A:
            @property
            def x(self): return Inner()
            @x.setter
            def x(self, value): ...
            @cached_property
            def y(self): return Inner()
            plain = 3
        def f():
            a = A()
            a.x.go()
            a.x = 1
            a.y
            a.plain
        """
    )
    assert lines(found, "attribute") == {
        "15 attribute a.x -> A.x",
        "16 attribute a.x -> A.x",
        "17 attribute a.y -> A.y",
    }
    targets = {s.span[0]: s.targets[0].function for s in found.sites if s.protocol == "attribute"}
    assert targets == {15: "mod.py:7", 16: "mod.py:9", 17: "mod.py:11"}
    assert "f -> Inner.go" in edges(found, "call")


def test_static_and_class_methods_and_cls_calls() -> None:
    found = graph(
        """
        class A:
            def __init__(self, x): ...
            @classmethod
            def make(cls, x): return cls(x)
            @staticmethod
            def helper(x): x.go()
            def go(self): ...
        A.make(1).go()
        A.helper(A(1))
        for cls in (A, int): cls(1)
        """
    )
    assert edges(found, "call") == {
        "A.make -> A.__init__",
        "A.helper -> A.go",
        "<module> -> A.make",
        "<module> -> A.go",
        "<module> -> A.helper",
        "<module> -> A.__init__",
    }


def test_call_dunder_and_getattr_dunder() -> None:
    found = graph(
        """
        class Lazy:
            def __init__(self): self.known = 1
            def __getattr__(self, name): return name
            def __call__(self): ...
        x = Lazy()
        x()
        x.unknown
        x.known
        """
    )
    assert lines(found, "attribute") == {"8 attribute x.unknown -> Lazy.__getattr__"}
    assert "<module> -> Lazy.__call__" in edges(found)


def test_what_a_subclass_has_does_not_answer_for_the_class() -> None:
    found = graph(
        """
        class Lazy:
            def __init__(self): self.known = 1
            def __getattr__(self, name): return name
            def use(self): return self.extra, self.known, self.use
        class Special(Lazy):
            extra = 1
            def again(self): return self.extra
        """
    )
    assert lines(found, "attribute") == {"5 attribute self.extra -> Lazy.__getattr__"}


@pytest.mark.parametrize(
    "made", ["Deque['Job']()", "deque[Job]()", "list[Job]()", "typing.List[Job]()", "deque()"]
)
def test_containers_that_are_made_with_their_parameters(made: str) -> None:
    found = graph(
        f"""
        import typing
        from collections import deque
        from typing import Deque
        class Job:
            def go(self): ...
        waiting = {made}
        def add(job: Job): waiting.append(job)
        def run():
            for job in list(waiting): job.go()
            waiting.pop().go()
        """
    )
    assert sum(s.text.endswith(".go") for s in found.sites if s.certainty != "unknown") == 2


def test_what_a_class_is_indexed_with_is_no_element() -> None:
    found = graph(
        """
        import other
        class Job:
            def go(self): ...
        x = other.Made[Job]()
        def run(): x.pop().run_it()
        """
    )
    assert edges(found) == set()


@pytest.mark.parametrize("bound", ["Job", "'Job'", "'Job[int]'"])
@pytest.mark.parametrize("module", ["typing", "typing_extensions"])
def test_a_type_variable_stands_for_its_bound(bound: str, module: str) -> None:
    found = graph(
        f"""
        from {module} import TypeVar
        class Job:
            def go(self): ...
            def stay_here(self): ...
        T = TypeVar("T", bound={bound})
        U = TypeVar("U", default="Job")
        def run(job: T, other: U):
            job.go()
        """
    )
    assert edges(found, "call") == {"run -> Job.go"}


@pytest.mark.parametrize("made", ["TypeVar('T')", "TypeVar('T', bound='no name at all')"])
def test_a_type_variable_without_a_bound_says_nothing(made: str) -> None:
    found = graph(
        f"""
        from typing import TypeVar
        class Job:
            def get(self): ...
        T = {made}
        def run(job: T):
            job.get()
        """
    )
    assert edges(found, "call") == set()


@pytest.mark.parametrize(
    ("raised", "made"),
    [
        ("Oops", {"<module> -> Oops.__init__"}),
        ("Oops.Inner", {"<module> -> Oops.Inner.__init__"}),
        ("again", {"<module> -> Oops.__init__"}),
        ("made", {"<module> -> Oops.__init__"}),  # where it is made, not where it is raised
        ("ValueError", set()),
    ],
)
def test_what_is_raised_is_made(raised: str, made: set[str]) -> None:
    found = graph(
        f"""
        class Oops(Exception):
            def __init__(self): ...
            class Inner(Exception):
                def __init__(self): ...
        again = Oops
        {"made = Oops()" if raised == "made" else ""}
        raise {raised}
        """
    )
    assert edges(found) == made


def test_a_class_inside_of_another_may_be_a_base() -> None:
    found = graph(
        """
        class A:
            class B:
                class C:
                    def deep(self): ...
                def low(self): ...
        class D(A.B): ...
        class E(A.B.C): ...
        D().low()
        E().deep()
        """
    )
    assert edges(found, "call") == {"<module> -> A.B.low", "<module> -> A.B.C.deep"}


@pytest.mark.parametrize(
    ("call", "reached"),
    [
        ("xs[1:3][0]()", {"two"}),
        ("xs[:2][1]()", {"two"}),
        ("xs[2:][0]()", {"three"}),
        ("xs[-1:][0]()", {"one", "two", "three"}),
        ("xs[n:][0]()", {"one", "two", "three"}),
        ("xs[:][2]()", {"three"}),
    ],
)
def test_slices_of_lists(call: str, reached: set[str]) -> None:
    text = "def one(): ...\ndef two(): ...\ndef three(): ...\nxs = [one, two, three]\n"
    found = edges(graph(f"{text}n = int('0')\n{call}\n"), "call")
    assert {edge.removeprefix("<module> -> ") for edge in found} == reached


def test_dataclass_and_named_tuple_fields() -> None:
    found = graph(
        """
        from dataclasses import dataclass
        from typing import NamedTuple
        class A:
            def go(self): ...
        @dataclass
        class D:
            x: int
            a: object
        class N(NamedTuple):
            a: object
        D(1, A()).a.go()
        N(a=A()).a.go()
        D(A(), 1).x.upper()
        """
    )
    assert {line for line in lines(found, "call") if ".go" in line} == {
        "12 call D(1, A()).a.go -> A.go",
        "13 call N(a=A()).a.go -> A.go",
    }


@pytest.mark.parametrize(
    ("annotation", "given"),
    [("ClassVar[object]", "first"), ("typing.ClassVar[object]", "first"),
     ('"typing.ClassVar[object]"', "first"), ("object", "shared"), ("Other[ClassVar]", "shared")],
)  # fmt: skip
def test_a_class_variable_is_no_field(annotation: str, given: str) -> None:
    found = graph(
        f"""
        import typing
        from dataclasses import dataclass
        from typing import ClassVar
        class A:
            def go(self): ...
        @dataclass
        class D:
            shared: {annotation}
            first: object
        d = D(A())
        d.shared.go()
        d.first.go()
        """
    )
    sure = [s.text for s in found.sites if s.text.endswith(".go") and s.certainty != "unknown"]
    assert sure == [f"d.{given}.go"]


def test_an_inner_function_may_name_what_nonlocal_then_leads_elsewhere() -> None:
    found = graph(
        """
        def early(): ...
        def late(): ...
        def outer():
            hook = early
            def middle():
                def inner():
                    hook()
                nonlocal hook
                hook = late
                return inner
            return middle
        """
    )
    reached = {"outer.middle.inner -> early", "outer.middle.inner -> late"}
    assert edges(found, "call") == reached


def test_an_inner_function_may_name_what_global_then_leads_elsewhere() -> None:
    found = graph(
        """
        def right(): ...
        def wrong(): ...
        hook = right
        def outer():
            hook = wrong
            def middle():
                def inner():
                    hook()
                global hook
                return inner
            return hook, middle
        """
    )
    assert edges(found, "call") == {"outer.middle.inner -> right"}


def test_cyclic_bases_do_not_hang() -> None:
    found = graph("class A(B): ...\nclass B(A):\n    def f(self): self.f()\n")
    assert edges(found) == {"B.f -> B.f"}


def test_foreign_bases() -> None:
    found = graph(
        """
        import threading, abc
        from logging import Handler
        from django.views import View
        class T(threading.Thread):
            def run(self): ...
            def other(self): ...
        class H(Handler):
            def emit(self, record): ...
            def mine(self): ...
        class V(View):
            def get(self): ...
        class P(abc.ABC):
            def f(self): ...
        class E(ValueError):
            def explain(self): ...
        """
    )
    bases = {f.name: f.foreign_base for f in found.functions.values() if f.foreign_base}
    assert bases == {
        "T.run": "threading.Thread",
        "H.emit": "logging.Handler",
        "V.get": "django.views.View",
    }
    known = {f.name: f.overrides for f in found.functions.values() if f.overrides}
    assert known == {"T.run": "threading.Thread.run", "H.emit": "logging.Handler.emit"}


def test_a_base_that_can_be_read_counts_before_one_that_cannot() -> None:
    found = graph(
        """
        import threading, unittest
        from outside import Mixin
        class T(Mixin, threading.Thread):
            def run(self): ...
            def mine(self): ...
        class U(unittest.TestCase):
            def test_it(self): ...
            def helper(self): ...
        """
    )
    outer = {f.name: (f.foreign_base, f.overrides) for f in found.functions.values() if f.cls}
    assert outer == {
        "T.run": ("threading.Thread", "threading.Thread.run"),
        "T.mine": ("outside.Mixin", None),
        "U.test_it": ("unittest.TestCase", "unittest.TestCase.test_it"),
        "U.helper": (None, None),
    }


def test_methods_of_a_library_class_that_stays_are_known_from_its_table() -> None:
    text = """
        import requests
        class Api(requests.Session):
            def request(self, *args, **more): return super().request(*args, **more)
            def fetch(self): return self.request("GET", "u")
        """
    found = build([extract(source(text))], load_registry())
    outer = {f.name: (f.foreign_base, f.library_base) for f in found.functions.values() if f.cls}
    assert outer == {"Api.request": (None, "mod.py:3:10"), "Api.fetch": (None, "")}


# ----------------------------------------------------------------------------- generators


def test_generators_by_every_protocol() -> None:
    found = graph(
        """
        import itertools
        def rows():
            yield 1
        def more():
            yield from rows()
        def kept():
            return rows()
        def use(gen):
            for a in gen: ...
        def main():
            for r in rows(): ...
            [r for r in rows()]
            next(rows())
            list(rows())
            ",".join(rows())
            list(itertools.islice(rows(), 3))
            it = iter(kept())
            for x in it: ...
            use(rows())
            a, b = rows()
            print(*rows())
            1 in rows()
        """
    )
    assert lines(found) - lines(found, "call", "value") == {
        "6 yield_from rows() -> rows",
        "10 for gen -> rows",
        "12 for rows() -> rows",
        "13 comprehension rows() -> rows",
        "14 next next -> rows",
        "15 consume list -> rows",
        '16 consume ",".join -> rows',
        "17 consume itertools.islice -> rows",
        "18 consume iter -> rows",
        "19 for it -> rows",
        "21 consume a, b -> rows",
        "22 consume rows() -> rows",
        "23 consume rows() -> rows",
    }
    consumers = {s.span[0]: s.consumer for s in found.sites if s.protocol == "consume"}
    assert consumers == {
        15: "list", 16: "str.join", 17: "itertools.islice", 18: "iter", 21: "unpack", 22: "*",
        23: "in",
    }  # fmt: skip


def test_lists_are_not_generators() -> None:
    found = graph(
        """
        def rows():
            return [1]
        for r in rows(): ...
        list(rows())
        """
    )
    assert lines(found) == {"4 call rows -> rows", "5 call rows -> rows"}


def test_generator_expressions_are_functions() -> None:
    found = graph(
        """
        def f(x): ...
        def ids(): ...
        def main():
            return sum(f(i) for i in ids())
        """
    )
    assert edges(found) == {"main -> main.<genexpr>", "main -> ids", "main.<genexpr> -> f"}


def test_a_generator_expression_iterates_in_its_own_body() -> None:
    """What it iterates first is called outside, and iterated inside."""
    found = graph("""
        def rows():
            yield 1

        def main():
            return sum(row for row in rows())
    """)
    assert edges(found, "call") >= {"main -> rows"}
    assert edges(found, "comprehension") == {"main.<genexpr> -> rows"}


def test_iter_dunder_and_iter_self() -> None:
    found = graph(
        """
        class Pages:
            def __iter__(self):
                yield 1
            def first(self):
                return next(iter(self))
        class Hand:
            def __iter__(self): return self
            def __next__(self): ...
        for p in Pages(): ...
        for h in Hand(): ...
        """
    )
    assert lines(found) == {
        "6 consume iter -> Pages.__iter__",
        "6 next next -> Pages.__iter__",
        "10 for Pages() -> Pages.__iter__",
        "11 for Hand() -> Hand.__iter__, Hand.__next__",
    }


def test_context_managers() -> None:
    found = graph(
        """
        from contextlib import contextmanager, ExitStack
        class C:
            def __enter__(self): return self
            def __exit__(self, *exc): ...
            def go(self): ...
        @contextmanager
        def managed():
            yield C()
        def main():
            with C() as c: c.go()
            with managed() as m: m.go()
            with ExitStack() as stack:
                s = stack.enter_context(managed())
                s.go()
            with open("f") as f: f.write()
        """
    )
    assert lines(found, "with", "consume") == {
        "11 with C() -> C.__enter__, C.__exit__",
        "12 with managed() -> managed",
        "14 consume stack.enter_context -> managed",
    }
    assert {line for line in lines(found, "call") if ".go" in line} == {
        "11 call c.go -> C.go",
        "12 call m.go -> C.go",
        "15 call s.go -> C.go",
    }


# ----------------------------------------------------------------------------- decorators


def test_a_wrapper_calls_what_it_decorates_and_nothing_else() -> None:
    found = graph(
        """
        import functools
        def logged(f):
            @functools.wraps(f)
            def wrapper(*args, **kwargs):
                return f(*args, **kwargs)
            return wrapper
        class A:
            def go(self): ...
        class B:
            def went(self): ...
        @logged
        def a(): return A()
        @logged
        def b(): return B()
        def main():
            a().go()
            b().went()
        """
    )
    assert edges(found, "call") == {
        "logged.wrapper -> a",
        "logged.wrapper -> b",
        "main -> logged.wrapper",
        "main -> A.go",
        "main -> B.went",
    }


def test_decorator_factories_and_classes() -> None:
    found = graph(
        """
        def retry(times):
            def decorate(f):
                def again(*a): return f(*a)
                return again
            return decorate
        class Registry:
            def register(self, f): return f
        registry = Registry()
        @retry(3)
        def one(): ...
        @registry.register
        def two(): ...
        def main():
            one()
            two()
        """
    )
    assert edges(found, "call") == {
        "retry.decorate.again -> one",
        "main -> retry.decorate.again",
        "main -> two",
        "<module> -> retry",
    }
    assert edges(found, "decorator") == {
        "<module> -> retry.decorate",
        "<module> -> Registry.register",
    }


def test_more_than_sixteen_uses_of_a_decorator_keep_their_targets() -> None:
    uses = "\n".join(f"@deco\ndef f{i}(): ...\n" for i in range(40))
    found = graph(f"def deco(f):\n    def w(): return f()\n    return w\n{uses}\nf3()\n")
    wrapper = site(found, "f")
    assert len(wrapper.targets) == 40
    assert names(found, site(found, "f3")) == ["deco.w"]


def test_a_list_calls_what_it_is_sorted_by() -> None:
    found = graph(
        """
        def size(x): return len(x)
        def main(rows, other):
            known = [1]
            known.sort(key=size)
            known.append(size)
            other.sort(key=lambda x: x)
        main([2], [3])
        """
    )
    handed = [(e.span[0], e.to) for e in found.escapes]
    assert handed == [(5, "list.sort"), (7, "list.sort")]


def test_foreign_decorators_are_escapes_and_transparent() -> None:
    found = graph(
        """
        import click, functools
        @click.command()
        def main(): helper()
        @functools.lru_cache(maxsize=None)
        def helper(): ...
        main()
        """
    )
    assert edges(found) == {"main -> helper", "<module> -> main"}
    escaped = {found.functions[e.function].name: e.to for e in found.escapes if e.function}
    assert escaped == {"main": "click.command"}
    by_name = {f.name: f.decorators for f in found.functions.values()}
    assert by_name["main"] == ("click.command",)
    assert by_name["helper"] == ("functools.lru_cache",)


# ----------------------------------------------------------------------------- certainty


@pytest.mark.parametrize(
    ("call", "fits"),
    [
        ("x.enrol(1)", True),
        ("x.enrol(1, 2)", True),
        ("x.enrol(1, at=2)", True),
        ("x.enrol(*xs)", True),
        ("x.enrol(**xs)", True),
        ("x.enrol(1, 2, 3)", False),
        ("x.enrol(1, on=2)", False),
        ("x.enlist(1, 2, 3, on=4)", True),
        ("x.enwrap(1, 2, 3, on=4)", True),
        ("x.engage(1)", True),
        ("x.engage(1, 2)", False),
    ],
)
def test_a_call_found_by_its_name_fits_the_parameters(call: str, fits: bool) -> None:
    found = graph(
        f"""
        from other import wrapping
        class Course:
            def enrol(self, who, at=None): ...
            def enlist(self, *who, **how): ...
            @wrapping
            def enwrap(self, who): ...
            @staticmethod
            def engage(who): ...
        def main(x, xs): {call}
        """
    )
    assert bool([s for s in found.sites if s.certainty == "unknown"]) is fits


def test_a_method_that_is_stored_over_another_turns_with_it() -> None:
    found = graph(
        """
        class Part:
            def enrol(self): raise NotImplementedError
            def other(self): ...
        class Whole:
            def __init__(self):
                self.part = Part()
                self.part.enrol = self._enrol
                self.part.free = self._free
            def _enrol(self): ...
            def _free(self): ...
        """
    )
    families = {
        f.name: [found.functions[g].name for g in f.family] for f in found.functions.values()
    }
    assert families["Part.enrol"] == ["Whole._enrol"]
    assert families["Part.other"] == families["Whole._free"] == []


def test_what_a_test_stores_over_a_method_is_no_family() -> None:
    found = graph(
        pkg="",
        pkg__part="class Part:\n    def enrol(self): ...\n",
        tests__test_part=(
            "from pkg.part import Part\ndef fake(): ...\n"
            "def test_it():\n    p = Part()\n    p.enrol = fake\n"
        ),
    )
    assert not any(f.family for f in found.functions.values())


def test_unknown_receivers_fall_back_to_rare_names_only() -> None:
    found = graph(
        """
        class A:
            def fetch_everything(self): ...
            def get(self): ...
            def append(self, x): ...
        def f(x):
            x.fetch_everything()
            x.get()
            x.append(1)
            x.other()
        """
    )
    assert lines(found) == {"7 call x.fetch_everything -> A.fetch_everything"}
    assert found.sites[0].certainty == "unknown"


def test_a_name_with_many_definitions_is_no_hint() -> None:
    classes = "\n".join(f"class C{i}:\n    def rare_name(self): ...\n" for i in range(9))
    assert lines(graph(f"{classes}\ndef f(x): x.rare_name()\n")) == set()


def test_a_known_receiver_needs_no_hint() -> None:
    found = graph(
        """
        import os
        class A:
            def fetch_everything(self): ...
        class B: ...
        os.fetch_everything()
        B().fetch_everything()
        [].fetch_everything()
        """
    )
    assert lines(found) == set()


def test_certainty_of_library_calls() -> None:
    found = graph(
        """
        import requests
        from time import sleep
        def f(session, typed: requests.Session):
            sleep(1)
            session.get("u")
            typed.get("u")
            own = requests.Session()
            own.get("u")
            get = requests.get
            get("u")
        f(requests.Session(), None)
        """
    )
    certainty = {s.text: s.certainty for s in found.sites if s.protocol == "call"}
    assert certainty == {
        "sleep": "certain",
        "session.get": "certain",
        "typed.get": "certain",
        "requests.Session": "certain",
        "own.get": "certain",
        "get": "certain",
        "f": "certain",
    }


def test_many_overrides_of_one_method_stay_known() -> None:
    classes = "\n".join(f"class C{i}(Base):\n    def step(self): ...\n" for i in range(40))
    found = graph(f"class Base:\n    def go(self): self.step()\n    def step(self): ...\n{classes}")
    assert len(site(found, "self.step").targets) == 41


def test_a_table_of_many_functions_of_one_file_stays_known() -> None:
    functions = "\n".join(f"def f{i}(): ..." for i in range(40))
    table = ", ".join(f"f{i}" for i in range(40))
    found = graph(f"{functions}\ndef run():\n    for f in [{table}]:\n        f()\n")
    assert len(site(found, "f").targets) == 40


def test_operators_on_what_too_many_values_reach_name_nothing() -> None:
    eq = "    def __eq__(self, other): ...\n"
    for many, expected in ((3, 3), (20, 0)):
        made = "\n".join(f"class C{i}:\n{eq}same(C{i}())\n" for i in range(many))
        found = graph(f"def same(x): return x == 1\n{made}")
        assert sum(len(s.targets) for s in found.sites if s.protocol == "operator") == expected


def test_too_many_candidates_are_dropped_and_said() -> None:
    texts = {f"m{i}": f"from mod import run\ndef f{i}(): ...\nrun(f{i})\n" for i in range(20)}
    found = graph("def run(f): f()\n", **texts)
    assert not [s for s in found.sites if s.text == "f"]
    assert len({e.function for e in found.escapes}) == 20


# ----------------------------------------------------------------------------- determinism


def test_the_order_of_files_does_not_matter() -> None:
    texts = {
        "a": "import b\nclass A:\n    def f(self): b.g(self)\n",
        "b": "import c\ndef g(x): x.f(); c.h()\n",
        "c": "from a import A\ndef h(): A().f()\n",
    }
    facts = [extract(source(text, name)) for name, text in texts.items()]
    assert build(facts, TinyRegistry()) == build(facts[::-1], TinyRegistry())


def test_ambiguous_modules_are_a_warning_only_where_imported() -> None:
    one = extract(source("def f(): ...\n", "util", "x/util.py"))
    two = extract(source("def f(): ...\n", "util", "y/util.py"))
    main = extract(source("import util\nutil.f()\n", "main", "main.py"))
    near = extract(source("import util\nutil.f()\n", "near", "x/near.py"))
    found = build([one, two, main, near], TinyRegistry())
    assert [(m.path, m.rule) for m in found.messages] == [("main.py", "ambiguous-module")]
    targets = {s.path: [t.function for t in s.targets] for s in found.sites}
    assert targets == {"main.py": ["x/util.py:1", "y/util.py:1"], "x/near.py": ["x/util.py:1"]}
    assert build([one, two], TinyRegistry()).messages == ()


def test_a_string_that_could_mean_two_modules_is_no_import() -> None:
    one = extract(source("def f(): ...\n", "util", "x/util.py"))
    two = extract(source("def f(): ...\n", "util", "y/util.py"))
    main = extract(source("NAME = 'util.f'\n", "main", "main.py"))
    found = build([one, two, main], TinyRegistry())
    assert found.exported == {"x/util.py": ("f",), "y/util.py": ("f",)}
    assert found.messages == ()


def test_imports_between_files() -> None:
    found = graph(
        pkg="from . import a\n",
        pkg__a="import pkg.b\ndef f():\n    import main\n",
        pkg__b="import json\n",
        main="from pkg import a\n",
    )
    assert found.imports == {
        "main.py": ("pkg/__init__.py", "pkg/a.py"),
        "pkg/__init__.py": ("pkg/a.py",),
        "pkg/a.py": ("pkg/__init__.py", "pkg/b.py"),
        "pkg/b.py": (),
    } or found.imports["pkg/a.py"] == ("pkg/b.py",)


def test_recursive_values_end() -> None:
    found = graph(
        """
        import functools
        class A: ...
        A.__call__ = A()
        A()()
        f = functools.partial(print)
        f = functools.partial(f, 1)
        f()
        x = []
        x.append(x)
        for y in x: y.append(y)
        def deco(g): return deco(g)
        @deco
        def h(): ...
        h()
        def fix(g): return lambda *a: g(fix(g))(*a)
        """
    )
    assert "<module> -> h" in edges(found) or "<module> -> deco" in edges(found, "decorator")


def test_a_descriptor_runs_its_getter() -> None:
    found = graph(
        """
        class Real:
            def go(self): ...
        class Lazy:
            def __get__(self, instance, owner): return Real()
        class A:
            real = Lazy()
            def f(self): self.real.go()
        """
    )
    assert "A.f -> Real.go" in edges(found, "call")
    assert "A.f -> Lazy.__get__" in edges(found, "attribute")


def test_members_of_an_enum_are_its_instances() -> None:
    found = graph(
        """
        import enum
        class Verb(enum.Enum):
            GET = "get"
            def do(self): ...
        class Plain:
            GET = "get"
            def do_it(self): ...
        Verb.GET.do()
        for verb in Verb: verb.do()
        Plain.GET.do()
        """
    )
    reached = {line for line in lines(found, "call") if "Plain" not in line}
    assert reached == {"9 call Verb.GET.do -> Verb.do", "10 call verb.do -> Verb.do"}
    assert "<module> -> Verb.do" in edges(found)


def test_a_class_that_a_table_only_follows_is_a_foreign_base() -> None:
    file = source(
        """
        import subprocess
        class Job(subprocess.Popen):
            def wait(self, timeout=None): return super().wait(timeout)
        """
    )
    found = build([extract(file)], load_registry())
    (wait,) = [f for f in found.functions.values() if f.name == "Job.wait"]
    assert wait.foreign_base == "subprocess.Popen"


def test_a_class_body_reads_the_outer_name_until_it_binds_it() -> None:
    found = graph(
        """
        def limits(): ...
        def other(): ...
        class Server:
            limits = limits()
            other = 1
            again = other()
        """
    )
    assert edges(found, "call") == {"Server -> limits"}
