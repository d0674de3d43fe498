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


def test_two_calls_share_no_cookies() -> None:
    assert rewritten(
        """
        async def f(a, b):
            return requests.head(a, timeout=1), requests.head(b, timeout=1)
        """
    ) == dedent(
        """
        async def f(a, b):
            async with httpx.AsyncClient() as client, httpx.AsyncClient() as client_2:
                return await client.head(a, timeout=1), await client_2.head(b, timeout=1)
        """
    )


def test_names_are_used_again_in_the_next_statement() -> None:
    after = rewritten(
        """
        async def f(a, b):
            x = requests.get(a, timeout=1).json()
            y = requests.get(b, timeout=1).json()
            return x, y
        """
    )
    assert after.count(" as client:") == 2
    assert after.count("response = await") == 2


def test_headers_of_compound_statements() -> None:
    assert rewritten(
        """
        async def f(url):
            if not requests.get(url, timeout=1).ok:
                return None
            for item in requests.get(url, timeout=1).json():
                use(item)
        """
    ) == dedent(
        """
        async def f(url):
            async with httpx.AsyncClient(follow_redirects=True) as client:
                response = await client.get(url, timeout=1)
            if response.is_error:
                return None
            async with httpx.AsyncClient(follow_redirects=True) as client:
                response = await client.get(url, timeout=1)
            for item in response.json():
                use(item)
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
    ("text", "rule"),
    [
        ("x = [requests.get(u).json() for u in urls]", "repeated-call"),
        ("x = lambda u: requests.get(u)", "repeated-call"),
        ("while requests.get(u).ok:\n        pass", "no-place-for-a-client"),
        ("x = yield prepare(), requests.get(u)", "no-place-for-a-client"),
        ("if u:\n        pass\n    elif requests.get(u).ok:\n        pass",
         "no-place-for-a-client"),
        ("if u and requests.get(u).ok:\n        pass", "no-place-for-a-client"),
        ("r = requests.get(u, stream=True)", "streamed-outside-with"),
        ("r = requests.get(u, proxies=p)", "client-argument"),
        ("r = requests.get(u, stream=flag)", "stream-unknown"),
        ("auth = requests.get(u, auth=requests_oauthlib.OAuth1(x))", "custom-auth"),
    ],
)  # fmt: skip
def test_bare_calls_that_stay(text: str, rule: str) -> None:
    assert rule in refused(f"import requests_oauthlib\ndef f(u, urls):\n    {text}\n")


def test_keywords_through_a_splat() -> None:
    text = "async def f(url, **kw):\n    r = requests.get(url, **kw)\n"
    assert "client.get(url, **kw)" in rewritten(text, keywords=("timeout", "params"))
    assert 'client.request("GET", url, **kw)' in rewritten(text, keywords=("json",))
    assert refused(text, keywords=("verify",)) == {"keyword-through-splat"}
    assert refused(text, keywords=None) == {"unknown-keywords"}


def test_redirect_settings_are_taken_out_of_a_splat() -> None:
    text = "async def f(s, url, **kw):\n    r = {}(url, **kw)\n    {}\n"
    bare = rewritten(text.format("requests.get", "pass"), keywords=("allow_redirects",))
    assert "httpx.AsyncClient(timeout=None) as client" in bare
    assert 'client.get(url, follow_redirects=kw.pop("allow_redirects", True), **kw)' in bare
    head = rewritten(text.format("s.head", "pass"), keywords=("allow_redirects",))
    assert 's.head(url, follow_redirects=kw.pop("allow_redirects", False), **kw)' in head
    again = text.format("s.get", "use(kw)")
    assert refused(again, keywords=("allow_redirects",)) == {"keyword-through-splat"}
    loop = "def f(s, **kw):\n    while True:\n        s.get('u', **kw)\n"
    assert refused(loop, keywords=("allow_redirects",)) == {"keyword-through-splat"}


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
    ("body", "rule"),
    [
        ("use(r)", "streamed-body-read"),
        ("print(r.text)", "streamed-body-read"),
        ("for c in r.iter_content(1, decode_unicode=True):\n            pass", "stream-decoding"),
        ("for c in r.iter_lines():\n            pass", "stream-decoding"),
        ("x = list(r.iter_content(1))", "not-a-loop"),
        ("g = (c for c in r.iter_content(1))", "not-a-loop"),
    ],
)
def test_streams_that_stay(body: str, rule: str) -> None:
    text = f"def f(s, url):\n    with s.get(url, stream=True) as r:\n        {body}\n"
    assert rule in refused(text)


def test_iterating_over_a_response_that_is_not_streamed() -> None:
    text = "def f(r):\n    for chunk in r.iter_content(1):\n        pass\n"
    assert refused(text) == {"not-streamed-here"}
