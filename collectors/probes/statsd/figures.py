"""What the lines of an interval come to (pure): counts as rates, times as their least, mean and greatest.

A gauge stays until it is set anew, as the programs that send it expect. One that was not heard of for an hour is
dropped, so that what has gone is not drawn for ever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct, field

from collectors.framework.sources.results import Measured
from collectors.probes.output.names import fitting
from collectors.probes.statsd.lines import COUNT, GAUGE, TIMING, Line
from common.series import Number, Point

MAX_TIMES = 10_000
MAX_UNIQUE = 100_000
MAX_KEPT = 500_000
"""Times and different values of an interval, of all metrics together: some 50 MB."""
MAX_POINTS = 400
"""Of a component."""
FORGET_S = 3600.0
PLACE_S = 86_400.0
"""So long a metric that is sent no more takes a place: who makes up names fills no disk by making up others."""
PERCENT = 95


class _Metric(Struct):
    kind: str
    heard: float
    count: float = 0.0
    level: float = 0.0
    times: list[float] = field(default_factory=list)
    number: int = 0
    least: float = 0.0
    most: float = 0.0
    total: float = 0.0
    unique: set[int] = field(default_factory=set)


class Figures:
    """The metrics that there are.

    Args:
        most: so many are kept.

    Attributes:
        dropped: values of metrics that there was no room for.
        mixed: names that are sent as several types.
        crowded: a component that has more points than are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._metrics: dict[tuple[str, str], _Metric] = {}
        self._gone: dict[tuple[str, str], float] = {}  # when they were heard last, in order
        self._kept = 0
        self.dropped = 0
        self.mixed: set[str] = set()
        self.crowded = ""

    def __len__(self) -> int:
        return len(self._metrics)

    def add(self, line: Line, now: float) -> None:
        """Take a value in."""
        key = line.component, line.name
        metric = self._metrics.get(key)
        if metric is None:
            if key not in self._gone and len(self._metrics) + len(self._gone) >= self._most:
                self.dropped += 1
                return
            self._gone.pop(key, None)
            metric = self._metrics[key] = _Metric(line.kind, now)
        if metric.kind != line.kind:
            self.mixed.add(f"{line.component}.{line.name}".lstrip("."))
            return
        metric.heard = now
        if isinstance(line.value, str):
            self._add_unique(metric, line.value)
        elif line.kind == COUNT:
            metric.count += line.value / line.rate
        elif line.kind == GAUGE:
            level = metric.level + line.value if line.adds else line.value
            metric.level = level if math.isfinite(level) else metric.level
        else:
            self._kept += _add_time(metric, line.value, 1 / line.rate, room=self._kept < MAX_KEPT)

    def read(self, passed_s: float, now: float) -> list[tuple[Measured, tuple[Point, ...]]]:
        """The figures of an interval of so many seconds, of each component with its points; the next one begins."""
        for key in [key for key, metric in self._metrics.items() if now - metric.heard > FORGET_S]:
            self._gone[key] = self._metrics.pop(key).heard
        for key in [key for key, heard in self._gone.items() if not 0 <= now - heard <= PLACE_S]:
            del self._gone[key]
        self._kept = 0
        rows: dict[str, dict[str, Number | None]] = {}
        points: dict[str, dict[str, Point]] = {}
        for (component, name), metric in self._metrics.items():
            row, known = rows.setdefault(component, {}), points.setdefault(component, {})
            for point, value in _figures(name, metric, passed_s):
                if len(known) < MAX_POINTS or point.name in known:
                    row[point.name], known[point.name] = _finite(value), point
                else:
                    self.crowded = component
            _begin_anew(metric)
        return [
            (
                Measured(component=component, values=values, taken=now),
                tuple(points[component][name] for name in sorted(points[component])),
            )
            for component, values in rows.items()
        ]

    def _add_unique(self, metric: _Metric, value: str) -> None:
        mark = hash(value)
        if mark not in metric.unique and len(metric.unique) < MAX_UNIQUE and self._kept < MAX_KEPT:
            metric.unique.add(mark)
            self._kept += 1

    def forgive(self) -> None:
        """What was dropped has been told."""
        self.dropped, self.mixed, self.crowded = 0, set(), ""


def _finite(value: Number | None) -> Number | None:
    return value if value is not None and math.isfinite(value) else None


def _add_time(metric: _Metric, value: float, weight: float, *, room: bool) -> bool:
    """Take a time in; whether it took more room."""
    metric.least = min(metric.least, value) if metric.number else value
    metric.most = max(metric.most, value) if metric.number else value
    metric.number += 1
    metric.count += weight
    metric.total += value
    if not metric.times or (room and len(metric.times) < MAX_TIMES):
        metric.times.append(value)
        return True
    metric.times[metric.number % len(metric.times)] = value
    return False


def _figures(name: str, metric: _Metric, passed_s: float) -> list[tuple[Point, Number | None]]:
    def point(more: str = "", unit: str = "") -> Point:
        return Point(name=fitting(name, more, nameless="value"), unit=unit)

    if metric.kind == COUNT:
        return [(point(unit="/s"), metric.count / passed_s)]
    if metric.kind == GAUGE:
        return [(point(), metric.level)]
    if metric.kind == TIMING:
        known = bool(metric.number)
        parts = (
            ("_min", metric.least),
            ("_avg", metric.total / metric.number if known else 0.0),
            ("_max", metric.most),
            (f"_p{PERCENT}", _percentile(metric.times) if known else 0.0),
        )
        timed = [(point(more, "ms"), value if known else None) for more, value in parts]
        return [*timed, (point("_rate", "/s"), metric.count / passed_s)]
    return [(point(), len(metric.unique))]


def _percentile(times: Sequence[float]) -> float:
    """The value that so many percent are not above (nearest rank)."""
    ordered = sorted(times)
    return ordered[max(0, -(-len(ordered) * PERCENT // 100) - 1)]


def _begin_anew(metric: _Metric) -> None:
    metric.count, metric.total, metric.number = 0.0, 0.0, 0
    metric.times, metric.unique = [], set()
