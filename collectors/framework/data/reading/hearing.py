"""Newest samples of series, as the hub hears them for the time when their collector is away (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.framework.data.spool.intake import Latest
from common.queries import MAX_PAGE_BYTES
from common.readings import Heard, HeardSeries, PointFacts
from common.series import Kind, Number

PAGE = 400
"""Series in a page, at most."""


def heard(series: Sequence[Latest], last: int, more: bool) -> Heard:  # noqa: FBT001 - of what it is given
    """What is told of some series; a page ends early when it would be too large for the wire."""
    told: list[HeardSeries] = []
    size = 0
    for one in series:
        points = one.layout.points
        size += 60 + sum(40 + len(point.name) + 4 * len(point.unit) for point in points)
        size += 4 * (len(one.key.device) + len(one.key.component) + len(one.key.source))
        if told and size > MAX_PAGE_BYTES:
            return Heard(series=told, last=one.number - 1, more=True)
        told.append(
            HeardSeries(
                device=one.key.device,
                component=one.key.component,
                source=one.key.source,
                points=[PointFacts(name=point.name, kind=point.kind.value, unit=point.unit) for point in points],
                step_s=one.layout.step_s,
                at=one.at,
                values=one.measured,
                rates=_rates(one),
            )
        )
    return Heard(series=told, last=last, more=more)


def _rates(one: Latest) -> list[Number | None] | None:
    points = one.layout.points
    if not any(point.kind is Kind.COUNTER for point in points):
        return None
    return [value if point.kind is Kind.COUNTER else None for point, value in zip(points, one.values, strict=True)]
