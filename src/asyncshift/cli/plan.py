"""`asyncshift plan`: in which order to migrate, in waves that fit one review."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from asyncshift.cli.options import PathList, given
from asyncshift.config import Config


class PlanFormat(enum.StrEnum):
    """How a plan is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class WantedOrder(enum.StrEnum):
    """Which order is shown in full."""

    PROPOSED = "proposed"
    UP = "up"
    DOWN = "down"


def plan(
    paths: PathList = None,
    *,
    order: Annotated[
        WantedOrder, typer.Option(help="The order to show in full.")
    ] = WantedOrder.PROPOSED,
    profile: Annotated[
        Path | None,
        typer.Option(
            help="Weigh calls by a profile: of `python -m cProfile -o`, or pyinstrument's JSON.",
            dir_okay=False,
        ),
    ] = None,
    wave_size: Annotated[
        int, typer.Option(min=1, help="Changed places that fit one review.")
    ] = 120,
    format: Annotated[
        PlanFormat, typer.Option("--format", help="How to write the plan.")
    ] = PlanFormat.TEXT,
    config: Config,
) -> None:
    """Propose an order of modules, in waves that fit one review, with what each needs and gains."""
    from asyncshift import goal, ledger, pipeline, profiles, recording
    from asyncshift.cli import terminal
    from asyncshift.report import plan as report
    from asyncshift.report.roadmap import roadmap
    from asyncshift.report.scan import scan_report
    from asyncshift.report.warnings import warnings_text

    with terminal.progress() as progress:
        seen = pipeline.survey(given(paths), config, progress)
        root = Path(seen.project.root)
        waits = profiles.read_profile(profile, seen.graph, str(root)) if profile else None
        known, _ = ledger.adopt(ledger.read_ledger(root), seen.project)
        found = goal.find_goal(seen, config, progress, recording.choice(known, seen.graph))
        scan = scan_report(seen.project, seen.graph, seen.registry)
    way = roadmap(found, scan, waits, wave_size)
    wanted = "" if order is WantedOrder.PROPOSED else str(order)
    match format:
        case PlanFormat.JSON:
            print(report.plan_json(way))
        case PlanFormat.MARKDOWN:
            print(report.plan_markdown(way, wanted), end="")
        case PlanFormat.TEXT:
            terminal.show(report.plan_text(way, wanted))
    terminal.show(warnings_text(seen.messages), error=True)
