"""Receivers that an outside library gave: the name alone connects them with nothing."""

from __future__ import annotations

import pytest

from tests.unit.graphs import graph, lines

MODEL = """
class Report:
    def render_all(self): ...
    @property
    def full_title(self): ...
def titled(text):
    return text.upper()
def make_report(text):
    return Report()
"""


def guessed(body: str, **modules: str) -> set[str]:
    """The sites that only a name connects."""
    found = graph(MODEL + body, **modules)
    return {
        f"{site.text} -> {', '.join(sorted(str(t.function) for t in site.targets))}"
        for site in found.sites
        if site.certainty == "unknown"
    }


CLEAN = {
    "result of a method": """
import jinja2
env = jinja2.Environment(loader=jinja2.FileSystemLoader("."))
template = env.get_template("a")
template.render_all()
""",
    "result of a function, kept on an instance": """
import templates
class Page:
    def __init__(self, name): self.template = templates.load(name)
    def show(self): return self.template.render_all(), self.template.full_title
""",
    "elements, attributes, entered values": """
import templates
for one in templates.every():
    one.render_all()
templates.load("x").part["y"].render_all()
with templates.opened("x") as opened:
    opened.render_all()
""",
    "strings and functions of strings are handed over": """
import jinja2
env = jinja2.Environment()
env.filters["titled"] = titled
env.get_template("a").render_all(title="x", parts=["y"])
""",
    "the project's objects go elsewhere": """
import jinja2, storage
storage.save(Report())
jinja2.Environment().get_template("a").render_all()
""",
    "data of the standard library": """
import json, jinja2
text = json.dumps(Report())
jinja2.Environment().from_string(text).render_all()
""",
}

KEPT = {
    "nothing known": "def show(x): x.render_all()\n",
    "handed to the constructor": """
import registry
known = registry.Registry(Report())
known.find("a").render_all()
""",
    "handed to a method": """
import jobs
board = jobs.Board()
board.put(Report())
board.take().render_all()
""",
    "the class itself": """
import container
container.resolve(Report).render_all()
""",
    "in a list": """
import jobs
jobs.enqueue([("x", Report())])
jobs.dequeue().render_all()
""",
    "a function that makes one": """
import jobs
jobs.register(make_report)
jobs.dequeue().render_all()
""",
    "stored on it": """
import flask
flask.g.report = Report()
flask.helper().render_all()
""",
    "a base class registers its subclasses": """
import orm
class Row(orm.Model):
    pass
orm.first("rows").render_all()
""",
    "decorated": """
import plugins
@plugins.register
class Late: ...
plugins.load("x").render_all()
""",
    "through another library": """
import jobs, views
view = views.View(jobs.enqueue(Report()))
view.current().render_all()
""",
    "queues hold what nobody sees": """
import queue
def work(tasks):
    waiting = queue.Queue()
    for task in tasks:
        waiting.put(task)
    waiting.get(timeout=1).render_all()
""",
    "found by name": """
import importlib
importlib.import_module("mod").current.render_all()
""",
}


@pytest.mark.parametrize("body", CLEAN.values(), ids=CLEAN)
def test_what_a_clean_library_gives_is_none_of_the_projects(body: str) -> None:
    assert guessed(body) == set()


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT)
def test_what_may_be_the_projects_is_found_by_its_name(body: str) -> None:
    (one,) = guessed(body)
    assert one.endswith(".render_all -> mod.py:3")


def test_a_value_that_is_seen_beside_a_foreign_one_is_found() -> None:
    found = graph(
        MODEL
        + """
import templates
def show(plain):
    report = Report() if plain else templates.load("x")
    report.render_all()
"""
    )
    assert "14 call report.render_all -> Report.render_all" in lines(found, "call")
