"""Makes a picture of what somebody asks for: finds the graph, what is judged and what happened, and has it drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from common.errors import NotFoundError, PermanentError
from common.graphs import Drawing, Likely, Limit
from common.queries import GraphQuery, Picture
from hub.graphs.bounds import bounds
from hub.graphs.catalogue import BUILT_IN, Known, known_of, points_of, units_of
from hub.graphs.drawings import Wishes, drawing
from hub.graphs.finding import Finder
from hub.graphs.happened import marks, spans
from hub.graphs.history import Historian
from hub.graphs.kinds import all_kinds
from hub.graphs.likely import likely
from hub.graphs.listing import Lister
from hub.graphs.subjects import Book, Whose
from hub.model.model import Model
from hub.model.templates import Draw

MAX_SERIES = 500
"""Among so many the largest are looked for."""
MAX_NOTE = 400
FEW = 5
"""So many subjects have their events and bounds in the picture without being asked; of more they would hide it."""


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


class Drawers(Protocol):
    """Whoever draws what several collectors have, or has one collector draw."""

    async def draw(self, query: GraphQuery, drawing: Drawing) -> Drawn:
        """A picture of the drawing's subjects; of the query's device and component where it has none."""


class GraphDesk:
    """Joins what model, events and collectors know.

    Args:
        wall: epoch seconds.
        model: at present.
        book: of components.
        historian: of what happened.
        lister: of series.
        drawers: of pictures.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        model: Callable[[], Model],
        book: Book,
        historian: Historian,
        lister: Lister,
        drawers: Drawers,
    ) -> None:
        self._wall = wall
        self._model = model
        self._book = book
        self._historian = historian
        self._lister = lister
        self._drawers = drawers
        self._finder = Finder(model, book, lister)

    async def draw(self, asked: Asked) -> Drawn:
        """Draw.

        Raises:
            NotFoundError: a device, component or graph that there is not.
            PermanentError: they are too many.
            TransientError: whoever would have to draw is away, slow or busy.
        """
        self._check_size(asked)
        asked, missing = await self._there(asked)
        first = asked.subjects[0]
        name, known, kinds = await self._finder.find(first, asked.graph, alone=len(asked.subjects) == 1)
        sources = known.sources if known is not None else {}
        made = drawing(known.graph if known else None, self._heading(asked), asked.wishes, sources)
        points = points_of(name, known)
        if self._wants(asked, asked.wishes.thresholds, _has_bounds(asked, name, known)):
            standing = points if asked.wishes.thresholds else _standing(known, points)
            made = replace(made, limits=self._limits(asked, standing, kinds), likely=self._likely(asked, points, kinds))
        if self._wants(asked, asked.wishes.events, known is None or known.graph.events):
            names = [point for point, _ in points] if name else None
            told = await self._historian.tell(asked.subjects, names, asked.start, asked.end)
            made = replace(
                made, marks=marks(told.happened), spans=spans(told.happened, self._wall()), note=told.problem
            )
        made = replace(made, note=" ".join(one for one in (made.note, *missing) if one)[:MAX_NOTE])
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
        try:
            drawn = await self._drawers.draw(query, made)
        except NotFoundError as error:
            raise self._with_templates(error, asked, known) from None
        return Drawn(drawn.picture, (*missing, *drawn.missing))

    async def _there(self, asked: Asked) -> tuple[Asked, tuple[str, ...]]:
        """Without the sets of one device that were named and are not there, if others are; says which.

        Of several devices, some may well be without a set.
        """
        named = [one for one in asked.subjects if one.component is not None]
        if len(named) < 2 or len({one.device for one in named}) > 1:
            return asked, ()
        missing: list[Whose] = []
        for one in named:
            try:
                await self._lister.listing(one.device, one.component)
            except NotFoundError:
                missing.append(one)
        there = tuple(one for one in asked.subjects if one not in missing)
        if not there:
            return asked, ()
        return replace(asked, subjects=there), tuple(
            f"{one.device} has no series of a set {one.component!r}." for one in missing
        )

    def _check_size(self, asked: Asked) -> None:
        number = sum(self._book.number(one) for one in asked.subjects)
        if len(asked.subjects) > 1 and number > MAX_SERIES:
            raise PermanentError(
                f"these devices have {number} sets, too many to find the largest of; name a set, fewer devices or a "
                "smaller class"
            )

    def _with_templates(self, error: NotFoundError, asked: Asked, known: Known | None) -> NotFoundError:
        """A collector names the graphs that it knows; those of templates it does not."""
        device = self._book.device(asked.subjects[0])
        if device is None or known is not None or not asked.graph:
            return error
        others = sorted(known_of(self._model(), device, all_kinds(self._model(), device)))
        told = (f"Graphs of templates: {', '.join(others)}",) if others else ()
        return NotFoundError(error.message, (*error.details, *told))

    def _heading(self, asked: Asked) -> list[str]:
        devices = list(dict.fromkeys(one.device for one in asked.subjects))
        components = list(dict.fromkeys(self._book.present(one) for one in asked.subjects if one.component))
        return [
            *([devices[0]] if len(devices) == 1 else [f"{len(devices)} devices"]),
            *(components if len(components) == 1 else []),
        ]

    def _wants(self, asked: Asked, said: bool | None, default: bool) -> bool:  # noqa: FBT001 - two words on one thing
        return (default and len(asked.subjects) <= FEW) if said is None else said

    def _limits(self, asked: Asked, points: Sequence[tuple[str, str]], kinds: Sequence[str]) -> tuple[Limit, ...]:
        found: dict[tuple[float, int, str], Limit] = {}
        for one in asked.subjects:
            device = self._book.device(one)
            if device is not None:
                for limit in bounds(self._book.judged(one, kinds), points, units_of(self._model(), device, kinds)):
                    found.setdefault((limit.value, limit.severity, limit.unit), limit)
        return tuple(found.values())[: FEW * 2]

    def _likely(self, asked: Asked, points: Sequence[tuple[str, str]], kinds: Sequence[str]) -> tuple[Likely, ...]:
        return likely(self._book.judged(asked.subjects[0], kinds), points) if len(asked.subjects) == 1 else ()


def _standing(known: Known | None, points: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Points whose curves stand on the axis: a bound of one that lies on others has no place of its own."""
    if known is None:
        return points
    return [(curve.point, curve.transform) for curve in known.graph.points if not curve.stack]


def _has_bounds(asked: Asked, name: str, known: Known | None) -> bool:
    """Whether bounds are shown where nobody says; a bound of each is none of their sum."""
    if known is None:
        graph = BUILT_IN.get(name)
        return len(asked.subjects) == 1 or graph is None or not graph.stack
    is_summed = len(known.graph.points) == 1 and known.graph.points[0].draw is Draw.AREA
    return known.graph.thresholds and (len(asked.subjects) == 1 or not is_summed)
