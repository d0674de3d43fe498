"""The generated `_http` module against requests: the same calls to a local server, the same answers
and the same requests in its log."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from asyncshift.bridge_modules import module_template
from asyncshift.codemods.requests_httpx import _http
from asyncshift.loading import load_registry

from .echo_server import EchoServer, serving

Settings = dict[str, Any] | Callable[[], dict[str, Any]]
CALLS: list[tuple[str, str, Settings]] = [
    ("get", "/json?z=0", {"params": {"a": None, "b": True, "c": [1, None, 2], "d": "x y"}}),
    ("get", "/json?z=0#part", {"params": [("a", 1), ("a", 2)]}),
    ("get", "/json?z=0", {"params": "x=a b&y=%20~%7E"}),
    ("get", "/json?z=0", {"params": {"é": "ü", "s": {"k": 1}, "by": b"q", "e": ""}}),
    ("get", "/json?z=0", {"params": {}}),
    ("get", "/json/%7Ea/b c|d^e\\f{g}?q=a|b^c\\d`{e}<f>%zz", {}),
    ("get", "/json/100%?x=5%", {}),
    ("get", "/json/é?x=ö", {}),
    ("get", "", {"params": {"a": "1"}}),
    ("post", "/json", {"json": {"a": 1, "b": [1, 2.5], "é": "ü"}}),
    ("post", "/json", {"json": 0}),
    ("post", "/json", {"json": {"a": 1}, "data": {"b": "2"}}),
    ("post", "/json", {"json": {"a": 1}, "data": {}}),
    ("post", "/json", {"data": {"a": 1, "b": None, "c": True, "d": ["x", "y"], "é": "ü &"}}),
    ("post", "/json", {"data": [("a", "1"), ("b", "2"), ("a", "3")]}),
    ("post", "/json", {"data": "text é"}),
    ("post", "/json", {"data": b"\x00\xff"}),
    ("post", "/json", {"data": bytearray(b"xy")}),
    ("post", "/json", lambda: {"data": io.BytesIO(b"abc")}),
    ("post", "/json", {}),
    ("post", "/json", {"json": {"a": 1}, "headers": {"content-type": "application/vnd+json"}}),
    ("put", "/json", {"data": {"a": 1}, "headers": {"Content-Type": "x/y"}}),
    ("patch", "/json", {"json": {"a": None}}),
    ("delete", "/json", {"json": {"ids": [1]}}),
    ("delete", "/json", {}),
    ("options", "/json", {}),
    ("get", "/json", {"data": {"a": 1}}),
    ("get", "/headers", {"headers": {"X-A": "1", "X-B": None, "X-L": "caf\xe9", "X-C": b"by"}}),
    ("get", "/cookies", {"cookies": {"a": "1", "b": "2"}}),
    ("get", "/headers", {"auth": ("a", "b")}),
    ("get", "/headers", {"auth": ("\xe9", "b")}),
    ("get", "/redirect/3", {}),
    ("get", "/redirect/3", {"allow_redirects": False}),
    ("get", "/redirect/30", {}),
    ("head", "/redirect/1", {}),
    ("head", "/redirect/1", {"allow_redirects": True}),
    ("post", "/redirect/1", {"data": {"a": 1}}),
    ("put", "/redirect/1", {"json": [1]}),
    ("get", "/text", {}),
    ("get", "/status/404", {}),
    ("get", "/status/304", {}),
    ("get", "/cookie/a/b", {}),
]


def seen(response: Any, server: EchoServer) -> dict[str, object]:
    """What a program can see of an answer, and what the server saw."""
    return {
        "status": response.status_code,
        "url": str(response.url),
        "text": response.text,
        "history": [answer.status_code for answer in response.history],
        "cookies": dict(response.cookies),
        "log": list(server.log),
    }


def given(settings: Settings) -> dict[str, Any]:
    return settings() if callable(settings) else settings


async def asked(verb: str, url: str, settings: dict[str, Any], *, client: bool) -> Any:
    if not client:
        return await getattr(_http, verb)(url, **settings)
    async with _http.Client() as session:
        return await getattr(session, verb)(url, **settings)


@pytest.mark.parametrize("client", [False, True], ids=["function", "client"])
@pytest.mark.parametrize(("verb", "path", "settings"), CALLS)
def test_same_as_requests(verb: str, path: str, settings: Settings, *, client: bool) -> None:
    with serving() as server:
        url = server.url + path
        old = seen(getattr(requests, verb)(url, **given(settings)), server)
        server.log.clear()
        new = seen(asyncio.run(asked(verb, url, given(settings), client=client)), server)
    assert new == old


@pytest.mark.parametrize(
    "files",
    [
        {"f": b"x", "g": "text"},
        {"f": ("n.csv", "a,b", "text/csv", {"X-A": "1"})},
        [("a", ("1.txt", b"1")), ("a", ("2.txt", io.BytesIO(b"2")))],
        {"f": (None, "x")},
    ],
)
def test_multipart_bodies(files: Any) -> None:
    data = {"k": "v", "n": None, "b": True, "l": [1, 2]}
    old = requests.Request("POST", "http://h", files=files, data=data).prepare()
    for part in files if isinstance(files, list) else ():
        if hasattr(part[1][1], "seek"):
            part[1][1].seek(0)
    content, kind = _http._multipart(data, files)
    assert isinstance(old.body, bytes)
    boundary = old.headers["Content-Type"].partition("boundary=")[2]
    assert content.replace(kind.partition("boundary=")[2].encode(), boundary.encode()) == old.body


def test_a_file_is_sent_from_where_it_stands() -> None:
    with tempfile.TemporaryFile() as file, serving() as server:
        file.write(b"0123456789")
        file.seek(4)
        asyncio.run(asked("put", f"{server.url}/json", {"data": file}, client=True))
        assert server.log[0]["body"] == "456789"


def test_a_client_serves_one_loop_after_the_other() -> None:
    client = _http.Client()
    with serving() as server:

        async def twice() -> list[int]:
            answers = [await client.get(f"{server.url}/json") for _ in range(2)]
            await client.aclose()
            return [answer.status_code for answer in answers]

        assert asyncio.run(twice()) == asyncio.run(twice()) == [200, 200]


def test_a_client_may_be_used_after_it_was_closed() -> None:
    async def twice(url: str) -> list[int]:
        client = _http.Client()
        codes = []
        for _ in range(2):
            async with client:
                codes.append((await client.get(url)).status_code)
        return codes

    with serving() as server:
        assert asyncio.run(twice(f"{server.url}/json")) == [200, 200]


def test_settings_of_a_client_count_when_they_are_needed() -> None:
    client = _http.Client()
    client.params = {"key": "k", "gone": "x"}
    client.max_redirects = 2
    client.auth = ("a", "b")
    with serving() as server:

        async def asked_twice() -> None:
            await client.get(f"{server.url}/headers?a=1", params={"gone": None, "b": 2})
            with pytest.raises(_http.httpx.TooManyRedirects):
                await client.get(f"{server.url}/redirect/5")
            await client.aclose()

        asyncio.run(asked_twice())
        assert server.log[0]["args"] == [("a", "1"), ("key", "k"), ("b", "2")]
        assert server.log[0]["headers"]["authorization"].startswith("Basic ")


def test_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving() as server:
        requests.get(f"{server.url}/headers", timeout=5)
        asyncio.run(asked("get", f"{server.url}/headers", {}, client=False))
        assert server.log[0]["headers"]["authorization"]
        assert server.log[0]["headers"] == server.log[1]["headers"]


def test_the_environments_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        monkeypatch.setenv("http_proxy", server.url)
        for trusts in (True, False):
            client = _http.Client()
            client.trust_env = trusts

            async def get(client: _http.Client = client) -> None:
                async with client:
                    await client.get("http://shop.invalid/json")

            if trusts:
                asyncio.run(get())
                assert server.log[0]["path"] == "/json"
            else:
                with pytest.raises(_http.httpx.ConnectError):
                    asyncio.run(get())


@pytest.mark.parametrize("url", ["", "x/y", "http://", "http:///x", "http://a b/"])
def test_urls_without_a_host_fail_alike(url: str) -> None:
    with pytest.raises((requests.exceptions.MissingSchema, requests.exceptions.InvalidURL)):
        requests.get(url, timeout=5)
    with pytest.raises((_http.httpx.InvalidURL, _http.httpx.UnsupportedProtocol)):
        asyncio.run(asked("get", url, {}, client=False))


@pytest.mark.parametrize("status", [200, 304, 404, 500])
def test_the_message_of_an_error(status: int) -> None:
    with serving() as server:
        url = f"{server.url}/status/{status}"
        old = new = ""
        try:
            requests.get(url, timeout=5).raise_for_status()
        except requests.HTTPError as error:
            old = str(error)
        try:
            _http.raise_for_status(asyncio.run(asked("get", url, {}, client=False)))
        except _http.httpx.HTTPStatusError as error:
            new = str(error)
        assert new == old


def test_lines_are_split_as_bytes_are() -> None:
    class Response:
        encoding = charset_encoding = "utf-8"

        def __init__(self, chunks: list[bytes]) -> None:
            self._chunks = chunks

        async def aiter_bytes(self, size: int | None = None) -> Any:
            for chunk in self._chunks:
                yield chunk

    async def lines(**settings: Any) -> list[Any]:
        response: Any = Response([b"first\nsec", b"ond\r\n", b"\x0btab\nla", b"st"])
        return [line async for line in _http.iter_lines(response, **settings)]

    assert asyncio.run(lines()) == [b"first", b"second", b"\x0btab", b"last"]
    assert asyncio.run(lines(delimiter=b"s")) == [b"fir", b"t\n", b"econd\r\n\x0btab\nla", b"t"]
    assert asyncio.run(lines(decode_unicode=True)) == ["first", "second", "", "tab", "last"]


def test_bare_calls_may_share_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "SHARE_CLIENT", True)

    async def cookies(url: str) -> Any:
        await _http.get(f"{url}/cookie/a/b")
        found = (await _http.get(f"{url}/cookies")).json()
        await _http._shared().aclose()
        return found

    with serving() as server:
        assert asyncio.run(cookies(server.url)) == {"a": "b"}
    _http._shared.cache_clear()


def test_settings_in_the_generated_text() -> None:
    settings = {"share_client": "yes", "http": "httpx2"}
    text = module_template(load_registry(), "shop._http", settings)
    assert "SHARE_CLIENT = True" in text
    assert "import httpx2 as httpx" in text
    compile(text, "_http.py", "exec")
