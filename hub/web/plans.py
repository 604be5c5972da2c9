"""What a change would do, as the API tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from hub.compile.changes import config_change, owner_in
from hub.compile.differing import Owner, named
from hub.compile.process import Expected, nothing
from hub.model.change import Change
from hub.model.diff import Difference, FieldChange


class FieldRow(Struct, frozen=True):
    """A field before and after; null where nothing is said. A secret is `(set)`, also when it changes."""

    field: str
    old: Any
    new: Any


class DifferenceRow(Struct, frozen=True, kw_only=True):
    """A document before and after; `what` is created, changed or removed."""

    kind: str
    id: str
    what: str
    fields: list[FieldRow]


class CollectorRow(Struct, frozen=True, kw_only=True):
    """A collector that would get new configs: of which devices, and which ones it would not watch any more."""

    id: str
    devices: list[str]
    leaving: list[str]


class ConfigRow(Struct, frozen=True, kw_only=True):
    """The compiled config of a device before and after; `problem` says why it could not be compiled afterwards."""

    device: str
    collector_before: str
    collector_after: str
    fields: list[FieldRow]
    problem: str


class Plan(Struct, frozen=True, kw_only=True):
    """What a change would do."""

    differences: list[DifferenceRow]
    collectors: list[CollectorRow]
    config: ConfigRow | None = None


def plan_shape(
    change: Change, told: Sequence[Difference], device: str, expected: Expected = nothing, owner: Owner = named
) -> Plan:
    """Shape what a change would do.

    Args:
        change: the plan.
        told: its documents, field by field.
        device: whose compiled config is compared as well; empty for none.
        expected: what modellings have found.
        owner: who of a pool watches a device.

    Raises:
        NotFoundError: there is no such device, before or after.
    """
    return Plan(
        differences=difference_shapes(told),
        collectors=_collectors(change, owner),
        config=_config(change, device, expected, owner) if device else None,
    )


def difference_shapes(told: Sequence[Difference]) -> list[DifferenceRow]:
    """Shape documents, field by field."""
    return [DifferenceRow(kind=one.kind, id=one.id, what=one.what, fields=field_shapes(one.fields)) for one in told]


def field_shapes(fields: Sequence[FieldChange]) -> list[FieldRow]:
    """Shape fields."""
    return [FieldRow(one.field, one.old, one.new) for one in fields]


def _config(change: Change, device: str, expected: Expected, owner: Owner) -> ConfigRow:
    told = config_change(change.before, change.after, device, expected, owner)
    return ConfigRow(
        device=told.device,
        collector_before=told.collector_before,
        collector_after=told.collector_after,
        fields=field_shapes(told.fields),
        problem=told.problem,
    )


def _collectors(change: Change, owner: Owner) -> list[CollectorRow]:
    """Who would get new configs, by name; a device that moves leaves one and comes to another."""
    found: dict[str, CollectorRow] = {}
    for device in change.devices:
        before, after = (owner_in(model, device, owner) for model in (change.before, change.after))
        if after:
            _row(found, after).devices.append(device)
        if before and before != after:
            _row(found, before).leaving.append(device)
    return [found[name] for name in sorted(found)]


def _row(found: dict[str, CollectorRow], name: str) -> CollectorRow:
    return found.setdefault(name, CollectorRow(id=name, devices=[], leaving=[]))
