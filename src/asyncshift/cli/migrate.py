"""The step that `diff` and `apply` share, and the repair of what a crash left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from asyncshift.cli import terminal
from asyncshift.config import Config
from asyncshift.errors import InputError

if TYPE_CHECKING:
    from asyncshift.drafts import Drafts
    from asyncshift.goal import Goal
    from asyncshift.ledger import Ledger
    from asyncshift.model import FileChange, Graph
    from asyncshift.pipeline import Analysis, Outcome, Progress
    from asyncshift.planfile import PlannedSet
    from asyncshift.report.scan import ScanReport
    from asyncshift.scope import Choice


@dataclass(frozen=True, slots=True)
class Step:
    """What a command would write: the code, and what the ledger says of it."""

    root: Path
    outcome: Outcome
    ledger: tuple[FileChange, ...]
    sets: tuple[PlannedSet, ...] = ()
    graph: Graph = field(kw_only=True)

    @property
    def changes(self) -> tuple[FileChange, ...]:
        """All files of the step."""
        return (*self.outcome.changes, *self.ledger)


def migrate(
    paths: Sequence[Path],
    config: Config,
    taken: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Step:
    """The step that was chosen: all change-sets, or those taken, and none of those refused."""
    from asyncshift import ledger, pipeline, recording
    from asyncshift.planfile import PlannedSet
    from asyncshift.selection import choose, set_names

    with terminal.progress() as progress:
        analysis, known, choice = analyse(paths, config, progress)
        root = Path(analysis.project.root)
        outcome = pipeline.changes(analysis, progress)
        if taken or without:
            choice = choose(analysis.graph, outcome.plan, taken, without, choice)
            analysis = pipeline.narrowed(analysis, choice)
            outcome = pipeline.changes(analysis, progress)
    sets = tuple(
        PlannedSet(
            change.id,
            change.title,
            tuple(set_names(analysis.graph, change)),
            change.needs,
            outcome.mechanical.get(change.id, False),
        )
        for change in outcome.plan.change_sets
    )
    if not outcome.changes and analysis.scope is None:
        return Step(root, outcome, (), sets, graph=analysis.graph)
    records = recording.records(
        analysis.project,
        analysis.graph,
        outcome.plan,
        analysis.scope,
        outcome.changes,
        known,
        choice.declined,
    )
    changes = ledger.ledger_changes(root, records)
    return Step(root, outcome, changes, sets, graph=analysis.graph)


def open_drafts(paths: Sequence[Path], config: Config, progress: Progress) -> Drafts:
    """A step of which change-sets will be chosen."""
    from asyncshift.drafts import Drafts

    return Drafts(*analyse(paths, config, progress), progress)


def analyse(
    paths: Sequence[Path], config: Config, progress: Progress
) -> tuple[Analysis, Ledger, Choice]:
    """The project solved within what was selected now, and what the ledger says was before."""
    from asyncshift import ledger, pipeline, recording

    seen = pipeline.survey(paths, config, progress)
    known, notes = ledger.adopt(ledger.read_ledger(Path(seen.project.root)), seen.project)
    seen = replace(seen, messages=seen.messages + notes)
    choice = recording.choice(known, seen.graph)
    return pipeline.solved(seen, config, progress, choice), known, choice


def waves(paths: Sequence[Path], config: Config) -> tuple[tuple[str, ...], ...]:
    """The modules of each wave that `plan` proposes, in the direction that is configured."""
    from asyncshift.report.roadmap import roadmap

    with terminal.progress() as progress:
        goal, scan = look_ahead(paths, config, progress)
    way = roadmap(goal, scan).orders[config.direction]
    return tuple(tuple(module.module for module in wave.modules) for wave in way.waves)


def look_ahead(
    paths: Sequence[Path], config: Config, progress: Progress
) -> tuple[Goal, ScanReport]:
    """The goal of all steps from here, and what waits where."""
    from asyncshift import ledger, pipeline, recording
    from asyncshift.goal import find_goal
    from asyncshift.report.scan import scan_report

    seen = pipeline.survey(paths, config, progress)
    known, _ = ledger.adopt(ledger.read_ledger(Path(seen.project.root)), seen.project)
    goal = find_goal(seen, config, progress, recording.choice(known, seen.graph))
    return goal, scan_report(seen.project, seen.graph, seen.registry)


def held_back(outcome: Outcome) -> InputError | None:
    """Why an outcome may be neither written nor stored: the await check finds its texts wrong."""
    from asyncshift.model import Severity
    from asyncshift.proof import RULE

    wrong = [m for m in outcome.messages if m.rule == RULE and m.severity is Severity.WARNING]
    if not wrong:
        return None
    first = min(wrong, key=lambda m: (m.path, m.line))
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return InputError(
        f"{first.text}{more}: nothing was written",
        path=first.path,
        line=first.line,
        hint="Leave its change-set, which the diff names, out with --without; and please report "
        "it, because the plan should have.",
    )


def write_patches(folder: Path, patches: Mapping[str, bytes]) -> None:
    """Write a series into an empty folder, or one that is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError("is not empty", path=str(folder), hint="Name another folder.")
        for name, data in patches.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=str(folder)) from error
    terminal.note(f"Wrote {len(patches)} patches: git am {folder}/*.patch")


def tell_ledger(step: Step) -> None:
    """How much of a step is the ledger, which a diff does not show."""
    if step.ledger:
        count = "1 file" if len(step.ledger) == 1 else f"{len(step.ledger)} files"
        terminal.note(f"And {count} of the ledger below .asyncshift/ledger.")


def repair(root: Path) -> bool:
    """Put back what an interrupted command left, and say so; whether there was something."""
    if not (root / ".asyncshift").is_dir():
        return False
    from asyncshift.journal import recover

    repaired = recover(root)
    for entry in repaired:
        terminal.note(
            f"step {entry.number:04} was interrupted ({entry.command}): it was taken back"
        )
    return bool(repaired)
