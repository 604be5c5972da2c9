"""The model of a device as the config of its modeler."""

from __future__ import annotations

import msgspec

from common.configs import DeviceConfig, ModelConfig, ProcessSetConfig
from common.series import Retention
from hub.compile.device import device_config
from hub.model.definitions import to_config
from hub.model.entities import (
    Device,
    ProcessSet,
    Scope,
    scope_of,
)
from hub.model.model import Model
from hub.model.properties import effective

NO_SERIES = Retention.STANDARD
"""A modeler writes none, so that what is kept of them makes no difference to it."""
NO_ROLL_DAYS = 14
"""Nor has it a roll book: the default, of which older modelers need not know that there is such a thing."""


class ModelerCompiler:
    """Compiles devices of one model after the other: how to read them, what to look for, and all definitions.

    A definition that is not monitored is among them: it is modelled, not watched.
    """

    def __init__(self) -> None:
        self._sets: tuple[ProcessSet, ...] = ()
        self._shared: dict[Scope, tuple[ProcessSetConfig, ...]] = {}

    def compile(self, model: Model, device_id: str) -> DeviceConfig:
        """Compile one device.

        Raises:
            NotFoundError: there is no such device.
            PermanentError: what the model says cannot be a config; the sentence says why.
        """
        device = model.device(device_id)
        values = effective(model.properties_of(device))
        looks_for = ModelConfig(
            plugins=tuple(values["model_plugins"]) if isinstance(values["model_plugins"], tuple) else (),
            interfaces_ignore=str(values["interfaces_ignore"]),
            filesystems_ignore=str(values["filesystems_ignore"]),
        )
        config = device_config(
            model,
            device,
            values,
            interval_s=values["model_interval_s"],
            retention=NO_SERIES,
            roll_days=NO_ROLL_DAYS,
        )
        return msgspec.structs.replace(config, model=looks_for, process_sets=self._sets_of(model, device))

    def _sets_of(self, model: Model, device: Device) -> tuple[ProcessSetConfig, ...]:
        if model.sets is not self._sets:
            self._sets, self._shared = model.sets, {}
        scope = scope_of(device)
        found = self._shared.get(scope)
        if found is None:
            found = self._shared[scope] = tuple(map(to_config, model.sets_of(device)))
        return found
