"""Small programs that random ones (tests/fuzz) were reduced to: each broke a step once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from asyncshift.cli import run

LEAF = "import time\n\n\ndef ask(x):\n    time.sleep(0)\n    return x\n"


def write(root: Path, **files: str) -> None:
    (root / "pkg").mkdir(exist_ok=True)
    (root / "pkg" / "__init__.py").touch()
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.write_text(text)


def step(root: Path, *modules: str) -> None:
    named = [word for module in modules for word in ("--module", module)]
    assert run(["apply", str(root), "--yes", "--jobs", "1", *named]) == 0


def test_a_program_that_reaches_a_bridge_starts_on_its_loop_at_once(tmp_path: Path) -> None:
    """Not only in the step after, and not with a bridge module of its own."""
    item = (
        "from pkg.api import ask\n\n\nclass Item:\n"
        "    @property\n    def size(self):\n        return ask(1)\n"
        "    @size.setter\n    def size(self, size):\n        pass\n"
    )
    main = (
        "from pkg.api import ask\nfrom pkg.shop import Item\n\n\n"
        "def main():\n    print(ask(2), Item().size)\n\n\n"
        'if __name__ == "__main__":\n    main()\n'
    )
    write(tmp_path, pkg__api=LEAF, pkg__shop=item, main=main)
    step(tmp_path)
    after = (tmp_path / "main.py").read_text()
    assert "    run(main())" in after
    step(tmp_path)
    assert (tmp_path / "main.py").read_text() == after
    assert not (tmp_path / "_run_sync.py").exists()


def test_a_program_that_reaches_no_bridge_starts_as_always(tmp_path: Path) -> None:
    lazy = "from pkg.api import ask\n\nclass Item:\n"
    lazy += "    @property\n    def size(self):\n        return ask(1)\n"
    main = 'from pkg.api import ask\n\nif __name__ == "__main__":\n    ask(1)\n'
    write(tmp_path, pkg__api=LEAF, pkg__shop=lazy, main=main)
    step(tmp_path)
    assert (tmp_path / "pkg" / "_run_sync.py").exists()
    assert "asyncio.run(ask(1))" in (tmp_path / "main.py").read_text()


def test_what_iter_gives_is_bridged_once(tmp_path: Path) -> None:
    rows = "import time\n\n\ndef rows(x):\n    time.sleep(0)\n    yield x\n"
    size = """
        class Item:
            @property
            def size(self):
                for one in iter(rows(1)):
                    print(one)
                total = sum(rows(next(iter(rows(2)), 0)))
                return next(iter(rows(1)), 0) + len(list(iter(iter(rows(2))))) + total
    """
    main = "from pkg.shop import Item\n\nprint(Item().size)\n"
    shop = "from pkg.api import rows\n" + dedent(size)
    write(tmp_path, pkg__api=rows, pkg__shop=shop, main=main)
    step(tmp_path)
    after = (tmp_path / "pkg" / "shop.py").read_text()
    assert "for one in iter(iter_sync(rows(1))):" in after
    assert "sum(iter_sync(rows(next(iter(iter_sync(rows(2))), 0))))" in after
    assert "next(iter(iter_sync(rows(1))), 0)" in after
    assert "len(list(iter(iter(iter_sync(rows(2))))))" in after


def test_what_in_searches_is_bridged(tmp_path: Path) -> None:
    rows = "import time\n\n\ndef rows(x):\n    time.sleep(0)\n    yield x\n"
    shop = (
        "from pkg.api import rows\n\n\nclass Item:\n    @property\n"
        "    def size(self):\n        return 2 in rows(2), 1 not in rows(1)\n"
    )
    main = "from pkg.shop import Item\n\nprint(Item().size)\n"
    write(tmp_path, pkg__api=rows, pkg__shop=shop, main=main)
    step(tmp_path)
    after = (tmp_path / "pkg" / "shop.py").read_text()
    assert "return 2 in iter_sync(rows(2)), 1 not in iter_sync(rows(1))" in after


def test_the_ledger_keeps_what_it_says_of_enter_and_exit(tmp_path: Path) -> None:
    """They have other names from then on, without anything beside them."""
    store = (
        "import time\n\n\nclass Store:\n"
        "    def __enter__(self):\n        time.sleep(0)\n        return self\n\n"
        "    def __exit__(self, *exc):\n        time.sleep(0)\n"
    )
    use = "\n\ndef use():\n    with Store() as store:\n        return store\n"
    write(tmp_path, pkg__api=store + use, main="from pkg.api import use\n\nprint(use())\n")
    step(tmp_path)
    ledger = tmp_path / ".asyncshift" / "ledger" / "pkg.api.json"
    before = ledger.read_text()
    assert "Store.__enter__" in before
    step(tmp_path)
    assert ledger.read_text() == before


def test_check_knows_that_a_thread_consumes_a_generator_expression(tmp_path: Path) -> None:
    def stock(call: str) -> str:
        head = "import asyncio\nfrom pkg.api import ask\n\n\nasync def one():\n"
        return f"{head}    return {call}\n"

    write(
        tmp_path,
        pkg__api=LEAF,
        pkg__stock=stock("await asyncio.to_thread(any, (ask(i) for i in 'ab'))"),
    )
    assert run(["check", str(tmp_path), "--jobs", "1"]) == 0
    write(tmp_path, pkg__stock=stock("await asyncio.to_thread(','.join, (ask(i) for i in 'ab'))"))
    assert run(["check", str(tmp_path), "--jobs", "1"]) == 0
    write(tmp_path, pkg__stock=stock("any(ask(i) for i in 'ab')"))
    assert run(["check", str(tmp_path), "--jobs", "1"]) == 1


@pytest.mark.parametrize(
    ("call", "after"),
    [
        (
            "any(ask(i) > 1 for i in rows(x))",
            "await anext((True async for i in rows(x) if await ask(i) > 1), False)",
        ),
        ("any(rows(x))", "await anext((True async for item in rows(x) if item), False)"),
        ("not all(rows(x))", "await anext((True async for item in rows(x) if not item), False)"),
        ("sum(rows(x), 1)", "sum([item async for item in rows(x)], 1)"),
        ("','.join(rows(x))", "','.join([item async for item in rows(x)])"),
    ],
)
def test_what_consumes_a_generator_leaves_its_thread(tmp_path: Path, call: str, after: str) -> None:
    rows = "import time\n\n\ndef rows(x):\n    time.sleep(0)\n    yield x\n"
    head = "import time\nfrom pkg.api import rows\nfrom pkg.stock import ask\n\n\n"
    main = f"{head}def main(x):\n    time.sleep(0)\n    return {call}\n\n\nprint(main(1))\n"
    write(tmp_path, pkg__api=rows, pkg__stock=LEAF, main=main)
    step(tmp_path, "main")
    assert "_thread(" in (tmp_path / "main.py").read_text()
    step(tmp_path)
    text = (tmp_path / "main.py").read_text()
    assert f"    return {after}\n" in text
    assert "asyncio.run(main(1))" in text  # the thread was the last that needed the bridge


def test_a_script_has_the_bridge_module_of_the_package_that_it_imports(tmp_path: Path) -> None:
    main = "import time\nimport pkg.api\n\n\ndef work():\n    time.sleep(0)\n    pkg.api.ask(1)\n"
    write(tmp_path, pkg__api=LEAF, main=main)
    step(tmp_path, "main")
    assert "from pkg._run_sync import run_sync" in (tmp_path / "main.py").read_text()
    assert (tmp_path / "pkg" / "_run_sync.py").exists()
    assert not (tmp_path / "_run_sync.py").exists()


def test_a_script_that_imports_no_package_has_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(LEAF)
    main = "import time\nimport other\n\n\ndef work():\n    time.sleep(0)\n    other.ask(1)\n"
    write(tmp_path, main=main)
    step(tmp_path, "main")
    assert "from _run_sync import run_sync" in (tmp_path / "main.py").read_text()
    assert (tmp_path / "_run_sync.py").exists()


@pytest.mark.parametrize(
    "call",
    ["next(map(ask, xs))", "xs.sort(key=ask)", "next(filter(lambda x: ask(x) > 1, xs))"],
)
def test_what_calls_a_blocking_function_at_once_keeps_its_caller_sync(
    tmp_path: Path, call: str
) -> None:
    """In one step and in many: `await` has no place there, and the loop would stand still."""
    head = "import time\nfrom pkg.api import ask\n\n\n"
    shop = f"{head}def total(xs):\n    time.sleep(0)\n    return {call}\n"
    head = "import time\nfrom pkg.shop import total\n\n\n"
    main = f"{head}def main():\n    time.sleep(0)\n    total([1])\n"
    write(tmp_path, pkg__api=LEAF, pkg__shop=shop, main=main)
    step(tmp_path, "pkg.shop")
    assert (tmp_path / "pkg" / "shop.py").read_text() == shop
    step(tmp_path)
    assert "\ndef total(xs):\n    time.sleep(0)\n" in (tmp_path / "pkg" / "shop.py").read_text()
    assert "_thread(total, [1])" in (tmp_path / "main.py").read_text()


@pytest.mark.parametrize(
    ("call", "then"),
    [
        ("sum(map(ask, xs))", "sum([await ask(item) for item in xs])"),
        ("max(xs, key=ask)", "max([(await ask(item), item) for item in xs], key=lambda pair: p"),
        ("list(filter(lambda x: ask(x) > 1, xs))", "[x for x in xs if await ask(x) > 1]"),
    ],
)
@pytest.mark.parametrize("first", ["pkg.shop", "pkg.api", "main"])
def test_what_calls_a_function_at_once_awaits_it_when_both_turn(
    tmp_path: Path, call: str, then: str, first: str
) -> None:
    head = "import time\nfrom pkg.api import ask\n\n\n"
    shop = f"{head}def total(xs):\n    time.sleep(0)\n    return {call}\n"
    main = "from pkg.shop import total\n\n\ndef main():\n    print(total([1]))\n"
    write(tmp_path, pkg__api=LEAF, pkg__shop=shop, main=main)
    step(tmp_path, first)
    step(tmp_path)
    after = (tmp_path / "pkg" / "shop.py").read_text()
    assert "\nasync def total(xs):\n" in after
    assert f"    return {then}" in after
    assert "print(await total([1]))" in (tmp_path / "main.py").read_text()


def test_what_calls_a_blocking_function_later_does_not(tmp_path: Path) -> None:
    shop = (
        "import threading\nimport time\nfrom pkg.api import ask\n\n\n"
        "def total(xs):\n    time.sleep(0)\n    threading.Thread(target=ask, args=(1,)).start()\n"
        "    return sorted(xs, key=len)\n"
    )
    write(tmp_path, pkg__api=LEAF, pkg__shop=shop)
    step(tmp_path)
    assert "async def total(xs):" in (tmp_path / "pkg" / "shop.py").read_text()


@pytest.mark.parametrize("name", ["'as' + 'k'", "f'ask'", "''.join(('as', 'k'))", "f'a{s}k'"])
def test_a_computed_name_is_still_there(tmp_path: Path, name: str) -> None:
    """One that is known is a call like any other, for one that is not a facade stays."""
    main = f"import pkg.api\n\ns = 's'\nprint(getattr(pkg.api, {name})(1))\n"
    write(tmp_path, pkg__api=LEAF, main=main)
    named = ["--module", "pkg.api", "--boundary", "bridge", "--edit-callers"]
    assert run(["apply", str(tmp_path), "--yes", "--jobs", "1", *named]) == 0
    assert prints(tmp_path) == ("1\n", "")


def test_a_private_name_that_is_put_together_is_still_there(tmp_path: Path) -> None:
    main = "import pkg.api\n\nprint(getattr(pkg.api, ''.join(('_a', 'sk')))(1))\n"
    write(tmp_path, pkg__api=LEAF.replace("ask", "_ask"), main=main)
    named = ["--module", "pkg.api", "--boundary", "bridge", "--edit-callers"]
    assert run(["apply", str(tmp_path), "--yes", "--jobs", "1", *named]) == 0
    assert prints(tmp_path) == ("1\n", "")


def prints(root: Path) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize("call", ["other(1)", "f(1)", "pkg.api.ask(1)"])
def test_a_decorated_function_keeps_its_facade_under_any_name(tmp_path: Path, call: str) -> None:
    """The wrapper is what is called, and under which name is not always plain."""
    log = (
        "import functools\nimport time\n\n\ndef log(f):\n    @functools.wraps(f)\n"
        "    def wrapper(*args):\n        time.sleep(0)\n        return f(*args)\n"
        "    return wrapper\n"
    )
    main = (
        "import pkg.api\nfrom pkg.api import ask as other\n\nf = other\n\n\n"
        f"def main():\n    return {call}\n\n\nprint(main())\n"
    )
    decorated = LEAF.replace("def ask", "@log\ndef ask")
    write(tmp_path, pkg__log=log, pkg__api=f"from pkg.log import log\n{decorated}", main=main)
    for module in ("main", "pkg.api", "pkg.log"):
        step(tmp_path, module)
        assert prints(tmp_path) == ("1\n", "")
    step(tmp_path)
    assert prints(tmp_path) == ("1\n", "")
    assert "in_thread" not in (tmp_path / "main.py").read_text()


def test_a_name_that_a_decorator_keeps_sync_needs_no_facade(tmp_path: Path) -> None:
    """Its wrapper stays sync, because `map` calls it, and waits: there is no coroutine to run."""
    log = (
        "import functools\n\n\ndef log(f):\n    @functools.wraps(f)\n"
        "    def wrapper(*args):\n        return f(*args)\n    return wrapper\n"
    )
    api = f"from pkg.log import log\n{LEAF.replace('def ask', '@log' + chr(10) + 'def ask')}"
    main = "from pkg.api import ask\n\nprint(ask(0), sum(map(ask, [1, 2])))\n"
    write(tmp_path, pkg__log=log, pkg__api=api, main=main)
    step(tmp_path, "pkg.api", "pkg.log")
    after = (tmp_path / "pkg" / "api.py").read_text()
    assert "async def ask(x):" in after
    assert "return run_sync(f(*args))" in (tmp_path / "pkg" / "log.py").read_text()
    assert prints(tmp_path) == ("0 3\n", "")
    step(tmp_path)
    assert (tmp_path / "pkg" / "api.py").read_text() == after
    assert prints(tmp_path) == ("0 3\n", "")


def test_a_name_that_a_decorator_made_async_needs_no_facade(tmp_path: Path) -> None:
    """Its wrapper turned in an earlier step, and who calls it waits for that."""
    log = (
        "import functools\nimport time\n\n\ndef log(f):\n    @functools.wraps(f)\n"
        "    def wrapper(*args):\n        time.sleep(0)\n        return f(*args)\n"
        "    return wrapper\n"
    )
    api = "from pkg.log import log\nfrom pkg.leaf import ask\n\n\n"
    api += "@log\ndef work(x):\n    return ask(x)\n"
    main = "from pkg.api import work\n\n\ndef main():\n    print(work(1))\n\n\nmain()\n"
    write(tmp_path, pkg__log=log, pkg__leaf=LEAF, pkg__api=api, main=main)
    always = ["--yes", "--jobs", "1", "--boundary", "bridge", "--edit-callers"]
    for modules in (["pkg.log", "pkg.api"], ["pkg.leaf"]):
        named = [word for module in modules for word in ("--module", module)]
        assert run(["apply", str(tmp_path), *always, *named]) == 0
        assert prints(tmp_path) == ("1\n", "")
    assert "async def work(x):" in (tmp_path / "pkg" / "api.py").read_text()
    step(tmp_path)
    assert prints(tmp_path) == ("1\n", "")
    assert "run_sync" not in (tmp_path / "main.py").read_text()


def test_what_one_call_reaches_has_facades_together(tmp_path: Path) -> None:
    call = "def call(f):\n    return f(1)\n"
    stock = LEAF.replace("ask", "_find")
    main = (
        "from pkg.api import ask\nfrom pkg.call import call\nfrom pkg.stock import _find\n\n\n"
        "def main():\n    return call(ask), call(_find)\n\n\nprint(main())\n"
    )
    write(tmp_path, pkg__api=LEAF, pkg__stock=stock, pkg__call=call, main=main)
    named = [word for m in ("api", "call", "stock") for word in ("--module", f"pkg.{m}")]
    always = ["--boundary", "bridge", "--edit-callers", "--jobs", "1", "--yes"]
    assert run(["apply", str(tmp_path), *always, *named]) == 0
    assert prints(tmp_path) == ("(1, 1)\n", "")
    assert "ask_async" in (tmp_path / "pkg" / "api.py").read_text()
    step(tmp_path)
    assert prints(tmp_path) == ("(1, 1)\n", "")
    assert "ask_async" not in (tmp_path / "pkg" / "api.py").read_text()


@pytest.mark.parametrize("kept", ["", "  # asyncshift: keep-sync (as it was)"])
def test_a_wrapper_waits_for_what_it_is_put_around(tmp_path: Path, kept: str) -> None:
    """What a decorator makes async has a facade, or the wrapper stays sync in this step."""
    users = (
        "import functools\nimport time\n\n\ndef traced(f):\n    @functools.wraps(f)\n"
        "    def wrapper(*args):\n        time.sleep(0)\n        return f(*args)\n\n"
        "    return wrapper\n"
    )
    stock = (
        "import time\nfrom pkg.users import traced\n\n\n@traced\n"
        f"def fetch(x):{kept}\n    time.sleep(0)\n    return x\n"
    )
    main = "from pkg import stock\n\n\ndef show():\n    return stock.fetch(2) + 1\n\n\n"
    main += "print(show())\n"
    write(tmp_path, pkg__users=users, pkg__stock=stock, main=main)
    for module in ("pkg.users", "pkg.stock"):
        step(tmp_path, module)
        assert prints(tmp_path) == ("3\n", "")
