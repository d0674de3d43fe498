"""Properties that turn into coroutines, and those that code out of sight may read."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncshift.cli import run
from asyncshift.rewrite import bridge_source

ACCOUNT = """
import time


class Account:
    @property
    def balance(self):
        time.sleep(0)
        return 5

    def show(self):
        print(self.balance)
"""
REPORT = """
import asyncio

from account import Account


async def report():
    account = Account()
    account.show()
    print(account.balance + 1)


asyncio.run(report())
"""


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / f"{name}.py").write_text(text.lstrip())


def step(root: Path, *modules: str) -> None:
    named = [word for module in modules for word in ("--module", module)]
    assert run(["apply", str(root), "--yes", "--jobs", "1", *named]) == 0


@pytest.mark.parametrize("order", [("account", "report"), ("report", "account")])
def test_steps_come_to_where_one_step_comes(tmp_path: Path, order: tuple[str, ...]) -> None:
    ends = []
    for name, steps in (("whole", [()]), ("parts", [(module,) for module in order])):
        root = tmp_path / name
        root.mkdir()
        write(root, account=ACCOUNT, report=REPORT)
        for modules in steps:
            step(root, *modules)
        ends.append([(root / f"{one}.py").read_text() for one in order])
    assert ends[0] == ends[1]
    assert "print(await account.balance + 1)" in "".join(ends[0])


def test_what_waits_for_a_later_step_is_read_in_a_thread(tmp_path: Path) -> None:
    write(tmp_path, account=ACCOUNT, report=REPORT)
    step(tmp_path, "report")
    after = (tmp_path / "report.py").read_text()
    assert 'await asyncio.to_thread(getattr, account, "balance")' in after


READ = """

def main():
    account = Account()
    print(account.balance)
    {use}


if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    ("head", "use"),
    [
        ("import jinja2", 'print(jinja2.Template("{{ a.balance }}").render(a=account))'),
        ("import jinja2", "jinja2.Template('x').render(every={1: [account]})"),
        ("", "setting.account = account"),
        ("", 'print(getattr(account, "balance", None))'),
        ("", "print(getattr(account, input()))"),
        ("import inspect", "print(inspect.getmembers(account))"),
        ("", "print([x.balance for x in load_all()])"),
        ("from flask import app", "app.route('/')(lambda: account)"),
    ],
)
def test_a_property_that_may_be_read_out_of_sight_stays(
    tmp_path: Path, head: str, use: str
) -> None:
    write(tmp_path, main=f"{head}\n{ACCOUNT}{READ.format(use=use)}")
    before = (tmp_path / "main.py").read_text()
    step(tmp_path)
    assert (tmp_path / "main.py").read_text() == before


@pytest.mark.parametrize(
    ("head", "use"),
    [
        ("import logging", "logging.info('%s', account)"),
        ("", "print(account, isinstance(account, Account))"),
        ("", "print({'balance': 1}['balance'], [account])"),
        ("import threading", "threading.Thread(target=print, args=(account,)).start()"),
    ],
)
def test_a_property_that_only_the_project_reads_turns(tmp_path: Path, head: str, use: str) -> None:
    write(tmp_path, main=f"{head}\n{ACCOUNT}{READ.format(use=use)}")
    step(tmp_path)
    after = (tmp_path / "main.py").read_text()
    assert "    async def balance(self):" in after
    assert "print(await account.balance)" in after


def test_a_bridge_is_no_code_out_of_sight(tmp_path: Path) -> None:
    """What an earlier step hands to `in_thread` is read by nobody else."""
    bridged = REPORT.replace(
        "account.balance + 1", 'await in_thread(getattr, account, "balance")'
    ).replace("import asyncio\n", "import asyncio\n\nfrom _run_sync import in_thread\n")
    write(tmp_path, account=ACCOUNT, report=bridged, _run_sync=bridge_source())
    step(tmp_path)
    assert "print(await account.balance)" in (tmp_path / "report.py").read_text()
