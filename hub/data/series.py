"""Asks collectors about series, puts pages together, and tells what was last heard where a collector is away."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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
from hub.data.keepers import Part
from hub.data.reader import Reader
from hub.data.renaming import Named, as_called_now, called
from hub.interfaces import ISession

PATIENCE_S = 25.0
"""How long pages are put together for one answer."""
MAX_PAGES = 1000

T = TypeVar("T")


class Told(Struct, Generic[T], frozen=True, kw_only=True):
    """What is known.

    Attributes:
        stale: a daemon of the collector is away: what it has is what was heard of it at `as_of`, epoch seconds, the
            longest ago where there are several; None where nothing was. `problem` says why.
        daemons: who has which series, by component and source.
        away: daemons of which this is what was heard.
    """

    found: T
    stale: bool = False
    as_of: float | None = None
    problem: str = ""
    daemons: Mapping[tuple[str, str], str] = {}
    away: Collection[str] = ()


class SeriesReader:
    """Questions about the series of one device; every method raises what those of `Reader` do.

    Components have the names that they have now, whatever name their series are kept under.
    """

    def __init__(self, reader: Reader, heard: LastHeard, wall: Callable[[], float]) -> None:
        self._reader = reader
        self._keepers = reader.keepers
        self._heard = heard
        self._wall = wall

    async def values(self, device: str, component: str | None) -> Told[list[LastValue]]:
        """Last values, of each daemon of the collector, or as they were heard last."""
        parts = await self._reader.listed(device, component)
        if component is None:
            elsewhere = self._reader.kept_under(device)
            for part in parts:
                if part.found:
                    found = [called(one, elsewhere) for one in part.found]
                    self._heard.take_values(device, found, self._wall(), part.daemon)
        told = self._told(device, component, parts, self._heard.values)
        if not told.found:
            raise await self._keepers.missing(device, component, parts)
        return told

    async def kept(self, device: str, component: str | None) -> Told[list[SeriesFacts]]:
        """Which series there are, and what is kept of each; none is an answer, too."""
        elsewhere = self._reader.kept_under(device)
        asked = None if component is None else elsewhere.get(component, component)
        parts = await self._keepers.all(device, lambda session: self._facts(session, device, asked))
        if component is None:
            for part in parts:
                if part.error is None:
                    self._heard.take_facts(device, part.found, self._wall(), part.daemon)
        named = [replace(part, found=as_called_now(part.found, elsewhere)) for part in parts]
        told = self._told(device, component, named, self._heard.facts)
        if not told.found and all(part.error is not None for part in parts):
            raise await self._keepers.missing(device, component, parts)
        return told

    async def _facts(self, session: ISession, device: str, component: str | None) -> list[SeriesFacts]:
        found: list[SeriesFacts] = []
        heap, until = Heap(), self._reader.seconds() + PATIENCE_S
        while True:
            query = SeriesQuery(device=device, component=component, after=len(found))
            page = await self._ask(session, device, query, SeriesPage)
            _check(heap.takes(page.series) and heap.takes([p for one in page.series for p in one.points]), device)
            found += page.series
            if not page.more or not page.series:
                return found
            _in_time(self._reader.seconds() <= until, device, "one component")

    async def info(self, device: str, component: str, source: str) -> tuple[SeriesInfo, str]:
        """All about one series, and which daemon has it."""
        asked = self._reader.kept_under(device).get(component, component)
        found, daemon = await self._one(InfoQuery(device=device, component=asked, source=source), SeriesInfo)
        return replace(found, facts=replace(found.facts, component=component)), daemon

    async def stats(self, query: StatsQuery) -> Stats:
        """Figures of a time."""
        elsewhere = self._reader.kept_under(query.device)
        asked = replace(query, component=elsewhere.get(query.component, query.component))
        return (await self._one(asked, Stats))[0]

    async def trails(self, query: TrailsQuery) -> list[Trail]:
        """How points went, as far as the daemons that are there tell."""
        device, elsewhere = query.device, self._reader.kept_under(query.device)
        if query.component is not None:
            query = replace(query, component=elsewhere.get(query.component, query.component))
        parts = await self._keepers.all(device, lambda session: self._trails(session, query))
        if all(part.error is not None for part in parts):
            raise await self._keepers.missing(device, query.component, parts)
        found = self._keepers.together(device, parts)
        for part in parts:
            if part.error is not None and part.has_failed and not found and self._concerns(device, part.daemon):
                raise part.error
        return as_called_now(found, elsewhere)

    async def _trails(self, session: ISession, query: TrailsQuery) -> list[Trail]:
        found: list[Trail] = []
        heap, until = Heap(), self._reader.seconds() + PATIENCE_S
        while True:
            page = await self._ask(session, query.device, query, Trails)
            _check(heap.takes(page.trails), query.device)
            found += page.trails
            if not page.more or page.seen <= query.after:
                return found
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

    async def _ask(self, session: ISession, device: str, query: Query, answer: type[T]) -> T:
        try:
            return await self._reader.ask_at(session, query, answer)
        except RemoteError as error:
            raise _judged(error, device) from None

    async def _one(self, query: StatsQuery | InfoQuery, answer: type[T]) -> tuple[T, str]:
        try:
            return await self._keepers.one(query, answer)
        except RemoteError as error:
            raise _judged(error, query.device) from None

    def _concerns(self, device: str, daemon: str) -> bool:
        """Whether something is missing where a daemon does not tell of a device."""
        return self._keepers.concerns(device, daemon) or self._heard.knows(device, daemon)

    def _told(
        self,
        device: str,
        component: str | None,
        parts: Sequence[Part[Named]],
        heard_of: Callable[[str, str], tuple[list[Named], float] | None],
    ) -> Told[list[Named]]:
        """What was told, and of daemons that are away what was heard of them, if they have anything of the device.

        Raises:
            TocsinError: one that has is away, and nothing is known.
        """
        failed = [part for part in parts if part.has_failed]
        away = [part for part in failed if self._concerns(device, part.daemon)]
        if component is not None and any(part.found for part in parts):  # the others are known to have none of it
            away = [part for part in away if _may_have(component, heard_of(device, part.daemon))]
        if not away and not any(part.found for part in parts) and len(failed) == len(parts):
            away = failed
        if len(failed) == len(parts) and not any(_is_silent(part.error) for part in failed):
            raise failed[0].error or CollectorAwayError(_problems(failed))
        if not away:
            return Told(found=self._keepers.together(device, parts), daemons=self._keepers.places(device, parts))
        elsewhere, stamps, every, names = (
            self._reader.kept_under(device),
            list[float](),
            list[Part[Named]](),
            set[str](),
        )
        for part in parts:
            heard = heard_of(device, part.daemon) if part in away else None
            if heard is None:
                every.append(part)
                continue
            found = as_called_now(heard[0], elsewhere)
            names.update(one.component for one in found)
            found = [one for one in found if component is None or one.component == component]
            stamps.append(heard[1])
            every.append(Part(part.daemon, found, part.error))
        found, problem, why = self._keepers.together(device, every), _problems(away), away[0].error
        if not found and not names and why is not None and not any(part.error is None for part in parts):
            raise why
        if not found and component is not None:
            raise NotFoundError(
                f"No series of a component {component!r} of {device} is known of, and {problem}",
                [f"Known are: {', '.join(sorted(names))}"],
            )
        return Told(
            found=found,
            stale=True,
            as_of=min(stamps, default=None),
            problem=problem,
            daemons=self._keepers.places(device, every),
            away=frozenset(part.daemon for part in away),
        )


def _may_have(component: str, heard: tuple[Sequence[Named], float] | None) -> bool:
    """Whether a daemon may have series of a component, by what was heard of it."""
    return heard is None or any(one.component == component for one in heard[0])


def _is_silent(error: TocsinError | None) -> bool:
    """Whether a daemon is away or slow; one that refuses is there."""
    return isinstance(error, CollectorAwayError | TooSlowError)


def _problems(parts: Sequence[Part[Named]]) -> str:
    return "; ".join(dict.fromkeys(part.error.message for part in parts if part.error is not None))


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
