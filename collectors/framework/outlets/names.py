"""What a series of ours is called in the world of Prometheus (pure).

Every point is `tocsin_value`, and a count that only rises is `tocsin_count_total`; which point of what it is, labels
tell. So a query over all hosts names one metric, and a point's name, which may be any, is text and no syntax.
"""

from __future__ import annotations

from common.series import Kind, Point, SeriesKey

VALUE = "tocsin_value"
COUNT = "tocsin_count"
TOTAL = "_total"
"""What the name of a counter ends with (OpenMetrics 1.0)."""

HELP = {
    VALUE: "The newest value of a data point, in the unit that its template says.",
    COUNT: "What has been counted of a data point, since the count began.",
}


def is_count(point: Point) -> bool:
    """Whether samples of a point hold what was counted, and not how much there is."""
    return point.kind is Kind.DERIVE


def metric(point: Point) -> str:
    """Name of the metric."""
    return COUNT + TOTAL if is_count(point) else VALUE


def labels(key: SeriesKey, point: Point) -> dict[str, str]:
    """Labels of a point, in order of their names; one that is empty is left out, which means the same."""
    named = {"component": key.component, "device": key.device, "point": point.name, "source": key.source}
    return {name: text(value) for name, value in named.items() if value}


def text(value: str) -> str:
    """A name as UTF-8 can have it: a half of a surrogate pair is no character."""
    return value.encode("utf-8", "replace").decode("utf-8")
