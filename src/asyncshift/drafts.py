"""What a step would write, for any choice among its change-sets: each is solved once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from asyncshift import ledger, pipeline, recording
from asyncshift.ledger import Ledger
from asyncshift.model import ChangeSet, FileChange, FunctionKind
from asyncshift.pipeline import Analysis, Outcome, Progress
from asyncshift.scope import Choice
from asyncshift.selection import set_names


@dataclass(frozen=True, slots=True)
class Draft:
    """One choice: what was declined for it (as `module:function`), and what would be written."""

    declined: frozenset[str]
    analysis: Analysis
    outcome: Outcome

    @property
    def sets(self) -> tuple[ChangeSet, ...]:
        return self.outcome.plan.change_sets

    def names(self, change: ChangeSet) -> frozenset[str]:
        """The functions of a change-set, as a choice names them.  The body of a module stands for
        all that is in it, so it is named only where nothing else is."""
        functions = self.analysis.graph.functions
        inner = tuple(
            fid for fid in change.functions if functions[fid].kind is FunctionKind.FUNCTION
        )
        named = replace(change, functions=inner) if inner else change
        return frozenset(set_names(self.analysis.graph, named))


@dataclass(slots=True)
class Drafts:
    """A step with every choice of it that somebody asked for."""

    analysis: Analysis
    known: Ledger
    choice: Choice
    progress: Progress
    _made: dict[frozenset[str], Draft] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return Path(self.analysis.project.root)

    def without(self, declined: Iterable[str]) -> Draft:
        """The step without these functions, and without what was declined before."""
        names = frozenset(declined)
        if names not in self._made:
            analysis = self.analysis
            if names:
                choice = replace(self.choice, declined=self.choice.declined | names)
                analysis = pipeline.narrowed(analysis, choice)
            self._made[names] = Draft(names, analysis, pipeline.changes(analysis, self.progress))
        return self._made[names]

    def declining(self, why: Mapping[str, str]) -> tuple[FileChange, ...]:
        """What the ledger says when these functions, and nothing else, are set aside."""
        project, graph = self.analysis.project, self.analysis.graph
        return ledger.ledger_changes(
            self.root, recording.declining(project, graph, self.known, why)
        )

    def ledger(self, draft: Draft, declined: Iterable[str]) -> tuple[FileChange, ...]:
        """What the ledger says after a draft was written, and these were declined for good."""
        analysis = draft.analysis
        records = recording.records(
            analysis.project,
            analysis.graph,
            draft.outcome.plan,
            analysis.scope,
            draft.outcome.changes,
            self.known,
            declined,
        )
        return ledger.ledger_changes(self.root, records)
