"""Where StopIteration is caught: what a handler around a call does with it."""

from __future__ import annotations

import textwrap

import pytest

from tests.unit.graphs import graph

CASES = {
    "nothing": ("f()", ""),
    "named": ("try: f()\nexcept StopIteration: pass", "awaited"),
    "named among others": ("try: f()\nexcept (KeyError, StopIteration): pass", "awaited"),
    "everything": ("try: f()\nexcept: pass", "caught"),
    "every error": ("try: f()\nexcept Exception as e: print(e)", "caught"),
    "raised again": ("try: f()\nexcept Exception: raise", ""),
    "raised again by its name": ("try: f()\nexcept Exception as e:\n  print(e)\n  raise e", ""),
    "raised as another": ("try: f()\nexcept Exception as e: raise OSError from e", "caught"),
    "another": ("try: f()\nexcept KeyError: pass", ""),
    "in the handler": ("try: pass\nexcept StopIteration: f()", ""),
    "in the end": ("try: pass\nexcept StopIteration: pass\nfinally: f()", ""),
    "suppressed": ("with suppress(StopIteration): f()", "awaited"),
    "suppressed as an error": ("with suppress(Exception): f()", "caught"),
    "expected": ("with pytest.raises(StopIteration): f()", "awaited"),
    "another one expected": ("with pytest.raises(KeyError): f()", ""),
    "the inner one": (
        "try:\n  try: f()\n  except Exception: pass\nexcept StopIteration: pass",
        "caught",
    ),
    "the outer one": (
        "try:\n  try: f()\n  except KeyError: pass\nexcept StopIteration: pass",
        "awaited",
    ),
    "in a comprehension": ("try: [f() for _ in x]\nexcept StopIteration: pass", "awaited"),
    "in another function": ("try:\n  def g(): f()\nexcept StopIteration: pass", ""),
    "behind it": ("try: pass\nexcept StopIteration: pass\nf()", ""),
}


@pytest.mark.parametrize(("body", "ending"), CASES.values(), ids=CASES)
def test_what_becomes_of_it(body: str, ending: str) -> None:
    head = "from contextlib import suppress\nimport pytest\ndef f(): ...\ndef use(x):\n"
    found = graph(own=head + textwrap.indent(body, "    ") + "\n")
    (site,) = [site for site in found.sites if site.text == "f" and site.protocol == "call"]
    assert site.ending == ending
