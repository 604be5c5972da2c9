from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.quantities import apart, quantity


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "bytes", "0 B"),
        (1023, "bytes", "1023 B"),
        (2.1 * 1024**3, "bytes", "2.1 GiB"),
        (2 * 1024**3, "bytes", "2 GiB"),
        (1536, "bytes/s", "1.5 KiB/s"),
        (95, "percent", "95 %"),
        (12.3456, "percent", "12.3 %"),
        (1, "processes", "1 process"),
        (1, "files", "1 file"),
        (3, "processes", "3 processes"),
        (0.5, "restarts/s", "0.5 restarts/s"),
        (1, "restarts/s", "1 restarts/s"),
        (90, "s", "1.5 min"),
        (59, "s", "59 s"),
        (259_200, "s", "3 days"),
        (86_400, "s", "1 day"),
        (1, "s", "1 s"),
        (-2048, "bytes", "-2 KiB"),
        (1234567, "", "1234567"),
        (1234.5678, "", "1235"),
        (0.00012345, "", "0.000123"),
        (1e-9, "", "1e-09"),
        (1e200, "", "1e+200"),
        (10**300, "bytes", "8.67e+281 EiB"),
    ],
)
def test_a_number_in_words(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_two_numbers_that_differ_do_not_look_alike() -> None:
    gib = 1024**3
    assert apart(2 * gib + gib // 1000, 2 * gib, "bytes") == ("2.001 GiB", "2 GiB")
    assert apart(95.5, 90, "percent") == ("95.5 %", "90 %")
    assert apart(5, 5, "") == ("5", "5")


@given(st.integers(-(10**300), 10**300) | st.floats(-1e300, 1e300), st.sampled_from(["", "bytes", "s", "files/s"]))
def test_any_number_has_words(value: float, unit: str) -> None:
    assert len(quantity(value, unit)) < 60
