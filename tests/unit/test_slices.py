"""What one step of an incremental migration decides: scope, closure, facades, dissolving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asyncshift.config import Config, load_config
from asyncshift.errors import InputError
from asyncshift.model import Action, Decision, Plan
from asyncshift.pipeline import analyse, changes
from asyncshift.scope import Choice

API = "import requests\n\ndef fetch(url):\n    return requests.get(url, timeout=5).text\n"
SHOP = "from api import fetch\n\ndef price(name):\n    return len(fetch(name))\n"


class Tree:
    """A small project on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, **files: str) -> Tree:
        for name, text in files.items():
            path = self.root / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self

    def config(self, **settings: Any) -> Config:
        return load_config(self.root, {"cache": False, "jobs": 1, **settings})

    def plan(self, *modules: str, choice: Choice | None = None, **settings: Any) -> Plan:
        config = self.config(modules=modules, **settings)
        return analyse([self.root], config, choice=choice or Choice()).plan


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    return Tree(tmp_path)


def made(plan: Plan, action: Action) -> list[Decision]:
    return [d for d in plan.decisions if d.action is action]


def facades(plan: Plan) -> dict[str, str]:
    """path:line -> name of the coroutine."""
    return {
        f"{d.path}:{d.span[0]}": d.detail["facade"]
        for d in made(plan, Action.MAKE_ASYNC)
        if "facade" in d.detail
    }


def changed(plan: Plan) -> set[str]:
    return {d.path for d in plan.decisions}


def rules(plan: Plan) -> set[tuple[str, str, int]]:
    return {(r.rule, r.path, r.span[0]) for r in plan.refusals}


# ------------------------------------------------------------------ scope


def test_a_selected_module_turns_and_its_unselected_callers_keep_the_sync_name(tree: Tree) -> None:
    plan = tree.write(api=API, shop=SHOP).plan("api")
    assert changed(plan) == {"api.py"}
    assert facades(plan) == {"api.py:3": "fetch_async"}


def test_with_everything_selected_no_facade_is_needed(tree: Tree) -> None:
    plan = tree.write(api=API, shop=SHOP).plan()
    assert changed(plan) == {"api.py", "shop.py"}
    assert facades(plan) == {}


def test_all_modules_named_is_everything(tree: Tree) -> None:
    plan = tree.write(api=API, shop=SHOP).plan("api", "sh*")
    assert facades(plan) == {}
    assert len(made(plan, Action.AWAIT)) == 1


def test_a_module_above_does_nothing_by_itself(tree: Tree) -> None:
    assert tree.write(api=API, shop=SHOP).plan("shop").decisions == ()


def test_private_functions_that_only_the_slice_calls_need_no_facade(tree: Tree) -> None:
    api = API.replace("fetch", "_fetch") + "\ndef load(url):\n    return _fetch(url)\n"
    plan = tree.write(api=api, shop="from api import load\n\nload\n").plan("api")
    assert facades(plan) == {"api.py:6": "load_async"}


def test_a_private_function_that_is_called_from_outside_has_one(tree: Tree) -> None:
    api = API.replace("fetch", "_fetch")
    plan = tree.write(api=api, shop=SHOP.replace("fetch", "_fetch")).plan("api")
    assert facades(plan) == {"api.py:3": "_fetch_async"}


def test_awaiting_callers_in_the_slice_use_the_coroutines_name(tree: Tree) -> None:
    both = tree.write(api=API, shop=SHOP, cli="import shop\n\nshop.price('x')\n")
    plan = both.plan("api", "shop")
    (retarget,) = made(plan, Action.RETARGET)
    assert (retarget.detail["was"], retarget.detail["name"]) == ("fetch", "fetch_async")


def test_import_time_calls_outside_keep_a_function_sync(tree: Tree) -> None:
    tree.write(api=API, shop=SHOP, conf="import shop\nX = shop.price('x')\n", main="import conf\n")
    assert tree.plan("api", "shop").turned == frozenset()


def test_an_unknown_module_names_the_nearest(tree: Tree) -> None:
    with pytest.raises(InputError, match="no module apii") as caught:
        tree.write(api=API).plan("apii")
    assert "api" in str(caught.value)


def test_an_entry_point_takes_what_it_reaches_and_nothing_else(tree: Tree) -> None:
    other = "import requests\n\ndef other(url):\n    return requests.get(url).text\n"
    tree.write(api=API + other.partition("\n")[2], shop=SHOP)
    plan = tree.plan(entries=("shop:price",))
    assert {d.span[0] for d in made(plan, Action.MAKE_ASYNC) if d.path == "api.py"} == {3}
    assert {d.path for d in made(plan, Action.MAKE_ASYNC)} == {"api.py", "shop.py"}


def test_an_unknown_entry_point_is_an_error(tree: Tree) -> None:
    with pytest.raises(InputError, match="no function shop:prize"):
        tree.write(shop=SHOP, api=API).plan(entries=("shop:prize",))


def test_what_an_earlier_step_migrated_stays_in_scope(tree: Tree) -> None:
    tree.write(api=API, shop=SHOP)
    plan = tree.plan("shop", choice=Choice(migrated=frozenset({"api"})))
    assert changed(plan) == {"api.py", "shop.py"}


def test_what_the_user_declined_stays_and_its_callees_keep_a_sync_name(tree: Tree) -> None:
    tree.write(api=API, shop=SHOP)
    plan = tree.plan(choice=Choice(declined=frozenset({"shop:price"})))
    assert changed(plan) == {"api.py"}
    assert facades(plan) == {"api.py:3": "fetch_async"}


def test_only_the_chosen_functions_turn(tree: Tree) -> None:
    tree.write(api=API, shop=SHOP)
    plan = tree.plan(choice=Choice(only=frozenset({"api:fetch"})))
    assert changed(plan) == {"api.py"}


def test_the_facades_name_is_a_setting_and_never_one_that_is_taken(tree: Tree) -> None:
    tree.write(api=API, shop=SHOP)
    assert facades(tree.plan("api", facade_name="a{name}")) == {"api.py:3": "afetch"}
    tree.write(api=API + "\ndef fetch_async():\n    pass\n")
    assert facades(tree.plan("api")) == {"api.py:3": "fetch_async_"}


# ------------------------------------------------------------------ closure

CLIENT = """import requests

class Api:
    def __init__(self):
        self.session = requests.Session()

    def get(self, url):
        return self.session.get(url, timeout=5)
"""


def test_a_response_that_unselected_code_uses_keeps_the_client(tree: Tree) -> None:
    tree.write(
        api=CLIENT, view="from api import Api\n\ndef show():\n    return Api().get('u').ok\n"
    )
    plan = tree.plan("api")
    assert plan.turned == frozenset()
    assert ("slice-open", "view.py", 4) in rules(plan)
    assert "--module view" in next(r.way_out for r in plan.refusals if r.rule == "slice-open")


def test_with_consent_the_line_outside_is_edited(tree: Tree) -> None:
    tree.write(
        api=CLIENT, view="from api import Api\n\ndef show():\n    return Api().get('u').ok\n"
    )
    plan = tree.plan("api", edit_callers=True)
    assert [d.detail["api"] for d in plan.decisions if d.path == "view.py"] == [
        "requests.Response.ok"
    ]
    assert rules(plan) == set()


def test_a_session_that_unselected_code_calls_cannot_move_even_with_consent(tree: Tree) -> None:
    tree.write(
        api=CLIENT,
        raw="from api import Api\n\ndef raw():\n    return Api().session.get('u', timeout=1)\n",
    )
    plan = tree.plan("api", edit_callers=True)
    assert plan.turned == frozenset()
    assert ("slice-open", "raw.py", 4) in rules(plan)


def test_a_handler_outside_that_would_miss_the_new_error_keeps_the_call(tree: Tree) -> None:
    handler = (
        "import requests\nfrom api import fetch\n\ndef safe():\n    try:\n"
        "        return fetch('u')\n    except requests.RequestException:\n        return None\n"
    )
    plan = tree.write(api=API, safe=handler).plan("api")
    assert plan.turned == frozenset()
    assert ("slice-handler", "safe.py", 7) in rules(plan)


def test_with_consent_the_handler_catches_both(tree: Tree) -> None:
    handler = (
        "import requests\nfrom api import fetch\n\ndef safe():\n    try:\n"
        "        requests.get('x')\n        return fetch('u')\n"
        "    except requests.RequestException:\n        return None\n"
    )
    plan = tree.write(api=API, safe=handler).plan("api", edit_callers=True)
    (edit,) = [d for d in plan.decisions if d.path == "safe.py"]
    assert edit.detail["way"] == "both"


def test_a_handler_that_the_call_does_not_reach_is_no_matter(tree: Tree) -> None:
    handler = (
        "import requests\nfrom api import fetch\n\ndef safe():\n    fetch('u')\n    try:\n"
        "        return requests.get('u')\n    except requests.RequestException:\n"
        "        return None\n"
    )
    plan = tree.write(api=API, safe=handler).plan("api")
    assert changed(plan) == {"api.py"}


SHARED = "import requests\n\nERRORS = (requests.Timeout, ValueError)\n"
ASKING = (
    "import requests\nfrom errors import ERRORS\n\n\ndef fetch(url):\n    try:\n"
    "        return requests.get(url, timeout=1).text\n    except ERRORS:\n        return None\n"
)


def test_a_handler_whose_classes_are_named_outside_keeps_the_call(tree: Tree) -> None:
    plan = tree.write(errors=SHARED, asks=ASKING).plan("asks")
    assert plan.turned == frozenset()
    (refusal,) = [r for r in plan.refusals if r.rule == "slice-handler"]
    assert "reads requests.Timeout from errors, which is not selected" in refusal.reason


def test_with_consent_the_classes_change_where_they_are_named(tree: Tree) -> None:
    plan = tree.write(errors=SHARED, asks=ASKING).plan("asks", edit_callers=True)
    assert changed(plan) == {"asks.py", "errors.py"}


def test_classes_that_no_handler_here_asks_for_are_no_matter(tree: Tree) -> None:
    plan = tree.write(errors=SHARED, api=API).plan("api")
    assert changed(plan) == {"api.py"}


def test_isinstance_outside_keeps_the_client(tree: Tree) -> None:
    check = "import requests\n\ndef is_one(x):\n    return isinstance(x, requests.Response)\n"
    plan = tree.write(api=CLIENT, check=check).plan("api")
    assert ("slice-open", "check.py", 4) in rules(plan)
    assert plan.turned == frozenset()


def test_a_family_over_two_modules_turns_together_or_waits(tree: Tree) -> None:
    tree.write(
        base=CLIENT,
        special="from base import Api\n\nclass Special(Api):\n    def get(self, url):\n"
        "        return super().get(url + '?special')\n",
        use="from special import Special\n\ndef use(api: Special):\n    return api.get('u').text\n",
    )
    plan = tree.plan("base", "use")
    assert plan.turned == frozenset()
    assert ("slice-family", "special.py", 4) in rules(plan)


def test_an_async_caller_outside_keeps_a_function_sync(tree: Tree) -> None:
    view = "from api import fetch\n\nasync def view():\n    return fetch('u')\n"
    plan = tree.write(api=API, view=view).plan("api")
    assert plan.turned == frozenset()
    assert ("slice-async-caller", "view.py", 4) in rules(plan)


def test_a_call_under_a_lock_outside_keeps_a_function_sync(tree: Tree) -> None:
    locked = (
        "import threading\nfrom api import fetch\n\nLOCK = threading.RLock()\n\n"
        "def once():\n    with LOCK:\n        return fetch('u')\n"
    )
    assert tree.write(api=API, locked=locked).plan("api").turned == frozenset()


def test_boundary_bridge_edits_certain_callers_with_consent(tree: Tree) -> None:
    tree.write(api=API, shop=SHOP)
    plan = tree.plan("api", boundary="bridge", edit_callers=True)
    assert [d.path for d in made(plan, Action.BRIDGE)] == ["shop.py"]
    assert facades(plan) == {}


def test_boundary_bridge_without_consent_names_the_line(tree: Tree) -> None:
    plan = tree.write(api=API, shop=SHOP).plan("api", boundary="bridge")
    assert ("slice-bridge", "shop.py", 4) in rules(plan)
    assert plan.decisions == ()


def test_boundary_bridge_names_a_call_that_is_not_certain_as_that(tree: Tree) -> None:
    api = "import time\n\nclass Pace:\n    def wait(self):\n        time.sleep(1)\n"
    shop = "def sell(pace):\n    pace.wait()\n"
    main = "from api import Pace\nfrom shop import sell\n\nclass Fast:\n    def wait(self): ...\n\n"
    main += "for pace in Pace(), Fast():\n    sell(pace)\n"
    main += "import others\nothers.register(sell)\n"
    tree.write(api=api, shop=shop, main=main)
    plan = tree.plan("api", boundary="bridge", edit_callers=True)
    (refusal,) = [r for r in plan.refusals if r.rule == "slice-bridge"]
    assert "not certain" in refusal.reason
    assert "--edit-callers" not in refusal.way_out


# ------------------------------------------------------------------ unseen callers


@pytest.mark.parametrize(
    "caller",
    [
        "import api\n\ndef run(name):\n    return getattr(api, name)('u')\n",
        "TASK = 'api.fetch'\n",
    ],
    ids=["getattr", "string"],
)
def test_callers_that_reach_it_by_name_keep_the_sync_name(tree: Tree, caller: str) -> None:
    plan = tree.write(api=API, caller=caller).plan()
    assert facades(plan) == {"api.py:3": "fetch_async"}
    assert any(m.rule == "reached-by-name" for m in plan.messages)


def test_a_patched_name_goes_on_being_used(tree: Tree) -> None:
    tree.write(
        api=API,
        shop=SHOP,
        cli="",
        tests__test_shop="import shop\nfrom unittest import mock\n\ndef test_it():\n"
        "    with mock.patch('shop.fetch', return_value='x'):\n"
        "        assert shop.price('x') == 1\n",
        other="X = 1\n\ndef f():\n    return X\n",
    )
    plan = tree.plan("api", "shop")
    (hop,) = made(plan, Action.TO_THREAD)
    assert (hop.path, hop.detail) == ("shop.py", {"own": "1"})


# ------------------------------------------------------------------ dissolving

MIXED_API = '''import httpx

from _run_sync import run_sync


async def fetch_async(url):
    async with httpx.AsyncClient() as client:
        return (await client.get(url, timeout=5)).text


def fetch(url):
    """`fetch_async`, for callers that are not async."""
    return run_sync(fetch_async(url))
'''
BRIDGE = '"""Generated by asyncshift."""\n\ndef run_sync(awaitable):\n    ...\n'


def test_a_facade_without_sync_callers_goes(tree: Tree) -> None:
    plan = tree.write(api=MIXED_API, shop=SHOP, _run_sync=BRIDGE).plan()
    assert len(made(plan, Action.DROP_FACADE)) == 1
    assert [d.detail["to"] for d in made(plan, Action.RENAME)] == ["fetch"]
    assert [d.path for d in made(plan, Action.AWAIT)] == ["shop.py"]
    assert made(plan, Action.RETARGET) == []


def test_a_facade_that_is_still_called_stays_and_async_callers_go_past_it(tree: Tree) -> None:
    tree.write(api=MIXED_API, shop=SHOP, cli="from api import fetch\n\ndef f():\n    fetch('u')\n")
    tree.write(_run_sync=BRIDGE)
    plan = tree.plan("shop")
    assert made(plan, Action.DROP_FACADE) == []
    assert [(d.path, d.detail["name"]) for d in made(plan, Action.RETARGET)] == [
        ("shop.py", "fetch_async")
    ]


def test_references_to_a_coroutine_that_gets_its_plain_name_follow(tree: Tree) -> None:
    shop = "from api import fetch_async\n\nasync def price(n):\n    return await fetch_async(n)\n"
    plan = tree.write(api=MIXED_API, shop=shop, _run_sync=BRIDGE).plan()
    assert [(d.path, d.detail["name"]) for d in made(plan, Action.RETARGET)] == [
        ("shop.py", "fetch")
    ]


def test_a_bridge_in_a_function_that_turns_becomes_an_await(tree: Tree) -> None:
    shop = (
        "from _run_sync import run_sync\nfrom api import fetch\n\n"
        "def price(name):\n    return run_sync(fetch(name))\n"
    )
    api = MIXED_API.replace("fetch_async", "fetch").partition("\n\n\ndef fetch")[0] + "\n"
    plan = tree.write(api=api, shop=shop, _run_sync=BRIDGE).plan()
    assert len(made(plan, Action.UNWRAP)) == len(made(plan, Action.AWAIT)) == 1
    assert len(made(plan, Action.MAKE_ASYNC)) == 1


def test_a_bridge_of_a_pinned_function_stays(tree: Tree) -> None:
    shop = (
        "from _run_sync import run_sync\nfrom api import fetch\n\n"
        "class Shop:\n    @property\n    def price(self):\n        return run_sync(fetch('x'))\n"
    )
    api = MIXED_API.replace("fetch_async", "fetch").partition("\n\n\ndef fetch")[0] + "\n"
    assert tree.write(api=api, shop=shop, _run_sync=BRIDGE).plan().decisions == ()


# ------------------------------------------------------------------ downwards


def test_downwards_a_selected_function_threads_the_blocking_code_below(tree: Tree) -> None:
    plan = tree.write(api=API, shop=SHOP).plan("shop", direction="down")
    assert changed(plan) == {"shop.py"}
    assert len(made(plan, Action.TO_THREAD)) == 1


def test_what_assigns_to_a_property_that_blocks_stays_sync(tree: Tree) -> None:
    api = (
        "import requests\n\nclass Port:\n    def __init__(self):\n        self._rate = 0\n\n"
        "    @property\n    def rate(self):\n        return self._rate\n\n"
        "    @rate.setter\n    def rate(self, value):\n"
        "        requests.post('u', data=value, timeout=5)\n"
    )
    shop = (
        "from api import Port, fetch\n\ndef setup(port: Port):\n    fetch('u')\n    port.rate = 1\n"
    )
    api += "\ndef fetch(url):\n    return requests.get(url, timeout=5).text\n"
    outcome = changes(analyse([tree.write(api=api, shop=shop).root], tree.config()))
    made_up = {"_run_sync.py", "_http.py"}
    assert {change.path for change in outcome.changes} == {"api.py", "shop.py", *made_up}
    assert made(outcome.plan, Action.TO_THREAD) == []


def test_downwards_functions_that_block_nowhere_stay(tree: Tree) -> None:
    shop = SHOP + "\ndef pure(x):\n    return x + 1\n"
    plan = tree.write(api=API, shop=shop).plan("shop", direction="down")
    assert {d.span[0] for d in made(plan, Action.MAKE_ASYNC)} == {3}


def test_a_thread_dissolves_when_the_code_below_migrates(tree: Tree) -> None:
    shop = (
        "import asyncio\nfrom api import fetch\n\n"
        "async def price(name):\n    return len(await asyncio.to_thread(fetch, name))\n"
    )
    plan = tree.write(api=API, shop=shop).plan("api", "shop")
    assert len(made(plan, Action.UNWRAP)) == 1
    assert [change.reason for change in plan.change_sets if change.title == "shop:price"] == [
        "fetch can be awaited here"
    ]


def test_an_entry_point_keeps_its_sync_name_for_callers_outside(tree: Tree) -> None:
    (tree.root / "pyproject.toml").write_text("[project.scripts]\nshop = 'cli:main'\n")
    tree.write(api=API, cli="from api import fetch\n\ndef main():\n    print(fetch('u'))\n")
    tree.write(start="import cli\n\nif __name__ == '__main__':\n    cli.main()\n")
    plan = tree.plan("api", "cli")
    assert len(made(plan, Action.SPLIT_ENTRY)) == 1
    assert rules(plan) == set()


DECORATED = """import functools
import requests

def checked(f):
    @functools.wraps(f)
    def wrapper(*args):
        try:
            return f(*args)
        except KeyError:
            return None
    return wrapper

@checked
def fetch(url):
    return requests.get(url, timeout=5).text
"""


def test_a_decorators_wrapper_has_no_facade_and_awaits_the_coroutine(tree: Tree) -> None:
    plan = tree.write(api=DECORATED, shop=SHOP).plan("api")
    assert facades(plan) == {"api.py:14": "fetch_async"}
    assert [d.span[0] for d in made(plan, Action.AWAIT)] == [8]
    assert made(plan, Action.RETARGET) == made(plan, Action.TO_THREAD) == []


REGISTERED = """
import time

COMMANDS = {}

def remembered(help):
    def decorate(function):
        COMMANDS[function.__name__] = function
        return function
    return decorate

@remembered("fetches")
def fetch(url):
    time.sleep(1)
    return url

def plain(url):
    time.sleep(1)
    return url
"""


def test_what_a_decorator_knows_by_its_name_keeps_it(tree: Tree) -> None:
    shop = "from api import fetch, plain\n\ndef buy():\n    return fetch('a'), plain('b')\n"
    plan = tree.write(api=REGISTERED, shop=shop).plan("api")
    assert facades(plan) == {"api.py:17": "plain_async"}
    assert ("slice-no-facade", "shop.py", 4) in rules(plan)
    reasons = [one.reason for one in plan.refusals if one.rule == "slice-no-facade"]
    assert any("a decorator reads its name" in reason for reason in reasons)


def test_a_decorator_that_reads_no_name_leaves_room_for_a_facade(tree: Tree) -> None:
    api = REGISTERED.replace("function.__name__", "help")
    plan = tree.write(api=api, shop="from api import plain\n\nplain('b')\n").plan("api")
    assert "api.py:17" in facades(plan)
    assert "slice-no-facade" not in {rule for rule, *_ in rules(plan)}


def test_a_handler_in_a_dictionary_is_called_by_its_sync_name_in_a_thread(tree: Tree) -> None:
    table = (
        "import time\nfrom api import fetch\n\nHANDLERS = {'f': fetch}\n\n"
        "def run(name):\n    time.sleep(1)\n    return HANDLERS[name]('u')\n"
    )
    tree.write(api=API, table=table, use="from api import fetch\n\ndef g():\n    fetch('u')\n")
    (hop,) = made(tree.plan("api", "table"), Action.TO_THREAD)
    assert hop.path == "table.py"


def test_a_decorator_that_is_not_selected_keeps_what_it_decorates_sync(tree: Tree) -> None:
    retry = """
def patient(times):
    def decorate(function):
        def wrapper(*args):
            for _ in range(times):
                try:
                    return function(*args)
                except OSError:
                    pass
        return wrapper
    return decorate
"""
    api = API.replace("def fetch", "@patient(3)\ndef fetch")
    tree.write(retry=retry, api=f"from retry import patient\n{api}", shop=SHOP)
    plan = tree.plan("api")
    assert plan.decisions == ()
    assert ("slice-decorator", "retry.py", 7) in rules(plan)
    assert "shop.py" in changed(tree.plan("api", "retry", "shop"))


def test_a_thread_that_only_consumed_dissolves_too(tree: Tree) -> None:
    api = (
        "import time\n\n"
        "def rows():\n    for n in range(3):\n        time.sleep(0)\n        yield n\n"
    )
    shop = (
        "import asyncio\nfrom api import rows\n\n"
        "async def total():\n    return sum(await asyncio.to_thread(list, rows()))\n"
    )
    plan = tree.write(api=api, shop=shop).plan("api", "shop")
    (consume,) = made(plan, Action.CONSUME)
    assert (consume.detail["consumer"], consume.detail["wrapper"]) == ("list", "to_thread")
    assert made(plan, Action.UNWRAP) == []


def test_a_family_of_which_an_entry_reaches_one_member_names_the_others(tree: Tree) -> None:
    api = (
        "import time\n\n\nclass Base:\n    def run(self):\n        time.sleep(1)\n\n\n"
        "class Child(Base):\n    def run(self):\n        time.sleep(2)\n\n\n"
        "def main():\n    Base.run(Base())\n"
    )
    tree.write(api=api, shop="X = 1\n")
    plan = tree.plan(entries=("api:main",))
    (refusal,) = [r for r in plan.refusals if r.rule == "slice-family"]
    assert refusal.reason == (
        "Base.run turns together with Child.run, and api:Child.run is not selected"
    )
    assert refusal.way_out == "add --entry api:Child.run"
    assert tree.plan(entries=("api:main", "api:Child.run")).turned


# ------------------------------------------------------------------ what a facade gives

GIVING = """
import requests

def text(url):
    return requests.get(url, timeout=5).text

def pages(url):
    return requests.get(url, timeout=5)

def _page(url):
    return requests.get(url, timeout=5)
"""


def gives_other(plan: Plan) -> list[int]:
    return [m.line for m in plan.messages if m.rule == "gives-other"]


def test_a_facade_that_gives_another_librarys_objects_says_so(tree: Tree) -> None:
    plan = tree.write(api=GIVING, shop="X = 1\n").plan("api")
    assert gives_other(plan) == [7]
    (message,) = [m for m in plan.messages if m.rule == "gives-other"]
    assert "gives httpx.Response from now on, no longer requests.Response" in message.text


def test_a_function_whose_client_stays_gives_what_it_gave(tree: Tree) -> None:
    stays = (
        GIVING.replace("requests.get", "session.get")
        + "\nsession = requests.Session()\nsession.get_adapter('u')\n"
    )
    plan = tree.write(api=stays, shop="X = 1\n").plan("api")
    assert facades(plan)
    assert gives_other(plan) == []


def test_what_the_step_over_everything_turns_has_no_sync_form_that_gives(tree: Tree) -> None:
    assert gives_other(tree.write(api=GIVING, shop="X = 1\n").plan()) == []


def test_a_form_that_only_the_rewrite_refuses_keeps_a_step_from_it(tree: Tree) -> None:
    """Otherwise `ask` would turn now, and its only caller wait for it through a bridge forever."""
    api = "import time\n\n\ndef ask(x):\n    time.sleep(0)\n    return x\n"
    rows = "from api import ask\n\n\ndef rows(x):\n    yield ask(x)\n"
    shop = 'from rows import rows\n\n\ndef pairs(x):\n    return f"{sum(rows(x))=}"\n'
    tree.write(api=api, rows=rows, shop=shop)
    assert "api:4" not in {fid.replace(".py", "") for fid in tree.plan("api").turned}
    assert written(tree, "api") == written(tree) == set()


def test_a_step_does_not_wait_for_what_the_rewrite_can_do(tree: Tree) -> None:
    api = "import time\n\n\ndef ask(x):\n    time.sleep(0)\n    return x\n"
    rows = "from api import ask\n\n\ndef rows(x):\n    yield ask(x)\n"
    shop = "from rows import rows\n\n\ndef pairs(x):\n    return list(rows(x))\n"
    tree.write(api=api, rows=rows, shop=shop)
    assert "api.py" in written(tree, "api")


def written(tree: Tree, *modules: str) -> set[str]:
    outcome = changes(analyse([tree.root], tree.config(modules=modules)))
    return {change.path for change in outcome.changes}


# ------------------------------------------------------------------ public, and one form only

OVERLOADED = (
    "from typing import overload\nimport requests\n\n"
    "@overload\ndef fetch(url: str) -> str: ...\n"
    "@overload\ndef fetch(url: bytes) -> bytes: ...\n"
    "def fetch(url):\n    return requests.get(url, timeout=5).text\n"
)
CALLABLE = (
    "import time\n\nclass Limit:\n    def __call__(self):\n        time.sleep(1)\n\n"
    "def pause():\n    Limit()()\n"
)


@pytest.mark.parametrize("api", [OVERLOADED, CALLABLE])
def test_what_has_one_form_only_waits_for_the_step_over_everything(tree: Tree, api: str) -> None:
    tree.write(api=api, shop="X = 1\n")
    plan = tree.plan("api")
    assert plan.turned == frozenset()
    assert "slice-no-facade" in {rule for rule, _, _ in rules(plan)}
    assert tree.plan().turned


@pytest.mark.parametrize("name", ["_Limit", "Limit"])
def test_an_instance_is_called_from_outside_only_where_its_class_is_public(
    tree: Tree, name: str
) -> None:
    tree.write(api=CALLABLE.replace("Limit", name), shop="X = 1\n")
    turned = {d.span[0] for d in made(tree.plan("api"), Action.MAKE_ASYNC)}
    assert (4 in turned) is (name == "_Limit")


# ------------------------------------------------------------------ one bridge module


def test_a_script_with_a_facade_uses_the_module_of_the_package_that_it_waits_for(
    tree: Tree,
) -> None:
    api = "import time\n\nclass Client:\n    def __init__(self):\n        self.wait()\n\n"
    api += "    def wait(self):\n        time.sleep(1)\n\n"
    api += "class Other(Client):\n    def __init__(self): ...\n"
    script = "from shop.api import Client\n\ndef add():\n    Client().wait()\n"
    tree.write(shop__api=api, shop____init__="", shop__x="X = 1\n", script=script)
    config = tree.config(modules=["shop.api", "script"])
    outcome = changes(analyse([tree.root], config))
    assert len(made(outcome.plan, Action.TO_THREAD)) == 1
    assert {c.path for c in outcome.changes} == {"script.py", "shop/api.py", "shop/_run_sync.py"}


@pytest.mark.parametrize("argument", ["1", "\n        1,\n    ", repr("x" * 90)])
def test_a_coroutine_is_awaited_by_its_name_after_a_long_expression_too(
    tree: Tree, argument: str
) -> None:
    api = "import time\n\nclass Client:\n    def __init__(self, a): ...\n\n"
    api += "    def wait(self):\n        time.sleep(1)\n"
    script = f"from api import Client\n\ndef add():\n    Client({argument}).wait()\n"
    plan = tree.write(api=api, script=script, x="X = 1\n").plan("api", "script")
    assert [d.detail["name"] for d in made(plan, Action.RETARGET)] == ["wait_async"]
    assert made(plan, Action.TO_THREAD) == []


PARSER = """
import subprocess

class Parser:
    def __init__(self, name="x"):
        self.text = subprocess.check_output(["echo", name])
"""
LOADS = "import asyncio\n\nfrom parser_ import Parser\n\nasync def load():\n"
LOADS += "    return await asyncio.to_thread(Parser)\n"


def test_downwards_a_constructor_stays_sync_where_a_test_makes_an_instance(tree: Tree) -> None:
    test = "import parser_\n\ndef test_it():\n    assert parser_.Parser().text\n"
    plan = tree.write(parser_=PARSER, loads=LOADS, test_it=test).plan("parser_", direction="down")
    assert plan.decisions == ()


def test_downwards_a_constructor_turns_where_only_async_code_makes_one(tree: Tree) -> None:
    plan = tree.write(parser_=PARSER, loads=LOADS).plan("parser_", direction="down")
    assert plan.turned == {"parser_.py:5"}


BY_HELP = REGISTERED.replace("function.__name__", "help")


def test_what_a_decorator_may_have_kept_has_no_facade(tree: Tree) -> None:
    shop = "from api import COMMANDS\n\ndef buy(k):\n    return COMMANDS[k]('x')\n"
    plan = tree.write(api=BY_HELP, shop=shop).plan("api")
    assert facades(plan) == {"api.py:17": "plain_async"}
    assert ("slice-no-facade", "shop.py", 4) in rules(plan)


def test_what_is_only_called_by_its_name_has_one(tree: Tree) -> None:
    shop = "from api import fetch as get\n\ndef buy(k):\n    return get('x')\n"
    plan = tree.write(api=BY_HELP, shop=shop).plan("api")
    assert facades(plan) == {"api.py:13": "fetch_async", "api.py:17": "plain_async"}


BY_HAND = """
import time
from functools import wraps

def again(function):
    @wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper

@again
def fetch(url):
    time.sleep(1)
    return url
"""


@pytest.mark.parametrize(
    ("body", "bridged"),
    [
        ("    wrapped = api.again(same)\n    assert wrapped('a') == 'a'\n", True),
        ("    wrapped = api.fetch\n    assert wrapped('a') == 'a'\n", False),
    ],
)
def test_a_decorator_that_is_applied_by_hand_gives_the_coroutine(
    tree: Tree, body: str, bridged: bool
) -> None:
    test = f"import api\n\ndef test_it():\n    def same(x):\n        return x\n{body}"
    plan = tree.write(api=BY_HAND, test_it=test, x="X = 1\n").plan("api")
    assert [d.path for d in made(plan, Action.BRIDGE)] == ["test_it.py"] * bridged
