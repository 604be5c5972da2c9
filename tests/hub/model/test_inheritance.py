from __future__ import annotations

from pathlib import Path

from hub.model.entities import (
    Collector,
    Device,
    DeviceClass,
    Entity,
    Group,
    Pool,
)
from hub.model.inheritance import Said, explain
from hub.model.model import Model
from hub.model.properties import CATALOGUE, PropertyType

PROPERTIES_PAGE = Path(__file__).parents[3] / "docs" / "properties.md"


def test_all_that_is_said_of_a_property_is_told_the_nearest_first() -> None:
    device = Device(id="d", class_="/a/b", groups=("one", "two"), properties={"snmp_port": 5})
    model = Model(
        1,
        [
            device,
            DeviceClass(id="/a", properties={"snmp_port": 2, "source": "local"}),
            Group(id="one", properties={"snmp_port": 4}),
            Group(id="two", properties={"snmp_port": 3}),
        ],
    )
    told = {explained.prop.name: explained for explained in explain(model, device)}
    assert list(told) == list(CATALOGUE)
    assert told["snmp_port"].said == (
        Said("device", 5),
        Said("group one", 4),
        Said("group two", 3),
        Said("class /a", 2),
        Said("default", 161),
    )
    assert told["snmp_port"].holds == Said("device", 5)
    assert told["interval_s"].said == (Said("default", 10),)  # what holds for a local device


def test_what_a_collector_or_pool_says_comes_just_before_the_default() -> None:
    said: list[Entity] = [
        Collector(id="eu1", properties={"snmp_port": 7, "interval_s": 30}),
        Pool(id="eu", members=("eu1",), properties={"snmp_port": 8}),
        DeviceClass(id="/", properties={"interval_s": 20}),
    ]
    model = Model(1, said)

    def told(collector: str) -> dict[str, tuple[Said, ...]]:
        device = Device(id="d", address="x", collector=collector)
        return {explained.prop.name: explained.said for explained in explain(model, device)}

    assert told("eu1")["snmp_port"] == (Said("collector eu1", 7), Said("default", 161))
    assert told("eu1")["interval_s"] == (Said("class /", 20), Said("collector eu1", 30), Said("default", 60))
    assert told("eu")["snmp_port"] == (Said("pool eu", 8), Said("default", 161))  # whoever of it watches the device
    assert told("eu")["interval_s"] == (Said("class /", 20), Said("default", 60))
    assert told("eu2")["snmp_port"] == (Said("default", 161),)


def test_the_page_of_properties_is_true() -> None:
    lines = [line for line in PROPERTIES_PAGE.read_text().splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in lines]
    assert [name.strip("`") for name, _, _ in rows] == list(CATALOGUE)
    for name, type_, default in rows:
        prop = CATALOGUE[name.strip("`")]
        if prop.type is PropertyType.CHOICE:
            assert type_.split(", ") == list(prop.choices), name
        if prop.type is PropertyType.LIST:
            assert type_.removeprefix("list of ").split(", ") == list(prop.choices), name
        assert type_.endswith("secret") == prop.secret, name
        if prop.default is not None:
            assert default == _written(prop.default), name


def _written(default: object) -> str:
    """A default as a document has it."""
    if isinstance(default, tuple):
        return f"[{', '.join(default)}]"
    return str(default).lower() if isinstance(default, bool) else str(default)
