from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import PermanentError
from hub.data.calendar import Unit, pages, zone_named

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: str = "Europe/Berlin") -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_days_are_whole_and_have_23_or_25_hours_when_clocks_are_set() -> None:
    found = pages(Unit.DAY, BERLIN, at("2026-03-28T12:00"), at("2026-03-30T00:00"))
    assert [(day.name, (day.end - day.start) // 3600) for day in found] == [("2026-03-28", 24), ("2026-03-29", 23)]
    found = pages(Unit.DAY, BERLIN, at("2026-10-25T00:00"), at("2026-10-26T00:00"))
    assert [(day.name, (day.end - day.start) // 3600) for day in found] == [("2026-10-25", 25)]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    weeks = pages(Unit.WEEK, BERLIN, at("2026-11-18T12:00"), at("2026-11-24T12:00"))
    assert [week.name for week in weeks] == ["2026-11-16", "2026-11-23"]
    months = pages(Unit.MONTH, BERLIN, at("2026-12-31T23:59"), at("2027-03-01T00:00"))
    assert [(month.name, (month.end - month.start) / 86400) for month in months] == [
        ("2026-12", 31),
        ("2027-01", 31),
        ("2027-02", 28),
    ]


def test_days_of_half_hour_zones_begin_at_their_midnight() -> None:
    (day,) = pages(Unit.DAY, ZoneInfo("Asia/Kathmandu"), at("2026-11-20T12:00", "UTC"), at("2026-11-20T13:00", "UTC"))
    assert day.start == at("2026-11-19T18:15", "UTC")


def test_a_day_that_a_zone_has_left_out_is_none_and_one_without_midnight_begins_later() -> None:
    days = pages(Unit.DAY, ZoneInfo("Pacific/Apia"), at("2011-12-29T12:00", "Pacific/Apia"), at("2012-01-01", "UTC"))
    assert [day.name for day in days] == ["2011-12-29", "2011-12-31", "2012-01-01"]
    (day,) = pages(
        Unit.DAY,
        ZoneInfo("America/Sao_Paulo"),
        at("2018-11-04T12:00", "America/Sao_Paulo"),
        at("2018-11-04T13:00", "America/Sao_Paulo"),
    )
    assert ((day.end - day.start) / 3600, day.start) == (23, at("2018-11-04T03:00", "UTC"))


@given(
    zone=st.sampled_from(sorted(available_timezones())),
    start=st.floats(0, 4e9),
    span_s=st.floats(0, 90 * 86400),
    unit=st.sampled_from(Unit),
)
def test_leaves_follow_one_another_and_hold_the_time(zone: str, start: float, span_s: float, unit: Unit) -> None:
    found = pages(unit, ZoneInfo(zone), start, start + span_s)
    assert found[0].start <= start < found[0].end
    assert found[-1].start <= start + span_s <= found[-1].end or found[-1].start < start + span_s <= found[-1].end
    for before, after in pairwise(found):
        assert before.end == after.start < after.end
        assert before.name < after.name


@pytest.mark.parametrize("name", ["Nowhere/City", "../../etc/passwd", "", "Европа", "x" * 200, "/etc/passwd", "Europe"])
def test_a_zone_that_is_none_is_named(name: str) -> None:
    with pytest.raises(PermanentError, match="is no time zone"):
        zone_named(name)


def test_too_many_days_are_refused() -> None:
    with pytest.raises(PermanentError, match="more than 4999 days"):
        pages(Unit.DAY, BERLIN, 0, 2_000_000_000)
    with pytest.raises(PermanentError, match="no year"):
        pages(Unit.DAY, BERLIN, 1e18, 2e18)
