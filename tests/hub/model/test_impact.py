from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from common.errors import NotFoundError
from common.events import Severity
from hub.compile.modeler import ModelerCompiler
from hub.compile.process import compile_device
from hub.model.change import plan
from hub.model.entities import (
    KIND_DEVICE,
    KIND_PROCESS_SET,
    Device,
    DeviceClass,
    DeviceState,
    Entity,
    Key,
    Model,
    ProcessSet,
    key_of,
)
from hub.model.entities import (
    Group as DeviceGroup,
)

WEB = Device(id="web", address="1", class_="/Server/Linux/Web", groups=("g1",))
DB = Device(id="db", address="2", class_="/Server/Linux", properties={"interval_s": 30})
ROUTER = Device(id="router", address="3", class_="/Network", groups=("g1", "g2"))
ALL = ProcessSet(id="all", order=1, include="a")
LINUX = ProcessSet(id="linux", order=2, include="b", applies_to=("/Server/Linux",))
GROUP = ProcessSet(id="group", order=3, include="c", applies_to=("g2", "/Server/Linux/Web"))
MODEL = Model(5, (WEB, DB, ROUTER, ALL, LINUX, GROUP))


def devices(*wanted: Entity, gone: tuple[Key, ...] = ()) -> list[str]:
    return list(plan(MODEL, wanted, gone).devices)


def test_a_set_concerns_those_it_applies_to() -> None:
    assert devices(replace(ALL, confirm=2)) == ["db", "router", "web"]
    assert devices(replace(LINUX, include="x")) == ["db", "web"]
    assert devices(replace(GROUP, required=True)) == ["router", "web"]
    assert devices(ProcessSet(id="new", order=9, include="n", applies_to=("g1",))) == ["router", "web"]
    assert devices(gone=((KIND_PROCESS_SET, "group"),)) == ["router", "web"]


def test_a_set_that_moves_concerns_those_it_leaves_and_those_it_comes_to() -> None:
    assert devices(replace(GROUP, applies_to=("g2", "/Server/Linux"))) == ["db"]
    assert devices(replace(LINUX, applies_to=("/Network",))) == ["db", "router", "web"]


def test_a_set_that_is_not_watched_is_still_looked_for_by_the_modeler() -> None:
    hidden = replace(ALL, monitor=False)
    assert devices(hidden) == ["db", "router", "web"]
    model = MODEL.changed(6, {key_of(hidden): hidden})
    assert plan(model, [replace(hidden, include="other")]).devices == ("db", "router", "web")
    assert plan(model, [replace(hidden, description="better")]).devices == ()


def test_what_no_collector_would_notice_concerns_nobody() -> None:
    assert devices(replace(ALL, description="better")) == []
    assert devices(replace(DB, properties={**DB.properties, "lock": ("delete",), "retire_after_days": 7})) == []
    assert devices(replace(ALL, title="all")) == []  # what it is called without a title
    assert devices(replace(DB, state=DeviceState.MAINTENANCE)) == []
    assert devices(replace(WEB, groups=("g1", "g9"))) == []
    assert devices(replace(WEB, properties={"snmp_port": 161})) == []


def test_a_set_that_is_not_monitored_any_more_concerns_its_devices() -> None:
    assert devices(replace(LINUX, monitor=False)) == ["db", "web"]


def test_a_device_concerns_itself() -> None:
    assert devices(replace(DB, address="9")) == ["db"]
    assert devices(replace(DB, collector="far")) == ["db"]
    assert devices(replace(DB, groups=("g2",))) == ["db"]
    assert devices(Device(id="new", address="4")) == ["new"]
    assert devices(gone=((KIND_DEVICE, "db"),)) == ["db"]
    assert devices(DB) == []


@st.composite
def models(draw: Any) -> Model:
    classes = st.sampled_from(["/", "/a", "/a/b", "/c"])
    groups = st.lists(st.sampled_from(["g1", "g2"]), unique=True, max_size=2).map(tuple)
    properties = st.dictionaries(st.sampled_from(["interval_s", "snmp_port"]), st.sampled_from([60, 161, 200]))
    hosts = [
        Device(
            id=id_,
            address=draw(st.sampled_from("xy")),
            class_=draw(classes),
            groups=draw(groups),
            properties=draw(properties),
        )
        for id_ in draw(st.sets(st.sampled_from("pqr")))
    ]
    layers: list[Entity] = [
        DeviceClass(id=id_, properties=draw(properties)) for id_ in draw(st.sets(st.sampled_from(["/", "/a", "/a/b"])))
    ]
    layers += [DeviceGroup(id=id_, properties=draw(properties)) for id_ in draw(st.sets(st.sampled_from(["g1", "g2"])))]
    scopes = st.lists(st.sampled_from(["/", "/a", "/a/b", "g1", "g2"]), min_size=1, max_size=2, unique=True).map(tuple)
    sets = [
        ProcessSet(
            id=id_,
            order=draw(st.integers(1, 2)),
            include=draw(st.sampled_from("xy")),
            applies_to=draw(scopes),
            monitor=draw(st.booleans()),
            missing_severity=draw(st.sampled_from([Severity.ERROR, Severity.WARNING])),
        )
        for id_ in draw(st.sets(st.sampled_from("stu")))
    ]
    return Model(draw(st.integers(0, 3)), [*layers, *hosts, *sets])


def configs(model: Model) -> dict[str, object]:
    found: dict[str, object] = {}
    for id_ in "pqr":
        try:
            found[id_] = compile_device(model, id_), ModelerCompiler().compile(model, id_)
        except NotFoundError:
            found[id_] = None
    return found


@settings(max_examples=60)
@given(models(), models())
def test_concerned_are_exactly_those_whose_configs_change(before: Model, after: Model) -> None:
    gone = [key for entity in before.entities() if after.get(key := key_of(entity)) is None]
    change = plan(before, list(after.entities()), gone)
    old, new = configs(before), configs(change.after)
    assert set(change.devices) == {id_ for id_ in old if old[id_] != new[id_]}
    assert new == configs(after)
