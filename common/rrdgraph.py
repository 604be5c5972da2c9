"""A picture as arguments of `rrdtool graph` (pure).

Numbers are brought into a readable unit (MiB, %, kB/s) before rrdtool sees them, so that axis and legend agree; the
axes are set here, because rrdtool's own choice is poor for constant, negative, tiny and huge numbers and at some
widths. First everything is painted, from the back to the front, without a word; then come the lines of the legend, in
the order in which they are read. What is unknown stays a gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from common.graphcolours import INKS, curve_colour, curve_dashes, curve_sign
from common.graphdefs import Definitions, scaled
from common.graphkinds import Unit
from common.graphlegend import (
    LEAST_WIDTH,
    LINE_PIXELS,
    MAX_LINES,
    Table,
    earlier_text,
    label_text,
    limit_line,
    line,
    mark_line,
    small_print,
    span_line,
    table,
)
from common.graphpicture import Picture, Plot
from common.graphs import Draw, Limit, Mark, Span
from common.graphscale import LARGEST, SMALLEST, WHOLE, Axis, Scale, axis_for, scale_for, usual_base
from common.graphtexts import duration, escape, fit, plain
from common.graphtime import time_grid

FONT = "DejaVu Sans"
LEGEND_FONT = "DejaVu Sans Mono"
FRAME_PIXELS = 62
"""Title and time axis."""
MAX_SPANS = 100
MAX_RULES = 300
NEAR = 0.6
"""A threshold beyond the curves is drawn when the picture grows by no more than this share of itself."""
LOG_DECADES = 1e15
"""A logarithmic axis goes no further down than this part of its upper end."""
FEW = 8
"""Up to so many curves are compared with what was, and have their percentiles as lines."""


def graph_arguments(picture: Picture) -> list[str]:
    """Arguments of `rrdtool graph` (or `graphv`), without the file name."""
    low, high, near = _range(picture)
    scale = scale_for(picture.unit, max(abs(low), abs(high)), picture.axis, picture.base)
    if picture.log:
        scale = Scale(1.0, _log_unit(picture), 0)
    figures = table(picture)
    painter = _Painter(picture, scale)
    painter.paint(near)
    legend = painter.legend(figures, near) if picture.width >= LEAST_WIDTH else []
    lines = sum("\\l" in argument for argument in legend)
    return [
        *_frame(picture, figures, lines),
        *_upright(picture, scale, low, high),
        *painter.defs.lines,
        *painter.arguments,
        *legend,
    ]


def _log_unit(picture: Picture) -> str:
    return scale_for(picture.unit, 1.0, picture.axis, picture.base).unit


def _frame(picture: Picture, figures: Table, lines: int) -> list[str]:
    height = picture.height + (lines * LINE_PIXELS + FRAME_PIXELS if lines else FRAME_PIXELS // 2)
    arguments = [
        "--imgformat", picture.form.upper(), "--start", str(picture.start), "--end", str(picture.end - 1),
        "--title", fit(plain(picture.title), max(10, picture.width // 8)).rstrip() or " ",
        "--full-size-mode", "--width", str(picture.width), "--height", str(height), "--zoom", str(picture.zoom),
        "--disable-rrdtool-tag", "--border", "0", "--font", f"DEFAULT:8:{FONT}", "--font", f"TITLE:11:{FONT}",
        "--font", f"LEGEND:8:{LEGEND_FONT}", "--dynamic-labels", "--force-rules-legend",
        "--tabwidth", str(figures.tab_pixels),
        "--grid-dash", "1:0", "--step", str(picture.step_s),
        "--x-grid", time_grid(picture.start, picture.end, picture.width, picture.zone),
    ]  # fmt: skip
    if not (picture.steps or picture.bar_s):
        arguments.append("--slope-mode")
    for name, colour in INKS[picture.theme].chrome.items():
        arguments += ["--color", f"{name}#{colour}"]
    return arguments


# --- upright axis -----------------------------------------------------------------------------------------------------


def _range(picture: Picture) -> tuple[float, float, list[Limit]]:
    """From where to where the upright axis goes, and the thresholds that lie within."""
    low, high = picture.reach.low, picture.reach.high
    limits = [limit for limit in picture.limits if math.isfinite(limit.value)]
    if low is None or high is None:
        values = [limit.value for limit in limits] or [0.0]
        low, high = min([0.0, *values]), max(values)
    elif picture.log:
        low = picture.reach.positive or high
    elif not (picture.minimum is None and _stands_apart(picture, low, high)):
        low, high = min(0.0, low), max(0.0, high)
    if picture.log:
        near = [limit for limit in limits if low / 10 <= limit.value <= high * 10]
    else:
        room = (high - low) * NEAR or math.inf
        near = [limit for limit in limits if low - room <= limit.value <= high + room]
    low, high = (min([low, *(limit.value for limit in near)]), max([high, *(limit.value for limit in near)]))
    if picture.minimum is not None and not (picture.log and picture.minimum <= 0):
        low = picture.minimum
        high = max(high, low)
    if picture.maximum is not None and picture.maximum > low:
        high = picture.maximum
    low, high = (max(-LARGEST, min(LARGEST, one)) if abs(one) >= SMALLEST else 0.0 for one in (low, high))
    if picture.log:
        high = max(high, SMALLEST)
        low = max(low, high / LOG_DECADES)
    return low, high, [limit for limit in near if low <= limit.value <= high]


def _stands_apart(picture: Picture, low: float, high: float) -> bool:
    """Whether numbers are so far from 0, and so near to each other, that 0 would make a flat line of them."""
    lines = all(plot.draw is Draw.LINE and not plot.stack for plot in picture.plots)
    apart = picture.unit in {Unit.PLAIN, Unit.SECONDS, Unit.BYTES} and low > 0
    return lines and apart and 0 < high - low < high * 0.1


def _upright(picture: Picture, scale: Scale, low: float, high: float) -> list[str]:
    """Options of the upright axis."""
    label = picture.axis if picture.unit is Unit.PERCENT and picture.axis else scale.unit
    if picture.bar_s and label:
        label = f"{label} in {duration(picture.bar_s)}"
    arguments = ["--vertical-label", fit(plain(label), 40).rstrip()] if plain(label) else []
    if picture.log:
        bottom = 10.0 ** math.floor(math.log10(low) + 1e-9) if picture.minimum is None else low
        top = high if picture.maximum is not None else high * 1.1
        limits = [repr(bottom), repr(max(top, bottom * 10))]
        return [
            *arguments, "--logarithmic", "--units", "si", "--rigid", "--lower-limit", limits[0], "--upper-limit",
            limits[1],
        ]  # fmt: skip
    axis = _axis(picture, scale, low, high)
    return [
        *arguments, "--units-exponent", "0", "--rigid", "--lower-limit", repr(axis.low), "--upper-limit",
        repr(axis.high), "--y-grid", f"{axis.step!r}:{axis.every}", "--left-axis-format", axis.form,
    ]  # fmt: skip


def _axis(picture: Picture, scale: Scale, low: float, high: float) -> Axis:
    return axis_for(
        low / scale.factor,
        high / scale.factor,
        picture.height,
        whole=picture.unit in WHOLE and scale.factor == 1,
        binary=(picture.base or usual_base(picture.unit)) == 1024,
        fixed=(picture.minimum is not None, picture.maximum is not None),
    )


# --- paint ------------------------------------------------------------------------------------------------------------


class _Painter:
    """Collects what is painted, and the variables that it needs."""

    def __init__(self, picture: Picture, scale: Scale) -> None:
        self.defs = Definitions(picture.start, picture.end, picture.bar_s)
        self.arguments: list[str] = []
        self._picture = picture
        self._inks = INKS[picture.theme]
        self._scale = scale
        self._each = scaled(scale.factor, times_width=picture.unit is Unit.EVENTS)

    def paint(self, near: Sequence[Limit]) -> None:
        """Everything, from the back to the front."""
        picture = self._picture
        if not picture.plots:
            return
        tops = self._tops("AVERAGE", 0)
        self._spans(tops[0])
        if picture.compare_s and len(picture.plots) <= FEW:
            self._past()
        self._areas(tops)
        if picture.band:
            self._bands()
        self._lines(tops)
        if len(picture.plots) <= FEW:
            self._percentiles()
        self.arguments += [
            f"HRULE:{limit.value / self._scale.factor!r}#{self._inks.severities[limit.severity]}::dashes=7,3"
            for limit in near
        ]
        for marks in _marks(picture):
            at = sorted({round(mark.at / picture.pixel_s) * picture.pixel_s for mark in marks})[-MAX_RULES:]
            self.arguments += [f"VRULE:{round(one)}#{self._mark_colour(marks[0])}B0::dashes=2,2" for one in at]

    def _value(self, plot: Plot, cf: str, earlier_s: int = 0) -> str:
        return self.defs.total(plot.terms, cf, each=self._each, earlier_s=earlier_s)

    def _tops(self, cf: str, earlier_s: int) -> list[str]:
        """Of each plot where it ends: where it is stacked, above the one before."""
        tops: list[str] = []
        for plot in self._picture.plots:
            value = self._value(plot, cf, earlier_s)
            tops.append(self.defs.reckoned(f"{tops[-1]},{value},ADDNAN") if plot.stack and tops else value)
        return tops

    def colour(self, place: int) -> str:
        """Of a plot."""
        plots = self._picture.plots
        return plots[place].colour or curve_colour(self._picture.theme, place, area=self._is_layer(place))

    def _is_layer(self, place: int) -> bool:
        """Whether a plot is an area that others lie on, or that lies on others."""
        plots = self._picture.plots
        above = place + 1 < len(plots) and plots[place + 1].stack
        return plots[place].draw is not Draw.LINE and (plots[place].stack or above)

    def _is_line(self, place: int) -> bool:
        return self._picture.plots[place].draw is Draw.LINE and not self._is_layer(place)

    def _spans(self, some: str) -> None:
        picture = self._picture
        for spans in _spans(picture):
            merged = _merged(spans, picture)[-MAX_SPANS:]
            within = "".join(f",TIME,{round(start)},GT,TIME,STEPWIDTH,-,{round(end)},LT,*,+" for start, end in merged)
            name = self.defs.reckoned(f"{some},POP,0{within},0,GT,INF,UNKN,IF")
            self.arguments.append(f"AREA:{name}#{self._span_colour(spans[0])}{self._inks.span}")

    def _past(self) -> None:
        plots = self._picture.plots
        for place, top in enumerate(self._tops("AVERAGE", self._picture.compare_s)):
            if place + 1 < len(plots) and plots[place + 1].stack:
                continue
            colour = self._inks.past if len(plots) == 1 else f"{self.colour(place)}A0"
            self.arguments.append(f"LINE1:{top}#{colour}::dashes=3,2")

    def _areas(self, tops: Sequence[str]) -> None:
        for place in reversed(range(len(tops))):
            if self._picture.plots[place].draw is Draw.LINE:
                continue
            if self._is_layer(place):
                self.arguments.append(f"AREA:{tops[place]}#{self.colour(place)}")
                if not self._picture.bar_s and len(tops) <= FEW:
                    self.arguments.append(f"LINE0.5:{tops[place]}#{self._inks.paper}90")
            elif self._picture.bar_s:
                self.arguments.append(f"AREA:{tops[place]}#{self.colour(place)}")
            else:
                self.arguments.append(f"AREA:{tops[place]}#{self.colour(place)}{self._inks.area}")

    def _bands(self) -> None:
        for place, plot in enumerate(self._picture.plots):
            if plot.has_range and not self._is_layer(place) and plot.draw is not Draw.BARS:
                least, most = self._value(plot, "MIN"), self._value(plot, "MAX")
                width = self.defs.reckoned(f"{most},{least},-")
                self.arguments += [f"AREA:{least}", f"AREA:{width}#{self.colour(place)}{self._inks.band}::STACK"]

    def _lines(self, tops: Sequence[str]) -> None:
        width = "1.5" if len(tops) <= FEW else "1.25"
        for place in reversed(range(len(tops))):
            plot = self._picture.plots[place]
            if plot.draw is Draw.BARS or self._is_layer(place):
                continue
            self.arguments.append(f"LINE{width}:{tops[place]}#{self.colour(place)}{self._dashes(place)}")

    def _dashes(self, place: int) -> str:
        pattern = curve_dashes(place)
        return f"::dashes={pattern}" if pattern else ""

    def _percentiles(self) -> None:
        for place, plot in enumerate(self._picture.plots):
            for value in plot.figures.percentiles:
                if value is not None and not plot.stack:
                    height = value / self._scale.factor
                    self.arguments.append(f"HRULE:{height!r}#{self.colour(place)}::dashes=1,2")

    # --- legend -------------------------------------------------------------------------------------------------------

    def legend(self, figures: Table, near: Sequence[Limit]) -> list[str]:
        """Lines of the legend; those with a sign draw something that is nowhere."""
        picture, width = self._picture, figures.label_columns
        lines = [f"COMMENT:{line(' ', figures.heading, width)}"] if picture.plots else []
        nothing = self.defs.reckoned(f"{self._tops('AVERAGE', 0)[0]},POP,UNKN") if picture.plots else ""
        for place, plot in enumerate(picture.plots):
            text = line(
                f"{curve_sign(place, self._is_line(place))}{label_text(plot)}",
                figures.rows[place] if plot.figures.known else "no data",
                width,
            )
            sign = "LINE2" if self._is_line(place) else "AREA"
            lines.append(f"{sign}:{nothing}#{self.colour(place)}:{text}")
        if nothing and picture.compare_s:
            lines += self._past_lines(nothing, figures)
        for limit in [one for one in picture.limits if math.isfinite(one.value)][:MAX_LINES]:
            lines.append(self._limit_line(limit, width, drawn=limit in near))
        for marks in _marks(picture)[:MAX_LINES]:
            lines.append(f"VRULE:1#{self._mark_colour(marks[0])}:{mark_line(marks, picture, width)}")
        for spans in _spans(picture)[:MAX_LINES]:
            start = f"AREA:{nothing}#{self._span_colour(spans[0])}60:" if nothing else "COMMENT:"
            lines.append(start + span_line(spans, picture, width))
        return [*lines, "COMMENT: \\l", *(f"COMMENT:{escape(text)}\\l" for text in small_print(picture))]

    def _past_lines(self, nothing: str, figures: Table) -> list[str]:
        picture = self._picture
        if len(picture.plots) > FEW:
            return []
        text = figures.past[0] if figures.past else ""
        text = line(earlier_text(picture.compare_s), text, figures.label_columns)
        return [f"LINE1:{nothing}#{self._inks.past}:{text}:dashes=3,2"]

    def _limit_line(self, limit: Limit, width: int, *, drawn: bool) -> str:
        high = self._picture.reach.high
        remark = (
            "" if drawn else " (above the picture)" if high is None or limit.value > high else " (below the picture)"
        )
        text = limit_line(limit, self._picture, width, remark)
        height = limit.value / self._scale.factor
        if not math.isfinite(height):
            return f"COMMENT:  {text}"  # beyond a double
        return f"HRULE:{height!r}#{self._inks.severities[limit.severity]}:{text}:dashes=7,3"

    def _mark_colour(self, mark: Mark) -> str:
        return self._inks.severities[mark.severity] if mark.severity else self._inks.marks[mark.kind]

    def _span_colour(self, span: Span) -> str:
        return self._inks.severities[span.severity]


def _marks(picture: Picture) -> list[list[Mark]]:
    """Marks within the picture, of one kind each."""
    groups: dict[tuple[object, ...], list[Mark]] = {}
    for mark in picture.marks:
        if picture.start <= mark.at <= picture.end:
            groups.setdefault((mark.kind, mark.label, mark.severity), []).append(mark)
    return list(groups.values())


def _spans(picture: Picture) -> list[list[Span]]:
    """Times that reach into the picture, of one kind each."""
    groups: dict[tuple[object, ...], list[Span]] = {}
    for span in picture.spans:
        if span.start <= picture.end and (span.end is None or span.end >= picture.start):
            groups.setdefault((span.label, span.severity), []).append(span)
    return list(groups.values())


def _merged(spans: Sequence[Span], picture: Picture) -> list[tuple[float, float]]:
    """Times in order, those that a pixel would hold together as one, none narrower than two."""
    found: list[tuple[float, float]] = []
    for span in sorted(spans, key=lambda one: one.start):
        end = picture.end if span.end is None else span.end
        end = max(end, span.start + 2 * picture.pixel_s)
        if found and span.start <= found[-1][1] + picture.pixel_s:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((span.start, end))
    return found
