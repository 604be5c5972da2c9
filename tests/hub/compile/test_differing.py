from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from common.configs import ExpectedSet
from common.digests import canonical
from common.errors import NotFoundError, PermanentError
from hub.compile.differing import DECIDING, differing
from hub.compile.modeler import ModelerCompiler
from hub.compile.process import Expected, compile_device, nothing
from hub.compile.sources import SourceCompiler
from hub.distribution.services import READERS
from hub.model.change import Change, plan
from hub.model.collectorfields import OF_COLLECTORS
from hub.model.documents import SourceFile
from hub.model.entities import (
    Collector,
    Device,
    DeviceClass,
    Entity,
    Pool,
    ProcessSet,
    WhenAlone,
    key_of,
)
from hub.model.model import Model
from hub.model.properties import Value
from hub.model.service import ModelService
from tests.fakes.stores import FakeModelStore, InlineWorker, done
from tests.hub.model.sites import DEVICES, SETS, models

ALL = ProcessSet(id="all", order=1, include="a")


def devices(*wanted: Entity, model: Model, expected: Expected = nothing) -> list[str]:
    change = plan(model, wanted)
    return differing(change.before, change.after, change.devices, expected)


def test_a_severity_that_the_definition_has_already_changes_nothing() -> None:
    model = Model(1, [Device(id="d", address="x"), ALL])
    assert devices(DeviceClass(id="/", properties={"missing_severity": "error"}), model=model) == []
    assert devices(DeviceClass(id="/", properties={"missing_severity": "critical"}), model=model) == ["d"]


def test_a_severity_changes_nothing_where_no_set_applies() -> None:
    model = Model(1, [Device(id="d", address="x")])
    assert devices(DeviceClass(id="/", properties={"missing_severity": "critical"}), model=model) == []


def test_what_is_said_of_a_set_changes_nothing_if_it_holds_already() -> None:
    model = Model(1, [Device(id="d", address="x"), ALL])

    def saying(**said: Any) -> list[str]:
        device = Device(id="d", address="x", components={"process_set/a": said})
        return devices(device, model=model, expected=lambda _device: (ExpectedSet("all", "a"),))

    assert saying(monitor=True) == []
    assert saying(monitor=False) == ["d"]


def test_what_a_local_device_does_not_need_of_snmp_changes_nothing() -> None:
    model = Model(1, [Device(id="d", properties={"source": "local"})])
    assert devices(DeviceClass(id="/", properties={"snmp_port": 1161}), model=model) == []


def test_one_device_stands_only_for_those_that_are_like_it() -> None:
    held = [
        Device(id="a", address="x", properties={"monitor": False}),
        Device(id="b", address="x", properties={"monitor": True}),
        Device(id="c", address="x", properties={"missing_severity": "critical"}),
        Device(id="d", address="x", properties={"missing_severity": "definition"}),
        Device(id="e", address="x", properties={"monitor": False}, components={"process_set/a": {"monitor": True}}),
        Device(id="f", address="x", properties={"restart_severity": "none"}),
        Device(id="g", address="x"),
    ]
    for order in (held, held[::-1]):
        model = Model(1, [*order, ALL])

        def changed(model: Model = model, **said: Value) -> list[str]:
            wanted = DeviceClass(id="/", properties=said)
            return devices(wanted, model=model, expected=lambda _device: (ExpectedSet("all", "a"),))

        assert changed(missing_severity="critical") == ["b", "e", "f", "g"]
        assert changed(restart_severity="info") == ["b", "c", "d", "e", "g"]
        assert changed(monitor=False) == ["c", "d", "f", "g"]


def test_a_dry_run_and_a_commit_name_those_whose_configs_change() -> None:
    service = ModelService(FakeModelStore(), lambda: 1.0, InlineWorker())
    done(service.load())
    service.narrow_by(differing)
    texts = ["kind: Device\nid: d\naddress: x\n", "kind: DeviceClass\nid: /\nproperties: {missing_severity: error}\n"]
    first, second = ([SourceFile("f.yaml", text)] for text in texts)
    assert done(service.apply(first, "ann", "")).devices == ("d",)
    assert done(service.apply(second, "ann", "", dry_run=True)).devices == ()
    assert done(service.preview(second)).devices == ()
    assert done(service.apply(second, "ann", "")).devices == ()
    assert done(service.preview_roll_back(1)).devices == ()
    assert done(service.preview_roll_back(0)).devices == ("d",)


found = st.fixed_dictionaries(
    {
        device: st.lists(st.sampled_from(SETS), unique=True).map(
            lambda ids: tuple(ExpectedSet(definition=id_, name=id_) for id_ in ids)
        )
        for device in DEVICES
    }
)


def read_by(service: str, model: Model, device: str) -> object:
    """The config of a service, why there is none, or None where there is nothing to read."""
    compiler = SourceCompiler(service)
    try:
        return canonical(compiler.compile(model, device)) if compiler.has(model, model.device(device)) else None
    except PermanentError as error:
        if isinstance(error, NotFoundError):
            raise
        return error.message


def configs(model: Model, expected: Expected) -> dict[str, object]:
    held: dict[str, object] = {}
    for id_ in DEVICES:
        try:
            made = compile_device(model, id_, expected), ModelerCompiler().compile(model, id_)
            read = tuple(read_by(service, model, id_) for service in (*READERS, "q1", "q2"))
            held[id_] = model.devices[id_].collector, *(canonical(config) for config in made), *read
        except NotFoundError:
            held[id_] = None
    return held


def check(change: Change, expected: Expected) -> None:
    old, new = configs(change.before, expected), configs(change.after, expected)
    named = differing(change.before, change.after, change.devices, expected)
    assert named == [id_ for id_ in DEVICES if old[id_] != new[id_]]


@settings(max_examples=60)
@given(models(), models(), found)
def test_exactly_those_are_named_whose_configs_change(before: Model, after: Model, held: Any) -> None:
    gone = [key for entity in before.entities() if after.get(key := key_of(entity)) is None]
    change = plan(before, list(after.entities()), gone)
    check(change, held.__getitem__)
    assert configs(change.after, held.__getitem__) == configs(after, held.__getitem__)


@settings(max_examples=150)
@given(models(), models(), found, st.data())
def test_exactly_those_are_named_by_the_change_of_a_single_document(
    before: Model, other: Model, held: Any, data: Any
) -> None:
    entity = data.draw(st.sampled_from(list(other.entities())))
    check(plan(before, [entity]), held.__getitem__)


def test_a_pool_marks_those_that_another_member_is_to_watch() -> None:
    hosts = [Device(id=f"d{number}", address="x", collector="eu") for number in range(9)]
    model = Model(1, [*hosts, Pool(id="eu", members=("eu1", "eu2"))])

    def owner(model: Model, device: Device) -> str:
        members = model.pools["eu"].members
        return members[int(device.id[1:]) % 3 % len(members)]

    change = plan(model, [Pool(id="eu", members=("eu1", "eu2", "eu3"))])
    assert len(change.devices) == 9
    assert differing(change.before, change.after, change.devices) == []
    assert differing(change.before, change.after, change.devices, owner=owner) == ["d2", "d5", "d8"]


def test_a_device_stands_for_none_of_another_pool_that_has_changed() -> None:
    pools = [
        Pool(id="a", members=("c1", "c2")),
        Pool(id="b", members=("c1", "c2"), when_alone=WhenAlone.CONTINUE),
        Pool(id="c", members=("c1",)),
    ]
    hosts = [Device(id=f"{name}{number}", address="x", collector=name) for number in range(2) for name in "abcd"]
    for order in (hosts, hosts[::-1]):
        model = Model(1, [*order, *pools])
        assert devices(*(replace(pool, failover_after_s=60) for pool in pools), model=model) == ["a0", "a1"]
        same: list[Entity] = [*pools, Collector(id="d", properties={"snmp_port": 161}), DeviceClass(id="/")]
        assert devices(*same, replace(pools[0], when_alone=WhenAlone.CONTINUE), model=model) == ["a0", "a1"]


def test_what_collectors_may_say_decides_over_nothing_else() -> None:
    assert not DECIDING & OF_COLLECTORS.keys()
