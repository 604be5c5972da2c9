"""What a change of the model does to the compiled config of one device, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from common.errors import NotFoundError, PermanentError
from hub.compile.device import SNMP
from hub.compile.differing import Owner, named
from hub.compile.process import Expected, compile_device, nothing
from hub.model.diff import FieldChange, Path, field_changes
from hub.model.model import Model
from hub.model.plain import plain
from hub.model.properties import is_secret

LISTS = (
    ("process_sets", "id"),
    ("expected", "name"),
    ("overrides", "name"),
    ("thresholds", "id"),
    ("derived", "point"),
)
"""Lists of the config whose entries are told one by one, and what these are called by."""


class ConfigChange(Struct, frozen=True, kw_only=True):
    """The config of a device before and after.

    Attributes:
        fields: those that differ; secrets are only said to be set.
        collector_before, collector_after: who watches it; empty where there is no such device.
        problem: why it cannot be compiled afterwards; empty when it can.
    """

    device: str
    fields: tuple[FieldChange, ...]
    collector_before: str
    collector_after: str
    problem: str = ""


def config_change(
    before: Model, after: Model, device_id: str, expected: Expected = nothing, owner: Owner = named
) -> ConfigChange:
    """Compile a device of two models, and compare.

    Args:
        before: the model as it was.
        after: as it is then.
        device_id: of the device.
        expected: what is known to be on it now.
        owner: who of a pool watches a device.

    Raises:
        NotFoundError: there is no such device in either.
    """
    if device_id not in after.devices:
        before.device(device_id)
    old, _ = _config(before, device_id, expected)
    new, problem = _config(after, device_id, expected)
    return ConfigChange(
        device=device_id,
        fields=() if problem else field_changes(old, new, _is_secret),
        collector_before=owner_in(before, device_id, owner),
        collector_after=owner_in(after, device_id, owner),
        problem=problem,
    )


def owner_in(model: Model, device_id: str, owner: Owner) -> str:
    """Who watches a device in a model; empty where there is no such device."""
    device = model.devices.get(device_id)
    return owner(model, device) if device is not None else ""


def _config(model: Model, device_id: str, expected: Expected) -> tuple[dict[str, Any], str]:
    """The config as plain values, its definitions and thresholds by id; empty where there is none, with the reason."""
    try:
        config = plain(compile_device(model, device_id, expected), full=True)
    except NotFoundError:
        return {}, ""
    except PermanentError as error:
        return {}, error.message
    entries: dict[str, Any] = {}
    for field, key in LISTS:
        entries.update((_name(field, key, one), _without(one, key)) for one in config.pop(field))
    return _without(config, "device") | entries, ""


def _name(field: str, key: str, one: Mapping[str, Any]) -> str:
    """What an entry of a list is called; a threshold may be there once for each process set that has its own."""
    own = one.get("definitions") or []
    return f"{field}[{own[0]}/{one[key]}]" if len(own) == 1 else f"{field}[{one[key]}]"


def _without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def _is_secret(path: Path) -> bool:
    return len(path) > 1 and f"{path[0]}_" == SNMP and is_secret(SNMP + path[-1])
