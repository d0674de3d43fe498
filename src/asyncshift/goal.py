"""The goal of all steps: what the migration of everything would decide on the tree as it is now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from asyncshift.config import Config
from asyncshift.model import Graph, Plan, Project
from asyncshift.pipeline import Progress, Survey, ask_rewriters, silent
from asyncshift.planning import solved_plan
from asyncshift.scope import ALL, Choice, make_scope
from asyncshift.world import World


@dataclass(frozen=True, slots=True)
class Goal:
    """A survey, solved as a whole; no text is made, so what only the rewrite refuses is in it."""

    project: Project
    graph: Graph
    world: World
    plan: Plan


def find_goal(
    seen: Survey, config: Config, progress: Progress = silent, choice: Choice = ALL
) -> Goal:
    """The goal from here, without what was declined."""
    looked = ask_rewriters(seen, config, progress)
    whole = replace(config, modules=(), entries=(), direction="up")
    scope = make_scope(whole, seen.project, seen.graph, replace(choice, migrated=frozenset()))
    graph = replace(seen.graph, ties=looked.ties)
    solved = solved_plan(graph, seen.project, seen.registry, looked.refusals, scope=scope)
    return Goal(seen.project, graph, *solved)
