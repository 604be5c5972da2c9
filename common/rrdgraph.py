"""A picture as arguments of `rrdtool graph` (pure).

Numbers are brought into a readable unit (MiB, %, kB/s) before rrdtool sees them, so that axis and legend agree; the
axes are set here, because rrdtool's own choice is poor for constant, negative, tiny and huge numbers and at some
widths. First everything is painted, from the back to the front, without a word; then come the lines of the legend, in
the order in which they are read. What is unknown stays a gap.
"""

from __future__ import annotations

import math

from common.graphcolours import INKS
from common.graphkinds import Unit
from common.graphlegend import LEAST_WIDTH, LINE_PIXELS, Table, table
from common.graphpaint import Painter
from common.graphpicture import Picture
from common.graphs import Draw, Limit
from common.graphscale import LARGEST, SMALLEST, WHOLE, Axis, Scale, axis_for, scale_for, usual_base
from common.graphtexts import duration, fit, fit_name, plain
from common.graphtime import time_grid

FONT = "DejaVu Sans"
LEGEND_FONT = "DejaVu Sans Mono"
FRAME_PIXELS = 62
"""Title and time axis."""
NEAR = 0.6
"""A threshold beyond the curves is drawn when the picture grows by no more than this share of itself."""
LIKELY_ROOM = 0.25
"""What is likely is drawn when it is within this share of the greatest number."""
LOG_DECADES = 1e15
"""A logarithmic axis goes no further down than this part of its upper end."""


def graph_arguments(picture: Picture) -> list[str]:
    """Arguments of `rrdtool graph` (or `graphv`), without the file name."""
    low, high, near = _range(picture)
    scale = scale_for(picture.unit, max(abs(low), abs(high)), picture.axis, picture.base)
    if picture.log:
        scale = Scale(1.0, _log_unit(picture), 0)
    figures = table(picture)
    painter = Painter(picture, scale)
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
        "--title", fit_name(plain(picture.title), max(10, picture.width // 8)).rstrip() or " ",
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
    low, high = _with_likely(picture, low, high)
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


def _with_likely(picture: Picture, low: float, high: float) -> tuple[float, float]:
    """The range with what is likely of the curves, as far as that does not make them flat."""
    room = max((high - low) * NEAR, max(abs(low), abs(high)) * LIKELY_ROOM) or math.inf
    for one in picture.likely:
        if one.low is not None and one.high is not None:
            least, most = (low / 10, high * 10) if picture.log else (low - room, high + room)
            low, high = min(low, max(one.low, least)), max(high, min(one.high, most))
    return low, high


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
