"""RRD files as arguments of rrdtool: where a series lies, what its file holds, how a sample is written down.

Pure: nothing here opens a file. A name that comes from a monitored host never becomes part of a path; the path is a
hash of it, and the writer's index knows whose hash it is.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from itertools import compress
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from common.series import Kept, Kind, Layout, Number, Point, Retention, SeriesKey

DAY_S = 86_400
CONSOLIDATIONS = ("AVERAGE", "MIN", "MAX")
EXPECTED, SPREAD = "HWPREDICT", "DEVPREDICT"
"""What was expected of a value, and how far from that it usually is: the archives of what is learned."""
KNOWN_SHARE = 0.5
"""A consolidated row is known when more than half of what it covers is (rrdcreate(1), xff)."""

Coarse = tuple[tuple[int, int], ...]
"""Resolution and span in seconds of each archive beside the one at full step."""

PLANS: Mapping[Retention, tuple[int, Coarse]] = MappingProxyType(
    {
        Retention.SHORT: (DAY_S, ((600, 7 * DAY_S), (3600, 31 * DAY_S))),
        Retention.STANDARD: (DAY_S, ((600, 14 * DAY_S), (3600, 92 * DAY_S), (DAY_S, 3 * 366 * DAY_S))),
        Retention.LONG: (2 * DAY_S, ((600, 31 * DAY_S), (3600, 3 * 366 * DAY_S), (DAY_S, 10 * 366 * DAY_S))),
    }
)
"""Of each plan the span of the full step, and what is kept beside it."""

MOST_ROWS = 400_000
"""Of one point of a file in all archives, for each of `CONSOLIDATIONS`: 10 MB."""
MOST_FILE_BYTES = 256 * 1024 * 1024
MOST_HEADER_BYTES = 250_000
"""It is kept before each update, in a slot that outlives a kill."""

_STEPS = ".pdp_per_row"

EARLIEST = 315_360_000
"""rrdcreate refuses a start before 1980."""


class Archive(Struct, frozen=True):
    """One resolution of a file; it exists once for each of `CONSOLIDATIONS`.

    Attributes:
        steps: how many steps one row covers.
        rows: how many rows there are.
    """

    steps: int
    rows: int


def spans(retention: Kept) -> tuple[int, Coarse]:
    """Span of the full step in seconds, and resolution and span of each archive beside it."""
    if isinstance(retention, Retention):
        return PLANS[retention]
    return _seconds(retention.full_days), tuple((every_s, _seconds(days)) for every_s, days in retention.archives)


def _seconds(days: float) -> int:
    return math.ceil(days * DAY_S)


def archives(step_s: int, retention: Kept = Retention.STANDARD) -> tuple[Archive, ...]:
    """What a file with this step gets when it is created, finest first.

    As a standard a day at full step, two weeks at 10 minutes, three months at an hour, three years at a day. Where the
    step itself is as coarse as one of these, the two become one that lasts for the longer span.
    """
    full_s, coarse = spans(retention)
    rows: dict[int, int] = {}
    for resolution_s, span_s in ((step_s, full_s), *coarse):
        steps = max(1, round(resolution_s / step_s))
        rows[steps] = max(rows.get(steps, 0), math.ceil(span_s / (steps * step_s)))
    return tuple(Archive(steps, rows[steps]) for steps in sorted(rows))


def held_resolutions(info: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    """(seconds a row, seconds kept) of each archive that a file has, finest first.

    Args:
        info: of the file, as `rrdtool.info` gives it.
    """
    step_s = int(info["step"])
    steps = {key[: -len(_STEPS)]: step_s * int(info[key]) for key in info if key.endswith(_STEPS)}
    kept: dict[int, int] = {}
    for archive, seconds in steps.items():
        kept[seconds] = max(kept.get(seconds, 0), seconds * int(info[f"{archive}.rows"]))
    return tuple(sorted(kept.items()))


def header_bytes(points: int, step_s: int, retention: Kept = Retention.STANDARD) -> int:
    """Length of a new file's header: all that rrdtool changes in place, before the rows.

    Source: the structures of rrd_format.h (1.7, 64 bit).
    """
    count = len(archives(step_s, retention)) * len(CONSOLIDATIONS)
    return 128 + 120 * points + 120 * count + 16 + 112 * points + 80 * points * count + 8 * count


def size_bytes(points: int, step_s: int, retention: Kept = Retention.STANDARD) -> int:
    """Length of a file, which never changes after it is created."""
    rows = sum(archive.rows for archive in archives(step_s, retention)) * len(CONSOLIDATIONS)
    return header_bytes(points, step_s, retention) + 8 * points * rows


def wrong_with_size(points: int, step_s: int, retention: Kept) -> str:
    """Why a plan is too large for such a file, as a sentence; empty when it is not."""
    rows = sum(archive.rows for archive in archives(step_s, retention))
    if rows > MOST_ROWS:
        advice = "keep the full step for a shorter time, or read the device less often"
        return f"a file with a step of {step_s} s would have {rows:,} rows a point; at most {MOST_ROWS:,}: {advice}"
    header = header_bytes(points, step_s, retention)
    if header > MOST_HEADER_BYTES:
        return (
            f"the header of a file of {points} points would have {header:,} bytes; at most {MOST_HEADER_BYTES:,}: "
            "have fewer archives, or fewer points"
        )
    size = size_bytes(points, step_s, retention)
    if size > MOST_FILE_BYTES:
        most = MOST_FILE_BYTES // 1024**2
        return f"a file of {points} points with a step of {step_s} s would take {size:,} bytes; at most {most} MiB"
    return ""


def file_name(key: SeriesKey) -> str:
    """Path of a series below the RRD folder: `a/b/ab….rrd`, hex digits only, whatever the names hold."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (key.device, key.component, key.source):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    name = digest.hexdigest()
    return f"{name[0]}/{name[1]}/{name}.rrd"


def heartbeat_s(point: Point, step_s: int) -> int:
    """Longest time between two samples that still counts as known.

    Samples lie on the grid, so one that is missing is a gap: a gauge must not be invented. What was counted meanwhile
    is known, and spread over up to three steps.
    """
    return step_s + step_s // 2 if rrd_type(point.kind) == "GAUGE" else 3 * step_s


def before_gap(
    values: Sequence[Number | None], points: Sequence[Point], gap_s: int, step_s: int
) -> list[Number | None]:
    """What to write one step before the first sample after a gap, so that the gap takes no more than is missing.

    Without it, rrdtool holds the whole time since the last sample for unknown, and the new sample with it. A counter
    is given its new count, so that what it counted in a short gap is put there and not lost.
    """
    return [
        value if rrd_type(point.kind) == "DERIVE" and gap_s <= heartbeat_s(point, step_s) else None
        for value, point in zip(values, points, strict=True)
    ]


def create_arguments(path: str, layout: Layout, first: int) -> list[str]:
    """Arguments of `rrdtool create` for a file whose first sample is stamped `first`.

    The file starts one step before that sample, or it would be lost; an existing file is never written over.
    """
    sources = [_data_source(point, layout.step_s) for point in layout.points]
    rras = [
        f"RRA:{cf}:{KNOWN_SHARE}:{archive.steps}:{archive.rows}"
        for archive in archives(layout.step_s, layout.retention)
        for cf in CONSOLIDATIONS
    ]
    start = ["--start", str(first - layout.step_s), "--step", str(layout.step_s)]
    return [path, *start, "--no-overwrite", *sources, *rras]


def rrd_type(kind: Kind) -> str:
    """Type of the data source that holds a kind.

    Of a counter the rate is stored, which the sample path makes: RRD's own COUNTER takes a reset for a wrap and draws a
    spike, and knows no other time than the step.
    """
    return {Kind.DERIVE: "DERIVE", Kind.ABSOLUTE: "ABSOLUTE"}.get(kind, "GAUGE")


def _data_source(point: Point, step_s: int) -> str:
    texts = ":".join("U" if limit is None else repr(limit) for limit in limits(point))
    return f"DS:{point.name}:{rrd_type(point.kind)}:{heartbeat_s(point, step_s)}:{texts}"


def limits(point: Point) -> tuple[float | None, float | None]:
    """Least and largest value that a file takes of a point; None for any."""
    minimum = 0.0 if point.kind is Kind.COUNTER and point.minimum is None else point.minimum
    return (None if minimum is None else float(minimum), None if point.maximum is None else float(point.maximum))


def template(points: Sequence[Point]) -> str:
    """Names of the points in the order in which `update_text` puts their values."""
    return ":".join(point.name for point in points)


def value_text(value: Number | None, *, whole: bool) -> str:
    """A value as rrdtool reads it without loss: integers as digits (64 bits hold), floats in full, U for unknown.

    Args:
        value: int or float.
        whole: the data source takes integers only (DERIVE).
    """
    if value is None or not math.isfinite(value):
        return "U"
    if isinstance(value, int):
        return str(int(value))
    return str(round(value)) if whole else repr(value)


def update_text(at: int, values: Sequence[Number | None], whole: Sequence[bool]) -> str:
    """One sample as an argument of `rrdtool update`."""
    text = ":".join(map(repr, values))
    if "n" not in text and float not in map(type, compress(values, whole)):  # no None, nan or inf, as nearly always
        return f"{at}:{text}"
    texts = [value_text(value, whole=flag) for value, flag in zip(values, whole, strict=True)]
    return f"{at}:{':'.join(texts)}"


def whole_numbers(points: Sequence[Point]) -> tuple[bool, ...]:
    """For each point, whether its data source takes integers only."""
    return tuple(rrd_type(point.kind) == "DERIVE" for point in points)
