"""Has a picture drawn by whoever has the series."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from msgspec.structs import replace

from common.graphs import Drawing, Subject, Theme
from common.queries import GraphQuery, Picture
from hub.graphs.desk import Drawn
from hub.graphs.turns import Turns

SEVERAL = ""
"""Stands for several collectors together."""


class Reader(Protocol):
    """What is asked of collectors."""

    async def graph(self, query: GraphQuery) -> Picture:
        """A picture."""


class Drawers:
    """Asks the collector of a device; what several collectors have is drawn by the hub itself.

    Args:
        reader: asks collectors.
        owner: gives the collector of a device; None for a collector's own series.
        several: draws what several collectors have: gets query and drawing, with the subjects of each collector.
    """

    def __init__(
        self,
        reader: Reader,
        owner: Callable[[str], str | None],
        several: Callable[[GraphQuery, Drawing], Coroutine[Any, Any, Drawn]],
        turns: Turns | None = None,
    ) -> None:
        self._reader = reader
        self._owner = owner
        self._several = several
        self._turns = turns or Turns()

    async def draw(self, query: GraphQuery, drawing: Drawing) -> Drawn:
        """A picture of the drawing's subjects; of the query's device and component where it has none."""
        subjects = drawing.subjects or (Subject(device=query.device, component=query.component),)
        owners = dict.fromkeys(self._owner(one.device) or one.device for one in subjects)
        if len(owners) > 1:
            return await self._turns.take(SEVERAL, self._several(query, drawing))
        owner = next(iter(owners))
        picture = await self._turns.take(owner, self._reader.graph(replace(query, drawing=drawing)))
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
