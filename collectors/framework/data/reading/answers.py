"""What the reader process answers: lists of series, rows, pictures, from the RRD folder.

The current directory is the RRD folder, so that every path that rrdtool sees is made of hex digits alone.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from collectors.framework.data.index import read_device
from collectors.framework.data.reading.baselinereading import LessonsQuery, LessonsTold, lessons
from collectors.framework.data.reading.facts import info_of, series_of
from collectors.framework.data.reading.fetching import fetch
from collectors.framework.data.reading.inventory import inventory
from collectors.framework.data.reading.listing import Live, list_series
from collectors.framework.data.reading.naming import component_of
from collectors.framework.data.reading.picturecache import Pictures
from collectors.framework.data.reading.stats import stats_of
from collectors.framework.data.reading.trails import trails_of
from collectors.framework.moving.outgoing import look
from common.errors import PermanentError
from common.holdings import Holdings, HoldingsQuery
from common.moving import Left, LeftQuery, Outgoing, OutgoingQuery, Piece, PieceQuery
from common.queries import FetchQuery, GraphQuery, Listing, ListQuery, Picture, Rows
from common.readings import InfoQuery, Read, Reading, SeriesQuery, StatsQuery, TrailsQuery

SeriesQuestion = ListQuery | FetchQuery | GraphQuery | Reading
Query = LessonsQuery | SeriesQuestion | HoldingsQuery | LeftQuery | OutgoingQuery | PieceQuery
Answer = Holdings | Listing | Rows | Picture | Read | Left | Outgoing | Piece

LATEST_END = 2**33


class Request(Struct, frozen=True):
    """A question to the reader process."""

    query: Query
    live: list[Live]


def answer(root: Path, request: Request, now: float, pictures: Pictures | None = None) -> Answer | LessonsTold:
    """Answer a question.

    Args:
        root: the RRD folder.
        request: the question.
        now: epoch seconds.
        pictures: those that were drawn before.

    Raises:
        NotFoundError: a name that stands for nothing, with those that exist.
        PermanentError: a question that makes no sense.
    """
    query = request.query
    if isinstance(query, LeftQuery | OutgoingQuery | PieceQuery):
        return look(root, query)
    if isinstance(query, LessonsQuery | HoldingsQuery):
        return lessons(root, query) if isinstance(query, LessonsQuery) else inventory(root, query)
    held = read_device(root, query.device)
    if isinstance(query, ListQuery):
        return list_series(query, held, request.live, root)
    if isinstance(query, SeriesQuery):
        return series_of(query, held, request.live, now)
    if isinstance(query, InfoQuery):
        return info_of(query, held, request.live, root, now)
    least_s = 0 if isinstance(query, FetchQuery) else 1
    if not 0 <= query.start <= query.end - least_s <= LATEST_END:
        raise PermanentError(f"The range from {query.start} to {query.end} is none; the start must lie before the end")
    if isinstance(query, FetchQuery):
        return fetch(query, component_of(query.device, query.component, held, root), now)
    if isinstance(query, TrailsQuery):
        return trails_of(query, held)
    if isinstance(query, StatsQuery):
        return stats_of(query, component_of(query.device, query.component, held, root))
    return (pictures or Pictures()).answer(query, root, now)
