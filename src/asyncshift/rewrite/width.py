"""How long lines may be in one file whose project has no settings."""

from __future__ import annotations

import ast
from dataclasses import replace

from asyncshift.model import Style
from asyncshift.rewrite.tree import Tree


def style_in(style: Style, tree: Tree) -> Style:
    """The style of one file: without settings its author's longest line of code may be reached."""
    longest = longest_code(tree) if style.widest > style.line_length else 0
    return replace(style, line_length=max(style.line_length, min(longest, style.widest)))


def longest_code(tree: Tree) -> int:
    """The length of the longest line, comments and text that spans lines left out."""
    longest = 0
    for node, parent in tree.parents.items():
        if isinstance(node, ast.expr) and not isinstance(parent, (ast.JoinedStr, ast.Expr)):
            text = isinstance(node, (ast.Constant, ast.JoinedStr))
            line, _, last, end = tree.span(node)
            if (not text or line == last) and longest < end + 3 * tree.lines[last - 1].count("\t"):
                longest = max(longest, len(tree.lines[last - 1][:end].expandtabs(4)))
    return longest
