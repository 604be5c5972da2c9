"""The daemons of a collector that keep files: which of them has a series, and all of them asked side by side.

A series is one file, and one daemon of the collector has it. Which one that is was told with a listing, or is what the
model says of its source; whoever is asked and does not have it is a reason to look, so that a wrong guess costs a
question and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import Deferred, gatherResults

from common.configs import SERVICE_MODELER, SERVICE_PROCESS
from common.errors import NotFoundError, PermanentError, TocsinError
from common.processpoints import PROCESS_SOURCE
from common.queries import FetchQuery, LastValue, Listing, ListQuery, Query
from common.readings import InfoQuery, SeriesFacts, StatsQuery, Trail
from hub.data.asking import LIMIT_S, Asker, CollectorAwayError, TooSlowError
from hub.data.heap import Heap
from hub.interfaces import ISession

SEVERAL_S = 10.0
"""So long each of several daemons may take: one that hangs does not hide the others for longer."""
MAX_PLACES = 50_000
"""Series of which it is remembered who has them."""
MAX_PAGES = 1000
MAX_NAMED = 20

T = TypeVar("T")
R = TypeVar("R")
Row = TypeVar("Row", LastValue, SeriesFacts, Trail)
Wants = Callable[[str], Mapping[str, Collection[str]]]
Series = FetchQuery | StatsQuery | InfoQuery
"""A question about one series."""


class Part(Struct, Generic[T], frozen=True):
    """What a daemon told of a device; `error` says why it told nothing."""

    daemon: str
    found: list[T]
    error: TocsinError | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it could not be asked; that it has nothing is an answer."""
        return self.error is not None and not isinstance(self.error, NotFoundError)


class Located(Struct, frozen=True, kw_only=True):
    """The series of a device, or of a component, and where they are.

    Attributes:
        daemons: who has which series, by component and source.
        gaps: by daemon that has something of the device and could not be asked, why.
        wanted: by daemon the sources that the model has it read.
    """

    values: Sequence[LastValue]
    daemons: Mapping[tuple[str, str], str] = {}
    gaps: Mapping[str, str] = {}
    wanted: Mapping[str, Collection[str]] = {}


def only_process(_collector: str) -> Sequence[str]:
    """Where there is one daemon that keeps files."""
    return (SERVICE_PROCESS,)


def nothing_wanted(_device: str) -> Mapping[str, Collection[str]]:
    """Where the model says nothing of sources."""
    return {}


class Keepers:
    """Finds who has what.

    Args:
        asker: asks one daemon.
        daemons: of a collector those that are known, there or away.
        wants: of a device the daemons that are to read something of it, each with the names of these sources.
    """

    def __init__(
        self, asker: Asker, daemons: Callable[[str], Sequence[str]] = only_process, wants: Wants = nothing_wanted
    ) -> None:
        self._asker = asker
        self._daemons = daemons
        self._wants = wants
        self._places: dict[str, dict[tuple[str, str], str]] = {}  # by device, in order of when it was listed
        self._number = 0

    def of(self, device: str) -> list[str]:
        """The daemons that may have series of a device; a modeler keeps only those of itself.

        Raises:
            NotFoundError: there is no such device.
        """
        collector = self._asker.collector_of(device)
        found = [one for one in self._daemons(collector) if one != SERVICE_MODELER or device == collector]
        return sorted(found, key=lambda one: (one != SERVICE_PROCESS, one)) or [SERVICE_PROCESS]

    def concerns(self, device: str, daemon: str) -> bool:
        """Whether a daemon has something of a device, as far as is known."""
        if daemon in self._wants(device) or daemon in self._places.get(device, {}).values():
            return True
        return device == self._asker.collector_of(device)

    def wanting(self, device: str, source: str) -> list[str]:
        """The daemons that are to read a source of a device, by the model."""
        return [daemon for daemon, sources in self._wants(device).items() if source in sources]

    # --- all of them --------------------------------------------------------------------------------------------------

    async def all(self, device: str, ask: Callable[[ISession], Coroutine[Any, Any, list[T]]]) -> list[Part[T]]:
        """What each daemon tells of a device, in order of the daemons.

        Raises:
            NotFoundError: there is no such device.
        """
        collector, daemons = self._asker.collector_of(device), self.of(device)
        limit_s = LIMIT_S if len(daemons) == 1 else SEVERAL_S

        async def one(daemon: str) -> Part[T]:
            try:
                return Part(daemon, await self._asker.in_time(ask(self._asker.at(collector, daemon)), limit_s))
            except TooSlowError as error:
                slow = f"collector {collector} (daemon {daemon}) did not answer within {limit_s:g} s"
                return Part(daemon, [], error if len(daemons) == 1 else TooSlowError(slow))
            except TocsinError as error:
                return Part(daemon, [], error)

        return await gatherResults([Deferred.fromCoroutine(one(daemon)) for daemon in daemons])

    async def listed(self, device: str, component: str | None) -> list[Part[LastValue]]:
        """The series of a device, or of a component, with their last values, by daemon."""
        parts = await self.all(device, lambda session: self._listing(session, device, component))
        self._remember(device, parts, whole=component is None)
        return parts

    async def _listing(self, session: ISession, device: str, component: str | None) -> list[LastValue]:
        values: list[LastValue] = []
        heap = Heap()
        for _ in range(MAX_PAGES):
            query = ListQuery(device=device, component=component, after=len(values))
            page = await self._asker.ask(session, query, Listing)
            if not heap.takes(page.values):
                raise CollectorAwayError(
                    f"collector {session.collector} answered with more than a device can have; see whether it is well"
                )
            values += page.values
            if not page.more or not page.values:
                break
        return values

    # --- one of them --------------------------------------------------------------------------------------------------

    async def one(self, query: Series, answer: type[R]) -> tuple[R, str]:
        """What the daemon answers that has a series, and which one that is.

        Raises:
            NotFoundError: there is no such series.
            PermanentError: several are meant; the sentence names them.
        """
        collector, daemons = self._asker.collector_of(query.device), self.of(query.device)
        if len(daemons) == 1:
            return await self._ask(collector, daemons[0], query, answer), daemons[0]
        guessed = self._guess(query, daemons)
        if guessed:
            try:
                return await self._ask(collector, guessed, query, answer), guessed
            except NotFoundError:
                pass  # it went elsewhere, or never was there
        source, daemon = await self._look(query)
        return await self._ask(collector, daemon, replace(query, source=source), answer), daemon

    async def _ask(self, collector: str, daemon: str, query: Query, answer: type[R]) -> R:
        return await self._asker.in_time(self._asker.ask(self._asker.at(collector, daemon), query, answer))

    def _guess(self, query: Series, daemons: Sequence[str]) -> str:
        if not query.source:
            return ""
        found = self._places.get(query.device, {}).get((query.component, query.source), "")
        if not found:
            wanting = self.wanting(query.device, query.source)
            if query.source == PROCESS_SOURCE:
                wanting.append(SERVICE_PROCESS)
            found = wanting[0] if len(set(wanting)) == 1 else ""
        return found if found in daemons else ""

    async def _look(self, query: Series) -> tuple[str, str]:
        """Source and daemon of the series that is meant."""
        device, component = query.device, query.component
        parts = await self.listed(device, component)
        points = set() if isinstance(query, InfoQuery) else set(query.points)
        sources: dict[str, set[str]] = {}
        for value in together(parts):
            sources.setdefault(value.source, set()).add(value.point)
        meant = [name for name, has in sources.items() if query.source == name or (not query.source and points <= has)]
        if len(meant) > 1 and points:
            raise ambiguous(device, component, sorted(points), meant)
        if meant:
            return meant[0], self.places(device, parts)[component, meant[0]]
        for part in parts:
            if part.has_failed and part.error is not None:
                raise part.error
        if not sources:
            raise self._no_component(device, component, await self.listed(device, None))
        wanted = f"no source {query.source!r}" if query.source else f"no source with the points {named(points)}"
        raise NotFoundError(f"Component {component!r} of {device!r} has {wanted}; it has: {named(sources)}")

    # --- what is remembered -------------------------------------------------------------------------------------------

    def places(self, device: str, parts: Sequence[Part[Row]]) -> dict[tuple[str, str], str]:
        """Who has which series, by component and source."""
        wants = self._wants(device)
        found: dict[tuple[str, str], tuple[tuple[bool, float], str]] = {}
        for part in parts:
            wanted = wants.get(part.daemon, ())
            for one in part.found:
                key, rank = (one.component, one.source), (one.source in wanted, _newest(one))
                if key not in found or rank > found[key][0]:
                    found[key] = rank, part.daemon
        return {key: daemon for key, (_, daemon) in found.items()}

    def together(self, device: str, parts: Sequence[Part[Row]]) -> list[Row]:
        """All that was found, in order of component and source.

        Of a series that two daemons have, because its source has gone from one to the other, that is told which the
        model wants, or which is newer.
        """
        if sum(bool(part.found) for part in parts) < 2:
            return together(parts)
        places = self.places(device, parts)
        return together(
            [replace(p, found=[x for x in p.found if places[x.component, x.source] == p.daemon]) for p in parts]
        )

    def _remember(self, device: str, parts: Sequence[Part[LastValue]], *, whole: bool) -> None:
        before = self._places.pop(device, {})
        self._number -= len(before)
        told = {part.daemon for part in parts if not part.has_failed}
        kept = {key: daemon for key, daemon in before.items() if not whole or daemon not in told}
        now = {**kept, **self.places(device, parts)}
        if now:
            self._places[device] = now
            self._number += len(now)
        while self._number > MAX_PLACES and self._places:
            self._number -= len(self._places.pop(next(iter(self._places))))

    def located(self, device: str, parts: Sequence[Part[LastValue]]) -> Located:
        """All that was told, and who could not be asked that has something of a device."""
        gaps = {
            part.daemon: part.error.message
            for part in parts
            if part.has_failed and part.error is not None and self.concerns(device, part.daemon)
        }
        return Located(
            values=self.together(device, parts),
            daemons=self.places(device, parts),
            gaps=gaps,
            wanted=self._wants(device),
        )

    def refusal(self, device: str, component: str | None, parts: Sequence[Part[Any]]) -> TocsinError:
        """Why there is nothing, where no daemon has anything: who could not be asked comes first."""
        errors = [part.error for part in parts if part.error is not None]
        failed = [part.error for part in parts if part.has_failed and part.error is not None]
        concerned = [
            part.error
            for part in parts
            if part.has_failed and part.error is not None and self.concerns(device, part.daemon)
        ]
        found: Sequence[TocsinError] = concerned or failed or errors
        if found:
            return found[0]
        return NotFoundError(
            f"No series of {device!r} are kept" if component is None else f"{device!r} has no component {component!r}"
        )

    def _no_component(self, device: str, component: str, parts: Sequence[Part[LastValue]]) -> TocsinError:
        names = sorted({value.component for part in parts for value in part.found})
        if not names:
            return self.refusal(device, component, parts)
        return NotFoundError(f"Device {device!r} has no series of a component {component!r}; it has: {named(names)}")

    async def missing(self, device: str, component: str | None, parts: Sequence[Part[Any]]) -> TocsinError:
        """As `refusal`; of a component that none of several daemons has, it names those that there are."""
        if component is None or len(parts) < 2 or any(part.has_failed for part in parts):
            return self.refusal(device, component, parts)
        return self._no_component(device, component, await self.listed(device, None))


def together(parts: Iterable[Part[Row]]) -> list[Row]:
    """All that was found, in order of component and source, in which each daemon tells it."""
    found = [part.found for part in parts if part.found]
    if len(found) == 1:
        return found[0]
    return sorted((one for some in found for one in some), key=lambda one: (one.component, one.source))


def ambiguous(device: str, component: str, points: Sequence[str], sources: Sequence[str]) -> PermanentError:
    """Points that more than one source of a component has."""
    which = f"{sources[0]}:{points[0]}" if len(points) == 1 else f"the source {sources[0]}"
    return PermanentError(
        f"{named(points)} of component {component!r} of {device!r} is in the sources {named(sources)}; name one of "
        f"them, for example {which}"
    )


def named(names: Iterable[str]) -> str:
    """Names as a part of a sentence, not too many."""
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - MAX_NAMED} more" if len(different) > MAX_NAMED else ""
    return ", ".join(name[:80] or "(none)" for name in different[:MAX_NAMED]) + more


def _newest(one: LastValue | SeriesFacts | Trail) -> float:
    if isinstance(one, LastValue):
        return one.at or 0
    if isinstance(one, SeriesFacts):
        return one.live_at or one.last or 0
    return sum(value is not None for value in one.values)
