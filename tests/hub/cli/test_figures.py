"""Figures and foreign text, as people read them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.quantities import counted
from hub.cli.figures import NOTHING, iso, local_time, measured, moment, percent, safe, short_list, size, span


@given(st.text())
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    assert not {unicodedata.category(char) for char in safe(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202edef", "abc\\u202edef"),
        ("\ud800", "\\ud800"),
        ("[red]markup[/red] :smile:", "[red]markup[/red] :smile:"),
        ("Größe 漢字", "Größe 漢字"),
        ("C:\\new", "C:\\new"),
    ],
)
def test_hostile_text_comes_out_as_visible_codes_and_honest_text_as_it_is(text: str, wanted: str) -> None:
    assert safe(text) == wanted


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (None, "–"),
        (-3, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m 00s"),
        (3599, "59m 59s"),
        (8040, "2h 14m"),
        (90000, "1d 01h"),
        (8640000, "100d"),
    ],
)
def test_a_length_of_time_has_its_two_largest_units(seconds: float | None, wanted: str) -> None:
    assert span(seconds) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, "–"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (12500000, "11.9 MiB"),
        (2**40 * 5000, "5000 TiB"),
        (float("nan"), "–"),
        ("x", "–"),
        (True, "–"),
    ],
)
def test_bytes_have_a_prefix(value: object, wanted: str) -> None:
    assert size(value) == wanted


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        (1, "processes", "1 processes"),
        (0.254, "percent", "0.254 percent"),
        (2048, "bytes", "2.0 KiB"),
        (2048, "bytes/s", "2.0 KiB/s"),
        (90, "s", "1m 30s"),
        (0.0000668, "s", "66.8 µs"),
        (36543113.6, "bit/s", "36.54 Mbit/s"),
        (1070803160356698, "bit", "1.071 Pbit"),
        (1234567, "", "1 234 567"),
        (None, "s", "–"),
    ],
)
def test_a_measured_value_has_its_unit(value: object, unit: str, wanted: str) -> None:
    assert measured(value, unit) == wanted


def test_percent_has_one_decimal_and_unknown_is_a_dash() -> None:
    assert (percent(0.04), percent(99.96), percent(None)) == ("0.0", "100.0", "–")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("1970-01-01T00:00:10Z", 10),
        ("1970-01-01T01:00:10+01:00", 10),
        ("1970-01-01T00:00:10", 10),
        (5, 5),
        (None, None),
        ("soon", None),
        (float("inf"), None),
    ],
)
def test_times_of_documents_are_read(value: object, wanted: float | None) -> None:
    assert moment(value) == wanted


@given(st.integers(0, 4_000_000_000))
def test_a_time_that_is_written_is_read_back(at: int) -> None:
    assert moment(iso(at)) == at


@pytest.mark.parametrize("at", [253402300799.0 + 86400, -62135596800.0 - 86400, 1e300, -1e300])
def test_a_time_of_no_calendar_is_a_dash(at: float) -> None:
    assert local_time(at) == NOTHING


@given(
    st.lists(st.integers(1, 4_000_000), max_size=30).map(lambda pids: [str(pid) for pid in pids]), st.integers(7, 60)
)
def test_a_shortened_list_counts_what_it_leaves_out(items: list[str], room: int) -> None:
    text = short_list(items, room)
    shown, _, rest = text.partition(" +")
    assert len(text) <= room + 4 or " " not in shown
    assert len(shown.split()) + int(rest or 0) == len(items)


def test_a_noun_follows_its_number() -> None:
    assert (counted(1, "set"), counted(0, "set"), counted(2, "process", "processes")) == (
        "1 set",
        "0 sets",
        "2 processes",
    )
