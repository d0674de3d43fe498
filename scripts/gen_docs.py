"""Writes the reference pages from the code: docs/codemods.md, docs/rules.md and docs/cli.md.

With `--check` nothing is written; the exit status is 1 when a page is not what the code says.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import typer.main

from asyncshift.cli.app import build
from asyncshift.codemod_info import CodemodInfo, RowInfo
from asyncshift.loading import load_registry
from asyncshift.report.rules import in_groups, title
from asyncshift.rules import Rule, known_rules
from asyncshift.tables import Table

DOCS = Path(__file__).resolve().parent.parent / "docs"
NOTICE = "<!-- Made by scripts/gen_docs.py (`make docs`): edit the code, not this page. -->"
MARKUP = re.compile(r"\[/?(?:bold|dim|italic|link|cyan|green|red|yellow)[^\]]*\]")


def cell(text: str) -> str:
    """Text that may stand in a column of a Markdown table."""
    return " ".join(MARKUP.sub("", text).split()).replace("|", "\\|")


# ----------------------------------------------------------------------------- codemods


def codemods_page(codemods: tuple[CodemodInfo, ...]) -> str:
    lines = [
        "# Codemods",
        "",
        NOTICE,
        "",
        "A codemod is one folder: a table that says what becomes of each name of a library, and",
        "code only for what a table cannot say. Where a program uses a name of which no table says",
        "what it becomes, the client and all that flows from it stay what they are, and async code",
        "calls them in a thread.",
        "",
        *(f"- [{info.name}](#{info.name}): {info.summary}" for info in codemods),
        "",
    ]
    for info in codemods:
        lines += codemod_section(info)
    return "\n".join(lines)


def codemod_section(info: CodemodInfo) -> Iterator[str]:
    yield from (f"## {info.name}", "", f"{info.summary}.", "")
    if info.requires:
        yield from (f"The migrated project needs {', '.join(f'`{r}`' for r in info.requires)}.", "")
    if info.docs:
        yield from (f"The library's own page: <{info.docs}>.", "")
    if info.text:
        yield from (info.text, "")
    if not info.rows:
        return
    yield from ("| name | what happens | becomes |", "|---|---|---|")
    for row in info.rows:
        if row.kind != "constant":
            yield f"| `{row.name}` | {row.kind} | {becomes(row)} |"
    for prefix, count in Counter(
        row.name.rpartition(".")[0] for row in info.rows if row.kind == "constant"
    ).items():
        yield f"| `{prefix}.*` ({count} names) | constant | its value |"
    yield ""


def becomes(row: RowInfo) -> str:
    """Names as code, sentences as they are."""
    if not row.becomes or row.kind == "stays in a thread":
        return cell(row.becomes)
    names = row.becomes.split(", ")
    if any(" " in name for name in names):
        return cell(row.becomes)
    return ", ".join(f"`{cell(name)}`" for name in names)


# ----------------------------------------------------------------------------- rules


def rules_page(tables: Iterable[Table]) -> str:
    lines = [
        "# Rules",
        "",
        NOTICE,
        "",
        "Every reason that asyncshift gives ends with a name in brackets.  What each of them",
        "means, and what to do about it; `asyncshift rules NAME` prints the same.",
        "",
    ]
    for group, members in groupby(in_groups(tuple(known_rules(tables).values())), group_of):
        lines += [f"## {title(group)}", ""]
        for rule in members:
            lines += [f"### {rule.name}", "", rule.means, ""]
            lines += [f"What to do: {rule.do}", ""] if rule.do else []
    return "\n".join(lines)


def group_of(rule: Rule) -> str:
    return rule.group


# ----------------------------------------------------------------------------- commands


COMMON = 4
"""An option of so many commands is described once for all of them."""


def commands_page() -> str:
    group = typer.main.get_command(build())
    lines = ["# Commands", "", NOTICE, ""]
    for paragraph in (group.help or "").split("\n\n"):
        lines += [cell(paragraph), ""]
    # Typed loosely: the base class of Typer's commands has moved between its versions.
    commands = dict(named_commands(group))
    rows = {name: list(option_rows(command)) for name, command in commands.items()}
    counted = Counter(row for own in rows.values() for row in own)
    common = [row for row, count in counted.items() if count >= COMMON]
    for name, command in commands.items():
        lines += command_section(name, command, rows[name], common)
    lines += ["## Common options", "", "| option | meaning |", "|---|---|", *common]
    return "\n".join(lines)


def named_commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its name, those of groups with the group's name before."""
    commands: dict[str, Any] = getattr(group, "commands", {})
    for name, command in commands.items():
        if hasattr(command, "commands"):
            yield from named_commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def command_section(name: str, command: Any, rows: list[str], common: list[str]) -> Iterator[str]:
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    yield from (f"## {name}", "", f"    {usage(name, arguments)}", "")
    for paragraph in (command.help or "").split("\n\n"):
        yield from (cell(paragraph), "")
    if own := [row for row in rows if row not in common]:
        yield from ("| option | meaning |", "|---|---|", *own, "")
    if len(own) < len(rows):
        whole = len(rows) - len(own) == len(common)
        names = ", ".join(row.split("|")[1].strip() for row in rows if row in common)
        those = "all" if whole else names
        yield from (f"Common options: {those}; see [below](#common-options).", "")


def option_rows(command: Any) -> Iterator[str]:
    for option in command.params:
        if option.param_type_name == "option":
            names = ", ".join(f"`{text}`" for text in (*option.opts, *option.secondary_opts))
            yield f"| {names} | {cell(option.help or '')} |"


def usage(name: str, arguments: list[Any]) -> str:
    pieces = ["asyncshift", name, "[OPTIONS]"]
    for argument in arguments:
        dots = "..." if argument.nargs == -1 else ""
        shown = argument.name.upper()
        pieces.append((shown if argument.required else f"[{shown}]") + dots)
    return " ".join(pieces)


# ----------------------------------------------------------------------------- main


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when stale")
    check = parser.parse_args().check
    registry = load_registry()
    pages = {
        "codemods.md": codemods_page(registry.codemods),
        "rules.md": rules_page(registry.tables),
        "cli.md": commands_page(),
    }
    stale = []
    for name, text in pages.items():
        path, text = DOCS / name, text.rstrip("\n") + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/{name} {'is stale: run `make docs`' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
