"""Who has which device now, and who may still collect one that is another's by now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twisted.internet.interfaces import IReactorTime

from hub.model.entities import (
    Device,
    Pool,
    WhenAlone,
)
from hub.model.model import Model
from hub.pools.passages import HANDOVER_S, Passages
from hub.pools.presence import Presence
from hub.pools.shares import Shares


class Holders:
    """Looks at the newest model, and at how the members of its pools stand.

    Attributes:
        presence: how they stand.
    """

    def __init__(self, clock: IReactorTime, model: Callable[[], Model], presence: Presence) -> None:
        self._clock = clock
        self._model = model
        self._shares = Shares(presence)
        self._passages = Passages()
        self.presence = presence

    def owner(self, device_id: str) -> str | None:
        """The collector that has a device now; None when the model has no such device."""
        return self._shares.owner(self._model(), device_id)

    def owner_of(self, model: Model, device: Device) -> str:
        """The collector that would have a device now, were the model so."""
        return self._shares.owner_of(model, device)

    def within(self, pool: Pool) -> Mapping[str, str]:
        """The owners of the devices of a pool."""
        return self._shares.within(self._model(), pool)

    def pool_of(self, device_id: str) -> Pool | None:
        """The pool that a device belongs to; None where it belongs to a collector."""
        model = self._model()
        device = model.devices.get(device_id)
        return None if device is None else model.pools.get(device.collector)

    def may_collect(self, collector: str, device_id: str) -> bool:
        """Whether a collector that holds a device of a pool may still collect it, and stops before long if it does.

        It lets go when it is told, or when its lease is over. Nothing is known of those that go on alone.
        """
        pool = self._leased(device_id)
        if pool is None:
            return False
        ended = self.presence.ended(collector)
        former = (one.pool for one in self._passages.of(device_id) if ended <= one.at + HANDOVER_S)
        return self.presence.may_collect((pool, *former), collector, self._clock.seconds())

    def is_over(self, collector: str, device_id: str) -> bool:
        """Whether a collector that is away collects a device of a pool no more: its lease is over."""
        if self._leased(device_id) is None or self.presence.is_there(collector):
            return False
        return not self.may_collect(collector, device_id)

    def may_return(self, device_id: str, collector: str) -> bool:
        """Whether a collector is a member of the device's pool whose devices others have, until it is back for good."""
        pool = self.pool_of(device_id)
        return pool is not None and collector in pool.members and self.presence.is_out(pool.id, collector)

    def rivals(self, device_id: str) -> Sequence[str]:
        """The members of a device's pools, which may hold it without having said so to this hub yet."""
        pool = self._leased(device_id)
        if pool is None:
            return ()
        former = (name for one in self._passages.of(device_id) for name in one.pool.members)
        return tuple(dict.fromkeys((*pool.members, *self.presence.former(pool, self._clock.seconds()), *former)))

    def _leased(self, device_id: str) -> Pool | None:
        pool = self.pool_of(device_id)
        return pool if pool is not None and pool.when_alone is WhenAlone.STOP else None
