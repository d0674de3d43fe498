"""What crosses the border of a slice: values, exceptions, and callers that nobody can see.

Each program is run before and after a step that selects one of its modules.  A slice that would
change what the rest sees is refused with the lines that keep it, or those lines are edited because
the user agreed; the program does the same in either case.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from asyncshift.cli import run

from .test_fixtures import Ran, execute, tree

API = """
    import os
    import requests

    BASE = os.environ["BASE_URL"]


    def fetch(path, **params):
        return requests.get(BASE + path, params=params, timeout=5)

    """
READ = """
    import os
    import requests

    BASE = os.environ["BASE_URL"]


    def read(path):
        resp = requests.get(BASE + path, timeout=5)
        resp.raise_for_status()
        return resp.text
    """
TEXT = """
    import os
    import requests

    BASE = os.environ["BASE_URL"]


    def fetch(name="x"):
        return requests.get(f"{BASE}/json?name={name}", timeout=5).json()["args"]
    """


@dataclass(frozen=True)
class Project:
    """A package `pkg` with a script `main.py`, on disk, and how it ran at first."""

    root: Path
    before: Ran

    def slice(self, *options: str, module: str = "pkg.api") -> set[str]:
        """Apply one step; the files that are other than before."""
        old = tree(self.root)
        always = ["apply", str(self.root), "--yes", "--jobs", "1", "--module", module]
        assert run([*always, *options]) == 0
        new = tree(self.root)
        return {name for name in {*old, *new} if old.get(name) != new.get(name)}

    def told(self, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
        capsys.readouterr()
        always = ["diff", str(self.root), "--format", "json", "--jobs", "1"]
        assert run([*always, "--module", "pkg.api", *options]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    def does_the_same(self) -> None:
        after = execute(self.root, ["main.py"])
        assert (after.status, after.output) == (self.before.status, self.before.output), after
        assert after.requests == self.before.requests
        assert after.never_awaited == []


def project(root: Path, **files: str) -> Project:
    (root / "pkg").mkdir()
    (root / "pkg/__init__.py").touch()
    (root / "pyproject.toml").write_text("[project]\nname = 'pkg'\nrequires-python = '>=3.11'\n")
    for name, text in files.items():
        path = root / ("main.py" if name == "main" else f"pkg/{name}.py")
        path.write_text(dedent(text).lstrip())
    before = execute(root, ["main.py"])
    assert before.status == 0, before.errors
    return Project(root, before)


def lines(made: Project, text: str, file: str = "main.py") -> list[int]:
    """Where a text stands."""
    found = enumerate((made.root / file).read_text().splitlines(), 1)
    return [number for number, one in found if text in one]


def refused(told: dict[str, Any]) -> set[tuple[str, str, int]]:
    return {(one["rule"], one["path"], one["line"]) for one in told["refused"]}


# ----------------------------------------------------------------------------- values

VALUES = {
    "an attribute that the new response has not": (
        "if resp.ok:",
        """
        from pkg.api import fetch

        resp = None

        def main():
            resp = fetch("/status/404")
            if resp.ok:
                print("fine")
            else:
                print("not fine")

        if __name__ == "__main__":
            main()
        """,
        "slice-open",
    ),
    "an address that is a text no more": (
        'resp.url.split("/")',
        """
        from pkg.api import fetch

        def main():
            resp = fetch("/json", n=1)
            print(resp.url.split("/")[-1])

        if __name__ == "__main__":
            main()
        """,
        "slice-open",
    ),
    "a handler of the old exceptions": (
        "except requests.",
        """
        import requests
        from pkg import api

        def main():
            try:
                api.read("/status/500")
            except requests.RequestException as error:
                print("failed", error.response.status_code)
            api.BASE = "http://127.0.0.1:9"
            try:
                api.read("/")
            except requests.ConnectionError:
                print("nobody")

        if __name__ == "__main__":
            main()
        """,
        "slice-handler",
    ),
    "a test of the class": (
        "isinstance(value, requests.Response)",
        """
        import requests
        from pkg.api import fetch

        def shown(value):
            if isinstance(value, requests.Response):
                return value.status_code
            return value

        def main():
            print(shown(fetch("/status/404")), shown("text"))

        if __name__ == "__main__":
            main()
        """,
        "slice-open",
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_would_differ_keeps_the_slice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    text, main, rule = VALUES[name]
    made = project(tmp_path, api=READ if "api.read" in main else API, main=main)
    found = refused(made.told(capsys))
    assert {n for r, p, n in found if (r, p) == (rule, "main.py")} >= set(lines(made, text))
    assert not {f for f in made.slice() if f.endswith(".py")}
    made.does_the_same()


@pytest.mark.parametrize("name", VALUES)
def test_with_consent_its_lines_are_edited_and_the_program_does_the_same(
    tmp_path: Path, name: str
) -> None:
    _, main, _ = VALUES[name]
    made = project(tmp_path, api=READ if "api.read" in main else API, main=main)
    changed = {file for file in made.slice("--edit-callers") if file.endswith(".py")}
    assert changed <= {"pkg/api.py", "pkg/_http.py", "pkg/_run_sync.py", "main.py"}
    made.does_the_same()
    assert not made.slice("--edit-callers")


def test_values_that_are_plain_do_not_keep_a_slice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = """
        from pkg.api import fetch

        def main():
            print(fetch("a"), isinstance(fetch("b"), dict))

        if __name__ == "__main__":
            main()
        """
    made = project(tmp_path, api=TEXT, main=main)
    assert refused(made.told(capsys)) == set()
    assert {"pkg/api.py", "pkg/_run_sync.py"} <= made.slice()
    assert "async def fetch_async" in (tmp_path / "pkg/api.py").read_text()
    made.does_the_same()


SHARED = {
    "api": """
        class Users:
            def __init__(self, session, base):
                self.session = session
                self.base = base

            def get(self, name):
                return self.session.get(f"{self.base}/json?user={name}", timeout=5).json()["args"]
        """,
    "orders": """
        class Orders:
            def __init__(self, session, base):
                self.session = session
                self.base = base

            def all(self):
                return self.session.get(f"{self.base}/json?orders=1", timeout=5).json()["args"]
        """,
    "main": """
        import os
        import requests
        from pkg.api import Users
        from pkg.orders import Orders

        def main():
            session = requests.Session()
            print(Users(session, os.environ["BASE_URL"]).get("ada"))
            print(Orders(session, os.environ["BASE_URL"]).all())
            session.close()

        if __name__ == "__main__":
            main()
        """,
}


def test_a_client_that_is_shared_with_an_unselected_class_does_not_move(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = project(tmp_path, **SHARED)
    found = refused(made.told(capsys))
    (number,) = lines(made, "self.session.get", "pkg/orders.py")
    assert ("slice-open", "pkg/orders.py", number) in found
    assert not {f for f in made.slice() if f.endswith(".py")}
    made.does_the_same()
    assert not {f for f in made.slice("--edit-callers") if f.endswith(".py")}
    assert made.slice("--module", "pkg.orders", "--module", "main")
    assert "requests" not in (tmp_path / "main.py").read_text()
    made.does_the_same()


# ----------------------------------------------------------------------------- unseen callers

UNSEEN = {
    "a computed name": """
        from pkg import api

        def main():
            for name in ["fe" + "tch"]:
                print(getattr(api, name)("a"))

        if __name__ == "__main__":
            main()
        """,
    "names from a file": """
        import importlib
        import json

        def main():
            with open("names.json") as file:
                names = json.load(file)
            for module, name in names.items():
                print(getattr(importlib.import_module(module), name)())

        if __name__ == "__main__":
            main()
        """,
    "a task's name": """
        import importlib

        QUEUE = [("pkg.api.fetch", "ada")]

        def work(queue):
            for task, argument in queue:
                module, _, name = task.rpartition(".")
                print(vars(importlib.import_module(module))[name](argument))

        if __name__ == "__main__":
            work(QUEUE)
        """,
    "a patch": """
        from unittest import mock
        from pkg import shop

        def main():
            print(shop.price("a"))
            with mock.patch("pkg.api.fetch", return_value={"name": "mocked"}):
                print(shop.price("a"))
            with mock.patch("pkg.api.fetch", lambda u: {"name": "double"}):
                print(shop.price("a"))

        if __name__ == "__main__":
            main()
        """,
    "an assignment": """
        from pkg import api, shop

        def main():
            real = api.fetch
            setattr(api, "fetch", lambda u: {"name": u * 2})
            print(shop.price("ab"))
            api.fetch = real
            print(shop.price("ab"))

        if __name__ == "__main__":
            main()
        """,
    "a template": """
        import re
        from pkg import api

        def render(text, names):
            def value(found):
                name, _, argument = found[1].partition(" ")
                return str(names[name](argument))
            return re.sub("{{ (.*?) }}", value, text)

        def main():
            print(render("Hello {{ fetch ada }}!", vars(api)))

        if __name__ == "__main__":
            main()
        """,
}
SHOP = """
    from pkg import api

    def price(name):
        return len(api.fetch(name)["name"])
    """


@pytest.mark.parametrize("name", UNSEEN)
@pytest.mark.parametrize("modules", [["pkg.api"], ["pkg.api", "pkg.shop"]])
def test_callers_that_nobody_sees_still_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, modules: list[str]
) -> None:
    (tmp_path / "names.json").write_text('{"pkg.api": "fetch"}')
    made = project(tmp_path, api=TEXT, shop=SHOP, main=UNSEEN[name])
    options = [word for module in modules[1:] for word in ("--module", module)]
    told = made.told(capsys, *options)
    assert "pkg/api.py" in made.slice(*options)
    assert "async def fetch_async" in (tmp_path / "pkg/api.py").read_text()
    made.does_the_same()
    if name in ("a computed name", "a task's name", "a patch", "an assignment"):
        by_name = [one for one in told["messages"] if one["rule"] == "reached-by-name"]
        assert {one["path"] for one in by_name} == {"main.py"}
        assert all("fetch" in one["text"] for one in by_name)
