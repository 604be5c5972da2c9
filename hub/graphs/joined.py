"""The desk of graphs with all its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from common.configs import ExpectedSet
from hub.data.reader import Reader
from hub.graphs.desk import GraphDesk
from hub.graphs.drawers import Drawers
from hub.graphs.history import Historian, Past
from hub.graphs.painter import Painter
from hub.graphs.seats import Seats
from hub.graphs.several import SeveralCollectors
from hub.graphs.subjects import Book
from hub.model.model import Model


class Components(Protocol):
    """Who knows the components of devices."""

    def expected(self, device: str) -> Sequence[ExpectedSet]:
        """Process sets that a modelling has found on a device."""

    def series_elsewhere(self, device: str) -> Mapping[str, str]:
        """Process sets whose series are kept under another name than theirs: from the name to that of the series."""


def graph_desk(
    reactor: Any,
    clock: IReactorTime,
    wall: Callable[[], float],
    at_end: Callable[[Callable[[], Deferred[None]]], object],
    *,
    model: Callable[[], Model],
    components: Components,
    past: Past,
    reader: Reader,
    owner: Callable[[str], str | None],
) -> GraphDesk:
    """Join the parts.

    Args:
        reactor: for the drawing process.
        clock: monotonic.
        wall: epoch seconds.
        at_end: is told what is to be done when the hub stops.
        model: at present.
        components: of devices.
        past: of events.
        reader: asks collectors.
        owner: gives the collector of a device.
    """
    book = Book(model, components.expected, components.series_elsewhere)
    painter = Painter(reactor, clock)
    at_end(painter.stop)
    several = SeveralCollectors(clock, reader, owner, painter)
    historian = Historian(clock, book, past, reader)
    return GraphDesk(wall, model, book, historian, reader, Drawers(reader, owner, several.draw, Seats(reader)))
