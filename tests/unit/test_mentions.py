"""Functions that are reached by a name in a text, or by a computed one; and what is no mention."""

from __future__ import annotations

import pytest

from tests.unit.graphs import graph

API = """
import requests
def fetch(u): return requests.get(u)
def store(u): ...
def _hidden(): ...
class Client:
    def get(self): ...
    def get_all(self): ...
    def _private(self): ...
    def rename(self): self.get = None
class Special(Client):
    def get(self): ...
def decorate(f):
    def wrapper(*a): return f(*a)
    return wrapper
@decorate
def wrapped(): ...
"""


def mentions(text: str) -> dict[str, str]:
    """Function -> how the module `pkg.user` mentions it."""
    found = graph(pkg="from .api import fetch\n", pkg__api=API, pkg__user=text)
    assert all(m.path == "pkg/user.py" for m in found.mentions)
    return {found.functions[m.function].name: m.how for m in found.mentions}


FOUND = {
    "patch": ("mock.patch('pkg.api.fetch')", {"fetch": "patched"}),
    "patch of a re-export": ("mock.patch('pkg.fetch', new=1)", {"fetch": "patched"}),
    "patch, decorated": ("@mock.patch('pkg.api.fetch')\ndef f(m): ...", {"fetch": "patched"}),
    "patch, in with": ("with mock.patch('pkg.api.store') as m: ...", {"store": "patched"}),
    "patch of a method": ("mock.patch('pkg.api.Client.get')", {"Client.get": "patched"}),
    "patch of a decorated one": ("mock.patch('pkg.api.wrapped')", {"wrapped": "patched"}),
    "mocker": ("def f(mocker): mocker.patch('pkg.api.fetch')", {"fetch": "patched"}),
    "object": ("mock.patch.object(api, 'fetch', None)", {"fetch": "patched"}),
    "object, decorated": (
        "@mock.patch.object(api.Client, 'get')\ndef f(m): ...",
        {"Client.get": "patched"},
    ),
    "object, mocker": (
        "def f(mocker): mocker.patch.object(api, 'fetch')",
        {"fetch": "patched"},
    ),
    "object of an instance": (
        "def f(c: api.Client): mock.patch.object(c, 'get')",
        {"Client.get": "patched", "Special.get": "patched"},
    ),
    "spy": ("def f(mocker): mocker.spy(api, 'fetch')", {"fetch": "patched"}),
    "multiple": (
        "mock.patch.multiple('pkg.api', fetch=1, store=2)",
        {"fetch": "patched", "store": "patched"},
    ),
    "multiple of an object": ("mock.patch.multiple(api, fetch=1)", {"fetch": "patched"}),
    "monkeypatch": (
        "def f(monkeypatch): monkeypatch.setattr(api, 'fetch', 1)",
        {"fetch": "patched"},
    ),
    "monkeypatch, dotted": (
        "def f(monkeypatch): monkeypatch.setattr('pkg.api.fetch', 1)",
        {"fetch": "patched"},
    ),
    "setattr": ("setattr(api, 'fetch', 1)", {"fetch": "patched"}),
    "assigned": ("api.fetch = 1", {"fetch": "patched"}),
    "assigned to a class": ("api.Client.get = 1", {"Client.get": "patched"}),
    "assigned to an instance": ("c = api.Client()\nc.get = 1", {"Client.get": "patched"}),
    "computed": (
        "getattr(api, name)()",
        dict.fromkeys(("fetch", "store", "decorate", "wrapped"), "getattr"),
    ),
    "namespace of a module": ("api.__dict__['fetch'](1)", {"fetch": "getattr"}),
    "namespace of a class": ("api.Client.__dict__.get('get')", {"Client.get": "getattr"}),
    "namespace that is kept": (
        "names = vars(api)\nnames[name]()",
        dict.fromkeys(("fetch", "store", "decorate", "wrapped"), "getattr"),
    ),
    "computed, with a part": ("getattr(api, f'fe{name}')", {"fetch": "getattr"}),
    "computed, with an end": ("getattr(api, name + 'tch')", {"fetch": "getattr"}),
    "computed, of a class": (
        "getattr(api.Client, 'get' + name, None)",
        {"Client.get": "getattr", "Client.get_all": "getattr"},
    ),
    "computed, of an instance": (
        "getattr(api.Special(), 'get' + name)",
        {"Special.get": "getattr", "Client.get": "getattr", "Client.get_all": "getattr"},
    ),
    "computed, of private ones": ("getattr(api, '_hid' + name)", {"_hidden": "getattr"}),
    "computed by %": ("getattr(api, 'fe%s' % name)", {"fetch": "getattr"}),
    "computed by format": ("getattr(api, '{}tore'.format(name))", {"store": "getattr"}),
    "computed by join": (
        "getattr(api.Client, '_'.join(['get', name]))",
        {"Client.get_all": "getattr"},
    ),
    "text": ("HOOKS = {'a': 'pkg.api.fetch'}", {"fetch": "string"}),
    "text with a colon": ("run('pkg.api:store')", {"store": "string"}),
    "text of a method": ("run('pkg.api:Client.get')", {"Client.get": "string"}),
    "keyword": ("task(name='pkg.api.fetch')", {"fetch": "string"}),
}  # fmt: skip
NOT_FOUND = {
    "docstring": "def f():\n    'pkg.api.fetch'",
    "other text": "print('pkg.api.fetch is slow', 'pkg.api', 'api', 'fetch', 'pkg.api.nothing')",
    "library below it": "mock.patch('pkg.api.requests.get')",
    "class": "mock.patch('pkg.api.Client')\nprint('pkg.api.Client')",
    "attribute that is none": "setattr(api, 'limit', 3)\napi.limit = 3\napi.Client.size = 1",
    "another object": "getattr(object(), name)\nsetattr(unknown, 'fetch', 1)\nunknown.fetch = 1",
    "namespace that is read": "names = vars(api)\nprint(len(names), sorted(api.__dict__))",
    "namespace of an instance": "api.Client().__dict__['get']",
    "constant": "getattr(api, 'fetch')",
    "computed, with another part": "getattr(api, 'x%s' % name)\ngetattr(api, '{}x'.format(name))",
    "a call by that name": "class P:\n    def object(self, a, b): ...\nP().object(api, 'fetch')",
    "own module": "def fetch(): ...\ndef f():\n    global fetch\n    fetch = 1",
    "subclass itself": "class C(api.Client):\n    def __init__(self): self.get = None",
    "request": "import requests\nrequests.Session().patch('http://pkg.api.fetch')",
    "import": "from .api import fetch\nfetch('u')",
}
HEAD = "from unittest import mock\nfrom . import api\n"


@pytest.mark.parametrize("how", FOUND)
def test_mentions(how: str) -> None:
    text, wanted = FOUND[how]
    assert mentions(HEAD + text + "\n") == wanted


@pytest.mark.parametrize("how", NOT_FOUND)
def test_no_mentions(how: str) -> None:
    assert mentions(HEAD + NOT_FOUND[how] + "\n") == {}


def test_where_and_what() -> None:
    found = graph(
        pkg="",
        pkg__api=API,
        pkg__user="""
            from . import api
            from unittest.mock import patch
            def test():
                with patch("pkg.api.fetch"), patch.object(api, "fetch"):
                    api.store = None
                getattr(api, "st" + "ore" + name)
                print("pkg.api.fetch")
                print("pkg.api.fetch")
            """,
    )
    assert [(m.line, m.how, m.text, found.functions[m.function].name) for m in found.mentions] == [
        (5, "patched", 'patch.object(..., "fetch")', "fetch"),
        (5, "patched", "pkg.api.fetch", "fetch"),
        (6, "patched", "api.store", "store"),
        (7, "getattr", 'getattr(..., "store*")', "store"),
        (8, "string", "pkg.api.fetch", "fetch"),
        (9, "string", "pkg.api.fetch", "fetch"),
    ]


def test_one_computed_name_is_enough_to_tell() -> None:
    found = graph(pkg="", pkg__api=API, pkg__user="from . import api\n" + "getattr(api, x)\n" * 3)
    assert {(m.line, found.functions[m.function].name) for m in found.mentions} == {
        (2, "fetch"),
        (2, "store"),
        (2, "decorate"),
        (2, "wrapped"),
    }
