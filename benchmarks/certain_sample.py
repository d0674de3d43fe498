"""A sample of the edges that the call graph calls certain, to be read by a person.

    python benchmarks/certain_sample.py [--number N] [--seed N] [--ignore PATTERN ...] FOLDER ...

A folder is a package; the project around it is read as well, as `asyncshift graph FOLDER` does.
Of each package, N edges are drawn by `random.Random(seed)` out of those that start in it, sorted by
place: one edge is one place, the way it calls (a call, a property, `with`, ...) and one function of
the project.  Printed are the place, the text of what is called, the function, how many other
functions the same place reaches, and the lines of the source there.

`docs/certain-edges.md` has what was read, and the verdicts.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from asyncshift import pipeline
from asyncshift.config import Config
from asyncshift.model import Certainty, Function, Graph, Site
from asyncshift.report.graph import MENTIONS

Edge = tuple[Site, Function]


def certain(graph: Graph, selected: frozenset[str]) -> list[Edge]:
    """Every certain edge between functions of the project that starts in one of these files."""
    edges = [
        (site, graph.functions[target])
        for site in graph.sites
        if site.certainty is Certainty.CERTAIN
        and site.protocol not in MENTIONS
        and site.path in selected
        for target in sorted({t.function for t in site.targets if t.function is not None})
    ]
    return sorted(edges, key=_place)


def _place(edge: Edge) -> tuple[object, ...]:
    site, target = edge
    return site.path, site.span, site.protocol, site.consumer, target.id


def shown(edge: Edge, lines: Sequence[str]) -> str:
    """What a reader needs: from where to where, and the lines of the call."""
    site, target = edge
    others = len({t.function or t.api for t in site.targets}) - 1
    place = f"{site.path}:{site.span[0]}:{site.span[1]}"
    arrow = f"{target.module}:{target.name} ({target.path}:{target.line})"
    text = "\n".join(lines[site.span[0] - 1 : min(site.span[2], site.span[0] + 3)])
    return f"{place} [{site.protocol}] {site.text} -> {arrow} +{others}\n{text}"


def sampled(folder: Path, number: int, seed: int, ignore: tuple[str, ...]) -> Iterator[str]:
    """The lines to print for one package."""
    config = Config(cache=False, jobs=1, ignore=ignore)
    survey = pipeline.survey([folder], config)
    files = {file.path: file for file in survey.project.files}
    edges = certain(survey.graph, frozenset(p for p, file in files.items() if file.selected))
    chosen = sorted(random.Random(seed).sample(range(len(edges)), min(number, len(edges))))
    yield f"{folder.name}: {len(edges)} certain edges, {len(chosen)} of them with seed {seed}"
    for count, index in enumerate(chosen, 1):
        edge = edges[index]
        yield f"\n{count}. {shown(edge, files[edge[0].path].text.splitlines())}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--number", type=int, default=50, help="edges of each package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ignore", action="append", default=[], metavar="PATTERN")
    options = parser.parse_args(arguments)
    for folder in options.folders:
        for line in sampled(folder, options.number, options.seed, tuple(options.ignore)):
            print(line)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
