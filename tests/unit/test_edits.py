"""The transformer: places as `ast` has them, order, conflicts, and that nothing else moves."""

from __future__ import annotations

import ast
import dataclasses
import functools
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncshift.codemod import Edit
from asyncshift.document import Document, split_lines
from asyncshift.edits import Applied, RewriteBug, Unreadable, apply_edits, conflicts
from asyncshift.model import Span
from asyncshift.rewrite.context import kind_of
from asyncshift.rewrite.regions import Planned, indent_unit, pieces, rewrite_piece
from asyncshift.rewrite.tree import Tree
from tests.unit.rewrite_bench import A, do, in_order, patched, rewritten

FIXTURES = [
    Path(ast.__file__),
    Path(dataclasses.__file__),
    Path(__file__),
    Path(functools.__file__),
]


def wrapped(name: str, node: Any) -> Any:
    return cst.Call(cst.Name(name), [cst.Arg(node)])


def wrap(span: Span, name: str, order: int = 0, kind: str = "Call") -> Edit:
    return Edit(kind, span, functools.partial(wrapped, name), order)


def applied(code: str, *edits: Edit) -> str:
    result = apply_edits(code, edits)
    assert isinstance(result, Applied)
    return result.code


def test_ascending_order_on_one_place() -> None:
    span = (1, 0, 1, 3)
    edits = [wrap(span, name, order) for order, name in enumerate("abc")]
    for some in itertools.permutations(edits):
        assert applied("f()\n", *some) == "c(b(a(f())))\n"


def test_inner_places_before_outer_ones() -> None:
    spans = [(1, 0, 1, 9), (1, 2, 1, 8), (1, 4, 1, 7)]
    edits = [wrap(span, name) for span, name in zip(spans, "abc", strict=True)]
    for some in itertools.permutations(edits):
        assert applied("f(g(h()))\n", *some) == "a(f(b(g(c(h())))))\n"


def test_the_same_edit_twice_is_one() -> None:
    edit, twin = wrap((1, 0, 1, 3), "a"), wrap((1, 0, 1, 3), "a")
    assert not conflicts([edit, twin])
    assert applied("f()\n", edit, twin) == "a(f())\n"


def test_different_edits_of_one_place_and_order_are_a_conflict() -> None:
    one, other = wrap((1, 0, 1, 3), "a"), wrap((1, 0, 1, 3), "b")
    assert conflicts([one, other]) == [(one, other)]
    assert not conflicts([one, wrap((1, 0, 1, 3), "b", order=1)])


@pytest.mark.parametrize("span", [(1, 0, 1, 2), (2, 0, 2, 3), (1, 1, 1, 4)])
def test_a_place_that_does_not_exist_is_a_bug(span: Span) -> None:
    with pytest.raises(RewriteBug, match="no such place"):
        apply_edits("f()\n", [wrap(span, "a")])


def test_the_wrong_kind_of_node_is_a_bug() -> None:
    with pytest.raises(RewriteBug):
        apply_edits("f()\n", [wrap((1, 0, 1, 3), "a", kind="Name")])


@pytest.mark.parametrize("code", ["if 1:\n", "x = = 1\n", "if 1:\n    \x0cx = f()\n"])
def test_what_libcst_cannot_read_or_give_back(code: str) -> None:
    assert isinstance(apply_edits(code, []), Unreadable)


def test_deep_nesting_is_no_crash() -> None:
    code = "f()" + ".g()" * 500 + "\n"
    assert isinstance(apply_edits(code, [wrap((1, 0, 1, 3), "a")]), Unreadable)
    code = "f()" + ".g()" * 250 + "\n"
    result = rewritten(f"async def main():\n    {code}", do(A.AWAIT, "f()"))
    assert [r.reason for r in result.refusals] == ["the code is nested too deeply"]


@pytest.mark.parametrize(
    ("code", "kind", "span"),
    [
        ("x = (1, 2)\n", "Tuple", (1, 4, 1, 10)),
        ("x = ((1, 2))\n", "Tuple", (1, 5, 1, 11)),
        ("x = 1, 2\n", "Tuple", (1, 4, 1, 8)),
        ("x = (a for a in b)\n", "GeneratorExp", (1, 4, 1, 18)),
        ("f(a for a in b)\n", "GeneratorExp", (1, 1, 1, 15)),
        ("f((a for a in b))\n", "GeneratorExp", (1, 2, 1, 16)),
        ("f(  # (\n  a for a in b\n)\n", "GeneratorExp", (1, 1, 3, 1)),
        ("x = (f())\n", "Call", (1, 5, 1, 8)),
        ("@a(1)\ndef f(): pass\n", "Call", (1, 1, 1, 5)),
    ],
)
def test_brackets_belong_to_a_node_as_ast_has_it(code: str, kind: str, span: Span) -> None:
    seen: list[cst.CSTNode] = []

    def change(node: Any) -> Any:
        seen.append(node)
        return node

    assert applied(code, Edit(kind, span, change)) == code
    assert [type(node).__name__ for node in seen] == [kind]


def places(text: str) -> Iterator[tuple[str, Span]]:
    """Every expression and statement of a file, with the kind that LibCST gives it."""
    tree = Tree(text)
    for node in ast.walk(tree.module):
        if isinstance(node, ast.Tuple) and isinstance(tree.parents[node], ast.Subscript):
            continue  # no tuple in LibCST
        match node:
            case ast.JoinedStr() | ast.FormattedValue() | ast.Slice() | ast.Starred():
                continue  # LibCST cuts these in another way
            case ast.Constant(value=str() | bytes() | float() | complex()):
                continue
            case ast.expr() | ast.FunctionDef() | ast.With() | ast.For() | ast.ClassDef():
                yield kind_of(node), tree.span(node)
            case ast.If() | ast.While() | ast.Try() | ast.ExceptHandler():
                yield kind_of(node), tree.span(node)
            case ast.Return() | ast.Assign() | ast.Expr() | ast.Import() | ast.ImportFrom():
                yield "SimpleStatementLine", tree.span(node)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_every_place_of_a_real_file_is_found(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    edits = [Edit(kind, span, lambda node: node) for kind, span in places(text)]
    assert len(edits) > 30
    assert applied(text, *edits).splitlines() == text.splitlines()


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_every_piece_of_a_real_file_comes_back(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = Tree(text)
    edits = [Edit(kind, span, lambda node: node) for kind, span in places(text)]
    planned = [Planned(edit, header=True) for edit in edits if edit.kind != "Try"]
    cut = pieces(tree, planned)
    assert len(cut) > 30
    for piece in cut:
        result = rewrite_piece(tree, piece, indent_unit(tree))
        assert not isinstance(result, Unreadable), result
        rows = [line.rstrip("\r\n") for line in tree.lines[piece.first - 1 : piece.last]]
        assert list(result.lines) == rows


# ----------------------------------------------------------------------------- bytes

END = st.sampled_from(["\n", "\r\n", "\n", "\r"])
STATEMENTS = [
    ["x = f()"],
    ["y = 'é', g(f())  "],
    ["if f(): pass"],
    ["with f() as z:", "\tz  # é", "", "\tz.a"],
    ["for a in f():", "  a; f()", "else:", "  b"],
    ["x = (f(),", "\t  # comment", "  2)"],
    ["'''text", "  f()", "'''"],
    ["\x0cdef h():", "    return f()"],
    ["@f()", "class K:", "    a = 1", "", "    def m(self): f()"],
    ["\x0c"],
    ["# f()"],
    ["", "   "],
    ["try:", "    f()", "except E(f()) as e:", "    f()", "finally: f()"],
    ["if a:", "\tpass", "elif f():", "\t\x0c", "\tf()", "else: f()"],
    ["match f():", "  case [x] if f(): f()", "  case _:", "    pass"],
]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Programs with mixed line ends, tabs, form feeds, and sometimes no final newline."""
    lines = list(itertools.chain.from_iterable(draw(st.lists(st.sampled_from(STATEMENTS)))))
    ends = draw(st.lists(END, min_size=len(lines), max_size=len(lines)))
    text = "".join(line + end for line, end in zip(lines, ends, strict=True))
    if draw(st.booleans()) and lines and lines[-1].strip():
        text = text[: -len(ends[-1])]
    head = draw(st.sampled_from(["", "#!/usr/bin/env python\n", "# -*- coding: utf-8 -*-\r\n"]))
    return head + text


@settings(max_examples=150, deadline=None)
@given(texts(), st.randoms(use_true_random=False))
def test_edits_that_change_nothing_keep_every_byte(text: str, random: Any) -> None:
    tree = Tree(text)
    found = sorted(set(places(text)))
    chosen = [place for place in found if random.random() < 0.5]
    document = Document(text)
    planned = [Planned(Edit(kind, span, lambda node: node)) for kind, span in chosen]
    for piece in reversed(pieces(tree, planned)):
        result = rewrite_piece(tree, piece, indent_unit(tree))
        if not isinstance(result, Unreadable):
            document.splice(piece.first - 1, piece.last, result.lines)
    assert document.text == text
    assert document.hunks() == ()


@settings(max_examples=150, deadline=None)
@given(texts(), st.randoms(use_true_random=False))
def test_awaits_touch_only_their_own_lines(text: str, random: Any) -> None:
    tree = Tree(text)
    calls = [n for n in ast.walk(tree.module) if isinstance(n, ast.Call)]
    chosen = [n for n in calls if random.random() < 0.5 and ast.unparse(n) == "f()"]
    document = Document(text)

    def awaited(node: Any) -> Any:
        return cst.Await(node)

    planned = [Planned(Edit("Call", tree.span(n), awaited)) for n in chosen]
    touched = set[int]()
    for piece in reversed(pieces(tree, planned)):
        result = rewrite_piece(tree, piece, indent_unit(tree))
        if isinstance(result, Unreadable):
            touched.update(range(piece.first, piece.last + 1))
            continue
        document.splice(piece.first - 1, piece.last, result.lines)
    new = split_lines(document.text)
    assert len(new) == len(tree.lines)
    wanted = {n.lineno for n in chosen} - touched
    changed = {i for i, (a, b) in enumerate(zip(tree.lines, new, strict=True), 1) if a != b}
    assert changed == wanted
    assert all(new[i - 1].replace("await f()", "f()") == tree.lines[i - 1] for i in changed)
    assert patched(text, document.hunks()) == document.text
    assert in_order(document.hunks())


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), END)),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.lists(st.sampled_from("abcd")))),
)
def test_hunks_of_any_splices_lead_to_the_text(
    rows: list[tuple[str, str]], splices: list[tuple[int, int, list[str]]]
) -> None:
    old = "".join(body + end for body, end in rows)
    document = Document(old)
    for start, length, new in splices:
        low = min(start, len(document.lines))
        document.splice(low, min(low + length, len(document.lines)), new)
    assert patched(old, document.hunks()) == document.text
    assert in_order(document.hunks())
