"""The rewriters of requests_httpx, one construct at a time."""

from __future__ import annotations

import pytest

from tests.unit.rewriting import dedent, messages, refused, rewritten


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
    ("line", "rule"),
    [
        ("s.get(url, verify=False)", "client-argument"),
        ("s.get(url, proxies=p)", "client-argument"),
        ("s.get(url, hooks=h)", "client-argument"),
        ("s.get(url, stream=True)", "streamed-outside-with"),
        ("s.get(*url)", "starred"),
        ("s.get('http://h/?a=1', params={'b': 2})", "params-and-query"),
        ("s.get(url, params={'a': None})", "params-none-or-bool"),
        ("s.post(url, data={'a': True})", "form-none-or-bool"),
        ("s.post(url, data=[('a', 1)])", "form-pairs"),
        ("s.post(url, data=open('f', 'rb'))", "file-body"),
        ("s.get(url, headers={'A': None})", "header-none"),
        ("s.mount('https://', a)", "table"),
        ("s.verify = False", "table"),
        ("call = s.get", "table"),
    ],
)
def test_session_calls_that_stay(line: str, rule: str) -> None:
    assert rule in refused(in_function(line))
