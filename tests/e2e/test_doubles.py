"""Doubles of requests in the tests of a migrated project: they answer httpx, by the generated
module; and mocks whose methods are awaited from now on."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
import requests
import urllib3

from asyncshift import pipeline
from asyncshift.cli import run
from asyncshift.codemods.requests_httpx import _http
from asyncshift.config import Config

from .echo_server import serving

ORIGINAL = httpx.AsyncHTTPTransport.handle_async_request
SEND = "requests.adapters.HTTPAdapter.send"  # what `responses` puts its own in the place of


@pytest.fixture(autouse=True)
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    from asyncshift.codemods.requests_httpx import _http_mock

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", _http_mock._answered)
    assert httpx.AsyncHTTPTransport.handle_async_request is not ORIGINAL


def double(answer: Callable[[requests.PreparedRequest], Any]) -> Any:
    """What stands in for `HTTPAdapter.send`, with what it is asked in `seen`."""

    def send(adapter: Any, request: requests.PreparedRequest, **settings: Any) -> Any:
        send.seen.append((request, settings))  # type: ignore[attr-defined]
        found = answer(request)
        return adapter.build_response(request, found)

    send.seen = []  # type: ignore[attr-defined]
    return send


def raw(body: bytes, status: int = 200, **headers: str) -> urllib3.HTTPResponse:
    known = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib3.HTTPResponse(
        io.BytesIO(body), known, status, reason="Fine", preload_content=False
    )


def test_a_double_answers() -> None:
    stand_in = double(lambda _: raw(b'{"a": 1}', 404, Content_Type="application/json", X_A="b"))
    with mock.patch(SEND, stand_in):
        response = asyncio.run(
            _http.post("http://nowhere.invalid/x?y=1", {"q": "a b"}, timeout=(1, 2), verify=False)
        )
    request, settings = stand_in.seen[0]
    assert (response.status_code, response.reason_phrase) == (404, "Fine")
    assert response.json() == {"a": 1}
    assert response.headers["x-a"] == "b"
    assert (request.method, request.url) == ("POST", "http://nowhere.invalid/x?y=1")
    assert request.body == "q=a+b"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (settings["timeout"], settings["verify"]) == ((1, 2), False)


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        ({"data": '{"a": 1}'}, '{"a": 1}'),
        ({"data": b"a=1"}, b"a=1"),
        ({"json": {"a": 1}}, b'{"a": 1}'),
        ({"data": {"a": 1}}, "a=1"),
        ({}, None),
    ],
)
def test_a_body_is_text_or_bytes_as_before(sent: dict[str, Any], body: object) -> None:
    stand_in = double(lambda _: raw(b""))
    with mock.patch(SEND, stand_in):
        asyncio.run(_http.post("http://nowhere.invalid/", **sent))
        requests.post("http://nowhere.invalid/", **sent)
    assert [request.body for request, _ in stand_in.seen] == [body, body]


def test_redirects_and_cookies_go_on() -> None:
    def answer(request: requests.PreparedRequest) -> urllib3.HTTPResponse:
        if request.path_url == "/from":
            return raw(b"", 302, Location="/to", Set_Cookie="k=v")
        return raw(str(request.headers.get("Cookie")).encode())

    async def main() -> httpx.Response:
        async with httpx.AsyncClient(follow_redirects=True) as client:
            return await client.get("http://nowhere.invalid/from")

    with mock.patch(SEND, double(answer)):
        response = asyncio.run(main())
    assert (response.text, len(response.history)) == ("k=v", 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (requests.ConnectionError, httpx.ConnectError),
        (requests.ConnectTimeout, httpx.ConnectTimeout),
        (requests.ReadTimeout, httpx.ReadTimeout),
        (requests.Timeout, httpx.TimeoutException),
        (requests.exceptions.ChunkedEncodingError, httpx.RemoteProtocolError),
        (requests.exceptions.InvalidURL, httpx.InvalidURL),
        (requests.RequestException, httpx.HTTPError),
        (ZeroDivisionError, ZeroDivisionError),
    ],
)
def test_its_errors_are_those_of_httpx(old: type[Exception], new: type[Exception]) -> None:
    with mock.patch(SEND, side_effect=old("why")), pytest.raises(new, match="why"):
        asyncio.run(_http.get("http://nowhere.invalid/"))


def test_without_a_double_the_server_answers() -> None:
    with serving() as server:
        response = asyncio.run(_http.get(f"{server.url}/json"))
        assert response.status_code == 200
        assert len(server.log) == 1


# ----------------------------------------------------------------------------- the projects

MODULE = """import requests


def rates(base):
    return requests.get("https://rates.invalid", params={"base": base}).json()
"""
TEST = """import responses

import rates


@responses.activate
def test_rates():
    responses.get("https://rates.invalid", json=3)
    assert rates.rates("x") == 3
"""
LINE = "import _http_mock  # noqa: F401 - doubles of the old library answer the new one\n"


def migrated(root: Path, **files: str) -> dict[str, str]:
    """The new texts by path; `__` stands for a folder."""
    for name, text in files.items():
        path = root / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    outcome = pipeline.changes(pipeline.analyse([root], Config(cache=False)))
    for change in outcome.changes:
        (root / change.path).write_bytes(change.new or b"")
    return {change.path: (change.new or b"").decode() for change in outcome.changes}


def test_conftest_imports_the_module(tmp_path: Path) -> None:
    found = migrated(tmp_path, rates=MODULE, tests__test_rates=TEST)
    assert found["tests/conftest.py"] == LINE
    assert "HTTPAdapter" in found["tests/_http_mock.py"]


def test_a_conftest_keeps_what_it_has(tmp_path: Path) -> None:
    head = '"""Fixtures."""\n\nfrom __future__ import annotations\n'
    found = migrated(
        tmp_path, rates=MODULE, tests__conftest=f"{head}\nimport os\n", tests__test_rates=TEST
    )
    assert found["tests/conftest.py"] == f"{head}\n{LINE}\nimport os\n"


def test_the_outermost_package_of_tests_imports_it(tmp_path: Path) -> None:
    using = "def test_rates(requests_mock):\n    requests_mock.get('https://rates.invalid')\n"
    files = {"tests__INIT": "", "tests__unit__INIT": "", "tests__unit__test_rates": using}
    found = migrated(tmp_path, rates=MODULE, **files)
    assert found["tests/__init__.py"] == LINE.replace("import", "from . import", 1)
    assert not {"tests/unit/__init__.py", "tests/unit/conftest.py"} & found.keys()


@pytest.mark.parametrize(
    ("module", "test"),
    [
        (MODULE, "import rates\n\n\ndef test_rates():\n    responses = [rates]\n"),
        (MODULE, "from unittest import mock\n\n\ndef test_rates():\n    mock.Mock()\n"),
        ("def rates(base):\n    return 3\n", TEST),
        ("import requests\n\nSESSION_CLASS = requests.Session\n", TEST),
    ],
)
def test_who_needs_it_not_gets_it_not(tmp_path: Path, module: str, test: str) -> None:
    found = migrated(tmp_path, rates=module, tests__test_rates=test)
    assert not {"tests/_http_mock.py", "tests/conftest.py"} & found.keys()


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    assert migrated(tmp_path, rates=MODULE, tests__test_rates=TEST)
    assert not migrated(tmp_path, rates=(tmp_path / "rates.py").read_text())


# ----------------------------------------------------------------------------- mocks

SERVICE = """import requests


class Api:
    def __init__(self):
        self.session = requests.Session()

    def fetch(self, key):
        return self.session.get("https://api.invalid/" + key, timeout=5).json()

    def label(self, key):
        return key.upper()


class Service:
    def __init__(self, api: Api):
        self.api = api

    def load(self, key):
        return self.api.fetch(key), self.api.label(key)
"""
MOCKED = """from unittest.mock import Mock, patch

from service import Api, Service


class Given(Api):
    def fetch(self, key):
        return key


def test_by_a_mock():
    api = Mock()
    api.fetch.return_value = {"a": 1}
    api.label.return_value = "A"
    assert Service(api).load("a") == ({"a": 1}, "A")
    api.fetch.assert_called_once_with("a")


def test_by_a_wrapped_method():
    api = Given()
    with patch.object(api, "fetch", Mock(wraps=api.fetch)):
        assert Service(api).load("a") == ("a", "A")
        api.fetch.assert_called_once_with("a")


def test_by_the_session():
    api = Api()
    api.session = Mock()
    api.session.get.return_value.json.return_value = 3
    assert Service(api).load("a") == (3, "A")


def test_what_is_never_asked():
    api = Mock()
    assert api.name is not None
"""


def test_mocks_are_awaited(tmp_path: Path) -> None:
    found = migrated(tmp_path, service=SERVICE, tests__test_service=MOCKED)
    assert "async def load" in found["service.py"]
    text = found["tests/test_service.py"]
    assert "api = Mock(fetch=AsyncMock(), get=AsyncMock(return_value=Mock()))\n" in text
    assert "api.session = Mock(get=AsyncMock(return_value=Mock()))\n" in text
    assert text.count("api = Mock()\n") == 1
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


STEPS = {
    "service": """class Service:
    def __init__(self, api):
        self.api = api

    def load(self, key):
        answer = self.api.fetch(key)
        return answer.text.upper(), self.api.label(key)
""",
    "api": """import time

from service import Service


class Api:
    def fetch(self, key):
        time.sleep(0)
        return key

    def label(self, key):
        return key


def main():
    return Service(Api()).load("a")
""",
    "other": "X = 1\n",
    "tests__test_service": """from unittest.mock import MagicMock

import service


def test_handed_on():
    api = MagicMock()
    made = service.Service(api)
    for load in [made.load]:
        load("a")


def test_answered():
    api = MagicMock()
    api.fetch.return_value.text = "a"
    assert service.Service(api).load("b")[0] == "A"
    api.fetch.assert_called_once_with("b")


def test_alone():
    api = MagicMock()
    assert api.text is not None
""",
}


def passes(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def step(folder: Path, *modules: str) -> str:
    """One step that is written; what the tests say then."""
    options = [word for module in modules for word in ("--module", module)]
    assert run(["apply", str(folder), "--yes", "--no-cache", *options]) == 0
    passes(folder)
    return (folder / "tests/test_service.py").read_text()


def test_a_mock_that_is_handed_on_is_awaitable_after_every_step(tmp_path: Path) -> None:
    whole = migrated(tmp_path / "whole", **STEPS)["tests/test_service.py"]
    assert "api = MagicMock(fetch=AsyncMock(return_value=MagicMock()))\n" in whole
    steps = tmp_path / "steps"
    for name, text in STEPS.items():
        path = steps / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert step(steps, "api") == STEPS["tests__test_service"]
    between = step(steps, "service")
    assert between.count("fetch_async=AsyncMock(") == 2
    assert between.count("api = MagicMock()\n") == 1
    assert step(steps) == whole
    passes(steps)
