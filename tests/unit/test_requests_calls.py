"""requests_httpx: bare calls with a client block of their own, and streamed responses."""

from __future__ import annotations

import pytest

from tests.unit.rewriting import dedent, refused, rewritten

# ----------------------------------------------------------------------------- bare calls


def test_only_the_call_goes_into_the_block() -> None:
    assert rewritten(
        """
        async def f(url):
            response = requests.get(url, timeout=5)
            return response.json()
        """
    ) == dedent(
        """
        async def f(url):
            async with httpx.AsyncClient(follow_redirects=True) as client:
                response = await client.get(url, timeout=5)
            return response.json()
        """
    )


def test_a_part_of_an_expression_moves_above_it() -> None:
    assert rewritten(
        """
        async def f(url):
            # what it gives
            return {"data": requests.get(url).json()}
        """
    ) == dedent(
        """
        async def f(url):
            # what it gives
            async with httpx.AsyncClient(follow_redirects=True, timeout=None) as client:
                response = await client.get(url)
            return {"data": response.json()}
        """
    )


def test_a_call_that_is_not_first_stays_in_its_expression() -> None:
    assert rewritten(
        """
        async def f(url):
            return prepare(), requests.get(url).json()
        """
    ) == dedent(
        """
        async def f(url):
            async with httpx.AsyncClient(follow_redirects=True, timeout=None) as client:
                return prepare(), (await client.get(url)).json()
        """
    )


def test_several_calls_go_through_the_generated_module() -> None:
    assert rewritten(
        """
        async def f(a, b):
            if not requests.get(a, timeout=1).ok:
                return None
            return requests.head(a, timeout=1), requests.request("PURGE", b, {"a": 1})
        """
    ) == dedent(
        """
        async def f(a, b):
            if (await _http.get(a, timeout=1)).is_error:
                return None
            return await _http.head(a, timeout=1), await _http.request("PURGE", b, params={"a": 1})
        """
    )


def test_a_call_in_a_loop_has_no_client_of_its_own() -> None:
    text = "async def f(url):\n    {} url:\n        r = requests.get(url)\n"
    assert "r = await _http.get(url)" in rewritten(text.format("while"))
    assert "httpx.AsyncClient" in rewritten(text.format("if"))


def test_the_header_of_a_compound_statement() -> None:
    assert rewritten(
        """
        async def f(url):
            if not requests.get(url, timeout=1).ok:
                return None
        """
    ) == dedent(
        """
        async def f(url):
            async with httpx.AsyncClient(follow_redirects=True) as client:
                response = await client.get(url, timeout=1)
            if response.is_error:
                return None
        """
    )


def test_nothing_is_yielded_inside_the_block() -> None:
    assert rewritten(
        """
        async def f(url):
            yield requests.get(url, timeout=1).json()
        """
    ) == dedent(
        """
        async def f(url):
            async with httpx.AsyncClient(follow_redirects=True) as client:
                response = await client.get(url, timeout=1)
            yield response.json()
        """
    )


@pytest.mark.parametrize(
    ("call", "client"),
    [
        ("requests.head(url, timeout=1)", "httpx.AsyncClient()"),
        ("requests.get(url, timeout=1, allow_redirects=False)", "httpx.AsyncClient()"),
        ("requests.get(url, timeout=1, verify=False)",
         "httpx.AsyncClient(follow_redirects=True, verify=False)"),
        ("requests.get(url, timeout=1, verify=True)", "httpx.AsyncClient(follow_redirects=True)"),
        ("requests.get(url, timeout=1, cookies=jar)",
         "httpx.AsyncClient(follow_redirects=True, cookies=jar)"),
    ],
)  # fmt: skip
def test_arguments_that_the_client_takes(call: str, client: str) -> None:
    after = rewritten(f"async def f(url, jar):\n    r = {call}\n")
    assert f"async with {client} as client:" in after
    assert after.endswith("(url, timeout=1)\n")


def test_a_computed_redirect_setting_stays_at_the_call() -> None:
    after = rewritten("async def f(u, go):\n    r = requests.get(u, allow_redirects=go)\n")
    assert "httpx.AsyncClient(timeout=None)" in after
    assert "client.get(u, follow_redirects=go)" in after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = [requests.get(u).json() for u in urls]",
         "x = [(await _http.get(u)).json() for u in urls]"),
        ("while requests.get(u).ok:\n        pass",
         "while not (await _http.get(u)).is_error:\n        pass"),
        ("x = yield prepare(), requests.get(u)", "x = yield prepare(), await _http.get(u)"),
        ("if u and requests.get(u).ok:\n        pass",
         "if u and not (await _http.get(u)).is_error:\n        pass"),
        ("r = requests.get(u, stream=True)", "r = await _http.get(u, stream=True)"),
        ("r = requests.get(u, proxies=p)", "r = await _http.get(u, proxies=p)"),
        ("r = requests.get(u, stream=flag)", "r = await _http.get(u, stream=flag)"),
        ("r = requests.get(u, params=p)", "r = await _http.get(u, params=p)"),
        ("r = requests.get('h?a', {'b': 1})", "r = await _http.get('h?a', {'b': 1})"),
        ("r = requests.post(u, p)", "r = await _http.post(u, p)"),
        ("r = requests.post(u, {'a': p})", "r = await _http.post(u, {'a': p})"),
        ("r = requests.put(u, files=p)", "r = await _http.put(u, files=p)"),
        ("r = requests.get(u, auth=p)", "r = await _http.get(u, auth=p)"),
        ("r = requests.get(u, verify=p)", "r = await _http.get(u, verify=p)"),
        ("r = requests.get(u, headers={'A': None})", "r = await _http.get(u, headers={'A': None})"),
        ("r = requests.get(u, allow_redirects=False, cert=p)",
         "r = await _http.get(u, follow_redirects=False, cert=p)"),
    ],
)  # fmt: skip
def test_what_httpx_does_otherwise_goes_through_the_generated_module(
    before: str, after: str
) -> None:
    text = "async def f(u, urls, p):\n    {}\n"
    assert rewritten(text.format(before)) == text.format(after)


@pytest.mark.parametrize(
    "call",
    [
        "requests.get('h', params={'a': 1, 'b': 'c', 'd': f'{u}', 'e': [1, '2']})",
        "requests.get(f'h/{u}', params={'size': size, 'page': size + 1})",
        "requests.get('h', params=None, auth=('a', 'b'))",
        "requests.post(u, data={'a': '1'}, json=x)",
        "requests.post(u, data=f'{u}')",
        "requests.get(u, headers=x, timeout=x)",
    ],
)
def test_what_httpx_does_alike_needs_no_generated_module(call: str) -> None:
    after = rewritten(f"async def f(u, x, size: int):\n    r = {call}\n")
    assert "_http" not in after
    assert "httpx.AsyncClient" in after


def test_a_body_that_may_be_signed_is_written_as_before() -> None:
    text = "import hmac\nasync def f(u, x):\n    r = requests.post(u, json=x)\n"
    assert "_http.post(u, json=x)" in rewritten(text)


def test_calls_that_stay() -> None:
    text = "import requests_oauthlib\ndef f(u, x):\n    {}\n"
    signed = text.format("requests.get(u, auth=requests_oauthlib.OAuth1(x))")
    assert refused(signed) == {"custom-auth"}


def test_keywords_through_a_splat() -> None:
    text = "async def f(url, **kw):\n    r = requests.get(url, **kw)\n"
    assert "client.get(url, **kw)" in rewritten(text, keywords=("timeout", "headers"))
    assert 'client.request("GET", url, **kw)' in rewritten(text, keywords=("json",))
    assert "await _http.get(url, **kw)" in rewritten(text, keywords=("verify",))
    assert "await _http.get(url, **kw)" in rewritten(text, keywords=("allow_redirects",))
    assert "await _http.get(url, **kw)" in rewritten(text, keywords=None)


def test_the_limit_of_redirects_is_kept_where_it_shows() -> None:
    text = "from requests import TooManyRedirects\nasync def f(u):\n    {}\n"
    assert "(follow_redirects=True, timeout=None, max_redirects=30)" in rewritten(
        text.format("requests.get(u)")
    )
    assert "(follow_redirects=True, timeout=None, max_redirects=30)" in rewritten(
        text.format("s = requests.Session()")
    )


def test_streamed_download() -> None:
    assert rewritten(
        """
        async def f(url, file):
            with requests.head(url, stream=True, timeout=9) as r:
                r.raise_for_status()
                for chunk in r.iter_content(chunk_size=8192):
                    file.write(chunk)
        """
    ) == dedent(
        """
        async def f(url, file):
            async with httpx.AsyncClient() as client, client.stream("HEAD", url, timeout=9) as r:
                r.raise_for_status()
                async for chunk in r.aiter_bytes(chunk_size=8192):
                    file.write(chunk)
        """
    )


def test_streamed_on_a_session() -> None:
    assert rewritten(
        """
        async def f(s, url, path):
            with s.get(url, stream=True) as r, open(path, "wb") as file:
                for chunk in r.iter_content(8192):
                    file.write(chunk)
        """
    ) == dedent(
        """
        async def f(s, url, path):
            async with s.stream("GET", url) as r:
                with open(path, "wb") as file:
                    async for chunk in r.aiter_bytes(8192):
                        file.write(chunk)
        """
    )


def test_entered_without_streaming() -> None:
    assert rewritten(
        """
        async def f(url):
            with requests.get(url, timeout=1) as r:
                return r.json()
        """
    ) == dedent(
        """
        async def f(url):
            async with httpx.AsyncClient(follow_redirects=True) as client:
                r = await client.get(url, timeout=1)
                return r.json()
        """
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("print(r.text)", "print((await _http.read(r)).text)"),
        ("return r.json()", "return (await _http.read(r)).json()"),
        ("return r.status_code", "return r.status_code"),
        ("for c in r.iter_content():\n            pass",
         "async for c in r.aiter_bytes(1):\n            pass"),
        ("for c in r.iter_content(9, decode_unicode=True):\n            pass",
         "async for c in _http.iter_content(r, chunk_size=9, decode_unicode=True):\n"
         "            pass"),
        ("for c in r.iter_lines(512):\n            pass",
         "async for c in _http.iter_lines(r):\n            pass"),
        ("for c in r.iter_lines(delimiter=b';'):\n            pass",
         "async for c in _http.iter_lines(r, delimiter=b';'):\n            pass"),
    ],
)  # fmt: skip
def test_what_is_read_of_a_stream(before: str, after: str) -> None:
    text = "async def f(s, url):\n    {} s.{} as r:\n        {}\n"
    assert rewritten(text.format("with", "get(url, stream=True)", before)) == text.format(
        "async with", 'stream("GET", url)', after
    )


def test_a_response_that_is_read_already_is_not_read_again() -> None:
    text = "async def f(s, url):\n    r = s.get(url, stream=False)\n    print(r.text)\n"
    assert rewritten(text).endswith("    r = await s.get(url)\n    print(r.text)\n")


@pytest.mark.parametrize("body", ["x = list(r.iter_content(1))"])
def test_streams_that_stay(body: str) -> None:
    text = f"def f(s, url):\n    with s.get(url, stream=True) as r:\n        {body}\n"
    assert "not-a-loop" in refused(text)


def test_streamed_without_a_block() -> None:
    assert rewritten(
        """
        async def f(s, url, file):
            r = s.get(url, stream=True)
            for chunk in r.iter_content(512):
                file.write(chunk)
            r.close()
        """
    ) == dedent(
        """
        async def f(s, url, file):
            r = await s.get(url, stream=True)
            async for chunk in r.aiter_bytes(512):
                file.write(chunk)
            await r.aclose()
        """
    )


def test_entered_on_a_session_without_streaming() -> None:
    after = rewritten("async def f(s, u):\n    with s.get(u) as r:\n        return r.json()\n")
    assert "async with contextlib.aclosing(await s.get(u)) as r:\n        return r.json()" in after
