"""What happened to whoever a graph is of: from the hub's store, and the restarts that the collector has counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable, Sequence
from typing import Any, NoReturn, Protocol, TypeVar, cast

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from common.errors import TocsinError, TransientError
from common.events import Severity
from common.processpoints import PROCESS_SOURCE
from common.queries import FetchQuery, Rows
from hub.graphs.happened import Happening, happenings
from hub.graphs.subjects import Book, Whose, told_apart
from hub.interfaces import EventRecord

WITHIN_S = 2.0
MAX_EVENTS = 500
ROWS = 300
KEPT_S = 5.0
MAX_KEPT = 30
UNREAD = "What happened could not be read from the hub's store."
RESTARTS = "restarts"

T = TypeVar("T")


class Past(Protocol):
    """Whoever knows which events there were."""

    async def between(
        self, devices: Collection[str], components: Collection[str] | None, start: float, end: float, limit: int
    ) -> list[EventRecord]:
        """Events that stood, or were seen, in a time."""


class Fetcher(Protocol):
    """Whoever knows figures."""

    async def fetch(self, query: FetchQuery) -> Rows:
        """Rows of a source."""


class History(Struct, frozen=True):
    """What happened; `problem` says in a sentence what could not be read, else empty."""

    happened: Sequence[Happening]
    problem: str = ""


class Historian:
    """Asks both, beside each other, and not for long: a picture without marks is better than none.

    Args:
        clock: monotonic.
        book: of components.
        past: of events.
        fetcher: of figures.
    """

    def __init__(self, clock: IReactorTime, book: Book, past: Past, fetcher: Fetcher) -> None:
        self._clock = clock
        self._book = book
        self._past = past
        self._fetcher = fetcher
        self._remembered: dict[Hashable, tuple[float, Any]] = {}

    async def tell(self, subjects: Sequence[Whose], points: Collection[str] | None, start: int, end: int) -> History:
        """Tell what is worth a mark, in order of time.

        Args:
            subjects: at least one.
            points: that are drawn; None where that is not known.
            start: epoch seconds.
            end: epoch seconds.
        """
        counting = self._soon(self._kept(("restarts", *subjects, start, end), self._restarts, subjects, start, end))
        reading = self._soon(self._kept(("events", *subjects, start, end), self._records, subjects, start, end))
        try:
            restarts = await counting
        except TocsinError:
            restarts = []  # what they are of is missing in the picture, too
        try:
            records = await reading
        except TocsinError:
            return History(restarts, UNREAD)
        counted = restarts if RESTARTS not in (points or ()) else []
        # An event and a count of the same restart lie at most a row apart, and are one mark.
        return History(happenings(records, told_apart(subjects), points, start, end, counted))

    async def _kept(self, key: Hashable, read: Callable[[Sequence[Whose], int, int], Awaitable[T]], *asked: Any) -> T:
        """What was read a moment ago: all graphs of a set that are drawn together show the same."""
        now = self._clock.seconds()
        until, value = self._remembered.get(key, (now, None))
        if until > now:
            return cast("T", value)
        found = await read(*asked)
        while len(self._remembered) >= MAX_KEPT:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[key] = self._clock.seconds() + KEPT_S, found
        return found

    def _soon(self, work: Coroutine[Any, Any, T]) -> Deferred[T]:
        asking: Deferred[T] = Deferred.fromCoroutine(work)
        asking.addTimeout(WITHIN_S, self._clock, onTimeoutCancel=_too_late)
        return asking

    async def _records(self, subjects: Sequence[Whose], start: int, end: int) -> list[EventRecord]:
        devices = list(dict.fromkeys(one.device for one in subjects))
        named = [self._book.names(one) for one in subjects]
        components = None if None in named else [name for names in named for name in names or ()]
        return await self._past.between(devices, components, start, end, MAX_EVENTS)

    async def _restarts(self, subjects: Sequence[Whose], start: int, end: int) -> list[Happening]:
        """When processes of a set were restarted, by its figures; of one set alone."""
        (first, *more) = subjects
        if more or not self._book.is_set(first):
            return []
        query = FetchQuery(
            device=first.device,
            component=first.component or "",
            source=PROCESS_SOURCE,
            points=[RESTARTS],
            start=start,
            end=end,
            cf="SUM",
            resolution_s=max(1, (end - start) // ROWS),
        )
        rows = await self._fetcher.fetch(query)
        return [
            Happening(start=at, end=at, what="process_restarted", label="restarted", severity=Severity.CLEAR)
            for at, (number, *_) in rows.rows
            if number is not None and number > 0.5
        ]


def _too_late(_result: object, _within_s: float) -> NoReturn:
    raise TransientError(UNREAD)
