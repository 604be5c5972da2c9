"""The model of a device as the config of its process collector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from common.configs import DeviceConfig, ExpectedSet
from hub.compile.device import device_config
from hub.compile.watching import Definitions, definitions, watched
from hub.model.bound import judged_of, place_of
from hub.model.components import watched_otherwise
from hub.model.definitions import to_config
from hub.model.entities import (
    Device,
    ProcessSet,
    Scope,
    scope_of,
)
from hub.model.model import Model
from hub.model.properties import Value, effective

Expected = Callable[[str], Sequence[ExpectedSet]]
"""Gives the process sets that a modelling has found on a device, in order of their names."""


def nothing(_device: str) -> tuple[ExpectedSet, ...]:
    """Of devices that were never modelled."""
    return ()


def compile_device(model: Model, device_id: str, expected: Expected = nothing) -> DeviceConfig:
    """Compile one device.

    Raises:
        NotFoundError: there is no such device.
        PermanentError: what the model says cannot be a config; the sentence says why.
    """
    return ProcessCompiler(expected).compile(model, device_id)


class ProcessCompiler:
    """Compiles devices of one model after the other; devices of the same class and groups share what is the same.

    Definitions that are not monitored are left out.
    """

    def __init__(self, expected: Expected = nothing) -> None:
        self._expected = expected
        self._sets: tuple[ProcessSet, ...] = ()
        self._shared: dict[tuple[Scope, Value, Value], Definitions] = {}

    def compile(self, model: Model, device_id: str) -> DeviceConfig:
        """Compile one device, as `compile_device` does."""
        device = model.device(device_id)
        values = effective(model.properties_of(device))
        config = device_config(model, device, values)
        sets = watched(
            self._definitions(model, device, values),
            self._expected(device_id),
            watched_otherwise(device),
            monitor=bool(values["monitor"]),
        )
        judged = judged_of(model, place_of(device))
        return msgspec.structs.replace(
            config,
            process_sets=sets.process_sets,
            expected=sets.expected,
            overrides=sets.overrides,
            only_expected=sets.only_expected,
            thresholds=judged.thresholds,
            derived=judged.derived,
        )

    def _definitions(self, model: Model, device: Device, values: Mapping[str, Value]) -> Definitions:
        if model.sets is not self._sets:
            self._sets, self._shared = model.sets, {}
        key = scope_of(device), values["missing_severity"], values["restart_severity"]
        found = self._shared.get(key)
        if found is None:
            own = (to_config(definition) for definition in model.sets_of(device) if definition.monitor)
            found = self._shared[key] = definitions(own, key[1], key[2])
        return found
