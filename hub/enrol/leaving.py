"""What becomes of a collector that is thrown out, or is gone for good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from msgspec import Struct
from twisted.logger import Logger

from common.configs import SERVICE_PROCESS
from common.errors import NotFoundError, PermanentError
from common.events import HUB
from hub.distribution.absence import Absence
from hub.distribution.roster import Roster
from hub.enrol.desk import EnrolDesk, Revoked
from hub.model.model import Model

MAX_NAMES = 10

CloseDevices = Callable[[Iterable[str], str, float], Awaitable[int]]


class Forgets(Protocol):
    """Where daemons are remembered."""

    async def forget_daemon(self, collector: str, daemon: str) -> None:
        """Drop a daemon that will not come back."""

    async def retire(self, collector: str, daemon: str, by: str, at: float) -> int:
        """Close what it has open, as it will never say that it is over."""


class ForgetsConfigs(Protocol):
    """Where it is known which configs daemons have."""

    def forget(self, collector: str, daemon: str) -> None:
        """Wait no more for a daemon that will not come back."""


class Left(Struct, frozen=True, kw_only=True):
    """What a collector has to do with the model: devices that name it, and pools that it is a member of."""

    devices: list[str]
    pools: list[str]


class Leaving:
    """Revokes collectors, and removes those that nobody needs."""

    log = Logger()

    def __init__(
        self,
        desk: EnrolDesk,
        roster: Roster,
        absence: Absence,
        services: ForgetsConfigs,
        book: Forgets,
        close_devices: CloseDevices,
        model: Callable[[], Model],
        wall: Callable[[], float],
    ) -> None:
        """Join the parts.

        Args:
            desk: of certificates and tokens.
            roster: who is there.
            absence: rings for who is away.
            services: know which configs it has.
            book: of daemons.
            close_devices: closes what is open of devices: ids, by whom, when.
            model: the newest.
            wall: epoch seconds.
        """
        self._desk = desk
        self._roster = roster
        self._absence = absence
        self._services = services
        self._book = book
        self._close_devices = close_devices
        self._model = model
        self._wall = wall

    def needs(self, name: str) -> Left:
        """What the model has for a collector to do."""
        model = self._model()
        pools = sorted(pool.id for pool in model.pools.values() if name in pool.members)
        return Left(devices=sorted(model.by_collector().get(name, ())), pools=pools)

    def revoke(self, name: str, by: str) -> tuple[Revoked, Left]:
        """Revoke a collector, and tell what is without one now.

        Raises:
            NotFoundError: there is nothing to revoke.
            PermanentError: it is revoked already.
        """
        return self._desk.revoke(name, by), self.needs(name)

    async def remove(self, name: str, daemon: str | None, by: str) -> list[str]:
        """Forget a collector, or one of its daemons, that will not come back; return the daemons that are forgotten.

        Args:
            name: of the collector.
            daemon: the one that is to be forgotten; None for all, and the certificate with them.
            by: who wants it, for the events that are closed.

        Raises:
            NotFoundError: there is none of that name.
            PermanentError: it is connected, or the model needs it; of its daemons that holds for the one that collects,
                which pools and leases go by.
        """
        seats = [seat for seat in self._roster.seats() if seat.collector == name and daemon in {None, seat.daemon}]
        if not seats and (daemon is not None or name not in self._desk.names()):
            what = f"daemon {daemon} of collector {name}" if daemon is not None else f"collector {name}"
            raise NotFoundError(f"there is no {what}; `tocsin collector list` shows those that there are")
        connected = [seat.daemon for seat in seats if seat.session is not None]
        if connected:
            raise PermanentError(
                f"collector {name} is connected (daemon {', '.join(connected)}); stop its daemons first, or revoke it: "
                f"`tocsin collector revoke {name}`"
            )
        if daemon in {None, SERVICE_PROCESS}:
            self._refuse_if_needed(name)
        if daemon is None and self._is_enrolled(name):
            self._desk.revoke(name, by)
        for seat in seats:
            self._roster.forget(name, seat.daemon)
            self._absence.forget(name, seat.daemon)
            self._services.forget(name, seat.daemon)
            await self._book.forget_daemon(name, seat.daemon)
            await self._book.retire(name, seat.daemon, by or HUB, self._wall())
        if daemon is None and name not in self._model().devices:
            await self._close_devices([name], by, self._wall())
        gone = [seat.daemon for seat in seats]
        self.log.info("{by} removed collector {name}: {daemons}", name=name, by=by or "somebody", daemons=gone)
        return gone

    def _is_enrolled(self, name: str) -> bool:
        """Whether it has a certificate, or may get one."""
        return name in self._desk.names() or any(one.name == name for one in self._desk.open_tokens())

    def _refuse_if_needed(self, name: str) -> None:
        left = self.needs(name)
        if left.devices:
            raise PermanentError(
                f"collector {name} has {_count(len(left.devices), 'device')}: {_some(left.devices)}. First "
                "`tocsin device move DEVICE --collector NAME`"
            )
        if left.pools:
            raise PermanentError(f"collector {name} is a member of {_some(left.pools)}; take it out of the pool first")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _some(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
