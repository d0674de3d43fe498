"""Which names of a file are used from elsewhere: the rewrite must not drop their import."""

from __future__ import annotations

import pytest

from tests.unit.graphs import graph

CLIENT = "import requests, time\nfrom requests import get, Session as S\ndef fetch(): ...\n"


def exported(text: str) -> set[str]:
    found = graph(pkg="", pkg__client=CLIENT, pkg__user=text)
    return set(found.exported.get("pkg/client.py", ()))


REACHED = {
    "imported": ("from .client import requests\n", {"requests"}),
    "imported under another name": ("from .client import S as Session\n", {"S"}),
    "imported inside a function": ("def f():\n    from pkg.client import get\n", {"get"}),
    "through the module": ("from . import client\nclient.requests.get('u')\n", {"requests"}),
    "through the package": ("import pkg.client\npkg.client.fetch()\n", {"fetch"}),
    "assigned": ("import pkg.client as c\nc.requests = None\nc.time.sleep(1)\n", {"time"}),
    "patched by its path": (
        "from unittest import mock\nmock.patch('pkg.client.requests.get')\n",
        {"requests"},
    ),
    "patched in a decorator": (
        "from unittest import mock\n@mock.patch('pkg.client.get', autospec=True)\ndef f(m): ...\n",
        {"get"},
    ),
    "patched on the module": (
        "from unittest import mock\nfrom . import client\nmock.patch.object(client, 'time')\n",
        {"time"},
    ),
    "patched by pytest": (
        "from . import client\ndef test(monkeypatch):\n"
        "    monkeypatch.setattr(client, 'requests', None)\n",
        {"requests"},
    ),
    "an entry point": ("ENTRY = 'pkg.client:fetch'\n", {"fetch"}),
    "a star": ("from .client import *\nget('u')\n", {"get"}),
}


@pytest.mark.parametrize(("text", "names"), REACHED.values(), ids=REACHED)
def test_names_that_are_used_from_elsewhere(text: str, names: set[str]) -> None:
    assert exported(text) == names


OWN = {
    "its own import of the same library": "import requests\nrequests.get('u')\n",
    "the module alone": "from . import client\nprint(client)\n",
    "a string of words": "TEXT = 'see pkg.client.requests for more'\n",
    "another package": "TEXT = 'other.client.requests'\n",
    "the module's own path": "TEXT = 'pkg.client'\n",
    "a name that it does not have": "TEXT = 'pkg.client.nothing'\n",
    "an attribute of something else": "def f(x): return x.requests\n",
    "a docstring": "'''pkg.client.requests'''\n",
}


@pytest.mark.parametrize("text", OWN.values(), ids=OWN)
def test_names_that_nobody_else_uses(text: str) -> None:
    assert exported(text) == set()


def test_a_name_that_is_handed_on_by_a_star_belongs_to_the_file_that_has_it() -> None:
    found = graph(
        pkg="from .client import *\n",
        pkg__client=CLIENT,
        main="import pkg\npkg.requests.get('u')\n",
    )
    assert found.exported == {"pkg/client.py": ("requests",)}
