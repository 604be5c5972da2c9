"""Finds which graph is meant by a name, or by none, of a component of any kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from common.errors import NotFoundError, RemoteError, TransientError
from common.processpoints import PROCESS_SOURCE
from common.queries import LastValue
from hub.data.keepers import ambiguous
from hub.graphs.catalogue import BUILT_IN, FIRST, Known, known_of, of_source, offers
from hub.graphs.kinds import SETS, all_kinds, kinds_of
from hub.graphs.listing import Lister, points_by_component
from hub.graphs.subjects import Book, Whose
from hub.model.entities import Device
from hub.model.model import Model

Found = tuple[str, Known | None, Sequence[str]]
"""The graph's name, its definition, and the kinds of the component; without a definition collectors know it by its
name."""


class Finder:
    """Looks into the model, and at what is kept where that does not say it.

    Args:
        model: at present.
        book: of components.
        lister: of series.
    """

    def __init__(self, model: Callable[[], Model], book: Book, lister: Lister) -> None:
        self._model = model
        self._book = book
        self._lister = lister

    async def find(self, one: Whose, graph: str, *, alone: bool) -> Found:
        """Find the graph of the first of those that are drawn together; `alone`: there is no other.

        Raises:
            PermanentError: the name is that of a point of several sources.
        """
        device = self._book.device(one)
        source, colon, point = graph.partition(":")
        if device is None:
            return graph, of_source(source, point) if colon else None, (SETS,)
        if one.component is None:
            return await self._of_device(device, graph, alone=alone)
        if self._book.is_set(one):
            known = known_of(self._model(), device).get(graph or FIRST)
            if known is not None or not graph or graph in BUILT_IN:
                return graph or FIRST, known, (SETS,)
        return await self._of_component(device, one.component, graph)

    async def _of_device(self, device: Device, graph: str, *, alone: bool) -> Found:
        """Of a whole device those that are built in are as they are: they put its components on top of each other."""
        kinds = all_kinds(self._model(), device)
        source, colon, point = graph.partition(":")
        if colon:
            return graph, of_source(source, point), kinds
        if graph in BUILT_IN:
            return graph, None, (SETS,)
        if graph:
            known = known_of(self._model(), device, kinds).get(graph)
            return graph, known, [kind for kind in kinds if graph in known_of(self._model(), device, (kind,))] or kinds
        if not alone:
            return FIRST, None, (SETS,)
        try:
            values = await self._lister.listing(device.id, None)
        except (NotFoundError, TransientError, RemoteError):
            return FIRST, None, (SETS,)  # whoever draws says why not
        points = [each for of_one in points_by_component(values).values() for each in of_one]
        known_here = known_of(self._model(), device, kinds)
        sources = {value.source for value in values}
        found = offers(points, known_here, sources, is_set=PROCESS_SOURCE in sources)
        first = next((each for each in found if each.template or each.graph in BUILT_IN), None)
        if first is None or first.graph in BUILT_IN:
            return FIRST if first is None else first.graph, None, (SETS,)
        return first.graph, known_here[first.graph], kinds

    async def _of_component(self, device: Device, component: str, graph: str) -> Found:
        source, colon, point = graph.partition(":")
        try:
            values = await self._lister.listing(device.id, component)
        except (NotFoundError, TransientError, RemoteError):
            values = []  # whoever draws says why not
        kinds = kinds_of(self._model(), device, component, {value.source for value in values})
        if colon:
            return graph, of_source(source, point), kinds
        kinds = kinds or all_kinds(self._model(), device)
        known = known_of(self._model(), device, kinds)
        if not graph:
            points = [each for of_one in points_by_component(values).values() for each in of_one]
            sources = {value.source for value in values}
            graph = next((one.graph for one in offers(points, known, sources, is_set=SETS in kinds)), FIRST)
        if graph not in known and graph not in BUILT_IN:
            _refuse_if_ambiguous(device.id, component, graph, values)
        return graph, known.get(graph), kinds


def _refuse_if_ambiguous(device: str, component: str, point: str, values: Sequence[LastValue]) -> None:
    sources = list(dict.fromkeys(value.source for value in values if value.point == point))
    if len(sources) > 1:
        raise ambiguous(device, component, [point], sources)
