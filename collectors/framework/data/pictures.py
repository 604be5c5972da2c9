"""Pictures of series that lie here."""

from __future__ import annotations

from pathlib import Path

from collectors.framework.data.plots import plots_of
from common.graphdrawing import check_zone, compose, paint
from common.graphpicture import step_of
from common.graphs import Drawing
from common.queries import GraphQuery


def draw(query: GraphQuery, root: Path) -> tuple[bytes, dict[str, int]]:
    """The bytes of a picture, and the files that it was made of, each with its newest sample.

    Raises:
        NotFoundError: a device, component, graph or point that there is not.
        PermanentError: a drawing that makes no sense; a file that cannot be read.
    """
    check_zone((query.drawing or Drawing()).zone)
    step_s = step_of(query.start, query.end, query.width)
    plots = plots_of(query, root, step_s)
    return paint(compose(query, plots, step_s)), plots.paths
