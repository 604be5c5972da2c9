from __future__ import annotations

from typing import Any

import pytest

from common.configs import ExpectedSet
from common.errors import NotFoundError
from hub.compile.changes import ConfigChange, config_change
from hub.model.diff import FieldChange
from hub.model.entities import Device
from hub.model.model import Model
from tests.hub.model.test_documents import read

DEVICE = "kind: Device\nid: d\naddress: 10.0.0.1\nproperties: {snmp_community: hush, snmp_port: 1161}\n---\n"
SET = "kind: ProcessSet\nid: nginx\norder: 1\ninclude: '^a'\n---\n"


def change(before: str, after: str) -> ConfigChange:
    return config_change(Model(1, read(before)), Model(2, read(after)), "d")


def fields(before: str, after: str) -> list[tuple[str, Any, Any]]:
    return [(one.field, one.old, one.new) for one in change(before, after).fields]


def test_what_differs_in_the_config_is_told() -> None:
    assert fields(DEVICE + SET, DEVICE.replace("1161", "161") + SET.replace("^a", "^b")) == [
        ("snmp.port", 1161, 161),
        ("process_sets[nginx].include", "^a", "^b"),
    ]
    assert fields(DEVICE + SET, DEVICE + SET + SET.replace("nginx", "other"))[0] == (
        "process_sets[other].title", None, "other",
    )  # fmt: skip


def test_what_the_collector_would_not_notice_is_not() -> None:
    assert fields(DEVICE + SET, DEVICE + SET.replace("include", "description: web\ninclude")) == []


def test_what_is_inherited_is_in_it() -> None:
    layer = "kind: DeviceClass\nid: /Server\nproperties: {interval_s: 17}\n---\n"
    assert fields(DEVICE, DEVICE + layer) == [("interval_s", 60, 17)]


def test_a_set_that_its_definition_calls_otherwise_is_expected_by_its_new_name() -> None:
    model = Model(1, read(DEVICE + SET))
    renamed = Model(2, read(DEVICE + SET.replace("order", "title: proxy\norder")))
    told = config_change(model, renamed, "d", lambda _device: (ExpectedSet("nginx", "nginx"),))
    names = {one.field: one.new for one in told.fields if one.field.startswith("expected")}
    assert names == {
        "expected[nginx].definition": None,
        "expected[nginx].series": None,
        "expected[proxy].definition": "nginx",
        "expected[proxy].series": "nginx",
    }


def test_secrets_are_only_said_to_be_set() -> None:
    assert fields(DEVICE, DEVICE.replace("hush", "other")) == [("snmp.community", "(set)", "(set)")]
    version3 = DEVICE.replace(
        "snmp_port", "snmp_version: 3, snmp_user: u, snmp_auth_protocol: sha1, snmp_port"
    ).replace("snmp_community", "snmp_auth_password: longenough, snmp_community")
    told = {name: (old, new) for name, old, new in fields(DEVICE, version3)}
    assert told["snmp.auth_password"] == ("", "(set)")
    assert "longenough" not in repr(fields(DEVICE, version3)) + repr(fields(version3, SET))


def test_a_device_that_comes_goes_or_moves() -> None:
    assert ("address", None, "10.0.0.1") in fields(SET, DEVICE)
    assert ("address", "10.0.0.1", None) in fields(DEVICE, SET)
    gone = change(DEVICE, SET)
    assert (gone.collector_before, gone.collector_after) == ("local", "")
    moved = change(DEVICE, DEVICE.replace("address", "collector: far\naddress"))
    assert (moved.collector_before, moved.collector_after, moved.fields) == ("local", "far", ())
    with pytest.raises(NotFoundError, match="there is no device 'd'"):
        change(SET, SET)


def test_a_config_that_cannot_be_made_says_why() -> None:
    broken = Model(2, [Device(id="d", address="x", properties={"interval_s": "soon"})])
    told = config_change(Model(1, read(DEVICE)), broken, "d")
    assert told.fields == ()
    assert "device d cannot be made a config" in told.problem


def test_the_member_of_a_pool_is_told_that_watches_the_device_then() -> None:
    device = DEVICE.replace("---", "collector: eu")
    pool = "---\nkind: Pool\nid: eu\nmembers: [eu1, eu2]\n"
    before = Model(1, read(device + pool))
    after = Model(2, read(device + pool.replace("eu1, ", "")))
    told = config_change(before, after, "d", owner=lambda model, device: model.pools[device.collector].members[0])
    assert (told.collector_before, told.collector_after) == ("eu1", "eu2")
    assert told.fields == (FieldChange("lease_s", 90, None),)


READ = """\
kind: Template
id: echo
sources:
  echo: {{type: ping, packets: {packets}}}
  jobs: {{type: plugin, service: queue, settings: {{port: {port}}}, points: [length]}}
thresholds: {{slow: {{points: rtt_avg, maximum: {most}}}}}
---
kind: Device
id: d
address: x
templates: [echo]
"""


def test_sources_of_other_services_are_told_by_their_ids() -> None:
    before, after = (
        Model(1, read(READ.format(packets=packets, port=port, most=most)))
        for packets, port, most in ((4, 1, 2), (5, 2, 3))
    )
    found = {one.field: (one.old, one.new) for one in config_change(before, after, "d").fields}
    assert found.pop("sources[echo].thresholds.slow.levels")[1][0]["maximum"] == 3.0
    assert found == {"sources[echo].packets": (4, 5), "sources[jobs].settings.port": (1, 2)}


def test_of_a_source_that_comes_it_is_told_what_it_says() -> None:
    after = Model(1, read(READ.format(packets=4, port=1, most=2)))
    bare = Model(1, read("kind: Device\nid: d\naddress: x\n"))
    fields = {one.field: one.new for one in config_change(bare, after, "d").fields}
    assert (fields["sources[echo].type"], fields["sources[echo].packets"]) == ("ping", 4)
    assert "sources[echo].confirm" not in fields
