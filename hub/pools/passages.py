"""Devices that came from one pool to another: who had them there may hold them with the lease of that pool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from hub.model.entities import Device, Pool, WhenAlone
from hub.model.model import Model
from hub.pools.presence import SLACK_S

HANDOVER_S = 300.0
"""A collector whose session stood for so long after the move has let go of the device, or has the config of the new
pool; the end of a session that was broken before is noticed much sooner."""


class Passage(Struct, frozen=True):
    """A device left a pool, at this second of a clock that only goes forward."""

    pool: Pool
    at: float


class Passages:
    """Remembers them for as long as a lease of the former pool may run."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Passage, ...]] = {}

    def note(self, before: Model, after: Model, devices: Iterable[str], now: float) -> None:
        """A revision concerns these devices."""
        for name in devices:
            pool = _left(before, before.devices.get(name), after.devices.get(name))
            if pool is not None and pool.when_alone is WhenAlone.STOP:
                self._of[name] = (*self._of.get(name, ()), Passage(pool, now))
        current = {name: tuple(one for one in passed if _counts(one, now)) for name, passed in self._of.items()}
        self._of = {name: passed for name, passed in current.items() if passed}

    def pools(self) -> Iterable[Pool]:
        """Those that devices came from lately, some of them twice."""
        return (one.pool for passed in self._of.values() for one in passed)

    def of(self, device: str) -> Sequence[Passage]:
        """Where a device came from lately."""
        return self._of.get(device, ())


def _left(before: Model, old: Device | None, new: Device | None) -> Pool | None:
    """The pool that a device left."""
    if old is None or (new is not None and new.collector == old.collector):
        return None
    return before.pools.get(old.collector)


def _counts(passage: Passage, now: float) -> bool:
    return now < passage.at + HANDOVER_S + passage.pool.failover_after_s + SLACK_S
