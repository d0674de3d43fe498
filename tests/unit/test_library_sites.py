"""Sites of library names: every protocol, origins, keywords, escapes; and what is no such site."""

from __future__ import annotations

import pytest

from tests.unit.graphs import edges, graph, lines, names, site


def test_calls_by_every_kind_of_import() -> None:
    found = graph(
        """
        import requests, time as t
        import requests.exceptions
        from requests import get as fetch
        from requests.sessions import Session
        def f():
            requests.get("u")
            fetch("u")
            t.sleep(1)
            Session().post("u")
        """
    )
    assert edges(found, "call") == {
        "f -> requests.get",
        "f -> time.sleep",
        "f -> requests.Session",
        "f -> requests.Session.post",
    }
    assert lines(found, "import") == {
        "4 import get as fetch -> requests.get",
        "5 import Session -> requests.Session",
    }


def test_names_that_only_look_like_the_library() -> None:
    found = graph(
        """
        import json
        from app import requests
        class time:
            def sleep(n): ...
        def f(session, sleep):
            requests.get("u")
            sleep(1)
            session.get("u")
            json.loads("")
        """
    )
    assert lines(found) == set()


def test_a_project_module_hides_the_library() -> None:
    found = graph(requests="def get(u): ...\n", main="import requests\nrequests.get('u')\n")
    assert edges(found) == {"<module> -> get"}


def test_responses_flow_without_stubs() -> None:
    found = graph(
        """
        import requests
        class Api:
            def __init__(self): self.s = requests.Session()
            def fetch(self): return self.s.get("u")
        def main():
            r = Api().fetch()
            if r.ok:
                return r.json()
        """
    )
    assert lines(found, "call", "attribute") == {
        "4 call requests.Session -> requests.Session",
        "5 call self.s.get -> requests.Session.get",
        "7 call Api -> Api.__init__",
        "7 call Api().fetch -> Api.fetch",
        "8 attribute r.ok -> requests.Response.ok",
        "9 call r.json -> requests.Response.json",
    }
    assert site(found, "r.json").targets[0].origins == ("mod.py:4:33",)
    assert site(found, "requests.Session").targets[0].origins == ("mod.py:4:33",)


def test_method_references_are_values_and_attributes_are_not() -> None:
    found = graph(
        """
        import requests
        s = requests.Session()
        use(s.get, s.headers, s.whatever)
        s.headers["a"] = 1
        s.auth = ("a", "b")
        print(s.cookies.whatever)
        """
    )
    assert lines(found, "value", "attribute") == {
        "4 value s.get -> requests.Session.get",
        "4 attribute s.headers -> requests.Session.headers",
        "4 attribute s.whatever -> requests.Session.whatever",
        "5 attribute s.headers -> requests.Session.headers",
        "6 attribute s.auth -> requests.Session.auth",
        "7 attribute s.cookies -> requests.Session.cookies",
        "7 attribute s.cookies.whatever -> requests.cookies.RequestsCookieJar.whatever",
    }


def test_with_for_and_consumers() -> None:
    found = graph(
        """
        import requests
        def f(u):
            with requests.Session() as s, requests.get(u, stream=True) as r:
                for chunk in r.iter_content(8): ...
                lines = s.get(u).iter_lines()
                list(lines)
                [x for x in r]
        """
    )
    assert lines(found, "with", "for", "consume", "comprehension") == {
        "4 with requests.Session() -> requests.Session",
        "4 with requests.get(u, stream=True) -> requests.Response",
        "5 for r.iter_content(8) -> requests.Response.iter_content",
        "7 consume list -> requests.Response.iter_lines",
        "8 comprehension r -> requests.Response",
    }


def test_truth_of_instances_and_results() -> None:
    found = graph(
        """
        import requests
        def f(u):
            r = requests.get(u)
            if r: ...
            while not r: ...
            x = r and 1
            y = 1 if r else 2
            assert r
            bool(r)
            [1 for _ in () if r]
            if r.json(): ...
            if r.ok: ...
            if r is None: ...
            if len(u): ...
            z = 1 and r
        """
    )
    truth = sorted(s.span[0] for s in found.sites if s.protocol == "truth")
    assert truth == [5, 6, 7, 8, 9, 10, 11, 12]
    assert names(found, site(found, "r.json()", "truth")) == ["requests.Response.json"]


def test_annotations_seed_and_are_sites() -> None:
    found = graph(
        """
        from __future__ import annotations
        from typing import Optional
        import requests
        def f(s: Optional[requests.Session], r: "requests.Response | None" = None,
              many: list[requests.Response] = ()) -> requests.Response:
            s.get("u")
            many[0].json()
            r.json()
        """
    )
    assert lines(found, "annotation") == {
        "5 annotation requests.Session -> requests.Session",
        "5 annotation requests.Response -> requests.Response",
        "6 annotation requests.Response -> requests.Response",
    }
    assert site(found, "s.get").targets[0].origins == ("mod.py:5:18",)
    assert edges(found, "call") == {"f -> requests.Session.get", "f -> requests.Response.json"}


def test_except_clauses_and_their_regions() -> None:
    found = graph(
        """
        import contextlib, pytest, requests
        from requests.exceptions import HTTPError
        def f():
            try:
                requests.get("u")
                g()
            except (requests.ConnectionError, HTTPError, ValueError) as e:
                print(e.response)
            with contextlib.suppress(requests.Timeout):
                pass
            with pytest.raises(HTTPError):
                g()
        """
    )
    assert {(s.text, s.region) for s in found.sites if s.protocol == "except"} == {
        ("requests.ConnectionError", (6, 8, 7, 11)),
        ("HTTPError", (6, 8, 7, 11)),
        ("requests.Timeout", (11, 8, 11, 12)),
        ("HTTPError", (13, 8, 13, 11)),
    }
    assert "requests.HTTPError.response" in names(found, site(found, "e.response", "attribute"))


def test_values_bases_and_raises() -> None:
    found = graph(
        """
        import requests
        class Broken(requests.RequestException): ...
        def f(x):
            raise requests.Timeout
        def g(x):
            use(requests.get)
            isinstance(x, requests.Response)
            handlers = {"a": requests.post}
            raise requests.Timeout("late")
        """
    )
    assert lines(found, "base", "value") == {
        "3 base requests.RequestException -> requests.RequestException",
        "5 value requests.Timeout -> requests.Timeout",
        "7 value requests.get -> requests.get",
        "8 value requests.Response -> requests.Response",
        "9 value requests.post -> requests.post",
    }
    assert names(found, site(found, "requests.Timeout")) == ["requests.Timeout"]


def test_a_subclass_answers_first_and_the_library_for_the_rest() -> None:
    found = graph(
        """
        import requests
        class Api(requests.Session):
            def get(self, url):
                return super().get(self.base + url)
            def both(self):
                self.get("u")
                self.post("u")
                self.headers
        def main():
            with Api() as api:
                api.get("u").json()
                api.put("u")
        """
    )
    assert edges(found) >= {
        "Api.get -> requests.Session.get",
        "Api.both -> Api.get",
        "Api.both -> requests.Session.post",
        "Api.both -> requests.Session.headers",
        "main -> requests.Session",
        "main -> Api.get",
        "main -> requests.Response.json",
        "main -> requests.Session.put",
    }
    assert site(found, "api.put").targets[0].origins == ("mod.py:3:10",)
    assert all(f.foreign_base is None for f in found.functions.values())


def test_a_sleep_that_is_passed_in() -> None:
    found = graph(
        """
        import time
        def retry(sleep=time.sleep):
            sleep(1)
        retry()
        """
    )
    assert edges(found, "call") == {"retry -> time.sleep", "<module> -> retry"}
    assert lines(found, "value") == {"3 value time.sleep -> time.sleep"}


# ----------------------------------------------------------------------------- origins


def test_many_origins_are_united_and_none_is_lost() -> None:
    calls = "\n".join(f"use(requests.Session())  # {i}" for i in range(20))
    found = graph(f"import requests\ndef use(s): return s.get('u').json()\n{calls}\n")
    assert len(site(found, "s.get").targets[0].origins) == 20
    assert len(site(found, "s.get('u').json").targets[0].origins) == 20


def test_two_clients_keep_their_origins_apart() -> None:
    found = graph(
        """
        import requests
        class A:
            def __init__(self): self.s = requests.Session()
            def f(self): self.s.get("a")
        class B:
            def __init__(self): self.t = requests.Session()
            def f(self): self.t.get("b")
        """
    )
    assert site(found, "self.s.get").targets[0].origins == ("mod.py:4:33",)
    assert site(found, "self.t.get").targets[0].origins == ("mod.py:7:33",)


# ----------------------------------------------------------------------------- keywords


def keywords(text: str, label: str = "requests.get") -> tuple[str, ...] | None:
    return site(graph("import requests\n" + text), label).keywords


def test_keywords_through_forwarders_and_overrides() -> None:
    text = """
class A:
    def _request(self, url, **kw): return requests.get(url, stream=False, **kw)
    def get(self, url, **kw): return self._request(url, **kw)
class B(A):
    def _request(self, url, *, retries=0, **kw): return super()._request(url, verify=True, **kw)
B().get("u", timeout=3, retries=2)
"""
    assert keywords(text) == ("retries", "stream", "timeout", "verify")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("requests.get('u', **{'timeout': 1, 'verify': False})", ("timeout", "verify")),
        ("def f():\n    k = {'a': 1}\n    k['b'] = 2\n    requests.get('u', **k)", ("a", "b")),
        ("def f():\n    k = dict(a=1)\n    k.update(b=2)\n    requests.get('u', **k)", ("a", "b")),
        ("def f(**k):\n    k.setdefault('a', 1)\n    requests.get('u', **k)\nf(b=1)", ("a", "b")),
        ("def f(**k):\n    requests.get('u', **k)", ()),
        ("def f(k):\n    requests.get('u', **k)", None),
        ("def f(x):\n    k = {x: 1}\n    requests.get('u', **k)", None),
        ("def f(x):\n    k = {}\n    k[x] = 1\n    requests.get('u', **k)", None),
        ("def f(x):\n    k = {}\n    k = x\n    requests.get('u', **k)", None),
        ("def f(**k):\n    requests.get('u', **k)\nforeign(f)", None),
        ("def f(**k):\n    requests.get('u', **k)\ndef g(x):\n    f(**x)", None),
    ],
)
def test_keywords_of_double_star(text: str, expected: tuple[str, ...] | None) -> None:
    assert keywords(text) == expected


def test_keywords_of_a_partial() -> None:
    found = graph(
        """
        import functools, requests
        get = functools.partial(requests.get, timeout=3)
        get("u", verify=True)
        """
    )
    assert site(found, "get").keywords == ("timeout", "verify")


# ----------------------------------------------------------------------------- escapes


def escaped(text: str) -> set[tuple[str, str]]:
    found = graph(text)
    return {
        (found.functions[e.function].name if e.function else e.origins[0], e.to)
        for e in found.escapes
    }


def test_what_escapes() -> None:
    text = """
        import atexit, threading, requests, app
        from concurrent.futures import ThreadPoolExecutor
        def a(): ...
        def b(): ...
        def c(): ...
        def d(): ...
        def rows():
            yield 1
        class K:
            def m(self): ...
        atexit.register(a)
        threading.Thread(target=b).start()
        with ThreadPoolExecutor() as pool:
            pool.map(c, [1])
        app.handlers = {"d": d}
        app.consume(rows())
        app.use(K().m)
        app.use(requests.Session())
        sorted([1], key=lambda x: x)
    """
    assert escaped(text) == {
        ("a", "atexit.register"),
        ("b", "threading.Thread"),
        ("c", "concurrent.futures.ThreadPoolExecutor.map"),
        ("d", "app.handlers"),
        ("rows", "app.consume"),
        ("K.m", "app.use"),
        ("mod.py:19:8", "app.use"),
        ("<lambda>", "sorted"),
    }


def test_what_does_not_escape() -> None:
    text = """
        import functools, requests, time, app
        def a(): ...
        def rows():
            yield 1
        def own(f): f()
        own(a)
        print(a, rows(), requests.Session())
        isinstance(requests.get("u"), dict)
        repr(requests.get("u")), len([a]), type(a), str(rows())
        list(rows()), sum(rows()), ",".join(rows())
        items = [a]
        items.append(a)
        functools.partial(a)
        app.use(time.sleep)
        requests.get("u", auth=requests.Session())
        a()
    """
    assert escaped(text) == set()


def test_what_a_thread_pool_gives_back() -> None:
    found = graph(
        """
        import requests, threading
        from concurrent.futures import ThreadPoolExecutor, as_completed
        def fetch(session, url): return session.get(url)
        def work(s): s.post("u")
        with ThreadPoolExecutor() as pool:
            futures = [pool.submit(fetch, requests.Session(), u) for u in "ab"]
            for future in as_completed(futures): future.result().json()
            for answer in pool.map(requests.get, "ab"): answer.ok
        threading.Thread(target=work, args=(requests.Session(),)).start()
        """
    )
    assert lines(found, "call", "attribute") >= {
        "4 call session.get -> requests.Session.get",
        "5 call s.post -> requests.Session.post",
        "8 call future.result().json -> requests.Response.json",
        "9 attribute answer.ok -> requests.Response.ok",
    }
    assert not [s for s in found.sites if s.protocol == "call" and "fetch" in names(found, s)]


def test_getattr_with_a_constant_name_is_a_call() -> None:
    found = graph(
        """
        import requests
        s = requests.Session()
        getattr(s, "get")("u")
        use(getattr(s, "post"))
        getattr(s, unknown)("u")
        """
    )
    assert edges(found) == {
        "<module> -> requests.Session",
        "<module> -> requests.Session.get",
        "<module> -> requests.Session.post",
    }
    assert [s.protocol for s in found.sites if s.span[0] == 4] == ["call"]
    assert [s.protocol for s in found.sites if s.span[0] == 5] == ["value"]


def test_what_a_thread_calls_is_called_there() -> None:
    found = graph(
        """
        import asyncio, requests
        async def main():
            r = await asyncio.to_thread(requests.get, "u")
            r.ok
            for one in map(requests.get, "ab"): one.url
        """
    )
    assert site(found, "r.ok", "attribute").targets[0].origins == ("mod.py:4:14",)
    assert site(found, "one.url", "attribute").targets[0].origins == ("mod.py:6:15",)
    assert {(e.to, e.origins) for e in found.escapes} == {("map", ("mod.py:6:15",))}
    hop = site(found, "requests.get")
    assert (names(found, hop), hop.wrapper, hop.awaited) == (["requests.get"], "to_thread", True)
    assert [s.span[0] for s in found.sites if s.protocol == "value"] == [6]


def test_every_library_instance_has_an_origin() -> None:
    found = graph(
        """
        import requests
        def f(x, y):
            if isinstance(x, requests.Response):
                x.ok
            try: ...
            except requests.HTTPError as e:
                e.response
        """
    )
    assert site(found, "x.ok", "attribute").targets[0].origins == ("mod.py:4:21",)
    assert site(found, "e.response", "attribute").targets[0].origins == ("mod.py:7:11",)
