"""Which device is whose, in any model, as the members of its pools stand now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from common.rendezvous import Rendezvous
from hub.model.entities import Device, Pool
from hub.model.model import Model
from hub.pools.presence import Presence, Turn

MOST_KEPT = 32
"""What so many choices of members have is kept: who goes often comes back soon, and models are planned in vain."""

Moves = dict[str, tuple[str, str]]
"""From whom to whom, by device."""


class Shares:
    """Looks up the owner of a device; what a pool's members have is reckoned once until one of them goes or comes."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._kept: dict[tuple[str, tuple[str, ...]], Rendezvous] = {}  # by pool and its members
        self._among: dict[tuple[str, ...], Rendezvous] = {}  # by those that are in

    def owner(self, model: Model, device_id: str) -> str | None:
        """The collector that has a device; None when the model has no such device."""
        device = model.devices.get(device_id)
        return None if device is None else self.owner_of(model, device)

    def owner_of(self, model: Model, device: Device) -> str:
        """The collector that has a device, or would have it, were the model so."""
        pool = model.pools.get(device.collector)
        return device.collector if pool is None else self._of(pool).owner_of(device.id)

    def within(self, model: Model, pool: Pool) -> dict[str, str]:
        """The owners of the devices of a pool."""
        share = self._of(pool)
        return {device: share.owner_of(device) for device in model.by_collector().get(pool.id, ())}

    def after(self, model: Model, pool: Pool, turns: Iterable[Turn]) -> Moves:
        """What would move within a pool, should some members go or come."""
        share = self._share(self._presence.candidates(pool, turns))
        before = self.within(model, pool)
        return {device: (old, new) for device, old in before.items() if (new := share.owner_of(device)) != old}

    def forget_pools(self, pools: Iterable[str]) -> None:
        """Who has the devices of these pools is to be reckoned anew."""
        gone = set(pools)
        self._kept = {key: share for key, share in self._kept.items() if key[0] not in gone}

    def forget_devices(self, devices: Iterable[str]) -> None:
        """These are in no pool any more."""
        named = list(devices)
        for share in self._among.values():
            share.forget(named)

    def _of(self, pool: Pool) -> Rendezvous:
        key = pool.id, pool.members
        share = self._kept.get(key)
        if share is None:
            share = self._kept[key] = self._share(self._presence.candidates(pool))
        return share

    def _share(self, among: tuple[str, ...]) -> Rendezvous:
        share = self._among.get(among)
        if share is None:
            if len(self._among) >= MOST_KEPT:
                self._among.clear()
                self._kept.clear()
            share = self._among[among] = Rendezvous(among)
        return share


def numbers(moves: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
    """How many devices go from whom to whom, the most first."""
    counted: dict[tuple[str, str], int] = {}
    for move in moves:
        counted[move] = counted.get(move, 0) + 1
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
