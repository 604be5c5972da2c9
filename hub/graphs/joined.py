"""The desk of graphs with all its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from common.configs import ExpectedSet
from hub.data.reader import Reader
from hub.graphs.desk import GraphDesk
from hub.graphs.drawers import Drawers
from hub.graphs.history import Historian, Past
from hub.graphs.several import refuse_several
from hub.graphs.subjects import Book
from hub.model.model import Model


class Components(Protocol):
    """Who knows the components of devices."""

    def expected(self, device: str) -> Sequence[ExpectedSet]:
        """Process sets that a modelling has found on a device."""

    def series_elsewhere(self, device: str) -> Mapping[str, str]:
        """Process sets whose series are kept under another name than theirs: from the name to that of the series."""


def graph_desk(
    clock: IReactorTime,
    wall: Callable[[], float],
    model: Callable[[], Model],
    components: Components,
    past: Past,
    reader: Reader,
    owner: Callable[[str], str | None],
) -> GraphDesk:
    """Join the parts.

    Args:
        clock: monotonic.
        wall: epoch seconds.
        model: at present.
        components: of devices.
        past: of events.
        reader: asks collectors.
        owner: gives the collector of a device.
    """
    book = Book(model, components.expected, components.series_elsewhere)
    historian = Historian(clock, book, past, reader)
    return GraphDesk(wall, model, book, historian, Drawers(reader, owner, refuse_several))
