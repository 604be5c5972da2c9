"""Files in which it is learned what is likely of a point: RRD's aberrant behaviour detection, beside a series' file.

One file for each baseline of a series, with one data source. It cuts a season into parts, a few minutes each, and has
of each part the average (AVERAGE), what was expected of it (HWPREDICT: level, slope and seasonal part, by Holt and
Winters) and how far from that it usually is (DEVPREDICT); SEASONAL and DEVSEASONAL are what it has learned.
rrdcreate(1) has the formulas. The first season teaches what is expected, the second one how far it usually is from it.

The name says what it is of: `HASH.rrd.likely.24n.1763760000.cpu`: the file of the series, hours of the season and pace,
epoch second at which learning began, the point (with `.` for `_`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from common import rrd
from common.series import LEAST_SEASON_S, MOST_SEASON_S, Baseline, Pace, Point

PART_S = 300
"""A part of a season is at least so long: what one scan shows is too noisy, and a week of minutes too much to keep."""
KEPT = 96
"""So many parts back it is known what they were, and so it can be judged after a time in which nobody asked."""
DRAWN_S = 2 * 86_400
"""So far back it can be drawn at least what was expected."""
SLOPE = "0.000001"
"""Weight of the last part for the slope: next to nothing, as a slope is carried on over an outage, to anywhere."""
SMOOTHED = "0.05"
"""Over so much of a season what was learned is averaged, after each season."""
FAILURES = (6, 9)
"""Of so many parts so many make what RRD itself calls a failure: for other tools, as thresholds judge by their own."""
SETTLED = 0.95
_SEASONS = {Pace.SLOW: 4.0, Pace.NORMAL: 1.0, Pace.QUICK: 0.25}
"""In so many seasons the level has gone 95 % of the way to a new one."""
_WEIGHT = {Pace.SLOW: 0.08, Pace.NORMAL: 0.15, Pace.QUICK: 0.3}
"""Of the last season in what is expected at a time, and in how far it usually is from that."""

EXPECTED, SPREAD = rrd.EXPECTED, rrd.SPREAD
MARK = ".likely."
_LETTERS = {pace: pace.value[0] for pace in Pace}
_PACES = {letter: pace for pace, letter in _LETTERS.items()}
_NAME = re.compile(
    r"^(?P<series>[0-9a-f]{32}\.rrd)\.likely\.(?P<hours>[0-9]{1,3})(?P<pace>[snq])\.(?P<begun>[0-9]{1,11})"
    r"\.(?P<point>[A-Za-z0-9.-]{1,19})$"
)


class Known(Struct, frozen=True):
    """A file, by its name.

    Attributes:
        series: name of the file beside which it lies.
        begun: epoch second at which learning began.
    """

    series: str
    baseline: Baseline
    begun: int

    @property
    def name(self) -> str:
        """Its own name."""
        one = self.baseline
        kind = f"{one.season_s // 3600}{_LETTERS[one.pace]}"
        return f"{self.series}{MARK}{kind}.{self.begun}.{one.point.replace('_', '.')}"


def known(name: str) -> Known | None:
    """What a file's name says; None when it is no such file."""
    found = _NAME.match(name) if MARK in name else None
    if found is None:
        return None
    season_s = int(found["hours"]) * 3600
    if not LEAST_SEASON_S <= season_s <= MOST_SEASON_S:
        return None
    point = found["point"].replace(".", "_")
    return Known(
        found["series"], Baseline(point=point, season_s=season_s, pace=_PACES[found["pace"]]), int(found["begun"])
    )


@lru_cache(maxsize=256)
def part_s(baseline: Baseline, step_s: int) -> int:
    """How long a part is: it divides the season, and holds a sample."""
    least = max(PART_S, step_s)
    return next((length for length in range(least, baseline.season_s // 2) if baseline.season_s % length == 0), 0)


def create_arguments(path: str, baseline: Baseline, point: Point, length_s: int, first: int) -> list[str]:
    """Arguments of `rrdtool create` for a file whose first sample is stamped `first`."""
    parts = baseline.season_s // length_s
    rows = max(parts, DRAWN_S // length_s)
    alpha = 1 - (1 - SETTLED) ** (1 / (parts * _SEASONS[baseline.pace]))
    weight = _WEIGHT[baseline.pace]
    heartbeat = 3 * length_s if rrd.rrd_type(point.kind) == "DERIVE" else length_s + length_s // 2
    limits = ":".join("U" if limit is None else repr(float(limit)) for limit in (point.minimum, point.maximum))
    return [
        *(path, "--start", str(first - first % length_s - length_s), "--step", str(length_s), "--no-overwrite"),
        f"DS:{point.name}:{rrd.rrd_type(point.kind)}:{heartbeat}:{limits}",
        f"RRA:AVERAGE:{rrd.KNOWN_SHARE}:1:{KEPT}",
        f"RRA:{EXPECTED}:{rows}:{alpha:.9f}:{SLOPE}:{parts}:3",
        f"RRA:SEASONAL:{parts}:{weight}:2:smoothing-window={SMOOTHED}",
        f"RRA:DEVSEASONAL:{parts}:{weight}:2:smoothing-window={SMOOTHED}",
        f"RRA:{SPREAD}:{rows}:4",
        f"RRA:FAILURES:{KEPT}:{FAILURES[0]}:{FAILURES[1]}:4",
    ]


class Band(Struct, frozen=True):
    """Where it stands what was expected of a point: `EXPECTED` ± so many times `SPREAD` of the data source.

    Attributes:
        path: of the file.
        source: name of the data source: that of the point.
        begun: epoch second at which learning began; the first two seasons from there on hold nothing.
    """

    path: str
    source: str
    baseline: Baseline
    begun: int


def bands(root: Path, series: str) -> list[Band]:
    """What there is of a series file.

    Args:
        root: the RRD folder.
        series: path of the series file below it.
    """
    folder, _, name = series.rpartition("/")
    try:
        names = sorted(entry.name for entry in (root / folder).iterdir() if entry.name.startswith(f"{name}{MARK}"))
    except OSError:
        return []
    found = ((one, known(one)) for one in names)
    return [
        Band(str(root / folder / one), what.baseline.point, what.baseline, what.begun)
        for one, what in found
        if what is not None
    ]
