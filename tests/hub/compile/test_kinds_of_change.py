"""Each kind of change marks exactly the devices whose configs it changes, or that others are to watch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from common.digests import canonical
from common.sealing import ensure_sealer
from hub.compile.differing import differing
from hub.compile.modeler import ModelerCompiler
from hub.compile.process import compile_device
from hub.compile.sources import SourceCompiler
from hub.distribution.services import READERS
from hub.model.devicechanges import DeviceChanges
from hub.model.documents import SourceFile
from hub.model.model import Model
from hub.model.sealed import SealedModelStore
from hub.model.service import ModelService
from tests.fakes.stores import FakeModelStore, InlineWorker, done

SITE = """\
kind: Pool
id: eu
members: [eu1, eu2]
properties: {snmp_timeout_s: 5}
---
kind: Collector
id: far
properties: {snmp_community: faraway, model_interval_s: 7200}
---
kind: DeviceClass
id: /Server
templates: [base]
properties: {snmp_retries: 3}
---
kind: RetentionPlan
id: months
full_days: 3
archives: [{every_s: 3600, days: 92}]
---
kind: DeviceClass
id: /Network
properties: {retention: months}
---
kind: Group
id: web
properties: {flap_restarts: 3}
---
kind: Template
id: base
component: process_set
thresholds: {busy: {points: cpu, maximum: 90}}
---
kind: Template
id: mild
component: process_set
thresholds: {fat: {points: memory, maximum: 1e9}}
---
kind: Template
id: ports
component: interface
sources: {traffic: {type: snmp, oids: [{walk: .1.3.6.1.2}], points: [in]}}
thresholds: {full: {points: in, maximum: 9}}
---
kind: Template
id: own
component: interface
sources: {traffic: {type: status, item: interfaces}}
---
kind: Template
id: jobs
component: worker
sources: {jobs: {type: probe, points: [data]}}
---
kind: Template
id: probed
component: worker
sources: {work: {type: probe, command: [work], handler: jobs}}
---
kind: ProcessSet
id: nginx
include: nginx
applies_to: [web]
---
kind: ProcessSet
id: hidden
include: hidden
applies_to: [/Network]
monitor: false
---
- {kind: Device, id: web1, address: a, class: /Server/Linux, groups: [web], collector: eu}
- {kind: Device, id: web2, address: b, class: /Server/Linux, groups: [web], collector: far,
   templates: [mild], properties: {snmp_community: own}}
- {kind: Device, id: db1, address: c, class: /Server/Linux, collector: far}
- {kind: Device, id: rtr1, address: d, class: /Network, collector: eu, properties: {snmp_timeout_s: 9}}
- {kind: Device, id: rtr2, address: e, class: /Network, templates: [ports, own, probed]}
- {kind: Device, id: here, class: /Own, properties: {source: local}, templates: [ports, own]}
"""
POOL = "kind: Pool\nid: eu\n"
FAR = "kind: Collector\nid: far\n"


class Site:
    """A service with the model above, and what its observer heard."""

    def __init__(self, folder: Path) -> None:
        key_file = folder / "secret.key"
        self.inner = FakeModelStore()
        self.store = SealedModelStore(self.inner, ensure_sealer(key_file), key_file)
        self.service = ModelService(self.store, lambda: 1.0, InlineWorker())
        done(self.service.load())
        self.service.narrow_by(differing)
        self.apply(SITE)
        self.heard: list[Sequence[str]] = []
        self.service.observe(lambda _revision, _before, _after, devices: self.heard.append(devices))

    def apply(self, *texts: str, **how: Any) -> list[str]:
        files = [SourceFile(f"f{number}.yaml", text) for number, text in enumerate(texts)]
        return list(done(self.service.apply(files, "ann", "", **how)).devices)

    def text_of(self, key: tuple[str, str], **fields: Any) -> str:
        """A document as it is, but for some fields."""
        _, exported = done(self.service.export(with_secrets=True))
        (found,) = (one.document for one in exported if (one.document["kind"], one.document["id"]) == key)
        return str({**found, **fields})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def seen(model: Model, device: str) -> object:
    """All that collectors see of a device, and who they are."""
    if device not in model.devices:
        return None
    configs = [compile_device(model, device), ModelerCompiler().compile(model, device)]
    readers = (SourceCompiler(service) for service in READERS)
    configs += [one.compile(model, device) for one in readers if one.has(model, model.devices[device])]
    return model.devices[device].collector, [canonical(config) for config in configs]


CHANGES: dict[str, tuple[tuple[str, str], dict[str, Any], list[str]]] = {
    "a device": (("Device", "db1"), {"address": "z"}, ["db1"]),
    "a device to another collector": (("Device", "db1"), {"collector": "eu1"}, ["db1"]),
    "a device to a pool": (("Device", "db1"), {"collector": "eu"}, ["db1"]),
    "a note about a device": (("Device", "db1"), {"state": "maintenance"}, []),
    "a component": (("Device", "web1"), {"components": {"process_set/nginx": {"monitor": False}}}, ["web1"]),
    "a lock of a component": (("Device", "web1"), {"components": {"process_set/nginx": {"lock": "delete"}}}, []),
    "a template of a class": (
        ("Template", "base"), {"thresholds": {"busy": {"points": "cpu", "maximum": 80}}}, ["db1", "web1", "web2"],
    ),
    "a template of a device": (("Template", "mild"), {"thresholds": {}}, ["web2"]),
    "a binding": (("DeviceClass", "/Server"), {"templates": ["base", "mild"]}, ["db1", "web1"]),
    "a property of a class": (("DeviceClass", "/Server"), {"properties": {"snmp_retries": 4}}, ["db1", "web1", "web2"]),
    "a property of a group": (("Group", "web"), {"properties": {"flap_restarts": 4}}, ["web1", "web2"]),
    "a property that is overridden": (
        ("DeviceClass", "/Server"), {"properties": {"snmp_retries": 3, "snmp_community": "new"}},
        ["db1", "web1"],
    ),
    "a process set": (("ProcessSet", "nginx"), {"count": {"min": 1}}, ["web1", "web2"]),
    "a process set that is not watched": (("ProcessSet", "hidden"), {"include": "x"}, ["rtr1", "rtr2"]),
    "the interval of a collector": (("Collector", "far"), {"properties": {
        "snmp_community": "faraway", "model_interval_s": 7200, "interval_s": 20,
    }}, ["db1", "web2"]),
    "the retention of a collector": (("Collector", "far"), {"properties": {
        "snmp_community": "faraway", "model_interval_s": 7200, "retention": "long",
    }}, ["db1", "web2"]),
    "a retention plan": (("RetentionPlan", "months"), {"full_days": 4}, ["rtr1", "rtr2"]),
    "what a retention plan says of itself": (("RetentionPlan", "months"), {"description": "for shops"}, []),
    "an archive of a retention plan": (
        ("RetentionPlan", "months"), {"archives": [{"every_s": 3600, "days": 93}]}, ["rtr1", "rtr2"],
    ),
    "a secret of a collector": (("Collector", "far"), {"properties": {
        "snmp_community": "other", "model_interval_s": 7200,
    }}, ["db1"]),
    "the title of a collector": (("Collector", "far"), {"title": "Far away"}, []),
    "a property of a pool": (("Pool", "eu"), {"properties": {"snmp_timeout_s": 6}}, ["web1"]),
    "how soon the others of a pool take over": (("Pool", "eu"), {"failover_after_s": 60}, ["rtr1", "web1"]),
    "what members of a pool do alone": (("Pool", "eu"), {"when_alone": "continue"}, ["rtr1", "web1"]),
    "a pool of one": (("Pool", "eu"), {"members": ["eu1"]}, ["rtr1", "web1"]),
    "a source": (
        ("Template", "ports"), {"sources": {"traffic": {"type": "snmp", "oid": ".1.3", "name": "x", "points": ["in"]}}},
        ["rtr2"],
    ),
    "a threshold of a source": (("Template", "ports"), {"thresholds": {}}, ["rtr2"]),
    "a source of local devices": (
        ("Template", "own"), {"sources": {"traffic": {"type": "status", "item": "interfaces", "only": "lo"}}}, ["here"],
    ),
    "a handler": (("Template", "jobs"), {"sources": {"jobs": {"type": "probe", "points": ["size"]}}}, ["here", "rtr2"]),
    "a component that others read": (
        ("Device", "rtr2"), {"components": {"interface/lo": {"monitor": False}}}, ["rtr2"],
    ),
    "a component that nobody reads": (("Device", "rtr1"), {"components": {"interface/lo": {"monitor": False}}}, []),
    "one more member": (("Pool", "eu"), {"members": ["eu1", "eu2", "eu3"]}, []),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_marks_exactly_those_that_see_it(site: Site, what: str) -> None:
    key, fields, expected = CHANGES[what]
    text = site.text_of(key, **fields)
    before = site.service.model
    assert site.apply(text, dry_run=True) == expected
    assert site.service.model is before
    assert site.apply(text) == expected
    after = site.service.model
    assert after.revision == before.revision + 1
    assert [tuple(devices) for devices in site.heard] == [tuple(expected)]
    assert expected == [one for one in sorted(after.devices) if seen(before, one) != seen(after, one)]
    assert site.apply(text) == []


def test_a_device_that_goes_is_marked_and_no_other(site: Site) -> None:
    before = site.service.model
    done(DeviceChanges(site.service).remove("db1", "ann", ""))
    assert site.heard == [("db1",)]
    assert [one for one in sorted(before.devices) if seen(before, one) != seen(site.service.model, one)] == ["db1"]


def test_a_collector_without_its_document_is_one_of_which_nothing_is_said(site: Site) -> None:
    others = "kind: Collector\nid: other\n"
    assert site.apply(others, prune=True) == ["db1", "web2"]
    assert "far" not in site.service.model.collectors
    assert site.apply(POOL + "members: [eu2, eu1]\nproperties: {snmp_timeout_s: 5}\n") == []  # in another order


def test_a_rollback_marks_those_whose_configs_go_back(site: Site) -> None:
    site.apply(FAR)
    done(site.service.roll_back(1, "ann", ""))
    assert [tuple(devices) for devices in site.heard] == [("db1", "web2"), ("db1", "web2")]


def test_another_key_for_the_secrets_marks_nobody(site: Site) -> None:
    before, bodies = site.service.model, repr(done(site.inner.load()))
    assert done(site.store.rotate_key()) > 0
    assert repr(done(site.inner.load())) != bodies
    assert "faraway" not in repr(done(site.inner.load()))
    assert (site.heard, site.service.model) == ([], before)
    again = ModelService(site.store, lambda: 1.0, InlineWorker())
    done(again.load())
    assert [seen(again.model, one) for one in before.devices] == [seen(before, one) for one in before.devices]


def test_secrets_of_collectors_and_pools_are_sealed_and_not_told(site: Site) -> None:
    site.apply(POOL + "members: [eu1]\nproperties: {snmp_community: hush}\n")
    assert "hush" not in repr((done(site.inner.load()), site.inner.changes))
    _, told = done(site.service.revision(2))
    assert "(set)" in repr(told)
    _, exported = done(site.service.export(with_secrets=False))
    assert "hush" not in repr((told, exported))
    assert {one.document["id"]: one.secrets for one in exported if one.secrets} == {
        "eu": ("snmp_community",), "far": ("snmp_community",), "web2": ("snmp_community",),
    }  # fmt: skip
