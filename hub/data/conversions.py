"""Has collectors convert files whose layout is not the one that their samples have now, and asks how far they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from msgspec import Struct
from twisted.internet.defer import Deferred, DeferredList, TimeoutError  # noqa: A004 - Twisted's, from addTimeout
from twisted.internet.interfaces import IReactorTime

from common.conversion import MAX_DEVICES, ConversionMode, ConversionQuery, ConversionState
from common.errors import PermanentError, RemoteError, TocsinError
from common.queries import Result
from hub.data.asking import LIMIT_S, collector_of, is_unread
from hub.distribution.roster import Seat
from hub.interfaces import ISession


class Sessions(Protocol):
    """What is needed of a `Roster`."""

    def seats(self) -> Sequence[Seat]:
        """All daemons that are known."""

    def whereabouts(self, collector: str, daemon: str) -> str:
        """The sentence for a daemon that is away."""


class Asked(Struct, frozen=True, kw_only=True):
    """A daemon that was asked: how things stand there, or why that is not known."""

    collector: str
    daemon: str
    state: ConversionState | None = None
    problem: str = ""


class ConversionDesk:
    """Asks all daemons that may have files of devices, each beside the others.

    Args:
        clock: monotonic.
        sessions: who is there.
        owner: the collector of a device; None where there is none.
        is_collector: whether a name is that of a collector, which has series of its own.
    """

    def __init__(
        self,
        clock: IReactorTime,
        sessions: Sessions,
        owner: Callable[[str], str | None],
        is_collector: Callable[[str], bool],
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._owner = owner
        self._is_collector = is_collector

    async def ask(self, devices: Collection[str], mode: ConversionMode) -> list[Asked]:
        """Ask about the files of devices, or about all files.

        Raises:
            NotFoundError: there is no such device.
            PermanentError: too many are named.
        """
        wanted: dict[str, list[str]] = {}
        for device in dict.fromkeys(devices):
            wanted.setdefault(collector_of(device, self._owner, self._is_collector), []).append(device)
        if any(len(named) > MAX_DEVICES for named in wanted.values()):
            raise PermanentError(f"at most {MAX_DEVICES} devices of a collector can be named; ask for all instead")
        asked: list[Asked] = []

        async def one(seat: Seat) -> None:
            asked.append(await self._one(seat, ConversionQuery(devices=wanted.get(seat.collector, []), mode=mode)))

        seats = [seat for seat in self._sessions.seats() if not devices or seat.collector in wanted]
        await DeferredList([Deferred.fromCoroutine(one(seat)) for seat in seats])
        there = {one.collector for one in asked}
        asked += [Asked(collector=name, daemon="", problem="it was never seen") for name in wanted if name not in there]
        return sorted(asked, key=lambda one: (one.collector, one.daemon))

    async def _one(self, seat: Seat, query: ConversionQuery) -> Asked:
        if seat.session is None:
            problem = self._sessions.whereabouts(seat.collector, seat.daemon)
            return Asked(collector=seat.collector, daemon=seat.daemon, problem=problem)
        try:
            state = await self._state(seat.session, query)
        except TocsinError as error:
            return Asked(collector=seat.collector, daemon=seat.daemon, problem=error.message)
        return Asked(collector=seat.collector, daemon=seat.daemon, state=state)

    async def _state(self, session: ISession, query: ConversionQuery) -> ConversionState:
        asking: Deferred[Result] = Deferred.fromCoroutine(session.query(query))
        asking.addTimeout(LIMIT_S, self._clock)
        try:
            result = await asking
        except TimeoutError:
            raise PermanentError(f"it did not answer within {LIMIT_S:g} s; try again") from None
        except RemoteError as error:
            if is_unread(error):
                raise PermanentError("it is of a version that does not know this question; update it") from None
            raise
        if not isinstance(result, ConversionState):
            raise PermanentError(f"it answered with {type(result).__name__}; update it")
        return result
