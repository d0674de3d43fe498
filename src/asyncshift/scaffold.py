"""A new codemod's folder: a table, its cases, a test and a page, which pass as they are."""

from __future__ import annotations

import keyword
from pathlib import Path

from asyncshift.errors import InputError

_TABLE = """\
# Every row says what becomes of one name of the library; docs/tables.md has all forms.
[codemod]
name = "{name}"
summary = "{name} -> {name}.aio"
requires = []           # what the migrated project must install: ["{name}>=2"]
docs = ""               # where the library documents its async API

[functions."{name}.fetch"]
to = "{name}.aio.fetch"

[classes."{name}.Client"]
to = "{name}.aio.Client"
awaited = ["get", "close"]
async_with = true
rename = {{ close = "aclose" }}
"""
_README = """\
# {name}

What this codemod does, and what it leaves.

| before | after |
|---|---|
| `{name}.fetch(url)` | `await {name}.aio.fetch(url)` |
| `with {name}.Client() as client:` | `async with {name}.aio.Client() as client:` |

    asyncshift diff --codemod path/to/{name}      # try it on a project
    asyncshift codemods test path/to/{name}       # its cases, below fixtures/
    asyncshift codemods lint path/to/{name} --python .venv

A case is a folder `fixtures/<case>/before`, with `after` beside it; a case named `skip_*` has no
`after`, because nothing in it may change. Half of the cases should be of that kind.
`asyncshift codemods test --update` writes each `after`: read it before you commit it.
"""
_TEST = '''\
"""The cases of {name}; `asyncshift codemods test` runs the same ones."""

import subprocess
import sys
from pathlib import Path


def test_cases():
    command = [sys.executable, "-m", "asyncshift", "codemods", "test", str(Path(__file__).parent)]
    subprocess.run(command, check=True)
'''
_CASES = {
    "function/before/main.py": "import {name}\n\n\ndef load(url):\n    return {name}.fetch(url)\n",
    "function/after/main.py": (
        "import {name}\nimport {name}.aio\n\n\n"
        "async def load(url):\n    return await {name}.aio.fetch(url)\n"
    ),
    "client/before/main.py": (
        "from {name} import Client\n\n\ndef load(url):\n    with Client() as client:\n"
        "        return client.get(url)\n\n\ndef load_and_close(url):\n    client = Client()\n"
        "    try:\n        return client.get(url)\n    finally:\n        client.close()\n"
    ),
    "client/after/main.py": (
        "import {name}.aio\n\n\nasync def load(url):\n"
        "    async with {name}.aio.Client() as client:\n        return await client.get(url)\n\n\n"
        "async def load_and_close(url):\n    client = {name}.aio.Client()\n    try:\n"
        "        return await client.get(url)\n    finally:\n        await client.aclose()\n"
    ),
    "skip_own_name/before/main.py": (
        "def fetch(url):\n    return url\n\n\ndef load(url):\n    return fetch(url)\n"
    ),
    "skip_at_import/before/main.py": "import {name}\n\nPAGE = {name}.fetch('https://example.org')\n",
}


def new_codemod(name: str, folder: Path) -> list[Path]:
    """Write the folder of a codemod and return its files; `InputError` where that cannot be."""
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii():
        raise InputError(
            f"{name!r} is no name for a codemod", hint="Take the library's: letters, digits and _."
        )
    if folder.exists():
        raise InputError("is there already", path=str(folder), hint="Name another folder.")
    texts = {"table.toml": _TABLE, "README.md": _README, f"test_{name}.py": _TEST}
    texts |= {f"fixtures/{case}": text for case, text in _CASES.items()}
    written = []
    try:
        for place, text in texts.items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(name=name), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=str(folder)) from error
    return written
