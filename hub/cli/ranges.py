"""Ranges of time as operators type them: `30m`, `2d`, `START..END`."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

from hub.cli.exits import usage

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_LENGTH = re.compile(r"(\d{1,6})([smhdwy])", re.ASCII)
LENGTHS = "30m, 1h, 2d, 1w and the like"
FORMS = "30m, 1h, 2d, 1w, or START..END with times such as 2026-01-31T08:00 (END may be left out)"


class Range(Struct, frozen=True):
    """Two epoch seconds, the first before the second."""

    start: int
    end: int


def parse_range(text: str, now: float) -> Range:
    """Read a range that ends now, or one with both ends.

    Raises:
        CommandError: says which forms there are.
    """
    if ".." in text:
        first, _, last = text.partition("..")
        start = parse_time(first, now)
        end = parse_time(last, now) if last.strip() else now
    else:
        length_s = _length_s(text)
        if length_s is None:
            raise usage(f"{text!r} is no range of time: {FORMS}")
        start, end = now - length_s, now
    if start >= end:
        raise usage(f"The range {text!r} ends before it begins")
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


def parse_time(text: str, now: float) -> float:
    """Read a moment: ISO 8601 (without a zone it is this terminal's), a length ago, or epoch seconds.

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
    try:
        at = datetime.fromisoformat(wanted)
        return (at if at.tzinfo else at.astimezone()).timestamp()
    except (ValueError, OverflowError):
        raise usage(f"{text!r} is no time: ISO 8601 such as 2026-01-31T08:00, or a length ago such as 2h") from None


def _length_s(text: str) -> int | None:
    match = _LENGTH.fullmatch(text.strip())
    return int(match[1]) * _UNITS_S[match[2]] if match and int(match[1]) else None
