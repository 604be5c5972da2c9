"""Pictures of curves: which of them are shown, what they come to, and what rrdtool makes of that."""

from __future__ import annotations

import contextlib
import math
import os
import re
import time
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence

import rrdtool
from msgspec.structs import replace

from common import graphpaint, rrdgraph
from common.errors import PermanentError
from common.graphkinds import Unit
from common.graphmeasures import (
    Measure,
    Measured,
    measure,
    measure_likely,
    ranks,
    reach_of,
    stands_alone,
    with_figures,
)
from common.graphpicture import Likely, Picture, Plot
from common.graphplots import Plots
from common.graphs import Band, Draw, Drawing, Rank
from common.graphscale import WHOLE
from common.queries import GraphQuery

MIN_BAR_PIXELS = 4
_DIGITS = re.compile(rb"(\.\d\d)\d+")
"""Of an SVG, which has no texts but outlines of letters: less than a hundredth of a pixel is not seen."""
MAX_SHOWN = 20
MAX_OTHERS = 200
FEW = 3
"""Up to so many curves have a band around them without being asked."""
MAX_FIGURES_WITH_BAND = 20


def compose(query: GraphQuery, found: Plots, step_s: int, likely: Iterable[Likely] = ()) -> Picture:
    """The picture of these curves, measured, and as many of them as it can show.

    Args:
        query: that asks for it.
        found: the curves.
        step_s: least seconds of what is drawn as one value.
        likely: bands around curves; what cannot be read of them is not in the picture.
    """
    drawing = query.drawing or Drawing()
    bars = any(plot.draw is Draw.BARS for plot in found.plots)
    bar_s = _bar_s(query, max(found.rows)) if bars else 0
    how = Measure(
        start=query.start,
        end=query.end,
        step_s=bar_s or step_s,
        bar_s=bar_s,
        counted=found.unit is Unit.EVENTS,
        percentiles=drawing.percentiles,
    )
    plots, note = _largest(drawing, found, how)
    measured = [measure(plot, how) for plot in plots]
    row_s = max(found.rows)
    band = _has_band(drawing, plots, row_s > min(found.steps))
    compare_s = drawing.compare_s if len(plots) <= graphpaint.FEW else 0
    past = [measure(plot, how, earlier_s=compare_s) if compare_s else None for plot in plots]
    reach = reach_of(
        [*measured, *(one for one in past if one)],
        [*plots, *(plot for plot, one in zip(plots, past, strict=True) if one)],
        band=band,
    )
    is_log = drawing.log and reach.positive is not None
    notes = [note, drawing.note]
    if drawing.compare_s and not compare_s:
        notes.append(f"What was earlier is drawn of at most {graphpaint.FEW} curves.")
    if drawing.log and not is_log and reach.high is not None:
        notes.append("Nothing is above 0, so the axis is not logarithmic.")
    if not any(one.figures.known for one in measured):
        longer = row_s > min(found.steps)
        notes.insert(0, "No value is known in this time" + (" in rows so long; see a shorter one." if longer else "."))
    return Picture(
        title=found.title,
        plots=tuple(
            with_figures(plot, one.figures, before.figures if before else None)
            for plot, one, before in zip(plots, measured, past, strict=True)
        ),
        unit=found.unit,
        axis=found.axis,
        base=_base(drawing.base) or found.units.picture.base,
        log=is_log,
        minimum=_scaled(drawing.minimum, found),
        maximum=_scaled(drawing.maximum, found),
        reach=reach,
        limits=tuple(replace(one, value=one.value * found.units.factor(one.unit)) for one in drawing.limits),
        marks=drawing.marks,
        spans=drawing.spans,
        percentiles=drawing.percentiles,
        compare_s=compare_s,
        band=band,
        bar_s=bar_s,
        row_s=row_s,
        sampled=row_s <= min(found.steps),
        steps=found.unit in WHOLE or _has_lonely(measured, row_s, step_s),
        start=query.start,
        end=query.end,
        width=query.width,
        height=query.height,
        form=query.form,
        zoom=drawing.zoom if query.form == "png" else 1,
        theme=drawing.theme,
        zone=drawing.zone,
        notes=tuple(note for note in notes if note),
        likely=tuple(_measured_likely(likely, how, found.plots, plots)),
    )


def _measured_likely(
    likely: Iterable[Likely], how: Measure, found: Sequence[Plot], shown: Sequence[Plot]
) -> Iterator[Likely]:
    for one in likely:
        if found[one.place] in shown:
            with contextlib.suppress(PermanentError):
                yield measure_likely(replace(one, place=shown.index(found[one.place])), how)


def _has_lonely(measured: Sequence[Measured], row_s: int, step_s: int) -> bool:
    """Whether a value would not be seen if it were only led to and from."""
    return row_s <= 2 * step_s and any(stands_alone(one) for one in measured)


def _bar_s(query: GraphQuery, row_s: int) -> int:
    """Seconds that a bar counts: whole rows, and wide enough to be seen."""
    pixels_s = MIN_BAR_PIXELS * (query.end - query.start) / query.width
    return max(1, math.ceil(pixels_s / row_s)) * row_s


def _has_band(drawing: Drawing, plots: Sequence[Plot], consolidated: bool) -> bool:  # noqa: FBT001 - one fact
    if drawing.band is Band.NO or not any(plot.has_range for plot in plots):
        return False
    if drawing.band is Band.YES:
        return len(plots) <= MAX_FIGURES_WITH_BAND
    plain = all(plot.draw is not Draw.BARS and not plot.stack for plot in plots)
    return consolidated and plain and len(plots) <= FEW


def _largest(drawing: Drawing, found: Plots, how: Measure) -> tuple[list[Plot], str]:
    """The curves that are shown, and what is said of the others."""
    count = min(drawing.top or MAX_SHOWN, MAX_SHOWN)
    if len(found.plots) <= count and not found.stacked:
        return found.plots, ""
    if any(plot.stack for plot in found.plots) and len(found.plots) <= count and drawing.curves:
        return found.plots, ""  # in the order in which they are defined
    sizes = ranks(found.plots, how, peak=drawing.rank is Rank.PEAK)
    order = sorted(range(len(sizes)), key=lambda place: -sizes[place])
    if len(found.plots) <= count:
        return _restacked([found.plots[place] for place in order]), ""
    chosen = [found.plots[place] for place in order[:count]]
    rest = [found.plots[place] for place in order[count:]]
    word = "greatest value" if drawing.rank is Rank.PEAK else "average"
    note = f"The largest {count} of {len(found.plots)}, by {word}."
    if not found.stacked:
        return chosen, note
    chosen = _restacked(chosen)
    if drawing.others and drawing.top:
        terms = tuple(term for plot in rest for term in plot.terms)
        note += "" if len(terms) <= MAX_OTHERS else f" Of the others {MAX_OTHERS} are summed."
        others = Plot(
            label=f"{len(rest)} others", terms=terms[:MAX_OTHERS], draw=chosen[-1].draw, stack=True, colour="9AA1AB"
        )
        chosen.append(others)
    return chosen, note


def _restacked(plots: Sequence[Plot]) -> list[Plot]:
    return [replace(plot, stack=place > 0) for place, plot in enumerate(plots)]


def _base(base: int | None) -> int | None:
    if base not in {None, 1000, 1024}:
        raise PermanentError(f"The base of a graph is 1000 or 1024, not {base}")
    return base


def _scaled(value: float | None, found: Plots) -> float | None:
    scaled = value * found.units.picture.factor if value is not None else math.nan
    return scaled if math.isfinite(scaled) else None


def check_zone(zone: str) -> None:
    """Refuse a time zone that this host does not know.

    Raises:
        PermanentError: it does not.
    """
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise PermanentError(f"There is no time zone {zone!r} on the collector's host; Europe/Vienna is one") from None


def paint(picture: Picture) -> bytes:
    """The bytes of a picture.

    Raises:
        PermanentError: rrdtool cannot draw it.
    """
    arguments = rrdgraph.graph_arguments(picture)
    _use_zone(picture.zone)
    try:
        drawn = rrdtool.graphv("-", *arguments)
    except (rrdtool.OperationalError, rrdtool.ProgrammingError) as error:
        raise PermanentError(f"rrdtool cannot draw this: {error}") from None
    image = bytes(drawn["image"])
    return _DIGITS.sub(rb"\1", image) if picture.form == "svg" else image


def warm_up() -> None:
    """Have fonts found and read before the first picture is asked for; without any, there are no letters in it."""
    picture = Picture(title="0", plots=(), unit=Unit.PLAIN, start=0, end=3600, notes=("0",))
    with contextlib.suppress(PermanentError):
        paint(picture)


def _use_zone(zone: str) -> None:
    """Have C reckon in a time zone; the reader process answers one question at a time."""
    if os.environ.get("TZ") != zone:
        os.environ["TZ"] = zone
        time.tzset()
