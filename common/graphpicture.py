"""A picture that is ready to be drawn: its curves with their figures, and everything around them (pure)."""

from __future__ import annotations

import math

from msgspec import Struct

from common.graphdefs import Term
from common.graphkinds import Unit
from common.graphs import Draw, Limit, Mark, Span, Theme
from common.judged import BaselineConfig

SIDE_PIXELS = 80
"""About what is beside the plot."""


class Figures(Struct, frozen=True, kw_only=True):
    """What is told of a curve in the legend; None for what is unknown.

    Attributes:
        total: of what is counted, how many there were.
        percentiles: in the order of the picture's.
    """

    last: float | None = None
    low: float | None = None
    average: float | None = None
    high: float | None = None
    total: float | None = None
    percentiles: tuple[float | None, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything is."""
        return self.average is not None


class Plot(Struct, frozen=True, kw_only=True):
    """A curve.

    Attributes:
        label: any text.
        terms: what is added up.
        stack: on top of the plot before.
        colour: `RRGGBB`; empty for the next of the theme.
        figures: of the range.
        past: of the time that it is compared with; None where it is not.
    """

    label: str
    terms: tuple[Term, ...]
    draw: Draw = Draw.LINE
    stack: bool = False
    colour: str = ""
    figures: Figures = Figures()
    past: Figures | None = None

    @property
    def has_range(self) -> bool:
        """Whether the least and the greatest of it are known beside the average."""
        return len(self.terms) == 1 and self.terms[0].has_range


class Likely(Struct, frozen=True, kw_only=True):
    """What is likely of a curve, and the file in which that is learned.

    Attributes:
        place: of the plot.
        term: the plot's.
        path: without colon or backslash.
        minimum, maximum: of the point.
        learns_until: epoch second up to which it is still learned; None when it has been.
        low, high: the least and the greatest that is likely in the picture; None when nothing is known of it.
        last: the edges where they are known last.
    """

    place: int
    term: Term
    baseline: BaselineConfig
    path: str
    minimum: float | None = None
    maximum: float | None = None
    learns_until: int | None = None
    low: float | None = None
    high: float | None = None
    last: tuple[float, float] | None = None


class Reach(Struct, frozen=True):
    """From the least to the greatest number that is drawn; `positive` is the least above 0. None for nothing."""

    low: float | None = None
    high: float | None = None
    positive: float | None = None


class Picture(Struct, frozen=True, kw_only=True):
    """All that a picture is made of.

    Attributes:
        unit, axis: of the numbers; `axis` is the word for one where the unit has none, or what the drawing says.
        base: 1000 or 1024; None for what is usual.
        start, end: epoch seconds.
        width, height: pixels; height is that of the plot, title, time axis and legend add to it.
        reach: of the curves, stacked ones on top of each other.
        band: from least to greatest around the averages.
        bar_s: how many seconds a bar counts; 0 where there are none.
        row_s: how many seconds there are in what is drawn as one value; 0 when that is not known.
        sampled: each of these is a sample, not an average.
        steps: values do not lead to each other, as with numbers of things.
        compare_s: how much earlier the past is.
        notes: last lines below the legend.
        likely: bands around curves.
    """

    title: str
    plots: tuple[Plot, ...]
    unit: Unit
    start: int
    end: int
    axis: str = ""
    base: int | None = None
    log: bool = False
    minimum: float | None = None
    maximum: float | None = None
    reach: Reach = Reach()
    limits: tuple[Limit, ...] = ()
    marks: tuple[Mark, ...] = ()
    spans: tuple[Span, ...] = ()
    percentiles: tuple[float, ...] = ()
    compare_s: int = 0
    band: bool = False
    bar_s: int = 0
    row_s: int = 0
    sampled: bool = False
    steps: bool = False
    width: int = 720
    height: int = 200
    form: str = "png"
    zoom: int = 1
    theme: Theme = Theme.LIGHT
    zone: str = "UTC"
    notes: tuple[str, ...] = ()
    likely: tuple[Likely, ...] = ()

    @property
    def pixel_s(self) -> float:
        """Seconds that a pixel holds, about."""
        return (self.end - self.start) / max(50, self.width - SIDE_PIXELS)

    @property
    def step_s(self) -> int:
        """Least seconds of what is drawn as one value."""
        return step_of(self.start, self.end, self.width)


def step_of(start: int, end: int, width: int) -> int:
    """Least seconds of what is drawn as one value in a picture of this width."""
    return max(1, math.ceil((end - start) / max(50, width - SIDE_PIXELS)))
