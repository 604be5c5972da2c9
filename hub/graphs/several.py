"""Draws what several collectors have, each of its own, in one picture."""

from __future__ import annotations

from common.errors import TransientError
from common.graphs import Drawing
from common.queries import GraphQuery
from hub.graphs.desk import Drawn


async def refuse_several(_query: GraphQuery, _drawing: Drawing) -> Drawn:
    """Until the hub can draw."""
    raise TransientError("these devices belong to several collectors; draw those of one collector at a time")
