"""When each page is read: a job for each source of that type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from collectors.framework.kit import Due, Job
from collectors.framework.sources.results import Result
from collectors.framework.worker import NamedThread
from collectors.probes.scraping.fetching import Fetcher
from collectors.probes.scraping.readings import failure, reading
from common.configs import DeviceConfig
from common.errors import TransientError
from common.sources import ScrapeSource

SPARE_S = 5.0


class Scraping:
    """Reads pages; a service, too.

    Args:
        allowed: files that may be read.
    """

    def __init__(self, reactor: Any, clock: Any, wall: Any, allowed: Sequence[str]) -> None:
        self._wall = wall
        self._thread = NamedThread(reactor, "pages")
        self._fetcher = Fetcher(reactor, clock, self._thread, allowed)

    def startService(self) -> None:
        """Be ready."""
        self._thread.start()

    async def _stop(self) -> None:
        await self._fetcher.close()
        self._thread.stop()

    def stopService(self) -> Any:
        """Let go of connections and of the thread."""
        return Deferred.fromCoroutine(self._stop())

    def jobs(self, config: DeviceConfig) -> Iterable[Job]:
        """One for each source of a device."""
        for source in config.sources:
            if isinstance(source, ScrapeSource):
                yield Job(
                    id=f":page {source.id}",
                    intervals=[source.interval_s],
                    run=partial(self._read, source),
                    parameters=source,
                    timeout_s=source.timeout_s + SPARE_S,
                )

    async def _read(self, source: ScrapeSource, due: Due) -> Sequence[Result]:
        step = due.steps[source.interval_s]
        try:
            text = await self._fetcher.fetch(source.url, source.timeout_s)
        except TransientError as error:
            return [failure(source, error.message, step)]
        now = self._wall()
        return [await self._thread.run(lambda: reading(source, text, step, now))]
