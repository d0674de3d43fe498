"""The benchmarks' own arithmetic: what counts as an edge that ran, and what must not count."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from benchmarks import call_edges, known_targets, perf, pycg, reach
from benchmarks.edge_recorder import sitecustomize as recorder

Names = set[tuple[str, str]]


def package(tmp_path: Path, text: str, **others: str) -> Path:
    """A package `pkg` whose `__init__.py` is `text`, beside modules that are not of the project."""
    folder = tmp_path / "pkg"
    folder.mkdir()
    (folder / "__init__.py").write_text(dedent(text), encoding="utf-8")
    for name, content in others.items():
        (tmp_path / f"{name}.py").write_text(dedent(content), encoding="utf-8")
    return folder


def run(folder: Path, *command: str) -> dict[call_edges.Pair, list[call_edges.Seen]]:
    """The edges that run when the package is imported, or under a given command."""
    arguments = command or ("-c", "import pkg")
    rows = call_edges.record(folder.parent, [folder.resolve()], sys.executable, arguments)
    return call_edges.ran(rows, call_edges.Sources())


def names(edges: dict[call_edges.Pair, list[call_edges.Seen]], left_out: str = "") -> Names:
    """Caller and callee of the edges that are left out for this reason."""
    return {
        (seen[0].caller, seen[0].callee)
        for seen in edges.values()
        if call_edges.why_left_out(seen) == left_out
    }


def ran(tmp_path: Path, text: str, left_out: str = "", **others: str) -> Names:
    return names(run(package(tmp_path, text, **others)), left_out)


# ----------------------------------------------------------------------------- the recorder


def test_plain_calls_constructors_properties_and_operators(tmp_path: Path) -> None:
    text = """
        class Box:
            def __init__(self):
                self.fill()
            def fill(self):
                pass
            @property
            def size(self):
                return 1
            def __getitem__(self, key):
                return key
        def main():
            box = Box()
            box.size
            box[1]
        main()
    """
    assert ran(tmp_path, text) == {
        ("<module>", "main"),
        ("main", "Box.__init__"),
        ("Box.__init__", "Box.fill"),
        ("main", "Box.size"),
        ("main", "Box.__getitem__"),
    }


def test_class_and_module_bodies_and_imports_are_no_callees(tmp_path: Path) -> None:
    folder = package(tmp_path, "from pkg import other\n")
    (folder / "other.py").write_text("class A:\n    x = 1\n    class B:\n        y = 2\n")
    assert run(folder) == {}


def test_a_class_body_is_a_caller(tmp_path: Path) -> None:
    text = """
        def value():
            return 1
        class A:
            x = value()
    """
    assert ran(tmp_path, text) == {("A", "value")}


def test_a_generator_is_called_by_who_takes_the_first_item(tmp_path: Path) -> None:
    text = """
        def rows():
            yield 1
            yield 2
        def make():
            return rows()
        def begin(items):
            return next(items)
        def go_on(items):
            return list(items)
        def main():
            items = make()
            begin(items)
            go_on(items)
        main()
    """
    assert ran(tmp_path, text) == {
        ("<module>", "main"),
        ("main", "make"),
        ("main", "begin"),
        ("main", "go_on"),
        ("begin", "rows"),
    }


def test_a_generator_that_never_begins_is_not_called(tmp_path: Path) -> None:
    text = """
        def rows():
            yield 1
        def main():
            rows().close()
            items = rows()
            del items
        main()
    """
    assert ran(tmp_path, text) == {("<module>", "main")}


def test_a_coroutine_is_called_when_it_begins_only(tmp_path: Path) -> None:
    text = """
        def drive(coroutine):
            for _ in range(2):
                coroutine.send(None)
        class Pause:
            def __await__(self):
                yield
                yield
        async def work():
            await Pause()
        drive(work())
    """
    assert ran(tmp_path, text) == {
        ("<module>", "drive"),
        ("drive", "work"),
        ("work", "Pause.__await__"),
    }


def test_lambdas_and_comprehensions_count_as_their_holder(tmp_path: Path) -> None:
    text = """
        def one(x):
            return x
        def apply(f):
            return f(1)
        def main():
            apply(lambda x: one(x))
            [one(x) for x in (1,)]
            list(one(x) for x in (1,))
        main()
    """
    assert ran(tmp_path, text) == {
        ("<module>", "main"),
        ("main", "apply"),
        ("apply", "main"),  # the lambda, which main holds
        ("main", "one"),
    }


def test_a_functions_own_lambda_makes_no_edge_to_itself_but_recursion_does(tmp_path: Path) -> None:
    text = """
        def main(n):
            (lambda: 1)()
            sum(x for x in (1, 2))
        def again(n):
            return n and again(n - 1)
        main(1)
        again(1)
    """
    assert ran(tmp_path, text) == {
        ("<module>", "main"),
        ("<module>", "again"),
        ("again", "again"),
    }


def test_a_lambda_of_a_module_is_no_callee(tmp_path: Path) -> None:
    text = """
        key = lambda x: x
        def main():
            return key(1)
        main()
    """
    assert ran(tmp_path, text) == {("<module>", "main")}


def test_a_wrapper_is_called_and_calls(tmp_path: Path) -> None:
    text = """
        import functools
        def deco(f):
            @functools.wraps(f)
            def wrapper():
                return f()
            return wrapper
        @deco
        def work():
            pass
        def main():
            work()
        main()
    """
    folder = package(tmp_path, text)
    edges = run(folder)
    assert names(edges) == {
        ("<module>", "deco"),
        ("<module>", "main"),
        ("main", "deco.wrapper"),
        ("deco.wrapper", "work"),
    }
    lines = {pair[1][1] for pair, seen in edges.items() if seen[0].callee == "work"}
    assert lines == {9}  # the def's line, not the decorator's


def test_calls_outside_of_the_project_are_no_edges(tmp_path: Path) -> None:
    text = """
        import foreign
        def main():
            return foreign.helper()
    """
    folder = package(tmp_path, text, foreign="def helper():\n    return len('abc')\n")
    assert run(folder, "-c", "import pkg; pkg.main()") == {}


def test_a_folder_of_a_similar_name_is_outside(tmp_path: Path) -> None:
    folder = package(tmp_path, "import pkg2\npkg2.f()\n")
    other = tmp_path / "pkg2"
    other.mkdir()
    (other / "__init__.py").write_text("def g(): pass\ndef f(): g()\n")
    assert run(folder) == {}


def test_a_finaliser_is_not_called_from_where_the_program_is(tmp_path: Path) -> None:
    text = """
        def close():
            pass
        class Handle:
            def __del__(self):
                close()
        def main():
            Handle()
        main()
    """
    assert ran(tmp_path, text) == {("<module>", "main"), ("Handle.__del__", "close")}


def test_threads_child_processes_and_forks_are_recorded(tmp_path: Path) -> None:
    text = """
        import os, subprocess, sys, threading
        def leaf():
            pass
        def threaded():
            leaf()
        def spawned():
            leaf()
        def forked():
            leaf()
        def main():
            thread = threading.Thread(target=threaded)
            thread.start()
            thread.join()
            subprocess.run([sys.executable, "-c", "import pkg; pkg.spawned()"], check=True)
            if hasattr(os, "fork"):
                child = os.fork()
                if not child:
                    forked()
                    os._exit(0)
                os.waitpid(child, 0)
    """
    edges = run(package(tmp_path, text), "-c", "import pkg; pkg.main()")
    callers = {caller for caller, callee in names(edges) if callee == "leaf"}
    assert callers == {"threaded", "spawned"} | ({"forked"} if hasattr(os, "fork") else set())


def test_the_sitecustomize_that_is_hidden_runs_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import builtins\nbuiltins.hidden_ran = True\n")
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    text = """
        def f():
            pass
        if hidden_ran:
            f()
    """
    assert ran(tmp_path, text) == {("<module>", "f")}


def test_the_recorder_does_nothing_when_it_is_imported_elsewhere() -> None:
    assert sys.getprofile() is None
    assert recorder.__name__ != "sitecustomize"


# ----------------------------------------------------------------------------- what is left out


def test_foreign_code_between_is_left_out(tmp_path: Path) -> None:
    text = """
        import foreign
        def back():
            pass
        def main():
            foreign.call(back)
        main()
    """
    folder = package(tmp_path, text, foreign="def call(f):\n    f()\n")
    edges = run(folder)
    assert names(edges) == {("<module>", "main")}
    assert names(edges, call_edges.FOREIGN) == {("main", "back")}


def test_a_foreign_caller_with_no_project_frame_above_makes_no_edge(tmp_path: Path) -> None:
    folder = package(tmp_path, "def back():\n    pass\n", foreign="import pkg\npkg.back()\n")
    assert run(folder, "-c", "import foreign") == {}


@pytest.mark.parametrize(
    "use",
    [
        "sorted([1], key=back)",
        "[].extend(map(back, [1]))",
        "list(map(back, [1]))",
        "[*map(back, [1])]",
        "a, = map(back, [1])",
        "for a in map(back, [1]): pass",
        "[a for a in map(back, [1])]",
    ],
)
def test_a_c_function_that_calls_back_is_left_out(tmp_path: Path, use: str) -> None:
    text = f"def back(x):\n    return x\ndef main():\n    {use}\nmain()\n"
    edges = run(package(tmp_path, text))
    assert names(edges) == {("<module>", "main")}
    assert names(edges, call_edges.C_FRAME) == {("main", "back")}


@pytest.mark.parametrize(
    "use", ["sum(rows())", "[].extend(rows())", "next(rows())", "list(rows())", "set(rows())"]
)
def test_a_c_function_that_consumes_a_generator_is_not(tmp_path: Path, use: str) -> None:
    text = f"def rows():\n    yield 1\ndef main():\n    {use}\nmain()\n"
    assert ran(tmp_path, text) == {("<module>", "main"), ("main", "rows")}


def test_builtins_that_only_ask_are_not(tmp_path: Path) -> None:
    text = """
        class A:
            def __len__(self): return 1
            def __iter__(self): return iter(())
            def __repr__(self): return "A"
            @property
            def p(self): return 1
        def main(a):
            len(a), repr(a), getattr(a, "p"), list(a)
        main(A())
    """
    called = {callee for caller, callee in ran(tmp_path, text) if caller == "main"}
    assert called == {"A.__len__", "A.__iter__", "A.__repr__", "A.p"}


def test_what_getattr_of_the_project_handed_out_is_left_out(tmp_path: Path) -> None:
    text = """
        class Real:
            def work(self): return 1
        class Proxy:
            def __init__(self): self.real = Real()
            def __getattr__(self, name): return self.real.work
        def other(x): return x
        def main():
            other(Proxy().work())
        main()
    """
    edges = run(package(tmp_path, text))
    assert names(edges, call_edges.GETATTR) == {("main", "Real.work")}
    assert ("main", "other") in names(edges)  # on the same line, but not looked up there
    assert ("main", "Proxy.__getattr__") in names(edges)


def test_an_edge_that_also_runs_plainly_counts(tmp_path: Path) -> None:
    text = """
        class Real:
            def work(self): return 1
        class Proxy:
            def __init__(self): self.real = Real()
            def __getattr__(self, name): return self.real.work
        def main():
            Proxy().work()
            Real().work()
        main()
    """
    assert ("main", "Real.work") in ran(tmp_path, text)


@pytest.mark.parametrize(
    ("use", "dynamic"),
    [
        ("getattr(a, name)()", True),
        ("f = getattr(a, name)\n    f()", True),
        ("getattr(a, 'work')()", False),
        ("f = getattr(a, 'work')\n    f()", False),
        ("a.work() if getattr(a, name) else 0", False),
        ("f = getattr(a, name)\n    f = a.work\n    f()", False),
    ],
)
def test_only_a_computed_name_is_left_out(tmp_path: Path, use: str, dynamic: bool) -> None:
    text = (
        "class A:\n    def work(self):\n        return 1\n"
        f"def main(a, name):\n    {use}\nmain(A(), 'work')\n"
    )
    edges = run(package(tmp_path, text))
    assert (("main", "A.work") in names(edges, call_edges.COMPUTED)) is dynamic
    assert (("main", "A.work") in names(edges)) is not dynamic


# ----------------------------------------------------------------------------- the tables


def test_first_lines_of_decorated_definitions() -> None:
    text = """\
        @one
        @two(
            lambda x: x
        )
        def f(a=lambda: 1):
            @three
            class C:
                def g(self): return [lambda: 2 for _ in ()]
    """
    module = call_edges.parsed(dedent(text))
    lines = {key: (holder.line, holder.name) for key, holder in module.holders.items()}
    assert lines[1, "f"] == (5, "f")
    assert lines[3, "<lambda>"] == (0, "<module>")  # a decorator runs outside
    assert lines[5, "<lambda>"] == (0, "<module>")  # so does a default
    assert lines[6, "C"] == (7, "f.C")
    assert lines[8, "g"] == lines[8, "<lambda>"] == lines[8, "<listcomp>"] == (8, "f.C.g")
    assert (5, "f") not in lines


def row(**changes: Any) -> dict[str, Any]:
    plain = {"callee": ["m.py", 1, "f"], "at": [1, 1, 0, 3], "c": "", "foreign": False}
    return {**plain, "lookup": None, "generator": False, "count": 1, **changes}


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("f()", {}, ""),
        ("f()", {"foreign": True}, call_edges.FOREIGN),
        ("f()", {"c": "sorted"}, call_edges.C_FRAME),
        ("f()", {"c": "next"}, ""),
        ("f()", {"c": "sorted", "generator": True}, ""),
        ("f()", {"c": "sorted", "foreign": True}, call_edges.FOREIGN),
        ("a.b()", {"at": [1, 1, 0, 5], "lookup": [1, 1, 0, 3]}, call_edges.GETATTR),
        ("f(a.b)", {"at": [1, 1, 0, 6], "lookup": [1, 1, 2, 5]}, ""),
        ("f()", {"at": [1, None, None, None], "lookup": [1, None, None, None]}, call_edges.GETATTR),
        ("f()", {"at": [1, None, None, None], "lookup": [9, None, None, None]}, ""),
        ("getattr(x, y)()", {"at": [1, None, None, None]}, call_edges.COMPUTED),
        ("import_module('y').f()", {"at": [1, None, None, None]}, ""),
    ],
)
def test_reasons_to_leave_out(text: str, changes: dict[str, Any], expected: str) -> None:
    module = call_edges.parsed(text)
    one = row(**changes)
    node = call_edges.node_at(module, one["at"])
    holder = module.holders[0, "<module>"]
    assert call_edges.left_out_kind(one, module, node, holder) == expected


def test_a_method_call_over_lines_is_found_by_its_end() -> None:
    module = call_edges.parsed("(a\n .b\n .c(1))\n")
    node = call_edges.node_at(module, [3, 3, 2, 6])
    assert type(node).__name__ == "Call"
    assert call_edges.node_at(module, [3, 3, 2, 99]) is None
    assert call_edges.node_at(module, [3, None, None, None]) is None


# ----------------------------------------------------------------------------- the comparison


def test_a_whole_run_finds_and_misses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """
        def hidden():
            pass
        def seen():
            pass
        def main():
            seen()
            globals()["hid" + "den"]()
            return [seen() for _ in (1,)]
        main()
    """
    package(tmp_path, text)
    (tmp_path / "setup.cfg").touch()
    kept = tmp_path / "kept.json"
    shared = ["--source", str(tmp_path), "--package", "pkg"]
    assert call_edges.main([*shared, "--keep", str(kept), "--", "-c", "import pkg"]) == 0
    first = capsys.readouterr().out
    assert "edges that ran: 3;" in first
    assert "left out:     2 of 3 (0.667)" in first
    assert "main -> hidden" in first
    assert "main -> seen" not in first
    assert call_edges.main([*shared, "--read", str(kept)]) == 0
    assert capsys.readouterr().out == first


def test_a_package_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no package nothing"):
        call_edges.package_folder(tmp_path, "nothing")
    (tmp_path / "src" / "a" / "b").mkdir(parents=True)
    assert call_edges.package_folder(tmp_path, "a.b") == tmp_path.resolve() / "src" / "a" / "b"


def test_an_empty_set_of_edges_has_a_score() -> None:
    assert str(call_edges.score([], [])) == "0 of 0 (1.000)"
    one, two = (("a", 1), ("a", 2)), (("a", 2), ("a", 1))
    assert str(call_edges.score([one], [one, two])) == "1 of 1 (1.000)"
    assert str(call_edges.score([one], [two])) == "0 of 1 (0.000)"


# ----------------------------------------------------------------------------- PyCG's snippets


def snippet(tmp_path: Path, truth: dict[str, list[str]], **modules: str) -> Path:
    folder = tmp_path / "snippets" / "calls" / "one"
    folder.mkdir(parents=True)
    (folder / "callgraph.json").write_text(json.dumps(truth), encoding="utf-8")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(dedent(text), encoding="utf-8")
    return folder


def test_a_snippet_of_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = """
        import other
        def unused(): pass
        def func(f):
            return f()
        class Cls:
            def __init__(self): pass
        class Bare: pass
        func(lambda: len("abc"))
        other.work()
        Cls()
        Bare()
    """
    truth = {
        "main": ["main.func", "other.work", "main.Cls.__init__", "main.unused", "ext.f"],
        "main.<lambda1>": ["<builtin>.len"],
    }
    folder = snippet(tmp_path, truth, main=main, other="def work(): pass\n")
    outcome = pycg.measured(folder, "calls/one")
    assert outcome.wanted == {
        ("main", "main.func"),
        ("main", "other.work"),
        ("main", "main.Cls.__init__"),
        ("main", "main.unused"),
    }
    assert outcome.misses == [("main", "main.unused")]
    assert outcome.wrong == [("main.func", "main.<lambda1>")]
    assert pycg.main([str(tmp_path / "snippets"), "-v"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == f"{'calls':14}    4 edges  recall 0.750  precision 0.750"
    assert shown[2:] == [
        "miss   calls/one: main -> main.unused",
        "wrong  calls/one: main.func -> main.<lambda1>",
    ]


def test_lambdas_are_counted_in_their_scope(tmp_path: Path) -> None:
    main = """
        def func():
            return lambda: 1
        a = lambda: 2; b = lambda: 3
        func()(), a(), b()
    """
    truth = {"main": ["main.func", "main.func.<lambda1>", "main.<lambda1>", "main.<lambda2>"]}
    outcome = pycg.measured(snippet(tmp_path, truth, main=main), "lambdas/one")
    assert outcome.misses == outcome.wrong == []


def test_a_category_without_edges_has_no_figure() -> None:
    nothing = pycg.Outcome("a/b", frozenset(), frozenset())
    assert pycg.figures([nothing]) == "   0 edges  recall -      precision -    "


def test_callees_outside_of_the_snippet_do_not_count() -> None:
    truth = {"main": ["main.f", "mainly.f", "<builtin>.len", "a.b.f", "a.bc.f", "ext"]}
    assert pycg.wanted_edges(truth, ["main", "a.b"]) == {("main", "main.f"), ("main", "a.b.f")}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("main.py", "main"),
        ("a/__init__.py", "a"),
        ("a/b.py", "a.b"),
        ("a/my__init__.py", "a.my__init__"),
    ],
)
def test_module_names(path: str, name: str) -> None:
    assert pycg.module_name(path) == name


# ----------------------------------------------------------------------------- costs


def test_the_exponent_of_a_power() -> None:
    assert perf.exponent([(10, 20), (100, 200), (1000, 2000)]) == pytest.approx(1)
    assert perf.exponent([(1, 1), (10, 100)]) == pytest.approx(2)


def test_files_that_do_not_parse_are_not_in_the_base(tmp_path: Path) -> None:
    folder = tmp_path / "pkg"
    folder.mkdir()
    (folder / "good.py").write_text("x = 1\ny = 2\n")
    (folder / "bad.py").write_text("def (:\n")
    (folder / "null.py").write_bytes(b"x = '\0'\n")
    (folder / "note.txt").write_text("no code")
    work = tmp_path / "work"
    work.mkdir()
    tree = perf.copied(folder, work)
    assert sorted(path.name for path in tree.iterdir()) == ["bad.py", "good.py", "null.py"]
    assert perf.parsable(tree, tmp_path / "listing") == (1, 2)
    assert perf.middle_file(tmp_path / "listing").name == "good.py"


def test_a_change_does_not_touch_the_users_folder(tmp_path: Path) -> None:
    folder, work = tmp_path / "pkg", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    (folder / "a.py").write_text("x = 1")
    tree = perf.copied(folder, work)
    perf.change(tree / "a.py", 3)
    assert (folder / "a.py").read_text() == "x = 1"
    assert (tree / "a.py").read_text().splitlines()[-2:] == ["def appended_3():", "    return 3"]


def test_a_failing_command_ends_the_measurement(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="on purpose"):
        perf.cost([sys.executable, "-c", "raise SystemExit('on purpose')"], tmp_path)
    done = perf.cost([sys.executable, "-c", "x = 1"], tmp_path)
    assert 0 < done.cpu < 30
    assert done.peak > 1


# ----------------------------------------------------------------------------- reach


def test_whatever_stands_on_the_stack_of_a_root_has_reached_it(tmp_path: Path) -> None:
    text = """
        import contextlib
        def root():
            pass
        def middle():
            root()
        @contextlib.contextmanager
        def entered():
            middle()
            yield
        def through_the_library():
            with entered():
                pass
        def never():
            if 1 > 2:
                root()
        def called_by_tests(test):
            test()
    """
    folder = package(tmp_path, text).resolve()
    tests = tmp_path / "tests"
    tests.mkdir()
    run_all = (
        "import pkg\npkg.through_the_library()\npkg.never()\npkg.called_by_tests(pkg.middle)\n"
    )
    inside = "def test():\n    pkg.middle()\npkg.called_by_tests(test)\n"
    (tests / "run.py").write_text(run_all + inside)
    command = [sys.executable, str(tests / "run.py")]
    found = reach.record(tmp_path, folder, tests.resolve(), ["pkg:root"], command)
    lines = (folder / "__init__.py").read_text().splitlines()
    names = {lines[line - 1].partition("(")[0].removeprefix("def ") for _, line in found}
    assert names == {"root", "middle", "entered", "through_the_library", "called_by_tests"}


def test_a_test_hides_what_stands_above_it(tmp_path: Path) -> None:
    text = """
        def root():
            pass
        def runner(test):
            test()
    """
    folder = package(tmp_path, text).resolve()
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "run.py").write_text("import pkg\npkg.runner(lambda: pkg.root())\n")
    command = [sys.executable, str(tests / "run.py")]
    assert reach.record(tmp_path, folder, tests.resolve(), ["pkg:root"], command) == [
        ("__init__.py", 2)
    ]


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no function pkg:absent"):
        reach.watched(package(tmp_path, "def there(): pass").resolve(), "pkg:absent")


def test_reached_goes_up_along_edges_only() -> None:
    one, two, three, four = [("m.py", line) for line in range(1, 5)]
    assert reach.reached([(one, two), (two, three), (three, two), (four, four)], [three]) == {
        one,
        two,
        three,
    }


# ----------------------------------------------------------------------------- known targets


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("def run(): pass\ndef f():\n    run()", "project"),
        ("class A: pass\ndef f():\n    A()", "project"),
        ("import time\ndef f():\n    time.sleep(1)", "library"),
        ("import os\ndef f():\n    os.path.sleep()", "foreign"),
        ("class E(Exception):\n    def __init__(self):\n        super().__init__()", "foreign"),
        ("class E:\n    def update(self):\n        self.__dict__.update({})", "foreign"),
        ("def join(): pass\ndef f():\n    ','.join('a')", "constant"),
        ("def join(): pass\ndef f():\n    text = ','\n    text.join('a')", "constant"),
        ("class A:\n    def special(self): pass\ndef f(x):\n    x.special()", "by name"),
        ("class A:\n    def get(self): pass\ndef f(x):\n    x.get()", "unknown"),
    ],
)
def test_how_a_target_is_known(tmp_path: Path, text: str, kind: str) -> None:
    folder = package(tmp_path, text)
    assert [call.kind for call in known_targets.measured(folder)] == [kind]


def test_calls_that_no_name_connects_are_not_counted(tmp_path: Path) -> None:
    text = """
        def f(x, handlers):
            x.unheard_of()
            handlers["f"]()
            print(x)
    """
    assert list(known_targets.measured(package(tmp_path, text))) == []


def test_tests_beside_the_package_are_not_counted(tmp_path: Path) -> None:
    folder = package(tmp_path, "def f():\n    pass\n", other="import pkg\npkg.f()\n")
    (tmp_path / "pyproject.toml").write_text("")
    assert list(known_targets.measured(folder)) == []
