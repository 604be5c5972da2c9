"""The model of a device as the config of its process collector."""

from __future__ import annotations

import msgspec

from common.configs import DeviceConfig, ProcessSetConfig
from hub.compile.device import device_config
from hub.model.definitions import to_config
from hub.model.entities import Device, Model, ProcessSet, Scope, scope_of
from hub.model.properties import effective


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
        config = device_config(device, effective(model.properties_of(device)))
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
