"""The model of a device as the config of its process collector."""

from __future__ import annotations

from typing import Any

import msgspec

from common.configs import DeviceConfig, ProcessSetConfig, SourceKind
from common.errors import PermanentError
from hub.model.definitions import to_config
from hub.model.entities import LOCAL_ADDRESS, Device, Model, ProcessSet, Scope, scope_of
from hub.model.properties import effective

SNMP = "snmp_"


def compile_device(model: Model, device_id: str) -> DeviceConfig:
    """Compile one device.

    Raises:
        NotFoundError: there is no such device.
        PermanentError: what the model says cannot be a config; the sentence says why.
    """
    return ProcessCompiler().compile(model, device_id)


class ProcessCompiler:
    """Compiles devices of one model after the other; devices of the same class and groups share what is the same.

    Definitions that are not monitored are left out.
    """

    def __init__(self) -> None:
        self._sets: tuple[ProcessSet, ...] = ()
        self._shared: dict[Scope, tuple[ProcessSetConfig, ...]] = {}

    def compile(self, model: Model, device_id: str) -> DeviceConfig:
        """Compile one device, as `compile_device` does."""
        device = model.device(device_id)
        values = effective(model.properties_of(device))
        snmp = {name.removeprefix(SNMP): value for name, value in values.items() if name.startswith(SNMP)}
        raw: dict[str, Any] = {name: value for name, value in values.items() if not name.startswith(SNMP)}
        local = raw["source"] == SourceKind.LOCAL.value
        raw.update(
            device=device.id, address=device.address or (LOCAL_ADDRESS if local else ""), snmp=None if local else snmp
        )
        try:
            config = msgspec.convert(raw, DeviceConfig)
        except msgspec.ValidationError as error:
            raise PermanentError(
                f"device {device.id} cannot be made a config: {error}; correct its properties"
            ) from None
        return msgspec.structs.replace(config, process_sets=self._sets_of(model, device))

    def _sets_of(self, model: Model, device: Device) -> tuple[ProcessSetConfig, ...]:
        if model.sets is not self._sets:
            self._sets, self._shared = model.sets, {}
        scope = scope_of(device)
        found = self._shared.get(scope)
        if found is None:
            found = tuple(to_config(definition) for definition in model.sets_of(device) if definition.monitor)
            self._shared[scope] = found
        return found
