from __future__ import annotations

from common.components import ComponentKind, Lock
from hub.components.modelrules import ModelRules
from hub.components.values import Component
from hub.model.entities import (
    Device,
    DeviceClass,
    ProcessSet,
)
from hub.model.model import Model

SET, PORT = ComponentKind.PROCESS_SET, ComponentKind.INTERFACE


def one(kind: ComponentKind, name: str, anchor: str = "") -> Component:
    return Component(id="1", kind=kind, name=name, series=name, anchor=anchor, first_seen=1.0, seen_at=1.0)


def rules(*entities: Device | DeviceClass | ProcessSet) -> ModelRules:
    model = Model(1, [Device(id="d", address="x", class_="/a"), *entities])
    return ModelRules(lambda: model)


def test_what_locks_a_process_set_is_said_by_its_definition_and_by_properties() -> None:
    web = ProcessSet(id="web", order=1, include="web", lock=(Lock.DELETE,))
    asked = rules(web, DeviceClass(id="/a", properties={"lock": ("update",)}))
    assert set(asked.locks("d", one(SET, "web", "web"), "")) == {Lock.UPDATE, Lock.DELETE}
    assert asked.locks("d", one(SET, "other", "gone"), "") == (Lock.UPDATE,)
    assert asked.locks("d", one(PORT, "web", "web"), "") == (Lock.UPDATE,)


def test_a_definition_stands_for_one_set_unless_its_names_are_made_of_command_lines() -> None:
    asked = rules(
        ProcessSet(id="web", order=1, include="web"), ProcessSet(id="apps", order=2, include="(a|b)", name="app {1}")
    )
    assert asked.identifies(SET, "web")
    assert not asked.identifies(SET, "apps")
    assert not asked.identifies(SET, "gone")
    assert asked.identifies(PORT, "02:00")


def test_how_long_one_may_be_absent() -> None:
    asked = rules(DeviceClass(id="/a", properties={"retire_after_days": 3}))
    assert asked.retire_after_days("d", one(PORT, "eth0"), "") == 3
    assert asked.retire_after_days("stranger", one(PORT, "eth0"), "") == float("inf")
    assert (asked.has("d"), asked.has("stranger")) == (True, False)


def test_how_long_any_may_be_absent_at_the_least() -> None:
    asked = rules(
        DeviceClass(id="/a", properties={"retire_after_days": 3}),
        Device(id="less", address="x", class_="/a", components={"interface/eth0": {"retire_after_days": 2}}),
        Device(id="more", address="x", class_="/a", components={"interface/eth0": {"retire_after_days": 5}}),
        Device(id="plain", address="x"),
    )
    least = [asked.least_retire_after_days(device) for device in ("d", "less", "more", "plain", "stranger")]
    assert least == [3, 2, 3, 30, float("inf")]


def test_what_is_required_where_its_definition_applies() -> None:
    asked = rules(
        ProcessSet(id="web", order=1, include="web", required=True, applies_to=("/a",)),
        ProcessSet(id="plain", order=2, include="x"),
        Device(id="e", address="x", class_="/b"),
    )
    sets = [("d", "web"), ("d", "plain"), ("d", "gone"), ("e", "web"), ("stranger", "web")]
    assert [asked.is_required(device, one(SET, "web", id_)) for device, id_ in sets] == [True, *[False] * 4]
