"""The templates of etc/model for SNMP: what a device is asked for because of them, and what rings."""

from __future__ import annotations

import pytest

from collectors.snmp.recipe import mistakes, recipe_of
from common.sources import SERVICE_SNMP, PingSource, SnmpSource
from hub.compile.sources import SourceCompiler
from hub.model.change import plan
from hub.model.documents import SourceFile, read_documents
from hub.model.entities import Device
from hub.model.model import Model
from hub.model.templates import Template
from tests.hub.model.test_shipped_definitions import FOLDER, shipped

HOST = {"host", "cpu", "memory", "load", "filesystem"}
EVERYWHERE = {"interface", "uptime"}


def sources_of(**words: object) -> dict[str, SnmpSource | PingSource]:
    device = Device(id="it", address="192.0.2.1", **words)  # type: ignore[arg-type]  # as the test says
    model = plan(Model(), [*shipped(), device]).after
    config = SourceCompiler(SERVICE_SNMP).compile(model, "it")
    return {one.id: one for one in config.sources if isinstance(one, SnmpSource | PingSource)}


def rings(sources: dict[str, SnmpSource | PingSource]) -> set[str]:
    return {one.id for source in sources.values() for one in source.thresholds}


@pytest.mark.parametrize(
    ("device_class", "more"),
    [
        ("/Server/Linux", HOST),
        ("/Server/Linux/Web", HOST),
        ("/Network", set()),
        ("/Power/UPS", {"ups"}),
        ("/Printer", {"printer", "supply", "tray"}),
    ],
)
def test_a_new_device_of_a_class_is_asked_for_what_it_is_likely_to_have(device_class: str, more: set[str]) -> None:
    assert set(sources_of(class_=device_class)) == EVERYWHERE | more


def test_only_what_devices_say_is_wrong_rings_until_a_strict_template_is_bound() -> None:
    quiet = sources_of(class_="/Power/UPS")
    assert rings(quiet) == {"gone-down", "on-battery", "battery-low", "alarms"}
    strict = sources_of(class_="/Power/UPS", templates=("ups-strict", "interfaces-strict"))
    assert {"charge", "remaining", "load", "busy", "errors", "down"} <= rings(strict)
    assert "gone-down" not in rings(strict)
    assert quiet.keys() == strict.keys(), "a stricter template makes other files"


def test_each_source_of_a_template_can_be_read() -> None:
    text = (FOLDER / "snmp.yaml").read_text(encoding="utf-8")
    entities = [document.entity for document in read_documents([SourceFile("snmp.yaml", text)])]
    templates = [one for one in entities if isinstance(one, Template)]
    seen = 0
    for template in templates:
        sources = sources_of(class_="/", templates=("-interfaces", "-uptime", template.id))
        for source in sources.values():
            if isinstance(source, SnmpSource):
                assert recipe_of(source).flaws == {}, template.id
                assert mistakes(source) == []
            seen += 1
    assert seen >= len(templates)


def test_ping_gates_where_it_is_bound() -> None:
    ping = sources_of(class_="/", templates=("ping",))["ping"]
    assert isinstance(ping, PingSource)
    assert ping.gates


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("/", True),
        ("/home", True),
        ("/srv/data", True),
        ("/data", True),
        ("/development", True),
        ("/process", True),
        ("/runner", True),
        ("/system", True),
        ("/d", True),
        ("/sy", True),
        ("C:\\ Label:  Serial Number 1", True),
        ("/dev/shm", False),
        ("/proc", False),
        ("/run/user/0", False),
        ("/sys/fs/cgroup", False),
        ("Physical memory", False),
    ],
)
def test_filesystems_are_those_with_files(name: str, taken: bool) -> None:
    source = sources_of(class_="/Server/Linux")["filesystem"]
    assert isinstance(source, SnmpSource)
    assert bool(recipe_of(source).only.search(name)) is taken
