"""The page docs/pairs.md: every disagreement of the pairs with its verdict, and the figures.

    python benchmarks/pairs_page.py --work DIR [--check]

`--work` is where `benchmarks/pairs.py` left its results.  The verdicts stand in
`benchmarks/pairs_verdicts.toml` and are made by hand: each entry names the pair, the functions as
`function [measure]`, the verdict (`right`: ours is right too; `wrong`: ours is wrong; `open`: that
cannot be decided from the two texts) and the reason.  A disagreement without a verdict, and a
verdict without a disagreement, are printed and end with status 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VERDICTS = HERE / "pairs_verdicts.toml"
PAGE = HERE.parent / "docs" / "pairs.md"
WIDTH = 100
MEASURES = ("async_def", "await", "async_for", "async_with")
TITLES = {
    "right": "Ours is right too",
    "open": "Cannot be decided",
    "wrong": "Ours is wrong",
}

Key = tuple[str, str, str]
"""(pair, function, measure)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One entry of the table."""

    pair: str
    kind: str
    verdict: str
    reason: str
    places: tuple[str, ...]

    def judged(self) -> Iterator[Key]:
        """What it judges."""
        for place in self.places:
            function, _, measure = place.rpartition(" [")
            yield self.pair, function, measure.rstrip("]")


def read_verdicts(text: str) -> list[Verdict]:
    """The entries; raises ValueError for one that is not complete."""
    found = []
    for entry in tomllib.loads(text).get("verdict", ()):
        if entry["verdict"] not in TITLES:
            raise ValueError(f"no verdict: {entry['verdict']}")
        found.append(
            Verdict(
                entry["pair"],
                entry["kind"],
                entry["verdict"],
                entry["reason"],
                tuple(entry["functions"]),
            )
        )
    return found


def disagreements(results: Mapping[str, Mapping[str, Any]]) -> dict[Key, Mapping[str, Any]]:
    """All disagreements of all pairs by what tells them apart."""
    return {
        (pair, one["function"].replace(".<locals>", ""), one["kind"]): one
        for pair, result in results.items()
        for one in result["disagreements"]
    }


def unjudged(
    found: Iterable[Key], verdicts: Sequence[Verdict]
) -> tuple[list[Key], list[Key], list[Key]]:
    """(disagreements without a verdict, verdicts without a disagreement, judged twice)."""
    judged = [key for verdict in verdicts for key in verdict.judged()]
    known = set(found)
    twice = sorted({key for key in judged if judged.count(key) > 1})
    return sorted(known - set(judged)), sorted(set(judged) - known), twice


def page(results: Mapping[str, Mapping[str, Any]], verdicts: Sequence[Verdict]) -> str:
    """The text of the page."""
    found = disagreements(results)
    lines = [
        "# Published packages that come in both forms",
        "",
        "<!-- Made by benchmarks/pairs_page.py from the results of benchmarks/pairs.py and from",
        "benchmarks/pairs_verdicts.toml: edit these, not this page. -->",
        "",
        "Some packages are published with the same code in a sync and an async form. The sync half",
        "is migrated here with nothing but a table of what its authors replaced by hand (a socket,",
        "a lock, a client), and compared with the async half, function by function: `async def`,",
        "what is awaited, iterated with `async for`, entered with `async with` (F1), and the share",
        "of the functions that change which are entirely right. `benchmarks/pairs.py` does it.",
        "",
        "| pair | async def | await | async for | async with | entirely right |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(name, _figures(result)) for name, result in results.items()]
    lines.append(_row("mean", _means(results)))
    lines += [
        "",
        "The async half is one right answer among several. Each disagreement was read and judged:",
        "",
        "| verdict | disagreements |",
        "|---|---|",
    ]
    for verdict, title in TITLES.items():
        count = sum(
            key in found for one in verdicts if one.verdict == verdict for key in one.judged()
        )
        lines.append(f"| {title.lower()} | {count} |")
    for verdict, title in TITLES.items():
        entries = [one for one in verdicts if one.verdict == verdict]
        if entries:
            lines += ["", f"## {title}"]
        for kind in dict.fromkeys(one.kind for one in entries):
            lines += ["", f"### {kind}"]
            for one in entries:
                if one.kind == kind:
                    text = f"**{one.pair}.** {' '.join(one.reason.split())}"
                    lines += ["", *textwrap.wrap(text, WIDTH), ""]
                    lines += [_place(key, found) for key in one.judged() if key in found]
    missing = unjudged(found, verdicts)[0]
    if missing:
        lines += ["", "## Without a verdict", ""]
        lines += [_place(key, found) for key in missing]
    return "\n".join(lines) + "\n"


def _place(key: Key, found: Mapping[Key, Mapping[str, Any]]) -> str:
    one = found[key]
    if key[2] == "async_def":
        what = f"theirs is {one['want']}, ours {one['got']}"
    else:
        parts = [("only theirs", one["missing"]), ("only ours", one["extra"])]
        what = "; ".join(f"{word} {', '.join(names)}" for word, names in parts if names)
    return f"- `{key[1]}` ({key[2].replace('_', ' ')}): {what}"


def _figures(result: Mapping[str, Any]) -> list[float | None]:
    return [*(result["measures"][name]["f1"] for name in MEASURES), result["fully_right_changed"]]


def _means(results: Mapping[str, Mapping[str, Any]]) -> list[float | None]:
    columns = zip(*map(_figures, results.values()), strict=True)
    known = [[value for value in column if value is not None] for column in columns]
    return [sum(values) / len(values) if values else None for values in known]


def _row(name: str, values: Iterable[float | None]) -> str:
    cells = ("-" if value is None else f"{value:.3f}" for value in values)
    return f"| {name} | {' | '.join(cells)} |"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="where the results are")
    parser.add_argument("--check", action="store_true", help="write nothing; is the page stale?")
    options = parser.parse_args(argv)
    verdicts = read_verdicts(VERDICTS.read_text(encoding="utf-8"))
    results = {
        pair: json.loads((options.work / "_migrated" / f"{pair}.json").read_text(encoding="utf-8"))
        for pair in dict.fromkeys(one.pair for one in verdicts)
    }
    text = page(results, verdicts)
    missing, stale, twice = unjudged(disagreements(results), verdicts)
    for word, keys in (("no verdict", missing), ("no disagreement", stale), ("twice", twice)):
        for pair, function, measure in keys:
            print(f"{word}: {pair} {function} [{measure}]")
    if options.check:
        fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        print("docs/pairs.md is fresh" if fresh else "docs/pairs.md is stale")
        return int(not fresh or bool(missing or stale or twice))
    PAGE.write_text(text, encoding="utf-8")
    return int(bool(missing or stale or twice))


if __name__ == "__main__":
    sys.exit(main())
