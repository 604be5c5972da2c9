"""What editors are told about documents is what the hub takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from common.errors import SettingsError
from hub.model.collectorfields import OF_COLLECTORS
from hub.model.entities import Entity
from hub.model.kinds import KINDS
from hub.model.plain import document_of
from hub.model.properties import CATALOGUE
from hub.model.schema import document_schema
from tests.hub.model.test_documents import read
from tests.hub.model.test_export import entities

FOLDER = Path(__file__).parents[3] / "etc" / "model"
SCHEMA = document_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

SET = "kind: ProcessSet\nid: s\ninclude: x\n"
TEMPLATE = "kind: Template\nid: t\n"
POOL = "kind: Pool\nid: p\nmembers: [c, d]\n"
DEVICE = "kind: Device\nid: d\naddress: x\n"

WRONG = [
    "just words",
    "id: s\ninclude: x\n",
    "kind: ProcesSet\nid: s\ninclude: x\n",
    "kind: ProcessSet\nid: s\n",
    "kind: ProcessSet\ninclude: x\n",
    SET + "includ: y\n",
    SET + "order: soon\n",
    SET + "order: -1\n",
    SET + "order: true\n",
    SET + "required: 1\n",
    SET + "missing_severity: bad\n",
    SET + "missing_severity: none\n",
    SET + "count: 3\n",
    SET + "count: {min: -1}\n",
    SET + "count: {most: 1}\n",
    SET + "applies_to: ['#']\n",
    SET + "confirm: 0\n",
    SET + "lock: [1]\n",
    SET.replace("id: s", "id: a b"),
    SET.replace("include: x", "include: ''"),
    SET.replace("include: x", 'include: "a\\nb"'),
    DEVICE + "class: Server\n",
    DEVICE + "groups: [ok, '?']\n",
    DEVICE + "state: asleep\n",
    DEVICE + "properties: [snmp_port]\n",
    DEVICE + "properties: {snmp_prot: 1}\n",
    DEVICE + "properties: {snmp_port: 0}\n",
    DEVICE + "properties: {snmp_port: '1'}\n",
    DEVICE + "properties: {snmp_version: 4}\n",
    DEVICE + "properties: {snmp_community: (set)}\n",
    DEVICE + "properties: {snmp_auth_password: short}\n",
    DEVICE + "properties: {snmp_timeout_s: 0}\n",
    "kind: DeviceClass\nid: Server\n",
    "kind: Group\nid: /Server\n",
    "kind: Group\nid: g\ntemplates: [a/b]\n",
    "kind: Template\nid: a/b\n",
    TEMPLATE + "component: Disk\n",
    TEMPLATE + "sources: {s: {type: ping, oid: .1.3.6.1}}\n",
    TEMPLATE + "sources: {s: {type: snmp, oids: [{walk: .1.3, get: .1.3}], points: [a]}}\n",
    TEMPLATE + "sources: {s: {type: ping, timeout_s: 61}}\n",
    TEMPLATE + "sources: {s: {type: status, item: disk}}\n",
    TEMPLATE + "sources: {s: {type: status}}\n",
    TEMPLATE + "sources: {s: {type: probe, command: [], points: [a]}}\n",
    TEMPLATE + "sources: {s: {type: plugin, service: q, settings: {a: {b: 1}}, points: [a]}}\n",
    TEMPLATE + "sources: {s: {type: prometheus, url: 'http://x', points: {a: {metric: 1x}}}}\n",
    TEMPLATE + "sources: {s: {type: snm}}\n",
    TEMPLATE + "sources: [{type: process}]\n",
    TEMPLATE + "thresholds: {t: {points: cpu, maximum: high}}\n",
    TEMPLATE + "thresholds: {t: {maximum: 1}}\n",
    TEMPLATE + "thresholds: {../t: {points: cpu, maximum: 1}}\n",
    TEMPLATE + "graphs: {g: {points: [{draw: line}]}}\n",
    TEMPLATE + "graphs: {g: {points: cpu, percentiles: 100}}\n",
    SET + "thresholds: {t: }\n",
    "kind: Collector\nid: a/b\n",
    "kind: Collector\nid: c\nproperties: {source: local}\n",
    "kind: Collector\nid: c\nmembers: [d]\n",
    "kind: Collector\nid: hub\n",
    DEVICE + "collector: hub\n",
    "kind: Pool\nid: p\n",
    POOL.replace("id: p", "id: hub"),
    POOL.replace("[c, d]", "[c, hub]"),
    POOL.replace("[c, d]", "[]"),
    POOL.replace("[c, d]", "[c, d, c]"),
    POOL.replace("[c, d]", "[/]"),
    POOL + "failover_after_s: 29\n",
    POOL + "failover_after_s: 86401\n",
    POOL + "when_alone: perhaps\n",
    POOL + "properties: {monitor: true}\n",
    "- " + SET.replace("\n", "\n  ") + "x: 1\n",
]

RIGHT = [
    SET,
    "kind: Collector\nid: c\ntitle: The first\nproperties: {interval_s: 30, snmp_community: x}\n",
    POOL + "failover_after_s: 30\nwhen_alone: continue\nproperties: {snmp_version: 1}\n",
    POOL.replace("[c, d]", "c"),
    SET + "applies_to: web\nmissing_severity: 5\nrestart_severity: none\ncount: {min: 0}\n",
    SET + "restart_severity:\n",
    DEVICE + "class: /\ngroups: [a b, c]\nproperties: {snmp_version: 1, snmp_community: '1', snmp_timeout_s: 1}\n",
    "kind: Device\nid: d\nproperties: {source: local}\n",
    TEMPLATE
    + "extends: b\ncomponent: process_set\nthresholds: {a: {points: cpu, maximum: 8e+9}, gone: }\ngraphs: {g: }\n",
    TEMPLATE + "thresholds: [{id: a, points: [cpu], levels: [{severity: 4, minimum: 1}]}]\n",
    TEMPLATE
    + "sources: {s: {type: snmp, oids: [.1.3.6.1, {walk: 1.3.6}], points: [a, {name: b}]}}\n"
    + "graphs: {g: {points: [a, {point: b}]}}\n",
    TEMPLATE + "component: disk\nsources: [{id: s, type: status, item: disks, only: /home}, {id: p, type: ping}]\n",
    TEMPLATE + "sources: {s: {type: snmp, oid: 1.3.6, only: [x], points: {a: {value: '$1 * 8'}}}}\n",
    TEMPLATE + "sources: {s: {type: probe, command: [http, -v], timeout_s: 300, handler: t}}\n",
    TEMPLATE
    + "sources: {s: {type: plugin, service: q, settings: {a: 1, b: [x], c: true}, points: a}}\n".replace(
        ": a}}", ": [a]}}"
    ),
    TEMPLATE + "sources: {s: {type: prometheus, url: 'http://x', points: {a: {metric: 'x:y', labels: {b: c}}}}}\n",
    TEMPLATE + "graphs: {g: {points: {point: a, transform: value * 8}, unit: bit/s, band: true, percentiles: 95}}\n",
    "kind: Group\nid: g\ntemplates: [a, -b]\n",
    "kind: DeviceClass\nid: /Server/Linux\ndescription: |\n  a\n  b\nproperties: {interval_s: 30}\n",
    "- " + SET.replace("\n", "\n  ") + "\n",
]


def valid(document: Any) -> bool:
    return bool(VALIDATOR.is_valid(document))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]) == set(KINDS)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_what_comes_with_tocsin_is_valid(path: Path) -> None:
    documents = list(yaml.safe_load_all(path.read_text()))
    assert documents
    for document in documents:
        assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize("text", WRONG)
def test_what_the_hub_refuses_is_not_valid(text: str) -> None:
    with pytest.raises(SettingsError):
        read(text)
    assert not valid(yaml.safe_load(text))


@pytest.mark.parametrize("text", RIGHT)
def test_what_the_hub_takes_is_valid(text: str) -> None:
    assert read(text)
    assert valid(yaml.safe_load(text))


@settings(max_examples=100, deadline=None)
@given(entities)
def test_whatever_is_exported_is_valid(entity: Entity) -> None:
    document = document_of(entity)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def test_every_field_and_property_is_there_and_says_what_it_is() -> None:
    for name, kind in KINDS.items():
        known = SCHEMA["$defs"][name]["properties"]
        assert set(known) == {"kind", *kind.fields}
        if "properties" in known:
            held = OF_COLLECTORS if name in {"Collector", "Pool"} else CATALOGUE
            assert list(known["properties"]["properties"]) == list(held)
    assert SCHEMA["$defs"]["Device"]["properties"]["properties"]["properties"]["snmp_port"] == {
        "description": "UDP port of the agent", "default": 161, "type": "integer", "minimum": 1, "maximum": 65535,
    }  # fmt: skip
