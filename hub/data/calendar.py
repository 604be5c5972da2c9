"""Days, weeks and months as a calendar on the wall has them (pure)."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from msgspec import Struct

from common.errors import PermanentError
from common.queries import MAX_EDGES

MAX_ZONE = 100


class Unit(enum.Enum):
    """What a row is to be of."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Page(Struct, frozen=True):
    """A leaf of the calendar.

    Attributes:
        name: its first day, `2026-11-20`; of a month `2026-11`.
        start, end: epoch seconds, the end being the start of the next.
    """

    name: str
    start: int
    end: int


def zone_named(name: str) -> ZoneInfo:
    """The time zone of a name.

    Raises:
        PermanentError: there is none.
    """
    try:
        if name.isascii() and len(name) <= MAX_ZONE:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    if not available_timezones():
        raise PermanentError("No time zones are known on this machine; install its package tzdata")
    raise PermanentError(f"{name[:MAX_ZONE]!r} is no time zone; one is called for example Europe/Berlin, or UTC")


def pages(unit: Unit, zone: ZoneInfo, start: float, end: float) -> list[Page]:
    """All leaves that have a part of a time, whole.

    A day has 23 or 25 hours where clocks are set that day, and begins with the first moment that has its date. Weeks
    begin on Monday.

    Raises:
        PermanentError: that is no time that a calendar has, or too long.
    """
    try:
        first = _first(unit, dt.datetime.fromtimestamp(start, zone).date())
    except (OverflowError, ValueError, OSError):
        raise PermanentError("The start is in no year that a calendar has") from None
    found: list[Page] = []
    for day, following in _leaves(unit, first):
        since, until = _begin(day, zone), _begin(following, zone)
        if since >= end and found:
            break
        if since < until and until > start:  # some zones have left out a day
            found.append(Page(day.strftime("%Y-%m" if unit is Unit.MONTH else "%Y-%m-%d"), since, until))
        if len(found) >= MAX_EDGES:
            raise PermanentError(f"The time has more than {MAX_EDGES - 1} {unit.value}s; ask for less")
    return found


def _first(unit: Unit, day: dt.date) -> dt.date:
    if unit is Unit.WEEK:
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if unit is Unit.MONTH else day


def _leaves(unit: Unit, day: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    while True:
        if unit is Unit.MONTH:
            following = day.replace(day=28) + dt.timedelta(days=4)
            following = following.replace(day=1)
        else:
            following = day + dt.timedelta(days=7 if unit is Unit.WEEK else 1)
        yield day, following
        day = following


def _begin(day: dt.date, zone: ZoneInfo) -> int:
    """Epoch second at which a date begins; one that a zone has left out begins with the next."""
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
