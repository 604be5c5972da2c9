"""Makes a picture of what somebody asks for: finds the graph, what is judged and what happened, and has it drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, from addTimeout
from twisted.internet.interfaces import IReactorTime

from common.errors import TocsinError
from common.graphs import Drawing, Limit
from common.queries import GraphQuery, Picture
from hub.graphs.bounds import bounds
from hub.graphs.catalogue import BUILT_IN, FIRST, Known, known_of, points_of, units_of
from hub.graphs.drawings import Wishes, drawing
from hub.graphs.happened import happenings, marks, spans
from hub.graphs.subjects import Book, Whose, told_apart
from hub.interfaces import EventRecord
from hub.model.model import Model

EVENTS_WITHIN_S = 2.0
MAX_EVENTS = 500
FEW = 5
"""So many subjects have their events and bounds in the picture without being asked; of more they would hide it."""
UNREAD = "What happened could not be read from the hub's store."


class Asked(Struct, frozen=True, kw_only=True):
    """What somebody asks for.

    Attributes:
        subjects: at least one.
        graph: id of a graph; empty for the first.
        start, end: epoch seconds.
        width, height: of the plot, in pixels.
    """

    subjects: tuple[Whose, ...]
    graph: str
    start: int
    end: int
    form: str
    width: int
    height: int
    wishes: Wishes = Wishes()


class Drawn(Struct, frozen=True):
    """A picture; `missing` says in sentences what is not in it."""

    picture: Picture
    missing: tuple[str, ...] = ()


class Past(Protocol):
    """Whoever knows what happened."""

    async def between(
        self, devices: Collection[str], components: Collection[str] | None, start: float, end: float, limit: int
    ) -> list[EventRecord]:
        """Events that stood, or were seen, in a time."""


class Drawers(Protocol):
    """Whoever draws what several collectors have, or has one collector draw."""

    async def draw(self, query: GraphQuery, drawing: Drawing) -> Drawn:
        """A picture of the drawing's subjects; of the query's device and component where it has none."""


class GraphDesk:
    """Joins what model, events and collectors know.

    Args:
        clock: monotonic.
        wall: epoch seconds.
        model: at present.
        book: of components.
        past: of events.
        drawers: of pictures.
    """

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        model: Callable[[], Model],
        book: Book,
        past: Past,
        drawers: Drawers,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._model = model
        self._book = book
        self._past = past
        self._drawers = drawers

    async def draw(self, asked: Asked) -> Drawn:
        """Draw.

        Raises:
            NotFoundError: a device, component or graph that there is not.
            TransientError: whoever would have to draw is away, slow or busy.
        """
        first = asked.subjects[0]
        name, known = self._graph(asked)
        made = drawing(known.graph if known else None, self._heading(asked), asked.wishes)
        points = points_of(name, known)
        if self._wants(asked, asked.wishes.thresholds, known is None or known.graph.thresholds):
            made = replace(made, limits=self._limits(asked, points))
        if self._wants(asked, asked.wishes.events, known is None or known.graph.events):
            made = await self._with_events(made, asked, [point for point, _ in points] if name else None)
        if len(asked.subjects) > 1:
            several = len({one.device for one in asked.subjects}) > 1
            subjects = tuple(self._book.subject(one, with_device=several) for one in asked.subjects)
            made = replace(made, subjects=subjects)
        query = GraphQuery(
            device=first.device,
            component=first.component if len(asked.subjects) == 1 else None,
            graph=name,
            start=asked.start,
            end=asked.end,
            form=asked.form,
            width=asked.width,
            height=asked.height,
        )
        return await self._drawers.draw(query, made)

    def _graph(self, asked: Asked) -> tuple[str, Known | None]:
        """Name and definition; without a definition the collector knows it by its name.

        A whole device has those that are built in as they are, for they put its components on top of each other.
        """
        device = self._book.device(asked.subjects[0])
        name = asked.graph or (FIRST if device is not None else "")
        if device is None or (name in BUILT_IN and any(one.component is None for one in asked.subjects)):
            return name, None
        return name, known_of(self._model(), device).get(name)

    def _heading(self, asked: Asked) -> list[str]:
        devices = list(dict.fromkeys(one.device for one in asked.subjects))
        components = list(dict.fromkeys(self._book.present(one) for one in asked.subjects if one.component))
        return [
            *([devices[0]] if len(devices) == 1 else [f"{len(devices)} devices"]),
            *(components if len(components) == 1 else []),
        ]

    def _wants(self, asked: Asked, said: bool | None, default: bool) -> bool:  # noqa: FBT001 - two words on one thing
        return (default and len(asked.subjects) <= FEW) if said is None else said

    def _limits(self, asked: Asked, points: Sequence[tuple[str, str]]) -> tuple[Limit, ...]:
        found: dict[tuple[float, int], Limit] = {}
        for one in asked.subjects:
            device = self._book.device(one)
            if device is not None:
                for limit in bounds(self._book.judged(one), points, units_of(self._model(), device)):
                    found.setdefault((limit.value, limit.severity), limit)
        return tuple(found.values())[: FEW * 2]

    async def _with_events(self, made: Drawing, asked: Asked, points: Sequence[str] | None) -> Drawing:
        try:
            records = await self._records(asked)
        except TocsinError:
            return replace(made, note=UNREAD)
        found = happenings(records, told_apart(asked.subjects), points, asked.start, asked.end)
        return replace(made, marks=marks(found), spans=spans(found, self._wall()))

    async def _records(self, asked: Asked) -> list[EventRecord]:
        devices = list(dict.fromkeys(one.device for one in asked.subjects))
        named = [self._book.names(one) for one in asked.subjects]
        components = None if None in named else [name for names in named for name in names or ()]
        work = self._past.between(devices, components, asked.start, asked.end, MAX_EVENTS)
        reading = Deferred.fromCoroutine(work)
        reading.addTimeout(EVENTS_WITHIN_S, self._clock)
        try:
            return await reading
        except TimeoutError:
            raise TocsinError(UNREAD) from None
