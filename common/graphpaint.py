"""What is painted of a picture, from the back to the front, and the lines below it, as arguments of rrdtool (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from common.graphcolours import INKS, curve_colour, curve_dashes, curve_sign, mixed, on_dark
from common.graphdefs import Definitions, scaled
from common.graphkinds import Unit
from common.graphlegend import (
    MAX_LINES,
    Table,
    earlier_text,
    label_text,
    likely_line,
    limit_line,
    line,
    mark_line,
    small_print,
    span_line,
)
from common.graphlikely import edges
from common.graphpicture import Likely, Picture, Plot
from common.graphs import Draw, Limit, Mark, Span, Theme
from common.graphscale import Scale
from common.graphtexts import escape

MAX_SPANS = 100
MAX_RULES = 300
FEW = 8
"""Up to so many curves are compared with what was, and have their percentiles as lines."""


class Painter:
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
        self._likely()
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
        chosen = plots[place].colour
        if chosen:
            is_dark = self._picture.theme is Theme.DARK
            return on_dark(chosen, layer=self._is_layer(place)) if is_dark else chosen
        return curve_colour(self._picture.theme, place, area=self._is_layer(place))

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

    def _likely(self) -> None:
        reach = self._picture.reach
        least = reach.positive / 10 if self._picture.log and reach.positive else None
        for one in self._picture.likely:
            if one.low is None:
                continue
            low, high = edges(self.defs, one, each=self._each, least=least)
            width = self.defs.reckoned(f"{high},{low},-")
            colour = self._likely_colour(one)
            self.arguments += [f"AREA:{low}", f"AREA:{width}#{colour}{self._inks.likely}::STACK"]
            self.arguments += [f"LINE0.75:{edge}#{colour}B0" for edge in (low, high)]

    def _likely_colour(self, one: Likely) -> str:
        """Of one curve it is grey, so that it is not taken for the range of its samples."""
        return self._inks.past if len(self._picture.plots) == 1 else mixed(self.colour(one.place), self._inks.past, 0.5)

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
        for one in picture.likely:
            sign = f"AREA:{nothing}#{self._likely_colour(one)}70"
            lines.append(f"{sign}:{likely_line(one, picture, width)}")
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
