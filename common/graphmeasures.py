"""What the curves of a picture come to: their figures, and how far they reach."""

from __future__ import annotations

import math
from collections.abc import Sequence

import rrdtool
from msgspec import Struct
from msgspec.structs import replace

from common.errors import PermanentError
from common.graphdefs import Definitions
from common.graphlikely import edges
from common.graphpicture import Figures, Likely, Plot, Reach

Column = Sequence[float | None]


class Measure(Struct, frozen=True, kw_only=True):
    """How curves are measured.

    Attributes:
        start, end: epoch seconds.
        step_s: least seconds of a value.
        bar_s: seconds of each bar; 0 where there are none.
        counted: values are how many there were in a row, not rates.
        percentiles: to be found.
    """

    start: int
    end: int
    step_s: int
    bar_s: int = 0
    counted: bool = False
    percentiles: tuple[float, ...] = ()


class Measured(Struct, frozen=True):
    """A curve, measured.

    Attributes:
        values: of each row; None where unknown.
        low, high: of each row the least and the greatest sample; the values themselves where that is not known.
    """

    figures: Figures
    values: Column
    low: Column
    high: Column


def measure(plot: Plot, how: Measure, *, earlier_s: int = 0) -> Measured:
    """Read a curve.

    Raises:
        PermanentError: rrdtool cannot read it.
    """
    ranged = plot.has_range and not how.counted
    columns = _read([plot], how, ("AVERAGE", "MIN", "MAX") if ranged else ("AVERAGE",), earlier_s)
    values = columns[0]
    low, high = (columns[1], columns[2]) if ranged else (values, values)
    if not ranged and not how.counted and len(plot.terms) > 1:
        # Of a sum, the sum of the greatest is the most that can have been.
        high = values
    return Measured(_figures(values, low, high, how), values, low, high)


def measure_likely(one: Likely, how: Measure) -> Likely:
    """Read how far it reaches what is likely.

    Raises:
        PermanentError: rrdtool cannot read it.
    """
    definitions = Definitions(how.start, how.end)
    lows, highs = _export(definitions, edges(definitions, one), how, 0, one.path)
    known = [(low, high) for low, high in zip(lows, highs, strict=True) if low is not None and high is not None]
    if not known:
        return one
    return replace(one, low=min(low for low, _ in known), high=max(high for _, high in known), last=known[-1])


def ranks(plots: Sequence[Plot], how: Measure, *, peak: bool) -> list[float]:
    """How large each curve is: its average, or its greatest value; unknown ones are the least of all."""
    found: list[float] = []
    for begin in range(0, len(plots), 20):
        for column in _read(plots[begin : begin + 20], how, ("MAX" if peak else "AVERAGE",), 0):
            known = [value for value in column if value is not None and math.isfinite(value)]
            found.append(-math.inf if not known else max(known) if peak else math.fsum(known) / len(known))
    return found


def reach_of(measured: Sequence[Measured], plots: Sequence[Plot], *, band: bool) -> Reach:
    """From the least to the greatest that is drawn, stacked curves on top of each other."""
    least: list[float] = []
    most: list[float] = []
    positive: list[float] = []
    top: Column = []
    for one, plot in zip(measured, plots, strict=True):
        top = _sum(top, one.values) if plot.stack and top and one.values else one.values
        for column in (top, one.low, one.high) if band and not plot.stack else (top,):
            known = [value for value in column if value is not None]
            if known:
                least.append(min(known))
                most.append(max(known))
                positive.append(min((value for value in known if value > 0), default=math.inf))
    if not least:
        return Reach()
    smallest = min(positive)
    return Reach(min(least), max(most), smallest if math.isfinite(smallest) else None)


def stands_alone(measured: Measured) -> bool:
    """Whether there is a value between two that are unknown, which a line from one to the next would not show."""
    values = [None, *measured.values, None]
    return any(
        before is None and value is not None and after is None
        for before, value, after in zip(values, values[1:], values[2:], strict=False)
    )


def _sum(one: Column, other: Column) -> Column:
    """Of two columns of the same time; the one with longer rows counts for as many of the other."""
    rows = max(len(one), len(other))
    pairs = ((one[row * len(one) // rows], other[row * len(other) // rows]) for row in range(rows))
    return [b if a is None else a if b is None else a + b for a, b in pairs]


def _read(plots: Sequence[Plot], how: Measure, cfs: Sequence[str], earlier_s: int) -> list[list[float | None]]:
    definitions = Definitions(how.start - earlier_s, how.end - earlier_s, how.bar_s, compared=bool(earlier_s))
    each = "STEPWIDTH,*" if how.counted else ""
    names = [definitions.total(plot.terms, cf, each=each) for plot in plots for cf in cfs]
    return _export(definitions, names, how, earlier_s, plots[0].label)


def _export(
    definitions: Definitions, names: Sequence[str], how: Measure, earlier_s: int, label: str
) -> list[list[float | None]]:
    span = ["--start", str(how.start - earlier_s), "--end", str(how.end - earlier_s), "--step", str(how.step_s)]
    exports = [f"XPORT:{name}" for name in names]
    try:
        found = rrdtool.xport(*span, "--maxrows", "10000", *definitions.lines, *exports)
    except (rrdtool.OperationalError, rrdtool.ProgrammingError) as error:
        raise PermanentError(f"rrdtool cannot read {label!r}: {error}") from None
    columns: list[list[float | None]] = [list(column) for column in zip(*found["data"], strict=True)]
    if not columns:
        columns = [[] for _ in names]
    for column in columns:
        known = [value for value in column if value is not None]
        if known and not (math.isfinite(min(known)) and math.isfinite(max(known))):
            column[:] = [value if value is not None and math.isfinite(value) else None for value in column]
    return columns


def _figures(values: Column, low: Column, high: Column, how: Measure) -> Figures:
    known = [value for value in values if value is not None]
    if not known:
        return Figures(percentiles=(None,) * len(how.percentiles))
    ordered = sorted(known) if how.percentiles else []
    return Figures(
        last=next(value for value in reversed(values) if value is not None),
        low=min((value for value in low if value is not None), default=None),
        average=_average(known),
        high=max((value for value in high if value is not None), default=None),
        total=math.fsum(known) if how.counted else None,
        percentiles=tuple(
            ordered[max(0, math.ceil(percentile / 100 * len(ordered)) - 1)] for percentile in how.percentiles
        ),
    )


def _average(known: Sequence[float]) -> float:
    """Of numbers of which the sum may be beyond a double."""
    try:
        return math.fsum(known) / len(known)
    except OverflowError:
        return math.fsum(value / len(known) for value in known)


def with_figures(plot: Plot, figures: Figures, past: Figures | None) -> Plot:
    """The curve with what it came to."""
    return replace(plot, figures=figures, past=past)
