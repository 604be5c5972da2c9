"""Processors and memory."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.modeler.facts import CutShort, Tables, Unbelievable
from collectors.modeler.plugins import hardware
from collectors.modeler.plugins.hardware import DEVICES, FIRMWARE, HR_MEMORY_SIZE, LOAD, PLUGIN, TYPE_PROCESSOR
from collectors.modeler.plugins.storage import DESCR, HR_STORAGE_TYPES, SIZE, STORAGE, TYPE, UNITS
from common.components import ComponentKind
from tests.collectors.modeler.tables import Row, by_name, cut, found, indexed, names, table, tables

DISK: Oid = (1, 3, 6, 1, 2, 1, 25, 3, 1, 6)
GIB = 1024**3


def device(kind: Oid, descr: bytes = b"") -> Row:
    return {hardware.TYPE: kind, hardware.DESCR: descr}


def memory(descr: bytes, kind: int, kib: int) -> Row:
    return {TYPE: (*HR_STORAGE_TYPES, kind), DESCR: descr, SIZE: kib, UNITS: 1024}


def told(devices: dict[int, Row], storages: tuple[Row, ...], values: Mapping[Oid, SnmpValue]) -> Tables:
    return tables(values, devices=indexed(DEVICES, devices), storage=table(STORAGE, *storages))


LINUX = told(
    {
        196609: device(TYPE_PROCESSOR, b"GenuineIntel: a fast one"),
        196608: {**device(TYPE_PROCESSOR, b"GenuineIntel: a slow one"), FIRMWARE: (0, 0), LOAD: 3},
        262145: device(DISK, b"a disk"),
    },
    (
        memory(b"Physical memory", 2, 4 * 1024**2),
        memory(b"Virtual memory", 3, 6 * 1024**2),
        memory(b"Swap space", 3, 2 * 1024**2),
    ),
    {HR_MEMORY_SIZE: 4 * 1024**2},
)


def test_processors_by_number_and_memory_by_kind() -> None:
    result = found(PLUGIN, LINUX)
    assert result.kinds == (ComponentKind.CPU, ComponentKind.MEMORY)
    assert names(result) == ["cpu 0", "cpu 1", "physical", "swap"]
    components = by_name(result)
    assert components["cpu 0"].attributes == {"description": "GenuineIntel: a slow one"}
    assert components["physical"].attributes == {"total_bytes": 4 * GIB}
    assert components["swap"].attributes == {"total_bytes": 2 * GIB}


def test_processors_that_only_their_own_table_knows() -> None:
    assert names(found(PLUGIN, told({5: {LOAD: 7}}, (), {}))) == ["cpu 0"]


def test_memory_without_hr_memory_size_is_the_largest_row_of_it() -> None:
    rows = (memory(b"RAM", 2, 100), memory(b"RAM of a card", 2, 10))
    assert by_name(found(PLUGIN, told({}, rows, {})))["physical"].attributes == {"total_bytes": 102_400}


def test_more_memory_than_the_type_holds() -> None:
    result = found(PLUGIN, told({}, (), {HR_MEMORY_SIZE: -(2**31)}))
    assert by_name(result)["physical"].attributes == {"total_bytes": 2**31 * 1024}


def test_what_an_agent_does_not_tell_at_all_is_not_said_to_be_gone() -> None:
    assert found(PLUGIN, told({}, (), {HR_MEMORY_SIZE: 5})).kinds == (ComponentKind.MEMORY,)
    assert found(PLUGIN, told({1: device(TYPE_PROCESSOR)}, (), {})).kinds == (ComponentKind.CPU,)


def test_tables_that_end_early_or_are_not_there_say_nothing() -> None:
    for name in ("devices", "storage"):
        with pytest.raises(CutShort):
            found(PLUGIN, cut(LINUX, name))
    with pytest.raises(Unbelievable, match="neither processors nor memory"):
        found(PLUGIN, told({1: device(DISK)}, (), {}))


def test_processors_keep_their_numbers_in_whatever_order_they_come() -> None:
    devices = {index: device(TYPE_PROCESSOR, str(index).encode()) for index in range(500, 400, -7)}
    result = found(PLUGIN, told(devices, (), {}))
    described = [str(component.attributes["description"]) for component in result.components]
    assert described == sorted(described)
    assert names(result)[:2] == ["cpu 0", "cpu 1"]
