"""What requests and httpx do differently at one place, and what was done about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from asyncshift import toolbox as tb
from asyncshift.codemod import Outcome, Resolved
from asyncshift.codemods.requests_httpx import arguments
from asyncshift.codemods.requests_httpx.arguments import CallPlan
from asyncshift.model import Kept


def of_client(resolved: Resolved) -> Iterator[Outcome]:
    """A client of httpx by itself."""
    text = "httpx follows no redirects, and gives up after 5 seconds"
    yield tb.parity(resolved, Kept.ARGUMENT, f"{text}: `follow_redirects=True, timeout=None`")
    yield from _agent(resolved)


def of_block(resolved: Resolved, call: ast.Call, plan: CallPlan) -> Iterator[Outcome]:
    """A bare call in a client block of its own."""
    settings = dict(plan.client)
    if "follow_redirects" in settings:
        text = "httpx follows no redirects: `follow_redirects=True`"
        yield tb.parity(resolved, Kept.ARGUMENT, text)
    if "timeout" in settings:
        text = "httpx gives up after 5 seconds where no limit is given: `timeout=None`"
        yield tb.parity(resolved, Kept.ARGUMENT, text)
    text = "a bare call keeps no cookies: a client of its own"
    yield tb.parity(resolved, Kept.CONSTRUCT, text)
    yield from of_call(resolved, call, plan)
    yield from _agent(resolved)


def of_module(resolved: Resolved, call: ast.Call, plan: CallPlan) -> Iterator[Outcome]:
    """A call that goes through the generated module, and why."""
    reasons = plan.reasons or ("redirects, timeouts and cookies as in requests",)
    for reason in reasons:
        yield tb.parity(resolved, Kept.CONSTRUCT, f"{reason}: the call goes through `_http`")
    yield from _agent(resolved)


def of_call(resolved: Resolved, call: ast.Call, plan: CallPlan) -> Iterator[Outcome]:
    """What plain httpx is given otherwise than requests, or sends otherwise."""
    for old, new in sorted(plan.renamed.items()):
        text = f"`{old}=` is called `{new}=` in httpx"
        yield tb.parity(resolved, Kept.ARGUMENT, text)
    for name, value in plan.added:
        text = f"HEAD is not redirected in requests: `{name}={value}`"
        yield tb.parity(resolved, Kept.ARGUMENT, text)
    if any(k.arg == "json" for k in call.keywords):
        text = "httpx writes JSON without blanks: another body, the same value"
        yield tb.parity(resolved, Kept.UNSEEN, text)


def of_session_call(resolved: Resolved, call: ast.Call, plan: CallPlan) -> Iterator[Outcome]:
    """A call on a session, which is a plain client or the generated one."""
    if plan.reasons or tb.needed(resolved, "client") or arguments.is_strict(resolved):
        for reason in plan.reasons:
            text = f"{reason}: the session is a `_http.Client`"
            yield tb.parity(resolved, Kept.CONSTRUCT, text)
    else:
        yield from of_call(resolved, call, plan)


def _agent(resolved: Resolved) -> Iterator[Outcome]:
    text = "the User-Agent names httpx where the program sets none"
    yield tb.parity(resolved, Kept.LEFT, text)
