"""How the configs of all services stand together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twisted.internet.defer import Deferred

from hub.distribution.agreement import Shortfall
from hub.distribution.distributor import Distributor


class Everywhere:
    """Asks each service; a revision is live when it runs wherever any of them should run it."""

    def __init__(self, services: Sequence[Distributor]) -> None:
        self._services = services  # others may come to these

    def behind(self, revision: int | None = None, device: str | None = None) -> list[tuple[str, Shortfall]]:
        """Where a revision, by default the newest, is not live, and why; with the name of the service."""
        return [(one.service, row) for one in self._services for row in one.behind(revision, device)]

    async def wait_live(self, revision: int, timeout_s: float, device: str | None = None) -> bool:
        """Wait until a revision is live for all services; False when that takes longer than `timeout_s`."""
        waits = [Deferred.fromCoroutine(one.wait_live(revision, timeout_s, device)) for one in self._services]
        try:
            for one in waits:
                await one
        finally:
            for one in waits:  # when nobody waits any more
                one.addErrback(lambda _: None)
                one.cancel()
        return all(one.is_live(revision, device) for one in self._services)

    def push_again(self, devices: Iterable[str]) -> int:
        """Compile these and send them again, changed or not; give the revision that they will be of."""
        named = list(devices)
        return max(one.push_again(named) for one in self._services)
