"""One collector daemon that is logged in, as the rest of the hub sees it."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from common.edge.answers import soften
from common.edge.broker import HardBroker
from common.edge.lane import Lane
from common.edge.pulse import Pulse
from common.errors import PermanentError, RemoteError, TransientError
from common.queries import Query, Result
from common.wire import (
    Alive,
    Attach,
    ConfigBatch,
    ConfigsApplied,
    FailureCode,
    Held,
    HeldRequest,
    T,
    TaskCounts,
    WireError,
    decode_answer,
    decode_result,
    encode,
)
from hub.interfaces import ISession

QUERIES_AT_ONCE = 3
QUERIES_WAITING = 64
PARCELS_WAITING = 4
PUSHES_WAITING = 8


@implementer(ISession)
class CollectorSession:
    """Calls the collector: one `held` or `configs` at a time, and a few queries beside it.

    Calls wait until the answer to `attach` is on its way, so that the collector knows the version they speak.
    """

    def __init__(
        self,
        broker: HardBroker,
        clock: IReactorTime,
        wall: Callable[[], float],
        collector: str,
        request: Attach,
        check: Callable[[], None],
        *,
        timeout_s: float,
        heartbeat_s: float,
    ) -> None:
        """Prepare; `check` raises PermanentError when the session may not go on, and is asked before each ping."""
        self._broker = broker
        self._clock = clock
        self._wall = wall
        self._check = check
        self._timeout_s = timeout_s
        self._pushes = Lane(clock, limit=1, line=PUSHES_WAITING, wait_s=2 * timeout_s)
        self._queries = Lane(clock, limit=QUERIES_AT_ONCE, line=QUERIES_WAITING, wait_s=timeout_s)
        self._parcels = Lane(clock, limit=1, line=PARCELS_WAITING, wait_s=2 * timeout_s)
        self._pulse = Pulse(clock, broker, self._ping, heartbeat_s)
        self._ping_s = 12 * heartbeat_s  # the pulse judges by signs of life; this bounds the call itself
        self.collector = collector
        self.daemon = request.daemon
        self.host = request.host
        self.software = request.software
        self.position = request.position
        self.since = wall()
        self.counts = TaskCounts()

    @property
    def last_seen(self) -> float:
        """Epoch seconds of the last bytes from the collector."""
        return self._wall() - (self._clock.seconds() - self._broker.heard_at)

    def open(self) -> None:
        """The collector knows that it is logged in: let calls through, and listen for its pulse."""
        if self._broker.lost:
            return
        self._pushes.open()
        self._queries.open()
        self._parcels.open()
        self._pulse.start()

    def close(self, reason: str) -> None:
        """The connection is gone: fail what waits."""
        self._pushes.close(reason)
        self._queries.close(reason)
        self._parcels.close(reason)

    async def held(self, request: HeldRequest) -> Held:
        """Ask which configs it holds."""
        async with self._pushes:
            return await self._asked("held", request, Held)

    async def push(self, batch: ConfigBatch) -> ConfigsApplied:
        """Send configs."""
        async with self._pushes:
            return await self._asked("configs", batch, ConfigsApplied)

    async def query(self, query: Query) -> Result:
        """Ask what the collector knows."""
        return await self._answer(self._queries, query)

    async def carry(self, query: Query) -> Result:
        """Ask for a part of something large, or hand one on."""
        return await self._answer(self._parcels, query)

    async def _answer(self, lane: Lane, query: Query) -> Result:
        async with lane:
            answer = await self._broker.call("query", encode(query), self._timeout_s)
        try:
            return decode_result(answer)
        except WireError as error:
            raise self._lied(error) from None

    def abort(self, reason: str) -> None:
        """Cut the connection now."""
        self._broker.give_up(reason)

    async def _asked(self, name: str, message: HeldRequest | ConfigBatch, answer: type[T]) -> T:
        data = await self._broker.call(name, encode(message), self._timeout_s)
        try:
            return decode_answer(data, answer)
        except RemoteError as error:
            raise soften(error, FailureCode.UNAVAILABLE, FailureCode.BUSY) from None
        except WireError as error:
            raise self._lied(error) from None

    def _lied(self, error: WireError) -> TransientError:
        """End the session with a collector whose answers are none."""
        self._broker.give_up("an answer that does not fit its call")
        return TransientError(f"collector {self.collector} gave an answer that cannot be read: {error.message[:200]}")

    async def _ping(self) -> None:
        """Our own pulse, not the collector's, asks whether its certificate counts: it may keep its heartbeats back."""
        try:
            self._check()
        except PermanentError as error:
            self._broker.give_up(error.message)
            return
        decode_answer(await self._broker.call("ping", encode(Alive()), self._ping_s), Alive)
