"""Gathers figures from the collectors that have them, each asked beside the others, some questions at a time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred, FirstError, gatherResults

from common.errors import NotFoundError, PermanentError, RemoteError, TocsinError, TransientError
from common.graphs import Drawing, Rank, Subject
from common.queries import FetchQuery, GraphQuery, LastValue, Rows
from common.series import Kind, Layout, Point
from hub.data.keepers import Located
from hub.graphs.desk import MAX_SERIES
from hub.graphs.tables import CONSOLIDATIONS, Row, Table
from hub.graphs.wanting import Wanted

AT_ONCE = 4
"""Questions to one daemon."""
MAX_SHOWN = 20
MAX_NAMED = 5
MAX_ROWS = 50_000
"""Of a series: some for each pixel of the widest picture."""

A = TypeVar("A", "Subject", "Found")
B = TypeVar("B")


class Collectors(Protocol):
    """What collectors are asked."""

    async def located(self, device: str, component: str | None) -> Located:
        """Which series there are, and at which daemon each is."""

    async def fetch(self, query: FetchQuery) -> Rows:
        """Rows of a source."""


class Found(Struct, frozen=True, kw_only=True):
    """A source that is in the picture.

    Attributes:
        daemon: of the owner, which has it.
        points: those that are needed.
        step_s: seconds between two samples.
    """

    owner: str
    daemon: str
    subject: Subject
    component: str
    source: str
    points: tuple[Point, ...]
    step_s: int


class Gathered(Struct, frozen=True):
    """Tables of what is shown; `missing` says who could not be asked, `note` what is left out."""

    tables: list[Table]
    missing: tuple[str, ...] = ()
    note: str = ""


class Gatherer:
    """Gathers the figures of one picture.

    Args:
        collectors: are asked.
        owner: gives the collector of a device.
        query: of the picture.
        drawing: of the picture.
        wanted: chooses points.
    """

    def __init__(
        self,
        collectors: Collectors,
        owner: Callable[[str], str | None],
        query: GraphQuery,
        drawing: Drawing,
        wanted: Wanted,
    ) -> None:
        self._collectors = collectors
        self._owner = owner
        self._query = query
        self._drawing = drawing
        self._wanted = wanted
        self._failed: dict[tuple[str, str], tuple[TocsinError, list[str]]] = {}
        self._gaps: dict[str, list[str]] = {}
        self._has_several = len({one.device for one in drawing.subjects}) > 1
        self._nowhere: NotFoundError | None = None

    async def gather(self) -> Gathered:
        """Find the series, choose the largest, read them.

        Raises:
            TocsinError: nobody could be asked, or nobody has any of it.
        """
        places = {one: place for place, one in enumerate(self._drawing.subjects)}
        found = await self._side_by_side(self._drawing.subjects, lambda one: (self._owned(one.device), ""), self._look)
        found.sort(key=lambda one: (places[one.subject], one.component, one.source))
        if len(found) > MAX_SERIES:
            raise PermanentError(
                f"{len(found)} series are too many to find the largest of; name a set, fewer devices or a smaller class"
            )
        chosen, note = await self._largest(found)
        tables = await self._side_by_side(chosen, lambda one: (one.owner, one.daemon), self._read)
        if not tables:
            raise self._nothing()
        order = {(one.subject.device, one.component): place for place, one in enumerate(chosen)}
        tables.sort(key=lambda table: order[table.device, table.component])
        missing = [_away(error.message, devices) for error, devices in self._failed.values()]
        missing += [_away(sentence, devices) for sentence, devices in self._gaps.items()]
        return Gathered(tables, tuple(missing), note)

    # --- who has it ---------------------------------------------------------------------------------------------------

    async def _look(self, subject: Subject) -> list[Found]:
        try:
            located = await self._collectors.located(subject.device, subject.component)
        except NotFoundError as error:
            self._nowhere = self._nowhere or error
            return []
        for daemon, sentence in located.gaps.items():
            if self._misses(located, daemon):
                self._gaps.setdefault(sentence, []).append(subject.device)
        found: list[Found] = []
        for (component, source), of_source in _by_source(located.values).items():
            points = [point_of(value) for value in of_source]
            names = self._wanted(points, source)
            if names:
                found.append(
                    Found(
                        owner=self._owned(subject.device),
                        daemon=located.daemons.get((component, source), ""),
                        subject=subject,
                        component=component,
                        source=source,
                        points=tuple(point for point in points if point.name in names),
                        step_s=of_source[0].step_s,
                    )
                )
        return found

    def _misses(self, located: Located, daemon: str) -> bool:
        """Whether something of the picture may be at a daemon that could not be asked."""
        sources = {curve.source for curve in self._drawing.curves}
        wanted = located.wanted.get(daemon, ())
        return not sources or "" in sources or not wanted or not sources.isdisjoint(wanted)

    # --- which of them are shown --------------------------------------------------------------------------------------

    async def _largest(self, found: Sequence[Found]) -> tuple[list[Found], str]:
        count = min(self._drawing.top or MAX_SHOWN, MAX_SHOWN)
        if len(found) <= count:
            return list(found), ""
        sized = await self._side_by_side(found, lambda one: (one.owner, one.daemon), self._size)
        sized.sort(key=lambda one: -one[0])
        word = "greatest value" if self._drawing.rank is Rank.PEAK else "average"
        return [one for _, one in sized[:count]], f"The largest {count} of {len(found)}, by {word}."

    async def _size(self, one: Found) -> list[tuple[float, Found]]:
        peak = self._drawing.rank is Rank.PEAK
        query = self._fetch(one, "MAX" if peak else "AVERAGE", 0)
        start, end = self._query.start, self._query.end
        whole = FetchQuery(
            device=query.device, component=query.component, source=query.source, points=query.points, start=start,
            end=end, cf=query.cf, edges=[start, end],
        )  # fmt: skip
        rows = await self._collectors.fetch(whole)
        sums = [sum(value for value in values if value is not None) for _, values in rows.rows if _known(values)]
        size = -math.inf if not sums else max(sums) if peak else math.fsum(sums) / len(sums)
        return [(size, one)]

    # --- what it comes to ---------------------------------------------------------------------------------------------

    async def _read(self, one: Found) -> list[Table]:
        rows: dict[str, list[Row]] = {}
        row_s = one.step_s
        for cf in CONSOLIDATIONS:
            rows[cf] = []
            for earlier_s in sorted({self._drawing.compare_s, 0}, reverse=True):
                asked = self._fetch(one, cf, earlier_s)
                page = await self._collectors.fetch(asked)
                row_s = page.step_s or row_s if not earlier_s else row_s
                if (
                    row_s < 1
                    or (self._query.end - self._query.start) // row_s > MAX_ROWS
                    or page.points != asked.points
                ):
                    raise TransientError(f"collector {one.owner} answered with what cannot be; see whether it is well")
                rows[cf] += page.rows
            if cf == CONSOLIDATIONS[0] and row_s <= one.step_s:
                break
        points = tuple(Point(name=point.name, kind=point.kind, unit=point.unit) for point in one.points)
        return [
            Table(
                device=one.subject.device,
                component=one.component,
                source=one.source,
                label=_label(one, several=self._has_several),
                layout=Layout(points=points, step_s=one.step_s),
                row_s=row_s,
                rows=rows,
            )
        ]

    def _fetch(self, one: Found, cf: str, earlier_s: int) -> FetchQuery:
        start, end = self._query.start - earlier_s, self._query.end - earlier_s
        return FetchQuery(
            device=one.subject.device,
            component=one.component,
            source=one.source,
            points=[point.name for point in one.points],
            start=start,
            end=end,
            cf=cf,
            resolution_s=max(1, (end - start) // self._query.width),
        )

    # --- asking -------------------------------------------------------------------------------------------------------

    async def _side_by_side(
        self, ones: Sequence[A], owner: Callable[[A], tuple[str, str]], ask: Callable[[A], Coroutine[Any, Any, list[B]]]
    ) -> list[B]:
        """All answers; who is away is asked no more, and is noted."""
        by_owner: dict[tuple[str, str], deque[A]] = {}
        for one in ones:
            by_owner.setdefault(owner(one), deque()).append(one)
        answers: list[B] = []

        async def ask_some(name: tuple[str, str], waiting: deque[A]) -> None:
            while waiting:
                one = waiting.popleft()
                try:
                    answers.extend(await ask(one))
                except (TransientError, RemoteError) as error:
                    without = self._failed.setdefault(name, (error, []))[1]
                    without.append(_device(one))
                    without += [_device(left) for left in waiting]
                    waiting.clear()

        asking = [
            Deferred.fromCoroutine(ask_some(name, waiting))
            for name, waiting in by_owner.items()
            for _ in range(min(AT_ONCE, len(waiting)))
        ]
        try:
            await gatherResults(asking, consumeErrors=True)
        except FirstError as error:
            for each in asking:
                each.cancel()
            error.subFailure.raiseException()
        return answers

    def _owned(self, device: str) -> str:
        return self._owner(device) or device

    def _nothing(self) -> TocsinError:
        for error, _ in self._failed.values():
            return error
        return self._nowhere or NotFoundError("none of these devices has a series of this graph")


def _label(one: Found, *, several: bool) -> str:
    if one.subject.component is not None and one.subject.shown:
        return one.subject.shown
    component = one.component or one.source
    return f"{one.subject.shown or one.subject.device} {component}" if several else component


def _by_source(values: Sequence[LastValue]) -> Mapping[tuple[str, str], list[LastValue]]:
    found: dict[tuple[str, str], list[LastValue]] = {}
    for value in values:
        found.setdefault((value.component, value.source), []).append(value)
    return found


def point_of(value: LastValue) -> Point:
    """What is drawn of a value that was told."""
    kind = Kind.GAUGE if value.kind == Kind.GAUGE.value else Kind.DERIVE  # all else is kept as a rate
    return Point(name=value.point, kind=kind, unit=value.unit)


def _known(values: Sequence[float | None]) -> bool:
    return any(value is not None for value in values)


def _device(one: Subject | Found) -> str:
    return one.device if isinstance(one, Subject) else one.subject.device


def _away(sentence: str, devices: Sequence[str]) -> str:
    different = list(dict.fromkeys(devices))
    more = f" and {len(different) - MAX_NAMED} more" if len(different) > MAX_NAMED else ""
    return f"Without {', '.join(different[:MAX_NAMED])}{more}: {sentence}"
