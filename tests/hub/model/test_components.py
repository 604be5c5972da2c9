from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from common.components import ComponentKind
from common.errors import NotFoundError, SettingsError
from hub.model.change import plan
from hub.model.components import OF_COMPONENTS, holding, said_of, split_key
from hub.model.devicechanges import DeviceChanges
from hub.model.documents import SourceFile, read_documents
from hub.model.entities import (
    Device,
    DeviceClass,
    Entity,
    decode_entity,
    encode_entity,
)
from hub.model.export import export
from hub.model.inheritance import Said, explain_component
from hub.model.model import Model
from hub.model.service import ModelService
from hub.model.yamltext import yaml_of
from tests.fakes.stores import FakeModelStore, InlineWorker, done

SET = ComponentKind.PROCESS_SET
HEAD = "kind: Device\nid: d\naddress: 1.2.3.4\n"


def read(text: str) -> Entity:
    return read_documents([SourceFile("d.yaml", text)])[0].entity


def mistakes(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(HEAD + text)
    return list(caught.value.details)


def test_a_document_says_something_of_components() -> None:
    text = (
        "components:\n"
        "  process_set/nginx: {lock: delete, monitor: true, missing_severity: critical}\n"
        "  filesystem//home: {retire_after_days: 90}\n"
        "  interface/a: b: {}\n"
        "  'interface/Gi1/0: x': {lock: [update, delete]}\n"
    ).replace("  interface/a: b: {}\n", "  interface/eth0: {}\n")
    device = read(HEAD + text)
    assert isinstance(device, Device)
    assert device.components == {
        "process_set/nginx": {"lock": ("delete",), "monitor": True, "missing_severity": "critical"},
        "filesystem//home": {"retire_after_days": 90},
        "interface/Gi1/0: x": {"lock": ("update", "delete")},
    }
    assert decode_entity("Device", encode_entity(device)) == device
    [exported] = export([device], with_secrets=False)
    assert read(yaml_of(exported.document)) == device


def test_everything_that_is_wrong_with_components_is_told_with_its_line() -> None:
    text = (
        "components:\n"
        "  nginx: {monitor: true}\n"
        "  Disk/sda: {monitor: true}\n"
        "  process_set/: {monitor: true}\n"
        "  process_set/a:\n"
        "    monitor: maybe\n"
        "    snmp_port: 5\n"
        "    lock: [keep]\n"
        "  process_set/b: 5\n"
        f"  process_set/{'x' * 300}: {{monitor: true}}\n"
        '  "process_set/a\\nb": {monitor: true}\n'
    )
    told = mistakes(text)
    start = "d.yaml:{}: Device d: field 'components.{}"
    for line, place, part in (
        (5, "nginx'", "expected KIND/NAME"),
        (6, "Disk/sda'", "expected KIND/NAME"),
        (7, "process_set/'", "expected KIND/NAME"),
        (9, "process_set/a.monitor'", "got 'maybe'; expected true or false"),
        (10, "process_set/a'", "there is no property 'snmp_port'"),
        (11, "process_set/a.lock'", "expected a list of delete, update"),
        (12, "process_set/b'", "got a whole number (5); expected a mapping"),
        (13, "process_set/xxx", "at most 255 characters"),
        (14, "process_set/a\ufffdb'", "on one line"),
    ):
        assert any(one.startswith(start.format(line, place)) and part in one for one in told), (line, told)
    assert len(told) == 9
    assert mistakes("components: [a]\n")[0].endswith(
        "got a list; expected a mapping from KIND/NAME to the properties of a component"
    )


def test_a_name_may_have_slashes() -> None:
    assert split_key("filesystem//") == (ComponentKind.FILESYSTEM, "/")
    assert split_key("interface/ge-0/0/1") == (ComponentKind.INTERFACE, "ge-0/0/1")


def test_what_holds_for_a_component_is_inherited() -> None:
    device = Device(
        id="d",
        class_="/a",
        properties={"monitor": False},
        components={"process_set/x": {"missing_severity": "info", "lock": ("delete",)}},
    )
    model = Model(1, [device, DeviceClass(id="/a", properties={"missing_severity": "error", "retire_after_days": 5})])
    assert holding(model, device, SET, "x") == {
        "monitor": False, "missing_severity": "info", "restart_severity": "definition", "lock": ("delete",),
        "retire_after_days": 5,
    }  # fmt: skip
    assert holding(model, device, SET, "y")["missing_severity"] == "error"
    assert holding(model, device, ComponentKind.INTERFACE, "x")["lock"] == ()
    assert holding(model, device, SET, "new", "x")["missing_severity"] == "info", "by the name of its series"
    told = {
        one.prop.name: one.said for one in explain_component(model, device, "process_set/x", said_of(device, SET, "x"))
    }
    assert list(told) == list(OF_COMPONENTS)
    assert told["missing_severity"] == (
        Said("component process_set/x", "info"), Said("class /a", "error"), Said("default", "definition"),
    )  # fmt: skip
    assert told["monitor"] == (Said("device", False), Said("default", True))


def test_collectors_hear_of_what_is_watched_otherwise_and_of_nothing_else() -> None:
    device = Device(id="d", address="x", components={"process_set/x": {"monitor": False}})
    model = Model(1, [device])

    def concerned(components: dict[str, Any]) -> tuple[str, ...]:
        return plan(model, [replace(device, components=components)]).devices

    assert concerned({}) == ("d",)
    assert concerned({"process_set/x": {"monitor": True}}) == ("d",)
    assert concerned({"process_set/y": {"monitor": False}}) == ("d",)
    assert concerned({"process_set/x": {"monitor": False, "lock": ("delete",)}}) == ()
    assert concerned({"process_set/x": {"monitor": False}, "interface/x": {"monitor": False}}) == ()


def test_one_component_is_altered_and_the_rest_stays() -> None:
    service = ModelService(FakeModelStore(), lambda: 1.0, InlineWorker())
    done(service.load())
    fields = {"address": "1", "groups": ["g"], "components": {"process_set/x": {"monitor": False}}}
    changes = DeviceChanges(service)
    done(changes.put("d", fields, "ann", ""))
    result = done(
        changes.alter_component("d", "filesystem//", lambda _m, _d, said: {**said, "lock": ["delete"]}, "bob", "why")
    )
    assert (result.revision, result.device.groups) == (2, ("g",))
    assert result.device.components == {"process_set/x": {"monitor": False}, "filesystem//": {"lock": ("delete",)}}
    result = done(changes.alter_component("d", "process_set/x", lambda _m, _d, _said: {}, "bob", ""))
    assert result.device.components == {"filesystem//": {"lock": ("delete",)}}
    assert done(changes.alter_component("d", "cpu/0", lambda _m, _d, said: said, "bob", "")).revision is None
    with pytest.raises(SettingsError) as caught:
        done(changes.alter_component("d", "process_set/x", lambda _m, _d, _s: {"lock": "x"}, "", ""))
    assert "field 'components.process_set/x.lock'" in caught.value.details[0]
    with pytest.raises(NotFoundError):
        done(changes.alter_component("e", "cpu/0", lambda _m, _d, said: said, "", ""))
