"""Which of some devices a change of the model gives other configs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Protocol

from common.configs import DeviceConfig
from common.digests import canonical
from common.errors import PermanentError
from hub.compile.modeler import ModelerCompiler
from hub.compile.process import Expected, ProcessCompiler, nothing
from hub.compile.sources import SourceCompiler
from hub.model.entities import Device, scope_of
from hub.model.gathering import services_in
from hub.model.model import Model
from hub.model.retention import held_name

DECIDING = frozenset({"source", "monitor", "missing_severity", "restart_severity"})
"""Properties that decide what becomes of others, and of process sets."""

Owner = Callable[[Model, Device], str]
"""Gives the collector that would watch a device now, were the model so."""


def named(_model: Model, device: Device) -> str:
    """The collector or pool that a device names."""
    return device.collector


def differing(
    before: Model, after: Model, devices: Iterable[str], expected: Expected = nothing, owner: Owner = named
) -> list[str]:
    """Name those, in the given order, whose config differs for any of their collectors, or that came, left or moved.

    Both models are compiled and compared; of devices for which it must come out the same one stands for all.

    Args:
        before: the model as it was.
        after: as it is then.
        devices: ids of those that a change may concern, see `hub.model.impact`.
        expected: what is known to be on a device now.
        owner: who of a pool watches a device.
    """
    comparison = _Comparison(before, after, expected, owner)
    return [device for device in devices if comparison.differs(device)]


class ICompiler(Protocol):
    """Makes the configs of one service."""

    def compile(self, model: Model, device_id: str) -> DeviceConfig:
        """Make the config of a device.

        Raises:
            PermanentError: there is none; the sentence says why.
        """


class _Comparison:
    def __init__(self, before: Model, after: Model, expected: Expected, owner: Owner) -> None:
        self._before = before
        self._after = after
        self._owner = owner
        self._compilers: Sequence[tuple[ICompiler, ICompiler]] = (
            (ProcessCompiler(expected), ProcessCompiler(expected)),
            (ModelerCompiler(), ModelerCompiler()),
            *((SourceCompiler(service), SourceCompiler(service)) for service in services_in((before, after))),
        )
        self._alike: dict[Hashable, bool] = {}

    def differs(self, device_id: str) -> bool:
        old, new = self._before.devices.get(device_id), self._after.devices.get(device_id)
        if old is None or new is None or old.collector != new.collector:
            return old is not new
        if self._moves(old, new):
            return True
        if old is not new or new.components:
            return self._compiled_differ(device_id)
        # What a modelling has found makes no difference where nothing is said of single components.
        kind = self._changed(new.collector), self._plan(new), _kind(new)
        if kind not in self._alike:
            self._alike[kind] = self._compiled_differ(device_id)
        return self._alike[kind]

    def _moves(self, old: Device, new: Device) -> bool:
        """Whether another member of the pool that a device names watches it then."""
        pools = self._before.pools.get(new.collector), self._after.pools.get(new.collector)
        return pools[0] is not pools[1] and self._owner(self._before, old) != self._owner(self._after, new)

    def _changed(self, name: str) -> str:
        """The collector or pool that a device names, where that has changed; what others say decides over nothing."""
        return name if self._before.settings_of(name) is not self._after.settings_of(name) else ""

    def _plan(self, device: Device) -> str:
        """The user's own plan that holds for a device, whoever says so."""
        if not self._after.plans:
            return ""
        name = held_name(self._after.properties_of(device))
        return name if name in self._after.plans else ""

    def _compiled_differ(self, device_id: str) -> bool:
        return any(
            _compiled(old, self._before, device_id) != _compiled(new, self._after, device_id)
            for old, new in self._compilers
        )


def _compiled(compiler: ICompiler, model: Model, device_id: str) -> bytes | str:
    """The config, or why there is none."""
    try:
        return canonical(compiler.compile(model, device_id))
    except PermanentError as error:
        return error.message


def _kind(device: Device) -> Hashable:
    """All that decides whether a change is seen in the configs of a device of which nothing else has changed.

    A property of its own goes into them as it is, before and after; only those that decide over others count by value.
    """
    own = tuple(sorted((name, value if name in DECIDING else None) for name, value in device.properties.items()))
    return scope_of(device), own, device.templates, bool(device.address)
