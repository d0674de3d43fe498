"""Calls follow the coroutine's name, and lose what waited for it."""

from __future__ import annotations

import pytest

from tests.unit.rewrite_bench import A, Todo, do, migrated, plain, rewritten, rules

BRIDGE = {"bridge": "pkg._run_sync", "bridges": "pkg._run_sync"}
STANDS = {"bridges": "pkg._run_sync"}
FETCH = "pkg.api:fetch"


def forth(place: str, nth: int = 0, function: str = FETCH) -> Todo:
    name = function.rpartition(":")[2].rpartition(".")[2]
    return do(A.RETARGET, place, nth, was=name, name=f"{name}_async", function=function)


def back(place: str, nth: int = 0, function: str = f"{FETCH}_async") -> Todo:
    was = function.rpartition(":")[2].rpartition(".")[2]
    return do(A.RETARGET, place, nth, was=was, name=was.removesuffix("_async"), function=function)


FORMS = {
    "from pkg.api import fetch": "fetch(x)",
    "from .api import fetch": "fetch(x)",
    "from .api import close, fetch, open": "fetch(x) or open",
    "from .api import (\n    close,  # first\n    fetch,\n)": "fetch(x)",
    "from .api import fetch as f": "f(x)",
    "import pkg.api": "pkg.api.fetch(x)",
    "import pkg.api as a": "a.fetch(x)",
    "from pkg import api": "api.fetch(x)",
    "from . import api as a, b": "a.fetch(x)",
}


@pytest.mark.parametrize(("head", "call"), FORMS.items())
@pytest.mark.parametrize("body", ["return {}\n", "return {}, fetch_\n", "return ({}).json()\n"])
def test_there_and_back_in_every_form(head: str, call: str, body: str) -> None:
    """A coroutine calls the coroutine; when the facade goes, it calls it by its plain name."""
    before = f"import os\n\n{head}\n\nclose = 1\n\n\nasync def main(x):\n    {body.format(call)}"
    place = call.partition(" ")[0]
    once = migrated(before, do(A.AWAIT, place))
    mixed = migrated(before, forth(place), do(A.AWAIT, place))
    new = place.replace("fetch", "fetch_async") if "fetch" in place else "f_async(x)"
    assert f"await {new}" in mixed
    assert "fetch\n" not in mixed
    assert migrated(mixed, back(new)) == once


def test_both_names_while_both_are_called() -> None:
    before = """
        from .api import fetch, other


        def old(x):
            return fetch(x)


        async def new(x):
            return fetch(x)
    """
    mixed = migrated(before, forth("fetch(x)", 1), do(A.AWAIT, "fetch(x)", 1))
    assert "from .api import fetch, fetch_async, other\n" in mixed
    assert "    return fetch(x)\n" in mixed
    result = migrated(mixed, back("fetch_async(x)"))
    assert result == migrated(before, do(A.AWAIT, "fetch(x)", 1))


def test_imports_in_functions_stay_there() -> None:
    before = """
        async def main(x):
            from .api import fetch

            return fetch(x)


        async def other(x):
            from .api import fetch as get, rest

            return get(x), rest


        def sync(x):
            from .api import fetch

            return fetch(x)
    """
    after = """
        async def main(x):
            from .api import fetch_async

            return await fetch_async(x)


        async def other(x):
            from .api import fetch_async as get_async, rest

            return await get_async(x), rest


        def sync(x):
            from .api import fetch

            return fetch(x)
    """
    awaits = [do(A.AWAIT, "fetch(x)"), do(A.AWAIT, "get(x)")]
    mixed = migrated(before, forth("fetch(x)"), forth("get(x)"), *awaits)
    assert mixed == plain(after)
    result = migrated(mixed, back("fetch_async(x)"), back("get_async(x)"))
    assert result == migrated(before, *awaits)


def test_a_conditional_import_gets_one_more_name() -> None:
    before = """
        try:
            from pkg.api import fetch
        except ImportError:
            raise


        async def main(x):
            return fetch(x)
    """
    mixed = migrated(before, forth("fetch(x)"), do(A.AWAIT, "fetch(x)"))
    assert "    from pkg.api import fetch, fetch_async\n" in mixed
    result = migrated(mixed, back("fetch_async(x)"))
    assert result == migrated(before, do(A.AWAIT, "fetch(x)"))


def test_what_is_handed_on_is_imported_from_where_it_stands() -> None:
    before = "from pkg import fetch, other\n\nasync def main(x):\n    return fetch(x), other\n"
    mixed = migrated(before, forth("fetch(x)"), do(A.AWAIT, "fetch(x)"))
    assert "from pkg import other\nfrom pkg.api import fetch_async\n" in mixed
    before = "import pkg\n\nasync def main(x):\n    return pkg.fetch(x)\n"
    mixed = migrated(before, forth("pkg.fetch(x)"), do(A.AWAIT, "pkg.fetch(x)"))
    assert "fetch_async(x)" in mixed
    assert "pkg.fetch_async" not in mixed


def test_a_star_import() -> None:
    before = "from pkg.api import *\n\nasync def main(x):\n    return fetch(x)\n"
    mixed = migrated(before, forth("fetch(x)"), do(A.AWAIT, "fetch(x)"))
    assert "from pkg.api import *\nfrom pkg.api import fetch_async\n" in mixed


def test_a_name_that_others_import_from_here_stays() -> None:
    before = "from .api import fetch\n\nasync def main(x):\n    return fetch(x)\n"
    todo = [forth("fetch(x)"), do(A.AWAIT, "fetch(x)")]
    mixed = migrated(before, *todo, keep_imports="fetch")
    assert "from .api import fetch, fetch_async\n" in mixed
    result = migrated(mixed, back("fetch_async(x)"), keep_imports="fetch,fetch_async")
    assert result == migrated(before, todo[1], keep_imports="fetch")


@pytest.mark.parametrize("mark", ["", "  # noqa: F401"])
def test_a_name_that_exists_no_more_is_imported_by_nobody(mark: str) -> None:
    before = f"from .api import fetch_async{mark}\n\n\nasync def f(x):\n    await fetch_async(x)\n"
    after = f"from .api import fetch{mark}\n\n\nasync def f(x):\n    await fetch(x)\n"
    assert migrated(before, back("fetch_async(x)"), module="pkg", is_package=True) == after
    alone = f"from .api import a, fetch_async as f{mark}\n"
    result = migrated(alone, back("fetch_async as f"), module="pkg", is_package=True)
    assert result == alone.replace("fetch_async", "fetch")


def test_a_name_that_is_taken_here() -> None:
    before = """
        from .api import fetch


        def fetch_async():
            pass


        async def main(x):
            return fetch(x)
    """
    mixed = migrated(before, forth("fetch(x)"), do(A.AWAIT, "fetch(x)"))
    assert "from .api import fetch_async as fetch_async_2\n" in mixed
    assert "    return await fetch_async_2(x)\n" in mixed
    assert migrated(mixed, back("fetch_async_2(x)")) == migrated(before, do(A.AWAIT, "fetch(x)"))


# ----------------------------------------------------------------------------- the same file


@pytest.mark.parametrize(
    ("place", "function", "after"),
    [
        ("self.get(x)", "m:A.get", "self.get_async(x)"),
        ("super().get(x)", "m:A.get", "super().get_async(x)"),
        ("A.get(self, x)", "m:A.get", "A.get_async(self, x)"),
        ("make().one[0].get(x)", "m:A.get", "make().one[0].get_async(x)"),
        ("get(get)", "m:get", "get_async(get)"),
        ("inner.get(get(x))", "m:A.get", "inner.get_async(get(x))"),
    ],
)
def test_what_is_defined_here(place: str, function: str, after: str) -> None:
    head = "def get(x): pass\ndef get_async(x): pass\n\n"
    text = f"{head}class A(B):\n    async def f(self, x):\n        return {place}\n"
    mixed = migrated(text, forth(place, function=function), do(A.AWAIT, place))
    assert f"return await {after}\n" in mixed
    result = migrated(mixed, back(after, function=f"{function}_async"))
    assert result == migrated(text, do(A.AWAIT, place))


def test_a_nested_function() -> None:
    text = "async def f():\n    def get(): pass\n    return get()\n"
    mixed = migrated(text, forth("get()", function="m:f.get"), do(A.AWAIT, "get()"))
    assert mixed == text.replace("return get", "return await get_async")


@pytest.mark.parametrize(
    "text",
    [
        "from pkg.api import fetch\n\nasync def f(fetch):\n    return fetch(x)\n",
        "from pkg.api import fetch\n\nasync def f():\n    fetch = 1\n    return fetch(x)\n",
        "from pkg.api import fetch\nfetch = 1\nasync def f():\n    return fetch(x)\n",
        "def fetch(x): pass\n\nasync def f(fetch_async):\n    return fetch(x)\n",
        "try:\n    from a import fetch\nexcept E:\n    from b import fetch\n\n"
        "async def f():\n    return fetch(x)\n",
        "async def f(self):\n    return self.fetch(x)\n",
        "async def f():\n    return g(x)\n",
    ],
)
def test_what_cannot_follow_is_refused(text: str) -> None:
    place = "g(x)" if "g(x)" in text else "self.fetch(x)" if "self" in text else "fetch(x)"
    assert rules(text, forth(place)) == {"retarget"}


def test_an_attribute_that_is_a_variable() -> None:
    text = "async def f(self, c):\n    self.get = c.get\n    return self.get(x)\n"
    assert rules(text, forth("self.get(x)", function="m:C.get")) == {"retarget"}
    mixed = text.replace("c.get", "c.get_async")
    todo = [back(p, function="m:C.get_async") for p in ("c.get_async", "self.get(x)")]
    assert migrated(mixed, *todo) == text


# ----------------------------------------------------------------------------- wrappers


HEAD = "import asyncio\n\nfrom pkg._run_sync import {}\nfrom pkg.api import fetch\n\n\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return run_sync(fetch(x))", "return await fetch(x)"),
        ("return run_sync(fetch(x)).json()", "return (await fetch(x)).json()"),
        ("return -run_sync(fetch(x)) ** 2", "return -await fetch(x) ** 2"),
        ("return (run_sync(fetch(x)))", "return (await fetch(x))"),
        ("return f'{run_sync(fetch(x))}'", "return f'{await fetch(x)}'"),
        ("a, b = run_sync(\n        fetch(x)\n    )", "a, b = await fetch(x)"),
        (
            "a = run_sync(  # b\n        fetch(x)\n    )",
            "a = (  # b\n        await fetch(x)\n    )",
        ),
        ("a = run_sync(fetch(x),)", "a = await fetch(x)"),
    ],
)
def test_a_bridge_becomes_an_await(before: str, after: str) -> None:
    text = f"{HEAD.format('run_sync')}async def f(x):\n    {before}\n"
    wrapper = _call_at(before, "run_sync(")
    todo = [do(A.AWAIT, "fetch(x)"), do(A.UNWRAP, wrapper, wrapper="run_sync")]
    wanted = f"import asyncio\n\nfrom pkg.api import fetch\n\n\nasync def f(x):\n    {after}\n"
    assert migrated(text, *todo, **STANDS) == wanted


def _call_at(text: str, start: str) -> str:
    """The whole call that starts like this."""
    call = text[text.index(start) :]
    ends = (n for n, char in enumerate(call, 1) if char == ")")
    return next(call[:n] for n in ends if call[:n].count("(") == call[:n].count(")"))


@pytest.mark.parametrize(
    ("before", "wrapper", "after", "todo"),
    [
        (
            "for y in iter_sync(rows(x)):\n        pass",
            "iter_sync(rows(x))",
            "async for y in rows(x):\n        pass",
            A.ASYNC_FOR,
        ),
        (
            "return [y for y in iter_sync(rows(x))]",
            "iter_sync(rows(x))",
            "return [y async for y in rows(x)]",
            A.ASYNC_COMPREHENSION,
        ),
        (
            "with enter_sync(rows(x)) as y:\n        pass",
            "enter_sync(rows(x))",
            "async with rows(x) as y:\n        pass",
            A.ASYNC_WITH,
        ),
    ],
)
def test_loops_and_blocks(before: str, wrapper: str, after: str, todo: A) -> None:
    name = wrapper.partition("(")[0]
    text = f"from pkg._run_sync import {name}\n\n\nasync def f(x):\n    {before}\n"
    steps = [do(todo, wrapper), do(A.UNWRAP, wrapper, wrapper=name)]
    assert migrated(text, *steps, **STANDS) == f"async def f(x):\n    {after}\n"
    renamed = do(A.RETARGET, wrapper, was="rows", name="rows_async", function="m:rows")
    text = f"def rows(x): pass\n\n{text}"
    assert after.replace("rows", "rows_async") in migrated(text, renamed, *steps, **STANDS)


def test_what_takes_items_and_delegation() -> None:
    text = """
        from pkg._run_sync import iter_sync, run_sync


        async def f(it):
            yield from iter_sync(rows())
            a = list(iter_sync(rows())), run_sync(anext(it, 0)), next(iter_sync(rows()), 0)
            sum(iter_sync(x for x in rows()))
    """
    todo = [
        do(A.DELEGATE, "yield from iter_sync(rows())"),
        *(do(A.UNWRAP, "iter_sync(rows())", n, wrapper="iter_sync") for n in range(3)),
        do(A.CONSUME, "list(iter_sync(rows()))", consumer="list"),
        do(A.ANEXT, "anext(it, 0)"),
        do(A.UNWRAP, "run_sync(anext(it, 0))", wrapper="run_sync"),
        do(A.ANEXT, "next(iter_sync(rows()), 0)"),
        do(A.CONSUME, "sum(iter_sync(x for x in rows()))", consumer="sum"),
        do(A.UNWRAP, "iter_sync(x for x in rows())", wrapper="iter_sync"),
        do(A.ASYNC_COMPREHENSION, "rows()", 3),
    ]
    after = """
        async def f(it):
            async for item in rows():
                yield item
            a = [item async for item in rows()], await anext(it, 0), await anext(rows(), 0)
            sum([x async for x in rows()])
    """
    assert migrated(text, *todo, **STANDS) == plain(after)


@pytest.mark.parametrize("hop", ["asyncio.to_thread", "in_thread"])
@pytest.mark.parametrize(
    "call",
    [
        "fetch(x)",
        "fetch()",
        "self.fetch(x, *y, k=1, **z)",
        "fetch(x).json()",
        "fetch(\n        x,  # one\n        k=2,\n    )",
        "fetch(\n        x, 2\n    )",
        "make(1)[0](x)",
        "super().fetch(x)",
    ],
)
def test_a_thread_hop_becomes_a_call(hop: str, call: str) -> None:
    """What was put into a thread comes out of it as if it had always been awaited."""
    inner = call.removesuffix(".json()")
    text = f"import os\n\nasync def f(self, x):\n    return {call}\n"
    own = {"own": "1"} if hop == "in_thread" else {}
    mixed = migrated(text, do(A.TO_THREAD, inner, **own), **BRIDGE)
    assert f"await {hop}(" in mixed
    unwrap = do(A.UNWRAP, _call_at(mixed, f"{hop}("), wrapper=hop.removeprefix("asyncio."))
    assert migrated(mixed, unwrap, **STANDS) == migrated(text, do(A.AWAIT, inner))


def test_retarget_inside_of_wrappers() -> None:
    text = """
        import asyncio

        from pkg._run_sync import run_sync
        from pkg.api import fetch_async


        def f(x):
            return run_sync(fetch_async(x))


        async def g(x):
            await asyncio.wait_for(fetch_async(x), 1)
            return await asyncio.to_thread(fetch_async, x)
    """
    places = ["run_sync(fetch_async(x))", "asyncio.wait_for(fetch_async(x), 1)"]
    places.append("asyncio.to_thread(fetch_async, x)")
    result = migrated(text, *map(back, places), **STANDS)
    assert result == plain(text).replace("fetch_async", "fetch")


def test_runners_and_threads_are_exchanged() -> None:
    text = """
        import asyncio

        from pkg.api import main, slow


        async def f():
            await asyncio.to_thread(slow, 1)


        asyncio.run(main())
    """
    other = """
        from pkg._run_sync import in_thread, run
        from pkg.api import main, slow


        async def f():
            await in_thread(slow, 1)


        run(main())
    """
    todo = [
        do(A.RETHREAD, "asyncio.to_thread(slow, 1)", to="in_thread"),
        do(A.RERUN, "asyncio.run(main())", to="bridge"),
    ]
    assert migrated(text, *todo, **BRIDGE) == plain(other)
    assert rewritten(plain(text), *todo, **BRIDGE).bridged
    assert migrated(other, do(A.RERUN, "run(main())", to="bridge"), **BRIDGE) == plain(other)
    todo = [
        do(A.RETHREAD, "in_thread(slow, 1)", to="to_thread"),
        do(A.RERUN, "run(main())", to="asyncio.run"),
    ]
    assert migrated(other, *todo, **STANDS) == plain(text)
    assert migrated(text, do(A.RERUN, "asyncio.run(main())", to="asyncio.run")) == plain(text)


def test_a_run_with_options_stays() -> None:
    text = "import asyncio\n\nasyncio.run(main(), debug=True)\n"
    result = rewritten(text, do(A.RERUN, "asyncio.run(main(), debug=True)", to="bridge"), **BRIDGE)
    assert result.text == text
    assert [message.rule for message in result.messages] == ["run-options"]


@pytest.mark.parametrize("form", ["import pkg._run_sync", "from pkg import _run_sync"])
def test_the_bridge_as_a_module(form: str) -> None:
    name = form.replace("from pkg import ", "").replace("import ", "")
    text = f"import pkg.api\n{form}\n\n\nasync def f(x):\n    {name}.run_sync(pkg.api.fetch(x))\n"
    place = f"{name}.run_sync(pkg.api.fetch(x))"
    todo = [do(A.AWAIT, "pkg.api.fetch(x)"), do(A.UNWRAP, place, wrapper="run_sync")]
    after = "import pkg.api\n\n\nasync def f(x):\n    await pkg.api.fetch(x)\n"
    assert migrated(text, *todo, **STANDS) == after


def test_the_bridge_in_a_package() -> None:
    text = "from ._run_sync import run_sync\n\n\nasync def f(x):\n    run_sync(g(x))\n"
    todo = [do(A.AWAIT, "g(x)"), do(A.UNWRAP, "run_sync(g(x))", wrapper="run_sync")]
    after = "async def f(x):\n    await g(x)\n"
    assert migrated(text, *todo, module="pkg", is_package=True, **STANDS) == after


@pytest.mark.parametrize("call", ["asyncio.to_thread(*a)", "asyncio.to_thread(func=f)"])
def test_unwrapping_what_is_not_plain_is_refused(call: str) -> None:
    text = f"import asyncio\n\nasync def f(a):\n    await {call}\n"
    assert rules(text, do(A.UNWRAP, call, wrapper="to_thread")) == {"unwrap"}
