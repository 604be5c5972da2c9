"""What stands below a picture: what each curve and line is, its figures, and the small print (pure).

A line is text, a tabulator, text: the tabulator brings the figures of all lines to one place, whatever font a name
needs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from msgspec import Struct

from common.events import Severity
from common.graphkinds import Unit
from common.graphpicture import Figures, Likely, Picture, Plot
from common.graphs import Limit, Mark, Span
from common.graphscale import figure
from common.graphtexts import columns, duration, escape, fit, fit_name, plain
from common.graphtime import length_text, moment_text, range_text

CHARACTER_PIXELS = 7
LINE_PIXELS = 14
LABEL_COLUMNS = 40
LEAST_LABEL_COLUMNS = 12
LEAST_WIDTH = 260
"""Of a picture that has a legend."""
_SIDES = 32
_LEFT_TO_RIGHT = "\u200e"
"""Takes no room."""
MAX_LINES = 16
"""Of limits, and of marks and times each; more would leave no room."""
_EARLIER = {3600: "an hour", 86_400: "a day", 604_800: "a week", 2_592_000: "30 days", 31_536_000: "a year"}


class Table(Struct, frozen=True):
    """The figures of all plots, ready to be written.

    Attributes:
        label_columns: that a name takes.
        heading: of the columns of figures.
        rows: one for each plot, and one more for each that is compared with what was.
    """

    label_columns: int
    heading: str
    rows: tuple[str, ...]
    past: tuple[str, ...]

    @property
    def tab_pixels(self) -> int:
        """Where the figures begin."""
        return (self.label_columns + 2) * CHARACTER_PIXELS


def earlier_text(seconds: int) -> str:
    """How long ago, as a name: `a week earlier`."""
    return f"{_EARLIER.get(seconds) or length_text(seconds)} earlier"


def table(picture: Picture) -> Table:
    """The figures, in as many columns as the picture is wide enough for."""
    rows = [_cells(picture, plot.figures) for plot in picture.plots]
    past = [_cells(picture, plot.past) for plot in picture.plots if plot.past is not None and len(picture.plots) == 1]
    names = [name for name, _ in rows[0]] if rows else []
    texts = [plot.label for plot in picture.plots] + [earlier_text(picture.compare_s)] * bool(past)
    texts += [likely_text(one, picture) for one in picture.likely]
    texts += [mark.label for mark in picture.marks if picture.start <= mark.at <= picture.end]
    texts += [span.label for span in picture.spans if span.start <= picture.end and _ends_within(span, picture)]
    longest = max([LEAST_LABEL_COLUMNS, *(columns(plain(text)) for text in texts)])
    room = (picture.width - _SIDES) // CHARACTER_PIXELS - 2
    dropped: set[str] = set()
    for name in ("", "Min", "Last", *names):
        dropped.add(name)
        kept = [i for i, one in enumerate(names) if one not in dropped]
        cells = [[row[i][1] for i in kept] for row in [*rows, *past]]
        lines, heading = _aligned(cells, [names[i] for i in kept])
        label = min(longest, LABEL_COLUMNS, room - columns(heading))
        if label >= min(longest, LEAST_LABEL_COLUMNS + 6) or len(kept) <= 1:
            break
    label = max(LEAST_LABEL_COLUMNS, label)
    return Table(label, heading, tuple(lines[: len(rows)]), tuple(lines[len(rows) :]))


def _ends_within(span: Span, picture: Picture) -> bool:
    return span.end is None or span.end >= picture.start


def _cells(picture: Picture, figures: Figures) -> list[tuple[str, tuple[str, str]]]:
    counted = picture.unit is Unit.EVENTS
    found = [
        ("Last", figures.last),
        *([("Total", figures.total)] if counted else [("Min", figures.low), ("Average", figures.average)]),
        ("Max", figures.high),
        *(
            (ordinal(percentile), value)
            for percentile, value in zip(picture.percentiles, figures.percentiles, strict=False)
        ),
    ]
    return [(name, figure(value, picture.unit, picture.axis, picture.base)) for name, value in found]


def ordinal(percentile: float) -> str:
    """The name of a percentile: `95th`, `99.9th`."""
    text = f"{percentile:g}"
    ending = "th" if "." in text or text[-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th")
    return text + ending


def _aligned(rows: Sequence[Sequence[tuple[str, str]]], names: Sequence[str]) -> tuple[list[str], str]:
    """Cells in columns: numbers to the right, their units to the left, names above the numbers."""
    lines, heading = [""] * len(rows), ""
    if any(
        _short(unit) != unit for row in rows for _, unit in row
    ):  # of all of them then, or none would be like others
        rows = [[(number, _prefix(unit)) for number, unit in row] for row in rows]
    for place, name in enumerate(names):
        numbers = max([columns(name), *(columns(row[place][0]) for row in rows)])
        units = max((columns(row[place][1]) for row in rows), default=0)
        space = "  " if place else ""
        heading += space + name.rjust(numbers) + " " * (units + bool(units))
        for i, row in enumerate(rows):
            number, unit = row[place]
            text = " " * (numbers - columns(number)) + number
            lines[i] += space + (f"{text} {unit}{' ' * (units - columns(unit))}" if units else text)
    return lines, heading


def _short(unit: str) -> str:
    """A unit that has its place beside each figure: a long word stands at the axis alone, but for its prefix."""
    return unit if columns(unit) <= 10 else _prefix(unit)


def _prefix(unit: str) -> str:
    prefix = unit.partition(" ")[0]
    return prefix if len(prefix) <= 2 else ""


def line(left: str, right: str = "", width: int = LABEL_COLUMNS) -> str:
    """A line of the legend, ready for rrdtool."""
    text = escape(_in_line(fit_name(plain(left), width).rstrip()))
    return f"{text or ' '}\t{escape(_in_line(right))}\\l" if right else f"{text or ' '}\\l"


def _in_line(text: str) -> str:
    """The text, kept from turning its line round where it has words that are written from right to left."""
    turns = any(unicodedata.bidirectional(character) in {"R", "AL", "AN"} for character in text)
    return f"{_LEFT_TO_RIGHT}{text}{_LEFT_TO_RIGHT}" if turns else text


# --- lines that are no curves -----------------------------------------------------------------------------------------


def limit_line(limit: Limit, picture: Picture, width: int, remark: str = "") -> str:
    """What a threshold is."""
    number, unit = figure(limit.value, picture.unit, picture.axis, picture.base)
    text = plain(limit.label) or f"{number} {unit}".strip()
    severity = Severity(limit.severity).label if limit.severity else "limit"
    return line(severity, _cut(f"{text}{remark}", picture, width), width)


def likely_text(one: Likely, picture: Picture) -> str:
    """The name of a band around a curve."""
    return "expected" if len(picture.plots) == 1 else f"expected of {picture.plots[one.place].label}"


def likely_line(one: Likely, picture: Picture, width: int) -> str:
    """From where to where it is at the end of the picture, and whether it is still learned."""
    parts = []
    if one.last is not None:
        (low, low_unit), (high, high_unit) = (
            figure(edge, picture.unit, picture.axis, picture.base) for edge in one.last
        )
        from_ = low if low_unit == high_unit else f"{low} {low_unit}".strip()
        parts.append(f"{from_} to {high} {_short(high_unit)}".strip())
    if one.learns_until is not None:
        parts.append(f"still learned, until {moment_text(one.learns_until, picture.zone, with_day=True)}")
    text = ", ".join(parts) or "not known of this time"
    return line(likely_text(one, picture), _cut(text, picture, width), width)


def mark_line(marks: Sequence[Mark], picture: Picture, width: int) -> str:
    """What happened, how often, and when last."""
    last = moment_text(max(mark.at for mark in marks), picture.zone, with_day=picture.end - picture.start > 6 * 3600)
    many = f"{len(marks)} times, last" if len(marks) > 1 else "once,"
    return line(plain(marks[0].label) or marks[0].kind.value, _cut(f"{many} {last}", picture, width), width)


def span_line(spans: Sequence[Span], picture: Picture, width: int) -> str:
    """What lasted, how often, and how long in all."""
    seconds = sum(
        max(0.0, min(picture.end, picture.end if span.end is None else span.end) - max(picture.start, span.start))
        for span in spans
    )
    many = f"{len(spans)} times, {length_text(seconds)} in all" if len(spans) > 1 else f"once, {length_text(seconds)}"
    goes_on = ", goes on" if any(span.end is None for span in spans) else ""
    return line(plain(spans[0].label) or "missing", _cut(many + goes_on, picture, width), width)


def _cut(text: str, picture: Picture, width: int) -> str:
    room = max(10, (picture.width - _SIDES) // CHARACTER_PIXELS - width - 4)
    return fit(text, room).rstrip()


def small_print(picture: Picture) -> list[str]:
    """Range, resolution and remarks, in lines that fit."""
    texts = [range_text(picture.start, picture.end, picture.zone), picture.zone, _resolution(picture)]
    if picture.band:
        texts.append("band: least to greatest")
    room = max(20, (picture.width - _SIDES) // CHARACTER_PIXELS)
    return [*_filled(texts, room), *(part for note in picture.notes for part in _wrapped(plain(note), room))]


def _resolution(picture: Picture) -> str:
    if not picture.row_s:
        return ""
    if picture.bar_s:
        return f"a bar counts {duration(picture.bar_s)}"
    return f"{'samples' if picture.sampled else 'averages'} of {duration(picture.row_s)}"


def _filled(texts: Iterable[str], room: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        if text and lines and columns(lines[-1]) + columns(text) + 3 <= room:
            lines[-1] += f" · {text}"
        elif text:
            lines.append(fit(text, room).rstrip())
    return lines


def _wrapped(text: str, room: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and columns(lines[-1]) + columns(word) < room:
            lines[-1] += f" {word}"
        else:
            lines.append(fit(word, room).rstrip())
    return lines[:4]


def label_text(plot: Plot) -> str:
    """What a curve is called."""
    return plain(plot.label) or "(no name)"
