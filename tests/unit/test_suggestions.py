"""What only an annotation says: taken, unless the code could not work with it."""

from __future__ import annotations

import pytest

from tests.unit.graphs import edges, graph

SESSIONS = """
import requests
class Session:
    def __init__(self): self.tries = 3
    def request(self): ...
class Special(Session): ...
"""
REQUESTOR = """
class Requestor:
    def __init__(self, session: Session | None = None):
        self.http = session or requests.Session()
        {init}
    def send(self):
        return self.http.request("GET", "/")
"""
WRONG = "Requestor.send -> Session.request"
RIGHT = "Requestor.send -> requests.Session.request"


def requestor(init: str, classes: str = SESSIONS) -> set[str]:
    return edges(graph(classes + REQUESTOR.format(init=init)), "call")


def test_an_annotation_that_the_code_contradicts_is_left_out() -> None:
    found = requestor("self.http.headers['User-Agent'] = 'x'")
    assert RIGHT in found
    assert WRONG not in found


AGREES = {
    "no attribute says otherwise": "pass",
    "only its own attributes are read": "print(self.http.tries)",
    "told apart": "self.ready = hasattr(self.http, 'headers') and self.http.headers",
    "asked for its class": "if isinstance(self.http, requests.Session): print(self.http.headers)",
    "read with a default": "print(getattr(self.http, 'headers', None))",
    "stored, not read": "self.http.headers = {}",
}


@pytest.mark.parametrize("init", AGREES.values(), ids=AGREES)
def test_an_annotation_that_may_be_right_is_taken(init: str) -> None:
    assert {RIGHT, WRONG} <= requestor(init)


OPEN = {
    "a subclass has it": "def headers(self): ...",
    "an unseen base may have it": "",
    "dynamic": "def __getattr__(self, name): return name",
    "set by names": "def fill(self, **kw): [setattr(self, k, v) for k, v in kw.items()]",
    "through its dict": "def fill(self, **kw): self.__dict__.update(kw)",
    "stored in a method": "def fill(self): self.headers = {}",
}


@pytest.mark.parametrize("case", OPEN)
def test_a_class_that_may_have_the_attribute_is_taken(case: str) -> None:
    classes = SESSIONS.replace("class Special(Session): ...", "")
    base = "(outside.Base)" if case == "an unseen base may have it" else ""
    classes = classes.replace("class Session:", f"import outside\nclass Session{base}:")
    classes += f"class Special(Session):\n    {OPEN[case] or 'pass'}\n"
    assert {RIGHT, WRONG} <= requestor("print(self.http.headers)", classes)


def test_what_another_function_reads_of_something_else_says_nothing() -> None:
    """A helper that takes many things tells them apart somehow."""
    found = graph(
        SESSIONS
        + """
def show(x, kind):
    if kind: print(x.headers)
def send(s: Session):
    show(s, 0)
    s.request()
def main(s):
    show(requests.Session(), 1)
    send(s)
"""
    )
    assert "send -> Session.request" in edges(found, "call")


def test_without_a_real_instance_an_annotation_is_all_there_is() -> None:
    found = graph(SESSIONS + "def send(s: Session):\n    print(s.headers)\n    s.request()\n")
    assert edges(found, "call") == {"send -> Session.request"}


def test_several_classes_in_one_annotation_are_told_apart_somehow() -> None:
    found = graph(
        SESSIONS
        + """
class Other:
    def request(self): ...
def send(s: Session | Other, kind):
    if kind: print(s.headers)
    s.request()
def main():
    send(requests.Session(), 1)
"""
    )
    assert {"send -> Session.request", "send -> Other.request"} <= edges(found, "call")


# ----------------------------------------------------------------------------- protocols

PROTOCOL = """
from typing import Protocol
class Attribute(Protocol):
    @property
    def value(self): ...
class Variable:
    @property
    def value(self): ...
def read(a: Attribute): return a.value
"""


def test_classes_that_name_a_protocol_are_meant_and_no_others() -> None:
    found = graph(
        PROTOCOL + "class Valued(Attribute):\n    @property\n    def value(self): return 1\n"
    )
    assert edges(found, "attribute") == {"read -> Attribute.value", "read -> Valued.value"}


def test_a_protocol_that_nobody_names_is_met_by_what_looks_alike() -> None:
    assert "read -> Variable.value" in edges(graph(PROTOCOL), "attribute")


def test_a_protocol_that_extends_another_is_no_implementation() -> None:
    found = graph(
        PROTOCOL
        + """
class Named(Attribute, Protocol):
    def name(self): ...
class Both(Variable):
    def name(self): ...
def show(n: Named): return n.value
"""
    )
    seen = edges(found, "attribute")
    assert {"read -> Variable.value", "show -> Variable.value"} <= seen


def test_an_annotation_says_more_than_many_instances() -> None:
    classes = "".join(f"class V{n}(Version): ...\n" for n in range(30))
    made = "".join(f"List(V{n}())\n" for n in range(30))
    found = graph(
        "class Version:\n    def request(self): ...\n"
        "class List:\n    def __init__(self, version: Version): self.version = version\n"
        f"    def fetch(self): self.version.request()\n{classes}{made}"
    )
    assert "List.fetch -> Version.request" in edges(found, "call")
