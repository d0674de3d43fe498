"""What belongs to a thread is used in one hop for a whole unit of work, or not in a thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift.config import load_config
from asyncshift.model import Action, Plan
from asyncshift.pipeline import analyse

STORE = """import sqlite3
import subprocess

CONNECTION = sqlite3.connect("shop.db")

def insert(row):
    subprocess.run(["log", row])
    CONNECTION.execute("insert into rows values (?)", (row,))

def commit():
    subprocess.run(["log", "commit"])
    CONNECTION.commit()
"""


def plan_of(root: Path, **files: str) -> Plan:
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    return analyse([root], load_config(root, {"cache": False, "jobs": 1})).plan


def hops(plan: Plan) -> set[str]:
    return {d.site.text for d in plan.decisions if d.action is Action.TO_THREAD and d.site}


@pytest.mark.parametrize("kind", ["connection", "local"])
def test_an_insert_and_its_commit_are_never_parted(tmp_path: Path, kind: str) -> None:
    store = STORE
    if kind == "local":
        store = store.replace('sqlite3.connect("shop.db")', "threading.local()")
        store = store.replace("import sqlite3", "import threading")
        store = store.replace("CONNECTION.", "CONNECTION.it.")
    work = (
        "import time\nfrom store import insert, commit\n\n"
        "def work(row):\n    insert(row)\n    commit()\n    time.sleep(1)\n"
    )
    plan = plan_of(tmp_path, store=store, work=work)
    assert hops(plan) == set()
    assert any(cause.rule == "thread-affine" for cause in plan.causes.values())


def test_a_whole_unit_of_work_goes_to_a_thread(tmp_path: Path) -> None:
    store = STORE.replace(
        'CONNECTION = sqlite3.connect("shop.db")\n', "CONNECTION = threading.local()\n"
    ).replace("import sqlite3", "import threading")
    unit = store + "\ndef save(row):\n    insert(row)\n    commit()\n"
    work = (
        "import time\nfrom store import save\n\ndef work(row):\n    save(row)\n    time.sleep(1)\n"
    )
    assert hops(plan_of(tmp_path, store=unit, work=work)) == {"save"}


def test_a_connection_of_ones_own_goes_to_the_thread_that_makes_it(tmp_path: Path) -> None:
    store = (
        "import sqlite3\nimport subprocess\n\n"
        "def save(row):\n    subprocess.run(['log', row])\n"
        "    connection = sqlite3.connect('shop.db')\n    connection.execute('insert', (row,))\n"
        "    connection.commit()\n"
    )
    work = (
        "import time\nfrom store import save\n\ndef work(row):\n    save(row)\n    time.sleep(1)\n"
    )
    assert hops(plan_of(tmp_path, store=store, work=work)) == {"save"}


def test_code_that_was_async_keeps_calling_on_its_own_thread(tmp_path: Path) -> None:
    work = (
        "from store import insert, commit\n\nasync def work(row):\n    insert(row)\n    commit()\n"
    )
    assert hops(plan_of(tmp_path, store=STORE, work=work)) == set()


def test_other_blocking_code_beside_it_goes_to_a_thread(tmp_path: Path) -> None:
    other = "import subprocess\n\ndef other():\n    subprocess.run(['true'])\n"
    work = (
        "from store import insert, commit\nfrom other import other\n\n"
        "async def work(row):\n    insert(row)\n    commit()\n    other()\n"
    )
    assert hops(plan_of(tmp_path, store=STORE, other=other, work=work)) == {"other"}


TENANT = """import time
from contextvars import ContextVar

TENANT = ContextVar("tenant")

def use(name):
    time.sleep(0.1)
    TENANT.set(name)
"""


def turned(plan: Plan) -> set[str]:
    return {fid.partition(":")[0] for fid in plan.turned}


def test_who_sets_a_context_variable_for_a_sync_caller_stays_sync(tmp_path: Path) -> None:
    page = (
        "from tenant import TENANT, use\n\nclass Page:\n    @property\n    def title(self):\n"
        "        use('x')\n        return TENANT.get()\n"
    )
    assert turned(plan_of(tmp_path, tenant=TENANT, page=page)) == set()


def test_async_callers_see_what_is_set_in_their_own_task(tmp_path: Path) -> None:
    page = "from tenant import TENANT, use\n\ndef title():\n    use('x')\n    return TENANT.get()\n"
    assert turned(plan_of(tmp_path, tenant=TENANT, page=page)) == {"tenant.py", "page.py"}


def test_a_variable_that_is_reset_again_is_no_matter(tmp_path: Path) -> None:
    tenant = TENANT.replace("    TENANT.set(name)\n", "")
    tenant += "    token = TENANT.set(name)\n    try:\n        print(name)\n"
    tenant += "    finally:\n        TENANT.reset(token)\n"
    page = (
        "from tenant import use\n\nclass Page:\n    @property\n    def title(self):\n"
        "        use('x')\n        return 1\n"
    )
    plan = plan_of(tmp_path, tenant=tenant, page=page)
    assert any(d.action is Action.BRIDGE for d in plan.decisions)
