"""One question to the collector that owns a device: who that is, how long it may take, what its refusal means."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, from addTimeout
from twisted.internet.interfaces import IReactorTime

from common.configs import SERVICE_PROCESS
from common.errors import NotFoundError, RemoteError, TocsinError, TransientError
from common.queries import Query, Result
from common.wire import FailureCode
from hub.interfaces import ISession

LIMIT_S = 30.0

T = TypeVar("T")
R = TypeVar("R")


class CollectorAwayError(TransientError):
    """The collector that would have to answer is not connected, or cannot answer now."""


class TooSlowError(TransientError):
    """The collector did not answer in time."""


def collector_of(device: str, owner: Callable[[str], str | None], is_collector: Callable[[str], bool]) -> str:
    """The collector that owns a device; a collector has its own series.

    Raises:
        NotFoundError: there is no such device.
    """
    owning = owner(device)
    if owning is not None:
        return owning
    if is_collector(device):
        return device
    raise NotFoundError(f"there is no device {device!r}; `tocsin device list` shows those that there are")


class Asker:
    """Finds the right session, and asks it in time.

    Every method raises `NotFoundError` for a device that nobody has, `CollectorAwayError` when its collector is not
    there, `TooSlowError` when the answer takes longer than half a minute, `RemoteError` for what the collector refuses.
    """

    def __init__(
        self,
        clock: IReactorTime,
        owner: Callable[[str], str | None],
        is_collector: Callable[[str], bool],
        session: Callable[[str, str], ISession | None],
        whereabouts: Callable[[str, str], str],
        service: str = SERVICE_PROCESS,
    ) -> None:
        self._clock = clock
        self._owner = owner
        self._is_collector = is_collector
        self._session = session
        self._whereabouts = whereabouts
        self._service = service

    def seconds(self) -> float:
        """The time, by the clock that answers are waited for with."""
        return self._clock.seconds()

    async def ask(self, session: ISession, query: Query, answer: type[R]) -> R:
        """Ask one question, whose answer fits into one message."""
        try:
            result: Result = await session.query(query)
        except RemoteError as error:
            raise _local(error, session.collector) from None
        except TransientError as error:
            raise CollectorAwayError(f"collector {session.collector} does not answer: {error.message}") from None
        if not isinstance(result, answer):
            raise CollectorAwayError(
                f"collector {session.collector} answered {type(result).__name__} to {type(query).__name__}; "
                "hub and collector may be of different versions"
            )
        return cast("R", result)

    async def in_time(self, work: Coroutine[Any, Any, T], limit_s: float = LIMIT_S) -> T:
        """Wait for the answer to some questions, no longer than that."""
        asking: Deferred[T] = Deferred.fromCoroutine(work)
        asking.addTimeout(limit_s, self._clock)
        try:
            return await asking
        except TimeoutError:
            raise TooSlowError(
                f"the collector did not answer within {limit_s:.3g} s; ask for less, or try again"
            ) from None

    def of(self, device: str) -> ISession:
        """The session of the collector that owns a device."""
        return self.at(self.collector_of(device))

    def collector_of(self, device: str) -> str:
        """The collector that owns a device; a collector has its own series."""
        return collector_of(device, self._owner, self._is_collector)

    def at(self, collector: str, service: str | None = None) -> ISession:
        """The session of a collector's daemon."""
        daemon = service or self._service
        session = self._session(collector, daemon)
        if session is None:
            raise CollectorAwayError(self._whereabouts(collector, daemon))
        return session


def is_unread(error: RemoteError) -> bool:
    """Whether a collector could not read the question itself: it is older than this hub."""
    return error.code == FailureCode.BAD_REQUEST.value and error.message.startswith("query: ")


def _local(error: RemoteError, collector: str) -> TocsinError:
    """What a collector's refusal means to who asked the hub."""
    if error.code == FailureCode.NOT_FOUND.value:
        return NotFoundError(error.message, error.details)
    if error.code in {FailureCode.UNAVAILABLE.value, FailureCode.BUSY.value}:
        return CollectorAwayError(f"collector {collector} cannot answer now: {error.message}", error.details)
    return error
