"""Imports after a rewrite: what it made unused goes, what it needs is added where it belongs."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from asyncshift.codemod import Edit, Resolved
from asyncshift.rewrite.import_lines import edited
from asyncshift.rewrite.names import split
from asyncshift.rewrite.tree import Tree
from tests.unit.rewrite_bench import A, Codemods, do, migrated

THREAD = do(A.TO_THREAD, "slow()")
MAIN = "\nasync def main():\n    slow()\n"


def test_split_knows_where_a_module_ends() -> None:
    assert split("httpx.AsyncClient") == ("httpx", ["AsyncClient"])
    assert split("asyncio.to_thread") == ("asyncio", ["to_thread"])
    assert split("redis.asyncio.Redis.get") == ("redis.asyncio", ["Redis", "get"])
    assert split("collections.abc.AsyncIterator") == ("collections.abc", ["AsyncIterator"])
    assert split("asyncio.Queue.put") == ("asyncio", ["Queue", "put"])
    assert split("httpx:codes.OK") == ("httpx", ["codes", "OK"])


def renamed(new: str) -> Codemods:
    """A codemod that replaces the function of a call."""

    def rewriter(resolved: Resolved) -> list[Edit]:
        import libcst as cst

        func = cst.parse_expression(resolved.names.dotted(new, resolved.site.span))

        def change(node: Any) -> Any:
            return node.with_changes(func=func)

        return [Edit("Call", resolved.site.span, change)]

    return Codemods(rewriter)


def get_replaced(before: str, **options: str) -> str:
    """`requests.get()` replaced by `httpx.get()`."""
    todo = do(A.LIBRARY, "requests.get()", api="requests.get")
    return migrated(before, todo, codemods=renamed("httpx.get"), **options)


CALL = "\nrequests.get()\n"


# ----------------------------------------------------------------------------- added


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "import asyncio\n\n"),
        ('"""Doc."""\n', '"""Doc."""\n\nimport asyncio\n'),
        ("#!/usr/bin/env python\n# coding: utf-8\n", None),
        ("from __future__ import annotations\n", None),
        ('"""Doc."""\n\nfrom __future__ import annotations\n', None),
        ("import os\n", "import asyncio\nimport os\n"),
        ("import abc\nimport os\n", "import abc\nimport asyncio\nimport os\n"),
        ("import abc\nfrom os import path\n", "import abc\nimport asyncio\nfrom os import path\n"),
        ("from os import path\n", "import asyncio\nfrom os import path\n"),
        ("import sys\nimport os\n", "import sys\nimport os\nimport asyncio\n"),
        ("import click\n", "import asyncio\n\nimport click\n"),
        ("import os\nimport click\n", "import asyncio\nimport os\nimport click\n"),
        ("from . import x\n", "import asyncio\n\nfrom . import x\n"),
        ("import asyncio\n", "import asyncio\n"),
    ],
)
def test_where_a_new_import_goes(before: str, after: str | None) -> None:
    result = migrated(before + MAIN, THREAD)
    head = result.partition("async def")[0]
    if after is not None:
        assert head == after + "\n"
    assert Tree(result).module.body[0] is not None
    assert result.index("import asyncio") > len(before) - 1 if after is None else True


@pytest.mark.parametrize(
    "head",
    [
        "try:\n    import json5 as json\nexcept ImportError:\n    import json\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os\n",
    ],
)
def test_never_inside_a_block(head: str) -> None:
    result = migrated(head + MAIN, THREAD)
    assert "\nimport asyncio\n" in f"\n{result}"


@pytest.mark.parametrize(
    ("head", "written"),
    [
        ("import asyncio as aio\n", "aio.to_thread"),
        ("from asyncio import to_thread\n", "to_thread"),
        ("from asyncio import to_thread as off\n", "off"),
        ("from asyncio import sleep\n", "to_thread"),
        ("import asyncio.subprocess\n", "asyncio.to_thread"),
        ("asyncio = None\n", "_asyncio.to_thread"),
        ("from trio import asyncio\n", "_asyncio.to_thread"),
        ("asyncio = _asyncio = None\n", "_asyncio_2.to_thread"),
    ],
)
def test_how_a_name_is_written(head: str, written: str) -> None:
    assert f"    await {written}(slow)\n" in migrated(head + MAIN, THREAD)


@pytest.mark.parametrize("parameter", ["asyncio", "*asyncio", "**asyncio"])
def test_a_parameter_shadows(parameter: str) -> None:
    result = migrated(f"async def main({parameter}):\n    slow()\n", THREAD)
    assert "import asyncio as _asyncio\n" in result
    assert "await _asyncio.to_thread(slow)" in result


def test_a_shadow_in_another_function_does_not_matter() -> None:
    result = migrated("def f(asyncio): pass\n" + MAIN, THREAD)
    assert "import asyncio\n" in result


def test_an_import_in_the_function_is_used() -> None:
    before = "async def main():\n    import asyncio\n    slow()\n"
    assert migrated(before, THREAD) == before.replace("slow()", "await asyncio.to_thread(slow)")


def test_one_that_only_type_checkers_see_is_not_enough() -> None:
    before = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import asyncio\n"
    result = migrated(before + MAIN, THREAD)
    assert "\nimport asyncio\n" in f"\n{result}"


# ----------------------------------------------------------------------------- removed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import requests\n", "import httpx\n"),
        ("import os\nimport requests\nimport yarl\n", "import os\nimport httpx\nimport yarl\n"),
        ("import click\nimport requests\n", "import click\nimport httpx\n"),
        ("import requests, click\n", "import click\nimport httpx\n"),
        ("import requests as r\n", "import httpx\n"),
        ("import requests  # the client\n", "import httpx\n"),
        ("from requests import get\n", "import httpx\n"),
        ("from requests import get, put\nput\n", "import httpx\nfrom requests import put\nput\n"),
        (
            "from requests import (\n    get,  # one\n    put,  # two\n)\nput\n",
            "import httpx\nfrom requests import (\n    put,  # two\n)\nput\n",
        ),
    ],
)
def test_an_import_made_unused_is_replaced(before: str, after: str) -> None:
    call = "get()" if "from" in before else "r.get()" if " as r" in before else "requests.get()"
    text = f"{before}\n\n{call}\n"
    todo = do(A.LIBRARY, call, api="requests.get")
    result = migrated(text, todo, codemods=renamed("httpx.get"))
    assert result == f"{after}\n\nhttpx.get()\n"


@pytest.mark.parametrize(
    "head",
    [
        "import requests  # noqa: F401\n",
        "import requests\n__all__ = ['requests']\n",
        "try:\n    import requests\nexcept ImportError:\n    pass\n",
        "import requests\ndef f(x: 'requests.Response'): pass\n",
        "from typing import cast\nimport requests\ncast('requests.Response', 1)\n",
        "import requests\nx = []  # type: list[requests.Response]\n",
        "import requests\nrequests.put()\n",
        "import requests as requests\n",
        "import os; import requests\n",
    ],
)
def test_imports_that_stay(head: str) -> None:
    result = get_replaced(head + CALL)
    assert all(line in result for line in head.splitlines() if "import requests" in line)
    assert "import httpx" in result


def test_names_that_other_files_import_from_here_stay() -> None:
    assert "import requests\n" in get_replaced("import requests\n" + CALL, keep_imports="requests")
    assert "import requests\n" not in get_replaced("import requests\n" + CALL, keep_imports="os")


def test_what_a_package_exports_stays() -> None:
    text = "from requests import get\n\nget()\n"
    todo = do(A.LIBRARY, "get()", api="requests.get")
    codemods = renamed("httpx.get")
    assert "from requests" in migrated(text, todo, codemods=codemods, is_package=True)
    assert "from requests" not in migrated(text, todo, codemods=codemods)


def test_an_import_that_was_unused_before_stays() -> None:
    before = "import json\nimport requests\n\nrequests.get()\n"
    assert get_replaced(before) == "import json\nimport httpx\n\nhttpx.get()\n"


def test_an_import_in_a_function_goes_to_the_top() -> None:
    before = "def f():\n    import requests\n\n    return requests.get()\n"
    assert get_replaced(before) == "import httpx\n\n\ndef f():\n    return httpx.get()\n"


def test_blank_lines_close_up() -> None:
    before = "import os\n\nimport requests\n\n\nx = requests.get()\n"
    todo = do(A.LIBRARY, "requests.get()", api="requests.get")
    result = migrated(before, todo, codemods=renamed("os.getcwd"))
    assert result == "import os\n\n\nx = os.getcwd()\n"


def test_a_type_checking_block_goes_with_its_only_import() -> None:
    before = """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from requests import get

        x = 1
        y: get()
    """
    result = migrated(
        before, do(A.LIBRARY, "get()", api="requests.get"), codemods=renamed("httpx.get")
    )
    assert "requests" not in result
    assert "TYPE_CHECKING:" not in result


# ----------------------------------------------------------------------------- the bridge


@pytest.mark.parametrize(
    ("module", "head", "written"),
    [
        ("pkg.mod", "", "from pkg._run_sync import run_sync\n"),
        ("pkg.mod", "from . import x\n", "from ._run_sync import run_sync\n"),
        ("pkg.sub.mod", "from . import x\n", "from .._run_sync import run_sync\n"),
        ("other.mod", "from . import x\n", "from pkg._run_sync import run_sync\n"),
        ("pkg.mod", "from pkg import x\n", "from pkg._run_sync import run_sync\n"),
        ("pkg.mod", "from pkg import x\nfrom . import y\n", "from ._run_sync import run_sync\n"),
        (
            "pkg.mod",
            "import pkg\nfrom pkg import x\n\nfrom . import y\n",
            "from pkg import x\nfrom pkg._run_sync import run_sync\n\nfrom . import y\n",
        ),
        (
            "pkg.mod",
            "from pkg import x\n\nfrom . import y\nfrom .z import z\n",
            "\n\nfrom . import y\nfrom ._run_sync import run_sync\nfrom .z import z\n",
        ),
        (
            "pkg.sub.sub.mod",
            "from pkg import x\n\nfrom . import y\nfrom .z import z\n",
            "from pkg import x\nfrom pkg._run_sync import run_sync\n\nfrom . import y\n",
        ),
    ],
)
def test_the_bridge_is_imported_in_the_files_own_style(
    module: str, head: str, written: str
) -> None:
    text = f"{head}\ndef f():\n    return slow()\n"
    result = migrated(text, do(A.BRIDGE, "slow()"), module=module, bridge="pkg._run_sync")
    assert written in result
    assert "return run_sync(slow())" in result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "from t import Any, Dict, \\\n    Iterator, \\\n    List, cast\n",
            "from t import Any, Dict, \\\n    List, New, cast\n",
        ),
        (
            "from t import (Any, Dict,\n               Iterator, List)\n",
            "from t import (Any, Dict,\n               List, New)\n",
        ),
        (
            "from t import (\n    Any, Dict, Iterator,\n    List)\n",
            "from t import (\n    Any, Dict, List,\n    New)\n",
        ),
        ("from t import Any, Iterator\n", "from t import Any, New\n"),
        (
            "from t import (\n    Iterator,\n    List,\n)\n",
            "from t import (\n    List,\n    New,\n)\n",
        ),
    ],
)
def test_names_on_several_lines_stay_in_their_form(before: str, after: str) -> None:
    tree = Tree(before)
    node = tree.module.body[0]
    assert isinstance(node, ast.ImportFrom)
    gone = [alias for alias in node.names if alias.name == "Iterator"]
    assert edited(tree, node, gone, ["New"]) == after.splitlines()
