"""What the lines of an interval come to (pure): counts as rates, times as their least, mean and greatest.

A gauge stays until it is set anew, as the programs that send it expect. One that was not heard of for an hour is
dropped, so that what has gone is not drawn for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from collectors.framework.sources.results import Measured
from collectors.probes.output.names import fitting
from collectors.probes.statsd.lines import COUNT, GAUGE, TIMING, Line
from common.series import Number, Point

MAX_TIMES = 10_000
MAX_UNIQUE = 100_000
MAX_POINTS = 400
"""Of a component."""
FORGET_S = 3600.0
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
    unique: set[str] = field(default_factory=set)


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
            if len(self._metrics) >= self._most:
                self.dropped += 1
                return
            metric = self._metrics[key] = _Metric(line.kind, now)
        if metric.kind != line.kind:
            self.mixed.add(f"{line.component}.{line.name}".lstrip("."))
            return
        metric.heard = now
        if isinstance(line.value, str):
            if len(metric.unique) < MAX_UNIQUE:
                metric.unique.add(line.value)
        elif line.kind == COUNT:
            metric.count += line.value / line.rate
        elif line.kind == GAUGE:
            metric.level = metric.level + line.value if line.adds else line.value
        else:
            _add_time(metric, line.value, 1 / line.rate)

    def read(self, passed_s: float, now: float) -> list[tuple[Measured, tuple[Point, ...]]]:
        """The figures of an interval of so many seconds, of each component with its points; the next one begins."""
        for key in [key for key, metric in self._metrics.items() if now - metric.heard > FORGET_S]:
            del self._metrics[key]
        rows: dict[str, dict[str, Number | None]] = {}
        points: dict[str, dict[str, Point]] = {}
        for (component, name), metric in self._metrics.items():
            row, known = rows.setdefault(component, {}), points.setdefault(component, {})
            for point, value in _figures(name, metric, passed_s):
                if len(known) < MAX_POINTS or point.name in known:
                    row[point.name], known[point.name] = value, point
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

    def forgive(self) -> None:
        """What was dropped has been told."""
        self.dropped, self.mixed, self.crowded = 0, set(), ""


def _add_time(metric: _Metric, value: float, weight: float) -> None:
    metric.least = min(metric.least, value) if metric.number else value
    metric.most = max(metric.most, value) if metric.number else value
    metric.number += 1
    metric.count += weight
    metric.total += value
    if len(metric.times) < MAX_TIMES:
        metric.times.append(value)
    else:
        metric.times[metric.number % MAX_TIMES] = value


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
