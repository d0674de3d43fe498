"""What a review tells of one change-set."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from asyncshift.report.explain import explain, explain_text
from asyncshift.review import ANSWERS, Question

SHOWN = 5


def question_text(question: Question) -> Iterator[Text]:
    """Number, title, why it is there, and whether it has to be read."""
    change = question.change
    yield Text()
    head = f"[{question.number}/{question.total}] {change.title}"
    again = "  (again: its text is another one since it was taken)" if question.again else ""
    yield Text.assemble((head, "bold"), (again, "bold yellow"))
    if question.mechanical:
        yield Text(f"  mechanical, nothing but async changes: {change.reason}", style="green")
    else:
        yield Text(f"  to read: {change.reason}", style="yellow")
    if len(question.names) > 1:
        names = sorted(question.names)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield Text(f"  together: {', '.join(names[:SHOWN])}{more}", style="dim")


def why_text(question: Question) -> Iterator[Text]:
    """The chain of causes of its functions, then the answers."""
    draft = question.draft
    functions = draft.analysis.graph.functions
    for fid in question.change.functions[:SHOWN]:
        plan = draft.outcome.plan
        if fid in plan.turned:
            yield from explain_text(explain(draft.analysis, plan, functions[fid]))
        else:
            cause = next(d.cause for d in plan.decisions if d.owner == fid)
            yield Text(f"{functions[fid].name}: {cause.text}  [{cause.path}:{cause.line}]")
    for letter, text in ANSWERS.items():
        yield Text(f"  {letter}  {text}", style="dim")
