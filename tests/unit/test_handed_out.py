"""Functions that code out of sight has: what it was handed, what its callbacks give it, what a text
names; and what it does not have."""

from __future__ import annotations

import pytest

from asyncshift.callgraph import build
from asyncshift.loading import load_registry
from tests.unit.graphs import facts

API = """
import time
def fetch(key): time.sleep(1)
class Timing:
    def __init__(self, inner): self.inner = inner
    def __call__(self, request): return self.inner(request)
    def process(self, request): fetch(request)
    def own(self): self.used()
    def used(self): fetch(1)
    def _private(self): fetch(2)
class Late(Timing): ...
def maker(): return Timing(1)
"""


def escaped(text: str) -> dict[str, str]:
    """Function -> to whom it is handed."""
    files = [facts(API, "pkg.api"), facts(text, "pkg.user")]
    found = build(files, load_registry())
    assert all(escape.function is not None for escape in found.escapes)
    return {found.functions[e.function or ""].name: e.to for e in found.escapes}


FOUND = {
    "a function in a dictionary": (
        "import web\nfrom .api import fetch\napp = web.App()\n"
        "@app.context\ndef names(): return {'load': fetch}",
        {"names": "web.App.context", "fetch": "what calls names"},
    ),
    "a function that gives a function": (
        "import web\nfrom .api import fetch\ndef second(): return fetch\n"
        "def first(): return second\nweb.run(first)",
        {"first": "web.run", "second": "what calls first", "fetch": "what calls second"},
    ),
    "the class that a text names": (
        "MIDDLEWARE = ['pkg.api.Timing']",
        dict.fromkeys(
            ("Timing.__call__", "Timing.process", "Timing.own"), 'whoever reads "pkg.api.Timing"'
        ),
    ),
    "what a class inherits": (
        "MIDDLEWARE = {'pkg.api:Late': 1}",
        dict.fromkeys(
            ("Timing.__call__", "Timing.process", "Timing.own"), 'whoever reads "pkg.api:Late"'
        ),
    ),
    "a decorator that a library makes, of which a table names another part": (
        "from django.dispatch import receiver\n@receiver('saved')\ndef on_save(sender): ...",
        {"on_save": "django.dispatch.receiver"},
    ),
    "what a library makes is called": (
        "import sqlalchemy\ndef on_connect(): ...\nsqlalchemy.listener('x')(on_connect)",
        {"on_connect": "sqlalchemy.listener"},
    ),
}
NONE = {
    "a name of a module": "NAMES = ['pkg.api']",
    "a name that is none of ours": "NAMES = ['pkg.other.Timing', 'other.api.Timing', 'Timing']",
    "a class that is patched": "from unittest import mock\nmock.patch('pkg.api.Timing')",
    "what a mapped function gives": (
        "from .api import fetch\ndef pick(key): return fetch\n"
        "for one in [pick(key) for key in 'ab']: one(1)"
    ),
}


@pytest.mark.parametrize(("text", "expected"), FOUND.values(), ids=FOUND.keys())
def test_handed_out(text: str, expected: dict[str, str]) -> None:
    assert escaped(text) == expected


@pytest.mark.parametrize("text", NONE.values(), ids=NONE.keys())
def test_not_handed_out(text: str) -> None:
    assert escaped(text) == {}


def test_what_a_callback_of_the_standard_library_gives_is_followed() -> None:
    text = (
        "from .api import fetch\ndef pick(key): return fetch\nfirst, *_ = sorted('ab', key=pick)\n"
    )
    assert escaped(text) == {"pick": "sorted"}
