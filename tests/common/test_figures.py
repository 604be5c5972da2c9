"""Figures of daemons at a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from common.figures import columns, figure, lines_of


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("memory_bytes", 64 * 1024 * 1024, "64 MiB"),
        ("uptime_s", 7380.0, "2.05 h"),
        ("certificate_ends_at", 1_800_000_000.0, "2027-01-15T08:00:00Z"),
        ("certificate_ends_at", 1e300, "1e+300"),
        ("runs", 1234567, "1,234,567"),
        ("share", 0.123456, "0.123"),
        ("connected", True, "yes"),
        ("hub", "a\x1b[31m\nb", "a\ufffd[31m\ufffdb"),
    ],
)
def test_a_figure_says_its_unit(name: str, value: Any, text: str) -> None:
    assert figure(name, value) == text


def test_groups_are_indented_and_what_is_empty_is_left_out() -> None:
    figures = {
        "revision": 7,
        "peak_memory_bytes": 2048,
        "problem": "",
        "drops": {},
        "nothing": {"in_it": None},
        "local": {"kept": 3, "unread": {"ended": 5}},
        "names": ["a", "b"],
        "workers": [{"pid": 1, "live": True}, {"pid": 2, "live": False}],
    }
    assert lines_of(figures) == [
        "revision     7",
        "peak memory  2 KiB",
        "local",
        "  kept    3",
        "  unread",
        "    ended  5",
        "names  a, b",
        "workers",
        "  - pid   1",
        "    live  yes",
        "  - pid   2",
        "    live  no",
    ]


def test_long_lists_are_cut() -> None:
    assert lines_of({"n": list(range(25))})[0].endswith("18, 19 and 5 more")
    lines = lines_of({"n": [{"x": number} for number in range(25)]})
    assert (len(lines), lines[-1]) == (22, "  and 5 more")


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    assert columns([("a", "1", ""), ("long", "100", "x")], right=frozenset({1})) == ["  a       1", "  long  100  x"]
