"""What the configs of a device have in common, whatever collector they are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from common.configs import DeviceConfig, SourceKind
from common.errors import PermanentError
from hub.model.entities import (
    LOCAL_ADDRESS,
    Device,
    WhenAlone,
)
from hub.model.model import Model
from hub.model.properties import Value
from hub.model.retention import held_name, plan_named

SNMP = "snmp_"


def device_config(model: Model, device: Device, values: Mapping[str, Value], **more: object) -> DeviceConfig:
    """Say who a device is, how it is read, and how long by a collector that has not heard of the hub.

    Args:
        model: that the device is of.
        device: of the model.
        values: every property with the value that holds.
        more: other fields, in place of the properties of these names.

    Raises:
        PermanentError: what the model says cannot be a config; the sentence says why.
    """
    snmp = {name.removeprefix(SNMP): value for name, value in values.items() if name.startswith(SNMP)}
    raw: dict[str, Any] = {name: value for name, value in values.items() if not name.startswith(SNMP)}
    local = raw["source"] == SourceKind.LOCAL.value
    raw.update(
        device=device.id,
        address=device.address or (LOCAL_ADDRESS if local else ""),
        snmp=None if local else snmp,
        lease_s=lease_s(model, device),
        retention=plan_named(model, held_name(values)),
    )
    raw.update(more)
    if raw["retention"] is None:
        sentence = f"there is no retention plan {held_name(values)!r}; add it, or name another"
        raise PermanentError(f"device {device.id} cannot be made a config: {sentence}")
    try:
        return msgspec.convert(raw, DeviceConfig)
    except msgspec.ValidationError as error:
        raise PermanentError(f"device {device.id} cannot be made a config: {error}; correct its properties") from None


def lease_s(model: Model, device: Device) -> int | None:
    """How long a collector may go on with a device without the hub: until others may have it; None for ever."""
    pool = model.pools.get(device.collector)
    if pool is None or len(pool.members) < 2 or pool.when_alone is not WhenAlone.STOP:
        return None
    return pool.failover_after_s
