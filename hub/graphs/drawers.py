"""Has a picture drawn by whoever has the series."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from msgspec.structs import replace

from common.errors import NotFoundError
from common.graphs import Drawing, Subject, Theme
from common.queries import GraphQuery, Picture
from hub.graphs.desk import Drawn
from hub.graphs.seats import Seats
from hub.graphs.turns import Turns

SEVERAL = ""
"""Stands for several collectors together."""


class Reader(Protocol):
    """What is asked of collectors."""

    async def graph(self, query: GraphQuery, daemon: str | None = None) -> Picture:
        """A picture, by a daemon of the collector."""


class Drawers:
    """Asks the daemon that has what is in a picture; what several have is drawn by the hub itself.

    Args:
        reader: asks collectors.
        owner: gives the collector of a device; None for a collector's own series.
        several: draws what several daemons have: gets query and drawing, with the subjects.
        seats: know which daemons have what is in a picture.
        turns: limit how many are drawn at once.
    """

    def __init__(
        self,
        reader: Reader,
        owner: Callable[[str], str | None],
        several: Callable[[GraphQuery, Drawing], Coroutine[Any, Any, Drawn]],
        seats: Seats | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._reader = reader
        self._owner = owner
        self._several = several
        self._seats = seats or Seats(None)
        self._turns = turns or Turns()

    async def draw(self, query: GraphQuery, drawing: Drawing) -> Drawn:
        """A picture of the drawing's subjects; of the query's device and component where it has none."""
        subjects = drawing.subjects or (Subject(device=query.device, component=query.component),)
        owners = dict.fromkeys(self._owner(one.device) or one.device for one in subjects)
        if len(owners) > 1:
            return await self._turns.take(SEVERAL, self._several(query, drawing))
        owner = next(iter(owners))
        guessed = self._seats.guess(subjects, query, drawing)
        if guessed is not None:
            try:
                return await self._drawn(owner, guessed, query, drawing)
            except NotFoundError:
                if self._seats.is_sure(subjects):
                    raise
        daemons, missing = await self._seats.find(subjects, query, drawing)
        if len(daemons) == 1:
            drawn = await self._drawn(owner, daemons[0], query, drawing)
            return Drawn(drawn.picture, (*drawn.missing, *missing))
        together = drawing if drawing.subjects else replace(drawing, subjects=subjects)
        return await self._turns.take(SEVERAL, self._several(query, together))

    async def _drawn(self, owner: str, daemon: str, query: GraphQuery, drawing: Drawing) -> Drawn:
        picture = await self._turns.take(owner, self._reader.graph(replace(query, drawing=drawing), daemon))
        if picture.drawn or not _is_own(drawing):
            return Drawn(picture)
        sentence = (
            f"Collector {owner} is of a version that draws in one way only, without what was asked for; update it"
        )
        return Drawn(picture, (sentence,))


def _is_own(drawing: Drawing) -> bool:
    """Whether a drawing is another one than that which the name of its graph stands for."""
    said = drawing.curves or drawing.title or drawing.subjects or drawing.percentiles
    return bool(said or drawing.log or drawing.compare_s or drawing.top) or drawing.theme is not Theme.LIGHT
