"""Pictures of series that lie here."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from collectors.framework.data.reading.likely import likely_of
from collectors.framework.data.reading.plots import plots_of
from common.errors import PermanentError
from common.graphdrawing import check_zone, compose, paint
from common.graphpicture import Picture, step_of
from common.graphs import Drawing
from common.queries import GraphQuery

MAX_NOTE = 600


def draw(query: GraphQuery, root: Path) -> tuple[bytes, dict[str, int]]:
    """The bytes of a picture, and the files that it was made of, each with its newest sample.

    Raises:
        NotFoundError: a device, component, graph or point that there is not.
        PermanentError: a drawing that makes no sense; a file that cannot be read.
    """
    drawing = query.drawing or Drawing()
    check_zone(drawing.zone)
    step_s = step_of(query.start, query.end, query.width)
    plots, broken = plots_of(query, root, step_s)
    if broken:
        more = f" {len(broken) - 1} others cannot be read either." if len(broken) > 1 else ""
        note = f"{drawing.note} {broken[0]}.{more}".strip()[:MAX_NOTE]
        query = replace(query, drawing=replace(drawing, note=note))
    picture = compose(query, plots, step_s, likely_of(drawing, plots, root, step_s))
    return paint_what_is_there(picture), plots.paths


def paint_what_is_there(picture: Picture) -> bytes:
    """The bytes of a picture; without bands around curves, if their files have gone since they were measured.

    Raises:
        PermanentError: rrdtool cannot draw it.
    """
    try:
        return paint(picture)
    except PermanentError:
        if not picture.likely:
            raise
        return paint(replace(picture, likely=()))
