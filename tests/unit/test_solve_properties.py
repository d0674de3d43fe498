"""What must hold for every plan, on random graphs: nothing is half done."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from asyncshift.decide import BY_PROTOCOL
from asyncshift.model import Action, Certainty, FunctionKind, Protocol, Site
from asyncshift.world import forces
from tests.unit.test_solve import Net

APIS = ("time.sleep", "web.get", "web.Client.get", "web.Client.mount", "render.pdf")
PROTOCOLS = (Protocol.CALL, Protocol.CALL, Protocol.FOR, Protocol.WITH, Protocol.ATTRIBUTE)
HANDLES = frozenset(BY_PROTOCOL.values()) | {Action.BRIDGE, Action.RUN}


@st.composite
def nets(draw: st.DrawFn) -> Net:
    net = Net(is_package=draw(st.booleans()))
    count = draw(st.integers(2, 9))
    for n in range(count):
        name = draw(
            st.sampled_from([f"f{n}", f"f{n}", f"f{n}", f"C{n}.__del__", f"C{n}.__enter__"])
        )
        net.add(
            name,
            is_async=draw(st.sampled_from([False, False, False, True])),
            is_generator=draw(st.sampled_from([False, False, True])),
            is_property=draw(st.sampled_from([False, False, False, True])),
        )
    names = list(net.functions)
    for _ in range(draw(st.integers(0, 4))):
        origin = (draw(st.sampled_from(["a", "b"])),)
        net.calls(draw(st.sampled_from(names)), draw(st.sampled_from(APIS)), origins=origin)
    for _ in range(draw(st.integers(0, 14))):
        caller = draw(st.sampled_from(names))
        if sum(site.caller == net.id(caller) for site in net.sites) == 9:
            continue  # its ten lines are full
        net.calls(
            caller,
            *draw(st.lists(st.sampled_from(names[1:]), min_size=1, max_size=2, unique=True)),
            protocol=draw(st.sampled_from(PROTOCOLS)),
            certainty=draw(
                st.sampled_from([Certainty.CERTAIN, Certainty.LIKELY, Certainty.UNKNOWN])
            ),
            in_main_guard=draw(st.booleans()),
        )
    return net


@given(nets())
@settings(max_examples=400, deadline=None)
def test_every_way_to_a_coroutine_is_handled_and_every_await_stands_in_async_code(net: Net) -> None:
    plan = net.plan()
    functions = {f.id: f for f in net.functions.values()}
    named = {d.owner for d in plan.decisions if "facade" in d.detail}
    done: dict[tuple[int, ...], set[Action]] = {}
    for decision in plan.decisions:
        done.setdefault(decision.span, set()).add(decision.action)

    def in_async(site: Site) -> bool:
        return site.caller in plan.turned or functions[site.caller].is_async

    for site in net.sites:
        acts = done.get(site.span, set())
        for target in site.targets:
            if target.function in named and (not in_async(site) or Action.TO_THREAD in acts):
                continue  # its sync name stays: called as before, or in a thread
            if target.function in plan.turned and forces(site, functions[target.function]):
                assert acts & HANDLES, f"{site} reaches a coroutine and nothing is done"
        if acts & (frozenset(BY_PROTOCOL.values()) | {Action.TO_THREAD}):
            assert in_async(site)
        if acts & {Action.BRIDGE, Action.RUN}:
            assert not in_async(site)
            assert not functions[site.caller].name.endswith("__del__")
        if Action.BRIDGE in acts and functions[site.caller].kind is FunctionKind.MODULE:
            assert site.in_main_guard or not net.is_package
        assert len(acts - {Action.LIBRARY, Action.RETARGET}) <= 1, acts


@given(nets())
@settings(max_examples=100, deadline=None)
def test_solving_twice_gives_the_same_plan(net: Net) -> None:
    assert net.plan() == net.plan()
