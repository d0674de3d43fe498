"""requests to the async client of httpx, with what requests does by default kept.

Bad:

    def fetch_user(user_id):
        response = requests.get(f"{API}/users/{user_id}")
        if not response.ok:
            return None
        return response.json()

Good:

    async def fetch_user(user_id):
        async with httpx.AsyncClient(follow_redirects=True, timeout=None) as client:
            response = await client.get(f"{API}/users/{user_id}")
        if response.is_error:
            return None
        return response.json()

A bare call keeps no cookies, so each gets a client of its own; a `requests.Session` becomes one
`httpx.AsyncClient`.  httpx follows no redirects and gives up after five seconds unless told
otherwise; a HEAD request is not redirected in either.  Exceptions are replaced by those that arrive
in their place, and `except OSError` around a call is widened, because errors of httpx are none.

Where httpx by itself may send something else, and where a file has several bare calls, the calls go
through a small module that is generated into the project (`_http.py`), which takes what requests
takes.  What has no faithful form there either (own adapters, prepared requests, raw bodies)
keeps requests, as a whole: the session and all that came from it go to threads.
"""

from __future__ import annotations

from functools import partial

from asyncshift.codemod import Registry, Rewriter
from asyncshift.codemods.requests_httpx import calls, handlers, responses, sessions, values
from asyncshift.model import Protocol

JAR = "requests.cookies.RequestsCookieJar"
SETTINGS = frozenset(
    {"cert", "hooks", "max_redirects", "params", "proxies", "stream", "trust_env", "verify"}
    | sessions.OWN
)
"""Attributes of a session that httpx takes only when a client is made, or otherwise."""
_ITERATING = (
    Protocol.FOR,
    Protocol.COMPREHENSION,
    Protocol.YIELD_FROM,
    Protocol.NEXT,
    Protocol.CONSUME,
)


def rewriter(api: str, protocol: Protocol, registry: Registry) -> Rewriter | None:
    """The rewriter for one library name under one protocol; None where the table says enough."""
    owner, _, name = api.rpartition(".")
    match owner, name, protocol:
        case _, _, Protocol.EXCEPT:
            return partial(handlers.except_clause, registry)
        case _, _, Protocol.VALUE if registry.exception(api) is not None:
            return partial(handlers.exception_value, registry)
        case _, _, Protocol.CALL if registry.exception(api) is not None:
            return partial(handlers.raised, registry)
        case "requests", "Session", Protocol.BASE:
            return sessions.base
        case "requests", "Session", Protocol.VALUE:
            return partial(sessions.factory, registry)
        case "requests", "Session", Protocol.CALL:
            return sessions.constructor
        case "requests", "Response", Protocol.WITH:
            return responses.entered
        case "requests", "Response", Protocol.TRUTH:
            return responses.truth
        case "requests", "Response", _ if protocol in _ITERATING:
            return responses.body_in_pieces
        case "", "requests", Protocol.VALUE:
            return values.module
        case "requests", name, Protocol.VALUE if name in calls.METHODS:
            return values.function
        case "requests.Session", name, Protocol.VALUE | Protocol.ATTRIBUTE if name in calls.METHODS:
            return values.method
        case "requests", name, Protocol.CALL if name in calls.METHODS:
            return partial(calls.bare, name)
        case "requests.Session", "send", Protocol.CALL:
            return sessions.send
        case "requests.Session", name, Protocol.CALL if name in calls.METHODS:
            return partial(calls.on_session, name)
        case "requests.Session", "headers" | "auth" | "cookies", _:
            return partial(sessions.attribute, name)
        case "requests.Session", "close", Protocol.CALL:
            return partial(sessions.closed, registry)
        case "requests.Session", "mount", Protocol.CALL:
            return sessions.mount
        case "requests.Session", name, _ if name in SETTINGS:
            return sessions.setting
        case "requests.Response", "text" | "encoding" | "content" | "json", _:
            return partial(responses.body, name)
        case "requests.Response", "apparent_encoding", _:
            return responses.apparent_encoding
        case "requests.Response", "headers", Protocol.ATTRIBUTE:
            return responses.headers
        case "requests.Response", "cookies", Protocol.ATTRIBUTE:
            return sessions.cookies
        case "requests.Response" | "requests.PreparedRequest", "url", _:
            return responses.url
        case "requests.PreparedRequest", "body" | "path_url", _:
            return responses.of_request
        case "requests.Response", "history", Protocol.ATTRIBUTE:
            return responses.history
        case "requests.Response", "ok", _:
            return responses.ok
        case "requests.Response", "reason", _:
            return partial(responses.reason, registry)
        case "requests.Response", "raise_for_status", Protocol.CALL:
            return responses.raise_for_status
        case "requests.Response", "iter_content" | "iter_lines", _:
            return partial(responses.iterated, name)
        case _, "RequestsCookieJar", _ if protocol in _ITERATING:
            return sessions.jar_iterated
        case owner, "get_dict" | "set", Protocol.CALL if owner == JAR:
            return partial(sessions.jar_method, name)
    return None
