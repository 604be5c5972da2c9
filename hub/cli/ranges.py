"""Ranges of time as operators type them: `30m`, `2d`, `START..END`, `yesterday`, `2026-11`."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo

from msgspec import Struct

from hub.cli.exits import usage

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_LENGTH = re.compile(r"(\d{1,6})([smhdwy])", re.ASCII)
_CALENDAR = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
LENGTHS = "30m, 1h, 2d, 1w and the like"
FORMS = (
    "30m, 1h, 2d, 1w; today, yesterday, this or last week, month or year; 2026-11, 2026-11-20; or START..END with such "
    "days or times such as 2026-01-31T08:00 (END may be left out)"
)


class Range(Struct, frozen=True):
    """Two epoch seconds, the first before the second."""

    start: int
    end: int


def parse_range(text: str, now: float, zone: tzinfo | None = None) -> Range:
    """Read a range that ends now, one with both ends, or one by the calendar.

    What the calendar has not ended yet ends now. A day as an end counts with all of it.

    Args:
        text: as typed.
        now: epoch seconds.
        zone: whose calendar; None for this terminal's.

    Raises:
        CommandError: says which forms there are.
    """
    if ".." in text:
        first, _, last = text.partition("..")
        start = parse_time(first, now, zone)
        if start >= now:
            raise usage(f"The range {text!r} has not begun yet")
        end = _end(last, now, zone) if last.strip() else now
    else:
        length_s = _length_s(text)
        found = _by_calendar(text, now, zone) if length_s is None else (now - length_s, now)
        if found is None:
            raise usage(f"{text!r} is no range of time: {FORMS}")
        start, end = found
        if start >= now:
            raise usage(f"The range {text!r} has not begun yet")
        end = min(end, now)
    if start >= end:
        raise usage(f"The range {text!r} ends before it begins")
    if start < 0:
        raise usage(f"The range {text!r} begins before 1970")
    return Range(int(start), int(end))


def parse_length(text: str) -> int:
    """Read a length of time in seconds.

    Raises:
        CommandError: says which forms there are.
    """
    length_s = _length_s(text)
    if length_s is None:
        raise usage(f"{text!r} is no length of time: {LENGTHS}")
    return length_s


def parse_time(text: str, now: float, zone: tzinfo | None = None) -> float:
    """Read a moment: ISO 8601 (without a zone it is of the given one), a length ago, or epoch seconds.

    Raises:
        CommandError: says which forms there are.
    """
    wanted = text.strip()
    if wanted == "now":
        return now
    if _LENGTH.fullmatch(wanted):
        return now - parse_length(wanted)
    if re.fullmatch(r"\d{9,11}", wanted, re.ASCII):
        return float(wanted)
    found = _leaf(wanted, zone) if _CALENDAR.fullmatch(wanted) else None
    if found is not None:
        return found[0]
    try:
        at = datetime.fromisoformat(wanted)
        return (at if at.tzinfo or zone is None else at.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise usage(f"{text!r} is no time: ISO 8601 such as 2026-01-31T08:00, or a length ago such as 2h") from None


def _end(text: str, now: float, zone: tzinfo | None) -> float:
    found = _leaf(text.strip(), zone)
    return parse_time(text, now, zone) if found is None else min(found[1], now)


def _by_calendar(text: str, now: float, zone: tzinfo | None) -> tuple[float, float] | None:
    """Start and end of what a word or a date names; None for what names nothing."""
    wanted = " ".join(text.lower().replace("-", " ").split()) if text.strip()[:1].isalpha() else text.strip()
    today = datetime.fromtimestamp(now, zone).date()
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    year = today.replace(month=1, day=1)
    days: dict[str, tuple[date, date]] = {
        "today": (today, today + timedelta(days=1)),
        "yesterday": (today - timedelta(days=1), today),
        "this week": (monday, monday + timedelta(days=7)),
        "last week": (monday - timedelta(days=7), monday),
        "this month": (month, _next_month(month)),
        "last month": ((month - timedelta(days=1)).replace(day=1), month),
        "this year": (year, year.replace(year=year.year + 1)),
        "last year": (year.replace(year=year.year - 1), year),
    }
    if wanted in days:
        first, last = days[wanted]
        return _begin(first, zone), _begin(last, zone)
    return _leaf(wanted, zone)


def _leaf(text: str, zone: tzinfo | None) -> tuple[float, float] | None:
    """Start and end of a year, a month or a day; None for what is none."""
    match = _CALENDAR.fullmatch(text)
    if match is None:
        return None
    try:
        first = date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
        if match[3]:
            last = first + timedelta(days=1)
        else:
            last = _next_month(first) if match[2] else first.replace(year=first.year + 1)
        return _begin(first, zone), _begin(last, zone)
    except (ValueError, OverflowError, OSError):
        return None


def _next_month(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


def _begin(day: date, zone: tzinfo | None) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def _length_s(text: str) -> int | None:
    match = _LENGTH.fullmatch(text.strip())
    return int(match[1]) * _UNITS_S[match[2]] if match and int(match[1]) else None
