"""Mistakes that a migration tool makes easily, each as a program that is run before and after.

Both runs must print the same, ask the server the same and leave no coroutine behind; a second
migration must change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from asyncshift.cli import run

from .test_fixtures import Ran, execute, readable, tree


@dataclass(frozen=True)
class Defect:
    """A program with `main.py`, and what its migrated files must and must not hold (patterns)."""

    files: Mapping[str, str]
    wanted: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    counted: Mapping[str, int] = field(default_factory=dict)


DEFECTS = {
    "async __init__": Defect(
        {
            "main.py": """
            import os
            import requests

            BASE = os.environ["BASE_URL"]


            class Account:
                def __init__(self, name):
                    self.name = name
                    self.session = requests.Session()
                    self.profile = self.session.get(f"{BASE}/json?n={name}").json()

                def greet(self):
                    answer = self.session.get(f"{BASE}/json?hello={self.name}")
                    return answer.json()["args"]


            def main():
                account = Account("ada")
                print(account.profile["args"], account.greet())
                account.session.close()


            if __name__ == "__main__":
                main()
            """
        },
        wanted=(r"async def greet",),
        never=(r"async def __init__", r"await Account\("),
    ),
    "aliased function": Defect(
        {
            "main.py": """
            import os
            from requests import get as http_get, post as http_post


            def main():
                print(http_get(os.environ["BASE_URL"] + "/json", params={"a": "1"}).json()["args"])
                print(http_post(os.environ["BASE_URL"] + "/json", json=[1, 2]).json()["body"])


            if __name__ == "__main__":
                main()
            """
        },
        wanted=(r"\.get\(", r"\.post\("),
        never=(r"http_get", r"http_post", r"\brequests\b"),
    ),
    "keywords that httpx does not take": Defect(
        {
            "main.py": """
            import os
            import requests

            BASE = os.environ["BASE_URL"]


            def show(response):
                print(response.status_code, response.json()["path"], response.json()["body"])


            def main():
                print(requests.get(BASE + "/redirect/2", allow_redirects=False).status_code)
                show(requests.get(BASE + "/redirect/2"))
                show(requests.post(BASE + "/json", data={"a": "b"}, timeout=(3.05, 27)))
                show(requests.post(BASE + "/json", data=b"raw"))
                show(requests.put(BASE + "/json", json={"x": 1}, stream=False))
                show(requests.get(BASE + "/json", params=[("k", "1"), ("k", "2")]))
                print(requests.head(BASE + "/redirect/1").status_code)
                with requests.Session() as session:
                    print(session.get(BASE + "/redirect/1", allow_redirects=False).status_code)
                    show(session.get(BASE + "/json", headers={"X-One": "1"}, timeout=None))


            if __name__ == "__main__":
                main()
            """
        },
        wanted=(r"async def main",),
        never=(r"allow_redirects", r"stream=False"),
    ),
    "precedence of await": Defect(
        {
            "main.py": """
            import os
            import requests
            import time

            BASE = os.environ["BASE_URL"]


            def fetch(path):
                time.sleep(0.001)
                return requests.get(BASE + path, timeout=5)


            def main():
                print(requests.get(BASE + "/json?q=1", timeout=5).json()["args"]["q"][0])
                print(fetch("/json?a=1").json()["args"]["a"], -len(fetch("/json").text) < 0)
                print([fetch(f"/json?n={n}").json()["args"]["n"][0] for n in range(2)])
                print({"k": fetch("/json").status_code ** 2}, not fetch("/json").content)


            if __name__ == "__main__":
                main()
            """
        },
        wanted=(r"\(await fetch\(f?\"/json\?a=1\"\)\)\.json\(\)",),
        never=(r"await fetch\([^()]*\)\.", r"await client\.get\([^()]*\)\.json"),
    ),
    "a session in an attribute": Defect(
        {
            "main.py": """
            import os
            import requests


            class Api:
                def __init__(self, base):
                    self.base = base
                    self.session = requests.Session()
                    self.session.headers["X-Token"] = "secret"

                def get(self, path):
                    return self.session.get(self.base + path).json()

                def put(self, path, value):
                    return self.session.put(self.base + path, json=value).json()

                def close(self):
                    self.session.close()


            def main():
                api = Api(os.environ["BASE_URL"])
                print(api.get("/json?a=1")["args"], api.put("/json", {"b": 2})["body"])
                print(api.get("/headers")["x-token"])
                api.close()


            if __name__ == "__main__":
                main()
            """
        },
        wanted=(r"await self\.session\.get\(", r"await self\.session\.put\("),
        never=(r"client\.Session", r"requests"),
        counted={r"httpx\.AsyncClient\(": 1},
    ),
    "imports above the docstring": Defect(
        {
            "main.py": '''
            #!/usr/bin/env python3
            # coding: utf-8
            """What this program does.

            It has a docstring.
            """

            from __future__ import annotations

            import time


            def main() -> None:
                time.sleep(0.001)
                print(__doc__.splitlines()[0], main.__annotations__)


            if __name__ == "__main__":
                main()
            '''
        },
        wanted=(
            r'\A#!/usr/bin/env python3\n# coding: utf-8\n"""What',
            r"from __future__ import annotations\n\nimport asyncio\n",
        ),
        never=(r"import time",),
    ),
    "callers here and elsewhere": Defect(
        {
            "shop/__init__.py": "from .orders import total\n",
            "shop/orders.py": """
            import os
            import requests


            def price(item):
                answer = requests.get(os.environ["BASE_URL"] + f"/json?price={item}", timeout=5)
                return int(answer.json()["args"]["price"][0])


            def total(items):
                return sum(price(item) for item in items)
            """,
            "shop/report.py": """
            from shop import orders, total


            def lines(items):
                for item in items:
                    yield f"{item}: {orders.price(item)}"
                yield f"total: {total(items)}"


            class Report:
                def __init__(self, items):
                    self.items = items

                def text(self):
                    return "; ".join(lines(self.items))
            """,
            "main.py": """
            from shop import total
            from shop.report import Report


            def main():
                print(Report([3, 4]).text())
                print(total([1, 2]), max(map(str, [total([5])])))


            if __name__ == "__main__":
                main()
            """,
        },
        wanted=(r"async def price", r"async def total", r"async def lines", r"async def text"),
        never=(r"(?<!await )orders\.price\(", r"(?<!await )\btotal\(\["),
    ),
    "a fresh client for each call": Defect(
        {
            "main.py": """
            import os
            import requests

            BASE = os.environ["BASE_URL"]


            def sign_in(session, name):
                session.get(f"{BASE}/cookie/user/{name}")


            def who(session):
                return session.get(BASE + "/cookies").json()


            def main():
                with requests.Session() as session:
                    sign_in(session, "ada")
                    for _ in range(2):
                        print(who(session))


            if __name__ == "__main__":
                main()
            """
        },
        wanted=(r"async with httpx\.AsyncClient\(", r"await who\(session\)"),
        counted={r"AsyncClient\((?!\))": 1},
    ),
    "dead imports": Defect(
        {
            "main.py": """
            import json
            import os
            import time
            from time import sleep

            import requests
            from requests.exceptions import ConnectionError, HTTPError

            BASE = os.environ["BASE_URL"]


            def main():
                try:
                    requests.get(BASE + "/status/404", timeout=5).raise_for_status()
                except HTTPError as error:
                    print(json.dumps(error.response.status_code))
                try:
                    requests.get(BASE + "/close", timeout=5)
                except ConnectionError:
                    sleep(0.001)
                    time.sleep(0.001)
                    print("closed")


            if __name__ == "__main__":
                main()
            """
        },
        wanted=(r"import json\n", r"import os\n", r"import asyncio\n", r"import httpx\n"),
        never=(r"import time", r"from time", r"requests"),
    ),
}

# They look alike and must stay as they are.
UNTOUCHED = {
    "a get that is not requests'": """
        class Session:
            def get(self, key, timeout=None):
                return {"a": 1}.get(key)


        def main():
            session = Session()
            print(session.get("a", timeout=5), {"sleep": len}.get("sleep")("abc"))


        if __name__ == "__main__":
            main()
    """,
    "a sleep of one's own": """
        class time:
            @staticmethod
            def sleep(seconds):
                print("slept", seconds)


        def main():
            time.sleep(1)


        main()
    """,
    "requests in text only": '''
        """Calls requests.get(url).json() and time.sleep(1)."""


        def main():
            # requests.get("...")
            print("import requests; requests.get(u)", __doc__)


        main()
    ''',
}


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(content).lstrip("\n"))
    return root


def migrate(root: Path) -> None:
    assert run(["apply", str(root), "--yes", "--jobs", "1"]) == 0


def both(tmp_path: Path, files: Mapping[str, str]) -> tuple[Ran, Ran, Path]:
    """The program's run before, its run after, and the folder of the migrated one."""
    before, after = write(tmp_path / "before", files), write(tmp_path / "after", files)
    migrate(after)
    return execute(before, ["main.py"]), execute(after, ["main.py"]), after


@pytest.mark.parametrize("name", DEFECTS)
def test_defect(name: str, tmp_path: Path) -> None:
    defect = DEFECTS[name]
    old, new, folder = both(tmp_path, defect.files)
    assert old.status == 0, old.errors
    assert (new.status, new.output) == (0, old.output), new.errors
    assert new.requests == old.requests
    assert not new.never_awaited

    migrated = readable(tree(folder))
    text = "\n".join(
        text for path, text in migrated.items() if not path.endswith(("_run_sync.py", "_http.py"))
    )
    for pattern in defect.wanted:
        assert re.search(pattern, text), pattern
    for pattern in defect.never:
        assert not re.search(pattern, text), pattern
    for pattern, times in defect.counted.items():
        assert len(re.findall(pattern, text)) == times, pattern

    migrate(folder)
    assert readable(tree(folder)) == migrated, "a second run changes something"


@pytest.mark.parametrize("name", UNTOUCHED)
def test_untouched(name: str, tmp_path: Path) -> None:
    root = write(tmp_path / "project", {"main.py": UNTOUCHED[name]})
    before = tree(root)
    migrate(root)
    assert readable(tree(root)) == readable(before)
    assert execute(root, ["main.py"]).status == 0


def test_the_harness_sees_a_coroutine_that_is_never_awaited(tmp_path: Path) -> None:
    """Making the warning an error would not do: raised in a destructor, it ends with status 0."""
    program = """
    import time


    def nap():
        time.sleep(0.001)


    def main():
        nap()
        print("done")


    if __name__ == "__main__":
        main()
    """
    old, new, folder = both(tmp_path, {"main.py": program})
    assert (new.output, new.errors) == (old.output, "")
    main = folder / "main.py"
    planted = main.read_text().replace("    await nap()", "    nap()")
    assert planted != main.read_text()
    main.write_text(planted)
    mutant = execute(folder, ["main.py"])
    assert (mutant.status, mutant.output) == (old.status, old.output)
    assert mutant.never_awaited == ["coroutine 'nap' was never awaited"]
    assert execute(folder, ["-W", "error::RuntimeWarning", "main.py"]).status == 0
