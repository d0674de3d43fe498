"""Facts of one file: places, names, spans."""

from __future__ import annotations

import pickle
import sys

import pytest

from asyncshift.facts import FileFacts, extract
from tests.unit.graphs import facts, graph, lines, site, source


def spans(text: str, protocol: str = "call") -> list[tuple[int, int, int, int]]:
    return sorted(one[0] for one in facts(text).sites if one[1] == protocol)


def test_facts_survive_pickling() -> None:
    found = facts(
        "import os\n\n\nclass A:\n    def f(self, **kw):\n        return os.getcwd(**kw)\n"
    )
    assert pickle.loads(pickle.dumps(found)) == found


def test_moving_lines_changes_only_the_spans() -> None:
    before = facts("def f(x):\n    return g(x)\n")
    after = facts("# a comment\n\ndef f(x):\n    return g(x)\n")
    assert before.ops == after.ops
    assert before.sites != after.sites


def test_columns_are_code_points() -> None:
    assert spans('print("é", f())\n') == [(1, 0, 1, 15), (1, 11, 1, 14)]
    assert spans('é = "😀"; f()\n') == [(1, 9, 1, 12)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_of_python_counts(end: str) -> None:
    text = end.join(["x = 1", 'y = "é"', "f(y)", ""])
    assert spans(text) == [(3, 0, 3, 4)]


@pytest.mark.parametrize(
    "text", ["x = '\\x0c'\n\x0cf('é', g())\n", "x = 'a\u2028é'; y = 1\nf('é', g())\n"]
)
def test_form_feeds_and_unicode_separators_end_no_line(text: str) -> None:
    found = spans(text)
    assert [span[0] for span in found] == [2, 2]
    assert found[1][3] - found[1][1] == len("g()")


def test_a_file_that_does_not_parse_raises_syntax_error() -> None:
    for text in ("def f(:\n", "x = '\0'\n", "x = '\ud800'\n"):
        with pytest.raises(SyntaxError):
            facts(text)


def deep(text: str) -> FileFacts:
    """Facts of deeply nested code, where this interpreter's own parser can build its tree."""
    try:
        return facts(text)
    except SyntaxError as error:
        # 3.12 and 3.13 have a limit of their own, which no bigger stack lifts.
        if sys.version_info < (3, 12) or "too deeply" not in str(error):
            raise
        pytest.skip("this Python cannot parse it")


def test_ten_thousand_terms_are_walked() -> None:
    found = deep("x = " + " + ".join(["f()"] * 10_000) + "\n")
    assert sum(one[1] == "call" for one in found.sites) == 10_000


def test_deeply_nested_calls_are_walked_or_refused_as_unparsable() -> None:
    with pytest.raises(SyntaxError):
        facts("(" * 5_000 + ")" * 5_000 + "\n")
    chained = deep("x = f" + ".g()" * 3_000 + "\n")
    assert sum(one[1] == "call" for one in chained.sites) == 3_000


def test_functions_are_keyed_by_line_and_named_by_their_scopes() -> None:
    found = graph(
        """
        class A:
            @property
            def x(self): ...
            @x.setter
            def x(self, value): ...

        def outer():
            def inner():
                return lambda: 1
            return [c() for c in (inner,)], (i for i in ())
        """
    )
    assert {(key, f.name) for key, f in found.functions.items()} == {
        ("mod.py:0", "<module>"),
        ("mod.py:2", "A"),
        ("mod.py:4", "A.x"),
        ("mod.py:6", "A.x"),
        ("mod.py:8", "outer"),
        ("mod.py:9", "outer.inner"),
        ("mod.py:10:15", "outer.inner.<lambda>"),
        ("mod.py:11:36", "outer.<genexpr>"),
    }
    assert found.functions["mod.py:10:15"].parent == "mod.py:9"
    assert found.functions["mod.py:4"].cls == "mod.py:2"


def test_function_flags() -> None:
    found = graph(
        """
        import contextlib
        from contextlib import contextmanager as cm

        async def a(): ...
        def gen():
            yield 1
        def answers():
            x = yield 1
        def returns():
            yield 1
            return 2
        def ends():
            yield 1
            return
        @cm
        def managed():
            yield
        def plain():
            def nested():
                yield
        """
    )
    by_name = {f.name: f for f in found.functions.values()}
    assert by_name["a"].is_async
    assert not by_name["gen"].is_async
    assert by_name["gen"].is_generator
    assert not by_name["gen"].returns_value
    assert by_name["answers"].returns_value
    assert by_name["returns"].returns_value
    assert not by_name["ends"].returns_value
    assert by_name["managed"].is_contextmanager
    assert by_name["managed"].decorators == ("contextlib.contextmanager",)
    assert not by_name["plain"].is_generator


def test_who_catches_keyboard_interrupt() -> None:
    found = graph(
        """
        def catches():
            try:
                work()
            except (ValueError, KeyboardInterrupt):
                pass
        class Base: ...
        class Polls(Base):
            def poll(self):
                try:
                    super().poll()
                except KeyboardInterrupt:
                    super().poll()
        def defines():
            def inner():
                try:
                    work()
                except KeyboardInterrupt:
                    pass
            return inner
        def lets_it_pass():
            try:
                work()
            except Exception:
                raise KeyboardInterrupt
        """
    )
    interrupted = {f.name for f in found.functions.values() if f.catches_interrupt}
    assert interrupted == {"catches", "Polls.poll", "defines.inner"}


def test_pragma_on_the_def_line() -> None:
    found = graph(
        """
        def a():  # asyncshift: keep-sync (called by C code)
            ...
        def b():  # asyncshift: keep-sync
            ...
        def c():  # asyncshift is nice
            ...
        # asyncshift: keep-sync (above)
        def d(): ...
        """
    )
    reasons = {f.name: f.pragma for f in found.functions.values()}
    assert reasons["a"] == "called by C code"
    assert reasons["b"] == ""
    assert reasons["c"] is None
    assert reasons["d"] is None


@pytest.mark.parametrize("test", ['__name__ == "__main__"', '"__main__" == __name__'])
def test_main_guard(test: str) -> None:
    found = graph(f"def main(): ...\nif {test}:\n    main()\nelse:\n    main()\n")
    assert [s.in_main_guard for s in found.sites] == [True, False]


@pytest.mark.parametrize("test", ['__name__ != "__main__"', '__name__ == "main"', "__name__"])
def test_no_main_guard(test: str) -> None:
    found = graph(f"def main(): ...\nif {test}:\n    main()\n")
    assert [s.in_main_guard for s in found.sites] == [False]


def test_a_function_inside_the_main_guard_is_not_at_module_level() -> None:
    found = graph(
        """
        def g(): ...
        if __name__ == "__main__":
            def f():
                g()
            f()
        """
    )
    assert {s.text: s.in_main_guard for s in found.sites} == {"g": False, "f": True}


def test_a_name_is_mentioned_in_the_main_guard_or_around_it() -> None:
    found = graph(
        """
        def f(): ...
        before = [f]
        if __name__ == "__main__":
            inside = [f for _ in ()]
            def g(): return [f]
            late = [f]
        after = [f]
        """
    )
    mentions = [(s.span[0], s.in_main_guard) for s in found.sites if s.protocol == "value"]
    assert mentions == [(3, False), (5, True), (6, False), (7, True), (8, False)]
    callers = [found.functions[s.caller].name for s in found.sites if s.protocol == "value"]
    assert callers == ["<module>", "<module>", "g", "<module>", "<module>"]


def test_awaited_sites() -> None:
    found = graph(
        """
        async def f(): ...
        async def rows():
            yield 1
        class C:
            async def __aenter__(self): ...
            async def __aexit__(self, *a): ...
        async def main():
            await f()
            f()
            async for x in rows(): ...
            [y async for y in rows()]
            async with C(): ...
        """
    )
    awaited = {(s.span[0], s.protocol) for s in found.sites if s.awaited}
    assert awaited == {(9, "call"), (11, "for"), (12, "comprehension"), (13, "with")}


def test_sites_inside_f_strings_stand_where_they_are_written() -> None:
    text = 'def f(): ...\nx = 1\nprint(f"é {x} {f()!r:>{f()}}", f())\n'
    found = graph(text)
    assert [s.span for s in found.sites] == [(3, 15, 3, 18), (3, 23, 3, 26), (3, 31, 3, 34)]


def test_string_annotation_has_its_inner_span() -> None:
    found = graph("import requests\ndef f(s: 'requests.Session'): ...\n")
    (one,) = [s for s in found.sites if s.protocol == "annotation"]
    assert one.span == (2, 10, 2, 26)


def test_a_string_annotation_with_escapes_gives_no_place() -> None:
    found = graph("import requests\ndef f(s: 'requests.\\x53ession'): return s.get('u')\n")
    assert lines(found) == {"2 call s.get -> requests.Session.get"}


def test_the_label_of_a_call_is_its_callee() -> None:
    found = graph("class A:\n    def f(self): ...\nA().f()\n")
    assert site(found, "A().f").span == (3, 0, 3, 7)


def test_names_of_packages() -> None:
    file = source("from . import b\nfrom .c import d\n", "a", "a/__init__.py")
    assert extract(file).imports == ("a", "a.b", "a.c", "a.c.d")
