"""Draws what several collectors have, each of its own, in one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from common.graphs import Drawing
from common.queries import GraphQuery, Picture
from hub.data.asking import TooSlowError
from hub.graphs.desk import MAX_NOTE, Drawn
from hub.graphs.gathering import Collectors, Gatherer
from hub.graphs.tables import Job
from hub.graphs.wanting import wanted

WITHIN_S = 25.0


class Draws(Protocol):
    """Whoever draws figures."""

    async def paint(self, job: Job) -> bytes:
        """The bytes of a picture."""


class SeveralCollectors:
    """Gathers figures, and has them drawn.

    Args:
        clock: monotonic.
        collectors: are asked.
        owner: gives the collector of a device.
        painter: draws.
    """

    def __init__(
        self, clock: IReactorTime, collectors: Collectors, owner: Callable[[str], str | None], painter: Draws
    ) -> None:
        self._clock = clock
        self._collectors = collectors
        self._owner = owner
        self._painter = painter

    async def draw(self, query: GraphQuery, drawing: Drawing) -> Drawn:
        """A picture of the drawing's subjects.

        Raises:
            TocsinError: nobody could be asked, nobody has any of it, or it cannot be drawn.
        """
        gatherer = Gatherer(self._collectors, self._owner, query, drawing, wanted(query, drawing))
        gathering = Deferred.fromCoroutine(gatherer.gather())
        gathering.addTimeout(WITHIN_S, self._clock, onTimeoutCancel=_too_slow)
        gathered = await gathering
        notes = [gathered.note, *gathered.missing, drawing.note]
        note = " ".join(one for one in notes if one)[:MAX_NOTE]
        job = Job(replace(query, drawing=replace(drawing, note=note, subjects=(), top=0)), gathered.tables)
        return Drawn(Picture(form=query.form, data=await self._painter.paint(job)), gathered.missing)


def _too_slow(_result: object, _within_s: float) -> None:
    raise TooSlowError(f"the collectors did not answer within {WITHIN_S:.0f} s; ask for fewer devices or sets")
