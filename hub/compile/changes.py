"""What a change of the model does to the compiled config of one device, field by field."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from common.errors import NotFoundError, PermanentError
from hub.compile.device import SNMP
from hub.compile.process import compile_device
from hub.model.diff import FieldChange, Path, field_changes
from hub.model.entities import Model
from hub.model.plain import plain
from hub.model.properties import is_secret


class ConfigChange(Struct, frozen=True, kw_only=True):
    """The config of a device before and after.

    Attributes:
        fields: those that differ; secrets are only said to be set.
        collector_before, collector_after: who has it; empty where there is no such device.
        problem: why it cannot be compiled afterwards; empty when it can.
    """

    device: str
    fields: tuple[FieldChange, ...]
    collector_before: str
    collector_after: str
    problem: str = ""


def config_change(before: Model, after: Model, device_id: str) -> ConfigChange:
    """Compile a device of two models, and compare.

    Raises:
        NotFoundError: there is no such device in either.
    """
    if device_id not in after.devices:
        before.device(device_id)
    old, _ = _config(before, device_id)
    new, problem = _config(after, device_id)
    return ConfigChange(
        device=device_id,
        fields=() if problem else field_changes(old, new, _is_secret),
        collector_before=_collector(before, device_id),
        collector_after=_collector(after, device_id),
        problem=problem,
    )


def _collector(model: Model, device_id: str) -> str:
    device = model.devices.get(device_id)
    return device.collector if device is not None else ""


def _config(model: Model, device_id: str) -> tuple[dict[str, Any], str]:
    """The config as plain values, its definitions by id; empty where there is none, with the reason."""
    try:
        config = plain(compile_device(model, device_id), full=True)
    except NotFoundError:
        return {}, ""
    except PermanentError as error:
        return {}, error.message
    sets = {
        f"process_sets[{one['id']}]": {name: value for name, value in one.items() if name != "id"}
        for one in config.pop("process_sets")
    }
    return {name: value for name, value in config.items() if name != "device"} | sets, ""


def _is_secret(path: Path) -> bool:
    return len(path) > 1 and f"{path[0]}_" == SNMP and is_secret(SNMP + path[-1])
