"""The order that `plan` proposes, and that its steps do what it says."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from asyncshift.cli import run
from asyncshift.inert import code, markdown, printable

Captured = pytest.CaptureFixture[str]

PROJECT = "[project]\nname = 'p'\nrequires-python = '>=3.11'\n"
CHAIN = {
    "pkg/__init__.py": "",
    "pkg/api.py": "import time\n\n\ndef fetch():\n    time.sleep(1)\n    return 1\n",
    "pkg/shop.py": (
        "from pkg.api import fetch\n\n\ndef _price():\n    return fetch()\n\n\n"
        "def total():\n    return _price() + fetch()\n"
    ),
    "pkg/app.py": (
        "from pkg import shop\n\n\ndef main():\n    print(shop.total(), shop._price())\n\n\n"
        "if __name__ == '__main__':\n    main()\n"
    ),
    "pkg/quiet.py": "def add(a, b):\n    return a + b\n",
}
CIRCLE = {
    "pkg/__init__.py": "",
    "pkg/one.py": (
        "import time\nfrom pkg import two\n\n\ndef ping(n):\n    time.sleep(n)\n"
        "    return two.pong(n - 1) if n else 0\n"
    ),
    "pkg/two.py": "from pkg import one\n\n\ndef pong(n):\n    return one.ping(n - 1)\n",
}
WEB = {
    "web/__init__.py": "",
    "web/app.py": (
        "from fastapi import FastAPI\nfrom web.store import load\n\napp = FastAPI()\n\n\n"
        "@app.get('/')\ndef index():\n    return load()\n"
    ),
    "web/store.py": "import time\n\n\ndef load():\n    time.sleep(1)\n    return 1\n",
}


def made(root: Path, tree: Mapping[str, str]) -> Path:
    for name, text in {"pyproject.toml": PROJECT, **tree}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def planned(capsys: Captured, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["plan", "--format", "json", *arguments]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def steps(plan: dict[str, Any], order: str) -> list[list[str]]:
    waves = plan["orders"][order]["waves"]
    return [[m["module"] for m in step] for wave in waves for step in wave["steps"]]


def modules(plan: dict[str, Any], order: str) -> dict[str, dict[str, Any]]:
    waves = plan["orders"][order]["waves"]
    return {m["module"]: m for wave in waves for step in wave["steps"] for m in step}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_leaves_first_and_callers_first(root: Path, capsys: Captured) -> None:
    made(root, CHAIN)
    plan = planned(capsys)
    assert plan["proposed"] == "up"
    assert steps(plan, "up") == [["pkg.api"], ["pkg.shop"], ["pkg.app"]]
    assert steps(plan, "down") == [["pkg.app"], ["pkg.shop"], ["pkg.api"]]


def test_facades_threads_and_public_names(root: Path, capsys: Captured) -> None:
    made(root, CHAIN)
    plan = planned(capsys)
    up, down = modules(plan, "up"), modules(plan, "down")
    assert up["pkg.shop"]["turns"] == ["_price", "total"]
    assert up["pkg.shop"]["public"] == ["total"]
    assert up["pkg.shop"]["facades"] == ["_price", "total"]  # app calls both
    assert up["pkg.app"]["facades_gone"] == ["pkg.shop:_price"]  # the public one stays to the end
    assert (up["pkg.app"]["threads"], up["pkg.app"]["bridges"]) == (0, 0)
    assert down["pkg.app"]["threads"] == down["pkg.shop"]["threads_gone"] == 2
    assert plan["facades_left"] == 3


@pytest.mark.parametrize("order", ["up", "down"])
@pytest.mark.parametrize("tree", [CHAIN, CIRCLE], ids=["chain", "circle"])
def test_each_step_turns_what_was_said(
    root: Path, capsys: Captured, order: str, tree: Mapping[str, str]
) -> None:
    made(root, tree)
    plan = planned(capsys)
    for wave in plan["orders"][order]["waves"]:
        for step, command in zip(wave["steps"], wave["commands"], strict=True):
            _, _, *arguments = shlex.split(command)
            capsys.readouterr()
            assert run(["diff", "--format", "json", *arguments]) == 0
            counts = json.loads(capsys.readouterr().out)["counts"]
            assert counts["functions"] == sum(len(module["turns"]) for module in step), command
            assert run(["apply", "--yes", *arguments]) == 0
    again = planned(capsys)
    assert steps(again, order) == []
    assert again["facades_left"] == sum(len(m["public"]) for m in modules(plan, order).values())


def test_a_circle_of_modules_goes_together(root: Path, capsys: Captured) -> None:
    made(root, CIRCLE)
    plan = planned(capsys)
    assert steps(plan, "up") == steps(plan, "down") == [["pkg.one", "pkg.two"]]


def test_modules_that_nothing_turns_are_in_no_wave(root: Path, capsys: Captured) -> None:
    made(root, CHAIN)
    assert "pkg.quiet" not in modules(planned(capsys), "down")


def test_code_that_never_waits(root: Path, capsys: Captured) -> None:
    made(root, {"m.py": "def f():\n    return 1\n"})
    before = sorted(p.name for p in root.iterdir())
    assert run(["plan"]) == 0
    assert "Nothing here turns async." in capsys.readouterr().out
    assert sorted(p.name for p in root.iterdir()) == before


def test_a_web_application_goes_downwards(root: Path, capsys: Captured) -> None:
    made(root, WEB)
    plan = planned(capsys)
    assert plan["proposed"] == "down"
    (first, *_) = plan["orders"]["down"]["waves"]
    assert [(g["entry"], g["calls"]) for g in first["gains"]] == [("web.app:index", 1)]
    run(["plan", "--order", "up"])
    out = capsys.readouterr().out
    assert out.index("--module web.store") < out.index("--module web.app")


def test_async_callers_come_before_what_they_call(root: Path, capsys: Captured) -> None:
    made(root, {**WEB, "web/app.py": WEB["web/app.py"].replace("def index", "async def index")})
    assert steps(planned(capsys), "up") == [["web.app"], ["web.store"]]


def test_handlers_come_before_what_raises(root: Path, capsys: Captured) -> None:
    tree = {
        "a_net.py": "import requests\n\n\ndef fetch(url):\n    return requests.get(url).json()\n",
        "b_safe.py": (
            "import requests\nimport a_net\n\n\ndef safe(url):\n    try:\n"
            "        return a_net.fetch(url)\n    except requests.RequestException:\n"
            "        return None\n"
        ),
        "c_other.py": "import requests\n\n\ndef other(url):\n    return requests.get(url).json()\n",
    }
    made(root, tree)
    assert sorted(steps(planned(capsys), "up")) == [["a_net", "b_safe"], ["c_other"]]


def test_what_keeps_no_sync_form_waits_for_the_last_step(root: Path, capsys: Captured) -> None:
    source = (
        "import time\n\n\nclass Nap:\n    def __call__(self):\n        time.sleep(1)\n\n\n"
        "def two():\n    nap = Nap()\n    nap()\n\n\ndef one():\n    time.sleep(1)\n"
    )
    made(root, {"m.py": source})
    plan = planned(capsys)
    assert plan["last"] == ["m:Nap.__call__", "m:two"]
    assert modules(plan, "up")["m"]["turns"] == ["one"]


def test_what_was_declined_is_not_planned(root: Path, capsys: Captured) -> None:
    made(root, CHAIN)
    assert run(["apply", "--yes", "--module", "pkg.*", "--without", "pkg.app:main"]) == 0
    assert steps(planned(capsys), "up") == []


def test_waves_fit_a_review(root: Path, capsys: Captured) -> None:
    made(root, CHAIN)
    sizes = [len(planned(capsys, "--wave-size", n)["orders"]["up"]["waves"]) for n in ("1", "99")]
    assert sizes == [3, 1]


def test_markdown_has_boxes_to_tick(root: Path, capsys: Captured) -> None:
    made(root, CHAIN)
    assert run(["plan", "--format", "markdown"]) == 0
    out = capsys.readouterr().out
    assert out.count("- [ ] `asyncshift apply --module") == 3
    assert "- [ ] **Wave 1**" in out
    assert "- [ ] **Last**: `asyncshift apply`" in out


def test_a_profile_decides_between_what_could_be_next(root: Path, capsys: Captured) -> None:
    waits = "import time\n\n\ndef {0}():\n    time.sleep({1})\n"
    made(root, {"a.py": waits.format("fast", 0), "b.py": waits.format("slow", 0.05)})
    assert steps(planned(capsys), "up") == [["a"], ["b"]]
    import cProfile

    space: dict[str, Any] = {}
    for name in ("a.py", "b.py"):
        exec(compile((root / name).read_text(), str(root / name), "exec"), space)
    with cProfile.Profile() as profile:
        space["fast"]()
        space["slow"]()
    profile.dump_stats(root / "run.prof")
    plan = planned(capsys, "--profile", "run.prof")
    assert steps(plan, "up") == [["b"], ["a"]]
    (wave,) = plan["orders"]["up"]["waves"]
    assert 0.04 < wave["seconds"] < 5
    assert [gain["entry"] for gain in wave["gains"]] == ["b:slow", "a:fast"]


def test_names_are_inert(root: Path, capsys: Captured) -> None:
    name = "red\x1b[31m\u202e<b>"
    made(root, {f"{name}.py": "import time\n\n\ndef f():\n    time.sleep(1)\n"})
    for form in ("text", "markdown", "json"):
        assert run(["plan", "--format", form]) == 0
        out = capsys.readouterr().out
        assert "red" in out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert form != "markdown" or "`red\\x1b[31m\\u202e<b>`" in out


def test_text_that_means_nothing_to_markdown() -> None:
    assert markdown("[x](y) <b> a_b *c*") == "\\[x\\]\\(y\\) \\<b\\> a\\_b \\*c\\*"
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"
    assert printable("plain ü ε") == "plain ü ε"
