"""Hands the spool's events to the hub: one batch in flight, forgotten when the hub has committed it."""

from __future__ import annotations

import random
from collections.abc import Callable

from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from collectors.framework.eventspool import EventSpool
from collectors.framework.interfaces import IHub
from collectors.framework.ownevents import own_event
from common.errors import RemoteError, TocsinError, TransientError
from common.events import CLASS_DAEMON, Severity
from common.wire import EventBatch, FailureCode, WireError

MAX_BATCH = 500
MAX_BACKOFF_S = 30.0
_LONGEST_STREAK = 16
_CONTENT = frozenset({FailureCode.BAD_REQUEST.value, FailureCode.TOO_LARGE.value})
"""Refusals that are about what was sent; another attempt would be refused again."""


class PumpFigures(Struct, frozen=True, kw_only=True):
    """What the pump has done since the daemon started.

    Attributes:
        refused: events that the hub did not take, and that others stand for.
    """

    sent: int = 0
    batches: int = 0
    refused: int = 0


class EventPump:
    """Sends while there is a session.

    Args:
        hub: where events go.
        source: id of the device under which the daemon reports itself.
        wall: epoch seconds.
        on_problem: told why events do not get through, and "" when they do.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        rng: random.Random,
        spool: EventSpool,
        hub: IHub,
        source: Callable[[], str],
        wall: Callable[[], float],
        *,
        on_problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._spool = spool
        self._hub = hub
        self._source = source
        self._wall = wall
        self._on_problem = on_problem
        self._problem = ""
        self._work: Deferred[None] | None = None
        self._idle: Deferred[None] | None = None
        self._more = False
        self._limit = MAX_BATCH
        self.figures = PumpFigures()
        spool.on_events = self.wake

    def attached(self, stored_seq: int, spool: str, *, other_store: bool = False) -> None:
        """Begin to send: the hub holds events of the spool up to a number.

        From another store than the last, for example one that was restored from a backup, it is no news that some are
        missing there: the hub itself has told that.
        """
        self.detached()
        self._limit = MAX_BATCH
        self._work = Deferred.fromCoroutine(self._session(stored_seq, spool, other_store))

    def detached(self) -> None:
        """Stop sending; a batch that is in flight may or may not have arrived, which the next session tells."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def wake(self) -> None:
        """Look for events now."""
        self._more = True
        if self._idle is not None:
            idle, self._idle = self._idle, None
            idle.callback(None)

    # --- one session --------------------------------------------------------------------------------------------------

    async def _session(self, stored_seq: int, spool: str, other_store: bool) -> None:  # noqa: FBT001 - as above
        try:
            await self._insist(lambda: self._resume(stored_seq, spool, tells=not other_store))
            while True:
                self._more = False
                if not await self._insist(self._step) and not self._more:
                    await self._sleep()
        except CancelledError:
            pass
        except Exception:  # noqa: BLE001 - the supervisor of the pump; the next session tries again
            self.log.failure("defect in the event pump")
            self._tell("an error of ours stopped the sending of events; the traceback is in the log")

    async def _sleep(self) -> None:
        self._idle = Deferred()
        await self._idle

    async def _insist(self, step: Callable[[], object]) -> bool:
        """Try a step until it succeeds; say whether it found something to do."""
        failures = 0
        while True:
            try:
                done: bool = await step()  # type: ignore[misc]  # a coroutine function
            except TocsinError as error:
                failures += 1
                self._tell(f"events wait: {error.message}")
                pause_s = self._rng.uniform(0.0, min(MAX_BACKOFF_S, 2.0 ** min(failures, _LONGEST_STREAK)))
                await deferLater(self._clock, pause_s, lambda: None)
            else:
                self._tell("")
                return done

    async def _resume(self, stored_seq: int, spool: str, *, tells: bool = True) -> bool:
        said = await self._spool.resume(stored_seq, spool)
        if said:
            self.log.error("{said}", said=said)
        if said and tells:
            await self._spool.send(
                [own_event(self._source(), self._wall(), "events_lost", Severity.ERROR, said[:1].upper() + said[1:])]
            )
        return True

    async def _step(self) -> bool:
        """Send one batch and forget what the hub has; False when there was none."""
        batch = await self._spool.next_batch(self._limit)
        if not batch.events:
            return False
        try:
            stored = await self._hub.send_events(batch)
        except (RemoteError, WireError) as error:
            if isinstance(error, RemoteError) and error.code not in _CONTENT:
                raise
            await self._narrow(batch, error)
            return True
        await self._settle(batch, stored.seq)
        return True

    async def _settle(self, batch: EventBatch, seq: int) -> None:
        first, last = batch.events[0].seq, batch.events[-1].seq
        if not first <= seq <= last:
            # The hub went on from somewhere else than it said: find out what it holds, as after a login.
            if seq == first - 1:
                raise TransientError(f"the hub stored nothing of events {first} to {last}")
            await self._resume(seq, batch.spool)
            return
        self._limit = min(MAX_BATCH, self._limit * 2)
        self.figures = PumpFigures(
            sent=self.figures.sent + seq - first + 1, batches=self.figures.batches + 1, refused=self.figures.refused
        )
        await self._spool.forget_up_to(seq, batch.spool)

    async def _narrow(self, batch: EventBatch, error: TocsinError) -> None:
        """Find the event that the hub refuses: send half as many; one alone is replaced by an event that says so."""
        if len(batch.events) > 1:
            self._limit = len(batch.events) // 2
            return
        (spooled,) = batch.events
        refused = spooled.event
        if refused.event_class == CLASS_DAEMON and refused.event_key == "event_refused":
            raise TransientError(f"the hub refuses even the plainest event: {error.message[:200]}")
        self.log.error("the hub refuses event {seq}: {error}", seq=spooled.seq, error=error.message[:300])
        details: dict[str, str | int] = {
            "refused_device": refused.device[:100],
            "refused_class": refused.event_class[:100],
            "refused_key": refused.event_key[:100],
            "refused_severity": int(refused.severity),
        }
        summary = f"The hub refused an event of {refused.device[:100]}: {error.message[:300]}"
        await self._spool.replace(
            spooled.seq,
            batch.spool,
            own_event(self._source(), self._wall(), "event_refused", Severity.ERROR, summary, details=details),
        )
        self.figures = PumpFigures(
            sent=self.figures.sent, batches=self.figures.batches, refused=self.figures.refused + 1
        )

    def _tell(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._on_problem(problem)
