"""Ranges of time as they are typed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from hub.cli.exits import CommandError, Exit
from hub.cli.ranges import Range, parse_range, parse_time

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "length_s"), [("45s", 45), ("30m", 1800), ("1h", 3600), ("2d", 172800), ("1w", 604800), (" 1h ", 3600)]
)
def test_a_length_ends_now(text: str, length_s: int) -> None:
    assert parse_range(text, NOW) == Range(int(NOW) - length_s, int(NOW))


def test_both_ends_can_be_named() -> None:
    wanted = Range(1767225600, 1767229200)
    assert parse_range("2026-01-01T00:00:00Z..2026-01-01T01:00:00Z", NOW) == wanted
    assert parse_range("1767225600..1767229200", NOW) == wanted


def test_an_open_end_is_now_and_a_length_ago_is_a_time() -> None:
    assert parse_range("2h..1h", NOW) == Range(int(NOW) - 7200, int(NOW) - 3600)
    assert parse_range("2h..", NOW) == Range(int(NOW) - 7200, int(NOW))
    assert parse_time("now", NOW) == NOW


@pytest.mark.parametrize(
    "text", ["", "1", "h", "0m", "-1h", "1x", "1h30m", "soon", "..", "1h..2h", "2026-13-01..", "٣h"]
)
def test_what_is_no_range_is_a_usage_error_in_a_sentence(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_range(text, NOW)
    assert caught.value.exit_code is Exit.USAGE
    assert repr(text) in caught.value.message or "is no time" in caught.value.message


BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY = datetime(2026, 11, 21, 15, 30, tzinfo=BERLIN).timestamp()


def berlin(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", "2026-11-21", "2026-11-21T15:30"),
        ("yesterday", "2026-11-20", "2026-11-21"),
        ("last week", "2026-11-09", "2026-11-16"),
        ("Last-Week", "2026-11-09", "2026-11-16"),
        ("this week", "2026-11-16", "2026-11-21T15:30"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("2026-11", "2026-11-01", "2026-11-21T15:30"),
        ("2026-10", "2026-10-01", "2026-11-01"),
        ("2025", "2025-01-01", "2026-01-01"),
        ("2026-03-29", "2026-03-29", "2026-03-30"),
        ("2026-11-19..2026-11-20", "2026-11-19", "2026-11-21"),
        ("2026-11-20..2026-11-21", "2026-11-20", "2026-11-21T15:30"),
        ("2026-09..2026-10", "2026-09-01", "2026-11-01"),
        ("2026-11-19..2026-11-20T08:00", "2026-11-19", "2026-11-20T08:00"),
        ("2026-11-19T22:00..", "2026-11-19T22:00", "2026-11-21T15:30"),
    ],
)
def test_the_calendar_of_a_zone_says_what_a_day_is(text: str, start: str, end: str) -> None:
    assert parse_range(text, SATURDAY, BERLIN) == Range(berlin(start), berlin(end))


@pytest.mark.parametrize("text", ["2027", "2026-12", "2026-11-22", "2026-12-01..2026-12-02"])
def test_what_has_not_begun_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="has not begun yet"):
        parse_range(text, SATURDAY, BERLIN)


@pytest.mark.parametrize("text", ["1000y", "1960..1961", "1969-12-31T22:00..2026"])
def test_what_begins_before_1970_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="begins before 1970"):
        parse_range(text, SATURDAY, BERLIN)


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "next week", "20261", "0000", "9999", "last fortnight"])
def test_what_no_calendar_has_is_no_range(text: str) -> None:
    with pytest.raises(CommandError):
        parse_range(text, SATURDAY, BERLIN)
