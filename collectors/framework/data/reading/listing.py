"""Which series of a device there are, with their last values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import rrdtool
from msgspec import Struct

from collectors.framework.data.index import Series
from collectors.framework.data.reading.naming import named, unknown_device
from common.errors import NotFoundError
from common.queries import LastValue, Listing, ListQuery
from common.series import Kind, Layout, Number, SeriesKey

MAX_LISTED = 500
MAX_LISTED_CHARACTERS = 100_000


class Live(Struct, frozen=True):
    """The newest sample of a series, from the daemon's memory.

    Attributes:
        values: what is stored of it.
        measured: the same, with counts in the place of rates; None where there are no counters.
    """

    key: SeriesKey
    layout: Layout
    at: int
    values: list[Number | None]
    measured: list[Number | None] | None = None


def list_series(query: ListQuery, held: Sequence[Series], live: Sequence[Live], root: Path) -> Listing:
    """A page of the series of a device."""
    if not held and not live:
        raise unknown_device(query.device, root)
    newest = {entry.key: entry for entry in live}
    files = {series.key: series for series in held}
    keys = sorted({*newest, *files})
    if query.component is not None:
        keys = [key for key in keys if key.component == query.component]
        if not keys:
            names = named(key.component for key in sorted({*newest, *files}))
            raise NotFoundError(
                f"Device {query.device!r} has no series of a component {query.component!r}; it has: {names}"
            )
    values: list[LastValue] = []
    seen = characters = 0
    for key in keys:
        layout = newest[key].layout if key in newest else files[key].layout
        if seen + len(layout.points) <= query.after:
            seen += len(layout.points)
            continue
        if len(values) >= MAX_LISTED or characters >= MAX_LISTED_CHARACTERS:
            return Listing(values=values, more=True)
        rows = _last_values(newest.get(key), files.get(key))
        rows = rows[max(0, query.after - seen) :]
        seen += len(layout.points)
        values += rows
        characters += sum(len(row.component) + len(row.source) + 100 for row in rows)
    return Listing(values=values, more=False)


def _last_values(live: Live | None, series: Series | None) -> list[LastValue]:
    if live is not None:
        key, layout, at, values = live.key, live.layout, live.at, live.values
        measured = live.measured or values
    else:
        assert series is not None
        key, layout = series.key, series.layout
        at, values = _last_of_file(series)
        measured = [
            None if point.kind is Kind.COUNTER else value for point, value in zip(layout.points, values, strict=True)
        ]
    return [
        LastValue(
            component=key.component,
            source=key.source,
            point=point.name,
            kind=point.kind.value,
            unit=point.unit,
            step_s=layout.step_s,
            at=at or None,
            value=value,
            first=series.first if series is not None else None,
            rate=figure if point.kind is Kind.COUNTER else None,
        )
        for point, value, figure in zip(layout.points, measured, values, strict=True)
    ]


def _last_of_file(series: Series) -> tuple[int, list[Number | None]]:
    try:
        info = rrdtool.info(series.file)
    except rrdtool.OperationalError:  # named, but not created yet: the disk is full
        return 0, [None] * len(series.layout.points)
    return int(info["last_update"]), [last_number(info.get(f"ds[{p.name}].last_ds", "U")) for p in series.layout.points]


def last_number(text: str) -> Number | None:
    """A last value as rrdtool writes it down; None for one that is unknown."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
