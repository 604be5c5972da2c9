"""The time axis: where it has lines and labels, and how a range is told in words (pure)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from common.graphtexts import duration

PIXELS_A_CHARACTER = 6.3
SPACE_PIXELS = 16
"""Least between two labels."""
_MARGIN = 90
"""About what is beside the plot."""
_RIGHT = 15
"""About what is right of the plot."""

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400, "WEEK": 604_800, "MONTH": 2_629_800}
_SECONDS["YEAR"] = 12 * _SECONDS["MONTH"]

# Of a label: every how many of what; lines between; its strftime form, with how many characters that makes; and whether
# it stands in the middle of its time instead of at the beginning.
_GRIDS: tuple[tuple[int, str, int, str, str, int, bool], ...] = (
    (5, "SECOND", 1, "SECOND", "%H:%M:%S", 8, False),
    (10, "SECOND", 5, "SECOND", "%H:%M:%S", 8, False),
    (30, "SECOND", 10, "SECOND", "%H:%M:%S", 8, False),
    (1, "MINUTE", 30, "SECOND", "%H:%M", 5, False),
    (2, "MINUTE", 1, "MINUTE", "%H:%M", 5, False),
    (5, "MINUTE", 1, "MINUTE", "%H:%M", 5, False),
    (10, "MINUTE", 5, "MINUTE", "%H:%M", 5, False),
    (15, "MINUTE", 5, "MINUTE", "%H:%M", 5, False),
    (30, "MINUTE", 10, "MINUTE", "%H:%M", 5, False),
    (1, "HOUR", 30, "MINUTE", "%H:%M", 5, False),
    (2, "HOUR", 1, "HOUR", "%H:%M", 5, False),
    (3, "HOUR", 1, "HOUR", "%H:%M", 5, False),
    (6, "HOUR", 2, "HOUR", "%H:%M", 5, False),
    (12, "HOUR", 6, "HOUR", "%a %H:%M", 9, False),
    (1, "DAY", 6, "HOUR", "%a %d", 6, True),
    (1, "DAY", 12, "HOUR", "%d", 2, True),
    (1, "WEEK", 1, "DAY", "%d %b", 6, False),
    (2, "WEEK", 1, "WEEK", "%d %b", 6, False),
    (1, "MONTH", 1, "WEEK", "%b %Y", 8, True),
    (1, "MONTH", 1, "WEEK", "%b", 3, True),
    (3, "MONTH", 1, "MONTH", "%b %Y", 8, False),
    (6, "MONTH", 1, "MONTH", "%b %Y", 8, False),
    (1, "YEAR", 3, "MONTH", "%Y", 4, True),
    (2, "YEAR", 6, "MONTH", "%Y", 4, False),
    (5, "YEAR", 1, "YEAR", "%Y", 4, False),
    (10, "YEAR", 1, "YEAR", "%Y", 4, False),
)


def time_grid(start: int, end: int, width: int, zone: str) -> str:
    """The option `--x-grid` of a picture of this width in pixels."""
    fitting = _fitting(start, end, (end - start) / max(50, width - _MARGIN), zone)
    return next((grid for grid, cut in fitting[:3] if not cut), fitting[0][0])


def _fitting(start: int, end: int, pixel_s: float, zone: str) -> list[tuple[str, bool]]:
    """Grids whose labels have room, closest first; of each whether the edge of the picture cuts the last label."""
    there = ZoneInfo(zone)
    shifted = _offset_s(start, there) != _offset_s(end, there)
    found: list[tuple[str, bool]] = []
    for count, unit, between, small, form, characters, middle in _GRIDS:
        if shifted and (count, unit) == (2, "HOUR"):
            continue  # from the second hour, which is left out, rrdtool would go on with odd ones
        wanted = characters * PIXELS_A_CHARACTER
        if unit in {"SECOND", "MINUTE", "HOUR"} and end - start > 26 * 3600 and "%a" not in form:
            form, wanted = "%a %H:%M", 9 * PIXELS_A_CHARACTER  # noqa: PLW2901 - the day belongs to it here
        label_s = count * _SECONDS[unit]
        if label_s / pixel_s >= wanted + SPACE_PIXELS * min(1, characters / 5):
            inside_s = label_s if middle else 0
            past_s = (end + _offset_s(end, there)) % label_s or label_s
            cut = unit in {"SECOND", "MINUTE", "HOUR"} and past_s / pixel_s + _RIGHT < wanted / 2
            found.append((f"{small}:{between}:{unit}:{count}:{unit}:{count}:{inside_s}:{form}", cut))
    return found or [("YEAR:10:YEAR:50:YEAR:50:0:%Y", False)]


def _offset_s(at: int, there: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at, there).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def range_text(start: int, end: int, zone: str) -> str:
    """From when to when, in a time zone: `Sat 21 Nov 09:00 to Sun 22 Nov 2026 09:00`."""
    there = ZoneInfo(zone)
    first, last = (datetime.fromtimestamp(at, there) for at in (start, end))
    seconds = ":%S" if end - start < 1200 or start % 60 or end % 60 else ""
    clock = f"%H:%M{seconds}" if end - start < 100 * 86_400 else ""
    year = " %Y" if first.year != last.year else ""
    begin = first.strftime(f"%a %d %b{year} {clock}".strip())
    if first.date() == last.date():
        return f"{first:%a %d %b %Y} {first.strftime(clock)} to {last.strftime(clock)}"
    return f"{begin} to {last.strftime(f'%a %d %b %Y {clock}'.strip())}"


def moment_text(at: float, zone: str, *, with_day: bool) -> str:
    """A moment in a time zone, with the day where it is needed."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%a %d %b %H:%M" if with_day else "%H:%M:%S")


def length_text(seconds: float) -> str:
    """A time in its two largest units: `1 h 6 min`."""
    whole = round(seconds)
    for size, word, less in ((86_400, "d", 3600), (3600, "h", 60), (60, "min", 1)):
        if whole >= size:
            count, rest = divmod(whole, size)
            rest = rest // less * less
            return f"{count} {word} {duration(rest)}" if rest and count < 10 else f"{count} {word}"
    return f"{whole} s"
