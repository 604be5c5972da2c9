"""Units and axes: in which unit numbers read well, how one is written, where an axis has its lines (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from common.graphkinds import Unit
from common.graphunits import has_prefixes

WHOLE = frozenset({Unit.COUNT, Unit.EVENTS})
PIXELS_A_LINE = 34
"""Least height between two lines of the upright axis that have a number."""


class Scale(Struct, frozen=True):
    """How raw numbers are written.

    Attributes:
        factor: raw numbers are divided by it.
        unit: for axis and legend.
        decimals: digits after the point, so that three are significant.
    """

    factor: float
    unit: str
    decimals: int


_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("", "k", "M", "G", "T", "P", "E")
_SMALL = ((1e-12, "p"), (1e-9, "n"), (1e-6, "µ"), (1e-3, "m"))
_TIMES = ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "days"))
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SMALLEST, LARGEST = 1e-290, 1e303
"""What is less is 0 in a picture, and what is more has no place in it: rrdtool does not come to an end with it."""
_EXTREME = 1e5
"""Beyond so many of the largest unit, or under so little of the smallest, a number is written with a power of ten."""


def usual_base(unit: Unit) -> int:
    """What a kilo of a unit is where nobody says."""
    return 1024 if unit in {Unit.BYTES, Unit.BYTES_PER_S} else 1000


def scale_for(unit: Unit, peak: float | None, axis: str = "", base: int | None = None) -> Scale:
    """The scale in which the largest number of a picture reads best.

    Args:
        unit: of the raw numbers.
        peak: the largest of them.
        axis: the word for one of them, where the unit has none of its own.
        base: 1000 or 1024; None for what is usual.
    """
    size = abs(peak) if peak is not None and math.isfinite(peak) else 0.0
    size = min(size, LARGEST) if size >= SMALLEST else 0.0
    steps = _steps(unit, axis, base or usual_base(unit), size)
    factor, word = max((step for step in steps if step[0] <= size), default=None) or _plainest(steps, size)
    share = size / factor
    if size and (share >= _EXTREME or share < 1 / _EXTREME):
        tens = math.floor(math.log10(size))
        factor, word = 10.0**tens, f"×10{str(tens).translate(_RAISED)} {_word(unit, axis)}".strip()
    return Scale(factor, word, _decimals(size / factor))


def _plainest(steps: Sequence[tuple[float, str]], size: float) -> tuple[float, str]:
    if not size:
        return min(steps, key=lambda step: abs(math.log(step[0])))
    return min(steps)


def _word(unit: Unit, axis: str) -> str:
    own = {Unit.BYTES: "B", Unit.BYTES_PER_S: "B/s", Unit.SECONDS: "s", Unit.PERCENT: "%"}
    return own.get(unit, axis)


def _steps(unit: Unit, axis: str, base: int, size: float) -> list[tuple[float, str]]:
    """Factors and words from which to choose."""
    if unit is Unit.PERCENT:
        return [(1.0, "%")]
    if unit is Unit.SECONDS:
        return list(_TIMES)
    prefixes = _BINARY if base == 1024 else _DECIMAL
    large = [(float(base) ** i, prefix) for i, prefix in enumerate(prefixes)]
    if unit in {Unit.BYTES, Unit.BYTES_PER_S}:
        return [(factor, prefix + _word(unit, axis)) for factor, prefix in large]
    if unit in WHOLE and size < 1e5:
        return [(1.0, axis)]
    if unit is Unit.PLAIN and (not axis or has_prefixes(axis)):
        large = [*_SMALL, *large]
    close = has_prefixes(axis) or len(axis) <= 3
    return [(factor, f"{prefix}{axis}" if close else f"{prefix} {axis}".strip()) for factor, prefix in large]


def _decimals(size: float) -> int:
    if size <= 0:
        return 2
    return min(9, max(0 if size >= 1000 else 1, 2 - math.floor(math.log10(size))))


def figure(value: float | None, unit: Unit, axis: str, base: int | None) -> tuple[str, str]:
    """A number and its unit as the legend has them: three digits that mean something; a dash for what is unknown."""
    if value is None or not math.isfinite(value):
        return "–", ""
    scale = scale_for(unit, value, axis, base)
    number = value / scale.factor if abs(value) >= SMALLEST else 0.0
    if unit in WHOLE and scale.factor == 1 and number == int(number):
        return str(int(number)), scale.unit
    if number == 0:
        return "0", scale.unit
    size = float(f"{abs(number):.3g}")
    digits = 0 if size >= 999.5 else 1 if size >= 9.995 else 2
    if size < 1:
        digits = min(6, 2 - math.floor(math.log10(size)))
    return f"{number:.{digits}f}", scale.unit


# --- upright axis -----------------------------------------------------------------------------------------------------


class Axis(Struct, frozen=True):
    """The upright axis, in units of the scale.

    Attributes:
        step: from one grid line to the next.
        every: so many grid lines from one number to the next.
        form: of the numbers, as printf has it.
    """

    low: float
    high: float
    step: float
    every: int
    form: str


def axis_for(low: float, high: float, height: int, *, whole: bool, binary: bool, fixed: tuple[bool, bool]) -> Axis:
    """An axis on which everything from low to high has its place.

    Args:
        low: the least number to show.
        high: the greatest.
        height: of the plot, in pixels.
        whole: there are only whole numbers.
        binary: lines at powers of two.
        fixed: whether low and high are where the axis is to end, exactly.
    """
    if high - low <= max(abs(low) * 1e-12, abs(high) * 1e-12, SMALLEST):
        low, high = _widened(low, high, fixed)
    lines = max(2, min(8, height // PIXELS_A_LINE))
    step = _nice((high - low) / lines, binary=binary and high >= 8)
    if whole:
        step = max(1.0, math.ceil(step))
    bottom = low if fixed[0] else math.floor(low / step + 1e-9) * step
    top = high if fixed[1] else math.ceil(high / step - 1e-9) * step
    if not top > bottom:
        top = bottom + step
    room = (top - bottom) * 0.02
    if not fixed[1] and top - high < room and high > 0 and top != bottom:
        top += step / 2 if not whole else step
    digits = 0 if step >= 1 and step == int(step) else min(9, max(0, _places(step)))
    every = 1
    minor = step / (2 if not whole or step % 2 == 0 else 1)
    if minor != step:
        every = 2
    return Axis(bottom, top, minor, every, f"%.{digits}lf")


def _widened(low: float, high: float, fixed: tuple[bool, bool]) -> tuple[float, float]:
    """A range that is none becomes one."""
    middle = low if fixed[0] else high
    width = abs(middle) / 2 if abs(middle) > SMALLEST else 1.0
    if fixed[0]:
        return low, low + width
    if fixed[1] or middle < 0:
        return high - width, high
    return (0.0, middle * 1.25) if middle > SMALLEST else (0.0, 1.0)


def _nice(rough: float, *, binary: bool) -> float:
    """The smallest round number that is not less."""
    if binary:
        return float(2 ** max(0, math.ceil(math.log2(rough) - 1e-9)))
    tens = 10.0 ** math.floor(math.log10(rough))
    return next(tens * nice for nice in (1, 2, 2.5, 5, 10) if tens * nice >= rough * (1 - 1e-9))


def _places(step: float) -> int:
    """How many decimal places tell such steps apart."""
    places = max(0, -math.floor(math.log10(step)))
    return places if math.isclose(step * 10**places, round(step * 10**places)) else places + 1
