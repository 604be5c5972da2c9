"""Asks collectors about series, puts pages together, and tells what was last heard where a collector is away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from common.errors import NotFoundError, RemoteError, TocsinError
from common.queries import FetchQuery, LastValue, Query, Rows
from common.readings import (
    InfoQuery,
    SeriesFacts,
    SeriesInfo,
    SeriesPage,
    SeriesQuery,
    Stats,
    StatsQuery,
    Trail,
    Trails,
    TrailsQuery,
)
from hub.data.asking import CollectorAwayError, TooSlowError, is_unread
from hub.data.heap import Heap
from hub.data.heard import LastHeard
from hub.data.reader import Reader
from hub.data.renaming import Named, as_called_now, called

PATIENCE_S = 25.0
"""How long pages are put together for one answer."""
MAX_PAGES = 1000

T = TypeVar("T")


class Told(Struct, Generic[T], frozen=True, kw_only=True):
    """What is known.

    Attributes:
        stale: the collector is away: this is what was heard of it at `as_of`, epoch seconds; `problem` says why.
    """

    found: T
    stale: bool = False
    as_of: float | None = None
    problem: str = ""


class SeriesReader:
    """Questions about the series of one device; every method raises what those of `Reader` do.

    Components have the names that they have now, whatever name their series are kept under.
    """

    def __init__(self, reader: Reader, heard: LastHeard, wall: Callable[[], float]) -> None:
        self._reader = reader
        self._heard = heard
        self._wall = wall

    async def values(self, device: str, component: str | None) -> Told[list[LastValue]]:
        """Last values, of the collector, or as they were heard last."""
        try:
            found = await self._reader.listing(device, component)
        except (CollectorAwayError, TooSlowError) as error:
            heard = self._heard.values(device)
            if heard is None:
                raise
            return self._stale(device, component, heard, error.message)
        if component is None:
            elsewhere = self._reader.kept_under(device)
            self._heard.take_values(device, [called(one, elsewhere) for one in found], self._wall())
        return Told(found=found)

    async def kept(self, device: str, component: str | None) -> Told[list[SeriesFacts]]:
        """Which series there are, and what is kept of each; none is an answer, too."""
        elsewhere = self._reader.kept_under(device)
        asked = None if component is None else elsewhere.get(component, component)
        found: list[SeriesFacts] = []
        try:
            heap, until = Heap(), self._reader.seconds() + PATIENCE_S
            while True:
                query = SeriesQuery(device=device, component=asked, after=len(found))
                page = await self._ask(device, query, SeriesPage)
                _check(heap.takes(page.series) and heap.takes([p for one in page.series for p in one.points]), device)
                found += page.series
                if not page.more or not page.series:
                    break
                _in_time(self._reader.seconds() <= until, device, "one component")
        except (CollectorAwayError, TooSlowError) as error:
            heard = self._heard.facts(device)
            if heard is None:
                raise
            return self._stale(device, component, heard, error.message)
        if component is None:
            self._heard.take_facts(device, found, self._wall())
        return Told(found=as_called_now(found, elsewhere))

    async def info(self, device: str, component: str, source: str) -> SeriesInfo:
        """All about one series."""
        asked = self._reader.kept_under(device).get(component, component)
        found = await self._ask(device, InfoQuery(device=device, component=asked, source=source), SeriesInfo)
        return replace(found, facts=replace(found.facts, component=component))

    async def stats(self, query: StatsQuery) -> Stats:
        """Figures of a time."""
        elsewhere = self._reader.kept_under(query.device)
        asked = replace(query, component=elsewhere.get(query.component, query.component))
        return await self._ask(query.device, asked, Stats)

    async def trails(self, query: TrailsQuery) -> list[Trail]:
        """How points went."""
        elsewhere = self._reader.kept_under(query.device)
        if query.component is not None:
            query = replace(query, component=elsewhere.get(query.component, query.component))
        found: list[Trail] = []
        heap, until = Heap(), self._reader.seconds() + PATIENCE_S
        while True:
            page = await self._ask(query.device, query, Trails)
            _check(heap.takes(page.trails), query.device)
            found += page.trails
            if not page.more or page.seen <= query.after:
                return as_called_now(found, elsewhere)
            _in_time(self._reader.seconds() <= until, query.device, "one component")
            query = replace(query, after=page.seen)

    async def rows(self, query: FetchQuery, max_figures: int) -> Rows:
        """Rows, page after page until there are so many figures; then `more` is true, and `next` where to go on."""
        pages: list[Rows] = []
        until, figures = self._reader.seconds() + PATIENCE_S, 0
        for _ in range(MAX_PAGES):
            try:
                page = await self._reader.fetch(query)
            except RemoteError as error:
                raise _judged(error, query.device) from None
            if query.edges and page.rows and not page.known:
                raise _too_old(query.device)
            pages.append(page)
            figures += len(page.rows) * max(1, len(page.points))
            if not page.more or figures >= max_figures or self._reader.seconds() > until:
                break
            _check(page.next > query.after and page.points == pages[0].points, query.device)
            if page.step_s != pages[0].step_s:
                raise TooSlowError(f"the file of {query.component!r} of {query.device} was made anew; try again")
            query = replace(query, after=page.next, resolution_s=page.step_s or query.resolution_s)
        return _together(pages)

    async def _ask(self, device: str, query: Query, answer: type[T]) -> T:
        try:
            return await self._reader.ask(device, query, answer)
        except RemoteError as error:
            raise _judged(error, device) from None

    def _stale(
        self, device: str, component: str | None, heard: tuple[list[Named], float], problem: str
    ) -> Told[list[Named]]:
        found, at = as_called_now(heard[0], self._reader.kept_under(device)), heard[1]
        if component is not None:
            names = sorted({one.component for one in found})
            found = [one for one in found if one.component == component]
            if not found:
                raise NotFoundError(
                    f"No series of a component {component!r} of {device} is known of, and {problem}",
                    [f"Known are: {', '.join(names)}"],
                )
        return Told(found=found, stale=True, as_of=at, problem=problem)


def _together(pages: Sequence[Rows]) -> Rows:
    if len(pages) == 1:
        return pages[0]
    return replace(
        pages[0],
        rows=[row for page in pages for row in page.rows],
        known=[known for page in pages for known in page.known],
        more=pages[-1].more,
        next=pages[-1].next,
        inexact_until=max(page.inexact_until for page in pages),
        from_copies=sum(page.from_copies for page in pages),
    )


def _judged(error: RemoteError, device: str) -> TocsinError:
    return _too_old(device) if is_unread(error) else error


def _too_old(device: str) -> CollectorAwayError:
    return CollectorAwayError(f"the collector of {device} is of a version that does not know this question; update it")


def _check(fits: bool, device: str) -> None:  # noqa: FBT001 - the one thing that it checks
    if not fits:
        raise CollectorAwayError(f"the collector of {device} answered with what cannot be; see whether it is well")


def _in_time(is_: bool, device: str, less: str) -> None:  # noqa: FBT001 - the one thing that it checks
    if not is_:
        raise TooSlowError(f"the collector of {device} did not tell all within {PATIENCE_S:g} s; ask for {less}")
