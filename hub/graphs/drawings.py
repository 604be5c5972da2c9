"""A template's graph, and what somebody wants of a picture, as the drawing that a collector is told (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from common.graphs import Band, Curve, Draw, Drawing, Theme
from hub.model.templates import Curve as TemplateCurve
from hub.model.templates import Graph


class Wishes(Struct, frozen=True, kw_only=True):
    """What somebody says of a picture; None is as the graph has it.

    Attributes:
        compare_s: draw the same once more, as it was so many seconds earlier.
        top: only so many of the largest; 0 for all.
        zone: time zone of the axis.
        zoom: of a PNG.
        title: in place of device, component and graph.
    """

    theme: Theme = Theme.LIGHT
    compare_s: int = 0
    percentiles: tuple[float, ...] | None = None
    top: int = 0
    band: bool | None = None
    log: bool | None = None
    thresholds: bool | None = None
    events: bool | None = None
    zone: str = "UTC"
    zoom: int = 1
    title: str = ""


_BANDS = {None: Band.AUTO, True: Band.YES, False: Band.NO}


def drawing(
    graph: Graph | None, heading: Sequence[str], wishes: Wishes, sources: Mapping[str, str] = MappingProxyType({})
) -> Drawing:
    """What is drawn.

    Args:
        graph: of a template; None for one that is built in, whose name goes with the query.
        heading: whose graph it is; the title of a template's graph comes behind it.
        wishes: of whoever asks.
        sources: by point the source that it is drawn of, where that is said.
    """
    made = Drawing() if graph is None else _defined(graph, heading, sources)
    if wishes.title:
        made = replace(made, title=wishes.title)
    return replace(
        made,
        theme=wishes.theme,
        compare_s=wishes.compare_s,
        percentiles=made.percentiles if wishes.percentiles is None else wishes.percentiles,
        top=wishes.top,
        band=made.band if wishes.band is None else _BANDS[wishes.band],
        log=made.log if wishes.log is None else wishes.log,
        # A logarithmic axis that somebody asks for begins above 0.
        minimum=None if wishes.log and made.minimum is not None and made.minimum <= 0 else made.minimum,
        zone=wishes.zone,
        zoom=wishes.zoom,
    )


def _defined(graph: Graph, heading: Sequence[str], sources: Mapping[str, str]) -> Drawing:
    return Drawing(
        curves=tuple(_curve(curve, sources.get(curve.point, "")) for curve in graph.points),
        title=" · ".join([*heading, graph.title]) if graph.title else "",
        axis=graph.axis,
        unit=graph.unit,
        base=graph.base,
        log=graph.log,
        minimum=graph.minimum,
        maximum=graph.maximum,
        band=_BANDS[graph.band],
        percentiles=graph.percentiles,
    )


def _curve(curve: TemplateCurve, source: str) -> Curve:
    return Curve(
        point=curve.point,
        label=curve.label,
        draw=Draw(curve.draw.value),
        stack=curve.stack,
        colour=curve.colour,
        transform=curve.transform,
        source=source,
    )
