"""Examples in docstrings that call what is async now: listed, because they are text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asyncshift.rewrite.context import Context, FunctionNode, Step


def examples(ctx: Context, node: FunctionNode) -> Iterator[Step]:
    """Places to look: doctests of the file that call a function by its name, without `await`."""
    called = re.compile(rf"(?<!await )(?<![\w.])(?:[\w.]+\.)?{re.escape(node.name)}\(")
    for line, example in ctx.tree.examples:
        place = ("docstring", (line, 0, line, 0))
        if place not in ctx.done and called.search(example):
            ctx.done.add(place)
            text = f"the example `{example.strip()}` calls {node.name}, which is async now"
            yield ctx.look_at(line, "docstring", text)
