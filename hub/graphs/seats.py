"""Which daemons of a collector have what is in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from common.configs import SERVICE_PROCESS
from common.errors import NotFoundError
from common.graphs import Drawing, Subject
from common.queries import GraphQuery
from hub.data.keepers import Keepers, Located, named
from hub.graphs.catalogue import BUILT_IN
from hub.graphs.gathering import point_of
from hub.graphs.wanting import wanted

MAX_LISTED = 20
"""Of more components of devices it is not looked at first where they are: who gathers their figures finds out."""


class Places(Protocol):
    """Who knows which series there are, and where."""

    @property
    def keepers(self) -> Keepers:
        """The daemons that keep files."""

    async def located(self, device: str, component: str | None) -> Located:
        """Which series there are, and at which daemon each is."""


class Seats:
    """Guesses first: a picture of many costs one question then.

    Args:
        places: know where series are; None where each collector has one daemon that keeps files.
    """

    def __init__(self, places: Places | None) -> None:
        self._places = places

    def is_sure(self, subjects: Sequence[Subject]) -> bool:
        """Whether nobody else can have it."""
        return self._places is None or all(len(self._places.keepers.of(one.device)) == 1 for one in subjects)

    def guess(self, subjects: Sequence[Subject], query: GraphQuery, drawing: Drawing) -> str | None:
        """The daemon that should have all of it, by the model; None where that is not said, or where there are several.

        All subjects are of one collector.

        Raises:
            NotFoundError: there is no such device.
        """
        if self._places is None:
            return SERVICE_PROCESS
        keepers = self._places.keepers
        daemons = {daemon for one in subjects for daemon in keepers.of(one.device)}
        if len(daemons) == 1:
            return daemons.pop()
        sources = {curve.source for curve in drawing.curves}
        if sources and "" not in sources:
            devices = dict.fromkeys(one.device for one in subjects)
            found = [keepers.wanting(device, source) for device in devices for source in sources]
            meant = {daemon for some in found for daemon in some}
            return meant.pop() if len(meant) == 1 and all(found) else None
        of_sets = query.graph in BUILT_IN or bool(drawing.curves)
        return SERVICE_PROCESS if of_sets and SERVICE_PROCESS in daemons else None

    async def find(
        self, subjects: Sequence[Subject], query: GraphQuery, drawing: Drawing
    ) -> tuple[list[str], tuple[str, ...]]:
        """The daemons that have something of it, and who could not be asked that may have; nobody if there are many.

        Raises:
            TocsinError: there is no such device or component, or who has it is away.
        """
        if self._places is None or len(subjects) > MAX_LISTED:
            return [], ()
        choose, found, missing = wanted(query, drawing), dict[str, None](), dict[str, None]()
        there: dict[str, None] = {}
        nowhere: NotFoundError | None = None
        for one in subjects:
            try:
                located = await self._places.located(one.device, one.component)
            except NotFoundError as error:
                nowhere = nowhere or error
                continue
            missing |= dict.fromkeys(located.gaps.values())
            there |= dict.fromkeys(value.point for value in located.values)
            for (component, source), daemon in located.daemons.items():
                points = [
                    point_of(value)
                    for value in located.values
                    if (value.component, value.source) == (component, source)
                ]
                if choose(points, source):
                    found[daemon] = None
        if not found and nowhere is not None:
            raise nowhere
        if not found and not missing:
            whose = (
                f"Component {query.component!r} of {query.device!r}" if query.component is not None else query.device
            )
            raise NotFoundError(f"{whose} has no graph {query.graph!r}; it has the points: {named(there)}")
        return list(found), tuple(missing)
