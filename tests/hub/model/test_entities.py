from __future__ import annotations

import pytest

from common.errors import NotFoundError
from hub.model.entities import (
    Collector,
    Device,
    DeviceClass,
    Group,
    Pool,
    ProcessSet,
    lineage,
    scope_of,
)
from hub.model.model import Model

WEB = Device(id="web", address="1", class_="/Server/Linux", groups=("g",))


def make(id_: str, order: int = 1, **fields: object) -> ProcessSet:
    return ProcessSet(id=id_, order=order, include="x", **fields)  # type: ignore[arg-type]  # fields of a test


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ("/", True), ("/Server", True), ("/Server/Linux", True), ("/Server/Linux/Web", False), ("/Serv", False),
        ("/Network", False), ("g", True), ("h", False),
    ],
)  # fmt: skip
def test_a_set_applies_to_a_class_with_all_below_it_and_to_groups(scope: str, applies: bool) -> None:
    assert make("s", applies_to=(scope,)).applies(WEB.class_, WEB.groups) is applies
    assert make("s", applies_to=("nobody", scope)).applies(WEB.class_, WEB.groups) is applies


def test_sets_are_in_order_and_the_same_order_is_by_id() -> None:
    model = Model(1, [make("c", 2), make("b", 2), make("a", 3), make("d", 1)])
    assert [definition.id for definition in model.sets] == ["d", "b", "c", "a"]


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(NotFoundError, match="there is no device 'x'"):
        Model().device("x")


def test_a_model_does_not_change_when_another_is_made_of_it() -> None:
    before = Model(1, [WEB, make("a")])
    after = before.changed(2, {("Device", "web"): None, ("Device", "new"): WEB, ("ProcessSet", "b"): make("b")})
    assert (set(before.devices), [s.id for s in before.sets]) == ({"web"}, ["a"])
    assert (set(after.devices), [s.id for s in after.sets], after.revision) == ({"new"}, ["a", "b"], 2)
    with pytest.raises(TypeError):
        before.devices["x"] = WEB  # type: ignore[index]  # that it cannot be done is the point


def test_what_applies_is_kept_while_the_sets_stay() -> None:
    before = Model(1, [WEB, make("a"), make("b", applies_to=("h",))])
    found = before.sets_of(WEB)
    assert [definition.id for definition in found] == ["a"]
    assert before.changed(2, {("Device", "x"): WEB}).sets_of(WEB) is found
    after = before.changed(2, {("ProcessSet", "c"): make("c", 2)})
    assert [definition.id for definition in after.sets_of(WEB)] == ["a", "c"]
    assert [definition.id for definition in before.sets_of(WEB)] == ["a"]


def test_classes_from_the_root_down_then_groups_then_the_device() -> None:
    model = Model(
        1,
        [
            DeviceClass(id="/", properties={"interval_s": 1, "snmp_port": 1, "snmp_retries": 1, "flap_restarts": 1}),
            DeviceClass(id="/Server", properties={"snmp_port": 2, "snmp_retries": 2, "flap_restarts": 2}),
            DeviceClass(id="/Server/Linux/Web", properties={"snmp_port": 99}),
            Group(id="second", properties={"snmp_retries": 4, "flap_restarts": 4}),
            Group(id="first", properties={"snmp_retries": 3}),
        ],
    )
    device = Device(id="d", class_="/Server/Linux", groups=("first", "none", "second"), properties={"flap_restarts": 9})
    assert model.properties_of(device) == {"interval_s": 1, "snmp_port": 2, "snmp_retries": 3, "flap_restarts": 9}
    assert [layer.id for layer in model.layers(scope_of(device))] == ["/", "/Server", "second", "first"]


def test_what_a_collector_or_pool_says_is_the_layer_above_the_defaults() -> None:
    model = Model(
        1,
        [
            Pool(id="eu", members=("eu1",), properties={"interval_s": 1, "snmp_port": 1, "snmp_retries": 1}),
            Collector(id="eu1", properties={"interval_s": 9}),
            DeviceClass(id="/", properties={"snmp_port": 2, "snmp_retries": 2}),
        ],
    )
    device = Device(id="d", collector="eu", properties={"snmp_retries": 3})
    assert model.properties_of(device) == {"interval_s": 1, "snmp_port": 2, "snmp_retries": 3}
    assert model.properties_of(Device(id="d", collector="eu1"))["interval_s"] == 9
    after = model.changed(2, {("Pool", "eu"): None})
    assert after.properties_of(device) == {"snmp_port": 2, "snmp_retries": 3}
    assert model.by_collector() == {}
    assert model.changed(2, {("Device", "d"): device}).by_collector() == {"eu": ["d"]}


def test_what_is_inherited_is_kept_while_classes_and_groups_stay() -> None:
    before = Model(1, [WEB, DeviceClass(id="/Server", properties={"snmp_port": 2})])
    found = before.inherited(scope_of(WEB))
    assert before.changed(2, {("Device", "x"): WEB}).inherited(scope_of(WEB)) is found
    assert before.by_scope() == {("/Server/Linux", ("g",)): ["web"]}
    after = before.changed(2, {("DeviceClass", "/Server"): None})
    assert (after.inherited(scope_of(WEB)), before.inherited(scope_of(WEB))) == ({}, {"snmp_port": 2})
    assert after.by_scope() is before.by_scope()


def test_a_lineage_begins_at_the_root() -> None:
    assert [lineage(path) for path in ("/", "/a", "/a/b c")] == [["/"], ["/", "/a"], ["/", "/a", "/a/b c"]]
