"""The API of pictures of series."""

from __future__ import annotations

from collections.abc import Callable

from common.queries import GraphQuery
from hub.data.reader import Reader
from hub.web.call import Call, File
from hub.web.router import Route
from hub.web.spans import span_of

PICTURES = {"png": "image/png", "svg": "image/svg+xml"}


class GraphTopic:
    """Has collectors draw."""

    def __init__(self, reader: Reader, wall: Callable[[], float]) -> None:
        self._reader = reader
        self._wall = wall

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("GET", "devices/{device}/graph", self.graph)]

    async def graph(self, call: Call) -> File:
        """A picture; a script in an SVG would be held back by the headers all the same."""
        call.only("component", "graph", "start", "end", "format", "width", "height")
        start, end = span_of(call, self._wall())
        query = GraphQuery(
            device=call.names["device"],
            component=call.text("component"),
            graph=(call.text("graph") or "")[:255],
            start=start,
            end=end,
            form=call.choice("format", "png", PICTURES),
            width=call.integer("width", 720, 100, 4000) or 720,
            height=call.integer("height", 200, 50, 2000) or 200,
        )
        picture = await self._reader.graph(query)
        return File(PICTURES[query.form], picture.data)
