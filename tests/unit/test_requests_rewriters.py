"""The rewriters of requests_httpx, one construct at a time."""

from __future__ import annotations

import keyword

import pytest

from asyncshift.tables import ExceptionRow
from tests.unit.rewriting import (
    REGISTRY,
    Outcomes,
    dedent,
    messages,
    needs,
    refused,
    rewritten,
)


def in_function(line: str) -> str:
    return f"import requests\nasync def f(s, url, **kwargs):\n    {line}\n"


def line_of(text: str) -> str:
    """The body of `in_function` after rewriting."""
    return dedent("\n".join(rewritten(in_function(text)).splitlines()[2:]))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("s.get(url)", "await s.get(url)"),
        ("s.get(url).json()", "(await s.get(url)).json()"),
        ("s.get(url, {'a': 1}, timeout=3)", "await s.get(url, params={'a': 1}, timeout=3)"),
        ("s.post(url, 'text')", "await s.post(url, content='text')"),
        ("s.post(url, {'a': '1'})", "await s.post(url, data={'a': '1'})"),
        ("s.post(url, data=json.dumps(x))", "await s.post(url, content=json.dumps(x))"),
        ("s.delete(url, json=x)", 'await s.request("DELETE", url, json=x)'),
        ("s.get(url, allow_redirects=False)", "await s.get(url, follow_redirects=False)"),
        ("s.head(url)", "await s.head(url, follow_redirects=False)"),
        ("s.head(url, allow_redirects=True)", "await s.head(url, follow_redirects=True)"),
        ("s.get(url, auth=None)", "await s.get(url)"),
        ("s.get(url, stream=False, timeout=3)", "await s.get(url, timeout=3)"),
        ("s.request('GET', url, None, None, h)",
         "await s.request('GET', url, params=None, data=None, headers=h)"),
        ("s.close()", "await s.aclose()"),
        ("x = s.get(url).ok", "x = not (await s.get(url)).is_error"),
    ],
)  # fmt: skip
def test_session_calls(before: str, after: str) -> None:
    assert line_of(before) == after


@pytest.mark.parametrize(
    "line",
    [
        "s.get(url, verify=False)",
        "s.get(url, proxies=p)",
        "s.get(url, hooks=h)",
        "s.get(url, stream=True)",
        "s.get(*url)",
        "s.get('http://h/?a=1', params={'b': 2})",
        "s.get(url, params={'a': None})",
        "s.post(url, data={'a': True})",
        "s.post(url, data=[('a', 1)])",
        "s.post(url, data=open('f', 'rb'))",
        "s.get(url, headers={'A': None})",
        "s.get(url, auth=a)",
        "s.verify = False",
        "s.params = {'a': 1}",
        "s.auth = Custom()",
        "x = s.get(url).text",
        "s.close()\n    s.get(url)",
    ],
)
def test_what_needs_the_generated_client(line: str) -> None:
    assert "client" in needs(in_function(line))


@pytest.mark.parametrize("line", ["s.get(url, timeout=3)", "s.post(url, json=x)", "s.close()"])
def test_what_httpx_does_alike_needs_no_generated_client(line: str) -> None:
    assert not needs(in_function(line))


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("s.mount('https://', a)", "custom-adapter"),
        ("s.adapters['a']", "table"),
        ("return s.get", "handed-on"),
    ],
)
def test_session_calls_that_stay(line: str, rule: str) -> None:
    assert rule in refused(in_function(line))


# ----------------------------------------------------------------------------- responses


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("r.ok", "not r.is_error"),
        ("not r.ok", "r.is_error"),
        ("r.ok is True", "(not r.is_error) is True"),
        ("r.ok and x", "not r.is_error and x"),
        ("[r.ok]", "[not r.is_error]"),
        ("f(r.ok, a=r.ok)", "f(not r.is_error, a=not r.is_error)"),
        ("(r.ok)", "(not r.is_error)"),
        ("1 if r.ok else 2", "1 if not r.is_error else 2"),
        ("r.reason", "r.reason_phrase"),
        ("r.is_redirect", "r.has_redirect_location"),
        ("r.url", "str(r.url)"),
        ("r.url.split('/')", "str(r.url).split('/')"),
        ("f'{r.url}'", "f'{r.url}'"),
        ("f'{r.url!r}'", "f'{str(r.url)!r}'"),
        ("print(r.url)", "print(r.url)"),
        ("r.url == url", "r.url == url"),
        ("url in r.url", "url in str(r.url)"),
        ("r.json()['a']", "r.json()['a']"),
        (
            "r.text, r.content, r.status_code, r.headers",
            "r.text, r.content, r.status_code, r.headers",
        ),
        ("r.request.url", "str(r.request.url)"),
        ("dict(r.headers)", "dict(_http.headers(r))"),
        ("r.headers.items()", "_http.headers(r).items()"),
        ("r.headers['A'], r.headers.get('B')", "r.headers['A'], r.headers.get('B')"),
        ("r.apparent_encoding", "_http.apparent_encoding(r)"),
    ],
)
def test_response_members(before: str, after: str) -> None:
    text = "def f(r, x, url):\n    return {}\n"
    assert rewritten(text.format(before)) == text.format(after)


@pytest.mark.parametrize("member", ["raw", "next", "connection"])
def test_response_members_that_stay(member: str) -> None:
    assert refused(f"def f(r):\n    return r.{member}\n") == {"table"}


def test_truth_of_a_response_that_is_surely_one() -> None:
    assert rewritten(
        """
        async def f(s, url):
            r = s.get(url)
            if r:
                return 1
            if not r or url:
                return 2
        """
    ) == dedent(
        """
        async def f(s, url):
            r = await s.get(url)
            if not r.is_error:
                return 1
            if r.is_error or url:
                return 2
        """
    )


def test_truth_of_a_response_that_may_be_something_else() -> None:
    assert rewritten(
        """
        def f(r):
            if r:
                return 1
            if not r:
                return 2
        """
    ) == dedent(
        """
        def f(r):
            if _http.is_true(r):
                return 1
            if not _http.is_true(r):
                return 2
        """
    )


@pytest.mark.parametrize(
    ("call", "guarded"),
    [
        ("s.head(url)", True),
        ("s.get(url, allow_redirects=False)", True),
        ("s.get(url, allow_redirects=flag)", True),
        ("s.get(url)", False),
        ("s.head(url, allow_redirects=True)", False),
    ],
)
def test_a_redirect_that_is_not_followed_is_no_error(call: str, *, guarded: bool) -> None:
    after = rewritten(
        f"""
        async def f(s, url, flag):
            r = {call}
            r.raise_for_status()
        """
    )
    assert ("    if r.is_error:\n        r.raise_for_status()" in after) is guarded


def test_truth_that_may_be_the_value() -> None:
    text = "def f(r):\n    return r or None\n"
    assert rewritten(text) == text
    assert needs(text) == {"client", "part:Response"}


# ----------------------------------------------------------------------------- sessions


def test_session_in_with() -> None:
    assert rewritten(
        """
        async def f(url):
            with requests.Session() as s:
                return s.get(url).text
        """
    ) == dedent(
        """
        async def f(url):
            async with httpx.AsyncClient(follow_redirects=True, timeout=None) as s:
                return (await s.get(url)).text
        """
    )


def test_session_attribute_that_nobody_closes() -> None:
    text = "class A:\n    def __init__(self):\n        self.session = requests.Session()\n"
    assert messages(text) == {"client-not-closed"}
    assert "self.session = httpx.AsyncClient(follow_redirects=True, timeout=None)" in rewritten(
        text
    )
    closing = text + "    def close(self):\n        self.session.close()\n"
    assert not messages(closing)


@pytest.mark.parametrize(
    "text",
    [
        "session = requests.Session()\n",
        "class A:\n    session = requests.Session()\n",
        "def f(session=requests.Session()):\n    pass\n",
        "def f():\n    global session\n    session = requests.Session()\n",
    ],
)
def test_sessions_that_several_loops_may_use(text: str) -> None:
    assert rewritten(text) == text.replace("requests.Session", "_http.Client")


def test_retries_of_a_plain_adapter() -> None:
    text = (
        "from requests.adapters import HTTPAdapter\n\n\ndef f(s):\n"
        "    adapter = HTTPAdapter(max_retries=3)\n    s.mount('https://', adapter)\n"
    )
    assert "adapter = _http.HTTPAdapter(max_retries=3)" in rewritten(text)
    assert refused(text.replace("HTTPAdapter(", "Own(")) == {"custom-adapter"}


@pytest.mark.parametrize(
    ("handler", "body", "exact"),
    [
        ("except Exception as e", "print(e)", True),
        ("except ValueError as e", "log(str(e))", True),
        ("except Exception as e", "print(e.response)", False),
        ("except Exception as e", "raise Other() from e", False),
        ("except Exception", "pass", False),
    ],
)
def test_the_message_of_an_error_that_is_used(handler: str, body: str, *, exact: bool) -> None:
    text = f"def f(r):\n    try:\n        r.raise_for_status()\n    {handler}:\n        {body}\n"
    assert ("_http.raise_for_status(r)" in rewritten(text)) is exact


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("s.headers['A'] = 'b'", "s.headers['A'] = 'b'"),
        ("s.headers.update({'A': 'b'})", "s.headers.update({'A': 'b'})"),
        ("s.auth = (user, password)", "s.auth = (user, password)"),
        ("s.auth = requests.auth.HTTPBasicAuth(a, b)", "s.auth = httpx.BasicAuth(a, b)"),
        ("s.cookies['a'] = 'b'", "s.cookies['a'] = 'b'"),
        ("x = s.cookies.get_dict()", "x = dict(s.cookies)"),
        ("s.cookies.set('a', 'b', domain='h')", "s.cookies.set('a', 'b', domain='h')"),
        ("s.cookies.clear()", "s.cookies.clear()"),
        ("x = sorted(s.cookies)", "x = sorted(s.cookies.jar)"),
        ("x = dict(s.cookies)", "x = dict(s.cookies)"),
    ],
)
def test_session_attributes(before: str, after: str) -> None:
    text = "import requests.auth\ndef f(s, a, b):\n    {}\n"
    assert rewritten(text.format(before)) == text.format(after)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("s.headers['A'] = None", "header-none"),
        ("s.headers.update({'A': None})", "header-none"),
        ("s.cookies = other", "cookies-replaced"),
        ("s.cookies.set('a', None)", "cookie-details"),
        ("s.cookies.get_dict(domain='h')", "cookie-details"),
        ("s.cookies = None", "cookies-replaced"),
    ],
)
def test_session_attributes_that_stay(line: str, rule: str) -> None:
    assert refused(f"def f(s):\n    {line}\n") == {rule}


def test_cookies_that_are_handed_on() -> None:
    text = "import requests.utils, pickle\ndef f(s, file):\n    {}\n"
    told = text.format("x = requests.utils.dict_from_cookiejar(s.cookies)")
    assert rewritten(told).endswith("    x = dict(s.cookies)\n")
    assert refused(text.format("pickle.dump(s.cookies, file)")) == {"cookies-handed-on"}


@pytest.mark.parametrize(
    ("body", "wider"),
    [("r = load(u)", True), ("r = self.load(u)", True), ("r = s.get(u)", False), ("len(u)", False)],
)
def test_json_that_a_guarded_function_may_parse(body: str, *, wider: bool) -> None:
    text = (
        f"async def f(self, s, u):\n    try:\n        {body}\n"
        "    except requests.RequestException:\n        pass\n"
    )
    found = Outcomes(text, wanted=frozenset({"json-errors"}))
    assert ("json.JSONDecodeError" in found.code) is wider
    assert "json.JSONDecodeError" not in Outcomes(text).code
    assert needs("def f(r):\n    return r.json()\n") == {"json-errors"}


def test_cookies_are_iterated_over_their_jar() -> None:
    text = "def f(s):\n    for c in s.cookies:\n        print(c.name)\n"
    assert rewritten(text) == text.replace("s.cookies", "s.cookies.jar")


# ----------------------------------------------------------------------------- annotations, values


def test_annotations() -> None:
    text = "def f(s: requests.Session) -> None:\n    r: requests.Response = g(s)\n"
    assert rewritten(text) == text.replace("requests.Session", "httpx.AsyncClient").replace(
        "requests.Response", "httpx.Response"
    )


@pytest.mark.parametrize("test", ["isinstance", "issubclass"])
@pytest.mark.parametrize(
    ("before", "both", "new"),
    [
        ("requests.Response", "(requests.Response, httpx.Response)", "httpx.Response"),
        (
            "(int, requests.Response, str)",
            "(int, requests.Response, httpx.Response, str)",
            "(int, httpx.Response, str)",
        ),
    ],
)
def test_tested_classes(test: str, before: str, both: str, new: str) -> None:
    """One class or both, and the same again on a tree that has both already."""
    text = f"import httpx\ndef f(x):\n    return {test}(x, {{}})\n"
    assert rewritten(text.format(before), way="both").endswith(text.format(both))
    assert rewritten(text.format(before), way="convert").endswith(text.format(new))
    assert rewritten(text.format(both), way="both").endswith(text.format(both))
    assert rewritten(text.format(both), way="convert").endswith(text.format(new))


@pytest.mark.parametrize(
    ("before", "both", "new"),
    [
        (
            "except requests.HTTPError",
            "except (requests.HTTPError, httpx.HTTPStatusError)",
            "except httpx.HTTPStatusError",
        ),
        (
            "except (KeyError, requests.HTTPError)",
            "except (KeyError, requests.HTTPError, httpx.HTTPStatusError)",
            "except (KeyError, httpx.HTTPStatusError)",
        ),
    ],
)
def test_caught_classes_of_a_mixed_tree(before: str, both: str, new: str) -> None:
    text = "import httpx\ndef f():\n    try:\n        g()\n    {}:\n        pass\n"
    assert rewritten(text.format(before), way="both").endswith(text.format(both))
    assert rewritten(text.format(both), way="both").endswith(text.format(both))
    assert rewritten(text.format(both), way="convert").endswith(text.format(new))
    spread = text.format(both.replace(", ", ",  "))
    assert rewritten(spread, way="both").endswith(spread)


def test_suppressed_classes_of_a_mixed_tree() -> None:
    text = "import httpx\nwith contextlib.suppress({}):\n    g()\n"
    both = text.format("requests.HTTPError, httpx.HTTPStatusError, KeyError")
    new = text.format("httpx.HTTPStatusError, KeyError")
    assert rewritten(both, way="both").endswith(both)
    assert rewritten(both, way="convert").endswith(new)


def test_a_handler_that_was_widened_is_not_widened_again() -> None:
    text = """
        import httpx
        async def f():
            try:
                requests.get("u")
            except (OSError,  httpx.HTTPError, httpx.InvalidURL):
                pass
    """
    assert "except (OSError,  httpx.HTTPError, httpx.InvalidURL):" in rewritten(text)


def test_classes_handed_on_stay() -> None:
    assert refused("def f():\n    return make(requests.Session)\n") == {"class-as-value"}


@pytest.mark.parametrize(("name", "number"), sorted(REGISTRY.tables[0].constants.items()))
def test_status_codes(name: str, number: int) -> None:
    member = name.removeprefix("requests.codes.")
    assert rewritten(f"x = requests.codes[{member!r}]\n") == f"x = {number}\n"
    if member.isidentifier() and not keyword.iskeyword(member):
        assert rewritten(f"x = requests.codes.{member}\n") == f"x = {number}\n"
        assert rewritten(f"x = requests.status_codes.codes.{member}\n") == f"x = {number}\n"


def test_a_status_code_looked_up_by_a_variable_stays() -> None:
    text = "def f(name):\n    return requests.codes[name]\n"
    assert rewritten(text) == text
    assert messages(text) == {"constants-kept"}


# ----------------------------------------------------------------------------- exceptions


def handler(clause: str, way: str = "convert", body: str = "g()") -> str:
    """The except line after rewriting."""
    text = f"def f():\n    try:\n        {body}\n    except {clause}:\n        raise\n"
    return rewritten(text, way=way).splitlines()[3].strip()


@pytest.mark.parametrize("row", REGISTRY.tables[0].exceptions, ids=lambda row: row.name)
def test_every_exception(row: ExceptionRow) -> None:
    if row.refused:
        assert handler(row.name) == f"except {row.name}:"
        text = f"try:\n    g()\nexcept {row.name}:\n    raise\n"
        assert messages(text) == {"exception-kept"}
    else:
        classes = ", ".join(row.to).replace("builtins.", "")
        assert handler(row.name) == f"except {classes if len(row.to) == 1 else f'({classes})'}:"
        assert handler(row.name, "both") == f"except ({row.name}, {classes}):"


def test_tuples_of_exceptions() -> None:
    assert handler("(requests.Timeout, requests.HTTPError)") == (
        "except (httpx.TimeoutException, httpx.HTTPStatusError):"
    )
    assert handler("(requests.exceptions.RequestException, KeyError)") == (
        "except (httpx.HTTPError, httpx.InvalidURL, KeyError):"
    )


def test_a_class_beside_its_base_adds_nothing() -> None:
    assert handler("(requests.exceptions.SSLError, requests.ConnectionError)") == (
        "except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError, "
        "httpx.ConnectTimeout):"
    )


def test_a_broad_handler_around_json_catches_its_error() -> None:
    assert handler("requests.RequestException", body="x = r.json()") == (
        "except (httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError, UnicodeDecodeError):"
    )


def test_suppress() -> None:
    text = (
        "with contextlib.suppress(requests.ConnectTimeout, requests.RequestException):\n    g()\n"
    )
    assert "suppress(httpx.HTTPError, httpx.InvalidURL)" in rewritten(text)


def test_handlers_of_builtin_classes_are_widened_once() -> None:
    assert rewritten(
        """
        async def f(s, url):
            try:
                s.get(url)
                s.get(url)
            except KeyError:
                return 1
            except (ValueError, TypeError):
                return 2
            except OSError as e:
                return e.response is None
        """
    ) == dedent(
        """
        async def f(s, url):
            try:
                await s.get(url)
                await s.get(url)
            except KeyError:
                return 1
            except (ValueError, httpx.InvalidURL, httpx.UnsupportedProtocol, TypeError):
                return 2
            except (OSError, httpx.HTTPError, httpx.InvalidURL) as e:
                return getattr(e, "response", None) is None
        """
    )


def test_handlers_below_a_broad_one_stay() -> None:
    text = """
        async def f(s, url):
            try:
                s.get(url)
            except Exception:
                return 1
            except OSError:
                return 2
        """
    assert "except OSError:" in rewritten(text)


def test_handlers_around_other_code_stay() -> None:
    text = """
        async def f(s, url):
            s.get(url)
            try:
                g()
            except OSError:
                return 2
        """
    assert "except OSError:" in rewritten(text)


def test_the_response_of_an_error_without_one() -> None:
    assert rewritten(
        """
        try:
            g()
        except requests.RequestException as e:
            if e.response is not None:
                print(e.response.text)
        """
    ) == dedent(
        """
        try:
            g()
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            if getattr(e, "response", None) is not None:
                print(e.response.text)
        """
    )


def test_the_response_of_a_status_error_stays() -> None:
    text = "try:\n    g()\nexcept requests.HTTPError as e:\n    x = e.response\n"
    assert "x = e.response" in rewritten(text)


def test_raising_an_exception_of_requests_stays() -> None:
    text = "def f():\n    raise requests.HTTPError('no')\n"
    assert refused(text) == {"table"}
