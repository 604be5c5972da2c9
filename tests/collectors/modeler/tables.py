"""Tables of agents, as tests of plugins write them down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from collectors.framework.snmp.interfaces import Oid, SnmpValue, Table
from collectors.modeler.facts import Found, Plugin, Tables, Walk
from common.configs import DeviceConfig, ModelConfig, ProcessSetConfig, SnmpConfig, SourceKind

Row = Mapping[Oid, SnmpValue]
"""Values of one row by column."""


def table(walk: Walk, *rows: Row, problem: str = "") -> Table:
    """A walk's table; rows have the indexes 1, 2, ..."""
    return indexed(walk, dict(enumerate(rows, 1)), problem=problem)


def indexed(walk: Walk, rows: Mapping[int, Row], problem: str = "") -> Table:
    """A walk's table by index."""
    columns: tuple[dict[Oid, SnmpValue], ...] = tuple(
        {(index,): row[column] for index, row in rows.items() if column in row} for column in walk.columns
    )
    return Table(columns=columns, complete=not problem, problem=problem)


def tables(values: Mapping[Oid, SnmpValue] | None = None, **walked: Table) -> Tables:
    """All that an agent told."""
    return Tables(values=values or {}, tables=walked)


def cut(told: Tables, name: str) -> Tables:
    """The same, with one table that ends early."""
    broken = replace(told.tables[name], complete=False, problem="no answer after 3 tries")
    return replace(told, tables={**told.tables, name: broken})


def config(*sets: ProcessSetConfig, **model: Any) -> DeviceConfig:
    return DeviceConfig(
        device="box",
        address="192.0.2.1",
        source=SourceKind.SNMP,
        interval_s=43_200,
        snmp=SnmpConfig(),
        process_sets=sets,
        model=ModelConfig(**model),
    )


def definition(id_: str, include: str, name: str = "", order: int = 0, **more: Any) -> ProcessSetConfig:
    return ProcessSetConfig(id=id_, title=id_, order=order, include=include, name=name or id_, **more)


def found(plugin: Plugin[Any], told: Tables, by: DeviceConfig | None = None) -> Found:
    """What a plugin makes of tables."""
    result: Found = plugin.found(plugin.of_tables(told), by or config())
    return result


def names(result: Found) -> list[str]:
    return [component.name for component in result.components]


def by_name(result: Found) -> dict[str, Any]:
    return {component.name: component for component in result.components}
