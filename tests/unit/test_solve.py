"""The solver on tiny graphs: one sentence, one graph, one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from asyncshift.changesets import components
from asyncshift.codemod import Kind, Outcome, Resolved, Treatment
from asyncshift.model import (
    Action,
    Certainty,
    Escape,
    Function,
    FunctionKind,
    Graph,
    Plan,
    Project,
    Protocol,
    Refusal,
    Site,
    SourceFile,
    Target,
)
from asyncshift.planning import make_plan


class Tables:
    """A registry of one sleeping function, one HTTP library and one call that only blocks."""

    tops = frozenset({"time", "web", "render"})
    digest = ""
    replaced = frozenset({"web.Client"})
    kinds = {
        "time.sleep": Treatment(Kind.AWAITABLE, "t"),
        "web.get": Treatment(Kind.AWAITABLE, "w", grouped=True),
        "web.Client": Treatment(Kind.PLAIN, "w", grouped=True),
        "web.Client.get": Treatment(Kind.AWAITABLE, "w", grouped=True),
        "web.Client.close": Treatment(Kind.AWAITABLE, "w", grouped=True, blocks=False),
        "web.Client.mount": Treatment(Kind.REFUSED, "w", "no twin", "drop it", grouped=True),
        "web.Reply.ok": Treatment(Kind.PLAIN, "w", grouped=True),
        "web.Reply.chunks": Treatment(Kind.ITERATED, "w", grouped=True),
        "render.pdf": Treatment(Kind.BLOCKING, "r"),
        "signal.signal": Treatment(Kind.MAIN_THREAD, "s", "needs the main thread"),
    }

    def canonical(self, name: str) -> str:
        return name

    def consumes(self, api: str, protocol: Protocol) -> bool:
        return False

    def is_class(self, name: str) -> bool:
        return name == "web.Client"

    def kind(self, name: str) -> str:
        return "web.Client"

    def is_api(self, name: str) -> bool:
        return name in self.kinds

    def returns(self, api: str) -> str | None:
        return None

    def treatment(self, api: str, protocol: Protocol) -> Treatment | None:
        if protocol is Protocol.EXCEPT:
            return Treatment(Kind.PLAIN, "w") if api == "web.Error" else None
        return self.kinds.get(api)

    def names_exception(self, api: str, protocol: Protocol) -> bool:
        return protocol is Protocol.EXCEPT

    standing: frozenset[str] = frozenset()
    turning: frozenset[str] = frozenset()

    def keeps_async(self, name: str) -> bool:
        return False

    def async_aware(self, name: str) -> bool:
        return name == "web.route"

    def rewrite(self, resolved: Resolved) -> Sequence[Outcome]:
        return ()


@dataclass
class Net:
    """Builds a graph: every function takes ten lines of `m.py`, every site a line inside."""

    functions: dict[str, Function] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    escapes: list[Escape] = field(default_factory=list)
    entry_points: dict[str, str] = field(default_factory=dict)
    unparsable: frozenset[str] = frozenset()
    is_package: bool = True

    def __post_init__(self) -> None:
        self.add("<module>", kind=FunctionKind.MODULE)

    def add(self, name: str, kind: FunctionKind = FunctionKind.FUNCTION, **more: object) -> str:
        line = 10 * len(self.functions)
        parent = None if kind is FunctionKind.MODULE else self.id("<module>")
        f = Function(f"m.py:{line}", "m.py", line, name, "m", kind, (line, 0, line + 9, 0), parent)
        self.functions[name] = replace(f, **more)  # type: ignore[arg-type]
        return f.id

    def id(self, name: str) -> str:
        return self.functions[name].id

    def calls(
        self,
        caller: str,
        *targets: str,
        protocol: Protocol = Protocol.CALL,
        certainty: Certainty = Certainty.CERTAIN,
        origins: tuple[str, ...] = (),
        **more: object,
    ) -> Site:
        f = self.functions[caller]
        line = f.line + 1 + sum(site.caller == f.id for site in self.sites)
        found = tuple(
            Target(function=self.id(name))
            if name in self.functions
            else Target(None, name, origins)
            for name in targets
        )
        site = Site("m.py", (line, 0, line, 9), f.id, protocol, found, certainty, targets[0])
        self.sites.append(replace(site, **more))  # type: ignore[arg-type]
        return self.sites[-1]

    def plan(self, *refusals: Refusal) -> Plan:
        graph = Graph(
            {f.id: f for f in self.functions.values()}, tuple(self.sites), tuple(self.escapes)
        )
        files = [SourceFile("m.py", "m", False, "", "utf-8", False, "")]
        if self.is_package:
            files.append(SourceFile("__init__.py", "", True, "", "utf-8", False, ""))
        project = Project("/", tuple(files), self.entry_points, unparsable_names=self.unparsable)
        return make_plan(graph, project, Tables(), refusals)

    def turned(self, plan: Plan) -> set[str]:
        return {name for name, f in self.functions.items() if f.id in plan.turned}


@pytest.fixture
def net() -> Net:
    return Net()


def actions(plan: Plan, site: Site) -> set[Action]:
    return {d.action for d in plan.decisions if d.span == site.span}


# ------------------------------------------------------------------ spreading


def test_callers_of_a_root_turn_async_and_others_do_not(net: Net) -> None:
    for name in ("leaf", "middle", "top", "pure"):
        net.add(name)
    net.calls("leaf", "time.sleep")
    call = net.calls("middle", "leaf")
    net.calls("top", "middle")
    net.calls("top", "pure")
    plan = net.plan()
    assert net.turned(plan) == {"leaf", "middle", "top"}
    assert actions(plan, call) == {Action.AWAIT}


def test_a_call_that_only_blocks_is_no_root_but_goes_to_a_thread_in_async_code(net: Net) -> None:
    for name in ("alone", "busy"):
        net.add(name)
    left = net.calls("alone", "render.pdf")
    net.calls("busy", "time.sleep")
    threaded = net.calls("busy", "render.pdf")
    plan = net.plan()
    assert net.turned(plan) == {"busy"}
    assert actions(plan, left) == set()
    assert actions(plan, threaded) == {Action.TO_THREAD}


def test_an_async_function_that_was_there_awaits_what_turned_and_its_callers_stay(net: Net) -> None:
    net.add("endpoint", is_async=True)
    net.add("load")
    net.add("starter")
    net.calls("load", "time.sleep")
    call = net.calls("endpoint", "load")
    net.calls("starter", "endpoint")
    plan = net.plan()
    assert net.turned(plan) == {"load"}
    assert actions(plan, call) == {Action.AWAIT}


def test_a_call_that_only_its_name_connects_keeps_the_sync_name(net: Net) -> None:
    for name in ("fetch", "user", "other"):
        net.add(name)
    net.calls("fetch", "time.sleep")
    net.calls("other", "time.sleep")
    site = net.calls("user", "fetch", certainty=Certainty.UNKNOWN)
    plan = net.plan()
    assert net.turned(plan) == {"fetch", "other"}
    assert actions(plan, site) == set()
    facades = [dict(d.detail).get("facade") for d in plan.decisions]
    assert [f for f in facades if f] == ["fetch_async"]


def test_what_is_called_by_name_in_async_code_stays_sync(net: Net) -> None:
    for name in ("fetch", "other"):
        net.add(name)
    net.add("user", is_async=True)
    net.calls("fetch", "time.sleep")
    net.calls("other", "time.sleep")
    site = net.calls("user", "fetch", certainty=Certainty.UNKNOWN)
    plan = net.plan()
    assert net.turned(plan) == {"other"}
    assert actions(plan, site) == set()
    assert plan.causes[net.id("fetch")].rule == "unknown-caller"


def test_in_tests_a_call_by_name_is_listed_only(net: Net) -> None:
    net.add("fetch")
    net.calls("fetch", "time.sleep")
    net.add("helper", path="tests/helper.py")
    site = net.calls("helper", "fetch", certainty=Certainty.UNKNOWN, path="tests/helper.py")
    plan = net.plan()
    assert net.turned(plan) == {"fetch"}
    assert actions(plan, site) == set()
    assert [m.rule for m in plan.messages] == ["unknown-call"]


def test_what_may_reach_a_blocking_function_by_name_is_threaded_as_a_whole(net: Net) -> None:
    for name in ("fetch", "user", "top"):
        net.add(name)
    net.calls("fetch", "time.sleep")
    net.calls("user", "fetch", certainty=Certainty.UNKNOWN)
    net.calls("top", "time.sleep")
    site = net.calls("top", "user")
    plan = net.plan()
    assert actions(plan, site) == {Action.TO_THREAD}


def test_a_family_turns_as_one(net: Net) -> None:
    base, impl = net.add("Base.get"), net.add("Impl.get")
    for name, other in (("Base.get", impl), ("Impl.get", base)):
        net.functions[name] = replace(net.functions[name], family=(other,))
    net.calls("Impl.get", "time.sleep")
    assert net.turned(net.plan()) == {"Base.get", "Impl.get"}


def test_a_family_with_a_pinned_member_stays_sync_and_bridges(net: Net) -> None:
    net.add("load")
    base, impl = net.add("Base.run"), net.add("Impl.run", foreign_base="threading.Thread")
    for name, other in (("Base.run", impl), ("Impl.run", base)):
        net.functions[name] = replace(net.functions[name], family=(other,))
    net.calls("load", "time.sleep")
    site = net.calls("Base.run", "load")
    plan = net.plan()
    assert net.turned(plan) == {"load"}
    assert actions(plan, site) == {Action.BRIDGE}


def test_a_call_by_the_project_frees_no_method_that_outside_code_is_known_to_call(net: Net) -> None:
    net.add("Worker.run", foreign_base="threading.Thread", overrides="threading.Thread.run")
    net.add("Worker.other", foreign_base="outside.Base")
    net.add("main")
    for name in ("Worker.run", "Worker.other"):
        net.calls(name, "time.sleep")
        net.calls("main", name)
    plan = net.plan()
    assert net.turned(plan) == {"Worker.other", "main"}
    assert "threading.Thread.run" in plan.causes[net.id("Worker.run")].text


def test_calling_a_generator_function_needs_no_await_but_iterating_it_does(net: Net) -> None:
    net.add("pages", is_generator=True)
    net.add("maker")
    net.add("reader")
    net.calls("pages", "time.sleep")
    made = net.calls("maker", "pages")
    read = net.calls("reader", "pages", protocol=Protocol.FOR)
    plan = net.plan()
    assert net.turned(plan) == {"pages", "reader"}
    assert actions(plan, made) == set()
    assert actions(plan, read) == {Action.ASYNC_FOR}


# ------------------------------------------------------------------ what stays sync


def test_pinned_functions_bridge(net: Net) -> None:
    net.add("load")
    net.add("Model.name", is_property=True)
    net.calls("load", "time.sleep")
    site = net.calls("Model.name", "load")
    plan = net.plan()
    assert net.turned(plan) == {"load"}
    assert actions(plan, site) == {Action.BRIDGE}


def test_async_code_reads_a_bridging_property_in_a_thread(net: Net) -> None:
    net.add("load")
    net.add("Model.name", is_property=True)
    net.add("show")
    net.calls("load", "time.sleep")
    net.calls("Model.name", "load")
    net.calls("show", "time.sleep")
    site = net.calls("show", "Model.name", protocol=Protocol.ATTRIBUTE)
    assert actions(net.plan(), site) == {Action.TO_THREAD}


def test_what_is_called_at_import_stays_sync_with_all_it_needs(net: Net) -> None:
    net.add("setup")
    net.add("load")
    net.add("other")
    net.calls("<module>", "setup")
    net.calls("setup", "load")
    net.calls("load", "time.sleep")
    net.calls("other", "time.sleep")
    call = net.calls("other", "load")
    plan = net.plan()
    assert net.turned(plan) == {"other"}
    assert actions(plan, call) == {Action.TO_THREAD}


def test_no_bridge_in_del(net: Net) -> None:
    net.add("close")
    net.add("Pool.__del__")
    net.calls("close", "time.sleep")
    net.calls("Pool.__del__", "close")
    assert net.turned(net.plan()) == set()


def test_a_sync_generator_that_blocks_keeps_its_reader_sync(net: Net) -> None:
    net.add("rows", is_generator=True, returns_value=True)
    net.add("reader")
    net.calls("rows", "time.sleep")
    net.calls("reader", "time.sleep")
    site = net.calls("reader", "rows", protocol=Protocol.FOR)
    plan = net.plan()
    assert net.turned(plan) == set()
    assert actions(plan, site) == set()
    assert plan.causes[net.id("reader")].rule == "blocking-protocol"


def test_a_callback_for_foreign_code_stays_sync_and_so_does_who_hands_it_over(net: Net) -> None:
    net.add("load")
    net.add("key")
    net.add("rank")
    net.calls("load", "time.sleep")
    net.calls("key", "load")
    site = net.calls("rank", "time.sleep")
    net.escapes.append(Escape("m.py", site.span, "sorted", net.id("key")))
    plan = net.plan()
    assert net.turned(plan) == {"load"}
    assert plan.causes[net.id("rank")].rule == "callback"


def test_a_name_in_an_unparsable_file_does_not_turn(net: Net) -> None:
    net.unparsable = frozenset({"load"})
    net.add("load")
    net.calls("load", "time.sleep")
    assert net.turned(net.plan()) == set()


# ------------------------------------------------------------------ entries


def test_the_main_guard_runs_the_coroutine(net: Net) -> None:
    net.add("main")
    net.calls("main", "time.sleep")
    site = net.calls("<module>", "main", in_main_guard=True)
    plan = net.plan()
    assert net.turned(plan) == {"main"}
    assert actions(plan, site) == {Action.RUN}


def test_two_starts_share_one_loop_through_the_bridge(net: Net) -> None:
    net.add("first")
    net.add("second")
    sites = []
    for name in ("first", "second"):
        net.calls(name, "time.sleep")
        sites.append(net.calls("<module>", name, in_main_guard=True))
    plan = net.plan()
    assert [actions(plan, site) for site in sites] == [{Action.BRIDGE}, {Action.BRIDGE}]


def test_a_console_script_is_split_and_its_callers_stay(net: Net) -> None:
    net.entry_points = {"m:main": "tool"}
    net.add("main")
    net.add("caller")
    net.calls("main", "time.sleep")
    site = net.calls("caller", "main")
    plan = net.plan()
    assert net.turned(plan) == {"main"}
    assert {d.action for d in plan.decisions if d.owner == net.id("main")} >= {Action.SPLIT_ENTRY}
    assert actions(plan, site) == set()


# ------------------------------------------------------------------ provenance groups


def test_a_client_moves_with_all_its_uses(net: Net) -> None:
    net.add("Api.__init__")
    net.add("Api.get")
    net.add("show")
    made = net.calls("Api.__init__", "web.Client")
    origin = (f"m.py:{made.span[0]}:{made.span[1]}",)
    got = net.calls("Api.get", "web.Client.get", origins=origin)
    read = net.calls("show", "web.Reply.ok", protocol=Protocol.ATTRIBUTE, origins=origin)
    plan = net.plan()
    assert net.turned(plan) == {"Api.get"}
    for site in (made, got, read):
        assert actions(plan, site) == {Action.LIBRARY}
    assert len(plan.change_sets) == 1


def test_one_use_without_a_twin_keeps_the_whole_client_in_threads(net: Net) -> None:
    net.add("Api.__init__")
    net.add("Api.get")
    made = net.calls("Api.__init__", "web.Client")
    origin = (f"m.py:{made.span[0]}:{made.span[1]}",)
    net.calls("Api.__init__", "web.Client.mount", origins=origin)
    got = net.calls("Api.get", "web.Client.get", origins=origin)
    close = net.calls("Api.get", "web.Client.close", origins=origin)
    plan = net.plan()
    assert actions(plan, made) == set()
    assert actions(plan, got) == {Action.TO_THREAD}
    assert actions(plan, close) == set()
    assert [r.rule for r in plan.refusals] == ["no-twin"]


def test_a_client_used_where_nothing_can_be_awaited_stays(net: Net) -> None:
    net.add("Api.__init__")
    made = net.calls("Api.__init__", "web.Client")
    origin = (f"m.py:{made.span[0]}:{made.span[1]}",)
    login = net.calls("Api.__init__", "web.Client.get", origins=origin)
    plan = net.plan()
    assert actions(plan, made) == actions(plan, login) == set()
    assert [r.rule for r in plan.refusals] == ["sync-user"]


def test_bare_calls_are_groups_of_their_own(net: Net) -> None:
    net.add("one")
    net.add("two")
    first = net.calls("one", "web.get")
    second = net.calls("two", "web.get")
    refusal = Refusal("m.py", first.span, "star-kwargs", "unknown keywords", "spell them out")
    plan = net.plan(refusal)
    assert actions(plan, first) == {Action.TO_THREAD}
    assert actions(plan, second) == {Action.LIBRARY}


def test_iterating_a_client_that_stays_keeps_the_function_sync(net: Net) -> None:
    net.add("download")
    got = net.calls("download", "web.get")
    net.calls(
        "download",
        "web.Reply.chunks",
        protocol=Protocol.FOR,
        origins=(f"m.py:{got.span[0]}:{got.span[1]}",),
    )
    plan = net.plan(Refusal("m.py", got.span, "stream", "streams", "use with"))
    assert net.turned(plan) == set()
    assert plan.causes[net.id("download")].rule == "streams"


@pytest.mark.parametrize(
    ("converted", "kept", "way"),
    [(True, False, "convert"), (True, True, "both"), (False, True, None)],
)
def test_a_handler_catches_what_can_arrive(
    net: Net, converted: bool, kept: bool, way: str | None
) -> None:
    net.add("work")
    refusals = []
    if converted:
        net.calls("work", "web.get")
    if kept:
        site = net.calls("work", "web.get")
        refusals.append(Refusal("m.py", site.span, "stays", "stays", ""))
    f = net.functions["work"]
    handler = net.calls("work", "web.Error", protocol=Protocol.EXCEPT, region=f.span)
    plan = net.plan(*refusals)
    ways = [d.detail["way"] for d in plan.decisions if d.span == handler.span]
    assert ways == ([way] if way else [])


# ------------------------------------------------------------------ change-sets


def test_change_sets_come_callees_first_and_rings_are_one(net: Net) -> None:
    for name in ("leaf", "ping", "pong", "top"):
        net.add(name)
    net.calls("leaf", "time.sleep")
    net.calls("ping", "leaf")
    net.calls("ping", "pong")
    net.calls("pong", "ping")
    net.calls("top", "ping")
    sets = net.plan().change_sets
    assert [len(change.functions) for change in sets] == [1, 2, 1]
    assert [change.needs for change in sets] == [(), (1,), (2,)]


def test_components_of_a_long_chain_do_not_recurse() -> None:
    chain = {str(n): [str(n + 1)] for n in range(20_000)} | {"20000": []}
    found = components(chain)
    assert len(found) == 20_001
    assert found[0] == ["20000"]


def test_annotations_alone_change_nothing(net: Net) -> None:
    net.add("show")
    site = net.calls("show", "web.Reply.ok", protocol=Protocol.ANNOTATION, origins=("m.py:1:1",))
    plan = net.plan()
    assert actions(plan, site) == set()
    assert plan.refusals == ()


def test_a_client_from_outside_follows_the_projects_own(net: Net) -> None:
    net.add("make")
    net.add("use")
    made = net.calls("make", "web.Client")
    outside = net.calls("use", "web.Client.get", origins=("m.py:1:1",))
    assert actions(net.plan(), outside) == {Action.LIBRARY}
    origin = (f"m.py:{made.span[0]}:{made.span[1]}",)
    net.calls("make", "web.Client.mount", origins=origin)
    plan = net.plan()
    assert actions(plan, outside) == {Action.TO_THREAD}
    assert {r.rule for r in plan.refusals} == {"no-twin", "unknown-origin"}


def test_one_bridge_below_is_better_than_many_above(net: Net) -> None:
    net.add("load")
    net.add("complete")
    net.calls("load", "time.sleep")
    inner = net.calls("complete", "load")
    outer = []
    for name in ("M.a", "M.b", "M.c"):
        net.add(name, is_property=True)
        outer.append(net.calls(name, "complete"))
    plan = net.plan()
    assert net.turned(plan) == {"load"}
    assert actions(plan, inner) == {Action.BRIDGE}
    assert [actions(plan, site) for site in outer] == [set(), set(), set()]


def test_bridges_stay_above_where_async_code_waits_too(net: Net) -> None:
    net.add("load")
    net.add("complete")
    net.add("job")
    net.calls("load", "time.sleep")
    net.calls("complete", "load")
    call = net.calls("job", "complete")
    for name in ("M.a", "M.b"):
        net.add(name, is_property=True)
        net.calls(name, "complete")
    plan = net.plan()
    assert net.turned(plan) == {"load", "complete", "job"}
    assert actions(plan, call) == {Action.AWAIT}


def test_who_installs_signal_handlers_stays_on_the_main_thread(net: Net) -> None:
    for name in ("install", "serve", "load", "other"):
        net.add(name)
    net.calls("load", "time.sleep")
    net.calls("other", "time.sleep")
    net.calls("install", "signal.signal")
    net.calls("serve", "install")
    site = net.calls("serve", "load")
    plan = net.plan()
    assert net.turned(plan) == {"load", "other"}
    assert actions(plan, site) == {Action.BRIDGE}
    assert plan.causes[net.id("serve")].rule == "main-thread"


def test_no_bridge_in_a_signal_handler(net: Net) -> None:
    net.add("stop")
    net.add("handler", kind=FunctionKind.LAMBDA)
    net.calls("stop", "time.sleep")
    site = net.calls("handler", "stop")
    net.escapes.append(Escape("m.py", site.span, "signal.signal", net.id("handler")))
    assert net.turned(net.plan()) == set()


def test_the_own_calls_of_tests_that_nobody_selected_are_left_alone(net: Net) -> None:
    net.add("helper", path="tests/helper.py")
    site = net.calls("helper", "time.sleep", path="tests/helper.py")
    plan = net.plan()
    assert actions(plan, site) == set()
    assert net.turned(plan) == set()


def test_who_calls_sync_code_that_catches_keyboard_interrupt_stays_sync(net: Net) -> None:
    net.add("poll")
    net.calls("poll", "time.sleep")
    net.add("ask", catches_interrupt=True)
    net.add("step")
    net.calls("step", "ask")
    net.add("main")
    net.calls("main", "step")
    site = net.calls("main", "poll")
    plan = net.plan()
    assert net.turned(plan) == {"poll"}
    assert actions(plan, site) == {Action.BRIDGE}
    assert plan.causes[net.id("main")].rule == "interrupt"


def test_what_awaits_catches_keyboard_interrupt_otherwise(net: Net) -> None:
    net.add("poll", catches_interrupt=True)
    net.calls("poll", "time.sleep")
    net.add("main", catches_interrupt=True)
    net.calls("main", "poll")
    plan = net.plan()
    assert net.turned(plan) == {"poll", "main"}
    told = {
        decision.owner: decision.detail["interrupted"]
        for decision in plan.decisions
        if decision.action is Action.MAKE_ASYNC
    }
    assert told == {net.id("poll"): "again", net.id("main"): "once"}


@pytest.mark.parametrize("dunder", ["__len__", "__str__", "__bool__"])
def test_no_bridge_where_no_call_is_written(net: Net, dunder: str) -> None:
    net.add("load")
    net.add(f"Rows.{dunder}")
    net.calls("load", "time.sleep")
    net.calls(f"Rows.{dunder}", "load")
    assert net.turned(net.plan()) == set()


@pytest.mark.parametrize(("consumer", "threaded"), [("list", True), ("zip", False)])
def test_only_an_eager_consumer_goes_to_a_thread(net: Net, consumer: str, threaded: bool) -> None:
    net.add("rows", is_generator=True, returns_value=True)
    net.add("reader")
    net.calls("rows", "time.sleep")
    net.calls("reader", "time.sleep")
    site = net.calls("reader", "rows", protocol=Protocol.CONSUME, consumer=consumer)
    plan = net.plan()
    assert actions(plan, site) == ({Action.TO_THREAD} if threaded else set())
    assert net.turned(plan) == ({"reader"} if threaded else set())


def test_a_lambda_that_bridges_keeps_its_function_sync_unless_its_callers_are_known(
    net: Net,
) -> None:
    net.add("load")
    net.add("user")
    net.add("lazy", kind=FunctionKind.LAMBDA, parent=net.id("user"))
    net.calls("load", "time.sleep")
    net.calls("user", "time.sleep")
    net.calls("lazy", "load")
    assert net.turned(net.plan()) == {"load"}
    call = net.calls("user", "lazy")
    plan = net.plan()
    assert net.turned(plan) == {"load", "user"}
    assert actions(plan, call) == {Action.TO_THREAD}


def test_an_exit_stack_enters_as_with_does(net: Net) -> None:
    net.add("opened", is_generator=True, is_contextmanager=True)
    net.add("user")
    net.calls("opened", "time.sleep")
    consumer = "contextlib.ExitStack.enter_context"
    site = net.calls("user", "opened", protocol=Protocol.CONSUME, consumer=consumer)
    plan = net.plan()
    assert net.turned(plan) == {"opened", "user"}
    assert actions(plan, site) == {Action.CONSUME}


def test_a_private_helper_that_only_sync_code_waits_for_keeps_its_sleep(net: Net) -> None:
    for name in ("_pause", "pause"):
        net.add(name)
        net.calls(name, "time.sleep")
    net.add("Handler.do_GET", foreign_base="http.server.BaseHTTPRequestHandler")
    private = net.calls("Handler.do_GET", "_pause")
    public = net.calls("Handler.do_GET", "pause")
    plan = net.plan()
    assert net.turned(plan) == {"pause"}
    assert actions(plan, private) == set()
    assert actions(plan, public) == {Action.BRIDGE}


def test_an_annotation_follows_clients_of_its_own_library_only(net: Net) -> None:
    net.add("nap")
    net.add("make")
    net.add("show")
    net.calls("nap", "time.sleep")
    made = net.calls("make", "web.Client", origins=("m.py:99:0", "m.py:21:0"))
    assert f"m.py:{made.span[0]}:{made.span[1]}" == "m.py:21:0"
    net.calls("make", "web.Client.mount", origins=("m.py:21:0",))
    site = net.calls("show", "web.Reply.ok", protocol=Protocol.ANNOTATION, origins=("m.py:1:1",))
    assert actions(net.plan(), site) == set()
