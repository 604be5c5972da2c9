"""Deletes the files of devices that have left when the hub says so, and tells how far it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from collectors.framework.data.orders import Outcome, Progress, Purge, PurgeDone
from common.errors import PermanentError, TocsinError, TransientError
from common.holdings import Purged, PurgeQuery

PATIENCE_S = 5.0
"""So long an answer waits for the end of a purge; a longer one is asked after again."""
MOST_KEPT = 32

_log = Logger()


class Files(Protocol):
    """What is needed of a `SampleWriter`."""

    @property
    def order(self) -> Callable[..., Awaitable[Outcome]]:
        """Has the writer process do something."""

    async def fresh(self, *devices: str) -> bool:
        """Have what was accepted of devices written now; False when that did not succeed."""


class _Work:
    def __init__(self) -> None:
        self.told = Purged(done=False)
        self.error: TocsinError | None = None
        self.waiting: list[Deferred[None]] = []

    @property
    def over(self) -> bool:
        return self.told.done or self.error is not None

    def wake(self) -> None:
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            if not one.called:
                one.callback(None)


class Purger:
    """Answers the hub's orders to delete.

    Args:
        clock: monotonic.
        files: writes samples, and carries out orders.
        is_held: whether a device is collected here, or is the collector itself.
    """

    def __init__(self, clock: IReactorTime, files: Files, is_held: Callable[[str], bool]) -> None:
        self._clock = clock
        self._files = files
        self._is_held = is_held
        self._works: dict[str, _Work] = {}

    async def answer(self, query: PurgeQuery) -> Purged:
        """Begin a purge, or tell how far it has come.

        Raises:
            PermanentError: one of the devices is collected here.
            TransientError: not now; what was not deleted, the same order deletes later.
        """
        work = self._works.get(query.token)
        if work is None:
            self._check(query)
            while len(self._works) >= MOST_KEPT:
                self._works.pop(next(iter(self._works)))
            work = self._works[query.token] = _Work()
            Deferred.fromCoroutine(self._purge(query, work)).addErrback(
                lambda failure: _log.failure("a purge failed", failure)
            )
        if not work.over:
            await self._wait(work)
        if work.error is not None:
            self._works.pop(query.token, None)
            raise work.error
        return work.told

    def _check(self, query: PurgeQuery) -> None:
        if here := [device for device in query.devices if self._is_held(device)]:
            raise PermanentError(f"{here[0]} is collected here, and its files stay")

    async def _wait(self, work: _Work) -> None:
        waiting: Deferred[None] = Deferred()
        work.waiting.append(waiting)
        late = self._clock.callLater(PATIENCE_S, work.wake)
        try:
            await waiting
        finally:
            if late.active():
                late.cancel()

    async def _purge(self, query: PurgeQuery, work: _Work) -> None:
        def heard(progress: Progress) -> None:
            work.told = Purged(done=False, files=progress.done, of=progress.of)

        try:
            if not await self._files.fresh(*query.devices):
                raise TransientError("the last samples of these devices are not in their files yet; try again")
            self._check(query)  # one may have come back meanwhile
            outcome = await self._files.order(Purge(devices=query.devices), heard)
            if not isinstance(outcome, PurgeDone):
                raise TransientError(f"the writer process answered with {type(outcome).__name__}")
            for one in outcome.devices:
                _log.info(
                    "purged {device}: {files} files, {bytes} bytes, as {by} wants",
                    device=one.device,
                    files=one.files,
                    bytes=one.bytes,
                    by=query.by or "the hub",
                )
            work.told = Purged(done=True, devices=outcome.devices)
        except TocsinError as error:
            work.error = error
            _log.warn("{count} devices could not be purged: {reason}", count=len(query.devices), reason=error.message)
        finally:
            if not work.over:
                work.error = TransientError("the purge was cut short; try again")
            work.wake()
