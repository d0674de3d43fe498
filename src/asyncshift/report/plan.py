"""A roadmap as text, as JSON and as Markdown with check boxes."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Sequence

from rich.text import Text

from asyncshift.inert import code, markdown
from asyncshift.report.roadmap import Gain, ModulePlan, Order, Roadmap, Spot, Wave

NAMES = 4
"""Names in one line; more are counted."""
SPOTS = 3
GAINS = 4
_TITLES = {"up": "upwards, leaves first", "down": "downwards, callers first"}


def plan_json(found: Roadmap) -> str:
    """Everything, machine-readable."""
    content = dataclasses.asdict(found)
    for order in content["orders"].values():
        for wave in order["waves"]:
            paths = [[module["module"] for module in step] for step in wave["steps"]]
            wave["commands"] = [command(order["direction"], step) for step in paths]
    return json.dumps(content, indent=1)


def command(direction: str, modules: Sequence[str]) -> str:
    """What migrates one step."""
    way = ["--direction", "down"] if direction == "down" else []
    chosen = [part for name in modules for part in ("--module", name)]
    return shlex.join(["asyncshift", "apply", *way, *chosen])


def _last(found: Roadmap) -> str:
    parts = [_many(found.tests, "test function turns", "test functions turn")] * bool(found.tests)
    if found.last:
        parts.append(
            f"{_many(len(found.last), 'function turns', 'functions turn')} that can keep no sync "
            f"form beside ({_some(found.last)})"
        )
    if found.facades_left:
        facades = _many(found.facades_left, "facade", "facades")
        parts.append(f"of {facades} those go that no call in sight needs")
    return f": {', '.join(parts)}" if parts else ""


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


# ----------------------------------------------------------------------------- one module


def _figures(module: ModulePlan) -> str:
    """What a step does in one module, in one line."""
    parts = [
        _many(len(module.turns), "function turns", "functions turn"),
        _many(module.places, "place is edited", "places are edited"),
    ]
    for count, one, more in (
        (len(module.facades), "facade stands beside", "facades stand beside"),
        (len(module.facades_gone), "facade goes", "facades go"),
        (module.threads, "call waits in a thread", "calls wait in threads"),
        (module.threads_gone, "thread goes", "threads go"),
        (module.threads_kept, "call stays in a thread", "calls stay in threads"),
        (module.bridges, "bridge", "bridges"),
    ):
        if count:
            parts.append(_many(count, one, more))
    return ", ".join(parts)


def _some(names: Sequence[str], shown: int = NAMES) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _gain(gain: Gain) -> str:
    seconds = "" if gain.seconds is None else f" ({gain.seconds:.3g} s in the profile)"
    calls = _many(gain.calls, "blocking call", "blocking calls")
    return f"{gain.entry} ({gain.kind}): {calls} off the loop{seconds}"


def _word(wave: Wave) -> str:
    """What a wave brings, before its entry points."""
    calls = _many(wave.awaitable, "blocking call becomes", "blocking calls become")
    seconds = "" if wave.seconds is None else f", {wave.seconds:.3g} s of waiting in the profile"
    if wave.gains:
        return f"{calls} awaitable{seconds}"
    return f"{calls} awaitable{seconds}; its callers wait as before until they turn"


# ----------------------------------------------------------------------------- text


def plan_text(found: Roadmap, wanted: str = "") -> Iterator[Text]:
    """The chosen order (the proposed one without a choice) in full, the other in short."""
    chosen = wanted or found.proposed
    if not found.orders[chosen].waves:
        yield Text("Nothing here turns async.", style="bold")
        yield from _spots("Refused", found.refused, "red")
        return
    yield Text(f"Proposed: {_TITLES[found.proposed]}", style="bold")
    yield Text(f"  {found.why}")
    if found.seconds is not None:
        yield Text(f"  weighted by a profile of {found.seconds:.3g} s")
    yield from _order(found.orders[chosen])
    yield Text()
    yield Text.assemble(("Last", "bold"), f"  asyncshift apply{_last(found)}")
    yield from _spots("Places to look in files that do not turn", found.looks, "yellow")
    yield from _spots("Refused in files that do not turn", found.refused, "red")
    other = "down" if chosen == "up" else "up"
    yield Text()
    yield Text(f"The other way, {_TITLES[other]} (--order {other}):", style="bold")
    for wave in found.orders[other].waves:
        yield Text(f"  {wave.number:3}  {_some([module.module for module in wave.modules])}")


def _order(order: Order) -> Iterator[Text]:
    for wave in order.waves:
        yield Text()
        modules = _many(len(wave.modules), "module", "modules")
        head = f"  {modules}, {_many(wave.size, 'change', 'changes')}"
        yield Text.assemble((f"Wave {wave.number}", "bold"), head)
        yield Text(f"  {_word(wave)}", style="green")
        for gain in wave.gains[:GAINS]:
            yield Text(f"  {_gain(gain)}", style="green")
        if len(wave.gains) > GAINS:
            hidden = wave.gains[GAINS:]
            more = _many(len(hidden), "more entry point", "more entry points")
            yield Text(f"  and {more}: {sum(g.calls for g in hidden)} calls", style="green")
        for step in wave.steps:
            names = [module.module for module in step]
            yield Text(f"  $ {command(order.direction, names)}", style="cyan")
            for module in step:
                yield from _module(module)


def _module(module: ModulePlan) -> Iterator[Text]:
    yield Text.assemble("    ", (module.module, "bold"), f"  {_figures(module)}")
    if module.turns:
        yield Text(f"      turns {_some(module.turns)}", style="dim")
    if module.public:
        yield Text(f"      public API: {_some(module.public)}", style="dim")
    for spot in module.refused[:SPOTS]:
        yield Text(f"      refused {spot.path}:{spot.line}: {spot.text}", style="red")
    for spot in module.looks[:SPOTS]:
        yield Text(f"      look at {spot.path}:{spot.line}: {spot.text}", style="yellow")
    hidden = max(0, len(module.refused) - SPOTS) + max(0, len(module.looks) - SPOTS)
    if hidden:
        yield Text(f"      and {hidden} more (--format json lists all)", style="dim")


def _spots(title: str, spots: Sequence[Spot], style: str) -> Iterator[Text]:
    if spots:
        yield Text()
        yield Text(f"{title} ({len(spots)})", style=f"bold {style}")
        for spot in spots[: 2 * SPOTS]:
            yield Text(f"  {spot.path}:{spot.line}: {spot.text}")
        if len(spots) > 2 * SPOTS:
            yield Text(f"  and {len(spots) - 2 * SPOTS} more (--format json lists all)")


# ----------------------------------------------------------------------------- Markdown


def plan_markdown(found: Roadmap, wanted: str = "") -> str:
    """A list to tick off: waves, steps and places to look, for an issue or a page."""
    chosen = wanted or found.proposed
    lines = [f"# Migration to asyncio, {_TITLES[chosen]}", ""]
    if chosen == found.proposed:
        lines += [f"Proposed, because {found.why}.", ""]
    if not found.orders[chosen].waves:
        lines.append("Nothing here turns async.")
    for wave in found.orders[chosen].waves:
        lines += [f"- [ ] **Wave {wave.number}**: {markdown(_word(wave))}"]
        lines += [f"  - gains: {markdown(_gain(gain))}" for gain in wave.gains]
        for step in wave.steps:
            names = [module.module for module in step]
            lines.append(f"  - [ ] {code(command(chosen, names))}")
            lines += [line for module in step for line in _module_lines(module)]
    if found.orders[chosen].waves:
        lines.append(f"- [ ] **Last**: `asyncshift apply`{markdown(_last(found))}")
    return "\n".join(lines) + "\n"


def _module_lines(module: ModulePlan) -> Iterator[str]:
    yield f"    - {code(module.module)}: {markdown(_figures(module))}"
    if module.public:
        yield f"      - public API that changes: {', '.join(map(code, module.public))}"
    for spot in module.refused:
        place = code(f"{spot.path}:{spot.line}")
        yield f"      - refused: {place} {markdown(spot.text)}"
    for spot in module.looks:
        place = code(f"{spot.path}:{spot.line}")
        yield f"      - [ ] look at {place}: {markdown(spot.text)}"
