"""Tables, the registry, and rewriting by the table alone."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from types import ModuleType

import httpx
import pytest
import requests

from asyncshift.codemod import Kind, Registry, Treatment
from asyncshift.codemods.requests_httpx import _http
from asyncshift.errors import InputError
from asyncshift.loading import load_registry
from asyncshift.model import Protocol
from asyncshift.renames import Rename
from asyncshift.tables import ClassRow, ExceptionRow, FunctionRow, parse_table
from tests.unit.rewriting import Outcomes, dedent

INSTALLED = load_registry()

REDIS = """
[codemod]
name = "redis"
summary = "redis -> redis.asyncio"

[modules]
"redis" = "redis.asyncio"

[aliases]
"redis.client" = "redis"
"redis.StrictRedis" = "redis.Redis"

[keywords]
old_name = "new_name"

[classes."redis.Redis"]
to = "redis.asyncio.Redis"
awaited = "*"
plain = ["register_script"]
same = ["encoder"]
async_with = true
async_for = ["scan_iter"]
rename = { close = "aclose" }
returns = { pipeline = "redis.Pipeline" }
callbacks = ["on_message"]
quick = ["close"]

[classes."redis.Pipeline"]
awaited = ["execute"]
async_with = ["transaction"]
async_for = true
refused = { reset = "nobody resets it" }

[functions."redis.from_url"]
to = "redis.asyncio.from_url"
returns = "redis.Redis"
awaited = false

[functions."shop.db.query"]
callbacks = ["on_row"]

[functions."shop.db.locked"]
async_with = true

[functions."shop.db.rows"]
async_for = true

[exceptions]
"redis.TimeoutError" = "redis.asyncio.TimeoutError"
"redis.DataError" = { refused = "it has no twin" }

[constants]
"redis.VERSION" = 5

[constants."redis.flags"]
fast = 1

[blocking]
functions = ["redis.dump"]
"""


def registry(text: str) -> Registry:
    return Registry([parse_table(dedent(text).encode(), "t.toml", "t")])


@pytest.fixture
def redis() -> Registry:
    return registry(REDIS)


def kind(found: Treatment | None) -> str:
    return "none" if found is None else str(found.kind)


# ----------------------------------------------------------------------------- what rows say


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("requests.get", "requests.get"),
        ("requests.api.get", "requests.get"),
        ("requests.session", "requests.Session"),
        ("requests.sessions.session", "requests.Session"),
        ("requests.sessions.Session.get", "requests.Session.get"),
        ("requests.models.Response.ok", "requests.Response.ok"),
        ("requests.exceptions.HTTPError", "requests.HTTPError"),
        ("requests.status_codes.codes.ok", "requests.codes.ok"),
        ("requests.packages.urllib3.util", "urllib3.util"),
        ("time.sleep", "time.sleep"),
        ("os.path.join", "os.path.join"),
        ("requestsx.api.get", "requestsx.api.get"),
    ],
)
def test_canonical_names(name: str, canonical: str) -> None:
    assert INSTALLED.canonical(name) == canonical


def test_aliases_that_form_a_circle_end() -> None:
    circular = registry('[aliases]\n"a.b" = "a.c"\n"a.c" = "a.b"\n')
    assert circular.canonical("a.b.x") in ("a.b.x", "a.c.x")


@pytest.mark.parametrize(
    ("api", "protocol", "expected"),
    [
        ("redis.Redis", Protocol.CALL, "plain"),
        ("redis.Redis", Protocol.WITH, "entered"),
        ("redis.Redis.__enter__", Protocol.WITH, "entered"),
        ("redis.Redis", Protocol.ANNOTATION, "plain"),
        ("redis.Redis", Protocol.BASE, "refused"),
        ("redis.Redis", Protocol.FOR, "none"),
        ("redis.Redis.get", Protocol.CALL, "awaitable"),
        ("redis.Redis.get", Protocol.ATTRIBUTE, "refused"),
        ("redis.Redis.register_script", Protocol.CALL, "plain"),
        ("redis.Redis.encoder", Protocol.ATTRIBUTE, "same"),
        ("redis.Redis.scan_iter", Protocol.CALL, "iterated"),
        ("redis.Redis.close", Protocol.CALL, "awaitable"),
        ("redis.client.Redis.close", Protocol.CALL, "awaitable"),
        ("redis.Redis.on_message", Protocol.CALL, "awaitable"),
        ("redis.Redis.pipeline", Protocol.CALL, "awaitable"),
        ("redis.Pipeline", Protocol.FOR, "iterated"),
        ("redis.Pipeline.execute", Protocol.CALL, "awaitable"),
        ("redis.Pipeline.transaction", Protocol.CALL, "entered"),
        ("redis.Pipeline.reset", Protocol.CALL, "refused"),
        ("redis.Pipeline.unheard_of", Protocol.CALL, "none"),
        ("redis.from_url", Protocol.CALL, "plain"),
        ("shop.db.query", Protocol.CALL, "awaitable"),
        ("shop.db.query.on_row", Protocol.CALL, "awaitable"),
        ("shop.db.locked", Protocol.CALL, "entered"),
        ("shop.db.rows", Protocol.CALL, "iterated"),
        ("redis.TimeoutError", Protocol.EXCEPT, "plain"),
        ("redis.TimeoutError", Protocol.CALL, "refused"),
        ("redis.TimeoutError", Protocol.BASE, "refused"),
        ("redis.VERSION", Protocol.VALUE, "plain"),
        ("redis.flags.fast", Protocol.VALUE, "plain"),
        ("redis.flags", Protocol.VALUE, "plain"),
        ("redis.dump", Protocol.CALL, "blocking"),
        ("redis.dump", Protocol.VALUE, "none"),
        ("redis.unheard_of", Protocol.CALL, "none"),
        ("time.time", Protocol.CALL, "none"),
    ],
)
def test_treatments(redis: Registry, api: str, protocol: Protocol, expected: str) -> None:
    assert kind(redis.treatment(api, protocol)) == expected


def test_a_member_without_a_row_says_why() -> None:
    jar = "requests.cookies.RequestsCookieJar"
    found = INSTALLED.treatment(f"{jar}.unheard_of", Protocol.CALL)
    assert found is not None
    assert found.kind is Kind.REFUSED
    assert found.reason == f"{jar}.unheard_of has no twin in httpx"
    assert found.way_out


def test_a_member_that_the_library_lacks_is_read_of_something_else() -> None:
    for name in ("requests.Session.unheard_of", "requests.Response.data"):
        assert INSTALLED.treatment(name, Protocol.CALL) is None
        assert INSTALLED.treatment(name, Protocol.ATTRIBUTE) is None


def test_functions_without_a_row_stay() -> None:
    assert INSTALLED.treatment("time.monotonic", Protocol.CALL) is None
    assert INSTALLED.treatment("requests.utils.super_len", Protocol.CALL) is None
    assert not INSTALLED.is_api("requests.utils.super_len")


def test_closing_is_quick() -> None:
    close = INSTALLED.treatment("requests.Session.close", Protocol.CALL)
    get = INSTALLED.treatment("requests.Session.get", Protocol.CALL)
    assert close is not None
    assert get is not None
    assert (close.blocks, get.blocks) == (False, True)


def test_types_of_results() -> None:
    assert INSTALLED.returns("requests.get") == "requests.Response"
    assert INSTALLED.returns("requests.sessions.Session") == "requests.Session"
    assert INSTALLED.returns("requests.Session.cookies") == "requests.cookies.RequestsCookieJar"
    assert INSTALLED.returns("requests.Response.json") is None
    assert INSTALLED.is_class("requests.models.Response")
    assert not INSTALLED.is_class("requests.HTTPError")


def test_tops() -> None:
    assert {"requests", "time", "subprocess", "builtins"} <= INSTALLED.tops
    assert "httpx" not in INSTALLED.tops


def migrated(name: str, found: Registry = INSTALLED) -> dict[str, bool]:
    """Protocol -> whether the call gives a coroutine, of a name of a new library."""
    treatments = {p: found.treatment(name, p) for p in Protocol}
    assert all(t is None or t.kind is Kind.MIGRATED for t in treatments.values()), name
    assert not any(t and (t.grouped or t.blocks) for t in treatments.values())
    return {str(p): t.coroutine for p, t in treatments.items() if t is not None}


def test_names_of_the_new_library() -> None:
    assert INSTALLED.is_class("httpx.AsyncClient")
    assert INSTALLED.returns("httpx.AsyncClient.get") == "httpx.Response"
    assert INSTALLED.returns("httpx.AsyncClient.stream") == "httpx.Response"
    assert INSTALLED.returns("httpx.Response.cookies") == "httpx.Cookies"
    assert migrated("httpx.AsyncClient.get")["call"]
    assert migrated("httpx.AsyncClient.aclose")["call"]
    assert migrated("asyncio.sleep") == {"call": True, "value": False}
    assert not migrated("httpx.Response.raise_for_status")["call"]
    assert not migrated("httpx.Response.aiter_lines")["call"]
    assert migrated("httpx.AsyncClient")["with"] is False
    assert migrated("httpx.HTTPStatusError")["except"] is False
    assert "with" in migrated("asyncio.Lock")


def test_names_that_no_table_leads_to() -> None:
    for name in ("httpx.get", "httpx.Client.get", "asyncio.wait", "builtins.UnicodeDecodeError"):
        assert migrated(name) == {}
        assert not INSTALLED.is_api(name)
    assert INSTALLED.exception("httpx.HTTPStatusError") is None
    assert INSTALLED.class_row("httpx.AsyncClient") is None


def test_a_method_that_may_run_in_any_thread_goes_to_one() -> None:
    for name in ("subprocess.Popen.wait", "subprocess.Popen.communicate"):
        treatment = INSTALLED.treatment(name, Protocol.CALL)
        assert treatment is not None
        assert (treatment.kind, treatment.grouped) == (Kind.BLOCKING, False)
    assert INSTALLED.treatment("subprocess.Popen.poll", Protocol.CALL) is None


def test_waiting_calls_stay_what_they_are() -> None:
    for name in ("http.client.HTTPConnection.connect", "smtplib.SMTP", "os.popen"):
        treatment = INSTALLED.treatment(name, Protocol.CALL)
        assert treatment is not None
        assert (treatment.kind, treatment.waits, treatment.grouped) == (Kind.SAME, True, False)
    quick = INSTALLED.treatment("subprocess.Popen", Protocol.CALL)
    assert quick is not None
    assert not quick.waits
    assert INSTALLED.treatment("subprocess.Popen.poll", Protocol.CALL) is None


def test_an_old_name_that_is_the_new_one_of_another_table() -> None:
    found = registry(
        '[classes."a.C"]\nto = "b.C"\nawaited = ["get"]\n'
        '[classes."b.C"]\nto = "c.C"\nawaited = ["get"]\nreturns = { get = "b.C" }\n'
    )
    treatment = found.treatment("b.C.get", Protocol.CALL)
    assert treatment is not None
    assert treatment.kind is Kind.AWAITABLE
    assert migrated("c.C.get", found)["call"]
    assert found.returns("c.C.get") == "c.C"
    assert found.returns("b.C.get") == "b.C"


def test_the_modules_section_moves_names(redis: Registry) -> None:
    moved = registry('[modules]\n"lib" = "lib.aio"\n[functions."lib.sub.f"]\n')
    assert moved.targets("lib.sub.f") == ("lib.aio.sub.f",)
    assert redis.targets("shop.db.query") == ()


def test_erasures_list_every_rename(redis: Registry) -> None:
    assert set(redis.erasures()) == {
        Rename("module", "redis", "redis.asyncio"),
        Rename("keyword", "old_name", "new_name"),
        Rename("class", "redis.Redis", "redis.asyncio.Redis"),
        Rename("attribute", "close", "aclose"),
        Rename("function", "redis.from_url", "redis.asyncio.from_url"),
        Rename("exception", "redis.TimeoutError", "redis.asyncio.TimeoutError"),
    }


def test_a_registry_survives_pickling() -> None:
    again = pickle.loads(pickle.dumps(INSTALLED))
    assert again.digest == INSTALLED.digest
    assert again.tops == INSTALLED.tops
    assert again.treatment("requests.Session.get", Protocol.CALL) == INSTALLED.treatment(
        "requests.Session.get", Protocol.CALL
    )


def test_the_digest_changes_with_a_row() -> None:
    one, other = registry('[functions."a.f"]\n'), registry('[functions."a.g"]\n')
    assert one.digest != other.digest


def test_documentation() -> None:
    infos = {info.name: info for info in INSTALLED.codemods}
    assert set(infos) >= {"requests_httpx", "stdlib_threads", "time_sleep"}
    for info in infos.values():
        assert info.summary
        assert "Bad:" in info.text
        assert "Good:" in info.text
        assert info.rows or info.name in ("async_iterators", "cached_coroutines")
    assert infos["requests_httpx"].requires == ("httpx>=0.27",)


# ----------------------------------------------------------------------------- strict reading


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[codmod]\n", "codmod is not a known key", "`codemod`"),
        ('[codemod]\nnme = "x"\n', "codemod.nme is not a known key", "`name`"),
        ('[classes."a.B"]\nawaitd = []\n', 'classes."a.B".awaitd is not', "`awaited`"),
        ('[classes."a.B"]\nawaited = 3\n', "must be a list of strings, not a number", ""),
        ('[classes."a.B"]\nawaited = [3]\n', "must hold strings only", ""),
        ('[classes."a.B"]\nasync_with = "yes"\n', "must be a list of strings, not a string", ""),
        ('[classes."a.B"]\nrename = { a = 1 }\n', "rename.a must be a string", ""),
        ('[classes]\n"a.B" = 1\n', "must be a table, not a number", ""),
        ('[functions."a.f"]\nawaited = "no"\n', "must be true or false, not a string", ""),
        ('[functions."a.f"]\nasync_wiht = true\n', "async_wiht is not", "`async_with`"),
        ('[exceptions]\n"a.E" = {}\n', "needs `to` or `refused`", ""),
        ("[exceptions]\nE = 4\n", "must be a table, not a number", ""),
        ('[constants]\n"a.X" = 1.5\n', "must be a number or a string", ""),
        ('[constants."a.X"]\ny = []\n', "must be a number or a string", ""),
        ('[blocking]\nfunctions = "a.f"\n', "blocking.functions must be a list", ""),
        ("[modules]\na = 1\n", "modules.a must be a string", ""),
        ("x = \n", "not valid TOML", ""),
    ],
)
def test_a_wrong_table_is_an_error(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_table(text.encode(), "mine.toml", "mine")
    assert caught.value.path == "mine.toml"
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_table_that_is_no_text() -> None:
    with pytest.raises(InputError, match="UTF-8"):
        parse_table(b"\xff\xfe", "mine.toml", "mine")


# ----------------------------------------------------------------------------- loading


def names(found: Registry) -> set[str]:
    return {table.name for table in found.tables}


def test_only_and_exclude() -> None:
    assert names(load_registry(only=["time-sleep"])) == {"time_sleep"}
    assert "time_sleep" not in names(load_registry(exclude=["time_sleep"]))


@pytest.mark.parametrize(("only", "exclude"), [(["time_slep"], []), ([], ["time_slep"])])
def test_an_unknown_codemod_is_an_error(only: list[str], exclude: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        load_registry(only=only, exclude=exclude)
    assert "time_slep" in caught.value.message
    assert caught.value.hint == "Did you mean `time_sleep`?"


def test_a_users_own_table(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text('[functions."shop.db.query"]\n')
    found = load_registry(tables=[path])
    assert {"shop", "requests_httpx"} <= names(found)
    assert kind(found.treatment("shop.db.query", Protocol.CALL)) == "awaitable"
    assert names(load_registry(tables=[path], only=["time_sleep"])) == {"shop", "time_sleep"}
    assert "shop" not in names(load_registry(tables=[path], exclude=["shop"]))


def test_a_users_row_goes_before_a_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[blocking]\nfunctions = ["time.sleep"]\n')
    found = load_registry(tables=[path])
    assert kind(found.treatment("time.sleep", Protocol.CALL)) == "blocking"


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_registry(tables=[tmp_path / "none.toml"])
    assert caught.value.path is not None
    assert "none.toml" in caught.value.path


def test_a_codemod_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my_lib"
    folder.mkdir()
    (folder / "table.toml").write_text('[functions."my_lib.go"]\n')
    (folder / "rewriters.py").write_text(
        '"""Bad: a. Good: b."""\n'
        "from asyncshift import toolbox as tb\n\n\n"
        "def rewriter(api, protocol, registry):\n"
        "    return lambda resolved: [tb.refuse(resolved, 'never', 'no', 'none')]\n"
    )
    found = load_registry(codemods=[folder], only=["my_lib"])
    assert Outcomes("import my_lib\nmy_lib.go()\n", registry=found).rules == {"never"}
    assert found.codemods[0].text.startswith("Bad")
    with pytest.raises(InputError, match=r"table\.toml"):
        load_registry(codemods=[tmp_path])


# ----------------------------------------------------------------------------- rewriting by table


def by_table(redis: Registry, line: str) -> str:
    text = f"async def f(db):\n    {line}\n"
    found = Outcomes(text, registry=redis, receivers={"db": "redis.Redis"})
    return dedent("\n".join(found.code.splitlines()[1:]))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("db.get('a')", "await db.get('a')"),
        ("x = -db.get('a')", "x = -await db.get('a')"),
        ("db.close()", "await db.aclose()"),
        ("x = redis.from_url(u)", "x = redis.asyncio.from_url(u)"),
        ("x = redis.Redis(u)", "x = redis.asyncio.Redis(u)"),
        ("x = redis.VERSION", "x = 5"),
        ("x = redis.flags['fast']", "x = 1"),
        ("shop.db.query(1)", "await shop.db.query(1)"),
        ("x = [k for k in db.scan_iter()]", "x = [k async for k in db.scan_iter()]"),
        ("x = db.register_script(s)", "x = db.register_script(s)"),
    ],
)
def test_rewriting_by_rows(redis: Registry, before: str, after: str) -> None:
    imports = "import redis, shop.db; "
    assert by_table(redis, imports + before).removesuffix("\n").removeprefix(imports) == after


def test_loops_and_blocks_by_rows(redis: Registry) -> None:
    text = """
        import redis, shop.db
        async def f(db):
            with redis.Redis() as r, open("f") as g, shop.db.locked() as lock:
                for key in db.scan_iter():
                    print(key)
                for row in shop.db.rows():
                    print(row)
        """
    found = Outcomes(text, registry=redis, receivers={"db": "redis.Redis"})
    assert found.code == dedent(
        """
        import redis, shop.db
        async def f(db):
            async with redis.asyncio.Redis() as r:
                with open("f") as g:
                    async with shop.db.locked() as lock:
                        async for key in db.scan_iter():
                            print(key)
                        async for row in shop.db.rows():
                            print(row)
        """
    )


def test_neighbours_are_entered_together(redis: Registry) -> None:
    text = """
        import redis, shop.db
        async def f():
            with open("f") as g, redis.Redis() as r, shop.db.locked() as lock:
                pass
        """
    assert Outcomes(text, registry=redis).code == dedent(
        """
        import redis, shop.db
        async def f():
            with open("f") as g:
                async with redis.asyncio.Redis() as r, shop.db.locked() as lock:
                    pass
        """
    )


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("rows = shop.db.rows()", "not-a-loop"),
        ("lock = shop.db.locked()", "not-a-with-item"),
        ("run(shop.db.query)", "handed-on"),
        ("make(redis.Redis)", "class-as-value"),
        ("get = db.get", "table"),
    ],
)
def test_what_rows_cannot_say_is_refused(redis: Registry, line: str, rule: str) -> None:
    text = f"import redis, shop.db\ndef f(db):\n    {line}\n"
    assert Outcomes(text, registry=redis, receivers={"db": "redis.Redis"}).rules == {rule}


# ----------------------------------------------------------------------------- time.sleep


SLEEP = load_registry(only=["time_sleep"])


def slept(text: str) -> Outcomes:
    return Outcomes(text, registry=SLEEP, receivers={"pause": "time.sleep"})


@pytest.mark.parametrize(
    ("imported", "call"),
    [
        ("import time", "time.sleep(1)"),
        ("import time as t", "t.sleep(1)"),
        ("from time import sleep", "sleep(1)"),
        ("from time import sleep as nap", "nap(1)"),
    ],
)
def test_sleep_in_every_import_form(imported: str, call: str) -> None:
    text = f"{imported}\nasync def f():\n    {call}\n"
    assert slept(text).code == text.replace(call, "await asyncio.sleep(1)")


def test_sleep_in_a_local_variable() -> None:
    text = "import time\nasync def f():\n    pause = time.sleep\n    pause(1)\n"
    assert slept(text).code == text.replace("time.sleep", "asyncio.sleep").replace(
        "    pause(1)", "    await pause(1)"
    )


@pytest.mark.parametrize(
    "text",
    [
        "import time\ndef f(pause=time.sleep):\n    return pause\n",
        "import time\ndef f():\n    pause = time.sleep\n    return pause\n",
        "import time\ndef f():\n    pause = time.sleep\n    def g():\n        pause(1)\n",
        "import time\ndef f():\n    pause = time.sleep\n    pause = print\n    pause(1)\n",
        "import time\npause = time.sleep\n",
        "import time\nrun(time.sleep, 1)\n",
    ],
)
def test_sleep_as_a_value_stays(text: str) -> None:
    assert "handed-on" in slept(text).rules


def test_a_negative_delay_stays() -> None:
    assert slept("import time\ntime.sleep(-1)\n").rules == {"negative-delay"}


# ----------------------------------------------------------------------------- rows are true


def attribute_of(dotted: str) -> object:
    """The object of a full name, its module imported as far as needed."""
    if dotted.startswith("_http."):
        dotted = f"asyncshift.codemods.requests_httpx.{dotted}"
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise AssertionError(dotted)


INSTANCES = {
    "requests.Session": (requests.Session(), _http.Client()),
    "requests.Response": (
        requests.Response(),
        httpx.Response(200, request=httpx.Request("GET", "/")),
    ),
    "requests.PreparedRequest": (
        requests.PreparedRequest(),
        _http.PreparedRequest(httpx.Request("GET", "/")),
    ),
    "requests.cookies.RequestsCookieJar": (
        requests.cookies.RequestsCookieJar(),
        httpx.Cookies(),
    ),
}
UNUSED_IN_HTTPX = frozenset(
    {"__iter__", "apparent_encoding", "get_dict", "iter_content", "iter_lines", "ok"}
)
"""Members that rewriters replace by an expression rather than by another member."""
MADE_LATER = frozenset({"connection"})
"""What the adapter puts on a response."""
CLASHES = frozenset(("requests.Session", name) for name in ("base_url", "event_hooks", "timeout"))
"""What only a client of httpx has: a program that keeps an attribute of its own there sets it."""
ROWS = {table.name: table for table in INSTALLED.tables}
MEMBERS = [(c.name, m) for c in ROWS["requests_httpx"].classes for m in c.members()]


@pytest.mark.parametrize(("cls", "member"), MEMBERS)
def test_every_member_is_there_before_and_after(cls: str, member: str) -> None:
    old, new = INSTANCES[cls]
    assert member in dir(old) or member in MADE_LATER or (cls, member) in CLASHES
    row = INSTALLED.class_row(cls)
    assert row is not None
    if member not in row.refused and member not in UNUSED_IN_HTTPX:
        assert row.rename.get(member, member) in dir(new)


@pytest.mark.parametrize(("cls", "member"), MEMBERS)
def test_every_member_is_treated(cls: str, member: str) -> None:
    protocol = Protocol.FOR if member == "__iter__" else Protocol.ATTRIBUTE
    assert INSTALLED.treatment(f"{cls}.{member}", protocol) is not None


@pytest.mark.parametrize("row", ROWS["requests_httpx"].classes, ids=lambda row: row.name)
def test_every_class_is_there(row: ClassRow) -> None:
    assert isinstance(attribute_of(row.name), type)
    assert isinstance(attribute_of(row.to), type)


@pytest.mark.parametrize("row", ROWS["requests_httpx"].functions, ids=lambda row: row.name)
def test_every_function_is_there_and_awaited(row: FunctionRow) -> None:
    assert callable(attribute_of(row.name))
    if not row.awaited:
        assert not row.to or attribute_of(row.name) is attribute_of(row.to)
        return
    method = row.name.rpartition(".")[2]
    argument = "'GET', u" if method == "request" else "u"
    found = Outcomes(f"async def f(u):\n    return {row.name}({argument})\n", registry=INSTALLED)
    assert f"await client.{method}({argument})" in found.code


@pytest.mark.parametrize("row", ROWS["requests_httpx"].exceptions, ids=lambda row: row.name)
def test_every_exception_is_there(row: ExceptionRow) -> None:
    name = row.name.replace("requests.", "requests.exceptions.")
    old = attribute_of(name)
    assert isinstance(old, type)
    for new in row.to:
        assert issubclass(attribute_of(new), Exception)  # type: ignore[arg-type]
    for base in row.bases:
        above = attribute_of(base.replace("requests.", "requests.exceptions."))
        assert issubclass(old, above)  # type: ignore[arg-type]


def test_every_status_code_is_right() -> None:
    for name, number in ROWS["requests_httpx"].constants.items():
        assert requests.codes[name.removeprefix("requests.codes.")] == number


@pytest.mark.parametrize("name", ROWS["stdlib_threads"].blocking)
def test_every_blocking_function_is_there(name: str) -> None:
    assert callable(attribute_of(name))
    assert kind(INSTALLED.treatment(name, Protocol.CALL)) == "blocking"


@pytest.mark.parametrize("name", ROWS["stdlib_threads"].main_thread)
def test_every_function_of_the_main_thread_is_there(name: str) -> None:
    assert callable(attribute_of(name))
    assert kind(INSTALLED.treatment(name, Protocol.CALL)) == "main-thread"


def test_stop_iteration_is_known_raised_and_called() -> None:
    (name,) = ROWS["stdlib_threads"].stop_iteration
    for protocol in (Protocol.CALL, Protocol.VALUE):
        assert kind(INSTALLED.treatment(name, protocol)) == "stop-iteration"


@pytest.mark.parametrize("row", ROWS["threading_locks"].classes, ids=lambda row: row.name)
def test_every_lock_is_there_and_is_entered_by_with(row: ClassRow) -> None:
    assert callable(attribute_of(row.name))
    assert not row.to or hasattr(attribute_of(row.to), "__aenter__")
    assert kind(INSTALLED.treatment(row.name, Protocol.WITH)) == "exclusive"


@pytest.mark.parametrize(("old", "new"), sorted(ROWS["requests_httpx"].aliases.items()))
def test_every_alias_is_true(old: str, new: str) -> None:
    if old == "httpx2":  # the same library, continued by others
        assert INSTALLED.canonical("httpx2.AsyncClient") == "httpx.AsyncClient"
    elif old == "_http.Client":
        assert issubclass(_http.Client, httpx.AsyncClient)
        assert INSTALLED.canonical(old) == new
    elif isinstance(attribute_of(old), ModuleType):
        assert INSTALLED.canonical(f"{old}.x") == f"{new}.x"
    else:
        assert INSTALLED.canonical(old) == new
