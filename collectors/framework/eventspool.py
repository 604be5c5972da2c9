"""The durable queue of events, and the states they were decided from, until the hub has the events.

What several tasks send within a few milliseconds goes to disk in one transaction, in a thread of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework.eventbytes import decode_event, encode_event, rank
from collectors.framework.interfaces import IEventSink, IStateStore
from collectors.framework.ownevents import own_event
from collectors.framework.spooldb import WINDOW, Forget, Gap, Put, SpoolDb
from collectors.framework.spoolfile import DamagedSpoolError
from collectors.framework.worker import Worker
from common.errors import TransientError
from common.events import Detail, Event, Severity
from common.wire import EventBatch, SpooledEvent

T = TypeVar("T")

_log = Logger()

GATHER_S = 0.02
"""How long a decision waits for others before the sync begins."""
MAX_WAITING = 20_000
MAX_BATCH_BYTES = 200 * 1024
"""Of one batch before compression; the wire takes 256 KiB after it."""


class SpoolSettings(Struct, frozen=True, kw_only=True):
    """How much of what the hub has not got yet is kept.

    Attributes:
        max_events: events; the least severe of the oldest go first, counted.
        max_mb: megabytes of events.
    """

    max_events: Annotated[int, Meta(ge=2 * WINDOW)] = 100_000
    max_mb: Annotated[float, Meta(ge=1)] = 64.0


@implementer(IEventSink, IStateStore)
class EventSpool(Service):
    """Takes events and states, keeps them, hands events out in batches.

    Args:
        path: of the database file.
        source: id of the device under which the daemon reports itself.
        wall: epoch seconds.
        on_problem: told a sentence when the disk refuses, and "" when it takes events again.
        on_events: called when there is something to send.
    """

    def __init__(
        self,
        clock: IReactorTime,
        worker: Worker,
        path: Path,
        source: Callable[[], str],
        wall: Callable[[], float],
        settings: SpoolSettings | None = None,
        *,
        on_problem: Callable[[str], None] = lambda _: None,
        on_events: Callable[[], None] = lambda: None,
    ) -> None:
        limits = settings or SpoolSettings()
        self._clock = clock
        self._worker = worker
        self._source = source
        self._wall = wall
        self._db = SpoolDb(path, limits.max_events, int(limits.max_mb * 1024 * 1024), self._gap_event)
        self.on_problem = on_problem
        self.on_events = on_events
        self._waiting: list[tuple[Put | Forget, Deferred[None] | None]] = []
        self._fresh: dict[str, bytes | None] = {}  # states that are not on disk yet
        self._due: IDelayedCall | None = None
        self._flushing: Deferred[None] | None = None
        self._forgotten = 0  # the hub holds all up to here; the disk may not know yet
        self._problem = ""

    # --- what the daemon asks -----------------------------------------------------------------------------------------

    @property
    def spool(self) -> str:
        """Id of the spool, for the hub."""
        return self._db.spool

    @property
    def queued(self) -> int:
        """Events that the hub has not got yet."""
        confirmed = max(0, self._forgotten - self._db.base)
        arriving = sum(len(entry.events) for entry, _ in self._waiting if isinstance(entry, Put))
        return max(0, self._db.rows - confirmed) + arriving

    @property
    def confirmed(self) -> int:
        """Highest number that a hub has confirmed to hold, of the spool that there is now."""
        return max(self._forgotten, self._db.base)

    @property
    def dropped(self) -> int:
        """Events lost to a full spool since the daemon started."""
        return self._db.dropped

    # --- IEventSink, IStateStore --------------------------------------------------------------------------------------

    async def send(self, events: Sequence[Event], state_key: str = "", state: bytes | None = None) -> None:
        """Store events and state in one transaction (see `IEventSink`)."""
        put = Put([self._row(event) for event in events], state_key, state)
        if not put.events and (state is None or not state_key):
            return
        if len(self._waiting) >= MAX_WAITING:
            raise TransientError(f"the event spool cannot keep up: {MAX_WAITING} decisions wait for the disk")
        done: Deferred[None] = Deferred()
        self._accept(put, done)
        await done

    async def settle(self) -> None:
        """Return when all that was sent before is on disk, or was refused."""
        if self._waiting or self._flushing is not None:
            done: Deferred[None] = Deferred()
            self._accept(Put([]), done)
            with contextlib.suppress(TransientError):
                await done

    def load(self, key: str) -> bytes | None:
        """Read a state (see `IStateStore`)."""
        if key in self._fresh:
            return self._fresh[key]
        try:
            return self._db.state(key)
        except TransientError as error:
            _log.error("state {key} cannot be read: {error}", key=key, error=str(error))
            return None

    def forget(self, key: str) -> None:
        """Drop a state (see `IStateStore`)."""
        self._accept(Forget(key), None)

    def _accept(self, entry: Put | Forget, done: Deferred[None] | None) -> None:
        if isinstance(entry, Forget):
            self._fresh[entry.key] = None
        elif entry.key and entry.state is not None:
            self._fresh[entry.key] = entry.state
        self._waiting.append((entry, done))
        if self._due is None and self._flushing is None:
            self._due = self._clock.callLater(GATHER_S, self._flush_due)

    # --- what the pump asks -------------------------------------------------------------------------------------------

    async def next_batch(self, limit: int, max_bytes: int = MAX_BATCH_BYTES) -> EventBatch:
        """Read what is to be sent next, in order; no events when the hub has everything.

        Raises:
            TransientError: the disk refuses.
        """

        def read() -> tuple[str, list[tuple[int, bytes]]]:
            return self._db.spool, self._db.read(max(self._forgotten, self._db.base), limit, max_bytes)

        spool, rows = await self._work(read)
        return EventBatch(spool=spool, events=[SpooledEvent(seq, self._read(seq, body)) for seq, body in rows])

    async def forget_up_to(self, seq: int, spool: str) -> None:
        """Forget what the hub holds of a spool: all up to a number.

        It is not sent again even when the disk refuses to delete it now.

        Raises:
            TransientError: the disk refused; the next call, or the next start, deletes it.
        """

        def forget() -> None:
            if self._db.spool == spool:
                self._forgotten = max(self._forgotten, seq)
                self._db.forget_to(self._forgotten)

        await self._work(forget)

    async def resume(self, seq: int, spool: str) -> str:
        """Go on from what the hub says that it holds; returns a sentence when that does not fit what we know.

        A hub that was restored from a backup holds less than it has confirmed: then numbers begin anew, under a new
        id of the spool, and everything that is here is sent. A hub that holds more than there ever was says that it is
        we who were restored.

        Raises:
            TransientError: the disk refuses.
        """
        if self._db.spool != spool:
            return ""
        confirmed, last = self.confirmed, self._db.base + min(self._db.rows, WINDOW)
        if confirmed <= seq <= last:
            await self.forget_up_to(seq, spool)
            return ""
        await self.forget_up_to(confirmed, spool)
        await self._work(self._renew)
        if seq < confirmed:
            return (
                f"the hub holds events of this spool up to {seq}, but has confirmed {confirmed}: it lost "
                f"{confirmed - seq}, as when it is restored from a backup"
            )
        return (
            f"the hub holds events of this spool up to {seq}, but was never sent more than {last}: the spool is older "
            "than the hub's record, as when it is restored from a backup; some events may come twice"
        )

    async def replace(self, seq: int, spool: str, event: Event) -> None:
        """Put another event in the place of one that the hub refuses.

        Raises:
            TransientError: the disk refuses.
        """
        row = self._row(event)

        def replace() -> None:
            if self._db.spool == spool:
                self._db.replace(seq, row)

        await self._work(replace)

    def _renew(self) -> None:
        self._db.renew()
        self._forgotten = 0

    # --- service ------------------------------------------------------------------------------------------------------

    def startService(self) -> None:
        """Open the file; a damaged one is set aside, and an event says so."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        said = self._db.open()
        self._worker.start()
        self._note_set_aside(said)

    def stopService(self) -> Deferred[None]:
        """Put on disk what waits, and close the file."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._flushing is not None:
            await _quietly(self._flushing)
        while self._waiting:
            await self._flush()
        self._worker.stop()
        self._db.close()

    # --- to disk ------------------------------------------------------------------------------------------------------

    def _flush_due(self) -> None:
        self._due = None
        self._flushing = Deferred.fromCoroutine(self._flush())
        if self._flushing.called:
            self._flushed()
        else:
            self._flushing.addBoth(lambda _: self._flushed())

    def _flushed(self) -> None:
        self._flushing = None
        if self._waiting and self._due is None and self.running:
            self._due = self._clock.callLater(GATHER_S, self._flush_due)

    async def _flush(self) -> None:
        """Store all that waits in one transaction, and tell those who wait for it."""
        batch, self._waiting = self._waiting, []
        entries = [entry for entry, _ in batch]
        error: Exception | None = None
        try:
            await self._work(lambda: self._db.commit(entries))
        except Exception as problem:  # noqa: BLE001 - the supervisor of the flush: each sender gets to know
            error = problem
            if not isinstance(problem, TransientError):
                _log.failure("defect in the event spool")
        self._settle(entries)
        for _, done in batch:
            if done is not None and not done.called:
                if error is None:
                    done.callback(None)
                else:
                    done.errback(TransientError(str(error)))
        if error is None and any(isinstance(entry, Put) and entry.events for entry in entries):
            self.on_events()

    def _settle(self, entries: Sequence[Put | Forget]) -> None:
        """Let the disk answer again for states, unless a newer one waits."""
        newer = {entry.key for entry, _ in self._waiting}
        for entry in entries:
            if entry.key not in newer:
                self._fresh.pop(entry.key, None)

    async def _work(self, work: Callable[[], T]) -> T:
        """Do it in the thread; a file that turns out to be damaged is set aside, and it is tried once more."""
        try:
            result = await self._worker.run(work)
        except DamagedSpoolError:
            self._note_set_aside(await self._worker.run(self._reopen))
            result = await self._worker.run(work)
        except TransientError as error:
            self._tell(str(error))
            raise
        self._tell("")
        return result

    def _reopen(self) -> str:
        said = self._db.open()
        if said:
            self._forgotten = 0
        return said

    def _note_set_aside(self, sentence: str) -> None:
        if not sentence:
            return
        sentence = " ".join(sentence.split())
        _log.error("{sentence}", sentence=sentence)
        event = own_event(
            self._source(), self._wall(), "spool_damaged", Severity.ERROR, sentence[:1].upper() + sentence[1:]
        )
        self._accept(Put([self._row(event)]), None)

    def _tell(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self.on_problem(problem)

    # --- rows ---------------------------------------------------------------------------------------------------------

    @staticmethod
    def _row(event: Event) -> tuple[int, float, bytes]:
        return rank(event), float(event.at), encode_event(event)

    def _read(self, seq: int, body: bytes) -> Event:
        try:
            return decode_event(body)
        except msgspec.MsgspecError as error:
            summary = f"Event {seq} in the spool cannot be read any more and is lost: {error}"
            return own_event(
                self._source(), self._wall(), "event_unreadable", Severity.WARNING, summary, details={"seq": seq}
            )

    def _gap_event(self, gap: Gap) -> tuple[int, float, bytes]:
        names = {int(level): level.label for level in Severity}
        parts = [f"{count} {names.get(level, level)}" for level, count in sorted(gap.by_rank.items())]
        summary = f"{gap.count} events were dropped because the event spool was full ({', '.join(parts)})"
        details: dict[str, Detail] = {"count": gap.count, "first_at": gap.first, "last_at": gap.last}
        return self._row(
            own_event(self._source(), self._wall(), "events_dropped", Severity.ERROR, summary, details=details)
        )


async def _quietly(waiting: Deferred[None]) -> None:
    over: Deferred[None] = Deferred()
    waiting.addBoth(lambda _: over.callback(None))
    await over
